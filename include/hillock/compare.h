/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparing step-function networks with spiking neurons, from one config file.
 *
 *   hk_comparison_read(path, NULL, 0, &comparison, messages);
 *   if (hk_comparison_needs_training(comparison))
 *     hk_comparison_train(comparison, &watch, messages);
 *   hk_comparison_run(comparison, folder, &watch, messages);
 *   hk_comparison_draw(comparison, "comparison.png", messages);
 *   hk_comparison_destroy(comparison); */
#ifndef HILLOCK_COMPARE_H
#define HILLOCK_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hk_comparison;

/* Reads the config, its data and its weights, and checks that all of it fits. Everything wrong is HK_ERR_INPUT, told in
 * messages with file, line and column. retrain: weights that are there already are not read. Nothing is written. */
enum hk_status hk_comparison_read(const char *path, const char *const *overrides, size_t override_count, bool retrain,
                                  struct hk_comparison **out, struct hk_messages *messages);
void hk_comparison_destroy(struct hk_comparison *comparison); /* NULL is fine */

const char *hk_comparison_name(const struct hk_comparison *comparison);        /* file name without folder and ending */
void hk_comparison_set_threads(struct hk_comparison *comparison, int threads); /* 0: all processors */

struct hk_comparison_shape {
  size_t inputs, hidden_layers, outputs, classes;
  size_t units;         /* hidden and output */
  uint64_t connections; /* weights that are not 0; 0 before training */
  size_t training_samples, test_samples;
};
struct hk_comparison_shape hk_comparison_shape(const struct hk_comparison *comparison);

struct hk_training_epoch {
  size_t epoch, epochs; /* epoch counts from 1 */
  double loss;
  double accuracy;   /* on the training samples; negative where not measured */
  double validation; /* on those kept for validation; negative without */
  double seconds;    /* since the start */
};

/* Either callback may be NULL. A return of false ends the training early with what was learnt so far, a run with
 * HK_ERR_INTERRUPTED. */
struct hk_comparison_watch {
  void *context;
  bool (*epoch)(void *context, const struct hk_training_epoch *epoch);
  bool (*samples)(void *context, size_t run, size_t runs, size_t samples, size_t of);
};

bool hk_comparison_needs_training(const struct hk_comparison *comparison);

/* Trains and, where the config names a file for the weights, writes them there. */
enum hk_status hk_comparison_train(struct hk_comparison *comparison, const struct hk_comparison_watch *watch,
                                   struct hk_messages *messages);

/* Every regime of the config, each value that it varies: the samples, then the microscope. Into an existing folder
 * (NULL: nothing is written) go comparison.csv (the rows below), response.csv (the microscope), comparison.h5
 * (everything, per sample and per unit), weights.h5, and spikes_RUN.h5 where the config asks for spikes. */
enum hk_status hk_comparison_run(struct hk_comparison *comparison, const char *folder,
                                 const struct hk_comparison_watch *watch, struct hk_messages *messages);

/* One run: one regime with one value of what it varies. Texts belong to the comparison. */
struct hk_comparison_row {
  const char *regime, *model;
  const char *quantity, *unit; /* what varies and in what unit; NULL: nothing does */
  double value;
  size_t samples, units; /* units: hidden and output */
  double step_accuracy, spike_accuracy;
  double decisions_agree;                 /* fraction of the samples */
  double units_agree;                     /* fraction of all units of all samples */
  uint64_t units_different;               /* their number */
  uint64_t prefix, leaked;                /* fired before the sum was whole; silent though the whole sum is enough */
  double input_spikes, spikes;            /* per sample: of the inputs; of hidden and output neurons */
  double events, products;                /* per sample: synaptic events; multiply-adds of the dense network */
  double decision_time;                   /* ms, mean */
  double seconds;                         /* wall time of building and running */
  bool exact;                             /* every unit must agree */
  const char *why_not;                    /* where it is not */
  double midpoint, steepness;             /* of the neuron's response under the microscope, in weights and per weight */
  double midpoint_error, steepness_error; /* standard errors; NAN without a microscope */
};

size_t hk_comparison_row_count(const struct hk_comparison *comparison);
struct hk_comparison_row hk_comparison_row(const struct hk_comparison *comparison, size_t index);

/* Draws the comparison to a file that ends in .png, .svg or .pdf. */
enum hk_status hk_comparison_draw(const struct hk_comparison *comparison, const char *path,
                                  struct hk_messages *messages);

#ifdef __cplusplus
}
#endif
#endif
