/* Confinement by Landlock, through its system calls: the C library has no wrappers for them. */
#include "os/confine.h"

#if defined(__linux__) && !defined(PLM_UNCONFINED)
#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#endif
#endif

#ifdef LANDLOCK_CREATE_RULESET_VERSION

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/os.h"

/* A kernel's interface is named here by number where the headers may be older than the kernel. */
#define ABI_REFER 2 /* below it, no rename from one directory into another is possible at all */
#define ABI_TRUNCATE 3
#define ABI_NETWORK 4
#define ABI_DEVICES 5
#define RIGHT_REFER (UINT64_C(1) << 13)
#define RIGHT_TRUNCATE (UINT64_C(1) << 14)
#define RIGHT_IOCTL_DEV (UINT64_C(1) << 15)
#define NETWORK_BIND_TCP (UINT64_C(1) << 0)

#define RIGHTS_READ (UINT64_C(0) | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_CHANGE                                                                              \
    (RIGHTS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                 \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |  \
     RIGHT_REFER | RIGHT_TRUNCATE)
#define RIGHTS_NEVER                                                                               \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK |    \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |  \
     RIGHT_IOCTL_DEV)
/* Of these rights, those that a rule for a single file may name. */
#define RIGHTS_OF_FILE                                                                             \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE)

/* struct landlock_ruleset_attr of ABI 4. Older kernels take a longer one if the rest is zero. */
struct ruleset {
    uint64_t files;
    uint64_t network;
};

static struct ruleset what_is_given_up(long abi)
{
    struct ruleset ruleset = {.files = RIGHTS_CHANGE | RIGHTS_NEVER};
    if (abi < ABI_TRUNCATE)
        ruleset.files &= ~RIGHT_TRUNCATE;
    if (abi < ABI_DEVICES)
        ruleset.files &= ~RIGHT_IOCTL_DEV;
    if (abi >= ABI_NETWORK)
        ruleset.network = NETWORK_BIND_TCP;
    return ruleset;
}

static bool add_rule(int ruleset_fd, int fd, uint64_t rights)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return false;
    if (!S_ISDIR(status.st_mode))
        rights &= RIGHTS_OF_FILE;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    return syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

static bool allow(int ruleset_fd, uint64_t given_up, const struct plm_confine_rule *rule)
{
    uint64_t rights = rule->access == PLM_CONFINE_CHANGE ? RIGHTS_CHANGE : RIGHTS_READ;
    int fd;
    do {
        fd = open(rule->path, O_PATH | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    if (fd <
        0) /* what is not there, or cannot be reached, needs no right; all else would lack it */
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP ||
               errno == ENAMETOOLONG;
    bool ok = add_rule(ruleset_fd, fd, rights & given_up);
    plm_os_close(fd);
    return ok;
}

bool plm_os_confine(const struct plm_confine_rule *rules, size_t count)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < ABI_REFER)
        return false;
    struct ruleset ruleset = what_is_given_up(abi);
    int fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
    if (fd < 0)
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = allow(fd, ruleset.files, &rules[i]);
    ok = ok && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    plm_os_close(fd);
    return ok;
}

#else

bool plm_os_confine(const struct plm_confine_rule *rules, size_t count)
{
    (void)rules;
    (void)count;
    return false;
}

#endif
