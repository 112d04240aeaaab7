/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Regimes of a comparison's config: every value of what a regime varies is one run. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "ann/plan.h"
#include "core/suggest.h"

static const char *const kind_names[] = {"volley", "jitter", "latency", "rate"};

/* What `vary` may name besides the parameters of the model. unit NULL: that of the model's first port. */
struct knob {
  const char *name, *unit;
  size_t offset;
  bool zero; /* may be 0 */
};

static const struct knob knobs[] = {
    {"spread", "ms", offsetof(struct hk__regime, spread), true},
    {"window", "ms", offsetof(struct hk__regime, window), false},
    {"time", "ms", offsetof(struct hk__regime, time), false},
    {"rate", "Hz", offsetof(struct hk__regime, rate), false},
    {"period", "ms", offsetof(struct hk__regime, period), false},
    {"listen", "ms", offsetof(struct hk__regime, listen), false},
    {"delay", "ms", offsetof(struct hk__regime, delay), false},
    {"level", "1", offsetof(struct hk__regime, level), false},
    {"margin", "1", offsetof(struct hk__regime, margin), true},
    {"gain", "1", offsetof(struct hk__regime, gain), false},
    {"unit", NULL, offsetof(struct hk__regime, unit), false},
    {"noise_rate", "Hz", offsetof(struct hk__regime, noise_rate), true},
    {"noise_weight", NULL, offsetof(struct hk__regime, noise_weight), true},
};
enum { KNOBS = sizeof knobs / sizeof *knobs };

static const struct knob *find_knob(const char *name)
{
  for (size_t i = 0; i < KNOBS; i++)
    if (strcmp(knobs[i].name, name) == 0)
      return &knobs[i];
  return NULL;
}

static bool read_positive(struct hk__reader *reader, const char *key, const char *unit, bool zero,
                          const struct hk__node *node, double *value)
{
  const struct hk__field field = {.key = key, .unit = unit, .low = 0.0, .high = 1e12, .open_low = !zero};
  return hk__read_quantity(reader, &field, node, value);
}

/* --- parameters of the model --- */

static const struct hk_param *find_param(struct hk__reader *reader, const struct hk_model *model,
                                         const struct hk__node *key)
{
  int index = hk_model_param(model, key->text);
  if (index >= 0)
    return &model->params[index];
  struct hk__suggestion s;
  hk__suggest_begin(&s, key->text);
  for (size_t i = 0; i < model->param_count; i++)
    hk__suggest_offer(&s, model->params[i].name);
  char shown[HK__SHOWN];
  hk__wrong(reader, key, "model `%s` has no parameter %s%s", model->name, hk__node_shown(key, shown, sizeof shown),
            hk__suggest_clause(&s));
  return NULL;
}

static void set_param(struct hk__regime *regime, const struct hk_param *param, double value)
{
  for (size_t i = 0; i < regime->param_count; i++)
    if (regime->params[i].name == param->name) {
      regime->params[i].value = hk_value_constant(value);
      return;
    }
  if (regime->param_count < HK_PARAMS_MAX)
    regime->params[regime->param_count++] = (struct hk_setting){param->name, hk_value_constant(value)};
}

static bool read_param(struct hk__reader *reader, const struct hk_param *param, const struct hk__node *node,
                       double *value)
{
  const struct hk__field field = {
      .key = param->name, .unit = param->unit, .low = param->low, .high = param->high, .open_low = param->open_low};
  return hk__read_quantity(reader, &field, node, value);
}

static void read_params(struct hk__reader *reader, const struct hk_model *model, const struct hk__node *node,
                        struct hk__regime *regime)
{
  if (node->kind != HK__MAPPING) {
    hk__wrong_value(reader, "params", node, " was found", "a mapping of the model's parameters");
    return;
  }
  for (size_t i = 0; i < node->count; i++) {
    const struct hk_param *param = find_param(reader, model, node->pairs[i].key);
    double value;
    if (param && read_param(reader, param, node->pairs[i].value, &value))
      set_param(regime, param, value);
  }
}

/* --- one regime --- */

static void read_delay(struct hk__reader *reader, const struct hk__regime_section *section, struct hk__regime *regime)
{
  if (section->delay->kind != HK__SCALAR) {
    hk__wrong(reader, section->delay,
              "delay: one time was expected, for with several the spikes of a volley would arrive apart; spread them "
              "with `kind: jitter` and `spread`");
    return;
  }
  read_positive(reader, "delay", "ms", false, section->delay, &regime->delay);
}

static bool has_port(const struct hk_model *model, const struct hk_tree *tree, const char *name)
{
  if (!tree)
    return hk_model_port(model, name) >= 0;
  for (size_t k = 0; k < tree->count; k++) {
    char index[24];
    snprintf(index, sizeof index, "%zu", k);
    const char *own = tree->compartments[k].name;
    if (strcmp(own ? own : index, name) == 0 || strcmp(index, name) == 0)
      return true;
  }
  return false;
}

static void read_ports(struct hk__reader *reader, const struct hk_model *model, const struct hk__names *names,
                       struct hk__regime *regime)
{
  const char **ports = hk__reader_alloc(reader, names->count + 1, sizeof *ports);
  for (size_t i = 0; ports && i < names->count; i++) {
    ports[i] = names->items[i]->text;
    if (!(model->kind == HK_MODEL_TREE && !regime->tree) && !has_port(model, regime->tree, ports[i]))
      hk__wrong(reader, names->items[i], "model `%s` has no port `%.60s`", model->name, ports[i]);
  }
  regime->ports = ports;
  regime->port_count = ports ? names->count : 0;
}

static const struct hk_model *read_model(struct hk__reader *reader, const struct hk__regime_section *section)
{
  const struct hk_model *model = hk_model_find(section->model);
  if (model && model->port_count > 0)
    return model;
  struct hk__suggestion s;
  hk__suggest_begin(&s, section->model);
  for (size_t i = 0; hk_model_at(i); i++)
    if (hk_model_at(i)->port_count > 0)
      hk__suggest_offer(&s, hk_model_at(i)->name);
  hk__wrong(reader, hk__section_node(&section->section, "model"),
            "model: `%.60s` is not the model of a neuron; `hillock models` lists them%s", section->model,
            hk__suggest_clause(&s));
  return NULL;
}

/* A tree where the model needs one, and only there. */
static void read_morphology(struct hk__reader *reader, struct hk__regime_section *section, const struct hk_model *model,
                            struct hk_tree *tree)
{
  bool given = hk__section_has(&hk__regime_schema, section, "morphology"), wanted = model->kind == HK_MODEL_TREE;
  if (given && wanted)
    hk__finish_morphology(reader, &section->morphology, tree);
  else if (wanted)
    hk__wrong(reader, section->section.node, "regime: model `%s` needs a `morphology`", model->name);
  else if (given)
    hk__wrong(reader, section->section.node, "regime: a `morphology` is for the model iaf_tree, `%s` was found",
              model->name);
}

static void read_regime(struct hk__reader *reader, struct hk__regime_section *section, const struct hk_model *model,
                        struct hk_tree *tree, struct hk__regime *regime)
{
  *regime = (struct hk__regime){.kind = (enum hk__regime_kind)section->kind,
                                .model = model->name,
                                .thresholds = (enum hk__thresholds)section->thresholds,
                                .level = section->level,
                                .margin = section->margin,
                                .gain = section->gain,
                                .period = section->period,
                                .listen = section->listen,
                                .spread = section->spread,
                                .window = section->window,
                                .time = section->time,
                                .rate = section->rate,
                                .noise_rate = section->noise.rate,
                                .on = section->on,
                                .decision = (enum hk__decision)section->decision,
                                .scheduler = (enum hk_scheduler)section->scheduler};
  const char *port_unit = model->ports[0].unit;
  read_morphology(reader, section, model, tree);
  regime->tree = tree->count > 0 ? tree : NULL;
  if (section->params)
    read_params(reader, model, section->params, regime);
  if (section->unit)
    read_positive(reader, "unit", port_unit, false, section->unit, &regime->unit);
  if (section->noise.weight)
    read_positive(reader, "weight", port_unit, true, section->noise.weight, &regime->noise_weight);
  if (section->delay)
    read_delay(reader, section, regime);
  if (hk__section_has(&hk__regime_schema, section, "ports"))
    read_ports(reader, model, &section->ports, regime);
}

/* --- what varies --- */

static const struct hk__pair *varied(struct hk__reader *reader, const struct hk__node *vary)
{
  if (vary->kind == HK__MAPPING && vary->count == 1 && vary->pairs[0].value->kind == HK__SEQUENCE &&
      vary->pairs[0].value->count > 0)
    return &vary->pairs[0];
  hk__wrong_value(reader, "vary", vary, " was found",
                  "one name with a list of values, such as `{spread: [0 ms, 1 ms, 2 ms]}`,");
  return NULL;
}

static bool set_value(struct hk__reader *reader, const struct hk_model *model, const struct hk__node *key,
                      const struct hk__node *node, struct hk__plan_run *run)
{
  const struct knob *knob = find_knob(key->text);
  if (knob) {
    run->unit = knob->unit ? knob->unit : model->ports[0].unit;
    if (!read_positive(reader, knob->name, run->unit, knob->zero, node, &run->value))
      return false;
    *(double *)((char *)&run->regime + knob->offset) = run->value;
    return true;
  }
  const struct hk_param *param = find_param(reader, model, key);
  if (!param || !read_param(reader, param, node, &run->value))
    return false;
  run->unit = param->unit;
  set_param(&run->regime, param, run->value);
  return true;
}

static size_t run_count(const struct hk__regime_section *section)
{
  const struct hk__node *vary = section->vary;
  bool listed = vary && vary->kind == HK__MAPPING && vary->count == 1;
  return listed && vary->pairs[0].value->kind == HK__SEQUENCE ? vary->pairs[0].value->count : 1;
}

static void plan_section(struct hk__reader *reader, const struct hk__plan *plan, struct hk__regime_section *section,
                         struct hk_tree *tree, struct hk__plan_run *runs, size_t count)
{
  const struct hk_model *model = read_model(reader, section);
  if (!model)
    return;
  struct hk__plan_run first = {.name = section->name ? section->name : kind_names[section->kind],
                               .value = NAN,
                               .place = section->section.node->place};
  read_regime(reader, section, model, tree, &first.regime);
  first.regime.seed = plan->seed;
  const struct hk__pair *pair = section->vary ? varied(reader, section->vary) : NULL;
  for (size_t i = 0; i < count; i++) {
    runs[i] = first;
    if (!pair)
      continue;
    runs[i].quantity = pair->key->text;
    if (!set_value(reader, model, pair->key, pair->value->items[i], &runs[i]) && !find_knob(pair->key->text) &&
        hk_model_param(model, pair->key->text) < 0)
      return;
  }
}

void hk__plan_runs(struct hk__reader *reader, struct hk__plan *plan, struct hk__plan_run **runs, size_t *count,
                   struct hk_tree **trees)
{
  struct hk__regime_section *sections = plan->regimes.items;
  *count = 0;
  for (size_t i = 0; i < plan->regimes.count; i++)
    *count += run_count(&sections[i]);
  *runs = hk__reader_alloc(reader, *count + 1, sizeof **runs);
  *trees = hk__reader_alloc(reader, plan->regimes.count + 1, sizeof **trees);
  for (size_t i = 0, at = 0; *runs && *trees && i < plan->regimes.count; at += run_count(&sections[i++]))
    plan_section(reader, plan, &sections[i], &(*trees)[i], *runs + at, run_count(&sections[i]));
  if (*count == 0)
    hk__wrong(reader, hk__section_node(&plan->section, "regimes"), "regimes: the list is empty; give at least one");
}
