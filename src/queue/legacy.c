/* Legacy: reads the queue that Pullama keeps. */
#include "queue/legacy.h"

#include <string.h>

#include "base/json.h"

#define DEPTH 8
#define TEXT_MAX 1024

static const char *text_of(const struct plm_json *entry, const char *key)
{
    const char *text = plm_json_text(plm_json_get(entry, key));
    return text && strlen(text) < TEXT_MAX ? text : NULL;
}

static bool is_status(const char *text)
{
    static const char *const statuses[] = {"queued", "active", "completed", "failed"};
    for (size_t i = 0; i < PLM_COUNT(statuses); i++) {
        if (strcmp(text, statuses[i]) == 0)
            return true;
    }
    return false;
}

static bool read_entry(const struct plm_json *value, struct plm_legacy_entry *out)
{
    const char *error = plm_json_text(plm_json_get(value, "error"));
    *out = (struct plm_legacy_entry){.model = text_of(value, "model"),
                                     .tag = text_of(value, "tag"),
                                     .status = text_of(value, "status"),
                                     .error = error ? error : ""};
    return out->model && out->tag && out->status && is_status(out->status);
}

bool plm_legacy_decode(const char *text, size_t length,
                       bool (*each)(void *ctx, const struct plm_legacy_entry *entry), void *ctx,
                       struct plm_error *err)
{
    struct plm_error why = {0};
    struct plm_json *root = NULL;
    if (length == 0)
        return true;
    if (length > PLM_LEGACY_MAX)
        return plm_fail(err, PLM_E_CORRUPT, "it is larger than any real queue");
    if (!plm_json_parse(text, length, DEPTH, &root, &why))
        return plm_fail(err, why.code == PLM_E_NOMEM ? why.code : PLM_E_CORRUPT, "%s", why.msg);
    const struct plm_json *entries = plm_json_get(root, "entries");
    size_t count = plm_json_array_size(entries);
    /* Go writes null for a list that is empty. */
    bool ok = plm_json_is_object(root) && (!entries || plm_json_is_array(entries)) &&
              count <= PLM_LEGACY_ENTRIES;
    for (size_t i = 0; ok && i < count; i++) {
        struct plm_legacy_entry entry;
        ok = read_entry(plm_json_at(entries, i), &entry);
        if (ok && !each(ctx, &entry))
            break;
    }
    plm_json_free(root);
    return ok || plm_fail(err, PLM_E_CORRUPT, "it is no queue of Pullama's");
}
