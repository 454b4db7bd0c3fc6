/* Upstream: which version of a model its registry has, for many models at a time. */
#include "engine/upstream.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pullama/text.h"
#include "store/blobs.h"
#include "store/manifests.h"
#include "store/partial.h"

/* Registries that are asked at a time: a hundred models take seven round trips, and no host gets
 * more requests at once than for a pull. */
#define ACTIVE_MAX 16
/* Larger answers are asked for once more when they are pulled: so many may be kept. */
#define KEEP_MAX (64u << 10)

static void kick(struct plm_upstream *u)
{
    if (!u->kick.armed)
        plm_timer_start(u->job->engine->loop, &u->kick, 0);
}

static void settle(struct plm_upstream_model *m, enum plm_upstream_verdict verdict)
{
    m->verdict = verdict;
    m->is_settled = true;
    kick(m->owner);
}

/* ---- one answer ---- */

bool plm_upstream_compare(const struct plm_store *store, const struct plm_manifest *there,
                          struct plm_upstream_model *m, struct plm_error *err)
{
    struct plm_descriptor *blobs = NULL;
    size_t count = 0;
    bool ok = plm_manifest_blobs(there, &blobs, &count, err);
    m->total = m->fetch = 0;
    m->blobs = (uint32_t)count;
    m->lacking = 0;
    for (size_t i = 0; ok && i < count; i++) {
        enum plm_blob_state state;
        uint64_t done = 0;
        long pid;
        m->total += blobs[i].size;
        ok = plm_blob_look(store, &blobs[i], &state, err);
        if (!ok || (state != PLM_BLOB_ABSENT && state != PLM_BLOB_WRONG_SIZE))
            continue;
        ok = plm_partial_peek(store, &blobs[i], &done, &pid, err);
        m->lacking++;
        m->fetch += blobs[i].size - (done < blobs[i].size ? done : blobs[i].size);
    }
    free(blobs);
    return ok;
}

static bool keep(struct plm_upstream_model *m, const struct plm_manifest *there)
{
    if (!m->owner->keeps || m->verdict != PLM_UPSTREAM_OUTDATED || there->raw_size > KEEP_MAX)
        return true;
    m->manifest = malloc(there->raw_size);
    if (!m->manifest)
        return plm_fail(&m->why, PLM_E_NOMEM, "no memory for a manifest");
    memcpy(m->manifest, there->raw, there->raw_size);
    m->manifest_size = there->raw_size;
    return true;
}

static bool take(struct plm_upstream_model *m, const char *bytes, size_t size)
{
    plm_auto(plm_manifest_freep) struct plm_manifest *there = NULL;
    const struct plm_store *store = &m->owner->job->engine->store;
    if (!plm_manifest_parse(bytes, size, &there, &m->why))
        return plm_prefix(&m->why, "%s", m->ref.host);
    if (!plm_upstream_compare(store, there, m, &m->why))
        return false;
    m->is_there = true;
    m->there = there->digest;
    bool is_same = m->is_here && plm_digest_equal(&m->here, &m->there);
    m->verdict = is_same && m->lacking == 0 ? PLM_UPSTREAM_CURRENT : PLM_UPSTREAM_OUTDATED;
    return keep(m, there);
}

static void on_answer(void *ctx, const struct plm_http_outcome *answer,
                      const struct plm_error *error);

/* Of an index, the manifest for this machine. One that is here whole need not be asked for. */
static bool take_index(struct plm_upstream_model *m, const char *bytes, size_t size, bool *waits)
{
    struct plm_descriptor child;
    const struct plm_engine_options *options = &m->owner->job->engine->options;
    if (m->by_digest)
        return plm_fail(&m->why, PLM_E_UNSUPPORTED,
                        "this is the digest of an index of several models, not of one");
    m->is_platform = true;
    *waits = plm_index_select(bytes, size, options->platform, &child, &m->why) &&
             plm_registry_get_manifest(m->registry, &child.digest, on_answer, m, &m->why);
    return *waits;
}

/* The digest is not served any more: which one is? */
static bool ask_by_tag(struct plm_upstream_model *m)
{
    m->seeks_other = true;
    m->why = (struct plm_error){0};
    return plm_registry_get_manifest(m->registry, NULL, on_answer, m, &m->why);
}

static void refuse_other(struct plm_upstream_model *m, const struct plm_http_outcome *answer)
{
    char name[PLM_REF_TEXT], wanted[PLM_DIGEST_TEXT], there[PLM_DIGEST_TEXT];
    const struct plm_buf *body = answer ? &answer->body : NULL;
    struct plm_error ignored = {0};
    m->is_there =
        body && body->size > 0 && plm_digest_of(body->bytes, body->size, &m->there, &ignored);
    m->why = (struct plm_error){0};
    (void)plm_fail(&m->why, PLM_E_NOT_FOUND, "%s has no %s with manifest %s any more%s%s",
                   m->ref.host, plm_ref_format(&m->ref, name),
                   plm_digest_format(&m->wanted, wanted),
                   m->is_there ? ", but one with " : ", nor any other",
                   m->is_there ? plm_digest_format(&m->there, there) : "");
    settle(m, PLM_UPSTREAM_NOT_SERVED);
}

static void on_answer(void *ctx, const struct plm_http_outcome *answer,
                      const struct plm_error *error)
{
    struct plm_upstream_model *m = ctx;
    if (m->seeks_other) {
        refuse_other(m, error ? NULL : answer);
        return;
    }
    if (error) {
        m->why = *error;
        if (error->code == PLM_E_NOT_FOUND && m->by_digest && ask_by_tag(m))
            return;
        settle(m, error->code == PLM_E_NOT_FOUND ? PLM_UPSTREAM_NOT_SERVED : PLM_UPSTREAM_UNKNOWN);
        return;
    }
    const char *bytes = answer->body.bytes ? answer->body.bytes : "";
    size_t size = answer->body.size;
    bool waits = false;
    bool ok = plm_index_detect(bytes, size) && !m->is_platform ? take_index(m, bytes, size, &waits)
                                                               : take(m, bytes, size);
    if (!waits)
        settle(m, ok ? m->verdict : PLM_UPSTREAM_UNKNOWN);
}

/* ---- all of them ---- */

static void on_notice(void *ctx, const struct plm_event_retry *retry, bool refresh)
{
    struct plm_upstream_model *m = ctx;
    struct plm_event event = {.kind = refresh ? PLM_EV_REFRESH : PLM_EV_RETRY, .retry = *retry};
    plm_job_emit(m->owner->job, &event);
}

/* A host that did not answer at all is not waited for a second time. */
static const struct plm_upstream_model *same_dead_host(const struct plm_upstream *u,
                                                       const struct plm_upstream_model *m)
{
    for (const struct plm_upstream_model *other = u->models; other < m; other++)
        if (other->is_settled && other->why.code == PLM_E_NETWORK && other->why.http_status == 0 &&
            other->ref.scheme == m->ref.scheme && strcasecmp(other->ref.host, m->ref.host) == 0)
            return other;
    return NULL;
}

static bool ask(struct plm_upstream_model *m)
{
    struct plm_engine *engine = m->owner->job->engine;
    struct plm_registry_options options = {.key_path = engine->key_path,
                                           .credential = plm_engine_credential(engine, &m->ref),
                                           .max_retries = engine->options.max_retries,
                                           .timeout_ms = engine->options.timeout_ms,
                                           .insecure = engine->options.insecure,
                                           .notice = on_notice,
                                           .notice_ctx = m};
    return plm_engine_network(engine, &m->why) &&
           plm_registry_new(engine->http, &m->ref, &options, &m->registry, &m->why) &&
           plm_registry_get_manifest(m->registry, m->by_digest ? &m->wanted : NULL, on_answer, m,
                                     &m->why);
}

static void begin(struct plm_upstream *u, struct plm_upstream_model *m)
{
    const struct plm_upstream_model *dead;
    m->owner = u;
    if (m->is_settled)
        return;
    dead = same_dead_host(u, m);
    if (dead)
        m->why = dead->why;
    else if (ask(m))
        return;
    settle(m, PLM_UPSTREAM_UNKNOWN);
}

static void on_kick(void *ctx)
{
    struct plm_upstream *u = ctx;
    u->active = 0;
    for (size_t i = u->said; i < u->next; i++) {
        struct plm_upstream_model *m = &u->models[i];
        u->active += !m->is_settled;
        if (!m->is_settled || !m->registry)
            continue;
        plm_registry_free(m->registry); /* its callback has returned since */
        m->registry = NULL;
    }
    for (; u->next < u->count && u->active < ACTIVE_MAX; u->next++) {
        begin(u, &u->models[u->next]);
        u->active += !u->models[u->next].is_settled;
    }
    while (u->said < u->next && u->models[u->said].is_settled && !u->models[u->said].registry &&
           !u->job->ended)
        u->told(u->ctx, &u->models[u->said++]);
    if (u->said < u->count || u->is_over || u->job->ended)
        return;
    u->is_over = true;
    u->over(u->ctx);
}

void plm_upstream_start(struct plm_upstream *u)
{
    u->kick = (struct plm_timer){.fire = on_kick, .ctx = u};
    kick(u);
}

void plm_upstream_done(struct plm_upstream *u)
{
    if (u->kick.fire)
        plm_timer_stop(u->job->engine->loop, &u->kick);
    for (size_t i = 0; i < u->count; i++) {
        plm_registry_free(u->models[i].registry);
        free(u->models[i].manifest);
    }
    free(u->models);
    u->models = NULL;
    u->count = 0;
}
