/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A set of (weight, delay, port), for blocks whose synapses take few of them.
 *
 * `code` holds each once; `table` finds them: open addressing, entries are indices into code plus one, 0 is free.
 * Codes stand in the order in which they came until hk__codes_sort. */
#ifndef HK__CODES_H
#define HK__CODES_H

#include <stdbool.h>

#include <hillock/status.h>

#include "core/connectome.h"

enum { HK__CODES_MAX = 65536 };

struct hk__codes {
  struct hk__code *code;
  uint32_t *table;
  uint32_t count, capacity; /* of code; table has twice as many entries */
  bool overflow;            /* more than HK__CODES_MAX were added; the set is of no use any more */
};

/* All zero is an empty set. Error: HK_ERR_MEMORY. */
enum hk_status hk__codes_add(struct hk__codes *codes, struct hk__code code);
enum hk_status hk__codes_merge(struct hk__codes *codes, const struct hk__codes *other);
void hk__codes_clear(struct hk__codes *codes);

/* By delay, then port, then weight. */
void hk__codes_sort(struct hk__codes *codes);

/* The index of a code that is in the set. */
uint32_t hk__codes_find(const struct hk__codes *codes, struct hk__code code);

#endif
