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
  bool under_way[HK_LANES], outlook[HK_LANES];
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
    g->under_way[i] = true;
    g->outlook[i] = false;
  }
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

/* Sets out for the walk's next moment, having taken the samples before it; nothing is left to go where a course to
 * there is known. *over: there is none in this window. */
static inline enum hk_status aim_for(struct hk__shard_state *shard, const struct hk__window *window,
                                     struct hk__walk *walk, struct hk__cell *cell, bool *over)
{
  double event = walk->next < walk->last ? shard->walks->events.event[walk->next].time : INFINITY,
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

static enum hk_status arrive(struct group *g, size_t i);

static enum hk_status aim(struct group *g, size_t i)
{
  bool over;
  enum hk_status status = aim_for(g->shard, g->window, g->walk[i], g->cell[i], &over);
  g->under_way[i] = !over;
  return status != HK_OK || over || g->walk[i]->left > 0 ? status : arrive(g, i);
}

static void set_timer(struct group *g, size_t i, double time)
{
  uint32_t neuron = g->walk[i]->neuron;
  g->shard->timer[neuron] = time;
  hk__walks_hint(g->shard->walks, neuron, time);
}

/* The cell has been advanced to the walk's moment: events arrive, it may fire. */
static enum hk_status arrive(struct group *g, size_t i)
{
  struct hk__walk *walk = g->walk[i];
  struct hk__cell *cell = g->cell[i];
  const struct hk__event *event = g->shard->walks->events.event;
  const uint32_t first = walk->next;
  double release;
  hk__cell_arrive(cell, walk->time);
  for (; walk->next < walk->last && event[walk->next].time <= walk->time; walk->next++)
    hk__cell_hear(cell, event[walk->next].port, event[walk->next].weight);
  if (hk__cell_spikes(cell, walk->time, walk->next > first)) {
    hk__cell_fire(g->shard->cells, g->shard->place->first + walk->neuron, walk->time);
    enum hk_status status = hk__shard_emit(g->shard, walk->neuron, walk->time);
    if (status != HK_OK)
      return status;
  }
  g->outlook[i] = !hk__cell_begin_outlook(cell, &release);
  if (g->outlook[i])
    return HK_OK;
  set_timer(g, i, release);
  return aim(g, i);
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

static enum hk_status go_on(struct group *g, const struct hk__stride *s, size_t i)
{
  struct hk__walk *walk = g->walk[i];
  walk->stands += s->length[i];
  walk->left -= s->length[i];
  return walk->left > 0 ? HK_OK : arrive(g, i);
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
  g->walk[i]->looks = false;
  set_timer(g, i, hk__cell_foresee(cell));
  return aim(g, i);
}

static bool wants_outlook(const struct group *g)
{
  bool wants = false;
  for (size_t i = 0; i < g->count; i++)
    wants |= g->outlook[i];
  return wants;
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
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < g->count && status == HK_OK; i++) {
    if (!g->outlook[i])
      continue;
    if (hk__cell_keeps_quiet(g->cell[i], quiet[i])) {
      set_timer(g, i, g->cell[i]->since + quiet[i]);
      status = aim(g, i);
    } else {
      g->walk[i]->looks = true;
      g->walk[i]->stands = g->cell[i]->since;
      g->walk[i]->left = INFINITY;
    }
  }
  return status;
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
    if (status != HK_OK)
      return status;
  }
  return wants_outlook(g) ? ask(g) : HK_OK;
}

/* --- rounds --- */

/* A walk queues for the next round. count: of each queue. */
static inline void queue(struct hk__walks *w, uint32_t walk, double pace, size_t *count)
{
  double left = w->walk[walk].left;
  double part = left < pace ? left / pace : 1;
  size_t effort = (size_t)(7.0 * part);
  w->queue[effort][count[effort]++] = walk;
}

/* Those of the group that are still under way queue. */
static void queue_all(struct group *g, const uint32_t *walk, size_t *count)
{
  for (size_t i = 0; i < g->count; i++)
    if (g->under_way[i])
      queue(g->shard->walks, walk[i], g->cell[i]->pace, count);
}

/* The next round's walks. Returns how many they are. */
static size_t line_up(struct hk__walks *w, size_t *count)
{
  size_t sum = 0;
  for (size_t effort = 0; effort < HK__EFFORTS; effort++) {
    memcpy(w->under_way + sum, w->queue[effort], count[effort] * sizeof *w->under_way);
    sum += count[effort];
    count[effort] = 0;
  }
  return sum;
}

/* All walks set out; those that are there already arrive. */
static enum hk_status set_out(struct group *g, size_t *count)
{
  struct hk__walks *w = g->shard->walks;
  size_t there = 0;
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < w->walk_count && status == HK_OK; i++) {
    struct hk__walk *walk = &w->walk[i];
    struct hk__cell *cell = &g->shard->cells->cell[g->shard->place->first + walk->neuron];
    bool over;
    status = aim_for(g->shard, g->window, walk, cell, &over);
    if (over || status != HK_OK)
      continue;
    __builtin_prefetch(cell->x, 1);
    if (walk->left > 0)
      queue(w, (uint32_t)i, cell->pace, count);
    else
      w->under_way[there++] = (uint32_t)i;
  }
  for (size_t first = 0; first < there && status == HK_OK; first += g->count) {
    meet(g, w->under_way + first, there - first);
    for (size_t i = 0; i < g->count && status == HK_OK; i++)
      status = arrive(g, i);
    if (status == HK_OK && wants_outlook(g)) {
      put_motions(g);
      status = ask(g);
    }
    queue_all(g, w->under_way + first, count);
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
  size_t count[HK__EFFORTS] = {0};
  enum hk_status status = set_out(&g, count);
  for (size_t under_way; status == HK_OK && (under_way = line_up(w, count)) > 0;)
    for (size_t first = 0; first < under_way && status == HK_OK; first += g.count) {
      meet(&g, w->under_way + first, under_way - first);
      status = take_step(&g);
      queue_all(&g, w->under_way + first, count);
    }
  return status;
}
