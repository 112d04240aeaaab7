/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fast scheduler: time in windows no longer than the smallest delay between neurons.
 *
 * What a neuron emits in a window reaches nobody before the next, so in a window all shards are independent: threads
 * take them in any order. Between windows the thread that called puts the spikes in canonical order, for the record and
 * for the next window. Spikes of sources are known ahead and join the window they happen in. Windows start anew at
 * every time when a current switches, so that within one the constant current is constant. Everything that decides
 * about the cut into windows and shards comes from the network, nothing from threads or from the end of a run: a window
 * that reaches beyond the end is finished, and what it produced after the end is held back until the run goes on. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "core/heap.h"
#include "core/lengths.h"
#include "core/scheduler.h"
#include "core/shard.h"
#include "core/team.h"
#include "core/train.h"
#include "core/walk.h"

struct trace_rows {
  double *rows;
  size_t capacity;         /* in rows */
  uint64_t handed, filled; /* samples handed over; samples taken */
};

/* What nobody writes while windows follow each other, what the leader says of each window, and what is the leader's
 * alone stand apart, so that threads seldom wait for lines of memory from each other. */
struct windows {
  struct hk__scheduler base;
  const struct hk__built *built;
  size_t shard_count;
  struct hk__shard_state *shards;
  int threads;
  struct hk__workspace *work; /* one per thread */

  _Alignas(HK__APART) struct hk__team team;
  struct hk__window window;

  _Alignas(HK__APART) struct hk__outbox *outbox;
  struct hk__currents currents;
  struct hk__trains sources;
  struct hk__heap source_times;
  bool has_cells;
  struct hk__cells cells;
  struct hk__lengths lengths;
  double anchor; /* windows end at anchor + k h */
  uint64_t k;
  double *before;            /* scratch: the currents of one input's neurons before it switches */
  struct hk__spikes news;    /* what the next window admits */
  struct hk__spikes sourced; /* what sources send in it */
  struct hk__spikes made;    /* in the windows that are over, in canonical order, and not yet handed over */
  size_t made_handed;
  struct trace_rows *traces;
  uint64_t *first_sample, *end_sample;
  double **rows;
  struct hk__tally tally;
  uint64_t window_count;
  double until; /* of the run under way */
  bool finished;
  enum hk_status status;
};

/* --- output --- */

static enum hk_status hand_over_spikes(struct windows *w)
{
  size_t i = w->made_handed;
  enum hk_status status = HK_OK;
  for (; i < w->made.count && w->made.spike[i].time <= w->until && status == HK_OK; i++) {
    const struct hk__spike *s = &w->made.spike[i];
    if (w->built->populations[s->population].record)
      status = hk__outbox_spike(w->outbox, s->time, s->population, s->neuron);
  }
  w->made_handed = i;
  if (i == w->made.count)
    w->made_handed = w->made.count = 0;
  return status;
}

static enum hk_status hand_over_rows(struct windows *w)
{
  enum hk_status status = HK_OK;
  for (size_t t = 0; t < w->built->trace_count && status == HK_OK; t++) {
    struct trace_rows *rows = &w->traces[t];
    const struct hk__trace *trace = &w->built->traces[t];
    uint64_t first = rows->handed, end = first;
    while (end < rows->filled && (double)end * trace->interval <= w->until)
      end++;
    rows->handed = end;
    size_t width = trace->neuron_count * trace->variable_count;
    if (end > first)
      status = hk__outbox_rows(w->outbox, t, first, rows->rows + (first - w->first_sample[t]) * width, end - first);
  }
  return status;
}

/* --- between windows --- */

static int canonical(const void *a, const void *b)
{
  const struct hk__spike *x = a, *y = b;
  if (x->time != y->time)
    return x->time < y->time ? -1 : 1;
  if (x->population != y->population)
    return x->population < y->population ? -1 : 1;
  return (x->neuron > y->neuron) - (x->neuron < y->neuron);
}

/* A few are put in order faster than by a call for each comparison. */
static void sort_spikes(struct hk__spikes *spikes)
{
  enum { FEW = 24 };
  struct hk__spike *s = spikes->spike;
  if (spikes->count > FEW) {
    qsort(s, spikes->count, sizeof *s, canonical);
    return;
  }
  for (size_t i = 1; i < spikes->count; i++) {
    const struct hk__spike moving = s[i];
    size_t place = i;
    for (; place > 0 && canonical(&s[place - 1], &moving) > 0; place--)
      s[place] = s[place - 1];
    s[place] = moving;
  }
}

/* Both are in canonical order. */
static enum hk_status merge(struct hk__spikes *to, const struct hk__spikes *from)
{
  size_t i = to->count, j = from->count, k = i + j;
  if (hk__spikes_reserve(to, j) != HK_OK)
    return HK_ERR_MEMORY;
  to->count = k;
  while (j > 0)
    if (i > 0 && canonical(&to->spike[i - 1], &from->spike[j - 1]) > 0)
      to->spike[--k] = to->spike[--i];
    else
      to->spike[--k] = from->spike[--j];
  return HK_OK;
}

/* Gathers what the shards emitted, each in canonical order: news for the next window. */
static enum hk_status gather(struct windows *w)
{
  enum hk_status status = HK_OK;
  w->news.count = 0;
  for (size_t i = 0; i < w->shard_count && status == HK_OK; i++) {
    status = w->shards[i].status;
    if (status == HK_OK)
      status = merge(&w->news, &w->shards[i].spikes);
  }
  w->tally.spikes += w->news.count;
  return status;
}

/* Keeps the spikes of the window that is over for the record. Those of sources are in order of time, which suffices:
 * the outbox puts those of one moment in order. */
static enum hk_status keep_spikes(struct windows *w)
{
  enum hk_status status = merge(&w->made, &w->sourced);
  return status == HK_OK ? merge(&w->made, &w->news) : status;
}

/* Spikes of sources before the window's end join the news and the record. */
static enum hk_status take_sources(struct windows *w)
{
  enum hk_status status = HK_OK;
  w->sourced.count = 0;
  while (hk__heap_least(&w->source_times) < w->window.end && status == HK_OK) {
    uint32_t item = w->source_times.item[0];
    struct hk__train *train = &w->sources.train[item];
    double time = w->source_times.time[item];
    status = hk__spikes_add(&w->news, time, train->population, train->neuron);
    if (status == HK_OK)
      status = hk__spikes_add(&w->sourced, time, train->population, train->neuron);
    w->tally.spikes++;
    hk__heap_set(&w->source_times, item, hk__train_next(train));
  }
  return status;
}

static uint32_t shard_of(const struct windows *w, uint32_t neuron)
{
  size_t low = 0, high = w->shard_count;
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if (w->shards[middle].place->first <= neuron)
      low = middle;
    else
      high = middle;
  }
  return (uint32_t)low;
}

/* An input's neurons that doze wake, and stand where the events that they have kept leave them. Those under noise never
 * doze. */
static enum hk_status rouse(struct windows *w, const struct hk__input *input)
{
  if (input->kind == HK_INPUT_NOISE)
    return HK_OK;
  const uint32_t first = w->built->populations[input->population].first;
  enum hk_status status = HK_OK;
  for (uint32_t k = 0; k < input->count; k++) {
    const uint32_t neuron = first + hk__input_neuron(input, k);
    const struct hk__shard_state *shard = &w->shards[shard_of(w, neuron)];
    if (shard->walks && shard->walks->doze)
      hk__doze_wake(shard->walks->doze, neuron - shard->place->first);
  }
  for (size_t i = 0; i < w->shard_count && status == HK_OK; i++)
    if (w->shards[i].walks && w->shards[i].walks->doze)
      status = hk__doze_answer(&w->shards[i], w->window.start, w->window.start);
  return status;
}

/* Puts the current switches of the window's start in force. */
static enum hk_status take_switches(struct windows *w)
{
  while (hk__currents_next(&w->currents) <= w->window.start) {
    const struct hk__input *input = hk__currents_input(&w->currents);
    uint32_t first = w->built->populations[input->population].first;
    enum hk_status status = rouse(w, input);
    for (uint32_t k = 0; k < input->count; k++) {
      uint32_t neuron = first + hk__input_neuron(input, k);
      struct hk__shard_state *shard = &w->shards[shard_of(w, neuron)];
      w->before[k] = w->currents.current[neuron].constant;
      if (!shard->superposed && status == HK_OK) {
        status = hk__cell_advance(&w->cells, neuron, &w->currents.current[neuron], w->window.start);
        hk__shard_wake(shard, neuron - shard->place->first, w->window.start);
      }
    }
    hk__currents_switch(&w->currents);
    for (uint32_t k = 0; k < input->count; k++) {
      uint32_t neuron = first + hk__input_neuron(input, k);
      struct hk__shard_state *shard = &w->shards[shard_of(w, neuron)];
      hk__shard_current_changes(shard, neuron - shard->place->first, w->before[k],
                                w->currents.current[neuron].constant);
    }
    if (status != HK_OK)
      return status;
  }
  return HK_OK;
}

/* --- the length of windows --- */

static struct hk__effort count_effort(const struct windows *w)
{
  struct hk__effort e = {.windows = w->window_count};
  for (size_t i = 0; i < w->shard_count; i++) {
    e.events += w->shards[i].event_count;
    e.suspects += w->shards[i].suspect_total;
    e.recalled += w->shards[i].recalled_total;
    e.swept += w->shards[i].swept_total;
  }
  return e;
}

/* The samples that fall in the window, and room for them. */
static enum hk_status place_samples(struct windows *w)
{
  for (size_t t = 0; t < w->built->trace_count; t++) {
    const struct hk__trace *trace = &w->built->traces[t];
    struct trace_rows *rows = &w->traces[t];
    w->first_sample[t] = w->end_sample[t] = rows->filled;
    while ((double)w->end_sample[t] * trace->interval < w->window.end)
      w->end_sample[t]++;
    size_t count = w->end_sample[t] - w->first_sample[t];
    if (count > rows->capacity) {
      double *grown = realloc(rows->rows, 2 * count * trace->neuron_count * trace->variable_count * sizeof *grown);
      if (!grown)
        return HK_ERR_MEMORY;
      rows->rows = grown;
      rows->capacity = 2 * count;
    }
    w->rows[t] = rows->rows;
    rows->filled = w->end_sample[t];
  }
  return HK_OK;
}

/* What may lie between two ways to compute one time. */
static double rounding(double time)
{
  return 0x1p-50 * time;
}

/* Currents have switched at the window's start. Windows end at multiples of their length, as bins of Poisson trains do,
 * if that is one but for rounding, or if no switch follows soon: then one short window leads to the next. Elsewhere
 * they are counted from the switch, as those between switches at even intervals are then of few lengths. */
static void cast_anchor(struct windows *w)
{
  static const double soon = 64; /* windows */
  const double start = w->window.start, h = w->lengths.h, count = nearbyint(start / h);
  const bool in_step = count < 0x1p40 && fabs(fma(count, h, -start)) <= rounding(start);
  const bool leisure = count < 0x1p40 && hk__currents_next(&w->currents) - start > soon * h;
  w->anchor = in_step || leisure ? 0 : start;
  w->k = in_step ? (uint64_t)count : leisure ? (uint64_t)floor(start / h) : 0;
}

/* Lays out the next window, from the end of the last. */
static enum hk_status open_window(struct windows *w)
{
  struct hk__window *window = &w->window;
  enum hk_status status = HK_OK;
  if (hk__lengths_due(&w->lengths, w->window_count)) {
    const struct hk__effort effort = count_effort(w);
    status = hk__lengths_weigh(&w->lengths, &effort, &w->k);
  }
  w->window_count++;
  window->start = window->end;
  if (status == HK_OK && hk__currents_next(&w->currents) <= window->start) {
    status = take_switches(w);
    cast_anchor(w);
  }
  double end = fma((double)++w->k, w->lengths.h, w->anchor), cut = hk__currents_next(&w->currents);
  window->end = cut <= end + rounding(end) ? cut : end;
  window->length = w->lengths.h;
  window->responses = hk__lengths_responses(&w->lengths);
  if (window->end < window->start + window->length - rounding(end) && status == HK_OK)
    status = hk__lengths_cut(&w->lengths, window->start, window->end, &window->length, &window->responses);
  if (status == HK_OK)
    status = take_sources(w);
  if (status == HK_OK)
    status = place_samples(w);
  window->news = w->news.spike;
  window->news_count = w->news.count;
  return status;
}

/* Closes the window that all shards are through with. Nobody works while the sink is called. */
static enum hk_status close_window(struct windows *w)
{
  enum hk_status status = gather(w);
  if (status == HK_OK)
    status = keep_spikes(w);
  if (status == HK_OK && hk__outbox_fills(w->outbox, w->made.count - w->made_handed))
    status = hand_over_spikes(w);
  return status == HK_OK ? hand_over_rows(w) : status;
}

/* Opens the next window, or finds that the run is over. One that is to stop ends where the last window did, as a run to
 * there does: with what happens at that very moment. */
static void turn_over(struct windows *w, const atomic_bool *stop)
{
  if (atomic_load_explicit(stop, memory_order_relaxed))
    w->until = fmin(w->until, w->window.end);
  if (w->status == HK_OK && w->window.end <= w->until)
    w->status = open_window(w);
  else
    w->finished = true;
  w->finished |= w->status != HK_OK;
}

/* --- running --- */

/* A thread's own shards first, which its caches may still hold, then what others have not begun. Only who has a shard
 * may look at the window itself. */
static void step_shards(struct windows *w, unsigned thread, uint64_t window)
{
  const size_t first = w->shard_count * thread / (unsigned)w->threads;
  struct hk__workspace *work = &w->work[thread];
  __builtin_prefetch(work->news);
  for (size_t k = 0; k < w->shard_count; k++) {
    size_t i = first + k < w->shard_count ? first + k : first + k - w->shard_count;
    struct hk__shard_state *shard = &w->shards[i];
    if (hk__team_claim(&shard->claimed, window)) {
      work->news = w->window.news;
      shard->status = hk__shard_step(shard, &w->window, work);
      sort_spikes(&shard->spikes);
      hk__team_done(&shard->done, window);
    }
  }
}

/* All shards are through with the window. What can be done while they work on the next is left for after it opens. */
static void lead_on(struct windows *w, const atomic_bool *stop, double *reached)
{
  if (w->status == HK_OK)
    w->status = close_window(w);
  const bool closed = w->status == HK_OK;
  if (closed)
    *reached = fmin(w->until, w->window.end);
  turn_over(w, stop);
  hk__team_open(&w->team, w->finished ? HK__TEAM_OVER : w->window_count);
  const enum hk_status handed = closed ? hand_over_spikes(w) : HK_OK;
  w->status = handed == HK_OK ? w->status : handed;
}

static void lead(struct windows *w, const atomic_bool *stop, double *reached)
{
  while (!w->finished) {
    step_shards(w, 0, w->window_count);
    for (size_t i = 0; i < w->shard_count; i++)
      hk__team_expect(&w->shards[i].done, w->window_count);
    lead_on(w, stop, reached);
  }
}

static void follow(struct windows *w, unsigned thread, uint64_t window)
{
  for (; window != HK__TEAM_OVER; window = hk__team_next(&w->team, window))
    step_shards(w, thread, window);
}

static enum hk_status run(struct hk__scheduler *self, double until, const atomic_bool *stop, double *reached)
{
  struct windows *w = (struct windows *)self;
  w->until = until;
  w->finished = false;
  w->status = hand_over_spikes(w);
  if (w->status == HK_OK)
    w->status = hand_over_rows(w);
  turn_over(w, stop);
  if (w->threads == 1)
    lead(w, stop, reached);
  else if (!w->finished) {
    const uint64_t first = w->window_count;
    hk__team_init(&w->team, first);
#pragma omp parallel num_threads(w->threads)
    {
      unsigned thread = (unsigned)omp_get_thread_num();
      if (thread == 0)
        lead(w, stop, reached);
      else
        follow(w, thread, first);
    }
  }
  if (w->status != HK_OK)
    return w->status;
  *reached = w->until;
  return w->until < until ? HK_ERR_INTERRUPTED : HK_OK;
}

/* --- setting up --- */

static void destroy(struct hk__scheduler *self)
{
  struct windows *w = (struct windows *)self;
  for (size_t i = 0; w->shards && i < w->shard_count; i++)
    hk__shard_clear(&w->shards[i]);
  for (int i = 0; w->work && i < w->threads; i++) {
    free(w->work[i].sums);
    free(w->work[i].touched);
  }
  for (size_t t = 0; w->traces && t < w->built->trace_count; t++)
    free(w->traces[t].rows);
  hk__currents_clear(&w->currents);
  hk__trains_clear(&w->sources);
  hk__heap_clear(&w->source_times);
  hk__cells_clear(&w->cells);
  free(w->shards);
  free(w->work);
  hk__lengths_clear(&w->lengths);
  free(w->news.spike);
  free(w->sourced.spike);
  free(w->made.spike);
  free(w->traces);
  free(w->before);
  free(w->first_sample);
  free(w->end_sample);
  free(w->rows);
  free(w);
}

static struct hk__tally tally(const struct hk__scheduler *self)
{
  const struct windows *w = (const struct windows *)self;
  struct hk__tally sum = w->tally;
  for (size_t i = 0; i < w->shard_count; i++)
    sum.events += w->shards[i].event_count;
  return sum;
}

static uint64_t bytes(const struct hk__scheduler *self)
{
  const struct windows *w = (const struct windows *)self;
  uint64_t sum = w->currents.bytes + w->sources.bytes + w->cells.bytes + hk__lengths_bytes(&w->lengths);
  for (size_t i = 0; i < w->shard_count; i++)
    sum += w->shards[i].bytes + w->shards[i].entry_capacity * sizeof *w->shards[i].entry;
  return sum;
}

static enum hk_status make_workspace(struct hk__workspace *work, size_t sums, size_t neurons)
{
  size_t size = (sums * sizeof *work->sums + 63) / 64 * 64;
  work->sums = aligned_alloc(64, size);
  work->touched = calloc(neurons / HK__GROUP + HK__SLEEP_TOGETHER, sizeof *work->touched);
  if (!work->sums || !work->touched)
    return HK_ERR_MEMORY;
  memset(work->sums, 0, size);
  return HK_OK;
}

static enum hk_status init_shards(struct windows *w)
{
  const struct hk__connectome *c = w->built->connectome;
  for (size_t i = 0; i < c->shard_count; i++)
    w->has_cells |= !hk__shard_superposes(w->built, (uint32_t)i, w->lengths.longest);
  enum hk_status status = w->has_cells ? hk__cells_init(&w->cells, w->built) : HK_OK;
  size_t sums = 1, neurons = 1;
  for (size_t i = 0; i < c->shard_count && status == HK_OK; i++) {
    const struct hk__shard_state *shard = &w->shards[i];
    status = hk__shard_init(&w->shards[i], w->built, (uint32_t)i, &w->currents, &w->cells, w->lengths.longest);
    w->shard_count = status == HK_OK ? i + 1 : i;
    sums = shard->lanes * shard->stride > sums ? shard->lanes * shard->stride : sums;
    neurons = shard->stride > neurons ? shard->stride : neurons;
  }
  for (int i = 0; i < w->threads && status == HK_OK; i++)
    status = make_workspace(&w->work[i], sums, neurons);
  return status;
}

static enum hk_status init_sources(struct windows *w)
{
  enum hk_status status = hk__trains_init(&w->sources, w->built, false);
  if (status == HK_OK)
    status = hk__heap_init(&w->source_times, w->sources.count);
  for (uint32_t i = 0; status == HK_OK && i < w->sources.count; i++)
    hk__heap_set(&w->source_times, i, hk__train_next(&w->sources.train[i]));
  return status;
}

bool hk__windows_share_little = false;

/* No more threads than shards, nor so many that they would wait for each other more than they work. */
static int useful_threads(const struct hk__built *built)
{
  static const double enough = 1500, other_model = 30; /* neurons for a thread; what one that is not linear counts */
  const struct hk__connectome *c = built->connectome;
  double work = 0;
  for (size_t i = 0; i < c->shard_count; i++)
    work += c->shards[i].count * (c->shards[i].model->kind == HK_MODEL_LINEAR ? 1 : other_model);
  double most = fmin((double)c->shard_count, hk__windows_share_little ? INFINITY : work / enough);
  return most < built->threads ? (int)fmax(most, 1) : built->threads;
}

static enum hk_status init(struct windows *w)
{
  const struct hk__built *built = w->built;
  w->threads = useful_threads(built);
  w->shards = aligned_alloc(HK__APART, (built->connectome->shard_count + 1) * sizeof *w->shards);
  w->work = aligned_alloc(HK__APART, (size_t)w->threads * sizeof *w->work);
  if (w->work)
    memset(w->work, 0, (size_t)w->threads * sizeof *w->work);
  w->traces = calloc(built->trace_count + 1, sizeof *w->traces);
  uint32_t most = 0;
  for (size_t i = 0; i < built->input_count; i++)
    most = built->inputs[i].count > most ? built->inputs[i].count : most;
  w->before = malloc((most + 1u) * sizeof *w->before);
  w->first_sample = calloc(built->trace_count + 1, sizeof *w->first_sample);
  w->end_sample = calloc(built->trace_count + 1, sizeof *w->end_sample);
  w->rows = calloc(built->trace_count + 1, sizeof *w->rows);
  if (!w->shards || !w->work || !w->traces || !w->before || !w->first_sample || !w->end_sample || !w->rows)
    return HK_ERR_MEMORY;
  enum hk_status status = hk__lengths_init(&w->lengths, built);
  if (status == HK_OK)
    status = hk__currents_init(&w->currents, built);
  if (status == HK_OK)
    status = init_sources(w);
  if (status == HK_OK)
    status = init_shards(w);
  w->window.class = w->lengths.class;
  w->window.first_sample = w->first_sample;
  w->window.end_sample = w->end_sample;
  w->window.rows = w->rows;
  return status;
}

enum hk_status hk__windows_create(const struct hk__built *built, struct hk__outbox *outbox, struct hk__scheduler **out)
{
  struct windows *w = aligned_alloc(_Alignof(struct windows), sizeof *w);
  if (!w)
    return HK_ERR_MEMORY;
  *w = (struct windows){.base = {run, destroy, tally, bytes}, .built = built};
  w->outbox = outbox;
  enum hk_status status = init(w);
  if (status != HK_OK) {
    destroy(&w->base);
    return status;
  }
  *out = &w->base;
  return HK_OK;
}
