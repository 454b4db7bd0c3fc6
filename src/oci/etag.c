/* Composite etags: MD5 of parts, and the plan by which a blob is cut. The one file that uses MD5.
 */
#include "oci/etag.h"

#include "base/encode.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>

struct plm_md5 {
    EVP_MD *algorithm;
    EVP_MD_CTX *state;
};

bool plm_md5_new(struct plm_md5 **out, struct plm_error *err)
{
    struct plm_md5 *md5 = calloc(1, sizeof(*md5));
    if (!md5)
        return plm_fail(err, PLM_E_NOMEM, "out of memory for a hash");
    md5->state = EVP_MD_CTX_new();
    md5->algorithm = EVP_MD_fetch(NULL, "MD5", NULL);
    bool ok = md5->state || plm_fail(err, PLM_E_NOMEM, "out of memory for a hash");
    if (ok && !md5->algorithm)
        ok = plm_fail(err, PLM_E_UNSUPPORTED, "the crypto library has no MD5");
    if (!ok || !plm_md5_restart(md5, err)) {
        plm_md5_free(md5);
        return false;
    }
    *out = md5;
    return true;
}

void plm_md5_free(struct plm_md5 *md5)
{
    if (!md5)
        return;
    EVP_MD_CTX_free(md5->state);
    EVP_MD_free(md5->algorithm);
    free(md5);
}

bool plm_md5_restart(struct plm_md5 *md5, struct plm_error *err)
{
    return EVP_DigestInit_ex2(md5->state, md5->algorithm, NULL) == 1 ||
           plm_fail(err, PLM_E_INTERNAL, "the crypto library cannot begin an MD5");
}

bool plm_md5_update(struct plm_md5 *md5, const void *bytes, size_t length, struct plm_error *err)
{
    return length == 0 || EVP_DigestUpdate(md5->state, bytes, length) == 1 ||
           plm_fail(err, PLM_E_INTERNAL, "the crypto library cannot go on with an MD5");
}

bool plm_md5_final(struct plm_md5 *md5, struct plm_md5_value *out, struct plm_error *err)
{
    struct plm_md5_value value;
    unsigned length = 0;
    if (EVP_DigestFinal_ex(md5->state, value.bytes, &length) != 1 || length != PLM_MD5_BYTES)
        return plm_fail(err, PLM_E_INTERNAL, "the crypto library cannot end an MD5");
    *out = value;
    return true;
}

bool plm_etag_of(const struct plm_md5_value *parts, size_t count, char out[PLM_ETAG_TEXT],
                 struct plm_error *err)
{
    struct plm_md5 *md5 = NULL;
    struct plm_md5_value value;
    bool ok = plm_md5_new(&md5, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = plm_md5_update(md5, parts[i].bytes, PLM_MD5_BYTES, err);
    ok = ok && plm_md5_final(md5, &value, err);
    plm_md5_free(md5);
    if (!ok)
        return false;
    char hex[2 * PLM_MD5_BYTES + 1];
    plm_hex_encode(value.bytes, PLM_MD5_BYTES, hex);
    (void)snprintf(out, PLM_ETAG_TEXT, "%s-%u", hex, (unsigned)count);
    return true;
}

uint64_t plm_part_length(uint64_t size, uint64_t wanted)
{
    uint64_t least = size / PLM_PARTS_MAX + (size % PLM_PARTS_MAX > 0);
    return wanted > least ? wanted : least;
}

size_t plm_part_count(uint64_t size, uint64_t part_length)
{
    uint64_t count = size / part_length + (size % part_length > 0);
    return count > 0 ? (size_t)count : 1;
}

struct plm_span plm_part_at(uint64_t size, uint64_t part_length, size_t index)
{
    uint64_t start = (uint64_t)index * part_length;
    if (start > size)
        start = size;
    return (struct plm_span){start, size - start > part_length ? start + part_length : size};
}
