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

/* A neuron on its way through the window, from moment to moment: an event, or its timer. What changes on the way comes
 * first: a row of four (lane_rows.h). */
struct hk__walk {
  double time;         /* the moment it is going to, */
  double stands, left; /* from where it stands, and how far it has to go yet; INFINITY: it looks ahead from there */
  uint64_t event;      /* the next: an index in the shard's events; where none is left that of the mark at their end */
  uint32_t neuron;     /* in the shard */
  uint32_t last;       /* while events are linked: that which came last */
  bool shuffled;       /* its events did not come in order */
};

/* Where walks queue for the next round. Those that it takes together should be alike in how many terms their steps
 * need; those that are there need none. Those that are over queue where nobody looks. */
enum { HK__THERE, HK__QUEUES = 7, HK__OVER = HK__QUEUES }; /* in between as many as lengths of series */

typedef enum hk_status hk__walks_loop(struct hk__shard_state *shard, const struct hk__window *window);

struct hk__walks {
  bool alike, sines; /* all neurons have the same parameters; some have sines in their currents */
  double *earliest;
  struct hk__walk *walk;
  size_t walk_count;
  uint32_t *under_way, *queue[1 + HK__QUEUES];
  size_t queued[1 + HK__QUEUES];
  const struct hk_model *model; /* whose hooks take as many lanes as take_rounds */
  hk__walks_loop *take_rounds;
};

/* Makes those of a shard, whose cells and currents are there. Error: HK_ERR_MEMORY. */
enum hk_status hk__walks_create(struct hk__shard_state *shard);
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
