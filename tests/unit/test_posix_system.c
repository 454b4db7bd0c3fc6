#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_run_forward),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(this_boot_has_one_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
