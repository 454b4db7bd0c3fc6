/* GGUF numbers: owns the tables of file types and tensor kinds (ggml's enums, Ollama's names). */
#include "oci/gguf_types.h"

#include "oci/gguf.h"

#include <stddef.h>

const char *plm_gguf_file_type_name(uint32_t file_type)
{
    static const char *const names[] = {
        [0] = "F32",        [1] = "F16",     [2] = "Q4_0",    [3] = "Q4_1",
        [4] = "MXFP4", /* Ollama wrote gpt-oss with this number for a while */
        [7] = "Q8_0",       [8] = "Q5_0",    [9] = "Q5_1",    [10] = "Q2_K",
        [11] = "Q3_K_S",    [12] = "Q3_K_M", [13] = "Q3_K_L", [14] = "Q4_K_S",
        [15] = "Q4_K_M",    [16] = "Q5_K_S", [17] = "Q5_K_M", [18] = "Q6_K",
        [19] = "IQ2_XXS",   [20] = "IQ2_XS", [21] = "Q2_K_S", [22] = "IQ3_XS",
        [23] = "IQ3_XXS",   [24] = "IQ1_S",  [25] = "IQ4_NL", [26] = "IQ3_S",
        [27] = "IQ3_M",     [28] = "IQ2_S",  [29] = "IQ2_M",  [30] = "IQ4_XS",
        [31] = "IQ1_M",     [32] = "BF16",   [36] = "TQ1_0",  [37] = "TQ2_0",
        [38] = "MXFP4_MOE", [39] = "NVFP4",  [40] = "Q1_0",
    };
    return file_type < PLM_COUNT(names) && names[file_type] ? names[file_type] : "unknown";
}

bool plm_gguf_kind_block(uint32_t kind, uint32_t *elements, uint32_t *bytes)
{
    static const struct {
        uint16_t elements, bytes;
    } blocks[] = {
        [0] = {1, 4},      [1] = {1, 2},      [2] = {32, 18},    [3] = {32, 20},
        [4] = {32, 17}, /* MXFP4 of the time when file type 4 meant it */
        [6] = {32, 22},    [7] = {32, 24},    [8] = {32, 34},    [9] = {32, 36},
        [10] = {256, 84},  [11] = {256, 110}, [12] = {256, 144}, [13] = {256, 176},
        [14] = {256, 210}, [15] = {256, 292}, [16] = {256, 66},  [17] = {256, 74},
        [18] = {256, 98},  [19] = {256, 50},  [20] = {32, 18},   [21] = {256, 110},
        [22] = {256, 82},  [23] = {256, 136}, [24] = {1, 1},     [25] = {1, 2},
        [26] = {1, 4},     [27] = {1, 8},     [28] = {1, 8},     [29] = {256, 56},
        [30] = {1, 2},     [39] = {32, 17},   [40] = {64, 36},   [41] = {128, 18},
    };
    if (kind >= PLM_COUNT(blocks) || blocks[kind].elements == 0)
        return false;
    *elements = blocks[kind].elements;
    *bytes = blocks[kind].bytes;
    return true;
}
