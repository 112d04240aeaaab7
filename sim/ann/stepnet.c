/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ann/stepnet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void hk__stepnet_clear(struct hk__stepnet *net)
{
  for (size_t l = 0; l < net->layer_count; l++) {
    free(net->layers[l].weight);
    free(net->layers[l].threshold);
  }
  free(net->layers);
  *net = (struct hk__stepnet){0};
}

enum hk_status hk__stepnet_init(struct hk__stepnet *net, const size_t *sizes, size_t layer_count)
{
  struct hk__stepnet n = {.layer_count = layer_count, .per_class = 1, .classes = sizes[layer_count]};
  n.layers = calloc(layer_count, sizeof *n.layers);
  if (!n.layers)
    return HK_ERR_MEMORY;
  for (size_t l = 0; l < layer_count; l++) {
    struct hk__step_layer *layer = &n.layers[l];
    layer->in = sizes[l];
    layer->out = sizes[l + 1];
    size_t weights;
    if (!__builtin_mul_overflow(layer->in, layer->out, &weights)) {
      layer->weight = calloc(weights, sizeof *layer->weight);
      layer->threshold = calloc(layer->out, sizeof *layer->threshold);
    }
    if (!layer->weight || !layer->threshold) {
      hk__stepnet_clear(&n);
      return HK_ERR_MEMORY;
    }
  }
  *net = n;
  return HK_OK;
}

size_t hk__stepnet_inputs(const struct hk__stepnet *net)
{
  return net->layers[0].in;
}

size_t hk__stepnet_outputs(const struct hk__stepnet *net)
{
  return net->layers[net->layer_count - 1].out;
}

size_t hk__stepnet_units(const struct hk__stepnet *net)
{
  size_t units = 0;
  for (size_t l = 0; l < net->layer_count; l++)
    units += net->layers[l].out;
  return units;
}

uint64_t hk__stepnet_products(const struct hk__stepnet *net)
{
  uint64_t products = 0;
  for (size_t l = 0; l < net->layer_count; l++)
    products += (uint64_t)net->layers[l].in * net->layers[l].out;
  return products;
}

uint64_t hk__stepnet_connections(const struct hk__stepnet *net)
{
  uint64_t connections = 0;
  for (size_t l = 0; l < net->layer_count; l++)
    for (size_t i = 0; i < net->layers[l].in * net->layers[l].out; i++)
      connections += net->layers[l].weight[i] != 0.0;
  return connections;
}

static enum hk_status check_numbers(const double *value, size_t count, size_t per_unit, size_t l, const char *what,
                                    const struct hk_place *place, struct hk_messages *messages)
{
  for (size_t i = 0; i < count; i++)
    if (!isfinite(value[i])) {
      hk_messages_add(messages, HK_SEVERITY_ERROR, place, "layer %zu: the %s of unit %zu is %g; it must be a number",
                      l + 1, what, i / per_unit, value[i]);
      return HK_ERR_INPUT;
    }
  return HK_OK;
}

enum hk_status hk__stepnet_check(const struct hk__stepnet *net, const char *where, struct hk_messages *messages)
{
  const struct hk_place place = {.file = where};
  enum hk_status status = HK_OK;
  for (size_t l = 0; l < net->layer_count; l++) {
    const struct hk__step_layer *layer = &net->layers[l];
    if (l > 0 && layer->in != net->layers[l - 1].out) {
      hk_messages_add(messages, HK_SEVERITY_ERROR, &place,
                      "layer %zu expects %zu inputs but layer %zu has %zu units; the two must be equal", l + 1,
                      layer->in, l, net->layers[l - 1].out);
      status = HK_ERR_INPUT;
    }
    if (check_numbers(layer->weight, layer->in * layer->out, layer->in, l, "weight", &place, messages) != HK_OK ||
        check_numbers(layer->threshold, layer->out, 1, l, "threshold", &place, messages) != HK_OK)
      status = HK_ERR_INPUT;
  }
  size_t outputs = hk__stepnet_outputs(net), expected = net->bits ? outputs : net->classes * net->per_class;
  if (expected != outputs) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &place,
                    "the output layer has %zu units, but %zu classes with %zu units each need %zu", outputs,
                    net->classes, net->per_class, expected);
    status = HK_ERR_INPUT;
  }
  if (net->bits && outputs > 30) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &place, "%zu output bits; at most 30 can be compared", outputs);
    status = HK_ERR_INPUT;
  }
  return status;
}

/* The exponent of the lowest bit set in a finite number that is not 0. */
static int lowest_bit(double value)
{
  int exponent;
  double fraction = frexp(value, &exponent);
  int64_t mantissa = (int64_t)ldexp(fabs(fraction), 53);
  return exponent - 53 + __builtin_ctzll((uint64_t)mantissa);
}

double hk__step_layer_quantum(const struct hk__step_layer *layer)
{
  int lowest = 1024;
  double largest = 0.0;
  for (size_t j = 0; j < layer->out; j++) {
    double total = fabs(layer->threshold[j]);
    if (layer->threshold[j] != 0.0 && lowest_bit(layer->threshold[j]) < lowest)
      lowest = lowest_bit(layer->threshold[j]);
    for (size_t i = 0; i < layer->in; i++) {
      double w = layer->weight[j * layer->in + i];
      total += fabs(w);
      if (w != 0.0 && lowest_bit(w) < lowest)
        lowest = lowest_bit(w);
    }
    largest = fmax(largest, total);
  }
  if (lowest == 1024)
    return 1.0;
  double quantum = ldexp(1.0, lowest);
  return quantum > 0.0 && largest < ldexp(quantum, 52) ? quantum : 0.0;
}

/* The inputs that are not 0, row by row: those of row r are begin[r] .. begin[r + 1]. */
struct sparse {
  size_t *begin;
  uint32_t *input;
  double *value;
};

static void sparse_clear(struct sparse *s)
{
  free(s->begin);
  free(s->input);
  free(s->value);
}

static enum hk_status sparse_init(struct sparse *s, const float *rows, size_t count, size_t in)
{
  size_t total = 0;
  for (size_t i = 0; i < count * in; i++)
    total += rows[i] != 0.0F;
  s->begin = malloc((count + 1) * sizeof *s->begin);
  s->input = malloc((total + 1) * sizeof *s->input);
  s->value = malloc((total + 1) * sizeof *s->value);
  if (!s->begin || !s->input || !s->value) {
    sparse_clear(s);
    return HK_ERR_MEMORY;
  }
  size_t at = 0;
  for (size_t r = 0; r < count; r++) {
    s->begin[r] = at;
    for (size_t i = 0; i < in; i++) {
      if (rows[r * in + i] == 0.0F)
        continue;
      s->input[at] = (uint32_t)i;
      s->value[at++] = (double)rows[r * in + i];
    }
  }
  s->begin[count] = at;
  return HK_OK;
}

/* A few units at a time, so that their weights stay in the cache while all rows pass. */
enum { TILE = 32 };
typedef double lanes __attribute__((vector_size(32)));

static void run_tile(const struct hk__step_layer *layer, size_t first, lanes *restrict weights, const struct sparse *s,
                     size_t count, float *on, double *sums)
{
  size_t in = layer->in, out = layer->out, width = out - first < TILE ? out - first : TILE;
  memset(weights, 0, in * TILE * sizeof(double));
  for (size_t j = 0; j < width; j++)
    for (size_t i = 0; i < in; i++)
      weights[(i * TILE + j) / 4][j % 4] = layer->weight[(first + j) * in + i];
  for (size_t r = 0; r < count; r++) {
    lanes total[TILE / 4] = {{0}};
    for (size_t k = s->begin[r]; k < s->begin[r + 1]; k++) {
      const lanes *w = weights + s->input[k] * (TILE / 4), x = {s->value[k], s->value[k], s->value[k], s->value[k]};
#pragma GCC unroll 8
      for (size_t v = 0; v < TILE / 4; v++)
        total[v] += w[v] * x;
    }
    double sum[TILE];
    memcpy(sum, total, sizeof sum);
    for (size_t j = 0; j < width; j++)
      on[r * out + first + j] = sum[j] >= layer->threshold[first + j] ? 1.0F : 0.0F;
    if (sums)
      memcpy(sums + r * out + first, sum, width * sizeof *sum);
  }
}

enum hk_status hk__step_layer_run(const struct hk__step_layer *layer, const float *rows, size_t count, float *on,
                                  double *sums)
{
  struct sparse s = {0};
  enum hk_status status = sparse_init(&s, rows, count, layer->in);
  if (status != HK_OK)
    return status;
  bool failed = false;
#pragma omp parallel reduction(|| : failed)
  {
    lanes *weights = aligned_alloc(sizeof *weights, layer->in * TILE * sizeof(double));
    failed = !weights;
#pragma omp for schedule(static, 1)
    for (size_t first = 0; first < layer->out; first += TILE)
      if (weights)
        run_tile(layer, first, weights, &s, count, on, sums);
    free(weights);
  }
  sparse_clear(&s);
  return failed ? HK_ERR_MEMORY : HK_OK;
}

int32_t hk__stepnet_decide(const struct hk__stepnet *net, const float *outputs)
{
  size_t count = hk__stepnet_outputs(net);
  int32_t number = 0;
  if (net->bits) {
    for (size_t j = 0; j < count; j++)
      number = number * 2 + (outputs[j] != 0.0F);
    return number;
  }
  float best = -1.0F;
  for (size_t c = 0; c < net->classes; c++) {
    float votes = 0.0F;
    for (size_t k = 0; k < net->per_class; k++)
      votes += outputs[c * net->per_class + k];
    if (votes > best) {
      best = votes;
      number = (int32_t)c;
    }
  }
  return number;
}
