/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/response.h"

#include <math.h>
#include <string.h>

#include "core/twofold.h"

enum { NODES = HK__RESPONSE_DEGREE + 1 };

/* Whether a state hardly leaks: under a current it rests so far away, for so much drive, that its distance from rest
 * has lost digits that its value has, about this many ms times 2^-53 in every window. */
static bool hardly_leaks(const struct hk__kernel *kernel)
{
  static const double longest = 1e4; /* ms */
  double drive = 0, rest = 0;
  for (size_t j = 0; j < kernel->n; j++) {
    drive = fmax(drive, fabs(kernel->system.drive[j]));
    rest = fmax(rest, fabs(kernel->rest_per_current[j]));
  }
  return rest > longest * drive;
}

bool hk__response_suits(const struct hk__kernel *kernel, double h)
{
  if (!kernel->stable || h > kernel->reach || hardly_leaks(kernel))
    return false;
  for (size_t i = 0; i < kernel->n; i++)
    for (size_t j = 0; j < kernel->n; j++)
      if (!(kernel->clamped_states >> i & 1u) && kernel->clamped_states >> j & 1u && kernel->system.A[i][j] != 0)
        return false;
  return true;
}

int hk__kernel_compare(const struct hk__kernel *a, const struct hk__kernel *b)
{
  const struct hk_linear *x = &a->system, *y = &b->system;
  if (a->model != b->model)
    return strcmp(a->model->name, b->model->name);
  int order = memcmp(x->A, y->A, sizeof x->A);
  if (order == 0)
    order = memcmp(x->jump, y->jump, sizeof x->jump);
  return order ? order : memcmp(x->sense, y->sense, sizeof x->sense);
}

/* exp(A u) at the nodes u = h (1 + cos((i + 1/2) pi / NODES)) / 2, and at both ends of the window after them. */
struct samples {
  double P[NODES + 2][HK_STATES_MAX * HK_STATES_MAX];
  double widest;                        /* between neighbours, ms */
  struct hk__twofold cosine[4 * NODES]; /* cos(m pi / (2 NODES)) */
};

/* cosine[m] = cos(m pi / (2 NODES)): that of the first by its series, the others by cos(m + 1) = 2 cos 1 cos m -
 * cos(m - 1). */
static void fill_cosines(struct hk__twofold *cosine)
{
  const struct hk__twofold pi = {0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53};
  const struct hk__twofold angle = hk__twofold_per(pi, 2 * NODES), square = hk__twofold_times(angle, angle);
  struct hk__twofold term = hk__twofold_of(1);
  cosine[0] = cosine[1] = term;
  for (int k = 1; k < 12; k++) {
    term = hk__twofold_per(hk__twofold_times(term, square), -2.0 * k * (2 * k - 1));
    cosine[1] = hk__twofold_add(cosine[1], term);
  }
  for (int m = 1; m + 1 < 4 * NODES; m++)
    cosine[m + 1] = hk__twofold_less(hk__twofold_times(hk__twofold_by(cosine[1], 2), cosine[m]), cosine[m - 1]);
}

static void take_samples(const struct hk__kernel *kernel, double h, struct samples *samples)
{
  double Q[HK_STATES_MAX * HK_STATES_MAX];
  fill_cosines(samples->cosine);
  for (int i = 0; i < NODES; i++)
    hk__kernel_propagator(kernel, false, 0.5 * h * (1 + samples->cosine[2 * i + 1].high), samples->P[i], Q);
  hk__kernel_propagator(kernel, false, 0, samples->P[NODES], Q);
  hk__kernel_propagator(kernel, false, h, samples->P[NODES + 1], Q);
  samples->widest = 0.5 * h * M_PI / NODES;
}

static void multiply(size_t n, const double *P, const double *v, double *out)
{
  for (size_t i = 0; i < n; i++) {
    out[i] = 0;
    for (size_t j = 0; j < n; j++)
      out[i] = fma(P[i * n + j], v[j], out[i]);
  }
}

/* Chebyshev coefficients of the function with these values at the nodes. */
static void chebyshev(const struct samples *samples, const double *value, struct hk__twofold *coefficient)
{
  for (int k = 0; k < NODES; k++) {
    struct hk__twofold sum = hk__twofold_of(0);
    for (int i = 0; i < NODES; i++)
      sum = hk__twofold_add(sum, hk__twofold_by(samples->cosine[k * (2 * i + 1) % (4 * NODES)], value[i]));
    coefficient[k] = hk__twofold_per(sum, k == 0 ? NODES : 0.5 * NODES);
  }
}

/* The same polynomial in powers of x, up to a degree. Those of Chebyshev's polynomials are whole numbers. */
static void to_powers(const struct hk__twofold *coefficient, unsigned degree, double *power)
{
  double before[NODES] = {1}, now[NODES] = {0, 1};
  struct hk__twofold sum[NODES] = {coefficient[0]};
  for (unsigned k = 1; k <= degree; k++) {
    for (unsigned i = 0; i <= k; i++)
      sum[i] = hk__twofold_add(sum[i], hk__twofold_by(coefficient[k], now[i]));
    double next[NODES] = {0};
    for (unsigned i = 0; i <= k && i + 1 < NODES; i++)
      next[i + 1] = 2 * now[i];
    for (unsigned i = 0; i <= k; i++)
      next[i] -= before[i];
    memcpy(before, now, sizeof now);
    memcpy(now, next, sizeof now);
  }
  for (unsigned i = 0; i < NODES; i++)
    power[i] = sum[i].high;
}

/* The least degree whose remainder is below rounding error: not below that of the samples, which leaves something like
 * 1e-17 of the largest in every coefficient. */
static unsigned degree_needed(const struct hk__twofold *coefficient)
{
  static const double negligible = 4e-16;
  double largest = 0, tail = 0;
  for (int k = 0; k < NODES; k++)
    largest = fmax(largest, fabs(coefficient[k].high));
  int k = NODES;
  while (k > 1 && tail + fabs(coefficient[k - 1].high) <= negligible * largest)
    tail += fabs(coefficient[--k].high);
  return (unsigned)k - 1;
}

static void fit_port(struct hk__response *r, const struct samples *samples, size_t p,
                     struct hk__twofold coefficient[][NODES])
{
  const struct hk__kernel *kernel = r->kernel;
  struct hk__port_response *port = &r->port[p];
  double value[HK_STATES_MAX][NODES], out[HK_STATES_MAX];
  for (int i = 0; i < NODES; i++) {
    multiply(kernel->n, samples->P[i], kernel->system.jump[p], out);
    for (size_t j = 0; j < kernel->n; j++)
      value[j][i] = out[j];
  }
  for (size_t j = 0; j < kernel->n; j++) {
    bool any = false;
    for (int i = 0; i < NODES; i++)
      any |= value[j][i] != 0;
    if (!any)
      continue;
    port->lane[port->count] = (uint8_t)j;
    chebyshev(samples, value[j], coefficient[port->count]);
    unsigned degree = degree_needed(coefficient[port->count++]);
    r->degree = degree > r->degree ? degree : r->degree;
  }
}

/* row A^times */
static void times_A(const struct hk__kernel *kernel, int times, double *row)
{
  for (; times > 0; times--) {
    double next[HK_STATES_MAX] = {0};
    for (size_t i = 0; i < kernel->n; i++)
      for (size_t j = 0; j < kernel->n; j++)
        next[j] = fma(row[i], kernel->system.A[i][j], next[j]);
    memcpy(row, next, sizeof next);
  }
}

static double dot(size_t n, const double *a, const double *b)
{
  double sum = 0;
  for (size_t j = 0; j < n; j++)
    sum = fma(a[j], b[j], sum);
  return sum;
}

/* The range of sense . exp(A u) v over the window, and in *bend the largest curvature there. Between two samples a
 * function exceeds both by at most step^2 / 8 times its curvature, which is itself taken from samples, twice. */
static void range_of(const struct hk__kernel *kernel, const struct samples *samples, const double *v, double *hi,
                     double *lo, double *bend)
{
  double second[HK_STATES_MAX], out[HK_STATES_MAX];
  memcpy(second, kernel->system.sense, sizeof second);
  times_A(kernel, 2, second);
  *hi = -INFINITY;
  *lo = INFINITY;
  *bend = 0;
  for (int i = 0; i < NODES + 2; i++) {
    multiply(kernel->n, samples->P[i], v, out);
    double y = dot(kernel->n, kernel->system.sense, out);
    *hi = fmax(*hi, y);
    *lo = fmin(*lo, y);
    *bend = fmax(*bend, fabs(dot(kernel->n, second, out)));
  }
  double margin = 0.25 * samples->widest * samples->widest * *bend;
  *hi += margin;
  *lo -= margin;
}

static void range_port(struct hk__response *r, const struct samples *samples, size_t p)
{
  double hi, lo, bend;
  range_of(r->kernel, samples, r->kernel->system.jump[p], &hi, &lo, &bend);
  r->port[p].hi = fmax(0, hi + 1e-14 * fabs(hi));
  r->port[p].lo = fmin(0, lo);
}

static void derive_bend(const struct hk__kernel *kernel, const struct samples *samples, double h, double *out)
{
  for (size_t j = 0; j < kernel->n; j++) {
    double unit[HK_STATES_MAX] = {0}, hi, lo, bend;
    unit[j] = 1;
    range_of(kernel, samples, unit, &hi, &lo, &bend);
    /* between samples the curvature changes by a few per cent at most: rate * h <= 1/2 */
    out[j] = 1.1 * bend * h * h / 8;
  }
}

void hk__response_bend(const struct hk__kernel *kernel, double h, double *bend)
{
  struct samples samples;
  take_samples(kernel, h, &samples);
  derive_bend(kernel, &samples, h, bend);
}

size_t hk__response_doubles(const struct hk_model *model)
{
  size_t n = model->state_count;
  return n * n + n + model->port_count * n * NODES;
}

void hk__response_init(struct hk__response *response, const struct hk__kernel *kernel, double h, double *memory)
{
  size_t n = kernel->n;
  *response = (struct hk__response){.kernel = kernel, .h = h, .P = memory, .bend = memory + n * n};
  for (size_t p = 0; p < kernel->model->port_count; p++)
    response->port[p].c = response->bend + n + p * n * NODES;
  double Q[HK_STATES_MAX * HK_STATES_MAX];
  hk__kernel_propagator(kernel, false, h, response->P, Q);
  struct samples samples;
  take_samples(kernel, h, &samples);
  derive_bend(kernel, &samples, h, response->bend);
  struct hk__twofold coefficient[HK_PORTS_MAX][HK_STATES_MAX][NODES];
  for (size_t p = 0; p < kernel->model->port_count; p++) {
    fit_port(response, &samples, p, coefficient[p]);
    range_port(response, &samples, p);
  }
  for (size_t p = 0; p < kernel->model->port_count; p++)
    for (size_t k = 0; k < response->port[p].count; k++)
      to_powers(coefficient[p][k], response->degree, response->port[p].c + k * NODES);
}
