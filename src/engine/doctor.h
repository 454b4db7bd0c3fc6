/**
 * What lies between us and a registry, looked at step by step. Shared by doctor*.c.
 *
 *     LISTING → ASKING → (TRUSTING: over) | GREETING → over
 *                                         | MANIFEST → BLOB → SUMMING → (OPENING → DROPPING) → over
 *
 * Each step says what it saw as it goes. What fails for good ends it: the steps behind it would say
 * the same again. Nothing at the registry is changed, but that an upload session is opened and
 * deleted again where that was asked for.
 */
#pragma once

#include "engine/engine_private.h"
#include "net/challenge.h"
#include "net/hosts.h"
#include "net/upload.h"

#define PLM_DOCTOR_ADDRESSES 16
#define PLM_DOCTOR_TEXT 1024

enum plm_doctor_stage {
    PLM_DOCTOR_LISTING,  /**< the addresses of the name */
    PLM_DOCTOR_ASKING,   /**< all of them, at the same time */
    PLM_DOCTOR_TRUSTING, /**< none has a certificate that is trusted: which one is it? */
    PLM_DOCTOR_GREETING, /**< without a model: what it makes of what we show */
    PLM_DOCTOR_MANIFEST,
    PLM_DOCTOR_BLOB,    /**< a few bytes of the largest one */
    PLM_DOCTOR_SUMMING, /**< its chunk digests */
    PLM_DOCTOR_OPENING, /**< an upload session */
    PLM_DOCTOR_DROPPING,
    PLM_DOCTOR_STAGES
};

struct plm_doctor;

/** One address that is asked. */
struct plm_doctor_probe {
    struct plm_doctor *doctor;
    struct plm_http_transfer *transfer; /**< NULL when it is over */
    char address[64];                   /**< "" behind a proxy: it chooses */
    enum plm_http_end end;
    struct plm_error error;
    struct plm_http_sight sight; /**< its proxy is not to be read */
};

struct plm_doctor {
    struct plm_job *job;
    struct plm_ref ref;
    bool has_model;
    struct plm_url origin;
    char url[PLM_URL_MAX];                                /**< of /v2/ */
    char address[sizeof("https://") + PLM_AUTHORITY_MAX]; /**< as it is shown */
    enum plm_doctor_stage stage;
    int64_t limit_ms, began_ms; /**< of all; of the stage */
    struct plm_timer deadline;
    struct plm_doctor_probe probes[PLM_DOCTOR_ADDRESSES];
    size_t count, pending;
    bool is_proxied;
    char proxy[256];
    int status;                     /**< of the first answer; 0: none yet */
    struct plm_challenge challenge; /**< and what it asks for */
    struct plm_http_transfer *listing;
    struct plm_registry *registry;
    char way[PLM_DOCTOR_TEXT]; /**< " → host" for each redirect of the stage */
    bool is_child;             /**< the manifest is one out of an index */
    struct plm_manifest *manifest;
    struct plm_descriptor blob; /**< the largest one */
    struct plm_span span;       /**< that is asked for of it */
    struct plm_source *source;
    struct plm_fetch *fetch;
    int blob_status;
    bool is_range_exact;
    bool asked_direct;
    char uploads[PLM_DOCTOR_TEXT]; /**< what was seen of the forms of an upload */
    uint32_t checks, warnings, failures;
    struct plm_error error; /**< first failure */
};

/** True for what names a registry and no model: with a scheme and no path, `localhost`, an IP
 * address, or a name whose last label is of letters; each with or without a port. Pure. */
bool plm_doctor_is_host(const char *text);

/** Says what was seen. FAILED is for plm_doctor_fail(). */
void plm_doctor_say(struct plm_doctor *doctor, const struct plm_event_check *check);
/** Says that a check failed, and ends with its error. */
void plm_doctor_fail(struct plm_doctor *doctor, enum plm_check_kind check,
                     const struct plm_error *err, const char *means, const char *advice);
/** Says that a check failed without ending there: plm_doctor_end() comes later. */
void plm_doctor_note_failure(struct plm_doctor *doctor, const struct plm_event_check *check,
                             const struct plm_error *err);
void plm_doctor_end(struct plm_doctor *doctor);
void plm_doctor_enter(struct plm_doctor *doctor, enum plm_doctor_stage stage);
/** Since the stage began. */
int64_t plm_doctor_elapsed_ms(const struct plm_doctor *doctor);

/* doctor_way.c: as far as an answer */

PLM_MUST bool plm_doctor_list(struct plm_doctor *doctor, struct plm_error *err);

/* doctor_model.c: what the registry says once it is asked in earnest */

PLM_MUST bool plm_doctor_greet(struct plm_doctor *doctor, struct plm_error *err);
PLM_MUST bool plm_doctor_look_at_model(struct plm_doctor *doctor, struct plm_error *err);

/* doctor_push.c */

PLM_MUST bool plm_doctor_look_at_uploads(struct plm_doctor *doctor, struct plm_error *err);
