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

/* Uniform in (0, 1): splitmix64. */
static inline double draw_uniform(uint64_t *state)
{
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
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
