/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/layout.h"

#include <math.h>
#include <stdlib.h>

#include "net/build.h"
#include "net/network.h"

/* Cuts count neurons from `first` on into shards, the larger ones in front. */
static void cut(struct hk__layout *layout, const struct hk_model *model, uint32_t first, uint32_t count,
                uint32_t max_shard)
{
  uint32_t pieces = count / max_shard + (count % max_shard != 0);
  for (uint32_t i = 0; i < pieces; i++) {
    uint32_t share = count / pieces + (i < count % pieces);
    layout->shards[layout->shard_count++] = (struct hk__shard){model, first, share};
    first += share;
  }
}

/* Numbers the populations of one model, returns how many neurons they have. */
static uint32_t number_group(struct hk__layout *layout, const struct hk_network *network, const struct hk_model *model)
{
  uint32_t count = 0;
  for (size_t i = 0; i < layout->population_count; i++)
    if (hk_network_model(network, i) == model) {
      layout->first[i] = (uint32_t)layout->neuron_count + count;
      count += layout->size[i];
    }
  return count;
}

static bool is_first_of_model(const struct hk_network *network, size_t population)
{
  for (size_t i = 0; i < population; i++)
    if (hk_network_model(network, i) == hk_network_model(network, population))
      return false;
  return true;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
  return a > b ? a : b;
}

/* How many of so many neurons a shard has at the most. A tree is as much work as several point neurons, and so is a
 * neuron that is integrated: threads want them in smaller shards, but not in ever more of them, as each source has a
 * row for each shard. */
static uint32_t limit_for(const struct hk_model *model, uint32_t count, uint32_t max_shard)
{
  enum { FEW = 250, INTEGRATED = 1000, SHARDS = 32 };
  uint32_t share = max_shard;
  if (model->kind == HK_MODEL_NONLINEAR)
    share = INTEGRATED;
  else if (model->kind == HK_MODEL_TREE)
    share = larger(max_shard / (uint32_t)model->state_count, FEW);
  share = larger(share, count / SHARDS + (count % SHARDS != 0));
  return share < max_shard ? share : max_shard;
}

static size_t shards_at_most(const struct hk__layout *layout, const struct hk_network *network, uint32_t max_shard)
{
  size_t count = 0;
  for (size_t i = 0; i < layout->population_count; i++)
    if (!hk__model_is_source(hk_network_model(network, i)))
      count += layout->size[i] / limit_for(hk_network_model(network, i), layout->size[i], max_shard) + 1;
  return count;
}

uint32_t hk__shard_limit(const struct hk_network *network, int wanted)
{
  double neurons = 0, senders = 0, synapses = 0;
  for (size_t i = 0; i < hk_network_population_count(network); i++) {
    double size = (double)hk_network_population(network, i)->size;
    senders += size;
    neurons += hk__model_is_source(hk_network_model(network, i)) ? 0 : size;
  }
  if (wanted > 0)
    return (uint32_t)fmin(fmax(ceil(neurons / wanted), 1), HK__SHARD_MAX);
  for (size_t p = 0; p < hk_network_projection_count(network); p++)
    synapses += hk_network_expected_synapses(network, p);
  double share = fmin(fmax(ceil(neurons / HK__SHARDS_WANTED), HK__SHARD_SMALLEST), HK__SHARD_LARGEST);
  double row = synapses > 0 ? synapses / senders : INFINITY; /* mean, over all shards */
  return (uint32_t)fmin(fmax(share, ceil(neurons * HK__ROW_SHORTEST / row)), HK__SHARD_MAX);
}

enum hk_status hk__layout_init(struct hk__layout *layout, const struct hk_network *network, uint32_t max_shard)
{
  size_t populations = hk_network_population_count(network);
  *layout = (struct hk__layout){.population_count = populations};
  layout->first = calloc(populations + 1, sizeof *layout->first);
  layout->size = calloc(populations + 1, sizeof *layout->size);
  for (size_t i = 0; i < populations && layout->size; i++)
    layout->size[i] = (uint32_t)hk_network_population(network, i)->size;
  if (layout->size)
    layout->shards = calloc(shards_at_most(layout, network, max_shard) + 1, sizeof *layout->shards);
  if (!layout->first || !layout->shards) {
    hk__layout_clear(layout);
    return HK_ERR_MEMORY;
  }
  for (size_t i = 0; i < populations; i++) {
    const struct hk_model *model = hk_network_model(network, i);
    if (hk__model_is_source(model) || !is_first_of_model(network, i))
      continue;
    uint32_t first = (uint32_t)layout->neuron_count, count = number_group(layout, network, model);
    cut(layout, model, first, count, limit_for(model, count, max_shard));
    layout->neuron_count += count;
  }
  for (size_t i = 0; i < populations; i++)
    if (hk__model_is_source(hk_network_model(network, i))) {
      layout->first[i] = (uint32_t)layout->neuron_count;
      layout->neuron_count += layout->size[i];
    }
  return HK_OK;
}

void hk__layout_clear(struct hk__layout *layout)
{
  free(layout->first);
  free(layout->size);
  free(layout->shards);
  *layout = (struct hk__layout){0};
}
