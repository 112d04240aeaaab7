/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks of populations, inputs and traces before they are added; those of projections are in check_projection.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/dendrite.h"
#include "core/integrator.h"
#include "core/modes.h"
#include "core/suggest.h"
#include "net/network.h"
#include "net/value.h"

/* Texts from outside are cut to this length in messages. */
#define NAME "`%.100s`"

/* --- shared --- */

static bool can_receive(const struct hk_port *port, double weight)
{
  return weight < 0 ? port->sign <= 0 : port->sign >= 0;
}

int hk__model_port_for(const struct hk_model *model, double weight)
{
  for (size_t i = 0; i < model->port_count; i++)
    if (can_receive(&model->ports[i], weight))
      return (int)i;
  return -1;
}

static bool linear_takes_current(const struct hk_model *model, const double *param)
{
  struct hk_linear linear;
  memset(&linear, 0, sizeof linear);
  model->linear(param, &linear);
  for (size_t i = 0; i < model->state_count; i++)
    if (linear.drive[i] != 0.0)
      return true;
  return false;
}

static bool slope_takes_current(const struct hk_model *model, const double *param)
{
  double x[HK_STATES_MAX], without[HK_STATES_MAX], with[HK_STATES_MAX];
  for (size_t i = 0; i < model->state_count; i++) {
    const char *preset = model->states[i].preset_param;
    x[i] = preset ? param[hk_model_param(model, preset)] : model->states[i].preset;
  }
  hk__slope(model, param, x, 0.0, false, without);
  hk__slope(model, param, x, 1.0, false, with);
  return memcmp(without, with, model->state_count * sizeof *with) != 0;
}

bool hk__model_takes_current(const struct hk_model *model)
{
  double param[HK_PARAMS_MAX];
  for (size_t i = 0; i < model->param_count; i++)
    param[i] = model->params[i].preset;
  if (model->linear)
    return linear_takes_current(model, param);
  return model->kind == HK_MODEL_TREE || (model->kind == HK_MODEL_NONLINEAR && slope_takes_current(model, param));
}

static int compare_u32(const void *x, const void *y)
{
  uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
  return (a > b) - (a < b);
}

static void check_twice(const uint32_t *neurons, size_t count, const char *what, struct hk__faults *faults)
{
  bool ascending = true;
  for (size_t i = 1; i < count && ascending; i++)
    ascending = neurons[i - 1] < neurons[i];
  if (ascending)
    return;
  uint32_t *sorted = malloc(count * sizeof *sorted);
  if (!sorted) {
    faults->no_memory = true;
    return;
  }
  memcpy(sorted, neurons, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, compare_u32);
  for (size_t i = 1; i < count; i++)
    if (sorted[i - 1] == sorted[i]) {
      HK__FAULT(faults, "%s: neuron %u is listed twice", what, (unsigned)sorted[i]);
      break;
    }
  free(sorted);
}

void hk__check_neurons(const uint32_t *neurons, size_t count, uint64_t size, const char *what,
                       struct hk__faults *faults)
{
  for (size_t i = 0; i < count; i++)
    if (neurons[i] >= size) {
      HK__FAULT(faults, "%s: there is no neuron %u; the population has neurons 0 to %llu", what, (unsigned)neurons[i],
                (unsigned long long)size - 1);
      return;
    }
  check_twice(neurons, count, what, faults);
}

static void check_name(const char *name, const char *what, struct hk__faults *faults)
{
  if (!name || !*name)
    HK__FAULT(faults, "%s has no name", what);
  else if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
    HK__FAULT(faults, "%s is named " NAME ", which cannot stand in a file: `/`, `.` and `..` are not allowed", what,
              name);
}

static bool known_population(const struct hk_network *network, size_t index, const char *what,
                             struct hk__faults *faults)
{
  if (index < hk_network_population_count(network))
    return true;
  HK__FAULT(faults, "%s: there is no population %zu; there are %zu", what, index, hk_network_population_count(network));
  return false;
}

/* --- populations --- */

static void check_model_name(const char *name, struct hk__faults *faults)
{
  struct hk__suggestion nearest;
  hk__suggest_begin(&nearest, name);
  for (size_t i = 0; i < hk_model_count(); i++)
    hk__suggest_offer(&nearest, hk_model_at(i)->name);
  HK__FAULT(faults, "unknown model " NAME "%s", name ? name : "", hk__suggest_clause(&nearest));
}

static void unknown_param(const struct hk_model *model, const char *population, const char *name,
                          struct hk__faults *faults)
{
  if (hk_model_state(model, name) >= 0) {
    HK__FAULT(faults, "population " NAME ": " NAME " is a state of model `%s`, not a parameter; set it under `init`",
              population, name, model->name);
    return;
  }
  struct hk__suggestion nearest;
  hk__suggest_begin(&nearest, name);
  for (size_t i = 0; i < model->param_count; i++)
    hk__suggest_offer(&nearest, model->params[i].name);
  HK__FAULT(faults, "population " NAME ": model `%s` has no parameter " NAME "%s", population, model->name, name,
            hk__suggest_clause(&nearest));
}

static void unknown_state(const struct hk_model *model, const char *what, const char *name, struct hk__faults *faults)
{
  if (hk_model_param(model, name) >= 0) {
    HK__FAULT(faults, "%s: " NAME " is a parameter of model `%s`, not a state", what, name, model->name);
    return;
  }
  struct hk__suggestion nearest;
  hk__suggest_begin(&nearest, name);
  for (size_t i = 0; i < model->state_count; i++)
    hk__suggest_offer(&nearest, model->states[i].name);
  HK__FAULT(faults, "%s: model `%s` has no state " NAME "%s", what, model->name, name, hk__suggest_clause(&nearest));
}

static bool given_before(const struct hk_setting *settings, size_t index)
{
  for (size_t i = 0; i < index; i++)
    if (settings[i].name && strcmp(settings[i].name, settings[index].name) == 0)
      return true;
  return false;
}

static void check_settings(const struct hk_population_spec *spec, const struct hk_model *model, bool params,
                           struct hk__faults *faults)
{
  const struct hk_setting *settings = params ? spec->params : spec->init;
  size_t count = params ? spec->param_count : spec->init_count;
  for (size_t i = 0; i < count; i++) {
    const char *name = settings[i].name ? settings[i].name : "";
    int index = params ? hk_model_param(model, name) : hk_model_state(model, name);
    char what[256], population[128];
    snprintf(population, sizeof population, "population " NAME, spec->name);
    if (index < 0 && params)
      unknown_param(model, spec->name, name, faults);
    if (index < 0 && !params)
      unknown_state(model, population, name, faults);
    if (index < 0)
      continue;
    if (given_before(settings, i))
      HK__FAULT(faults, "%s: `%s` is given twice", population, name);
    snprintf(what, sizeof what, "`%s` of %s", name, population);
    struct hk__demand demand = {.what = what, .low = -INFINITY, .high = INFINITY, .count = spec->size, .per = "neuron"};
    demand.unit = params ? model->params[index].unit : model->states[index].unit;
    if (params) {
      demand.low = model->params[index].low;
      demand.high = model->params[index].high;
      demand.open_low = model->params[index].open_low;
    }
    if (!hk__value_check(&settings[i].value, &demand, faults->place, faults->messages))
      faults->any = true;
  }
}

/* The model's own check of a neuron's parameters, as far as no value is drawn. */
static void check_together(const struct hk_population_spec *spec, const struct hk_model *model,
                           struct hk__faults *faults)
{
  bool lists = false;
  double param[HK_PARAMS_MAX];
  for (size_t i = 0; i < spec->param_count; i++) {
    if (hk__value_is_drawn(&spec->params[i].value))
      return;
    lists |= spec->params[i].value.kind == HK_VALUE_LIST;
  }
  for (uint64_t neuron = 0; neuron < (lists ? spec->size : 1); neuron++) {
    for (size_t k = 0; k < model->param_count; k++)
      param[k] = model->params[k].preset;
    for (size_t i = 0; i < spec->param_count; i++)
      param[hk_model_param(model, spec->params[i].name)] = hk__value_get(&spec->params[i].value, neuron, NULL);
    const char *wrong = model->check(param);
    if (!wrong)
      continue;
    if (lists)
      HK__FAULT(faults, "population " NAME ", neuron %llu: %s", spec->name, (unsigned long long)neuron, wrong);
    else
      HK__FAULT(faults, "population " NAME ": %s", spec->name, wrong);
    return;
  }
}

static void check_train(const struct hk_population_spec *spec, uint64_t source, struct hk__faults *faults)
{
  const uint64_t *offsets = spec->trains.offsets;
  double last = 0.0;
  for (uint64_t i = offsets[source]; i < offsets[source + 1]; i++) {
    double t = spec->trains.times[i];
    if (!(t >= 0.0) || isinf(t))
      HK__FAULT(faults, "population " NAME ", source %llu: a spike time is %g ms but must be at least 0 ms", spec->name,
                (unsigned long long)source, t);
    else if (t < last)
      HK__FAULT(faults,
                "population " NAME ", source %llu: the spike times do not ascend: %.17g ms comes after %.17g ms",
                spec->name, (unsigned long long)source, t, last);
    if (!(t >= last) || isinf(t))
      return;
    last = t;
  }
}

static void check_trains(const struct hk_population_spec *spec, const struct hk_model *model, struct hk__faults *faults)
{
  const uint64_t *offsets = spec->trains.offsets;
  if (model->kind != HK_MODEL_TRAINS) {
    if (offsets || spec->trains.times)
      HK__FAULT(faults, "population " NAME ": model `%s` does not play back spike times; `spike_source` does",
                spec->name, model->name);
    return;
  }
  if (!offsets) {
    HK__FAULT(faults, "population " NAME ": model `%s` needs spike times, from `times` or a file", spec->name,
              model->name);
    return;
  }
  bool ordered = offsets[0] == 0;
  for (uint64_t i = 0; i < spec->size && ordered; i++)
    ordered = offsets[i] <= offsets[i + 1];
  if (!ordered || (offsets[spec->size] > 0 && !spec->trains.times)) {
    HK__FAULT(faults, "population " NAME ": the offsets of its spike trains must start at 0 and never fall",
              spec->name);
    return;
  }
  for (uint64_t i = 0; i < spec->size && !faults->any; i++)
    check_train(spec, i, faults);
}

static void check_size(const struct hk_network *network, const struct hk_population_spec *spec,
                       struct hk__faults *faults)
{
  if (spec->size == 0 || spec->size > UINT32_MAX) {
    HK__FAULT(faults, "population " NAME " has size %llu; expected 1 to 4294967295", spec->name,
              (unsigned long long)spec->size);
    return;
  }
  uint64_t total = spec->size;
  for (size_t i = 0; i < hk_network_population_count(network); i++)
    total += hk_network_population(network, i)->size;
  if (total > UINT32_MAX)
    HK__FAULT(faults, "with population " NAME " the network has %llu neurons; 4294967295 is the most", spec->name,
              (unsigned long long)total);
}

/* A tree's own model, to be destroyed; NULL for other models or after a fault. */
static struct hk__modes *check_tree(const struct hk_population_spec *spec, const struct hk_model *model,
                                    struct hk__faults *faults)
{
  struct hk__modes *modes = NULL;
  char text[256];
  if ((model->kind == HK_MODEL_TREE) != (spec->tree != NULL))
    HK__FAULT(faults, "population " NAME ": model `%s` %s a morphology", spec->name, model->name,
              spec->tree ? "does not take" : "needs");
  else if (spec->tree && hk__tree_fault(spec->tree, text, sizeof text))
    HK__FAULT(faults, "population " NAME ": %s", spec->name, text);
  else if (spec->tree && hk__modes_create(model, spec->tree, false, &modes) != HK_OK)
    faults->any = faults->no_memory = true;
  return modes;
}

enum hk_status hk__check_population(const struct hk_network *network, const struct hk_population_spec *spec,
                                    const struct hk_place *place, struct hk_messages *messages)
{
  struct hk__faults faults = {.place = place, .messages = messages};
  check_name(spec->name, "a population", &faults);
  if (faults.any)
    return HK_ERR_INPUT;
  if (hk_network_find(network, spec->name) >= 0)
    HK__FAULT(&faults, "there is already a population " NAME, spec->name);
  check_size(network, spec, &faults);
  if (spec->record_as)
    check_name(spec->record_as, "the population that spikes are recorded as", &faults);
  const struct hk_model *model = spec->model ? hk_model_find(spec->model) : NULL;
  if (!model)
    check_model_name(spec->model, &faults);
  if (!model || spec->size == 0 || spec->size > UINT32_MAX)
    return HK_ERR_INPUT;
  struct hk__modes *modes = check_tree(spec, model, &faults);
  if (model->kind == HK_MODEL_TREE && !modes)
    return hk__faults_status(&faults);
  model = modes ? &modes->model : model;
  check_settings(spec, model, true, &faults);
  check_settings(spec, model, false, &faults);
  if (model->check && !faults.any)
    check_together(spec, model, &faults);
  check_trains(spec, model, &faults);
  hk__modes_destroy(modes);
  return hk__faults_status(&faults);
}

/* --- inputs --- */

static void check_input_value(const struct hk_value *value, const char *name, const char *unit, double low,
                              size_t count, const char *input, struct hk__faults *faults)
{
  char what[256];
  snprintf(what, sizeof what, "%s of %s", name, input);
  struct hk__demand demand = {
      .what = what, .unit = unit, .low = low, .high = INFINITY, .count = count, .per = "target neuron"};
  if (!hk__value_check(value, &demand, faults->place, faults->messages))
    faults->any = true;
}

static void check_steps(const struct hk_input_spec *spec, const char *input, struct hk__faults *faults)
{
  if (spec->step_count == 0 || !spec->times || !spec->amplitudes)
    HK__FAULT(faults, "%s has no steps", input);
  for (size_t i = 0; i < spec->step_count && spec->times && spec->amplitudes; i++) {
    if (!isfinite(spec->times[i]) || !isfinite(spec->amplitudes[i]))
      HK__FAULT(faults, "%s: step %zu, %g pA from %g ms on, must be finite", input, i, spec->amplitudes[i],
                spec->times[i]);
    else if (i > 0 && !(spec->times[i - 1] < spec->times[i]))
      HK__FAULT(faults, "%s: the times of its steps do not ascend: %g ms comes after %g ms", input, spec->times[i],
                spec->times[i - 1]);
    else
      continue;
    return;
  }
}

static void check_number(double x, double low, const char *name, const char *unit, const char *input,
                         struct hk__faults *faults)
{
  if (isfinite(x) && x >= low)
    return;
  if (isinf(low))
    HK__FAULT(faults, "%s of %s is %g %s but must be a finite number", name, input, x, unit);
  else
    HK__FAULT(faults, "%s of %s is %g %s but must be at least %g %s", name, input, x, unit, low, unit);
}

static void check_current(const struct hk_input_spec *spec, const struct hk_model *model, size_t count,
                          const char *input, struct hk__faults *faults)
{
  if (!hk__model_takes_current(model))
    HK__FAULT(faults, "%s is a current, but model `%s` takes none", input, model->name);
  if (spec->port)
    HK__FAULT(faults, "%s is a current and goes to no port, yet port " NAME " is named", input, spec->port);
  switch (spec->kind) {
  case HK_INPUT_DC:
    check_input_value(&spec->amplitude, "amplitude", "pA", -INFINITY, count, input, faults);
    break;
  case HK_INPUT_STEPS:
    check_steps(spec, input, faults);
    break;
  case HK_INPUT_SINE:
    check_input_value(&spec->amplitude, "amplitude", "pA", -INFINITY, count, input, faults);
    check_input_value(&spec->offset, "offset", "pA", -INFINITY, count, input, faults);
    check_number(spec->frequency, 0.0, "frequency", "Hz", input, faults);
    check_number(spec->phase, -INFINITY, "phase", "rad", input, faults);
    break;
  case HK_INPUT_NOISE:
    check_number(spec->tau, 0.0, "tau", "ms", input, faults);
    check_number(spec->std, 0.0, "standard deviation", "pA", input, faults);
    check_number(spec->mean, -INFINITY, "mean", "pA", input, faults);
    if (!(spec->dt > 0) || !isfinite(spec->dt))
      HK__FAULT(faults, "%s: the step of the noise is %g ms but must be above 0 ms", input, spec->dt);
    break;
  default:
    HK__FAULT(faults, "%s is of an unknown kind, %d", input, (int)spec->kind);
  }
}

enum hk_status hk__check_input(const struct hk_network *network, const struct hk_input_spec *spec,
                               const struct hk_place *place, struct hk_messages *messages)
{
  struct hk__faults faults = {.place = place, .messages = messages};
  if (!known_population(network, spec->target, "an input", &faults))
    return HK_ERR_INPUT;
  const struct hk_population_spec *target = hk_network_population(network, spec->target);
  const struct hk_model *model = hk_network_model(network, spec->target);
  char input[160];
  snprintf(input, sizeof input, "the input to " NAME, target->name);
  if (hk__model_is_source(model)) {
    HK__FAULT(&faults, "population " NAME " is of model `%s`, a source: it takes no input", target->name, model->name);
    return HK_ERR_INPUT;
  }
  if (spec->neurons && spec->neuron_count == 0)
    HK__FAULT(&faults, "%s goes to no neuron", input);
  if (spec->neurons)
    hk__check_neurons(spec->neurons, spec->neuron_count, target->size, input, &faults);
  size_t count = spec->neurons ? spec->neuron_count : target->size;
  if (!isfinite(spec->from) || !(spec->from < spec->to))
    HK__FAULT(&faults, "%s is active from %g ms to %g ms; `from` must be before `to`", input, spec->from, spec->to);
  if (spec->kind == HK_INPUT_POISSON) {
    check_input_value(&spec->rate, "rate", "Hz", 0.0, count, input, &faults);
    struct hk__weight_check check = {&spec->weight, spec->port, model, input, "target neuron", count, false};
    hk__check_weight(&check, &faults);
  } else
    check_current(spec, model, count, input, &faults);
  return hk__faults_status(&faults);
}

/* --- traces --- */

enum hk_status hk__check_trace(const struct hk_network *network, const struct hk_trace_spec *spec,
                               const struct hk_place *place, struct hk_messages *messages)
{
  struct hk__faults faults = {.place = place, .messages = messages};
  check_name(spec->name, "a trace", &faults);
  if (faults.any || !known_population(network, spec->population, "a trace", &faults))
    return HK_ERR_INPUT;
  for (size_t i = 0; i < hk_network_trace_count(network); i++)
    if (strcmp(hk_network_trace(network, i)->name, spec->name) == 0)
      HK__FAULT(&faults, "there is already a trace " NAME, spec->name);
  const struct hk_population_spec *population = hk_network_population(network, spec->population);
  const struct hk_model *model = hk_network_model(network, spec->population);
  char what[128];
  snprintf(what, sizeof what, "trace " NAME, spec->name);
  if (!isfinite(spec->interval) || spec->interval <= 0)
    HK__FAULT(&faults, "%s: the interval is %g ms but must be above 0 ms", what, spec->interval);
  if (model->state_count == 0) {
    HK__FAULT(&faults, "%s: population " NAME " is of model `%s`, which has no state to record", what, population->name,
              model->name);
    return HK_ERR_INPUT;
  }
  if (spec->neuron_count == 0 || !spec->neurons)
    HK__FAULT(&faults, "%s records no neuron; say which under `neurons`", what);
  else
    hk__check_neurons(spec->neurons, spec->neuron_count, population->size, what, &faults);
  if (spec->variable_count == 0)
    HK__FAULT(&faults, "%s records nothing; say what under `variables`", what);
  for (size_t i = 0; i < spec->variable_count; i++) {
    const char *name = spec->variables[i] ? spec->variables[i] : "";
    if (hk_model_state(model, name) < 0)
      unknown_state(model, what, name, &faults);
    for (size_t j = 0; j < i; j++)
      if (spec->variables[j] && strcmp(spec->variables[j], name) == 0)
        HK__FAULT(&faults, "%s: `%s` is listed twice", what, name);
  }
  return hk__faults_status(&faults);
}
