/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the nodes of a SONATA circuit to populations of the network: parameters and initial states.
 *
 * A value comes from the nodes' file (dynamics_params of the node's group), else from a column of the table of types,
 * else from the JSON file that the type names, else it is the model's preset. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/sonata_circuit.h"
#include "io/sonata_dynamics.h"

static bool is_time(const char *unit)
{
  return strcmp(unit, "ms") == 0;
}

/* --- names that nothing knows --- */

struct names {
  struct hk__circuit *circuit;
  const struct hk__node_population *nodes;
};

static bool is_known(const struct hk_model *model, const char *name)
{
  return hk_model_param(model, name) >= 0 || hk_model_state(model, name) >= 0;
}

static enum hk_status check_stored(void *context, const char *name)
{
  const struct names *names = context;
  for (size_t i = 0; i < names->nodes->part_count; i++)
    if (is_known(names->nodes->parts[i].model, name))
      return HK_OK;
  return hk__h5_complain(names->circuit->messages, HK_ERR_INPUT, names->nodes->path,
                         "%s: dynamics_params/%s is not a parameter of any model of these nodes", names->nodes->where,
                         name);
}

/* --- values --- */

/* What the types of a part say: a JSON object per row of the table, NULL for rows of other parts and without a file. */
struct source {
  struct hk__circuit *circuit;
  const struct hk__node_population *nodes;
  const struct hk__node_part *part;
  const json_t **dynamics;
  double *stored; /* of all nodes, room for one attribute */
};

static enum hk_status load_dynamics(struct source *s)
{
  const struct hk__table *types = &s->nodes->types;
  s->dynamics = calloc(types->row_count + 1, sizeof *s->dynamics);
  bool *seen = calloc(types->row_count + 1, sizeof *seen);
  enum hk_status status = s->dynamics && seen ? HK_OK : HK_ERR_MEMORY;
  for (uint32_t i = 0; i < s->part->count && !status; i++) {
    const uint32_t row = s->nodes->rows[s->part->nodes[i]];
    const char *file = seen[row] ? NULL : hk__table_cell(types, row, "dynamics_params");
    if (!seen[row])
      s->nodes->receptors[row] = hk__dynamics_receptors(NULL, s->part->model);
    seen[row] = true;
    if (!file)
      continue;
    const struct hk_place place = {types->path, types->rows[row].line, 0};
    status = hk__circuit_dynamics(s->circuit, "point_neuron_models_dir", file, &place, &s->dynamics[row]);
    if (!status)
      status = hk__dynamics_check(s->dynamics[row], s->part->model, file, &place, s->circuit->messages);
    if (!status)
      s->nodes->receptors[row] = hk__dynamics_receptors(s->dynamics[row], s->part->model);
  }
  free(seen);
  return status;
}

static enum hk_status type_value(const struct source *s, uint32_t row, const char *name, double *value)
{
  hk__dynamics_value(s->dynamics[row], s->part->model, name, value);
  return hk__table_number(&s->nodes->types, row, name, value, s->circuit->messages);
}

/* The values of one parameter or state for the part's neurons, HK__ABSENT where nothing gives one. */
static enum hk_status read_values(const struct source *s, const char *name, const char *unit, double *values)
{
  char attribute[128];
  snprintf(attribute, sizeof attribute, "dynamics_params/%.100s", name);
  for (uint32_t i = 0; i < s->nodes->size; i++)
    s->stored[i] = HK__ABSENT;
  enum hk_status status = hk__groups_numbers(&s->nodes->groups, attribute, s->stored, NULL, s->circuit->messages);
  for (uint32_t i = 0; i < s->part->count && !status; i++) {
    const uint64_t node = s->part->nodes[i];
    values[i] = s->stored[node];
    if (values[i] == HK__ABSENT)
      status = type_value(s, s->nodes->rows[node], name, &values[i]);
    if (values[i] != HK__ABSENT && s->part->in_seconds && is_time(unit))
      values[i] *= 1000.0;
  }
  return status;
}

/* A constant where all are equal, else the list; false if no neuron has a value. */
static bool to_value(const double *values, uint32_t count, struct hk_value *out)
{
  bool any = false, equal = true;
  for (uint32_t i = 0; i < count; i++) {
    any = any || values[i] != HK__ABSENT;
    equal = equal && values[i] == values[0];
  }
  if (any)
    *out = equal ? hk_value_constant(values[0]) : hk_value_list(values, count);
  return any;
}

static void fill(double *values, uint32_t count, const double *with, double preset)
{
  for (uint32_t i = 0; i < count; i++)
    if (values[i] == HK__ABSENT)
      values[i] = with && with[i] != HK__ABSENT ? with[i] : preset;
}

static bool any_given(const double *values, uint32_t count)
{
  for (uint32_t i = 0; i < count; i++)
    if (values[i] != HK__ABSENT)
      return true;
  return false;
}

/* Settings of one part: values[k] for parameter k, then for the states. */
struct settings {
  double *values;
  struct hk_setting params[HK_PARAMS_MAX], init[HK_STATES_MAX];
  size_t param_count, init_count;
};

static enum hk_status read_params(const struct source *s, struct settings *settings)
{
  const struct hk_model *model = s->part->model;
  const uint32_t count = s->part->count;
  for (size_t k = 0; k < model->param_count; k++) {
    double *values = settings->values + k * count;
    enum hk_status status = read_values(s, model->params[k].name, model->params[k].unit, values);
    if (status)
      return status;
    if (any_given(values, count))
      fill(values, count, NULL, model->params[k].preset);
    struct hk_value value;
    if (to_value(values, count, &value))
      settings->params[settings->param_count++] = (struct hk_setting){model->params[k].name, value};
  }
  return HK_OK;
}

static enum hk_status read_states(const struct source *s, struct settings *settings)
{
  const struct hk_model *model = s->part->model;
  const uint32_t count = s->part->count;
  for (size_t k = 0; k < model->state_count; k++) {
    const struct hk_state *state = &model->states[k];
    double *values = settings->values + (model->param_count + k) * count;
    enum hk_status status = read_values(s, state->name, state->unit, values);
    if (status)
      return status;
    if (strcmp(state->name, "V_m") == 0 && s->circuit->v_init != HK__ABSENT)
      fill(values, count, NULL, s->circuit->v_init);
    const int param = state->preset_param ? hk_model_param(model, state->preset_param) : -1;
    if (any_given(values, count))
      fill(values, count, param < 0 ? NULL : settings->values + (size_t)param * count,
           param < 0 ? state->preset : model->params[param].preset);
    struct hk_value value;
    if (to_value(values, count, &value))
      settings->init[settings->init_count++] = (struct hk_setting){state->name, value};
  }
  return HK_OK;
}

static enum hk_status read_settings(struct source *s, struct settings *settings)
{
  const struct hk_model *model = s->part->model;
  const size_t rows = model->param_count + model->state_count;
  settings->values = calloc(rows * s->part->count + 1, sizeof *settings->values);
  s->stored = malloc(((size_t)s->nodes->size + 1) * sizeof *s->stored);
  enum hk_status status = settings->values && s->stored ? load_dynamics(s) : HK_ERR_MEMORY;
  if (!status)
    status = read_params(s, settings);
  if (!status)
    status = read_states(s, settings);
  free(s->stored);
  free(s->dynamics);
  return status;
}

/* --- populations --- */

/* The population's own name, or with the model's where it has several. */
static char *part_name(const struct hk__node_population *nodes, const struct hk__node_part *part)
{
  char *name = NULL;
  const bool alone = nodes->part_count == 1;
  if (asprintf(&name, "%s%s%s", nodes->name, alone ? "" : ".", alone ? "" : part->model->name) < 0)
    return NULL;
  return name;
}

static enum hk_status add_neurons(struct hk__circuit *circuit, struct hk__node_population *nodes,
                                  struct hk__node_part *part, struct hk_population_spec *spec,
                                  const struct hk_place *place)
{
  struct source source = {.circuit = circuit, .nodes = nodes, .part = part};
  struct settings settings = {0};
  enum hk_status status = read_settings(&source, &settings);
  if (!status) {
    spec->params = settings.params;
    spec->param_count = settings.param_count;
    spec->init = settings.init;
    spec->init_count = settings.init_count;
    status = hk_network_add_population(circuit->out, spec, &part->index, place, circuit->messages);
  }
  free(settings.values);
  return status;
}

/* Trains are per node of the whole population; a part of it takes its own. */
static enum hk_status part_trains(struct hk__node_population *nodes, const struct hk__node_part *part,
                                  struct hk__source_trains *out)
{
  struct hk__spike_list own = {0};
  own.spikes = malloc((nodes->spikes.count + 1) * sizeof *own.spikes);
  if (!own.spikes)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < nodes->spikes.count; i++) {
    const struct hk__listed_spike spike = nodes->spikes.spikes[i];
    if (&nodes->parts[nodes->part[spike.id]] == part)
      own.spikes[own.count++] = (struct hk__listed_spike){spike.time, nodes->neuron[spike.id]};
  }
  uint64_t left_out;
  enum hk_status status = hk__spike_list_trains(&own, part->count, out, &left_out);
  hk__spike_list_clear(&own);
  return status;
}

static enum hk_status add_sources(struct hk__circuit *circuit, struct hk__node_population *nodes,
                                  struct hk__node_part *part, struct hk_population_spec *spec,
                                  const struct hk_place *place)
{
  if (!nodes->has_input)
    hk_messages_add(circuit->messages, HK_SEVERITY_WARNING, place,
                    "population %s is virtual, but no input gives it spikes: it stays silent", nodes->name);
  struct hk__source_trains trains;
  enum hk_status status = part_trains(nodes, part, &trains);
  if (status)
    return status;
  spec->trains = (struct hk_trains){trains.times, trains.offsets};
  status = hk_network_add_population(circuit->out, spec, &part->index, place, circuit->messages);
  hk__source_trains_clear(&trains);
  return status;
}

static enum hk_status add_part(struct hk__circuit *circuit, struct hk__node_population *nodes,
                               struct hk__node_part *part)
{
  const struct hk_place place = {nodes->path, 0, 0};
  const bool alone = nodes->part_count == 1;
  char *name = part_name(nodes, part);
  if (!name)
    return HK_ERR_MEMORY;
  struct hk_population_spec spec = {.name = name,
                                    .model = part->model->name,
                                    .size = part->count,
                                    .record_as = alone ? NULL : nodes->name,
                                    .record_ids = alone ? NULL : part->nodes};
  enum hk_status status = part->model->kind == HK_MODEL_TRAINS ? add_sources(circuit, nodes, part, &spec, &place)
                                                               : add_neurons(circuit, nodes, part, &spec, &place);
  free(name);
  return status;
}

enum hk_status hk__circuit_add_populations(struct hk__circuit *circuit)
{
  enum hk_status all = HK_OK;
  for (size_t p = 0; p < circuit->node_count; p++) {
    struct hk__node_population *nodes = &circuit->nodes[p];
    struct names names = {circuit, nodes};
    enum hk_status status = hk__groups_visit(&nodes->groups, "dynamics_params", check_stored, &names);
    if (status && status != HK_ERR_INPUT)
      return status;
    all = all ? all : status;
    for (size_t i = 0; i < nodes->part_count; i++) {
      status = add_part(circuit, nodes, &nodes->parts[i]);
      if (status && status != HK_ERR_INPUT)
        return status;
      all = all ? all : status;
    }
  }
  return all;
}
