/* Hex and base64: what is decoded was encoded so, and every byte string survives both ways. */
#include "fuzz.h"

#include "base/encode.h"

#define TEXT_MAX (4u << 20)

static void check_round_trip(const uint8_t *data, size_t size)
{
    struct plm_buf text = PLM_BUF_INIT(TEXT_MAX), bytes = PLM_BUF_INIT(TEXT_MAX);
    struct plm_error err = {0};
    FUZZ_HOLDS(plm_base64_encode(PLM_BASE64_STANDARD, data, size, &text, &err));
    FUZZ_HOLDS(text.size == (size + 2) / 3 * 4);
    FUZZ_HOLDS(plm_base64_decode(text.bytes, text.size, &bytes, &err));
    FUZZ_HOLDS(bytes.size == size && (!size || memcmp(bytes.bytes, data, size) == 0));

    char *hex = malloc(2 * size + 1);
    uint8_t *again = malloc(size ? size : 1);
    FUZZ_HOLDS(hex && again);
    plm_hex_encode(data, size, hex);
    FUZZ_HOLDS(strlen(hex) == 2 * size && plm_hex_decode(hex, again, size));
    FUZZ_HOLDS(!size || memcmp(again, data, size) == 0);
    free(hex);
    free(again);
    plm_buf_done(&text);
    plm_buf_done(&bytes);
}

/* The text without its white space is the one way to write these bytes. */
static void check_decoded(const char *text, size_t size)
{
    struct plm_buf bytes = PLM_BUF_INIT(TEXT_MAX), again = PLM_BUF_INIT(TEXT_MAX);
    struct plm_error err = {0};
    if (!plm_base64_decode(text, size, &bytes, &err)) {
        fuzz_failed(&err);
        FUZZ_HOLDS(err.code == PLM_E_PROTOCOL && bytes.size == 0);
        plm_buf_done(&bytes);
        return;
    }
    FUZZ_HOLDS(plm_base64_encode(PLM_BASE64_STANDARD, bytes.bytes, bytes.size, &again, &err));
    size_t at = 0;
    for (size_t i = 0; i < size; i++) {
        if (strchr(" \t\r\n", text[i]))
            continue;
        FUZZ_HOLDS(at < again.size && again.bytes[at] == text[i]);
        at++;
    }
    FUZZ_HOLDS(at == again.size);
    plm_buf_done(&again);
    plm_buf_done(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    char *text = fuzz_text(&in), out[PLM_ERROR_TEXT];
    check_round_trip(data, size);
    check_decoded((const char *)data, size);
    if (plm_hex_decode(text, out, strlen(text) / 2 < sizeof(out) ? strlen(text) / 2 : 0))
        FUZZ_HOLDS(strspn(text, "0123456789abcdef") >= strlen(text) / 2 * 2 ||
                   strlen(text) / 2 >= sizeof(out));
    free(text);
    return 0;
}
