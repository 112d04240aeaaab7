/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/wiring.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "net/network.h"
#include "net/pages.h"

/* --- drawing partners --- */

/* `count` of the numbers below n, each at most once. Floyd's method (Bentley, Floyd 1987, Commun. ACM 30:754). */
static void sample(struct hk__stream *stream, uint32_t count, uint32_t n, uint64_t *taken, uint32_t *out)
{
  for (uint32_t k = 0, j = n - count; k < count; k++, j++) {
    uint32_t v = (uint32_t)hk__stream_below(stream, (uint64_t)j + 1);
    if (taken[v / 64] >> (v % 64) & 1)
      v = j;
    taken[v / 64] |= (uint64_t)1 << (v % 64);
    out[k] = v;
  }
}

static void sample_few(struct hk__stream *stream, uint32_t count, uint32_t n, uint64_t *taken, uint32_t *out)
{
  sample(stream, count, n, taken, out);
  for (uint32_t k = 0; k < count; k++)
    taken[out[k] / 64] = 0;
}

/* More than half: draws those that are left out. They fit into out, being fewer. */
static void sample_many(struct hk__stream *stream, uint32_t count, uint32_t n, uint64_t *taken, uint32_t *out)
{
  sample(stream, n - count, n, taken, out);
  uint32_t k = 0;
  for (uint32_t v = 0; v < n; v++)
    if (!(taken[v / 64] >> (v % 64) & 1))
      out[k++] = v;
  memset(taken, 0, ((size_t)n + 63) / 64 * sizeof *taken);
}

/* `count` numbers below n, drawn as hk__stream_below does but all at once. The words that would make some results
 * likelier are replaced by later ones of the stream. */
static void draw_below(struct hk__stream *stream, uint32_t count, uint32_t n, uint32_t *out)
{
  uint32_t unfair = (uint32_t)-n % n;
  hk__stream_fill(stream, out, count);
  for (uint32_t k = 0; k < count; k++) {
    uint64_t product = (uint64_t)out[k] * n;
    while ((uint32_t)product < unfair)
      product = (uint64_t)hk__stream_u32(stream) * n;
    out[k] = (uint32_t)(product >> 32);
  }
}

/* Partners among n neurons; `self` is left out if it is below n. */
static void draw_partners(struct hk__stream *stream, uint32_t count, uint32_t n, uint32_t self, bool multapses,
                          uint64_t *taken, uint32_t *out)
{
  uint32_t choices = n - (self < n);
  if (count == 0)
    return;
  if (multapses)
    draw_below(stream, count, choices, out);
  else if (count <= choices / 2)
    sample_few(stream, count, choices, taken, out);
  else
    sample_many(stream, count, choices, taken, out);
  if (self < n)
    for (uint32_t k = 0; k < count; k++)
      out[k] += out[k] >= self;
}

/* Each of n neurons with probability p, found by the lengths of the gaps between them, which are geometric. */
static uint32_t draw_bernoulli(struct hk__stream *stream, double p, uint32_t n, uint32_t self, uint32_t *out)
{
  double scale = 1.0 / log1p(-p);
  uint32_t count = 0;
  for (uint64_t v = 0; v < n; v++) {
    double gap = floor(log(hk__stream_uniform(stream)) * scale);
    if (!(gap < (double)(n - v)))
      break;
    v += (uint64_t)gap;
    if (v != self)
      out[count++] = (uint32_t)v;
  }
  return count;
}

static uint32_t self_of(const struct hk__wiring *w, uint32_t neuron)
{
  return w->skip_self ? neuron : UINT32_MAX;
}

static uint32_t copy_pairs(const struct hk__wiring *w, uint32_t target, struct hk__draw *draw)
{
  uint32_t count = (uint32_t)(w->offset[target + 1] - w->offset[target]);
  const size_t *pair = w->pair + w->offset[target];
  for (uint32_t k = 0; k < count; k++) {
    draw->pair[k] = pair[k];
    draw->partner[k] = w->spec->rule.sources[pair[k]];
  }
  return count;
}

static uint32_t all_sources(const struct hk__wiring *w, uint32_t target, struct hk__draw *draw)
{
  uint32_t self = self_of(w, target), count = w->sources - (self < w->sources);
  for (uint32_t k = 0; k < count; k++)
    draw->partner[k] = k + (k >= self);
  return count;
}

uint32_t hk__wiring_sources(const struct hk__wiring *w, uint32_t target, struct hk__draw *draw)
{
  const struct hk_rule *rule = &w->spec->rule;
  struct hk__stream stream;
  switch (rule->kind) {
  case HK_RULE_ONE_TO_ONE:
    draw->partner[0] = target;
    return 1;
  case HK_RULE_ALL_TO_ALL:
    return all_sources(w, target, draw);
  case HK_RULE_FIXED_OUTDEGREE: {
    size_t count = w->offset[target + 1] - w->offset[target];
    memcpy(draw->partner, w->list + w->offset[target], count * sizeof *draw->partner);
    return (uint32_t)count;
  }
  case HK_RULE_PAIRS:
    return copy_pairs(w, target, draw);
  case HK_RULE_PAIRWISE_BERNOULLI:
    hk__stream_init(&stream, w->seed, HK__FOR_SOURCES, w->projection, target, 0);
    return draw_bernoulli(&stream, rule->number, w->sources, self_of(w, target), draw->partner);
  default: {
    uint32_t count = w->degree ? w->degree[target] : (uint32_t)rule->number;
    hk__stream_init(&stream, w->seed, HK__FOR_SOURCES, w->projection, target, 0);
    draw_partners(&stream, count, w->sources, self_of(w, target), rule->allow_multapses, draw->taken, draw->partner);
    return count;
  }
  }
}

/* --- fixed_total_number --- */

/* How N connections fall to the targets. First each target draws a number of its own, Poisson with mean N / targets,
 * or binomial over its possible sources where multapses are not allowed. Given their sum M these numbers are
 * distributed as M connections thrown at random, so it remains to throw N - M more, or to take M - N away, each one
 * equally likely. */

static uint32_t own_degree(const struct hk__wiring *w, uint32_t target, double choices)
{
  const struct hk_rule *rule = &w->spec->rule;
  struct hk__gsl_stream g;
  hk__gsl_stream_init(&g, w->seed, HK__FOR_SPLIT, w->projection, target, 0);
  if (rule->allow_multapses)
    return gsl_ran_poisson(&g.rng, rule->number / w->targets);
  return gsl_ran_binomial(&g.rng, rule->number / (choices * w->targets), (unsigned)choices);
}

/* Throws or takes `count` connections, each time at a target drawn in proportion to what it has (taking), to what it
 * has left (throwing, no multapses) or evenly, by rejection. Those shares only fall, so their first maximum bounds
 * them. */
static void adjust(const struct hk__wiring *w, uint64_t count, bool take, uint32_t choices)
{
  bool even = !take && w->spec->rule.allow_multapses;
  uint32_t most = 0;
  for (uint32_t t = 0; t < w->targets && !even; t++) {
    uint32_t share = take ? w->degree[t] : choices - w->degree[t];
    most = share > most ? share : most;
  }
  struct hk__stream stream;
  hk__stream_init(&stream, w->seed, HK__FOR_SPLIT, w->projection, UINT64_MAX, 0);
  while (count > 0) {
    uint32_t t = (uint32_t)hk__stream_below(&stream, w->targets);
    uint32_t share = take ? w->degree[t] : choices - w->degree[t];
    if (!even && hk__stream_below(&stream, most) >= share)
      continue;
    w->degree[t] += take ? UINT32_MAX : 1; /* adding the maximum takes one away */
    count--;
  }
}

static void split_total(struct hk__wiring *w, int threads)
{
  double number = w->spec->rule.number;
  uint32_t choices = w->sources - w->skip_self;
  uint64_t wanted = (uint64_t)number, have = 0;
#pragma omp parallel for schedule(static) num_threads(threads) reduction(+ : have)
  for (uint32_t t = 0; t < w->targets; t++)
    have += w->degree[t] = number > 0 ? own_degree(w, t, choices) : 0;
  if (have < wanted)
    adjust(w, wanted - have, false, choices);
  else
    adjust(w, have - wanted, true, choices);
}

/* --- lists by target --- */

/* From numbers of entries, that of target t at offset[t + 1], to where each target's entries end. */
static void prefix_sum(uint64_t *offset, uint32_t targets)
{
  for (uint32_t t = 0; t < targets; t++)
    offset[t + 1] += offset[t];
}

/* Entries are put in place from the last to the first: offset[t + 1], the end of a target's entries, becomes their
 * start on the way, and so the offset of t once all is shifted by one. */
static enum hk_status list_pairs(struct hk__wiring *w)
{
  const struct hk_rule *rule = &w->spec->rule;
  w->pair = hk__pages_alloc(rule->pair_count * sizeof *w->pair);
  if (!w->pair)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < rule->pair_count; i++)
    w->offset[rule->targets[i] + 1]++;
  prefix_sum(w->offset, w->targets);
  for (size_t i = rule->pair_count; i-- > 0;)
    w->pair[--w->offset[rule->targets[i] + 1]] = i;
  memmove(w->offset, w->offset + 1, w->targets * sizeof *w->offset);
  w->offset[w->targets] = rule->pair_count;
  return HK_OK;
}

static void draw_targets(const struct hk__wiring *w, uint32_t source, struct hk__draw *draw)
{
  struct hk__stream stream;
  hk__stream_init(&stream, w->seed, HK__FOR_TARGETS, w->projection, source, 0);
  draw_partners(&stream, (uint32_t)w->spec->rule.number, w->targets, self_of(w, source), w->spec->rule.allow_multapses,
                draw->taken, draw->partner);
}

/* Both passes of listing go through the sources in parts, one per thread. place[part][target] first counts what falls
 * to a target, then says where, after the target's offset, the part's next source goes; so the sources of a target
 * ascend, however many parts there are. */
struct listing {
  struct hk__draw draw;
  uint32_t *place;
  uint32_t begin, end; /* sources */
};

static void list_part(const struct hk__wiring *w, struct listing *part, bool write)
{
  uint32_t degree = (uint32_t)w->spec->rule.number;
  for (uint32_t s = part->begin; s < part->end; s++) {
    draw_targets(w, s, &part->draw);
    for (uint32_t k = 0; k < degree; k++) {
      uint32_t t = part->draw.partner[k], place = part->place[t]++;
      if (write)
        w->list[w->offset[t] + place] = s;
    }
  }
}

static void place_parts(struct hk__wiring *w, const struct listing *parts, int count)
{
  for (uint32_t t = 0; t < w->targets; t++) {
    uint32_t total = 0;
    for (int p = 0; p < count; p++) {
      uint32_t own = parts[p].place[t];
      parts[p].place[t] = total;
      total += own;
    }
    w->offset[t + 1] = w->offset[t] + total;
  }
}

static enum hk_status listing_init(struct listing *part, const struct hk__wiring *w, int index, int count)
{
  uint32_t degree = (uint32_t)w->spec->rule.number;
  part->draw.partner = malloc(((size_t)degree + 1) * sizeof *part->draw.partner);
  part->draw.taken = calloc((size_t)w->targets / 64 + 1, sizeof *part->draw.taken);
  part->place = calloc(w->targets, sizeof *part->place);
  part->begin = (uint32_t)((uint64_t)w->sources * (uint64_t)index / (uint64_t)count);
  part->end = (uint32_t)((uint64_t)w->sources * ((uint64_t)index + 1) / (uint64_t)count);
  return part->draw.partner && part->draw.taken && part->place ? HK_OK : HK_ERR_MEMORY;
}

static enum hk_status list_outdegree(struct hk__wiring *w, int threads)
{
  struct listing *parts = calloc((size_t)threads, sizeof *parts);
  w->list = hk__pages_alloc((size_t)w->spec->rule.number * w->sources * sizeof *w->list);
  enum hk_status status = parts && w->list ? HK_OK : HK_ERR_MEMORY;
  for (int p = 0; p < threads && !status; p++)
    status = listing_init(&parts[p], w, p, threads);
  if (!status) {
#pragma omp parallel for schedule(static, 1) num_threads(threads)
    for (int p = 0; p < threads; p++)
      list_part(w, &parts[p], false);
    place_parts(w, parts, threads);
#pragma omp parallel for schedule(static, 1) num_threads(threads)
    for (int p = 0; p < threads; p++)
      list_part(w, &parts[p], true);
  }
  for (int p = 0; p < threads && parts; p++) {
    hk__draw_clear(&parts[p].draw);
    free(parts[p].place);
  }
  free(parts);
  return status;
}

/* --- beginning and end --- */

static uint32_t largest_degree(const struct hk__wiring *w)
{
  uint32_t most = 0;
  switch (w->spec->rule.kind) {
  case HK_RULE_ONE_TO_ONE:
    return 1;
  case HK_RULE_FIXED_INDEGREE:
    return (uint32_t)w->spec->rule.number;
  case HK_RULE_ALL_TO_ALL:
  case HK_RULE_PAIRWISE_BERNOULLI:
    return w->sources;
  default:
    for (uint32_t t = 0; t < w->targets; t++) {
      uint32_t degree = w->degree ? w->degree[t] : (uint32_t)(w->offset[t + 1] - w->offset[t]);
      most = degree > most ? degree : most;
    }
    return most;
  }
}

static enum hk_status prepare(struct hk__wiring *w, int threads)
{
  switch (w->spec->rule.kind) {
  case HK_RULE_FIXED_TOTAL_NUMBER:
    w->degree = calloc(w->targets, sizeof *w->degree);
    if (!w->degree)
      return HK_ERR_MEMORY;
    split_total(w, threads);
    return HK_OK;
  case HK_RULE_FIXED_OUTDEGREE:
  case HK_RULE_PAIRS:
    w->offset = calloc((size_t)w->targets + 1, sizeof *w->offset);
    if (!w->offset)
      return HK_ERR_MEMORY;
    return w->spec->rule.kind == HK_RULE_PAIRS ? list_pairs(w) : list_outdegree(w, threads);
  default:
    return HK_OK;
  }
}

enum hk_status hk__wiring_init(struct hk__wiring *wiring, const struct hk_network *network, size_t projection,
                               uint64_t seed, int threads)
{
  const struct hk_projection_spec *spec = hk_network_projection(network, projection);
  *wiring = (struct hk__wiring){.spec = spec,
                                .seed = seed,
                                .projection = (uint32_t)projection,
                                .sources = (uint32_t)hk_network_population(network, spec->source)->size,
                                .targets = (uint32_t)hk_network_population(network, spec->target)->size,
                                .skip_self = hk__skips_autapses(spec)};
  enum hk_status status = prepare(wiring, threads);
  if (status)
    hk__wiring_clear(wiring);
  else
    wiring->max_degree = largest_degree(wiring);
  return status;
}

void hk__wiring_clear(struct hk__wiring *wiring)
{
  free(wiring->degree);
  free(wiring->offset);
  free(wiring->list);
  free(wiring->pair);
  *wiring = (struct hk__wiring){0};
}

enum hk_status hk__draw_init(struct hk__draw *draw, const struct hk__wiring *wirings, size_t count)
{
  uint32_t degree = 0, sources = 0;
  bool pairs = false;
  for (size_t i = 0; i < count; i++) {
    degree = wirings[i].max_degree > degree ? wirings[i].max_degree : degree;
    sources = wirings[i].sources > sources ? wirings[i].sources : sources;
    pairs |= wirings[i].spec->rule.kind == HK_RULE_PAIRS;
  }
  draw->partner = malloc(((size_t)degree + 1) * sizeof *draw->partner);
  draw->pair = pairs ? malloc(((size_t)degree + 1) * sizeof *draw->pair) : NULL;
  draw->taken = calloc((size_t)sources / 64 + 1, sizeof *draw->taken);
  if (draw->partner && draw->taken && (draw->pair || !pairs))
    return HK_OK;
  hk__draw_clear(draw);
  return HK_ERR_MEMORY;
}

void hk__draw_clear(struct hk__draw *draw)
{
  free(draw->partner);
  free(draw->pair);
  free(draw->taken);
  *draw = (struct hk__draw){0};
}
