/* Streams on POSIX systems: moved piece by piece, and only when the other side is ready. */
#include "os/stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_MS 100
#define PIECE ((size_t)1 << 20)

/* False when it is to stop, or cannot go on. */
static bool wait_for(int fd, short what, const atomic_bool *cancelled, struct plm_error *err)
{
    struct pollfd ready = {.fd = fd, .events = what};
    for (;;) {
        if (atomic_load(cancelled))
            return plm_fail(err, PLM_E_INTERRUPTED, "stopped on request");
        int found = poll(&ready, 1, LOOK_MS);
        if (found > 0)
            return true; /* what is wrong, the call that follows will say */
        if (found < 0 && errno != EINTR)
            return plm_fail_sys(err, errno, "wait for a stream");
    }
}

/* A pipe that can be written to surely takes so much without waiting. */
static size_t piece_of(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? PIECE : PIPE_BUF;
}

bool plm_os_stream_write(int fd, const void *bytes, size_t length, const atomic_bool *cancelled,
                         struct plm_error *err)
{
    const char *p = bytes;
    size_t piece = piece_of(fd);
    while (length > 0) {
        if (!wait_for(fd, POLLOUT, cancelled, err))
            return false;
        ssize_t done = write(fd, p, length < piece ? length : piece);
        if (done < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (done < 0 && errno == EPIPE)
            return plm_fail(err, PLM_E_IO, "the program that reads the archive has ended");
        if (done < 0)
            return plm_fail_sys(err, errno, "write the archive");
        p += done;
        length -= (size_t)done;
    }
    return true;
}

bool plm_os_stream_read(int fd, void *bytes, size_t length, const atomic_bool *cancelled,
                        size_t *got, struct plm_error *err)
{
    size_t used = 0;
    while (used < length) {
        if (!wait_for(fd, POLLIN, cancelled, err))
            return false;
        ssize_t done = read(fd, (char *)bytes + used, length - used);
        if (done < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (done < 0)
            return plm_fail_sys(err, errno, "read the archive");
        if (done == 0)
            break;
        used += (size_t)done;
    }
    *got = used;
    return true;
}
