/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which blocks a network has, what goes into each, and how it will be stored.
 *
 * A block is all synapses from one source population onto one shard. What one projection adds to it is a piece: its
 * target neurons that lie in the shard. Blocks are ordered by source population, then shard; the pieces of a block by
 * target population, then projection. */
#ifndef HK__BLOCK_PLAN_H
#define HK__BLOCK_PLAN_H

#include "core/connectome.h"
#include "net/layout.h"
#include "net/payload.h"

struct hk__piece {
  uint32_t projection;
  uint32_t begin, end; /* target neurons, indices in their population */
  uint32_t shift;      /* index in the shard = index in the population + shift, modulo 2^32 */
};

struct hk__plan_block {
  uint32_t source_population, shard;
  size_t first_piece, piece_count;
  bool countable;         /* its synapses may take few values: to be stored as codes */
  enum hk__format format; /* if not as codes */
  uint16_t port;          /* HK__TIGHT: of all its synapses */
  double weight_scale, delay_scale;
  double expected; /* synapses */
};

struct hk__block_plan {
  size_t block_count, piece_count;
  struct hk__plan_block *blocks;
  struct hk__piece *pieces;
};

/* payloads: one for each projection. Error: HK_ERR_MEMORY, *plan is cleared. */
enum hk_status hk__block_plan_init(struct hk__block_plan *plan, const struct hk_network *network,
                                   const struct hk__layout *layout, const struct hk__payload *payloads);
void hk__block_plan_clear(struct hk__block_plan *plan);

#endif
