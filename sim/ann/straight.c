/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Training by a straight-through estimator.
 *
 * A stage is a layer while it learns: real weights, batch normalisation without a gain (a step does not see one), and
 * an offset per unit. Rows of a batch stand one after the other: xhat[r * out + j] is the normalised sum of unit j for
 * row r, on[...] its step, grad[...] the derivative of the loss by either in turn. */
#include "ann/straight.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 4 };

/* --- products, cut into blocks that do not depend on the number of threads --- */

/* C (m x n) = op(A) B', rows of C in fixed blocks. a_step: how far A moves from one row of C to the next. */
static void product(enum CBLAS_TRANSPOSE ta, enum CBLAS_TRANSPOSE tb, size_t m, size_t n, size_t k, const float *a,
                    size_t lda, const float *b, size_t ldb, float *c)
{
  size_t step = (m + BLOCKS - 1) / BLOCKS, a_step = ta == CblasNoTrans ? lda : 1;
#pragma omp parallel for schedule(static, 1)
  for (size_t block = 0; block < BLOCKS; block++) {
    size_t first = block * step, rows = first >= m ? 0 : first + step > m ? m - first : step;
    if (rows > 0)
      cblas_sgemm(CblasRowMajor, ta, tb, (int)rows, (int)n, (int)k, 1.0F, a + first * a_step, (int)lda, b, (int)ldb,
                  0.0F, c + first * n, (int)n);
  }
}

/* --- memory --- */

static bool slot_init(struct hk__slot *slot, size_t count)
{
  slot->count = count;
  slot->value = calloc(4 * count, sizeof *slot->value);
  if (!slot->value)
    return false;
  slot->grad = slot->value + count;
  slot->mean = slot->grad + count;
  slot->square = slot->mean + count;
  return true;
}

void hk__learner_clear(struct hk__learner *learner)
{
  for (size_t l = 0; l < learner->count; l++) {
    struct hk__stage *s = &learner->stages[l];
    free(s->weight.value);
    free(s->offset.value);
    free(s->row);
  }
  free(learner->stages);
  free(learner->input);
  *learner = (struct hk__learner){0};
}

static bool stage_init(struct hk__stage *s, size_t in, size_t out, size_t batch)
{
  s->in = in;
  s->out = out;
  s->row = malloc((3 * batch + 1) * out * sizeof *s->row);
  if (!slot_init(&s->weight, in * out) || !slot_init(&s->offset, out) || !s->row)
    return false;
  s->xhat = s->row;
  s->on = s->xhat + batch * out;
  s->grad = s->on + batch * out;
  s->inverse = s->grad + batch * out;
  return true;
}

enum hk_status hk__learner_init(struct hk__learner *learner, const struct hk__stepnet *net, size_t batch, uint64_t seed)
{
  *learner = (struct hk__learner){.count = net->layer_count, .batch = batch};
  learner->stages = calloc(net->layer_count, sizeof *learner->stages);
  learner->input = malloc(batch * net->layers[0].in * sizeof *learner->input);
  bool ok = learner->stages && learner->input;
  for (size_t l = 0; ok && l < net->layer_count; l++) {
    struct hk__stage *s = &learner->stages[l];
    ok = stage_init(s, net->layers[l].in, net->layers[l].out, batch);
    struct hk__stream stream;
    hk__stream_init(&stream, seed, HK__FOR_TRAINING, 0, l, 0);
    float width = 1.0F / sqrtf((float)s->in);
    for (size_t i = 0; ok && i < s->weight.count; i++)
      s->weight.value[i] = width * (float)(2.0 * hk__stream_uniform(&stream) - 1.0);
  }
  if (!ok)
    hk__learner_clear(learner);
  return ok ? HK_OK : HK_ERR_MEMORY;
}

/* --- one step --- */

/* Sums to normalised sums; 1 / deviation is kept for the way back. */
static void normalise(struct hk__stage *s, size_t rows)
{
  size_t out = s->out;
#pragma omp parallel for schedule(static)
  for (size_t block = 0; block < (out + 63) / 64; block++) {
    size_t first = block * 64, end = first + 64 < out ? first + 64 : out;
    float mean[64] = {0}, square[64] = {0};
    for (size_t r = 0; r < rows; r++)
      for (size_t j = first; j < end; j++)
        mean[j - first] += s->xhat[r * out + j];
    for (size_t j = first; j < end; j++)
      mean[j - first] /= (float)rows;
    for (size_t r = 0; r < rows; r++)
      for (size_t j = first; j < end; j++) {
        float d = s->xhat[r * out + j] - mean[j - first];
        square[j - first] += d * d;
      }
    for (size_t j = first; j < end; j++)
      s->inverse[j] = 1.0F / sqrtf(square[j - first] / (float)rows + 1e-5F);
    for (size_t r = 0; r < rows; r++)
      for (size_t j = first; j < end; j++) {
        float x = (s->xhat[r * out + j] - mean[j - first]) * s->inverse[j];
        s->xhat[r * out + j] = x;
        s->on[r * out + j] = x + s->offset.value[j] >= 0.0F ? 1.0F : 0.0F;
      }
  }
}

static void forward(struct hk__stage *s, const float *x, size_t rows)
{
  product(CblasNoTrans, CblasTrans, rows, s->out, s->in, x, s->in, s->weight.value, s->in, s->xhat);
  normalise(s, rows);
}

/* Silences a random part of the units; those left count for more, so that sums keep their mean. */
static void drop(float *on, size_t count, double fraction, struct hk__stream *stream)
{
  if (fraction <= 0.0)
    return;
  const float keep = (float)(1.0 / (1.0 - fraction));
  const uint32_t limit = (uint32_t)(fraction * 4294967296.0);
  for (size_t i = 0; i < count; i++)
    on[i] = hk__stream_u32(stream) < limit ? 0.0F : on[i] * keep;
}

/* From the derivative by the steps to that by the sums. The step's own derivative is 0 almost everywhere; in its stead
 * stands that of a line clipped at one deviation on either side. */
static void through_step(struct hk__stage *s, size_t rows)
{
  size_t out = s->out;
#pragma omp parallel for schedule(static)
  for (size_t block = 0; block < (out + 63) / 64; block++) {
    size_t first = block * 64, end = first + 64 < out ? first + 64 : out;
    float total[64] = {0}, along[64] = {0};
    for (size_t r = 0; r < rows; r++)
      for (size_t j = first; j < end; j++) {
        float x = s->xhat[r * out + j], z = x + s->offset.value[j];
        float g = fabsf(z) <= 1.0F ? s->grad[r * out + j] : 0.0F;
        s->grad[r * out + j] = g;
        total[j - first] += g;
        along[j - first] += g * x;
      }
    for (size_t j = first; j < end; j++) {
      s->offset.grad[j] = total[j - first];
      total[j - first] /= (float)rows;
      along[j - first] /= (float)rows;
    }
    for (size_t r = 0; r < rows; r++)
      for (size_t j = first; j < end; j++)
        s->grad[r * out + j] =
            s->inverse[j] * (s->grad[r * out + j] - total[j - first] - s->xhat[r * out + j] * along[j - first]);
  }
}

/* The price of hidden units that are on: every sample pays `sparsity` for each. */
static void pay_for_spikes(struct hk__stage *s, size_t rows, double sparsity)
{
  const float price = (float)(sparsity / (double)rows);
  for (size_t i = 0; sparsity > 0.0 && i < rows * s->out; i++)
    s->grad[i] += price;
}

static void backward(struct hk__stage *s, const float *x, float *x_grad, size_t rows)
{
  through_step(s, rows);
  product(CblasTrans, CblasNoTrans, s->out, s->in, rows, s->grad, s->out, x, s->in, s->weight.grad);
  if (x_grad)
    product(CblasNoTrans, CblasNoTrans, rows, s->in, s->out, s->grad, s->out, s->weight.value, s->in, x_grad);
}

static double class_logit(const struct hk__objective *o, const float *on, size_t c)
{
  double votes = 0.0;
  for (size_t k = 0; k < o->per_class; k++)
    votes += (double)on[c * o->per_class + k];
  return o->sharpness * votes / (double)o->per_class;
}

/* Softmax over the fraction of units on per class; returns the loss of one row. Logits lie in 0..sharpness, so their
 * exponentials need no shift. */
static double class_loss(const struct hk__objective *o, const float *on, float *grad, int32_t label)
{
  double total = 0.0;
  for (size_t c = 0; c < o->classes; c++)
    total += exp(class_logit(o, on, c));
  for (size_t c = 0; c < o->classes; c++) {
    double p = exp(class_logit(o, on, c)) / total - ((size_t)label == c ? 1.0 : 0.0);
    for (size_t k = 0; k < o->per_class; k++)
      grad[c * o->per_class + k] = (float)(p * o->sharpness / (double)o->per_class);
  }
  return log(total) - class_logit(o, on, (size_t)label);
}

/* Logistic loss of every output bit. */
static double bit_loss(const struct hk__objective *o, const float *on, float *grad, int32_t label)
{
  double loss = 0.0;
  for (size_t j = 0; j < o->classes; j++) {
    double target = (double)(label >> (o->classes - 1 - j) & 1);
    double p = 1.0 / (1.0 + exp(-o->sharpness * ((double)on[j] - 0.5)));
    grad[j] = (float)(o->sharpness * (p - target));
    loss -= target > 0.5 ? log(p) : log1p(-p);
  }
  return loss;
}

static void adam(struct hk__slot *slot, double rate, double decay, size_t step)
{
  const float b1 = 0.9F, b2 = 0.999F;
  const float lr = (float)(rate * sqrt(1.0 - pow(0.999, (double)step)) / (1.0 - pow(0.9, (double)step)));
  const float keep = (float)(1.0 - rate * decay);
  float *restrict w = slot->value, *restrict m = slot->mean, *restrict v = slot->square;
  const float *restrict g = slot->grad;
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < slot->count; i++) {
    m[i] = b1 * m[i] + (1.0F - b1) * g[i];
    v[i] = b2 * v[i] + (1.0F - b2) * g[i] * g[i];
    w[i] = w[i] * keep - lr * m[i] / (sqrtf(v[i]) + 1e-8F);
  }
}

double hk__learner_step(struct hk__learner *learner, const struct hk__objective *objective, const int32_t *labels,
                        size_t rows, double rate, struct hk__stream *noise)
{
  const float *x = learner->input;
  drop(learner->input, rows * learner->stages[0].in, objective->drop_input, noise);
  for (size_t l = 0; l < learner->count; l++) {
    struct hk__stage *s = &learner->stages[l];
    forward(s, x, rows);
    if (l + 1 < learner->count)
      drop(s->on, rows * s->out, objective->drop, noise);
    x = s->on;
  }
  struct hk__stage *last = &learner->stages[learner->count - 1];
  double loss = 0.0;
  for (size_t r = 0; r < rows; r++)
    loss += (objective->bits ? bit_loss : class_loss)(objective, last->on + r * last->out, last->grad + r * last->out,
                                                      labels[r]);
  cblas_sscal((int)(rows * last->out), 1.0F / (float)rows, last->grad, 1);
  for (size_t l = learner->count; l-- > 0;) {
    struct hk__stage *s = &learner->stages[l];
    if (l + 1 < learner->count)
      pay_for_spikes(s, rows, objective->sparsity);
    backward(s, l > 0 ? learner->stages[l - 1].on : learner->input, l > 0 ? learner->stages[l - 1].grad : NULL, rows);
  }
  learner->steps++;
  for (size_t l = 0; l < learner->count; l++) {
    adam(&learner->stages[l].weight, rate, objective->decay, learner->steps);
    adam(&learner->stages[l].offset, rate, 0.0, learner->steps);
  }
  return loss / (double)rows;
}
