#include "engine/upstream.h"

#include "store/manifests.h"
#include "store_world.h"

static struct plm_engine engine;
static struct plm_job job = {.engine = &engine};

static struct plm_upstream upstream(void)
{
    engine.store = store;
    return (struct plm_upstream){.job = &job};
}

static void put_manifest(const char *model, const char *text)
{
    struct plm_ref ref;
    assert_true(plm_ref_parse(model, &ref, NULL));
    assert_true(plm_manifest_store(&store, &ref, text, strlen(text), NULL));
}

#define GOOD                                                                                       \
    "{\"layers\":[{\"digest\":\"sha256:"                                                           \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",\"size\":5}]}"

static void all_models_come_in_the_order_of_their_names(void **state)
{
    (void)state;
    char name[PLM_REF_TEXT];
    struct plm_error err = {0};
    for (int i = 0; i < 40; i++) { /* more than there is room for at first */
        (void)snprintf(name, sizeof(name), "m%02d", (i * 7) % 40);
        put_manifest(name, GOOD);
    }
    struct plm_upstream u = upstream();
    assert_true(plm_upstream_add_all(&u, &err));
    assert_int_equal(u.count, 40);
    for (int i = 0; i < 40; i++) {
        char wanted[16];
        (void)snprintf(wanted, sizeof(wanted), "m%02d:latest", i);
        assert_string_equal(plm_ref_format(&u.models[i].ref, name), wanted);
        assert_true(u.models[i].is_here);
        assert_false(u.models[i].is_settled);
    }
    plm_upstream_done(&u);
}

static void what_is_asked_for_twice_is_there_once(void **state)
{
    (void)state;
    struct plm_error err = {0};
    put_manifest("a", GOOD);
    put_manifest("bad", "{");
    struct plm_upstream u = upstream();
    assert_true(plm_upstream_add_named(&u, "a", &err));
    assert_true(plm_upstream_add_named(&u, "a:latest", &err));
    assert_true(plm_upstream_add_named(&u, "none", &err));
    assert_true(plm_upstream_add_named(&u, "bad", &err));
    assert_int_equal(u.count, 3);
    assert_true(u.models[0].is_here);
    assert_int_equal(u.models[1].verdict, PLM_UPSTREAM_NOT_HERE);
    assert_true(u.models[1].is_settled);
    assert_int_equal(u.models[2].verdict, PLM_UPSTREAM_UNKNOWN);
    assert_int_equal(u.models[2].why.code, PLM_E_CORRUPT);
    assert_false(plm_upstream_add_named(&u, "a b", &err));
    assert_int_equal(err.code, PLM_E_BAD_NAME);
    plm_upstream_done(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(all_models_come_in_the_order_of_their_names),
        WITH_STORE(what_is_asked_for_twice_is_there_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
