#include "view_world.h"

static void rm_clean_and_cp_are_told_in_lines(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    for (int kind = PLM_EV_RM_START; kind <= PLM_EV_CLEAN_START; kind++)
        world_emit(&w, kind);
    world_emit(&w, PLM_EV_CLEAN_DONE);
    world_emit(&w, PLM_EV_VERSION);
    world_end(&w);
    assert_string_equal(w.out, "removing llama3.2:3b\n"
                               "  deleted manifest llama3.2:3b\n"
                               "  deleted blob bdbdbdbdbdbd (2.0 GB)\n"
                               "removed llama3.2:3b  2 blobs, 123 MB reclaimed\n"
                               "copied llama3.2:3b to hf.co/someone/llama3.2:3b\n"
                               "clean: 2 files, 123 MB reclaimed\n"
                               "pullama 0.1.0\n"
                               "libcurl/7.88.1\n");
    world_close(&w);
}

static void nothing_to_do_is_one_sentence(void **state)
{
    (void)state;
    static const struct {
        enum plm_event_kind kind;
        uint32_t kept;
        const char *text;
    } rows[] = {{PLM_EV_CLEAN_DONE, 0, "nothing to clean up\n"},
                {PLM_EV_PRUNE_DONE, 0, "nothing to prune: every blob belongs to a model\n"},
                {PLM_EV_PRUNE_DONE, 2, "nothing to prune now; 2 kept (4.1 KB)\n"}};
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct view_world w = {0};
        w.options.quiet = i % 2;
        world_pipe(&w, PLM_VIEW_TABLE);
        struct plm_event event = {.kind = rows[i].kind, .verb = PLM_VERB_PRUNE, .job = 1};
        if (rows[i].kind == PLM_EV_PRUNE_DONE) {
            event.prune_done.kept = rows[i].kept;
            event.prune_done.kept_bytes = 4096;
        }
        world_event(&w, &event);
        world_end(&w);
        assert_string_equal(w.out, rows[i].text);
        world_close(&w);
    }
}

static void quiet_leaves_only_the_summaries(void **state)
{
    (void)state;
    struct view_world w = {0};
    w.options.quiet = true;
    world_pipe(&w, PLM_VIEW_TABLE);
    for (int kind = PLM_EV_RM_START; kind <= PLM_EV_CLEAN_DONE; kind++)
        world_emit(&w, kind);
    world_end(&w);
    assert_string_equal(w.out, "removed llama3.2:3b  2 blobs, 123 MB reclaimed\n"
                               "copied llama3.2:3b to hf.co/someone/llama3.2:3b\n"
                               "clean: 2 files, 123 MB reclaimed\n");
    world_close(&w);
}

static void complete_list(struct view_world *w)
{
    struct plm_event event = sample_event(&w->samples, PLM_EV_COMPLETED);
    event.verb = PLM_VERB_LIST;
    world_event(w, &event);
    world_end(w);
}

static void emit_listed(struct view_world *w, const char *model)
{
    strcpy(w->samples.ref.model, model);
    struct plm_event event = sample_event(&w->samples, PLM_EV_LIST_MODEL);
    event.verb = PLM_VERB_LIST;
    event.listed.modified_s -= 3 * 3600;
    world_event(w, &event);
}

static void list_columns_fit_what_is_in_them(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    emit_listed(&w, "a");
    emit_listed(&w, "a-much-longer-name-that-is-never-cut-in-a-pipe-however-long-it-may-be-12345");
    assert_int_equal(w.out_size, 0);
    complete_list(&w);
    char *line = strchr(w.out, '\n');
    assert_memory_equal(w.out, "NAME    ", 8);
    assert_memory_equal(line + 1, "a:3b    ", 8);
    const char *names =
        "a-much-longer-name-that-is-never-cut-in-a-pipe-however-long-it-may-be-12345:3b"
        "    aaaaaaaaaaaa    2.0 GB    3 hours ago\n";
    assert_non_null(strstr(w.out, names));
    assert_ptr_equal(strstr(w.out, "ID") - w.out, strstr(line + 1, "aaaaaaaaaaaa") - line - 1);
    world_close(&w);
}

static void an_empty_store_lists_the_header_alone(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    complete_list(&w);
    assert_string_equal(w.out, "NAME    ID    SIZE    MODIFIED\n");
    world_close(&w);
}

static void on_a_terminal_long_names_give_way(void **state)
{
    (void)state;
    for (unsigned width = 20; width <= 120; width += 10) {
        struct view_world w = {0};
        world_terminal(&w, PLM_VIEW_TABLE, width);
        emit_listed(&w, "a-much-longer-name-that-is-cut-on-a-terminal-because-it-is-long");
        complete_list(&w);
        struct terminal *t = calloc(1, sizeof(*t));
        assert_non_null(t);
        t->width = width;
        terminal_feed(t, w.out, w.out_size);
        assert_int_equal(t->rows, width < 30 ? 9 : width < 50 ? 5 : 3);
        assert_int_equal(terminal_count(t, "aaaaaaaaaaaa"), 1);
        assert_int_equal(terminal_count(t, "2.0 GB"), 1);
        assert_int_equal(terminal_count(t, "3 hours ago"), 1);
        assert_int_equal(terminal_count(t, "g:3b"), 1);
        free(t);
        world_close(&w);
    }
}

static void on_a_terminal_paths_give_way_unless_all_is_to_be_said(void **state)
{
    (void)state;
    for (unsigned verbose = 0; verbose < 2; verbose++) {
        struct view_world w = {0};
        char path[] = "blobs/sha256-"
                      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        w.options.verbose = verbose;
        world_terminal(&w, PLM_VIEW_TABLE, 80);
        w.screen.colour = false;
        struct plm_event event = sample_event(&w.samples, PLM_EV_PRUNE_BLOB);
        event.pruned.path = path;
        world_event(&w, &event);
        event = sample_event(&w.samples, PLM_EV_CLEAN_FILE);
        event.file.path = path;
        world_event(&w, &event);
        world_end(&w);
        assert_non_null(strstr(w.out, ": no model names it (4.1 KB)\n"));
        assert_non_null(strstr(w.out, "removed partial blobs/sha256-"));
        assert_int_equal(strstr(w.out, path) != NULL, verbose);
        char *end = strchr(w.out, '\n');
        *end = '\0';
        assert_int_equal(plm_cells_width(w.out) <= 80, !verbose);
        world_close(&w);
    }
}

static void show_is_a_card_with_sections(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    world_emit(&w, PLM_EV_SHOW);
    world_end(&w);
    assert_non_null(strstr(w.out, "  Model\n    name                llama3.2:3b\n"));
    assert_non_null(strstr(w.out, "    parameters          3.2B\n"
                                  "    context length      131072\n"
                                  "    embedding length    3072\n"
                                  "    quantization        Q4_K_M\n"));
    assert_non_null(strstr(w.out, "\n  Capabilities\n    completion\n"));
    assert_non_null(strstr(w.out, "\n  Parameters\n"
                                  "    stop                \"<|x|>\"\n"
                                  "    stop                \"b\"\n"
                                  "    num_ctx             4096\n"));
    assert_non_null(strstr(w.out, "\n  Layers\n    model               bdbdbdbdbdbd    2.0 GB\n"));
    assert_null(strstr(w.out, "System"));
    assert_non_null(strstr(w.out, "    ...\n"));
    assert_null(strstr(w.out, "third"));
    world_close(&w);
}

static void verbose_show_has_the_whole_licence(void **state)
{
    (void)state;
    struct view_world w = {0};
    w.options.verbose = true;
    world_pipe(&w, PLM_VIEW_TABLE);
    world_emit(&w, PLM_EV_SHOW);
    world_end(&w);
    assert_non_null(strstr(w.out, "    second\n    third\n    fourth\n"));
    assert_null(strstr(w.out, "    ...\n"));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rm_clean_and_cp_are_told_in_lines),
        cmocka_unit_test(nothing_to_do_is_one_sentence),
        cmocka_unit_test(quiet_leaves_only_the_summaries),
        cmocka_unit_test(list_columns_fit_what_is_in_them),
        cmocka_unit_test(an_empty_store_lists_the_header_alone),
        cmocka_unit_test(on_a_terminal_long_names_give_way),
        cmocka_unit_test(on_a_terminal_paths_give_way_unless_all_is_to_be_said),
        cmocka_unit_test(show_is_a_card_with_sections),
        cmocka_unit_test(verbose_show_has_the_whole_licence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
