/* Threads, mutexes and condition variables by pthreads. */
#include "os/thread.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* These calls fail only when used wrongly, so their results carry nothing to act on. */

void plm_mutex_init(struct plm_mutex *mutex)
{
    (void)pthread_mutex_init(&mutex->handle, NULL);
}

void plm_mutex_done(struct plm_mutex *mutex)
{
    (void)pthread_mutex_destroy(&mutex->handle);
}

void plm_mutex_lock(struct plm_mutex *mutex)
{
    (void)pthread_mutex_lock(&mutex->handle);
}

void plm_mutex_unlock(struct plm_mutex *mutex)
{
    (void)pthread_mutex_unlock(&mutex->handle);
}

void plm_cond_init(struct plm_cond *cond)
{
    (void)pthread_cond_init(&cond->handle, NULL);
}

void plm_cond_done(struct plm_cond *cond)
{
    (void)pthread_cond_destroy(&cond->handle);
}

void plm_cond_wait(struct plm_cond *cond, struct plm_mutex *mutex)
{
    (void)pthread_cond_wait(&cond->handle, &mutex->handle);
}

void plm_cond_signal(struct plm_cond *cond)
{
    (void)pthread_cond_signal(&cond->handle);
}

void plm_cond_broadcast(struct plm_cond *cond)
{
    (void)pthread_cond_broadcast(&cond->handle);
}

bool plm_thread_start(struct plm_thread *thread, void *(*run)(void *), void *ctx,
                      struct plm_error *err)
{
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = pthread_create(&thread->handle, NULL, run, ctx);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed == EAGAIN) /* which stands for a taken lock elsewhere */
        return plm_fail(err, PLM_E_NOMEM, "start a thread: %s", strerror(failed));
    return failed ? plm_fail_sys(err, failed, "start a thread") : true;
}

void plm_thread_join(struct plm_thread *thread)
{
    (void)pthread_join(thread->handle, NULL);
}
