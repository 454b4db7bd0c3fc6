/* Ed25519 keys: the OpenSSH and PKCS#8 private forms, the public line, and signatures. */
#include "net/sshkey.h"

#include "os/os.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FILE_MAX (64u << 10)
#define KEY_TYPE "ssh-ed25519"
#define MAGIC "openssh-key-v1" /* its NUL is part of the format */
#define PEM_COLUMNS 70
/* What plm_sshkey_private_text() writes before base64: all fields have fixed sizes. */
#define PRIVATE_SECTION 136
#define PRIVATE_BYTES (sizeof(MAGIC) + 8 + 8 + 4 + 4 + 4 + 51 + 4 + PRIVATE_SECTION)

/* ---- OpenSSH's wire format: big-endian numbers and counted strings (RFC 4251, section 5) ---- */

struct wire {
    const uint8_t *at;
    size_t left;
};

static bool take_bytes(struct wire *wire, size_t length, struct wire *out)
{
    if (length > wire->left)
        return false;
    *out = (struct wire){wire->at, length};
    wire->at += length;
    wire->left -= length;
    return true;
}

static bool take_number(struct wire *wire, uint32_t *out)
{
    struct wire raw;
    if (!take_bytes(wire, 4, &raw))
        return false;
    *out = (uint32_t)raw.at[0] << 24 | (uint32_t)raw.at[1] << 16 | (uint32_t)raw.at[2] << 8 |
           raw.at[3];
    return true;
}

static bool take_string(struct wire *wire, struct wire *out)
{
    uint32_t length;
    return take_number(wire, &length) && take_bytes(wire, length, out);
}

static bool is_text(const struct wire *field, const char *text)
{
    return field->left == strlen(text) && memcmp(field->at, text, field->left) == 0;
}

static uint8_t *put_number(uint8_t *at, uint32_t number)
{
    at[0] = (uint8_t)(number >> 24);
    at[1] = (uint8_t)(number >> 16);
    at[2] = (uint8_t)(number >> 8);
    at[3] = (uint8_t)number;
    return at + 4;
}

static uint8_t *put_string(uint8_t *at, const void *bytes, size_t length)
{
    at = put_number(at, (uint32_t)length);
    memcpy(at, bytes, length);
    return at + length;
}

static uint8_t *put_public(uint8_t *at, const uint8_t public_key[32])
{
    at = put_string(at, KEY_TYPE, strlen(KEY_TYPE));
    return put_string(at, public_key, 32);
}

/* ---- the curve ---- */

static bool derive_public(const uint8_t seed[32], uint8_t out[32], struct plm_error *err)
{
    EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
    size_t length = 32;
    bool ok = pair && EVP_PKEY_get_raw_public_key(pair, out, &length) == 1 && length == 32;
    EVP_PKEY_free(pair);
    ERR_clear_error(); /* what stays in OpenSSL's queue would surface in a later TLS call */
    return ok || plm_fail(err, PLM_E_INTERNAL, "the crypto library cannot use an Ed25519 key");
}

/* ---- parsing ---- */

static bool parse_private_section(struct wire section, struct plm_sshkey *key, const char **why)
{
    uint32_t check, again;
    struct wire type, public_key, pair, comment;
    *why = "its private part is damaged";
    if (section.left % 8 != 0 || !take_number(&section, &check) || !take_number(&section, &again) ||
        check != again || !take_string(&section, &type))
        return false;
    if (!is_text(&type, KEY_TYPE)) {
        *why = "it is no Ed25519 key";
        return false;
    }
    if (!take_string(&section, &public_key) || public_key.left != 32 ||
        !take_string(&section, &pair) || pair.left != 64 || !take_string(&section, &comment) ||
        section.left >= 8)
        return false;
    for (size_t i = 0; i < section.left; i++)
        if (section.at[i] != i + 1)
            return false;
    memcpy(key->seed, pair.at, 32);
    memcpy(key->public_key, public_key.at, 32);
    *why = "its private and public parts do not belong together";
    return memcmp(pair.at + 32, public_key.at, 32) == 0;
}

static bool parse_openssh(struct wire all, struct plm_sshkey *key, const char **why)
{
    struct wire magic, cipher, kdf, kdf_options, public_wire, section, type, public_key;
    uint32_t count;
    *why = "it is damaged";
    if (!take_bytes(&all, sizeof(MAGIC), &magic) || memcmp(magic.at, MAGIC, sizeof(MAGIC)) != 0 ||
        !take_string(&all, &cipher) || !take_string(&all, &kdf) ||
        !take_string(&all, &kdf_options) || !take_number(&all, &count))
        return false;
    if (!is_text(&cipher, "none") || !is_text(&kdf, "none") || kdf_options.left != 0) {
        *why = "it is protected by a passphrase, and only a key without one can be used";
        return false;
    }
    if (count != 1 || !take_string(&all, &public_wire) || !take_string(&all, &section) ||
        all.left != 0 || !take_string(&public_wire, &type))
        return false;
    if (!is_text(&type, KEY_TYPE)) {
        *why = "it is no Ed25519 key";
        return false;
    }
    if (!take_string(&public_wire, &public_key) || public_key.left != 32 || public_wire.left != 0)
        return false;
    if (!parse_private_section(section, key, why))
        return false;
    return memcmp(key->public_key, public_key.at, 32) == 0;
}

static bool parse_pkcs8(struct wire der, struct plm_sshkey *key, const char **why)
{
    const uint8_t *at = der.at;
    *why = "it is damaged";
    if (der.left > LONG_MAX)
        return false;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.left);
    EVP_PKEY *pair = info && at == der.at + der.left ? EVP_PKCS82PKEY(info) : NULL;
    bool ok = false;
    if (pair) {
        size_t seed_length = 32, public_length = 32;
        *why = "it is no Ed25519 key";
        ok = EVP_PKEY_get_base_id(pair) == EVP_PKEY_ED25519 &&
             EVP_PKEY_get_raw_private_key(pair, key->seed, &seed_length) == 1 &&
             EVP_PKEY_get_raw_public_key(pair, key->public_key, &public_length) == 1;
    }
    EVP_PKEY_free(pair);
    PKCS8_PRIV_KEY_INFO_free(info);
    return ok;
}

static bool parse_labelled(const char *label, const char *header, struct wire bytes,
                           struct plm_sshkey *key, const char **why)
{
    *why = "it is protected by a passphrase, and only a key without one can be used";
    if (strcmp(label, "ENCRYPTED PRIVATE KEY") == 0 || strstr(header, "ENCRYPTED"))
        return false;
    if (strcmp(label, "OPENSSH PRIVATE KEY") == 0)
        return parse_openssh(bytes, key, why);
    if (strcmp(label, "PRIVATE KEY") == 0)
        return parse_pkcs8(bytes, key, why);
    *why = "it is no private key in OpenSSH or PKCS#8 form";
    return false;
}

bool plm_sshkey_parse(const char *pem, size_t length, struct plm_sshkey *out, struct plm_error *err)
{
    if (length > KEY_FILE_MAX)
        return plm_fail(err, PLM_E_AUTH, "the key cannot be used: it is too large");
    const char *why = "it is no private key in OpenSSH or PKCS#8 form";
    struct plm_sshkey key = {0};
    char *label = NULL, *header = NULL;
    uint8_t *bytes = NULL;
    long count = 0;
    BIO *bio = BIO_new_mem_buf(pem, (int)length);
    bool ok = bio && PEM_read_bio(bio, &label, &header, &bytes, &count) == 1 &&
              parse_labelled(label, header, (struct wire){bytes, (size_t)count}, &key, &why);
    BIO_free(bio);
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_clear_free(bytes, (size_t)count);
    ERR_clear_error();

    uint8_t derived[32] = {0};
    if (ok && derive_public(key.seed, derived, err)) {
        ok = memcmp(derived, key.public_key, 32) == 0;
        why = "its private and public parts do not belong together";
    }
    if (ok)
        *out = key;
    plm_sshkey_wipe(&key);
    return ok || plm_fail(err, PLM_E_AUTH, "the key cannot be used: %s", why);
}

bool plm_sshkey_load(const char *path, struct plm_sshkey *out, struct plm_error *err)
{
    char *text = NULL;
    size_t size = 0;
    struct plm_error read = {0};
    char *place =
        NULL; /* a key may be linked to from where it is looked for; a store's files may not */
    bool found = plm_os_absolute_path(path, &place, NULL);
    bool is_read =
        plm_os_read_file(plm_os_cwd(), found ? place : path, KEY_FILE_MAX, &text, &size, &read);
    free(place);
    if (!is_read) {
        if (read.code == PLM_E_NOT_FOUND) {
            (void)plm_fail(err, PLM_E_AUTH,
                           "a signature needs a key, and there is none at %s; "
                           "`pullama keygen` makes one",
                           path);
        } else {
            (void)plm_fail(err, PLM_E_AUTH, "the key cannot be read: %s", read.msg);
        }
        if (err && err->code == PLM_E_AUTH)
            err->sys_errno = read.code == PLM_E_NOT_FOUND ? ENOENT : read.sys_errno;
        return false;
    }
    bool ok = plm_sshkey_parse(text, size, out, err);
    OPENSSL_cleanse(text, size);
    free(text);
    return ok || plm_prefix(err, "%s", path);
}

/* ---- making and writing ---- */

bool plm_sshkey_generate(struct plm_sshkey *out, struct plm_error *err)
{
    struct plm_sshkey key = {0};
    bool ok = RAND_priv_bytes(key.seed, (int)sizeof(key.seed)) == 1;
    if (!ok)
        (void)plm_fail(err, PLM_E_INTERNAL, "the crypto library has no random bytes");
    ok = ok && derive_public(key.seed, key.public_key, err);
    if (ok)
        *out = key;
    plm_sshkey_wipe(&key);
    return ok;
}

/* The two equal check numbers only tell a wrong passphrase from a right one; without one any will
 * do. */
static void put_private(uint8_t *at, const struct plm_sshkey *key, uint32_t check)
{
    memcpy(at, MAGIC, sizeof(MAGIC));
    at = put_string(at + sizeof(MAGIC), "none", 4);
    at = put_string(at, "none", 4);
    at = put_number(at, 0);
    at = put_number(at, 1);
    at = put_public(put_number(at, 51), key->public_key);
    at = put_number(at, PRIVATE_SECTION);
    uint8_t *end = at + PRIVATE_SECTION;
    at = put_public(put_number(put_number(at, check), check), key->public_key);
    at = put_number(at, 64);
    memcpy(at, key->seed, 32);
    memcpy(at + 32, key->public_key, 32);
    at = put_number(at + 64, 0);
    for (uint8_t pad = 1; at < end; pad++)
        *at++ = pad;
}

bool plm_sshkey_private_text(const struct plm_sshkey *key, struct plm_buf *out,
                             struct plm_error *err)
{
    static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
    static const char end[] = "-----END OPENSSH PRIVATE KEY-----\n";
    uint8_t bytes[PRIVATE_BYTES];
    unsigned char base64[4 * ((PRIVATE_BYTES + 2) / 3) + 1];
    char text[sizeof(begin) + sizeof(end) + sizeof(base64) * 2];
    uint32_t check = 0;
    if (RAND_bytes((unsigned char *)&check, (int)sizeof(check)) != 1)
        return plm_fail(err, PLM_E_INTERNAL, "the crypto library has no random bytes");

    put_private(bytes, key, check);
    size_t left = (size_t)EVP_EncodeBlock(base64, bytes, (int)sizeof(bytes));
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): more text follows */
    char *at = (char *)memcpy(text, begin, strlen(begin)) + strlen(begin);
    for (const unsigned char *from = base64; left > 0;) {
        size_t line = left < PEM_COLUMNS ? left : PEM_COLUMNS;
        memcpy(at, from, line);
        at[line] = '\n';
        at += line + 1;
        from += line;
        left -= line;
    }
    memcpy(at, end, strlen(end));
    at += strlen(end);

    /* One append: a buffer that grows would leave a part of the secret in freed memory. */
    bool ok = plm_buf_append(out, text, (size_t)(at - text), err);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    OPENSSL_cleanse(base64, sizeof(base64));
    OPENSSL_cleanse(text, sizeof(text));
    return ok;
}

bool plm_sshkey_public_line(const struct plm_sshkey *key, struct plm_buf *out,
                            struct plm_error *err)
{
    uint8_t bytes[51];
    unsigned char base64[68 + 1];
    (void)put_public(bytes, key->public_key);
    (void)EVP_EncodeBlock(base64, bytes, (int)sizeof(bytes));
    return plm_buf_printf(out, err, KEY_TYPE " %s", (const char *)base64);
}

bool plm_sshkey_sign(const struct plm_sshkey *key, const void *bytes, size_t length,
                     uint8_t signature[64], struct plm_error *err)
{
    EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->seed, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t made[64];
    size_t made_length = sizeof(made);
    bool ok = pair && context && EVP_DigestSignInit(context, NULL, NULL, NULL, pair) == 1 &&
              EVP_DigestSign(context, made, &made_length, bytes, length) == 1 &&
              made_length == sizeof(made);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pair);
    ERR_clear_error();
    if (!ok)
        return plm_fail(err, PLM_E_INTERNAL, "the crypto library cannot sign");
    memcpy(signature, made, sizeof(made));
    return true;
}

void plm_sshkey_wipe(struct plm_sshkey *key)
{
    if (key)
        OPENSSL_cleanse(key, sizeof(*key));
}
