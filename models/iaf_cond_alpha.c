/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

enum { V_TH, V_RESET, T_REF, G_L, C_M, E_EX, E_IN, E_L, TAU_SYN_EX, TAU_SYN_IN, I_E };
enum { V_M, G_EX, DG_EX, G_IN, DG_IN, G_SUM };

static const struct hk_param params[] = {
    {"V_th", "mV", -55.0, -INFINITY, INFINITY, false, "spike threshold"},
    {"V_reset", "mV", -60.0, -INFINITY, INFINITY, false, "reset potential"},
    {"t_ref", "ms", 2.0, 0.0, INFINITY, false, "refractory period"},
    {"g_L", "nS", 16.6667, 0.0, INFINITY, false, "leak conductance"},
    {"C_m", "pF", 250.0, 0.0, INFINITY, true, "membrane capacitance"},
    {"E_ex", "mV", 0.0, -INFINITY, INFINITY, false, "excitatory reversal potential"},
    {"E_in", "mV", -85.0, -INFINITY, INFINITY, false, "inhibitory reversal potential"},
    {"E_L", "mV", -70.0, -INFINITY, INFINITY, false, "reversal potential of the leak"},
    {"tau_syn_ex", "ms", 0.2, 0.0, INFINITY, true, "rise time of the excitatory conductance"},
    {"tau_syn_in", "ms", 2.0, 0.0, INFINITY, true, "rise time of the inhibitory conductance"},
    {"I_e", "pA", 0.0, -INFINITY, INFINITY, false, "constant current"},
};

static const struct hk_state states[] = {
    {"V_m", "mV", 0.0, "E_L", HK_STATE_CLAMPED, "membrane potential"},
    {"g_ex", "nS", 0.0, NULL, 0, "excitatory conductance"},
    {"dg_ex", "nS/ms", 0.0, NULL, 0, "g_ex's drive: dg_ex/dt + g_ex / tau_syn_ex"},
    {"g_in", "nS", 0.0, NULL, 0, "inhibitory conductance"},
    {"dg_in", "nS/ms", 0.0, NULL, 0, "g_in's drive: dg_in/dt + g_in / tau_syn_in"},
};

static const struct hk_port ports[] = {
    {"excitatory", "nS", +1, "peak of an alpha-shaped conductance"},
    {"inhibitory", "nS", -1, "peak of an alpha-shaped conductance, by the weight's magnitude"},
};

static const char *check(const double *p)
{
  return p[V_RESET] < p[V_TH] ? NULL : "V_reset must be below V_th";
}

/* With G = g_L + g_ex + g_in: C_m dV/dt = g_L E_L + g_ex E_ex + g_in E_in + I - G V. */
static void series(const hk_lanes *p, const hk_lanes *current, const hk_lanes *free, const hk_lanes *dt, size_t from,
                   size_t to, hk_lanes x[][HK_SERIES_MAX])
{
  const hk_lanes ex = -1.0 / p[TAU_SYN_EX], in = -1.0 / p[TAU_SYN_IN], mobility = *free / p[C_M];
  if (from == 0)
    x[G_SUM][0] = p[G_L] + x[G_EX][0] + x[G_IN][0];
  HK_SERIES_EACH(k, from, to, {
    hk_lanes step = *dt * hk_series_per(k + 1), drive = current[k];
    if (k == 0)
      drive += hk_lanes_fma(p[G_L], p[E_L], p[I_E]);
    drive = hk_lanes_fma(x[G_EX][k], p[E_EX], hk_lanes_fma(x[G_IN][k], p[E_IN], drive));
    x[V_M][k + 1] = step * mobility * (drive - hk_series_product(x[G_SUM], x[V_M], k));
    x[G_EX][k + 1] = step * hk_lanes_fma(ex, x[G_EX][k], x[DG_EX][k]);
    x[G_IN][k + 1] = step * hk_lanes_fma(in, x[G_IN][k], x[DG_IN][k]);
    x[DG_EX][k + 1] = step * ex * x[DG_EX][k];
    x[DG_IN][k + 1] = step * in * x[DG_IN][k];
    x[G_SUM][k + 1] = x[G_EX][k + 1] + x[G_IN][k + 1];
  });
}

/* The least time in which V_m can reach V_th, up to the horizon, by when `kept` of an exponential of tau_syn_in or more
 * is left. After V_m last had its present value it lies between that and V_th, and rises at most as fast as it can at
 * its present value, where a conductance is at most what its drive lifts it to and at least what it decays to. */
HK_INLINE hk_lanes rise_time(const hk_lanes *p, const hk_lanes *x, hk_lanes most, hk_lanes horizon, double kept)
{
  const hk_lanes none = hk_lanes_all(0), to_ex = hk_lanes_max(p[E_EX] - x[V_M], none), to_in = p[E_IN] - x[V_M];
  const hk_lanes ex = x[G_EX] + x[DG_EX] * hk_lanes_min(horizon, p[TAU_SYN_EX] * (1 / M_E));
  const hk_lanes in = x[G_IN] + x[DG_IN] * hk_lanes_min(horizon, p[TAU_SYN_IN] * (1 / M_E));
  hk_lanes net = most + p[G_L] * (p[E_L] - x[V_M]) + ex * to_ex;
  net += in * hk_lanes_max(to_in, none) + kept * x[G_IN] * hk_lanes_min(to_in, none);
  const hk_lanes gap = p[C_M] * (p[V_TH] - x[V_M]);
  return hk_lanes_pick(net * horizon < gap, horizon, gap / net);
}

static void quiet(const hk_lanes *p, const hk_lanes *x, const hk_lanes *current, const hk_lanes *swing, hk_lanes *time)
{
  const hk_lanes most = p[I_E] + *current + *swing;
  const hk_lanes soon = rise_time(p, x, most, 0.25 * p[TAU_SYN_IN], 0.77);
  const hk_lanes late = rise_time(p, x, most, 8 * p[TAU_SYN_IN], 0);
  /* negative conductances and drives, as only initial values can be: what they take away ends */
  const hk_mask odd = hk_lanes_min(hk_lanes_min(x[G_EX], x[DG_EX]), hk_lanes_min(x[G_IN], x[DG_IN])) < hk_lanes_all(0);
  *time = hk_lanes_pick(odd, hk_lanes_all(0), hk_lanes_max(soon, late));
}

static void receive(const hk_lanes *p, size_t port, const hk_lanes *weight, hk_lanes *x)
{
  if (port == 0)
    x[DG_EX] += hk_lanes_abs(*weight) * M_E / p[TAU_SYN_EX];
  else
    x[DG_IN] += hk_lanes_abs(*weight) * M_E / p[TAU_SYN_IN];
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

const struct hk_model hk_model_iaf_cond_alpha = {
    .name = "iaf_cond_alpha",
    .summary = "leaky integrate-and-fire neuron, alpha-shaped synaptic conductances",
    .doc = "C_m dV_m/dt = -g_L (V_m - E_L) - g_ex (V_m - E_ex) - g_in (V_m - E_in) + I_e\n"
           "An event of weight w at time 0 adds |w| e (t / tau_syn_x) exp(-t / tau_syn_x), of peak |w| at\n"
           "t = tau_syn_x, to g_ex (w >= 0) or g_in (w < 0). A spike happens when V_m reaches V_th; V_m is then\n"
           "held at V_reset for t_ref while the conductances go on.",
    .reference = "Meffin, Burkitt, Grayden (2004) J. Comput. Neurosci. 16:159; NEST's iaf_cond_alpha",
    .kind = HK_MODEL_NONLINEAR,
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .states = states,
    .state_count = sizeof states / sizeof *states,
    .ports = ports,
    .port_count = sizeof ports / sizeof *ports,
    .check = check,
    .reset = reset,
    .series = series,
    .quiet = quiet,
    .receive = receive,
    .threshold = threshold,
    .refractory = refractory,
};
