/* Owns the forms of shell completion. */
#include "cli/reference.h"

#include <string.h>

#include "cli/verbs.h"

enum subject { NOTHING, MODELS, FILES, FOLDERS, COMMANDS };

static enum subject subject_of_operands(const struct plm_verb_row *verb)
{
    if (strstr(verb->operands, "MODEL") || strstr(verb->operands, "SOURCE") ||
        strstr(verb->operands, "PREFIX"))
        return MODELS;
    if (strstr(verb->operands, "FILE"))
        return FILES;
    return strstr(verb->operands, "COMMAND") ? COMMANDS : NOTHING;
}

static enum subject subject_of_value(const struct plm_option_row *row)
{
    if (row->type != PLM_VALUE_TEXT)
        return NOTHING;
    return strcmp(row->value, "FILE") == 0  ? FILES
           : strcmp(row->value, "DIR") == 0 ? FOLDERS
                                            : NOTHING;
}

/* The length of the first word of a verb's name that has two, or 0. */
static int group_length(const struct plm_verb_row *verb)
{
    const char *space = strchr(verb->name, ' ');
    return space ? (int)(space - verb->name) : 0;
}

/* The verb's own word: of two, the second one. */
static const char *word_of(const struct plm_verb_row *verb)
{
    int group = group_length(verb);
    return verb->name + (group ? group + 1 : 0);
}

/* Of verbs that begin with the same word, the first one. */
static bool leads_group(size_t n)
{
    const struct plm_verb_row *verb = plm_verb_at(n), *before = n ? plm_verb_at(n - 1) : NULL;
    int length = group_length(verb);
    return length > 0 && (!before || group_length(before) != length ||
                          strncmp(before->name, verb->name, (size_t)length) != 0);
}

/* The words of a choice, with @p between them. */
static void put_choices(FILE *out, const char *words, char between)
{
    for (; *words; words++)
        fputc(*words == '|' ? between : *words, out);
}

/* ---- bash ---- */

static const char bash_head[] =
    "# bash completion for pullama; made from its tables\n"
    "_pullama()\n{\n"
    "    local line=${COMP_LINE:0:COMP_POINT} cur previous verb= skip= word words=\n"
    "    local -a typed\n"
    "    read -ra typed <<<\"$line\"\n"
    "    [[ $line == *[[:space:]] ]] && typed+=('')\n"
    "    cur=${typed[-1]}\n"
    "    previous=${typed[-2]}\n";

/* The command is the first word that is neither a flag nor a flag's value, and the second one, when
 * the first is that of a group. */
static const char bash_verb[] = "    for word in \"${typed[@]:1:${#typed[@]}-2}\"; do\n"
                                "        if [[ -n $skip ]]; then\n"
                                "            skip=\n"
                                "        elif [[ $valued == *\" $word \"* ]]; then\n"
                                "            skip=1\n"
                                "        elif [[ $word != -* ]]; then\n"
                                "            verb+=${verb:+ }$word\n"
                                "            [[ $groups == *\" $verb \"* ]] || break\n"
                                "        fi\n"
                                "    done\n";

/* Bash breaks words at colons: what stands before one must not come again. */
static const char bash_tail[] = "    local colon=${cur%\"${cur##*:}\"} i\n"
                                "    if [[ -n $colon && $COMP_WORDBREAKS == *:* ]]; then\n"
                                "        for i in \"${!COMPREPLY[@]}\"; do\n"
                                "            COMPREPLY[i]=${COMPREPLY[i]#\"$colon\"}\n"
                                "        done\n"
                                "    fi\n"
                                "}\n"
                                "complete -F _pullama pullama\n";

static void put_bash_flags(FILE *out, uint64_t set)
{
    for (unsigned id = 0; id < PLM_OPTIONS; id++) {
        if (!(set & PLM_OPT_BIT(id)))
            continue;
        const struct plm_option_row *row = plm_option_row((enum plm_option_id)id);
        fprintf(out, " --%s", row->name);
        if (row->letter)
            fprintf(out, " -%c", row->letter);
    }
}

static void put_bash_values(FILE *out)
{
    fputs("    case $previous in\n", out);
    for (unsigned id = 0; id < PLM_OPTIONS; id++) {
        const struct plm_option_row *row = plm_option_row((enum plm_option_id)id);
        enum subject subject = subject_of_value(row);
        if (row->type == PLM_VALUE_FLAG)
            continue;
        fprintf(out, "    --%s", row->name);
        if (row->letter)
            fprintf(out, " | -%c", row->letter);
        fputs(") ", out);
        if (row->type == PLM_VALUE_CHOICE) {
            fputs("mapfile -t COMPREPLY < <(compgen -W '", out);
            put_choices(out, row->value, ' ');
            fputs("' -- \"$cur\")", out);
        } else if (subject != NOTHING) {
            fprintf(out, "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -%c -- \"$cur\")",
                    subject == FILES ? 'f' : 'd');
        } else {
            fputc(':', out);
        }
        fputs("; return ;;\n", out);
    }
    fputs("    esac\n", out);
}

static void put_bash_operands(FILE *out, const struct plm_verb_row *verb)
{
    fprintf(out, "    '%s'%s%s%s)\n        words='", verb->name, verb->alias ? " | '" : "",
            verb->alias ? verb->alias : "", verb->alias ? "'" : "");
    put_bash_flags(out, verb->options | PLM_OPTIONS_COMMON);
    fputs("'\n", out);
    switch (subject_of_operands(verb)) {
    case MODELS:
        fputs("        [[ $cur != -* ]] && words=$(pullama list 2>/dev/null | sed '1d;s/ .*//')\n",
              out);
        break;
    case FILES:
        fputs("        [[ $cur != -* ]] && compopt -o filenames &&\n"
              "            mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") && return\n",
              out);
        break;
    case COMMANDS:
        fputs("        [[ $cur != -* ]] && words=$commands\n", out);
        break;
    default:
        break;
    }
    fputs("        ;;\n", out);
}

/* What may stand first: commands, and the words of groups, each once. */
static void put_bash_commands(FILE *out)
{
    const struct plm_verb_row *verb;
    fputs("    local commands='", out);
    for (size_t n = 0; (verb = plm_verb_at(n)); n++) {
        int group = group_length(verb);
        if (group == 0)
            fprintf(out, "%s%s", n ? " " : "", verb->name);
        else if (leads_group(n))
            fprintf(out, "%s%.*s", n ? " " : "", group, verb->name);
    }
    fputs("'\n    local groups='", out);
    for (size_t n = 0; (verb = plm_verb_at(n)); n++)
        if (leads_group(n))
            fprintf(out, " %.*s ", group_length(verb), verb->name);
    fputs("'\n", out);
}

/* The second words of the group that the n-th verb leads. */
static void put_group_words(FILE *out, size_t n)
{
    const struct plm_verb_row *verb = plm_verb_at(n);
    fputs(word_of(verb), out);
    while ((verb = plm_verb_at(++n)) && group_length(verb) > 0 && !leads_group(n))
        fprintf(out, " %s", word_of(verb));
}

static void write_bash(FILE *out)
{
    const struct plm_verb_row *verb;
    fputs(bash_head, out);
    put_bash_commands(out);
    fputs("    local valued='", out);
    for (unsigned id = 0; id < PLM_OPTIONS; id++)
        if (plm_option_row((enum plm_option_id)id)->type != PLM_VALUE_FLAG)
            put_bash_flags(out, PLM_OPT_BIT(id));
    fputs(" '\n", out);
    fputs(bash_verb, out);
    put_bash_values(out);
    fputs("    case $verb in\n", out);
    for (size_t n = 0; (verb = plm_verb_at(n)); n++) {
        if (leads_group(n)) {
            fprintf(out, "    '%.*s')\n        words='", group_length(verb), verb->name);
            put_group_words(out, n);
            fputs("'\n        ;;\n", out);
        }
        put_bash_operands(out, verb);
    }
    fputs("    '')\n        words=$commands\n        [[ $cur == -* ]] && words='", out);
    put_bash_flags(out, PLM_OPTIONS_COMMON);
    fputs("'\n        ;;\n    esac\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n",
          out);
    fputs(bash_tail, out);
}

/* ---- zsh ---- */

/* Inside of single quotes and of a description in brackets. */
static void put_zsh(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (strchr("[]:\\", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void put_zsh_option(FILE *out, const struct plm_option_row *row, const char *name)
{
    enum subject subject = subject_of_value(row);
    fprintf(out, " \\\n            '%s%s[", row->type == PLM_VALUE_TEXTS ? "*" : "", name);
    put_zsh(out, row->help);
    fputc(']', out);
    if (row->type == PLM_VALUE_CHOICE) {
        fputs(":word:(", out);
        put_choices(out, row->value, ' ');
        fputc(')', out);
    } else if (row->type != PLM_VALUE_FLAG) {
        fputc(':', out);
        put_zsh(out, row->value);
        fputs(subject == FILES ? ":_files" : subject == FOLDERS ? ":_files -/" : ": ", out);
    }
    fputc('\'', out);
}

static void put_zsh_verb(FILE *out, const struct plm_verb_row *verb)
{
    static const char *const actions[] = {[NOTHING] = " ",
                                          [MODELS] = "_pullama_models",
                                          [FILES] = "_files",
                                          [FOLDERS] = "_files -/",
                                          [COMMANDS] = "_pullama_commands"};
    fprintf(out, "    '%s'%s%s%s)\n        _arguments -s -S", verb->name, verb->alias ? "|'" : "",
            verb->alias ? verb->alias : "", verb->alias ? "'" : "");
    for (unsigned id = 0; id < PLM_OPTIONS; id++) {
        const struct plm_option_row *row = plm_option_row((enum plm_option_id)id);
        char name[64];
        if (!plm_verb_takes(verb, (enum plm_option_id)id))
            continue;
        (void)snprintf(name, sizeof(name), "--%s", row->name);
        put_zsh_option(out, row, name);
        (void)snprintf(name, sizeof(name), "-%c", row->letter);
        if (row->letter)
            put_zsh_option(out, row, name);
    }
    fprintf(out, " \\\n            '1:command: '%s '*:operand:%s' ;;\n",
            group_length(verb) ? " '2:command: '" : "", actions[subject_of_operands(verb)]);
}

static void put_zsh_commands(FILE *out)
{
    const struct plm_verb_row *verb;
    fputs("_pullama_commands() {\n    local -a commands=(\n", out);
    for (size_t n = 0; (verb = plm_verb_at(n)); n++) {
        if (leads_group(n)) {
            fprintf(out, "        '%.*s:", group_length(verb), verb->name);
            put_group_words(out, n);
            fputs("'\n", out);
        }
        if (group_length(verb) > 0)
            continue;
        fprintf(out, "        '%s:", verb->name);
        put_zsh(out, verb->summary);
        fputs("'\n", out);
    }
    fputs("    )\n    _describe command commands\n}\n", out);
}

/* The second words of the group that the n-th verb leads, with what they do. */
static void put_zsh_group(FILE *out, size_t n)
{
    const struct plm_verb_row *verb = plm_verb_at(n);
    fprintf(out, "    '%.*s')\n        local -a commands=(\n", group_length(verb), verb->name);
    do {
        fprintf(out, "            '%s:", word_of(verb));
        put_zsh(out, verb->summary);
        fputs("'\n", out);
    } while ((verb = plm_verb_at(++n)) && group_length(verb) > 0 && !leads_group(n));
    fputs("        )\n        _describe command commands ;;\n", out);
}

static void write_zsh(FILE *out)
{
    const struct plm_verb_row *verb;
    fputs("#compdef pullama\n# made from pullama's tables\n"
          "_pullama_models() {\n"
          "    local -a models=(${(f)\"$(pullama list 2>/dev/null | sed '1d;s/ .*//')\"})\n"
          "    compadd -a models\n}\n",
          out);
    put_zsh_commands(out);
    fputs("_pullama() {\n    local -a typed=(${words[2,CURRENT-1]:#-*})\n"
          "    local verb=$typed[1]\n",
          out);
    for (size_t n = 0; (verb = plm_verb_at(n)); n++)
        if (leads_group(n))
            fprintf(out, "    [[ $verb == %.*s && -n $typed[2] ]] && verb+=\" $typed[2]\"\n",
                    group_length(verb), verb->name);
    fputs("    case $verb in\n", out);
    for (size_t n = 0; (verb = plm_verb_at(n)); n++) {
        if (leads_group(n))
            put_zsh_group(out, n);
        put_zsh_verb(out, verb);
    }
    fputs("    *) _pullama_commands ;;\n    esac\n}\n_pullama \"$@\"\n", out);
}

/* ---- fish ---- */

static void put_fish(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void put_fish_option(FILE *out, enum plm_option_id id)
{
    const struct plm_option_row *row = plm_option_row(id);
    const struct plm_verb_row *verb;
    fputs("complete -c pullama", out);
    if (!(PLM_OPTIONS_COMMON & PLM_OPT_BIT(id))) {
        fputs(" -n '__fish_seen_subcommand_from", out);
        for (size_t n = 0; (verb = plm_verb_at(n)); n++)
            if (verb->options & PLM_OPT_BIT(id))
                fprintf(out, " %s", word_of(verb));
        fputc('\'', out);
    }
    fprintf(out, " -l %s", row->name);
    if (row->letter)
        fprintf(out, " -s %c", row->letter);
    if (row->type != PLM_VALUE_FLAG)
        fputs(subject_of_value(row) == NOTHING ? " -x" : " -r", out);
    if (row->type == PLM_VALUE_CHOICE) {
        fputs(" -a '", out);
        put_choices(out, row->value, ' ');
        fputc('\'', out);
    }
    fputs(" -d '", out);
    put_fish(out, row->help);
    fputs("'\n", out);
}

static void write_fish(FILE *out)
{
    const struct plm_verb_row *verb;
    size_t leader = 0;
    fputs("# fish completion for pullama; made from its tables\n"
          "function __pullama_models\n"
          "    pullama list 2>/dev/null | sed '1d;s/ .*//'\n"
          "end\n"
          "complete -c pullama -f\n",
          out);
    for (size_t n = 0; (verb = plm_verb_at(n)); n++) {
        enum subject subject = subject_of_operands(verb);
        int group = group_length(verb);
        if (leads_group(n)) {
            leader = n;
            fprintf(out, "complete -c pullama -n __fish_use_subcommand -a %.*s -d '", group,
                    verb->name);
            put_group_words(out, n);
            fputs("'\n", out);
        }
        fprintf(out, "complete -c pullama -n '__fish_%s%.*s",
                group ? "seen_subcommand_from " : "use_subcommand", group, verb->name);
        if (group) {
            fputs("; and not __fish_seen_subcommand_from ", out);
            put_group_words(out, leader);
        }
        fprintf(out, "' -a %s -d '", word_of(verb));
        put_fish(out, verb->summary);
        fputs("'\n", out);
        if (subject == MODELS || subject == FILES)
            fprintf(out, "complete -c pullama -n '__fish_seen_subcommand_from %s%s%s' %s\n",
                    word_of(verb), verb->alias ? " " : "",
                    verb->alias ? verb->alias + (group ? group + 1 : 0) : "",
                    subject == MODELS ? "-a '(__pullama_models)'" : "-F");
    }
    for (unsigned id = 0; id < PLM_OPTIONS; id++)
        put_fish_option(out, (enum plm_option_id)id);
}

void plm_completion_write(FILE *out, enum plm_shell shell)
{
    static void (*const writers[])(FILE * out) = {
        [PLM_SHELL_BASH] = write_bash, [PLM_SHELL_ZSH] = write_zsh, [PLM_SHELL_FISH] = write_fish};
    writers[shell](out);
}
