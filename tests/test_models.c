/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds of every model of the registry, whatever its name. */
#include <check.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_odeiv2.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/integrator.h"
#include "hooks.h"
#include "net/network.h"
#include "solo.h"
#include "suite.h"

enum { DURATION = 150 };

static const struct hk_compartment compartments[] = {
    {.C_m = 150, .g_L = 15, .E_L = -70},
    {.parent = 0, .C_m = 40, .g_L = 3, .E_L = -70, .g_c = 60, .name = "trunk"},
    {.parent = 1, .C_m = 20, .g_L = 2, .E_L = -70, .g_c = 30, .name = "tuft"},
};
static const struct hk_tree small_tree = {compartments, 3};

/* Neuron models only. */
static const struct hk_model *neuron(size_t index)
{
  const struct hk_model *model = hk_model_at(index);
  return model->state_count > 0 ? model : NULL;
}

/* --- a stimulus that makes a model fire --- */

struct scene {
  struct solo solo;
  struct hk_setting params[HK_PARAMS_MAX];
  double times[SOLO_TRAINS_MAX][80];
};

/* Trains on up to eight ports. */
static void set_stimulus(struct scene *s, const struct hk_model *model, double weight)
{
  s->solo.train_count = model->port_count < SOLO_TRAINS_MAX ? model->port_count : SOLO_TRAINS_MAX;
  unsigned rng = 9;
  for (size_t k = 0; k < s->solo.train_count; k++) {
    size_t count = 80 / (k + 1);
    for (size_t i = 0; i < count; i++) {
      rng = rng * 1664525u + 1013904223u;
      s->times[k][i] = (DURATION - 10) * ((double)i + (rng >> 8) / 16777216.0) / (double)count;
    }
    s->solo.trains[k] = (struct solo_train){.times = s->times[k],
                                            .count = count,
                                            .weight = model->ports[k].sign < 0 ? -0.3 * weight : weight,
                                            .delay = 0.1 + 0.3 * (double)k,
                                            .port = model->ports[k].name};
  }
  if (model->ports[0].sign == 0 && s->solo.train_count < SOLO_TRAINS_MAX) {
    struct solo_train *inhibition = &s->solo.trains[s->solo.train_count++];
    *inhibition = s->solo.trains[0];
    inhibition->weight *= -0.3;
    inhibition->delay = 0.77;
  }
}

static void begin(struct scene *s, const struct hk_model *model, bool switches_on)
{
  memset(s, 0, sizeof *s);
  s->solo.model = model->name;
  s->solo.tree = model->kind == HK_MODEL_TREE ? &small_tree : NULL;
  s->solo.duration = DURATION;
  s->solo.params = s->params;
  s->solo.scheduler = HK_SCHEDULER_QUEUE;
  if (hk__model_takes_current(model)) {
    s->solo.inputs[0] = (struct hk_input_spec){
        .kind = HK_INPUT_SINE, .from = 3, .to = 120, .frequency = 40, .amplitude = hk_value_constant(2)};
    s->solo.inputs[0].offset = hk_value_constant(4);
    s->solo.input_count = 1;
  }
  for (size_t k = 0; k < model->param_count && switches_on; k++)
    if (model->params[k].low == 0 && model->params[k].high == 1 && model->params[k].preset == 0)
      s->params[s->solo.param_count++] = (struct hk_setting){model->params[k].name, hk_value_constant(1)};
  for (double weight = 1.0 / 16; weight < 1e6; weight *= 1.3) {
    set_stimulus(s, model, weight);
    struct spike_list list = solo_run(&s->solo);
    free(list.times);
    if (list.count >= 8)
      return;
  }
  ck_abort_msg("no stimulus makes %s fire", model->name);
}

static double refractory_of(const struct hk_model *model)
{
  double param[HK_PARAMS_MAX];
  for (size_t k = 0; k < model->param_count; k++)
    param[k] = model->params[k].preset;
  if (model->linear) {
    struct hk_linear linear;
    memset(&linear, 0, sizeof linear);
    model->linear(param, &linear);
    return linear.t_ref;
  }
  if (model->tree) {
    struct hk_tree_cell tree;
    model->tree(param, &tree);
    return tree.t_ref;
  }
  return model->refractory ? model->refractory(param) : 0;
}

/* --- the tests --- */

START_TEST(tables_are_whole)
{
  const struct hk_model *model = hk_model_at((size_t)_i);
  ck_assert(model->summary && *model->summary && model->doc && *model->doc && model->reference && *model->reference);
  ck_assert(!strchr(model->summary, '\n') && !strchr(model->reference, '\n'));
  ck_assert_ptr_eq(hk_model_find(model->name), model);
  ck_assert(model->state_count <= HK_STATES_MAX && model->param_count <= HK_PARAMS_MAX);
  for (size_t k = 0; k < model->param_count; k++) {
    const struct hk_param *p = &model->params[k];
    ck_assert_int_eq(hk_model_param(model, p->name), (int)k);
    ck_assert(*p->unit && *p->meaning);
    ck_assert(p->preset <= p->high && (p->open_low ? p->preset > p->low : p->preset >= p->low));
  }
  for (size_t k = 0; k < model->state_count; k++) {
    const struct hk_state *s = &model->states[k];
    ck_assert_int_eq(hk_model_state(model, s->name), (int)k);
    ck_assert(*s->unit && *s->meaning);
    ck_assert(!s->preset_param || hk_model_param(model, s->preset_param) >= 0);
  }
  for (size_t k = 0; k < model->port_count; k++) {
    ck_assert_int_eq(hk_model_port(model, model->ports[k].name), (int)k);
    ck_assert(*model->ports[k].unit && *model->ports[k].meaning);
  }
  double param[HK_PARAMS_MAX];
  for (size_t k = 0; k < model->param_count; k++)
    param[k] = model->params[k].preset;
  ck_assert(!model->check || !model->check(param));
}
END_TEST

static enum hk_status try_value(const struct hk_model *model, const char *name, double value)
{
  struct hk_network *network;
  ck_assert(hk_network_create(&network) == HK_OK);
  struct hk_setting setting = {name, hk_value_constant(value)};
  struct hk_population_spec spec = {.name = "a",
                                    .model = model->name,
                                    .size = 1,
                                    .params = &setting,
                                    .param_count = 1,
                                    .tree = model->kind == HK_MODEL_TREE ? &small_tree : NULL};
  enum hk_status status = hk_network_add_population(network, &spec, NULL, NULL, NULL);
  hk_network_destroy(network);
  return status;
}

START_TEST(ranges_are_kept)
{
  const struct hk_model *model = hk_model_at((size_t)_i);
  for (size_t k = 0; k < model->param_count; k++) {
    const struct hk_param *p = &model->params[k];
    ck_assert_int_eq(try_value(model, p->name, p->preset), HK_OK);
    ck_assert_int_eq(try_value(model, p->name, NAN), HK_ERR_INPUT);
    ck_assert_int_eq(try_value(model, p->name, INFINITY), HK_ERR_INPUT);
    if (p->open_low)
      ck_assert_int_eq(try_value(model, p->name, p->low), HK_ERR_INPUT);
    if (p->low > -INFINITY)
      ck_assert_int_eq(try_value(model, p->name, p->low - 1e-3 * fmax(1, fabs(p->low))), HK_ERR_INPUT);
    if (p->high < INFINITY)
      ck_assert_int_eq(try_value(model, p->name, p->high + 1e-3 * fmax(1, fabs(p->high))), HK_ERR_INPUT);
  }
  ck_assert_int_eq(try_value(model, "no such parameter", 1), HK_ERR_INPUT);
}
END_TEST

START_TEST(refractoriness_is_honoured)
{
  const struct hk_model *model = neuron((size_t)_i);
  if (!model)
    return;
  struct scene s;
  begin(&s, model, false);
  double t_ref = refractory_of(model);
  s.solo.trace_interval = 0.125;
  for (size_t k = 0; k < s.solo.train_count && k < model->port_count; k++)
    if (model->ports[k].sign >= 0)
      s.solo.trains[k].weight *= 20;
  struct spike_list list = solo_run(&s.solo);
  ck_assert_uint_gt(list.count, 3);
  double *held = NULL;
  size_t width = s.solo.tree ? small_tree.count : model->state_count, spike = 0;
  for (size_t i = 1; i < list.count; i++)
    ck_assert_msg(list.times[i] - list.times[i - 1] >= t_ref * (1 - 1e-14), "%g ms apart",
                  list.times[i] - list.times[i - 1]);
  for (size_t r = 0; r < list.row_count; r++) {
    double t = 0.125 * (double)r;
    while (spike < list.count && list.times[spike] < t) {
      spike++;
      held = NULL;
    }
    if (spike == 0 || t >= list.times[spike - 1] + t_ref)
      continue;
    double *row = list.rows + r * width;
    for (size_t j = 0; j < model->state_count && held; j++)
      if (model->states[j].flags & HK_STATE_CLAMPED)
        ck_assert(fabs(row[j] - held[j]) <= 1e-12 * fabs(held[j]));
    held = row;
  }
  free(list.times);
  free(list.rows);
}
END_TEST

static bool same(const struct spike_list *a, const struct spike_list *b, size_t width)
{
  return a->count == b->count && a->row_count == b->row_count &&
         memcmp(a->times, b->times, a->count * sizeof *a->times) == 0 &&
         memcmp(a->rows, b->rows, a->row_count * width * sizeof *a->rows) == 0;
}

static bool changes_something(const struct hk_model *model, size_t param, bool switches_on)
{
  struct scene s;
  begin(&s, model, switches_on);
  s.solo.trace_interval = 10;
  struct spike_list before = solo_run(&s.solo);
  double preset = model->params[param].preset, value[HK_PARAMS_MAX];
  for (size_t k = 0; k < model->param_count; k++)
    value[k] = model->params[k].preset;
  static const double changes[] = {1.05, 0.95, 1.5, 0.5};
  bool changed = false;
  for (size_t i = 0; i < 4 && !changed; i++) {
    value[param] = preset != 0 ? preset * changes[i] : i < 2 ? 1.0 : 0.01;
    size_t at = 0;
    while (at < s.solo.param_count && strcmp(s.params[at].name, model->params[param].name) != 0)
      at++;
    if (at < s.solo.param_count)
      value[param] = 0;
    else if (try_value(model, model->params[param].name, value[param]) != HK_OK)
      continue;
    size_t count = s.solo.param_count;
    s.solo.param_count = at < count ? count : count + 1;
    struct hk_setting old = s.params[at];
    s.params[at] = (struct hk_setting){model->params[param].name, hk_value_constant(value[param])};
    struct spike_list after = solo_run(&s.solo);
    s.params[at] = old;
    s.solo.param_count = count;
    changed = !same(&before, &after, s.solo.tree ? small_tree.count : model->state_count);
    free(after.times);
    free(after.rows);
  }
  free(before.times);
  free(before.rows);
  return changed;
}

START_TEST(every_parameter_changes_something)
{
  const struct hk_model *model = neuron((size_t)_i);
  for (size_t k = 0; model && k < model->param_count; k++)
    ck_assert_msg(changes_something(model, k, false) || changes_something(model, k, true), "%s of %s changes nothing",
                  model->params[k].name, model->name);
}
END_TEST

START_TEST(recording_changes_nothing)
{
  const struct hk_model *model = neuron((size_t)_i);
  if (!model)
    return;
  struct scene s;
  begin(&s, model, true);
  size_t width = s.solo.tree ? small_tree.count : model->state_count;
  struct spike_list plain = solo_run(&s.solo);
  s.solo.trace_interval = 0.75;
  struct spike_list coarse = solo_run(&s.solo);
  s.solo.trace_interval = 0.25;
  struct spike_list fine = solo_run(&s.solo);
  ck_assert(plain.count == fine.count && coarse.count == fine.count);
  ck_assert(memcmp(plain.times, fine.times, fine.count * sizeof *fine.times) == 0);
  ck_assert(memcmp(plain.times, coarse.times, fine.count * sizeof *fine.times) == 0);
  for (size_t r = 0; r < coarse.row_count; r++)
    ck_assert(memcmp(coarse.rows + r * width, fine.rows + 3 * r * width, width * sizeof *fine.rows) == 0);
  free(plain.times);
  free(coarse.times);
  free(coarse.rows);
  free(fine.times);
  free(fine.rows);
}
END_TEST

static double distance(const struct spike_list *a, const struct spike_list *b)
{
  double worst = a->count == b->count ? 0 : INFINITY;
  for (size_t i = 0; i < a->count && i < b->count; i++)
    worst = fmax(worst, fabs(a->times[i] - b->times[i]));
  return worst;
}

START_TEST(converges_with_tolerance)
{
  const struct hk_model *model = neuron((size_t)_i);
  if (!model || model->kind != HK_MODEL_NONLINEAR)
    return;
  struct scene s;
  begin(&s, model, false);
  s.solo.tolerance = 1e-14;
  struct spike_list best = solo_run(&s.solo);
  double last = INFINITY;
  static const double tolerances[] = {1e-6, 1e-8, 1e-10, 0};
  for (size_t i = 0; i < 4; i++) {
    s.solo.tolerance = tolerances[i];
    struct spike_list list = solo_run(&s.solo);
    double error = distance(&list, &best);
    ck_assert_msg(error <= fmax(1.5 * last, 1e-10), "%s: error %g ms at tolerance %g, %g before", model->name, error,
                  tolerances[i], last);
    last = error;
    free(list.times);
  }
  printf("%-18s error %.1e ms at the preset tolerance\n", model->name, last);
  ck_assert(last < 2e-8);
  free(best.times);
}
END_TEST

START_TEST(schedulers_agree)
{
  const struct hk_model *model = neuron((size_t)_i);
  if (!model)
    return;
  struct scene s;
  begin(&s, model, true);
  struct spike_list queue = solo_run(&s.solo);
  s.solo.scheduler = HK_SCHEDULER_WINDOWS;
  struct spike_list windows = solo_run(&s.solo);
  double error = distance(&queue, &windows);
  ck_assert_msg(error <= (model->kind == HK_MODEL_NONLINEAR ? 1e-8 : 1e-9), "%s: %g ms", model->name, error);
  free(queue.times);
  free(windows.times);
}
END_TEST

/* --- the bound on quiet times --- */

static double uniform(unsigned *rng, double low, double high)
{
  *rng = *rng * 1664525u + 1013904223u;
  return low + (high - low) * ((*rng >> 8) / 16777216.0);
}

/* A free neuron below its threshold, in any state. */
static void draw_state(const struct hk_model *model, double threshold, unsigned *rng, double *x)
{
  for (size_t j = 0; j < model->state_count; j++) {
    if (j == 0)
      x[j] = uniform(rng, threshold - (uniform(rng, 0, 1) < 0.5 ? 2 : 100), threshold);
    else if (model->states[j].flags & HK_STATE_FRACTION)
      x[j] = pow(uniform(rng, 0, 1), 3);
    else
      x[j] = uniform(rng, 0, 1) < 0.3 ? 0 : exp(uniform(rng, -3, 6));
  }
}

static void assert_quiet(const struct hk__motion *motion, double threshold, double until, double *x)
{
  double next[HK__STATES_ROOM], pace = 1, t = 0;
  struct hk__ahead ahead = {.x = next};
  while (t < until) {
    ck_assert_int_eq(hk__look_ahead(motion, HK__CROSS_UP, threshold, t, &pace, x, &ahead), HK_OK);
    t += ahead.dt;
    ck_assert_msg(!ahead.crosses || t >= until, "%s spikes after %.9g ms, within %.9g", motion->model->name, t, until);
    if (ahead.crosses)
      return;
    memcpy(x, next, motion->model->state_count * sizeof *x);
  }
}

START_TEST(quiet_times_are_kept)
{
  const struct hk_model *model = neuron((size_t)_i);
  if (!model || !model->quiet)
    return;
  unsigned rng = 77;
  size_t told = 0;
  for (int i = 0; i < 4000; i++) {
    double param[HK_PARAMS_MAX], x[HK_STATES_MAX];
    for (size_t k = 0; k < model->param_count; k++) {
      param[k] = model->params[k].preset * (i % 2 ? uniform(&rng, 0.5, 1.5) : 1);
      if (i % 4 == 3)
        param[k] = model->params[k].low < 0 ? param[k] + uniform(&rng, -20, 20) : param[k] * exp(uniform(&rng, -3, 3));
    }
    if (model->check && model->check(param))
      continue;
    struct hk__sine sine = {.amplitude = uniform(&rng, -500, 500), .omega = uniform(&rng, 0.01, 2)};
    struct hk__current current = {
        .constant = i % 3 ? uniform(&rng, -300, 900) : 0, .sines = &sine, .sine_count = i % 5 == 0};
    struct hk__motion motion = {model, param, &current, 1e-11, false};
    draw_state(model, model->threshold(param), &rng, x);
    double quiet = hk__quiet(&motion, x);
    told += quiet > 0;
    assert_quiet(&motion, model->threshold(param), fmin(quiet, 20), x);
  }
  ck_assert_msg(told > 500, "%s: %zu times told", model->name, told);
}
END_TEST

/* --- the integrator against GSL's --- */

struct field {
  const struct hk_model *model;
  const double *param;
  bool clamped;
};

static int gsl_slope(double t, const double *x, double *dx, void *context)
{
  (void)t;
  const struct field *f = context;
  hk__slope(f->model, f->param, x, 0.7, f->clamped, dx);
  for (size_t j = 0; j < f->model->state_count; j++)
    if (f->clamped && f->model->states[j].flags & HK_STATE_CLAMPED)
      dx[j] = 0;
  return GSL_SUCCESS;
}

/* The initial state, after an event at each port. */
static void set_out(const struct hk_model *model, const double *param, double *x, const bool *given)
{
  for (size_t j = 0; j < model->state_count; j++) {
    const char *preset = model->states[j].preset_param;
    x[j] = preset ? param[hk_model_param(model, preset)] : model->states[j].preset;
  }
  if (model->initialise)
    model->initialise(param, x, given);
  for (size_t k = 0; k < model->port_count; k++)
    receive_event(model, param, k, model->ports[k].sign < 0 ? -3.0 : 5.0, x);
}

START_TEST(integrates_as_gsl_does)
{
  const struct hk_model *model = neuron((size_t)_i);
  if (!model || model->kind != HK_MODEL_NONLINEAR)
    return;
  double param[HK_PARAMS_MAX], x[HK_STATES_MAX], y[HK_STATES_MAX];
  bool given[HK_STATES_MAX] = {false};
  for (size_t k = 0; k < model->param_count; k++)
    param[k] = model->params[k].preset;
  for (int clamped = 0; clamped < 2; clamped++) {
    set_out(model, param, x, given);
    memcpy(y, x, sizeof y);
    struct field field = {model, param, clamped};
    gsl_odeiv2_system system = {gsl_slope, NULL, model->state_count, &field};
    gsl_odeiv2_driver *driver = gsl_odeiv2_driver_alloc_y_new(&system, gsl_odeiv2_step_rk8pd, 1e-3, 1e-12, 1e-12);
    struct hk__current current = {.constant = 0.7};
    struct hk__motion motion = {model, param, &current, 1e-12, clamped};
    double t = 0, pace = 1;
    for (int i = 0; i < 10; i++) {
      ck_assert_int_eq(gsl_odeiv2_driver_apply(driver, &t, 0.3 * (i + 1), y), GSL_SUCCESS);
      ck_assert_int_eq(hk__integrate(&motion, 0.3 * i, 0.3, &pace, x), HK_OK);
      for (size_t j = 0; j < model->state_count; j++)
        ck_assert_double_eq_tol(x[j], y[j], 1e-8 * (1 + fabs(y[j])));
    }
    gsl_odeiv2_driver_free(driver);
  }
}
END_TEST

/* A series that is begun with some terms and taken up again is that which is taken at once. */
START_TEST(series_may_be_taken_up)
{
  enum { LAST = HK__SERIES_LAST };
  const struct hk_model *model = neuron((size_t)_i);
  if (!model || !model->series)
    return;
  double x[HK_STATES_MAX];
  bool given[HK_STATES_MAX] = {false};
  hk_lanes param[HK_PARAMS_MAX], current[HK_SERIES_MAX] = {hk_lanes_all(3), hk_lanes_all(-0.2)};
  hk_lanes free = hk_lanes_all(1), dt = hk_lanes_all(0.05), terms[2][HK_SERIES_ROWS][HK_SERIES_MAX];
  double preset[HK_PARAMS_MAX];
  for (size_t k = 0; k < model->param_count; k++)
    param[k] = hk_lanes_all(preset[k] = model->params[k].preset);
  set_out(model, preset, x, given);
  for (size_t first = 1; first < LAST; first++) {
    for (size_t j = 0; j < model->state_count; j++)
      terms[0][j][0] = terms[1][j][0] = hk_lanes_all(x[j]);
    model->series(param, current, &free, &dt, 0, LAST, terms[0]);
    model->series(param, current, &free, &dt, 0, first, terms[1]);
    model->series(param, current, &free, &dt, first + 1, LAST, terms[1]);
    for (size_t j = 0; j < model->state_count; j++)
      ck_assert_mem_eq(terms[0][j], terms[1][j], (LAST + 1) * sizeof(hk_lanes));
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("models");
  TCase *tests = tcase_create("models");
  int count = (int)hk_model_count();
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, tables_are_whole, 0, count);
  tcase_add_loop_test(tests, ranges_are_kept, 0, count);
  tcase_add_loop_test(tests, refractoriness_is_honoured, 0, count);
  tcase_add_loop_test(tests, every_parameter_changes_something, 0, count);
  tcase_add_loop_test(tests, recording_changes_nothing, 0, count);
  tcase_add_loop_test(tests, converges_with_tolerance, 0, count);
  tcase_add_loop_test(tests, schedulers_agree, 0, count);
  tcase_add_loop_test(tests, quiet_times_are_kept, 0, count);
  tcase_add_loop_test(tests, integrates_as_gsl_does, 0, count);
  tcase_add_loop_test(tests, series_may_be_taken_up, 0, count);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
