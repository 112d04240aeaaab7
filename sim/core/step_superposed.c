/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window of a shard whose models superpose. */
#include <math.h>

#include "core/shard.h"

static enum hk_status suspect_refractory(struct hk__shard_state *shard, const struct hk__refractory *r)
{
  enum hk_status status = hk__suspect_add(shard, r->neuron);
  if (status != HK_OK)
    return status;
  struct hk__suspect *suspect = &shard->suspect[shard->mark[r->neuron] - 1];
  suspect->release = r->release;
  unsigned clamped = shard->built->kernels[shard->kernel[r->neuron]]->clamped_states;
  for (size_t j = 0; j < shard->n; j++)
    if (clamped >> j & 1u)
      suspect->x[j] = r->clamped[j];
  return HK_OK;
}

static enum hk_status suspect_probed(struct hk__shard_state *shard, uint32_t neuron)
{
  for (size_t k = 0; shard->theta[neuron] == INFINITY && k < shard->refractory_count; k++)
    if (shard->refractory[k].neuron == neuron)
      return suspect_refractory(shard, &shard->refractory[k]);
  return hk__suspect_add(shard, neuron);
}

/* Neurons that are suspect whatever their bound: those released in this window, those under sines, those probed. */
static enum hk_status list_suspects(struct hk__shard_state *shard, const struct hk__window *window)
{
  enum hk_status status = HK_OK;
  size_t kept = 0;
  for (size_t i = 0; i < shard->refractory_count && status == HK_OK; i++) {
    struct hk__refractory r = shard->refractory[i];
    if (r.release >= window->end && shard->current[r.neuron].sine_count == 0) {
      shard->refractory[kept++] = r;
      continue;
    }
    hk__shard_set_theta(shard, r.neuron);
    status = suspect_refractory(shard, &r);
  }
  shard->refractory_count = kept;
  for (size_t i = 0; i < shard->driven_count && status == HK_OK; i++)
    status = hk__suspect_add(shard, shard->driven[i]);
  for (size_t i = 0; i < shard->probe_count && status == HK_OK; i++)
    if (window->first_sample[shard->probe[i].trace] < window->end_sample[shard->probe[i].trace])
      status = suspect_probed(shard, shard->probe[i].neuron);
  return status;
}

/* Clamped states of neurons that stay refractory through the window are put back where they were. */
static void hold_clamped(struct hk__shard_state *shard)
{
  for (size_t i = 0; i < shard->refractory_count; i++) {
    const struct hk__refractory *r = &shard->refractory[i];
    unsigned clamped = shard->built->kernels[shard->kernel[r->neuron]]->clamped_states;
    for (size_t j = 0; j < shard->n; j++)
      if (clamped >> j & 1u)
        shard->z[j * shard->stride + r->neuron] = r->clamped[j] - hk__shard_rest(shard, r->neuron, j);
  }
}

bool hk__widest_vectors = true;

#ifdef HK__HAS_WIDEST
static bool has_widest(void)
{
  return hk__widest_vectors && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd");
}
#endif

void hk__shard_choose_loops(struct hk__shard_state *shard)
{
  shard->deliver = hk__shard_deliver;
  shard->sweep = hk__shard_sweep;
#ifdef HK__HAS_WIDEST
  if (has_widest()) {
    shard->deliver = hk__shard_deliver_widest;
    shard->sweep = hk__shard_sweep_widest;
  }
#endif
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
  status = shard->deliver(shard, window, work);
  if (status == HK_OK)
    status = list_suspects(shard, window);
  if (status == HK_OK)
    status = shard->sweep(shard, window, work);
  hold_clamped(shard);
  return status == HK_OK ? hk__shard_resolve(shard, window) : status;
}
