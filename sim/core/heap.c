/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/heap.h"

#include <stdbool.h>

static const uint32_t none = UINT32_MAX;

enum hk_status hk__heap_init(struct hk__heap *heap, uint32_t count)
{
  size_t n = count > 0 ? count : 1;
  *heap = (struct hk__heap){.time = malloc(n * sizeof *heap->time),
                            .place = malloc(n * sizeof *heap->place),
                            .item = malloc(n * sizeof *heap->item),
                            .count = count};
  if (!heap->time || !heap->place || !heap->item) {
    hk__heap_clear(heap);
    return HK_ERR_MEMORY;
  }
  for (uint32_t i = 0; i < count; i++) {
    heap->time[i] = INFINITY;
    heap->place[i] = none;
  }
  return HK_OK;
}

void hk__heap_clear(struct hk__heap *heap)
{
  free(heap->time);
  free(heap->place);
  free(heap->item);
  *heap = (struct hk__heap){.count = 0};
}

static bool before(const struct hk__heap *heap, uint32_t a, uint32_t b)
{
  return heap->time[a] < heap->time[b] || (heap->time[a] == heap->time[b] && a < b);
}

static void put(struct hk__heap *heap, uint32_t place, uint32_t item)
{
  heap->item[place] = item;
  heap->place[item] = place;
}

static void sift_up(struct hk__heap *heap, uint32_t place, uint32_t item)
{
  while (place > 0) {
    uint32_t parent = (place - 1) / 2;
    if (!before(heap, item, heap->item[parent]))
      break;
    put(heap, place, heap->item[parent]);
    place = parent;
  }
  put(heap, place, item);
}

static void sift_down(struct hk__heap *heap, uint32_t place, uint32_t item)
{
  for (;;) {
    uint32_t child = 2 * place + 1;
    if (child >= heap->size)
      break;
    if (child + 1 < heap->size && before(heap, heap->item[child + 1], heap->item[child]))
      child++;
    if (!before(heap, heap->item[child], item))
      break;
    put(heap, place, heap->item[child]);
    place = child;
  }
  put(heap, place, item);
}

static void settle(struct hk__heap *heap, uint32_t place, uint32_t item)
{
  if (place > 0 && before(heap, item, heap->item[(place - 1) / 2]))
    sift_up(heap, place, item);
  else
    sift_down(heap, place, item);
}

void hk__heap_set(struct hk__heap *heap, uint32_t item, double time)
{
  uint32_t place = heap->place[item];
  heap->time[item] = time;
  if (time < INFINITY) {
    if (place == none)
      sift_up(heap, heap->size++, item);
    else
      settle(heap, place, item);
  } else if (place != none) {
    heap->place[item] = none;
    uint32_t last = heap->item[--heap->size];
    if (last != item)
      settle(heap, place, last);
  }
}
