#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cli/args.h"

#define WORDS_MAX 12

/* Parses "pullama" and the words, which end with NULL. */
static bool parse(const char *const *words, struct plm_args *args, struct plm_error *err)
{
    const char *argv[WORDS_MAX + 1] = {"pullama"};
    int argc = 1;
    for (; argc <= WORDS_MAX && words[argc - 1]; argc++)
        argv[argc] = words[argc - 1];
    return plm_args_parse(argc, argv, args, err);
}

struct reading {
    const char *words[WORDS_MAX];
    enum plm_verb verb;
    const char *operands[4];
};

static void commands_and_operands_are_told_apart(void **state)
{
    (void)state;
    static const struct reading readings[] = {
        {{"llama3.2"}, PLM_VERB_PULL, {"llama3.2"}},
        {{"llama3.2", "mistral"}, PLM_VERB_PULL, {"llama3.2", "mistral"}},
        {{"pull", "list"}, PLM_VERB_PULL, {"list"}},
        {{"pull", "queue"}, PLM_VERB_PULL, {"queue"}},
        {{"queue", "add", "a", "b"}, PLM_VERB_QUEUE_ADD, {"a", "b"}},
        {{"queue", "--quiet", "ls"}, PLM_VERB_QUEUE_LIST, {NULL}},
        {{"--jobs=2", "queue", "start"}, PLM_VERB_QUEUE_START, {NULL}},
        {{"history", "--output", "csv"}, PLM_VERB_HISTORY, {NULL}},
        {{"pull", "http://host:5000/ns/model"}, PLM_VERB_PULL, {"http://host:5000/ns/model"}},
        {{"https+insecure://host/ns/model"}, PLM_VERB_PULL, {"https+insecure://host/ns/model"}},
        {{"LIST"}, PLM_VERB_PULL, {"LIST"}},
        {{"list"}, PLM_VERB_LIST, {NULL}},
        {{"ls", "lla"}, PLM_VERB_LIST, {"lla"}},
        {{"show", "a:b"}, PLM_VERB_SHOW, {"a:b"}},
        {{"rm", "a", "b"}, PLM_VERB_RM, {"a", "b"}},
        {{"cp", "a", "b"}, PLM_VERB_CP, {"a", "b"}},
        {{"clean"}, PLM_VERB_CLEAN, {NULL}},
        {{"keygen"}, PLM_VERB_KEYGEN, {NULL}},
        {{"version"}, PLM_VERB_VERSION, {NULL}},
        {{"-v"}, PLM_VERB_VERSION, {NULL}},
        {{"--version"}, PLM_VERB_VERSION, {NULL}},
        {{"version", "--version"}, PLM_VERB_VERSION, {NULL}},
        {{"help"}, PLM_VERB_NONE, {NULL}},
        {{"help", "ls"}, PLM_VERB_NONE, {"ls"}},
        {{"--quiet", "rm", "--dry-run", "a"}, PLM_VERB_RM, {"a"}},
        {{"--models-dir", "show", "list"}, PLM_VERB_LIST, {NULL}},
        {{"-x", "8", "pull", "a"}, PLM_VERB_PULL, {"a"}},
        {{"rm", "--", "--quiet"}, PLM_VERB_RM, {"--quiet"}},
        {{"--", "rm", "-x"}, PLM_VERB_RM, {"-x"}},
        {{"rm", "--", "a", "--", "-h"}, PLM_VERB_RM, {"a", "--", "-h"}},
        {{"show", "-"}, PLM_VERB_SHOW, {"-"}},
    };
    for (size_t i = 0; i < PLM_COUNT(readings); i++) {
        struct plm_args args;
        struct plm_error err = {0};
        if (!parse(readings[i].words, &args, &err))
            fail_msg("%s: %s", readings[i].words[0], err.msg);
        assert_int_equal(args.verb->verb, readings[i].verb);
        size_t n = 0;
        for (; readings[i].operands[n]; n++) {
            assert_true(n < args.operand_count);
            assert_string_equal(args.operands[n], readings[i].operands[n]);
        }
        assert_int_equal(args.operand_count, n);
        plm_args_done(&args);
    }
}

static void options_have_many_forms_and_the_last_one_counts(void **state)
{
    (void)state;
    static const char *const forms[][WORDS_MAX] = {
        {"a", "-x", "8"},
        {"a", "-x8"},
        {"a", "-x=8"},
        {"-x8", "a"},
        {"a", "--connections", "8"},
        {"--connections=8", "pull", "a"},
        {"-x", "3", "a", "--connections=8"},
    };
    for (size_t i = 0; i < PLM_COUNT(forms); i++) {
        struct plm_args args;
        struct plm_error err = {0};
        assert_true(parse(forms[i], &args, &err));
        assert_true(plm_args_has(&args, PLM_OPT_CONNECTIONS));
        assert_int_equal(args.values[PLM_OPT_CONNECTIONS].number, 8);
        assert_int_equal(args.operand_count, 1);
        plm_args_done(&args);
    }
}

static void a_text_after_the_equals_sign_may_be_anything(void **state)
{
    (void)state;
    const char *const words[] = {"list", "--models-dir=--quiet=1", NULL};
    struct plm_args args;
    struct plm_error err = {0};
    assert_true(parse(words, &args, &err));
    assert_string_equal(args.values[PLM_OPT_MODELS_DIR].text, "--quiet=1");
    assert_false(plm_args_has(&args, PLM_OPT_QUIET));
    plm_args_done(&args);
}

struct refusal {
    const char *words[WORDS_MAX];
    const char *message; /* a part of it */
};

static void assert_refused(const struct refusal *refusals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct plm_args args;
        struct plm_error err = {0};
        if (parse(refusals[i].words, &args, &err))
            fail_msg("accepted; expected: %s", refusals[i].message);
        assert_int_equal(err.code, PLM_E_USAGE);
        if (!strstr(err.msg, refusals[i].message))
            fail_msg("'%s', expected: %s", err.msg, refusals[i].message);
        plm_args_done(&args);
    }
}

static void a_pull_with_an_archive_is_two_jobs(void **state)
{
    (void)state;
    const char *const words[] = {"pull", "a", "b", "--export", "-", "--split", "2G", NULL};
    struct plm_args args;
    struct plm_error err = {0};
    struct plm_job_spec spec;
    assert_true(parse(words, &args, &err));
    assert_true(plm_args_fill_stdout(&args));
    assert_true(args.verb->job(&args, 1, &spec));
    assert_int_equal(spec.verb, PLM_VERB_PULL);
    assert_string_equal(spec.model, "b");
    assert_true(args.verb->job(&args, 2, &spec));
    assert_int_equal(spec.verb, PLM_VERB_EXPORT);
    assert_int_equal(spec.model_count, 2);
    assert_int_equal(spec.split, UINT64_C(2) << 30);
    assert_true(spec.after_success);
    assert_false(args.verb->job(&args, 3, &spec));
    plm_args_done(&args);
    const char *const alone[] = {"pull", "a", "--split", "2G", NULL};
    assert_false(parse(alone, &args, &err));
    assert_non_null(strstr(err.msg, "--export"));
    plm_args_done(&args);
}

static void a_slip_is_suspected_only_where_the_command_was_left_out(void **state)
{
    (void)state;
    const char *const slip[] = {"lsit", NULL}, *const named[] = {"pull", "lsit", NULL},
                      *const model[] = {"mistral", NULL};
    struct plm_args args;
    char text[128];
    assert_true(parse(slip, &args, NULL));
    assert_string_equal(plm_args_slip_hint(&args, text, sizeof(text)),
                        "no command is called 'lsit'; did you mean: pullama list");
    plm_args_done(&args);
    assert_true(parse(named, &args, NULL));
    assert_null(plm_args_slip_hint(&args, text, sizeof(text)));
    plm_args_done(&args);
    assert_true(parse(model, &args, NULL));
    assert_null(plm_args_slip_hint(&args, text, sizeof(text)));
    plm_args_done(&args);
}

static void an_export_needs_a_place(void **state)
{
    (void)state;
    const char *const words[] = {"export", "a", NULL}, *const good[] = {"export", "-oa.zip", "a",
                                                                        NULL};
    struct plm_args args;
    struct plm_error err = {0};
    assert_false(parse(words, &args, &err));
    assert_non_null(strstr(err.msg, "-o FILE.zip"));
    plm_args_done(&args);
    assert_true(parse(good, &args, NULL));
    assert_false(plm_args_fill_stdout(&args));
    plm_args_done(&args);
}

static void only_an_archive_fills_standard_output(void **state)
{
    (void)state;
    static const char *const others[][WORDS_MAX] = {
        {"--help"}, {"--version"}, {"freeze", "-o-"}, {"freeze"}, {"export", "a", "-o", "a.zip"}};
    struct plm_args args;
    for (size_t i = 0; i < PLM_COUNT(others); i++) {
        assert_true(parse(others[i], &args, NULL));
        assert_false(plm_args_fill_stdout(&args));
        plm_args_done(&args);
    }
    static const char *const archive[] = {"export", "a", "-o-", NULL};
    assert_true(parse(archive, &args, NULL));
    assert_true(plm_args_fill_stdout(&args));
    plm_args_done(&args);
}

static void wrong_flags_are_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {{"a", "--conections", "8"}, "unknown flag --conections; did you mean --connections?"},
        {{"a", "--limit=5M"}, "unknown flag --limit=5M; did you mean --limit-rate?"},
        {{"--qiuet"}, "unknown flag --qiuet; did you mean --quiet?"},
        {{"list", "--whatever"}, "unknown flag --whatever"},
        {{"list", "-z"}, "unknown flag -z"},
        {{"list", "-hv"}, "unknown flag -hv"},
        {{"list", "--="}, "unknown flag --="},
        {{"list", "---quiet"}, "unknown flag ---quiet"},
        {{"list", "--\033[2J"}, "unknown flag --\\x1b[2J"},
        {{"list", "--conections=1"}, "unknown flag --conections=1"},
        {{"list", "-x", "8"}, "list has no flag --connections"},
        {{"cp", "a", "b", "--dry-run"}, "cp has no flag --dry-run"},
        {{"rm", "a", "--insecure"}, "rm has no flag --insecure"},
        {{"a", "-v"}, "did you mean --verbose?"},
        {{"list", "--version"}, "did you mean --verbose?"},
    };
    assert_refused(refusals, PLM_COUNT(refusals));
}

static void wrong_values_are_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {{"a", "-x"}, "--connections needs a value: N"},
        {{"a", "-x", "--quiet"}, "--connections needs a value: N"},
        {{"a", "-x="}, "--connections needs a value: N"},
        {{"a", "-x", "33"}, "it may be 1 to 32"},
        {{"a", "-xa"}, "it may be 1 to 32"},
        {{"a", "--max-retries", "-1"}, "it may be 0 to 1000"},
        {{"a", "--models-dir"}, "--models-dir needs a value: DIR"},
        {{"a", "--models-dir="}, "--models-dir needs a value: DIR"},
        {{"a", "--models-dir", ""}, "--models-dir needs a value: DIR"},
        {{"--models-dir", "--", "a"}, "--models-dir needs a value: DIR"},
        {{"a", "--output=xml"}, "table, compact, json, debug or csv"},
        {{"a", "--quiet=yes"}, "--quiet takes no value"},
        {{"a", "--timeout", "30"}, "is not a duration"},
        {{"a", "--chunk-size", "1K"}, "it may be 64KiB to 1TiB"},
        {{"a", "--timeout", "x", "--chunk-size", "y"}, "--timeout: 'x'"},
    };
    assert_refused(refusals, PLM_COUNT(refusals));
}

static void wrong_operands_are_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {{NULL}, "a command or a model is missing"},
        {{"--quiet"}, "a command or a model is missing"},
        {{"--"}, "a command or a model is missing"},
        {{"pull"}, "an operand is missing; usage: pullama pull MODEL..."},
        {{"show"}, "usage: pullama show MODEL"},
        {{"show", "a", "b"}, "'b' is too much; usage: pullama show MODEL"},
        {{"list", "a", "b"}, "'b' is too much; usage: pullama list [PREFIX]"},
        {{"cp", "a"}, "usage: pullama cp SOURCE TARGET"},
        {{"cp", "a", "b", "c"}, "'c' is too much"},
        {{"clean", "all"}, "'all' is too much; usage: pullama clean"},
        {{"version", "1"}, "'1' is too much; usage: pullama version"},
        {{"rm", "a", ""}, "an operand of rm is empty"},
        {{""}, "an operand of pull is empty"},
        {{"help", "lst"}, "there is no command 'lst'; did you mean list?"},
        {{"help", "frobnicate"}, "there is no command 'frobnicate'"},
        {{"update"}, "name the models to update"},
        {{"update", "--all", "m"}, "exclude each other"},
        {{"adopt", "f.gguf"}, "--as MODEL"},
        {{"help", "serve"}, "'serve' is not in this version"},
        {{"help", "queue", "ad"}, "there is no command 'queue ad'; queue does one of: add,"},
        {{"help", "pull", "a"}, "'a' is too much; usage: pullama help [COMMAND]"},
        {{"serve", "add", "a"}, "'serve' is not in this version"},
        {{"serve"}, "to pull a model of that name: pullama pull serve"},
        {{"queue"}, "queue does one of: add, list, start, rm, retry, clear"},
        {{"queue", "ad", "a"}, "there is no command 'queue ad'; queue does one of: add, list"},
        {{"queue", "add"}, "an operand is missing; usage: pullama queue add MODEL..."},
        {{"queue", "list", "a"}, "'a' is too much; usage: pullama queue list"},
        {{"list", "--output", "csv"}, "--output csv is a form of history and stats alone"},
        {{"queue", "start", "--jobs", "17"}, "--jobs: '17' is not allowed; it may be 1 to 16"},
        {{"https://host/ns/model"}, "pullama pull http://HOST/NAMESPACE/MODEL"},
        {{"HTTP://host/file.bin"}, "fetching a URL is not in this version"},
        {{"a", "http://host/file.bin"}, "fetching a URL is not in this version"},
    };
    assert_refused(refusals, PLM_COUNT(refusals));
}

static void a_failure_still_tells_the_form_of_the_output(void **state)
{
    (void)state;
    static const char *const lines[][WORDS_MAX] = {
        {"list", "--bogus", "--output", "json"},
        {"--output=json", "-x", "99", "a"},
        {"serve", "--output", "json"},
        {"--output", "xml", "list", "--output", "json"},
        {"--output", "json"},
    };
    for (size_t i = 0; i < PLM_COUNT(lines); i++) {
        struct plm_args args;
        struct plm_error err = {0};
        assert_false(parse(lines[i], &args, &err));
        assert_true(plm_args_has(&args, PLM_OPT_OUTPUT));
        assert_int_equal(args.values[PLM_OPT_OUTPUT].number, 2);
        plm_args_done(&args);
    }
}

static void help_anywhere_wins_over_every_error(void **state)
{
    (void)state;
    static const struct {
        const char *words[WORDS_MAX];
        const char *verb;
    } lines[] = {
        {{"-h"}, NULL},
        {{"--help", "pull"}, "pull"},
        {{"ls", "-h"}, "list"},
        {{"llama3.2", "-h"}, NULL},
        {{"queue", "-h"}, NULL},
        {{"rm", "--bogus", "-x", "99", "--help"}, "rm"},
        {{"show", "--models-dir", "--help"}, "show"},
        {{"cp", "a", "-h", "b", "c"}, "cp"},
    };
    for (size_t i = 0; i < PLM_COUNT(lines); i++) {
        struct plm_args args;
        struct plm_error err = {0};
        assert_true(parse(lines[i].words, &args, &err));
        assert_true(plm_args_has(&args, PLM_OPT_HELP));
        assert_ptr_equal(args.verb, lines[i].verb ? plm_verb_find(lines[i].verb) : NULL);
        plm_args_done(&args);
    }
}

static void engine_options_are_set_only_where_given(void **state)
{
    (void)state;
    const char *const none[] = {"a", NULL};
    const char *const all[] = {"a",
                               "-x8",
                               "--insecure",
                               "--max-retries=0",
                               "--chunk-size=1M",
                               "--timeout=1m",
                               "--stall-timeout=2s",
                               "--limit-rate=3K",
                               "--min-free=4G",
                               "--models-dir=/m",
                               "--cacert=c",
                               NULL};
    struct plm_engine_options options = {.max_retries = -1, .connections = 5};
    struct plm_args args;
    struct plm_error err = {0};
    assert_true(parse(none, &args, &err));
    plm_args_engine_options(&args, &options);
    plm_args_done(&args);
    assert_int_equal(options.max_retries, -1);
    assert_int_equal(options.connections, 5);
    assert_null(options.models_dir);
    assert_null(options.proxy);
    assert_false(options.insecure);
    assert_int_equal(options.timeout_ms, 0);

    assert_true(parse(all, &args, &err));
    plm_args_engine_options(&args, &options);
    plm_args_done(&args);
    assert_int_equal(options.connections, 8);
    assert_int_equal(options.max_retries, 0);
    assert_int_equal(options.chunk_size, 1048576);
    assert_int_equal(options.timeout_ms, 60000);
    assert_int_equal(options.stall_ms, 2000);
    assert_int_equal(options.limit_rate, 3072);
    assert_int_equal(options.min_free, UINT64_C(4) << 30);
    assert_true(options.insecure);
    assert_string_equal(options.models_dir, "/m");
    assert_string_equal(options.ca_file, "c");

    const char *const rest[] = {"a", "--proxy", "http://p:1", "--platform", "linux/arm64", NULL};
    assert_true(parse(rest, &args, &err));
    plm_args_engine_options(&args, &options);
    plm_args_done(&args);
    assert_string_equal(options.proxy, "http://p:1");
    assert_string_equal(options.platform, "linux/arm64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_and_operands_are_told_apart),
        cmocka_unit_test(options_have_many_forms_and_the_last_one_counts),
        cmocka_unit_test(a_text_after_the_equals_sign_may_be_anything),
        cmocka_unit_test(a_pull_with_an_archive_is_two_jobs),
        cmocka_unit_test(a_slip_is_suspected_only_where_the_command_was_left_out),
        cmocka_unit_test(an_export_needs_a_place),
        cmocka_unit_test(only_an_archive_fills_standard_output),
        cmocka_unit_test(wrong_flags_are_refused),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(wrong_operands_are_refused),
        cmocka_unit_test(a_failure_still_tells_the_form_of_the_output),
        cmocka_unit_test(help_anywhere_wins_over_every_error),
        cmocka_unit_test(engine_options_are_set_only_where_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
