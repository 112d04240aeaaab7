/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes of a SONATA circuit: which there are, and which model each has. */
#include <stdlib.h>
#include <string.h>

#include "core/suggest.h"
#include "io/sonata_circuit.h"

struct hk__node_population *hk__circuit_find(const struct hk__circuit *circuit, const char *name)
{
  for (size_t i = 0; i < circuit->node_count; i++)
    if (strcmp(circuit->nodes[i].name, name) == 0)
      return &circuit->nodes[i];
  return NULL;
}

enum hk_status hk__circuit_dynamics(struct hk__circuit *circuit, const char *component, const char *name,
                                    const struct hk_place *place, const json_t **out)
{
  const json_t *components = json_object_get(circuit->network_file->root, "components");
  const char *folder = json_string_value(json_object_get(components, component));
  if (!folder) {
    hk_messages_add(circuit->messages, HK_SEVERITY_ERROR, place,
                    "dynamics_params names `%.100s`, but `components` of %s does not say where %s is", name,
                    circuit->network_file->path, component);
    return HK_ERR_INPUT;
  }
  char *path = NULL;
  if (asprintf(&path, "%s/%s", folder, name) < 0)
    return HK_ERR_MEMORY;
  enum hk_status status = HK_OK;
  if (!(*out = json_object_get(circuit->dynamics, path))) {
    struct hk__json_file file;
    status = hk__json_load(path, NULL, &file, circuit->messages);
    if (status == HK_ERR_INPUT)
      hk_messages_add(circuit->messages, HK_SEVERITY_ERROR, place,
                      "dynamics_params `%.100s` cannot be had from %s of `components`", name, component);
    if (!status) {
      status = json_object_set(circuit->dynamics, path, file.root) ? HK_ERR_MEMORY : HK_OK;
      hk__json_close(&file);
      *out = json_object_get(circuit->dynamics, path);
    }
  }
  free(path);
  return status;
}

/* --- models --- */

/* Attributes that choose a node's model; per node where the nodes' file has them, else per type. */
struct kinds {
  char **type, **template, **processing; /* NULL: the table's */
};

static enum hk_status read_texts(struct hk__circuit *circuit, const struct hk__node_population *nodes,
                                 const char *attribute, char ***out)
{
  char **texts = calloc((size_t)nodes->size + 1, sizeof *texts);
  if (!texts)
    return HK_ERR_MEMORY;
  bool found = false;
  enum hk_status status = hk__groups_texts(&nodes->groups, attribute, texts, &found, circuit->messages);
  if (!status && found)
    *out = texts;
  else
    hk__h5_names_free(texts, nodes->size);
  return status;
}

static void free_texts(char **texts, uint32_t count)
{
  if (texts)
    hk__h5_names_free(texts, count);
}

static const char *text_of(const struct hk__node_population *nodes, char *const *texts, const char *column,
                           uint32_t node)
{
  return texts && texts[node] ? texts[node] : hk__table_cell(&nodes->types, nodes->rows[node], column);
}

static enum hk_status refuse(struct hk__circuit *circuit, const struct hk__node_population *nodes, uint32_t node,
                             const char *what, const char *found, const char *hint)
{
  const struct hk_place place = {nodes->types.path, nodes->types.rows[nodes->rows[node]].line, 0};
  hk_messages_add(circuit->messages, HK_SEVERITY_ERROR, &place, "node %u of population %s: %s `%.100s`%s",
                  (unsigned)node, nodes->name, what, found ? found : "NULL", hint);
  return HK_ERR_INPUT;
}

static enum hk_status find_template(struct hk__circuit *circuit, const struct hk__node_population *nodes, uint32_t node,
                                    const char *template, struct hk__node_part *out)
{
  static const char intfire[] = "nrn:IntFire1", nest[] = "nest:";
  if (template && strcmp(template, intfire) == 0) {
    *out = (struct hk__node_part){.model = hk_model_find("intfire1"), .in_seconds = true};
    return HK_OK;
  }
  struct hk__suggestion nearest;
  hk__suggest_begin(&nearest, template ? template : "");
  if (template && strncmp(template, nest, sizeof nest - 1) == 0) {
    const char *name = template + sizeof nest - 1;
    const struct hk_model *model = hk_model_find(name);
    if (model && (model->kind == HK_MODEL_LINEAR || model->kind == HK_MODEL_NONLINEAR)) {
      *out = (struct hk__node_part){.model = model};
      return HK_OK;
    }
    hk__suggest_begin(&nearest, name);
    for (size_t i = 0; i < hk_model_count(); i++)
      hk__suggest_offer(&nearest, hk_model_at(i)->name);
  }
  hk__suggest_offer(&nearest, intfire);
  char hint[256];
  snprintf(hint, sizeof hint, " is not supported; %s and %sNAME with a NAME of `hillock models` are%s", intfire, nest,
           hk__suggest_clause(&nearest));
  return refuse(circuit, nodes, node, "model_template", template, hint);
}

static enum hk_status find_model(struct hk__circuit *circuit, const struct hk__node_population *nodes,
                                 const struct kinds *kinds, uint32_t node, struct hk__node_part *out)
{
  const char *type = text_of(nodes, kinds->type, "model_type", node);
  const char *processing = text_of(nodes, kinds->processing, "model_processing", node);
  if (type && strcmp(type, "virtual") == 0) {
    *out = (struct hk__node_part){.model = hk_model_find("spike_source")};
    return HK_OK;
  }
  if (!type || (strcmp(type, "point_neuron") != 0 && strcmp(type, "point_process") != 0))
    return refuse(circuit, nodes, node, "model_type", type,
                  " is not supported; virtual, point_neuron and point_process are");
  if (processing)
    return refuse(circuit, nodes, node, "model_processing", processing, " is not supported: it changes the model");
  return find_template(circuit, nodes, node, text_of(nodes, kinds->template, "model_template", node), out);
}

static ptrdiff_t find_part(const struct hk__node_population *nodes, const struct hk__node_part *like)
{
  for (size_t i = 0; i < nodes->part_count; i++)
    if (nodes->parts[i].model == like->model && nodes->parts[i].in_seconds == like->in_seconds)
      return (ptrdiff_t)i;
  return -1;
}

static enum hk_status add_to_part(struct hk__node_population *nodes, uint32_t node, const struct hk__node_part *like)
{
  ptrdiff_t at = find_part(nodes, like);
  if (at < 0) {
    struct hk__node_part *parts = realloc(nodes->parts, (nodes->part_count + 1) * sizeof *parts);
    if (!parts)
      return HK_ERR_MEMORY;
    nodes->parts = parts;
    at = (ptrdiff_t)nodes->part_count++;
    parts[at] = *like;
    parts[at].nodes = malloc(((size_t)nodes->size + 1) * sizeof *parts[at].nodes);
    if (!parts[at].nodes)
      return HK_ERR_MEMORY;
  }
  struct hk__node_part *part = &nodes->parts[at];
  nodes->part[node] = (uint32_t)at;
  nodes->neuron[node] = part->count;
  part->nodes[part->count++] = node;
  return HK_OK;
}

static enum hk_status divide(struct hk__circuit *circuit, struct hk__node_population *nodes)
{
  struct kinds kinds = {0};
  nodes->part = calloc((size_t)nodes->size + 1, sizeof *nodes->part);
  nodes->neuron = calloc((size_t)nodes->size + 1, sizeof *nodes->neuron);
  enum hk_status status = nodes->part && nodes->neuron ? HK_OK : HK_ERR_MEMORY;
  if (!status)
    status = read_texts(circuit, nodes, "model_type", &kinds.type);
  if (!status)
    status = read_texts(circuit, nodes, "model_template", &kinds.template);
  if (!status)
    status = read_texts(circuit, nodes, "model_processing", &kinds.processing);
  for (uint32_t i = 0; i < nodes->size && !status; i++) {
    struct hk__node_part part;
    status = find_model(circuit, nodes, &kinds, i, &part);
    if (!status)
      status = add_to_part(nodes, i, &part);
  }
  free_texts(kinds.type, nodes->size);
  free_texts(kinds.template, nodes->size);
  free_texts(kinds.processing, nodes->size);
  return status;
}

/* --- files --- */

static enum hk_status read_column(struct hk__circuit *circuit, const struct hk__node_population *nodes,
                                  const char *name, unsigned want, uint64_t **values, uint64_t *count)
{
  struct hk__h5_column column;
  enum hk_status status = hk__h5_column_open(nodes->group, nodes->where, name, want | HK__H5_INTEGERS, nodes->path,
                                             &column, circuit->messages);
  if (status)
    return status;
  *count = column.count;
  *values = column.count < UINT32_MAX ? malloc((column.count + 1) * sizeof **values) : NULL;
  if (!*values)
    status = HK_ERR_MEMORY;
  else if (hk__h5_column_unsigned(&column, 0, (size_t)column.count, *values))
    status = hk__h5_complain(circuit->messages, HK_ERR_INPUT, nodes->path, "%s/%s cannot be read or is negative",
                             nodes->where, name);
  hk__h5_column_close(&column);
  return status;
}

/* Node ids are positions: SONATA's readers rely on it too. */
static enum hk_status check_ids(struct hk__circuit *circuit, const struct hk__node_population *nodes)
{
  if (!hk__h5_has_dataset(nodes->group, "node_id"))
    return HK_OK;
  uint64_t *ids = NULL, count = 0;
  enum hk_status status = read_column(circuit, nodes, "node_id", 0, &ids, &count);
  bool good = count == nodes->size;
  for (uint64_t i = 0; i < count && !status && good; i++)
    good = ids[i] == i;
  free(ids);
  if (!status && !good)
    status = hk__h5_complain(circuit->messages, HK_ERR_INPUT, nodes->path, "%s/node_id: 0, 1, 2, ... %u were expected",
                             nodes->where, (unsigned)nodes->size - 1);
  return status;
}

static enum hk_status read_types(struct hk__circuit *circuit, struct hk__node_population *nodes)
{
  uint64_t *types = NULL, count = 0;
  enum hk_status status = read_column(circuit, nodes, "node_type_id", HK__H5_STORED, &types, &count);
  if (!status && !(nodes->rows = malloc((count + 1) * sizeof *nodes->rows)))
    status = HK_ERR_MEMORY;
  nodes->size = status ? 0 : (uint32_t)count;
  for (uint64_t i = 0; i < count && !status; i++) {
    const ptrdiff_t row = hk__table_find(&nodes->types, types[i]);
    if (row < 0)
      status = hk__h5_complain(circuit->messages, HK_ERR_INPUT, nodes->path,
                               "node %llu of population %s is of type %llu, which is not in %s", (unsigned long long)i,
                               nodes->name, (unsigned long long)types[i], nodes->types.path);
    else
      nodes->rows[i] = (uint32_t)row;
  }
  free(types);
  return status;
}

static enum hk_status read_population(struct hk__circuit *circuit, struct hk__node_population *nodes, hid_t all,
                                      const char *types_path)
{
  nodes->group = H5Gopen2(all, nodes->name, H5P_DEFAULT);
  if (nodes->group < 0)
    return hk__h5_complain(circuit->messages, HK_ERR_INPUT, nodes->path, "%s cannot be read", nodes->where);
  enum hk_status status = hk__table_read(types_path, "node_type_id", &nodes->types, circuit->messages);
  nodes->receptors = calloc(nodes->types.row_count + 1, sizeof *nodes->receptors);
  if (!status && !nodes->receptors)
    status = HK_ERR_MEMORY;
  if (!status)
    status = read_types(circuit, nodes);
  if (!status)
    status = check_ids(circuit, nodes);
  if (!status)
    status = hk__groups_open(&nodes->groups, nodes->path, nodes->where, nodes->group, "node", nodes->size,
                             circuit->messages);
  return status ? status : divide(circuit, nodes);
}

static enum hk_status add_population(struct hk__circuit *circuit, const char *path, const char *types_path, hid_t file,
                                     hid_t all, const char *name)
{
  if (hk__circuit_find(circuit, name))
    return hk__h5_complain(circuit->messages, HK_ERR_INPUT, path, "population %s is there in another file already",
                           name);
  struct hk__node_population *list = realloc(circuit->nodes, (circuit->node_count + 1) * sizeof *list);
  if (!list)
    return HK_ERR_MEMORY;
  circuit->nodes = list;
  struct hk__node_population *nodes = &list[circuit->node_count++];
  *nodes = (struct hk__node_population){.name = strdup(name), .path = strdup(path), .file = file, .group = -1};
  H5Iinc_ref(file); /* its reader of attributes needs it until the circuit is done */
  if (asprintf(&nodes->where, "/nodes/%s", name) < 0)
    nodes->where = NULL;
  if (!nodes->name || !nodes->path || !nodes->where)
    return HK_ERR_MEMORY;
  return read_population(circuit, nodes, all, types_path);
}

static enum hk_status read_file(struct hk__circuit *circuit, const char *path, const char *types_path)
{
  hid_t file;
  enum hk_status status = hk__h5_open(path, &file, circuit->messages);
  if (status)
    return status;
  hid_t all = hk__h5_has_group(file, "nodes") ? H5Gopen2(file, "nodes", H5P_DEFAULT) : -1;
  char **names = NULL;
  size_t count = 0;
  if (all >= 0)
    status = hk__h5_group_names(all, &names, &count);
  if (all < 0 || status == HK_ERR_IO)
    status = hk__h5_complain(circuit->messages, HK_ERR_INPUT, path, "holds no nodes: it has no group /nodes");
  for (size_t i = 0; i < count && !status; i++)
    status = add_population(circuit, path, types_path, file, all, names[i]);
  hk__h5_names_free(names, count);
  hk__h5_drop(all);
  hk__h5_drop(file);
  return status;
}

enum hk_status hk__circuit_read_nodes(struct hk__circuit *circuit)
{
  const struct hk__json_file *file = circuit->network_file;
  size_t index;
  json_t *entry;
  enum hk_status all = HK_OK;
  json_array_foreach(json_object_get(json_object_get(file->root, "networks"), "nodes"), index, entry)
  {
    char key[64];
    const char *path = NULL, *types = NULL;
    snprintf(key, sizeof key, "networks.nodes.%zu", index);
    enum hk_status status = hk__json_text(file, entry, key, "nodes_file", &path, circuit->messages);
    if (!status)
      status = hk__json_text(file, entry, key, "node_types_file", &types, circuit->messages);
    if (!status && (!path || !types))
      status = hk__json_tell(file, HK_SEVERITY_ERROR, key, circuit->messages,
                             "nodes_file and node_types_file were expected");
    if (!status)
      status = read_file(circuit, path, types);
    if (status && status != HK_ERR_INPUT)
      return status;
    all = all ? all : status;
  }
  if (!all && circuit->node_count == 0)
    all = hk__json_tell(file, HK_SEVERITY_ERROR, "networks.nodes", circuit->messages, "names no nodes");
  return all;
}
