/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/modes.h"

#include <gsl/gsl_eigen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/dendrite.h"

/* --- making --- */

static double *carve(double **memory, size_t count)
{
  double *piece = *memory;
  *memory += count;
  return piece;
}

static void carve_set(struct hk__mode_set *set, size_t first, size_t count, double **memory)
{
  size_t n = count - first;
  set->first = first;
  set->rate = carve(memory, n);
  set->shape = carve(memory, n * n);
  set->leak = carve(memory, n);
  set->soma = carve(memory, n);
}

/* The conductances of compartments first .. count, as S: scaled by the roots of the capacitances. */
static void fill_system(const struct hk_tree *tree, size_t first, double *s)
{
  const struct hk_compartment *c = tree->compartments;
  size_t n = tree->count - first;
  memset(s, 0, n * n * sizeof *s);
  for (size_t k = first; k < tree->count; k++)
    s[(k - first) * (n + 1)] += c[k].g_L;
  for (size_t k = 1; k < tree->count; k++) {
    size_t p = c[k].parent;
    if (k >= first)
      s[(k - first) * (n + 1)] += c[k].g_c;
    if (p >= first)
      s[(p - first) * (n + 1)] += c[k].g_c;
    if (k >= first && p >= first)
      s[(k - first) * n + (p - first)] = s[(p - first) * n + (k - first)] = -c[k].g_c;
  }
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      s[i * n + j] /= sqrt(c[i + first].C_m) * sqrt(c[j + first].C_m);
}

static enum hk_status decompose(size_t n, double *s, double *rate, double *shape)
{
  gsl_eigen_symmv_workspace *work = gsl_eigen_symmv_alloc(n);
  if (!work)
    return HK_ERR_MEMORY;
  gsl_matrix_view system = gsl_matrix_view_array(s, n, n), vectors = gsl_matrix_view_array(shape, n, n);
  gsl_vector_view values = gsl_vector_view_array(rate, n);
  int failed = gsl_eigen_symmv(&system.matrix, &values.vector, &vectors.matrix, work);
  if (!failed)
    failed = gsl_eigen_symmv_sort(&values.vector, &vectors.matrix, GSL_EIGEN_SORT_VAL_ASC);
  gsl_eigen_symmv_free(work);
  return failed ? HK_ERR_NUMERIC : HK_OK;
}

static enum hk_status derive_set(const struct hk_tree *tree, struct hk__mode_set *set)
{
  const struct hk_compartment *c = tree->compartments;
  size_t n = tree->count - set->first;
  if (n == 0)
    return HK_OK;
  double *system = malloc(n * n * sizeof *system);
  if (!system)
    return HK_ERR_MEMORY;
  fill_system(tree, set->first, system);
  enum hk_status status = decompose(n, system, set->rate, set->shape);
  free(system);
  if (status != HK_OK)
    return status;
  for (size_t m = 0; m < n; m++) {
    set->rate[m] = fmax(set->rate[m], 0);
    set->leak[m] = set->soma[m] = 0;
  }
  for (size_t k = 0; k < n; k++) {
    const struct hk_compartment *own = &c[k + set->first];
    for (size_t m = 0; m < n; m++) {
      double *shape = &set->shape[k * n + m];
      *shape /= sqrt(own->C_m);
      set->leak[m] += *shape * own->g_L * own->E_L;
      if (set->first == 1 && own->parent == 0)
        set->soma[m] += *shape * own->g_c;
    }
  }
  return HK_OK;
}

struct hk__compartment_name {
  char port[HK__NAME_LENGTH + 2], state[HK__NAME_LENGTH + 10];
};

static void derive_model(struct hk__modes *modes, const struct hk_model *base, const struct hk_tree *tree)
{
  modes->model = *base;
  modes->model.states = modes->states;
  modes->model.ports = modes->ports;
  modes->model.state_count = modes->model.port_count = tree->count;
  for (size_t k = 0; k < tree->count; k++) {
    struct hk__compartment_name *own = &modes->names[k];
    const char *name = tree->compartments[k].name;
    if (name)
      snprintf(own->port, sizeof own->port, "%s", name);
    else if (k == 0)
      snprintf(own->port, sizeof own->port, "soma");
    else
      snprintf(own->port, sizeof own->port, "%zu", k);
    if (k == 0)
      snprintf(own->state, sizeof own->state, "V_m");
    else
      snprintf(own->state, sizeof own->state, "V_m[%s]", own->port);
    modes->ports[k] = base->ports[0];
    modes->ports[k].name = own->port;
    modes->states[k] = base->states[0];
    modes->states[k].name = own->state;
    modes->states[k].preset = modes->potential[k];
    if (k > 0)
      modes->states[k].flags = 0;
  }
}

enum hk_status hk__modes_create(const struct hk_model *base, const struct hk_tree *tree, bool whole,
                                struct hk__modes **out)
{
  struct hk__modes *modes = calloc(1, sizeof *modes);
  if (!modes)
    return HK_ERR_MEMORY;
  size_t n = tree->count;
  modes->count = n;
  modes->memory = calloc(2 * (n * n + 4 * n), sizeof *modes->memory);
  modes->states = calloc(n, sizeof *modes->states);
  modes->ports = calloc(n, sizeof *modes->ports);
  modes->names = calloc(n, sizeof *modes->names);
  enum hk_status status = modes->memory && modes->states && modes->ports && modes->names ? HK_OK : HK_ERR_MEMORY;
  if (status == HK_OK) {
    double *memory = modes->memory;
    modes->capacitance = carve(&memory, n);
    modes->potential = carve(&memory, n);
    carve_set(&modes->free, 0, n, &memory);
    carve_set(&modes->clamped, 1, n, &memory);
    for (size_t k = 0; k < n; k++) {
      modes->capacitance[k] = tree->compartments[k].C_m;
      modes->potential[k] = tree->compartments[k].E_L;
    }
    derive_model(modes, base, tree);
  }
  if (status == HK_OK && whole)
    status = derive_set(tree, &modes->free);
  if (status == HK_OK && whole)
    status = derive_set(tree, &modes->clamped);
  if (status == HK_OK)
    *out = modes;
  else
    hk__modes_destroy(modes);
  return status;
}

void hk__modes_destroy(struct hk__modes *modes)
{
  if (!modes)
    return;
  free(modes->memory);
  free(modes->states);
  free(modes->ports);
  free(modes->names);
  free(modes);
}

/* --- between modes and compartments --- */

static const struct hk__mode_set *set_of(const struct hk__modes *modes, bool clamped)
{
  return clamped ? &modes->clamped : &modes->free;
}

static double at_compartment(const struct hk__modes *modes, const struct hk__mode_set *set, size_t k, const double *x)
{
  if (k < set->first)
    return x[k];
  size_t n = modes->count - set->first;
  const double *shape = set->shape + (k - set->first) * n;
  double sum = 0;
  for (size_t m = 0; m < n; m++)
    sum = fma(shape[m], x[set->first + m], sum);
  return sum;
}

static void to_compartments(const struct hk__modes *modes, const struct hk__mode_set *set, const double *x,
                            double *values)
{
  for (size_t k = 0; k < modes->count; k++)
    values[k] = at_compartment(modes, set, k, x);
}

static void to_modes(const struct hk__modes *modes, const struct hk__mode_set *set, const double *values, double *x)
{
  size_t n = modes->count - set->first;
  memset(x, 0, modes->count * sizeof *x);
  for (size_t k = 0; k < set->first; k++)
    x[k] = values[k];
  for (size_t k = 0; k < n; k++) {
    double weight = modes->capacitance[k + set->first] * values[k + set->first];
    for (size_t m = 0; m < n; m++)
      x[set->first + m] = fma(set->shape[k * n + m], weight, x[set->first + m]);
  }
}

/* From one set of modes to another; soma, if not NULL, is the new potential of the soma. */
static void change_modes(const struct hk__modes *modes, bool from_clamped, bool to_clamped, const double *soma,
                         double *x)
{
  for (size_t part = 0; part < 3; part++) {
    double values[HK_COMPARTMENTS_MAX];
    double *third = x + part * modes->count;
    to_compartments(modes, set_of(modes, from_clamped), third, values);
    if (part == 0 && soma)
      values[0] = *soma;
    to_modes(modes, set_of(modes, to_clamped), values, third);
  }
}

void hk__modes_start(const struct hk__modes *modes, const double *potential, double *x)
{
  memset(x, 0, hk__modes_states(modes) * sizeof *x);
  to_modes(modes, &modes->free, potential, x);
}

double hk__modes_potential(const struct hk__modes *modes, bool clamped, size_t compartment, const double *x)
{
  return at_compartment(modes, set_of(modes, clamped), compartment, x);
}

void hk__modes_receive(const struct hk__modes *modes, bool clamped, size_t compartment, double weight, double *x)
{
  const struct hk__mode_set *set = set_of(modes, clamped);
  double *current = x + (weight < 0 ? 2 : 1) * modes->count;
  if (compartment < set->first) {
    current[compartment] += weight / modes->capacitance[compartment];
    return;
  }
  size_t n = modes->count - set->first;
  const double *shape = set->shape + (compartment - set->first) * n;
  for (size_t m = 0; m < n; m++)
    current[set->first + m] = fma(shape[m], weight, current[set->first + m]);
}

void hk__modes_fire(const struct hk__modes *modes, const struct hk_tree_cell *cell, double *x)
{
  change_modes(modes, false, cell->t_ref > 0, &cell->reset, x);
}

void hk__modes_release(const struct hk__modes *modes, double *x)
{
  change_modes(modes, true, false, NULL, x);
}

/* --- advancing --- */

double hk__modes_response(double rate, double decay, double dt, double fading, double decayed)
{
  double difference = rate - decay, x = difference * dt;
  if (fabs(x) > 0.3)
    return (decayed - fading) / difference;
  return fading * (x == 0 ? dt : hk_expm1(x) / difference);
}

double hk__modes_hold(double rate, double dt)
{
  return rate * dt < 1e-300 ? dt : -hk_expm1(-rate * dt) / rate;
}

/* What a sine of the current does to a mode over dt, per unit of the current's share: the integral of
 * exp(-rate (dt - s)) sin(omega (t + s) + phase). */
static double sine_response(const struct hk__sine *sine, double rate, double t, double dt, double fading)
{
  double before = fma(sine->omega, t, sine->phase), after = fma(sine->omega, t + dt, sine->phase);
  double w = sine->omega, norm = rate * rate + w * w;
  if (norm * dt * dt < 1e-16)
    return dt * sin(before);
  return (rate * sin(after) - w * cos(after) - fading * (rate * sin(before) - w * cos(before))) / norm;
}

/* The constant part of what drives mode m. */
static double force(const struct hk__modes *modes, const struct hk_tree_cell *cell, bool clamped,
                    const struct hk__current *current, size_t m)
{
  if (clamped)
    return fma(modes->clamped.soma[m], cell->reset, modes->clamped.leak[m]);
  return fma(modes->free.shape[m], cell->I_e + current->constant, modes->free.leak[m]);
}

void hk__modes_advance(const struct hk__modes *modes, const struct hk_tree_cell *cell, bool clamped,
                       const struct hk__current *current, double t, double dt, double *x)
{
  if (dt <= 0)
    return;
  const struct hk__mode_set *set = set_of(modes, clamped);
  size_t n = modes->count - set->first;
  double *z = x + set->first, *ex = z + modes->count, *in = ex + modes->count;
  double slow_ex = 1 / cell->tau_syn_ex, slow_in = 1 / cell->tau_syn_in;
  double decay_ex = hk_exp(-dt * slow_ex), decay_in = hk_exp(-dt * slow_in);
  bool sines = !clamped && hk__current_varies(current);
  for (size_t m = 0; m < n; m++) {
    double rate = set->rate[m], fading = hk_exp(-rate * dt);
    double driven = force(modes, cell, clamped, current, m) * hk__modes_hold(rate, dt);
    driven = fma(ex[m], hk__modes_response(rate, slow_ex, dt, fading, decay_ex), driven);
    driven = fma(in[m], hk__modes_response(rate, slow_in, dt, fading, decay_in), driven);
    for (size_t i = 0; sines && i < current->sine_count; i++)
      if (current->sines[i].amplitude != 0)
        driven += set->shape[m] * current->sines[i].amplitude * sine_response(&current->sines[i], rate, t, dt, fading);
    z[m] = fma(z[m], fading, driven);
  }
  for (size_t k = 0; k < modes->count; k++) {
    x[modes->count + k] *= decay_ex;
    x[2 * modes->count + k] *= decay_in;
  }
}

/* --- looking ahead --- */

/* From a state on: the soma's potential and slope, a bound on its second derivative at all later times, and a bound on
 * itself (INFINITY if there is none). */
struct prospect {
  double potential, slope, bend, ceiling;
};

/* Adds what a synaptic current of share j in a mode does. While the two rates differ it is a part that decays with the
 * current and one that decays with the mode, which is added to *own; each is bounded by itself. */
static void add_synapse(double rate, double decay, double weight, double j, double *own, struct prospect *p)
{
  double difference = rate - decay, longest = 1 / fmax(rate, decay);
  if (fabs(difference) > 0.25 * fmax(rate, decay)) {
    double part = j / difference;
    *own -= part;
    p->bend += fmax(0, weight * part) * decay * decay;
    p->ceiling += fmax(0, weight * part);
  } else {
    double up = fmax(0, weight * j), down = fmax(0, -weight * j);
    p->bend += rate * rate * up * longest + (rate + decay) * down;
    p->ceiling += up * longest;
  }
}

/* Adds what a sine of the current does. Each mode comes to swing with it, with an amplitude of its share over
 * hypot(rate, omega); by as much as it is not there yet, its own part, which decays, is another. */
static void add_sine(const struct hk__modes *modes, const struct hk__sine *sine, double t, double *own,
                     struct prospect *p)
{
  double w = sine->omega, angle = fma(w, t, sine->phase), s = sin(angle), c = cos(angle);
  for (size_t m = 0; m < modes->count; m++) {
    double rate = modes->free.rate[m], share = modes->free.shape[m] * sine->amplitude;
    double norm = rate * rate + w * w, size = fabs(modes->free.shape[m] * share);
    p->slope = fma(modes->free.shape[m] * share, s, p->slope);
    if (norm > 1e-200) {
      own[m] -= share * (rate * s - w * c) / norm;
      p->bend += size * w * w / sqrt(norm);
      p->ceiling += size / sqrt(norm);
    } else {
      p->bend += size * (2 * rate + fabs(w));
      p->ceiling = INFINITY;
    }
  }
}

static struct prospect look(const struct hk__modes *modes, const struct hk_tree_cell *cell,
                            const struct hk__current *current, double t, const double *x)
{
  struct prospect p = {.ceiling = 0};
  size_t n = modes->count;
  double slow_ex = 1 / cell->tau_syn_ex, slow_in = 1 / cell->tau_syn_in, own[HK_COMPARTMENTS_MAX];
  memset(own, 0, n * sizeof *own);
  for (size_t i = 0; i < current->sine_count; i++)
    if (current->sines[i].amplitude != 0)
      add_sine(modes, &current->sines[i], t, own, &p);
  for (size_t m = 0; m < n; m++) {
    double rate = modes->free.rate[m], weight = modes->free.shape[m], f = force(modes, cell, false, current, m);
    double ex = x[n + m], in = x[2 * n + m], away = rate * x[m] - f; /* rate times the distance from rest */
    p.potential = fma(weight, x[m], p.potential);
    p.slope = fma(weight, ex + in - away, p.slope);
    add_synapse(rate, slow_ex, weight, ex, &own[m], &p);
    add_synapse(rate, slow_in, weight, in, &own[m], &p);
    p.bend += rate * fmax(0, weight * fma(rate, own[m], away));
    p.ceiling += rate > 0 ? weight * f / rate + fmax(0, weight * (own[m] + away / rate)) : INFINITY;
  }
  return p;
}

bool hk__modes_outlook(const struct hk__modes *modes, const struct hk_tree_cell *cell,
                       const struct hk__current *current, double t, const double *x, double *dt)
{
  enum { LOOKS = 64 };
  double later[3 * HK_COMPARTMENTS_MAX], at = 0;
  memcpy(later, x, hk__modes_states(modes) * sizeof *x);
  for (int i = 0; i < LOOKS; i++) {
    struct prospect p = look(modes, cell, current, t + at, later);
    double gap = cell->threshold - p.potential;
    *dt = at;
    if (gap <= 0 && i > 0)
      return true;
    if (p.ceiling + 1e-12 * (fabs(p.ceiling) + fabs(cell->threshold)) < cell->threshold) {
      *dt = INFINITY;
      return false;
    }
    double root = sqrt(fma(p.slope, p.slope, 2 * p.bend * fmax(gap, 0)));
    double step = p.slope > 0 ? 2 * fmax(gap, 0) / (p.slope + root) : (root - p.slope) / p.bend;
    if (!(step < HUGE_VAL)) {
      *dt = INFINITY;
      return false;
    }
    if (step <= 4e-16 * (t + at) && p.slope > 0) {
      *dt = at + step;
      return true;
    }
    at += fmax(step, 1e-15 * (t + at));
    memcpy(later, x, hk__modes_states(modes) * sizeof *x);
    hk__modes_advance(modes, cell, false, current, t, at, later);
  }
  *dt = at;
  return false;
}
