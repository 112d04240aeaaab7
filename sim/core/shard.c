/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/shard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/walk.h"

/* Room for one more in a growing array. */
static enum hk_status make_room(void **array, size_t count, size_t *capacity, size_t size)
{
  if (count < *capacity)
    return HK_OK;
  size_t wanted = *capacity ? 2 * *capacity : 64;
  void *grown = realloc(*array, wanted * size);
  if (!grown)
    return HK_ERR_MEMORY;
  *array = grown;
  *capacity = wanted;
  return HK_OK;
}

enum hk_status hk__events_grow(struct hk__events *events, size_t more)
{
  size_t wanted = events->count + more > 2 * events->capacity ? events->count + more : 2 * events->capacity;
  wanted = wanted < 64 ? 64 : wanted;
  struct hk__event *grown = realloc(events->event, wanted * sizeof *grown);
  if (!grown)
    return HK_ERR_MEMORY;
  events->event = grown;
  events->capacity = wanted;
  return HK_OK;
}

enum hk_status hk__seen_grow(struct hk__seen *seen, size_t more)
{
  size_t wanted = 2 * seen->capacity + more + 1024;
  uint16_t *target = realloc(seen->target, (wanted + HK__SEEN_PADDING) * sizeof *target);
  if (!target)
    return HK_ERR_MEMORY;
  seen->target = target;
  uint32_t *hit = realloc(seen->hit, (wanted + 1) * sizeof *hit);
  if (!hit)
    return HK_ERR_MEMORY;
  seen->hit = hit;
  seen->capacity = wanted;
  return HK_OK;
}

enum hk_status hk__spikes_reserve(struct hk__spikes *spikes, size_t more)
{
  if (spikes->capacity - spikes->count >= more)
    return HK_OK;
  const size_t wanted = 2 * spikes->capacity + more + 64;
  struct hk__spike *grown = realloc(spikes->spike, wanted * sizeof *grown);
  if (!grown)
    return HK_ERR_MEMORY;
  spikes->spike = grown;
  spikes->capacity = wanted;
  return HK_OK;
}

enum hk_status hk__spikes_add(struct hk__spikes *spikes, double time, uint32_t population, uint32_t neuron)
{
  enum hk_status status = hk__spikes_reserve(spikes, 1);
  if (status == HK_OK)
    spikes->spike[spikes->count++] = (struct hk__spike){time, population, neuron};
  return status;
}

/* Neurons that fire without end, as an absurd current makes them without a refractory period, would fill all memory
 * within a window: it ends where they fire a thousand times in it on average, in a millisecond at the most. */
static bool fires_without_end(const struct hk__shard_state *shard)
{
  return shard->spikes.count >= 100000 + 1000 * (size_t)shard->place->count;
}

enum hk_status hk__shard_emit(struct hk__shard_state *shard, uint32_t neuron, double time)
{
  if (fires_without_end(shard))
    return HK_ERR_NUMERIC;
  uint32_t engine = shard->place->first + neuron;
  uint32_t population = hk__built_population_of(shard->built, engine);
  return hk__spikes_add(&shard->spikes, time, population, engine - shard->built->populations[population].first);
}

enum hk_status hk__suspect_add(struct hk__shard_state *shard, uint32_t neuron)
{
  if (shard->wanted[neuron])
    return HK_OK;
  enum hk_status status =
      make_room((void **)&shard->suspect, shard->suspect_count, &shard->suspect_capacity, sizeof *shard->suspect);
  if (status != HK_OK)
    return status;
  struct hk__suspect *suspect = &shard->suspect[shard->suspect_count++];
  *suspect = (struct hk__suspect){.neuron = neuron, .release = -INFINITY};
  for (size_t j = 0; j < shard->n; j++)
    suspect->x[j] = *hk__shard_state(shard, neuron, j) + hk__shard_rest(shard, neuron, j);
  shard->mark[neuron] = (uint32_t)shard->suspect_count;
  shard->wanted[neuron] = 1;
  return HK_OK;
}

/* --- spikes in flight --- */

/* Forgets entries of which nothing is left, once they are a good part of all. */
static void drop_arrived(struct hk__shard_state *shard)
{
  if (shard->arrived * 8 <= shard->entry_count)
    return;
  size_t kept = 0;
  for (size_t i = 0; i < shard->entry_count; i++)
    if (shard->entry[i].at < shard->entry[i].end)
      shard->entry[kept++] = shard->entry[i];
  shard->entry_count = kept;
  shard->arrived = 0;
  for (size_t c = 0; c < shard->chunk_capacity; c++)
    shard->chunk[c] = (struct hk__chunk){-INFINITY, true};
}

/* Puts a spike in flight. */
static enum hk_status add_entry(struct hk__shard_state *shard, struct hk__entry entry)
{
  enum hk_status status =
      make_room((void **)&shard->entry, shard->entry_count, &shard->entry_capacity, sizeof *shard->entry);
  size_t chunk = shard->entry_count / HK__CHUNK;
  if (status == HK_OK)
    status = make_room((void **)&shard->chunk, chunk, &shard->chunk_capacity, sizeof *shard->chunk);
  if (status != HK_OK)
    return status;
  if (shard->entry_count % HK__CHUNK == 0)
    shard->chunk[chunk] = (struct hk__chunk){entry.next, false};
  else if (entry.next < shard->chunk[chunk].soonest)
    shard->chunk[chunk].soonest = entry.next;
  shard->entry[shard->entry_count++] = entry;
  return HK_OK;
}

enum hk_status hk__shard_admit(struct hk__shard_state *shard, const struct hk__window *window)
{
  enum { AHEAD = 12 };
  drop_arrived(shard);
  for (size_t i = 0; i < window->news_count; i++) {
    if (i + AHEAD < window->news_count) {
      const struct hk__spike *later = &window->news[i + AHEAD];
      const struct hk__block *onto = shard->onto[later->population];
      if (onto)
        __builtin_prefetch(&onto->row[later->neuron]);
    }
    const struct hk__spike *spike = &window->news[i];
    const struct hk__block *block = shard->onto[spike->population];
    if (!block || block->row[spike->neuron] == block->row[spike->neuron + 1])
      continue;
    uint64_t at = block->row[spike->neuron];
    const struct hk__entry entry = {.departure = spike->time,
                                    .next = spike->time + block->min_delay,
                                    .block = block,
                                    .begin = at,
                                    .at = at,
                                    .end = block->row[spike->neuron + 1],
                                    .seen = SIZE_MAX};
    if (entry.next < window->end)
      hk__entry_prefetch(&entry);
    enum hk_status status = add_entry(shard, entry);
    if (status != HK_OK)
      return status;
  }
  return HK_OK;
}

/* --- samples --- */

struct hk__probe *hk__shard_probes(struct hk__shard_state *shard, uint32_t neuron, struct hk__probe **end)
{
  size_t low = 0, high = shard->probe_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (shard->probe[middle].neuron < neuron)
      low = middle + 1;
    else
      high = middle;
  }
  while (high < shard->probe_count && shard->probe[high].neuron == neuron)
    high++;
  *end = shard->probe + high;
  return shard->probe + low;
}

double hk__probe_time(const struct hk__shard_state *shard, const struct hk__window *window,
                      const struct hk__probe *probe)
{
  if (probe->next >= window->end_sample[probe->trace])
    return INFINITY;
  return (double)probe->next * shard->built->traces[probe->trace].interval;
}

double *hk__probe_take(const struct hk__shard_state *shard, const struct hk__window *window, struct hk__probe *probe)
{
  const struct hk__trace *trace = &shard->built->traces[probe->trace];
  uint64_t row = probe->next++ - window->first_sample[probe->trace];
  return window->rows[probe->trace] + (row * trace->neuron_count + probe->slot) * trace->variable_count;
}

/* --- setting up --- */

static uint32_t population_of(const struct hk__shard_state *shard, uint32_t neuron, uint32_t *index)
{
  uint32_t engine = shard->place->first + neuron;
  uint32_t population = hk__built_population_of(shard->built, engine);
  *index = engine - shard->built->populations[population].first;
  return population;
}

bool hk__shard_superposes(const struct hk__built *built, uint32_t index, double h)
{
  const struct hk__shard *place = &built->connectome->shards[index];
  if (place->model->kind != HK_MODEL_LINEAR)
    return false;
  for (uint32_t i = 0; i < place->count; i++) {
    uint32_t p = hk__built_population_of(built, place->first + i);
    const struct hk__population *population = &built->populations[p];
    uint32_t k = place->first + i - population->first;
    if (!hk__response_suits(built->kernels[hk__population_kernel(population, k)], h))
      return false;
    if (!population->kernel) /* one for the whole population */
      i += population->size - k - 1;
  }
  return true;
}

void hk__shard_set_theta(struct hk__shard_state *shard, uint32_t neuron)
{
  const struct hk__kernel *kernel = hk__shard_kernel(shard, neuron);
  double rest = 0;
  for (size_t j = 0; j < shard->n; j++)
    rest = fma(kernel->system.sense[j], hk__shard_rest(shard, neuron, j), rest);
  double margin = 1e-11 * (fabs(rest) + fabs(kernel->system.threshold) + 1e-3);
  shard->theta[neuron] = kernel->system.threshold - rest - margin;
}

static void set_initial_states(struct hk__shard_state *shard)
{
  size_t count = shard->place->count;
  shard->alike = shard->one_kernel = true;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t index;
    const struct hk__population *population = &shard->built->populations[population_of(shard, i, &index)];
    shard->kernel[i] = hk__population_kernel(population, index);
    const struct hk__kernel *const *kernels = (const struct hk__kernel *const *)shard->built->kernels;
    shard->one_kernel &= shard->kernel[i] == shard->kernel[0];
    shard->alike &= shard->kernel[i] == shard->kernel[0] ||
                    hk__kernel_compare(kernels[shard->kernel[0]], kernels[shard->kernel[i]]) == 0;
    const double *x = population->state + (size_t)index * shard->n;
    for (size_t j = 0; j < shard->n; j++)
      *hk__shard_state(shard, i, j) = x[j] - hk__shard_rest(shard, i, j);
    hk__shard_set_theta(shard, i);
    if (shard->current[i].sine_count > 0)
      shard->driven[shard->driven_count++] = i;
  }
}

static bool is_arrow(const struct hk_linear *system, size_t n)
{
  bool arrow = true;
  for (size_t j = 1; j < n; j++) {
    arrow &= system->sense[j] == 0;
    for (size_t k = 0; k < n; k++)
      arrow &= j == k || system->A[j][k] == 0;
  }
  return arrow;
}

static bool takes_current(const struct hk__shard_state *shard)
{
  const struct hk__shard *place = shard->place;
  bool takes = false;
  for (size_t i = 0; i < shard->built->input_count; i++) {
    const struct hk__input *input = &shard->built->inputs[i];
    const struct hk__population *population = &shard->built->populations[input->population];
    takes |= input->kind != HK_INPUT_POISSON && population->first < place->first + place->count &&
             place->first < population->first + population->size;
  }
  return takes;
}

static enum hk_status init_superposed(struct hk__shard_state *shard)
{
  size_t count = shard->place->count;
  shard->lanes = shard->n == 1 ? 2 : (shard->n + 4) / 4 * 4;
  shard->stride = (count + HK__GROUP - 1) / HK__GROUP * HK__GROUP;
  shard->z = aligned_alloc(64, shard->n * shard->stride * sizeof *shard->z);
  shard->theta = aligned_alloc(64, shard->stride * sizeof *shard->theta);
  shard->kernel = malloc(count * sizeof *shard->kernel);
  shard->driven = malloc(count * sizeof *shard->driven);
  shard->mark = calloc(count, sizeof *shard->mark);
  shard->wanted = calloc(count, sizeof *shard->wanted);
  if (!shard->z || !shard->theta || !shard->kernel || !shard->driven || !shard->mark || !shard->wanted)
    return HK_ERR_MEMORY;
  shard->bytes = count * (8 * shard->n + 8 + 3 * 4);
  shard->soonest_release = INFINITY;
  hk__shard_choose_loops(shard);
  memset(shard->z, 0, shard->n * shard->stride * sizeof *shard->z);
  for (size_t i = count; i < shard->stride; i++)
    shard->theta[i] = INFINITY;
  set_initial_states(shard);
  shard->arrow = is_arrow(&shard->built->kernels[shard->kernel[0]]->system, shard->n);
  return shard->alike ? hk__sleep_init(shard) : HK_OK;
}

static enum hk_status init_cells(struct hk__shard_state *shard)
{
  shard->timer = calloc(shard->place->count, sizeof *shard->timer);
  shard->bytes = shard->place->count * sizeof *shard->timer;
  if (!shard->timer)
    return HK_ERR_MEMORY;
  shard->mark = calloc(shard->place->count + 1u, sizeof *shard->mark);
  shard->bytes += shard->place->count * sizeof *shard->mark;
  if (!shard->mark)
    return HK_ERR_MEMORY;
  if (shard->place->model->kind == HK_MODEL_NONLINEAR)
    return hk__walks_create(shard);
  for (uint32_t i = 0; i < shard->place->count; i++)
    shard->mark[i] = i + 1; /* each neuron is a group of its own */
  return HK_OK;
}

/* The blocks that go to a shard. */
static enum hk_status init_blocks(struct hk__shard_state *shard)
{
  const struct hk__connectome *c = shard->built->connectome;
  shard->onto = calloc(c->population_count + 1, sizeof *shard->onto);
  if (!shard->onto)
    return HK_ERR_MEMORY;
  shard->bytes += c->population_count * sizeof *shard->onto;
  for (size_t b = 0; b < c->block_count; b++)
    if (c->blocks[b].shard == shard->index)
      shard->onto[c->blocks[b].source_population] = &c->blocks[b];
  return HK_OK;
}

static int probe_order(const void *a, const void *b)
{
  const struct hk__probe *x = a, *y = b;
  if (x->neuron != y->neuron)
    return x->neuron < y->neuron ? -1 : 1;
  if (x->trace != y->trace)
    return x->trace < y->trace ? -1 : 1;
  return (x->slot > y->slot) - (x->slot < y->slot);
}

static enum hk_status init_probes(struct hk__shard_state *shard)
{
  const struct hk__built *built = shard->built;
  size_t demands = 0;
  for (size_t t = 0; t < built->trace_count; t++)
    demands += built->traces[t].neuron_count;
  shard->probe = calloc(demands + 1, sizeof *shard->probe);
  if (!shard->probe)
    return HK_ERR_MEMORY;
  for (uint32_t t = 0; t < built->trace_count; t++)
    for (uint32_t k = 0; k < built->traces[t].neuron_count; k++) {
      uint32_t neuron =
          built->populations[built->traces[t].population].first + built->traces[t].neurons[k] - shard->place->first;
      if (neuron < shard->place->count)
        shard->probe[shard->probe_count++] = (struct hk__probe){neuron, t, k, 0};
    }
  if (shard->probe_count > 1)
    qsort(shard->probe, shard->probe_count, sizeof *shard->probe, probe_order);
  return HK_OK;
}

enum hk_status hk__shard_init(struct hk__shard_state *shard, const struct hk__built *built, uint32_t index,
                              struct hk__currents *currents, struct hk__cells *cells, double h)
{
  *shard = (struct hk__shard_state){.built = built, .place = &built->connectome->shards[index], .index = index};
  shard->n = shard->place->model->state_count;
  shard->current = currents->current + shard->place->first;
  shard->currentless = !takes_current(shard);
  shard->superposed = hk__shard_superposes(built, index, h);
  shard->cells = cells;
  enum hk_status status = shard->superposed ? init_superposed(shard) : init_cells(shard);
  if (status == HK_OK)
    status = init_blocks(shard);
  if (status == HK_OK && shard->place->model->kind == HK_MODEL_TREE)
    status = hk__trees_init(shard);
  if (status == HK_OK)
    status = hk__drives_init(shard);
  if (status == HK_OK)
    status = init_probes(shard);
  if (status != HK_OK)
    hk__shard_clear(shard);
  return status;
}

void hk__shard_clear(struct hk__shard_state *shard)
{
  free(shard->probe);
  free(shard->onto);
  free(shard->entry);
  free(shard->chunk);
  hk__drives_clear(shard);
  free(shard->drawn.event);
  hk__sleep_clear(&shard->sleep);
  free(shard->z);
  free(shard->theta);
  free(shard->kernel);
  free(shard->driven);
  free(shard->refractory);
  free(shard->release);
  free(shard->clamped);
  free(shard->released);
  free(shard->suspect);
  free(shard->mark);
  free(shard->wanted);
  free(shard->seen.target);
  free(shard->seen.hit);
  free(shard->events.event);
  free(shard->grouped.event);
  free(shard->order);
  free(shard->first);
  free(shard->timer);
  hk__trees_clear(shard);
  hk__walks_destroy(shard->walks);
  free(shard->spikes.spike);
  *shard = (struct hk__shard_state){.n = 0};
}

void hk__shard_wake(struct hk__shard_state *shard, uint32_t neuron, double time)
{
  shard->timer[neuron] = time;
  if (shard->walks)
    hk__walks_hint(shard->walks, neuron, time);
}

void hk__shard_current_changes(struct hk__shard_state *shard, uint32_t neuron, double before, double now)
{
  if (!shard->superposed)
    return;
  const struct hk__kernel *kernel = hk__shard_kernel(shard, neuron);
  size_t group = neuron / HK__GROUP;
  hk__sleep_catch_up(shard, group);
  for (size_t j = 0; j < shard->n; j++)
    *hk__shard_state(shard, neuron, j) += kernel->rest_per_current[j] * (before - now);
  if (shard->theta[neuron] < INFINITY)
    hk__shard_set_theta(shard, neuron);
  if (shard->sleep.on)
    hk__sleep_set_wake(&shard->sleep, group, shard->sleep.clock);
}
