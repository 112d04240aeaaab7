/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine derives from a linear model for one set of parameters, and the exact operations on one neuron.
 *
 *   dx/dt = A x + b + drive I(t),   a spike where sense . x reaches the threshold
 *
 * Two regimes: free, and clamped (refractory), in which the rows of clamped states are zero. In each:
 *   - over a time up to `reach`, the state is a Taylor polynomial to rounding error, whatever the time constants, equal
 *     or near-equal ones included: nothing divides by a difference of time constants;
 *   - over longer times, propagators for reach * 2^k are multiplied.
 * The crossing of the threshold is found on the polynomial from the left, in steps that a bound on the curvature makes
 * safe, so none is missed. Horizons say without any polynomial that no crossing can happen for some time. */
#ifndef HK__LINEAR_H
#define HK__LINEAR_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include <hillock/model.h>
#include <hillock/status.h>

enum {
  HK__TAYLOR_MAX = 18, /* terms of a polynomial */
  HK__LEVELS = 14,     /* propagators for reach * 2^0 .. reach * 2^13 */
  HK__HORIZONS = 6     /* reach * 4^0 .. reach * 4^4, and for ever */
};

/* A polynomial step covers rate * dt <= 1/2: with 18 terms the remainder is below 1e-19 of the largest term. */
static const double hk__reach_per_rate = 0.5;

/* A sinusoidal current, pA: amplitude * sin(omega * t + phase), t in absolute time. */
struct hk__sine {
  double amplitude, omega /* 1/ms */, phase;
};

/* The current into a neuron: constant until something switches it, plus sines. */
struct hk__current {
  double constant; /* pA */
  const struct hk__sine *sines;
  size_t sine_count;
  bool noisy; /* noise switches it */
};

/* It changes all the time or every fraction of a millisecond. */
static inline bool hk__current_is_restless(const struct hk__current *current)
{
  return current->noisy || current->sine_count > 0;
}

/* How far a current can be from its constant; the current at absolute time t; whether it varies; its Taylor
 * coefficients from t on, series[0 .. count). */
static inline double hk__current_swing(const struct hk__current *current)
{
  double swing = 0;
  for (size_t i = 0; i < current->sine_count; i++)
    swing += fabs(current->sines[i].amplitude);
  return swing;
}
double hk__current_at(const struct hk__current *current, double t);
bool hk__current_varies(const struct hk__current *current);
void hk__current_series(const struct hk__current *current, double t, size_t count, double *series);

/* Over [0, length], sense . exp(A t) e_j lies in [lo[j], hi[j]]; gain bounds the effect of a current of at most 1 pA.
 */
struct hk__horizon {
  double length, gain;
  double hi[HK_STATES_MAX], lo[HK_STATES_MAX];
};

struct hk__regime {
  double A[HK_STATES_MAX][HK_STATES_MAX];
  double *propagator; /* [HK__LEVELS][n][n]: exp(A reach 2^k), less 1 on the diagonal where `kept` is 1 */
  double *kept;       /* [HK__LEVELS][n]: 1 where a state stays nearly what it is, so that how little it loses keeps its
                         digits; else 0 */
  double *integral;   /* [HK__LEVELS][n][n]: of exp(A t) over [0, reach 2^k] */
};

/* What follows from how states act on each other, on the spike and under a current alone: neurons that differ only in
 * where they rest, when they spike and how events reach them share it. */
struct hk__dynamics {
  struct hk__dynamics_key {
    size_t n, clamped_states;
    double A[HK_STATES_MAX][HK_STATES_MAX], sense[HK_STATES_MAX], drive[HK_STATES_MAX];
  } key;
  size_t users; /* kernels */
  double rate;  /* the fastest rate of the system, 1/ms */
  double reach; /* ms */
  struct hk__regime free, clamped;
  bool has_horizons;
  struct hk__horizon horizon[HK__HORIZONS];
  double *memory; /* owned: the arrays of both regimes */
};

struct hk__kernel {
  const struct hk_model *model;
  size_t n;
  struct hk_linear system;
  struct hk__dynamics *dynamics;
  unsigned clamped_states; /* bit j: state j is clamped while refractory */
  double rate, reach;      /* of the dynamics */
  bool stable;             /* there is a resting state, and horizons hold */
  double rest[HK_STATES_MAX], rest_per_current[HK_STATES_MAX];
};

/* The dynamics of the kernels that are being made, so that equal ones are made once. Empty at first: {NULL}. */
struct hk__dynamics_set {
  void *root;
};

/* Forgets what is in the set; the kernels keep theirs. */
void hk__dynamics_set_clear(struct hk__dynamics_set *set);

/* Derives a kernel from the model's parameters; set: NULL if it shares with no other. Errors: HK_ERR_MEMORY;
 * HK_ERR_NUMERIC if the system or what is derived from it has entries that are not finite. */
enum hk_status hk__kernel_create(const struct hk_model *model, const double *param, struct hk__dynamics_set *set,
                                 struct hk__kernel **out);
void hk__kernel_destroy(struct hk__kernel *kernel); /* NULL is fine; not by two threads at a time */

/* exp(A dt) and its integral over [0, dt], dt of either sign, for the free or clamped regime; each n x n, row-major. */
void hk__kernel_propagator(const struct hk__kernel *kernel, bool clamped, double dt, double *propagator,
                           double *integral);

/* Advances x by dt >= 0 from absolute time t. */
void hk__linear_advance(const struct hk__kernel *kernel, bool clamped, const struct hk__current *current, double t,
                        double dt, double *x);

/* sense . x */
static inline double hk__linear_sense(const struct hk__kernel *kernel, const double *x)
{
  double v = 0;
  for (size_t j = 0; j < kernel->n; j++)
    v += kernel->system.sense[j] * x[j];
  return v;
}

/* Whether x is at the threshold. */
static inline bool hk__linear_reached(const struct hk__kernel *kernel, const double *x)
{
  double v = hk__linear_sense(kernel, x);
  return kernel->model->strict ? v > kernel->system.threshold : v >= kernel->system.threshold;
}

/* How long a free neuron in state x, not at threshold, stays below it if nothing arrives.
 * Returns true and the delay until the spike in *dt, or false and in *dt a time before which no spike can happen
 * (INFINITY: never), at most or a little over dt_max. */
bool hk__linear_outlook(const struct hk__kernel *kernel, const struct hk__current *current, double t, const double *x,
                        double dt_max, double *dt);

/* The course of a free neuron from now on if nothing arrives: Taylor terms, in which the time is in units of span. */
struct hk__course {
  const struct hk__kernel *kernel;
  double span; /* ms */
  size_t count;
  double term[HK__TAYLOR_MAX][HK_STATES_MAX];
};

/* The course from x at absolute time t on, over a span > 0 within the kernel's reach. */
void hk__linear_follow(const struct hk__kernel *kernel, const struct hk__current *current, double t, const double *x,
                       double span, struct hk__course *course);

/* The state at its end; after dt <= span. */
void hk__course_end(const struct hk__course *course, double *x);
void hk__course_at(const struct hk__course *course, double dt, double *x);

/* The first time in [0, span] at which it reaches its threshold; false if there is none. A neuron already at threshold
 * reaches it at 0. */
bool hk__course_first(const struct hk__course *course, double *dt);

/* How far one polynomial carries under this current, ms. */
double hk__linear_reach(const struct hk__kernel *kernel, const struct hk__current *current);

/* An event of weight w at a port. While refractory, clamped states do not take part. */
static inline void hk__linear_receive(const struct hk__kernel *kernel, bool clamped, size_t port, double weight,
                                      double *x)
{
  const double *jump = kernel->system.jump[port];
  for (size_t j = 0; j < kernel->n; j++)
    if (!clamped || !(kernel->clamped_states >> j & 1u))
      x[j] += weight * jump[j];
}

#endif
