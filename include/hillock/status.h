/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Status codes and messages: how the library reports what went wrong.
 *
 * Every fallible function returns an enum hk_status and hands its results back through out-parameters. The library
 * never prints, exits or aborts. Details for people go to a struct hk_messages that the caller may pass (NULL: not
 * wanted): a list of texts, each with the place in a file where the trouble lies, so that all the errors of a config
 * can be shown at once. */
#ifndef HILLOCK_STATUS_H
#define HILLOCK_STATUS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* code, number, message */
#define HK_STATUS_LIST(X)                                                                                      \
  X(HK_OK, 0, "done")                                                                                          \
  X(HK_ERR_INPUT, 1, "bad input")               /* the user's: a wrong config, file or argument */             \
  X(HK_ERR_MEMORY, 2, "out of memory")          /* an allocation failed */                                     \
  X(HK_ERR_IO, 3, "input or output failed")     /* the system's: disk full, unreadable, permission */          \
  X(HK_ERR_NUMERIC, 4, "no numerical solution") /* a solver gave up; the message says which neuron and when */ \
  X(HK_ERR_INTERRUPTED, 5, "interrupted")       /* hk_simulation_interrupt was called; the state is good */    \
  X(HK_ERR_BUG, 6, "internal error")            /* ours: please report it */

enum hk_status {
#define HK_STATUS_ENUM(code, number, message) code = number,
  HK_STATUS_LIST(HK_STATUS_ENUM)
#undef HK_STATUS_ENUM
};

/* The message of the list above; never NULL, "unknown status" for a number that is not in it. */
const char *hk_status_message(enum hk_status status);

/* The version of the library, "MAJOR.MINOR.PATCH". */
const char *hk_version(void);

/* What this processor lacks of what the library was built for ("AVX2"), NULL if nothing. Where it lacks something, no
 * other function may be called. */
const char *hk_cpu_lacks(void);

enum hk_severity { HK_SEVERITY_WARNING, HK_SEVERITY_ERROR };

/* Where in a text file something was found. file NULL: nowhere in particular. line and column count from 1; 0: not
 * known. */
struct hk_place {
  const char *file;
  size_t line, column;
};

/* A growing list of messages. Not safe for concurrent use. */
struct hk_messages;

struct hk_message {
  enum hk_severity severity;
  struct hk_place place;
  const char *text; /* one sentence or several, no newline at the end */
};

/* Error: HK_ERR_MEMORY. */
enum hk_status hk_messages_create(struct hk_messages **out);
void hk_messages_destroy(struct hk_messages *messages);

/* Appends a printf-formatted message; place may be NULL; messages may be NULL (nothing happens). Texts and places are
 * copied. A message for which there is no memory is counted but its text is replaced by a fixed one, so adding never
 * fails. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
void hk_messages_add(struct hk_messages *messages, enum hk_severity severity, const struct hk_place *place,
                     const char *format, ...);

size_t hk_messages_count(const struct hk_messages *messages);
size_t hk_messages_errors(const struct hk_messages *messages);

/* The message at index, valid until the list is added to or destroyed. index must be below the count. */
struct hk_message hk_messages_get(const struct hk_messages *messages, size_t index);

void hk_messages_clear(struct hk_messages *messages);

/* The one of count names that a misspelt one most likely meant; NULL if none is near. */
const char *hk_suggest(const char *given, const char *const *names, size_t count);

#ifdef __cplusplus
}
#endif
#endif
