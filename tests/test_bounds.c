/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the windowed scheduler must not miss: crossings that its bound, or its leave to sleep, could overlook. Every
 * scene goes through the queue as well, which looks at each event by itself; some have closed forms. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draws.h"
#include "scene.h"
#include "suite.h"

enum { CELLS = 64, FAN = 7 };

/* --- parameters --- */

enum variant { PRESETS, SLOW_MEMBRANE, EQUAL_TIMES, EACH_ITS_OWN, VARIANTS };
static const char *const variant_name[] = {"presets", "slow membrane", "equal time constants", "each its own"};

static void set_times(struct scene *scene, struct hk_value membrane, struct hk_value conductance,
                      struct hk_value synapse)
{
  scene_set(scene, "tau_m", membrane);
  scene_set(scene, "tau", membrane);
  scene_set(scene, "g", conductance);
  scene_set(scene, "tau_syn_ex", synapse);
  scene_set(scene, "tau_syn_in", synapse);
  scene_set(scene, "tau_syn_1", synapse);
}

/* The same three values in turn. */
static struct hk_value in_turn(double *list, double a, double b, double c)
{
  for (int i = 0; i < FAN * CELLS; i++)
    list[i] = i % CELLS % 3 == 0 ? a : i % CELLS % 3 == 1 ? b : c;
  return hk_value_list(list, CELLS);
}

static void set_variant(struct scene *scene, enum variant variant)
{
  static const double capacitance = 58.72; /* of glif_psc, pF */
  static double membrane[FAN * CELLS], conductance[FAN * CELLS], synapse[FAN * CELLS];
  switch (variant) {
  case SLOW_MEMBRANE:
    set_times(scene, hk_value_constant(1000), hk_value_constant(capacitance / 1000), hk_value_constant(1));
    return;
  case EQUAL_TIMES:
    set_times(scene, hk_value_constant(10), hk_value_constant(capacitance / 10), hk_value_constant(10));
    break;
  case EACH_ITS_OWN:
    set_times(scene, in_turn(membrane, 12, 7, 25), in_turn(conductance, 4, 8, 2), in_turn(synapse, 1.5, 7, 0.5));
    break;
  default:
    return;
  }
  scene_set(scene, "spike_dependent_threshold", hk_value_constant(1));
  scene_set(scene, "after_spike_currents", hk_value_constant(1));
  scene_set(scene, "adapting_threshold", hk_value_constant(1));
}

/* Deriving a system of many states takes long: those take half of the variants. */
static bool takes(const struct hk_model *model, int variant)
{
  return model->state_count <= 8 || variant >= EQUAL_TIMES;
}

/* --- a hair above threshold and a hair below --- */

/* For each cell the factor to all its weights at which it begins to spike. */
struct edge {
  double low[CELLS], high[CELLS];
  double *weight; /* of each hit, with factor 1 */
};

static void scale(struct scene *scene, const struct edge *edge, const double *factor)
{
  for (size_t i = 0; i < scene->hit_count; i++)
    scene->hit[i].weight = edge->weight[i] * factor[scene->hit[i].cell];
}

/* Of FAN copies of each cell, one after the other, each with factors of its own. */
static void who_fires(const struct scene *scene, const struct edge *edge, double factor[FAN][CELLS],
                      bool fires[FAN][CELLS])
{
  struct scene wide = *scene;
  wide.cells = FAN * CELLS;
  for (size_t i = 0; i < wide.param_count; i++)
    if (wide.params[i].value.kind == HK_VALUE_LIST)
      wide.params[i].value.count = wide.cells;
  wide.hit = NULL;
  wide.hit_count = wide.hit_capacity = 0;
  for (uint32_t f = 0; f < FAN; f++)
    for (size_t i = 0; i < scene->hit_count; i++) {
      const struct scene_hit *hit = &scene->hit[i];
      scene_hit(&wide, f * CELLS + hit->cell, hit->time, hit->delay, edge->weight[i] * factor[f][hit->cell]);
    }
  struct recording r = scene_run(&wide, HK_SCHEDULER_QUEUE);
  memset(fires, 0, FAN * CELLS * sizeof(bool));
  for (size_t i = 0; i < r.count; i++)
    fires[r.spikes[i].neuron / CELLS][r.spikes[i].neuron % CELLS] = true;
  recording_free(&r);
  scene_clear(&wide);
}

/* Between factors 1e-3 and `most`. */
static void find_edges(const struct scene *scene, struct edge *edge, double most)
{
  for (int i = 0; i < CELLS; i++) {
    edge->low[i] = 1e-3;
    edge->high[i] = most;
  }
  for (int turn = 0; turn < 16; turn++) {
    double factor[FAN][CELLS];
    bool fires[FAN][CELLS];
    for (int f = 0; f < FAN; f++)
      for (int i = 0; i < CELLS; i++)
        factor[f][i] = edge->low[i] * pow(edge->high[i] / edge->low[i], (f + 1.0) / (FAN + 1));
    who_fires(scene, edge, factor, fires);
    for (int i = 0; i < CELLS; i++) {
      int f = 0;
      while (f < FAN && !fires[f][i])
        f++;
      edge->high[i] = f < FAN ? factor[f][i] : edge->high[i];
      edge->low[i] = f > 0 ? factor[f - 1][i] : edge->low[i];
    }
  }
}

/* Both schedulers on both sides of the edge. A grazing spike's time is the square root of what separates it from
 * none, so its tolerance grows as the two near each other; whether it happens is never in doubt. */
static void check_edges(struct scene *scene, const char *what, double most, double nearest)
{
  static const struct {
    double beyond, tolerance;
  } side[] = {{-1e-4, 1e-9}, {-1e-6, 1e-9}, {-1e-12, 1e-3}, {1e-12, 1e-3}, {1e-6, 1e-9}, {1e-4, 1e-9}};
  static const double window[] = {0, 0.1, 0.01};
  struct edge edge;
  edge.weight = malloc(scene->hit_count * sizeof *edge.weight);
  ck_assert_ptr_nonnull(edge.weight);
  for (size_t i = 0; i < scene->hit_count; i++)
    edge.weight[i] = scene->hit[i].weight;
  find_edges(scene, &edge, most);
  size_t below = 0, above = 0;
  for (size_t s = 0; s < sizeof side / sizeof *side; s++) {
    if (fabs(side[s].beyond) < nearest)
      continue;
    double factor[CELLS];
    for (int i = 0; i < CELLS; i++)
      factor[i] = edge.high[i] * (1 + side[s].beyond);
    scale(scene, &edge, factor);
    for (size_t w = 0; w < sizeof window / sizeof *window; w++) {
      scene->window = window[w];
      size_t spikes = scene_agrees(scene, what, side[s].tolerance);
      if (fabs(side[s].beyond) <= 1.01 * nearest)
        *(side[s].beyond < 0 ? &below : &above) = spikes;
    }
  }
  /* the edges were edges: most are silent on one side and spike on the other */
  ck_assert_msg(below < CELLS / 4, "%s, %s: %zu spikes below the edge", scene->model->name, what, below);
  ck_assert_msg(above > CELLS * 3 / 4, "%s, %s: %zu spikes above the edge", scene->model->name, what, above);
  free(edge.weight);
}

/* Some events of either sign, close together. */
static void add_bursts(struct scene *scene, uint64_t *state)
{
  double weight = scene_weight(scene->model);
  for (uint32_t i = 0; i < CELLS; i++) {
    int count = 1 + (int)draw_between(state, 0, 5);
    for (int k = 0; k < count; k++) {
      bool inhibitory = k > 0 && draw_between(state, 0, 1) < 0.3;
      double w = weight * (inhibitory ? -draw_between(state, 0.1, 0.8) : draw_between(state, 0.2, 1));
      scene_hit(scene, i, draw_between(state, 0.3, 3), draw_between(state, 1e-3, 0.7), w);
    }
  }
}

START_TEST(a_hair_from_threshold)
{
  const struct hk_model *model = linear_model((size_t)_i);
  uint64_t state = (uint64_t)_i;
  for (int variant = 0; variant < VARIANTS; variant++) {
    if (!takes(model, variant))
      continue;
    struct scene scene = {.model = model, .cells = CELLS, .duration = 30};
    set_variant(&scene, (enum variant)variant);
    scene_set_refractory(&scene, 100);
    add_bursts(&scene, &state);
    check_edges(&scene, variant_name[variant], 40, 1e-12);
    scene_clear(&scene);
  }
}
END_TEST

/* One event each, so that the maximum falls at every phase of a window, the middle and the ends included. */
START_TEST(grazing_maxima)
{
  const struct hk_model *model = linear_model((size_t)_i);
  for (int variant = 0; variant < VARIANTS; variant++) {
    if (!takes(model, variant))
      continue;
    struct scene scene = {.model = model, .cells = CELLS, .duration = 40};
    set_variant(&scene, (enum variant)variant);
    scene_set_refractory(&scene, 100);
    double weight = scene_weight(model);
    for (uint32_t i = 0; i < CELLS; i++)
      scene_hit(&scene, i, 1 + 0.1 * i / CELLS, 0.25, weight);
    check_edges(&scene, variant_name[variant], 40, 1e-12);
    scene_clear(&scene);
  }
}
END_TEST

/* The same by hand, for exponential currents. */
START_TEST(grazing_by_hand)
{
  static const double tau_m = 1000, tau_s = 1, capacitance = 250, gap = 15, window[] = {0, 0.1, 0.02};
  double rise = tau_m * tau_s / (tau_m - tau_s), top = rise * log(tau_m / tau_s);
  double weight = gap * capacitance / (rise * (exp(-top / tau_m) - exp(-top / tau_s)));
  for (int above = 0; above < 2; above++)
    for (size_t w = 0; w < sizeof window / sizeof *window; w++) {
      struct scene scene = {.model = hk_model_find("iaf_psc_exp"), .cells = CELLS, .window = window[w], .duration = 12};
      set_variant(&scene, SLOW_MEMBRANE);
      scene_set_refractory(&scene, 100);
      for (uint32_t i = 0; i < CELLS; i++)
        scene_hit(&scene, i, 1 + 0.1 * i / CELLS, 0.25, weight * (1 + (above ? 1e-11 : -1e-11)));
      struct recording r = scene_run(&scene, HK_SCHEDULER_WINDOWS);
      ck_assert_uint_eq(r.count, above ? CELLS : 0);
      for (size_t i = 0; i < r.count; i++)
        ck_assert(fabs(r.spikes[i].time - (scene.hit[r.spikes[i].neuron].time + 0.25 + top)) < 1e-3);
      recording_free(&r);
      scene_clear(&scene);
    }
}
END_TEST

/* --- inhibition on the heels of excitation --- */

/* Excitation that would cross at some time alone; then much inhibition shortly before that time, or after it, when the
 * window's end is far below threshold. After it, the spike stands as it was. */
START_TEST(inhibition_around_a_crossing)
{
  static const double apart[] = {-0.01, -1e-3, -1e-6, 1e-6, 1e-3, 0.01}, window[] = {0, 0.1};
  const struct hk_model *model = linear_model((size_t)_i);
  double weight = scene_weight(model);
  for (int variant = 0; variant < VARIANTS; variant++)
    for (size_t a = 0; takes(model, variant) && a < sizeof apart / sizeof *apart; a++) {
      uint64_t state = (uint64_t)_i;
      struct scene scene = {.model = model, .cells = CELLS, .duration = 10};
      set_variant(&scene, (enum variant)variant);
      scene_set_refractory(&scene, 100);
      for (uint32_t i = 0; i < CELLS; i++)
        scene_hit(&scene, i, draw_between(&state, 1, 2), 0.25, weight * draw_between(&state, 3, 12));
      struct recording alone = scene_run(&scene, HK_SCHEDULER_QUEUE);
      ck_assert_uint_eq(alone.count, CELLS);
      for (size_t k = 0; k < alone.count; k++)
        scene_hit(&scene, alone.spikes[k].neuron, alone.spikes[k].time + apart[a] - 0.25, 0.25, -1000 * weight);
      for (size_t w = 0; w < 2; w++) {
        scene.window = window[w];
        size_t spikes = scene_agrees(&scene, variant_name[variant], 1e-9);
        ck_assert(apart[a] < 0 || spikes == CELLS);
        struct recording both = scene_run(&scene, HK_SCHEDULER_WINDOWS);
        ck_assert(apart[a] < 0 || agree_until(&alone, &both, 1e-9) == INFINITY);
        recording_free(&both);
      }
      recording_free(&alone);
      scene_clear(&scene);
    }
}
END_TEST

/* The same where it hangs on a hair whether the excitation alone had time enough. */
START_TEST(inhibition_just_in_time)
{
  static const struct {
    double apart, most, nearest;
  } pair[] = {{0.01, 1e8, 1e-12}, {1e-3, 1e10, 1e-12}, {1e-6, 1e10, 1e-6}};
  const struct hk_model *model = linear_model((size_t)_i);
  double weight = scene_weight(model);
  bool first_order = model->state_count <= 3; /* what an event adds is felt at once, or soon */
  for (int variant = 0; variant < VARIANTS; variant++)
    for (size_t p = 0; takes(model, variant) && p < (first_order ? 3 : 2); p++) {
      struct scene scene = {.model = model, .cells = CELLS, .duration = 8};
      set_variant(&scene, (enum variant)variant);
      scene_set_refractory(&scene, 100);
      for (uint32_t i = 0; i < CELLS; i++) {
        scene_hit(&scene, i, 1 + 0.5 * i / CELLS, 0.25, weight);
        scene_hit(&scene, i, 1 + 0.5 * i / CELLS + pair[p].apart, 0.25, -3 * weight);
      }
      check_edges(&scene, variant_name[variant], pair[p].most, pair[p].nearest);
      scene_clear(&scene);
    }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("bounds");
  TCase *tcase = tcase_create("bounds");
  tcase_set_timeout(tcase, 240);
  const int models = (int)linear_model_count();
  tcase_add_loop_test(tcase, a_hair_from_threshold, 0, models);
  tcase_add_loop_test(tcase, grazing_maxima, 0, models);
  tcase_add_loop_test(tcase, inhibition_around_a_crossing, 0, models);
  tcase_add_loop_test(tcase, inhibition_just_in_time, 0, models);
  tcase_add_test(tcase, grazing_by_hand);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
