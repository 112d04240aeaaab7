/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The currents that inputs of kind dc, steps, sine and noise send into neurons.
 *
 * Between two switching times every neuron's current is a constant plus sines. At a switching time the inputs that
 * begin, end or step there get new values; a neuron's constant is then summed anew over its inputs in their order, so
 * that it does not depend on what was before.
 *
 * Noise is an Ornstein-Uhlenbeck process for every neuron, sampled exactly every dt from its input's beginning and held
 * in between: a neuron's response to that current, spikes included, is as exact as to any other. The sample of step k
 * is drawn from a stream named by (seed, input, neuron, k), so it depends on neither threads nor windows. */
#ifndef HK__CURRENTS_H
#define HK__CURRENTS_H

#include "core/built.h"

struct hk__switch {
  double time;
  uint32_t input; /* index in built->inputs */
};

/* The noise of one input, in units of its standard deviation. */
struct hk__noise {
  uint32_t input;
  uint64_t step; /* the next to be drawn */
  double time;   /* of that step; INFINITY: over */
  double *value; /* per target neuron */
};

struct hk__currents {
  const struct hk__built *built;
  struct hk__current *current; /* per target neuron, engine order */
  struct hk__sine *sines;      /* those of a neuron are contiguous */
  struct hk__switch *switches; /* ascending in (time, input) */
  size_t switch_count, next;   /* switches before `next` are in force */
  struct hk__noise *noises;
  size_t noise_count;
  double *level; /* per input: the steps' present amplitude; for others 1 while active, else 0 */
  uint64_t bytes;
};

/* Nothing is in force yet: switches at time 0 are still to be taken. Errors: HK_ERR_MEMORY. */
enum hk_status hk__currents_init(struct hk__currents *currents, const struct hk__built *built);
void hk__currents_clear(struct hk__currents *currents);

/* When the next switch happens; INFINITY if none is left. */
double hk__currents_next(const struct hk__currents *currents);

/* The input of the next switch. There must be one. */
const struct hk__input *hk__currents_input(const struct hk__currents *currents);

/* Puts the next switch in force. Its input's target neurons must have been advanced to its time. */
void hk__currents_switch(struct hk__currents *currents);

#endif
