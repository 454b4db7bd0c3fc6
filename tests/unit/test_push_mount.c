#include "kind_world.h"

#include "engine/push.h"
#include "store/manifests.h"

/* A push of library/tiny, as far as its search for sources needs one. */
struct search {
    struct plm_engine engine;
    struct plm_job job;
    struct plm_push push;
};

static void search_open(struct search *s, const char *source, const char *target)
{
    char root[300];
    struct plm_error err = {0};
    struct plm_descriptor *blobs = NULL;
    memset(s, 0, sizeof(*s));
    (void)snprintf(root, sizeof(root), "%s/models", scratch_path);
    assert_true(plm_store_open(root, false, &s->engine.store, &err));
    s->job.engine = &s->engine;
    s->push.job = &s->job;
    assert_true(plm_ref_parse(source, &s->job.ref, &err));
    assert_true(plm_ref_parse(target, &s->push.target, &err));
    assert_true(plm_manifest_load(&s->engine.store, &s->job.ref, &s->push.manifest, NULL, &err));
    assert_true(plm_manifest_blobs(s->push.manifest, &blobs, &s->push.count, &err));
    s->push.uploads = calloc(s->push.count, sizeof(*s->push.uploads));
    assert_non_null(s->push.uploads);
    for (size_t i = 0; i < s->push.count; i++)
        s->push.uploads[i] = (struct plm_upload){.push = &s->push, .want = blobs[i]};
    free(blobs);
    assert_true(plm_push_find_mounts(&s->push, &err));
}

static const char *from(const struct search *s, size_t i)
{
    assert_true(i < s->push.count);
    return s->push.uploads[i].from ? s->push.uploads[i].from : "";
}

static void search_close(struct search *s)
{
    for (size_t i = 0; i < s->push.count; i++)
        free(s->push.uploads[i].from);
    free(s->push.uploads);
    plm_manifest_free(s->push.manifest);
    plm_store_close(&s->engine.store);
}

static void other_models_of_the_registry_are_sources(void **state)
{
    (void)state;
    struct search s;
    put_small("tiny/latest", "mine alone");
    put_small("base/v1", "of base");
    search_open(&s, "tiny", "tiny");
    assert_int_equal(s.push.count, 2);
    assert_string_equal(from(&s, 0), "");             /* nobody else has it */
    assert_string_equal(from(&s, 1), "library/base"); /* the shared licence */
    search_close(&s);
}

static void the_target_itself_is_no_source(void **state)
{
    (void)state;
    struct search s;
    put_small("tiny/latest", "text");
    put_small("tiny/v2", "text");
    search_open(&s, "tiny", "tiny:v3");
    assert_string_equal(from(&s, 0), "");
    assert_string_equal(from(&s, 1), "");
    search_close(&s);
    search_open(&s, "tiny", "alice/tiny");
    assert_string_equal(from(&s, 0), "library/tiny");
    search_close(&s);
}

static void other_registries_are_no_sources(void **state)
{
    (void)state;
    struct search s;
    put_small("tiny/latest", "text");
    put_model("elsewhere.example/library/tiny/latest",
              (struct made_layer[]){TEXT_LAYER("template", "text"), {0}});
    search_open(&s, "tiny", "registry.lan:5000/me/tiny");
    assert_string_equal(from(&s, 0), "");
    search_close(&s);
}

static void what_a_layer_names_comes_first(void **state)
{
    (void)state;
    struct search s;
    char manifest[1024], path[] = "manifests/registry.ollama.ai/alice/tiny/latest";
    const char *blob = blob_of_text("text");
    put_small("base/v1", "text"); /* has it, too */
    (void)snprintf(manifest, sizeof(manifest),
                   "{\"schemaVersion\":2,\"layers\":["
                   "{\"digest\":\"sha256:%s\",\"size\":4,\"from\":\"bob/origin:v7\"}]}",
                   blob + strlen("blobs/sha256-"));
    put_line(path, manifest);
    search_open(&s, "alice/tiny", "alice/tiny");
    assert_string_equal(from(&s, 0), "bob/origin");
    search_close(&s);
}

static void manifests_that_cannot_be_read_are_passed_over(void **state)
{
    (void)state;
    struct search s;
    put_small("tiny/latest", "text");
    put_line(HOST_PATH "broken/latest", "{");
    put_small("base/v1", "text");
    search_open(&s, "tiny", "tiny");
    assert_string_equal(from(&s, 0), "library/base");
    search_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(other_models_of_the_registry_are_sources),
        WITH_WORLD(the_target_itself_is_no_source),
        WITH_WORLD(other_registries_are_no_sources),
        WITH_WORLD(what_a_layer_names_comes_first),
        WITH_WORLD(manifests_that_cannot_be_read_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
