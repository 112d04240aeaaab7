/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time on a grid: networks run by NEST, a network stepped naively, what is rounded to the grid, what is refused. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "random_network.h"
#include "shared.h"
#include "suite.h"

/* --- small networks, given synapse by synapse --- */

struct pairs {
  uint32_t *sources, *targets;
  double *weights, *delays;
  size_t count;
};

static void *allocate(size_t count, size_t size)
{
  void *memory = calloc(count + 1, size);
  ck_assert_ptr_nonnull(memory);
  return memory;
}

static struct pairs pairs_of(size_t count)
{
  return (struct pairs){allocate(count, sizeof(uint32_t)), allocate(count, sizeof(uint32_t)),
                        allocate(count, sizeof(double)), allocate(count, sizeof(double)), count};
}

static void pairs_free(struct pairs *pairs)
{
  free(pairs->sources);
  free(pairs->targets);
  free(pairs->weights);
  free(pairs->delays);
}

static void connect_pairs(struct hk_network *network, size_t source, size_t target, const struct pairs *pairs)
{
  struct hk_projection_spec spec = {.source = source,
                                    .target = target,
                                    .rule = {.kind = HK_RULE_PAIRS,
                                             .allow_autapses = true,
                                             .allow_multapses = true,
                                             .sources = pairs->sources,
                                             .targets = pairs->targets,
                                             .pair_count = pairs->count},
                                    .weight = hk_value_list(pairs->weights, pairs->count),
                                    .delay = hk_value_list(pairs->delays, pairs->count)};
  ck_assert_int_eq(hk_network_add_projection(network, &spec, NULL, NULL, NULL), HK_OK);
}

static struct hk_network *empty_network(void)
{
  struct hk_network *network;
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  return network;
}

static size_t add_population(struct hk_network *network, const struct hk_population_spec *spec)
{
  size_t index;
  ck_assert_int_eq(hk_network_add_population(network, spec, &index, NULL, NULL), HK_OK);
  return index;
}

/* --- NEST --- */

static json_t *networks;

static double number_at(const json_t *array, size_t index)
{
  const json_t *number = json_array_get(array, index);
  ck_assert(json_is_number(number));
  return json_number_value(number);
}

static struct pairs read_pairs(const json_t *edges)
{
  struct pairs pairs = pairs_of(json_array_size(edges));
  for (size_t i = 0; i < pairs.count; i++) {
    const json_t *edge = json_array_get(edges, i);
    pairs.sources[i] = (uint32_t)number_at(edge, 0);
    pairs.targets[i] = (uint32_t)number_at(edge, 1);
    pairs.weights[i] = number_at(edge, 2);
    pairs.delays[i] = number_at(edge, 3);
  }
  return pairs;
}

static size_t read_neurons(struct hk_network *network, const json_t *oracle)
{
  struct hk_setting params[HK_PARAMS_MAX];
  size_t count = shared_settings(oracle, "params", params, HK_PARAMS_MAX), size;
  double *list = shared_numbers(oracle, "init_V_m", &size);
  struct hk_setting init = {"V_m", hk_value_list(list, size)};
  size_t index = add_population(network, &(struct hk_population_spec){.name = "neurons",
                                                                      .model = shared_text(oracle, "model"),
                                                                      .size = size,
                                                                      .params = params,
                                                                      .param_count = count,
                                                                      .init = &init,
                                                                      .init_count = 1});
  free(list);
  return index;
}

static size_t read_trains(struct hk_network *network, const json_t *trains)
{
  size_t size = json_array_size(trains), count = 0;
  uint64_t *offsets = allocate(size + 1, sizeof *offsets);
  for (size_t i = 0; i < size; i++)
    offsets[i + 1] = offsets[i] + json_array_size(json_array_get(trains, i));
  double *times = allocate(offsets[size], sizeof *times);
  for (size_t i = 0; i < size; i++)
    for (size_t k = 0; k < offsets[i + 1] - offsets[i]; k++)
      times[count++] = number_at(json_array_get(trains, i), k);
  size_t index =
      add_population(network, &(struct hk_population_spec){
                                  .name = "inputs", .model = "spike_source", .size = size, .trains = {times, offsets}});
  free(times);
  free(offsets);
  return index;
}

static struct hk_network *read_network(const json_t *oracle)
{
  struct hk_network *network = empty_network();
  size_t neurons = read_neurons(network, oracle), inputs = read_trains(network, shared_member(oracle, "trains"));
  struct pairs edges = read_pairs(shared_member(oracle, "edges")),
               input_edges = read_pairs(shared_member(oracle, "input_edges"));
  connect_pairs(network, neurons, neurons, &edges);
  connect_pairs(network, inputs, neurons, &input_edges);
  pairs_free(&edges);
  pairs_free(&input_edges);
  return network;
}

START_TEST(nest)
{
  ck_assert_uint_eq(json_array_size(networks), 3);
  const json_t *oracle = json_array_get(networks, (size_t)_i), *expected = shared_member(oracle, "spikes");
  struct hk_network *network = read_network(oracle);
  struct hk_options options = {.seed = 1, .grid = shared_number(oracle, "grid")};
  struct recording found = run_network(network, &options, shared_number(oracle, "duration"), 1);
  const char *model = shared_text(oracle, "model");
  for (size_t i = 0; i < found.count && i < json_array_size(expected); i++) {
    const json_t *spike = json_array_get(expected, i);
    ck_assert_msg(fabs(found.spikes[i].time - number_at(spike, 0)) < 1e-9 &&
                      found.spikes[i].neuron == (uint32_t)number_at(spike, 1),
                  "%s: spike %zu is of neuron %u at %.12f ms, NEST's of neuron %g at %.12f ms", model, i,
                  found.spikes[i].neuron, found.spikes[i].time, number_at(spike, 1), number_at(spike, 0));
  }
  ck_assert_uint_eq(found.count, json_array_size(expected));
  ck_assert_uint_gt(found.count, 1000);
  recording_free(&found);
  hk_network_destroy(network);
}
END_TEST

/* --- a network stepped naively --- */

/* Times are kept in hundredths of a millisecond: ten to a step, so that the naive side rounds whole numbers. */
enum { SIZE = 30, SOURCES = 5, SPIKES = 40, EDGES = 300, STEPS = 2000, TICKS = 10, SLOTS = 64, SAMPLE_STEPS = 3 };

struct naive {
  double tau_m[SIZE], C_m[SIZE], t_ref[SIZE], V0[SIZE];
  struct pairs edges, input_edges;
  double times[SOURCES * SPIKES];
  uint64_t offsets[SOURCES + 1];
  double pending[SIZE][2][SLOTS];
  struct hk_spike *spikes;
  size_t spike_count;
  double samples[STEPS / SAMPLE_STEPS + 1][SIZE];
};

static const double E_L = -65, V_th = -50, V_reset = -62, I_e = 400, tau_syn[2] = {0.5, 2.3}, step = 0.1;
static const double dc = 120, dc_from = 10.03, dc_to = 120.5, sine = 150, sine_from = 30, sine_phase = 0.4;
static const double step_times[] = {20, 77.75, 150}, step_levels[] = {90, -60, 130};
static const double frequency = 37;

static uint64_t draw(uint64_t *state, uint64_t count)
{
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (*state >> 33) % count;
}

/* A number of ticks that is not half way between two steps. */
static uint64_t draw_ticks(uint64_t *state, uint64_t low, uint64_t high)
{
  uint64_t ticks = low + draw(state, high - low);
  return ticks % TICKS == TICKS / 2 ? ticks + 1 : ticks;
}

static struct pairs draw_pairs(uint64_t *state, size_t count, uint32_t sources)
{
  struct pairs pairs = pairs_of(count);
  for (size_t i = 0; i < count; i++) {
    pairs.sources[i] = (uint32_t)draw(state, sources);
    pairs.targets[i] = (uint32_t)draw(state, SIZE);
    pairs.weights[i] = draw(state, 5) == 0 ? -1500.0 : 300.0 + (double)draw(state, 300);
    pairs.delays[i] = (double)draw_ticks(state, 1, 500) / 100;
  }
  return pairs;
}

static struct naive *naive_create(uint64_t seed)
{
  struct naive *n = allocate(1, sizeof *n);
  uint64_t *state = &seed;
  for (size_t i = 0; i < SIZE; i++) {
    n->tau_m[i] = 8 + (double)draw(state, 8);
    n->C_m[i] = 200 + (double)draw(state, 100);
    n->t_ref[i] = i % 7 == 0 ? 0 : (double)draw_ticks(state, 20, 300) / 100;
    n->V0[i] = -65 + (double)draw(state, 1400) / 100;
  }
  n->edges = draw_pairs(state, EDGES, SIZE);
  n->input_edges = draw_pairs(state, 3 * SIZE, SOURCES);
  for (size_t s = 0, k = 0; s < SOURCES; s++) {
    uint64_t ticks = 0;
    for (size_t i = 0; i < SPIKES; i++)
      n->times[k++] = (double)(ticks += 1 + draw(state, 900)) / 100;
    n->offsets[s + 1] = k;
  }
  n->spikes = allocate((size_t)SIZE * STEPS, sizeof *n->spikes);
  return n;
}

static void naive_free(struct naive *n)
{
  pairs_free(&n->edges);
  pairs_free(&n->input_edges);
  free(n->spikes);
  free(n);
}

/* The step at whose end something of this time is felt; the number of steps nearest to a length. */
static size_t naive_up(double time)
{
  size_t ticks = (size_t)lround(time * 100);
  return (ticks + TICKS - 1) / TICKS;
}

static size_t naive_nearest(double length)
{
  return ((size_t)lround(length * 100) + TICKS / 2) / TICKS;
}

static void naive_send(struct naive *n, const struct pairs *pairs, uint32_t source, size_t now)
{
  for (size_t e = 0; e < pairs->count; e++)
    if (pairs->sources[e] == source) {
      size_t delay = naive_nearest(pairs->delays[e]);
      n->pending[pairs->targets[e]][pairs->weights[e] < 0][(now + (delay > 0 ? delay : 1)) % SLOTS] +=
          pairs->weights[e];
    }
}

/* The current during the step that begins here. */
static double naive_current(size_t now)
{
  double t = (double)now * step, current = I_e;
  if (now >= naive_up(dc_from) && now < naive_up(dc_to))
    current += dc;
  if (now >= naive_up(sine_from))
    current += sine * sin(2 * M_PI * frequency * 1e-3 * (t - sine_from) + sine_phase);
  for (size_t k = 3; k-- > 0;)
    if (now >= naive_up(step_times[k]))
      return current + step_levels[k];
  return current;
}

/* Two exponentials' share in the potential after one step. */
static double naive_share(double tau_m, double tau, double C_m)
{
  return tau_m * tau / (C_m * (tau_m - tau)) * (exp(-step / tau_m) - exp(-step / tau));
}

static void naive_run(struct naive *n)
{
  double V[SIZE], I[SIZE][2] = {{0}};
  size_t refractory[SIZE] = {0};
  memcpy(V, n->V0, sizeof V);
  for (size_t now = 0; now <= STEPS; now++) {
    for (uint32_t i = 0; i < SIZE && now > 0; i++) {
      double decay = exp(-step / n->tau_m[i]), U = (V[i] - E_L) * decay;
      U += n->tau_m[i] / n->C_m[i] * (1 - decay) * naive_current(now - 1);
      for (int x = 0; x < 2; x++) {
        U += I[i][x] * naive_share(n->tau_m[i], tau_syn[x], n->C_m[i]);
        I[i][x] = I[i][x] * exp(-step / tau_syn[x]) + n->pending[i][x][now % SLOTS];
        n->pending[i][x][now % SLOTS] = 0;
      }
      if (refractory[i] > 0)
        refractory[i]--;
      else
        V[i] = U + E_L;
    }
    for (uint32_t i = 0; i < SIZE && now > 0; i++)
      if (V[i] >= V_th) {
        V[i] = V_reset;
        refractory[i] = naive_nearest(n->t_ref[i]);
        n->spikes[n->spike_count++] = (struct hk_spike){(double)now / 10, 0, i};
        naive_send(n, &n->edges, i, now);
      }
    for (uint32_t s = 0; s < SOURCES; s++)
      for (size_t k = n->offsets[s]; k < n->offsets[s + 1]; k++)
        if (naive_up(n->times[k]) == now)
          naive_send(n, &n->input_edges, s, now);
    if (now % SAMPLE_STEPS == 0)
      memcpy(n->samples[now / SAMPLE_STEPS], V, sizeof V);
  }
}

static void add_currents(struct hk_network *network)
{
  struct hk_input_spec specs[] = {
      {.kind = HK_INPUT_DC, .amplitude = hk_value_constant(dc), .from = dc_from, .to = dc_to},
      {.kind = HK_INPUT_SINE,
       .amplitude = hk_value_constant(sine),
       .offset = hk_value_constant(0),
       .frequency = frequency,
       .phase = sine_phase,
       .from = sine_from,
       .to = INFINITY},
      {.kind = HK_INPUT_STEPS, .times = step_times, .amplitudes = step_levels, .step_count = 3, .to = INFINITY}};
  for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
    ck_assert_int_eq(hk_network_add_input(network, &specs[i], NULL, NULL, NULL), HK_OK);
}

static struct hk_network *naive_network(const struct naive *n)
{
  struct hk_network *network = empty_network();
  struct hk_setting params[] = {{"tau_m", hk_value_list(n->tau_m, SIZE)},
                                {"C_m", hk_value_list(n->C_m, SIZE)},
                                {"t_ref", hk_value_list(n->t_ref, SIZE)},
                                {"E_L", hk_value_constant(E_L)},
                                {"V_th", hk_value_constant(V_th)},
                                {"V_reset", hk_value_constant(V_reset)},
                                {"I_e", hk_value_constant(I_e)},
                                {"tau_syn_ex", hk_value_constant(tau_syn[0])},
                                {"tau_syn_in", hk_value_constant(tau_syn[1])}};
  struct hk_setting init = {"V_m", hk_value_list(n->V0, SIZE)};
  add_population(network, &(struct hk_population_spec){.name = "neurons",
                                                       .model = "iaf_psc_exp",
                                                       .size = SIZE,
                                                       .params = params,
                                                       .param_count = sizeof params / sizeof *params,
                                                       .init = &init,
                                                       .init_count = 1});
  add_population(network,
                 &(struct hk_population_spec){
                     .name = "sources", .model = "spike_source", .size = SOURCES, .trains = {n->times, n->offsets}});
  connect_pairs(network, 0, 0, &n->edges);
  connect_pairs(network, 1, 0, &n->input_edges);
  add_currents(network);
  static const uint32_t neurons[] = {3, 17}; /* run_network takes rows of two values */
  static const char *const variables[] = {"V_m"};
  ck_assert_int_eq(hk_network_add_trace(network,
                                        &(struct hk_trace_spec){"v", 0, neurons, 2, variables, 1, SAMPLE_STEPS * step},
                                        NULL, NULL, NULL),
                   HK_OK);
  return network;
}

START_TEST(naive)
{
  struct naive *n = naive_create(1000 + (uint64_t)_i);
  naive_run(n);
  struct hk_network *network = naive_network(n);
  struct hk_options options = {.seed = 1, .grid = step};
  struct recording found = run_network(network, &options, STEPS * step, 3);
  for (size_t i = 0; i < found.count && i < n->spike_count; i++)
    ck_assert_msg(found.spikes[i].time == n->spikes[i].time && found.spikes[i].neuron == n->spikes[i].neuron,
                  "spike %zu is of neuron %u at %.17g ms, naively of neuron %u at %.17g ms", i, found.spikes[i].neuron,
                  found.spikes[i].time, n->spikes[i].neuron, n->spikes[i].time);
  ck_assert_uint_eq(found.count, n->spike_count);
  ck_assert_uint_gt(found.count, 150);
  ck_assert_uint_eq(found.value_count, 2 * (STEPS / SAMPLE_STEPS + 1));
  for (size_t r = 0; r <= STEPS / SAMPLE_STEPS; r++) {
    ck_assert_double_eq_tol(found.rows[2 * r], n->samples[r][3], 1e-9);
    ck_assert_double_eq_tol(found.rows[2 * r + 1], n->samples[r][17], 1e-9);
  }
  recording_free(&found);
  hk_network_destroy(network);
  naive_free(n);
}
END_TEST

/* --- what arrives while a neuron is refractory --- */

/* Spikes of one iaf_psc_delta neuron onto which each event alone suffices, in steps. */
static size_t volley(const double *times, size_t count, double t_ref, double *spikes)
{
  struct hk_network *network = empty_network();
  struct hk_setting params[] = {{"t_ref", hk_value_constant(t_ref)}};
  add_population(network, &(struct hk_population_spec){
                              .name = "n", .model = "iaf_psc_delta", .size = 1, .params = params, .param_count = 1});
  uint64_t offsets[] = {0, count};
  add_population(network, &(struct hk_population_spec){
                              .name = "s", .model = "spike_source", .size = 1, .trains = {times, offsets}});
  struct pairs one = pairs_of(1);
  one.weights[0] = 100;
  one.delays[0] = 1;
  connect_pairs(network, 1, 0, &one);
  pairs_free(&one);
  struct recording found = run_network(network, &(struct hk_options){.grid = 0.25}, 20, 1);
  for (size_t i = 0; i < found.count; i++)
    spikes[i] = found.spikes[i].time;
  size_t spike_count = found.count;
  recording_free(&found);
  hk_network_destroy(network);
  return spike_count;
}

/* The period's last step, too, loses what arrives at its end. Times between grid points count as the next. */
START_TEST(refractory_counts_steps)
{
  static const double times[] = {0.0, 1.0, 1.9, 3.0, 3.01, 8.0};
  double spikes[6];
  ck_assert_uint_eq(volley(times, 6, 1.0, spikes), 4); /* 1.0 is lost, 1.9 (2.0) taken, 3.0 lost, 3.25 taken */
  ck_assert(spikes[0] == 1.0 && spikes[1] == 3.0 && spikes[2] == 4.25 && spikes[3] == 9.0);
  ck_assert_uint_eq(volley(times, 6, 0.1, spikes), 6); /* less than half a step is none */
  ck_assert(spikes[0] == 1.0 && spikes[1] == 2.0 && spikes[2] == 3.0 && spikes[3] == 4.0 && spikes[4] == 4.25);
}
END_TEST

/* --- Poisson: the trains of exact time, each spike at the next grid point --- */

START_TEST(poisson)
{
  struct hk_network *network = empty_network();
  struct hk_setting rate = {"rate", hk_value_constant(900)};
  add_population(network, &(struct hk_population_spec){
                              .name = "p", .model = "poisson", .size = 2, .params = &rate, .param_count = 1});
  ck_assert_int_eq(hk_network_record_spikes(network, 0, true), HK_OK);
  struct hk_options options = {.seed = 5};
  struct recording exact = run_network(network, &options, 300, 1);
  options.grid = 0.5;
  struct recording grid = run_network(network, &options, 300, 1);
  size_t counts[2][2] = {{0}};
  ck_assert_uint_eq(exact.count, grid.count);
  ck_assert_uint_gt(exact.count, 300);
  double *times[2] = {allocate(exact.count, sizeof(double)), allocate(exact.count, sizeof(double))};
  for (size_t i = 0; i < exact.count; i++)
    times[exact.spikes[i].neuron][counts[0][exact.spikes[i].neuron]++] = ceil(exact.spikes[i].time * 2) / 2;
  for (size_t i = 0; i < grid.count; i++) {
    uint32_t neuron = grid.spikes[i].neuron;
    ck_assert_double_eq(grid.spikes[i].time, times[neuron][counts[1][neuron]++]);
  }
  free(times[0]);
  free(times[1]);
  recording_free(&exact);
  recording_free(&grid);
  hk_network_destroy(network);
}
END_TEST

/* Private input onto a potential that forgets nothing: the sum of weights, step for step, in both ways of time. */
START_TEST(private_poisson)
{
  struct hk_network *network = empty_network();
  struct hk_setting params[] = {{"tau_m", hk_value_constant(1e15)}, {"V_th", hk_value_constant(1e9)}};
  add_population(network, &(struct hk_population_spec){
                              .name = "n", .model = "iaf_psc_delta", .size = 2, .params = params, .param_count = 2});
  struct hk_input_spec input = {.kind = HK_INPUT_POISSON,
                                .rate = hk_value_constant(5000),
                                .weight = hk_value_constant(1),
                                .from = 10.2,
                                .to = 80};
  ck_assert_int_eq(hk_network_add_input(network, &input, NULL, NULL, NULL), HK_OK);
  static const uint32_t neurons[] = {0, 1};
  static const char *const variables[] = {"V_m"};
  struct hk_trace_spec trace = {"v", 0, neurons, 2, variables, 1, 0.5};
  ck_assert_int_eq(hk_network_add_trace(network, &trace, NULL, NULL, NULL), HK_OK);
  struct hk_options options = {.seed = 5};
  struct recording exact = run_network(network, &options, 100, 1);
  options.grid = 0.5;
  struct recording grid = run_network(network, &options, 100, 1);
  ck_assert_uint_eq(exact.value_count, grid.value_count);
  ck_assert_double_gt(grid.rows[grid.value_count - 1], 200);
  for (size_t i = 0; i < exact.value_count; i++)
    ck_assert_double_eq_tol(exact.rows[i], grid.rows[i], 1e-6);
  recording_free(&exact);
  recording_free(&grid);
  hk_network_destroy(network);
}
END_TEST

/* --- a tree of one compartment is a point neuron --- */

static struct recording run_point_or_tree(bool tree, double t_ref)
{
  struct hk_compartment soma = {.C_m = 250, .g_L = 25, .E_L = -70};
  struct hk_tree shape = {&soma, 1};
  struct hk_setting params[] = {{"I_e", hk_value_constant(300)}, {"t_ref", hk_value_constant(t_ref)}};
  struct hk_network *network = empty_network();
  add_population(network, &(struct hk_population_spec){.name = "n",
                                                       .model = tree ? "iaf_tree" : "iaf_psc_exp",
                                                       .size = 2,
                                                       .params = params,
                                                       .param_count = 2,
                                                       .tree = tree ? &shape : NULL});
  struct hk_input_spec input = {.kind = HK_INPUT_POISSON,
                                .rate = hk_value_constant(800),
                                .weight = hk_value_constant(300),
                                .port = tree ? "soma" : NULL,
                                .to = INFINITY};
  ck_assert_int_eq(hk_network_add_input(network, &input, NULL, NULL, NULL), HK_OK);
  struct recording found = run_network(network, &(struct hk_options){.seed = 2, .grid = 0.1}, 500, 1);
  hk_network_destroy(network);
  return found;
}

START_TEST(trees)
{
  static const double t_refs[] = {2.0, 0.1, 0.04, 0.0};
  struct recording point = run_point_or_tree(false, t_refs[_i]), tree = run_point_or_tree(true, t_refs[_i]);
  ck_assert_uint_gt(point.count, 30);
  ck_assert_uint_eq(point.count, tree.count);
  for (size_t i = 0; i < point.count; i++)
    ck_assert(point.spikes[i].time == tree.spikes[i].time && point.spikes[i].neuron == tree.spikes[i].neuron);
  recording_free(&point);
  recording_free(&tree);
}
END_TEST

/* --- pieces --- */

/* A trace of random_network is taken each 0.37 ms. */
START_TEST(same_bits_in_pieces)
{
  size_t spikes = 0;
  for (uint64_t number = 0; number < 40; number++) {
    struct hk_network *network = random_network(number);
    struct hk_options options = {.seed = number, .grid = number % 2 ? 0.037 : 0.37};
    struct recording whole = run_network(network, &options, 50, 1);
    options.threads = 3;
    struct recording pieces = run_network(network, &options, 50, 17);
    assert_same(&whole, &pieces);
    for (size_t i = 0; i < whole.count; i++) {
      double steps = whole.spikes[i].time / options.grid;
      ck_assert_double_eq_tol(steps, round(steps), 1e-9);
    }
    spikes += whole.count;
    recording_free(&whole);
    recording_free(&pieces);
    hk_network_destroy(network);
  }
  ck_assert_uint_gt(spikes, 1000);
}
END_TEST

/* --- what is refused --- */

static void refused(const struct hk_network *network, const struct hk_options *options, const char *const *parts)
{
  struct hk_messages *messages;
  struct hk_simulation *sim = NULL;
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
  ck_assert_int_eq(hk_simulation_create(network, options, &sim, messages), HK_ERR_INPUT);
  ck_assert_ptr_null(sim);
  ck_assert_uint_eq(hk_messages_errors(messages), 1);
  const char *text = hk_messages_get(messages, 0).text;
  for (; *parts; parts++)
    ck_assert_msg(strstr(text, *parts), "`%s` is not in: %s", *parts, text);
  hk_messages_destroy(messages);
}

START_TEST(wrong_grids)
{
  struct hk_network *network = random_network(3);
  const double grids[] = {-0.1, NAN, INFINITY};
  for (size_t i = 0; i < 3; i++)
    refused(network, &(struct hk_options){.grid = grids[i]}, (const char *[]){"time grid", "positive", NULL});
  refused(network, &(struct hk_options){.grid = 0.1}, (const char *[]){"trace `v`", "0.37 ms", "0.4 ms", NULL});
  refused(network, &(struct hk_options){.grid = 0.74}, (const char *[]){"trace `v`", "0.74 ms", NULL});
  refused(network, &(struct hk_options){.grid = 0.37, .scheduler = HK_SCHEDULER_QUEUE},
          (const char *[]){"`queue`", "`auto`", NULL});
  refused(network, &(struct hk_options){.grid = 0.37, .scheduler = HK_SCHEDULER_WINDOWS},
          (const char *[]){"`windows`", "`auto`", NULL});
  refused(network, &(struct hk_options){.scheduler = HK_SCHEDULER_GRID}, (const char *[]){"`grid`", "exact", NULL});
  hk_network_destroy(network);
}
END_TEST

START_TEST(models_not_linear)
{
  for (size_t m = 0; m < hk_model_count(); m++) {
    const struct hk_model *model = hk_model_at(m);
    if (model->kind != HK_MODEL_NONLINEAR)
      continue;
    struct hk_network *network = empty_network();
    add_population(network, &(struct hk_population_spec){.name = "them", .model = model->name, .size = 1});
    refused(network, &(struct hk_options){.grid = 0.1}, (const char *[]){"`them`", model->name, "exact", NULL});
    hk_network_destroy(network);
  }
}
END_TEST

/* --- from the command line --- */

static void write_config(const char *folder, const char *interval)
{
  FILE *file = command_create(folder, "net.yaml");
  fprintf(file,
          "simulation: {duration: 50 ms, time: {grid: 0.1 ms}}\n"
          "populations:\n  a: {model: iaf_psc_exp, size: 3, params: {I_e: 500 pA}}\n"
          "record:\n  traces:\n"
          "    - {name: v, population: a, neurons: [0], variables: [V_m], interval: %s}\n",
          interval);
  fclose(file);
}

START_TEST(commands)
{
  char *folder = command_folder();
  write_config(folder, "0.5 ms");
  command_run_well(folder, (const char *[]){"run", "net.yaml", "-o", "out", "--progress", "none", NULL});
  struct command_spikes spikes = command_spikes(folder, "out", "a");
  ck_assert_uint_gt(spikes.count, 6);
  for (size_t i = 0; i < spikes.count; i++)
    ck_assert_double_eq(spikes.times[i], round(spikes.times[i] * 10) / 10);
  command_spikes_clear(&spikes);
  write_config(folder, "0.25 ms");
  ck_assert_int_eq(command_run(folder, (const char *[]){"run", "net.yaml", "-o", "not", "--progress", "none", NULL}),
                   2);
  char *text = command_text(folder, "stderr"), *missing = command_path(folder, "not");
  ck_assert_ptr_nonnull(strstr(text, "multiple"));
  FILE *none = fopen(missing, "r");
  ck_assert_ptr_null(none);
  free(text);
  free(missing);
  command_remove(folder);
}
END_TEST

int main(void)
{
  networks = shared_cases("oracles/grid_networks.json", "networks");
  Suite *suite = suite_create("grid");
  TCase *tests = tcase_create("grid");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, nest, 0, (int)json_array_size(networks));
  tcase_add_loop_test(tests, naive, 0, 5);
  tcase_add_test(tests, refractory_counts_steps);
  tcase_add_test(tests, poisson);
  tcase_add_test(tests, private_poisson);
  tcase_add_loop_test(tests, trees, 0, 4);
  tcase_add_test(tests, same_bits_in_pieces);
  tcase_add_test(tests, wrong_grids);
  tcase_add_test(tests, models_not_linear);
  tcase_add_test(tests, commands);
  suite_add_tcase(suite, tests);
  int code = run_suite(suite);
  json_decref(networks);
  return code;
}
