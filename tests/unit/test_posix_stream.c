#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/os.h"
#include "os/stream.h"
#include "os/thread.h"

static void bytes_go_through_a_pipe(void **state)
{
    (void)state;
    int ends[2];
    char in[10000], out[10001];
    atomic_bool cancelled = false;
    size_t got = 0;
    memset(in, 'x', sizeof(in));
    assert_int_equal(pipe(ends), 0);
    assert_true(plm_os_stream_write(ends[1], in, sizeof(in), &cancelled, NULL));
    plm_os_close(ends[1]);
    assert_true(plm_os_stream_read(ends[0], out, sizeof(out), &cancelled, &got, NULL));
    assert_int_equal(got, sizeof(in));
    assert_memory_equal(in, out, sizeof(in));
    plm_os_close(ends[0]);
}

struct stuck {
    int fd;
    bool reads, ok;
    atomic_bool cancelled;
    struct plm_error err;
};

static void *get_stuck(void *ctx)
{
    struct stuck *s = ctx;
    static char bytes[1 << 20];
    size_t got = 0;
    s->ok = s->reads ? plm_os_stream_read(s->fd, bytes, sizeof(bytes), &s->cancelled, &got, &s->err)
                     : plm_os_stream_write(s->fd, bytes, sizeof(bytes), &s->cancelled, &s->err);
    return NULL;
}

static void who_is_stuck_can_be_told_to_stop(void **state)
{
    (void)state;
    for (int reads = 0; reads < 2; reads++) {
        int ends[2];
        struct plm_thread thread;
        assert_int_equal(pipe(ends), 0);
        struct stuck s = {.fd = ends[reads ? 0 : 1], .reads = reads};
        assert_true(plm_thread_start(&thread, get_stuck, &s, NULL));
        atomic_store(&s.cancelled, true);
        plm_thread_join(&thread);
        assert_false(s.ok);
        assert_int_equal(s.err.code, PLM_E_INTERRUPTED);
        plm_os_close(ends[0]);
        plm_os_close(ends[1]);
    }
}

static void a_reader_that_has_gone_is_told_of(void **state)
{
    (void)state;
    int ends[2];
    atomic_bool cancelled = false;
    struct plm_error err = {0};
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    assert_int_equal(pipe(ends), 0);
    plm_os_close(ends[0]);
    assert_false(plm_os_stream_write(ends[1], "x", 1, &cancelled, &err));
    assert_int_equal(err.code, PLM_E_IO);
    assert_non_null(strstr(err.msg, "has ended"));
    plm_os_close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_through_a_pipe),
        cmocka_unit_test(who_is_stuck_can_be_told_to_stop),
        cmocka_unit_test(a_reader_that_has_gone_is_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
