#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "archive/record.h"
#include "archive/unpack.h"

/* "hello hello hello hello\n", deflated. */
static const uint8_t packed[] = {0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27, 0xb9, 0x00};
static const char plain[] = "hello hello hello hello\n";
#define PLAIN (sizeof(plain) - 1)

/* Unpacks with so much of either side at a time; -1: it failed, else the bytes that came. */
static int run(uint16_t method, const void *in, uint64_t in_size, uint64_t size, size_t step,
               char *out, enum plm_code *code)
{
    struct plm_unpack *u = NULL;
    struct plm_error err = {0};
    int made = 0;
    uint64_t at = 0;
    if (!plm_unpack_new(method, in_size, size, &u, &err)) {
        *code = err.code;
        return -1;
    }
    for (int turns = 0; !plm_unpack_is_over(u) && turns < 1000; turns++) {
        uint64_t left = plm_unpack_wants(u);
        struct plm_unpack_turn turn = {.in = (const char *)in + at,
                                       .in_length = left < step ? (size_t)left : step,
                                       .out = out + made,
                                       .room = step};
        if (!plm_unpack_run(u, &turn, &err)) {
            *code = err.code;
            plm_unpack_free(u);
            return -1;
        }
        at += turn.taken;
        made += (int)turn.made;
    }
    bool over = plm_unpack_is_over(u);
    plm_unpack_free(u);
    assert_true(over);
    return made;
}

static void both_forms_give_the_bytes_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t step = 1; step < 64; step++) {
        char out[256] = "";
        enum plm_code code;
        assert_int_equal(run(PLM_ZIP_DEFLATED, packed, sizeof(packed), PLAIN, step, out, &code),
                         PLAIN);
        assert_memory_equal(out, plain, PLAIN);
        assert_int_equal(run(PLM_ZIP_STORED, plain, PLAIN, PLAIN, step, out, &code), PLAIN);
        assert_memory_equal(out, plain, PLAIN);
    }
}

static void a_wrong_size_is_found(void **state)
{
    (void)state;
    char out[256];
    enum plm_code code = PLM_OK;
    for (size_t step = 1; step < 40; step += 13) {
        assert_int_equal(run(PLM_ZIP_DEFLATED, packed, sizeof(packed), PLAIN - 1, step, out, &code),
                         -1);
        assert_int_equal(code, PLM_E_CORRUPT);
        assert_int_equal(run(PLM_ZIP_DEFLATED, packed, sizeof(packed), PLAIN + 1, step, out, &code),
                         -1);
        assert_int_equal(run(PLM_ZIP_DEFLATED, packed, sizeof(packed) - 1, PLAIN, step, out, &code),
                         -1);
        assert_int_equal(code, PLM_E_CORRUPT);
    }
    assert_int_equal(run(PLM_ZIP_STORED, plain, PLAIN, PLAIN - 1, 8, out, &code), -1);
}

static void what_lies_behind_the_end_is_refused(void **state)
{
    (void)state;
    char out[256];
    uint8_t longer[sizeof(packed) + 3] = {0};
    enum plm_code code = PLM_OK;
    memcpy(longer, packed, sizeof(packed));
    for (size_t step = 1; step < 40; step += 13)
        assert_int_equal(run(PLM_ZIP_DEFLATED, longer, sizeof(longer), PLAIN, step, out, &code),
                         -1);
    assert_int_equal(code, PLM_E_CORRUPT);
}

static void broken_bytes_and_other_methods_are_refused(void **state)
{
    (void)state;
    char out[256];
    enum plm_code code = PLM_OK;
    assert_int_equal(run(PLM_ZIP_DEFLATED, "\xff\xff\xff\xff", 4, 10, 8, out, &code), -1);
    assert_int_equal(code, PLM_E_CORRUPT);
    assert_int_equal(run(12, "", 0, 0, 8, out, &code), -1);
    assert_int_equal(code, PLM_E_UNSUPPORTED);
}

static void the_checksum_is_that_of_zip_files(void **state)
{
    (void)state;
    uint32_t crc = plm_unpack_crc(0, "12345", 5);
    assert_int_equal(plm_unpack_crc(crc, "6789", 4), 0xcbf43926);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_give_the_bytes_in_pieces_of_any_size),
        cmocka_unit_test(a_wrong_size_is_found),
        cmocka_unit_test(what_lies_behind_the_end_is_refused),
        cmocka_unit_test(broken_bytes_and_other_methods_are_refused),
        cmocka_unit_test(the_checksum_is_that_of_zip_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
