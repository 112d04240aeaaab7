/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single neurons of every model against spike times computed by an independent integrator in extended precision, under
 * both schedulers; those of iaf_psc_exp also as trees of one compartment. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hillock/simulation.h>

#include "solo.h"

static json_t *oracles;
static size_t case_count;

static size_t settings_of(json_t *object, struct hk_setting *settings)
{
  size_t n = 0;
  const char *name;
  json_t *value;
  json_object_foreach(object, name, value) settings[n++] =
      (struct hk_setting){name, hk_value_constant(json_number_value(value))};
  return n;
}

static double *numbers_of(json_t *array, size_t *count)
{
  *count = json_array_size(array);
  double *numbers = malloc((*count + 1) * sizeof *numbers);
  for (size_t i = 0; i < *count; i++)
    numbers[i] = json_number_value(json_array_get(array, i));
  return numbers;
}

static double parameter(json_t *oracle, const char *name)
{
  return json_number_value(json_object_get(json_object_get(oracle, "params"), name));
}

/* The oracle's point neuron as a tree: the compartment holds what the tree's model has no parameter for. */
static void make_tree(json_t *oracle, struct solo *solo, struct hk_setting *params, struct hk_compartment *soma)
{
  static const char *const own[] = {"C_m", "tau_m", "E_L"};
  *soma = (struct hk_compartment){.C_m = parameter(oracle, "C_m"), .E_L = parameter(oracle, "E_L")};
  soma->g_L = soma->C_m / parameter(oracle, "tau_m");
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

static void check_case(json_t *oracle, enum hk_scheduler scheduler, bool as_tree)
{
  struct hk_setting params[HK_PARAMS_MAX], init[HK_STATES_MAX];
  struct hk_compartment soma;
  struct hk_tree tree = {&soma, 1};
  struct solo solo = {.model = json_string_value(json_object_get(oracle, "model")),
                      .params = params,
                      .init = init,
                      .duration = json_number_value(json_object_get(oracle, "duration")),
                      .scheduler = scheduler};
  solo.param_count = settings_of(json_object_get(oracle, "params"), params);
  solo.init_count = settings_of(json_object_get(oracle, "init"), init);
  if (as_tree) {
    make_tree(oracle, &solo, params, &soma);
    solo.tree = &tree;
  }
  json_t *inputs = json_object_get(oracle, "inputs"), *input;
  size_t i, expected_count;
  json_array_foreach(inputs, i, input)
  {
    solo.trains[i].times = numbers_of(json_object_get(input, "times"), &solo.trains[i].count);
    solo.trains[i].weight = json_number_value(json_object_get(input, "weight"));
    solo.trains[i].delay = json_number_value(json_object_get(input, "delay"));
  }
  solo.train_count = json_array_size(inputs);
  double *expected = numbers_of(json_object_get(oracle, "spikes"), &expected_count);
  double tolerance = json_number_value(json_object_get(oracle, "tolerance_ms")), worst = 0;
  struct spike_list spikes = solo_run(&solo);
  ck_assert_msg(spikes.count == expected_count, "%zu spikes, %zu expected", spikes.count, expected_count);
  for (i = 0; i < spikes.count; i++)
    worst = fmax(worst, fabs(spikes.times[i] - expected[i]));
  printf("%-24s %-8s %3zu spikes, error %.1e ms of %.0e\n", json_string_value(json_object_get(oracle, "name")),
         scheduler == HK_SCHEDULER_QUEUE ? "queue" : "windows", spikes.count, worst, tolerance);
  ck_assert(worst <= tolerance);
  for (i = 0; i < solo.train_count; i++)
    free(solo.trains[i].times);
  free(expected);
  free(spikes.times);
}

START_TEST(meets_the_oracle)
{
  json_t *oracle = json_array_get(json_object_get(oracles, "cases"), (size_t)_i);
  bool has_tree = strcmp(json_string_value(json_object_get(oracle, "model")), "iaf_psc_exp") == 0;
  for (int as_tree = 0; as_tree <= has_tree; as_tree++) {
    check_case(oracle, HK_SCHEDULER_QUEUE, as_tree);
    check_case(oracle, HK_SCHEDULER_WINDOWS, as_tree);
  }
}
END_TEST

int main(void)
{
  char path[4096];
  const char *shared = getenv("HK_SHARED");
  snprintf(path, sizeof path, "%s/oracles/neurons.json", shared ? shared : ".");
  json_error_t error;
  oracles = json_load_file(path, 0, &error);
  if (!oracles && access(path, F_OK) != 0) {
    printf("skipped: %s is not there\n", path);
    return 77;
  }
  if (!oracles) {
    printf("%s:%d:%d: %s\n", path, error.line, error.column, error.text);
    return EXIT_FAILURE;
  }
  case_count = json_array_size(json_object_get(oracles, "cases"));
  Suite *suite = suite_create("neurons");
  TCase *tests = tcase_create("neurons");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, meets_the_oracle, 0, (int)case_count);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  json_decref(oracles);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
