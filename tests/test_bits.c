/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The same config gives the same bits: run twice, in one piece or in many, with any number of threads. The network
 * holds every linear model, two that are integrated, dendritic trees, drawn parameters, weights and delays, several
 * rules, Poisson drive, a current and a trace. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <hillock/config.h>
#include <hillock/simulation.h>

#include "command.h"
#include "suite.h"

static const char network_text[] =
    "simulation: {duration: 200 ms, seed: 7}\n"
    "populations:\n"
    "  jump: {model: iaf_psc_delta, size: 150, init: {V_m: {uniform: [-70 mV, -55 mV]}},\n"
    "         params: {tau_m: {normal: {mean: 20 ms, sd: 2 ms, min: 10 ms}}}}\n"
    "  exp: {model: iaf_psc_exp, size: 130, params: {V_th: {uniform: [-56 mV, -54 mV]}, tau_syn_in: 10 ms}}\n"
    "  alpha: {model: iaf_psc_alpha, size: 110}\n"
    "  cell: {model: intfire1, size: 30}\n"
    "  cond: {model: iaf_cond_exp, size: 60, params: {tau_syn_ex: 2 ms, g_L: {uniform: [15 nS, 18 nS]}}}\n"
    "  adapt: {model: aeif_cond_exp, size: 20, params: {tau_syn_ex: 2 ms}}\n"
    "  tree:\n"
    "    model: iaf_tree\n"
    "    size: 40\n"
    "    params: {tau_syn_ex: 3 ms, V_th: {uniform: [-56 mV, -54 mV]}}\n"
    "    morphology: {capacitance: 1 uF/cm2, leak: 0.1 mS/cm2, E_L: -70 mV, resistivity: 100 ohm.cm, max_length: 60 "
    "um,\n"
    "      cylinders: [{length: 20 um, diameter: 20 um, name: soma},\n"
    "                  {parent: soma, length: 300 um, diameter: 2 um, name: stem},\n"
    "                  {parent: 1, length: 100 um, diameter: 1 um, name: twig}]}\n"
    "projections:\n"
    "  - {source: [jump, exp], target: [exp, alpha], rule: {fixed_indegree: 12},\n"
    "     weight: {normal: {mean: 120 pA, sd: 30 pA, min: 0 pA}}, delay: {uniform: [0.3 ms, 4 ms]}}\n"
    "  - {source: alpha, target: [exp, alpha], rule: {pairwise_bernoulli: 0.1}, weight: -150 pA, delay: 1.5 ms}\n"
    "  - {source: [exp, alpha], target: jump, rule: {fixed_total_number: 2000}, weight: 0.8 mV,\n"
    "     delay: {exponential: {mean: 3 ms, min: 0.3 ms}}}\n"
    "  - {source: jump, target: jump, rule: {fixed_outdegree: 10}, weight: -0.5 mV, delay: 2 ms}\n"
    "  - {source: jump, target: cell, rule: {fixed_indegree: 20}, weight: 0.2, delay: 0.5 ms}\n"
    "  - {source: [exp, alpha], target: tree, rule: {fixed_indegree: 15}, weight: 30 pA, delay: {uniform: [0.3 ms, 4 "
    "ms]},\n"
    "     port: \"stem[2]\"}\n"
    "  - {source: jump, target: tree, rule: {fixed_indegree: 8}, weight: -20 pA, delay: 0.7 ms, port: \"twig[1]\"}\n"
    "  - {source: tree, target: [exp, tree], rule: {fixed_indegree: 5}, weight: 20 pA, delay: 1 ms}\n"
    "  - {source: [jump, exp], target: [cond, adapt], rule: {fixed_indegree: 20}, weight: {uniform: [0 nS, 4 nS]},\n"
    "     delay: {uniform: [0.3 ms, 4 ms]}}\n"
    "  - {source: cond, target: [cond, adapt], rule: {fixed_indegree: 5}, weight: -3 nS, delay: 0.4 ms}\n"
    "  - {source: [cond, adapt], target: exp, rule: {fixed_indegree: 3}, weight: 40 pA, delay: 0.6 ms}\n"
    "inputs:\n"
    "  - {target: [cond, adapt], poisson: {rate: 1 kHz}, weight: 3 nS}\n"
    "  - {target: tree, poisson: {rate: 2 kHz}, weight: 12 pA}\n"
    "  - {target: jump, poisson: {rate: 9 kHz}, weight: 0.1 mV}\n"
    "  - {target: [exp, alpha], poisson: {rate: 4 kHz}, weight: 30 pA}\n"
    "  - {target: exp, current: {sine: {amplitude: 100 pA, frequency: 12 Hz}}}\n"
    "record:\n"
    "  traces:\n"
    "    - {name: v, population: exp, neurons: [0, 5, 129], variables: [V_m], interval: 0.25 ms}\n";

static const double duration = 200.0;

/* What a run hands over, as it comes. */
struct record {
  struct hk_spike *spikes;
  size_t spike_count, spike_room;
  double *samples;
  size_t sample_count, sample_room;
};

static void *grow(void *array, size_t *room, size_t needed, size_t size)
{
  if (needed <= *room)
    return array;
  *room = 2 * needed;
  array = realloc(array, *room * size);
  ck_assert_ptr_nonnull(array);
  return array;
}

static enum hk_status keep_spikes(void *context, const struct hk_spike *spikes, size_t count)
{
  struct record *record = context;
  record->spikes = grow(record->spikes, &record->spike_room, record->spike_count + count, sizeof *spikes);
  memcpy(record->spikes + record->spike_count, spikes, count * sizeof *spikes);
  record->spike_count += count;
  return HK_OK;
}

static enum hk_status keep_rows(void *context, size_t trace, uint64_t first, const double *rows, size_t row_count)
{
  struct record *record = context;
  ck_assert_uint_eq(trace, 0);
  ck_assert_uint_eq(first * 3, record->sample_count);
  record->samples = grow(record->samples, &record->sample_room, record->sample_count + 3 * row_count, sizeof *rows);
  memcpy(record->samples + record->sample_count, rows, 3 * row_count * sizeof *rows);
  record->sample_count += 3 * row_count;
  return HK_OK;
}

static void record_clear(struct record *record)
{
  free(record->spikes);
  free(record->samples);
}

static struct hk_config *read_network(void)
{
  char *folder = command_folder();
  FILE *file = command_create(folder, "bits.yaml");
  fputs(network_text, file);
  fclose(file);
  char *path = command_path(folder, "bits.yaml");
  struct hk_messages *messages = NULL;
  struct hk_config *config = NULL;
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
  enum hk_status status = hk_config_read(path, NULL, 0, &config, messages);
  for (size_t i = 0; i < hk_messages_count(messages); i++)
    printf("%s\n", hk_messages_get(messages, i).text);
  ck_assert_int_eq(status, HK_OK);
  hk_messages_destroy(messages);
  free(path);
  command_remove(folder);
  return config;
}

/* Runs to the end in steps of the given length. */
static struct record run(const struct hk_options *options, double step)
{
  struct hk_config *config = read_network();
  struct hk_simulation *sim = NULL;
  struct record record = {0};
  struct hk_sink sink = {.context = &record, .spikes = keep_spikes, .trace = keep_rows};
  ck_assert_int_eq(hk_simulation_create(hk_config_network(config), options, &sim, NULL), HK_OK);
  hk_config_destroy(config);
  hk_simulation_set_sink(sim, &sink);
  for (size_t i = 1; hk_simulation_time(sim) < duration; i++) {
    double until = (double)i * step;
    ck_assert_int_eq(hk_simulation_run(sim, until < duration ? until : duration), HK_OK);
  }
  hk_simulation_destroy(sim);
  return record;
}

static void same(const struct record *a, const struct record *b, const char *what)
{
  ck_assert_msg(a->spike_count == b->spike_count, "%s: %zu and %zu spikes", what, a->spike_count, b->spike_count);
  for (size_t i = 0; i < a->spike_count; i++) {
    const struct hk_spike *x = &a->spikes[i], *y = &b->spikes[i];
    ck_assert_msg(memcmp(&x->time, &y->time, sizeof x->time) == 0 && x->population == y->population &&
                      x->neuron == y->neuron,
                  "%s: spike %zu is (%.17g ms, %u, %u) and (%.17g ms, %u, %u)", what, i, x->time, x->population,
                  x->neuron, y->time, y->population, y->neuron);
  }
  ck_assert_msg(a->sample_count == b->sample_count, "%s: %zu and %zu samples", what, a->sample_count, b->sample_count);
  for (size_t i = 0; i < a->sample_count; i++)
    ck_assert_msg(memcmp(&a->samples[i], &b->samples[i], sizeof(double)) == 0, "%s: sample %zu is %.17g and %.17g",
                  what, i, a->samples[i], b->samples[i]);
}

static const struct {
  enum hk_scheduler scheduler;
  int shards;
} ways[] = {{HK_SCHEDULER_QUEUE, 0}, {HK_SCHEDULER_WINDOWS, 0}, {HK_SCHEDULER_WINDOWS, 7}};
enum { WAYS = sizeof ways / sizeof *ways };

START_TEST(same_bits)
{
  struct hk_options options = {.seed = 7, .threads = 1, .scheduler = ways[_i].scheduler, .shards = ways[_i].shards};
  struct record once = run(&options, duration);
  ck_assert_uint_gt(once.spike_count, 1000);
  size_t of_trees = 0;
  for (size_t i = 0; i < once.spike_count; i++)
    of_trees += once.spikes[i].population == 4;
  ck_assert_uint_gt(of_trees, 50);
  ck_assert_uint_eq(once.sample_count, 3 * 801);

  static const struct {
    int threads;
    double step;
    const char *what;
  } variants[] = {
      {1, 200.0, "run twice"},
      {1, 100.0, "in two pieces"},
      {1, 61.7, "in pieces of 61.7 ms"},
      {1, 0.3, "in pieces of 0.3 ms"},
      {1, 0.0917, "in pieces of 0.0917 ms"},
      {2, 200.0, "with 2 threads"},
      {3, 200.0, "with 3 threads"},
      {8, 7.3, "with 8 threads in pieces of 7.3 ms"},
  };
  for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
    options.threads = variants[i].threads;
    struct record again = run(&options, variants[i].step);
    same(&once, &again, variants[i].what);
    record_clear(&again);
  }
  record_clear(&once);
}
END_TEST

/* The test above must be able to tell: another seed gives other bits. */
START_TEST(another_seed)
{
  struct hk_options options = {.seed = 7, .scheduler = HK_SCHEDULER_QUEUE};
  struct record a = run(&options, duration);
  options.seed = 8;
  struct record b = run(&options, duration);
  ck_assert(a.spike_count != b.spike_count || memcmp(a.spikes, b.spikes, a.spike_count * sizeof *a.spikes) != 0);
  record_clear(&a);
  record_clear(&b);
}
END_TEST

/* Rounding differs between schedulers, and chaos makes it grow; before that they agree. */
START_TEST(schedulers_agree)
{
  struct hk_options options = {.seed = 7, .scheduler = HK_SCHEDULER_QUEUE};
  struct record queue = run(&options, duration);
  options.scheduler = HK_SCHEDULER_WINDOWS;
  struct record windows = run(&options, duration);
  size_t compared = 0;
  for (; compared < queue.spike_count && queue.spikes[compared].time < 60.0; compared++) {
    ck_assert_uint_lt(compared, windows.spike_count);
    ck_assert_double_eq_tol(queue.spikes[compared].time, windows.spikes[compared].time, 1e-9);
  }
  ck_assert_uint_gt(compared, 100);
  record_clear(&queue);
  record_clear(&windows);
}
END_TEST

/* The config that a run writes beside its spikes holds all that made them. */
START_TEST(resolved_config)
{
  const char *configs = getenv("HK_CONFIGS");
  ck_assert_ptr_nonnull(configs);
  char *folder = command_folder(), *config = command_path(configs, "microcircuit_tenth.yaml");
  command_run_well(folder, (const char *[]){"run", config, "-o", "first", "--progress", "none", "--duration", "30 ms",
                                            "--seed", "5", "--set", "populations.L4E.size=700", NULL});
  command_run_well(folder, (const char *[]){"run", "first/config.yaml", "-o", "second", "--progress", "none", NULL});
  size_t total = 0;
  for (int i = 0; i < 8; i++) {
    static const char *const names[] = {"L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"};
    struct command_spikes first = command_spikes(folder, "first", names[i]);
    struct command_spikes second = command_spikes(folder, "second", names[i]);
    ck_assert_uint_eq(first.count, second.count);
    ck_assert_mem_eq(first.times, second.times, first.count * sizeof *first.times);
    ck_assert_mem_eq(first.ids, second.ids, first.count * sizeof *first.ids);
    total += first.count;
    command_spikes_clear(&first);
    command_spikes_clear(&second);
  }
  ck_assert_uint_gt(total, 100);
  free(config);
  command_remove(folder);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("bits");
  TCase *tcase = tcase_create("bits");
  tcase_set_timeout(tcase, 120.0);
  tcase_add_loop_test(tcase, same_bits, 0, WAYS);
  tcase_add_test(tcase, another_seed);
  tcase_add_test(tcase, schedulers_agree);
  tcase_add_test(tcase, resolved_config);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
