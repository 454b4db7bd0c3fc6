#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "net/sshkey.h"

static bool verifies(const uint8_t public_key[32], const void *bytes, size_t length,
                     const uint8_t signature[64])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_non_null(key);
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, NULL, NULL, key), 1);
    bool ok = EVP_DigestVerify(context, signature, 64, bytes, length) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return ok;
}

static struct plm_sshkey make_key(void)
{
    struct plm_sshkey key;
    struct plm_error err = {0};
    assert_true(plm_sshkey_generate(&key, &err));
    return key;
}

static struct plm_buf private_text(const struct plm_sshkey *key)
{
    struct plm_buf text = PLM_BUF_INIT(4096);
    struct plm_error err = {0};
    assert_true(plm_sshkey_private_text(key, &text, &err));
    return text;
}

static void assert_refused(const char *text, size_t length, const char *because)
{
    struct plm_sshkey key;
    memset(&key, 0x5a, sizeof(key));
    struct plm_error err = {0};
    assert_false(plm_sshkey_parse(text, length, &key, &err));
    assert_int_equal(err.code, PLM_E_AUTH);
    if (!strstr(err.msg, because))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, because);
    assert_int_equal(key.seed[0], 0x5a);
}

static void a_written_key_is_read_again(void **state)
{
    (void)state;
    struct plm_sshkey key = make_key(), again;
    struct plm_error err = {0};
    struct plm_buf text = private_text(&key);
    assert_true(plm_sshkey_parse(text.bytes, text.size, &again, &err));
    assert_memory_equal(&key, &again, sizeof(key));
    plm_buf_done(&text);
}

static void a_signature_is_good_for_its_bytes_alone(void **state)
{
    (void)state;
    struct plm_sshkey key = make_key();
    uint8_t signature[64];
    struct plm_error err = {0};
    assert_true(plm_sshkey_sign(&key, "GET,x", 5, signature, &err));
    assert_true(verifies(key.public_key, "GET,x", 5, signature));
    assert_false(verifies(key.public_key, "GET,y", 5, signature));
}

static void two_keys_differ(void **state)
{
    (void)state;
    struct plm_sshkey a = make_key(), b = make_key();
    assert_memory_not_equal(a.seed, b.seed, 32);
    plm_sshkey_wipe(&a);
    assert_int_equal(a.seed[0] | a.seed[31] | a.public_key[0], 0);
}

static void the_public_line_is_the_wire_form_in_base64(void **state)
{
    (void)state;
    struct plm_sshkey key = make_key();
    struct plm_error err = {0};
    struct plm_buf line = PLM_BUF_INIT(256), wire = PLM_BUF_INIT(256);
    assert_true(plm_sshkey_public_line(&key, &line, &err));
    assert_memory_equal(line.bytes, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI", 37);
    assert_int_equal(line.size, 12 + 68);
    assert_true(plm_base64_decode(line.bytes + 12, 68, &wire, &err));
    assert_int_equal(wire.size, 51);
    assert_memory_equal(wire.bytes + 19, key.public_key, 32);
    plm_buf_done(&line);
    plm_buf_done(&wire);
}

/* Decodes a made key's base64, lets one byte be changed, and wraps it again. */
static void assert_byte_matters(const struct plm_buf *text, size_t at, uint8_t flip)
{
    struct plm_error err = {0};
    struct plm_buf raw = PLM_BUF_INIT(4096), broken = PLM_BUF_INIT(4096);
    const char *body = strchr(text->bytes, '\n') + 1;
    const char *end = strstr(body, "-----END");
    assert_true(plm_base64_decode(body, (size_t)(end - body), &raw, &err));
    assert_true(at < raw.size);
    raw.bytes[at] = (char)(raw.bytes[at] ^ flip);
    assert_true(plm_buf_printf(&broken, &err, "-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    for (size_t i = 0; i < raw.size; i += 48) {
        size_t part = raw.size - i < 48 ? raw.size - i : 48;
        assert_true(plm_base64_encode(PLM_BASE64_STANDARD, raw.bytes + i, part, &broken, &err));
        assert_true(plm_buf_append(&broken, "\n", 1, &err));
    }
    assert_true(plm_buf_printf(&broken, &err, "-----END OPENSSH PRIVATE KEY-----\n"));
    assert_refused(broken.bytes, broken.size, "cannot be used");
    plm_buf_done(&raw);
    plm_buf_done(&broken);
}

static void every_changed_byte_is_noticed(void **state)
{
    (void)state;
    struct plm_sshkey key = make_key();
    struct plm_buf text = private_text(&key);
    for (size_t at = 0; at < 234; at++) {
        assert_byte_matters(&text, at, 0x01);
        assert_byte_matters(&text, at, 0x80);
    }
    plm_buf_done(&text);
}

static void a_cut_key_is_refused_at_every_length(void **state)
{
    (void)state;
    struct plm_sshkey key = make_key();
    struct plm_buf text = private_text(&key);
    for (size_t length = 0; length + 2 < text.size; length++)
        assert_refused(text.bytes, length, "cannot be used");
    plm_buf_done(&text);
}

static char *pkcs8_text(EVP_PKEY *key, const EVP_CIPHER *cipher, size_t *length)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(
        PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, "passphrase", cipher ? 10 : 0, NULL, NULL),
        1);
    char *bytes = NULL;
    *length = (size_t)BIO_get_mem_data(bio, &bytes);
    char *copy = malloc(*length);
    assert_non_null(copy);
    memcpy(copy, bytes, *length);
    BIO_free(bio);
    return copy;
}

static void pkcs8_is_read_too(void **state)
{
    (void)state;
    struct plm_sshkey made = make_key(), read;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, made.seed, 32);
    size_t length;
    char *text = pkcs8_text(key, NULL, &length);
    struct plm_error err = {0};
    assert_true(plm_sshkey_parse(text, length, &read, &err));
    assert_memory_equal(&made, &read, sizeof(made));
    free(text);

    text = pkcs8_text(key, EVP_aes_128_cbc(), &length);
    assert_refused(text, length, "passphrase");
    free(text);
    EVP_PKEY_free(key);
}

static void other_kinds_of_keys_are_refused(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    size_t length;
    char *text = pkcs8_text(key, NULL, &length);
    assert_refused(text, length, "no Ed25519 key");
    free(text);
    EVP_PKEY_free(key);
    static const char certificate[] =
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_refused(certificate, strlen(certificate), "no private key");
    assert_refused("", 0, "no private key");
    char *large = calloc(1, 65537);
    assert_non_null(large);
    assert_refused(large, 65537, "too large");
    free(large);
}

static void a_missing_file_says_what_to_do(void **state)
{
    (void)state;
    struct plm_sshkey key;
    struct plm_error err = {0};
    assert_false(plm_sshkey_load("no/such/key", &key, &err));
    assert_int_equal(err.code, PLM_E_AUTH);
    assert_non_null(strstr(err.msg, "there is none at no/such/key"));
    assert_non_null(strstr(err.msg, "pullama keygen"));
}

static void a_key_behind_a_link_is_read(void **state)
{
    (void)state;
    char dir[] = "/tmp/plm-sshkey-XXXXXX", path[64], link[64];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/real", dir);
    (void)snprintf(link, sizeof(link), "%s/id_ed25519", dir);
    struct plm_sshkey key, read;
    struct plm_error err = {0};
    struct plm_buf text = PLM_BUF_INIT(4096);
    assert_true(plm_sshkey_generate(&key, &err));
    assert_true(plm_sshkey_private_text(&key, &text, &err));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.bytes, 1, text.size, file), text.size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(symlink("real", link), 0);
    assert_true(plm_sshkey_load(link, &read, &err));
    assert_memory_equal(read.public_key, key.public_key, sizeof(key.public_key));
    plm_buf_done(&text);
    assert_int_equal(unlink(link) + unlink(path) + rmdir(dir), 0);
}

static bool run_ssh_keygen(const char *dir, const char *options, char *path, size_t size)
{
    char command[512];
    (void)snprintf(path, size, "%s/key", dir);
    (void)snprintf(command, sizeof(command), "rm -f %s; ssh-keygen -q %s -f %s >/dev/null 2>&1",
                   path, options, path);
    return system(command) == 0;
}

static void keys_of_ssh_keygen_are_read(void **state)
{
    (void)state;
    if (system("command -v ssh-keygen >/dev/null 2>&1") != 0)
        return; /* cmocka's TAP form of a skipped test counts as a failed one */
    char dir[] = "/tmp/plm-sshkey-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    struct plm_sshkey key;
    struct plm_error err = {0};
    assert_true(run_ssh_keygen(dir, "-t ed25519 -N '' -C 'someone@somewhere'", path, sizeof(path)));
    assert_true(plm_sshkey_load(path, &key, &err));

    assert_true(run_ssh_keygen(dir, "-t ed25519 -N secret", path, sizeof(path)));
    assert_false(plm_sshkey_load(path, &key, &err));
    assert_non_null(strstr(err.msg, "passphrase"));
    assert_non_null(strstr(err.msg, path));

    err = (struct plm_error){0};
    assert_true(run_ssh_keygen(dir, "-t ecdsa -N ''", path, sizeof(path)));
    assert_false(plm_sshkey_load(path, &key, &err));
    assert_non_null(strstr(err.msg, "no Ed25519 key"));
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_key_is_read_again),
        cmocka_unit_test(a_signature_is_good_for_its_bytes_alone),
        cmocka_unit_test(two_keys_differ),
        cmocka_unit_test(the_public_line_is_the_wire_form_in_base64),
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(a_cut_key_is_refused_at_every_length),
        cmocka_unit_test(pkcs8_is_read_too),
        cmocka_unit_test(other_kinds_of_keys_are_refused),
        cmocka_unit_test(a_missing_file_says_what_to_do),
        cmocka_unit_test(a_key_behind_a_link_is_read),
        cmocka_unit_test(keys_of_ssh_keygen_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
