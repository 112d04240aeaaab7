/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "random_network.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draws.h"

static size_t pick(uint64_t *state, size_t count)
{
  return next_random(state) % count;
}

enum { NEURON_MODELS = 3 };
static const char *const neuron_models[NEURON_MODELS] = {"iaf_psc_delta", "iaf_psc_exp", "iaf_psc_alpha"};
static const double weight_scale[NEURON_MODELS] = {1.2, 160.0, 90.0};

static size_t add_neurons(struct hk_network *network, uint64_t *state, const char *name, size_t kind, bool inhibitory)
{
  double tau_m = draw_between(state, 5, 20), synaptic = pick(state, 4) == 0 ? tau_m : draw_between(state, 0.4, 6);
  struct hk_setting params[] = {
      {"tau_m", hk_value_constant(tau_m)},
      {"C_m", pick(state, 2) ? hk_value_constant(250) : hk_value_uniform(200, 300)},
      {"E_L", hk_value_constant(-65)},
      {"V_th", hk_value_constant(-50)},
      {"V_reset", hk_value_uniform(-65, -58)},
      {"t_ref", hk_value_constant(inhibitory && pick(state, 3) == 0 ? 0 : draw_between(state, 0.5, 3))},
      {"I_e", hk_value_constant(draw_between(state, 0, 1.2 * 15 * 250 / tau_m))},
      {"tau_syn_ex", hk_value_constant(synaptic)},
      {"tau_syn_in", hk_value_constant(draw_between(state, 0.4, 8))},
  };
  struct hk_setting init[] = {{"V_m", hk_value_uniform(-65, -49)}};
  struct hk_population_spec spec = {.name = name,
                                    .model = neuron_models[kind],
                                    .size = 3 + pick(state, 20),
                                    .params = params,
                                    .param_count = kind == 0 ? 7 : 9,
                                    .init = init,
                                    .init_count = 1};
  size_t index;
  ck_assert_int_eq(hk_network_add_population(network, &spec, &index, NULL, NULL), HK_OK);
  return index;
}

static size_t add_source(struct hk_network *network, uint64_t *state, const char *name, bool poisson)
{
  double times[40], t = 0;
  uint64_t offsets[5] = {0, 10, 20, 30, 40};
  for (size_t i = 0; i < 40; i++) {
    t = i % 10 == 0 ? 0 : t;
    times[i] = t += pick(state, 4) == 0 ? 1.0 : draw_between(state, 0, 20);
  }
  struct hk_setting rate = {"rate", hk_value_uniform(20, 200)};
  struct hk_population_spec spec = {.name = name,
                                    .model = poisson ? "poisson" : "spike_source",
                                    .size = 4,
                                    .params = &rate,
                                    .param_count = poisson,
                                    .trains = {poisson ? NULL : times, poisson ? NULL : offsets}};
  size_t index;
  ck_assert_int_eq(hk_network_add_population(network, &spec, &index, NULL, NULL), HK_OK);
  ck_assert_int_eq(hk_network_record_spikes(network, index, true), HK_OK);
  return index;
}

static void connect(struct hk_network *network, uint64_t *state, size_t source, size_t target, size_t kind,
                    bool inhibitory)
{
  double scale = weight_scale[kind] * (inhibitory ? -3 : 1), shortest = pick(state, 3) == 0 ? 0.1 : 1.0;
  struct hk_projection_spec spec = {.source = source, .target = target};
  spec.rule = (struct hk_rule){.allow_autapses = true, .allow_multapses = true};
  if (pick(state, 2)) {
    spec.rule.kind = HK_RULE_FIXED_INDEGREE;
    spec.rule.number = (double)(1 + pick(state, 6));
  } else {
    spec.rule.kind = HK_RULE_PAIRWISE_BERNOULLI;
    spec.rule.number = draw_between(state, 0.05, 0.4);
  }
  spec.weight = pick(state, 2)
                    ? hk_value_constant(scale)
                    : hk_value_normal(scale, fabs(scale) / 5, inhibitory ? -INFINITY : 0, inhibitory ? 0 : INFINITY);
  switch (pick(state, 3)) {
  case 0:
    spec.delay = hk_value_constant(shortest);
    break;
  case 1:
    spec.delay = hk_value_uniform(shortest, shortest + 5);
    break;
  default:
    spec.delay = hk_value_normal(shortest + 1, 1, shortest, 60);
  }
  ck_assert_int_eq(hk_network_add_projection(network, &spec, NULL, NULL, NULL), HK_OK);
}

static void add_inputs(struct hk_network *network, uint64_t *state, size_t target, size_t kind)
{
  struct hk_input_spec spec = {.target = target, .from = 0, .to = INFINITY};
  switch (pick(state, 5)) {
  case 0:
    spec.kind = HK_INPUT_POISSON;
    spec.rate = hk_value_constant(draw_between(state, 50, 800));
    spec.weight = hk_value_constant(weight_scale[kind] / 2);
    spec.to = pick(state, 2) ? INFINITY : 60;
    break;
  case 1:
    spec.kind = HK_INPUT_DC;
    spec.amplitude = hk_value_uniform(0, 200);
    spec.from = 10;
    spec.to = 55.5;
    break;
  case 2:
    spec.kind = HK_INPUT_SINE;
    spec.amplitude = hk_value_constant(150);
    spec.offset = hk_value_constant(50);
    spec.frequency = draw_between(state, 5, 80);
    spec.from = 3.3;
    break;
  case 3: {
    static const double times[] = {5, 17.25, 40}, amplitudes[] = {100, -80, 140};
    spec.kind = HK_INPUT_STEPS;
    spec.times = times;
    spec.amplitudes = amplitudes;
    spec.step_count = 3;
    break;
  }
  default:
    return;
  }
  ck_assert_int_eq(hk_network_add_input(network, &spec, NULL, NULL, NULL), HK_OK);
}

struct hk_network *random_network(uint64_t number)
{
  uint64_t state = number * 0x2545f4914f6cdd1du + 1;
  struct hk_network *network;
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  static const char *const names[] = {"a", "b", "c", "d"};
  size_t count = 1 + pick(&state, 3), kinds[4], population[4];
  for (size_t i = 0; i < count; i++) {
    kinds[i] = pick(&state, NEURON_MODELS);
    population[i] = add_neurons(network, &state, names[i], kinds[i], i % 2 == 1);
  }
  size_t source = add_source(network, &state, "source", pick(&state, 2));
  for (size_t i = 0; i < count; i++) {
    connect(network, &state, source, population[i], kinds[i], pick(&state, 4) == 0);
    for (size_t j = 0; j < count; j++)
      if (pick(&state, 3) > 0)
        connect(network, &state, population[i], population[j], kinds[j], i % 2 == 1);
    add_inputs(network, &state, population[i], kinds[i]);
  }
  static const char *const variables[] = {"V_m"};
  static const uint32_t neurons[] = {2, 0};
  struct hk_trace_spec trace = {"v", population[0], neurons, 2, variables, 1, 0.37};
  ck_assert_int_eq(hk_network_add_trace(network, &trace, NULL, NULL, NULL), HK_OK);
  return network;
}

static enum hk_status take_spikes(void *context, const struct hk_spike *spikes, size_t count)
{
  struct recording *r = context;
  ck_assert(pthread_equal(pthread_self(), r->caller));
  if (r->count + count > r->capacity) {
    r->capacity = 2 * (r->count + count);
    r->spikes = realloc(r->spikes, r->capacity * sizeof *spikes);
    ck_assert_ptr_nonnull(r->spikes);
  }
  memcpy(r->spikes + r->count, spikes, count * sizeof *spikes);
  r->count += count;
  return HK_OK;
}

static enum hk_status take_rows(void *context, size_t trace, uint64_t first, const double *rows, size_t count)
{
  struct recording *r = context;
  (void)trace;
  ck_assert(pthread_equal(pthread_self(), r->caller));
  ck_assert_uint_eq(first, r->rows_seen);
  r->rows_seen += count;
  size_t values = 2 * count;
  if (r->value_count + values > r->value_capacity) {
    r->value_capacity = 2 * (r->value_count + values);
    r->rows = realloc(r->rows, r->value_capacity * sizeof *rows);
    ck_assert_ptr_nonnull(r->rows);
  }
  memcpy(r->rows + r->value_count, rows, values * sizeof *rows);
  r->value_count += values;
  return HK_OK;
}

/* A new simulation whose sink is the recording. */
static struct hk_simulation *record(const struct hk_network *network, const struct hk_options *options,
                                    struct recording *recording)
{
  struct hk_simulation *sim;
  *recording = (struct recording){.caller = pthread_self()};
  ck_assert_int_eq(hk_simulation_create(network, options, &sim, NULL), HK_OK);
  hk_simulation_set_sink(sim, &(struct hk_sink){recording, take_spikes, take_rows});
  return sim;
}

struct recording run_network(const struct hk_network *network, const struct hk_options *options, double duration,
                             int pieces)
{
  struct recording recording;
  struct hk_simulation *sim = record(network, options, &recording);
  for (int i = 1; i <= pieces; i++)
    ck_assert_int_eq(hk_simulation_run(sim, i == pieces ? duration : duration * i / pieces), HK_OK);
  hk_simulation_destroy(sim);
  return recording;
}

struct recording interrupt_network(const struct hk_network *network, const struct hk_options *options, double duration,
                                   size_t times, double *reached)
{
  struct recording recording;
  struct hk_simulation *sim = record(network, options, &recording);
  enum hk_status status = HK_ERR_INTERRUPTED;
  while (times-- > 0 && status == HK_ERR_INTERRUPTED) {
    hk_simulation_interrupt(sim);
    status = hk_simulation_run(sim, duration);
    *reached = hk_simulation_time(sim);
    ck_assert(status == HK_OK ? *reached == duration : status == HK_ERR_INTERRUPTED && *reached < duration);
  }
  hk_simulation_destroy(sim);
  return recording;
}

void recording_free(struct recording *recording)
{
  free(recording->spikes);
  free(recording->rows);
}

double agree_until(const struct recording *a, const struct recording *b, double tolerance)
{
  size_t count = a->count < b->count ? a->count : b->count;
  bool *taken = calloc(count + 64, sizeof *taken);
  double until = INFINITY;
  /* nearly equal times may stand in another order */
  for (size_t i = 0, low = 0; i < a->count && until == INFINITY; i++) {
    bool found = false;
    for (; low < b->count && low < count + 64 && taken[low]; low++)
      ;
    for (size_t j = low; j < b->count && j < count + 64 && b->spikes[j].time <= a->spikes[i].time + tolerance; j++)
      if (!taken[j] && b->spikes[j].population == a->spikes[i].population &&
          b->spikes[j].neuron == a->spikes[i].neuron && fabs(b->spikes[j].time - a->spikes[i].time) <= tolerance) {
        taken[j] = found = true;
        break;
      }
    if (!found)
      until = a->spikes[i].time;
  }
  for (size_t j = 0; j < b->count && j < count + 64 && until == INFINITY; j++)
    if (!taken[j])
      until = b->spikes[j].time;
  free(taken);
  return until;
}

void assert_agree(const struct recording *queue, const struct recording *windows, const char *what, double tolerance,
                  double row_tolerance)
{
  double until = agree_until(queue, windows, tolerance);
  ck_assert_msg(until == INFINITY, "%s: schedulers part at %.12f ms (%zu and %zu spikes)", what, until, queue->count,
                windows->count);
  ck_assert_uint_eq(queue->value_count, windows->value_count);
  for (size_t i = 0; i < queue->value_count; i++)
    ck_assert_msg(fabs(queue->rows[i] - windows->rows[i]) < row_tolerance, "%s: value %zu is %.17g and %.17g", what, i,
                  queue->rows[i], windows->rows[i]);
}

size_t schedulers_agree(const struct hk_network *network, uint64_t seed, double duration, double row_tolerance)
{
  struct hk_options options = {.seed = seed, .threads = 1, .scheduler = HK_SCHEDULER_QUEUE};
  struct recording queue = run_network(network, &options, duration, 1);
  options.scheduler = HK_SCHEDULER_WINDOWS;
  options.shards = (int)(seed % 4);
  struct recording windows = run_network(network, &options, duration, 1);
  char what[64];
  snprintf(what, sizeof what, "network of seed %llu", (unsigned long long)seed);
  assert_agree(&queue, &windows, what, 1e-9, row_tolerance);
  size_t count = queue.count;
  recording_free(&queue);
  recording_free(&windows);
  return count;
}

void assert_same_spikes(const struct recording *a, const struct recording *b)
{
  ck_assert_uint_eq(a->count, b->count);
  ck_assert(a->count == 0 || memcmp(a->spikes, b->spikes, a->count * sizeof *a->spikes) == 0);
}

void assert_same(const struct recording *a, const struct recording *b)
{
  assert_same_spikes(a, b);
  ck_assert_uint_eq(a->value_count, b->value_count);
  ck_assert(a->value_count == 0 || memcmp(a->rows, b->rows, a->value_count * sizeof *a->rows) == 0);
}
