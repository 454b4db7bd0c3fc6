/* Files that share blocks: cloning, linking, and what of a file is shared with others. */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/fiemap.h>
#include <linux/fs.h>
#endif

bool plm_os_clone(int from, int to)
{
#ifdef FICLONE
    int result;
    do {
        result = ioctl(to, FICLONE, from);
    } while (result != 0 && errno == EINTR);
    return result == 0;
#else
    (void)from;
    (void)to;
    return false;
#endif
}

#if defined(FS_IOC_FIEMAP) && defined(FIEMAP_EXTENT_SHARED)
#define EXTENTS 64

/* One ask for the extents from *at on; moves *at behind them. False at the end, and where the file
 * system does not tell. */
static bool add_shared(int fd, uint64_t *at, uint64_t *bytes)
{
    union {
        struct fiemap map;
        char room[sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent)];
    } ask;
    memset(&ask, 0, sizeof(ask));
    ask.map.fm_start = *at;
    ask.map.fm_length = FIEMAP_MAX_OFFSET - *at;
    ask.map.fm_extent_count = EXTENTS;
    if (ioctl(fd, FS_IOC_FIEMAP, &ask) != 0)
        return false;
    for (uint32_t i = 0; i < ask.map.fm_mapped_extents && i < EXTENTS; i++) {
        const struct fiemap_extent *extent = &ask.map.fm_extents[i];
        if (extent->fe_flags & FIEMAP_EXTENT_SHARED)
            *bytes += extent->fe_length;
        *at = extent->fe_logical + extent->fe_length;
        if (extent->fe_flags & FIEMAP_EXTENT_LAST)
            return false;
    }
    return ask.map.fm_mapped_extents > 0;
}

uint64_t plm_os_shared_bytes(int fd)
{
    uint64_t at = 0, bytes = 0;
    while (add_shared(fd, &at, &bytes))
        continue;
    return bytes;
}
#else
uint64_t plm_os_shared_bytes(int fd)
{
    (void)fd;
    return 0;
}
#endif

bool plm_os_link(int from_dir, const char *from, int to_dir, const char *to, struct plm_error *err)
{
    if (linkat(from_dir, from, to_dir, to, 0) == 0)
        return true;
    return plm_fail_sys(err, errno, "link %s", from);
}
