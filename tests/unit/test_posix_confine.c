#include "os/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

/* Confinement cannot be undone, so each attempt is made by a child: its status is errno, or 0. */
static int in_child(int (*attempt)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(attempt());
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static long kernel_abi(void)
{
    return syscall(444 /* landlock_create_ruleset */, NULL, 0, 1U /* its version */);
}

/* For tests of what is refused: there is nothing to test where nothing can be refused. */
static void need_abi(long abi)
{
#ifdef PLM_UNCONFINED
    abi = INT32_MAX;
#endif
    if (kernel_abi() < abi) {
        print_message("# needs a kernel with Landlock %ld, this one has %ld\n", abi, kernel_abi());
        skip();
    }
}

static int make_places(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    static const char *const folders[] = {"ours", "ours/a", "ours/b", "readable", "foreign"};
    static const char *const files[] = {"ours/a/file", "readable/file", "foreign/file"};
    for (size_t i = 0; i < PLM_COUNT(folders); i++)
        assert_int_equal(mkdir(scratch_file(folders[i]), 0755), 0);
    for (size_t i = 0; i < PLM_COUNT(files); i++) {
        int fd = open(scratch_file(files[i]), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "text", 4), 4);
        assert_int_equal(close(fd), 0);
    }
    return 0;
}

#define ERRNO_UNCONFINED 250

static int confine(void)
{
    char ours[300], readable[300];
    (void)snprintf(ours, sizeof(ours), "%s", scratch_file("ours"));
    (void)snprintf(readable, sizeof(readable), "%s", scratch_file("readable"));
    const struct plm_confine_rule rules[] = {
        {.path = "/nothing/is/here", .access = PLM_CONFINE_CHANGE},
        {.path = ours, .access = PLM_CONFINE_CHANGE},
        {.path = readable, .access = PLM_CONFINE_READ},
        {.path = "/dev/null", .access = PLM_CONFINE_CHANGE}};
    return plm_os_confine(rules, PLM_COUNT(rules)) ? 0 : ERRNO_UNCONFINED;
}

static int try_open(const char *name, int flags)
{
    int fd = open(scratch_file(name), flags | O_CLOEXEC, 0644);
    return fd < 0 ? errno : close(fd);
}

static int try_rename(const char *from, const char *to)
{
    char source[300];
    (void)snprintf(source, sizeof(source), "%s", scratch_file(from));
    return rename(source, scratch_file(to)) == 0 ? 0 : errno;
}

/* ---- what stays possible ---- */

static int work_inside(void)
{
    int status = confine();
    if (status != 0)
        return status;
    if (try_open("ours/b/new", O_RDWR | O_CREAT | O_EXCL) != 0 ||
        mkdir(scratch_file("ours/made"), 0755) != 0 || try_rename("ours/b/new", "ours/a/moved"))
        return 1;
    if (try_open("ours/a/moved", O_WRONLY | O_TRUNC) != 0 ||
        truncate(scratch_file("ours/a/moved"), 10) != 0 || unlink(scratch_file("ours/a/moved")) ||
        rmdir(scratch_file("ours/made")) != 0)
        return 2;
    return try_open("ours", O_RDONLY | O_DIRECTORY) || try_open("readable/file", O_RDONLY) ||
                   try_open("readable", O_RDONLY | O_DIRECTORY)
               ? 3
               : 0;
}

static void everything_can_be_done_inside_and_renamed_between_folders(void **state)
{
    (void)state;
    need_abi(2);
    assert_int_equal(in_child(work_inside), 0);
}

static int use_what_was_open(void)
{
    char text[5] = "";
    int fd = open(scratch_file("foreign/file"), O_RDWR | O_CLOEXEC);
    int status = confine();
    if (status != 0)
        return status;
    return pwrite(fd, "more", 4, 4) == 4 && pread(fd, text, 4, 0) == 4 ? 0 : 1;
}

static void what_was_open_can_still_be_used(void **state)
{
    (void)state;
    need_abi(2);
    assert_int_equal(in_child(use_what_was_open), 0);
}

/* ---- what does not ---- */

#define REFUSED(name, expression)                                                                  \
    static int name(void)                                                                          \
    {                                                                                              \
        int status = confine();                                                                    \
        return status ? status : (expression);                                                     \
    }
REFUSED(read_outside, try_open("foreign/file", O_RDONLY))
REFUSED(list_outside, try_open("foreign", O_RDONLY | O_DIRECTORY))
REFUSED(write_outside, try_open("foreign/file", O_WRONLY))
REFUSED(make_outside, try_open("foreign/new", O_WRONLY | O_CREAT))
REFUSED(make_folder_outside, mkdir(scratch_file("foreign/new"), 0755) == 0 ? 0 : errno)
REFUSED(remove_outside, unlink(scratch_file("foreign/file")) == 0 ? 0 : errno)
REFUSED(link_inside, symlink("/etc", scratch_file("ours/link")) == 0 ? 0 : errno)
REFUSED(write_readable, try_open("readable/file", O_WRONLY))
REFUSED(make_readable, try_open("readable/new", O_WRONLY | O_CREAT))
REFUSED(move_out, try_rename("ours/a/file", "foreign/moved"))
REFUSED(move_in, try_rename("foreign/file", "ours/a/moved"))
REFUSED(run_program, execl("/bin/true", "true", (char *)NULL) == 0 ? 0 : errno)
REFUSED(truncate_outside, truncate(scratch_file("foreign/file"), 0) == 0 ? 0 : errno)

static void nothing_outside_can_be_opened_or_changed(void **state)
{
    (void)state;
    need_abi(2);
    static int (*const attempts[])(void) = {
        read_outside,   list_outside,   write_outside, make_outside, make_folder_outside,
        remove_outside, write_readable, make_readable, move_out,     move_in};
    for (size_t i = 0; i < PLM_COUNT(attempts); i++)
        assert_int_equal(in_child(attempts[i]), EACCES);
}

static void no_program_is_started_and_no_link_made(void **state)
{
    (void)state;
    need_abi(2);
    assert_int_equal(in_child(run_program), EACCES);
    assert_int_equal(in_child(link_inside), EACCES);
}

static void nothing_outside_is_cut(void **state)
{
    (void)state;
    need_abi(3);
    assert_int_equal(in_child(truncate_outside), EACCES);
}

static int bind_port(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0 ? 0 : errno;
}
REFUSED(bind_confined, bind_port())

static void no_port_is_listened_on(void **state)
{
    (void)state;
    need_abi(4);
    assert_int_equal(in_child(bind_port), 0);
    assert_int_equal(in_child(bind_confined), EACCES);
}

static void *write_in_thread(void *status)
{
    *(int *)status = try_open("foreign/file", O_WRONLY);
    return NULL;
}

static int start_thread(void)
{
    pthread_t thread;
    int seen = -1;
    int status = confine();
    if (status != 0)
        return status;
    if (pthread_create(&thread, NULL, write_in_thread, &seen) != 0 || pthread_join(thread, NULL))
        return 1;
    return seen;
}

static void threads_that_start_later_are_confined_too(void **state)
{
    (void)state;
    need_abi(2);
    assert_int_equal(in_child(start_thread), EACCES);
}

static int confine_where_it_cannot_be(void)
{
    return confine() == ERRNO_UNCONFINED ? try_open("foreign/file", O_WRONLY) : 1;
}

static void a_system_that_cannot_leaves_everything_possible(void **state)
{
    (void)state;
#ifndef PLM_UNCONFINED
    if (kernel_abi() >= 2)
        skip(); /* tests/e2e/test_confine.py plays such a kernel */
#endif
    assert_int_equal(in_child(confine_where_it_cannot_be), 0);
}

/* One descriptor is left, for the rules, and none to look at a place with. */
static int confine_without_descriptors(void)
{
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const struct rlimit few = {.rlim_cur = (rlim_t)lowest + 1, .rlim_max = (rlim_t)lowest + 1};
    if (lowest < 0 || close(lowest) != 0 || setrlimit(RLIMIT_NOFILE, &few) != 0)
        return 1;
    return confine() == ERRNO_UNCONFINED ? try_open("ours/a/file", O_WRONLY) : 2;
}

static void a_place_that_cannot_be_looked_at_is_not_taken_away(void **state)
{
    (void)state;
    need_abi(2);
    assert_int_equal(in_child(confine_without_descriptors), 0);
}

#define WITH_PLACES(f) cmocka_unit_test_setup_teardown(f, make_places, scratch_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PLACES(everything_can_be_done_inside_and_renamed_between_folders),
        WITH_PLACES(what_was_open_can_still_be_used),
        WITH_PLACES(nothing_outside_can_be_opened_or_changed),
        WITH_PLACES(no_program_is_started_and_no_link_made),
        WITH_PLACES(nothing_outside_is_cut),
        WITH_PLACES(no_port_is_listened_on),
        WITH_PLACES(threads_that_start_later_are_confined_too),
        WITH_PLACES(a_place_that_cannot_be_looked_at_is_not_taken_away),
        WITH_PLACES(a_system_that_cannot_leaves_everything_possible),
    };
    return cmocka_run_group_tests_name("posix_confine", tests, NULL, NULL);
}
