/** What a model's weights and texts let one conclude: header, quantization, capabilities. */
#pragma once

#include "engine/stored.h"
#include "oci/gguf.h"

#define PLM_CAPABILITIES_MAX (PLM_STORED_CAPABILITIES + 8)

/** Everything that is known of one model, before it is told. */
struct plm_card {
    struct plm_stored_config config;
    struct plm_gguf gguf; /**< plm_gguf_done() */
    bool has_gguf;
    bool has_projector;
    char gguf_warning[PLM_ERROR_TEXT];                  /**< "" when there is nothing to warn of */
    const char *template_text;                          /**< borrowed; or NULL */
    const char *capabilities[PLM_CAPABILITIES_MAX + 1]; /**< NULL-terminated */
    size_t capability_count;
};

/** Reads the header of the model layer's blob. What is wrong with it becomes the card's warning. */
PLM_MUST bool plm_card_read_gguf(const struct plm_store *store, const struct plm_descriptor *blob,
                                 struct plm_card *card, struct plm_error *err);

/** The config's word, else the header's; "" when neither says anything. */
const char *plm_card_quantization(const struct plm_card *card);

/** Fills capabilities, in the order in which Ollama's `show` finds them. */
void plm_card_find_capabilities(struct plm_card *card);
