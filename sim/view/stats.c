/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One accumulator per neuron, updated as its spikes come by in order of time. Counts in windows and bins are summed up
 * when a later window is reached, so that empty ones need no work: they add nothing to sums of counts and of squares.
 */
#include <hillock/stats.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "view/pairs.h"

/* More accumulators than this are not neurons but stray ids. */
static const uint64_t neurons_max = 1ull << 28;

struct neuron {
  uint64_t spikes;
  double last, last_interval;     /* ms */
  double mean, squares;           /* of intervals, by Welford's recurrence: squares about the mean */
  double local;                   /* sum of LV's terms */
  uint64_t window, window_spikes; /* the window under way */
  uint64_t counted;               /* spikes in whole windows ... */
  double count_squares;           /* ... and sum of the squares of their counts, before the one under way */
};

struct total {
  uint64_t bin, bin_spikes, counted;
  double squares;
};

struct work {
  const struct hk_stats_options *options;
  double from;
  uint64_t windows, bins; /* whole ones */
  struct neuron *neurons;
  uint64_t spikes;
  struct total total;
  struct hk__pairs *pairs;
};

struct hk_stats_options hk_stats_options_default(void)
{
  return (struct hk_stats_options){100, 5, 200, 3};
}

static void add_interval(struct neuron *neuron, double interval, uint64_t intervals)
{
  double from_mean = interval - neuron->mean;
  neuron->mean += from_mean / (double)intervals;
  neuron->squares += from_mean * (interval - neuron->mean);
  double sum = interval + neuron->last_interval;
  if (intervals > 1 && sum > 0) {
    double contrast = (interval - neuron->last_interval) / sum;
    neuron->local += contrast * contrast;
  }
  neuron->last_interval = interval;
}

static void close_window(struct neuron *neuron)
{
  double count = (double)neuron->window_spikes;
  neuron->count_squares += count * count;
  neuron->counted += neuron->window_spikes;
  neuron->window_spikes = 0;
}

static void close_bin(struct total *total)
{
  double count = (double)total->bin_spikes;
  total->squares += count * count;
  total->counted += total->bin_spikes;
  total->bin_spikes = 0;
}

static enum hk_status take(void *context, const struct hk_view_block *block)
{
  struct work *work = context;
  for (size_t i = 0; i < block->count; i++) {
    struct neuron *neuron = &work->neurons[block->rows[i]];
    double time = block->times[i], after = time - work->from;
    if (neuron->spikes > 0)
      add_interval(neuron, time - neuron->last, neuron->spikes);
    neuron->spikes++;
    neuron->last = time;
    uint64_t window = (uint64_t)(after / work->options->fano_window);
    if (window != neuron->window) {
      close_window(neuron);
      neuron->window = window;
    }
    neuron->window_spikes += window < work->windows;
    uint64_t bin = (uint64_t)(after / work->options->synchrony_bin);
    if (bin != work->total.bin) {
      close_bin(&work->total);
      work->total.bin = bin;
    }
    work->total.bin_spikes += bin < work->bins;
    hk__pairs_add(work->pairs, after, block->rows[i]);
  }
  work->spikes += block->count;
  return HK_OK;
}

/* Sorts the values. */
static struct hk_spread spread_of(double *values, size_t count)
{
  struct hk_spread spread = {NAN, NAN, NAN, NAN, NAN, count};
  if (count == 0)
    return spread;
  gsl_sort(values, 1, count);
  spread.mean = gsl_stats_mean(values, 1, count);
  spread.sd = count > 1 ? gsl_stats_sd_m(values, 1, count, spread.mean) : NAN;
  spread.min = values[0];
  spread.median = gsl_stats_median_from_sorted_data(values, 1, count);
  spread.max = values[count - 1];
  return spread;
}

static double fano_of(uint64_t counted, double squares, uint64_t windows)
{
  if (counted == 0 || windows < 2)
    return NAN;
  double mean = (double)counted / (double)windows;
  return (squares / (double)windows - mean * mean) / mean;
}

enum quantity { RATE, CV, LV, FANO };

/* A quantity of a neuron, NAN where it has none. */
static double quantity_of(const struct work *work, struct neuron *neuron, enum quantity quantity, double length)
{
  double intervals = (double)neuron->spikes - 1;
  switch (quantity) {
  case RATE:
    return length > 0 ? (double)neuron->spikes / length * 1000 : NAN;
  case CV:
    return intervals >= 2 && neuron->mean > 0 ? sqrt(neuron->squares / intervals) / neuron->mean : NAN;
  case LV:
    return intervals >= 2 ? 3 * neuron->local / (intervals - 1) : NAN;
  case FANO:
    return fano_of(neuron->counted, neuron->count_squares, work->windows);
  }
  return NAN;
}

static enum hk_status summarise(struct work *work, double length, struct hk_population_stats *out)
{
  double *values = malloc((out->neurons + 1) * sizeof *values);
  if (!values)
    return HK_ERR_MEMORY;
  for (uint64_t i = 0; i < out->neurons; i++) {
    close_window(&work->neurons[i]);
    out->active += work->neurons[i].spikes > 0;
  }
  struct hk_spread *spreads[] = {&out->rate, &out->cv, &out->lv, &out->fano};
  for (enum quantity quantity = RATE; quantity <= FANO; quantity++) {
    size_t count = 0;
    for (uint64_t i = 0; i < out->neurons; i++) {
      double value = quantity_of(work, &work->neurons[i], quantity, length);
      if (!isnan(value))
        values[count++] = value;
    }
    *spreads[quantity] = spread_of(values, count);
  }
  free(values);
  close_bin(&work->total);
  out->synchrony = fano_of(work->total.counted, work->total.squares, work->bins);
  return hk__pairs_mean(work->pairs, &out->correlation, &out->pairs);
}

static enum hk_status check(const struct hk_stats_options *options, const struct hk_view_population *population,
                            struct hk_messages *messages)
{
  if (!(options->fano_window > 0 && options->correlation_bin > 0 && options->synchrony_bin > 0 &&
        isfinite(options->fano_window + options->correlation_bin + options->synchrony_bin))) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "windows and bins must be longer than 0");
    return HK_ERR_INPUT;
  }
  if (options->sample > 5000) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "a sample of %zu neurons is too much: 5000 at most",
                    options->sample);
    return HK_ERR_INPUT;
  }
  if (population->rows > neurons_max) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL,
                    "`%s` has ids up to %" PRIu64 ": more neurons than statistics are made for (%" PRIu64
                    "); choose neurons, or give the population's size to leave stray ids out",
                    population->name, population->size - 1, neurons_max);
    return HK_ERR_INPUT;
  }
  return HK_OK;
}

enum hk_status hk_stats_compute(struct hk_view *view, size_t index, const struct hk_stats_options *options,
                                struct hk_population_stats *out, struct hk_messages *messages)
{
  struct hk_stats_options preset = hk_stats_options_default();
  struct hk_view_population population = hk_view_population(view, index);
  double length = hk_view_to(view) - hk_view_from(view);
  struct work work = {.options = options ? options : &preset, .from = hk_view_from(view)};
  enum hk_status status = check(work.options, &population, messages);
  if (status != HK_OK)
    return status;
  work.windows = (uint64_t)(length / work.options->fano_window);
  work.bins = (uint64_t)(length / work.options->synchrony_bin);
  *out = (struct hk_population_stats){
      .name = population.name, .neurons = population.rows, .neurons_stated = population.size_stated};
  work.neurons = calloc(population.rows + 1, sizeof *work.neurons);
  status = work.neurons ? hk__pairs_create(population.rows, work.options->sample, work.options->correlation_bin, length,
                                           &work.pairs)
                        : HK_ERR_MEMORY;
  if (status == HK_OK)
    status = hk_view_scan(view, index, HK_VIEW_BY_TIME, take, &work, messages);
  if (status == HK_OK)
    status = summarise(&work, length, out);
  out->spikes = work.spikes;
  out->sampled = hk__pairs_sampled(work.pairs);
  hk__pairs_destroy(work.pairs);
  free(work.neurons);
  return status;
}
