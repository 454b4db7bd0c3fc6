/** Ed25519 keys as Ollama keeps them: read, made, written, used. */
#pragma once

#include "base/buf.h"

struct plm_sshkey {
    uint8_t seed[32];
    uint8_t public_key[32];
};
/** Parses OpenSSH ("openssh-key-v1", not encrypted) or PKCS#8 PEM. PLM_E_AUTH says what is wrong with it. */
PLM_MUST bool plm_sshkey_parse(const char *pem, size_t length, struct plm_sshkey *out,
                               struct plm_error *err);
PLM_MUST bool plm_sshkey_load(const char *path, struct plm_sshkey *out, struct plm_error *err);
PLM_MUST bool plm_sshkey_generate(struct plm_sshkey *out, struct plm_error *err);
/** The private file's text (OpenSSH form, empty comment), as Ollama and ssh-keygen read it. */
PLM_MUST bool plm_sshkey_private_text(const struct plm_sshkey *key, struct plm_buf *out,
                                      struct plm_error *err);
/** `ssh-ed25519 AAAA…` without newline. */
PLM_MUST bool plm_sshkey_public_line(const struct plm_sshkey *key, struct plm_buf *out,
                                     struct plm_error *err);
PLM_MUST bool plm_sshkey_sign(const struct plm_sshkey *key, const void *bytes, size_t length,
                              uint8_t signature[64], struct plm_error *err);
void plm_sshkey_wipe(struct plm_sshkey *key);
