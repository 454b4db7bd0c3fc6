/* Words and numbers that the plain and the drawn form of a pull have in common. */
#include "cli/view_parts.h"

#include <string.h>

const char *plm_words_digest(const struct plm_digest *digest, char out[13])
{
    char text[PLM_DIGEST_TEXT];
    plm_digest_format(digest, text);
    (void)snprintf(out, 13, "%.12s", text + strlen("sha256:"));
    return out;
}

const char *plm_words_model(const struct plm_view *view, const struct plm_ref *ref,
                            char out[PLM_REF_TEXT])
{
    plm_ref_format(ref, out);
    bool is_short = view->screen->out_terminal && !view->options.verbose;
    char *digits = ref->has_digest && is_short ? strrchr(out, ':') : NULL;
    if (digits)
        (void)snprintf(digits + 1 + 12, sizeof("..."), "%s",
                       plm_glyph(view->screen->unicode, PLM_GLYPH_ELLIPSIS));
    return out;
}

const char *plm_words_share(uint64_t done, uint64_t total, char out[PLM_WORDS])
{
    char a[PLM_TEXT_SHORT], b[PLM_TEXT_SHORT];
    (void)snprintf(out, PLM_WORDS, "%s/%s", plm_text_size(done, a), plm_text_size(total, b));
    return out;
}

const char *plm_words_share_short(uint64_t done, uint64_t total, char out[PLM_WORDS])
{
    char a[PLM_TEXT_SHORT], b[PLM_TEXT_SHORT];
    plm_text_size(done, a);
    plm_text_size(total, b);
    char *unit_a = strchr(a, ' '), *unit_b = strchr(b, ' ');
    if (unit_a && unit_b && strcmp(unit_a, unit_b) == 0)
        *unit_a = '\0';
    (void)snprintf(out, PLM_WORDS, "%s/%s", a, b);
    return out;
}

const char *plm_words_eta(int64_t eta_ms, char out[PLM_TEXT_SHORT])
{
    out[0] = '\0';
    if (eta_ms >= 0 && eta_ms < 10000)
        (void)snprintf(out, PLM_TEXT_SHORT, "%ds", (int)((eta_ms + 999) / 1000));
    else if (eta_ms >= 0)
        plm_text_duration(eta_ms, out);
    return out;
}

unsigned plm_words_percent(uint64_t done, uint64_t total)
{
    if (done >= total)
        return 100;
    if (done <= UINT64_MAX / 100)
        return (unsigned)(done * 100 / total);
    uint64_t percent = done / (total / 100);
    return percent < 100 ? (unsigned)percent : 99;
}

const char *plm_words_retry(const struct plm_event_retry *retry, bool verbose,
                            char out[PLM_ERROR_TEXT * 2])
{
    size_t size = PLM_ERROR_TEXT * 2;
    char delay[PLM_TEXT_SHORT], status[PLM_TEXT_SHORT] = "";
    if (retry->http_status > 0)
        (void)snprintf(status, sizeof(status), " (HTTP %d)", retry->http_status);
    int used = snprintf(out, size, "%s%s%s", retry->what ? retry->what : "",
                        retry->what ? ": " : "", plm_retry_reason_text(retry->reason));
    if (used > 0 && (size_t)used < size)
        used += snprintf(out + used, size - (size_t)used, "%s, again in %s%s", status,
                         plm_text_duration(retry->delay_ms, delay),
                         retry->retry_after ? " as the server asked" : "");
    if (!verbose || used <= 0 || (size_t)used >= size)
        return out;
    (void)snprintf(out + used, size - (size_t)used, " (%s%s%s)", retry->host ? retry->host : "",
                   retry->host && retry->detail ? ": " : "", retry->detail ? retry->detail : "");
    return out;
}

const char *plm_words_holder(long pid, char out[PLM_TEXT_SHORT])
{
    if (pid > 0)
        (void)snprintf(out, PLM_TEXT_SHORT, "process %ld", pid);
    else
        (void)snprintf(out, PLM_TEXT_SHORT, "another process");
    return out;
}

const char *plm_words_push(const struct plm_view *view, const struct plm_ref *to,
                           char out[PLM_WORDS_PUSH])
{
    char target[PLM_REF_TEXT];
    bool same = !to || strcmp(plm_ref_format(to, target), view->model) == 0;
    (void)snprintf(out, PLM_WORDS_PUSH, "%s%s%s", view->model, same ? "" : " as ",
                   same ? "" : target);
    return out;
}
