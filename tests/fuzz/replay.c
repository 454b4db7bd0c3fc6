/* Feeds each file of the folders that it is given to a fuzz target, as libFuzzer would. */
#include "fuzz.h"

#include <dirent.h>

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    size_t size = 0, capacity = 4096;
    uint8_t *bytes = malloc(capacity);
    for (size_t got; bytes && (got = fread(bytes + size, 1, capacity - size, file)) > 0;) {
        size += got;
        if (size < capacity)
            continue;
        capacity *= 2;
        uint8_t *more = realloc(bytes, capacity);
        if (!more)
            free(bytes);
        bytes = more;
    }
    bool good = bytes && !ferror(file);
    (void)fclose(file);
    uint8_t *exact = good ? malloc(size ? size : 1) : NULL; /* so that overruns are seen */
    if (exact) {
        memcpy(exact, bytes, size);
        (void)LLVMFuzzerTestOneInput(exact, size);
    }
    free(exact);
    free(bytes);
    return exact != NULL;
}

static size_t replay_folder(const char *folder)
{
    char path[4096];
    size_t count = 0;
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        (void)fprintf(stderr, "%s\n", path); /* the last one is what a crash is about */
        if (!replay_file(path)) {
            (void)fprintf(stderr, "cannot be read: %s\n", path);
            exit(1);
        }
        count++;
    }
    if (dir)
        (void)closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++)
        count += replay_folder(argv[i]);
    (void)printf("%zu inputs\n", count);
    return count > 0 ? 0 : 1;
}
