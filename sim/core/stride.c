/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/stride.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/polynomial.h"
#include "core/runge_kutta.h"

/* A step that proves too long is shortened to what its series allows, at little cost; so is the next, which tries more
 * by this. */
static const double shortened_growth = 1.2;

static const double longest_step = 1e3;

void hk__motions_put_one(struct hk__motions *m, const struct hk__motion *motion)
{
  hk__motions_begin(m, motion->model, motion->tolerance);
  for (size_t lane = 0; lane < HK_LANES; lane++) {
    hk__motions_set_param(m, lane, motion->param);
    m->current[lane] = motion->current;
    m->varies[lane] = motion->current->sine_count > 0 ? -1 : 0;
    m->restless[lane] = hk__current_is_restless(motion->current) ? -1 : 0;
  }
  m->constant = hk_lanes_all(motion->current->constant);
  m->free = hk_lanes_all(motion->clamped ? 0 : 1);
}

static struct hk__motion one_of(const struct hk__motions *m, size_t lane)
{
  return (struct hk__motion){m->model, m->source[lane], m->current[lane], m->tolerance, m->free[lane] == 0};
}

/* --- Taylor series --- */

/* The currents' terms with dt folded in. */
static void fill_currents(struct hk__motions *m, hk_lanes t, hk_lanes dt)
{
  if (m->varied)
    memset(m->series, 0, sizeof m->series);
  m->series[0] = m->constant;
  m->varied = hk_mask_any(m->varies);
  for (size_t lane = 0; m->varied && lane < HK_LANES; lane++) {
    if (!m->varies[lane])
      continue;
    double series[HK_SERIES_MAX], power = 1;
    hk__current_series(m->current[lane], t[lane], HK_SERIES_MAX, series);
    for (size_t k = 0; k < HK_SERIES_MAX; k++, power *= dt[lane])
      m->series[k][lane] = series[k] * power;
  }
}

/* What the error of state j is measured against. */
static hk_lanes scale_of(const struct hk__motions *m, const hk_lanes *x, size_t j)
{
  if (m->model->states[j].flags & HK_STATE_FRACTION)
    return hk_lanes_all(1);
  return hk_lanes_abs(x[0]) + hk_lanes_abs(x[1]) + hk_lanes_abs(x[2]);
}

/* What stands for the error of series that end at a term: the last one or, in case that is small by chance, a part of
 * the one before. As terms fall by half at least where the last matters, those left out amount to no more. */
static hk_lanes tail_of(const hk_lanes *x, size_t last)
{
  return hk_lanes_max(hk_lanes_abs(x[last]), 0.25 * hk_lanes_abs(x[last - 1]));
}

/* The errors that are tolerated, from the first terms; NAN where those are out of bounds. */
static void set_limits(const struct hk__motions *m, const struct hk__stride *s, hk_lanes *limit)
{
  const hk_lanes none = hk_lanes_all(NAN);
  for (size_t j = 0; j < m->model->state_count; j++) {
    hk_lanes scale = scale_of(m, s->term[j], j);
    limit[j] = hk_lanes_pick(scale <= DBL_MAX, m->tolerance * scale, none);
  }
}

/* Where the error of series that end at a term is tolerated. */
static hk_mask tolerated(const struct hk__motions *m, const struct hk__stride *s, const hk_lanes *limit, size_t last)
{
  hk_mask fine = ~(hk_mask){0};
  for (size_t j = 0; j < m->model->state_count; j++)
    fine &= tail_of(s->term[j], last) <= limit[j];
  return fine;
}

/* The error of series that end at a term, relative to what is tolerated and at least 1; INFINITY where a series is out
 * of bounds. */
static hk_lanes error_of(const struct hk__motions *m, const struct hk__stride *s, const hk_lanes *limit, size_t last)
{
  const hk_lanes infinite = hk_lanes_all(INFINITY);
  hk_lanes worst = hk_lanes_all(1);
  for (size_t j = 0; j < m->model->state_count; j++) {
    hk_lanes tail = tail_of(s->term[j], last);
    hk_lanes error = hk_lanes_pick(tail > limit[j], tail / limit[j], hk_lanes_all(1));
    error = hk_lanes_pick((tail <= DBL_MAX) & (limit[j] <= DBL_MAX), error, infinite);
    worst = hk_lanes_max(worst, error);
  }
  return worst;
}

/* log x to two digits, of positive, finite, normal x: the exponent and, instead of its logarithm, the mantissa less 1.
 */
static hk_lanes rough_log(hk_lanes x)
{
  hk_lanes scaled = (hk_lanes)(((hk_mask)x >> 20) | 0x4330000000000000) - 0x1p52;
  return 0.6931471805599453 * (scaled * 0x1p-32 - 1023);
}

/* Where the longest series do not converge over the step: makes the step so short that they do. */
static void shorten(const struct hk__motions *m, struct hk__stride *s, const hk_lanes *limit, hk_mask open)
{
  const hk_lanes least = hk_lanes_all(1e-2), last = hk_lanes_all((double)m->lengths[HK__LENGTHS - 1].last);
  hk_lanes error = error_of(m, s, limit, m->lengths[HK__LENGTHS - 1].last);
  hk_lanes part = 0.95 * hk_lanes_exp(-rough_log(error) / last);
  hk_mask fine = open & (error <= DBL_MAX) & (part > least);
  s->part = hk_lanes_pick(fine, part, s->part);
  s->last = hk_lanes_pick(fine, last, s->last);
  s->length *= s->part;
  s->pace = hk_lanes_pick(open, hk_lanes_pick(fine, shortened_growth * s->length, least * s->length), s->pace);
  s->done |= fine;
}

/* The states at the step's end, by as many terms as each lane's series has. */
static void add_terms(const struct hk__motions *m, struct hk__stride *s, size_t count)
{
  const hk_lanes none = hk_lanes_all(0);
  for (size_t j = 0; j < m->model->state_count; j++) {
    hk_lanes sum = none;
    double last = (double)count;
    for (size_t k = count; k > 0; k--, last--)
      sum = hk_lanes_fma(sum, s->part, hk_lanes_pick(s->last >= last, s->term[j][k], none));
    s->x[j] = hk_lanes_fma(sum, s->part, s->start[j]);
  }
}

/* Clamped states of neurons that are not free stay where they are. */
static void hold(const struct hk__motions *m, struct hk__stride *s)
{
  const hk_mask held = m->free == 0;
  if (!hk_mask_any(held))
    return;
  for (size_t j = 0; j < m->model->state_count; j++)
    if (m->model->states[j].flags & HK_STATE_CLAMPED)
      s->x[j] = hk_lanes_pick(held, s->start[j], s->x[j]);
}

static void take_series(struct hk__motions *m, struct hk__stride *s)
{
  hk_lanes dt = hk_lanes_min(s->most, s->pace), limit[HK_STATES_MAX], growth = hk_lanes_all(0);
  hk_mask open = ~(hk_mask){0};
  for (size_t j = 0; j < m->model->state_count; j++)
    s->term[j][0] = s->start[j];
  fill_currents(m, s->t, dt);
  s->span = s->length = dt;
  s->part = hk_lanes_all(1);
  s->last = growth;
  size_t begun = 0; /* lengths whose terms are there */
  for (size_t i = 0; i < HK__LENGTHS && hk_mask_any(open); i++) {
    hk_mask tried = open & (dt <= m->lengths[i].part * s->pace);
    if (!hk_mask_any(tried))
      continue;
    const size_t to = m->lengths[i].last;
    m->model->series(m->param, m->series, &m->free, &dt, begun > 0 ? m->lengths[begun - 1].last + 1 : 0, to, s->term);
    if (begun == 0)
      set_limits(m, s, limit);
    hk_mask fine = tried & tolerated(m, s, limit, to);
    s->last = hk_lanes_pick(fine, hk_lanes_all((double)to), s->last);
    growth = hk_lanes_pick(fine, hk_lanes_all(m->lengths[i].growth), growth);
    open &= ~fine;
    begun = i + 1;
  }
  hk_lanes grown = hk_lanes_min(growth * dt, hk_lanes_all(longest_step));
  s->pace = hk_lanes_pick(~open & (dt >= s->pace), grown, s->pace);
  s->done = ~open;
  if (hk_mask_any(open))
    shorten(m, s, limit, open);
  add_terms(m, s, m->lengths[begun - 1].last);
  hold(m, s);
}

/* --- crossings --- */

_Static_assert((int)HK_SERIES_MAX <= (int)HK__POLYNOMIAL_TERMS, "a series is a polynomial");

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

static void look_along_series(const struct hk__motions *m, const struct hk__stride *s, size_t lane,
                              enum hk__crossing search, double level, struct hk__ahead *ahead)
{
  double w[HK_SERIES_MAX] = {s->term[0][0][lane]}, at, part = s->part[lane], power = part;
  size_t count = (size_t)s->last[lane] + 1, n = m->model->state_count;
  for (size_t k = 1; k < count; k++, power *= part)
    w[k] = power * s->term[0][k][lane];
  ahead->crosses = search != HK__CROSS_NONE && first_crossing(w, count, search, level, m->model->strict, &at);
  if (ahead->crosses)
    ahead->dt = at * s->length[lane];
  ahead->span = s->span[lane];
  if (ahead->series) {
    ahead->terms = (uint32_t)count;
    return;
  }
  for (size_t j = 0; j < n; j++) {
    double sum = 0;
    for (size_t k = count; ahead->crosses && k-- > 0;)
      sum = fma(sum, part * at, s->term[j][k][lane]);
    ahead->x[j] = ahead->crosses ? sum : s->x[j][lane];
  }
}

void hk__stride_hand_over(const struct hk__motions *m, const struct hk__stride *s, double *const to[HK_LANES])
{
  const size_t room = hk__states_room(m->model->state_count);
  const hk_lanes none[HK_SERIES_MAX] = {hk_lanes_all(0)};
  double unwanted[HK__ROW], *at[HK_LANES];
  double last = 0;
  for (size_t i = 0; i < HK_LANES; i++)
    last = to[i] && s->last[i] > last ? s->last[i] : last;
  for (size_t j = 0; j < room; j += HK__ROW)
    for (size_t k = 0; k <= (size_t)last; k++) {
      hk_lanes x[HK__ROW];
      for (size_t i = 0; i < HK__ROW; i++)
        x[i] = (j + i < m->model->state_count ? s->term[j + i] : none)[k];
      for (size_t i = 0; i < HK_LANES; i++)
        at[i] = to[i] ? to[i] + k * room + j : unwanted;
      hk__rows_scatter(x, at);
    }
}

/* Steps that end where the dense output crosses the level, corrected by Newton's method until they meet it. */
static enum hk_status refine(const struct hk__motions *m, double level, double t, const hk_lanes *start, double *h,
                             double *x)
{
  double low = 0, high = *h * 1.001, at = *h;
  for (int i = 0; i < 8; i++) {
    struct hk__rk_step step;
    hk_lanes slope[HK_STATES_MAX];
    hk__rk_take(m, hk_lanes_all(t), hk_lanes_all(at), start, &step);
    hk__rk_slope(m, hk_lanes_all(t + at), step.end, slope);
    for (size_t j = 0; j < m->model->state_count; j++)
      x[j] = step.end[j][0];
    double correction = (level - x[0]) / slope[0][0];
    *h = at;
    if (!(fabs(correction) <= *h) || fabs(correction) < 1e-14 * (t + at) || at + correction <= low ||
        at + correction >= high)
      break;
    at += correction;
  }
  return isfinite(x[0]) ? HK_OK : HK_ERR_NUMERIC;
}

static enum hk_status look_along_dense_output(const struct hk__motions *m, const struct hk__stride *s, size_t lane,
                                              enum hk__crossing search, double level, struct hk__ahead *ahead)
{
  double range = s->high[lane] - s->low[lane], at;
  for (size_t j = 0; j < m->model->state_count; j++)
    ahead->x[j] = s->x[j][lane];
  if (search == HK__CROSS_NONE || level > s->high[lane] + range || level < s->low[lane] - range)
    return HK_OK;
  struct hk__motion one = one_of(m, lane);
  struct hk__motions alone;
  hk__motions_put_one(&alone, &one);
  struct hk__rk_step step;
  hk_lanes start[HK_STATES_MAX];
  for (size_t j = 0; j < m->model->state_count; j++)
    start[j] = hk_lanes_all(s->start[j][lane]);
  double t = s->t[lane], h = s->length[lane], w[HK_SERIES_MAX];
  hk__rk_take(&alone, hk_lanes_all(t), hk_lanes_all(h), start, &step);
  size_t count = hk__rk_polynomial(&alone, t, h, start, &step, w);
  ahead->crosses = first_crossing(w, count, search, level, m->model->strict, &at);
  if (!ahead->crosses)
    return HK_OK;
  ahead->dt = at * h;
  return refine(&alone, level, t, start, &ahead->dt, ahead->x);
}

enum hk_status hk__stride_look(const struct hk__motions *m, const struct hk__stride *s, size_t lane,
                               enum hk__crossing search, double level, struct hk__ahead *ahead)
{
  ahead->crosses = false;
  ahead->terms = 0;
  ahead->dt = s->length[lane];
  if (!m->model->series)
    return look_along_dense_output(m, s, lane, search, level, ahead);
  look_along_series(m, s, lane, search, level, ahead);
  return HK_OK;
}

/* --- steps --- */

/* Steps that nobody looks along are leaps, but under noise, where they are so short that series are faster, and where a
 * leap would make little of the way. Returns where. */
static hk_mask leap(const struct hk__motions *m, const struct hk__stride *s, hk_lanes *dt, hk_lanes *x)
{
  static const double most_leaps = 1000;
  const hk_mask may = (s->most < INFINITY) & ~m->restless;
  if (!m->model->leap || !hk_mask_any(may))
    return (hk_mask){0};
  *dt = hk_lanes_pick(may, s->most, hk_lanes_all(0));
  memcpy(x, s->start, m->model->state_count * sizeof *x);
  m->model->leap(m->param, &m->constant, &m->free, dt, x);
  return may & (most_leaps * *dt >= s->most) & (hk_lanes_abs(x[0]) <= DBL_MAX);
}

void hk__stride_take(struct hk__motions *m, struct hk__stride *s)
{
  if (!m->model->series) {
    hk__rk_stride(m, s);
    return;
  }
  hk_lanes dt, x[HK__STATES_ROOM];
  const hk_lanes pace = s->pace;
  const hk_mask leaps = leap(m, s, &dt, x);
  if (hk_mask_any(~leaps))
    take_series(m, s);
  if (!hk_mask_any(leaps))
    return;
  s->pace = hk_lanes_pick(leaps, pace, s->pace);
  s->done |= leaps;
  s->length = hk_lanes_pick(leaps, dt, s->length);
  for (size_t j = 0; j < m->model->state_count; j++)
    s->x[j] = hk_lanes_pick(leaps, x[j], s->x[j]);
}
