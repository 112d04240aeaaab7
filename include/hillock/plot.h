/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Curves of spike trains, one per population, and pictures of them.
 *
 *   intervals    density of the intervals between a neuron's spikes, all neurons together
 *   rates        share of neurons by their mean rate
 *   correlation  correlation coefficient of the populations' spike counts in bins, by lag: of each with itself and, of
 *                two populations, of one with the other (a peak at a positive lag: the second follows the first)
 *   spectrum     power spectrum of a population's spike counts in bins, as a ratio to that of a Poisson process of the
 *                same rate, which is 1 everywhere; mean over half-overlapping segments under Hann windows (Welch 1967)
 *   traces       SONATA reports over time
 *
 * Memory goes with neurons and with bins, not with spikes. */
#ifndef HILLOCK_PLOT_H
#define HILLOCK_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include <hillock/picture.h>
#include <hillock/status.h>
#include <hillock/view.h>

#ifdef __cplusplus
extern "C" {
#endif

enum hk_plot_kind { HK_PLOT_INTERVALS, HK_PLOT_RATES, HK_PLOT_CORRELATION, HK_PLOT_SPECTRUM, HK_PLOT_TRACES };

struct hk_plot_options {
  struct hk_picture picture;
  enum hk_plot_kind kind;
  double bin;   /* ms; rates: Hz; 0: what suits the data; correlation and spectrum: 1 ms */
  double range; /* the largest interval (ms), rate (Hz), lag (ms) or frequency (Hz) shown; 0: what suits the data */
  const char *const *traces; /* SONATA report files */
  size_t trace_count;
};

struct hk_plot_options hk_plot_options_default(enum hk_plot_kind kind);

struct hk_curve {
  char *name;
  size_t population; /* whose colour it has */
  double *x, *y;
  size_t count;
};

/* A histogram has steps: y[i] holds from x[i] to x[i + 1], its last y is 0. */
struct hk_curves {
  struct hk_curve *curves;
  size_t count;
  bool steps;
  const char *x_title, *y_title; /* constant */
};

/* Not for traces. Errors: HK_ERR_INPUT (options out of range, too many bins), HK_ERR_MEMORY, those of hk_view_scan. */
enum hk_status hk_curves_compute(struct hk_view *view, const struct hk_plot_options *options, struct hk_curves *out,
                                 struct hk_messages *messages);
void hk_curves_clear(struct hk_curves *curves);

/* Errors: those above and those of hk_raster_draw. */
enum hk_status hk_plot_draw(struct hk_view *view, const struct hk_plot_options *options, const char *path,
                            struct hk_messages *messages);

#ifdef __cplusplus
}
#endif
#endif
