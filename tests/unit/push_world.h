/* A push that was not started: engine, store and session are there, and nothing is sent. */
#pragma once

#include "engine/push.h"
#include "kind_world.h"

struct push_world {
    struct plm_engine *engine;
    struct plm_job job;
    struct plm_push push;
};

static inline void push_world_kicked(void *ctx)
{
    (void)ctx; /* the tests look for themselves */
}

static inline void push_world_begin(struct push_world *w)
{
    w->push = (struct plm_push){
        .job = &w->job,
        .connections = 4,
        .kick = {.fire = push_world_kicked},
        .record = {.state_fd = -1, .disabled = true, .lock = PLM_LOCK_INIT},
    };
    plm_push_pace_init(&w->push.pace, 4);
    const struct plm_registry_options options = {.max_retries = 1, .timeout_ms = 1000};
    struct plm_error err = {0};
    if (!plm_registry_new(w->engine->http, &w->job.ref, &options, &w->push.registry, &err))
        fail_msg("%s", err.msg);
}

static inline void push_world_open(struct push_world *w)
{
    struct plm_error err = {0};
    char models[300];
    memset(w, 0, sizeof(*w));
    world_forget();
    (void)snprintf(models, sizeof(models), "%s/models", scratch_path);
    const struct plm_engine_options options = {.models_dir = models, .max_retries = 1};
    if (!plm_engine_new(&options, (struct plm_sink){.emit = record}, &w->engine, &err) ||
        !plm_store_open(models, true, &w->engine->store, &err) ||
        !plm_engine_network(w->engine, &err) || !plm_engine_workers(w->engine, &err))
        fail_msg("%s", err.msg);
    w->job = (struct plm_job){.engine = w->engine, .kind = &plm_push_kind, .id = 1};
    assert_true(plm_ref_parse("http://127.0.0.1:1/team/m:v1", &w->job.ref, &err));
    w->job.has_ref = true;
    push_world_begin(w);
}

static inline void push_world_settle(struct push_world *w)
{
    struct plm_error err = {0};
    while (!plm_push_record_settle(&w->push))
        assert_true(plm_loop_step(w->engine->loop, 1000, &err));
}

/* The end of a run, however far it came. */
static inline void push_world_end(struct push_world *w)
{
    push_world_settle(w);
    plm_timer_stop(w->engine->loop, &w->push.kick);
    for (size_t i = 0; i < w->push.count; i++)
        plm_upload_done(&w->push.uploads[i]);
    plm_push_record_close(&w->push);
    plm_registry_free(w->push.registry);
    plm_manifest_free(w->push.manifest);
    free(w->push.uploads);
    w->push = (struct plm_push){0};
}

static inline void push_world_close(struct push_world *w)
{
    push_world_end(w);
    plm_engine_free(w->engine);
}

/* Where the record lies, in the models directory. */
static inline const char *record_path(void)
{
    static char path[PLM_PUSH_NAME + 8];
    char name[PLM_PUSH_NAME];
    struct plm_error err = {0};
    assert_true(plm_push_name("http://127.0.0.1:1/v2/team/m", PLM_PUSH_RECORD, name, &err));
    (void)snprintf(path, sizeof(path), ".pullm/%s", name);
    return path;
}
