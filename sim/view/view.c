/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a view: what is chosen, how large it is, how long it lasts. */
#include "view/view_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hk_selection hk_selection_all(void)
{
  return (struct hk_selection){.from = NAN, .to = NAN};
}

/* --- the source --- */

static size_t source_count(const struct hk_view *view, size_t list_count)
{
  return view->reader ? hk_spike_reader_population_count(view->reader) : list_count;
}

static struct hk_spike_population source_population(const struct hk_view *view, size_t index)
{
  if (view->reader)
    return hk_spike_reader_population(view->reader, index);
  return (struct hk_spike_population){view->lists[index].name, view->lists[index].count, HK_SORTING_NONE};
}

enum hk_status hk__view_read(struct hk_view *view, const struct hk__population *population, uint64_t first,
                             size_t count, double *times, uint64_t *ids)
{
  if (count == 0)
    return HK_OK;
  if (view->reader)
    return hk_spike_reader_read(view->reader, population->source, first, count, times, ids);
  const struct hk_spike_list *list = &view->lists[population->source];
  memcpy(times, list->times + first, count * sizeof *times);
  memcpy(ids, list->node_ids + first, count * sizeof *ids);
  return HK_OK;
}

bool hk_view_note_text(const struct hk_view *view, const char *name, char **text)
{
  return view->reader && hk_spike_reader_note_text(view->reader, name, text);
}

bool hk_view_note_number(const struct hk_view *view, const char *name, double *value)
{
  return view->reader && hk_spike_reader_note_number(view->reader, name, value);
}

/* --- choosing --- */

static const char *shown_name(const char *name)
{
  return name[0] ? name : "neurons";
}

static enum hk_status add_population(struct hk_view *view, size_t source)
{
  struct hk_spike_population of = source_population(view, source);
  struct hk__population *population = &view->populations[view->count];
  *population = (struct hk__population){.source = source, .count = of.count, .last = -1};
  population->in_order = of.sorting == HK_SORTING_BY_TIME;
  population->name = strdup(shown_name(of.name));
  if (!population->name)
    return HK_ERR_MEMORY;
  view->count++;
  return HK_OK;
}

static bool already_chosen(const struct hk_view *view, size_t source)
{
  for (size_t i = 0; i < view->count; i++)
    if (view->populations[i].source == source)
      return true;
  return false;
}

static ptrdiff_t find_source(const struct hk_view *view, size_t count, const char *name)
{
  for (size_t i = 0; i < count; i++)
    if (strcmp(shown_name(source_population(view, i).name), name) == 0)
      return (ptrdiff_t)i;
  return -1;
}

/* The names of the source, for a message: at most some of them. */
static void list_names(const struct hk_view *view, size_t count, char *text, size_t length)
{
  text[0] = '\0';
  for (size_t i = 0; i < count; i++) {
    const char *name = shown_name(source_population(view, i).name);
    size_t used = strlen(text);
    if (used + strlen(name) + 8 > length) {
      strcpy(text + used, ", ...");
      return;
    }
    strcpy(text + used, i ? ", " : "");
    strcat(text, name);
  }
}

static enum hk_status choose_named(struct hk_view *view, size_t count, const struct hk_selection *selection,
                                   struct hk_messages *messages)
{
  for (size_t p = 0; p < selection->population_count; p++) {
    ptrdiff_t source = find_source(view, count, selection->populations[p]);
    if (source < 0) {
      char names[300];
      list_names(view, count, names, sizeof names);
      hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "there is no population `%s`; the file has: %s",
                      selection->populations[p], count ? names : "none");
      return HK_ERR_INPUT;
    }
    if (already_chosen(view, (size_t)source))
      continue;
    enum hk_status status = add_population(view, (size_t)source);
    if (status != HK_OK)
      return status;
  }
  return HK_OK;
}

/* In the order that the file notes; what it does not name comes after, in the order of the file. */
static enum hk_status choose_all(struct hk_view *view, size_t count)
{
  char *names = NULL, *rest = NULL;
  enum hk_status status = HK_OK;
  if (hk_view_note_text(view, "populations", &names))
    for (char *name = strtok_r(names, "\n", &rest); name && status == HK_OK; name = strtok_r(NULL, "\n", &rest)) {
      ptrdiff_t source = find_source(view, count, name);
      if (source >= 0 && !already_chosen(view, (size_t)source))
        status = add_population(view, (size_t)source);
    }
  free(names);
  for (size_t i = 0; i < count && status == HK_OK; i++)
    if (!already_chosen(view, i))
      status = add_population(view, i);
  return status;
}

static enum hk_status choose_populations(struct hk_view *view, size_t list_count, const struct hk_selection *selection,
                                         struct hk_messages *messages)
{
  size_t count = source_count(view, list_count);
  view->populations = calloc(count ? count : 1, sizeof *view->populations);
  if (!view->populations)
    return HK_ERR_MEMORY;
  if (selection->population_count > 0)
    return choose_named(view, count, selection, messages);
  return choose_all(view, count);
}

static int compare_ranges(const void *a, const void *b)
{
  const struct hk__range *x = a, *y = b;
  return x->first < y->first ? -1 : x->first > y->first;
}

static enum hk_status choose_neurons(struct hk_view *view, const struct hk_selection *selection,
                                     struct hk_messages *messages)
{
  if (selection->neuron_range_count == 0)
    return HK_OK;
  view->ranges = calloc(selection->neuron_range_count, sizeof *view->ranges);
  if (!view->ranges)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < selection->neuron_range_count; i++) {
    struct hk_id_range range = selection->neurons[i];
    if (range.last < range.first) {
      hk_messages_add(messages, HK_SEVERITY_ERROR, NULL,
                      "the range of neurons %" PRIu64 "-%" PRIu64 " ends before it begins", range.first, range.last);
      return HK_ERR_INPUT;
    }
    view->ranges[i] = (struct hk__range){.first = range.first, .last = range.last};
  }
  qsort(view->ranges, selection->neuron_range_count, sizeof *view->ranges, compare_ranges);
  for (size_t i = 0; i < selection->neuron_range_count; i++) {
    struct hk__range *end = view->range_count ? &view->ranges[view->range_count - 1] : NULL;
    if (end && (view->ranges[i].first <= end->last || view->ranges[i].first == end->last + 1)) {
      end->last = view->ranges[i].last > end->last ? view->ranges[i].last : end->last;
      continue;
    }
    view->ranges[view->range_count++] = view->ranges[i];
  }
  uint64_t row = 0;
  for (size_t i = 0; i < view->range_count; i++) {
    view->ranges[i].row = row;
    row += view->ranges[i].last - view->ranges[i].first + 1;
  }
  return HK_OK;
}

static void count_rows(const struct hk_view *view, struct hk__population *population)
{
  population->rows = view->range_count ? 0 : population->size;
  for (size_t i = 0; i < view->range_count && view->ranges[i].first < population->size; i++) {
    uint64_t end = view->ranges[i].last < population->size ? view->ranges[i].last + 1 : population->size;
    population->rows += end - view->ranges[i].first;
  }
}

bool hk__view_row(const struct hk_view *view, uint64_t id, uint64_t *row)
{
  size_t low = 0, high = view->range_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (id > view->ranges[middle].last)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == view->range_count || id < view->ranges[low].first)
    return false;
  *row = view->ranges[low].row + (id - view->ranges[low].first);
  return true;
}

bool hk_view_selects(const struct hk_view *view, uint64_t id)
{
  uint64_t row;
  return view->range_count == 0 || hk__view_row(view, id, &row);
}

/* --- sizes and span --- */

/* Sizes beyond this are no population of neurons but a broken note. */
static const double size_limit = 9007199254740992.0; /* 2^53 */

static void state_size(const struct hk_view *view, const struct hk_selection *selection,
                       struct hk__population *population)
{
  for (size_t i = 0; i < selection->size_count; i++)
    if (strcmp(selection->sizes[i].population, population->name) == 0) {
      population->size = selection->sizes[i].size;
      population->size_stated = true;
    }
  if (!view->reader && !population->size_stated && view->lists[population->source].size > 0) {
    population->size = view->lists[population->source].size;
    population->size_stated = true;
  }
  char *name = NULL;
  double size = 0;
  if (!view->reader || population->size_stated || asprintf(&name, "size_%s", population->name) < 0)
    return;
  if (hk_view_note_number(view, name, &size) && size >= 1 && size < size_limit) {
    population->size = (uint64_t)size;
    population->size_stated = population->believed = true;
  }
  free(name);
}

static enum hk_status check_sizes(const struct hk_view *view, const struct hk_selection *selection,
                                  struct hk_messages *messages)
{
  for (size_t i = 0; i < selection->size_count; i++) {
    size_t p = 0;
    while (p < view->count && strcmp(view->populations[p].name, selection->sizes[i].population) != 0)
      p++;
    if (p == view->count) {
      hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "a size is given for `%s`, which is not shown",
                      selection->sizes[i].population);
      return HK_ERR_INPUT;
    }
  }
  return HK_OK;
}

static enum hk_status survey(struct hk_view *view, struct hk__population *population)
{
  double before = 0;
  uint64_t id_before = 0;
  population->in_order = true;
  for (uint64_t first = 0; first < population->count; first += HK__BLOCK) {
    uint64_t left = population->count - first;
    size_t count = left < HK__BLOCK ? (size_t)left : HK__BLOCK;
    enum hk_status status = hk__view_read(view, population, first, count, view->times, view->ids);
    if (status != HK_OK)
      return status;
    for (size_t i = 0; i < count; i++) {
      double time = view->times[i];
      uint64_t id = view->ids[i];
      if (!hk__good_time(time)) {
        population->in_order = false;
        continue;
      }
      if (time < before || (time == before && id < id_before))
        population->in_order = false;
      before = time;
      id_before = id;
      if (population->size_stated && id >= population->size)
        continue;
      population->last = time > population->last ? time : population->last;
      population->largest_id = id > population->largest_id ? id : population->largest_id;
    }
  }
  return HK_OK;
}

static enum hk_status survey_all(struct hk_view *view, struct hk_messages *messages)
{
  for (size_t p = 0; p < view->count; p++) {
    struct hk__population *population = &view->populations[p];
    enum hk_status status = survey(view, population);
    if (status != HK_OK) {
      hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "the spikes of `%s` cannot be read: %s", population->name,
                      hk_status_message(status));
      return status;
    }
    if (population->size_stated)
      continue;
    if (population->largest_id == UINT64_MAX) {
      hk_messages_add(messages, HK_SEVERITY_ERROR, NULL,
                      "`%s` has a neuron of id %" PRIu64 ", which is no id; give the population's size to leave it out",
                      population->name, population->largest_id);
      return HK_ERR_INPUT;
    }
    population->size = population->last < 0 ? 0 : population->largest_id + 1;
    if (population->size > 0)
      hk_messages_add(messages, HK_SEVERITY_WARNING, NULL,
                      "the file does not say how many neurons `%s` has: taken as %" PRIu64 ", its largest id + 1",
                      population->name, population->size);
  }
  return HK_OK;
}

/* The last time of a population: found by the survey, or where it must stand in one that is believed. */
static enum hk_status find_last(struct hk_view *view, struct hk__population *population)
{
  uint64_t id;
  if (population->last >= 0 || population->count == 0 || !population->in_order)
    return HK_OK;
  enum hk_status status = hk__view_read(view, population, population->count - 1, 1, &population->last, &id);
  if (!hk__good_time(population->last))
    population->last = -1;
  return status;
}

static enum hk_status set_span(struct hk_view *view, const struct hk_selection *selection, double duration,
                               struct hk_messages *messages)
{
  double last = 0;
  for (size_t p = 0; p < view->count; p++) {
    enum hk_status status = find_last(view, &view->populations[p]);
    if (status != HK_OK)
      return status;
    last = fmax(last, view->populations[p].last);
  }
  if (last > duration && isnan(selection->to))
    hk_messages_add(messages, HK_SEVERITY_WARNING, NULL,
                    "the file says that it lasts %g ms, but has spikes up to %.15g ms: these are shown too", duration,
                    last);
  view->from = isnan(selection->from) ? 0 : selection->from;
  view->to = isnan(selection->to) ? fmax(fmax(last, duration), view->from) : selection->to;
  if (!hk__good_time(view->from) || !hk__good_time(view->to) || view->from > view->to) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL,
                    "from %g ms to %g ms is no span of time: it must begin at 0 or later and end after its beginning",
                    view->from, view->to);
    return HK_ERR_INPUT;
  }
  const double end = fmax(last, duration);
  if (view->from > 0 && view->from >= end)
    hk_messages_add(messages, HK_SEVERITY_WARNING, NULL, "nothing is shown from %g ms on: the recording ends at %g ms",
                    view->from, end);
  return HK_OK;
}

/* Numbers of neurons that no population reaches up to are a slip. */
static void check_rows(const struct hk_view *view, struct hk_messages *messages)
{
  uint64_t rows = 0, largest = 0;
  for (size_t p = 0; p < view->count; p++) {
    rows += view->populations[p].rows;
    largest = view->populations[p].size > largest ? view->populations[p].size : largest;
  }
  if (rows == 0 && largest > 0)
    hk_messages_add(messages, HK_SEVERITY_WARNING, NULL,
                    "no neuron is shown: numbers from %" PRIu64 " on are asked for, there are 0 to %" PRIu64,
                    view->ranges[0].first, largest - 1);
}

static enum hk_status prepare(struct hk_view *view, size_t list_count, const struct hk_selection *selection,
                              struct hk_messages *messages)
{
  view->times = malloc(HK__BLOCK * sizeof *view->times);
  view->ids = malloc(HK__BLOCK * sizeof *view->ids);
  view->rows = malloc(HK__BLOCK * sizeof *view->rows);
  if (!view->times || !view->ids || !view->rows)
    return HK_ERR_MEMORY;
  enum hk_status status = choose_populations(view, list_count, selection, messages);
  if (status == HK_OK)
    status = choose_neurons(view, selection, messages);
  if (status == HK_OK)
    status = check_sizes(view, selection, messages);
  if (status != HK_OK)
    return status;
  double duration = NAN, complete = 1.0;
  if (!hk_view_note_number(view, "duration", &duration) || !hk__good_time(duration))
    duration = NAN;
  /* a run that was killed may have written spikes after it last noted how far it had come */
  if (hk_view_note_number(view, "complete", &complete) && complete == 0.0)
    duration = NAN;
  bool believed = !isnan(duration);
  for (size_t p = 0; p < view->count; p++) {
    state_size(view, selection, &view->populations[p]);
    believed = believed && view->populations[p].believed && view->populations[p].in_order;
  }
  if (!believed && (status = survey_all(view, messages)) != HK_OK)
    return status;
  for (size_t p = 0; p < view->count; p++)
    count_rows(view, &view->populations[p]);
  check_rows(view, messages);
  return set_span(view, selection, duration, messages);
}

static enum hk_status open_view(struct hk_spike_reader *reader, const struct hk_spike_list *lists, size_t list_count,
                                const struct hk_selection *selection, struct hk_view **out,
                                struct hk_messages *messages)
{
  struct hk_selection all = hk_selection_all();
  struct hk_view *view = calloc(1, sizeof *view);
  if (!view) {
    hk_spike_reader_close(reader);
    return HK_ERR_MEMORY;
  }
  view->reader = reader;
  view->lists = lists;
  enum hk_status status = prepare(view, list_count, selection ? selection : &all, messages);
  if (status != HK_OK) {
    hk_view_close(view);
    return status;
  }
  *out = view;
  return HK_OK;
}

enum hk_status hk_view_open(const char *path, const struct hk_selection *selection, struct hk_view **out,
                            struct hk_messages *messages)
{
  struct hk_spike_reader *reader = NULL;
  enum hk_status status = hk_spike_reader_open(path, &reader, messages);
  return status == HK_OK ? open_view(reader, NULL, 0, selection, out, messages) : status;
}

enum hk_status hk_view_open_memory(const struct hk_spike_list *lists, size_t count,
                                   const struct hk_selection *selection, struct hk_view **out,
                                   struct hk_messages *messages)
{
  return open_view(NULL, lists, count, selection, out, messages);
}

void hk_view_close(struct hk_view *view)
{
  if (!view)
    return;
  hk_spike_reader_close(view->reader);
  for (size_t p = 0; p < view->count; p++)
    free(view->populations[p].name);
  free(view->populations);
  free(view->ranges);
  free(view->times);
  free(view->ids);
  free(view->rows);
  free(view);
}

double hk_view_from(const struct hk_view *view)
{
  return view->from;
}

double hk_view_to(const struct hk_view *view)
{
  return view->to;
}

size_t hk_view_population_count(const struct hk_view *view)
{
  return view->count;
}

struct hk_view_population hk_view_population(const struct hk_view *view, size_t population)
{
  const struct hk__population *of = &view->populations[population];
  return (struct hk_view_population){of->name, of->size, of->rows, of->size_stated, of->count};
}

uint64_t hk_view_id(const struct hk_view *view, size_t population, uint64_t row)
{
  (void)population;
  size_t i = view->range_count;
  while (i > 1 && view->ranges[i - 1].row > row)
    i--;
  return i ? view->ranges[i - 1].first + (row - view->ranges[i - 1].row) : row;
}
