#include "kind_world.h"

#include "gguf_bytes.h"

static enum plm_code adopt_as(const char *name)
{
    char full[512];
    unsigned char bytes[GGUF_BYTES];
    gguf_fill(bytes);
    put("mine.gguf", bytes, GGUF_BYTES);
    (void)snprintf(full, sizeof(full), "%s", at("mine.gguf"));
    return run_spec(&(struct plm_job_spec){.verb = PLM_VERB_ADOPT, .model = full, .target = name});
}

static void the_old_models_own_layers_go(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_small("b/latest", "only b");
    assert_int_equal(adopt_as("a"), PLM_OK);
    assert_false(is_there(blob_of_text("only a")));
    assert_true(is_there(blob_of_text("shared by all")));
    assert_int_equal(count_of(PLM_EV_LAYERS_REMOVED), 1);
}

static void no_prune_keeps_them(void **state)
{
    (void)state;
    world_no_prune = true;
    put_small("a/latest", "only a");
    assert_int_equal(adopt_as("a"), PLM_OK);
    assert_true(is_there(blob_of_text("only a")));
}

static void a_damaged_blob_of_that_digest_is_replaced(void **state)
{
    (void)state;
    unsigned char bytes[GGUF_BYTES], is[GGUF_BYTES];
    gguf_fill(bytes);
    const char *blob = blob_of(bytes, GGUF_BYTES);
    bytes[GGUF_BYTES - 1] ^= 1;
    put(blob, bytes, GGUF_BYTES);
    assert_int_equal(adopt_as("a"), PLM_OK);
    FILE *file = fopen(at(blob), "rb");
    assert_non_null(file);
    assert_int_equal(fread(is, 1, GGUF_BYTES, file), GGUF_BYTES);
    (void)fclose(file);
    gguf_fill(bytes);
    assert_memory_equal(is, bytes, GGUF_BYTES);
}

static void again_is_the_same_model(void **state)
{
    (void)state;
    assert_int_equal(adopt_as("a"), PLM_OK);
    assert_int_equal(adopt_as("a"), PLM_OK);
    assert_int_equal(count_of(PLM_EV_LAYERS_REMOVED), 0);
    assert_int_equal(run_verb(PLM_VERB_VERIFY, NULL), PLM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(the_old_models_own_layers_go),
        WITH_WORLD(no_prune_keeps_them),
        WITH_WORLD(a_damaged_blob_of_that_digest_is_replaced),
        WITH_WORLD(again_is_the_same_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
