/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CODES_FREE = 256 };

size_t hk__synapse_size(enum hk__format format)
{
  return format == HK__INDEXED   ? sizeof(struct hk__indexed)
         : format == HK__TIGHT   ? sizeof(struct hk__tight)
         : format == HK__COMPACT ? sizeof(struct hk__compact)
                                 : sizeof(struct hk__wide);
}

bool hk__codes_pay(uint64_t codes, uint64_t synapses, size_t width)
{
  return codes <= CODES_FREE ||
         codes * sizeof(struct hk__code) + synapses * sizeof(struct hk__indexed) <= synapses * width;
}

enum hk_status hk__row_worker_init(struct hk__row_worker *worker, const struct hk__wiring *wirings, size_t wiring_count,
                                   uint32_t source_count)
{
  uint32_t degree = 0;
  *worker = (struct hk__row_worker){.draw = {0}};
  for (size_t i = 0; i < wiring_count; i++)
    degree = wirings[i].max_degree > degree ? wirings[i].max_degree : degree;
  enum hk_status status = hk__draw_init(&worker->draw, wirings, wiring_count);
  worker->weight = malloc(((size_t)degree + 1) * sizeof *worker->weight);
  worker->delay = malloc(((size_t)degree + 1) * sizeof *worker->delay);
  worker->cursor = malloc(((size_t)source_count + 1) * sizeof *worker->cursor);
  if (!status && worker->weight && worker->delay && worker->cursor)
    return HK_OK;
  hk__row_worker_clear(worker);
  return HK_ERR_MEMORY;
}

void hk__row_worker_clear(struct hk__row_worker *worker)
{
  hk__draw_clear(&worker->draw);
  free(worker->weight);
  free(worker->delay);
  free(worker->cursor);
  *worker = (struct hk__row_worker){.draw = {0}};
}

/* --- shared by the passes --- */

/* The target neurons of a piece that lie in a chunk: [*begin, *end), indices in their population. */
static void chunk_targets(const struct hk__row_block *block, uint32_t chunk, const struct hk__piece *piece,
                          uint32_t *begin, uint32_t *end)
{
  uint64_t low = (uint64_t)block->target_count * chunk / block->chunk_count;
  uint64_t high = (uint64_t)block->target_count * (chunk + 1) / block->chunk_count;
  uint64_t first = (uint32_t)(piece->begin + piece->shift), last = first + (piece->end - piece->begin);
  low = low > first ? low : first;
  high = high < last ? high : last;
  *begin = (uint32_t)low - piece->shift;
  *end = high > low ? (uint32_t)high - piece->shift : *begin;
}

static uint64_t *further_of(const struct hk__row_block *block, uint32_t chunk)
{
  return block->further + (size_t)(chunk - 1) * block->source_count;
}

static void note_fault(struct hk__row_worker *worker, bool of_delay, uint32_t projection, uint32_t target, double value)
{
  struct hk__row_fault *f = &worker->fault;
  if (f->any && (f->projection < projection || (f->projection == projection && f->target <= target)))
    return;
  *f = (struct hk__row_fault){true, of_delay, projection, target, value};
}

static void draw_values(const struct hk__payload *payload, uint32_t target, uint32_t count,
                        struct hk__row_worker *worker)
{
  uint32_t bad;
  if (!hk__payload_weights(payload, target, count, &worker->draw, worker->weight, &bad))
    note_fault(worker, false, payload->projection, target, worker->weight[bad]);
  if (!hk__payload_delays(payload, target, count, &worker->draw, worker->delay, &bad))
    note_fault(worker, true, payload->projection, target, worker->delay[bad]);
}

/* --- first pass --- */

static enum hk_status survey(const struct hk__payload *payload, uint32_t target, uint32_t count,
                             struct hk__row_worker *worker, struct hk__codes *found)
{
  draw_values(payload, target, count, worker);
  enum hk_status status = HK_OK;
  for (uint32_t k = 0; k < count && !status; k++)
    status = hk__codes_add(
        found, (struct hk__code){worker->weight[k], worker->delay[k], hk__payload_port(payload, worker->weight[k])});
  return status;
}

enum hk_status hk__rows_count(const struct hk__row_context *context, struct hk__row_block *block, uint32_t chunk,
                              struct hk__row_worker *worker)
{
  uint64_t *counts = chunk == 0 ? block->row + 1 : further_of(block, chunk);
  memset(counts, 0, block->source_count * sizeof *counts);
  for (size_t i = 0; i < block->plan->piece_count; i++) {
    const struct hk__piece *piece = &block->pieces[i];
    const struct hk__wiring *wiring = &context->wirings[piece->projection];
    const struct hk__payload *payload = &context->payloads[piece->projection];
    uint32_t begin, end;
    chunk_targets(block, chunk, piece, &begin, &end);
    for (uint32_t t = begin; t < end; t++) {
      uint32_t count = hk__wiring_sources(wiring, t, &worker->draw);
      for (uint32_t k = 0; k < count; k++)
        counts[worker->draw.partner[k]]++;
      if (block->survey && survey(payload, t, count, worker, &block->found[chunk]) != HK_OK)
        return HK_ERR_MEMORY;
    }
  }
  return HK_OK;
}

/* --- between --- */

static struct hk__code constant_code(const struct hk__payload *payload)
{
  return (struct hk__code){payload->constant_weight, payload->constant_delay,
                           hk__payload_port(payload, payload->constant_weight)};
}

static enum hk_status gather_codes(const struct hk__row_context *context, struct hk__row_block *block)
{
  enum hk_status status = HK_OK;
  for (uint32_t c = 0; block->survey && c < block->chunk_count && !status; c++) {
    status = hk__codes_merge(&block->codes, &block->found[c]);
    hk__codes_clear(&block->found[c]);
  }
  for (size_t i = 0; !block->survey && i < block->plan->piece_count && !status; i++)
    status = hk__codes_add(&block->codes, constant_code(&context->payloads[block->pieces[i].projection]));
  if (status)
    return status;
  hk__codes_sort(&block->codes);
  block->rank = malloc(((size_t)block->codes.count + 1) * sizeof *block->rank);
  if (!block->rank)
    return HK_ERR_MEMORY;
  for (uint32_t c = 0; c < block->codes.count; c++)
    block->rank[c] = c > 0 && block->codes.code[c].delay == block->codes.code[c - 1].delay ? block->rank[c - 1] : c;
  return HK_OK;
}

enum hk_status hk__rows_settle(const struct hk__row_context *context, struct hk__row_block *block)
{
  uint64_t total = 0;
  block->row[0] = 0;
  for (uint32_t s = 0; s < block->source_count; s++) {
    uint64_t start = total;
    total += block->row[s + 1];
    for (uint32_t c = 1; c < block->chunk_count; c++) {
      uint64_t *place = &further_of(block, c)[s], count = *place;
      *place = total;
      total += count;
    }
    block->row[s + 1] = total;
    block->longest = total - start > block->longest ? total - start : block->longest;
  }
  block->synapse_count = total;
  block->format = block->plan->format;
  if (!block->plan->countable || total == 0)
    return HK_OK;
  enum hk_status status = gather_codes(context, block);
  if (!status && !block->codes.overflow && hk__codes_pay(block->codes.count, total, hk__synapse_size(block->format)))
    block->format = HK__INDEXED;
  return status;
}

/* --- second pass --- */

static void write_indexed(struct hk__row_block *block, const struct hk__payload *payload, uint16_t target,
                          uint32_t count, const struct hk__row_worker *worker, uint64_t *cursor)
{
  struct hk__indexed *synapses = block->synapses;
  const uint32_t *source = worker->draw.partner;
  struct hk__code code = constant_code(payload);
  if (!block->survey) {
    struct hk__indexed s = {target, (uint16_t)hk__codes_find(&block->codes, code)};
    for (uint32_t k = 0; k < count; k++)
      synapses[cursor[source[k]]++] = s;
    return;
  }
  for (uint32_t k = 0; k < count; k++) {
    code = (struct hk__code){worker->weight[k], worker->delay[k], hk__payload_port(payload, worker->weight[k])};
    synapses[cursor[source[k]]++] = (struct hk__indexed){target, (uint16_t)hk__codes_find(&block->codes, code)};
  }
}

static void write_tight(struct hk__row_block *block, uint16_t target, uint32_t count,
                        const struct hk__row_worker *worker, uint64_t *cursor)
{
  struct hk__tight *synapses = block->synapses;
  double weight_scale = block->plan->weight_scale, delay_scale = block->plan->delay_scale;
  for (uint32_t k = 0; k < count; k++)
    synapses[cursor[worker->draw.partner[k]]++] =
        hk__tight_of(target, (uint16_t)rint(worker->delay[k] / delay_scale), (float)(worker->weight[k] / weight_scale));
}

static void write_compact(struct hk__row_block *block, const struct hk__payload *payload, uint16_t target,
                          uint32_t count, const struct hk__row_worker *worker, uint64_t *cursor)
{
  struct hk__compact *synapses = block->synapses;
  double weight_scale = block->plan->weight_scale, delay_scale = block->plan->delay_scale;
  for (uint32_t k = 0; k < count; k++)
    synapses[cursor[worker->draw.partner[k]]++] =
        (struct hk__compact){target, hk__payload_port(payload, worker->weight[k]),
                             (float)(worker->weight[k] / weight_scale), (float)(worker->delay[k] / delay_scale)};
}

static void write_wide(struct hk__row_block *block, const struct hk__payload *payload, uint16_t target, uint32_t count,
                       const struct hk__row_worker *worker, uint64_t *cursor)
{
  struct hk__wide *synapses = block->synapses;
  for (uint32_t k = 0; k < count; k++)
    synapses[cursor[worker->draw.partner[k]]++] =
        (struct hk__wide){target, hk__payload_port(payload, worker->weight[k]), 0, worker->weight[k], worker->delay[k]};
}

void hk__rows_fill(const struct hk__row_context *context, struct hk__row_block *block, uint32_t chunk,
                   struct hk__row_worker *worker)
{
  uint64_t *cursor = chunk == 0 ? worker->cursor : further_of(block, chunk);
  if (chunk == 0)
    memcpy(cursor, block->row, block->source_count * sizeof *cursor);
  for (size_t i = 0; i < block->plan->piece_count; i++) {
    const struct hk__piece *piece = &block->pieces[i];
    const struct hk__wiring *wiring = &context->wirings[piece->projection];
    const struct hk__payload *payload = &context->payloads[piece->projection];
    bool values = block->format != HK__INDEXED || block->survey;
    uint32_t begin, end;
    chunk_targets(block, chunk, piece, &begin, &end);
    for (uint32_t t = begin; t < end; t++) {
      uint32_t count = hk__wiring_sources(wiring, t, &worker->draw);
      uint16_t target = (uint16_t)(t + piece->shift);
      if (values)
        draw_values(payload, t, count, worker);
      if (block->format == HK__INDEXED)
        write_indexed(block, payload, target, count, worker, cursor);
      else if (block->format == HK__TIGHT)
        write_tight(block, target, count, worker, cursor);
      else if (block->format == HK__COMPACT)
        write_compact(block, payload, target, count, worker, cursor);
      else
        write_wide(block, payload, target, count, worker, cursor);
    }
  }
}
