/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small networks given synapse by synapse. Whatever goes wrong here fails the running Check test. */
#ifndef HK_TESTS_PAIRS_H
#define HK_TESTS_PAIRS_H

#include "flat.h"

/* Zeros, and room for one more; free(). */
void *allocate(size_t count, size_t size);

struct pairs {
  uint32_t *sources, *targets;
  double *weights, *delays;
  size_t count;
};

struct pairs pairs_of(size_t count); /* zeros */
void pairs_free(struct pairs *pairs);

size_t add_spec(struct hk_network *network, const struct hk_population_spec *spec);
void connect_pairs(struct hk_network *network, size_t source, size_t target, const struct pairs *pairs);

#endif
