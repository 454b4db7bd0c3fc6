/* Owns the layout of help, and the few texts of it that stand in no other table. */
#include "cli/help.h"

#include <string.h>

#define COLUMNS 80
#define TITLE_MAX 400
#define INDENT 28

static const struct plm_help_pair environment[] = {
    {"OLLAMA_MODELS", "the model store, when there is no --models-dir"},
    {"OLLAMA_NOPRUNE", "true: keep the layers that a replaced model alone had"},
    {"OLLAMA_REGISTRY_MAXSTREAMS", "connections, when there is no --connections; 1 to 32 count"},
    {"PULLAMA_MIRRORS", "mirrors, when there is no --mirror; spaces or commas between them"},
    {"HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
     "proxies, when there is no --proxy; lower case counts too"},
    {"SSL_CERT_FILE", "certificate authorities, when there is no --cacert"},
    {"HF_TOKEN", "token for Hugging Face; goes to huggingface.co and hf.co alone, over https"},
    {"DOCKER_CONFIG", "folder of config.json with passwords of registries; default ~/.docker"},
    {"NO_COLOR, TERM=dumb", "no colours"},
};

static const struct plm_help_pair statuses[] = {
    {"0", "done; also when stopped by a signal"},
    {"1", "any other error; also when `outdated` found a model that is"},
    {"2", "the disk is full"},
    {"3", "the registry refused our credentials, or wants some"},
    {"4", "no such model"},
    {"5", "wrong bytes: the digest does not match"},
    {"6", "the network failed, after all retries"},
    {"64", "wrong usage"},
};

static const struct plm_help_pair examples[] = {
    {"pullama llama3.2", "pull a model; after a break, the same again goes on"},
    {"pullama pull --dry-run llama3.2:1b", "what would be fetched, and does it fit?"},
    {"pullama -x 8 --limit-rate 20MiB hf.co/ns/model:Q4_K_M", "more connections, less speed"},
    {"pullama queue add mistral qwen3:8b", "for later; pullama queue start pulls them"},
    {"pullama push --as registry.lan/me/tiny tiny", "send a model under another name"},
};

const struct plm_help_pair *plm_help_at(enum plm_help_table table, size_t n)
{
    static const struct {
        const struct plm_help_pair *pairs;
        size_t count;
    } tables[PLM_HELP_TABLES] = {
        [PLM_HELP_ENVIRONMENT] = {environment, PLM_COUNT(environment)},
        [PLM_HELP_STATUSES] = {statuses, PLM_COUNT(statuses)},
        [PLM_HELP_EXAMPLES] = {examples, PLM_COUNT(examples)},
    };
    return n < tables[table].count ? &tables[table].pairs[n] : NULL;
}

/* Writes text from column at on, broken at spaces; lines after the first begin at indent. */
static void write_wrapped(FILE *out, const char *text, size_t at, size_t indent)
{
    while (*text) {
        size_t word = strcspn(text, " ");
        if (at > indent && at + 1 + word > COLUMNS) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", (int)word, text);
        at += word;
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

/* A left part of any length, and what it means, in the right column. */
static void write_row(FILE *out, const char *left, const char *right)
{
    size_t length = strlen(left);
    fprintf(out, "  %s", left);
    if (2 + length + 2 > INDENT)
        fprintf(out, "\n%*s", INDENT, "");
    else
        fprintf(out, "%*s", (int)(INDENT - 2 - length), "");
    write_wrapped(out, right, INDENT, INDENT);
}

static void write_pairs(FILE *out, const char *title, const struct plm_help_pair *pairs,
                        size_t count)
{
    fprintf(out, "\n%s:\n", title);
    for (size_t i = 0; i < count; i++)
        write_row(out, pairs[i].left, pairs[i].right);
}

static void write_option(FILE *out, const struct plm_option_row *row)
{
    char left[80], right[320], letter[8] = "", allowed[PLM_OPTION_ALLOWED];
    if (row->letter)
        (void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    const char *value = row->type == PLM_VALUE_CHOICE ? "WORD" : row->value;
    (void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name, value ? " " : "",
                   value ? value : "");

    plm_option_allowed(row, allowed);
    const char *fallback = row->default_text;
    (void)snprintf(right, sizeof(right), "%s%s%s%s%s%s", row->help,
                   *allowed || fallback ? " (" : "", allowed, *allowed && fallback ? "; " : "",
                   fallback ? "default " : "", fallback ? fallback : "");
    if (*allowed || fallback)
        (void)strncat(right, ")", sizeof(right) - strlen(right) - 1);
    write_row(out, left, right);
}

static void write_options(FILE *out, const char *title, uint64_t options)
{
    if (options == 0)
        return;
    char line[TITLE_MAX + 2];
    (void)snprintf(line, sizeof(line), "%s:", title);
    fputc('\n', out);
    write_wrapped(out, line, 0, 0);
    for (unsigned id = 0; id < PLM_OPTIONS; id++) {
        if (options & PLM_OPT_BIT(id))
            write_option(out, plm_option_row((enum plm_option_id)id));
    }
}

/* All, or those of a group. */
static void write_commands(FILE *out, const char *group)
{
    const struct plm_verb_row *row;
    size_t length = group ? strlen(group) : 0;
    fputs("\nCommands:\n", out);
    for (size_t n = 0; (row = plm_verb_at(n)); n++) {
        char left[80];
        if (group && (strncmp(row->name, group, length) != 0 || row->name[length] != ' '))
            continue;
        (void)snprintf(left, sizeof(left), "%s%s%s %s", row->name, row->alias ? ", " : "",
                       row->alias ? row->alias : "", row->operands);
        write_row(out, left, row->summary);
    }
}

/* The verbs that have an option of their own, as a set of places in the table of verbs. */
static uint64_t verbs_with(unsigned option)
{
    uint64_t set = 0;
    const struct plm_verb_row *row;
    for (size_t n = 0; (row = plm_verb_at(n)); n++) {
        if (row->options & PLM_OPT_BIT(option))
            set |= UINT64_C(1) << n;
    }
    return set;
}

/* "Flags of pull, rm, clean": one section for the options that the same verbs have. */
static void write_special_section(FILE *out, uint64_t verbs)
{
    char title[TITLE_MAX] = "Flags of ";
    const struct plm_verb_row *row;
    const char *comma = "";
    for (size_t n = 0; (row = plm_verb_at(n)); n++) {
        if (!(verbs & UINT64_C(1) << n))
            continue;
        size_t used = strlen(title);
        (void)snprintf(title + used, sizeof(title) - used, "%s%s", comma, row->name);
        comma = ", ";
    }
    uint64_t options = 0;
    for (unsigned id = 0; id < PLM_OPTIONS; id++) {
        if (verbs_with(id) == verbs)
            options |= PLM_OPT_BIT(id);
    }
    write_options(out, title, options);
}

static void write_special_options(FILE *out)
{
    uint64_t written = PLM_OPTIONS_COMMON;
    for (unsigned id = 0; id < PLM_OPTIONS; id++) {
        uint64_t verbs = verbs_with(id);
        if (written & PLM_OPT_BIT(id) || verbs == 0)
            continue;
        write_special_section(out, verbs);
        for (unsigned other = id; other < PLM_OPTIONS; other++) {
            if (verbs_with(other) == verbs)
                written |= PLM_OPT_BIT(other);
        }
    }
}

static void write_program(FILE *out)
{
    fputs("pullama " PLM_VERSION " - pulls and pushes Ollama models, and keeps what was moved\n\n"
          "Usage:\n"
          "  pullama [FLAGS] COMMAND [OPERANDS]\n"
          "  pullama [FLAGS] MODEL...    the same as pullama pull MODEL...\n",
          out);
    write_commands(out, NULL);
    write_options(out, "Flags of every command", PLM_OPTIONS_COMMON);
    write_special_options(out);
    fputc('\n', out);
    write_wrapped(
        out,
        "Flags stand before or after operands; -- ends them. Sizes take B, K, M, G and T, "
        "in steps of 1024; times ms, s, m, h and d.",
        0, 0);
    write_pairs(out, "Environment", environment, PLM_COUNT(environment));
    write_pairs(out, "Exit status", statuses, PLM_COUNT(statuses));
    write_pairs(out, "Examples", examples, PLM_COUNT(examples));
}

void plm_help_write_group(FILE *out, const char *group)
{
    fprintf(out, "pullama %s\n\nUsage:\n  pullama [FLAGS] %s COMMAND [OPERANDS]\n", group, group);
    write_commands(out, group);
    fprintf(out, "\npullama help %s COMMAND tells more of each.\n", group);
}

void plm_help_write(FILE *out, const struct plm_verb_row *verb)
{
    if (!verb) {
        write_program(out);
        return;
    }
    fprintf(out, "pullama %s - %s\n\nUsage:\n  pullama [FLAGS] %s%s%s\n", verb->name, verb->summary,
            verb->name, *verb->operands ? " " : "", verb->operands);
    if (verb->alias)
        fprintf(out, "  pullama [FLAGS] %s%s%s\n", verb->alias, *verb->operands ? " " : "",
                verb->operands);
    if (verb->more) {
        fputc('\n', out);
        write_wrapped(out, verb->more, 0, 0);
    }
    char title[80];
    (void)snprintf(title, sizeof(title), "Flags of %s", verb->name);
    write_options(out, title, verb->options);
    write_options(out, "Flags of every command", PLM_OPTIONS_COMMON);
}
