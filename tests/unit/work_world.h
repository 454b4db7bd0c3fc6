/* A loop with workers, stepped until something holds. */
#pragma once

#include "engine/workers.h"
#include "os/os.h"
#include "store_world.h"

static struct plm_loop *loop;
static struct plm_workers *workers;

static inline int work_make(void **state)
{
    struct plm_error err = {0};
    return scratch_make(state) == 0 && plm_loop_new(&loop, &err) &&
                   plm_workers_new(loop, 3, &workers, &err)
               ? 0
               : -1;
}

static inline int work_drop(void **state)
{
    plm_workers_free(workers);
    workers = NULL;
    plm_loop_free(loop);
    return scratch_drop(state);
}

#define WITH_WORKERS(f) cmocka_unit_test_setup_teardown(f, work_make, work_drop)

/* Steps until *flag; what never comes fails the test. */
static inline void step_until(const bool *flag)
{
    int64_t end = plm_os_monotonic_ms() + 60000;
    while (!*flag) {
        struct plm_error err = {0};
        if (!plm_loop_step(loop, 1000, &err))
            fail_msg("%s", err.msg);
        if (plm_os_monotonic_ms() > end)
            fail_msg("nothing came in a minute");
    }
}

static inline int opened_file(const char *name, const void *bytes, size_t size)
{
    put_file(plm_os_cwd(), scratch_file(name), bytes, size);
    int fd = open(scratch_file(name), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}
