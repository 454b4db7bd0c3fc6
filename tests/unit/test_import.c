#include "kind_world.h"

static enum plm_code import_from(const char *path)
{
    return run_spec(&(struct plm_job_spec){.verb = PLM_VERB_IMPORT, .target = path});
}

/* Exports the models, and takes them out of the store. */
static const char *packed(const char *const *models, size_t count, uint64_t split)
{
    struct plm_job_spec spec = {.verb = PLM_VERB_EXPORT,
                                .models = models,
                                .model_count = count,
                                .target = scratch_file("a.zip"),
                                .split = split};
    assert_int_equal(run_spec(&spec), PLM_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(run_verb(PLM_VERB_RM, models[i]), PLM_OK);
    static char path[512]; /* scratch_file() forgets */
    (void)snprintf(path, sizeof(path), "%s", scratch_file(split ? "a.zip.001" : "a.zip"));
    return path;
}

static void models_come_back_and_share_their_blobs(void **state)
{
    (void)state;
    const char *const models[] = {"a", "b"};
    put_small("a/latest", "only a");
    put_small("b/latest", "only b");
    const char *path = packed(models, 2, 0);
    assert_false(is_there(blob_of_text("shared by all")));
    assert_int_equal(import_from(path), PLM_OK);
    assert_true(is_there(HOST_PATH "a/latest") && is_there(HOST_PATH "b/latest"));
    assert_true(is_there(blob_of_text("only a")) && is_there(blob_of_text("shared by all")));
    assert_int_equal(count_of(PLM_EV_IMPORTED), 2);
    assert_says(said(PLM_EV_IMPORTED, 1), "\"ReadBytes\":6,\"UpToDate\":false");
    assert_int_equal(import_from(path), PLM_OK);
    assert_says(said(PLM_EV_COMPLETED, 0), "\"UpToDate\":true");
}

static void parts_are_read_as_one(void **state)
{
    (void)state;
    const char *const models[] = {"a"};
    put_small("a/latest", "only a");
    const char *path = packed(models, 1, 100);
    assert_int_equal(import_from(scratch_file("a.zip.002")), PLM_E_USAGE);
    assert_int_equal(import_from(path), PLM_OK);
    assert_true(is_there(blob_of_text("only a")));
    assert_int_equal(unlink(scratch_file("a.zip.003")), 0);
    assert_int_equal(import_from(path), PLM_E_CORRUPT);
    assert_says(said(PLM_EV_FAILED, 0), "a.zip.003 is missing");
}

static void a_stream_is_read_from_front_to_back(void **state)
{
    (void)state;
    const char *const models[] = {"a", "b"};
    put_small("a/latest", "only a");
    put_small("b/latest", "only b");
    int fd = open(packed(models, 2, 0), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    const struct plm_job_spec spec = {.verb = PLM_VERB_IMPORT, .target = "-", .stream_fd = fd};
    assert_int_equal(run_spec(&spec), PLM_OK);
    assert_true(is_there(blob_of_text("only a")) && is_there(blob_of_text("only b")));
    (void)close(fd);
}

/* Changes the first byte of @p text, where it stands first in the file. */
static void damage(const char *path, const char *text)
{
    static char bytes[8192];
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    char *found = memmem(bytes, size, text, strlen(text));
    assert_non_null(found);
    *found ^= 1;
    rewind(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* No digest stands for a manifest: only its checksum tells that it is another one. */
static void a_damaged_manifest_is_never_published(void **state)
{
    (void)state;
    const char *const models[] = {"a"};
    put_small("a/latest", "only a");
    const char *path = packed(models, 1, 0);
    damage(path, "mediaType");
    assert_int_equal(import_from(path), PLM_E_INTEGRITY);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    const struct plm_job_spec spec = {.verb = PLM_VERB_IMPORT, .target = "-", .stream_fd = fd};
    assert_int_equal(run_spec(&spec), PLM_E_INTEGRITY);
    (void)close(fd);
    assert_false(is_there(HOST_PATH "a/latest"));
}

static void wrong_bytes_are_never_published(void **state)
{
    (void)state;
    const char *const models[] = {"a"};
    put_small("a/latest", "only a");
    const char *path = packed(models, 1, 0);
    damage(path, "only a");
    assert_int_equal(import_from(path), PLM_E_INTEGRITY);
    assert_false(is_there(HOST_PATH "a/latest"));
    assert_false(is_there(blob_of_text("only a")));
}

#define LARGE ((size_t)2 << 20) /* a blob that gets a checkpoint */

static void lose_archive(const struct plm_event *event)
{
    if (event->kind == PLM_EV_IMPORT_START)
        assert_int_equal(truncate(scratch_file("a.zip"), 1000), 0);
}

/* What could not be read is not what lay in memory by chance. */
static void what_could_not_be_read_is_not_written(void **state)
{
    (void)state;
    const char *const models[] = {"a"};
    char name[200], *bytes = calloc(1, LARGE);
    assert_non_null(bytes);
    put_model("registry.ollama.ai/library/a/latest",
              (struct made_layer[]){{"model", bytes, LARGE}, {0}});
    (void)snprintf(name, sizeof(name), ".pullm/%s.json", blob_of(bytes, LARGE) + strlen("blobs/"));
    free(bytes);
    const char *path = packed(models, 1, 0);
    world_sees = lose_archive;
    assert_int_not_equal(import_from(path), PLM_OK);
    assert_false(is_there(name));
}

static void a_file_that_is_not_there_is_no_missing_model(void **state)
{
    (void)state;
    assert_int_equal(import_from(scratch_file("none.zip")), PLM_E_USAGE);
    assert_int_equal(import_from(""), PLM_E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(models_come_back_and_share_their_blobs),
        WITH_WORLD(parts_are_read_as_one),
        WITH_WORLD(a_stream_is_read_from_front_to_back),
        WITH_WORLD(a_damaged_manifest_is_never_published),
        WITH_WORLD(wrong_bytes_are_never_published),
        WITH_WORLD(what_could_not_be_read_is_not_written),
        WITH_WORLD(a_file_that_is_not_there_is_no_missing_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
