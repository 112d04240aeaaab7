/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cells that doze: neurons of a nonlinear model that surely do not spike soon, as their model tells (settle) or because
 * they are refractory, whose events are kept back to be taken in one go, without a look at the threshold.
 *
 * Who gets more than it may, or than it has room for, is called: it leaps through what it has kept from before the
 * window, and then settles again or wakes to walk through the window. What a neuron computes so follows from its own
 * events and from the windows alone; and its samples, for which it leaps ahead of being called, change nothing. Who is
 * awake keeps no events; who wakes has an event in the window, or a timer that ends in it, or a current that switches
 * at its start. */
#ifndef HK__DOZE_H
#define HK__DOZE_H

#include "core/shard.h"

enum { HK__KEPT = 14, HK__KEPT_SOON = 12 }; /* events that a cell can keep back, and with how many it is called */

struct hk__dozer {
  _Alignas(64) double until;     /* when what is allowed ends */
  double allowed[HK_DOZE_PORTS]; /* what more may arrive until then, by magnitude */
  double window;                 /* start of the last window in which anything came; of that: */
  double news[HK_DOZE_PORTS];    /* what did */
  float too_much[HK_DOZE_PORTS]; /* the largest event that was more than what was left */
  uint8_t fresh;                 /* how many events came */
  uint8_t count, kept;           /* events since it settled; those that are kept */
  bool dozes, called;
  uint16_t ports; /* bit i: that of event i kept */
};

_Static_assert(sizeof(struct hk__dozer) == 64, "a dozer fills a cache line");
_Static_assert((int)HK__KEPT < 16 && (int)HK_DOZE_PORTS == 2, "a bit for each event kept");

struct hk__kept {
  double time, weight;
};

/* Neurons that are to leap through the events that they have kept from before `start`, but no more than `most` of them,
 * and on to time `to`; -INFINITY: no farther. */
struct hk__calls {
  const uint32_t *neuron;
  size_t count;
  double start;
  unsigned most;
  double to;
};

/* Error: HK_ERR_NUMERIC. */
typedef enum hk_status hk__leap(const struct hk__shard_state *shard, const struct hk__calls *calls);
hk__leap hk__doze_leap, hk__doze_leap_widest;

/* What a neuron takes. */
enum { HK__DOZE_BYTES = sizeof(struct hk__dozer) + HK__KEPT * sizeof(struct hk__kept) + sizeof(uint32_t) };

struct hk__doze {
  struct hk__dozer *dozer; /* per neuron */
  struct hk__kept *kept;   /* [HK__KEPT] of each, in order of time */
  uint32_t *call;          /* neurons that are called */
  size_t call_count;
};

/* Makes that of a shard whose model dozes. Error: HK_ERR_MEMORY. */
enum hk_status hk__doze_create(struct hk__shard_state *shard, struct hk__doze **out);
void hk__doze_destroy(struct hk__doze *doze); /* NULL is fine */

static inline bool hk__dozes(const struct hk__doze *doze, uint32_t neuron)
{
  return doze && doze->dozer[neuron].dozes;
}

/* How many of the events that a neuron has kept are from before the window that begins at `start`. */
static inline unsigned hk__dozer_old(const struct hk__dozer *dozer, double start)
{
  return dozer->window == start ? dozer->kept - dozer->fresh : dozer->kept;
}

/* Fetches where a neuron's next event will be kept. Inline, as compilers drop calls that only fetch. */
static inline __attribute__((always_inline)) void hk__doze_prefetch(const struct hk__doze *doze, uint32_t neuron)
{
  const unsigned kept = doze->dozer[neuron].kept;
  __builtin_prefetch(&doze->kept[(size_t)neuron * HK__KEPT + (kept > 0 ? kept - 1 : 0)], 1);
}

/* A neuron wakes, and is called if it dozed. */
void hk__doze_wake(struct hk__doze *doze, uint32_t neuron);

/* An event of the window, of a neuron that dozes. Returns whether it has been kept; else the neuron is awake. */
bool hk__doze_keep(struct hk__doze *doze, const struct hk__window *window, const struct hk__event *event);

/* Leads all who are called up to a window, which they settle for or wake; adds the events that the latter have kept of
 * it to the shard's. Errors: HK_ERR_MEMORY, HK_ERR_NUMERIC. */
enum hk_status hk__doze_answer(struct hk__shard_state *shard, double start, double end);

/* The window's samples of a dozing neuron, which has kept its events. Error: HK_ERR_NUMERIC. */
enum hk_status hk__doze_take_samples(struct hk__shard_state *shard, const struct hk__window *window, uint32_t neuron);

/* A neuron that has taken all events of the window dozes off if it can. */
void hk__doze_off(struct hk__shard_state *shard, const struct hk__window *window, uint32_t neuron);

#endif
