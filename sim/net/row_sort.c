/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/row_sort.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "net/pages.h"

enum { INSERTION_MAX = 16, BUCKET_MAX = 32 };

/* --- numbers: tight synapses, and indexed ones with rank of delay, target and code packed into one --- */

static bool packed_less(const uint64_t *a, const uint64_t *b)
{
  return *a < *b;
}

static double packed_key(const uint64_t *e)
{
  return (double)*e;
}

#define SORT sort_packed
#define ELEMENT uint64_t
#define LESS packed_less
#define KEY packed_key
#include "net/row_sort_template.h"

/* --- compact --- */

static bool compact_less(const struct hk__compact *a, const struct hk__compact *b)
{
  if (a->delay != b->delay)
    return a->delay < b->delay;
  if (a->target != b->target)
    return a->target < b->target;
  if (a->port != b->port)
    return a->port < b->port;
  return a->weight < b->weight;
}

static double compact_key(const struct hk__compact *e)
{
  return (double)e->delay;
}

#define SORT sort_compact
#define ELEMENT struct hk__compact
#define LESS compact_less
#define KEY compact_key
#include "net/row_sort_template.h"

/* --- wide --- */

static bool wide_less(const struct hk__wide *a, const struct hk__wide *b)
{
  if (a->delay != b->delay)
    return a->delay < b->delay;
  if (a->target != b->target)
    return a->target < b->target;
  if (a->port != b->port)
    return a->port < b->port;
  return a->weight < b->weight;
}

static double wide_key(const struct hk__wide *e)
{
  return e->delay;
}

#define SORT sort_wide
#define ELEMENT struct hk__wide
#define LESS wide_less
#define KEY wide_key
#include "net/row_sort_template.h"

/* --- outside --- */

enum hk_status hk__sorter_init(struct hk__sorter *sorter, uint64_t longest, size_t synapse_size)
{
  size_t size = synapse_size < 2 * sizeof(uint64_t) ? 2 * sizeof(uint64_t) : synapse_size;
  sorter->bucket = malloc((HK__SORT_BUCKETS + 1) * sizeof *sorter->bucket);
  sorter->scratch = longest < SIZE_MAX / size ? hk__pages_alloc(longest * size) : NULL;
  if (sorter->bucket && sorter->scratch)
    return HK_OK;
  hk__sorter_clear(sorter);
  return HK_ERR_MEMORY;
}

void hk__sorter_clear(struct hk__sorter *sorter)
{
  free(sorter->scratch);
  free(sorter->bucket);
  *sorter = (struct hk__sorter){0};
}

static uint64_t pack(struct hk__indexed s, const uint32_t *rank)
{
  return (uint64_t)rank[s.code] << 32 | (uint64_t)s.target << 16 | s.code;
}

void hk__sort_indexed(struct hk__sorter *sorter, struct hk__indexed *row, uint64_t count, const uint32_t *rank)
{
  bool sorted = true;
  for (uint64_t i = 1; i < count && sorted; i++)
    sorted = pack(row[i - 1], rank) <= pack(row[i], rank);
  if (sorted)
    return;
  uint64_t *packed = sorter->scratch;
  for (uint64_t i = 0; i < count; i++)
    packed[i] = pack(row[i], rank);
  sort_packed(packed, count, packed + count, sorter->bucket);
  for (uint64_t i = 0; i < count; i++)
    row[i] = (struct hk__indexed){(uint16_t)(packed[i] >> 16), (uint16_t)packed[i]};
}

void hk__sort_tight(struct hk__sorter *sorter, struct hk__tight *row, uint64_t count)
{
  _Static_assert(sizeof *row == sizeof(uint64_t), "a tight synapse is a number");
  sort_packed((uint64_t *)row, count, sorter->scratch, sorter->bucket);
}

void hk__sort_compact(struct hk__sorter *sorter, struct hk__compact *row, uint64_t count)
{
  sort_compact(row, count, sorter->scratch, sorter->bucket);
}

void hk__sort_wide(struct hk__sorter *sorter, struct hk__wide *row, uint64_t count)
{
  sort_wide(row, count, sorter->scratch, sorter->bucket);
}
