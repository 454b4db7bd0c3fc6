/* Owns the table of verbs. */
#include "cli/verbs.h"

#include "cli/args.h"
#include "cli/nearest.h"
#include "cli/verb_jobs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Those of requests that move no blobs. */
#define SMALL_REQUEST_OPTIONS                                                                      \
    (PLM_OPT_BIT(PLM_OPT_INSECURE) | PLM_OPT_BIT(PLM_OPT_CACERT) | PLM_OPT_BIT(PLM_OPT_PROXY) |    \
     PLM_OPT_BIT(PLM_OPT_IPV4) | PLM_OPT_BIT(PLM_OPT_IPV6) | PLM_OPT_BIT(PLM_OPT_RESOLVE) |        \
     PLM_OPT_BIT(PLM_OPT_MAX_RETRIES) | PLM_OPT_BIT(PLM_OPT_STALL_TIMEOUT) |                       \
     PLM_OPT_BIT(PLM_OPT_TIMEOUT))

#define NETWORK_OPTIONS                                                                            \
    (SMALL_REQUEST_OPTIONS | PLM_OPT_BIT(PLM_OPT_CONNECTIONS) | PLM_OPT_BIT(PLM_OPT_LIMIT_RATE) |  \
     PLM_OPT_BIT(PLM_OPT_CHUNK_SIZE))

#define ARCHIVE_OPTIONS (PLM_OPT_BIT(PLM_OPT_SPLIT) | PLM_OPT_BIT(PLM_OPT_FORCE))

static const struct plm_verb_row rows[] = {
    {.verb = PLM_VERB_PULL,
     .name = "pull",
     .operands = "MODEL...",
     .summary = "fetch models from their registry",
     .more = "A MODEL is [scheme://][host[:port]/][namespace/]model[:tag][@sha256:HEX]. The "
             "command may be left out, unless the model is called like a command or begins with "
             "http:// or https://. The same command, run again, goes on where the last one was "
             "stopped. Several models are fetched one after the other.",
     .min_operands = 1,
     .max_operands = SIZE_MAX,
     .options = NETWORK_OPTIONS | PLM_OPT_BIT(PLM_OPT_MIRROR) |
                PLM_OPT_BIT(PLM_OPT_MIRROR_MANIFESTS) | PLM_OPT_BIT(PLM_OPT_PLATFORM) |
                PLM_OPT_BIT(PLM_OPT_MIN_FREE) | PLM_OPT_BIT(PLM_OPT_DRY_RUN) |
                PLM_OPT_BIT(PLM_OPT_EXPORT) | ARCHIVE_OPTIONS,
     .job = plm_verb_job_pull},
    {.verb = PLM_VERB_PUSH,
     .name = "push",
     .operands = "MODEL...",
     .summary = "send models to a registry",
     .more = "What the registry has is not sent, and what it has in another repository is taken "
             "over from there. The same command, run again, goes on where the last one was "
             "stopped. A model goes where its name says: `pullama push --as HOST/NS/MODEL MODEL` "
             "sends it under another one, and `pullama cp` gives it one for good.",
     .min_operands = 1,
     .max_operands = SIZE_MAX,
     .options = NETWORK_OPTIONS | PLM_OPT_BIT(PLM_OPT_DRY_RUN) | PLM_OPT_BIT(PLM_OPT_AS),
     .job = plm_verb_job_push},
    {.verb = PLM_VERB_OUTDATED,
     .name = "outdated",
     .operands = "[MODEL...]",
     .summary = "say which models are outdated at their registry",
     .more =
         "Without a MODEL, of all in the store. Each registry is asked once for a model, many at "
         "a time, for nothing but its manifest; no blob is read or fetched. Exits with 0 when "
         "all are current, and with 1 when one is outdated. A model whose registry cannot be "
         "asked, or has no such model, is reported, and fails nothing unless that is so of all.",
     .max_operands = SIZE_MAX,
     .options = SMALL_REQUEST_OPTIONS | PLM_OPT_BIT(PLM_OPT_PLATFORM),
     .job = plm_verb_job_all_operands},
    {.verb = PLM_VERB_UPDATE,
     .name = "update",
     .operands = "[MODEL...]",
     .summary = "pull the models that are outdated",
     .more = "Those that are named, or --all. Compares as `outdated` does, then fetches the layers "
             "that changed; layers that no model names any more go as soon as the new version "
             "stands. A model whose registry cannot be asked stays as it is, and fails nothing.",
     .max_operands = SIZE_MAX,
     .options = NETWORK_OPTIONS | PLM_OPT_BIT(PLM_OPT_MIRROR) | PLM_OPT_BIT(PLM_OPT_PLATFORM) |
                PLM_OPT_BIT(PLM_OPT_MIN_FREE) | PLM_OPT_BIT(PLM_OPT_DRY_RUN) |
                PLM_OPT_BIT(PLM_OPT_ALL),
     .job = plm_verb_job_all_operands},
    {.verb = PLM_VERB_LIST,
     .name = "list",
     .alias = "ls",
     .operands = "[PREFIX]",
     .summary = "list the models that are here",
     .more = "With a PREFIX, only those whose name begins so.",
     .max_operands = 1,
     .job = plm_verb_job_once},
    {.verb = PLM_VERB_SHOW,
     .name = "show",
     .operands = "MODEL",
     .summary = "show what a model is made of",
     .more = "Read from the store alone; nothing is sent anywhere.",
     .min_operands = 1,
     .max_operands = 1,
     .job = plm_verb_job_once},
    {.verb = PLM_VERB_RM,
     .name = "rm",
     .operands = "MODEL...",
     .summary = "remove models; blobs that others share stay",
     .more = "If any manifest in the store cannot be read, nothing is removed.",
     .min_operands = 1,
     .max_operands = SIZE_MAX,
     .options = PLM_OPT_BIT(PLM_OPT_DRY_RUN),
     .job = plm_verb_job_each_operand},
    {.verb = PLM_VERB_CP,
     .name = "cp",
     .operands = "SOURCE TARGET",
     .summary = "give a model a second name",
     .more = "Only the manifest is copied; both names share their blobs.",
     .min_operands = 2,
     .max_operands = 2,
     .job = plm_verb_job_once},
    {.verb = PLM_VERB_VERIFY,
     .name = "verify",
     .operands = "[MODEL...]",
     .summary = "hash what is here, and say which models are damaged",
     .more = "Without a MODEL, all in the store. Each blob is read once, however many models share "
             "it, and as many at a time as there are cores. Nothing is changed but a note at each "
             "blob that it was hashed, and nothing is sent anywhere, unless damage is to be "
             "repaired; the flags of the network are for that. Exits with 5 when bytes are wrong "
             "or missing.",
     .max_operands = SIZE_MAX,
     .options = PLM_OPT_BIT(PLM_OPT_FAST) | PLM_OPT_BIT(PLM_OPT_REPAIR) | NETWORK_OPTIONS |
                PLM_OPT_BIT(PLM_OPT_MIRROR) | PLM_OPT_BIT(PLM_OPT_MIN_FREE),
     .job = plm_verb_job_all_operands},
    {.verb = PLM_VERB_PRUNE,
     .name = "prune",
     .operands = "",
     .summary = "remove blobs that no model names",
     .more =
         "What a running pullama needs stays, and, unless --older-than says otherwise, what is "
         "younger than an hour, and everything while Ollama pulls a model: it gives blobs their "
         "names before the model has one. If any manifest in the store cannot be read, nothing "
         "is removed. Unfinished downloads are `clean`'s to remove.",
     .options = PLM_OPT_BIT(PLM_OPT_DRY_RUN) | PLM_OPT_BIT(PLM_OPT_OLDER_THAN),
     .job = plm_verb_job_prune},
    {.verb = PLM_VERB_CLEAN,
     .name = "clean",
     .operands = "",
     .summary = "remove unfinished downloads and other leftovers",
     .more = "What a running pullama uses stays, and so do models and their blobs. Pulls and "
             "pushes that were stopped start from the beginning afterwards.",
     .options = PLM_OPT_BIT(PLM_OPT_DRY_RUN),
     .job = plm_verb_job_once},
    {.verb = PLM_VERB_ADOPT,
     .name = "adopt",
     .operands = "FILE --as MODEL",
     .summary = "make a model of a GGUF file that is here",
     .more = "The file stays where it is. Its bytes come into the "
             "store by a reflink, where the file system has these (btrfs, XFS), or by a copy, or, "
             "with --link, by a hard link; they are hashed once, there. A file that is no GGUF, or "
             "ends before its tensors do, is refused.",
     .min_operands = 1,
     .max_operands = 1,
     .options = PLM_OPT_BIT(PLM_OPT_AS) | PLM_OPT_BIT(PLM_OPT_LINK) | PLM_OPT_BIT(PLM_OPT_DRY_RUN) |
                PLM_OPT_BIT(PLM_OPT_MIN_FREE),
     .job = plm_verb_job_adopt},
    {.verb = PLM_VERB_EXPORT,
     .name = "export",
     .operands = "MODEL... -o FILE",
     .summary = "write models to an archive",
     .more = "`pullama export -o FILE.zip MODEL` makes a zip file that `pullama import` reads, and "
             "that can be unpacked into any models directory. Every blob is hashed on the way, and "
             "FILE appears when all were right. Equal models give equal bytes. With -o -, the "
             "archive goes to standard output, and all messages to standard error; blobs are then "
             "read twice, so that nothing leaves before all is known to be right.",
     .min_operands = 1,
     .max_operands = SIZE_MAX,
     .options = PLM_OPT_BIT(PLM_OPT_FILE) | ARCHIVE_OPTIONS | PLM_OPT_BIT(PLM_OPT_DRY_RUN),
     .job = plm_verb_job_export},
    {.verb = PLM_VERB_IMPORT,
     .name = "import",
     .operands = "FILE...",
     .summary = "take models out of archives",
     .more = "Reads what `pullama export`, ollama-model-downloader or `zip -r` made of a models "
             "directory; of parts, the first one is named: FILE.zip.001. Every blob is hashed, "
             "and a model appears when all of its blobs are here. What is here is passed over, and "
             "the same command, run again, goes on where the last one was stopped. With -, an "
             "archive that pullama made is read from standard input.",
     .min_operands = 1,
     .max_operands = SIZE_MAX,
     .options = PLM_OPT_BIT(PLM_OPT_DRY_RUN) | PLM_OPT_BIT(PLM_OPT_MIN_FREE),
     .job = plm_verb_job_import},
    {.verb = PLM_VERB_FREEZE,
     .name = "freeze",
     .operands = "",
     .summary = "write down which models are here, in which versions",
     .more = "A lock file: a line for each model, with the digest of its manifest, in the order of "
             "their names. `pullama sync` makes another store equal to it, or this one again.",
     .options = PLM_OPT_BIT(PLM_OPT_FILE),
     .job = plm_verb_job_freeze},
    {.verb = PLM_VERB_SYNC,
     .name = "sync",
     .operands = "FILE",
     .summary = "make the store equal to a lock file",
     .more = "Fetches each model that the file names, if it is not here in exactly that version. "
             "With --prune, models that it does not name are removed, once all others are here. A "
             "registry that does not serve a version any more is an error that names both. Run "
             "again, it does nothing.",
     .min_operands = 1,
     .max_operands = 1,
     .options = NETWORK_OPTIONS | PLM_OPT_BIT(PLM_OPT_MIRROR) | PLM_OPT_BIT(PLM_OPT_MIN_FREE) |
                PLM_OPT_BIT(PLM_OPT_DRY_RUN) | PLM_OPT_BIT(PLM_OPT_PRUNE),
     .job = plm_verb_job_sync},
    {.verb = PLM_VERB_QUEUE_ADD,
     .name = "queue add",
     .operands = "MODEL...",
     .summary = "put models into the queue, to be pulled later",
     .more = "At the end; what is queued already stays where it is. A run that is under way pulls "
             "them too. With --insecure, the models are marked to be pulled by plain http.",
     .min_operands = 1,
     .max_operands = SIZE_MAX,
     .options = PLM_OPT_BIT(PLM_OPT_INSECURE),
     .job = plm_verb_job_queue},
    {.verb = PLM_VERB_QUEUE_LIST,
     .name = "queue list",
     .alias = "queue ls",
     .operands = "",
     .summary = "show the queue, with positions",
     .job = plm_verb_job_queue},
    {.verb = PLM_VERB_QUEUE_START,
     .name = "queue start",
     .operands = "",
     .summary = "pull what is queued, one model after the other",
     .more = "A model that fails is marked and skipped; the exit status is that of the first "
             "failure. Ctrl+C once: the model that is being pulled is finished, the rest stays "
             "queued; twice: that one is stopped, stays queued, and goes on where it was; three "
             "times: ended at once. SIGTERM stops it as Ctrl+C twice does. One run at a time.",
     .options = NETWORK_OPTIONS | PLM_OPT_BIT(PLM_OPT_MIRROR) |
                PLM_OPT_BIT(PLM_OPT_MIRROR_MANIFESTS) | PLM_OPT_BIT(PLM_OPT_PLATFORM) |
                PLM_OPT_BIT(PLM_OPT_MIN_FREE) | PLM_OPT_BIT(PLM_OPT_JOBS),
     .job = plm_verb_job_queue},
    {.verb = PLM_VERB_QUEUE_RM,
     .name = "queue rm",
     .operands = "N|MODEL...",
     .summary = "take entries out of the queue, by position or name",
     .more = "What is being pulled just now cannot be taken out. All of them, or none.",
     .min_operands = 1,
     .max_operands = SIZE_MAX,
     .options = PLM_OPT_BIT(PLM_OPT_INSECURE),
     .job = plm_verb_job_queue},
    {.verb = PLM_VERB_QUEUE_RETRY,
     .name = "queue retry",
     .operands = "[N|MODEL...]",
     .summary = "queue again what failed",
     .more = "All that failed, or the named entries; they keep their places.",
     .max_operands = SIZE_MAX,
     .options = PLM_OPT_BIT(PLM_OPT_INSECURE),
     .job = plm_verb_job_queue},
    {.verb = PLM_VERB_QUEUE_CLEAR,
     .name = "queue clear",
     .operands = "",
     .summary = "empty the queue, but for what is being pulled",
     .options = PLM_OPT_BIT(PLM_OPT_FINISHED),
     .job = plm_verb_job_queue},
    {.verb = PLM_VERB_HISTORY,
     .name = "history",
     .operands = "",
     .summary = "show what was pulled, pushed, verified and removed",
     .more = "With --keep, nothing is shown but what is dropped and kept, unless there is --since.",
     .csv = true,
     .options = PLM_OPT_BIT(PLM_OPT_SINCE) | PLM_OPT_BIT(PLM_OPT_KEEP),
     .job = plm_verb_job_history},
    {.verb = PLM_VERB_STATS,
     .name = "stats",
     .operands = "",
     .summary = "sums over the history: in all, by host, by day",
     .csv = true,
     .options = PLM_OPT_BIT(PLM_OPT_SINCE),
     .job = plm_verb_job_history},
    {.verb = PLM_VERB_DOCTOR,
     .name = "doctor",
     .operands = "HOST|MODEL",
     .summary = "look at all that lies between here and a registry",
     .more = "Says what was seen, what it means, and what to do: the name's addresses, the proxy, "
             "which addresses answer and how soon, who signed for the server, what it wants to be "
             "shown; of a MODEL also its manifest, where the bytes come from, ranges and chunk "
             "digests. A HOST is written with http:// or https:// and no path, or it is "
             "`localhost`, an IP address, or a name that ends in letters, as registry.ollama.ai. "
             "Ends when --timeout is over, and after a minute in any case. Exits with 0 when a "
             "pull would work.",
     .min_operands = 1,
     .max_operands = 1,
     .options = PLM_OPT_BIT(PLM_OPT_INSECURE) | PLM_OPT_BIT(PLM_OPT_CACERT) |
                PLM_OPT_BIT(PLM_OPT_PROXY) | PLM_OPT_BIT(PLM_OPT_IPV4) | PLM_OPT_BIT(PLM_OPT_IPV6) |
                PLM_OPT_BIT(PLM_OPT_RESOLVE) | PLM_OPT_BIT(PLM_OPT_TIMEOUT) |
                PLM_OPT_BIT(PLM_OPT_PLATFORM) | PLM_OPT_BIT(PLM_OPT_PUSH),
     .job = plm_verb_job_doctor},
    {.verb = PLM_VERB_LOGIN,
     .name = "login",
     .operands = "HOST",
     .summary = "keep a user name and password for a registry",
     .more = "HOST is [scheme://]host[:port]. The registry is asked first; what it refuses is not "
             "kept. They are kept where the docker client looks too: by the helper program that "
             "~/.docker/config.json names for the registry, or else in that file, which then only "
             "you can read. A password is never an argument: it is asked for, or read from a pipe.",
     .min_operands = 1,
     .max_operands = 1,
     .options = SMALL_REQUEST_OPTIONS | PLM_OPT_BIT(PLM_OPT_USERNAME) |
                PLM_OPT_BIT(PLM_OPT_PASSWORD_STDIN),
     .job = plm_verb_job_once},
    {.verb = PLM_VERB_LOGOUT,
     .name = "logout",
     .operands = "HOST",
     .summary = "forget them",
     .more = "Forgets what `login` or the docker client keep for the registry, in the file or by "
             "the helper program. Nothing is sent anywhere.",
     .min_operands = 1,
     .max_operands = 1,
     .job = plm_verb_job_once},
    {.verb = PLM_VERB_KEYGEN,
     .name = "keygen",
     .operands = "",
     .summary = "make the key that registries know you by",
     .more = "Makes ~/.ollama/id_ed25519 when there is none, and prints its public half. A key "
             "that is there is never changed.",
     .job = plm_verb_job_once},
    {.verb = PLM_VERB_VERSION,
     .name = "version",
     .operands = "",
     .summary = "print the version",
     .more = "With --verbose, those of the libraries too."},
    {.verb = PLM_VERB_NONE,
     .name = "help",
     .operands = "[COMMAND]",
     .summary = "print this help, or that of a command",
     .max_operands = 2},
};

const struct plm_verb_row *plm_verb_at(size_t n)
{
    return n < PLM_COUNT(rows) ? &rows[n] : NULL;
}

const struct plm_verb_row *plm_verb_find(const char *word)
{
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        const char *alias = rows[i].alias;
        if (strcmp(rows[i].name, word) == 0 || (alias && strcmp(alias, word) == 0))
            return &rows[i];
    }
    return NULL;
}

/* The length of the first of two words; 0 when there is one alone. */
static size_t group_length(const char *name)
{
    const char *space = strchr(name, ' ');
    return space ? (size_t)(space - name) : 0;
}

static bool is_in_group(const char *name, const char *group)
{
    size_t length = name ? group_length(name) : 0;
    return length > 0 && strlen(group) == length && strncmp(name, group, length) == 0;
}

bool plm_verb_is_group(const char *word)
{
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        if (is_in_group(rows[i].name, word))
            return true;
    }
    return false;
}

const struct plm_verb_row *plm_verb_find_in(const char *group, const char *word)
{
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        const char *names[] = {rows[i].name, rows[i].alias};
        for (size_t k = 0; k < PLM_COUNT(names); k++) {
            if (is_in_group(names[k], group) && strcmp(names[k] + strlen(group) + 1, word) == 0)
                return &rows[i];
        }
    }
    return NULL;
}

const char *plm_verb_group_words(const char *group, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        if (!is_in_group(rows[i].name, group))
            continue;
        int length = snprintf(out + used, size - used, "%s%s", used ? ", " : "",
                              rows[i].name + strlen(group) + 1);
        if (length < 0 || (size_t)length >= size - used)
            break;
        used += (size_t)length;
    }
    return out;
}

const struct plm_verb_row *plm_verb_row(enum plm_verb verb)
{
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        if (rows[i].verb == verb)
            return &rows[i];
    }
    return NULL;
}

const struct plm_verb_row *plm_verb_nearest(const char *word)
{
    const struct plm_verb_row *nearest = NULL;
    unsigned best = UINT_MAX, distance;
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        if (!plm_word_resembles(word, rows[i].name, &distance) || distance >= best)
            continue;
        best = distance;
        nearest = &rows[i];
    }
    return nearest;
}

bool plm_verb_is_reserved(const char *word)
{
    static const char *const later[] = {"get", "serve"};
    for (size_t i = 0; i < PLM_COUNT(later); i++) {
        if (strcmp(later[i], word) == 0)
            return true;
    }
    return false;
}
