/* Owns the table of verbs, and which jobs each of them makes of the operands. */
#include "cli/verbs.h"

#include "cli/args.h"
#include "cli/nearest.h"

#include <limits.h>
#include <string.h>

static bool job_each_operand(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (n >= args->operand_count)
        return false;
    *out = (struct plm_job_spec){.verb = args->verb->verb,
                                 .model = args->operands[n],
                                 .dry_run = plm_args_has(args, PLM_OPT_DRY_RUN)};
    return true;
}

static bool job_once(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (n > 0)
        return false;
    *out = (struct plm_job_spec){.verb = args->verb->verb,
                                 .model = args->operand_count > 0 ? args->operands[0] : NULL,
                                 .target = args->operand_count > 1 ? args->operands[1] : NULL,
                                 .dry_run = plm_args_has(args, PLM_OPT_DRY_RUN)};
    return true;
}

static bool job_all_operands(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (n > 0)
        return false;
    *out = (struct plm_job_spec){.verb = args->verb->verb,
                                 .models = args->operands,
                                 .model_count = args->operand_count,
                                 .dry_run = plm_args_has(args, PLM_OPT_DRY_RUN),
                                 .fast = plm_args_has(args, PLM_OPT_FAST),
                                 .repair = plm_args_has(args, PLM_OPT_REPAIR)};
    return true;
}

static bool job_prune(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    const struct plm_option_value *age = &args->values[PLM_OPT_OLDER_THAN];
    if (!job_once(args, n, out))
        return false;
    out->has_age = age->given;
    out->older_than_ms = (int64_t)age->number;
    return true;
}

/* The engine reads the target of a push with its model. */
static bool job_push(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (!job_each_operand(args, n, out))
        return false;
    out->target = args->values[PLM_OPT_AS].text;
    return true;
}

static bool job_adopt(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (!job_once(args, n, out))
        return false;
    out->target = args->values[PLM_OPT_AS].text;
    out->link = plm_args_has(args, PLM_OPT_LINK);
    return true;
}

static bool job_freeze(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (!job_once(args, n, out))
        return false;
    out->target = args->values[PLM_OPT_FILE].text;
    return true;
}

static bool job_sync(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (!job_once(args, n, out))
        return false;
    out->prune = plm_args_has(args, PLM_OPT_PRUNE);
    return true;
}

static bool job_doctor(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (!job_once(args, n, out))
        return false;
    out->with_push = plm_args_has(args, PLM_OPT_PUSH);
    return true;
}

/* Those of requests that move no blobs. */
#define SMALL_REQUEST_OPTIONS                                                                      \
    (PLM_OPT_BIT(PLM_OPT_INSECURE) | PLM_OPT_BIT(PLM_OPT_CACERT) | PLM_OPT_BIT(PLM_OPT_PROXY) |    \
     PLM_OPT_BIT(PLM_OPT_IPV4) | PLM_OPT_BIT(PLM_OPT_IPV6) | PLM_OPT_BIT(PLM_OPT_RESOLVE) |        \
     PLM_OPT_BIT(PLM_OPT_MAX_RETRIES) | PLM_OPT_BIT(PLM_OPT_STALL_TIMEOUT) |                       \
     PLM_OPT_BIT(PLM_OPT_TIMEOUT))

#define NETWORK_OPTIONS                                                                            \
    (SMALL_REQUEST_OPTIONS | PLM_OPT_BIT(PLM_OPT_CONNECTIONS) | PLM_OPT_BIT(PLM_OPT_LIMIT_RATE) |  \
     PLM_OPT_BIT(PLM_OPT_CHUNK_SIZE))

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
     .options = NETWORK_OPTIONS | PLM_OPT_BIT(PLM_OPT_MIRROR) | PLM_OPT_BIT(PLM_OPT_PLATFORM) |
                PLM_OPT_BIT(PLM_OPT_MIN_FREE) | PLM_OPT_BIT(PLM_OPT_DRY_RUN),
     .job = job_each_operand},
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
     .job = job_push},
    {.verb = PLM_VERB_LIST,
     .name = "list",
     .alias = "ls",
     .operands = "[PREFIX]",
     .summary = "list the models that are here",
     .more = "With a PREFIX, only those whose name begins so.",
     .max_operands = 1,
     .job = job_once},
    {.verb = PLM_VERB_SHOW,
     .name = "show",
     .operands = "MODEL",
     .summary = "show what a model is made of",
     .more = "Read from the store alone; nothing is sent anywhere.",
     .min_operands = 1,
     .max_operands = 1,
     .job = job_once},
    {.verb = PLM_VERB_RM,
     .name = "rm",
     .operands = "MODEL...",
     .summary = "remove models; blobs that others share stay",
     .more = "If any manifest in the store cannot be read, nothing is removed.",
     .min_operands = 1,
     .max_operands = SIZE_MAX,
     .options = PLM_OPT_BIT(PLM_OPT_DRY_RUN),
     .job = job_each_operand},
    {.verb = PLM_VERB_CP,
     .name = "cp",
     .operands = "SOURCE TARGET",
     .summary = "give a model a second name",
     .more = "Only the manifest is copied; both names share their blobs.",
     .min_operands = 2,
     .max_operands = 2,
     .job = job_once},
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
     .job = job_all_operands},
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
     .job = job_all_operands},
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
     .job = job_all_operands},
    {.verb = PLM_VERB_ADOPT,
     .name = "adopt",
     .operands = "FILE",
     .summary = "make a model of a GGUF file that is here",
     .more = "`pullama adopt FILE --as MODEL`. The file stays where it is. Its bytes come into the "
             "store by a reflink, where the file system has these (btrfs, XFS), or by a copy, or, "
             "with --link, by a hard link; they are hashed once, there. A file that is no GGUF, or "
             "ends before its tensors do, is refused.",
     .min_operands = 1,
     .max_operands = 1,
     .options = PLM_OPT_BIT(PLM_OPT_AS) | PLM_OPT_BIT(PLM_OPT_LINK) | PLM_OPT_BIT(PLM_OPT_DRY_RUN) |
                PLM_OPT_BIT(PLM_OPT_MIN_FREE),
     .job = job_adopt},
    {.verb = PLM_VERB_FREEZE,
     .name = "freeze",
     .operands = "",
     .summary = "write down which models are here, in which versions",
     .more = "A lock file: a line for each model, with the digest of its manifest, in the order of "
             "their names. `pullama sync` makes another store equal to it, or this one again.",
     .options = PLM_OPT_BIT(PLM_OPT_FILE),
     .job = job_freeze},
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
     .job = job_sync},
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
     .job = job_prune},
    {.verb = PLM_VERB_CLEAN,
     .name = "clean",
     .operands = "",
     .summary = "remove unfinished downloads and other leftovers",
     .more = "What a running pullama uses stays, and so do models and their blobs. Pulls and "
             "pushes that were stopped start from the beginning afterwards.",
     .options = PLM_OPT_BIT(PLM_OPT_DRY_RUN),
     .job = job_once},
    {.verb = PLM_VERB_KEYGEN,
     .name = "keygen",
     .operands = "",
     .summary = "make the key that registries know you by",
     .more = "Makes ~/.ollama/id_ed25519 when there is none, and prints its public half. A key "
             "that is there is never changed.",
     .job = job_once},
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
     .job = job_once},
    {.verb = PLM_VERB_LOGOUT,
     .name = "logout",
     .operands = "HOST",
     .summary = "forget them",
     .more = "Forgets what `login` or the docker client keep for the registry, in the file or by "
             "the helper program. Nothing is sent anywhere.",
     .min_operands = 1,
     .max_operands = 1,
     .job = job_once},
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
     .job = job_doctor},
    {.verb = PLM_VERB_VERSION,
     .name = "version",
     .operands = "",
     .summary = "print the version",
     .more = "With --verbose, those of the libraries too."},
    {.verb = PLM_VERB_NONE,
     .name = "help",
     .operands = "[COMMAND]",
     .summary = "print this help, or that of a command",
     .max_operands = 1},
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
    static const char *const later[] = {"queue", "export", "import", "get", "serve"};
    for (size_t i = 0; i < PLM_COUNT(later); i++) {
        if (strcmp(later[i], word) == 0)
            return true;
    }
    return false;
}
