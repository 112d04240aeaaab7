/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statistics against closed forms and against a naive version that sees all spikes at once; what a view repairs. */
#include <hillock/stats.h>

#include <check.h>
#include <string.h>

#include "suite.h"
#include "trains.h"
#include "view/sorter.h"

static struct hk_messages *messages;
static struct train train;

static void setup(void)
{
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
}

static void teardown(void)
{
  hk_messages_destroy(messages);
  train_clear(&train);
}

static struct hk_view *open_train(uint64_t size, double to)
{
  static struct hk_spike_list list;
  list = train_list(&train, "exc", size);
  struct hk_selection selection = hk_selection_all();
  selection.to = to;
  struct hk_view *view = NULL;
  ck_assert_int_eq(hk_view_open_memory(&list, 1, &selection, &view, messages), HK_OK);
  return view;
}

static struct hk_population_stats compute(uint64_t size, double to, const struct hk_stats_options *options)
{
  struct hk_view *view = open_train(size, to);
  struct hk_population_stats stats;
  ck_assert_int_eq(hk_stats_compute(view, 0, options, &stats, messages), HK_OK);
  hk_view_close(view);
  return stats;
}

START_TEST(regular_trains)
{
  for (uint64_t id = 0; id < 10; id++)
    for (int k = 0; k < 400; k++)
      train_add(&train, 5 * k + 2.5, id);
  struct hk_population_stats stats = compute(20, 2000, NULL);
  ck_assert_uint_eq(stats.spikes, 4000);
  ck_assert_uint_eq(stats.active, 10);
  ck_assert_double_eq_tol(stats.rate.mean, 100, 1e-9);
  ck_assert_double_eq_tol(stats.rate.sd, 100 * sqrt(20.0 / 19), 1e-9); /* half of the neurons at 0, half at 200 Hz */
  ck_assert_double_eq_tol(stats.cv.mean, 0, 1e-9);
  ck_assert_uint_eq(stats.cv.count, 10);
  ck_assert_double_eq_tol(stats.lv.mean, 0, 1e-12);
  ck_assert_double_eq_tol(stats.fano.mean, 0, 1e-12);
  ck_assert_uint_eq(stats.sampled, 20);
  ck_assert_uint_eq(stats.pairs, 0); /* each neuron has one spike in every bin: no variance, no correlation */
  ck_assert(isnan(stats.correlation));
}
END_TEST

/* Gamma intervals of order k: CV = 1 / sqrt(k), LV = 3 / (2k + 1), Fano factor of long windows 1 / k. */
START_TEST(gamma_trains)
{
  const int orders[] = {1, 2, 4, 16};
  int order = orders[_i];
  uint64_t state = 7 + (uint64_t)_i;
  for (uint64_t id = 0; id < 100; id++)
    train_add_gamma(&train, id, order, 10, 30000, &state);
  struct hk_stats_options options = hk_stats_options_default();
  options.fano_window = 1000;
  struct hk_population_stats stats = compute(100, 30000, &options);
  /* 100 neurons of 3000 intervals: the standard errors are near 0.002 */
  ck_assert_double_eq_tol(stats.rate.mean, 100, 1);
  ck_assert_double_eq_tol(stats.cv.mean, 1 / sqrt(order), 0.01);
  ck_assert_double_eq_tol(stats.lv.mean, 3.0 / (2 * order + 1), 0.01);
  /* n windows, variance by n: biased by (n - 1) / n; a spread of 26 % per neuron */
  ck_assert_double_eq_tol(stats.fano.mean, 1.0 / order * 29 / 30, 0.08 / order + 0.01);
  ck_assert_double_eq_tol(stats.correlation, 0, 0.005);
  ck_assert_uint_eq(stats.pairs, 4950);
  if (order == 1)
    ck_assert_double_eq_tol(stats.synchrony, 1, 0.06);
}
END_TEST

START_TEST(all_together)
{
  struct train one = {0};
  uint64_t state = 5;
  train_add_gamma(&one, 0, 1, 20, 20000, &state);
  for (uint64_t id = 0; id < 30; id++)
    for (size_t i = 0; i < one.count; i++)
      train_add(&train, one.times[i], id);
  train_clear(&one);
  struct hk_population_stats stats = compute(30, 20000, NULL);
  ck_assert_double_eq_tol(stats.correlation, 1, 1e-9);
  ck_assert_double_eq_tol(stats.synchrony, 30, 2);
}
END_TEST

/* --- the naive version: one neuron's times in order, everything by definition --- */

static double variance(const double *values, size_t count, double *mean)
{
  double sum = 0, squares = 0;
  for (size_t i = 0; i < count; i++)
    sum += values[i];
  *mean = sum / (double)count;
  for (size_t i = 0; i < count; i++)
    squares += (values[i] - *mean) * (values[i] - *mean);
  return squares / (double)count;
}

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static size_t times_of(uint64_t id, double *times)
{
  size_t count = 0;
  for (size_t i = 0; i < train.count; i++)
    if (train.ids[i] == id)
      times[count++] = train.times[i];
  qsort(times, count, sizeof *times, ascending);
  return count;
}

static void histogram(const double *times, size_t count, double bin, double *counts, size_t bins)
{
  memset(counts, 0, bins * sizeof *counts);
  for (size_t i = 0; i < count; i++)
    if ((size_t)(times[i] / bin) < bins)
      counts[(size_t)(times[i] / bin)]++;
}

enum { NEURONS = 12 };
static const double span = 997;

static void check_naively(const struct hk_population_stats *stats, const struct hk_stats_options *options)
{
  double times[4096], gaps[4096], counts[4096], bins[NEURONS][4096], all[4096] = {0};
  double cv = 0, lv = 0, fano = 0, mean, correlation = 0;
  size_t with_cv = 0, with_fano = 0, pairs = 0;
  size_t windows = (size_t)(span / options->fano_window), bin_count = (size_t)(span / options->correlation_bin);
  size_t synchrony_bins = (size_t)(span / options->synchrony_bin);
  for (uint64_t id = 0; id < NEURONS; id++) {
    size_t count = times_of(id, times);
    for (size_t i = 1; i < count; i++)
      gaps[i - 1] = times[i] - times[i - 1];
    if (count >= 3) {
      double deviation = sqrt(variance(gaps, count - 1, &mean)), sum = 0;
      cv += deviation / mean;
      with_cv++;
      for (size_t i = 1; i + 1 < count; i++)
        sum += pow((gaps[i - 1] - gaps[i]) / (gaps[i - 1] + gaps[i]), 2);
      lv += 3 * sum / (double)(count - 2);
    }
    histogram(times, count, options->fano_window, counts, windows);
    double spread = variance(counts, windows, &mean);
    if (mean > 0) {
      fano += spread / mean;
      with_fano++;
    }
    histogram(times, count, options->correlation_bin, bins[id], bin_count);
    histogram(times, count, options->synchrony_bin, counts, synchrony_bins);
    for (size_t i = 0; i < synchrony_bins; i++)
      all[i] += counts[i];
  }
  for (size_t a = 0; a < NEURONS; a++)
    for (size_t b = 0; b < a; b++) {
      double mean_a, mean_b, across = 0;
      double spread = variance(bins[a], bin_count, &mean_a) * variance(bins[b], bin_count, &mean_b);
      for (size_t i = 0; i < bin_count; i++)
        across += (bins[a][i] - mean_a) * (bins[b][i] - mean_b) / (double)bin_count;
      if (spread > 0) {
        correlation += across / sqrt(spread);
        pairs++;
      }
    }
  double synchrony = variance(all, synchrony_bins, &mean) / mean;
  ck_assert_uint_eq(stats->cv.count, with_cv);
  ck_assert_double_eq_tol(stats->cv.mean, cv / (double)with_cv, 1e-10);
  ck_assert_double_eq_tol(stats->lv.mean, lv / (double)with_cv, 1e-10);
  ck_assert_uint_eq(stats->fano.count, with_fano);
  ck_assert_double_eq_tol(stats->fano.mean, fano / (double)with_fano, 1e-10);
  ck_assert_uint_eq(stats->pairs, pairs);
  ck_assert_double_eq_tol(stats->correlation, correlation / (double)pairs, 1e-10);
  ck_assert_double_eq_tol(stats->synchrony, synchrony, 1e-10);
}

START_TEST(naive)
{
  uint64_t state = 100 + (uint64_t)_i;
  double common[4096];
  size_t shared = 0;
  for (double time = 0; (time -= 15 * log(draw_uniform(&state))) < span; shared++)
    common[shared] = time;
  for (uint64_t id = 0; id + 1 < NEURONS; id++) { /* the last one is silent, the first spikes once */
    for (size_t i = 0; id > 0 && i < shared; i++)
      if (draw_uniform(&state) < 0.3)
        train_add(&train, common[i] + draw_uniform(&state), id);
    train_add_gamma(&train, id, 1 + (int)(id % 3), id == 0 ? 600 : 40, span, &state);
  }
  struct hk_stats_options options = {37 + 10 * _i, 5, 200, 3.5};
  struct hk_population_stats stats = compute(NEURONS, span, &options);
  check_naively(&stats, &options);
}
END_TEST

START_TEST(nothing_defined)
{
  struct hk_population_stats stats = compute(5, 100, NULL);
  ck_assert_double_eq(stats.rate.mean, 0);
  ck_assert(isnan(stats.cv.mean) && isnan(stats.lv.mean) && isnan(stats.fano.mean));
  ck_assert(isnan(stats.correlation) && isnan(stats.synchrony));
  train_add(&train, 0, 0); /* a span of no length */
  stats = compute(1, 0, NULL);
  ck_assert_uint_eq(stats.spikes, 1);
  ck_assert(isnan(stats.rate.mean));
  train_add(&train, 7, 0); /* three spikes at one time */
  train_add(&train, 7, 0);
  train_add(&train, 7, 0);
  stats = compute(1, 10, NULL);
  ck_assert(isfinite(stats.cv.mean) && isfinite(stats.lv.mean));
}
END_TEST

START_TEST(repairs)
{
  train_add(&train, 30, 1);
  train_add(&train, NAN, 1);
  train_add(&train, -1, 1);
  train_add(&train, INFINITY, 0);
  train_add(&train, 10, 1);
  train_add(&train, 20, 99);
  train_add(&train, 21, UINT64_MAX);
  train_add(&train, 20, 1);
  struct hk_population_stats stats = compute(5, NAN, NULL);
  ck_assert_uint_eq(stats.spikes, 3);
  ck_assert_double_eq_tol(stats.cv.mean, 0, 1e-12); /* in order: 10, 20, 30 */
  ck_assert_uint_eq(hk_messages_count(messages), 2);
  ck_assert_ptr_nonnull(strstr(hk_messages_get(messages, 0).text, "3 spikes of `exc` are at times"));
  ck_assert_ptr_nonnull(strstr(hk_messages_get(messages, 1).text, "2 spikes of `exc` have ids of 5 or more"));
}
END_TEST

START_TEST(stray_id)
{
  train_add(&train, 1, 1);
  train_add(&train, 2, (uint64_t)1 << 40);
  struct hk_view *view = open_train(0, NAN);
  struct hk_population_stats stats;
  ck_assert_uint_eq(hk_view_population(view, 0).size, ((uint64_t)1 << 40) + 1);
  ck_assert(!hk_view_population(view, 0).size_stated);
  ck_assert_int_eq(hk_stats_compute(view, 0, NULL, &stats, messages), HK_ERR_INPUT);
  hk_view_close(view);
}
END_TEST

START_TEST(selecting)
{
  for (uint64_t id = 0; id < 100; id++)
    for (int k = 0; k < 10; k++)
      train_add(&train, k, id);
  struct hk_spike_list list = train_list(&train, "exc", 100);
  struct hk_id_range ranges[] = {{90, 200}, {3, 5}, {5, 8}, {9, 9}};
  struct hk_selection selection = hk_selection_all();
  selection.from = 2;
  selection.to = 4;
  selection.neurons = ranges;
  selection.neuron_range_count = 4;
  struct hk_view *view = NULL;
  struct hk_population_stats stats;
  ck_assert_int_eq(hk_view_open_memory(&list, 1, &selection, &view, messages), HK_OK);
  ck_assert_uint_eq(hk_view_population(view, 0).rows, 17);
  ck_assert_uint_eq(hk_view_id(view, 0, 0), 3);
  ck_assert_uint_eq(hk_view_id(view, 0, 6), 9);
  ck_assert_uint_eq(hk_view_id(view, 0, 7), 90);
  ck_assert_uint_eq(hk_view_id(view, 0, 16), 99);
  ck_assert_int_eq(hk_stats_compute(view, 0, NULL, &stats, messages), HK_OK);
  ck_assert_uint_eq(stats.spikes, 17 * 3);
  ck_assert_uint_eq(stats.neurons, 17);
  hk_view_close(view);
}
END_TEST

/* What lies beyond the recording is nothing, which is said. */
START_TEST(empty_selections)
{
  for (int k = 0; k < 10; k++)
    train_add(&train, k, 7);
  struct hk_spike_list list = train_list(&train, "exc", 100);
  struct hk_id_range beyond = {500, 600};
  struct hk_selection all = hk_selection_all(), empty[2] = {all, all};
  empty[0].from = 50;
  empty[1].neurons = &beyond;
  empty[1].neuron_range_count = 1;
  const char *const told[] = {"from 50 ms on: the recording ends at 9 ms",
                              "from 500 on are asked for, there are 0 to 99"};
  for (size_t i = 0; i < 2; i++) {
    struct hk_view *view = NULL;
    hk_messages_clear(messages);
    ck_assert_int_eq(hk_view_open_memory(&list, 1, &empty[i], &view, messages), HK_OK);
    ck_assert_uint_eq(hk_messages_count(messages), 1);
    ck_assert_ptr_nonnull(strstr(hk_messages_get(messages, 0).text, told[i]));
    hk_view_close(view);
  }
}
END_TEST

START_TEST(bad_selections)
{
  struct hk_spike_list list = train_list(&train, "exc", 100);
  const char *name = "inh";
  struct hk_id_range backwards = {5, 3};
  struct hk_population_size size = {"inh", 5};
  struct hk_selection all = hk_selection_all(), bad[6] = {all, all, all, all, all, all};
  bad[0].populations = &name;
  bad[0].population_count = 1;
  bad[1].neurons = &backwards;
  bad[1].neuron_range_count = 1;
  bad[2].sizes = &size;
  bad[2].size_count = 1;
  bad[3].from = -1;
  bad[4].from = 10;
  bad[4].to = 5;
  bad[5].to = INFINITY;
  for (size_t i = 0; i < 6; i++) {
    struct hk_view *view = NULL;
    hk_messages_clear(messages);
    ck_assert_int_eq(hk_view_open_memory(&list, 1, &bad[i], &view, messages), HK_ERR_INPUT);
    ck_assert_uint_eq(hk_messages_errors(messages), 1);
  }
}
END_TEST

/* Runs of all lengths, from one spike to all of them. */
START_TEST(sorting)
{
  const size_t lengths[] = {32, 33, 100, 999, 1000, 5000};
  uint64_t state = 3, ids[1000], got_ids[64];
  double times[1000], got[64], before = -1;
  uint64_t id_before = 0;
  struct hk__sorter *sorter = NULL;
  ck_assert_int_eq(hk__sorter_create(lengths[_i], &sorter), HK_OK);
  double sum = 0, got_sum = 0;
  for (size_t i = 0; i < 1000; i++) {
    times[i] = floor(100 * draw_uniform(&state));
    ids[i] = (uint64_t)(1000 * draw_uniform(&state));
    sum += times[i] * 1000 + (double)ids[i];
    ck_assert_int_eq(hk__sorter_add(sorter, times[i], ids[i]), HK_OK);
  }
  ck_assert_int_eq(hk__sorter_finish(sorter), HK_OK);
  size_t total = 0, count = 0;
  do {
    ck_assert_int_eq(hk__sorter_next(sorter, 64, got, got_ids, &count), HK_OK);
    for (size_t i = 0; i < count; i++) {
      ck_assert(got[i] > before || (got[i] == before && got_ids[i] >= id_before));
      before = got[i];
      id_before = got_ids[i];
      got_sum += got[i] * 1000 + (double)got_ids[i];
    }
    total += count;
  } while (count > 0);
  ck_assert_uint_eq(total, 1000);
  ck_assert_double_eq(sum, got_sum);
  hk__sorter_destroy(sorter);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("stats");
  TCase *cases = tcase_create("stats");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_add_test(cases, regular_trains);
  tcase_add_loop_test(cases, gamma_trains, 0, 4);
  tcase_add_test(cases, all_together);
  tcase_add_loop_test(cases, naive, 0, 5);
  tcase_add_test(cases, nothing_defined);
  tcase_add_test(cases, repairs);
  tcase_add_test(cases, stray_id);
  tcase_add_test(cases, selecting);
  tcase_add_test(cases, empty_selections);
  tcase_add_test(cases, bad_selections);
  tcase_add_loop_test(cases, sorting, 0, 6);
  suite_add_tcase(suite, cases);
  return run_suite(suite);
}
