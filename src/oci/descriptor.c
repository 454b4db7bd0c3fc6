/* Descriptors in JSON: owns what is checked of a digest, a size and a media type from outside. */
#include "oci/descriptor.h"

#include "pullama/text.h"

#include <string.h>

bool plm_descriptor_read(const struct plm_json *value, const char *what, struct plm_descriptor *out,
                         struct plm_error *err)
{
    struct plm_descriptor d = {0};
    if (!plm_json_is_object(value))
        return plm_fail(err, PLM_E_PROTOCOL, "%s is no object", what);

    const char *digest = plm_json_text(plm_json_get(value, "digest"));
    if (!digest)
        return plm_fail(err, PLM_E_PROTOCOL, "%s has no digest", what);
    struct plm_error why = {0};
    if (!plm_digest_parse(digest, strlen(digest), &d.digest, &why))
        return plm_fail(err, PLM_E_PROTOCOL, "%s: %s", what, why.msg);

    if (!plm_json_u64(plm_json_get(value, "size"), &d.size) || d.size >= PLM_BLOB_SIZE_LIMIT)
        return plm_fail(err, PLM_E_PROTOCOL, "%s has no valid size", what);

    const struct plm_json *media = plm_json_get(value, "mediaType");
    if (media && !plm_json_is_string(media))
        return plm_fail(err, PLM_E_PROTOCOL, "%s has a media type that is no text", what);
    if (media)
        (void)plm_text_printable(plm_json_text(media), d.media, sizeof(d.media));
    *out = d;
    return true;
}

int plm_descriptor_compare(const void *a, const void *b)
{
    const struct plm_descriptor *x = a, *y = b;
    return plm_digest_compare(&x->digest, &y->digest);
}
