/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

enum { G_NA, G_K, G_L, C_M, E_NA, E_K, E_L, V_T, E_EX, E_IN, TAU_SYN_EX, TAU_SYN_IN, I_E, V_TH };
enum { V_M, ACT_M, INACT_H, ACT_N, G_EX, G_IN };

/* Series beside those of the states. */
enum {
  SLOPE = G_IN + 1, /* k times term k of V_m */
  E4,               /* exponentials of -V_m / 4 ... */
  E5,
  E18,
  E40,
  LINOID_M_OPEN,
  LINOID_M_CLOSE,
  LINOID_N_OPEN,
  LOGISTIC,
  SUM_M, /* of both rates of a gate */
  SUM_H,
  SUM_N,
  M2,
  M3,
  M3H,
  N2,
  N4,
  G_SUM,
  INVERSE, /* no series: 1 / the first term of each denominator */
  NEAR,    /* of the three linoids near 0 */
  NEAR_ROWS = 6
};

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

/* The linoids x / (exp x - 1) of this model: x = (origin - u) / width with u = V_m - V_T. That of the closing of m is
 * of -x: x / (exp x - 1) = -x / (exp(-x) - 1) - x. */
static const struct {
  double origin, width;
} linoids[] = {{13, 4}, {40, 5}, {15, 5}};
enum { LINOIDS = sizeof linoids / sizeof *linoids };

HK_INLINE hk_lanes argument(const hk_lanes *p, int linoid, const hk_lanes *v, size_t k)
{
  if (k == 0)
    return (linoids[linoid].origin + p[V_T] - v[0]) / linoids[linoid].width;
  return v[k] * (-1 / linoids[linoid].width);
}

/* Near x = 0 a quotient of two power series loses all digits. There x / (exp x - 1) + x / 2 is what Lambert's continued
 * fraction of x / 2 coth(x / 2) gives, P(z) / Q(z) with z = x^2 / 4, exact to 1.3e-16 for |x| < 1.5. */
static const double near_0 = 0.2;

HK_INLINE void expand_near_0(const hk_lanes *p, int linoid, size_t k, hk_mask where, hk_lanes x[][HK_SERIES_MAX])
{
  enum { HALF, Z, Z2, Z3, Q, SUM };
  hk_lanes(*row)[HK_SERIES_MAX] = x + NEAR + NEAR_ROWS * linoid;
  row[HALF][k] = 0.5 * argument(p, linoid, x[V_M], k);
  row[Z][k] = hk_series_square(row[HALF], k);
  row[Z2][k] = hk_series_square(row[Z], k);
  row[Z3][k] = hk_series_product(row[Z], row[Z2], k);
  hk_lanes one = hk_lanes_all(k == 0 ? 1 : 0), z4 = hk_series_square(row[Z2], k);
  hk_lanes sum = one + 7.0 / 15 * row[Z][k] + 1.0 / 39 * row[Z2][k] + 2.0 / 6435 * row[Z3][k] + 1.0 / 2027025 * z4;
  row[Q][k] = one + 2.0 / 15 * row[Z][k] + 2.0 / 585 * row[Z2][k] + 4.0 / 225225 * row[Z3][k];
  for (size_t i = k; i > 0; i--)
    sum -= row[Q][i] * row[SUM][k - i];
  row[SUM][k] = sum / row[Q][0];
  x[LINOID_M_OPEN + linoid][k] = hk_lanes_pick(where, row[SUM][k] - row[HALF][k], x[LINOID_M_OPEN + linoid][k]);
}

static void linoid_near_0(const hk_lanes *p, int linoid, size_t k, hk_mask where, hk_lanes x[][HK_SERIES_MAX])
{
  HK_SERIES_EACH(last, k + 1, k + 1, expand_near_0(p, linoid, last, where, x));
}

/* Which linoids are near 0, and in which lanes. */
struct near {
  bool any[LINOIDS];
  hk_mask where[LINOIDS];
};

HK_INLINE struct near find_near(const hk_lanes *p, const hk_lanes *v)
{
  struct near near;
  for (int i = 0; i < LINOIDS; i++) {
    near.where[i] = hk_lanes_abs(argument(p, i, v, 0)) < near_0;
    near.any[i] = hk_mask_any(near.where[i]);
  }
  return near;
}

/* Term k > 0 of the exponentials. */
HK_INLINE void exponentials(size_t k, hk_lanes x[][HK_SERIES_MAX])
{
  hk_lanes e4 = hk_lanes_all(0), e5 = e4, e18 = e4, e40 = e4;
  for (size_t i = 1; i <= k; i++) {
    hk_lanes slope = x[SLOPE][i];
    e4 = hk_lanes_fma(slope, x[E4][k - i], e4);
    e5 = hk_lanes_fma(slope, x[E5][k - i], e5);
    e18 = hk_lanes_fma(slope, x[E18][k - i], e18);
    e40 = hk_lanes_fma(slope, x[E40][k - i], e40);
  }
  double per = -hk_series_per(k);
  x[E4][k] = per / 4 * e4;
  x[E5][k] = per / 5 * e5;
  x[E18][k] = per / 18 * e18;
  x[E40][k] = per / 40 * e40;
}

/* Term k of what the rates are made of. */
HK_INLINE void expand_rates(const hk_lanes *p, const struct near *near, size_t k, hk_lanes x[][HK_SERIES_MAX])
{
  const double exp_5 = 148.4131591025766; /* exp((40 - u) / 5) = exp_5 exp((15 - u) / 5) */
  hk_lanes *inverse = x[INVERSE], m_open = hk_lanes_all(0), m_close = m_open, n_open = m_open, logistic = m_open;
  x[SLOPE][k] = (double)k * x[V_M][k];
  if (k == 0) {
    hk_lanes u = x[V_M][0] - p[V_T];
    x[E4][0] = hk_lanes_exp((13 - u) / 4);
    x[E5][0] = hk_lanes_exp((15 - u) / 5);
    x[E18][0] = 0.128 * hk_lanes_exp((17 - u) / 18);
    x[E40][0] = 0.5 * hk_lanes_exp((10 - u) / 40);
    inverse[0] = 1 / (x[E4][0] - 1);
    inverse[1] = 1 / (exp_5 * x[E5][0] - 1);
    inverse[2] = 1 / (x[E5][0] - 1);
    inverse[3] = 1 / (exp_5 * x[E5][0] + 1);
  } else
    exponentials(k, x);
  for (size_t i = 1; i <= k; i++) {
    hk_lanes e5 = x[E5][i];
    m_open = hk_lanes_fma(x[E4][i], x[LINOID_M_OPEN][k - i], m_open);
    m_close = hk_lanes_fma(e5, x[LINOID_M_CLOSE][k - i], m_close);
    n_open = hk_lanes_fma(e5, x[LINOID_N_OPEN][k - i], n_open);
    logistic = hk_lanes_fma(e5, x[LOGISTIC][k - i], logistic);
  }
  x[LINOID_M_OPEN][k] = (argument(p, 0, x[V_M], k) - m_open) * inverse[0];
  x[LINOID_M_CLOSE][k] = (argument(p, 1, x[V_M], k) - exp_5 * m_close) * inverse[1];
  x[LINOID_N_OPEN][k] = (argument(p, 2, x[V_M], k) - n_open) * inverse[2];
  x[LOGISTIC][k] = ((k == 0 ? 1.0 : 0.0) - exp_5 * logistic) * inverse[3];
  for (int i = 0; i < LINOIDS; i++)
    if (near->any[i])
      linoid_near_0(p, i, k, near->where[i], x);
}

/* Term k of the opening rates of m, h and n, and of the sums of both rates, per ms. */
HK_INLINE void rates(const hk_lanes *p, const struct near *near, size_t k, hk_lanes x[][HK_SERIES_MAX], hk_lanes *open,
                     hk_lanes *sum)
{
  expand_rates(p, near, k, x);
  open[0] = 1.28 * x[LINOID_M_OPEN][k];
  open[1] = x[E18][k];
  open[2] = 0.16 * x[LINOID_N_OPEN][k];
  sum[0] = open[0] + 1.4 * (x[LINOID_M_CLOSE][k] + argument(p, 1, x[V_M], k));
  sum[1] = open[1] + 4 * x[LOGISTIC][k];
  sum[2] = open[2] + x[E40][k];
}

static void initialise(const double *p, double *x, const bool *given)
{
  hk_lanes param[] = {[V_T] = hk_lanes_all(p[V_T])}, rows[HK_SERIES_ROWS][HK_SERIES_MAX], open[3], sum[3];
  rows[V_M][0] = hk_lanes_all(x[V_M]);
  const struct near near = find_near(param, rows[V_M]);
  rates(param, &near, 0, rows, open, sum);
  for (int gate = 0; gate < 3; gate++)
    if (!given[ACT_M + gate])
      x[ACT_M + gate] = open[gate][0] / sum[gate][0];
}

/* dt, and dt over C_m and over the time constants. */
struct factors {
  hk_lanes dt, membrane, ex, in;
};

/* Term k of products of states, and from them term k + 1 of the states. With G = g_L + g_Na m^3 h + g_K n^4 + g_ex +
 * g_in: C_m dV/dt = g_L E_L + ... + g_in E_in + I - G V; a gate's dx/dt = open - (open + close) x. */
HK_INLINE void expand(const hk_lanes *p, const hk_lanes *current, const struct factors *f, const struct near *near,
                      size_t k, hk_lanes x[][HK_SERIES_MAX])
{
  const double per = hk_series_per(k + 1);
  hk_lanes open[3], sum[3];
  rates(p, near, k, x, open, sum);
  x[M2][k] = hk_series_square(x[ACT_M], k);
  x[M3][k] = hk_series_product(x[ACT_M], x[M2], k);
  x[M3H][k] = hk_series_product(x[INACT_H], x[M3], k);
  x[N2][k] = hk_series_square(x[ACT_N], k);
  x[N4][k] = hk_series_square(x[N2], k);
  hk_lanes sodium = p[G_NA] * x[M3H][k], potassium = p[G_K] * x[N4][k];
  x[G_SUM][k] = sodium + potassium + (x[G_EX][k] + x[G_IN][k]);
  hk_lanes drive = hk_lanes_fma(x[G_EX][k], p[E_EX], hk_lanes_fma(x[G_IN][k], p[E_IN], current[k]));
  drive = hk_lanes_fma(sodium, p[E_NA], hk_lanes_fma(potassium, p[E_K], drive));
  if (k == 0) {
    x[G_SUM][0] += p[G_L];
    drive += hk_lanes_fma(p[G_L], p[E_L], p[I_E]);
  }
  x[V_M][k + 1] = per * f->membrane * (drive - hk_series_product(x[V_M], x[G_SUM], k));
  for (int gate = 0; gate < 3; gate++) {
    x[SUM_M + gate][k] = sum[gate];
    x[ACT_M + gate][k + 1] = per * f->dt * (open[gate] - hk_series_product(x[ACT_M + gate], x[SUM_M + gate], k));
  }
  x[G_EX][k + 1] = -per * f->ex * x[G_EX][k];
  x[G_IN][k + 1] = -per * f->in * x[G_IN][k];
}

static void series(const hk_lanes *p, const hk_lanes *current, const hk_lanes *free, const hk_lanes *dt, size_t from,
                   size_t to, hk_lanes x[][HK_SERIES_MAX])
{
  (void)free;
  const struct factors f = {*dt, *dt / p[C_M], *dt / p[TAU_SYN_EX], *dt / p[TAU_SYN_IN]};
  const struct near near = find_near(p, x[V_M]);
  HK_SERIES_EACH(k, from, to, expand(p, current, &f, &near, k, x));
}

/* While V_m stays below V_T + u, m opens no faster and closes no slower than there, so that it stays below what it
 * comes to under these rates: of its way there it has gone at most y / (1 + y / 2) after y time constants. After V_m
 * last had its present value it lies between that and the ceiling; then h and n are at most 1, g_in at least what it
 * has decayed to, and V_m rises at most as fast as all this can drive it at its present value. */
static void quiet(const hk_lanes *p, const hk_lanes *x, const hk_lanes *current, hk_lanes *time)
{
  static const struct {
    double u, open, close; /* rates of m at u, per ms */
  } ceilings[] = {{10, 0.8595, 8.4208}, {16, 1.8195, 6.7757}};
  static const double spans[] = {0.0625, 0.125, 0.25, 0.5}; /* ms */
  const hk_lanes none = hk_lanes_all(0), v = x[V_M], inhibition = x[G_IN] * (p[E_IN] - v);
  const hk_lanes sodium = p[G_NA] * hk_lanes_max(p[E_NA] - v, none);
  hk_lanes push = p[I_E] + *current + p[G_L] * (p[E_L] - v) + x[G_EX] * hk_lanes_max(p[E_EX] - v, none);
  push += p[G_K] * hk_lanes_max(p[E_K] - v, none) + hk_lanes_max(inhibition, none);
  *time = none;
  for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
    hk_lanes held = hk_lanes_min(inhibition, none) * hk_lanes_max(1 - spans[i] / p[TAU_SYN_IN], none);
    for (size_t k = 0; k < sizeof ceilings / sizeof *ceilings; k++) {
      double rate = ceilings[k].open + ceilings[k].close, y = rate * spans[i];
      double gone = y < 2 ? y / (1 + 0.5 * y) : 1;
      hk_lanes m = x[ACT_M] + gone * hk_lanes_max(ceilings[k].open / rate - x[ACT_M], none);
      hk_lanes rise = hk_lanes_max(push + held + m * m * m * sodium, none) * spans[i] / p[C_M];
      *time = hk_lanes_pick(v + rise < hk_lanes_min(p[V_T] + ceilings[k].u, p[V_TH]), hk_lanes_all(spans[i]), *time);
    }
  }
  /* negative conductances, as only initial values can be: what they take away ends */
  const hk_mask odd = hk_lanes_min(x[G_EX], x[G_IN]) < none;
  *time = hk_lanes_pick(odd, none, *time);
}

static void receive(const hk_lanes *p, size_t port, const hk_lanes *weight, hk_lanes *x)
{
  (void)p;
  x[port == 0 ? G_EX : G_IN] += hk_lanes_abs(*weight);
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
    .series = series,
    .costly_series = true,
    .quiet = quiet,
    .receive = receive,
    .threshold = threshold,
};
