#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/checkpoint.h"

#define SIZE 1000
#define HEX "abababababababababababababababababababababababababababababababab"
#define HEAD(version) "{\"version\":" version ",\"digest\":\"sha256:" HEX "\",\"size\":1000,"

static struct plm_descriptor wanted(void)
{
    struct plm_descriptor want = {.size = SIZE};
    memset(want.digest.sha256, 0xab, sizeof(want.digest.sha256));
    return want;
}

static void assert_refused_as(const char *text, size_t size)
{
    struct plm_descriptor want = wanted();
    struct plm_error err = {0};
    struct plm_checkpoint out = {.version = 77};
    if (plm_checkpoint_decode(text, size, &want, &out, &err))
        fail_msg("accepted: %s", text);
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_true(strncmp(err.msg, "checkpoint: ", 12) == 0 && err.msg[12]);
    assert_int_equal(out.version, 77);
}

static void assert_refused(const char *text)
{
    assert_refused_as(text, strlen(text));
}

static struct plm_checkpoint decoded(const char *text)
{
    struct plm_descriptor want = wanted();
    struct plm_error err = {0};
    struct plm_checkpoint out;
    if (!plm_checkpoint_decode(text, strlen(text), &want, &out, &err))
        fail_msg("refused: %s: %s", text, err.msg);
    return out;
}

static struct plm_buf encoded(const struct plm_spans *spans)
{
    struct plm_descriptor want = wanted();
    struct plm_buf text = PLM_BUF_INIT(PLM_CHECKPOINT_MAX_BYTES);
    assert_true(plm_checkpoint_encode(&want, spans, &text, NULL));
    return text;
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    for (unsigned count = 0; count <= 100; count += 20) {
        struct plm_spans spans = {0};
        for (unsigned i = 0; i < count; i++)
            assert_true(plm_spans_add(&spans, (struct plm_span){i * 10, i * 10 + 1 + i % 9}, NULL));
        struct plm_buf text = encoded(&spans);
        struct plm_checkpoint back = decoded(text.bytes);
        assert_int_equal(back.version, PLM_CHECKPOINT_VERSION);
        assert_int_equal(back.durable.count, spans.count);
        if (spans.count)
            assert_memory_equal(back.durable.items, spans.items,
                                spans.count * sizeof(*spans.items));
        plm_checkpoint_done(&back);
        plm_spans_done(&spans);
        plm_buf_done(&text);
    }
}

static void a_cut_checkpoint_is_refused_at_every_length(void **state)
{
    (void)state;
    struct plm_spans spans = {0};
    assert_true(plm_spans_add(&spans, (struct plm_span){0, 10}, NULL));
    assert_true(plm_spans_add(&spans, (struct plm_span){20, SIZE}, NULL));
    struct plm_buf text = encoded(&spans);
    assert_int_equal(text.bytes[text.size - 1], '\n');
    for (size_t length = 0; length < text.size - 1; length++)
        assert_refused_as(text.bytes, length);
    plm_spans_done(&spans);
    plm_buf_done(&text);
}

/* A wrong byte either is noticed, or leaves claims that lie inside the blob and in order. */
static void no_flipped_byte_makes_it_claim_what_cannot_be(void **state)
{
    (void)state;
    struct plm_descriptor want = wanted();
    struct plm_spans spans = {0};
    assert_true(plm_spans_add(&spans, (struct plm_span){100, 200}, NULL));
    assert_true(plm_spans_add(&spans, (struct plm_span){300, 400}, NULL));
    struct plm_buf text = encoded(&spans);
    for (size_t at = 0; at < text.size; at++)
        for (int flip = 1; flip < 256; flip++) {
            struct plm_checkpoint out = {0};
            struct plm_error err = {0};
            text.bytes[at] = (char)(text.bytes[at] ^ flip);
            if (plm_checkpoint_decode(text.bytes, text.size, &want, &out, &err))
                for (size_t i = 0; i < out.durable.count; i++) {
                    assert_true(out.durable.items[i].start < out.durable.items[i].end);
                    assert_true(out.durable.items[i].end <= SIZE);
                    assert_true(i == 0 ||
                                out.durable.items[i - 1].end < out.durable.items[i].start);
                }
            else
                assert_int_equal(err.code, PLM_E_CORRUPT);
            plm_checkpoint_done(&out);
            text.bytes[at] = (char)(text.bytes[at] ^ flip);
        }
    plm_spans_done(&spans);
    plm_buf_done(&text);
}

static void what_does_not_fit_the_blob_is_refused(void **state)
{
    (void)state;
    assert_refused("");
    assert_refused("null");
    assert_refused("[]");
    assert_refused("{}");
    assert_refused("{\"version\":2}");
    assert_refused(HEAD("3") "\"spans\":[]}");
    assert_refused(HEAD("0") "\"spans\":[]}");
    assert_refused(HEAD("\"2\"") "\"spans\":[]}");
    assert_refused(HEAD("-1") "\"spans\":[]}");
    assert_refused("{\"version\":2,\"digest\":\"sha256:" HEX "\",\"size\":999,\"spans\":[]}");
    assert_refused("{\"version\":2,\"digest\":\"sha256:" HEX "\",\"spans\":[]}");
    assert_refused("{\"version\":2,\"digest\":\"sha256-" HEX "\",\"size\":1000,\"spans\":[]}");
    assert_refused("{\"version\":2,\"digest\":7,\"size\":1000,\"spans\":[]}");
    assert_refused("{\"version\":2,\"size\":1000,\"spans\":[]}");
    assert_refused(HEAD("2") "\"spans\":[]}x");
    assert_refused(HEAD("2") "\"spans\":[],\"spans\":[]}");
}

static void spans_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const char *const lists[] = {
        "{}",
        "null",
        "[5]",
        "[[1]]",
        "[[1,2,3]]",
        "[[\"1\",2]]",
        "[[1,2.0]]",
        "[[-1,2]]",
        "[[1,1]]",
        "[[2,1]]",
        "[[0,1001]]",
        "[[1000,1001]]",
        "[[0,99999999999999999999]]",
        "[[5,10],[0,2]]",
        "[[0,10],[9,20]]",
        "[[0,10],[0,10]]",
        "[[0,18446744073709551615]]",
    };
    assert_refused(HEAD("2") "\"chunks\":[]}");
    for (size_t i = 0; i < PLM_COUNT(lists); i++) {
        char text[400];
        (void)snprintf(text, sizeof(text), HEAD("2") "\"spans\":%s}", lists[i]);
        assert_refused(text);
    }
}

static void unknown_fields_are_passed_over(void **state)
{
    (void)state;
    struct plm_checkpoint out =
        decoded(HEAD("2") "\"new\":{\"x\":[1]},\"spans\":[[0,5],[5,1000]]}");
    assert_int_equal(out.durable.count, 1);
    assert_int_equal(plm_spans_total(&out.durable), SIZE);
    plm_checkpoint_done(&out);
}

static void pullamas_verified_chunks_count_and_their_ends_are_inclusive(void **state)
{
    (void)state;
    struct plm_checkpoint out =
        decoded(HEAD("1") "\"chunks\":[{\"start\":0,\"end\":99,\"expected_digest\":\"sha256:" HEX
                          "\",\"verified\":true},{\"start\":100,\"end\":199,\"verified\":true},"
                          "{\"start\":200,\"end\":999,\"verified\":false}]}");
    assert_int_equal(out.version, 1);
    assert_int_equal(out.durable.count, 1);
    assert_int_equal(plm_spans_prefix(&out.durable), 200);
    plm_checkpoint_done(&out);

    out = decoded(HEAD("1") "\"chunks\":null}");
    assert_int_equal(out.version, 1);
    assert_int_equal(out.durable.count, 0);
    plm_checkpoint_done(&out);

    out = decoded(HEAD("1") "\"chunks\":[{\"start\":0,\"end\":999,\"verified\":true}]}");
    assert_int_equal(plm_spans_total(&out.durable), SIZE);
    plm_checkpoint_done(&out);
}

#define CHUNK(start, end, verified)                                                                \
    "{\"start\":" #start ",\"end\":" #end ",\"verified\":" #verified "}"

static void pullamas_checkpoint_is_refused_where_pullama_would_refuse_it_or_trip(void **state)
{
    (void)state;
    static const char *const lists[] = {
        CHUNK(0, 99, false) "," CHUNK(100, 199, true), /* verified behind the verified prefix */
        CHUNK(0, 99, true) "," CHUNK(100, 199, false) "," CHUNK(200, 299, true),
        CHUNK(0, 1000, true),
        CHUNK(50, 49, true),
        CHUNK(-5, 10, true),
        CHUNK(0, 18446744073709551615, true),
        CHUNK(0, 100, true) "," CHUNK(50, 150, true),
        CHUNK(500, 599, true) "," CHUNK(0, 99, true),
        "{}",
        "5",
        "{\"start\":0,\"verified\":true}",
        "{\"start\":\"0\",\"end\":5,\"verified\":true}",
    };
    for (size_t i = 0; i < PLM_COUNT(lists); i++) {
        char text[600];
        (void)snprintf(text, sizeof(text), HEAD("1") "\"chunks\":[%s]}", lists[i]);
        assert_refused(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_cut_checkpoint_is_refused_at_every_length),
        cmocka_unit_test(no_flipped_byte_makes_it_claim_what_cannot_be),
        cmocka_unit_test(what_does_not_fit_the_blob_is_refused),
        cmocka_unit_test(spans_that_cannot_be_are_refused),
        cmocka_unit_test(unknown_fields_are_passed_over),
        cmocka_unit_test(pullamas_verified_chunks_count_and_their_ends_are_inclusive),
        cmocka_unit_test(pullamas_checkpoint_is_refused_where_pullama_would_refuse_it_or_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
