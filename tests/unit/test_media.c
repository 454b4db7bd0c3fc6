#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pullama/manifest.h"

static void kinds_are_short_names(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"application/vnd.ollama.image.model", "model"},
        {"application/vnd.ollama.image.tensor; name=x; dtype=F16", "tensor"},
        {"application/vnd.ollama.image.", "application/vnd.ollama.image."},
        {"application/vnd.docker.container.image.v1+json",
         "application/vnd.docker.container.image.v1+json"},
        {"text/plain ;charset=utf-8", "text/plain"},
        {"", ""},
        {"application/vnd.ollama.image.\x1b[2J", "\\x1b[2J"},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        char out[PLM_MEDIA_MAX];
        assert_string_equal(plm_media_kind(rows[i][0], out), rows[i][1]);
    }
}

static void long_types_are_cut(void **state)
{
    (void)state;
    char media[1000], out[PLM_MEDIA_MAX];
    memset(media, 'x', sizeof(media) - 1);
    media[sizeof(media) - 1] = '\0';
    assert_int_equal(strlen(plm_media_kind(media, out)), PLM_MEDIA_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_short_names),
        cmocka_unit_test(long_types_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
