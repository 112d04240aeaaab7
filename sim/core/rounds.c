/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walks of a nonlinear model, HK_LANES at a time.
 *
 * In a round each walk that is under way takes one step of the integrator: towards its moment or, where the model has
 * no bound that says how long it stays quiet, ahead from the moment at which it stands. All that is done to a cell is
 * what core/cell.c does to it, in the same order; which walks stand in the lanes beside it changes nothing. */
#include "core/stride.h"
#include "core/walk.h"

/* The walks that a round takes together. The lanes beyond the last repeat the first. */
struct group {
  struct hk__shard_state *shard;
  const struct hk__window *window;
  struct hk__motions motions;
  size_t count;
  struct hk__walk *walk[HK_LANES];
  struct hk__cell *cell[HK_LANES];
  const struct hk__current *current[HK_LANES];
  unsigned outlook; /* those who stand at a moment and want to know when they need attention: a bit each */
};

static void gather_states(const struct group *g, hk_lanes *x)
{
  const double *row[HK_LANES];
  for (size_t j = 0; j < g->shard->n; j += HK__ROW) {
    for (size_t i = 0; i < HK_LANES; i++)
      row[i] = g->cell[i]->x + j;
    hk__rows_gather(row, x + j);
  }
}

/* Takes up to HK_LANES of the walks. */
static void meet(struct group *g, const uint32_t *walk, size_t count)
{
  g->count = count < HK_LANES ? count : HK_LANES;
  for (size_t i = 0; i < HK_LANES; i++) {
    g->walk[i] = &g->shard->walks->walk[walk[i < g->count ? i : 0]];
    g->cell[i] = &g->shard->cells->cell[g->shard->place->first + g->walk[i]->neuron];
    g->current[i] = &g->shard->current[g->walk[i]->neuron];
  }
  g->outlook = 0;
}

static void put_motions(struct group *g)
{
  struct hk__motions *m = &g->motions;
  const double *constant[HK_LANES], *release[HK_LANES];
  bool varies = false;
  for (size_t i = 0; i < HK_LANES; i++) {
    hk__motions_set_param(m, i, g->cell[i]->param);
    m->current[i] = g->current[i];
    varies |= g->current[i]->sine_count > 0;
    constant[i] = &g->current[i]->constant;
    release[i] = &g->cell[i]->release;
  }
  m->constant = hk__lanes_picked_up(constant);
  m->free = hk_lanes_pick(hk__lanes_picked_up(release) > -INFINITY, hk_lanes_all(0), hk_lanes_all(1));
  m->varies = (hk_mask){0};
  for (size_t i = 0; varies && i < HK_LANES; i++)
    m->varies[i] = g->current[i]->sine_count > 0 ? -1 : 0;
}

/* The most that each current can be. */
static hk_lanes most_of_currents(const struct group *g)
{
  hk_lanes most = g->motions.constant;
  for (size_t i = 0; hk_mask_any(g->motions.varies) && i < HK_LANES; i++)
    most[i] = hk__current_most(g->current[i]);
  return most;
}

_Static_assert((int)HK__EFFORTS == (int)HK__LENGTHS, "a queue for each length");

/* A walk goes on in the next round. */
static inline void queue(struct hk__walks *w, const struct hk__walk *walk, double pace)
{
  size_t effort = hk__stride_effort(walk->left < pace ? walk->left / pace : 1);
  w->queue[effort][w->queued[effort]++] = (uint32_t)(walk - w->walk);
}

/* Sets out for the walk's next moment, having taken the samples before it; nothing is left to go where a course to
 * there is known. *over: there is none in this window. */
static inline enum hk_status aim(struct hk__shard_state *shard, const struct hk__window *window, struct hk__walk *walk,
                                 struct hk__cell *cell, bool *over)
{
  double event = walk->event != HK__NO_EVENT ? shard->events.event[walk->event].time : INFINITY,
         timer = shard->timer[walk->neuron];
  walk->time = event < timer ? event : timer;
  *over = event == INFINITY && timer >= window->end;
  if (shard->probe_count > 0) {
    enum hk_status status = hk__cell_take_samples(shard, window, walk->neuron, *over ? window->end : walk->time);
    if (status != HK_OK)
      return status;
  }
  if (*over)
    return HK_OK;
  walk->stands = cell->since;
  walk->left = hk__cell_take_ahead(cell, walk->time) ? 0 : walk->time - walk->stands;
  return HK_OK;
}

static inline void set_timer(struct hk__shard_state *shard, uint32_t neuron, double time)
{
  shard->timer[neuron] = time;
  hk__walks_hint(shard->walks, neuron, time);
}

/* The cell has been advanced to the walk's moment: events arrive, it may fire. */
static inline enum hk_status receive(struct hk__shard_state *shard, struct hk__walk *walk, struct hk__cell *cell)
{
  const struct hk__event *event = shard->events.event;
  const uint32_t *after = shard->walks->after;
  const double time = walk->time;
  uint32_t next = walk->event;
  hk__cell_arrive(cell, time);
  for (; next != HK__NO_EVENT && event[next].time <= time; next = after[next])
    hk__cell_hear(cell, event[next].port, event[next].weight);
  const bool received = next != walk->event;
  walk->event = next;
  if (!hk__cell_spikes(cell, time, received))
    return HK_OK;
  hk__cell_fire(shard->cells, shard->place->first + walk->neuron, time);
  return hk__shard_emit(shard, walk->neuron, time);
}

/* The same, and what follows: until the cell wants an outlook, has some way to go or is through the window. */
static inline enum hk_status arrive(struct group *g, size_t i)
{
  struct hk__walk *walk = g->walk[i];
  struct hk__cell *cell = g->cell[i];
  for (;;) {
    double release;
    enum hk_status status = receive(g->shard, walk, cell);
    if (status != HK_OK)
      return status;
    if (!hk__cell_begin_outlook(cell, &release)) {
      g->outlook |= 1u << i;
      return HK_OK;
    }
    bool over;
    set_timer(g->shard, walk->neuron, release);
    status = aim(g->shard, g->window, walk, cell, &over);
    if (status != HK_OK || over)
      return status;
    if (walk->left > 0) {
      queue(g->shard->walks, walk, cell->pace);
      return HK_OK;
    }
  }
}

/* The cells that took a step, rather than looked ahead, have the states after it. */
static void scatter_states(const struct group *g, struct hk__stride *s)
{
  double elsewhere[HK__STATES_ROOM], *x[HK_LANES], *row[HK_LANES];
  for (size_t i = 0; i < HK_LANES; i++)
    x[i] = i < g->count && s->done[i] && !g->walk[i]->looks ? g->cell[i]->x : elsewhere;
  for (size_t j = 0; j < g->shard->n; j += HK__ROW) {
    for (size_t i = g->shard->n; i < j + HK__ROW; i++)
      s->x[i] = hk_lanes_all(0);
    for (size_t i = 0; i < HK_LANES; i++)
      row[i] = x[i] + j;
    hk__rows_scatter(s->x + j, row);
  }
}

static inline enum hk_status go_on(struct group *g, const struct hk__stride *s, size_t i)
{
  struct hk__walk *walk = g->walk[i];
  walk->left -= s->length[i];
  if (!(walk->left > 0))
    return arrive(g, i);
  walk->stands += s->length[i];
  queue(g->shard->walks, walk, g->cell[i]->pace);
  return HK_OK;
}

/* A step ahead has been taken: what it shows is the outlook. */
static enum hk_status look(struct group *g, const struct hk__stride *s, size_t i)
{
  struct hk__cell *cell = g->cell[i];
  enum hk_status status = hk__stride_look(&g->motions, s, i, hk__cell_search(cell), cell->threshold, &cell->ahead);
  if (status == HK_OK && !cell->ahead.crosses && !hk__moves_on(cell->since, cell->ahead.dt)) {
    struct hk__motion motion = hk__cell_motion(g->shard->cells, cell, g->current[i]);
    status = hk__look_ahead(&motion, hk__cell_search(cell), cell->threshold, cell->since, &cell->pace, cell->x,
                            &cell->ahead);
  }
  if (status != HK_OK)
    return status;
  bool over;
  struct hk__walk *walk = g->walk[i];
  walk->looks = false;
  set_timer(g->shard, walk->neuron, hk__cell_foresee(cell));
  status = aim(g->shard, g->window, walk, cell, &over);
  if (status != HK_OK || over)
    return status;
  if (!(walk->left > 0))
    return arrive(g, i);
  queue(g->shard->walks, walk, cell->pace);
  return HK_OK;
}

/* Asks the model how long the cells that have arrived stay quiet; their parameters are in the lanes. */
static enum hk_status ask(struct group *g)
{
  const struct hk_model *model = g->motions.model;
  hk_lanes x[HK__STATES_ROOM], current, quiet = hk_lanes_all(0);
  if (model->quiet) {
    gather_states(g, x);
    current = most_of_currents(g);
    model->quiet(g->motions.param, x, &current, &quiet);
  }
  for (unsigned some = g->outlook; some; some &= some - 1) {
    const size_t i = (size_t)__builtin_ctz(some);
    struct hk__walk *walk = g->walk[i];
    struct hk__cell *cell = g->cell[i];
    bool over = false;
    walk->looks = !hk__cell_keeps_quiet(cell, quiet[i]);
    if (walk->looks) {
      walk->stands = cell->since;
      walk->left = INFINITY;
    } else {
      set_timer(g->shard, walk->neuron, cell->since + quiet[i]);
      enum hk_status status = aim(g->shard, g->window, walk, cell, &over);
      if (status != HK_OK)
        return status;
    }
    if (!over)
      queue(g->shard->walks, walk, cell->pace);
  }
  return HK_OK;
}

/* What the step is to be. */
static void set_step(const struct group *g, struct hk__stride *s)
{
  const double *stands[HK_LANES], *left[HK_LANES], *pace[HK_LANES];
  for (size_t i = 0; i < HK_LANES; i++) {
    stands[i] = &g->walk[i]->stands;
    left[i] = &g->walk[i]->left;
    pace[i] = &g->cell[i]->pace;
  }
  s->t = hk__lanes_picked_up(stands);
  s->most = hk__lanes_picked_up(left);
  s->pace = hk__lanes_picked_up(pace);
}

static enum hk_status take_step(struct group *g)
{
  struct hk__stride s;
  struct hk__motions *motions = &g->motions;
  put_motions(g);
  set_step(g, &s);
  gather_states(g, s.start);
  hk__stride_take(motions, &s);
  if (g->cell[0]->ahead.series) {
    double *to[HK_LANES];
    for (size_t i = 0; i < HK_LANES; i++)
      to[i] = i < g->count && g->walk[i]->looks ? g->cell[i]->ahead.x : NULL;
    hk__stride_hand_over(motions, &s, to);
  }
  scatter_states(g, &s);
  for (size_t i = 0; i < g->count; i++) {
    enum hk_status status = HK_OK;
    g->cell[i]->pace = s.pace[i];
    if (s.done[i])
      status = g->walk[i]->looks ? look(g, &s, i) : go_on(g, &s, i);
    else if (!(s.pace[i] > hk__shortest_pace))
      status = HK_ERR_NUMERIC;
    else
      queue(g->shard->walks, g->walk[i], s.pace[i]);
    if (status != HK_OK)
      return status;
  }
  return g->outlook ? ask(g) : HK_OK;
}

/* --- rounds --- */

/* The next round's walks. Returns how many they are. */
static size_t line_up(struct hk__walks *w)
{
  size_t sum = 0;
  for (size_t effort = 0; effort < HK__EFFORTS; effort++) {
    memcpy(w->under_way + sum, w->queue[effort], w->queued[effort] * sizeof *w->under_way);
    sum += w->queued[effort];
    w->queued[effort] = 0;
  }
  return sum;
}

/* All walks set out; those that are there already arrive. */
static enum hk_status set_out(struct group *g)
{
  struct hk__walks *w = g->shard->walks;
  struct hk__cell *cells = g->shard->cells->cell + g->shard->place->first;
  size_t there = 0;
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < w->walk_count && status == HK_OK; i++) {
    struct hk__walk *walk = &w->walk[i];
    struct hk__cell *cell = &cells[walk->neuron];
    bool over;
    status = aim(g->shard, g->window, walk, cell, &over);
    if (over || status != HK_OK)
      continue;
    __builtin_prefetch(cell->x, 1);
    if (walk->left > 0)
      queue(w, walk, cell->pace);
    else
      w->under_way[there++] = (uint32_t)i;
  }
  for (size_t first = 0; first < there && status == HK_OK; first += g->count) {
    meet(g, w->under_way + first, there - first);
    for (size_t i = 0; i < g->count && status == HK_OK; i++)
      status = arrive(g, i);
    if (status == HK_OK && g->outlook) {
      put_motions(g);
      status = ask(g);
    }
  }
  return status;
}

enum hk_status HK__VARIANT(hk__walks_take_rounds)(struct hk__shard_state *shard, const struct hk__window *window)
{
  struct hk__walks *w = shard->walks;
  struct group g;
  g.shard = shard;
  g.window = window;
  hk__motions_begin(&g.motions, w->model, shard->cells->tolerance);
  memset(w->queued, 0, sizeof w->queued);
  enum hk_status status = set_out(&g);
  for (size_t under_way; status == HK_OK && (under_way = line_up(w)) > 0;)
    for (size_t first = 0; first < under_way && status == HK_OK; first += g.count) {
      meet(&g, w->under_way + first, under_way - first);
      status = take_step(&g);
    }
  return status;
}
