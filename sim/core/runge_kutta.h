/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single steps of the Runge-Kutta method of Dormand and Prince, order 8(5,3). */
#ifndef HK__RUNGE_KUTTA_H
#define HK__RUNGE_KUTTA_H

#include "core/dop853.h"
#include "core/stride.h"

#define hk__rk_slope HK__VARIANT(hk__rk_slope)
#define hk__rk_take HK__VARIANT(hk__rk_take)
#define hk__rk_stride HK__VARIANT(hk__rk_stride)
#define hk__rk_polynomial HK__VARIANT(hk__rk_polynomial)

struct hk__rk_step {
  hk_lanes end[HK_STATES_MAX];
  hk_lanes slope[HK__RK_ALL][HK_STATES_MAX]; /* of the stages, clamped states at rest */
  hk_lanes low, high;                        /* of state 0 over the stages and the end */
  hk_lanes error;                            /* in units of the tolerance: <= 1 is fine */
};

/* dx/dt at absolute times t, clamped states at rest. */
void hk__rk_slope(const struct hk__motions *motions, hk_lanes t, const hk_lanes *x, hk_lanes *dx);

/* Steps of length h from x at absolute times t, with their errors. */
void hk__rk_take(const struct hk__motions *motions, hk_lanes t, hk_lanes h, const hk_lanes *x,
                 struct hk__rk_step *step);

/* As hk__stride_take. */
void hk__rk_stride(const struct hk__motions *motions, struct hk__stride *stride);

/* Dense output of order 7 of one neuron that stands in all lanes: coefficients w[0 .. count) of state 0 as a polynomial
 * on [0, 1]. Returns count. */
size_t hk__rk_polynomial(const struct hk__motions *motions, double t, double h, const hk_lanes *x,
                         struct hk__rk_step *step, double *w);

#endif
