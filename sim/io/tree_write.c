/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tree as YAML, by libyaml's emitter, which knows what must be quoted. Small mappings and lists deep in the tree go
 * on one line. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "io/tree.h"

enum { LINE = 100 };

struct sink {
  char *text;
  size_t length, capacity;
};

static int append(void *context, unsigned char *bytes, size_t count)
{
  struct sink *sink = context;
  if (count >= sink->capacity - sink->length) {
    size_t capacity = 2 * (sink->capacity + count) + 1;
    char *text = realloc(sink->text, capacity);
    if (!text)
      return 0;
    sink->text = text;
    sink->capacity = capacity;
  }
  memcpy(sink->text + sink->length, bytes, count);
  sink->length += count;
  sink->text[sink->length] = '\0';
  return 1;
}

static bool emit_node(yaml_emitter_t *emitter, const struct hk__node *node, int depth);

/* Texts that would mean something else without quotes. */
static bool needs_quotes(const char *text)
{
  return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 || strcmp(text, "<<") == 0;
}

static yaml_scalar_style_t style_of(const char *text)
{
  if (needs_quotes(text))
    return YAML_SINGLE_QUOTED_SCALAR_STYLE;
  return strchr(text, '\n') ? YAML_LITERAL_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE;
}

static bool emit_scalar(yaml_emitter_t *emitter, const char *text)
{
  yaml_event_t event;
  return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1,
                                      style_of(text)) &&
         yaml_emitter_emit(emitter, &event);
}

/* About how long a node is on one line; more than LINE is as good as any number above it. */
static size_t length_of(const struct hk__node *node)
{
  size_t length = strlen(node->text) + 2;
  for (size_t i = 0; i < node->count && length <= LINE; i++)
    length += node->kind == HK__MAPPING ? strlen(node->pairs[i].key->text) + 2 + length_of(node->pairs[i].value)
                                        : length_of(node->items[i]);
  return length;
}

static bool on_one_line(const struct hk__node *node, int depth)
{
  return depth > 1 && length_of(node) <= LINE;
}

static bool emit_sequence(yaml_emitter_t *emitter, const struct hk__node *node, int depth)
{
  yaml_event_t event;
  bool flow = node->count == 0 || on_one_line(node, depth);
  if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                            flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE) ||
      !yaml_emitter_emit(emitter, &event))
    return false;
  for (size_t i = 0; i < node->count; i++)
    if (!emit_node(emitter, node->items[i], depth + 1))
      return false;
  return yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool emit_mapping(yaml_emitter_t *emitter, const struct hk__node *node, int depth)
{
  yaml_event_t event;
  bool flow = on_one_line(node, depth);
  if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                           flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE) ||
      !yaml_emitter_emit(emitter, &event))
    return false;
  for (size_t i = 0; i < node->count; i++)
    if (!emit_scalar(emitter, node->pairs[i].key->text) || !emit_node(emitter, node->pairs[i].value, depth + 1))
      return false;
  return yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool emit_node(yaml_emitter_t *emitter, const struct hk__node *node, int depth)
{
  switch (node->kind) {
  case HK__MAPPING:
    return emit_mapping(emitter, node, depth);
  case HK__SEQUENCE:
    return emit_sequence(emitter, node, depth);
  default:
    return emit_scalar(emitter, node->text);
  }
}

static bool emit_document(yaml_emitter_t *emitter, const struct hk__node *root)
{
  yaml_event_t event;
  return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) && yaml_emitter_emit(emitter, &event) &&
         yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) && yaml_emitter_emit(emitter, &event) &&
         emit_node(emitter, root, 0) && yaml_document_end_event_initialize(&event, 1) &&
         yaml_emitter_emit(emitter, &event) && yaml_stream_end_event_initialize(&event) &&
         yaml_emitter_emit(emitter, &event);
}

enum hk_status hk__tree_write(const struct hk__node *root, char **text)
{
  yaml_emitter_t emitter;
  struct sink sink = {.capacity = 4096};
  if (!(sink.text = calloc(1, sink.capacity)))
    return HK_ERR_MEMORY;
  if (!yaml_emitter_initialize(&emitter)) {
    free(sink.text);
    return HK_ERR_MEMORY;
  }
  yaml_emitter_set_output(&emitter, append, &sink);
  yaml_emitter_set_unicode(&emitter, 1);
  yaml_emitter_set_width(&emitter, -1); /* it would break lines inside values */
  bool good = emit_document(&emitter, root) && yaml_emitter_flush(&emitter);
  yaml_emitter_delete(&emitter);
  if (!good) {
    free(sink.text);
    return HK_ERR_MEMORY;
  }
  *text = sink.text;
  return HK_OK;
}
