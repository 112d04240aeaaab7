/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spikes of sources, read from files into memory and sorted into trains. */
#ifndef HK__IO_SPIKE_LIST_H
#define HK__IO_SPIKE_LIST_H

#include "io/sonata.h"

struct hk__listed_spike {
  double time; /* ms */
  uint64_t id;
};

/* Zeroed: empty. */
struct hk__spike_list {
  struct hk__listed_spike *spikes;
  size_t count, capacity;
  uint64_t size; /* largest id + 1 */
};

/* Adds the spikes of a population of a file; all of them, whatever the name, from a file without names. population
 * NULL: the only one. Times that are negative or not finite are HK_ERR_INPUT. place: where the file is named, for
 * messages; NULL: the file itself. */
enum hk_status hk__spike_list_read(struct hk__spike_list *list, const char *path, const char *population,
                                   const struct hk_place *place, struct hk_messages *messages);

/* Sorts the list and makes trains of it. Spikes of ids not below the size are left out and counted. */
enum hk_status hk__spike_list_trains(struct hk__spike_list *list, uint64_t size, struct hk__source_trains *out,
                                     uint64_t *left_out);
void hk__spike_list_clear(struct hk__spike_list *list);

#endif
