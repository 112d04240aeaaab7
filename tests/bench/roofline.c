/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The floor under every simulator that keeps a synapse in 12 bytes and looks at it once per spike: the memory traffic
 * of the Potjans-Diesmann microcircuit and nothing else. There are no thresholds here, no exponentials, no order of
 * events: what is left is to fetch, from the row of each spike in flight, the synapses whose delay ends in this window,
 * to add each one's effect to its target's accumulator, and to pass once over the state of all neurons.
 *
 * A thread owns an equal part of the targets and, of each source's row, the synapses onto them; that is the layout with
 * the least traffic between threads. A row is cut into as many slices as there are windows in the span of delays, and a
 * spike has one slice delivered in each of them. Sources and targets are scattered as in a random network, so that
 * neither the rows nor the accumulators come in an order that the hardware could foresee. */
#include "roofline.h"

#include <math.h>
#include <omp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { WINDOWS = 1000, DELAY_WINDOWS = 30, PASSES = 3 };
enum { PREFETCHED_SLICES = 4, CACHE_LINE = 64, HUGE_PAGE = 2 << 20 };

static const double full_neurons = 77169, full_spikes = 25; /* spikes: of all neurons, in one window */
static const double in_degree = 3873, window = 0.1;         /* ms */

struct synapse {
  uint32_t target;
  float weight, delay;
};

/* What an event adds up in its target: two doubles and a float, and room that makes it one vector. */
typedef double accumulator __attribute__((vector_size(32)));

struct part {
  size_t sources, row; /* row: synapses that each source has onto this part */
  size_t targets;
  double spikes; /* of all neurons, in one window, on average */
  struct synapse *synapses;
  accumulator *sums;
  double *potential, *current;
};

struct slice {
  const struct synapse *begin, *end;
};

/* The finaliser of MurmurHash3 (A. Appleby, public domain). */
static uint64_t scatter(uint64_t x)
{
  x ^= x >> 33;
  x *= UINT64_C(0xff51afd7ed558ccd);
  x ^= x >> 33;
  x *= UINT64_C(0xc4ceb9fe1a85ec53);
  return x ^ x >> 33;
}

static void *zeroed(size_t count, size_t size)
{
  size_t bytes = (count * size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  void *memory = aligned_alloc(HUGE_PAGE, bytes);
  if (memory) {
    madvise(memory, bytes, MADV_HUGEPAGE);
    memset(memory, 0, bytes);
  }
  return memory;
}

static bool part_create(struct part *p, size_t neurons, double spikes, int thread, int threads)
{
  *p = (struct part){.sources = neurons, .spikes = spikes};
  p->targets = neurons / (size_t)threads + 1;
  p->row = (size_t)in_degree / (size_t)threads;
  p->synapses = zeroed(p->sources * p->row, sizeof *p->synapses);
  p->sums = zeroed(p->targets, sizeof *p->sums);
  p->potential = zeroed(p->targets, sizeof *p->potential);
  p->current = zeroed(p->targets, sizeof *p->current);
  if (!p->synapses || !p->sums || !p->potential || !p->current)
    return false;
  uint64_t stream = (uint64_t)thread << 40;
  for (size_t i = 0; i < p->sources * p->row; i++)
    p->synapses[i] = (struct synapse){(uint32_t)(scatter(stream + i) % p->targets), 0.5f, 0.0f};
  return true;
}

static void part_destroy(struct part *p)
{
  free(p->synapses);
  free(p->sums);
  free(p->potential);
  free(p->current);
}

/* The number of spikes before a window, which counts from the first whose spikes can still be in flight. */
static uint64_t spikes_before(const struct part *p, size_t at)
{
  return (uint64_t)(p->spikes * (double)at);
}

/* The slice of a spike that is due `age` windows after its own. */
static struct slice slice_due(const struct part *p, uint64_t spike, size_t age)
{
  const struct synapse *row = p->synapses + scatter(spike) % p->sources * p->row;
  return (struct slice){row + age * p->row / DELAY_WINDOWS, row + (age + 1) * p->row / DELAY_WINDOWS};
}

/* Inline, as compilers drop calls that do nothing but prefetch. */
static inline __attribute__((always_inline)) void prefetch(struct slice slice)
{
  for (const char *line = (const char *)slice.begin; line < (const char *)slice.end; line += CACHE_LINE)
    __builtin_prefetch(line);
}

static size_t deliver(struct part *p, const struct slice *due, size_t count)
{
  size_t events = 0;
  for (size_t k = 0; k < count; k++) {
    if (k + PREFETCHED_SLICES < count)
      prefetch(due[k + PREFETCHED_SLICES]);
    for (const struct synapse *s = due[k].begin; s < due[k].end; s++) {
      double weight = (double)s->weight;
      p->sums[s->target] += (accumulator){weight, 0.25 * weight, weight, 0.0};
    }
    events += (size_t)(due[k].end - due[k].begin);
  }
  return events;
}

static void sweep(struct part *p)
{
  for (size_t i = 0; i < p->targets; i++) {
    p->potential[i] = 0.99 * p->potential[i] + 0.08 * p->current[i] + p->sums[i][0];
    p->current[i] = 0.82 * p->current[i] + p->sums[i][1];
    p->sums[i] = (accumulator){0.0, 0.0, 0.0, 0.0};
  }
}

/* All windows once; the threads meet after each, as they must when spikes are handed over. */
static size_t pass(struct part *p, struct slice *due)
{
  size_t events = 0;
  for (size_t now = 0; now < WINDOWS; now++) {
    size_t count = 0;
    for (size_t age = 0; age < DELAY_WINDOWS; age++) {
      size_t then = now + DELAY_WINDOWS - age;
      for (uint64_t spike = spikes_before(p, then); spike < spikes_before(p, then + 1); spike++)
        due[count++] = slice_due(p, spike, age);
    }
    events += deliver(p, due, count);
    sweep(p);
#pragma omp barrier
  }
  return events;
}

bool roofline_measure(int threads, double scale, struct roofline *out)
{
  threads = threads > 0 ? threads : omp_get_max_threads();
  size_t neurons = (size_t)fmax(round(full_neurons * scale), 1);
  double spikes = full_spikes * scale;
  double begun = omp_get_wtime(), filled = begun, run = INFINITY;
  uint64_t events = 0, synapses = 0, failed = 0;
#pragma omp parallel num_threads(threads) reduction(+ : events, synapses)
  {
    struct part part;
    bool good = part_create(&part, neurons, spikes, omp_get_thread_num(), omp_get_num_threads());
    struct slice *due = calloc((size_t)(spikes + 1) * DELAY_WINDOWS + 1, sizeof *due);
    if (!good || !due) {
#pragma omp atomic
      failed++;
    }
#pragma omp barrier
#pragma omp master
    {
      threads = omp_get_num_threads();
      filled = omp_get_wtime();
    }
    if (failed == 0) {
      for (int i = 0; i < PASSES; i++) {
#pragma omp barrier
        double start = omp_get_wtime();
        events = pass(&part, due);
#pragma omp master
        run = fmin(run, omp_get_wtime() - start);
      }
      synapses = part.sources * part.row;
    }
    free(due);
    part_destroy(&part);
  }
  *out = (struct roofline){.neurons = neurons,
                           .synapses = synapses,
                           .spikes = (uint64_t)(spikes * WINDOWS),
                           .events = events,
                           .threads = threads,
                           .simulated = WINDOWS * window,
                           .build = filled - begun,
                           .run = run};
  return failed == 0;
}
