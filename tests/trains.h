/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spike trains made for tests of what looks at them: a growing list of spikes and numbers drawn by a generator of its
 * own, independent of the library's. */
#ifndef HK__TEST_TRAINS_H
#define HK__TEST_TRAINS_H

#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include <hillock/view.h>

#include "draws.h"

struct train {
  double *times;
  uint64_t *ids;
  size_t count, capacity;
};

static inline void train_add(struct train *train, double time, uint64_t id)
{
  if (train->count == train->capacity) {
    train->capacity = train->capacity ? 2 * train->capacity : 64;
    train->times = realloc(train->times, train->capacity * sizeof *train->times);
    train->ids = realloc(train->ids, train->capacity * sizeof *train->ids);
    ck_assert_ptr_nonnull(train->times);
    ck_assert_ptr_nonnull(train->ids);
  }
  train->times[train->count] = time;
  train->ids[train->count++] = id;
}

static inline void train_clear(struct train *train)
{
  free(train->times);
  free(train->ids);
  *train = (struct train){0};
}

static inline struct hk_spike_list train_list(const struct train *train, const char *name, uint64_t size)
{
  return (struct hk_spike_list){name, size, train->times, train->ids, train->count};
}

/* Uniform in (0, 1). */
static inline double draw_uniform(uint64_t *state)
{
  return ((double)(next_random(state) >> 11) + 0.5) * 0x1p-53;
}

/* A renewal process: intervals of gamma distribution with whole order and this mean, up to the end; order 1 is a
 * Poisson process. */
static inline void train_add_gamma(struct train *train, uint64_t id, int order, double mean, double end,
                                   uint64_t *state)
{
  double time = 0;
  for (;;) {
    for (int i = 0; i < order; i++)
      time -= mean / order * log(draw_uniform(state));
    if (time > end)
      return;
    train_add(train, time, id);
  }
}

#endif
