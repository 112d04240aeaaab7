/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

enum { G_NA, G_K, G_L, C_M, E_NA, E_K, E_L, V_T, E_EX, E_IN, TAU_SYN_EX, TAU_SYN_IN, I_E, V_TH };
enum { V_M, ACT_M, INACT_H, ACT_N, G_EX, G_IN };

static const struct hk_param params[] = {
    {"g_Na", "nS", 20000.0, 0.0, INFINITY, false, "peak conductance of sodium"},
    {"g_K", "nS", 6000.0, 0.0, INFINITY, false, "peak conductance of potassium"},
    {"g_L", "nS", 10.0, 0.0, INFINITY, false, "leak conductance"},
    {"C_m", "pF", 200.0, 0.0, INFINITY, true, "membrane capacitance"},
    {"E_Na", "mV", 50.0, -INFINITY, INFINITY, false, "reversal potential of sodium"},
    {"E_K", "mV", -90.0, -INFINITY, INFINITY, false, "reversal potential of potassium"},
    {"E_L", "mV", -60.0, -INFINITY, INFINITY, false, "reversal potential of the leak"},
    {"V_T", "mV", -63.0, -INFINITY, INFINITY, false, "shifts the gates' voltages, and so the threshold of excitation"},
    {"E_ex", "mV", 0.0, -INFINITY, INFINITY, false, "excitatory reversal potential"},
    {"E_in", "mV", -80.0, -INFINITY, INFINITY, false, "inhibitory reversal potential"},
    {"tau_syn_ex", "ms", 5.0, 0.0, INFINITY, true, "decay time of the excitatory conductance"},
    {"tau_syn_in", "ms", 10.0, 0.0, INFINITY, true, "decay time of the inhibitory conductance"},
    {"I_e", "pA", 0.0, -INFINITY, INFINITY, false, "constant current"},
    {"V_th", "mV", 0.0, -INFINITY, INFINITY, false, "a spike is told when V_m rises through this potential"},
};

static const struct hk_state states[] = {
    {"V_m", "mV", 0.0, "E_L", 0, "membrane potential"},
    {"Act_m", "1", 0.0, NULL, HK_STATE_FRACTION, "activation of sodium; at its steady state at first unless given"},
    {"Inact_h", "1", 0.0, NULL, HK_STATE_FRACTION, "inactivation of sodium; at its steady state at first unless given"},
    {"Act_n", "1", 0.0, NULL, HK_STATE_FRACTION, "activation of potassium; at its steady state at first unless given"},
    {"g_ex", "nS", 0.0, NULL, 0, "excitatory conductance"},
    {"g_in", "nS", 0.0, NULL, 0, "inhibitory conductance"},
};

static const struct hk_port ports[] = {
    {"excitatory", "nS", +1, "jump of g_ex"},
    {"inhibitory", "nS", -1, "jump of g_in, by the weight's magnitude"},
};

/* x / (exp x - 1), given e = exp x. */
static hk_lanes linoid(hk_lanes x, hk_lanes e)
{
  hk_lanes y = x * x, near_0 = hk_lanes_fma(y, hk_lanes_all(1.0 / 30240), hk_lanes_all(-1.0 / 720));
  near_0 = hk_lanes_fma(y, hk_lanes_fma(y, near_0, hk_lanes_all(1.0 / 12)), 1 - 0.5 * x);
  return hk_lanes_pick(y < 0.05 * 0.05, near_0, x / (e - 1));
}

/* Opening and closing rates of m, h and n, per ms, at u = V - V_T. All are functions of exp(-u / 360), whose powers
 * give exp(-u / 40), exp(-u / 18), exp(-u / 5) and exp(-u / 4). */
static void rates(hk_lanes u, hk_lanes *open, hk_lanes *close)
{
  hk_lanes e = hk_lanes_exp(-u / 360), e90 = e * e * e * e, e45 = e90 * e90;
  hk_lanes e40 = e45 * e, e20 = e40 * e40, e10 = e20 * e20, e5 = e10 * e10, e18 = e45 * e45 * e90, e4 = e5 * e20;
  open[0] = 1.28 * linoid((13 - u) / 4, e4 * 25.790339917193062);    /* exp(13 / 4) */
  close[0] = 1.4 * linoid((u - 40) / 5, 3.3546262790251185e-4 / e5); /* exp(-8) */
  open[1] = 0.128 * 2.5713844347880297 * e18;                        /* exp(17 / 18) */
  close[1] = 4 / (1 + e5 * 2980.9579870417283);                      /* exp(8) */
  open[2] = 0.16 * linoid((15 - u) / 5, e5 * 20.085536923187668);    /* exp(3) */
  close[2] = 0.5 * 1.2840254166877414 * e40;                         /* exp(1 / 4) */
}

static void initialise(const double *p, double *x, const bool *given)
{
  hk_lanes open[3], close[3];
  rates(hk_lanes_all(x[V_M] - p[V_T]), open, close);
  for (int gate = 0; gate < 3; gate++)
    if (!given[ACT_M + gate])
      x[ACT_M + gate] = open[gate][0] / (open[gate][0] + close[gate][0]);
}

static void derivative(const hk_lanes *p, const hk_lanes *x, const hk_lanes *current, hk_lanes *dx)
{
  hk_lanes open[3], close[3], v = x[V_M], n2 = x[ACT_N] * x[ACT_N];
  rates(v - p[V_T], open, close);
  hk_lanes sodium = p[G_NA] * x[ACT_M] * x[ACT_M] * x[ACT_M] * x[INACT_H], potassium = p[G_K] * n2 * n2;
  dx[V_M] = (p[I_E] + *current - p[G_L] * (v - p[E_L]) - sodium * (v - p[E_NA]) - potassium * (v - p[E_K]) -
             x[G_EX] * (v - p[E_EX]) - x[G_IN] * (v - p[E_IN])) /
            p[C_M];
  for (int gate = 0; gate < 3; gate++)
    dx[ACT_M + gate] = open[gate] * (1 - x[ACT_M + gate]) - close[gate] * x[ACT_M + gate];
  dx[G_EX] = -x[G_EX] / p[TAU_SYN_EX];
  dx[G_IN] = -x[G_IN] / p[TAU_SYN_IN];
}

static void receive(const double *p, size_t port, double weight, double *x)
{
  (void)p;
  x[port == 0 ? G_EX : G_IN] += fabs(weight);
}

static double threshold(const double *p)
{
  return p[V_TH];
}

const struct hk_model hk_model_hh_cond_exp_traub = {
    .name = "hh_cond_exp_traub",
    .summary = "Hodgkin-Huxley neuron after Traub and Miles, exponentially decaying synaptic conductances",
    .doc = "C_m dV_m/dt = -g_L (V_m - E_L) - g_Na m^3 h (V_m - E_Na) - g_K n^4 (V_m - E_K)\n"
           "              - g_ex (V_m - E_ex) - g_in (V_m - E_in) + I_e\n"
           "dm/dt = alpha_m (1 - m) - beta_m m, h and n likewise; with u = V_m - V_T in mV, per ms:\n"
           "alpha_m = 0.32 (13 - u) / (exp((13 - u) / 4) - 1)     beta_m = 0.28 (u - 40) / (exp((u - 40) / 5) - 1)\n"
           "alpha_h = 0.128 exp((17 - u) / 18)                    beta_h = 4 / (1 + exp((40 - u) / 5))\n"
           "alpha_n = 0.032 (15 - u) / (exp((15 - u) / 5) - 1)    beta_n = 0.5 exp((10 - u) / 40)\n"
           "dg_x/dt = -g_x / tau_syn_x\n"
           "An event adds the magnitude of its weight to g_ex (weight >= 0) or g_in (weight < 0). Nothing is reset:\n"
           "a spike is told each time V_m rises through V_th.",
    .reference = "Traub, Miles (1991) Neuronal Networks of the Hippocampus; Brette et al. (2007) J. Comput. "
                 "Neurosci. 23:349, benchmark 3; NEST's hh_cond_exp_traub",
    .kind = HK_MODEL_NONLINEAR,
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .states = states,
    .state_count = sizeof states / sizeof *states,
    .ports = ports,
    .port_count = sizeof ports / sizeof *ports,
    .crossing_only = true,
    .initialise = initialise,
    .derivative = derivative,
    .receive = receive,
    .threshold = threshold,
};
