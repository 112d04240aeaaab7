/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exponential intervals for many independent Poisson trains, from counters.
 *
 * Draw number i of train n is a function of (seed, purpose, group, n, i) alone: block i / 2 of Philox under the group's
 * key gives two uniforms, and minus the logarithm of each is an exponential variable of mean 1. */
#ifndef HK__POISSON_H
#define HK__POISSON_H

#include <stddef.h>
#include <stdint.h>

#include "core/random.h"

struct hk__poisson {
  uint32_t key[2], name[2];
};

/* The trains of one group: an input, or a population of sources. */
void hk__poisson_init(struct hk__poisson *group, uint64_t seed, enum hk__purpose purpose, uint32_t index);

/* Draw i of train n. */
double hk__poisson_draw(const struct hk__poisson *group, uint32_t n, uint64_t i);

enum { HK__POISSON_LANES = 8 };

/* For 8 trains at a time: the two draws of block[k] of train[k], in first[k] and second[k]. */
typedef void hk__poisson_loop(const struct hk__poisson *group, const uint32_t *train, const uint32_t *block,
                              double *first, double *second);
hk__poisson_loop hk__poisson_blocks, hk__poisson_blocks_widest;

#endif
