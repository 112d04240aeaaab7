/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptions: what is wrong is refused with a message that says so and leaves the network as it was; what is right is
 * copied deeply; values of neurons are drawn as described. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/build.h"
#include "suite.h"

static struct hk_network *network;
static struct hk_messages *messages;
enum { CELLS, SOURCES, JUMPS };
static double four_times[] = {1.0, 2.0, 2.0, 5.0};
static uint64_t offsets_of_two[] = {0, 3, 4};

static struct hk_population_spec cells(void)
{
  return (struct hk_population_spec){.name = "new", .model = "iaf_psc_exp", .size = 10};
}

static struct hk_population_spec sources(void)
{
  return (struct hk_population_spec){
      .name = "new", .model = "spike_source", .size = 2, .trains = {four_times, offsets_of_two}};
}

static struct hk_projection_spec wires(enum hk_rule_kind kind, double number)
{
  return (struct hk_projection_spec){
      .source = CELLS,
      .target = CELLS,
      .rule = {.kind = kind, .number = number, .allow_autapses = true, .allow_multapses = true},
      .weight = hk_value_constant(1),
      .delay = hk_value_constant(1)};
}

static struct hk_input_spec input(enum hk_input_kind kind)
{
  struct hk_value zero = hk_value_constant(0);
  return (struct hk_input_spec){
      .kind = kind, .target = CELLS, .to = INFINITY, .rate = zero, .weight = zero, .amplitude = zero, .offset = zero};
}

static const uint32_t first_neurons[] = {0, 1, 2};
static const char *const v_m[] = {"V_m"};

static struct hk_trace_spec trace(void)
{
  return (struct hk_trace_spec){.name = "new",
                                .population = CELLS,
                                .neurons = first_neurons,
                                .neuron_count = 3,
                                .variables = v_m,
                                .variable_count = 1,
                                .interval = 0.1};
}

static void setup(void)
{
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  struct hk_population_spec spec = cells();
  spec.name = "cells";
  ck_assert_int_eq(hk_network_add_population(network, &spec, NULL, NULL, messages), HK_OK);
  spec = sources();
  spec.name = "sources";
  ck_assert_int_eq(hk_network_add_population(network, &spec, NULL, NULL, messages), HK_OK);
  spec = (struct hk_population_spec){.name = "jumps", .model = "intfire1", .size = 4};
  ck_assert_int_eq(hk_network_add_population(network, &spec, NULL, NULL, messages), HK_OK);
  struct hk_trace_spec old = trace();
  old.name = "old";
  ck_assert_int_eq(hk_network_add_trace(network, &old, NULL, NULL, messages), HK_OK);
  ck_assert_uint_eq(hk_messages_count(messages), 0);
}

static void teardown(void)
{
  hk_network_destroy(network);
  hk_messages_destroy(messages);
}

/* Refused, nothing added, the place kept, and one of the messages has each of the words. */
static void assert_refused(enum hk_status status, const char *word)
{
  ck_assert_int_eq(status, HK_ERR_INPUT);
  ck_assert_uint_eq(hk_network_population_count(network), 3);
  ck_assert_uint_eq(hk_network_projection_count(network), 0);
  ck_assert_uint_eq(hk_network_input_count(network), 0);
  ck_assert_uint_eq(hk_network_trace_count(network), 1);
  ck_assert_uint_gt(hk_messages_errors(messages), 0);
  bool found = false;
  char all[2048] = "";
  for (size_t i = 0; i < hk_messages_count(messages); i++) {
    struct hk_message m = hk_messages_get(messages, i);
    ck_assert_str_eq(m.place.file, "here.yaml");
    ck_assert_uint_eq(m.place.line, 7);
    found |= strstr(m.text, word) != NULL;
    strncat(all, m.text, sizeof all - strlen(all) - 2);
    strcat(all, "\n");
  }
  ck_assert_msg(found, "no `%s` in:\n%s", word, all);
  hk_messages_clear(messages);
}

static const struct hk_place here = {"here.yaml", 7, 3};

static void refuse_population(struct hk_population_spec spec, const char *word)
{
  assert_refused(hk_network_add_population(network, &spec, NULL, &here, messages), word);
}

static void refuse_param(const char *name, struct hk_value value, const char *word)
{
  struct hk_setting setting = {name, value};
  struct hk_population_spec spec = cells();
  spec.params = &setting;
  spec.param_count = 1;
  refuse_population(spec, word);
}

static void refuse_projection(struct hk_projection_spec spec, const char *word)
{
  assert_refused(hk_network_add_projection(network, &spec, NULL, &here, messages), word);
}

static void refuse_input(struct hk_input_spec spec, const char *word)
{
  assert_refused(hk_network_add_input(network, &spec, NULL, &here, messages), word);
}

static void refuse_trace(struct hk_trace_spec spec, const char *word)
{
  assert_refused(hk_network_add_trace(network, &spec, NULL, &here, messages), word);
}

/* --- populations --- */

START_TEST(wrong_populations)
{
  struct hk_population_spec spec = cells();
  spec.name = "";
  refuse_population(spec, "no name");
  spec.name = NULL;
  refuse_population(spec, "no name");
  spec.name = "a/b";
  refuse_population(spec, "`a/b`");
  spec.name = "cells";
  refuse_population(spec, "already");
  spec = cells();
  spec.model = "iaf_psc_exq";
  refuse_population(spec, "did you mean `iaf_psc_exp`?");
  spec.model = "qqqqq";
  refuse_population(spec, "unknown model `qqqqq`");
  spec.model = NULL;
  refuse_population(spec, "unknown model");
  spec = cells();
  spec.size = 0;
  refuse_population(spec, "size 0");
  spec.size = (uint64_t)1 << 32;
  refuse_population(spec, "size 4294967296");
  spec.size = UINT32_MAX - 5;
  refuse_population(spec, "is the most");
  spec = cells();
  spec.record_as = "x/y";
  refuse_population(spec, "`x/y`");
}
END_TEST

START_TEST(wrong_parameters)
{
  double list[12] = {10, 10, 10, 10, 10, 10, 10, -1, 10, 10, 10, 10};
  refuse_param("tau_n", hk_value_constant(1), "did you mean `tau_m`?");
  refuse_param("V_m", hk_value_constant(1), "under `init`");
  refuse_param(NULL, hk_value_constant(1), "no parameter");
  refuse_param("tau_m", hk_value_constant(0), "above 0 ms");
  refuse_param("tau_m", hk_value_constant(NAN), "above 0 ms");
  refuse_param("t_ref", hk_value_constant(-1), "at least 0 ms");
  refuse_param("E_L", hk_value_constant(INFINITY), "finite");
  refuse_param("tau_m", hk_value_list(list, 10), "value 7 of the list is -1 ms");
  refuse_param("tau_m", hk_value_list(list, 3), "list of 3 values but needs 10");
  refuse_param("tau_m", hk_value_uniform(5, 5), "must be below");
  refuse_param("tau_m", hk_value_uniform(0, 5), "above 0 ms");
  refuse_param("tau_m", hk_value_uniform(-1, INFINITY), "must be finite");
  refuse_param("tau_m", hk_value_normal(10, 5, -INFINITY, INFINITY), "set min");
  refuse_param("tau_m", hk_value_normal(10, 5, 0, INFINITY), "min is 0");
  refuse_param("tau_m", hk_value_normal(10, -5, 1, INFINITY), "at least 0");
  refuse_param("E_L", hk_value_normal(NAN, 5, -INFINITY, INFINITY), "mean");
  refuse_param("E_L", hk_value_normal(0, 1, 5, 3), "must be below max");
  refuse_param("E_L", hk_value_normal(0, 1, 3, 3), "must be below max");
  refuse_param("E_L", hk_value_normal(0, 1, NAN, 3), "must be below max");
  refuse_param("E_L", hk_value_normal(0, 1, 5, INFINITY), "hardly end");
  refuse_param("E_L", hk_value_normal(0, 1, -INFINITY, -30), "hardly end");
  refuse_param("E_L", hk_value_normal(0, 0, 1, 2), "hardly end");
  refuse_param("E_L", (struct hk_value){.kind = HK_VALUE_EXPONENTIAL, .a = -1, .max = INFINITY}, "mean");
  refuse_param("E_L", (struct hk_value){.kind = HK_VALUE_LOGNORMAL, .b = 1, .max = INFINITY}, "scale");
  refuse_param("E_L", (struct hk_value){.kind = (enum hk_value_kind)99}, "unknown kind");
  refuse_param("V_reset", hk_value_constant(0), "V_reset must be below V_th");
  double resets[10] = {-70, -70, -70, -70, -50, -70, -70, -70, -70, -70};
  refuse_param("V_reset", hk_value_list(resets, 10), "neuron 4: V_reset must be below V_th");
  struct hk_setting twice[] = {{"tau_m", hk_value_constant(1)}, {"tau_m", hk_value_constant(2)}};
  struct hk_population_spec spec = cells();
  spec.params = twice;
  spec.param_count = 2;
  refuse_population(spec, "given twice");
  struct hk_setting init = {"v_m", hk_value_constant(1)};
  spec = cells();
  spec.init = &init;
  spec.init_count = 1;
  refuse_population(spec, "did you mean `V_m`?");
  init.name = "tau_m";
  refuse_population(spec, "is a parameter");
  init = (struct hk_setting){"V_m", hk_value_constant(NAN)};
  refuse_population(spec, "finite");
}
END_TEST

START_TEST(all_errors_at_once)
{
  struct hk_setting params[] = {{"tau_n", hk_value_constant(1)}, {"C_m", hk_value_constant(-1)}};
  struct hk_population_spec spec = cells();
  spec.name = "cells";
  spec.params = params;
  spec.param_count = 2;
  ck_assert_int_eq(hk_network_add_population(network, &spec, NULL, &here, messages), HK_ERR_INPUT);
  ck_assert_uint_eq(hk_messages_errors(messages), 3);
}
END_TEST

START_TEST(wrong_trains)
{
  struct hk_population_spec spec = sources();
  spec.trains.offsets = NULL;
  spec.trains.times = NULL;
  refuse_population(spec, "needs spike times");
  spec = cells();
  spec.size = 2;
  spec.trains = sources().trains;
  refuse_population(spec, "does not play back");
  static const double bad[][4] = {{1, 3, 2, 5}, {-1, 2, 2, 5}, {1, NAN, 2, 5}, {1, 2, INFINITY, 5}};
  static const char *const words[] = {"do not ascend", "at least 0 ms", "at least 0 ms", "at least 0 ms"};
  for (int i = 0; i < 4; i++) {
    spec = sources();
    spec.trains.times = bad[i];
    refuse_population(spec, words[i]);
  }
  static const uint64_t falling[] = {0, 3, 2}, late[] = {1, 2, 3};
  spec = sources();
  spec.trains.offsets = falling;
  refuse_population(spec, "offsets");
  spec.trains.offsets = late;
  refuse_population(spec, "offsets");
}
END_TEST

/* --- projections --- */

START_TEST(wrong_rules)
{
  struct hk_projection_spec spec = wires(HK_RULE_FIXED_INDEGREE, 5);
  spec.target = 17;
  refuse_projection(spec, "population 17");
  spec.target = SOURCES;
  refuse_projection(spec, "a source");
  spec = wires(HK_RULE_ONE_TO_ONE, 0);
  spec.target = JUMPS;
  refuse_projection(spec, "equal size");
  spec = wires(HK_RULE_ONE_TO_ONE, 0);
  spec.rule.allow_autapses = false;
  refuse_projection(spec, "autapses");
  static const enum hk_rule_kind counted[] = {HK_RULE_FIXED_INDEGREE, HK_RULE_FIXED_OUTDEGREE,
                                              HK_RULE_FIXED_TOTAL_NUMBER};
  static const double numbers[] = {-1, 2.5, NAN, INFINITY};
  for (int k = 0; k < 3; k++)
    for (int i = 0; i < 4; i++)
      refuse_projection(wires(counted[k], numbers[i]), "whole number");
  for (int k = 0; k < 2; k++) {
    spec = wires(counted[k], 11);
    spec.rule.allow_multapses = false;
    refuse_projection(spec, "10 to choose from");
    spec.rule.number = 10;
    spec.rule.allow_autapses = false;
    refuse_projection(spec, "9 to choose from");
  }
  spec = wires(HK_RULE_FIXED_TOTAL_NUMBER, 91);
  spec.rule.allow_multapses = spec.rule.allow_autapses = false;
  refuse_projection(spec, "the 90 pairs");
  refuse_projection(wires(HK_RULE_FIXED_TOTAL_NUMBER, 1e12), "for each target");
  static const double chances[] = {-0.1, 1.1, NAN};
  for (int i = 0; i < 3; i++)
    refuse_projection(wires(HK_RULE_PAIRWISE_BERNOULLI, chances[i]), "probability");
  refuse_projection(wires((enum hk_rule_kind)99, 1), "unknown rule");
}
END_TEST

START_TEST(one_neuron_without_autapses)
{
  struct hk_population_spec one = {.name = "one", .model = "iaf_psc_exp", .size = 1};
  size_t index;
  ck_assert_int_eq(hk_network_add_population(network, &one, &index, NULL, NULL), HK_OK);
  static const enum hk_rule_kind counted[] = {HK_RULE_FIXED_INDEGREE, HK_RULE_FIXED_OUTDEGREE,
                                              HK_RULE_FIXED_TOTAL_NUMBER};
  for (int k = 0; k < 3; k++) {
    struct hk_projection_spec spec = wires(counted[k], 1);
    spec.source = spec.target = index;
    spec.rule.allow_autapses = false;
    ck_assert_int_eq(hk_network_add_projection(network, &spec, NULL, NULL, messages), HK_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(hk_messages_get(messages, 0).text, "nothing to draw"));
    hk_messages_clear(messages);
    spec.rule.number = 0;
    ck_assert_int_eq(hk_network_add_projection(network, &spec, NULL, NULL, messages), HK_OK);
  }
}
END_TEST

START_TEST(wrong_pairs)
{
  static const uint32_t from[] = {1, 2, 3, 1}, to[] = {1, 5, 6, 1}, far[] = {1, 10, 2, 3};
  struct hk_projection_spec spec = wires(HK_RULE_PAIRS, 0);
  spec.rule.pair_count = 4;
  refuse_projection(spec, "not given");
  spec.rule.sources = from;
  spec.rule.targets = far;
  refuse_projection(spec, "pair 1 is [2, 10]");
  spec.rule.targets = to;
  spec.rule.allow_multapses = false;
  refuse_projection(spec, "[1, 1] is given twice");
  spec.rule.allow_autapses = false;
  refuse_projection(spec, "with itself");
  double three[] = {1, 2, 3};
  spec = wires(HK_RULE_PAIRS, 0);
  spec.rule.sources = from;
  spec.rule.targets = to;
  spec.rule.pair_count = 4;
  spec.weight = hk_value_list(three, 3);
  refuse_projection(spec, "needs 4, one per pair");
  spec.weight = hk_value_constant(1);
  spec.delay = hk_value_list(three, 3);
  refuse_projection(spec, "needs 4, one per pair");
}
END_TEST

START_TEST(wrong_weights_and_delays)
{
  static const double delays[] = {0, -1, NAN, INFINITY};
  for (int i = 0; i < 4; i++) {
    struct hk_projection_spec spec = wires(HK_RULE_ALL_TO_ALL, 0);
    spec.delay = hk_value_constant(delays[i]);
    refuse_projection(spec, "above 0 ms");
  }
  struct hk_projection_spec spec = wires(HK_RULE_ALL_TO_ALL, 0);
  spec.delay = hk_value_normal(1.5, 0.75, -INFINITY, INFINITY);
  refuse_projection(spec, "set min");
  spec.delay = hk_value_normal(1.5, 0.75, 0, INFINITY);
  refuse_projection(spec, "min is 0");
  spec.delay = hk_value_uniform(0, 1);
  refuse_projection(spec, "above 0 ms");
  double list[10] = {0};
  spec.delay = hk_value_list(list, 10);
  refuse_projection(spec, "only the rules `pairs` and `one_to_one`");
  spec = wires(HK_RULE_ALL_TO_ALL, 0);
  spec.weight = hk_value_constant(NAN);
  refuse_projection(spec, "finite");
  spec = wires(HK_RULE_ALL_TO_ALL, 0);
  spec.port = "exitatory";
  refuse_projection(spec, "did you mean `excitatory`?");
}
END_TEST

/* --- inputs --- */

START_TEST(wrong_inputs)
{
  struct hk_input_spec spec = input(HK_INPUT_DC);
  spec.target = 9;
  refuse_input(spec, "no population 9");
  spec.target = SOURCES;
  refuse_input(spec, "a source");
  spec.target = JUMPS;
  refuse_input(spec, "takes none");
  static const uint32_t far[] = {1, 10}, twice[] = {3, 1, 3};
  spec = input(HK_INPUT_DC);
  spec.neurons = far;
  spec.neuron_count = 2;
  refuse_input(spec, "no neuron 10");
  spec.neurons = twice;
  spec.neuron_count = 3;
  refuse_input(spec, "neuron 3 is listed twice");
  spec.neuron_count = 0;
  refuse_input(spec, "no neuron");
  spec = input(HK_INPUT_DC);
  spec.from = 5;
  spec.to = 5;
  refuse_input(spec, "`from` must be before `to`");
  spec.to = NAN;
  refuse_input(spec, "`from` must be before `to`");
  spec = input(HK_INPUT_DC);
  spec.port = "excitatory";
  refuse_input(spec, "no port");
  spec = input(HK_INPUT_DC);
  spec.amplitude = hk_value_constant(NAN);
  refuse_input(spec, "amplitude");
  spec = input(HK_INPUT_POISSON);
  spec.rate = hk_value_constant(-1);
  refuse_input(spec, "at least 0 Hz");
  spec = input(HK_INPUT_POISSON);
  spec.port = "inhibitroy";
  refuse_input(spec, "did you mean `inhibitory`?");
  spec = input(HK_INPUT_SINE);
  spec.frequency = -1;
  refuse_input(spec, "frequency");
  spec = input(HK_INPUT_SINE);
  spec.phase = NAN;
  refuse_input(spec, "phase");
  static const double falling[] = {2, 1}, amplitudes[] = {1, 2}, nan_amplitude[] = {1, NAN}, times[] = {1, 2};
  spec = input(HK_INPUT_STEPS);
  refuse_input(spec, "no steps");
  spec.times = falling;
  spec.amplitudes = amplitudes;
  spec.step_count = 2;
  refuse_input(spec, "do not ascend");
  spec.times = times;
  spec.amplitudes = nan_amplitude;
  refuse_input(spec, "finite");
  spec = input(HK_INPUT_NOISE);
  spec.std = -1;
  refuse_input(spec, "standard deviation");
  refuse_input(input((enum hk_input_kind)99), "unknown kind");
}
END_TEST

/* --- traces --- */

START_TEST(wrong_traces)
{
  struct hk_trace_spec spec = trace();
  spec.name = "old";
  refuse_trace(spec, "already");
  spec.name = "";
  refuse_trace(spec, "no name");
  spec = trace();
  spec.population = 9;
  refuse_trace(spec, "no population 9");
  spec.population = SOURCES;
  refuse_trace(spec, "no state to record");
  static const double intervals[] = {0, -0.1, NAN, INFINITY};
  for (int i = 0; i < 4; i++) {
    spec = trace();
    spec.interval = intervals[i];
    refuse_trace(spec, "above 0 ms");
  }
  static const uint32_t far[] = {0, 10};
  static const char *const wrong[] = {"V_n"}, *const twice[] = {"V_m", "V_m"}, *const param[] = {"tau_m"};
  spec = trace();
  spec.neurons = far;
  spec.neuron_count = 2;
  refuse_trace(spec, "no neuron 10");
  spec.neuron_count = 0;
  refuse_trace(spec, "records no neuron");
  spec = trace();
  spec.variables = wrong;
  refuse_trace(spec, "did you mean `V_m`?");
  spec.variables = param;
  refuse_trace(spec, "is a parameter");
  spec.variables = twice;
  spec.variable_count = 2;
  refuse_trace(spec, "listed twice");
  spec.variable_count = 0;
  refuse_trace(spec, "records nothing");
}
END_TEST

START_TEST(no_messages_wanted)
{
  struct hk_population_spec spec = cells();
  spec.model = "nothing";
  ck_assert_int_eq(hk_network_add_population(network, &spec, NULL, NULL, NULL), HK_ERR_INPUT);
}
END_TEST

/* --- right ones --- */

START_TEST(copies_are_deep)
{
  char name[] = "copied", model[] = "iaf_psc_exp", param[] = "tau_m", state[] = "V_m", as[] = "other";
  double list[3] = {1, 2, 3};
  uint64_t ids[3] = {7, 8, 9};
  struct hk_setting params = {param, hk_value_list(list, 3)}, init = {state, hk_value_list(list, 3)};
  struct hk_population_spec spec = {.name = name,
                                    .model = model,
                                    .size = 3,
                                    .params = &params,
                                    .param_count = 1,
                                    .init = &init,
                                    .init_count = 1,
                                    .record_as = as,
                                    .record_ids = ids};
  size_t index;
  ck_assert_int_eq(hk_network_add_population(network, &spec, &index, NULL, messages), HK_OK);
  ck_assert_uint_eq(index, 3);
  memset(name, 'x', 3);
  memset(model, 'x', 3);
  memset(param, 'x', 3);
  memset(state, 'x', 1);
  memset(as, 'x', 3);
  list[1] = ids[1] = 0;
  memset(&params, 0, sizeof params);
  const struct hk_population_spec *copy = hk_network_population(network, index);
  ck_assert_str_eq(copy->name, "copied");
  ck_assert_str_eq(copy->model, "iaf_psc_exp");
  ck_assert_str_eq(copy->params[0].name, "tau_m");
  ck_assert_str_eq(copy->init[0].name, "V_m");
  ck_assert_str_eq(copy->record_as, "other");
  ck_assert(copy->params[0].value.list[1] == 2 && copy->init[0].value.list[1] == 2 && copy->record_ids[1] == 8);
  ck_assert_int_eq(hk_network_find(network, "copied"), 3);
  ck_assert_int_eq(hk_network_find(network, "nobody"), -1);
  const struct hk_population_spec *old = hk_network_population(network, SOURCES);
  ck_assert(old->trains.times != four_times && old->trains.times[3] == 5.0 && old->trains.offsets[2] == 4);
}
END_TEST

START_TEST(recording)
{
  ck_assert(hk_network_records_spikes(network, CELLS) && !hk_network_records_spikes(network, SOURCES));
  ck_assert_int_eq(hk_network_record_spikes(network, SOURCES, true), HK_OK);
  ck_assert_int_eq(hk_network_record_spikes(network, CELLS, false), HK_OK);
  ck_assert(!hk_network_records_spikes(network, CELLS) && hk_network_records_spikes(network, SOURCES));
  ck_assert_int_eq(hk_network_record_spikes(network, 3, true), HK_ERR_INPUT);
}
END_TEST

START_TEST(expected_synapses)
{
  static const uint32_t ends[] = {1, 2, 3};
  static const struct {
    enum hk_rule_kind kind;
    double number, expected;
  } cases[] = {{HK_RULE_ONE_TO_ONE, 0, 10},
               {HK_RULE_ALL_TO_ALL, 0, 90},
               {HK_RULE_FIXED_INDEGREE, 7, 70},
               {HK_RULE_FIXED_OUTDEGREE, 3, 30},
               {HK_RULE_FIXED_TOTAL_NUMBER, 41, 41},
               {HK_RULE_PAIRWISE_BERNOULLI, 0.1, 9},
               {HK_RULE_PAIRS, 0, 3}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct hk_projection_spec spec = wires(cases[i].kind, cases[i].number);
    spec.rule.allow_autapses = cases[i].kind == HK_RULE_ONE_TO_ONE || cases[i].kind == HK_RULE_PAIRS;
    spec.rule.sources = spec.rule.targets = ends;
    spec.rule.pair_count = 3;
    ck_assert_int_eq(hk_network_add_projection(network, &spec, NULL, NULL, messages), HK_OK);
    ck_assert_double_eq_tol(hk_network_expected_synapses(network, i), cases[i].expected, 1e-12);
  }
}
END_TEST

START_TEST(inputs_are_sorted)
{
  uint32_t neurons[] = {7, 2, 5};
  double list[] = {70, 20, 50};
  struct hk_input_spec spec = input(HK_INPUT_DC);
  spec.neurons = neurons;
  spec.neuron_count = 3;
  spec.amplitude = hk_value_list(list, 3);
  ck_assert_int_eq(hk_network_add_input(network, &spec, NULL, NULL, messages), HK_OK);
  const struct hk_input_spec *copy = hk_network_input(network, 0);
  for (int i = 0; i < 3; i++)
    ck_assert(copy->amplitude.list[i] == 10.0 * copy->neurons[i] &&
              (i == 0 || copy->neurons[i - 1] < copy->neurons[i]));
  double values[3];
  ck_assert_int_eq(hk__input_values(network, 0, &copy->amplitude, "amplitude", 1, values), HK_OK);
  ck_assert(values[0] == 20 && values[1] == 50 && values[2] == 70);
}
END_TEST

/* --- values of neurons --- */

START_TEST(values_of_neurons)
{
  enum { SIZE = 1000 };
  struct hk_setting params[] = {{"tau_m", hk_value_normal(20, 2, 15, 25)}, {"E_L", hk_value_constant(-65)}};
  struct hk_setting init[] = {{"V_m", hk_value_uniform(-70, -60)}};
  struct hk_population_spec spec = {.name = "drawn", .model = "iaf_psc_exp", .size = SIZE};
  spec.params = params;
  spec.param_count = 2;
  spec.init = init;
  spec.init_count = 1;
  size_t index;
  ck_assert_int_eq(hk_network_add_population(network, &spec, &index, NULL, messages), HK_OK);
  const struct hk_model *model = hk_model_find("iaf_psc_exp");
  size_t np = model->param_count, ns = model->state_count;
  double *param = malloc(SIZE * np * sizeof *param), *state = malloc(SIZE * ns * sizeof *state);
  double *again = malloc(SIZE * ns * sizeof *again);
  ck_assert_int_eq(hk__population_values(network, index, 5, param, state, messages), HK_OK);
  ck_assert_int_eq(hk__population_values(network, index, 5, NULL, again, messages), HK_OK);
  ck_assert_mem_eq(state, again, SIZE * ns * sizeof *state);
  double sum = 0;
  size_t tau = (size_t)hk_model_param(model, "tau_m"), rest = (size_t)hk_model_param(model, "E_L");
  for (size_t i = 0; i < SIZE; i++) {
    ck_assert(param[i * np + tau] >= 15 && param[i * np + tau] <= 25 && param[i * np + rest] == -65);
    ck_assert(state[i * ns] >= -70 && state[i * ns] < -60 && state[i * ns + 1] == 0);
    for (size_t k = 0; k < np; k++)
      ck_assert(k == tau || k == rest || param[i * np + k] == model->params[k].preset);
    sum += param[i * np + tau];
  }
  ck_assert_double_eq_tol(sum / SIZE, 20, 5 * 2 / sqrt(SIZE));
  ck_assert_int_eq(hk__population_values(network, index, 6, NULL, again, messages), HK_OK);
  ck_assert(again[0] != state[0]);
  free(param);
  free(state);
  free(again);
}
END_TEST

/* The initial state is that of the parameter the model names, neuron by neuron. */
START_TEST(presets_follow_parameters)
{
  double rests[10];
  for (int i = 0; i < 10; i++)
    rests[i] = -80 - i;
  struct hk_setting params = {"E_L", hk_value_list(rests, 10)};
  struct hk_population_spec spec = cells();
  spec.params = &params;
  spec.param_count = 1;
  size_t index;
  ck_assert_int_eq(hk_network_add_population(network, &spec, &index, NULL, messages), HK_OK);
  double state[10 * HK_STATES_MAX];
  ck_assert_int_eq(hk__population_values(network, index, 1, NULL, state, messages), HK_OK);
  size_t columns = hk_model_find("iaf_psc_exp")->state_count;
  for (size_t i = 0; i < 10; i++)
    ck_assert(state[i * columns] == rests[i]);
}
END_TEST

/* What spans several parameters shows only once they are drawn. */
START_TEST(drawn_values_are_checked_together)
{
  struct hk_setting params = {"V_reset", hk_value_uniform(-70, -50)};
  struct hk_population_spec spec = cells();
  spec.params = &params;
  spec.param_count = 1;
  size_t index;
  ck_assert_int_eq(hk_network_add_population(network, &spec, &index, NULL, messages), HK_OK);
  enum hk_status status = HK_OK;
  for (uint64_t seed = 0; seed < 20 && !status; seed++)
    status = hk__population_values(network, index, seed, NULL, NULL, messages);
  ck_assert_int_eq(status, HK_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(hk_messages_get(messages, 0).text, "V_reset must be below V_th"));
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("network");
  TCase *tests = tcase_create("network");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, wrong_populations);
  tcase_add_test(tests, wrong_parameters);
  tcase_add_test(tests, all_errors_at_once);
  tcase_add_test(tests, wrong_trains);
  tcase_add_test(tests, wrong_rules);
  tcase_add_test(tests, one_neuron_without_autapses);
  tcase_add_test(tests, wrong_pairs);
  tcase_add_test(tests, wrong_weights_and_delays);
  tcase_add_test(tests, wrong_inputs);
  tcase_add_test(tests, wrong_traces);
  tcase_add_test(tests, no_messages_wanted);
  tcase_add_test(tests, copies_are_deep);
  tcase_add_test(tests, recording);
  tcase_add_test(tests, expected_synapses);
  tcase_add_test(tests, inputs_are_sorted);
  tcase_add_test(tests, values_of_neurons);
  tcase_add_test(tests, presets_follow_parameters);
  tcase_add_test(tests, drawn_values_are_checked_together);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
