/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dendritic trees against closed forms, a point neuron, and direct integration. */
#include <check.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_odeiv2.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "solo.h"
#include "suite.h"

static unsigned rng = 12345;

static double draw(double low, double high)
{
  rng = rng * 1664525u + 1013904223u;
  return low + (high - low) * ((rng >> 8) / 16777216.0);
}

static void fill_train(struct solo_train *train, size_t count, double duration, double weight, const char *port)
{
  train->times = malloc(count * sizeof *train->times);
  train->count = count;
  for (size_t i = 0; i < count; i++)
    train->times[i] = duration * ((double)i + draw(0.05, 0.95)) / (double)count;
  train->weight = weight;
  train->delay = 0.5;
  train->port = port;
}

static void free_trains(struct solo *solo)
{
  for (size_t k = 0; k < solo->train_count; k++)
    free(solo->trains[k].times);
}

/* One compartment is a point neuron. */
START_TEST(one_compartment)
{
  const double tau_syn[] = {2.0, 10.0, 10.0000001, 40.0};
  struct hk_compartment soma = {.C_m = 200, .g_L = 20, .E_L = -65};
  struct hk_tree tree = {&soma, 1};
  struct hk_setting params[] = {{"V_th", hk_value_constant(-50)},
                                {"V_reset", hk_value_constant(-62)},
                                {"t_ref", hk_value_constant(1.5)},
                                {"I_e", hk_value_constant(120)},
                                {"tau_syn_ex", hk_value_constant(tau_syn[_i])},
                                {"tau_syn_in", hk_value_constant(6)},
                                {"C_m", hk_value_constant(200)},
                                {"tau_m", hk_value_constant(10)},
                                {"E_L", hk_value_constant(-65)}};
  struct solo solo = {.model = "iaf_tree", .params = params, .param_count = 6, .tree = &tree, .duration = 500};
  solo.train_count = 2;
  fill_train(&solo.trains[0], 150, 500, 300 + 2000 / tau_syn[_i], NULL);
  fill_train(&solo.trains[1], 60, 500, -150, NULL);
  struct hk_input_spec sine = {
      .kind = HK_INPUT_SINE, .to = INFINITY, .amplitude = hk_value_constant(80), .frequency = 37, .phase = 0.3};
  sine.offset = hk_value_constant(10);
  solo.inputs[0] = sine;
  solo.input_count = 1;
  struct spike_list tree_spikes = solo_run(&solo);
  solo.model = "iaf_psc_exp";
  solo.param_count = 9;
  solo.tree = NULL;
  struct spike_list point_spikes = solo_run(&solo);
  ck_assert_uint_eq(tree_spikes.count, point_spikes.count);
  ck_assert_uint_gt(tree_spikes.count, 10);
  for (size_t i = 0; i < tree_spikes.count; i++)
    ck_assert_double_eq_tol(tree_spikes.times[i], point_spikes.times[i], 1e-9);
  free(tree_spikes.times);
  free(point_spikes.times);
  free_trains(&solo);
}
END_TEST

/* Two equal compartments: their sum and their difference are point neurons of rates g / C and (g + 2 g_c) / C. */
START_TEST(two_compartments)
{
  const double C = 100, g = 10, gc = 25, tau = 3, w = 90, E = -70;
  struct hk_compartment c[] = {{.C_m = C, .g_L = g, .E_L = E}, {.C_m = C, .g_L = g, .E_L = E, .g_c = gc}};
  struct hk_tree tree = {c, 2};
  struct hk_setting params[] = {{"tau_syn_ex", hk_value_constant(tau)}};
  double at = 1.0;
  struct solo solo = {
      .model = "iaf_tree", .params = params, .param_count = 1, .tree = &tree, .duration = 40, .trace_interval = 0.25};
  solo.train_count = 1;
  solo.trains[0] = (struct solo_train){&at, 1, w, 0.5, "1"};
  struct spike_list list = solo_run(&solo);
  ck_assert_uint_eq(list.row_count, 161);
  double slow = g / C, fast = (g + 2 * gc) / C, worst = 0, top = 0;
  for (size_t r = 0; r < list.row_count; r++) {
    double s = 0.25 * (double)r - 1.5, sum = 0, difference = 0;
    if (s > 0) {
      sum = w / C * (exp(-s / tau) - exp(-slow * s)) / (slow - 1 / tau);
      difference = w / C * (exp(-s / tau) - exp(-fast * s)) / (fast - 1 / tau);
    }
    worst = fmax(worst, fabs(list.rows[2 * r] - E - (sum - difference) / 2));
    worst = fmax(worst, fabs(list.rows[2 * r + 1] - E - (sum + difference) / 2));
    top = fmax(top, list.rows[2 * r] - E);
  }
  ck_assert_msg(worst < 1e-12, "error %g mV", worst);
  ck_assert(top > 0.1);
  free(list.rows);
}
END_TEST

/* Steady current into a sealed cable at distance x from one end: the potential as far from the other end is
 * cosh(x / lambda) / cosh((L - x) / lambda) of that there. The compartments' middles are where both are measured. */
START_TEST(sealed_cable)
{
  const double diameter = 2, length = 1000;
  struct hk_membrane membrane = {.capacitance = 1, .leak = 0.05, .E_L = -70, .resistivity = 150};
  double lambda = 1e4 * sqrt(diameter * 1e-4 / 4 / (membrane.leak * 1e-3) / membrane.resistivity);
  double error[2];
  for (int fine = 0; fine < 2; fine++) {
    membrane.max_length = fine ? 1000.0 / 160 : 1000.0 / 80;
    struct hk_cylinder cable = {.length = length, .diameter = diameter, .name = "cable"};
    struct hk_tree tree;
    ck_assert(hk_tree_from_cylinders(&cable, 1, &membrane, &tree, NULL, NULL) == HK_OK);
    ck_assert_uint_eq(tree.count, fine ? 160 : 80);
    struct hk_setting params[] = {{"I_e", hk_value_constant(10)}, {"V_th", hk_value_constant(1e6)}};
    struct solo solo = {.model = "iaf_tree",
                        .params = params,
                        .param_count = 2,
                        .tree = &tree,
                        .duration = 2000,
                        .trace_interval = 2000};
    struct spike_list list = solo_run(&solo);
    const double *row = list.rows + tree.count;
    double near = row[0] - membrane.E_L, far = row[tree.count - 1] - membrane.E_L;
    ck_assert(near > 1);
    double middle = membrane.max_length / 2;
    error[fine] = fabs(far / near - cosh(middle / lambda) / cosh((length - middle) / lambda));
    free(list.rows);
    hk_tree_clear(&tree);
  }
  printf("cable of %.2f lambda: error of attenuation %.1e with 80, %.1e with 160 compartments\n", length / lambda,
         error[0], error[1]);
  ck_assert(error[1] < 1e-5 && error[1] < 0.3 * error[0]);
}
END_TEST

/* --- random trees by direct integration --- */

struct direct {
  const struct hk_tree *tree;
  double I_e;
  bool clamped;
  double tau;
};

static int direct_slope(double t, const double *y, double *dy, void *context)
{
  (void)t;
  const struct direct *d = context;
  const struct hk_compartment *c = d->tree->compartments;
  size_t n = d->tree->count;
  for (size_t k = 0; k < n; k++) {
    dy[k] = c[k].g_L * (c[k].E_L - y[k]) + y[n + k] + (k == 0 ? d->I_e : 0);
    dy[n + k] = -y[n + k] / d->tau;
  }
  for (size_t k = 1; k < n; k++) {
    double flow = c[k].g_c * (y[c[k].parent] - y[k]);
    dy[k] += flow;
    dy[c[k].parent] -= flow;
  }
  for (size_t k = 0; k < n; k++)
    dy[k] /= c[k].C_m;
  if (d->clamped)
    dy[0] = 0;
  return GSL_SUCCESS;
}

static void drive(struct direct *d, double *y, double from, double to, double *top)
{
  gsl_odeiv2_system system = {direct_slope, NULL, 2 * d->tree->count, d};
  gsl_odeiv2_driver *driver = gsl_odeiv2_driver_alloc_y_new(&system, gsl_odeiv2_step_rk8pd, 1e-3, 1e-13, 1e-13);
  while (from < to) {
    double next = fmin(to, from + 0.05);
    ck_assert_int_eq(gsl_odeiv2_driver_apply(driver, &from, next, y), GSL_SUCCESS);
    if (!d->clamped && next < to)
      *top = fmax(*top, y[0]);
  }
  gsl_odeiv2_driver_free(driver);
}

START_TEST(random_trees)
{
  enum { N = 12, TRAINS = 4, PER_TRAIN = 12 };
  const double duration = 60, delay = 0.5, threshold = -55, reset = -66, t_ref = 2.5, weight = 900;
  rng = 777u + (unsigned)_i;
  struct hk_compartment c[N];
  char port[TRAINS][8];
  for (uint32_t k = 0; k < N; k++)
    c[k] = (struct hk_compartment){.parent = k > 0 ? (uint32_t)draw(0, k) : 0,
                                   .C_m = draw(10, 60),
                                   .g_L = draw(0.5, 4),
                                   .E_L = draw(-75, -65),
                                   .g_c = draw(5, 200)};
  struct hk_tree tree = {c, N};
  struct direct direct = {&tree, 100, false, 1.7};
  struct hk_setting params[] = {{"tau_syn_ex", hk_value_constant(direct.tau)}, {"I_e", hk_value_constant(direct.I_e)},
                                {"V_th", hk_value_constant(threshold)},        {"V_reset", hk_value_constant(reset)},
                                {"t_ref", hk_value_constant(t_ref)},           {"tau_syn_in", hk_value_constant(9)}};
  struct solo solo = {.model = "iaf_tree", .params = params, .param_count = 6, .tree = &tree, .duration = duration};
  solo.train_count = TRAINS;
  double arrival[TRAINS * PER_TRAIN];
  int compartment[TRAINS * PER_TRAIN], events = 0;
  for (int j = 0; j < TRAINS; j++) {
    int k = j == 0 ? 0 : (int)draw(0, N);
    snprintf(port[j], sizeof port[j], "%d", k);
    fill_train(&solo.trains[j], PER_TRAIN, duration - 1, weight, port[j]);
    for (int i = 0; i < PER_TRAIN; i++, events++) {
      int place = events;
      double time = solo.trains[j].times[i] + delay;
      for (; place > 0 && arrival[place - 1] > time; place--) {
        arrival[place] = arrival[place - 1];
        compartment[place] = compartment[place - 1];
      }
      arrival[place] = time;
      compartment[place] = k;
    }
  }
  struct spike_list list = solo_run(&solo);
  ck_assert_uint_gt(list.count, 2);

  double y[2 * N] = {0}, now = 0, worst = 0;
  for (int k = 0; k < N; k++)
    y[k] = c[k].E_L;
  size_t spike = 0;
  double release = -1;
  for (int event = 0; now < duration;) {
    double top = -INFINITY, next = duration;
    bool fires = spike < list.count && list.times[spike] <= next;
    next = fires ? list.times[spike] : next;
    bool arrives = event < events && arrival[event] < next;
    next = arrives ? arrival[event] : next;
    bool frees = direct.clamped && release < next;
    next = frees ? release : next;
    drive(&direct, y, now, next, &top);
    now = next;
    ck_assert_msg(top < threshold + 1e-9, "%g mV before the spike at %g ms", top, now);
    if (frees)
      direct.clamped = false;
    else if (arrives) {
      y[N + compartment[event++]] += weight;
    } else if (fires) {
      double slope[2 * N];
      direct_slope(now, y, slope, &direct);
      ck_assert(!direct.clamped);
      worst = fmax(worst, fabs((y[0] - threshold) / slope[0]));
      y[0] = reset;
      direct.clamped = true;
      release = now + t_ref;
      spike++;
    }
  }
  ck_assert_uint_eq(spike, list.count);
  printf("random tree %d: %zu spikes, error %.1e ms\n", _i, spike, worst);
  ck_assert(worst < 1e-9);
  free(list.times);
  free_trains(&solo);
}
END_TEST

/* --- morphology files --- */

static enum hk_status read_swc(const char *text, struct hk_tree *tree, size_t *messages_told)
{
  const char *path = "test_tree.swc";
  FILE *file = fopen(path, "w");
  fputs(text, file);
  fclose(file);
  struct hk_membrane membrane = {.capacitance = 1, .leak = 0.1, .E_L = -68, .resistivity = 100, .max_length = 25};
  struct hk_messages *messages;
  ck_assert(hk_messages_create(&messages) == HK_OK);
  enum hk_status status = hk_tree_read_swc(path, &membrane, tree, messages);
  *messages_told = hk_messages_count(messages);
  hk_messages_destroy(messages);
  remove(path);
  return status;
}

START_TEST(reads_swc)
{
  struct hk_tree tree;
  size_t told;
  enum hk_status status = read_swc("# a soma, a dendrite that tapers and forks\n"
                                   "1 1 0 0 0 10 -1\n"
                                   "2 3 0 60 0 2 1\n"
                                   "3 3 0 110 0 1 2\n"
                                   "4 3 20 110 0 1 3\n"
                                   "5 4 -30 110 0 1 3\n",
                                   &tree, &told);
  ck_assert(status == HK_OK && told == 0);
  ck_assert_uint_eq(tree.count, 1 + 4 + 1 + 2);
  double surface = 0;
  for (size_t k = 1; k < tree.count; k++)
    surface += tree.compartments[k].C_m * 100;
  double expected = 2 * M_PI * 2 * 50 + M_PI * 3 * hypot(50, 1) + 2 * M_PI * 50;
  ck_assert_double_eq_tol(tree.compartments[0].C_m, 4 * M_PI * 100 * 0.01, 1e-9);
  ck_assert_double_eq_tol(surface, expected, 1e-9 * expected);
  ck_assert_double_eq_tol(tree.compartments[1].g_c, 1 / (100e-5 * 12.5 / (M_PI * 4)), 1e-9);
  ck_assert_double_eq_tol(tree.compartments[2].g_c, 1 / (100e-5 * 25 / (M_PI * 4)), 1e-9);
  int tips = 0;
  for (size_t k = 0; k < tree.count; k++)
    tips += strcmp(tree.compartments[k].name, "apical[1]") == 0 || strcmp(tree.compartments[k].name, "basal[4]") == 0;
  ck_assert_int_eq(tips, 2);
  hk_tree_clear(&tree);
}
END_TEST

/* However lines end and whole numbers are written. */
START_TEST(swc_of_any_system)
{
  static const char *const same[] = {"1 1 0 0 0 10 -1\n2 3 0 60 0 2 1\n",
                                     ("\xEF\xBB\xBF"
                                      "1 1 0 0 0 10 -1\r\n\r\n2 3 0 60 0 2 1\r\n"),
                                     "1 1 0 0 0 10 -1\r2 3 0 60 0 2 1\r",
                                     "1 1 0 0 0 10 -1\r\r# dendrite\r2 3 0 60 0 2 1",
                                     "1.0 1.0 0 0 0 10 -1.0\n2.0 3.0 0 60 0 2 1.0\n"};
  struct hk_tree tree;
  size_t told;
  ck_assert(read_swc(same[_i], &tree, &told) == HK_OK && told == 0);
  ck_assert_uint_eq(tree.count, 3);
  ck_assert_double_eq_tol(tree.compartments[1].C_m, 2 * M_PI * 2 * 25 * 0.01, 1e-9);
  hk_tree_clear(&tree);
}
END_TEST

/* A soma that begins at its threshold fires at once, however many modes its potential is the sum of. */
START_TEST(begins_at_threshold)
{
  for (size_t count = 1; count <= 12; count++) {
    struct hk_compartment list[12];
    for (size_t k = 0; k < count; k++)
      list[k] = (struct hk_compartment){
          .parent = k > 0 ? (uint32_t)(k - 1) / 2 : 0, .C_m = 100, .g_L = 7, .E_L = -70, .g_c = k > 0 ? 3 : 0};
    const struct hk_tree tree = {list, count};
    struct hk_setting params[] = {{"V_th", hk_value_constant(-55)}}, init[] = {{"V_m", hk_value_constant(-55)}};
    for (int s = 0; s < 2; s++) {
      struct solo solo = {.model = "iaf_tree",
                          .params = params,
                          .param_count = 1,
                          .init = init,
                          .init_count = 1,
                          .tree = &tree,
                          .duration = 10,
                          .scheduler = s ? HK_SCHEDULER_QUEUE : HK_SCHEDULER_WINDOWS};
      struct spike_list list_of_spikes = solo_run(&solo);
      ck_assert_msg(list_of_spikes.count == 1 && list_of_spikes.times[0] == 0, "%zu compartments", count);
      free(list_of_spikes.times);
    }
  }
}
END_TEST

/* The soma is never cut, so that max_length decides how finely, not what is reset. */
START_TEST(soma_stays_whole)
{
  const struct hk_cylinder cylinders[] = {{.length = 20, .diameter = 20, .name = "soma"},
                                          {.parent = 0, .length = 100, .diameter = 2, .name = "d"}};
  double lengths[] = {50, 20, 10, 5, 2}, counts[5];
  for (size_t i = 0; i < 5; i++) {
    const struct hk_membrane membrane = {
        .capacitance = 1, .leak = 0.05, .E_L = -70, .resistivity = 150, .max_length = lengths[i]};
    struct hk_tree tree;
    ck_assert(hk_tree_from_cylinders(cylinders, 2, &membrane, &tree, NULL, NULL) == HK_OK);
    ck_assert_uint_eq(tree.count, 1 + (size_t)(100 / lengths[i]));
    ck_assert_str_eq(tree.compartments[0].name, "soma");
    ck_assert_double_eq_tol(tree.compartments[0].C_m, M_PI * 20 * 20 * 0.01, 1e-9);
    struct hk_setting params[] = {{"I_e", hk_value_constant(30)},
                                  {"V_th", hk_value_constant(-55)},
                                  {"V_reset", hk_value_constant(-70)},
                                  {"t_ref", hk_value_constant(0)}};
    struct solo solo = {.model = "iaf_tree", .params = params, .param_count = 4, .tree = &tree, .duration = 1000};
    struct spike_list list = solo_run(&solo);
    counts[i] = (double)list.count;
    free(list.times);
    hk_tree_clear(&tree);
  }
  for (size_t i = 0; i + 1 < 5; i++)
    ck_assert_double_eq_tol(counts[i], counts[4], 2);
}
END_TEST

START_TEST(refuses_bad_swc)
{
  static const char *const bad[] = {"",
                                    "1 1 0 0 0 10\n",
                                    "1 3 0 0 0 10 -1\n",
                                    "1 1 0 0 0 -10 -1\n",
                                    "1 1 0 0 nan 10 -1\n",
                                    "1 1 0 0 0 10 -1\n2 3 0 0 20 1 7\n",
                                    "1 1 0 0 0 10 -1\n1 3 0 0 20 1 1\n",
                                    "1 1 0 0 0 10 -1\n2 3 0 0 20 1 -1\n",
                                    "1 1 0 0 0 10 -1\n2 3 0 0 1e9 1 1\n",
                                    "1.5 1 0 0 0 10 -1\n",
                                    "1 1 0 0 0 10 -1 0\n",
                                    "1e99 1 0 0 0 10 -1\n"};
  struct hk_tree tree;
  size_t told;
  ck_assert_int_eq(read_swc(bad[_i], &tree, &told), HK_ERR_INPUT);
  ck_assert_uint_eq(told, 1);
  ck_assert(tree.compartments == NULL);
}
END_TEST

START_TEST(refuses_bad_trees)
{
  struct hk_compartment good[] = {{.C_m = 100, .g_L = 10, .E_L = -70},
                                  {.parent = 0, .C_m = 10, .g_L = 1, .E_L = -70, .g_c = 5, .name = "tip"},
                                  {.parent = 1, .C_m = 10, .g_L = 1, .E_L = -70, .g_c = 5, .name = "end"}};
  struct hk_compartment bad[3];
  for (int fault = 0; fault < 9; fault++) {
    memcpy(bad, good, sizeof bad);
    struct hk_tree tree = {bad, 3};
    const char *model = "iaf_tree";
    switch (fault) {
    case 1:
      bad[1].parent = 1;
      break;
    case 2:
      bad[0].C_m = 0;
      break;
    case 3:
      bad[2].g_c = -1;
      break;
    case 4:
      bad[2].g_L = NAN;
      break;
    case 5:
      bad[2].name = "tip";
      break;
    case 6:
      bad[2].name = "7";
      break;
    case 7:
      tree.count = 0;
      break;
    case 8:
      model = "iaf_psc_exp";
      break;
    default:
      break;
    }
    struct hk_network *network;
    struct hk_messages *messages;
    ck_assert(hk_network_create(&network) == HK_OK);
    ck_assert(hk_messages_create(&messages) == HK_OK);
    struct hk_population_spec cell = {.name = "cell", .model = model, .size = 1, .tree = &tree};
    enum hk_status status = hk_network_add_population(network, &cell, NULL, NULL, messages);
    ck_assert_msg(status == (fault == 0 ? HK_OK : HK_ERR_INPUT), "fault %d", fault);
    ck_assert_uint_eq(hk_messages_count(messages), fault == 0 ? 0 : 1);
    if (fault == 0) {
      const struct hk_model *own = hk_network_model(network, 0);
      ck_assert_int_eq(hk_model_port(own, "tip"), 1);
      ck_assert_int_eq(hk_model_port(own, "2"), 2);
      ck_assert_int_eq(hk_model_port(own, "soma"), 0);
      ck_assert_int_eq(hk_model_port(own, "3"), -1);
      ck_assert_int_eq(hk_model_state(own, "V_m[end]"), 2);
    }
    hk_network_destroy(network);
    hk_messages_destroy(messages);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("tree");
  TCase *tests = tcase_create("tree");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, one_compartment, 0, 4);
  tcase_add_test(tests, two_compartments);
  tcase_add_test(tests, sealed_cable);
  tcase_add_loop_test(tests, random_trees, 0, 5);
  tcase_add_test(tests, reads_swc);
  tcase_add_loop_test(tests, swc_of_any_system, 0, 5);
  tcase_add_test(tests, begins_at_threshold);
  tcase_add_test(tests, soma_stays_whole);
  tcase_add_loop_test(tests, refuses_bad_swc, 0, 12);
  tcase_add_test(tests, refuses_bad_trees);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
