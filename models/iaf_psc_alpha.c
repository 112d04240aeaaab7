/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

enum { TAU_M, C_M, E_L, V_TH, V_RESET, T_REF, I_E, TAU_SYN_EX, TAU_SYN_IN };
enum { V_M, I_EX, DI_EX, I_IN, DI_IN };

static const struct hk_param params[] = {
    {"tau_m", "ms", 10.0, 0.0, INFINITY, true, "membrane time constant"},
    {"C_m", "pF", 250.0, 0.0, INFINITY, true, "membrane capacitance"},
    {"E_L", "mV", -70.0, -INFINITY, INFINITY, false, "resting potential"},
    {"V_th", "mV", -55.0, -INFINITY, INFINITY, false, "spike threshold"},
    {"V_reset", "mV", -70.0, -INFINITY, INFINITY, false, "reset potential"},
    {"t_ref", "ms", 2.0, 0.0, INFINITY, false, "refractory period"},
    {"I_e", "pA", 0.0, -INFINITY, INFINITY, false, "constant current"},
    {"tau_syn_ex", "ms", 2.0, 0.0, INFINITY, true, "rise time of the excitatory synaptic current"},
    {"tau_syn_in", "ms", 2.0, 0.0, INFINITY, true, "rise time of the inhibitory synaptic current"},
};

static const struct hk_state states[] = {
    {"V_m", "mV", 0.0, "E_L", HK_STATE_CLAMPED, "membrane potential"},
    {"I_syn_ex", "pA", 0.0, NULL, 0, "excitatory synaptic current"},
    {"dI_syn_ex", "pA/ms", 0.0, NULL, 0, "I_syn_ex's drive: dI_syn_ex/dt + I_syn_ex / tau_syn_ex"},
    {"I_syn_in", "pA", 0.0, NULL, 0, "inhibitory synaptic current"},
    {"dI_syn_in", "pA/ms", 0.0, NULL, 0, "I_syn_in's drive: dI_syn_in/dt + I_syn_in / tau_syn_in"},
};

static const struct hk_port ports[] = {
    {"excitatory", "pA", +1, "peak of an alpha-shaped current"},
    {"inhibitory", "pA", -1, "peak of an alpha-shaped current"},
};

static const char *check(const double *p)
{
  return p[V_RESET] < p[V_TH] ? NULL : "V_reset must be below V_th";
}

static void linear(const double *p, struct hk_linear *out)
{
  out->A[V_M][V_M] = -1.0 / p[TAU_M];
  out->A[V_M][I_EX] = out->A[V_M][I_IN] = 1.0 / p[C_M];
  out->A[I_EX][I_EX] = out->A[DI_EX][DI_EX] = -1.0 / p[TAU_SYN_EX];
  out->A[I_IN][I_IN] = out->A[DI_IN][DI_IN] = -1.0 / p[TAU_SYN_IN];
  out->A[I_EX][DI_EX] = out->A[I_IN][DI_IN] = 1.0;
  out->b[V_M] = p[E_L] / p[TAU_M] + p[I_E] / p[C_M];
  out->drive[V_M] = 1.0 / p[C_M];
  out->jump[0][DI_EX] = M_E / p[TAU_SYN_EX];
  out->jump[1][DI_IN] = M_E / p[TAU_SYN_IN];
  out->sense[V_M] = 1.0;
  out->threshold = p[V_TH];
  out->t_ref = p[T_REF];
}

static void reset(const double *p, double *x)
{
  x[V_M] = p[V_RESET];
}

const struct hk_model hk_model_iaf_psc_alpha = {
    .name = "iaf_psc_alpha",
    .summary = "leaky integrate-and-fire neuron, alpha-shaped synaptic currents",
    .doc =
        "dV_m/dt = -(V_m - E_L) / tau_m + (I_syn_ex + I_syn_in + I_e) / C_m\n"
        "An event of weight w at time 0 adds w e (t / tau_syn_x) exp(-t / tau_syn_x), of peak w at t = tau_syn_x, to\n"
        "I_syn_ex (w >= 0) or I_syn_in (w < 0). A spike happens when V_m reaches V_th; V_m is then held at V_reset\n"
        "for t_ref while the synaptic currents go on.",
    .reference = "Rotter, Diesmann (1999) Biol. Cybern. 81:381",
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
