/* Which forms of an upload a registry offers: a session is opened, looked at, and deleted again. */
#include "engine/doctor.h"

#include "os/os.h"

#include <stdio.h>
#include <string.h>

/* Of a blob that nobody has. */
#define WISHED_BYTES (UINT64_C(100) << 20)

static void fail_upload(struct plm_doctor *doctor, const struct plm_error *error)
{
    plm_doctor_fail(doctor, PLM_CHECK_UPLOADS, error, "nothing can be pushed there",
                    error->code == PLM_E_AUTH ? "push to a namespace of your own; pullama login "
                                                "keeps a password, pullama keygen shows the key"
                                              : "does this registry take uploads at all?");
}

static void host_of(const char *url, char out[PLM_AUTHORITY_MAX])
{
    struct plm_url parts;
    struct plm_error ignored = {0};
    out[0] = '\0';
    if (plm_url_parse(url, &parts, &ignored))
        plm_url_authority(&parts, out, PLM_AUTHORITY_MAX);
}

static void on_dropped(void *ctx, const struct plm_upload_answer *answer)
{
    struct plm_doctor *doctor = ctx;
    bool is_gone = answer->said == PLM_SAID_LOST;
    char seen[2 * PLM_DOCTOR_TEXT];
    (void)snprintf(seen, sizeof(seen), "%s; %s", doctor->uploads,
                   is_gone ? "it was deleted again" : "it could not be deleted again");
    plm_doctor_say(doctor, &(struct plm_event_check){
                               .check = PLM_CHECK_UPLOADS,
                               .result = is_gone ? PLM_CHECK_OK : PLM_CHECK_NOTE,
                               .seen = seen,
                               .means = is_gone ? "a push can begin, and go on after a stop"
                                                : "a push can begin; the empty session is left to "
                                                  "the registry, which forgets it in its own time",
                               .elapsed_ms = plm_doctor_elapsed_ms(doctor)});
    plm_doctor_end(doctor);
}

static bool open_upload(struct plm_doctor *doctor, struct plm_error *err);

static void on_opened(void *ctx, const struct plm_upload_answer *answer)
{
    struct plm_doctor *doctor = ctx;
    struct plm_error err = {0};
    char host[PLM_AUTHORITY_MAX];
    bool is_direct = answer->said == PLM_SAID_ELSEWHERE;
    if (answer->said == PLM_SAID_FAILED && doctor->asked_direct &&
        answer->error->code != PLM_E_AUTH && answer->error->code != PLM_E_NETWORK) {
        doctor->asked_direct = false; /* it does not know this form */
        if (!open_upload(doctor, &err))
            fail_upload(doctor, &err);
        return;
    }
    if (answer->said != PLM_SAID_GOES_ON && !is_direct) {
        fail_upload(doctor, answer->error);
        return;
    }
    host_of(is_direct ? answer->target : answer->session, host);
    (void)snprintf(doctor->uploads, sizeof(doctor->uploads), "a session was opened, %s %s",
                   is_direct ? "and the direct form is offered: whole blobs go to" : "in pieces to",
                   host);
    doctor->stage = PLM_DOCTOR_DROPPING;
    if (!plm_registry_drop_upload(doctor->registry, answer->session, on_dropped, doctor, &err))
        fail_upload(doctor, &err);
}

static bool open_upload(struct plm_doctor *doctor, struct plm_error *err)
{
    struct plm_upload_wish wish = {.size = WISHED_BYTES, .direct = doctor->asked_direct};
    return plm_os_random(wish.digest.sha256, sizeof(wish.digest.sha256), err) &&
           plm_registry_open_upload(doctor->registry, &wish, on_opened, doctor, err);
}

bool plm_doctor_look_at_uploads(struct plm_doctor *doctor, struct plm_error *err)
{
    plm_doctor_enter(doctor, PLM_DOCTOR_OPENING);
    doctor->asked_direct = true;
    return open_upload(doctor, err);
}
