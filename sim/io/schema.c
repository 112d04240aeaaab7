/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/schema.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/suggest.h"

void hk__wrong(struct hk__reader *reader, const struct hk__node *node, const char *format, ...)
{
  char *text = NULL;
  va_list args;
  va_start(args, format);
  int length = vasprintf(&text, format, args);
  va_end(args);
  hk_messages_add(reader->messages, HK_SEVERITY_ERROR, node ? &node->place : NULL, "%s",
                  length < 0 ? "(no memory for this message)" : text);
  if (length >= 0)
    free(text);
  reader->wrong++;
}

void hk__wrong_value(struct hk__reader *reader, const char *key, const struct hk__node *node, const char *what,
                     const char *expected)
{
  char shown[HK__SHOWN];
  hk__wrong(reader, node, "%s: %s%s, %s was expected", key, hk__node_shown(node, shown, sizeof shown), what, expected);
}

void *hk__reader_alloc(struct hk__reader *reader, size_t count, size_t size)
{
  void *memory = hk__arena_alloc(reader->arena, count, size);
  if (!memory)
    reader->status = HK_ERR_MEMORY;
  return memory;
}

/* --- mappings --- */

static const struct hk__field *find_field(const struct hk__schema *schema, const char *key, size_t *index)
{
  for (*index = 0; *index < schema->count; ++*index)
    if (strcmp(schema->fields[*index].key, key) == 0)
      return &schema->fields[*index];
  return NULL;
}

/* The keys with a flag (0: all), as "`a`, `b`". */
static const char *list_keys(const struct hk__schema *schema, unsigned flag, char *buffer, size_t size)
{
  size_t length = 0;
  buffer[0] = '\0';
  for (size_t i = 0; i < schema->count && length < size; i++)
    if (!flag || schema->fields[i].flags & flag)
      length +=
          (size_t)snprintf(buffer + length, size - length, "%s`%s`", length > 0 ? ", " : "", schema->fields[i].key);
  return buffer;
}

/* A key that is like one of the table's is taken for it, in that its absence is not told too. */
static void unknown_key(struct hk__reader *reader, const struct hk__schema *schema, const struct hk__node *key,
                        uint64_t *guessed)
{
  char shown[HK__SHOWN], keys[512];
  struct hk__suggestion suggestion;
  hk__suggest_begin(&suggestion, key->text);
  for (size_t i = 0; i < schema->count; i++)
    hk__suggest_offer(&suggestion, schema->fields[i].key);
  hk__wrong(reader, key, "unknown key %s in %s, one of %s was expected%s", hk__node_shown(key, shown, sizeof shown),
            schema->what, list_keys(schema, 0, keys, sizeof keys), hk__suggest_clause(&suggestion));
  size_t index;
  if (suggestion.best && find_field(schema, suggestion.best, &index))
    *guessed |= UINT64_C(1) << index;
}

static void read_pair(struct hk__reader *reader, const struct hk__schema *schema, const struct hk__pair *pair,
                      void *out, uint64_t *guessed)
{
  size_t index;
  const struct hk__field *field = find_field(schema, pair->key->text, &index);
  if (!field) {
    unknown_key(reader, schema, pair->key, guessed);
    return;
  }
  ((struct hk__section *)out)->given |= UINT64_C(1) << index;
  if (hk__node_is_empty(pair->value) && !(field->flags & HK__MAY_BE_EMPTY))
    hk__wrong(reader, pair->key, "%s: has no value; write one or remove the key", field->key);
  else
    field->type->read(reader, field, pair->value, (char *)out + field->offset);
}

static void check_presence(struct hk__reader *reader, const struct hk__schema *schema,
                           const struct hk__section *section, uint64_t guessed)
{
  size_t wanted = 0, found = 0;
  bool found_like = false;
  const char *first = NULL;
  for (size_t i = 0; i < schema->count; i++) {
    const struct hk__field *field = &schema->fields[i];
    bool given = section->given >> i & 1;
    if (field->flags & HK__REQUIRED && !given && !(guessed >> i & 1))
      hk__wrong(reader, section->node, "%s has no `%s`, which must be given", schema->what, field->key);
    wanted += (field->flags & HK__ONE_OF) != 0;
    found_like = found_like || (field->flags & HK__ONE_OF && guessed >> i & 1);
    if (!(field->flags & HK__ONE_OF) || !given)
      continue;
    found++;
    if (found > 1)
      hk__wrong(reader, hk__section_node(section, field->key), "%s has both `%s` and `%s`, one of them was expected",
                schema->what, first, field->key);
    else
      first = field->key;
  }
  char keys[512];
  if (wanted > 0 && found == 0 && !found_like)
    hk__wrong(reader, section->node, "%s has none of %s, one of them was expected", schema->what,
              list_keys(schema, HK__ONE_OF, keys, sizeof keys));
}

bool hk__read_section(struct hk__reader *reader, const struct hk__schema *schema, const struct hk__node *node,
                      void *out)
{
  size_t before = reader->wrong;
  if (schema->presets)
    memcpy(out, schema->presets, schema->size);
  else
    memset(out, 0, schema->size);
  struct hk__section *section = out;
  *section = (struct hk__section){.node = node};
  char keys[512], expected[600];
  uint64_t guessed = 0;
  if (node->kind != HK__MAPPING) {
    snprintf(expected, sizeof expected, "a mapping with the keys %s", list_keys(schema, 0, keys, sizeof keys));
    hk__wrong_value(reader, schema->what, node, " was found", expected);
    section->wrong = true;
    return false;
  }
  for (size_t i = 0; i < node->count; i++)
    read_pair(reader, schema, &node->pairs[i], out, &guessed);
  check_presence(reader, schema, section, guessed);
  section->wrong = reader->wrong != before || reader->status != HK_OK;
  return !section->wrong;
}

struct hk__node *hk__write_section(struct hk__arena *arena, const struct hk__schema *schema, const void *in)
{
  const struct hk__section *section = in;
  struct hk__pair *pairs = hk__arena_alloc(arena, schema->count, sizeof *pairs);
  size_t count = 0;
  if (!pairs)
    return NULL;
  for (size_t i = 0; i < schema->count; i++) {
    const struct hk__field *field = &schema->fields[i];
    bool given = section->given >> i & 1;
    if ((field->flags & (HK__IF_GIVEN | HK__ONE_OF) && !given) || field->flags & HK__NOT_WRITTEN)
      continue;
    pairs[count].key = hk__write_text(arena, field->key);
    pairs[count].value = field->type->write(arena, field, (const char *)in + field->offset);
    if (!pairs[count].key || !pairs[count].value)
      return NULL;
    count++;
  }
  return hk__node_mapping(arena, NULL, pairs, count);
}

bool hk__section_has(const struct hk__schema *schema, const void *in, const char *key)
{
  size_t index;
  return find_field(schema, key, &index) && ((const struct hk__section *)in)->given >> index & 1;
}

void hk__give(const struct hk__schema *schema, struct hk__section *section, const char *key)
{
  size_t index;
  if (find_field(schema, key, &index))
    section->given |= UINT64_C(1) << index;
}

const struct hk__node *hk__section_node(const struct hk__section *section, const char *key)
{
  const struct hk__node *node = hk__node_get(section->node, key);
  return node ? node : section->node;
}

/* --- numbers --- */

static bool in_range(const struct hk__field *field, double value)
{
  if (isinf(value) && !(field->flags & HK__MAY_BE_INFINITE))
    return false;
  return value <= field->high && (field->open_low ? value > field->low : value >= field->low);
}

static const char largest_whole[] = "18446744073709551615"; /* of 64 bits */

static const char *number_with_unit(double value, const char *unit, char *buffer, size_t size)
{
  snprintf(buffer, size, "%s%s%s", hk__number_text(value).text, strcmp(unit, "1") != 0 ? " " : "",
           strcmp(unit, "1") != 0 ? unit : "");
  return buffer;
}

static void out_of_range(struct hk__reader *reader, const struct hk__field *field, const char *unit,
                         const struct hk__node *node)
{
  char low[96], high[96], expected[256];
  number_with_unit(field->low, unit, low, sizeof low);
  if (field->high < 0x1p64 || isinf(field->high))
    number_with_unit(field->high, unit, high, sizeof high);
  else
    snprintf(high, sizeof high, "%s", largest_whole);
  bool bounded_low = !isinf(field->low), bounded_high = !isinf(field->high);
  if (bounded_low && bounded_high)
    snprintf(expected, sizeof expected, field->open_low ? "a value above %s and at most %s" : "a value from %s to %s",
             low, high);
  else if (bounded_low)
    snprintf(expected, sizeof expected, "a value %s %s", field->open_low ? "above" : "of at least", low);
  else if (bounded_high)
    snprintf(expected, sizeof expected, "a value of at most %s", high);
  else
    snprintf(expected, sizeof expected, "a finite value");
  hk__wrong_value(reader, field->key, node, " is out of range", expected);
}

bool hk__read_quantity(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                       double *value)
{
  char why[HK__UNITS_WHY], expected[128];
  const char *unit = field->unit ? field->unit : "1";
  if (node->kind != HK__SCALAR || hk__node_is_empty(node)) {
    hk__wrong_value(reader, field->key, node, " was found", hk__units_describe(unit, expected, sizeof expected));
    return false;
  }
  double number;
  enum hk_status status = hk__units_parse(reader->units, node->text, unit, &number, why);
  if (status == HK_ERR_INPUT) {
    char shown[HK__SHOWN];
    hk__wrong(reader, node, "%s: %s %s", field->key, hk__node_shown(node, shown, sizeof shown), why);
  } else if (status != HK_OK) {
    reader->status = status;
  } else if (!in_range(field, number)) {
    out_of_range(reader, field, unit, node);
  } else {
    *value = number;
    return true;
  }
  return false;
}

/* Digits alone keep all 64 bits; other ways of writing a number, `1e4`, go through a double. */
static bool whole_from_text(struct hk__reader *reader, const char *text, uint64_t *value, double *number)
{
  char why[HK__UNITS_WHY];
  size_t digits = strspn(text, "0123456789");
  if (digits > 0 && text[digits] == '\0' && (digits < 20 || (digits == 20 && strcmp(text, largest_whole) <= 0))) {
    *value = strtoull(text, NULL, 10);
    *number = (double)*value;
    return true;
  }
  if (hk__units_parse(reader->units, text, "1", number, why) != HK_OK || *number != floor(*number))
    return false;
  if (*number >= 18446744073709551616.0)
    *number = INFINITY;
  *value = *number >= 0 && isfinite(*number) ? (uint64_t)*number : 0;
  return true;
}

bool hk__read_whole(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                    uint64_t *value)
{
  uint64_t whole;
  double number;
  if (node->kind != HK__SCALAR || hk__node_is_empty(node) || !whole_from_text(reader, node->text, &whole, &number)) {
    hk__wrong_value(reader, field->key, node, node->kind == HK__SCALAR ? " is not a whole number" : " was found",
                    "a whole number such as `100`");
    return false;
  }
  if (!in_range(field, number)) {
    out_of_range(reader, field, "1", node);
    return false;
  }
  *value = whole;
  return true;
}

struct hk__node *hk__write_text(struct hk__arena *arena, const char *text)
{
  return hk__node_scalar(arena, NULL, text);
}

struct hk__node *hk__write_quantity(struct hk__arena *arena, const char *unit, double value)
{
  char text[128];
  return hk__write_text(arena, number_with_unit(value, unit && !isinf(value) ? unit : "1", text, sizeof text));
}

struct hk__node *hk__write_whole(struct hk__arena *arena, uint64_t value)
{
  char text[32];
  snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  return hk__write_text(arena, text);
}

/* --- types --- */

static void read_quantity(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                          void *slot)
{
  hk__read_quantity(reader, field, node, slot);
}

static struct hk__node *write_quantity(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  return hk__write_quantity(arena, field->unit, *(const double *)slot);
}

const struct hk__type hk__quantity_type = {read_quantity, write_quantity};

static void read_whole(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                       void *slot)
{
  hk__read_whole(reader, field, node, slot);
}

static struct hk__node *write_whole(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  (void)field;
  return hk__write_whole(arena, *(const uint64_t *)slot);
}

const struct hk__type hk__whole_type = {read_whole, write_whole};

static void read_choice(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                        void *slot)
{
  const char *const *names = field->detail;
  char expected[256] = "one of";
  struct hk__suggestion suggestion;
  hk__suggest_begin(&suggestion, node->text);
  for (int i = 0; names[i]; i++) {
    if (node->kind == HK__SCALAR && strcmp(node->text, names[i]) == 0) {
      *(int *)slot = i;
      return;
    }
    size_t length = strlen(expected);
    snprintf(expected + length, sizeof expected - length, "%s `%s`", i > 0 ? "," : "", names[i]);
    hk__suggest_offer(&suggestion, names[i]);
  }
  char shown[HK__SHOWN];
  hk__wrong(reader, node, "%s: %s was found, %s was expected%s", field->key, hk__node_shown(node, shown, sizeof shown),
            expected, hk__suggest_clause(&suggestion));
}

static struct hk__node *write_choice(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  return hk__write_text(arena, ((const char *const *)field->detail)[*(const int *)slot]);
}

const struct hk__type hk__choice_type = {read_choice, write_choice};

static void read_flag(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node, void *slot)
{
  if (hk__node_is_empty(node) || strcmp(node->text, "true") == 0)
    *(bool *)slot = true;
  else if (strcmp(node->text, "false") == 0)
    *(bool *)slot = false;
  else
    hk__wrong_value(reader, field->key, node, " was found", "`true` or `false`");
}

static struct hk__node *write_flag(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  (void)field;
  return hk__write_text(arena, *(const bool *)slot ? "true" : "false");
}

const struct hk__type hk__flag_type = {read_flag, write_flag};

static void read_text(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node, void *slot)
{
  if (node->kind == HK__SCALAR && node->text[0] != '\0')
    *(const char **)slot = node->text;
  else
    hk__wrong_value(reader, field->key, node, " was found", "a name");
}

static struct hk__node *write_text(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  (void)field;
  return hk__write_text(arena, *(const char *const *)slot);
}

const struct hk__type hk__text_type = {read_text, write_text};

static void read_path(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node, void *slot)
{
  if (node->kind != HK__SCALAR || node->text[0] == '\0') {
    hk__wrong_value(reader, field->key, node, " was found", "the path of a file");
    return;
  }
  const char *path =
      node->text[0] == '/' ? node->text : hk__arena_format(reader->arena, "%s/%s", reader->folder, node->text);
  if (!path)
    reader->status = HK_ERR_MEMORY;
  *(const char **)slot = path;
}

const struct hk__type hk__path_type = {read_path, write_text};

static void read_names(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                       void *slot)
{
  struct hk__names *names = slot;
  bool listed = node->kind == HK__SEQUENCE;
  size_t count = listed ? node->count : 1;
  const struct hk__node **items = hk__reader_alloc(reader, count, sizeof *items);
  *names = (struct hk__names){.node = node, .listed = listed};
  if (!items)
    return;
  for (size_t i = 0; i < count; i++) {
    const struct hk__node *item = listed ? node->items[i] : node;
    if (item->kind == HK__SCALAR && item->text[0] != '\0' && !hk__node_is_empty(item))
      items[names->count++] = item;
    else
      hk__wrong_value(reader, field->key, item, " was found", listed ? "a name" : "a name or a list of names");
  }
  names->items = items;
}

static struct hk__node *write_names(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  (void)field;
  const struct hk__names *names = slot;
  return names->listed ? hk__node_sequence(arena, NULL, names->items, names->count)
                       : hk__write_text(arena, names->items[0]->text);
}

const struct hk__type hk__names_type = {read_names, write_names};

static void read_section(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                         void *slot)
{
  hk__read_section(reader, field->detail, node, slot);
}

static struct hk__node *write_section(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  return hk__write_section(arena, field->detail, slot);
}

const struct hk__type hk__section_type = {read_section, write_section};

static void *section_at(const struct hk__sections *sections, const struct hk__schema *schema, size_t i)
{
  return (char *)sections->items + i * schema->size;
}

static void read_section_list(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                              void *slot)
{
  const struct hk__schema *schema = field->detail;
  struct hk__sections *sections = slot;
  if (node->kind != HK__SEQUENCE) {
    hk__wrong_value(reader, field->key, node, " was found", "a list, each entry after a dash");
    return;
  }
  sections->items = hk__reader_alloc(reader, node->count, schema->size);
  sections->count = sections->items ? node->count : 0;
  for (size_t i = 0; i < sections->count; i++)
    hk__read_section(reader, schema, node->items[i], section_at(sections, schema, i));
}

static struct hk__node *write_section_list(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  const struct hk__sections *sections = slot;
  const struct hk__node **items = hk__arena_alloc(arena, sections->count, sizeof *items);
  for (size_t i = 0; items && i < sections->count; i++)
    if (!(items[i] = hk__write_section(arena, field->detail, section_at(sections, field->detail, i))))
      return NULL;
  return items ? hk__node_sequence(arena, NULL, items, sections->count) : NULL;
}

const struct hk__type hk__section_list_type = {read_section_list, write_section_list};

static void read_section_map(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                             void *slot)
{
  const struct hk__schema *schema = field->detail;
  struct hk__sections *sections = slot;
  if (node->kind != HK__MAPPING) {
    hk__wrong_value(reader, field->key, node, " was found", "a mapping of names to mappings");
    return;
  }
  const struct hk__node **keys = hk__reader_alloc(reader, node->count, sizeof *keys);
  sections->items = hk__reader_alloc(reader, node->count, schema->size);
  sections->keys = keys;
  sections->count = sections->items && keys ? node->count : 0;
  for (size_t i = 0; i < sections->count; i++) {
    keys[i] = node->pairs[i].key;
    hk__read_section(reader, schema, node->pairs[i].value, section_at(sections, schema, i));
  }
}

static struct hk__node *write_section_map(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  const struct hk__sections *sections = slot;
  struct hk__pair *pairs = hk__arena_alloc(arena, sections->count, sizeof *pairs);
  for (size_t i = 0; pairs && i < sections->count; i++) {
    pairs[i].key = sections->keys[i];
    pairs[i].value = hk__write_section(arena, field->detail, section_at(sections, field->detail, i));
    if (!pairs[i].value)
      return NULL;
  }
  return pairs ? hk__node_mapping(arena, NULL, pairs, sections->count) : NULL;
}

const struct hk__type hk__section_map_type = {read_section_map, write_section_map};

static void read_node(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node, void *slot)
{
  (void)reader;
  (void)field;
  *(const struct hk__node **)slot = node;
}

static struct hk__node *write_node(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  (void)field;
  const struct hk__node *node = *(const struct hk__node *const *)slot;
  switch (node->kind) {
  case HK__MAPPING:
    return hk__node_mapping(arena, NULL, node->pairs, node->count);
  case HK__SEQUENCE:
    return hk__node_sequence(arena, NULL, node->items, node->count);
  default:
    return hk__write_text(arena, node->text);
  }
}

const struct hk__type hk__node_type = {read_node, write_node};
