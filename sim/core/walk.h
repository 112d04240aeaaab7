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

#include "core/doze.h"
#include "core/lane_rows.h"
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

/* The columns of rows of events (lane_rows.h). */
enum { HK__EVENT_TIME, HK__EVENT_WEIGHT, HK__EVENT_WHERE, HK__EVENT_AFTER };
_Static_assert(offsetof(struct hk__event, weight) == HK__EVENT_WEIGHT * sizeof(double), "the row of an event");
_Static_assert(offsetof(struct hk__event, neuron) == HK__EVENT_WHERE * sizeof(double), "the row of an event");
_Static_assert(offsetof(struct hk__event, after) == HK__EVENT_AFTER * sizeof(double), "the row of an event");

HK_INLINE hk__words hk__event_ports(const hk_lanes event[HK__ROW])
{
  enum { LITTLE_ENDIAN_HERE = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ }; /* the port is the upper half of its word */
  const hk__words where = (hk__words)event[HK__EVENT_WHERE];
  return LITTLE_ENDIAN_HERE ? where >> 32 : where & UINT32_MAX;
}

/* Lists of neurons: who is under way, each of the queues, who is due. And what a neuron takes. */
enum {
  HK__WALKS_LISTS = 2 + 1 + HK__QUEUES,
  HK__WALKS_BYTES = sizeof(struct hk__walk) + HK__WALKS_LISTS * sizeof(uint32_t)
};

typedef enum hk_status hk__walks_loop(struct hk__shard_state *shard, const struct hk__window *window);

struct hk__walks {
  bool alike, sines, restless; /* all neurons have the same parameters; some have sines, or noise, in their currents */
  double *earliest;
  struct hk__walk *walk;
  size_t walk_count;
  uint64_t none; /* the index of the mark at the end of events */
  uint32_t *due; /* neurons whose timers end in the window */
  size_t due_count;
  struct hk__doze *doze; /* NULL: the model does not */
  uint32_t *under_way, *queue[1 + HK__QUEUES];
  size_t queued[1 + HK__QUEUES];
  const struct hk_model *model; /* whose hooks take as many lanes as these: */
  hk__walks_loop *take_rounds;
  hk__leap *leap;
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
