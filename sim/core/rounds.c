/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walks of a nonlinear model, HK_LANES at a time.
 *
 * In a round each walk that is under way takes one step of the integrator, towards its moment or, where the model has
 * no bound that says how long it stays quiet, ahead from the moment at which it stands; or those that have come to
 * their moments on a course known before go on from there. All that is done to a cell is what core/cell.c does to it,
 * in the same order; which walks stand in the lanes beside it changes nothing. What most models seldom meet (spikes,
 * looks ahead, samples) is done to one after the other. */
#include <stddef.h>

#include "core/doze.h"
#include "core/stride.h"
#include "core/walk.h"

/* The walks that a round takes together. The lanes beyond the last repeat the first. */
struct group {
  struct hk__shard_state *shard;
  const struct hk__window *window;
  struct hk__motions motions;
  size_t count;
  hk_mask real; /* the lanes up to the last */
  struct hk__walk *walk[HK_LANES];
  struct hk__cell *cell[HK_LANES];
  hk_lanes time, stands, left; /* as in the walks */
  hk__words next;              /* their next events */
  hk_lanes event, weight;      /* of these: when, what, */
  hk__words port, after;       /* where, and the events after them */
  hk_lanes timer;
  hk_lanes since, release, predicted, pace, threshold, reach, ahead; /* as in the cells */
  hk_lanes x[HK__STATES_ROOM];
};

/* --- from memory to lanes and back --- */

/* What the first cache line of a cell, a walk and an event hold. */
enum { SINCE, RELEASE, PREDICTED, PACE, THRESHOLD = 0, REACH, AHEAD };
enum { TIME, STANDS, LEFT, NEXT };
_Static_assert(offsetof(struct hk__cell, pace) == PACE * sizeof(double), "the first row of a cell");
_Static_assert(offsetof(struct hk__cell, threshold) == (HK__ROW + THRESHOLD) * sizeof(double), "its second row");
_Static_assert(offsetof(struct hk__cell, ahead_time) == (HK__ROW + AHEAD) * sizeof(double), "its second row");
_Static_assert(offsetof(struct hk__walk, event) == NEXT * sizeof(double), "the row of a walk");

/* Takes up to HK_LANES of the walks. */
static void meet(struct group *g, const uint32_t *walk, size_t count)
{
  struct hk__cell *cells = &g->shard->cells->cell[g->shard->place->first];
  g->count = count < HK_LANES ? count : HK_LANES;
  for (size_t i = 0; i < HK_LANES; i++) {
    g->walk[i] = &g->shard->walks->walk[walk[i < g->count ? i : 0]];
    g->cell[i] = &cells[g->walk[i]->neuron];
    g->real[i] = i < g->count ? -1 : 0;
  }
}

static void gather_cells(struct group *g)
{
  const double *row[HK_LANES];
  hk_lanes first[HK__ROW], second[HK__ROW];
  for (size_t i = 0; i < HK_LANES; i++)
    row[i] = &g->cell[i]->since;
  hk__rows_gather(row, first);
  g->since = first[SINCE];
  g->release = first[RELEASE];
  g->predicted = first[PREDICTED];
  g->pace = first[PACE];
  for (size_t i = 0; i < HK_LANES; i++)
    row[i] += HK__ROW;
  hk__rows_gather(row, second);
  g->threshold = second[THRESHOLD];
  g->reach = second[REACH];
  g->ahead = second[AHEAD];
  for (size_t j = 0; j < g->shard->n; j += HK__ROW) {
    for (size_t i = 0; i < HK_LANES; i++)
      row[i] = g->cell[i]->x + j;
    hk__rows_gather(row, g->x + j);
  }
}

static void scatter_cells(struct group *g)
{
  double elsewhere[HK__STATES_ROOM], *row[HK_LANES];
  const hk_lanes first[HK__ROW] = {
      [SINCE] = g->since, [RELEASE] = g->release, [PREDICTED] = g->predicted, [PACE] = g->pace};
  for (size_t i = 0; i < HK_LANES; i++)
    row[i] = i < g->count ? &g->cell[i]->since : elsewhere;
  hk__rows_scatter(first, row);
  for (size_t j = 0; j < g->shard->n; j += HK__ROW) {
    for (size_t i = g->shard->n; i < j + HK__ROW; i++)
      g->x[i] = hk_lanes_all(0);
    for (size_t i = 0; i < HK_LANES; i++)
      row[i] = i < g->count ? g->cell[i]->x + j : elsewhere;
    hk__rows_scatter(g->x + j, row);
  }
}

static void gather_walks(struct group *g)
{
  const double *row[HK_LANES];
  hk_lanes walk[HK__ROW];
  for (size_t i = 0; i < HK_LANES; i++)
    row[i] = &g->walk[i]->time;
  hk__rows_gather(row, walk);
  g->time = walk[TIME];
  g->stands = walk[STANDS];
  g->left = walk[LEFT];
  g->next = (hk__words)walk[NEXT];
}

static void scatter_walks(const struct group *g)
{
  double elsewhere[HK__ROW], *row[HK_LANES];
  const hk_lanes walk[HK__ROW] = {[TIME] = g->time, [STANDS] = g->stands, [LEFT] = g->left, [NEXT] = (hk_lanes)g->next};
  for (size_t i = 0; i < HK_LANES; i++)
    row[i] = i < g->count ? &g->walk[i]->time : elsewhere;
  hk__rows_scatter(walk, row);
}

static void gather_events(struct group *g)
{
  const double *row[HK_LANES];
  hk_lanes event[HK__ROW];
  for (size_t i = 0; i < HK_LANES; i++)
    row[i] = &g->shard->events.event[g->next[i]].time;
  hk__rows_gather(row, event);
  g->event = event[HK__EVENT_TIME];
  g->weight = event[HK__EVENT_WEIGHT];
  g->port = hk__event_ports(event);
  g->after = (hk__words)event[HK__EVENT_AFTER];
}

static void put_motions(struct group *g)
{
  struct hk__motions *m = &g->motions;
  const struct hk__current *current = g->shard->current;
  const double *constant[HK_LANES];
  for (size_t i = 0; i < HK_LANES; i++) {
    m->current[i] = &current[g->walk[i]->neuron];
    constant[i] = &m->current[i]->constant;
  }
  m->constant = hk__lanes_picked_up(constant);
  m->free = hk_lanes_pick(g->release > -INFINITY, hk_lanes_all(0), hk_lanes_all(1));
  for (size_t i = 0; !g->shard->walks->alike && i < HK_LANES; i++)
    hk__motions_set_param(m, i, g->cell[i]->param);
  for (size_t i = 0; g->shard->walks->restless && i < HK_LANES; i++) {
    m->varies[i] = m->current[i]->sine_count > 0 ? -1 : 0;
    m->restless[i] = hk__current_is_restless(m->current[i]) ? -1 : 0;
  }
}

/* How far each current can be from its constant. */
static hk_lanes swings(const struct group *g)
{
  hk_lanes swing = hk_lanes_all(0);
  for (size_t i = 0; g->shard->walks->sines && i < HK_LANES; i++)
    swing[i] = hk__current_swing(g->motions.current[i]);
  return swing;
}

/* --- setting out --- */

_Static_assert((int)HK__QUEUES == 1 + (int)HK__LENGTHS, "a queue for each length");

/* Walks go on in the next round. */
static void queue(struct group *g, hk_mask which)
{
  struct hk__walks *w = g->shard->walks;
  const hk_mask queue = (g->left > 0) & (hk__stride_effort(g->motions.lengths, g->left, g->pace) + 1);
  const hk_mask whither = (queue & which) | (HK__OVER & ~which);
  scatter_walks(g);
  for (size_t i = 0; i < g->count; i++) {
    const size_t q = (size_t)whither[i];
    w->queue[q][w->queued[q]++] = (uint32_t)(g->walk[i] - w->walk);
  }
}

/* The samples before their next moments. */
static enum hk_status take_samples(const struct group *g, hk_mask which, hk_mask over)
{
  enum hk_status status = HK_OK;
  for (unsigned some = hk__mask_bits(which); some && status == HK_OK; some &= some - 1) {
    const size_t i = (size_t)__builtin_ctz(some);
    const double until = over[i] ? g->window->end : g->time[i];
    status = hk__cell_take_samples(g->shard, g->window, g->walk[i]->neuron, until);
  }
  return status;
}

/* The cells, as they are in memory, set out for their next moments; nothing is left to go where a course to there is
 * known. Those for which there is none in this window are over. Returns the others. */
static enum hk_status set_out(struct group *g, hk_mask which, hk_mask *on)
{
  const hk_mask over = which & (g->event == INFINITY) & (g->timer >= g->window->end);
  *on = which & ~over;
  g->time = hk_lanes_pick(*on, hk_lanes_min(g->event, g->timer), g->time);
  g->stands = hk_lanes_pick(*on, g->since, g->stands);
  g->left = hk_lanes_pick(*on, g->time - g->since, g->left);
  if (g->shard->probe_count > 0) {
    enum hk_status status = take_samples(g, which, over);
    if (status != HK_OK)
      return status;
  }
  for (unsigned some = g->shard->walks->doze ? hk__mask_bits(over) : 0; some; some &= some - 1)
    hk__doze_off(g->shard, g->window, g->walk[__builtin_ctz(some)]->neuron);
  for (unsigned some = hk__mask_bits(*on & (g->ahead > -INFINITY)); some; some &= some - 1) {
    const size_t i = (size_t)__builtin_ctz(some);
    if (hk__cell_take_ahead(g->cell[i], g->time[i]))
      g->left[i] = 0;
  }
  return HK_OK;
}

/* --- arriving --- */

/* The walks' next events arrive. */
static void hear(struct group *g, hk_mask which)
{
  hk__motions_receive(&g->motions, which, g->release > -INFINITY, g->port, g->weight, g->x);
  g->next = (hk__words)hk_lanes_pick(which, (hk_lanes)g->after, (hk_lanes)g->next);
  gather_events(g);
}

/* A cell fires, and is in its lane as it is then. */
static enum hk_status fire(struct group *g, size_t i)
{
  struct hk__cell *cell = g->cell[i];
  const size_t n = g->shard->n;
  const double time = g->time[i];
  for (size_t j = 0; j < n; j++)
    cell->x[j] = g->x[j][i];
  hk__cell_fire(g->shard->cells, g->shard->place->first + g->walk[i]->neuron, time);
  for (size_t j = 0; j < n; j++)
    g->x[j][i] = cell->x[j];
  g->release[i] = cell->release;
  g->reach[i] = cell->reach;
  return hk__shard_emit(g->shard, g->walk[i]->neuron, time);
}

/* The cells have been advanced to their walks' moments: events arrive, they may fire. */
static enum hk_status receive(struct group *g, hk_mask which)
{
  hk_mask received = {0};
  g->since = hk_lanes_pick(which, g->time, g->since);
  g->release = hk_lanes_pick(which & (g->time >= g->release), hk_lanes_all(-INFINITY), g->release);
  for (;;) {
    const hk_mask now = which & (g->event <= g->time);
    if (!hk_mask_any(now))
      break;
    hear(g, now);
    received |= now;
  }
  const hk_mask reached = g->motions.model->strict ? g->x[0] > g->reach : g->x[0] >= g->reach;
  const hk_mask foreseen = ~received & (g->predicted == g->time);
  enum hk_status status = HK_OK;
  for (unsigned some = hk__mask_bits(which & (g->release == -INFINITY) & (reached | foreseen)); some && status == HK_OK;
       some &= some - 1)
    status = fire(g, (size_t)__builtin_ctz(some));
  return status;
}

/* Where a cell has fallen below its threshold it can spike. */
static void arm(struct group *g, hk_mask which)
{
  const hk_mask armed = which & (g->x[0] < g->threshold) & (g->reach > g->threshold);
  g->reach = hk_lanes_pick(armed, g->threshold, g->reach);
  for (unsigned some = hk__mask_bits(armed); some; some &= some - 1) {
    const size_t i = (size_t)__builtin_ctz(some);
    g->cell[i]->reach = g->threshold[i];
  }
}

/* How long free cells stay quiet by their model's bound; 0 where that does not serve, as in hk__cell_keeps_quiet. */
static hk_lanes ask(struct group *g)
{
  hk_lanes quiet = hk_lanes_all(0);
  if (!g->motions.model->quiet)
    return quiet;
  const hk_lanes swing = swings(g);
  g->motions.model->quiet(g->motions.param, g->x, &g->motions.constant, &swing, &quiet);
  const hk_lanes least = 0x1p-50 * hk_lanes_max(g->since, hk_lanes_all(1));
  return hk_lanes_pick((quiet > 0.1 * g->pace) & (quiet > least), quiet, hk_lanes_all(0));
}

static void set_timers(struct group *g, hk_mask which)
{
  double elsewhere;
  for (size_t i = 0; i < g->count; i++) {
    const uint32_t neuron = g->walk[i]->neuron;
    double *timer = which[i] ? &g->shard->timer[neuron] : &elsewhere;
    *timer = g->timer[i];
    hk__walks_hint(g->shard->walks, neuron, which[i] ? g->timer[i] : INFINITY);
  }
}

/* Events arrive, cells fire, and then their next moment is known, or they look ahead for it. */
static enum hk_status arrive(struct group *g, hk_mask which, hk_mask *known)
{
  enum hk_status status = receive(g, which);
  const hk_mask free = which & (g->release == -INFINITY);
  hk_lanes quiet = hk_lanes_all(0);
  g->predicted = hk_lanes_pick(which, hk_lanes_all(INFINITY), g->predicted);
  arm(g, free);
  if (hk_mask_any(free))
    quiet = ask(g);
  const hk_mask look = free & ~(quiet > 0);
  g->timer = hk_lanes_pick(free, g->since + quiet, hk_lanes_pick(which, g->release, g->timer));
  g->stands = hk_lanes_pick(look, g->since, g->stands);
  g->left = hk_lanes_pick(look, hk_lanes_all(INFINITY), g->left);
  *known = which & ~look;
  set_timers(g, *known);
  return status;
}

/* --- steps --- */

/* A step ahead has been taken: what it shows is the outlook. */
static enum hk_status look(struct group *g, const struct hk__stride *s, size_t i)
{
  struct hk__cell *cell = g->cell[i];
  enum hk_status status = hk__stride_look(&g->motions, s, i, hk__cell_search(cell), cell->threshold, &cell->ahead);
  if (status == HK_OK && !cell->ahead.crosses && !hk__moves_on(cell->since, cell->ahead.dt)) {
    struct hk__motion motion = hk__cell_motion(g->shard->cells, cell, g->motions.current[i]);
    status = hk__look_ahead(&motion, hk__cell_search(cell), cell->threshold, cell->since, &cell->pace, cell->x,
                            &cell->ahead);
  }
  g->timer[i] = g->ahead[i] = hk__cell_foresee(cell);
  return status;
}

static enum hk_status look_along(struct group *g, const struct hk__stride *s, hk_mask which)
{
  const unsigned looks = hk__mask_bits(which);
  enum hk_status status = HK_OK;
  if (!looks)
    return HK_OK;
  if (g->cell[0]->ahead.series) {
    double *to[HK_LANES];
    for (size_t i = 0; i < HK_LANES; i++)
      to[i] = looks >> i & 1u ? g->cell[i]->ahead.x : NULL;
    hk__stride_hand_over(&g->motions, s, to);
  }
  for (unsigned some = looks; some && status == HK_OK; some &= some - 1)
    status = look(g, s, (size_t)__builtin_ctz(some));
  set_timers(g, which);
  return status;
}

/* The walks take what is left of their ways, as much as a step carries. */
static void stride(struct group *g, struct hk__stride *s)
{
  s->t = g->stands;
  s->most = g->left;
  s->pace = g->pace;
  memcpy(s->start, g->x, g->shard->n * sizeof *s->start);
  hk__stride_take(&g->motions, s);
  const hk_mask moves = s->done & (g->left < INFINITY);
  g->pace = s->pace;
  g->stands = hk_lanes_pick(moves, g->stands + s->length, g->stands);
  g->left = hk_lanes_pick(moves, g->left - s->length, g->left);
  for (size_t j = 0; j < g->shard->n; j++)
    g->x[j] = hk_lanes_pick(moves, s->x[j], g->x[j]);
}

/* A group of walks that are on their way, or look ahead. */
static enum hk_status take_step(struct group *g)
{
  struct hk__stride s;
  const hk_mask looks = g->left == INFINITY;
  stride(g, &s);
  if (hk_mask_any(g->real & ~s.done & ~(s.pace > hk__shortest_pace)))
    return HK_ERR_NUMERIC;
  const hk_mask looked = g->real & s.done & looks, there = g->real & ~(g->left > 0);
  hk_mask known = {0}, on;
  enum hk_status status = hk_mask_any(there) ? arrive(g, there, &known) : HK_OK;
  scatter_cells(g);
  if (status == HK_OK)
    status = look_along(g, &s, looked);
  if (status == HK_OK)
    status = set_out(g, known | looked, &on);
  if (status == HK_OK)
    queue(g, (g->real & ~(known | looked)) | on);
  return status;
}

/* A group of walks that have come to their moments. */
static enum hk_status come(struct group *g)
{
  hk_mask known, on;
  enum hk_status status = arrive(g, g->real, &known);
  scatter_cells(g);
  if (status == HK_OK)
    status = set_out(g, known, &on);
  if (status == HK_OK)
    queue(g, (g->real & ~known) | on);
  return status;
}

/* --- rounds --- */

/* Those who queue. Returns how many they are. */
static size_t line_up(struct hk__walks *w, size_t first, size_t end)
{
  size_t sum = 0;
  for (size_t q = first; q < end; q++) {
    memcpy(w->under_way + sum, w->queue[q], w->queued[q] * sizeof *w->under_way);
    sum += w->queued[q];
    w->queued[q] = 0;
  }
  return sum;
}

/* A walk sets out into the window, as in set_out. */
static enum hk_status begin(struct group *g, uint32_t index)
{
  struct hk__shard_state *shard = g->shard;
  struct hk__walks *w = shard->walks;
  struct hk__walk *walk = &w->walk[index];
  struct hk__cell *cell = &shard->cells->cell[shard->place->first + walk->neuron];
  const double event = shard->events.event[walk->event].time, timer = shard->timer[walk->neuron];
  walk->time = event < timer ? event : timer;
  walk->stands = cell->since;
  if (shard->probe_count > 0) {
    enum hk_status status = hk__cell_take_samples(shard, g->window, walk->neuron, walk->time);
    if (status != HK_OK)
      return status;
  }
  const bool there = cell->ahead_time > -INFINITY && hk__cell_take_ahead(cell, walk->time);
  walk->left = there ? 0 : walk->time - walk->stands;
  size_t q = HK__THERE;
  if (walk->left > 0)
    q = 1 + hk__stride_effort_of(g->motions.lengths, walk->left, cell->pace);
  w->queue[q][w->queued[q]++] = index;
  return HK_OK;
}

/* Takes all who have lined up, group by group. */
static enum hk_status take_all(struct group *g, enum hk_status (*take)(struct group *g), size_t walks)
{
  enum hk_status status = HK_OK;
  for (size_t first = 0; first < walks && status == HK_OK; first += g->count) {
    meet(g, g->shard->walks->under_way + first, walks - first);
    gather_walks(g);
    gather_cells(g);
    gather_events(g);
    put_motions(g);
    status = take(g);
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
  for (size_t i = 0; w->alike && i < HK_LANES; i++)
    hk__motions_set_param(&g.motions, i, shard->cells->cell[shard->place->first].param);
  memset(w->queued, 0, sizeof w->queued);
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < w->walk_count && status == HK_OK; i++)
    status = begin(&g, (uint32_t)i);
  for (size_t walks; status == HK_OK;)
    if ((walks = line_up(w, HK__THERE, HK__THERE + 1)) > 0)
      status = take_all(&g, come, walks);
    else if ((walks = line_up(w, HK__THERE + 1, HK__QUEUES)) > 0)
      status = take_all(&g, take_step, walks);
    else
      break;
  return status;
}
