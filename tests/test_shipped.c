/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every shipped config runs, under both schedulers with the same spikes: to 1e-9 ms over a span that is short enough
 * for chaos not to have magnified what rounding does differently. */
#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <hillock/spikes.h>

#include "command.h"
#include "suite.h"

/* How a config is made short enough for the plain scheduler; the others run as they are. */
static const struct {
  const char *prefix, *duration;
  const char *sets[2];
} shortened[] = {
    {"brette_3", "15 ms", {"populations.exc.size=400", "populations.inh.size=100"}},
    {"brette_", "60 ms", {NULL}},
    {"brunel_", "25 ms", {"populations.exc.size=1200", "populations.inh.size=300"}},
    {"microcircuit_tenth", "40 ms", {NULL}},
};

/* The full microcircuit holds 300 million synapses; the tenth is written by the same script. */
static const char *const too_large[] = {"microcircuit_full.yaml", "microcircuit_dc.yaml"};

enum { CONFIGS_MAX = 200 };
static char *configs[CONFIGS_MAX]; /* names of the files */
static int config_count;
static const char *config_folder;

static bool is_network(const char *name)
{
  char *text = command_text(config_folder, name);
  bool found = strstr(text, "\npopulations:") != NULL;
  free(text);
  return found;
}

static void find_configs(void)
{
  DIR *entries = opendir(config_folder);
  if (!entries)
    return;
  for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
    const char *ending = strrchr(entry->d_name, '.');
    if (!ending || strcmp(ending, ".yaml") != 0 || config_count == CONFIGS_MAX)
      continue;
    bool fits = true;
    for (size_t i = 0; i < sizeof too_large / sizeof *too_large; i++)
      fits = fits && strcmp(entry->d_name, too_large[i]) != 0;
    if (fits)
      configs[config_count++] = strdup(entry->d_name);
  }
  closedir(entries);
}

static void run(const char *folder, const char *name, const char *scheduler)
{
  char *config = command_path(config_folder, name);
  const char *arguments[16] = {"run", config, "--scheduler", scheduler, "-o", scheduler, "--progress", "none"};
  size_t count = 8;
  for (size_t i = 0; i < sizeof shortened / sizeof *shortened; i++) {
    if (strncmp(name, shortened[i].prefix, strlen(shortened[i].prefix)) != 0)
      continue;
    arguments[count++] = "--duration";
    arguments[count++] = shortened[i].duration;
    for (size_t k = 0; k < 2 && shortened[i].sets[k]; k++) {
      arguments[count++] = "--set";
      arguments[count++] = shortened[i].sets[k];
    }
    break;
  }
  command_run_well(folder, arguments);
  free(config);
}

static struct hk_spike_reader *open_result(const char *folder, const char *result)
{
  struct hk_spike_reader *reader = NULL;
  char *path = command_path(folder, result);
  ck_assert_int_eq(hk_spike_reader_open(path, &reader, NULL), HK_OK);
  free(path);
  return reader;
}

/* Spikes ordered by neuron, then time: an order that rounding cannot change. */
struct spike {
  uint64_t id;
  double time;
};

static int compare_spikes(const void *a, const void *b)
{
  const struct spike *x = a, *y = b;
  if (x->id != y->id)
    return x->id < y->id ? -1 : 1;
  return (x->time > y->time) - (x->time < y->time);
}

static struct spike *sorted_spikes(const char *folder, const char *result, const char *population, size_t *count)
{
  struct command_spikes read = command_spikes(folder, result, population);
  struct spike *spikes = calloc(read.count + 1, sizeof *spikes);
  ck_assert_ptr_nonnull(spikes);
  for (size_t i = 0; i < read.count; i++)
    spikes[i] = (struct spike){read.ids[i], read.times[i]};
  *count = read.count;
  command_spikes_clear(&read);
  qsort(spikes, *count, sizeof *spikes, compare_spikes);
  return spikes;
}

static size_t compare_population(const char *config, const char *folder, const char *population)
{
  size_t queue_count, windows_count;
  struct spike *queue = sorted_spikes(folder, "queue", population, &queue_count);
  struct spike *windows = sorted_spikes(folder, "windows", population, &windows_count);
  ck_assert_msg(queue_count == windows_count, "%s, %s: %zu spikes under queue, %zu under windows", config, population,
                queue_count, windows_count);
  for (size_t i = 0; i < queue_count; i++)
    ck_assert_msg(queue[i].id == windows[i].id && fabs(queue[i].time - windows[i].time) <= 1e-9,
                  "%s, %s: neuron %llu at %.12f ms under queue, neuron %llu at %.12f ms under windows", config,
                  population, (unsigned long long)queue[i].id, queue[i].time, (unsigned long long)windows[i].id,
                  windows[i].time);
  free(queue);
  free(windows);
  return queue_count;
}

START_TEST(schedulers_agree)
{
  const char *config = configs[_i];
  if (!is_network(config))
    return;
  char *folder = command_folder();
  run(folder, config, "queue");
  run(folder, config, "windows");
  struct hk_spike_reader *reader = open_result(folder, "queue");
  size_t total = 0;
  for (size_t i = 0; i < hk_spike_reader_population_count(reader); i++)
    total += compare_population(config, folder, hk_spike_reader_population(reader, i).name);
  hk_spike_reader_close(reader);
  command_remove(folder);
  ck_assert_msg(total > 0, "%s: no spike to compare", config);
}
END_TEST

START_TEST(configs_are_found)
{
  ck_assert_int_ge(config_count, 8);
}
END_TEST

int main(void)
{
  config_folder = getenv("HK_CONFIGS") ? getenv("HK_CONFIGS") : "";
  find_configs();
  Suite *suite = suite_create("shipped");
  TCase *tcase = tcase_create("configs");
  tcase_set_timeout(tcase, 240.0);
  tcase_add_test(tcase, configs_are_found);
  tcase_add_loop_test(tcase, schedulers_agree, 0, config_count);
  suite_add_tcase(suite, tcase);
  int code = run_suite(suite);
  for (int i = 0; i < config_count; i++)
    free(configs[i]);
  return code;
}
