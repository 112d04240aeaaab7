/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading SONATA edges files, for circuits and for the rule `file: edges.h5`. */
#include "io/edges_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/suggest.h"
#include "io/h5.h"
#include "io/sonata.h"
#include "io/sonata_groups.h"

static void clear(struct hk__edge_population *edges)
{
  free(edges->name);
  free(edges->source);
  free(edges->target);
  free(edges->sources);
  free(edges->targets);
  free(edges->types);
  free(edges->weights);
  free(edges->delays);
  free(edges->nsyns);
  *edges = (struct hk__edge_population){0};
}

void hk__edge_populations_free(struct hk__edge_population *populations, size_t count)
{
  for (size_t i = 0; i < count; i++)
    clear(&populations[i]);
  free(populations);
}

/* Ids of one end; the name of the population they belong to. */
static enum hk_status read_ids(hid_t group, const char *where, const char *name, const char *path, uint64_t **ids,
                               char **population, uint64_t *count, struct hk_messages *messages)
{
  struct hk__h5_column column;
  enum hk_status status =
      hk__h5_column_open(group, where, name, HK__H5_INTEGERS | HK__H5_STORED, path, &column, messages);
  if (status)
    return status;
  *count = column.count;
  if (population)
    status = hk__h5_text(column.dataset, "node_population", population);
  *ids = column.count > SIZE_MAX / sizeof **ids - 1 ? NULL : malloc((column.count + 1) * sizeof **ids);
  if (!*ids || status)
    status = HK_ERR_MEMORY;
  else if (hk__h5_column_unsigned(&column, 0, (size_t)column.count, *ids))
    status = hk__h5_complain(messages, HK_ERR_INPUT, path, "%s/%s cannot be read or has negative numbers", where, name);
  hk__h5_column_close(&column);
  return status;
}

static enum hk_status lengths_differ(const char *path, const char *where, const char *name, uint64_t found,
                                     uint64_t expected, struct hk_messages *messages)
{
  return hk__h5_complain(messages, HK_ERR_INPUT, path, "%s/%s has %llu values, %llu were expected", where, name,
                         (unsigned long long)found, (unsigned long long)expected);
}

static enum hk_status read_ends(hid_t group, const char *where, const char *path, struct hk__edge_population *edges,
                                struct hk_messages *messages)
{
  uint64_t targets = 0, types = 0;
  enum hk_status status =
      read_ids(group, where, "source_node_id", path, &edges->sources, &edges->source, &edges->count, messages);
  if (!status)
    status = read_ids(group, where, "target_node_id", path, &edges->targets, &edges->target, &targets, messages);
  if (!status && targets != edges->count)
    status = lengths_differ(path, where, "target_node_id", targets, edges->count, messages);
  if (!status && hk__h5_has_dataset(group, "edge_type_id")) {
    status = read_ids(group, where, "edge_type_id", path, &edges->types, NULL, &types, messages);
    if (!status && types != edges->count)
      status = lengths_differ(path, where, "edge_type_id", types, edges->count, messages);
  }
  return status;
}

static enum hk_status read_numbers(const struct hk__groups *groups, const char *attribute, double **out,
                                   struct hk_messages *messages)
{
  double *values = malloc((groups->count + 1) * sizeof *values);
  if (!values)
    return HK_ERR_MEMORY;
  for (uint64_t i = 0; i < groups->count; i++)
    values[i] = HK__ABSENT;
  bool found = false;
  enum hk_status status = hk__groups_numbers(groups, attribute, values, &found, messages);
  if (found && !status)
    *out = values;
  else
    free(values);
  return status;
}

static enum hk_status take_notice(void *context, const char *name)
{
  (void)name;
  *(bool *)context = true;
  return HK_OK;
}

static enum hk_status read_attributes(hid_t group, const char *where, const char *path,
                                      struct hk__edge_population *edges, struct hk_messages *messages)
{
  struct hk__groups groups;
  enum hk_status status = hk__groups_open(&groups, path, where, group, "edge", edges->count, messages);
  if (status)
    return status;
  status = read_numbers(&groups, "syn_weight", &edges->weights, messages);
  if (!status)
    status = read_numbers(&groups, "delay", &edges->delays, messages);
  if (!status)
    status = read_numbers(&groups, "nsyns", &edges->nsyns, messages);
  if (!status)
    status = hk__groups_visit(&groups, "dynamics_params", take_notice, &edges->has_dynamics);
  hk__groups_close(&groups);
  return status;
}

static enum hk_status read_population(hid_t all, const char *name, const char *path, struct hk__edge_population *edges,
                                      struct hk_messages *messages)
{
  char *where = NULL;
  if (asprintf(&where, "/edges/%s", name) < 0 || !(edges->name = strdup(name))) {
    free(where);
    return HK_ERR_MEMORY;
  }
  hid_t group = H5Gopen2(all, name, H5P_DEFAULT);
  enum hk_status status = group < 0 ? hk__h5_complain(messages, HK_ERR_INPUT, path, "%s cannot be read", where)
                                    : read_ends(group, where, path, edges, messages);
  if (!status)
    status = read_attributes(group, where, path, edges, messages);
  hk__h5_drop(group);
  free(where);
  return status;
}

static enum hk_status choose(char **names, size_t *count, const char *wanted, const char *path,
                             struct hk_messages *messages)
{
  if (*count == 0)
    return hk__h5_complain(messages, HK_ERR_INPUT, path, "/edges is empty");
  if (!wanted)
    return HK_OK;
  for (size_t i = 0; i < *count; i++) {
    if (strcmp(names[i], wanted) != 0)
      continue;
    char *first = names[0];
    names[0] = names[i];
    names[i] = first;
    while (*count > 1)
      free(names[--*count]);
    return HK_OK;
  }
  struct hk__suggestion nearest;
  hk__suggest_begin(&nearest, wanted);
  for (size_t i = 0; i < *count; i++)
    hk__suggest_offer(&nearest, names[i]);
  return hk__h5_complain(messages, HK_ERR_INPUT, path, "has no edges of a population `%.100s`%s", wanted,
                         hk__suggest_clause(&nearest));
}

static enum hk_status read_file(hid_t file, const char *path, const char *wanted, struct hk__edge_population **out,
                                size_t *out_count, struct hk_messages *messages)
{
  if (!hk__h5_has_group(file, "edges"))
    return hk__h5_complain(messages, HK_ERR_INPUT, path, "holds no edges: it has no group /edges");
  hid_t all = H5Gopen2(file, "edges", H5P_DEFAULT);
  char **names = NULL;
  size_t count = 0;
  enum hk_status status = all < 0 ? HK_ERR_IO : hk__h5_group_names(all, &names, &count);
  if (status)
    hk__h5_complain(messages, status, path, "/edges cannot be read");
  else
    status = choose(names, &count, wanted, path, messages);
  struct hk__edge_population *edges = status ? NULL : calloc(count, sizeof *edges);
  if (!status && !edges)
    status = HK_ERR_MEMORY;
  for (size_t i = 0; i < count && !status; i++)
    status = read_population(all, names[i], path, &edges[i], messages);
  if (status && edges)
    hk__edge_populations_free(edges, count);
  if (!status) {
    *out = edges;
    *out_count = count;
  }
  hk__h5_names_free(names, count);
  hk__h5_drop(all);
  return status;
}

enum hk_status hk__edge_populations_read(const char *path, const char *name, struct hk__edge_population **out,
                                         size_t *count, struct hk_messages *messages)
{
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  hid_t file;
  enum hk_status status = hk__h5_open(path, &file, messages);
  if (!status) {
    status = read_file(file, path, name, out, count, messages);
    hk__h5_drop(file);
  }
  hk__h5_unhush(&quiet);
  return status;
}

/* --- the rule `file: edges.h5` --- */

static void complain(struct hk_messages *messages, const struct hk_place *place, const char *path, const char *what)
{
  const struct hk_place file = {path, 0, 0};
  if (place)
    hk_messages_add(messages, HK_SEVERITY_ERROR, place, "%s: %s", path, what);
  else
    hk_messages_add(messages, HK_SEVERITY_ERROR, &file, "%s", what);
}

static bool narrow(const uint64_t *ids, uint64_t count, uint64_t size, uint32_t *out, uint64_t *bad)
{
  for (uint64_t i = 0; i < count; i++) {
    if (ids[i] >= size) {
      *bad = ids[i];
      return false;
    }
    out[i] = (uint32_t)ids[i];
  }
  return true;
}

static bool is_whole(const double *values, uint64_t count)
{
  for (uint64_t i = 0; values && i < count; i++)
    if (values[i] == HK__ABSENT)
      return false;
  return true;
}

static enum hk_status take(struct hk__edge_population *from, uint64_t source_size, uint64_t target_size,
                           struct hk__edges *out, char *what, size_t what_size)
{
  out->count = from->count;
  out->sources = malloc((from->count + 1) * sizeof *out->sources);
  out->targets = malloc((from->count + 1) * sizeof *out->targets);
  if (!out->sources || !out->targets)
    return HK_ERR_MEMORY;
  uint64_t bad;
  if (!narrow(from->sources, from->count, source_size, out->sources, &bad)) {
    snprintf(what, what_size, "has an edge from node %llu, but the source population has only %llu",
             (unsigned long long)bad, (unsigned long long)source_size);
    return HK_ERR_INPUT;
  }
  if (!narrow(from->targets, from->count, target_size, out->targets, &bad)) {
    snprintf(what, what_size, "has an edge to node %llu, but the target population has only %llu",
             (unsigned long long)bad, (unsigned long long)target_size);
    return HK_ERR_INPUT;
  }
  if (!is_whole(from->weights, from->count) || !is_whole(from->delays, from->count) ||
      !is_whole(from->nsyns, from->count)) {
    snprintf(what, what_size, "has weights, delays or nsyns for some of its edges only");
    return HK_ERR_INPUT;
  }
  for (uint64_t i = 0; from->weights && from->nsyns && i < from->count; i++)
    from->weights[i] *= from->nsyns[i];
  out->weights = from->weights;
  out->delays = from->delays;
  from->weights = from->delays = NULL;
  return HK_OK;
}

enum hk_status hk__edges_read(const char *path, const char *population, uint64_t source_size, uint64_t target_size,
                              struct hk__edges *out, const struct hk_place *place, struct hk_messages *messages)
{
  struct hk__edge_population *populations;
  size_t count;
  enum hk_status status = hk__edge_populations_read(path, population, &populations, &count, messages);
  if (status)
    return status;
  *out = (struct hk__edges){0};
  char what[200] = "";
  if (count != 1) {
    snprintf(what, sizeof what, "holds edges of %zu populations; say which one", count);
    status = HK_ERR_INPUT;
  } else {
    status = take(&populations[0], source_size, target_size, out, what, sizeof what);
  }
  if (what[0])
    complain(messages, place, path, what);
  hk__edge_populations_free(populations, count);
  if (status)
    hk__edges_clear(out);
  return status;
}

void hk__edges_clear(struct hk__edges *edges)
{
  free(edges->sources);
  free(edges->targets);
  free(edges->weights);
  free(edges->delays);
  *edges = (struct hk__edges){0};
}
