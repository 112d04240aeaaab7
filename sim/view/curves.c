/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each kind of curve takes one pass over a population, or two where the data have to say what range suits them. */
#include <hillock/plot.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_fft_real.h>
#include <gsl/gsl_math.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/axis.h"

enum { BINS_MOST = 1 << 25, HISTOGRAM_MOST = 100000, PER_DECADE = 50, DECADES = 20, SEGMENT = 1024 };
static const uint64_t neurons_max = 1ull << 28;
static const double least_interval = 1e-9; /* ms, where the decades begin */

struct hk_plot_options hk_plot_options_default(enum hk_plot_kind kind)
{
  return (struct hk_plot_options){.picture = hk_picture_default(), .kind = kind};
}

void hk_curves_clear(struct hk_curves *curves)
{
  for (size_t i = 0; i < curves->count; i++) {
    free(curves->curves[i].name);
    free(curves->curves[i].x);
    free(curves->curves[i].y);
  }
  free(curves->curves);
  *curves = (struct hk_curves){0};
}

static enum hk_status add_curve(struct hk_curves *curves, const char *name, size_t population, size_t count,
                                struct hk_curve **out)
{
  struct hk_curve *all = realloc(curves->curves, (curves->count + 1) * sizeof *all);
  if (!all)
    return HK_ERR_MEMORY;
  curves->curves = all;
  struct hk_curve *curve = &all[curves->count++];
  *curve = (struct hk_curve){.name = strdup(name), .population = population, .count = count};
  curve->x = calloc(count + 1, sizeof *curve->x);
  curve->y = calloc(count + 1, sizeof *curve->y);
  *out = curve;
  return curve->name && curve->x && curve->y ? HK_OK : HK_ERR_MEMORY;
}

static enum hk_status check_neurons(const struct hk_view *view, size_t index, struct hk_messages *messages)
{
  struct hk_view_population population = hk_view_population(view, index);
  if (population.rows <= neurons_max)
    return HK_OK;
  hk_messages_add(messages, HK_SEVERITY_ERROR, NULL,
                  "`%s` has ids up to %" PRIu64 ": too many neurons; choose some, or give the population's size",
                  population.name, population.size - 1);
  return HK_ERR_INPUT;
}

/* --- intervals --- */

struct intervals {
  double *last; /* of each neuron; NAN before its first spike */
  uint64_t decades[DECADES * PER_DECADE], total;
  double bin;
  size_t bins;
  double *counts; /* NULL in the pass over decades */
};

static enum hk_status take_intervals(void *context, const struct hk_view_block *block)
{
  struct intervals *work = context;
  for (size_t i = 0; i < block->count; i++) {
    double *last = &work->last[block->rows[i]], interval = block->times[i] - *last;
    *last = block->times[i];
    if (isnan(interval))
      continue;
    work->total++;
    if (work->counts) {
      double bin = interval / work->bin;
      if (bin < (double)work->bins)
        work->counts[(size_t)bin]++;
    } else {
      double place = interval > least_interval ? log10(interval / least_interval) * PER_DECADE : 0;
      work->decades[place < DECADES * PER_DECADE ? (size_t)place : DECADES * PER_DECADE - 1]++;
    }
  }
  return HK_OK;
}

static enum hk_status pass_over_intervals(struct hk_view *view, size_t index, struct intervals *work,
                                          struct hk_messages *messages)
{
  uint64_t rows = hk_view_population(view, index).rows;
  for (uint64_t i = 0; i < rows; i++)
    work->last[i] = NAN;
  work->total = 0;
  return hk_view_scan(view, index, HK_VIEW_BY_TIME, take_intervals, work, messages);
}

/* The interval that all but a hundredth of them are below, a little more. */
static double suitable_interval(const struct intervals *work)
{
  uint64_t seen = 0;
  size_t place = 0;
  while (place < DECADES * PER_DECADE - 1 && (double)(seen += work->decades[place]) < 0.99 * (double)work->total)
    place++;
  return work->total ? least_interval * pow(10, (place + 1.0) / PER_DECADE) : 0;
}

static enum hk_status check_bins(double bins, struct hk_messages *messages)
{
  if (bins <= HISTOGRAM_MOST)
    return HK_OK;
  hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "%.3g bins are too many: choose a wider bin or a smaller range",
                  bins);
  return HK_ERR_INPUT;
}

static enum hk_status intervals_of(struct hk_view *view, size_t index, double bin, double range, struct hk_curves *out,
                                   struct hk_messages *messages)
{
  struct hk_view_population population = hk_view_population(view, index);
  struct intervals work = {.bin = bin, .bins = (size_t)ceil(range / bin - 1e-9)};
  struct hk_curve *curve = NULL;
  enum hk_status status = add_curve(out, population.name, index, work.bins + 1, &curve);
  work.last = malloc((population.rows + 1) * sizeof *work.last);
  if (status != HK_OK || !work.last) {
    free(work.last);
    return HK_ERR_MEMORY;
  }
  work.counts = curve->y;
  status = pass_over_intervals(view, index, &work, messages);
  for (size_t i = 0; i <= work.bins; i++) {
    curve->x[i] = bin * (double)i;
    curve->y[i] = work.total ? curve->y[i] / (double)work.total / bin : 0;
  }
  free(work.last);
  return status;
}

static enum hk_status find_range(struct hk_view *view, double *range, struct hk_messages *messages)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < hk_view_population_count(view) && status == HK_OK; i++) {
    struct intervals *work = calloc(1, sizeof *work);
    if (!work)
      return HK_ERR_MEMORY;
    work->last = malloc((hk_view_population(view, i).rows + 1) * sizeof *work->last);
    status = work->last ? pass_over_intervals(view, i, work, messages) : HK_ERR_MEMORY;
    *range = fmax(*range, suitable_interval(work));
    free(work->last);
    free(work);
  }
  *range = *range > 0 ? *range : 1;
  return status;
}

static enum hk_status intervals(struct hk_view *view, const struct hk_plot_options *options, struct hk_curves *out,
                                struct hk_messages *messages)
{
  out->steps = true;
  out->x_title = "interval (ms)";
  out->y_title = "density (1/ms)";
  enum hk_status status = HK_OK;
  double range = options->range;
  if (!(range > 0))
    status = find_range(view, &range, messages);
  double bin = options->bin > 0 ? options->bin : hk__round_step(range / 100);
  if (status == HK_OK)
    status = check_bins(range / bin, messages);
  for (size_t i = 0; i < hk_view_population_count(view) && status == HK_OK; i++)
    status = intervals_of(view, i, bin, range, out, messages);
  return status;
}

/* --- rates --- */

static enum hk_status count_spikes(void *context, const struct hk_view_block *block)
{
  uint32_t *counts = context;
  for (size_t i = 0; i < block->count; i++)
    counts[block->rows[i]] += counts[block->rows[i]] < UINT32_MAX;
  return HK_OK;
}

/* Bins hold a whole number of spike counts each, so that none gets more of them than another. */
static enum hk_status rates_of(struct hk_view *view, size_t index, const struct hk_plot_options *options,
                               struct hk_curves *out, struct hk_messages *messages)
{
  struct hk_view_population population = hk_view_population(view, index);
  double seconds = (hk_view_to(view) - hk_view_from(view)) / 1000;
  uint32_t *counts = calloc(population.rows + 1, sizeof *counts), most = 0;
  if (!counts)
    return HK_ERR_MEMORY;
  enum hk_status status = hk_view_scan(view, index, HK_VIEW_ANY_ORDER, count_spikes, counts, messages);
  for (uint64_t i = 0; i < population.rows; i++)
    most = counts[i] > most ? counts[i] : most;
  double per_bin = options->bin > 0 ? fmax(1, round(options->bin * seconds)) : ceil((most + 1.0) / 40);
  double highest = options->range > 0 ? fmin(most, options->range * seconds) : most;
  size_t bins = (size_t)(highest / per_bin) + 1;
  struct hk_curve *curve = NULL;
  if (status == HK_OK)
    status = check_bins((double)bins, messages);
  if (status == HK_OK)
    status = add_curve(out, population.name, index, bins + 1, &curve);
  if (status == HK_OK) {
    for (uint64_t i = 0; i < population.rows; i++)
      if (counts[i] / per_bin < (double)bins)
        curve->y[(size_t)(counts[i] / per_bin)] += 100 / (double)population.rows;
    for (size_t i = 0; i <= bins; i++)
      curve->x[i] = seconds > 0 ? (double)i * per_bin / seconds : (double)i;
  }
  free(counts);
  return status;
}

static enum hk_status rates(struct hk_view *view, const struct hk_plot_options *options, struct hk_curves *out,
                            struct hk_messages *messages)
{
  out->steps = true;
  out->x_title = "rate (Hz)";
  out->y_title = "neurons (%)";
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < hk_view_population_count(view) && status == HK_OK; i++)
    status = rates_of(view, i, options, out, messages);
  return status;
}

/* --- counts in bins over time --- */

struct series {
  double from, bin;
  size_t bins;
  double *counts, mean;
};

static enum hk_status count_bins(void *context, const struct hk_view_block *block)
{
  struct series *series = context;
  for (size_t i = 0; i < block->count; i++) {
    double bin = (block->times[i] - series->from) / series->bin;
    if (bin < (double)series->bins)
      series->counts[(size_t)bin]++;
  }
  return HK_OK;
}

static enum hk_status series_of(struct hk_view *view, size_t index, double bin, struct series *series,
                                struct hk_messages *messages)
{
  double bins = floor((hk_view_to(view) - hk_view_from(view)) / bin + 1e-9);
  *series = (struct series){.from = hk_view_from(view), .bin = bin, .bins = (size_t)fmin(bins, BINS_MOST)};
  if (bins > BINS_MOST) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL,
                    "%.3g bins of %g ms are too many: choose a wider bin or a shorter span of time", bins, bin);
    return HK_ERR_INPUT;
  }
  series->counts = calloc(series->bins + 1, sizeof *series->counts);
  if (!series->counts)
    return HK_ERR_MEMORY;
  enum hk_status status = hk_view_scan(view, index, HK_VIEW_ANY_ORDER, count_bins, series, messages);
  for (size_t i = 0; i < series->bins; i++)
    series->mean += series->counts[i] / (double)series->bins;
  return status;
}

/* --- correlation --- */

static double variance(const struct series *series)
{
  double sum = 0;
  for (size_t i = 0; i < series->bins; i++)
    sum += (series->counts[i] - series->mean) * (series->counts[i] - series->mean);
  return sum;
}

/* y[lags + k]: of a at time t with b at time t + k bins. */
static enum hk_status correlate(const struct series *a, const struct series *b, size_t lags, const char *name,
                                size_t population, struct hk_curves *out)
{
  struct hk_curve *curve = NULL;
  enum hk_status status = add_curve(out, name, population, 2 * lags + 1, &curve);
  if (status != HK_OK)
    return status;
  double scale = sqrt(variance(a) * variance(b));
  for (size_t k = 0; k <= 2 * lags; k++) {
    ptrdiff_t lag = (ptrdiff_t)k - (ptrdiff_t)lags;
    size_t first = lag < 0 ? (size_t)-lag : 0, end = lag > 0 ? a->bins - (size_t)lag : a->bins;
    double sum = 0;
    for (size_t i = first; i < end; i++)
      sum += (a->counts[i] - a->mean) * (b->counts[(size_t)((ptrdiff_t)i + lag)] - b->mean);
    curve->x[k] = (double)lag * a->bin;
    curve->y[k] = scale > 0 ? sum / scale : 0;
  }
  return HK_OK;
}

static enum hk_status correlation(struct hk_view *view, const struct hk_plot_options *options, struct hk_curves *out,
                                  struct hk_messages *messages)
{
  out->x_title = "lag (ms)";
  out->y_title = "correlation";
  size_t count = hk_view_population_count(view);
  double bin = options->bin > 0 ? options->bin : 1, range = options->range > 0 ? options->range : 100 * bin;
  struct series *series = calloc(count + 1, sizeof *series);
  if (!series)
    return HK_ERR_MEMORY;
  enum hk_status status = check_bins(range / bin, messages);
  for (size_t i = 0; i < count && status == HK_OK; i++)
    status = series_of(view, i, bin, &series[i], messages);
  size_t lags = (size_t)fmin(range / bin, count && series[0].bins ? (double)series[0].bins - 1 : 0);
  for (size_t i = 0; i < count && status == HK_OK; i++)
    status = correlate(&series[i], &series[i], lags, hk_view_population(view, i).name, i, out);
  if (status == HK_OK && count == 2) {
    char *name = NULL;
    const char *first = hk_view_population(view, 0).name, *second = hk_view_population(view, 1).name;
    status = asprintf(&name, "%s to %s", first, second) < 0 ? HK_ERR_MEMORY : HK_OK;
    if (status == HK_OK)
      status = correlate(&series[0], &series[1], lags, name, 2, out);
    free(name);
  }
  for (size_t i = 0; i < count; i++)
    free(series[i].counts);
  free(series);
  return status;
}

/* --- spectrum --- */

/* Adds the squared modulus of each frequency 1 .. length / 2 - 1 to power. */
static enum hk_status add_segment(const struct series *series, size_t first, size_t length, double *data, double *power)
{
  for (size_t i = 0; i < length; i++)
    data[i] = (series->counts[first + i] - series->mean) * 0.5 * (1 - cos(2 * M_PI * (double)i / (double)length));
  if (gsl_fft_real_radix2_transform(data, 1, length) != GSL_SUCCESS)
    return HK_ERR_BUG;
  for (size_t k = 1; k < length / 2; k++)
    power[k] += data[k] * data[k] + data[length - k] * data[length - k];
  return HK_OK;
}

static enum hk_status spectrum_of(const struct series *series, double range, const char *name, size_t population,
                                  struct hk_curves *out)
{
  size_t length = SEGMENT, segments = 0;
  while (length > 8 && 2 * length > series->bins)
    length /= 2;
  double *data = calloc(length, sizeof *data), *power = calloc(length, sizeof *power);
  enum hk_status status = data && power ? HK_OK : HK_ERR_MEMORY;
  for (size_t first = 0; first + length <= series->bins && status == HK_OK; first += length / 2, segments++)
    status = add_segment(series, first, length, data, power);
  double step = 1000 / (series->bin * (double)length), last = fmin((double)length / 2 - 1, range / step);
  size_t count = segments ? (size_t)fmax(last, 1) : 0;
  struct hk_curve *curve = NULL;
  if (status == HK_OK)
    status = add_curve(out, name, population, count, &curve);
  for (size_t k = 0; status == HK_OK && k < count; k++) {
    double windows = 0.375 * (double)length; /* the sum of the squares of a Hann window */
    curve->x[k] = step * (double)(k + 1);
    curve->y[k] = series->mean > 0 ? power[k + 1] / (double)segments / windows / series->mean : 0;
  }
  free(data);
  free(power);
  return status;
}

static enum hk_status spectrum(struct hk_view *view, const struct hk_plot_options *options, struct hk_curves *out,
                               struct hk_messages *messages)
{
  out->x_title = "frequency (Hz)";
  out->y_title = "power (Poisson = 1)";
  double bin = options->bin > 0 ? options->bin : 1, range = options->range > 0 ? options->range : 250 / bin;
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < hk_view_population_count(view) && status == HK_OK; i++) {
    struct series series = {0};
    status = series_of(view, i, bin, &series, messages);
    if (status == HK_OK)
      status = spectrum_of(&series, range, hk_view_population(view, i).name, i, out);
    free(series.counts);
  }
  return status;
}

enum hk_status hk_curves_compute(struct hk_view *view, const struct hk_plot_options *options, struct hk_curves *out,
                                 struct hk_messages *messages)
{
  static enum hk_status (*const kinds[])(struct hk_view *, const struct hk_plot_options *, struct hk_curves *,
                                         struct hk_messages *) = {[HK_PLOT_INTERVALS] = intervals,
                                                                  [HK_PLOT_RATES] = rates,
                                                                  [HK_PLOT_CORRELATION] = correlation,
                                                                  [HK_PLOT_SPECTRUM] = spectrum};
  *out = (struct hk_curves){0};
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < hk_view_population_count(view) && status == HK_OK; i++)
    status = check_neurons(view, i, messages);
  if (status == HK_OK && (!(options->bin >= 0) || !(options->range >= 0) || isinf(options->bin + options->range) ||
                          (size_t)options->kind >= sizeof kinds / sizeof *kinds)) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "a bin of %g and a range of %g cannot be plotted", options->bin,
                    options->range);
    status = HK_ERR_INPUT;
  }
  if (status == HK_OK)
    status = kinds[options->kind](view, options, out, messages);
  if (status != HK_OK)
    hk_curves_clear(out);
  return status;
}
