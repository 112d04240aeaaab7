/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The currents that inputs of kind dc, steps and sine send into neurons.
 *
 * Between two switching times every neuron's current is a constant plus sines. At a switching time the inputs that
 * begin, end or step there get new values; a neuron's constant is then summed anew over its inputs in their order, so
 * that it does not depend on what was before. */
#ifndef HK__CURRENTS_H
#define HK__CURRENTS_H

#include "core/built.h"

struct hk__switch {
  double time;
  uint32_t input; /* index in built->inputs */
};

struct hk__currents {
  const struct hk__built *built;
  struct hk__current *current; /* per target neuron, engine order */
  struct hk__sine *sines;      /* those of a neuron are contiguous */
  struct hk__switch *switches; /* ascending in (time, input) */
  size_t switch_count, next;   /* switches before `next` are in force */
  double *level;               /* per input: the steps' present amplitude; for others 1 while active, else 0 */
  uint64_t bytes;
};

/* Nothing is in force yet: switches at time 0 are still to be taken. Errors: HK_ERR_MEMORY. */
enum hk_status hk__currents_init(struct hk__currents *currents, const struct hk__built *built);
void hk__currents_clear(struct hk__currents *currents);

/* When the next switch happens; INFINITY if none is left. */
double hk__currents_next(const struct hk__currents *currents);

/* Puts the next switch in force. Its input's target neurons must have been advanced to its time. */
void hk__currents_switch(struct hk__currents *currents);

#endif
