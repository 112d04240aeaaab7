/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/integrator.h"

#include <math.h>
#include <string.h>

#include "core/stride.h"

/* Steps that shrink below the resolution of time are taken together, this many at most, before the state counts as
 * out of bounds. */
enum { PATIENCE = 4096 };

void hk__ahead_at(const struct hk__ahead *ahead, size_t states, double dt, double *x)
{
  if (ahead->terms == 0) {
    memcpy(x, ahead->x, states * sizeof *x);
    return;
  }
  const double at = dt / ahead->span;
  const size_t room = hk__states_room(states);
  for (size_t j = 0; j < room; j += HK__ROW) {
    const double *term = ahead->x + (ahead->terms - 1) * room + j;
    double sum[HK__ROW];
    memcpy(sum, term, sizeof sum);
    for (size_t k = ahead->terms - 1; k-- > 0;) {
      term -= room;
      for (size_t i = 0; i < HK__ROW; i++)
        sum[i] = fma(sum[i], at, term[i]);
    }
    memcpy(x + j, sum, sizeof sum);
  }
}

/* A step of one neuron that stands in all lanes, tried until it is done. */
static enum hk_status take_one(struct hk__motions *m, struct hk__stride *s, double t, double most, double *pace,
                               const double *x)
{
  for (size_t j = 0; j < m->model->state_count; j++)
    s->start[j] = hk_lanes_all(x[j]);
  s->t = hk_lanes_all(t);
  s->most = hk_lanes_all(most);
  for (;;) {
    if (!(*pace > hk__shortest_pace))
      return HK_ERR_NUMERIC;
    s->pace = hk_lanes_all(*pace);
    hk__stride_take(m, s);
    *pace = s->pace[0];
    if (s->done[0])
      return HK_OK;
  }
}

double hk__quiet(const struct hk__motion *motion, const double *x)
{
  const struct hk_model *model = motion->model;
  if (!model->quiet)
    return 0;
  struct hk__motions m;
  hk_lanes state[HK_STATES_MAX], time;
  const hk_lanes swing = hk_lanes_all(hk__current_swing(motion->current));
  hk__motions_put_one(&m, motion);
  for (size_t j = 0; j < model->state_count; j++)
    state[j] = hk_lanes_all(x[j]);
  model->quiet(m.param, state, &m.constant, &swing, &time);
  return time[0];
}

enum hk_status hk__look_ahead(const struct hk__motion *motion, enum hk__crossing search, double level, double t,
                              double *pace, const double *x, struct hk__ahead *ahead)
{
  struct hk__motions m;
  struct hk__stride s;
  double gone = 0, state[HK__STATES_ROOM];
  hk__motions_put_one(&m, motion);
  memcpy(state, x, motion->model->state_count * sizeof *x);
  for (int steps = 0; steps < PATIENCE; steps++) {
    enum hk_status status = take_one(&m, &s, t + gone, INFINITY, pace, state);
    if (status == HK_OK)
      status = hk__stride_look(&m, &s, 0, search, level, ahead);
    if (status != HK_OK)
      return status;
    if (ahead->terms > 0)
      hk__stride_hand_over(&m, &s, (double *[HK_LANES]){ahead->x});
    if (gone > 0 && ahead->terms > 0) { /* the course from t on is that of several steps */
      hk__ahead_at(ahead, motion->model->state_count, ahead->dt, state);
      memcpy(ahead->x, state, motion->model->state_count * sizeof *x);
      ahead->terms = 0;
    }
    gone = ahead->dt += gone;
    if (ahead->crosses || hk__moves_on(t, gone))
      return HK_OK;
    for (size_t j = 0; j < motion->model->state_count; j++)
      state[j] = s.x[j][0];
  }
  return HK_ERR_NUMERIC;
}

enum hk_status hk__integrate(const struct hk__motion *motion, double t, double dt, double *pace, double *x)
{
  struct hk__motions m;
  struct hk__stride s;
  hk__motions_put_one(&m, motion);
  while (dt > 0) {
    enum hk_status status = take_one(&m, &s, t, dt, pace, x);
    if (status != HK_OK)
      return status;
    for (size_t j = 0; j < motion->model->state_count; j++)
      x[j] = s.x[j][0];
    t += s.length[0];
    dt -= s.length[0];
  }
  return HK_OK;
}

void hk__slope(const struct hk_model *model, const double *param, const double *x, double current, bool clamped,
               double *dx)
{
  struct hk__current constant = {.constant = current};
  struct hk__motion motion = {model, param, &constant, 0, clamped};
  struct hk__motions m;
  hk_lanes state[HK_SERIES_ROWS][HK_SERIES_MAX], currents[HK_SERIES_MAX] = {hk_lanes_all(current)};
  hk_lanes y[HK_STATES_MAX], dy[HK_STATES_MAX], second = hk_lanes_all(1);
  hk__motions_put_one(&m, &motion);
  for (size_t j = 0; j < model->state_count; j++)
    y[j] = state[j][0] = hk_lanes_all(x[j]);
  if (model->derivative)
    model->derivative(m.param, y, &m.constant, dy);
  else
    model->series(m.param, currents, &m.free, &second, 0, 1, state);
  for (size_t j = 0; j < model->state_count; j++)
    dx[j] = model->derivative ? dy[j][0] : state[j][1][0];
}
