/*
 * Power cuts over the queue: commands that change it, and a run of it, are noted change by change,
 * with what SQLite does, and the disk is put together as a cut after any of them could have left
 * it. The database is whole then; what was told as done is done, and what was not is done as a
 * whole or not at all; a completed entry has its model; and the next run pulls all that can be
 * pulled.
 *
 * Once with the write-ahead log, and once with the rollback journal, as on another machine's disk.
 * cuts.h says what is cut; PLM_FAULT_CASE=queue/journal/120/7 repeats one case (change, seed).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "cuts.h"
#include "invariants.h"
#include "os/os.h"
#include "queue/history.h"
#include "queue/queue.h"
#include "queue/statement.h"

#define LARGE_SIZE (192u << 10)
#define NFS 0x6969

static struct world world;

/* ---- the story ---- */

enum name { NAME_LARGE, NAME_NONE, NAME_TAG, NAME_NEXT, NAMES };
#define BIT(name) (1u << (name))
#define ALL (BIT(NAMES) - 1)

/* What two of them lead to is the same: then a model comes without bytes. */
static const struct {
    const char *name;
    enum model_version version;
} models[NAMES] = {[NAME_LARGE] = {"large", MODEL_LARGE},
                   [NAME_NONE] = {REGISTRY_NONE, MODEL_VERSIONS},
                   [NAME_TAG] = {REGISTRY_TAG, MODEL_NEXT},
                   [NAME_NEXT] = {"next", MODEL_NEXT}};

/* Each is a process of its own. */
static const struct command {
    enum plm_verb verb;
    unsigned names;
    unsigned after; /* the entries that there are then */
} commands[] = {
    {PLM_VERB_QUEUE_ADD, BIT(NAME_LARGE), BIT(NAME_LARGE)},
    {PLM_VERB_QUEUE_ADD, ALL & ~BIT(NAME_LARGE), ALL},
    {PLM_VERB_QUEUE_RM, BIT(NAME_TAG), ALL & ~BIT(NAME_TAG)},
    {PLM_VERB_QUEUE_START, 0, ALL & ~BIT(NAME_TAG)},
    {PLM_VERB_QUEUE_ADD, BIT(NAME_TAG), ALL},
};
#define COMMANDS (sizeof(commands) / sizeof(*commands))
#define START 3 /* which of them is the run */

static void run_command(const struct command *command, const struct fault_plan *plan)
{
    static char texts[NAMES][WORLD_REFERENCE];
    const char *references[NAMES];
    size_t count = 0;
    for (unsigned i = 0; i < NAMES; i++)
        if (command->names & BIT(i))
            references[count++] = world_reference(&world, models[i].name, texts[i]);
    const struct plm_job_spec spec = {
        .verb = command->verb, .models = references, .model_count = count};
    world_run_job(&world, plan, &spec, world.log);
}

static void tell_story(const struct fault_plan *plan)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        char why[WORLD_WHY] = "";
        run_command(&commands[i], plan);
        if (!world_run_is_sound(world.run, why) ||
            world.run->err.code != (i == START ? PLM_E_NOT_FOUND : PLM_OK))
            fail_msg("command %zu: %s%s", i, why, world.run->err.msg);
    }
}

/* ---- what is found ---- */

struct found {
    unsigned there;
    enum plm_queue_status status[NAMES];
    char *why;
};

static bool wrong(const struct found *found, const char *what, const char *which)
{
    (void)snprintf(found->why, WORLD_WHY, "%s: %.300s", what, which);
    return false;
}

static unsigned name_of(const char *reference)
{
    char text[WORLD_REFERENCE];
    unsigned i = 0;
    while (i < NAMES && strcmp(world_reference(&world, models[i].name, text), reference) != 0)
        i++;
    return i;
}

static bool see_entry(void *ctx, const struct plm_queue_entry *entry)
{
    struct found *found = ctx;
    unsigned name = name_of(entry->reference);
    if (name == NAMES)
        return wrong(found, "an entry that nobody added", entry->reference);
    if (found->there & BIT(name))
        return wrong(found, "an entry is there twice", entry->reference);
    found->there |= BIT(name);
    found->status[name] = entry->status;
    bool is_pulled = entry->status == PLM_QUEUE_COMPLETED;
    if (entry->status == (name == NAME_NONE ? PLM_QUEUE_COMPLETED : PLM_QUEUE_FAILED))
        return wrong(found, "an entry that ended as it cannot have", entry->error);
    return !is_pulled || name_leads_to(&world, models[name].name, models[name].version, found->why);
}

static bool see_record(void *ctx, const struct plm_history_record *record)
{
    const struct found *found = ctx;
    bool is_none = name_of(record->reference) == NAME_NONE;
    bool ok = strcmp(record->verb, "pull") == 0 && name_of(record->reference) < NAMES &&
              strcmp(record->outcome, is_none ? plm_code_name(PLM_E_NOT_FOUND) : "ok") == 0 &&
              record->started_ms > 0 && record->ended_ms >= record->started_ms;
    return ok || wrong(found, "a record of what was not", record->reference);
}

static bool is_whole(struct plm_database *db, const struct found *found, struct plm_error *err)
{
    struct plm_statement s;
    if (!plm_statement_open(db, &s, "PRAGMA integrity_check", err, NULL))
        return false;
    bool ok = plm_statement_step(&s, err) &&
              (strcmp(plm_statement_text(&s, 0), "ok") == 0 ||
               wrong(found, "the database is not whole", plm_statement_text(&s, 0)));
    return plm_statement_close(&s, err) && ok;
}

static bool read_database(struct found *found)
{
    char folder[400];
    struct plm_error err = {0};
    plm_auto(plm_database_freep) struct plm_database *db = NULL;
    (void)snprintf(folder, sizeof(folder), "%s/models/.pullm", world.disk);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct plm_database_options options = {
        .folder_fd = fd, .folder = folder, .use = PLM_DATABASE_READ};
    found->why[0] = '\0';
    bool ok = fd < 0 ||
              (plm_database_open(&options, &db, &err) &&
               (!db || (is_whole(db, found, &err) && plm_queue_each(db, see_entry, found, &err) &&
                        plm_history_each(db, INT64_MIN, see_record, found, &err))));
    plm_os_close(fd);
    if (found->why[0] == '\0' && !ok)
        return wrong(found, "the database cannot be read", err.msg);
    return found->why[0] == '\0';
}

/* ---- what must hold ---- */

/* As after the commands that ended, or as after the one that was under way. */
static bool is_as_told(const struct found *found, const struct disk_history *history, size_t cut)
{
    char what[128], text[WORLD_REFERENCE];
    size_t ended = disk_history_done(history, cut, "") + disk_history_done(history, cut, "failed");
    unsigned last = ended > 0 ? commands[ended - 1].after : 0;
    unsigned next = ended < COMMANDS ? commands[ended].after : last;
    (void)snprintf(what, sizeof(what), "after %zu commands the entries are %#x, not %#x or %#x",
                   ended, found->there, last, next);
    if (found->there != last && found->there != next)
        return wrong(found, "not as told", what);
    for (unsigned i = 0; i < NAMES; i++) {
        if (!(found->there & BIT(i)))
            continue;
        bool is_over =
                 disk_history_done(history, cut, world_reference(&world, models[i].name, text)),
             is_told =
                 found->status[i] == (i == NAME_NONE ? PLM_QUEUE_FAILED : PLM_QUEUE_COMPLETED),
             is_begun = found->status[i] != PLM_QUEUE_QUEUED;
        if (is_over ? !is_told : is_begun && (ended < START || i == NAME_TAG))
            return wrong(found, plm_queue_status_name(found->status[i]), text);
    }
    return true;
}

static bool run_mends(const struct found *before, const struct fault_plan *plan, char *why)
{
    char aside[400];
    struct found found = {.why = why};
    bool fails = before->there & BIT(NAME_NONE) && before->status[NAME_NONE] != PLM_QUEUE_FAILED;
    run_command(&commands[START], plan);
    if (!world_run_is_sound(world.run, why))
        return false;
    if (world.run->err.code != (fails ? PLM_E_NOT_FOUND : PLM_OK))
        return wrong(&found, "the next run fails", world.run->err.msg);
    (void)snprintf(aside, sizeof(aside), "%s/models/.pullm/pullama.db.damaged", world.disk);
    if (access(aside, F_OK) == 0)
        return wrong(&found, "the database was set aside", world.run->err.msg);
    if (!read_database(&found) || !invariants_hold(&world, why))
        return false;
    for (unsigned i = 0; i < NAMES; i++)
        if (found.there & BIT(i) &&
            found.status[i] != (i == NAME_NONE ? PLM_QUEUE_FAILED : PLM_QUEUE_COMPLETED))
            return wrong(&found, "the next run leaves it", models[i].name);
    return found.there == before->there || wrong(&found, "the next run changes the queue", "");
}

static struct fault_plan plan; /* of the run after the cut */

static bool holds(const struct disk_history *history, size_t cut, uint64_t *again,
                  char why[WORLD_WHY])
{
    struct found found = {.why = why};
    (void)again;
    return invariants_hold(&world, why) && read_database(&found) &&
           is_as_told(&found, history, cut) && run_mends(&found, &plan, why);
}

static void cut_queue(const char *name, uint32_t disk_type, const char *log, const char *no_log)
{
    const struct cut_story story = {.test = "queue_cut",
                                    .part = "power cuts over the queue",
                                    .name = name,
                                    .step = 31,
                                    .has_short_writes = true,
                                    .holds = holds};
    const struct fault_plan first = {.boot = BOOT_BEFORE, .disk_type = disk_type};
    plan = (struct fault_plan){.boot = BOOT_AFTER, .disk_type = disk_type};
    world_reset(&world);
    struct disk *before = disk_load(world.disk);
    tell_story(&first);
    /* The queue was kept in the way that is meant, and the log tells of it. */
    struct disk_history *history = disk_history_new(before, world.log);
    assert_non_null(history);
    size_t count = disk_history_count(history);
    assert_true(disk_history_written(history, count, log) > 0);
    assert_true(!no_log || disk_history_written(history, count, no_log) == 0);
    disk_history_free(history);
    unsigned wrong_cases = cut_story(&world, before, &story);
    disk_free(before);
    assert_int_equal(wrong_cases, 0);
}

static void a_power_cut_loses_nothing_of_the_queue(void **state)
{
    (void)state;
    cut_queue("queue/log", 0, "pullama.db-wal", NULL);
}

static void a_power_cut_loses_nothing_of_a_queue_on_another_machine(void **state)
{
    (void)state;
    cut_queue("queue/journal", NFS, "pullama.db-journal", "pullama.db-wal");
}

static int open_world(void **state)
{
    (void)state;
    world_open(&world, LARGE_SIZE);
    world.keeps_history = true;
    atomic_store(&world.registry->version, MODEL_NEXT);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_loses_nothing_of_the_queue),
        cmocka_unit_test(a_power_cut_loses_nothing_of_a_queue_on_another_machine),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
