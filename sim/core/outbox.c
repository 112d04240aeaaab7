/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/outbox.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 8192 };

static int by_neuron(const void *a, const void *b)
{
  const struct hk_spike *x = a, *y = b;
  if (x->population != y->population)
    return x->population < y->population ? -1 : 1;
  return (x->neuron > y->neuron) - (x->neuron < y->neuron);
}

static void order_moment(struct hk__outbox *box)
{
  if (box->count - box->moment > 1)
    qsort(box->spikes + box->moment, box->count - box->moment, sizeof *box->spikes, by_neuron);
  box->moment = box->count;
}

static enum hk_status hand_over(struct hk__outbox *box, size_t count)
{
  enum hk_status status = HK_OK;
  if (count > 0 && box->sink.spikes)
    status = box->sink.spikes(box->sink.context, box->spikes, count);
  memmove(box->spikes, box->spikes + count, (box->count - count) * sizeof *box->spikes);
  box->count -= count;
  box->moment -= count;
  return status;
}

bool hk__outbox_fills(const struct hk__outbox *box, size_t more)
{
  return box->count + more >= BATCH;
}

enum hk_status hk__outbox_spike(struct hk__outbox *box, double time, uint32_t population, uint32_t neuron)
{
  enum hk_status status = HK_OK;
  if (box->count > 0 && box->spikes[box->count - 1].time != time) {
    order_moment(box);
    if (box->count >= BATCH)
      status = hand_over(box, box->count);
  }
  if (box->count == box->capacity) {
    size_t capacity = box->capacity ? 2 * box->capacity : 2 * BATCH;
    struct hk_spike *spikes = realloc(box->spikes, capacity * sizeof *spikes);
    if (!spikes)
      return HK_ERR_MEMORY;
    box->spikes = spikes;
    box->capacity = capacity;
  }
  box->spikes[box->count++] = (struct hk_spike){time, population, neuron};
  return status;
}

enum hk_status hk__outbox_flush(struct hk__outbox *box)
{
  if (box->count == 0)
    return HK_OK;
  order_moment(box);
  return hand_over(box, box->count);
}

enum hk_status hk__outbox_rows(struct hk__outbox *box, size_t trace, uint64_t first, const double *rows, size_t count)
{
  return box->sink.trace ? box->sink.trace(box->sink.context, trace, first, rows, count) : HK_OK;
}

void hk__outbox_clear(struct hk__outbox *box)
{
  free(box->spikes);
  *box = (struct hk__outbox){.count = 0};
}
