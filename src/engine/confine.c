/* Confinement: what the queued jobs will touch, so that the rest can be given up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_private.h"
#include "os/confine.h"
#include "os/os.h"

#define RULES_MAX 64

struct rules {
    struct plm_confine_rule items[RULES_MAX];
    char *paths[RULES_MAX]; /* owned: those of the items */
    size_t count;
    bool failed; /* one is missing, for want of memory */
};

/* What the C library, and sanitizers, read in any process. */
static const char *const system_places[] = {
    "/proc/self",  "/proc/self/exe",          "/proc/sys",
    "/dev/random", "/sys/devices/system/cpu", "/dev/urandom"};

/* What names and certificates are looked up in, now and later: modules of the C library and of
 * OpenSSL are loaded when they are needed. Whole directories, because their files are replaced
 * while we run: resolv.conf when a laptop changes networks. */
static const char *const network_places[] = {"/etc",
                                             "/usr",
                                             "/lib",
                                             "/lib64",
                                             "/nix/store",
                                             "/gnu/store",
                                             "/run/systemd/resolve",
                                             "/run/NetworkManager",
                                             "/run/resolvconf",
                                             "/run/netconfig"};

/* Variables by which OpenSSL is told of its files. */
static const char *const network_variables[] = {"SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF",
                                                "OPENSSL_MODULES"};

static bool has(const struct rules *rules, const char *path, enum plm_confine_access access)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (rules->items[i].access == access && strcmp(rules->items[i].path, path) == 0)
            return true;
    }
    return false;
}

/* Takes @p path over. */
static void add_owned(struct rules *rules, char *path, enum plm_confine_access access)
{
    if (!path || rules->count == RULES_MAX) {
        free(path);
        rules->failed = true;
        return;
    }
    if (has(rules, path, access)) {
        free(path);
        return;
    }
    rules->items[rules->count] = (struct plm_confine_rule){.path = path, .access = access};
    rules->paths[rules->count++] = path;
}

/* NULL and "" are no path. */
static void add(struct rules *rules, const char *path, enum plm_confine_access access)
{
    if (path && *path)
        add_owned(rules, strdup(path), access);
}

static void add_readable(struct rules *rules, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(rules, paths[i], PLM_CONFINE_READ);
}

/* The directory that resolv.conf really lies in: there it is replaced. */
static void add_resolver(struct rules *rules)
{
    char *path = NULL;
    if (!plm_os_absolute_path("/etc/resolv.conf", &path, NULL))
        return; /* there is none, and the C library does without */
    char *slash = strrchr(path, '/');
    if (slash && slash != path) /* not all of "/" for one file */
        *slash = '\0';
    add_owned(rules, path, PLM_CONFINE_READ);
}

static void add_network(struct rules *rules, const struct plm_engine *engine)
{
    const char *file = NULL, *folder = NULL;
    add_readable(rules, network_places, PLM_COUNT(network_places));
    for (size_t i = 0; i < PLM_COUNT(network_variables); i++)
        add(rules, getenv(network_variables[i]), PLM_CONFINE_READ);
    plm_http_authorities(&file, &folder);
    add(rules, file, PLM_CONFINE_READ);
    add(rules, folder, PLM_CONFINE_READ);
    add_resolver(rules);
    add(rules, engine->options.ca_file, PLM_CONFINE_READ);
    add(rules, engine->key_path, PLM_CONFINE_READ);
}

/* `blobs` and `manifests` may be links to another disk. */
static void add_store(struct rules *rules, const char *root, enum plm_confine_access access)
{
    static const char *const parts[] = {"blobs", "manifests"};
    add(rules, root, access);
    for (size_t i = 0; i < PLM_COUNT(parts); i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", root, parts[i]) < 0)
            path = NULL;
        add_owned(rules, path, access);
    }
}

/* Where the database lies: who only reads it, too, has to tell others so. */
static void add_state(struct rules *rules, const char *root)
{
    char *path = NULL;
    if (asprintf(&path, "%s/.pullm", root) < 0)
        path = NULL;
    add_owned(rules, path, PLM_CONFINE_CHANGE);
}

static void add_job(struct rules *rules, const struct plm_job *job)
{
    const struct plm_engine *engine = job->engine;
    const struct plm_job_kind *kind = job->kind;
    bool changes =
        (kind->makes_store || kind->needs_lock || kind->changes_store || kind->keeps_state) &&
        !job->dry_run;
    if (!kind->no_store)
        add_store(rules, engine->options.models_dir,
                  changes ? PLM_CONFINE_CHANGE : PLM_CONFINE_READ);
    if (kind->uses_database || (kind->is_recorded && !job->dry_run && engine->options.history))
        add_state(rules, engine->options.models_dir);
    if (kind->changes)
        add(rules, kind->changes(job), PLM_CONFINE_CHANGE);
    if (kind->reads)
        add(rules, kind->reads(job), PLM_CONFINE_READ);
    if (kind->needs_network)
        add_network(rules, engine);
}

/* False: a job will fail for what is there, and is to say so undisturbed; or it starts programs; or
 * none will run, because an end was asked for. */
static bool prepare_jobs(struct plm_engine *engine, struct rules *rules)
{
    for (struct plm_job *job = engine->first; job; job = job->next) {
        struct plm_error err = {0};
        if (plm_engine_is_ending(engine))
            return false;
        if (!plm_job_prepare(job, &err)) {
            if (!job->kind->needs_ref || job->has_ref)
                return false;
            continue; /* a name that cannot be read: the job touches nothing */
        }
        if (job->kind->starts_programs && job->kind->starts_programs(job))
            return false;
        add_job(rules, job);
    }
    return true;
}

bool plm_engine_confine(struct plm_engine *engine)
{
    struct rules rules = {0};
    add_readable(&rules, system_places, PLM_COUNT(system_places));
    bool confined =
        prepare_jobs(engine, &rules) && !rules.failed && plm_os_confine(rules.items, rules.count);
    for (size_t i = 0; i < rules.count; i++)
        free(rules.paths[i]);
    return confined;
}
