#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "engine/archive_input.h"
#include "scratch.h"

#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_drop)

static struct plm_archive_input input;
static struct plm_error err;

static void put_text(const char *name, const char *text)
{
    FILE *out = fopen(scratch_file(name), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    assert_int_equal(fclose(out), 0);
}

static bool try_open(const char *name)
{
    input = PLM_ARCHIVE_INPUT_INIT;
    err = (struct plm_error){0};
    return plm_archive_input_open(&input, scratch_file(name), &err);
}

static void refused(const char *name, enum plm_code code, const char *says)
{
    assert_false(try_open(name));
    assert_int_equal(err.code, code);
    if (!strstr(err.msg, says))
        fail_msg("no '%s' in '%s'", says, err.msg);
    plm_archive_input_close(&input);
}

static bool read_some(uint64_t at, char *out, size_t length)
{
    struct plm_content_source source = plm_archive_input_source(&input);
    memset(out, 0, length + 1);
    return source.read(source.ctx, at, out, length, &err);
}

static void a_file_is_read_at_any_place(void **state)
{
    (void)state;
    char text[32];
    put_text("a.zip", "0123456789");
    assert_true(try_open("a.zip"));
    assert_int_equal(plm_archive_input_source(&input).size, 10);
    assert_true(read_some(4, text, 6));
    assert_string_equal(text, "456789");
    assert_true(read_some(0, text, 2));
    assert_string_equal(text, "01");
    assert_false(read_some(8, text, 3));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    plm_archive_input_close(&input);
}

static void parts_are_read_as_if_they_were_one_file(void **state)
{
    (void)state;
    static const char *const whole = "0123456789abcdefghij!";
    char text[32], want[32];
    put_text("a.zip.001", "0123456789");
    put_text("a.zip.002", "abcdefghij");
    put_text("a.zip.003", "!");
    assert_true(try_open("a.zip.001"));
    assert_int_equal(input.parts, 3);
    assert_int_equal(plm_archive_input_source(&input).size, 21);
    for (size_t at = 0; at <= 21; at++) {
        for (size_t length = 0; at + length <= 21; length++) {
            (void)snprintf(want, sizeof(want), "%.*s", (int)length, whole + at);
            assert_true(read_some(at, text, length));
            assert_string_equal(text, want);
        }
    }
    assert_false(read_some(20, text, 2));
    plm_archive_input_close(&input);
}

static void a_part_that_is_missing_or_cut_short_is_named(void **state)
{
    (void)state;
    put_text("a.zip.001", "0123456789");
    put_text("a.zip.003", "0123456789");
    refused("a.zip.001", PLM_E_CORRUPT, "a.zip.002 is missing");
    put_text("a.zip.002", "012345678");
    refused("a.zip.001", PLM_E_CORRUPT, "a.zip.002 has not the size of the first part");
    put_text("a.zip.002", "0123456789+");
    refused("a.zip.001", PLM_E_CORRUPT, "a.zip.002 has not the size of the first part");
    put_text("a.zip.002", "0123456789");
    put_text("a.zip.003", "");
    refused("a.zip.001", PLM_E_CORRUPT, "a.zip.003");
}

static void another_part_leads_to_the_first(void **state)
{
    (void)state;
    put_text("a.zip.001", "0123456789");
    put_text("a.zip.002", "01");
    refused("a.zip.002", PLM_E_USAGE, "name the first one, a.zip.001");
    refused("a.zip", PLM_E_USAGE, "a.zip.001 is: name that one");
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir(scratch_file("folder"), 0755), 0);
    refused("folder", PLM_E_USAGE, "is a folder; name a file in it");
    refused("none.zip", PLM_E_USAGE, "there is no file");
}

static void a_link_is_followed_to_where_the_parts_lie(void **state)
{
    (void)state;
    char text[8];
    assert_int_equal(mkdir(scratch_file("stick"), 0755), 0);
    put_text("stick/a.zip.001", "01");
    put_text("stick/a.zip.002", "2");
    assert_int_equal(symlink("stick/a.zip.001", scratch_file("link")), 0);
    assert_true(try_open("link"));
    assert_true(read_some(0, text, 3));
    assert_string_equal(text, "012");
    plm_archive_input_close(&input);
}

static void a_request_to_stop_ends_a_read(void **state)
{
    (void)state;
    char text[8];
    put_text("a.zip", "0123");
    assert_true(try_open("a.zip"));
    atomic_store(&input.cancelled, true);
    assert_false(read_some(0, text, 1));
    assert_int_equal(err.code, PLM_E_INTERRUPTED);
    plm_archive_input_close(&input);
}

/* A pipe with @p text in it, and nothing to follow. */
static void open_stream(const char *text)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
    assert_int_equal(close(ends[1]), 0);
    input = PLM_ARCHIVE_INPUT_INIT;
    err = (struct plm_error){0};
    plm_archive_input_stream(&input, ends[0]);
}

static void a_stream_gives_exactly_what_was_asked_for(void **state)
{
    (void)state;
    char text[8] = "";
    open_stream("0123456");
    int fd = input.fd;
    assert_true(plm_archive_input_next(&input, text, 3, &err));
    assert_string_equal(text, "012");
    assert_true(plm_archive_input_next(&input, text, 3, &err));
    assert_string_equal(text, "345");
    assert_int_equal(input.streamed, 6);
    assert_false(plm_archive_input_next(&input, text, 2, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    plm_archive_input_close(&input);
    assert_int_equal(close(fd), 0); /* it was borrowed */
}

static void a_stream_is_drained_to_its_end(void **state)
{
    (void)state;
    char byte;
    open_stream("what follows the directory");
    int fd = input.fd;
    assert_true(plm_archive_input_drain(&input));
    assert_int_equal(read(fd, &byte, 1), 0);
    plm_archive_input_close(&input);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(a_file_is_read_at_any_place),
        WITH_SCRATCH(parts_are_read_as_if_they_were_one_file),
        WITH_SCRATCH(a_part_that_is_missing_or_cut_short_is_named),
        WITH_SCRATCH(another_part_leads_to_the_first),
        WITH_SCRATCH(what_is_no_file_is_refused),
        WITH_SCRATCH(a_link_is_followed_to_where_the_parts_lie),
        WITH_SCRATCH(a_request_to_stop_ends_a_read),
        cmocka_unit_test(a_stream_gives_exactly_what_was_asked_for),
        cmocka_unit_test(a_stream_is_drained_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
