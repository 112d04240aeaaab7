/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON files of a SONATA circuit: where an error stands, manifests, paths. */
#ifndef HK__SONATA_JSON_H
#define HK__SONATA_JSON_H

#include <stdbool.h>

#include <jansson.h>

#include <hillock/status.h>

struct hk__json_file {
  char *path, *folder; /* the folder is absolute */
  char *text;          /* as read */
  json_t *root;        /* an object */
};

/* text NULL: read the file. */
enum hk_status hk__json_load(const char *path, const char *text, struct hk__json_file *file,
                             struct hk_messages *messages);
void hk__json_close(struct hk__json_file *file); /* zeroed is fine */

/* Adds a message about the value at a dotted key, at its line and column where the text has it. Returns HK_ERR_INPUT.
 */
#if defined(__GNUC__)
__attribute__((format(printf, 5, 6)))
#endif
enum hk_status
hk__json_tell(const struct hk__json_file *file, enum hk_severity severity, const char *key,
              struct hk_messages *messages, const char *format, ...);

/* Replaces $VARIABLE and ${VARIABLE} of the manifest in all values, and drops the manifest. */
enum hk_status hk__json_substitute(struct hk__json_file *file, struct hk_messages *messages);

/* Makes the text at object[name] an absolute path, seen from the file's folder. key: of the object, for messages. A
 * value that is not there is fine. */
enum hk_status hk__json_make_path(const struct hk__json_file *file, json_t *object, const char *key, const char *name,
                                  struct hk_messages *messages);

/* Typed values; what is not there leaves the value alone, what is of another type is told. */
enum hk_status hk__json_number(const struct hk__json_file *file, const json_t *object, const char *key,
                               const char *name, double *value, struct hk_messages *messages);
enum hk_status hk__json_flag(const struct hk__json_file *file, const json_t *object, const char *key, const char *name,
                             bool *value, struct hk_messages *messages);
enum hk_status hk__json_text(const struct hk__json_file *file, const json_t *object, const char *key, const char *name,
                             const char **value, struct hk_messages *messages);

/* An object of objects; out NULL where there is none. */
enum hk_status hk__json_object(const struct hk__json_file *file, const json_t *object, const char *key,
                               const char *name, json_t **out, struct hk_messages *messages);

/* Warns about each key that is not among the known ones (NULL at the end). */
void hk__json_warn_unknown(const struct hk__json_file *file, const json_t *object, const char *key,
                           const char *const *known, struct hk_messages *messages);

#endif
