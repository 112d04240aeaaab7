/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/runge_kutta.h"

#include <math.h>
#include <string.h>

/* The estimates are those of orders 5 and 3, the step is of order 8: its own error is smaller by about this. */
static const double slack = 10;

static void slope_at(const struct hk__motion *m, double t, const double *x, double *dx)
{
  m->model->derivative(m->param, x, hk__current_at(m->current, t), m->clamped, dx);
  if (m->clamped)
    for (size_t j = 0; j < m->model->state_count; j++)
      if (m->model->states[j].flags & HK_STATE_CLAMPED)
        dx[j] = 0;
}

/* y = x + h * (row . slopes) */
static void combine(size_t n, const double *row, size_t stages, double h, const double *x, struct hk__rk_step *step,
                    double *y)
{
  double sum[HK_STATES_MAX] = {0};
  for (size_t i = 0; i < stages; i++)
    if (row[i] != 0)
      for (size_t j = 0; j < n; j++)
        sum[j] = fma(row[i], step->slope[i][j], sum[j]);
  for (size_t j = 0; j < n; j++)
    y[j] = fma(h, sum[j], x[j]);
}

/* The errors of orders 5 and 3, relative to what is tolerated, in the norm that DOP853 takes. */
static double error_of(const struct hk__motion *m, double h, const double *x, const struct hk__rk_step *step)
{
  size_t n = m->model->state_count;
  double five = 0, three = 0;
  for (size_t j = 0; j < n; j++) {
    double e5 = 0, e3 = 0;
    for (size_t i = 0; i < HK__RK_STAGES; i++) {
      e5 = fma(hk__rk_error5[i], step->slope[i][j], e5);
      e3 = fma(hk__rk_error3[i], step->slope[i][j], e3);
    }
    double size = fmax(fmax(fabs(x[j]), fabs(step->end[j])), fabs(h * step->slope[0][j]));
    double scale = slack * m->tolerance * (m->model->states[j].flags & HK_STATE_FRACTION ? 1 : size);
    if (scale > 0) {
      five += e5 * e5 / (scale * scale);
      three += e3 * e3 / (scale * scale);
    } else if (e5 != 0)
      return INFINITY;
  }
  double denominator = five + 0.01 * three;
  return denominator > 0 ? h * five / sqrt(denominator * (double)n) : denominator == 0 ? 0 : INFINITY;
}

void hk__rk_take(const struct hk__motion *m, double t, double h, const double *x, struct hk__rk_step *step)
{
  size_t n = m->model->state_count;
  double y[HK_STATES_MAX];
  slope_at(m, t, x, step->slope[0]);
  step->low = step->high = x[0];
  for (size_t i = 1; i < HK__RK_STAGES; i++) {
    combine(n, hk__rk_a[i], i, h, x, step, y);
    slope_at(m, t + hk__rk_c[i] * h, y, step->slope[i]);
    step->low = fmin(step->low, y[0]);
    step->high = fmax(step->high, y[0]);
  }
  combine(n, hk__rk_a[HK__RK_STAGES], HK__RK_STAGES, h, x, step, step->end);
  step->low = fmin(step->low, step->end[0]);
  step->high = fmax(step->high, step->end[0]);
  step->error = error_of(m, h, x, step);
}

double hk__rk_adapt(const struct hk__motion *m, double t, double most, double *pace, const double *x,
                    struct hk__rk_step *step)
{
  const double shortest = 1e-14 * fmax(t, 1.0);
  double h = fmin(*pace, most);
  for (;;) {
    hk__rk_take(m, t, h, x, step);
    bool fine = step->error <= 1;
    double factor = step->error > 0 ? 0.9 * pow(step->error, -1.0 / 8.0) : 4.0;
    if (!(step->error <= HUGE_VAL))
      factor = 0.1;
    factor = fmin(4.0, fmax(0.1, factor));
    if (fine) {
      if (h == *pace || factor < 1)
        *pace = fmin(h * factor, 1e3);
      return h;
    }
    h *= fmin(factor, 0.9);
    *pace = h;
    if (!(h > shortest))
      return 0;
  }
}

/* p = (a + b s) p, of degree `degree` before. */
static void times_linear(double *p, size_t degree, double a, double b)
{
  p[degree + 1] = 0;
  for (size_t k = degree + 2; k-- > 0;)
    p[k] = a * p[k] + (k > 0 ? b * p[k - 1] : 0);
}

size_t hk__rk_polynomial(const struct hk__motion *m, double t, double h, const double *x, struct hk__rk_step *step,
                         double *w)
{
  size_t n = m->model->state_count;
  double y[HK_STATES_MAX], term[3 + HK__RK_DENSE];
  slope_at(m, t + h, step->end, step->slope[HK__RK_STAGES]);
  for (size_t i = HK__RK_STAGES + 1; i < HK__RK_ALL; i++) {
    combine(n, hk__rk_a[i], i, h, x, step, y);
    slope_at(m, t + hk__rk_c[i] * h, y, step->slope[i]);
  }
  double rise = step->end[0] - x[0];
  term[0] = rise;
  term[1] = h * step->slope[0][0] - rise;
  term[2] = 2 * rise - h * (step->slope[HK__RK_STAGES][0] + step->slope[0][0]);
  for (size_t d = 0; d < HK__RK_DENSE; d++) {
    double sum = 0;
    for (size_t i = 0; i < HK__RK_ALL; i++)
      sum = fma(hk__rk_dense[d][i], step->slope[i][0], sum);
    term[3 + d] = h * sum;
  }
  /* x + s (term0 + (1 - s) (term1 + s (term2 + ...))) */
  const size_t terms = 3 + HK__RK_DENSE;
  memset(w, 0, (terms + 1) * sizeof *w);
  size_t degree = 0;
  for (size_t i = terms; i-- > 0;) {
    w[0] += term[i];
    if (i % 2 == 0)
      times_linear(w, degree, 0, 1);
    else
      times_linear(w, degree, 1, -1);
    degree++;
  }
  w[0] += x[0];
  return degree + 1;
}
