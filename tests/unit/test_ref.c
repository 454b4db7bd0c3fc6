#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "pullama/ref.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* Names that Ollama refuses and we accept, or the other way round. */
static const struct {
    const char *name;
    bool valid;
    const char *why;
} deliberate[] = {
    {"h:5000/m", true, "host:port/model"},
    {"localhost:5000/m:t", true, "host:port/model"},
    {"[::1]:5000/n/m", true, "IPv6 literal"},
    {"m@sha256:" HEX_A, true, "pinned by digest"},
    {"m:t@sha256:" HEX_A, true, "pinned by digest"},
    {"foo+bar://h/n/m", false, "only https, http and https+insecure are schemes"},
};

static void assert_parts(const char *text, const char *host, const char *ns, const char *model,
                         const char *tag)
{
    struct plm_ref ref;
    struct plm_error err = {0};
    if (!plm_ref_parse(text, &ref, &err))
        fail_msg("%s: %s", text, err.msg);
    assert_string_equal(ref.host, host);
    assert_string_equal(ref.ns, ns);
    assert_string_equal(ref.model, model);
    assert_string_equal(ref.tag, tag);
}

static void refuse(const char *text, const char *in_message)
{
    struct plm_ref ref = {.host = "untouched"};
    struct plm_error err = {0};
    if (plm_ref_parse(text, &ref, &err))
        fail_msg("%s is accepted", text);
    assert_int_equal(err.code, PLM_E_BAD_NAME);
    assert_string_equal(ref.host, "untouched");
    if (!strstr(err.msg, in_message))
        fail_msg("'%s' is not in: %s", in_message, err.msg);
}

static void missing_parts_get_defaults(void **state)
{
    (void)state;
    assert_parts("m", "registry.ollama.ai", "library", "m", "latest");
    assert_parts("m:cloud", "registry.ollama.ai", "library", "m", "cloud");
    assert_parts("n/M:T", "registry.ollama.ai", "n", "M", "T");
    assert_parts("h:5000/n/m", "h:5000", "n", "m", "latest");
    assert_parts("localhost/m", "registry.ollama.ai", "localhost", "m", "latest");
    assert_parts("hf.co/o/m-GGUF:Q4_K_M", "hf.co", "o", "m-GGUF", "Q4_K_M");
}

static void forms_that_people_type_are_accepted(void **state)
{
    (void)state;
    assert_parts("localhost:5000/m", "localhost:5000", "library", "m", "latest");
    assert_parts("http://localhost:5000/m:t", "localhost:5000", "library", "m", "t");
    assert_parts("[::1]:5000/ns/m", "[::1]:5000", "ns", "m", "latest");
    assert_parts("[fe80::1]/m:t", "[fe80::1]", "library", "m", "t");
    assert_parts("https://[::1]/n/m", "[::1]", "n", "m", "latest");
}

static void schemes_are_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum plm_scheme scheme;
        bool typed;
        const char *url;
    } rows[] = {
        {"h/n/m", PLM_SCHEME_HTTPS, false, "https://h/v2/n/m"},
        {"https://h/n/m", PLM_SCHEME_HTTPS, true, "https://h/v2/n/m"},
        {"HTTP://h:1/n/m", PLM_SCHEME_HTTP, true, "http://h:1/v2/n/m"},
        {"https+insecure://h/n/m:t", PLM_SCHEME_HTTPS_INSECURE, true, "https://h/v2/n/m"},
        {"://h/n/m", PLM_SCHEME_HTTPS, false, "https://h/v2/n/m"},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_ref ref;
        struct plm_error err = {0};
        char url[100];
        assert_true(plm_ref_parse(rows[i].text, &ref, &err));
        assert_int_equal(ref.scheme, rows[i].scheme);
        assert_int_equal(ref.scheme_typed, rows[i].typed);
        assert_true(plm_ref_base_url(&ref, url, sizeof(url)));
        assert_string_equal(url, rows[i].url);
        assert_true(plm_ref_base_url(&ref, url, strlen(rows[i].url) + 1));
        assert_false(plm_ref_base_url(&ref, url, strlen(rows[i].url)));
    }
}

static void a_digest_pins(void **state)
{
    (void)state;
    struct plm_ref ref;
    struct plm_error err = {0};
    char text[PLM_REF_TEXT];
    assert_true(plm_ref_parse("h/n/m:t@sha256:" HEX_A, &ref, &err));
    assert_true(ref.has_digest);
    assert_int_equal(ref.digest.sha256[31], 0xaa);
    assert_string_equal(plm_ref_format(&ref, text), "h/n/m:t@sha256:" HEX_A);
    refuse("m@sha256:12", "behind '@'");
    refuse("m@", "behind '@'");
    refuse("m@sha256:" HEX_A "@sha256:" HEX_A, "behind '@'");
    refuse("@sha256:" HEX_A, "model is empty");
}

static void bad_names_say_what_is_wrong(void **state)
{
    (void)state;
    refuse("", "empty");
    refuse("m:", "tag is empty");
    refuse(":t", "model is empty");
    refuse("n/", "model is empty");
    refuse("/m", "namespace is empty");
    refuse("//m", "host is empty");
    refuse("a/b/c/d", "too many '/'");
    refuse("m:t:u", "model 'm:t' has a ':' in it");
    refuse("m m", "has a ' ' in it; allowed are letters");
    refuse(" m", "has a ' ' in it");
    refuse("m\xC3\xA9", "has a '\xC3\xA9' in it");
    refuse("m\x1b[31m", "has a '\\x1b' in it");
    refuse("-m", "begins with '-'");
    refuse("n.x/m", "host/namespace/model");
    refuse("http://m", "host/namespace/model");
    refuse("http://n/m", "host/namespace/model");
    refuse("ftp://h/n/m", "scheme 'ftp'");
    refuse("h:0/n/m", "port '0'");
    refuse("h:65536/n/m", "port '65536'");
    refuse("h:/n/m", "port ''");
    refuse("h:1:2/n/m", "port '1:2'");
    refuse("[::1/n/m", "IPv6");
    refuse("[1]/n/m", "IPv6");
    refuse("[::g]/n/m", "IPv6");
    refuse("[::1%25eth0]/n/m", "IPv6");
    refuse("[::1]x/n/m", "behind ']'");
    refuse("[::1]:x/n/m", "port 'x'");
    refuse("[::1]", "");
    refuse("user:secret@h/n/m", "behind '@'");
}

static void no_name_leaves_its_directory(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "..",     "../m",   "n/..",     "h/../m", "../n/m", "m:..",   "m:.",   "./m",
        "h/./m",  "/etc/m", "h//m",     "n/m/",   "..:1/m", ".h/n/m", "m:a/b", "n\\m",
        "m:t\\u", "h/n/m:", "[..]/n/m", "m:.t",   "%2e/m",  "m\n",    "~/m",   "h?x/n/m"};
    for (size_t i = 0; i < PLM_COUNT(bad); i++)
        refuse(bad[i], "");
}

static void lengths_are_bounded_and_the_longest_name_fits(void **state)
{
    (void)state;
    char text[2000], part[PLM_REF_HOST_MAX + 2], out[PLM_REF_TEXT];
    memset(part, 'a', sizeof(part));
    (void)snprintf(text, sizeof(text), "https+insecure://%.350s/%.80s/%.80s:%.80s@sha256:" HEX_A,
                   part, part, part, part);
    struct plm_ref ref;
    struct plm_error err = {0};
    assert_true(plm_ref_parse(text, &ref, &err));
    assert_string_equal(plm_ref_format(&ref, out), text + strlen("https+insecure://"));
    static const int lengths[][4] = {{351, 1, 1, 1}, {1, 81, 1, 1}, {1, 1, 81, 1}, {1, 1, 1, 81}};
    for (size_t i = 0; i < PLM_COUNT(lengths); i++) {
        (void)snprintf(text, sizeof(text), "%.*s/%.*s/%.*s:%.*s", lengths[i][0], part,
                       lengths[i][1], part, lengths[i][2], part, lengths[i][3], part);
        refuse(text, "at most");
    }
}

static void parts_of_a_path_are_checked_like_names(void **state)
{
    (void)state;
    struct plm_ref ref;
    struct plm_error err = {0};
    char text[PLM_REF_TEXT];
    assert_true(plm_ref_from_parts("registry.ollama.ai", "library", "m", "t", &ref, &err));
    assert_string_equal(plm_ref_format(&ref, text), "m:t");
    assert_true(plm_ref_from_parts("h:1", "library", "m", "t", &ref, &err));
    assert_string_equal(plm_ref_format(&ref, text), "h:1/library/m:t");
    assert_false(plm_ref_from_parts("h", "n", "m", ".tmp", &ref, &err));
    assert_int_equal(err.code, PLM_E_BAD_NAME);
    assert_false(plm_ref_from_parts("..", "n", "m", "t", &ref, NULL));
    assert_false(plm_ref_from_parts("h", "a/b", "m", "t", &ref, NULL));
    assert_false(plm_ref_from_parts("h", "", "m", "t", &ref, NULL));
}

static void models_are_the_same_by_all_four_parts(void **state)
{
    (void)state;
    struct plm_ref a, b;
    assert_true(plm_ref_parse("m", &a, NULL));
    assert_true(plm_ref_parse("http://registry.ollama.ai/library/m:latest", &b, NULL));
    assert_true(plm_ref_same_model(&a, &b));
    assert_true(plm_ref_parse("M", &b, NULL));
    assert_false(plm_ref_same_model(&a, &b));
    assert_true(plm_ref_parse("m:other", &b, NULL));
    assert_false(plm_ref_same_model(&a, &b));
}

static void compare_vector(const struct plm_json *vector)
{
    const char *name = plm_json_text(plm_json_get(vector, "in"));
    bool valid = plm_json_true(plm_json_get(vector, "valid")), ours = false;
    for (size_t i = 0; i < PLM_COUNT(deliberate); i++) {
        if (strcmp(name, deliberate[i].name) == 0) {
            assert_int_not_equal(valid, deliberate[i].valid);
            valid = deliberate[i].valid;
            ours = true;
        }
    }
    struct plm_ref ref;
    struct plm_error err = {0};
    if (plm_ref_parse(name, &ref, &err) != valid)
        fail_msg("'%s' should be %s: %s", name, valid ? "valid" : "invalid", err.msg);
    if (!valid || ours)
        return;
    char text[PLM_REF_TEXT], path[PLM_REF_TEXT];
    (void)snprintf(path, sizeof(path), "%s/%s/%s/%s", ref.host, ref.ns, ref.model, ref.tag);
    assert_string_equal(path, plm_json_text(plm_json_get(vector, "path")));
    assert_string_equal(plm_ref_format(&ref, text), plm_json_text(plm_json_get(vector, "short")));
    assert_string_equal(ref.scheme == PLM_SCHEME_HTTP ? "http" : "https",
                        plm_json_text(plm_json_get(vector, "scheme")));
}

static void names_come_out_as_ollama_reads_them(void **state)
{
    (void)state;
    const char *directory = getenv("PLM_SHARED_DATA");
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/name_vectors.json", directory ? directory : "");
    FILE *file = directory ? fopen(path, "rb") : NULL;
    if (!file) {
        print_message("# PLM_SHARED_DATA names no directory with name_vectors.json\n");
        skip();
    }
    static char text[1 << 20];
    size_t size = fread(text, 1, sizeof(text), file);
    (void)fclose(file);
    plm_auto(plm_json_freep) struct plm_json *vectors = NULL;
    struct plm_error err = {0};
    assert_true(plm_json_parse(text, size, 8, &vectors, &err));
    assert_int_equal(plm_json_array_size(vectors), 66);
    for (size_t i = 0; i < plm_json_array_size(vectors); i++)
        compare_vector(plm_json_at(vectors, i));
}

static void a_registrys_address_is_host_and_scheme(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        enum plm_scheme scheme;
    } rows[] = {
        {"r.example", "r.example", PLM_SCHEME_HTTPS},
        {"r.example:5000/", "r.example:5000", PLM_SCHEME_HTTPS},
        {"http://[::1]:5000/v2/", "[::1]:5000", PLM_SCHEME_HTTP},
        {"https://index.docker.io/v1/", "index.docker.io", PLM_SCHEME_HTTPS},
        {"https+insecure://h/v2", "h", PLM_SCHEME_HTTPS_INSECURE},
    };
    static const char *const wrong[] = {"",        "/",       "/v2/", "h/x", "h/v3", "h:0", "h:x",
                                        "ftp://h", "http://", "u@h",  "h\n", "..",   "h?x"};
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_ref ref;
        struct plm_error err = {0};
        assert_true(plm_ref_parse_host(rows[i].text, &ref, &err));
        assert_string_equal(ref.host, rows[i].host);
        assert_int_equal(ref.scheme, rows[i].scheme);
    }
    for (size_t i = 0; i < PLM_COUNT(wrong); i++) {
        struct plm_ref ref;
        struct plm_error err = {0};
        if (plm_ref_parse_host(wrong[i], &ref, &err))
            fail_msg("%s", wrong[i]);
        assert_int_equal(err.code, PLM_E_USAGE);
    }
}

static void the_whole_form_makes_the_same_reference(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *whole;
    } rows[] = {
        {"m", "registry.ollama.ai/library/m:latest"},
        {"u/M:v1", "registry.ollama.ai/u/M:v1"},
        {"http://h:1/m", "http://h:1/library/m:latest"},
        {"https://h/n/m", "https://h/n/m:latest"},
        {"https+insecure://[::1]:5/n/m:t", "https+insecure://[::1]:5/n/m:t"},
        {"m@sha256:" HEX_A, "registry.ollama.ai/library/m:latest@sha256:" HEX_A},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_ref ref, again;
        struct plm_error err = {0};
        char text[PLM_REF_TEXT];
        assert_true(plm_ref_parse(rows[i].typed, &ref, &err));
        assert_string_equal(plm_ref_format_whole(&ref, text), rows[i].whole);
        assert_true(plm_ref_parse(text, &again, &err));
        assert_true(plm_ref_same_model(&ref, &again));
        assert_true(ref.scheme == again.scheme && ref.scheme_typed == again.scheme_typed &&
                    ref.has_digest == again.has_digest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_form_makes_the_same_reference),
        cmocka_unit_test(missing_parts_get_defaults),
        cmocka_unit_test(forms_that_people_type_are_accepted),
        cmocka_unit_test(schemes_are_recognised),
        cmocka_unit_test(a_digest_pins),
        cmocka_unit_test(bad_names_say_what_is_wrong),
        cmocka_unit_test(no_name_leaves_its_directory),
        cmocka_unit_test(lengths_are_bounded_and_the_longest_name_fits),
        cmocka_unit_test(parts_of_a_path_are_checked_like_names),
        cmocka_unit_test(models_are_the_same_by_all_four_parts),
        cmocka_unit_test(names_come_out_as_ollama_reads_them),
        cmocka_unit_test(a_registrys_address_is_host_and_scheme),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
