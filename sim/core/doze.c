/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/doze.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "core/walk.h"

/* --- setting up --- */

enum hk_status hk__doze_create(struct hk__shard_state *shard, struct hk__doze **out)
{
  const size_t neurons = shard->place->count;
  struct hk__doze *doze = *out = calloc(1, sizeof *doze);
  if (!doze)
    return HK_ERR_MEMORY;
  doze->dozer = aligned_alloc(_Alignof(struct hk__dozer), (neurons + 1) * sizeof *doze->dozer);
  doze->kept = malloc((neurons + 1) * HK__KEPT * sizeof *doze->kept);
  doze->call = malloc((neurons + 1) * sizeof *doze->call);
  shard->bytes += sizeof *doze + neurons * HK__DOZE_BYTES;
  if (!doze->dozer || !doze->kept || !doze->call)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < neurons; i++)
    doze->dozer[i] = (struct hk__dozer){.dozes = false};
  return HK_OK;
}

void hk__doze_destroy(struct hk__doze *doze)
{
  if (!doze)
    return;
  free(doze->dozer);
  free(doze->kept);
  free(doze->call);
  free(doze);
}

/* --- waking --- */

static void call(struct hk__doze *doze, uint32_t neuron)
{
  if (!doze->dozer[neuron].called)
    doze->call[doze->call_count++] = neuron;
  doze->dozer[neuron].called = true;
}

void hk__doze_wake(struct hk__doze *doze, uint32_t neuron)
{
  if (!hk__dozes(doze, neuron))
    return;
  doze->dozer[neuron].dozes = false;
  call(doze, neuron);
}

/* An event is counted. Returns whether it is within what the neuron may get. */
static bool count(struct hk__dozer *dozer, const struct hk__window *window, const struct hk__event *event)
{
  const double amount = fabs(event->weight);
  if (dozer->window != window->start) {
    dozer->window = window->start;
    dozer->news[0] = dozer->news[1] = 0;
    dozer->fresh = 0;
  }
  dozer->fresh++;
  dozer->count++;
  dozer->news[event->port] += amount;
  dozer->allowed[event->port] -= amount;
  if (!(dozer->allowed[event->port] < 0))
    return dozer->count < HK__KEPT_SOON && dozer->until >= window->end;
  if (amount > dozer->too_much[event->port])
    dozer->too_much[event->port] = (float)fmin(amount, FLT_MAX);
  return false;
}

bool hk__doze_keep(struct hk__doze *doze, const struct hk__window *window, const struct hk__event *event)
{
  struct hk__kept *kept = &doze->kept[(size_t)event->neuron * HK__KEPT];
  struct hk__dozer *dozer = &doze->dozer[event->neuron];
  if (dozer->count == HK__KEPT) {
    hk__doze_wake(doze, event->neuron);
    return false;
  }
  if (!count(dozer, window, event))
    call(doze, event->neuron);
  unsigned i = dozer->kept++;
  for (; i > 0 && kept[i - 1].time > event->time; i--)
    kept[i] = kept[i - 1];
  kept[i] = (struct hk__kept){event->time, event->weight};
  const unsigned before = dozer->ports & ((1u << i) - 1), after = dozer->ports ^ before;
  dozer->ports = (uint16_t)(before | event->port << i | after << 1);
  return true;
}

/* What the cell, which is up to date, may get from now on. False: it may spike. */
static bool settle(const struct hk__shard_state *shard, uint32_t neuron)
{
  struct hk__dozer *dozer = &shard->walks->doze->dozer[neuron];
  const struct hk__cell *cell = &shard->cells->cell[shard->place->first + neuron];
  dozer->count = 0;
  dozer->until = dozer->allowed[0] = dozer->allowed[1] = INFINITY;
  if (hk__cell_is_refractory(cell))
    return true;
  double span;
  if (!cell->model->settle(cell->param, hk__shard_current(shard, neuron)->constant, cell->x, &span, dozer->allowed))
    return false;
  dozer->until = cell->since + span;
  return true;
}

/* A cell that dozes on has been told what it may get: does it include the window's events? */
static bool includes_news(struct hk__dozer *dozer, double start)
{
  if (dozer->window != start)
    return true;
  dozer->count = dozer->fresh;
  for (size_t port = 0; port < HK_DOZE_PORTS; port++)
    dozer->allowed[port] -= dozer->news[port];
  return dozer->count < HK__KEPT_SOON && dozer->allowed[0] >= 0 && dozer->allowed[1] >= 0;
}

/* Forgets the first events that a neuron has kept. */
static void forget(struct hk__doze *doze, uint32_t neuron, unsigned events)
{
  struct hk__dozer *dozer = &doze->dozer[neuron];
  struct hk__kept *kept = &doze->kept[(size_t)neuron * HK__KEPT];
  dozer->kept = (uint8_t)(dozer->kept - events);
  dozer->fresh = dozer->fresh < dozer->kept ? dozer->fresh : dozer->kept;
  dozer->ports = (uint16_t)(dozer->ports >> events);
  for (unsigned i = 0; i < dozer->kept; i++) /* few are left */
    kept[i] = kept[i + events];
}

/* A neuron that has woken hands over the window's events. */
static enum hk_status hand_over(struct hk__shard_state *shard, uint32_t neuron)
{
  struct hk__doze *doze = shard->walks->doze;
  struct hk__dozer *dozer = &doze->dozer[neuron];
  const struct hk__kept *kept = &doze->kept[(size_t)neuron * HK__KEPT];
  enum hk_status status = hk__events_reserve(&shard->events, dozer->kept);
  for (unsigned i = 0; i < dozer->kept && status == HK_OK; i++)
    status = hk__events_add(&shard->events, (struct hk__event){.time = kept[i].time,
                                                               .weight = kept[i].weight,
                                                               .neuron = neuron,
                                                               .port = dozer->ports >> i & 1u});
  dozer->kept = 0;
  dozer->ports = 0;
  return status;
}

/* Those who have been called settle again or wake. Left among the calls are those who are to come to the window's start
 * first, as what they are told ends before the window does. */
static enum hk_status settle_called(struct hk__shard_state *shard, double start, double end)
{
  struct hk__doze *doze = shard->walks->doze;
  enum hk_status status = HK_OK;
  size_t stale = 0;
  for (size_t i = 0; i < doze->call_count && status == HK_OK; i++) {
    const uint32_t neuron = doze->call[i];
    struct hk__dozer *dozer = &doze->dozer[neuron];
    forget(doze, neuron, hk__dozer_old(dozer, start));
    dozer->called = false;
    if (dozer->dozes) {
      const bool calm = settle(shard, neuron);
      if (calm && dozer->until < end && shard->cells->cell[shard->place->first + neuron].since < start) {
        doze->call[stale++] = neuron;
        continue;
      }
      if (!calm || dozer->until < end || !includes_news(dozer, start))
        dozer->dozes = false;
    }
    if (!dozer->dozes)
      status = hand_over(shard, neuron);
  }
  doze->call_count = stale;
  return status;
}

enum hk_status hk__doze_answer(struct hk__shard_state *shard, double start, double end)
{
  struct hk__doze *doze = shard->walks->doze;
  enum hk_status status = HK_OK;
  for (double to = -INFINITY; doze->call_count > 0 && status == HK_OK; to = start) {
    const struct hk__calls calls = {doze->call, doze->call_count, start, HK__KEPT, to};
    status = shard->walks->leap(shard, &calls);
    if (status == HK_OK)
      status = settle_called(shard, start, end);
  }
  return status;
}

/* --- dozing --- */

enum hk_status hk__doze_take_samples(struct hk__shard_state *shard, const struct hk__window *window, uint32_t neuron)
{
  struct hk__doze *doze = shard->walks->doze;
  const struct hk__dozer *dozer = &doze->dozer[neuron];
  const struct hk__kept *kept = &doze->kept[(size_t)neuron * HK__KEPT];
  enum hk_status status = HK_OK;
  while (dozer->kept > 0 && status == HK_OK) {
    status = hk__cell_take_samples(shard, window, neuron, kept->time);
    if (status == HK_OK)
      status = shard->walks->leap(shard, &(struct hk__calls){&neuron, 1, INFINITY, 1, -INFINITY});
    forget(doze, neuron, 1);
  }
  return status == HK_OK ? hk__cell_take_samples(shard, window, neuron, window->end) : status;
}

/* Whether a cell may get what has been too much for it before several times over: else it would soon be awake again.
 * What keeps it awake so is forgotten little by little. */
static bool pays(struct hk__dozer *dozer)
{
  static const float keep = 0.999f;
  bool pays = true;
  for (size_t port = 0; port < HK_DOZE_PORTS; port++) {
    pays &= dozer->allowed[port] >= 3 * dozer->too_much[port];
    dozer->too_much[port] *= keep;
  }
  return pays;
}

void hk__doze_off(struct hk__shard_state *shard, const struct hk__window *window, uint32_t neuron)
{
  struct hk__dozer *dozer = &shard->walks->doze->dozer[neuron];
  struct hk__cell *cell = &shard->cells->cell[shard->place->first + neuron];
  const bool refractory = hk__cell_is_refractory(cell);
  if (hk__current_is_restless(hk__shard_current(shard, neuron)))
    return;
  if (refractory ? cell->release <= window->end : !hk__cell_is_armed(cell) || cell->predicted < INFINITY)
    return;
  if (!settle(shard, neuron) || dozer->until < window->end || !pays(dozer))
    return;
  dozer->dozes = true;
  dozer->window = -INFINITY;
  if (refractory)
    return;
  cell->ahead_time = -INFINITY;
  shard->timer[neuron] = INFINITY;
}
