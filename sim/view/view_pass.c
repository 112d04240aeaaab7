/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Passes over the spikes of a view: a block is read, sifted in place and handed on, or to the sorter where the source
 * is not in the order asked for. */
#include <inttypes.h>

#include "view/sorter.h"
#include "view/view_parts.h"

enum { RUN_LENGTH = 1 << 23 };

/* Drops what is not selected or not sound from the block in times and ids, and finds the rows of the rest. */
static size_t sift(struct hk_view *view, struct hk__population *population, size_t count)
{
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    double time = view->times[i];
    uint64_t id = view->ids[i], row = id;
    if (!(time >= view->from && time <= view->to)) {
      population->bad_times += !hk__good_time(time);
      continue;
    }
    if (id >= population->size) {
      population->bad_ids++;
      continue;
    }
    if (view->range_count && !hk__view_row(view, id, &row))
      continue;
    view->times[kept] = time;
    view->ids[kept] = id;
    view->rows[kept] = row;
    kept++;
  }
  return kept;
}

/* The first spike of a population in order that is at `time` or later. */
static enum hk_status bisect(struct hk_view *view, struct hk__population *population, double time, uint64_t *index)
{
  uint64_t low = 0, high = population->count;
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    double at;
    uint64_t id;
    enum hk_status status = hk__view_read(view, population, middle, 1, &at, &id);
    if (status != HK_OK)
      return status;
    if (at < time)
      low = middle + 1;
    else
      high = middle;
  }
  *index = low;
  return HK_OK;
}

struct pass {
  enum hk_status (*each)(void *context, const struct hk_view_block *block);
  void *context;
  struct hk__sorter *sorter; /* NULL: blocks go straight to each */
};

static enum hk_status deliver(struct hk_view *view, size_t p, size_t count, const struct pass *pass)
{
  if (count == 0)
    return HK_OK;
  if (!pass->sorter) {
    struct hk_view_block block = {p, count, view->times, view->ids, view->rows};
    return pass->each(pass->context, &block);
  }
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < count && status == HK_OK; i++)
    status = hk__sorter_add(pass->sorter, view->times[i], view->ids[i]);
  return status;
}

static enum hk_status out_of_order(const struct hk__population *population, uint64_t spike,
                                   struct hk_messages *messages)
{
  hk_messages_add(messages, HK_SEVERITY_ERROR, NULL,
                  "the file says that `%s` is sorted by time, but spike %" PRIu64
                  " comes before the one ahead of it: the file is damaged",
                  population->name, spike);
  return HK_ERR_INPUT;
}

static enum hk_status read_pass(struct hk_view *view, size_t p, const struct pass *pass, struct hk_messages *messages)
{
  struct hk__population *population = &view->populations[p];
  uint64_t first = 0;
  double before = 0;
  enum hk_status status = HK_OK;
  if (population->in_order && view->from > 0)
    status = bisect(view, population, view->from, &first);
  while (status == HK_OK && first < population->count) {
    uint64_t left = population->count - first;
    size_t count = left < HK__BLOCK ? (size_t)left : HK__BLOCK;
    if ((status = hk__view_read(view, population, first, count, view->times, view->ids)) != HK_OK)
      break;
    for (size_t i = 0; i < count && population->in_order; i++) {
      if (view->times[i] < before)
        return out_of_order(population, first + i, messages);
      before = view->times[i];
    }
    bool past = population->in_order && before > view->to;
    status = deliver(view, p, sift(view, population, count), pass);
    first += count;
    if (past)
      break;
  }
  return status;
}

static enum hk_status hand_out_sorted(struct hk_view *view, size_t p, const struct pass *pass)
{
  struct pass straight = {pass->each, pass->context, NULL};
  enum hk_status status = hk__sorter_finish(pass->sorter);
  size_t count = 0;
  while (status == HK_OK) {
    status = hk__sorter_next(pass->sorter, HK__BLOCK, view->times, view->ids, &count);
    if (status != HK_OK || count == 0)
      break;
    status = deliver(view, p, sift(view, &view->populations[p], count), &straight);
  }
  return status;
}

static void tell_repairs(struct hk__population *population, struct hk_messages *messages)
{
  if (population->repairs_told || (population->bad_times == 0 && population->bad_ids == 0))
    return;
  population->repairs_told = true;
  if (population->bad_times > 0)
    hk_messages_add(messages, HK_SEVERITY_WARNING, NULL,
                    "%" PRIu64 " spikes of `%s` are at times that are negative or no number: left out",
                    population->bad_times, population->name);
  if (population->bad_ids > 0)
    hk_messages_add(messages, HK_SEVERITY_WARNING, NULL,
                    "%" PRIu64 " spikes of `%s` have ids of %" PRIu64 " or more, beyond its neurons: left out",
                    population->bad_ids, population->name, population->size);
}

enum hk_status hk_view_scan(struct hk_view *view, size_t p, enum hk_view_order order,
                            enum hk_status (*each)(void *context, const struct hk_view_block *block), void *context,
                            struct hk_messages *messages)
{
  struct hk__population *population = &view->populations[p];
  struct pass pass = {each, context, NULL};
  population->bad_times = population->bad_ids = 0;
  enum hk_status status = HK_OK;
  if (order == HK_VIEW_BY_TIME && !population->in_order) {
    size_t run = population->count < RUN_LENGTH ? (size_t)population->count + 1 : RUN_LENGTH;
    status = hk__sorter_create(run, &pass.sorter);
  }
  if (status == HK_OK)
    status = read_pass(view, p, &pass, messages);
  if (status == HK_OK && pass.sorter)
    status = hand_out_sorted(view, p, &pass);
  hk__sorter_destroy(pass.sorter);
  if (status == HK_OK)
    tell_repairs(population, messages);
  return status;
}
