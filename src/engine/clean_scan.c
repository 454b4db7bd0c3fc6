/* Debris: knows disposable files by their names, and collects them blob by blob. */
#include "engine/clean_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "pullama/text.h"
#include "store/needs.h"

#define PREFIX "sha256-"
#define PREFIX_LENGTH 7
#define HEX_LENGTH (2 * PLM_DIGEST_BYTES)

struct rule {
    const char *ending;
    enum plm_debris_kind kind;
};

const char *plm_debris_type(enum plm_debris_kind kind)
{
    static const char *const types[] = {
        [PLM_DEBRIS_CHECKPOINT] = "checkpoint",
        [PLM_DEBRIS_LIVE] = "live",
        [PLM_DEBRIS_TEMPORARY] = "temporary",
        [PLM_DEBRIS_PARTIAL] = "partial",
        [PLM_DEBRIS_LOCK] = "lock",
    };
    return types[kind];
}

static bool match(const char *ending, const struct rule *rules, size_t count,
                  enum plm_debris_kind *out)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(ending, rules[i].ending) == 0) {
            *out = rules[i].kind;
            return true;
        }
    }
    return false;
}

/* Ollama's "-partial", or "-partial-" and a number. */
static bool match_ollama(const char *ending, struct plm_debris *out)
{
    static const char partial[] = "-partial";
    uint64_t number;
    size_t length = sizeof(partial) - 1;
    if (strncmp(ending, partial, length) != 0)
        return false;
    out->is_ollama = true;
    out->kind = ending[length] ? PLM_DEBRIS_CHECKPOINT : PLM_DEBRIS_PARTIAL;
    return !ending[length] ||
           (ending[length] == '-' &&
            plm_text_u64(ending + length + 1, strlen(ending + length + 1), &number));
}

/* Splits "sha256-<64 digits><ending>". */
static bool take_digest(const char *name, struct plm_digest *digest, const char **ending)
{
    char hex[HEX_LENGTH + 1];
    if (strncmp(name, PREFIX, PREFIX_LENGTH) != 0 || strlen(name) < PREFIX_LENGTH + HEX_LENGTH)
        return false;
    memcpy(hex, name + PREFIX_LENGTH, HEX_LENGTH);
    hex[HEX_LENGTH] = '\0';
    *ending = name + PREFIX_LENGTH + HEX_LENGTH;
    return plm_hex_decode(hex, digest->sha256, PLM_DIGEST_BYTES);
}

static bool match_push(const char *name, struct plm_debris *out)
{
    static const enum plm_debris_kind kinds[] = {
        [PLM_PUSH_RECORD] = PLM_DEBRIS_CHECKPOINT,
        [PLM_PUSH_TEMPORARY] = PLM_DEBRIS_TEMPORARY,
        [PLM_PUSH_LOCK] = PLM_DEBRIS_LOCK,
    };
    enum plm_push_file file;
    if (!plm_push_is_name(name, &file, out->guard))
        return false;
    out->kind = kinds[file];
    return true;
}

/* Locked by whoever needs something, as long as he lives. */
static bool match_need(const char *name, struct plm_debris *out)
{
    if (!plm_need_is_name(name))
        return false;
    (void)snprintf(out->guard, sizeof(out->guard), "%s", name);
    out->kind = PLM_DEBRIS_TEMPORARY;
    return true;
}

static bool is_loose_temporary(const char *name)
{
    static const char ending[] = ".json.tmp";
    size_t length = strlen(name), tail = sizeof(ending) - 1;
    return strcmp(name, "manifest.tmp") == 0 ||
           (length > tail && strcmp(name + length - tail, ending) == 0);
}

bool plm_debris_of_name(const char *name, bool in_blobs, struct plm_debris *out)
{
    static const struct rule state[] = {
        {".json", PLM_DEBRIS_CHECKPOINT},    {".live", PLM_DEBRIS_LIVE},
        {".json.tmp", PLM_DEBRIS_TEMPORARY}, {".live.tmp", PLM_DEBRIS_TEMPORARY},
        {".tmp", PLM_DEBRIS_TEMPORARY},      {".partial", PLM_DEBRIS_PARTIAL},
        {".lock", PLM_DEBRIS_LOCK},
    };
    static const struct rule blobs[] = {{".partial", PLM_DEBRIS_PARTIAL},
                                        {".lock", PLM_DEBRIS_LOCK}};
    struct plm_debris debris = {.in_blobs = in_blobs};
    const char *ending;
    size_t length = strlen(name);
    if (length >= sizeof(debris.name))
        return false;
    memcpy(debris.name, name, length + 1);
    debris.has_digest = take_digest(name, &debris.digest, &ending);
    bool known;
    if (debris.has_digest && in_blobs) {
        known =
            match(ending, blobs, PLM_COUNT(blobs), &debris.kind) || match_ollama(ending, &debris);
    } else if (debris.has_digest) {
        known = match(ending, state, PLM_COUNT(state), &debris.kind);
    } else {
        debris.digest = (struct plm_digest){0};
        debris.kind = PLM_DEBRIS_TEMPORARY;
        known = !in_blobs && (match_push(name, &debris) || match_need(name, &debris) ||
                              is_loose_temporary(name));
    }
    if (known)
        *out = debris;
    return known;
}

struct scan {
    struct plm_debris_list *list;
    bool in_blobs, ok;
    struct plm_error *err;
};

static bool see(void *ctx, const char *name)
{
    struct scan *scan = ctx;
    struct plm_debris_list *list = scan->list;
    struct plm_debris debris;
    if (!plm_debris_of_name(name, scan->in_blobs, &debris))
        return true;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 32;
        struct plm_debris *items = realloc(list->items, capacity * sizeof(*items));
        if (!items) {
            scan->ok = plm_fail(scan->err, PLM_E_NOMEM, "no memory for %zu names", capacity);
            return false;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = debris;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct plm_debris *left = a, *right = b;
    if (left->has_digest != right->has_digest)
        return left->has_digest ? 1 : -1;
    int order = memcmp(&left->digest, &right->digest, sizeof(left->digest));
    if (order == 0)
        order = (int)left->kind - (int)right->kind;
    return order ? order : strcmp(left->name, right->name);
}

bool plm_debris_scan(const struct plm_store *store, struct plm_debris_list *out,
                     struct plm_error *err)
{
    const int dirs[] = {store->state_fd, store->blobs_fd};
    struct plm_debris_list list = {0};
    for (size_t i = 0; i < PLM_COUNT(dirs); i++) {
        struct scan scan = {.list = &list, .in_blobs = i == 1, .ok = true, .err = err};
        if (dirs[i] >= 0 && (!plm_os_each_entry(dirs[i], see, &scan, err) || !scan.ok)) {
            plm_debris_list_done(&list);
            return plm_prefix(err, "%s", store->root);
        }
    }
    if (list.count)
        qsort(list.items, list.count, sizeof(*list.items), compare);
    *out = list;
    return true;
}

void plm_debris_list_done(struct plm_debris_list *list)
{
    free(list->items);
    *list = (struct plm_debris_list){0};
}
