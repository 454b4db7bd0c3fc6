#include "partial_world.h"

#include "store/adopt.h"
#include "store/checkpoint.h"

#define MIB (UINT64_C(1) << 20)
#define SIZE (4 * MIB)

static unsigned char *bytes;
static struct plm_descriptor want;

static int make(void **state)
{
    if (store_make(state))
        return -1;
    bytes = made_bytes(SIZE, 7);
    want = want_of(bytes, SIZE);
    return 0;
}

static int drop(void **state)
{
    free(bytes);
    return store_drop(state);
}

/* The blob's name with an ending; the text lives until the next call but three. */
static const char *foreign(const char *ending)
{
    static char names[4][PLM_STATE_NAME];
    static unsigned next;
    char base[PLM_DIGEST_TEXT];
    char *name = names[next++ % 4];
    (void)snprintf(name, PLM_STATE_NAME, "%s%s", plm_digest_file_name(&want.digest, base), ending);
    return name;
}

/* A sparse file of the blob's size that has the blob's bytes in [start, end). */
static void put_sparse(const char *name, uint64_t start, uint64_t end)
{
    int fd = openat(store.blobs_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)SIZE), 0);
    assert_int_equal(pwrite(fd, bytes + start, end - start, (off_t)start), (ssize_t)(end - start));
    (void)close(fd);
}

/* What Pullama leaves: `verified` of four chunks of 1 MiB. */
static void leave_pullama(unsigned verified)
{
    char text[800], digest[PLM_DIGEST_TEXT];
    int length =
        snprintf(text, sizeof(text), "{\"version\":1,\"digest\":\"%s\",\"size\":%u,\"chunks\":[",
                 plm_digest_format(&want.digest, digest), (unsigned)SIZE);
    for (unsigned i = 0; i < 4; i++)
        length +=
            snprintf(text + length, sizeof(text) - (size_t)length,
                     "%s{\"start\":%u,\"end\":%u,\"verified\":%s}", i ? "," : "", i * (unsigned)MIB,
                     (i + 1) * (unsigned)MIB - 1, i < verified ? "true" : "false");
    length += snprintf(text + length, sizeof(text) - (size_t)length, "]}");
    put_file(store.state_fd, state_name(&want, PLM_STATE_CHECKPOINT), text, (size_t)length);
    put_sparse(foreign(".partial"), 0, verified * MIB);
}

static void leave_ollama_part(unsigned number, const char *state)
{
    char ending[32];
    (void)snprintf(ending, sizeof(ending), "-partial-%u", number);
    put_text(store.blobs_fd, foreign(ending), state);
}

static void leave_ollama(void)
{
    put_sparse(foreign("-partial"), 0, SIZE);
    leave_ollama_part(0, "{\"N\":0,\"Offset\":0,\"Size\":2097152,\"Completed\":1048576}\n");
    leave_ollama_part(1, "{\"N\":1,\"Offset\":2097152,\"Size\":2097152,\"Completed\":524288}\n");
    make_old(store.blobs_fd, foreign("-partial"));
}

static void pullamas_progress_is_taken_over(void **state)
{
    (void)state;
    struct plm_partial_found found;
    leave_pullama(3);
    struct plm_partial *partial = opened_as(&want, &found);
    assert_string_equal(found.adopted, "Pullama");
    assert_int_equal(found.adopted_bytes, 3 * MIB);
    assert_one_span(&partial->written, 0, 3 * MIB);
    assert_int_equal(partial->durable.count, 0); /* nobody of ours saw that sync */
    assert_int_equal(count_files(store.blobs_fd), 0);
    plm_partial_free(partial);
    partial = opened_as(&want, &found); /* from now on it is ours */
    assert_null(found.adopted);
    assert_one_span(&partial->written, 0, 3 * MIB);
    synced(partial);
    assert_one_span(&partial->durable, 0, 3 * MIB);
    plm_partial_free(partial);
}

static void pullamas_bytes_without_a_verified_chunk_are_salvaged(void **state)
{
    (void)state;
    struct plm_partial_found found;
    leave_pullama(0);
    put_sparse(foreign(".partial"), 0, 2 * MIB);
    struct plm_partial *partial = opened_as(&want, &found);
    assert_string_equal(found.adopted, "Pullama");
    assert_true(plm_spans_prefix(&partial->written) >= 2 * MIB - 65536);
    assert_true(plm_spans_total(&partial->written) <= 2 * MIB);
    plm_partial_free(partial);
}

static void pullama_that_holds_its_lock_is_left_alone(void **state)
{
    (void)state;
    struct plm_partial_found found;
    struct plm_lock lock = PLM_LOCK_INIT;
    leave_pullama(3);
    make_old(store.blobs_fd, foreign(".partial"));
    assert_true(plm_lock_try(store.blobs_fd, foreign(".lock"), &lock, NULL));
    struct plm_partial *partial = opened_as(&want, &found);
    assert_null(found.adopted);
    assert_int_equal(partial->written.count, 0);
    plm_partial_free(partial);
    assert_true(has_file(store.blobs_fd, foreign(".partial")));
    assert_true(has_file(store.blobs_fd, foreign(".lock")));
    plm_lock_release(&lock, false);
}

/* Pullama loses its lock while it runs, but not the lock's file: young data beside that file may
 * still be growing. */
static void pullama_that_lost_its_lock_is_left_alone_while_it_writes(void **state)
{
    (void)state;
    struct plm_partial_found found;
    leave_pullama(3);
    put_text(store.blobs_fd, foreign(".lock"), "");
    plm_partial_free(opened_as(&want, &found));
    assert_null(found.adopted);
    assert_true(has_file(store.blobs_fd, foreign(".lock")));

    leave_pullama(3);
    make_old(store.blobs_fd, foreign(".partial"));
    plm_partial_free(opened_as(&want, &found));
    assert_string_equal(found.adopted, "Pullama");
    assert_int_equal(count_files(store.blobs_fd), 0);
}

static void ollamas_progress_is_taken_over_with_all_its_parts(void **state)
{
    (void)state;
    struct plm_partial_found found;
    leave_ollama();
    struct plm_partial *partial = opened_as(&want, &found);
    assert_string_equal(found.adopted, "Ollama");
    assert_int_equal(found.adopted_bytes, MIB + MIB / 2);
    assert_int_equal(partial->written.count, 2);
    assert_int_equal(plm_spans_prefix(&partial->written), MIB);
    assert_int_equal(partial->written.items[1].start, 2 * MIB);
    assert_int_equal(partial->durable.count, 0);
    assert_int_equal(count_files(store.blobs_fd), 0);
    plm_partial_free(partial);
}

static void ollamas_young_file_is_left_alone(void **state)
{
    (void)state;
    struct plm_partial_found found;
    leave_ollama();
    put_sparse(foreign("-partial"), 0, 5);
    plm_partial_free(opened_as(&want, &found));
    assert_null(found.adopted);
    assert_int_equal(count_files(store.blobs_fd), 3);
}

static void part_states_that_are_nonsense_claim_nothing(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "",
        "{}",
        "[1]",
        "{\"N\":0,\"Offset\":-1,\"Size\":5,\"Completed\":5}",
        "{\"N\":0,\"Offset\":0,\"Size\":5,\"Completed\":6}",
        "{\"N\":0,\"Offset\":4194304,\"Size\":1,\"Completed\":1}",
        "{\"N\":0,\"Offset\":4194303,\"Size\":2,\"Completed\":2}",
        "{\"Offset\":9223372036854775807,\"Size\":9223372036854775807,\"Completed\":9}",
        "{\"N\":0,\"Offset\":18446744073709551615,\"Size\":2,\"Completed\":2}",
    };
    for (size_t i = 0; i < PLM_COUNT(parts); i++) {
        struct plm_spans none = {0};
        struct plm_adopted out;
        put_sparse(foreign("-partial"), 0, MIB);
        make_old(store.blobs_fd, foreign("-partial"));
        leave_ollama_part(0, parts[i]);
        assert_true(plm_adopt(&store, &want, &none, &out, NULL));
        assert_string_equal(out.program, "Ollama");
        assert_int_equal(out.claims.count, 0);
        plm_spans_done(&out.claims);
        assert_int_equal(count_files(store.blobs_fd), 0);
        assert_int_equal(unlinkat(store.state_fd, state_name(&want, PLM_STATE_PARTIAL), 0), 0);
    }
}

static void only_this_blobs_parts_go(void **state)
{
    (void)state;
    struct plm_partial_found found;
    leave_ollama();
    put_text(store.blobs_fd, foreign("-partial-x"), "x");
    put_text(store.blobs_fd, foreign("-partial-"), "x");
    put_text(store.blobs_fd, foreign("-partial-0.bak"), "x");
    put_text(store.blobs_fd, "sha256-other-partial-0", "x");
    plm_partial_free(opened_as(&want, &found));
    assert_string_equal(found.adopted, "Ollama");
    assert_int_equal(count_files(store.blobs_fd), 4);
}

static void links_empty_and_too_large_files_are_left_alone(void **state)
{
    (void)state;
    static const char *const endings[] = {".partial", "-partial"};
    for (size_t i = 0; i < PLM_COUNT(endings); i++) {
        const char *name = foreign(endings[i]);
        struct plm_partial_found found;
        put_text(store.root_fd, "precious", "precious");
        make_old(store.root_fd, "precious");
        assert_int_equal(symlinkat("../precious", store.blobs_fd, name), 0);
        plm_partial_free(opened_as(&want, &found));
        assert_null(found.adopted);
        assert_int_equal(unlinkat(store.blobs_fd, name, 0), 0);

        assert_int_equal(linkat(store.root_fd, "precious", store.blobs_fd, name, 0), 0);
        plm_partial_free(opened_as(&want, &found));
        assert_null(found.adopted);
        assert_int_equal(unlinkat(store.blobs_fd, name, 0), 0);

        const off_t sizes[] = {0, (off_t)SIZE + 1};
        for (size_t k = 0; k < PLM_COUNT(sizes); k++) {
            put_sparse(name, 0, 10);
            int fd = openat(store.blobs_fd, name, O_RDWR | O_CLOEXEC);
            assert_int_equal(ftruncate(fd, sizes[k]), 0);
            (void)close(fd);
            make_old(store.blobs_fd, name);
            plm_partial_free(opened_as(&want, &found));
            assert_null(found.adopted);
        }
        assert_int_equal(unlinkat(store.blobs_fd, name, 0), 0);
        assert_file(store.root_fd, "precious", "precious", 8);
        assert_int_equal(unlinkat(store.root_fd, "precious", 0), 0);
    }
    assert_int_equal(count_files(store.blobs_fd), 0);
}

static void our_own_partial_comes_first(void **state)
{
    (void)state;
    struct plm_partial_found found;
    struct plm_partial *partial = opened(&want);
    put_span(partial, bytes, 0, 5);
    plm_partial_free(partial);
    leave_ollama();
    partial = opened_as(&want, &found);
    assert_null(found.adopted);
    assert_one_span(&partial->written, 0, 5);
    plm_partial_free(partial);
    assert_int_equal(count_files(store.blobs_fd), 3);
}

/* Our record is about a file that is gone; the one that is taken over has other bytes. */
static void a_record_of_a_lost_file_says_nothing_about_an_adopted_one(void **state)
{
    (void)state;
    struct plm_partial_found found;
    struct plm_partial *partial = opened(&want);
    put_span(partial, bytes, 3 * MIB, SIZE);
    synced(partial);
    plm_partial_free(partial);
    assert_int_equal(unlinkat(store.state_fd, state_name(&want, PLM_STATE_PARTIAL), 0), 0);
    leave_ollama();
    partial = opened_as(&want, &found);
    assert_string_equal(found.adopted, "Ollama");
    assert_int_equal(plm_spans_total(&partial->written), MIB + MIB / 2);
    assert_int_equal(partial->durable.count, 0);
    plm_partial_free(partial);
    partial = opened_as(&want, &found); /* nor after a stop right there */
    assert_int_equal(plm_spans_total(&partial->written), MIB + MIB / 2);
    assert_int_equal(partial->durable.count, 0);
    plm_partial_free(partial);
}

static void what_could_be_taken_over_is_counted_without_touching_it(void **state)
{
    (void)state;
    uint64_t done = 77;
    long pid = 77;
    leave_pullama(3);
    assert_true(plm_partial_peek(&store, &want, &done, &pid, NULL));
    assert_int_equal(done, 3 * MIB);
    assert_int_equal(pid, 0);
    assert_true(plm_partial_disk_bytes(&store, &want) >= 3 * MIB);
    assert_int_equal(count_files(store.blobs_fd), 1);
    assert_int_equal(unlinkat(store.blobs_fd, foreign(".partial"), 0), 0);
    assert_int_equal(unlinkat(store.state_fd, state_name(&want, PLM_STATE_CHECKPOINT), 0), 0);

    leave_ollama();
    assert_true(plm_partial_peek(&store, &want, &done, &pid, NULL));
    assert_int_equal(done, MIB + MIB / 2);
    assert_true(plm_partial_disk_bytes(&store, &want) >= SIZE);
    assert_int_equal(count_files(store.blobs_fd), 3);
    assert_int_equal(count_files(store.state_fd), 0);
}

#define WITH_BLOB(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BLOB(pullamas_progress_is_taken_over),
        WITH_BLOB(pullamas_bytes_without_a_verified_chunk_are_salvaged),
        WITH_BLOB(pullama_that_holds_its_lock_is_left_alone),
        WITH_BLOB(pullama_that_lost_its_lock_is_left_alone_while_it_writes),
        WITH_BLOB(ollamas_progress_is_taken_over_with_all_its_parts),
        WITH_BLOB(ollamas_young_file_is_left_alone),
        WITH_BLOB(part_states_that_are_nonsense_claim_nothing),
        WITH_BLOB(only_this_blobs_parts_go),
        WITH_BLOB(links_empty_and_too_large_files_are_left_alone),
        WITH_BLOB(our_own_partial_comes_first),
        WITH_BLOB(a_record_of_a_lost_file_says_nothing_about_an_adopted_one),
        WITH_BLOB(what_could_be_taken_over_is_counted_without_touching_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
