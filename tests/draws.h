/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random numbers for tests, the same in each run: splitmix64. The state may begin with any number. */
#ifndef HK_TESTS_DRAWS_H
#define HK_TESTS_DRAWS_H

#include <stdint.h>

static inline uint64_t next_random(uint64_t *state)
{
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* In [low, high). */
static inline double draw_between(uint64_t *state, double low, double high)
{
  return low + (high - low) * ((double)(next_random(state) >> 11) * 0x1p-53);
}

#endif
