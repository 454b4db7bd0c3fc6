#include "push_world.h"

#define MODEL_PATH "127.0.0.1:1/team/m/v1"

static void read_model(struct push_world *w, const char *path)
{
    struct plm_error err = {0};
    put_model(path, (struct made_layer[]){TEXT_LAYER("model", "weights"),
                                          TEXT_LAYER("license", "free"),
                                          TEXT_LAYER("config", "{}"),
                                          {0}});
    if (!plm_push_read_model(&w->push, &err))
        fail_msg("%s", err.msg);
}

static enum plm_code read_text(struct push_world *w, const char *text)
{
    struct plm_error err = {0};
    put_line("manifests/" MODEL_PATH, text);
    return plm_push_read_model(&w->push, &err) ? PLM_OK : err.code;
}

static void each_blob_becomes_an_upload_once(void **state)
{
    (void)state;
    struct push_world w;
    struct plm_error err = {0};
    push_world_open(&w);
    put_model(MODEL_PATH, (struct made_layer[]){TEXT_LAYER("model", "same"),
                                                TEXT_LAYER("license", "same"),
                                                TEXT_LAYER("config", "{}"),
                                                {0}});
    assert_true(plm_push_read_model(&w.push, &err));
    assert_int_equal(w.push.count, 2);
    assert_int_equal(w.push.total, 6);
    assert_int_equal(w.push.uploads[1].index, 1);
    assert_false(w.push.direct);
    assert_string_equal(w.push.media, "application/vnd.docker.distribution.manifest.v2+json");
    push_world_close(&w);
}

#define LAYER(type)                                                                                \
    "{\"mediaType\":\"" type "\",\"digest\":\"sha256:"                                             \
    "0000000000000000000000000000000000000000000000000000000000000000\",\"size\":1}"

static void the_manifest_goes_out_as_what_it_says_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *text, *media;
        bool direct;
    } rows[] = {
        {"{\"mediaType\":\"application/x-own\",\"layers\":[" LAYER("a") "]}", "application/x-own",
         false},
        {"{\"config\":" LAYER("application/vnd.oci.image.config.v1+json") ",\"layers\":[]}",
         "application/vnd.oci.image.manifest.v1+json", false},
        {"{\"mediaType\":\"\",\"layers\":[" LAYER("application/vnd.ollama.image.tensor") "]}",
         "application/vnd.docker.distribution.manifest.v2+json", true},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct push_world w;
        push_world_open(&w);
        assert_int_equal(read_text(&w, rows[i].text), PLM_OK);
        assert_string_equal(w.push.media, rows[i].media);
        assert_int_equal(w.push.direct, rows[i].direct);
        push_world_close(&w);
    }
}

static void a_media_type_that_would_break_a_header_is_refused(void **state)
{
    (void)state;
    struct push_world w;
    push_world_open(&w);
    assert_int_equal(
        read_text(&w, "{\"mediaType\":\"a\\r\\nEvil: b\",\"layers\":[" LAYER("a") "]}"),
        PLM_E_CORRUPT);
    push_world_close(&w);
}

static void the_target_is_the_models_own_name_or_another_without_a_digest(void **state)
{
    (void)state;
    struct push_world w;
    struct plm_error err = {0};
    push_world_open(&w);
    w.job.ref.has_digest = true;
    assert_true(plm_push_find_target(&w.push, &err));
    assert_true(plm_ref_same_model(&w.push.target, &w.job.ref));
    assert_false(w.push.target.has_digest);
    char other[] = "r.example/ns/other:v2";
    w.job.target = other;
    assert_true(plm_push_find_target(&w.push, &err));
    assert_string_equal(w.push.target.host, "r.example");
    push_world_close(&w);
}

static void the_plan_counts_what_is_there_and_what_was_begun(void **state)
{
    (void)state;
    struct push_world w;
    struct plm_error err = {0};
    push_world_open(&w);
    read_model(&w, MODEL_PATH);
    w.push.uploads[1].state = PLM_UPLOAD_PRESENT; /* "free" */
    struct plm_session begun = {.digest = w.push.uploads[0].want.digest,
                                .size = 7,
                                .location = (char *)(uintptr_t) "http://127.0.0.1:1/u",
                                .offset = 3};
    assert_true(plm_sessions_put(&w.push.record.sessions, &begun, &err));
    assert_true(plm_push_make_plan(&w.push, &err));
    const char *plan = said(PLM_EV_PUSH_PLAN, 0);
    assert_says(plan, "\"TotalSize\":13,");
    assert_says(plan, "\"PresentBytes\":7,");
    assert_says(plan, "\"SendBytes\":6,");
    assert_says(plan, "\"BlobsPresent\":1,");
    push_world_close(&w);
}

static void what_is_nowhere_stops_a_push_before_it_sends(void **state)
{
    (void)state;
    struct push_world w;
    struct plm_error err = {0};
    push_world_open(&w);
    read_model(&w, MODEL_PATH);
    assert_int_equal(unlink(at(blob_of_text("weights"))), 0);
    assert_false(plm_push_make_plan(&w.push, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_non_null(strstr(err.msg, "missing in the store"));
    put(blob_of_text("weights"), "weight", 6);
    err = (struct plm_error){0};
    assert_false(plm_push_make_plan(&w.push, &err));
    assert_non_null(strstr(err.msg, "of another size"));
    assert_int_equal(count_of(PLM_EV_PUSH_PLAN), 0);
    w.push.uploads[0].state = PLM_UPLOAD_PRESENT; /* the registry has it: then it is not needed */
    err = (struct plm_error){0};
    assert_true(plm_push_make_plan(&w.push, &err));
    push_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(each_blob_becomes_an_upload_once),
        WITH_WORLD(the_manifest_goes_out_as_what_it_says_it_is),
        WITH_WORLD(a_media_type_that_would_break_a_header_is_refused),
        WITH_WORLD(the_target_is_the_models_own_name_or_another_without_a_digest),
        WITH_WORLD(the_plan_counts_what_is_there_and_what_was_begun),
        WITH_WORLD(what_is_nowhere_stops_a_push_before_it_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
