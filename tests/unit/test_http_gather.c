/* Pieces that are gathered reach their own sink, in order and whole, and what it says of them
 * holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "net/http_private.h"

#define PIECE ((size_t)16 << 10)
#define MOST ((size_t)256 << 10)

struct taker {
    size_t calls, bytes, last;
    uint32_t next; /* what the stream goes on with */
    bool is_mixed_up;
    enum plm_code refuse;
};

static bool take(void *ctx, const void *bytes, size_t length, struct plm_error *err)
{
    struct taker *taker = ctx;
    const uint32_t *words = bytes;
    for (size_t i = 0; i < length / sizeof(*words); i++)
        taker->is_mixed_up = taker->is_mixed_up || words[i] != taker->next++;
    taker->calls++;
    taker->bytes += length;
    taker->last = length;
    if (taker->refuse == PLM_E_INTERRUPTED)
        err->code = PLM_E_INTERRUPTED;
    else if (taker->refuse)
        return plm_fail(err, taker->refuse, "disk full");
    return !taker->refuse;
}

struct stage {
    struct plm_http_client client;
    struct plm_http_transfer a, b;
    struct taker of_a, of_b;
    uint32_t said_a, said_b;
};

static int open_stage(void **state)
{
    struct stage *s = calloc(1, sizeof(*s));
    struct plm_error err = {0};
    if (!s || !plm_http_gather_init(&s->client, &err))
        return -1;
    s->a =
        (struct plm_http_transfer){.client = &s->client, .sink = {.write = take, .ctx = &s->of_a}};
    s->b =
        (struct plm_http_transfer){.client = &s->client, .sink = {.write = take, .ctx = &s->of_b}};
    *state = s;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *s = *state;
    free(s->client.gathered);
    free(s);
    return 0;
}

static bool say(struct plm_http_transfer *t, uint32_t *said, size_t length)
{
    static uint32_t words[PIECE / sizeof(uint32_t)];
    for (size_t i = 0; i < length / sizeof(*words); i++)
        words[i] = (*said)++;
    return plm_http_gather(t, (const char *)words, length);
}

static void pieces_of_one_turn_are_given_as_one(void **state)
{
    struct stage *s = *state;
    for (int i = 0; i < 5; i++)
        assert_true(say(&s->a, &s->said_a, PIECE));
    assert_int_equal(s->of_a.calls, 0);
    plm_http_give_out(&s->client);
    assert_int_equal(s->of_a.calls, 1);
    assert_int_equal(s->of_a.bytes, 5 * PIECE);
    plm_http_give_out(&s->client);
    assert_int_equal(s->of_a.calls, 1);
    assert_false(s->of_a.is_mixed_up);
}

static void no_more_than_the_room_is_gathered(void **state)
{
    struct stage *s = *state;
    assert_true(say(&s->a, &s->said_a, PIECE - 4));
    for (size_t i = 0; i < 2 * MOST / PIECE; i++)
        assert_true(say(&s->a, &s->said_a, PIECE));
    assert_int_equal(s->of_a.calls, 2);
    assert_int_equal(s->of_a.last, MOST);
    plm_http_give_out(&s->client);
    assert_int_equal(s->of_a.last, PIECE - 4);
    assert_int_equal(s->of_a.bytes, 2 * MOST + PIECE - 4);
    assert_false(s->of_a.is_mixed_up);
}

static void each_transfer_gets_its_own(void **state)
{
    struct stage *s = *state;
    for (int i = 0; i < 8; i++) {
        assert_true(say(&s->a, &s->said_a, PIECE));
        assert_true(say(&s->b, &s->said_b, 1000));
    }
    plm_http_give_out(&s->client);
    assert_int_equal(s->of_a.bytes, 8 * PIECE);
    assert_int_equal(s->of_b.bytes, 8 * 1000);
    assert_false(s->of_a.is_mixed_up || s->of_b.is_mixed_up);
}

static void a_sink_that_has_enough_ends_its_transfer_alone(void **state)
{
    struct stage *s = *state;
    s->of_a.refuse = PLM_E_INTERRUPTED;
    assert_true(say(&s->a, &s->said_a, PIECE));
    assert_true(say(&s->b, &s->said_b, PIECE)); /* here what was a's is given out */
    assert_true(s->client.has_decided && s->a.decided && !s->b.decided);
    assert_int_equal(s->a.outcome.end, PLM_HTTP_ENOUGH);
    assert_int_equal(s->a.outcome.error.code, PLM_OK);
    assert_false(say(&s->a, &s->said_a, PIECE));
    assert_int_equal(s->of_a.calls, 1);
}

static void the_error_of_a_sink_is_kept(void **state)
{
    struct stage *s = *state;
    s->of_a.refuse = PLM_E_NOSPACE;
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < 2 * MOST / PIECE; i++)
        goes_on = say(&s->a, &s->said_a, PIECE);
    assert_false(goes_on);
    assert_int_equal(s->of_a.bytes, MOST);
    assert_int_equal(s->a.outcome.end, PLM_HTTP_REFUSED);
    assert_int_equal(s->a.outcome.error.code, PLM_E_NOSPACE);
    plm_http_give_out(&s->client);
    assert_int_equal(s->of_a.calls, 1);
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(pieces_of_one_turn_are_given_as_one),
        ON_STAGE(no_more_than_the_room_is_gathered),
        ON_STAGE(each_transfer_gets_its_own),
        ON_STAGE(a_sink_that_has_enough_ends_its_transfer_alone),
        ON_STAGE(the_error_of_a_sink_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
