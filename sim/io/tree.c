/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading: libyaml composes a document, a table of nodes that refer to each other by number; each is turned into one
 * struct hk__node, once, however often it is aliased. A document node under conversion is marked, so that one that is
 * part of itself is found. */
#include "io/tree.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 64 };
static const size_t free_weight =
    1000000; /* a tree may always grow to this by aliases, and to GROWTH times its nodes */
enum { GROWTH = 16 };

struct loader {
  struct hk__arena *arena;
  struct hk_messages *messages;
  const char *name; /* in the arena */
  yaml_document_t *document;
  const struct hk__node **done; /* by number of the document's node, from 1 */
  bool *busy;
  bool wrong;
  enum hk_status status; /* HK_OK, or why conversion was given up */
};

/* --- nodes --- */

bool hk__node_is_empty(const struct hk__node *node)
{
  if (node->kind != HK__SCALAR || node->quoted)
    return false;
  return node->text[0] == '\0' || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0;
}

const struct hk__node *hk__node_get(const struct hk__node *node, const char *key)
{
  if (node->kind == HK__MAPPING)
    for (size_t i = 0; i < node->count; i++)
      if (strcmp(node->pairs[i].key->text, key) == 0)
        return node->pairs[i].value;
  return NULL;
}

const char *hk__node_shown(const struct hk__node *node, char *buffer, size_t size)
{
  enum { LONGEST = 60 };
  if (node->kind != HK__SCALAR || hk__node_is_empty(node)) {
    const char *what = node->kind == HK__SEQUENCE ? "a list" : node->kind == HK__MAPPING ? "a mapping" : "nothing";
    snprintf(buffer, size, "%s", what);
    return buffer;
  }
  size_t length = strlen(node->text);
  bool cut = length > LONGEST;
  if (cut) {
    length = LONGEST;
    while (length > 0 && ((unsigned char)node->text[length] & 0xc0) == 0x80)
      length--;
  }
  snprintf(buffer, size, "`%.*s%s`", (int)length, node->text, cut ? "..." : "");
  for (char *c = buffer; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f)
      *c = '?';
  return buffer;
}

static struct hk__node *new_node(struct hk__arena *arena, enum hk__node_kind kind, const struct hk_place *place)
{
  struct hk__node *node = hk__arena_alloc(arena, 1, sizeof *node);
  if (node)
    *node = (struct hk__node){.kind = kind, .place = place ? *place : (struct hk_place){0}, .text = "", .weight = 1};
  return node;
}

static void add_weight(struct hk__node *node, const struct hk__node *child)
{
  node->weight = child->weight > SIZE_MAX - node->weight ? SIZE_MAX : node->weight + child->weight;
}

struct hk__node *hk__node_scalar(struct hk__arena *arena, const struct hk_place *place, const char *text)
{
  struct hk__node *node = text ? new_node(arena, HK__SCALAR, place) : NULL;
  if (!node || !(node->text = hk__arena_text(arena, text, strlen(text))))
    return NULL;
  return node;
}

struct hk__node *hk__node_sequence(struct hk__arena *arena, const struct hk_place *place,
                                   const struct hk__node *const *items, size_t count)
{
  struct hk__node *node = new_node(arena, HK__SEQUENCE, place);
  const struct hk__node **copy = hk__arena_alloc(arena, count, sizeof *copy);
  if (!node || !copy)
    return NULL;
  for (size_t i = 0; i < count; i++) {
    copy[i] = items[i];
    add_weight(node, items[i]);
  }
  node->items = copy;
  node->count = count;
  return node;
}

struct hk__node *hk__node_mapping(struct hk__arena *arena, const struct hk_place *place, const struct hk__pair *pairs,
                                  size_t count)
{
  struct hk__node *node = new_node(arena, HK__MAPPING, place);
  struct hk__pair *copy = hk__arena_alloc(arena, count, sizeof *copy);
  if (!node || !copy)
    return NULL;
  for (size_t i = 0; i < count; i++) {
    copy[i] = pairs[i];
    add_weight(node, pairs[i].value);
  }
  node->pairs = copy;
  node->count = count;
  return node;
}

/* --- from libyaml's document --- */

static const struct hk__node *convert(struct loader *loader, int number, int depth);

static const struct hk__node *give_up(struct loader *loader, enum hk_status status)
{
  loader->status = status;
  return NULL;
}

static const struct hk__node *no_memory(struct loader *loader)
{
  return give_up(loader, HK_ERR_MEMORY);
}

/* Places in a value that stands on the command line would mislead: it has no lines. */
static struct hk_place place_of(const struct loader *loader, yaml_mark_t mark)
{
  bool has_lines = strncmp(loader->name, "--set ", 6) != 0;
  return (struct hk_place){loader->name, has_lines ? mark.line + 1 : 0, has_lines ? mark.column + 1 : 0};
}

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static void
complain(struct loader *loader, struct hk_place place, const char *format, ...)
{
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  loader->wrong = true;
  hk_messages_add(loader->messages, HK_SEVERITY_ERROR, &place, "%s", text);
}

static const struct hk__node *convert_scalar(struct loader *loader, const yaml_node_t *from, struct hk_place place)
{
  const char *text = (const char *)from->data.scalar.value;
  if (strlen(text) != from->data.scalar.length)
    complain(loader, place, "a zero byte in the text that begins `%.40s`", text);
  struct hk__node *node = hk__node_scalar(loader->arena, &place, text);
  if (!node)
    return no_memory(loader);
  node->quoted = from->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
  return node;
}

static const struct hk__node *convert_sequence(struct loader *loader, const yaml_node_t *from, struct hk_place place,
                                               int depth)
{
  size_t count = (size_t)(from->data.sequence.items.top - from->data.sequence.items.start);
  const struct hk__node **items = malloc((count + 1) * sizeof *items);
  if (!items)
    return no_memory(loader);
  const struct hk__node *node = NULL;
  size_t i = 0;
  while (i < count && (items[i] = convert(loader, from->data.sequence.items.start[i], depth + 1)))
    i++;
  if (i == count && !(node = hk__node_sequence(loader->arena, &place, items, count)))
    no_memory(loader);
  free(items);
  return node;
}

/* A mapping's own pairs and those that are merged into it, before doubles are taken out. */
struct gathering {
  struct entry {
    struct hk__pair pair;
    size_t order;
    bool merged;
  } * entries;
  size_t count, capacity;
};

static bool gather(struct gathering *all, struct hk__pair pair, bool merged)
{
  if (all->count == all->capacity) {
    size_t capacity = all->capacity ? 2 * all->capacity : 16;
    struct entry *entries = realloc(all->entries, capacity * sizeof *entries);
    if (!entries)
      return false;
    all->entries = entries;
    all->capacity = capacity;
  }
  all->entries[all->count] = (struct entry){pair, all->count, merged};
  all->count++;
  return true;
}

static bool gather_merged(struct loader *loader, struct gathering *all, const struct hk__node *from)
{
  if (from->kind == HK__MAPPING) {
    for (size_t i = 0; i < from->count; i++)
      if (!gather(all, from->pairs[i], true))
        return false;
  } else if (from->kind == HK__SEQUENCE) {
    for (size_t i = 0; i < from->count; i++)
      if (from->items[i]->kind != HK__MAPPING)
        complain(loader, from->items[i]->place, "`<<` merges %s, an alias of a mapping was expected",
                 from->items[i]->kind == HK__SCALAR ? "a plain value" : "a list");
      else if (!gather_merged(loader, all, from->items[i]))
        return false;
  } else {
    complain(loader, from->place, "`<<` merges %s, an alias of a mapping (`*name`) or a list of them was expected",
             "a plain value");
  }
  return true;
}

static int by_key(const void *a, const void *b)
{
  const struct entry *x = a, *y = b;
  int order = strcmp(x->pair.key->text, y->pair.key->text);
  if (order == 0 && x->merged != y->merged)
    order = x->merged ? 1 : -1;
  return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static int by_order(const void *a, const void *b)
{
  const struct entry *x = a, *y = b;
  return (x->order > y->order) - (x->order < y->order);
}

/* Of equal keys the mapping's own wins, then the first merged; two of its own are an error. */
static void drop_doubles(struct loader *loader, struct gathering *all)
{
  qsort(all->entries, all->count, sizeof *all->entries, by_key);
  size_t kept = 0;
  for (size_t i = 0; i < all->count; i++) {
    const struct entry *entry = &all->entries[i];
    if (kept > 0 && strcmp(all->entries[kept - 1].pair.key->text, entry->pair.key->text) == 0) {
      char shown[HK__SHOWN];
      if (!entry->merged) {
        hk__node_shown(entry->pair.key, shown, sizeof shown);
        complain(loader, entry->pair.key->place,
                 "the key %s is here twice in one mapping, it stands in line %zu already; remove one", shown,
                 all->entries[kept - 1].pair.key->place.line);
      }
      continue;
    }
    all->entries[kept++] = *entry;
  }
  all->count = kept;
  qsort(all->entries, all->count, sizeof *all->entries, by_order);
}

static bool gather_pair(struct loader *loader, struct gathering *all, const yaml_node_pair_t *from, int depth)
{
  struct hk__pair pair = {convert(loader, from->key, depth + 1), NULL};
  if (!pair.key || !(pair.value = convert(loader, from->value, depth + 1)))
    return false;
  if (pair.key->kind != HK__SCALAR) {
    complain(loader, pair.key->place, "%s is used as a key, a plain text was expected",
             pair.key->kind == HK__SEQUENCE ? "a list" : "a mapping");
    return true;
  }
  bool good = !pair.key->quoted && strcmp(pair.key->text, "<<") == 0 ? gather_merged(loader, all, pair.value)
                                                                     : gather(all, pair, false);
  if (!good)
    no_memory(loader);
  return good;
}

static const struct hk__node *convert_mapping(struct loader *loader, const yaml_node_t *from, struct hk_place place,
                                              int depth)
{
  struct gathering all = {0};
  const struct hk__node *node = NULL;
  const yaml_node_pair_t *pair = from->data.mapping.pairs.start;
  while (pair < from->data.mapping.pairs.top && gather_pair(loader, &all, pair, depth))
    pair++;
  if (pair == from->data.mapping.pairs.top) {
    if (all.count > 0)
      drop_doubles(loader, &all);
    struct hk__pair *pairs = malloc((all.count + 1) * sizeof *pairs);
    for (size_t i = 0; pairs && i < all.count; i++)
      pairs[i] = all.entries[i].pair;
    node = pairs ? hk__node_mapping(loader->arena, &place, pairs, all.count) : NULL;
    free(pairs);
    if (!node)
      no_memory(loader);
  }
  free(all.entries);
  return node;
}

static const struct hk__node *convert(struct loader *loader, int number, int depth)
{
  const yaml_node_t *from = yaml_document_get_node(loader->document, number);
  struct hk_place place = place_of(loader, from->start_mark);
  if (loader->done[number])
    return loader->done[number];
  if (loader->busy[number] || depth > DEPTH_MAX) {
    complain(loader, place, "%s",
             loader->busy[number] ? "this is part of itself through an alias; remove the alias"
                                  : "too many levels of lists and mappings, at most 64 were expected");
    return give_up(loader, HK_ERR_INPUT);
  }
  const char *tag = from->tag ? (const char *)from->tag : "";
  if (strncmp(tag, "tag:yaml.org,2002:", 18) != 0)
    complain(loader, place, "the tag `%.40s` means nothing here; remove it", tag);
  loader->busy[number] = true;
  if (from->type == YAML_MAPPING_NODE)
    loader->done[number] = convert_mapping(loader, from, place, depth);
  else if (from->type == YAML_SEQUENCE_NODE)
    loader->done[number] = convert_sequence(loader, from, place, depth);
  else
    loader->done[number] = convert_scalar(loader, from, place);
  loader->busy[number] = false;
  return loader->done[number];
}

static enum hk_status convert_document(struct loader *loader, const struct hk__node **root)
{
  size_t count = (size_t)(loader->document->nodes.top - loader->document->nodes.start);
  loader->done = calloc(count + 1, sizeof *loader->done);
  loader->busy = calloc(count + 1, sizeof *loader->busy);
  const struct hk__node *node = loader->done && loader->busy ? convert(loader, 1, 0) : no_memory(loader);
  if (node && node->weight > free_weight + GROWTH * count) {
    complain(loader, node->place, "its aliases, written out, make it more than 16 times as large; use fewer");
    loader->status = HK_ERR_INPUT;
  }
  free(loader->done);
  free(loader->busy);
  if (loader->status == HK_OK && loader->wrong)
    loader->status = HK_ERR_INPUT;
  if (loader->status == HK_OK)
    *root = node;
  return loader->status;
}

/* --- syntax --- */

/* The byte at a line and column (in characters) of the text; 0 past its end. */
static unsigned char byte_at(const char *text, size_t length, yaml_mark_t mark)
{
  size_t i = 0;
  for (size_t line = 0; line < mark.line && i < length; i++)
    line += text[i] == '\n';
  for (size_t column = 0; column < mark.column && i < length; column++)
    do
      i++;
    while (i < length && ((unsigned char)text[i] & 0xc0) == 0x80);
  return i < length ? (unsigned char)text[i] : 0;
}

static yaml_mark_t mark_of_byte(const char *text, size_t offset, size_t length)
{
  yaml_mark_t mark = {0, 0, 0};
  for (size_t i = 0; i < offset && i < length; i++) {
    if (text[i] == '\n') {
      mark.line++;
      mark.column = 0;
    } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
      mark.column++;
    }
  }
  return mark;
}

static void explain_syntax(struct loader *loader, const yaml_parser_t *parser, const char *text, size_t length)
{
  const char *problem = parser->problem ? parser->problem : "cannot be read";
  if (parser->error == YAML_READER_ERROR) {
    struct hk_place place = place_of(loader, mark_of_byte(text, parser->problem_offset, length));
    complain(loader, place, "this is not a text in UTF-8: %s (0x%02X)", problem,
             (unsigned)(parser->problem_value < 0 ? 0 : parser->problem_value));
    return;
  }
  struct hk_place place = place_of(loader, parser->problem_mark);
  if (byte_at(text, length, parser->problem_mark) == '\t')
    complain(loader, place, "a tab, YAML wants spaces here");
  else if (parser->context && place.line > 0)
    complain(loader, place, "not YAML: %s, %s that begins in line %zu", problem, parser->context,
             parser->context_mark.line + 1);
  else
    complain(loader, place, "not YAML: %s", problem);
}

static enum hk_status syntax_error(struct loader *loader, const yaml_parser_t *parser, const char *text, size_t length)
{
  if (parser->error == YAML_MEMORY_ERROR)
    return HK_ERR_MEMORY;
  explain_syntax(loader, parser, text, length);
  return HK_ERR_INPUT;
}

/* There must be nothing after the document. */
static enum hk_status check_end(struct loader *loader, yaml_parser_t *parser, const char *text, size_t length)
{
  yaml_document_t rest;
  if (!yaml_parser_load(parser, &rest))
    return syntax_error(loader, parser, text, length);
  yaml_node_t *node = yaml_document_get_root_node(&rest);
  if (node)
    complain(loader, place_of(loader, node->start_mark), "a second YAML document begins here, one was expected");
  yaml_document_delete(&rest);
  return HK_OK;
}

/* libyaml takes time with the square of the depth of brackets. Counted roughly: a bracket in a text counts too. */
static enum hk_status check_brackets(struct loader *loader, const char *text, size_t length)
{
  enum { OPEN_MAX = 1000 };
  size_t open = 0;
  for (size_t i = 0; i < length; i++) {
    open += text[i] == '[' || text[i] == '{';
    open -= open > 0 && (text[i] == ']' || text[i] == '}');
    if (open > OPEN_MAX) {
      complain(loader, place_of(loader, mark_of_byte(text, i, length)),
               "more than 1000 brackets are open, at most 64 levels of lists and mappings were expected");
      return HK_ERR_INPUT;
    }
  }
  return HK_OK;
}

static enum hk_status load(struct loader *loader, yaml_parser_t *parser, const char *text, size_t length,
                           const struct hk__node **root)
{
  yaml_document_t document;
  if (!yaml_parser_load(parser, &document))
    return syntax_error(loader, parser, text, length);
  loader->document = &document;
  enum hk_status status = HK_ERR_INPUT;
  if (!yaml_document_get_root_node(&document)) {
    struct hk_place place = {loader->name, 0, 0};
    complain(loader, place, "is empty, a YAML mapping was expected");
  } else {
    status = check_end(loader, parser, text, length);
    if (status == HK_OK)
      status = convert_document(loader, root);
  }
  yaml_document_delete(&document);
  return status;
}

enum hk_status hk__tree_load(struct hk__arena *arena, const char *name, const char *text, size_t length,
                             const struct hk__node **root, struct hk_messages *messages)
{
  struct loader loader = {.arena = arena, .messages = messages, .name = hk__arena_text(arena, name, strlen(name))};
  yaml_parser_t parser;
  if (loader.name && check_brackets(&loader, text, length) != HK_OK)
    return HK_ERR_INPUT;
  if (!loader.name || !yaml_parser_initialize(&parser))
    return HK_ERR_MEMORY;
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
  enum hk_status status = load(&loader, &parser, text, length, root);
  yaml_parser_delete(&parser);
  return status;
}
