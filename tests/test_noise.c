/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Noise currents: their statistics, and that these depend on neither schedulers nor threads. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <hillock/simulation.h>

#include "core/currents.h"
#include "suite.h"

enum { NEURONS = 1000, STEPS = 400 };

/* --- the process --- */

static struct hk__population population = {.size = NEURONS};
static struct hk__input inputs[2];

static struct hk__built built_with(double tau)
{
  inputs[0] = (struct hk__input){.kind = HK_INPUT_NOISE,
                                 .count = NEURONS,
                                 .from = 2,
                                 .to = INFINITY,
                                 .mean = 30,
                                 .std = 4,
                                 .dt = 0.5,
                                 .decay = tau > 0 ? exp(-0.5 / tau) : 0};
  return (struct hk__built){.population_count = 1,
                            .populations = &population,
                            .target_count = NEURONS,
                            .input_count = 1,
                            .inputs = inputs,
                            .seed = 77};
}

START_TEST(is_ornstein_uhlenbeck)
{
  const double tau = _i == 0 ? 0 : 3.0;
  struct hk__built built = built_with(tau);
  struct hk__currents currents;
  ck_assert_int_eq(hk__currents_init(&currents, &built), HK_OK);
  ck_assert(hk__currents_next(&currents) == 2.0);
  ck_assert(currents.current[0].constant == 0);
  hk__currents_switch(&currents); /* the input begins */
  double *x = malloc(STEPS * NEURONS * sizeof *x);
  for (size_t k = 0; k < STEPS; k++) {
    ck_assert_double_eq_tol(hk__currents_next(&currents), 2.0 + 0.5 * (double)k, 1e-12);
    hk__currents_switch(&currents);
    for (size_t i = 0; i < NEURONS; i++)
      x[k * NEURONS + i] = (currents.current[i].constant - 30) / 4;
  }
  hk__currents_clear(&currents);
  static const size_t lags[] = {0, 1, 6, 60};
  for (size_t l = 0; l < 4; l++) {
    double sum = 0, mean = 0, fourth = 0, neighbour = 0, count = (double)((STEPS - lags[l]) * NEURONS);
    for (size_t k = lags[l]; k < STEPS; k++)
      for (size_t i = 0; i < NEURONS; i++) {
        double here = x[k * NEURONS + i], there = x[(k - lags[l]) * NEURONS + i];
        sum += here * there;
        mean += here;
        fourth += here * here * here * here;
        neighbour += here * x[k * NEURONS + (i + 1) % NEURONS];
      }
    double expected = lags[l] == 0 ? 1 : tau > 0 ? exp(-0.5 * (double)lags[l] / tau) : 0;
    double error = 5 * sqrt((tau > 0 ? 2 * tau / 0.5 : 1) / count);
    ck_assert_msg(fabs(sum / count - expected) < 2 * error, "lag %zu: %g, not %g", lags[l], sum / count, expected);
    ck_assert(fabs(mean / count) < error && fabs(neighbour / count) < error);
    ck_assert(fabs(fourth / count - 3) < 10 * error);
  }
  double first = 0; /* stationary from the first step on */
  for (size_t i = 0; i < NEURONS; i++)
    first += x[i] * x[i] / NEURONS;
  ck_assert(fabs(first - 1) < 5 * sqrt(2.0 / NEURONS));
  free(x);
}
END_TEST

START_TEST(ends)
{
  struct hk__built built = built_with(1);
  inputs[0].to = 3.2;
  struct hk__currents currents;
  ck_assert_int_eq(hk__currents_init(&currents, &built), HK_OK);
  int switches = 0;
  for (; hk__currents_next(&currents) < INFINITY; switches++)
    hk__currents_switch(&currents);
  ck_assert_int_eq(switches, 1 + 3 + 1);
  ck_assert(currents.current[5].constant == 0);
  hk__currents_clear(&currents);
}
END_TEST

/* --- in a simulation --- */

struct result {
  struct hk_spike *spikes;
  size_t count;
  double square, samples;
};

static enum hk_status take_spikes(void *context, const struct hk_spike *spikes, size_t count)
{
  struct result *r = context;
  r->spikes = realloc(r->spikes, (r->count + count) * sizeof *spikes);
  memcpy(r->spikes + r->count, spikes, count * sizeof *spikes);
  r->count += count;
  return HK_OK;
}

static enum hk_status take_rows(void *context, size_t trace, uint64_t first, const double *rows, size_t count)
{
  struct result *r = context;
  (void)trace;
  for (size_t i = 0; i < count * 100; i++)
    if (first + i / 100 >= 5) {
      r->square += (rows[i] + 70) * (rows[i] + 70);
      r->samples++;
    }
  return HK_OK;
}

static struct result run(const char *model, enum hk_scheduler scheduler, int threads, double threshold, double duration)
{
  struct result r = {.count = 0};
  struct hk_network *network;
  ck_assert(hk_network_create(&network) == HK_OK);
  struct hk_setting params[] = {{"V_th", hk_value_constant(threshold)}, {"V_reset", hk_value_constant(-75)}};
  struct hk_population_spec cells = {.name = "cells", .model = model, .size = 100, .params = params, .param_count = 2};
  ck_assert(hk_network_add_population(network, &cells, NULL, NULL, NULL) == HK_OK);
  struct hk_input_spec noise = {.kind = HK_INPUT_NOISE, .to = INFINITY, .std = 100, .tau = 5, .dt = 0.1};
  ck_assert(hk_network_add_input(network, &noise, NULL, NULL, NULL) == HK_OK);
  struct hk_projection_spec projection = {.rule = {.kind = HK_RULE_FIXED_INDEGREE, .number = 5},
                                          .weight = hk_value_constant(0.01),
                                          .delay = hk_value_constant(0.7)};
  ck_assert(hk_network_add_projection(network, &projection, NULL, NULL, NULL) == HK_OK);
  uint32_t neurons[100];
  for (uint32_t i = 0; i < 100; i++)
    neurons[i] = i;
  const char *variable = "V_m";
  struct hk_trace_spec trace = {.name = "v",
                                .neurons = neurons,
                                .neuron_count = 100,
                                .variables = &variable,
                                .variable_count = 1,
                                .interval = 20};
  ck_assert(hk_network_add_trace(network, &trace, NULL, NULL, NULL) == HK_OK);
  struct hk_options options = {.seed = 3, .threads = threads, .scheduler = scheduler};
  struct hk_simulation *sim;
  ck_assert(hk_simulation_create(network, &options, &sim, NULL) == HK_OK);
  hk_simulation_set_sink(sim, &(struct hk_sink){&r, take_spikes, take_rows});
  ck_assert(hk_simulation_run(sim, duration) == HK_OK);
  hk_simulation_destroy(sim);
  hk_network_destroy(network);
  return r;
}

/* A leaky membrane low-passes the noise: variance (std / g)^2 tau / (tau + tau_m). */
START_TEST(membrane_variance)
{
  struct result r = run("iaf_psc_exp", HK_SCHEDULER_AUTO, 1, 1000, 1500);
  double expected = 4.0 * 4.0 * 5 / (5 + 10.0), found = r.square / r.samples;
  ck_assert_msg(fabs(found / expected - 1) < 0.08, "%g mV^2, not %g", found, expected);
  free(r.spikes);
}
END_TEST

START_TEST(same_for_all)
{
  static const char *const models[] = {"iaf_psc_exp", "iaf_cond_exp"};
  struct result a = run(models[_i], HK_SCHEDULER_QUEUE, 1, -67, 60);
  struct result b = run(models[_i], HK_SCHEDULER_WINDOWS, 1, -67, 60);
  struct result c = run(models[_i], HK_SCHEDULER_WINDOWS, 2, -67, 60);
  ck_assert_uint_gt(a.count, 50);
  ck_assert(a.count == b.count && b.count == c.count);
  for (size_t i = 0; i < a.count; i++) {
    ck_assert(a.spikes[i].neuron == b.spikes[i].neuron);
    ck_assert_double_eq_tol(a.spikes[i].time, b.spikes[i].time, 1e-8);
    ck_assert(b.spikes[i].neuron == c.spikes[i].neuron && b.spikes[i].time == c.spikes[i].time);
  }
  free(a.spikes);
  free(b.spikes);
  free(c.spikes);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("noise");
  TCase *tests = tcase_create("noise");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, is_ornstein_uhlenbeck, 0, 2);
  tcase_add_test(tests, ends);
  tcase_add_test(tests, membrane_variance);
  tcase_add_loop_test(tests, same_for_all, 0, 2);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
