/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wrong configs, given to the real binary: each is refused with exit code 2, each error stands at its line and column
 * and says what was expected, and nothing is created. */
#include <check.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "suite.h"

#define SIM "simulation: {duration: 10 ms}\n"                           /* line 1 */
#define CELL SIM "populations:\n  a: {model: iaf_psc_delta, size: 4}\n" /* lines 2 and 3 */
#define WIRE CELL "projections:\n"                                      /* line 4 */
#define INPUT CELL "inputs:\n"
#define REST "rule: all_to_all, weight: 1 mV, delay: 1 ms"

enum { ERRORS = 8 };

struct wrong {
  const char *name, *text;
  const char *errors[ERRORS]; /* "LINE:COLUMN: beginning...part...part": parts in this order in one line */
};

static const struct wrong wrongs[] = {
    /* YAML itself */
    {"empty", "", {": is empty, a YAML mapping was expected"}},
    {"comment", "# nothing but a comment\n", {": is empty"}},
    {"scalar", "hello\n", {"1:1: the config: `hello` was found, a mapping with the keys `simulation`"}},
    {"list", "- 1\n- 2\n", {"1:1: the config: a list was found"}},
    {"tab", SIM "populations:\n\ta: {model: iaf_psc_delta}\n", {"3:1: a tab, YAML wants spaces"}},
    {"bracket", SIM "populations: {a: {model: iaf_psc_delta, size: [1, 2}\n", {"2:", "not YAML: "}},
    {"anchor", SIM "populations: *nobody\n", {"2:14: not YAML: found undefined alias"}},
    {"utf8", SIM "populations: {a\xff: 1}\n", {"2:16: this is not a text in UTF-8", "0xFF"}},
    {"control", SIM "populations: {a\x01: 1}\n", {"2:16: this is not a text in UTF-8: control characters"}},
    {"twice", CELL "populations: {}\n", {"4:1: the key `populations` is here twice", "line 2", "remove one"}},
    {"documents", CELL "---\nmore: 1\n", {"5:1: a second YAML document begins here, one was expected"}},
    {"cycle", SIM "populations: &a {b: *a}\n", {"2:14: this is part of itself through an alias; remove the alias"}},
    {"list_key", SIM "? [1, 2]\n: 3\n", {"2:3: a list is used as a key, a plain text was expected"}},
    {"tag", SIM "populations: !python {}\n", {"2:14: the tag `!python` means nothing here; remove it"}},
    {"merge_list",
     SIM "populations:\n  a: {<<: [1], model: iaf_psc_delta, size: 1}\n",
     {"3:12: `<<` merges a plain value, an alias of a mapping was expected"}},
    {"merge_value",
     SIM "populations:\n  a: {<<: 5, model: iaf_psc_delta, size: 1}\n",
     {"3:11: `<<` merges a plain value, an alias of a mapping (`*name`) or a list of them was expected"}},
    /* keys */
    {"missing_all", "record: {}\n", {"1:1: the config has no `simulation`", "1:1: the config has no populations"}},
    {"unknown_section",
     CELL "projectoins: []\n",
     {"4:1: unknown key `projectoins` in the config, one of `simulation`, ", "did you mean `projections`?"}},
    {"unknown_key",
     "simulation: {duraton: 10 ms}\npopulations:\n  a: {model: iaf_psc_delta, size: 4}\n",
     {"1:14: unknown key `duraton` in simulation, one of `duration`, `seed`", "did you mean `duration`?"}},
    /* trees */
    {"parent_of_soma",
     SIM "populations:\n  a: {model: iaf_tree, size: 1, morphology: {cylinders: [{parent: 0, length: 9 um, diameter: 9 "
         "um}]}}\n",
     {"parent: the first one is the soma, which has no parent"}},
    {"no_parent",
     SIM "populations:\n  a: {model: iaf_tree, size: 1, morphology: {compartments: [{C_m: 1 pF, g_L: 1 nS}, "
         "{C_m: 1 pF, g_L: 1 nS, g_c: 1 nS}]}}\n",
     {"has no `parent`, the name or the number (from 0) of one before it was expected"}},
    {"later_parent",
     SIM "populations:\n  a: {model: iaf_tree, size: 1, morphology: {cylinders: [{length: 9 um, diameter: "
         "9 um, name: soma}, {parent: d, name: d, length: 9 um, diameter: 1 um}]}}\n",
     {"parent: `d` was found, the name or the number (from 0) of one before this, number 1, was expected"}},
    {"parent_number",
     SIM "populations:\n  a: {model: iaf_tree, size: 1, morphology: {cylinders: [{length: 9 um, diameter: "
         "9 um, name: soma}, {parent: 1, length: 9 um, diameter: 1 um}]}}\n",
     {"parent: `1` was found", "number 1, was expected"}},
    {"missing_model", SIM "populations:\n  a: {size: 4}\n", {"3:6: population has no `model`, which must be given"}},
    {"missing_size", SIM "populations:\n  a: {model: iaf_psc_delta}\n", {"3:6: population has no `size`"}},
    {"empty_value",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: }\n",
     {"3:29: size: has no value; write one or remove the key"}},
    {"empty_param",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 1, params: {tau_m: }}\n",
     {"3:47: tau_m: has no value"}},
    {"shape", SIM "populations: [a, b]\n", {"2:14: populations: a list was found, a mapping of names to mappings"}},
    {"shape_of_one", SIM "populations: {a: 5}\n", {"2:18: population: `5` was found, a mapping with the keys `model`"}},
    /* quantities */
    {"no_unit",
     "simulation: {duration: 10}\npopulations:\n  a: {model: iaf_psc_delta, size: 4}\n",
     {"1:24: duration: `10` has no unit, a time such as `20 ms` was expected"}},
    {"dimension",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 4, params: {tau_m: 20 mV}}\n",
     {"3:54: tau_m: `20 mV` is a voltage, a time such as `20 ms` was expected"}},
    {"unit",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 4, params: {V_th: 20 mv}}\n",
     {"3:53: V_th: `20 mv` has the unknown unit `mv`, a voltage such as", "did you mean `mV`?"}},
    {"range",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 4, params: {tau_m: 0 ms}}\n",
     {"3:54: tau_m: `0 ms` is out of range, a value above 0 ms was expected"}},
    {"not_a_number",
     "simulation: {duration: long}\npopulations:\n  a: {model: iaf_psc_delta, size: 4}\n",
     {"1:24: duration: `long` is not a number, a time such as"}},
    {"infinite",
     "simulation: {duration: inf}\npopulations:\n  a: {model: iaf_psc_delta, size: 4}\n",
     {"1:24: duration: `inf` is out of range"}},
    {"nan",
     "simulation: {duration: .nan ms}\npopulations:\n  a: {model: iaf_psc_delta, size: 4}\n",
     {"1:24: duration: `.nan ms` is not a number"}},
    {"negative_duration",
     "simulation: {duration: -1 ms}\npopulations:\n  a: {model: iaf_psc_delta, size: 4}\n",
     {"1:24: duration: `-1 ms` is out of range, a value above 0 ms"}},
    {"seed",
     "simulation: {duration: 1 ms, seed: 1.5}\npopulations:\n  a: {model: iaf_psc_delta, size: 4}\n",
     {"1:36: seed: `1.5` is not a whole number, a whole number such as `100`"}},
    {"large_seed",
     "simulation: {duration: 1 ms, seed: 18446744073709551616}\npopulations:\n  a: {model: "
     "iaf_psc_delta, size: 4}\n",
     {"1:36: seed: `18446744073709551616` is out of range, a value from 0 to 18446744073709551615 was"}},
    {"time",
     "simulation: {duration: 1 ms, time: exakt}\npopulations:\n  a: {model: iaf_psc_delta, size: 4}\n",
     {"1:36: time: `exakt` was found, `exact` or a grid such as `{grid: 0.1 ms}` was expected"}},
    {"grid_models",
     "simulation: {duration: 10 ms, time: {grid: 0.1 ms}}\npopulations:\n  a: {model: iaf_cond_exp, size: 4}\n"
     "  b: {model: iaf_psc_exp, size: 4}\nrecord:\n  traces:\n    - {name: v, population: b, interval: 0.25 ms}\n",
     {"3:3: population `a` is of model `iaf_cond_exp`, whose dynamics are not linear",
      "7:7: trace `v`: its interval is 0.25 ms", "0.3 ms would do"}},
    {"scheduler",
     "simulation: {duration: 1 ms, scheduler: window}\npopulations:\n  a: {model: iaf_psc_delta, size: "
     "4}\n",
     {"1:41: scheduler: `window` was found, one of `auto`, `queue`, `windows`", "did you mean `windows`?"}},
    {"size_0",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 0}\n",
     {"3:35: size: `0` is out of range, a value from 1 to 4294967295 was expected"}},
    {"size_huge",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 99999999999999999999999}\n",
     {"3:35: size: `99999999999999999999999` is out of range"}},
    {"size_unit",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 5 mV}\n",
     {"3:35: size: `5 mV` is not a whole number"}},
    /* models, parameters, states */
    {"model",
     SIM "populations:\n  a: {model: iaf_psc_detla, size: 4}\n",
     {"3:14: model: there is no model `iaf_psc_detla`", "`hillock models`", "did you mean `iaf_psc_delta`?"}},
    {"param",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 4, params: {tau_mem: 20 ms}}\n",
     {"3:47: `tau_mem` is no parameter of the model `iaf_psc_delta`, one of `tau_m`", "did you mean `tau_m`?"}},
    {"state",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 4, init: {V_n: 20 mV}}\n",
     {"3:45: `V_n` is no state of the model `iaf_psc_delta`", "did you mean `V_m`?"}},
    {"together",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 4, params: {V_th: -80 mV}}\n",
     {"3:3: ", "V_reset must be below V_th"}},
    {"list_length",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 4, params: {V_th: [1 mV, 2 mV]}}\n",
     {"3:53: V_th: a list of 2 was found, 4 values were expected"}},
    {"file_of_neuron",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 4, file: x.h5}\n",
     {"3:44: file: only a `spike_source` plays back a file"}},
    /* distributions */
    {"distribution",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 4, init: {V_m: {nromal: {}}}}\n",
     {"3:51: V_m: a mapping with one of `uniform`, `normal`", "did you mean `normal`?"}},
    {"uniform",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 4, init: {V_m: {uniform: [2 mV, 1 mV]}}}\n",
     {"3:60: V_m: `uniform: [low, high]` has low = 2 mV, which is not below high = 1 mV"}},
    {"normal",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 4, init: {V_m: {normal: {mean: 2 mV, std: 1 mV}}}}\n",
     {"3:72: unknown key `std` in normal, one of `mean`, `sd`, `min`, `max`", "did you mean `sd`?"}},
    {"lognormal",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 4, init: {V_m: {lognormal: {mean: 0 mV, sd: 1 mV}}}}\n",
     {"3:62: V_m: a lognormal value of mean 0 is always 0"}},
    {"bounds",
     SIM "populations:\n  a: {model: iaf_psc_delta, size: 4, init: {V_m: {exponential: {mean: 1 mV, min: 2 mV, max: 2 "
         "mV}}}}\n",
     {"3:82: V_m: `min` must be below `max`"}},
    /* sources */
    {"no_times", SIM "populations:\n  a: {model: spike_source}\n", {"3:6: a spike source needs times"}},
    {"times_unit",
     SIM "populations:\n  a: {model: spike_source, params: {times: [10, 20 mV]}}\n",
     {"3:45: times: `10` has no unit, a time", "\n", "3:49: times: `20 mV` is a voltage"}},
    {"times_order",
     SIM "populations:\n  a: {model: spike_source, params: {times: [10 ms, 5 ms]}}\n",
     {"3:52: times: `5 ms` is before the time that precedes it, an ascending list was expected"}},
    {"times_size",
     SIM "populations:\n  a: {model: spike_source, size: 2, params: {times: [10 ms]}}\n",
     {"3:53: times: lists of times of 1 sources were found, 2 were expected"}},
    {"negative_time",
     SIM "populations:\n  a: {model: spike_source, params: {times: [-10 ms]}}\n",
     {"3:45: times: `-10 ms` is out of range"}},
    {"no_file",
     SIM "populations:\n  a: {model: spike_source, file: nowhere.h5}\n",
     {"3:34: file: `nowhere.h5` cannot be opened: No such file"}},
    {"both",
     SIM "populations:\n  a: {model: spike_source, file: nowhere.h5, params: {times: [1 ms]}}\n",
     {"3:54: params: a spike source has either a `file` or times"}},
    /* projections */
    {"population",
     WIRE "  - {source: b, target: aa, " REST "}\n",
     {"5:14: source: there is no population `b`", "\n", "5:25: target: there is no population `aa`"}},
    {"population_like",
     SIM "populations:\n  exc: {model: iaf_psc_delta, size: 4}\nprojections:\n  - {source: ecx, target: "
         "exc, " REST "}\n",
     {"5:14: source: there is no population `ecx`; did you mean `exc`?"}},
    {"no_weight",
     WIRE "  - {source: a, target: a, rule: all_to_all}\n",
     {"5:5: projection has no `delay`, which must be given"}},
    {"weight",
     WIRE "  - {source: a, target: a, rule: all_to_all, weight: 1 pA, delay: 1 ms}\n",
     {"5:54: weight: `1 pA` is a current, a voltage such as"}},
    {"zero_delay",
     WIRE "  - {source: a, target: a, rule: all_to_all, weight: 1 mV, delay: 0 ms}\n",
     {"5:67: delay: `0 ms` is out of range, a value above 0 ms was expected"}},
    {"normal_delay",
     WIRE "  - {source: a, target: a, rule: all_to_all, weight: 1 mV, delay: {normal: {mean: 1 ms, sd: "
          "1 ms}}}\n",
     {"5:67: delay: a normal distribution draws values of 0 ms and below, a `min` above 0 ms was expected"}},
    {"rule",
     WIRE "  - {source: a, target: a, rule: one_for_one, weight: 1 mV, delay: 1 ms}\n",
     {"5:34: unknown key `one_for_one` in rule", "did you mean `one_to_one`?"}},
    {"rules",
     WIRE "  - {source: a, target: a, rule: {all_to_all, fixed_indegree: 3}, weight: 1 mV, delay: 1 ms}\n",
     {"rule has both `all_to_all` and `fixed_indegree`, one of them was expected"}},
    {"indegree",
     WIRE "  - {source: a, target: a, rule: {fixed_indegree: 5, allow_multapses: false}, weight: 1 mV, "
          "delay: 1 ms}\n",
     {"5:34: ", "allow multapses or ask for fewer"}},
    {"probability",
     WIRE "  - {source: a, target: a, rule: {pairwise_bernoulli: 1.5}, weight: 1 mV, delay: 1 ms}\n",
     {"5:55: pairwise_bernoulli: `1.5` is out of range, a value from 0 to 1 was expected"}},
    {"pairs",
     WIRE "  - {source: a, target: a, rule: {pairs: [[0, 1, 2], [3, 9]]}, weight: 1 mV, delay: 1 ms}\n",
     {"5:43: pairs: a list that is no pair was found"}},
    {"pairs_range",
     WIRE "  - {source: a, target: a, rule: {pairs: [[3, 9]]}, weight: 1 mV, delay: 1 ms}\n",
     {"5:34: ", "[3, 9]"}},
    {"edges",
     WIRE "  - {source: a, target: a, rule: {file: nowhere.h5}, weight: 1 mV, delay: 1 ms}\n",
     {"5:41: file: `nowhere.h5` cannot be opened: No such file"}},
    {"port",
     WIRE "  - {source: a, target: a, port: spike, " REST "}\n",
     {"5:34: port: the model `iaf_psc_delta` has no port `spike`, `spikes` was expected", "did you mean `spikes`?"}},
    {"to_source",
     SIM "populations:\n  p: {model: poisson, size: 2}\nprojections:\n  - {source: p, target: p, " REST "}\n",
     {"5:25: target: `p` is a source of spikes (`poisson`) and receives none"}},
    {"flag",
     WIRE "  - {source: a, target: a, rule: {all_to_all, allow_autapses: no}, weight: 1 mV, delay: 1 ms}\n",
     {"5:63: allow_autapses: `no` was found, `true` or `false` was expected"}},
    /* inputs */
    {"input_kind",
     INPUT "  - {target: a, weight: 1 mV}\n",
     {"5:5: input has none of `poisson`, `current`, one of them was expected"}},
    {"input_weight", INPUT "  - {target: a, poisson: {rate: 1 Hz}}\n", {"5:5: poisson input has no `weight`"}},
    {"current_weight",
     INPUT "  - {target: a, current: {dc: 1 pA}, weight: 1 mV}\n",
     {"5:46: weight: a current has none"}},
    {"from_to",
     INPUT "  - {target: a, current: {dc: 1 pA}, from: 5 ms, to: 2 ms}\n",
     {"5:54: to: must be after `from`"}},
    {"steps",
     INPUT "  - {target: a, current: {steps: [[5 ms, 1 pA], [5 ms, 2 pA]]}}\n",
     {"5:50: steps: `5 ms` is not after the step that precedes it, a later time was expected"}},
    {"neurons",
     INPUT "  - {target: a, neurons: [0, 7], current: {dc: 1 pA}}\n",
     {"5:30: neurons: `7` is out of range, an index below 4, the size of the population"}},
    {"neurons_range",
     INPUT "  - {target: a, neurons: 3..1, current: {dc: 1 pA}}\n",
     {"5:26: neurons: `3..1` was found, an index such as `3` or a range such as `0..9`"}},
    {"neurons_twice",
     INPUT "  - {target: a, neurons: [0..2, 1], current: {dc: 1 pA}}\n",
     {"5:26: neurons: neuron 1 is named twice"}},
    /* record */
    {"record", CELL "record: {spikes: [b]}\n", {"4:19: spikes: there is no population `b`"}},
    {"variable",
     CELL "record: {traces: [{population: a, variables: [V]}]}\n",
     {"4:47: variables: the model `iaf_psc_delta` has no state `V`"}},
    {"interval",
     CELL "record: {traces: [{population: a, interval: 0 ms}]}\n",
     {"4:45: interval: `0 ms` is out of range"}},
    {"trace_name",
     CELL "record: {traces: [{population: a, name: spikes}]}\n",
     {"4:41: name: a file of the results cannot be named `spikes`"}},
    {"trace_twice",
     CELL "record: {traces: [{population: a}, {population: a}]}\n",
     {"4:36: there is already a trace `a`"}},
    /* all at once, in the order of the file */
    {"many",
     "simulation: {duration: 10 mV}\n"
     "populations:\n"
     "  a: &cell {model: iaf_psc_delta, size: 4, params: {tau_m: 20, V_ht: 1 mV}}\n"
     "  b: *cell\n"
     "projections:\n"
     "  - {source: a, target: c, rule: all_to_all, weight: 1 mV, delay: -1 ms}\n"
     "record: {spikes: [d]}\n",
     {"1:24: duration: `10 mV` is a voltage", "\n", "3:60: tau_m: `20` has no unit", "\n",
      "3:64: `V_ht` is no parameter", "\n", "6:67: delay: `-1 ms`", "7:19: spikes: there is no population `d`"}},
};

enum { WRONGS = sizeof wrongs / sizeof *wrongs };

static size_t entries(const char *folder)
{
  size_t count = 0;
  DIR *dir = opendir(folder);
  ck_assert_ptr_nonnull(dir);
  while (readdir(dir))
    count++;
  closedir(dir);
  return count;
}

/* The parts, each after the one before. */
static void check_errors(const struct wrong *wrong, const char *messages)
{
  const char *at = messages;
  for (size_t i = 0; i < ERRORS && wrong->errors[i]; i++) {
    const char *found = strstr(at, wrong->errors[i]);
    ck_assert_msg(found != NULL, "%s: `%s` is not where it should be in\n%s", wrong->name, wrong->errors[i], messages);
    at = found + strlen(wrong->errors[i]);
  }
}

static void check_refused(const char *folder, const char *const *arguments, const char *name)
{
  size_t before = entries(folder) + 2; /* stdout and stderr */
  int code = command_run(folder, arguments);
  char *messages = command_text(folder, "stderr");
  ck_assert_msg(code == 2, "%s: exit code %d\n%s", name, code, messages);
  ck_assert_msg(entries(folder) == before, "%s: something was created", name);
  char *data = command_text(folder, "stdout");
  ck_assert_msg(data[0] == '\0', "%s: data on stdout: %s", name, data);
  free(data);
  free(messages);
}

START_TEST(wrong_config)
{
  const struct wrong *wrong = &wrongs[_i];
  char *folder = command_folder();
  FILE *file = command_create(folder, "wrong.yaml");
  fputs(wrong->text, file);
  fclose(file);
  check_refused(folder, (const char *[]){"run", "wrong.yaml", NULL}, wrong->name);
  char *messages = command_text(folder, "stderr");
  ck_assert_msg(strncmp(messages, "wrong.yaml:", 11) == 0, "%s: %s", wrong->name, messages);
  check_errors(wrong, messages);
  free(messages);
  command_remove(folder);
}
END_TEST

static void refused_arguments(const char *const *arguments, const char *expected)
{
  char *folder = command_folder();
  FILE *file = command_create(folder, "good.yaml");
  fputs(CELL, file);
  fclose(file);
  check_refused(folder, arguments, expected);
  char *messages = command_text(folder, "stderr");
  ck_assert_msg(strstr(messages, expected) != NULL, "`%s` is not in\n%s", expected, messages);
  free(messages);
  command_remove(folder);
}

#define REFUSED(expected, ...) refused_arguments((const char *[]){"run", __VA_ARGS__, NULL}, expected)

START_TEST(wrong_files)
{
  REFUSED("goods.yaml: there is no such file, a config was expected; did you mean `good.yaml`?", "goods.yaml");
  REFUSED(".: is a folder, a config file was expected", ".");
  REFUSED("/dev/null: is empty", "/dev/null");
  REFUSED("/dev/zero: is larger than 256 MiB", "/dev/zero");
  REFUSED("there is no such file", "nowhere/good.yaml");
}
END_TEST

START_TEST(wrong_arguments)
{
  refused_arguments((const char *[]){"run", NULL}, "a config was expected");
  REFUSED("one config was expected", "good.yaml", "good.yaml");
  REFUSED("there is no option `--overwrit`; did you mean `--overwrite`?", "good.yaml", "--overwrit");
  REFUSED("`--seed` needs an argument", "good.yaml", "--seed");
  REFUSED("`--dry-run` takes no argument", "good.yaml", "--dry-run=1");
  REFUSED("`--progress bra`: one of `auto`, `bar`, `plain`, `none` was expected; did you mean `bar`?", "good.yaml",
          "--progress", "bra");
  REFUSED("--set simulation.duration: duration: `5` has no unit", "good.yaml", "--duration", "5");
  REFUSED("--set simulation.seed: seed: `x` is not a whole number", "good.yaml", "--seed=x");
  REFUSED("--set simulation.threads: threads: `-1` is out of range", "good.yaml", "--threads", "-1");
  REFUSED("--set simulation.scheduler: scheduler: `fast` was found", "good.yaml", "--scheduler", "fast");
  refused_arguments((const char *[]){"models", "iaf_psc_detla", NULL}, "did you mean `iaf_psc_delta`?");
  refused_arguments((const char *[]){"rnu", NULL}, "there is no command `rnu`; did you mean `run`?");
}
END_TEST

START_TEST(wrong_overrides)
{
  REFUSED("--set populations: `populations` is not of the form KEY=VALUE", "good.yaml", "--set", "populations");
  REFUSED("--set populations.a.size: has no value after the `=`", "good.yaml", "--set", "populations.a.size=");
  REFUSED("--set populations.a.size: size: `x` is not a whole number", "good.yaml", "--set", "populations.a.size=x");
  REFUSED("--set populations.a.sizes: unknown key `sizes` in population", "good.yaml", "--set",
          "populations.a.sizes=3");
  REFUSED("--set population.a.size: there is no `population` in the config; did you mean `populations`?", "good.yaml",
          "--set", "population.a.size=3");
  REFUSED("--set populations.a.size.b: `populations.a.size` is a plain value, there is no `b` in it", "good.yaml",
          "--set", "populations.a.size.b=3");
  REFUSED("--set projections.0.delay: ", "good.yaml", "--set", "projections=[]", "--set", "projections.0.delay=1 ms");
  REFUSED("--set .a: ", "good.yaml", "--set", ".a=1");
  REFUSED("--set a: not YAML: ", "good.yaml", "--set", "a=[1");
  REFUSED("--set populations.a.params.tau_m: tau_m: `3 mV` is a voltage, a time", "good.yaml", "--set",
          "populations.a.params.tau_m=3 mV");
}
END_TEST

/* Small files that would be gigabytes, or endless, if taken at their word. */
START_TEST(hostile_files)
{
  char *folder = command_folder();
  FILE *file = command_create(folder, "laughs.yaml");
  fputs("a: &a [x, x, x, x, x, x, x, x, x, x]\n", file);
  for (char c = 'b'; c < 'm'; c++) {
    fprintf(file, "%c: &%c [", c, c);
    for (int i = 0; i < 10; i++)
      fprintf(file, "%s*%c", i > 0 ? ", " : "", c - 1);
    fputs("]\n", file);
  }
  fclose(file);
  file = command_create(folder, "deep.yaml");
  for (int i = 0; i < 100000; i++)
    fputc('[', file);
  fclose(file);
  file = command_create(folder, "nested.yaml");
  for (int i = 0; i < 90; i++)
    fputs("{a: ", file);
  fputs("1", file);
  for (int i = 0; i < 90; i++)
    fputs("}", file);
  fclose(file);
  file = command_create(folder, "wide.yaml");
  fputs(SIM "populations:\n  a: {model: iaf_psc_delta, size: 4294967295, params: {tau_m: [1 ms]}}\n"
            "inputs: [{target: a, neurons: 0..4294967294, current: {dc: 1}}]\n",
        file);
  fclose(file);
  static const char *const files[][2] = {{"laughs.yaml", "its aliases, written out, make it more than"},
                                         {"deep.yaml", "deep.yaml:1:1001: more than 1000 brackets are open"},
                                         {"nested.yaml", "too many levels"},
                                         {"wide.yaml", "has no unit"}};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    remove("stdout");
    int code = command_run(folder, (const char *[]){"run", files[i][0], NULL});
    char *messages = command_text(folder, "stderr");
    ck_assert_msg(code == 2 && strstr(messages, files[i][1]), "%s: %d\n%s", files[i][0], code, messages);
    free(messages);
  }
  command_remove(folder);
}
END_TEST

/* A long file of errors ends in a count of those that are not shown. */
START_TEST(many_errors)
{
  char *folder = command_folder();
  FILE *file = command_create(folder, "many.yaml");
  fputs(SIM "populations:\n", file);
  for (int i = 0; i < 1000; i++)
    fprintf(file, "  p%d: {model: nothing, size: 1}\n", i);
  fclose(file);
  int code = command_run(folder, (const char *[]){"run", "many.yaml", NULL});
  char *messages = command_text(folder, "stderr");
  ck_assert_int_eq(code, 2);
  ck_assert_msg(strstr(messages, "many.yaml:202:17: ") && !strstr(messages, "many.yaml:203:17: ") &&
                    strstr(messages, "many.yaml: and 800 more errors"),
                "%.200s", messages);
  free(messages);
  command_remove(folder);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("wrong configs");
  TCase *tests = tcase_create("wrong configs");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, wrong_config, 0, WRONGS);
  tcase_add_test(tests, wrong_files);
  tcase_add_test(tests, wrong_arguments);
  tcase_add_test(tests, wrong_overrides);
  tcase_add_test(tests, hostile_files);
  tcase_add_test(tests, many_errors);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
