/* Login and logout: credentials of a registry, asked for, proved and kept; or forgotten. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/credential_file.h"
#include "engine/engine_private.h"
#include "net/credential_helper.h"

struct login {
    struct plm_job *job;
    struct plm_ref ref; /* host and scheme alone count */
    struct plm_url origin;
    struct plm_credential_file file;
    struct plm_credential credential;
    struct plm_registry *registry;
};

static const char *place_of(const struct login *login, char out[PLM_CREDENTIAL_SOURCE])
{
    if (login->file.helper[0] != '\0')
        (void)snprintf(out, PLM_CREDENTIAL_SOURCE, "docker-credential-%s", login->file.helper);
    else
        (void)snprintf(out, PLM_CREDENTIAL_SOURCE, "%s", login->file.path);
    return out;
}

static void finish(struct login *login, struct plm_event *event)
{
    char place[PLM_CREDENTIAL_SOURCE];
    event->login.host = login->ref.host;
    event->login.place = place_of(login, place);
    plm_job_emit(login->job, event);
    plm_job_complete(login->job);
}

/* ---- what both need ---- */

static void free_login(struct login *login)
{
    plm_registry_free(login->registry);
    plm_credential_wipe(&login->credential);
    plm_credential_file_close(&login->file);
    free(login);
}

static bool open_login(const struct plm_job *job, struct login *login, struct plm_error *err)
{
    bool is_login = job->kind->verb == PLM_VERB_LOGIN;
    if (job->dry_run)
        return plm_fail(err, PLM_E_USAGE, "%s has no dry run", plm_verb_name(job->kind->verb));
    return plm_ref_parse_host(job->model ? job->model : "", &login->ref, err) &&
           plm_registry_origin(&login->ref, job->engine->options.insecure, &login->origin, err) &&
           plm_credential_file_open(&login->origin, is_login, &login->file, err);
}

/* The folder is made, and the file read, while that can still be done. */
static bool prepare(struct plm_job *job, struct plm_error *err)
{
    if (job->state)
        return true;
    struct login *login = calloc(1, sizeof(*login));
    if (!login)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a login");
    login->job = job;
    if (!open_login(job, login, err)) {
        free_login(login);
        return false;
    }
    job->state = login;
    return true;
}

static bool starts_programs(const struct plm_job *job)
{
    const struct login *login = job->state;
    return login && login->file.helper[0] != '\0';
}

static const char *changes(const struct plm_job *job)
{
    const struct login *login = job->state;
    return login ? login->file.folder : NULL;
}

static void release(struct plm_job *job)
{
    if (job->state)
        free_login(job->state);
}

/* ---- login ---- */

static bool keep(struct login *login, struct plm_error *err)
{
    const struct plm_job *job = login->job;
    const struct plm_credential_file *file = &login->file;
    const struct plm_end_request end = plm_engine_end_request(job->engine);
    char server[PLM_DOCKER_KEY_MAX];
    plm_docker_server_name(&login->origin, server);
    if (file->helper[0] != '\0' &&
        !plm_credential_helper_store(&end, file->helper, server, job->user, job->secret, err))
        return false;
    return plm_credential_file_set(file, job->user, job->secret, err);
}

/* What is no refusal of the credentials says nothing about them: then they are not kept either. */
static void put_failure(const struct login *login, const struct plm_error *error,
                        struct plm_error *out)
{
    *out = *error;
    if (error->http_status == 404) {
        *out = (struct plm_error){.http_status = 404};
        (void)plm_fail(out, PLM_E_UNSUPPORTED,
                       "%s takes no user names (there is no /v2/); where it knows a key: `pullama "
                       "keygen`",
                       login->ref.host);
    }
}

static void on_greeting(void *ctx, const struct plm_http_outcome *answer,
                        const struct plm_error *error)
{
    struct login *login = ctx;
    struct plm_error err = {0};
    (void)answer;
    if (error) {
        put_failure(login, error, &err);
        plm_job_end(login->job, NULL, &err);
        return;
    }
    bool checked;
    if (!plm_registry_was_shown(login->registry, &checked, &err) || !keep(login, &err)) {
        plm_job_end(login->job, NULL, &err);
        return;
    }
    if (!checked)
        plm_job_warn(login->job, "%s did not look at the credentials: they are stored unchecked",
                     login->ref.host);
    struct plm_event event = {.kind = PLM_EV_LOGIN,
                              .login = {.user = login->job->user, .checked = checked}};
    finish(login, &event);
}

/* The key is no part of it: it would hide that the password is wrong. */
static bool start(struct plm_job *job, struct plm_error *err)
{
    struct plm_engine *engine = job->engine;
    struct login *login = job->state;
    const struct plm_registry_options options = {.credential = &login->credential,
                                                 .max_retries = engine->options.max_retries,
                                                 .timeout_ms = engine->options.timeout_ms,
                                                 .insecure = engine->options.insecure};
    return plm_credential_of_password(job->user ? job->user : "", job->secret ? job->secret : "",
                                      "this login", &login->credential, err) &&
           plm_engine_network(engine, err) &&
           plm_registry_new(engine->http, &login->ref, &options, &login->registry, err) &&
           plm_registry_greet(login->registry, on_greeting, login, err);
}

static void stop(struct plm_job *job)
{
    struct plm_error err = {0};
    (void)plm_fail(&err, PLM_E_INTERRUPTED, "stopped on request");
    plm_job_end(job, NULL, &err);
}

/* ---- logout ---- */

static bool run_logout(struct plm_job *job, struct plm_error *err)
{
    struct login *login = job->state;
    const struct plm_credential_file *file = &login->file;
    struct plm_event event = {.kind = PLM_EV_LOGOUT};
    const struct plm_end_request end = plm_engine_end_request(job->engine);
    char server[PLM_DOCKER_KEY_MAX];
    bool erased = false;
    plm_docker_server_name(&login->origin, server);
    if (file->helper[0] != '\0' &&
        !plm_credential_helper_erase(&end, file->helper, server, &erased, err))
        return false;
    if (!plm_credential_file_forget(file, &event.login.removed, err))
        return false;
    event.login.removed = event.login.removed || erased;
    finish(login, &event);
    return true;
}

static const char *logout_hint(const struct plm_error *err)
{
    if (err->code == PLM_E_USAGE)
        return NULL;
    switch (err->code) {
    case PLM_E_CORRUPT:
        return "mend the named file, or move it away";
    case PLM_E_NETWORK:
        return "run the same command again";
    case PLM_E_NOT_FOUND:
        return "check the name of the registry: HOST[:PORT], without a model";
    default:
        return plm_code_hint(err->code);
    }
}

static const char *login_hint(const struct plm_error *err)
{
    if (err->code != PLM_E_AUTH)
        return logout_hint(err);
    return err->http_status == 0
               ? "nobody refused them: log in over https, if the registry can be reached that way"
               : "check both; many registries want an access token in place of the password";
}

const struct plm_job_kind plm_login_kind = {
    .verb = PLM_VERB_LOGIN,
    .hint = login_hint,
    .no_store = true,
    .needs_network = true,
    .prepare = prepare,
    .starts_programs = starts_programs,
    .changes = changes,
    .start = start,
    .stop = stop,
    .free = release,
};

const struct plm_job_kind plm_logout_kind = {
    .verb = PLM_VERB_LOGOUT,
    .hint = logout_hint,
    .no_store = true,
    .prepare = prepare,
    .starts_programs = starts_programs,
    .changes = changes,
    .run = run_logout,
    .free = release,
};
