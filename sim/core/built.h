/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A built network, as a scheduler takes it: neurons with values, synapses, inputs and traces. Constant while it runs:
 * what evolves belongs to the scheduler. */
#ifndef HK__BUILT_H
#define HK__BUILT_H

#include <stdbool.h>
#include <stdint.h>

#include <hillock/model.h>
#include <hillock/network.h>

#include "core/connectome.h"
#include "core/linear.h"
#include "core/modes.h"

struct hk__population {
  const struct hk_model *model;
  uint32_t first, size; /* engine order */
  bool record;
  double *param;    /* [size][param_count]; [1][param_count] if uniform */
  double *state;    /* [size][state_count]: initial */
  bool uniform;     /* all neurons have the same parameters */
  uint32_t *kernel; /* linear models: index into kernels per neuron; NULL if uniform: kernel_all */
  uint32_t kernel_all;
  struct hk__modes *modes; /* trees: owns the model */
  double *times;           /* trains */
  uint64_t *offsets;       /* trains: size + 1 */
};

struct hk__input {
  enum hk_input_kind kind;
  uint32_t population;
  uint32_t *neurons; /* in the population; NULL: all */
  uint32_t count;
  double from, to;
  double *rate, *weight;      /* poisson: per target neuron; 1/ms */
  uint16_t *port;             /* poisson: per target neuron */
  double *amplitude, *offset; /* dc, sine: per target neuron; pA */
  double omega, phase;        /* sine: 1/ms, radians at `from` */
  double *times, *amplitudes; /* steps */
  size_t step_count;
  double mean, std, dt, decay; /* noise: pA, ms; what is left of a deviation after dt */
};

struct hk__trace {
  uint32_t population;
  uint32_t *neurons; /* in the population */
  size_t neuron_count;
  uint32_t *variables; /* indices of states */
  size_t variable_count;
  double interval;
};

struct hk__built {
  struct hk__connectome *connectome;
  size_t population_count;
  struct hk__population *populations;
  uint32_t target_count; /* neurons that are not sources: engine indices below this */
  size_t kernel_count;
  struct hk__kernel **kernels;
  size_t input_count;
  struct hk__input *inputs;
  size_t trace_count;
  struct hk__trace *traces;
  uint64_t seed;
  double tolerance;
  int threads;
};

/* The population of a neuron in engine order. */
uint32_t hk__built_population_of(const struct hk__built *built, uint32_t neuron);

static inline const double *hk__population_param(const struct hk__population *population, uint32_t i)
{
  return population->param + (population->uniform ? 0 : (size_t)i * population->model->param_count);
}

static inline uint32_t hk__population_kernel(const struct hk__population *population, uint32_t i)
{
  return population->kernel ? population->kernel[i] : population->kernel_all;
}

static inline uint32_t hk__input_neuron(const struct hk__input *input, uint32_t i)
{
  return input->neurons ? input->neurons[i] : i;
}

#endif
