#include <unistd.h>

#include "engine/adoption.h"
#include "store_world.h"

static struct plm_engine engine;
static struct plm_job job = {.engine = &engine};

static struct plm_adoption reserved(void)
{
    struct plm_adoption a = {.job = &job, .source = -1, .fd = -1, .lock = PLM_LOCK_INIT};
    struct plm_error err = {0};
    engine.store = store;
    if (!plm_adoption_reserve(&a, &err))
        fail_msg("%s", err.msg);
    return a;
}

static void a_place_is_gone_when_nothing_was_published(void **state)
{
    (void)state;
    bool is_whole = false;
    struct plm_error err = {0};
    put_text(store.blobs_fd, "source", "bytes");
    struct plm_adoption a = reserved(), b = reserved();
    assert_string_not_equal(a.name, b.name);
    assert_true(plm_os_open(store.blobs_fd, "source", PLM_OPEN_READ, &a.source, NULL));
    if (!plm_adoption_make(&a, &is_whole, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(a.placement, is_whole ? PLM_PLACED_REFLINK : PLM_PLACED_COPY);
    assert_true(has_file(store.state_fd, a.name));
    plm_adoption_drop(&a);
    plm_adoption_drop(&a);
    plm_adoption_drop(&b);
    plm_os_close(a.source);
    assert_int_equal(count_files(store.state_fd), 0);
}

static void what_a_dead_adoption_left_goes_with_the_next(void **state)
{
    (void)state;
    put_text(store.state_fd, "adopt-0123456789abcdef.partial", "dead");
    put_text(store.state_fd, "adopt-none.partial", "whose?");
    struct plm_adoption a = reserved();
    assert_false(has_file(store.state_fd, "adopt-0123456789abcdef.partial"));
    assert_true(has_file(store.state_fd, "adopt-none.partial"));
    put_text(store.state_fd, a.name, "alive");
    struct plm_adoption b = reserved();
    assert_true(has_file(store.state_fd, a.name));
    plm_adoption_drop(&a);
    plm_adoption_drop(&b);
}

static void no_copy_begins_without_room(void **state)
{
    (void)state;
    bool is_whole = false;
    struct plm_error err = {0};
    put_text(store.blobs_fd, "source", "bytes");
    struct plm_adoption a = reserved();
    engine.options.min_free = UINT64_C(1) << 60;
    assert_true(plm_os_open(store.blobs_fd, "source", PLM_OPEN_READ, &a.source, NULL));
    if (!plm_adoption_make(&a, &is_whole, &err)) {
        assert_int_equal(err.code, PLM_E_NOSPACE);
        assert_non_null(strstr(err.msg, "--link"));
    } else {
        assert_true(is_whole); /* a reflink needs none */
    }
    engine.options.min_free = 0;
    plm_adoption_drop(&a);
    plm_os_close(a.source);
}

static void names_are_told_from_others(void **state)
{
    (void)state;
    char lock[PLM_ADOPTION_NAME];
    bool is_lock;
    assert_true(plm_adoption_is_name("adopt-0123456789abcdef.partial", &is_lock, lock));
    assert_false(is_lock);
    assert_string_equal(lock, "adopt-0123456789abcdef.lock");
    assert_true(plm_adoption_is_name("adopt-0123456789abcdef.lock", &is_lock, lock));
    assert_true(is_lock);
    const char *const others[] = {"adopt-0123456789abcdef", "adopt-0123456789abcdeg.lock", "adopt-",
                                  "adopt-0123456789abcdef.json"};
    for (size_t i = 0; i < PLM_COUNT(others); i++)
        assert_false(plm_adoption_is_name(others[i], &is_lock, lock));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_place_is_gone_when_nothing_was_published),
        WITH_STORE(what_a_dead_adoption_left_goes_with_the_next),
        WITH_STORE(no_copy_begins_without_room),
        cmocka_unit_test(names_are_told_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
