/* Private keys: what is accepted signs, and survives being written and read again. Input: a byte
 * that says what the rest is: a PEM text, or the bytes inside an OpenSSH or a PKCS#8 one. */
#include "fuzz.h"

#include "base/encode.h"
#include "net/sshkey.h"

#define TEXT_MAX (256u << 10)

static void check_key(const struct plm_sshkey *key)
{
    struct plm_buf text = PLM_BUF_INIT(TEXT_MAX), line = PLM_BUF_INIT(TEXT_MAX);
    struct plm_sshkey again = {0};
    struct plm_error err = {0};
    uint8_t signature[64];
    FUZZ_HOLDS(plm_sshkey_private_text(key, &text, &err));
    FUZZ_HOLDS(plm_sshkey_parse(text.bytes, text.size, &again, &err));
    FUZZ_HOLDS(memcmp(&again, key, sizeof(again)) == 0);
    FUZZ_HOLDS(plm_sshkey_public_line(key, &line, &err) && line.size == 80);
    FUZZ_HOLDS(plm_sshkey_sign(key, "text", 4, signature, &err));
    plm_sshkey_wipe(&again);
    FUZZ_HOLDS(again.seed[0] == 0 && again.seed[31] == 0);
    plm_buf_done(&line);
    plm_buf_done(&text);
}

static void wrap(struct fuzz_input in, const char *label, struct plm_buf *out)
{
    struct plm_buf base64 = PLM_BUF_INIT(TEXT_MAX);
    struct plm_error err = {0};
    FUZZ_HOLDS(plm_base64_encode(PLM_BASE64_STANDARD, in.at, in.left, &base64, &err));
    FUZZ_HOLDS(plm_buf_printf(out, &err, "-----BEGIN %s-----\n", label));
    for (size_t at = 0; at < base64.size; at += 64)
        FUZZ_HOLDS(plm_buf_printf(out, &err, "%.64s\n", base64.bytes + at));
    FUZZ_HOLDS(plm_buf_printf(out, &err, "-----END %s-----\n", label));
    plm_buf_done(&base64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct plm_buf pem = PLM_BUF_INIT(TEXT_MAX);
    struct plm_sshkey key;
    struct plm_error err = {0};
    memset(&key, 0x5A, sizeof(key));
    switch (fuzz_number(&in, 1) % 3) {
    case 0:
        FUZZ_HOLDS(plm_buf_append(&pem, in.at, in.left, &err));
        break;
    case 1:
        wrap(in, "OPENSSH PRIVATE KEY", &pem);
        break;
    default:
        wrap(in, "PRIVATE KEY", &pem);
    }
    if (plm_sshkey_parse(pem.bytes, pem.size, &key, &err)) {
        check_key(&key);
    } else {
        fuzz_failed(&err);
        FUZZ_HOLDS(err.code == PLM_E_AUTH && fuzz_is_safe(err.msg));
        FUZZ_HOLDS(key.seed[0] == 0x5A && key.public_key[31] == 0x5A);
    }
    plm_buf_done(&pem);
    return 0;
}
