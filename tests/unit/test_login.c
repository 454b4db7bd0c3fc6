#include "kind_world.h"

static void an_address_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = {"", "a/b", "ftp://h", "h:0", "-h", "http://"};
    for (size_t i = 0; i < PLM_COUNT(hosts); i++) {
        assert_int_equal(
            run_spec(&(struct plm_job_spec){
                .verb = PLM_VERB_LOGIN, .model = hosts[i], .user = "a", .secret = "b"}),
            PLM_E_USAGE);
        assert_int_equal(run_verb(PLM_VERB_LOGOUT, hosts[i]), PLM_E_USAGE);
    }
}

static void a_user_name_that_cannot_be_sent_is_not_kept(void **state)
{
    (void)state;
    assert_int_equal(mkdir(scratch_file("docker"), 0755), 0);
    assert_int_equal(run_spec(&(struct plm_job_spec){.verb = PLM_VERB_LOGIN,
                                                     .model = "http://127.0.0.1:1/v2/",
                                                     .user = "ann:",
                                                     .secret = "pw"}),
                     PLM_E_USAGE);
    assert_int_not_equal(access(scratch_file("docker/config.json"), F_OK), 0);
}

static void logout_forgets_and_says_whether_there_was_something(void **state)
{
    (void)state;
    put_line("../docker/config.json",
             "{\"auths\":{\"r.example\":{\"auth\":\"YW5uOnB3\"},\"b\":{}}}");
    assert_int_equal(run_verb(PLM_VERB_LOGOUT, "r.example"), PLM_OK);
    assert_says(said(PLM_EV_LOGOUT, 0), "\"Removed\":true");
    assert_int_equal(run_verb(PLM_VERB_LOGOUT, "https://r.example/v1/"), PLM_OK);
    assert_says(said(PLM_EV_LOGOUT, 0), "\"Removed\":false");
}

static void a_broken_file_stops_both_before_anything_is_sent(void **state)
{
    (void)state;
    put_line("../docker/config.json", "{");
    assert_int_equal(run_verb(PLM_VERB_LOGOUT, "r.example"), PLM_E_CORRUPT);
    assert_int_equal(run_spec(&(struct plm_job_spec){
                         .verb = PLM_VERB_LOGIN, .model = "h", .user = "a", .secret = "hidden"}),
                     PLM_E_CORRUPT);
    assert_null(strstr(said(PLM_EV_FAILED, 0), "hidden"));
}

static void neither_has_a_dry_run(void **state)
{
    (void)state;
    assert_int_equal(
        run_spec(&(struct plm_job_spec){.verb = PLM_VERB_LOGOUT, .model = "h", .dry_run = true}),
        PLM_E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(an_address_that_is_none_is_refused),
        WITH_WORLD(a_user_name_that_cannot_be_sent_is_not_kept),
        WITH_WORLD(logout_forgets_and_says_whether_there_was_something),
        WITH_WORLD(a_broken_file_stops_both_before_anything_is_sent),
        WITH_WORLD(neither_has_a_dry_run),
    };
    return cmocka_run_group_tests_name("login", tests, NULL, NULL);
}
