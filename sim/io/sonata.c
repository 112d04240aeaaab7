/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a SONATA simulation config to a network: finds the files, substitutes manifests, and has the parts read. */
#include "io/sonata.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/sonata_circuit.h"

bool hk__is_sonata(const char *text)
{
  const char *start = text + strspn(text, " \t\r\n");
  if (*start != '{')
    return false;
  static const char *const keys[] = {"manifest", "run", "network", "networks"};
  json_t *root = json_loads(text, 0, NULL);
  bool found = false;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    char quoted[32];
    snprintf(quoted, sizeof quoted, "\"%s\"", keys[i]);
    /* what is no good JSON is told best by who reads JSON */
    found = found || (root ? json_object_get(root, keys[i]) != NULL : strstr(text, quoted) != NULL);
  }
  json_decref(root);
  return found;
}

/* --- overrides --- */

static enum hk_status apply_override(struct hk__json_file *file, const char *override, struct hk_messages *messages)
{
  const char *equals = strchr(override, '=');
  const struct hk_place place = {"--set", 0, 0};
  if (!equals || equals == override) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &place, "`%s`: KEY=VALUE was expected", override);
    return HK_ERR_INPUT;
  }
  json_t *value = json_loads(equals + 1, JSON_DECODE_ANY, NULL);
  if (!value && !(value = json_string(equals + 1)))
    return HK_ERR_INPUT;
  json_t *object = file->root;
  const char *at = override;
  for (size_t length; (length = strcspn(at, ".=")), at[length] == '.'; at += length + 1) {
    char *name = strndup(at, length);
    json_t *inner = name ? json_object_get(object, name) : NULL;
    if (name && !json_is_object(inner)) {
      inner = json_object();
      json_object_set_new(object, name, inner);
    }
    free(name);
    object = inner;
  }
  char *name = strndup(at, (size_t)(equals - at));
  const bool failed = !name || json_object_set_new(object, name, value);
  free(name);
  return failed ? HK_ERR_MEMORY : HK_OK;
}

/* --- finding the files --- */

static bool is_file(const char *path)
{
  FILE *file = fopen(path, "rbe");
  if (file)
    fclose(file);
  return file != NULL;
}

static enum hk_status load_network(struct hk__circuit *circuit, const char *path)
{
  enum hk_status status = hk__json_load(path, NULL, &circuit->network, circuit->messages);
  if (!status)
    status = hk__json_substitute(&circuit->network, circuit->messages);
  circuit->network_file = &circuit->network;
  return status;
}

/* A simulation config that names no network: published ones rely on the file beside it. */
static enum hk_status guess_network(struct hk__circuit *circuit)
{
  struct hk__json_file *simulation = &circuit->simulation;
  char *path = NULL;
  if (asprintf(&path, "%s/circuit_config.json", simulation->folder) < 0)
    return HK_ERR_MEMORY;
  enum hk_status status;
  if (!is_file(path)) {
    status = hk__json_tell(simulation, HK_SEVERITY_ERROR, "", circuit->messages,
                           "names no `network`, and there is no circuit_config.json beside it");
  } else {
    hk__json_tell(simulation, HK_SEVERITY_WARNING, "", circuit->messages,
                  "names no `network`: circuit_config.json beside it is taken");
    status = load_network(circuit, path);
  }
  free(path);
  return status;
}

static enum hk_status find_network(struct hk__circuit *circuit)
{
  struct hk__json_file *simulation = &circuit->simulation;
  if (json_object_get(simulation->root, "networks")) {
    circuit->network_file = simulation;
    return HK_OK;
  }
  json_t *network = json_object_get(simulation->root, "network");
  if (!network)
    return guess_network(circuit);
  if (json_is_object(network)) { /* inlined: as if its keys stood here */
    json_object_update_missing(simulation->root, network);
    json_object_del(simulation->root, "network");
    circuit->network_file = simulation;
    return HK_OK;
  }
  enum hk_status status = hk__json_make_path(simulation, simulation->root, "", "network", circuit->messages);
  return status ? status : load_network(circuit, json_string_value(json_object_get(simulation->root, "network")));
}

/* A config that points at the simulation config, and may name the network too. */
static enum hk_status follow(struct hk__circuit *circuit)
{
  struct hk__json_file *first = &circuit->simulation;
  enum hk_status status = hk__json_substitute(first, circuit->messages);
  if (!status)
    status = hk__json_make_path(first, first->root, "", "simulation", circuit->messages);
  if (!status && json_is_string(json_object_get(first->root, "network")))
    status = hk__json_make_path(first, first->root, "", "network", circuit->messages);
  struct hk__json_file second = {0};
  if (!status)
    status =
        hk__json_load(json_string_value(json_object_get(first->root, "simulation")), NULL, &second, circuit->messages);
  if (status)
    return status;
  const char *name;
  json_t *value;
  json_object_foreach(first->root, name, value)
  {
    if (strcmp(name, "simulation") != 0 && json_object_set(second.root, name, value))
      status = HK_ERR_MEMORY;
  }
  hk__json_close(first);
  *first = second;
  return status;
}

static enum hk_status load(struct hk__circuit *circuit, const char *path, const char *text,
                           const char *const *overrides, size_t override_count)
{
  struct hk__json_file *simulation = &circuit->simulation;
  enum hk_status status = hk__json_load(path, text, simulation, circuit->messages);
  if (!status && json_is_string(json_object_get(simulation->root, "simulation")))
    status = follow(circuit);
  for (size_t i = 0; i < override_count && !status; i++)
    status = apply_override(simulation, overrides[i], circuit->messages);
  if (!status && !json_object_get(simulation->root, "run"))
    return hk__json_tell(simulation, HK_SEVERITY_ERROR, "", circuit->messages,
                         json_object_get(simulation->root, "networks")
                             ? "is a circuit config without a `run`; give the simulation config that uses it"
                             : "has no `run`: a SONATA simulation config was expected");
  if (!status)
    status = hk__json_substitute(simulation, circuit->messages);
  return status ? status : find_network(circuit);
}

/* --- paths --- */

static enum hk_status fix_list(const struct hk__json_file *file, json_t *networks, const char *list,
                               const char *const *names, struct hk_messages *messages)
{
  size_t index;
  json_t *entry, *entries = json_object_get(networks, list);
  char key[64];
  snprintf(key, sizeof key, "networks.%s", list);
  if (entries && !json_is_array(entries))
    return hk__json_tell(file, HK_SEVERITY_ERROR, key, messages, "a list was expected");
  enum hk_status status = HK_OK;
  json_array_foreach(entries, index, entry)
  {
    snprintf(key, sizeof key, "networks.%s.%zu", list, index);
    if (!json_is_object(entry))
      return hk__json_tell(file, HK_SEVERITY_ERROR, key, messages, "an object was expected");
    for (const char *const *name = names; *name && !status; name++)
      status = hk__json_make_path(file, entry, key, *name, messages);
  }
  return status;
}

static enum hk_status fix_network_paths(struct hk__circuit *circuit)
{
  static const char *const node_files[] = {"nodes_file", "node_types_file", NULL};
  static const char *const edge_files[] = {"edges_file", "edge_types_file", NULL};
  const struct hk__json_file *file = circuit->network_file;
  json_t *networks, *components;
  enum hk_status status = hk__json_object(file, file->root, "", "networks", &networks, circuit->messages);
  if (!status && !networks)
    status = hk__json_tell(file, HK_SEVERITY_ERROR, "", circuit->messages, "has no `networks`");
  if (!status)
    status = fix_list(file, networks, "nodes", node_files, circuit->messages);
  if (!status)
    status = fix_list(file, networks, "edges", edge_files, circuit->messages);
  if (!status)
    status = hk__json_object(file, file->root, "", "components", &components, circuit->messages);
  if (status)
    return status;
  const char *name;
  json_t *value;
  json_object_foreach(components, name, value)
  {
    if (json_is_string(value) && !status)
      status = hk__json_make_path(file, components, "components", name, circuit->messages);
  }
  return status;
}

static enum hk_status fix_paths(struct hk__circuit *circuit)
{
  struct hk__json_file *file = &circuit->simulation;
  enum hk_status status = fix_network_paths(circuit);
  if (!status)
    status = hk__json_make_path(file, file->root, "", "node_sets_file", circuit->messages);
  json_t *inputs = NULL, *output = NULL;
  if (!status)
    status = hk__json_object(file, file->root, "", "inputs", &inputs, circuit->messages);
  if (!status)
    status = hk__json_object(file, file->root, "", "output", &output, circuit->messages);
  if (!status && output)
    status = hk__json_make_path(file, output, "output", "output_dir", circuit->messages);
  const char *name;
  json_t *value;
  json_object_foreach(inputs, name, value)
  {
    char key[160];
    snprintf(key, sizeof key, "inputs.%.140s", name);
    if (!status && json_is_object(value))
      status = hk__json_make_path(file, value, key, "input_file", circuit->messages);
  }
  return status;
}

/* --- options --- */

static enum hk_status refuse(struct hk__circuit *circuit, const char *key, const char *what)
{
  return hk__json_tell(&circuit->simulation, HK_SEVERITY_ERROR, key, circuit->messages, "%s", what);
}

static enum hk_status read_run(struct hk__circuit *circuit, struct hk__sonata *out)
{
  static const char *const known[] = {"tstop",
                                      "tstart",
                                      "dt",
                                      "duration",
                                      "random_seed",
                                      "dL",
                                      "celsius",
                                      "nsteps_block",
                                      "block_run",
                                      "block_size",
                                      "print_time",
                                      "n_thread",
                                      "calc_ecp",
                                      "save_state",
                                      "start_from_state",
                                      "spike_threshold",
                                      "spike_location",
                                      "precise_times",
                                      "allow_offgrid_spikes",
                                      "overwrite_output_dir",
                                      "enforce_netcons",
                                      NULL};
  const struct hk__json_file *file = &circuit->simulation;
  json_t *run;
  enum hk_status status = hk__json_object(file, file->root, "", "run", &run, circuit->messages);
  if (status)
    return status;
  double start = 0.0, seed = 1.0, stop = NAN;
  hk__json_warn_unknown(file, run, "run", known, circuit->messages);
  status = hk__json_number(file, run, "run", "duration", &stop, circuit->messages);
  if (!status)
    status = hk__json_number(file, run, "run", "tstop", &stop, circuit->messages);
  if (!status)
    status = hk__json_number(file, run, "run", "tstart", &start, circuit->messages);
  if (!status)
    status = hk__json_number(file, run, "run", "dt", &circuit->dt, circuit->messages);
  if (!status)
    status = hk__json_number(file, run, "run", "random_seed", &seed, circuit->messages);
  if (!status)
    status = hk__json_flag(file, run, "run", "overwrite_output_dir", &out->overwrite, circuit->messages);
  if (status)
    return status;
  if (!(stop > 0.0) || isinf(stop))
    return refuse(circuit, "run.tstop", "a time to stop at, in ms and above 0, was expected");
  if (start != 0.0)
    return refuse(circuit, "run.tstart", "a run starts at 0 ms here; another start is not supported");
  if (!(circuit->dt >= 0.0) || isinf(circuit->dt))
    return refuse(circuit, "run.dt", "a time step in ms was expected");
  if (!(seed >= 0.0) || seed > 9007199254740992.0 || seed != floor(seed))
    return refuse(circuit, "run.random_seed", "a whole number from 0 to 2^53 was expected");
  out->duration = stop;
  out->dt = circuit->dt;
  out->seed = (uint64_t)seed;
  return HK_OK;
}

static enum hk_status read_output(struct hk__circuit *circuit, struct hk__sonata *out)
{
  static const char *const known[] = {
      "output_dir", "overwrite_output_dir", "spikes_file",     "spikes_sort_order", "log_file", "log_level",
      "log_format", "log_to_console",       "quiet_simulator", "spikes_file_csv",   NULL};
  const struct hk__json_file *file = &circuit->simulation;
  json_t *output;
  const char *folder = NULL, *spikes = NULL;
  enum hk_status status = hk__json_object(file, file->root, "", "output", &output, circuit->messages);
  if (status || !output)
    return status;
  hk__json_warn_unknown(file, output, "output", known, circuit->messages);
  status = hk__json_text(file, output, "output", "output_dir", &folder, circuit->messages);
  if (!status)
    status = hk__json_text(file, output, "output", "spikes_file", &spikes, circuit->messages);
  if (!status)
    status = hk__json_flag(file, output, "output", "overwrite_output_dir", &out->overwrite, circuit->messages);
  if (status)
    return status;
  const char *slash = spikes ? strrchr(spikes, '/') : NULL;
  spikes = slash ? slash + 1 : spikes;
  if (spikes && !*spikes)
    return refuse(circuit, "output.spikes_file", "the name of a file was expected");
  out->output_folder = folder ? strdup(folder) : NULL;
  out->spikes_file = spikes ? strdup(spikes) : NULL;
  return (folder && !out->output_folder) || (spikes && !out->spikes_file) ? HK_ERR_MEMORY : HK_OK;
}

static enum hk_status read_conditions(struct hk__circuit *circuit)
{
  static const char *const known[] = {"celsius", "v_init", NULL};
  const struct hk__json_file *file = &circuit->simulation;
  json_t *conditions;
  const char *simulator = "";
  circuit->v_init = HK__ABSENT;
  enum hk_status status = hk__json_text(file, file->root, "", "target_simulator", &simulator, circuit->messages);
  circuit->nest = strcmp(simulator, "NEST") == 0;
  if (!status)
    status = hk__json_object(file, file->root, "", "conditions", &conditions, circuit->messages);
  if (status || !conditions)
    return status;
  hk__json_warn_unknown(file, conditions, "conditions", known, circuit->messages);
  /* for NEST, v_init stands in published configs but is not used: its models start at rest */
  return circuit->nest ? HK_OK
                       : hk__json_number(file, conditions, "conditions", "v_init", &circuit->v_init, circuit->messages);
}

static enum hk_status read_options(struct hk__circuit *circuit, struct hk__sonata *out)
{
  static const char *const known[] = {"run",
                                      "target_simulator",
                                      "conditions",
                                      "node_sets_file",
                                      "node_sets",
                                      "inputs",
                                      "output",
                                      "reports",
                                      "network",
                                      "networks",
                                      "components",
                                      "version",
                                      "name",
                                      "description",
                                      "config_path",
                                      "config_dir",
                                      "metadata",
                                      "simulation",
                                      "connection_overrides",
                                      NULL};
  const struct hk__json_file *file = &circuit->simulation;
  hk__json_warn_unknown(file, file->root, "", known, circuit->messages);
  if (json_array_size(json_object_get(file->root, "connection_overrides")) > 0)
    return refuse(circuit, "connection_overrides", "not supported, and would change the result");
  enum hk_status status = read_run(circuit, out);
  if (!status)
    status = read_output(circuit, out);
  return status ? status : read_conditions(circuit);
}

static enum hk_status read_node_sets(struct hk__circuit *circuit)
{
  const struct hk__json_file *file = &circuit->simulation;
  json_t *inlined;
  enum hk_status status = hk__json_object(file, file->root, "", "node_sets", &inlined, circuit->messages);
  const char *path = json_string_value(json_object_get(file->root, "node_sets_file"));
  if (status)
    return status;
  if (inlined) {
    circuit->sets = inlined;
    return HK_OK;
  }
  if (!path)
    return HK_OK;
  status = hk__json_load(path, NULL, &circuit->node_sets, circuit->messages);
  circuit->sets = circuit->node_sets.root;
  return status;
}

/* --- all of it --- */

static enum hk_status resolve(const struct hk__circuit *circuit, char **out)
{
  json_t *all = json_copy(circuit->simulation.root);
  json_t *networks = json_object_get(circuit->network_file->root, "networks");
  json_t *components = json_object_get(circuit->network_file->root, "components");
  bool good = all && json_object_set(all, "networks", networks) == 0 &&
              (!components || json_object_set(all, "components", components) == 0);
  if (good) {
    json_object_del(all, "network");
    *out = json_dumps(all, JSON_INDENT(2));
  }
  json_decref(all);
  return good && *out ? HK_OK : HK_ERR_MEMORY;
}

static enum hk_status build(struct hk__circuit *circuit)
{
  enum hk_status status = hk__circuit_read_nodes(circuit);
  if (!status)
    status = hk__circuit_read_spikes(circuit);
  if (!status)
    status = hk__circuit_add_populations(circuit);
  if (status)
    return status;
  /* these are independent: all their errors at once */
  enum hk_status edges = hk__circuit_add_edges(circuit), currents = hk__circuit_add_currents(circuit);
  status = hk__circuit_add_reports(circuit);
  return edges ? edges : currents ? currents : status;
}

void hk__circuit_clear(struct hk__circuit *circuit)
{
  for (size_t p = 0; p < circuit->node_count; p++) {
    struct hk__node_population *nodes = &circuit->nodes[p];
    for (size_t i = 0; i < nodes->part_count; i++)
      free(nodes->parts[i].nodes);
    free(nodes->parts);
    free(nodes->part);
    free(nodes->neuron);
    free(nodes->rows);
    free(nodes->receptors);
    free(nodes->name);
    free(nodes->where);
    free(nodes->path);
    hk__groups_close(&nodes->groups);
    hk__h5_drop(nodes->group);
    hk__h5_drop(nodes->file);
    hk__table_clear(&nodes->types);
    hk__spike_list_clear(&nodes->spikes);
  }
  free(circuit->nodes);
  json_decref(circuit->dynamics);
  hk__json_close(&circuit->simulation);
  hk__json_close(&circuit->network);
  hk__json_close(&circuit->node_sets);
}

static enum hk_status read_all(struct hk__circuit *circuit, const char *path, const char *text,
                               const char *const *overrides, size_t override_count, struct hk__sonata *out)
{
  enum hk_status status = hk_network_create(&out->network);
  circuit->out = out->network;
  if (!status && !(circuit->dynamics = json_object()))
    status = HK_ERR_MEMORY;
  if (!status)
    status = load(circuit, path, text, overrides, override_count);
  if (!status)
    status = fix_paths(circuit);
  if (!status)
    status = resolve(circuit, &out->resolved);
  if (!status)
    status = read_options(circuit, out);
  if (!status)
    status = read_node_sets(circuit);
  return status ? status : build(circuit);
}

enum hk_status hk__sonata_read(const char *path, const char *text, const char *const *overrides, size_t override_count,
                               struct hk__sonata *out, struct hk_messages *messages)
{
  struct hk__circuit circuit = {.messages = messages};
  *out = (struct hk__sonata){.seed = 1};
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  enum hk_status status = read_all(&circuit, path, text, overrides, override_count, out);
  hk__circuit_clear(&circuit);
  hk__h5_unhush(&quiet);
  if (status)
    hk__sonata_clear(out);
  return status;
}

void hk__sonata_clear(struct hk__sonata *sonata)
{
  hk_network_destroy(sonata->network);
  free(sonata->output_folder);
  free(sonata->spikes_file);
  free(sonata->resolved);
  *sonata = (struct hk__sonata){0};
}
