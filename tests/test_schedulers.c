/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The schedulers against each other, and each against itself: pieces, repetition. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>

#include "random_network.h"
#include "suite.h"

enum { NETWORKS = 1000 };
static const double duration = 50;

START_TEST(windows_agree_with_queue)
{
  size_t spikes = 0;
  for (uint64_t number = 100 * (uint64_t)_i; number < 100 * (uint64_t)(_i + 1); number++) {
    struct hk_network *network = random_network(number);
    spikes += schedulers_agree(network, number, duration, 1e-7);
    hk_network_destroy(network);
  }
  ck_assert_uint_gt(spikes, 1000);
}
END_TEST

START_TEST(same_bits_in_pieces_and_again)
{
  enum hk_scheduler scheduler = _i == 0 ? HK_SCHEDULER_QUEUE : HK_SCHEDULER_WINDOWS;
  for (uint64_t number = 0; number < 60; number++) {
    struct hk_network *network = random_network(number);
    struct hk_options options = {.seed = number, .threads = 1, .scheduler = scheduler};
    struct recording whole = run_network(network, &options, duration, 1);
    struct recording again = run_network(network, &options, duration, 1);
    struct recording pieces = run_network(network, &options, duration, 7);
    assert_same(&whole, &again);
    assert_same(&whole, &pieces);
    recording_free(&whole);
    recording_free(&again);
    recording_free(&pieces);
    hk_network_destroy(network);
  }
}
END_TEST

/* What an interrupted run has handed over is what a run to where it stands gives. */
static size_t assert_whole_when_interrupted(const struct hk_network *network, const struct hk_options *options)
{
  static const size_t often[] = {1, 6, 40, SIZE_MAX};
  size_t stopped = 0;
  for (size_t i = 0; i < sizeof often / sizeof *often; i++) {
    double reached;
    struct recording part = interrupt_network(network, options, duration, often[i], &reached);
    struct recording whole = run_network(network, options, reached, 1);
    assert_same(&whole, &part);
    stopped += reached < duration;
    recording_free(&part);
    recording_free(&whole);
  }
  return stopped;
}

static const struct hk_options each_scheduler[] = {{.threads = 1, .scheduler = HK_SCHEDULER_QUEUE},
                                                   {.threads = 2, .scheduler = HK_SCHEDULER_WINDOWS},
                                                   {.grid = 0.074}};
enum { SCHEDULERS = sizeof each_scheduler / sizeof *each_scheduler };

START_TEST(interrupted_runs_are_whole)
{
  size_t stopped = 0;
  for (uint64_t number = 0; number < 30; number++) {
    struct hk_network *network = random_network(number);
    struct hk_options options = each_scheduler[_i];
    options.seed = number;
    stopped += assert_whole_when_interrupted(network, &options);
    hk_network_destroy(network);
  }
  ck_assert_uint_gt(stopped, 10);
}
END_TEST

/* Events, samples and the ends of windows at the same moments. */
START_TEST(interrupted_at_samples)
{
  enum { TICKS = 700 };
  const double tick = 0.074;
  double times[TICKS];
  const uint64_t offsets[] = {0, TICKS};
  for (int i = 0; i < TICKS; i++)
    times[i] = i * tick;
  struct hk_network *network;
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  struct hk_population_spec source = {.name = "clock", .model = "spike_source", .size = 1, .trains = {times, offsets}};
  struct hk_population_spec cells = {.name = "cells", .model = "iaf_psc_exp", .size = 2};
  struct hk_projection_spec all = {.target = 1,
                                   .rule = {.kind = HK_RULE_ALL_TO_ALL},
                                   .weight = hk_value_constant(50),
                                   .delay = hk_value_constant(tick)};
  struct hk_projection_spec among = all;
  among.source = 1;
  const char *variable = "V_m";
  struct hk_trace_spec trace = {"v", 1, (const uint32_t[]){0, 1}, 2, &variable, 1, tick};
  ck_assert_int_eq(hk_network_add_population(network, &source, NULL, NULL, NULL), HK_OK);
  ck_assert_int_eq(hk_network_add_population(network, &cells, NULL, NULL, NULL), HK_OK);
  ck_assert_int_eq(hk_network_add_projection(network, &all, NULL, NULL, NULL), HK_OK);
  ck_assert_int_eq(hk_network_add_projection(network, &among, NULL, NULL, NULL), HK_OK);
  ck_assert_int_eq(hk_network_add_trace(network, &trace, NULL, NULL, NULL), HK_OK);
  ck_assert_uint_ge(assert_whole_when_interrupted(network, &each_scheduler[_i]), 1);
  hk_network_destroy(network);
}
END_TEST

/* A population of n neurons in a ring of the given delay. */
static enum hk_scheduler chosen_for(uint64_t n, double delay, size_t *warnings)
{
  struct hk_network *network;
  struct hk_messages *messages;
  struct hk_simulation *sim;
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
  struct hk_population_spec neurons = {.name = "n", .model = "iaf_psc_exp", .size = n};
  struct hk_projection_spec ring = {.rule = {.kind = HK_RULE_ONE_TO_ONE, .allow_autapses = true},
                                    .weight = hk_value_constant(10),
                                    .delay = hk_value_constant(delay)};
  ck_assert_int_eq(hk_network_add_population(network, &neurons, NULL, NULL, messages), HK_OK);
  ck_assert_int_eq(hk_network_add_projection(network, &ring, NULL, NULL, messages), HK_OK);
  ck_assert_int_eq(hk_simulation_create(network, &(struct hk_options){.threads = 1}, &sim, messages), HK_OK);
  enum hk_scheduler chosen = hk_simulation_counts(sim).scheduler;
  *warnings = hk_messages_count(messages);
  hk_simulation_destroy(sim);
  hk_network_destroy(network);
  hk_messages_destroy(messages);
  return chosen;
}

START_TEST(tiny_delays_take_the_queue)
{
  size_t warnings;
  ck_assert_int_eq(chosen_for(1000, 1.0, &warnings), HK_SCHEDULER_WINDOWS);
  ck_assert_uint_eq(warnings, 0);
  ck_assert_int_eq(chosen_for(1000, 1e-6, &warnings), HK_SCHEDULER_QUEUE);
  ck_assert_uint_eq(warnings, 1);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("schedulers");
  TCase *tcase = tcase_create("schedulers");
  tcase_set_timeout(tcase, 240);
  tcase_add_loop_test(tcase, windows_agree_with_queue, 0, NETWORKS / 100);
  tcase_add_loop_test(tcase, same_bits_in_pieces_and_again, 0, 2);
  tcase_add_loop_test(tcase, interrupted_runs_are_whole, 0, SCHEDULERS);
  tcase_add_loop_test(tcase, interrupted_at_samples, 0, SCHEDULERS);
  tcase_add_test(tcase, tiny_delays_take_the_queue);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
