/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/polynomial.h"

/* Terms that a step of rate * dt needs for a remainder below 1e-19. */
static size_t taylor_terms(double x)
{
  if (x <= 0x1p-10)
    return 6;
  if (x <= 0x1p-6)
    return 8;
  if (x <= 0x1p-4)
    return 11;
  if (x <= 0x1p-2)
    return 15;
  return HK__TAYLOR_MAX;
}

/* --- one neuron --- */

void hk__current_series(const struct hk__current *current, double t, size_t count, double *series)
{
  memset(series, 0, count * sizeof *series);
  series[0] = current->constant;
  for (size_t i = 0; i < current->sine_count; i++) {
    const struct hk__sine *s = &current->sines[i];
    if (s->amplitude == 0)
      continue;
    double angle = fma(s->omega, t, s->phase);
    double even = s->amplitude * sin(angle), odd = s->amplitude * s->omega * cos(angle);
    for (size_t k = 0; k < count; k += 2) {
      series[k] += even;
      if (k + 1 < count)
        series[k + 1] += odd;
      even *= -s->omega * s->omega / (double)((k + 1) * (k + 2));
      odd *= -s->omega * s->omega / (double)((k + 2) * (k + 3));
    }
  }
}

bool hk__current_varies(const struct hk__current *current)
{
  for (size_t i = 0; i < current->sine_count; i++)
    if (current->sines[i].amplitude != 0)
      return true;
  return false;
}

double hk__current_at(const struct hk__current *current, double t)
{
  double sum = current->constant;
  for (size_t i = 0; i < current->sine_count; i++)
    if (current->sines[i].amplitude != 0)
      sum += current->sines[i].amplitude * sin(fma(current->sines[i].omega, t, current->sines[i].phase));
  return sum;
}

double hk__linear_reach(const struct hk__kernel *kernel, const struct hk__current *current)
{
  double rate = kernel->rate;
  for (size_t i = 0; i < current->sine_count; i++)
    if (current->sines[i].amplitude != 0)
      rate = fmax(rate, fabs(current->sines[i].omega));
  return hk__reach_per_rate / fmax(rate, 1e-9);
}

/* Term k of the state, from that before; `force`: what drives it. n is a constant where it is a usual one, so that the
 * sums become straight code. */
static inline __attribute__((always_inline)) void next_term(const struct hk__regime *regime, const size_t n,
                                                            double factor, const double *force, const double *before,
                                                            double *term)
{
  for (size_t i = 0; i < n; i++) {
    double sum = 0;
    for (size_t j = 0; j < n; j++)
      sum = fma(regime->A[i][j], before[j], sum);
    term[i] = (force ? sum + force[i] : sum) * factor;
  }
}

/* What drives term k, where the current's is `drive`. */
static void force_of(const struct hk__kernel *kernel, bool clamped, double drive, size_t k, double *force)
{
  for (size_t i = 0; i < kernel->n; i++) {
    bool still = clamped && kernel->clamped_states >> i & 1u;
    force[i] = still ? 0 : kernel->system.drive[i] * drive + (k == 1 ? kernel->system.b[i] : 0);
  }
}

static inline __attribute__((always_inline)) size_t expand(const struct hk__kernel *kernel, const size_t n,
                                                           bool clamped, const struct hk__current *current, double t,
                                                           double dt, const double *x, double term[][HK_STATES_MAX])
{
  const struct hk__regime *regime = clamped ? &kernel->dynamics->clamped : &kernel->dynamics->free;
  const bool sines = hk__current_varies(current);
  const size_t count = sines ? HK__TAYLOR_MAX : taylor_terms(kernel->rate * dt);
  double series[HK__TAYLOR_MAX], force[HK_STATES_MAX], power = dt; /* dt^(k-1) */
  if (sines)
    hk__current_series(current, t, count, series);
  memcpy(term[0], x, n * sizeof *x);
  force_of(kernel, clamped, sines ? series[0] : current->constant, 1, force);
  next_term(regime, n, dt, force, term[0], term[1]);
  for (size_t k = 2; k < count; k++, power *= dt) {
    if (sines)
      force_of(kernel, clamped, series[k - 1] * power, k, force);
    next_term(regime, n, dt / (double)k, sines ? force : NULL, term[k - 1], term[k]);
  }
  return count;
}

/* Taylor terms of the state over dt: term[k][j] dt^k folded in, so that the sum over k is the state at dt. Returns how
 * many, at least two. */
static size_t state_series(const struct hk__kernel *kernel, bool clamped, const struct hk__current *current, double t,
                           double dt, const double *x, double term[][HK_STATES_MAX])
{
  switch (kernel->n) {
  case 1:
    return expand(kernel, 1, clamped, current, t, dt, x, term);
  case 3:
    return expand(kernel, 3, clamped, current, t, dt, x, term);
  case 5:
    return expand(kernel, 5, clamped, current, t, dt, x, term);
  default:
    return expand(kernel, kernel->n, clamped, current, t, dt, x, term);
  }
}

/* Sums a series, of rows of HK_STATES_MAX. */
static void sum_series(size_t n, size_t count, const double *term, double *x)
{
  for (size_t j = 0; j < n; j++) {
    double sum = 0;
    for (size_t k = count; k-- > 0;)
      sum += term[k * HK_STATES_MAX + j];
    x[j] = sum;
  }
}

static void advance_short(const struct hk__kernel *kernel, bool clamped, const struct hk__current *current, double t,
                          double dt, double *x)
{
  double term[HK__TAYLOR_MAX][HK_STATES_MAX];
  size_t count = state_series(kernel, clamped, current, t, dt, x, term);
  sum_series(kernel->n, count, term[0], x);
}

/* Whole multiples of reach, by the propagators of its powers of two, under a constant current. */
static void advance_long(const struct hk__kernel *kernel, bool clamped, double constant, double steps, double *x)
{
  size_t n = kernel->n;
  const struct hk__regime *regime = clamped ? &kernel->dynamics->clamped : &kernel->dynamics->free;
  double force[HK_STATES_MAX];
  for (size_t i = 0; i < n; i++)
    force[i] =
        clamped && kernel->clamped_states >> i & 1u ? 0 : kernel->system.b[i] + kernel->system.drive[i] * constant;
  for (size_t level = HK__LEVELS; level-- > 0;) {
    double size = (double)(1u << level);
    const double *P = regime->propagator + level * n * n, *Q = regime->integral + level * n * n;
    const double *kept = regime->kept + level * n;
    for (; steps >= size; steps -= size) {
      double next[HK_STATES_MAX];
      for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t j = 0; j < n; j++)
          sum = fma(P[i * n + j], x[j], fma(Q[i * n + j], force[j], sum));
        next[i] = fma(kept[i], x[i], sum);
      }
      memcpy(x, next, n * sizeof *x);
    }
  }
}

void hk__linear_advance(const struct hk__kernel *kernel, bool clamped, const struct hk__current *current, double t,
                        double dt, double *x)
{
  if (dt <= 0)
    return;
  if (hk__current_varies(current)) {
    double reach = hk__linear_reach(kernel, current);
    for (; dt > reach; dt -= reach, t += reach)
      advance_short(kernel, clamped, current, t, reach, x);
  } else if (dt > kernel->reach) {
    double steps = floor(dt / kernel->reach);
    advance_long(kernel, clamped, current->constant, steps, x);
    dt = fmax(0, fma(-steps, kernel->reach, dt));
  }
  advance_short(kernel, clamped, current, t, dt, x);
}

/* The longest horizon over which the bound stays below threshold; 0 if there is none. */
static double quiet_time(const struct hk__kernel *kernel, const struct hk__current *current, const double *x)
{
  if (!kernel->stable)
    return 0;
  double away[HK_STATES_MAX], base = 0, swing = 0;
  for (size_t j = 0; j < kernel->n; j++) {
    double rest = fma(kernel->rest_per_current[j], current->constant, kernel->rest[j]);
    base += kernel->system.sense[j] * rest;
    away[j] = x[j] - rest;
  }
  for (size_t i = 0; i < current->sine_count; i++)
    swing += fabs(current->sines[i].amplitude);
  double margin = 1e-12 * (fabs(base) + fabs(kernel->system.threshold) + 1e-3);
  for (size_t h = HK__HORIZONS; h-- > 0;) {
    const struct hk__horizon *horizon = &kernel->dynamics->horizon[h];
    double bound = base + margin + swing * horizon->gain;
    for (size_t j = 0; j < kernel->n; j++)
      bound += away[j] * (away[j] > 0 ? horizon->hi[j] : horizon->lo[j]);
    if (bound < kernel->system.threshold)
      return horizon->length;
  }
  return 0;
}

void hk__linear_follow(const struct hk__kernel *kernel, const struct hk__current *current, double t, const double *x,
                       double span, struct hk__course *course)
{
  course->kernel = kernel;
  course->span = span;
  course->count = state_series(kernel, false, current, t, span, x, course->term);
}

void hk__course_end(const struct hk__course *course, double *x)
{
  sum_series(course->kernel->n, course->count, course->term[0], x);
}

void hk__course_at(const struct hk__course *course, double dt, double *x)
{
  const double s = dt / course->span;
  for (size_t j = 0; j < course->kernel->n; j++) {
    double sum = 0;
    for (size_t k = course->count; k-- > 0;)
      sum = fma(sum, s, course->term[k][j]);
    x[j] = sum;
  }
}

_Static_assert((int)HK__TAYLOR_MAX <= (int)HK__POLYNOMIAL_TERMS, "a course is a polynomial");

bool hk__course_first(const struct hk__course *course, double *dt)
{
  const struct hk__kernel *kernel = course->kernel;
  double w[HK__TAYLOR_MAX] = {hk__linear_sense(kernel, course->term[0])}, s;
  for (size_t k = 1; k < course->count; k++)
    w[k] = hk__linear_sense(kernel, course->term[k]);
  if (!hk__polynomial_first(w, course->count, kernel->system.threshold, kernel->model->strict, &s))
    return false;
  *dt = s * course->span;
  return true;
}

bool hk__linear_outlook(const struct hk__kernel *kernel, const struct hk__current *current, double t, const double *x,
                        double dt_max, double *dt)
{
  double reach = hk__linear_reach(kernel, current);
  double quiet = quiet_time(kernel, current, x);
  if (quiet >= reach) {
    *dt = quiet;
    return false;
  }
  double span = fmin(reach, dt_max);
  struct hk__course course;
  hk__linear_follow(kernel, current, t, x, span, &course);
  if (hk__course_first(&course, dt))
    return true;
  *dt = span;
  return false;
}
