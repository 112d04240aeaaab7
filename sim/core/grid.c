/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time on a grid, as clock-driven simulators keep it: all neurons stand at the same grid point and take a step
 * together.
 *
 * At each grid point, in this order: every neuron is advanced exactly from the point before, with the current it had
 * there; all that arrives at this point is added; neurons at their threshold spike, with this point's time; currents
 * are switched; samples are taken. Delays and refractory periods count whole steps, a refractory period ending with the
 * last of its steps: what arrives at its last point still finds the neuron refractory. What comes from outside at a
 * time between two grid points counts as at the later one.
 *
 * A spike travels along its row of synapses, which is sorted by delay, as one flight. `due` is a calendar of flights: a
 * ring of one list for each coming grid point, long enough for the largest delay. A flight stands in the list of its
 * next arrival, and moves on from there; so no synaptic event is stored. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/cell.h"
#include "core/currents.h"
#include "core/scheduler.h"
#include "core/train.h"

static const uint32_t none = UINT32_MAX;

struct flight {
  const struct hk__block *block;
  uint64_t departure; /* step of the spike */
  uint64_t at, end;   /* the rest of the row */
  uint32_t next;      /* in its list */
};

/* One step of one regime of a linear model: x <- propagator x + offset + drive I. */
struct stride {
  double *propagator, *offset, *drive;
};

struct grid {
  struct hk__scheduler base;
  const struct hk__built *built;
  struct hk__outbox *outbox;
  double step;  /* ms */
  double whole; /* steps per ms if that is a whole number, else 0 */
  uint64_t now; /* the next grid point, in steps: all before it is done */
  struct hk__cells cells;
  struct hk__currents currents;
  struct hk__trains trains;
  uint64_t *train_due;    /* per train: step of its next spike; UINT64_MAX: none */
  struct stride *strides; /* per kernel: free, clamped */
  double *stride_memory;  /* of all strides */
  uint32_t *due;          /* per slot of the ring: the first flight, or none */
  uint64_t slots;         /* the largest delay in steps, and one more */
  struct flight *flights; /* those in the air, and free ones */
  size_t flight_count, flight_capacity;
  uint32_t vacant; /* the first of the free ones, or none */
  double *row;     /* for one sample */
  struct hk__tally tally;
  uint64_t bytes;
};

/* --- steps and milliseconds --- */

/* Far above the rounding errors of times given in ms, far below a step. */
static const double slack = 1e-6;

static double in_steps(const struct grid *g, double time)
{
  return g->whole > 0 ? time * g->whole : time / g->step;
}

static double time_of(const struct grid *g, uint64_t point)
{
  return g->whole > 0 ? (double)point / g->whole : (double)point * g->step;
}

/* The grid point at a time or the next one after it; UINT64_MAX if there is none that can be counted. */
static uint64_t point_from(const struct grid *g, double time)
{
  double steps = ceil(in_steps(g, time) - slack);
  return steps < 0x1p53 ? (uint64_t)fmax(0, steps) : UINT64_MAX;
}

static uint64_t nearest_steps(const struct grid *g, double length)
{
  return (uint64_t)fmin(in_steps(g, length) + 0.5 + slack, 0x1p53);
}

/* --- spikes on their way --- */

static uint64_t arrival(const struct grid *g, const struct flight *f)
{
  return f->departure + nearest_steps(g, hk__block_synapse(f->block, f->at).delay);
}

static void enter(struct grid *g, uint32_t place)
{
  struct flight *f = &g->flights[place];
  uint64_t slot = arrival(g, f) % g->slots;
  f->next = g->due[slot];
  g->due[slot] = place;
}

static bool grow(struct grid *g)
{
  size_t capacity = g->flight_capacity ? 2 * g->flight_capacity : 1024;
  struct flight *flights = capacity < none ? realloc(g->flights, capacity * sizeof *flights) : NULL;
  if (!flights)
    return false;
  g->flights = flights;
  g->flight_capacity = capacity;
  return true;
}

static enum hk_status launch(struct grid *g, const struct hk__block *block, uint32_t source)
{
  if (block->row[source] == block->row[source + 1])
    return HK_OK;
  uint32_t place = g->vacant;
  if (place != none)
    g->vacant = g->flights[place].next;
  else if (g->flight_count < g->flight_capacity || grow(g))
    place = (uint32_t)g->flight_count++;
  else
    return HK_ERR_MEMORY;
  g->flights[place] =
      (struct flight){.block = block, .departure = g->now, .at = block->row[source], .end = block->row[source + 1]};
  enter(g, place);
  return HK_OK;
}

/* A spike of neuron `index` of a population, now. */
static enum hk_status emit(struct grid *g, uint32_t population, uint32_t index)
{
  const struct hk__connectome *c = g->built->connectome;
  g->tally.spikes++;
  for (uint32_t b = c->block_of[population]; b < c->block_of[population + 1]; b++) {
    enum hk_status status = launch(g, &c->blocks[b], index);
    if (status != HK_OK)
      return status;
  }
  if (!g->built->populations[population].record)
    return HK_OK;
  return hk__outbox_spike(g->outbox, time_of(g, g->now), population, index);
}

static void receive(struct grid *g, uint32_t neuron, uint32_t port, double weight)
{
  g->tally.events++;
  hk__cell_receive(&g->cells, neuron, port, weight);
}

/* --- one grid point --- */

static inline void advance_states(const struct stride *stride, size_t n, double current, double *x)
{
  double next[HK_STATES_MAX];
  for (size_t i = 0; i < n; i++) {
    double sum = fma(stride->drive[i], current, stride->offset[i]);
    for (size_t j = 0; j < n; j++)
      sum = fma(stride->propagator[i * n + j], x[j], sum);
    next[i] = sum;
  }
  memcpy(x, next, n * sizeof *x);
}

/* The numbers of states of the most used models, known to the compiler. */
static void advance_linear(const struct stride *stride, size_t n, double current, double *x)
{
  switch (n) {
  case 1:
    advance_states(stride, 1, current, x);
    break;
  case 3:
    advance_states(stride, 3, current, x);
    break;
  case 5:
    advance_states(stride, 5, current, x);
    break;
  default:
    advance_states(stride, n, current, x);
  }
}

static enum hk_status advance_population(struct grid *g, const struct hk__population *population)
{
  double before = time_of(g, g->now - 1), time = time_of(g, g->now);
  for (uint32_t i = 0; i < population->size; i++) {
    uint32_t neuron = population->first + i;
    struct hk__cell *cell = &g->cells.cell[neuron];
    struct hk__current held = {.constant = hk__current_at(&g->currents.current[neuron], before)};
    if (!cell->kernel) {
      enum hk_status status = hk__cell_advance(&g->cells, neuron, &held, time);
      if (status != HK_OK)
        return status;
      continue;
    }
    bool clamped = cell->release > -INFINITY;
    advance_linear(&g->strides[2 * (size_t)hk__population_kernel(population, i) + clamped], cell->kernel->n,
                   held.constant, cell->x);
    cell->since = time;
  }
  return HK_OK;
}

static enum hk_status advance(struct grid *g)
{
  enum hk_status status = HK_OK;
  for (size_t p = 0; p < g->built->population_count && status == HK_OK; p++)
    if (g->built->populations[p].first < g->built->target_count)
      status = advance_population(g, &g->built->populations[p]);
  return status;
}

static void take_arrivals(struct grid *g)
{
  uint32_t *list = &g->due[g->now % g->slots];
  uint32_t place = *list;
  *list = none;
  while (place != none) {
    struct flight *f = &g->flights[place];
    uint32_t next = f->next, first = g->built->connectome->shards[f->block->shard].first;
    do {
      struct hk__synapse s = hk__block_synapse(f->block, f->at);
      receive(g, first + s.target, s.port, s.weight);
    } while (++f->at < f->end && arrival(g, f) == g->now);
    if (f->at < f->end)
      enter(g, place);
    else {
      f->next = g->vacant;
      g->vacant = place;
    }
    place = next;
  }
}

static enum hk_status take_trains(struct grid *g)
{
  for (uint32_t k = 0; k < g->trains.count; k++)
    for (; g->train_due[k] <= g->now; g->train_due[k] = point_from(g, hk__train_next(&g->trains.train[k]))) {
      const struct hk__train *train = &g->trains.train[k];
      enum hk_status status = HK_OK;
      if (train->is_source)
        status = emit(g, train->population, train->neuron);
      else
        receive(g, train->neuron, train->port, train->weight);
      if (status != HK_OK)
        return status;
    }
  return HK_OK;
}

/* A refractory period of less than half a step is none. */
static void round_release(struct grid *g, struct hk__cell *cell)
{
  if (cell->release == -INFINITY)
    return;
  uint64_t steps = nearest_steps(g, cell->release - cell->since);
  if (steps == 0 && cell->modes)
    hk__modes_release(cell->modes, cell->x);
  cell->release = steps > 0 ? time_of(g, g->now + steps) : -INFINITY;
}

static enum hk_status test_neuron(struct grid *g, uint32_t neuron)
{
  struct hk__cell *cell = &g->cells.cell[neuron];
  if (hk__cell_fires(&g->cells, neuron, cell->since, true)) {
    hk__cell_fire(&g->cells, neuron, cell->since);
    round_release(g, cell);
    uint32_t population = hk__built_population_of(g->built, neuron);
    return emit(g, population, neuron - g->built->populations[population].first);
  }
  if (cell->since >= cell->release)
    cell->release = -INFINITY;
  return HK_OK;
}

static enum hk_status take_samples(struct grid *g)
{
  for (size_t k = 0; k < g->built->trace_count; k++) {
    const struct hk__trace *trace = &g->built->traces[k];
    uint64_t every = nearest_steps(g, trace->interval);
    if (g->now % every != 0)
      continue;
    double *out = g->row;
    for (size_t i = 0; i < trace->neuron_count; i++, out += trace->variable_count) {
      uint32_t neuron = g->built->populations[trace->population].first + trace->neurons[i];
      enum hk_status status =
          hk__cell_sample(&g->cells, neuron, &g->currents.current[neuron], g->cells.cell[neuron].since,
                          trace->variables, trace->variable_count, out);
      if (status != HK_OK)
        return status;
    }
    enum hk_status status = hk__outbox_rows(g->outbox, k, g->now / every, g->row, 1);
    if (status != HK_OK)
      return status;
  }
  return HK_OK;
}

/* No step ends at time 0: no threshold is tested there. */
static enum hk_status take_point(struct grid *g)
{
  enum hk_status status = g->now > 0 ? advance(g) : HK_OK;
  if (status == HK_OK) {
    take_arrivals(g);
    status = take_trains(g);
  }
  for (uint32_t i = 0; g->now > 0 && i < g->cells.count && status == HK_OK; i++)
    status = test_neuron(g, i);
  while (point_from(g, hk__currents_next(&g->currents)) <= g->now)
    hk__currents_switch(&g->currents);
  return status == HK_OK ? take_samples(g) : status;
}

/* --- the scheduler --- */

static enum hk_status run(struct hk__scheduler *self, double until, const atomic_bool *stop, double *reached)
{
  struct grid *g = (struct grid *)self;
  double last = floor(in_steps(g, until) + slack);
  while ((double)g->now <= last) {
    enum hk_status status = take_point(g);
    if (status != HK_OK)
      return status;
    *reached = fmin(time_of(g, g->now++), until);
    if (atomic_load_explicit(stop, memory_order_relaxed) && *reached < until)
      return HK_ERR_INTERRUPTED;
  }
  *reached = until;
  return HK_OK;
}

static void destroy(struct hk__scheduler *self)
{
  struct grid *g = (struct grid *)self;
  hk__cells_clear(&g->cells);
  hk__currents_clear(&g->currents);
  hk__trains_clear(&g->trains);
  free(g->train_due);
  free(g->strides);
  free(g->stride_memory);
  free(g->due);
  free(g->flights);
  free(g->row);
  free(g);
}

static struct hk__tally tally(const struct hk__scheduler *self)
{
  return ((const struct grid *)self)->tally;
}

static uint64_t bytes(const struct hk__scheduler *self)
{
  const struct grid *g = (const struct grid *)self;
  return g->bytes + g->flight_capacity * sizeof *g->flights;
}

/* What acts on a clamped state is not felt. */
static void make_stride(const struct hk__kernel *kernel, bool clamped, double step, double *integral,
                        struct stride *out)
{
  size_t n = kernel->n;
  hk__kernel_propagator(kernel, clamped, step, out->propagator, integral);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      if (!(clamped && kernel->clamped_states >> j & 1u)) {
        out->offset[i] = fma(integral[i * n + j], kernel->system.b[j], out->offset[i]);
        out->drive[i] = fma(integral[i * n + j], kernel->system.drive[j], out->drive[i]);
      }
}

static enum hk_status make_strides(struct grid *g)
{
  const struct hk__built *built = g->built;
  size_t numbers = 0;
  for (size_t k = 0; k < built->kernel_count; k++)
    numbers += 2 * built->kernels[k]->n * (built->kernels[k]->n + 2);
  g->strides = calloc(2 * built->kernel_count + 1, sizeof *g->strides);
  g->stride_memory = calloc(numbers + 1, sizeof *g->stride_memory);
  if (!g->strides || !g->stride_memory)
    return HK_ERR_MEMORY;
  g->bytes += 2 * built->kernel_count * sizeof *g->strides + numbers * sizeof *g->stride_memory;
  double integral[HK_STATES_MAX * HK_STATES_MAX], *memory = g->stride_memory;
  for (size_t k = 0; k < 2 * built->kernel_count; k++) {
    const struct hk__kernel *kernel = built->kernels[k / 2];
    size_t n = kernel->n;
    g->strides[k] = (struct stride){memory, memory + n * n, memory + n * n + n};
    memory += n * (n + 2);
    make_stride(kernel, k % 2 == 1, g->step, integral, &g->strides[k]);
  }
  return HK_OK;
}

static enum hk_status make_calendar(struct grid *g)
{
  double longest = in_steps(g, g->built->connectome->max_delay);
  if (longest > 0x1p40)
    return HK_ERR_MEMORY;
  g->slots = nearest_steps(g, g->built->connectome->max_delay) + 1;
  g->vacant = none;
  g->due = malloc(g->slots * sizeof *g->due);
  if (!g->due)
    return HK_ERR_MEMORY;
  for (uint64_t i = 0; i < g->slots; i++)
    g->due[i] = none;
  g->bytes += g->slots * sizeof *g->due;
  return HK_OK;
}

/* Nothing arrives at time 0: private input of the first step arrives at its end, as that of all others. */
static enum hk_status start_trains(struct grid *g)
{
  enum hk_status status = hk__trains_init(&g->trains, g->built, true);
  if (status != HK_OK)
    return status;
  g->train_due = malloc((g->trains.count + 1u) * sizeof *g->train_due);
  if (!g->train_due)
    return HK_ERR_MEMORY;
  for (uint32_t k = 0; k < g->trains.count; k++) {
    struct hk__train *train = &g->trains.train[k];
    uint64_t due = point_from(g, hk__train_next(train));
    g->train_due[k] = due == 0 && !train->is_source ? 1 : due;
  }
  g->bytes += g->trains.bytes + g->trains.count * sizeof *g->train_due;
  return HK_OK;
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

static enum hk_status allocate(struct grid *g)
{
  enum hk_status status = hk__cells_init(&g->cells, g->built);
  if (status == HK_OK)
    status = hk__currents_init(&g->currents, g->built);
  if (status == HK_OK)
    status = start_trains(g);
  if (status == HK_OK)
    status = make_strides(g);
  if (status == HK_OK)
    status = make_calendar(g);
  if (status != HK_OK)
    return status;
  g->bytes += g->cells.bytes + g->currents.bytes;
  g->row = calloc(longest_row(g->built) + 1, sizeof *g->row);
  return g->row ? HK_OK : HK_ERR_MEMORY;
}

enum hk_status hk__grid_create(const struct hk__built *built, double step, struct hk__outbox *outbox,
                               struct hk__scheduler **out)
{
  struct grid *g = calloc(1, sizeof *g);
  if (!g)
    return HK_ERR_MEMORY;
  g->base = (struct hk__scheduler){run, destroy, tally, bytes};
  g->built = built;
  g->outbox = outbox;
  g->step = step;
  double per_ms = round(1 / step);
  g->whole = fabs(per_ms * step - 1) < 1e-12 ? per_ms : 0;
  enum hk_status status = allocate(g);
  if (status != HK_OK) {
    destroy(&g->base);
    return status;
  }
  *out = &g->base;
  return HK_OK;
}
