/** What the numbers in GGUF headers mean: tensor kinds. */
#pragma once

#include "pullama/defs.h"

/** Elements and bytes of one block of a tensor kind; false for a kind that we do not know. */
bool plm_gguf_kind_block(uint32_t kind, uint32_t *elements, uint32_t *bytes);
