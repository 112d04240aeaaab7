/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overrides copy the nodes on the way from the root to what is replaced and share all others, so that an override of
 * one population leaves those alone that are aliases of the same mapping. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/suggest.h"
#include "io/tree.h"

struct override {
  struct hk__arena *arena;
  struct hk_messages *messages;
  struct hk_place place; /* `--set KEY` */
  const struct hk__node *value;
  const char *key; /* the whole path */
};

static enum hk_status apply(struct override *o, const struct hk__node *node, const char *path,
                            const struct hk__node **out);

/* The part of the path that has been walked, for messages. */
static int walked(const struct override *o, const char *path)
{
  return path == o->key ? 0 : (int)(path - o->key) - 1;
}

/* The key at the head of the path: the longest one that the mapping has (a key may contain dots), else up to the dot.
 */
static size_t head_length(const struct hk__node *node, const char *path)
{
  size_t best = 0;
  for (size_t i = 0; i < node->count; i++) {
    const char *key = node->pairs[i].key->text;
    size_t length = strlen(key);
    if (length > best && strncmp(key, path, length) == 0 && (path[length] == '.' || path[length] == '\0'))
      best = length;
  }
  return best > 0 ? best : strcspn(path, ".");
}

static void no_such_key(struct override *o, const struct hk__node *node, const char *path, const char *head)
{
  struct hk__suggestion suggestion;
  hk__suggest_begin(&suggestion, head);
  for (size_t i = 0; i < node->count; i++)
    hk__suggest_offer(&suggestion, node->pairs[i].key->text);
  hk_messages_add(o->messages, HK_SEVERITY_ERROR, &o->place, "there is no `%s` in %s%.*s%s%s", head,
                  walked(o, path) ? "`" : "the config", walked(o, path), o->key, walked(o, path) ? "`" : "",
                  hk__suggest_clause(&suggestion));
}

static enum hk_status apply_to_mapping(struct override *o, const struct hk__node *node, const char *path,
                                       const struct hk__node **out)
{
  size_t length = head_length(node, path), at = 0;
  char *head = hk__arena_text(o->arena, path, length);
  struct hk__pair *pairs = hk__arena_alloc(o->arena, node->count + 1, sizeof *pairs);
  if (!head || !pairs)
    return HK_ERR_MEMORY;
  while (at < node->count && strcmp(node->pairs[at].key->text, head) != 0)
    at++;
  bool is_new = at == node->count, is_last = path[length] == '\0';
  struct hk__suggestion suggestion;
  hk__suggest_begin(&suggestion, head);
  for (size_t i = 0; i < node->count; i++) {
    pairs[i] = node->pairs[i];
    hk__suggest_offer(&suggestion, node->pairs[i].key->text);
  }
  if (is_new && !is_last && hk__suggest_clause(&suggestion)[0] != '\0') {
    no_such_key(o, node, path, head);
    return HK_ERR_INPUT;
  }
  const struct hk__node *old = is_new ? hk__node_mapping(o->arena, &o->place, NULL, 0) : pairs[at].value;
  if (is_new)
    pairs[at].key = hk__node_scalar(o->arena, &o->place, head);
  if (!old || !pairs[at].key)
    return HK_ERR_MEMORY;
  enum hk_status status = HK_OK;
  if (is_last)
    pairs[at].value = o->value;
  else
    status = apply(o, old, path + length + 1, &pairs[at].value);
  if (status == HK_OK && !(*out = hk__node_mapping(o->arena, &node->place, pairs, node->count + is_new)))
    status = HK_ERR_MEMORY;
  return status;
}

static enum hk_status apply_to_sequence(struct override *o, const struct hk__node *node, const char *path,
                                        const struct hk__node **out)
{
  char *end;
  errno = 0;
  unsigned long long index = strtoull(path, &end, 10);
  if (end == path || path[0] == '-' || path[0] == '+' || (*end != '.' && *end != '\0') || errno != 0 ||
      index >= node->count) {
    hk_messages_add(o->messages, HK_SEVERITY_ERROR, &o->place,
                    "`%.*s` is a list of %zu, an index below that was expected after it, `%.*s` was found",
                    walked(o, path), o->key, node->count, (int)strcspn(path, "."), path);
    return HK_ERR_INPUT;
  }
  const struct hk__node **items = hk__arena_alloc(o->arena, node->count, sizeof *items);
  if (!items)
    return HK_ERR_MEMORY;
  memcpy(items, node->items, node->count * sizeof *items);
  enum hk_status status = HK_OK;
  if (*end == '\0')
    items[index] = o->value;
  else
    status = apply(o, items[index], end + 1, &items[index]);
  if (status == HK_OK && !(*out = hk__node_sequence(o->arena, &node->place, items, node->count)))
    status = HK_ERR_MEMORY;
  return status;
}

static enum hk_status apply(struct override *o, const struct hk__node *node, const char *path,
                            const struct hk__node **out)
{
  if (node->kind == HK__MAPPING)
    return apply_to_mapping(o, node, path, out);
  if (node->kind == HK__SEQUENCE)
    return apply_to_sequence(o, node, path, out);
  hk_messages_add(o->messages, HK_SEVERITY_ERROR, &o->place, "`%.*s` is a plain value, there is no `%s` in it",
                  walked(o, path), o->key, path);
  return HK_ERR_INPUT;
}

enum hk_status hk__tree_override(struct hk__arena *arena, const char *override, const struct hk__node **root,
                                 struct hk_messages *messages)
{
  size_t length = strcspn(override, "=");
  struct override o = {.arena = arena, .messages = messages};
  o.place.file = hk__arena_format(arena, "--set %.*s", (int)length, override);
  o.key = hk__arena_text(arena, override, length);
  if (!o.place.file || !o.key)
    return HK_ERR_MEMORY;
  if (override[length] != '=' || length == 0 || override[0] == '.' || o.key[length - 1] == '.' || strstr(o.key, "..")) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &o.place,
                    "`%s` is not of the form KEY=VALUE, such as "
                    "`populations.exc.size=100`",
                    override);
    return HK_ERR_INPUT;
  }
  const char *text = override + length + 1;
  if (text[strspn(text, " \t")] == '\0') {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &o.place, "has no value after the `=`");
    return HK_ERR_INPUT;
  }
  enum hk_status status = hk__tree_load(arena, o.place.file, text, strlen(text), &o.value, messages);
  return status == HK_OK ? apply(&o, *root, o.key, root) : status;
}
