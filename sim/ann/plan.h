/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The config of a comparison as read: one struct for each mapping. */
#ifndef HK__PLAN_H
#define HK__PLAN_H

#include "ann/regime.h"
#include "ann/train.h"
#include "io/morphology.h"
#include "io/schema.h"

/* --- data --- */

struct hk__table_section {
  struct hk__section section;
  uint64_t inputs;
  const struct hk__node *rows;
};

struct hk__idx_section {
  struct hk__section section;
  const char *images, *labels, *test_images, *test_labels;
};

struct hk__csv_section {
  struct hk__section section;
  const char *file;
  uint64_t skip, test_every;
  int label; /* enum hk__label_column */
  int scale; /* enum hk__scaling */
};

enum hk__label_column { HK__LABEL_FIRST, HK__LABEL_LAST };
enum hk__scaling { HK__SCALE_EACH, HK__SCALE_TOGETHER };
enum hk__shipped { HK__FASHION_MNIST, HK__DIGITS, HK__IRIS };

struct hk__data_section {
  struct hk__section section;
  struct hk__table_section table;
  struct hk__idx_section idx;
  struct hk__csv_section csv;
  int known; /* enum hk__shipped */
};

/* --- network --- */

struct hk__encoding_section {
  struct hk__section section;
  int code; /* enum hk__code_kind */
  const struct hk__node *thresholds;
  uint64_t quantiles;
};

struct hk__layer_section {
  struct hk__section section;
  const struct hk__node *weights, *thresholds;
};

struct hk__network_section {
  struct hk__section section;
  struct hk__encoding_section encoding;
  const struct hk__node *hidden;
  uint64_t per_class;
  struct hk__sections layers; /* of struct hk__layer_section */
  const char *weights;
};

struct hk__training_section {
  struct hk__section section;
  int rule; /* enum hk__training_rule */
  uint64_t epochs, batch, patience, shift, weight_bits;
  double rate, decay, validation, drop, drop_input, sparsity, sharpness, prune;
  bool mirror;
};

/* --- regimes --- */

struct hk__noise_trains_section {
  struct hk__section section;
  double rate;
  const struct hk__node *weight;
};

struct hk__regime_section {
  struct hk__section section;
  const char *name, *model;
  int kind;
  const struct hk__node *params, *unit, *delay, *vary;
  struct hk__names ports;
  int thresholds, decision, scheduler;
  double level, margin, gain, period, listen, spread, window, time, rate;
  struct hk__noise_trains_section noise;
  struct hk__morphology_section morphology;
  uint64_t on;
};

struct hk__microscope_section {
  struct hk__section section;
  uint64_t excitatory, inhibitory, copies, repeats;
  double threshold;
};

struct hk__plan {
  struct hk__section section;
  uint64_t seed, samples, spikes;
  struct hk__data_section data;
  struct hk__network_section network;
  struct hk__training_section training;
  struct hk__sections regimes; /* of struct hk__regime_section */
  struct hk__microscope_section microscope;
};

extern const struct hk__schema hk__plan_schema, hk__data_schema, hk__network_schema, hk__encoding_schema,
    hk__layer_schema, hk__training_schema, hk__regime_schema, hk__microscope_schema;

/* --- from the plan to what it means; what is wrong is counted in the reader --- */

/* A list of numbers, in the arena; false: wrong, and said so. */
bool hk__read_numbers(struct hk__reader *reader, const char *key, const struct hk__node *node, double low, double high,
                      const double **out, size_t *count);

/* One run: a regime with one value of what it varies. */
struct hk__plan_run {
  const char *name, *quantity, *unit;
  double value;
  struct hk__regime regime;
  struct hk_place place;
};

/* All runs of all regimes, in the arena. trees: one for each regime, to be cleared; without compartments where the
 * regime has none. */
void hk__plan_runs(struct hk__reader *reader, struct hk__plan *plan, struct hk__plan_run **runs, size_t *count,
                   struct hk_tree **trees);

/* Data and network. Reads files. */
enum hk_status hk__plan_data(struct hk__reader *reader, const struct hk__plan *plan, struct hk__dataset *data);
enum hk_status hk__plan_encoder(struct hk__reader *reader, const struct hk__plan *plan, const struct hk__dataset *data,
                                struct hk__encoder *encoder);
/* The network as given, as read from its file, or of the right shape and all zero: trained says which. */
enum hk_status hk__plan_network(struct hk__reader *reader, const struct hk__plan *plan, const struct hk__dataset *data,
                                const struct hk__encoder *encoder, bool retrain, struct hk__stepnet *net,
                                bool *trained);
struct hk__training hk__plan_training(const struct hk__plan *plan);

#endif
