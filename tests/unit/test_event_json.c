#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "event_samples.h"

static struct plm_json *encode(const struct plm_event *event)
{
    char *text = NULL;
    struct plm_error err = {0};
    struct plm_json *root = NULL;
    assert_true(plm_event_to_json(event, &text, &err));
    assert_null(strchr(text, '\n'));
    assert_null(strchr(text, '\x1b'));
    assert_true(plm_json_parse(text, strlen(text), 16, &root, &err));
    free(text);
    return root;
}

static const char *text_of(const struct plm_json *root, const char *key)
{
    const char *text = plm_json_text(plm_json_get(root, key));
    assert_non_null(text);
    return text;
}

static uint64_t number_of(const struct plm_json *root, const char *key)
{
    uint64_t value;
    assert_true(plm_json_u64(plm_json_get(root, key), &value));
    return value;
}

static void every_kind_is_one_object_with_the_common_fields(void **state)
{
    (void)state;
    struct event_samples s;
    samples_init(&s);
    for (int kind = 0; kind < PLM_EVENT_KINDS; kind++) {
        struct plm_event event = sample_event(&s, kind);
        plm_auto(plm_json_freep) struct plm_json *root = encode(&event);
        assert_string_equal(text_of(root, "event"), plm_event_name(kind));
        assert_int_equal(number_of(root, "seq"), 7);
        assert_string_equal(text_of(root, "time"), "2023-11-14T22:13:20.123Z");
        assert_int_equal(number_of(root, "job"), 1);
        assert_string_equal(text_of(root, "verb"), "pull");
        assert_string_equal(text_of(root, "Model"), "llama3.2");
        assert_string_equal(text_of(root, "Tag"), "3b");
        assert_int_equal(plm_json_get(root, "Blob") != NULL, event.blob.want != NULL);
    }
}

static void every_kind_can_be_encoded_when_all_is_absent(void **state)
{
    (void)state;
    for (int kind = 0; kind < PLM_EVENT_KINDS; kind++) {
        struct plm_event event = {.kind = kind};
        plm_auto(plm_json_freep) struct plm_json *root = encode(&event);
        assert_string_equal(text_of(root, "event"), plm_event_name(kind));
    }
}

static void host_and_namespace_stay_in_the_model(void **state)
{
    (void)state;
    struct event_samples s;
    samples_init(&s);
    struct plm_event event = sample_event(&s, PLM_EV_PULL_START);
    s.target.has_digest = true;
    event.ref = &s.target;
    plm_auto(plm_json_freep) struct plm_json *root = encode(&event);
    assert_string_equal(text_of(root, "Model"), "hf.co/someone/llama3.2");
    assert_string_equal(text_of(root, "Tag"), "3b");
    assert_memory_equal(text_of(root, "Ref"), "hf.co/someone/llama3.2:3b@sha256:", 33);
}

static void progress_has_real_numbers(void **state)
{
    (void)state;
    struct event_samples s;
    samples_init(&s);
    struct plm_event event = sample_event(&s, PLM_EV_PROGRESS);
    plm_auto(plm_json_freep) struct plm_json *root = encode(&event);
    assert_int_equal(number_of(root, "pct"), 63);
    assert_int_equal(number_of(root, "OverallDone"), 1900000000);
    assert_int_equal(number_of(root, "OverallTotal"), 3000000000);
    assert_int_equal(number_of(root, "BlobBytesDone"), 900000000);
    assert_int_equal(number_of(root, "BytesPerSecond"), 35000000);
    assert_int_equal(number_of(root, "ETASeconds"), 48);
    event.progress.eta_ms = -1;
    plm_auto(plm_json_freep) struct plm_json *unknown = encode(&event);
    assert_null(plm_json_get(unknown, "ETASeconds"));
}

static void percent_is_floored_and_never_overflows(void **state)
{
    (void)state;
    struct plm_event event = {.kind = PLM_EV_PROGRESS};
    event.progress.overall_total = INT64_MAX;
    event.progress.overall_done = INT64_MAX - 1;
    plm_auto(plm_json_freep) struct plm_json *almost = encode(&event);
    assert_int_equal(number_of(almost, "pct"), 99);
    event.progress.overall_done = INT64_MAX;
    plm_auto(plm_json_freep) struct plm_json *all = encode(&event);
    assert_int_equal(number_of(all, "pct"), 100);
}

static void a_failure_says_code_status_message_and_hint(void **state)
{
    (void)state;
    struct event_samples s;
    samples_init(&s);
    struct plm_event event = sample_event(&s, PLM_EV_FAILED);
    plm_auto(plm_json_freep) struct plm_json *root = encode(&event);
    assert_string_equal(text_of(root, "Code"), "network");
    assert_int_equal(number_of(root, "ExitStatus"), 6);
    assert_string_equal(text_of(root, "Hint"), plm_code_hint(PLM_E_NETWORK));
    assert_non_null(strstr(text_of(root, "Message"), "end"));
}

static void show_lists_layers_and_capabilities(void **state)
{
    (void)state;
    struct event_samples s;
    samples_init(&s);
    struct plm_event event = sample_event(&s, PLM_EV_SHOW);
    plm_auto(plm_json_freep) struct plm_json *root = encode(&event);
    assert_int_equal(plm_json_array_size(plm_json_get(root, "Layers")), 1);
    assert_int_equal(plm_json_array_size(plm_json_get(root, "Capabilities")), 2);
    const struct plm_json *layer = plm_json_at(plm_json_get(root, "Layers"), 0);
    assert_string_equal(text_of(layer, "Kind"), "model");
    assert_int_equal(number_of(layer, "Size"), 2019377376);
    assert_null(plm_json_get(root, "System"));
    assert_string_equal(text_of(root, "Modified"), "2023-11-14T22:13:20Z");
}

static void a_year_out_of_range_is_null(void **state)
{
    (void)state;
    struct event_samples s;
    samples_init(&s);
    struct plm_event event = sample_event(&s, PLM_EV_LIST_MODEL);
    event.listed.modified_s = INT64_MAX;
    plm_auto(plm_json_freep) struct plm_json *root = encode(&event);
    assert_null(plm_json_get(root, "Modified"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_one_object_with_the_common_fields),
        cmocka_unit_test(every_kind_can_be_encoded_when_all_is_absent),
        cmocka_unit_test(host_and_namespace_stay_in_the_model),
        cmocka_unit_test(progress_has_real_numbers),
        cmocka_unit_test(percent_is_floored_and_never_overflows),
        cmocka_unit_test(a_failure_says_code_status_message_and_hint),
        cmocka_unit_test(show_lists_layers_and_capabilities),
        cmocka_unit_test(a_year_out_of_range_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
