/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "progress.h"

enum { TEXT = 32 };

/* What a run costs one core of a present-day processor, from the table of benchmarks. */
static const double assumed_rate = 20;         /* Hz, of neurons whose rate no theory tells */
static const double build_cost = 50e-9;        /* s per synapse */
static const double event_cost = 14e-9;        /* s per arrival of a neuron's spike */
static const double private_event_cost = 8e-9; /* s per event of private Poisson input */
static const double queue_event_cost = 250e-9; /* s per event of either kind */
static const double sweep_cost = 2.5e-9;       /* s per neuron and window */
static const double rare_event_cost = 500e-9;  /* s per event where most neurons sleep, instead of all of these */
static const double rare = 0.0125;             /* events per neuron and window that leave most asleep */
static const double integrated_cost = 0.28e-6; /* s per neuron and ms, of models that are not linear */
static const double channels_cost = 3.5e-6;    /* the same, if spikes come of the model's own channels */
static const double longest_window = 1;        /* ms */

/* Arrivals per second. */
static double synaptic_events(const struct hk_network *network, const double *rates)
{
  double events = 0;
  for (size_t i = 0; i < hk_network_projection_count(network); i++)
    events += hk_network_expected_synapses(network, i) * rates[hk_network_projection(network, i)->source];
  return events;
}

static double private_events(const struct hk_network *network)
{
  double events = 0;
  for (size_t i = 0; i < hk_network_input_count(network); i++) {
    const struct hk_input_spec *input = hk_network_input(network, i);
    uint64_t neurons = input->neurons ? input->neuron_count : hk_network_population(network, input->target)->size;
    if (input->kind == HK_INPUT_POISSON)
      events += (double)neurons * hk_value_mean(&input->rate);
  }
  return events;
}

static double least_of(const struct hk_value *value)
{
  double least = value->a;
  switch (value->kind) {
  case HK_VALUE_CONSTANT:
  case HK_VALUE_UNIFORM:
    return least;
  case HK_VALUE_LIST:
    for (size_t i = 0; i < value->count; i++)
      least = value->list[i] < least ? value->list[i] : least;
    return least;
  default:
    return value->min;
  }
}

/* ms; drawn delays without a least one count as the longest window */
static double window_length(const struct hk_network *network)
{
  double length = longest_window;
  for (size_t i = 0; i < hk_network_projection_count(network); i++) {
    double least = least_of(&hk_network_projection(network, i)->delay);
    length = least > 0 && least < length ? least : length;
  }
  return length;
}

/* s per ms, of integrating models that are not linear */
static double integration(const struct hk_network *network)
{
  double sum = 0;
  for (size_t i = 0; i < hk_network_population_count(network); i++) {
    const struct hk_model *model = hk_network_model(network, i);
    if (model->kind == HK_MODEL_NONLINEAR)
      sum += (double)hk_network_population(network, i)->size * (model->crossing_only ? channels_cost : integrated_cost);
  }
  return sum;
}

static double threads_of(const struct hk_options *options)
{
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  return options->threads > 0 ? options->threads : processors > 0 ? (double)processors : 1;
}

static double expected_seconds(const struct hk_network *network, const struct hk_options *options, double duration,
                               const struct hk_estimate *estimate, const double *rates)
{
  double threads = threads_of(options), shards = fmax((double)estimate->shards, 1);
  double synaptic = synaptic_events(network, rates) * duration / 1000;
  double private = private_events(network) * duration / 1000;
  double build = estimate->synapses * build_cost / threads, integrated = integration(network) * duration;
  if (options->scheduler == HK_SCHEDULER_QUEUE)
    return build + (synaptic + private) * queue_event_cost + integrated;
  double sweeps = (double)estimate->neurons * duration / window_length(network);
  double busy = synaptic * event_cost + private * private_event_cost + sweeps * sweep_cost;
  if (synaptic + private < rare * sweeps)
    busy = (synaptic + private) * rare_event_cost;
  return build + (busy + integrated) / fmin(threads, shards);
}

/* Of what may be more than can be counted. */
static uint64_t whole(double x)
{
  return x < 0x1p63 ? (uint64_t)x : (uint64_t)1 << 63;
}

/* told: NAN where no theory tells the rate. */
static void print_populations(const struct hk_network *network, const double *rates, const double *told)
{
  char text[TEXT];
  printf("%-20s %-20s %16s %16s\n", "population", "model", "neurons", "likely rate (Hz)");
  for (size_t i = 0; i < hk_network_population_count(network); i++) {
    const struct hk_population_spec *population = hk_network_population(network, i);
    printf("%-20s %-20s %16s", population->name, population->model, show_count(population->size, text));
    if (isnan(told[i]))
      printf(" %16s\n", "unknown");
    else
      printf(" %16.3g\n", rates[i]);
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
           show_count(whole(hk_network_expected_synapses(network, i)), text));
  }
}

/* What the program takes before it has built anything, and what HDF5 will take to write files. */
static uint64_t own_bytes(void)
{
  const uint64_t files = 5 << 20;
  struct rusage usage;
  return files + (getrusage(RUSAGE_SELF, &usage) == 0 ? 1024 * (uint64_t)usage.ru_maxrss : 0);
}

/* No more threads have work than there are shards, of which large networks can do with more. */
static void print_shards(const struct hk_options *options, const struct hk_estimate *estimate)
{
  const uint64_t large = 8000; /* neurons in a shard */
  printf("shards    %llu", (unsigned long long)estimate->shards);
  if (estimate->shards > 0 && threads_of(options) > (double)estimate->shards &&
      estimate->neurons / large >= estimate->shards)
    printf(", so that no more threads than these have work; `simulation: {shards: N}` cuts the network in N");
  putchar('\n');
}

static double spikes_bytes(const struct hk_network *network, double duration, const double *rates)
{
  const double spike = 16; /* a time and an id */
  double sum = 0;
  for (size_t i = 0; i < hk_network_population_count(network); i++)
    if (hk_network_records_spikes(network, i))
      sum += spike * hk_network_population(network, i)->size * rates[i] * duration / 1000;
  return sum;
}

static double traces_bytes(const struct hk_network *network, double duration)
{
  double sum = 0;
  for (size_t i = 0; i < hk_network_trace_count(network); i++) {
    const struct hk_trace_spec *trace = hk_network_trace(network, i);
    const double columns = (double)trace->neuron_count * (double)trace->variable_count;
    sum += columns * sizeof(float) * duration / trace->interval;
  }
  return sum;
}

static void print_files(const struct hk_network *network, double duration, const double *rates)
{
  char text[TEXT];
  printf("files     at least %s of spikes", show_bytes(whole(spikes_bytes(network, duration, rates)), text));
  if (hk_network_trace_count(network) > 0)
    printf(", %s of traces", show_bytes(whole(traces_bytes(network, duration)), text));
  putchar('\n');
}

static void print_all(const struct hk_network *network, const struct hk_options *options, double duration,
                      const struct hk_estimate *estimate, const double *rates, const double *told)
{
  char text[TEXT];
  print_populations(network, rates, told);
  print_projections(network);
  printf("\nneurons   %s\n", show_count(estimate->neurons, text));
  printf("synapses  %s\n", show_count(whole(estimate->synapses), text));
  printf("memory    %s\n", show_bytes(estimate->bytes + own_bytes(), text));
  if (options->scheduler != HK_SCHEDULER_QUEUE && !(options->grid > 0))
    print_shards(options, estimate);
  printf("duration  %s\n", show_time(duration, text));
  print_files(network, duration, rates);
  printf("time      roughly %s\n", show_wall(expected_seconds(network, options, duration, estimate, rates), text));
  bool all_known = true;
  for (size_t i = 0; i < hk_network_population_count(network); i++)
    all_known &= !isnan(told[i]);
  printf("\nFiles and time are for neurons that spike at these rates");
  if (!all_known)
    printf(", or at %g Hz where they are unknown", assumed_rate);
  puts(".");
}

enum hk_status print_plan(const struct hk_network *network, const struct hk_options *options, double duration)
{
  struct hk_estimate estimate;
  const size_t count = hk_network_population_count(network);
  double *rates = malloc((2 * count + 1) * sizeof *rates), *told = rates + count;
  enum hk_status status = rates ? hk_network_estimate(network, options, &estimate) : HK_ERR_MEMORY;
  if (status == HK_OK)
    status = hk_network_expected_rates(network, duration, assumed_rate, rates);
  if (status == HK_OK)
    status = hk_network_expected_rates(network, duration, NAN, told);
  if (status == HK_OK)
    print_all(network, options, duration, &estimate, rates, told);
  free(rates);
  return status;
}
