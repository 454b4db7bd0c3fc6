/* Clocks, randomness, and what this machine is. */
#include "os/os.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/sockios.h>
#endif

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        return 0;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool plm_os_is_readable(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    return poll(&one, 1, 0) > 0;
}

bool plm_os_unacknowledged(int socket, uint64_t *bytes)
{
#ifdef SIOCOUTQ
    int queued = 0;
    if (ioctl(socket, SIOCOUTQ, &queued) != 0 || queued < 0)
        return false;
    *bytes = (uint64_t)queued;
    return true;
#else
    (void)socket;
    (void)bytes;
    return false;
#endif
}

/* 0 is no port that a connection has. */
static uint16_t port_of(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
    if (address->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
    return 0;
}

bool plm_os_has_ports(int socket, uint16_t local, uint16_t remote)
{
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t here_size = sizeof(here), there_size = sizeof(there);
    return getsockname(socket, (struct sockaddr *)&here, &here_size) == 0 &&
           getpeername(socket, (struct sockaddr *)&there, &there_size) == 0 && local > 0 &&
           port_of(&here) == local && port_of(&there) == remote;
}

int64_t plm_os_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

int64_t plm_os_unix_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

void plm_os_boot_id(char out[40])
{
    out[0] = '\0';
#ifdef __linux__
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t got = read(fd, out, 36);
    plm_os_close(fd);
    out[got == 36 ? 36 : 0] = '\0';
#endif
}

bool plm_os_random(void *bytes, size_t length, struct plm_error *err)
{
    char *to = bytes;
    while (length > 0) {
        size_t piece = length < 256 ? length : 256;
        if (getentropy(to, piece) != 0)
            return plm_fail_sys(err, errno, "get random bytes");
        to += piece;
        length -= piece;
    }
    return true;
}

long plm_os_pid(void)
{
    return (long)getpid();
}

bool plm_os_is_running(long pid)
{
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

unsigned plm_os_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 && cores < 4096 ? (unsigned)cores : 1;
}

const char *plm_os_name(void)
{
#if defined(__linux__)
    return "linux";
#elif defined(__APPLE__)
    return "darwin";
#elif defined(__FreeBSD__)
    return "freebsd";
#else
    return "unix";
#endif
}

const char *plm_os_arch(void)
{
#if defined(__x86_64__)
    return "amd64";
#elif defined(__aarch64__)
    return "arm64";
#elif defined(__i386__)
    return "386";
#elif defined(__arm__)
    return "arm";
#elif defined(__riscv) && __riscv_xlen == 64
    return "riscv64";
#elif defined(__powerpc64__)
    return "ppc64le";
#elif defined(__s390x__)
    return "s390x";
#else
    return "unknown";
#endif
}
