/** Disposable files by name: what may be removed at all, and whose lock guards it. Loop thread. */
#pragma once

#include "store/layout.h"
#include "store/sessions.h"

enum plm_debris_kind {
    PLM_DEBRIS_CHECKPOINT,
    PLM_DEBRIS_LIVE,
    PLM_DEBRIS_TEMPORARY,
    PLM_DEBRIS_PARTIAL,
    PLM_DEBRIS_LOCK,
};

#define PLM_DEBRIS_NAME 112

/** One file in `.pullm` or in `blobs`. Within a blob the record goes before what it is about. */
struct plm_debris {
    bool has_digest;           /**< false: guarded by the store lock alone, or by `guard` */
    char guard[PLM_PUSH_NAME]; /**< of a push: its lock; "" else */
    struct plm_digest digest;
    bool in_blobs;  /**< else in `.pullm` */
    bool is_ollama; /**< `-partial…`: nobody locks it, only its age tells */
    enum plm_debris_kind kind;
    char name[PLM_DEBRIS_NAME];
};

struct plm_debris_list {
    struct plm_debris *items; /**< owned; sorted by blob, then in the order of removal */
    size_t count, capacity;
};

/** "checkpoint", "live", "temporary", "partial", "lock". */
const char *plm_debris_type(enum plm_debris_kind kind);

/** True when a file of this name, in `blobs` or in `.pullm`, is disposable by its name. */
bool plm_debris_of_name(const char *name, bool in_blobs, struct plm_debris *out);

PLM_MUST bool plm_debris_scan(const struct plm_store *store, struct plm_debris_list *out,
                              struct plm_error *err);
void plm_debris_list_done(struct plm_debris_list *list);
