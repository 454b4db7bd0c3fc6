#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cli/page.h"

static void assert_page(struct plm_page *page, const char *want)
{
    assert_false(page->failed);
    assert_int_equal(page->size, strlen(want));
    assert_memory_equal(page->bytes, want, page->size);
    plm_page_done(page);
}

static void control_characters_never_get_through(void **state)
{
    (void)state;
    struct plm_page page = {0};
    struct plm_screen screen = {.unicode = true};
    struct plm_line line = plm_line_begin(&page, &screen, false, 0);
    plm_line_put(&line, PLM_STYLE_ERROR, "%s",
                 "a\x1b[2Jb\r\n\xc2\x9b"
                 "c\xff");
    plm_line_end(&line);
    assert_page(&page, "a\\x1b[2Jb\\x0d\\x0a\\x9bc\\xff\n");
}

static void a_line_is_cut_padded_and_filled_to_its_width(void **state)
{
    (void)state;
    struct plm_page page = {0};
    struct plm_screen screen = {.unicode = true};
    struct plm_line line = plm_line_begin(&page, &screen, false, 8);
    plm_line_put(&line, PLM_STYLE_NONE, "ab");
    plm_line_pad(&line, 4);
    plm_line_fill(&line, PLM_STYLE_NONE, "─", 6);
    plm_line_put(&line, PLM_STYLE_NONE, "xyz");
    plm_line_put(&line, PLM_STYLE_NONE, "never");
    plm_line_end(&line);
    assert_int_equal(line.used, 0);
    assert_page(&page, "ab  ──x…\n");
}

static void a_name_gives_way_and_what_follows_is_never_cut(void **state)
{
    (void)state;
    struct plm_page page = {0};
    struct plm_screen screen = {.unicode = true};
    static const struct {
        unsigned width;
        const char *text;
    } rows[] = {{0, "ok a-rather-long-name:latest 1.2 GB\n"},
                {35, "ok a-rather-long-name:latest 1.2 GB\n"},
                {34, "ok a-rather-lon…name:latest 1.2 GB\n"},
                {22, "ok a-rath…atest 1.2 GB\n"},
                {10, "ok a-r…est 1.2 GB\n"},
                {3, "ok  1.2 GB\n"}};
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_line line = plm_line_begin(&page, &screen, false, rows[i].width);
        plm_line_put(&line, PLM_STYLE_NONE, "ok ");
        plm_line_put_name(&line, PLM_STYLE_NONE, "a-rather-long-name:latest", 7);
        plm_line_put(&line, PLM_STYLE_NONE, " 1.2 GB");
        plm_line_end(&line);
        assert_page(&page, rows[i].text);
    }
}

static void colour_is_basic_where_the_terminal_is(void **state)
{
    (void)state;
    struct plm_page page = {0};
    struct plm_screen screen = {.unicode = true};
    struct plm_line line = plm_line_begin(&page, &screen, true, 0);
    plm_line_put(&line, PLM_STYLE_ERROR, "no");
    line.truecolour = true;
    plm_line_put(&line, PLM_STYLE_ERROR, "no");
    plm_line_put(&line, PLM_STYLE_NONE, "plain");
    assert_page(&page, "\x1b[31mno\x1b[0m\x1b[38;2;239;68;68mno\x1b[0mplain");
}

static void without_unicode_everything_is_ascii(void **state)
{
    (void)state;
    struct plm_page page = {0};
    struct plm_screen screen = {.unicode = false};
    struct plm_line line = plm_line_begin(&page, &screen, false, 12);
    plm_line_put(&line, PLM_STYLE_NONE, "%s", plm_glyph(false, PLM_GLYPH_OK));
    plm_line_put(&line, PLM_STYLE_NONE, "漢字 and more");
    assert_page(&page, "[ok]?? an...");
    for (int glyph = 0; glyph < PLM_GLYPHS; glyph++)
        for (const char *c = plm_glyph(false, glyph); *c; c++)
            assert_true((unsigned char)*c < 0x80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_never_get_through),
        cmocka_unit_test(a_line_is_cut_padded_and_filled_to_its_width),
        cmocka_unit_test(a_name_gives_way_and_what_follows_is_never_cut),
        cmocka_unit_test(colour_is_basic_where_the_terminal_is),
        cmocka_unit_test(without_unicode_everything_is_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
