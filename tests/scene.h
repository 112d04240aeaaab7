/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scenes: neurons of one linear model, each with events of its own at chosen times, and none of which hears another.
 * As they are independent, each neuron is a case of its own. */
#ifndef SCENE_H
#define SCENE_H

#include <hillock/simulation.h>

#include "random_network.h"

/* A spike at `time` of a source of its own, which arrives `delay` later. */
struct scene_hit {
  uint32_t cell;
  double time, delay, weight;
};

enum { SCENE_SETTINGS = 24, SCENE_INPUTS = 4 };

struct scene {
  const struct hk_model *model;
  uint32_t cells;
  struct hk_setting params[SCENE_SETTINGS], init[1];
  size_t param_count, init_count;
  struct scene_hit *hit; /* owned */
  size_t hit_count, hit_capacity;
  struct hk_input_spec inputs[SCENE_INPUTS]; /* their target is set by scene_network */
  size_t input_count;
  uint32_t traced[2];
  double trace_interval; /* 0: no trace; else the first state of the two neurons */
  double window;         /* ms: a synapse between neurons has this delay; 0: there is none */
  double duration;       /* ms */
};

void scene_hit(struct scene *scene, uint32_t cell, double time, double delay, double weight);
void scene_clear(struct scene *scene);

/* Sets a parameter if the model has it. */
void scene_set(struct scene *scene, const char *name, struct hk_value value);
void scene_set_refractory(struct scene *scene, double time);

struct hk_network *scene_network(const struct scene *scene);

/* Runs to the end by a scheduler, on one thread and in one piece. */
struct recording scene_run(const struct scene *scene, enum hk_scheduler scheduler);

/* Fails unless windows give what the queue gives: the same spikes up to the tolerance (ms), the same samples up to 1e-8
 * of their unit. Returns the number of spikes. */
size_t scene_agrees(const struct scene *scene, const char *what, double tolerance);

/* The weight of a single excitatory event that takes a neuron with the model's presets from rest to its threshold. */
double scene_weight(const struct hk_model *model);

/* The constant current that takes such a neuron to its threshold in the end; 0 if its model takes none. */
double scene_current(const struct hk_model *model);

/* The linear models of the registry, by number; NULL past the last. */
const struct hk_model *linear_model(size_t number);
size_t linear_model_count(void);

#endif
