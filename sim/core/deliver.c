/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Superposition: the events of a window added up, and the sweep that advances all neurons of a shard.
 *
 * The loops here are where the time goes. Slices are taken in batches: first targets, weights and arrival times are
 * laid out in arrays, then the responses are evaluated, many at a time, then they are added to their targets' one by
 * one, in order. An accumulator is the n states' sum and, after them, what the events can add to the bound. */
#include <math.h>
#include <string.h>

#include "core/shard.h"

#define INLINE static inline __attribute__((always_inline))

enum { BATCH = 256, CHUNK = 256, AHEAD = 6, FEW_CODES = 64 };

struct batch {
  size_t count;
  uint32_t mixed; /* not 0: the events go to several ports */
  uint32_t port;  /* of the first */
  uint32_t target[BATCH], ports[BATCH];
  double weight[BATCH], x[BATCH]; /* x = 1 - 2 s / h */
  double value[HK_STATES_MAX][BATCH], bound[BATCH];
};

/* --- responses of a batch --- */

INLINE void evaluate_degree(const double *c, const unsigned degree, size_t count, const double *x, const double *weight,
                            double *value)
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

/* Adds `count` states' values, and bounds if any, to the targets. Constant arguments make straight code of it. */
INLINE void scatter_lanes(const struct batch *b, size_t from, size_t to, const struct hk__port_response *port,
                          const unsigned count, const size_t lanes, size_t n, bool bounded, double *accumulator)
{
  for (size_t j = from; j < to; j++) {
    double *a = accumulator + b->target[j] * lanes;
    for (unsigned k = 0; k < count; k++)
      a[port->lane[k]] += b->value[k][j];
    if (bounded)
      a[n] += b->bound[j];
  }
}

static void scatter(const struct hk__shard_state *shard, const struct batch *b, size_t from, size_t to,
                    const struct hk__port_response *port, bool bounded, double *accumulator)
{
  if (port->count == 1 && shard->lanes == 2)
    scatter_lanes(b, from, to, port, 1, 2, 1, bounded, accumulator);
  else if (port->count == 2 && shard->lanes == 4 && bounded)
    scatter_lanes(b, from, to, port, 2, 4, shard->n, true, accumulator);
  else if (port->count == 2 && shard->lanes == 4)
    scatter_lanes(b, from, to, port, 2, 4, shard->n, false, accumulator);
  else if (port->count == 3 && shard->lanes == 8)
    scatter_lanes(b, from, to, port, 3, 8, shard->n, bounded, accumulator);
  else
    scatter_lanes(b, from, to, port, port->count, shard->lanes, shard->n, bounded, accumulator);
}

/* Events from .. to of a batch, which share a port and a response. */
static void add_run(const struct hk__shard_state *shard, const struct hk__response *response, struct batch *b,
                    size_t from, size_t to, double *accumulator)
{
  const struct hk__port_response *port = &response->port[b->ports[from]];
  for (unsigned k = 0; k < port->count; k++)
    evaluate(port->c[k], response->degree, to - from, b->x + from, b->weight + from, b->value[k] + from);
  double largest = 0;
  for (size_t j = from; j < to; j++) {
    double up = b->weight[j] * port->hi, down = b->weight[j] * port->lo;
    b->bound[j] = up > down ? up : down;
    largest = b->bound[j] > largest ? b->bound[j] : largest;
  }
  scatter(shard, b, from, to, port, largest > 0, accumulator);
}

static void add_batch(const struct hk__shard_state *shard, const struct hk__window *window, struct batch *b,
                      double *accumulator)
{
  if (b->count == 0)
    return;
  for (size_t from = 0, to; from < b->count; from = to) {
    to = from + 1;
    if (shard->alike)
      while (to < b->count && (b->mixed == 0 || b->ports[to] == b->ports[from]))
        to++;
    add_run(shard, hk__shard_response(shard, window, b->target[from]), b, from, to, accumulator);
  }
  b->count = 0;
  b->mixed = 0;
}

/* --- slices --- */

INLINE void put(struct batch *b, uint32_t target, uint32_t port, double weight, double x)
{
  size_t j = b->count++;
  b->port = j == 0 ? port : b->port;
  b->mixed |= port ^ b->port;
  b->target[j] = target;
  b->ports[j] = port;
  b->weight[j] = weight;
  b->x[j] = x;
}

static void prefetch(const struct hk__entry *entry)
{
  static const size_t size[] = {[HK__INDEXED] = sizeof(struct hk__indexed),
                                [HK__COMPACT] = sizeof(struct hk__compact),
                                [HK__WIDE] = sizeof(struct hk__wide)};
  const char *p = (const char *)entry->block->synapses + entry->at * size[entry->block->format];
  for (size_t line = 0; line < 5; line++)
    __builtin_prefetch(p + 64 * line);
}

/* Takes the slice of an entry whose block has the format: a constant, so that decoding is straight code. */
INLINE void take_slice_of(const enum hk__format format, const struct hk__shard_state *shard,
                          const struct hk__window *window, struct hk__entry *entry, struct batch *b,
                          double *accumulator)
{
  struct hk__block block = *entry->block;
  block.format = format;
  double departure = entry->departure, start = window->start, scale = -2 / window->length;
  uint64_t i = entry->at, end = entry->end;
  for (; i < end; i++) {
    struct hk__synapse synapse = hk__block_synapse(&block, i);
    double time = departure + synapse.delay, s = time - start;
    if (time >= window->end)
      break;
    put(b, synapse.target, synapse.port, synapse.weight, fma(s > 0 ? s : 0, scale, 1.0));
    if (b->count == BATCH)
      add_batch(shard, window, b, accumulator);
  }
  entry->begin = entry->at;
  entry->at = i;
}

/* What one event adds to its target. */
struct dose {
  unsigned count;
  size_t lane[HK_STATES_MAX + 1];
  double value[HK_STATES_MAX + 1];
};

static struct dose dose_of(const struct hk__response *response, uint32_t port_index, double weight, double x)
{
  const struct hk__port_response *port = &response->port[port_index];
  struct dose dose = {.count = port->count};
  for (unsigned k = 0; k < port->count; k++) {
    double v = port->c[k][response->degree];
    for (unsigned d = response->degree; d-- > 0;)
      v = fma(v, x, port->c[k][d]);
    dose.lane[k] = port->lane[k];
    dose.value[k] = v * weight;
  }
  double up = weight * port->hi, down = weight * port->lo, bound = up > down ? up : down;
  if (bound > 0) {
    dose.lane[dose.count] = response->kernel->n;
    dose.value[dose.count++] = bound;
  }
  return dose;
}

INLINE void add_doses(const struct hk__indexed *s, size_t count, const struct dose *dose, const unsigned lanes_changed,
                      const size_t lanes, double *accumulator)
{
  for (size_t j = 0; j < count; j++) {
    double *a = accumulator + s[j].target * lanes;
    for (unsigned k = 0; k < lanes_changed; k++)
      a[dose->lane[k]] += dose->value[k];
  }
}

/* Takes the slice of an entry whose synapses share few weights and delays: runs of synapses with the same code arrive
 * at one time with one weight, so that their response is evaluated once. */
static void take_runs(const struct hk__shard_state *shard, const struct hk__window *window, struct hk__entry *entry,
                      double *accumulator)
{
  const struct hk__response *response = &window->responses[shard->kernel[0]];
  const struct hk__indexed *s = entry->block->indexed;
  uint64_t i = entry->at, end = entry->end;
  entry->begin = i;
  while (i < end) {
    const struct hk__code *code = &entry->block->code[s[i].code];
    double time = entry->departure + code->delay, after = time - window->start;
    if (time >= window->end)
      break;
    uint64_t run = i + 1;
    while (run < end && s[run].code == s[i].code)
      run++;
    struct dose dose =
        dose_of(response, code->port, code->weight, fma(after > 0 ? after : 0, -2 / window->length, 1.0));
    if (shard->lanes == 2 && dose.count == 1)
      add_doses(s + i, run - i, &dose, 1, 2, accumulator);
    else if (shard->lanes == 2)
      add_doses(s + i, run - i, &dose, 2, 2, accumulator);
    else if (shard->lanes == 4 && dose.count == 2)
      add_doses(s + i, run - i, &dose, 2, 4, accumulator);
    else if (shard->lanes == 4 && dose.count == 3)
      add_doses(s + i, run - i, &dose, 3, 4, accumulator);
    else
      add_doses(s + i, run - i, &dose, dose.count, shard->lanes, accumulator);
    i = run;
  }
  entry->at = i;
}

static void take_slice(const struct hk__shard_state *shard, const struct hk__window *window, struct hk__entry *entry,
                       struct batch *b, double *accumulator)
{
  switch (entry->block->format) {
  case HK__INDEXED:
    if (shard->alike && entry->block->code_count <= FEW_CODES)
      take_runs(shard, window, entry, accumulator);
    else
      take_slice_of(HK__INDEXED, shard, window, entry, b, accumulator);
    break;
  case HK__COMPACT:
    take_slice_of(HK__COMPACT, shard, window, entry, b, accumulator);
    break;
  default:
    take_slice_of(HK__WIDE, shard, window, entry, b, accumulator);
  }
}

static void deliver_slices(struct hk__shard_state *shard, const struct hk__window *window, struct batch *b,
                           double *accumulator)
{
  for (size_t i = 0; i < shard->entry_count; i++) {
    if (i + AHEAD < shard->entry_count)
      prefetch(&shard->entry[i + AHEAD]);
    uint64_t before = shard->entry[i].at;
    take_slice(shard, window, &shard->entry[i], b, accumulator);
    shard->event_count += shard->entry[i].at - before;
  }
  add_batch(shard, window, b, accumulator);
}

static enum hk_status deliver_drive(struct hk__shard_state *shard, struct hk__drive *drive,
                                    const struct hk__window *window, struct batch *b, double *accumulator)
{
  double scale = -2 / window->length;
  for (uint32_t train = 0; train < drive->count;) {
    enum hk_status status = hk__drive_draw(shard, drive, window, &train);
    if (status != HK_OK)
      return status;
    for (size_t i = 0; i < shard->drawn.count; i++) {
      const struct hk__event *e = &shard->drawn.event[i];
      put(b, e->neuron, e->port, e->weight, fma(fmax(e->time - window->start, 0), scale, 1.0));
      if (b->count == BATCH)
        add_batch(shard, window, b, accumulator);
    }
    shard->event_count += shard->drawn.count;
  }
  add_batch(shard, window, b, accumulator);
  return HK_OK;
}

enum hk_status hk__shard_deliver(struct hk__shard_state *shard, const struct hk__window *window, double *accumulator)
{
  struct batch b;
  b.count = 0;
  b.mixed = 0;
  deliver_slices(shard, window, &b, accumulator);
  enum hk_status status = HK_OK;
  for (size_t d = 0; d < shard->drive_count && status == HK_OK; d++)
    status = deliver_drive(shard, &shard->drive[d], window, &b, accumulator);
  return status;
}

/* --- the sweep --- */

/* The states of neurons from .. from + count (at most CHUNK) at the window's end, in after, and the bounds inside it.
 */
INLINE void sweep_states(const struct hk__shard_state *shard, const struct hk__response *r, const size_t n,
                         const size_t lanes, size_t from, size_t count, double *restrict accumulator,
                         double (*restrict after)[CHUNK], double *restrict bound)
{
  double *restrict a = accumulator + from * lanes;
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < lanes; j++) {
      if (j <= n)
        after[j][i] = a[i * lanes + j];
      a[i * lanes + j] = 0;
    }
  size_t stride = shard->place->count;
  const double *restrict z = shard->z + from, *sense = r->kernel->system.sense;
  for (size_t i = 0; i < count; i++) {
    double y0 = 0, y1 = 0, more = after[n][i];
    for (size_t j = 0; j < n; j++) {
      double v = 0;
      for (size_t k = 0; k < n; k++)
        v = fma(r->P[j][k], z[k * stride + i], v);
      y0 = fma(sense[j], z[j * stride + i], y0);
      y1 = fma(sense[j], v, y1);
      more = fma(r->bend[j], fabs(z[j * stride + i]), more);
      after[j][i] += v;
    }
    bound[i] = (y0 > y1 ? y0 : y1) + more;
  }
}

static void sweep_chunk(const struct hk__shard_state *shard, const struct hk__response *r, size_t from, size_t count,
                        double *accumulator, double after[][CHUNK], double *bound)
{
  if (shard->n == 1)
    sweep_states(shard, r, 1, 2, from, count, accumulator, after, bound);
  else if (shard->n == 3)
    sweep_states(shard, r, 3, 4, from, count, accumulator, after, bound);
  else if (shard->n == 5)
    sweep_states(shard, r, 5, 8, from, count, accumulator, after, bound);
  else
    sweep_states(shard, r, shard->n, shard->lanes, from, count, accumulator, after, bound);
}

/* Neurons whose bound reaches theta become suspects, with the state they had before the window. */
static enum hk_status list_hits(struct hk__shard_state *shard, size_t from, size_t count, const double *restrict bound)
{
  uint8_t hit[CHUNK];
  const double *restrict theta = shard->theta + from;
  for (size_t i = 0; i < count; i++)
    hit[i] = bound[i] >= theta[i];
  enum hk_status status = HK_OK;
  for (const uint8_t *at = hit; status == HK_OK && (at = memchr(at, 1, (size_t)(hit + count - at))); at++)
    status = hk__suspect_add(shard, (uint32_t)(from + (size_t)(at - hit)));
  return status;
}

static enum hk_status sweep(struct hk__shard_state *shard, const struct hk__window *window, double *accumulator)
{
  double after[HK_STATES_MAX + 1][CHUNK], bound[CHUNK];
  size_t count = shard->place->count, step = shard->alike ? CHUNK : 1;
  for (size_t from = 0; from < count; from += step) {
    size_t some = count - from < step ? count - from : step;
    sweep_chunk(shard, hk__shard_response(shard, window, (uint32_t)from), from, some, accumulator, after, bound);
    enum hk_status status = list_hits(shard, from, some, bound);
    if (status != HK_OK)
      return status;
    for (size_t j = 0; j < shard->n; j++) {
      double *restrict z = shard->z + j * count + from;
      for (size_t i = 0; i < some; i++)
        z[i] = after[j][i];
    }
  }
  return HK_OK;
}

/* --- one window --- */

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
        shard->z[j * shard->place->count + r->neuron] = r->clamped[j] - hk__shard_rest(shard, r->neuron, j);
  }
}

enum hk_status hk__shard_step(struct hk__shard_state *shard, const struct hk__window *window, double *accumulator)
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
  status = hk__shard_deliver(shard, window, accumulator);
  if (status == HK_OK)
    status = list_suspects(shard, window);
  if (status == HK_OK)
    status = sweep(shard, window, accumulator);
  hold_clamped(shard);
  return status == HK_OK ? hk__shard_resolve(shard, window) : status;
}
