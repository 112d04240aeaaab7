/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The events of a window seen again, for neurons that need them one by one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/shard.h"

/* Takes synapses of one code, as many as stand together. */
static void take_run(struct hk__events *events, const struct hk__indexed *synapse, uint64_t count, double time,
                     const struct hk__code *code)
{
  const struct hk__event like = {time, code->weight, 0, code->port, 0};
  struct hk__event *event = events->event + events->count;
  for (uint64_t i = 0; i < count; i++) {
    event[i] = like;
    event[i].neuron = synapse[i].target;
  }
  events->count += count;
}

/* The next synapse of an entry, and others that arrive with it: there is room for all that is left. Returns when it
 * arrives; if that is before the end, they are taken. */
static inline double take_some(struct hk__events *events, struct hk__entry *entry, double end)
{
  const struct hk__block *block = entry->block;
  const struct hk__synapse s = hk__block_synapse(block, entry->at);
  const double time = entry->departure + s.delay;
  if (time >= end)
    return time;
  if (block->format != HK__INDEXED) {
    events->event[events->count++] = (struct hk__event){time, s.weight, s.target, s.port, 0};
    entry->at++;
    return time;
  }
  const struct hk__indexed *synapse = block->indexed + entry->at;
  uint64_t run = 1;
  while (entry->at + run < entry->end && synapse[run].code == synapse->code)
    run++;
  take_run(events, synapse, run, time, &block->code[synapse->code]);
  entry->at += run;
  return time;
}

static enum hk_status take_slice(struct hk__shard_state *shard, struct hk__entry *entry, double end)
{
  struct hk__events *events = &shard->events;
  enum hk_status status = hk__events_reserve(events, entry->end - entry->at);
  if (status != HK_OK)
    return status;
  while (entry->at < entry->end) {
    double time = take_some(events, entry, end);
    if (time >= end) {
      entry->next = time;
      return HK_OK;
    }
  }
  entry->next = INFINITY;
  shard->arrived++;
  return HK_OK;
}

static enum hk_status take_chunk(struct hk__shard_state *shard, struct hk__chunk *chunk, size_t from, double end)
{
  enum { AHEAD = 6 };
  struct hk__entry *entry = shard->entry;
  enum hk_status status = HK_OK;
  chunk->soonest = INFINITY;
  for (size_t e = from; e < from + HK__CHUNK && e < shard->entry_count && status == HK_OK; e++) {
    if (e + AHEAD < shard->entry_count && entry[e + AHEAD].next < end)
      hk__entry_prefetch(&entry[e + AHEAD]);
    entry[e].begin = entry[e].at;
    if (entry[e].next < end)
      status = take_slice(shard, &entry[e], end);
    chunk->soonest = fmin(chunk->soonest, entry[e].next);
  }
  return status;
}

enum hk_status hk__shard_gather(struct hk__shard_state *shard, const struct hk__window *window)
{
  enum hk_status status = HK_OK;
  shard->events.count = 0;
  for (size_t from = 0; from < shard->entry_count && status == HK_OK; from += HK__CHUNK) {
    struct hk__chunk *chunk = hk__shard_due_chunk(shard, from, window->end);
    if (chunk)
      status = take_chunk(shard, chunk, from, window->end);
  }
  if (status == HK_OK)
    status = hk__drives_draw(shard, window);
  shard->event_count += shard->events.count;
  return status;
}

static uint32_t target_of(const struct hk__block *block, uint64_t i)
{
  switch (block->format) {
  case HK__INDEXED:
    return block->indexed[i].target;
  case HK__TIGHT:
    return hk__tight_target(block->tight[i]);
  case HK__COMPACT:
    return block->compact[i].target;
  default:
    return block->wide[i].target;
  }
}

static enum hk_status keep(struct hk__shard_state *shard, const struct hk__entry *entry, uint64_t i)
{
  struct hk__synapse s = hk__block_synapse(entry->block, i);
  return hk__events_add(&shard->events, (struct hk__event){entry->departure + s.delay, s.weight, s.target, s.port, 0});
}

/* Takes what was found in a slice whose targets were listed: from *hit on. */
static enum hk_status take_hits(struct hk__shard_state *shard, const struct hk__entry *entry, size_t *hit)
{
  const struct hk__seen *seen = &shard->seen;
  const size_t end = entry->seen + (entry->at - entry->begin);
  enum hk_status status = HK_OK;
  for (; *hit < seen->hit_count && seen->hit[*hit] < end && status == HK_OK; ++*hit)
    status = keep(shard, entry, entry->begin + (seen->hit[*hit] - entry->seen));
  return status;
}

static enum hk_status look_through(struct hk__shard_state *shard, const struct hk__entry *entry)
{
  enum hk_status status = HK_OK;
  for (uint64_t i = entry->begin; i < entry->at && status == HK_OK; i++)
    if (shard->wanted[target_of(entry->block, i)])
      status = keep(shard, entry, i);
  return status;
}

enum hk_status hk__shard_recall(struct hk__shard_state *shard, const struct hk__window *window)
{
  enum hk_status status = HK_OK;
  size_t hit = 0;
  shard->events.count = 0;
  shard->find_wanted(shard);
  for (size_t e = 0; e < shard->entry_count && status == HK_OK; e++) {
    const struct hk__entry *entry = &shard->entry[e];
    if (e % HK__CHUNK == 0 && !shard->chunk[e / HK__CHUNK].sliced)
      e += HK__CHUNK - 1;
    else if (entry->begin < entry->at)
      status = entry->seen == SIZE_MAX ? look_through(shard, entry) : take_hits(shard, entry, &hit);
  }
  for (size_t i = 0; i < shard->suspect_count && status == HK_OK; i++)
    status = hk__drives_recall(shard, window, shard->suspect[i].neuron);
  return status;
}

static enum hk_status reserve(uint32_t **array, size_t *capacity, size_t wanted)
{
  if (wanted <= *capacity)
    return HK_OK;
  wanted += wanted / 2;
  uint32_t *grown = realloc(*array, wanted * sizeof *grown);
  if (!grown)
    return HK_ERR_MEMORY;
  *array = grown;
  *capacity = wanted;
  return HK_OK;
}

/* The events themselves are put in place, so that who reads a group reads memory from front to back; order is then 0,
 * 1, 2, ... */
enum hk_status hk__shard_group_events(struct hk__shard_state *shard, size_t marks, uint32_t **first)
{
  struct hk__events *from = &shard->events, *to = &shard->grouped;
  const size_t count = from->count;
  to->count = 0;
  enum hk_status status = hk__events_reserve(to, count);
  if (status == HK_OK)
    status = reserve(&shard->first, &shard->first_capacity, marks + 2);
  if (status == HK_OK) /* the second half is for merging */
    status = reserve(&shard->order, &shard->order_capacity, 2 * count + 2);
  if (status != HK_OK)
    return status;
  uint32_t *start = shard->first;
  memset(start, 0, (marks + 2) * sizeof *start);
  for (size_t i = 0; i < count; i++)
    start[shard->mark[from->event[i].neuron] + 1]++;
  for (size_t m = 1; m < marks + 2; m++)
    start[m] += start[m - 1];
  /* start[m] is where the events of mark m begin; filling moves it to where they end, where those of m + 1 begin */
  for (size_t i = 0; i < count; i++) {
    to->event[start[shard->mark[from->event[i].neuron]]++] = from->event[i];
    shard->order[i] = (uint32_t)i;
  }
  to->count = count;
  struct hk__events kept = *from;
  *from = *to;
  *to = kept;
  *first = start;
  return HK_OK;
}

/* Sorts a few, in place; those of one time stay as they are. */
static void insert_sorted(const struct hk__event *event, uint32_t *order, uint32_t count)
{
  for (uint32_t i = 1; i < count; i++) {
    uint32_t moving = order[i], place = i;
    for (; place > 0 && event[order[place - 1]].time > event[moving].time; place--)
      order[place] = order[place - 1];
    order[place] = moving;
  }
}

/* Merges a[0 .. middle) and a[middle .. count) into out. */
static void merge(const struct hk__event *event, const uint32_t *a, uint32_t middle, uint32_t count, uint32_t *out)
{
  for (uint32_t i = 0, j = middle, k = 0; k < count; k++)
    out[k] = j == count || (i < middle && event[a[i]].time <= event[a[j]].time) ? a[i++] : a[j++];
}

/* What is in order at the front, which is often nearly all, is left as it is. */
static void sort_range(const struct hk__event *event, uint32_t *order, uint32_t count, uint32_t *spare)
{
  enum { FEW = 16 };
  uint32_t sorted = 1;
  while (sorted < count && event[order[sorted - 1]].time <= event[order[sorted]].time)
    sorted++;
  if (sorted >= count)
    return;
  if (count <= FEW) {
    insert_sorted(event, order, count);
    return;
  }
  uint32_t middle = sorted >= count / 2 ? sorted : count / 2;
  if (sorted < middle)
    sort_range(event, order, middle, spare);
  sort_range(event, order + middle, count - middle, spare);
  merge(event, order, middle, count, spare);
  memcpy(order, spare, count * sizeof *order);
}

void hk__shard_sort_group(struct hk__shard_state *shard, uint32_t from, uint32_t to)
{
  sort_range(shard->events.event, shard->order + from, to - from, shard->order + shard->events.count + 1);
}

enum hk_status hk__shard_sort_events(struct hk__shard_state *shard, size_t marks, uint32_t **first)
{
  enum hk_status status = hk__shard_group_events(shard, marks, first);
  for (size_t m = 0; m < marks && status == HK_OK; m++)
    hk__shard_sort_group(shard, (*first)[m], (*first)[m + 1]);
  return status;
}
