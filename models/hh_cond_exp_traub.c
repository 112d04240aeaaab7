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

static const double exp_5 = 148.4131591025766; /* exp((40 - u) / 5) = exp_5 exp((15 - u) / 5) */

HK_INLINE double slope_of(int linoid)
{
  return -1 / linoids[linoid].width;
}

HK_INLINE hk_lanes argument(const hk_lanes *p, int linoid, const hk_lanes *v, size_t k)
{
  return slope_of(linoid) * (k == 0 ? v[0] - p[V_T] - linoids[linoid].origin : v[k]);
}

/* Near x = 0 a quotient of two power series loses all digits. There x / (exp x - 1) + x / 2 is what Lambert's continued
 * fraction of x / 2 coth(x / 2) gives, P(z) / Q(z) with z = x^2 / 4, exact to 1.3e-16 for |x| < 1.5. */
static const double near_0 = 0.2;

static void expand_near_0(const hk_lanes *p, int linoid, size_t k, hk_mask where, hk_lanes x[][HK_SERIES_MAX])
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

/* Sums of the products of terms i and k - i of two series, 0 < i < k: all that is needed of them for term k. One loop
 * for all sums keeps the processor busier than a loop for each, and is short enough for its instructions to be at hand.
 */
struct sums {
  hk_lanes e4, e5, e18, e40, m_open, m_close, n_open, logistic, m2, m3, m3h, n2, n4, v_g, gate[3];
};

HK_INLINE void add_products(size_t i, size_t j, hk_lanes x[][HK_SERIES_MAX], struct sums *s)
{
  hk_lanes slope = x[SLOPE][i], e5 = x[E5][i], m = x[ACT_M][i], h = x[INACT_H][i], n = x[ACT_N][i];
  s->e4 = hk_lanes_fma(slope, x[E4][j], s->e4);
  s->e5 = hk_lanes_fma(slope, x[E5][j], s->e5);
  s->e18 = hk_lanes_fma(slope, x[E18][j], s->e18);
  s->e40 = hk_lanes_fma(slope, x[E40][j], s->e40);
  s->m_open = hk_lanes_fma(x[E4][i], x[LINOID_M_OPEN][j], s->m_open);
  s->m_close = hk_lanes_fma(e5, x[LINOID_M_CLOSE][j], s->m_close);
  s->n_open = hk_lanes_fma(e5, x[LINOID_N_OPEN][j], s->n_open);
  s->logistic = hk_lanes_fma(e5, x[LOGISTIC][j], s->logistic);
  s->m2 = hk_lanes_fma(m, x[ACT_M][j], s->m2);
  s->m3 = hk_lanes_fma(m, x[M2][j], s->m3);
  s->m3h = hk_lanes_fma(h, x[M3][j], s->m3h);
  s->n2 = hk_lanes_fma(n, x[ACT_N][j], s->n2);
  s->n4 = hk_lanes_fma(x[N2][i], x[N2][j], s->n4);
  s->v_g = hk_lanes_fma(x[V_M][i], x[G_SUM][j], s->v_g);
  s->gate[0] = hk_lanes_fma(m, x[SUM_M][j], s->gate[0]);
  s->gate[1] = hk_lanes_fma(h, x[SUM_H][j], s->gate[1]);
  s->gate[2] = hk_lanes_fma(n, x[SUM_N][j], s->gate[2]);
}

HK_INLINE struct sums sum_products(size_t k, hk_lanes x[][HK_SERIES_MAX])
{
  struct sums sums = {0};
  size_t i = 1;
  for (; 2 * i < k; i++) {
    add_products(i, k - i, x, &sums);
    add_products(k - i, i, x, &sums);
  }
  if (2 * i == k)
    add_products(i, i, x, &sums);
  return sums;
}

/* What the functions of V_m begin with: the terms k = 0. */
HK_INLINE void begin_rates(const hk_lanes *p, hk_lanes x[][HK_SERIES_MAX])
{
  hk_lanes *inverse = x[INVERSE], u = x[V_M][0] - p[V_T];
  x[E4][0] = hk_lanes_exp(argument(p, 0, x[V_M], 0));
  x[E5][0] = hk_lanes_exp(argument(p, 2, x[V_M], 0));
  x[E18][0] = 0.128 * hk_lanes_exp((17 - u) * (1.0 / 18));
  x[E40][0] = 0.5 * hk_lanes_exp((10 - u) * (1.0 / 40));
  inverse[0] = 1 / (x[E4][0] - 1);
  inverse[1] = 1 / (exp_5 * x[E5][0] - 1);
  inverse[2] = 1 / (x[E5][0] - 1);
  inverse[3] = 1 / (exp_5 * x[E5][0] + 1);
  for (int i = 0; i < LINOIDS; i++)
    x[LINOID_M_OPEN + i][0] = argument(p, i, x[V_M], 0) * inverse[i];
  x[LOGISTIC][0] = inverse[3];
}

/* The terms k > 0. */
HK_INLINE void expand_rates(const struct sums *s, size_t k, hk_lanes x[][HK_SERIES_MAX])
{
  const double per = -hk_series_per(k);
  const hk_lanes *inverse = x[INVERSE], v = x[V_M][k], slope = (double)k * v;
  const hk_lanes e4 = per / 4 * hk_lanes_fma(slope, x[E4][0], s->e4);
  const hk_lanes e5 = per / 5 * hk_lanes_fma(slope, x[E5][0], s->e5);
  x[SLOPE][k] = slope;
  x[E4][k] = e4;
  x[E5][k] = e5;
  x[E18][k] = per / 18 * hk_lanes_fma(slope, x[E18][0], s->e18);
  x[E40][k] = per / 40 * hk_lanes_fma(slope, x[E40][0], s->e40);
  hk_lanes m_open = hk_lanes_fma(e4, x[LINOID_M_OPEN][0], s->m_open);
  hk_lanes m_close = hk_lanes_fma(e5, x[LINOID_M_CLOSE][0], s->m_close);
  hk_lanes n_open = hk_lanes_fma(e5, x[LINOID_N_OPEN][0], s->n_open);
  hk_lanes logistic = hk_lanes_fma(e5, x[LOGISTIC][0], s->logistic);
  x[LINOID_M_OPEN][k] = (slope_of(0) * v - m_open) * inverse[0];
  x[LINOID_M_CLOSE][k] = (slope_of(1) * v - exp_5 * m_close) * inverse[1];
  x[LINOID_N_OPEN][k] = (slope_of(2) * v - n_open) * inverse[2];
  x[LOGISTIC][k] = -exp_5 * logistic * inverse[3];
}

/* Of m, h and n, per ms. */
struct rates {
  hk_lanes open[3], close[3];
};

/* Term k of the rates. The sums are for k > 0; where k = 0 they may be NULL. */
HK_INLINE struct rates find_rates(const hk_lanes *p, const struct near *near, const struct sums *s, size_t k,
                                  hk_lanes x[][HK_SERIES_MAX])
{
  if (k == 0)
    begin_rates(p, x);
  else
    expand_rates(s, k, x);
  for (int i = 0; i < LINOIDS; i++)
    if (near->any[i])
      expand_near_0(p, i, k, near->where[i], x);
  return (struct rates){
      {1.28 * x[LINOID_M_OPEN][k], x[E18][k], 0.16 * x[LINOID_N_OPEN][k]},
      {1.4 * (x[LINOID_M_CLOSE][k] + argument(p, 1, x[V_M], k)), 4 * x[LOGISTIC][k], x[E40][k]},
  };
}

static void initialise(const double *p, double *x, const bool *given)
{
  hk_lanes param[] = {[V_T] = hk_lanes_all(p[V_T])}, rows[HK_SERIES_ROWS][HK_SERIES_MAX];
  rows[V_M][0] = hk_lanes_all(x[V_M]);
  const struct near near = find_near(param, rows[V_M]);
  const struct rates rates = find_rates(param, &near, NULL, 0, rows);
  for (int gate = 0; gate < 3; gate++)
    if (!given[ACT_M + gate])
      x[ACT_M + gate] = rates.open[gate][0] / (rates.open[gate][0] + rates.close[gate][0]);
}

/* dt, and dt over C_m and over the time constants. */
struct factors {
  hk_lanes dt, membrane, ex, in;
};

/* Adds the products of the first and the last terms, which for k = 0 are the same. */
HK_INLINE hk_lanes add_ends(const hk_lanes *a, const hk_lanes *b, size_t k, hk_lanes sum)
{
  return k == 0 ? a[0] * b[0] : hk_lanes_fma(a[0], b[k], hk_lanes_fma(a[k], b[0], sum));
}

HK_INLINE hk_lanes add_ends_of_square(const hk_lanes *a, size_t k, hk_lanes sum)
{
  return k == 0 ? a[0] * a[0] : hk_lanes_fma(2 * a[0], a[k], sum);
}

/* Term k of products of states, and from them term k + 1 of the states. With G = g_L + g_Na m^3 h + g_K n^4 + g_ex +
 * g_in: C_m dV/dt = g_L E_L + ... + g_in E_in + I - G V; a gate's dx/dt = open - (open + close) x. */
HK_INLINE void expand(const hk_lanes *p, const hk_lanes *current, const struct factors *f, const struct near *near,
                      size_t k, hk_lanes x[][HK_SERIES_MAX])
{
  const double per = hk_series_per(k + 1);
  const struct sums s = sum_products(k, x);
  x[M2][k] = add_ends_of_square(x[ACT_M], k, s.m2);
  x[M3][k] = add_ends(x[ACT_M], x[M2], k, s.m3);
  x[M3H][k] = add_ends(x[INACT_H], x[M3], k, s.m3h);
  x[N2][k] = add_ends_of_square(x[ACT_N], k, s.n2);
  x[N4][k] = add_ends_of_square(x[N2], k, s.n4);
  hk_lanes sodium = p[G_NA] * x[M3H][k], potassium = p[G_K] * x[N4][k];
  x[G_SUM][k] = sodium + potassium + (x[G_EX][k] + x[G_IN][k]);
  hk_lanes drive = hk_lanes_fma(x[G_EX][k], p[E_EX], hk_lanes_fma(x[G_IN][k], p[E_IN], current[k]));
  drive = hk_lanes_fma(sodium, p[E_NA], hk_lanes_fma(potassium, p[E_K], drive));
  if (k == 0) {
    x[G_SUM][0] += p[G_L];
    drive += hk_lanes_fma(p[G_L], p[E_L], p[I_E]);
  }
  x[V_M][k + 1] = per * f->membrane * (drive - add_ends(x[V_M], x[G_SUM], k, s.v_g));
  const struct rates rates = find_rates(p, near, &s, k, x);
  for (int i = 0; i < 3; i++) {
    x[SUM_M + i][k] = rates.open[i] + rates.close[i];
    hk_lanes lost = add_ends(x[ACT_M + i], x[SUM_M + i], k, s.gate[i]);
    x[ACT_M + i][k + 1] = per * f->dt * (rates.open[i] - lost);
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
  if (from <= 1 && to > 0)
    expand(p, current, &f, &near, 0, x);
  for (size_t k = from > 1 ? from - 1 : 1; k < to; k++)
    expand(p, current, &f, &near, k, x);
}

/* While V_m stays below V_T + u, m opens no faster and closes no slower than there, so that it stays below what it
 * comes to under these rates: of its way there it has gone at most y / (1 + y / 2) after y time constants. After V_m
 * last had its present value it lies between that and the ceiling; then h and n are at most 1, g_in at least what it
 * has decayed to, and V_m rises at most as fast as all this can drive it at its present value. */
static void quiet(const hk_lanes *p, const hk_lanes *x, const hk_lanes *current, const hk_lanes *swing, hk_lanes *time)
{
  static const struct {
    double u, open, close; /* rates of m at u, per ms */
  } ceilings[] = {{10, 0.8595, 8.4208}, {16, 1.8195, 6.7757}};
  static const double spans[] = {0.0625, 0.125, 0.25, 0.5}; /* ms */
  const hk_lanes none = hk_lanes_all(0), v = x[V_M], inhibition = x[G_IN] * (p[E_IN] - v);
  const hk_lanes sodium = p[G_NA] * hk_lanes_max(p[E_NA] - v, none);
  hk_lanes push = p[I_E] + *current + *swing + p[G_L] * (p[E_L] - v) + x[G_EX] * hk_lanes_max(p[E_EX] - v, none);
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
