/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single neurons against reference spike times, each through a real config, the real binary and the real output file,
 * under every scheduler: all cases of shared/oracles/neurons.json, and a sweep of synaptic time constants across the
 * membrane's against the closed form. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <hillock/model.h>

#include "command.h"
#include "shared.h"
#include "suite.h"

static const char *const schedulers[] = {"queue", "windows"};
enum { SCHEDULER_COUNT = sizeof schedulers / sizeof *schedulers };

static json_t *cases;

static void write_quantities(FILE *file, json_t *values, const json_t *units)
{
  const char *key;
  json_t *value;
  const char *separator = "";
  fputc('{', file);
  json_object_foreach(values, key, value)
  {
    const char *unit = json_string_value(json_object_get(units, key));
    fprintf(file, "%s%s: %.17g%s%s", separator, key, shared_number(values, key), unit ? " " : "", unit ? unit : "");
    separator = ", ";
  }
  fputs("}\n", file);
}

static void write_case(FILE *file, const json_t *c)
{
  const json_t *inputs = shared_member(c, "inputs");
  fprintf(file, "simulation: {duration: %.17g ms, seed: 1}\npopulations:\n  neuron:\n    model: %s\n    size: 1\n",
          shared_number(c, "duration"), shared_text(c, "model"));
  fputs("    params: ", file);
  write_quantities(file, shared_member(c, "params"), shared_member(c, "param_units"));
  fputs("    init: ", file);
  write_quantities(file, shared_member(c, "init"), shared_member(c, "init_units"));

  size_t i;
  json_t *input;
  json_array_foreach(inputs, i, input)
  {
    fprintf(file, "  input%zu: {model: spike_source, size: 1, params: {times: [", i);
    size_t count;
    double *times = shared_numbers(input, "times", &count);
    for (size_t k = 0; k < count; k++)
      fprintf(file, "%s%.17g ms", k ? ", " : "", times[k]);
    free(times);
    fputs("]}}\n", file);
  }
  fputs("projections:\n", file);
  json_array_foreach(inputs, i, input)
      fprintf(file, "  - {source: input%zu, target: neuron, rule: one_to_one, weight: %.17g %s, delay: %.17g ms}\n", i,
              shared_number(input, "weight"), shared_text(c, "weight_unit"), shared_number(input, "delay"));
}

static void compare_case(const json_t *c, const char *scheduler, const struct command_spikes *spikes)
{
  const char *name = shared_text(c, "name");
  size_t expected_count;
  double *expected = shared_numbers(c, "spikes", &expected_count), tolerance = shared_number(c, "tolerance_ms");
  for (size_t i = 0; i < spikes->count && i < expected_count; i++)
    ck_assert_msg(fabs(spikes->times[i] - expected[i]) <= tolerance,
                  "%s (%s): spike %zu at %.12f ms, expected %.12f, %.2g off", name, scheduler, i, spikes->times[i],
                  expected[i], spikes->times[i] - expected[i]);
  ck_assert_msg(spikes->count == expected_count, "%s (%s): %zu spikes, expected %zu", name, scheduler, spikes->count,
                expected_count);
  free(expected);
}

START_TEST(reference_spike_times)
{
  json_t *c = json_array_get(cases, (size_t)_i);
  const char *model = shared_text(c, "model");
  ck_assert_msg(hk_model_find(model) != NULL, "there is no model %s", model);
  char *folder = command_folder();
  FILE *file = command_create(folder, "case.yaml");
  write_case(file, c);
  fclose(file);
  for (int s = 0; s < SCHEDULER_COUNT; s++) {
    command_run_well(folder, (const char *[]){"run", "case.yaml", "--scheduler", schedulers[s], "-o", schedulers[s],
                                              "--progress", "none", NULL});
    struct command_spikes spikes = command_spikes(folder, schedulers[s], "neuron");
    compare_case(c, schedulers[s], &spikes);
    command_spikes_clear(&spikes);
  }
  command_remove(folder);
}
END_TEST

/* --- one event onto a neuron at rest, in closed form --- */

/* tau_syn / tau_m - 1: equal, a rounding error apart, anything between, and far. */
static const double offsets[] = {0.0,   1e-16,  -1e-16, 3e-16,  -3e-16, 1e-15,  -1e-15, 1e-14, -1e-14, 1e-13, -1e-13,
                                 1e-12, -1e-12, 1e-11,  -1e-11, 1e-10,  -1e-10, 1e-9,   -1e-9, 1e-8,   -1e-8, 1e-7,
                                 -1e-7, 1e-6,   -1e-6,  1e-5,   -1e-5,  1e-4,   -1e-4,  1e-3,  -1e-3,  0.01,  -0.01,
                                 0.03,  -0.03,  0.1,    -0.1,   0.3,    -0.3,   0.5,    -0.5,  1.0,    3.0};
enum { OFFSET_COUNT = sizeof offsets / sizeof *offsets };

static const double tau_m = 10.0, capacitance = 250.0, threshold = 15.0, arrival = 1.25;

/* Integral of u^order exp(-u x) over u in [0, 1], for order 0 and 1, without cancellation. */
static long double moment(int order, long double x)
{
  if (fabsl(x) < 1.0L) {
    long double sum = 0.0L, term = 1.0L;
    for (int k = 0; k < 40; k++) {
      sum += term / (k + order + 1);
      term *= -x / (k + 1);
    }
    return sum;
  }
  return order == 0 ? -expm1l(-x) / x : (1.0L - (1.0L + x) * expl(-x)) / (x * x);
}

/* Membrane potential above rest, t after an event of weight w. */
static long double potential(const char *model, double tau_syn, double w, long double t)
{
  long double x = t * (1.0L / tau_syn - 1.0L / tau_m);
  if (strcmp(model, "iaf_psc_exp") == 0)
    return w / capacitance * t * expl(-t / tau_m) * moment(0, x);
  return w * expl(1.0L) / tau_syn / capacitance * t * t * expl(-t / tau_m) * moment(1, x);
}

static long double crossing(const char *model, double tau_syn, double w)
{
  long double low = 0.0L, high = 0.0L;
  while (potential(model, tau_syn, w, high) < threshold) {
    low = high;
    high += 0.01L;
    ck_assert_msg(high < 100.0L, "the closed form never reaches threshold for tau_syn = %g", tau_syn);
  }
  for (int i = 0; i < 80; i++) {
    long double middle = 0.5L * (low + high);
    if (potential(model, tau_syn, w, middle) < threshold)
      low = middle;
    else
      high = middle;
  }
  return high;
}

static void write_sweep(FILE *file, const char *model, double w)
{
  fprintf(file,
          "simulation: {duration: 60 ms, seed: 1}\n"
          "populations:\n"
          "  source: {model: spike_source, size: 1, params: {times: [1 ms]}}\n"
          "  neurons:\n"
          "    model: %s\n"
          "    size: %d\n"
          "    params: {tau_m: %g ms, C_m: %g pF, E_L: 0 mV, V_th: %g mV, V_reset: -1 mV, t_ref: 1000 ms,\n"
          "             tau_syn_in: 2 ms, tau_syn_ex: [",
          model, OFFSET_COUNT, tau_m, capacitance, threshold);
  for (int i = 0; i < OFFSET_COUNT; i++)
    fprintf(file, "%s%.17g ms", i ? ", " : "", tau_m * (1.0 + offsets[i]));
  fprintf(file,
          "]}\n"
          "projections:\n"
          "  - {source: source, target: neurons, rule: all_to_all, weight: %.17g pA, delay: 0.25 ms}\n",
          w);
}

static void sweep(const char *model, double w)
{
  char *folder = command_folder();
  FILE *file = command_create(folder, "sweep.yaml");
  write_sweep(file, model, w);
  fclose(file);
  for (int s = 0; s < SCHEDULER_COUNT; s++) {
    command_run_well(folder, (const char *[]){"run", "sweep.yaml", "--scheduler", schedulers[s], "-o", schedulers[s],
                                              "--progress", "none", NULL});
    struct command_spikes spikes = command_spikes(folder, schedulers[s], "neurons");
    ck_assert_uint_eq(spikes.count, OFFSET_COUNT);
    bool seen[OFFSET_COUNT] = {false};
    for (size_t i = 0; i < spikes.count; i++) {
      ck_assert_uint_lt(spikes.ids[i], OFFSET_COUNT);
      ck_assert(!seen[spikes.ids[i]]);
      seen[spikes.ids[i]] = true;
      double offset = offsets[spikes.ids[i]];
      double want = (double)(arrival + crossing(model, tau_m * (1.0 + offset), w));
      ck_assert_msg(fabs(spikes.times[i] - want) <= 1e-9, "%s (%s), tau_syn = tau_m (1 + %g): %.15f ms, expected %.15f",
                    model, schedulers[s], offset, spikes.times[i], want);
    }
    command_spikes_clear(&spikes);
  }
  command_remove(folder);
}

START_TEST(exponential_currents_across_tau_m)
{
  sweep("iaf_psc_exp", 3000.0);
}
END_TEST

START_TEST(alpha_currents_across_tau_m)
{
  sweep("iaf_psc_alpha", 1500.0);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("oracles");
  TCase *sweeps = tcase_create("closed form");
  tcase_set_timeout(sweeps, 120.0);
  tcase_add_test(sweeps, exponential_currents_across_tau_m);
  tcase_add_test(sweeps, alpha_currents_across_tau_m);
  suite_add_tcase(suite, sweeps);

  cases = shared_cases("oracles/neurons.json", "cases");
  if (cases) {
    TCase *references = tcase_create("reference spike times");
    tcase_set_timeout(references, 120.0);
    tcase_add_loop_test(references, reference_spike_times, 0, (int)json_array_size(cases));
    suite_add_tcase(suite, references);
  }

  int code = run_suite(suite);
  if (code == EXIT_SUCCESS && !cases)
    code = 77;
  json_decref(cases);
  return code;
}
