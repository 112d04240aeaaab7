/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window of a shard whose models do not superpose: each neuron taken through its events one by one. */
#include <math.h>

#include "core/shard.h"

enum hk_status hk__cell_take_samples(struct hk__shard_state *shard, const struct hk__window *window, uint32_t neuron,
                                     double time)
{
  struct hk__probe *end, *probe = hk__shard_probes(shard, neuron, &end);
  for (; probe < end; probe++) {
    double at;
    while ((at = hk__probe_time(shard, window, probe)) < time) {
      const struct hk__trace *trace = &shard->built->traces[probe->trace];
      double *out = hk__probe_take(shard, window, probe);
      enum hk_status status = hk__cell_sample(shard->cells, shard->place->first + neuron, &shard->current[neuron], at,
                                              trace->variables, trace->variable_count, out);
      if (status != HK_OK)
        return status;
    }
  }
  return HK_OK;
}

/* One moment of one neuron: advance, receive, test, predict. */
static enum hk_status take_moment(struct hk__shard_state *shard, uint32_t neuron, double time, const uint32_t **next,
                                  const uint32_t *last)
{
  uint32_t engine = shard->place->first + neuron;
  const struct hk__current *current = &shard->current[neuron];
  enum hk_status status = hk__cell_advance(shard->cells, engine, current, time);
  if (status != HK_OK)
    return status;
  bool received = false;
  for (; *next < last && shard->events.event[**next].time <= time; ++*next) {
    const struct hk__event *e = &shard->events.event[**next];
    hk__cell_receive(shard->cells, engine, e->port, e->weight);
    received = true;
  }
  if (hk__cell_fires(shard->cells, engine, time, received)) {
    hk__cell_fire(shard->cells, engine, time);
    status = hk__shard_emit(shard, neuron, time);
    if (status != HK_OK)
      return status;
  }
  return hk__cell_outlook(shard->cells, engine, current, &shard->timer[neuron]);
}

enum hk_status hk__cell_walk(struct hk__shard_state *shard, const struct hk__window *window, uint32_t neuron,
                             const uint32_t *from, const uint32_t *to)
{
  enum hk_status status = HK_OK;
  for (;;) {
    double event = from < to ? shard->events.event[*from].time : INFINITY;
    double time = fmin(fmin(event, shard->timer[neuron]), window->end);
    bool done = event == INFINITY && shard->timer[neuron] >= window->end;
    if (shard->probe_count > 0)
      status = hk__cell_take_samples(shard, window, neuron, done ? window->end : time);
    if (done || status != HK_OK)
      return status;
    status = take_moment(shard, neuron, time, &from, to);
    if (status != HK_OK)
      return status;
  }
}

enum hk_status hk__shard_step_cells(struct hk__shard_state *shard, const struct hk__window *window)
{
  uint32_t *first;
  enum hk_status status = hk__shard_gather(shard, window);
  if (status == HK_OK)
    status = hk__shard_sort_events(shard, shard->place->count, &first);
  for (uint32_t i = 0; i < shard->place->count && status == HK_OK; i++)
    status = hk__cell_walk(shard, window, i, shard->order + first[i], shard->order + first[i + 1]);
  return status;
}
