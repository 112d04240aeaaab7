/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single steps of the Runge-Kutta method of Dormand and Prince, order 8(5,3). */
#ifndef HK__RUNGE_KUTTA_H
#define HK__RUNGE_KUTTA_H

#include "core/dop853.h"
#include "core/integrator.h"

struct hk__rk_step {
  double end[HK_STATES_MAX];
  double slope[HK__RK_ALL][HK_STATES_MAX]; /* of the stages, clamped states at rest */
  double low, high;                        /* of state 0 over the stages and the end */
  double error;                            /* in units of the tolerance: <= 1 is fine */
};

/* A step of length h from x at absolute time t, with its error. */
void hk__rk_take(const struct hk__motion *motion, double t, double h, const double *x, struct hk__rk_step *step);

/* A step of at most `most` whose error is fine; *pace is the length to try and is adapted. Returns the length; 0 if
 * there is none. */
double hk__rk_adapt(const struct hk__motion *motion, double t, double most, double *pace, const double *x,
                    struct hk__rk_step *step);

/* Whether state 0 comes anywhere near the level within the step: its range over the stages, widened by itself. */
static inline bool hk__rk_may_cross(const struct hk__rk_step *step, double level)
{
  double range = step->high - step->low;
  return level <= step->high + range && level >= step->low - range;
}

/* Dense output of order 7: coefficients w[0 .. count) of state 0 as a polynomial on [0, 1]. Returns count. */
size_t hk__rk_polynomial(const struct hk__motion *motion, double t, double h, const double *x, struct hk__rk_step *step,
                         double *w);

#endif
