/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edges of a SONATA circuit as projections of the rule `pairs`: one per pair of populations of the network and
 * receptor.
 *
 * weight = syn_weight * nsyns * sign, sign from the JSON file that the type names, as is the receptor (`receptor_type`:
 * the number of a port). A value comes from the edges' file, else from the table of types. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/suggest.h"
#include "io/edges_file.h"
#include "io/sonata_circuit.h"

/* What a row of the table says; HK__ABSENT where it says nothing. */
struct edge_type {
  double weight, delay, nsyns, sign;
  size_t receptor; /* 0: by the weight's sign */
};

struct reading {
  struct hk__circuit *circuit;
  const char *path; /* of the edges' file */
  struct hk__table types;
  struct edge_type *rows; /* one per row of the table */
  const struct hk__edge_population *edges;
  const struct hk__node_population *source, *target;
  double *weights, *delays; /* one per edge */
  size_t *receptors;
};

/* --- types --- */

static enum hk_status refuse_cell(struct reading *r, size_t row, const char *column, const char *cell, const char *hint)
{
  const struct hk_place place = {r->types.path, r->types.rows[row].line, 0};
  hk_messages_add(r->circuit->messages, HK_SEVERITY_ERROR, &place, "%s `%.100s` is not supported%s", column, cell,
                  hint);
  return HK_ERR_INPUT;
}

static bool is_one_of(const char *text, const char *const *list)
{
  for (; *list; list++)
    if (strcmp(text, *list) == 0)
      return true;
  return false;
}

static enum hk_status check_synapse(struct reading *r, size_t row)
{
  static const char *const templates[] = {"static_synapse", "nest:static_synapse", "nrn:NetCon", "NetCon", NULL};
  static const char *const functions[] = {"wmax", "default", "default_weight_fnc", NULL};
  const char *cell = hk__table_cell(&r->types, row, "model_template");
  if (cell && !is_one_of(cell, templates))
    return refuse_cell(r, row, "model_template", cell, "; synapses have a constant weight (static_synapse)");
  cell = hk__table_cell(&r->types, row, "weight_function");
  if (cell && !is_one_of(cell, functions))
    return refuse_cell(r, row, "weight_function", cell, "; write the weights to syn_weight instead");
  return HK_OK;
}

static enum hk_status refuse_entry(struct reading *r, const struct hk_place *place, const char *file, const char *name)
{
  const char *hint = "";
  if (strcmp(name, "sign") == 0)
    hint = "; 1 or -1 was expected";
  else if (strcmp(name, "receptor_type") == 0)
    hint = "; a whole number from 1 on was expected";
  hk_messages_add(r->circuit->messages, HK_SEVERITY_ERROR, place,
                  "%.100s: `%.60s` is not supported, and would change the synapse%s", file, name, hint);
  return HK_ERR_INPUT;
}

/* The file says which sign the weight has, which receptor it goes to and what kind of synapse it is; kinds with
 * dynamics are not supported. */
static enum hk_status read_dynamics(struct reading *r, size_t row)
{
  const char *file = hk__table_cell(&r->types, row, "dynamics_params"), *name;
  if (!file)
    return HK_OK;
  const struct hk_place place = {r->types.path, r->types.rows[row].line, 0};
  const json_t *dynamics;
  enum hk_status status = hk__circuit_dynamics(r->circuit, "synaptic_models_dir", file, &place, &dynamics);
  if (status)
    return status;
  json_t *value;
  json_object_foreach((json_t *)dynamics, name, value)
  {
    if (strcmp(name, "sign") == 0 && json_is_number(value) && fabs(json_number_value(value)) == 1.0)
      r->rows[row].sign = json_number_value(value);
    else if (strcmp(name, "receptor_type") == 0 && json_is_integer(value) && json_integer_value(value) > 0)
      r->rows[row].receptor = (size_t)json_integer_value(value);
    else if (!json_is_string(value) && !json_is_null(value) && !json_is_false(value))
      status = refuse_entry(r, &place, file, name);
  }
  return status;
}

static enum hk_status read_types(struct reading *r, const char *path)
{
  if (!path)
    return HK_OK;
  enum hk_status all = hk__table_read(path, "edge_type_id", &r->types, r->circuit->messages);
  if (!all && !(r->rows = calloc(r->types.row_count + 1, sizeof *r->rows)))
    all = HK_ERR_MEMORY;
  for (size_t i = 0; i < r->types.row_count && (!all || all == HK_ERR_INPUT); i++) {
    struct edge_type *row = &r->rows[i];
    *row = (struct edge_type){HK__ABSENT, HK__ABSENT, 1.0, 1.0, 0};
    enum hk_status status = hk__table_number(&r->types, i, "syn_weight", &row->weight, r->circuit->messages);
    if (!status)
      status = hk__table_number(&r->types, i, "delay", &row->delay, r->circuit->messages);
    if (!status)
      status = hk__table_number(&r->types, i, "nsyns", &row->nsyns, r->circuit->messages);
    if (!status)
      status = check_synapse(r, i);
    if (!status)
      status = read_dynamics(r, i);
    if (status && status != HK_ERR_INPUT)
      return status;
    all = all ? all : status;
  }
  return all;
}

/* --- values --- */

static enum hk_status wrong_edge(struct reading *r, uint64_t edge, const char *what)
{
  return hk__h5_complain(r->circuit->messages, HK_ERR_INPUT, r->path, "edge %llu of population %s: %s",
                         (unsigned long long)edge, r->edges->name, what);
}

static double own_or(const double *values, uint64_t edge, double other)
{
  return values && values[edge] != HK__ABSENT ? values[edge] : other;
}

/* Neurons with numbered receptors must be told which; others choose by the weight's sign. */
static enum hk_status check_receptor(struct reading *r, uint64_t edge)
{
  const uint64_t to = r->edges->targets[edge];
  const size_t wanted = r->receptors[edge], most = r->target->receptors[r->target->rows[to]];
  const char *model = r->target->parts[r->target->part[to]].model->name;
  char what[200];
  if (wanted <= most && (wanted > 0) == (most > 0))
    return HK_OK;
  if (most == 0)
    snprintf(what, sizeof what, "receptor_type %zu, but neurons of %s have no numbered receptors", wanted, model);
  else if (wanted == 0)
    snprintf(what, sizeof what, "a receptor_type from 1 to %zu was expected in dynamics_params of its type (%s)", most,
             model);
  else
    snprintf(what, sizeof what, "receptor_type %zu, but node %llu of %s has %zu receptors (tau_syn)", wanted,
             (unsigned long long)to, r->target->name, most);
  return wrong_edge(r, edge, what);
}

static enum hk_status value_edge(struct reading *r, uint64_t edge)
{
  const struct hk__edge_population *edges = r->edges;
  struct edge_type type = {HK__ABSENT, HK__ABSENT, 1.0, 1.0, 0};
  char what[160];
  if (r->types.path) {
    const ptrdiff_t row = edges->types ? hk__table_find(&r->types, edges->types[edge]) : -1;
    if (row < 0) {
      snprintf(what, sizeof what, "its type %llu is not in the table of edge types",
               edges->types ? (unsigned long long)edges->types[edge] : 0);
      return wrong_edge(r, edge, edges->types ? what : "the population has no edge_type_id");
    }
    type = r->rows[row];
  }
  const double weight = own_or(edges->weights, edge, type.weight), delay = own_or(edges->delays, edge, type.delay);
  if (weight == HK__ABSENT || delay == HK__ABSENT)
    return wrong_edge(r, edge,
                      weight == HK__ABSENT ? "neither the file nor the table of types gives its syn_weight"
                                           : "neither the file nor the table of types gives its delay");
  r->weights[edge] = weight * own_or(edges->nsyns, edge, type.nsyns) * type.sign;
  r->delays[edge] = delay;
  if (!isfinite(r->weights[edge]) || !(delay > 0.0) || isinf(delay)) {
    snprintf(what, sizeof what, "its weight is %g and its delay %g ms; finite ones and a delay above 0 were expected",
             r->weights[edge], delay);
    return wrong_edge(r, edge, what);
  }
  if (edges->sources[edge] >= r->source->size || edges->targets[edge] >= r->target->size) {
    snprintf(what, sizeof what, "from node %llu to node %llu, but %s and %s have %u and %u nodes",
             (unsigned long long)edges->sources[edge], (unsigned long long)edges->targets[edge], "its populations",
             r->source->name, (unsigned)r->source->size, (unsigned)r->target->size);
    return wrong_edge(r, edge, what);
  }
  r->receptors[edge] = type.receptor;
  return check_receptor(r, edge);
}

/* --- projections --- */

struct pairs {
  uint32_t *sources, *targets;
  double *weights, *delays;
  size_t count;
};

static void free_pairs(struct pairs *pairs)
{
  free(pairs->sources);
  free(pairs->targets);
  free(pairs->weights);
  free(pairs->delays);
}

static enum hk_status allocate(struct pairs *pairs, uint64_t count)
{
  *pairs = (struct pairs){.sources = malloc((count + 1) * sizeof *pairs->sources),
                          .targets = malloc((count + 1) * sizeof *pairs->targets),
                          .weights = malloc((count + 1) * sizeof *pairs->weights),
                          .delays = malloc((count + 1) * sizeof *pairs->delays)};
  return pairs->sources && pairs->targets && pairs->weights && pairs->delays ? HK_OK : HK_ERR_MEMORY;
}

static struct hk_value as_value(const double *list, size_t count)
{
  for (size_t i = 1; i < count; i++)
    if (list[i] != list[0])
      return hk_value_list(list, count);
  return hk_value_constant(list[0]);
}

static enum hk_status add_projection(struct reading *r, size_t source, size_t target, size_t receptor,
                                     struct pairs *pairs)
{
  const struct hk__edge_population *edges = r->edges;
  pairs->count = 0;
  for (uint64_t i = 0; i < edges->count; i++) {
    const uint64_t from = edges->sources[i], to = edges->targets[i];
    if (r->source->part[from] != source || r->target->part[to] != target || r->receptors[i] != receptor)
      continue;
    pairs->sources[pairs->count] = r->source->neuron[from];
    pairs->targets[pairs->count] = r->target->neuron[to];
    pairs->weights[pairs->count] = r->weights[i];
    pairs->delays[pairs->count++] = r->delays[i];
  }
  if (pairs->count == 0)
    return HK_OK;
  char port[24];
  snprintf(port, sizeof port, "%zu", receptor);
  const struct hk_projection_spec spec = {.source = r->source->parts[source].index,
                                          .target = r->target->parts[target].index,
                                          .rule = {.kind = HK_RULE_PAIRS,
                                                   .allow_autapses = true,
                                                   .allow_multapses = true,
                                                   .sources = pairs->sources,
                                                   .targets = pairs->targets,
                                                   .pair_count = pairs->count},
                                          .weight = as_value(pairs->weights, pairs->count),
                                          .delay = as_value(pairs->delays, pairs->count),
                                          .port = receptor > 0 ? port : NULL};
  const struct hk_place place = {r->path, 0, 0};
  return hk_network_add_projection(r->circuit->out, &spec, NULL, &place, r->circuit->messages);
}

static enum hk_status add_projections(struct reading *r)
{
  struct pairs pairs;
  enum hk_status status = allocate(&pairs, r->edges->count);
  for (size_t s = 0; s < r->source->part_count && !status; s++)
    for (size_t t = 0; t < r->target->part_count && !status; t++)
      for (size_t receptor = 0; receptor <= HK_PORTS_MAX && !status; receptor++)
        status = add_projection(r, s, t, receptor, &pairs);
  free_pairs(&pairs);
  return status;
}

/* --- files --- */

static enum hk_status find_end(struct reading *r, const char *name, const char *which,
                               const struct hk__node_population **out)
{
  if (!name)
    return hk__h5_complain(r->circuit->messages, HK_ERR_INPUT, r->path,
                           "/edges/%s/%s_node_id has no attribute node_population", r->edges->name, which);
  *out = hk__circuit_find(r->circuit, name);
  if (*out)
    return HK_OK;
  struct hk__suggestion nearest;
  hk__suggest_begin(&nearest, name);
  for (size_t i = 0; i < r->circuit->node_count; i++)
    hk__suggest_offer(&nearest, r->circuit->nodes[i].name);
  return hk__h5_complain(r->circuit->messages, HK_ERR_INPUT, r->path,
                         "/edges/%s/%s_node_id is of a population `%.100s` that no nodes file has%s", r->edges->name,
                         which, name, hk__suggest_clause(&nearest));
}

static enum hk_status add_population(struct reading *r)
{
  if (r->edges->has_dynamics)
    return hk__h5_complain(r->circuit->messages, HK_ERR_INPUT, r->path,
                           "/edges/%s has dynamics_params, which are not supported: synapses have a weight and a delay",
                           r->edges->name);
  enum hk_status status = find_end(r, r->edges->source, "source", &r->source);
  if (!status)
    status = find_end(r, r->edges->target, "target", &r->target);
  r->weights = malloc((r->edges->count + 1) * sizeof *r->weights);
  r->delays = malloc((r->edges->count + 1) * sizeof *r->delays);
  r->receptors = malloc((r->edges->count + 1) * sizeof *r->receptors);
  if (!status && (!r->weights || !r->delays || !r->receptors))
    status = HK_ERR_MEMORY;
  for (uint64_t i = 0; i < r->edges->count && !status; i++)
    status = value_edge(r, i);
  if (!status)
    status = add_projections(r);
  free(r->weights);
  free(r->delays);
  free(r->receptors);
  return status;
}

static enum hk_status add_file(struct hk__circuit *circuit, const char *path, const char *types_path)
{
  struct reading r = {.circuit = circuit, .path = path};
  struct hk__edge_population *populations = NULL;
  size_t count = 0;
  enum hk_status status = read_types(&r, types_path);
  if (!status)
    status = hk__edge_populations_read(path, NULL, &populations, &count, circuit->messages);
  for (size_t i = 0; i < count && !status; i++) {
    r.edges = &populations[i];
    status = add_population(&r);
  }
  hk__edge_populations_free(populations, count);
  hk__table_clear(&r.types);
  free(r.rows);
  return status;
}

enum hk_status hk__circuit_add_edges(struct hk__circuit *circuit)
{
  const struct hk__json_file *file = circuit->network_file;
  size_t index;
  json_t *entry;
  enum hk_status all = HK_OK;
  json_array_foreach(json_object_get(json_object_get(file->root, "networks"), "edges"), index, entry)
  {
    char key[64];
    bool enabled = true;
    const char *path = NULL, *types = NULL;
    snprintf(key, sizeof key, "networks.edges.%zu", index);
    enum hk_status status = hk__json_flag(file, entry, key, "enabled", &enabled, circuit->messages);
    if (!status)
      status = hk__json_text(file, entry, key, "edges_file", &path, circuit->messages);
    if (!status)
      status = hk__json_text(file, entry, key, "edge_types_file", &types, circuit->messages);
    if (!status && !path)
      status = hk__json_tell(file, HK_SEVERITY_ERROR, key, circuit->messages, "edges_file was expected");
    if (!status && enabled)
      status = add_file(circuit, path, types);
    if (status && status != HK_ERR_INPUT)
      return status;
    all = all ? all : status;
  }
  return all;
}
