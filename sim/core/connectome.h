/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All neurons and synapses of a built network, as the schedulers read them.
 *
 * Engine order: every neuron has one number, its population's `first` plus its index in the population. Populations
 * that can be targets come first, grouped by model (in the order of each model's first population), then the sources.
 * Within a group the order is that in which the populations were added.
 *
 * Shards: the target neurons of one model group are cut into shards of at most HK__SHARD_MAX neurons, contiguous in
 * engine order and as even as can be. A shard owns its neurons and all synapses onto them. The cut depends on the
 * network alone.
 *
 * Blocks: all synapses from one source population onto one shard, whatever projections they come from. A block holds
 * one row per source neuron: synapses of source i are row[i] .. row[i + 1], sorted by delay, ties by target, then
 * port, then weight. Blocks without synapses do not exist; those of a source population are contiguous in `blocks` and
 * ordered by shard. */
#ifndef HK__CONNECTOME_H
#define HK__CONNECTOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <hillock/model.h>
#include <hillock/status.h>

enum { HK__SHARD_MAX = 65536 };

struct hk__shard {
  const struct hk_model *model;
  uint32_t first, count; /* engine order */
};

/* How the synapses of a block are stored. The narrowest that holds every weight and delay exactly is taken. Drawn
 * weights are rounded to float when they are drawn; drawn delays to float (never to one below the smallest positive
 * float) or, where that is far below their spread, to ticks (net/payload.h). So they fit HK__COMPACT with scale 1, many
 * HK__TIGHT. */
enum hk__format {
  HK__INDEXED, /* at most 65536 distinct (weight, delay, port) */
  HK__TIGHT,   /* one port; weight = weight_scale * float, delay = delay_scale * a number of 16 bits */
  HK__COMPACT, /* weight = weight_scale * float, delay = delay_scale * float, products exact in no rounding but one */
  HK__WIDE     /* doubles */
};

struct hk__indexed {
  uint16_t target, code;
};
/* From the highest bits: 16 of the delay, 16 of the target, 32 of the weight. */
struct hk__tight {
  uint64_t bits;
};
struct hk__compact {
  uint16_t target, port;
  float weight, delay;
};
struct hk__wide {
  uint16_t target, port;
  uint32_t unused;
  double weight, delay;
};

/* Who decodes eight synapses at a time may read so many bytes beyond a row. */
enum { HK__ROW_PADDING = 8 * sizeof(struct hk__compact) };

struct hk__code {
  double weight, delay;
  uint16_t port;
};

struct hk__block {
  uint32_t source_population, shard;
  enum hk__format format;
  double weight_scale, delay_scale;
  const uint64_t *row; /* source population size + 1 */
  union {
    const void *synapses;
    const struct hk__indexed *indexed;
    const struct hk__tight *tight;
    const struct hk__compact *compact;
    const struct hk__wide *wide;
  };
  const struct hk__code *code; /* HK__INDEXED, sorted by delay so that comparing codes compares delays */
  uint32_t code_count;
  double min_delay, max_delay; /* over the block */
  uint16_t port;
  bool one_port; /* all synapses go to `port` */
};

struct hk__synapse {
  uint32_t target; /* within the shard */
  uint32_t port;
  double weight, delay;
};

struct hk__connectome {
  size_t population_count;
  uint32_t *first;     /* engine index of each population's first neuron */
  uint32_t *size;      /* of each population */
  uint32_t *block_of;  /* population_count + 1: the blocks of source population p are block_of[p] .. block_of[p + 1] */
  size_t neuron_count; /* sources included */
  size_t shard_count;
  struct hk__shard *shards;
  size_t block_count;
  struct hk__block *blocks;
  uint64_t synapse_count;
  uint64_t bytes;              /* occupied by all of this */
  double min_delay, max_delay; /* 0 without synapses */
};

static inline struct hk__tight hk__tight_of(uint16_t target, uint16_t delay, float weight)
{
  uint32_t bits;
  memcpy(&bits, &weight, sizeof bits);
  return (struct hk__tight){(uint64_t)delay << 48 | (uint64_t)target << 32 | bits};
}

static inline uint16_t hk__tight_delay(struct hk__tight synapse)
{
  return (uint16_t)(synapse.bits >> 48);
}

static inline uint16_t hk__tight_target(struct hk__tight synapse)
{
  return (uint16_t)(synapse.bits >> 32);
}

static inline float hk__tight_weight(struct hk__tight synapse)
{
  uint32_t bits = (uint32_t)synapse.bits;
  float weight;
  memcpy(&weight, &bits, sizeof weight);
  return weight;
}

/* Synapse i of a block (an index as in row[]). */
static inline struct hk__synapse hk__block_synapse(const struct hk__block *block, uint64_t i)
{
  switch (block->format) {
  case HK__INDEXED: {
    struct hk__indexed s = block->indexed[i];
    const struct hk__code *c = &block->code[s.code];
    return (struct hk__synapse){s.target, c->port, c->weight, c->delay};
  }
  case HK__TIGHT: {
    struct hk__tight s = block->tight[i];
    return (struct hk__synapse){hk__tight_target(s), block->port, block->weight_scale * (double)hk__tight_weight(s),
                                block->delay_scale * (double)hk__tight_delay(s)};
  }
  case HK__COMPACT: {
    struct hk__compact s = block->compact[i];
    return (struct hk__synapse){s.target, s.port, block->weight_scale * (double)s.weight,
                                block->delay_scale * (double)s.delay};
  }
  default: {
    struct hk__wide s = block->wide[i];
    return (struct hk__synapse){s.target, s.port, s.weight, s.delay};
  }
  }
}

#endif
