/* Invariants of a store, looked for in its files. */
#include "invariants.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "pullama/manifest.h"
#include "store/checkpoint.h"

struct look {
    const struct world *world;
    char *why;
    char models[320];
    int dir; /* that is being read */
    int depth;
    char path[600];
    uint64_t kept, on_disk; /* bytes of the tag's version: here for sure; of its partial files */
};

static bool wrong(struct look *look, const char *what, const char *name)
{
    (void)snprintf(look->why, WORLD_WHY, "%s: %.200s", what, name);
    return false;
}

/* Every entry of a directory of the store, which may be missing. */
static bool each(struct look *look, const char *folder, bool (*see)(void *ctx, const char *name))
{
    char path[400];
    int kept = look->dir;
    look->why[0] = '\0';
    (void)snprintf(path, sizeof(path), "%s/%s", look->models, folder);
    look->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (look->dir >= 0 && !plm_os_each_entry(look->dir, see, look, NULL))
        abort();
    plm_os_close(look->dir);
    look->dir = kept;
    return look->why[0] == '\0';
}

static const struct model_blob *blob_of(const struct look *look, const char *name)
{
    char file[PLM_DIGEST_TEXT];
    for (size_t v = 0; v < MODEL_VERSIONS; v++)
        for (size_t i = 0; i < MODEL_BLOBS; i++) {
            const struct model_blob *blob = &look->world->registry->models[v].blobs[i];
            const char *base = plm_digest_file_name(&blob->want.digest, file);
            if (strncmp(name, base, strlen(base)) == 0)
                return blob;
        }
    return NULL;
}

static bool is_of_version(const struct look *look, const struct model_blob *blob)
{
    const struct registry *registry = look->world->registry;
    const struct model *model = &registry->models[atomic_load(&registry->version)];
    for (size_t i = 0; i < MODEL_BLOBS; i++)
        if (plm_digest_equal(&model->blobs[i].want.digest, &blob->want.digest))
            return true;
    return false;
}

static bool is_right(int dir, const char *name, const struct model_blob *blob, struct plm_span span)
{
    static unsigned char piece[1 << 16];
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = fd >= 0;
    for (uint64_t at = span.start; ok && at < span.end; at += sizeof(piece)) {
        size_t got = 0,
               length = span.end - at < sizeof(piece) ? (size_t)(span.end - at) : sizeof(piece);
        ok = plm_os_read_at(fd, piece, length, at, &got, NULL) && got == length &&
             model_is_right(blob, at, piece, length);
    }
    plm_os_close(fd);
    return ok;
}

/* I2, and I4 for blobs/ */
static bool see_blob(void *ctx, const char *name)
{
    struct look *look = ctx;
    const struct model_blob *blob = blob_of(look, name);
    struct plm_file_status status;
    if (look->world->has_foreign && strstr(name, "-partial"))
        return true;
    if (!blob || strlen(name) != PLM_DIGEST_TEXT - 1)
        return wrong(look, "I4: something else in blobs/", name);
    if (!plm_os_status(look->dir, name, &status, NULL) || status.size != blob->want.size)
        return wrong(look, "I2: a blob of a wrong size", name);
    look->kept += is_of_version(look, blob) ? blob->want.size : 0;
    return is_right(look->dir, name, blob, (struct plm_span){0, blob->want.size})
               ? true
               : wrong(look, "I2: a blob with wrong bytes", name);
}

/* I1 */
static bool see_state(void *ctx, const char *name)
{
    struct look *look = ctx;
    const char *end = strrchr(name, '.');
    const struct model_blob *blob = blob_of(look, name);
    char partial[128], *text = NULL;
    size_t size = 0;
    struct plm_checkpoint checkpoint = {0};
    struct plm_file_status status;
    if (!end || strcmp(end, ".json") != 0)
        return true;
    if (!blob || !plm_os_read_file(look->dir, name, PLM_CHECKPOINT_MAX_BYTES, &text, &size, NULL))
        return wrong(look, "I1: what checkpoint is this", name);
    bool ok = plm_checkpoint_decode(text, size, &blob->want, &checkpoint, NULL) ||
              wrong(look, "I1: a checkpoint that cannot be read", name);
    free(text);
    (void)snprintf(partial, sizeof(partial), "%.*s.partial", (int)(end - name), name);
    ok = ok && plm_os_status(look->dir, partial, &status, NULL);
    for (size_t i = 0; ok && status.type == PLM_FILE_REGULAR && i < checkpoint.durable.count; i++) {
        struct plm_span span = checkpoint.durable.items[i];
        ok = (span.end <= status.size && is_right(look->dir, partial, blob, span)) ||
             wrong(look, "I1: a checkpoint claims bytes that are not there", name);
        look->kept += is_of_version(look, blob) ? plm_span_length(span) : 0;
    }
    plm_checkpoint_done(&checkpoint);
    return ok;
}

/* I3 */
static bool has_all_blobs(struct look *look, const struct plm_manifest *manifest)
{
    struct plm_descriptor *blobs = NULL;
    size_t count = 0;
    if (!plm_manifest_blobs(manifest, &blobs, &count, NULL))
        abort();
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        char path[500], file[PLM_DIGEST_TEXT];
        struct plm_file_status status;
        (void)snprintf(path, sizeof(path), "%s/blobs/%s", look->models,
                       plm_digest_file_name(&blobs[i].digest, file));
        ok = (plm_os_status(AT_FDCWD, path, &status, NULL) && status.type == PLM_FILE_REGULAR &&
              status.size == blobs[i].size) ||
             wrong(look, "I3: a manifest without its blob", file);
    }
    free(blobs);
    return ok;
}

static bool see_manifest(void *ctx, const char *name)
{
    struct look *look = ctx;
    struct plm_file_status status;
    size_t length = strlen(look->path);
    if (!plm_os_status(look->dir, name, &status, NULL))
        abort();
    if (status.type == PLM_FILE_DIRECTORY && look->depth < 4) {
        look->depth++;
        (void)snprintf(look->path + length, sizeof(look->path) - length, "/%s", name);
        bool ok = each(look, look->path, see_manifest);
        look->path[length] = '\0';
        look->depth--;
        return ok;
    }
    plm_auto(plm_manifest_freep) struct plm_manifest *manifest = NULL;
    char *text = NULL;
    size_t size = 0;
    if (look->depth != 4 || strcmp(name, "latest") != 0)
        return wrong(look, "I4: something else in manifests/", name);
    bool ok = plm_os_read_file(look->dir, name, PLM_MANIFEST_MAX_BYTES, &text, &size, NULL) &&
              plm_manifest_parse(text, size, &manifest, NULL);
    free(text);
    return ok ? has_all_blobs(look, manifest) : wrong(look, "I3: a broken manifest", name);
}

static bool see_top(void *ctx, const char *name)
{
    struct look *look = ctx;
    return strcmp(name, "blobs") == 0 || strcmp(name, "manifests") == 0 ||
           strcmp(name, ".pullm") == 0 || wrong(look, "I4: something else in the store", name);
}

static bool see_partial(void *ctx, const char *name)
{
    struct look *look = ctx;
    const struct model_blob *blob = blob_of(look, name);
    struct plm_file_status status;
    if (blob && is_of_version(look, blob) && strstr(name, ".partial") &&
        plm_os_status(look->dir, name, &status, NULL))
        look->on_disk += status.disk_bytes;
    return true;
}

static bool see_left(void *ctx, const char *name)
{
    return strcmp(name, "store.lock") == 0 || wrong(ctx, "left in .pullm/", name);
}

static struct look look_at(const struct world *world, char why[WORLD_WHY])
{
    struct look look = {.world = world, .why = why, .dir = -1, .depth = 1, .path = "manifests"};
    (void)snprintf(look.models, sizeof(look.models), "%s/models", world->disk);
    return look;
}

bool invariants_hold(const struct world *world, char why[WORLD_WHY])
{
    struct look look = look_at(world, why);
    return each(&look, "", see_top) && each(&look, "blobs", see_blob) &&
           each(&look, ".pullm", see_state) && each(&look, "manifests", see_manifest);
}

bool name_leads_to(const struct world *world, const char *name, enum model_version version,
                   char why[WORLD_WHY])
{
    struct look look = look_at(world, why);
    const struct model *model = &world->registry->models[version];
    char path[600], *text = NULL;
    size_t size = 0;
    (void)snprintf(path, sizeof(path), "%s/manifests/127.0.0.1:%u/library/%s/latest", look.models,
                   (unsigned)world->registry->port, name);
    if (!plm_os_read_file(AT_FDCWD, path, PLM_MANIFEST_MAX_BYTES, &text, &size, NULL))
        return wrong(&look, "the manifest is not there", path);
    bool same = size == strlen(model->manifest) && memcmp(text, model->manifest, size) == 0;
    free(text);
    return same || wrong(&look, "the manifest is another one", path);
}

bool model_is_installed(const struct world *world, char why[WORLD_WHY])
{
    enum model_version version = (enum model_version)atomic_load(&world->registry->version);
    return name_leads_to(world, REGISTRY_TAG, version, why) && invariants_hold(world, why);
}

bool nothing_is_left(const struct world *world, char why[WORLD_WHY])
{
    struct look look = look_at(world, why);
    return each(&look, ".pullm", see_left);
}

struct bytes_there bytes_there(const struct world *world)
{
    char why[WORLD_WHY];
    struct look look = look_at(world, why);
    bool ok = each(&look, "blobs", see_blob);
    uint64_t blobs = look.kept;
    ok = ok && each(&look, ".pullm", see_state);
    uint64_t claimed = look.kept - blobs;
    ok = ok && each(&look, ".pullm", see_partial);
    return ok ? (struct bytes_there){blobs + claimed,
                                     look.on_disk > claimed ? look.on_disk - claimed : 0}
              : (struct bytes_there){0};
}
