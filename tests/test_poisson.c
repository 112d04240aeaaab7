/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Poisson trains drawn from bins: their statistics, their parts against the whole, and what they do to neurons under
 * both schedulers. */
#include <check.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "core/rain.h"
#include "core/shard.h"
#include "core/train.h"
#include "random_network.h"
#include "suite.h"

static const double rates[] = {1e-6, 0.0031, 1, 12.8, 23.5, 23.6, 1e3, 7e5}; /* 1/ms */
enum { RATES = sizeof rates / sizeof *rates };

static struct hk__train train_of(double rate, uint32_t number, double from, double to)
{
  struct hk__train train = {.rate = hk__poisson_rate_of(rate), .number = number, .from = from, .end = to};
  train.bin = hk__poisson_bin_at(&train.rate, from);
  hk__poisson_init(&train.group, 11, HK__FOR_INPUT, 3);
  return train;
}

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The probability that n sorted numbers, uniform in [0, 1], lie as far from evenly as they do: Kolmogorov and Smirnov.
 */
static double evenness(const double *x, size_t n)
{
  double distance = 0, root = sqrt((double)n), sum = 0;
  for (size_t i = 0; i < n; i++)
    distance = fmax(distance, fmax((double)(i + 1) / (double)n - x[i], x[i] - (double)i / (double)n));
  double z = (root + 0.12 + 0.11 / root) * distance;
  for (int k = 1; k < 100; k++)
    sum += (k % 2 ? 2 : -2) * exp(-2 * k * k * z * z);
  return z < 0.2 ? 1 : sum;
}

/* Intervals are exponential, those that reach over several bins included, and one tells nothing of the next. */
START_TEST(exponential_intervals)
{
  enum { COUNT = 100000 };
  double *x = malloc(COUNT * sizeof *x), last = 0, product = 0;
  ck_assert_ptr_nonnull(x);
  struct hk__train train = train_of(rates[_i], 5, 0, INFINITY);
  for (size_t i = 0; i < COUNT; i++) {
    double time = hk__train_next(&train);
    ck_assert_double_ge(time, last);
    x[i] = 1 - exp(-rates[_i] * (time - last));
    product += i > 0 ? (x[i] - 0.5) * (x[i - 1] - 0.5) : 0;
    last = time;
  }
  ck_assert(fabs(product / COUNT * 12) < 4.5 / sqrt(COUNT));
  qsort(x, COUNT, sizeof *x, ascending);
  ck_assert(evenness(x, COUNT) > 1e-4);
  free(x);
}
END_TEST

/* The number in a bin is a Poisson number: chi-square over many bins and trains. */
START_TEST(poisson_numbers)
{
  enum { TRAINS = 40, BINS = 5000, MOST = 8 };
  struct hk__poisson_rate rate = hk__poisson_rate_of(rates[_i]);
  ck_assert(rate.mean > 1.17 && rate.mean <= 2.35);
  double seen[MOST + 1] = {0}, time[HK__POISSON_MOST], chi = 0, p = exp(-rate.mean), rest = 1;
  struct hk__poisson group;
  hk__poisson_init(&group, 5, HK__FOR_INPUT, 1);
  for (uint32_t train = 0; train < TRAINS; train++)
    for (uint64_t bin = 0; bin < BINS; bin++) {
      unsigned count = hk__poisson_bin(&group, train, &rate, bin, time);
      seen[count < MOST ? count : MOST]++;
    }
  for (int k = 0; k <= MOST; k++) {
    double expected = (k < MOST ? p : rest) * TRAINS * BINS;
    chi += (seen[k] - expected) * (seen[k] - expected) / expected;
    rest -= p;
    p *= rate.mean / (k + 1);
  }
  ck_assert(gsl_cdf_chisq_Q(chi, MOST) > 1e-4);
}
END_TEST

/* The numbers of neighbouring trains and bins tell nothing of each other. */
START_TEST(trains_and_bins_apart)
{
  enum { TRAINS = 300, BINS = 1000 };
  static double number[TRAINS][BINS];
  struct hk__poisson_rate rate = hk__poisson_rate_of(rates[_i]);
  struct hk__poisson group;
  double time[HK__POISSON_MOST], along = 0, across = 0;
  hk__poisson_init(&group, 8, HK__FOR_INPUT, 2);
  for (uint32_t train = 0; train < TRAINS; train++)
    for (uint64_t bin = 0; bin < BINS; bin++)
      number[train][bin] = hk__poisson_bin(&group, train, &rate, bin, time) - rate.mean;
  for (size_t train = 1; train < TRAINS; train++)
    for (size_t bin = 1; bin < BINS; bin++) {
      along += number[train][bin] * number[train][bin - 1];
      across += number[train][bin] * number[train - 1][bin];
    }
  double sd = rate.mean * sqrt((TRAINS - 1.0) * (BINS - 1.0));
  ck_assert(fabs(along) < 4.5 * sd);
  ck_assert(fabs(across) < 4.5 * sd);
  /* all trains together, as a population of neurons feels them */
  double squares = 0;
  for (size_t bin = 0; bin < BINS; bin++) {
    double sum = 0;
    for (size_t train = 0; train < TRAINS; train++)
      sum += number[train][bin];
    squares += sum * sum;
  }
  ck_assert(fabs(squares / (TRAINS * rate.mean) / BINS - 1) < 4.5 * sqrt(2.0 / BINS));
}
END_TEST

/* In a bin, spikes are uniform, and so are the 20 lowest bits of their times; all lie inside, early and late in a long
 * run. */
START_TEST(uniform_in_their_bin)
{
  enum { COUNT = 100000 };
  static double x[COUNT], low[COUNT];
  struct hk__poisson_rate rate = hk__poisson_rate_of(20);
  struct hk__poisson group;
  hk__poisson_init(&group, 6, HK__FOR_INPUT, 1);
  double time[HK__POISSON_MOST];
  size_t n = 0;
  for (uint64_t bin = 0; n < COUNT; bin++) {
    unsigned count = hk__poisson_bin(&group, 2, &rate, bin % 2 ? bin << 16 : 0, time);
    if (bin % 2 == 0)
      count = hk__poisson_bin(&group, (uint32_t)bin, &rate, 0, time);
    for (unsigned i = 0; i < count; i++) {
      double start = bin % 2 ? hk__poisson_start(&rate, bin << 16) : 0;
      double end = bin % 2 ? hk__poisson_start(&rate, (bin << 16) + 1) : rate.bin;
      ck_assert(time[i] >= start && time[i] < end);
      if (bin % 2 == 0 && n < COUNT) {
        x[n] = time[i] / rate.bin;
        low[n] = ldexp(x[n], 32) - floor(ldexp(x[n], 32));
        n++;
      }
    }
  }
  qsort(x, COUNT, sizeof *x, ascending);
  qsort(low, COUNT, sizeof *low, ascending);
  ck_assert(evenness(x, COUNT) > 1e-4);
  ck_assert(evenness(low, COUNT) > 1e-4);
}
END_TEST

/* Where a time lies in relation to its bin, at bins' ends above all. */
START_TEST(bins_hold_their_times)
{
  struct hk__poisson_rate rate = hk__poisson_rate_of(rates[_i]);
  for (uint64_t bin = 0; bin < 1u << 20; bin += 1 + bin / 7) {
    double start = hk__poisson_start(&rate, bin), end = hk__poisson_start(&rate, bin + 1);
    ck_assert_uint_eq(hk__poisson_bin_at(&rate, start), bin);
    ck_assert_uint_eq(hk__poisson_bin_at(&rate, nextafter(end, 0)), bin);
    ck_assert_uint_eq(hk__poisson_bin_at(&rate, end), bin + 1);
  }
}
END_TEST

/* An input that begins later or ends earlier leaves the rest of a train as it is. */
START_TEST(begins_and_ends)
{
  struct hk__train whole = train_of(rates[_i], 9, 0, INFINITY);
  double from = 3.3 / rates[_i], to = 40.7 / rates[_i], time;
  struct hk__train part = train_of(rates[_i], 9, from, to);
  while ((time = hk__train_next(&whole)) < to)
    if (time >= from)
      ck_assert_double_eq(hk__train_next(&part), time);
  ck_assert(hk__train_next(&part) == INFINITY);
  ck_assert(hk__train_next(&part) == INFINITY);
}
END_TEST

START_TEST(silent)
{
  static const double none[] = {0, 1e-300};
  for (int i = 0; i < 2; i++) {
    struct hk__train train = train_of(none[i], 1, 0, INFINITY);
    ck_assert(hk__train_next(&train) == INFINITY);
  }
}
END_TEST

/* --- in networks --- */

/* The linker puts this in front of hk__rain_falls: it counts windows of drives, and those in which rain fell. */
static size_t windows_asked, windows_of_rain;

bool __real_hk__rain_falls(struct hk__drive *drive, const struct hk__shard_state *shard,
                           const struct hk__window *window, const struct hk__response *response);
bool __wrap_hk__rain_falls(struct hk__drive *drive, const struct hk__shard_state *shard,
                           const struct hk__window *window, const struct hk__response *response);

bool __wrap_hk__rain_falls(struct hk__drive *drive, const struct hk__shard_state *shard,
                           const struct hk__window *window, const struct hk__response *response)
{
  const bool falls = __real_hk__rain_falls(drive, shard, window, response);
  windows_asked++;
  windows_of_rain += falls;
  return falls;
}

/* Fails unless it rained as in so many parts of the windows since the last call, at least or at most. */
static void assert_rain(const char *what, double least, double most)
{
  const double share = (double)windows_of_rain / (double)(windows_asked > 0 ? windows_asked : 1);
  ck_assert_msg(share >= least && share <= most, "%s: rain in %zu of %zu windows", what, windows_of_rain,
                windows_asked);
  windows_of_rain = windows_asked = 0;
}

static const struct {
  const char *what, *model;
  double rate[2], weight[2]; /* from .. to: Hz; mV, pA or nS */
  double from, to, delay;    /* delay: of a synapse between neurons, which limits windows */
  bool few;                  /* of the neurons */
  bool rain;                 /* windows are bins */
} drives[] = {
    {"one rate", "iaf_psc_exp", {12800, 12800}, {87.8, 87.8}, 0, INFINITY, 0.1, false, true},
    {"both signs at a port", "iaf_psc_delta", {13000, 13000}, {-0.1, 0.3}, 0, INFINITY, 0.1, false, true},
    {"one state", "iaf_psc_delta", {13000, 13000}, {0.12, 0.12}, 0, INFINITY, 0.1, false, true},
    {"five states", "iaf_psc_alpha", {13000, 13000}, {40, 40}, 0, INFINITY, 0.1, false, true},
    {"bins of eight tenths", "iaf_psc_exp", {1500, 1500}, {115, 115}, 0, INFINITY, 0.8, false, true},
    {"one rate, windows across bins", "iaf_psc_exp", {12800, 12800}, {87.8, 87.8}, 0, INFINITY, 0.19, false, false},
    {"long windows", "iaf_psc_alpha", {20000, 20000}, {50, 50}, 0, INFINITY, 5, false, false},
    {"seldom", "iaf_psc_delta", {3, 3}, {16, 16}, 0, INFINITY, 1.5, false, false},
    {"now and then", "iaf_psc_delta", {700, 700}, {1.9, 1.9}, 0, INFINITY, 0.2, false, false},
    {"incessant", "iaf_psc_delta", {3e5, 3e5}, {8e-3, 8e-3}, 0, INFINITY, 0.5, false, false},
    {"some of the neurons", "iaf_psc_exp", {9000, 9000}, {110, 110}, 0, INFINITY, 0.1, true, false},
    {"for a time", "iaf_psc_exp", {15000, 15000}, {90, 90}, 17.03, 38.71, 0.1, false, false},
    {"for a moment", "iaf_psc_exp", {15000, 15000}, {900, 900}, 0.31, 1.17, 0.1, false, false},
    {"drawn weights", "iaf_psc_exp", {9000, 9000}, {-20, 250}, 0, INFINITY, 0.1, false, false},
    {"drawn rates", "iaf_psc_exp", {0, 20000}, {95, 95}, 10, INFINITY, 0.1, false, false},
    {"drawn rates of few lengths of bins", "iaf_psc_exp", {12000, 30000}, {60, 60}, 0, INFINITY, 0.1, false, false},
    {"drawn rates, weights of both signs", "iaf_psc_exp", {0, 20000}, {-60, 250}, 0, INFINITY, 0.1, false, false},
    {"since before the start", "iaf_psc_exp", {12000, 12000}, {90, 90}, -5, INFINITY, 0.1, false, false},
    {"never", "iaf_psc_exp", {12000, 12000}, {90, 90}, 1e23, INFINITY, 0.1, false, false},
    {"silent", "iaf_psc_exp", {0, 0}, {95, 95}, 0, INFINITY, 0.1, false, false},
    {"conductances", "iaf_cond_exp", {3000, 3000}, {12, 12}, 5, INFINITY, 0.3, false, false},
};
enum { DRIVES = sizeof drives / sizeof *drives, NEURONS = 300 };

/* To these nothing happens. As they are in the same shard, those who are looked at with care are few enough that
 * windows stay as long as bins. */
enum { BYSTANDERS = 2500 };

static struct hk_value between(const double *ends)
{
  return ends[0] == ends[1] ? hk_value_constant(ends[0]) : hk_value_uniform(ends[0], ends[1]);
}

static struct hk_network *driven(size_t number, uint32_t *neurons)
{
  struct hk_network *network;
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  struct hk_population_spec cells = {.name = "cells", .model = drives[number].model, .size = NEURONS};
  ck_assert_int_eq(hk_network_add_population(network, &cells, NULL, NULL, NULL), HK_OK);
  struct hk_population_spec others = {.name = "others", .model = drives[number].model, .size = BYSTANDERS};
  ck_assert_int_eq(hk_network_add_population(network, &others, NULL, NULL, NULL), HK_OK);
  struct hk_projection_spec among = {.rule = {.kind = HK_RULE_FIXED_OUTDEGREE, .number = 3},
                                     .weight = hk_value_constant(1e-3),
                                     .delay = hk_value_constant(drives[number].delay)};
  ck_assert_int_eq(hk_network_add_projection(network, &among, NULL, NULL, NULL), HK_OK);
  for (uint32_t i = 0; i < NEURONS / 3; i++)
    neurons[i] = 2 * i + 5;
  struct hk_input_spec input = {.kind = HK_INPUT_POISSON,
                                .rate = between(drives[number].rate),
                                .weight = between(drives[number].weight),
                                .neurons = drives[number].few ? neurons : NULL,
                                .neuron_count = drives[number].few ? NEURONS / 3 : 0,
                                .from = drives[number].from,
                                .to = drives[number].to};
  ck_assert_int_eq(hk_network_add_input(network, &input, NULL, NULL, NULL), HK_OK);
  return network;
}

static uint64_t events_of(const struct hk_network *network, enum hk_scheduler scheduler, double duration)
{
  struct hk_options options = {.seed = 4, .threads = 1, .scheduler = scheduler};
  struct hk_simulation *sim;
  ck_assert_int_eq(hk_simulation_create(network, &options, &sim, NULL), HK_OK);
  ck_assert_int_eq(hk_simulation_run(sim, duration), HK_OK);
  uint64_t events = hk_simulation_counts(sim).events;
  hk_simulation_destroy(sim);
  return events;
}

/* Windows take the spikes that the queue takes; each scheduler counts the same events, but windows reach beyond the
 * end. */
START_TEST(windows_take_the_same)
{
  static const double duration = 50;
  static uint32_t neurons[NEURONS];
  struct hk_network *network = driven((size_t)_i, neurons);
  size_t spikes = schedulers_agree(network, 4, duration, 1e-9);
  assert_rain(drives[_i].what, drives[_i].rain ? 0.9 : 0, 1);
  if (drives[_i].rate[1] > 0 && drives[_i].from < duration)
    ck_assert_msg(spikes > NEURONS / 10, "%s: %zu spikes", drives[_i].what, spikes);
  else
    ck_assert_uint_eq(spikes, 0);
  uint64_t queue = events_of(network, HK_SCHEDULER_QUEUE, duration);
  uint64_t windows = events_of(network, HK_SCHEDULER_WINDOWS, duration);
  ck_assert_uint_ge(windows, queue);
  ck_assert_double_le((double)windows, 1.05 * (double)queue + 100);
  hk_network_destroy(network);
}
END_TEST

/* Inputs to some of a shard's neurons, of which some spike in every window, and one that seldom does. */
START_TEST(parts_of_a_shard)
{
  static const struct {
    uint32_t population;
    double rate, weight, from;
  } inputs[] = {{0, 13000, 20, 0}, {0, 300, 400, 0}, {2, 15000, 20, 0.5}, {2, 11900, -5, 12.03}};
  static const uint32_t sizes[] = {37, 6, 291, BYSTANDERS};
  static const char *const names[] = {"a", "b", "c", "others"};
  struct hk_network *network;
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  for (int i = 0; i < 4; i++) {
    struct hk_population_spec cells = {.name = names[i], .model = "iaf_psc_exp", .size = sizes[i]};
    ck_assert_int_eq(hk_network_add_population(network, &cells, NULL, NULL, NULL), HK_OK);
  }
  for (uint32_t i = 0; i < 3; i++) {
    struct hk_projection_spec among = {.source = i,
                                       .target = 2 - i,
                                       .rule = {.kind = HK_RULE_FIXED_OUTDEGREE, .number = 3},
                                       .weight = hk_value_constant(40),
                                       .delay = hk_value_constant(0.1)};
    ck_assert_int_eq(hk_network_add_projection(network, &among, NULL, NULL, NULL), HK_OK);
  }
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
    struct hk_input_spec input = {.kind = HK_INPUT_POISSON,
                                  .target = inputs[i].population,
                                  .rate = hk_value_constant(inputs[i].rate),
                                  .weight = hk_value_constant(inputs[i].weight),
                                  .from = inputs[i].from,
                                  .to = INFINITY};
    ck_assert_int_eq(hk_network_add_input(network, &input, NULL, NULL, NULL), HK_OK);
  }
  ck_assert_uint_gt(schedulers_agree(network, 6, 60, 1e-9), 100);
  assert_rain("parts of a shard", 0.65, 1);
  hk_network_destroy(network);
}
END_TEST

/* Currents switch where windows end, but for rounding, and elsewhere: windows go on as bins. */
START_TEST(rain_and_switches)
{
  static const double times[][3] = {{0.3, 0.7, 20.3}, {10.05, 33.1, 41}, {0.04, 0.06, 31.7}};
  static const double pA[] = {120, -60, 30};
  static uint32_t neurons[NEURONS];
  struct hk_network *network = driven(0, neurons);
  struct hk_input_spec input = {
      .kind = HK_INPUT_STEPS, .times = times[_i], .amplitudes = pA, .step_count = 3, .to = INFINITY};
  ck_assert_int_eq(hk_network_add_input(network, &input, NULL, NULL, NULL), HK_OK);
  ck_assert_uint_gt(schedulers_agree(network, 4, 50, 1e-9), NEURONS / 10);
  assert_rain("switches", 0.98, 1);
  hk_network_destroy(network);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("poisson");
  TCase *tcase = tcase_create("poisson");
  tcase_set_timeout(tcase, 120);
  tcase_add_loop_test(tcase, exponential_intervals, 0, RATES);
  tcase_add_loop_test(tcase, poisson_numbers, 0, RATES);
  tcase_add_loop_test(tcase, trains_and_bins_apart, 0, RATES);
  tcase_add_test(tcase, uniform_in_their_bin);
  tcase_add_loop_test(tcase, bins_hold_their_times, 0, RATES);
  tcase_add_loop_test(tcase, begins_and_ends, 0, RATES);
  tcase_add_test(tcase, silent);
  tcase_add_loop_test(tcase, windows_take_the_same, 0, DRIVES);
  tcase_add_test(tcase, parts_of_a_shard);
  tcase_add_loop_test(tcase, rain_and_switches, 0, 3);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
