/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A YAML document as a tree of nodes that know where they stand.
 *
 * Aliases are resolved (a node may hang in several places, so nodes are never changed after loading), merge keys `<<`
 * are merged, keys are unique texts. There are no cycles, the depth is bounded, and so is the size that the tree would
 * have with every alias written out; so whoever walks it needs no guards. All of it lives in an arena. */
#ifndef HK__TREE_H
#define HK__TREE_H

#include <stdbool.h>
#include <stddef.h>

#include <hillock/status.h>

#include "io/arena.h"

enum hk__node_kind { HK__SCALAR, HK__SEQUENCE, HK__MAPPING };

struct hk__node;

struct hk__pair {
  const struct hk__node *key; /* a scalar */
  const struct hk__node *value;
};

struct hk__node {
  enum hk__node_kind kind;
  bool quoted; /* a scalar in quotes: never empty in the sense of hk__node_is_empty */
  struct hk_place place;
  const char *text; /* of a scalar, "" for others */
  size_t count;     /* of a sequence or a mapping */
  const struct hk__node *const *items;
  const struct hk__pair *pairs;
  size_t weight; /* nodes in it with every alias written out */
};

/* Loads a document of length bytes; name is what places will call it. HK_ERR_INPUT with what is wrong in
 * messages: syntax, duplicate keys, cycles, more than one document. An empty document is an error too. Errors besides:
 * HK_ERR_MEMORY. */
enum hk_status hk__tree_load(struct hk__arena *arena, const char *name, const char *text, size_t length,
                             const struct hk__node **root, struct hk_messages *messages);

/* Replaces what `KEY=VALUE` names (KEY a dotted path with list indices, VALUE in YAML) in a copy of the tree, *root.
 * What is wrong is told at the place `--set KEY`. */
enum hk_status hk__tree_override(struct hk__arena *arena, const char *override, const struct hk__node **root,
                                 struct hk_messages *messages);

/* The tree as YAML; the text must be freed with free(). Errors: HK_ERR_MEMORY. */
enum hk_status hk__tree_write(const struct hk__node *root, char **text);

/* The value of a key; NULL if a mapping has none of that name or the node is no mapping. */
const struct hk__node *hk__node_get(const struct hk__node *node, const char *key);

/* Nothing was written, or `~` or `null`. */
bool hk__node_is_empty(const struct hk__node *node);

/* How a node is shown in a message: its text in backquotes, shortened and without control characters, or "a list", "a
 * mapping", "nothing". */
const char *hk__node_shown(const struct hk__node *node, char *buffer, size_t size);
enum { HK__SHOWN = 96 };

/* Nodes that are made rather than loaded; NULL: no memory. The arrays are copied. */
struct hk__node *hk__node_scalar(struct hk__arena *arena, const struct hk_place *place, const char *text);
struct hk__node *hk__node_sequence(struct hk__arena *arena, const struct hk_place *place,
                                   const struct hk__node *const *items, size_t count);
struct hk__node *hk__node_mapping(struct hk__arena *arena, const struct hk_place *place, const struct hk__pair *pairs,
                                  size_t count);

#endif
