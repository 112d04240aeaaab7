/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Superposition on a tree: where a neuron's modes stand at a window's end, whatever the order of its events, and a
 * bound on its soma's potential inside.
 *
 * Over a time t a mode of rate L goes, under a constant force f and synaptic currents of decay rates b, to
 *   z e^(-L t) + f H(t) + sum of current K(t),   H(t) = (1 - e^(-L t)) / L,   K(t) = (e^(-b t) - e^(-L t)) / (L - b)
 * and an event of weight w that arrives with a time u left adds w s K(u) to it and w s e^(-b u) to its current, with s
 * the share of the compartment in the mode. Nothing divides by L - b where L is near b.
 *
 * The bound. Left to itself the potential is a sum of exponentials and of K of the modes near b. It exceeds the higher
 * of its two ends by no more than each part exceeds its own chord: a part c e^(-r t) with c >= 0 does not, one with
 * c < 0 by -c times a number that r t gives. An event at a compartment raises it by at most its weight times the
 * highest response of the soma within the window; an inhibitory one does not raise it. The responses are positive: the
 * potential of a compartment never falls because that of another rises. */
#ifndef HK__TREE_FLOW_H
#define HK__TREE_FLOW_H

#include "core/modes.h"

/* How far a time carries: per mode of a set. */
struct hk__flow_step {
  double time, decay[2];               /* e^(-b t): excitatory, inhibitory */
  double *fading, *hold, *response[2]; /* e^(-L t), H, K */
  double *bow, *hold_bow; /* at most by so much does the chord of e^(-L t), of -H exceed it; of the free tree */
};

struct hk__flow_set {
  const struct hk__mode_set *modes;
  size_t count;
  double *part[2];   /* 1 / (L - b); 0 where L is near b */
  uint32_t *near[2]; /* the modes where it is */
  size_t near_count[2];
  double *slowness;                 /* 1 / L, INFINITY for L = 0 */
  struct hk__flow_step window, any; /* over the window; over any other time */
};

struct hk__flow {
  const struct hk__modes *modes;
  double slow[2];                /* b: 1/ms */
  struct hk__flow_set set[2];    /* of the free tree; of the tree whose soma is clamped */
  double *highest, highest_time; /* per compartment: of the soma's response to 1 pA, within that time */
  int shorter;                   /* windows in a row that are much shorter than that */
  double *terms;                 /* scratch: BOUND_TERMS rows */
  double *memory;
  uint32_t *indices;
};

/* For the cells of a tree that have these time constants of synapses. Error: HK_ERR_MEMORY. */
enum hk_status hk__flow_create(const struct hk__modes *modes, double tau_syn_ex, double tau_syn_in,
                               struct hk__flow **out);
void hk__flow_destroy(struct hk__flow *flow); /* NULL is fine */

/* Windows have this length from now on. */
void hk__flow_set_window(struct hk__flow *flow, double length);

/* Advances x by a time, without events; for a free cell returns a bound on its soma's potential on the way. current:
 * the constant part into the soma beside the cell's own. */
double hk__flow_advance(struct hk__flow *flow, const struct hk_tree_cell *cell, bool clamped, double current,
                        double time, double *x);

/* Adds to x, which stands at the window's end, an event that arrived with the time `left` before it. Returns by how
 * much it can raise the soma's potential within the window. */
double hk__flow_event(struct hk__flow *flow, bool clamped, size_t compartment, double weight, double left, double *x);

/* A bound on the soma's potential from x on, for ever, while nothing arrives; INFINITY if there is none. */
double hk__flow_ceiling(struct hk__flow *flow, const struct hk_tree_cell *cell, double current, const double *x);

#endif
