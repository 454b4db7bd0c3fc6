#include "kind_world.h"

#define MODEL_PATH "registry.ollama.ai/library/m/latest"

/* A header of one tensor with 5 × 2 weights of four bytes, and a context length of 4096. */
static size_t make_gguf(uint8_t *out, bool whole)
{
    uint8_t *to = out;
    const struct {
        const char *text; /* with its length before it; or NULL: a number */
        uint64_t number;
        size_t width;
    } parts[] = {
        {NULL, 0x46554747, 4},
        {NULL, 3, 4},
        {NULL, 1, 8},
        {NULL, 2, 8},
        {"general.architecture", 0, 0},
        {NULL, 8, 4},
        {"llama", 0, 0},
        {"llama.context_length", 0, 0},
        {NULL, 4, 4},
        {NULL, 4096, 4},
        {"weights", 0, 0},
        {NULL, 2, 4},
        {NULL, 5, 8},
        {NULL, 2, 8},
        {NULL, 0, 4},
        {NULL, 0, 8},
    };
    for (size_t i = 0; i < PLM_COUNT(parts); i++) {
        uint64_t number = parts[i].text ? strlen(parts[i].text) : parts[i].number;
        size_t width = parts[i].text ? 8 : parts[i].width;
        for (size_t k = 0; k < width; k++)
            *to++ = (uint8_t)(number >> (8 * k));
        if (parts[i].text)
            to = (uint8_t *)mempcpy(to, parts[i].text, (size_t)number);
    }
    size_t data = ((size_t)(to - out) + 31) / 32 * 32;
    memset(to, 0, data + 40 - (size_t)(to - out));
    return whole ? data + 40 : data + 39;
}

static void a_model_is_shown_with_header_config_and_texts(void **state)
{
    (void)state;
    uint8_t weights[512];
    size_t size = make_gguf(weights, true);
    put_model(MODEL_PATH,
              (struct made_layer[]){{"model", weights, size},
                                    TEXT_LAYER("template", "{{ .Tools }}"),
                                    TEXT_LAYER("license", "first license"),
                                    TEXT_LAYER("license", "second license"),
                                    TEXT_LAYER("system", "old"),
                                    TEXT_LAYER("system", "new"),
                                    TEXT_LAYER("params", "{\"stop\":[\"a\",\"b\"]}"),
                                    TEXT_LAYER("config",
                                               "{\"model_family\":\"llama\",\"file_type\":\"F16\","
                                               "\"requires\":\"0.9\"}"),
                                    {0}});
    assert_int_equal(run_verb(PLM_VERB_SHOW, "m"), PLM_OK);
    const char *json = said(PLM_EV_SHOW, 0);
    assert_says(json, "\"Architecture\":\"llama\",\"Family\":\"llama\",\"Format\":\"gguf\","
                      "\"Quantization\":\"F16\",\"ParameterSize\":\"10\",\"Requires\":\"0.9\","
                      "\"ParameterCount\":10,\"ContextLength\":4096,");
    assert_says(json, "\"TensorCount\":1,\"GGUFWarning\":null,"
                      "\"Capabilities\":[\"completion\",\"tools\"]");
    assert_says(json, "\"Parameters\":\"{\\\"stop\\\":[\\\"a\\\",\\\"b\\\"]}\",\"System\":\"new\"");
    assert_says(json, "\"License\":\"first license\\nsecond license\"");
    char path[400], *real = realpath(scratch_path, NULL);
    assert_non_null(real);
    (void)snprintf(path, sizeof(path), "\"BlobPath\":\"%s/models/%s\"", real,
                   blob_of(weights, size));
    free(real);
    assert_says(json, path);
    assert_int_equal(count_of(PLM_EV_WARNING), 0);
}

static void weights_that_end_too_early_are_warned_of(void **state)
{
    (void)state;
    uint8_t weights[512];
    size_t size = make_gguf(weights, false);
    put_model(MODEL_PATH, (struct made_layer[]){{"model", weights, size}, {0}});
    assert_int_equal(run_verb(PLM_VERB_SHOW, "m"), PLM_OK);
    assert_says(said(PLM_EV_SHOW, 0), "\"GGUFWarning\":\"the model's blob ends before");
    assert_int_equal(truncate(at(blob_of(weights, size)), (off_t)size - 1), 0);
    assert_int_equal(run_verb(PLM_VERB_SHOW, "m"), PLM_OK);
    assert_says(said(PLM_EV_SHOW, 0), "its manifest says");
}

static void missing_blobs_leave_the_rest_to_be_shown(void **state)
{
    (void)state;
    put_model(MODEL_PATH, (struct made_layer[]){TEXT_LAYER("model", "weights"),
                                                TEXT_LAYER("system", "be kind"),
                                                TEXT_LAYER("license", "MIT"),
                                                {0}});
    assert_int_equal(unlink(at(blob_of_text("weights"))), 0);
    assert_int_equal(unlink(at(blob_of_text("MIT"))), 0);
    assert_int_equal(run_verb(PLM_VERB_SHOW, "m"), PLM_OK);
    const char *json = said(PLM_EV_SHOW, 0);
    assert_says(json, "\"System\":\"be kind\"");
    assert_says(json, "\"License\":null,\"BlobPath\":null");
    assert_says(json, "\"GGUFWarning\":\"");
    assert_int_equal(count_of(PLM_EV_WARNING), 1);
}

static void weights_that_are_no_gguf_are_said_to_be_none(void **state)
{
    (void)state;
    put_model(MODEL_PATH, (struct made_layer[]){TEXT_LAYER("model", "no header at all"), {0}});
    assert_int_equal(run_verb(PLM_VERB_SHOW, "m"), PLM_OK);
    assert_says(said(PLM_EV_SHOW, 0), "\"Architecture\":null");
    assert_says(said(PLM_EV_SHOW, 0), "not a GGUF file");
}

static void texts_are_cut_at_64_kib(void **state)
{
    (void)state;
    size_t size = 100000;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'x', size);
    put_model(MODEL_PATH,
              (struct made_layer[]){
                  {"system", text, size}, {"license", text, size}, {"license", text, size}, {0}});
    free(text);
    assert_int_equal(run_verb(PLM_VERB_SHOW, "m"), PLM_OK);
    const char *json = said(PLM_EV_SHOW, 0), *run = strstr(json, "\"License\":\"xxx");
    assert_non_null(run);
    assert_int_equal(strspn(run + strlen("\"License\":\""), "x"), 65536);
    run = strstr(json, "\"System\":\"");
    assert_non_null(run);
    assert_int_equal(strspn(run + strlen("\"System\":\""), "x"), 65536);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    assert_int_equal(run_verb(PLM_VERB_SHOW, "m"), PLM_E_NOT_FOUND);
    put_small("m/latest", "text");
    assert_int_equal(run_verb(PLM_VERB_SHOW, "m:7b"), PLM_E_NOT_FOUND);
    assert_int_equal(run_verb(PLM_VERB_SHOW, ""), PLM_E_BAD_NAME);
}

static void real_files_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name, *architecture;
        size_t intact; /* a copy of another size went through a text conversion: no GGUF any more */
    } files[] = {{"ggml-vocab-bert-bge.gguf", "bert", 627549},
                 {"ggml-vocab-gpt-2.gguf", "gpt2", 1766807},
                 {"ggml-vocab-llama-spm.gguf", "llama", 723869}};
    const char *folder = getenv("PLM_SHARED_DATA");
    for (size_t i = 0; folder && i < PLM_COUNT(files); i++) {
        char path[512], part[64];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, files[i].name);
        FILE *file = fopen(path, "rb");
        if (!file)
            return;
        struct stat st;
        assert_int_equal(fstat(fileno(file), &st), 0);
        size_t size = (size_t)st.st_size;
        char *bytes = malloc(size);
        assert_non_null(bytes);
        assert_int_equal(fread(bytes, 1, size, file), size);
        assert_int_equal(fclose(file), 0);
        put_model(MODEL_PATH, (struct made_layer[]){{"model", bytes, size}, {0}});
        free(bytes);
        assert_int_equal(run_verb(PLM_VERB_SHOW, "m"), PLM_OK);
        if (size != files[i].intact) {
            assert_says(said(PLM_EV_SHOW, 0), "\"GGUFWarning\":\"GGUF header");
            continue;
        }
        (void)snprintf(part, sizeof(part), "\"Architecture\":\"%s\"", files[i].architecture);
        assert_says(said(PLM_EV_SHOW, 0), part);
        assert_says(said(PLM_EV_SHOW, 0), "\"GGUFWarning\":null");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_model_is_shown_with_header_config_and_texts),
        WITH_WORLD(weights_that_end_too_early_are_warned_of),
        WITH_WORLD(missing_blobs_leave_the_rest_to_be_shown),
        WITH_WORLD(weights_that_are_no_gguf_are_said_to_be_none),
        WITH_WORLD(texts_are_cut_at_64_kib),
        WITH_WORLD(what_is_not_there_is_not_found),
        WITH_WORLD(real_files_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
