/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Regimes: defaults that follow from the network, and what a volley needs to be exact.
 *
 * Why a volley is exact. All weights and thresholds are multiples of a quantum q and no sum leaves 2^52 q, so adding
 * weights to a potential that is a multiple of q is free of rounding in any order. What the sample before left decays
 * as exp(-t / tau_m) towards E_L = 0; once it is below q 2^-54 the first weight that arrives absorbs it entirely, for
 * every weight is at least q. All spikes of a layer carry one time, so they reach the next layer at one time, are
 * applied together, and only then is the threshold tested. */
#include "ann/regime.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ann/probe.h"
#include "core/suggest.h"

/* Times that are multiples of this are exact in doubles up to some 10^12 ms. */
static const double tick = 1.0 / 1024.0;

static bool given(const struct hk__regime *r, const char *name, double *value)
{
  for (size_t i = 0; i < r->param_count; i++)
    if (strcmp(r->params[i].name, name) == 0) {
      if (value)
        *value = r->params[i].value.a;
      return true;
    }
  return false;
}

double hk__regime_param(const struct hk__regime *r, const char *name)
{
  double value;
  if (given(r, name, &value))
    return value;
  const struct hk_model *model = hk_model_find(r->model);
  int index = hk_model_param(model, name);
  return index >= 0 ? model->params[index].preset : NAN;
}

double hk__regime_rest(const struct hk__regime *r)
{
  return r->tree ? r->tree->compartments[0].E_L : hk__regime_param(r, "E_L");
}

static void preset(struct hk__regime *r, const struct hk_model *model, const char *name, double value)
{
  if (hk_model_param(model, name) < 0 || given(r, name, NULL) || r->param_count == HK_PARAMS_MAX)
    return;
  r->params[r->param_count++] =
      (struct hk_setting){model->params[hk_model_param(model, name)].name, hk_value_constant(value)};
}

static enum hk_status check_params(const struct hk__regime *r, const struct hk_model *model,
                                   const struct hk_place *place, struct hk_messages *messages)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < r->param_count; i++) {
    if (hk_model_param(model, r->params[i].name) >= 0)
      continue;
    struct hk__suggestion s;
    hk__suggest_begin(&s, r->params[i].name);
    for (size_t k = 0; k < model->param_count; k++)
      hk__suggest_offer(&s, model->params[k].name);
    hk_messages_add(messages, HK_SEVERITY_ERROR, place, "model `%s` has no parameter `%s`%s", model->name,
                    r->params[i].name, hk__suggest_clause(&s));
    status = HK_ERR_INPUT;
  }
  for (size_t i = 0; !r->tree && i < r->port_count; i++)
    if (hk_model_port(model, r->ports[i]) < 0) {
      hk_messages_add(messages, HK_SEVERITY_ERROR, place, "model `%s` has no port `%s`", model->name, r->ports[i]);
      status = HK_ERR_INPUT;
    }
  return status;
}

/* The fastest and the slowest of the model's time constants, ms. Where it names none, what is usual. */
static void time_constants(const struct hk__regime *r, const struct hk_model *model, double *fastest, double *slowest)
{
  *fastest = INFINITY;
  *slowest = 0.0;
  for (size_t i = 0; i < model->param_count; i++)
    if (strncmp(model->params[i].name, "tau", 3) == 0) {
      double tau = hk__regime_param(r, model->params[i].name);
      *fastest = fmin(*fastest, tau);
      *slowest = fmax(*slowest, tau);
    }
  for (size_t k = 0; r->tree && k < r->tree->count; k++)
    *slowest = fmax(*slowest, 2.0 * r->tree->compartments[k].C_m / r->tree->compartments[k].g_L);
  double leak = hk__regime_param(r, "C_m") / hk__regime_param(r, "g_L");
  if (leak > 0.0)
    *slowest = fmax(*slowest, leak);
  if (*slowest == 0.0 || isinf(*slowest))
    *slowest = 20.0;
  if (isinf(*fastest))
    *fastest = 1.0;
}

double hk__regime_level(const struct hk__regime *r, const struct hk__step_layer *layer)
{
  if (r->level > 0.0)
    return r->level;
  double mean = 0.0;
  for (size_t j = 0; j < layer->out; j++)
    mean += fabs(layer->threshold[j]) / (double)layer->out;
  return mean > 0.0 ? exp2(floor(log2(mean))) : 1.0;
}

double hk__regime_unit(const struct hk__regime *r, const struct hk__step_layer *layer)
{
  if (r->unit > 0.0)
    return r->unit;
  if (r->thresholds == HK__THRESHOLDS_OWN)
    return 1.0 / r->peak;
  return (hk__regime_param(r, "V_th") - hk__regime_rest(r)) / (hk__regime_level(r, layer) * r->peak);
}

double hk__regime_volts(const struct hk__regime *r, const struct hk__step_layer *layer)
{
  return hk__regime_unit(r, layer) * r->peak;
}

double hk__regime_margin(const struct hk__regime *r, const struct hk__step_layer *layer)
{
  return r->margin > 0.0 ? r->margin * hk__step_layer_quantum(layer) : 0.0;
}

/* How long the membrane needs until the first weight absorbs what is left. */
static double forgetting(const struct hk__regime *r, const struct hk__stepnet *net, double tau)
{
  double factor = 0x1p54;
  for (size_t l = 0; l < net->layer_count; l++) {
    const struct hk__step_layer *layer = &net->layers[l];
    double quantum = hk__step_layer_quantum(layer), largest = hk__regime_level(r, layer);
    for (size_t j = 0; quantum > 0.0 && j < layer->out; j++) {
      double total = 2.0 * fabs(layer->threshold[j]);
      for (size_t i = 0; i < layer->in; i++)
        total += fabs(layer->weight[j * layer->in + i]);
      largest = fmax(largest, total);
    }
    if (quantum > 0.0)
      factor = fmax(factor, largest / quantum * 0x1p55);
  }
  return tau * log(factor);
}

static double active_time(const struct hk__regime *r, size_t layers)
{
  double first = r->kind == HK__REGIME_LATENCY ? r->window : r->kind == HK__REGIME_RATE ? r->time : 0.0;
  return first + (double)layers * (r->delay + (r->kind == HK__REGIME_JITTER ? r->spread : 0.0));
}

static bool binary_time(double t)
{
  return t / tick == floor(t / tick);
}

static enum hk_status check_volley(const struct hk__regime *r, const struct hk_place *place,
                                   struct hk_messages *messages)
{
  const double times[] = {r->delay, r->period};
  const char *names[] = {"delay", "period"};
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < 2; i++) {
    if (binary_time(times[i]))
      continue;
    hk_messages_add(messages, HK_SEVERITY_ERROR, place,
                    "%s: %g ms is not a multiple of 1/1024 ms, so its sums round and the spikes of a volley could "
                    "arrive apart; %.17g ms would do",
                    names[i], times[i], fmax(1.0, nearbyint(times[i] / tick)) * tick);
    status = HK_ERR_INPUT;
  }
  return status;
}

static const char *why_not_exact(const struct hk__regime *r, const struct hk__stepnet *net, double needed)
{
  int exponent;
  if (r->kind != HK__REGIME_VOLLEY)
    return "only a volley is exact";
  if (strcmp(r->model, "iaf_psc_delta") != 0)
    return "the model's synapses are not jumps of the potential of iaf_psc_delta";
  if (hk__regime_param(r, "E_L") != 0.0 || hk__regime_param(r, "I_e") != 0.0)
    return "E_L and I_e must be 0 for sums without rounding";
  if (r->noise_rate > 0.0)
    return "there is noise";
  for (size_t l = 0; l < net->layer_count; l++) {
    if (hk__step_layer_quantum(&net->layers[l]) == 0.0)
      return "weights and thresholds are not multiples of one power of two";
    if (frexp(hk__regime_unit(r, &net->layers[l]) * r->gain, &exponent) != 0.5)
      return "`unit` is not a power of two";
  }
  if (r->gain != 1.0)
    return "`gain` scales weights against thresholds";
  if (r->period < needed)
    return "the period is too short for the membrane to forget the sample before";
  return NULL;
}

static void fill_times(struct hk__regime *r)
{
  if (r->delay == 0.0)
    r->delay = 1.0;
  if (r->window == 0.0)
    r->window = 20.0;
  if (r->time == 0.0)
    r->time = 100.0;
  if (r->rate == 0.0)
    r->rate = 200.0;
}

static enum hk_status check_thresholds(const struct hk__regime *r, const struct hk_model *model,
                                       const struct hk_place *place, struct hk_messages *messages)
{
  bool rest = r->tree || hk_model_param(model, "E_L") >= 0, threshold = hk_model_param(model, "V_th") >= 0;
  if (r->thresholds == HK__THRESHOLDS_OWN && !(rest && threshold)) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, place,
                    "a threshold of its own for each neuron needs a model with V_th and E_L, `%s` is not one; take "
                    "`thresholds: common`",
                    model->name);
    return HK_ERR_INPUT;
  }
  if (r->thresholds == HK__THRESHOLDS_COMMON && r->unit == 0.0 && !(rest && threshold)) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, place,
                    "`unit` is missing: it must say how much one unit of weight is at a port of model `%s`, which has "
                    "no V_th and E_L to work it out from",
                    model->name);
    return HK_ERR_INPUT;
  }
  return HK_OK;
}

static enum hk_status fill_scales(struct hk__regime *r, const struct hk_model *model, const struct hk_place *place,
                                  struct hk_messages *messages)
{
  enum hk_status status = check_thresholds(r, model, place, messages);
  if (status != HK_OK)
    return status;
  double fastest, slowest;
  time_constants(r, model, &fastest, &slowest);
  r->peak = 1.0;
  if (r->tree || (strcmp(model->ports[0].unit, "mV") != 0 && strcmp(model->ports[0].unit, "1") != 0))
    status = hk__regime_probe(r, fastest, slowest, &r->peak, messages);
  if (status == HK_OK && !(r->peak > 0.0)) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, place, "an event at the first port does not move the potential");
    status = HK_ERR_INPUT;
  }
  if (r->gain == 0.0) {
    double tau = hk__regime_param(r, "tau_m");
    r->gain = r->kind == HK__REGIME_RATE && tau > 0.0 ? 1000.0 / (r->rate * tau) : 1.0;
  }
  if (r->on == 0)
    r->on = r->kind == HK__REGIME_RATE ? (size_t)fmax(1.0, nearbyint(r->rate * r->time / 2000.0)) : 1;
  return status;
}

enum hk_status hk__regime_complete(struct hk__regime *regime, const struct hk__stepnet *net,
                                   const struct hk_place *place, bool *exact, const char **why_not,
                                   struct hk_messages *messages)
{
  if (!regime->model)
    regime->model = "iaf_psc_delta";
  const struct hk_model *model = hk_model_find(regime->model);
  if (!model || model->port_count == 0) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, place,
                    "`%s` is not the model of a neuron; `hillock models` lists them", regime->model);
    return HK_ERR_INPUT;
  }
  enum hk_status status = check_params(regime, model, place, messages);
  if (regime->thresholds == HK__THRESHOLDS_OWN) {
    preset(regime, model, "E_L", 0.0);
    preset(regime, model, "V_reset", hk__regime_rest(regime));
  }
  fill_times(regime);
  if (status == HK_OK)
    status = fill_scales(regime, model, place, messages);
  if (status != HK_OK)
    return status;
  double active = active_time(regime, net->layer_count);
  double fastest, slowest;
  time_constants(regime, model, &fastest, &slowest);
  double needed = active + forgetting(regime, net, slowest);
  if (regime->period == 0.0)
    regime->period = ceil(needed);
  if (regime->listen == 0.0)
    regime->listen = regime->noise_rate > 0.0 ? active * 1.0001 : regime->period;
  if (!(regime->period > active)) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, place,
                    "period: %g ms, but a sample takes %g ms to pass; from %g ms on the membrane forgets it wholly",
                    regime->period, active, ceil(needed));
    return HK_ERR_INPUT;
  }
  /* A volley arrives at one moment: the plain scheduler takes it row by row, with nothing to bound or to sort. */
  if (regime->kind == HK__REGIME_VOLLEY && regime->scheduler == HK_SCHEDULER_AUTO)
    regime->scheduler = HK_SCHEDULER_QUEUE;
  if (regime->kind == HK__REGIME_VOLLEY)
    status = check_volley(regime, place, messages);
  *why_not = why_not_exact(regime, net, needed);
  *exact = *why_not == NULL;
  return status;
}
