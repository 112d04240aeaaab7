/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/runge_kutta.h"

#include <math.h>
#include <string.h>

/* The estimates are those of orders 5 and 3, the step is of order 8: its own error is smaller by about this. */
static const double slack = 10;

void hk__rk_slope(const struct hk__motions *m, hk_lanes t, const hk_lanes *x, hk_lanes *dx)
{
  hk_lanes current = m->constant;
  for (size_t lane = 0; lane < HK_LANES; lane++)
    if (m->current[lane]->sine_count > 0)
      current[lane] = hk__current_at(m->current[lane], t[lane]);
  m->model->derivative(m->param, x, &current, dx);
  if (hk_mask_any(m->free == 0))
    for (size_t j = 0; j < m->model->state_count; j++)
      if (m->model->states[j].flags & HK_STATE_CLAMPED)
        dx[j] = hk_lanes_pick(m->free == 0, m->free, dx[j]);
}

/* row . slopes: all between the first slope and `from` have coefficients of 0. */
static inline hk_lanes combine(const double *row, size_t from, size_t stages, const struct hk__rk_step *step, size_t j)
{
  hk_lanes sum = row[0] * step->slope[0][j];
  for (size_t i = from; i < stages; i++)
    sum = hk_lanes_fma(hk_lanes_all(row[i]), step->slope[i][j], sum);
  return sum;
}

/* y = x + h * (row . slopes) */
static void reach(const struct hk__motions *m, size_t stage, size_t stages, hk_lanes h, const hk_lanes *x,
                  const struct hk__rk_step *step, hk_lanes *y)
{
  for (size_t j = 0; j < m->model->state_count; j++)
    y[j] = hk_lanes_fma(h, combine(hk__rk_a[stage], hk__rk_from[stage], stages, step, j), x[j]);
}

/* The errors of orders 5 and 3, relative to what is tolerated, in the norm that DOP853 takes. */
static hk_lanes error_of(const struct hk__motions *m, hk_lanes h, const hk_lanes *x, const struct hk__rk_step *step)
{
  const hk_lanes none = hk_lanes_all(0), infinite = hk_lanes_all(INFINITY);
  const size_t from = hk__rk_from[HK__RK_STAGES];
  hk_lanes five = none, three = none;
  for (size_t j = 0; j < m->model->state_count; j++) {
    hk_lanes e5 = combine(hk__rk_error5, from, HK__RK_STAGES, step, j);
    hk_lanes e3 = combine(hk__rk_error3, from, HK__RK_STAGES, step, j);
    hk_lanes size = hk_lanes_max(hk_lanes_abs(x[j]), hk_lanes_abs(step->end[j]));
    size = hk_lanes_max(size, hk_lanes_abs(h * step->slope[0][j]));
    hk_lanes scale = slack * m->tolerance * (m->model->states[j].flags & HK_STATE_FRACTION ? hk_lanes_all(1) : size);
    hk_lanes weight = hk_lanes_pick(scale > none, 1 / (scale * scale), hk_lanes_pick(e5 != none, infinite, none));
    five += e5 * e5 * weight;
    three += e3 * e3 * weight;
  }
  hk_lanes denominator = five + 0.01 * three;
  hk_lanes error = h * five / hk_lanes_sqrt(denominator * (double)m->model->state_count);
  error = hk_lanes_pick(denominator > none, error, hk_lanes_pick(denominator == none, none, infinite));
  return hk_lanes_pick(h == none, none, error);
}

void hk__rk_take(const struct hk__motions *m, hk_lanes t, hk_lanes h, const hk_lanes *x, struct hk__rk_step *step)
{
  hk_lanes y[HK_STATES_MAX];
  hk__rk_slope(m, t, x, step->slope[0]);
  step->low = step->high = x[0];
  for (size_t i = 1; i < HK__RK_STAGES; i++) {
    reach(m, i, i, h, x, step, y);
    hk__rk_slope(m, t + hk__rk_c[i] * h, y, step->slope[i]);
    step->low = hk_lanes_min(step->low, y[0]);
    step->high = hk_lanes_max(step->high, y[0]);
  }
  reach(m, HK__RK_STAGES, HK__RK_STAGES, h, x, step, step->end);
  step->low = hk_lanes_min(step->low, step->end[0]);
  step->high = hk_lanes_max(step->high, step->end[0]);
  step->error = error_of(m, h, x, step);
}

void hk__rk_stride(const struct hk__motions *m, struct hk__stride *s)
{
  struct hk__rk_step step;
  hk_lanes h = hk_lanes_min(s->pace, s->most), least = hk_lanes_all(0.1), most = hk_lanes_all(4);
  hk__rk_take(m, s->t, h, s->start, &step);
  hk_lanes factor = 0.9 / hk_lanes_sqrt(hk_lanes_sqrt(hk_lanes_sqrt(step.error)));
  factor = hk_lanes_pick(step.error <= HUGE_VAL, hk_lanes_max(hk_lanes_min(factor, most), least), least);
  hk_mask fine = step.error <= 1, told = (h == s->pace) | (factor < 1);
  hk_lanes grown = hk_lanes_min(h * factor, hk_lanes_all(1e3)), shrunk = h * hk_lanes_min(factor, hk_lanes_all(0.9));
  s->pace = hk_lanes_pick(fine, hk_lanes_pick(told, grown, s->pace), shrunk);
  s->length = h;
  s->done = fine;
  s->low = step.low;
  s->high = step.high;
  memcpy(s->x, step.end, m->model->state_count * sizeof *s->x);
}

/* p = (a + b s) p, of degree `degree` before. */
static void times_linear(double *p, size_t degree, double a, double b)
{
  p[degree + 1] = 0;
  for (size_t k = degree + 2; k-- > 0;)
    p[k] = a * p[k] + (k > 0 ? b * p[k - 1] : 0);
}

size_t hk__rk_polynomial(const struct hk__motions *m, double t, double h, const hk_lanes *x, struct hk__rk_step *step,
                         double *w)
{
  hk_lanes y[HK_STATES_MAX];
  double term[3 + HK__RK_DENSE];
  hk__rk_slope(m, hk_lanes_all(t + h), step->end, step->slope[HK__RK_STAGES]);
  for (size_t i = HK__RK_STAGES + 1; i < HK__RK_ALL; i++) {
    reach(m, i, i, hk_lanes_all(h), x, step, y);
    hk__rk_slope(m, hk_lanes_all(t + hk__rk_c[i] * h), y, step->slope[i]);
  }
  double rise = step->end[0][0] - x[0][0], first = step->slope[0][0][0];
  term[0] = rise;
  term[1] = h * first - rise;
  term[2] = 2 * rise - h * (step->slope[HK__RK_STAGES][0][0] + first);
  for (size_t d = 0; d < HK__RK_DENSE; d++) {
    term[3 + d] = h * combine(hk__rk_dense[d], hk__rk_from[HK__RK_STAGES], HK__RK_ALL, step, 0)[0];
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
  w[0] += x[0][0];
  return degree + 1;
}
