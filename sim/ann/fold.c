/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a learner to a step network: rounding of weights, normalisation folded into thresholds. */
#include <math.h>
#include <stdlib.h>

#include "ann/straight.h"

/* Integers times 2^(1 - bits), so that weights lie in -1..1. */
static void round_unit(const float *from, double *to, size_t in, unsigned bits, double prune)
{
  double largest = 0.0, square = 0.0;
  for (size_t i = 0; i < in; i++) {
    largest = fmax(largest, fabs((double)from[i]));
    square += (double)from[i] * (double)from[i];
  }
  const double top = ldexp(1.0, (int)bits - 1) - 1.0, small = prune * sqrt(square / (double)in);
  for (size_t i = 0; i < in; i++) {
    double w = (double)from[i];
    to[i] = largest == 0.0 || fabs(w) < small ? 0.0 : ldexp(nearbyint(w / largest * top), 1 - (int)bits);
  }
}

/* What a unit learnt about levels, said in bands: in band k all levels up to k are on. Same sums, fewer inputs on. */
static void levels_to_bands(const float *from, float *to, size_t in, size_t steps)
{
  for (size_t i = 0; i < in; i++)
    to[i] = i % steps == 0 ? from[i] : to[i - 1] + from[i];
}

/* On where (sum - mean) / deviation + offset >= 0. Sums are multiples of the quantum, so rounding the threshold up to
 * one decides every sum as before. */
static void find_thresholds(const struct hk__stage *s, const double *sums, size_t count, unsigned bits,
                            struct hk__step_layer *layer)
{
  const double quantum = ldexp(1.0, 1 - (int)bits);
#pragma omp parallel for schedule(static)
  for (size_t j = 0; j < s->out; j++) {
    double mean = 0.0, square = 0.0;
    for (size_t r = 0; r < count; r++)
      mean += sums[r * s->out + j];
    mean /= (double)count;
    for (size_t r = 0; r < count; r++) {
      double d = sums[r * s->out + j] - mean;
      square += d * d;
    }
    double deviation = sqrt(square / (double)count);
    layer->threshold[j] = ceil((mean - (double)s->offset.value[j] * deviation) / quantum) * quantum;
  }
}

enum hk_status hk__learner_fold(const struct hk__learner *learner, const float *rows, size_t count,
                                unsigned weight_bits, double prune, size_t bands, struct hk__stepnet *net)
{
  const float *x = rows;
  float *held = NULL;
  size_t inputs = learner->stages[0].in;
  float *unit = malloc(inputs * sizeof *unit);
  enum hk_status status = unit ? HK_OK : HK_ERR_MEMORY;
  for (size_t l = 0; status == HK_OK && l < learner->count; l++) {
    const struct hk__stage *s = &learner->stages[l];
    struct hk__step_layer *layer = &net->layers[l];
    for (size_t j = 0; j < s->out; j++) {
      const float *weight = s->weight.value + j * s->in;
      if (l == 0 && bands > 1) {
        levels_to_bands(weight, unit, s->in, bands);
        weight = unit;
      }
      round_unit(weight, layer->weight + j * s->in, s->in, weight_bits, prune);
    }
    double *sums = malloc(count * s->out * sizeof *sums);
    float *on = malloc(count * s->out * sizeof *on);
    status = sums && on ? hk__step_layer_run(layer, x, count, on, sums) : HK_ERR_MEMORY;
    if (status == HK_OK) {
      find_thresholds(s, sums, count, weight_bits, layer);
      for (size_t i = 0; i < count * s->out; i++)
        on[i] = sums[i] >= layer->threshold[i % s->out] ? 1.0F : 0.0F;
    }
    free(sums);
    free(held);
    x = held = on;
  }
  free(held);
  free(unit);
  return status;
}
