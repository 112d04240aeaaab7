/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/tree_flow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/fmath.h"

/* Rows of the scratch; the first also serve other ends. */
enum { EXCESS, PART_EX, PART_IN, BOUND_TERMS };

/* L is near b if their difference is less than this part of the larger. */
static const double nearness = 0.25;

/* --- over a time --- */

/* A part that falls as e^(-r t) exceeds its chord by at most this; x = r t. */
static double bow_of(double x)
{
  double bow = x * x / 8;
  return bow < 1 ? bow : 1;
}

static void set_step(const struct hk__flow *flow, const struct hk__flow_set *set, double time,
                     struct hk__flow_step *step)
{
  const double *restrict rate = set->modes->rate, *restrict slowness = set->slowness;
  double *restrict fading = step->fading, *restrict hold = step->hold, *restrict bow = step->bow,
                   *restrict hold_bow = step->hold_bow;
  size_t n = set->count;
  step->time = time;
  hk__fadings(rate, time, n, fading, hold);
  for (size_t m = 0; m < n; m++) {
    bow[m] = bow_of(rate[m] * time);
    hold_bow[m] = rate[m] * time * time / 8;
    hold[m] *= slowness[m];
  }
  for (size_t m = 0; m < n; m++)
    hold_bow[m] = hold_bow[m] < slowness[m] ? hold_bow[m] : slowness[m];
  for (size_t m = 0; m < n && rate[m] * time < 1e-300; m++)
    hold[m] = time;
  for (int i = 0; i < 2; i++) {
    double decay = step->decay[i] = hk_exp(-flow->slow[i] * time);
    const double *restrict part = set->part[i];
    double *restrict response = step->response[i];
    for (size_t m = 0; m < n; m++)
      response[m] = (decay - fading[m]) * part[m];
    for (size_t k = 0; k < set->near_count[i]; k++) {
      uint32_t m = set->near[i][k];
      response[m] = hk__modes_response(rate[m], flow->slow[i], time, fading[m], decay);
    }
  }
}

/* What drives mode m of a set all the time is base[m] + scale * slope[m]. */
struct force {
  const double *base, *slope;
  double scale;
};

static struct force force_on(const struct hk__flow_set *set, const struct hk_tree_cell *cell, bool clamped,
                             double current)
{
  if (clamped)
    return (struct force){set->modes->leak, set->modes->soma, cell->reset};
  return (struct force){set->modes->leak, set->modes->shape, cell->I_e + current};
}

static void decay_currents(size_t count, const double *decay, double *currents)
{
  for (size_t k = 0; k < count; k++) {
    currents[k] *= decay[0];
    currents[count + k] *= decay[1];
  }
}

static void move_modes(const struct hk__flow *flow, const struct hk__flow_set *set, const struct hk__flow_step *step,
                       struct force force, double *x)
{
  size_t all = flow->modes->count;
  double *restrict z = x + set->modes->first;
  const double *restrict ex = z + all, *restrict in = ex + all, *restrict fading = step->fading,
                         *restrict hold = step->hold, *restrict to_ex = step->response[0],
                         *restrict to_in = step->response[1];
  for (size_t m = 0; m < set->count; m++) {
    double f = fma(force.scale, force.slope[m], force.base[m]);
    z[m] = fma(z[m], fading[m], fma(ex[m], to_ex[m], fma(in[m], to_in[m], f * hold[m])));
  }
}

static void take_step(const struct hk__flow *flow, const struct hk__flow_set *set, const struct hk__flow_step *step,
                      struct force force, double *x)
{
  move_modes(flow, set, step, force, x);
  decay_currents(flow->modes->count, step->decay, x + flow->modes->count);
}

static void add_shares(size_t count, const double *restrict shape, double weight, double decay,
                       const double *restrict fading, const double *restrict part, double *restrict z,
                       double *restrict current)
{
  for (size_t m = 0; m < count; m++) {
    double share = shape[m] * weight;
    z[m] = fma(share, (decay - fading[m]) * part[m], z[m]);
    current[m] = fma(share, decay, current[m]);
  }
}

double hk__flow_event(struct hk__flow *flow, bool clamped, size_t compartment, double weight, double left, double *x)
{
  const struct hk__flow_set *set = &flow->set[clamped];
  int synapse = weight < 0;
  size_t first = set->modes->first, count = set->count;
  double *z = x, *current = x + (size_t)(1 + synapse) * flow->modes->count;
  double decay = hk_exp(-flow->slow[synapse] * left);
  if (compartment < first) {
    current[compartment] = fma(weight / flow->modes->capacitance[compartment], decay, current[compartment]);
    return 0;
  }
  const double *shape = set->modes->shape + (compartment - first) * count;
  hk__fadings(set->modes->rate, left, count, flow->terms, NULL);
  add_shares(count, shape, weight, decay, flow->terms, set->part[synapse], z + first, current + first);
  for (size_t k = 0; k < set->near_count[synapse]; k++) {
    uint32_t m = set->near[synapse][k];
    double response = hk__modes_response(set->modes->rate[m], flow->slow[synapse], left, flow->terms[m], decay);
    z[first + m] = fma(shape[m] * weight, response, z[first + m]);
  }
  return weight > 0 ? weight * flow->highest[compartment] : 0;
}

/* --- the bound --- */

/* The sum of a row, in lanes side by side: the order does not depend on the compiler. */
static double total(const double *row, size_t count)
{
  enum { LANES = 4 };
  double sum[LANES] = {0}, rest = 0;
  size_t whole = count - count % LANES;
  for (size_t m = 0; m < whole; m += LANES)
    for (size_t l = 0; l < LANES; l++)
      sum[l] += row[m + l];
  for (size_t m = whole; m < count; m++)
    rest += row[m];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]) + rest;
}

static double positive(double x)
{
  return x > 0 ? x : 0;
}

/* The parts of the potential that decay as the synaptic currents do, and what of each mode is left for itself, in
 * place of its value. */
static void split(const struct hk__flow *flow, const double *x, double *restrict part_ex, double *restrict part_in,
                  double *restrict own)
{
  const struct hk__flow_set *set = &flow->set[0];
  size_t n = set->count;
  const double *restrict shape = set->modes->shape, *restrict z = x, *restrict ex = x + n, *restrict in = x + 2 * n,
                         *restrict to_ex = set->part[0], *restrict to_in = set->part[1];
  for (size_t m = 0; m < n; m++) {
    double of_ex = ex[m] * to_ex[m], of_in = in[m] * to_in[m];
    part_ex[m] = shape[m] * of_ex;
    part_in[m] = shape[m] * of_in;
    own[m] = shape[m] * (z[m] - of_ex - of_in);
  }
}

/* By how much the potential of a free soma can exceed both its ends over a step from x on. */
static double excess_over(const struct hk__flow *flow, const struct hk__flow_step *step, struct force force,
                          const double *x)
{
  const struct hk__flow_set *set = &flow->set[0];
  size_t n = set->count;
  const double *restrict shape = set->modes->shape, *restrict bow = step->bow, *restrict hold_bow = step->hold_bow;
  double *restrict excess = flow->terms + EXCESS * n;
  split(flow, x, flow->terms + PART_EX * n, flow->terms + PART_IN * n, excess);
  for (size_t m = 0; m < n; m++) {
    double f = fma(force.scale, force.slope[m], force.base[m]);
    excess[m] = positive(shape[m] * f * hold_bow[m] - excess[m] * bow[m]);
  }
  double sum = total(excess, n);
  for (size_t i = 0; i < 2; i++) {
    sum += positive(-total(flow->terms + (PART_EX + i) * n, n)) * bow_of(flow->slow[i] * step->time);
    for (size_t k = 0; k < set->near_count[i]; k++) {
      uint32_t m = set->near[i][k];
      double rate = set->modes->rate[m], other = flow->slow[i];
      double near_bow = fmin((rate + other) * step->time * step->time / 8, 1 / fmax(rate, other));
      sum = fma(fabs(shape[m] * x[(1 + i) * n + m]), near_bow, sum);
    }
  }
  return sum;
}

/* The soma's potential, its terms in the scratch. */
static double potential_of(const struct hk__flow *flow, const double *restrict x)
{
  const struct hk__flow_set *set = &flow->set[0];
  const double *restrict shape = set->modes->shape;
  double *restrict terms = flow->terms;
  for (size_t m = 0; m < set->count; m++)
    terms[m] = shape[m] * x[m];
  return total(terms, set->count);
}

double hk__flow_advance(struct hk__flow *flow, const struct hk_tree_cell *cell, bool clamped, double current,
                        double time, double *x)
{
  struct hk__flow_set *set = &flow->set[clamped];
  struct hk__flow_step *step = time == set->window.time ? &set->window : &set->any;
  struct force force = force_on(set, cell, clamped, current);
  if (step->time != time)
    set_step(flow, set, time, step);
  if (clamped) {
    take_step(flow, set, step, force, x);
    return -INFINITY;
  }
  double more = excess_over(flow, step, force, x), before = potential_of(flow, x);
  take_step(flow, set, step, force, x);
  return fmax(before, potential_of(flow, x)) + more;
}

double hk__flow_ceiling(struct hk__flow *flow, const struct hk_tree_cell *cell, double current, const double *x)
{
  const struct hk__flow_set *set = &flow->set[0];
  size_t n = set->count;
  if (!(set->modes->rate[0] > 0))
    return INFINITY;
  struct force force = force_on(set, cell, false, current);
  const double *restrict shape = set->modes->shape;
  double *restrict own = flow->terms + EXCESS * n;
  split(flow, x, flow->terms + PART_EX * n, flow->terms + PART_IN * n, own);
  for (size_t m = 0; m < n; m++) {
    double resting = shape[m] * fma(force.scale, force.slope[m], force.base[m]) * set->slowness[m];
    own[m] = own[m] > resting ? own[m] : resting;
  }
  double ceiling =
      total(own, n) + positive(total(flow->terms + PART_EX * n, n)) + positive(total(flow->terms + PART_IN * n, n));
  for (int i = 0; i < 2; i++)
    for (size_t k = 0; k < set->near_count[i]; k++) {
      uint32_t m = set->near[i][k];
      ceiling += positive(shape[m] * x[(size_t)(1 + i) * n + m]) / fmax(set->modes->rate[m], flow->slow[i]);
    }
  return ceiling;
}

/* --- the window's length --- */

/* The soma's response to a current of 1 pA that starts and decays in a compartment rises, from one of several times to
 * the next, by no more than its response to a steady current does. */
static void find_highest(struct hk__flow *flow, double length)
{
  enum { TIMES = 16 };
  const struct hk__flow_set *set = &flow->set[0];
  size_t n = set->count;
  double *steady = flow->terms, *decaying = flow->terms + n;
  memset(flow->terms, 0, 2 * n * sizeof *flow->terms);
  memset(flow->highest, 0, n * sizeof *flow->highest);
  flow->highest_time = length;
  for (int i = 1; i <= TIMES; i++) {
    set_step(flow, set, length * i / TIMES, &flow->set[0].any);
    for (size_t k = 0; k < n; k++) {
      const double *shape = set->modes->shape + k * n;
      double to_steady = 0, to_decaying = 0, size = 0;
      for (size_t m = 0; m < n; m++) {
        double share = set->modes->shape[m] * shape[m];
        to_steady = fma(share, set->any.hold[m], to_steady);
        to_decaying = fma(share, set->any.response[0][m], to_decaying);
        size += fabs(share);
      }
      double rise = positive(to_steady - steady[k]) + 1e-12 * size * length;
      flow->highest[k] = fmax(flow->highest[k], decaying[k] + rise);
      steady[k] = to_steady;
      decaying[k] = to_decaying;
    }
  }
}

void hk__flow_set_window(struct hk__flow *flow, double length)
{
  enum { PATIENCE = 16 };
  struct hk__flow_set *set = flow->set;
  if (set[0].window.time != length)
    for (int i = 0; i < 2; i++)
      set_step(flow, &set[i], length, &set[i].window);
  /* what is highest within a longer time serves too, if it does not have to for long */
  flow->shorter = length < 0.7 * flow->highest_time ? flow->shorter + 1 : 0;
  if (length > flow->highest_time || flow->shorter > PATIENCE)
    find_highest(flow, 1.001 * length);
}

/* --- making --- */

static double *carve(double **memory, size_t count)
{
  double *piece = *memory;
  *memory += count;
  return piece;
}

static void carve_step(struct hk__flow_step *step, size_t n, double **memory)
{
  step->time = -1;
  step->fading = carve(memory, n);
  step->hold = carve(memory, n);
  for (int i = 0; i < 2; i++)
    step->response[i] = carve(memory, n);
  step->bow = carve(memory, n);
  step->hold_bow = carve(memory, n);
}

static void init_set(struct hk__flow *flow, struct hk__flow_set *set, const struct hk__mode_set *modes, size_t count,
                     double **memory, uint32_t *indices)
{
  set->modes = modes;
  set->count = count;
  for (int i = 0; i < 2; i++) {
    set->part[i] = carve(memory, count);
    set->near[i] = indices + (size_t)i * count;
    for (size_t m = 0; m < count; m++) {
      double rate = modes->rate[m], difference = rate - flow->slow[i];
      bool near = fabs(difference) <= nearness * fmax(rate, flow->slow[i]);
      set->part[i][m] = near ? 0 : 1 / difference;
      if (near)
        set->near[i][set->near_count[i]++] = (uint32_t)m;
    }
  }
  set->slowness = carve(memory, count);
  for (size_t m = 0; m < count; m++)
    set->slowness[m] = 1 / modes->rate[m];
  carve_step(&set->window, count, memory);
  carve_step(&set->any, count, memory);
}

enum hk_status hk__flow_create(const struct hk__modes *modes, double tau_syn_ex, double tau_syn_in,
                               struct hk__flow **out)
{
  struct hk__flow *flow = calloc(1, sizeof *flow);
  if (!flow)
    return HK_ERR_MEMORY;
  size_t n = modes->count;
  flow->memory = calloc((2 * (3 + 2 * 6) + 1 + BOUND_TERMS) * n, sizeof *flow->memory);
  flow->indices = calloc(4 * n, sizeof *flow->indices);
  if (!flow->memory || !flow->indices) {
    hk__flow_destroy(flow);
    return HK_ERR_MEMORY;
  }
  flow->modes = modes;
  flow->slow[0] = 1 / tau_syn_ex;
  flow->slow[1] = 1 / tau_syn_in;
  double *memory = flow->memory;
  init_set(flow, &flow->set[0], &modes->free, n, &memory, flow->indices);
  init_set(flow, &flow->set[1], &modes->clamped, n - 1, &memory, flow->indices + 2 * n);
  flow->highest = carve(&memory, n);
  flow->terms = carve(&memory, BOUND_TERMS * n);
  *out = flow;
  return HK_OK;
}

void hk__flow_destroy(struct hk__flow *flow)
{
  if (!flow)
    return;
  free(flow->memory);
  free(flow->indices);
  free(flow);
}
