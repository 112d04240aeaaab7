/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups of neurons that sleep wake in time: whatever happens to them, or comes to a head without any event, happens
 * as it does in the queue, which knows no sleep. Each test sees to it that there was sleep to wake from. */
#include <check.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/scheduler.h"
#include "core/shard.h"
#include "draws.h"
#include "scene.h"
#include "suite.h"

/* The linker puts this in front of hk__sleep_advance where a sweep calls it: it counts naps that take more than a leap,
 * and those of a hundred windows or more. */
static atomic_uint_least64_t naps, long_naps, longest_nap;

void __real_hk__sleep_advance(struct hk__shard_state *shard, size_t group, uint64_t windows);
void __wrap_hk__sleep_advance(struct hk__shard_state *shard, size_t group, uint64_t windows);

/* And this in front of hk__sleep_close: windows asleep, and the groups in them that were swept and that were not. */
static atomic_uint_least64_t windows_asleep, swept, left_alone;

void __real_hk__sleep_close(struct hk__shard_state *shard);
void __wrap_hk__sleep_close(struct hk__shard_state *shard);

void __wrap_hk__sleep_close(struct hk__shard_state *shard)
{
  const struct hk__sleep *sleep = &shard->sleep;
  for (size_t g = 0; sleep->on && g < sleep->groups; g++) {
    swept += sleep->nap[g].since == sleep->clock + 1;
    left_alone += sleep->nap[g].since < sleep->clock + 1;
  }
  windows_asleep += sleep->on;
  __real_hk__sleep_close(shard);
}

void __wrap_hk__sleep_advance(struct hk__shard_state *shard, size_t group, uint64_t windows)
{
  naps++;
  long_naps += windows >= 100;
  uint_least64_t longest = longest_nap;
  while (windows > longest && !atomic_compare_exchange_weak(&longest_nap, &longest, windows))
    ;
  __real_hk__sleep_advance(shard, group, windows);
}

static void forget_naps(void)
{
  naps = long_naps = longest_nap = windows_asleep = swept = left_alone = 0;
}

static void assert_slept(uint64_t least)
{
  ck_assert_msg(long_naps >= least, "%llu naps, %llu long, the longest of %llu windows", (unsigned long long)naps,
                (unsigned long long)long_naps, (unsigned long long)longest_nap);
}

enum { CELLS = 4000, CREEPING = 64, STEPPED = 256, PULSED = 512, DRIVEN = 768 };
static const double window = 0.1;

static struct hk_input_spec *add_current(struct scene *scene, enum hk_input_kind kind, const uint32_t *neurons,
                                         size_t count)
{
  struct hk_input_spec *input = &scene->inputs[scene->input_count++];
  *input = (struct hk_input_spec){.kind = kind, .neurons = neurons, .neuron_count = count, .to = INFINITY};
  return input;
}

/* Currents that end a little above the threshold, by `hair` of the way to it or up to a hundred times as much, and a
 * little below. */
static void let_creep(struct scene *scene, double current, double hair, uint64_t *state)
{
  static uint32_t neurons[2 * CREEPING];
  static double amplitude[2 * CREEPING];
  for (uint32_t i = 0; i < 2 * CREEPING; i++) {
    double beyond = hair * pow(10, draw_between(state, 0, 2));
    neurons[i] = i;
    amplitude[i] = current * (1 + (i < CREEPING ? beyond : -beyond));
  }
  add_current(scene, HK_INPUT_DC, neurons, 2 * CREEPING)->amplitude = hk_value_list(amplitude, 2 * CREEPING);
}

/* Steps, a pulse and a sine for some; the times are those of no window. */
static void switch_currents(struct scene *scene, double current)
{
  static const double times[] = {50, 120.05, 200.01}, part[] = {0.5, 1.3, -1};
  static uint32_t stepped[40], pulsed[40], driven[8];
  static double amplitudes[3];
  for (uint32_t i = 0; i < 40; i++) {
    stepped[i] = STEPPED + i;
    pulsed[i] = PULSED + i;
    driven[i % 8] = DRIVEN + i % 8;
  }
  for (int i = 0; i < 3; i++)
    amplitudes[i] = part[i] * current;
  struct hk_input_spec *steps = add_current(scene, HK_INPUT_STEPS, stepped, 40);
  steps->times = times;
  steps->amplitudes = amplitudes;
  steps->step_count = 3;
  struct hk_input_spec *pulse = add_current(scene, HK_INPUT_DC, pulsed, 40);
  pulse->from = 80;
  pulse->to = 150.03;
  pulse->amplitude = hk_value_constant(1.2 * current);
  struct hk_input_spec *sine = add_current(scene, HK_INPUT_SINE, driven, 8);
  sine->amplitude = hk_value_constant(current);
  sine->offset = hk_value_constant(0.4 * current);
  sine->frequency = 20;
}

static struct scene quiet_crowd(const struct hk_model *model, double hair, uint64_t *state)
{
  double weight = scene_weight(model), current = scene_current(model);
  const struct hk_state *voltage = &model->states[0];
  double rest = voltage->preset_param ? model->params[hk_model_param(model, voltage->preset_param)].preset : 0;
  struct scene scene = {.model = model,
                        .cells = CELLS,
                        .window = window,
                        .duration = 300,
                        .traced = {STEPPED + 3, 2000},
                        .trace_interval = 7.3};
  double gap = strcmp(model->name, "intfire1") == 0 ? 1 : -55 - rest;
  scene.init[0] = (struct hk_setting){voltage->name, hk_value_uniform(rest, rest + 0.999 * gap)};
  scene.init_count = 1;
  for (int i = 0; i < 60; i++)
    scene_hit(&scene, (uint32_t)draw_between(state, 0, CELLS), draw_between(state, 1, 295),
              draw_between(state, 0.01, 4), weight * draw_between(state, 0.6, 2.5));
  if (current > 0) {
    let_creep(&scene, current, hair, state);
    switch_currents(&scene, current);
  }
  return scene;
}

START_TEST(creeping_and_woken)
{
  static const struct {
    double hair, tolerance;
  } run[] = {{1e-4, 1e-9}, {1e-8, 1e-4}};
  const struct hk_model *model = linear_model((size_t)_i);
  uint64_t state = (uint64_t)_i;
  for (size_t i = 0; i < 2; i++) {
    struct scene scene = quiet_crowd(model, run[i].hair, &state);
    forget_naps();
    size_t spikes = scene_agrees(&scene, "a quiet crowd", run[i].tolerance);
    ck_assert_uint_gt(spikes, scene_current(model) > 0 ? CREEPING : 30);
    assert_slept(50);
    scene_clear(&scene);
  }
}
END_TEST

/* Inhibition that arrives while a neuron is refractory: what superposes takes it in, the neuron does not, or less of
 * it, and is back at threshold long before one would think. */
START_TEST(sooner_than_superposition_says)
{
  const struct hk_model *model = linear_model((size_t)_i);
  double current = scene_current(model), weight = scene_weight(model);
  if (current == 0)
    return;
  static const uint32_t neurons[] = {0, 100, 200};
  struct scene scene = {.model = model, .cells = 400, .window = window, .duration = 400};
  add_current(&scene, HK_INPUT_DC, neurons, 3)->amplitude = hk_value_constant(1.05 * current);
  struct recording alone = scene_run(&scene, HK_SCHEDULER_QUEUE);
  for (size_t i = 0; i < alone.count && alone.spikes[i].time == alone.spikes[0].time; i++)
    scene_hit(&scene, alone.spikes[i].neuron, alone.spikes[i].time + 0.5, 0.25, -1000 * weight);
  recording_free(&alone);
  ck_assert_uint_eq(scene.hit_count, 3);
  forget_naps();
  ck_assert_uint_ge(scene_agrees(&scene, "inhibition while refractory", 1e-8), 6);
  assert_slept(6);
  scene_clear(&scene);
}
END_TEST

/* Neurons that would all fire by themselves, each at its own pace, among events that come to a good part of the groups
 * in each window: most naps last a few windows, and many end because a crossing is near. */
START_TEST(short_naps)
{
  enum { DOZING = 1600 };
  static double amplitude[DOZING];
  const struct hk_model *model = linear_model((size_t)_i);
  const double weight = scene_weight(model), current = scene_current(model);
  const int events = model->state_count == 1 ? 12000 : 40000; /* those of one state sleep less readily */
  uint64_t state = 77 + (uint64_t)_i;
  struct scene scene = {.model = model, .cells = DOZING, .window = window, .duration = 100};
  for (int i = 0; i < events; i++) {
    const double strength = draw_between(&state, -0.4, current > 0 ? 0.5 : 1.2);
    scene_hit(&scene, (uint32_t)draw_between(&state, 0, DOZING), draw_between(&state, 0, 100), window,
              weight * strength);
  }
  if (current > 0) {
    for (uint32_t i = 0; i < DOZING; i++)
      amplitude[i] = current * draw_between(&state, 0.9, 1.5);
    add_current(&scene, HK_INPUT_DC, NULL, 0)->amplitude = hk_value_list(amplitude, DOZING);
  }
  forget_naps();
  ck_assert_uint_gt(scene_agrees(&scene, "short naps", 1e-9), current > 0 ? DOZING / 4 : 30);
  ck_assert_msg(windows_asleep > 500 && left_alone > swept && swept > left_alone / 12,
                "%s: %llu windows asleep, %llu groups swept in them, %llu not", model->name,
                (unsigned long long)windows_asleep, (unsigned long long)swept, (unsigned long long)left_alone);
  scene_clear(&scene);
}
END_TEST

/* A rush, then next to nothing: however few windows a leap takes, hardly anybody is looked at after a while. */
START_TEST(silence_after_a_rush)
{
  static const double times[] = {0.3, 1, 2, 20}, windows[] = {1.5, 0.1};
  const struct hk_model *model = hk_model_find("iaf_psc_exp");
  const double weight = scene_weight(model);
  uint64_t state = 3;
  struct scene scene = {.model = model, .cells = 1600, .window = windows[_i % 2], .duration = 4000};
  scene_set(&scene, "tau_syn_ex", hk_value_constant(times[_i / 2]));
  scene_set(&scene, "tau_syn_in", hk_value_constant(times[_i / 2]));
  for (int i = 0; i < 40000; i++) {
    const double time = draw_between(&state, 0, i < 39900 ? 150 : 4000);
    scene_hit(&scene, (uint32_t)draw_between(&state, 0, 1600), time, 1.5, weight * draw_between(&state, -0.3, 0.3));
  }
  forget_naps();
  struct recording r = scene_run(&scene, HK_SCHEDULER_WINDOWS);
  ck_assert_msg(windows_asleep > 1000 && swept < left_alone / 12,
                "%llu windows asleep, %llu groups swept in them, %llu not", (unsigned long long)windows_asleep,
                (unsigned long long)swept, (unsigned long long)left_alone);
  recording_free(&r);
  scene_clear(&scene);
}
END_TEST

static const double rush_from[] = {0, 60}, rush_to[] = {12, 75};

/* The crowd with synapses among it, weak and of many weights and delays, and two rushes of private input. */
static struct hk_network *busy_at_times(const struct scene *scene)
{
  double weight = scene_weight(scene->model);
  struct hk_network *network = scene_network(scene);
  struct hk_projection_spec among = {.rule = {.kind = HK_RULE_FIXED_OUTDEGREE, .number = 40, .allow_multapses = true},
                                     .weight = hk_value_uniform(0, 2e-3 * weight),
                                     .delay = hk_value_uniform(window, 3)};
  ck_assert_int_eq(hk_network_add_projection(network, &among, NULL, NULL, NULL), HK_OK);
  for (int i = 0; i < 2; i++) {
    struct hk_input_spec rush = {.kind = HK_INPUT_POISSON,
                                 .rate = hk_value_constant(1500),
                                 .weight = hk_value_constant(weight / 6),
                                 .from = rush_from[i],
                                 .to = rush_to[i]};
    ck_assert_int_eq(hk_network_add_input(network, &rush, NULL, NULL, NULL), HK_OK);
  }
  return network;
}

START_TEST(rushes_between_naps)
{
  static const int threads[] = {2, 8, 1}, pieces[] = {1, 5, 7};
  static const char *const models[] = {"iaf_psc_exp", "iaf_psc_delta"};
  uint64_t state = 5;
  struct scene scene = quiet_crowd(hk_model_find(models[_i]), 1e-4, &state);
  scene.duration = 130;
  struct hk_network *network = busy_at_times(&scene);
  struct hk_options options = {.seed = 3, .threads = 1, .scheduler = HK_SCHEDULER_QUEUE};
  struct recording queue = run_network(network, &options, scene.duration, 1);
  options.scheduler = HK_SCHEDULER_WINDOWS;
  forget_naps();
  struct recording one = run_network(network, &options, scene.duration, 1);
  assert_slept(50);
  assert_agree(&queue, &one, models[_i], 1e-9, 1e-8);
  size_t in_rush = 0;
  for (size_t i = 0; i < one.count; i++)
    in_rush += one.spikes[i].time > rush_from[1] && one.spikes[i].time < rush_to[1];
  ck_assert_uint_gt(in_rush, CELLS / 4);
  for (size_t i = 0; i < 3; i++) {
    options.threads = threads[i];
    struct recording more = run_network(network, &options, scene.duration, pieces[i]);
    assert_same(&one, &more);
    recording_free(&more);
  }
  recording_free(&queue);
  recording_free(&one);
  hk_network_destroy(network);
  scene_clear(&scene);
}
END_TEST

/* A membrane that decays for a million windows, then jumps to just above its threshold or just below: by hand. */
START_TEST(a_million_windows)
{
  static const double beyond[] = {1e-9, -1e-9}, tau = 1000, at = 1100;
  struct scene scene = {.model = hk_model_find("iaf_psc_delta"), .cells = 16, .window = 1e-3, .duration = 1101};
  scene_set(&scene, "tau_m", hk_value_constant(tau));
  double start[16];
  for (uint32_t i = 0; i < 16; i++) {
    double above_rest = 14.9 - i; /* mV; the threshold is 15 above rest */
    start[i] = -70 + above_rest;
    scene_hit(&scene, i, at, 0.5, 15 - above_rest * exp(-(at + 0.5) / tau) + beyond[i % 2]);
  }
  scene.init[0] = (struct hk_setting){"V_m", hk_value_list(start, 16)};
  scene.init_count = 1;
  forget_naps();
  struct recording r = scene_run(&scene, HK_SCHEDULER_WINDOWS);
  ck_assert_uint_gt(longest_nap, 1u << 20);
  ck_assert_uint_eq(r.count, 8);
  for (size_t i = 0; i < r.count; i++) {
    ck_assert_uint_eq(r.spikes[i].neuron, 2 * i);
    ck_assert(r.spikes[i].time == at + 0.5);
  }
  recording_free(&r);
  scene_clear(&scene);
}
END_TEST

int main(void)
{
  hk__windows_share_little = true;
  Suite *suite = suite_create("sleep");
  TCase *tcase = tcase_create("sleep");
  tcase_set_timeout(tcase, 240);
  const int models = (int)linear_model_count();
  tcase_add_loop_test(tcase, creeping_and_woken, 0, models);
  tcase_add_loop_test(tcase, sooner_than_superposition_says, 0, models);
  tcase_add_loop_test(tcase, short_naps, 0, models);
  tcase_add_loop_test(tcase, silence_after_a_rush, 0, 8);
  tcase_add_loop_test(tcase, rushes_between_naps, 0, 2);
  tcase_add_test(tcase, a_million_windows);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
