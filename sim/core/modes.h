/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A passive dendritic tree in its modes, and the exact operations on one neuron.
 *
 *   C dV/dt = -G V + G_L E_L + I,   G symmetric
 *
 * With S = C^-1/2 G C^-1/2 = Q L Q^T, the modes z = Q^T C^1/2 V obey dz_m/dt = -L_m z_m + (Q^T C^-1/2 (G_L E_L + I))_m,
 * each by itself, as a point neuron of time constant 1 / L_m does. There are two sets of modes: of the free tree, and
 * of the dendrites alone while the soma is clamped.
 *
 * A cell's state x is three times as long as the tree has compartments: the modes, then the excitatory and the
 * inhibitory synaptic currents, over the capacitances of their compartments, in the same coordinates. While the soma is
 * clamped element 0 of each third stands for the soma itself (its potential and its currents over its capacitance,
 * which only decay) and the modes of the dendrites follow. */
#ifndef HK__MODES_H
#define HK__MODES_H

#include <stdbool.h>

#include <hillock/model.h>
#include <hillock/tree.h>

#include "core/linear.h"

/* One set of modes over the compartments first .. count. Mode m is at index m + first of a state. */
struct hk__mode_set {
  size_t first;
  double *rate;  /* [count - first]: L, 1/ms, >= 0 */
  double *shape; /* [compartment - first][mode]: Q / sqrt(C): V = shape z, and a current's share in the modes */
  double *leak;  /* [mode]: share of the leak currents, mV sqrt(pF) / ms */
  double *soma;  /* [mode], clamped: share of the current from the soma, per mV of its potential */
};

struct hk__modes {
  size_t count;
  double *capacitance;
  double *potential; /* initial */
  struct hk__mode_set free, clamped;
  struct hk_model model; /* the tree's own: with its states and ports */
  double *memory;
  struct hk_state *states;
  struct hk_port *ports;
  struct hk__compartment_name *names;
};

/* base: the registry's model of kind HK_MODEL_TREE. The tree must have passed hk__tree_fault. whole: false for the
 * model's tables alone, without the modes. Errors: HK_ERR_MEMORY, HK_ERR_NUMERIC. */
enum hk_status hk__modes_create(const struct hk_model *base, const struct hk_tree *tree, bool whole,
                                struct hk__modes **out);
void hk__modes_destroy(struct hk__modes *modes); /* NULL is fine */

static inline size_t hk__modes_states(const struct hk__modes *modes)
{
  return 3 * modes->count;
}

/* x of a free cell whose compartments have the potentials V and which has no synaptic currents. */
void hk__modes_start(const struct hk__modes *modes, const double *potential, double *x);

/* Potential of a compartment. */
double hk__modes_potential(const struct hk__modes *modes, bool clamped, size_t compartment, const double *x);

void hk__modes_advance(const struct hk__modes *modes, const struct hk_tree_cell *cell, bool clamped,
                       const struct hk__current *current, double t, double dt, double *x);

/* An event at a compartment. */
void hk__modes_receive(const struct hk__modes *modes, bool clamped, size_t compartment, double weight, double *x);

/* The soma is put at the reset potential and, if there is a refractory period, clamped there. */
void hk__modes_fire(const struct hk__modes *modes, const struct hk_tree_cell *cell, double *x);

/* The clamp ends. */
void hk__modes_release(const struct hk__modes *modes, double *x);

/* As hk__linear_outlook, for a free cell below its threshold. */
bool hk__modes_outlook(const struct hk__modes *modes, const struct hk_tree_cell *cell,
                       const struct hk__current *current, double t, const double *x, double *dt);

/* The integral of exp(-rate (dt - s)) exp(-decay s) over s in [0, dt], whatever the two rates. fading = exp(-rate dt),
 * decayed = exp(-decay dt). */
double hk__modes_response(double rate, double decay, double dt, double fading, double decayed);

/* The integral of exp(-rate s) over [0, dt]. */
double hk__modes_hold(double rate, double dt);

#endif
