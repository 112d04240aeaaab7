/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cells leap through the events that they have kept back, HK_LANES at a time: a lane that is through takes the next. */
#include <float.h>
#include <math.h>

#include "core/doze.h"
#include "core/stride.h"
#include "core/walk.h"

struct leapers {
  const struct hk__shard_state *shard;
  const struct hk__calls *calls;
  size_t taken, inside; /* of the calls; of the lanes */
  bool in_bounds;
  struct hk__motions motions;
  struct hk__cell *cell[HK_LANES]; /* NULL: the lane is empty */
  const struct hk__kept *kept[HK_LANES];
  unsigned ports[HK_LANES], left[HK_LANES]; /* left: how many of these events are */
  hk_lanes t, x[HK__STATES_ROOM];
  hk_lanes time, weight; /* of the next stop */
  hk__words port;
  hk_mask events; /* where that is an event */
};

static void leave(struct leapers *l, size_t lane)
{
  struct hk__cell *cell = l->cell[lane];
  cell->since = l->t[lane];
  for (size_t j = 0; j < l->shard->n; j++) {
    cell->x[j] = l->x[j][lane];
    l->in_bounds &= fabs(cell->x[j]) <= DBL_MAX;
  }
  l->cell[lane] = NULL;
  l->inside--;
}

/* Fetches what those need who enter some time later: the cell, then what it points to. */
HK_INLINE void prefetch(const struct leapers *l)
{
  enum { NEAR = 4, FAR = 8 };
  const struct hk__cell *cells = &l->shard->cells->cell[l->shard->place->first];
  if (l->taken + FAR < l->calls->count) {
    const uint32_t far = l->calls->neuron[l->taken + FAR];
    __builtin_prefetch(&cells[far].since, 1);
    __builtin_prefetch(&cells[far].x);
    __builtin_prefetch(&l->shard->walks->doze->dozer[far]);
  }
  if (l->taken + NEAR < l->calls->count) {
    const uint32_t near = l->calls->neuron[l->taken + NEAR];
    __builtin_prefetch(cells[near].x, 1);
    for (size_t i = 0; i < HK__KEPT; i += 64 / sizeof(struct hk__kept))
      __builtin_prefetch(&l->shard->walks->doze->kept[(size_t)near * HK__KEPT + i]);
  }
}

static void enter(struct leapers *l, size_t lane)
{
  prefetch(l);
  const uint32_t neuron = l->calls->neuron[l->taken++];
  const struct hk__doze *doze = l->shard->walks->doze;
  const struct hk__dozer *dozer = &doze->dozer[neuron];
  struct hk__cell *cell = l->cell[lane] = &l->shard->cells->cell[l->shard->place->first + neuron];
  l->inside++;
  l->kept[lane] = &doze->kept[(size_t)neuron * HK__KEPT];
  l->ports[lane] = dozer->ports;
  const unsigned old = hk__dozer_old(dozer, l->calls->start);
  l->left[lane] = old < l->calls->most ? old : l->calls->most;
  l->t[lane] = cell->since;
  for (size_t j = 0; j < l->shard->n; j++)
    l->x[j][lane] = cell->x[j];
  l->motions.free[lane] = hk__cell_is_refractory(cell) ? 0 : 1;
  l->motions.constant[lane] = hk__shard_current(l->shard, neuron)->constant;
  if (!l->shard->walks->alike)
    hk__motions_set_param(&l->motions, lane, cell->param);
}

/* A lane's next event is its stop. */
HK_INLINE void stop_at_event(struct leapers *l, size_t lane)
{
  l->time[lane] = l->kept[lane]->time;
  l->weight[lane] = l->kept[lane]->weight;
  l->port[lane] = l->ports[lane] & 1u;
}

/* Where a lane goes next. */
static __attribute__((noinline)) void find_stop(struct leapers *l, size_t lane)
{
  while (l->cell[lane] && l->left[lane] == 0 && !(l->t[lane] < l->calls->to)) {
    leave(l, lane);
    if (l->taken < l->calls->count)
      enter(l, lane);
  }
  const bool event = l->cell[lane] && l->left[lane] > 0;
  l->events[lane] = event ? -1 : 0;
  if (event)
    stop_at_event(l, lane);
  else
    l->time[lane] = l->cell[lane] ? l->calls->to : l->t[lane];
}

/* Those whose lanes are given have come to their stops. */
static void go_on(struct leapers *l, unsigned which)
{
  for (; which; which &= which - 1) {
    const size_t lane = (size_t)__builtin_ctz(which);
    l->kept[lane]++;
    l->ports[lane] >>= 1;
    if (l->left[lane] > 1) {
      l->left[lane]--;
      stop_at_event(l, lane);
    } else {
      l->left[lane] = 0;
      find_stop(l, lane);
    }
  }
}

/* Each goes to its stop, or as far as a leap carries. */
static enum hk_status leap(struct leapers *l)
{
  const hk_lanes zero = hk_lanes_all(0), way = hk_lanes_max(l->time - l->t, zero);
  hk_lanes dt = way;
  l->motions.model->leap(l->motions.param, &l->motions.constant, &l->motions.free, &dt, l->x);
  const hk_mask there = dt >= way;
  if (hk_mask_any(~there & ~(l->t + dt > l->t)))
    return HK_ERR_NUMERIC;
  l->t = hk_lanes_pick(there, hk_lanes_max(l->time, l->t), l->t + dt);
  hk__motions_receive(&l->motions, there & l->events, l->motions.free == zero, l->port, l->weight, l->x);
  go_on(l, hk__mask_bits(there & (l->events | (way > zero))));
  return l->in_bounds ? HK_OK : HK_ERR_NUMERIC;
}

/* Lanes without anyone compute something nevertheless: what is fine. */
static void begin(struct leapers *l, const struct hk__shard_state *shard, const struct hk__calls *calls)
{
  const struct hk__cell *first = &shard->cells->cell[shard->place->first];
  l->shard = shard;
  l->calls = calls;
  l->taken = l->inside = 0;
  l->in_bounds = true;
  hk__motions_begin(&l->motions, shard->walks->model, shard->cells->tolerance);
  l->motions.free = l->motions.constant = l->t = l->time = l->weight = hk_lanes_all(0);
  l->port = (hk__words){0};
  for (size_t j = 0; j < HK__STATES_ROOM; j++)
    l->x[j] = hk_lanes_all(0);
  for (size_t i = 0; i < HK_LANES; i++) {
    hk__motions_set_param(&l->motions, i, first->param);
    l->cell[i] = NULL;
    l->ports[i] = l->left[i] = 0;
    if (l->taken < calls->count)
      enter(l, i);
    find_stop(l, i);
  }
}

enum hk_status HK__VARIANT(hk__doze_leap)(const struct hk__shard_state *shard, const struct hk__calls *calls)
{
  enum hk_status status = HK_OK;
  struct leapers l;
  begin(&l, shard, calls);
  while (l.inside > 0 && status == HK_OK)
    status = leap(&l);
  return status;
}
