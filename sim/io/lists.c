/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of neurons, spike times, pairs and steps. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/values.h"

/* --- selections --- */

static void keep_selection(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                           void *slot)
{
  (void)reader;
  (void)field;
  *(struct hk__selection *)slot = (struct hk__selection){.node = node};
}

/* Runs of consecutive neurons become ranges. */
static struct hk__node *write_selection(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  (void)field;
  const struct hk__selection *selection = slot;
  if (!selection->neurons)
    return hk__write_text(arena, "all");
  const struct hk__node **items = hk__arena_alloc(arena, selection->count, sizeof *items);
  size_t count = 0;
  for (size_t i = 0, end; items && i < selection->count; i = end) {
    for (end = i + 1; end < selection->count && selection->neurons[end] == selection->neurons[end - 1] + 1;)
      end++;
    char text[64];
    if (end - i > 1)
      snprintf(text, sizeof text, "%u..%u", (unsigned)selection->neurons[i], (unsigned)selection->neurons[end - 1]);
    else
      snprintf(text, sizeof text, "%u", (unsigned)selection->neurons[i]);
    if (!(items[count++] = hk__write_text(arena, text)))
      return NULL;
  }
  return items ? hk__node_sequence(arena, NULL, items, count) : NULL;
}

const struct hk__type hk__selection_type = {keep_selection, write_selection};

enum { LISTED_MAX = 1 << 28 };

struct range {
  uint64_t first, last;
};

static bool parse_range(const char *text, struct range *range)
{
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 18)
    return false;
  range->first = range->last = strtoull(text, NULL, 10);
  if (text[digits] == '\0')
    return true;
  if (text[digits] != '.' || text[digits + 1] != '.')
    return false;
  const char *last = text + digits + 2;
  digits = strspn(last, "0123456789");
  range->last = strtoull(last, NULL, 10);
  return digits > 0 && digits <= 18 && last[digits] == '\0' && range->first <= range->last;
}

static bool read_range(struct hk__reader *reader, const char *key, const struct hk__node *node, uint64_t size,
                       struct range *range)
{
  if (node->kind != HK__SCALAR || !parse_range(node->text, range)) {
    hk__wrong_value(reader, key, node, " was found", "an index such as `3` or a range such as `0..9`");
    return false;
  }
  if (range->last >= size) {
    char what[64];
    snprintf(what, sizeof what, "an index below %llu, the size of the population", (unsigned long long)size);
    hk__wrong_value(reader, key, node, " is out of range", what);
    return false;
  }
  return true;
}

static void find_doubles(struct hk__reader *reader, const char *key, uint64_t size, struct hk__selection *selection)
{
  unsigned char *seen = calloc(size / 8 + 1, 1);
  if (!seen) {
    reader->status = HK_ERR_MEMORY;
    return;
  }
  for (size_t i = 0; i < selection->count; i++) {
    uint32_t n = selection->neurons[i];
    if (seen[n / 8] >> (n % 8) & 1) {
      hk__wrong(reader, selection->node, "%s: neuron %u is named twice, once was expected", key, (unsigned)n);
      break;
    }
    seen[n / 8] |= (unsigned char)(1u << (n % 8));
  }
  free(seen);
}

static bool is_ascending(const struct hk__selection *selection)
{
  for (size_t i = 1; i < selection->count; i++)
    if (selection->neurons[i] < selection->neurons[i - 1])
      return false;
  return true;
}

static bool fill_selection(struct hk__reader *reader, const char *key, uint64_t size, const struct range *ranges,
                           size_t range_count, struct hk__selection *selection)
{
  uint64_t total = 0;
  for (size_t i = 0; i < range_count; i++)
    total += ranges[i].last - ranges[i].first + 1;
  if (total > size) {
    hk__wrong(reader, selection->node, "%s: names %llu neurons of a population of %llu, each at most once was expected",
              key, (unsigned long long)total, (unsigned long long)size);
    return false;
  }
  if (range_count == 1 && total == size)
    return true; /* all */
  if (total > LISTED_MAX) {
    hk__wrong(reader, selection->node, "%s: names %llu neurons, at most %d can be told one by one; `all` takes all",
              key, (unsigned long long)total, (int)LISTED_MAX);
    return false;
  }
  uint32_t *neurons = hk__reader_alloc(reader, total, sizeof *neurons);
  if (!neurons)
    return false;
  for (size_t i = 0; i < range_count; i++)
    for (uint64_t n = ranges[i].first; n <= ranges[i].last; n++)
      neurons[selection->count++] = (uint32_t)n;
  selection->neurons = neurons;
  size_t before = reader->wrong;
  find_doubles(reader, key, size, selection);
  if (reader->wrong != before || reader->status != HK_OK)
    return false;
  if (selection->count == size && is_ascending(selection))
    *selection = (struct hk__selection){.node = selection->node}; /* all, however it was said */
  return true;
}

bool hk__finish_selection(struct hk__reader *reader, const char *key, uint64_t size, struct hk__selection *selection)
{
  const struct hk__node *node = selection->node;
  if (!node || (node->kind == HK__SCALAR && strcmp(node->text, "all") == 0))
    return true;
  bool listed = node->kind == HK__SEQUENCE;
  size_t count = listed ? node->count : 1, before = reader->wrong;
  if (node->kind == HK__MAPPING || count == 0) {
    hk__wrong_value(reader, key, node, count == 0 ? " without entries was found" : " was found",
                    "`all`, a range such as `0..9` or a list of indices");
    return false;
  }
  struct range *ranges = malloc(count * sizeof *ranges);
  if (!ranges) {
    reader->status = HK_ERR_MEMORY;
    return false;
  }
  for (size_t i = 0; i < count; i++)
    read_range(reader, key, listed ? node->items[i] : node, size, &ranges[i]);
  bool good = reader->wrong == before && fill_selection(reader, key, size, ranges, count, selection);
  free(ranges);
  return good;
}

/* --- spike times --- */

static const struct hk__field time_field = {.key = "times", .unit = "ms", .low = 0, .high = INFINITY};

static bool read_train(struct hk__reader *reader, const struct hk__node *node, double *times, uint64_t *at)
{
  double last = 0;
  for (size_t i = 0; i < node->count; i++) {
    double *time = &times[*at];
    if (!hk__read_quantity(reader, &time_field, node->items[i], time))
      continue;
    if (*time < last)
      hk__wrong_value(reader, time_field.key, node->items[i], " is before the time that precedes it",
                      "an ascending list");
    last = *time;
    ++*at;
  }
  return true;
}

static size_t count_times(struct hk__reader *reader, const struct hk__node *node, bool nested)
{
  size_t total = nested ? 0 : node->count;
  for (size_t i = 0; nested && i < node->count; i++)
    if (node->items[i]->kind == HK__SEQUENCE)
      total += node->items[i]->count;
    else
      hk__wrong_value(reader, time_field.key, node->items[i], " was found among lists",
                      "a list of times for each source");
  return total;
}

static void read_times(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                       void *slot)
{
  (void)field;
  struct hk__times *out = slot;
  out->node = node;
  if (node->kind != HK__SEQUENCE) {
    hk__wrong_value(reader, time_field.key, node, " was found",
                    "a list such as `[10 ms, 20 ms]`, or a list of such lists");
    return;
  }
  bool nested = false;
  for (size_t i = 0; i < node->count; i++)
    nested = nested || node->items[i]->kind == HK__SEQUENCE;
  out->size = nested ? node->count : 1;
  double *times = hk__reader_alloc(reader, count_times(reader, node, nested), sizeof *times);
  uint64_t *offsets = hk__reader_alloc(reader, out->size + 1, sizeof *offsets), at = 0;
  if (!times || !offsets)
    return;
  for (size_t i = 0; i < out->size; i++) {
    const struct hk__node *train = nested ? node->items[i] : node;
    if (train->kind == HK__SEQUENCE)
      read_train(reader, train, times, &at);
    offsets[i + 1] = at;
  }
  out->trains = (struct hk_trains){times, offsets};
}

static struct hk__node *write_train(struct hk__arena *arena, const double *times, uint64_t count)
{
  struct hk_value list = hk_value_list(times, count);
  return hk__write_value(arena, "ms", &list);
}

static struct hk__node *write_times(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  (void)field;
  const struct hk__times *times = slot;
  const uint64_t *offsets = times->trains.offsets;
  if (times->size == 1)
    return write_train(arena, times->trains.times, offsets[1]);
  const struct hk__node **trains = hk__arena_alloc(arena, times->size, sizeof *trains);
  for (uint64_t i = 0; trains && i < times->size; i++)
    if (!(trains[i] = write_train(arena, times->trains.times + offsets[i], offsets[i + 1] - offsets[i])))
      return NULL;
  return trains ? hk__node_sequence(arena, NULL, trains, times->size) : NULL;
}

const struct hk__type hk__times_type = {read_times, write_times};

/* --- pairs --- */

static void read_pairs(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                       void *slot)
{
  static const char expected[] = "a list of pairs such as `[[0, 1], [0, 2]]`";
  const struct hk__field index = {.key = field->key, .low = 0, .high = UINT32_MAX - 1.0};
  struct hk__pairs *pairs = slot;
  pairs->node = node;
  if (node->kind != HK__SEQUENCE) {
    hk__wrong_value(reader, field->key, node, " was found", expected);
    return;
  }
  uint32_t *sources = hk__reader_alloc(reader, node->count, sizeof *sources);
  uint32_t *targets = hk__reader_alloc(reader, node->count, sizeof *targets);
  for (size_t i = 0; sources && targets && i < node->count; i++) {
    const struct hk__node *pair = node->items[i];
    uint64_t source = 0, target = 0;
    if (pair->kind != HK__SEQUENCE || pair->count != 2) {
      hk__wrong_value(reader, field->key, pair, " that is no pair was found", expected);
      continue;
    }
    hk__read_whole(reader, &index, pair->items[0], &source);
    hk__read_whole(reader, &index, pair->items[1], &target);
    sources[i] = (uint32_t)source;
    targets[i] = (uint32_t)target;
  }
  pairs->sources = sources;
  pairs->targets = targets;
  pairs->count = node->count;
}

static struct hk__node *write_two(struct hk__arena *arena, const struct hk__node *a, const struct hk__node *b)
{
  const struct hk__node *two[2] = {a, b};
  return a && b ? hk__node_sequence(arena, NULL, two, 2) : NULL;
}

static struct hk__node *write_pairs(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  (void)field;
  const struct hk__pairs *pairs = slot;
  const struct hk__node **items = hk__arena_alloc(arena, pairs->count, sizeof *items);
  for (size_t i = 0; items && i < pairs->count; i++)
    if (!(items[i] =
              write_two(arena, hk__write_whole(arena, pairs->sources[i]), hk__write_whole(arena, pairs->targets[i]))))
      return NULL;
  return items ? hk__node_sequence(arena, NULL, items, pairs->count) : NULL;
}

const struct hk__type hk__pairs_type = {read_pairs, write_pairs};

/* --- steps of a current --- */

static void read_steps(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                       void *slot)
{
  static const char expected[] = "a list of [time, amplitude] such as `[[100 ms, 20 pA], [200 ms, 0 pA]]`";
  const struct hk__field time = {.key = "steps", .unit = "ms", .low = 0, .high = INFINITY};
  const struct hk__field amplitude = {.key = "steps", .unit = "pA", .low = -INFINITY, .high = INFINITY};
  struct hk__steps *steps = slot;
  if (node->kind != HK__SEQUENCE || node->count == 0) {
    hk__wrong_value(reader, field->key, node, " was found", expected);
    return;
  }
  double *times = hk__reader_alloc(reader, node->count, sizeof *times);
  double *amplitudes = hk__reader_alloc(reader, node->count, sizeof *amplitudes);
  for (size_t i = 0; times && amplitudes && i < node->count; i++) {
    const struct hk__node *step = node->items[i];
    if (step->kind != HK__SEQUENCE || step->count != 2) {
      hk__wrong_value(reader, field->key, step, " that is no step was found", expected);
      continue;
    }
    bool good = hk__read_quantity(reader, &time, step->items[0], &times[i]);
    hk__read_quantity(reader, &amplitude, step->items[1], &amplitudes[i]);
    if (good && i > 0 && times[i] <= times[i - 1])
      hk__wrong_value(reader, field->key, step->items[0], " is not after the step that precedes it", "a later time");
  }
  *steps = (struct hk__steps){times, amplitudes, node->count};
}

static struct hk__node *write_steps(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  (void)field;
  const struct hk__steps *steps = slot;
  const struct hk__node **items = hk__arena_alloc(arena, steps->count, sizeof *items);
  for (size_t i = 0; items && i < steps->count; i++)
    if (!(items[i] = write_two(arena, hk__write_quantity(arena, "ms", steps->times[i]),
                               hk__write_quantity(arena, "pA", steps->amplitudes[i]))))
      return NULL;
  return items ? hk__node_sequence(arena, NULL, items, steps->count) : NULL;
}

const struct hk__type hk__steps_type = {read_steps, write_steps};
