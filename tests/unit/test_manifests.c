#include "store/manifests.h"
#include "store_world.h"

#define HEX "abababababababababababababababababababababababababababababababab"
#define MANIFEST                                                                                   \
    "{\"schemaVersion\":2,\"layers\":[{\"mediaType\":\"m/t\",\"digest\":\"sha256:" HEX             \
    "\",\"size\":10}]}"

static struct plm_ref ref_of(const char *text)
{
    struct plm_ref ref;
    assert_true(plm_ref_parse(text, &ref, NULL));
    return ref;
}

static void put_manifest(const char *path, const char *text)
{
    char part[400];
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        (void)mkdirat(store.manifests_fd, part, 0755);
    }
    put_text(store.manifests_fd, path, text);
}

struct seen {
    int files, named, parsed;
    int stop_after;
    char path[1100], why[PLM_ERROR_TEXT];
    struct plm_ref ref;
    int64_t modified_s;
};

static bool see(void *ctx, const struct plm_manifest_file *file)
{
    struct seen *seen = ctx;
    seen->files++;
    seen->named += file->is_named;
    seen->parsed += file->manifest != NULL;
    (void)snprintf(seen->path, sizeof(seen->path), "%s", file->path);
    (void)snprintf(seen->why, sizeof(seen->why), "%s", file->manifest ? "" : file->why);
    if (file->is_named)
        seen->ref = file->ref;
    seen->modified_s = file->modified_s;
    return seen->files != seen->stop_after;
}

static struct seen walked(void)
{
    struct seen seen = {0};
    struct plm_error err = {0};
    if (!plm_manifests_each(&store, see, &seen, &err))
        fail_msg("%s", err.msg);
    return seen;
}

static void a_stored_manifest_is_walked_and_loaded_byte_for_byte(void **state)
{
    (void)state;
    struct plm_ref ref = ref_of("example.com:5000/ns/Mixed.Case:8b-Q4_K_M");
    plm_auto(plm_manifest_freep) struct plm_manifest *manifest = NULL;
    int64_t modified_s = 0;
    assert_true(plm_manifest_store(&store, &ref, MANIFEST "\n ", strlen(MANIFEST) + 2, NULL));
    assert_true(plm_manifest_load(&store, &ref, &manifest, &modified_s, NULL));
    assert_int_equal(manifest->raw_size, strlen(MANIFEST) + 2);
    assert_memory_equal(manifest->raw, MANIFEST "\n ", manifest->raw_size);
    assert_true(modified_s > 0);
    struct seen seen = walked();
    assert_int_equal(seen.files, 1);
    assert_int_equal(seen.parsed, 1);
    assert_int_equal(seen.modified_s, modified_s);
    assert_true(plm_ref_same_model(&seen.ref, &ref));
    assert_string_equal(seen.path, "example.com:5000/ns/Mixed.Case/8b-Q4_K_M");
    assert_int_equal(count_files(store.state_fd), 0);
}

static void storing_again_replaces(void **state)
{
    (void)state;
    struct plm_ref ref = ref_of("m");
    assert_true(plm_manifest_store(&store, &ref, "bad", 3, NULL));
    assert_true(plm_manifest_store(&store, &ref, MANIFEST, strlen(MANIFEST), NULL));
    struct seen seen = walked();
    assert_int_equal(seen.files, 1);
    assert_int_equal(seen.parsed, 1);
}

static void only_files_four_levels_down_are_manifests(void **state)
{
    (void)state;
    put_manifest("stray", MANIFEST);
    put_manifest("h/stray", MANIFEST);
    put_manifest("h/n/stray", MANIFEST);
    put_manifest("h/n/m/t/too/deep", MANIFEST);
    assert_int_equal(walked().files, 0);
    put_manifest("h/n/m/t2", MANIFEST);
    struct seen seen = walked();
    assert_int_equal(seen.files, 1);
    assert_int_equal(seen.named, 1);
}

static void what_does_not_parse_is_shown_with_its_path_and_why(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"manifests\":[]}",
        "{\"layers\":[{\"digest\":\"sha256:../../x\",\"size\":1}]}"};
    for (size_t i = 0; i < PLM_COUNT(texts); i++) {
        put_manifest("h/n/m/t", texts[i]);
        struct seen seen = walked();
        assert_int_equal(seen.files, 1);
        assert_int_equal(seen.parsed, 0);
        assert_string_equal(seen.path, "h/n/m/t");
        assert_true(strlen(seen.why) > 0);
        struct plm_ref ref = ref_of("h/n/m:t");
        struct plm_manifest *manifest = NULL;
        struct plm_error err = {0};
        assert_false(plm_manifest_load(&store, &ref, &manifest, NULL, &err));
        assert_int_equal(err.code, PLM_E_CORRUPT);
        assert_non_null(strstr(err.msg, "manifests/h/n/m/t"));
        assert_null(manifest);
    }
}

static void a_manifest_that_is_too_large_is_shown_as_unreadable(void **state)
{
    (void)state;
    put_manifest("h/n/m/t", MANIFEST);
    assert_int_equal(truncate(scratch_file("manifests/h/n/m/t"), PLM_MANIFEST_MAX_BYTES + 1), 0);
    struct seen seen = walked();
    assert_int_equal(seen.files, 1);
    assert_int_equal(seen.parsed, 0);
}

static void names_that_are_none_are_shown_as_such(void **state)
{
    (void)state;
    put_manifest("h/n/m/.hidden", MANIFEST);
    struct seen seen = walked();
    assert_int_equal(seen.files, 1);
    assert_int_equal(seen.named, 0);
    assert_int_equal(seen.parsed, 1);
    assert_string_equal(seen.path, "h/n/m/.hidden");
}

/* Ollama follows links when it reads manifests: what it would read, we must not miss. */
static void a_link_in_place_of_a_manifest_is_shown_as_unreadable(void **state)
{
    (void)state;
    put_text(store.root_fd, "outside", MANIFEST);
    put_manifest("h/n/m/x", MANIFEST);
    assert_int_equal(unlinkat(store.manifests_fd, "h/n/m/x", 0), 0);
    assert_int_equal(symlinkat("../../../../outside", store.manifests_fd, "h/n/m/t"), 0);
    struct seen seen = walked();
    assert_int_equal(seen.files, 1);
    assert_int_equal(seen.parsed, 0);
    assert_int_equal(seen.named, 1);
    assert_true(strlen(seen.why) > 0);
}

static void a_link_in_place_of_a_directory_is_walked(void **state)
{
    (void)state;
    put_manifest("h/n/m/t", MANIFEST);
    assert_int_equal(renameat(store.manifests_fd, "h/n", store.root_fd, "elsewhere"), 0);
    assert_int_equal(symlinkat("../../elsewhere", store.manifests_fd, "h/n"), 0);
    assert_int_equal(symlinkat("nowhere", store.manifests_fd, "dangling"), 0);
    assert_int_equal(symlinkat(".", store.manifests_fd, "h/round"), 0);
    struct seen seen = walked();
    assert_int_equal(seen.files, 1);
    assert_int_equal(seen.parsed, 1);
    assert_string_equal(seen.path, "h/n/m/t");
}

static void the_walk_ends_when_it_is_told_to(void **state)
{
    (void)state;
    put_manifest("h/n/m/a", MANIFEST);
    put_manifest("h/n/m/b", MANIFEST);
    put_manifest("h2/n/m/c", MANIFEST);
    assert_int_equal(walked().files, 3);
    struct seen seen = {.stop_after = 2};
    assert_true(plm_manifests_each(&store, see, &seen, NULL));
    assert_int_equal(seen.files, 2);
}

static void an_absent_model_is_not_found_by_its_name(void **state)
{
    (void)state;
    struct plm_ref ref = ref_of("ns/m:t");
    struct plm_manifest *manifest = NULL;
    for (int there = 0; there < 2; there++) {
        struct plm_error err = {0};
        assert_false(plm_manifest_load(&store, &ref, &manifest, NULL, &err));
        assert_int_equal(err.code, PLM_E_NOT_FOUND);
        assert_non_null(strstr(err.msg, "ns/m:t"));
        put_manifest("registry.ollama.ai/ns/m/other", MANIFEST);
    }
    struct plm_store none;
    struct plm_error err = {0};
    assert_true(plm_store_open(scratch_file("none"), false, &none, NULL));
    assert_false(plm_manifest_load(&none, &ref, &manifest, NULL, &err));
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
    struct seen seen = {0};
    assert_true(plm_manifests_each(&none, see, &seen, NULL));
    assert_int_equal(seen.files, 0);
    plm_store_close(&none);
}

static void removing_prunes_what_became_empty_and_nothing_else(void **state)
{
    (void)state;
    struct plm_ref a = ref_of("h.x/n/a:t"), b = ref_of("h.x/n/b:t");
    put_manifest("h.x/n/a/t", MANIFEST);
    put_manifest("h.x/n/a/t2", MANIFEST);
    put_manifest("h.x/n/b/t", MANIFEST);
    assert_true(plm_manifest_remove(&store, &a, NULL));
    assert_true(has_file(store.manifests_fd, "h.x/n/a/t2"));
    assert_true(plm_manifest_remove(&store, &b, NULL));
    assert_false(has_file(store.manifests_fd, "h.x/n/b"));
    assert_true(has_file(store.manifests_fd, "h.x/n/a"));
    (void)snprintf(a.tag, sizeof(a.tag), "t2");
    assert_true(plm_manifest_remove(&store, &a, NULL));
    assert_int_equal(count_files(store.manifests_fd), 0);
    struct plm_error err = {0};
    assert_false(plm_manifest_remove(&store, &a, &err));
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_stored_manifest_is_walked_and_loaded_byte_for_byte),
        WITH_STORE(storing_again_replaces),
        WITH_STORE(only_files_four_levels_down_are_manifests),
        WITH_STORE(what_does_not_parse_is_shown_with_its_path_and_why),
        WITH_STORE(a_manifest_that_is_too_large_is_shown_as_unreadable),
        WITH_STORE(names_that_are_none_are_shown_as_such),
        WITH_STORE(a_link_in_place_of_a_manifest_is_shown_as_unreadable),
        WITH_STORE(a_link_in_place_of_a_directory_is_walked),
        WITH_STORE(the_walk_ends_when_it_is_told_to),
        WITH_STORE(an_absent_model_is_not_found_by_its_name),
        WITH_STORE(removing_prunes_what_became_empty_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
