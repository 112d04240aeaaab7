/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cortical microcircuit at a tenth of its size, as shipped: the activity of its eight populations against that of
 * other networks drawn from the same distributions (other seeds) under the queue scheduler; and the same bits with one
 * thread and with two. scripts/bench --science compares the full network with what was published. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <hillock/config.h>
#include <hillock/simulation.h>
#include <hillock/stats.h>
#include <hillock/view.h>

#include "command.h"
#include "suite.h"

enum { POPULATIONS = 8 };

/* ms: left out as the network settles; the end of the run */
static const double settled = 200.0, duration = 700.0;

/* Means over four networks, seeds 11 to 14, over the same stretch of time; spread: standard deviation between eight. At
 * a tenth of its size the network fires a little less than at full size, and half a second shortens the intervals that
 * can be seen. */
static const struct reference {
  const char *name;
  double rate, rate_spread; /* Hz */
  double cv, cv_spread;
} references[POPULATIONS] = {
    {"L23E", 0.464, 0.039, 0.460, 0.076}, {"L23I", 2.107, 0.046, 0.439, 0.029}, {"L4E", 3.945, 0.055, 0.462, 0.010},
    {"L4I", 5.002, 0.046, 0.483, 0.020},  {"L5E", 6.704, 0.221, 0.496, 0.017},  {"L5I", 7.759, 0.111, 0.512, 0.031},
    {"L6E", 0.866, 0.030, 0.438, 0.053},  {"L6I", 7.024, 0.063, 0.480, 0.013},
};

/* Of pairs within a population: the network is asynchronous, so that neurons have next to nothing in common. */
static const double largest_correlation = 0.1;

struct record {
  struct hk_spike *spikes;
  size_t count, room;
};

static enum hk_status keep(void *context, const struct hk_spike *spikes, size_t count)
{
  struct record *record = context;
  if (record->count + count > record->room) {
    record->room = 2 * (record->count + count);
    record->spikes = realloc(record->spikes, record->room * sizeof *spikes);
    ck_assert_ptr_nonnull(record->spikes);
  }
  memcpy(record->spikes + record->count, spikes, count * sizeof *spikes);
  record->count += count;
  return HK_OK;
}

static struct hk_config *microcircuit(void)
{
  const char *configs = getenv("HK_CONFIGS");
  ck_assert_ptr_nonnull(configs);
  char *path = command_path(configs, "microcircuit_tenth.yaml");
  struct hk_config *config;
  ck_assert_int_eq(hk_config_read(path, NULL, 0, &config, NULL), HK_OK);
  free(path);
  return config;
}

static struct record run(const struct hk_config *config, const struct hk_network *network, int threads)
{
  struct record record = {0};
  struct hk_simulation *sim;
  struct hk_options options = hk_config_options(config);
  options.threads = threads;
  ck_assert_int_eq(hk_simulation_create(network, &options, &sim, NULL), HK_OK);
  hk_simulation_set_sink(sim, &(struct hk_sink){.context = &record, .spikes = keep});
  ck_assert_int_eq(hk_simulation_run(sim, duration), HK_OK);
  struct hk_counts counts = hk_simulation_counts(sim);
  ck_assert_int_eq(counts.threads, threads);
  ck_assert_int_eq(counts.scheduler, HK_SCHEDULER_WINDOWS);
  hk_simulation_destroy(sim);
  return record;
}

/* --- same bits --- */

static void check_same_bits(const struct record *a, const struct record *b)
{
  ck_assert_uint_gt(a->count, 5000);
  ck_assert_uint_eq(a->count, b->count);
  for (size_t i = 0; i < a->count; i++) {
    ck_assert_msg(memcmp(&a->spikes[i].time, &b->spikes[i].time, sizeof(double)) == 0, "spike %zu: %.17g or %.17g ms",
                  i, a->spikes[i].time, b->spikes[i].time);
    ck_assert_uint_eq(a->spikes[i].population, b->spikes[i].population);
    ck_assert_uint_eq(a->spikes[i].neuron, b->spikes[i].neuron);
  }
}

/* --- activity --- */

/* Four spreads are wide enough for any seed and narrow enough to see a network that is not this one. */
static void check_near(const char *population, const char *what, double value, double expected, double spread)
{
  ck_assert_msg(fabs(value - expected) <= 4.0 * spread, "%s: %s %g, expected %g give or take %g", population, what,
                value, expected, 4.0 * spread);
}

static void check_population(const struct hk_population_stats *stats, const struct reference *of)
{
  printf("%-5s %6.3f Hz, %6.3f expected; CV %.3f, %.3f expected; correlation %.4f\n", of->name, stats->rate.mean,
         of->rate, stats->cv.mean, of->cv, stats->correlation);
  fflush(stdout);
  check_near(of->name, "rate in Hz", stats->rate.mean, of->rate, of->rate_spread);
  check_near(of->name, "CV", stats->cv.mean, of->cv, of->cv_spread);
  ck_assert_msg(fabs(stats->correlation) <= largest_correlation, "%s: correlation %g", of->name, stats->correlation);
}

static void check_activity(const struct hk_network *network, const struct record *record)
{
  double *times[POPULATIONS];
  uint64_t *ids[POPULATIONS];
  struct hk_spike_list lists[POPULATIONS];
  for (uint32_t p = 0; p < POPULATIONS; p++) {
    times[p] = calloc(record->count, sizeof *times[p]);
    ids[p] = calloc(record->count, sizeof *ids[p]);
    ck_assert(times[p] && ids[p]);
    uint64_t count = 0;
    for (size_t i = 0; i < record->count; i++)
      if (record->spikes[i].population == p) {
        times[p][count] = record->spikes[i].time;
        ids[p][count++] = record->spikes[i].neuron;
      }
    const struct hk_population_spec *spec = hk_network_population(network, p);
    ck_assert_str_eq(spec->name, references[p].name);
    lists[p] = (struct hk_spike_list){spec->name, spec->size, times[p], ids[p], count};
  }
  struct hk_selection selection = hk_selection_all();
  selection.from = settled;
  selection.to = duration;
  struct hk_stats_options options = hk_stats_options_default();
  struct hk_view *view;
  ck_assert_int_eq(hk_view_open_memory(lists, POPULATIONS, &selection, &view, NULL), HK_OK);
  for (size_t p = 0; p < POPULATIONS; p++) {
    struct hk_population_stats stats;
    ck_assert_int_eq(hk_stats_compute(view, p, &options, &stats, NULL), HK_OK);
    check_population(&stats, &references[p]);
    free(times[p]);
    free(ids[p]);
  }
  hk_view_close(view);
}

START_TEST(tenth_fires_as_it_should)
{
  struct hk_config *config = microcircuit();
  const struct hk_network *network = hk_config_network(config);
  ck_assert_uint_eq(hk_network_population_count(network), POPULATIONS);
  struct record one = run(config, network, 1), two = run(config, network, 2);
  check_same_bits(&one, &two);
  check_activity(network, &one);
  free(one.spikes);
  free(two.spikes);
  hk_config_destroy(config);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("microcircuit");
  TCase *tcase = tcase_create("tenth");
  tcase_set_timeout(tcase, 280.0);
  tcase_add_test(tcase, tenth_fires_as_it_should);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
