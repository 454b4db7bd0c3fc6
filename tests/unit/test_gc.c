#include "store/gc.h"
#include "store_world.h"

/* Puts a manifest that names the given blobs, the first one as its config. */
static void put_manifest(const char *model, const struct plm_descriptor *blobs, size_t count)
{
    char text[2000], digest[PLM_DIGEST_TEXT];
    struct plm_ref ref;
    int length = 0;
    for (size_t i = 0; i < count; i++)
        length += snprintf(text + length, sizeof(text) - (size_t)length,
                           "%s{\"digest\":\"%s\",\"size\":%u}%s",
                           i == 0   ? "{\"config\":"
                           : i == 1 ? ",\"layers\":["
                                    : ",",
                           plm_digest_format(&blobs[i].digest, digest), (unsigned)blobs[i].size,
                           i + 1 == count ? "]}" : "");
    assert_true(plm_ref_parse(model, &ref, NULL));
    assert_true(plm_manifest_store(&store, &ref, text, (size_t)length, NULL));
}

static struct plm_descriptor put_blob(const char *text)
{
    char name[PLM_DIGEST_TEXT];
    struct plm_descriptor want = want_of(text, strlen(text));
    put_text(store.blobs_fd, plm_digest_file_name(&want.digest, name), text);
    return want;
}

static bool is_there(const struct plm_descriptor *want)
{
    char name[PLM_DIGEST_TEXT];
    return has_file(store.blobs_fd, plm_digest_file_name(&want->digest, name));
}

static struct plm_digest_set marked(void)
{
    struct plm_digest_set set = {0};
    struct plm_error err = {0};
    if (!plm_gc_mark(&store, &set, &err))
        fail_msg("%s", err.msg);
    return set;
}

static void every_blob_of_every_manifest_is_marked(void **state)
{
    (void)state;
    struct plm_descriptor blobs[6];
    for (size_t i = 0; i < PLM_COUNT(blobs); i++) {
        char text[8];
        (void)snprintf(text, sizeof(text), "%zu", i);
        blobs[i] = want_of(text, 1);
    }
    struct plm_digest_set set = marked();
    assert_false(plm_digest_set_has(&set, &blobs[0].digest));
    plm_digest_set_done(&set);
    put_manifest("a", &blobs[0], 3);
    put_manifest("h.x/n/b:t", &blobs[2], 3);
    set = marked();
    for (size_t i = 0; i < PLM_COUNT(blobs); i++)
        assert_int_equal(plm_digest_set_has(&set, &blobs[i].digest), i < 5);
    plm_digest_set_done(&set);
    plm_digest_set_done(&set);
}

static void more_digests_than_fit_at_first_are_all_found(void **state)
{
    (void)state;
    struct plm_descriptor blobs[150];
    for (size_t i = 0; i < PLM_COUNT(blobs); i++)
        blobs[i] = want_of(&i, sizeof(i));
    for (size_t i = 0; i < PLM_COUNT(blobs); i += 3) {
        char model[16];
        (void)snprintf(model, sizeof(model), "m%zu", i);
        put_manifest(model, &blobs[i], 3);
    }
    struct plm_digest_set set = marked();
    for (size_t i = 0; i < PLM_COUNT(blobs); i++)
        assert_true(plm_digest_set_has(&set, &blobs[i].digest));
    plm_digest_set_done(&set);
}

static void assert_mark_refuses(const char *path)
{
    struct plm_digest_set set = {.count = 77};
    struct plm_error err = {0};
    assert_false(plm_gc_mark(&store, &set, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_non_null(strstr(err.msg, path));
    assert_int_equal(set.count, 77);
}

static void one_unreadable_manifest_stops_every_deletion(void **state)
{
    (void)state;
    struct plm_descriptor blobs[2] = {want_of("a", 1), want_of("b", 1)};
    struct plm_ref ref;
    put_manifest("a", blobs, 2);
    put_manifest("b", blobs, 2);
    assert_true(plm_ref_parse("h.x/n/bad:t", &ref, NULL));
    assert_true(plm_manifest_store(&store, &ref, "{", 1, NULL));
    assert_mark_refuses("manifests/h.x/n/bad/t");
    /* A list of manifests names blobs in a way that is not followed here. */
    assert_true(plm_manifest_store(&store, &ref, "{\"manifests\":[]}", 16, NULL));
    assert_mark_refuses("manifests/h.x/n/bad/t");
    assert_true(plm_manifest_remove(&store, &ref, NULL));
    struct plm_digest_set set = marked();
    plm_digest_set_done(&set);
}

static void a_manifest_that_is_a_link_stops_every_deletion(void **state)
{
    (void)state;
    struct plm_descriptor blobs[2] = {want_of("a", 1), want_of("b", 1)};
    put_manifest("h.x/n/m:t", blobs, 2);
    assert_int_equal(symlinkat("t", store.manifests_fd, "h.x/n/m/linked"), 0);
    assert_mark_refuses("manifests/h.x/n/m/linked");
}

static void what_is_no_manifest_by_name_and_content_is_passed_over(void **state)
{
    (void)state;
    struct plm_descriptor blobs[2] = {want_of("a", 1), want_of("b", 1)};
    put_manifest("h.x/n/m:t", blobs, 2);
    put_text(store.manifests_fd, "h.x/n/m/.DS_Store", "x");
    struct plm_digest_set set = marked();
    assert_true(plm_digest_set_has(&set, &blobs[1].digest));
    plm_digest_set_done(&set);
    /* A manifest under a hidden name still needs its blobs. */
    put_text(store.manifests_fd, "h.x/n/m/.DS_Store",
             "{\"layers\":[{\"digest\":\"sha256:"
             "abababababababababababababababababababababababababababababababab\",\"size\":1}]}");
    struct plm_descriptor hidden = want_of_size(1);
    set = marked();
    assert_true(plm_digest_set_has(&set, &hidden.digest));
    plm_digest_set_done(&set);
}

static void what_others_need_leaves_one_model_out(void **state)
{
    (void)state;
    struct plm_descriptor blobs[3] = {want_of("a", 1), want_of("b", 1), want_of("c", 1)};
    struct plm_ref ref;
    struct plm_digest_set set = {0};
    put_manifest("one", &blobs[0], 2);
    put_manifest("two", &blobs[1], 2);
    assert_true(plm_ref_parse("one", &ref, NULL));
    assert_true(plm_gc_mark_others(&store, &ref, 1, &set, NULL));
    assert_false(plm_digest_set_has(&set, &blobs[0].digest));
    assert_true(plm_digest_set_has(&set, &blobs[1].digest));
    assert_true(plm_digest_set_has(&set, &blobs[2].digest));
    plm_digest_set_done(&set);
    /* It may be unreadable itself, but no other may. */
    assert_true(plm_manifest_store(&store, &ref, "{", 1, NULL));
    assert_true(plm_gc_mark_others(&store, &ref, 1, &set, NULL));
    plm_digest_set_done(&set);
    assert_true(plm_ref_parse("two", &ref, NULL));
    assert_false(plm_gc_mark_others(&store, &ref, 1, &set, NULL));
}

struct removed {
    int count;
    uint64_t bytes;
};

static void count_removed(void *ctx, const struct plm_descriptor *blob, uint64_t freed)
{
    struct removed *removed = ctx;
    assert_false(is_there(blob));
    removed->count++;
    removed->bytes += freed;
}

static void only_unmarked_candidates_go(void **state)
{
    (void)state;
    struct plm_descriptor kept[2] = {put_blob("config"), put_blob("layer")};
    struct plm_descriptor bystander = put_blob("bystander");
    struct plm_descriptor candidates[] = {put_blob("old one"), kept[1], put_blob("old two"),
                                          want_of("absent", 6), kept[0]};
    struct removed removed = {0};
    put_manifest("m", kept, 2);
    struct plm_digest_set set = marked();
    assert_true(plm_gc_sweep(&store, candidates, PLM_COUNT(candidates), &set, count_removed,
                             &removed, NULL));
    assert_int_equal(removed.count, 2);
    assert_true(removed.bytes > 0);
    assert_true(is_there(&kept[0]) && is_there(&kept[1]) && is_there(&bystander));
    assert_false(is_there(&candidates[0]) || is_there(&candidates[2]));
    assert_true(plm_gc_sweep(&store, candidates, PLM_COUNT(candidates), &set, NULL, NULL, NULL));
    plm_digest_set_done(&set);
}

static void a_candidate_of_another_size_goes_too(void **state)
{
    (void)state;
    struct plm_descriptor blob = put_blob("of five bytes and more");
    struct plm_digest_set none = {0};
    struct removed removed = {0};
    blob.size = 5;
    assert_true(plm_gc_sweep(&store, &blob, 1, &none, count_removed, &removed, NULL));
    assert_int_equal(removed.count, 1);
    assert_false(is_there(&blob));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(every_blob_of_every_manifest_is_marked),
        WITH_STORE(more_digests_than_fit_at_first_are_all_found),
        WITH_STORE(one_unreadable_manifest_stops_every_deletion),
        WITH_STORE(a_manifest_that_is_a_link_stops_every_deletion),
        WITH_STORE(what_is_no_manifest_by_name_and_content_is_passed_over),
        WITH_STORE(what_others_need_leaves_one_model_out),
        WITH_STORE(only_unmarked_candidates_go),
        WITH_STORE(a_candidate_of_another_size_goes_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
