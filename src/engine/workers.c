/* Workers: a bounded pool of threads with one queue. */
#include "engine/workers.h"

#include <stdlib.h>

#include "os/thread.h"

#define WORKERS_MAX 32

struct plm_workers {
    struct plm_loop *loop;
    struct plm_mutex mutex;
    struct plm_cond more;
    struct plm_work *first, **last;
    bool closing;
    unsigned count;
    struct plm_thread threads[WORKERS_MAX];
};

static void deliver(struct plm_message *message)
{
    struct plm_work *work = (struct plm_work *)(void *)message; /* its first member */
    work->done(work);
}

static struct plm_work *take(struct plm_workers *workers)
{
    plm_mutex_lock(&workers->mutex);
    while (!workers->first && !workers->closing)
        plm_cond_wait(&workers->more, &workers->mutex);
    struct plm_work *work = workers->closing ? NULL : workers->first;
    if (work) {
        workers->first = work->next;
        if (!workers->first)
            workers->last = &workers->first;
    }
    plm_mutex_unlock(&workers->mutex);
    return work;
}

static void append(struct plm_workers *workers, struct plm_work *work)
{
    work->next = NULL;
    plm_mutex_lock(&workers->mutex);
    *workers->last = work;
    workers->last = &work->next;
    plm_cond_signal(&workers->more);
    plm_mutex_unlock(&workers->mutex);
}

static void *serve(void *ctx)
{
    struct plm_workers *workers = ctx;
    struct plm_work *work;
    while ((work = take(workers)) != NULL) {
        work->again = false;
        work->run(work);
        if (work->again)
            append(workers, work);
        else
            plm_loop_post(workers->loop, &work->message);
    }
    return NULL;
}

bool plm_workers_new(struct plm_loop *loop, unsigned count, struct plm_workers **out,
                     struct plm_error *err)
{
    struct plm_workers *workers = calloc(1, sizeof(*workers));
    if (!workers)
        return plm_fail(err, PLM_E_NOMEM, "no memory for workers");
    workers->loop = loop;
    workers->last = &workers->first;
    plm_mutex_init(&workers->mutex);
    plm_cond_init(&workers->more);
    while (workers->count < count && workers->count < WORKERS_MAX) {
        if (!plm_thread_start(&workers->threads[workers->count], serve, workers, err)) {
            plm_workers_free(workers);
            return false;
        }
        workers->count++;
    }
    *out = workers;
    return true;
}

void plm_workers_free(struct plm_workers *workers)
{
    if (!workers)
        return;
    plm_mutex_lock(&workers->mutex);
    workers->closing = true;
    plm_cond_broadcast(&workers->more);
    plm_mutex_unlock(&workers->mutex);
    for (unsigned i = 0; i < workers->count; i++)
        plm_thread_join(&workers->threads[i]);
    plm_cond_done(&workers->more);
    plm_mutex_done(&workers->mutex);
    free(workers);
}

unsigned plm_workers_count(const struct plm_workers *workers)
{
    return workers->count;
}

void plm_workers_submit(struct plm_workers *workers, struct plm_work *work)
{
    work->message = (struct plm_message){.deliver = deliver};
    append(workers, work);
}
