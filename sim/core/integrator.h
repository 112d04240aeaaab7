/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Integration of models without a closed solution: one neuron, adaptive steps of high order.
 *
 * A model that gives the Taylor series of its solution is advanced by it: as many terms as the step needs, and a step
 * that is as long as the series converges fast. One that gives only its derivative is advanced by the Runge-Kutta
 * method of Dormand and Prince of order 8(5,3). Either way a step is a polynomial in time on which the first crossing
 * of a level is found from the left, so that none is missed; a crossing found on the Runge-Kutta method's dense output,
 * which is less exact than the step itself, is then refined by steps that end at it.
 *
 * The error of a step is kept below `tolerance` times the magnitude of each state in it. */
#ifndef HK__INTEGRATOR_H
#define HK__INTEGRATOR_H

#include <stdbool.h>

#include <hillock/model.h>
#include <hillock/status.h>

#include "core/linear.h"

struct hk__motion {
  const struct hk_model *model; /* nonlinear */
  const double *param;
  const struct hk__current *current;
  double tolerance;
  bool clamped;
};

/* Advances x by dt >= 0 from absolute time t. *pace, > 0, is the length of step that the last call found right; it is
 * kept up to date. Error: HK_ERR_NUMERIC if the state runs out of bounds. */
enum hk_status hk__integrate(const struct hk__motion *motion, double t, double dt, double *pace, double *x);

enum hk__crossing { HK__CROSS_NONE, HK__CROSS_UP, HK__CROSS_DOWN };

/* Looks ahead from x at absolute time t for as long as one step carries: *dt is that time or, if state 0 crosses the
 * level in it, the time of the first crossing. search: HK__CROSS_UP if state 0 is below the level and is to be caught
 * when it reaches it, HK__CROSS_DOWN if it is above and is to be caught when it falls below. x is advanced by *dt. */
enum hk_status hk__look_ahead(const struct hk__motion *motion, enum hk__crossing search, double level, double t,
                              double *pace, double *x, double *dt, bool *crosses);

/* dx/dt of a nonlinear model, whichever way the model gives it. */
void hk__slope(const struct hk_model *model, const double *param, const double *x, double current, bool clamped,
               double *dx);

#endif
