/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spike trains that come from outside the neurons: private Poisson input, Poisson sources, trains played back. */
#ifndef HK__TRAIN_H
#define HK__TRAIN_H

#include <stdbool.h>

#include "core/built.h"
#include "core/poisson.h"

struct hk__train {
  bool is_played;               /* played back rather than drawn */
  const double *next, *stop;    /* played back: what is left */
  struct hk__poisson group;     /* drawn */
  struct hk__poisson_rate rate; /* drawn */
  uint32_t number;              /* drawn: within the group */
  uint32_t taken;               /* drawn: spikes of `bin`, in order, that have been had */
  uint64_t bin;                 /* drawn: where the next spike is looked for */
  double from, end;             /* drawn: no spike before `from`, none at `end` or later */
  bool is_source;               /* emits as a neuron of a population, rather than arriving at one neuron */
  uint32_t population;          /* of the source, or of the target */
  uint32_t neuron;              /* source: index in the population; else target in engine order */
  uint32_t port;
  double weight;
};

struct hk__trains {
  struct hk__train *train; /* inputs in their order, then source populations */
  uint32_t count;
  uint64_t bytes;
};

/* inputs: whether to list those of private inputs, or of sources alone. */
enum hk_status hk__trains_init(struct hk__trains *trains, const struct hk__built *built, bool inputs);
void hk__trains_clear(struct hk__trains *trains);

/* The time of the train's next spike, INFINITY if there is none left; each call moves on. */
double hk__train_next(struct hk__train *train);

#endif
