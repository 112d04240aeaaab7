/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sweep: all neurons of a shard advanced over a window, and a bound on what each did inside it.
 *
 * Neurons go in groups of HK__GROUP. Where no event of the window went to a group, its accumulators are not looked at.
 * Neurons whose bound reaches theta become suspects, with the state they had before the window. */
#include "core/lane_rows.h"
#include "core/rain.h"
#include "core/shard.h"

/* The accumulators of HK_LANES neurons: sum[0 .. n) of each state, sum[n] of what events can add to the bound. */
HK_INLINE void gather_sums(const double *sums, const size_t n, const size_t lanes, hk_lanes *sum)
{
  if (lanes == HK__ROW) {
    const double *row[HK_LANES];
    hk_lanes column[HK__ROW];
    for (size_t i = 0; i < HK_LANES; i++)
      row[i] = sums + i * HK__ROW;
    hk__rows_gather(row, column);
    for (size_t j = 0; j <= n; j++)
      sum[j] = column[j];
    return;
  }
  for (size_t j = 0; j <= n; j++) {
    double some[HK_LANES];
    for (size_t i = 0; i < HK_LANES; i++)
      some[i] = sums[i * lanes + j];
    sum[j] = hk__lanes_load(some);
  }
}

static enum hk_status list_hits(struct hk__shard_state *shard, size_t first, unsigned hits)
{
  enum hk_status status = HK_OK;
  for (; hits && status == HK_OK; hits &= hits - 1)
    status = hk__suspect_add(shard, (uint32_t)(first + (size_t)__builtin_ctz(hits)));
  return status;
}

/* What a sweep reads again and again, out of reach of its own stores. */
struct sweep {
  double *z, *sums;
  const double *theta;
  uint8_t *touched;
  size_t stride;
  hk_lanes P[HK_STATES_MAX][HK_STATES_MAX], bend[HK_STATES_MAX], sense[HK_STATES_MAX];
};

HK_INLINE void prepare(const struct hk__shard_state *shard, const struct hk__response *r, const size_t n,
                       const struct hk__workspace *work, struct sweep *s)
{
  s->z = shard->z;
  s->sums = work->sums;
  s->theta = shard->theta;
  s->touched = work->touched;
  s->stride = shard->stride;
  for (size_t j = 0; j < n; j++) {
    s->bend[j] = hk_lanes_all(r->bend[j]);
    s->sense[j] = hk_lanes_all(r->kernel->system.sense[j]);
    for (size_t k = 0; k < n; k++)
      s->P[j][k] = hk_lanes_all(r->P[j * n + k]);
  }
}

/* One group. rain: what falls on the chunk that it is in, or NULL. Returns the neurons whose bound reaches theta; then
 * nothing is changed unless `commit`. */
HK_INLINE unsigned sweep_group(const struct sweep *s, const size_t n, const size_t lanes, const struct hk__puddle *rain,
                               size_t group, const bool commit)
{
  const bool touched = s->touched[group];
  unsigned all = 0;
  hk_lanes v[HK__GROUP / HK_LANES][HK_STATES_MAX];
  for (size_t part = 0; part < HK__GROUP / HK_LANES; part++) {
    size_t i = group * HK__GROUP + part * HK_LANES;
    hk_lanes z[HK_STATES_MAX], sum[HK_STATES_MAX + 1], before = hk_lanes_all(0), after = before, more = before;
    for (size_t j = 0; j < n; j++)
      z[j] = hk__lanes_load(s->z + j * s->stride + i);
    for (size_t j = 0; j < n; j++) {
      v[part][j] = s->P[j][j] * z[j];
      for (size_t k = 0; k < n; k++)
        if (k != j)
          v[part][j] = hk_lanes_fma(s->P[j][k], z[k], v[part][j]);
      more = hk_lanes_fma(s->bend[j], hk_lanes_abs(z[j]), more);
      before = hk_lanes_fma(s->sense[j], z[j], before);
      after = hk_lanes_fma(s->sense[j], v[part][j], after);
    }
    if (touched) {
      gather_sums(s->sums + i * lanes, n, lanes, sum);
      for (size_t j = 0; j < n; j++)
        v[part][j] += sum[j];
      more += sum[n];
    }
    if (rain) {
      for (size_t j = 0; j < n; j++)
        if (rain->lanes >> j & 1u)
          v[part][j] += hk__lanes_load(rain->row[j] + i % HK__RAIN_CHUNK);
      more += hk__lanes_load(rain->row[n] + i % HK__RAIN_CHUNK);
    }
    hk_lanes bound = hk_lanes_max(before, after) + more;
    unsigned hits = ~hk__lanes_below(bound, hk__lanes_load(s->theta + i)) & ((1u << HK_LANES) - 1);
    all |= hits << part * HK_LANES;
  }
  if (all && !commit)
    return all;
  for (size_t part = 0; part < HK__GROUP / HK_LANES; part++)
    for (size_t j = 0; j < n; j++)
      hk__lanes_store(s->z + j * s->stride + group * HK__GROUP + part * HK_LANES, v[part][j]);
  if (touched) {
    double *sums = s->sums + group * HK__GROUP * lanes;
    for (size_t i = 0; i < HK__GROUP * lanes; i += HK_LANES)
      hk__lanes_store(sums + i, hk_lanes_all(0));
  }
  s->touched[group] = 0;
  return 0;
}

/* A group with neurons that become suspects, with the states that they have before. */
HK_INLINE enum hk_status sweep_suspects(struct hk__shard_state *shard, const struct sweep *s, const size_t n,
                                        const size_t lanes, const struct hk__puddle *rain, size_t group, unsigned hits)
{
  enum hk_status status = list_hits(shard, group * HK__GROUP, hits);
  sweep_group(s, n, lanes, rain, group, true);
  return status;
}

/* Groups that are due, of a shard that sleeps. */
HK_INLINE enum hk_status sweep_due(struct hk__shard_state *shard, const struct sweep *s, const size_t n,
                                   const size_t lanes)
{
  struct hk__sleep *sleep = &shard->sleep;
  enum hk_status status = HK_OK;
  for (size_t from = 0; from < sleep->groups && status == HK_OK; from += HK__SLEEP_BLOCK) {
    size_t to = sleep->groups - from < HK__SLEEP_BLOCK ? sleep->groups : from + HK__SLEEP_BLOCK;
    uint64_t *soonest = &sleep->soonest[from / HK__SLEEP_BLOCK];
    if (*soonest > sleep->clock && !memchr(s->touched + from, 1, to - from))
      continue;
    *soonest = UINT64_MAX;
    for (size_t g = from; g < to && status == HK_OK; g++) {
      if (s->touched[g] || sleep->wake[g] <= sleep->clock) {
        hk__sleep_catch_up(shard, g);
        unsigned hits = sweep_group(s, n, lanes, NULL, g, false);
        if (hits)
          status = sweep_suspects(shard, s, n, lanes, NULL, g, hits);
        sleep->since[g] = sleep->clock + 1;
        sleep->wake[g] = hk__sleep_wake_time(shard, g);
        sleep->touched++;
        shard->swept_total += HK__GROUP;
      }
      *soonest = sleep->wake[g] < *soonest ? sleep->wake[g] : *soonest;
    }
  }
  return status;
}

/* Groups from .. to, of a shard that is awake. Adds up how many were touched. */
HK_INLINE enum hk_status sweep_all(struct hk__shard_state *shard, const struct sweep *s, const size_t n,
                                   const size_t lanes, const struct hk__puddle *rain, size_t from, size_t to,
                                   uint64_t *touched)
{
  enum hk_status status = HK_OK;
  for (size_t g = from; g < to && status == HK_OK; g++) {
    *touched += s->touched[g];
    unsigned hits = sweep_group(s, n, lanes, rain, g, false);
    if (hits)
      status = sweep_suspects(shard, s, n, lanes, rain, g, hits);
  }
  return status;
}

/* All groups, chunk by chunk, with what falls on them. */
HK_INLINE enum hk_status sweep_in_rain(struct hk__shard_state *shard, const struct sweep *s, const size_t n,
                                       const size_t lanes, unsigned rows, uint64_t *touched)
{
  enum { CHUNK = HK__RAIN_CHUNK / HK__GROUP };
  const size_t groups = shard->sleep.groups;
  struct hk__puddle rain;
  enum hk_status status = HK_OK;
  rain.lanes = rows;
  for (size_t from = 0; from < groups && status == HK_OK; from += CHUNK) {
    size_t to = groups - from < CHUNK ? groups : from + CHUNK;
    hk__rain_catch(shard, (uint32_t)(from * HK__GROUP), (uint32_t)(to * HK__GROUP), &rain);
    status = sweep_all(shard, s, n, lanes, &rain, from, to, touched);
  }
  return status;
}

HK_INLINE enum hk_status sweep_groups(struct hk__shard_state *shard, const struct hk__response *r, const size_t n,
                                      const size_t lanes, const struct hk__workspace *work)
{
  const size_t groups = shard->sleep.groups;
  struct sweep s;
  prepare(shard, r, n, work, &s);
  if (shard->sleep.on)
    return sweep_due(shard, &s, n, lanes);
  const unsigned rows = hk__rain_lanes(shard);
  uint64_t touched = 0;
  enum hk_status status = rows ? sweep_in_rain(shard, &s, n, lanes, rows, &touched)
                               : sweep_all(shard, &s, n, lanes, NULL, 0, groups, &touched);
  touched = touched < shard->arrivals ? touched : shard->arrivals; /* all may have been marked at once */
  touched += rows ? hk__rain_groups(shard) : 0;
  shard->sleep.touched += touched < groups ? touched : groups;
  shard->swept_total += shard->stride;
  return status;
}

/* Neurons whose responses differ. */
static enum hk_status sweep_each(struct hk__shard_state *shard, const struct hk__window *window,
                                 const struct hk__workspace *work)
{
  const size_t n = shard->n, stride = shard->stride, lanes = shard->lanes;
  enum hk_status status = HK_OK;
  for (uint32_t i = 0; i < shard->place->count; i++) {
    const struct hk__response *r = hk__shard_response(shard, window, i);
    const double *sense = r->kernel->system.sense;
    double v[HK_STATES_MAX], before = 0, after = 0, *sum = work->sums + i * lanes, more = sum[n];
    for (size_t j = 0; j < n; j++) {
      double z = shard->z[j * stride + i];
      v[j] = 0;
      for (size_t k = 0; k < n; k++)
        v[j] = fma(r->P[j * n + k], shard->z[k * stride + i], v[j]);
      before = fma(sense[j], z, before);
      after = fma(sense[j], v[j], after);
      more = fma(r->bend[j], fabs(z), more);
    }
    if (fmax(before, after) + more >= shard->theta[i] && status == HK_OK)
      status = hk__suspect_add(shard, i);
    for (size_t j = 0; j < n; j++)
      shard->z[j * stride + i] = v[j] + sum[j];
    memset(sum, 0, lanes * sizeof *sum);
  }
  memset(work->touched, 0, stride / HK__GROUP);
  shard->swept_total += stride;
  return status;
}

enum hk_status HK__VARIANT(hk__shard_sweep)(struct hk__shard_state *shard, const struct hk__window *window,
                                            const struct hk__workspace *work)
{
  if (!shard->alike)
    return sweep_each(shard, window, work);
  const struct hk__response *r = hk__shard_response(shard, window, 0);
  if (shard->n == 1)
    return sweep_groups(shard, r, 1, 2, work);
  if (shard->n == 3)
    return sweep_groups(shard, r, 3, 4, work);
  if (shard->n == 5)
    return sweep_groups(shard, r, 5, 8, work);
  return sweep_groups(shard, r, shard->n, shard->lanes, work);
}
