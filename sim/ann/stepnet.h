/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Step-function networks: fully connected layers of units H(sum of w x - theta), with H(0) = 1: a unit whose sum equals
 * its threshold is on, as a neuron that reaches threshold fires.
 *
 * The output layer holds `per_class` units for each class; the decision is the class with the most units on, the first
 * of them where several have as many (none on: class 0). With bits, every output unit is one bit of the label, the
 * first the highest, and the decision is that number.
 *
 * What always holds: the layers fit each other, weights and thresholds are finite. Where all weights and thresholds of
 * a layer are multiples of `quantum` > 0 and no sum can exceed 2^53 quanta, every sum of a subset of its weights is
 * exact in doubles, in any order. */
#ifndef HK__STEPNET_H
#define HK__STEPNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>

struct hk__step_layer {
  size_t in, out;
  double *weight;    /* out x in */
  double *threshold; /* out */
};

struct hk__stepnet {
  size_t layer_count;
  struct hk__step_layer *layers;
  size_t classes, per_class;
  bool bits;
};

/* All weights and thresholds 0. sizes: layer_count + 1 numbers, inputs first. */
enum hk_status hk__stepnet_init(struct hk__stepnet *net, const size_t *sizes, size_t layer_count);
void hk__stepnet_clear(struct hk__stepnet *net);

size_t hk__stepnet_inputs(const struct hk__stepnet *net);
size_t hk__stepnet_outputs(const struct hk__stepnet *net);
size_t hk__stepnet_units(const struct hk__stepnet *net);         /* hidden and output */
uint64_t hk__stepnet_products(const struct hk__stepnet *net);    /* multiply-adds of one dense pass */
uint64_t hk__stepnet_connections(const struct hk__stepnet *net); /* weights that are not 0 */

/* Shapes that fit each other, numbers that are finite, outputs that match classes and per_class. */
enum hk_status hk__stepnet_check(const struct hk__stepnet *net, const char *where, struct hk_messages *messages);

/* The largest power of two that divides all weights and thresholds of a layer, if sums of its weights are then exact in
 * doubles; 0 if there is none. */
double hk__step_layer_quantum(const struct hk__step_layer *layer);

/* Runs a layer over many rows at once: on[r * out + j]. rows: count x in. Parallel, same bits for any thread count. */
enum hk_status hk__step_layer_run(const struct hk__step_layer *layer, const float *rows, size_t count, float *on,
                                  double *sums /* count x out, or NULL */);

/* The decision for one pattern of output units. */
int32_t hk__stepnet_decide(const struct hk__stepnet *net, const float *outputs);

/* HDF5: /layers/0/weights (out x in), /layers/0/thresholds (out), ...; attributes classes, per_class, bits of /layers.
 * Errors: HK_ERR_INPUT (told in messages), HK_ERR_IO, HK_ERR_MEMORY. */
enum hk_status hk__stepnet_read(const char *path, struct hk__stepnet *net, struct hk_messages *messages);
enum hk_status hk__stepnet_write(const char *path, const struct hk__stepnet *net, struct hk_messages *messages);

#endif
