/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Superposition of private Poisson input.
 *
 * The trains of a chunk that may spike in the window go side by side, one to a lane: the first block of a bin's words
 * (poisson.h) for all of them, the next for those that have more spikes, and so on, so that no branch depends on a
 * single train. Each adds up the responses to its own spikes, which then go to its target's accumulator together. */
#include "core/lanes.h"
#include "core/poisson_lanes.h"
#include "core/scatter.h"
#include "core/shard.h"

enum { CHUNK = HK__DRIVE_CHUNK, BATCH = CHUNK + HK_LANES, EVERY = (1 << HK_LANES) - 1 };

/* What all trains of a kind have in common in a window. */
struct pour {
  const struct hk__poisson *group;
  const struct hk__port_response *port;
  bool one_rate;
  double limit[HK__POISSON_MOST + 1]; /* if they have one rate */
  struct hk__poisson_rate rate;       /* of the first of them; all have its bins */
  struct hk__poisson_keys keys;
  uint64_t first_bin;
  unsigned bins; /* that overlap the window */
  unsigned over; /* of them, the first, in which no train of the chunk has anything left */
  double start, from, scale;
  double latest; /* the last time in the window */
  double after;  /* the start of the first bin after the window */
};

/* What the spikes of a lane add up to; the first after the window. */
struct gain {
  hk_lanes value[HK_STATES_MAX], spikes, next;
};

/* Adds a spike of each lane whose u is not below the limit, if its time is in the window. */
HK_INLINE void take_spike(const struct pour *p, const unsigned degree, const unsigned states, hk_lanes u,
                          hk_lanes limit, hk_lanes fraction, double start, double last, struct gain *gain)
{
  hk_lanes t = hk_lanes_min(hk_lanes_fma(fraction, hk_lanes_all(p->rate.bin), hk_lanes_all(start)), hk_lanes_all(last));
  hk__some real = hk__lanes_from(u, limit);
  hk__some later = real & hk__lanes_above(t, hk_lanes_all(p->latest));
  hk__some now = real & hk__lanes_from(t, hk_lanes_all(p->from)) & ~later;
  hk_lanes x = hk_lanes_fma(t - p->start, hk_lanes_all(p->scale), hk_lanes_all(1));
  for (unsigned k = 0; k < states; k++) {
    const hk_lanes v = hk__lanes_polynomial(hk__response_polynomial(p->port, k), degree, x);
    gain->value[k] = hk__lanes_add_some(now, gain->value[k], v);
  }
  gain->spikes = hk__lanes_add_some(now, gain->spikes, hk_lanes_all(1));
  gain->next = hk__lanes_min_some(later, gain->next, t);
}

/* Trains and what comes of them. */
struct batch {
  size_t count;
  uint32_t train[BATCH], number[BATCH], target[BATCH];        /* of the drive; of the group; a neuron of the shard */
  double u[BATCH];                                            /* of the bin */
  double mean[BATCH], none[BATCH], limit[BATCH], mass[BATCH]; /* if rates differ: for the bin; of the next spike */
  double value[HK_STATES_MAX][BATCH], spikes[BATCH], next[BATCH], bound[BATCH];
};

/* A block of words of a bin, of which the first `used` tell of no spike, for all trains of a batch. The first spike is
 * the k-th of the bin. */
HK_INLINE void take_block(const struct pour *p, const unsigned degree, const unsigned states, const bool one_rate,
                          uint64_t bin, uint64_t block, const unsigned used, unsigned k, struct batch *batch)
{
  double start = hk__poisson_start(&p->rate, bin), last = nextafter(hk__poisson_start(&p->rate, bin + 1), 0);
  for (size_t at = 0; at < batch->count; at += HK_LANES) {
    struct gain gain;
    hk__words train, w[HK__POISSON_WORDS];
    for (unsigned i = 0; i < HK_LANES; i++)
      train[i] = batch->number[at + i];
    for (unsigned i = 0; i < states; i++)
      gain.value[i] = hk__lanes_load(batch->value[i] + at);
    gain.spikes = hk__lanes_load(batch->spikes + at);
    gain.next = hk__lanes_load(batch->next + at);
    hk__poisson_draw(p->group, &p->keys, train, HK__POISSON_BLOCKS * bin + block, w);
    if (used == 1)
      hk__lanes_store(batch->u + at, hk__poisson_u(w[0]));
    hk_lanes u = hk__lanes_load(batch->u + at), limit = u, mass = u, mean = u;
    if (!one_rate) {
      limit = hk__lanes_load(batch->limit + at);
      mass = hk__lanes_load(batch->mass + at);
      mean = hk__lanes_load(batch->mean + at);
    }
    for (unsigned i = used; i < HK__POISSON_WORDS; i++) {
      unsigned spike = k + i - used;
      take_spike(p, degree, states, u, one_rate ? hk_lanes_all(p->limit[spike]) : limit,
                 hk__poisson_place(w[i], w[(i + 1) % HK__POISSON_WORDS]) - 1.0, start, last, &gain);
      if (!one_rate) { /* hk__poisson_next_limit */
        mass = mass * (mean * hk_lanes_all(hk__poisson_shares[spike]));
        limit = limit + mass;
      }
    }
    if (!one_rate) {
      hk__lanes_store(batch->limit + at, limit);
      hk__lanes_store(batch->mass + at, mass);
    }
    for (unsigned i = 0; i < states; i++)
      hk__lanes_store(batch->value[i] + at, gain.value[i]);
    hk__lanes_store(batch->spikes + at, gain.spikes);
    hk__lanes_store(batch->next + at, gain.next);
  }
}

/* Fills the lanes after the last train with one that is there already. */
static void fill_up(unsigned states, struct batch *batch)
{
  for (size_t i = batch->count; i < batch->count + HK_LANES && batch->count > 0; i++) {
    batch->number[i] = batch->number[0];
    batch->u[i] = batch->spikes[i] = batch->next[i] = 0;
    batch->mean[i] = batch->mass[i] = 0;
    batch->limit[i] = 0x1p32; /* above every u */
    for (unsigned k = 0; k < states; k++)
      batch->value[k][i] = 0;
  }
}

/* Those of a batch that have a k-th spike: from `all`, where train[i] says. Lanes that fill it up do no harm. */
static void take_out(const struct pour *p, const struct batch *all, unsigned k, struct batch *some)
{
  const unsigned states = p->port->count;
  size_t count = 0;
  for (size_t i = 0; i < all->count; i += HK_LANES) {
    hk_lanes limit = p->one_rate ? hk_lanes_all(p->limit[k]) : hk__lanes_load(all->limit + i);
    count +=
        hk__list_bits(EVERY & ~hk__lanes_below(hk__lanes_load(all->u + i), limit), (uint32_t)i, some->train + count);
  }
  some->count = count;
  for (size_t i = 0; i < count; i++) {
    size_t from = some->train[i];
    some->number[i] = all->number[from];
    some->u[i] = all->u[from];
    some->spikes[i] = all->spikes[from];
    some->next[i] = all->next[from];
    some->mean[i] = all->mean[from];
    some->limit[i] = all->limit[from];
    some->mass[i] = all->mass[from];
    for (unsigned j = 0; j < states; j++)
      some->value[j][i] = all->value[j][from];
  }
  fill_up(states, some);
}

static void put_back(const struct pour *p, const struct batch *some, struct batch *all)
{
  const unsigned states = p->port->count;
  for (size_t i = 0; i < some->count; i++) {
    size_t to = some->train[i];
    all->spikes[to] = some->spikes[i];
    all->next[to] = some->next[i];
    all->limit[to] = some->limit[i];
    all->mass[to] = some->mass[i];
    for (unsigned k = 0; k < states; k++)
      all->value[k][to] = some->value[k][i];
  }
}

/* Puts all trains before the first spike of a bin. */
static void begin_bin(struct batch *batch)
{
  for (size_t i = 0; i < batch->count; i++)
    batch->limit[i] = batch->mass[i] = batch->none[i];
}

HK_INLINE void take_bins(const struct pour *p, const unsigned degree, const unsigned states, const bool one_rate,
                         struct batch *batch, struct batch *some)
{
  for (unsigned b = p->over; b < p->bins; b++) {
    uint64_t bin = p->first_bin + b, block = 0;
    if (!one_rate)
      begin_bin(batch);
    take_block(p, degree, states, one_rate, bin, block, 1, 0, batch);
    for (unsigned k = HK__POISSON_WORDS - 1; k < HK__POISSON_MOST; k += HK__POISSON_WORDS) {
      take_out(p, batch, k, some);
      if (some->count == 0)
        break;
      take_block(p, degree, states, one_rate, bin, ++block, 0, k, some);
      put_back(p, some, batch);
    }
  }
}

/* A loop for some degrees: the coefficients beyond a response's own are zero. Two states are the usual. */
HK_INLINE void take_batch_of(const struct pour *p, const unsigned degree, struct batch *batch, struct batch *some)
{
  if (!p->one_rate && p->port->count == 2)
    take_bins(p, degree, 2, false, batch, some);
  else if (!p->one_rate)
    take_bins(p, degree, p->port->count, false, batch, some);
  else if (p->port->count == 1)
    take_bins(p, degree, 1, true, batch, some);
  else if (p->port->count == 2)
    take_bins(p, degree, 2, true, batch, some);
  else
    take_bins(p, degree, p->port->count, true, batch, some);
}

static void take_batch(const struct pour *p, unsigned degree, struct batch *batch)
{
  struct batch some;
  if (degree <= 5)
    take_batch_of(p, 5, batch, &some);
  else if (degree <= 6)
    take_batch_of(p, 6, batch, &some);
  else if (degree <= 8)
    take_batch_of(p, 8, batch, &some);
  else if (degree <= 11)
    take_batch_of(p, 11, batch, &some);
  else
    take_batch_of(p, HK__RESPONSE_DEGREE, batch, &some);
}

static void prepare(struct pour *p, const struct hk__drive *drive, const struct hk__drive_kind *kind,
                    const struct hk__window *window, const struct hk__response *response)
{
  p->group = &drive->group;
  p->port = &response->port[kind->port];
  p->one_rate = drive->one_rate;
  p->rate = drive->rate[0];
  p->rate.bin = kind->bin;
  p->start = window->start;
  p->from = fmax(window->start, drive->input->from);
  p->latest = nextafter(fmin(window->end, drive->input->to), -INFINITY);
  p->scale = -2 / window->length;
  p->keys = hk__poisson_keys_of(p->group);
  hk__poisson_limits(&p->rate, p->limit);
  p->first_bin = hk__poisson_bin_at(&p->rate, p->from);
  for (p->bins = 0; (p->after = hk__poisson_start(&p->rate, p->first_bin + p->bins)) < window->end;)
    p->bins++;
}

/* Leaves the trains of a kind in the list. */
static size_t keep_kind(const struct hk__drive *drive, unsigned kind, size_t count, uint32_t *train)
{
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    train[kept] = train[i];
    kept += drive->kind_of[train[i]] == kind;
  }
  return kept;
}

/* The trains of a chunk and a kind that may spike in the window. */
static void list_due(const struct pour *p, const struct hk__drive *drive, unsigned kind, double end, uint32_t from,
                     uint32_t to, struct batch *batch)
{
  size_t count = 0;
  for (uint32_t i = from; i < to; i += HK_LANES)
    count +=
        hk__list_bits(hk__lanes_below(hk__lanes_load(drive->next + i), hk_lanes_all(end)), i, batch->train + count);
  if (drive->kind_of)
    count = keep_kind(drive, kind, count, batch->train);
  batch->count = count;
  const struct hk__input *input = drive->input;
  for (size_t i = 0; i < count; i++)
    batch->number[i] = drive->first + batch->train[i];
  for (size_t i = 0; i < count && input->neurons; i++)
    batch->number[i] = input->neurons[batch->number[i]];
  for (size_t i = 0; i < count; i++)
    batch->target[i] = drive->base + batch->number[i];
  for (size_t i = 0; i < count; i++)
    batch->next[i] = p->after;
  for (size_t i = 0; i < count && !p->one_rate; i++) {
    batch->mean[i] = drive->rate[batch->train[i]].mean;
    batch->none[i] = drive->rate[batch->train[i]].none;
  }
  memset(batch->spikes, 0, count * sizeof *batch->spikes);
  for (unsigned k = 0; k < p->port->count; k++)
    memset(batch->value[k], 0, count * sizeof *batch->value[k]);
  fill_up(p->port->count, batch);
}

static double least(const double *x, size_t count)
{
  hk_lanes least = hk_lanes_all(INFINITY);
  for (size_t i = 0; i < count; i += HK_LANES)
    least = hk_lanes_min(hk__lanes_load(x + i), least);
  double result = INFINITY;
  for (unsigned k = 0; k < HK_LANES; k++)
    result = least[k] < result ? least[k] : result;
  return result;
}

/* Whether numbers that ascend do so one by one. */
HK_INLINE bool in_a_row(const uint32_t *number, size_t count)
{
  return number[count - 1] - number[0] == count - 1;
}

/* Marks the groups that spikes went to; of many trains nearly all have one, and then looking costs more than marking.
 */
static void mark_touched(const struct batch *batch, uint8_t *touched)
{
  const size_t count = batch->count, first = batch->target[0] / HK__GROUP, last = batch->target[count - 1] / HK__GROUP;
  if (count <= CHUNK / 2)
    for (size_t i = 0; i < count; i++)
      touched[batch->target[i] / HK__GROUP] |= batch->spikes[i] > 0;
  else if (in_a_row(batch->target, count))
    memset(touched + first, 1, last - first + 1);
  else
    for (size_t i = 0; i < count; i++)
      touched[batch->target[i] / HK__GROUP] = 1;
}

/* Where trains stand now. */
static void move_on(const struct hk__drive *drive, const struct batch *batch)
{
  if (in_a_row(batch->train, batch->count))
    memcpy(drive->next + batch->train[0], batch->next, batch->count * sizeof *drive->next);
  else
    for (size_t i = 0; i < batch->count; i++)
      drive->next[batch->train[i]] = batch->next[i];
}

/* The weights of their targets. */
static void get_weights(const struct hk__drive *drive, const struct batch *batch, double *weight)
{
  const double *first = drive->input->weight + drive->first;
  if (in_a_row(batch->train, batch->count))
    memcpy(weight, first + batch->train[0], batch->count * sizeof *weight);
  else
    for (size_t i = 0; i < batch->count; i++)
      weight[i] = first[batch->train[i]];
}

/* Which accumulators the targets have, where the shard sleeps. Trains without a spike touch nobody: they add zeros. */
static void find_places(struct hk__shard_state *shard, const struct batch *batch, uint32_t *place)
{
  for (size_t i = 0; i < batch->count; i++)
    place[i] = batch->spikes[i] > 0 ? hk__sleep_touch_one(&shard->sleep, batch->target[i]) : 0;
}

/* Adds what has come together to the accumulators, and puts the trains where they stand now. */
static void settle(const struct hk__drive *drive, struct hk__shard_state *shard, const struct hk__port_response *port,
                   const struct hk__workspace *work, struct batch *batch)
{
  const double *row[HK_STATES_MAX + 2] = {NULL};
  for (unsigned k = 0; k < port->count; k++)
    row[port->lane[k]] = batch->value[k];
  row[shard->n] = batch->bound;
  hk_lanes events = hk_lanes_all(0);
  for (size_t i = batch->count; i < batch->count + HK_LANES; i++)
    batch->spikes[i] = 0;
  get_weights(drive, batch, batch->bound);
  for (size_t i = 0; i < batch->count; i += HK_LANES) {
    hk_lanes weight = hk__lanes_load(batch->bound + i), spikes = hk__lanes_load(batch->spikes + i);
    hk_lanes more = hk_lanes_max(weight * port->hi, weight * port->lo);
    hk__lanes_store(batch->bound + i, hk_lanes_max(more, hk_lanes_all(0)) * spikes);
    for (unsigned k = 0; k < port->count; k++)
      hk__lanes_store(batch->value[k] + i, hk__lanes_load(batch->value[k] + i) * weight);
    events += spikes;
  }
  move_on(drive, batch);
  for (unsigned i = 0; i < HK_LANES; i++)
    shard->event_count += (uint64_t)events[i];
  uint32_t place[BATCH];
  if (shard->sleep.on)
    find_places(shard, batch, place);
  else
    mark_touched(batch, work->touched);
  hk__scatter(shard->sleep.on ? place : batch->target, batch->count, row, work->sums, shard->lanes);
}

static void pour_kind(const struct hk__drive *drive, unsigned kind, struct hk__shard_state *shard,
                      const struct hk__window *window, const struct hk__workspace *work)
{
  const struct hk__response *response = hk__shard_response(shard, window, 0);
  struct pour p;
  struct batch batch;
  bool prepared = false;
  for (uint32_t from = 0; from < drive->count; from += CHUNK) {
    double *soonest = &drive->soonest[from / CHUNK];
    uint32_t to = drive->count - from < CHUNK ? drive->count : from + CHUNK;
    if (*soonest >= window->end)
      continue;
    if (!prepared)
      prepare(&p, drive, &drive->kind[kind], window, response);
    prepared = true;
    list_due(&p, drive, kind, window->end, from, to, &batch);
    shard->swept_total += 2 * batch.count; /* about what two neurons' sweep costs */
    for (p.over = 0; hk__poisson_start(&p.rate, p.first_bin + p.over + 1) <= *soonest;)
      p.over++;
    if (batch.count > 0) {
      take_batch(&p, response->degree, &batch);
      settle(drive, shard, p.port, work, &batch);
    }
    *soonest = least(drive->next + from, to - from);
  }
}

void HK__VARIANT(hk__drive_pour)(const struct hk__drive *drive, struct hk__shard_state *shard,
                                 const struct hk__window *window, const struct hk__workspace *work)
{
  if (window->start >= drive->input->to)
    return;
  for (unsigned kind = 0; kind < drive->kind_count; kind++)
    pour_kind(drive, kind, shard, window, work);
}
