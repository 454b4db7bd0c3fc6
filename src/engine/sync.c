/* Sync: what a lock file asks for, and what is here besides. */
#include "engine/sync.h"

#include <stdlib.h>
#include <string.h>

#include "engine/lockfile.h"
#include "engine/stored.h"
#include "pullama/text.h"

struct filling {
    struct plm_upstream *upstream;
    struct plm_error *err;
};

static const struct plm_upstream_model *find(const struct plm_upstream *u,
                                             const struct plm_ref *ref)
{
    for (size_t i = 0; i < u->count; i++)
        if (plm_ref_same_model(&u->models[i].ref, ref))
            return &u->models[i];
    return NULL;
}

/* By size alone, as for `outdated`: whether bytes are right is asked of `verify`. */
static bool look(struct plm_upstream *u, struct plm_upstream_model *m, struct plm_error *err)
{
    const struct plm_store *store = &u->job->engine->store;
    plm_auto(plm_manifest_freep) struct plm_manifest *manifest = NULL;
    struct plm_error why = {0};
    if (!plm_stored_manifest(store, &m->ref, &manifest, NULL, &why)) {
        if (why.code == PLM_E_NOMEM)
            *err = why;
        return why.code != PLM_E_NOMEM; /* what is broken or not here is fetched */
    }
    m->is_here = true;
    m->here = manifest->digest;
    if (!plm_digest_equal(&m->here, &m->wanted))
        return true;
    if (!plm_upstream_compare(store, manifest, m, err))
        return false;
    m->is_settled = m->lacking == 0;
    m->verdict = PLM_UPSTREAM_CURRENT;
    return true;
}

static bool add(void *ctx, const struct plm_ref *ref)
{
    struct filling *f = ctx;
    char name[PLM_REF_TEXT];
    struct plm_ref model = *ref;
    model.has_digest = false;
    if (find(f->upstream, &model))
        return plm_fail(f->err, PLM_E_USAGE, "%s stands there twice", plm_ref_format(&model, name));
    struct plm_upstream_model *m = plm_upstream_add(f->upstream, f->err);
    if (!m)
        return false;
    m->ref = model;
    m->by_digest = true;
    m->wanted = ref->digest;
    return look(f->upstream, m, f->err);
}

bool plm_sync_fill(struct plm_upstream *u, const char *path, struct plm_error *err)
{
    struct filling f = {.upstream = u, .err = err};
    struct plm_error why = {0};
    char *real = NULL, *text = NULL, shown[256];
    size_t size = 0;
    bool ok = plm_os_absolute_path(path, &real, &why) &&
              plm_os_read_file(plm_os_cwd(), real, PLM_LOCKFILE_MAX, &text, &size, &why);
    free(real);
    (void)plm_text_printable(path, shown, sizeof(shown));
    if (!ok && why.code == PLM_E_NOT_FOUND)
        return plm_fail(err, PLM_E_USAGE, "there is no file %s", shown);
    if (!ok)
        return plm_fail(err, why.code, "%s: %s", shown, why.msg);
    ok = plm_lockfile_read(text, size, add, &f, err) || plm_prefix(err, "%s", shown);
    free(text);
    if (ok && u->job->prune &&
        u->count == 0) /* as `freeze` writes it for a store that is not there */
        return plm_fail(err, PLM_E_USAGE,
                        "%s names no model; with --prune, all models would be removed", shown);
    return ok;
}

bool plm_sync_others(const struct plm_upstream *u, struct plm_ref **out, size_t *count,
                     struct plm_error *err)
{
    struct plm_upstream all = {.job = u->job};
    bool ok = plm_upstream_add_all(&all, err);
    struct plm_ref *others = ok ? calloc(all.count ? all.count : 1, sizeof(*others)) : NULL;
    size_t found = 0;
    if (ok && !others)
        ok = plm_fail(err, PLM_E_NOMEM, "no memory for %zu models", all.count);
    for (size_t i = 0; ok && i < all.count; i++) {
        const struct plm_upstream_model *m = &all.models[i];
        bool is_named = find(u, &m->ref) != NULL;
        if (!is_named && !m->is_here)
            ok = plm_fail(err, m->why.code,
                          "nothing is removed while a manifest cannot be read: %s", m->why.msg);
        else if (!is_named)
            others[found++] = m->ref;
    }
    plm_upstream_done(&all);
    if (!ok) {
        free(others);
        return false;
    }
    *out = others;
    *count = found;
    return true;
}
