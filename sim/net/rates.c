/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast the neurons of a network are likely to spike, without building it.
 *
 * Diffusion approximation: what a neuron receives is white noise of the mean and strength that the rates of its sources
 * give it; its own rate is then the inverse of a mean first passage time (Siegert 1951; Amit, Brunel 1997), with the
 * threshold and the reset shifted for synapses that are not instantaneous (Brunel, Sergi 1998; Fourcaud, Brunel 2002).
 * The rates of all populations are followed to their fixed point. Parameters and weights count with their means. */
#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_erf.h>
#include <math.h>
#include <stdlib.h>

#include "core/linear.h"
#include "net/network.h"
#include "net/value.h"

enum { PIECES = 200, STEPS = 4000 };

/* A population as the approximation sees it, in mV and ms: the potential at rest and what an event of weight 1 adds to
 * its integral over time. */
struct cell {
  bool known; /* linear, with a membrane that leaks */
  double tau, rest, threshold, reset, t_ref;
  double area[HK_PORTS_MAX], tau_syn[HK_PORTS_MAX];
  double per_current;
};

/* What a population's neurons receive: mean, square strength, and the strength's mean synaptic time constant, as yet
 * not divided. */
struct drive {
  double mean, power, delay;
};

static double integrand(double u, void *unused)
{
  (void)unused;
  return exp(u * u + gsl_sf_log_erfc(-u));
}

/* The rate, 1/ms. */
static double rate_of(const struct cell *cell, const struct drive *drive, gsl_integration_cquad_workspace *space)
{
  const double half_alpha = 1.0326265,
               steepest = 15; /* alpha = sqrt(2) |zeta(1/2)|; beyond: once in a very long time */
  double up = cell->threshold - drive->mean, down = cell->reset - drive->mean;
  if (!(drive->power > 0))
    return up < 0 ? 1 / (cell->t_ref + cell->tau * log(down / up)) : 0;
  double sigma = sqrt(drive->power / cell->tau), shift = half_alpha * sqrt(drive->delay / drive->power / cell->tau);
  double high = up / sigma + shift, low = down / sigma + shift, sum;
  if (high > steepest)
    return 0;
  gsl_function f = {.function = integrand};
  if (gsl_integration_cquad(&f, low, high, 0, 1e-6, space, &sum, NULL, NULL) != 0 || !(sum > 0))
    return 0;
  return 1 / (cell->t_ref + cell->tau * sqrt(M_PI) * sum);
}

static enum hk_status describe(const struct hk_network *network, size_t population, struct cell *cell)
{
  const struct hk_population_spec *spec = hk_network_population(network, population);
  const struct hk_model *model = hk_network_model(network, population);
  *cell = (struct cell){.known = false};
  if (model->kind != HK_MODEL_LINEAR || !model->reset)
    return HK_OK;
  double param[HK_PARAMS_MAX], x[HK_STATES_MAX] = {0}, P[HK_STATES_MAX * HK_STATES_MAX],
                               Q[HK_STATES_MAX * HK_STATES_MAX];
  for (size_t k = 0; k < model->param_count; k++)
    param[k] = model->params[k].preset;
  for (size_t s = 0; s < spec->param_count; s++)
    param[hk_model_param(model, spec->params[s].name)] = hk_value_mean(&spec->params[s].value);
  struct hk__kernel *kernel;
  enum hk_status status = hk__kernel_create(model, param, NULL, &kernel);
  if (status == HK_ERR_MEMORY)
    return status;
  if (status != HK_OK)
    return HK_OK;
  size_t n = kernel->n, v = 0;
  for (size_t j = 0; j < n; j++)
    v = fabs(kernel->system.sense[j]) > fabs(kernel->system.sense[v]) ? j : v;
  cell->tau = -1 / kernel->system.A[v][v];
  cell->known = kernel->stable && cell->tau > 0;
  hk__kernel_propagator(kernel, false, 1e4 / kernel->rate, P, Q);
  for (size_t j = 0; j < n && cell->known; j++) {
    x[j] = kernel->rest[j];
    cell->rest += kernel->system.sense[j] * kernel->rest[j];
    cell->per_current += kernel->system.sense[j] * kernel->rest_per_current[j];
    for (size_t p = 0; p < model->port_count; p++) {
      for (size_t k = 0; k < n; k++)
        cell->area[p] += kernel->system.sense[j] * Q[j * n + k] * kernel->system.jump[p][k];
      if (j != v && kernel->system.jump[p][j] != 0)
        cell->tau_syn[p] = -1 / kernel->system.A[j][j];
    }
  }
  cell->threshold = kernel->system.threshold;
  cell->t_ref = kernel->system.t_ref;
  model->reset(param, x);
  cell->reset = hk__linear_sense(kernel, x);
  hk__kernel_destroy(kernel);
  return HK_OK;
}

static void receive(struct drive *drive, const struct cell *cell, const struct hk_model *model, const char *port,
                    double weight, double rate)
{
  int index = port ? hk_model_port(model, port) : hk__model_port_for(model, weight);
  if (index < 0)
    return;
  double area = weight * cell->area[index];
  drive->mean += rate * area;
  drive->power += rate * area * area;
  drive->delay += rate * area * area * cell->tau_syn[index];
}

/* What the neurons of a population receive if those of all have these rates, 1/ms. */
static struct drive drive_of(const struct hk_network *network, size_t population, const struct cell *cell,
                             const double *rate)
{
  const struct hk_model *model = hk_network_model(network, population);
  double size = (double)hk_network_population(network, population)->size;
  struct drive drive = {.mean = cell->rest};
  for (size_t p = 0; p < hk_network_projection_count(network); p++) {
    const struct hk_projection_spec *spec = hk_network_projection(network, p);
    if (spec->target == population)
      receive(&drive, cell, model, spec->port, hk_value_mean(&spec->weight),
              hk_network_expected_synapses(network, p) / size * rate[spec->source]);
  }
  for (size_t i = 0; i < hk_network_input_count(network); i++) {
    const struct hk_input_spec *spec = hk_network_input(network, i);
    double share = spec->neurons ? (double)spec->neuron_count / size : 1;
    if (spec->target != population)
      continue;
    if (spec->kind == HK_INPUT_POISSON)
      receive(&drive, cell, model, spec->port, hk_value_mean(&spec->weight), share * hk_value_mean(&spec->rate) / 1000);
    else if (spec->kind == HK_INPUT_DC)
      drive.mean += share * cell->per_current * hk_value_mean(&spec->amplitude);
  }
  return drive;
}

/* Spikes per ms of a source. */
static double source_rate(const struct hk_network *network, size_t population, double duration)
{
  const struct hk_population_spec *spec = hk_network_population(network, population);
  const struct hk_model *model = hk_network_model(network, population);
  if (model->kind == HK_MODEL_TRAINS)
    return (double)spec->trains.offsets[spec->size] / (double)spec->size / duration;
  double rate = model->params[0].preset;
  for (size_t i = 0; i < spec->param_count; i++)
    if (hk_model_param(model, spec->params[i].name) == 0)
      rate = hk_value_mean(&spec->params[i].value);
  return rate / 1000;
}

/* Follows the rates, all a step at a time, until they stay. */
static void settle(const struct hk_network *network, const struct cell *cells, double *rate, double *next,
                   gsl_integration_cquad_workspace *space)
{
  const double pace = 0.03, enough = 1e-4;
  size_t count = hk_network_population_count(network);
  double change = INFINITY;
  for (int step = 0; step < STEPS && change > enough * pace; step++) {
    change = 0;
    for (size_t p = 0; p < count; p++) {
      next[p] = rate[p];
      if (!cells[p].known)
        continue;
      struct drive drive = drive_of(network, p, &cells[p], rate);
      next[p] += pace * (rate_of(&cells[p], &drive, space) - rate[p]);
      change = fmax(change, fabs(next[p] - rate[p]) / (rate[p] + 1e-4));
    }
    for (size_t p = 0; p < count; p++)
      rate[p] = next[p];
  }
}

enum hk_status hk_network_expected_rates(const struct hk_network *network, double duration, double otherwise,
                                         double *rates)
{
  gsl_error_handler_t *handler = gsl_set_error_handler_off();
  size_t count = hk_network_population_count(network);
  struct cell *cells = calloc(count + 1, sizeof *cells);
  double *next = calloc(count + 1, sizeof *next);
  gsl_integration_cquad_workspace *space = gsl_integration_cquad_workspace_alloc(PIECES);
  enum hk_status status = cells && next && space ? HK_OK : HK_ERR_MEMORY;
  for (size_t p = 0; p < count && status == HK_OK; p++) {
    status = describe(network, p, &cells[p]);
    rates[p] = hk__model_is_source(hk_network_model(network, p)) ? source_rate(network, p, duration)
               : cells[p].known                                  ? 0
                                                                 : otherwise / 1000;
  }
  if (status == HK_OK)
    settle(network, cells, rates, next, space);
  for (size_t p = 0; p < count; p++)
    rates[p] *= 1000;
  free(cells);
  free(next);
  if (space)
    gsl_integration_cquad_workspace_free(space);
  gsl_set_error_handler(handler);
  return status;
}
