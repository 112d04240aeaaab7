/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a network's description to its connectome and to the values of its neurons. */
#ifndef HK__BUILD_H
#define HK__BUILD_H

#include <hillock/network.h>

#include "core/connectome.h"

/* Neurons in a shard at the most. Large shards make long slices of rows, several shards are work for several threads:
 * where nobody says how many there should be (wanted is 0), a network is cut in four if that leaves enough neurons for
 * each, but not so that a source has less than a handful of synapses onto a shard. */
enum { HK__SHARD_LARGEST = 20480, HK__SHARD_SMALLEST = 2000, HK__SHARDS_WANTED = 4, HK__ROW_SHORTEST = 12 };
uint32_t hk__shard_limit(const struct hk_network *network, int wanted);

/* Builds rows in parallel; the same connectome for any number of threads. grid > 0: delays are rounded to the nearest
 * multiple of it, at least one. max_shard: neurons in a shard at the most (<= HK__SHARD_MAX). Errors: HK_ERR_MEMORY,
 * HK_ERR_INPUT (a delay that is not positive or not finite, a weight that is not finite, told in messages). On an error
 * *out is untouched. */
enum hk_status hk__connectome_build(const struct hk_network *network, uint64_t seed, int threads, double grid,
                                    uint32_t max_shard, struct hk__connectome **out, struct hk_messages *messages);

/* What hk__connectome_build would give: synapses, bytes within a few per cent, shards. Error: HK_ERR_MEMORY. */
struct hk__connectome_size {
  double synapses, bytes;
  size_t shards;
};
enum hk_status hk__connectome_estimate(const struct hk_network *network, double grid, uint32_t max_shard,
                                       struct hk__connectome_size *out);

void hk__connectome_destroy(struct hk__connectome *connectome); /* NULL is fine */

/* Parameters and initial states of all neurons of a population: param[i * param_count + k] and state[i * state_count +
 * k] in the order of the model's tables; values drawn, presets filled in, ranges and the model's own check applied,
 * `initialise` called. Each value depends on seed, population, name and neuron alone. Errors: HK_ERR_INPUT, told in
 * messages with population, neuron and value. Either of param, state may be NULL. */
enum hk_status hk__population_values(const struct hk_network *network, size_t population, uint64_t seed, double *param,
                                     double *state, struct hk_messages *messages);

/* What an input draws per target neuron (rate, weight, amplitude, offset): value for the i-th of its target neurons. */
enum hk_status hk__input_values(const struct hk_network *network, size_t input, const struct hk_value *value,
                                const char *name, uint64_t seed, double *out);

#endif
