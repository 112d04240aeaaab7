/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Training of step networks.
 *
 * The seed fixes the result bit for bit on one kind of machine, whatever the number of threads: products are cut into
 * fixed blocks, each computed by one thread. (OpenBLAS picks its kernels by processor, so another kind of processor may
 * round differently.) */
#ifndef HK__TRAIN_H
#define HK__TRAIN_H

#include "ann/dataset.h"
#include "ann/stepnet.h"

enum hk__training_rule { HK__TRAIN_PERCEPTRON, HK__TRAIN_STRAIGHT_THROUGH };

struct hk__training {
  enum hk__training_rule rule;
  size_t epochs, batch;
  double rate;          /* step size; of the perceptron rule: a power of two keeps the weights exact */
  double decay;         /* of weights, per step and rate */
  double validation;    /* fraction of the training part kept for validation; 0: none */
  size_t patience;      /* epochs without a better validation accuracy before it stops; 0: never */
  size_t shift;         /* images are moved by up to so many pixels in either direction */
  bool mirror;          /* half of the images are mirrored */
  double drop;          /* fraction of hidden units silenced in each step */
  double drop_input;    /* ... of input units */
  double sparsity;      /* what a hidden unit that is on adds to the loss of a sample */
  double sharpness;     /* of the softmax over the fractions of units on per class */
  unsigned weight_bits; /* weights are kept as integers of so many bits, sign included, times a power of two */
  double prune;         /* weights smaller than so many standard deviations of their unit's become 0 */
  uint64_t seed;
  int threads;
};

struct hk__training hk__training_defaults(void);

struct hk__epoch {
  size_t epoch, epochs; /* epoch counts from 1 */
  double loss, accuracy,
      validation; /* accuracy on the training samples, -1 where not measured; validation -1 without */
  double seconds;
};

/* progress may be NULL; a return of false stops the training after this epoch, with what was learnt. */
struct hk__training_watch {
  bool (*epoch)(void *context, const struct hk__epoch *epoch);
  void *context;
};

/* One layer by the perceptron rule (Rosenblatt 1958), the best weights met on the way kept (Gallant's pocket, 1990).
 * net: one layer, initialised. */
enum hk_status hk__train_perceptron(struct hk__stepnet *net, const struct hk__dataset *data,
                                    const struct hk__encoder *encoder, const struct hk__training *training,
                                    const struct hk__training_watch *watch, struct hk_messages *messages);

/* Any depth, by a straight-through estimator (Bengio et al. 2013, arXiv:1308.3432; Hubara et al. 2016,
 * arXiv:1602.02830): steps forward, the derivative of a clipped line backward, batch normalisation, AdamW with a
 * cosine schedule; bands are learnt as levels, which generalise better, and rewritten; then normalisation is folded
 * into thresholds, weights rounded, thresholds found anew. */
enum hk_status hk__train_straight_through(struct hk__stepnet *net, const struct hk__dataset *data,
                                          const struct hk__encoder *encoder, const struct hk__training *training,
                                          const struct hk__training_watch *watch, struct hk_messages *messages);

/* Fraction of samples decided rightly. */
enum hk_status hk__stepnet_accuracy(const struct hk__stepnet *net, const struct hk__encoder *encoder,
                                    const struct hk__samples *samples, double *accuracy);

#endif
