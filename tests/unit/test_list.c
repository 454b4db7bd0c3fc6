#include "kind_world.h"

static void names_in_order(const char *const *names, size_t count)
{
    assert_int_equal(count_of(PLM_EV_LIST_MODEL), count);
    for (size_t i = 0; i < count; i++) {
        char part[64];
        (void)snprintf(part, sizeof(part), "\"Name\":\"%s\"", names[i]);
        assert_says(said(PLM_EV_LIST_MODEL, i), part);
    }
}

static void the_newest_model_comes_first_and_names_break_ties(void **state)
{
    (void)state;
    put_small("old/latest", "1");
    put_small("b/latest", "2");
    put_small("a/7b", "3");
    age(HOST_PATH "old/latest", 5000);
    age(HOST_PATH "b/latest", 100);
    age(HOST_PATH "a/7b", 100);
    struct stat st;
    assert_int_equal(stat(at(HOST_PATH "b/latest"), &st), 0);
    struct timespec same[2] = {st.st_mtim, st.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, at(HOST_PATH "a/7b"), same, 0), 0);
    assert_int_equal(run_verb(PLM_VERB_LIST, NULL), PLM_OK);
    names_in_order((const char *[]){"a:7b", "b:latest", "old:latest"}, 3);
}

static void a_model_has_the_id_size_and_details_of_its_manifest(void **state)
{
    (void)state;
    const char *config = "{\"model_format\":\"gguf\",\"model_family\":\"llama\","
                         "\"model_type\":\"8.0B\",\"file_type\":\"Q4_K_M\"}";
    put_model(
        "hf.co/some/model/latest",
        (struct made_layer[]){TEXT_LAYER("model", "weights"), TEXT_LAYER("config", config), {0}});
    char *bytes = NULL, id[PLM_DIGEST_TEXT], part[100];
    size_t size = 0;
    FILE *file = fopen(at("manifests/hf.co/some/model/latest"), "rb");
    assert_non_null(file);
    assert_true(getdelim(&bytes, &size, -1, file) > 0);
    struct plm_digest digest;
    assert_true(plm_digest_of(bytes, strlen(bytes), &digest, NULL));
    assert_int_equal(fclose(file), 0);
    free(bytes);
    assert_int_equal(run_verb(PLM_VERB_LIST, NULL), PLM_OK);
    const char *json = said(PLM_EV_LIST_MODEL, 0);
    (void)snprintf(part, sizeof(part), "\"ID\":\"%s\"", plm_digest_format(&digest, id) + 7);
    assert_says(json, part);
    (void)snprintf(part, sizeof(part), "\"Size\":%zu,", strlen("weights") + strlen(config));
    assert_says(json, part);
    assert_says(json, "\"Name\":\"hf.co/some/model:latest\"");
    assert_says(json, "\"Format\":\"gguf\",\"Family\":\"llama\",\"ParameterSize\":\"8.0B\","
                      "\"Quantization\":\"Q4_K_M\"");
}

static void a_broken_manifest_is_warned_of_and_hides_no_other(void **state)
{
    (void)state;
    put_small("good/latest", "1");
    put_line(HOST_PATH "bad/latest", "{");
    put_line(HOST_PATH "bad/not a tag", "{");
    assert_int_equal(run_verb(PLM_VERB_LIST, NULL), PLM_OK);
    names_in_order((const char *[]){"good:latest"}, 1);
    assert_int_equal(count_of(PLM_EV_WARNING), 1);
    assert_says(said(PLM_EV_WARNING, 0), HOST_PATH "bad/latest");
}

static void a_prefix_chooses_whatever_its_case(void **state)
{
    (void)state;
    put_small("Mistral/latest", "1");
    put_small("llama/latest", "2");
    put_line(HOST_PATH "llama/bad", "{");
    assert_int_equal(run_verb(PLM_VERB_LIST, "mIs"), PLM_OK);
    names_in_order((const char *[]){"Mistral:latest"}, 1);
    assert_int_equal(count_of(PLM_EV_WARNING), 0);
    assert_int_equal(run_verb(PLM_VERB_LIST, "stral"), PLM_OK);
    names_in_order(NULL, 0);
}

static void a_store_that_is_not_there_lists_nothing_and_is_not_made(void **state)
{
    (void)state;
    assert_int_equal(run_verb(PLM_VERB_LIST, NULL), PLM_OK);
    assert_int_equal(world_said_count, 1);
    assert_false(is_there(""));
}

static void a_config_that_cannot_be_read_leaves_details_unknown(void **state)
{
    (void)state;
    const char *const configs[] = {"no JSON", "[1]", "{\"model_family\":5,\"file_type\":null}"};
    for (size_t i = 0; i < PLM_COUNT(configs); i++) {
        put_model(
            "registry.ollama.ai/library/a/latest",
            (struct made_layer[]){TEXT_LAYER("model", "w"), TEXT_LAYER("config", configs[i]), {0}});
        assert_int_equal(run_verb(PLM_VERB_LIST, NULL), PLM_OK);
        assert_says(said(PLM_EV_LIST_MODEL, 0), "\"Family\":null");
        assert_int_equal(unlink(at(blob_of_text(configs[i]))), 0);
        assert_int_equal(run_verb(PLM_VERB_LIST, NULL), PLM_OK);
        assert_says(said(PLM_EV_LIST_MODEL, 0), "\"Family\":null");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(the_newest_model_comes_first_and_names_break_ties),
        WITH_WORLD(a_model_has_the_id_size_and_details_of_its_manifest),
        WITH_WORLD(a_broken_manifest_is_warned_of_and_hides_no_other),
        WITH_WORLD(a_prefix_chooses_whatever_its_case),
        WITH_WORLD(a_store_that_is_not_there_lists_nothing_and_is_not_made),
        WITH_WORLD(a_config_that_cannot_be_read_leaves_details_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
