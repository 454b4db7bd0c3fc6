#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/show_gguf.h"

static void assert_can(struct plm_card *card, const char *expected)
{
    char found[200] = "";
    plm_card_find_capabilities(card);
    for (size_t i = 0; card->capabilities[i]; i++) {
        size_t length = strlen(found);
        (void)snprintf(found + length, sizeof(found) - length, "%s%s", i ? " " : "",
                       card->capabilities[i]);
    }
    assert_string_equal(found, expected);
}

static void weights_complete_or_embed(void **state)
{
    (void)state;
    struct plm_card nothing = {0}, complete = {.has_gguf = true}, embed = {.has_gguf = true};
    embed.gguf.has_pooling_type = true;
    assert_can(&nothing, "");
    assert_can(&complete, "completion");
    assert_can(&embed, "embedding");
}

static void eyes_and_ears_come_from_weights_or_a_projector(void **state)
{
    (void)state;
    struct plm_card inside = {.has_gguf = true}, beside = {.has_gguf = true, .has_projector = true};
    inside.gguf.vision_block_count = 27;
    inside.gguf.audio_block_count = 12;
    assert_can(&inside, "completion vision audio");
    assert_can(&beside, "completion vision");
}

static void a_template_tells_of_tools_insertion_and_thinking(void **state)
{
    (void)state;
    struct plm_card card = {.has_gguf = true,
                            .template_text = "{{ .Tools }}{{ .Suffix }}{{ range .Messages }}"
                                             "<think>{{ .Thinking }}</think>{{ end }}"};
    assert_can(&card, "completion tools insert thinking");
    struct plm_card plain = {.has_gguf = true, .template_text = "{{ .Prompt }} tools Thinking"};
    assert_can(&plain, "completion");
}

static void a_chat_template_counts_only_where_nothing_else_renders(void **state)
{
    (void)state;
    char chat[] = "{% if tools %}<think></think>";
    struct plm_card alone = {.has_gguf = true, .gguf = {.chat_template = chat}};
    struct plm_card with_template = alone, with_parser = alone;
    with_template.template_text = "{{ .Prompt }}";
    (void)snprintf(with_parser.config.parser, PLM_STORED_TEXT, "passthrough");
    assert_can(&alone, "tools thinking completion");
    assert_can(&with_template, "completion");
    assert_can(&with_parser, "completion");
    char splits[] = "content.split('</think>')[-1]",
         keeps[] = "split('</think>') reasoning_content";
    struct plm_card thinking = {.has_gguf = true, .gguf = {.chat_template = splits}};
    struct plm_card reasoning = {.has_gguf = true, .gguf = {.chat_template = keeps}};
    assert_can(&thinking, "thinking completion");
    assert_can(&reasoning, "completion");
}

static void config_parser_and_family_are_heard_and_nothing_is_said_twice(void **state)
{
    (void)state;
    struct plm_card card = {.has_gguf = true, .has_projector = true};
    (void)snprintf(card.config.capabilities[0], PLM_STORED_TEXT, "vision");
    (void)snprintf(card.config.capabilities[1], PLM_STORED_TEXT, "image");
    card.config.capability_count = 2;
    (void)snprintf(card.config.parser, PLM_STORED_TEXT, "harmony");
    (void)snprintf(card.config.family, PLM_STORED_TEXT, "gptoss");
    assert_can(&card, "vision image completion tools thinking");
}

static void quantization_is_the_configs_unless_it_knows_none(void **state)
{
    (void)state;
    struct plm_card card = {.has_gguf = true};
    (void)snprintf(card.config.quantization, PLM_STORED_TEXT, "Q4_0");
    card.gguf.has_file_type = true;
    card.gguf.file_type = 15;
    assert_string_equal(plm_card_quantization(&card), "Q4_0");
    (void)snprintf(card.config.quantization, PLM_STORED_TEXT, "unknown");
    assert_string_equal(plm_card_quantization(&card), "Q4_K_M");
    card.config.quantization[0] = '\0';
    assert_string_equal(plm_card_quantization(&card), "Q4_K_M");
    card.gguf.file_type = 4;
    assert_string_equal(plm_card_quantization(&card), "MXFP4");
    card.gguf.file_type = 0;
    assert_string_equal(plm_card_quantization(&card), "unknown");
    card.has_gguf = false;
    assert_string_equal(plm_card_quantization(&card), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_complete_or_embed),
        cmocka_unit_test(eyes_and_ears_come_from_weights_or_a_projector),
        cmocka_unit_test(a_template_tells_of_tools_insertion_and_thinking),
        cmocka_unit_test(a_chat_template_counts_only_where_nothing_else_renders),
        cmocka_unit_test(config_parser_and_family_are_heard_and_nothing_is_said_twice),
        cmocka_unit_test(quantization_is_the_configs_unless_it_knows_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
