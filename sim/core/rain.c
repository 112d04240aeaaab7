/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/rain.h"

#include "core/lane_rows.h"
#include "core/shard.h"

enum { CHUNK = HK__RAIN_CHUNK, ROW = HK__RAIN_ROW, EVERY = (1 << HK_LANES) - 1 };
enum { FIRST = HK__POISSON_WORDS - 1 }; /* spikes that the first block of words tells */

/* What the trains to some neurons of a chunk come to. */
struct fall {
  const struct hk__rain *rain;
  const struct hk__poisson *group;
  uint32_t first, count;                         /* the first's number, of as many */
  double u[ROW];                                 /* of the bin; -1: no train */
  double value[HK_STATES_MAX][ROW], spikes[ROW]; /* response k to a weight of 1; how many */
};

/* What some lanes come to. */
struct drops {
  hk_lanes value[HK_STATES_MAX], spikes;
};

/* Adds spike k of each lane that has it. */
HK_INLINE void take_spike(const struct hk__rain *rain, const unsigned degree, const unsigned states, hk_lanes u,
                          unsigned k, hk__words word, hk__words lent, struct drops *drops)
{
  const hk__some real = hk__lanes_from(u, hk_lanes_all(rain->limit[k]));
  const hk_lanes x = hk_lanes_fma(hk__poisson_place(word, lent), hk_lanes_all(-2), hk_lanes_all(3));
  for (unsigned s = 0; s < states; s++) {
    const hk_lanes v = hk__lanes_polynomial(hk__response_polynomial(rain->port, s), degree, x);
    drops->value[s] = hk__lanes_add_some(real, drops->value[s], v);
  }
  drops->spikes = hk__lanes_add_some(real, drops->spikes, hk_lanes_all(1));
}

HK_INLINE struct drops no_drops(const unsigned states)
{
  struct drops drops;
  for (unsigned s = 0; s < states; s++)
    drops.value[s] = hk_lanes_all(0);
  drops.spikes = hk_lanes_all(0);
  return drops;
}

/* The first spikes of all trains. */
HK_INLINE void take_first(struct fall *f, const unsigned degree, const unsigned states)
{
  hk__words train = hk__words_all(f->first), w[HK__POISSON_WORDS];
  for (unsigned i = 0; i < HK_LANES; i++)
    train[i] += i;
  for (size_t at = 0; at < f->count; at += HK_LANES, train += HK_LANES) {
    struct drops drops = no_drops(states);
    hk__poisson_draw(f->group, &f->rain->keys, train, f->rain->block, w);
    const hk_lanes u = hk__poisson_u(w[0]);
    for (unsigned k = 0; k < FIRST; k++)
      take_spike(f->rain, degree, states, u, k, w[k + 1], w[(k + 2) % HK__POISSON_WORDS], &drops);
    for (unsigned s = 0; s < states; s++)
      hk__lanes_store(f->value[s] + at, drops.value[s]);
    hk__lanes_store(f->spikes + at, drops.spikes);
    hk__lanes_store(f->u + at, u);
  }
  for (size_t i = f->count; i < f->count + HK_LANES; i++) {
    f->u[i] = -1;
    f->spikes[i] = 0;
    for (unsigned s = 0; s < states; s++)
      f->value[s][i] = 0;
  }
}

/* Those that have a k-th spike, and for lanes after the last the place of none. Returns how many. */
static size_t list_more(const struct fall *f, unsigned k, uint32_t *list)
{
  const hk_lanes limit = hk_lanes_all(f->rain->limit[k]);
  size_t count = 0;
  for (uint32_t at = 0; at < f->count; at += HK_LANES)
    count += hk__list_bits(EVERY & ~hk__lanes_below(hk__lanes_load(f->u + at), limit), at, list + count);
  for (size_t i = count; i < count + HK_LANES; i++)
    list[i] = f->count;
  return count;
}

/* Spikes k to k + 3 of the trains in a list, from a block of words. */
HK_INLINE void take_more(struct fall *f, const unsigned degree, const unsigned states, unsigned k, uint64_t block,
                         const uint32_t *list, size_t count)
{
  for (size_t at = 0; at < count; at += HK_LANES) {
    const uint32_t *of = list + at;
    const double *from[HK_LANES];
    hk__words train, w[HK__POISSON_WORDS];
    for (unsigned i = 0; i < HK_LANES; i++) {
      train[i] = f->first + of[i];
      from[i] = &f->u[of[i]];
    }
    const hk_lanes u = hk__lanes_picked_up(from);
    struct drops drops = no_drops(states);
    hk__poisson_draw(f->group, &f->rain->keys, train, block, w);
    for (unsigned i = 0; i < HK__POISSON_WORDS; i++)
      take_spike(f->rain, degree, states, u, k + i, w[i], w[(i + 1) % HK__POISSON_WORDS], &drops);
    for (unsigned i = 0; i < HK_LANES; i++) {
      for (unsigned s = 0; s < states; s++)
        f->value[s][of[i]] += drops.value[s][i];
      f->spikes[of[i]] += drops.spikes[i];
    }
  }
}

HK_INLINE void take_spikes(struct fall *f, const unsigned degree, const unsigned states)
{
  uint32_t list[CHUNK + HK_LANES];
  size_t count;
  take_first(f, degree, states);
  uint64_t block = f->rain->block;
  for (unsigned k = FIRST; k < HK__POISSON_MOST && (count = list_more(f, k, list)) > 0; k += HK__POISSON_WORDS)
    take_more(f, degree, states, k, ++block, list, count);
}

/* A loop for some degrees: the coefficients beyond a response's own are zero. One and two states are the usual. */
HK_INLINE void take_degree(struct fall *f, const unsigned degree)
{
  if (f->rain->port->count == 1)
    take_spikes(f, degree, 1);
  else if (f->rain->port->count == 2)
    take_spikes(f, degree, 2);
  else
    take_spikes(f, degree, f->rain->port->count);
}

static void take_all(struct fall *f)
{
  if (f->rain->degree <= 5)
    take_degree(f, 5);
  else if (f->rain->degree <= 6)
    take_degree(f, 6);
  else if (f->rain->degree <= 8)
    take_degree(f, 8);
  else
    take_degree(f, HK__RESPONSE_DEGREE);
}

/* Adds it all to the rows, from their number `to` on. Returns how many spikes it was. */
static uint64_t add_up(const struct fall *f, const double *weights, uint32_t to, size_t n, struct hk__puddle *puddle)
{
  const struct hk__port_response *port = f->rain->port;
  const hk_lanes none = hk_lanes_all(0);
  double weight[ROW];
  hk_lanes spikes = none;
  memcpy(weight, weights, f->count * sizeof *weight);
  memset(weight + f->count, 0, HK_LANES * sizeof *weight);
  for (size_t i = 0; i < f->count; i += HK_LANES) {
    const hk_lanes w = hk__lanes_load(weight + i), some = hk__lanes_load(f->spikes + i);
    for (unsigned k = 0; k < port->count; k++) {
      double *row = puddle->row[port->lane[k]] + to + i;
      hk__lanes_store(row, hk__lanes_load(row) + hk__lanes_load(f->value[k] + i) * w);
    }
    const hk_lanes more = hk_lanes_max(hk_lanes_max(w * port->hi, w * port->lo), none) * some;
    double *bound = puddle->row[n] + to + i;
    hk__lanes_store(bound, hk__lanes_load(bound) + more);
    spikes += some;
  }
  double sum = 0;
  for (unsigned i = 0; i < HK_LANES; i++)
    sum += spikes[i];
  return (uint64_t)sum;
}

void hk__rain_catch(struct hk__shard_state *shard, uint32_t from, uint32_t to, struct hk__puddle *puddle)
{
  struct fall f;
  for (size_t j = 0; j <= shard->n; j++)
    if (puddle->lanes >> j & 1u)
      memset(puddle->row[j], 0, sizeof puddle->row[j]);
  for (size_t i = 0; i < shard->drive_count; i++) {
    const struct hk__drive *drive = &shard->drive[i];
    if (!drive->rain || !drive->rain->falls)
      continue;
    const uint32_t first = drive->base + drive->first, last = first + drive->count; /* neurons */
    const uint32_t begin = first > from ? first : from, end = last < to ? last : to;
    if (begin >= end)
      continue;
    const uint32_t train = begin - first;
    f.rain = drive->rain;
    f.group = &drive->group;
    f.first = drive->first + train;
    f.count = end - begin;
    take_all(&f);
    shard->swept_total += 2 * f.count; /* about what two neurons' sweep costs */
    shard->event_count += add_up(&f, drive->input->weight + drive->first + train, begin - from, shard->n, puddle);
  }
}
