#include "kind_world.h"

#include "engine/stored.h"
#include "store/manifests.h"

#define PATH "registry.ollama.ai/library/m/latest"

/* Opens the store and the one manifest in it, for as long as a test looks at them. */
struct view {
    struct plm_store store;
    struct plm_manifest *manifest;
};

static void open_view(struct view *view)
{
    char models[300];
    struct plm_ref ref;
    struct plm_error err = {0};
    (void)snprintf(models, sizeof(models), "%s/models", scratch_path);
    assert_true(plm_ref_parse("m", &ref, NULL));
    if (!plm_store_open(models, false, &view->store, &err) ||
        !plm_manifest_load(&view->store, &ref, &view->manifest, NULL, &err))
        fail_msg("%s", err.msg);
}

static void close_view(struct view *view)
{
    plm_manifest_free(view->manifest);
    plm_store_close(&view->store);
}

static struct plm_stored_config config_of(const char *text, size_t size)
{
    struct view view;
    struct plm_stored_config config;
    put_model(PATH, (struct made_layer[]){TEXT_LAYER("model", "w"), {"config", text, size}, {0}});
    open_view(&view);
    plm_stored_config(&view.store, view.manifest, &config);
    close_view(&view);
    return config;
}

static void a_config_says_what_its_members_say(void **state)
{
    (void)state;
    const char *text = "{\"model_format\":\"gguf\",\"parser\":\"harmony\",\"renderer\":\"r\","
                       "\"capabilities\":[\"vision\",7,\"\",\"image\"]}";
    struct plm_stored_config config = config_of(text, strlen(text));
    assert_string_equal(config.format, "gguf");
    assert_string_equal(config.parser, "harmony");
    assert_string_equal(config.renderer, "r");
    assert_string_equal(config.family, "");
    assert_int_equal(config.capability_count, 2);
    assert_string_equal(config.capabilities[0], "vision");
    assert_string_equal(config.capabilities[1], "image");
}

static void hostile_words_are_cut_and_made_printable(void **state)
{
    (void)state;
    char text[400];
    (void)snprintf(text, sizeof(text),
                   "{\"model_family\":\"\\u001b[31m\",\"model_type\":\"%0200d\"}", 0);
    struct plm_stored_config config = config_of(text, strlen(text));
    assert_null(strchr(config.family, '\x1b'));
    assert_int_equal(strlen(config.parameter_size), PLM_STORED_TEXT - 1);
    char many[400] = "{\"capabilities\":[\"0\"";
    for (size_t i = 1; i < 3 * PLM_STORED_CAPABILITIES; i++) {
        size_t length = strlen(many);
        (void)snprintf(many + length, sizeof(many) - length, ",\"%zu\"", i);
    }
    size_t length = strlen(many);
    (void)snprintf(many + length, sizeof(many) - length, "]}");
    config = config_of(many, strlen(many));
    assert_int_equal(config.capability_count, PLM_STORED_CAPABILITIES);
}

static void a_config_over_a_mebibyte_says_nothing(void **state)
{
    (void)state;
    static const char head[] = "{\"model_family\":\"llama\"";
    const size_t most = 1u << 20;
    char *text = malloc(most + 1);
    assert_non_null(text);
    memset(text, ' ', most + 1);
    memcpy(text, head, sizeof(head) - 1);
    text[most - 1] = '}';
    struct plm_stored_config config = config_of(text, most);
    assert_string_equal(config.family, "llama");
    config = config_of(text, most + 1);
    assert_string_equal(config.family, "");
    free(text);
}

static void texts_add_up_to_the_room_there_is(void **state)
{
    (void)state;
    struct view view;
    struct plm_buf text = PLM_BUF_INIT(9);
    put_model(PATH, (struct made_layer[]){TEXT_LAYER("license", "abcdef"), {0}});
    open_view(&view);
    const struct plm_digest *digest = &view.manifest->layers[0].blob.digest;
    assert_true(plm_stored_text(&view.store, digest, &text, NULL));
    assert_string_equal(text.bytes, "abcdef");
    assert_true(plm_stored_text(&view.store, digest, &text, NULL));
    assert_string_equal(text.bytes, "abcdefabc");
    assert_true(plm_stored_text(&view.store, digest, &text, NULL));
    assert_int_equal(text.size, 9);
    assert_int_equal(unlink(at(blob_of_text("abcdef"))), 0);
    struct plm_error err = {0};
    assert_false(plm_stored_text(&view.store, digest, &text, &err));
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
    plm_buf_done(&text);
    close_view(&view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_config_says_what_its_members_say),
        WITH_WORLD(hostile_words_are_cut_and_made_printable),
        WITH_WORLD(a_config_over_a_mebibyte_says_nothing),
        WITH_WORLD(texts_add_up_to_the_room_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
