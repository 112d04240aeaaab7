/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pairs.h"

#include <check.h>
#include <stdlib.h>

void *allocate(size_t count, size_t size)
{
  void *memory = calloc(count + 1, size);
  ck_assert_ptr_nonnull(memory);
  return memory;
}

struct pairs pairs_of(size_t count)
{
  return (struct pairs){allocate(count, sizeof(uint32_t)), allocate(count, sizeof(uint32_t)),
                        allocate(count, sizeof(double)), allocate(count, sizeof(double)), count};
}

void pairs_free(struct pairs *pairs)
{
  free(pairs->sources);
  free(pairs->targets);
  free(pairs->weights);
  free(pairs->delays);
}

void connect_pairs(struct hk_network *network, size_t source, size_t target, const struct pairs *pairs)
{
  struct hk_projection_spec spec = {.source = source,
                                    .target = target,
                                    .rule = {.kind = HK_RULE_PAIRS,
                                             .allow_autapses = true,
                                             .allow_multapses = true,
                                             .sources = pairs->sources,
                                             .targets = pairs->targets,
                                             .pair_count = pairs->count},
                                    .weight = hk_value_list(pairs->weights, pairs->count),
                                    .delay = hk_value_list(pairs->delays, pairs->count)};
  add_projection(network, spec);
}

size_t add_spec(struct hk_network *network, const struct hk_population_spec *spec)
{
  size_t index;
  ck_assert_int_eq(hk_network_add_population(network, spec, &index, NULL, NULL), HK_OK);
  return index;
}
