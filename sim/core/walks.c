/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/lanes.h"
#include "core/walk.h"
#include "core/widest.h"

/* --- setting up --- */

/* What suits the processor. */
static void choose_loops(struct hk__walks *w, const struct hk_model *model)
{
  w->model = model;
  w->take_rounds = hk__walks_take_rounds;
  w->leap = hk__doze_leap;
#ifdef HK__HAS_WIDEST
  const struct hk_model *widest = hk__has_widest() ? hk__model_widest(model) : NULL;
  if (widest) {
    w->model = widest;
    w->take_rounds = hk__walks_take_rounds_widest;
    w->leap = hk__doze_leap_widest;
  }
#endif
}

static void compare_neurons(struct hk__walks *w, const struct hk__shard_state *shard)
{
  const struct hk__cell *cell = &shard->cells->cell[shard->place->first];
  w->alike = true;
  for (uint32_t i = 0; i < shard->place->count; i++) {
    w->alike &= cell[i].param == cell[0].param;
    w->sines |= shard->current[i].sine_count > 0;
    w->restless |= hk__current_is_restless(&shard->current[i]);
  }
}

enum hk_status hk__walks_create(struct hk__shard_state *shard)
{
  const size_t neurons = shard->place->count, blocks = neurons / HK__TIMER_BLOCK + 1;
  struct hk__walks *w = shard->walks = calloc(1, sizeof *w);
  if (!w)
    return HK_ERR_MEMORY;
  choose_loops(w, shard->place->model);
  compare_neurons(w, shard);
  w->earliest = calloc(blocks, sizeof *w->earliest);
  w->walk = calloc(neurons + 1u, sizeof *w->walk);
  w->due = malloc((neurons + 1u) * sizeof *w->due);
  w->under_way = calloc((HK__WALKS_LISTS - 1) * (neurons + 1u), sizeof *w->under_way);
  shard->bytes += sizeof *w + blocks * sizeof *w->earliest + neurons * HK__WALKS_BYTES;
  if (!w->earliest || !w->walk || !w->due || !w->under_way)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i <= HK__QUEUES; i++)
    w->queue[i] = w->under_way + (1 + i) * (neurons + 1u);
  return w->model->settle ? hk__doze_create(shard, &w->doze) : HK_OK;
}

void hk__walks_destroy(struct hk__walks *w)
{
  if (!w)
    return;
  free(w->earliest);
  free(w->walk);
  free(w->due);
  hk__doze_destroy(w->doze);
  free(w->under_way);
  free(w);
}

/* --- events --- */

/* Fetches what a walk needs first. */
static inline __attribute__((always_inline)) void prefetch(const struct hk__shard_state *shard, uint32_t neuron)
{
  const struct hk__cell *cell = &shard->cells->cell[shard->place->first + neuron];
  __builtin_prefetch(cell, 1);
  __builtin_prefetch(&shard->current[neuron]);
  __builtin_prefetch(&shard->timer[neuron], 1);
}

/* A walk, which begins with its first event, gets another. */
static inline void link_event(struct hk__shard_state *shard, size_t i)
{
  struct hk__walks *w = shard->walks;
  struct hk__event *event = shard->events.event;
  uint32_t *mark = &shard->mark[event[i].neuron];
  event[i].after = w->none;
  if (*mark > 0) {
    struct hk__walk *walk = &w->walk[*mark - 1];
    walk->shuffled |= event[i].time < event[walk->last].time;
    event[walk->last].after = i;
    walk->last = (uint32_t)i;
    return;
  }
  prefetch(shard, event[i].neuron);
  w->walk[w->walk_count++] = (struct hk__walk){.neuron = event[i].neuron, .event = i, .last = (uint32_t)i};
  *mark = (uint32_t)w->walk_count;
}

/* Begins a walk for each neuron that is awake and has any events, which are linked as they come; a mark stands at their
 * end. Those that doze keep theirs, unless that wakes them. Errors: HK_ERR_MEMORY, HK_ERR_NUMERIC. */
static enum hk_status link_events(struct hk__shard_state *shard, const struct hk__window *window)
{
  enum { AHEAD = 8 };
  struct hk__walks *w = shard->walks;
  struct hk__doze *doze = w->doze;
  w->walk_count = 0;
  w->none = shard->events.count;
  if (hk__events_add(&shard->events, (struct hk__event){.time = INFINITY}) != HK_OK)
    return HK_ERR_MEMORY;
  const struct hk__event *event = shard->events.event;
  for (size_t i = 0; i < w->none; i++) {
    if (doze && i + 2 * AHEAD < w->none) {
      __builtin_prefetch(&doze->dozer[event[i + 2 * AHEAD].neuron], 1);
      hk__doze_prefetch(doze, event[i + AHEAD].neuron);
    }
    if (!hk__dozes(doze, event[i].neuron) || !hk__doze_keep(doze, window, &event[i]))
      link_event(shard, i);
  }
  const enum hk_status status = doze ? hk__doze_answer(shard, window->start, window->end) : HK_OK;
  if (status == HK_OK && shard->events.count > UINT32_MAX)
    return HK_ERR_MEMORY;
  for (size_t i = w->none + 1; i < shard->events.count && status == HK_OK; i++)
    link_event(shard, i);
  return status;
}

/* Two lists in order become one; of events of one moment, those of a come first. */
static uint64_t merge(struct hk__event *event, uint64_t end, uint64_t a, uint64_t b)
{
  uint64_t first, *link = &first;
  while (a != end && b != end) {
    uint64_t *least = event[a].time <= event[b].time ? &a : &b;
    *link = *least;
    link = &event[*least].after;
    *least = *link;
  }
  *link = a != end ? a : b;
  return first;
}

/* Puts a list in order: its runs are merged, of about as many events each. Those of one moment stay as they came. */
static uint64_t sort_list(struct hk__event *event, uint64_t end, uint64_t list)
{
  enum { SIZES = 32 };
  uint64_t sorted[SIZES]; /* of about 2^k runs, which came before those of less */
  for (int k = 0; k < SIZES; k++)
    sorted[k] = end;
  while (list != end) {
    uint64_t run = list, last = list;
    while (event[last].after != end && event[event[last].after].time >= event[last].time)
      last = event[last].after;
    list = event[last].after;
    event[last].after = end;
    int k = 0;
    for (; sorted[k] != end; sorted[k++] = end)
      run = merge(event, end, sorted[k], run);
    sorted[k] = run;
  }
  uint64_t all = end;
  for (int k = 0; k < SIZES; k++)
    all = merge(event, end, sorted[k], all);
  return all;
}

static void sort_events(const struct hk__shard_state *shard)
{
  struct hk__walks *w = shard->walks;
  for (size_t i = 0; i < w->walk_count; i++)
    if (w->walk[i].shuffled)
      w->walk[i].event = sort_list(shard->events.event, w->none, w->walk[i].event);
}

/* Lists the neurons of a row of timers whose timer is due. Returns the earliest of those that are not. */
static double find_due_of(struct hk__shard_state *shard, double end, uint32_t first, uint32_t count)
{
  struct hk__walks *w = shard->walks;
  double earliest = INFINITY;
  for (uint32_t i = first; i < first + count; i++) {
    if (shard->timer[i] >= end)
      earliest = shard->timer[i] < earliest ? shard->timer[i] : earliest;
    else
      w->due[w->due_count++] = i;
  }
  return earliest;
}

/* Lists the neurons whose timers are due. */
static void find_due(struct hk__shard_state *shard, const struct hk__window *window)
{
  struct hk__walks *w = shard->walks;
  const uint32_t neurons = shard->place->count;
  const hk_lanes end = hk_lanes_all(window->end);
  w->due_count = 0;
  for (uint32_t block = 0; block * HK__TIMER_BLOCK < neurons; block++) {
    if (w->earliest[block] >= window->end)
      continue;
    const uint32_t first = block * HK__TIMER_BLOCK;
    const uint32_t last = first + HK__TIMER_BLOCK < neurons ? first + HK__TIMER_BLOCK : neurons;
    double earliest = INFINITY;
    hk_lanes earliest_lanes = hk_lanes_all(INFINITY);
    uint32_t i = first;
    for (; i + HK_LANES <= last; i += HK_LANES) {
      hk_lanes timer = hk__lanes_load(shard->timer + i);
      if (hk__lanes_below(timer, end) == 0)
        earliest_lanes = hk_lanes_min(timer, earliest_lanes);
      else
        earliest = fmin(earliest, find_due_of(shard, window->end, i, HK_LANES));
    }
    earliest = fmin(earliest, find_due_of(shard, window->end, i, last - i));
    for (int lane = 0; lane < HK_LANES; lane++)
      earliest = fmin(earliest, earliest_lanes[lane]);
    w->earliest[block] = earliest;
  }
}

/* Begins a walk for each of them that has no event. */
static void begin_due(struct hk__shard_state *shard)
{
  struct hk__walks *w = shard->walks;
  for (size_t i = 0; i < w->due_count; i++) {
    const uint32_t neuron = w->due[i];
    if (shard->mark[neuron] > 0)
      continue;
    prefetch(shard, neuron);
    w->walk[w->walk_count++] = (struct hk__walk){.neuron = neuron, .event = w->none};
  }
}

/* Those of them that doze wake. */
static void wake_due(const struct hk__walks *w)
{
  for (size_t i = 0; w->doze && i < w->due_count; i++)
    hk__doze_wake(w->doze, w->due[i]);
}

/* --- samples --- */

/* The samples of neurons that sleep through the window. */
static enum hk_status sample_sleepers(struct hk__shard_state *shard, const struct hk__window *window)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < shard->probe_count && status == HK_OK; i++) {
    uint32_t neuron = shard->probe[i].neuron;
    if (hk__dozes(shard->walks->doze, neuron))
      status = hk__doze_take_samples(shard, window, neuron);
    else if (shard->mark[neuron] == 0 && shard->timer[neuron] >= window->end)
      status = hk__cell_take_samples(shard, window, neuron, window->end);
  }
  return status;
}

/* --- walks --- */

enum hk_status hk__shard_step_walks(struct hk__shard_state *shard, const struct hk__window *window)
{
  struct hk__walks *w = shard->walks;
  enum hk_status status = hk__shard_gather(shard, window);
  find_due(shard, window);
  wake_due(shard->walks);
  if (status == HK_OK)
    status = link_events(shard, window);
  if (status != HK_OK)
    return status;
  const size_t with_events = w->walk_count;
  sort_events(shard);
  status = sample_sleepers(shard, window);
  begin_due(shard);
  for (size_t i = 0; i < with_events; i++)
    shard->mark[w->walk[i].neuron] = 0;
  return status == HK_OK ? w->take_rounds(shard, window) : status;
}
