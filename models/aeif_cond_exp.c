/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

enum { V_PEAK, V_RESET, T_REF, G_L, C_M, E_EX, E_IN, E_L, DELTA_T, TAU_W, A, B, V_TH, TAU_SYN_EX, TAU_SYN_IN, I_E };
enum { V_M, G_EX, G_IN, W, G_SUM, SPIKE };

static const struct hk_param params[] = {
    {"V_peak", "mV", 0.0, -INFINITY, INFINITY, false, "potential at which a spike is told (V_th if Delta_T is 0)"},
    {"V_reset", "mV", -60.0, -INFINITY, INFINITY, false, "reset potential"},
    {"t_ref", "ms", 0.0, 0.0, INFINITY, false, "refractory period"},
    {"g_L", "nS", 30.0, 0.0, INFINITY, true, "leak conductance"},
    {"C_m", "pF", 281.0, 0.0, INFINITY, true, "membrane capacitance"},
    {"E_ex", "mV", 0.0, -INFINITY, INFINITY, false, "excitatory reversal potential"},
    {"E_in", "mV", -85.0, -INFINITY, INFINITY, false, "inhibitory reversal potential"},
    {"E_L", "mV", -70.6, -INFINITY, INFINITY, false, "reversal potential of the leak"},
    {"Delta_T", "mV", 2.0, 0.0, INFINITY, false, "slope of the spike's upstroke; 0: none, a sharp threshold"},
    {"tau_w", "ms", 144.0, 0.0, INFINITY, true, "time constant of the adaptation"},
    {"a", "nS", 4.0, -INFINITY, INFINITY, false, "adaptation below threshold"},
    {"b", "pA", 80.5, -INFINITY, INFINITY, false, "adaptation by a spike"},
    {"V_th", "mV", -50.4, -INFINITY, INFINITY, false, "potential at which the upstroke begins"},
    {"tau_syn_ex", "ms", 0.2, 0.0, INFINITY, true, "decay time of the excitatory conductance"},
    {"tau_syn_in", "ms", 2.0, 0.0, INFINITY, true, "decay time of the inhibitory conductance"},
    {"I_e", "pA", 0.0, -INFINITY, INFINITY, false, "constant current"},
};

static const struct hk_state states[] = {
    {"V_m", "mV", 0.0, "E_L", HK_STATE_CLAMPED, "membrane potential"},
    {"g_ex", "nS", 0.0, NULL, 0, "excitatory conductance"},
    {"g_in", "nS", 0.0, NULL, 0, "inhibitory conductance"},
    {"w", "pA", 0.0, NULL, 0, "adaptation current"},
};

static const struct hk_port ports[] = {
    {"excitatory", "nS", +1, "jump of g_ex"},
    {"inhibitory", "nS", -1, "jump of g_in, by the weight's magnitude"},
};

static double threshold(const double *p)
{
  return p[DELTA_T] > 0 ? p[V_PEAK] : p[V_TH];
}

static const char *check(const double *p)
{
  if (p[V_RESET] >= threshold(p))
    return p[DELTA_T] > 0 ? "V_reset must be below V_peak" : "V_reset must be below V_th";
  if (p[DELTA_T] > 0 && p[V_PEAK] < p[V_TH])
    return "V_peak must not be below V_th";
  if (p[DELTA_T] > 0 && (p[V_PEAK] - p[V_TH]) / p[DELTA_T] > 600)
    return "Delta_T is too small: (V_peak - V_th) / Delta_T must not exceed 600";
  return NULL;
}

/* With G = g_L + g_ex + g_in: C_m dV/dt = g_L E_L + g_ex E_ex + g_in E_in + g_L Delta_T spike + I - w - G V. */
static void series(const hk_lanes *p, const hk_lanes *current, const hk_lanes *free, const hk_lanes *dt, size_t from,
                   size_t to, hk_lanes x[][HK_SERIES_MAX])
{
  const hk_lanes ex = -*dt / p[TAU_SYN_EX], in = -*dt / p[TAU_SYN_IN], adapt = *dt / p[TAU_W], none = hk_lanes_all(0);
  const hk_lanes scale = *free * *dt / p[C_M], gain = p[G_L] * p[DELTA_T];
  const hk_lanes slope = hk_lanes_pick(p[DELTA_T] > none, 1 / p[DELTA_T], none);
  if (from == 0) {
    x[G_SUM][0] = p[G_L] + x[G_EX][0] + x[G_IN][0];
    x[SPIKE][0] = hk_lanes_exp((x[V_M][0] - p[V_TH]) * slope);
  }
  HK_SERIES_EACH(k, from, to, {
    double per = hk_series_per(k + 1);
    hk_lanes drive = k == 0 ? hk_lanes_fma(p[G_L], p[E_L], p[I_E]) : none, leak = k == 0 ? p[A] * p[E_L] : none;
    drive += hk_lanes_fma(x[G_EX][k], p[E_EX], hk_lanes_fma(x[G_IN][k], p[E_IN], current[k]));
    drive += hk_lanes_fma(gain, x[SPIKE][k], -x[W][k]);
    x[V_M][k + 1] = scale * per * (drive - hk_series_product(x[G_SUM], x[V_M], k));
    x[G_EX][k + 1] = x[G_EX][k] * ex * per;
    x[G_IN][k + 1] = x[G_IN][k] * in * per;
    x[G_SUM][k + 1] = x[G_EX][k + 1] + x[G_IN][k + 1];
    x[W][k + 1] = adapt * per * (hk_lanes_fma(p[A], x[V_M][k], -x[W][k]) - leak);
    x[SPIKE][k + 1] = hk_series_exp(x[SPIKE], x[V_M], slope, k + 1);
  });
}

/* The least time in which V_m can reach V_th, up to the horizon, by when `kept` of g_in or more is left. After V_m last
 * had its present value v it lies between that and V_th, and rises at most as fast as it can at v, with the upstroke
 * that is there at V_th, where g_ex is at most what it is now and w no lower than the lowest and the highest V_m can
 * draw it. Below v and all reversal potentials only w and the current can pull V_m down. */
HK_INLINE hk_lanes rise_time(const hk_lanes *p, const hk_lanes *x, hk_lanes current, hk_lanes swing, hk_lanes horizon,
                             double kept)
{
  const hk_lanes none = hk_lanes_all(0), v = x[V_M], to_in = p[E_IN] - v, at_most = p[A] * (p[V_TH] - p[E_L]);
  const hk_lanes pull = hk_lanes_max(hk_lanes_max(x[W], at_most) - p[I_E] - current + swing, none);
  hk_lanes low = hk_lanes_min(hk_lanes_min(v, p[E_L]), hk_lanes_min(p[E_EX], p[E_IN]));
  low -= pull * horizon / p[C_M];
  const hk_lanes falls = hk_lanes_max(x[W] - hk_lanes_min(p[A] * (low - p[E_L]), at_most), none);
  hk_lanes net = p[I_E] + current + swing - x[W] + falls * horizon / p[TAU_W];
  net += p[G_L] * (p[E_L] - v + p[DELTA_T]) + x[G_EX] * hk_lanes_max(p[E_EX] - v, none);
  net += x[G_IN] * (hk_lanes_max(to_in, none) + kept * hk_lanes_min(to_in, none));
  const hk_lanes gap = p[C_M] * (p[V_TH] - v);
  return hk_lanes_pick(gap > none, hk_lanes_pick(net * horizon < gap, horizon, gap / net), none);
}

static void quiet(const hk_lanes *p, const hk_lanes *x, const hk_lanes *current, const hk_lanes *swing, hk_lanes *time)
{
  const hk_lanes soon = rise_time(p, x, *current, *swing, 0.25 * p[TAU_SYN_IN], 0.77);
  const hk_lanes late = rise_time(p, x, *current, *swing, 4 * p[TAU_SYN_IN], 0);
  /* negative conductances, as only initial values can be: what they take away ends */
  const hk_mask odd = hk_lanes_min(x[G_EX], x[G_IN]) < hk_lanes_all(0);
  *time = hk_lanes_pick(odd, hk_lanes_all(0), hk_lanes_max(soon, late));
}

static void receive(const hk_lanes *p, size_t port, const hk_lanes *weight, hk_lanes *x)
{
  (void)p;
  x[port == 0 ? G_EX : G_IN] += hk_lanes_abs(*weight);
}

static void reset(const double *p, double *x)
{
  x[V_M] = p[V_RESET];
  x[W] += p[B];
}

static double refractory(const double *p)
{
  return p[T_REF];
}

const struct hk_model hk_model_aeif_cond_exp = {
    .name = "aeif_cond_exp",
    .summary = "adaptive exponential integrate-and-fire neuron, exponentially decaying synaptic conductances",
    .doc = "C_m dV_m/dt = -g_L (V_m - E_L) + g_L Delta_T exp((V_m - V_th) / Delta_T)\n"
           "              - g_ex (V_m - E_ex) - g_in (V_m - E_in) - w + I_e\n"
           "tau_w dw/dt = a (V_m - E_L) - w\n"
           "dg_x/dt = -g_x / tau_syn_x\n"
           "An event adds the magnitude of its weight to g_ex (weight >= 0) or g_in (weight < 0). A spike happens\n"
           "when V_m reaches V_peak; b is then added to w, and V_m is held at V_reset for t_ref while w and the\n"
           "conductances go on.",
    .reference = "Brette, Gerstner (2005) J. Neurophysiol. 94:3637; NEST's aeif_cond_exp",
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
