#include "kind_world.h"

#include "engine/credential_file.h"
#include "store/lock.h"

static struct plm_url origin(void)
{
    struct plm_url url;
    assert_true(plm_url_parse("https://r.example/v2/", &url, NULL));
    return url;
}

static bool open_file(bool make, struct plm_credential_file *file, struct plm_error *err)
{
    struct plm_url url = origin();
    *err = (struct plm_error){0};
    return plm_credential_file_open(&url, make, file, err);
}

static void assert_holds(const char *text)
{
    char got[1000] = "", flat[1000];
    size_t used = 0;
    FILE *file = fopen(scratch_file("docker/config.json"), "r");
    assert_non_null(file);
    size_t size = fread(got, 1, sizeof(got) - 1, file);
    assert_int_equal(fclose(file), 0);
    for (size_t i = 0; i < size; i++)
        if (got[i] != ' ' && got[i] != '\n')
            flat[used++] = got[i];
    flat[used] = '\0';
    assert_string_equal(flat, text);
}

static void a_password_is_set_and_forgotten_in_a_private_file(void **state)
{
    (void)state;
    struct plm_credential_file file;
    struct plm_error err;
    struct stat st;
    bool removed = false;
    assert_true(open_file(true, &file, &err));
    assert_true(plm_credential_file_set(&file, "ann", "pw", &err));
    assert_holds("{\"auths\":{\"r.example\":{\"auth\":\"YW5uOnB3\"}}}");
    assert_int_equal(stat(scratch_file("docker/config.json"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(plm_credential_file_forget(&file, &removed, &err));
    assert_true(removed);
    assert_holds("{\"auths\":{}}");
    plm_credential_file_close(&file);
}

static void a_link_leads_to_the_file_that_is_replaced(void **state)
{
    (void)state;
    struct plm_credential_file file;
    struct plm_error err;
    struct stat st;
    put_line("../real/settings", "{\"a\":1}");
    assert_int_equal(mkdir(scratch_file("docker"), 0700), 0);
    assert_int_equal(symlink("../real/settings", scratch_file("docker/config.json")), 0);
    assert_true(open_file(true, &file, &err));
    assert_string_equal(file.name, "settings");
    assert_true(plm_credential_file_set(&file, "ann", "pw", &err));
    assert_int_equal(lstat(scratch_file("docker/config.json"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_holds("{\"a\":1,\"auths\":{\"r.example\":{\"auth\":\"YW5uOnB3\"}}}");
    plm_credential_file_close(&file);
}

static void what_is_broken_is_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {"{", "[]", "{\"credsStore\":\"../x\"}"};
    for (size_t i = 0; i < PLM_COUNT(texts); i++) {
        struct plm_credential_file file;
        struct plm_error err;
        put_line("../docker/config.json", texts[i]);
        assert_false(open_file(true, &file, &err));
        assert_int_equal(err.code, PLM_E_CORRUPT);
        assert_non_null(strstr(err.msg, "docker/config.json"));
        assert_holds(texts[i]);
    }
    struct plm_credential_file file;
    struct plm_error err;
    put_line("../docker/config.json", "{\"auths\":7}");
    assert_true(open_file(true, &file, &err));
    assert_false(plm_credential_file_set(&file, "ann", "pw", &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_holds("{\"auths\":7}");
    plm_credential_file_close(&file);
}

static void one_at_a_time_changes_it(void **state)
{
    (void)state;
    struct plm_credential_file file;
    struct plm_error err;
    struct plm_lock lock = PLM_LOCK_INIT;
    int dir = open(scratch_path, O_RDONLY);
    assert_int_equal(mkdirat(dir, "docker", 0700), 0);
    int folder = openat(dir, "docker", O_RDONLY);
    assert_true(open_file(true, &file, &err));
    assert_true(plm_lock_try(folder, ".config.json.pullama-lock", &lock, &err));
    assert_false(plm_credential_file_set(&file, "ann", "pw", &err));
    assert_int_equal(err.code, PLM_E_BUSY);
    plm_lock_release(&lock, true);
    err = (struct plm_error){0};
    assert_true(plm_credential_file_set(&file, "ann", "pw", &err));
    plm_credential_file_close(&file);
    (void)close(folder);
    (void)close(dir);
}

static void forgetting_makes_no_folder(void **state)
{
    (void)state;
    struct plm_credential_file file;
    struct plm_error err;
    bool removed = true;
    assert_true(open_file(false, &file, &err));
    assert_true(plm_credential_file_forget(&file, &removed, &err));
    assert_false(removed);
    assert_int_not_equal(access(scratch_file("docker"), F_OK), 0);
    plm_credential_file_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_password_is_set_and_forgotten_in_a_private_file),
        WITH_WORLD(a_link_leads_to_the_file_that_is_replaced),
        WITH_WORLD(what_is_broken_is_left_alone),
        WITH_WORLD(one_at_a_time_changes_it),
        WITH_WORLD(forgetting_makes_no_folder),
    };
    return cmocka_run_group_tests_name("credential_file", tests, NULL, NULL);
}
