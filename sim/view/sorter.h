/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorts any number of spikes by time, ties by id, in bounded memory: runs are sorted in memory and, where there is more
 * than one, kept in a nameless temporary file and merged. */
#ifndef HK__VIEW_SORTER_H
#define HK__VIEW_SORTER_H

#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>

struct hk__sorter;

/* run_length: spikes sorted in memory at once; no more than its square can be added. */
enum hk_status hk__sorter_create(size_t run_length, struct hk__sorter **out);
void hk__sorter_destroy(struct hk__sorter *sorter); /* NULL is fine */

/* Errors: HK_ERR_IO for a temporary file that cannot be made or written. */
enum hk_status hk__sorter_add(struct hk__sorter *sorter, double time, uint64_t id);

/* After the last add and before the first next. */
enum hk_status hk__sorter_finish(struct hk__sorter *sorter);

/* The next spikes in order, at most capacity; *count 0 at the end. */
enum hk_status hk__sorter_next(struct hk__sorter *sorter, size_t capacity, double *times, uint64_t *ids, size_t *count);

#endif
