/* Schedule: which blobs of a pull are open, and how many requests run for them. */
#include "engine/pull.h"

/* Blobs that are being fetched; what only waits for its sync does not count. */
#define FETCHED_MAX 48

static bool is_settled(const struct plm_download *d)
{
    return d->state == PLM_DOWNLOAD_STAGED || d->state == PLM_DOWNLOAD_PRESENT;
}

static void drop_settled(struct plm_pull *pull)
{
    size_t kept = 0;
    for (size_t i = 0; i < pull->open_count; i++)
        if (!is_settled(pull->open[i]))
            pull->open[kept++] = pull->open[i];
    pull->open_count = kept;
}

static bool may_open(const struct plm_pull *pull)
{
    size_t fetched = 0;
    for (size_t i = 0; i < pull->open_count; i++)
        fetched += !pull->open[i]->is_batched;
    return pull->next < pull->count && fetched < FETCHED_MAX &&
           pull->open_count < PLM_PULL_OPEN_MAX;
}

static void open_next(struct plm_pull *pull)
{
    struct plm_download *d = &pull->downloads[pull->next++];
    if (d->state != PLM_DOWNLOAD_PLANNED)
        return;
    pull->open[pull->open_count++] = d;
    plm_download_open(d);
    plm_download_advance(d);
    if (is_settled(d))
        pull->open_count--;
}

/* Ascending over all blobs. False when there is nothing to ask for. */
static bool start_one(struct plm_pull *pull)
{
    for (size_t i = 0; i < pull->open_count && !pull->error.code; i++)
        if (plm_download_start_chunk(pull->open[i]))
            return true;
    if (pull->error.code)
        return false;
    if (may_open(pull)) {
        open_next(pull);
        return !pull->error.code;
    }
    for (size_t i = 0; i < pull->open_count; i++)
        if (plm_download_split(pull->open[i]))
            return true;
    return false;
}

/* By what connections bring, and by how many pulls share them. */
static unsigned allowed(const struct plm_pull *pull)
{
    unsigned wanted = plm_lanes_allowed(&pull->lanes), share = plm_engine_share(pull->job->engine);
    return wanted < share ? wanted : share;
}

static void start_requests(struct plm_pull *pull)
{
    pull->is_starved = false;
    while (pull->active < allowed(pull) && !pull->is_starved) {
        if (plm_loop_turn_is_over(plm_pull_loop(pull))) { /* many blobs that are here already */
            plm_pull_kick(pull);
            return;
        }
        pull->is_starved = !start_one(pull);
    }
}

bool plm_pull_schedule(struct plm_pull *pull)
{
    for (size_t i = 0; i < pull->open_count && !pull->error.code; i++)
        plm_download_advance(pull->open[i]);
    if (pull->error.code)
        return false;
    drop_settled(pull);
    start_requests(pull);
    if (plm_batch_is_due(&pull->batch, plm_loop_now(plm_pull_loop(pull)), pull->active == 0))
        plm_batch_run(&pull->batch, false);
    return !pull->error.code && pull->next == pull->count && pull->open_count == 0;
}

/* Many requests have ended already, and still most connections wait: small blobs. */
static bool is_waiting(const struct plm_pull *pull)
{
    unsigned waiting = 0;
    for (size_t i = 0; i < pull->open_count; i++)
        for (const struct plm_chunk *c = pull->open[i]->chunks; c; c = c->next)
            waiting += c->state == PLM_CHUNK_CONNECTING;
    return pull->ended >= 2 * allowed(pull) && 2 * waiting > pull->active;
}

void plm_pull_look_at_lanes(struct plm_pull *pull)
{
    const struct plm_lanes_view view = {.now_ms = plm_loop_now(plm_pull_loop(pull)),
                                        .received = pull->received,
                                        .left = pull->total - pull->shown,
                                        .active = pull->active,
                                        .is_waiting = is_waiting(pull),
                                        .is_starved = pull->is_starved,
                                        .answer_ms = pull->answer_ms};
    plm_lanes_look(&pull->lanes, &view);
}
