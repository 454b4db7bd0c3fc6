/* The model of a power cut: it loses all that a program forgot to sync, and nothing else. */
#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "os/os.h"
#include "store/atomic.h"
#include "world.h"

#define SEEDS 40
#define TEXT "what must not be lost, nor be half there"

static struct world world;
static int from, to; /* two directories on the disk */
static struct disk *before;
static struct disk_log *log_copy;
static struct fault_plan plan;

static int begin(void **state)
{
    (void)state;
    char path[512];
    world_reset(&world);
    (void)snprintf(path, sizeof(path), "%s/from", world.disk);
    assert_int_equal(mkdir(path, 0755), 0);
    from = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)snprintf(path, sizeof(path), "%s/to", world.disk);
    assert_int_equal(mkdir(path, 0755), 0);
    to = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    before = disk_load(world.disk);
    plan = (struct fault_plan){0};
    fault_arm(&plan, world.log);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fault_arm(NULL, NULL);
    plm_os_close(from);
    plm_os_close(to);
    disk_free(before);
    free(log_copy);
    log_copy = NULL;
    return 0;
}

static int put(int dir, const char *name)
{
    int fd = -1;
    assert_true(plm_os_open(dir, name, PLM_OPEN_WRITE | PLM_OPEN_CREATE, &fd, NULL));
    assert_true(plm_os_write_at(fd, TEXT, sizeof(TEXT), 0, NULL));
    return fd;
}

enum found { MISSING, BROKEN, WHOLE };

static enum found find(const char *folder, const char *name)
{
    char path[512], *bytes = NULL;
    size_t size = 0;
    (void)snprintf(path, sizeof(path), "%s/%s/%s", world.disk, folder, name);
    if (!plm_os_read_file(plm_os_cwd(), path, 4096, &bytes, &size, NULL))
        return MISSING;
    enum found found = size == sizeof(TEXT) && memcmp(bytes, TEXT, size) == 0 ? WHOLE : BROKEN;
    free(bytes);
    return found;
}

/* The disk after cuts with many seeds, when everything was done or after any change; each is
 * counted by what is found under the two names. */
static void cut(bool anywhere, unsigned counts[3][3], const char *first, const char *second)
{
    fault_arm(NULL, NULL);
    log_copy = disk_log_copy(world.log);
    struct disk_history *history = disk_history_new(before, log_copy);
    size_t count = disk_history_count(history);
    memset(counts, 0, 9 * sizeof(counts[0][0]));
    for (size_t at = anywhere ? 0 : count; at <= count; at++)
        for (unsigned seed = 0; seed < SEEDS; seed++) {
            struct disk *left = disk_cut(
                history, at, seed < DISK_RANDOM ? (enum disk_chance)seed : DISK_RANDOM, seed);
            world_put(&world, left);
            disk_free(left);
            counts[find("from", first)][find("to", second)]++;
        }
    disk_history_free(history);
}

static void what_was_synced_is_whole(void **state)
{
    (void)state;
    unsigned counts[3][3];
    assert_true(plm_atomic_write(from, "new.tmp", to, "new", TEXT, sizeof(TEXT), NULL));
    cut(false, counts, "new.tmp", "new");
    assert_int_equal(counts[MISSING][WHOLE], SEEDS);
}

static void an_atomic_write_is_there_or_not(void **state)
{
    (void)state;
    unsigned counts[3][3];
    assert_true(plm_atomic_write(from, "new.tmp", to, "new", TEXT, sizeof(TEXT), NULL));
    cut(true, counts, "new.tmp", "new");
    for (int f = 0; f < 3; f++)
        assert_int_equal(counts[f][BROKEN], 0);
    assert_true(counts[MISSING][MISSING] > 0);
    assert_true(counts[MISSING][WHOLE] > 0);
    assert_true(counts[BROKEN][MISSING] > 0);
}

static void a_name_without_synced_bytes_can_be_broken(void **state)
{
    (void)state;
    unsigned counts[3][3];
    plm_os_close(put(from, "new.tmp"));
    assert_true(plm_os_rename(from, "new.tmp", to, "new", NULL));
    assert_true(plm_os_sync_dir(to, NULL));
    cut(false, counts, "new.tmp", "new");
    assert_true(counts[MISSING][BROKEN] > 0);
    assert_true(counts[MISSING][WHOLE] > 0);
    assert_int_equal(counts[MISSING][BROKEN] + counts[MISSING][WHOLE], SEEDS);
}

static void a_rename_without_a_synced_directory_can_be_undone(void **state)
{
    (void)state;
    unsigned counts[3][3];
    int fd = put(from, "new.tmp");
    assert_true(plm_os_sync_file(fd, NULL));
    plm_os_close(fd);
    assert_true(plm_os_sync_dir(from, NULL));
    assert_true(plm_os_rename(from, "new.tmp", to, "new", NULL));
    cut(false, counts, "new.tmp", "new");
    assert_true(counts[MISSING][WHOLE] > 0);
    assert_true(counts[WHOLE][MISSING] > 0);
    assert_int_equal(counts[MISSING][WHOLE] + counts[WHOLE][MISSING], SEEDS);
}

static void what_a_failed_sync_lost_no_later_one_brings_back(void **state)
{
    (void)state;
    unsigned counts[3][3];
    int fd = put(from, "new");
    plan.kind = FAULT_EIO;
    plan.at = plan.calls + 1;
    assert_false(plm_os_sync_file(fd, NULL));
    assert_true(plm_os_sync_file(fd, NULL));
    plm_os_close(fd);
    assert_true(plm_os_sync_dir(from, NULL));
    cut(false, counts, "new", "new");
    assert_int_equal(counts[BROKEN][MISSING], SEEDS);
}

static int open_world(void **state)
{
    (void)state;
    world_open(&world, 1u << 20);
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
        cmocka_unit_test_setup_teardown(what_was_synced_is_whole, begin, end),
        cmocka_unit_test_setup_teardown(an_atomic_write_is_there_or_not, begin, end),
        cmocka_unit_test_setup_teardown(a_name_without_synced_bytes_can_be_broken, begin, end),
        cmocka_unit_test_setup_teardown(a_rename_without_a_synced_directory_can_be_undone, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_a_failed_sync_lost_no_later_one_brings_back, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
