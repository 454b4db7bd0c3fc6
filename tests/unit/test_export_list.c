#include "kind_world.h"

#include "archive/entry_name.h"
#include "engine/export.h"

/* The list of an export of these models; the world's store is open as long as it is. */
struct listing {
    struct plm_engine engine;
    struct plm_job job;
    struct plm_export export;
    struct plm_error err;
};

static bool list(struct listing *l, const char *const *models, size_t count)
{
    char path[300];
    *l = (struct listing){.job = {.model_count = count}};
    (void)snprintf(path, sizeof(path), "%s/models", scratch_path);
    assert_true(plm_store_open(path, false, &l->engine.store, &l->err));
    l->job.engine = &l->engine;
    l->job.models = calloc(count + 1, sizeof(char *));
    assert_non_null(l->job.models);
    for (size_t i = 0; i < count; i++)
        l->job.models[i] = strdup(models[i]);
    l->export.job = &l->job;
    return plm_export_list(&l->export, &l->err);
}

static void done(struct listing *l)
{
    plm_export_list_done(&l->export);
    for (size_t i = 0; i < l->job.model_count; i++)
        free(l->job.models[i]);
    free(l->job.models);
    plm_store_close(&l->engine.store);
}

static void refused(const char *model, enum plm_code code, const char *says)
{
    struct listing l;
    assert_false(list(&l, &model, 1));
    assert_int_equal(l.err.code, code);
    assert_says(l.err.msg, says);
    done(&l);
}

static void put_two(void)
{
    put_small("b/latest", "only b");
    put_small("a/latest", "only a");
}

static void what_models_share_is_in_it_once(void **state)
{
    (void)state;
    const char *const models[] = {"b", "a"};
    struct listing l;
    put_two();
    assert_true(list(&l, models, 2));
    assert_int_equal(l.export.model_count, 2);
    assert_int_equal(l.export.blob_count, 3);
    assert_int_equal(l.export.total, strlen("only a") + strlen("only b") + strlen("shared by all"));
    assert_int_equal(l.export.item_count - l.export.first_blob, 3);
    done(&l);
}

static void folders_and_manifests_stand_in_front_of_the_blobs(void **state)
{
    (void)state;
    static const char *const want[] = {"manifests/",
                                       "manifests/registry.ollama.ai/",
                                       "manifests/registry.ollama.ai/library/",
                                       "manifests/registry.ollama.ai/library/a/",
                                       "manifests/registry.ollama.ai/library/a/latest",
                                       "manifests/registry.ollama.ai/library/b/",
                                       "manifests/registry.ollama.ai/library/b/latest",
                                       "blobs/"};
    const char *const models[] = {"b", "a"};
    struct listing l;
    put_two();
    assert_true(list(&l, models, 2));
    assert_int_equal(l.export.first_blob, PLM_COUNT(want));
    for (size_t i = 0; i < PLM_COUNT(want); i++) {
        size_t length = strlen(want[i]);
        assert_string_equal(l.export.items[i].name, want[i]);
        assert_int_equal(l.export.items[i].manifest != NULL, want[i][length - 1] != '/');
    }
    done(&l);
}

static void the_same_models_give_the_same_archive_in_any_order(void **state)
{
    (void)state;
    const char *const some[] = {"b", "a", "a:latest", "library/b"}, *const others[] = {"a", "b"};
    struct listing x, y;
    char one[PLM_ENTRY_NAME], other[PLM_ENTRY_NAME];
    put_two();
    assert_true(list(&x, some, 4) && list(&y, others, 2));
    assert_int_equal(x.export.item_count, y.export.item_count);
    assert_int_equal(x.export.size, y.export.size);
    for (size_t i = 0; i < x.export.item_count; i++) {
        struct plm_zip_new left = plm_export_header(&x.export.items[i], one);
        struct plm_zip_new right = plm_export_header(&y.export.items[i], other);
        assert_string_equal(left.name, right.name);
        assert_int_equal(left.offset, right.offset);
    }
    done(&x);
    done(&y);
}

/* What is written by this list is a zip file, and every byte of it was counted. */
static void every_byte_has_its_place(void **state)
{
    (void)state;
    const char *const models[] = {"a", "b"};
    struct listing l;
    char name[PLM_ENTRY_NAME];
    struct plm_buf out = {.max = 1 << 20};
    put_two();
    assert_true(list(&l, models, 2));
    for (size_t i = 0; i < l.export.item_count; i++) {
        static const char zeros[4096];
        const struct plm_export_item *item = &l.export.items[i];
        struct plm_zip_new header = plm_export_header(item, name);
        assert_int_equal(out.size, item->offset);
        assert_true(plm_zip_put_local(&out, &header, &l.err));
        assert_int_equal(out.size, item->data);
        assert_true(plm_buf_append(&out, zeros, header.size, &l.err));
    }
    assert_int_equal(out.size, l.export.directory);
    for (size_t i = 0; i < l.export.item_count; i++) {
        struct plm_zip_new header = plm_export_header(&l.export.items[i], name);
        assert_true(plm_zip_put_central(&out, &header, &l.err));
    }
    assert_int_equal(out.size, l.export.directory + l.export.directory_size);
    assert_true(plm_zip_put_end(&out, l.export.item_count, l.export.directory_size,
                                l.export.directory, &l.err));
    assert_int_equal(out.size, l.export.size);
    plm_buf_done(&out);
    done(&l);
}

static void a_model_that_is_not_whole_is_refused_by_name(void **state)
{
    (void)state;
    put_two();
    put(blob_of_text("only a"), "only", 4);
    refused("a", PLM_E_INTEGRITY, "a:latest is damaged: sha256-");
    refused("a", PLM_E_INTEGRITY, "has the wrong size");
    assert_int_equal(unlink(at(blob_of_text("only a"))), 0);
    refused("a", PLM_E_INTEGRITY, "is not here");
    const char *const models[] = {"b"};
    struct listing l;
    assert_true(list(&l, models, 1)); /* the other one still is */
    done(&l);
}

static void names_of_no_model_are_refused(void **state)
{
    (void)state;
    put_two();
    refused("c", PLM_E_NOT_FOUND, "c:latest");
    refused("../c", PLM_E_BAD_NAME, "../c");
    struct listing l;
    assert_false(list(&l, NULL, 0));
    assert_int_equal(l.err.code, PLM_E_USAGE);
    done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(what_models_share_is_in_it_once),
        WITH_WORLD(folders_and_manifests_stand_in_front_of_the_blobs),
        WITH_WORLD(the_same_models_give_the_same_archive_in_any_order),
        WITH_WORLD(every_byte_has_its_place),
        WITH_WORLD(a_model_that_is_not_whole_is_refused_by_name),
        WITH_WORLD(names_of_no_model_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
