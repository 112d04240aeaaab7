/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plain scheduler: every event in time order, one moment after the other.
 *
 * Two heaps hold what is to come. `timers`, indexed, has one item for each neuron (its predicted spike, the end of its
 * refractory period, or the time up to which it is known not to spike), for each spike train from outside, and one for
 * the currents. `flights` has one entry for each row of synapses that a spike is travelling along, keyed by its next
 * arrival: rows are sorted by delay, so an entry moves along its row and no synaptic event is ever stored.
 *
 * At a moment, all arrivals and all timers of that moment are taken; each neuron that they touch is first advanced to
 * the moment. Then, in engine order, the touched neurons are tested against their threshold and their next time is
 * predicted. A neuron's state always stands at its time `since`, and no spike of its lies between that and its timer.
 */
#include <stdlib.h>
#include <string.h>

#include "core/cell.h"
#include "core/currents.h"
#include "core/heap.h"
#include "core/scheduler.h"
#include "core/train.h"

struct flight {
  double time;      /* of the next arrival */
  uint64_t order;   /* of departure: breaks ties */
  double departure; /* time of the spike */
  uint64_t at, end; /* the rest of the row */
  const struct hk__block *block;
};

struct queue {
  struct hk__scheduler base;
  const struct hk__built *built;
  struct hk__outbox *outbox;
  struct hk__cells cells;
  struct hk__currents currents;
  struct hk__trains trains;
  struct hk__heap timers; /* neurons, then trains, then one for the currents */
  struct flight *flights;
  size_t flight_count, flight_capacity;
  uint64_t departures;
  uint32_t *touched; /* neurons, in the order of their first touch in this moment */
  size_t touched_count;
  bool *is_touched, *received; /* per neuron, for this moment */
  uint64_t *samples;           /* per trace: rows taken */
  double *row;                 /* for one sample */
  struct hk__tally tally;
};

/* --- spikes on their way --- */

static bool flight_before(const struct flight *a, const struct flight *b)
{
  return a->time < b->time || (a->time == b->time && a->order < b->order);
}

static void sink_flight(struct queue *q, size_t place)
{
  struct flight moving = q->flights[place];
  for (;;) {
    size_t child = 2 * place + 1;
    if (child >= q->flight_count)
      break;
    if (child + 1 < q->flight_count && flight_before(&q->flights[child + 1], &q->flights[child]))
      child++;
    if (!flight_before(&q->flights[child], &moving))
      break;
    q->flights[place] = q->flights[child];
    place = child;
  }
  q->flights[place] = moving;
}

static double next_arrival(const struct flight *f)
{
  return f->departure + hk__block_synapse(f->block, f->at).delay;
}

static enum hk_status launch(struct queue *q, const struct hk__block *block, uint32_t source, double time)
{
  uint64_t at = block->row[source], end = block->row[source + 1];
  if (at == end)
    return HK_OK;
  if (q->flight_count == q->flight_capacity) {
    size_t capacity = q->flight_capacity ? 2 * q->flight_capacity : 1024;
    struct flight *flights = realloc(q->flights, capacity * sizeof *flights);
    if (!flights)
      return HK_ERR_MEMORY;
    q->flights = flights;
    q->flight_capacity = capacity;
  }
  struct flight f = {.order = q->departures++, .departure = time, .at = at, .end = end, .block = block};
  f.time = next_arrival(&f);
  size_t place = q->flight_count++;
  for (; place > 0 && flight_before(&f, &q->flights[(place - 1) / 2]); place = (place - 1) / 2)
    q->flights[place] = q->flights[(place - 1) / 2];
  q->flights[place] = f;
  return HK_OK;
}

/* A spike of neuron `index` of a population leaves along all its rows, and is recorded. */
static enum hk_status emit(struct queue *q, uint32_t population, uint32_t index, double time)
{
  const struct hk__connectome *c = q->built->connectome;
  q->tally.spikes++;
  for (uint32_t b = c->block_of[population]; b < c->block_of[population + 1]; b++) {
    enum hk_status status = launch(q, &c->blocks[b], index, time);
    if (status != HK_OK)
      return status;
  }
  if (!q->built->populations[population].record)
    return HK_OK;
  return hk__outbox_spike(q->outbox, time, population, index);
}

/* --- one moment --- */

static enum hk_status touch(struct queue *q, uint32_t neuron, double time)
{
  if (q->is_touched[neuron])
    return HK_OK;
  q->is_touched[neuron] = true;
  q->touched[q->touched_count++] = neuron;
  return hk__cell_advance(&q->cells, neuron, &q->currents.current[neuron], time);
}

static enum hk_status receive(struct queue *q, uint32_t neuron, uint32_t port, double weight, double time)
{
  enum hk_status status = touch(q, neuron, time);
  if (status != HK_OK)
    return status;
  q->received[neuron] = true;
  q->tally.events++;
  hk__cell_receive(&q->cells, neuron, port, weight);
  return HK_OK;
}

static enum hk_status take_arrivals(struct queue *q, double time)
{
  while (q->flight_count > 0 && q->flights[0].time == time) {
    struct flight *f = &q->flights[0];
    const uint32_t first = q->built->connectome->shards[f->block->shard].first;
    /* A flight that arrives again at this moment is still the first of its moment: no need to sink it in between. */
    do {
      struct hk__synapse s = hk__block_synapse(f->block, f->at);
      enum hk_status status = receive(q, first + s.target, s.port, s.weight, time);
      if (status != HK_OK)
        return status;
      if (++f->at < f->end)
        f->time = next_arrival(f);
    } while (f->at < f->end && f->time == time);
    if (f->at == f->end)
      q->flights[0] = q->flights[--q->flight_count];
    if (q->flight_count > 0)
      sink_flight(q, 0);
  }
  return HK_OK;
}

static enum hk_status take_train(struct queue *q, uint32_t index, double time)
{
  struct hk__train *train = &q->trains.train[index];
  enum hk_status status = train->is_source ? emit(q, train->population, train->neuron, time)
                                           : receive(q, train->neuron, train->port, train->weight, time);
  hk__heap_set(&q->timers, q->cells.count + index, hk__train_next(train));
  return status;
}

static enum hk_status take_switches(struct queue *q, double time)
{
  while (hk__currents_next(&q->currents) == time) {
    const struct hk__input *input = hk__currents_input(&q->currents);
    uint32_t first = q->built->populations[input->population].first;
    for (uint32_t k = 0; k < input->count; k++) {
      enum hk_status status = touch(q, first + hk__input_neuron(input, k), time);
      if (status != HK_OK)
        return status;
    }
    hk__currents_switch(&q->currents);
  }
  hk__heap_set(&q->timers, q->timers.count - 1, hk__currents_next(&q->currents));
  return HK_OK;
}

static enum hk_status take_timers(struct queue *q, double time)
{
  uint32_t neurons = q->cells.count;
  while (hk__heap_least(&q->timers) == time) {
    uint32_t item = q->timers.item[0];
    enum hk_status status;
    if (item < neurons) {
      status = touch(q, item, time);
      hk__heap_set(&q->timers, item, INFINITY);
    } else if (item == q->timers.count - 1)
      status = take_switches(q, time);
    else
      status = take_train(q, item - neurons, time);
    if (status != HK_OK)
      return status;
  }
  return HK_OK;
}

static int ascending(const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* Tests the neurons that the moment touched, and predicts when each needs attention next. */
static enum hk_status settle(struct queue *q, double time)
{
  if (q->touched_count > 1)
    qsort(q->touched, q->touched_count, sizeof *q->touched, ascending);
  for (size_t i = 0; i < q->touched_count; i++) {
    uint32_t neuron = q->touched[i];
    if (hk__cell_fires(&q->cells, neuron, time, q->received[neuron])) {
      hk__cell_fire(&q->cells, neuron, time);
      uint32_t population = hk__built_population_of(q->built, neuron);
      enum hk_status status = emit(q, population, neuron - q->built->populations[population].first, time);
      if (status != HK_OK)
        return status;
    }
    q->is_touched[neuron] = q->received[neuron] = false;
    double next;
    enum hk_status status = hk__cell_outlook(&q->cells, neuron, &q->currents.current[neuron], &next);
    if (status != HK_OK)
      return status;
    hk__heap_set(&q->timers, neuron, next);
  }
  q->touched_count = 0;
  return HK_OK;
}

static double next_moment(const struct queue *q)
{
  double timer = hk__heap_least(&q->timers);
  return q->flight_count > 0 && q->flights[0].time < timer ? q->flights[0].time : timer;
}

static enum hk_status take_moment(struct queue *q, double time)
{
  enum hk_status status = take_arrivals(q, time);
  if (status == HK_OK)
    status = take_timers(q, time);
  return status == HK_OK ? settle(q, time) : status;
}

/* --- traces --- */

/* Takes all samples before `time`, or at it too if `inclusive`; everything that happens up to them has happened. */
static enum hk_status take_samples(struct queue *q, double time, bool inclusive)
{
  for (size_t k = 0; k < q->built->trace_count; k++) {
    const struct hk__trace *trace = &q->built->traces[k];
    const struct hk__population *population = &q->built->populations[trace->population];
    for (;; q->samples[k]++) {
      double at = (double)q->samples[k] * trace->interval;
      if (inclusive ? at > time : at >= time)
        break;
      double *out = q->row;
      for (size_t i = 0; i < trace->neuron_count; i++) {
        uint32_t neuron = population->first + trace->neurons[i];
        enum hk_status status = hk__cell_sample(&q->cells, neuron, &q->currents.current[neuron], at, trace->variables,
                                                trace->variable_count, out);
        if (status != HK_OK)
          return status;
        out += trace->variable_count;
      }
      enum hk_status status = hk__outbox_rows(q->outbox, k, q->samples[k], q->row, 1);
      if (status != HK_OK)
        return status;
    }
  }
  return HK_OK;
}

/* --- the scheduler --- */

static enum hk_status run(struct hk__scheduler *self, double until, const atomic_bool *stop, double *reached)
{
  struct queue *q = (struct queue *)self;
  enum { PATIENCE = 256 };
  bool is_stopped = false;
  for (unsigned moments = 1; next_moment(q) <= until && !is_stopped; moments++) {
    const double time = next_moment(q);
    enum hk_status status = take_samples(q, time, false);
    if (status == HK_OK)
      status = take_moment(q, time);
    if (status != HK_OK)
      return status;
    *reached = time;
    is_stopped = moments % PATIENCE == 0 && atomic_load_explicit(stop, memory_order_relaxed);
  }
  if (!is_stopped)
    *reached = until;
  else if (next_moment(q) <= *reached) /* a delay too short to move the time on: the moment is not over */
    return HK_ERR_INTERRUPTED;
  const enum hk_status status = take_samples(q, *reached, true);
  return status == HK_OK && *reached < until ? HK_ERR_INTERRUPTED : status;
}

static void destroy(struct hk__scheduler *self)
{
  struct queue *q = (struct queue *)self;
  hk__cells_clear(&q->cells);
  hk__currents_clear(&q->currents);
  hk__trains_clear(&q->trains);
  hk__heap_clear(&q->timers);
  free(q->flights);
  free(q->touched);
  free(q->is_touched);
  free(q->received);
  free(q->samples);
  free(q->row);
  free(q);
}

static struct hk__tally tally(const struct hk__scheduler *self)
{
  return ((const struct queue *)self)->tally;
}

static uint64_t bytes(const struct hk__scheduler *self)
{
  const struct queue *q = (const struct queue *)self;
  return q->cells.bytes + q->currents.bytes + q->trains.bytes + 16ull * q->timers.count +
         q->flight_capacity * sizeof *q->flights + 6ull * q->cells.count;
}

static size_t longest_row(const struct hk__built *built)
{
  size_t longest = 0;
  for (size_t k = 0; k < built->trace_count; k++) {
    size_t length = built->traces[k].neuron_count * built->traces[k].variable_count;
    longest = length > longest ? length : longest;
  }
  return longest;
}

static enum hk_status allocate(struct queue *q)
{
  const struct hk__built *built = q->built;
  enum hk_status status = hk__cells_init(&q->cells, built);
  if (status == HK_OK)
    status = hk__currents_init(&q->currents, built);
  if (status == HK_OK)
    status = hk__trains_init(&q->trains, built, true);
  if (status == HK_OK)
    status = hk__heap_init(&q->timers, q->cells.count + q->trains.count + 1);
  if (status != HK_OK)
    return status;
  q->touched = calloc(q->cells.count + 1u, sizeof *q->touched);
  q->is_touched = calloc(q->cells.count + 1u, sizeof *q->is_touched);
  q->received = calloc(q->cells.count + 1u, sizeof *q->received);
  q->samples = calloc(built->trace_count + 1, sizeof *q->samples);
  q->row = calloc(longest_row(built) + 1, sizeof *q->row);
  return q->touched && q->is_touched && q->received && q->samples && q->row ? HK_OK : HK_ERR_MEMORY;
}

enum hk_status hk__queue_create(const struct hk__built *built, struct hk__outbox *outbox, struct hk__scheduler **out)
{
  struct queue *q = calloc(1, sizeof *q);
  if (!q)
    return HK_ERR_MEMORY;
  q->base = (struct hk__scheduler){run, destroy, tally, bytes};
  q->built = built;
  q->outbox = outbox;
  enum hk_status status = allocate(q);
  if (status != HK_OK) {
    destroy(&q->base);
    return status;
  }
  for (uint32_t i = 0; i < q->cells.count; i++)
    hk__heap_set(&q->timers, i, 0.0);
  for (uint32_t i = 0; i < q->trains.count; i++)
    hk__heap_set(&q->timers, q->cells.count + i, hk__train_next(&q->trains.train[i]));
  hk__heap_set(&q->timers, q->timers.count - 1, hk__currents_next(&q->currents));
  *out = &q->base;
  return HK_OK;
}
