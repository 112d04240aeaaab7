/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private Poisson input: an independent train for every target neuron, drawn as time goes on, stored nowhere. */
#include <math.h>
#include <stdlib.h>

#include "core/shard.h"
#include "core/widest.h"

enum { CHUNK = 256, LANES = HK__POISSON_LANES };

/* Moves a train on by a draw. */
static void move(struct hk__drive *d, uint32_t train, double draw)
{
  double next = fma(d->interval[train], draw, d->next[train]);
  d->next[train] = next < d->input->to ? next : INFINITY;
}

/* Moves trains on by the first draw of a block, which is counted already, and keeps the second. */
static void refill(struct hk__drive *d, const uint32_t *list, size_t count)
{
  for (size_t i = 0; i < count; i += LANES) {
    uint32_t number[LANES], block[LANES];
    double first[LANES], second[LANES];
    for (size_t k = 0; k < LANES; k++) {
      uint32_t train = list[i + k < count ? i + k : i];
      number[k] = hk__input_neuron(d->input, d->first + train);
      block[k] = (d->draws[train] - 1) / 2;
    }
    d->blocks(&d->group, number, block, first, second);
    for (size_t k = 0; k < LANES && i + k < count; k++) {
      move(d, list[i + k], first[k]);
      d->spare[list[i + k]] = second[k];
    }
  }
}

static struct hk__event event_of(const struct hk__drive *d, uint32_t train, double time)
{
  uint32_t k = d->first + train;
  return (struct hk__event){time, d->input->weight[k], d->base + hk__input_neuron(d->input, k), d->input->port[k]};
}

static double least(const double *x, size_t count)
{
  double least = INFINITY;
  for (size_t i = 0; i < count; i++)
    least = x[i] < least ? x[i] : least;
  return least;
}

enum hk_status hk__drive_draw(struct hk__shard_state *shard, struct hk__drive *drive, const struct hk__window *window,
                              uint32_t *train)
{
  shard->drawn.count = 0;
  while (*train < drive->count && drive->soonest[*train / CHUNK] >= window->end)
    *train += drive->count - *train < CHUNK ? drive->count - *train : CHUNK;
  if (*train == drive->count)
    return HK_OK;
  double *soonest = &drive->soonest[*train / CHUNK];
  uint32_t begin = *train, end = drive->count - begin < CHUNK ? drive->count : begin + CHUNK;
  uint32_t due[CHUNK + 1], empty[CHUNK + 1];
  size_t due_count = 0;
  for (uint32_t i = *train; i < end; i++) { /* no branch: it could not be foretold */
    due[due_count] = i;
    due_count += drive->next[i] < window->end;
  }
  for (size_t i = 0; i < due_count; i++) {
    drive->before[due[i]] = drive->next[due[i]];
    drive->draws_before[due[i]] = drive->draws[due[i]];
  }
  *train = end;
  shard->swept_total += 2 * (end - begin); /* about what two neurons' sweep costs */
  bool rare = due_count < CHUNK / 32;      /* otherwise it does not pay to look */
  while (due_count > 0) {
    size_t empty_count = 0, again = 0;
    for (size_t i = 0; i < due_count; i++) {
      enum hk_status status = hk__events_add(&shard->drawn, event_of(drive, due[i], drive->next[due[i]]));
      if (status != HK_OK)
        return status;
    }
    for (size_t i = 0; i < due_count; i++) {
      uint32_t draws = drive->draws[due[i]];
      empty[empty_count] = due[i];
      empty_count += draws % 2 == 0;
      drive->draws[due[i]] = draws + 1;
      if (draws % 2 == 1)
        move(drive, due[i], drive->spare[due[i]]);
    }
    refill(drive, empty, empty_count);
    for (size_t i = 0; i < due_count; i++) {
      uint32_t candidate = due[i];
      due[again] = candidate;
      again += drive->next[candidate] < window->end;
    }
    due_count = again;
  }
  *soonest = rare ? least(drive->next + begin, end - begin) : -INFINITY;
  return HK_OK;
}

/* Which target of the input a neuron of the shard is, less drive->first; count if none. */
static uint32_t train_of(const struct hk__drive *d, uint32_t neuron)
{
  uint32_t low = 0, high = d->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (d->base + hk__input_neuron(d->input, d->first + middle) < neuron)
      low = middle + 1;
    else
      high = middle;
  }
  return low < d->count && d->base + hk__input_neuron(d->input, d->first + low) == neuron ? low : d->count;
}

enum hk_status hk__drives_recall(struct hk__shard_state *shard, const struct hk__window *window, uint32_t neuron)
{
  for (size_t i = 0; i < shard->drive_count; i++) {
    const struct hk__drive *d = &shard->drive[i];
    uint32_t train = train_of(d, neuron);
    if (train == d->count || d->before[train] < window->start)
      continue;
    double time = d->before[train], interval = d->interval[train];
    for (uint32_t draw = d->draws_before[train]; time < window->end && time < d->input->to; draw++) {
      enum hk_status status = hk__events_add(&shard->events, event_of(d, train, time));
      if (status != HK_OK)
        return status;
      time = fma(interval, hk__poisson_draw(&d->group, hk__input_neuron(d->input, d->first + train), draw), time);
    }
  }
  return HK_OK;
}

enum hk_status hk__drives_draw(struct hk__shard_state *shard, const struct hk__window *window)
{
  enum hk_status status = HK_OK;
  for (size_t d = 0; d < shard->drive_count; d++)
    for (uint32_t train = 0; train < shard->drive[d].count && status == HK_OK;) {
      status = hk__drive_draw(shard, &shard->drive[d], window, &train);
      for (size_t i = 0; i < shard->drawn.count && status == HK_OK; i++)
        status = hk__events_add(&shard->events, shard->drawn.event[i]);
    }
  return status;
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
  size_t count = end - first;
  *d = (struct hk__drive){.input = input,
                          .first = first,
                          .count = (uint32_t)count,
                          .base = (uint32_t)population - (uint32_t)from,
                          .interval = malloc(count * sizeof *d->interval),
                          .next = malloc(count * sizeof *d->next),
                          .spare = malloc(count * sizeof *d->spare),
                          .soonest = calloc(count / CHUNK + 1, sizeof *d->soonest),
                          .before = malloc(count * sizeof *d->before),
                          .draws = calloc(count, sizeof *d->draws),
                          .draws_before = calloc(count, sizeof *d->draws_before)};
  if (!d->interval || !d->soonest || !d->next || !d->spare || !d->before || !d->draws || !d->draws_before)
    return HK_ERR_MEMORY;
  shard->bytes += count * HK__TRAIN_BYTES;
  d->blocks = HK__BEST(hk__poisson_blocks);
  hk__poisson_init(&d->group, shard->built->seed, HK__FOR_INPUT, index);
  for (uint32_t i = 0; i < d->count; i++) {
    d->interval[i] = 1 / input->rate[first + i];
    d->next[i] = input->from;
    d->draws[i] = 1;
    d->before[i] = -INFINITY;
    refill(d, &i, 1);
  }
  return HK_OK;
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
    free(d->interval);
    free(d->next);
    free(d->spare);
    free(d->soonest);
    free(d->before);
    free(d->draws);
    free(d->draws_before);
  }
  free(shard->drive);
}
