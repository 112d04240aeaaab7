/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A step network as a description that the engine builds and runs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ann/mapping.h"
#include "core/random.h"

/* --- spike trains of the sources --- */

struct trains {
  double *times;
  uint64_t *offsets;
  size_t count, room;
};

static void trains_clear(struct trains *t)
{
  free(t->times);
  free(t->offsets);
}

static bool trains_push(struct trains *t, double time)
{
  if (t->count == t->room) {
    size_t room = t->room ? 2 * t->room : 4096;
    double *grown = realloc(t->times, room * sizeof *grown);
    if (!grown)
      return false;
    t->times = grown;
    t->room = room;
  }
  t->times[t->count++] = time;
  return true;
}

static bool push_poisson(struct trains *t, const struct hk__regime *r, double start, double x, size_t sample,
                         size_t unit)
{
  struct hk__stream stream;
  hk__stream_init(&stream, r->seed, HK__FOR_ENCODING, 0, sample, (uint32_t)unit);
  double rate = r->rate * x / 1000.0;
  for (double time = -log(hk__stream_uniform(&stream)) / rate; time < r->time;
       time -= log(hk__stream_uniform(&stream)) / rate)
    if (!trains_push(t, start + time))
      return false;
  return true;
}

static bool push_input(struct trains *t, const struct hk__regime *r, double start, float x, float intensity,
                       size_t sample, size_t unit)
{
  if (x == 0.0F)
    return true;
  if (r->kind == HK__REGIME_RATE)
    return push_poisson(t, r, start, (double)x, sample, unit);
  return trains_push(t, r->kind == HK__REGIME_LATENCY ? start + r->window * (1.0 - (double)intensity) : start);
}

static enum hk_status input_trains(struct trains *t, const struct hk__regime *r, const struct hk__shown *shown,
                                   size_t inputs)
{
  t->offsets = calloc(inputs + 1, sizeof *t->offsets);
  bool ok = t->offsets;
  for (size_t i = 0; ok && i < inputs; i++) {
    for (size_t s = 0; ok && s < shown->count; s++)
      ok = push_input(t, r, (double)s * r->period, shown->rows[s * inputs + i], shown->intensity[s * inputs + i],
                      shown->first + s, i);
    t->offsets[i + 1] = t->count;
  }
  return ok ? HK_OK : HK_ERR_MEMORY;
}

/* The clock has one neuron per layer. It spikes when that layer's sources do: its time is reached by the same additions
 * as theirs. With rates it spikes regularly at the rate of an input that is fully on. */
static enum hk_status clock_trains(struct trains *t, const struct hk__regime *r, size_t count, size_t layers)
{
  t->offsets = calloc(layers + 1, sizeof *t->offsets);
  bool ok = t->offsets;
  for (size_t l = 0; ok && l < layers; l++) {
    for (size_t s = 0; ok && s < count; s++) {
      double time = (double)s * r->period + (r->kind == HK__REGIME_LATENCY ? r->window : 0.0);
      for (size_t k = 0; k < l; k++)
        time += r->delay;
      if (r->kind != HK__REGIME_RATE) {
        ok = trains_push(t, time);
        continue;
      }
      size_t ticks = (size_t)floor(r->rate * r->time / 1000.0);
      for (size_t k = 0; ok && k < ticks; k++)
        ok = trains_push(t, time + ((double)k + 0.5) * 1000.0 / r->rate);
    }
    t->offsets[l + 1] = t->count;
  }
  return ok ? HK_OK : HK_ERR_MEMORY;
}

static enum hk_status add_source(struct hk_network *network, const char *name, size_t size, const struct trains *t,
                                 struct hk_messages *messages)
{
  struct hk_population_spec spec = {
      .name = name, .model = "spike_source", .size = size, .trains = {.times = t->times, .offsets = t->offsets}};
  return hk_network_add_population(network, &spec, NULL, NULL, messages);
}

static enum hk_status add_sources(struct hk_network *network, const struct hk__regime *r, const struct hk__shown *shown,
                                  const struct hk__stepnet *net, struct hk_messages *messages)
{
  struct trains inputs = {0}, clock = {0};
  size_t input_count = hk__stepnet_inputs(net);
  enum hk_status status = input_trains(&inputs, r, shown, input_count);
  if (status == HK_OK)
    status = add_source(network, "inputs", input_count, &inputs, messages);
  if (status == HK_OK)
    status = clock_trains(&clock, r, shown->count, net->layer_count);
  if (status == HK_OK)
    status = add_source(network, "clock", net->layer_count, &clock, messages);
  trains_clear(&inputs);
  trains_clear(&clock);
  return status;
}

/* --- layers --- */

/* Of a layer, worked out once. */
struct levels {
  double unit, volts, level, margin;
};

static struct levels find_levels(const struct hk__regime *r, const struct hk__step_layer *layer)
{
  return (struct levels){hk__regime_unit(r, layer), hk__regime_volts(r, layer), hk__regime_level(r, layer),
                         hk__regime_margin(r, layer)};
}

/* The sum at which neuron j fires, and what the clock has to add so that this is as good as the unit's threshold. */
static double firing_level(const struct hk__regime *r, const struct hk__step_layer *layer, const struct levels *levels,
                           size_t j, double *bias)
{
  double theta = layer->threshold[j] - levels->margin, level = levels->level;
  double own = r->thresholds == HK__THRESHOLDS_OWN && theta > 0.0 ? theta : level;
  *bias = own - theta;
  return own;
}

static enum hk_status add_neurons(struct hk_network *network, const struct hk__regime *r,
                                  const struct hk__step_layer *layer, const char *name, struct hk_messages *messages)
{
  struct hk_setting params[HK_PARAMS_MAX + 1];
  memcpy(params, r->params, sizeof r->params);
  size_t count = r->param_count;
  double *threshold = malloc(layer->out * sizeof *threshold);
  if (!threshold)
    return HK_ERR_MEMORY;
  if (r->thresholds == HK__THRESHOLDS_OWN) {
    double rest = hk__regime_rest(r);
    struct levels levels = find_levels(r, layer);
    for (size_t j = 0; j < layer->out; j++) {
      double bias;
      threshold[j] = rest + levels.volts * firing_level(r, layer, &levels, j, &bias);
    }
    params[count++] = (struct hk_setting){"V_th", hk_value_list(threshold, layer->out)};
  }
  struct hk_population_spec spec = {
      .name = name, .model = r->model, .size = layer->out, .params = params, .param_count = count, .tree = r->tree};
  enum hk_status status = hk_network_add_population(network, &spec, NULL, NULL, messages);
  free(threshold);
  return status;
}

/* The synapses of one projection, as lists. */
struct pairs {
  uint32_t *source, *target;
  double *weight, *delay;
  size_t count;
};

static enum hk_status pairs_init(struct pairs *p, size_t room)
{
  *p = (struct pairs){malloc((room + 1) * sizeof *p->source), malloc((room + 1) * sizeof *p->target),
                      malloc((room + 1) * sizeof *p->weight), malloc((room + 1) * sizeof *p->delay), 0};
  return p->source && p->target && p->weight && p->delay ? HK_OK : HK_ERR_MEMORY;
}

static void pairs_clear(struct pairs *p)
{
  free(p->source);
  free(p->target);
  free(p->weight);
  free(p->delay);
}

static void pairs_push(struct pairs *p, size_t source, size_t target, double weight, double delay)
{
  p->source[p->count] = (uint32_t)source;
  p->target[p->count] = (uint32_t)target;
  p->weight[p->count] = weight;
  p->delay[p->count++] = delay;
}

static enum hk_status add_pairs(struct hk_network *network, const struct hk__regime *r, size_t source, size_t target,
                                const struct pairs *p, const char *port, struct hk_messages *messages)
{
  if (p->count == 0)
    return HK_OK;
  bool spread = r->kind == HK__REGIME_JITTER && r->spread > 0.0;
  struct hk_projection_spec spec = {.source = source,
                                    .target = target,
                                    .rule = {.kind = HK_RULE_PAIRS,
                                             .sources = p->source,
                                             .targets = p->target,
                                             .pair_count = p->count,
                                             .allow_autapses = true,
                                             .allow_multapses = true},
                                    .weight = hk_value_list(p->weight, p->count),
                                    .delay = spread ? hk_value_list(p->delay, p->count) : hk_value_constant(r->delay),
                                    .port = port};
  return hk_network_add_projection(network, &spec, NULL, NULL, messages);
}

static double draw_delay(const struct hk__regime *r, struct hk__stream *stream)
{
  return r->delay + (r->kind == HK__REGIME_JITTER ? r->spread * hk__stream_uniform(stream) : 0.0);
}

/* Sources of every port_count-th number, beginning with `turn`. */
static void collect(struct pairs *p, const struct hk__regime *r, const struct hk__step_layer *layer, size_t l,
                    size_t turn)
{
  size_t ports = r->port_count ? r->port_count : 1;
  double scale = hk__regime_unit(r, layer) * r->gain;
  for (size_t j = 0; j < layer->out; j++) {
    struct hk__stream stream;
    hk__stream_init(&stream, r->seed, HK__FOR_ENCODING, (uint32_t)l + 1, j, (uint32_t)turn);
    for (size_t i = turn; i < layer->in; i += ports)
      if (layer->weight[j * layer->in + i] != 0.0)
        pairs_push(p, i, j, layer->weight[j * layer->in + i] * scale, draw_delay(r, &stream));
  }
}

static void collect_clock(struct pairs *p, const struct hk__regime *r, const struct hk__step_layer *layer, size_t l)
{
  struct levels levels = find_levels(r, layer);
  double bias;
  struct hk__stream stream;
  hk__stream_init(&stream, r->seed, HK__FOR_ENCODING, (uint32_t)l + 1, layer->out, 0);
  for (size_t j = 0; j < layer->out; j++) {
    firing_level(r, layer, &levels, j, &bias);
    if (bias != 0.0)
      pairs_push(p, l, j, bias * levels.unit * r->gain, draw_delay(r, &stream));
  }
}

static enum hk_status add_noise(struct hk_network *network, const struct hk__regime *r, size_t target,
                                struct hk_messages *messages)
{
  enum hk_status status = HK_OK;
  for (int sign = 1; status == HK_OK && r->noise_rate > 0.0 && sign >= -1; sign -= 2) {
    struct hk_input_spec spec = {.kind = HK_INPUT_POISSON,
                                 .target = target,
                                 .from = 0.0,
                                 .to = INFINITY,
                                 .rate = hk_value_constant(r->noise_rate),
                                 .weight = hk_value_constant(sign * r->noise_weight)};
    status = hk_network_add_input(network, &spec, NULL, NULL, messages);
  }
  return status;
}

static enum hk_status add_layer(struct hk_network *network, const struct hk__regime *r, const struct hk__stepnet *net,
                                size_t l, struct hk_messages *messages)
{
  const struct hk__step_layer *layer = &net->layers[l];
  char name[32];
  snprintf(name, sizeof name, "layer_%zu", l + 1);
  enum hk_status status = add_neurons(network, r, layer, name, messages);
  size_t target = l + HK__FIRST_LAYER, source = l == 0 ? HK__INPUTS : target - 1;
  struct pairs p = {0};
  if (status == HK_OK)
    status = pairs_init(&p, layer->in * layer->out);
  for (size_t turn = 0; status == HK_OK && turn < (r->port_count ? r->port_count : 1); turn++) {
    p.count = 0;
    collect(&p, r, layer, l, turn);
    status = add_pairs(network, r, source, target, &p, r->port_count ? r->ports[turn] : NULL, messages);
  }
  if (status == HK_OK) {
    p.count = 0;
    collect_clock(&p, r, layer, l);
    status = add_pairs(network, r, HK__CLOCK, target, &p, r->port_count ? r->ports[0] : NULL, messages);
  }
  pairs_clear(&p);
  return status == HK_OK ? add_noise(network, r, target, messages) : status;
}

enum hk_status hk__regime_network(const struct hk__regime *regime, const struct hk__stepnet *net,
                                  const struct hk__shown *shown, struct hk_network **out, struct hk_messages *messages)
{
  struct hk_network *network;
  enum hk_status status = hk_network_create(&network);
  if (status != HK_OK)
    return status;
  status = add_sources(network, regime, shown, net, messages);
  for (size_t l = 0; status == HK_OK && l < net->layer_count; l++)
    status = add_layer(network, regime, net, l, messages);
  if (status == HK_OK)
    *out = network;
  else
    hk_network_destroy(network);
  return status;
}
