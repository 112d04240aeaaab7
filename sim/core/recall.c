/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The events of a window seen again, for neurons that need them one by one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/shard.h"

void hk__shard_slice(struct hk__shard_state *shard, const struct hk__window *window)
{
  for (size_t e = 0; e < shard->entry_count; e++) {
    struct hk__entry *entry = &shard->entry[e];
    entry->begin = entry->at;
    while (entry->at < entry->end && entry->departure + hk__block_synapse(entry->block, entry->at).delay < window->end)
      entry->at++;
  }
}

static uint32_t target_of(const struct hk__block *block, uint64_t i)
{
  switch (block->format) {
  case HK__INDEXED:
    return block->indexed[i].target;
  case HK__COMPACT:
    return block->compact[i].target;
  default:
    return block->wide[i].target;
  }
}

enum hk_status hk__shard_recall(struct hk__shard_state *shard, const struct hk__window *window)
{
  enum hk_status status = HK_OK;
  shard->events.count = 0;
  const uint32_t *mark = shard->mark;
  for (size_t e = 0; e < shard->entry_count; e++) {
    const struct hk__entry *entry = &shard->entry[e];
    for (uint64_t i = entry->begin; i < entry->at; i++) {
      if (mark[target_of(entry->block, i)] == 0)
        continue;
      struct hk__synapse s = hk__block_synapse(entry->block, i);
      status =
          hk__events_add(&shard->events, (struct hk__event){entry->departure + s.delay, s.weight, s.target, s.port});
      if (status != HK_OK)
        return status;
    }
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

enum hk_status hk__shard_group_events(struct hk__shard_state *shard, size_t marks, uint32_t **first)
{
  enum hk_status status = reserve(&shard->first, &shard->first_capacity, marks + 2);
  if (status == HK_OK)
    status = reserve(&shard->order, &shard->order_capacity, shard->events.count + 1);
  if (status != HK_OK)
    return status;
  const struct hk__event *event = shard->events.event;
  uint32_t *start = shard->first, *order = shard->order;
  memset(start, 0, (marks + 2) * sizeof *start);
  for (size_t i = 0; i < shard->events.count; i++)
    start[shard->mark[event[i].neuron] + 1]++;
  for (size_t m = 1; m < marks + 2; m++)
    start[m] += start[m - 1];
  /* start[m] is where the events of mark m begin; filling moves it to where they end, where those of m + 1 begin */
  for (size_t i = 0; i < shard->events.count; i++)
    order[start[shard->mark[event[i].neuron]]++] = (uint32_t)i;
  *first = start;
  return HK_OK;
}

void hk__shard_sort_group(struct hk__shard_state *shard, uint32_t from, uint32_t to)
{
  const struct hk__event *event = shard->events.event;
  uint32_t *order = shard->order;
  for (uint32_t i = from + 1; i < to; i++) {
    uint32_t moving = order[i], place = i;
    for (; place > from && event[order[place - 1]].time > event[moving].time; place--)
      order[place] = order[place - 1];
    order[place] = moving;
  }
}

enum hk_status hk__shard_sort_events(struct hk__shard_state *shard, size_t marks, uint32_t **first)
{
  enum hk_status status = hk__shard_group_events(shard, marks, first);
  for (size_t m = 0; m < marks && status == HK_OK; m++)
    hk__shard_sort_group(shard, (*first)[m], (*first)[m + 1]);
  return status;
}
