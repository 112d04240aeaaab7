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
  enum hk_status failed; /* of a run that left things half done: no other can follow */
};

/* Events in a millisecond, if all neurons spiked at a rate usual in cortex. */
static double expected_events(const struct hk__built *built)
{
  static const double usual_rate = 0.005; /* 1/ms */
  double events = usual_rate * ((double)built->connectome->synapse_count + built->target_count);
  for (size_t i = 0; i < built->input_count; i++)
    for (uint32_t k = 0; built->inputs[i].kind == HK_INPUT_POISSON && k < built->inputs[i].count; k++)
      events += built->inputs[i].rate[k];
  return events;
}

/* Windows cost a sweep over all neurons each, the queue costs more for every event: where tiny delays make windows so
 * short that sweeps cost more than the queue, the queue it is. The costs are rough, hence the factor. */
static enum hk_scheduler choose(const struct hk__built *built, struct hk_messages *messages)
{
  static const double per_neuron = 2, per_window = 2000, per_queued = 250, factor = 3; /* ns */
  double h = hk__windows_length(built), sweep = per_window + per_neuron * built->target_count;
  double queue = per_queued * expected_events(built) + per_window;
  if (sweep / h <= factor * queue)
    return HK_SCHEDULER_WINDOWS;
  double reach = INFINITY;
  for (size_t k = 0; k < built->kernel_count; k++)
    reach = fmin(reach, built->kernels[k]->reach);
  bool by_delay = built->connectome->block_count > 0 && built->connectome->min_delay <= reach;
  hk_messages_add(messages, HK_SEVERITY_WARNING, NULL,
                  "the %s cuts time into windows of %g ms, too short to pay: each event is taken on its own instead "
                  "(scheduler: queue). With no %s below %.2g ms the run would be faster",
                  by_delay ? "smallest delay between neurons" : "fastest time constant of a neuron", h,
                  by_delay ? "delay" : "time constant",
                  sweep / (factor * queue) * (by_delay ? 1 : 2)); /* windows reach over half a time constant */
  return HK_SCHEDULER_QUEUE;
}

static enum hk_status create_scheduler(struct hk_simulation *sim, double grid, struct hk_messages *messages)
{
  if (sim->kind == HK_SCHEDULER_AUTO)
    sim->kind = grid > 0 ? HK_SCHEDULER_GRID : choose(sim->built, messages);
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
  enum hk_status status = hk_options_check(network, &chosen, messages);
  if (status == HK_OK)
    status = hk__assemble(network, &chosen, &sim->built, messages);
  if (status == HK_OK)
    status = create_scheduler(sim, chosen.grid, messages);
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
  if (sim->failed != HK_OK)
    return sim->failed;
  enum hk_status status = sim->scheduler->run(sim->scheduler, until, &sim->stop, &sim->time);
  if (status == HK_ERR_INTERRUPTED)
    atomic_store(&sim->stop, false);
  if (status != HK_OK && status != HK_ERR_INTERRUPTED)
    return sim->failed = status;
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
