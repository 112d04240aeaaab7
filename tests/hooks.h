/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hooks of models, which work on lanes, for one neuron. */
#ifndef HK_TESTS_HOOKS_H
#define HK_TESTS_HOOKS_H

#include <hillock/model.h>

/* Adds an event at a port of a free neuron of a nonlinear model to its state x; weight in the port's unit. */
static inline void receive_event(const struct hk_model *model, const double *param, size_t port, double weight,
                                 double *x)
{
  hk_lanes params[HK_PARAMS_MAX], state[HK_STATES_MAX];
  const hk_lanes weights = hk_lanes_all(weight);
  for (size_t k = 0; k < model->param_count; k++)
    params[k] = hk_lanes_all(param[k]);
  for (size_t j = 0; j < model->state_count; j++)
    state[j] = hk_lanes_all(x[j]);
  model->receive(params, port, &weights, state);
  for (size_t j = 0; j < model->state_count; j++)
    x[j] = state[j][0];
}

#endif
