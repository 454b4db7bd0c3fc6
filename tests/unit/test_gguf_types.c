#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "oci/gguf.h"
#include "oci/gguf_types.h"

static void file_types_have_ollamas_names(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        const char *name;
    } rows[] = {{0, "F32"},     {1, "F16"},      {2, "Q4_0"},       {4, "MXFP4"},
                {5, "unknown"}, {7, "Q8_0"},     {15, "Q4_K_M"},    {18, "Q6_K"},
                {21, "Q2_K_S"}, {32, "BF16"},    {33, "unknown"},   {36, "TQ1_0"},
                {40, "Q1_0"},   {41, "unknown"}, {1024, "unknown"}, {UINT32_MAX, "unknown"}};
    for (size_t i = 0; i < PLM_COUNT(rows); i++)
        assert_string_equal(plm_gguf_file_type_name(rows[i].type), rows[i].name);
}

static void tensor_kinds_have_blocks(void **state)
{
    (void)state;
    uint32_t elements = 7, bytes = 7;
    assert_true(plm_gguf_kind_block(12, &elements, &bytes));
    assert_int_equal(elements, 256);
    assert_int_equal(bytes, 144);
    assert_true(plm_gguf_kind_block(0, &elements, &bytes));
    assert_int_equal(elements, 1);
    assert_int_equal(bytes, 4);
    static const uint32_t unknown[] = {5, 31, 38, 42, UINT32_MAX};
    for (size_t i = 0; i < PLM_COUNT(unknown); i++)
        assert_false(plm_gguf_kind_block(unknown[i], &elements, &bytes));
    assert_int_equal(elements, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_types_have_ollamas_names),
        cmocka_unit_test(tensor_kinds_have_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
