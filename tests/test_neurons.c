/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single neurons of every model against spike times computed by an independent integrator in extended precision, under
 * both schedulers; those of iaf_psc_exp also as trees of one compartment. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hillock/simulation.h>

#include "shared.h"
#include "solo.h"
#include "suite.h"

static json_t *cases;

/* The oracle's point neuron as a tree: the compartment holds what the tree's model has no parameter for. */
static void make_tree(const json_t *oracle, struct solo *solo, struct hk_setting *params, struct hk_compartment *soma)
{
  static const char *const own[] = {"C_m", "tau_m", "E_L"};
  const json_t *given = shared_member(oracle, "params");
  *soma = (struct hk_compartment){.C_m = shared_number(given, "C_m"), .E_L = shared_number(given, "E_L")};
  soma->g_L = soma->C_m / shared_number(given, "tau_m");
  solo->model = "iaf_tree";
  size_t kept = 0;
  for (size_t i = 0; i < solo->param_count; i++) {
    bool of_compartment = false;
    for (size_t k = 0; k < sizeof own / sizeof *own; k++)
      of_compartment |= strcmp(params[i].name, own[k]) == 0;
    if (!of_compartment)
      params[kept++] = params[i];
  }
  solo->param_count = kept;
}

static void check_case(const json_t *oracle, enum hk_scheduler scheduler, bool as_tree)
{
  struct hk_setting params[HK_PARAMS_MAX], init[HK_STATES_MAX];
  struct hk_compartment soma;
  struct hk_tree tree = {&soma, 1};
  struct solo solo = {.model = shared_text(oracle, "model"),
                      .params = params,
                      .init = init,
                      .duration = shared_number(oracle, "duration"),
                      .scheduler = scheduler};
  solo.param_count = shared_settings(oracle, "params", params, HK_PARAMS_MAX);
  solo.init_count = shared_settings(oracle, "init", init, HK_STATES_MAX);
  if (as_tree) {
    make_tree(oracle, &solo, params, &soma);
    solo.tree = &tree;
  }
  json_t *inputs = shared_member(oracle, "inputs"), *input;
  ck_assert_uint_le(json_array_size(inputs), SOLO_TRAINS_MAX);
  size_t i, expected_count;
  json_array_foreach(inputs, i, input)
  {
    solo.trains[i].times = shared_numbers(input, "times", &solo.trains[i].count);
    solo.trains[i].weight = shared_number(input, "weight");
    solo.trains[i].delay = shared_number(input, "delay");
  }
  solo.train_count = json_array_size(inputs);
  double *expected = shared_numbers(oracle, "spikes", &expected_count);
  double tolerance = shared_number(oracle, "tolerance_ms"), worst = 0;
  struct spike_list spikes = solo_run(&solo);
  ck_assert_msg(spikes.count == expected_count, "%zu spikes, %zu expected", spikes.count, expected_count);
  for (i = 0; i < spikes.count; i++)
    worst = fmax(worst, fabs(spikes.times[i] - expected[i]));
  printf("%-24s %-8s %3zu spikes, error %.1e ms of %.0e\n", shared_text(oracle, "name"),
         scheduler == HK_SCHEDULER_QUEUE ? "queue" : "windows", spikes.count, worst, tolerance);
  ck_assert(worst <= tolerance);
  for (i = 0; i < solo.train_count; i++)
    free(solo.trains[i].times);
  free(expected);
  free(spikes.times);
}

START_TEST(meets_the_oracle)
{
  const json_t *oracle = json_array_get(cases, (size_t)_i);
  bool has_tree = strcmp(shared_text(oracle, "model"), "iaf_psc_exp") == 0;
  for (int as_tree = 0; as_tree <= has_tree; as_tree++) {
    check_case(oracle, HK_SCHEDULER_QUEUE, as_tree);
    check_case(oracle, HK_SCHEDULER_WINDOWS, as_tree);
  }
}
END_TEST

int main(void)
{
  cases = shared_cases("oracles/neurons.json", "cases");
  if (!cases)
    return 77;
  Suite *suite = suite_create("neurons");
  TCase *tests = tcase_create("neurons");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, meets_the_oracle, 0, (int)json_array_size(cases));
  suite_add_tcase(suite, tests);
  int code = run_suite(suite);
  json_decref(cases);
  return code;
}
