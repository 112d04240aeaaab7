/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/integrator.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/polynomial.h"
#include "core/runge_kutta.h"

/* Steps that shrink below the resolution of time are taken together, this many at most, before the state counts as
 * out of bounds. */
enum { PATIENCE = 4096 };

/* Lengths of series that are tried one after the other: most steps between events need few terms. */
static const size_t lengths[] = {6, 9, 13, 20};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

static const double longest_step = 1e3, shortest_step = 1e-300;

struct series {
  double x[HK_STATES_MAX][HK_SERIES_MAX];
  double current[HK_SERIES_MAX];
  size_t last; /* the highest term */
};

static bool is_clamped(const struct hk__motion *m, size_t j)
{
  return m->clamped && m->model->states[j].flags & HK_STATE_CLAMPED;
}

/* --- Taylor series --- */

/* The current's terms with dt folded in. */
static void fill_current(const struct hk__motion *m, double t, double dt, double *terms)
{
  memset(terms, 0, HK_SERIES_MAX * sizeof *terms);
  terms[0] = m->current->constant;
  if (!hk__current_varies(m->current))
    return;
  hk__current_series(m->current, t, HK_SERIES_MAX, terms);
  double power = 1;
  for (size_t k = 1; k < HK_SERIES_MAX; k++)
    terms[k] *= power *= dt;
}

/* The error of a step whose series ends here, relative to what is tolerated, judged by its last two terms; NAN if the
 * series is out of bounds. */
static double error_of(const struct hk__motion *m, const struct series *s)
{
  double worst = 1; /* or below: fine */
  size_t last = s->last;
  for (size_t j = 0; j < m->model->state_count; j++) {
    const double *x = s->x[j];
    double scale = fabs(x[0]) + fabs(x[1]) + fabs(x[2]), tail = fabs(x[last]), before = fabs(x[last - 1]);
    tail = before > tail ? before : tail;
    if (!(tail <= DBL_MAX) || !(scale <= DBL_MAX))
      return NAN;
    if (tail > worst * m->tolerance * scale)
      worst = scale > 0 ? tail / (m->tolerance * scale) : INFINITY;
  }
  return worst;
}

static void rescale(const struct hk__motion *m, struct series *s, double factor)
{
  double power = 1;
  for (size_t k = 1; k <= s->last; k++) {
    power *= factor;
    for (size_t j = 0; j < m->model->state_count; j++)
      s->x[j][k] *= power;
  }
}

/* The series of a step of at most dt; *pace is adapted. Returns the step's length, 0 if there is none. */
static double expand(const struct hk__motion *m, double t, double dt, double *pace, const double *x, struct series *s)
{
  for (int tries = 0; tries < PATIENCE && dt > shortest_step; tries++, dt *= 1e-2) {
    for (size_t j = 0; j < m->model->state_count; j++)
      s->x[j][0] = x[j];
    fill_current(m, t, dt, s->current);
    size_t from = 0;
    double error = NAN;
    for (size_t i = 0; i < LENGTHS; i++) {
      s->last = lengths[i];
      m->model->series(m->param, s->current, m->clamped, dt, from, s->last, s->x);
      from = s->last + 1;
      error = error_of(m, s);
      if (error <= 1) {
        if (dt >= *pace)
          *pace = fmin((i + 1 < LENGTHS ? 2 : 1.05) * dt, longest_step);
        return dt;
      }
    }
    double factor = 0.95 * pow(error, -1.0 / (double)s->last);
    if (factor > 1e-2) {
      dt *= factor;
      *pace = dt;
      rescale(m, s, factor);
      return dt;
    }
  }
  return 0;
}

static void evaluate_end(const struct hk__motion *m, const struct series *s, double *x)
{
  for (size_t j = 0; j < m->model->state_count; j++) {
    double sum = 0;
    for (size_t k = s->last + 1; k-- > 0;)
      sum += s->x[j][k];
    x[j] = is_clamped(m, j) ? x[j] : sum;
  }
}

/* --- crossings --- */

/* The first crossing of the level by a polynomial on [0, 1]. */
static bool first_crossing(const double *w, size_t count, enum hk__crossing search, double level, bool strict,
                           double *s)
{
  if (search == HK__CROSS_UP)
    return hk__polynomial_first(w, count, level, strict, s);
  double mirrored[HK_SERIES_MAX] = {0};
  for (size_t k = 0; k < count; k++)
    mirrored[k] = -w[k];
  return hk__polynomial_first(mirrored, count, -level, true, s);
}

static enum hk_status series_ahead(const struct hk__motion *m, enum hk__crossing search, double level, double t,
                                   double *pace, double *x, double *dt, bool *crosses)
{
  struct series s;
  double h = expand(m, t, *pace, pace, x, &s), at;
  if (h <= 0)
    return HK_ERR_NUMERIC;
  *crosses = search != HK__CROSS_NONE && first_crossing(s.x[0], s.last + 1, search, level, m->model->strict, &at);
  if (*crosses) {
    rescale(m, &s, at);
    h *= at;
  }
  evaluate_end(m, &s, x);
  *dt = h;
  return HK_OK;
}

/* Steps that end where the dense output crosses the level, corrected by Newton's method until they meet it. */
static enum hk_status refine(const struct hk__motion *m, double level, double t, const double *start, double *h,
                             double *x)
{
  double low = 0, high = *h * 1.001, at = *h;
  for (int i = 0; i < 8; i++) {
    struct hk__rk_step step;
    hk__rk_take(m, t, at, start, &step);
    memcpy(x, step.end, m->model->state_count * sizeof *x);
    double slope[HK_STATES_MAX];
    hk__slope(m->model, m->param, x, hk__current_at(m->current, t + at), m->clamped, slope);
    double correction = (level - x[0]) / slope[0];
    *h = at;
    if (!(fabs(correction) <= *h) || fabs(correction) < 1e-14 * (t + at) || at + correction <= low ||
        at + correction >= high)
      break;
    at += correction;
  }
  return isfinite(x[0]) ? HK_OK : HK_ERR_NUMERIC;
}

static enum hk_status runge_kutta_ahead(const struct hk__motion *m, enum hk__crossing search, double level, double t,
                                        double *pace, double *x, double *dt, bool *crosses)
{
  struct hk__rk_step step;
  double start[HK_STATES_MAX], h = hk__rk_adapt(m, t, INFINITY, pace, x, &step), at;
  if (h <= 0)
    return HK_ERR_NUMERIC;
  memcpy(start, x, m->model->state_count * sizeof *x);
  memcpy(x, step.end, m->model->state_count * sizeof *x);
  *dt = h;
  *crosses = false;
  if (search == HK__CROSS_NONE || !hk__rk_may_cross(&step, level))
    return HK_OK;
  double w[HK_SERIES_MAX];
  size_t count = hk__rk_polynomial(m, t, h, start, &step, w);
  *crosses = first_crossing(w, count, search, level, m->model->strict, &at);
  if (!*crosses)
    return HK_OK;
  *dt = at * h;
  return refine(m, level, t, start, dt, x);
}

enum hk_status hk__look_ahead(const struct hk__motion *m, enum hk__crossing search, double level, double t,
                              double *pace, double *x, double *dt, bool *crosses)
{
  const double resolution = 4 * DBL_EPSILON * fmax(t, 1.0);
  double total = 0;
  for (int steps = 0; steps < PATIENCE; steps++) {
    double h;
    enum hk_status status = m->model->series ? series_ahead(m, search, level, t + total, pace, x, &h, crosses)
                                             : runge_kutta_ahead(m, search, level, t + total, pace, x, &h, crosses);
    if (status != HK_OK)
      return status;
    total += h;
    if (*crosses || total > resolution) {
      *dt = total;
      return HK_OK;
    }
  }
  return HK_ERR_NUMERIC;
}

/* --- advancing --- */

enum hk_status hk__integrate(const struct hk__motion *m, double t, double dt, double *pace, double *x)
{
  while (dt > 0) {
    double h;
    if (m->model->series) {
      struct series s;
      h = expand(m, t, fmin(dt, *pace), pace, x, &s);
      if (h > 0)
        evaluate_end(m, &s, x);
    } else {
      struct hk__rk_step step;
      h = hk__rk_adapt(m, t, dt, pace, x, &step);
      if (h > 0)
        memcpy(x, step.end, m->model->state_count * sizeof *x);
    }
    if (!(h > 0))
      return HK_ERR_NUMERIC;
    t += h;
    dt = h < dt ? dt - h : 0;
  }
  return HK_OK;
}

void hk__slope(const struct hk_model *model, const double *param, const double *x, double current, bool clamped,
               double *dx)
{
  if (model->derivative) {
    model->derivative(param, x, current, clamped, dx);
    return;
  }
  double series[HK_STATES_MAX][HK_SERIES_MAX], currents[HK_SERIES_MAX] = {current};
  for (size_t j = 0; j < model->state_count; j++)
    series[j][0] = x[j];
  model->series(param, currents, clamped, 1.0, 0, 1, series);
  for (size_t j = 0; j < model->state_count; j++)
    dx[j] = series[j][1];
}
