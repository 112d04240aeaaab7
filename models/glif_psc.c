/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

enum { V_TH, G, E_L, C_M, T_REF, V_RESET, TH_SPIKE_ADD, TH_SPIKE_DECAY, RESET_FRACTION, RESET_ADD, TH_VOLTAGE_INDEX };
enum { TH_VOLTAGE_DECAY = TH_VOLTAGE_INDEX + 1, ASC_INIT, ASC_DECAY = ASC_INIT + 2, ASC_AMPS = ASC_DECAY + 2 };
enum { ASC_R = ASC_AMPS + 2, TAU_SYN = ASC_R + 2, HAS_TH_SPIKE = TAU_SYN + 4, HAS_ASC, HAS_TH_VOLTAGE };
enum { V_M, ASC, TH_SPIKE = ASC + 2, TH_VOLTAGE, I_SYN, DI_SYN = I_SYN + 4 };
enum { CURRENTS = 2, RECEPTORS = 4 };

static const struct hk_param params[] = {
    {"V_th", "mV", -51.68, -INFINITY, INFINITY, false, "threshold without its two components"},
    {"g", "nS", 9.43, 0.0, INFINITY, true, "membrane conductance"},
    {"E_L", "mV", -78.85, -INFINITY, INFINITY, false, "resting potential"},
    {"C_m", "pF", 58.72, 0.0, INFINITY, true, "membrane capacitance"},
    {"t_ref", "ms", 3.75, 0.0, INFINITY, true, "refractory period"},
    {"V_reset", "mV", -78.85, -INFINITY, INFINITY, false, "reset potential (GLIF 1, 3)"},
    {"th_spike_add", "mV", 0.37, -INFINITY, INFINITY, false, "step of threshold_spike at a spike (GLIF 2, 4, 5)"},
    {"th_spike_decay", "1/ms", 0.009, 0.0, INFINITY, true, "its decay rate (GLIF 2, 4, 5)"},
    {"voltage_reset_fraction", "1", 0.2, 0.0, 1.0, false, "part of V_m - E_L that is left by a spike (GLIF 2, 4, 5)"},
    {"voltage_reset_add", "mV", 18.51, -INFINITY, INFINITY, false, "what a spike adds to that (GLIF 2, 4, 5)"},
    {"th_voltage_index", "1/ms", 0.005, -INFINITY, INFINITY, false, "coupling of threshold_voltage to V_m (GLIF 5)"},
    {"th_voltage_decay", "1/ms", 0.09, 0.0, INFINITY, true, "its decay rate (GLIF 5)"},
    {"asc_init_1", "pA", 0.0, -INFINITY, INFINITY, false, "initial value of the first after-spike current"},
    {"asc_init_2", "pA", 0.0, -INFINITY, INFINITY, false, "initial value of the second after-spike current"},
    {"asc_decay_1", "1/ms", 0.003, 0.0, INFINITY, true, "decay rate of the first after-spike current"},
    {"asc_decay_2", "1/ms", 0.1, 0.0, INFINITY, true, "decay rate of the second after-spike current"},
    {"asc_amps_1", "pA", -9.18, -INFINITY, INFINITY, false, "what a spike adds to the first after-spike current"},
    {"asc_amps_2", "pA", -198.94, -INFINITY, INFINITY, false, "what a spike adds to the second after-spike current"},
    {"asc_r_1", "1", 1.0, 0.0, 1.0, false, "part of the first after-spike current that is left by a spike"},
    {"asc_r_2", "1", 1.0, 0.0, 1.0, false, "part of the second after-spike current that is left by a spike"},
    {"tau_syn_1", "ms", 2.0, 0.0, INFINITY, true, "rise time of the synaptic current of port 1"},
    {"tau_syn_2", "ms", 2.0, 0.0, INFINITY, true, "rise time of the synaptic current of port 2"},
    {"tau_syn_3", "ms", 2.0, 0.0, INFINITY, true, "rise time of the synaptic current of port 3"},
    {"tau_syn_4", "ms", 2.0, 0.0, INFINITY, true, "rise time of the synaptic current of port 4"},
    {"spike_dependent_threshold", "1", 0.0, 0.0, 1.0, false, "1: reset and threshold of GLIF 2, 4, 5"},
    {"after_spike_currents", "1", 0.0, 0.0, 1.0, false, "1: after-spike currents of GLIF 3, 4, 5"},
    {"adapting_threshold", "1", 0.0, 0.0, 1.0, false, "1: threshold that follows the voltage, of GLIF 5"},
};

static const struct hk_state states[] = {
    {"V_m", "mV", 0.0, "E_L", HK_STATE_CLAMPED, "membrane potential"},
    {"ASCurrents_1", "pA", 0.0, "asc_init_1", HK_STATE_CLAMPED, "first after-spike current"},
    {"ASCurrents_2", "pA", 0.0, "asc_init_2", HK_STATE_CLAMPED, "second after-spike current"},
    {"threshold_spike", "mV", 0.0, NULL, HK_STATE_CLAMPED, "component of the threshold that spikes raise"},
    {"threshold_voltage", "mV", 0.0, NULL, HK_STATE_CLAMPED, "component of the threshold that follows the voltage"},
    {"I_syn_1", "pA", 0.0, NULL, 0, "synaptic current of port 1"},
    {"I_syn_2", "pA", 0.0, NULL, 0, "synaptic current of port 2"},
    {"I_syn_3", "pA", 0.0, NULL, 0, "synaptic current of port 3"},
    {"I_syn_4", "pA", 0.0, NULL, 0, "synaptic current of port 4"},
    {"dI_syn_1", "pA/ms", 0.0, NULL, 0, "I_syn_1's drive: dI_syn_1/dt + I_syn_1 / tau_syn_1"},
    {"dI_syn_2", "pA/ms", 0.0, NULL, 0, "I_syn_2's drive: dI_syn_2/dt + I_syn_2 / tau_syn_2"},
    {"dI_syn_3", "pA/ms", 0.0, NULL, 0, "I_syn_3's drive: dI_syn_3/dt + I_syn_3 / tau_syn_3"},
    {"dI_syn_4", "pA/ms", 0.0, NULL, 0, "I_syn_4's drive: dI_syn_4/dt + I_syn_4 / tau_syn_4"},
};

static const struct hk_port ports[] = {
    {"1", "pA", 0, "peak of an alpha-shaped current of rise time tau_syn_1"},
    {"2", "pA", 0, "peak of an alpha-shaped current of rise time tau_syn_2"},
    {"3", "pA", 0, "peak of an alpha-shaped current of rise time tau_syn_3"},
    {"4", "pA", 0, "peak of an alpha-shaped current of rise time tau_syn_4"},
};

static const char *check(const double *p)
{
  for (int flag = HAS_TH_SPIKE; flag <= HAS_TH_VOLTAGE; flag++)
    if (p[flag] != 0 && p[flag] != 1)
      return "spike_dependent_threshold, after_spike_currents and adapting_threshold are 0 or 1";
  if (p[HAS_TH_VOLTAGE] == 1 && (p[HAS_TH_SPIKE] == 0 || p[HAS_ASC] == 0))
    return "adapting_threshold (GLIF 5) needs spike_dependent_threshold and after_spike_currents as well";
  return p[V_RESET] < p[V_TH] ? NULL : "V_reset must be below V_th";
}

static void linear(const double *p, struct hk_linear *out)
{
  out->A[V_M][V_M] = -p[G] / p[C_M];
  out->b[V_M] = p[G] * p[E_L] / p[C_M];
  out->drive[V_M] = 1.0 / p[C_M];
  for (int i = 0; i < CURRENTS; i++) {
    out->A[ASC + i][ASC + i] = -p[ASC_DECAY + i];
    out->A[V_M][ASC + i] = p[HAS_ASC] / p[C_M];
  }
  out->A[TH_SPIKE][TH_SPIKE] = -p[TH_SPIKE_DECAY];
  out->A[TH_VOLTAGE][TH_VOLTAGE] = -p[TH_VOLTAGE_DECAY];
  out->A[TH_VOLTAGE][V_M] = p[HAS_TH_VOLTAGE] * p[TH_VOLTAGE_INDEX];
  out->b[TH_VOLTAGE] = -p[HAS_TH_VOLTAGE] * p[TH_VOLTAGE_INDEX] * p[E_L];
  for (int i = 0; i < RECEPTORS; i++) {
    out->A[V_M][I_SYN + i] = 1.0 / p[C_M];
    out->A[I_SYN + i][I_SYN + i] = out->A[DI_SYN + i][DI_SYN + i] = -1.0 / p[TAU_SYN + i];
    out->A[I_SYN + i][DI_SYN + i] = 1.0;
    out->jump[i][DI_SYN + i] = M_E / p[TAU_SYN + i];
  }
  out->sense[V_M] = 1.0;
  out->sense[TH_SPIKE] = -p[HAS_TH_SPIKE];
  out->sense[TH_VOLTAGE] = -p[HAS_TH_VOLTAGE];
  out->threshold = p[V_TH];
  out->t_ref = p[T_REF];
}

/* What decays is put where it will be at the end of the refractory period, until when it stands still. */
static void reset(const double *p, double *x)
{
  for (int i = 0; i < CURRENTS; i++)
    x[ASC + i] = p[ASC_AMPS + i] + x[ASC + i] * p[ASC_R + i] * hk_exp(-p[ASC_DECAY + i] * p[T_REF]);
  if (p[HAS_TH_SPIKE] == 0) {
    x[V_M] = p[V_RESET];
    return;
  }
  x[V_M] = p[E_L] + p[RESET_FRACTION] * (x[V_M] - p[E_L]) + p[RESET_ADD];
  x[TH_SPIKE] = x[TH_SPIKE] * hk_exp(-p[TH_SPIKE_DECAY] * p[T_REF]) + p[TH_SPIKE_ADD];
}

const struct hk_model hk_model_glif_psc = {
    .name = "glif_psc",
    .summary = "generalised leaky integrate-and-fire neurons GLIF 1 to 5, alpha-shaped synaptic currents",
    .doc =
        "C_m dV_m/dt = -g (V_m - E_L) + sum of ASCurrents_j + sum of I_syn_k\n"
        "dASCurrents_j/dt = -asc_decay_j ASCurrents_j\n"
        "dthreshold_spike/dt = -th_spike_decay threshold_spike\n"
        "dthreshold_voltage/dt = th_voltage_index (V_m - E_L) - th_voltage_decay threshold_voltage\n"
        "An event of weight w at port k adds w e (t / tau_syn_k) exp(-t / tau_syn_k) to I_syn_k. A spike happens\n"
        "when V_m exceeds V_th + threshold_spike + threshold_voltage. After t_ref, in which all but the synaptic\n"
        "currents stands still, V_m begins at V_reset or, with a spike-dependent threshold, at\n"
        "E_L + voltage_reset_fraction (V_m - E_L) + voltage_reset_add; threshold_spike has grown by th_spike_add\n"
        "and ASCurrents_j is asc_amps_j + asc_r_j ASCurrents_j, the old ones decayed over t_ref.\n"
        "GLIF 1: none of the three switches; 2: spike_dependent_threshold; 3: after_spike_currents; 4: both; 5: all.",
    .reference = "Teeter et al. (2018) Nat. Commun. 9:709; NEST's glif_psc",
    .kind = HK_MODEL_LINEAR,
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .states = states,
    .state_count = sizeof states / sizeof *states,
    .ports = ports,
    .port_count = sizeof ports / sizeof *ports,
    .strict = true,
    .check = check,
    .linear = linear,
    .reset = reset,
};
