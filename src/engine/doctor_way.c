/* The way to a registry: its addresses, which of them answer, who signed for them, what they ask.
 */
#include "engine/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_tls(const struct plm_doctor *doctor)
{
    return strcmp(doctor->origin.scheme, "https") == 0;
}

/* After the answers: on with the registry itself. */
static void go_on(struct plm_doctor *doctor)
{
    struct plm_error err = {0};
    bool ok =
        doctor->has_model ? plm_doctor_look_at_model(doctor, &err) : plm_doctor_greet(doctor, &err);
    if (!ok)
        plm_doctor_fail(doctor, PLM_CHECK_ACCESS, &err, "no request could be made", NULL);
}

/* ---- certificates ---- */

/* What does not fit is cut. */
static void write_chain(const struct plm_http_sight *sight, char out[PLM_DOCTOR_TEXT])
{
    struct plm_buf text = PLM_BUF_INIT(PLM_HTTP_CHAIN_MAX * sizeof(sight->chain[0]));
    struct plm_error ignored = {0};
    bool ok = true;
    for (size_t i = 0; i < sight->chain_length; i++)
        ok = ok && plm_buf_printf(&text, &ignored, "%s%s", i > 0 ? ", signed by " : "",
                                  sight->chain[i].subject);
    if (sight->chain_length > 0) {
        const struct plm_http_certificate *last = &sight->chain[sight->chain_length - 1];
        if (strcmp(last->issuer, last->subject) != 0)
            ok = ok && plm_buf_printf(&text, &ignored, ", signed by %s", last->issuer);
        ok = ok && plm_buf_printf(&text, &ignored, "; valid until %s", sight->chain[0].expires);
    }
    (void)snprintf(out, PLM_DOCTOR_TEXT, "%.*s", PLM_DOCTOR_TEXT - 1,
                   ok && text.size ? text.bytes : "");
    plm_buf_done(&text);
}

static void say_certificate(struct plm_doctor *doctor, const struct plm_http_sight *sight)
{
    char chain[PLM_DOCTOR_TEXT];
    struct plm_event_check check = {
        .check = PLM_CHECK_CERTIFICATE, .seen = chain, .elapsed_ms = -1};
    write_chain(sight, chain);
    if (!is_tls(doctor)) {
        check.result = PLM_CHECK_NOTE;
        check.seen = "none: plain http";
        check.means = "who stands between can read all, and give you another model: only blobs are "
                      "held to their digests";
        check.advice = "use https where the registry has it";
    } else if (doctor->ref.scheme == PLM_SCHEME_HTTPS_INSECURE) {
        check.result = PLM_CHECK_WARN;
        check.means = "it was not checked, as https+insecure asks";
        check.advice = "--cacert FILE with the authority that signed it, and https://, checks it";
    } else {
        check.means = "an authority that this machine trusts stands for it";
    }
    plm_doctor_say(doctor, &check);
}

/* The chain is seen by a handshake that trusts anyone, with nothing to tell. */
static void say_distrust(struct plm_doctor *doctor, const struct plm_doctor_probe *probe)
{
    char chain[PLM_DOCTOR_TEXT], seen[2 * PLM_DOCTOR_TEXT];
    const struct plm_error *refusal = &doctor->probes[0].error;
    write_chain(&probe->sight, chain);
    (void)snprintf(seen, sizeof(seen), "%s%s%s", refusal->msg, *chain ? ": " : "", chain);
    const struct plm_event_check check = {
        .check = PLM_CHECK_CERTIFICATE,
        .result = PLM_CHECK_FAILED,
        .seen = seen,
        .means = "nobody whom this machine trusts stands for the server, or it is not the one that "
                 "was meant",
        .advice = "if your own network signs for others, or the registry has its own authority: "
                  "--cacert FILE; look at this machine's clock, too",
        .elapsed_ms = -1};
    plm_doctor_note_failure(doctor, &check, refusal);
    plm_doctor_end(doctor);
}

/* ---- what is asked for ---- */

static const char *host_of(const char *url, char out[PLM_AUTHORITY_MAX])
{
    struct plm_url parts;
    struct plm_error ignored = {0};
    if (!plm_url_parse(url, &parts, &ignored))
        return "an address that is of no use";
    plm_url_authority(&parts, out, PLM_AUTHORITY_MAX);
    return out;
}

static void fill_challenge(const struct plm_challenge *challenge, char seen[PLM_DOCTOR_TEXT],
                           struct plm_event_check *check)
{
    char host[PLM_AUTHORITY_MAX];
    if (challenge->scheme == PLM_AUTH_BEARER) {
        (void)snprintf(seen, PLM_DOCTOR_TEXT, "Bearer: %.460s gives tokens for %.480s",
                       host_of(challenge->realm, host),
                       challenge->service[0] ? challenge->service : "it");
        check->means =
            "a token is asked for there first; many give one to anyone, for public models";
    } else if (challenge->scheme == PLM_AUTH_BASIC) {
        (void)snprintf(seen, PLM_DOCTOR_TEXT, "Basic");
        check->means = "it wants a user name and password";
        check->advice = "pullama login keeps them, unless that is done";
    } else {
        (void)snprintf(seen, PLM_DOCTOR_TEXT, "401, and nothing usable about what it wants");
        check->result = PLM_CHECK_WARN;
        check->means = "it wants credentials, and does not say which";
        check->advice = "ask who runs it; does another server answer in its place?";
    }
}

static void say_auth(struct plm_doctor *doctor)
{
    char seen[PLM_DOCTOR_TEXT];
    int status = doctor->status;
    struct plm_event_check check = {.check = PLM_CHECK_AUTH, .seen = seen, .elapsed_ms = -1};
    (void)snprintf(seen, sizeof(seen), "GET /v2/ answered %d", status);
    if (status == 401) {
        fill_challenge(&doctor->challenge, seen, &check);
    } else if (status == 200) {
        check.means = "it lets anyone in";
    } else if (status == 404 || (status >= 300 && status < 400)) {
        check.result = PLM_CHECK_NOTE;
        check.means = "it has no such page; some registries ask only at a model";
        check.advice = doctor->has_model ? NULL : "name a model: pullama doctor HOST/NAME";
    } else {
        check.result = PLM_CHECK_WARN;
        check.means = status >= 500 || status == 429 ? "it has trouble, or too much to do"
                                                     : "is it a registry?";
        check.advice = "try again later, or ask who runs it";
    }
    plm_doctor_say(doctor, &check);
}

/* ---- each address ---- */

static bool has_answered(const struct plm_doctor_probe *probe)
{
    return probe->end == PLM_HTTP_ANSWERED;
}

static void say_probe(struct plm_doctor *doctor, const struct plm_doctor_probe *probe, bool others)
{
    char seen[PLM_DOCTOR_TEXT], tls[48] = "";
    const struct plm_http_sight *s = &probe->sight;
    bool is_v6 = strchr(probe->address, ':') != NULL;
    struct plm_event_check check = {.check = PLM_CHECK_ADDRESS,
                                    .address = *probe->address ? probe->address : NULL,
                                    .seen = probe->error.msg,
                                    .elapsed_ms = -1};
    const char *where = *probe->address ? probe->address : "through the proxy";
    if (s->tls_us > 0)
        (void)snprintf(tls, sizeof(tls), ", TLS after %lld ms", (long long)(s->tls_us / 1000));
    if (has_answered(probe)) {
        (void)snprintf(seen, sizeof(seen), "%s: connected after %lld ms%s, an answer after %lld ms",
                       where, (long long)(s->connect_us / 1000), tls,
                       (long long)(s->answer_us / 1000));
        check.seen = seen;
        check.means = "it answers";
        check.elapsed_ms = s->answer_us / 1000;
    } else if (probe->end == PLM_HTTP_BAD_CERT) {
        (void)snprintf(seen, sizeof(seen), "%s: connected after %lld ms", where,
                       (long long)(s->connect_us / 1000));
        check.seen = seen;
        check.means = "it answers, with a certificate that is not trusted";
        check.result =
            doctor->status ? PLM_CHECK_WARN : PLM_CHECK_NOTE; /* then it is told more of */
        check.advice = doctor->status ? "tell who runs the registry: its servers differ" : NULL;
    } else {
        (void)snprintf(seen, sizeof(seen), "%s: %s", where, probe->error.msg);
        check.seen = seen;
        check.result = others ? PLM_CHECK_WARN : PLM_CHECK_FAILED;
        check.means = others ? "another one is used; finding that out takes time at the start"
                             : "no request gets to the registry this way";
        check.advice = others && is_v6 ? "-4 leaves out all addresses of its kind"
                       : others        ? "--resolve HOST:PORT:ADDR names one that answers"
                       : probe->error.code == PLM_E_TLS
                           ? "a registry without TLS is written with http://, or asked with "
                             "--insecure"
                       : doctor->is_proxied
                           ? "look at the proxy, or go without it: --proxy, NO_PROXY"
                           : "is the registry up, and the port right? Does a firewall want a proxy "
                             "(--proxy)?";
    }
    if (check.result == PLM_CHECK_FAILED)
        plm_doctor_note_failure(doctor, &check, &probe->error);
    else
        plm_doctor_say(doctor, &check);
}

static void start_trusting(struct plm_doctor *doctor);

/* All were asked. */
static void settle(struct plm_doctor *doctor)
{
    const struct plm_doctor_probe *good = NULL, *untrusted = NULL;
    for (size_t i = 0; i < doctor->count; i++) {
        const struct plm_doctor_probe *probe = &doctor->probes[i];
        if (has_answered(probe) && !good)
            good = probe;
        if (probe->end == PLM_HTTP_BAD_CERT && !untrusted)
            untrusted = probe;
    }
    for (size_t i = 0; i < doctor->count; i++)
        say_probe(doctor, &doctor->probes[i], good || untrusted);
    if (good) {
        say_certificate(doctor, &good->sight);
        say_auth(doctor);
        go_on(doctor);
    } else if (untrusted) {
        start_trusting(doctor);
    } else {
        plm_doctor_end(doctor);
    }
}

static void on_answer(void *ctx, const struct plm_http_outcome *outcome)
{
    struct plm_doctor_probe *probe = ctx;
    struct plm_doctor *doctor = probe->doctor;
    const struct plm_buf *lines = &outcome->head.challenges;
    probe->transfer = NULL;
    probe->end = outcome->end;
    probe->error = outcome->error;
    if (outcome->sight)
        probe->sight = *outcome->sight;
    if (has_answered(probe) && doctor->status == 0) {
        doctor->status = outcome->head.status;
        plm_challenge_parse(lines->size > 0 ? lines->bytes : "", &doctor->challenge);
    }
    if (--doctor->pending == 0)
        settle(doctor);
}

static bool ask(struct plm_doctor *doctor, struct plm_doctor_probe *probe, bool trusting,
                void (*done)(void *ctx, const struct plm_http_outcome *outcome),
                struct plm_error *err)
{
    const struct plm_http_request request = {
        .method = "GET",
        .url = doctor->url,
        .send_user_agent = true,
        .insecure_tls = trusting || doctor->ref.scheme == PLM_SCHEME_HTTPS_INSECURE,
        .body_max = 64u << 10,
        .timeout_ms = doctor->limit_ms,
        .observe = true,
        .address = *probe->address ? probe->address : NULL,
    };
    probe->doctor = doctor;
    return plm_http_start(doctor->job->engine->http, &request, done, probe, &probe->transfer, err);
}

static void on_trusted(void *ctx, const struct plm_http_outcome *outcome)
{
    struct plm_doctor_probe *probe = ctx;
    probe->transfer = NULL;
    if (outcome->sight)
        probe->sight = *outcome->sight;
    say_distrust(probe->doctor, probe);
}

static void start_trusting(struct plm_doctor *doctor)
{
    struct plm_error err = {0};
    size_t i = 0;
    while (doctor->probes[i].end != PLM_HTTP_BAD_CERT)
        i++;
    doctor->probes[0].error = doctor->probes[i].error;
    plm_doctor_enter(doctor, PLM_DOCTOR_TRUSTING);
    if (!ask(doctor, &doctor->probes[i], true, on_trusted, &err))
        plm_doctor_fail(doctor, PLM_CHECK_CERTIFICATE, &err, "no request could be made", NULL);
}

static void start_asking(struct plm_doctor *doctor)
{
    struct plm_error err = {0};
    plm_doctor_enter(doctor, PLM_DOCTOR_ASKING);
    if (doctor->is_proxied) {
        doctor->count = 1;
        doctor->probes[0].address[0] = '\0';
    }
    for (size_t i = 0; i < doctor->count; i++) {
        if (!ask(doctor, &doctor->probes[i], false, on_answer, &err)) {
            plm_doctor_fail(doctor, PLM_CHECK_ADDRESS, &err, "no request could be made", NULL);
            return;
        }
        doctor->pending++;
    }
}

/* ---- the name ---- */

static void on_found(void *ctx, const char *address)
{
    struct plm_doctor *doctor = ctx;
    for (size_t i = 0; i < doctor->count; i++) {
        if (strcmp(doctor->probes[i].address, address) == 0)
            return;
    }
    if (doctor->count < PLM_DOCTOR_ADDRESSES)
        (void)snprintf(doctor->probes[doctor->count++].address, sizeof(doctor->probes[0].address),
                       "%s", address);
}

static void say_addresses(struct plm_doctor *doctor, int64_t lookup_us)
{
    char seen[PLM_DOCTOR_TEXT] = "";
    size_t used = 0;
    for (size_t i = 0; i < doctor->count; i++) {
        int more = snprintf(seen + used, sizeof(seen) - used, "%s%s", i > 0 ? ", " : "",
                            doctor->probes[i].address);
        used += more > 0 ? (size_t)more : 0;
    }
    struct plm_event_check check = {.check = PLM_CHECK_RESOLVER,
                                    .seen = seen,
                                    .means = "these are its addresses",
                                    .elapsed_ms = lookup_us / 1000};
    if (doctor->is_proxied)
        check.means = "these are the proxy's addresses";
    else if (plm_url_is_address(doctor->origin.host, strlen(doctor->origin.host)))
        check.means = "an address was given: no name has to be looked up";
    plm_doctor_say(doctor, &check);
}

static void say_proxy(struct plm_doctor *doctor)
{
    bool is_typed = doctor->job->engine->options.proxy != NULL;
    char seen[PLM_DOCTOR_TEXT];
    struct plm_event_check check = {.check = PLM_CHECK_PROXY,
                                    .seen = "none",
                                    .means = "requests go straight to the registry",
                                    .elapsed_ms = -1};
    if (doctor->is_proxied) {
        (void)snprintf(seen, sizeof(seen), "%s, %s", doctor->proxy,
                       is_typed ? "as --proxy says" : "as the environment says");
        check.result = PLM_CHECK_NOTE;
        check.seen = seen;
        check.means = "all requests go through it";
    }
    plm_doctor_say(doctor, &check);
}

static void on_listed(void *ctx, const struct plm_http_outcome *outcome)
{
    struct plm_doctor *doctor = ctx;
    const struct plm_http_sight *sight = outcome->sight;
    doctor->listing = NULL;
    if (sight && *sight->proxy) {
        doctor->is_proxied = true;
        (void)snprintf(doctor->proxy, sizeof(doctor->proxy), "%s", sight->proxy);
    }
    if (doctor->count == 0) {
        plm_doctor_fail(doctor, PLM_CHECK_RESOLVER, &outcome->error,
                        "without an address there is no way to it",
                        "is the name spelt right, and the network up? --resolve HOST:PORT:ADDR "
                        "names one by hand");
        return;
    }
    say_addresses(doctor, sight ? sight->lookup_us : 0);
    say_proxy(doctor);
    start_asking(doctor);
}

bool plm_doctor_list(struct plm_doctor *doctor, struct plm_error *err)
{
    const struct plm_http_request request = {
        .method = "GET",
        .url = doctor->url,
        .insecure_tls = doctor->ref.scheme == PLM_SCHEME_HTTPS_INSECURE,
        .body_max = 1024,
        .timeout_ms = doctor->limit_ms,
        .found = on_found,
        .found_ctx = doctor,
    };
    plm_doctor_enter(doctor, PLM_DOCTOR_LISTING);
    return plm_http_start(doctor->job->engine->http, &request, on_listed, doctor, &doctor->listing,
                          err);
}
