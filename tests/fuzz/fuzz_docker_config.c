/* The docker client's config.json, and what a helper program answers: what is found can be sent,
 * and a change leaves a document that is read again and holds it. Input: a byte that chooses the
 * registry, then the text. */
#include "fuzz.h"

#include "net/credential_helper.h"
#include "net/docker_config.h"

static void check_pair(const struct plm_buf *pair)
{
    FUZZ_HOLDS(strlen(pair->bytes) == pair->size);
    const char *colon = strchr(pair->bytes, ':');
    FUZZ_HOLDS(colon && colon > pair->bytes && colon[1] != '\0');
    for (const char *at = pair->bytes; *at; at++)
        FUZZ_HOLDS((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static void check_entry(const struct plm_docker_entry *entry)
{
    FUZZ_HOLDS(strnlen(entry->helper, sizeof(entry->helper)) < sizeof(entry->helper));
    FUZZ_HOLDS(!strpbrk(entry->helper, "/ \n;$`\"'\\") && !strstr(entry->helper, ".."));
    FUZZ_HOLDS(!entry->helper_is_own || entry->helper[0]);
    FUZZ_HOLDS(strnlen(entry->key, sizeof(entry->key)) < sizeof(entry->key));
    FUZZ_HOLDS(entry->kind == PLM_DOCKER_NOTHING || entry->key[0]);
    if (entry->kind == PLM_DOCKER_PASSWORD)
        check_pair(&entry->secret);
}

/* Sets a password, writes the document, reads it, finds the password, and forgets it. */
static void check_change(struct plm_json *config, const struct plm_url *origin)
{
    struct plm_docker_entry entry;
    struct plm_error err = {0};
    if (!plm_docker_config_find(config, origin, false, &entry, &err))
        return;
    FUZZ_HOLDS(entry.kind == PLM_DOCKER_NOTHING);
    if (!plm_docker_config_set(config, &entry, "ann", "p:w", &err)) {
        FUZZ_HOLDS(err.code == PLM_E_PROTOCOL);
        return;
    }
    char *text = NULL;
    struct plm_json *again = NULL;
    FUZZ_HOLDS(plm_json_dump_readable(config, &text, &err));
    if (plm_docker_config_parse(text, strlen(text), &again, &err)) {
        FUZZ_HOLDS(plm_docker_config_find(again, origin, true, &entry, &err));
        FUZZ_HOLDS(entry.kind == PLM_DOCKER_PASSWORD);
        FUZZ_HOLDS(strcmp(entry.secret.bytes, "ann:p:w") == 0);
        FUZZ_HOLDS(plm_docker_config_forget(again, &entry));
        plm_docker_entry_wipe(&entry);
    } else {
        FUZZ_HOLDS(err.code == PLM_E_LIMIT); /* the entry was the one too many */
    }
    plm_json_wipe(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const registries[] = {"https://r.example/", "http://127.0.0.1:5000/",
                                             "https://registry-1.docker.io/", "http://[::1]:81/"};
    struct fuzz_input in = {data, size};
    struct plm_url origin;
    struct plm_error err = {0};
    FUZZ_HOLDS(plm_url_parse(registries[fuzz_number(&in, 1) % 4], &origin, &err));
    const char *text = (const char *)in.at;
    struct plm_buf pair = PLM_BUF_INIT(64u << 10);
    if (plm_credential_helper_parse(text, in.left, &pair, &err))
        check_pair(&pair);
    plm_buf_wipe(&pair);
    struct plm_json *config = NULL;
    err = (struct plm_error){0};
    if (!plm_docker_config_parse(text, in.left, &config, &err)) {
        fuzz_failed(&err);
        return 0;
    }
    struct plm_docker_entry entry;
    if (plm_docker_config_find(config, &origin, true, &entry, &err)) {
        check_entry(&entry);
        plm_docker_entry_wipe(&entry);
    } else {
        fuzz_failed(&err);
    }
    check_change(config, &origin);
    plm_json_wipe(config);
    return 0;
}
