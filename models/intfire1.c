/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

enum { TAU, REFRAC };

static const struct hk_param params[] = {
    {"tau", "ms", 10.0, 0.0, INFINITY, true, "decay time of m"},
    {"refrac", "ms", 5.0, 0.0, INFINITY, false, "refractory period"},
};

static const struct hk_state states[] = {
    {"m", "1", 0.0, NULL, HK_STATE_CLAMPED, "normalised membrane state; a spike happens above 1"},
};

static const struct hk_port ports[] = {
    {"spikes", "1", 0, "jump of m; lost while refractory"},
};

static void linear(const double *p, struct hk_linear *out)
{
  out->A[0][0] = -1.0 / p[TAU];
  out->jump[0][0] = 1.0;
  out->sense[0] = 1.0;
  out->threshold = 1.0;
  out->t_ref = p[REFRAC];
}

static void reset(const double *p, double *x)
{
  (void)p;
  x[0] = 0.0;
}

const struct hk_model hk_model_intfire1 = {
    .name = "intfire1",
    .summary = "NEURON's artificial cell IntFire1: a leaky sum of weights",
    .doc = "dm/dt = -m / tau\n"
           "An event adds its weight to m. A spike happens when m exceeds 1; m is then held at 0 for refrac, and\n"
           "events that arrive meanwhile are lost.",
    .reference = "Hines, Carnevale (2004) J. Neurosci. Methods 140:185; NEURON's IntFire1",
    .kind = HK_MODEL_LINEAR,
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .states = states,
    .state_count = sizeof states / sizeof *states,
    .ports = ports,
    .port_count = sizeof ports / sizeof *ports,
    .strict = true,
    .linear = linear,
    .reset = reset,
};
