/* SHA-256 digests: owns their text forms and is the one file that hashes. */
#include "pullama/digest.h"

#include "base/encode.h"
#include "pullama/text.h"

#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

#define PREFIX_LENGTH 7
#define HEX_LENGTH (2 * (size_t)PLM_DIGEST_BYTES)

struct plm_hash {
    EVP_MD *algorithm;
    EVP_MD_CTX *state;
};

bool plm_digest_parse(const char *text, size_t length, struct plm_digest *out,
                      struct plm_error *err)
{
    if (length == PREFIX_LENGTH + HEX_LENGTH && memcmp(text, "sha256:", PREFIX_LENGTH) == 0 &&
        plm_hex_decode(text + PREFIX_LENGTH, out->sha256, PLM_DIGEST_BYTES))
        return true;
    char cut[PLM_DIGEST_TEXT + 8], shown[PLM_DIGEST_TEXT + 32];
    size_t kept = length < sizeof(cut) ? length : sizeof(cut) - 1;
    memcpy(cut, text, kept);
    cut[kept] = '\0';
    return plm_fail(err, PLM_E_BAD_NAME,
                    "'%s' is no digest: 'sha256:' and 64 lower-case hex digits",
                    plm_text_printable(cut, shown, sizeof(shown)));
}

static const char *format_digest(const struct plm_digest *digest, char separator,
                                 char out[PLM_DIGEST_TEXT])
{
    memcpy(out, "sha256", PREFIX_LENGTH - 1);
    out[PREFIX_LENGTH - 1] = separator;
    plm_hex_encode(digest->sha256, PLM_DIGEST_BYTES, out + PREFIX_LENGTH);
    return out;
}

const char *plm_digest_format(const struct plm_digest *digest, char out[PLM_DIGEST_TEXT])
{
    return format_digest(digest, ':', out);
}

const char *plm_digest_file_name(const struct plm_digest *digest, char out[PLM_DIGEST_TEXT])
{
    return format_digest(digest, '-', out);
}

bool plm_digest_equal(const struct plm_digest *a, const struct plm_digest *b)
{
    return plm_digest_compare(a, b) == 0;
}

int plm_digest_compare(const struct plm_digest *a, const struct plm_digest *b)
{
    return memcmp(a->sha256, b->sha256, PLM_DIGEST_BYTES);
}

bool plm_digest_of(const void *bytes, size_t length, struct plm_digest *out, struct plm_error *err)
{
    plm_auto(plm_hash_freep) struct plm_hash *hash = NULL;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not know plm_auto */
    return plm_hash_new(&hash, err) && plm_hash_update(hash, bytes, length, err) &&
           plm_hash_final(hash, out, err);
}

bool plm_hash_new(struct plm_hash **out, struct plm_error *err)
{
    plm_auto(plm_hash_freep) struct plm_hash *hash = calloc(1, sizeof(*hash));
    if (!hash)
        return plm_fail(err, PLM_E_NOMEM, "out of memory for a hash");
    hash->state = EVP_MD_CTX_new();
    if (!hash->state)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not know plm_auto */
        return plm_fail(err, PLM_E_NOMEM, "out of memory for a hash");
    hash->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!hash->algorithm || EVP_DigestInit_ex2(hash->state, hash->algorithm, NULL) != 1)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not know plm_auto */
        return plm_fail(err, PLM_E_INTERNAL, "the crypto library has no SHA-256");
    *out = plm_steal(&hash);
    return true;
}

void plm_hash_free(struct plm_hash *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->state);
    EVP_MD_free(hash->algorithm);
    free(hash);
}

bool plm_hash_update(struct plm_hash *hash, const void *bytes, size_t length, struct plm_error *err)
{
    if (length > 0 && EVP_DigestUpdate(hash->state, bytes, length) != 1)
        return plm_fail(err, PLM_E_INTERNAL, "the crypto library cannot go on with a SHA-256");
    return true;
}

bool plm_hash_final(struct plm_hash *hash, struct plm_digest *out, struct plm_error *err)
{
    struct plm_digest digest;
    unsigned length = 0;
    if (EVP_DigestFinal_ex(hash->state, digest.sha256, &length) != 1 ||
        length != PLM_DIGEST_BYTES || EVP_DigestInit_ex2(hash->state, hash->algorithm, NULL) != 1)
        return plm_fail(err, PLM_E_INTERNAL, "the crypto library cannot end a SHA-256");
    *out = digest;
    return true;
}
