/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ann/dataset.h"

#include <gsl/gsl_sort_float.h>
#include <gsl/gsl_statistics_float.h>
#include <stdlib.h>
#include <string.h>

void hk__samples_clear(struct hk__samples *samples)
{
  free(samples->value);
  free(samples->label);
  *samples = (struct hk__samples){0};
}

enum hk_status hk__samples_init(struct hk__samples *samples, size_t count, size_t features)
{
  struct hk__samples s = {.count = count};
  size_t cells;
  if (__builtin_mul_overflow(count, features, &cells))
    return HK_ERR_MEMORY;
  s.value = calloc(cells ? cells : 1, sizeof *s.value);
  s.label = calloc(count ? count : 1, sizeof *s.label);
  if (!s.value || !s.label) {
    hk__samples_clear(&s);
    return HK_ERR_MEMORY;
  }
  *samples = s;
  return HK_OK;
}

void hk__dataset_clear(struct hk__dataset *data)
{
  hk__samples_clear(&data->train);
  hk__samples_clear(&data->test);
  *data = (struct hk__dataset){0};
}

static void copy_sample(struct hk__samples *to, size_t at, const struct hk__samples *from, size_t i, size_t features)
{
  memcpy(to->value + at * features, from->value + i * features, features * sizeof *to->value);
  to->label[at] = from->label[i];
}

enum hk_status hk__dataset_split(struct hk__dataset *data, size_t step)
{
  const struct hk__samples all = data->train;
  size_t test_count = (all.count + step - 1) / step;
  struct hk__samples train, test;
  enum hk_status status = hk__samples_init(&train, all.count - test_count, data->features);
  if (status != HK_OK)
    return status;
  status = hk__samples_init(&test, test_count, data->features);
  if (status != HK_OK) {
    hk__samples_clear(&train);
    return status;
  }
  for (size_t i = 0, to_train = 0; i < all.count; i++) {
    if (i % step == 0)
      copy_sample(&test, i / step, &all, i, data->features);
    else
      copy_sample(&train, to_train++, &all, i, data->features);
  }
  hk__samples_clear(&data->train);
  hk__samples_clear(&data->test);
  data->train = train;
  data->test = test;
  return HK_OK;
}

static void widen(const struct hk__samples *s, size_t features, size_t f, float *low, float *high)
{
  for (size_t i = 0; i < s->count; i++) {
    float v = s->value[i * features + f];
    *low = v < *low ? v : *low;
    *high = v > *high ? v : *high;
  }
}

static void rescale(struct hk__samples *s, size_t features, size_t f, float low, float high)
{
  for (size_t i = 0; i < s->count; i++) {
    float *v = &s->value[i * features + f];
    float scaled = high > low ? (*v - low) / (high - low) : 0.0F;
    *v = scaled < 0.0F ? 0.0F : scaled > 1.0F ? 1.0F : scaled;
  }
}

void hk__dataset_scale(struct hk__dataset *data, bool together)
{
  if (data->train.count == 0)
    return;
  float low = data->train.value[0], high = low;
  if (together)
    for (size_t f = 0; f < data->features; f++)
      widen(&data->train, data->features, f, &low, &high);
  for (size_t f = 0; f < data->features; f++) {
    if (!together) {
      low = high = data->train.value[f];
      widen(&data->train, data->features, f, &low, &high);
    }
    rescale(&data->train, data->features, f, low, high);
    rescale(&data->test, data->features, f, low, high);
  }
}

static size_t largest_label(const struct hk__samples *s, size_t largest)
{
  for (size_t i = 0; i < s->count; i++)
    if (s->label[i] >= 0 && (size_t)s->label[i] > largest)
      largest = (size_t)s->label[i];
  return largest;
}

enum hk_status hk__dataset_check(struct hk__dataset *data, const char *where, struct hk_messages *messages)
{
  if (data->classes == 0)
    data->classes = largest_label(&data->test, largest_label(&data->train, 1)) + 1;
  const struct hk__samples *parts[] = {&data->train, &data->test};
  for (size_t p = 0; p < 2; p++)
    for (size_t i = 0; i < parts[p]->count; i++) {
      int32_t label = parts[p]->label[i];
      if (label >= 0 && (size_t)label < data->classes)
        continue;
      hk_messages_add(messages, HK_SEVERITY_ERROR, &(struct hk_place){.file = where},
                      "%s sample %zu has the label %ld, but labels go from 0 to %zu", p == 0 ? "training" : "test", i,
                      (long)label, data->classes - 1);
      return HK_ERR_INPUT;
    }
  return HK_OK;
}

void hk__encoder_clear(struct hk__encoder *encoder)
{
  free(encoder->threshold);
  *encoder = (struct hk__encoder){0};
}

static enum hk_status encoder_reserve(struct hk__encoder *encoder, enum hk__code_kind kind, size_t features,
                                      size_t steps)
{
  *encoder = (struct hk__encoder){.kind = kind, .features = features, .steps = kind == HK__CODE_DIRECT ? 1 : steps};
  if (kind == HK__CODE_DIRECT)
    return HK_OK;
  encoder->threshold = calloc(features * steps, sizeof *encoder->threshold);
  return encoder->threshold ? HK_OK : HK_ERR_MEMORY;
}

enum hk_status hk__encoder_init(struct hk__encoder *encoder, enum hk__code_kind kind, size_t features,
                                const double *thresholds, size_t steps)
{
  enum hk_status status = encoder_reserve(encoder, kind, features, steps);
  if (status != HK_OK || kind == HK__CODE_DIRECT)
    return status;
  for (size_t i = 0; i < features * steps; i++)
    encoder->threshold[i] = (float)thresholds[i % steps];
  return HK_OK;
}

enum hk_status hk__encoder_quantiles(struct hk__encoder *encoder, enum hk__code_kind kind, size_t features,
                                     size_t steps, const struct hk__samples *samples)
{
  float *column = malloc((samples->count + 1) * sizeof *column);
  enum hk_status status = column ? encoder_reserve(encoder, kind, features, steps) : HK_ERR_MEMORY;
  for (size_t f = 0; status == HK_OK && f < features; f++) {
    for (size_t i = 0; i < samples->count; i++)
      column[i] = samples->value[i * features + f];
    gsl_sort_float(column, 1, samples->count);
    for (size_t k = 0; k < steps; k++)
      encoder->threshold[f * steps + k] = (float)gsl_stats_float_quantile_from_sorted_data(
          column, 1, samples->count, (double)(k + 1) / (double)(steps + 1));
  }
  free(column);
  return status;
}

size_t hk__encoder_units(const struct hk__encoder *encoder)
{
  return encoder->features * encoder->steps;
}

void hk__encode(const struct hk__encoder *encoder, const float *value, float *out)
{
  if (encoder->kind == HK__CODE_DIRECT) {
    memcpy(out, value, encoder->features * sizeof *out);
    return;
  }
  size_t steps = encoder->steps;
  for (size_t f = 0; f < encoder->features; f++) {
    const float *threshold = encoder->threshold + f * steps;
    float *unit = out + f * steps;
    for (size_t k = 0; k < steps; k++)
      unit[k] = value[f] >= threshold[k] ? 1.0F : 0.0F;
    if (encoder->kind == HK__CODE_BANDS)
      for (size_t k = 0; k + 1 < steps; k++)
        unit[k] -= unit[k + 1];
  }
}
