/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The description: four lists of specs. A spec in a list has passed its check and owns deep copies of all it points to
 * (names of models, parameters and states point into the models' own tables); it never moves and never changes. */
#include "net/network.h"

#include <stdlib.h>
#include <string.h>

#include "core/dendrite.h"
#include "core/modes.h"
#include "net/value.h"

struct population {
  struct hk_population_spec spec;
  const struct hk_model *model;
  struct hk__modes *modes; /* trees: owns the model */
  struct hk_tree tree;
  bool record;
};

struct list {
  void **items;
  struct hk_place *places; /* where each was found; their files are copies */
  size_t count, capacity;
};

struct hk_network {
  struct list populations, projections, inputs, traces;
};

/* --- copying --- */

/* A copy of an array, its address put into the pointer at out; an empty one leaves that pointer alone. */
static enum hk_status copy_array(const void *array, size_t count, size_t size, void *out)
{
  if (!array || count == 0)
    return HK_OK;
  void *copy = malloc(count * size);
  if (!copy)
    return HK_ERR_MEMORY;
  memcpy(copy, array, count * size);
  memcpy(out, &copy, sizeof copy);
  return HK_OK;
}

static enum hk_status copy_text(const char *text, const char **out)
{
  return text ? copy_array(text, strlen(text) + 1, 1, out) : HK_OK;
}

static void free_settings(const struct hk_setting *settings, size_t count)
{
  if (!settings)
    return;
  for (size_t i = 0; i < count; i++)
    hk__value_clear(&((struct hk_setting *)settings)[i].value);
  free((void *)settings);
}

/* name_of: the model's own text for a name */
static enum hk_status copy_settings(const struct hk_setting *settings, size_t count, const struct hk_model *model,
                                    const char *(*name_of)(const struct hk_model *, const char *),
                                    const struct hk_setting **out, size_t *out_count)
{
  if (count == 0)
    return HK_OK;
  struct hk_setting *copy = calloc(count, sizeof *copy);
  if (!copy)
    return HK_ERR_MEMORY;
  *out = copy;
  *out_count = count;
  for (size_t i = 0; i < count; i++) {
    enum hk_status status = hk__value_copy(&settings[i].value, &copy[i].value);
    if (status)
      return status;
    copy[i].name = name_of(model, settings[i].name);
  }
  return HK_OK;
}

static const char *param_name(const struct hk_model *model, const char *name)
{
  return model->params[hk_model_param(model, name)].name;
}

static const char *state_name(const struct hk_model *model, const char *name)
{
  return model->states[hk_model_state(model, name)].name;
}

static void free_population(void *item)
{
  struct population *p = item;
  if (!p)
    return;
  free((void *)p->spec.name);
  free((void *)p->spec.record_as);
  free((void *)p->spec.record_ids);
  free((void *)p->spec.trains.times);
  free((void *)p->spec.trains.offsets);
  free_settings(p->spec.params, p->spec.param_count);
  free_settings(p->spec.init, p->spec.init_count);
  hk_tree_clear(&p->tree);
  hk__modes_destroy(p->modes);
  free(p);
}

/* A tree's population has a model of its own. */
static enum hk_status fill_tree(struct population *p, const struct hk_tree *tree)
{
  enum hk_status status = hk__tree_copy(tree, &p->tree);
  if (status)
    return status;
  p->spec.tree = &p->tree;
  status = hk__modes_create(p->model, &p->tree, false, &p->modes);
  if (!status)
    p->model = &p->modes->model;
  return status;
}

static enum hk_status fill_population(struct population *p, const struct hk_population_spec *spec)
{
  const struct hk_model *model = hk_model_find(spec->model);
  uint64_t train_count = spec->trains.offsets ? spec->trains.offsets[spec->size] : 0;
  p->model = model;
  p->record = !hk__model_is_source(model);
  p->spec.model = model->name;
  p->spec.size = spec->size;
  enum hk_status status = spec->tree ? fill_tree(p, spec->tree) : HK_OK;
  model = p->model;
  if (!status)
    status = copy_text(spec->name, &p->spec.name);
  if (!status)
    status = copy_text(spec->record_as, &p->spec.record_as);
  if (!status)
    status = copy_array(spec->record_ids, spec->size, sizeof *spec->record_ids, &p->spec.record_ids);
  if (!status)
    status = copy_array(spec->trains.offsets, spec->size + 1, sizeof *spec->trains.offsets, &p->spec.trains.offsets);
  if (!status)
    status = copy_array(spec->trains.times, train_count, sizeof *spec->trains.times, &p->spec.trains.times);
  if (!status)
    status = copy_settings(spec->params, spec->param_count, model, param_name, &p->spec.params, &p->spec.param_count);
  if (!status)
    status = copy_settings(spec->init, spec->init_count, model, state_name, &p->spec.init, &p->spec.init_count);
  return status;
}

static void free_projection(void *item)
{
  struct hk_projection_spec *p = item;
  if (!p)
    return;
  free((void *)p->rule.sources);
  free((void *)p->rule.targets);
  hk__value_clear(&p->weight);
  hk__value_clear(&p->delay);
  free(p);
}

static enum hk_status fill_projection(struct hk_projection_spec *p, const struct hk_projection_spec *spec,
                                      const struct hk_model *target)
{
  p->source = spec->source;
  p->target = spec->target;
  p->rule = spec->rule;
  p->rule.sources = p->rule.targets = NULL;
  p->rule.pair_count = 0;
  p->port = spec->port ? target->ports[hk_model_port(target, spec->port)].name : NULL;
  enum hk_status status = hk__value_copy(&spec->weight, &p->weight);
  if (!status)
    status = hk__value_copy(&spec->delay, &p->delay);
  if (status || spec->rule.kind != HK_RULE_PAIRS)
    return status;
  p->rule.pair_count = spec->rule.pair_count;
  status = copy_array(spec->rule.sources, p->rule.pair_count, sizeof *p->rule.sources, &p->rule.sources);
  if (!status)
    status = copy_array(spec->rule.targets, p->rule.pair_count, sizeof *p->rule.targets, &p->rule.targets);
  return status;
}

static void free_input(void *item)
{
  struct hk_input_spec *p = item;
  if (!p)
    return;
  free((void *)p->neurons);
  free((void *)p->times);
  free((void *)p->amplitudes);
  hk__value_clear(&p->rate);
  hk__value_clear(&p->weight);
  hk__value_clear(&p->amplitude);
  hk__value_clear(&p->offset);
  free(p);
}

struct place_of {
  uint32_t neuron;
  size_t index;
};

static int compare_places(const void *x, const void *y)
{
  uint32_t a = ((const struct place_of *)x)->neuron, b = ((const struct place_of *)y)->neuron;
  return (a > b) - (a < b);
}

static enum hk_status reorder(const struct hk_value *value, const struct place_of *order)
{
  if (value->kind != HK_VALUE_LIST)
    return HK_OK;
  double *old = NULL, *list = (double *)value->list;
  enum hk_status status = copy_array(list, value->count, sizeof *list, &old);
  if (status)
    return status;
  for (size_t i = 0; i < value->count; i++)
    list[i] = old[order[i].index];
  free(old);
  return HK_OK;
}

/* Puts the neurons of an input into ascending order, the entries of its lists with them. */
static enum hk_status sort_neurons(struct hk_input_spec *p)
{
  if (!p->neurons)
    return HK_OK;
  struct place_of *order = malloc(p->neuron_count * sizeof *order);
  if (!order)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < p->neuron_count; i++)
    order[i] = (struct place_of){p->neurons[i], i};
  qsort(order, p->neuron_count, sizeof *order, compare_places);
  uint32_t *neurons = (uint32_t *)p->neurons;
  for (size_t i = 0; i < p->neuron_count; i++)
    neurons[i] = order[i].neuron;
  const struct hk_value *values[] = {&p->rate, &p->weight, &p->amplitude, &p->offset};
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < sizeof values / sizeof *values && !status; i++)
    if (values[i]->count == p->neuron_count)
      status = reorder(values[i], order);
  free(order);
  return status;
}

static enum hk_status fill_input(struct hk_input_spec *p, const struct hk_input_spec *spec,
                                 const struct hk_model *target)
{
  *p = *spec;
  p->neurons = NULL;
  p->times = p->amplitudes = NULL;
  p->rate.list = p->weight.list = p->amplitude.list = p->offset.list = NULL;
  p->port = spec->port ? target->ports[hk_model_port(target, spec->port)].name : NULL;
  enum hk_status status = copy_array(spec->neurons, spec->neuron_count, sizeof *spec->neurons, &p->neurons);
  if (!status)
    status = copy_array(spec->times, spec->step_count, sizeof *spec->times, &p->times);
  if (!status)
    status = copy_array(spec->amplitudes, spec->step_count, sizeof *spec->amplitudes, &p->amplitudes);
  if (!status)
    status = hk__value_copy(&spec->rate, &p->rate);
  if (!status)
    status = hk__value_copy(&spec->weight, &p->weight);
  if (!status)
    status = hk__value_copy(&spec->amplitude, &p->amplitude);
  if (!status)
    status = hk__value_copy(&spec->offset, &p->offset);
  return status ? status : sort_neurons(p);
}

static void free_trace(void *item)
{
  struct hk_trace_spec *p = item;
  if (!p)
    return;
  free((void *)p->name);
  free((void *)p->neurons);
  free((void *)p->variables);
  free(p);
}

static enum hk_status fill_trace(struct hk_trace_spec *p, const struct hk_trace_spec *spec,
                                 const struct hk_model *model)
{
  *p = *spec;
  p->name = NULL;
  p->neurons = NULL;
  p->variables = NULL;
  enum hk_status status = copy_text(spec->name, &p->name);
  if (!status)
    status = copy_array(spec->neurons, spec->neuron_count, sizeof *spec->neurons, &p->neurons);
  if (!status)
    status = copy_array(spec->variables, spec->variable_count, sizeof *spec->variables, &p->variables);
  if (status)
    return status;
  const char **variables = (const char **)p->variables;
  for (size_t i = 0; i < p->variable_count; i++)
    variables[i] = state_name(model, variables[i]);
  return HK_OK;
}

/* --- lists --- */

/* Room for one more, so that the push that follows cannot fail. */
static enum hk_status list_reserve(struct list *list)
{
  if (list->count < list->capacity)
    return HK_OK;
  size_t capacity = list->capacity ? 2 * list->capacity : 16;
  void **items = realloc(list->items, capacity * sizeof *items);
  if (items)
    list->items = items;
  struct hk_place *places = realloc(list->places, capacity * sizeof *places);
  if (places)
    list->places = places;
  if (!items || !places)
    return HK_ERR_MEMORY;
  list->capacity = capacity;
  return HK_OK;
}

static void list_push(struct list *list, void *item, const struct hk_place *place, size_t *index)
{
  if (index)
    *index = list->count;
  list->places[list->count] = *place;
  list->items[list->count++] = item;
}

static void list_clear(struct list *list, void (*free_item)(void *))
{
  for (size_t i = 0; i < list->count; i++) {
    free_item(list->items[i]);
    free((void *)list->places[i].file);
  }
  free(list->items);
  free(list->places);
}

enum hk_status hk_network_create(struct hk_network **out)
{
  struct hk_network *network = calloc(1, sizeof *network);
  if (!network)
    return HK_ERR_MEMORY;
  *out = network;
  return HK_OK;
}

void hk_network_destroy(struct hk_network *network)
{
  if (!network)
    return;
  list_clear(&network->populations, free_population);
  list_clear(&network->projections, free_projection);
  list_clear(&network->inputs, free_input);
  list_clear(&network->traces, free_trace);
  free(network);
}

/* The last step of adding: the filled copy goes into its list, or away if anything failed. */
static enum hk_status commit(struct list *list, void *item, const struct hk_place *place, enum hk_status status,
                             void (*free_item)(void *), size_t *index)
{
  struct hk_place kept = {.file = NULL};
  if (!status)
    status = list_reserve(list);
  if (!status && place) {
    kept = (struct hk_place){NULL, place->line, place->column};
    status = copy_text(place->file, &kept.file);
  }
  if (status) {
    free_item(item);
    return status;
  }
  list_push(list, item, &kept, index);
  return HK_OK;
}

enum hk_status hk_network_add_population(struct hk_network *network, const struct hk_population_spec *spec,
                                         size_t *index, const struct hk_place *place, struct hk_messages *messages)
{
  enum hk_status status = hk__check_population(network, spec, place, messages);
  if (status)
    return status;
  struct population *item = calloc(1, sizeof *item);
  status = item ? fill_population(item, spec) : HK_ERR_MEMORY;
  return commit(&network->populations, item, place, status, free_population, index);
}

enum hk_status hk_network_add_projection(struct hk_network *network, const struct hk_projection_spec *spec,
                                         size_t *index, const struct hk_place *place, struct hk_messages *messages)
{
  enum hk_status status = hk__check_projection(network, spec, place, messages);
  if (status)
    return status;
  struct hk_projection_spec *item = calloc(1, sizeof *item);
  status = item ? fill_projection(item, spec, hk_network_model(network, spec->target)) : HK_ERR_MEMORY;
  return commit(&network->projections, item, place, status, free_projection, index);
}

enum hk_status hk_network_add_input(struct hk_network *network, const struct hk_input_spec *spec, size_t *index,
                                    const struct hk_place *place, struct hk_messages *messages)
{
  enum hk_status status = hk__check_input(network, spec, place, messages);
  if (status)
    return status;
  struct hk_input_spec *item = calloc(1, sizeof *item);
  status = item ? fill_input(item, spec, hk_network_model(network, spec->target)) : HK_ERR_MEMORY;
  return commit(&network->inputs, item, place, status, free_input, index);
}

enum hk_status hk_network_add_trace(struct hk_network *network, const struct hk_trace_spec *spec, size_t *index,
                                    const struct hk_place *place, struct hk_messages *messages)
{
  enum hk_status status = hk__check_trace(network, spec, place, messages);
  if (status)
    return status;
  struct hk_trace_spec *item = calloc(1, sizeof *item);
  status = item ? fill_trace(item, spec, hk_network_model(network, spec->population)) : HK_ERR_MEMORY;
  return commit(&network->traces, item, place, status, free_trace, index);
}

/* --- looking --- */

const struct hk_place *hk__network_population_place(const struct hk_network *network, size_t index)
{
  return &network->populations.places[index];
}

const struct hk_place *hk__network_projection_place(const struct hk_network *network, size_t index)
{
  return &network->projections.places[index];
}

const struct hk_place *hk__network_trace_place(const struct hk_network *network, size_t index)
{
  return &network->traces.places[index];
}

static struct population *population_at(const struct hk_network *network, size_t index)
{
  return network->populations.items[index];
}

enum hk_status hk_network_record_spikes(struct hk_network *network, size_t population, bool record)
{
  if (population >= network->populations.count)
    return HK_ERR_INPUT;
  population_at(network, population)->record = record;
  return HK_OK;
}

size_t hk_network_population_count(const struct hk_network *network)
{
  return network->populations.count;
}

size_t hk_network_projection_count(const struct hk_network *network)
{
  return network->projections.count;
}

size_t hk_network_input_count(const struct hk_network *network)
{
  return network->inputs.count;
}

size_t hk_network_trace_count(const struct hk_network *network)
{
  return network->traces.count;
}

const struct hk_population_spec *hk_network_population(const struct hk_network *network, size_t index)
{
  return &population_at(network, index)->spec;
}

const struct hk_projection_spec *hk_network_projection(const struct hk_network *network, size_t index)
{
  return network->projections.items[index];
}

const struct hk_input_spec *hk_network_input(const struct hk_network *network, size_t index)
{
  return network->inputs.items[index];
}

const struct hk_trace_spec *hk_network_trace(const struct hk_network *network, size_t index)
{
  return network->traces.items[index];
}

bool hk_network_records_spikes(const struct hk_network *network, size_t population)
{
  return population_at(network, population)->record;
}

const struct hk_model *hk_network_model(const struct hk_network *network, size_t population)
{
  return population_at(network, population)->model;
}

ptrdiff_t hk_network_find(const struct hk_network *network, const char *name)
{
  for (size_t i = 0; i < network->populations.count; i++)
    if (strcmp(population_at(network, i)->spec.name, name) == 0)
      return (ptrdiff_t)i;
  return -1;
}

double hk_network_expected_synapses(const struct hk_network *network, size_t projection)
{
  const struct hk_projection_spec *p = hk_network_projection(network, projection);
  double sources = (double)hk_network_population(network, p->source)->size;
  double targets = (double)hk_network_population(network, p->target)->size;
  double pairs = sources * targets - (hk__skips_autapses(p) ? targets : 0.0);
  switch (p->rule.kind) {
  case HK_RULE_ONE_TO_ONE:
    return targets;
  case HK_RULE_ALL_TO_ALL:
    return pairs;
  case HK_RULE_FIXED_INDEGREE:
    return p->rule.number * targets;
  case HK_RULE_FIXED_OUTDEGREE:
    return p->rule.number * sources;
  case HK_RULE_FIXED_TOTAL_NUMBER:
    return p->rule.number;
  case HK_RULE_PAIRWISE_BERNOULLI:
    return p->rule.number * pairs;
  case HK_RULE_PAIRS:
    return (double)p->rule.pair_count;
  }
  return 0.0;
}
