/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `hillock compare` as a user meets it: configs, good and bad, and what they leave behind. */
#include <check.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "suite.h"

static char *folder;

static void set_up(void)
{
  folder = command_folder();
}

static void tear_down(void)
{
  command_remove(folder);
}

static void write_config(const char *text)
{
  FILE *file = command_create(folder, "c.yaml");
  ck_assert_int_ge(fputs(text, file), 0);
  ck_assert_int_eq(fclose(file), 0);
}

static int compare(const char *set)
{
  const char *const plain[] = {"compare", "c.yaml", "--progress", "none", "-o", "out", "--overwrite", NULL};
  const char *const with[] = {"compare", "c.yaml",      "--progress", "none", "-o",
                              "out",     "--overwrite", "--set",      set,    NULL};
  return command_run(folder, set ? with : plain);
}

/* --- bad configs --- */

#define AND_DATA "data: {table: {inputs: 2, rows: [[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 1]]}}\n"
#define AND_NET "network: {layers: [{weights: [[1, 1]], thresholds: [2]}]}\n"
#define VOLLEY "regimes: [{kind: volley}]\n"

/* Each with where its error is and what the message must name. */
static const struct {
  const char *text, *place, *words;
} bad[] = {
    {"", "c.yaml", ""},
    {"[1, 2]\n", "c.yaml:1:1", "mapping"},
    {AND_DATA AND_NET, "c.yaml:1:1", "`regimes`"},
    {AND_DATA VOLLEY, "c.yaml:1:1", "`network`"},
    {AND_NET VOLLEY, "c.yaml:1:1", "`data`"},
    {AND_DATA AND_NET "regimes: []\n", "c.yaml:3", "empty"},
    {AND_DATA AND_NET "regime: [{kind: volley}]\n" VOLLEY, "c.yaml:3:1", "did you mean `regimes`"},
    {AND_DATA AND_NET "regimes: [{kind: voley}]\n", "c.yaml:3:18", "did you mean `volley`"},
    {AND_DATA AND_NET "regimes: [{kind: volley, delay: 1}]\n", "c.yaml:3:33", "ms"},
    {AND_DATA AND_NET "regimes: [{kind: volley, delay: 1 mV}]\n", "c.yaml:3:33", "time"},
    {AND_DATA AND_NET "regimes: [{kind: volley, delay: -1 ms}]\n", "c.yaml:3:33", "out of range"},
    {AND_DATA AND_NET "regimes: [{kind: volley, delay: [1 ms, 2 ms]}]\n", "c.yaml:3:33", "arrive apart"},
    {AND_DATA AND_NET "regimes: [{kind: volley, delay: {uniform: [1 ms, 2 ms]}}]\n", "c.yaml:3:33", "arrive apart"},
    {AND_DATA AND_NET "regimes: [{kind: volley, delay: 0.1 ms}]\n", "c.yaml:3:11", "0.099609375 ms would do"},
    {AND_DATA AND_NET "regimes: [{kind: volley, period: 0.5 ms}]\n", "c.yaml:3:11", "takes 1 ms to pass"},
    {AND_DATA AND_NET "regimes: [{kind: volley, model: iaf_psc_detla}]\n", "c.yaml:3:33",
     "did you mean `iaf_psc_delta`"},
    {AND_DATA AND_NET "regimes: [{kind: volley, model: poisson}]\n", "c.yaml:3:33", "not the model of a neuron"},
    {AND_DATA AND_NET "regimes: [{kind: volley, model: intfire1}]\n", "c.yaml:3:11", "`thresholds: common`"},
    {AND_DATA AND_NET "regimes: [{kind: volley, model: izhikevich, thresholds: common}]\n", "c.yaml:3:11",
     "`unit` is missing"},
    {AND_DATA AND_NET "regimes: [{kind: volley, model: iaf_tree}]\n", "c.yaml:3", "`morphology`"},
    {AND_DATA AND_NET "regimes: [{kind: volley, morphology: {swc: nowhere.swc}}]\n", "c.yaml:3", "iaf_tree"},
    {AND_DATA AND_NET "regimes: [{kind: volley, params: {tau_n: 1 ms}}]\n", "c.yaml:3:35", "did you mean `tau_m`"},
    {AND_DATA AND_NET "regimes: [{kind: volley, params: {tau_m: 0 ms}}]\n", "c.yaml:3:42", "out of range"},
    {AND_DATA AND_NET "regimes: [{kind: volley, ports: [dendrite]}]\n", "c.yaml:3:34", "no port"},
    {AND_DATA AND_NET "regimes: [{kind: jitter, vary: {spraed: [1 ms]}}]\n", "c.yaml:3:33", "no parameter"},
    {AND_DATA AND_NET "regimes: [{kind: jitter, vary: {spread: 1 ms}}]\n", "c.yaml:3:32", "list of values"},
    {AND_DATA AND_NET "regimes: [{kind: jitter, vary: {spread: [1 ms, 2]}}]\n", "c.yaml:3:48", "ms"},
    {AND_DATA AND_NET "regimes: [{kind: jitter, noise: {rate: 1 kHz}}]\n", "c.yaml:3", "`weight`"},
    {AND_DATA "network: {layers: [{weights: [[1, 1, 1]], thresholds: [2]}]}\n" VOLLEY, "c.yaml:2:31", "2 inputs"},
    {AND_DATA "network: {layers: [{weights: [[1, 1]], thresholds: [2, 3]}]}\n" VOLLEY, "c.yaml:2:52", "1 units"},
    {AND_DATA "network: {layers: [{weights: [[1, nan]], thresholds: [2]}]}\n" VOLLEY, "c.yaml:2:35", "number"},
    {AND_DATA "network: {layers: [{weights: [[1, .inf]], thresholds: [2]}]}\n" VOLLEY, "c.yaml:2",
     "infinite|range|number"},
    {AND_DATA "network: {layers: [{weights: [[1, 1], [1, 1]], thresholds: [2, 2]}]}\n" VOLLEY, "c.yaml:2:10",
     "2 outputs"},
    {AND_DATA "network: {}\n" VOLLEY, "c.yaml:2:10", "`training`"},
    {AND_DATA "network: {hidden: [4]}\ntraining: {rule: perceptron}\n" VOLLEY, "c.yaml:3:18", "one layer"},
    {AND_DATA "network: {hidden: 4}\ntraining: {rule: straight_through}\n" VOLLEY, "c.yaml:2:19", "list"},
    {AND_DATA "network: {weights: nowhere.h5}\n" VOLLEY, "nowhere.h5", "HDF5"},
    {AND_DATA "network: {encoding: {code: levels}, hidden: [2]}\ntraining: {rule: straight_through}\n" VOLLEY,
     "c.yaml:2:21", "thresholds"},
    {AND_DATA "network: {encoding: {code: levels, thresholds: [0.5, 0.2]}}\ntraining: {rule: perceptron}\n" VOLLEY,
     "c.yaml:2:48", "rise"},
    {"data: {table: {inputs: 2, rows: [[0, 0, 0], [0, 1]]}}\n" AND_NET VOLLEY, "c.yaml:1:45", "3 as in the first row"},
    {"data: {table: {inputs: 2, rows: [[0, 0, 2]]}}\n" AND_NET VOLLEY, "c.yaml:1:41", "out of range"},
    {"data: {table: {inputs: 3, rows: [[0, 0, 0]]}}\n" AND_NET VOLLEY, "c.yaml:1:33", "output bits"},
    {"data: {known: mnist}\n" AND_NET VOLLEY, "c.yaml:1:15", "one of"},
    {"data: {csv: {file: nowhere.csv}}\n" AND_NET VOLLEY, "nowhere.csv", "opened"},
    {"data: {known: iris, table: {inputs: 1, rows: [[0, 1]]}}\n" AND_NET VOLLEY, "c.yaml:1", "both"},
};

static bool names_one_of(const char *text, const char *words)
{
  char copy[200];
  snprintf(copy, sizeof copy, "%s", words);
  if (*copy == '\0')
    return true;
  for (char *word = strtok(copy, "|"); word; word = strtok(NULL, "|"))
    if (strstr(text, word))
      return true;
  return false;
}

START_TEST(refuses_bad_configs)
{
  write_config(bad[_i].text);
  int code = compare(NULL);
  char *text = command_text(folder, "stderr"), *path = command_path(folder, "out");
  ck_assert_msg(code == 2, "exit code %d for:\n%s%s", code, bad[_i].text, text);
  ck_assert_msg(strstr(text, bad[_i].place), "`%s` is not in: %s", bad[_i].place, text);
  ck_assert_msg(names_one_of(text, bad[_i].words), "`%s` is not in: %s", bad[_i].words, text);
  ck_assert_msg(access(path, F_OK) != 0, "a folder was made");
  free(path);
  free(text);
}
END_TEST

START_TEST(tells_all_errors_at_once)
{
  write_config("sed: 1\ndata: {table: {inputs: 0, rows: 3}}\nnetwork: {per_class: x}\n"
               "regimes: [{kind: volley, delay: 1}, {kind: jitter, model: nothing}]\n");
  ck_assert_int_eq(compare(NULL), 2);
  char *text = command_text(folder, "stderr");
  static const char *const places[] = {"c.yaml:1:1", "c.yaml:2:24", "c.yaml:3:22", "c.yaml:4:33", "c.yaml:4:59"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    ck_assert_msg(strstr(text, places[i]), "%s is not in: %s", places[i], text);
  free(text);
}
END_TEST

START_TEST(given_weights_are_not_trained)
{
  write_config(AND_DATA AND_NET VOLLEY);
  const char *const train[] = {"compare", "c.yaml", "--train", NULL};
  ck_assert_int_eq(command_run(folder, train), 2);
  char *text = command_text(folder, "stderr");
  ck_assert_str_eq(text, "c.yaml: the weights are given in the config: nothing to train\n");
  free(text);
}
END_TEST

/* --- good ones --- */

static void read_column(const char *name, hid_t type, void *out, size_t size)
{
  char *path = command_path(folder, "out/comparison.h5");
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), set = H5Dopen2(file, name, H5P_DEFAULT);
  hid_t space = H5Dget_space(set);
  ck_assert_uint_eq((uint64_t)H5Sget_simple_extent_npoints(space), size);
  ck_assert_int_ge(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out), 0);
  H5Sclose(space);
  H5Dclose(set);
  H5Fclose(file);
  free(path);
}

static const char *const shipped[] = {"step_and", "step_or", "step_nand", "step_majority", "step_xor"};

static void copy_shipped(const char *name)
{
  char path[1000], buffer[8192];
  snprintf(path, sizeof path, "%s/%s.yaml", getenv("HK_CONFIGS"), name);
  FILE *from = fopen(path, "r");
  ck_assert(from);
  size_t length = fread(buffer, 1, sizeof buffer - 1, from);
  buffer[length] = '\0';
  fclose(from);
  write_config(buffer);
}

/* The shipped truth tables: every row right on both sides in a volley, every unit the same. */
START_TEST(shipped_tables_are_exact)
{
  copy_shipped(shipped[_i]);
  ck_assert_int_eq(compare(NULL), 0);
  char *text = command_text(folder, "stdout"), *csv = command_text(folder, "out/comparison.csv");
  ck_assert(strstr(text, "volley: exact; 0 of"));
  char *row = strstr(csv, "\n\"volley\",iaf_psc_delta,,,,");
  ck_assert(row);
  unsigned samples, units;
  double step, spikes, decisions, same;
  ck_assert_int_eq(sscanf(row + strlen("\n\"volley\",iaf_psc_delta,,,,"), "%u,%u,%lf,%lf,%lf,%lf", &samples, &units,
                          &step, &spikes, &decisions, &same),
                   6);
  ck_assert(step == 1.0 && spikes == 1.0 && decisions == 1.0 && same == 1.0);
  free(text);
  free(csv);
}
END_TEST

/* By hand: XOR's hidden units OR and NAND, and its output, in the archive. */
START_TEST(archive_holds_every_unit)
{
  static const uint8_t expected[12] = {0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0};
  uint8_t on[12], spikes[12];
  int32_t labels[4], decisions[4];
  copy_shipped("step_xor");
  ck_assert_int_eq(compare(NULL), 0);
  read_column("/runs/0/step_on", H5T_NATIVE_UINT8, on, 12);
  read_column("/runs/0/spike_count", H5T_NATIVE_UINT8, spikes, 12);
  read_column("/runs/0/label", H5T_NATIVE_INT32, labels, 4);
  read_column("/runs/0/spike_decision", H5T_NATIVE_INT32, decisions, 4);
  ck_assert_mem_eq(on, expected, 12);
  ck_assert_mem_eq(spikes, expected, 12);
  ck_assert_mem_eq(labels, decisions, sizeof labels);
  struct command_spikes hidden = command_spikes(folder, "out/spikes_0.h5", "layer_1");
  ck_assert_uint_eq(hidden.count, 6);
  ck_assert_double_eq(hidden.times[0], 1.0); /* one delay after the first sample's volley */
  command_spikes_clear(&hidden);
}
END_TEST

/* The single perceptron cannot do XOR, and the neuron errs exactly as it does. */
START_TEST(perceptron_fails_at_xor)
{
  copy_shipped("step_xor_perceptron");
  ck_assert_int_eq(compare(NULL), 0);
  char *text = command_text(folder, "stdout");
  ck_assert(strstr(text, " 75.00  75.00  100.00  100.0000          0"));
  free(text);
}
END_TEST

/* Trained weights are kept where the config says, taken from there the next time, and made anew by --retrain. */
START_TEST(weights_are_kept)
{
  write_config(AND_DATA "network: {weights: w.h5}\ntraining: {rule: perceptron, rate: 1}\n" VOLLEY);
  ck_assert_int_eq(compare(NULL), 0);
  char *path = command_path(folder, "w.h5");
  ck_assert_int_eq(access(path, F_OK), 0);
  ck_assert_int_eq(compare("training.rate=0.25"), 0); /* not trained: no effect */
  char *first = command_text(folder, "stdout");
  ck_assert(strstr(first, "100.00"));
  const char *const train[] = {"compare", "c.yaml", "--train", "--progress", "none", NULL};
  command_run_well(folder, train);
  free(first);
  free(path);
}
END_TEST

/* Any number of threads gives the same table and archive; an existing result is kept without --overwrite. */
START_TEST(threads_do_not_matter)
{
  static uint8_t one[4 * 3], two[4 * 3];
  copy_shipped("step_xor");
  const char *const threads[] = {"1", "3"};
  for (size_t i = 0; i < 2; i++) {
    const char *const arguments[] = {"compare", "c.yaml",      "--progress", "none",     "-o",
                                     "out",     "--overwrite", "--threads",  threads[i], NULL};
    command_run_well(folder, arguments);
    read_column("/runs/3/spike_count", H5T_NATIVE_UINT8, i == 0 ? one : two, 12);
  }
  ck_assert_mem_eq(one, two, sizeof one);
  const char *const again[] = {"compare", "c.yaml", "--progress", "none", "-o", "out", NULL};
  ck_assert_int_eq(command_run(folder, again), 2);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("compare");
  TCase *tests = tcase_create("compare");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, refuses_bad_configs, 0, sizeof bad / sizeof *bad);
  tcase_add_test(tests, tells_all_errors_at_once);
  tcase_add_test(tests, given_weights_are_not_trained);
  tcase_add_loop_test(tests, shipped_tables_are_exact, 0, sizeof shipped / sizeof *shipped);
  tcase_add_test(tests, archive_holds_every_unit);
  tcase_add_test(tests, perceptron_fails_at_xor);
  tcase_add_test(tests, weights_are_kept);
  tcase_add_test(tests, threads_do_not_matter);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
