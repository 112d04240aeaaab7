/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a scheduler offers. There are several: two for exact time, with one answer, and one for time
 * on a grid. */
#ifndef HK__SCHEDULER_H
#define HK__SCHEDULER_H

#include <stdatomic.h>
#include <stdint.h>

#include <hillock/status.h>

#include "core/built.h"
#include "core/outbox.h"

struct hk__tally {
  uint64_t spikes, events;
};

struct hk__scheduler {
  /* Processes every event at a time <= until, unless *stop is set: then it goes on a little, if at all, and returns
   * HK_ERR_INTERRUPTED with all that a run to *reached < until gives handed over. */
  enum hk_status (*run)(struct hk__scheduler *self, double until, const atomic_bool *stop, double *reached);
  void (*destroy)(struct hk__scheduler *self);
  struct hk__tally (*tally)(const struct hk__scheduler *self);
  uint64_t (*bytes)(const struct hk__scheduler *self);
};

/* built and outbox must outlive the scheduler. Errors: HK_ERR_MEMORY. */
enum hk_status hk__queue_create(const struct hk__built *built, struct hk__outbox *outbox, struct hk__scheduler **out);
enum hk_status hk__windows_create(const struct hk__built *built, struct hk__outbox *outbox, struct hk__scheduler **out);

/* For tests: threads share even work that one alone would do sooner. */
extern bool hk__windows_share_little;

/* Steps of `step` ms, for linear models, trees and sources. The connectome's delays are multiples of it, at least one,
 * and so are the intervals of traces. */
enum hk_status hk__grid_create(const struct hk__built *built, double step, struct hk__outbox *outbox,
                               struct hk__scheduler **out);

/* The length of a window, ms: the smallest delay between neurons, or an even fraction of it. */
double hk__windows_length(const struct hk__built *built);

#endif
