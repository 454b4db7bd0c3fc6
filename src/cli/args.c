/* Owns the reading of argv: what is an option, a value, a command or an operand, and what is wrong.
 */
#include "cli/args.h"

#include "pullama/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/** Room for a word of the command line in a message. */
#define SHOWN 80

struct scan {
    int argc, at; /* argv[at] is read next */
    const char *const *argv;
    struct plm_args *out;
    const char *unknown; /* the first option that there is not */
    struct plm_error *err;
};

bool plm_args_has(const struct plm_args *args, enum plm_option_id id)
{
    return args->values[id].given;
}

void plm_args_done(struct plm_args *args)
{
    free(args->operands);
    args->operands = NULL;
    for (unsigned id = 0; id < PLM_OPTIONS; id++) {
        free(args->values[id].texts);
        args->values[id].texts = NULL;
    }
}

/* True when a word cannot be meant as the value of the option before it. */
static bool is_option(const char *word)
{
    enum plm_option_id id;
    if (strcmp(word, "--") == 0)
        return true;
    if (word[0] == '-' && word[1] != '-')
        return plm_option_find_letter(word[1], &id) && word[2] == '\0';
    return strncmp(word, "--", 2) == 0 && plm_option_find(word + 2, strcspn(word + 2, "="), &id);
}

static void add_text(struct scan *scan, struct plm_option_value *value, const char *text)
{
    if (!value->texts) /* there cannot be more than words */
        value->texts = calloc((size_t)scan->argc, sizeof(*value->texts));
    if (value->texts)
        value->texts[value->count++] = text;
    else
        (void)plm_fail(scan->err, PLM_E_NOMEM, "no memory for the command line");
}

/* Takes an option; @p attached is the value that stands in the same word, or NULL. */
static void take_option(struct scan *scan, enum plm_option_id id, const char *attached)
{
    const struct plm_option_row *row = plm_option_row(id);
    struct plm_option_value *value = &scan->out->values[id];
    if (row->type == PLM_VALUE_FLAG) {
        value->given = true;
        if (attached)
            (void)plm_fail(scan->err, PLM_E_USAGE, "--%s takes no value", row->name);
        return;
    }
    const char *text = attached;
    if (!text && scan->at < scan->argc && !is_option(scan->argv[scan->at]))
        text = scan->argv[scan->at++];
    if (!text)
        text = "";
    if (!plm_option_read(row, text, &value->number, scan->err))
        return;
    value->given = true;
    value->text = text;
    if (row->type == PLM_VALUE_TEXTS)
        add_text(scan, value, text);
}

static void take_word(struct scan *scan, const char *word)
{
    enum plm_option_id id;
    if (word[0] != '-' || word[1] == '\0') {
        scan->out->operands[scan->out->operand_count++] = word;
        return;
    }
    if (word[1] == '-') {
        size_t length = strcspn(word + 2, "=");
        if (plm_option_find(word + 2, length, &id)) {
            take_option(scan, id, word[2 + length] ? word + 2 + length + 1 : NULL);
            return;
        }
    } else if (plm_option_find_letter(word[1], &id)) {
        const char *attached = word[2] == '=' ? word + 3 : word[2] ? word + 2 : NULL;
        if (!attached || plm_option_row(id)->type != PLM_VALUE_FLAG) {
            take_option(scan, id, attached);
            return;
        }
    }
    if (!scan->unknown)
        scan->unknown = word;
}

static void take_all(struct scan *scan)
{
    bool ended = false;
    while (scan->at < scan->argc) {
        const char *word = scan->argv[scan->at++];
        if (ended)
            scan->out->operands[scan->out->operand_count++] = word;
        else if (strcmp(word, "--") == 0)
            ended = true;
        else
            take_word(scan, word);
    }
}

static void drop_first_operand(struct plm_args *args)
{
    args->operand_count--;
    memmove(args->operands, args->operands + 1, args->operand_count * sizeof(*args->operands));
}

static bool is_url(const char *word)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): operands are words of argv */
    return strncasecmp(word, "http://", 7) == 0 || strncasecmp(word, "https://", 8) == 0;
}

static bool refuse_reserved(const char *word, struct plm_error *err)
{
    return plm_fail(err, PLM_E_USAGE,
                    "'%s' is not in this version; to pull a model of that name: pullama pull %s",
                    word, word);
}

/* Makes the operands a pull whose command was left out. */
static bool imply_pull(struct plm_args *args, struct plm_error *err)
{
    args->verb = plm_verb_row(PLM_VERB_PULL);
    args->is_implied = true;
    for (size_t i = 0; i < args->operand_count; i++) {
        char shown[SHOWN];
        if (is_url(args->operands[i]))
            return plm_fail(err, PLM_E_USAGE,
                            "%s: fetching a URL is not in this version; to pull from a registry: "
                            "pullama pull http://HOST/NAMESPACE/MODEL",
                            plm_text_printable(args->operands[i], shown, sizeof(shown)));
    }
    return true;
}

/* `queue add`: both words are the command. */
static bool choose_in_group(struct plm_args *args, struct plm_error *err)
{
    char words[SHOWN], shown[SHOWN];
    const char *group = args->operands[0];
    const char *word = args->operand_count > 1 ? args->operands[1] : NULL;
    plm_verb_group_words(group, words, sizeof(words));
    if (!word)
        return plm_fail(err, PLM_E_USAGE, "%s does one of: %s", group, words);
    args->verb = plm_verb_find_in(group, word);
    if (!args->verb)
        return plm_fail(err, PLM_E_USAGE, "there is no command '%s %s'; %s does one of: %s", group,
                        plm_text_printable(word, shown, sizeof(shown)), group, words);
    drop_first_operand(args);
    drop_first_operand(args);
    return true;
}

static bool choose_verb(struct plm_args *args, struct plm_error *err)
{
    bool version = plm_args_has(args, PLM_OPT_VERSION);
    if (args->operand_count == 0 && version) {
        args->verb = plm_verb_row(PLM_VERB_VERSION);
        return true;
    }
    if (args->operand_count == 0)
        return plm_fail(err, PLM_E_USAGE, "a command or a model is missing");

    const char *word = args->operands[0];
    if (plm_verb_is_group(word))
        return choose_in_group(args, err);
    args->verb = plm_verb_find(word);
    if (args->verb)
        drop_first_operand(args);
    else if (plm_verb_is_reserved(word))
        return refuse_reserved(word, err);
    else if (!imply_pull(args, err))
        return false;

    if (version && args->verb->verb != PLM_VERB_VERSION)
        return plm_fail(err, PLM_E_USAGE, "--version stands alone; did you mean --verbose?");
    return true;
}

static bool refuse_unknown(const char *word, const struct plm_verb_row *verb, struct plm_error *err)
{
    char shown[SHOWN], name[SHOWN];
    size_t dashes = strspn(word, "-"), length = strcspn(word + dashes, "=");
    enum plm_option_id id;
    plm_text_printable(word, shown, sizeof(shown));
    if (length < sizeof(name)) {
        memcpy(name, word + dashes, length);
        name[length] = '\0';
        if (plm_option_nearest(name, verb->options | PLM_OPTIONS_COMMON, &id))
            return plm_fail(err, PLM_E_USAGE, "unknown flag %s; did you mean --%s?", shown,
                            plm_option_row(id)->name);
    }
    return plm_fail(err, PLM_E_USAGE, "unknown flag %s", shown);
}

static bool check_options(const struct plm_args *args, struct plm_error *err)
{
    for (unsigned id = 0; id < PLM_OPTIONS; id++) {
        if (args->values[id].given && !plm_verb_takes(args->verb, (enum plm_option_id)id))
            return plm_fail(err, PLM_E_USAGE, "%s has no flag --%s", args->verb->name,
                            plm_option_row((enum plm_option_id)id)->name);
    }
    const struct plm_option_value *output = &args->values[PLM_OPT_OUTPUT];
    if (output->given && strcmp(output->text, "csv") == 0 && !args->verb->csv)
        return plm_fail(err, PLM_E_USAGE, "--output csv is a form of history and stats alone");
    if (args->values[PLM_OPT_IPV4].given && args->values[PLM_OPT_IPV6].given)
        return plm_fail(err, PLM_E_USAGE, "--ipv4 and --ipv6 exclude each other");
    return true;
}

static bool check_operands(const struct plm_args *args, struct plm_error *err)
{
    const struct plm_verb_row *verb = args->verb;
    const char *space = *verb->operands ? " " : "";
    if (args->operand_count < verb->min_operands)
        return plm_fail(err, PLM_E_USAGE, "an operand is missing; usage: pullama %s%s%s",
                        verb->name, space, verb->operands);

    char shown[SHOWN];
    if (args->operand_count > verb->max_operands)
        return plm_fail(err, PLM_E_USAGE, "'%s' is too much; usage: pullama %s%s%s",
                        plm_text_printable(args->operands[verb->max_operands], shown, SHOWN),
                        verb->name, space, verb->operands);

    bool all = plm_args_has(args, PLM_OPT_ALL);
    if (verb->verb == PLM_VERB_UPDATE && all == (args->operand_count > 0))
        return plm_fail(err, PLM_E_USAGE,
                        all ? "--all and names of models exclude each other"
                            : "name the models to update, or all of them: pullama update --all");

    if (verb->verb == PLM_VERB_ADOPT && !plm_args_has(args, PLM_OPT_AS))
        return plm_fail(err, PLM_E_USAGE,
                        "a name for the model is missing: pullama adopt FILE --as MODEL");

    if (plm_args_has(args, PLM_OPT_AS) && args->operand_count > 1)
        return plm_fail(err, PLM_E_USAGE, "--as names one model, and here are %zu",
                        args->operand_count);

    if (verb->verb == PLM_VERB_EXPORT && !plm_args_has(args, PLM_OPT_FILE))
        return plm_fail(err, PLM_E_USAGE, "where to? name the archive with -o FILE.zip");
    if (verb->verb == PLM_VERB_PULL && !plm_args_has(args, PLM_OPT_EXPORT) &&
        (plm_args_has(args, PLM_OPT_SPLIT) || plm_args_has(args, PLM_OPT_FORCE)))
        return plm_fail(err, PLM_E_USAGE, "--split and --force are about --export FILE.zip");

    for (size_t i = 0; i < args->operand_count; i++) {
        if (args->operands[i][0] == '\0')
            return plm_fail(err, PLM_E_USAGE, "an operand of %s is empty", verb->name);
    }
    return true;
}

/* `help WORD`: the word must be a command. */
static bool check_help(const struct plm_args *args, struct plm_error *err)
{
    char shown[SHOWN];
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): choose_verb() has found one */
    if (args->verb->verb != PLM_VERB_NONE || args->operand_count == 0)
        return true;
    const char *word = args->operands[0];
    if (args->operand_count > 1 && plm_verb_is_group(word)) {
        struct plm_args named = *args; /* only its words are read */
        return plm_verb_find_in(word, args->operands[1]) || choose_in_group(&named, err);
    }
    if (args->operand_count > 1)
        return plm_fail(err, PLM_E_USAGE, "'%s' is too much; usage: pullama help [COMMAND]",
                        plm_text_printable(args->operands[1], shown, sizeof(shown)));
    if (plm_verb_find(word) || plm_verb_is_group(word))
        return true;
    if (plm_verb_is_reserved(word))
        return plm_fail(err, PLM_E_USAGE, "'%s' is not in this version", word);

    plm_text_printable(word, shown, sizeof(shown));
    const struct plm_verb_row *nearest = plm_verb_nearest(word);
    if (nearest)
        return plm_fail(err, PLM_E_USAGE, "there is no command '%s'; did you mean %s?", shown,
                        nearest->name);
    return plm_fail(err, PLM_E_USAGE, "there is no command '%s'", shown);
}

const char *plm_args_slip_hint(const struct plm_args *args, char *out, size_t size)
{
    char shown[SHOWN];
    if (!args->is_implied || args->operand_count == 0)
        return NULL;
    const struct plm_verb_row *nearest = plm_verb_nearest(args->operands[0]);
    if (!nearest)
        return NULL;
    (void)snprintf(out, size, "no command is called '%s'; did you mean: pullama %s",
                   plm_text_printable(args->operands[0], shown, sizeof(shown)), nearest->name);
    return out;
}

void plm_args_choose_help(struct plm_args *args)
{
    const char *word = args->operand_count > 0 ? args->operands[0] : NULL;
    const char *second = args->operand_count > 1 ? args->operands[1] : NULL;
    args->group = word && plm_verb_is_group(word) ? word : NULL;
    args->verb = !word                   ? NULL
                 : args->group && second ? plm_verb_find_in(word, second)
                                         : plm_verb_find(word);
}

bool plm_args_parse(int argc, const char *const *argv, struct plm_args *out, struct plm_error *err)
{
    *out = (struct plm_args){0};
    out->operands = calloc(argc > 0 ? (size_t)argc : 1, sizeof(*out->operands));
    if (!out->operands)
        return plm_fail(err, PLM_E_NOMEM, "no memory for the command line");

    /* Everything is read before anything fails: a later --output or --help still counts. */
    struct plm_error wrong = {0};
    struct scan scan = {.argc = argc, .at = 1, .argv = argv, .out = out, .err = &wrong};
    take_all(&scan);

    if (plm_args_has(out, PLM_OPT_HELP)) {
        plm_args_choose_help(out);
        return true;
    }
    const struct plm_verb_row *pull = plm_verb_row(PLM_VERB_PULL);
    if (scan.unknown && out->operand_count == 0)
        (void)refuse_unknown(scan.unknown, pull, &wrong);
    bool chosen = choose_verb(out, &wrong);
    if (scan.unknown)
        (void)refuse_unknown(scan.unknown, out->verb ? out->verb : pull, &wrong);
    if (chosen && wrong.code == PLM_OK)
        (void)(check_options(out, &wrong) && check_operands(out, &wrong) &&
               check_help(out, &wrong));
    return wrong.code == PLM_OK || plm_fail(err, wrong.code, "%s", wrong.msg);
}

bool plm_args_fill_stdout(const struct plm_args *args)
{
    const enum plm_option_id files[] = {PLM_OPT_FILE, PLM_OPT_EXPORT};
    enum plm_verb verb = args->verb ? args->verb->verb : PLM_VERB_NONE; /* none: help */
    if (verb != PLM_VERB_EXPORT && verb != PLM_VERB_PULL)
        return false;
    for (size_t i = 0; i < PLM_COUNT(files); i++)
        if (args->values[files[i]].given && strcmp(args->values[files[i]].text, "-") == 0)
            return true;
    return false;
}

void plm_args_engine_options(const struct plm_args *args, struct plm_engine_options *options)
{
    const struct plm_option_value *v = args->values;
    if (v[PLM_OPT_MODELS_DIR].given)
        options->models_dir = v[PLM_OPT_MODELS_DIR].text;
    if (v[PLM_OPT_INSECURE].given)
        options->insecure = true;
    if (v[PLM_OPT_CONNECTIONS].given)
        options->connections = (unsigned)v[PLM_OPT_CONNECTIONS].number;
    if (v[PLM_OPT_MAX_RETRIES].given)
        options->max_retries = (int)v[PLM_OPT_MAX_RETRIES].number;
    if (v[PLM_OPT_CHUNK_SIZE].given)
        options->chunk_size = v[PLM_OPT_CHUNK_SIZE].number;
    if (v[PLM_OPT_TIMEOUT].given)
        options->timeout_ms = (int64_t)v[PLM_OPT_TIMEOUT].number;
    if (v[PLM_OPT_STALL_TIMEOUT].given)
        options->stall_ms = (int64_t)v[PLM_OPT_STALL_TIMEOUT].number;
    if (v[PLM_OPT_LIMIT_RATE].given)
        options->limit_rate = v[PLM_OPT_LIMIT_RATE].number;
    if (v[PLM_OPT_MIN_FREE].given)
        options->min_free = v[PLM_OPT_MIN_FREE].number;
    if (v[PLM_OPT_CACERT].given)
        options->ca_file = v[PLM_OPT_CACERT].text;
    if (v[PLM_OPT_PROXY].given)
        options->proxy = v[PLM_OPT_PROXY].text;
    options->ip_version = v[PLM_OPT_IPV4].given ? 4 : v[PLM_OPT_IPV6].given ? 6 : 0;
    options->resolves = v[PLM_OPT_RESOLVE].texts;
    options->resolve_count = v[PLM_OPT_RESOLVE].count;
    if (v[PLM_OPT_MIRROR].given) {
        options->mirrors = v[PLM_OPT_MIRROR].texts;
        options->mirror_count = v[PLM_OPT_MIRROR].count;
    }
    options->mirror_manifests = v[PLM_OPT_MIRROR_MANIFESTS].given;
    if (v[PLM_OPT_PLATFORM].given)
        options->platform = v[PLM_OPT_PLATFORM].text;
}
