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

/* What a sink that asks for counts was told when its batches came. */
enum { BATCHES = 16 };
struct curious {
  const struct hk_simulation *sim;
  enum hk_status answer;
  uint64_t events[BATCHES];
  size_t batches, rows, rows_after;
};

static enum hk_status count_batch(void *context, const struct hk_spike *spikes, size_t count)
{
  struct curious *c = context;
  (void)spikes;
  (void)count;
  ck_assert_uint_lt(c->batches, BATCHES);
  const uint64_t events = hk_simulation_counts(c->sim).events;
  for (int again = 0; again < 1000; again++)
    ck_assert_uint_eq(hk_simulation_counts(c->sim).events, events);
  c->events[c->batches++] = events;
  return c->answer;
}

static enum hk_status count_rows(void *context, size_t trace, uint64_t first, const double *rows, size_t row_count)
{
  struct curious *c = context;
  (void)trace;
  (void)first;
  (void)rows;
  c->rows += row_count;
  c->rows_after += c->batches;
  return HK_OK;
}

/* Runs the large network, which is traced, for long enough to fill a batch. */
static enum hk_status ask(int threads, struct curious *c)
{
  static const uint32_t neuron = 7;
  static const char *const variable = "V_m";
  struct hk_network *network = large_network();
  struct hk_trace_spec trace = {
      .name = "t", .neurons = &neuron, .neuron_count = 1, .variables = &variable, .variable_count = 1, .interval = 0.1};
  struct hk_options options = {.seed = 5, .threads = threads, .scheduler = HK_SCHEDULER_WINDOWS};
  struct hk_simulation *sim;
  ck_assert_int_eq(hk_network_add_trace(network, &trace, NULL, NULL, NULL), HK_OK);
  ck_assert_int_eq(hk_simulation_create(network, &options, &sim, NULL), HK_OK);
  hk_network_destroy(network);
  c->sim = sim;
  hk_simulation_set_sink(sim, &(struct hk_sink){c, count_batch, count_rows});
  enum hk_status status = hk_simulation_run(sim, 100);
  hk_simulation_destroy(sim);
  return status;
}

/* Nobody works while the sink is called. */
START_TEST(counts_in_the_sink)
{
  struct curious one = {.answer = HK_OK}, more = one;
  ck_assert_int_eq(ask(1, &one), HK_OK);
  ck_assert_int_eq(ask(3, &more), HK_OK);
  ck_assert_uint_gt(one.batches, 1); /* the last is what was left when the run was over */
  ck_assert_uint_eq(one.batches, more.batches);
  ck_assert_uint_eq(one.rows, more.rows);
  for (size_t i = 0; i < one.batches; i++)
    ck_assert_uint_eq(one.events[i], more.events[i]);
}
END_TEST

/* What a sink returns ends the run. */
START_TEST(sink_that_fails)
{
  for (int threads = 1; threads <= 3; threads += 2) {
    struct curious c = {.answer = HK_ERR_IO};
    ck_assert_int_eq(ask(threads, &c), HK_ERR_IO);
    ck_assert_uint_eq(c.batches, 1);
    ck_assert_uint_gt(c.rows, 0);
    ck_assert_uint_eq(c.rows_after, 0);
  }
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
  tcase_add_test(tcase, counts_in_the_sink);
  tcase_add_test(tcase, sink_that_fails);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
