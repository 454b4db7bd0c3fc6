/* Which models upstream is asked about: those that are named, or all of the store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/stored.h"
#include "engine/upstream.h"
#include "pullama/text.h"
#include "store/manifests.h"

struct plm_upstream_model *plm_upstream_add(struct plm_upstream *u, struct plm_error *err)
{
    if (u->count == u->room) {
        size_t room = u->room ? 2 * u->room : 32;
        struct plm_upstream_model *grown = realloc(u->models, room * sizeof(*grown));
        if (!grown) {
            (void)plm_fail(err, PLM_E_NOMEM, "no memory for %zu models", room);
            return NULL;
        }
        u->models = grown;
        u->room = room;
    }
    struct plm_upstream_model *m = &u->models[u->count++];
    *m = (struct plm_upstream_model){0};
    return m;
}

static void settle(struct plm_upstream_model *m, enum plm_upstream_verdict verdict)
{
    m->verdict = verdict;
    m->is_settled = true;
}

static bool has(const struct plm_upstream *u, const struct plm_ref *ref)
{
    for (size_t i = 0; i < u->count; i++)
        if (plm_ref_same_model(&u->models[i].ref, ref))
            return true;
    return false;
}

bool plm_upstream_add_named(struct plm_upstream *u, const char *name, struct plm_error *err)
{
    struct plm_ref ref;
    struct plm_error why = {0};
    plm_auto(plm_manifest_freep) struct plm_manifest *manifest = NULL;
    if (!plm_ref_parse(name, &ref, err))
        return false;
    if (ref.has_digest)
        return plm_fail(err, PLM_E_USAGE, "%s: what has a digest cannot become outdated", name);
    if (has(u, &ref))
        return true;
    struct plm_upstream_model *m = plm_upstream_add(u, err);
    if (!m)
        return false;
    m->ref = ref;
    m->is_here = plm_stored_manifest(&u->job->engine->store, &ref, &manifest, NULL, &why);
    if (m->is_here) {
        m->here = manifest->digest;
        return true;
    }
    if (why.code == PLM_E_NOMEM) {
        *err = why;
        return false;
    }
    m->why = why;
    settle(m, why.code == PLM_E_NOT_FOUND ? PLM_UPSTREAM_NOT_HERE : PLM_UPSTREAM_UNKNOWN);
    return true;
}

struct listing {
    struct plm_upstream *upstream;
    struct plm_error *err;
    bool ok;
};

static bool add_file(void *ctx, const struct plm_manifest_file *file)
{
    struct listing *l = ctx;
    char path[256];
    if (!file->is_named)
        return true; /* nobody can run it */
    struct plm_upstream_model *m = plm_upstream_add(l->upstream, l->err);
    l->ok = m != NULL;
    if (!m)
        return false;
    m->ref = file->ref;
    m->is_here = file->manifest != NULL;
    if (m->is_here) {
        m->here = file->manifest->digest;
        return true;
    }
    (void)plm_fail(&m->why, PLM_E_CORRUPT, "manifests/%s: %s",
                   plm_text_printable(file->path, path, sizeof(path)), file->why);
    settle(m, PLM_UPSTREAM_UNKNOWN);
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct plm_upstream_model *left = a, *right = b;
    char left_name[PLM_REF_TEXT], right_name[PLM_REF_TEXT];
    return strcmp(plm_ref_format(&left->ref, left_name), plm_ref_format(&right->ref, right_name));
}

bool plm_upstream_add_all(struct plm_upstream *u, struct plm_error *err)
{
    struct listing l = {.upstream = u, .err = err, .ok = true};
    if (!plm_manifests_each(&u->job->engine->store, add_file, &l, err) || !l.ok)
        return false;
    if (u->count)
        qsort(u->models, u->count, sizeof(*u->models), compare);
    return true;
}

bool plm_upstream_find_credentials(const struct plm_upstream *u, struct plm_error *err)
{
    for (size_t i = 0; i < u->count; i++)
        if (!u->models[i].is_settled &&
            !plm_engine_find_credential(u->job->engine, &u->models[i].ref, err))
            return false;
    return true;
}
