/**
 * A tally of blobs: each that the models of an archive name, once, however many name it, with its
 * number in the order in which they came.
 *
 *     struct plm_tally tally = {0};
 *     plm_tally_add(&tally, blobs, count, &err);    once for each model
 *     plm_tally_number(&tally, &digest);
 *     plm_tally_done(&tally);
 */
#pragma once

#include "pullama/digest.h"

struct plm_tally_blob {
    struct plm_digest digest;
    uint64_t size;
    uint32_t number; /**< from 1 */
};

struct plm_tally {
    struct plm_tally_blob *blobs; /**< owned; by digest */
    uint32_t count;
    uint64_t size; /**< bytes of all of them */
};

/** Adds those that are new; @p blobs has none twice. The tally is as it was on failure:
 * PLM_E_NOMEM, or PLM_E_CORRUPT when a blob was added with another size, or all are more than any
 * disk holds. */
PLM_MUST bool plm_tally_add(struct plm_tally *tally, const struct plm_descriptor *blobs,
                            size_t count, struct plm_error *err);
/** 0: it was never added. */
uint32_t plm_tally_number(const struct plm_tally *tally, const struct plm_digest *digest);
void plm_tally_done(struct plm_tally *tally);
