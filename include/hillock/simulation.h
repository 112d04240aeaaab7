/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Building and running a network.
 *
 *   hk_simulation_create(network, &options, &sim, messages);
 *   hk_simulation_set_sink(sim, &sink);        where spikes and traces go
 *   hk_simulation_run(sim, 1000.0);            to 1000 ms
 *   hk_simulation_destroy(sim);
 *
 * The same network, options and seed give the same bits, whatever the number of threads and however the run is cut
 * into calls of hk_simulation_run. */
#ifndef HILLOCK_SIMULATION_H
#define HILLOCK_SIMULATION_H

#include <stddef.h>
#include <stdint.h>

#include <hillock/network.h>
#include <hillock/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum hk_scheduler {
  HK_SCHEDULER_AUTO,
  HK_SCHEDULER_QUEUE,   /* plain event-driven: each event in time order */
  HK_SCHEDULER_WINDOWS, /* windows of the smallest delay: the fast one */
  HK_SCHEDULER_GRID     /* steps of the grid: what AUTO takes where there is one */
};

struct hk_options {
  uint64_t seed;
  int threads; /* 0: as many as there are processors */
  enum hk_scheduler scheduler;
  double grid; /* ms; 0: exact time. On a grid the answer is that of clock-driven simulators, spike for spike: events
                  arrive and thresholds are tested at multiples of it alone. For models whose dynamics are linear. */
  double tolerance; /* relative local error of models without a closed solution; 0: the default, 1e-11 */
  int shards;       /* pieces, about, that the network is cut into: no more threads than these have work. 0: as suits
                       most machines, often four. The last digits of the answer depend on it, as sums are formed
                       otherwise. */
};

struct hk_spike {
  double time;         /* ms */
  uint32_t population; /* index in the network */
  uint32_t neuron;     /* index in the population */
};

/* Receives what a run produces, in calls made from the thread that called hk_simulation_run. Either callback may be
 * NULL; it may ask the simulation for its counts and its time, and interrupt it. A status other than HK_OK ends the run
 * with that status.
 *   spikes: count spikes, ordered by time, then population, then neuron, over the whole run; only of populations whose
 *           spikes are recorded.
 *   trace:  rows of one trace: row r is the sample at time (first + r) * interval; a row has neuron_count *
 *           variable_count values, the variables of a neuron side by side. */
struct hk_sink {
  void *context;
  enum hk_status (*spikes)(void *context, const struct hk_spike *spikes, size_t count);
  enum hk_status (*trace)(void *context, size_t trace, uint64_t first, const double *rows, size_t row_count);
};

struct hk_simulation;

/* Whether a network goes with the options' time and scheduler, which building it finds out as well. Error:
 * HK_ERR_INPUT.
 */
enum hk_status hk_options_check(const struct hk_network *network, const struct hk_options *options,
                                struct hk_messages *messages);

/* Builds everything. The network may be destroyed afterwards. Errors: HK_ERR_MEMORY; HK_ERR_INPUT for what shows only
 * when values are drawn (a parameter out of its range, a delay that is not positive), and for a network or a scheduler
 * that does not go with the grid. */
enum hk_status hk_simulation_create(const struct hk_network *network, const struct hk_options *options,
                                    struct hk_simulation **out, struct hk_messages *messages);
void hk_simulation_destroy(struct hk_simulation *sim); /* NULL is fine */

void hk_simulation_set_sink(struct hk_simulation *sim, const struct hk_sink *sink);

/* Runs on to time `until` (ms, not below the current time): every event at a time <= until has happened, every spike
 * and sample up to it has been handed to the sink. Errors: HK_ERR_INTERRUPTED (the simulation stands at a time before
 * `until`, as a run to that time does, and can go on), HK_ERR_NUMERIC, HK_ERR_MEMORY, whatever a sink returned. */
enum hk_status hk_simulation_run(struct hk_simulation *sim, double until);

/* Asks a running hk_simulation_run to return soon. May be called from a signal handler or another thread. */
void hk_simulation_interrupt(struct hk_simulation *sim);

double hk_simulation_time(const struct hk_simulation *sim); /* ms: everything up to it has been handed over */

struct hk_counts {
  uint64_t neurons, synapses;
  uint64_t spikes;             /* of all populations, sources included */
  uint64_t events;             /* arrivals at neurons, private input included */
  uint64_t bytes;              /* what the built network occupies */
  double min_delay, max_delay; /* ms; 0 without synapses */
  enum hk_scheduler scheduler; /* what AUTO chose */
  int threads;
};

struct hk_counts hk_simulation_counts(const struct hk_simulation *sim);

#ifdef __cplusplus
}
#endif
#endif
