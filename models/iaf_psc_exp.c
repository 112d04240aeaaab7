/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

enum { TAU_M, C_M, E_L, V_TH, V_RESET, T_REF, I_E, TAU_SYN_EX, TAU_SYN_IN };
enum { V_M, I_EX, I_IN };

static const struct hk_param params[] = {
    {"tau_m", "ms", 10.0, 0.0, INFINITY, true, "membrane time constant"},
    {"C_m", "pF", 250.0, 0.0, INFINITY, true, "membrane capacitance"},
    {"E_L", "mV", -70.0, -INFINITY, INFINITY, false, "resting potential"},
    {"V_th", "mV", -55.0, -INFINITY, INFINITY, false, "spike threshold"},
    {"V_reset", "mV", -70.0, -INFINITY, INFINITY, false, "reset potential"},
    {"t_ref", "ms", 2.0, 0.0, INFINITY, false, "refractory period"},
    {"I_e", "pA", 0.0, -INFINITY, INFINITY, false, "constant current"},
    {"tau_syn_ex", "ms", 2.0, 0.0, INFINITY, true, "decay time of the excitatory synaptic current"},
    {"tau_syn_in", "ms", 2.0, 0.0, INFINITY, true, "decay time of the inhibitory synaptic current"},
};

static const struct hk_state states[] = {
    {"V_m", "mV", 0.0, "E_L", HK_STATE_CLAMPED, "membrane potential"},
    {"I_syn_ex", "pA", 0.0, NULL, 0, "excitatory synaptic current"},
    {"I_syn_in", "pA", 0.0, NULL, 0, "inhibitory synaptic current"},
};

static const struct hk_port ports[] = {
    {"excitatory", "pA", +1, "jump of I_syn_ex"},
    {"inhibitory", "pA", -1, "jump of I_syn_in"},
};

static const char *check(const double *p)
{
  return p[V_RESET] < p[V_TH] ? NULL : "V_reset must be below V_th";
}

static void linear(const double *p, struct hk_linear *out)
{
  out->A[V_M][V_M] = -1.0 / p[TAU_M];
  out->A[V_M][I_EX] = out->A[V_M][I_IN] = 1.0 / p[C_M];
  out->A[I_EX][I_EX] = -1.0 / p[TAU_SYN_EX];
  out->A[I_IN][I_IN] = -1.0 / p[TAU_SYN_IN];
  out->b[V_M] = p[E_L] / p[TAU_M] + p[I_E] / p[C_M];
  out->drive[V_M] = 1.0 / p[C_M];
  out->jump[0][I_EX] = 1.0;
  out->jump[1][I_IN] = 1.0;
  out->sense[V_M] = 1.0;
  out->threshold = p[V_TH];
  out->t_ref = p[T_REF];
}

static void reset(const double *p, double *x)
{
  x[V_M] = p[V_RESET];
}

const struct hk_model hk_model_iaf_psc_exp = {
    .name = "iaf_psc_exp",
    .summary = "leaky integrate-and-fire neuron, exponentially decaying synaptic currents",
    .doc = "dV_m/dt = -(V_m - E_L) / tau_m + (I_syn_ex + I_syn_in + I_e) / C_m\n"
           "dI_syn_x/dt = -I_syn_x / tau_syn_x\n"
           "An event adds its weight to I_syn_ex (weight >= 0) or I_syn_in (weight < 0). A spike happens when V_m\n"
           "reaches V_th; V_m is then held at V_reset for t_ref while the synaptic currents go on.",
    .reference = "Tsodyks, Uziel, Markram (2000) J. Neurosci. 20:RC50; Rotter, Diesmann (1999) Biol. Cybern. 81:381",
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
