/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single neurons of every model against spike times computed by an independent integrator in extended precision. */
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

static int check_case(json_t *oracle, enum hk_scheduler scheduler)
{
  struct hk_setting params[HK_PARAMS_MAX], init[HK_STATES_MAX];
  struct solo solo = {.model = json_string_value(json_object_get(oracle, "model")),
                      .params = params,
                      .init = init,
                      .duration = json_number_value(json_object_get(oracle, "duration")),
                      .scheduler = scheduler};
  solo.param_count = settings_of(json_object_get(oracle, "params"), params);
  solo.init_count = settings_of(json_object_get(oracle, "init"), init);
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
  printf("%-24s %3zu spikes, error %.1e ms of %.0e\n", json_string_value(json_object_get(oracle, "name")), spikes.count,
         worst, tolerance);
  ck_assert(worst <= tolerance);
  for (i = 0; i < solo.train_count; i++)
    free(solo.trains[i].times);
  free(expected);
  free(spikes.times);
  return 0;
}

START_TEST(meets_the_oracle)
{
  check_case(json_array_get(json_object_get(oracles, "cases"), (size_t)_i), HK_SCHEDULER_QUEUE);
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
