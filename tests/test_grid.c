/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time on a grid: what is rounded to it, pieces, what is refused, the command line. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "pairs.h"
#include "random_network.h"
#include "suite.h"

/* --- what arrives while a neuron is refractory --- */

/* Spikes of one iaf_psc_delta neuron onto which each event alone suffices, in steps. */
static size_t volley(const double *times, size_t count, double t_ref, double *spikes)
{
  struct hk_network *network = make_network();
  struct hk_setting params[] = {{"t_ref", hk_value_constant(t_ref)}};
  add_spec(network, &(struct hk_population_spec){
                        .name = "n", .model = "iaf_psc_delta", .size = 1, .params = params, .param_count = 1});
  uint64_t offsets[] = {0, count};
  add_spec(network,
           &(struct hk_population_spec){.name = "s", .model = "spike_source", .size = 1, .trains = {times, offsets}});
  struct pairs one = pairs_of(1);
  one.weights[0] = 100;
  one.delays[0] = 1;
  connect_pairs(network, 1, 0, &one);
  pairs_free(&one);
  struct recording found = run_network(network, &(struct hk_options){.grid = 0.25}, 20, 1);
  for (size_t i = 0; i < found.count; i++)
    spikes[i] = found.spikes[i].time;
  size_t spike_count = found.count;
  recording_free(&found);
  hk_network_destroy(network);
  return spike_count;
}

/* The period's last step, too, loses what arrives at its end. Times between grid points count as the next. */
START_TEST(refractory_counts_steps)
{
  static const double times[] = {0.0, 1.0, 1.9, 3.0, 3.01, 8.0};
  double spikes[6];
  ck_assert_uint_eq(volley(times, 6, 1.0, spikes), 4); /* 1.0 is lost, 1.9 (2.0) taken, 3.0 lost, 3.25 taken */
  ck_assert(spikes[0] == 1.0 && spikes[1] == 3.0 && spikes[2] == 4.25 && spikes[3] == 9.0);
  ck_assert_uint_eq(volley(times, 6, 0.1, spikes), 6); /* less than half a step is none */
  ck_assert(spikes[0] == 1.0 && spikes[1] == 2.0 && spikes[2] == 3.0 && spikes[3] == 4.0 && spikes[4] == 4.25);
}
END_TEST

/* --- Poisson: the trains of exact time, each spike at the next grid point --- */

START_TEST(poisson)
{
  struct hk_network *network = make_network();
  struct hk_setting rate = {"rate", hk_value_constant(900)};
  add_spec(network,
           &(struct hk_population_spec){.name = "p", .model = "poisson", .size = 2, .params = &rate, .param_count = 1});
  ck_assert_int_eq(hk_network_record_spikes(network, 0, true), HK_OK);
  struct hk_options options = {.seed = 5};
  struct recording exact = run_network(network, &options, 300, 1);
  options.grid = 0.5;
  struct recording grid = run_network(network, &options, 300, 1);
  size_t counts[2][2] = {{0}};
  ck_assert_uint_eq(exact.count, grid.count);
  ck_assert_uint_gt(exact.count, 300);
  double *times[2] = {allocate(exact.count, sizeof(double)), allocate(exact.count, sizeof(double))};
  for (size_t i = 0; i < exact.count; i++)
    times[exact.spikes[i].neuron][counts[0][exact.spikes[i].neuron]++] = ceil(exact.spikes[i].time * 2) / 2;
  for (size_t i = 0; i < grid.count; i++) {
    uint32_t neuron = grid.spikes[i].neuron;
    ck_assert_double_eq(grid.spikes[i].time, times[neuron][counts[1][neuron]++]);
  }
  free(times[0]);
  free(times[1]);
  recording_free(&exact);
  recording_free(&grid);
  hk_network_destroy(network);
}
END_TEST

/* Private input onto a potential that forgets nothing: the sum of weights, step for step, in both ways of time. */
START_TEST(private_poisson)
{
  struct hk_network *network = make_network();
  struct hk_setting params[] = {{"tau_m", hk_value_constant(1e15)}, {"V_th", hk_value_constant(1e9)}};
  add_spec(network, &(struct hk_population_spec){
                        .name = "n", .model = "iaf_psc_delta", .size = 2, .params = params, .param_count = 2});
  struct hk_input_spec input = {.kind = HK_INPUT_POISSON,
                                .rate = hk_value_constant(5000),
                                .weight = hk_value_constant(1),
                                .from = 10.2,
                                .to = 80};
  ck_assert_int_eq(hk_network_add_input(network, &input, NULL, NULL, NULL), HK_OK);
  static const uint32_t neurons[] = {0, 1};
  static const char *const variables[] = {"V_m"};
  struct hk_trace_spec trace = {"v", 0, neurons, 2, variables, 1, 0.5};
  ck_assert_int_eq(hk_network_add_trace(network, &trace, NULL, NULL, NULL), HK_OK);
  struct hk_options options = {.seed = 5};
  struct recording exact = run_network(network, &options, 100, 1);
  options.grid = 0.5;
  struct recording grid = run_network(network, &options, 100, 1);
  ck_assert_uint_eq(exact.value_count, grid.value_count);
  ck_assert_double_gt(grid.rows[grid.value_count - 1], 200);
  for (size_t i = 0; i < exact.value_count; i++)
    ck_assert_double_eq_tol(exact.rows[i], grid.rows[i], 1e-6);
  recording_free(&exact);
  recording_free(&grid);
  hk_network_destroy(network);
}
END_TEST

/* --- a tree of one compartment is a point neuron --- */

static struct recording run_point_or_tree(bool tree, double t_ref)
{
  struct hk_compartment soma = {.C_m = 250, .g_L = 25, .E_L = -70};
  struct hk_tree shape = {&soma, 1};
  struct hk_setting params[] = {{"I_e", hk_value_constant(300)}, {"t_ref", hk_value_constant(t_ref)}};
  struct hk_network *network = make_network();
  add_spec(network, &(struct hk_population_spec){.name = "n",
                                                 .model = tree ? "iaf_tree" : "iaf_psc_exp",
                                                 .size = 2,
                                                 .params = params,
                                                 .param_count = 2,
                                                 .tree = tree ? &shape : NULL});
  struct hk_input_spec input = {.kind = HK_INPUT_POISSON,
                                .rate = hk_value_constant(800),
                                .weight = hk_value_constant(300),
                                .port = tree ? "soma" : NULL,
                                .to = INFINITY};
  ck_assert_int_eq(hk_network_add_input(network, &input, NULL, NULL, NULL), HK_OK);
  struct recording found = run_network(network, &(struct hk_options){.seed = 2, .grid = 0.1}, 500, 1);
  hk_network_destroy(network);
  return found;
}

START_TEST(trees)
{
  static const double t_refs[] = {2.0, 0.1, 0.04, 0.0};
  struct recording point = run_point_or_tree(false, t_refs[_i]), tree = run_point_or_tree(true, t_refs[_i]);
  ck_assert_uint_gt(point.count, 30);
  ck_assert_uint_eq(point.count, tree.count);
  for (size_t i = 0; i < point.count; i++)
    ck_assert(point.spikes[i].time == tree.spikes[i].time && point.spikes[i].neuron == tree.spikes[i].neuron);
  recording_free(&point);
  recording_free(&tree);
}
END_TEST

/* --- pieces --- */

/* A trace of random_network is taken each 0.37 ms. */
START_TEST(same_bits_in_pieces)
{
  size_t spikes = 0;
  for (uint64_t number = 0; number < 40; number++) {
    struct hk_network *network = random_network(number);
    struct hk_options options = {.seed = number, .grid = number % 2 ? 0.037 : 0.37};
    struct recording whole = run_network(network, &options, 50, 1);
    options.threads = 3;
    struct recording pieces = run_network(network, &options, 50, 17);
    assert_same(&whole, &pieces);
    for (size_t i = 0; i < whole.count; i++) {
      double steps = whole.spikes[i].time / options.grid;
      ck_assert_double_eq_tol(steps, round(steps), 1e-9);
    }
    spikes += whole.count;
    recording_free(&whole);
    recording_free(&pieces);
    hk_network_destroy(network);
  }
  ck_assert_uint_gt(spikes, 1000);
}
END_TEST

/* --- what is refused --- */

static void refused(const struct hk_network *network, const struct hk_options *options, const char *const *parts)
{
  struct hk_messages *messages;
  struct hk_simulation *sim = NULL;
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
  ck_assert_int_eq(hk_simulation_create(network, options, &sim, messages), HK_ERR_INPUT);
  ck_assert_ptr_null(sim);
  ck_assert_uint_eq(hk_messages_errors(messages), 1);
  const char *text = hk_messages_get(messages, 0).text;
  for (; *parts; parts++)
    ck_assert_msg(strstr(text, *parts), "`%s` is not in: %s", *parts, text);
  hk_messages_destroy(messages);
}

START_TEST(wrong_grids)
{
  struct hk_network *network = random_network(3);
  const double grids[] = {-0.1, NAN, INFINITY};
  for (size_t i = 0; i < 3; i++)
    refused(network, &(struct hk_options){.grid = grids[i]}, (const char *[]){"time grid", "positive", NULL});
  refused(network, &(struct hk_options){.grid = 0.1}, (const char *[]){"trace `v`", "0.37 ms", "0.4 ms", NULL});
  refused(network, &(struct hk_options){.grid = 0.74}, (const char *[]){"trace `v`", "0.74 ms", NULL});
  refused(network, &(struct hk_options){.grid = 0.37, .scheduler = HK_SCHEDULER_QUEUE},
          (const char *[]){"`queue`", "`auto`", NULL});
  refused(network, &(struct hk_options){.grid = 0.37, .scheduler = HK_SCHEDULER_WINDOWS},
          (const char *[]){"`windows`", "`auto`", NULL});
  refused(network, &(struct hk_options){.scheduler = HK_SCHEDULER_GRID}, (const char *[]){"`grid`", "exact", NULL});
  hk_network_destroy(network);
}
END_TEST

START_TEST(models_not_linear)
{
  for (size_t m = 0; m < hk_model_count(); m++) {
    const struct hk_model *model = hk_model_at(m);
    if (model->kind != HK_MODEL_NONLINEAR)
      continue;
    struct hk_network *network = make_network();
    add_spec(network, &(struct hk_population_spec){.name = "them", .model = model->name, .size = 1});
    refused(network, &(struct hk_options){.grid = 0.1}, (const char *[]){"`them`", model->name, "exact", NULL});
    hk_network_destroy(network);
  }
}
END_TEST

/* --- from the command line --- */

static void write_config(const char *folder, const char *interval)
{
  FILE *file = command_create(folder, "net.yaml");
  fprintf(file,
          "simulation: {duration: 50 ms, time: {grid: 0.1 ms}}\n"
          "populations:\n  a: {model: iaf_psc_exp, size: 3, params: {I_e: 500 pA}}\n"
          "record:\n  traces:\n"
          "    - {name: v, population: a, neurons: [0], variables: [V_m], interval: %s}\n",
          interval);
  fclose(file);
}

START_TEST(commands)
{
  char *folder = command_folder();
  write_config(folder, "0.5 ms");
  command_run_well(folder, (const char *[]){"run", "net.yaml", "-o", "out", "--progress", "none", NULL});
  struct command_spikes spikes = command_spikes(folder, "out", "a");
  ck_assert_uint_gt(spikes.count, 6);
  for (size_t i = 0; i < spikes.count; i++)
    ck_assert_double_eq(spikes.times[i], round(spikes.times[i] * 10) / 10);
  command_spikes_clear(&spikes);
  write_config(folder, "0.25 ms");
  ck_assert_int_eq(command_run(folder, (const char *[]){"run", "net.yaml", "-o", "not", "--progress", "none", NULL}),
                   2);
  char *text = command_text(folder, "stderr"), *missing = command_path(folder, "not");
  ck_assert_ptr_nonnull(strstr(text, "multiple"));
  FILE *none = fopen(missing, "r");
  ck_assert_ptr_null(none);
  free(text);
  free(missing);
  command_remove(folder);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("grid");
  TCase *tests = tcase_create("grid");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, refractory_counts_steps);
  tcase_add_test(tests, poisson);
  tcase_add_test(tests, private_poisson);
  tcase_add_loop_test(tests, trees, 0, 4);
  tcase_add_test(tests, same_bits_in_pieces);
  tcase_add_test(tests, wrong_grids);
  tcase_add_test(tests, models_not_linear);
  tcase_add_test(tests, commands);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
