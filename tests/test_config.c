/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Right configs: what a text describes is what the network holds; a resolved config describes the same network, to the
 * bit. Mutated texts: never a crash, never an error without a message. */
#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hdf5.h>
#include <hillock/config.h>
#include <hillock/spikes.h>

#include "command.h"
#include "shared.h"
#include "suite.h"

static char *folder;
static struct hk_messages *messages;

static void set_up(void)
{
  folder = command_folder();
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
}

static void tear_down(void)
{
  hk_messages_destroy(messages);
  command_remove(folder);
}

static void write_file(const char *name, const char *text, size_t length)
{
  FILE *file = command_create(folder, name);
  ck_assert_uint_eq(fwrite(text, 1, length, file), length);
  fclose(file);
}

static struct hk_config *read_path(const char *path, const char *const *overrides, size_t count)
{
  struct hk_config *config = NULL;
  hk_messages_clear(messages);
  enum hk_status status = hk_config_read(path, overrides, count, &config, messages);
  if (status != HK_OK && hk_messages_count(messages) > 0) {
    struct hk_message message = hk_messages_get(messages, 0);
    ck_abort_msg("%s:%zu:%zu: %.300s", message.place.file, message.place.line, message.place.column, message.text);
  }
  ck_assert_int_eq(status, HK_OK);
  return config;
}

static struct hk_config *read_text(const char *text, const char *const *overrides, size_t count)
{
  write_file("config.yaml", text, strlen(text));
  char *path = command_path(folder, "config.yaml");
  struct hk_config *config = read_path(path, overrides, count);
  free(path);
  return config;
}

/* --- equality, member by member --- */

static bool same_number(double a, double b)
{
  return memcmp(&a, &b, sizeof a) == 0;
}

static void same_value(const struct hk_value *a, const struct hk_value *b)
{
  ck_assert_int_eq(a->kind, b->kind);
  if (a->kind == HK_VALUE_LIST) {
    ck_assert_uint_eq(a->count, b->count);
    ck_assert_mem_eq(a->list, b->list, a->count * sizeof *a->list);
    return;
  }
  ck_assert(same_number(a->a, b->a) && same_number(a->b, b->b));
  ck_assert(same_number(a->min, b->min) && same_number(a->max, b->max));
  if (a->kind == HK_VALUE_LOGNORMAL)
    ck_assert(same_number(a->scale, b->scale));
}

/* A setting of a is one of b too; or, if it was not given there, has the model's default. */
static void same_settings(const struct hk_setting *a, size_t a_count, const struct hk_setting *b, size_t b_count)
{
  for (size_t i = 0; i < a_count; i++) {
    size_t k = 0;
    while (k < b_count && strcmp(a[i].name, b[k].name) != 0)
      k++;
    ck_assert_msg(k < b_count, "%s is lost", a[i].name);
    same_value(&a[i].value, &b[k].value);
  }
}

static void same_population(const struct hk_population_spec *a, const struct hk_population_spec *b)
{
  ck_assert_str_eq(a->name, b->name);
  ck_assert_str_eq(a->model, b->model);
  ck_assert_uint_eq(a->size, b->size);
  same_settings(a->params, a->param_count, b->params, b->param_count);
  same_settings(a->init, a->init_count, b->init, b->init_count);
  ck_assert_uint_eq(a->init_count, b->init_count);
  const struct hk_model *model = hk_model_find(a->model);
  for (size_t i = 0; i < b->param_count; i++) {
    int index = hk_model_param(model, b->params[i].name);
    size_t k = 0;
    while (k < a->param_count && strcmp(b->params[i].name, a->params[k].name) != 0)
      k++;
    if (k == a->param_count)
      ck_assert(b->params[i].value.kind == HK_VALUE_CONSTANT && b->params[i].value.a == model->params[index].preset);
  }
  ck_assert(!a->trains.offsets == !b->trains.offsets);
  if (a->trains.offsets) {
    ck_assert_mem_eq(a->trains.offsets, b->trains.offsets, (a->size + 1) * sizeof *a->trains.offsets);
    uint64_t count = a->trains.offsets[a->size];
    if (count > 0)
      ck_assert_mem_eq(a->trains.times, b->trains.times, count * sizeof *a->trains.times);
  }
}

static void same_projection(const struct hk_projection_spec *a, const struct hk_projection_spec *b)
{
  ck_assert(a->source == b->source && a->target == b->target && a->rule.kind == b->rule.kind);
  ck_assert(same_number(a->rule.number, b->rule.number) && a->rule.allow_autapses == b->rule.allow_autapses &&
            a->rule.allow_multapses == b->rule.allow_multapses);
  ck_assert_uint_eq(a->rule.pair_count, b->rule.pair_count);
  for (size_t i = 0; i < a->rule.pair_count; i++)
    ck_assert(a->rule.sources[i] == b->rule.sources[i] && a->rule.targets[i] == b->rule.targets[i]);
  same_value(&a->weight, &b->weight);
  same_value(&a->delay, &b->delay);
  ck_assert_pstr_eq(a->port, b->port);
}

static void same_input(const struct hk_input_spec *a, const struct hk_input_spec *b)
{
  ck_assert(a->kind == b->kind && a->target == b->target && a->neuron_count == b->neuron_count);
  ck_assert(!a->neurons == !b->neurons);
  for (size_t i = 0; i < a->neuron_count; i++)
    ck_assert_uint_eq(a->neurons[i], b->neurons[i]);
  ck_assert(same_number(a->from, b->from) && same_number(a->to, b->to));
  same_value(&a->rate, &b->rate);
  same_value(&a->weight, &b->weight);
  same_value(&a->amplitude, &b->amplitude);
  same_value(&a->offset, &b->offset);
  ck_assert_pstr_eq(a->port, b->port);
  ck_assert(same_number(a->frequency, b->frequency) && same_number(a->phase, b->phase));
  ck_assert(same_number(a->tau, b->tau) && same_number(a->mean, b->mean) && same_number(a->std, b->std));
  ck_assert_uint_eq(a->step_count, b->step_count);
  for (size_t i = 0; i < a->step_count; i++)
    ck_assert(same_number(a->times[i], b->times[i]) && same_number(a->amplitudes[i], b->amplitudes[i]));
}

static void same_trace(const struct hk_trace_spec *a, const struct hk_trace_spec *b)
{
  ck_assert_str_eq(a->name, b->name);
  ck_assert(a->population == b->population && a->neuron_count == b->neuron_count &&
            a->variable_count == b->variable_count && same_number(a->interval, b->interval));
  for (size_t i = 0; i < a->neuron_count; i++)
    ck_assert_uint_eq(a->neurons[i], b->neurons[i]);
  for (size_t i = 0; i < a->variable_count; i++)
    ck_assert_str_eq(a->variables[i], b->variables[i]);
}

static void same_network(const struct hk_network *a, const struct hk_network *b)
{
  ck_assert_uint_eq(hk_network_population_count(a), hk_network_population_count(b));
  ck_assert_uint_eq(hk_network_projection_count(a), hk_network_projection_count(b));
  ck_assert_uint_eq(hk_network_input_count(a), hk_network_input_count(b));
  ck_assert_uint_eq(hk_network_trace_count(a), hk_network_trace_count(b));
  for (size_t i = 0; i < hk_network_population_count(a); i++) {
    same_population(hk_network_population(a, i), hk_network_population(b, i));
    ck_assert_int_eq(hk_network_records_spikes(a, i), hk_network_records_spikes(b, i));
  }
  for (size_t i = 0; i < hk_network_projection_count(a); i++)
    same_projection(hk_network_projection(a, i), hk_network_projection(b, i));
  for (size_t i = 0; i < hk_network_input_count(a); i++)
    same_input(hk_network_input(a, i), hk_network_input(b, i));
  for (size_t i = 0; i < hk_network_trace_count(a); i++)
    same_trace(hk_network_trace(a, i), hk_network_trace(b, i));
}

static void same_run(const struct hk_config *a, const struct hk_config *b)
{
  struct hk_options x = hk_config_options(a), y = hk_config_options(b);
  ck_assert(same_number(hk_config_duration(a), hk_config_duration(b)));
  ck_assert(x.seed == y.seed && x.threads == y.threads && x.scheduler == y.scheduler && same_number(x.grid, y.grid) &&
            same_number(x.tolerance, y.tolerance) && x.shards == y.shards);
}

/* What is resolved describes the same, and is resolved already. */
static void round_trip(struct hk_config *config)
{
  struct hk_options options = hk_config_options(config);
  char *text = NULL, *again = NULL;
  ck_assert_int_eq(hk_config_resolve(config, hk_config_duration(config), &options, &text), HK_OK);
  write_file("resolved.yaml", text, strlen(text));
  char *path = command_path(folder, "resolved.yaml");
  struct hk_config *other = read_path(path, NULL, 0);
  same_run(config, other);
  same_network(hk_config_network(config), hk_config_network(other));
  ck_assert_int_eq(hk_config_resolve(other, hk_config_duration(other), &options, &again), HK_OK);
  ck_assert_str_eq(text, again);
  hk_config_destroy(other);
  free(path);
  free(text);
  free(again);
}

/* --- what a config says --- */

static const char everything[] =
    "simulation: {duration: 1 s, seed: 18446744073709551615, time: {grid: 0.1 ms}, scheduler: queue, threads: 3,\n"
    "             tolerance: 1e-9, shards: 8}\n"
    "templates: {current: &dc {dc: 1 nA}}\n"
    "populations:\n"
    "  exc: &cell\n"
    "    model: iaf_psc_delta\n"
    "    size: 100\n"
    "    params: {tau_m: 0.02 s, C_m: 1 pF, E_L: 0 mV, V_th: 20 mV, V_reset: 10 mV, t_ref: 2 ms}\n"
    "    init: {V_m: {uniform: [0 mV, 20 mV]}}\n"
    "  inh: {<<: *cell, size: 25}\n"
    "  both: {<<: [{size: 3}, *cell], params: {tau_m: [1 ms, 2 ms, 3 ms], V_th: {normal: {mean: -50 mV, sd: 1 mV}}}}\n"
    "  current: {model: iaf_psc_exp, size: 100}\n"
    "  clock: {model: spike_source, size: 1, params: {times: [10 ms, 0.02 s]}}\n"
    "  clocks: {model: spike_source, params: {times: [[10 ms, 20 ms], [], [1.5 ms]]}}\n"
    "  silent: {model: spike_source, params: {times: []}}\n"
    "  noise: {model: poisson, size: 7, params: {rate: {exponential: {mean: 20 Hz}}}}\n"
    "  'null': {model: poisson, size: 1}\n"
    "projections:\n"
    "  - {source: exc, target: [exc, inh], rule: {fixed_indegree: 10}, weight: 0.1 mV, delay: 1.5 ms}\n"
    "  - {source: [inh, exc], target: [exc, inh], rule: {fixed_outdegree: 5, allow_autapses: false}, weight: -0.5 mV,\n"
    "     delay: {normal: {mean: 1.5 ms, sd: 0.7 ms, min: 0.1 ms, max: 5 ms}}}\n"
    "  - {source: exc, target: current, rule: one_to_one, weight: 1.5e-3 nA, delay: 100 us, port: inhibitory}\n"
    "  - {source: clock, target: exc, rule: {all_to_all, allow_multapses: true}, weight: 1 mV, delay: 1 ms}\n"
    "  - {source: clocks, target: both, rule: {pairs: [[0, 2], [2, 0]]}, weight: [1 mV, 2 mV], delay: [1 ms, 2 ms]}\n"
    "  - {source: noise, target: exc, rule: {pairwise_bernoulli: 10 %}, weight: {lognormal: {mean: 1 mV, sd: 0.3 "
    "mV}},\n"
    "     delay: {lognormal: {median: 1 ms, sigma: 0.3, max: 9 ms}}}\n"
    "  - {source: noise, target: exc, rule: {fixed_total_number: 1e2}, weight: {exponential: {mean: 1 mV}},\n"
    "     delay: {uniform: [1 ms, 2 ms]}}\n"
    "inputs:\n"
    "  - {target: [exc, inh], poisson: {rate: 20 kHz}, weight: 0.1 mV}\n"
    "  - {target: exc, current: *dc, from: 100 ms, to: 300 ms}\n"
    "  - {target: exc, neurons: [0..9, 15, 17], current: {steps: [[1 ms, 2 pA], [5 ms, 3 nA]]}}\n"
    "  - {target: exc, neurons: 3, current: {sine: {amplitude: 2 pA, frequency: 5 Hz, phase: 1 rad, offset: 1 pA}}}\n"
    "  - {target: current, neurons: all, poisson: {rate: {uniform: [1 Hz, 2 Hz]}}, weight: 3 pA, port: excitatory}\n"
    "record:\n"
    "  spikes: [exc, clock]\n"
    "  traces:\n"
    "    - {name: v_exc, population: exc, neurons: [0, 1, 2], variables: [V_m], interval: 0.2 ms}\n"
    "    - {population: current}\n";

START_TEST(whole_language)
{
  struct hk_config *config = read_text(everything, NULL, 0);
  struct hk_network *n = hk_config_network(config);
  struct hk_options options = hk_config_options(config);
  ck_assert(hk_config_duration(config) == 1000.0 && options.seed == UINT64_MAX && options.grid == 0.1);
  ck_assert(options.scheduler == HK_SCHEDULER_QUEUE && options.threads == 3 && options.tolerance == 1e-9 &&
            options.shards == 8);
  ck_assert_str_eq(hk_config_name(config), "config");
  ck_assert_str_eq(hk_config_text(config), everything);

  ck_assert_uint_eq(hk_network_population_count(n), 9);
  const struct hk_population_spec *exc = hk_network_population(n, 0), *both = hk_network_population(n, 2);
  ck_assert(strcmp(exc->name, "exc") == 0 && exc->size == 100 && exc->param_count == 6 && exc->init_count == 1);
  ck_assert(exc->params[0].value.a == 20.0 && exc->init[0].value.kind == HK_VALUE_UNIFORM);
  ck_assert(hk_network_population(n, 1)->size == 25 && hk_network_population(n, 1)->param_count == 6);
  ck_assert(both->size == 3 && both->param_count == 2 && both->params[0].value.kind == HK_VALUE_LIST &&
            both->params[0].value.list[2] == 3.0 && both->params[1].value.kind == HK_VALUE_NORMAL);
  ck_assert(hk_network_population(n, 4)->trains.times[1] == 20.0);
  const struct hk_population_spec *clocks = hk_network_population(n, 5);
  ck_assert(clocks->size == 3 && clocks->trains.offsets[1] == 2 && clocks->trains.offsets[2] == 2 &&
            clocks->trains.offsets[3] == 3 && clocks->trains.times[2] == 1.5);
  ck_assert(hk_network_population(n, 6)->size == 1);

  ck_assert_uint_eq(hk_network_projection_count(n), 2 + 4 + 5);
  const struct hk_projection_spec *p = hk_network_projection(n, 3);
  ck_assert(p->source == 1 && p->target == 1 && p->rule.kind == HK_RULE_FIXED_OUTDEGREE && p->rule.number == 5 &&
            !p->rule.allow_autapses && p->rule.allow_multapses && p->delay.kind == HK_VALUE_NORMAL &&
            p->delay.min == 0.1 && p->delay.max == 5.0);
  p = hk_network_projection(n, 6);
  ck_assert(p->weight.a == 1.5 && p->delay.a == 0.1 && strcmp(p->port, "inhibitory") == 0);
  p = hk_network_projection(n, 8);
  ck_assert(p->rule.pair_count == 2 && p->rule.targets[0] == 2 && p->weight.list[1] == 2.0 && p->delay.count == 2);
  p = hk_network_projection(n, 9);
  ck_assert(p->rule.number == 0.1 && p->weight.kind == HK_VALUE_LOGNORMAL && p->delay.scale == 1.0 &&
            p->delay.b == 0.3 && p->delay.max == 9.0);
  /* mean and deviation of a lognormal variable of median m and logarithmic deviation s */
  double s2 = p->weight.b * p->weight.b, mean = p->weight.scale * exp(s2 / 2);
  ck_assert(fabs(mean - 1.0) < 1e-12 && fabs(mean * sqrt(expm1(s2)) - 0.3) < 1e-12);
  ck_assert(hk_network_projection(n, 10)->rule.number == 100.0 && hk_network_projection(n, 10)->weight.a == 1.0);

  ck_assert_uint_eq(hk_network_input_count(n), 6);
  const struct hk_input_spec *i = hk_network_input(n, 1);
  ck_assert(i->kind == HK_INPUT_POISSON && i->target == 1 && i->rate.a == 20000.0 && !i->neurons && isinf(i->to));
  i = hk_network_input(n, 2);
  ck_assert(i->kind == HK_INPUT_DC && i->amplitude.a == 1000.0 && i->from == 100.0 && i->to == 300.0);
  i = hk_network_input(n, 3);
  ck_assert(i->kind == HK_INPUT_STEPS && i->neuron_count == 12 && i->neurons[10] == 15 && i->amplitudes[1] == 3000.0);
  i = hk_network_input(n, 4);
  ck_assert(i->kind == HK_INPUT_SINE && i->neuron_count == 1 && i->phase == 1.0 && i->offset.a == 1.0);

  for (size_t k = 0; k < 9; k++)
    ck_assert_int_eq(hk_network_records_spikes(n, k), k == 0 || k == 4);
  ck_assert_uint_eq(hk_network_trace_count(n), 2);
  ck_assert(hk_network_trace(n, 0)->neuron_count == 3 && hk_network_trace(n, 0)->interval == 0.2);
  const struct hk_trace_spec *trace = hk_network_trace(n, 1);
  ck_assert(strcmp(trace->name, "current") == 0 && trace->neuron_count == 100 && trace->interval == 0.1 &&
            strcmp(trace->variables[0], "V_m") == 0);
  round_trip(config);
  hk_config_destroy(config);
}
END_TEST

#define SMALL                                                         \
  "simulation: {duration: 10 ms}\n"                                   \
  "populations:\n"                                                    \
  "  a: &a {model: iaf_psc_delta, size: 4, params: {tau_m: 10 ms}}\n" \
  "  b.c: *a\n"                                                       \
  "  p: {model: poisson, size: 2}\n"                                  \
  "projections: [{source: a, target: a, rule: all_to_all, weight: 1 mV, delay: 1 ms}]\n"

START_TEST(defaults)
{
  struct hk_config *config = read_text(SMALL, NULL, 0);
  struct hk_options options = hk_config_options(config);
  struct hk_network *n = hk_config_network(config);
  ck_assert(options.seed == 1 && options.grid == 0 && options.scheduler == HK_SCHEDULER_AUTO && options.threads == 0 &&
            options.tolerance == 1e-11 && options.shards == 0);
  ck_assert(hk_network_projection(n, 0)->rule.allow_autapses && hk_network_projection(n, 0)->rule.allow_multapses);
  ck_assert(hk_network_records_spikes(n, 0) && hk_network_records_spikes(n, 1) && !hk_network_records_spikes(n, 2));
  round_trip(config);
  hk_config_destroy(config);

  config = read_text(SMALL "record: {spikes: all}\n", NULL, 0);
  ck_assert(hk_network_records_spikes(hk_config_network(config), 2));
  round_trip(config);
  hk_config_destroy(config);
  config = read_text(SMALL "record: {traces: [{population: a, neurons: [0, 1, 2..3]}]}\n", NULL, 0);
  round_trip(config);
  hk_config_destroy(config);
  config = read_text(SMALL "record: {spikes: []}\n", NULL, 0);
  ck_assert(!hk_network_records_spikes(hk_config_network(config), 0));
  round_trip(config);
  hk_config_destroy(config);
}
END_TEST

START_TEST(overrides)
{
  static const char *const keys[] = {"simulation.duration=2 s",
                                     "populations.a.size=7",
                                     "populations.b.c.size=9",
                                     "populations.a.params={tau_m: 5 ms, V_th: -50 mV}",
                                     "populations.b.c.params.t_ref=3ms",
                                     "projections.0.weight=2mV",
                                     "projections.0.rule={fixed_indegree: 2}",
                                     "simulation.seed=5",
                                     "record.spikes=[a]"};
  struct hk_config *config = read_text(SMALL, keys, sizeof keys / sizeof *keys);
  struct hk_network *n = hk_config_network(config);
  ck_assert(hk_config_duration(config) == 2000.0 && hk_config_options(config).seed == 5);
  const struct hk_population_spec *a = hk_network_population(n, 0), *b = hk_network_population(n, 1);
  ck_assert(a->size == 7 && a->param_count == 2 && a->params[0].value.a == 5.0);
  /* an alias of the same mapping is left alone */
  ck_assert(b->size == 9 && b->param_count == 2 && b->params[0].value.a == 10.0 && b->params[1].value.a == 3.0);
  ck_assert(hk_network_projection(n, 0)->weight.a == 2.0 && hk_network_projection(n, 0)->rule.number == 2);
  ck_assert(hk_network_records_spikes(n, 0) && !hk_network_records_spikes(n, 1));
  round_trip(config);

  /* what the command line asks for is in the resolved config */
  struct hk_options options = hk_config_options(config);
  options.seed = 77;
  options.threads = 2;
  options.shards = 8;
  options.scheduler = HK_SCHEDULER_WINDOWS;
  char *text = NULL;
  ck_assert_int_eq(hk_config_resolve(config, 3.0, &options, &text), HK_OK);
  ck_assert(strstr(text, "duration: 3 ms\n") && strstr(text, "seed: 77\n") && strstr(text, "threads: 2\n") &&
            strstr(text, "scheduler: windows\n") && strstr(text, "shards: 8\n"));
  free(text);
  hk_config_destroy(config);
}
END_TEST

/* Numbers with all their digits, and names that YAML would take for something else. */
START_TEST(awkward_round_trips)
{
  char text[4096];
  unsigned long long state = 88172645463325252ULL;
  for (int round = 0; round < 20; round++) {
    double numbers[6];
    for (int i = 0; i < 6; i++) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      numbers[i] = ldexp((double)(state >> 11) + 1, (int)(state % 60) - 80);
    }
    snprintf(text, sizeof text,
             "simulation: {duration: %.17g s}\n"
             "populations:\n"
             "  'true': {model: iaf_psc_delta, size: 2, params: {tau_m: %.17g us, C_m: [%.17g pF, 1 nF]}}\n"
             "  \"a: b\": {model: iaf_psc_delta, size: 1, init: {V_m: %.17g V}}\n"
             "  '<<': {model: poisson, size: 1}\n"
             "  \"\\u03b1 \\n\\t\\\"'#&*\": {model: poisson, size: 1}\n"
             "  '~': {model: iaf_psc_exp, size: 3}\n"
             "projections:\n"
             "  - {source: '<<', target: '~', rule: {pairwise_bernoulli: 0.25}, weight: %.17g nA, delay: %.17g s}\n"
             "  - {source: '~', target: \"a: b\", rule: all_to_all, weight: 1 mV, delay: 1 ms}\n",
             numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]);
    struct hk_config *config = read_text(text, NULL, 0);
    round_trip(config);
    hk_config_destroy(config);
  }
}
END_TEST

START_TEST(shipped_configs)
{
  const char *path = getenv("HK_CONFIGS");
  ck_assert_ptr_nonnull(path);
  DIR *dir = opendir(path);
  ck_assert_ptr_nonnull(dir);
  size_t count = 0;
  for (struct dirent *entry; (entry = readdir(dir));) {
    char *file = command_path(path, entry->d_name), *text = NULL;
    size_t length = strlen(entry->d_name);
    if (length > 5 && strcmp(entry->d_name + length - 5, ".yaml") == 0) {
      text = command_text(path, entry->d_name);
      if (strstr(text, "hillock run configs/")) {
        struct hk_config *config = read_path(file, NULL, 0);
        round_trip(config);
        hk_config_destroy(config);
        count++;
      }
    }
    free(text);
    free(file);
  }
  closedir(dir);
  ck_assert_uint_gt(count, 0);
}
END_TEST

/* --- files that a config names --- */

static void write_spikes(void)
{
  static const double times[] = {1.5, 2.25, 7.0};
  static const uint64_t ids[] = {2, 0, 2};
  char *path = command_path(folder, "in.h5");
  struct hk_spike_writer *writer = NULL;
  ck_assert_int_eq(hk_spike_writer_create(path, (const char *[]){"x", "y"}, 2, &writer, NULL), HK_OK);
  ck_assert_int_eq(hk_spike_writer_append(writer, 1, times, ids, 3), HK_OK);
  ck_assert_int_eq(hk_spike_writer_close(writer, NULL), HK_OK);
  free(path);
}

static void put(hid_t group, const char *name, const int64_t *values, hsize_t count)
{
  hid_t space = H5Screate_simple(1, &count, NULL);
  hid_t set = H5Dcreate2(group, name, H5T_NATIVE_INT64, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(H5Dwrite(set, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  H5Dclose(set);
  H5Sclose(space);
}

static void write_edges(void)
{
  char *path = command_path(folder, "edges.h5");
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t edges = H5Gcreate2(file, "edges", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  hid_t group = H5Gcreate2(edges, "e", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  put(group, "source_node_id", (const int64_t[]){0, 2, 2}, 3);
  put(group, "target_node_id", (const int64_t[]){3, 1, 0}, 3);
  H5Gclose(group);
  H5Gclose(edges);
  H5Fclose(file);
  free(path);
}

/* Paths start at the config's folder, wherever the program stands. */
START_TEST(files)
{
  write_spikes();
  write_edges();
  struct hk_config *config =
      read_text("simulation: {duration: 10 ms}\n"
                "populations:\n"
                "  in: {model: spike_source, file: in.h5, population: y}\n"
                "  wide: {model: spike_source, size: 5, file: ./in.h5, population: y}\n"
                "  a: {model: iaf_psc_delta, size: 4}\n"
                "projections:\n"
                "  - {source: in, target: a, rule: {file: edges.h5}, weight: [1 mV, 2 mV, 3 mV], delay: 1 ms}\n"
                "  - {source: wide, target: a, rule: {file: edges.h5, population: e}, weight: 1 mV, delay: 1 ms}\n",
                NULL, 0);
  struct hk_network *n = hk_config_network(config);
  const struct hk_population_spec *in = hk_network_population(n, 0);
  ck_assert(in->size == 3 && in->trains.offsets[1] == 1 && in->trains.offsets[2] == 1 && in->trains.offsets[3] == 3);
  ck_assert(in->trains.times[0] == 2.25 && in->trains.times[1] == 1.5 && in->trains.times[2] == 7.0);
  ck_assert_uint_eq(hk_network_population(n, 1)->size, 5);
  const struct hk_rule *rule = &hk_network_projection(n, 0)->rule;
  ck_assert(rule->kind == HK_RULE_PAIRS && rule->pair_count == 3 && rule->sources[1] == 2 && rule->targets[1] == 1);
  ck_assert(hk_network_projection(n, 0)->weight.list[2] == 3.0);
  round_trip(config);
  hk_config_destroy(config);

  config = NULL;
  hk_messages_clear(messages);
  char *path = command_path(folder, "config.yaml");
  const char *const wrong[] = {"projections.0={source: in, target: a, rule: {file: edges.h5}, delay: 1 ms}",
                               "populations.in.population=z"};
  ck_assert_int_eq(hk_config_read(path, wrong, 1, &config, messages), HK_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(hk_messages_get(messages, 0).text, "the edges file holds no weights; give a `weight`"));
  hk_messages_clear(messages);
  ck_assert_int_eq(hk_config_read(path, wrong + 1, 1, &config, messages), HK_ERR_INPUT);
  ck_assert_uint_eq(hk_messages_errors(messages), 1);
  free(path);
}
END_TEST

/* A SONATA circuit resolves to a config that describes it again, from any folder. */
START_TEST(circuits)
{
  const char *path = shared_path("sonata/300_intfire/simulation_config.json");
  if (!path)
    return;
  const char *const keys[] = {"simulation.duration=0.5 s", "simulation.seed=4"};
  struct hk_config *config = read_path(path, keys, 2);
  ck_assert_str_eq(hk_config_name(config), "300_intfire");
  ck_assert(hk_config_duration(config) == 500.0 && hk_config_options(config).seed == 4);
  ck_assert_uint_eq(hk_network_population_count(hk_config_network(config)), 3);
  ck_assert_ptr_nonnull(hk_config_output_folder(config));
  round_trip(config);
  hk_config_destroy(config);

  config = read_path(path, (const char *[]){"run.tstop=250"}, 1);
  ck_assert(hk_config_duration(config) == 250.0);
  round_trip(config);

  /* by its path */
  char text[1024];
  snprintf(text, sizeof text, "simulation: {duration: 250 ms}\ncircuit: %s\n", path);
  struct hk_config *other = read_text(text, NULL, 0);
  same_network(hk_config_network(config), hk_config_network(other));
  hk_config_destroy(other);
  hk_config_destroy(config);

  config = NULL;
  hk_messages_clear(messages);
  ck_assert_int_eq(hk_config_read(path, (const char *[]){"simulation.duration=5 mV"}, 1, &config, messages),
                   HK_ERR_INPUT);
}
END_TEST

START_TEST(messages_are_optional)
{
  write_file("wrong.yaml", "simulation: {duration: 1}\n", 26);
  char *path = command_path(folder, "wrong.yaml");
  struct hk_config *config = NULL;
  ck_assert_int_eq(hk_config_read(path, NULL, 0, &config, NULL), HK_ERR_INPUT);
  ck_assert_ptr_null(config);
  free(path);
  hk_config_destroy(NULL);
}
END_TEST

/* --- mutations --- */

static uint64_t random_state;

static size_t below(size_t n)
{
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (size_t)(random_state >> 16) % n;
}

/* Changes a few places: a byte, a piece cut out, a piece copied elsewhere, or a piece that means something. */
static size_t mutate(char *text, size_t length, size_t room)
{
  static const char *const pieces[] = {
      "*cell", "&cell ", "<<: ",   "{",   "}",    "[",  "]",    ", ",    ": ",    "\n",         "- ",  "\t",
      "null",  "~",      "inf",    "-1",  "1e99", "''", "0..9", "all",   "99999", " mV",        " ms", "|\n",
      ">\n",   "? ",     "!!int ", "nan", "\xff", "\"", "#",    "---\n", "...\n", "%YAML 1.2\n"};
  for (size_t n = 1 + below(2) * below(4); n > 0; n--) {
    size_t at = below(length + 1), span = below(12) + 1;
    switch (below(4)) {
    case 0:
      if (at < length)
        text[at] = (char)below(256);
      break;
    case 1:
      span = span < length - at ? span : length - at;
      memmove(text + at, text + at + span, length - at - span);
      length -= span;
      break;
    default: {
      const char *piece = pieces[below(sizeof pieces / sizeof *pieces)];
      char copy[32];
      size_t size = strlen(piece);
      if (below(3) == 0 && length > 32) {
        size = span;
        memcpy(copy, text + below(length - span), size);
        piece = copy;
      }
      if (length + size > room)
        break;
      memmove(text + at + size, text + at, length - at);
      memcpy(text + at, piece, size);
      length += size;
    }
    }
  }
  return length;
}

START_TEST(mutated_configs)
{
  enum { ROUNDS = 400 };
  size_t length = strlen(everything), room = length + 256, good = 0;
  char *text = malloc(room), *path = command_path(folder, "mutant.yaml");
  ck_assert_ptr_nonnull(text);
  random_state = 0x9e3779b97f4a7c15u + (uint64_t)_i;
  for (int round = 0; round < ROUNDS; round++) {
    memcpy(text, everything, length);
    write_file("mutant.yaml", text, mutate(text, length, room));
    struct hk_config *config = NULL;
    hk_messages_clear(messages);
    enum hk_status status = hk_config_read(path, NULL, 0, &config, messages);
    if (status == HK_OK) {
      good++;
      struct hk_options options = hk_config_options(config);
      char *resolved = NULL;
      ck_assert_int_eq(hk_config_resolve(config, hk_config_duration(config), &options, &resolved), HK_OK);
      free(resolved);
      hk_config_destroy(config);
      continue;
    }
    ck_assert_int_eq(status, HK_ERR_INPUT);
    ck_assert_ptr_null(config);
    ck_assert_uint_gt(hk_messages_errors(messages), 0);
    size_t line = 0;
    for (size_t i = 0; i < hk_messages_count(messages); i++) {
      struct hk_message message = hk_messages_get(messages, i);
      ck_assert_str_eq(message.place.file, path);
      ck_assert(message.place.line >= line || message.place.line == 0);
      line = message.place.line;
    }
  }
  ck_assert_uint_gt(good, 0);
  ck_assert_uint_lt(good, ROUNDS / 2);
  free(text);
  free(path);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("config");
  TCase *tests = tcase_create("config");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, whole_language);
  tcase_add_test(tests, defaults);
  tcase_add_test(tests, overrides);
  tcase_add_test(tests, awkward_round_trips);
  tcase_add_test(tests, shipped_configs);
  tcase_add_test(tests, files);
  tcase_add_test(tests, circuits);
  tcase_add_test(tests, messages_are_optional);
  tcase_add_loop_test(tests, mutated_configs, 0, 4);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
