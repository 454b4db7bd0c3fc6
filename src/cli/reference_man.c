/* Owns the form of the man page. */
#include "cli/reference.h"

#include <string.h>

#include "cli/help.h"
#include "cli/verbs.h"

/* What roff would take for its own is escaped: backslashes, hyphens, and controls at a line's
 * front. */
static void put(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else if (*text == '`')
            fputs("\\(aq", out);
        else if (*text == '\'')
            fputs("\\(aq", out);
        else
            fputc(*text, out);
    }
}

static void put_section(FILE *out, const char *title)
{
    fputs(".SH ", out);
    put(out, title);
    fputc('\n', out);
}

static void put_tag(FILE *out, const char *tag, const char *text)
{
    fputs(".TP\n.B ", out);
    put(out, tag);
    fputc('\n', out);
    put(out, text);
    fputc('\n', out);
}

static void put_option(FILE *out, const struct plm_option_row *row)
{
    char allowed[PLM_OPTION_ALLOWED];
    fputs(".TP\n", out);
    if (row->letter)
        fprintf(out, "\\fB\\-%c\\fR, ", row->letter);
    fputs("\\fB\\-\\-", out);
    put(out, row->name);
    fputs("\\fR", out);
    if (row->value) {
        fputs(" \\fI", out);
        put(out, row->type == PLM_VALUE_CHOICE ? "WORD" : row->value);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    put(out, row->help);
    plm_option_allowed(row, allowed);
    if (*allowed) {
        fputs("; ", out);
        put(out, allowed);
    }
    if (row->default_text) {
        fputs("; default ", out);
        put(out, row->default_text);
    }
    fputs(".\n", out);
}

static void put_options(FILE *out, uint64_t set)
{
    for (unsigned id = 0; id < PLM_OPTIONS; id++)
        if (set & PLM_OPT_BIT(id))
            put_option(out, plm_option_row((enum plm_option_id)id));
}

static void put_verb(FILE *out, const struct plm_verb_row *verb)
{
    fputs(".SS \"", out);
    put(out, verb->name);
    if (verb->alias) {
        fputs(", ", out);
        put(out, verb->alias);
    }
    if (*verb->operands) {
        fputc(' ', out);
        put(out, verb->operands);
    }
    fputs("\"\n", out);
    put(out, verb->summary);
    fputs(".\n", out);
    if (verb->more) {
        put(out, verb->more);
        fputc('\n', out);
    }
    const char *before = ".PP\nFlags: ";
    for (unsigned id = 0; id < PLM_OPTIONS; id++) {
        if (!(verb->options & PLM_OPT_BIT(id)))
            continue;
        fprintf(out, "%s\\fB\\-\\-", before);
        put(out, plm_option_row((enum plm_option_id)id)->name);
        fputs("\\fR", out);
        before = ", ";
    }
    if (*before == ',')
        fputs(".\n", out);
}

static void put_table(FILE *out, const char *title, enum plm_help_table table)
{
    const struct plm_help_pair *pair;
    put_section(out, title);
    for (size_t n = 0; (pair = plm_help_at(table, n)); n++)
        put_tag(out, pair->left, pair->right);
}

void plm_man_write(FILE *out)
{
    const struct plm_verb_row *verb;
    uint64_t options = 0;
    fputs(".TH PULLAMA 1 \"\" \"pullama " PLM_VERSION "\"\n", out);
    put_section(out, "NAME");
    fputs("pullama \\- pulls and pushes Ollama models, and keeps what was moved\n", out);
    put_section(out, "SYNOPSIS");
    fputs(".B pullama\n[\\fIFLAGS\\fR] \\fICOMMAND\\fR [\\fIOPERANDS\\fR]\n.br\n.B pullama\n"
          "[\\fIFLAGS\\fR] \\fIMODEL\\fR...\n",
          out);
    put_section(out, "DESCRIPTION");
    put(out,
        "Moves models between registries and the store that Ollama reads. What was stopped, by "
        "whatever, goes on where it was when the same command is run again. Flags stand "
        "before or after operands; -- ends them. Sizes take B, K, M, G and T in steps of "
        "1024, times ms, s, m, h and d.");
    fputc('\n', out);
    put_section(out, "COMMANDS");
    for (size_t n = 0; (verb = plm_verb_at(n)); n++) {
        put_verb(out, verb);
        options |= verb->options;
    }
    put_section(out, "FLAGS OF EVERY COMMAND");
    put_options(out, PLM_OPTIONS_COMMON);
    put_section(out, "FLAGS OF SOME COMMANDS");
    put_options(out, options & ~PLM_OPTIONS_COMMON);
    put_table(out, "ENVIRONMENT", PLM_HELP_ENVIRONMENT);
    put_table(out, "EXIT STATUS", PLM_HELP_STATUSES);
    put_table(out, "EXAMPLES", PLM_HELP_EXAMPLES);
}
