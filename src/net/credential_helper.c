/* Helper programs of the docker client: what they are asked, and what they answer. */
#include "net/credential_helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "net/docker_config.h"
#include "pullama/text.h"

#define ANSWER_MAX (64u << 10)
#define TIMEOUT_MS 30000
#define NOT_FOUND "credentials not found"

/* What the program says when it fails is meant for people, and comes from its standard output. */
static void put_complaint(const char *name, int status, const struct plm_buf *said,
                          struct plm_error *err)
{
    char line[160], shown[200];
    size_t length = said->size > 0 ? strcspn(said->bytes, "\r\n") : 0;
    (void)snprintf(line, sizeof(line), "%.*s", length < 150 ? (int)length : 150,
                   said->size > 0 ? said->bytes : "");
    (void)plm_fail(err, PLM_E_IO, "docker-credential-%s failed with status %d%s%s", name, status,
                   *line ? ": " : "", plm_text_printable(line, shown, sizeof(shown)));
}

/* @p said is wiped by the caller. PLM_E_NOT_FOUND: it keeps nothing for this server. */
static bool run(const struct plm_end_request *end, const char *name, const char *action,
                const char *input, struct plm_buf *said, struct plm_error *err)
{
    char program[PLM_DOCKER_HELPER_MAX + 32];
    (void)snprintf(program, sizeof(program), "docker-credential-%s", name);
    const char *const arguments[] = {program, action, NULL};
    const struct plm_process_request request = {.arguments = arguments,
                                                .input = input,
                                                .input_size = strlen(input),
                                                .timeout_ms = TIMEOUT_MS,
                                                .end = end ? *end : (struct plm_end_request){0}};
    int status = 0;
    struct plm_error why = {0};
    if (!plm_process_run(&request, said, &status, &why))
        return plm_fail(err, why.code == PLM_E_NOT_FOUND ? PLM_E_IO : why.code, "%s", why.msg);
    if (status == 0)
        return true;
    if (said->size > 0 && strstr(said->bytes, NOT_FOUND))
        return plm_fail(err, PLM_E_NOT_FOUND, "docker-credential-%s keeps nothing for it", name);
    put_complaint(name, status, said, err);
    return false;
}

bool plm_credential_helper_parse(const char *text, size_t length, struct plm_buf *pair,
                                 struct plm_error *err)
{
    struct plm_json *root = NULL;
    if (!plm_json_parse(text, length, 8, &root, NULL))
        return plm_fail(err, PLM_E_PROTOCOL, "its answer is no usable JSON");
    const char *user = plm_json_text(plm_json_get(root, "Username"));
    const char *secret = plm_json_text(plm_json_get(root, "Secret"));
    struct plm_error why = {0};
    bool ok = true;
    if (!user || !secret)
        ok = plm_fail(err, PLM_E_PROTOCOL, "its answer lacks a user name or a secret");
    else if (!plm_docker_check_password(user, secret, &why))
        ok = plm_fail(err, PLM_E_PROTOCOL, "its answer: %s", why.msg);
    ok = ok && plm_buf_reserve(pair, strlen(user) + 1 + strlen(secret), err) &&
         plm_buf_printf(pair, err, "%s:%s", user, secret);
    plm_json_wipe(root);
    return ok;
}

bool plm_credential_helper_get(const struct plm_end_request *end, const char *name,
                               const char *server, struct plm_buf *pair, bool *found,
                               struct plm_error *err)
{
    struct plm_buf said = PLM_BUF_INIT(ANSWER_MAX);
    struct plm_error why = {0};
    bool ok = plm_buf_reserve(&said, ANSWER_MAX, err) && run(end, name, "get", server, &said, &why);
    bool has = ok;
    if (ok)
        ok = plm_credential_helper_parse(said.bytes ? said.bytes : "", said.size, pair, err) ||
             plm_prefix(err, "docker-credential-%s", name);
    else if (why.code == PLM_E_NOT_FOUND)
        ok = true;
    else
        (void)plm_fail(err, why.code, "%s", why.msg);
    plm_buf_wipe(&said);
    if (ok)
        *found = has;
    return ok;
}

bool plm_credential_helper_store(const struct plm_end_request *end, const char *name,
                                 const char *server, const char *user, const char *password,
                                 struct plm_error *err)
{
    struct plm_json_writer w;
    struct plm_buf said = PLM_BUF_INIT(ANSWER_MAX);
    char *input = NULL;
    plm_json_writer_init(&w, ANSWER_MAX);
    bool ok = plm_buf_reserve(&w.buf, ANSWER_MAX, err);
    plm_json_open_object(&w, NULL);
    plm_json_put_text(&w, "ServerURL", server);
    plm_json_put_text(&w, "Username", user);
    plm_json_put_text(&w, "Secret", password);
    plm_json_close_object(&w);
    ok = ok && plm_json_writer_take(&w, &input, err) && run(end, name, "store", input, &said, err);
    if (input)
        explicit_bzero(input, strlen(input));
    free(input);
    plm_buf_wipe(&w.buf);
    plm_buf_wipe(&said);
    return ok;
}

bool plm_credential_helper_erase(const struct plm_end_request *end, const char *name,
                                 const char *server, bool *erased, struct plm_error *err)
{
    struct plm_buf said = PLM_BUF_INIT(ANSWER_MAX);
    struct plm_error why = {0};
    bool ok = run(end, name, "erase", server, &said, &why);
    plm_buf_wipe(&said);
    if (!ok && why.code != PLM_E_NOT_FOUND)
        return plm_fail(err, why.code, "%s", why.msg);
    *erased = ok;
    return true;
}
