/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/polynomial.h"

/* A polynomial step covers rate * dt <= 1/2: with 18 terms the remainder is below 1e-19 of the largest term. */
static const double reach_per_rate = 0.5;

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

/* --- deriving a kernel --- */

/* Whether some state can be reached from itself through others. If not, A is triangular in some order and its rates
 * are on the diagonal. */
static bool has_cycle(size_t n, double A[][HK_STATES_MAX])
{
  bool reach[HK_STATES_MAX][HK_STATES_MAX] = {{false}};
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      reach[i][j] = i != j && A[i][j] != 0;
  for (size_t k = 0; k < n; k++)
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < n; j++)
        reach[i][j] |= reach[i][k] && reach[k][j];
  for (size_t i = 0; i < n; i++)
    if (reach[i][i])
      return true;
  return false;
}

static double fastest_rate(size_t n, double A[][HK_STATES_MAX])
{
  bool cycle = has_cycle(n, A);
  double rate = 0;
  for (size_t i = 0; i < n; i++) {
    double row = 0;
    for (size_t j = 0; j < n; j++)
      row += i == j || cycle ? fabs(A[i][j]) : 0;
    rate = fmax(rate, row);
  }
  return rate;
}

static void multiply(size_t n, const long double *a, const long double *b, long double *out)
{
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      long double sum = 0;
      for (size_t k = 0; k < n; k++)
        sum += a[i * n + k] * b[k * n + j];
      out[i * n + j] = sum;
    }
}

typedef long double matrix[HK_STATES_MAX * HK_STATES_MAX];

/* Taylor series of exp(A dt) and of its integral, for rate * dt <= 1/2. */
static void short_propagator(size_t n, const double A[][HK_STATES_MAX], long double dt, long double *P, long double *Q)
{
  matrix step, term, next;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      step[i * n + j] = (long double)A[i][j] * dt;
      term[i * n + j] = P[i * n + j] = i == j;
      Q[i * n + j] = i == j ? dt : 0;
    }
  for (int k = 1; k < HK__TAYLOR_MAX + 6; k++) {
    multiply(n, step, term, next);
    for (size_t i = 0; i < n * n; i++) {
      term[i] = next[i] / k;
      P[i] += term[i];
      Q[i] += term[i] * dt / (k + 1);
    }
  }
}

/* From a propagator over dt to that over 2 dt. */
static void double_propagator(size_t n, long double *P, long double *Q)
{
  matrix square;
  multiply(n, P, Q, square);
  for (size_t i = 0; i < n * n; i++)
    Q[i] += square[i];
  multiply(n, P, P, square);
  memcpy(P, square, n * n * sizeof *P);
}

static void derive_levels(const struct hk__kernel *kernel, struct hk__regime *regime)
{
  size_t n = kernel->n;
  matrix P, Q;
  short_propagator(n, (const double(*)[HK_STATES_MAX])regime->A, kernel->reach, P, Q);
  for (size_t level = 0; level < HK__LEVELS; level++) {
    for (size_t i = 0; i < n * n; i++) {
      regime->propagator[level * n * n + i] = (double)P[i];
      regime->integral[level * n * n + i] = (double)Q[i];
    }
    double_propagator(n, P, Q);
  }
}

/* Solves A y = -right by elimination with pivots; false if A is singular. */
static bool solve_rest(const struct hk__kernel *kernel, const double *right, double *y)
{
  size_t n = kernel->n;
  long double m[HK_STATES_MAX][HK_STATES_MAX + 1];
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++)
      m[i][j] = kernel->system.A[i][j];
    m[i][n] = -(long double)right[i];
  }
  for (size_t c = 0; c < n; c++) {
    size_t pivot = c;
    for (size_t i = c + 1; i < n; i++)
      if (fabsl(m[i][c]) > fabsl(m[pivot][c]))
        pivot = i;
    if (m[pivot][c] == 0)
      return false;
    for (size_t j = 0; j <= n; j++) {
      long double swap = m[c][j];
      m[c][j] = m[pivot][j];
      m[pivot][j] = swap;
    }
    for (size_t i = 0; i < n; i++)
      if (i != c) {
        long double factor = m[i][c] / m[c][c];
        for (size_t j = c; j <= n; j++)
          m[i][j] -= factor * m[c][j];
      }
  }
  for (size_t i = 0; i < n; i++)
    y[i] = (double)(m[i][n] / m[i][i]);
  return true;
}

/* sense . exp(A t) e_j for all j, and with A^2 in front for the curvature. */
static void responses(const struct hk__kernel *kernel, const long double *P, double *value, double *curvature)
{
  size_t n = kernel->n;
  double row[HK_STATES_MAX], twice[HK_STATES_MAX];
  for (size_t j = 0; j < n; j++) {
    long double sum = 0;
    for (size_t i = 0; i < n; i++)
      sum += (long double)kernel->system.sense[i] * P[i * n + j];
    value[j] = (double)sum;
  }
  for (size_t j = 0; j < n; j++) {
    row[j] = 0;
    for (size_t i = 0; i < n; i++)
      row[j] += value[i] * kernel->system.A[i][j];
  }
  for (size_t j = 0; j < n; j++) {
    twice[j] = 0;
    for (size_t i = 0; i < n; i++)
      twice[j] += row[i] * kernel->system.A[i][j];
    curvature[j] = fabs(twice[j]);
  }
}

/* Walks the responses over octaves of time, 32 steps in each, and keeps bounds on them. Between two samples a response
 * exceeds both by at most step^2 / 8 times its curvature, for which twice the larger of the ends is taken. */
static void derive_horizons(struct hk__kernel *kernel)
{
  enum { STEPS = 32, OCTAVES = 2 * HK__HORIZONS + 20 };
  size_t n = kernel->n;
  matrix at, next, stepP, stepQ;
  short_propagator(n, (const double(*)[HK_STATES_MAX])kernel->free.A, kernel->reach / STEPS, stepP, stepQ);
  for (size_t i = 0; i < n * n; i++)
    at[i] = i / n == i % n;
  double hi[HK_STATES_MAX], lo[HK_STATES_MAX], value[HK_STATES_MAX], bend[HK_STATES_MAX], gain = 0;
  double last[HK_STATES_MAX], last_bend[HK_STATES_MAX];
  responses(kernel, at, last, last_bend);
  memcpy(hi, last, sizeof hi);
  memcpy(lo, last, sizeof lo);
  double t = 0, step = kernel->reach / STEPS;
  size_t horizon = 0;
  bool decayed = false;
  for (size_t octave = 0; octave < OCTAVES && !decayed; octave++) {
    for (size_t k = octave == 0 ? 0 : STEPS / 2; k < STEPS; k++) {
      multiply(n, stepP, at, next);
      memcpy(at, next, sizeof at);
      t += step;
      responses(kernel, at, value, bend);
      double through = 0, through_last = 0;
      decayed = true;
      for (size_t j = 0; j < n; j++) {
        double margin = 0.25 * step * step * fmax(bend[j], last_bend[j]) + 1e-14 * fabs(hi[j]);
        hi[j] = fmax(hi[j], fmax(value[j], last[j]) + margin);
        lo[j] = fmin(lo[j], fmin(value[j], last[j]) - margin);
        through += value[j] * kernel->system.drive[j];
        through_last += last[j] * kernel->system.drive[j];
        decayed &= fabs(value[j]) < 1e-18 * (hi[j] - lo[j]);
      }
      gain += step * 1.05 * fmax(fabs(through), fabs(through_last));
      memcpy(last, value, sizeof last);
      memcpy(last_bend, bend, sizeof last_bend);
    }
    if (horizon < HK__HORIZONS - 1 && octave % 2 == 0) {
      struct hk__horizon *h = &kernel->horizon[horizon++];
      h->length = t;
      h->gain = gain;
      memcpy(h->hi, hi, sizeof hi);
      memcpy(h->lo, lo, sizeof lo);
    }
    double_propagator(n, stepP, stepQ);
    step *= 2;
  }
  for (; horizon < HK__HORIZONS; horizon++) {
    struct hk__horizon *h = &kernel->horizon[horizon];
    *h = (struct hk__horizon){.length = decayed ? INFINITY : t, .gain = gain};
    memcpy(h->hi, hi, sizeof hi);
    memcpy(h->lo, lo, sizeof lo);
  }
}

static bool all_finite(const struct hk_linear *s)
{
  const double *values = (const double *)s;
  for (size_t i = 0; i < sizeof *s / sizeof *values; i++)
    if (!isfinite(values[i]))
      return false;
  return true;
}

enum hk_status hk__kernel_create(const struct hk_model *model, const double *param, struct hk__kernel **out)
{
  struct hk__kernel *kernel = calloc(1, sizeof *kernel);
  if (!kernel)
    return HK_ERR_MEMORY;
  size_t n = kernel->n = model->state_count, block = HK__LEVELS * n * n;
  kernel->model = model;
  kernel->memory = calloc(4 * block, sizeof *kernel->memory);
  if (!kernel->memory) {
    free(kernel);
    return HK_ERR_MEMORY;
  }
  kernel->free.propagator = kernel->memory;
  kernel->free.integral = kernel->memory + block;
  kernel->clamped.propagator = kernel->memory + 2 * block;
  kernel->clamped.integral = kernel->memory + 3 * block;
  model->linear(param, &kernel->system);
  if (!all_finite(&kernel->system)) {
    hk__kernel_destroy(kernel);
    return HK_ERR_NUMERIC;
  }
  memcpy(kernel->free.A, kernel->system.A, sizeof kernel->free.A);
  for (size_t i = 0; i < n; i++) {
    if (model->states[i].flags & HK_STATE_CLAMPED)
      kernel->clamped_states |= 1u << i;
    else
      memcpy(kernel->clamped.A[i], kernel->system.A[i], sizeof kernel->clamped.A[i]);
  }
  kernel->rate = fastest_rate(n, kernel->free.A);
  kernel->reach = reach_per_rate / fmax(kernel->rate, 1e-9);
  derive_levels(kernel, &kernel->free);
  derive_levels(kernel, &kernel->clamped);
  kernel->stable = solve_rest(kernel, kernel->system.b, kernel->rest) &&
                   solve_rest(kernel, kernel->system.drive, kernel->rest_per_current);
  if (kernel->stable)
    derive_horizons(kernel);
  *out = kernel;
  return HK_OK;
}

void hk__kernel_destroy(struct hk__kernel *kernel)
{
  if (!kernel)
    return;
  free(kernel->memory);
  free(kernel);
}

void hk__kernel_propagator(const struct hk__kernel *kernel, bool clamped, double dt, double *propagator,
                           double *integral)
{
  const struct hk__regime *regime = clamped ? &kernel->clamped : &kernel->free;
  size_t n = kernel->n;
  int doublings = 0;
  for (double x = kernel->rate * fabs(dt); x > reach_per_rate; x *= 0.5)
    doublings++;
  matrix P, Q;
  short_propagator(n, (const double(*)[HK_STATES_MAX])regime->A, ldexpl(dt, -doublings), P, Q);
  for (int i = 0; i < doublings; i++)
    double_propagator(n, P, Q);
  for (size_t i = 0; i < n * n; i++) {
    propagator[i] = (double)P[i];
    integral[i] = (double)Q[i];
  }
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
  return reach_per_rate / fmax(rate, 1e-9);
}

/* Taylor terms of the state over dt: term[k][j] dt^k folded in, so that the sum over k is the state at dt. */
static size_t state_series(const struct hk__kernel *kernel, bool clamped, const struct hk__current *current, double t,
                           double dt, const double *x, double term[][HK_STATES_MAX])
{
  size_t n = kernel->n;
  const struct hk__regime *regime = clamped ? &kernel->clamped : &kernel->free;
  bool sines = hk__current_varies(current);
  size_t count = sines ? HK__TAYLOR_MAX : taylor_terms(kernel->rate * dt);
  double series[HK__TAYLOR_MAX] = {current->constant};
  if (sines)
    hk__current_series(current, t, count, series);
  memcpy(term[0], x, n * sizeof *x);
  double power = 1; /* dt^(k-1) */
  for (size_t k = 1; k < count; k++) {
    double factor = dt / (double)k;
    bool driven = k == 1 || sines;
    double drive = series[k - 1] * power;
    for (size_t i = 0; i < n; i++) {
      double sum = 0;
      for (size_t j = 0; j < n; j++)
        sum = fma(regime->A[i][j], term[k - 1][j], sum);
      if (driven && !(clamped && kernel->clamped_states >> i & 1u))
        sum += kernel->system.drive[i] * drive + (k == 1 ? kernel->system.b[i] : 0);
      term[k][i] = sum * factor;
    }
    power *= dt;
  }
  return count;
}

static void advance_short(const struct hk__kernel *kernel, bool clamped, const struct hk__current *current, double t,
                          double dt, double *x)
{
  double term[HK__TAYLOR_MAX][HK_STATES_MAX];
  size_t count = state_series(kernel, clamped, current, t, dt, x, term);
  for (size_t j = 0; j < kernel->n; j++) {
    double sum = 0;
    for (size_t k = count; k-- > 0;)
      sum += term[k][j];
    x[j] = sum;
  }
}

/* Whole multiples of reach, by the propagators of its powers of two, under a constant current. */
static void advance_long(const struct hk__kernel *kernel, bool clamped, double constant, double steps, double *x)
{
  size_t n = kernel->n;
  const struct hk__regime *regime = clamped ? &kernel->clamped : &kernel->free;
  double force[HK_STATES_MAX];
  for (size_t i = 0; i < n; i++)
    force[i] =
        clamped && kernel->clamped_states >> i & 1u ? 0 : kernel->system.b[i] + kernel->system.drive[i] * constant;
  for (size_t level = HK__LEVELS; level-- > 0;) {
    double size = (double)(1u << level);
    const double *P = regime->propagator + level * n * n, *Q = regime->integral + level * n * n;
    for (; steps >= size; steps -= size) {
      double next[HK_STATES_MAX];
      for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t j = 0; j < n; j++)
          sum = fma(P[i * n + j], x[j], fma(Q[i * n + j], force[j], sum));
        next[i] = sum;
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
    const struct hk__horizon *horizon = &kernel->horizon[h];
    double bound = base + margin + swing * horizon->gain;
    for (size_t j = 0; j < kernel->n; j++)
      bound += away[j] * (away[j] > 0 ? horizon->hi[j] : horizon->lo[j]);
    if (bound < kernel->system.threshold)
      return horizon->length;
  }
  return 0;
}

bool hk__linear_first(const struct hk__kernel *kernel, const struct hk__current *current, double t, const double *x,
                      double span, double *dt)
{
  double term[HK__TAYLOR_MAX][HK_STATES_MAX], w[HK__TAYLOR_MAX], s;
  size_t count = state_series(kernel, false, current, t, span, x, term);
  for (size_t k = 0; k < count; k++)
    w[k] = hk__linear_sense(kernel, term[k]);
  if (!hk__polynomial_first(w, count, kernel->system.threshold, kernel->model->strict, &s))
    return false;
  *dt = s * span;
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
  if (hk__linear_first(kernel, current, t, x, span, dt))
    return true;
  *dt = span;
  return false;
}
