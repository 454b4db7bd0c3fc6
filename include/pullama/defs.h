/**
 * Compiler attributes and ownership macros shared by every header of pullama.
 *
 * Ownership words: `_new/_free` are heap objects, `_open/_close` are resources of the system,
 * `_init/_done` are embedded in the caller's memory. Destructors take NULL and half-built objects.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The result must be looked at. */
#define PLM_MUST __attribute__((warn_unused_result))

/** printf-like: the format is argument @p f, the first value argument @p a. */
#define PLM_FORMAT(f, a) __attribute__((format(printf, f, a)))

/** Calls @p fn with the variable's address when it goes out of scope. */
#define plm_auto(fn) __attribute__((cleanup(fn)))

/** Exported from the shared library. */
#define PLM_API __attribute__((visibility("default")))

/** Declares `name_freep`, for plm_auto(), from `name_free`. */
#define PLM_DEFINE_FREEP(type, name)                                                               \
    static inline void name##_freep(type **p) /* NOLINT(bugprone-macro-parentheses): a type */     \
    {                                                                                              \
        name##_free(*p);                                                                           \
    }

/** Takes the pointer out of an owning variable: the variable becomes NULL. */
#define plm_steal(pp)                                                                              \
    __extension__({                                                                                \
        __typeof__(*(pp)) stolen_ = *(pp);                                                         \
        *(pp) = NULL;                                                                              \
        stolen_;                                                                                   \
    })

/** Number of elements of an array. */
#define PLM_COUNT(a) (sizeof(a) / sizeof((a)[0]))
