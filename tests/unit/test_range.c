#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/range.h"

#define SIZE 1000
#define ASKED ((struct plm_span){100, 200})

struct row {
    const char *what;
    struct plm_http_head head;
    enum plm_range_verdict verdict;
    enum plm_code code; /* when it is wrong */
};

#define RANGE(s, e) .has_range = true, .range = {s, e}
#define TOTAL(t) .has_total = true, .total = t
#define LENGTH(l) .has_length = true, .length = l

static const struct row rows[] = {
    {"a part", {.status = 206, RANGE(100, 200), TOTAL(SIZE), LENGTH(100)}, PLM_RANGE_EXACT, PLM_OK},
    {"a part without length", {.status = 206, RANGE(100, 200), TOTAL(SIZE)}, PLM_RANGE_EXACT, 0},
    {"the whole", {.status = 200, LENGTH(SIZE)}, PLM_RANGE_WHOLE, PLM_OK},
    {"the whole without length", {.status = 200}, PLM_RANGE_WHOLE, PLM_OK},
    {"a whole that calls itself a page",
     {.status = 200, LENGTH(SIZE), .content_type = "text/html"},
     PLM_RANGE_WHOLE,
     PLM_OK},
    {"a page of another size",
     {.status = 200, LENGTH(SIZE - 1), .content_type = "text/html; charset=utf-8"},
     PLM_RANGE_WRONG,
     PLM_E_PROTOCOL},
    {"no range", {.status = 206, LENGTH(100)}, PLM_RANGE_WRONG, PLM_E_PROTOCOL},
    {"a part later",
     {.status = 206, RANGE(101, 200), TOTAL(SIZE)},
     PLM_RANGE_WRONG,
     PLM_E_PROTOCOL},
    {"a part earlier",
     {.status = 206, RANGE(99, 200), TOTAL(SIZE)},
     PLM_RANGE_WRONG,
     PLM_E_PROTOCOL},
    {"a shorter part",
     {.status = 206, RANGE(100, 199), TOTAL(SIZE)},
     PLM_RANGE_WRONG,
     PLM_E_PROTOCOL},
    {"a longer part",
     {.status = 206, RANGE(100, 201), TOTAL(SIZE)},
     PLM_RANGE_WRONG,
     PLM_E_PROTOCOL},
    {"a part from 0", {.status = 206, RANGE(0, 100), TOTAL(SIZE)}, PLM_RANGE_WRONG, PLM_E_PROTOCOL},
    {"an unknown total", {.status = 206, RANGE(100, 200)}, PLM_RANGE_WRONG, PLM_E_PROTOCOL},
    {"a smaller total",
     {.status = 206, RANGE(100, 200), TOTAL(SIZE - 1)},
     PLM_RANGE_WRONG,
     PLM_E_INTEGRITY},
    {"a larger total",
     {.status = 206, RANGE(100, 200), TOTAL(SIZE + 1)},
     PLM_RANGE_WRONG,
     PLM_E_INTEGRITY},
    {"a short body",
     {.status = 206, RANGE(100, 200), TOTAL(SIZE), LENGTH(99)},
     PLM_RANGE_WRONG,
     PLM_E_PROTOCOL},
    {"a long body",
     {.status = 206, RANGE(100, 200), TOTAL(SIZE), LENGTH(SIZE)},
     PLM_RANGE_WRONG,
     PLM_E_PROTOCOL},
    {"a shorter whole", {.status = 200, LENGTH(SIZE - 1)}, PLM_RANGE_WRONG, PLM_E_INTEGRITY},
    {"a longer whole", {.status = 200, LENGTH(SIZE + 1)}, PLM_RANGE_WRONG, PLM_E_INTEGRITY},
    {"a whole of nothing", {.status = 200, LENGTH(0)}, PLM_RANGE_WRONG, PLM_E_INTEGRITY},
    {"a login page",
     {.status = 200, .content_type = "Text/HTML; charset=utf-8"},
     PLM_RANGE_WRONG,
     PLM_E_PROTOCOL},
    {"a compressed part",
     {.status = 206, .encoded = true, RANGE(100, 200), TOTAL(SIZE)},
     PLM_RANGE_WRONG,
     PLM_E_PROTOCOL},
    {"a compressed whole",
     {.status = 200, .encoded = true, LENGTH(SIZE)},
     PLM_RANGE_WRONG,
     PLM_E_PROTOCOL},
    {"nonsense",
     {.status = 206, .malformed = true, RANGE(100, 200), TOTAL(SIZE)},
     PLM_RANGE_WRONG,
     PLM_E_PROTOCOL},
    {"created", {.status = 201, LENGTH(SIZE)}, PLM_RANGE_WRONG, PLM_E_PROTOCOL},
    {"no content", {.status = 204}, PLM_RANGE_WRONG, PLM_E_PROTOCOL},
    {"not modified", {.status = 304}, PLM_RANGE_WRONG, PLM_E_PROTOCOL},
    {"out of range", {.status = 416, TOTAL(SIZE)}, PLM_RANGE_WRONG, PLM_E_PROTOCOL},
};

static void only_exactly_the_right_bytes_may_be_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_error err = {0};
        enum plm_range_verdict is = plm_range_judge(&rows[i].head, ASKED, SIZE, &err);
        if (is != rows[i].verdict || err.code != rows[i].code)
            fail_msg("%s: verdict %d, code %d (%s)", rows[i].what, (int)is, (int)err.code, err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_exactly_the_right_bytes_may_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
