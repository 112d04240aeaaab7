/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inputs and reports of a SONATA simulation config. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/sonata_circuit.h"

/* One entry of `inputs` or `reports`. */
struct entry {
  struct hk__circuit *circuit;
  const json_t *object;
  const char *name;
  char key[160]; /* "inputs.NAME" */
};

#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
static enum hk_status
tell(const struct entry *entry, enum hk_severity severity, const char *member, const char *format, ...)
{
  char key[224], *text = NULL;
  snprintf(key, sizeof key, "%s%s%s", entry->key, *member ? "." : "", member);
  va_list args;
  va_start(args, format);
  if (vasprintf(&text, format, args) < 0)
    text = NULL;
  va_end(args);
  hk__json_tell(&entry->circuit->simulation, severity, key, entry->circuit->messages, "%s", text ? text : "");
  free(text);
  return HK_ERR_INPUT;
}

static enum hk_status text_of(const struct entry *entry, const char *member, const char **out)
{
  return hk__json_text(&entry->circuit->simulation, entry->object, entry->key, member, out, entry->circuit->messages);
}

static enum hk_status number_of(const struct entry *entry, const char *member, double *out)
{
  return hk__json_number(&entry->circuit->simulation, entry->object, entry->key, member, out, entry->circuit->messages);
}

/* Calls `use` for each enabled entry of a section. */
static enum hk_status for_each(struct hk__circuit *circuit, const char *section,
                               enum hk_status (*use)(const struct entry *entry))
{
  const struct hk__json_file *file = &circuit->simulation;
  json_t *entries, *value;
  enum hk_status all = hk__json_object(file, file->root, "", section, &entries, circuit->messages);
  const char *name;
  json_object_foreach(entries, name, value)
  {
    struct entry entry = {.circuit = circuit, .object = value, .name = name};
    snprintf(entry.key, sizeof entry.key, "%s.%.120s", section, name);
    bool enabled = true;
    enum hk_status status =
        json_is_object(value) ? HK_OK : tell(&entry, HK_SEVERITY_ERROR, "", "an object was expected");
    if (!status)
      status = hk__json_flag(file, value, entry.key, "enabled", &enabled, circuit->messages);
    if (!status && enabled)
      status = use(&entry);
    if (status && status != HK_ERR_INPUT)
      return status;
    all = all ? all : status;
  }
  return all;
}

static enum hk_status members_of(const struct entry *entry, const char *member, bool ***members, size_t *total)
{
  const json_t *set = json_object_get(entry->object, member);
  char key[192];
  snprintf(key, sizeof key, "%s.%s", entry->key, member);
  if (!set)
    return tell(entry, HK_SEVERITY_ERROR, "", "`%s` was expected: which nodes?", member);
  return hk__circuit_members(entry->circuit, set, key, members, total);
}

static bool any_member(const struct hk__node_population *nodes, const bool *members)
{
  return nodes->size > 0 && memchr(members, true, nodes->size) != NULL;
}

/* --- spikes --- */

/* Adds the file's spikes of the members of a population. */
static enum hk_status add_spikes(const struct entry *entry, struct hk__node_population *nodes, const bool *members,
                                 const char *path)
{
  struct hk__spike_list list = {0};
  enum hk_status status = hk__spike_list_read(&list, path, nodes->name, NULL, entry->circuit->messages);
  struct hk__spike_list *own = &nodes->spikes;
  struct hk__listed_spike *spikes =
      status ? NULL : realloc(own->spikes, (own->count + list.count + 1) * sizeof *spikes);
  if (spikes)
    own->spikes = spikes;
  else if (!status)
    status = HK_ERR_MEMORY;
  uint64_t strangers = 0;
  for (size_t i = 0; i < list.count && !status; i++) {
    const uint64_t id = list.spikes[i].id;
    strangers += id >= nodes->size;
    if (id < nodes->size && members[id])
      own->spikes[own->count++] = list.spikes[i];
  }
  if (strangers > 0)
    tell(entry, HK_SEVERITY_WARNING, "input_file",
         "%llu of its spikes are of nodes that population %s, with %u nodes, does not have; they are left out",
         (unsigned long long)strangers, nodes->name, (unsigned)nodes->size);
  nodes->has_input = true;
  hk__spike_list_clear(&list);
  return status;
}

static bool is_virtual(const struct hk__node_population *nodes, uint32_t node)
{
  return nodes->parts[nodes->part[node]].model->kind == HK_MODEL_TRAINS;
}

static enum hk_status spread_spikes(const struct entry *entry, bool **members, const char *path)
{
  for (size_t p = 0; p < entry->circuit->node_count; p++) {
    struct hk__node_population *nodes = &entry->circuit->nodes[p];
    if (!any_member(nodes, members[p]))
      continue;
    for (uint32_t i = 0; i < nodes->size; i++)
      if (members[p][i] && !is_virtual(nodes, i))
        return tell(entry, HK_SEVERITY_ERROR, "node_set",
                    "node %u of population %s is not virtual; only virtual nodes take their spikes from a file",
                    (unsigned)i, nodes->name);
    enum hk_status status = add_spikes(entry, nodes, members[p], path);
    if (status)
      return status;
  }
  return HK_OK;
}

static enum hk_status use_spikes(const struct entry *entry)
{
  const char *type = NULL, *module = NULL, *path = NULL;
  enum hk_status status = text_of(entry, "input_type", &type);
  if (status || !type || strcmp(type, "spikes") != 0)
    return status; /* told by the others */
  status = text_of(entry, "module", &module);
  if (!status)
    status = text_of(entry, "input_file", &path);
  if (!status && (!module || (strcmp(module, "h5") != 0 && strcmp(module, "sonata") != 0)))
    status = tell(entry, HK_SEVERITY_ERROR, "module", "`%.60s` is not supported; h5 and sonata are",
                  module ? module : "none");
  if (!status && !path)
    status = tell(entry, HK_SEVERITY_ERROR, "", "`input_file` was expected");
  if (status)
    return status;
  bool **members;
  size_t total;
  status = members_of(entry, "node_set", &members, &total);
  if (status)
    return status;
  status =
      total == 0 ? tell(entry, HK_SEVERITY_ERROR, "node_set", "no node is in it") : spread_spikes(entry, members, path);
  hk__members_free(entry->circuit, members);
  return status;
}

enum hk_status hk__circuit_read_spikes(struct hk__circuit *circuit)
{
  return for_each(circuit, "inputs", use_spikes);
}

/* --- the members of one part --- */

static enum hk_status part_members(const struct hk__node_population *nodes, const struct hk__node_part *part,
                                   const bool *members, uint32_t **neurons, size_t *count)
{
  *count = 0;
  *neurons = malloc(((size_t)part->count + 1) * sizeof **neurons);
  if (!*neurons)
    return HK_ERR_MEMORY;
  for (uint32_t i = 0; i < part->count; i++)
    if (members[part->nodes[i]])
      (*neurons)[(*count)++] = nodes->neuron[part->nodes[i]];
  return HK_OK;
}

static struct hk_place place_of(const struct entry *entry)
{
  return (struct hk_place){entry->circuit->simulation.path, 0, 0};
}

/* --- currents --- */

static enum hk_status add_current(const struct entry *entry, const struct hk__node_population *nodes,
                                  const struct hk__node_part *part, const bool *members, struct hk_input_spec spec)
{
  uint32_t *neurons;
  enum hk_status status = part_members(nodes, part, members, &neurons, &spec.neuron_count);
  if (!status && spec.neuron_count > 0) {
    const struct hk_place place = place_of(entry);
    spec.target = part->index;
    spec.neurons = neurons;
    status = hk_network_add_input(entry->circuit->out, &spec, NULL, &place, entry->circuit->messages);
    if (status == HK_ERR_INPUT)
      tell(entry, HK_SEVERITY_ERROR, "", "cannot be given to the nodes of population %s", nodes->name);
  }
  free(neurons);
  return status;
}

static enum hk_status spread_current(const struct entry *entry, const struct hk_input_spec *spec)
{
  bool **members;
  size_t total;
  enum hk_status status = members_of(entry, "node_set", &members, &total);
  if (status)
    return status;
  if (total == 0)
    status = tell(entry, HK_SEVERITY_ERROR, "node_set", "no node is in it");
  for (size_t p = 0; p < entry->circuit->node_count && !status; p++) {
    const struct hk__node_population *nodes = &entry->circuit->nodes[p];
    for (size_t i = 0; i < nodes->part_count && !status; i++)
      status = add_current(entry, nodes, &nodes->parts[i], members[p], *spec);
  }
  hk__members_free(entry->circuit, members);
  return status;
}

static enum hk_status use_clamp(const struct entry *entry)
{
  double amplitude = NAN, delay = 0.0, duration = INFINITY;
  enum hk_status status = number_of(entry, "amp", &amplitude);
  if (!status)
    status = number_of(entry, "delay", &delay);
  if (!status)
    status = number_of(entry, "duration", &duration);
  if (!status && isnan(amplitude))
    status = tell(entry, HK_SEVERITY_ERROR, "amp", "a current was expected; clamps from files are not supported");
  if (!status && (!(delay >= 0.0) || !(duration >= 0.0)))
    status = tell(entry, HK_SEVERITY_ERROR, "", "`delay` and `duration` must not be negative");
  if (status || duration == 0.0)
    return status;
  /* the format's unit is nA; what runs configs of NEST hands their numbers to NEST, which takes pA */
  const double unit = entry->circuit->nest ? 1.0 : 1000.0;
  if (entry->circuit->nest)
    tell(entry, HK_SEVERITY_WARNING, "amp", "taken as %g pA, as NEST takes it (target_simulator is NEST)", amplitude);
  const struct hk_input_spec spec = {.kind = HK_INPUT_DC,
                                     .from = delay,
                                     .to = delay + duration,
                                     .rate = hk_value_constant(0.0),
                                     .weight = hk_value_constant(0.0),
                                     .amplitude = hk_value_constant(amplitude * unit),
                                     .offset = hk_value_constant(0.0)};
  return spread_current(entry, &spec);
}

static enum hk_status use_current(const struct entry *entry)
{
  const char *type = NULL, *module = NULL;
  enum hk_status status = text_of(entry, "input_type", &type);
  if (!status)
    status = text_of(entry, "module", &module);
  if (status || (type && strcmp(type, "spikes") == 0))
    return status;
  if (!type || strcmp(type, "current_clamp") != 0 || (module && strcmp(module, "IClamp") != 0))
    return tell(
        entry, HK_SEVERITY_ERROR, "",
        "input_type `%.60s` with module `%.60s` is not supported; spikes (h5, sonata) and current_clamp (IClamp) "
        "are",
        type ? type : "none", module ? module : "none");
  return use_clamp(entry);
}

enum hk_status hk__circuit_add_currents(struct hk__circuit *circuit)
{
  return for_each(circuit, "inputs", use_current);
}

/* --- reports --- */

/* The state that a report's variable means; `v` is NEURON's name of the membrane potential. */
static const char *find_state(const struct hk_model *model, const char *variable)
{
  if (hk_model_state(model, variable) >= 0)
    return variable;
  if (strcmp(variable, "v") == 0 && hk_model_state(model, "V_m") >= 0)
    return "V_m";
  return NULL;
}

/* The report's file name without its ending, or its own name; of several parts each has its own. */
static char *trace_name(const struct entry *entry, const struct hk__node_population *nodes, bool alone,
                        const struct hk__node_part *part)
{
  const char *file = entry->name, *given = json_string_value(json_object_get(entry->object, "file_name"));
  if (given && strrchr(given, '/'))
    given = strrchr(given, '/') + 1;
  file = given && *given ? given : file;
  const size_t length = strlen(file), ending = length > 3 && strcmp(file + length - 3, ".h5") == 0 ? 3 : 0;
  char *name = NULL;
  if (alone ? asprintf(&name, "%.*s", (int)(length - ending), file) < 0
            : asprintf(&name, "%.*s_%s_%s", (int)(length - ending), file, nodes->name, part->model->name) < 0)
    return NULL;
  return name;
}

struct report {
  const char *variables[HK_STATES_MAX];
  size_t variable_count;
  double interval;
  bool alone; /* one population of the network has all the nodes */
};

static enum hk_status add_trace(const struct entry *entry, const struct report *report,
                                const struct hk__node_population *nodes, const struct hk__node_part *part,
                                const uint32_t *neurons, size_t count)
{
  const char *states[HK_STATES_MAX];
  size_t state_count = 0;
  for (size_t i = 0; i < report->variable_count; i++) {
    const char *state = find_state(part->model, report->variables[i]);
    if (state)
      states[state_count++] = state;
    else
      tell(entry, HK_SEVERITY_WARNING, "variable_name",
           "the model %s of population %s has no `%.60s`; it is not recorded", part->model->name, nodes->name,
           report->variables[i]);
  }
  if (state_count == 0)
    return HK_OK;
  char *name = trace_name(entry, nodes, report->alone, part);
  if (!name)
    return HK_ERR_MEMORY;
  const struct hk_trace_spec spec = {.name = name,
                                     .population = part->index,
                                     .neurons = neurons,
                                     .neuron_count = count,
                                     .variables = states,
                                     .variable_count = state_count,
                                     .interval = report->interval};
  const struct hk_place place = place_of(entry);
  enum hk_status status = hk_network_add_trace(entry->circuit->out, &spec, NULL, &place, entry->circuit->messages);
  if (status == HK_ERR_INPUT)
    tell(entry, HK_SEVERITY_ERROR, "", "cannot be recorded from population %s", nodes->name);
  free(name);
  return status;
}

static enum hk_status add_traces(const struct entry *entry, struct report *report, bool **members)
{
  size_t parts = 0;
  enum hk_status status = HK_OK;
  for (int counting = 1; counting >= 0; counting--)
    for (size_t p = 0; p < entry->circuit->node_count; p++) {
      const struct hk__node_population *nodes = &entry->circuit->nodes[p];
      for (size_t i = 0; i < nodes->part_count && !status; i++) {
        uint32_t *neurons;
        size_t count;
        status = part_members(nodes, &nodes->parts[i], members[p], &neurons, &count);
        report->alone = parts == 1;
        if (counting)
          parts += count > 0;
        else if (!status && count > 0)
          status = add_trace(entry, report, nodes, &nodes->parts[i], neurons, count);
        free(neurons);
      }
    }
  return status;
}

static enum hk_status read_variables(const struct entry *entry, struct report *report)
{
  const json_t *names = json_object_get(entry->object, "variable_name");
  if (json_is_string(names))
    report->variables[report->variable_count++] = json_string_value(names);
  size_t index;
  json_t *name;
  json_array_foreach(names, index, name)
  {
    if (json_is_string(name) && report->variable_count < HK_STATES_MAX)
      report->variables[report->variable_count++] = json_string_value(name);
  }
  if (report->variable_count == 0 || (json_is_array(names) && report->variable_count != json_array_size(names)))
    return tell(entry, HK_SEVERITY_ERROR, "variable_name", "the name of a variable, or a list of them, was expected");
  return HK_OK;
}

static enum hk_status use_report(const struct entry *entry)
{
  static const char *const known[] = {"cells",   "node_set", "variable_name", "module",   "sections", "file_name",
                                      "enabled", "dt",       "start_time",    "end_time", "unit",     "type",
                                      NULL};
  const struct hk__circuit *circuit = entry->circuit;
  const char *module = NULL;
  struct report report = {.interval = circuit->dt > 0.0 ? circuit->dt : 0.1};
  enum hk_status status = text_of(entry, "module", &module);
  if (status)
    return status;
  if (module && strcmp(module, "membrane_report") != 0 && strcmp(module, "multimeter_report") != 0) {
    tell(entry, HK_SEVERITY_WARNING, "module", "`%.60s` is not supported: nothing is written for this report", module);
    return HK_OK;
  }
  hk__json_warn_unknown(&circuit->simulation, entry->object, entry->key, known, circuit->messages);
  if (json_object_get(entry->object, "start_time") || json_object_get(entry->object, "end_time"))
    tell(entry, HK_SEVERITY_WARNING, "", "start_time and end_time have no effect: the whole run is recorded");
  status = read_variables(entry, &report);
  if (!status)
    status = number_of(entry, "dt", &report.interval);
  bool **members;
  size_t total;
  if (!status)
    status = members_of(entry, json_object_get(entry->object, "cells") ? "cells" : "node_set", &members, &total);
  if (status)
    return status;
  if (total == 0)
    tell(entry, HK_SEVERITY_WARNING, "", "no node is in its node set: nothing is written for this report");
  status = add_traces(entry, &report, members);
  hk__members_free(circuit, members);
  return status;
}

enum hk_status hk__circuit_add_reports(struct hk__circuit *circuit)
{
  return for_each(circuit, "reports", use_report);
}
