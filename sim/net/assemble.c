/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/assemble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/build.h"
#include "net/network.h"

/* A copy of count elements; NULL for none, and *failed set where there is no memory. */
static void *copy_of(const void *from, size_t count, size_t size, bool *failed)
{
  if (!from || count == 0)
    return NULL;
  void *to = malloc(count * size);
  if (to)
    memcpy(to, from, count * size);
  else
    *failed = true;
  return to;
}

/* --- kernels: one for each distinct set of parameters --- */

struct kernel_pool {
  struct hk__kernel **kernels;
  size_t count, capacity;
  struct hk__dynamics_set shared;
};

static enum hk_status add_kernel(struct kernel_pool *pool, const struct hk_model *model, const double *param,
                                 uint32_t *index)
{
  if (pool->count == pool->capacity) {
    size_t capacity = pool->capacity ? 2 * pool->capacity : 16;
    struct hk__kernel **kernels = realloc(pool->kernels, capacity * sizeof(*kernels));
    if (!kernels)
      return HK_ERR_MEMORY;
    pool->kernels = kernels;
    pool->capacity = capacity;
  }
  enum hk_status status = hk__kernel_create(model, param, &pool->shared, &pool->kernels[pool->count]);
  if (status == HK_OK)
    *index = (uint32_t)pool->count++;
  return status;
}

struct row_order {
  const double *param;
  size_t width;
};

static int compare_rows(const void *a, const void *b, void *context)
{
  const struct row_order *order = context;
  uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
  int c = memcmp(order->param + i * order->width, order->param + j * order->width, order->width * sizeof(double));
  return c != 0 ? c : (i > j) - (i < j);
}

static bool rows_equal(const double *param, size_t width, uint32_t i, uint32_t j)
{
  return memcmp(param + i * width, param + j * width, width * sizeof *param) == 0;
}

/* Sorts the neurons by their parameters and gives equal ones the same kernel. */
static enum hk_status share_kernels(struct kernel_pool *pool, struct hk__population *p)
{
  size_t width = p->model->param_count;
  uint32_t *order = malloc(p->size * sizeof *order);
  p->kernel = malloc(p->size * sizeof *p->kernel);
  enum hk_status status = order && p->kernel ? HK_OK : HK_ERR_MEMORY;
  if (status == HK_OK) {
    for (uint32_t i = 0; i < p->size; i++)
      order[i] = i;
    qsort_r(order, p->size, sizeof *order, compare_rows, &(struct row_order){p->param, width});
    uint32_t kernel = 0;
    for (uint32_t k = 0; k < p->size && status == HK_OK; k++) {
      if (k == 0 || !rows_equal(p->param, width, order[k - 1], order[k]))
        status = add_kernel(pool, p->model, p->param + order[k] * width, &kernel);
      p->kernel[order[k]] = kernel;
    }
  }
  free(order);
  return status;
}

static enum hk_status make_kernels(struct hk__built *built)
{
  struct kernel_pool pool = {.count = 0};
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < built->population_count && status == HK_OK; i++) {
    struct hk__population *p = &built->populations[i];
    if (p->model->kind != HK_MODEL_LINEAR)
      continue;
    status = p->uniform ? add_kernel(&pool, p->model, p->param, &p->kernel_all) : share_kernels(&pool, p);
  }
  hk__dynamics_set_clear(&pool.shared);
  built->kernels = pool.kernels;
  built->kernel_count = pool.count;
  return status;
}

/* --- populations --- */

/* Keeps one row of parameters where all neurons have the same. */
static void fold_equal_rows(struct hk__population *p)
{
  size_t width = p->model->param_count;
  p->uniform = true;
  for (uint32_t i = 1; i < p->size && p->uniform; i++)
    p->uniform = rows_equal(p->param, width, 0, i);
  if (p->uniform && width > 0) {
    double *one = realloc(p->param, width * sizeof *one);
    p->param = one ? one : p->param;
  }
}

static enum hk_status make_population(const struct hk_network *network, size_t index, uint64_t seed,
                                      struct hk__population *p, struct hk_messages *messages)
{
  const struct hk_population_spec *spec = hk_network_population(network, index);
  bool failed = false;
  p->model = hk_model_find(spec->model);
  enum hk_status status = spec->tree ? hk__modes_create(p->model, spec->tree, true, &p->modes) : HK_OK;
  if (status != HK_OK)
    return status;
  p->model = p->modes ? &p->modes->model : p->model;
  p->size = (uint32_t)spec->size;
  p->record = hk_network_records_spikes(network, index);
  size_t params = p->size * p->model->param_count, states = p->size * p->model->state_count;
  p->param = calloc(params + 1, sizeof *p->param);
  p->state = calloc(states + 1, sizeof *p->state);
  if (p->model->kind == HK_MODEL_TRAINS) {
    p->offsets = copy_of(spec->trains.offsets, spec->size + 1, sizeof *p->offsets, &failed);
    if (p->offsets)
      p->times = copy_of(spec->trains.times, p->offsets[p->size], sizeof *p->times, &failed);
  }
  if (!p->param || !p->state || failed)
    return HK_ERR_MEMORY;
  if (p->model->kind == HK_MODEL_TRAINS && !p->offsets) {
    p->offsets = calloc(spec->size + 1, sizeof *p->offsets);
    if (!p->offsets)
      return HK_ERR_MEMORY;
  }
  status = hk__population_values(network, index, seed, p->param, p->state, messages);
  if (status == HK_OK)
    fold_equal_rows(p);
  return status;
}

/* The shards' models are those of the built network, which outlives the description. */
static void own_model(struct hk__connectome *connectome, const struct hk__population *p)
{
  for (size_t s = 0; s < connectome->shard_count; s++)
    if (connectome->shards[s].first - p->first < p->size)
      connectome->shards[s].model = p->model;
}

static enum hk_status make_populations(const struct hk_network *network, uint64_t seed, struct hk__built *built,
                                       struct hk_messages *messages)
{
  built->population_count = hk_network_population_count(network);
  built->populations = calloc(built->population_count + 1, sizeof *built->populations);
  if (!built->populations)
    return HK_ERR_MEMORY;
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < built->population_count; i++) {
    struct hk__population *p = &built->populations[i];
    enum hk_status mine = make_population(network, i, seed, p, messages);
    status = status == HK_OK ? mine : status;
    if (mine == HK_ERR_MEMORY)
      return mine;
    p->first = built->connectome->first[i];
    own_model(built->connectome, p);
    if (!hk__model_is_source(p->model) && p->first + p->size > built->target_count)
      built->target_count = p->first + p->size;
  }
  return status;
}

/* --- inputs and traces --- */

static enum hk_status draw(const struct hk_network *network, size_t index, const struct hk_value *value,
                           const char *name, uint64_t seed, uint32_t count, double **out)
{
  *out = calloc(count + 1u, sizeof **out);
  return *out ? hk__input_values(network, index, value, name, seed, *out) : HK_ERR_MEMORY;
}

static enum hk_status make_poisson(const struct hk_network *network, size_t index, uint64_t seed,
                                   const struct hk_model *model, struct hk__input *input)
{
  const struct hk_input_spec *spec = hk_network_input(network, index);
  enum hk_status status = draw(network, index, &spec->rate, "rate", seed, input->count, &input->rate);
  if (status == HK_OK)
    status = draw(network, index, &spec->weight, "weight", seed, input->count, &input->weight);
  input->port = calloc(input->count + 1u, sizeof *input->port);
  if (status != HK_OK || !input->port)
    return status != HK_OK ? status : HK_ERR_MEMORY;
  for (uint32_t i = 0; i < input->count; i++) {
    input->rate[i] /= 1000;
    input->port[i] =
        spec->port ? (uint16_t)hk_model_port(model, spec->port) : (uint16_t)hk__model_port_for(model, input->weight[i]);
  }
  return HK_OK;
}

static int ascending(const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static enum hk_status make_input(const struct hk_network *network, size_t index, uint64_t seed,
                                 const struct hk__built *built, struct hk__input *input)
{
  const struct hk_input_spec *spec = hk_network_input(network, index);
  const struct hk__population *p = &built->populations[spec->target];
  bool failed = false;
  *input = (struct hk__input){.kind = spec->kind,
                              .population = (uint32_t)spec->target,
                              .count = spec->neurons ? (uint32_t)spec->neuron_count : p->size,
                              .from = spec->from,
                              .to = spec->to,
                              .omega = 2 * M_PI * spec->frequency / 1000,
                              .phase = spec->phase,
                              .step_count = spec->step_count,
                              .mean = spec->mean,
                              .std = spec->std,
                              .dt = spec->dt,
                              .decay = spec->tau > 0 ? hk_exp(-spec->dt / spec->tau) : 0};
  input->neurons = copy_of(spec->neurons, spec->neuron_count, sizeof *spec->neurons, &failed);
  input->times = copy_of(spec->times, spec->step_count, sizeof *spec->times, &failed);
  input->amplitudes = copy_of(spec->amplitudes, spec->step_count, sizeof *spec->amplitudes, &failed);
  if (failed)
    return HK_ERR_MEMORY;
  if (input->neurons)
    qsort(input->neurons, input->count, sizeof *input->neurons, ascending);
  switch (spec->kind) {
  case HK_INPUT_POISSON:
    return make_poisson(network, index, seed, p->model, input);
  case HK_INPUT_DC:
    return draw(network, index, &spec->amplitude, "amplitude", seed, input->count, &input->amplitude);
  case HK_INPUT_SINE: {
    enum hk_status status = draw(network, index, &spec->amplitude, "amplitude", seed, input->count, &input->amplitude);
    return status == HK_OK ? draw(network, index, &spec->offset, "offset", seed, input->count, &input->offset) : status;
  }
  default:
    return HK_OK;
  }
}

static enum hk_status make_inputs(const struct hk_network *network, uint64_t seed, struct hk__built *built)
{
  built->input_count = hk_network_input_count(network);
  built->inputs = calloc(built->input_count + 1, sizeof *built->inputs);
  enum hk_status status = built->inputs ? HK_OK : HK_ERR_MEMORY;
  for (size_t i = 0; i < built->input_count && status == HK_OK; i++)
    status = make_input(network, i, seed, built, &built->inputs[i]);
  return status;
}

static enum hk_status make_trace(const struct hk_network *network, size_t index, const struct hk__built *built,
                                 struct hk__trace *trace)
{
  const struct hk_trace_spec *spec = hk_network_trace(network, index);
  bool failed = false;
  *trace = (struct hk__trace){.population = (uint32_t)spec->population,
                              .neuron_count = spec->neuron_count,
                              .variable_count = spec->variable_count,
                              .interval = spec->interval};
  trace->neurons = copy_of(spec->neurons, spec->neuron_count, sizeof *spec->neurons, &failed);
  trace->variables = calloc(spec->variable_count + 1, sizeof *trace->variables);
  if (failed || !trace->variables)
    return HK_ERR_MEMORY;
  for (size_t v = 0; v < spec->variable_count; v++)
    trace->variables[v] = (uint32_t)hk_model_state(built->populations[spec->population].model, spec->variables[v]);
  return HK_OK;
}

static enum hk_status make_traces(const struct hk_network *network, struct hk__built *built)
{
  built->trace_count = hk_network_trace_count(network);
  built->traces = calloc(built->trace_count + 1, sizeof *built->traces);
  enum hk_status status = built->traces ? HK_OK : HK_ERR_MEMORY;
  for (size_t i = 0; i < built->trace_count && status == HK_OK; i++)
    status = make_trace(network, i, built, &built->traces[i]);
  return status;
}

/* --- the whole --- */

enum hk_status hk__assemble(const struct hk_network *network, const struct hk_options *options, struct hk__built **out,
                            struct hk_messages *messages)
{
  struct hk__built *built = calloc(1, sizeof *built);
  if (!built)
    return HK_ERR_MEMORY;
  built->seed = options->seed;
  built->tolerance = options->tolerance > 0 ? options->tolerance : 1e-11;
  built->threads = options->threads;
  enum hk_status status = hk__connectome_build(network, options->seed, options->threads, options->grid,
                                               hk__shard_limit(network, options->shards), &built->connectome, messages);
  if (status == HK_OK)
    status = make_populations(network, options->seed, built, messages);
  if (status == HK_OK)
    status = make_kernels(built);
  if (status == HK_OK)
    status = make_inputs(network, options->seed, built);
  if (status == HK_OK)
    status = make_traces(network, built);
  if (status == HK_OK)
    *out = built;
  else
    hk__built_destroy(built);
  return status;
}

static void clear_population(struct hk__population *p)
{
  free(p->param);
  free(p->state);
  free(p->kernel);
  free(p->times);
  free(p->offsets);
  hk__modes_destroy(p->modes);
}

static void clear_input(struct hk__input *input)
{
  free(input->neurons);
  free(input->rate);
  free(input->weight);
  free(input->port);
  free(input->amplitude);
  free(input->offset);
  free(input->times);
  free(input->amplitudes);
}

void hk__built_destroy(struct hk__built *built)
{
  if (!built)
    return;
  for (size_t i = 0; built->populations && i < built->population_count; i++)
    clear_population(&built->populations[i]);
  for (size_t i = 0; built->inputs && i < built->input_count; i++)
    clear_input(&built->inputs[i]);
  for (size_t i = 0; built->traces && i < built->trace_count; i++) {
    free(built->traces[i].neurons);
    free(built->traces[i].variables);
  }
  for (size_t i = 0; i < built->kernel_count; i++)
    hk__kernel_destroy(built->kernels[i]);
  free(built->populations);
  free(built->inputs);
  free(built->traces);
  free(built->kernels);
  hk__connectome_destroy(built->connectome);
  free(built);
}
