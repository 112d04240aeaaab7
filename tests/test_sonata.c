/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SONATA circuits made here: they have the values that the format says; wrong ones are refused with the place. */
#include <hillock/spikes.h>
#include <sys/stat.h>

#include "sonata_files.h"
#include "suite.h"

static const char simulation_text[] =
    "{\n"
    "  \"manifest\": {\"$BASE\": \".\", \"$IN\": \"${BASE}/inputs\", \"$OUT\": \"$BASE/out\"},\n"
    "  \"network\": \"$BASE/circuit.json\",\n"
    "  \"run\": {\"tstop\": 50.0, \"dt\": 0.5, \"random_seed\": 7},\n"
    "  \"conditions\": {\"v_init\": -66.0},\n"
    "  \"node_sets\": {\"exc\": {\"population\": \"cells\", \"ei\": \"e\"},\n"
    "    \"some\": {\"population\": \"cells\", \"node_id\": [1, 2]}, \"both\": [\"exc\", \"some\"],\n"
    "    \"far\": {\"x\": 2.5}},\n"
    "  \"inputs\": {\n"
    "    \"drive\": {\"input_type\": \"spikes\", \"module\": \"sonata\", \"input_file\": \"$IN/ext.h5\", \"node_set\": "
    "\"ext\"},\n"
    "    \"clamp\": {\"input_type\": \"current_clamp\", \"module\": \"IClamp\", \"amp\": 0.5, \"delay\": 5.0,\n"
    "      \"duration\": 20.0, \"node_set\": \"exc\"}},\n"
    "  \"reports\": {\n"
    "    \"v\": {\"cells\": \"exc\", \"variable_name\": \"v\", \"module\": \"membrane_report\", \"file_name\": "
    "\"$OUT/potential.h5\"},\n"
    "    \"far\": {\"cells\": \"far\", \"variable_name\": [\"V_m\", \"I_syn_ex\"], \"module\": \"multimeter_report\", "
    "\"dt\": 1.0}},\n"
    "  \"output\": {\"output_dir\": \"$OUT\", \"spikes_file\": \"all.h5\"}\n"
    "}\n";

static const char circuit_text[] =
    "{\n"
    "  \"manifest\": {\"$NET\": \"./network\"},\n"
    "  \"components\": {\"point_neuron_models_dir\": \"./models\", \"synaptic_models_dir\": \"./models\"},\n"
    "  \"networks\": {\n"
    "    \"nodes\": [{\"nodes_file\": \"$NET/nodes.h5\", \"node_types_file\": \"$NET/node_types.csv\"}],\n"
    "    \"edges\": [{\"edges_file\": \"$NET/edges.h5\", \"edge_types_file\": \"$NET/edge_types.csv\"},\n"
    "      {\"edges_file\": \"$NET/gone.h5\", \"edge_types_file\": \"$NET/gone.csv\", \"enabled\": false}]}\n"
    "}\n";

static const char node_types_text[] = "node_type_id model_type model_template dynamics_params ei tau_syn_ex\n"
                                      "1 point_neuron nest:iaf_psc_exp exp.json e 5.0\n"
                                      "2 point_process \"nrn:IntFire1\" fire.json i NULL\n"
                                      "7 virtual NULL NULL e NULL\n";

static const char edge_types_text[] = "edge_type_id syn_weight delay dynamics_params model_template\n"
                                      "10 30.0 1.5 exc.json static_synapse\n"
                                      "11 20.0 2.5 inh.json NULL\n"
                                      "12 NULL 1.0 NULL NULL\n";

static void write_nodes(const char *path)
{
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  PUT(file, "nodes/cells/node_type_id", UINT64, {1, 1, 2, 1, 2});
  PUT(file, "nodes/cells/node_id", UINT64, {0, 1, 2, 3, 4});
  PUT(file, "nodes/cells/node_group_id", UINT16, {0, 0, 1, 0, 1});
  PUT(file, "nodes/cells/node_group_index", UINT64, {0, 1, 0, 2, 1});
  PUT(file, "nodes/cells/0/x", DOUBLE, {2.5, 1.0, 2.5});
  PUT(file, "nodes/cells/0/dynamics_params/I_e", DOUBLE, {100.0, 200.0, 300.0});
  PUT(file, "nodes/cells/1/y", DOUBLE, {0.0, 0.0});
  PUT(file, "nodes/ext/node_type_id", UINT64, {7, 7, 7});
  H5Fclose(file);
}

static void write_edges(const char *path)
{
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  PUT(file, "edges/cells_to_cells/source_node_id", UINT64, {0, 2, 3, 4, 1});
  PUT(file, "edges/cells_to_cells/target_node_id", UINT64, {1, 0, 3, 2, 4});
  PUT(file, "edges/cells_to_cells/edge_type_id", UINT64, {10, 11, 10, 11, 10});
  PUT(file, "edges/cells_to_cells/edge_group_id", UINT64, {0, 0, 0, 1, 0});
  PUT(file, "edges/cells_to_cells/edge_group_index", UINT64, {0, 1, 2, 0, 3});
  PUT(file, "edges/cells_to_cells/0/nsyns", UINT16, {1, 2, 3, 4});
  PUT(file, "edges/cells_to_cells/1/syn_weight", DOUBLE, {0.25});
  PUT(file, "edges/ext_to_cells/source_node_id", UINT64, {0, 1, 2});
  PUT(file, "edges/ext_to_cells/target_node_id", UINT64, {0, 2, 4});
  PUT(file, "edges/ext_to_cells/edge_type_id", UINT64, {12, 12, 12});
  PUT(file, "edges/ext_to_cells/0/syn_weight", DOUBLE, {500.0, 1.5, 1.5});
  PUT(file, "edges/ext_to_cells/0/delay", DOUBLE, {3.0, 4.0, 5.0});
  put_text(file, "edges/cells_to_cells/source_node_id", "node_population", "cells");
  put_text(file, "edges/cells_to_cells/target_node_id", "node_population", "cells");
  put_text(file, "edges/ext_to_cells/source_node_id", "node_population", "ext");
  put_text(file, "edges/ext_to_cells/target_node_id", "node_population", "cells");
  H5Fclose(file);
}

static void write_inputs(const char *path)
{
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  PUT(file, "spikes/ext/timestamps", DOUBLE, {9.0, 3.0, 1.0, 8.0});
  PUT(file, "spikes/ext/node_ids", UINT64, {2, 0, 1, 5});
  H5Fclose(file);
}

static void make_folders(void)
{
  static const char *const folders[] = {"network", "models", "inputs"};
  for (size_t i = 0; i < 3; i++)
    ck_assert_int_eq(mkdir(in_folder(folders[i]), 0700), 0);
}

/* the text files of the circuit, in the order in which they are written */
static const struct text_file text_files[] = {
    {"simulation.json", simulation_text},
    {"circuit.json", circuit_text},
    {"network/node_types.csv", node_types_text},
    {"network/edge_types.csv", edge_types_text},
    {"models/exp.json", "{\"type\": \"x\", \"tau_m\": 12.0, \"I_e\": 1.0, \"tau_syn_ex\": 1.0}"},
    {"models/fire.json", "{\"tau\": 0.02, \"refrac\": 0.004}"},
    {"models/exc.json", "{\"level_of_detail\": \"instanteneous\", \"sign\": 1}"},
    {"models/inh.json", "{\"sign\": -1}"}};
enum { TEXT_FILES = sizeof text_files / sizeof *text_files };

static void write_circuit(void)
{
  make_folders();
  write_texts(text_files, TEXT_FILES);
  write_nodes(in_folder("network/nodes.h5"));
  write_edges(in_folder("network/edges.h5"));
  write_inputs(in_folder("inputs/ext.h5"));
}

static const struct hk_setting *find_setting(const struct hk_setting *settings, size_t count, const char *name)
{
  for (size_t i = 0; i < count; i++)
    if (strcmp(settings[i].name, name) == 0)
      return &settings[i];
  ck_abort_msg("no setting %s", name);
  return NULL;
}

static void check_setting(const struct hk_setting *setting, const double *values, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    const double value = setting->value.kind == HK_VALUE_CONSTANT ? setting->value.a : setting->value.list[i];
    ck_assert_double_eq_tol(value, values[i], 1e-12);
  }
}

static void check_neurons(const struct hk_network *network)
{
  const struct hk_population_spec *exp = hk_network_population(network, 0), *fire = hk_network_population(network, 1);
  ck_assert_str_eq(exp->name, "cells.iaf_psc_exp");
  ck_assert_str_eq(exp->record_as, "cells");
  ck_assert_uint_eq(exp->size, 3);
  ck_assert_uint_eq(exp->record_ids[2], 3);
  /* the nodes' file overrides the table, which overrides the JSON */
  check_setting(find_setting(exp->params, exp->param_count, "I_e"), (const double[]){100.0, 200.0, 300.0}, 3);
  check_setting(find_setting(exp->params, exp->param_count, "tau_syn_ex"), (const double[]){5.0, 5.0, 5.0}, 3);
  check_setting(find_setting(exp->params, exp->param_count, "tau_m"), (const double[]){12.0, 12.0, 12.0}, 3);
  ck_assert_uint_eq(exp->param_count, 3);
  check_setting(find_setting(exp->init, exp->init_count, "V_m"), (const double[]){-66.0, -66.0, -66.0}, 3);
  ck_assert_str_eq(fire->name, "cells.intfire1");
  ck_assert_uint_eq(fire->record_ids[0], 2);
  ck_assert_uint_eq(fire->record_ids[1], 4);
  check_setting(find_setting(fire->params, fire->param_count, "tau"), (const double[]){20.0, 20.0}, 2);
  check_setting(find_setting(fire->params, fire->param_count, "refrac"), (const double[]){4.0, 4.0}, 2);
}

static void check_pair(const struct hk_network *network, const char *source, const char *target, size_t count,
                       size_t at, uint32_t from, uint32_t to, double weight, double delay)
{
  for (size_t k = 0; k < hk_network_projection_count(network); k++) {
    const struct hk_projection_spec *spec = hk_network_projection(network, k);
    if (strcmp(hk_network_population(network, spec->source)->name, source) != 0 ||
        strcmp(hk_network_population(network, spec->target)->name, target) != 0)
      continue;
    ck_assert_uint_eq(spec->rule.pair_count, count);
    ck_assert_uint_eq(spec->rule.sources[at], from);
    ck_assert_uint_eq(spec->rule.targets[at], to);
    ck_assert_double_eq(spec->weight.kind == HK_VALUE_LIST ? spec->weight.list[at] : spec->weight.a, weight);
    ck_assert_double_eq(spec->delay.kind == HK_VALUE_LIST ? spec->delay.list[at] : spec->delay.a, delay);
    return;
  }
  ck_abort_msg("no projection from %s to %s", source, target);
}

START_TEST(every_source_of_values_counts)
{
  write_circuit();
  struct hk__sonata sonata;
  expect(read_config(in_folder("simulation.json"), NULL, 0, &sonata), HK_OK);
  ck_assert_uint_eq(hk_messages_count(messages), 1);
  ck_assert_ptr_nonnull(strstr(hk_messages_get(messages, 0).text, "1 of its spikes"));
  ck_assert_double_eq(sonata.duration, 50.0);
  ck_assert_uint_eq(sonata.seed, 7);
  ck_assert_str_eq(sonata.spikes_file, "all.h5");
  ck_assert_str_eq(sonata.output_folder, in_folder("out"));
  const struct hk_network *network = sonata.network;
  ck_assert_uint_eq(hk_network_population_count(network), 3);
  check_neurons(network);
  const struct hk_population_spec *ext = hk_network_population(network, 2);
  ck_assert_str_eq(ext->name, "ext");
  ck_assert_ptr_null(ext->record_as);
  ck_assert_uint_eq(ext->trains.offsets[3], 3);
  ck_assert_double_eq(ext->trains.times[0], 3.0);
  ck_assert_double_eq(ext->trains.times[1], 1.0);

  ck_assert_uint_eq(hk_network_projection_count(network), 6);
  const char *const exp = "cells.iaf_psc_exp", *const fire = "cells.intfire1";
  check_pair(network, exp, exp, 2, 0, 0, 1, 30.0, 1.5);
  check_pair(network, exp, exp, 2, 1, 2, 2, 90.0, 1.5);
  check_pair(network, exp, fire, 1, 0, 1, 1, 120.0, 1.5);
  check_pair(network, fire, exp, 1, 0, 0, 0, -40.0, 2.5);
  check_pair(network, fire, fire, 1, 0, 1, 0, -0.25, 2.5);
  check_pair(network, "ext", exp, 1, 0, 0, 0, 500.0, 3.0);
  check_pair(network, "ext", fire, 2, 1, 2, 1, 1.5, 5.0);

  ck_assert_uint_eq(hk_network_input_count(network), 1);
  const struct hk_input_spec *clamp = hk_network_input(network, 0);
  ck_assert_int_eq(clamp->kind, HK_INPUT_DC);
  ck_assert_uint_eq(clamp->target, 0);
  ck_assert_double_eq(clamp->amplitude.a, 500.0);
  ck_assert_double_eq(clamp->from, 5.0);
  ck_assert_double_eq(clamp->to, 25.0);

  ck_assert_uint_eq(hk_network_trace_count(network), 2);
  const struct hk_trace_spec *v = hk_network_trace(network, 0), *far = hk_network_trace(network, 1);
  ck_assert_str_eq(v->name, "potential");
  ck_assert_str_eq(v->variables[0], "V_m");
  ck_assert_uint_eq(v->neuron_count, 3);
  ck_assert_double_eq(v->interval, 0.5);
  ck_assert_str_eq(far->name, "far");
  ck_assert_uint_eq(far->variable_count, 2);
  ck_assert_uint_eq(far->neuron_count, 2);
  ck_assert_uint_eq(far->neurons[1], 2);
  ck_assert_double_eq(far->interval, 1.0);
  hk__sonata_clear(&sonata);
}
END_TEST

START_TEST(parts_of_a_population_are_recorded_as_one)
{
  write_circuit();
  struct hk__sonata sonata;
  expect(read_config(in_folder("simulation.json"), NULL, 0, &sonata), HK_OK);
  run_and_record(&sonata, sonata.output_folder, HK_SCHEDULER_AUTO);
  hk__sonata_clear(&sonata);
  struct hk_spike_reader *reader;
  expect(hk_spike_reader_open(in_folder("out/all.h5"), &reader, messages), HK_OK);
  ck_assert_uint_eq(hk_spike_reader_population_count(reader), 1);
  const struct hk_spike_population cells = hk_spike_reader_population(reader, 0);
  ck_assert_str_eq(cells.name, "cells");
  ck_assert_uint_ge(cells.count, 2);
  double times[2];
  uint64_t ids[2];
  ck_assert_int_eq(hk_spike_reader_read(reader, 0, 0, 2, times, ids), HK_OK);
  ck_assert_double_eq(times[0], 5.0); /* source 1 at 1 ms, 4 ms delay, a weight above threshold */
  ck_assert_uint_eq(ids[0], 2);
  hk_spike_reader_close(reader);
  ck_assert_int_eq(access(in_folder("out/potential.h5"), F_OK), 0);
  ck_assert_int_eq(access(in_folder("out/far_I_syn_ex.h5"), F_OK), 0);
}
END_TEST

START_TEST(overrides_and_simulators_change_what_they_say)
{
  write_circuit();
  static const char *const overrides[] = {"run.tstop=20", "target_simulator=NEST", "reports.v.enabled=false",
                                          "inputs.clamp.node_set=both", "inputs.clamp.amp=250"};
  struct hk__sonata sonata;
  expect(read_config(in_folder("simulation.json"), overrides, 4, &sonata), HK_ERR_INPUT);
  /* node 2 is an IntFire1, which takes no current */
  hk_messages_clear(messages);
  static const char *const good[] = {"run.tstop=20", "target_simulator=NEST", "reports.v.enabled=false",
                                     "inputs.clamp.amp=250"};
  expect(read_config(in_folder("simulation.json"), good, 4, &sonata), HK_OK);
  ck_assert_double_eq(sonata.duration, 20.0);
  ck_assert_uint_eq(hk_network_population(sonata.network, 0)->init_count, 0);
  ck_assert_double_eq(hk_network_input(sonata.network, 0)->amplitude.a, 250.0);
  ck_assert_uint_eq(hk_network_trace_count(sonata.network), 1);
  hk__sonata_clear(&sonata);
  static const char *const wrong = "run.tstop";
  expect(read_config(in_folder("simulation.json"), &wrong, 1, &sonata), HK_ERR_INPUT);
}
END_TEST

static const struct wrong wrongs[] = {
    {0, "\"tstop\": 50.0", "\"tstop\": -1", "run.tstop: a time to stop at", "simulation.json", 4},
    {0, "\"tstop\": 50.0", "\"tstop\": \"x\"", "run.tstop: a number was expected", "simulation.json", 4},
    {0, "\"tstop\": 50.0", "\"tstop\": 50.0,", "not JSON", "simulation.json", 4},
    {0, "\"tstop\": 50.0, ", "\"tstop\": 50.0, \"tstart\": 5, ", "run.tstart", "simulation.json", 4},
    {0, "\"random_seed\": 7", "\"random_seed\": 1.5", "run.random_seed", "simulation.json", 4},
    {0, "\"$IN\": \"${BASE}/inputs\"", "\"$IN\": \"$OUT\"", "No such file", "ext.h5", 0},
    {0, "\"$BASE\": \".\"", "\"$BASE\": \"$OUT\"", "in a circle", "simulation.json", 0},
    {0, "\"$BASE\": \".\"", "\"$BASE\": 3", "manifest.$BASE: a text was expected", "simulation.json", 2},
    {0, "$IN/ext.h5", "$INN/ext.h5", "No such file", "ext.h5", 0},
    {0, "$IN/ext.h5", "$XX/ext.h5", "not in the manifest", "simulation.json", 10},
    {0, "$BASE/circuit.json", "$BASE/circus.json", "No such file", "circus.json", 0},
    {0, "\"module\": \"sonata\"", "\"module\": \"csv\"", "inputs.drive.module: `csv` is not supported",
     "simulation.json", 10},
    {0, "\"node_set\": \"ext\"", "\"node_set\": \"exd\"", "did you mean `ext`?", "simulation.json", 10},
    {0, "\"node_set\": \"ext\"", "\"node_set\": \"cells\"", "only virtual nodes", "simulation.json", 10},
    {0, "\"node_set\": \"ext\"", "\"node_set\": {\"population\": \"none\"}", "no node is in it", "simulation.json", 10},
    {0, "\"node_set\": \"ext\"", "\"node_set\": [1]", "a list of names", "simulation.json", 10},
    {0, "[\"exc\", \"some\"]", "[\"both\"]", NULL, NULL, 0}, /* a wrong set that nothing uses */
    {0, "\"current_clamp\"", "\"seclamp\"", "inputs.clamp: input_type `seclamp`", "simulation.json", 11},
    {0, "\"amp\": 0.5, ", "", "inputs.clamp.amp: a current was expected", "simulation.json", 11},
    {0, "\"delay\": 5.0", "\"delay\": -5.0", "must not be negative", "simulation.json", 11},
    {0, "\"variable_name\": \"v\"", "\"variable_name\": 3", "reports.v.variable_name", "simulation.json", 14},
    {0, "\"cells\": \"exc\", ", "", "`node_set` was expected", "simulation.json", 14},
    {0, "\"dt\": 1.0", "\"dt\": 0.0", "cannot be recorded", "simulation.json", 15},
    {0, "\"run\"", "\"runn\"", "has no `run`", "simulation.json", 0},
    {1, "\"networks\"", "\"nets\"", "has no `networks`", "circuit.json", 0},
    {1, "\"nodes\": [", "\"nodes\": 3, \"x\": [", "networks.nodes: a list was expected", "circuit.json", 5},
    {1, "$NET/nodes.h5", "$NET/edges.h5", "no group /nodes", "edges.h5", 0},
    {1, "$NET/edges.h5", "$NET/node_types.csv", "not an HDF5 file", "node_types.csv", 0},
    {1, "\"enabled\": false", "\"enabled\": true", "cannot be opened", "gone.csv", 0},
    {1, "\"point_neuron_models_dir\"", "\"point_dir\"", "point_neuron_models_dir", "node_types.csv", 2},
    {2, "node_type_id", "type_id", "no column node_type_id", "node_types.csv", 1},
    {2, "2 point_process", "3 point_process", "of type 2, which is not in", "nodes.h5", 0},
    {2, "2 point_process", "1 point_process", "type 1 is there twice", "node_types.csv", 0},
    {2, "2 point_process", "x point_process", "a whole number was expected", "node_types.csv", 3},
    {2, "point_process", "biophysical", "model_type `biophysical` is not supported", "node_types.csv", 3},
    {2, "nest:iaf_psc_exp", "nest:iaf_psc_exq", "did you mean `iaf_psc_exp`?", "node_types.csv", 2},
    {2, "nrn:IntFire1", "nrn:IntFire2", "did you mean `nrn:IntFire1`?", "node_types.csv", 3},
    {2, "fire.json i NULL", "fire.json i", "5 values, 6 were expected", "node_types.csv", 3},
    {2, "fire.json", "water.json", "cannot be had", "node_types.csv", 3},
    {2, "e 5.0", "e five", "tau_syn_ex is `five`; a number was expected", "node_types.csv", 2},
    {3, "11 20.0", "13 20.0", "type 11 is not in the table", "edges.h5", 0},
    {3, "2.5 inh", "0 inh", "a delay above 0", "edges.h5", 0},
    {3, "2.5 inh", "NULL inh", "gives its delay", "edges.h5", 0},
    {3, "11 20.0", "11 NULL", "gives its syn_weight", "edges.h5", 0},
    {3, "static_synapse", "stdp_synapse", "model_template `stdp_synapse` is not supported", "edge_types.csv", 2},
    {4, "\"tau_m\": 12.0", "\"tau_mm\": 12.0", "did you mean `tau_m`?", "node_types.csv", 2},
    {4, "\"tau_m\": 12.0", "\"tau_m\": [12.0]", "must be a number", "node_types.csv", 2},
    {4, "\"tau_m\": 12.0", "\"tau_m\": -12.0", "tau_m", "nodes.h5", 0},
    {5, "0.004}", "0.004", "not JSON", "fire.json", 1},
    {7, "-1", "-2", "1 or -1 was expected", "edge_types.csv", 3},
    {7, "\"sign\": -1", "\"sign\": -1, \"tau_rec\": 3.0", "`tau_rec` is not supported", "edge_types.csv", 3},
};

START_TEST(wrong_circuits_are_refused)
{
  write_circuit();
  check_refused(&wrongs[_i], text_files);
}
END_TEST

START_TEST(several_errors_are_told_at_once)
{
  write_circuit();
  replace(in_folder("network/edge_types.csv"), edge_types_text, "2.5 inh", "0 inh");
  replace(in_folder("simulation.json"), simulation_text, "\"delay\": 5.0", "\"delay\": -5.0");
  struct hk__sonata sonata;
  expect(read_config(in_folder("simulation.json"), NULL, 0, &sonata), HK_ERR_INPUT);
  ck_assert_uint_eq(hk_messages_errors(messages), 2);
}
END_TEST

START_TEST(damaged_circuits_do_not_crash)
{
  static const char *const others[] = {"network/nodes.h5", "network/edges.h5", "inputs/ext.h5"};
  write_circuit();
  uint64_t random = 3;
  for (size_t f = 0; f < TEXT_FILES + 3; f++) {
    const bool is_text = f < TEXT_FILES;
    const char *path = in_folder(is_text ? text_files[f].name : others[f - TEXT_FILES]);
    size_t size;
    unsigned char *bytes = read_bytes(path, &size);
    for (int round = 0; round < 60; round++) {
      write_damaged(path, bytes, size, &random);
      struct hk__sonata sonata;
      if (read_config(in_folder("simulation.json"), NULL, 0, &sonata) == HK_OK)
        hk__sonata_clear(&sonata);
      hk_messages_clear(messages);
    }
    write_bytes(path, bytes, size);
    free(bytes);
  }
}
END_TEST

START_TEST(circuits_are_told_from_other_files)
{
  ck_assert(hk__is_sonata(simulation_text));
  ck_assert(hk__is_sonata("{\"network\": \"a\", \"simulation\": \"b\"}"));
  ck_assert(hk__is_sonata("{\"run\": {\"tstop\": 3}, }"));
  ck_assert(!hk__is_sonata("{\"simulation\": {\"duration\": \"1 s\"}, \"populations\": {}}"));
  ck_assert(!hk__is_sonata("simulation: {duration: 1 s}\npopulations: {run: {}}\n"));
  ck_assert(!hk__is_sonata(""));
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("sonata");
  TCase *tcase = tcase_create("sonata");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 120);
  tcase_add_test(tcase, every_source_of_values_counts);
  tcase_add_test(tcase, parts_of_a_population_are_recorded_as_one);
  tcase_add_test(tcase, overrides_and_simulators_change_what_they_say);
  tcase_add_loop_test(tcase, wrong_circuits_are_refused, 0, sizeof wrongs / sizeof *wrongs);
  tcase_add_test(tcase, several_errors_are_told_at_once);
  tcase_add_test(tcase, damaged_circuits_do_not_crash);
  tcase_add_test(tcase, circuits_are_told_from_other_files);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
