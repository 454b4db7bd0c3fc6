/* The manifest of a pull: which registry is asked for it, and what comes of the answer. */
#include "engine/pull.h"

static void on_manifest(void *ctx, const struct plm_http_outcome *answer,
                        const struct plm_error *error);

static struct plm_registry *registry_at(struct plm_pull *pull, int place)
{
    return place < 0 ? pull->registry : pull->mirrors.items[place].registry;
}

static bool ask(struct plm_pull *pull, struct plm_error *err)
{
    bool is_wanted = pull->job->engine->options.mirror_manifests;
    pull->manifest_from = is_wanted ? plm_mirrors_choose(&pull->mirrors, pull->left_mirrors) : -1;
    return plm_registry_get_manifest(registry_at(pull, pull->manifest_from),
                                     pull->is_pinned ? &pull->pin : NULL, on_manifest, pull, err);
}

bool plm_pull_ask_for_manifest(struct plm_pull *pull, const struct plm_digest *digest,
                               struct plm_error *err)
{
    pull->is_pinned = digest != NULL;
    if (digest)
        pull->pin = *digest;
    return ask(pull, err);
}

static bool take_manifest(struct plm_pull *pull, const struct plm_http_outcome *answer,
                          struct plm_error *err)
{
    struct plm_descriptor child;
    const char *bytes = answer->body.bytes ? answer->body.bytes : "";
    size_t size = answer->body.size;
    const char *platform = pull->job->engine->options.platform;
    if (plm_index_detect(bytes, size) && !pull->is_child) {
        if (!plm_index_select(bytes, size, platform, &child, err))
            return false;
        pull->is_child = true;
        return plm_pull_ask_for_manifest(pull, &child.digest, err);
    }
    return plm_manifest_parse(bytes, size, &pull->manifest, err) && plm_pull_begin(pull, err);
}

/* A mirror need not have it; whatever else is wrong with it is no reason to fail either. */
static bool leave_mirror(struct plm_pull *pull, const struct plm_error *cause)
{
    struct plm_error err = {0};
    int place = pull->manifest_from;
    if (place < 0 || pull->manifest) /* the latter: it was taken */
        return false;
    pull->left_mirrors |= UINT32_C(1) << place;
    if (cause->code != PLM_E_NOT_FOUND)
        plm_mirrors_blame(&pull->mirrors, place, cause->code == PLM_E_INTEGRITY);
    if (!ask(pull, &err))
        plm_pull_fail(pull, &err);
    else if (cause->code != PLM_E_NOT_FOUND)
        plm_job_warn(pull->job, "mirror %s: %s; asking %s for the manifest",
                     plm_registry_host(registry_at(pull, place)), cause->msg,
                     plm_registry_host(registry_at(pull, pull->manifest_from)));
    return true;
}

static void on_manifest(void *ctx, const struct plm_http_outcome *answer,
                        const struct plm_error *error)
{
    struct plm_pull *pull = ctx;
    struct plm_error err = {0};
    if (pull->state != PLM_PULL_RESOLVING) /* stopped in the meantime */
        return;
    if (error) {
        if (!leave_mirror(pull, error))
            plm_pull_fail(pull, error);
        return;
    }
    if (take_manifest(pull, answer, &err) || leave_mirror(pull, &err))
        return;
    if (!pull->manifest)
        (void)plm_prefix(&err, "%s", plm_registry_host(pull->registry));
    plm_pull_fail(pull, &err);
}
