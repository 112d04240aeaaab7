/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The careful way: a neuron led through a window event by event, from the state it had at the window's start.
 *
 * Times here are measured from the window's start. What a neuron does in the window is committed only if it spiked, is
 * refractory or under a sine; otherwise the superposed state stands, so looking changes nothing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/shard.h"

struct walk {
  struct hk__shard_state *shard;
  const struct hk__window *window;
  const struct hk__kernel *kernel;
  const struct hk__current *current;
  const double *param;
  uint32_t neuron;
  double t, release;   /* release: INFINITY while free */
  double release_time; /* the same as an absolute time, of which release is the exact difference */
  double x[HK_STATES_MAX], rest[HK_STATES_MAX];
  double theta; /* the threshold for sense . (x - rest), less a margin */
  const struct hk__response *response;
  const struct hk__event *event; /* all of the shard's, by order */
  const uint32_t *next, *last;   /* what is left of the neuron's */
  struct hk__probe *probe, *probe_end;
  bool spiked;
};

static bool refractory(const struct walk *w)
{
  return w->release < INFINITY;
}

static void advance(struct walk *w, double to)
{
  hk__linear_advance(w->kernel, refractory(w), w->current, w->window->start + w->t, to - w->t, w->x);
  w->t = to;
}

/* A spike at the neuron's present; `time` is that moment as an absolute time. */
static enum hk_status fire(struct walk *w, double time)
{
  w->spiked = true;
  w->kernel->model->reset(w->param, w->x);
  double t_ref = w->kernel->system.t_ref;
  w->release_time = time + t_ref;
  w->release = t_ref > 0 ? fmax(w->release_time - w->window->start, w->t) : INFINITY;
  /* windows are open at their end */
  return hk__shard_emit(w->shard, w->neuron, fmax(fmin(time, nextafter(w->window->end, 0)), w->window->start));
}

/* Whether a bound says that a free neuron, which is in state x at the end of a stretch of its way, stays below
 * threshold in it. */
static bool stays_below(const struct walk *w, const double *x)
{
  if (w->current->sine_count > 0)
    return false;
  double before = 0, after = 0, bend = 0;
  for (size_t j = 0; j < w->kernel->n; j++) {
    before = fma(w->kernel->system.sense[j], w->x[j] - w->rest[j], before);
    after = fma(w->kernel->system.sense[j], x[j] - w->rest[j], after);
    bend = fma(w->response->bend[j], fabs(w->x[j] - w->rest[j]), bend);
  }
  return fmax(before, after) + bend < w->theta;
}

/* Moves a free neuron to `stop`, which is within reach, or to where it fires before `to`. */
static enum hk_status move_free(struct walk *w, double stop, double to)
{
  struct hk__course course;
  double x[HK_STATES_MAX], dt;
  hk__linear_follow(w->kernel, w->current, w->window->start + w->t, w->x, stop - w->t, &course);
  hk__course_end(&course, x);
  if (!stays_below(w, x) && hk__course_first(&course, &dt) && w->t + dt < to) {
    hk__course_at(&course, dt, w->x);
    w->t += dt;
    return fire(w, w->window->start + w->t);
  }
  memcpy(w->x, x, w->kernel->n * sizeof *x);
  w->t = stop;
  return HK_OK;
}

/* Moves to `to`, firing on the way wherever the threshold is reached before it. */
static enum hk_status walk_to(struct walk *w, double to)
{
  double reach = hk__linear_reach(w->kernel, w->current);
  while (w->t < to) {
    if (!refractory(w)) {
      enum hk_status status = move_free(w, fmin(to, w->t + reach), to);
      if (status != HK_OK)
        return status;
    } else if (w->release > to) {
      advance(w, to);
      return HK_OK;
    } else {
      advance(w, fmax(w->release, w->t));
      w->release = INFINITY;
    }
  }
  if (refractory(w) && w->release <= w->t)
    w->release = INFINITY;
  return HK_OK;
}

static enum hk_status test_threshold(struct walk *w, double time)
{
  return !refractory(w) && hk__linear_reached(w->kernel, w->x) ? fire(w, time) : HK_OK;
}

/* Takes all events of the next event's moment. */
static enum hk_status take_events(struct walk *w)
{
  double time = w->event[*w->next].time;
  for (; w->next < w->last && w->event[*w->next].time == time; w->next++) {
    const struct hk__event *e = &w->event[*w->next];
    hk__linear_receive(w->kernel, refractory(w), e->port, e->weight, w->x);
  }
  return test_threshold(w, time);
}

/* A time's distance from the window's start; a rounding error may put it outside. */
static double inside(const struct walk *w, double time)
{
  return fmin(fmax(time - w->window->start, 0), w->window->length);
}

/* The neuron's probe whose sample comes first; *s: when, INFINITY if none is left in the window. */
static struct hk__probe *next_sample(const struct walk *w, double *s)
{
  struct hk__probe *first = NULL;
  *s = INFINITY;
  for (struct hk__probe *p = w->probe; p < w->probe_end; p++) {
    double at = hk__probe_time(w->shard, w->window, p);
    if (at < *s) {
      *s = at;
      first = p;
    }
  }
  if (first)
    *s = inside(w, *s);
  return first;
}

static void take_sample(struct walk *w, struct hk__probe *probe)
{
  const struct hk__trace *trace = &w->shard->built->traces[probe->trace];
  double *out = hk__probe_take(w->shard, w->window, probe);
  for (size_t v = 0; v < trace->variable_count; v++)
    out[v] = w->x[trace->variables[v]];
}

static enum hk_status walk_window(struct walk *w)
{
  for (;;) {
    double sample, event = w->next < w->last ? inside(w, w->event[*w->next].time) : INFINITY;
    struct hk__probe *probe = next_sample(w, &sample);
    double to = fmin(fmin(event, sample), w->window->length);
    enum hk_status status = walk_to(w, to);
    if (status == HK_OK && event <= to)
      status = take_events(w);
    else if (status == HK_OK && sample <= to) {
      status = test_threshold(w, w->window->start + w->t);
      take_sample(w, probe);
    } else
      return status;
    if (status != HK_OK)
      return status;
  }
}

static enum hk_status grow_refractory(struct hk__shard_state *shard)
{
  size_t capacity = shard->refractory_capacity ? 2 * shard->refractory_capacity : 64;
  uint32_t *refractory = realloc(shard->refractory, capacity * sizeof *refractory);
  if (!refractory)
    return HK_ERR_MEMORY;
  shard->refractory = refractory;
  double *release = realloc(shard->release, capacity * sizeof *release);
  if (!release)
    return HK_ERR_MEMORY;
  shard->release = release;
  double *clamped = realloc(shard->clamped, capacity * shard->n * sizeof *clamped);
  if (!clamped)
    return HK_ERR_MEMORY;
  shard->clamped = clamped;
  uint32_t *released = realloc(shard->released, capacity * sizeof *released);
  if (!released)
    return HK_ERR_MEMORY;
  shard->released = released;
  shard->refractory_capacity = capacity;
  return HK_OK;
}

static enum hk_status enter_refractory(struct hk__shard_state *shard, const struct walk *w)
{
  enum hk_status status = shard->refractory_count < shard->refractory_capacity ? HK_OK : grow_refractory(shard);
  if (status != HK_OK)
    return status;
  const size_t last = shard->refractory_count++;
  shard->soonest_release = fmin(w->release_time, shard->soonest_release);
  shard->refractory[last] = w->neuron;
  shard->release[last] = w->release_time;
  memcpy(shard->clamped + last * shard->n, w->x, shard->n * sizeof *w->x);
  shard->theta[w->neuron] = INFINITY;
  return HK_OK;
}

/* A neuron that comes to rest at its threshold never reaches it, as its distance from rest tells; but the sum of both
 * may be rounded up to the threshold. A neuron that was free before the window has not reached it, or does so at the
 * window's very start, where its slope takes it over within a rounding error. */
static void keep_below(const struct hk__kernel *kernel, double *x)
{
  const double *sense = kernel->system.sense, threshold = kernel->system.threshold;
  size_t most = 0;
  for (size_t j = 1; j < kernel->n; j++)
    most = fabs(sense[j]) > fabs(sense[most]) ? j : most;
  const double unit = fmax(0x1p-52 * (fabs(threshold) + fabs(x[most] * sense[most])), 0x1p-1000);
  if (hk__linear_sense(kernel, x) - threshold > 8 * unit)
    return;
  for (double step = unit; hk__linear_reached(kernel, x); step *= 2)
    x[most] -= step / sense[most];
}

static enum hk_status resolve_one(struct hk__shard_state *shard, const struct hk__window *window, size_t index,
                                  const uint32_t *first)
{
  const struct hk__suspect *suspect = &shard->suspect[index];
  uint32_t i = suspect->neuron, engine = shard->place->first + i;
  const struct hk__population *population = &shard->built->populations[hk__built_population_of(shard->built, engine)];
  struct walk w = {.shard = shard,
                   .window = window,
                   .kernel = hk__shard_kernel(shard, i),
                   .current = hk__shard_current(shard, i),
                   .param = hk__population_param(population, engine - population->first),
                   .neuron = i,
                   .release = suspect->release > -INFINITY ? fmax(suspect->release - window->start, 0) : INFINITY,
                   .release_time = suspect->release,
                   .theta = shard->theta[i],
                   .response = hk__shard_response(shard, window, i),
                   .event = shard->events.event,
                   .next = shard->order + first[index],
                   .last = shard->order + first[index + 1]};
  memcpy(w.x, suspect->x, shard->n * sizeof *w.x);
  for (size_t j = 0; j < shard->n; j++)
    w.rest[j] = hk__shard_rest(shard, i, j);
  if (window->start > 0 && !refractory(&w))
    keep_below(w.kernel, w.x);
  w.probe = hk__shard_probes(shard, i, &w.probe_end);
  enum hk_status status = walk_window(&w);
  if (status != HK_OK)
    return status;
  bool released = suspect->release > -INFINITY && suspect->release < window->end;
  if (w.spiked || released || w.current->sine_count > 0) {
    for (size_t j = 0; j < shard->n; j++)
      *hk__shard_state(shard, i, j) = w.x[j] - hk__shard_rest(shard, i, j);
    if (refractory(&w))
      return enter_refractory(shard, &w);
  }
  return HK_OK;
}

enum hk_status hk__shard_resolve(struct hk__shard_state *shard, const struct hk__window *window)
{
  size_t count = shard->suspect_count;
  if (count == 0)
    return HK_OK;
  uint32_t *first;
  enum hk_status status = hk__shard_recall(shard, window);
  if (status == HK_OK)
    status = hk__shard_sort_events(shard, count, &first);
  for (size_t i = 0; i < count && status == HK_OK; i++)
    status = resolve_one(shard, window, i, first);
  for (size_t i = 0; i < count; i++) {
    uint32_t neuron = shard->suspect[i].neuron;
    shard->mark[neuron] = shard->wanted[neuron] = 0;
    if (shard->sleep.on) /* its state or threshold may have changed */
      hk__sleep_set_wake(&shard->sleep, neuron / HK__GROUP, shard->sleep.clock + 1);
  }
  shard->suspect_count = 0;
  shard->suspect_total += count;
  shard->recalled_total += shard->events.count;
  return status;
}
