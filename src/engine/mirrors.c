/* Mirrors: sessions with the registries that are asked first, and which of them still works. */
#include "engine/mirrors.h"

#include "pullama/text.h"

#include <stdio.h>
#include <string.h>

#define STRIKES_MOST 2
#define RETRIES_MOST 1 /* of small requests: others have it, too */

/* The reference of a repository at a mirror: its scheme and host, and all else as it was. */
static bool refer(const char *text, const struct plm_ref *ref, struct plm_ref *out,
                  struct plm_error *err)
{
    char whole[PLM_REF_TEXT], shown[96];
    struct plm_ref at;
    struct plm_error why = {0};
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == '/')
        length--;
    int written = snprintf(whole, sizeof(whole), "%.*s/%s/%s:%s", (int)length, text,
                           PLM_DEFAULT_NAMESPACE, "model", PLM_DEFAULT_TAG);
    const char *host = strstr(text, "://");
    host = host ? host + 3 : text;
    if ((size_t)(host - text) >= length || written < 0 || (size_t)written >= sizeof(whole) ||
        memchr(host, '/', length - (size_t)(host - text)) || !plm_ref_parse(whole, &at, &why))
        return plm_fail(err, PLM_E_USAGE, "'%s' is no mirror; write [https://]HOST[:PORT]",
                        plm_text_printable(text, shown, sizeof(shown)));
    *out = *ref;
    out->scheme = at.scheme;
    out->scheme_typed = true;
    memcpy(out->host, at.host, sizeof(out->host));
    return true;
}

bool plm_mirror_check(const char *text, struct plm_error *err)
{
    const struct plm_ref none = {0};
    struct plm_ref at;
    return refer(text, &none, &at, err);
}

bool plm_mirrors_find_credentials(struct plm_engine *engine, struct plm_error *err)
{
    const struct plm_engine_options *o = &engine->options;
    const struct plm_ref none = {0};
    struct plm_ref at;
    for (size_t i = 0; i < o->mirror_count; i++) {
        if (!refer(o->mirrors[i], &none, &at, err) || !plm_engine_find_credential(engine, &at, err))
            return false;
    }
    return true;
}

bool plm_mirrors_open(struct plm_mirrors *mirrors, const struct plm_engine *engine,
                      const struct plm_ref *ref, const struct plm_registry_options *options,
                      struct plm_error *err)
{
    const struct plm_engine_options *o = &engine->options;
    struct plm_registry_options own = *options;
    own.key_path = NULL; /* what the user is known by is for the model's own registry */
    own.insecure = false;
    own.max_retries = o->max_retries < RETRIES_MOST ? o->max_retries : RETRIES_MOST;
    for (size_t i = 0; i < o->mirror_count && mirrors->count < PLM_MIRRORS_MAX; i++) {
        struct plm_ref at;
        if (!refer(o->mirrors[i], ref, &at, err))
            return false;
        own.credential = plm_engine_credential(engine, &at);
        if (!plm_registry_new(engine->http, &at, &own, &mirrors->items[mirrors->count].registry,
                              err))
            return false;
        mirrors->count++;
    }
    return true;
}

void plm_mirrors_close(struct plm_mirrors *mirrors)
{
    for (unsigned i = 0; i < mirrors->count; i++)
        plm_registry_free(mirrors->items[i].registry);
    *mirrors = (struct plm_mirrors){0};
}

int plm_mirrors_choose(const struct plm_mirrors *mirrors, uint32_t left)
{
    for (unsigned i = 0; i < mirrors->count; i++) {
        if (!(left & (UINT32_C(1) << i)) && mirrors->items[i].strikes < STRIKES_MOST)
            return (int)i;
    }
    return -1;
}

void plm_mirrors_praise(struct plm_mirrors *mirrors, int place)
{
    if (place >= 0 && mirrors->items[place].strikes < STRIKES_MOST)
        mirrors->items[place].strikes = 0;
}

void plm_mirrors_blame(struct plm_mirrors *mirrors, int place, bool for_good)
{
    if (place >= 0)
        mirrors->items[place].strikes = for_good ? STRIKES_MOST : mirrors->items[place].strikes + 1;
}
