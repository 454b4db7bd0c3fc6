#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>
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

static void what_the_other_side_of_a_socket_has_not_got_is_known(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    static const char bytes[1 << 20];
    uint64_t left = 0;
    int listener = socket(AF_INET, SOCK_STREAM, 0), out = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    assert_false(plm_os_has_ports(out, 1, ntohs(at.sin_port))); /* not connected */
    assert_int_equal(connect(out, (struct sockaddr *)&at, size), 0);
    int in = accept(listener, NULL, NULL);
    assert_true(in >= 0);
    uint16_t remote = ntohs(at.sin_port);
    assert_int_equal(getsockname(out, (struct sockaddr *)&at, &size), 0);
    uint16_t local = ntohs(at.sin_port);
    assert_true(plm_os_has_ports(out, local, remote));
    assert_false(plm_os_has_ports(out, local, local));
    assert_false(plm_os_has_ports(out, remote, remote));
    assert_false(plm_os_has_ports(in, local, remote));
    assert_false(plm_os_has_ports(0, local, remote));
    assert_false(plm_os_has_ports(-1, local, remote));
    assert_false(plm_os_unacknowledged(-1, &left));
    ssize_t sent;
    while ((sent = send(out, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        ; /* until neither side has room */
#ifdef __linux__
    assert_true(plm_os_unacknowledged(out, &left));
    assert_true(left > 0);
    assert_true(plm_os_unacknowledged(in, &left));
    assert_int_equal(left, 0);
#endif
    assert_int_equal(close(in) | close(out) | close(listener), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_run_forward),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(this_boot_has_one_identity),
        cmocka_unit_test(what_the_other_side_of_a_socket_has_not_got_is_known),
        cmocka_unit_test(a_process_runs_until_it_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
