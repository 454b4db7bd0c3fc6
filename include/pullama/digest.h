/**
 * SHA-256 digests as values, and the descriptor: what a blob must be.
 *
 * The text form `sha256:` + 64 lower-case hex digits is checked before anything is done with it
 * (OCI image spec, "descriptor"). Any thread.
 */
#pragma once

#include "pullama/error.h"

#define PLM_DIGEST_BYTES 32
/** `sha256:` + 64 digits + NUL */
#define PLM_DIGEST_TEXT (7 + 64 + 1)

struct plm_digest {
    uint8_t sha256[PLM_DIGEST_BYTES];
};

/** Longest media type that is kept; longer ones are cut. */
#define PLM_MEDIA_MAX 128

/** What is wanted: the only home of an expected digest. Constant once parsed. */
struct plm_descriptor {
    struct plm_digest digest;
    uint64_t size; /**< bytes */
    char media[PLM_MEDIA_MAX];
};

/** Parses exactly `sha256:` + 64 lower-case hex digits of @p length bytes. PLM_E_BAD_NAME
 * otherwise. */
PLM_API PLM_MUST bool plm_digest_parse(const char *text, size_t length, struct plm_digest *out,
                                       struct plm_error *err);

/** Writes `sha256:<hex>` and NUL into @p out, and returns @p out. */
PLM_API const char *plm_digest_format(const struct plm_digest *digest, char out[PLM_DIGEST_TEXT]);

/** Writes the file name form `sha256-<hex>` and NUL into @p out, and returns @p out. */
PLM_API const char *plm_digest_file_name(const struct plm_digest *digest,
                                         char out[PLM_DIGEST_TEXT]);

PLM_API bool plm_digest_equal(const struct plm_digest *a, const struct plm_digest *b);

/** The order of digests, byte by byte: negative, 0 or positive, as memcmp() has it. */
PLM_API int plm_digest_compare(const struct plm_digest *a, const struct plm_digest *b);

/** SHA-256 of @p length bytes in memory. False only when the crypto library fails. */
PLM_API PLM_MUST bool plm_digest_of(const void *bytes, size_t length, struct plm_digest *out,
                                    struct plm_error *err);

/** An incremental SHA-256. Heap; one thread at a time. */
struct plm_hash;
PLM_API PLM_MUST bool plm_hash_new(struct plm_hash **out, struct plm_error *err);
PLM_API void plm_hash_free(struct plm_hash *hash);
PLM_API PLM_MUST bool plm_hash_update(struct plm_hash *hash, const void *bytes, size_t length,
                                      struct plm_error *err);
/** Ends the hash and readies it for new input. */
PLM_API PLM_MUST bool plm_hash_final(struct plm_hash *hash, struct plm_digest *out,
                                     struct plm_error *err);
PLM_DEFINE_FREEP(struct plm_hash, plm_hash)
