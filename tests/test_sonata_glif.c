/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A SONATA circuit of glif_psc neurons as the Allen Institute writes them: parameters in lists, receptors named by
 * edges. It runs as the same network described neuron by neuron does; wrong ones are refused with the place. */
#include <math.h>
#include <sys/stat.h>

#include <hillock/simulation.h>

#include "sonata_files.h"
#include "suite.h"

static const char simulation_text[] =
    "{\"network\": \"circuit.json\", \"run\": {\"tstop\": 300.0, \"dt\": 0.1},\n"
    " \"inputs\": {\"drive\": {\"input_type\": \"spikes\", \"module\": \"sonata\", \"input_file\": \"ext.h5\",\n"
    "   \"node_set\": {\"population\": \"ext\"}}}}\n";

static const char circuit_text[] =
    "{\"components\": {\"point_neuron_models_dir\": \"models\", \"synaptic_models_dir\": \"models\"},\n"
    " \"networks\": {\"nodes\": [{\"nodes_file\": \"nodes.h5\", \"node_types_file\": \"node_types.csv\"}],\n"
    "  \"edges\": [{\"edges_file\": \"edges.h5\", \"edge_types_file\": \"edge_types.csv\"}]}}\n";

static const char node_types_text[] = "node_type_id model_type model_template dynamics_params\n"
                                      "1 point_neuron nest:glif_psc glif3.json\n"
                                      "2 point_neuron nest:glif_psc glif5.json\n"
                                      "3 point_neuron nest:glif_psc glif1.json\n"
                                      "4 point_neuron nest:iaf_psc_exp NULL\n"
                                      "9 virtual NULL NULL\n";

static const char edge_types_text[] = "edge_type_id syn_weight delay dynamics_params model_template\n"
                                      "1 300.0 1.5 first.json nest:static_synapse\n"
                                      "2 -150.0 2.0 second.json nest:static_synapse\n"
                                      "3 100.0 1.0 NULL nest:static_synapse\n"
                                      "4 250.0 1.0 fourth.json nest:static_synapse\n";

static const char glif3_text[] =
    "{\"V_m\": -75.0, \"V_th\": -50.0, \"g\": 5.0, \"E_L\": -75.0, \"C_m\": 60.0, \"t_ref\": 3.0, \"V_reset\": -74.0,\n"
    " \"asc_init\": [1.0, -2.0], \"asc_decay\": [0.003, 0.1], \"asc_amps\": [-9.0, -40.0], \"asc_r\": [1.0, 0.5],\n"
    " \"tau_syn\": [5.5, 8.5, 2.8, 5.8], \"spike_dependent_threshold\": false, \"after_spike_currents\": true,\n"
    " \"adapting_threshold\": false}\n";

static const char glif5_text[] =
    "{\"V_th\": -48.0, \"g\": 4.0, \"E_L\": -72.0, \"C_m\": 80.0, \"t_ref\": 2.5, \"V_reset\": -72.0,\n"
    " \"th_spike_add\": 3.0, \"th_spike_decay\": 0.02, \"voltage_reset_fraction\": 0.3, \"voltage_reset_add\": 2.0,\n"
    " \"th_voltage_index\": 0.006, \"th_voltage_decay\": 0.08, \"asc_init\": [0.0], \"asc_decay\": [0.05],\n"
    " \"asc_amps\": [-20.0], \"asc_r\": [1.0], \"tau_syn\": [4.0, 6.0], \"spike_dependent_threshold\": true,\n"
    " \"after_spike_currents\": true, \"adapting_threshold\": true, \"comment\": \"GLIF 5\"}\n";

static const char glif1_text[] = "{\"V_th\": -52.0, \"C_m\": 70.0, \"tau_syn\": [3.0]}\n";

static const struct text_file text_files[] = {{"simulation.json", simulation_text},
                                              {"circuit.json", circuit_text},
                                              {"node_types.csv", node_types_text},
                                              {"edge_types.csv", edge_types_text},
                                              {"models/glif3.json", glif3_text},
                                              {"models/glif5.json", glif5_text},
                                              {"models/glif1.json", glif1_text},
                                              {"models/first.json", "{\"receptor_type\": 1}"},
                                              {"models/second.json", "{\"receptor_type\": 2}"},
                                              {"models/fourth.json", "{\"receptor_type\": 4}"}};
enum { TEXT_FILES = sizeof text_files / sizeof *text_files, DRIVES = 60 };

/* Nodes 0, 1, 2 are of GLIF 3, 5, 1, node 3 is an iaf_psc_exp. */
static const uint64_t ext_target[] = {0, 1, 2, 3, 0, 0, 1}, ext_type[] = {1, 1, 1, 3, 4, 2, 2};
static const uint64_t own_source[] = {0, 1, 2, 3}, own_target[] = {1, 0, 3, 0}, own_type[] = {1, 2, 3, 4};
enum { EXT = sizeof ext_target / sizeof *ext_target, OWN = sizeof own_source / sizeof *own_source };

static double drive_time(size_t i)
{
  return 1.0 + 4.7 * (double)i + 1.3 * sin((double)i);
}

static void write_circuit(void)
{
  static const uint64_t ext_source[EXT] = {0};
  double times[DRIVES];
  uint64_t ids[DRIVES] = {0};
  ck_assert_int_eq(mkdir(in_folder("models"), 0700), 0);
  write_texts(text_files, TEXT_FILES);
  for (size_t i = 0; i < DRIVES; i++)
    times[i] = drive_time(i);
  hid_t file = H5Fcreate(in_folder("nodes.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  PUT(file, "nodes/cells/node_type_id", UINT64, {1, 2, 3, 4});
  PUT(file, "nodes/ext/node_type_id", UINT64, {9});
  H5Fclose(file);
  file = H5Fcreate(in_folder("ext.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  put(file, "spikes/ext/timestamps", H5T_NATIVE_DOUBLE, DRIVES, times);
  put(file, "spikes/ext/node_ids", H5T_NATIVE_UINT64, DRIVES, ids);
  H5Fclose(file);
  file = H5Fcreate(in_folder("edges.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  put(file, "edges/in/source_node_id", H5T_NATIVE_UINT64, EXT, ext_source);
  put(file, "edges/in/target_node_id", H5T_NATIVE_UINT64, EXT, ext_target);
  put(file, "edges/in/edge_type_id", H5T_NATIVE_UINT64, EXT, ext_type);
  put(file, "edges/own/source_node_id", H5T_NATIVE_UINT64, OWN, own_source);
  put(file, "edges/own/target_node_id", H5T_NATIVE_UINT64, OWN, own_target);
  put(file, "edges/own/edge_type_id", H5T_NATIVE_UINT64, OWN, own_type);
  put_text(file, "edges/in/source_node_id", "node_population", "ext");
  put_text(file, "edges/in/target_node_id", "node_population", "cells");
  put_text(file, "edges/own/source_node_id", "node_population", "cells");
  put_text(file, "edges/own/target_node_id", "node_population", "cells");
  H5Fclose(file);
}

/* --- the same by hand --- */

struct named {
  const char *name;
  double value;
};

static const struct named glif3[] = {{"V_th", -50},
                                     {"g", 5},
                                     {"E_L", -75},
                                     {"C_m", 60},
                                     {"t_ref", 3},
                                     {"V_reset", -74},
                                     {"asc_init_1", 1},
                                     {"asc_init_2", -2},
                                     {"asc_decay_1", .003},
                                     {"asc_decay_2", .1},
                                     {"asc_amps_1", -9},
                                     {"asc_amps_2", -40},
                                     {"asc_r_1", 1},
                                     {"asc_r_2", .5},
                                     {"tau_syn_1", 5.5},
                                     {"tau_syn_2", 8.5},
                                     {"tau_syn_3", 2.8},
                                     {"tau_syn_4", 5.8},
                                     {"after_spike_currents", 1}};
static const struct named glif5[] = {{"V_th", -48},
                                     {"g", 4},
                                     {"E_L", -72},
                                     {"C_m", 80},
                                     {"t_ref", 2.5},
                                     {"V_reset", -72},
                                     {"th_spike_add", 3},
                                     {"th_spike_decay", .02},
                                     {"voltage_reset_fraction", .3},
                                     {"voltage_reset_add", 2},
                                     {"th_voltage_index", .006},
                                     {"th_voltage_decay", .08},
                                     {"asc_decay_1", .05},
                                     {"asc_amps_1", -20},
                                     {"asc_amps_2", 0},
                                     {"asc_r_1", 1},
                                     {"tau_syn_1", 4},
                                     {"tau_syn_2", 6},
                                     {"spike_dependent_threshold", 1},
                                     {"after_spike_currents", 1},
                                     {"adapting_threshold", 1}};
static const struct named glif1[] = {{"V_th", -52}, {"C_m", 70}, {"tau_syn_1", 3}};

static size_t add_cell(struct hk_network *network, const char *name, const char *model, const struct named *values,
                       size_t count)
{
  struct hk_setting params[32];
  size_t index;
  for (size_t i = 0; i < count; i++)
    params[i] = (struct hk_setting){values[i].name, hk_value_constant(values[i].value)};
  struct hk_population_spec spec = {.name = name, .model = model, .size = 1, .params = params, .param_count = count};
  expect(hk_network_add_population(network, &spec, &index, NULL, messages), HK_OK);
  return index;
}

static void add_edge(struct hk_network *network, size_t source, size_t target, uint64_t type)
{
  static const double weight[] = {0, 300, -150, 100, 250}, delay[] = {0, 1.5, 2, 1, 1};
  static const char *const port[] = {NULL, "1", "2", NULL, "4"};
  struct hk_projection_spec spec = {.source = source,
                                    .target = target,
                                    .rule = {.kind = HK_RULE_ONE_TO_ONE},
                                    .weight = hk_value_constant(weight[type]),
                                    .delay = hk_value_constant(delay[type]),
                                    .port = port[type]};
  expect(hk_network_add_projection(network, &spec, NULL, NULL, messages), HK_OK);
}

static struct hk_network *by_hand(void)
{
  struct hk_network *network;
  size_t cell[4], source;
  expect(hk_network_create(&network), HK_OK);
  cell[0] = add_cell(network, "glif3", "glif_psc", glif3, sizeof glif3 / sizeof *glif3);
  cell[1] = add_cell(network, "glif5", "glif_psc", glif5, sizeof glif5 / sizeof *glif5);
  cell[2] = add_cell(network, "glif1", "glif_psc", glif1, sizeof glif1 / sizeof *glif1);
  cell[3] = add_cell(network, "exp", "iaf_psc_exp", NULL, 0);
  double times[DRIVES];
  uint64_t offsets[] = {0, DRIVES};
  for (size_t i = 0; i < DRIVES; i++)
    times[i] = drive_time(i);
  struct hk_population_spec spec = {.name = "ext", .model = "spike_source", .size = 1, .trains = {times, offsets}};
  expect(hk_network_add_population(network, &spec, &source, NULL, messages), HK_OK);
  for (size_t i = 0; i < EXT; i++)
    add_edge(network, source, cell[ext_target[i]], ext_type[i]);
  for (size_t i = 0; i < OWN; i++)
    add_edge(network, cell[own_source[i]], cell[own_target[i]], own_type[i]);
  return network;
}

/* --- running --- */

struct spikes {
  double time[4096];
  uint32_t node[4096];
  size_t count, of[4];
};

static const struct hk_network *running;

/* A cell's node: its index among the cells, by the network's own names. */
static enum hk_status keep(void *context, const struct hk_spike *spikes, size_t count)
{
  struct spikes *kept = context;
  for (size_t i = 0; i < count; i++) {
    const struct hk_population_spec *population = hk_network_population(running, spikes[i].population);
    if (strcmp(population->model, "spike_source") == 0)
      continue;
    bool imported = population->record_ids != NULL;
    uint32_t node = imported ? (uint32_t)population->record_ids[spikes[i].neuron] : spikes[i].population;
    ck_assert(kept->count < 4096 && node < 4);
    kept->time[kept->count] = spikes[i].time;
    kept->node[kept->count++] = node;
    kept->of[node]++;
  }
  return HK_OK;
}

static struct spikes run(const struct hk_network *network, enum hk_scheduler scheduler)
{
  struct spikes spikes = {.count = 0};
  struct hk_simulation *sim;
  const struct hk_options options = {.seed = 1, .scheduler = scheduler, .threads = 1};
  running = network;
  expect(hk_simulation_create(network, &options, &sim, messages), HK_OK);
  hk_simulation_set_sink(sim, &(struct hk_sink){&spikes, keep, NULL});
  expect(hk_simulation_run(sim, 300), HK_OK);
  hk_simulation_destroy(sim);
  return spikes;
}

START_TEST(circuit_runs_as_by_hand)
{
  enum hk_scheduler scheduler = _i ? HK_SCHEDULER_WINDOWS : HK_SCHEDULER_QUEUE;
  write_circuit();
  struct hk__sonata sonata;
  expect(read_config(in_folder("simulation.json"), NULL, 0, &sonata), HK_OK);
  struct hk_network *network = by_hand();
  struct spikes imported = run(sonata.network, scheduler), direct = run(network, scheduler);
  ck_assert_uint_eq(imported.count, direct.count);
  for (int node = 0; node < 3; node++)
    ck_assert_uint_gt(direct.of[node], 3);
  for (size_t i = 0; i < direct.count; i++) {
    ck_assert_uint_eq(imported.node[i], direct.node[i]);
    ck_assert_double_eq_tol(imported.time[i], direct.time[i], 1e-9);
  }
  hk_network_destroy(network);
  hk__sonata_clear(&sonata);
}
END_TEST

/* --- what is refused --- */

static const struct wrong wrongs[] = {
    {4, "[1.0, -2.0]", "[1.0, -2.0, 3.0]", "`asc_init` has 3 values; glif_psc takes at most 2", "node_types.csv", 2},
    {4, "[1.0, -2.0]", "[1.0]", "`asc_decay` has 2 values and `asc_init` 1", "node_types.csv", 2},
    {4, "[1.0, -2.0]", "[1.0, \"x\"]", "`asc_init` must be a list of numbers", "node_types.csv", 2},
    {4, "[1.0, -2.0]", "1.0", "`asc_init` must be a list of numbers", "node_types.csv", 2},
    {4, "\"asc_init\"", "\"asc_ini\"", "did you mean `asc_init`?", "node_types.csv", 2},
    {4, "5.8]", "5.8, 7.0]", "`tau_syn` has 5 values; glif_psc takes at most 4", "node_types.csv", 2},
    {4, "5.8]", "-5.8]", "tau_syn_4", "nodes.h5", 0},
    {4, "60.0", "\"60.0\"", "`C_m` must be a number", "node_types.csv", 2},
    {4, "60.0", "[60.0]", "`C_m` must be a number", "node_types.csv", 2},
    {4, "\"adapting_threshold\": false", "\"adapting_threshold\": true", "adapting_threshold (GLIF 5) needs",
     "nodes.h5", 0},
    {5, "[4.0, 6.0]", "[4.0]", "receptor_type 2, but node 1 of cells has 1 receptors", "edges.h5", 0},
    {7, "1}", "0}", "`receptor_type` is not supported", "edge_types.csv", 2},
    {7, "1}", "1.5}", "a whole number from 1 on was expected", "edge_types.csv", 2},
    {7, "1}", "5}", "receptor_type 5, but node 0 of cells has 4 receptors", "edges.h5", 0},
    {3, "first.json", "NULL", "a receptor_type from 1 to 4 was expected", "edges.h5", 0},
    {3, "3 100.0 1.0 NULL", "3 100.0 1.0 first.json", "neurons of iaf_psc_exp have no numbered receptors", "edges.h5",
     0},
};

START_TEST(wrong_circuits_are_refused)
{
  write_circuit();
  check_refused(&wrongs[_i], text_files);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("sonata_glif");
  TCase *tcase = tcase_create("sonata_glif");
  tcase_set_timeout(tcase, 120);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_loop_test(tcase, circuit_runs_as_by_hand, 0, 2);
  tcase_add_loop_test(tcase, wrong_circuits_are_refused, 0, sizeof wrongs / sizeof *wrongs);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
