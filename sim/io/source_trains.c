/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From spikes files to the trains of sources. Files may hold spikes in any order; a train is ascending. */
#include <hillock/spikes.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/suggest.h"
#include "io/spike_list.h"

static void complain(struct hk_messages *messages, const struct hk_place *place, const char *path, const char *what)
{
  const struct hk_place file = {path, 0, 0};
  if (place)
    hk_messages_add(messages, HK_SEVERITY_ERROR, place, "%s: %s", path, what);
  else
    hk_messages_add(messages, HK_SEVERITY_ERROR, &file, "%s", what);
}

static enum hk_status reserve(struct hk__spike_list *list, uint64_t more)
{
  if (more > SIZE_MAX / sizeof *list->spikes / 2 - list->count)
    return HK_ERR_MEMORY;
  const size_t needed = list->count + (size_t)more;
  if (needed <= list->capacity)
    return HK_OK;
  struct hk__listed_spike *spikes = realloc(list->spikes, needed * sizeof *spikes);
  if (!spikes)
    return HK_ERR_MEMORY;
  list->spikes = spikes;
  list->capacity = needed;
  return HK_OK;
}

static enum hk_status add_piece(struct hk__spike_list *list, const double *times, const uint64_t *ids, size_t count,
                                const char *path, const struct hk_place *place, struct hk_messages *messages)
{
  for (size_t i = 0; i < count; i++) {
    if (!(times[i] >= 0.0) || isinf(times[i]) || ids[i] >= UINT32_MAX) {
      char what[160];
      snprintf(what, sizeof what,
               "a spike of neuron %llu at %g ms; times from 0 ms on and neurons below 4294967295 were expected",
               (unsigned long long)ids[i], times[i]);
      complain(messages, place, path, what);
      return HK_ERR_INPUT;
    }
    list->spikes[list->count++] = (struct hk__listed_spike){times[i], ids[i]};
    list->size = ids[i] >= list->size ? ids[i] + 1 : list->size;
  }
  return HK_OK;
}

static enum hk_status read_population(struct hk__spike_list *list, struct hk_spike_reader *reader, size_t index,
                                      const char *path, const struct hk_place *place, struct hk_messages *messages)
{
  enum { PIECE = 4096 };
  double times[PIECE];
  uint64_t ids[PIECE];
  const uint64_t count = hk_spike_reader_population(reader, index).count;
  enum hk_status status = reserve(list, count);
  for (uint64_t at = 0; at < count && !status; at += PIECE) {
    const size_t piece = count - at < PIECE ? (size_t)(count - at) : PIECE;
    status = hk_spike_reader_read(reader, index, at, piece, times, ids);
    if (status)
      complain(messages, place, path, status == HK_ERR_INPUT ? "negative node ids" : "damaged data");
    else
      status = add_piece(list, times, ids, piece, path, place, messages);
  }
  return status;
}

/* The index of the population, or the count of populations after a message. */
static size_t find_population(struct hk_spike_reader *reader, const char *name, const char *path,
                              const struct hk_place *place, struct hk_messages *messages)
{
  const size_t count = hk_spike_reader_population_count(reader);
  if (count == 1 && (!name || hk_spike_reader_population(reader, 0).name[0] == '\0'))
    return 0;
  char what[480];
  if (!name) {
    snprintf(what, sizeof what, "holds %zu populations; say which one", count);
    complain(messages, place, path, what);
    return count;
  }
  struct hk__suggestion nearest;
  hk__suggest_begin(&nearest, name);
  for (size_t i = 0; i < count; i++) {
    const char *found = hk_spike_reader_population(reader, i).name;
    if (strcmp(found, name) == 0)
      return i;
    hk__suggest_offer(&nearest, found);
  }
  snprintf(what, sizeof what, "holds no spikes of a population `%.100s`%s", name, hk__suggest_clause(&nearest));
  complain(messages, place, path, what);
  return count;
}

enum hk_status hk__spike_list_read(struct hk__spike_list *list, const char *path, const char *population,
                                   const struct hk_place *place, struct hk_messages *messages)
{
  struct hk_spike_reader *reader;
  enum hk_status status = hk_spike_reader_open(path, &reader, messages);
  if (status)
    return status;
  const size_t index = find_population(reader, population, path, place, messages);
  if (index == hk_spike_reader_population_count(reader))
    status = HK_ERR_INPUT;
  else
    status = read_population(list, reader, index, path, place, messages);
  hk_spike_reader_close(reader);
  return status;
}

static int compare(const void *a, const void *b)
{
  const struct hk__listed_spike *x = a, *y = b;
  if (x->id != y->id)
    return x->id < y->id ? -1 : 1;
  return (x->time > y->time) - (x->time < y->time);
}

enum hk_status hk__spike_list_trains(struct hk__spike_list *list, uint64_t size, struct hk__source_trains *out,
                                     uint64_t *left_out)
{
  if (list->count > 0)
    qsort(list->spikes, list->count, sizeof *list->spikes, compare);
  size_t count = list->count;
  while (count > 0 && list->spikes[count - 1].id >= size)
    count--;
  double *times = malloc((count + 1) * sizeof *times);
  uint64_t *offsets = calloc(size + 1, sizeof *offsets);
  if (!times || !offsets) {
    free(times);
    free(offsets);
    return HK_ERR_MEMORY;
  }
  for (size_t i = 0; i < count; i++) {
    times[i] = list->spikes[i].time;
    offsets[list->spikes[i].id + 1]++;
  }
  for (uint64_t i = 0; i < size; i++)
    offsets[i + 1] += offsets[i];
  *left_out = list->count - count;
  *out = (struct hk__source_trains){size, times, offsets};
  return HK_OK;
}

void hk__spike_list_clear(struct hk__spike_list *list)
{
  free(list->spikes);
  *list = (struct hk__spike_list){0};
}

enum hk_status hk__source_trains_read(const char *path, const char *population, uint64_t size,
                                      struct hk__source_trains *out, const struct hk_place *place,
                                      struct hk_messages *messages)
{
  struct hk__spike_list list = {0};
  enum hk_status status = hk__spike_list_read(&list, path, population, place, messages);
  /* a damaged file may ask for any size: a few spikes must not take all memory */
  const bool implausible = list.size == 0 || list.size > 1000000 + 1000 * (uint64_t)list.count;
  if (!status && size == 0 && implausible) {
    complain(messages, place, path, "does not tell how large the population is: say it");
    status = HK_ERR_INPUT;
  } else if (!status && size > 0 && list.size > size) {
    char what[160];
    snprintf(what, sizeof what, "holds spikes of neuron %llu, but the population has only %llu neurons",
             (unsigned long long)list.size - 1, (unsigned long long)size);
    complain(messages, place, path, what);
    status = HK_ERR_INPUT;
  }
  uint64_t left_out;
  if (!status)
    status = hk__spike_list_trains(&list, size ? size : list.size, out, &left_out);
  hk__spike_list_clear(&list);
  return status;
}

void hk__source_trains_clear(struct hk__source_trains *trains)
{
  free(trains->times);
  free(trains->offsets);
  *trains = (struct hk__source_trains){0};
}
