/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Neurons that doze: what their models tell of them holds, and events that are kept back change nothing. Of every model
 * of the registry that has the hooks. */
#include <check.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/doze.h"
#include "core/integrator.h"
#include "core/scheduler.h"
#include "core/widest.h"
#include "draws.h"
#include "hooks.h"
#include "random_network.h"
#include "suite.h"

/* --- the hooks --- */

/* The presets, with what can only be positive up to `factor` times smaller or larger. False: the model refuses them. */
static bool draw_params(const struct hk_model *model, double factor, uint64_t *state, double *param)
{
  for (size_t k = 0; k < model->param_count; k++) {
    const double range = model->params[k].low == 0 ? log(factor) : 0;
    param[k] = model->params[k].preset * exp(draw_between(state, -range, range));
    if (model->params[k].low < 0)
      param[k] += draw_between(state, -20, 20);
  }
  return !model->check || !model->check(param);
}

/* A free neuron below its threshold, often by little. */
static void draw_state(const struct hk_model *model, double threshold, uint64_t *state, double *x)
{
  x[0] = threshold - exp(draw_between(state, -12, 4));
  for (size_t j = 1; j < model->state_count; j++)
    x[j] = next_random(state) % 4 == 0 ? 0 : exp(draw_between(state, -4, 5));
}

/* By the series alone, which looks ahead take, to a tolerance of its own. */
static void advance(const struct hk__motion *motion, double dt, double *x)
{
  double course[HK__AHEAD_TERMS * HK__STATES_ROOM], pace = 1;
  struct hk__ahead ahead = {.x = course, .series = true};
  const size_t states = motion->model->state_count;
  for (double t = 0; t < dt; t += ahead.dt) {
    ck_assert_int_eq(hk__look_ahead(motion, HK__CROSS_NONE, 0, t, &pace, x, &ahead), HK_OK);
    double end[HK__STATES_ROOM];
    hk__ahead_at(&ahead, states, fmin(ahead.dt, dt - t), end);
    memcpy(x, end, states * sizeof *x);
  }
}

/* Neurons side by side, each with its own parameters, state, current and time to go. */
struct herd {
  hk_lanes param[HK_PARAMS_MAX], current, free, dt, x[HK_STATES_MAX];
  double each[HK_LANES][HK_PARAMS_MAX];
};

static void draw_herd(const struct hk_model *model, uint64_t *state, struct herd *herd)
{
  for (size_t lane = 0; lane < HK_LANES; lane++) {
    double *param = herd->each[lane], x[HK_STATES_MAX];
    while (!draw_params(model, 30, state, param))
      ;
    draw_state(model, model->threshold(param), state, x);
    for (size_t k = 0; k < model->param_count; k++)
      herd->param[k][lane] = param[k];
    for (size_t j = 0; j < model->state_count; j++)
      herd->x[j][lane] = x[j];
    herd->current[lane] = draw_between(state, -500, 500);
    herd->free[lane] = next_random(state) % 4 > 0;
    herd->dt[lane] = next_random(state) % 8 == 0 ? 0 : exp(draw_between(state, -8, 7));
  }
}

/* Until all have come to where they were to go. */
static void leap_on(const struct hk_model *model, struct herd *herd)
{
  double gone = 0;
  for (hk_lanes left = herd->dt; hk_mask_any(left > 0.0);) {
    hk_lanes dt = left;
    model->leap(herd->param, &herd->current, &herd->free, &dt, herd->x);
    for (size_t lane = 0; lane < HK_LANES; lane++)
      ck_assert(dt[lane] <= left[lane] && (dt[lane] > 0 || left[lane] == 0));
    left -= dt;
    ck_assert_double_lt(gone++, 1e6);
  }
}

START_TEST(leaps_are_exact)
{
  const struct hk_model *model = hk_model_at((size_t)_i);
  if (!model->leap)
    return;
  uint64_t state = 31;
  double worst = 0;
  for (int i = 0; i < 1000; i++) {
    struct herd herd;
    draw_herd(model, &state, &herd);
    struct herd start = herd;
    leap_on(model, &herd);
    for (size_t lane = 0; lane < HK_LANES; lane++) {
      struct hk__current current = {.constant = start.current[lane]};
      struct hk__motion motion = {model, start.each[lane], &current, 1e-15, start.free[lane] == 0};
      double x[HK__STATES_ROOM];
      for (size_t j = 0; j < model->state_count; j++)
        x[j] = start.x[j][lane];
      advance(&motion, start.dt[lane], x);
      for (size_t j = 0; j < model->state_count; j++) {
        const double error = fabs(x[j] - herd.x[j][lane]) / (1 + fabs(x[j]));
        ck_assert_msg(error < 3e-12, "%s: %s is %.17g, not %.17g, after %g ms", model->name, model->states[j].name,
                      herd.x[j][lane], x[j], start.dt[lane]);
        worst = fmax(worst, error);
      }
    }
  }
  printf("%-18s leaps to %.0e\n", model->name, worst);
}
END_TEST

/* Fails if the neuron spikes before `until`, and advances it to then. */
static void assert_silent(const struct hk__motion *motion, double t, double until, double *x)
{
  double course[HK__AHEAD_TERMS * HK__STATES_ROOM], next[HK__STATES_ROOM], pace = 1;
  struct hk__ahead ahead = {.x = course, .series = true};
  for (; t < until; t += ahead.dt) {
    const double threshold = motion->model->threshold(motion->param);
    ck_assert_int_eq(hk__look_ahead(motion, HK__CROSS_UP, threshold, t, &pace, x, &ahead), HK_OK);
    ck_assert_msg(!ahead.crosses || t + ahead.dt > until, "%s spikes after %.9g ms", motion->model->name, t + ahead.dt);
    hk__ahead_at(&ahead, motion->model->state_count, fmin(ahead.dt, until - t), next);
    memcpy(x, next, motion->model->state_count * sizeof *x);
  }
}

enum { SENDERS = 4 };

/* Events at each port that add up to nearly all of what is allowed: at random times within the span, all at its
 * beginning or all at its end. Before they come state 0 is lifted to just below the threshold, as nothing is told of
 * it. */
static void provoke(const struct hk__motion *motion, double span, const double *allowed, uint64_t *state, double *x)
{
  const struct hk_model *model = motion->model;
  const double far = 100, end = fmin(span, far);
  const uint64_t when = next_random(state) % 3;
  double t = 0;
  for (int i = 0; i < SENDERS; i++) {
    double next = when == 0 ? 0 : when == 1 ? end : draw_between(state, t, end);
    assert_silent(motion, t, next, x);
    t = next;
    x[0] = fmax(x[0], model->threshold(motion->param) - 1e-9);
    for (size_t port = 0; port < model->port_count; port++) {
      const double most = allowed[port] < INFINITY ? allowed[port] : exp(draw_between(state, -8, 3));
      receive_event(model, motion->param, port, (1 - 1e-9) * most / SENDERS, x);
    }
  }
  assert_silent(motion, t, t + far, x);
}

START_TEST(settled_neurons_never_spike)
{
  const struct hk_model *model = hk_model_at((size_t)_i);
  if (!model->settle)
    return;
  ck_assert(model->leap && model->port_count <= HK_DOZE_PORTS);
  uint64_t state = 77;
  size_t settled = 0, unsettled = 0;
  for (int i = 0; i < 4000; i++) {
    double param[HK_PARAMS_MAX], x[HK_STATES_MAX], span, allowed[HK_DOZE_PORTS];
    if (!draw_params(model, i % 2 ? 20 : 1.2, &state, param))
      continue;
    struct hk__current current = {.constant = i % 3 ? draw_between(&state, -300, 300) : 0};
    struct hk__motion motion = {model, param, &current, 1e-13, false};
    draw_state(model, model->threshold(param), &state, x);
    if (!model->settle(param, current.constant, x, &span, allowed)) {
      unsettled++;
      continue;
    }
    settled++;
    ck_assert(span > 0);
    if (next_random(&state) % 4 == 0)
      current.constant -= draw_between(&state, 0, 1000);
    provoke(&motion, span, allowed, &state, x);
  }
  ck_assert_msg(settled > 500 && unsettled > 100, "%s: %zu settled, %zu not", model->name, settled, unsettled);
}
END_TEST

/* --- networks --- */

/* The linker puts these in front of what the windows call: events that are kept back, those that are not, as there is
 * no room, and neurons that may doze off. */
static atomic_uint_least64_t kept, refused;

bool __real_hk__doze_keep(struct hk__doze *doze, const struct hk__window *window, const struct hk__event *event);
bool __wrap_hk__doze_keep(struct hk__doze *doze, const struct hk__window *window, const struct hk__event *event);

bool __wrap_hk__doze_keep(struct hk__doze *doze, const struct hk__window *window, const struct hk__event *event)
{
  const bool keeps = __real_hk__doze_keep(doze, window, event);
  kept += keeps;
  refused += !keeps;
  return keeps;
}

enum { EXCITATORY = 60, INHIBITORY = 20 };

struct cast {
  struct hk_network *network;
  size_t exc, inh, source;
};

static size_t add_cells(struct hk_network *network, const struct hk_model *model, const char *name, uint64_t size,
                        bool alike, double t_ref)
{
  struct hk_setting params[HK_PARAMS_MAX];
  size_t count = 0;
  for (size_t k = 0; k < model->param_count; k++) {
    const double preset = model->params[k].preset;
    if (strcmp(model->params[k].name, "t_ref") == 0)
      params[count++] = (struct hk_setting){"t_ref", hk_value_constant(t_ref)};
    else if (!alike && model->params[k].low == 0 && preset > 0)
      params[count++] = (struct hk_setting){model->params[k].name, hk_value_uniform(0.8 * preset, 1.2 * preset)};
  }
  const double rest = model->params[hk_model_param(model, model->states[0].preset_param)].preset;
  struct hk_setting init = {model->states[0].name, hk_value_uniform(rest - 5, rest + 10)};
  struct hk_population_spec spec = {.name = name,
                                    .model = model->name,
                                    .size = size,
                                    .params = params,
                                    .param_count = count,
                                    .init = &init,
                                    .init_count = 1};
  size_t index;
  ck_assert_int_eq(hk_network_add_population(network, &spec, &index, NULL, NULL), HK_OK);
  return index;
}

/* Bursts of many events at once, now and then. */
static size_t add_bursts(struct hk_network *network, uint64_t *state)
{
  enum { SOURCES = 4, BURSTS = 6, BURST = 20, EACH = BURSTS * BURST };
  static double times[SOURCES * EACH];
  static uint64_t offsets[SOURCES + 1];
  for (size_t i = 0; i < SOURCES; i++) {
    double *train = times + i * EACH;
    offsets[i + 1] = (i + 1) * EACH;
    for (size_t k = 0; k < EACH; k++)
      train[k] = (k % BURST ? train[k - 1] : (double)(10 * (k / BURST)) + draw_between(state, 0, 5)) +
                 (double)(next_random(state) % 2) * draw_between(state, 0, 0.01);
  }
  struct hk_population_spec spec = {
      .name = "source", .model = "spike_source", .size = SOURCES, .trains = {times, offsets}};
  size_t index;
  ck_assert_int_eq(hk_network_add_population(network, &spec, &index, NULL, NULL), HK_OK);
  return index;
}

static void connect(const struct cast *cast, size_t source, size_t target, double indegree, double weight,
                    uint64_t *state)
{
  const double shortest = 0.1, some = draw_between(state, 0.1, 2);
  struct hk_projection_spec spec = {
      .source = source,
      .target = target,
      .rule = {.kind = HK_RULE_FIXED_INDEGREE, .number = indegree, .allow_autapses = true, .allow_multapses = true},
      .weight = next_random(state) % 2 ? hk_value_constant(weight)
                                       : hk_value_uniform(weight - fabs(weight) / 2, weight + fabs(weight) / 2),
      .delay = next_random(state) % 2 ? hk_value_constant(some) : hk_value_uniform(shortest, shortest + some)};
  ck_assert_int_eq(hk_network_add_projection(cast->network, &spec, NULL, NULL, NULL), HK_OK);
}

enum stir { NOTHING, PULSE, STEPS, WAVE, NOISE, STIRS };

/* A current into every third neuron, or every other of those. */
static void add_current(const struct cast *cast, enum stir stir)
{
  static const enum hk_input_kind kind[STIRS] = {
      [PULSE] = HK_INPUT_DC, [STEPS] = HK_INPUT_STEPS, [WAVE] = HK_INPUT_SINE, [NOISE] = HK_INPUT_NOISE};
  static const double times[] = {5, 17.25, 40}, amplitudes[] = {300, -80, 140};
  uint32_t neurons[EXCITATORY / 3];
  for (uint32_t i = 0; i < EXCITATORY / 3; i++)
    neurons[i] = 3 * i;
  struct hk_input_spec spec = {.target = cast->exc,
                               .kind = kind[stir],
                               .neurons = neurons,
                               .neuron_count = EXCITATORY / 3,
                               .from = stir == STEPS ? 0 : 3.3,
                               .to = 55.5,
                               .amplitude = hk_value_constant(150),
                               .offset = hk_value_constant(50),
                               .frequency = 40,
                               .std = 60,
                               .mean = 20,
                               .tau = 5,
                               .dt = 0.1,
                               .times = times,
                               .amplitudes = amplitudes,
                               .step_count = 3};
  if (stir != NOTHING)
    ck_assert_int_eq(hk_network_add_input(cast->network, &spec, NULL, NULL, NULL), HK_OK);
}

/* Excitation that now and then suffices, and inhibition. */
static struct hk_network *doze_network(const struct hk_model *model, uint64_t number, double weight, bool traced)
{
  static const double t_ref[] = {0, 0.3, 2, 5, 20};
  uint64_t state = number * 0x2545f4914f6cdd1du + 1;
  struct cast cast;
  ck_assert_int_eq(hk_network_create(&cast.network), HK_OK);
  cast.exc = add_cells(cast.network, model, "exc", EXCITATORY, number % 2, t_ref[next_random(&state) % 5]);
  cast.inh = add_cells(cast.network, model, "inh", INHIBITORY, number % 2, t_ref[1 + next_random(&state) % 4]);
  cast.source = add_bursts(cast.network, &state);
  connect(&cast, cast.source, cast.exc, 1, weight / 10, &state);
  for (size_t target = cast.exc; target <= cast.inh; target++) {
    connect(&cast, cast.exc, target, 8, weight, &state);
    connect(&cast, cast.inh, target, 3, -4 * weight, &state);
    struct hk_input_spec rain = {.target = target,
                                 .kind = HK_INPUT_POISSON,
                                 .to = INFINITY,
                                 .rate = hk_value_constant(draw_between(&state, 200, 2000)),
                                 .weight = hk_value_constant(weight)};
    ck_assert_int_eq(hk_network_add_input(cast.network, &rain, NULL, NULL, NULL), HK_OK);
  }
  add_current(&cast, (enum stir)(number % STIRS));
  static const uint32_t neurons[] = {2, 0};
  const char *variable = model->states[0].name;
  struct hk_trace_spec trace = {"v", cast.exc, neurons, 2, &variable, 1, 0.37};
  if (traced)
    ck_assert_int_eq(hk_network_add_trace(cast.network, &trace, NULL, NULL, NULL), HK_OK);
  return cast.network;
}

static const double duration = 60;

static struct recording run(struct hk_network *network, uint64_t seed, enum hk_scheduler scheduler, int threads,
                            int pieces)
{
  return run_network(network, &(struct hk_options){.seed = seed, .threads = threads, .scheduler = scheduler}, duration,
                     pieces);
}

/* The least weight of a series with which a network's neurons spike twice on average. */
static double lively_weight(const struct hk_model *model, uint64_t number)
{
  for (double weight = 0.1; weight < 1e6; weight *= 1.5) {
    struct hk_network *network = doze_network(model, number, weight, false);
    struct recording r = run(network, number, HK_SCHEDULER_WINDOWS, 1, 1);
    const size_t count = r.count;
    recording_free(&r);
    hk_network_destroy(network);
    if (count > 2 * (EXCITATORY + INHIBITORY))
      return weight;
  }
  ck_abort_msg("no weight makes %s fire", model->name);
}

enum { NETWORKS = 40 };

START_TEST(networks_agree)
{
  const struct hk_model *model = hk_model_at((size_t)_i);
  if (!model->settle)
    return;
  uint64_t all = 0, without_room = 0;
  for (uint64_t number = 0; number < NETWORKS; number++) {
    struct hk_network *network = doze_network(model, number, lively_weight(model, number), true);
    char what[64];
    snprintf(what, sizeof what, "%s, network %llu", model->name, (unsigned long long)number);
    kept = refused = 0;
    struct recording windows = run(network, number, HK_SCHEDULER_WINDOWS, 1, 1);
    all += kept;
    without_room += refused;
    ck_assert_msg(kept > 100, "%s: %llu events kept", what, (unsigned long long)kept);
    struct recording queue = run(network, number, HK_SCHEDULER_QUEUE, 1, 1);
    assert_agree(&queue, &windows, what, 1e-9, 1e-7);
    recording_free(&queue);
    recording_free(&windows);
    hk_network_destroy(network);
  }
  printf("%-18s %llu events kept, %llu not\n", model->name, (unsigned long long)all, (unsigned long long)without_room);
  ck_assert_uint_gt(without_room, 0);
}
END_TEST

START_TEST(same_bits)
{
  const struct hk_model *model = hk_model_at((size_t)_i);
  if (!model->settle)
    return;
  for (uint64_t number = 0; number < NETWORKS / 2; number++) {
    const double weight = lively_weight(model, number);
    struct hk_network *network = doze_network(model, number, weight, true);
    struct hk_network *untraced = doze_network(model, number, weight, false);
    struct recording one = run(network, number, HK_SCHEDULER_WINDOWS, 1, 1);
    struct recording pieces = run(network, number, HK_SCHEDULER_WINDOWS, 3, 7);
    struct recording plain = run(untraced, number, HK_SCHEDULER_WINDOWS, 2, 1);
    hk__widest_vectors = false;
    struct recording narrow = run(network, number, HK_SCHEDULER_WINDOWS, 1, 1);
    hk__widest_vectors = true;
    assert_same(&one, &pieces);
    assert_same(&one, &narrow);
    assert_same_spikes(&one, &plain);
    recording_free(&one);
    recording_free(&pieces);
    recording_free(&plain);
    recording_free(&narrow);
    hk_network_destroy(network);
    hk_network_destroy(untraced);
  }
}
END_TEST

int main(void)
{
  hk__windows_share_little = true;
  Suite *suite = suite_create("doze");
  TCase *tests = tcase_create("doze");
  int count = (int)hk_model_count();
  tcase_set_timeout(tests, 240);
  tcase_add_loop_test(tests, leaps_are_exact, 0, count);
  tcase_add_loop_test(tests, settled_neurons_never_spike, 0, count);
  tcase_add_loop_test(tests, networks_agree, 0, count);
  tcase_add_loop_test(tests, same_bits, 0, count);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
