/* The beginning of an upload: its file, what an earlier run noted, and the cut into parts. */
#include "engine/push.h"

#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "store/blobs.h"

static bool open_file(struct plm_upload *u, struct plm_error *err)
{
    const struct plm_store *store = &u->push->job->engine->store;
    struct plm_upload_run *run = u->run;
    struct plm_file_status status;
    if (!plm_blob_open(store, &u->want.digest, &run->fd, err) ||
        !plm_os_fd_status(run->fd, &status, err))
        return false;
    if (status.size != u->want.size)
        return plm_fail(err, PLM_E_CORRUPT, "it has %llu bytes in the store, not %llu",
                        (unsigned long long)status.size, (unsigned long long)u->want.size);
    return true;
}

/* From now on bytes go in parts that are known one by one. */
static bool make_parts(struct plm_upload *u, struct plm_error *err)
{
    struct plm_upload_run *run = u->run;
    run->redirects = true;
    run->part_count = plm_part_count(u->want.size, run->length);
    run->md5s = calloc(run->part_count, sizeof(*run->md5s));
    run->sent = calloc(run->part_count, sizeof(*run->sent));
    return (run->md5s && run->sent) || plm_fail(err, PLM_E_NOMEM, "no memory for parts");
}

bool plm_upload_begin_parts(struct plm_upload *u, size_t index,
                            const struct plm_upload_answer *answer)
{
    struct plm_error err = {0};
    if (index > 0) {
        (void)plm_fail(&err, PLM_E_PROTOCOL, "%s took bytes itself, and sends others elsewhere",
                       answer->host);
        const struct plm_upload_answer lost = {
            .said = PLM_SAID_LOST, .error = &err, .host = answer->host, .retry_after_ms = -1};
        plm_upload_lose(u, &lost);
        return false;
    }
    u->run->next_part = 1; /* part 0 is under way */
    if (make_parts(u, &err))
        return true;
    plm_upload_fail(u, &err);
    return false;
}

static void kick(void *ctx)
{
    plm_push_kick(((struct plm_upload *)ctx)->push);
}

/* Takes over what an earlier run noted. Whether it is still good, the registry will say. */
static bool take_noted(struct plm_upload *u, struct plm_error *err)
{
    struct plm_upload_run *run = u->run;
    const struct plm_session *noted =
        plm_sessions_find(&u->push->record.sessions, &u->want.digest, u->want.size);
    if (!noted)
        return true;
    if (!plm_upload_keep_session(u, noted->location, err))
        return false;
    run->offset = run->best = noted->offset;
    run->is_old = true;
    if (noted->part_length == 0)
        return true;
    run->length = noted->part_length;
    if (!make_parts(u, err))
        return false;
    if (noted->part_count > 0) /* else there is no list */
        memcpy(run->md5s, noted->parts, noted->part_count * sizeof(*run->md5s));
    for (size_t i = 0; i < noted->part_count; i++)
        run->sent[i] = true;
    run->next_part = noted->part_count;
    return true;
}

void plm_upload_begin(struct plm_upload *u)
{
    struct plm_push *push = u->push;
    struct plm_error err = {0};
    struct plm_upload_run *run = u->run = calloc(1, sizeof(*run));
    if (!run && !plm_fail(&err, PLM_E_NOMEM, "no memory for an upload")) {
        plm_push_fail(push, &err);
        return;
    }
    *run = (struct plm_upload_run){.fd = -1, .timer = {.fire = kick, .ctx = u}};
    run->length = plm_part_length(u->want.size, push->job->engine->options.chunk_size);
    run->began_ms = plm_loop_now(plm_push_loop(push));
    push->running++;
    bool ok = open_file(u, &err) &&
              (run->hashing = plm_frontier_init(&run->frontier, push->job->engine->workers, run->fd,
                                                false, kick, u, &err)) &&
              take_noted(u, &err);
    if (!ok) {
        plm_upload_fail(u, &err);
        return;
    }
    bool small =
        u->want.size > 0 && u->want.size < PLM_UPLOAD_SMALL && push->plain && !push->direct;
    plm_upload_move(u, run->session ? PLM_UPLOAD_ASKING
                       : small      ? PLM_UPLOAD_HASHING
                                    : PLM_UPLOAD_OPENING);
}
