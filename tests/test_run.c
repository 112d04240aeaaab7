/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `hillock run` as a user meets it: what it writes, what it leaves alone, how it ends. */
#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hillock/spikes.h>
#include <hillock/status.h>
#include <hillock/traces.h>

#include "command.h"
#include "suite.h"

/* A clock of 10 ms drives one neuron over threshold at each tick; b hears it 1.5 ms later. c is driven at random. */
static const char model[] =
    "simulation: {duration: 100 ms, seed: 3}\n"
    "populations:\n"
    "  clock: {model: spike_source, params: {times: [10 ms, 20 ms, 30 ms, 40 ms]}}\n"
    "  a: &cell {model: iaf_psc_delta, size: 1, params: {E_L: 0 mV, V_reset: 0 mV, V_th: 10 mV}}\n"
    "  b: *cell\n"
    "  c: {<<: *cell, size: 20, init: {V_m: {uniform: [0 mV, 10 mV]}}}\n"
    "projections:\n"
    "  - {source: clock, target: a, rule: one_to_one, weight: 20 mV, delay: 1 ms}\n"
    "  - {source: a, target: b, rule: one_to_one, weight: 20 mV, delay: 1.5 ms}\n"
    "  - {source: c, target: c, rule: {fixed_indegree: 3}, weight: -1 mV, delay: {uniform: [1 ms, 3 ms]}}\n"
    "inputs: [{target: c, poisson: {rate: 2 kHz}, weight: 1 mV}]\n"
    "record: {traces: [{name: v, population: c, neurons: 0..2, interval: 1 ms}]}\n";

static char *folder;

static void set_up(void)
{
  folder = command_folder();
  FILE *file = command_create(folder, "net.yaml");
  fputs(model, file);
  fclose(file);
}

static void tear_down(void)
{
  command_remove(folder);
}

static bool exists(const char *name)
{
  char *path = command_path(folder, name);
  struct stat info;
  bool found = lstat(path, &info) == 0;
  free(path);
  return found;
}

static double number(const char *name, const char *note)
{
  char *path = command_path(folder, name);
  struct hk_spike_reader *reader = NULL;
  double value = NAN;
  ck_assert_int_eq(hk_spike_reader_open(path, &reader, NULL), HK_OK);
  ck_assert_msg(hk_spike_reader_note_number(reader, note, &value), "%s has no note %s", name, note);
  hk_spike_reader_close(reader);
  free(path);
  return value;
}

static char *text(const char *name, const char *note)
{
  char *path = command_path(folder, name), *value = NULL;
  struct hk_spike_reader *reader = NULL;
  ck_assert_int_eq(hk_spike_reader_open(path, &reader, NULL), HK_OK);
  ck_assert_msg(hk_spike_reader_note_text(reader, note, &value), "%s has no note %s", name, note);
  hk_spike_reader_close(reader);
  free(path);
  return value;
}

static void same_spikes(const char *one, const char *other, const char *population, double until)
{
  struct command_spikes a = command_spikes(folder, one, population), b = command_spikes(folder, other, population);
  size_t count = 0;
  while (count < b.count && b.times[count] <= until)
    count++;
  ck_assert_uint_eq(a.count, count);
  if (count > 0) {
    ck_assert_mem_eq(a.times, b.times, count * sizeof *a.times);
    ck_assert_mem_eq(a.ids, b.ids, count * sizeof *a.ids);
  }
  command_spikes_clear(&a);
  command_spikes_clear(&b);
}

#define RUN(...) command_run_well(folder, (const char *[]){"run", __VA_ARGS__, NULL})
#define TRY(...) command_run(folder, (const char *[]){"run", __VA_ARGS__, NULL})

START_TEST(what_is_written)
{
  RUN("net.yaml");
  ck_assert(exists("results/net/spikes.h5") && exists("results/net/config.yaml") && exists("results/net/v.h5"));
  struct command_spikes a = command_spikes(folder, "results/net", "a"), b = command_spikes(folder, "results/net", "b");
  ck_assert(a.count == 4 && b.count == 4);
  for (size_t i = 0; i < 4; i++)
    ck_assert(a.times[i] == 10.0 * (double)(i + 1) + 1.0 && b.times[i] == a.times[i] + 1.5);
  command_spikes_clear(&a);
  command_spikes_clear(&b);

  const char *result = "results/net";
  ck_assert(number(result, "complete") == 1 && number(result, "interrupted") == 0);
  ck_assert(number(result, "duration") == 100 && number(result, "size_c") == 20 && number(result, "neurons") == 23);
  ck_assert(number(result, "synapses") == 62 && number(result, "build_seconds") >= 0 &&
            number(result, "run_seconds") >= 0 && number(result, "threads") >= 1);
  static const char *const notes[] = {"config", "seed", "command", "version"};
  const char *const expected[] = {model, "3", "hillock run net.yaml", hk_version()};
  for (size_t i = 0; i < 4; i++) {
    char *value = text(result, notes[i]);
    ck_assert_str_eq(value, expected[i]);
    free(value);
  }

  char *path = command_path(folder, "results/net/v.h5");
  struct hk_trace_reader *trace = NULL;
  ck_assert_int_eq(hk_trace_reader_open(path, &trace, NULL), HK_OK);
  ck_assert(hk_trace_reader_info(trace).node_count == 3 && hk_trace_reader_info(trace).interval == 1.0);
  hk_trace_reader_close(trace);
  free(path);

  char *messages = command_text(folder, "stderr"), *data = command_text(folder, "stdout");
  ck_assert_ptr_nonnull(strstr(messages, "results in results/net"));
  ck_assert_ptr_nonnull(strstr(messages, "population"));
  ck_assert_str_eq(data, "");
  free(messages);
  free(data);
}
END_TEST

START_TEST(resolved_config_gives_the_same)
{
  RUN("net.yaml", "--seed", "9", "--duration", "0.2 s", "--set", "populations.c.size=30", "-o", "one");
  RUN("one/config.yaml", "-o", "two");
  RUN("two/config.yaml", "-o", "three", "--threads=1", "--scheduler", "queue");
  struct command_spikes c = command_spikes(folder, "one", "c");
  ck_assert_uint_gt(c.count, 30);
  command_spikes_clear(&c);
  for (size_t i = 0; i < 3; i++) {
    same_spikes("one", "two", (const char *[]){"a", "b", "c"}[i], INFINITY);
    same_spikes("one", "three", (const char *[]){"a", "b", "c"}[i], INFINITY);
  }
  char *one = command_text(folder, "one/config.yaml"), *two = command_text(folder, "two/config.yaml");
  ck_assert_str_eq(one, two);
  ck_assert_ptr_nonnull(strstr(one, "seed: 9\n"));
  ck_assert_ptr_nonnull(strstr(one, "duration: 200 ms\n"));
  free(one);
  free(two);
}
END_TEST

START_TEST(overwriting)
{
  RUN("net.yaml", "-o", "deep/er/out");
  struct command_spikes before = command_spikes(folder, "deep/er/out", "c");
  ck_assert_int_eq(TRY("net.yaml", "-o", "deep/er/out", "--seed", "8"), 2);
  char *messages = command_text(folder, "stderr");
  ck_assert_ptr_nonnull(strstr(messages, "deep/er/out: holds `spikes.h5` already; `--overwrite`"));
  free(messages);
  struct command_spikes after = command_spikes(folder, "deep/er/out", "c");
  ck_assert_uint_eq(before.count, after.count);
  ck_assert_mem_eq(before.times, after.times, before.count * sizeof *before.times);
  command_spikes_clear(&before);
  command_spikes_clear(&after);
  /* a trace of the old result does not stay behind as if it belonged to the new one */
  RUN("net.yaml", "-o", "deep/er/out/", "--overwrite", "--set", "record.traces=[]");
  ck_assert(!exists("deep/er/out/v.h5") && exists("deep/er/out/spikes.h5"));
  /* what no run wrote is not replaced, --overwrite or not */
  FILE *file = command_create(folder, "config.yaml");
  fputs(model, file);
  fclose(file);
  ck_assert_int_eq(TRY("net.yaml", "-o", "."), 2);
  ck_assert_int_eq(TRY("config.yaml", "-o", ".", "--overwrite"), 2);
  char *config = command_text(folder, "config.yaml");
  ck_assert_str_eq(config, model);
  free(config);
}
END_TEST

START_TEST(folders_that_cannot_be)
{
  fclose(command_create(folder, "plain"));
  ck_assert_int_eq(TRY("net.yaml", "-o", "plain"), 2);
  ck_assert_int_eq(TRY("net.yaml", "-o", "plain/below"), 2);
  ck_assert_int_eq(TRY("net.yaml", "-o", ""), 2);
  ck_assert_int_eq(TRY("net.yaml", "-o", "/proc/nowhere"), geteuid() == 0 ? 1 : 2);
  ck_assert(!exists("results"));
}
END_TEST

/* Neurons that fire without end do not fill the memory. */
START_TEST(runaway)
{
  ck_assert_int_eq(
      TRY("net.yaml", "--set", "populations.c.params={I_e: 1e30 pA, t_ref: 0 ms}", "--scheduler", "windows"), 1);
  char *messages = command_text(folder, "stderr");
  ck_assert_msg(strstr(messages, "no numerical solution soon after 0 ms") && strstr(messages, "unit"), "%s", messages);
  free(messages);
}
END_TEST

START_TEST(dry_run)
{
  RUN("net.yaml", "--dry-run");
  ck_assert(!exists("results"));
  char *data = command_text(folder, "stdout");
  static const char *const expected[] = {"clock",
                                         "a",
                                         "b",
                                         "c",
                                         "iaf_psc_delta",
                                         "neurons   23\n",
                                         "synapses  62\n",
                                         "memory ",
                                         "shards    1\n",
                                         "duration  100 ms\n"};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
    ck_assert_msg(strstr(data, expected[i]) != NULL, "`%s` is not in\n%s", expected[i], data);
  free(data);
}
END_TEST

/* No theory tells the rate of a conductance neuron; that of those it sends to goes by the one assumed. */
START_TEST(dry_run_of_unknown_rates)
{
  FILE *file = command_create(folder, "mixed.yaml");
  fputs("simulation: {duration: 100 ms}\n"
        "populations: {c: {model: iaf_cond_exp, size: 100}, a: {model: iaf_psc_exp, size: 5}}\n"
        "projections: [{source: c, target: a, rule: all_to_all, weight: 400 pA, delay: 1 ms}]\n"
        "record: {spikes: [c], traces: [{name: v, population: c, variables: [V_m, g_ex], interval: 0.01 ms}]}\n",
        file);
  fclose(file);
  RUN("mixed.yaml", "--dry-run");
  char *data = command_text(folder, "stdout");
  double rate = 0;
  const char *row = strstr(data, "\na ");
  ck_assert_msg(strstr(data, "100          unknown\n") && strstr(data, "at 20 Hz where they are unknown"), "%s", data);
  ck_assert_msg(row && sscanf(row, " a iaf_psc_exp 5 %lf", &rate) == 1 && rate > 10, "%s", data);
  /* 20 Hz in 100 neurons for 0.1 s; 200 columns of 10,000 numbers */
  ck_assert_msg(strstr(data, "\nfiles     at least 3.2 kB of spikes, 8 MB of traces\n"), "%s", data);
  free(data);
  RUN("mixed.yaml", "--dry-run", "--duration", "1e300 s");
  data = command_text(folder, "stdout");
  ck_assert_msg(strstr(data, " EB of traces\n"), "%s", data);
  free(data);
}
END_TEST

/* --- signals and full disks --- */

static pid_t start(const char *const *arguments, rlim_t largest_file)
{
  const char *binary = getenv("HK_HILLOCK");
  ck_assert_ptr_nonnull(binary);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child > 0)
    return child;
  if (chdir(folder) != 0 || !freopen("stderr", "w", stderr) || !freopen("stdout", "w", stdout))
    _exit(126);
  if (largest_file > 0) {
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){largest_file, largest_file});
  }
  execv(binary, (char *const *)(void *)arguments);
  _exit(127);
}

/* Until the run that was started has told how far it is, as it does every two seconds: a minute at the most. */
static void wait_for_progress(void)
{
  bool is_told = false;
  for (int i = 0; i < 6000 && !is_told; i++) {
    usleep(10000);
    char *messages = exists("stderr") ? command_text(folder, "stderr") : NULL;
    is_told = messages && strstr(messages, " left\n");
    free(messages);
  }
  ck_assert_msg(is_told, "it did not tell how far it is");
}

static int finish(pid_t child)
{
  int status = 0;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const char *const endless[] = {"hillock", "run",    "net.yaml", "--duration",       "1e6 s",
                                      "-o",      "result", "--set",    "record.traces=[]", NULL};

START_TEST(interrupted)
{
  const int number_of[] = {SIGINT, SIGTERM};
  pid_t child = start(endless, 0);
  wait_for_progress();
  kill(child, number_of[_i]);
  ck_assert_int_eq(finish(child), 130);
  char *messages = command_text(folder, "stderr");
  ck_assert_ptr_nonnull(strstr(messages, "interrupted at "));
  ck_assert_ptr_nonnull(strstr(messages, "results in result"));
  free(messages);
  double reached = number("result", "duration");
  ck_assert(number("result", "interrupted") == 1 && number("result", "complete") == 1);
  ck_assert(reached > 0 && reached < 1e9 && number("result", "duration_asked") == 1e9);
  /* everything up to then, and nothing else: a run of that length gives the same */
  char duration[64];
  snprintf(duration, sizeof duration, "%.17g ms", reached);
  RUN("net.yaml", "--duration", duration, "-o", "again", "--set", "record.traces=[]");
  struct command_spikes c = command_spikes(folder, "result", "c");
  ck_assert_uint_gt(c.count, 0);
  command_spikes_clear(&c);
  for (size_t i = 0; i < 3; i++)
    same_spikes("result", "again", (const char *[]){"a", "b", "c"}[i], reached);
}
END_TEST

START_TEST(killed)
{
  pid_t child = start(endless, 0);
  wait_for_progress();
  kill(child, SIGKILL);
  ck_assert_int_eq(finish(child), 128 + SIGKILL);
  ck_assert(number("result", "complete") == 0);
}
END_TEST

START_TEST(full_disk)
{
  static const char *const arguments[] = {"hillock", "run",    "net.yaml",   "--duration", "1e6 s",
                                          "-o",      "result", "--progress", "none",       NULL};
  pid_t child = start(arguments, 3 << 20);
  ck_assert_int_eq(finish(child), 1);
  char *messages = command_text(folder, "stderr");
  size_t lines = 0;
  for (const char *c = messages; *c; c++)
    lines += *c == '\n';
  ck_assert_msg(strstr(messages, "File too large") != NULL && lines <= 3, "%s", messages);
  free(messages);
}
END_TEST

START_TEST(progress_lines)
{
  RUN("net.yaml", "--progress", "none", "-o", "none");
  char *messages = command_text(folder, "stderr");
  ck_assert_ptr_null(strstr(messages, "left"));
  free(messages);
  pid_t child = start(endless, 0);
  wait_for_progress();
  kill(child, SIGINT);
  ck_assert_int_eq(finish(child), 130);
  messages = command_text(folder, "stderr");
  ck_assert_msg(strstr(messages, " x real time, ") && strstr(messages, " spikes, ") && strstr(messages, " left\n"),
                "%s", messages);
  ck_assert_ptr_null(strchr(messages, '\r'));
  free(messages);
}
END_TEST

/* --- the other commands --- */

START_TEST(help)
{
  static const char *const commands[] = {"run", "models", "raster"};
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    command_run_well(folder, (const char *[]){commands[i], "--help", NULL});
    char *data = command_text(folder, "stdout");
    ck_assert_msg(strncmp(data, "usage: hillock ", 15) == 0, "%s", data);
    free(data);
  }
  command_run_well(folder, (const char *[]){"--version", NULL});
  char *data = command_text(folder, "stdout");
  ck_assert(strstr(data, hk_version()) != NULL);
  free(data);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("run");
  TCase *tests = tcase_create("run");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, what_is_written);
  tcase_add_test(tests, resolved_config_gives_the_same);
  tcase_add_test(tests, overwriting);
  tcase_add_test(tests, folders_that_cannot_be);
  tcase_add_test(tests, runaway);
  tcase_add_test(tests, dry_run);
  tcase_add_test(tests, dry_run_of_unknown_rates);
  tcase_add_loop_test(tests, interrupted, 0, 2);
  tcase_add_test(tests, killed);
  tcase_add_test(tests, full_disk);
  tcase_add_test(tests, progress_lines);
  tcase_add_test(tests, help);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
