#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/hosts.h"

static void note(struct plm_hosts *hosts, const char *host, int status, int64_t retry_after_ms,
                 int64_t now_ms)
{
    static struct plm_http_outcome outcome;
    outcome.end = PLM_HTTP_ANSWERED;
    outcome.head.status = status;
    outcome.head.retry_after_ms = retry_after_ms;
    plm_hosts_note(hosts, host, &outcome, now_ms);
}

static void a_host_is_left_alone_until_its_time(void **state)
{
    (void)state;
    struct plm_hosts hosts = {0};
    note(&hosts, "a:1", 429, 5000, 1000);
    assert_int_equal(plm_hosts_wait(&hosts, "a:1", 1000), 5000);
    assert_int_equal(plm_hosts_wait(&hosts, "a:1", 5999), 1);
    assert_int_equal(plm_hosts_wait(&hosts, "a:1", 6000), 0);
    assert_int_equal(plm_hosts_wait(&hosts, "a:2", 1000), 0);
}

static void only_overload_with_a_time_counts(void **state)
{
    (void)state;
    struct plm_hosts hosts = {0};
    note(&hosts, "a", 301, 5000, 0);
    note(&hosts, "a", 404, 5000, 0);
    note(&hosts, "a", 503, -1, 0);
    note(&hosts, "a", 503, 0, 0);
    assert_int_equal(plm_hosts_wait(&hosts, "a", 0), 0);
    note(&hosts, "a", 503, 7, 0);
    assert_int_equal(plm_hosts_wait(&hosts, "a", 0), 7);
}

static void a_hold_never_gets_shorter(void **state)
{
    (void)state;
    struct plm_hosts hosts = {0};
    note(&hosts, "a", 429, 5000, 0);
    note(&hosts, "a", 429, 10, 0);
    assert_int_equal(plm_hosts_wait(&hosts, "a", 0), 5000);
    note(&hosts, "a", 429, 9000, 0);
    assert_int_equal(plm_hosts_wait(&hosts, "a", 0), 9000);
}

static void the_soonest_gives_way_when_there_are_too_many(void **state)
{
    (void)state;
    struct plm_hosts hosts = {0};
    char host[16];
    for (int i = 0; i < PLM_HOSTS_HELD_MAX; i++) {
        (void)snprintf(host, sizeof(host), "h%d", i);
        note(&hosts, host, 429, 1000 + (i + 5) % PLM_HOSTS_HELD_MAX, 0);
    }
    note(&hosts, "new", 429, 5000, 0);
    assert_int_equal(plm_hosts_wait(&hosts, "new", 0), 5000);
    int held = 0;
    for (int i = 0; i < PLM_HOSTS_HELD_MAX; i++) {
        (void)snprintf(host, sizeof(host), "h%d", i);
        held += plm_hosts_wait(&hosts, host, 0) > 0;
    }
    assert_int_equal(held, PLM_HOSTS_HELD_MAX - 1);
    (void)snprintf(host, sizeof(host), "h%d", PLM_HOSTS_HELD_MAX - 5);
    assert_int_equal(plm_hosts_wait(&hosts, host, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_left_alone_until_its_time),
        cmocka_unit_test(only_overload_with_a_time_counts),
        cmocka_unit_test(a_hold_never_gets_shorter),
        cmocka_unit_test(the_soonest_gives_way_when_there_are_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
