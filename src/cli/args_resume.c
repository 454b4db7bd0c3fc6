/* What a user has to type again to resume: the flags that decide about place and way. */
#include "cli/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_plain(const char *text)
{
    return text[0] && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789_-./:@%+=,")] == '\0';
}

/* Inside single quotes a shell takes all but the quote itself as it stands. */
static void write_quoted(FILE *out, const char *text)
{
    if (is_plain(text)) {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'')
            (void)fputs("'\\''", out);
        else
            (void)fputc(*text, out);
    }
    (void)fputc('\'', out);
}

char *plm_args_resume_flags(const struct plm_args *args)
{
    /* Not the proxy: it may hold a password, which is never printed. */
    static const enum plm_option_id needed[] = {
        PLM_OPT_MODELS_DIR, PLM_OPT_INSECURE, PLM_OPT_CACERT, PLM_OPT_PLATFORM,
        PLM_OPT_IPV4,       PLM_OPT_IPV6,     PLM_OPT_AS,     PLM_OPT_MIRROR_MANIFESTS,
        PLM_OPT_EXPORT,     PLM_OPT_SPLIT,    PLM_OPT_FORCE,  PLM_OPT_LIMIT_RATE,
        PLM_OPT_MIN_FREE};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < PLM_COUNT(needed); i++) {
        const struct plm_option_value *value = &args->values[needed[i]];
        const struct plm_option_row *row = plm_option_row(needed[i]);
        if (!value->given)
            continue;
        (void)fprintf(out, "--%s ", row->name);
        if (row->type != PLM_VALUE_FLAG) {
            write_quoted(out, value->text);
            (void)fputc(' ', out);
        }
    }
    static const enum plm_option_id repeated[] = {PLM_OPT_RESOLVE, PLM_OPT_MIRROR};
    for (size_t i = 0; i < PLM_COUNT(repeated); i++) {
        const struct plm_option_value *value = &args->values[repeated[i]];
        for (size_t k = 0; k < value->count; k++) {
            (void)fprintf(out, "--%s ", plm_option_row(repeated[i])->name);
            write_quoted(out, value->texts[k]);
            (void)fputc(' ', out);
        }
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

char *plm_args_resume_models(const struct plm_args *args)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = args->operand_count > 1 ? open_memstream(&text, &size) : NULL;
    if (!out)
        return NULL;
    for (size_t i = 0; i < args->operand_count; i++) {
        if (i > 0)
            (void)fputc(' ', out);
        write_quoted(out, args->operands[i]);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
