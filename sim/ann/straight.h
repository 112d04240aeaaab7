/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The learner behind straight-through training: what it holds, one step, and how it becomes a step network. */
#ifndef HK__STRAIGHT_H
#define HK__STRAIGHT_H

#include "ann/train.h"
#include "core/random.h"

/* Parameters with their gradients and Adam's two moments, in one allocation that `value` owns. */
struct hk__slot {
  size_t count;
  float *value, *grad, *mean, *square;
};

struct hk__stage {
  size_t in, out;
  struct hk__slot weight;  /* out x in */
  struct hk__slot offset;  /* a unit is on where its normalised sum plus offset is >= 0 */
  float *row;              /* owns the four below */
  float *xhat, *on, *grad; /* batch x out */
  float *inverse;          /* 1 / deviation of each unit's sum over the batch */
};

struct hk__learner {
  size_t count, batch, steps;
  struct hk__stage *stages;
  float *input; /* batch x inputs: filled by the caller before each step */
};

struct hk__objective {
  size_t classes, per_class; /* with bits: classes is the number of bits */
  bool bits;
  double sharpness, decay, drop, drop_input, sparsity;
};

enum hk_status hk__learner_init(struct hk__learner *learner, const struct hk__stepnet *net, size_t batch,
                                uint64_t seed);
void hk__learner_clear(struct hk__learner *learner);

/* One step of AdamW (Loshchilov, Hutter 2019) on the first `rows` rows of the input; returns their mean loss. */
double hk__learner_step(struct hk__learner *learner, const struct hk__objective *objective, const int32_t *labels,
                        size_t rows, double rate, struct hk__stream *noise);

/* Writes the learner as a step network: each unit's weights scaled so that the largest is the largest integer of
 * weight_bits, rounded, small ones set to 0, all times a power of two; thresholds from the mean and deviation of the
 * rounded sums over the given rows (count x inputs), so that they fit the weights as they are kept. bands: with so many
 * bands per feature the learner saw levels and the rows are bands; 0: both the same. */
enum hk_status hk__learner_fold(const struct hk__learner *learner, const float *rows, size_t count,
                                unsigned weight_bits, double prune, size_t bands, struct hk__stepnet *net);

#endif
