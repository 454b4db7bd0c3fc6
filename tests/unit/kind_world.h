/* A models directory as Ollama leaves it, one job run over it, and what the job said. */
#pragma once

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "pullama/engine.h"
#include "scratch.h"

#define WORLD_EVENTS 128
#define HOST_PATH "manifests/registry.ollama.ai/library/"

struct said {
    enum plm_event_kind kind;
    char *json;
};

static struct said world_said[WORLD_EVENTS];
static size_t world_said_count;
static bool world_no_prune;
static void (*world_sees)(const struct plm_event *event); /* NULL: nobody else listens */

static inline void world_forget(void)
{
    while (world_said_count > 0)
        free(world_said[--world_said_count].json);
}

static inline int world_make(void **state)
{
    world_no_prune = false;
    world_sees = NULL;
    if (scratch_make(state) != 0 || unsetenv("HF_TOKEN") != 0)
        return -1;
    return setenv("DOCKER_CONFIG", scratch_file("docker"), 1);
}

static inline int world_drop(void **state)
{
    world_forget();
    return scratch_drop(state);
}

#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, world_make, world_drop)

/* ---- files, by their path in the models directory ---- */

static inline const char *at(const char *path)
{
    char name[250];
    (void)snprintf(name, sizeof(name), "models/%s", path);
    return scratch_file(name);
}

static inline void make_folders(char *path)
{
    for (char *slash = strchr(path + strlen(scratch_path) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0755);
        *slash = '/';
    }
}

static inline void put(const char *path, const void *bytes, size_t size)
{
    char full[512];
    (void)snprintf(full, sizeof(full), "%s", at(path));
    make_folders(full);
    FILE *file = fopen(full, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void put_line(const char *path, const char *text)
{
    put(path, text, strlen(text));
}

static inline bool is_there(const char *path)
{
    struct stat st;
    return lstat(at(path), &st) == 0;
}

/* Sets a file's time back by so many seconds. */
static inline void age(const char *path, long seconds)
{
    struct timespec then;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &then), 0);
    then.tv_sec -= seconds;
    struct timespec times[2] = {then, then};
    assert_int_equal(utimensat(AT_FDCWD, at(path), times, AT_SYMLINK_NOFOLLOW), 0);
}

/* ---- models ---- */

struct made_layer {
    const char *kind; /* NULL ends the list; "config" is the config */
    const void *bytes;
    size_t size;
};

#define TEXT_LAYER(kind, text) ((struct made_layer){kind, text, strlen(text)})

/* "blobs/sha256-<hex>"; the text lives until the next call but three. */
static inline const char *blob_of(const void *bytes, size_t size)
{
    static char paths[4][96];
    static unsigned next;
    struct plm_digest digest;
    char name[PLM_DIGEST_TEXT];
    char *path = paths[next++ % 4];
    assert_true(plm_digest_of(bytes, size, &digest, NULL));
    (void)snprintf(path, sizeof(paths[0]), "blobs/%s", plm_digest_file_name(&digest, name));
    return path;
}

static inline const char *blob_of_text(const char *text)
{
    return blob_of(text, strlen(text));
}

/* Writes the blobs and a manifest of them at manifests/<path>. */
static inline void put_model(const char *path, const struct made_layer *layers)
{
    char text[4096], config[300] = "", place[240];
    int length = 0;
    for (; layers->kind; layers++) {
        const char *blob = blob_of(layers->bytes, layers->size);
        bool is_config = strcmp(layers->kind, "config") == 0;
        put(blob, layers->bytes, layers->size);
        char entry[256];
        (void)snprintf(entry, sizeof(entry),
                       "{\"mediaType\":\"application/vnd.%s%s\",\"digest\":\"sha256:%s\","
                       "\"size\":%zu}",
                       is_config ? "docker.container.image.v1+json" : "ollama.image.",
                       is_config ? "" : layers->kind, blob + strlen("blobs/sha256-"), layers->size);
        if (is_config)
            (void)snprintf(config, sizeof(config), ",\"config\":%s", entry);
        else
            length += snprintf(text + length, sizeof(text) - (size_t)length, "%s%s",
                               length ? "," : "", entry);
        assert_in_range(length, 0, sizeof(text) - 1);
    }
    char manifest[5000];
    (void)snprintf(manifest, sizeof(manifest), "{\"schemaVersion\":2%s,\"layers\":[%s]}", config,
                   text);
    (void)snprintf(place, sizeof(place), "manifests/%s", path);
    put_line(place, manifest);
}

/* library/<name>:<tag> of two text layers: its own, and one that all these models share. */
static inline void put_small(const char *name_and_tag, const char *own)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "registry.ollama.ai/library/%s", name_and_tag);
    put_model(path, (struct made_layer[]){
                        TEXT_LAYER("template", own), TEXT_LAYER("license", "shared by all"), {0}});
}

/* ---- running a job ---- */

static inline void record(void *ctx, const struct plm_event *event)
{
    (void)ctx;
    assert_in_range(world_said_count, 0, WORLD_EVENTS - 1);
    struct said *said = &world_said[world_said_count++];
    said->kind = event->kind;
    assert_true(plm_event_to_json(event, &said->json, NULL));
    if (world_sees)
        world_sees(event);
}

/* An engine over the world's store, with nothing said yet. @p max_retries as in its options. */
static inline struct plm_engine *world_engine(int max_retries)
{
    static char models[300], key[300]; /* borrowed, as long as there is an engine */
    struct plm_error err = {0};
    struct plm_engine *engine = NULL;
    world_forget();
    (void)snprintf(models, sizeof(models), "%s/models", scratch_path);
    (void)snprintf(key, sizeof(key), "%s/keys/id_ed25519", scratch_path);
    struct plm_engine_options options = {.models_dir = models,
                                         .key_path = key,
                                         .no_prune = world_no_prune,
                                         .max_retries = max_retries};
    if (!plm_engine_new(&options, (struct plm_sink){.emit = record}, &engine, &err))
        fail_msg("%s", err.msg);
    return engine;
}

static inline void submit(struct plm_engine *engine, const struct plm_job_spec *spec)
{
    struct plm_error err = {0};
    uint32_t id;
    if (!plm_engine_submit(engine, spec, &id, &err))
        fail_msg("%s", err.msg);
}

/* Steps to the end, and frees the engine. */
static inline enum plm_code end_engine(struct plm_engine *engine)
{
    while (plm_engine_step(engine, 1000))
        ;
    enum plm_code code = plm_engine_result(engine);
    plm_engine_free(engine);
    return code;
}

static inline enum plm_code run_spec(const struct plm_job_spec *spec)
{
    struct plm_engine *engine = world_engine(-1);
    submit(engine, spec);
    enum plm_code code = end_engine(engine);
    assert_true(world_said_count > 0);
    assert_int_equal(world_said[world_said_count - 1].kind,
                     code == PLM_OK ? PLM_EV_COMPLETED : PLM_EV_FAILED);
    return code;
}

static inline enum plm_code run_verb(enum plm_verb verb, const char *model)
{
    return run_spec(&(struct plm_job_spec){.verb = verb, .model = model});
}

static inline size_t count_of(enum plm_event_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < world_said_count; i++)
        count += world_said[i].kind == kind;
    return count;
}

/* The JSON form of the nth event of a kind, from 0. */
static inline const char *said(enum plm_event_kind kind, size_t nth)
{
    for (size_t i = 0; i < world_said_count; i++)
        if (world_said[i].kind == kind && nth-- == 0)
            return world_said[i].json;
    fail_msg("%s was not said", plm_event_name(kind));
    return "";
}

static inline void assert_says(const char *json, const char *part)
{
    if (!strstr(json, part))
        fail_msg("no %s in %s", part, json);
}
