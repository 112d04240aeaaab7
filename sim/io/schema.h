/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mappings of a config described by tables: one table of fields per mapping drives reading, messages about unknown and
 * missing keys, defaults and writing.
 *
 *   static const struct hk__field fields[] = {
 *     HK__FIELD(time, grid, quantity, .flags = HK__REQUIRED, .unit = "ms", .high = INFINITY, .open_low = true),
 *   };
 *   static const struct hk__schema time_schema = {"time", fields, 1, sizeof(struct time), NULL};
 *
 * A struct that a schema fills begins with a struct hk__section. Reading never stops at an error: it says what is wrong
 * and goes on, so that all errors are told; `wrong` counts them. */
#ifndef HK__SCHEMA_H
#define HK__SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>

#include "io/arena.h"
#include "io/tree.h"
#include "io/units.h"

struct hk__reader {
  struct hk__arena *arena; /* everything read lives here */
  struct hk_messages *messages;
  struct hk__units *units;
  const char *folder; /* relative paths start here; absolute */
  size_t wrong;
  enum hk_status status; /* HK_OK, or what made reading impossible: HK_ERR_MEMORY, HK_ERR_IO */
};

struct hk__field;

/* How a kind of value is read into a slot (a member of the struct) and written from it. read is called with a node that
 * is not empty. write returns NULL for no memory. */
struct hk__type {
  void (*read)(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node, void *slot);
  struct hk__node *(*write)(struct hk__arena *arena, const struct hk__field *field, const void *slot);
};

enum hk__field_flags {
  HK__REQUIRED = 1,
  HK__ONE_OF = 2,       /* exactly one of the fields with this flag must be given */
  HK__IF_GIVEN = 4,     /* has no default: written only if given */
  HK__MAY_BE_EMPTY = 8, /* `key:` alone is allowed, read is called for it too */
  HK__NOT_WRITTEN = 16,
  HK__MAY_BE_INFINITE = 32 /* `inf` is in the range of a quantity */
};

struct hk__field {
  const char *key;
  const struct hk__type *type;
  size_t offset;
  unsigned flags;
  const char *unit; /* quantities */
  double low, high; /* numbers: must lie in [low, high] or, with open_low, (low, high] */
  bool open_low;
  const void *detail; /* what the type needs: the names of a choice, the schema of a mapping */
};

/* The field of a struct's member of that name: HK__FIELD(struct, member, type, other members of struct hk__field). */
#define HK__FIELD(owner, member, kind, ...)                                                           \
  {                                                                                                   \
    .key = #member, .type = &hk__##kind##_type, .offset = offsetof(struct owner, member), __VA_ARGS__ \
  }

struct hk__schema {
  const char *what; /* "projection" */
  const struct hk__field *fields;
  size_t count, size;
  const void *presets; /* a struct to begin with; NULL: all zero */
};

struct hk__section {
  uint64_t given; /* bit i: field i was there and not empty */
  const struct hk__node *node;
  bool wrong; /* something in it was */
};

/* Says what is wrong at the node. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void hk__wrong(struct hk__reader *reader, const struct hk__node *node, const char *format, ...);

/* Says "KEY: VALUE, EXPECTED was expected", VALUE as in hk__node_shown followed by what. */
void hk__wrong_value(struct hk__reader *reader, const char *key, const struct hk__node *node, const char *what,
                     const char *expected);

/* hk__arena_alloc that notes a lack of memory in the reader. */
void *hk__reader_alloc(struct hk__reader *reader, size_t count, size_t size);

/* Reads a mapping into a struct; false if anything in it was wrong. */
bool hk__read_section(struct hk__reader *reader, const struct hk__schema *schema, const struct hk__node *node,
                      void *out);
struct hk__node *hk__write_section(struct hk__arena *arena, const struct hk__schema *schema, const void *in);

bool hk__section_has(const struct hk__schema *schema, const void *in, const char *key);
/* Marks a key as given, so that it is written. */
void hk__give(const struct hk__schema *schema, struct hk__section *section, const char *key);
/* The node of the key, or that of the section where it has none. */
const struct hk__node *hk__section_node(const struct hk__section *section, const char *key);

/* Scalars for fields and for what is built from them; false: wrong, and said so. */
bool hk__read_quantity(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                       double *value);
bool hk__read_whole(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                    uint64_t *value);
struct hk__node *hk__write_quantity(struct hk__arena *arena, const char *unit, double value);
struct hk__node *hk__write_text(struct hk__arena *arena, const char *text);
struct hk__node *hk__write_whole(struct hk__arena *arena, uint64_t value);

struct hk__names {
  const struct hk__node *node;
  const struct hk__node *const *items; /* the nodes of the names, all scalars */
  size_t count;
  bool listed; /* a list, even if of one */
};

/* Structs of one schema, size bytes each; keys: their names where they stand in a mapping. */
struct hk__sections {
  void *items;
  const struct hk__node *const *keys;
  size_t count;
};

extern const struct hk__type hk__quantity_type;     /* double */
extern const struct hk__type hk__whole_type;        /* uint64_t; from low to high */
extern const struct hk__type hk__flag_type;         /* bool */
extern const struct hk__type hk__choice_type;       /* int; detail: names, NULL at the end */
extern const struct hk__type hk__text_type;         /* const char * */
extern const struct hk__type hk__path_type;         /* const char *, made absolute */
extern const struct hk__type hk__names_type;        /* struct hk__names; a name or a list of names */
extern const struct hk__type hk__section_type;      /* the struct itself; detail: its schema */
extern const struct hk__type hk__section_list_type; /* struct hk__sections, from a list; detail: the schema */
extern const struct hk__type hk__section_map_type; /* struct hk__sections, from names to mappings; detail: the schema */
extern const struct hk__type hk__node_type; /* const struct hk__node *: anything, read later or by somebody else */

#endif
