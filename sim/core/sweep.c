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

/* How many states a model has, how many doubles an accumulator, and whether its system is an arrow: only the first
 * state is sensed, and the others act on it and on themselves, none on another. Known to the compiler for the usual
 * ones. */
struct form {
  size_t n, lanes;
  bool arrow;
};

HK_INLINE bool acts_on(const struct form f, size_t j, size_t k)
{
  return !f.arrow || j == 0 || j == k;
}

HK_INLINE bool sensed(const struct form f, size_t j)
{
  return !f.arrow || j == 0;
}

/* How states move over one window or several, and what bends the way there. */
struct motion {
  hk_lanes P[HK_STATES_MAX][HK_STATES_MAX], bend[HK_STATES_MAX];
};

/* What a sweep reads again and again, out of reach of its own stores. */
struct sweep {
  double *z, *sums;
  const double *theta;
  uint8_t *touched;
  hk_lanes sense[HK_STATES_MAX];
  struct motion window;
  struct hk__sleep sleep;
};

/* Where a group gets to in a window. */
enum { PARTS = HK__GROUP / HK_LANES };
struct stop {
  hk_lanes z[PARTS][HK_STATES_MAX], theta[PARTS];
};

HK_INLINE void set_motion(const double *P, const double *bend, const struct form f, struct motion *motion)
{
  for (size_t j = 0; j < f.n; j++) {
    motion->bend[j] = hk_lanes_all(bend[j]);
    for (size_t k = 0; k < f.n; k++)
      if (acts_on(f, j, k))
        motion->P[j][k] = hk_lanes_all(P[j * f.n + k]);
  }
}

HK_INLINE void prepare(const struct hk__shard_state *shard, const struct hk__response *r, const struct form f,
                       const struct hk__workspace *work, struct sweep *s)
{
  s->z = shard->z;
  s->sums = work->sums;
  s->theta = shard->theta;
  s->touched = work->touched;
  s->sleep = shard->sleep;
  for (size_t j = 0; j < f.n; j++)
    s->sense[j] = hk_lanes_all(r->kernel->system.sense[j]);
  set_motion(r->P, r->bend, f, &s->window);
}

HK_INLINE hk_lanes sense(const struct sweep *s, const struct form f, const hk_lanes *z)
{
  hk_lanes y = s->sense[0] * z[0];
  for (size_t j = 1; j < f.n; j++)
    if (sensed(f, j))
      y = hk_lanes_fma(s->sense[j], z[j], y);
  return y;
}

/* Which lanes of a bound are not below theta. */
HK_INLINE unsigned reaching(hk_lanes bound, hk_lanes theta)
{
  return ~hk__lanes_below(bound, theta) & ((1u << HK_LANES) - 1);
}

/* Follows a group over the window, or over those that it slept as well, by motion m. place: which accumulators it has,
 * if it was touched. rain: what falls on the chunk that it is in, or NULL. Returns the neurons whose bound reaches
 * theta. */
HK_INLINE unsigned follow(const struct sweep *s, const struct motion *m, const struct form f,
                          const struct hk__puddle *rain, size_t group, size_t place, const bool touched,
                          struct stop *to)
{
  unsigned hits = 0;
  for (size_t part = 0; part < PARTS; part++) {
    const size_t i = group * HK__GROUP + part * HK_LANES;
    const double *from = s->z + group * f.n * HK__GROUP + part * HK_LANES;
    hk_lanes z[HK_STATES_MAX], sum[HK_STATES_MAX + 1], more = hk_lanes_all(0), *v = to->z[part];
    size_t states = 0; /* at least one, as compilers cannot know */
    do
      z[states] = hk__lanes_load(from + states * HK__GROUP);
    while (++states < f.n);
    for (size_t j = 0; j < states; j++) {
      v[j] = m->P[j][j] * z[j];
      for (size_t k = 0; k < f.n; k++)
        if (k != j && acts_on(f, j, k))
          v[j] = hk_lanes_fma(m->P[j][k], z[k], v[j]);
      more = hk_lanes_fma(m->bend[j], hk_lanes_abs(z[j]), more);
    }
    const hk_lanes most = hk_lanes_max(sense(s, f, z), sense(s, f, v));
    if (touched) {
      gather_sums(s->sums + (place * HK__GROUP + part * HK_LANES) * f.lanes, f.n, f.lanes, sum);
      for (size_t j = 0; j < f.n; j++)
        v[j] += sum[j];
      more += sum[f.n];
    }
    if (rain) {
      for (size_t j = 0; j < f.n; j++)
        if (rain->lanes >> j & 1u)
          v[j] += hk__lanes_load(rain->row[j] + i % HK__RAIN_CHUNK);
      more += hk__lanes_load(rain->row[f.n] + i % HK__RAIN_CHUNK);
    }
    to->theta[part] = hk__lanes_load(s->theta + i);
    hits |= reaching(most + more, to->theta[part]) << part * HK_LANES;
  }
  return hits;
}

/* Puts a group there, and clears its accumulators. */
HK_INLINE void settle(const struct sweep *s, const struct form f, size_t group, size_t place, const bool touched,
                      const struct stop *to)
{
  for (size_t part = 0; part < PARTS; part++)
    for (size_t j = 0; j < f.n; j++)
      hk__lanes_store(s->z + (group * f.n + j) * HK__GROUP + part * HK_LANES, to->z[part][j]);
  if (touched) {
    double *sums = s->sums + place * HK__GROUP * f.lanes;
    for (size_t i = 0; i < HK__GROUP * f.lanes; i += HK_LANES)
      hk__lanes_store(sums + i, hk_lanes_all(0));
  }
}

/* A group that stands at the window's start. */
HK_INLINE enum hk_status sweep_standing(struct hk__shard_state *shard, const struct sweep *s, const struct form f,
                                        const struct hk__puddle *rain, size_t group, size_t place, const bool touched,
                                        struct stop *to)
{
  const unsigned hits = follow(s, &s->window, f, rain, group, place, touched, to);
  enum hk_status status = HK_OK;
  if (hits)
    status = list_hits(shard, group * HK__GROUP, hits); /* with the states that they have before */
  settle(s, f, group, place, touched, to);
  return status;
}

/* Which neurons might reach theta in a leap if nothing arrives. */
HK_INLINE unsigned might_reach(const struct sweep *s, const struct form f, const struct hk__leap leap,
                               const struct stop *from)
{
  unsigned hits = 0;
  for (size_t part = 0; part < PARTS; part++) {
    const hk_lanes *z = from->z[part];
    hk_lanes after = hk_lanes_all(0), more = after;
    for (size_t j = 0; j < f.n; j++) {
      after = hk_lanes_fma(hk_lanes_all(leap.ahead[j]), z[j], after);
      more = hk_lanes_fma(hk_lanes_all(leap.bend[j]), hk_lanes_abs(z[j]), more);
    }
    hits |= reaching(hk_lanes_max(sense(s, f, z), after) + more, from->theta[part]);
  }
  return hits;
}

/* For how many windows after this one a group may sleep; not for all of the longest leap, so that a leap takes them and
 * the one that they end with. */
HK_INLINE uint64_t nap(const struct hk__shard_state *shard, const struct sweep *s, const struct form f, size_t group,
                       const struct stop *from)
{
  const size_t longest = s->sleep.leaps, shorter = (longest + 3) / 4, full = longest > 1 ? longest - 1 : 1;
  if (might_reach(s, f, hk__sleep_leap(&s->sleep, f.n, longest), from))
    return might_reach(s, f, hk__sleep_leap(&s->sleep, f.n, shorter), from) ? 0 : shorter;
  const uint64_t more = s->sleep.deep ? hk__sleep_longest(shard, group) : 0;
  return more > longest ? more : full;
}

/* A group of a shard that sleeps, first brought to the window's start; it stands then at the end. Seldom called: out of
 * the way of those that are. */
static __attribute__((noinline)) enum hk_status sweep_woken(struct hk__shard_state *shard, const struct sweep *s,
                                                            size_t group, size_t place, bool touched, struct stop *to)
{
  const struct form f = {shard->n, shard->lanes, shard->arrow};
  hk__sleep_catch_up(shard, group);
  return sweep_standing(shard, s, f, NULL, group, place, touched, to);
}

/* A group that is due, of a shard that sleeps. */
HK_INLINE enum hk_status sweep_sleeper(struct hk__shard_state *shard, const struct sweep *s, const struct form f,
                                       size_t group, size_t place, const bool touched)
{
  const struct hk__sleep *sleep = &s->sleep;
  struct stop to;
  uint64_t slept = sleep->clock - sleep->nap[group].since;
  if (slept >= sleep->leaps) {
    const uint64_t rest = slept % sleep->leaps;
    hk__sleep_advance(shard, group, slept - rest);
    slept = rest;
  }
  const struct hk__leap leap = hk__sleep_leap(sleep, f.n, slept + 1);
  struct motion m;
  set_motion(leap.P, leap.bend, f, &m);
  enum hk_status status = HK_OK;
  if (follow(s, &m, f, NULL, group, place, touched, &to))
    status = sweep_woken(shard, s, group, place, touched, &to);
  else
    settle(s, f, group, place, touched, &to);
  sleep->nap[group].since = sleep->clock + 1;
  hk__sleep_set_wake(sleep, group, sleep->clock + 1 + nap(shard, s, f, group, &to));
  return status;
}

/* Lists the groups whose alarms ring, by mistake once in 256 windows, but for those that were touched. Returns how many
 * there are then in the list. */
static size_t list_due(const struct hk__sleep *sleep)
{
  static const uint64_t ones = 0x0101010101010101u;
  const uint8_t now = (uint8_t)sleep->clock;
  size_t count = sleep->placed;
  for (size_t g = 0; g < sleep->groups; g += HK__SLEEP_TOGETHER) {
    uint64_t alarm;
    _Static_assert(sizeof alarm == HK__SLEEP_TOGETHER, "a byte of each group");
    memcpy(&alarm, sleep->alarm + g, sizeof alarm);
    alarm ^= ones * now;
    if (((alarm - ones) & ~alarm & 0x80 * ones) == 0) /* no byte of it is zero */
      continue;
    for (size_t i = g; i < g + HK__SLEEP_TOGETHER; i++) {
      sleep->due[count] = (uint32_t)i;
      count += (sleep->alarm[i] == now) & (sleep->place[i] == HK__SLEEP_NOWHERE);
    }
  }
  while (count > sleep->placed && sleep->due[count - 1] >= sleep->groups)
    count--;
  return count;
}

HK_INLINE void prefetch_group(const struct sweep *s, const struct form f, size_t group)
{
  __builtin_prefetch(&s->sleep.nap[group]);
  __builtin_prefetch(s->theta + group * HK__GROUP);
  for (size_t j = 0; j < f.n; j++)
    __builtin_prefetch(s->z + (group * f.n + j) * HK__GROUP);
}

/* All groups, while what sleep takes is not made for windows of this length. */
static enum hk_status sweep_unready(struct hk__shard_state *shard, const struct sweep *s)
{
  const struct hk__sleep *sleep = &s->sleep;
  enum hk_status status = HK_OK;
  for (size_t g = 0; g < sleep->groups && status == HK_OK; g++) {
    struct stop to;
    const bool touched = sleep->place[g] != HK__SLEEP_NOWHERE;
    status = sweep_woken(shard, s, g, touched ? sleep->place[g] : 0, touched, &to);
    sleep->nap[g].since = sleep->clock + 1;
    hk__sleep_set_wake(sleep, g, sleep->clock + 1);
    sleep->place[g] = HK__SLEEP_NOWHERE;
  }
  shard->sleep.touched += sleep->placed;
  shard->sleep.swept += sleep->groups;
  shard->swept_total += shard->stride;
  shard->sleep.placed = 0;
  return status;
}

HK_INLINE enum hk_status sweep_due(struct hk__shard_state *shard, const struct sweep *s, const struct form f)
{
  enum { AHEAD = 8 };
  const struct hk__sleep *sleep = &s->sleep;
  if (!hk__sleep_ready(sleep))
    return sweep_unready(shard, s);
  const size_t touched = sleep->placed, count = list_due(sleep);
  const uint32_t *due = sleep->due;
  enum hk_status status = HK_OK;
  for (size_t k = 0; k < touched && status == HK_OK; k++) {
    if (k + AHEAD < count)
      prefetch_group(s, f, due[k + AHEAD]);
    status = sweep_sleeper(shard, s, f, due[k], k, true);
    sleep->place[due[k]] = HK__SLEEP_NOWHERE;
  }
  size_t taken = touched;
  for (size_t k = touched; k < count && status == HK_OK; k++)
    if (sleep->nap[due[k]].wake <= sleep->clock) {
      status = sweep_sleeper(shard, s, f, due[k], 0, false);
      taken++;
    }
  shard->sleep.placed = 0;
  shard->sleep.touched += touched;
  shard->sleep.swept += taken;
  shard->swept_total += taken * HK__GROUP;
  return status;
}

/* Groups from .. to, of a shard that is awake. Adds up how many were touched. */
HK_INLINE enum hk_status sweep_all(struct hk__shard_state *shard, const struct sweep *s, const struct form f,
                                   const struct hk__puddle *rain, size_t from, size_t to, uint64_t *touched)
{
  enum hk_status status = HK_OK;
  for (size_t g = from; g < to && status == HK_OK; g++) {
    struct stop stop;
    const bool is_touched = s->touched[g];
    *touched += is_touched;
    status = sweep_standing(shard, s, f, rain, g, g, is_touched, &stop);
    s->touched[g] = 0;
  }
  return status;
}

/* All groups, chunk by chunk, with what falls on them. */
HK_INLINE enum hk_status sweep_in_rain(struct hk__shard_state *shard, const struct sweep *s, const struct form f,
                                       unsigned rows, uint64_t *touched)
{
  enum { CHUNK = HK__RAIN_CHUNK / HK__GROUP };
  const size_t groups = shard->sleep.groups;
  struct hk__puddle rain;
  enum hk_status status = HK_OK;
  rain.lanes = rows;
  for (size_t from = 0; from < groups && status == HK_OK; from += CHUNK) {
    size_t to = groups - from < CHUNK ? groups : from + CHUNK;
    hk__rain_catch(shard, (uint32_t)(from * HK__GROUP), (uint32_t)(to * HK__GROUP), &rain);
    status = sweep_all(shard, s, f, &rain, from, to, touched);
  }
  return status;
}

HK_INLINE enum hk_status sweep_groups(struct hk__shard_state *shard, const struct hk__response *r, const struct form f,
                                      const struct hk__workspace *work)
{
  const size_t groups = shard->sleep.groups;
  struct sweep s;
  prepare(shard, r, f, work, &s);
  if (shard->sleep.on)
    return sweep_due(shard, &s, f);
  const unsigned rows = hk__rain_lanes(shard);
  uint64_t touched = 0;
  enum hk_status status =
      rows ? sweep_in_rain(shard, &s, f, rows, &touched) : sweep_all(shard, &s, f, NULL, 0, groups, &touched);
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
  const size_t n = shard->n, lanes = shard->lanes;
  enum hk_status status = HK_OK;
  for (uint32_t i = 0; i < shard->place->count; i++) {
    const struct hk__response *r = hk__shard_response(shard, window, i);
    const double *sense = r->kernel->system.sense;
    double v[HK_STATES_MAX], before = 0, after = 0, *sum = work->sums + i * lanes, more = sum[n];
    for (size_t j = 0; j < n; j++) {
      double z = *hk__shard_state(shard, i, j);
      v[j] = 0;
      for (size_t k = 0; k < n; k++)
        v[j] = fma(r->P[j * n + k], *hk__shard_state(shard, i, k), v[j]);
      before = fma(sense[j], z, before);
      after = fma(sense[j], v[j], after);
      more = fma(r->bend[j], fabs(z), more);
    }
    if (fmax(before, after) + more >= shard->theta[i] && status == HK_OK)
      status = hk__suspect_add(shard, i);
    for (size_t j = 0; j < n; j++)
      *hk__shard_state(shard, i, j) = v[j] + sum[j];
    memset(sum, 0, lanes * sizeof *sum);
  }
  memset(work->touched, 0, shard->stride / HK__GROUP);
  shard->swept_total += shard->stride;
  return status;
}

enum hk_status HK__VARIANT(hk__shard_sweep)(struct hk__shard_state *shard, const struct hk__window *window,
                                            const struct hk__workspace *work)
{
  if (!shard->alike)
    return sweep_each(shard, window, work);
  const struct hk__response *r = hk__shard_response(shard, window, 0);
  if (shard->n == 1)
    return sweep_groups(shard, r, (struct form){1, 2, true}, work);
  if (shard->n == 3 && shard->arrow)
    return sweep_groups(shard, r, (struct form){3, 4, true}, work);
  if (shard->n == 3)
    return sweep_groups(shard, r, (struct form){3, 4, false}, work);
  if (shard->n == 5)
    return sweep_groups(shard, r, (struct form){5, 8, false}, work);
  return sweep_groups(shard, r, (struct form){shard->n, shard->lanes, shard->arrow}, work);
}
