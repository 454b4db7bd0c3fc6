#include "base/json.h"
#include "view_world.h"

static void json_is_one_object_a_line_and_nothing_else(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_terminal(&w, PLM_VIEW_JSON, 80);
    for (int kind = 0; kind < PLM_EVENT_KINDS; kind++)
        world_emit(&w, kind);
    world_end(&w);
    int kind = 0;
    for (const char *line = w.out; *line; kind++) {
        const char *end = strchr(line, '\n');
        assert_non_null(end);
        plm_auto(plm_json_freep) struct plm_json *root = NULL;
        struct plm_error err = {0};
        assert_true(plm_json_parse(line, (size_t)(end - line), 16, &root, &err));
        assert_string_equal(plm_json_text(plm_json_get(root, "event")), plm_event_name(kind));
        line = end + 1;
    }
    assert_int_equal(kind, PLM_EVENT_KINDS);
    assert_null(strchr(w.out, '\x1b'));
    world_close(&w);
}

static void debug_has_a_line_for_each_event_with_all_fields(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_DEBUG);
    world_emit(&w, PLM_EV_PROGRESS);
    assert_string_equal(
        w.out,
        "progress seq=7 time=2023-11-14T22:13:20.123Z job=1 verb=pull Model=llama3.2 Tag=3b "
        "Ref=llama3.2:3b Blob.Digest=sha256:"
        "bdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbd Blob.Size=2019377376 "
        "Blob.MediaType=application/vnd.ollama.image.model Blob.Index=2 Blob.Total=3 pct=63 "
        "OverallDone=1900000000 OverallTotal=3000000000 BlobBytesDone=900000000 "
        "BlobBytesTotal=2019377376 BytesPerSecond=35000000 ETASeconds=48 Connections=4\n");
    size_t before = w.out_size;
    world_emit(&w, PLM_EV_SHOW);
    assert_non_null(strstr(w.out + before, " Layers.0.Kind=model"));
    assert_non_null(strstr(w.out + before, " Capabilities.0=completion Capabilities.1=\""));
    assert_non_null(strstr(w.out + before, " Config.Size=2019377376"));
    assert_non_null(strstr(w.out + before, " System=null"));
    world_end(&w);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_one_object_a_line_and_nothing_else),
        cmocka_unit_test(debug_has_a_line_for_each_event_with_all_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
