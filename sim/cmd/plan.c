/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"

enum { TEXT = 32 };

/* What a run costs, measured on one core of a present-day processor. How fast neurons will spike is the unknown. */
static const double assumed_rate = 5;           /* Hz, of neurons */
static const double build_cost = 60e-9;         /* s per synapse */
static const double window_event_cost = 50e-9;  /* s per arrival of a neuron's spike */
static const double private_event_cost = 80e-9; /* s per event of private Poisson input */
static const double queue_event_cost = 200e-9;  /* s per event of either kind */
static const double neuron_cost = 70e-9;        /* s per neuron and ms */

static double mean_of(const struct hk_value *value)
{
  double sum = 0;
  switch (value->kind) {
  case HK_VALUE_LIST:
    for (size_t i = 0; i < value->count; i++)
      sum += value->list[i];
    return sum / (double)value->count;
  case HK_VALUE_UNIFORM:
    return (value->a + value->b) / 2;
  case HK_VALUE_LOGNORMAL:
    return value->scale;
  default:
    return value->a;
  }
}

/* Spikes per second of one neuron of the population. */
static double rate_of(const struct hk_population_spec *population, double duration)
{
  const struct hk_model *model = hk_model_find(population->model);
  if (model->kind == HK_MODEL_TRAINS)
    return (double)population->trains.offsets[population->size] / (double)population->size / (duration / 1000);
  if (model->kind != HK_MODEL_POISSON)
    return assumed_rate;
  for (size_t i = 0; i < population->param_count; i++)
    if (strcmp(population->params[i].name, model->params[0].name) == 0)
      return mean_of(&population->params[i].value);
  return model->params[0].preset;
}

/* Arrivals per second. */
static double synaptic_events(const struct hk_network *network, double duration)
{
  double events = 0;
  for (size_t i = 0; i < hk_network_projection_count(network); i++) {
    const struct hk_projection_spec *projection = hk_network_projection(network, i);
    events += hk_network_expected_synapses(network, i) *
              rate_of(hk_network_population(network, projection->source), duration);
  }
  return events;
}

static double private_events(const struct hk_network *network)
{
  double events = 0;
  for (size_t i = 0; i < hk_network_input_count(network); i++) {
    const struct hk_input_spec *input = hk_network_input(network, i);
    uint64_t neurons = input->neurons ? input->neuron_count : hk_network_population(network, input->target)->size;
    if (input->kind == HK_INPUT_POISSON)
      events += (double)neurons * mean_of(&input->rate);
  }
  return events;
}

static double expected_seconds(const struct hk_network *network, const struct hk_options *options, double duration,
                               const struct hk_estimate *estimate)
{
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  double threads = options->threads > 0 ? options->threads : processors > 0 ? (double)processors : 1;
  bool queue = options->scheduler == HK_SCHEDULER_QUEUE;
  double synaptic = synaptic_events(network, duration) * duration / 1000;
  double private = private_events(network) * duration / 1000;
  double run =
      (queue ? (synaptic + private) * queue_event_cost : synaptic * window_event_cost + private * private_event_cost) +
      (double)estimate->neurons * duration * neuron_cost;
  return estimate->synapses * build_cost / threads + run / (queue ? 1 : threads);
}

static void print_populations(const struct hk_network *network)
{
  char text[TEXT];
  printf("%-20s %-20s %16s\n", "population", "model", "neurons");
  for (size_t i = 0; i < hk_network_population_count(network); i++) {
    const struct hk_population_spec *population = hk_network_population(network, i);
    printf("%-20s %-20s %16s\n", population->name, population->model, show_count(population->size, text));
  }
}

static void print_projections(const struct hk_network *network)
{
  char text[TEXT];
  if (hk_network_projection_count(network) > 0)
    printf("\n%-20s %-20s %16s\n", "source", "target", "synapses");
  for (size_t i = 0; i < hk_network_projection_count(network); i++) {
    const struct hk_projection_spec *projection = hk_network_projection(network, i);
    printf("%-20s %-20s %16s\n", hk_network_population(network, projection->source)->name,
           hk_network_population(network, projection->target)->name,
           show_count((uint64_t)hk_network_expected_synapses(network, i), text));
  }
}

enum hk_status print_plan(const struct hk_network *network, const struct hk_options *options, double duration)
{
  char text[TEXT];
  struct hk_estimate estimate;
  enum hk_status status = hk_network_estimate(network, options->grid, &estimate);
  if (status != HK_OK)
    return status;
  print_populations(network);
  print_projections(network);
  printf("\nneurons   %s\n", show_count(estimate.neurons, text));
  printf("synapses  %s\n", show_count((uint64_t)estimate.synapses, text));
  printf("memory    %s\n", show_bytes(estimate.bytes, text));
  printf("duration  %s\n", show_time(duration, text));
  printf("time      roughly %s, if neurons spike at %g Hz\n",
         show_wall(expected_seconds(network, options, duration, &estimate), text), assumed_rate);
  return HK_OK;
}
