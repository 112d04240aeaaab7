/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of single neurons: parameters, initial states, what inputs draw. Each is drawn from a stream of its own, named
 * by population or input, name and neuron, so that it stays the same whatever else is drawn. */
#include <math.h>
#include <stdlib.h>

#include "core/random.h"
#include "net/build.h"
#include "net/network.h"
#include "net/value.h"

/* FNV-1a */
static uint64_t hash(const char *text)
{
  uint64_t h = 0xcbf29ce484222325u;
  for (; *text; text++)
    h = (h ^ (unsigned char)*text) * 0x100000001b3u;
  return h;
}

struct drawing {
  uint64_t seed;
  enum hk__purpose purpose;
  uint32_t owner; /* index of the population or input */
};

static double value_of(const struct drawing *d, const struct hk_value *value, uint64_t name, size_t index,
                       uint32_t neuron)
{
  if (!hk__value_is_drawn(value))
    return hk__value_get(value, index, NULL);
  struct hk__gsl_stream stream;
  hk__gsl_stream_init(&stream, d->seed, d->purpose, d->owner, name, neuron);
  return hk__value_draw(value, &stream.rng);
}

static bool in_range(const struct hk_param *param, double x)
{
  return isfinite(x) && x >= param->low && x <= param->high && !(param->open_low && x == param->low);
}

static void fill_param(const struct hk_population_spec *spec, const struct hk_model *model, const struct drawing *d,
                       double *param, struct hk__faults *faults)
{
  size_t columns = model->param_count;
  for (uint64_t i = 0; i < spec->size; i++)
    for (size_t k = 0; k < columns; k++)
      param[i * columns + k] = model->params[k].preset;
  for (size_t s = 0; s < spec->param_count; s++) {
    const struct hk_setting *setting = &spec->params[s];
    size_t k = (size_t)hk_model_param(model, setting->name);
    uint64_t name = hash(setting->name), bad = 0;
    for (uint64_t i = 0; i < spec->size; i++) {
      double x = param[i * columns + k] = value_of(d, &setting->value, name, i, (uint32_t)i);
      if (!in_range(&model->params[k], x) && bad++ == 0)
        HK__FAULT(faults, "population `%.100s`, neuron %llu: `%s` was drawn as %g, which is out of its range",
                  spec->name, (unsigned long long)i, setting->name, x);
    }
  }
}

static void check_rows(const struct hk_population_spec *spec, const struct hk_model *model, const double *param,
                       struct hk__faults *faults)
{
  for (uint64_t i = 0; i < spec->size; i++) {
    const char *wrong = model->check(param + i * model->param_count);
    if (!wrong)
      continue;
    HK__FAULT(faults, "population `%.100s`, neuron %llu: %s", spec->name, (unsigned long long)i, wrong);
    return;
  }
}

static void fill_state(const struct hk_population_spec *spec, const struct hk_model *model, const struct drawing *d,
                       const double *param, double *state, struct hk__faults *faults)
{
  size_t columns = model->state_count;
  bool given[HK_COMPARTMENTS_MAX] = {false};
  for (size_t k = 0; k < columns; k++) {
    const char *preset = model->states[k].preset_param;
    int from = preset ? hk_model_param(model, preset) : -1;
    for (uint64_t i = 0; i < spec->size; i++)
      state[i * columns + k] = from < 0 ? model->states[k].preset : param[i * model->param_count + (size_t)from];
  }
  for (size_t s = 0; s < spec->init_count; s++) {
    const struct hk_setting *setting = &spec->init[s];
    size_t k = (size_t)hk_model_state(model, setting->name);
    uint64_t name = hash(setting->name), bad = 0;
    given[k] = true;
    for (uint64_t i = 0; i < spec->size; i++) {
      double x = state[i * columns + k] = value_of(d, &setting->value, name, i, (uint32_t)i);
      if (!isfinite(x) && bad++ == 0)
        HK__FAULT(faults, "population `%.100s`, neuron %llu: `%s` was drawn as %g, which is no state to start from",
                  spec->name, (unsigned long long)i, setting->name, x);
    }
  }
  if (model->initialise)
    for (uint64_t i = 0; i < spec->size; i++)
      model->initialise(param + i * model->param_count, state + i * columns, given);
}

enum hk_status hk__population_values(const struct hk_network *network, size_t population, uint64_t seed, double *param,
                                     double *state, struct hk_messages *messages)
{
  const struct hk_population_spec *spec = hk_network_population(network, population);
  const struct hk_model *model = hk_network_model(network, population);
  struct hk__faults faults = {.place = hk__network_population_place(network, population), .messages = messages};
  struct drawing d = {seed, HK__FOR_PARAMETER, (uint32_t)population};
  double *own = NULL;
  if (!param) {
    /* one more, so that a model without parameters does not ask for nothing */
    own = malloc((spec->size * model->param_count + 1) * sizeof *own);
    if (!own)
      return HK_ERR_MEMORY;
    param = own;
  }
  fill_param(spec, model, &d, param, &faults);
  if (model->check && !faults.any)
    check_rows(spec, model, param, &faults);
  if (state && !faults.any) {
    d.purpose = HK__FOR_STATE;
    fill_state(spec, model, &d, param, state, &faults);
  }
  free(own);
  return faults.any ? HK_ERR_INPUT : HK_OK;
}

enum hk_status hk__input_values(const struct hk_network *network, size_t input, const struct hk_value *value,
                                const char *name, uint64_t seed, double *out)
{
  const struct hk_input_spec *spec = hk_network_input(network, input);
  size_t count = spec->neurons ? spec->neuron_count : hk_network_population(network, spec->target)->size;
  struct drawing d = {seed, HK__FOR_INPUT_VALUE, (uint32_t)input};
  uint64_t key = hash(name);
  for (size_t i = 0; i < count; i++) {
    out[i] = value_of(&d, value, key, i, spec->neurons ? spec->neurons[i] : (uint32_t)i);
    if (!isfinite(out[i]))
      return HK_ERR_INPUT;
  }
  return HK_OK;
}
