#include "engine/adoption.h"

#include "store_world.h"

static struct plm_gguf gguf_of(const char *architecture)
{
    struct plm_gguf gguf = {
        .parameter_count = 7200000000, .has_file_type = true, .file_type = 2, .block_count = 32};
    (void)snprintf(gguf.architecture, sizeof(gguf.architecture), "%s", architecture);
    return gguf;
}

static struct plm_adoption_texts texts_of(const struct plm_gguf *gguf)
{
    struct plm_adoption_texts texts = {0};
    struct plm_error err = {0};
    struct plm_descriptor weights = want_of("weights", 7);
    (void)snprintf(weights.media, sizeof(weights.media), "application/vnd.ollama.image.model");
    if (!plm_adoption_write(gguf, &weights, &texts, &err))
        fail_msg("%s", err.msg);
    return texts;
}

static void the_config_is_what_ollama_writes(void **state)
{
    (void)state;
    struct plm_gguf gguf = gguf_of("llama");
    struct plm_adoption_texts texts = texts_of(&gguf);
    assert_string_equal(texts.config,
                        "{\"model_format\":\"gguf\",\"model_family\":\"llama\","
                        "\"model_families\":[\"llama\"],\"model_type\":\"7.2B\","
                        "\"file_type\":\"Q4_0\",\"architecture\":\"amd64\",\"os\":\"linux\"}\n");
    assert_null(texts.params);
    plm_adoption_texts_done(&texts);
}

static void the_manifest_names_config_and_layers(void **state)
{
    (void)state;
    struct plm_gguf gguf = gguf_of("gemma4");
    struct plm_adoption_texts texts = texts_of(&gguf);
    plm_auto(plm_manifest_freep) struct plm_manifest *manifest = NULL;
    assert_non_null(strstr(texts.config, "\"renderer\":\"gemma4\",\"parser\":\"gemma4\","));
    assert_string_equal(texts.params, "{\"stop\":[\"<turn|>\"]}\n");
    assert_true(plm_manifest_parse(texts.manifest, strlen(texts.manifest), &manifest, NULL));
    assert_int_equal(manifest->layer_count, 2);
    struct plm_descriptor config = want_of(texts.config, strlen(texts.config)),
                          params = want_of(texts.params, strlen(texts.params));
    assert_true(plm_digest_equal(&manifest->config.digest, &config.digest));
    assert_int_equal(manifest->config.size, config.size);
    assert_true(plm_digest_equal(&manifest->layers[1].blob.digest, &params.digest));
    assert_string_equal(manifest->layers[0].blob.media, "application/vnd.ollama.image.model");
    assert_int_equal(texts.manifest[strlen(texts.manifest) - 1], '\n');
    plm_adoption_texts_done(&texts);
}

static void what_the_file_does_not_say_is_unknown(void **state)
{
    (void)state;
    struct plm_gguf gguf = {.parameter_count = 999};
    struct plm_adoption_texts texts = texts_of(&gguf);
    assert_non_null(strstr(texts.config, "\"model_family\":\"unknown\""));
    assert_non_null(strstr(texts.config, "\"file_type\":\"unknown\""));
    plm_adoption_texts_done(&texts);
}

static void a_file_that_is_no_gguf_says_so(void **state)
{
    (void)state;
    struct plm_gguf gguf;
    struct plm_error err = {0};
    int fd = -1;
    put_text(store.state_fd, "file", "This is text, and no model at all.");
    assert_true(plm_os_open(store.state_fd, "file", PLM_OPEN_READ, &fd, NULL));
    assert_false(plm_adoption_read(fd, 34, &gguf, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_non_null(strstr(err.msg, "not a GGUF file"));
    plm_os_close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_config_is_what_ollama_writes),
        cmocka_unit_test(the_manifest_names_config_and_layers),
        cmocka_unit_test(what_the_file_does_not_say_is_unknown),
        WITH_STORE(a_file_that_is_no_gguf_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
