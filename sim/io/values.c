/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values that vary: constants, lists and distributions. */
#include "io/values.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/suggest.h"

struct distribution {
  struct hk__section section;
  double mean, sd, median, sigma, min, max;
};

enum { MEAN, SD, MEDIAN, SIGMA, MIN, MAX, DISTRIBUTION_FIELDS };

/* The fields of a distribution for a value of the given field: its unit, and the bounds are within its range. */
static void distribution_fields(const struct hk__field *of, struct hk__field *fields)
{
  static const struct hk__field pattern[] = {
      HK__FIELD(distribution, mean, quantity, .flags = HK__IF_GIVEN, .low = -INFINITY, .high = INFINITY),
      HK__FIELD(distribution, sd, quantity, .flags = HK__IF_GIVEN, .low = 0, .high = INFINITY),
      HK__FIELD(distribution, median, quantity, .flags = HK__IF_GIVEN, .low = -INFINITY, .high = INFINITY),
      HK__FIELD(distribution, sigma, quantity, .flags = HK__IF_GIVEN, .unit = "1", .low = 0, .high = INFINITY),
      HK__FIELD(distribution, min, quantity, .flags = HK__MAY_BE_INFINITE, .low = -INFINITY, .high = INFINITY),
      HK__FIELD(distribution, max, quantity, .flags = HK__MAY_BE_INFINITE, .low = -INFINITY, .high = INFINITY),
  };
  for (size_t i = 0; i < DISTRIBUTION_FIELDS; i++) {
    fields[i] = pattern[i];
    if (!fields[i].unit)
      fields[i].unit = of->unit;
  }
}

static const struct distribution presets = {.min = -INFINITY, .max = INFINITY};

/* Reads a mapping with the fields of which the mask has a bit. */
static bool read_distribution(struct hk__reader *reader, const char *what, const struct hk__field *of, unsigned mask,
                              unsigned required, const struct hk__node *node, struct distribution *out)
{
  struct hk__field all[DISTRIBUTION_FIELDS], fields[DISTRIBUTION_FIELDS];
  size_t count = 0;
  distribution_fields(of, all);
  for (unsigned i = 0; i < DISTRIBUTION_FIELDS; i++)
    if (mask >> i & 1) {
      fields[count] = all[i];
      if (required >> i & 1)
        fields[count].flags |= HK__REQUIRED;
      count++;
    }
  struct hk__schema schema = {what, fields, count, sizeof *out, &presets};
  if (!hk__read_section(reader, &schema, node, out))
    return false;
  if (out->min < out->max)
    return true;
  hk__wrong(reader, hk__section_node(&out->section, "min"), "%s: `min` must be below `max`", of->key);
  return false;
}

/* What is drawn must be able to lie in the range; a normal value is never known to, unless min or max say so. */
static bool check_bounds(struct hk__reader *reader, const struct hk__field *of, const struct hk__node *node,
                         const struct hk_value *value)
{
  const struct hk__number low = hk__number_text(of->low), high = hk__number_text(of->high);
  const char *unit = of->unit && strcmp(of->unit, "1") != 0 ? of->unit : "";
  if (value->max < of->low || (of->open_low && value->max <= of->low) || value->min > of->high) {
    hk__wrong(reader, node, "%s: all values drawn would be out of its range, from %s to %s %s", of->key, low.text,
              high.text, unit);
    return false;
  }
  if (of->open_low && value->kind == HK_VALUE_NORMAL && value->b > 0 && value->min <= of->low) {
    hk__wrong(reader, node,
              "%s: a normal distribution draws values of %s %s and below, a `min` above %s %s was expected", of->key,
              low.text, unit, low.text, unit);
    return false;
  }
  return true;
}

static bool read_uniform(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                         struct hk_value *value)
{
  if (node->kind != HK__SEQUENCE || node->count != 2) {
    hk__wrong(reader, node, "%s: `uniform` takes a list of two, [low, high]", field->key);
    return false;
  }
  double low = NAN, high = NAN;
  bool good = hk__read_quantity(reader, field, node->items[0], &low);
  good = hk__read_quantity(reader, field, node->items[1], &high) && good;
  if (good && low >= high) {
    hk__wrong(reader, node, "%s: `uniform: [low, high]` has low = %s, which is not below high = %s", field->key,
              node->items[0]->text, node->items[1]->text);
    return false;
  }
  *value = hk_value_uniform(low, high);
  return good;
}

static bool read_normal(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                        struct hk_value *value)
{
  struct distribution d;
  if (!read_distribution(reader, "normal", field, 1 << MEAN | 1 << SD | 1 << MIN | 1 << MAX, 1 << MEAN | 1 << SD, node,
                         &d))
    return false;
  *value = hk_value_normal(d.mean, d.sd, d.min, d.max);
  return true;
}

/* Either by the mean and deviation of the value itself or by its median and the deviation of its logarithm. */
static bool read_lognormal(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                           struct hk_value *value)
{
  bool by_median = hk__node_get(node, "median") || hk__node_get(node, "sigma");
  unsigned keys = by_median ? 1 << MEDIAN | 1 << SIGMA : 1 << MEAN | 1 << SD;
  struct distribution d;
  if (!read_distribution(reader, "lognormal", field, keys | 1 << MIN | 1 << MAX, keys, node, &d))
    return false;
  if ((by_median ? d.median : d.mean) == 0) {
    hk__wrong(reader, node, "%s: a lognormal value of %s 0 is always 0, another was expected", field->key,
              by_median ? "median" : "mean");
    return false;
  }
  double ratio = by_median ? 0 : d.sd / d.mean;
  *value = (struct hk_value){.kind = HK_VALUE_LOGNORMAL,
                             .b = by_median ? d.sigma : sqrt(log1p(ratio * ratio)),
                             .scale = by_median ? d.median : d.mean / sqrt(1 + ratio * ratio),
                             .min = d.min,
                             .max = d.max};
  return true;
}

static bool read_exponential(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                             struct hk_value *value)
{
  struct distribution d;
  if (!read_distribution(reader, "exponential", field, 1 << MEAN | 1 << MIN | 1 << MAX, 1 << MEAN, node, &d))
    return false;
  if (d.mean <= 0) {
    hk__wrong(reader, hk__section_node(&d.section, "mean"),
              "%s: the mean of `exponential` is not above 0, as it must be", field->key);
    return false;
  }
  *value = (struct hk_value){.kind = HK_VALUE_EXPONENTIAL, .a = d.mean, .min = d.min, .max = d.max, .scale = 1};
  return true;
}

static const struct {
  const char *name;
  bool (*read)(struct hk__reader *, const struct hk__field *, const struct hk__node *, struct hk_value *);
} distributions[] = {
    {"uniform", read_uniform},
    {"normal", read_normal},
    {"lognormal", read_lognormal},
    {"exponential", read_exponential},
};

enum { DISTRIBUTIONS = sizeof distributions / sizeof *distributions };

static bool read_drawn(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                       struct hk_value *value)
{
  const char *name = node->count > 0 ? node->pairs[0].key->text : "";
  struct hk__suggestion suggestion;
  hk__suggest_begin(&suggestion, name);
  for (size_t i = 0; i < DISTRIBUTIONS && node->count == 1; i++) {
    if (strcmp(name, distributions[i].name) == 0)
      return distributions[i].read(reader, field, node->pairs[0].value, value) &&
             check_bounds(reader, field, node, value);
    hk__suggest_offer(&suggestion, distributions[i].name);
  }
  hk__wrong(reader, node->count > 0 ? node->pairs[0].key : node,
            "%s: a mapping with one of `uniform`, `normal`, `lognormal`, `exponential` was expected%s", field->key,
            hk__suggest_clause(&suggestion));
  return false;
}

static bool read_list(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                      size_t list_length, struct hk_value *value)
{
  if (node->count == 0 || (list_length > 0 && node->count != list_length)) {
    hk__wrong(reader, node, "%s: a list of %zu was found, %zu values were expected, one for each", field->key,
              node->count, list_length > 0 ? list_length : 1);
    return false;
  }
  double *list = hk__reader_alloc(reader, node->count, sizeof *list);
  bool good = list != NULL;
  for (size_t i = 0; i < node->count && list; i++)
    good = hk__read_quantity(reader, field, node->items[i], &list[i]) && good;
  *value = hk_value_list(list, node->count);
  return good;
}

bool hk__read_value(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                    size_t list_length, struct hk_value *value)
{
  if (node->kind == HK__MAPPING)
    return read_drawn(reader, field, node, value);
  if (node->kind == HK__SEQUENCE)
    return read_list(reader, field, node, list_length, value);
  double number;
  if (!hk__read_quantity(reader, field, node, &number))
    return false;
  *value = hk_value_constant(number);
  return true;
}

/* --- writing --- */

static struct hk__node *wrap(struct hk__arena *arena, const char *key, const struct hk__node *value)
{
  struct hk__pair pair = {hk__write_text(arena, key), value};
  return pair.key && pair.value ? hk__node_mapping(arena, NULL, &pair, 1) : NULL;
}

static struct hk__node *write_uniform(struct hk__arena *arena, const char *unit, const struct hk_value *value)
{
  const struct hk__node *ends[2] = {hk__write_quantity(arena, unit, value->a),
                                    hk__write_quantity(arena, unit, value->b)};
  return ends[0] && ends[1] ? wrap(arena, "uniform", hk__node_sequence(arena, NULL, ends, 2)) : NULL;
}

static struct hk__node *write_distribution(struct hk__arena *arena, const char *unit, const char *name,
                                           const struct distribution *d)
{
  struct hk__field fields[DISTRIBUTION_FIELDS];
  struct hk__field of = {.unit = unit};
  distribution_fields(&of, fields);
  struct hk__schema schema = {name, fields, DISTRIBUTION_FIELDS, sizeof *d, NULL};
  return wrap(arena, name, hk__write_section(arena, &schema, d));
}

static struct hk__node *write_list(struct hk__arena *arena, const char *unit, const struct hk_value *value)
{
  const struct hk__node **items = hk__arena_alloc(arena, value->count, sizeof *items);
  for (size_t i = 0; items && i < value->count; i++)
    if (!(items[i] = hk__write_quantity(arena, unit, value->list[i])))
      return NULL;
  return items ? hk__node_sequence(arena, NULL, items, value->count) : NULL;
}

struct hk__node *hk__write_value(struct hk__arena *arena, const char *unit, const struct hk_value *value)
{
  struct distribution d = {.min = value->min, .max = value->max};
  switch (value->kind) {
  case HK_VALUE_LIST:
    return write_list(arena, unit, value);
  case HK_VALUE_UNIFORM:
    return write_uniform(arena, unit, value);
  case HK_VALUE_NORMAL:
    d.section.given = 1 << MEAN | 1 << SD;
    d.mean = value->a;
    d.sd = value->b;
    return write_distribution(arena, unit, "normal", &d);
  case HK_VALUE_LOGNORMAL:
    d.section.given = 1 << MEDIAN | 1 << SIGMA;
    d.median = value->scale;
    d.sigma = value->b;
    return write_distribution(arena, unit, "lognormal", &d);
  case HK_VALUE_EXPONENTIAL:
    d.section.given = 1 << MEAN;
    d.mean = value->a;
    return write_distribution(arena, unit, "exponential", &d);
  default:
    return hk__write_quantity(arena, unit, value->a);
  }
}

/* --- types --- */

static void read_value(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                       void *slot)
{
  hk__read_value(reader, field, node, 0, slot);
}

static struct hk__node *write_value(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  return hk__write_value(arena, field->unit, slot);
}

const struct hk__type hk__value_type = {read_value, write_value};

static void keep_late_value(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                            void *slot)
{
  (void)reader;
  (void)field;
  ((struct hk__late_value *)slot)->node = node;
}

static struct hk__node *write_late_value(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  (void)field;
  const struct hk__late_value *late = slot;
  return hk__write_value(arena, late->unit, &late->value);
}

const struct hk__type hk__late_value_type = {keep_late_value, write_late_value};

bool hk__finish_value(struct hk__reader *reader, const struct hk__field *field, struct hk__late_value *late)
{
  if (!late->node || hk__node_is_empty(late->node))
    return false;
  late->unit = field->unit;
  return hk__read_value(reader, field, late->node, 0, &late->value);
}

/* --- parameters and states --- */

static void keep_settings(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                          void *slot)
{
  (void)reader;
  (void)field;
  ((struct hk__settings *)slot)->node = node;
}

static struct hk__node *write_settings(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  (void)field;
  const struct hk__settings *settings = slot;
  struct hk__pair *pairs = hk__arena_alloc(arena, settings->count, sizeof *pairs);
  for (size_t i = 0; pairs && i < settings->count; i++) {
    pairs[i].key = hk__write_text(arena, settings->all[i].name);
    pairs[i].value = hk__write_value(arena, settings->fields[i].unit, &settings->all[i].value);
    if (!pairs[i].key || !pairs[i].value)
      return NULL;
  }
  return pairs ? hk__node_mapping(arena, NULL, pairs, settings->count) : NULL;
}

const struct hk__type hk__settings_type = {keep_settings, write_settings};

static void unknown_setting(struct hk__reader *reader, const char *what, const char *model,
                            const struct hk__settings *settings, const struct hk__node *key)
{
  char shown[HK__SHOWN], known[400] = "";
  struct hk__suggestion suggestion;
  hk__suggest_begin(&suggestion, key->text);
  for (size_t i = 0, length = 0; i < settings->count; i++) {
    hk__suggest_offer(&suggestion, settings->fields[i].key);
    if (length < sizeof known)
      length +=
          (size_t)snprintf(known + length, sizeof known - length, "%s`%s`", i > 0 ? ", " : "", settings->fields[i].key);
  }
  hk__wrong(reader, key, "%s is no %s of the model `%s`, %s%s was expected%s", hk__node_shown(key, shown, sizeof shown),
            what, model, settings->count > 0 ? "one of " : "none", known, hk__suggest_clause(&suggestion));
}

/* Reads the mapping against settings->fields; settings->all holds the presets. */
static bool finish_settings(struct hk__reader *reader, const char *what, const char *model, uint64_t size,
                            struct hk__settings *settings)
{
  size_t before = reader->wrong;
  const struct hk__node *node = settings->node;
  if (!node)
    return true;
  if (node->kind != HK__MAPPING) {
    hk__wrong_value(reader, what, node, " was found", "a mapping of names to values");
    return false;
  }
  settings->chosen = hk__reader_alloc(reader, node->count, sizeof *settings->chosen);
  for (size_t i = 0; settings->chosen && i < node->count; i++) {
    const struct hk__pair *pair = &node->pairs[i];
    size_t k = 0;
    while (k < settings->count && strcmp(settings->fields[k].key, pair->key->text) != 0)
      k++;
    if (k == settings->count) {
      unknown_setting(reader, what, model, settings, pair->key);
    } else if (hk__node_is_empty(pair->value)) {
      hk__wrong(reader, pair->key, "%s: has no value; write one or remove the key", pair->key->text);
    } else if (hk__read_value(reader, &settings->fields[k], pair->value, (size_t)size, &settings->all[k].value)) {
      settings->chosen[settings->chosen_count++] = settings->all[k];
    }
  }
  return reader->wrong == before && reader->status == HK_OK;
}

static bool make_settings(struct hk__reader *reader, size_t count, struct hk__settings *settings,
                          struct hk__field **fields)
{
  *fields = hk__reader_alloc(reader, count, sizeof **fields);
  settings->all = hk__reader_alloc(reader, count, sizeof *settings->all);
  settings->fields = *fields;
  settings->count = count;
  return *fields && settings->all;
}

bool hk__finish_params(struct hk__reader *reader, const struct hk_model *model, uint64_t size,
                       struct hk__settings *settings)
{
  struct hk__field *fields;
  if (!make_settings(reader, model->param_count, settings, &fields))
    return false;
  for (size_t i = 0; i < model->param_count; i++) {
    const struct hk_param *p = &model->params[i];
    fields[i] =
        (struct hk__field){.key = p->name, .unit = p->unit, .low = p->low, .high = p->high, .open_low = p->open_low};
    settings->all[i] = (struct hk_setting){p->name, hk_value_constant(p->preset)};
  }
  return finish_settings(reader, "parameter", model->name, size, settings);
}

bool hk__finish_init(struct hk__reader *reader, const struct hk_model *model, uint64_t size,
                     struct hk__settings *settings)
{
  struct hk__field *fields;
  if (!make_settings(reader, model->state_count, settings, &fields))
    return false;
  for (size_t i = 0; i < model->state_count; i++) {
    fields[i] = (struct hk__field){
        .key = model->states[i].name, .unit = model->states[i].unit, .low = -INFINITY, .high = INFINITY};
    settings->all[i] = (struct hk_setting){model->states[i].name, hk_value_constant(model->states[i].preset)};
  }
  bool good = finish_settings(reader, "state", model->name, size, settings);
  /* states that were not given follow from parameters or from `initialise`: only the given ones are settings */
  settings->all = settings->chosen;
  settings->count = settings->chosen_count;
  struct hk__field *kept = hk__reader_alloc(reader, settings->count, sizeof *kept);
  for (size_t i = 0; kept && i < settings->count; i++)
    kept[i] = fields[hk_model_state(model, settings->chosen[i].name)];
  settings->fields = kept;
  return good && kept;
}
