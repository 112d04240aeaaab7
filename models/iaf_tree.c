/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

enum { V_TH, V_RESET, T_REF, I_E, TAU_SYN_EX, TAU_SYN_IN };

static const struct hk_param params[] = {
    {"V_th", "mV", -55.0, -INFINITY, INFINITY, false, "spike threshold of the soma"},
    {"V_reset", "mV", -70.0, -INFINITY, INFINITY, false, "reset potential of the soma"},
    {"t_ref", "ms", 2.0, 0.0, INFINITY, false, "refractory period of the soma"},
    {"I_e", "pA", 0.0, -INFINITY, INFINITY, false, "constant current into the soma"},
    {"tau_syn_ex", "ms", 2.0, 0.0, INFINITY, true, "decay time of excitatory synaptic currents"},
    {"tau_syn_in", "ms", 2.0, 0.0, INFINITY, true, "decay time of inhibitory synaptic currents"},
};

static const struct hk_state states[] = {
    {"V_m", "mV", -70.0, NULL, HK_STATE_CLAMPED, "potential of the soma; V_m[NAME] is that of another compartment"},
};

static const struct hk_port ports[] = {
    {"soma", "pA", 0,
     "jump of a synaptic current into the soma; likewise for each other compartment, by name or index"},
};

static const char *check(const double *p)
{
  return p[V_RESET] < p[V_TH] ? NULL : "V_reset must be below V_th";
}

static void tree(const double *p, struct hk_tree_cell *out)
{
  *out = (struct hk_tree_cell){.tau_syn_ex = p[TAU_SYN_EX],
                               .tau_syn_in = p[TAU_SYN_IN],
                               .threshold = p[V_TH],
                               .reset = p[V_RESET],
                               .t_ref = p[T_REF],
                               .I_e = p[I_E]};
}

const struct hk_model hk_model_iaf_tree = {
    .name = "iaf_tree",
    .summary = "passive dendritic tree with a spiking soma, exponentially decaying synaptic currents on it",
    .doc = "C_k dV_k/dt = -g_L,k (V_k - E_L,k) - sum over neighbours j of g_c,kj (V_k - V_j) + I_ex,k + I_in,k\n"
           "dI_x,k/dt = -I_x,k / tau_syn_x                              (I_e and currents from inputs: into k = 0)\n"
           "The compartments are given under `morphology` as such (parent, C_m, g_L, E_L, g_c), as cylinders with\n"
           "specific capacitance, leak and axial resistivity, or as an SWC file; the first is the soma, which stays\n"
           "whole where `max_length` cuts the others. A projection names the compartment under `port`, by name or\n"
           "index; without one it goes to the soma. An event adds its weight to I_ex (weight >= 0) or I_in\n"
           "(weight < 0) of its compartment. A spike happens when the soma, V_m, reaches V_th; V_m is then held at\n"
           "V_reset for t_ref while the dendrites go on. The initial potentials are E_L. The solution is exact: a\n"
           "superposition of the tree's own modes, each of which decays by itself.",
    .reference = "Rall (1962) Biophys. J. 2:145; Koch (1999) Biophysics of Computation, chapters 2 and 3",
    .kind = HK_MODEL_TREE,
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .states = states,
    .state_count = sizeof states / sizeof *states,
    .ports = ports,
    .port_count = sizeof ports / sizeof *ports,
    .check = check,
    .tree = tree,
};
