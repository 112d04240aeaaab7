/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/cell.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/integrator.h"

uint32_t hk__built_population_of(const struct hk__built *built, uint32_t neuron)
{
  for (uint32_t p = 0; p < built->population_count; p++)
    if (neuron - built->populations[p].first < built->populations[p].size)
      return p;
  return UINT32_MAX;
}

/* How many numbers a cell of the population keeps: a tree has synaptic currents on every compartment. */
static size_t width(const struct hk__population *population)
{
  if (population->modes)
    return hk__modes_states(population->modes);
  size_t count = population->model->state_count;
  return population->model->kind == HK_MODEL_NONLINEAR ? hk__states_room(count) : count;
}

/* A model that cannot say how long it stays quiet looks ahead all the time: its course is kept. */
static bool keeps_course(const struct hk_model *model)
{
  return model->series && !model->quiet;
}

/* How many more for what is ahead. */
static size_t width_ahead(const struct hk_model *model)
{
  if (model->kind != HK_MODEL_NONLINEAR)
    return 0;
  return hk__states_room(model->state_count) * (keeps_course(model) ? HK__AHEAD_TERMS : 1);
}

static size_t count_states(const struct hk__built *built, size_t *ahead)
{
  size_t count = 0;
  *ahead = 0;
  for (size_t p = 0; p < built->population_count; p++) {
    const struct hk__population *population = &built->populations[p];
    if (population->first < built->target_count) {
      count += population->size * width(population);
      *ahead += population->size * width_ahead(population->model);
    }
  }
  return count;
}

static struct hk_tree_cell tree_of(const struct hk__cell *cell)
{
  struct hk_tree_cell tree;
  cell->model->tree(cell->param, &tree);
  return tree;
}

/* A tree with given potentials. A soma that begins at its threshold stands there, though its potential is the sum of
 * its modes and may have been rounded. */
static void start_tree(struct hk__cell *cell, const double *potential)
{
  const double threshold = tree_of(cell).threshold;
  double raised[HK_COMPARTMENTS_MAX];
  hk__modes_start(cell->modes, potential, cell->x);
  if (potential[0] < threshold)
    return;
  memcpy(raised, potential, cell->modes->count * sizeof *raised);
  for (double step = DBL_EPSILON * (fabs(threshold) + 1);
       hk__modes_potential(cell->modes, false, 0, cell->x) < threshold && step < 1; step *= 2) {
    raised[0] = potential[0] + step;
    hk__modes_start(cell->modes, raised, cell->x);
  }
}

enum hk_status hk__cells_init(struct hk__cells *cells, const struct hk__built *built)
{
  size_t ahead_count, states = count_states(built, &ahead_count);
  *cells =
      (struct hk__cells){.count = built->target_count,
                         .tolerance = built->tolerance,
                         .cell = aligned_alloc(64, (built->target_count + 1u) * sizeof *cells->cell),
                         .memory = malloc((states + ahead_count + 1) * sizeof *cells->memory),
                         .bytes = built->target_count * sizeof *cells->cell + (states + ahead_count) * sizeof(double)};
  if (!cells->cell || !cells->memory) {
    hk__cells_clear(cells);
    return HK_ERR_MEMORY;
  }
  double *x = cells->memory, *ahead = x + states;
  for (size_t p = 0; p < built->population_count; p++) {
    const struct hk__population *population = &built->populations[p];
    if (population->first >= built->target_count)
      continue;
    size_t n = population->model->state_count;
    for (uint32_t i = 0; i < population->size; i++, x += width(population)) {
      const double *initial = population->state + n * i;
      struct hk__cell *cell = &cells->cell[population->first + i];
      size_t room = width_ahead(population->model);
      *cell = (struct hk__cell){.release = -INFINITY,
                                .predicted = INFINITY,
                                .x = x,
                                .ahead = {.x = ahead, .series = keeps_course(population->model)},
                                .ahead_time = -INFINITY,
                                .pace = 1.0,
                                .param = hk__population_param(population, i),
                                .model = population->model,
                                .modes = population->modes};
      ahead += room;
      if (cell->modes) {
        start_tree(cell, initial);
        continue;
      }
      memcpy(x, initial, n * sizeof *x);
      if (population->model->kind == HK_MODEL_LINEAR)
        cell->kernel = built->kernels[hk__population_kernel(population, i)];
      else {
        cell->threshold = cell->model->threshold(cell->param);
        cell->reach = cell->model->crossing_only && !(cell->x[0] < cell->threshold) ? INFINITY : cell->threshold;
      }
    }
  }
  return HK_OK;
}

void hk__cells_clear(struct hk__cells *cells)
{
  free(cells->cell);
  free(cells->memory);
  *cells = (struct hk__cells){.count = 0};
}

/* The cell has fallen to its threshold: from now on it is below. */
static void arm(struct hk__cell *cell)
{
  cell->x[0] = fmin(cell->x[0], nextafter(cell->threshold, -INFINITY));
  cell->reach = cell->threshold;
}

void hk__cell_follow(struct hk__cell *cell, double time)
{
  bool at_end = time == cell->ahead_time;
  hk__ahead_at(&cell->ahead, cell->model->state_count, at_end ? cell->ahead.dt : time - cell->since, cell->x);
  if (at_end && cell->ahead.crosses && !hk__cell_is_armed(cell))
    arm(cell);
}

static enum hk_status advance_nonlinear(struct hk__cells *cells, struct hk__cell *cell,
                                        const struct hk__current *current, double time)
{
  if (hk__cell_take_ahead(cell, time))
    return HK_OK;
  struct hk__motion motion = hk__cell_motion(cells, cell, current);
  return hk__integrate(&motion, cell->since, time - cell->since, &cell->pace, cell->x);
}

enum hk_status hk__cell_advance(struct hk__cells *cells, uint32_t i, const struct hk__current *current, double time)
{
  struct hk__cell *cell = &cells->cell[i];
  if (cell->kernel)
    hk__linear_advance(cell->kernel, hk__cell_is_refractory(cell), current, cell->since, time - cell->since, cell->x);
  else if (cell->modes) {
    struct hk_tree_cell tree = tree_of(cell);
    hk__modes_advance(cell->modes, &tree, hk__cell_is_refractory(cell), current, cell->since, time - cell->since,
                      cell->x);
    if (hk__cell_is_refractory(cell) && time >= cell->release)
      hk__modes_release(cell->modes, cell->x);
  } else {
    enum hk_status status = advance_nonlinear(cells, cell, current, time);
    if (status != HK_OK)
      return status;
  }
  hk__cell_arrive(cell, time);
  return HK_OK;
}

static void receive_nonlinear(struct hk__cell *cell, uint32_t port, double weight)
{
  const struct hk_model *model = cell->model;
  hk_lanes param[HK_PARAMS_MAX], x[HK_STATES_MAX], w = hk_lanes_all(weight);
  for (size_t k = 0; k < model->param_count; k++)
    param[k] = hk_lanes_all(cell->param[k]);
  for (size_t j = 0; j < model->state_count; j++)
    x[j] = hk_lanes_all(cell->x[j]);
  model->receive(param, port, &w, x);
  for (size_t j = 0; j < model->state_count; j++)
    if (!(hk__cell_is_refractory(cell) && model->states[j].flags & HK_STATE_CLAMPED))
      cell->x[j] = x[j][0];
}

void hk__cell_receive(struct hk__cells *cells, uint32_t i, uint32_t port, double weight)
{
  struct hk__cell *cell = &cells->cell[i];
  if (cell->kernel)
    hk__linear_receive(cell->kernel, hk__cell_is_refractory(cell), port, weight, cell->x);
  else if (cell->modes)
    hk__modes_receive(cell->modes, hk__cell_is_refractory(cell), port, weight, cell->x);
  else
    receive_nonlinear(cell, port, weight);
}

bool hk__cell_fires(const struct hk__cells *cells, uint32_t i, double time, bool received)
{
  const struct hk__cell *cell = &cells->cell[i];
  if (!cell->kernel && !cell->modes)
    return hk__cell_spikes(cell, time, received);
  if (hk__cell_is_refractory(cell))
    return false;
  if (!received && cell->predicted == time)
    return true;
  return cell->kernel ? hk__linear_reached(cell->kernel, cell->x)
                      : hk__modes_potential(cell->modes, false, 0, cell->x) >= tree_of(cell).threshold;
}

void hk__cell_fire(struct hk__cells *cells, uint32_t i, double time)
{
  struct hk__cell *cell = &cells->cell[i];
  if (cell->model->crossing_only) {
    cell->x[0] = fmax(cell->x[0], cell->threshold); /* a rounding error below, perhaps */
    cell->reach = INFINITY;
    return;
  }
  if (cell->modes) {
    struct hk_tree_cell tree = tree_of(cell);
    hk__modes_fire(cell->modes, &tree, cell->x);
    cell->release = tree.t_ref > 0 ? time + tree.t_ref : -INFINITY;
    return;
  }
  cell->model->reset(cell->param, cell->x);
  double t_ref = cell->kernel ? cell->kernel->system.t_ref : cell->model->refractory(cell->param);
  cell->release = t_ref > 0 ? time + t_ref : -INFINITY;
}

static enum hk_status outlook_nonlinear(struct hk__cells *cells, struct hk__cell *cell,
                                        const struct hk__current *current, double *next)
{
  if (hk__cell_begin_outlook(cell, next))
    return HK_OK;
  struct hk__motion motion = hk__cell_motion(cells, cell, current);
  double quiet = hk__quiet(&motion, cell->x);
  *next = cell->since + quiet;
  if (hk__cell_keeps_quiet(cell, quiet))
    return HK_OK;
  enum hk_status status =
      hk__look_ahead(&motion, hk__cell_search(cell), cell->threshold, cell->since, &cell->pace, cell->x, &cell->ahead);
  if (status == HK_OK)
    *next = hk__cell_foresee(cell);
  return status;
}

enum hk_status hk__cell_outlook(struct hk__cells *cells, uint32_t i, const struct hk__current *current, double *next)
{
  struct hk__cell *cell = &cells->cell[i];
  if (cell->model->kind == HK_MODEL_NONLINEAR)
    return outlook_nonlinear(cells, cell, current, next);
  cell->predicted = INFINITY;
  if (hk__cell_is_refractory(cell)) {
    *next = cell->release;
    return HK_OK;
  }
  double dt;
  bool spikes;
  if (cell->kernel)
    spikes = hk__linear_outlook(cell->kernel, current, cell->since, cell->x, INFINITY, &dt);
  else {
    struct hk_tree_cell tree = tree_of(cell);
    spikes = hk__modes_outlook(cell->modes, &tree, current, cell->since, cell->x, &dt);
  }
  *next = cell->since + dt;
  if (spikes)
    cell->predicted = *next;
  return HK_OK;
}

static enum hk_status sample_tree(const struct hk__cell *cell, const struct hk__current *current, double time,
                                  const uint32_t *variables, size_t count, double *values)
{
  double x[3 * HK_COMPARTMENTS_MAX];
  struct hk_tree_cell tree = tree_of(cell);
  memcpy(x, cell->x, hk__modes_states(cell->modes) * sizeof *x);
  hk__modes_advance(cell->modes, &tree, hk__cell_is_refractory(cell), current, cell->since, time - cell->since, x);
  for (size_t v = 0; v < count; v++)
    values[v] = hk__modes_potential(cell->modes, hk__cell_is_refractory(cell), variables[v], x);
  return HK_OK;
}

enum hk_status hk__cell_sample(const struct hk__cells *cells, uint32_t i, const struct hk__current *current,
                               double time, const uint32_t *variables, size_t count, double *values)
{
  const struct hk__cell *cell = &cells->cell[i];
  if (cell->modes)
    return sample_tree(cell, current, time, variables, count, values);
  enum hk_status status = HK_OK;
  double x[HK__STATES_ROOM], pace = cell->pace;
  memcpy(x, cell->x, cell->model->state_count * sizeof *x);
  if (cell->kernel)
    hk__linear_advance(cell->kernel, hk__cell_is_refractory(cell), current, cell->since, time - cell->since, x);
  else if (time < cell->ahead_time && cell->ahead.terms > 0)
    hk__ahead_at(&cell->ahead, cell->model->state_count, time - cell->since, x);
  else {
    struct hk__motion motion = hk__cell_motion(cells, cell, current);
    status = hk__integrate(&motion, cell->since, time - cell->since, &pace, x);
  }
  for (size_t v = 0; v < count; v++)
    values[v] = x[variables[v]];
  return status;
}
