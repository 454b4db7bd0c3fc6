#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "oci/gguf_reader.h"

/* A file of any size whose byte at offset i is i % 251; serves at most `step` bytes at a time. */
struct source {
    size_t step, calls;
    uint64_t size, last_offset, served;
};

static bool read_source(void *ctx, void *bytes, size_t size, uint64_t offset, size_t *got,
                        struct plm_error *err)
{
    struct source *s = ctx;
    s->calls++;
    assert_true(offset >= s->last_offset);
    s->last_offset = offset;
    if (s->step == 0)
        return plm_fail(err, PLM_E_IO, "read refused");
    size_t n = size < s->step ? size : s->step;
    if (n > s->size - offset)
        n = (size_t)(s->size - offset);
    for (size_t i = 0; i < n; i++)
        ((unsigned char *)bytes)[i] = (unsigned char)((offset + i) % 251);
    s->served += n;
    *got = n;
    return true;
}

static char window[PLM_GGUF_WINDOW];

static struct plm_gguf_reader reader_of(struct source *s, uint64_t end, struct plm_error *err)
{
    *err = (struct plm_error){0};
    return (struct plm_gguf_reader){
        .read = read_source, .ctx = s, .err = err, .window = window, .end = end, .version = 3};
}

static void bytes_come_in_order_over_short_reads(void **state)
{
    (void)state;
    struct source s = {.step = 3, .size = 1000};
    struct plm_error err;
    struct plm_gguf_reader r = reader_of(&s, 1000, &err);
    unsigned char bytes[100];
    assert_true(plm_gguf_take(&r, bytes, 7));
    assert_true(plm_gguf_skip(&r, 93));
    assert_true(plm_gguf_take(&r, bytes, sizeof(bytes)));
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], 100 + i);
    assert_int_equal(r.position, 200);
}

static void skipped_bytes_are_not_read(void **state)
{
    (void)state;
    struct source s = {.step = SIZE_MAX, .size = UINT64_C(200) << 20};
    struct plm_error err;
    struct plm_gguf_reader r = reader_of(&s, s.size, &err);
    unsigned char byte;
    assert_true(plm_gguf_skip(&r, s.size - 1));
    assert_true(plm_gguf_take(&r, &byte, 1));
    assert_int_equal(byte, (s.size - 1) % 251);
    assert_int_equal(s.served, 1);
}

static void numbers_follow_the_byte_order(void **state)
{
    (void)state;
    struct source s = {.step = SIZE_MAX, .size = 100};
    struct plm_error err;
    struct plm_gguf_reader r = reader_of(&s, 100, &err);
    uint64_t n;
    uint32_t small;
    assert_true(plm_gguf_take_number(&r, 2, &n));
    assert_int_equal(n, 0x0100);
    assert_true(plm_gguf_take_u32(&r, &small));
    assert_int_equal(small, 0x05040302);
    r.big_endian = true;
    assert_true(plm_gguf_take_number(&r, 8, &n));
    assert_true(n == UINT64_C(0x060708090a0b0c0d));
}

static void nothing_behind_the_end_is_touched(void **state)
{
    (void)state;
    struct source s = {.step = SIZE_MAX, .size = 10};
    struct plm_error err;
    struct plm_gguf_reader r = reader_of(&s, 10, &err);
    char bytes[16];
    assert_false(plm_gguf_take(&r, bytes, 11));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    r = reader_of(&s, 10, &err);
    assert_false(plm_gguf_skip(&r, UINT64_MAX));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_int_equal(s.calls, 0);
    r = reader_of(&s, PLM_GGUF_MAX_HEADER, &err);
    assert_false(plm_gguf_skip(&r, PLM_GGUF_MAX_HEADER + 1));
    assert_int_equal(err.code, PLM_E_LIMIT);
    r = reader_of(&s, 100, &err); /* the file became shorter than its size was */
    assert_false(plm_gguf_take(&r, bytes, 16));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    struct source broken = {.size = 10};
    r = reader_of(&broken, 10, &err);
    assert_false(plm_gguf_take(&r, bytes, 1));
    assert_int_equal(err.code, PLM_E_IO);
}

static void strings_of_absurd_length_are_refused(void **state)
{
    (void)state;
    struct source s = {.step = SIZE_MAX, .size = 1u << 20};
    struct plm_error err;
    struct plm_gguf_reader r = reader_of(&s, s.size, &err);
    /* Bytes 251..258 are 0 1 2 … 7: as a length far too much. */
    char text[4];
    assert_true(plm_gguf_skip(&r, 251));
    assert_false(plm_gguf_take_string(&r, text, sizeof(text), NULL));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_non_null(strstr(err.msg, "byte 251"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_in_order_over_short_reads),
        cmocka_unit_test(skipped_bytes_are_not_read),
        cmocka_unit_test(numbers_follow_the_byte_order),
        cmocka_unit_test(nothing_behind_the_end_is_touched),
        cmocka_unit_test(strings_of_absurd_length_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
