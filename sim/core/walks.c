/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/lanes.h"
#include "core/walk.h"
#include "core/widest.h"

/* --- setting up --- */

/* What suits the processor. */
static void choose_loop(struct hk__walks *w, const struct hk_model *model)
{
  w->model = model;
  w->take_rounds = hk__walks_take_rounds;
#ifdef HK__HAS_WIDEST
  const struct hk_model *widest = hk__has_widest() ? hk__model_widest(model) : NULL;
  if (widest) {
    w->model = widest;
    w->take_rounds = hk__walks_take_rounds_widest;
  }
#endif
}

enum hk_status hk__walks_create(const struct hk_model *model, uint32_t neurons, struct hk__walks **out, uint64_t *bytes)
{
  size_t blocks = neurons / HK__TIMER_BLOCK + 1u;
  struct hk__walks *w = calloc(1, sizeof *w);
  if (!w)
    return HK_ERR_MEMORY;
  choose_loop(w, model);
  w->earliest = calloc(blocks, sizeof *w->earliest);
  w->walk = calloc(neurons + 1u, sizeof *w->walk);
  w->under_way = calloc((1 + HK__EFFORTS) * (neurons + 1u), sizeof *w->under_way);
  *bytes +=
      sizeof *w + blocks * sizeof *w->earliest + neurons * (sizeof *w->walk + (1 + HK__EFFORTS) * sizeof *w->under_way);
  if (!w->earliest || !w->walk || !w->under_way) {
    hk__walks_destroy(w);
    return HK_ERR_MEMORY;
  }
  for (size_t i = 0; i < HK__EFFORTS; i++)
    w->queue[i] = w->under_way + (1 + i) * (neurons + 1u);
  *out = w;
  return HK_OK;
}

void hk__walks_destroy(struct hk__walks *w)
{
  if (!w)
    return;
  free(w->earliest);
  free(w->after);
  free(w->walk);
  free(w->under_way);
  free(w);
}

/* --- events --- */

/* Fetches what a walk needs first. */
static inline __attribute__((always_inline)) void prefetch(const struct hk__shard_state *shard, uint32_t neuron)
{
  const char *cell = (const char *)&shard->cells->cell[shard->place->first + neuron];
  __builtin_prefetch(cell, 1);
  __builtin_prefetch(cell + 64, 1);
  __builtin_prefetch(&shard->current[neuron]);
  __builtin_prefetch(&shard->timer[neuron], 1);
}

static enum hk_status make_room(struct hk__walks *w, size_t events)
{
  if (events <= w->after_capacity)
    return HK_OK;
  if (events >= HK__NO_EVENT)
    return HK_ERR_MEMORY;
  uint32_t *grown = realloc(w->after, 2 * events * sizeof *grown);
  if (!grown)
    return HK_ERR_MEMORY;
  w->after = grown;
  w->after_capacity = 2 * events;
  return HK_OK;
}

/* Begins a walk for each neuron that has any events, which are linked as they come. */
static void link_events(struct hk__shard_state *shard)
{
  struct hk__walks *w = shard->walks;
  const struct hk__event *event = shard->events.event;
  uint32_t walks = 0;
  for (size_t i = 0; i < shard->events.count; i++) {
    uint32_t *mark = &shard->mark[event[i].neuron];
    w->after[i] = HK__NO_EVENT;
    if (*mark > 0) {
      struct hk__walk *walk = &w->walk[*mark - 1];
      walk->shuffled |= event[i].time < event[walk->last].time;
      w->after[walk->last] = (uint32_t)i;
      walk->last = (uint32_t)i;
      continue;
    }
    prefetch(shard, event[i].neuron);
    w->walk[walks] = (struct hk__walk){.neuron = event[i].neuron, .event = (uint32_t)i, .last = (uint32_t)i};
    *mark = ++walks;
  }
  w->walk_count = walks;
}

/* Two lists in order become one; of events of one moment, those of a come first. */
static uint32_t merge(uint32_t *after, const struct hk__event *event, uint32_t a, uint32_t b)
{
  uint32_t first, *link = &first;
  while (a != HK__NO_EVENT && b != HK__NO_EVENT) {
    uint32_t *least = event[a].time <= event[b].time ? &a : &b;
    *link = *least;
    link = &after[*least];
    *least = *link;
  }
  *link = a != HK__NO_EVENT ? a : b;
  return first;
}

/* Puts a list in order: its runs are merged, of about as many events each. Those of one moment stay as they came. */
static uint32_t sort_list(uint32_t *after, const struct hk__event *event, uint32_t list)
{
  enum { SIZES = 32 };
  uint32_t sorted[SIZES]; /* of about 2^k runs, which came before those of less */
  for (int k = 0; k < SIZES; k++)
    sorted[k] = HK__NO_EVENT;
  while (list != HK__NO_EVENT) {
    uint32_t run = list, last = list;
    while (after[last] != HK__NO_EVENT && event[after[last]].time >= event[last].time)
      last = after[last];
    list = after[last];
    after[last] = HK__NO_EVENT;
    int k = 0;
    for (; sorted[k] != HK__NO_EVENT; sorted[k++] = HK__NO_EVENT)
      run = merge(after, event, sorted[k], run);
    sorted[k] = run;
  }
  uint32_t all = HK__NO_EVENT;
  for (int k = 0; k < SIZES; k++)
    all = merge(after, event, sorted[k], all);
  return all;
}

static void sort_events(const struct hk__shard_state *shard)
{
  struct hk__walks *w = shard->walks;
  for (size_t i = 0; i < w->walk_count; i++)
    if (w->walk[i].shuffled)
      w->walk[i].event = sort_list(w->after, shard->events.event, w->walk[i].event);
}

/* Begins a walk for each neuron of a row of timers that has no event but whose timer is due. Returns the earliest of
 * those that are not due. */
static double list_due_of(struct hk__shard_state *shard, double end, uint32_t first, uint32_t count)
{
  struct hk__walks *w = shard->walks;
  double earliest = INFINITY;
  for (uint32_t i = first; i < first + count; i++) {
    if (shard->timer[i] >= end)
      earliest = shard->timer[i] < earliest ? shard->timer[i] : earliest;
    else if (shard->mark[i] == 0) {
      prefetch(shard, i);
      w->walk[w->walk_count++] = (struct hk__walk){.neuron = i, .event = HK__NO_EVENT};
    }
  }
  return earliest;
}

/* Begins a walk for each neuron that has no event but whose timer is due. */
static void list_due(struct hk__shard_state *shard, const struct hk__window *window)
{
  struct hk__walks *w = shard->walks;
  const uint32_t neurons = shard->place->count;
  const hk_lanes end = hk_lanes_all(window->end);
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
        earliest = fmin(earliest, list_due_of(shard, window->end, i, HK_LANES));
    }
    earliest = fmin(earliest, list_due_of(shard, window->end, i, last - i));
    for (int lane = 0; lane < HK_LANES; lane++)
      earliest = fmin(earliest, earliest_lanes[lane]);
    w->earliest[block] = earliest;
  }
}

/* --- samples --- */

/* The samples of neurons that sleep through the window. */
static enum hk_status sample_sleepers(struct hk__shard_state *shard, const struct hk__window *window)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < shard->probe_count && status == HK_OK; i++) {
    uint32_t neuron = shard->probe[i].neuron;
    if (shard->mark[neuron] == 0 && shard->timer[neuron] >= window->end)
      status = hk__cell_take_samples(shard, window, neuron, window->end);
  }
  return status;
}

/* --- walks --- */

enum hk_status hk__shard_step_walks(struct hk__shard_state *shard, const struct hk__window *window)
{
  struct hk__walks *w = shard->walks;
  enum hk_status status = hk__shard_gather(shard, window);
  if (status == HK_OK)
    status = make_room(w, shard->events.count);
  if (status != HK_OK)
    return status;
  link_events(shard);
  const size_t with_events = w->walk_count;
  sort_events(shard);
  status = sample_sleepers(shard, window);
  list_due(shard, window);
  for (size_t i = 0; i < with_events; i++)
    shard->mark[w->walk[i].neuron] = 0;
  return status == HK_OK ? w->take_rounds(shard, window) : status;
}
