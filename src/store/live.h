/**
 * The live file: which bytes were written since the checkpoint, exact after the process was killed.
 *
 * A small file of fixed size, mapped shared, updated by plain 8-byte stores after the data was
 * written. Pages of a killed process stay in the kernel's cache, so after a kill it is exact; it
 * carries the boot's identity, and is ignored after a reboot. Format: docs/formats/live.md. Loop
 * thread only.
 */
#pragma once

#include "os/os.h"
#include "pullama/digest.h"
#include "store/spans.h"

#define PLM_LIVE_SLOTS 1020

struct plm_live;

/** Reads what a live file says, if it is of this boot and about @p want; otherwise @p out stays
 * empty. Never fails but for memory: a damaged file counts for nothing. */
PLM_MUST bool plm_live_read(int dir, const char *name, const struct plm_descriptor *want,
                            struct plm_spans *out, struct plm_error *err);
/** Makes the file anew with @p written in it, and maps it. The old one stands until the new one is
 * complete; on the way it is called @p name with ".tmp" behind. Without a boot identity *out is
 * NULL and nothing is made. */
PLM_MUST bool plm_live_open(int dir, const char *name, const struct plm_descriptor *want,
                            const struct plm_spans *written, struct plm_live **out,
                            struct plm_error *err);
void plm_live_free(struct plm_live *live);
/** Records a span whose bytes were written. When all slots are taken it is left out: less is
 * claimed, never more. */
void plm_live_add(struct plm_live *live, struct plm_span span);
/** Replaces all claims, e.g. when bytes turned out bad. Claims less in between, never more. */
void plm_live_reset(struct plm_live *live, const struct plm_spans *written);
