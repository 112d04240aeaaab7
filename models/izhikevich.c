/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

enum { A, B, C, D, V_TH, I_E };
enum { V_M, U_M };

static const struct hk_param params[] = {
    {"a", "1", 0.02, -INFINITY, INFINITY, false, "rate of the recovery U_m, per ms"},
    {"b", "1", 0.2, -INFINITY, INFINITY, false, "coupling of U_m to V_m"},
    {"c", "1", -65.0, -INFINITY, INFINITY, false, "V_m after a spike, in mV"},
    {"d", "1", 8.0, -INFINITY, INFINITY, false, "step of U_m at a spike"},
    {"V_th", "mV", 30.0, -INFINITY, INFINITY, false, "peak of a spike"},
    {"I_e", "1", 0.0, -INFINITY, INFINITY, false, "constant current, in the model's own unit"},
};

static const struct hk_state states[] = {
    {"V_m", "mV", -65.0, NULL, 0, "membrane potential"},
    {"U_m", "1", 0.0, NULL, 0, "recovery"},
};

static const struct hk_port ports[] = {
    {"spikes", "mV", 0, "jump of V_m"},
};

static const char *check(const double *p)
{
  return p[C] < p[V_TH] ? NULL : "c must be below V_th";
}

static void series(const hk_lanes *p, const hk_lanes *current, const hk_lanes *free, const hk_lanes *dt, size_t from,
                   size_t to, hk_lanes x[][HK_SERIES_MAX])
{
  (void)free;
  HK_SERIES_EACH(k, from, to, {
    hk_lanes step = *dt * hk_series_per(k + 1), v = x[V_M][k], u = x[U_M][k];
    hk_lanes drive = k == 0 ? current[0] + (140.0 + p[I_E]) : current[k];
    x[V_M][k + 1] = step * (0.04 * hk_series_square(x[V_M], k) + (5.0 * v - u + drive));
    x[U_M][k + 1] = step * p[A] * hk_lanes_fma(p[B], v, -u);
  });
}

static void receive(const hk_lanes *p, size_t port, const hk_lanes *weight, hk_lanes *x)
{
  (void)p;
  (void)port;
  x[V_M] += *weight;
}

static void reset(const double *p, double *x)
{
  x[V_M] = p[C];
  x[U_M] += p[D];
}

static double threshold(const double *p)
{
  return p[V_TH];
}

static double refractory(const double *p)
{
  (void)p;
  return 0;
}

const struct hk_model hk_model_izhikevich = {
    .name = "izhikevich",
    .summary = "Izhikevich's neuron: two variables, many firing patterns",
    .doc = "dV_m/dt = 0.04 V_m^2 + 5 V_m + 140 - U_m + I_e\n"
           "dU_m/dt = a (b V_m - U_m)                              (V_m in mV, t in ms)\n"
           "An event adds its weight to V_m. A spike happens when V_m reaches V_th: V_m becomes c, U_m grows by d.\n"
           "A current from an input of 1 pA counts as 1 of I_e's unit. Time is continuous: there is no step of\n"
           "integration as in the paper's own program, whose spikes come at other times.",
    .reference = "Izhikevich (2003) IEEE Trans. Neural Netw. 14:1569",
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
    .receive = receive,
    .threshold = threshold,
    .refractory = refractory,
};
