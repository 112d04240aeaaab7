/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statistics of spike trains, in one pass over each population and with memory that goes with its neurons, not with its
 * spikes. All over the neurons and the span of time of a view, T long. NAN stands for what is not defined.
 *
 *   rate         of a neuron: its spikes / T. Spread: standard deviation over neurons (n - 1), silent ones included.
 *   CV           of a neuron with two intervals or more: standard deviation (n) / mean of its intervals.
 *   LV           of the same neurons: 3 / (n - 1) times the sum over neighbouring intervals a, b of
 *                ((a - b) / (a + b))^2. Shinomoto, Shima & Tanji (2003) Neural Computation 15, 2823.
 *   Fano factor  of a neuron with spikes: variance (n) / mean of its spike counts in consecutive windows. What is left
 *                at the end of T beyond the last whole window is not used; the same holds for the bins below.
 *   correlation  Pearson's, of the spike counts in bins, mean over all pairs of a sample: neurons evenly spaced through
 *                the population's ids, of which the silent ones drop out.
 *   synchrony    variance (n) / mean of the population's spike counts in bins: 1 for independent Poisson trains, the
 *                number of neurons if all spike together. Potjans & Diesmann (2014) Cerebral Cortex 24, 785. */
#ifndef HILLOCK_STATS_H
#define HILLOCK_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>
#include <hillock/view.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hk_stats_options {
  double fano_window;     /* ms */
  double correlation_bin; /* ms */
  size_t sample;          /* neurons */
  double synchrony_bin;   /* ms */
};

/* 100 ms, 5 ms, 200, 3 ms. */
struct hk_stats_options hk_stats_options_default(void);

/* Of a quantity that each of `count` neurons has. */
struct hk_spread {
  double mean, sd, min, median, max;
  uint64_t count;
};

struct hk_population_stats {
  const char *name; /* the view's */
  uint64_t neurons, active, spikes;
  bool neurons_stated;           /* else the largest id + 1 */
  struct hk_spread rate, cv, lv; /* rate in Hz */
  struct hk_spread fano;
  double correlation;
  uint64_t sampled, pairs; /* neurons looked at, pairs that have a correlation */
  double synchrony;
};

/* Errors: HK_ERR_INPUT for options out of range and for a population of more neurons than fit; HK_ERR_MEMORY; those of
 * hk_view_scan. */
enum hk_status hk_stats_compute(struct hk_view *view, size_t population, const struct hk_stats_options *options,
                                struct hk_population_stats *out, struct hk_messages *messages);

#ifdef __cplusplus
}
#endif
#endif
