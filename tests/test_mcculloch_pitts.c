/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mcculloch_pitts: the step of a weighted sum, event by event. Each test under both schedulers. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "solo.h"
#include "suite.h"

enum { INPUTS = 4, VOLLEYS = 1 << INPUTS };
static const double window = 10, spacing = 25, delay = 0.5;
static const enum hk_scheduler schedulers[] = {HK_SCHEDULER_QUEUE, HK_SCHEDULER_WINDOWS};

static unsigned long long rng;

static double draw(double low, double high)
{
  rng = rng * 6364136223846793005u + 1442695040888963407u;
  return low + (high - low) * ((double)(rng >> 11) * 0x1p-53);
}

static struct spike_list run(const struct solo_train *trains, size_t count, double theta, double duration,
                             enum hk_scheduler scheduler)
{
  struct hk_setting params[] = {{"theta", hk_value_constant(theta)}, {"window", hk_value_constant(window)}};
  struct solo solo = {.model = "mcculloch_pitts",
                      .params = params,
                      .param_count = 2,
                      .train_count = count,
                      .duration = duration,
                      .scheduler = scheduler};
  memcpy(solo.trains, trains, count * sizeof *trains);
  return solo_run(&solo);
}

/* Volley v switches on the inputs whose bits v has, all at one moment. */
static void check_table(const double *weight, double theta, enum hk_scheduler scheduler)
{
  struct solo_train trains[INPUTS] = {{0}};
  double times[INPUTS][VOLLEYS];
  for (unsigned i = 0; i < INPUTS; i++) {
    trains[i] = (struct solo_train){times[i], 0, weight[i], delay, NULL};
    for (unsigned v = 0; v < VOLLEYS; v++)
      if (v >> i & 1u)
        times[i][trains[i].count++] = 1 + spacing * v;
  }
  struct spike_list list = run(trains, INPUTS, theta, spacing * (VOLLEYS + 1), scheduler);
  size_t next = 0;
  for (unsigned v = 0; v < VOLLEYS; v++) {
    double sum = 0;
    for (unsigned i = 0; i < INPUTS; i++)
      sum += v >> i & 1u ? weight[i] : 0;
    bool fires = next < list.count && fabs(list.times[next] - (1 + spacing * v + delay)) < 1e-9;
    ck_assert_msg(fires == (sum >= theta), "volley %u: sum %g, threshold %g", v, sum, theta);
    next += fires;
  }
  ck_assert_uint_eq(next, list.count);
  free(list.times);
}

START_TEST(truth_tables)
{
  static const struct {
    double weight[INPUTS], theta;
  } gates[] = {
      {{1, 1, 1, 1}, 4},       /* and */
      {{1, 1, 1, 1}, 1},       /* or */
      {{1, 1, 1, 1}, 3},       /* majority */
      {{1, -1, 0.5, -0.5}, 1}, /* and not */
      {{2, 2, -1, -1}, 2},
  };
  for (size_t k = 0; k < sizeof gates / sizeof *gates; k++)
    check_table(gates[k].weight, gates[k].theta, schedulers[_i]);
  rng = 3;
  for (int k = 0; k < 20; k++) {
    double weight[INPUTS];
    for (int i = 0; i < INPUTS; i++)
      weight[i] = draw(-1, 2);
    check_table(weight, draw(0.1, 3), schedulers[_i]);
  }
}
END_TEST

/* What arrives at one moment counts as one: no order of it makes the unit fire on a part of the sum. */
START_TEST(one_moment_is_one_sum)
{
  for (int order = 0; order < 2; order++)
    for (int enough = 0; enough < 2; enough++) {
      double at[] = {4}, weight[] = {2, enough ? -0.5 : -1};
      struct solo_train trains[] = {{at, 1, weight[order], delay, NULL}, {at, 1, weight[!order], delay, NULL}};
      struct spike_list list = run(trains, 2, 1.5, 20, schedulers[_i]);
      ck_assert_uint_eq(list.count, enough ? 1 : 0);
      free(list.times);
    }
}
END_TEST

struct event {
  double time, weight;
};

static int by_time(const void *a, const void *b)
{
  const struct event *x = a, *y = b;
  return (x->time > y->time) - (x->time < y->time);
}

/* The unit by its definition: walks a sorted list, returns the number of spikes. */
static size_t naive(const struct event *events, size_t count, double theta, double *times)
{
  double began = -INFINITY, sum = 0;
  bool up = false;
  size_t spikes = 0;
  for (size_t i = 0; i < count;) {
    double now = events[i].time;
    if (now - began >= window) {
      began = now;
      sum = 0;
      up = false;
    }
    for (; i < count && events[i].time == now; i++)
      sum += events[i].weight;
    if (!up && sum >= theta) {
      up = true;
      times[spikes++] = now;
    }
  }
  return spikes;
}

/* Events spread over time, some at equal ones. */
START_TEST(spread_events)
{
  enum { PER_TRAIN = 60, EVENTS = INPUTS * PER_TRAIN };
  size_t total = 0;
  for (unsigned number = 0; number < 30; number++) {
    rng = 100 + number;
    struct solo_train trains[INPUTS] = {{0}};
    struct event events[EVENTS];
    double times[INPUTS][PER_TRAIN], expected[EVENTS], duration = draw(200, 2000);
    for (size_t i = 0; i < INPUTS; i++) {
      trains[i] = (struct solo_train){times[i], PER_TRAIN, draw(-1, 2), delay, NULL};
      for (size_t k = 0; k < PER_TRAIN; k++) {
        double slot = (duration - 10) / PER_TRAIN, share = i > 0 && draw(0, 1) < 0.3 ? 0.5 : draw(0, 1);
        times[i][k] = slot * ((double)k + share);
        events[i * PER_TRAIN + k] = (struct event){times[i][k] + delay, trains[i].weight};
      }
    }
    qsort(events, EVENTS, sizeof *events, by_time);
    double theta = draw(0.2, 3);
    size_t spikes = naive(events, EVENTS, theta, expected);
    struct spike_list list = run(trains, INPUTS, theta, duration, schedulers[_i]);
    ck_assert_uint_eq(list.count, spikes);
    for (size_t k = 0; k < spikes; k++)
      ck_assert_double_eq_tol(list.times[k], expected[k], 1e-9);
    total += spikes;
    free(list.times);
  }
  ck_assert_uint_gt(total, 300);
}
END_TEST

/* A volley lasts `window` from its first input, itself excluded; the unit fires once in it. */
START_TEST(volleys_begin_and_end)
{
  static const struct {
    double times[4];
    size_t count, spikes;
  } cases[] = {
      {{1, 2, 3, 4}, 4, 1},          /* up since the second */
      {{1, 10.875, 20, 20.5}, 4, 2}, /* the last two are a volley of their own */
      {{1, 11, 12, 12.5}, 4, 1},     /* the second begins a volley */
      {{1, 11, 21, 31}, 4, 0},       /* each is alone */
      {{1, 1.5, 11, 11.5}, 4, 2},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    double times[4];
    memcpy(times, cases[k].times, sizeof times);
    struct solo_train train = {times, cases[k].count, 1, delay, NULL};
    struct spike_list list = run(&train, 1, 2, 60, schedulers[_i]);
    ck_assert_msg(list.count == cases[k].spikes, "case %zu: %zu spikes", k, list.count);
    free(list.times);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("mcculloch_pitts");
  TCase *tcase = tcase_create("mcculloch_pitts");
  tcase_set_timeout(tcase, 60);
  tcase_add_loop_test(tcase, truth_tables, 0, 2);
  tcase_add_loop_test(tcase, one_moment_is_one_sum, 0, 2);
  tcase_add_loop_test(tcase, spread_events, 0, 2);
  tcase_add_loop_test(tcase, volleys_begin_and_end, 0, 2);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
