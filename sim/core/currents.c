/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/currents.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"

static bool is_current(const struct hk__input *input)
{
  return input->kind == HK_INPUT_DC || input->kind == HK_INPUT_STEPS || input->kind == HK_INPUT_SINE ||
         input->kind == HK_INPUT_NOISE;
}

static size_t count_switches(const struct hk__input *input)
{
  return is_current(input) ? 2 + (input->kind == HK_INPUT_STEPS ? input->step_count : 0) : 0;
}

static int by_time(const void *a, const void *b)
{
  const struct hk__switch *x = a, *y = b;
  if (x->time != y->time)
    return x->time < y->time ? -1 : 1;
  return (x->input > y->input) - (x->input < y->input);
}

static void list_switches(struct hk__currents *currents)
{
  const struct hk__built *built = currents->built;
  for (uint32_t i = 0; i < built->input_count; i++) {
    const struct hk__input *input = &built->inputs[i];
    if (!is_current(input))
      continue;
    currents->switches[currents->switch_count++] = (struct hk__switch){input->from, i};
    if (input->to < INFINITY)
      currents->switches[currents->switch_count++] = (struct hk__switch){input->to, i};
    if (input->kind == HK_INPUT_STEPS)
      for (size_t k = 0; k < input->step_count; k++)
        if (input->times[k] > input->from && input->times[k] < input->to)
          currents->switches[currents->switch_count++] = (struct hk__switch){input->times[k], i};
  }
  if (currents->switch_count > 1)
    qsort(currents->switches, currents->switch_count, sizeof *currents->switches, by_time);
}

/* Gives every neuron a place for each sine that can reach it, all of amplitude 0 at first. */
static enum hk_status place_sines(struct hk__currents *currents)
{
  const struct hk__built *built = currents->built;
  size_t total = 0;
  for (size_t i = 0; i < built->input_count; i++) {
    const struct hk__input *input = &built->inputs[i];
    if (input->kind != HK_INPUT_SINE)
      continue;
    total += input->count;
    for (uint32_t k = 0; k < input->count; k++)
      currents->current[built->populations[input->population].first + hk__input_neuron(input, k)].sine_count++;
  }
  currents->sines = calloc(total + 1, sizeof *currents->sines);
  if (!currents->sines)
    return HK_ERR_MEMORY;
  currents->bytes += total * sizeof *currents->sines;
  struct hk__sine *next = currents->sines;
  for (uint32_t n = 0; n < built->target_count; n++) {
    currents->current[n].sines = next;
    next += currents->current[n].sine_count;
  }
  return HK_OK;
}

static enum hk_status start_noises(struct hk__currents *currents)
{
  const struct hk__built *built = currents->built;
  currents->noises = calloc(built->input_count + 1, sizeof *currents->noises);
  if (!currents->noises)
    return HK_ERR_MEMORY;
  for (uint32_t i = 0; i < built->input_count; i++) {
    const struct hk__input *input = &built->inputs[i];
    if (input->kind != HK_INPUT_NOISE)
      continue;
    double *value = calloc(input->count + 1u, sizeof *value);
    if (!value)
      return HK_ERR_MEMORY;
    currents->noises[currents->noise_count++] = (struct hk__noise){.input = i, .time = input->from, .value = value};
    currents->bytes += input->count * sizeof *value;
    for (uint32_t k = 0; k < input->count; k++)
      currents->current[built->populations[input->population].first + hk__input_neuron(input, k)].noisy = true;
  }
  return HK_OK;
}

/* The next sample for every neuron of the input. */
static void draw_noise(const struct hk__built *built, struct hk__noise *noise)
{
  const struct hk__input *input = &built->inputs[noise->input];
  double keep = noise->step > 0 ? input->decay : 0, fresh = sqrt(fma(-keep, keep, 1));
  for (uint32_t k = 0; k < input->count; k++) {
    struct hk__gsl_stream g;
    hk__gsl_stream_init(&g, built->seed, HK__FOR_NOISE, noise->input, noise->step, hk__input_neuron(input, k));
    noise->value[k] = fma(keep, noise->value[k], fresh * gsl_ran_gaussian_ziggurat(&g.rng, 1.0));
  }
  noise->time = fma((double)++noise->step, input->dt, input->from);
  if (noise->time >= input->to)
    noise->time = INFINITY;
}

/* The noise whose step comes first; NULL if a switch of the list comes before it or at the same time. */
static struct hk__noise *next_noise(const struct hk__currents *currents)
{
  struct hk__noise *first = NULL;
  double time = currents->next < currents->switch_count ? currents->switches[currents->next].time : INFINITY;
  for (size_t i = 0; i < currents->noise_count; i++)
    if (currents->noises[i].time < time) {
      first = &currents->noises[i];
      time = first->time;
    }
  return first;
}

static const struct hk__noise *noise_of(const struct hk__currents *currents, size_t input)
{
  for (size_t i = 0; i < currents->noise_count; i++)
    if (currents->noises[i].input == input)
      return &currents->noises[i];
  return NULL;
}

enum hk_status hk__currents_init(struct hk__currents *currents, const struct hk__built *built)
{
  *currents = (struct hk__currents){.built = built};
  size_t switches = 0;
  for (size_t i = 0; i < built->input_count; i++)
    switches += count_switches(&built->inputs[i]);
  currents->current = calloc(built->target_count + 1u, sizeof *currents->current);
  currents->switches = calloc(switches + 1, sizeof *currents->switches);
  currents->level = calloc(built->input_count + 1, sizeof *currents->level);
  enum hk_status status = HK_ERR_MEMORY;
  if (currents->current && currents->switches && currents->level) {
    currents->bytes = built->target_count * sizeof *currents->current;
    list_switches(currents);
    status = place_sines(currents);
    if (status == HK_OK)
      status = start_noises(currents);
  }
  if (status != HK_OK)
    hk__currents_clear(currents);
  return status;
}

void hk__currents_clear(struct hk__currents *currents)
{
  free(currents->current);
  free(currents->sines);
  free(currents->switches);
  free(currents->level);
  for (size_t i = 0; i < currents->noise_count; i++)
    free(currents->noises[i].value);
  free(currents->noises);
  *currents = (struct hk__currents){.built = NULL};
}

double hk__currents_next(const struct hk__currents *currents)
{
  const struct hk__noise *noise = next_noise(currents);
  if (noise)
    return noise->time;
  return currents->next < currents->switch_count ? currents->switches[currents->next].time : INFINITY;
}

const struct hk__input *hk__currents_input(const struct hk__currents *currents)
{
  const struct hk__noise *noise = next_noise(currents);
  return &currents->built->inputs[noise ? noise->input : currents->switches[currents->next].input];
}

static double level_at(const struct hk__input *input, double time)
{
  if (time < input->from || time >= input->to)
    return 0;
  if (input->kind != HK_INPUT_STEPS)
    return 1;
  double level = 0;
  for (size_t k = 0; k < input->step_count && input->times[k] <= time; k++)
    level = input->amplitudes[k];
  return level;
}

/* The place of population neuron `neuron` among an input's targets; -1 if it is none. Lists are ascending. */
static ptrdiff_t target_slot(const struct hk__input *input, uint32_t neuron)
{
  if (!input->neurons)
    return neuron;
  size_t low = 0, high = input->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (input->neurons[middle] < neuron)
      low = middle + 1;
    else
      high = middle;
  }
  return low < input->count && input->neurons[low] == neuron ? (ptrdiff_t)low : -1;
}

static void sum_anew(struct hk__currents *currents, uint32_t population, uint32_t neuron)
{
  const struct hk__built *built = currents->built;
  struct hk__current *current = &currents->current[built->populations[population].first + neuron];
  struct hk__sine *sine = currents->sines + (current->sines - currents->sines);
  current->constant = 0;
  for (size_t i = 0; i < built->input_count; i++) {
    const struct hk__input *input = &built->inputs[i];
    if (!is_current(input) || input->population != population)
      continue;
    ptrdiff_t slot = target_slot(input, neuron);
    if (slot < 0)
      continue;
    double level = currents->level[i];
    if (input->kind == HK_INPUT_STEPS)
      current->constant += level;
    else if (input->kind == HK_INPUT_DC)
      current->constant += level * input->amplitude[slot];
    else if (input->kind == HK_INPUT_NOISE)
      current->constant += level * fma(input->std, noise_of(currents, i)->value[slot], input->mean);
    else {
      current->constant += level * input->offset[slot];
      *sine++ = (struct hk__sine){level * input->amplitude[slot], input->omega,
                                  fma(-input->omega, input->from, input->phase)};
    }
  }
}

void hk__currents_switch(struct hk__currents *currents)
{
  const struct hk__input *input = hk__currents_input(currents);
  struct hk__noise *noise = next_noise(currents);
  if (noise)
    draw_noise(currents->built, noise);
  else {
    struct hk__switch s = currents->switches[currents->next++];
    currents->level[s.input] = level_at(input, s.time);
  }
  for (uint32_t k = 0; k < input->count; k++)
    sum_anew(currents, input->population, hk__input_neuron(input, k));
}
