/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window of a shard whose models superpose. */
#include <math.h>
#include <string.h>

#include "core/lanes.h"
#include "core/shard.h"
#include "core/widest.h"

/* Makes a neuron suspect, with its state at the window's start. */
static enum hk_status suspect(struct hk__shard_state *shard, const struct hk__workspace *work, uint32_t neuron)
{
  const size_t group = neuron / HK__GROUP;
  hk__sleep_catch_up(shard, group);
  if (shard->sleep.on)
    hk__sleep_touch(&shard->sleep, group);
  else
    work->touched[group] = 1;
  return hk__suspect_add(shard, neuron);
}

/* The same for one that is refractory at the window's start. */
static enum hk_status suspect_refractory(struct hk__shard_state *shard, const struct hk__workspace *work, size_t index)
{
  const uint32_t neuron = shard->refractory[index];
  enum hk_status status = suspect(shard, work, neuron);
  if (status != HK_OK)
    return status;
  struct hk__suspect *suspect = &shard->suspect[shard->mark[neuron] - 1];
  suspect->release = shard->release[index];
  unsigned clamped = hk__shard_kernel(shard, neuron)->clamped_states;
  for (size_t j = 0; j < shard->n; j++)
    if (clamped >> j & 1u)
      suspect->x[j] = shard->clamped[index * shard->n + j];
  return HK_OK;
}

static enum hk_status suspect_probed(struct hk__shard_state *shard, const struct hk__workspace *work, uint32_t neuron)
{
  for (size_t k = 0; shard->theta[neuron] == INFINITY && k < shard->refractory_count; k++)
    if (shard->refractory[k] == neuron)
      return suspect_refractory(shard, work, k);
  return suspect(shard, work, neuron);
}

static bool is_due(const struct hk__shard_state *shard, size_t index, double end)
{
  return shard->release[index] < end || shard->current[shard->refractory[index]].sine_count > 0;
}

/* Looks at a part of the refractory neurons. Returns how many are in the list then. */
static size_t list_due(struct hk__shard_state *shard, size_t from, size_t to, double end, size_t count)
{
  double soonest = shard->soonest_release;
  for (size_t i = from; i < to; i++) {
    if (is_due(shard, i, end))
      shard->released[count++] = (uint32_t)i;
    else if (shard->release[i] < soonest)
      soonest = shard->release[i];
  }
  shard->soonest_release = soonest;
  return count;
}

/* Lists the refractory neurons whose period ends in the window, and those under sines. */
static size_t list_all_due(struct hk__shard_state *shard, double end)
{
  const size_t all = shard->refractory_count;
  size_t count = 0, i = 0;
  hk_lanes soonest = hk_lanes_all(INFINITY);
  shard->soonest_release = INFINITY;
  for (; i + HK_LANES <= all && shard->driven_count == 0; i += HK_LANES) {
    const hk_lanes release = hk__lanes_load(shard->release + i);
    if (hk__lanes_below(release, hk_lanes_all(end)))
      count = list_due(shard, i, i + HK_LANES, end, count);
    else
      soonest = hk_lanes_min(release, soonest);
  }
  count = list_due(shard, i, all, end, count);
  for (unsigned lane = 0; lane < HK_LANES; lane++)
    shard->soonest_release = fmin(soonest[lane], shard->soonest_release);
  return count;
}

/* Finds whom list_released will release, and fetches what it will want while events are delivered. */
static void expect_released(struct hk__shard_state *shard, const struct hk__window *window)
{
  shard->released_count = 0;
  if (shard->soonest_release >= window->end && shard->driven_count == 0)
    return;
  shard->released_count = list_all_due(shard, window->end);
  for (size_t k = 0; k < shard->released_count; k++) {
    const uint32_t i = shard->released[k], neuron = shard->refractory[i];
    for (size_t j = 0; j < shard->n; j++)
      __builtin_prefetch(hk__shard_state(shard, neuron, j), 1);
    __builtin_prefetch(&shard->theta[neuron], 1);
    __builtin_prefetch(&shard->mark[neuron], 1);
    __builtin_prefetch(hk__shard_current(shard, neuron));
    __builtin_prefetch(&shard->clamped[i * shard->n]);
  }
}

/* Neurons whose refractory period ends in the window become suspect and leave the list, as do those under sines: from
 * the list's end, so that who takes the place of one is not among them. */
static enum hk_status list_released(struct hk__shard_state *shard, const struct hk__workspace *work)
{
  enum hk_status status = HK_OK;
  for (size_t k = shard->released_count; k-- > 0 && status == HK_OK;) {
    const size_t i = shard->released[k], last = --shard->refractory_count;
    hk__shard_set_theta(shard, shard->refractory[i]);
    status = suspect_refractory(shard, work, i);
    shard->release[i] = shard->release[last];
    shard->refractory[i] = shard->refractory[last];
    memmove(shard->clamped + i * shard->n, shard->clamped + last * shard->n, shard->n * sizeof *shard->clamped);
  }
  return status;
}

/* Neurons that are suspect whatever their bound: those released in this window, those under sines, those probed. */
static enum hk_status list_suspects(struct hk__shard_state *shard, const struct hk__window *window,
                                    const struct hk__workspace *work)
{
  enum hk_status status = list_released(shard, work);
  for (size_t i = 0; i < shard->driven_count && status == HK_OK; i++)
    status = suspect(shard, work, shard->driven[i]);
  for (size_t i = 0; i < shard->probe_count && status == HK_OK; i++)
    if (window->first_sample[shard->probe[i].trace] < window->end_sample[shard->probe[i].trace])
      status = suspect_probed(shard, work, shard->probe[i].neuron);
  return status;
}

void hk__shard_choose_loops(struct hk__shard_state *shard)
{
  shard->deliver = HK__BEST(hk__shard_deliver);
  shard->sweep = HK__BEST(hk__shard_sweep);
  shard->find_wanted = HK__BEST(hk__shard_find_wanted);
}

enum hk_status hk__shard_step(struct hk__shard_state *shard, const struct hk__window *window,
                              const struct hk__workspace *work)
{
  shard->spikes.count = 0;
  enum hk_status status = hk__shard_admit(shard, window);
  if (status != HK_OK)
    return status;
  if (shard->flow)
    return hk__shard_step_trees(shard, window);
  if (shard->walks)
    return hk__shard_step_walks(shard, window);
  if (!shard->superposed)
    return hk__shard_step_cells(shard, window);
  hk__sleep_open(shard, window->length);
  expect_released(shard, window);
  status = shard->deliver(shard, window, work);
  if (status == HK_OK)
    status = list_suspects(shard, window, work);
  if (status == HK_OK)
    status = shard->sweep(shard, window, work);
  if (status == HK_OK)
    status = hk__shard_resolve(shard, window);
  if (shard->alike)
    hk__sleep_close(shard);
  return status;
}
