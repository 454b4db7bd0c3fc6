/** One well-filled event of every kind, with texts that a hostile registry could have chosen. */
#pragma once

#include <string.h>

#include "pullama/event.h"

#define HOSTILE "a\x1b[31m\"\\\n\r\xff\xe2\x80\xae\xed\xa0\x80 \xe6\xbc\xa2\xf0\x9f\x98\x80 end"

struct event_samples {
    struct plm_ref ref, target;
    struct plm_descriptor blob;
    struct plm_digest digest;
    struct plm_layer layer;
    struct plm_manifest manifest;
    struct plm_error error;
    const char *capabilities[3];
    const struct plm_ref *models[2];
    struct plm_queue_entry entry;
    struct plm_history_record record;
    struct plm_history_sum sum;
    char id[65];
};

static inline void samples_init(struct event_samples *s)
{
    *s = (struct event_samples){0};
    strcpy(s->ref.host, PLM_DEFAULT_HOST);
    strcpy(s->ref.ns, PLM_DEFAULT_NAMESPACE);
    strcpy(s->ref.model, "llama3.2");
    strcpy(s->ref.tag, "3b");
    s->target = s->ref;
    strcpy(s->target.host, "hf.co");
    strcpy(s->target.ns, "someone");
    memset(s->digest.sha256, 0xbd, sizeof(s->digest.sha256));
    s->blob.digest = s->digest;
    s->blob.size = 2019377376;
    strcpy(s->blob.media, "application/vnd.ollama.image.model");
    s->layer = (struct plm_layer){.blob = s->blob, .name = (char *)(uintptr_t)HOSTILE};
    s->manifest = (struct plm_manifest){.digest = s->digest,
                                        .has_config = true,
                                        .config = s->blob,
                                        .layers = &s->layer,
                                        .layer_count = 1};
    (void)plm_fail(&s->error, PLM_E_NETWORK, "%s", HOSTILE);
    s->capabilities[0] = "completion";
    s->capabilities[1] = HOSTILE;
    memset(s->id, 'a', 64);
    s->models[0] = &s->ref;
    s->models[1] = &s->target;
    s->entry = (struct plm_queue_entry){.id = 9,
                                        .position = 3,
                                        .reference = HOSTILE,
                                        .status = PLM_QUEUE_FAILED,
                                        .added_ms = 1699999999123,
                                        .started_ms = 1700000000000,
                                        .attempts = 2,
                                        .code = "network",
                                        .error = HOSTILE};
    s->record = (struct plm_history_record){.verb = HOSTILE,
                                            .reference = HOSTILE,
                                            .host = "hf.co",
                                            .started_ms = 1699999000000,
                                            .ended_ms = 1700000000000,
                                            .elapsed_ms = 1000000,
                                            .total = 3000000000,
                                            .fetched = 2000000000,
                                            .reused = 1000000000,
                                            .retries = 3,
                                            .rate = 2000000,
                                            .outcome = "ok",
                                            .error = HOSTILE};
    s->sum = (struct plm_history_sum){.scope = PLM_HISTORY_HOST,
                                      .name = HOSTILE,
                                      .jobs = 3,
                                      .failed = 1,
                                      .fetched = 2000000000,
                                      .elapsed_ms = 1000000,
                                      .rate = 2000000};
}

static inline void fill_show(struct plm_event_show *show, const struct event_samples *s)
{
    *show = (struct plm_event_show){
        .ref = &s->ref,
        .manifest = &s->manifest,
        .id_hex = s->id,
        .size = 2019393189,
        .modified_s = 1700000000,
        .architecture = HOSTILE,
        .family = "llama",
        .format = "gguf",
        .quantization = "Q4_K_M",
        .parameter_size = "3.2B",
        .requires_version = "",
        .parameter_count = 3212749888,
        .context_length = 131072,
        .embedding_length = 3072,
        .gguf_warning = HOSTILE,
        .capabilities = s->capabilities,
        .license = {HOSTILE "\nsecond\nthird\nfourth", sizeof(HOSTILE) + 19},
        .parameters = {"{\"stop\":[\"\\u003c|x|\\u003e\",\"b\"],\"num_ctx\":4096}", 47},
        .tmpl = {"{{ .Prompt }}", 13},
        .blob_path = "/models/blobs/sha256-bd",
    };
}

static inline void fill_pull(struct plm_event *e, const struct event_samples *s)
{
    switch (e->kind) {
    case PLM_EV_MANIFEST_FETCHED:
    case PLM_EV_MANIFEST_WRITTEN:
        e->manifest.blob_count = 3;
        e->manifest.total_size = 3000000000;
        e->manifest.digest = &s->digest;
        break;
    case PLM_EV_PLAN:
        e->plan = (struct plm_event_plan){
            3000000000, 1000000000, 2000000000, 90000000000, 2067108864, true, false, 1, 3};
        break;
    case PLM_EV_BLOB_WAITING:
    case PLM_EV_LOCK_WAITING:
        e->waiting.done = 5000;
        e->waiting.pid = 4711;
        break;
    case PLM_EV_BLOB_ADOPTED:
        e->adopted.program = "Ollama";
        e->adopted.bytes = 12345678;
        break;
    case PLM_EV_BLOB_RESUMED:
        e->resumed.done = 700000000;
        e->resumed.contiguous = 600000000;
        break;
    case PLM_EV_CHUNKSUMS_FETCHED:
        e->chunksums.chunk_count = 31;
        e->chunksums.available = true;
        break;
    case PLM_EV_PROGRESS:
        e->progress = (struct plm_event_progress){900000000, 2019377376, 1900000000, 3000000000,
                                                  35000000,  48000,      4};
        break;
    case PLM_EV_CHUNK_MISMATCH:
        e->chunk.start = 67108864;
        e->chunk.end = 134217728;
        break;
    case PLM_EV_CHECKPOINT_SAVED:
        e->checkpoint.durable = 800000000;
        break;
    case PLM_EV_RETRY:
    case PLM_EV_REFRESH:
        e->retry = (struct plm_event_retry){
            PLM_RETRY_STALL, "blob", "cdn.example:443", HOSTILE, 2, 6, 1250, 503, true};
        break;
    case PLM_EV_BLOB_VERIFIED:
    case PLM_EV_BLOB_VERIFY_FAILED:
        e->verified.elapsed_ms = 140;
        e->verified.attempt = 1;
        e->verified.max_attempts = 2;
        e->verified.dropped = 67108864;
        break;
    case PLM_EV_CHECKPOINT_CORRUPT:
    case PLM_EV_WARNING:
        e->text.message = HOSTILE;
        break;
    default:
        break;
    }
}

static inline void fill_push(struct plm_event *e, const struct event_samples *s)
{
    switch (e->kind) {
    case PLM_EV_PUSH_START:
    case PLM_EV_MANIFEST_PUSH_START:
        e->pushed.to = &s->target;
        break;
    case PLM_EV_MANIFEST_READ:
    case PLM_EV_MANIFEST_PUSHED:
        e->manifest.blob_count = 3;
        e->manifest.total_size = 3000000000;
        e->manifest.digest = &s->digest;
        break;
    case PLM_EV_PUSH_PLAN:
        e->push_plan =
            (struct plm_event_push_plan){3000000000, 1000000000, 2000000000, false, 1, 3};
        break;
    case PLM_EV_BLOB_MOUNTED:
        e->mounted.from = "someone/llama3.2";
        break;
    case PLM_EV_UPLOAD_LOST:
        e->text.message = HOSTILE;
        break;
    case PLM_EV_BLOB_SENT:
        e->sent.bytes = 2019377376;
        e->sent.elapsed_ms = 61500;
        break;
    default:
        break;
    }
}

static inline void fill_registry(struct plm_event *e)
{
    switch (e->kind) {
    case PLM_EV_KEY:
        e->key.path = "/home/u/.ollama/id_ed25519";
        e->key.public_line = "ssh-ed25519 AAAA";
        e->key.created = true;
        break;
    case PLM_EV_LOGIN:
    case PLM_EV_LOGOUT:
        e->login.host = "registry.example.org:5000";
        e->login.user = HOSTILE;
        e->login.place = "/home/u/.docker/config.json";
        e->login.checked = e->login.removed = true;
        break;
    case PLM_EV_DOCTOR_START:
    case PLM_EV_DOCTOR_DONE:
        e->doctor.address = "https://registry.example.org:5000";
        e->doctor.checks = 9;
        e->doctor.warnings = 2;
        e->doctor.failures = 1;
        break;
    case PLM_EV_DOCTOR_CHECK:
        e->check.check = PLM_CHECK_ADDRESS;
        e->check.result = PLM_CHECK_WARN;
        e->check.seen = HOSTILE;
        e->check.means = "another address is used";
        e->check.advice = "-4 leaves it out";
        e->check.address = "2001:db8::1";
        e->check.elapsed_ms = 25;
        break;
    default:
        break;
    }
}

static inline void fill_store(struct plm_event *e, const struct event_samples *s)
{
    switch (e->kind) {
    case PLM_EV_LAYERS_REMOVED:
    case PLM_EV_RM_DONE:
    case PLM_EV_CLEAN_DONE:
        e->removed.files = 2;
        e->removed.bytes = 123456789;
        break;
    case PLM_EV_LIST_MODEL:
        e->listed = (struct plm_event_listed){&s->ref, s->id,   2019393189, 1700000000,
                                              "gguf",  "llama", "3.2B",     "Q4_K_M"};
        break;
    case PLM_EV_SHOW:
        fill_show(&e->show, s);
        break;
    case PLM_EV_RM_MANIFEST:
    case PLM_EV_CLEAN_FILE:
        e->file.path = "/models/" HOSTILE;
        e->file.type = "partial";
        e->file.bytes = 4096;
        break;
    case PLM_EV_COPIED:
        e->copied.from = &s->ref;
        e->copied.to = &s->target;
        break;
    case PLM_EV_VERSION:
        e->version.version = "0.1.0";
        e->version.libraries = "libcurl/7.88.1";
        break;
    case PLM_EV_COMPLETED:
        e->completed.total_size = 3000000000;
        e->completed.fetched = 2000000000;
        e->completed.blob_count = 3;
        e->completed.elapsed_ms = 754000;
        e->completed.bytes_per_second = 2652519;
        break;
    case PLM_EV_FAILED:
        e->failed.error = &s->error;
        break;
    default:
        break;
    }
}

static inline void fill_prune(struct plm_event *e)
{
    switch (e->kind) {
    case PLM_EV_PRUNE_BLOB:
        e->pruned.path = "blobs/" HOSTILE;
        e->pruned.why = "no model names it";
        e->pruned.size = e->pruned.freed = 4096;
        break;
    case PLM_EV_PRUNE_DONE:
        e->prune_done.files = 2;
        e->prune_done.bytes = 123456789;
        e->prune_done.kept = 1;
        e->prune_done.kept_bytes = 4096;
        break;
    default:
        break;
    }
}

static inline void fill_upstream(struct plm_event *e, const struct event_samples *s)
{
    switch (e->kind) {
    case PLM_EV_OUTDATED_START:
        e->outdated.models = 5;
        break;
    case PLM_EV_UPSTREAM:
        e->upstream = (struct plm_event_upstream){.ref = &s->ref,
                                                  .verdict = PLM_UPSTREAM_OUTDATED,
                                                  .here = &s->digest,
                                                  .there = &s->digest,
                                                  .total = 2019393189,
                                                  .fetch = 1000000000,
                                                  .blobs = 6,
                                                  .lacking = 2,
                                                  .message = HOSTILE};
        break;
    case PLM_EV_OUTDATED_DONE:
        e->outdated = (struct plm_event_outdated){5, 2, 2, 1, 1500000000};
        break;
    case PLM_EV_ADOPT_START:
    case PLM_EV_ADOPTED:
        e->placed.path = "/models/" HOSTILE;
        e->placed.how = e->kind == PLM_EV_ADOPTED ? PLM_PLACED_COPY : PLM_PLACED_UNKNOWN;
        e->placed.size = 2019377376;
        e->placed.weights = e->placed.id = &s->digest;
        break;
    case PLM_EV_UPDATE_DONE:
        e->updated.updated = 2;
        e->updated.failed = 1;
        break;
    default:
        break;
    }
}

static inline void fill_verify(struct plm_event *e, const struct event_samples *s)
{
    switch (e->kind) {
    case PLM_EV_VERIFY_START:
    case PLM_EV_VERIFY_DONE:
        e->verify = (struct plm_event_verify){
            .models = 3, .blobs = 7, .total_size = 3000000000, .fast = true};
        if (e->kind == PLM_EV_VERIFY_START)
            break;
        e->verify.models_bad = 1;
        e->verify.blobs_bad = 2;
        e->verify.blobs_trusted = 4;
        e->verify.hashed = 2000000000;
        e->verify.elapsed_ms = 1600;
        e->verify.bytes_per_second = 1250000000;
        break;
    case PLM_EV_REPAIR_START:
        e->repair.blobs = 2;
        e->repair.total_size = 2019393189;
        break;
    case PLM_EV_BLOB_REPAIRED:
        e->blob_repaired.fetched = 67108864;
        e->users = (struct plm_event_models){.items = s->models, .count = 2};
        break;
    case PLM_EV_BLOB_CHECKED:
        e->blob_checked = (struct plm_event_blob_checked){.verdict = PLM_BLOB_WRONG_DIGEST,
                                                          .is_sized = true,
                                                          .found_size = 2019377376,
                                                          .is = &s->digest,
                                                          .message = HOSTILE};
        e->users = (struct plm_event_models){.items = s->models, .count = 2};
        break;
    case PLM_EV_MODEL_CHECKED:
        e->model_checked = (struct plm_event_model_checked){.ref = &s->ref,
                                                            .verdict = PLM_MODEL_TRUSTED,
                                                            .size = 2019393189,
                                                            .blobs = 6,
                                                            .blobs_trusted = 5,
                                                            .checked_s = 1700000000,
                                                            .message = HOSTILE};
        break;
    default:
        break;
    }
}

static inline void fill_archive(struct plm_event *e)
{
    switch (e->kind) {
    case PLM_EV_EXPORT_START:
    case PLM_EV_EXPORTED:
    case PLM_EV_IMPORT_START:
        e->archive = (struct plm_event_archive){.path = "/media/" HOSTILE ".zip.001",
                                                .models = 2,
                                                .blobs = 7,
                                                .parts = 3,
                                                .total_size = 3000000000,
                                                .archive_size = 3000002345};
        break;
    case PLM_EV_IMPORTED:
        e->imported.blobs = 3;
        e->imported.total_size = 2019393189;
        e->imported.read = 2019393189;
        break;
    default:
        break;
    }
}

static inline void fill_queue(struct plm_event *e, const struct event_samples *s)
{
    if (e->kind >= PLM_EV_QUEUE_START && e->kind != PLM_EV_QUEUE_NEXT &&
        e->kind != PLM_EV_QUEUE_SETTLED && e->kind <= PLM_EV_QUEUE_DONE)
        e->queue = (struct plm_event_queue){.count = {5, 2, 1, 1, 1}, .jobs = 2, .paused = true};
    else if (e->kind == PLM_EV_QUEUE_CHANGED)
        e->queue = (struct plm_event_queue){.count = {5, 2, 1, 1, 1}, .changed = 2, .skipped = 1};
    else if (e->kind >= PLM_EV_QUEUE_ADDED && e->kind <= PLM_EV_QUEUE_SETTLED)
        e->queued = (struct plm_event_queued){
            .entry = &s->entry, .ref = &s->ref, .index = 1, .total = 2, .failed = 1};
    else if (e->kind == PLM_EV_HISTORY)
        e->record = &s->record;
    else if (e->kind == PLM_EV_STATS)
        e->sum = &s->sum;
    else if (e->kind == PLM_EV_HISTORY_KEPT)
        e->kept.keep.count = 1000;
}

/** An event of @p kind; valid as long as @p s. */
static inline struct plm_event sample_event(const struct event_samples *s, enum plm_event_kind kind)
{
    struct plm_event e = {
        .seq = 7, .time_ms = 1700000000123, .job = 1, .verb = PLM_VERB_PULL, .kind = kind};
    e.ref = &s->ref;
    if ((kind >= PLM_EV_BLOB_CACHED && kind <= PLM_EV_BLOB_FINALIZED) || kind == PLM_EV_RM_BLOB ||
        kind == PLM_EV_BLOB_CHECKED || kind == PLM_EV_BLOB_REPAIRED)
        e.blob = (struct plm_event_blob){&s->blob, 2, 3};
    if (kind >= PLM_EV_BLOB_EXISTS && kind <= PLM_EV_BLOB_SENT)
        e.blob = (struct plm_event_blob){&s->blob, 2, 3};
    fill_pull(&e, s);
    fill_push(&e, s);
    fill_store(&e, s);
    fill_registry(&e);
    fill_verify(&e, s);
    fill_prune(&e);
    fill_upstream(&e, s);
    fill_archive(&e);
    fill_queue(&e, s);
    return e;
}
