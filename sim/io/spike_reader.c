/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading spikes from SONATA files of any age, in whatever pieces the caller asks for.
 *
 * What holds once a reader is open: each population's two columns hold plain numbers, are there as far as declared,
 * and are equally long as far as `count` goes. Nothing but one piece at a time is in memory. */
#include <hillock/spikes.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/h5.h"

struct population {
  char *name;
  struct hk__h5_column times, ids;
  uint64_t count;
  double factor; /* to ms */
  enum hk_sorting sorting;
};

struct hk_spike_reader {
  struct hk__h5_results results;
  struct population *populations;
  size_t count;
};

static enum hk_status read_sorting(hid_t group, hid_t ids, hid_t spikes, enum hk_sorting *sorting)
{
  const hid_t places[] = {group, ids, spikes};
  *sorting = HK_SORTING_NONE;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    char *text;
    double number = -1.0;
    enum hk_status status = hk__h5_text(places[i], "sorting", &text);
    if (status)
      return status;
    if (!text && !hk__h5_number(places[i], "sorting", &number))
      continue;
    if (number == 2.0 || (text && strcmp(text, "by_time") == 0))
      *sorting = HK_SORTING_BY_TIME;
    else if (number == 1.0 || (text && (strcmp(text, "by_id") == 0 || strcmp(text, "by_gid") == 0)))
      *sorting = HK_SORTING_BY_ID;
    free(text);
    break;
  }
  return HK_OK;
}

static enum hk_status read_unit(struct population *population, const char *where, const char *path,
                                struct hk_messages *messages)
{
  population->factor = 1.0;
  char *unit;
  enum hk_status status = hk__h5_text(population->times.dataset, "units", &unit);
  if (unit && !hk__h5_time_unit(unit, &population->factor))
    status = hk__h5_complain(messages, HK_ERR_INPUT, path,
                             "%s/timestamps is in `%s`, which is not a unit of time; ms or s would do", where, unit);
  free(unit);
  return status;
}

/* A writer that was killed in the very moment of a flush may leave behind spikes that never reached the file; they
 * stand at the end, in whole chunks, and are unreadable or read as the writer's fill values. */
static void drop_missing_tail(struct population *population)
{
  enum { CHUNK = HK__SPIKE_CHUNK };
  while (population->count > 0) {
    double time;
    uint64_t id;
    const uint64_t last = population->count - 1;
    if (hk__h5_column_doubles(&population->times, last, 1, &time) == HK_OK &&
        hk__h5_column_unsigned(&population->ids, last, 1, &id) == HK_OK && !isnan(time) && id != UINT64_MAX)
      return;
    population->count = last / CHUNK * CHUNK;
  }
}

static enum hk_status check_lengths(struct hk_spike_reader *reader, struct population *population, const char *where,
                                    struct hk_messages *messages)
{
  const uint64_t times = population->times.count, ids = population->ids.count;
  population->count = times < ids ? times : ids;
  if (reader->results.cut_off)
    drop_missing_tail(population);
  else if (times != ids)
    return hk__h5_complain(messages, HK_ERR_INPUT, reader->results.path,
                           "%s has %llu timestamps but %llu node ids; as many were expected", where,
                           (unsigned long long)times, (unsigned long long)ids);
  return HK_OK;
}

static enum hk_status open_population(struct hk_spike_reader *reader, hid_t group, hid_t spikes, const char *where,
                                      struct population *population, struct hk_messages *messages)
{
  const unsigned stored = reader->results.cut_off ? 0 : HK__H5_STORED;
  const char *ids_name =
      !hk__h5_has_dataset(group, "node_ids") && hk__h5_has_dataset(group, "gids") ? "gids" : "node_ids";
  enum hk_status status =
      hk__h5_column_open(group, where, "timestamps", stored, reader->results.path, &population->times, messages);
  if (!status)
    status = hk__h5_column_open(group, where, ids_name, stored | HK__H5_INTEGERS, reader->results.path,
                                &population->ids, messages);
  if (!status)
    status = read_unit(population, where, reader->results.path, messages);
  if (!status)
    status = check_lengths(reader, population, where, messages);
  if (!status)
    status = read_sorting(group, population->ids.dataset, spikes, &population->sorting);
  return status;
}

static enum hk_status add_populations(struct hk_spike_reader *reader, hid_t spikes, char **names, size_t count,
                                      struct hk_messages *messages)
{
  reader->populations = calloc(count ? count : 1, sizeof *reader->populations);
  if (!reader->populations)
    return HK_ERR_MEMORY;
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < count && !status; i++) {
    struct population *population = &reader->populations[reader->count++];
    *population = (struct population){.name = strdup(names[i]), .times = {.dataset = -1}, .ids = {.dataset = -1}};
    char *where = NULL;
    if (!population->name || asprintf(&where, "/spikes%s%s", *names[i] ? "/" : "", names[i]) < 0)
      return HK_ERR_MEMORY;
    hid_t group = H5Gopen2(spikes, *names[i] ? names[i] : ".", H5P_DEFAULT);
    status = group < 0 ? hk__h5_complain(messages, HK_ERR_INPUT, reader->results.path, "%s cannot be read", where)
                       : open_population(reader, group, spikes, where, population, messages);
    hk__h5_drop(group);
    free(where);
  }
  return status;
}

static enum hk_status open_populations(struct hk_spike_reader *reader, struct hk_messages *messages)
{
  if (!hk__h5_has_group(reader->results.file, "spikes"))
    return hk__h5_complain(messages, HK_ERR_INPUT, reader->results.path, "holds no spikes: it has no group /spikes");
  hid_t spikes = H5Gopen2(reader->results.file, "spikes", H5P_DEFAULT);
  if (spikes < 0)
    return hk__h5_complain(messages, HK_ERR_INPUT, reader->results.path, "/spikes cannot be read");
  char **names = NULL;
  size_t count = 0;
  enum hk_status status;
  if (hk__h5_has_dataset(spikes, "timestamps")) { /* the old layout has no populations */
    char *no_name[] = {""};
    status = add_populations(reader, spikes, no_name, 1, messages);
  } else {
    status = hk__h5_group_names(spikes, &names, &count);
    if (status)
      hk__h5_complain(messages, status, reader->results.path, "/spikes cannot be read");
    else
      status = add_populations(reader, spikes, names, count, messages);
  }
  hk__h5_names_free(names, count);
  hk__h5_drop(spikes);
  return status;
}

static void close_reader(struct hk_spike_reader *reader)
{
  for (size_t i = 0; i < reader->count; i++) {
    free(reader->populations[i].name);
    hk__h5_column_close(&reader->populations[i].times);
    hk__h5_column_close(&reader->populations[i].ids);
  }
  free(reader->populations);
  hk__h5_results_close(&reader->results);
  free(reader);
}

static char *spikes_path(const char *path)
{
  struct stat info;
  char *full = NULL;
  const bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
  if (asprintf(&full, "%s%s", path, folder ? "/spikes.h5" : "") < 0)
    return NULL;
  return full;
}

enum hk_status hk_spike_reader_open(const char *path, struct hk_spike_reader **out, struct hk_messages *messages)
{
  struct hk_spike_reader *reader = calloc(1, sizeof *reader);
  if (!reader)
    return HK_ERR_MEMORY;
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  enum hk_status status = hk__h5_results_open(spikes_path(path), &reader->results, messages);
  if (!status)
    status = open_populations(reader, messages);
  if (status) {
    close_reader(reader);
  } else {
    hk__h5_results_warn(&reader->results, "spikes", messages);
    *out = reader;
  }
  hk__h5_unhush(&quiet);
  return status;
}

void hk_spike_reader_close(struct hk_spike_reader *reader)
{
  if (!reader)
    return;
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  close_reader(reader);
  hk__h5_unhush(&quiet);
}

size_t hk_spike_reader_population_count(const struct hk_spike_reader *reader)
{
  return reader->count;
}

struct hk_spike_population hk_spike_reader_population(const struct hk_spike_reader *reader, size_t population)
{
  if (population >= reader->count)
    return (struct hk_spike_population){"", 0, HK_SORTING_NONE};
  const struct population *found = &reader->populations[population];
  return (struct hk_spike_population){found->name, found->count, found->sorting};
}

enum hk_status hk_spike_reader_read(struct hk_spike_reader *reader, size_t population, uint64_t first, size_t count,
                                    double *times, uint64_t *node_ids)
{
  if (population >= reader->count)
    return HK_ERR_INPUT;
  const struct population *from = &reader->populations[population];
  if (first > from->count || count > from->count - first)
    return HK_ERR_INPUT;
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  enum hk_status status = hk__h5_column_doubles(&from->times, first, count, times);
  if (!status)
    status = hk__h5_column_unsigned(&from->ids, first, count, node_ids);
  hk__h5_unhush(&quiet);
  for (size_t i = 0; from->factor != 1.0 && !status && i < count; i++)
    times[i] *= from->factor;
  return status;
}

bool hk_spike_reader_note_text(struct hk_spike_reader *reader, const char *name, char **text)
{
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  char *found = NULL;
  if (reader->results.provenance >= 0 && hk__h5_text(reader->results.provenance, name, &found))
    found = NULL;
  hk__h5_unhush(&quiet);
  if (found)
    *text = found;
  return found != NULL;
}

bool hk_spike_reader_note_number(struct hk_spike_reader *reader, const char *name, double *value)
{
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  bool found = reader->results.provenance >= 0 && hk__h5_number(reader->results.provenance, name, value);
  hk__h5_unhush(&quiet);
  return found;
}
