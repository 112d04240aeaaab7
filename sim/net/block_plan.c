/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/block_plan.h"

#include <stdlib.h>

#include "net/network.h"

/* A piece with what it is sorted by. */
struct entry {
  uint32_t source_population, shard, target_population;
  struct hk__piece piece;
};

static int compare_entries(const void *x, const void *y)
{
  const struct entry *a = x, *b = y;
  if (a->source_population != b->source_population)
    return a->source_population < b->source_population ? -1 : 1;
  if (a->shard != b->shard)
    return a->shard < b->shard ? -1 : 1;
  if (a->target_population != b->target_population)
    return a->target_population < b->target_population ? -1 : 1;
  return a->piece.projection < b->piece.projection ? -1 : 1;
}

/* Cuts a projection's targets at the borders of shards; with entries NULL it only counts. */
static size_t cut(const struct hk_network *network, const struct hk__layout *layout, size_t projection,
                  struct entry *entries)
{
  const struct hk_projection_spec *spec = hk_network_projection(network, projection);
  uint64_t first = layout->first[spec->target], end = first + layout->size[spec->target];
  size_t count = 0;
  for (uint32_t s = 0; s < layout->shard_count; s++) {
    uint64_t shard = layout->shards[s].first, shard_end = shard + layout->shards[s].count;
    uint64_t from = first > shard ? first : shard, to = end < shard_end ? end : shard_end;
    if (from >= to)
      continue;
    if (entries) {
      struct hk__piece piece = {(uint32_t)projection, (uint32_t)(from - first), (uint32_t)(to - first),
                                (uint32_t)(first - shard)};
      entries[count] = (struct entry){(uint32_t)spec->source, s, (uint32_t)spec->target, piece};
    }
    count++;
  }
  return count;
}

static bool any_fits_all(const struct hk__plan_block *block, const struct hk__piece *pieces,
                         const struct hk__payload *payloads, double (*scale_of)(const struct hk__payload *),
                         bool (*fits)(const struct hk__payload *, double), double *scale)
{
  for (size_t c = 0; c <= block->piece_count; c++) {
    *scale = c == 0 ? 1.0 : scale_of(&payloads[pieces[c - 1].projection]);
    bool all = true;
    for (size_t i = 0; i < block->piece_count && all; i++)
      all = fits(&payloads[pieces[i].projection], *scale);
    if (all)
      return true;
  }
  *scale = 1.0;
  return false;
}

static bool have_one_port(const struct hk__plan_block *block, const struct hk__piece *pieces,
                          const struct hk__payload *payloads, uint16_t *port)
{
  uint16_t other;
  bool one = hk__payload_one_port(&payloads[pieces[0].projection], port);
  for (size_t i = 1; i < block->piece_count && one; i++)
    one = hk__payload_one_port(&payloads[pieces[i].projection], &other) && other == *port;
  return one;
}

static void choose(struct hk__plan_block *block, const struct hk__piece *pieces, const struct hk_network *network,
                   const struct hk__payload *payloads)
{
  block->countable = true;
  block->expected = 0.0;
  for (size_t i = 0; i < block->piece_count; i++) {
    const struct hk_projection_spec *spec = hk_network_projection(network, pieces[i].projection);
    double targets = (double)hk_network_population(network, spec->target)->size;
    block->countable &= payloads[pieces[i].projection].countable;
    block->expected +=
        hk_network_expected_synapses(network, pieces[i].projection) * (pieces[i].end - pieces[i].begin) / targets;
  }
  bool weights =
      any_fits_all(block, pieces, payloads, hk__payload_weight_scale, hk__payload_weight_fits, &block->weight_scale);
  block->format = HK__TIGHT;
  if (weights && have_one_port(block, pieces, payloads, &block->port) &&
      any_fits_all(block, pieces, payloads, hk__payload_tick, hk__payload_ticks_fit, &block->delay_scale))
    return;
  bool delays =
      any_fits_all(block, pieces, payloads, hk__payload_delay_scale, hk__payload_delay_fits, &block->delay_scale);
  block->format = weights && delays ? HK__COMPACT : HK__WIDE;
}

enum hk_status hk__block_plan_init(struct hk__block_plan *plan, const struct hk_network *network,
                                   const struct hk__layout *layout, const struct hk__payload *payloads)
{
  *plan = (struct hk__block_plan){0};
  size_t projections = hk_network_projection_count(network), count = 0;
  for (size_t p = 0; p < projections; p++)
    count += cut(network, layout, p, NULL);
  struct entry *entries = malloc((count + 1) * sizeof *entries);
  plan->blocks = calloc(count + 1, sizeof *plan->blocks);
  plan->pieces = malloc((count + 1) * sizeof *plan->pieces);
  if (!entries || !plan->blocks || !plan->pieces) {
    free(entries);
    hk__block_plan_clear(plan);
    return HK_ERR_MEMORY;
  }
  for (size_t p = 0; p < projections; p++)
    plan->piece_count += cut(network, layout, p, entries + plan->piece_count);
  qsort(entries, count, sizeof *entries, compare_entries);
  for (size_t i = 0; i < count; i++) {
    struct hk__plan_block *block = plan->block_count ? &plan->blocks[plan->block_count - 1] : NULL;
    if (!block || block->source_population != entries[i].source_population || block->shard != entries[i].shard) {
      block = &plan->blocks[plan->block_count++];
      block->source_population = entries[i].source_population;
      block->shard = entries[i].shard;
      block->first_piece = i;
    }
    block->piece_count++;
    plan->pieces[i] = entries[i].piece;
  }
  free(entries);
  for (size_t b = 0; b < plan->block_count; b++)
    choose(&plan->blocks[b], plan->pieces + plan->blocks[b].first_piece, network, payloads);
  return HK_OK;
}

void hk__block_plan_clear(struct hk__block_plan *plan)
{
  free(plan->blocks);
  free(plan->pieces);
  *plan = (struct hk__block_plan){0};
}
