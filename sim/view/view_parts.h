/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A view holds one source (a reader or lists in memory) and the selected populations. Once open, every population has
 * a size, the span of time is set, and `in_order` says whether the source hands it out by time. Results of Hillock,
 * which note their duration and sizes, are believed; anything else is surveyed once when it is opened. */
#ifndef HK__VIEW_PARTS_H
#define HK__VIEW_PARTS_H

#include <math.h>

#include <hillock/spikes.h>
#include <hillock/view.h>

enum { HK__BLOCK = 1 << 16 };

struct hk__population {
  char *name;
  size_t source; /* index in the source */
  uint64_t count, size, rows;
  bool size_stated, in_order, believed, repairs_told;
  uint64_t bad_times, bad_ids; /* of the pass under way */
  uint64_t largest_id;         /* found by the survey, of spikes with a good time */
  double last;
};

struct hk__range {
  uint64_t first, last, row; /* row of first */
};

struct hk_view {
  struct hk_spike_reader *reader; /* NULL: lists */
  const struct hk_spike_list *lists;
  struct hk__population *populations;
  size_t count;
  struct hk__range *ranges; /* ascending, disjoint; none: all neurons */
  size_t range_count;
  double from, to;
  double *times;
  uint64_t *ids, *rows; /* HK__BLOCK each */
};

/* Spikes first .. first + count of a population, as the source has them. */
enum hk_status hk__view_read(struct hk_view *view, const struct hk__population *population, uint64_t first,
                             size_t count, double *times, uint64_t *ids);

/* The row of an id, with selected ranges; false if it is in none. */
bool hk__view_row(const struct hk_view *view, uint64_t id, uint64_t *row);

static inline bool hk__good_time(double time)
{
  return time >= 0 && time < INFINITY;
}

#endif
