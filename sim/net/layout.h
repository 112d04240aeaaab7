/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Engine order and shards of a network, as connectome.h defines them. */
#ifndef HK__LAYOUT_H
#define HK__LAYOUT_H

#include <hillock/network.h>

#include "core/connectome.h"

struct hk__layout {
  size_t population_count;
  uint32_t *first, *size; /* per population */
  size_t neuron_count;
  size_t shard_count;
  struct hk__shard *shards; /* ascending in engine order, without gaps */
};

/* Error: HK_ERR_MEMORY, *layout is cleared. */
enum hk_status hk__layout_init(struct hk__layout *layout, const struct hk_network *network, uint32_t max_shard);
void hk__layout_clear(struct hk__layout *layout);

#endif
