/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a scheduler hands over: spikes in canonical order, and rows of traces, in batches to the sink. */
#ifndef HK__OUTBOX_H
#define HK__OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hillock/simulation.h>

#include "core/built.h"

struct hk__outbox {
  struct hk_sink sink;
  struct hk_spike *spikes; /* ascending in (time, population, neuron) but for the last moment's */
  size_t count, capacity;
  size_t moment; /* the first spike of the last moment */
};

/* Whether the sink may be called if it takes so many more spikes. */
bool hk__outbox_fills(const struct hk__outbox *box, size_t more);

/* Takes a spike; times never descend. Errors: HK_ERR_MEMORY, the sink's. */
enum hk_status hk__outbox_spike(struct hk__outbox *box, double time, uint32_t population, uint32_t neuron);

/* Hands over all that is waiting; nothing earlier than or at the last spike's time may follow. */
enum hk_status hk__outbox_flush(struct hk__outbox *box);

/* Hands over rows of a trace. */
enum hk_status hk__outbox_rows(struct hk__outbox *box, size_t trace, uint64_t first, const double *rows, size_t count);

void hk__outbox_clear(struct hk__outbox *box);

#endif
