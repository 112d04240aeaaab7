/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Superposition on trees: networks of random trees under both schedulers, and the bound against what it bounds. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tree_flow.h"
#include "random_network.h"
#include "suite.h"

enum { COMPARTMENTS = 24 };

static uint64_t state;

static double draw(double low, double high)
{
  state = state * 6364136223846793005u + 1442695040888963407u;
  return low + (high - low) * ((double)(state >> 11) * 0x1p-53);
}

static bool chance(double p)
{
  return draw(0, 1) < p;
}

static struct hk_tree draw_tree(struct hk_compartment *c)
{
  size_t count = chance(0.1) ? 1 : (size_t)draw(2, COMPARTMENTS + 1);
  bool leaky = chance(0.9), alike = chance(0.2);
  double scale = 250.0 / (double)count;
  for (uint32_t k = 0; k < count; k++)
    c[k] = (struct hk_compartment){.parent = k > 0 ? (uint32_t)draw(0, k) : 0,
                                   .C_m = alike ? scale : scale * draw(0.2, 2),
                                   .g_L = leaky ? scale * draw(0.04, 0.1) : 0,
                                   .E_L = alike ? -65 : draw(-68, -62),
                                   .g_c = alike ? 40 : exp(draw(0, 6))};
  return (struct hk_tree){c, count};
}

static size_t add_trees(struct hk_network *network, const char *name, const struct hk_tree *tree, bool inhibitory)
{
  double leak = 0, capacitance = 0;
  for (size_t k = 0; k < tree->count; k++) {
    leak += tree->compartments[k].g_L;
    capacitance += tree->compartments[k].C_m;
  }
  double tau = leak > 0 && chance(0.3) ? capacitance / leak : draw(0.3, 8);
  struct hk_setting params[] = {
      {"V_th", chance(0.5) ? hk_value_constant(-52) : hk_value_uniform(-54, -50)},
      {"V_reset", hk_value_uniform(-66, -58)},
      {"t_ref", hk_value_constant(inhibitory && chance(0.3) ? 0 : draw(0.5, 3))},
      {"I_e", hk_value_constant(draw(0, 250))},
      {"tau_syn_ex", hk_value_constant(tau)},
      {"tau_syn_in", chance(0.9) ? hk_value_constant(draw(0.4, 8)) : hk_value_uniform(3, 5)},
  };
  struct hk_setting init[] = {{"V_m", hk_value_uniform(-65, -51)}};
  struct hk_population_spec spec = {.name = name,
                                    .model = "iaf_tree",
                                    .size = 3 + (size_t)draw(0, 12),
                                    .params = params,
                                    .param_count = 6,
                                    .init = init,
                                    .init_count = 1,
                                    .tree = tree};
  size_t index;
  ck_assert_int_eq(hk_network_add_population(network, &spec, &index, NULL, NULL), HK_OK);
  return index;
}

/* Synapses from a population onto some compartments. */
static void connect(struct hk_network *network, size_t source, size_t target, size_t compartments, double weight)
{
  for (int i = 0; i < 3; i++) {
    char port[16];
    snprintf(port, sizeof port, "%zu", (size_t)draw(0, (double)compartments));
    double shortest = chance(0.3) ? 0.1 : 1.0;
    struct hk_projection_spec spec = {
        .source = source,
        .target = target,
        .rule = {.kind = HK_RULE_PAIRWISE_BERNOULLI, .number = draw(0.1, 0.5), .allow_autapses = true},
        .weight = chance(0.5) ? hk_value_constant(weight)
                              : hk_value_uniform(fmin(weight, weight / 2), fmax(weight, weight / 2)),
        .delay = chance(0.3) ? hk_value_constant(shortest) : hk_value_uniform(shortest, shortest + 4),
        .port = strcmp(port, "0") == 0 ? NULL : port};
    ck_assert_int_eq(hk_network_add_projection(network, &spec, NULL, NULL, NULL), HK_OK);
  }
}

static void add_current(struct hk_network *network, size_t target)
{
  static const double times[] = {5, 17.25, 31}, amplitudes[] = {150, -80, 220};
  struct hk_input_spec spec = {.target = target, .to = INFINITY};
  switch ((int)draw(0, 12)) {
  case 0:
  case 1:
  case 2:
    spec.kind = HK_INPUT_POISSON;
    spec.rate = hk_value_constant(draw(50, 3000));
    spec.weight = hk_value_constant(120);
    break;
  case 3:
    spec.kind = HK_INPUT_SINE;
    spec.amplitude = hk_value_constant(200);
    spec.frequency = draw(5, 80);
    break;
  case 4:
  case 5:
  case 6:
    spec.kind = HK_INPUT_STEPS;
    spec.times = times;
    spec.amplitudes = amplitudes;
    spec.step_count = 3;
    break;
  default:
    return;
  }
  ck_assert_int_eq(hk_network_add_input(network, &spec, NULL, NULL, NULL), HK_OK);
}

/* traced: the soma's potential is recorded of two neurons, now and then or more often than windows end. */
static struct hk_network *random_trees(uint64_t number, bool traced)
{
  state = number * 0x9e3779b97f4a7c15u + 1;
  struct hk_network *network;
  struct hk_compartment c[2][COMPARTMENTS];
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  struct hk_setting rate = {"rate", hk_value_uniform(20, 400)};
  struct hk_population_spec poisson = {
      .name = "source", .model = "poisson", .size = 10, .params = &rate, .param_count = 1};
  size_t source, population[2];
  static const char *const names[] = {"a", "b"};
  struct hk_tree tree[2];
  for (size_t i = 0; i < 2; i++) {
    tree[i] = draw_tree(c[i]);
    population[i] = add_trees(network, names[i], &tree[i], i == 1);
  }
  ck_assert_int_eq(hk_network_add_population(network, &poisson, &source, NULL, NULL), HK_OK);
  for (size_t i = 0; i < 2; i++) {
    connect(network, source, population[i], tree[i].count, 160);
    connect(network, population[0], population[i], tree[i].count, 40);
    connect(network, population[1], population[i], tree[i].count, -250);
    add_current(network, population[i]);
  }
  static const char *const variables[] = {"V_m"};
  static const uint32_t neurons[] = {2, 0};
  struct hk_trace_spec trace = {"v", population[0], neurons, 2, variables, 1, number % 2 ? 0.37 : 5.3};
  if (traced)
    ck_assert_int_eq(hk_network_add_trace(network, &trace, NULL, NULL, NULL), HK_OK);
  return network;
}

static const double duration = 50;

START_TEST(windows_agree_with_queue)
{
  size_t spikes = 0;
  for (uint64_t number = 15 * (uint64_t)_i; number < 15 * (uint64_t)(_i + 1); number++) {
    struct hk_network *network = random_trees(number, true);
    spikes += schedulers_agree(network, number, duration, 1e-9);
    hk_network_destroy(network);
  }
  ck_assert_uint_gt(spikes, 1000);
}
END_TEST

/* Pieces, threads and being recorded change nothing. */
START_TEST(same_bits)
{
  for (uint64_t number = 0; number < 20; number++) {
    struct hk_network *network = random_trees(number, true), *plain = random_trees(number, false);
    struct hk_options options = {.seed = number, .threads = 1, .scheduler = HK_SCHEDULER_WINDOWS};
    struct recording whole = run_network(network, &options, duration, 1);
    struct recording pieces = run_network(network, &options, duration, 7);
    struct recording unseen = run_network(plain, &options, duration, 1);
    options.threads = 2;
    struct recording threads = run_network(network, &options, duration, 1);
    assert_same(&whole, &pieces);
    assert_same(&whole, &threads);
    assert_same_spikes(&whole, &unseen);
    recording_free(&whole);
    recording_free(&pieces);
    recording_free(&unseen);
    recording_free(&threads);
    hk_network_destroy(network);
    hk_network_destroy(plain);
  }
}
END_TEST

/* --- one neuron --- */

struct hit {
  double time, weight;
  size_t compartment;
};

/* Leads x through a window event by event; the highest potential of the soma on the way. */
static double lead(const struct hk__modes *modes, const struct hk_tree_cell *cell, bool clamped, double length,
                   const struct hit *hits, size_t count, double *x)
{
  enum { LOOKS = 50 };
  const struct hk__current none = {.constant = 0};
  double highest = hk__modes_potential(modes, clamped, 0, x), now = 0;
  for (size_t i = 0; i <= count; i++) {
    double next = i < count ? hits[i].time : length, from = now;
    for (int k = 1; k <= LOOKS; k++) {
      double to = k == LOOKS ? next : from + (next - from) * k / LOOKS;
      hk__modes_advance(modes, cell, clamped, &none, 0, to - now, x);
      now = to;
      highest = fmax(highest, hk__modes_potential(modes, clamped, 0, x));
    }
    if (i < count)
      hk__modes_receive(modes, clamped, hits[i].compartment, hits[i].weight, x);
  }
  return highest;
}

START_TEST(superposed_equals_event_by_event)
{
  enum { HITS = 12, WINDOWS = 20 };
  double tightest = INFINITY, slack = 0, looks = 0;
  for (uint64_t number = 0; number < 40; number++) {
    state = number + 1000 * (uint64_t)_i;
    struct hk_compartment c[COMPARTMENTS];
    struct hk_tree tree = draw_tree(c);
    bool clamped = chance(0.3);
    struct hk__modes *modes;
    struct hk__flow *flow;
    ck_assert_int_eq(hk__modes_create(hk_model_find("iaf_tree"), &tree, true, &modes), HK_OK);
    double rate = modes->free.rate[(size_t)draw(0, (double)tree.count)];
    struct hk_tree_cell cell = {.tau_syn_ex = rate > 0 && chance(0.5) ? 1 / rate : draw(0.3, 8),
                                .tau_syn_in = draw(0.3, 8),
                                .threshold = -50,
                                .reset = -60,
                                .t_ref = clamped ? 1 : 0,
                                .I_e = draw(-200, 400)};
    ck_assert_int_eq(hk__flow_create(modes, cell.tau_syn_ex, cell.tau_syn_in, &flow), HK_OK);
    double x[3 * COMPARTMENTS], y[3 * COMPARTMENTS], potential[COMPARTMENTS], length = exp(draw(-4, 1));
    for (size_t k = 0; k < tree.count; k++)
      potential[k] = draw(-70, -50);
    hk__modes_start(modes, potential, x);
    if (clamped)
      hk__modes_fire(modes, &cell, x);
    for (int window = 0; window < WINDOWS; window++) {
      struct hit hits[HITS];
      size_t count = (size_t)draw(0, HITS + 1);
      for (size_t i = 0; i < count; i++)
        hits[i] = (struct hit){length * ((double)i + draw(0, 1)) / (double)count,
                               draw(-1, 2) * (chance(0.5) ? 100 : 1000), (size_t)draw(0, (double)tree.count)};
      memcpy(y, x, sizeof y);
      double ceiling = hk__flow_ceiling(flow, &cell, 0, x);
      hk__flow_set_window(flow, length);
      double bound = hk__flow_advance(flow, &cell, clamped, 0, length, x);
      for (size_t i = count; i-- > 0;)
        bound += hk__flow_event(flow, clamped, hits[i].compartment, hits[i].weight, length - hits[i].time, x);
      double highest = lead(modes, &cell, clamped, length, hits, count, y);
      for (size_t k = 0; k < tree.count; k++) {
        double one = hk__modes_potential(modes, clamped, k, x), other = hk__modes_potential(modes, clamped, k, y);
        ck_assert_msg(fabs(one - other) < 1e-11 * (1 + fabs(one)), "tree %d, compartment %zu: %.17g and %.17g",
                      (int)number, k, one, other);
      }
      if (clamped)
        continue;
      ck_assert_msg(highest <= bound + 1e-11 * fabs(highest), "tree %d: %.17g above its bound %.17g", (int)number,
                    highest, bound);
      if (count == 0)
        ck_assert_msg(highest <= ceiling + 1e-11 * fabs(highest), "tree %d: %.17g above its ceiling %.17g", (int)number,
                      highest, ceiling);
      tightest = fmin(tightest, bound - highest);
      if (count == 0 && length < 0.3) {
        slack += bound - highest;
        looks++;
      }
    }
    hk__flow_destroy(flow);
    hk__modes_destroy(modes);
  }
  printf("bounds of short windows without events: %.2g mV too high in the mean\n", slack / looks);
  ck_assert(looks > 10 && slack < 0.5 * looks && tightest < 1e-3);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("tree_windows");
  TCase *tcase = tcase_create("tree_windows");
  tcase_set_timeout(tcase, 240);
  tcase_add_loop_test(tcase, superposed_equals_event_by_event, 0, 5);
  tcase_add_loop_test(tcase, windows_agree_with_queue, 0, 4);
  tcase_add_test(tcase, same_bits);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
