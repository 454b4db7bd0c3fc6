/* The program: from argv and the environment to jobs, events and an exit status. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/ask.h"
#include "cli/environment.h"
#include "cli/help.h"
#include "cli/signals.h"
#include "cli/view.h"

#define STEP_DRAWN_MS 100
#define STEP_PLAIN_MS 1000

struct session {
    struct plm_args args;
    struct plm_screen screen;
    struct plm_view *view;
    char *resume_flags, *resume_models;
    char *mirror_words;
    char slip[128];
    const char *mirrors[PLM_MIRRORS_MAX + 1]; /* one more, to be told that it is too many */
    struct plm_engine *engine;
    int signal_fd;
};

/* A program that starts without standard descriptors would open its files in their places, and
 * print into them. fopen() takes the lowest number that is free. */
static void fill_standard_descriptors(void)
{
    for (;;) {
        FILE *file = fopen("/dev/null", "r+");
        if (!file) /* NOLINT: gcc misses the descriptors that are to stay open */
            return;
        if (fileno(file) <= STDERR_FILENO)
            continue; /* stays open for as long as the program runs */
        (void)fclose(file);
        return;
    }
}

static enum plm_view_mode mode_of(const struct plm_args *args)
{
    static const enum plm_view_mode modes[] = {PLM_VIEW_TABLE, PLM_VIEW_COMPACT, PLM_VIEW_JSON,
                                               PLM_VIEW_DEBUG, PLM_VIEW_CSV};
    const struct plm_option_value *output = &args->values[PLM_OPT_OUTPUT];
    return output->given ? modes[output->number] : PLM_VIEW_TABLE;
}

static bool open_view(struct session *s, struct plm_error *err)
{
    bool archive = plm_args_fill_stdout(&s->args); /* then nothing else may go there */
    plm_screen_init(&s->screen, archive ? STDERR_FILENO : STDOUT_FILENO, STDERR_FILENO, getenv);
    if (plm_args_has(&s->args, PLM_OPT_NO_COLOR))
        s->screen.colour = false;
    s->resume_flags = plm_args_resume_flags(&s->args);
    s->resume_models = plm_args_resume_models(&s->args);
    struct plm_view_options options = {.mode = mode_of(&s->args),
                                       .quiet = plm_args_has(&s->args, PLM_OPT_QUIET),
                                       .verbose = plm_args_has(&s->args, PLM_OPT_VERBOSE),
                                       .screen = &s->screen,
                                       .out = archive ? stderr : stdout,
                                       .err = stderr,
                                       .flags = s->resume_flags,
                                       .models = s->resume_models,
                                       .slip =
                                           plm_args_slip_hint(&s->args, s->slip, sizeof(s->slip)),
                                       .is_ending = plm_signals_came};
    return plm_view_new(&options, &s->view, err);
}

/* An event of a verb that needs no engine. */
static void emit(struct session *s, uint64_t seq, struct plm_event *event)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    event->seq = seq;
    event->time_ms = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
    event->job = 1;
    struct plm_sink sink = plm_view_sink(s->view);
    sink.emit(sink.ctx, event);
}

static void show_version(struct session *s)
{
    bool detailed = plm_args_has(&s->args, PLM_OPT_VERBOSE) || mode_of(&s->args) == PLM_VIEW_JSON ||
                    mode_of(&s->args) == PLM_VIEW_DEBUG;
    struct plm_event version = {.kind = PLM_EV_VERSION, .verb = PLM_VERB_VERSION};
    version.version.version = plm_version();
    version.version.libraries = detailed ? plm_version_libraries() : NULL;
    struct plm_event completed = {.kind = PLM_EV_COMPLETED, .verb = PLM_VERB_VERSION};
    emit(s, 1, &version);
    emit(s, 2, &completed);
}

/* In JSON mode nothing but events goes to stdout. */
static void show_help(struct session *s)
{
    const struct plm_args *args = &s->args;
    bool is_json = mode_of(args) == PLM_VIEW_JSON;
    FILE *out = is_json ? stderr : stdout;
    if (!plm_args_has(args, PLM_OPT_HELP))
        plm_args_choose_help(&s->args);
    if (args->group && !args->verb)
        plm_help_write_group(out, args->group);
    else
        plm_help_write(out, args->verb);
    if (is_json) {
        struct plm_event completed = {.kind = PLM_EV_COMPLETED, .verb = PLM_VERB_NONE};
        emit(s, 1, &completed);
    }
}

static void on_signal(void *ctx)
{
    struct session *s = ctx;
    char byte;
    if (read(s->signal_fd, &byte, 1) != 1)
        return;
    if (byte == PLM_SIGNAL_PAUSE)
        plm_engine_pause(s->engine);
    else
        plm_engine_stop(s->engine);
}

static bool start_engine(struct session *s, char **models_dir, struct plm_error *err)
{
    struct plm_engine_options options = {
        .max_retries = -1,
        .history = true,
        .no_prune = plm_environment_true(getenv("OLLAMA_NOPRUNE")),
        .connections =
            plm_environment_count(getenv("OLLAMA_REGISTRY_MAXSTREAMS"), PLM_CONNECTIONS_MAX)};
    options.mirrors = s->mirrors;
    options.mirror_count = plm_environment_words(getenv("PULLAMA_MIRRORS"), &s->mirror_words,
                                                 s->mirrors, PLM_COUNT(s->mirrors));
    plm_args_engine_options(&s->args, &options);
    if (!options.models_dir) {
        if (!plm_models_dir_default(models_dir, err))
            return false;
        options.models_dir = *models_dir;
    }
    bool is_patient = s->args.verb->verb == PLM_VERB_QUEUE_START;
    return plm_signals_catch(&s->screen, is_patient, &s->signal_fd, err) &&
           plm_engine_new(&options, plm_view_sink(s->view), &s->engine, err) &&
           plm_engine_watch(s->engine, s->signal_fd, on_signal, s, err);
}

/* The words are copied by the submission. */
static bool submit_login(struct session *s, struct plm_error *err)
{
    struct plm_job_spec spec;
    struct plm_login_words words = {0};
    struct plm_ref host;
    uint32_t id;
    /* An address that the job would refuse is refused before anybody is asked. */
    bool ok = s->args.verb->job(&s->args, 0, &spec) && plm_ref_parse_host(spec.model, &host, err);
    const struct plm_ask ask = {.host = spec.model,
                                .user = s->args.values[PLM_OPT_USERNAME].text,
                                .from_stdin = plm_args_has(&s->args, PLM_OPT_PASSWORD_STDIN),
                                .in_fd = STDIN_FILENO,
                                .signal_fd = s->signal_fd,
                                .screen = &s->screen,
                                .out = stderr};
    spec.user = words.user;
    spec.secret = words.password;
    ok = ok && plm_ask_login(&ask, &words, err) && plm_engine_submit(s->engine, &spec, &id, err);
    plm_login_words_wipe(&words);
    return ok;
}

/* An archive is nothing that a person could type, or read. */
static bool check_streams(const struct session *s, struct plm_error *err)
{
    const struct plm_args *args = &s->args;
    if (plm_args_fill_stdout(args) && isatty(STDOUT_FILENO))
        return plm_fail(
            err, PLM_E_USAGE,
            "the archive would go to the terminal; give a FILE, or redirect the output");
    bool reads = false;
    for (size_t i = 0; args->verb->verb == PLM_VERB_IMPORT && i < args->operand_count; i++)
        reads = reads || strcmp(args->operands[i], "-") == 0;
    if (reads && args->operand_count > 1)
        return plm_fail(err, PLM_E_USAGE, "- stands alone: one archive comes from standard input");
    return !reads || !isatty(STDIN_FILENO) ||
           plm_fail(err, PLM_E_USAGE,
                    "- reads an archive from standard input, and that is the "
                    "terminal");
}

static bool submit_jobs(struct session *s, struct plm_error *err)
{
    struct plm_job_spec spec;
    uint32_t id;
    if (s->args.verb->verb == PLM_VERB_LOGIN)
        return submit_login(s, err);
    if (!check_streams(s, err))
        return false;
    for (size_t n = 0; s->args.verb->job(&s->args, n, &spec); n++) {
        if (!plm_engine_submit(s->engine, &spec, &id, err))
            return false;
    }
    return true;
}

static enum plm_code run_jobs(struct session *s)
{
    struct plm_error err = {0};
    char *models_dir = NULL;
    enum plm_code code;
    if (start_engine(s, &models_dir, &err) && submit_jobs(s, &err)) {
        (void)plm_engine_confine(s->engine); /* where the system can: no answer depends on it */
        int wait_ms = s->screen.overwrite ? STEP_DRAWN_MS : STEP_PLAIN_MS;
        while (plm_engine_step(s->engine, wait_ms))
            plm_view_tick(s->view);
        code = plm_engine_result(s->engine);
    } else {
        plm_view_fail(s->view, s->args.verb->verb, &err);
        code = err.code;
    }
    plm_engine_free(s->engine);
    free(models_dir);
    return code;
}

/* @p wrong: why the command line could not be read, or NULL. */
static enum plm_code run(struct session *s, const struct plm_error *wrong)
{
    const struct plm_verb_row *verb = s->args.verb;
    if (wrong) {
        plm_view_fail(s->view, verb ? verb->verb : PLM_VERB_NONE, wrong);
        return wrong->code;
    }
    if (plm_args_has(&s->args, PLM_OPT_HELP) || verb->verb == PLM_VERB_NONE)
        show_help(s);
    else if (verb->verb == PLM_VERB_VERSION)
        show_version(s);
    else
        return run_jobs(s);
    return PLM_OK;
}

/* Writes what is left. A reader that has gone away is no failure of ours. */
static enum plm_code finish(struct session *s, enum plm_code code)
{
    struct plm_error err = {0};
    bool written = plm_view_end(s->view, &err);
    plm_view_free(s->view);
    free(s->resume_flags);
    free(s->resume_models);
    free(s->mirror_words);
    plm_args_done(&s->args);
    if (written || err.sys_errno == EPIPE)
        return code;
    (void)fprintf(stderr, "error: output: %s\n", err.msg);
    return code == PLM_OK ? err.code : code;
}

int main(int argc, char **argv)
{
    fill_standard_descriptors();
    plm_signals_ignore_pipe();
    if (argc <= 1) {
        plm_help_write(stderr, NULL);
        return plm_code_exit_status(PLM_E_USAGE);
    }
    struct session s = {.signal_fd = -1};
    struct plm_error wrong = {0}, err = {0};
    bool parsed = plm_args_parse(argc, (const char *const *)argv, &s.args, &wrong);
    if (!open_view(&s, &err)) {
        (void)fprintf(stderr, "error: %s\n", err.msg);
        plm_args_done(&s.args);
        return plm_code_exit_status(err.code);
    }
    return plm_code_exit_status(finish(&s, run(&s, parsed ? NULL : &wrong)));
}
