/* Names of event kinds, verbs and retry reasons, as they stand in every output. */
#include "pullama/event.h"

static const char *const event_names[PLM_EVENT_KINDS] = {
    [PLM_EV_PULL_START] = "pull_start",
    [PLM_EV_MANIFEST_FETCH_START] = "manifest_fetch_start",
    [PLM_EV_MANIFEST_FETCHED] = "manifest_fetched",
    [PLM_EV_PLAN] = "plan",
    [PLM_EV_BLOB_CACHED] = "blob_cached",
    [PLM_EV_BLOB_WAITING] = "blob_waiting",
    [PLM_EV_BLOB_ADOPTED] = "blob_adopted",
    [PLM_EV_BLOB_RESUMED] = "blob_resumed",
    [PLM_EV_BLOB_START] = "blob_start",
    [PLM_EV_CHUNKSUMS_FETCHED] = "chunksums_fetched",
    [PLM_EV_PROGRESS] = "progress",
    [PLM_EV_CHUNK_MISMATCH] = "chunk_mismatch",
    [PLM_EV_CHECKPOINT_CORRUPT] = "checkpoint_corrupt",
    [PLM_EV_CHECKPOINT_SAVED] = "checkpoint_saved",
    [PLM_EV_RETRY] = "retry",
    [PLM_EV_REFRESH] = "refresh",
    [PLM_EV_BLOB_VERIFY_START] = "blob_verify_start",
    [PLM_EV_BLOB_VERIFIED] = "blob_verified",
    [PLM_EV_BLOB_VERIFY_FAILED] = "blob_verify_failed",
    [PLM_EV_BLOB_FINALIZED] = "blob_finalized",
    [PLM_EV_MANIFEST_WRITE_START] = "manifest_write_start",
    [PLM_EV_MANIFEST_WRITTEN] = "manifest_written",
    [PLM_EV_LAYERS_REMOVED] = "layers_removed",
    [PLM_EV_PUSH_START] = "push_start",
    [PLM_EV_MANIFEST_READ] = "manifest_read",
    [PLM_EV_PUSH_PLAN] = "push_plan",
    [PLM_EV_BLOB_EXISTS] = "blob_exists",
    [PLM_EV_BLOB_MOUNTED] = "blob_mounted",
    [PLM_EV_UPLOAD_LOST] = "upload_lost",
    [PLM_EV_BLOB_SENT] = "blob_sent",
    [PLM_EV_MANIFEST_PUSH_START] = "manifest_push_start",
    [PLM_EV_MANIFEST_PUSHED] = "manifest_pushed",
    [PLM_EV_LIST_MODEL] = "list_model",
    [PLM_EV_SHOW] = "show",
    [PLM_EV_RM_START] = "rm_start",
    [PLM_EV_RM_MANIFEST] = "rm_manifest",
    [PLM_EV_RM_BLOB] = "rm_blob",
    [PLM_EV_RM_DONE] = "rm_done",
    [PLM_EV_COPIED] = "copied",
    [PLM_EV_CLEAN_START] = "clean_start",
    [PLM_EV_CLEAN_FILE] = "clean_file",
    [PLM_EV_CLEAN_DONE] = "clean_done",
    [PLM_EV_PRUNE_START] = "prune_start",
    [PLM_EV_PRUNE_BLOB] = "prune_blob",
    [PLM_EV_PRUNE_DONE] = "prune_done",
    [PLM_EV_VERIFY_START] = "verify_start",
    [PLM_EV_BLOB_CHECKED] = "blob_checked",
    [PLM_EV_MODEL_CHECKED] = "model_checked",
    [PLM_EV_REPAIR_START] = "repair_start",
    [PLM_EV_BLOB_REPAIRED] = "blob_repaired",
    [PLM_EV_VERIFY_DONE] = "verify_done",
    [PLM_EV_OUTDATED_START] = "outdated_start",
    [PLM_EV_UPSTREAM] = "upstream",
    [PLM_EV_OUTDATED_DONE] = "outdated_done",
    [PLM_EV_UPDATE_DONE] = "update_done",
    [PLM_EV_ADOPT_START] = "adopt_start",
    [PLM_EV_ADOPTED] = "adopted",
    [PLM_EV_EXPORT_START] = "export_start",
    [PLM_EV_EXPORTED] = "exported",
    [PLM_EV_IMPORT_START] = "import_start",
    [PLM_EV_IMPORTED] = "imported",
    [PLM_EV_KEY] = "key",
    [PLM_EV_LOGIN] = "login",
    [PLM_EV_LOGOUT] = "logout",
    [PLM_EV_DOCTOR_START] = "doctor_start",
    [PLM_EV_DOCTOR_CHECK] = "doctor_check",
    [PLM_EV_DOCTOR_DONE] = "doctor_done",
    [PLM_EV_VERSION] = "version",
    [PLM_EV_QUEUE_ADDED] = "queue_added",
    [PLM_EV_QUEUE_ENTRY] = "queue_entry",
    [PLM_EV_QUEUE_REMOVED] = "queue_removed",
    [PLM_EV_QUEUE_RETRIED] = "queue_retried",
    [PLM_EV_QUEUE_CHANGED] = "queue_changed",
    [PLM_EV_QUEUE_START] = "queue_start",
    [PLM_EV_QUEUE_NEXT] = "queue_next",
    [PLM_EV_QUEUE_SETTLED] = "queue_settled",
    [PLM_EV_QUEUE_PAUSING] = "queue_pausing",
    [PLM_EV_QUEUE_DONE] = "queue_done",
    [PLM_EV_HISTORY] = "history",
    [PLM_EV_HISTORY_KEPT] = "history_kept",
    [PLM_EV_STATS] = "stats",
    [PLM_EV_LOCK_WAITING] = "lock_waiting",
    [PLM_EV_WARNING] = "warning",
    [PLM_EV_INTERRUPTED] = "interrupted",
    [PLM_EV_COMPLETED] = "completed",
    [PLM_EV_FAILED] = "failed",
};

static const char *const verb_names[PLM_VERBS] = {
    [PLM_VERB_NONE] = "none",
    [PLM_VERB_PULL] = "pull",
    [PLM_VERB_LIST] = "list",
    [PLM_VERB_PUSH] = "push",
    [PLM_VERB_SHOW] = "show",
    [PLM_VERB_RM] = "rm",
    [PLM_VERB_CP] = "cp",
    [PLM_VERB_CLEAN] = "clean",
    [PLM_VERB_KEYGEN] = "keygen",
    [PLM_VERB_VERSION] = "version",
    [PLM_VERB_VERIFY] = "verify",
    [PLM_VERB_LOGIN] = "login",
    [PLM_VERB_LOGOUT] = "logout",
    [PLM_VERB_PRUNE] = "prune",
    [PLM_VERB_DOCTOR] = "doctor",
    [PLM_VERB_OUTDATED] = "outdated",
    [PLM_VERB_UPDATE] = "update",
    [PLM_VERB_ADOPT] = "adopt",
    [PLM_VERB_EXPORT] = "export",
    [PLM_VERB_IMPORT] = "import",
    [PLM_VERB_QUEUE_ADD] = "queue_add",
    [PLM_VERB_QUEUE_LIST] = "queue_list",
    [PLM_VERB_QUEUE_RM] = "queue_rm",
    [PLM_VERB_QUEUE_START] = "queue_start",
    [PLM_VERB_QUEUE_RETRY] = "queue_retry",
    [PLM_VERB_QUEUE_CLEAR] = "queue_clear",
    [PLM_VERB_HISTORY] = "history",
    [PLM_VERB_STATS] = "stats",
};

static const char *const queue_statuses[PLM_QUEUE_STATUSES] = {
    [PLM_QUEUE_QUEUED] = "queued",
    [PLM_QUEUE_ACTIVE] = "active",
    [PLM_QUEUE_COMPLETED] = "completed",
    [PLM_QUEUE_FAILED] = "failed",
};

static const char *const history_scopes[PLM_HISTORY_SCOPES] = {
    [PLM_HISTORY_ALL] = "all",
    [PLM_HISTORY_HOST] = "host",
    [PLM_HISTORY_DAY] = "day",
};

static const char *const blob_verdicts[PLM_BLOB_VERDICTS] = {
    [PLM_BLOB_OK] = "ok",
    [PLM_BLOB_TRUSTED] = "trusted",
    [PLM_BLOB_GONE] = "gone",
    [PLM_BLOB_WRONG_DIGEST] = "wrong_digest",
    [PLM_BLOB_TRUNCATED] = "truncated",
    [PLM_BLOB_GROWN] = "grown",
    [PLM_BLOB_MISSING] = "missing",
    [PLM_BLOB_NO_FILE] = "no_file",
    [PLM_BLOB_UNREADABLE] = "unreadable",
};

static const char *const model_verdicts[PLM_MODEL_VERDICTS] = {
    [PLM_MODEL_OK] = "ok",
    [PLM_MODEL_TRUSTED] = "trusted",
    [PLM_MODEL_REPAIRED] = "repaired",
    [PLM_MODEL_CHANGED] = "changed",
    [PLM_MODEL_DAMAGED] = "damaged",
    [PLM_MODEL_UNREADABLE] = "unreadable",
    [PLM_MODEL_BAD_MANIFEST] = "bad_manifest",
    [PLM_MODEL_NOT_FOUND] = "not_found",
};

static const char *const checks[PLM_CHECKS] = {
    [PLM_CHECK_RESOLVER] = "resolver", [PLM_CHECK_PROXY] = "proxy",
    [PLM_CHECK_ADDRESS] = "address",   [PLM_CHECK_CERTIFICATE] = "certificate",
    [PLM_CHECK_AUTH] = "auth",         [PLM_CHECK_ACCESS] = "access",
    [PLM_CHECK_MANIFEST] = "manifest", [PLM_CHECK_BLOB] = "blob",
    [PLM_CHECK_RANGES] = "ranges",     [PLM_CHECK_CHUNK_DIGESTS] = "chunk_digests",
    [PLM_CHECK_UPLOADS] = "uploads",
};

static const char *const check_results[PLM_CHECK_RESULTS] = {
    [PLM_CHECK_OK] = "ok",
    [PLM_CHECK_NOTE] = "note",
    [PLM_CHECK_WARN] = "warning",
    [PLM_CHECK_FAILED] = "failed",
};

static const char *const reason_texts[PLM_RETRY_REASONS] = {
    [PLM_RETRY_CONNECTION] = "connection failed",
    [PLM_RETRY_TIMEOUT] = "timed out",
    [PLM_RETRY_STALL] = "stalled",
    [PLM_RETRY_SHORT_BODY] = "answer ended early",
    [PLM_RETRY_SERVER_ERROR] = "server error",
    [PLM_RETRY_RATE_LIMITED] = "rate limited",
    [PLM_RETRY_DNS] = "name lookup failed",
    [PLM_RETRY_TLS] = "TLS handshake failed",
    [PLM_RETRY_TOKEN] = "token expired",
    [PLM_RETRY_REDIRECT] = "redirect target expired",
};

const char *plm_event_name(enum plm_event_kind kind)
{
    return (unsigned)kind < PLM_EVENT_KINDS ? event_names[kind] : "unknown";
}

const char *plm_verb_name(enum plm_verb verb)
{
    return (unsigned)verb < PLM_VERBS ? verb_names[verb] : "none";
}

const char *plm_blob_verdict_name(enum plm_blob_verdict verdict)
{
    return (unsigned)verdict < PLM_BLOB_VERDICTS ? blob_verdicts[verdict] : "unknown";
}

const char *plm_model_verdict_name(enum plm_model_verdict verdict)
{
    return (unsigned)verdict < PLM_MODEL_VERDICTS ? model_verdicts[verdict] : "unknown";
}

static const char *const placements[PLM_PLACEMENTS] = {
    [PLM_PLACED_REFLINK] = "reflink",
    [PLM_PLACED_LINK] = "hard_link",
    [PLM_PLACED_COPY] = "copy",
    [PLM_PLACED_NOT] = "present",
};

const char *plm_placement_name(enum plm_placement placement)
{
    return (unsigned)placement < PLM_PLACEMENTS ? placements[placement] : NULL;
}

static const char *const upstream_verdicts[PLM_UPSTREAM_VERDICTS] = {
    [PLM_UPSTREAM_CURRENT] = "current",       [PLM_UPSTREAM_OUTDATED] = "outdated",
    [PLM_UPSTREAM_NOT_SERVED] = "not_served", [PLM_UPSTREAM_UNKNOWN] = "unknown",
    [PLM_UPSTREAM_NOT_HERE] = "not_here",
};

const char *plm_upstream_verdict_name(enum plm_upstream_verdict verdict)
{
    return (unsigned)verdict < PLM_UPSTREAM_VERDICTS ? upstream_verdicts[verdict] : "unknown";
}

const char *plm_retry_reason_text(enum plm_retry_reason reason)
{
    return (unsigned)reason < PLM_RETRY_REASONS ? reason_texts[reason] : "unknown reason";
}

const char *plm_queue_status_name(enum plm_queue_status status)
{
    return (unsigned)status < PLM_QUEUE_STATUSES ? queue_statuses[status] : "unknown";
}

const char *plm_history_scope_name(enum plm_history_scope scope)
{
    return (unsigned)scope < PLM_HISTORY_SCOPES ? history_scopes[scope] : "unknown";
}

const char *plm_check_name(enum plm_check_kind check)
{
    return (unsigned)check < PLM_CHECKS ? checks[check] : "unknown";
}

const char *plm_check_result_name(enum plm_check_result result)
{
    return (unsigned)result < PLM_CHECK_RESULTS ? check_results[result] : "unknown";
}
