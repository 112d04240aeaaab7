/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scene.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/linear.h"

void scene_hit(struct scene *scene, uint32_t cell, double time, double delay, double weight)
{
  if (scene->hit_count == scene->hit_capacity) {
    scene->hit_capacity = 2 * scene->hit_capacity + 64;
    scene->hit = realloc(scene->hit, scene->hit_capacity * sizeof *scene->hit);
    ck_assert_ptr_nonnull(scene->hit);
  }
  scene->hit[scene->hit_count++] = (struct scene_hit){cell, time, delay, weight};
}

void scene_clear(struct scene *scene)
{
  free(scene->hit);
  scene->hit = NULL;
  scene->hit_count = scene->hit_capacity = 0;
}

void scene_set(struct scene *scene, const char *name, struct hk_value value)
{
  if (hk_model_param(scene->model, name) < 0)
    return;
  ck_assert_uint_lt(scene->param_count, SCENE_SETTINGS);
  scene->params[scene->param_count++] = (struct hk_setting){name, value};
}

void scene_set_refractory(struct scene *scene, double time)
{
  scene_set(scene, "t_ref", hk_value_constant(time));
  scene_set(scene, "refrac", hk_value_constant(time));
}

static void add_hits(struct hk_network *network, const struct scene *scene)
{
  size_t count = scene->hit_count, sources;
  double *times = malloc(count * sizeof *times), *weights = malloc(count * sizeof *weights);
  double *delays = malloc(count * sizeof *delays);
  uint64_t *offsets = malloc((count + 1) * sizeof *offsets);
  uint32_t *from = malloc(count * sizeof *from), *to = malloc(count * sizeof *to);
  ck_assert(times && weights && delays && offsets && from && to);
  for (size_t i = 0; i < count; i++) {
    const struct scene_hit *hit = &scene->hit[i];
    times[i] = hit->time;
    weights[i] = hit->weight;
    delays[i] = hit->delay;
    offsets[i] = i;
    from[i] = (uint32_t)i;
    to[i] = hit->cell;
  }
  offsets[count] = count;
  struct hk_population_spec source = {
      .name = "sources", .model = "spike_source", .size = count, .trains = {times, offsets}};
  ck_assert_int_eq(hk_network_add_population(network, &source, &sources, NULL, NULL), HK_OK);
  struct hk_projection_spec projection = {
      .source = sources,
      .target = 0,
      .rule = {.kind = HK_RULE_PAIRS, .sources = from, .targets = to, .pair_count = count},
      .weight = hk_value_list(weights, count),
      .delay = hk_value_list(delays, count)};
  ck_assert_int_eq(hk_network_add_projection(network, &projection, NULL, NULL, NULL), HK_OK);
  free(times);
  free(weights);
  free(delays);
  free(offsets);
  free(from);
  free(to);
}

struct hk_network *scene_network(const struct scene *scene)
{
  struct hk_network *network;
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  struct hk_population_spec cells = {.name = "cells",
                                     .model = scene->model->name,
                                     .size = scene->cells,
                                     .params = scene->params,
                                     .param_count = scene->param_count,
                                     .init = scene->init,
                                     .init_count = scene->init_count};
  ck_assert_int_eq(hk_network_add_population(network, &cells, NULL, NULL, NULL), HK_OK);
  if (scene->hit_count > 0)
    add_hits(network, scene);
  if (scene->window > 0) {
    static const uint32_t first = 0;
    struct hk_projection_spec metronome = {
        .rule = {.kind = HK_RULE_PAIRS, .sources = &first, .targets = &first, .pair_count = 1, .allow_autapses = true},
        .weight = hk_value_constant(0),
        .delay = hk_value_constant(scene->window)};
    ck_assert_int_eq(hk_network_add_projection(network, &metronome, NULL, NULL, NULL), HK_OK);
  }
  for (size_t i = 0; i < scene->input_count; i++)
    ck_assert_int_eq(hk_network_add_input(network, &scene->inputs[i], NULL, NULL, NULL), HK_OK);
  if (scene->trace_interval > 0) {
    const char *variable = scene->model->states[0].name;
    struct hk_trace_spec trace = {"trace", 0, scene->traced, 2, &variable, 1, scene->trace_interval};
    ck_assert_int_eq(hk_network_add_trace(network, &trace, NULL, NULL, NULL), HK_OK);
  }
  return network;
}

struct recording scene_run(const struct scene *scene, enum hk_scheduler scheduler)
{
  struct hk_network *network = scene_network(scene);
  struct hk_options options = {.seed = 1, .threads = 1, .scheduler = scheduler};
  struct recording recording = run_network(network, &options, scene->duration, 1);
  hk_network_destroy(network);
  return recording;
}

size_t scene_agrees(const struct scene *scene, const char *what, double tolerance)
{
  struct recording queue = scene_run(scene, HK_SCHEDULER_QUEUE), windows = scene_run(scene, HK_SCHEDULER_WINDOWS);
  char name[256];
  ck_assert_int_lt(snprintf(name, sizeof name, "%s, %s", scene->model->name, what), sizeof name);
  assert_agree(&queue, &windows, name, tolerance, 1e-8);
  size_t count = queue.count;
  recording_free(&queue);
  recording_free(&windows);
  return count;
}

static struct hk__kernel *kernel_of(const struct hk_model *model)
{
  double param[HK_PARAMS_MAX];
  for (size_t i = 0; i < model->param_count; i++)
    param[i] = model->params[i].preset;
  struct hk__kernel *kernel;
  ck_assert_int_eq(hk__kernel_create(model, param, NULL, &kernel), HK_OK);
  return kernel;
}

static double gap(const struct hk__kernel *kernel)
{
  return kernel->system.threshold - hk__linear_sense(kernel, kernel->rest);
}

double scene_weight(const struct hk_model *model)
{
  double P[HK_STATES_MAX * HK_STATES_MAX], Q[HK_STATES_MAX * HK_STATES_MAX], peak = 0;
  struct hk__kernel *kernel = kernel_of(model);
  for (double t = 0; t < 40; t += 0.25) {
    double after[HK_STATES_MAX] = {0};
    hk__kernel_propagator(kernel, false, t, P, Q);
    for (size_t i = 0; i < kernel->n * kernel->n; i++)
      after[i / kernel->n] += P[i] * kernel->system.jump[0][i % kernel->n];
    peak = fmax(peak, hk__linear_sense(kernel, after));
  }
  double weight = gap(kernel) / peak;
  hk__kernel_destroy(kernel);
  return weight;
}

double scene_current(const struct hk_model *model)
{
  struct hk__kernel *kernel = kernel_of(model);
  double per_current = hk__linear_sense(kernel, kernel->rest_per_current);
  double current = per_current > 0 ? gap(kernel) / per_current : 0;
  hk__kernel_destroy(kernel);
  return current;
}

const struct hk_model *linear_model(size_t number)
{
  for (size_t i = 0; i < hk_model_count(); i++)
    if (hk_model_at(i)->kind == HK_MODEL_LINEAR && number-- == 0)
      return hk_model_at(i);
  return NULL;
}

size_t linear_model_count(void)
{
  size_t count = 0;
  while (linear_model(count))
    count++;
  return count;
}
