/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Neurons taken one at a time: what the careful ways of the schedulers do to a single neuron.
 *
 * A cell's state x stands at time `since`. While a cell is refractory its `release` is the end of that period, else
 * -INFINITY. `predicted` is the time of the spike that the last outlook found, or INFINITY.
 *
 * For a model that is not linear an outlook may be a step of the integrator: `ahead` is then the cell's course until
 * `ahead_time`, to be followed if nothing arrives before and, where it is a series, also if something does. A model
 * that spikes without a reset can do so only from below its threshold: above, its `reach` is INFINITY. */
#ifndef HK__CELL_H
#define HK__CELL_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/built.h"
#include "core/integrator.h"

struct hk__cell {
  _Alignas(64) double since; /* the first cache line holds what a step needs: two rows of four, see rounds.c */
  double release, predicted;
  double pace;       /* ms: the integrator's length of step */
  double threshold;  /* models that are neither linear nor trees: of state 0 */
  double reach;      /* where it spikes: at its threshold, or never until it has been below it */
  double ahead_time; /* -INFINITY: there is none */
  double *x;
  const double *param;
  const struct hk_model *model;
  struct hk__ahead ahead;
  const struct hk__kernel *kernel; /* linear models */
  const struct hk__modes *modes;   /* trees */
};

_Static_assert(sizeof(struct hk__cell) == 128, "a cell fills two cache lines");

struct hk__cells {
  struct hk__cell *cell; /* engine order, targets only */
  uint32_t count;
  double *memory; /* all states, then what is ahead */
  double tolerance;
  uint64_t bytes;
};

enum hk_status hk__cells_init(struct hk__cells *cells, const struct hk__built *built);
void hk__cells_clear(struct hk__cells *cells);

/* Advances a cell to `time`, which is not beyond its spike or release; at its release it becomes free. */
enum hk_status hk__cell_advance(struct hk__cells *cells, uint32_t i, const struct hk__current *current, double time);

/* An event at the cell's present time. */
void hk__cell_receive(struct hk__cells *cells, uint32_t i, uint32_t port, double weight);

/* Whether the cell, standing at `time`, fires now. received: events have arrived at this moment, so that its threshold
 * is tested anew; otherwise a predicted spike happens as predicted. */
bool hk__cell_fires(const struct hk__cells *cells, uint32_t i, double time, bool received);

/* Resets the cell after a spike. */
void hk__cell_fire(struct hk__cells *cells, uint32_t i, double time);

/* When the cell needs attention if nothing arrives: its spike, its release, or a time before which it surely does not
 * spike; INFINITY for never. */
enum hk_status hk__cell_outlook(struct hk__cells *cells, uint32_t i, const struct hk__current *current, double *next);

static inline bool hk__cell_is_refractory(const struct hk__cell *cell)
{
  return cell->release > -INFINITY;
}

/* --- the steps of the above for a model that is not linear, whose integration is the caller's --- */

/* The state at `time` is what lies ahead: takes it. */
void hk__cell_follow(struct hk__cell *cell, double time);

/* Takes the state at `time` from what is ahead if that holds it; forgets what is ahead. */
static inline bool hk__cell_take_ahead(struct hk__cell *cell, double time)
{
  bool foreseen = time == cell->ahead_time || (time < cell->ahead_time && cell->ahead.terms > 0);
  if (foreseen)
    hk__cell_follow(cell, time);
  cell->ahead_time = -INFINITY;
  return foreseen;
}

/* The cell has been advanced to `time`. */
static inline void hk__cell_arrive(struct hk__cell *cell, double time)
{
  cell->since = time;
  if (time >= cell->release)
    cell->release = -INFINITY;
}

/* Begins an outlook. True: the cell is refractory, and it is over. */
static inline bool hk__cell_begin_outlook(struct hk__cell *cell, double *next)
{
  cell->predicted = INFINITY;
  *next = cell->release;
  if (cell->release > -INFINITY)
    return true;
  if (cell->x[0] < cell->threshold)
    cell->reach = cell->threshold;
  return false;
}

/* Whether a quiet time, by the model's bound, serves as outlook: one of at least this part of a step saves looking
 * ahead, which costs a step. One that does not move the time on would be asked for again and again. */
static inline bool hk__cell_keeps_quiet(const struct hk__cell *cell, double quiet)
{
  return quiet > 0.1 * cell->pace && hk__moves_on(cell->since, quiet);
}

/* Whether it can spike as it is. */
static inline bool hk__cell_is_armed(const struct hk__cell *cell)
{
  return cell->reach < INFINITY;
}

/* What to look for when looking ahead: a cell that is not armed falls below its threshold first. */
static inline enum hk__crossing hk__cell_search(const struct hk__cell *cell)
{
  return hk__cell_is_armed(cell) ? HK__CROSS_UP : HK__CROSS_DOWN;
}

/* `ahead` has been found. Returns when it ends. */
static inline double hk__cell_foresee(struct hk__cell *cell)
{
  cell->ahead_time = cell->since + cell->ahead.dt;
  if (cell->ahead.crosses && hk__cell_is_armed(cell))
    cell->predicted = cell->ahead_time;
  return cell->ahead_time;
}

static inline struct hk__motion hk__cell_motion(const struct hk__cells *cells, const struct hk__cell *cell,
                                                const struct hk__current *current)
{
  return (struct hk__motion){cell->model, cell->param, current, cells->tolerance, hk__cell_is_refractory(cell)};
}

/* As hk__cell_fires. */
static inline bool hk__cell_spikes(const struct hk__cell *cell, double time, bool received)
{
  if (hk__cell_is_refractory(cell))
    return false;
  if (!received && cell->predicted == time)
    return true;
  return cell->model->strict ? cell->x[0] > cell->reach : cell->x[0] >= cell->reach;
}

/* Some of the model's states at `time` >= since, without changing the cell. Nothing happens to the cell in between. */
enum hk_status hk__cell_sample(const struct hk__cells *cells, uint32_t i, const struct hk__current *current,
                               double time, const uint32_t *variables, size_t count, double *values);

#endif
