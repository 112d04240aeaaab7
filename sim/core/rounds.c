/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walks of a nonlinear model, HK_LANES at a time.
 *
 * In a round each walk that is under way takes one step of the integrator: towards its moment or, where the model has
 * no bound that says how long it stays quiet, ahead from the moment at which it stands. All that is done to a cell is
 * what core/cell.c does to it, in the same order. */
#include "core/walk.h"

/* The walks that a round takes together. The lanes beyond the last repeat the first. */
struct group {
  struct hk__shard_state *shard;
  const struct hk__window *window;
  size_t count;
  struct hk__walk *walk[HK_LANES];
  struct hk__cell *cell[HK_LANES];
  const struct hk__current *current[HK_LANES];
  bool under_way[HK_LANES], outlook[HK_LANES];
};

static hk_lanes gather(double *const from[HK_LANES], size_t j)
{
  return (hk_lanes){from[0][j], from[1][j], from[2][j], from[3][j]};
}

static void gather_states(const struct group *g, hk_lanes *x)
{
  double *from[HK_LANES];
  for (size_t i = 0; i < HK_LANES; i++)
    from[i] = g->cell[i]->x;
  for (size_t j = 0; j < g->shard->n; j++)
    x[j] = gather(from, j);
}

static void begin(struct group *g, struct hk__stride *s)
{
  struct hk__motions *motions = &g->shard->walks->motions;
  for (size_t i = 0; i < HK_LANES; i++) {
    const struct hk__walk *walk = g->walk[i];
    g->cell[i] = &g->shard->cells->cell[g->shard->place->first + walk->neuron];
    g->current[i] = &g->shard->current[walk->neuron];
    struct hk__motion motion = hk__cell_motion(g->shard->cells, g->cell[i], g->current[i]);
    hk__motions_put(motions, i, &motion);
    s->t[i] = walk->stands;
    s->most[i] = walk->looks ? INFINITY : walk->left;
    s->pace[i] = g->cell[i]->pace;
  }
  gather_states(g, s->start);
}

/* Sets out for the next moment; a walk that is foreseen to arrive there is there already. */
static enum hk_status aim(struct group *g, size_t i)
{
  bool over;
  enum hk_status status = hk__walk_aim(g->shard, g->window, g->walk[i], &over);
  g->under_way[i] = !over;
  if (status == HK_OK && !over && hk__cell_take_ahead(g->cell[i], g->walk[i]->time))
    g->walk[i]->left = 0;
  return status;
}

static enum hk_status arrive(struct group *g, size_t i)
{
  double release;
  hk__cell_arrive(g->cell[i], g->walk[i]->time);
  enum hk_status status = hk__walk_arrive(g->shard, g->walk[i]);
  if (status != HK_OK)
    return status;
  g->outlook[i] = !hk__cell_begin_outlook(g->cell[i], &release);
  if (g->outlook[i])
    return HK_OK;
  hk__shard_wake(g->shard, g->walk[i]->neuron, release);
  return aim(g, i);
}

static enum hk_status go_on(struct group *g, const struct hk__stride *s, size_t i)
{
  struct hk__walk *walk = g->walk[i];
  for (size_t j = 0; j < g->shard->n; j++)
    g->cell[i]->x[j] = s->x[j][i];
  walk->stands += s->length[i];
  walk->left -= s->length[i];
  return walk->left > 0 ? HK_OK : arrive(g, i);
}

/* A step ahead has been taken: what it shows is the outlook. */
static enum hk_status look(struct group *g, const struct hk__stride *s, size_t i)
{
  struct hk__cell *cell = g->cell[i];
  struct hk__motions *motions = &g->shard->walks->motions;
  double dt = s->length[i];
  bool crosses;
  enum hk_status status =
      hk__stride_crossing(motions, s, i, hk__cell_search(cell), cell->threshold, &crosses, &dt, cell->ahead);
  for (size_t j = 0; j < g->shard->n && !crosses; j++)
    cell->ahead[j] = s->x[j][i];
  if (status == HK_OK && !crosses && !hk__moves_on(cell->since, dt)) {
    struct hk__motion motion = hk__cell_motion(g->shard->cells, cell, g->current[i]);
    for (size_t j = 0; j < g->shard->n; j++)
      cell->ahead[j] = cell->x[j];
    status = hk__look_ahead(&motion, hk__cell_search(cell), cell->threshold, cell->since, &cell->pace, cell->ahead, &dt,
                            &crosses);
  }
  if (status != HK_OK)
    return status;
  g->walk[i]->looks = false;
  hk__shard_wake(g->shard, g->walk[i]->neuron, hk__cell_foresee(cell, dt, crosses));
  status = aim(g, i);
  return status == HK_OK && g->under_way[i] && g->walk[i]->left == 0 ? arrive(g, i) : status;
}

/* Asks the model how long the cells that have arrived stay quiet. */
static enum hk_status ask(struct group *g)
{
  const struct hk_model *model = g->shard->place->model;
  hk_lanes x[HK_STATES_MAX], current, quiet = hk_lanes_all(0);
  if (model->quiet) {
    gather_states(g, x);
    for (size_t i = 0; i < HK_LANES; i++)
      current[i] = hk__current_most(g->current[i]);
    model->quiet(g->shard->walks->motions.param, x, &current, &quiet);
  }
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < g->count && status == HK_OK; i++) {
    if (!g->outlook[i])
      continue;
    if (hk__cell_keeps_quiet(g->cell[i], quiet[i])) {
      hk__shard_wake(g->shard, g->walk[i]->neuron, g->cell[i]->since + quiet[i]);
      status = aim(g, i);
    } else {
      g->walk[i]->looks = true;
      g->walk[i]->stands = g->cell[i]->since;
    }
  }
  return status;
}

static enum hk_status take_step(struct group *g)
{
  struct hk__stride s;
  bool outlook = false;
  begin(g, &s);
  hk__stride_take(&g->shard->walks->motions, &s);
  for (size_t i = 0; i < g->count; i++) {
    enum hk_status status = HK_OK;
    g->under_way[i] = true;
    g->outlook[i] = false;
    g->cell[i]->pace = s.pace[i];
    if (s.done[i])
      status = g->walk[i]->looks ? look(g, &s, i) : go_on(g, &s, i);
    else if (!(s.pace[i] > hk__shortest_pace))
      status = HK_ERR_NUMERIC;
    if (status != HK_OK)
      return status;
    outlook |= g->outlook[i];
  }
  return outlook ? ask(g) : HK_OK;
}

enum hk_status hk__walks_take_rounds(struct hk__shard_state *shard, const struct hk__window *window)
{
  struct hk__walks *w = shard->walks;
  struct group g = {.shard = shard, .window = window};
  size_t under_way = 0;
  for (size_t i = 0; i < w->walk_count; i++) {
    g.walk[0] = &w->walk[i];
    g.cell[0] = &shard->cells->cell[shard->place->first + w->walk[i].neuron];
    enum hk_status status = aim(&g, 0);
    if (status != HK_OK)
      return status;
    w->walk[under_way] = w->walk[i];
    under_way += g.under_way[0];
  }
  while (under_way > 0) {
    size_t still = 0;
    for (size_t first = 0; first < under_way; first += g.count) {
      g.count = under_way - first < HK_LANES ? under_way - first : HK_LANES;
      for (size_t i = 0; i < HK_LANES; i++)
        g.walk[i] = &w->walk[first + (i < g.count ? i : 0)];
      enum hk_status status = take_step(&g);
      if (status != HK_OK)
        return status;
      for (size_t i = 0; i < g.count; i++)
        if (g.under_way[i])
          w->walk[still++] = *g.walk[i];
    }
    under_way = still;
  }
  return HK_OK;
}
