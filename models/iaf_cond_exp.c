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
static void quiet(const hk_lanes *p, const hk_lanes *x, const hk_lanes *current, const hk_lanes *swing, hk_lanes *time)
{
  const hk_lanes horizon = 0.25 * p[TAU_SYN_IN], none = hk_lanes_all(0);
  hk_lanes excitation = x[G_EX] * hk_lanes_max(p[E_EX] - x[V_M], none), inhibition = x[G_IN] * (p[E_IN] - x[V_M]);
  hk_lanes most = p[G_L] * (p[E_L] - x[V_M]) + p[I_E] + *current + *swing + excitation + hk_lanes_max(inhibition, none);
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

/* --- dozing --- */

/* V_m stays below V_th if there the net current is never inward. That is what the leak and I_e make it, at most 0, and
 * by what excitation exceeds inhibition. Where the latter decays more slowly, an excess grows no larger, and an excess
 * below 0 is largest now or when the span ends. */
static bool settle(const double *p, double current, const double *x, double *span, double *allowed)
{
  static const double part = 0.5, time = 0.6931471805599453; /* exp(-time) = part */
  const double inward = p[E_EX] - p[V_TH], outward = p[V_TH] - p[E_IN];
  const double rest = p[G_L] * (p[E_L] - p[V_TH]) + p[I_E] + current;
  if (!(inward > 0 && outward >= 0 && rest <= 0 && x[G_EX] >= 0 && x[G_IN] >= 0))
    return false;
  const double ex = inward * x[G_EX], in = p[TAU_SYN_IN] >= p[TAU_SYN_EX] ? outward * x[G_IN] : 0;
  double excess = ex - in;
  *span = INFINITY;
  if (excess < 0) {
    *span = time * p[TAU_SYN_IN];
    excess = fmax(excess, ex * hk_exp(-*span / p[TAU_SYN_EX]) - in * part);
  }
  allowed[0] = -(rest + excess) / inward;
  allowed[1] = INFINITY;
  return allowed[0] >= 0;
}

/* Gauss's quadrature of POINTS points on [-1, 1]: where they lie, by pairs, the outermost first, and their shares, that
 * of the middle last. */
enum { PAIRS = 3, POINTS = 2 * PAIRS + 1, LAST_TERM = 7 };
static const double offset[PAIRS] = {0.9491079123427585, 0.7415311855993945, 0.4058451513773972};
static const double share[PAIRS + 1] = {0.1294849661688697, 0.2797053914892766, 0.3818300505051189, 0.4179591836734694};

/* 1 / a, 1 / b, 1 / c of normal numbers, by one division where that works, as divisions are slow. */
HK_INLINE void invert(hk_lanes a, hk_lanes b, hk_lanes c, hk_lanes inverse[3])
{
  const hk_lanes all = 1.0 / (a * b * c);
  inverse[0] = all * (b * c);
  inverse[1] = all * (a * c);
  inverse[2] = all * (a * b);
  const hk_mask fails =
      ~((a * b > 0x1p-1000) & (a * c > 0x1p-1000) & (b * c > 0x1p-1000) & (all > 0x1p-1000) & (all < 0x1p1000));
  if (hk_mask_any(fails)) {
    inverse[0] = hk_lanes_pick(fails, 1.0 / a, inverse[0]);
    inverse[1] = hk_lanes_pick(fails, 1.0 / b, inverse[1]);
    inverse[2] = hk_lanes_pick(fails, 1.0 / c, inverse[2]);
  }
}

/* exp(-2 y), and by how much exp(-y (1 + r)) is more than that at the points r, the middle last: for 0 <= y <= 0.6,
 * where what these series leave out of cosh and sinh is below 1e-17. */
HK_INLINE hk_lanes decay(hk_lanes y, hk_lanes more[POINTS])
{
  static const double even[LAST_TERM] = {1.0 / 2,       1.0 / 24,        1.0 / 720,        1.0 / 40320,
                                         1.0 / 3628800, 1.0 / 479001600, 1.0 / 87178291200};
  static const double odd[LAST_TERM + 1] = {
      1, 1.0 / 6, 1.0 / 120, 1.0 / 5040, 1.0 / 362880, 1.0 / 39916800, 1.0 / 6227020800, 1.0 / 1307674368000};
  const hk_lanes root = hk_lanes_expm1_near_0(-0.5 * y), gone = -root * (root + 2.0), middle = 1.0 - gone;
#pragma GCC unroll 3
  for (size_t i = 0; i < PAIRS; i++) {
    const hk_lanes z = offset[i] * y, z2 = z * z;
    hk_lanes cosh = hk_lanes_all(even[LAST_TERM - 1]), sinh = hk_lanes_all(odd[LAST_TERM]);
#pragma GCC unroll 6
    for (size_t k = LAST_TERM - 1; k-- > 0;)
      cosh = hk_lanes_fma(cosh, z2, hk_lanes_all(even[k]));
#pragma GCC unroll 7
    for (size_t k = LAST_TERM; k-- > 0;)
      sinh = hk_lanes_fma(sinh, z2, hk_lanes_all(odd[k]));
    const hk_lanes both = hk_lanes_fma(cosh, z2, gone);
    more[2 * i] = middle * hk_lanes_fma(sinh, z, both);
    more[2 * i + 1] = middle * hk_lanes_fma(sinh, -z, both);
  }
  more[POINTS - 1] = middle * gone;
  return middle * middle;
}

/* exp -F for F up to 2.8 */
HK_INLINE hk_lanes decay_of(hk_lanes F)
{
  hk_lanes e = hk_lanes_expm1_near_0(-0.125 * F) + 1.0;
  e *= e;
  e *= e;
  return e * e;
}

/* With F(s) the integral of G / C_m from s to the end of the step, V_m grows by that of exp(-F(s)) times what dV_m/dt
 * would be at s if V_m had stood still: an integrand as smooth as exponentials are, of which steps of at most 2 of
 * their time constants, and 1.2 of a synapse's, leave the quadrature an error of some 1e-14 of it. What is left of a
 * conductance ends where all of it could not change V_m by a unit in the last place, so that no step need be short on
 * its account; nor need any where V_m has come to its end. */
static void leap(const hk_lanes *p, const hk_lanes *current, const hk_lanes *free, hk_lanes *dt, hk_lanes *x)
{
  static const double tiny = 1e-18, most_in_all = 2, most_of_synapse = 1.2;
  const hk_lanes zero = hk_lanes_all(0);
  hk_lanes inverse[3];
  invert(p[C_M], p[TAU_SYN_EX], p[TAU_SYN_IN], inverse);
  const hk_lanes per_C = inverse[0], area_ex = x[G_EX] * p[TAU_SYN_EX] * per_C,
                 area_in = x[G_IN] * p[TAU_SYN_IN] * per_C;
  const hk_mask no_ex = hk_lanes_abs(area_ex) < tiny, no_in = hk_lanes_abs(area_in) < tiny;
  const hk_lanes ex = hk_lanes_pick(no_ex, zero, x[G_EX]), in = hk_lanes_pick(no_in, zero, x[G_IN]);
  const hk_lanes rate_ex = hk_lanes_pick(no_ex, zero, inverse[1]), rate_in = hk_lanes_pick(no_in, zero, inverse[2]);
  const hk_lanes net = hk_lanes_fma(p[G_L], p[E_L] - x[V_M], p[I_E] + *current);
  const hk_mask ends = no_ex & no_in & (hk_lanes_abs(net) <= 0x1p-52 * p[G_L] * hk_lanes_abs(x[V_M]));
  const hk_lanes rest = hk_lanes_pick(ends, zero, net);
  const hk_lanes G = hk_lanes_pick(ends, zero, p[G_L] + hk_lanes_abs(ex) + hk_lanes_abs(in));

  const hk_lanes fastest = hk_lanes_max(rate_ex, rate_in);
  const hk_lanes hurry =
      hk_lanes_max(hk_lanes_fma(G, per_C, fastest) * (1 / most_in_all), fastest * (1 / most_of_synapse));
  const hk_mask far = *dt * hurry > 1.0;
  if (hk_mask_any(far))
    *dt = hk_lanes_pick(far, 1.0 / hurry, *dt);
  const hk_lanes half = 0.5 * *dt, leak = hk_lanes_pick(ends, zero, p[G_L] * per_C * half);

  hk_lanes more_ex[POINTS], more_in[POINTS], sum = zero;
  const hk_lanes ex_end = ex * decay(half * rate_ex, more_ex), in_end = in * decay(half * rate_in, more_in);
  const hk_lanes drive_ex = ex * (p[E_EX] - x[V_M]), drive_in = in * (p[E_IN] - x[V_M]);
  const hk_lanes end = hk_lanes_fma(ex_end, p[E_EX] - x[V_M], hk_lanes_fma(in_end, p[E_IN] - x[V_M], rest));
#pragma GCC unroll 7
  for (size_t i = 0; i < POINTS; i++) {
    const double to_end = i == POINTS - 1 ? 1 : i % 2 ? 1 - offset[i / 2] : 1 + offset[i / 2];
    const hk_lanes F = hk_lanes_fma(area_ex, more_ex[i], hk_lanes_fma(area_in, more_in[i], to_end * leak));
    const hk_lanes slope = hk_lanes_fma(drive_ex, more_ex[i], hk_lanes_fma(drive_in, more_in[i], end));
    sum = hk_lanes_fma(share[i / 2] * slope, decay_of(F), sum);
  }
  x[V_M] = hk_lanes_fma(*free * half * per_C, sum, x[V_M]);
  x[G_EX] = ex_end;
  x[G_IN] = in_end;
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
    .leap = leap,
    .settle = settle,
    .receive = receive,
    .threshold = threshold,
    .refractory = refractory,
};
