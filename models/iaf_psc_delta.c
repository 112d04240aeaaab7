/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

enum { TAU_M, C_M, E_L, V_TH, V_RESET, T_REF, I_E };

static const struct hk_param params[] = {
    {"tau_m", "ms", 10.0, 0.0, INFINITY, true, "membrane time constant"},
    {"C_m", "pF", 250.0, 0.0, INFINITY, true, "membrane capacitance"},
    {"E_L", "mV", -70.0, -INFINITY, INFINITY, false, "resting potential"},
    {"V_th", "mV", -55.0, -INFINITY, INFINITY, false, "spike threshold"},
    {"V_reset", "mV", -70.0, -INFINITY, INFINITY, false, "reset potential"},
    {"t_ref", "ms", 2.0, 0.0, INFINITY, false, "refractory period"},
    {"I_e", "pA", 0.0, -INFINITY, INFINITY, false, "constant current"},
};

static const struct hk_state states[] = {
    {"V_m", "mV", 0.0, "E_L", HK_STATE_CLAMPED, "membrane potential"},
};

static const struct hk_port ports[] = {
    {"spikes", "mV", 0, "jump of the membrane potential; lost while refractory"},
};

static const char *check(const double *p)
{
  return p[V_RESET] < p[V_TH] ? NULL : "V_reset must be below V_th";
}

static void linear(const double *p, struct hk_linear *out)
{
  out->A[0][0] = -1.0 / p[TAU_M];
  out->b[0] = p[E_L] / p[TAU_M] + p[I_E] / p[C_M];
  out->drive[0] = 1.0 / p[C_M];
  out->jump[0][0] = 1.0;
  out->sense[0] = 1.0;
  out->threshold = p[V_TH];
  out->t_ref = p[T_REF];
}

static void reset(const double *p, double *x)
{
  x[0] = p[V_RESET];
}

const struct hk_model hk_model_iaf_psc_delta = {
    .name = "iaf_psc_delta",
    .summary = "leaky integrate-and-fire neuron, voltage-jump synapses",
    .doc = "dV_m/dt = -(V_m - E_L) / tau_m + I_e / C_m\n"
           "An event adds its weight to V_m. A spike happens when V_m reaches V_th; V_m is then held at V_reset for\n"
           "t_ref, and events that arrive meanwhile are lost.",
    .reference = "Lapicque (1907); Tuckwell (1988) Introduction to Theoretical Neurobiology, vol. 1",
    .kind = HK_MODEL_LINEAR,
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .states = states,
    .state_count = sizeof states / sizeof *states,
    .ports = ports,
    .port_count = sizeof ports / sizeof *ports,
    .check = check,
    .linear = linear,
    .reset = reset,
};
