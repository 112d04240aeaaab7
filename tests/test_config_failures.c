/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading and resolving a config with the 1st, 2nd, 3rd ... allocation failing, until none fails any more: the status
 * is a lack of memory, never an error of the config, and nothing is handed out. */
#include <hillock/config.h>

#include "command.h"
#include "failing_memory.h"
#include "suite.h"

static const char good[] =
    "simulation: {duration: 100 ms}\n"
    "populations:\n"
    "  clock: {model: spike_source, params: {times: [[10 ms], [20 ms, 30 ms]]}}\n"
    "  a: &cell {model: iaf_psc_delta, size: 3, params: {E_L: [0 mV, 1 mV, 2 mV], V_reset: 0 mV, V_th: 10 mV}}\n"
    "  b: {<<: *cell, init: {V_m: {lognormal: {mean: 1 mV, sd: 1 mV}}}}\n"
    "projections:\n"
    "  - {source: clock, target: [a, b], rule: {pairs: [[0, 1]]}, weight: 20 mV, delay: 1 ms}\n"
    "  - {source: a, target: b, rule: one_to_one, weight: 20 mV, delay: {normal: {mean: 1 ms, sd: 1 ms, min: 1 us}}}\n"
    "inputs:\n"
    "  - {target: a, neurons: 0..1, current: {steps: [[1 ms, 1 pA], [2 ms, 2 pA]]}}\n"
    "record: {traces: [{name: v, population: b, neurons: 0..2, interval: 1 ms}]}\n";

static const char wrong[] = "simulation: {duraton: 100 ms}\npopulations: {a: {model: nothing, size: 2 mV}}\n";

static char *folder, *path;

static void set_up(const char *text)
{
  folder = command_folder();
  path = command_path(folder, "config.yaml");
  FILE *file = command_create(folder, "config.yaml");
  fputs(text, file);
  fclose(file);
}

static void tear_down(void)
{
  free(path);
  command_remove(folder);
}

static enum hk_status read_failing(long after, struct hk_config **config, struct hk_messages *messages)
{
  const char *const overrides[] = {"simulation.seed=5"};
  failed = false;
  countdown = after;
  enum hk_status status = hk_config_read(path, overrides, 1, config, messages);
  countdown = -1;
  return status;
}

static void resolve_failing(struct hk_config *config)
{
  struct hk_options options = hk_config_options(config);
  for (long after = 0;; after++) {
    char *text = NULL;
    failed = false;
    countdown = after;
    enum hk_status status = hk_config_resolve(config, 1.0, &options, &text);
    countdown = -1;
    ck_assert_msg(status == (failed ? HK_ERR_MEMORY : HK_OK), "allocation %ld: %s", after, hk_status_message(status));
    free(text);
    if (!failed)
      return;
  }
}

START_TEST(good_config)
{
  set_up(good);
  struct hk_messages *messages = NULL;
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
  long after = 0;
  for (bool done = false; !done; after++) {
    struct hk_config *config = NULL;
    enum hk_status status = read_failing(after, &config, messages);
    done = !failed;
    ck_assert_msg(status == HK_OK || (failed && status == HK_ERR_MEMORY), "allocation %ld: %s", after,
                  hk_status_message(status));
    ck_assert((status == HK_OK) == (config != NULL));
    ck_assert_uint_eq(hk_messages_errors(messages), 0);
    if (done)
      resolve_failing(config);
    hk_config_destroy(config);
  }
  ck_assert_int_gt(after, 20);
  hk_messages_destroy(messages);
  tear_down();
}
END_TEST

START_TEST(wrong_config)
{
  set_up(wrong);
  for (bool done = false; !done;) {
    static long after = 0;
    struct hk_messages *messages = NULL;
    struct hk_config *config = NULL;
    ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
    enum hk_status status = read_failing(after++, &config, messages);
    done = !failed;
    ck_assert(status == HK_ERR_INPUT || (failed && status == HK_ERR_MEMORY));
    ck_assert_ptr_null(config);
    if (status == HK_ERR_INPUT)
      ck_assert_msg(hk_messages_errors(messages) == 3, "%zu errors, the first: %.300s", hk_messages_errors(messages),
                    hk_messages_get(messages, 0).text);
    hk_messages_destroy(messages);
  }
  tear_down();
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("config failures");
  TCase *tests = tcase_create("config failures");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, good_config);
  tcase_add_test(tests, wrong_config);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
