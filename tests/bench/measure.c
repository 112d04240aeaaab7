/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scaling keeps what a neuron receives: sizes of populations and numbers of synapses grow alike. The scaled network is
 * a second description made from that of the config; both live until the simulation is built. */
#include "measure.h"

#include <hillock/config.h>
#include <hillock/network.h>
#include <hillock/stats.h>
#include <hillock/view.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- the network --- */

static uint64_t scaled_size(uint64_t size, double scale)
{
  return (uint64_t)fmax(1.0, round((double)size * scale));
}

static struct hk_rule scaled_rule(struct hk_rule rule, double scale)
{
  if (rule.kind == HK_RULE_FIXED_TOTAL_NUMBER)
    rule.number = fmax(1.0, round(rule.number * scale));
  else if (rule.kind == HK_RULE_PAIRWISE_BERNOULLI)
    rule.number = fmin(1.0, rule.number / scale);
  return rule;
}

static enum hk_status add_scaled(const struct hk_network *full, double scale, struct hk_network *network,
                                 struct hk_messages *messages)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < hk_network_population_count(full) && !status; i++) {
    struct hk_population_spec spec = *hk_network_population(full, i);
    spec.size = scaled_size(spec.size, scale);
    status = hk_network_add_population(network, &spec, NULL, NULL, messages);
    if (!status)
      status = hk_network_record_spikes(network, i, hk_network_records_spikes(full, i));
  }
  for (size_t i = 0; i < hk_network_projection_count(full) && !status; i++) {
    struct hk_projection_spec spec = *hk_network_projection(full, i);
    spec.rule = scaled_rule(spec.rule, scale);
    status = hk_network_add_projection(network, &spec, NULL, NULL, messages);
  }
  for (size_t i = 0; i < hk_network_input_count(full) && !status; i++)
    status = hk_network_add_input(network, hk_network_input(full, i), NULL, NULL, messages);
  return status;
}

/* --- its spikes --- */

struct train {
  double *times;
  uint64_t *ids;
  uint64_t count, room;
};

struct kept {
  struct train *trains;
  size_t count;
};

static enum hk_status train_grow(struct train *train)
{
  uint64_t room = train->room ? 2 * train->room : 4096;
  double *times = realloc(train->times, room * sizeof *times);
  if (times)
    train->times = times;
  uint64_t *ids = realloc(train->ids, room * sizeof *ids);
  if (ids)
    train->ids = ids;
  if (!times || !ids)
    return HK_ERR_MEMORY;
  train->room = room;
  return HK_OK;
}

static enum hk_status keep(void *context, const struct hk_spike *spikes, size_t count)
{
  struct kept *kept = context;
  for (size_t i = 0; i < count; i++) {
    struct train *train = &kept->trains[spikes[i].population];
    if (train->count == train->room && train_grow(train))
      return HK_ERR_MEMORY;
    train->times[train->count] = spikes[i].time;
    train->ids[train->count++] = spikes[i].neuron;
  }
  return HK_OK;
}

/* A run whose spikes nobody takes might be spared the work of putting them in order. */
static enum hk_status let_go(void *context, const struct hk_spike *spikes, size_t count)
{
  (void)context, (void)spikes, (void)count;
  return HK_OK;
}

static void kept_clear(struct kept *kept)
{
  for (size_t i = 0; kept->trains && i < kept->count; i++) {
    free(kept->trains[i].times);
    free(kept->trains[i].ids);
  }
  free(kept->trains);
}

static enum hk_status look(const struct hk_network *network, const struct kept *kept, double from, double to,
                           struct measurement *out, struct hk_messages *messages)
{
  size_t count = kept->count < MEASURED_POPULATIONS ? kept->count : MEASURED_POPULATIONS;
  struct hk_spike_list lists[MEASURED_POPULATIONS];
  for (size_t i = 0; i < count; i++) {
    const struct hk_population_spec *of = hk_network_population(network, i);
    const struct train *train = &kept->trains[i];
    lists[i] = (struct hk_spike_list){of->name, of->size, train->times, train->ids, train->count};
  }
  struct hk_selection selection = hk_selection_all();
  selection.from = from;
  selection.to = to;
  struct hk_stats_options options = hk_stats_options_default();
  struct hk_view *view = NULL;
  enum hk_status status = hk_view_open_memory(lists, count, &selection, &view, messages);
  for (size_t i = 0; i < count && !status; i++) {
    struct hk_population_stats stats;
    status = hk_stats_compute(view, i, &options, &stats, messages);
    if (status)
      break;
    struct measured_population *p = &out->populations[i];
    *p = (struct measured_population){
        .neurons = stats.neurons, .rate = stats.rate.mean, .cv = stats.cv.mean, .correlation = stats.correlation};
    snprintf(p->name, sizeof p->name, "%s", stats.name);
    out->population_count = i + 1;
  }
  hk_view_close(view);
  return status;
}

/* --- the run --- */

static enum hk_status run(const struct task *task, struct hk_simulation *sim, struct measurement *out)
{
  enum hk_status status = hk_simulation_run(sim, task->warmup);
  struct hk_counts before = hk_simulation_counts(sim);
  double begin = seconds();
  if (!status)
    status = hk_simulation_run(sim, task->warmup + task->duration);
  out->run = seconds() - begin;
  struct hk_counts after = hk_simulation_counts(sim);
  out->neurons = after.neurons;
  out->synapses = after.synapses;
  out->spikes = after.spikes - before.spikes;
  out->events = after.events - before.events;
  out->simulated = task->duration;
  out->threads = after.threads;
  out->scheduler = after.scheduler;
  return status;
}

static enum hk_status build_and_run(const struct task *task, const struct hk_network *network,
                                    const struct hk_options *options, struct measurement *out,
                                    struct hk_messages *messages)
{
  struct hk_simulation *sim = NULL;
  struct kept kept = {.count = hk_network_population_count(network)};
  struct hk_sink sink = {.spikes = let_go};
  if (task->science) {
    kept.trains = calloc(kept.count, sizeof *kept.trains);
    if (!kept.trains)
      return HK_ERR_MEMORY;
    sink = (struct hk_sink){.context = &kept, .spikes = keep};
  }
  double begin = seconds();
  enum hk_status status = hk_simulation_create(network, options, &sim, messages);
  out->build = seconds() - begin;
  if (!status) {
    hk_simulation_set_sink(sim, &sink);
    status = run(task, sim, out);
  }
  if (!status && task->science)
    status = look(network, &kept, task->warmup, task->warmup + task->duration, out, messages);
  hk_simulation_destroy(sim);
  kept_clear(&kept);
  return status;
}

enum hk_status measure(const struct task *task, struct measurement *out, struct hk_messages *messages)
{
  *out = (struct measurement){0};
  struct hk_config *config = NULL;
  struct hk_network *network = NULL;
  enum hk_status status = hk_config_read(task->config, NULL, 0, &config, messages);
  if (!status)
    status = hk_network_create(&network);
  if (!status)
    status = add_scaled(hk_config_network(config), task->scale, network, messages);
  if (!status) {
    struct hk_options options = hk_config_options(config);
    options.threads = task->threads;
    status = build_and_run(task, network, &options, out, messages);
  }
  hk_network_destroy(network);
  hk_config_destroy(config);
  return status;
}
