/* The words of a server about its own refusal, found in the forms that registries use. */
#include "net/error_text.h"

#include "base/json.h"
#include "pullama/text.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8

static const char blanks[] = " \t\r\n";

static const char *non_empty(const struct plm_json *value)
{
    const char *text = plm_json_text(value);
    return text && *text ? text : NULL;
}

static const char *message_in(const struct plm_json *root)
{
    const struct plm_json *error = plm_json_get(root, "error");
    const struct plm_json *first = plm_json_at(plm_json_get(root, "errors"), 0);
    const struct plm_json *const places[] = {
        error,
        plm_json_get(error, "message"),
        plm_json_get(first, "message"),
        plm_json_get(first, "code"),
        plm_json_get(root, "message"),
    };
    for (size_t i = 0; i < PLM_COUNT(places); i++) {
        const char *text = non_empty(places[i]);
        if (text)
            return text;
    }
    return NULL;
}

static const char *print_line(const char *text, char out[PLM_ERROR_ANSWER_TEXT])
{
    text += strspn(text, blanks);
    char *line = strndup(text, strcspn(text, "\r\n"));
    (void)plm_text_printable(line ? line : "", out, PLM_ERROR_ANSWER_TEXT);
    free(line);
    return out;
}

/* What servers say in markup: object stores in a message, web servers in a page's title. */
static const char *print_element(const char *markup, char out[PLM_ERROR_ANSWER_TEXT])
{
    static const char *const tags[] = {"<message>", "<title>"};
    for (size_t i = 0; i < PLM_COUNT(tags); i++) {
        const char *text = strcasestr(markup, tags[i]);
        if (!text)
            continue;
        text += strlen(tags[i]);
        text += strspn(text, blanks);
        char *line = strndup(text, strcspn(text, "<\r\n"));
        (void)plm_text_printable(line ? line : "", out, PLM_ERROR_ANSWER_TEXT);
        free(line);
        return out;
    }
    return out;
}

const char *plm_error_answer_text(const struct plm_buf *body, char out[PLM_ERROR_ANSWER_TEXT])
{
    out[0] = '\0';
    if (body->size == 0)
        return out;
    plm_auto(plm_json_freep) struct plm_json *root = NULL;
    struct plm_error none = {0};
    if (body->bytes[strspn(body->bytes, blanks)] == '<')
        return print_element(body->bytes, out);
    if (!plm_json_parse(body->bytes, body->size, DEPTH_MAX, &root, &none))
        return print_line(body->bytes, out);
    const char *message = message_in(root);
    if (!message)
        message = non_empty(root);
    return message ? print_line(message, out) : out;
}
