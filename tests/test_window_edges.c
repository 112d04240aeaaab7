/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows end to end: events at their edges, delays from one window to many, and thresholds that differ from neuron to
 * neuron. Every scene goes through the queue as well, which looks at each event by itself; some are followed by hand.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draws.h"
#include "scene.h"
#include "suite.h"

/* --- edges of windows --- */

/* Arrivals at the quarters of windows, or within rounding or a picosecond of them, the run's end included; strong
 * enough for several spikes in a window. Arrivals at one moment are frequent. */
static void add_lattice(struct scene *scene, double window, uint64_t *state)
{
  static const double nudge[] = {0, 0, 0, 0, 1e-12, -1e-12, 0x1p-52, -0x1p-52};
  double weight = scene_weight(scene->model);
  for (uint32_t i = 0; i < scene->cells; i++) {
    scene_hit(scene, i, 0, i % 2 ? window : 0x1p-40, i % 3 ? weight : 2 * weight); /* at, or within rounding of it */
    for (int k = 0; k < 40; k++) {
      double arrival = 0.25 * window * floor(draw_between(state, 5, 65)) + nudge[(int)draw_between(state, 0, 8)];
      double sign = draw_between(state, 0, 1) < 0.2 ? -1 : 1;
      double delay = draw_between(state, 0, 1) < 0.5 ? 0.25 * window : window;
      scene_hit(scene, i, arrival - delay, delay, sign * weight * draw_between(state, 0.3, 4));
    }
    scene_hit(scene, i, scene->duration - window, window, 5 * weight);
  }
}

static const double refractory_windows[] = {0, 0.0625, 0.5, 1, 2, 2.75};
static const double refractory_beyond[] = {0, 1e-12, -1e-12};

START_TEST(at_edges_of_windows)
{
  static const double window[] = {0.25, 0.1}; /* binary, and not */
  const struct hk_model *model = linear_model((size_t)_i);
  bool may_be_zero = strcmp(model->name, "glif_psc") != 0;
  uint64_t state = (uint64_t)_i;
  for (size_t w = 0; w < 2; w++)
    for (size_t r = may_be_zero ? 0 : 1; r < sizeof refractory_windows / sizeof *refractory_windows; r++)
      for (size_t b = 0; b < (r == 0 ? 1 : 3); b++) {
        struct scene scene = {.model = model, .cells = 24, .duration = 17 * window[w], .window = window[w]};
        scene_set_refractory(&scene, refractory_windows[r] * window[w] + refractory_beyond[b]);
        add_lattice(&scene, window[w], &state);
        char what[128];
        snprintf(what, sizeof what, "windows of %g ms, refractory for %g%+g", window[w], refractory_windows[r],
                 refractory_beyond[b]);
        ck_assert_uint_gt(scene_agrees(&scene, what, 1e-9), 24);
        scene_clear(&scene);
      }
}
END_TEST

/* Currents that switch where windows end, to rounding: the first cut leaves next to nothing of a window. */
START_TEST(switches_at_edges)
{
  static const double ends[][3] = {{0.7, 2.1, 6.3}, {0.1, 0.3, 0.7}, {0.25, 1, 2}}; /* a window; from .. to */
  const struct hk_model *model = linear_model((size_t)_i);
  const double threshold = scene_current(model);
  for (size_t e = 0; e < sizeof ends / sizeof *ends && threshold > 0; e++)
    for (int nudge = -1; nudge <= 1; nudge++) {
      struct scene scene = {.model = model, .cells = 24, .duration = 20, .window = ends[e][0]};
      scene.inputs[scene.input_count++] = (struct hk_input_spec){.kind = HK_INPUT_DC,
                                                                 .amplitude = hk_value_constant(12 * threshold),
                                                                 .from = ends[e][1] * (1 + nudge * 0x1p-52),
                                                                 .to = ends[e][2]};
      for (uint32_t i = 0; i < scene.cells; i++)
        scene_hit(&scene, i, 0.1 * i, ends[e][0], 1.5 * scene_weight(model));
      ck_assert_uint_ge(scene_agrees(&scene, "switches at edges", 1e-9), scene.cells);
      scene_clear(&scene);
    }
}
END_TEST

/* --- crowds --- */

/* Hundreds of events to a neuron within windows, in no order and often at one moment, of a model that is integrated. */
START_TEST(crowds_of_events)
{
  enum { EVENTS = 700 };
  static const double delays[] = {1, 1.5, 2.25, 3.1};
  struct scene scene = {.model = hk_model_find("iaf_cond_exp"), .cells = 9, .duration = 12, .window = 1};
  uint64_t state = 5;
  for (uint32_t i = 0; i < scene.cells; i++)
    for (int k = 0; k < EVENTS; k++) {
      double time = i % 2 ? draw_between(&state, 0, 6) : 0.125 * floor(draw_between(&state, 0, 48));
      double sign = draw_between(&state, 0, 1) < 0.2 ? -1 : 1;
      scene_hit(&scene, i, time, delays[(int)draw_between(&state, 0, 4)], sign * draw_between(&state, 2, 8 + 2 * i));
    }
  ck_assert_uint_gt(scene_agrees(&scene, "crowds", 1e-9), scene.cells);
  scene_clear(&scene);
}
END_TEST

static int by_arrival(const void *a, const void *b)
{
  const struct scene_hit *x = a, *y = b;
  if (x->cell != y->cell)
    return x->cell < y->cell ? -1 : 1;
  double s = x->time + x->delay, t = y->time + y->delay;
  return (s > t) - (s < t);
}

/* What jumps at events and decays between them can be followed by hand. */
static size_t follow_jumps(const struct scene *scene, double tau, double threshold, double refractory,
                           struct hk_spike *out)
{
  struct scene_hit *hit = malloc(scene->hit_count * sizeof *hit);
  ck_assert_ptr_nonnull(hit);
  memcpy(hit, scene->hit, scene->hit_count * sizeof *hit);
  qsort(hit, scene->hit_count, sizeof *hit, by_arrival);
  size_t spikes = 0;
  for (size_t i = 0; i < scene->hit_count;) {
    uint32_t cell = hit[i].cell;
    double level = 0, last = 0, release = 0;
    while (i < scene->hit_count && hit[i].cell == cell) {
      double t = hit[i].time + hit[i].delay;
      if (t >= release)
        level *= exp((fmax(last, release) - t) / tau);
      for (; i < scene->hit_count && hit[i].cell == cell && hit[i].time + hit[i].delay == t; i++)
        level += t >= release ? hit[i].weight : 0;
      last = t;
      if (t >= release && level >= threshold && t <= scene->duration) {
        out[spikes++] = (struct hk_spike){t, 0, cell};
        level = 0;
        release = t + refractory;
      }
    }
  }
  free(hit);
  return spikes;
}

static int by_time(const void *a, const void *b)
{
  const struct hk_spike *x = a, *y = b;
  if (x->time != y->time)
    return x->time < y->time ? -1 : 1;
  return (x->neuron > y->neuron) - (x->neuron < y->neuron);
}

START_TEST(jumps_followed_by_hand)
{
  static const double window = 0.25;
  uint64_t state = 11;
  for (size_t r = 0; r < sizeof refractory_windows / sizeof *refractory_windows; r++)
    for (size_t b = 0; b < (r == 0 ? 1 : 3); b++) {
      struct scene scene = {
          .model = hk_model_find("iaf_psc_delta"), .cells = 200, .duration = 17 * window, .window = window};
      double refractory = refractory_windows[r] * window + refractory_beyond[b];
      scene_set_refractory(&scene, refractory);
      add_lattice(&scene, window, &state);
      struct recording windows = scene_run(&scene, HK_SCHEDULER_WINDOWS);
      struct recording hand = {.spikes = malloc(scene.hit_count * sizeof *hand.spikes)};
      ck_assert_ptr_nonnull(hand.spikes);
      hand.count = follow_jumps(&scene, 10, 15, refractory, hand.spikes);
      qsort(hand.spikes, hand.count, sizeof *hand.spikes, by_time);
      ck_assert_uint_gt(hand.count, scene.cells);
      double until = agree_until(&hand, &windows, 0);
      ck_assert_msg(until == INFINITY, "refractory for %.17g ms: part at %.17g ms", refractory, until);
      recording_free(&hand);
      recording_free(&windows);
      scene_clear(&scene);
    }
}
END_TEST

/* --- delays and thresholds --- */

/* One neuron's synapses with delays from a window to seconds, some to one target; each event makes its target spike. */
START_TEST(delays_from_a_window_to_seconds)
{
  static const double window = 0.05, start = 1.25;
  static const double delay[] = {0.05, 0.0500001, 0.0999, 0.1, 0.75, 3, 3.0000001, 50, 700.7, 1000, 2500, 2500.03};
  enum { TARGETS = sizeof delay / sizeof *delay, MODELS = 2 };
  static const char *const models[MODELS] = {"iaf_psc_delta", "iaf_psc_exp"};
  uint32_t from[2 * TARGETS] = {0}, to[2 * TARGETS];
  double delays[2 * TARGETS], expected[2 * TARGETS + 1] = {start};
  for (uint32_t i = 0; i < 2 * TARGETS; i++) {
    to[i] = 1 + i / 2;
    delays[i] = delay[i % 2 == 0 ? i / 2 : (i / 2 + TARGETS / 2) % TARGETS];
    expected[i + 1] = start + delays[i];
  }
  for (size_t m = 0; m < MODELS; m++) {
    struct scene scene = {.model = hk_model_find(models[m]), .cells = 1 + TARGETS, .window = window, .duration = 2600};
    double weight = scene_weight(scene.model);
    scene_set_refractory(&scene, 0.01);
    scene_hit(&scene, 0, 1, start - 1, 2 * weight);
    struct hk_network *network = scene_network(&scene);
    struct hk_projection_spec projection = {.rule = {.kind = HK_RULE_PAIRS,
                                                     .sources = from,
                                                     .targets = to,
                                                     .pair_count = 2 * TARGETS,
                                                     .allow_multapses = true},
                                            .weight = hk_value_constant(m == 0 ? 1.5 * weight : 3 * weight),
                                            .delay = hk_value_list(delays, 2 * TARGETS)};
    ck_assert_int_eq(hk_network_add_projection(network, &projection, NULL, NULL, NULL), HK_OK);
    struct hk_options options = {.seed = 1, .threads = 1, .scheduler = HK_SCHEDULER_QUEUE};
    struct recording queue = run_network(network, &options, scene.duration, 1);
    options.scheduler = HK_SCHEDULER_WINDOWS;
    struct recording windows = run_network(network, &options, scene.duration, 1);
    assert_agree(&queue, &windows, models[m], 1e-9, 1e-9);
    size_t found = 0;
    for (int i = 0; m == 0 && i <= 2 * TARGETS; i++)
      for (size_t k = 0; k < windows.count; k++)
        found += windows.spikes[k].neuron == (i == 0 ? 0 : to[i - 1]) && windows.spikes[k].time == expected[i];
    if (m == 0)
      ck_assert_uint_eq(found, windows.count);
    ck_assert_uint_ge(windows.count, 2 * TARGETS + 1);
    recording_free(&queue);
    recording_free(&windows);
    hk_network_destroy(network);
    scene_clear(&scene);
  }
}
END_TEST

/* Neurons that differ only in whether a state counts towards the threshold. */
START_TEST(thresholds_of_their_own)
{
  enum { CELLS = 64 };
  uint64_t state = 3;
  for (int first = 0; first < 2; first++)
    for (int sign = -1; sign <= 1; sign += 2) {
      struct scene scene = {.model = hk_model_find("glif_psc"), .cells = CELLS, .duration = 20};
      double weight = scene_weight(scene.model), switches[CELLS];
      for (uint32_t i = 0; i < CELLS; i++) {
        switches[i] = (i + first) % 2;
        scene_hit(&scene, i, draw_between(&state, 0.1, 3), 0.25, weight * draw_between(&state, 0.5, 2));
      }
      scene_set(&scene, "spike_dependent_threshold", hk_value_list(switches, CELLS));
      scene.init[0] = (struct hk_setting){"threshold_spike", hk_value_constant(sign * 8)};
      scene.init_count = 1;
      ck_assert_uint_gt(scene_agrees(&scene, "thresholds that differ", 1e-9), CELLS / 4);
      scene_clear(&scene);
    }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("window_edges");
  TCase *tcase = tcase_create("window_edges");
  tcase_set_timeout(tcase, 240);
  tcase_add_loop_test(tcase, switches_at_edges, 0, (int)linear_model_count());
  tcase_add_test(tcase, crowds_of_events);
  tcase_add_loop_test(tcase, at_edges_of_windows, 0, (int)linear_model_count());
  tcase_add_test(tcase, jumps_followed_by_hand);
  tcase_add_test(tcase, delays_from_a_window_to_seconds);
  tcase_add_test(tcase, thresholds_of_their_own);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
