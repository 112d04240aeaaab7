/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/codes.h"

#include <stdlib.h>
#include <string.h>

static uint64_t bits_of(double x)
{
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static uint32_t hash(struct hk__code code)
{
  uint64_t h = bits_of(code.weight) * 0x9E3779B97F4A7C15u;
  h = (h ^ h >> 32 ^ bits_of(code.delay)) * 0xD6E8FEB86659FD93u;
  h = (h ^ h >> 32 ^ code.port) * 0xCA5A826395121157u;
  return (uint32_t)(h >> 32);
}

static bool equal(struct hk__code a, struct hk__code b)
{
  return a.weight == b.weight && a.delay == b.delay && a.port == b.port;
}

/* The table entry where the code is, or the free one where it would go. */
static uint32_t *slot_of(const struct hk__codes *codes, struct hk__code code)
{
  uint32_t mask = 2 * codes->capacity - 1;
  for (uint32_t i = hash(code) & mask;; i = (i + 1) & mask)
    if (codes->table[i] == 0 || equal(codes->code[codes->table[i] - 1], code))
      return &codes->table[i];
}

static void fill_table(struct hk__codes *codes)
{
  memset(codes->table, 0, 2 * (size_t)codes->capacity * sizeof *codes->table);
  for (uint32_t i = 0; i < codes->count; i++)
    *slot_of(codes, codes->code[i]) = i + 1;
}

static enum hk_status grow(struct hk__codes *codes)
{
  uint32_t capacity = codes->capacity ? 2 * codes->capacity : 16;
  struct hk__code *code = realloc(codes->code, capacity * sizeof *code);
  if (!code)
    return HK_ERR_MEMORY;
  codes->code = code;
  uint32_t *table = realloc(codes->table, 2 * (size_t)capacity * sizeof *table);
  if (!table)
    return HK_ERR_MEMORY;
  codes->table = table;
  codes->capacity = capacity;
  fill_table(codes);
  return HK_OK;
}

enum hk_status hk__codes_add(struct hk__codes *codes, struct hk__code code)
{
  if (codes->overflow || (codes->count > 0 && *slot_of(codes, code)))
    return HK_OK;
  if (codes->count == HK__CODES_MAX) {
    codes->overflow = true;
    return HK_OK;
  }
  enum hk_status status = codes->count == codes->capacity ? grow(codes) : HK_OK;
  if (status)
    return status;
  uint32_t *slot = slot_of(codes, code);
  codes->code[codes->count++] = code;
  *slot = codes->count;
  return HK_OK;
}

enum hk_status hk__codes_merge(struct hk__codes *codes, const struct hk__codes *other)
{
  enum hk_status status = HK_OK;
  for (uint32_t i = 0; i < other->count && status == HK_OK; i++)
    status = hk__codes_add(codes, other->code[i]);
  codes->overflow |= other->overflow;
  return status;
}

void hk__codes_clear(struct hk__codes *codes)
{
  free(codes->code);
  free(codes->table);
  *codes = (struct hk__codes){0};
}

static int compare(const void *x, const void *y)
{
  const struct hk__code *a = x, *b = y;
  if (a->delay != b->delay)
    return a->delay < b->delay ? -1 : 1;
  if (a->port != b->port)
    return a->port < b->port ? -1 : 1;
  return (a->weight > b->weight) - (a->weight < b->weight);
}

void hk__codes_sort(struct hk__codes *codes)
{
  if (codes->count == 0)
    return;
  qsort(codes->code, codes->count, sizeof *codes->code, compare);
  fill_table(codes);
}

uint32_t hk__codes_find(const struct hk__codes *codes, struct hk__code code)
{
  return *slot_of(codes, code) - 1;
}
