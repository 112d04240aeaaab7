/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The perceptron rule: where a unit is wrong, its weights move by rate * (target - output) * x and its threshold by the
 * opposite of the bias. With a rate that is a power of two and binary inputs every weight stays a multiple of it. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ann/train.h"
#include "core/random.h"

/* What output unit j should be for this label. */
static bool wanted(const struct hk__stepnet *net, size_t j, int32_t label)
{
  if (net->bits)
    return label >> (hk__stepnet_outputs(net) - 1 - j) & 1;
  return j / net->per_class == (size_t)label;
}

/* Returns the number of units that were wrong. */
static size_t learn_sample(struct hk__step_layer *layer, const struct hk__stepnet *net, const float *x, int32_t label,
                           double rate)
{
  size_t wrong = 0;
  for (size_t j = 0; j < layer->out; j++) {
    double *w = layer->weight + j * layer->in, sum = 0.0;
    for (size_t i = 0; i < layer->in; i++)
      sum += w[i] * (double)x[i];
    bool on = sum >= layer->threshold[j], target = wanted(net, j, label);
    if (on == target)
      continue;
    double step = target ? rate : -rate;
    for (size_t i = 0; i < layer->in; i++)
      w[i] += step * (double)x[i];
    layer->threshold[j] -= step;
    wrong++;
  }
  return wrong;
}

static void keep(struct hk__step_layer *pocket, const struct hk__step_layer *layer)
{
  memcpy(pocket->weight, layer->weight, layer->in * layer->out * sizeof *layer->weight);
  memcpy(pocket->threshold, layer->threshold, layer->out * sizeof *layer->threshold);
}

static void shuffle(size_t *order, size_t count, uint64_t seed, size_t epoch)
{
  struct hk__stream stream;
  hk__stream_init(&stream, seed, HK__FOR_TRAINING, 1, epoch, 0);
  for (size_t i = count; i > 1; i--) {
    size_t j = (size_t)hk__stream_below(&stream, i), held = order[i - 1];
    order[i - 1] = order[j];
    order[j] = held;
  }
}

struct perceptron {
  struct hk__stepnet *net;
  const struct hk__dataset *data;
  const struct hk__encoder *encoder;
  const struct hk__training *how;
  struct hk__stepnet trial; /* what learns; the pocket is `net` */
  size_t *order;
  float *x;
};

static enum hk_status learn(struct perceptron *p, const struct hk__training_watch *watch)
{
  const struct hk__samples *s = &p->data->train;
  double best = -1.0;
  clock_t start = clock();
  for (size_t epoch = 0; epoch < p->how->epochs; epoch++) {
    size_t wrong = 0;
    shuffle(p->order, s->count, p->how->seed, epoch + 1);
    for (size_t i = 0; i < s->count; i++) {
      size_t at = p->order[i];
      hk__encode(p->encoder, s->value + at * p->data->features, p->x);
      wrong += learn_sample(p->trial.layers, &p->trial, p->x, s->label[at], p->how->rate);
    }
    struct hk__epoch report = {.epoch = epoch + 1, .epochs = p->how->epochs, .validation = -1.0};
    enum hk_status status = hk__stepnet_accuracy(&p->trial, p->encoder, s, &report.accuracy);
    if (status != HK_OK)
      return status;
    if (report.accuracy > best) {
      best = report.accuracy;
      keep(p->net->layers, p->trial.layers);
    }
    report.loss = (double)wrong / (double)s->count;
    report.seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    if ((watch && watch->epoch && !watch->epoch(watch->context, &report)) || wrong == 0)
      break;
  }
  return HK_OK;
}

enum hk_status hk__train_perceptron(struct hk__stepnet *net, const struct hk__dataset *data,
                                    const struct hk__encoder *encoder, const struct hk__training *training,
                                    const struct hk__training_watch *watch, struct hk_messages *messages)
{
  if (net->layer_count != 1) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL,
                    "the perceptron rule trains one layer, this network has %zu; `straight_through` trains any depth",
                    net->layer_count);
    return HK_ERR_INPUT;
  }
  struct perceptron p = {.net = net, .data = data, .encoder = encoder, .how = training};
  size_t sizes[2] = {hk__stepnet_inputs(net), hk__stepnet_outputs(net)};
  enum hk_status status = hk__stepnet_init(&p.trial, sizes, 1);
  p.order = malloc(data->train.count * sizeof *p.order);
  p.x = malloc(sizes[0] * sizeof *p.x);
  if (status == HK_OK && (!p.order || !p.x))
    status = HK_ERR_MEMORY;
  if (status == HK_OK) {
    p.trial.classes = net->classes;
    p.trial.per_class = net->per_class;
    p.trial.bits = net->bits;
    for (size_t i = 0; i < data->train.count; i++)
      p.order[i] = i;
    status = learn(&p, watch);
  }
  hk__stepnet_clear(&p.trial);
  free(p.order);
  free(p.x);
  return status;
}
