/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The windowed scheduler gives the same bits for any number of threads. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/scheduler.h"
#include "core/widest.h"
#include "random_network.h"
#include "suite.h"

enum { NETWORKS = 25 };
static const double duration = 30;

START_TEST(same_bits_for_any_threads)
{
  static const int threads[] = {2, 3, 8};
  for (uint64_t number = 0; number < NETWORKS; number++) {
    struct hk_network *network = random_network(number);
    struct hk_options options = {.seed = number, .threads = 1, .scheduler = HK_SCHEDULER_WINDOWS};
    struct recording one = run_network(network, &options, duration, 1);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
      options.threads = threads[i];
      struct recording more = run_network(network, &options, duration, 3);
      assert_same(&one, &more);
      recording_free(&more);
    }
    recording_free(&one);
    hk_network_destroy(network);
  }
}
END_TEST

/* Loops for the widest vectors that the processor has, and for those that the library asks for. */
START_TEST(same_bits_for_any_width)
{
  for (uint64_t number = 0; number < NETWORKS; number++) {
    struct hk_network *network = random_network(number);
    struct hk_options options = {.seed = number, .threads = 1, .scheduler = HK_SCHEDULER_WINDOWS};
    struct recording widest = run_network(network, &options, duration, 1);
    hk__widest_vectors = false;
    struct recording plain = run_network(network, &options, duration, 1);
    hk__widest_vectors = true;
    assert_same(&widest, &plain);
    recording_free(&plain);
    recording_free(&widest);
    hk_network_destroy(network);
  }
}
END_TEST

/* A shard of so many neurons that indices need all of their bits, under more trains than go side by side. */
static struct hk_network *large_network(void)
{
  struct hk_network *network;
  size_t a;
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  struct hk_population_spec population = {.name = "a", .model = "iaf_psc_exp", .size = 3000};
  struct hk_projection_spec projection = {
      .rule = {.kind = HK_RULE_FIXED_INDEGREE, .number = 30, .allow_multapses = true},
      .weight = hk_value_normal(40, 4, 0, INFINITY),
      .delay = hk_value_normal(1.5, 0.75, 0.1, INFINITY)};
  struct hk_input_spec noise = {
      .kind = HK_INPUT_POISSON, .to = INFINITY, .rate = hk_value_constant(3000), .weight = hk_value_constant(88)};
  ck_assert_int_eq(hk_network_add_population(network, &population, &a, NULL, NULL), HK_OK);
  projection.source = projection.target = noise.target = a;
  ck_assert_int_eq(hk_network_add_projection(network, &projection, NULL, NULL, NULL), HK_OK);
  ck_assert_int_eq(hk_network_add_input(network, &noise, NULL, NULL, NULL), HK_OK);
  return network;
}

START_TEST(large_shards)
{
  struct hk_network *network = large_network();
  struct hk_options options = {.seed = 5, .threads = 1, .scheduler = HK_SCHEDULER_WINDOWS};
  struct recording widest = run_network(network, &options, duration, 1);
  ck_assert_uint_gt(widest.count, 1000);
  hk__widest_vectors = false;
  struct recording plain = run_network(network, &options, duration, 1);
  hk__widest_vectors = true;
  assert_same(&widest, &plain);
  options.threads = 3;
  struct recording threads = run_network(network, &options, duration, 3);
  assert_same(&widest, &threads);
  options.scheduler = HK_SCHEDULER_QUEUE;
  struct recording queue = run_network(network, &options, duration, 1);
  ck_assert_double_gt(agree_until(&widest, &queue, 1e-9), 25);
  recording_free(&queue);
  recording_free(&threads);
  recording_free(&plain);
  recording_free(&widest);
  hk_network_destroy(network);
}
END_TEST

int main(void)
{
  hk__windows_share_little = true;
  Suite *suite = suite_create("threads");
  TCase *tcase = tcase_create("threads");
  tcase_set_timeout(tcase, 240);
  tcase_add_test(tcase, same_bits_for_any_threads);
  tcase_add_test(tcase, same_bits_for_any_width);
  tcase_add_test(tcase, large_shards);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
