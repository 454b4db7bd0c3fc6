#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/engine_private.h"

struct record {
    size_t count;
    enum plm_event_kind last;
    char message[PLM_ERROR_TEXT]; /* of the failure */
};

static void note(void *ctx, const struct plm_event *event)
{
    struct record *record = ctx;
    record->count++;
    record->last = event->kind;
    if (event->kind == PLM_EV_FAILED)
        (void)snprintf(record->message, sizeof(record->message), "%s", event->failed.error->msg);
}

static void begin(struct plm_engine *engine, struct plm_job *job, struct record *record)
{
    static const struct plm_job_kind kind = {.verb = PLM_VERB_PULL};
    *record = (struct record){0};
    *engine = (struct plm_engine){0};
    *job = (struct plm_job){.engine = engine, .kind = &kind, .id = 1};
    assert_true(plm_hub_add(&engine->hub, (struct plm_sink){.emit = note, .ctx = record}));
}

static void nothing_is_said_after_the_end(void **state)
{
    (void)state;
    struct plm_engine engine;
    struct plm_job job;
    struct record record;
    struct plm_error err = {0};
    assert_false(plm_fail(&err, PLM_E_NETWORK, "gone"));
    begin(&engine, &job, &record);
    plm_job_emit_kind(&job, PLM_EV_PULL_START);
    plm_job_end(&job, NULL, &err);
    assert_int_equal(record.count, 2);
    plm_job_emit_kind(&job, PLM_EV_PROGRESS);
    plm_job_warn(&job, "late");
    struct plm_event completed = {.kind = PLM_EV_COMPLETED};
    plm_job_end(&job, &completed, NULL);
    assert_int_equal(record.count, 2);
    assert_int_equal(record.last, PLM_EV_FAILED);
    assert_int_equal(engine.result, PLM_E_NETWORK);
}

static void an_interrupt_is_told_of_and_is_no_failure(void **state)
{
    (void)state;
    struct plm_engine engine;
    struct plm_job job;
    struct record record;
    struct plm_error err = {0};
    assert_false(plm_fail(&err, PLM_E_INTERRUPTED, "stopped on request"));
    begin(&engine, &job, &record);
    plm_job_end(&job, NULL, &err);
    assert_int_equal(record.count, 2);
    assert_int_equal(record.last, PLM_EV_FAILED);
    assert_int_equal(engine.result, PLM_OK);
}

static void assert_told(const struct plm_error *err, const char *message)
{
    char root[] = "/disk/models";
    struct plm_engine engine;
    struct plm_job job;
    struct record record;
    begin(&engine, &job, &record);
    engine.store.root = root;
    plm_job_end(&job, NULL, err);
    assert_string_equal(record.message, message);
}

static void what_the_system_refused_in_a_store_names_it_once(void **state)
{
    (void)state;
    struct plm_error broken = {0}, named = {0}, memory = {0}, network = {0};
    assert_false(plm_fail_sys(&broken, EIO, "manifest"));
    assert_told(&broken, "/disk/models: manifest: Input/output error");
    assert_false(plm_fail_sys(&named, EIO, "open /disk/models/blobs"));
    assert_told(&named, "open /disk/models/blobs: Input/output error");
    assert_false(plm_fail_sys(&memory, ENOMEM, "manifest"));
    assert_told(&memory, "manifest: Cannot allocate memory");
    assert_false(plm_fail(&network, PLM_E_NETWORK, "gone"));
    assert_told(&network, "gone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_after_the_end),
        cmocka_unit_test(an_interrupt_is_told_of_and_is_no_failure),
        cmocka_unit_test(what_the_system_refused_in_a_store_names_it_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
