/**
 * The bytes of one entry, from those in the archive: stored ones as they are, deflated ones through
 * zlib. Never more than the entry's size comes out. One thread at a time.
 */
#pragma once

#include "pullama/error.h"

struct plm_unpack;

/** @p method is PLM_ZIP_STORED or PLM_ZIP_DEFLATED; PLM_E_UNSUPPORTED for any other. */
PLM_MUST bool plm_unpack_new(uint16_t method, uint64_t packed, uint64_t size,
                             struct plm_unpack **out, struct plm_error *err);
void plm_unpack_free(struct plm_unpack *unpack);

/** Bytes of the archive that belong to the entry and were not taken yet. */
uint64_t plm_unpack_wants(const struct plm_unpack *unpack);
/** Whether the whole entry has come out, and nothing of it is left in the archive. */
bool plm_unpack_is_over(const struct plm_unpack *unpack);

/** One exchange: what is there to take, and room for what comes out. */
struct plm_unpack_turn {
    const void *in;
    size_t in_length; /**< not more than plm_unpack_wants() */
    void *out;
    size_t room;
    size_t taken, made; /**< the answer */
};
/**
 * Takes and makes as much as it can. PLM_E_CORRUPT: the data is broken, ends before the entry's
 * size is reached, or has more behind it.
 */
PLM_MUST bool plm_unpack_run(struct plm_unpack *unpack, struct plm_unpack_turn *turn,
                             struct plm_error *err);

/** The checksum of zip files, continued; it begins with 0. */
uint32_t plm_unpack_crc(uint32_t crc, const void *bytes, size_t length);
