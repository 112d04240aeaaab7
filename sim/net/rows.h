/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Building the rows of blocks: each synapse is drawn twice, once to be counted and once to be written, so that nothing
 * is stored in between.
 *
 * Work is cut into tasks: a chunk of a block's target neurons. Chunks are for sharing out the work only; whoever draws
 * a target neuron's synapses draws the same, and every row is sorted at the end, so the cut leaves no trace. Chunk 0
 * counts in the row array itself, each further chunk in an array of its own, which then tells it where to write. */
#ifndef HK__ROWS_H
#define HK__ROWS_H

#include "net/block_plan.h"
#include "net/codes.h"

/* A block under construction. */
struct hk__row_block {
  const struct hk__plan_block *plan;
  const struct hk__piece *pieces;
  uint32_t source_count, target_count; /* of the source population, of the shard */
  bool survey;                         /* countable, but what occurs shows only when drawn */
  uint32_t chunk_count;
  uint64_t *row;           /* source_count + 1 */
  uint64_t *further;       /* [chunk_count - 1][source_count] */
  struct hk__codes *found; /* survey: one per chunk */
  struct hk__codes codes;
  uint32_t *rank; /* indexed: per code, the first code of the same delay */
  enum hk__format format;
  uint64_t synapse_count, longest;
  void *synapses;
  double min_delay, max_delay;
  uint16_t low_port, high_port;
};

/* A drawn value that cannot be. Of several the one of the lowest projection and target is told. */
struct hk__row_fault {
  bool any, of_delay;
  uint32_t projection, target;
  double value;
};

/* What a thread works with. */
struct hk__row_worker {
  struct hk__draw draw;
  double *weight, *delay; /* of the synapses of one target */
  uint64_t *cursor;       /* where the next synapse of each source goes */
  struct hk__row_fault fault;
};

struct hk__row_context {
  const struct hk__wiring *wirings;
  const struct hk__payload *payloads;
};

enum hk_status hk__row_worker_init(struct hk__row_worker *worker, const struct hk__wiring *wirings, size_t wiring_count,
                                   uint32_t source_count);
void hk__row_worker_clear(struct hk__row_worker *worker);

/* First pass. Error: HK_ERR_MEMORY. */
enum hk_status hk__rows_count(const struct hk__row_context *context, struct hk__row_block *block, uint32_t chunk,
                              struct hk__row_worker *worker);

/* Between the passes: rows and the places of chunks in them, the codes, the format. Error: HK_ERR_MEMORY. */
enum hk_status hk__rows_settle(const struct hk__row_context *context, struct hk__row_block *block);

/* Second pass. */
void hk__rows_fill(const struct hk__row_context *context, struct hk__row_block *block, uint32_t chunk,
                   struct hk__row_worker *worker);

size_t hk__synapse_size(enum hk__format format);

/* Whether codes pay, against synapses of `width` bytes. */
bool hk__codes_pay(uint64_t codes, uint64_t synapses, size_t width);

#endif
