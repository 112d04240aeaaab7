/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

enum { TAU_M, C_M, E_L, V_TH, V_RESET, T_REF, I_E, TAU_SYN, I_HALF, I_WIDTH, I_MAX };
enum { V_M, I_SOMA, I_BRANCH };
enum { BRANCHES = 8 };

static const struct hk_param params[] = {
    {"tau_m", "ms", 10.0, 0.0, INFINITY, true, "membrane time constant"},
    {"C_m", "pF", 250.0, 0.0, INFINITY, true, "membrane capacitance"},
    {"E_L", "mV", -70.0, -INFINITY, INFINITY, false, "resting potential"},
    {"V_th", "mV", -55.0, -INFINITY, INFINITY, false, "spike threshold"},
    {"V_reset", "mV", -70.0, -INFINITY, INFINITY, false, "reset potential"},
    {"t_ref", "ms", 2.0, 0.0, INFINITY, false, "refractory period"},
    {"I_e", "pA", 0.0, -INFINITY, INFINITY, false, "constant current into the soma"},
    {"tau_syn", "ms", 5.0, 0.0, INFINITY, true, "decay time of the synaptic currents"},
    {"I_half", "pA", 300.0, -INFINITY, INFINITY, false, "summed current at which a branch gives half of I_max"},
    {"I_width", "pA", 60.0, 0.0, INFINITY, true, "how gradual the step of the branch function is"},
    {"I_max", "pA", 600.0, 0.0, INFINITY, false, "the most that a branch adds"},
};

static const struct hk_state states[] = {
    {"V_m", "mV", 0.0, "E_L", HK_STATE_CLAMPED, "membrane potential of the soma"},
    {"I_soma", "pA", 0.0, NULL, 0, "synaptic current at the soma"},
    {"I_1", "pA", 0.0, NULL, 0, "summed synaptic current on branch 1"},
    {"I_2", "pA", 0.0, NULL, 0, "summed synaptic current on branch 2"},
    {"I_3", "pA", 0.0, NULL, 0, "summed synaptic current on branch 3"},
    {"I_4", "pA", 0.0, NULL, 0, "summed synaptic current on branch 4"},
    {"I_5", "pA", 0.0, NULL, 0, "summed synaptic current on branch 5"},
    {"I_6", "pA", 0.0, NULL, 0, "summed synaptic current on branch 6"},
    {"I_7", "pA", 0.0, NULL, 0, "summed synaptic current on branch 7"},
    {"I_8", "pA", 0.0, NULL, 0, "summed synaptic current on branch 8"},
};

static const struct hk_port ports[] = {
    {"soma", "pA", 0, "jump of I_soma"},  {"branch_1", "pA", 0, "jump of I_1"}, {"branch_2", "pA", 0, "jump of I_2"},
    {"branch_3", "pA", 0, "jump of I_3"}, {"branch_4", "pA", 0, "jump of I_4"}, {"branch_5", "pA", 0, "jump of I_5"},
    {"branch_6", "pA", 0, "jump of I_6"}, {"branch_7", "pA", 0, "jump of I_7"}, {"branch_8", "pA", 0, "jump of I_8"},
};

static const char *check(const double *p)
{
  return p[V_RESET] < p[V_TH] ? NULL : "V_reset must be below V_th";
}

/* What a branch adds beyond nothing for no input: (s(I) - s(0)) / (1 - s(0)), written so that neither s(0) cancels nor
 * an exponential of the current runs out of bounds. */
static hk_lanes branch(const hk_lanes *p, hk_lanes current)
{
  const hk_mask in = current >= 0;
  const hk_lanes one = hk_lanes_all(1), e = hk_lanes_exp(-hk_lanes_abs(current) / p[I_WIDTH]);
  const hk_lanes half = hk_lanes_exp((p[I_HALF] - hk_lanes_max(current, 0 * one)) / p[I_WIDTH]);
  return p[I_MAX] * (hk_lanes_pick(in, one, e) - hk_lanes_pick(in, e, one)) / (hk_lanes_pick(in, one, e) + half);
}

static void derivative(const hk_lanes *p, const hk_lanes *x, const hk_lanes *current, hk_lanes *dx)
{
  hk_lanes sum = p[I_E] + *current + x[I_SOMA];
  for (int i = 0; i < BRANCHES; i++)
    if (hk_mask_any(x[I_BRANCH + i] != 0))
      sum += branch(p, x[I_BRANCH + i]);
  dx[V_M] = (p[E_L] - x[V_M]) / p[TAU_M] + sum / p[C_M];
  for (int i = 0; i <= BRANCHES; i++)
    dx[I_SOMA + i] = -x[I_SOMA + i] / p[TAU_SYN];
}

static void receive(const hk_lanes *p, size_t port, const hk_lanes *weight, hk_lanes *x)
{
  (void)p;
  x[I_SOMA + port] += *weight;
}

static void reset(const double *p, double *x)
{
  x[V_M] = p[V_RESET];
}

static double threshold(const double *p)
{
  return p[V_TH];
}

static double refractory(const double *p)
{
  return p[T_REF];
}

const struct hk_model hk_model_iaf_branches = {
    .name = "iaf_branches",
    .summary = "two-layer neuron: eight branches with a sigmoid of their summed input, summed by a spiking soma",
    .doc = "dV_m/dt = -(V_m - E_L) / tau_m + (I_soma + F(I_1) + ... + F(I_8) + I_e) / C_m\n"
           "dI_b/dt = -I_b / tau_syn\n"
           "F(I) = I_max (s(I) - s(0)) / (1 - s(0)),   s(I) = 1 / (1 + exp((I_half - I) / I_width))\n"
           "A branch sums its synaptic currents; what reaches the soma is a sigmoid of that sum: more than the sum\n"
           "near I_half (supralinear), at most I_max above (saturating). So inputs gathered on one branch can do\n"
           "more, or less, than the same inputs spread over several. Synapses at the soma bypass the branches. A\n"
           "spike happens when V_m reaches V_th; V_m is then held at V_reset for t_ref while the currents go on.",
    .reference = "Poirazi, Brannon, Mel (2003) Neuron 37:989",
    .kind = HK_MODEL_NONLINEAR,
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .states = states,
    .state_count = sizeof states / sizeof *states,
    .ports = ports,
    .port_count = sizeof ports / sizeof *ports,
    .check = check,
    .reset = reset,
    .derivative = derivative,
    .receive = receive,
    .threshold = threshold,
    .refractory = refractory,
};
