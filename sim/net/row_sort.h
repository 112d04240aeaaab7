/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorting the synapses of one row: by delay, then target, port and weight (tight: its bits). Equal synapses have equal
 * bytes, so a sorted row does not tell in which order it was filled. */
#ifndef HK__ROW_SORT_H
#define HK__ROW_SORT_H

#include "core/connectome.h"

/* Scratch memory for one thread. */
struct hk__sorter {
  void *scratch;    /* a copy of the longest row; for indexed rows eight bytes per synapse */
  uint32_t *bucket; /* HK__SORT_BUCKETS + 1 */
};

enum { HK__SORT_BUCKETS = 4096 };

/* Error: HK_ERR_MEMORY, *sorter is cleared. longest: synapses in the longest row. */
enum hk_status hk__sorter_init(struct hk__sorter *sorter, uint64_t longest, size_t synapse_size);
void hk__sorter_clear(struct hk__sorter *sorter);

/* rank[c]: the first code with the delay of code c. */
void hk__sort_indexed(struct hk__sorter *sorter, struct hk__indexed *row, uint64_t count, const uint32_t *rank);
void hk__sort_tight(struct hk__sorter *sorter, struct hk__tight *row, uint64_t count);
void hk__sort_compact(struct hk__sorter *sorter, struct hk__compact *row, uint64_t count);
void hk__sort_wide(struct hk__sorter *sorter, struct hk__wide *row, uint64_t count);

#endif
