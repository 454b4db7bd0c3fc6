/**
 * The JSON library (jansson) behind typed, bounded getters: the only file that knows it.
 *
 * Parsing rejects duplicate keys, trailing bytes, invalid UTF-8 and NULs; depth is checked against the
 * caller's maximum before the library sees the text, so that hostile depth costs nothing.
 */
#pragma once

#include "base/buf.h"

struct plm_json; /**< a JSON value; borrowed from its root unless said otherwise */

/** Parses a document; free the root with plm_json_free(). PLM_E_PROTOCOL with line and column. */
PLM_MUST bool plm_json_parse(const char *text, size_t length, unsigned max_depth,
                             struct plm_json **out, struct plm_error *err);
void plm_json_free(struct plm_json *root);
PLM_DEFINE_FREEP(struct plm_json, plm_json)
/** As plm_json_free(), for documents with secrets: all their texts are overwritten first. */
void plm_json_wipe(struct plm_json *root);

bool plm_json_is_object(const struct plm_json *value);
bool plm_json_is_array(const struct plm_json *value);
bool plm_json_is_string(const struct plm_json *value);
bool plm_json_is_number(const struct plm_json *value);
bool plm_json_is_bool(const struct plm_json *value);
/** Member of an object, or NULL (also when @p value is NULL or no object). JSON null counts as absent. */
const struct plm_json *plm_json_get(const struct plm_json *value, const char *key);
size_t plm_json_array_size(const struct plm_json *value);
const struct plm_json *plm_json_at(const struct plm_json *value, size_t index);
/** Text of a string value, or NULL. Borrowed. */
const char *plm_json_text(const struct plm_json *value);
/** A non-negative integer that fits; false for anything else (also 1.0 and 1e3). */
PLM_MUST bool plm_json_u64(const struct plm_json *value, uint64_t *out);
bool plm_json_true(const struct plm_json *value);
/** A double from an integer or a real. */
PLM_MUST bool plm_json_double(const struct plm_json *value, double *out);

/** Calls @p each for every member of an object, in the order of the text, until it returns false. */
void plm_json_each(const struct plm_json *value,
                   bool (*each)(void *ctx, const char *key, const struct plm_json *member),
                   void *ctx);

/** Compact text of a value. Owned by the caller. */
PLM_MUST bool plm_json_dump(const struct plm_json *value, char **out, struct plm_error *err);

/* ---- changing a document that someone else wrote: order and all other members stay ---- */

/** `{}`. Free it as what plm_json_parse() gives. */
PLM_MUST bool plm_json_new_object(struct plm_json **out, struct plm_error *err);
/**
 * Sets the member that @p keys lead to, by objects, to a text; NULL: to `{}`. Objects that are missing
 * on the way are made. PLM_E_PROTOCOL where something else stands on the way.
 */
PLM_MUST bool plm_json_set(struct plm_json *root, const char *const *keys, size_t count,
                           const char *text, struct plm_error *err);
/** Removes the member that @p keys lead to. True when there was one. */
bool plm_json_remove(struct plm_json *root, const char *const *keys, size_t count);
/** Text of a value as people read it, with a newline behind it. Owned by the caller. */
PLM_MUST bool plm_json_dump_readable(const struct plm_json *value, char **out,
                                     struct plm_error *err);

/**
 * A writer of one flat-or-nested document, used by everything that prints JSON. Strings that are
 * no UTF-8 get U+FFFD for each bad byte. Errors stick: look at them once, in plm_json_writer_take().
 */
struct plm_json_writer {
    struct plm_buf buf;
    struct plm_error err;
    bool comma;
    unsigned depth;
};
void plm_json_writer_init(struct plm_json_writer *w, size_t max_bytes);
void plm_json_writer_done(struct plm_json_writer *w);
void plm_json_open_object(struct plm_json_writer *w, const char *key); /**< key NULL in arrays and at the root */
void plm_json_close_object(struct plm_json_writer *w);
void plm_json_open_array(struct plm_json_writer *w, const char *key);
void plm_json_close_array(struct plm_json_writer *w);
void plm_json_put_text(struct plm_json_writer *w, const char *key, const char *text); /**< NULL: null */
void plm_json_put_text_n(struct plm_json_writer *w, const char *key, const char *text, size_t n);
void plm_json_put_u64(struct plm_json_writer *w, const char *key, uint64_t value);
void plm_json_put_i64(struct plm_json_writer *w, const char *key, int64_t value);
void plm_json_put_bool(struct plm_json_writer *w, const char *key, bool value);
/** The document's text, owned by the caller; false when anything failed on the way. */
PLM_MUST bool plm_json_writer_take(struct plm_json_writer *w, char **out, struct plm_error *err);
