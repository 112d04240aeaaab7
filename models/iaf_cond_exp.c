/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

enum { V_TH, V_RESET, T_REF, G_L, C_M, E_EX, E_IN, E_L, TAU_SYN_EX, TAU_SYN_IN, I_E };
enum { V_M, G_EX, G_IN, G_SUM };

static const struct hk_param params[] = {
    {"V_th", "mV", -55.0, -INFINITY, INFINITY, false, "spike threshold"},
    {"V_reset", "mV", -60.0, -INFINITY, INFINITY, false, "reset potential"},
    {"t_ref", "ms", 2.0, 0.0, INFINITY, false, "refractory period"},
    {"g_L", "nS", 16.6667, 0.0, INFINITY, false, "leak conductance"},
    {"C_m", "pF", 250.0, 0.0, INFINITY, true, "membrane capacitance"},
    {"E_ex", "mV", 0.0, -INFINITY, INFINITY, false, "excitatory reversal potential"},
    {"E_in", "mV", -85.0, -INFINITY, INFINITY, false, "inhibitory reversal potential"},
    {"E_L", "mV", -70.0, -INFINITY, INFINITY, false, "reversal potential of the leak"},
    {"tau_syn_ex", "ms", 0.2, 0.0, INFINITY, true, "decay time of the excitatory conductance"},
    {"tau_syn_in", "ms", 2.0, 0.0, INFINITY, true, "decay time of the inhibitory conductance"},
    {"I_e", "pA", 0.0, -INFINITY, INFINITY, false, "constant current"},
};

static const struct hk_state states[] = {
    {"V_m", "mV", 0.0, "E_L", HK_STATE_CLAMPED, "membrane potential"},
    {"g_ex", "nS", 0.0, NULL, 0, "excitatory conductance"},
    {"g_in", "nS", 0.0, NULL, 0, "inhibitory conductance"},
};

static const struct hk_port ports[] = {
    {"excitatory", "nS", +1, "jump of g_ex"},
    {"inhibitory", "nS", -1, "jump of g_in, by the weight's magnitude"},
};

static const char *check(const double *p)
{
  return p[V_RESET] < p[V_TH] ? NULL : "V_reset must be below V_th";
}

/* With G = g_L + g_ex + g_in: C_m dV/dt = g_L E_L + g_ex E_ex + g_in E_in + I - G V. */
static void series(const hk_lanes *p, const hk_lanes *current, const hk_lanes *free, const hk_lanes *dt, size_t from,
                   size_t to, hk_lanes x[][HK_SERIES_MAX])
{
  const hk_lanes ex = -*dt / p[TAU_SYN_EX], in = -*dt / p[TAU_SYN_IN], scale = *free * *dt / p[C_M];
  hk_lanes g_ex = x[G_EX][from > 0 ? from - 1 : 0], g_in = x[G_IN][from > 0 ? from - 1 : 0];
  hk_lanes rest = hk_lanes_all(0);
  if (from == 0) {
    x[G_SUM][0] = p[G_L] + g_ex + g_in;
    rest = hk_lanes_fma(p[G_L], p[E_L], p[I_E]);
  }
  HK_SERIES_EACH(k, from, to, {
    double per = hk_series_per(k + 1);
    hk_lanes drive = rest + hk_lanes_fma(g_ex, p[E_EX], hk_lanes_fma(g_in, p[E_IN], current[k]));
    x[V_M][k + 1] = scale * per * (drive - hk_series_product(x[G_SUM], x[V_M], k));
    x[G_EX][k + 1] = g_ex *= ex * per;
    x[G_IN][k + 1] = g_in *= in * per;
    x[G_SUM][k + 1] = g_ex + g_in;
    rest = hk_lanes_all(0);
  });
}

/* After V_m last had its present value it lies between that and V_th, and rises at most as fast as it can at its
 * present value, where g_ex is at most what it is now and g_in at least what it has decayed to: within the horizon most
 * of it, for ever nothing. */
static void quiet(const hk_lanes *p, const hk_lanes *x, const hk_lanes *current, hk_lanes *time)
{
  const hk_lanes horizon = 0.25 * p[TAU_SYN_IN], none = hk_lanes_all(0);
  hk_lanes excitation = x[G_EX] * hk_lanes_max(p[E_EX] - x[V_M], none), inhibition = x[G_IN] * (p[E_IN] - x[V_M]);
  hk_lanes most = p[G_L] * (p[E_L] - x[V_M]) + p[I_E] + *current + excitation + hk_lanes_max(inhibition, none);
  hk_lanes inward = most + 0.75 * hk_lanes_min(inhibition, none), gap = p[C_M] * (p[V_TH] - x[V_M]);
  hk_lanes soon = hk_lanes_pick(inward * horizon < gap, horizon, gap / inward);
  hk_lanes late = hk_lanes_pick(most > none, gap / most, hk_lanes_all(INFINITY));
  /* negative conductances, as only initial values can be: what they take away ends */
  const hk_mask odd = hk_lanes_min(x[G_EX], x[G_IN]) < none;
  *time = hk_lanes_pick(odd, none, hk_lanes_max(late, soon));
}

static void receive(const hk_lanes *p, size_t port, const hk_lanes *weight, hk_lanes *x)
{
  (void)p;
  x[port == 0 ? G_EX : G_IN] += hk_lanes_abs(*weight);
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

const struct hk_model hk_model_iaf_cond_exp = {
    .name = "iaf_cond_exp",
    .summary = "leaky integrate-and-fire neuron, exponentially decaying synaptic conductances",
    .doc = "C_m dV_m/dt = -g_L (V_m - E_L) - g_ex (V_m - E_ex) - g_in (V_m - E_in) + I_e\n"
           "dg_x/dt = -g_x / tau_syn_x\n"
           "An event adds the magnitude of its weight to g_ex (weight >= 0) or g_in (weight < 0). A spike happens\n"
           "when V_m reaches V_th; V_m is then held at V_reset for t_ref while the conductances go on.",
    .reference = "Meffin, Burkitt, Grayden (2004) J. Comput. Neurosci. 16:159; NEST's iaf_cond_exp",
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
