/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A built network with its scheduler and what it hands over. */
#include <hillock/simulation.h>

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "core/scheduler.h"
#include "net/assemble.h"
#include "net/network.h"

struct hk_simulation {
  struct hk__built *built;
  struct hk__scheduler *scheduler;
  struct hk__outbox outbox;
  enum hk_scheduler kind;
  atomic_bool stop;
  double time;
};

static enum hk_status create_scheduler(struct hk_simulation *sim, double grid)
{
  if (sim->kind == HK_SCHEDULER_AUTO)
    sim->kind = grid > 0 ? HK_SCHEDULER_GRID : HK_SCHEDULER_WINDOWS;
  if (sim->kind == HK_SCHEDULER_GRID)
    return hk__grid_create(sim->built, grid, &sim->outbox, &sim->scheduler);
  if (sim->kind == HK_SCHEDULER_WINDOWS)
    return hk__windows_create(sim->built, &sim->outbox, &sim->scheduler);
  return hk__queue_create(sim->built, &sim->outbox, &sim->scheduler);
}

enum hk_status hk_simulation_create(const struct hk_network *network, const struct hk_options *options,
                                    struct hk_simulation **out, struct hk_messages *messages)
{
  struct hk_simulation *sim = calloc(1, sizeof *sim);
  if (!sim)
    return HK_ERR_MEMORY;
  struct hk_options chosen = *options;
  if (chosen.threads <= 0)
    chosen.threads = omp_get_num_procs();
  sim->kind = chosen.scheduler;
  atomic_init(&sim->stop, false);
  enum hk_status status = hk__check_grid(network, &chosen, messages);
  if (status == HK_OK)
    status = hk__assemble(network, &chosen, &sim->built, messages);
  if (status == HK_OK)
    status = create_scheduler(sim, chosen.grid);
  if (status != HK_OK) {
    hk_simulation_destroy(sim);
    return status;
  }
  *out = sim;
  return HK_OK;
}

void hk_simulation_destroy(struct hk_simulation *sim)
{
  if (!sim)
    return;
  if (sim->scheduler)
    sim->scheduler->destroy(sim->scheduler);
  hk__outbox_clear(&sim->outbox);
  hk__built_destroy(sim->built);
  free(sim);
}

void hk_simulation_set_sink(struct hk_simulation *sim, const struct hk_sink *sink)
{
  sim->outbox.sink = *sink;
}

enum hk_status hk_simulation_run(struct hk_simulation *sim, double until)
{
  if (!(until >= sim->time) || isinf(until))
    return HK_ERR_INPUT;
  enum hk_status status = sim->scheduler->run(sim->scheduler, until, &sim->stop, &sim->time);
  if (status == HK_ERR_INTERRUPTED)
    atomic_store(&sim->stop, false);
  if (status != HK_OK && status != HK_ERR_INTERRUPTED)
    return status;
  enum hk_status flushed = hk__outbox_flush(&sim->outbox);
  return flushed != HK_OK ? flushed : status;
}

void hk_simulation_interrupt(struct hk_simulation *sim)
{
  atomic_store_explicit(&sim->stop, true, memory_order_relaxed);
}

double hk_simulation_time(const struct hk_simulation *sim)
{
  return sim->time;
}

struct hk_counts hk_simulation_counts(const struct hk_simulation *sim)
{
  const struct hk__connectome *c = sim->built->connectome;
  struct hk__tally tally = sim->scheduler->tally(sim->scheduler);
  return (struct hk_counts){.neurons = c->neuron_count,
                            .synapses = c->synapse_count,
                            .spikes = tally.spikes,
                            .events = tally.events,
                            .bytes = c->bytes + sim->scheduler->bytes(sim->scheduler),
                            .min_delay = c->min_delay,
                            .max_delay = c->max_delay,
                            .scheduler = sim->kind,
                            .threads = sim->built->threads};
}
