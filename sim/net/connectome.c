/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Building the connectome: plan the blocks, count, settle, fill, sort. A connectome's arrays lie in three large
 * allocations, one for all rows, one for all synapses, one for all codes. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "net/build.h"
#include "net/network.h"
#include "net/pages.h"
#include "net/row_sort.h"
#include "net/rows.h"

struct owned {
  struct hk__connectome connectome; /* first: what is handed out */
  uint64_t *rows;
  void *synapses;
  struct hk__code *codes;
};

struct task {
  uint32_t block, chunk;
};

struct build {
  const struct hk_network *network;
  int threads;
  struct hk__layout layout;
  size_t projection_count;
  struct hk__wiring *wirings;
  struct hk__payload *payloads;
  struct hk__block_plan plan;
  struct hk__row_block *blocks;
  size_t task_count;
  struct task *tasks;
  struct hk__row_worker *workers; /* one per thread */
  struct owned *owned;
};

enum { TASKS_PER_THREAD = 16, ROWS_PER_TURN = 256 };
static const double task_synapses_min = 50000.0;
static const size_t cache_line = 64;

void hk__connectome_destroy(struct hk__connectome *connectome)
{
  struct owned *owned = (struct owned *)connectome;
  if (!owned)
    return;
  free(connectome->first);
  free(connectome->size);
  free(connectome->block_of);
  free(connectome->shards);
  free(connectome->blocks);
  free(owned->rows);
  free(owned->synapses);
  free(owned->codes);
  free(owned);
}

static void build_clear(struct build *b)
{
  for (size_t i = 0; b->wirings && i < b->projection_count; i++)
    hk__wiring_clear(&b->wirings[i]);
  for (size_t i = 0; b->blocks && i < b->plan.block_count; i++) {
    struct hk__row_block *block = &b->blocks[i];
    for (uint32_t c = 0; block->found && c < block->chunk_count; c++)
      hk__codes_clear(&block->found[c]);
    hk__codes_clear(&block->codes);
    free(block->found);
    free(block->further);
    free(block->rank);
  }
  for (int i = 0; b->workers && i < b->threads; i++)
    hk__row_worker_clear(&b->workers[i]);
  free(b->workers);
  free(b->tasks);
  free(b->blocks);
  free(b->wirings);
  free(b->payloads);
  hk__block_plan_clear(&b->plan);
  hk__layout_clear(&b->layout);
  if (b->owned)
    hk__connectome_destroy(&b->owned->connectome);
}

/* --- planning --- */

static enum hk_status make_wirings(struct build *b, uint64_t seed, double grid)
{
  size_t count = hk_network_projection_count(b->network);
  b->wirings = calloc(count + 1, sizeof *b->wirings);
  b->payloads = calloc(count + 1, sizeof *b->payloads);
  if (!b->wirings || !b->payloads)
    return HK_ERR_MEMORY;
  enum hk_status status = HK_OK;
  for (; b->projection_count < count && !status; b->projection_count++) {
    size_t p = b->projection_count;
    status = hk__wiring_init(&b->wirings[p], b->network, p, seed, b->threads);
    hk__payload_init(&b->payloads[p], b->network, p, seed, grid);
  }
  return status;
}

static bool varies(const struct build *b, const struct hk__row_block *block)
{
  for (size_t i = 0; i < block->plan->piece_count; i++) {
    const struct hk__payload *payload = &b->payloads[block->pieces[i].projection];
    if (payload->weight_varies || payload->delay_varies)
      return true;
  }
  return false;
}

/* As many chunks as share the work out evenly, unless counting them apart would cost more memory than rows need. */
static uint32_t chunk_count(const struct build *b, const struct hk__row_block *block, double share)
{
  double wanted = ceil(block->plan->expected / share),
         affordable = 1 + block->plan->expected / (2.0 * block->source_count);
  wanted = fmin(fmin(wanted, affordable), block->target_count);
  return b->threads == 1 || wanted < 1 ? 1 : (uint32_t)wanted;
}

static enum hk_status make_blocks(struct build *b)
{
  size_t count = b->plan.block_count, row_total = 0;
  double expected = 0.0;
  b->blocks = calloc(count + 1, sizeof *b->blocks);
  if (!b->blocks)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < count; i++) {
    expected += b->plan.blocks[i].expected;
    row_total += (size_t)b->layout.size[b->plan.blocks[i].source_population] + 1;
  }
  b->owned->rows = hk__pages_alloc(row_total * sizeof *b->owned->rows);
  if (!b->owned->rows)
    return HK_ERR_MEMORY;
  double share = fmax(expected / (TASKS_PER_THREAD * b->threads), task_synapses_min);
  uint64_t *row = b->owned->rows;
  for (size_t i = 0; i < count; i++) {
    struct hk__row_block *block = &b->blocks[i];
    block->plan = &b->plan.blocks[i];
    block->pieces = b->plan.pieces + block->plan->first_piece;
    block->source_count = b->layout.size[block->plan->source_population];
    block->target_count = b->layout.shards[block->plan->shard].count;
    block->survey = block->plan->countable && varies(b, block);
    block->chunk_count = chunk_count(b, block, share);
    block->row = row;
    row += (size_t)block->source_count + 1;
    block->found = block->survey ? calloc(block->chunk_count, sizeof *block->found) : NULL;
    size_t further = (size_t)(block->chunk_count - 1) * block->source_count;
    block->further = further ? hk__pages_alloc(further * sizeof *block->further) : NULL;
    if ((block->survey && !block->found) || (further && !block->further))
      return HK_ERR_MEMORY;
    b->task_count += block->chunk_count;
  }
  b->owned->connectome.bytes = row_total * sizeof *b->owned->rows;
  return HK_OK;
}

static enum hk_status make_tasks(struct build *b)
{
  uint32_t sources = 0;
  b->tasks = malloc((b->task_count + 1) * sizeof *b->tasks);
  b->workers = calloc((size_t)b->threads, sizeof *b->workers);
  if (!b->tasks || !b->workers)
    return HK_ERR_MEMORY;
  struct task *task = b->tasks;
  for (uint32_t i = 0; i < b->plan.block_count; i++) {
    for (uint32_t c = 0; c < b->blocks[i].chunk_count; c++)
      *task++ = (struct task){i, c};
    sources = b->blocks[i].source_count > sources ? b->blocks[i].source_count : sources;
  }
  enum hk_status status = HK_OK;
  for (int i = 0; i < b->threads && !status; i++)
    status = hk__row_worker_init(&b->workers[i], b->wirings, b->projection_count, sources);
  return status;
}

/* --- the passes --- */

/* A status that several threads set: once it is not HK_OK, the rest of the work is left. */
static void set_status(enum hk_status *shared, enum hk_status status)
{
  if (status != HK_OK)
#pragma omp atomic write
    *shared = status;
}

static bool failed(const enum hk_status *shared)
{
  enum hk_status status;
#pragma omp atomic read
  status = *shared;
  return status != HK_OK;
}

static enum hk_status count_and_settle(struct build *b)
{
  struct hk__row_context context = {b->wirings, b->payloads};
  enum hk_status status = HK_OK;
#pragma omp parallel num_threads(b->threads)
  {
    struct hk__row_worker *worker = &b->workers[omp_get_thread_num()];
#pragma omp for schedule(dynamic)
    for (size_t i = 0; i < b->task_count; i++)
      if (!failed(&status))
        set_status(&status, hk__rows_count(&context, &b->blocks[b->tasks[i].block], b->tasks[i].chunk, worker));
#pragma omp for schedule(dynamic)
    for (size_t i = 0; i < b->plan.block_count; i++)
      if (!failed(&status))
        set_status(&status, hk__rows_settle(&context, &b->blocks[i]));
  }
  return status;
}

static enum hk_status place_synapses(struct build *b)
{
  size_t bytes = 0;
  for (size_t i = 0; i < b->plan.block_count; i++) {
    size_t size = b->blocks[i].synapse_count * hk__synapse_size(b->blocks[i].format);
    bytes += (size + cache_line - 1) / cache_line * cache_line;
  }
  bytes += HK__ROW_PADDING;
  char *next = b->owned->synapses = hk__pages_alloc(bytes);
  if (!next)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < b->plan.block_count; i++) {
    size_t size = b->blocks[i].synapse_count * hk__synapse_size(b->blocks[i].format);
    b->blocks[i].synapses = next;
    next += (size + cache_line - 1) / cache_line * cache_line;
  }
  b->owned->connectome.bytes += bytes;
  return HK_OK;
}

static void fill(struct build *b)
{
  struct hk__row_context context = {b->wirings, b->payloads};
#pragma omp parallel num_threads(b->threads)
  {
    struct hk__row_worker *worker = &b->workers[omp_get_thread_num()];
#pragma omp for schedule(dynamic)
    for (size_t i = 0; i < b->task_count; i++)
      hk__rows_fill(&context, &b->blocks[b->tasks[i].block], b->tasks[i].chunk, worker);
  }
}

static enum hk_status tell_fault(const struct build *b, struct hk_messages *messages)
{
  struct hk__row_fault first = {.any = false};
  for (int i = 0; i < b->threads; i++) {
    const struct hk__row_fault *f = &b->workers[i].fault;
    if (f->any && (!first.any || f->projection < first.projection ||
                   (f->projection == first.projection && f->target < first.target)))
      first = *f;
  }
  if (!first.any)
    return HK_OK;
  const struct hk_projection_spec *spec = hk_network_projection(b->network, first.projection);
  hk_messages_add(
      messages, HK_SEVERITY_ERROR, hk__network_projection_place(b->network, first.projection),
      "the projection `%.100s` -> `%.100s`: for target neuron %u a %s of %g%s was drawn, but it must be %s; "
      "set min and max of its distribution",
      hk_network_population(b->network, spec->source)->name, hk_network_population(b->network, spec->target)->name,
      (unsigned)first.target, first.of_delay ? "delay" : "weight", first.value, first.of_delay ? " ms" : "",
      first.of_delay ? "above 0 ms" : "finite");
  return HK_ERR_INPUT;
}

/* --- sorting --- */

static double delay_of(const struct hk__row_block *block, uint64_t i)
{
  if (block->format == HK__INDEXED)
    return block->codes.code[((struct hk__indexed *)block->synapses)[i].code].delay;
  if (block->format == HK__TIGHT)
    return block->plan->delay_scale * (double)hk__tight_delay(((struct hk__tight *)block->synapses)[i]);
  if (block->format == HK__COMPACT)
    return block->plan->delay_scale * (double)((struct hk__compact *)block->synapses)[i].delay;
  return ((struct hk__wide *)block->synapses)[i].delay;
}

static uint16_t port_of(const struct hk__row_block *block, uint64_t i)
{
  if (block->format == HK__INDEXED)
    return block->codes.code[((struct hk__indexed *)block->synapses)[i].code].port;
  if (block->format == HK__TIGHT)
    return block->plan->port;
  if (block->format == HK__COMPACT)
    return ((struct hk__compact *)block->synapses)[i].port;
  return ((struct hk__wide *)block->synapses)[i].port;
}

/* Of delays and ports. */
struct range {
  double min, max;
  uint16_t low_port, high_port;
};

static const struct range no_range = {.min = INFINITY, .max = 0.0, .low_port = UINT16_MAX, .high_port = 0};

static void widen(struct range *range, struct range by)
{
  range->min = fmin(range->min, by.min);
  range->max = fmax(range->max, by.max);
  range->low_port = by.low_port < range->low_port ? by.low_port : range->low_port;
  range->high_port = by.high_port > range->high_port ? by.high_port : range->high_port;
}

/* Sorts some rows of a block and widens the range to theirs. */
static void sort_rows(const struct hk__row_block *block, uint32_t begin, uint32_t end, struct hk__sorter *sorter,
                      struct range *range)
{
  for (uint32_t s = begin; s < end; s++) {
    uint64_t first = block->row[s], count = block->row[s + 1] - first;
    if (count == 0)
      continue;
    if (block->format == HK__INDEXED)
      hk__sort_indexed(sorter, (struct hk__indexed *)block->synapses + first, count, block->rank);
    else if (block->format == HK__TIGHT)
      hk__sort_tight(sorter, (struct hk__tight *)block->synapses + first, count);
    else if (block->format == HK__COMPACT)
      hk__sort_compact(sorter, (struct hk__compact *)block->synapses + first, count);
    else
      hk__sort_wide(sorter, (struct hk__wide *)block->synapses + first, count);
    struct range row = {delay_of(block, first), delay_of(block, first + count - 1), UINT16_MAX, 0};
    for (uint64_t i = first; i < first + count; i++) {
      uint16_t port = port_of(block, i);
      row.low_port = port < row.low_port ? port : row.low_port;
      row.high_port = port > row.high_port ? port : row.high_port;
    }
    widen(range, row);
  }
}

/* One thread's part in sorting a block: every thread of the team calls it. */
static void sort_block(const struct hk__row_block *block, struct hk__sorter *sorter, struct range *range)
{
  uint32_t turns = block->source_count / ROWS_PER_TURN + 1;
#pragma omp for schedule(dynamic) nowait
  for (uint32_t turn = 0; turn < turns; turn++) {
    uint32_t begin = turn * ROWS_PER_TURN;
    uint32_t end = block->source_count - begin < ROWS_PER_TURN ? block->source_count : begin + ROWS_PER_TURN;
    sort_rows(block, begin, end, sorter, range);
  }
}

static void merge_ranges(struct build *b, const struct range *ranges)
{
  for (size_t i = 0; i < b->plan.block_count; i++) {
    struct range all = no_range;
    for (int t = 0; t < b->threads; t++)
      widen(&all, ranges[(size_t)t * b->plan.block_count + i]);
    b->blocks[i].min_delay = all.min;
    b->blocks[i].max_delay = all.max;
    b->blocks[i].low_port = all.low_port;
    b->blocks[i].high_port = all.high_port;
  }
}

static enum hk_status sort(struct build *b)
{
  uint64_t longest = 0;
  size_t width = sizeof(struct hk__indexed), range_count = (size_t)b->threads * b->plan.block_count;
  enum hk_status status = HK_OK;
  struct range *ranges = malloc((range_count + 1) * sizeof *ranges);
  if (!ranges)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < range_count; i++)
    ranges[i] = no_range;
  for (size_t i = 0; i < b->plan.block_count; i++) {
    size_t size = hk__synapse_size(b->blocks[i].format);
    longest = b->blocks[i].longest > longest ? b->blocks[i].longest : longest;
    width = size > width ? size : width;
  }
#pragma omp parallel num_threads(b->threads)
  {
    struct range *mine = ranges + (size_t)omp_get_thread_num() * b->plan.block_count;
    struct hk__sorter sorter;
    enum hk_status ready = hk__sorter_init(&sorter, longest, width);
    set_status(&status, ready);
#pragma omp barrier
    if (!failed(&status))
      for (size_t i = 0; i < b->plan.block_count; i++)
        sort_block(&b->blocks[i], &sorter, &mine[i]);
    if (ready == HK_OK)
      hk__sorter_clear(&sorter);
  }
  merge_ranges(b, ranges);
  free(ranges);
  return status;
}

/* --- handing over --- */

static enum hk_status make_blocks_final(struct build *b)
{
  struct hk__connectome *c = &b->owned->connectome;
  size_t count = 0, codes = 0;
  for (size_t i = 0; i < b->plan.block_count; i++) {
    count += b->blocks[i].synapse_count > 0;
    codes += b->blocks[i].format == HK__INDEXED ? b->blocks[i].codes.count : 0;
  }
  c->blocks = calloc(count + 1, sizeof *c->blocks);
  c->block_of = calloc(b->layout.population_count + 1, sizeof *c->block_of);
  b->owned->codes = malloc((codes + 1) * sizeof *b->owned->codes);
  if (!c->blocks || !c->block_of || !b->owned->codes)
    return HK_ERR_MEMORY;
  c->min_delay = INFINITY;
  struct hk__code *code = b->owned->codes;
  for (size_t i = 0; i < b->plan.block_count; i++) {
    const struct hk__row_block *from = &b->blocks[i];
    if (from->synapse_count == 0)
      continue;
    c->blocks[c->block_count++] = (struct hk__block){.source_population = from->plan->source_population,
                                                     .shard = from->plan->shard,
                                                     .format = from->format,
                                                     .weight_scale = from->plan->weight_scale,
                                                     .delay_scale = from->plan->delay_scale,
                                                     .row = from->row,
                                                     .synapses = from->synapses,
                                                     .min_delay = from->min_delay,
                                                     .max_delay = from->max_delay,
                                                     .port = from->low_port,
                                                     .one_port = from->low_port == from->high_port};
    if (from->format == HK__INDEXED) {
      memcpy(code, from->codes.code, from->codes.count * sizeof *code);
      c->blocks[c->block_count - 1].code = code;
      c->blocks[c->block_count - 1].code_count = from->codes.count;
      code += from->codes.count;
    }
    c->block_of[from->plan->source_population + 1]++;
    c->synapse_count += from->synapse_count;
    c->min_delay = fmin(c->min_delay, from->min_delay);
    c->max_delay = fmax(c->max_delay, from->max_delay);
  }
  c->min_delay = c->block_count ? c->min_delay : 0.0;
  for (size_t p = 0; p < b->layout.population_count; p++)
    c->block_of[p + 1] += c->block_of[p];
  c->bytes += codes * sizeof *code + c->block_count * sizeof *c->blocks;
  return HK_OK;
}

static void hand_over_layout(struct build *b)
{
  struct hk__connectome *c = &b->owned->connectome;
  c->population_count = b->layout.population_count;
  c->first = b->layout.first;
  c->size = b->layout.size;
  c->neuron_count = b->layout.neuron_count;
  c->shard_count = b->layout.shard_count;
  c->shards = b->layout.shards;
  c->bytes += c->population_count * (sizeof *c->first + sizeof *c->size + sizeof *c->block_of) +
              c->shard_count * sizeof *c->shards + sizeof *b->owned;
  b->layout = (struct hk__layout){0};
}

static enum hk_status run(struct build *b, uint64_t seed, double grid, uint32_t max_shard, struct hk_messages *messages)
{
  enum hk_status status = hk__layout_init(&b->layout, b->network, max_shard);
  if (!status)
    status = make_wirings(b, seed, grid);
  if (!status)
    status = hk__block_plan_init(&b->plan, b->network, &b->layout, b->payloads);
  if (!status)
    status = make_blocks(b);
  if (!status)
    status = make_tasks(b);
  if (!status)
    status = count_and_settle(b);
  if (!status)
    status = tell_fault(b, messages);
  if (!status)
    status = place_synapses(b);
  if (status)
    return status;
  fill(b);
  status = tell_fault(b, messages);
  if (!status)
    status = sort(b);
  if (!status)
    status = make_blocks_final(b);
  if (!status)
    hand_over_layout(b);
  return status;
}

/* As many threads as have enough to do. */
static int useful_threads(const struct hk_network *network, int threads)
{
  double expected = 0.0;
  for (size_t p = 0; p < hk_network_projection_count(network); p++)
    expected += hk_network_expected_synapses(network, p);
  return (int)fmin(threads > 0 ? threads : omp_get_num_procs(), 1.0 + expected / task_synapses_min);
}

enum hk_status hk__connectome_build(const struct hk_network *network, uint64_t seed, int threads, double grid,
                                    uint32_t max_shard, struct hk__connectome **out, struct hk_messages *messages)
{
  if (max_shard == 0 || max_shard > HK__SHARD_MAX)
    return HK_ERR_BUG;
  struct build b = {.network = network, .threads = useful_threads(network, threads)};
  b.owned = calloc(1, sizeof *b.owned);
  enum hk_status status = b.owned ? run(&b, seed, grid, max_shard, messages) : HK_ERR_MEMORY;
  if (!status) {
    *out = &b.owned->connectome;
    b.owned = NULL;
  }
  build_clear(&b);
  return status;
}
