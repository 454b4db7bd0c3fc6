#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/os.h"

static void clocks_run_forward(void **state)
{
    (void)state;
    int64_t before = plm_os_monotonic_ms();
    assert_true(plm_os_monotonic_ms() >= before);
    assert_true(plm_os_unix_ms() > INT64_C(1577836800000)); /* 2020 */
}

static void random_bytes_differ(void **state)
{
    (void)state;
    struct plm_error err = {0};
    uint8_t a[600], b[600];
    assert_true(plm_os_random(a, sizeof(a), &err));
    assert_true(plm_os_random(b, sizeof(b), &err));
    assert_memory_not_equal(a, b, sizeof(a));
}

static void this_boot_has_one_identity(void **state)
{
    (void)state;
    char a[40], b[40];
    plm_os_boot_id(a);
    plm_os_boot_id(b);
    assert_string_equal(a, b);
    assert_true(strlen(a) == 36 || strlen(a) == 0);
    assert_true(plm_os_cores() >= 1);
    assert_true(plm_os_pid() > 0);
}

static void a_process_runs_until_it_has_ended(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(plm_os_is_running((long)child));
    assert_true(plm_os_is_running(plm_os_pid()));
    assert_true(plm_os_is_running(1)); /* another's */
    assert_false(plm_os_is_running(0));
    assert_false(plm_os_is_running(-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_run_forward),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(this_boot_has_one_identity),
        cmocka_unit_test(a_process_runs_until_it_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
