/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The size of a connectome from its plan: rows and formats are known, numbers of synapses are expected ones, and how
 * many codes a block will have is seen from a sample of what its projections carry. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/cell.h"
#include "core/shard.h"
#include "core/walk.h"
#include "net/build.h"
#include "net/network.h"
#include "net/rows.h"
#include "net/value.h"

enum { SAMPLE = 4096 };

struct sampler {
  struct hk__payload *payloads;
  struct hk__codes *codes; /* one set per projection, filled when asked for */
  bool *done;
  size_t count;
};

/* How many draws or entries show what a projection carries. */
static size_t sample_size(const struct hk__payload *payload)
{
  const struct hk_projection_spec *spec = payload->spec;
  bool drawn = hk__value_is_drawn(&spec->weight) || hk__value_is_drawn(&spec->delay);
  if (!payload->weight_varies && !payload->delay_varies)
    return 1;
  size_t listed = spec->weight.kind == HK_VALUE_LIST ? spec->weight.count : 0;
  listed = spec->delay.kind == HK_VALUE_LIST ? spec->delay.count : listed;
  return listed ? listed : drawn ? SAMPLE : 1;
}

/* A list has one value per pair or per target, a draw one per synapse of a target. */
static enum hk_status sample_codes(const struct hk__payload *payload, struct hk__codes *codes)
{
  size_t count = sample_size(payload);
  bool per_target = payload->spec->rule.kind == HK_RULE_ONE_TO_ONE;
  enum hk_status status = HK_OK;
  for (size_t first = 0; first < count && !status && !codes->overflow;) {
    double weight[SAMPLE], delay[SAMPLE];
    size_t pair[SAMPLE];
    struct hk__draw draw = {.pair = pair};
    uint32_t n = per_target ? 1 : (uint32_t)(count - first < SAMPLE ? count - first : SAMPLE), bad;
    uint32_t target = per_target ? (uint32_t)first : 0;
    for (uint32_t k = 0; k < n; k++)
      pair[k] = first + k;
    /* what cannot be drawn is told when the network is built */
    (void)hk__payload_weights(payload, target, n, &draw, weight, &bad);
    (void)hk__payload_delays(payload, target, n, &draw, delay, &bad);
    for (uint32_t k = 0; k < n && !status; k++)
      status = hk__codes_add(codes, (struct hk__code){weight[k], delay[k], hk__payload_port(payload, weight[k])});
    first += n;
  }
  return status;
}

static enum hk_status block_codes(struct sampler *sampler, const struct hk__plan_block *block,
                                  const struct hk__piece *pieces, struct hk__codes *all)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < block->piece_count && !status; i++) {
    size_t p = pieces[i].projection;
    if (!sampler->done[p])
      status = sample_codes(&sampler->payloads[p], &sampler->codes[p]);
    sampler->done[p] = true;
    if (!status)
      status = hk__codes_merge(all, &sampler->codes[p]);
  }
  return status;
}

static enum hk_status block_bytes(struct sampler *sampler, const struct hk__plan_block *block,
                                  const struct hk__piece *pieces, double *bytes)
{
  size_t width = hk__synapse_size(block->format);
  *bytes = block->expected * (double)width;
  if (!block->countable)
    return HK_OK;
  struct hk__codes codes = {.count = 0};
  enum hk_status status = block_codes(sampler, block, pieces, &codes);
  double count = fmin(codes.count, block->expected);
  if (!codes.overflow && hk__codes_pay((uint64_t)count, (uint64_t)block->expected, width))
    *bytes = block->expected * sizeof(struct hk__indexed) + count * sizeof(struct hk__code);
  hk__codes_clear(&codes);
  return status;
}

static enum hk_status add_blocks(struct sampler *sampler, const struct hk__layout *layout,
                                 const struct hk__block_plan *plan, struct hk__connectome_size *size)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < plan->block_count && !status; i++) {
    const struct hk__plan_block *block = &plan->blocks[i];
    double bytes;
    status = block_bytes(sampler, block, plan->pieces + block->first_piece, &bytes);
    size->synapses += block->expected;
    size->bytes +=
        bytes + sizeof(struct hk__block) + ((double)layout->size[block->source_population] + 1) * sizeof(uint64_t);
  }
  return status;
}

static enum hk_status sampler_init(struct sampler *sampler, const struct hk_network *network, double grid)
{
  size_t count = hk_network_projection_count(network);
  *sampler = (struct sampler){.payloads = calloc(count + 1, sizeof *sampler->payloads),
                              .codes = calloc(count + 1, sizeof *sampler->codes),
                              .done = calloc(count + 1, sizeof *sampler->done),
                              .count = count};
  if (!sampler->payloads || !sampler->codes || !sampler->done)
    return HK_ERR_MEMORY;
  for (size_t p = 0; p < count; p++)
    hk__payload_init(&sampler->payloads[p], network, p, 0, grid);
  return HK_OK;
}

static void sampler_clear(struct sampler *sampler)
{
  for (size_t p = 0; sampler->codes && p < sampler->count; p++)
    hk__codes_clear(&sampler->codes[p]);
  free(sampler->payloads);
  free(sampler->codes);
  free(sampler->done);
}

enum hk_status hk__connectome_estimate(const struct hk_network *network, double grid, uint32_t max_shard,
                                       struct hk__connectome_size *out)
{
  struct sampler sampler;
  struct hk__layout layout = {0};
  struct hk__block_plan plan = {0};
  struct hk__connectome_size size = {0};
  enum hk_status status = sampler_init(&sampler, network, grid);
  if (!status)
    status = hk__layout_init(&layout, network, max_shard);
  if (!status)
    status = hk__block_plan_init(&plan, network, &layout, sampler.payloads);
  if (!status)
    status = add_blocks(&sampler, &layout, &plan, &size);
  size.shards = layout.shard_count;
  if (!status)
    *out = size;
  hk__block_plan_clear(&plan);
  hk__layout_clear(&layout);
  sampler_clear(&sampler);
  return status;
}

/* What a neuron takes: parameters that differ; its states as they are at first and as they are now; its current; what
 * the fast scheduler keeps of it. */
static double neuron_bytes(const struct hk_network *network, size_t population)
{
  const struct hk_population_spec *spec = hk_network_population(network, population);
  const struct hk_model *model = hk_network_model(network, population);
  bool varies = false;
  for (size_t i = 0; i < spec->param_count; i++)
    varies |= spec->params[i].value.kind != HK_VALUE_CONSTANT;
  double states = (double)model->state_count, params = varies ? (double)model->param_count : 0;
  double bytes = sizeof(double) * (2 * states + params);
  if (hk__model_is_source(model))
    return bytes;
  double superposed = sizeof(double) + 3 * sizeof(uint32_t) + 4; /* threshold; kernel, marks; marks and sleep */
  double cell = sizeof(struct hk__cell) + sizeof(double) * (states + 1) + HK__WALKS_BYTES +
                (model->settle ? (double)HK__DOZE_BYTES : 0);
  return bytes + sizeof(struct hk__current) + (model->kind == HK_MODEL_LINEAR ? superposed : cell);
}

/* Whether a parameter bears on how events act, not only on where a neuron rests and when it spikes. */
static bool shapes_response(const struct hk_model *model, const double *param, size_t k)
{
  double other[HK_PARAMS_MAX];
  struct hk_linear a = {.t_ref = 0}, b = {.t_ref = 0};
  memcpy(other, param, model->param_count * sizeof *other);
  other[k] += 1e-3 * (fabs(other[k]) + 1);
  model->linear(param, &a);
  model->linear(other, &b);
  return memcmp(a.A, b.A, sizeof a.A) != 0 || memcmp(a.jump, b.jump, sizeof a.jump) != 0 ||
         memcmp(a.sense, b.sense, sizeof a.sense) != 0;
}

/* What is derived from the parameters of a linear model, for each neuron where they are drawn or listed. */
static double derived_bytes(const struct hk_network *network, size_t population)
{
  const struct hk_population_spec *spec = hk_network_population(network, population);
  const struct hk_model *model = hk_network_model(network, population);
  if (model->kind != HK_MODEL_LINEAR)
    return 0;
  double param[HK_PARAMS_MAX], n = (double)model->state_count;
  bool varies = false, shapes = false;
  for (size_t k = 0; k < model->param_count; k++)
    param[k] = model->params[k].preset;
  for (size_t i = 0; i < spec->param_count; i++)
    param[hk_model_param(model, spec->params[i].name)] = hk_value_mean(&spec->params[i].value);
  for (size_t i = 0; i < spec->param_count; i++)
    if (spec->params[i].value.kind != HK_VALUE_CONSTANT) {
      varies = true;
      shapes |= shapes_response(model, param, (size_t)hk_model_param(model, spec->params[i].name));
    }
  double shape = sizeof(struct hk__dynamics) +
                 sizeof(double) * (4 * HK__LEVELS * n * n + 2 * HK__LEVELS * n + (double)hk__response_doubles(model)) +
                 sizeof(struct hk__response);
  return (varies ? (double)spec->size : 1) * sizeof(struct hk__kernel) + (shapes ? (double)spec->size : 1) * shape;
}

static double population_bytes(const struct hk_network *network, size_t population)
{
  const struct hk_population_spec *spec = hk_network_population(network, population);
  uint64_t spikes = spec->trains.offsets ? spec->trains.offsets[spec->size] : 0;
  return (double)spec->size * neuron_bytes(network, population) + (double)spikes * sizeof(double);
}

/* Values for each target; of a Poisson train also when it spikes next, and its bins if its rate is its own. */
static double input_bytes(const struct hk_network *network, size_t input)
{
  const struct hk_input_spec *spec = hk_network_input(network, input);
  uint64_t targets = spec->neurons ? spec->neuron_count : hk_network_population(network, spec->target)->size;
  size_t train = sizeof(uint16_t) + HK__TRAIN_BYTES + (spec->rate.kind == HK_VALUE_CONSTANT ? 0 : HK__RATE_BYTES);
  return (double)targets * (double)(2 * sizeof(double) + (spec->kind == HK_INPUT_POISSON ? train : 0));
}

enum hk_status hk_network_estimate(const struct hk_network *network, const struct hk_options *options,
                                   struct hk_estimate *out)
{
  struct hk__connectome_size size;
  const uint32_t max_shard = hk__shard_limit(network, options->shards);
  enum hk_status status = hk__connectome_estimate(network, options->grid, max_shard, &size);
  if (status)
    return status;
  uint64_t neurons = 0;
  for (size_t p = 0; p < hk_network_population_count(network); p++) {
    neurons += hk_network_population(network, p)->size;
    size.bytes += population_bytes(network, p) + derived_bytes(network, p);
  }
  for (size_t i = 0; i < hk_network_input_count(network); i++)
    size.bytes += input_bytes(network, i);
  *out = (struct hk_estimate){neurons, size.synapses, (uint64_t)size.bytes, size.shards};
  return HK_OK;
}
