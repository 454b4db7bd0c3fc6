#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "engine/export_file.h"
#include "scratch.h"

#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_drop)
#define BYTES "0123456789abcdefghijklmno" /* 25 */

static struct plm_export_file file;
static struct plm_error err;

static bool try_open(uint64_t total, uint64_t split, bool replace, bool dry_run)
{
    file = PLM_EXPORT_FILE_INIT;
    err = (struct plm_error){0};
    return plm_export_file_open(&file, scratch_file("a.zip"), total, split, replace, dry_run, &err);
}

static void refused(enum plm_code code, const char *says)
{
    assert_int_equal(err.code, code);
    if (!strstr(err.msg, says))
        fail_msg("no '%s' in '%s'", says, err.msg);
    plm_export_file_close(&file);
}

static void write_some(uint64_t at, size_t length)
{
    if (!plm_export_file_write(&file, at, &BYTES[at], length, &err))
        fail_msg("%s", err.msg);
}

static void finish(void)
{
    if (!plm_export_file_finish(&file, &err))
        fail_msg("%s", err.msg);
    plm_export_file_close(&file);
}

static void put_text(const char *name, const char *text)
{
    FILE *out = fopen(scratch_file(name), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    assert_int_equal(fclose(out), 0);
}

/* NULL: there must be none. */
static void check_text(const char *name, const char *want)
{
    char text[256] = "";
    FILE *in = fopen(scratch_file(name), "rb");
    if (!want) {
        assert_null(in);
        return;
    }
    assert_non_null(in);
    text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
    assert_string_equal(text, want);
    assert_int_equal(fclose(in), 0);
}

static void a_file_gets_its_name_when_it_is_finished(void **state)
{
    (void)state;
    assert_true(try_open(25, 0, false, false));
    write_some(10, 15); /* in any order */
    write_some(0, 10);
    check_text("a.zip", NULL);
    check_text("a.zip.pullama.tmp", BYTES);
    finish();
    check_text("a.zip", BYTES);
    check_text("a.zip.pullama.tmp", NULL);
}

static void what_is_not_finished_leaves_the_old_file_and_nothing_else(void **state)
{
    (void)state;
    put_text("a.zip", "old");
    assert_true(try_open(25, 0, true, false));
    write_some(0, 25);
    check_text("a.zip", "old");
    plm_export_file_close(&file);
    check_text("a.zip", "old");
    check_text("a.zip.pullama.tmp", NULL);
    assert_true(try_open(25, 0, true, false));
    write_some(0, 25);
    finish();
    check_text("a.zip", BYTES);
}

static void what_is_there_is_replaced_only_on_request(void **state)
{
    (void)state;
    put_text("a.zip", "old");
    assert_false(try_open(25, 0, false, false));
    refused(PLM_E_USAGE, "--force replaces it");
    put_text("a.zip.002", "old");
    assert_false(try_open(25, 10, false, false));
    refused(PLM_E_USAGE, "a.zip.002 is there already");
    check_text("a.zip.001.pullama.tmp", NULL);
}

static void a_file_that_came_meanwhile_is_not_replaced_either(void **state)
{
    (void)state;
    assert_true(try_open(25, 0, false, false));
    write_some(0, 25);
    put_text("a.zip", "of another program");
    assert_false(plm_export_file_finish(&file, &err));
    refused(PLM_E_USAGE, "is there already");
    check_text("a.zip", "of another program");
    check_text("a.zip.pullama.tmp", NULL);
}

static void what_is_no_regular_file_is_never_replaced(void **state)
{
    (void)state;
    assert_int_equal(mkdir(scratch_file("a.zip"), 0755), 0);
    assert_false(try_open(25, 0, true, false));
    refused(PLM_E_USAGE, "is a folder");
    assert_int_equal(rmdir(scratch_file("a.zip")), 0);
    assert_int_equal(symlink("elsewhere", scratch_file("a.zip")), 0);
    assert_false(try_open(25, 0, true, false));
    refused(PLM_E_USAGE, "is no regular file");
    check_text("elsewhere", NULL);
}

static void bytes_go_to_the_parts_that_they_belong_to(void **state)
{
    (void)state;
    assert_true(try_open(25, 10, false, false));
    write_some(18, 7);
    write_some(0, 18);
    assert_int_equal(file.parts, 3);
    finish();
    check_text("a.zip.001", "0123456789");
    check_text("a.zip.002", "abcdefghij");
    check_text("a.zip.003", "klmno");
    check_text("a.zip", NULL);
}

static void old_parts_go_so_that_no_mixture_stays(void **state)
{
    (void)state;
    static const char *const old[] = {"a.zip.001", "a.zip.002", "a.zip.003", "a.zip.004"};
    for (size_t i = 0; i < PLM_COUNT(old); i++)
        put_text(old[i], "old");
    assert_true(try_open(25, 13, true, false));
    write_some(0, 25);
    finish();
    check_text("a.zip.001", "0123456789abc");
    check_text("a.zip.002", "defghijklmno");
    check_text("a.zip.003", NULL);
    check_text("a.zip.004", NULL);
}

static void what_a_killed_run_left_is_cleared_up(void **state)
{
    (void)state;
    static const char *const left[] = {"a.zip.001.pullama.tmp", "a.zip.002.pullama.tmp",
                                       "a.zip.003.pullama.tmp", "a.zip.004.pullama.tmp"};
    for (size_t i = 0; i < PLM_COUNT(left); i++)
        put_text(left[i], "a part that is longer than all that is written now");
    assert_true(try_open(25, 13, false, false));
    write_some(0, 25);
    finish();
    check_text("a.zip.001", "0123456789abc");
    check_text("a.zip.002", "defghijklmno");
    for (size_t i = 0; i < PLM_COUNT(left); i++)
        check_text(left[i], NULL);
}

static void two_do_not_write_to_the_same_name(void **state)
{
    (void)state;
    struct plm_export_file other = PLM_EXPORT_FILE_INIT;
    assert_true(plm_export_file_open(&other, scratch_file("a.zip"), 25, 0, false, false, &err));
    assert_true(plm_export_file_write(&other, 0, BYTES, 25, &err));
    assert_false(try_open(25, 0, false, false));
    refused(PLM_E_BUSY, "another process is writing");
    assert_true(plm_export_file_finish(&other, &err)); /* nobody has taken its file away */
    plm_export_file_close(&other);
    check_text("a.zip", BYTES);
}

static void places_that_cannot_be_written_to_are_named(void **state)
{
    (void)state;
    char path[600];
    static const char *const folders[] = {".", "..", "x/", ""};
    for (size_t i = 0; i < PLM_COUNT(folders); i++) {
        file = PLM_EXPORT_FILE_INIT;
        err = (struct plm_error){0};
        (void)snprintf(path, sizeof(path), "%s/%s", scratch_path, folders[i]);
        assert_false(plm_export_file_open(&file, path, 25, 0, false, false, &err));
        refused(PLM_E_USAGE, "is a folder; name a file in it");
    }
    file = PLM_EXPORT_FILE_INIT;
    err = (struct plm_error){0};
    assert_false(plm_export_file_open(&file, scratch_file("no/a.zip"), 25, 0, false, false, &err));
    refused(PLM_E_USAGE, "there is no folder");
    (void)snprintf(path, sizeof(path), "%s/%0250d", scratch_path, 1);
    err = (struct plm_error){0};
    assert_false(plm_export_file_open(&file, path, 25, 0, false, false, &err));
    refused(PLM_E_USAGE, "too long");
}

static void what_cannot_fit_is_refused_before_anything_is_written(void **state)
{
    (void)state;
    assert_false(try_open(UINT64_C(1) << 60, 0, false, false));
    refused(PLM_E_NOSPACE, "1152921504606846976 bytes");
    assert_false(try_open(10000, 10, false, false));
    refused(PLM_E_USAGE, "1000 parts; at most 999");
    check_text("a.zip.pullama.tmp", NULL);
    check_text("a.zip.001.pullama.tmp", NULL);
}

static void a_dry_run_makes_no_file(void **state)
{
    (void)state;
    assert_true(try_open(25, 10, false, true));
    assert_int_equal(file.parts, 3);
    check_text("a.zip.001.pullama.tmp", NULL);
    plm_export_file_close(&file);
    check_text("a.zip.001", NULL);
}

static void a_request_to_stop_ends_writing_and_gives_no_name(void **state)
{
    (void)state;
    assert_true(try_open(25, 0, false, false));
    write_some(0, 25);
    atomic_store(&file.cancelled, true);
    assert_false(plm_export_file_write(&file, 0, BYTES, 1, &err));
    assert_int_equal(err.code, PLM_E_INTERRUPTED);
    err = (struct plm_error){0};
    assert_false(plm_export_file_finish(&file, &err));
    refused(PLM_E_INTERRUPTED, "stopped");
    check_text("a.zip", NULL);
    check_text("a.zip.pullama.tmp", NULL);
}

static void a_part_that_cannot_be_finished_is_told_as_what_it_is(void **state)
{
    (void)state;
    assert_true(try_open(25, 10, false, false));
    write_some(0, 5);
    /* A folder has taken the second part's place. */
    assert_int_equal(mkdir(scratch_file("a.zip.002.pullama.tmp"), 0755), 0);
    assert_false(plm_export_file_finish(&file, &err));
    assert_int_not_equal(err.code, PLM_E_INTERRUPTED);
    assert_null(strstr(err.msg, "stopped"));
    plm_export_file_close(&file);
    check_text("a.zip.001", NULL);
}

static void a_stream_takes_bytes_in_their_order_alone(void **state)
{
    (void)state;
    int ends[2];
    char text[64] = "";
    assert_int_equal(pipe(ends), 0);
    file = PLM_EXPORT_FILE_INIT;
    err = (struct plm_error){0};
    plm_export_file_stream(&file, ends[1], 25);
    write_some(0, 10);
    write_some(10, 10);
    assert_false(plm_export_file_write(&file, 21, BYTES, 1, &err));
    assert_int_equal(err.code, PLM_E_INTERNAL);
    err = (struct plm_error){0};
    write_some(20, 5);
    finish();
    assert_int_equal(close(ends[1]), 0); /* it was borrowed */
    assert_int_equal(read(ends[0], text, sizeof(text)), 25);
    assert_string_equal(text, BYTES);
    (void)close(ends[0]);
}

static void a_path_has_a_folder(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"a.zip", "."}, {"x/a.zip", "x"}, {"/a.zip", "/"}, {"/x/y/a.zip", "/x/y"}};
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        char *folder = plm_export_folder(rows[i][0]);
        assert_string_equal(folder, rows[i][1]);
        free(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(a_file_gets_its_name_when_it_is_finished),
        WITH_SCRATCH(what_is_not_finished_leaves_the_old_file_and_nothing_else),
        WITH_SCRATCH(what_is_there_is_replaced_only_on_request),
        WITH_SCRATCH(a_file_that_came_meanwhile_is_not_replaced_either),
        WITH_SCRATCH(what_is_no_regular_file_is_never_replaced),
        WITH_SCRATCH(bytes_go_to_the_parts_that_they_belong_to),
        WITH_SCRATCH(old_parts_go_so_that_no_mixture_stays),
        WITH_SCRATCH(what_a_killed_run_left_is_cleared_up),
        WITH_SCRATCH(two_do_not_write_to_the_same_name),
        WITH_SCRATCH(places_that_cannot_be_written_to_are_named),
        WITH_SCRATCH(what_cannot_fit_is_refused_before_anything_is_written),
        WITH_SCRATCH(a_dry_run_makes_no_file),
        WITH_SCRATCH(a_request_to_stop_ends_writing_and_gives_no_name),
        WITH_SCRATCH(a_part_that_cannot_be_finished_is_told_as_what_it_is),
        WITH_SCRATCH(a_stream_takes_bytes_in_their_order_alone),
        cmocka_unit_test(a_path_has_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
