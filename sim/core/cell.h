/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Neurons taken one at a time: what the careful ways of the schedulers do to a single neuron.
 *
 * A cell's state x stands at time `since`. While a cell is refractory its `release` is the end of that period, else
 * -INFINITY. `predicted` is the time of the spike that the last outlook found, or INFINITY.
 *
 * For a model that is not linear an outlook is a step of the integrator: `ahead` is then the state at `ahead_time`, to
 * be taken as it is if nothing arrives before. A model that spikes without a reset is `armed` while it is below its
 * threshold: only then can it spike. */
#ifndef HK__CELL_H
#define HK__CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/built.h"

struct hk__cell {
  double since, release, predicted;
  double *x;
  const double *param;
  const struct hk_model *model;
  const struct hk__kernel *kernel; /* linear models */
  const struct hk__modes *modes;   /* trees */
  double *ahead;                   /* the others: as many as states */
  double ahead_time;               /* -INFINITY: there is none */
  double pace;                     /* ms: the integrator's length of step */
  bool armed, dips;                /* dips: it falls below its threshold at ahead_time */
};

struct hk__cells {
  struct hk__cell *cell; /* engine order, targets only */
  uint32_t count;
  double *memory; /* all states */
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

/* Some of the model's states at `time` >= since, without changing the cell. Nothing happens to the cell in between. */
enum hk_status hk__cell_sample(const struct hk__cells *cells, uint32_t i, const struct hk__current *current,
                               double time, const uint32_t *variables, size_t count, double *values);

#endif
