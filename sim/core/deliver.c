/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Superposition: the events of a window added up.
 *
 * An accumulator is the n states' sum and, after them, what the events can add to the bound. Slices are decoded eight
 * synapses at a time into lots, one for each port: targets, weights and arrival times side by side. A full lot's
 * responses are evaluated together, then added to their targets' accumulators one by one, in order. */
#include "core/lanes.h"
#include "core/rain.h"
#include "core/scatter.h"
#include "core/shard.h"

enum { LOT = 256, PIECE = 8, AHEAD = 8, FEW_CODES = 64 };
enum { TARGET_SHIFT = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 16 };

struct lot {
  size_t count;
  uint32_t target[LOT + PIECE];
  double weight[LOT + PIECE], x[LOT + PIECE]; /* x = 1 - 2 s / h */
};

struct delivery {
  struct hk__shard_state *shard;
  const struct hk__window *window;
  const struct hk__response *response; /* of all neurons, if they are alike */
  double scale;                        /* -2 / h */
  double *sums;
  uint8_t *touched;
  struct lot lot[HK_PORTS_MAX];
  uint32_t place[LOT + PIECE]; /* of the lot that is added: which accumulators its targets have, if the shard sleeps */
  double value[HK_STATES_MAX][LOT + PIECE], bound[LOT + PIECE]; /* the same: what it adds */
};

/* Which accumulator a target has. */
HK_INLINE size_t touch(const struct delivery *d, uint32_t target)
{
  if (d->shard->sleep.on)
    return hk__sleep_touch_one(&d->shard->sleep, target);
  d->touched[target / HK__GROUP] = 1;
  return target;
}

/* --- what one event adds to its target --- */

struct dose {
  double value[HK_STATES_MAX + 2] __attribute__((aligned(32)));
};

static struct dose dose_of(const struct hk__response *response, uint32_t port_index, double weight, double x)
{
  const struct hk__port_response *port = &response->port[port_index];
  struct dose dose = {.value = {0}};
  for (unsigned k = 0; k < port->count; k++)
    dose.value[port->lane[k]] = hk__response_at(response, port, k, x) * weight;
  double up = weight * port->hi, down = weight * port->lo, bound = up > down ? up : down;
  dose.value[response->kernel->n] = bound > 0 ? bound : 0;
  return dose;
}

/* --- lots --- */

HK_INLINE void evaluate_degree(const double *c, const unsigned degree, size_t count, const double *restrict x,
                               const double *restrict weight, double *restrict value)
{
  for (size_t j = 0; j < count; j++) {
    double v = c[degree];
    for (unsigned k = degree; k-- > 0;)
      v = fma(v, x[j], c[k]);
    value[j] = v * weight[j];
  }
}

/* The coefficients beyond the degree are zero, so a larger one gives the same bits but for the sign of a zero. */
static void evaluate(const double *c, unsigned degree, size_t count, const double *x, const double *weight,
                     double *value)
{
  if (degree <= 4)
    evaluate_degree(c, 4, count, x, weight, value);
  else if (degree <= 5)
    evaluate_degree(c, 5, count, x, weight, value);
  else if (degree <= 6)
    evaluate_degree(c, 6, count, x, weight, value);
  else if (degree <= 7)
    evaluate_degree(c, 7, count, x, weight, value);
  else if (degree <= 8)
    evaluate_degree(c, 8, count, x, weight, value);
  else if (degree <= 9)
    evaluate_degree(c, 9, count, x, weight, value);
  else if (degree <= 11)
    evaluate_degree(c, 11, count, x, weight, value);
  else
    evaluate_degree(c, HK__RESPONSE_DEGREE, count, x, weight, value);
}

/* What the events can add to the bound; false if nothing. */
static bool bound_lot(const struct hk__port_response *port, size_t count, const double *restrict weight,
                      double *restrict bound)
{
  const hk_lanes hi = hk_lanes_all(port->hi), lo = hk_lanes_all(port->lo);
  hk_lanes largest = hk_lanes_all(0);
  size_t j = 0;
  for (; j + HK_LANES <= count; j += HK_LANES) {
    hk_lanes w = hk__lanes_load(weight + j), b = hk_lanes_max(w * hi, w * lo);
    hk__lanes_store(bound + j, b);
    largest = hk_lanes_max(b, largest);
  }
  bool any = hk__lanes_below(hk_lanes_all(0), largest) != 0;
  for (; j < count; j++) {
    double up = weight[j] * port->hi, down = weight[j] * port->lo;
    bound[j] = up > down ? up : down;
    any |= bound[j] > 0;
  }
  return any;
}

/* Adds a lot whose events share a response. */
static void add_alike(struct delivery *d, const struct lot *lot, const struct hk__port_response *port)
{
  const double *row[HK_STATES_MAX + 2];
  size_t n = d->shard->n, lanes = d->shard->lanes;
  for (size_t k = 0; k < lanes; k++)
    row[k] = NULL;
  for (unsigned k = 0; k < port->count; k++) {
    evaluate(hk__response_polynomial(port, k), d->response->degree, lot->count, lot->x, lot->weight, d->value[k]);
    row[port->lane[k]] = d->value[k];
  }
  if (bound_lot(port, lot->count, lot->weight, d->bound))
    row[n] = d->bound;
  const size_t count = lot->count;
  uint8_t *touched = d->touched;
  const bool asleep = d->shard->sleep.on;
  for (size_t j = 0; j < count && asleep; j++)
    d->place[j] = hk__sleep_touch_one(&d->shard->sleep, lot->target[j]);
  for (size_t j = 0; j < count && !asleep && !d->shard->dense; j++)
    touched[lot->target[j] / HK__GROUP] = 1;
  hk__scatter(asleep ? d->place : lot->target, count, row, d->sums, lanes);
}

/* Fetches what add_each will read of the responses of neurons to come: where the polynomials are, then those. Inline,
 * as compilers drop calls of functions that only fetch. */
HK_INLINE void fetch_ahead(const struct delivery *d, const struct lot *lot, size_t j, uint32_t port)
{
  enum { NEAR = 8, FAR = 20, LINE = 64 / sizeof(double) };
  if (j + FAR < lot->count) {
    const struct hk__response *far = hk__shard_response(d->shard, d->window, lot->target[j + FAR]);
    __builtin_prefetch(&far->degree);
    __builtin_prefetch(&far->port[port]);
  }
  if (j + NEAR < lot->count) {
    const struct hk__port_response *near = &hk__shard_response(d->shard, d->window, lot->target[j + NEAR])->port[port];
    for (size_t i = 0; i < 4 * LINE; i += LINE)
      __builtin_prefetch(near->c + i);
  }
}

/* Adds a lot whose events go to neurons with responses of their own. */
static void add_each(const struct delivery *d, const struct lot *lot, uint32_t port_index)
{
  size_t lanes = d->shard->lanes;
  for (size_t j = 0; j < lot->count; j++) {
    fetch_ahead(d, lot, j, port_index);
    uint32_t target = lot->target[j];
    const struct hk__response *response = hk__shard_response(d->shard, d->window, target);
    const struct hk__port_response *port = &response->port[port_index];
    double *sum = d->sums + touch(d, target) * lanes, weight = lot->weight[j];
    for (unsigned k = 0; k < port->count; k++)
      sum[port->lane[k]] += weight * hk__response_at(response, port, k, lot->x[j]);
    double up = weight * port->hi, down = weight * port->lo, bound = up > down ? up : down;
    sum[d->shard->n] += bound > 0 ? bound : 0;
  }
}

static void add_lot(struct delivery *d, uint32_t port)
{
  struct lot *lot = &d->lot[port];
  if (lot->count == 0)
    return;
  if (d->response)
    add_alike(d, lot, &d->response->port[port]);
  else
    add_each(d, lot, port);
  lot->count = 0;
}

HK_INLINE void put(struct delivery *d, uint32_t target, uint32_t port, double weight, double time)
{
  struct lot *lot = &d->lot[port];
  double s = time - d->window->start;
  size_t j = lot->count++;
  lot->target[j] = target;
  lot->weight[j] = weight;
  lot->x[j] = fma(s > 0 ? s : 0, d->scale, 1.0);
  if (lot->count >= LOT)
    add_lot(d, port);
}

/* --- slices --- */

/* Takes the slice of an entry whose block has the format: a constant, so that decoding is straight code. */
HK_INLINE void take_slice_of(const enum hk__format format, struct delivery *d, struct hk__entry *entry)
{
  struct hk__block block = *entry->block;
  block.format = format;
  double departure = entry->departure, next = INFINITY;
  uint64_t i = entry->at, end = entry->end;
  for (; i < end; i++) {
    struct hk__synapse synapse = hk__block_synapse(&block, i);
    double time = departure + synapse.delay;
    if (time >= d->window->end) {
      next = time;
      break;
    }
    put(d, synapse.target, synapse.port, synapse.weight, time);
  }
  entry->at = i;
  entry->next = next;
}

/* Eight synapses side by side; weights and delays still without their scales. */
struct piece {
  uint32_t target[PIECE] __attribute__((aligned(32)));
  hk_lanes weight[PIECE / HK_LANES], delay[PIECE / HK_LANES];
};

typedef uint32_t words __attribute__((vector_size(32)));
typedef uint32_t halves __attribute__((vector_size(4 * HK_LANES)));
typedef float floats __attribute__((vector_size(4 * HK_LANES)));

HK_INLINE hk_lanes widen(const void *p)
{
  floats f;
  memcpy(&f, p, sizeof f);
  return __builtin_convertvector(f, hk_lanes);
}

HK_INLINE struct piece decode_tight(const void *synapses)
{
  const hk__words exponent = hk__words_all(0x4330000000000000u); /* of 2^52: whole numbers below it stand behind */
  struct piece piece;
  for (unsigned i = 0; i < PIECE / HK_LANES; i++) {
    hk__words w;
    memcpy(&w, (const char *)synapses + i * sizeof w, sizeof w);
    halves target = __builtin_convertvector(w >> 32 & 0xffffu, halves), weight = __builtin_convertvector(w, halves);
    memcpy(piece.target + i * HK_LANES, &target, sizeof target);
    piece.weight[i] = widen(&weight);
    piece.delay[i] = (hk_lanes)(w >> 48 | exponent) - 0x1p52;
  }
  return piece;
}

HK_INLINE struct piece decode_compact(const void *synapses)
{
  struct piece piece;
  words a, b, c;
  memcpy(&a, synapses, sizeof a);
  memcpy(&b, (const char *)synapses + sizeof a, sizeof b);
  memcpy(&c, (const char *)synapses + sizeof a + sizeof b, sizeof c);
  /* word 3 i of the 24 is target and port of synapse i, then come its weight and its delay: lanes are blended, then
   * put in order */
  words t =
      __builtin_shufflevector(__builtin_shufflevector(a, b, 0, 9, 2, 3, 12, 5, 6, 15), c, 0, 1, 10, 3, 4, 13, 6, 7);
  words w =
      __builtin_shufflevector(__builtin_shufflevector(a, b, 0, 1, 10, 3, 4, 13, 6, 7), c, 8, 1, 2, 11, 4, 5, 14, 7);
  words u =
      __builtin_shufflevector(__builtin_shufflevector(a, b, 8, 1, 2, 11, 4, 5, 14, 7), c, 0, 9, 2, 3, 12, 5, 6, 15);
  t = __builtin_shufflevector(t, t, 0, 3, 6, 1, 4, 7, 2, 5) >> TARGET_SHIFT & 0xffffu;
  w = __builtin_shufflevector(w, w, 1, 4, 7, 2, 5, 0, 3, 6);
  u = __builtin_shufflevector(u, u, 2, 5, 0, 3, 6, 1, 4, 7);
  memcpy(piece.target, &t, sizeof t);
  for (unsigned i = 0; i < PIECE / HK_LANES; i++) {
    piece.weight[i] = widen((const float *)&w + i * HK_LANES);
    piece.delay[i] = widen((const float *)&u + i * HK_LANES);
  }
  return piece;
}

/* Takes the slice of an entry whose block has the format, a constant, and goes to one port. */
HK_INLINE enum hk_status take_pieces(const enum hk__format format, struct delivery *d, struct hk__entry *entry)
{
  const struct hk__block *block = entry->block;
  const size_t size = format == HK__TIGHT ? sizeof(struct hk__tight) : sizeof(struct hk__compact);
  const char *synapses = block->synapses;
  struct lot *lot = &d->lot[block->port];
  struct hk__seen *seen = &d->shard->seen;
  const hk_lanes departure = hk_lanes_all(entry->departure), delay_scale = hk_lanes_all(block->delay_scale),
                 weight_scale = hk_lanes_all(block->weight_scale), start = hk_lanes_all(d->window->start),
                 end = hk_lanes_all(d->window->end), scale = hk_lanes_all(d->scale), one = hk_lanes_all(1),
                 zero = hk_lanes_all(0);
  const uint64_t last = entry->end;
  entry->seen = seen->count;
  for (uint64_t at = entry->at;; at += PIECE) {
    if (seen->count + PIECE > seen->capacity && hk__seen_grow(seen, PIECE) != HK_OK)
      return HK_ERR_MEMORY;
    const struct piece piece =
        format == HK__TIGHT ? decode_tight(synapses + at * size) : decode_compact(synapses + at * size);
    size_t count = lot->count;
    double time[PIECE];
    unsigned arrived = 0;
    memcpy(lot->target + count, piece.target, sizeof piece.target);
    for (unsigned i = 0; i < PIECE; i++)
      seen->target[seen->count + i] = (uint16_t)piece.target[i];
    for (unsigned i = 0; i < PIECE / HK_LANES; i++) {
      hk_lanes t = departure + delay_scale * piece.delay[i];
      hk_lanes s = hk_lanes_max(t - start, zero);
      hk__lanes_store(lot->x + count + i * HK_LANES, hk_lanes_fma(s, scale, one));
      hk__lanes_store(lot->weight + count + i * HK_LANES, weight_scale * piece.weight[i]);
      hk__lanes_store(time + i * HK_LANES, t);
      arrived |= hk__lanes_below(t, end) << i * HK_LANES;
    }
    /* whether all arrive is a branch: the next load must not wait for this one */
    if (arrived == (1u << PIECE) - 1 && last - at >= PIECE) {
      seen->count += PIECE;
      lot->count = count + PIECE;
      if (lot->count >= LOT)
        add_lot(d, block->port);
      continue;
    }
    if (last - at < PIECE) /* what was read beyond the row is of no account */
      arrived &= (1u << (last - at)) - 1;
    unsigned some = (unsigned)__builtin_ctz(~arrived);
    seen->count += some;
    lot->count = count + some;
    entry->at = at + some;
    entry->next = entry->at < last ? time[some] : INFINITY;
    if (lot->count >= LOT)
      add_lot(d, block->port);
    return HK_OK;
  }
}

HK_INLINE void add_doses(const struct delivery *d, const struct hk__indexed *s, size_t count, const struct dose *dose,
                         const size_t lanes)
{
  for (size_t j = 0; j < count; j++) {
    double *a = d->sums + touch(d, s[j].target) * lanes;
    if (lanes == 2)
      *(hk__two *)a += *(const hk__two *)dose->value;
    else
      for (size_t k = 0; k < lanes; k += 4)
        *(hk__four *)(a + k) += *(const hk__four *)(dose->value + k);
  }
}

/* Lists the targets of an entry's slice up to synapse `end`. */
static enum hk_status see(struct hk__seen *seen, struct hk__entry *entry, uint64_t end)
{
  const struct hk__indexed *s = entry->block->indexed + entry->at;
  const size_t count = end - entry->at;
  if (count == 0)
    return HK_OK;
  if (seen->count + count > seen->capacity && hk__seen_grow(seen, count) != HK_OK)
    return HK_ERR_MEMORY;
  uint16_t *target = seen->target + seen->count;
  for (size_t i = 0; i < count; i++)
    target[i] = s[i].target;
  entry->seen = seen->count;
  seen->count += count;
  return HK_OK;
}

/* Takes the slice of an entry whose synapses share few weights and delays: runs of synapses with the same code arrive
 * at one time with one weight, so that their response is evaluated once. */
static enum hk_status take_runs(struct delivery *d, struct hk__entry *entry)
{
  const struct hk__indexed *s = entry->block->indexed;
  uint64_t i = entry->at, end = entry->end;
  size_t lanes = d->shard->lanes;
  entry->next = INFINITY;
  while (i < end) {
    const struct hk__code *code = &entry->block->code[s[i].code];
    double time = entry->departure + code->delay, after = time - d->window->start;
    if (time >= d->window->end) {
      entry->next = time;
      break;
    }
    uint64_t run = i + 1;
    while (run < end && s[run].code == s[i].code)
      run++;
    struct dose dose = dose_of(d->response, code->port, code->weight, fma(after > 0 ? after : 0, d->scale, 1.0));
    if (lanes == 2)
      add_doses(d, s + i, run - i, &dose, 2);
    else if (lanes == 4)
      add_doses(d, s + i, run - i, &dose, 4);
    else
      add_doses(d, s + i, run - i, &dose, lanes);
    i = run;
  }
  enum hk_status status = see(&d->shard->seen, entry, i);
  entry->at = i;
  return status;
}

static enum hk_status take_slice(struct delivery *d, struct hk__entry *entry)
{
  const struct hk__block *block = entry->block;
  entry->seen = SIZE_MAX;
  if (block->format == HK__TIGHT)
    return take_pieces(HK__TIGHT, d, entry);
  if (block->format == HK__COMPACT && block->one_port)
    return take_pieces(HK__COMPACT, d, entry);
  if (block->format == HK__COMPACT)
    take_slice_of(HK__COMPACT, d, entry);
  else if (block->format == HK__WIDE)
    take_slice_of(HK__WIDE, d, entry);
  else if (d->response && block->code_count <= FEW_CODES)
    return take_runs(d, entry);
  else
    take_slice_of(HK__INDEXED, d, entry);
  return HK_OK;
}

static enum hk_status deliver_chunk(struct delivery *d, struct hk__chunk *chunk, size_t from, size_t to)
{
  struct hk__shard_state *shard = d->shard;
  struct hk__entry *entry = shard->entry;
  double end = d->window->end, soonest = INFINITY;
  enum hk_status status = HK_OK;
  for (size_t i = from; i < to && status == HK_OK; i++) {
    if (i + AHEAD < shard->entry_count && entry[i + AHEAD].next < end)
      hk__entry_prefetch(&entry[i + AHEAD]);
    uint64_t before = entry[i].at;
    if (entry[i].next < end) {
      status = take_slice(d, &entry[i]);
      shard->event_count += entry[i].at - before;
      shard->arrived += entry[i].at == entry[i].end;
    }
    entry[i].begin = before;
    soonest = entry[i].next < soonest ? entry[i].next : soonest;
  }
  chunk->soonest = soonest;
  return status;
}

static enum hk_status deliver_slices(struct delivery *d)
{
  size_t count = d->shard->entry_count;
  enum hk_status status = HK_OK;
  d->shard->seen.count = 0;
  for (size_t from = 0; from < count && status == HK_OK; from += HK__CHUNK) {
    struct hk__chunk *chunk = hk__shard_due_chunk(d->shard, from, d->window->end);
    if (chunk)
      status = deliver_chunk(d, chunk, from, count - from < HK__CHUNK ? count : from + HK__CHUNK);
  }
  return status;
}

static enum hk_status deliver_drive(struct delivery *d, struct hk__drive *drive, const struct hk__workspace *work)
{
  struct hk__shard_state *shard = d->shard;
  if (d->response && hk__rain_falls(drive, shard, d->window, d->response))
    return HK_OK;
  if (drive->kind_count > 0 && d->response) {
    HK__VARIANT(hk__drive_pour)(drive, shard, d->window, work);
    return HK_OK;
  }
  for (uint32_t train = 0; train < drive->count;) {
    shard->drawn.count = 0;
    enum hk_status status = hk__drive_draw(shard, drive, d->window, &train, &shard->drawn);
    if (status != HK_OK)
      return status;
    for (size_t i = 0; i < shard->drawn.count; i++) {
      const struct hk__event *e = &shard->drawn.event[i];
      put(d, e->neuron, e->port, e->weight, e->time);
    }
    shard->event_count += shard->drawn.count;
  }
  return HK_OK;
}

/* Where events are many, all groups are taken for touched at once, instead of each event's: it costs a look at some
 * accumulators more. Whether they are is seen in the window before. */
static void mark_all(const struct delivery *d)
{
  enum { MANY = 4 };
  struct hk__shard_state *shard = d->shard;
  size_t groups = shard->stride / HK__GROUP;
  if (shard->dense && !shard->sleep.on)
    memset(d->touched, 1, groups);
  shard->dense = !shard->sleep.on && shard->arrivals > MANY * groups;
}

enum hk_status HK__VARIANT(hk__shard_deliver)(struct hk__shard_state *shard, const struct hk__window *window,
                                              const struct hk__workspace *work)
{
  struct delivery d;
  d.shard = shard;
  d.window = window;
  d.response = shard->alike ? hk__shard_response(shard, window, 0) : NULL;
  d.scale = -2 / window->length;
  uint64_t before = shard->event_count;
  d.sums = work->sums;
  d.touched = work->touched;
  for (size_t p = 0; p < HK_PORTS_MAX; p++)
    d.lot[p].count = 0;
  enum hk_status status = deliver_slices(&d);
  for (size_t i = 0; i < shard->drive_count && status == HK_OK; i++)
    status = deliver_drive(&d, &shard->drive[i], work);
  for (uint32_t p = 0; p < HK_PORTS_MAX; p++)
    add_lot(&d, p);
  shard->arrivals = shard->event_count - before;
  mark_all(&d);
  return status;
}
