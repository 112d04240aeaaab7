/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leaky and hardly leaking neurons under a constant current, where digits are easily lost: currents that just do not
 * suffice, time constants that differ widely. The closed form tells when they spike. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "solo.h"
#include "suite.h"

static const char *const models[] = {"iaf_psc_delta", "iaf_psc_exp", "iaf_psc_alpha"};
enum { MODELS = sizeof models / sizeof *models };
static const enum hk_scheduler schedulers[] = {HK_SCHEDULER_QUEUE, HK_SCHEDULER_WINDOWS};

static const double E_L = -70, gap = 15, t_ref = 2; /* presets */

/* A train that no weight lets anybody feel, so that events cut time into pieces. */
static void add_train(struct solo *solo, double *times, size_t count)
{
  for (size_t i = 0; i < count; i++)
    times[i] = 0.25 + (double)i;
  solo->trains[solo->train_count++] = (struct solo_train){times, count, 1e-300, 1, NULL};
}

/* At the rheobase the potential comes to rest at the threshold, which it never reaches. */
START_TEST(rheobase)
{
  static const struct {
    double C_m, I_e;
  } cells[] = {{250, 375}, {200, 300}, {1, 1.5}};
  double times[4000];
  for (size_t s = 0; s < 2; s++)
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
      for (int trained = 0; trained < 2; trained++) {
        struct hk_setting params[] = {{"C_m", hk_value_constant(cells[i].C_m)},
                                      {"I_e", hk_value_constant(cells[i].I_e)}};
        struct solo solo = {
            .model = models[_i], .params = params, .param_count = 2, .duration = 12000, .scheduler = schedulers[s]};
        if (trained)
          add_train(&solo, times, sizeof times / sizeof *times);
        struct spike_list list = solo_run(&solo);
        ck_assert_msg(list.count == 0, "%s, C_m %g, scheduler %zu: %zu spikes, the first at %.17g", models[_i],
                      cells[i].C_m, s, list.count, list.count ? list.times[0] : 0);
        free(list.times);
      }
}
END_TEST

/* A hair more than that, and it does. */
START_TEST(above_rheobase)
{
  for (size_t s = 0; s < 2; s++) {
    const double more = 1e-9;
    struct hk_setting params[] = {{"I_e", hk_value_constant(375 * (1 + more))}};
    struct solo solo = {
        .model = models[_i], .params = params, .param_count = 1, .duration = 500, .scheduler = schedulers[s]};
    struct spike_list list = solo_run(&solo);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_double_eq_tol(list.times[0], 10 * log((1 + more) / more), 1e-4); /* 1e-9 is known to 7 digits */
    free(list.times);
  }
}
END_TEST

/* Spikes of neurons with all time constants against tau log(I R / (I R - gap)), in a row. */
START_TEST(widely_different_times)
{
  static const struct {
    double tau_m, tau_syn;
  } cells[] = {{10, 2}, {1e3, 0.1}, {1e3, 1e-2}, {1e4, 1e-2}, {1e6, 2}, {1e9, 2}, {1e12, 2}, {1e15, 2}};
  enum { SPIKES = 12, EVENTS = 500 };
  double times[EVENTS];
  for (size_t s = 0; s < 2; s++)
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
      for (int trained = 0; trained < 2; trained++) {
        const double tau = cells[i].tau_m, rise = tau > 100 ? 0.4 : 2; /* mV/ms at rest */
        struct hk_setting params[] = {{"tau_m", hk_value_constant(tau)},
                                      {"I_e", hk_value_constant(250 * rise)},
                                      {"tau_syn_ex", hk_value_constant(cells[i].tau_syn)},
                                      {"tau_syn_in", hk_value_constant(cells[i].tau_syn)}};
        struct solo solo = {.model = models[_i],
                            .params = params,
                            .param_count = _i > 0 ? 4 : 2,
                            .duration = 600,
                            .scheduler = schedulers[s]};
        if (trained)
          add_train(&solo, times, EVENTS);
        struct spike_list list = solo_run(&solo);
        ck_assert_uint_ge(list.count, SPIKES);
        const double way = -tau * log1p(-gap / (tau * rise));
        for (int k = 0; k < SPIKES; k++)
          ck_assert_msg(fabs(list.times[k] - (way + k * (way + t_ref))) < 1e-9,
                        "%s, tau_m %g, tau_syn %g, scheduler %zu, spike %d: off by %g ms", models[_i], tau,
                        cells[i].tau_syn, s, k, list.times[k] - (way + k * (way + t_ref)));
        free(list.times);
      }
}
END_TEST

/* The branch function as the model's text has it, far from where its two forms differ in digits, and where the plain
 * one has none: for I_half far below 0 it is I_max (1 - exp(-I / I_width)). */
START_TEST(branch_function)
{
  static const double half[] = {300, 0, -1500, -3000, -30000};
  for (size_t i = 0; i < sizeof half / sizeof *half; i++) {
    double event[] = {1};
    struct hk_setting params[] = {{"I_half", hk_value_constant(half[i])},
                                  {"tau_syn", hk_value_constant(1e12)},
                                  {"V_th", hk_value_constant(1e3)},
                                  {"V_reset", hk_value_constant(0)}};
    for (int sign = -1; sign <= 1; sign += 2) {
      struct solo solo = {.model = "iaf_branches",
                          .params = params,
                          .param_count = 4,
                          .trains = {{event, 1, 40.0 * sign, 1, "branch_3"}},
                          .train_count = 1,
                          .duration = 1000,
                          .trace_interval = 1000};
      struct spike_list list = solo_run(&solo);
      const double s0 = 1 / (1 + exp(half[i] / 60)), s = 1 / (1 + exp((half[i] - 40.0 * sign) / 60));
      const double plain = 600 * (s - s0) / (1 - s0), limit = 600 * (1 - exp(-40.0 * sign / 60));
      const double F = half[i] < -1000 ? limit : plain, V = list.rows[10];
      ck_assert_msg(fabs(V - (E_L + F * 10 / 250)) < 1e-6, "I_half %g, I %g: V_m %.12g, not %.12g", half[i],
                    40.0 * sign, V, E_L + F * 10 / 250);
      free(list.times);
      free(list.rows);
    }
  }
}
END_TEST

/* A conductance that begins below 0 holds a neuron back only as long as it lasts. */
START_TEST(negative_conductances)
{
  static const char *const conductances[] = {"g_ex", "g_in"};
  for (size_t i = 0; i < 2; i++)
    for (size_t s = 0; s < 2; s++) {
      struct hk_setting params[] = {{"E_L", hk_value_constant(-50)}, {"tau_syn_ex", hk_value_constant(5)}};
      struct hk_setting init[] = {{"V_m", hk_value_constant(-70)}, {conductances[i], hk_value_constant(-30)}};
      struct solo solo = {.model = "iaf_cond_exp",
                          .params = params,
                          .param_count = 2,
                          .init = init,
                          .init_count = 2,
                          .duration = 200,
                          .scheduler = schedulers[s]};
      struct spike_list list = solo_run(&solo);
      ck_assert_msg(list.count >= 8, "%s: %zu spikes", conductances[i], list.count);
      ck_assert_double_eq_tol(list.times[list.count - 1] - list.times[list.count - 2], 2 + 15 * log(2), 1e-3);
      free(list.times);
    }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("extremes");
  TCase *tests = tcase_create("extremes");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, rheobase, 0, MODELS);
  tcase_add_loop_test(tests, above_rheobase, 0, MODELS);
  tcase_add_loop_test(tests, widely_different_times, 0, MODELS);
  tcase_add_test(tests, branch_function);
  tcase_add_test(tests, negative_conductances);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
