/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An indexed binary heap of times: each item 0 .. count - 1 has at most one time, which can be set, moved or removed.
 * The least is by (time, item), so equal times come in the order of their items. An item without a time stands at
 * INFINITY outside the heap. */
#ifndef HK__HEAP_H
#define HK__HEAP_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include <hillock/status.h>

struct hk__heap {
  double *time;    /* per item */
  uint32_t *place; /* per item: its place in the heap, or UINT32_MAX */
  uint32_t *item;  /* the heap */
  uint32_t size, count;
};

enum hk_status hk__heap_init(struct hk__heap *heap, uint32_t count);
void hk__heap_clear(struct hk__heap *heap);
/* time INFINITY removes the item. */
void hk__heap_set(struct hk__heap *heap, uint32_t item, double time);

static inline double hk__heap_least(const struct hk__heap *heap)
{
  return heap->size > 0 ? heap->time[heap->item[0]] : INFINITY;
}

#endif
