/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/lengths.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "core/poisson.h"
#include "core/scheduler.h"

enum { LEVELS = HK__LENGTH_LEVELS };

/* --- the longest --- */

static bool is_source(const struct hk__population *population)
{
  return population->model->kind == HK_MODEL_POISSON || population->model->kind == HK_MODEL_TRAINS;
}

static bool has_private_input(const struct hk__built *built)
{
  for (size_t i = 0; i < built->input_count; i++)
    if (built->inputs[i].kind == HK_INPUT_POISSON)
      return true;
  return false;
}

/* A length up to `most` whose windows end where bins of Poisson trains do, unless that is much less than `length`. */
static double match_bins(double length, double most)
{
  static const double enough = 0.75;
  double matched = hk__poisson_unit;
  while (2 * matched <= most)
    matched *= 2;
  while (matched > most)
    matched /= 2;
  return matched >= enough * length ? matched : length;
}

double hk__windows_length(const struct hk__built *built)
{
  const struct hk__connectome *c = built->connectome;
  double delay = INFINITY, reach = INFINITY;
  for (size_t b = 0; b < c->block_count; b++)
    if (!is_source(&built->populations[c->blocks[b].source_population]))
      delay = fmin(delay, c->blocks[b].min_delay);
  for (size_t k = 0; k < built->kernel_count; k++)
    reach = fmin(reach, built->kernels[k]->reach);
  double longest = fmin(reach, 1.0);
  double length = delay <= longest ? delay : delay == INFINITY ? longest : delay / ceil(delay / longest);
  return has_private_input(built) ? match_bins(length, fmin(delay, longest)) : length;
}

/* --- responses --- */

static int by_kernel(const void *a, const void *b, void *kernels)
{
  const struct hk__kernel **k = kernels;
  return hk__kernel_compare(k[*(const uint32_t *)a], k[*(const uint32_t *)b]);
}

static enum hk_status make_classes(struct hk__lengths *l, const struct hk__built *built)
{
  const struct hk__kernel **kernels = (const struct hk__kernel **)built->kernels;
  size_t count = built->kernel_count;
  uint32_t *order = malloc((count + 1) * sizeof *order);
  l->class = malloc((count + 1) * sizeof *l->class);
  l->classes = malloc((count + 1) * sizeof *l->classes);
  if (!order || !l->class || !l->classes) {
    free(order);
    return HK_ERR_MEMORY;
  }
  for (size_t k = 0; k < count; k++)
    order[k] = (uint32_t)k;
  if (count > 0)
    qsort_r(order, count, sizeof *order, by_kernel, kernels);
  for (size_t k = 0; k < count; k++) {
    const struct hk__kernel *kernel = kernels[order[k]];
    if (k == 0 || hk__kernel_compare(kernel, l->classes[l->class_count - 1]) != 0)
      l->classes[l->class_count++] = kernel;
    l->class[order[k]] = (uint32_t)(l->class_count - 1);
  }
  free(order);
  l->set_bytes = sizeof **l->responses;
  for (size_t k = 0; k < l->class_count; k++)
    l->set_bytes += sizeof **l->responses + hk__response_doubles(l->classes[k]->model) * sizeof(double);
  return HK_OK;
}

static enum hk_status make_responses(const struct hk__lengths *l, double h, struct hk__response **out)
{
  *out = calloc(1, l->set_bytes);
  if (!*out)
    return HK_ERR_MEMORY;
  double *memory = (double *)(*out + l->class_count);
  for (size_t k = 0; k < l->class_count; k++) {
    if (hk__response_suits(l->classes[k], l->longest))
      hk__response_init(&(*out)[k], l->classes[k], h, memory);
    memory += hk__response_doubles(l->classes[k]->model);
  }
  return HK_OK;
}

/* Many windows are cut to one length, but for the rounding of the times at their ends: then what was made for the last
 * serves again, and the window has that length. */
enum hk_status hk__lengths_cut(struct hk__lengths *l, double start, double end, double *length,
                               const struct hk__response **responses)
{
  if (!l->odd || !(fabs(end - start - l->odd_length) <= 4 * DBL_EPSILON * end)) {
    free(l->odd);
    l->odd = NULL;
    l->odd_length = 0;
    enum hk_status status = make_responses(l, end - start, &l->odd);
    if (status != HK_OK)
      return status;
    l->odd_length = end - start;
  }
  *length = l->odd_length;
  *responses = l->odd;
  return HK_OK;
}

/* --- levels --- */

/* The level that suits what the windows since the last look have cost, in units of one neuron's sweep. */
static unsigned choose_level(const struct hk__lengths *l, const struct hk__effort *now)
{
  static const double per_suspect = 400, per_recalled = 80, per_event_seen_again = 0.6, per_window = 1000,
                      per_response = 50000;
  const struct hk__effort *seen = &l->seen;
  double windows = (double)(now->windows - seen->windows), suspects = (double)(now->suspects - seen->suspects);
  double sweeps = windows * per_window + (double)(now->swept - seen->swept);
  double care = per_suspect * suspects + per_recalled * (double)(now->recalled - seen->recalled) +
                (suspects > 0 ? per_event_seen_again * (double)(now->events - seen->events) : 0);
  unsigned level = l->level;
  if (level + 1 < LEVELS && care > 2 * sweeps + (l->responses[level + 1] ? 0 : per_response * (double)l->class_count))
    level += care > 20 * sweeps && level + 2 < LEVELS ? 2 : 1;
  else if (care < 0.3 * sweeps && level > 0)
    level--;
  return level;
}

/* Windows grow only where two of the present ones make one of the new: so windows of all lengths end at the same times,
 * as far as they can. */
enum hk_status hk__lengths_weigh(struct hk__lengths *l, const struct hk__effort *now, uint64_t *k)
{
  unsigned level = choose_level(l, now);
  if (level < l->level && *k % 2 != 0)
    return HK_OK;
  l->seen = *now;
  if (!l->responses[level]) {
    enum hk_status status = make_responses(l, ldexp(l->longest, -(int)level), &l->responses[level]);
    if (status != HK_OK)
      return status;
  }
  *k = level < l->level ? *k / 2 : *k << (level - l->level);
  l->level = level;
  l->h = ldexp(l->longest, -(int)level);
  return HK_OK;
}

/* --- setting up --- */

enum hk_status hk__lengths_init(struct hk__lengths *l, const struct hk__built *built)
{
  *l = (struct hk__lengths){.level = 0};
  l->h = l->longest = hk__windows_length(built);
  enum hk_status status = make_classes(l, built);
  return status == HK_OK ? make_responses(l, l->h, &l->responses[0]) : status;
}

void hk__lengths_clear(struct hk__lengths *l)
{
  for (unsigned level = 0; level < LEVELS; level++)
    free(l->responses[level]);
  free(l->odd);
  free(l->class);
  free(l->classes);
}

uint64_t hk__lengths_bytes(const struct hk__lengths *l)
{
  uint64_t made = l->odd ? 1 : 0;
  for (int level = 0; level < LEVELS; level++)
    made += l->responses[level] ? 1 : 0;
  return made * l->set_bytes;
}
