/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Integration of models without a closed solution: adaptive steps of high order, of several neurons at once.
 *
 * A model that gives the Taylor series of its solution is advanced by it: as many terms as the step needs, and a step
 * that is as long as the series converges fast. One that gives only its derivative is advanced by the Runge-Kutta
 * method of Dormand and Prince of order 8(5,3). Either way a step is a polynomial in time on which the first crossing
 * of a level is found from the left, so that none is missed; a crossing found on the Runge-Kutta method's dense output,
 * which is less exact than the step itself, is then refined by steps that end at it. The error of a step is kept below
 * `tolerance` times the magnitude of each state in it.
 *
 * A model that leaps does so wherever nobody looks for a crossing on the way, whatever the tolerance, but for neurons
 * under sines or noise and where leaps would be very short.
 *
 * Lanes know nothing of each other: a neuron has the same bits in any company, and alone. */
#ifndef HK__INTEGRATOR_H
#define HK__INTEGRATOR_H

#include <stdbool.h>
#include <stdint.h>

#include <hillock/model.h>
#include <hillock/status.h>

#include "core/lane_rows.h"
#include "core/linear.h"

/* A neuron. */
struct hk__motion {
  const struct hk_model *model; /* nonlinear */
  const double *param;
  const struct hk__current *current;
  double tolerance;
  bool clamped;
};

/* What a look ahead finds: the state's course until a time dt from now, as far as the step carries or to the first
 * crossing. The course is the series x[k * hk__states_room(states) + j] in the time over `span`, or where there is none
 * the state x[j] at dt alone. */
struct hk__ahead {
  double dt, span;
  double *x;      /* room for HK__AHEAD_TERMS states if `series` is set, else for one */
  uint32_t terms; /* 0: no series */
  bool series;    /* whether one is wanted; a model that has none gives none */
  bool crosses;
};

enum { HK__SERIES_LAST = 20, HK__AHEAD_TERMS = HK__SERIES_LAST + 1 };

/* The state at dt from when `ahead` was found. */
void hk__ahead_at(const struct hk__ahead *ahead, size_t states, double dt, double *x);

/* A pace below this means that the state has run out of bounds. */
static const double hk__shortest_pace = 1e-300;

enum hk__crossing { HK__CROSS_NONE, HK__CROSS_UP, HK__CROSS_DOWN };

/* Advances the state of one neuron by dt >= 0 from absolute time t. *pace, > 0, is the length of step that the last
 * call found right; it is kept up to date. Error: HK_ERR_NUMERIC if the state runs out of bounds. */
enum hk_status hk__integrate(const struct hk__motion *motion, double t, double dt, double *pace, double *x);

/* Looks ahead from x at absolute time t for as long as one step carries, which moves the time on however late it is. */
enum hk_status hk__look_ahead(const struct hk__motion *motion, enum hk__crossing search, double level, double t,
                              double *pace, const double *x, struct hk__ahead *ahead);

/* A time before which a free neuron surely does not spike if nothing arrives, by its model's bound. */
double hk__quiet(const struct hk__motion *motion, const double *x);

/* Whether a step of length dt from absolute time t can be told from none. */
static inline bool hk__moves_on(double t, double dt)
{
  return dt > 0x1p-50 * fmax(t, 1.0);
}

/* dx/dt of a nonlinear model, whichever way the model gives it. */
void hk__slope(const struct hk_model *model, const double *param, const double *x, double current, bool clamped,
               double *dx);

#endif
