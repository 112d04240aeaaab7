/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Deriving kernels (linear.h). */
#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "core/linear.h"
#include "core/twofold.h"

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

typedef struct hk__twofold matrix[HK_STATES_MAX * HK_STATES_MAX];

/* Most entries are 0: states act on few others. */
static void multiply(size_t n, const struct hk__twofold *a, const struct hk__twofold *b, struct hk__twofold *out)
{
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++)
      out[i * n + j] = hk__twofold_of(0);
    for (size_t k = 0; k < n; k++) {
      if (a[i * n + k].high == 0)
        continue;
      for (size_t j = 0; j < n; j++)
        if (b[k * n + j].high != 0)
          out[i * n + j] = hk__twofold_add(out[i * n + j], hk__twofold_times(a[i * n + k], b[k * n + j]));
    }
  }
}

/* Whether no term of a series is of account beside the sum so far. From the n-th power on, what is 0 stays 0. */
static bool is_negligible(size_t entries, const struct hk__twofold *term, const struct hk__twofold *sum)
{
  static const double negligible = 0x1p-72;
  for (size_t i = 0; i < entries; i++)
    if (!(fabs(term[i].high) <= negligible * fabs(sum[i].high)))
      return false;
  return true;
}

/* Taylor series of exp(A dt) and of its integral, for rate * dt <= 1/2. */
static void short_propagator(size_t n, const double A[][HK_STATES_MAX], double dt, struct hk__twofold *P,
                             struct hk__twofold *Q)
{
  matrix step, term, next;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      step[i * n + j] = hk__twofold_by(hk__twofold_of(A[i][j]), dt);
      term[i * n + j] = P[i * n + j] = hk__twofold_of(i == j);
      Q[i * n + j] = hk__twofold_of(i == j ? dt : 0);
    }
  for (int k = 1; k < HK__TAYLOR_MAX + 6; k++) {
    multiply(n, step, term, next);
    for (size_t i = 0; i < n * n; i++) {
      term[i] = next[i].high != 0 ? hk__twofold_per(next[i], k) : next[i];
      if (term[i].high == 0)
        continue;
      P[i] = hk__twofold_add(P[i], term[i]);
      Q[i] = hk__twofold_add(Q[i], hk__twofold_per(hk__twofold_by(term[i], dt), k + 1));
    }
    if ((size_t)k >= n && is_negligible(n * n, term, P))
      return;
  }
}

/* From a propagator over dt to that over 2 dt. */
static void double_propagator(size_t n, struct hk__twofold *P, struct hk__twofold *Q)
{
  matrix square;
  multiply(n, P, Q, square);
  for (size_t i = 0; i < n * n; i++)
    Q[i] = hk__twofold_add(Q[i], square[i]);
  multiply(n, P, P, square);
  memcpy(P, square, n * n * sizeof *P);
}

static void derive_levels(const struct hk__dynamics *d, struct hk__regime *regime)
{
  size_t n = d->key.n;
  matrix P, Q;
  short_propagator(n, (const double(*)[HK_STATES_MAX])regime->A, d->reach, P, Q);
  for (size_t level = 0; level < HK__LEVELS; level++) {
    for (size_t i = 0; i < n; i++)
      regime->kept[level * n + i] = P[i * n + i].high > 0.5;
    for (size_t i = 0; i < n * n; i++) {
      double kept = i / n == i % n ? regime->kept[level * n + i / n] : 0;
      regime->propagator[level * n * n + i] = hk__twofold_less(P[i], hk__twofold_of(kept)).high;
      regime->integral[level * n * n + i] = Q[i].high;
    }
    double_propagator(n, P, Q);
  }
}

/* Solves A y = -right by elimination with pivots; false if A is singular. */
static bool solve_rest(const struct hk__kernel *kernel, const double *right, double *y)
{
  size_t n = kernel->n;
  struct hk__twofold m[HK_STATES_MAX][HK_STATES_MAX + 1];
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++)
      m[i][j] = hk__twofold_of(kernel->system.A[i][j]);
    m[i][n] = hk__twofold_of(-right[i]);
  }
  for (size_t c = 0; c < n; c++) {
    size_t pivot = c;
    for (size_t i = c + 1; i < n; i++)
      if (fabs(m[i][c].high) > fabs(m[pivot][c].high))
        pivot = i;
    if (m[pivot][c].high == 0)
      return false;
    for (size_t j = 0; j <= n; j++) {
      struct hk__twofold swap = m[c][j];
      m[c][j] = m[pivot][j];
      m[pivot][j] = swap;
    }
    for (size_t i = 0; i < n; i++) {
      if (i == c || m[i][c].high == 0)
        continue;
      struct hk__twofold factor = hk__twofold_over(m[i][c], m[c][c]);
      for (size_t j = c; j <= n; j++)
        m[i][j] = hk__twofold_less(m[i][j], hk__twofold_times(factor, m[c][j]));
    }
  }
  for (size_t i = 0; i < n; i++)
    y[i] = hk__twofold_over(m[i][n], m[i][i]).high;
  return true;
}

/* sense . exp(A t) e_j for all j, and with A^2 in front for the curvature. */
static void responses(const struct hk__dynamics *d, const struct hk__twofold *P, double *value, double *curvature)
{
  size_t n = d->key.n;
  double row[HK_STATES_MAX], twice[HK_STATES_MAX];
  for (size_t j = 0; j < n; j++) {
    struct hk__twofold sum = hk__twofold_of(0);
    for (size_t i = 0; i < n; i++)
      if (d->key.sense[i] != 0)
        sum = hk__twofold_add(sum, hk__twofold_by(P[i * n + j], d->key.sense[i]));
    value[j] = sum.high;
  }
  for (size_t j = 0; j < n; j++) {
    row[j] = 0;
    for (size_t i = 0; i < n; i++)
      row[j] += value[i] * d->key.A[i][j];
  }
  for (size_t j = 0; j < n; j++) {
    twice[j] = 0;
    for (size_t i = 0; i < n; i++)
      twice[j] += row[i] * d->key.A[i][j];
    curvature[j] = fabs(twice[j]);
  }
}

/* Walks the responses over octaves of time, 32 steps in each, and keeps bounds on them. Between two samples a response
 * exceeds both by at most step^2 / 8 times its curvature, for which twice the larger of the ends is taken. */
static void derive_horizons(struct hk__dynamics *d)
{
  enum { STEPS = 32, OCTAVES = 2 * HK__HORIZONS + 20 };
  size_t n = d->key.n;
  matrix at, next, stepP, stepQ;
  short_propagator(n, (const double(*)[HK_STATES_MAX])d->free.A, d->reach / STEPS, stepP, stepQ);
  for (size_t i = 0; i < n * n; i++)
    at[i] = hk__twofold_of(i / n == i % n);
  double hi[HK_STATES_MAX], lo[HK_STATES_MAX], value[HK_STATES_MAX], bend[HK_STATES_MAX], gain = 0;
  double last[HK_STATES_MAX] = {0}, last_bend[HK_STATES_MAX];
  responses(d, at, last, last_bend);
  memcpy(hi, last, sizeof hi);
  memcpy(lo, last, sizeof lo);
  double t = 0, step = d->reach / STEPS;
  size_t horizon = 0;
  bool decayed = false;
  d->has_horizons = true;
  for (size_t octave = 0; octave < OCTAVES && !decayed; octave++) {
    for (size_t k = octave == 0 ? 0 : STEPS / 2; k < STEPS; k++) {
      multiply(n, stepP, at, next);
      memcpy(at, next, sizeof at);
      t += step;
      responses(d, at, value, bend);
      double through = 0, through_last = 0;
      decayed = true;
      for (size_t j = 0; j < n; j++) {
        double margin = 0.25 * step * step * fmax(bend[j], last_bend[j]) + 1e-14 * fabs(hi[j]);
        hi[j] = fmax(hi[j], fmax(value[j], last[j]) + margin);
        lo[j] = fmin(lo[j], fmin(value[j], last[j]) - margin);
        through += value[j] * d->key.drive[j];
        through_last += last[j] * d->key.drive[j];
        decayed &= fabs(value[j]) < 1e-18 * (hi[j] - lo[j]);
      }
      gain += step * 1.05 * fmax(fabs(through), fabs(through_last));
      memcpy(last, value, sizeof last);
      memcpy(last_bend, bend, sizeof last_bend);
    }
    if (horizon < HK__HORIZONS - 1 && octave % 2 == 0) {
      struct hk__horizon *h = &d->horizon[horizon++];
      h->length = t;
      h->gain = gain;
      memcpy(h->hi, hi, sizeof hi);
      memcpy(h->lo, lo, sizeof lo);
    }
    double_propagator(n, stepP, stepQ);
    step *= 2;
  }
  for (; horizon < HK__HORIZONS; horizon++) {
    struct hk__horizon *h = &d->horizon[horizon];
    *h = (struct hk__horizon){.length = decayed ? INFINITY : t, .gain = gain};
    memcpy(h->hi, hi, sizeof hi);
    memcpy(h->lo, lo, sizeof lo);
  }
}

static bool all_finite(const double *values, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (!isfinite(values[i]))
      return false;
  return true;
}

/* --- what kernels share --- */

static void release(struct hk__dynamics *d)
{
  if (!d || --d->users > 0)
    return;
  free(d->memory);
  free(d);
}

static enum hk_status derive(const struct hk__dynamics_key *key, struct hk__dynamics **out)
{
  size_t n = key->n, block = HK__LEVELS * n * n;
  struct hk__dynamics *d = calloc(1, sizeof *d);
  if (!d)
    return HK_ERR_MEMORY;
  d->users = 1;
  const size_t entries = 4 * block + 2 * HK__LEVELS * n;
  d->memory = calloc(entries, sizeof *d->memory);
  if (!d->memory) {
    release(d);
    return HK_ERR_MEMORY;
  }
  d->key = *key;
  d->free.propagator = d->memory;
  d->free.integral = d->memory + block;
  d->clamped.propagator = d->memory + 2 * block;
  d->clamped.integral = d->memory + 3 * block;
  d->free.kept = d->memory + 4 * block;
  d->clamped.kept = d->free.kept + HK__LEVELS * n;
  memcpy(d->free.A, key->A, sizeof d->free.A);
  for (size_t i = 0; i < n; i++)
    if (!(key->clamped_states >> i & 1u))
      memcpy(d->clamped.A[i], key->A[i], sizeof d->clamped.A[i]);
  d->rate = fastest_rate(n, d->free.A);
  d->reach = hk__reach_per_rate / fmax(d->rate, 1e-9);
  derive_levels(d, &d->free);
  derive_levels(d, &d->clamped);
  if (!all_finite(d->memory, entries)) {
    release(d);
    return HK_ERR_NUMERIC;
  }
  *out = d;
  return HK_OK;
}

static int compare_keys(const void *a, const void *b)
{
  return memcmp(&((const struct hk__dynamics *)a)->key, &((const struct hk__dynamics *)b)->key,
                sizeof(struct hk__dynamics_key));
}

/* The dynamics with this key, from the set if there is one. */
static enum hk_status obtain(struct hk__dynamics_set *set, const struct hk__dynamics *wanted, struct hk__dynamics **out)
{
  struct hk__dynamics **known = set ? tfind(wanted, &set->root, compare_keys) : NULL;
  if (known) {
    *out = *known;
    (*out)->users++;
    return HK_OK;
  }
  enum hk_status status = derive(&wanted->key, out);
  if (status == HK_OK && set && !tsearch(*out, &set->root, compare_keys)) {
    release(*out);
    return HK_ERR_MEMORY;
  }
  return status;
}

static void keep(void *dynamics)
{
  (void)dynamics;
}

void hk__dynamics_set_clear(struct hk__dynamics_set *set)
{
  tdestroy(set->root, keep);
  set->root = NULL;
}

/* --- kernels --- */

static enum hk_status init_kernel(struct hk__kernel *kernel, const struct hk_model *model, const double *param,
                                  struct hk__dynamics_set *set)
{
  kernel->model = model;
  kernel->n = model->state_count;
  model->linear(param, &kernel->system);
  if (!all_finite((const double *)&kernel->system, sizeof kernel->system / sizeof(double)))
    return HK_ERR_NUMERIC;
  for (size_t i = 0; i < kernel->n; i++)
    if (model->states[i].flags & HK_STATE_CLAMPED)
      kernel->clamped_states |= 1u << i;
  struct hk__dynamics wanted = {.users = 0};
  wanted.key.n = kernel->n;
  wanted.key.clamped_states = kernel->clamped_states;
  memcpy(wanted.key.A, kernel->system.A, sizeof wanted.key.A);
  memcpy(wanted.key.sense, kernel->system.sense, sizeof wanted.key.sense);
  memcpy(wanted.key.drive, kernel->system.drive, sizeof wanted.key.drive);
  enum hk_status status = obtain(set, &wanted, &kernel->dynamics);
  if (status != HK_OK)
    return status;
  kernel->rate = kernel->dynamics->rate;
  kernel->reach = kernel->dynamics->reach;
  kernel->stable = solve_rest(kernel, kernel->system.b, kernel->rest) &&
                   solve_rest(kernel, kernel->system.drive, kernel->rest_per_current);
  if (kernel->stable && !kernel->dynamics->has_horizons)
    derive_horizons(kernel->dynamics);
  return HK_OK;
}

enum hk_status hk__kernel_create(const struct hk_model *model, const double *param, struct hk__dynamics_set *set,
                                 struct hk__kernel **out)
{
  struct hk__kernel *kernel = calloc(1, sizeof *kernel);
  if (!kernel)
    return HK_ERR_MEMORY;
  enum hk_status status = init_kernel(kernel, model, param, set);
  if (status != HK_OK) {
    hk__kernel_destroy(kernel);
    return status;
  }
  *out = kernel;
  return HK_OK;
}

void hk__kernel_destroy(struct hk__kernel *kernel)
{
  if (!kernel)
    return;
  release(kernel->dynamics);
  free(kernel);
}

void hk__kernel_propagator(const struct hk__kernel *kernel, bool clamped, double dt, double *propagator,
                           double *integral)
{
  const struct hk__regime *regime = clamped ? &kernel->dynamics->clamped : &kernel->dynamics->free;
  size_t n = kernel->n;
  int doublings = 0;
  for (double x = kernel->rate * fabs(dt); x > hk__reach_per_rate; x *= 0.5)
    doublings++;
  matrix P, Q;
  short_propagator(n, (const double(*)[HK_STATES_MAX])regime->A, ldexp(dt, -doublings), P, Q);
  for (int i = 0; i < doublings; i++)
    double_propagator(n, P, Q);
  for (size_t i = 0; i < n * n; i++) {
    propagator[i] = P[i].high;
    integral[i] = Q[i].high;
  }
}
