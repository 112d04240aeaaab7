/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks of projections: their rule must be one that can be met, their values must fit. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/suggest.h"
#include "net/network.h"
#include "net/value.h"

/* 2^53: whole numbers up to here are exact in a double. */
static const double number_max = 9007199254740992.0;

/* Sources of one target are counted in 32 bits, with room for what chance adds to the mean. */
static const double degree_max = 4e9;

static const char *rule_name(enum hk_rule_kind kind)
{
  switch (kind) {
  case HK_RULE_ONE_TO_ONE:
    return "one_to_one";
  case HK_RULE_ALL_TO_ALL:
    return "all_to_all";
  case HK_RULE_FIXED_INDEGREE:
    return "fixed_indegree";
  case HK_RULE_FIXED_OUTDEGREE:
    return "fixed_outdegree";
  case HK_RULE_FIXED_TOTAL_NUMBER:
    return "fixed_total_number";
  case HK_RULE_PAIRWISE_BERNOULLI:
    return "pairwise_bernoulli";
  case HK_RULE_PAIRS:
    return "pairs";
  }
  return NULL;
}

/* --- weights --- */

static void unknown_port(const struct hk__weight_check *c, struct hk__faults *faults)
{
  struct hk__suggestion nearest;
  char list[256];
  size_t used = 0;
  list[0] = '\0';
  hk__suggest_begin(&nearest, c->port);
  for (size_t i = 0; i < c->model->port_count; i++) {
    hk__suggest_offer(&nearest, c->model->ports[i].name);
    if (used < sizeof list - 80)
      used += (size_t)snprintf(list + used, sizeof list - used, "%s`%s`", i ? ", " : "", c->model->ports[i].name);
  }
  HK__FAULT(faults, "%s: model `%s` has no port `%.100s`, only %s%s", c->where, c->model->name, c->port, list,
            hk__suggest_clause(&nearest));
}

/* Where no port is named, each sign that occurs needs a port that takes it. */
static void check_signs(const struct hk__weight_check *c, const char *what, struct hk__faults *faults)
{
  static const double signs[] = {1.0, -1.0};
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
    if (hk__model_port_for(c->model, signs[i]) >= 0)
      continue;
    struct hk__demand demand = {.what = what, .count = c->count, .per = c->per};
    demand.unit = c->model->ports[0].unit;
    demand.low = signs[i] > 0 ? -INFINITY : 0.0;
    demand.high = signs[i] > 0 ? 0.0 : INFINITY;
    if (!hk__value_check(c->weight, &demand, faults->place, faults->messages)) {
      HK__FAULT(faults, "%s: model `%s` has no port for %s weights; name a port, or change the sign", c->where,
                c->model->name, signs[i] > 0 ? "positive" : "negative");
    }
  }
}

void hk__check_weight(const struct hk__weight_check *c, struct hk__faults *faults)
{
  char what[256];
  snprintf(what, sizeof what, "weight of %s", c->where);
  if (c->model->port_count == 0) {
    HK__FAULT(faults, "%s: model `%s` has no port that spikes could go to", c->where, c->model->name);
    return;
  }
  if (c->port && hk_model_port(c->model, c->port) < 0) {
    unknown_port(c, faults);
    return;
  }
  int port = c->port ? hk_model_port(c->model, c->port) : 0;
  struct hk__demand demand = {.what = what,
                              .unit = c->model->ports[port].unit,
                              .low = -INFINITY,
                              .high = INFINITY,
                              .count = c->count,
                              .per = c->per,
                              .no_list = c->no_list};
  if (!hk__value_check(c->weight, &demand, faults->place, faults->messages))
    faults->any = true;
  else if (!c->port)
    check_signs(c, what, faults);
}

/* --- rules --- */

struct sides {
  const struct hk_projection_spec *spec;
  const char *where, *source_name, *target_name;
  uint64_t sources, targets;
  struct hk__faults *faults;
};

/* Whole and within [0, max]. */
static bool check_whole(const struct sides *s, double max, const char *meaning)
{
  double number = s->spec->rule.number;
  if (number >= 0 && number <= max && number == floor(number))
    return true;
  HK__FAULT(s->faults, "%s: %s is %.17g; expected %s, a whole number from 0 to %.17g", s->where,
            rule_name(s->spec->rule.kind), number, meaning, max);
  return false;
}

/* `number` partners drawn from `size` neurons of the population `from`. */
static void check_degree(const struct sides *s, uint64_t size, const char *from, const char *meaning)
{
  const struct hk_rule *rule = &s->spec->rule;
  if (!check_whole(s, UINT32_MAX, meaning))
    return;
  uint64_t available = size - hk__skips_autapses(s->spec);
  if (available == 0 && rule->number > 0)
    HK__FAULT(s->faults, "%s: `%.100s` has one neuron only and autapses are not allowed, so there is nothing to draw",
              s->where, from);
  else if (!rule->allow_multapses && rule->number > (double)available)
    HK__FAULT(s->faults,
              "%s: %s: %.17g asks for that many different neurons of `%.100s`, which has %llu to choose from; allow "
              "multapses or ask for fewer",
              s->where, rule_name(rule->kind), rule->number, from, (unsigned long long)available);
}

static void check_total(const struct sides *s)
{
  const struct hk_rule *rule = &s->spec->rule;
  double pairs = (double)s->targets * (double)(s->sources - hk__skips_autapses(s->spec));
  if (!check_whole(s, number_max, "the number of connections") || rule->number == 0)
    return;
  if (pairs == 0)
    HK__FAULT(s->faults, "%s: `%.100s` has one neuron only and autapses are not allowed, so there is nothing to draw",
              s->where, s->source_name);
  else if (rule->number / (double)s->targets > degree_max)
    HK__FAULT(s->faults, "%s: fixed_total_number: %.17g is more than %g for each target", s->where, rule->number,
              degree_max);
  else if (!rule->allow_multapses && rule->number > pairs)
    HK__FAULT(s->faults,
              "%s: fixed_total_number: %.17g is more than the %.17g pairs of neurons there are; allow multapses or ask "
              "for fewer",
              s->where, rule->number, pairs);
}

static void check_one_to_one(const struct sides *s)
{
  if (s->sources != s->targets)
    HK__FAULT(s->faults, "%s: one_to_one needs populations of equal size, but `%.100s` has %llu and `%.100s` has %llu",
              s->where, s->source_name, (unsigned long long)s->sources, s->target_name, (unsigned long long)s->targets);
  if (hk__skips_autapses(s->spec))
    HK__FAULT(s->faults, "%s: one_to_one connects each neuron with itself here, but autapses are not allowed",
              s->where);
}

static int compare_u64(const void *x, const void *y)
{
  uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
  return (a > b) - (a < b);
}

static void check_no_multapses(const struct sides *s)
{
  const struct hk_rule *rule = &s->spec->rule;
  uint64_t *pairs = malloc(rule->pair_count * sizeof *pairs);
  if (!pairs) {
    s->faults->no_memory = true;
    return;
  }
  for (size_t i = 0; i < rule->pair_count; i++)
    pairs[i] = (uint64_t)rule->sources[i] << 32 | rule->targets[i];
  qsort(pairs, rule->pair_count, sizeof *pairs, compare_u64);
  for (size_t i = 1; i < rule->pair_count; i++)
    if (pairs[i - 1] == pairs[i]) {
      HK__FAULT(s->faults, "%s: the pair [%u, %u] is given twice, but multapses are not allowed", s->where,
                (unsigned)(pairs[i] >> 32), (unsigned)pairs[i]);
      break;
    }
  free(pairs);
}

static void check_pairs(const struct sides *s)
{
  const struct hk_rule *rule = &s->spec->rule;
  if (rule->pair_count > 0 && (!rule->sources || !rule->targets)) {
    HK__FAULT(s->faults, "%s: %zu pairs are announced but not given", s->where, rule->pair_count);
    return;
  }
  for (size_t i = 0; i < rule->pair_count; i++) {
    uint32_t source = rule->sources[i], target = rule->targets[i];
    if (source >= s->sources || target >= s->targets)
      HK__FAULT(s->faults, "%s: pair %zu is [%u, %u], but the sources are 0 to %llu and the targets 0 to %llu",
                s->where, i, (unsigned)source, (unsigned)target, (unsigned long long)s->sources - 1,
                (unsigned long long)s->targets - 1);
    else if (source == target && hk__skips_autapses(s->spec))
      HK__FAULT(s->faults, "%s: pair %zu connects neuron %u with itself, but autapses are not allowed", s->where, i,
                (unsigned)source);
    else
      continue;
    return;
  }
  if (!rule->allow_multapses && rule->pair_count > 1)
    check_no_multapses(s);
}

static void check_rule(const struct sides *s)
{
  switch (s->spec->rule.kind) {
  case HK_RULE_ONE_TO_ONE:
    check_one_to_one(s);
    break;
  case HK_RULE_ALL_TO_ALL:
    break;
  case HK_RULE_FIXED_INDEGREE:
    check_degree(s, s->sources, s->source_name, "the number of sources of each target");
    break;
  case HK_RULE_FIXED_OUTDEGREE:
    check_degree(s, s->targets, s->target_name, "the number of targets of each source");
    break;
  case HK_RULE_FIXED_TOTAL_NUMBER:
    check_total(s);
    break;
  case HK_RULE_PAIRWISE_BERNOULLI:
    if (!(s->spec->rule.number >= 0 && s->spec->rule.number <= 1))
      HK__FAULT(s->faults, "%s: pairwise_bernoulli is %g; expected a probability from 0 to 1", s->where,
                s->spec->rule.number);
    break;
  case HK_RULE_PAIRS:
    check_pairs(s);
    break;
  default:
    HK__FAULT(s->faults, "%s: unknown rule %d", s->where, (int)s->spec->rule.kind);
  }
}

enum hk_status hk__check_projection(const struct hk_network *network, const struct hk_projection_spec *spec,
                                    const struct hk_place *place, struct hk_messages *messages)
{
  struct hk__faults faults = {.place = place, .messages = messages};
  size_t count = hk_network_population_count(network);
  if (spec->source >= count || spec->target >= count) {
    HK__FAULT(&faults, "a projection from population %zu to population %zu: there are %zu", spec->source, spec->target,
              count);
    return HK_ERR_INPUT;
  }
  const struct hk_population_spec *source = hk_network_population(network, spec->source);
  const struct hk_population_spec *target = hk_network_population(network, spec->target);
  const struct hk_model *model = hk_network_model(network, spec->target);
  char where[256];
  snprintf(where, sizeof where, "the projection `%.100s` -> `%.100s`", source->name, target->name);
  if (hk__model_is_source(model)) {
    HK__FAULT(&faults, "%s: `%.100s` is of model `%s`, a source: it cannot be a target", where, target->name,
              model->name);
    return HK_ERR_INPUT;
  }
  struct sides sides = {spec, where, source->name, target->name, source->size, target->size, &faults};
  check_rule(&sides);
  bool pairs = spec->rule.kind == HK_RULE_PAIRS, lists = pairs || spec->rule.kind == HK_RULE_ONE_TO_ONE;
  size_t list_count = pairs ? spec->rule.pair_count : target->size;
  const char *per = pairs ? "pair" : "neuron";
  struct hk__weight_check weight = {&spec->weight, spec->port, model, where, per, list_count, !lists};
  hk__check_weight(&weight, &faults);
  char what[300];
  snprintf(what, sizeof what, "delay of %s", where);
  struct hk__demand demand = {.what = what,
                              .unit = "ms",
                              .low = 0.0,
                              .high = INFINITY,
                              .open_low = true,
                              .count = list_count,
                              .per = per,
                              .no_list = !lists};
  if (!hk__value_check(&spec->delay, &demand, place, messages))
    faults.any = true;
  return hk__faults_status(&faults);
}
