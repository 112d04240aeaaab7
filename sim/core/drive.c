/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/drive.h"

#include <math.h>
#include <stdlib.h>

#include "core/rain.h"
#include "core/shard.h"

enum { CHUNK = HK__DRIVE_CHUNK };

static uint32_t number_of(const struct hk__drive *d, uint32_t train)
{
  return hk__input_neuron(d->input, d->first + train);
}

/* Adds the train's events in the window. *next: a time, not before the window's end, before which it does not spike
 * again. */
static enum hk_status list_train(const struct hk__drive *d, const struct hk__window *window, uint32_t train,
                                 struct hk__events *events, double *next)
{
  const struct hk__poisson_rate *rate = hk__drive_rate(d, train);
  uint32_t k = d->first + train, number = number_of(d, train);
  double from = fmax(window->start, d->input->from), to = fmin(window->end, d->input->to);
  double time[HK__POISSON_MOST], later = INFINITY;
  *next = INFINITY;
  if (rate->mean == 0 || from >= d->input->to)
    return HK_OK;
  uint64_t bin = hk__poisson_bin_at(rate, from);
  for (; hk__poisson_start(rate, bin) < window->end; bin++) {
    unsigned count = hk__poisson_bin(&d->group, number, rate, bin, time);
    for (unsigned i = 0; i < count; i++) {
      struct hk__event event = {time[i], d->input->weight[k], d->base + number, d->input->port[k], 0};
      enum hk_status status = time[i] >= from && time[i] < to ? hk__events_add(events, event) : HK_OK;
      if (status != HK_OK)
        return status;
      later = time[i] >= window->end && time[i] < later ? time[i] : later;
    }
  }
  *next = fmin(later, hk__poisson_start(rate, bin));
  return HK_OK;
}

enum hk_status hk__drive_draw(struct hk__shard_state *shard, struct hk__drive *d, const struct hk__window *window,
                              uint32_t *train, struct hk__events *events)
{
  uint32_t from = *train, to = d->count - from < CHUNK ? d->count : from + CHUNK;
  double soonest = INFINITY;
  enum hk_status status = HK_OK;
  *train = to;
  if (d->soonest[from / CHUNK] >= window->end)
    return HK_OK;
  shard->swept_total += 2 * (to - from); /* about what two neurons' sweep costs */
  for (uint32_t i = from; i < to && status == HK_OK; i++) {
    if (d->next[i] < window->end)
      status = list_train(d, window, i, events, &d->next[i]);
    soonest = fmin(d->next[i], soonest);
  }
  d->soonest[from / CHUNK] = soonest;
  return status;
}

enum hk_status hk__drives_draw(struct hk__shard_state *shard, const struct hk__window *window)
{
  enum hk_status status = HK_OK;
  for (size_t d = 0; d < shard->drive_count; d++)
    for (uint32_t train = 0; train < shard->drive[d].count && status == HK_OK;)
      status = hk__drive_draw(shard, &shard->drive[d], window, &train, &shard->events);
  return status;
}

/* Which target of the input a neuron of the shard is, less d->first; count if none. */
static uint32_t train_of(const struct hk__drive *d, uint32_t neuron)
{
  uint32_t low = 0, high = d->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (d->base + number_of(d, middle) < neuron)
      low = middle + 1;
    else
      high = middle;
  }
  return low < d->count && d->base + number_of(d, low) == neuron ? low : d->count;
}

enum hk_status hk__drives_recall(struct hk__shard_state *shard, const struct hk__window *window, uint32_t neuron)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < shard->drive_count && status == HK_OK; i++) {
    const struct hk__drive *d = &shard->drive[i];
    uint32_t train = train_of(d, neuron);
    double next;
    if (train < d->count)
      status = list_train(d, window, train, &shard->events, &next);
  }
  return status;
}

/* --- rain --- */

enum hk_status hk__rain_create(struct hk__drive *d)
{
  if (!d->one_rate || d->kind_count != 1 || d->input->neurons || d->rate[0].mean == 0)
    return HK_OK;
  d->rain = calloc(1, sizeof *d->rain);
  if (!d->rain)
    return HK_ERR_MEMORY;
  d->rain->keys = hk__poisson_keys_of(&d->group);
  hk__poisson_limits(&d->rate[0], d->rain->limit);
  return HK_OK;
}

bool hk__rain_falls(struct hk__drive *d, const struct hk__shard_state *shard, const struct hk__window *window,
                    const struct hk__response *response)
{
  if (!d->rain)
    return false;
  const struct hk__poisson_rate *rate = &d->rate[0];
  const uint64_t bin = hk__poisson_bin_at(rate, window->start);
  d->rain->port = &response->port[d->kind[0].port];
  d->rain->falls = !shard->sleep.on && d->rain->port->count > 0 && window->start >= d->input->from &&
                   window->end <= d->input->to && window->length == rate->bin &&
                   hk__poisson_start(rate, bin) == window->start && hk__poisson_start(rate, bin + 1) == window->end;
  d->rain->degree = response->degree;
  d->rain->block = HK__POISSON_BLOCKS * bin;
  return d->rain->falls;
}

size_t hk__rain_groups(const struct hk__shard_state *shard)
{
  size_t groups = 0;
  for (size_t i = 0; i < shard->drive_count; i++)
    if (shard->drive[i].rain && shard->drive[i].rain->falls)
      groups += shard->drive[i].count / HK__GROUP + 1;
  return groups;
}

unsigned hk__rain_lanes(const struct hk__shard_state *shard)
{
  unsigned lanes = 0;
  for (size_t i = 0; i < shard->drive_count; i++) {
    const struct hk__rain *rain = shard->drive[i].rain;
    for (unsigned k = 0; rain && rain->falls && k < rain->port->count; k++)
      lanes |= 1u << rain->port->lane[k] | 1u << shard->n;
  }
  return lanes;
}

/* --- setting up --- */

/* The first target of an input that is not below a neuron of its population. */
static uint32_t first_target(const struct hk__input *input, uint64_t neuron)
{
  uint32_t low = 0, high = input->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (hk__input_neuron(input, middle) < neuron)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The kind of a train, which is added if it is new; HK__DRIVE_KINDS if there is no place for it. */
static unsigned kind_for(struct hk__drive *d, uint32_t train)
{
  struct hk__drive_kind kind = {hk__drive_rate(d, train)->bin, d->input->port[d->first + train]};
  for (unsigned i = 0; i < d->kind_count; i++)
    if (d->kind[i].bin == kind.bin && d->kind[i].port == kind.port)
      return i;
  if (d->kind_count < HK__DRIVE_KINDS)
    d->kind[d->kind_count] = kind;
  return d->kind_count < HK__DRIVE_KINDS ? d->kind_count++ : HK__DRIVE_KINDS;
}

static enum hk_status sort_kinds(struct hk__shard_state *shard, struct hk__drive *d)
{
  d->kind_of = malloc(d->count);
  if (!d->kind_of)
    return HK_ERR_MEMORY;
  unsigned kind = 0;
  for (uint32_t i = 0; i < d->count && kind < HK__DRIVE_KINDS; i++)
    d->kind_of[i] = (uint8_t)(kind = kind_for(d, i));
  if (kind == HK__DRIVE_KINDS)
    d->kind_count = 0;
  if (d->kind_count > 1) {
    shard->bytes += d->count;
    return HK_OK;
  }
  free(d->kind_of);
  d->kind_of = NULL;
  return HK_OK;
}

static bool have_one_rate(const struct hk__drive *d)
{
  for (uint32_t k = d->first; k < d->first + d->count; k++)
    if (d->input->rate[k] != d->input->rate[d->first])
      return false;
  return true;
}

static enum hk_status add_drive(struct hk__shard_state *shard, uint32_t index)
{
  const struct hk__input *input = &shard->built->inputs[index];
  uint64_t population = shard->built->populations[input->population].first, from = shard->place->first;
  uint64_t to = from + shard->place->count;
  uint32_t first = first_target(input, from > population ? from - population : 0);
  uint32_t end = first_target(input, to > population ? to - population : 0);
  if (first >= end)
    return HK_OK;
  struct hk__drive *d = &shard->drive[shard->drive_count++];
  *d = (struct hk__drive){
      .input = input, .first = first, .count = end - first, .base = (uint32_t)population - (uint32_t)from};
  hk__poisson_init(&d->group, shard->built->seed, HK__FOR_INPUT, index);
  d->one_rate = have_one_rate(d);
  size_t rates = d->one_rate ? 1 : d->count;
  d->rate = malloc(rates * sizeof *d->rate);
  d->next = malloc((d->count + HK__DRIVE_PADDING) * sizeof *d->next);
  d->soonest = calloc(d->count / CHUNK + 1, sizeof *d->soonest);
  if (!d->rate || !d->next || !d->soonest)
    return HK_ERR_MEMORY;
  shard->bytes += rates * HK__RATE_BYTES + d->count * HK__TRAIN_BYTES;
  for (size_t i = 0; i < rates; i++)
    d->rate[i] = hk__poisson_rate_of(input->rate[first + i]);
  for (uint32_t i = 0; i < d->count + HK__DRIVE_PADDING; i++)
    d->next[i] = i < d->count && hk__drive_rate(d, i)->mean > 0 ? input->from : INFINITY;
  enum hk_status status = sort_kinds(shard, d);
  return status == HK_OK ? hk__rain_create(d) : status;
}

enum hk_status hk__drives_init(struct hk__shard_state *shard)
{
  const struct hk__built *built = shard->built;
  shard->drive = calloc(built->input_count + 1, sizeof *shard->drive);
  if (!shard->drive)
    return HK_ERR_MEMORY;
  enum hk_status status = HK_OK;
  for (uint32_t i = 0; i < built->input_count && status == HK_OK; i++)
    if (built->inputs[i].kind == HK_INPUT_POISSON)
      status = add_drive(shard, i);
  return status;
}

void hk__drives_clear(struct hk__shard_state *shard)
{
  for (size_t i = 0; i < shard->drive_count; i++) {
    struct hk__drive *d = &shard->drive[i];
    free(d->rate);
    free(d->next);
    free(d->soonest);
    free(d->kind_of);
    free(d->rain);
  }
  free(shard->drive);
}
