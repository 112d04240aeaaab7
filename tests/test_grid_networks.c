/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole networks in grid time: those that NEST ran, and one stepped naively. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pairs.h"
#include "random_network.h"
#include "shared.h"
#include "suite.h"

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
  size_t index = add_spec(network, &(struct hk_population_spec){.name = "neurons",
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
      add_spec(network, &(struct hk_population_spec){
                            .name = "inputs", .model = "spike_source", .size = size, .trains = {times, offsets}});
  free(times);
  free(offsets);
  return index;
}

static struct hk_network *read_network(const json_t *oracle)
{
  struct hk_network *network = make_network();
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
  struct hk_network *network = make_network();
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
  add_spec(network, &(struct hk_population_spec){.name = "neurons",
                                                 .model = "iaf_psc_exp",
                                                 .size = SIZE,
                                                 .params = params,
                                                 .param_count = sizeof params / sizeof *params,
                                                 .init = &init,
                                                 .init_count = 1});
  add_spec(network, &(struct hk_population_spec){
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

int main(void)
{
  networks = shared_cases("oracles/grid_networks.json", "networks");
  Suite *suite = suite_create("grid_networks");
  TCase *tests = tcase_create("grid_networks");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, nest, 0, (int)json_array_size(networks));
  tcase_add_loop_test(tests, naive, 0, 5);
  suite_add_tcase(suite, tests);
  int code = run_suite(suite);
  json_decref(networks);
  return code;
}
