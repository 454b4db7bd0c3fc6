/* The heads of answers: status line, the header fields that matter, and what makes them
 * unbelievable. */
#include "net/http_head.h"

#include "pullama/text.h"

#include <curl/curl.h>

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define CHALLENGES_MAX (64u << 10)
#define SIGNED_HEADERS_MAX (16u << 10)
#define SIGNED_HEADER "X-Signed-Header-"
#define RETRY_AFTER_MAX_MS (24ll * 3600 * 1000)

/* A field's value: not NUL-terminated, white space around it gone. */
struct value {
    const char *text;
    size_t length;
};

static bool value_is(struct value value, const char *text)
{
    return value.length == strlen(text) && strncasecmp(value.text, text, value.length) == 0;
}

/* False when it does not fit or is no text: then nothing is kept, for half a value is a wrong one.
 */
static bool keep(struct value value, char *out, size_t size)
{
    if (value.length >= size || memchr(value.text, '\0', value.length))
        return false;
    memcpy(out, value.text, value.length);
    out[value.length] = '\0';
    return true;
}

bool plm_content_range_parse(const char *text, size_t length, struct plm_http_head *head)
{
    static const char unit[] = "bytes ";
    size_t skip = sizeof(unit) - 1;
    if (length < skip || strncasecmp(text, unit, skip) != 0)
        return false;
    text += skip;
    length -= skip;
    const char *slash = memchr(text, '/', length);
    if (!slash)
        return false;
    size_t left = (size_t)(slash - text);
    const char *total_text = slash + 1;
    size_t total_length = length - left - 1;

    uint64_t total = 0, first = 0, last = 0;
    bool has_total = !(total_length == 1 && *total_text == '*');
    if (has_total && !plm_text_u64(total_text, total_length, &total))
        return false;
    bool has_range = !(left == 1 && *text == '*');
    if (has_range) {
        const char *dash = memchr(text, '-', left);
        if (!dash || !plm_text_u64(text, (size_t)(dash - text), &first) ||
            !plm_text_u64(dash + 1, (size_t)(slash - dash - 1), &last))
            return false;
        if (last < first || last == UINT64_MAX || (has_total && last >= total))
            return false;
    }
    if (!has_range && !has_total)
        return false;
    head->has_range = has_range;
    head->range = has_range ? (struct plm_span){first, last + 1} : (struct plm_span){0};
    head->has_total = has_total;
    head->total = total;
    return true;
}

int64_t plm_retry_after_parse(const char *text, int64_t unix_ms)
{
    uint64_t seconds;
    if (*text && strspn(text, "0123456789") == strlen(text)) {
        bool fits = plm_text_u64(text, strlen(text), &seconds);
        if (!fits || seconds > RETRY_AFTER_MAX_MS / 1000)
            return RETRY_AFTER_MAX_MS;
        return (int64_t)seconds * 1000;
    }
    time_t date = curl_getdate(text, NULL);
    if (date < 0)
        return -1;
    int64_t then_ms = (int64_t)date > INT64_MAX / 1000 ? INT64_MAX : (int64_t)date * 1000;
    if (then_ms <= unix_ms)
        return 0;
    int64_t wait = then_ms - unix_ms;
    return wait < RETRY_AFTER_MAX_MS ? wait : RETRY_AFTER_MAX_MS;
}

static bool on_length(struct plm_head_reader *reader, struct value value, struct plm_error *err)
{
    (void)err;
    struct plm_http_head *head = reader->head;
    uint64_t length;
    if (!plm_text_u64(value.text, value.length, &length) ||
        (head->has_length && head->length != length)) {
        head->malformed = true;
        return true;
    }
    head->has_length = true;
    head->length = length;
    return true;
}

static bool on_range(struct plm_head_reader *reader, struct value value, struct plm_error *err)
{
    (void)err;
    struct plm_http_head *head = reader->head;
    struct plm_http_head first = {.range = head->range, .total = head->total};
    bool repeated = reader->has_range_line;
    reader->has_range_line = true;
    if (!plm_content_range_parse(value.text, value.length, head) ||
        (repeated && (first.range.start != head->range.start ||
                      first.range.end != head->range.end || first.total != head->total)))
        head->malformed = true;
    return true;
}

static bool on_transfer_encoding(struct plm_head_reader *reader, struct value value,
                                 struct plm_error *err)
{
    (void)err;
    reader->chunked = reader->chunked || value_is(value, "chunked");
    return true;
}

static bool on_encoding(struct plm_head_reader *reader, struct value value, struct plm_error *err)
{
    (void)err;
    if (value.length > 0 && !value_is(value, "identity"))
        reader->head->encoded = true;
    return true;
}

static bool on_retry_after(struct plm_head_reader *reader, struct value value,
                           struct plm_error *err)
{
    (void)err;
    char text[64];
    if (keep(value, text, sizeof(text)))
        reader->head->retry_after_ms = plm_retry_after_parse(text, reader->unix_ms);
    return true;
}

static bool on_location(struct plm_head_reader *reader, struct value value, struct plm_error *err)
{
    (void)err;
    struct plm_http_head *head = reader->head;
    if (!head->location[0] && !keep(value, head->location, sizeof(head->location)))
        head->malformed = true;
    return true;
}

/* Too long counts as malformed, here and below: without it a request would go to another place. */
static bool on_upload_location(struct plm_head_reader *reader, struct value value,
                               struct plm_error *err)
{
    (void)err;
    struct plm_http_head *head = reader->head;
    if (!keep(value, head->upload_location, sizeof(head->upload_location)))
        head->malformed = true;
    return true;
}

static bool on_direct_url(struct plm_head_reader *reader, struct value value, struct plm_error *err)
{
    (void)err;
    struct plm_http_head *head = reader->head;
    if (!keep(value, head->direct_url, sizeof(head->direct_url)))
        head->malformed = true;
    return true;
}

/* `0-99`, as registries write it, or `bytes=0-99`, as their specification does in places. */
static bool on_taken(struct plm_head_reader *reader, struct value value, struct plm_error *err)
{
    (void)err;
    struct plm_http_head *head = reader->head;
    static const char unit[] = "bytes=";
    size_t skip = sizeof(unit) - 1;
    uint64_t last;
    if (value.length > skip && strncasecmp(value.text, unit, skip) == 0)
        value = (struct value){value.text + skip, value.length - skip};
    head->has_taken = value.length > 2 && memcmp(value.text, "0-", 2) == 0 &&
                      plm_text_u64(value.text + 2, value.length - 2, &last) && last < INT64_MAX;
    head->taken = head->has_taken ? last + 1 : 0;
    return true;
}

/* Headers that the object store wants to see, because they are signed. */
static bool on_signed_header(struct plm_head_reader *reader, const char *name, size_t length,
                             struct value value, struct plm_error *err)
{
    struct plm_buf *all = &reader->head->signed_headers;
    if (memchr(name, '\0', length) || memchr(value.text, '\0', value.length) ||
        length + value.length + 3 > all->max - all->size)
        reader->head->malformed = true;
    else if (!plm_buf_append(all, name, length, err) || !plm_buf_append(all, ": ", 2, err) ||
             !plm_buf_append(all, value.text, value.length, err) ||
             !plm_buf_append(all, "\n", 1, err))
        return false;
    return true;
}

static bool on_content_location(struct plm_head_reader *reader, struct value value,
                                struct plm_error *err)
{
    (void)err;
    struct plm_http_head *head = reader->head;
    (void)keep(value, head->content_location,
               sizeof(head->content_location)); /* too long: absent */
    return true;
}

static bool on_content_type(struct plm_head_reader *reader, struct value value,
                            struct plm_error *err)
{
    (void)err;
    struct plm_http_head *head = reader->head;
    (void)keep(value, head->content_type, sizeof(head->content_type)); /* too long: absent */
    return true;
}

static bool on_docker_digest(struct plm_head_reader *reader, struct value value,
                             struct plm_error *err)
{
    (void)err;
    struct plm_http_head *head = reader->head;
    (void)keep(value, head->docker_digest, sizeof(head->docker_digest)); /* too long: no digest */
    return true;
}

static bool on_challenge(struct plm_head_reader *reader, struct value value, struct plm_error *err)
{
    struct plm_buf *all = &reader->head->challenges;
    if (value.length == 0 || memchr(value.text, '\0', value.length) ||
        value.length >= all->max - all->size)
        return true;
    return plm_buf_append(all, value.text, value.length, err) && plm_buf_append(all, "\n", 1, err);
}

static const struct field {
    const char *name;
    bool (*read)(struct plm_head_reader *reader, struct value value, struct plm_error *err);
} fields[] = {
    {"Content-Length", on_length},
    {"Content-Range", on_range},
    {"Transfer-Encoding", on_transfer_encoding},
    {"Content-Encoding", on_encoding},
    {"Retry-After", on_retry_after},
    {"Location", on_location},
    {"Content-Location", on_content_location},
    {"Docker-Upload-Location", on_upload_location},
    {"X-Direct-Upload-URL", on_direct_url},
    {"Range", on_taken},
    {"Content-Type", on_content_type},
    {"Docker-Content-Digest", on_docker_digest},
    {"WWW-Authenticate", on_challenge},
};

static void reset(struct plm_head_reader *reader)
{
    struct plm_http_head *head = reader->head;
    struct plm_buf challenges = head->challenges, signed_headers = head->signed_headers;
    plm_buf_clear(&challenges);
    plm_buf_clear(&signed_headers);
    memset(head, 0, sizeof(*head));
    head->retry_after_ms = -1;
    head->challenges = challenges;
    head->signed_headers = signed_headers;
    reader->chunked = false;
    reader->has_range_line = false;
}

void plm_head_start(struct plm_head_reader *reader, struct plm_http_head *head, int64_t unix_ms)
{
    *reader = (struct plm_head_reader){.head = head, .unix_ms = unix_ms};
    head->challenges = PLM_BUF_INIT(CHALLENGES_MAX);
    head->signed_headers = PLM_BUF_INIT(SIGNED_HEADERS_MAX);
    reset(reader);
}

void plm_http_head_done(struct plm_http_head *head)
{
    plm_buf_done(&head->challenges);
    plm_buf_done(&head->signed_headers);
}

static bool read_status_line(struct plm_head_reader *reader, const char *line, size_t length,
                             struct plm_error *err)
{
    reset(reader);
    const char *space = memchr(line, ' ', length);
    size_t left = space ? length - (size_t)(space - line) - 1 : 0;
    uint64_t status;
    if (left < 3 || !plm_text_u64(space + 1, 3, &status) || status < 100 ||
        (left > 3 && space[4] != ' '))
        return plm_fail(err, PLM_E_PROTOCOL, "the answer's status line is malformed");
    reader->head->status = (int)status;
    return true;
}

static void close_head(struct plm_head_reader *reader)
{
    struct plm_http_head *head = reader->head;
    if (head->status < 200)
        return;
    reader->complete = true;
    if (reader->chunked) { /* then Content-Length means nothing (RFC 9112, 6.3) */
        head->has_length = false;
        head->length = 0;
    }
    if (head->status == 206 && head->has_range && head->has_length &&
        plm_span_length(head->range) != head->length)
        head->malformed = true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool plm_head_line(struct plm_head_reader *reader, const char *line, size_t length,
                   struct plm_error *err)
{
    if (length > PLM_HTTP_HEADERS_MAX - reader->bytes)
        return plm_fail(err, PLM_E_LIMIT, "the answer's head is larger than %u KiB",
                        PLM_HTTP_HEADERS_MAX >> 10);
    reader->bytes += length;
    if (reader->complete)
        return true;
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
        length--;
    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
        return read_status_line(reader, line, length, err);
    if (length == 0) {
        close_head(reader);
        return true;
    }
    const char *colon = memchr(line, ':', length);
    if (!colon)
        return true;
    size_t name_length = (size_t)(colon - line);
    struct value value = {colon + 1, length - name_length - 1};
    while (value.length > 0 && is_blank(value.text[0])) {
        value.text++;
        value.length--;
    }
    while (value.length > 0 && is_blank(value.text[value.length - 1]))
        value.length--;
    for (size_t i = 0; i < PLM_COUNT(fields); i++) {
        if (strlen(fields[i].name) == name_length &&
            strncasecmp(fields[i].name, line, name_length) == 0)
            return fields[i].read(reader, value, err);
    }
    size_t prefix = sizeof(SIGNED_HEADER) - 1;
    if (name_length > prefix && strncasecmp(line, SIGNED_HEADER, prefix) == 0)
        return on_signed_header(reader, line + prefix, name_length - prefix, value, err);
    return true;
}
