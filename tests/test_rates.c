/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rates that are expected before anything is built: against closed forms, the theory's own published numbers, published
 * simulations, and a simulation. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <hillock/config.h>
#include <hillock/simulation.h>

#include "command.h"
#include "suite.h"

enum { MOST = 16 };

static struct hk_messages *messages;

static void setup(void)
{
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
}

static void teardown(void)
{
  hk_messages_destroy(messages);
}

static void expect_rates(const char *config_name, double *rates)
{
  const char *configs = getenv("HK_CONFIGS");
  ck_assert_ptr_nonnull(configs);
  char *path = command_path(configs, config_name);
  struct hk_config *config;
  ck_assert_int_eq(hk_config_read(path, NULL, 0, &config, messages), HK_OK);
  const struct hk_network *network = hk_config_network(config);
  ck_assert_uint_le(hk_network_population_count(network), MOST);
  ck_assert_int_eq(hk_network_expected_rates(network, 1000, NAN, rates), HK_OK);
  hk_config_destroy(config);
  free(path);
}

/* Brunel (2000): the theory's rates in three states, solved for anew, Hz. */
START_TEST(sparse_networks)
{
  double rates[MOST];
  expect_rates("brunel_ai.yaml", rates);
  ck_assert_double_eq_tol(rates[0], 38.0, 0.4);
  ck_assert_double_eq_tol(rates[1], 38.0, 0.4);
  expect_rates("brunel_si_slow.yaml", rates);
  ck_assert_double_eq_tol(rates[0], 6.5, 0.1);
  expect_rates("brunel_si_fast.yaml", rates);
  ck_assert_double_eq_tol(rates[0], 55.8, 0.6);
}
END_TEST

/* Potjans and Diesmann (2014): the means over long simulations of the full network. */
START_TEST(microcircuit)
{
  static const double published[8] = {0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829};
  double rates[MOST];
  expect_rates("microcircuit_dc.yaml", rates);
  for (size_t p = 0; p < 8; p++)
    ck_assert_double_eq_tol(rates[p], published[p], 0.3 * published[p]);
}
END_TEST

static struct hk_network *one_population(double current, double rate, double weight)
{
  struct hk_network *network;
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  struct hk_population_spec neurons = {.name = "neurons", .model = "iaf_psc_exp", .size = 400};
  ck_assert_int_eq(hk_network_add_population(network, &neurons, NULL, NULL, messages), HK_OK);
  struct hk_input_spec dc = {.kind = HK_INPUT_DC, .to = INFINITY, .amplitude = hk_value_constant(current)};
  ck_assert_int_eq(hk_network_add_input(network, &dc, NULL, NULL, messages), HK_OK);
  struct hk_input_spec poisson = {
      .kind = HK_INPUT_POISSON, .to = INFINITY, .rate = hk_value_constant(rate), .weight = hk_value_constant(weight)};
  if (rate > 0)
    ck_assert_int_eq(hk_network_add_input(network, &poisson, NULL, NULL, messages), HK_OK);
  return network;
}

/* Without noise a neuron is a clock, or silent. */
START_TEST(constant_current)
{
  struct hk_network *network = one_population(500, 0, 0);
  const struct hk_model *model = hk_network_model(network, 0);
  double preset[4], rate;
  static const char *const names[4] = {"tau_m", "C_m", "V_th", "t_ref"};
  for (int i = 0; i < 4; i++)
    preset[i] = model->params[hk_model_param(model, names[i])].preset;
  double rise = 500 * preset[0] / preset[1], gap = preset[2] - model->params[hk_model_param(model, "E_L")].preset;
  double reset =
      model->params[hk_model_param(model, "V_reset")].preset - model->params[hk_model_param(model, "E_L")].preset;
  ck_assert_int_eq(hk_network_expected_rates(network, 1000, NAN, &rate), HK_OK);
  ck_assert_double_eq_tol(rate, 1000 / (preset[3] + preset[0] * log((rise - reset) / (rise - gap))), 1e-2 * rate);
  hk_network_destroy(network);
  network = one_population(10, 0, 0);
  ck_assert_int_eq(hk_network_expected_rates(network, 1000, NAN, &rate), HK_OK);
  ck_assert_double_eq(rate, 0);
  hk_network_destroy(network);
}
END_TEST

START_TEST(poisson_input_as_simulated)
{
  struct hk_network *network = one_population(200, 8000, 50);
  double rate;
  ck_assert_int_eq(hk_network_expected_rates(network, 1000, NAN, &rate), HK_OK);
  struct hk_options options = {.seed = 1, .threads = 1};
  struct hk_simulation *simulation;
  ck_assert_int_eq(hk_simulation_create(network, &options, &simulation, messages), HK_OK);
  ck_assert_int_eq(hk_simulation_run(simulation, 100), HK_OK);
  struct hk_counts before = hk_simulation_counts(simulation);
  ck_assert_int_eq(hk_simulation_run(simulation, 1100), HK_OK);
  struct hk_counts after = hk_simulation_counts(simulation);
  double simulated = (double)(after.spikes - before.spikes) / 400;
  ck_assert_double_gt(simulated, 5);
  ck_assert_double_eq_tol(rate, simulated, 0.1 * simulated);
  hk_simulation_destroy(simulation);
  hk_network_destroy(network);
}
END_TEST

/* Other models are as fast as the caller says. */
START_TEST(models_without_a_theory)
{
  double rates[MOST];
  expect_rates("brette_1_coba.yaml", rates);
  ck_assert(isnan(rates[0]));
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("rates");
  TCase *tcase = tcase_create("rates");
  tcase_set_timeout(tcase, 120);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, sparse_networks);
  tcase_add_test(tcase, microcircuit);
  tcase_add_test(tcase, constant_current);
  tcase_add_test(tcase, poisson_input_as_simulated);
  tcase_add_test(tcase, models_without_a_theory);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
