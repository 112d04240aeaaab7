/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steps of the integrator, HK_LANES neurons at a time. What stands here, and the models' hooks, are compiled for
 * several widths: see HK__VARIANT. */
#ifndef HK__STRIDE_H
#define HK__STRIDE_H

#include "core/integrator.h"

#define hk__motions_put_one HK__VARIANT(hk__motions_put_one)
#define hk__stride_take HK__VARIANT(hk__stride_take)
#define hk__stride_look HK__VARIANT(hk__stride_look)
#define hk__stride_hand_over HK__VARIANT(hk__stride_hand_over)

/* Lengths of series that are tried one after the other, as most steps between events need few terms. */
enum { HK__LENGTHS = 6 };
struct hk__length {
  size_t last;
  double part;   /* steps that are longer than this part of the pace do not try so few: they would need more */
  double growth; /* of a step that needed so many, for the pace */
};

/* Work grows with the square of the length where products of series are most of it, else hardly faster than the length.
 */
static inline const struct hk__length *hk__lengths_of(const struct hk_model *model)
{
  static const struct hk__length usual[HK__LENGTHS] = {{6, 0.06, 2},  {8, 0.12, 2},  {10, 0.2, 2},
                                                       {12, 0.35, 2}, {15, 0.65, 2}, {HK__SERIES_LAST, INFINITY, 1.5}};
  static const struct hk__length costly[HK__LENGTHS] = {{6, 0.055, 2}, {8, 0.13, 2}, {10, 0.25, 2},
                                                        {12, 0.43, 2}, {14, 0.7, 2}, {16, INFINITY, 1.5}};
  return model->costly_series ? costly : usual;
}

/* The shortest of them that steps of this length try. */
static inline hk_mask hk__stride_effort(const struct hk__length *lengths, hk_lanes length, hk_lanes pace)
{
  hk_mask effort = {0};
  for (size_t i = 0; i + 1 < HK__LENGTHS; i++)
    effort -= length > lengths[i].part * pace; /* which is -1 where it holds */
  return effort;
}

static inline size_t hk__stride_effort_of(const struct hk__length *lengths, double length, double pace)
{
  size_t effort = 0;
#pragma GCC unroll 5
  for (size_t i = 0; i + 1 < HK__LENGTHS; i++)
    effort += length > lengths[i].part * pace;
  return effort;
}

/* HK_LANES neurons of one model, whose hooks take as many. */
struct hk__motions {
  const struct hk_model *model;
  const struct hk__length *lengths; /* that its series try */
  double tolerance;
  const double *source[HK_LANES]; /* where a lane's parameters are from */
  hk_lanes param[HK_PARAMS_MAX];
  const struct hk__current *current[HK_LANES];
  hk_lanes constant;              /* the currents' constants */
  hk_mask varies, restless;       /* where there are sines, too; or noise */
  hk_lanes free;                  /* 1; 0 where clamped states stand still */
  hk_lanes series[HK_SERIES_MAX]; /* the currents' terms of the last step: zeros past the first unless `varied` */
  bool varied;
};

/* A step of each. */
struct hk__stride {
  hk_lanes t, most; /* it begins at absolute time t and is no longer than this, >= 0 */
  hk_lanes pace;    /* > 0: the length that the last step found right; it is adapted */
  hk_lanes start[HK__STATES_ROOM];
  /* What comes of it: */
  hk_mask done;    /* elsewhere the length was too much: another try is due, with the new pace */
  hk_lanes length; /* where it is done */
  hk_lanes x[HK__STATES_ROOM];
  hk_lanes low, high; /* what state 0 stays between, more or less (Runge-Kutta) */
  hk_lanes term[HK_SERIES_ROWS][HK_SERIES_MAX];
  hk_lanes span, part; /* the series are in the time over span, of which the step takes this part: its length */
  hk_lanes last;       /* the highest term of each lane's series */
};

/* No neurons yet. */
static inline void hk__motions_begin(struct hk__motions *m, const struct hk_model *model, double tolerance)
{
  m->model = model;
  m->lengths = hk__lengths_of(model);
  m->tolerance = tolerance;
  memset(m->source, 0, sizeof m->source);
  memset(m->series, 0, sizeof m->series);
  m->varies = m->restless = (hk_mask){0};
  m->varied = false;
}

/* A lane's parameters. */
static inline void hk__motions_set_param(struct hk__motions *m, size_t lane, const double *param)
{
  if (m->source[lane] == param)
    return;
  for (size_t k = 0; k < m->model->param_count; k++)
    m->param[k][lane] = param[k];
  m->source[lane] = param;
}

/* Events arrive where the mask holds: of these weights, at these ports. What is clamped stands still. */
HK_INLINE void hk__motions_receive(const struct hk__motions *m, hk_mask which, hk_mask clamped, hk__words port,
                                   hk_lanes weight, hk_lanes *x)
{
  const struct hk_model *model = m->model;
  hk_lanes before[HK__STATES_ROOM];
  for (hk_mask waiting = which, served; hk_mask_any(waiting); waiting &= ~served) {
    const uint64_t one = port[__builtin_ctz(hk__mask_bits(waiting))];
    served = waiting & (port == one);
    memcpy(before, x, model->state_count * sizeof *x);
    model->receive(m->param, one, &weight, x);
    for (size_t j = 0; j < model->state_count; j++) {
      const bool stands = model->states[j].flags & HK_STATE_CLAMPED;
      x[j] = hk_lanes_pick(stands ? served & ~clamped : served, x[j], before[j]);
    }
  }
}

/* The same neuron in all lanes. */
void hk__motions_put_one(struct hk__motions *motions, const struct hk__motion *motion);

void hk__stride_take(struct hk__motions *motions, struct hk__stride *stride);

/* What the step of a lane, which is done, shows but for its series, which is handed over besides. search: HK__CROSS_UP
 * if state 0 is below the level and is to be caught when it reaches it, HK__CROSS_DOWN if it is above and is to be
 * caught when it falls below. */
enum hk_status hk__stride_look(const struct hk__motions *motions, const struct hk__stride *stride, size_t lane,
                               enum hk__crossing search, double level, struct hk__ahead *ahead);

/* Hands the lanes' series over: to[i] is where a look ahead of lane i wants it, or NULL. */
void hk__stride_hand_over(const struct hk__motions *motions, const struct hk__stride *stride,
                          double *const to[HK_LANES]);

#endif
