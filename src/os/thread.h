/** Threads, mutexes and condition variables: pthreads behind four names. */
#pragma once

#include <pthread.h>

#include "pullama/error.h"

struct plm_mutex {
    pthread_mutex_t handle;
};
struct plm_cond {
    pthread_cond_t handle;
};
struct plm_thread {
    pthread_t handle;
};
void plm_mutex_init(struct plm_mutex *mutex);
void plm_mutex_done(struct plm_mutex *mutex);
void plm_mutex_lock(struct plm_mutex *mutex);
void plm_mutex_unlock(struct plm_mutex *mutex);
void plm_cond_init(struct plm_cond *cond);
void plm_cond_done(struct plm_cond *cond);
void plm_cond_wait(struct plm_cond *cond, struct plm_mutex *mutex);
void plm_cond_signal(struct plm_cond *cond);
void plm_cond_broadcast(struct plm_cond *cond);
/** The thread runs with all signals blocked. */
PLM_MUST bool plm_thread_start(struct plm_thread *thread, void *(*run)(void *), void *ctx, struct plm_error *err);
void plm_thread_join(struct plm_thread *thread);
