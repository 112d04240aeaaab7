/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/cell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

uint32_t hk__built_population_of(const struct hk__built *built, uint32_t neuron)
{
  for (uint32_t p = 0; p < built->population_count; p++)
    if (neuron - built->populations[p].first < built->populations[p].size)
      return p;
  return UINT32_MAX;
}

static size_t count_states(const struct hk__built *built)
{
  size_t count = 0;
  for (size_t p = 0; p < built->population_count; p++)
    if (built->populations[p].first < built->target_count)
      count += (size_t)built->populations[p].size * built->populations[p].model->state_count;
  return count;
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
    memcpy(x, population->state, n * population->size * sizeof *x);
    for (uint32_t i = 0; i < population->size; i++, x += n) {
      struct hk__cell *cell = &cells->cell[population->first + i];
      *cell = (struct hk__cell){.release = -INFINITY,
                                .predicted = INFINITY,
                                .x = x,
                                .param = hk__population_param(population, i),
                                .model = population->model};
      if (population->model->kind == HK_MODEL_LINEAR)
        cell->kernel = built->kernels[hk__population_kernel(population, i)];
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

enum hk_status hk__cell_advance(struct hk__cells *cells, uint32_t i, const struct hk__current *current, double time)
{
  struct hk__cell *cell = &cells->cell[i];
  hk__linear_advance(cell->kernel, is_refractory(cell), current, cell->since, time - cell->since, cell->x);
  cell->since = time;
  if (time >= cell->release)
    cell->release = -INFINITY;
  return HK_OK;
}

void hk__cell_receive(struct hk__cells *cells, uint32_t i, uint32_t port, double weight)
{
  struct hk__cell *cell = &cells->cell[i];
  hk__linear_receive(cell->kernel, is_refractory(cell), port, weight, cell->x);
}

bool hk__cell_fires(const struct hk__cells *cells, uint32_t i, double time, bool received)
{
  const struct hk__cell *cell = &cells->cell[i];
  if (is_refractory(cell))
    return false;
  if (!received && cell->predicted == time)
    return true;
  return hk__linear_reached(cell->kernel, cell->x);
}

void hk__cell_fire(struct hk__cells *cells, uint32_t i, double time)
{
  struct hk__cell *cell = &cells->cell[i];
  cell->model->reset(cell->param, cell->x);
  double t_ref = cell->kernel->system.t_ref;
  cell->release = t_ref > 0 ? time + t_ref : -INFINITY;
}

enum hk_status hk__cell_outlook(struct hk__cells *cells, uint32_t i, const struct hk__current *current, double *next)
{
  struct hk__cell *cell = &cells->cell[i];
  cell->predicted = INFINITY;
  if (is_refractory(cell)) {
    *next = cell->release;
    return HK_OK;
  }
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
  hk__linear_advance(cell->kernel, is_refractory(cell), current, cell->since, time - cell->since, x);
  return HK_OK;
}
