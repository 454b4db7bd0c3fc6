/* Live files: damaged ones claim nothing outside the blob, and good ones exactly what was added.
 * Input: a byte that chooses one of both, then the file's bytes or spans. */
#include "fuzz.h"

#include <unistd.h>

#include "store/live.h"

#define NAME "x.live"
#define SLOTS_AT 96
#define FILE_SIZE (SLOTS_AT + 16 * PLM_LIVE_SLOTS)
#define BLOB 256

static char folder[256];

static void drop_folder(void)
{
    char path[sizeof(folder) + 16];
    (void)snprintf(path, sizeof(path), "%s/" NAME, folder);
    (void)unlink(path);
    (void)rmdir(folder);
}

/* One for the process: the parser wants a file. */
static int open_folder(void)
{
    struct plm_error err = {0};
    int fd = -1;
    if (!folder[0]) {
        const char *base = getenv("TMPDIR");
        (void)snprintf(folder, sizeof(folder), "%s/pullama-fuzz-XXXXXX", base ? base : "/tmp");
        FUZZ_HOLDS(mkdtemp(folder) && atexit(drop_folder) == 0);
    }
    FUZZ_HOLDS(plm_os_open_dir(plm_os_cwd(), folder, true, &fd, &err));
    return fd;
}

static void write_file(int dir, const void *bytes, size_t size)
{
    struct plm_error err = {0};
    int fd = -1;
    FUZZ_HOLDS(plm_os_unlink(dir, NAME, NULL, &err));
    FUZZ_HOLDS(plm_os_open(dir, NAME, PLM_OPEN_WRITE | PLM_OPEN_CREATE, &fd, &err));
    FUZZ_HOLDS(plm_os_write_at(fd, bytes, size, 0, &err));
    plm_os_close(fd);
}

/* A head that is right but for the parts that the input spoils, then the input as slots. */
static void check_damaged(int dir, const struct plm_descriptor *want, struct fuzz_input in)
{
    static char file[FILE_SIZE + 64];
    uint64_t spoil = fuzz_number(&in, 2);
    memset(file, 0, sizeof(file));
    memcpy(file, "pullama live 1\n", 16);
    plm_os_boot_id(file + 16);
    memset(file + 56, 0xAB, PLM_DIGEST_BYTES);
    memcpy(file + 88, &want->size, sizeof(want->size));
    if (spoil & 1)
        file[(spoil >> 8) % SLOTS_AT] ^= (char)(1 + (spoil >> 1 & 7));
    size_t length = FILE_SIZE;
    if (spoil & 16)
        length = FILE_SIZE + (spoil & 32 ? (spoil >> 8) % 64 : -(spoil >> 8));
    memcpy(file + SLOTS_AT, in.at, in.left < 16 * PLM_LIVE_SLOTS ? in.left : 16 * PLM_LIVE_SLOTS);
    write_file(dir, file, length);

    struct plm_spans claims = {0};
    struct plm_error err = {0};
    FUZZ_HOLDS(plm_live_read(dir, NAME, want, &claims, &err));
    fuzz_spans(claims.items, claims.count, want->size);
    FUZZ_HOLDS(claims.count == 0 || (!(spoil & 1) && length == FILE_SIZE));
    plm_spans_done(&claims);
}

static void check_claims(int dir, const struct plm_descriptor *want, const bool flags[BLOB])
{
    struct plm_spans claims = {0};
    struct plm_error err = {0};
    unsigned written = 0;
    FUZZ_HOLDS(plm_live_read(dir, NAME, want, &claims, &err));
    fuzz_spans(claims.items, claims.count, want->size);
    for (unsigned i = 0; i < BLOB; i++) {
        written += flags[i];
        FUZZ_HOLDS(flags[i] == plm_spans_contain(&claims, (struct plm_span){i, i + 1}));
    }
    FUZZ_HOLDS(plm_spans_total(&claims) == written);
    plm_spans_done(&claims);
}

static void check_added(int dir, const struct plm_descriptor *want, struct fuzz_input in)
{
    struct plm_spans before = {0};
    struct plm_live *live = NULL;
    struct plm_error err = {0};
    bool flags[BLOB] = {false};
    for (unsigned start = (unsigned)fuzz_number(&in, 1) % BLOB; start > 0; start /= 2) {
        FUZZ_HOLDS(plm_spans_add(&before, (struct plm_span){start, start + 1}, &err));
        flags[start] = true;
    }
    FUZZ_HOLDS(plm_live_open(dir, NAME, want, &before, &live, &err));
    while (live && in.left >= 2) {
        struct plm_span span = {fuzz_number(&in, 1), fuzz_number(&in, 1)};
        plm_live_add(live, span);
        for (uint64_t i = span.start; i < span.end; i++)
            flags[i] = true;
    }
    if (live)
        check_claims(dir, want, flags);
    plm_live_free(live);
    plm_spans_done(&before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint64_t kind = fuzz_number(&in, 1);
    struct plm_descriptor want = {.size = kind & 1 ? BLOB : kind & 2 ? UINT64_MAX : 1000000};
    memset(want.digest.sha256, 0xAB, sizeof(want.digest.sha256));
    int dir = open_folder();
    if (kind & 1)
        check_added(dir, &want, in);
    else
        check_damaged(dir, &want, in);
    plm_os_close(dir);
    return 0;
}
