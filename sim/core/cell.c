/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/cell.h"

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

/* A model that is not linear keeps a state ahead beside the present one. */
static size_t copies(const struct hk_model *model)
{
  return model->kind == HK_MODEL_NONLINEAR ? 2 : 1;
}

static size_t count_states(const struct hk__built *built)
{
  size_t count = 0;
  for (size_t p = 0; p < built->population_count; p++) {
    const struct hk__population *population = &built->populations[p];
    if (population->first < built->target_count)
      count += copies(population->model) * population->size * population->model->state_count;
  }
  return count;
}

static bool can_spike_above(const struct hk__cell *cell)
{
  return !cell->model->crossing_only || cell->x[0] < cell->model->threshold(cell->param);
}

enum hk_status hk__cells_init(struct hk__cells *cells, const struct hk__built *built)
{
  size_t states = count_states(built);
  *cells = (struct hk__cells){.count = built->target_count,
                              .tolerance = built->tolerance,
                              .cell = calloc(built->target_count + 1u, sizeof *cells->cell),
                              .memory = malloc((states + 1) * sizeof *cells->memory),
                              .bytes = built->target_count * sizeof *cells->cell + states * sizeof(double)};
  if (!cells->cell || !cells->memory) {
    hk__cells_clear(cells);
    return HK_ERR_MEMORY;
  }
  double *x = cells->memory;
  for (size_t p = 0; p < built->population_count; p++) {
    const struct hk__population *population = &built->populations[p];
    if (population->first >= built->target_count)
      continue;
    size_t n = population->model->state_count;
    for (uint32_t i = 0; i < population->size; i++, x += n * copies(population->model)) {
      memcpy(x, population->state + n * i, n * sizeof *x);
      struct hk__cell *cell = &cells->cell[population->first + i];
      *cell = (struct hk__cell){.release = -INFINITY,
                                .predicted = INFINITY,
                                .x = x,
                                .ahead = x + n,
                                .ahead_time = -INFINITY,
                                .pace = 1.0,
                                .param = hk__population_param(population, i),
                                .model = population->model};
      if (population->model->kind == HK_MODEL_LINEAR)
        cell->kernel = built->kernels[hk__population_kernel(population, i)];
      else
        cell->armed = can_spike_above(cell);
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

static bool is_refractory(const struct hk__cell *cell)
{
  return cell->release > -INFINITY;
}

static struct hk__motion motion_of(const struct hk__cells *cells, const struct hk__cell *cell,
                                   const struct hk__current *current)
{
  return (struct hk__motion){cell->model, cell->param, current, cells->tolerance, is_refractory(cell)};
}

/* The cell has fallen to its threshold: from now on it is below. */
static void arm(struct hk__cell *cell)
{
  double threshold = cell->model->threshold(cell->param);
  cell->x[0] = fmin(cell->x[0], nextafter(threshold, -INFINITY));
  cell->armed = true;
}

static enum hk_status advance_nonlinear(struct hk__cells *cells, struct hk__cell *cell,
                                        const struct hk__current *current, double time)
{
  bool foreseen = time == cell->ahead_time;
  cell->ahead_time = -INFINITY;
  if (foreseen) {
    memcpy(cell->x, cell->ahead, cell->model->state_count * sizeof *cell->x);
    if (cell->dips)
      arm(cell);
    return HK_OK;
  }
  struct hk__motion motion = motion_of(cells, cell, current);
  return hk__integrate(&motion, cell->since, time - cell->since, &cell->pace, cell->x);
}

enum hk_status hk__cell_advance(struct hk__cells *cells, uint32_t i, const struct hk__current *current, double time)
{
  struct hk__cell *cell = &cells->cell[i];
  if (cell->kernel)
    hk__linear_advance(cell->kernel, is_refractory(cell), current, cell->since, time - cell->since, cell->x);
  else {
    enum hk_status status = advance_nonlinear(cells, cell, current, time);
    if (status != HK_OK)
      return status;
  }
  cell->since = time;
  if (time >= cell->release)
    cell->release = -INFINITY;
  return HK_OK;
}

static void receive_nonlinear(struct hk__cell *cell, uint32_t port, double weight)
{
  double before[HK_STATES_MAX];
  const struct hk_model *model = cell->model;
  memcpy(before, cell->x, model->state_count * sizeof *before);
  model->receive(cell->param, port, weight, cell->x);
  if (is_refractory(cell))
    for (size_t j = 0; j < model->state_count; j++)
      if (model->states[j].flags & HK_STATE_CLAMPED)
        cell->x[j] = before[j];
}

void hk__cell_receive(struct hk__cells *cells, uint32_t i, uint32_t port, double weight)
{
  struct hk__cell *cell = &cells->cell[i];
  if (cell->kernel)
    hk__linear_receive(cell->kernel, is_refractory(cell), port, weight, cell->x);
  else
    receive_nonlinear(cell, port, weight);
}

static bool is_at_threshold(const struct hk__cell *cell)
{
  if (cell->kernel)
    return hk__linear_reached(cell->kernel, cell->x);
  double threshold = cell->model->threshold(cell->param);
  return cell->model->strict ? cell->x[0] > threshold : cell->x[0] >= threshold;
}

bool hk__cell_fires(const struct hk__cells *cells, uint32_t i, double time, bool received)
{
  const struct hk__cell *cell = &cells->cell[i];
  if (is_refractory(cell))
    return false;
  if (!received && cell->predicted == time)
    return true;
  return cell->armed && is_at_threshold(cell);
}

void hk__cell_fire(struct hk__cells *cells, uint32_t i, double time)
{
  struct hk__cell *cell = &cells->cell[i];
  if (cell->model->crossing_only) {
    cell->x[0] = fmax(cell->x[0], cell->model->threshold(cell->param)); /* a rounding error below, perhaps */
    cell->armed = false;
    return;
  }
  cell->model->reset(cell->param, cell->x);
  double t_ref = cell->kernel ? cell->kernel->system.t_ref : cell->model->refractory(cell->param);
  cell->release = t_ref > 0 ? time + t_ref : -INFINITY;
}

/* A cell that is not armed looks for the moment at which it falls below its threshold. */
static enum hk_status outlook_nonlinear(struct hk__cells *cells, struct hk__cell *cell,
                                        const struct hk__current *current, double *next)
{
  const struct hk_model *model = cell->model;
  double threshold = model->threshold(cell->param), dt;
  if (model->crossing_only && cell->x[0] < threshold)
    cell->armed = true;
  struct hk__motion motion = motion_of(cells, cell, current);
  memcpy(cell->ahead, cell->x, model->state_count * sizeof *cell->x);
  bool crosses;
  enum hk_status status = hk__look_ahead(&motion, cell->armed ? HK__CROSS_UP : HK__CROSS_DOWN, threshold, cell->since,
                                         &cell->pace, cell->ahead, &dt, &crosses);
  *next = cell->ahead_time = cell->since + dt;
  cell->dips = crosses && !cell->armed;
  if (crosses && cell->armed)
    cell->predicted = *next;
  return status;
}

enum hk_status hk__cell_outlook(struct hk__cells *cells, uint32_t i, const struct hk__current *current, double *next)
{
  struct hk__cell *cell = &cells->cell[i];
  cell->predicted = INFINITY;
  if (is_refractory(cell)) {
    *next = cell->release;
    return HK_OK;
  }
  if (!cell->kernel)
    return outlook_nonlinear(cells, cell, current, next);
  double dt;
  bool spikes = hk__linear_outlook(cell->kernel, current, cell->since, cell->x, INFINITY, &dt);
  *next = cell->since + dt;
  if (spikes)
    cell->predicted = *next;
  return HK_OK;
}

enum hk_status hk__cell_sample(const struct hk__cells *cells, uint32_t i, const struct hk__current *current,
                               double time, double *x)
{
  const struct hk__cell *cell = &cells->cell[i];
  memcpy(x, cell->x, cell->model->state_count * sizeof *x);
  if (!cell->kernel) {
    struct hk__motion motion = motion_of(cells, cell, current);
    double pace = cell->pace;
    return hk__integrate(&motion, cell->since, time - cell->since, &pace, x);
  }
  hk__linear_advance(cell->kernel, is_refractory(cell), current, cell->since, time - cell->since, x);
  return HK_OK;
}
