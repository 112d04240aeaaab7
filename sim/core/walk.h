/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window of a shard of a nonlinear model: the neurons that have something to do in it, each with its events
 * in order of time: a list through the shard's events. All others sleep: nothing arrives and their timers are not due,
 * so that no time is spent on them.
 *
 * Between windows no neuron has a mark; in one, those with events have 1 + their walk. `earliest` of a block of neurons
 * is at most the least of their timers. The walks of a window that a round takes are `walk[under_way[...]]`; those that
 * go on queue for the next. */
#ifndef HK__WALK_H
#define HK__WALK_H

#include "core/shard.h"

enum { HK__TIMER_BLOCK = 64 };

/* A neuron on its way through the window, from moment to moment: an event, or its timer. */
struct hk__walk {
  uint32_t neuron;     /* in the shard */
  uint32_t event;      /* the next: an index in the shard's events; HK__NO_EVENT: none is left */
  uint32_t last;       /* that which came last */
  bool shuffled;       /* its events did not come in order */
  bool looks;          /* it stands at a moment and looks ahead */
  double time;         /* the moment it is going to, */
  double stands, left; /* from where it stands, and how far it has to go yet; INFINITY while it looks */
};

static const uint32_t HK__NO_EVENT = UINT32_MAX;

/* Walks that a round takes together should be alike in how many terms their steps need: they queue by their effort. */
enum { HK__EFFORTS = 6 }; /* as many as lengths of series */

typedef enum hk_status hk__walks_loop(struct hk__shard_state *shard, const struct hk__window *window);

struct hk__walks {
  double *earliest;
  uint32_t *after; /* per event: that which follows for the same neuron, or HK__NO_EVENT */
  size_t after_capacity;
  struct hk__walk *walk;
  size_t walk_count;
  uint32_t *under_way, *queue[HK__EFFORTS];
  size_t queued[HK__EFFORTS];
  const struct hk_model *model; /* whose hooks take as many lanes as take_rounds */
  hk__walks_loop *take_rounds;
};

enum hk_status hk__walks_create(const struct hk_model *model, uint32_t neurons, struct hk__walks **out,
                                uint64_t *bytes);
void hk__walks_destroy(struct hk__walks *walks); /* NULL is fine */

/* A timer has been set. */
static inline void hk__walks_hint(struct hk__walks *walks, uint32_t neuron, double time)
{
  double *earliest = &walks->earliest[neuron / HK__TIMER_BLOCK];
  *earliest = time < *earliest ? time : *earliest;
}

/* Leads all walks of a nonlinear model to the window's end, HK_LANES of them at a time (rounds.c). */
hk__walks_loop hk__walks_take_rounds, hk__walks_take_rounds_widest;

/* The model whose hooks take the widest vectors' lanes; NULL if there is none. */
const struct hk_model *hk__model_widest(const struct hk_model *model);

#endif
