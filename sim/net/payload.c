/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/payload.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

#include "core/random.h"
#include "net/network.h"
#include "net/value.h"

static double on_grid(double delay, double grid)
{
  return grid > 0 ? grid * fmax(1.0, round(delay / grid)) : delay;
}

void hk__payload_init(struct hk__payload *payload, const struct hk_network *network, size_t projection, uint64_t seed,
                      double grid)
{
  const struct hk_projection_spec *spec = hk_network_projection(network, projection);
  const struct hk_model *model = hk_network_model(network, spec->target);
  *payload = (struct hk__payload){.spec = spec, .seed = seed, .projection = (uint32_t)projection, .grid = grid};
  payload->constant_weight = spec->weight.a + 0.0; /* -0 becomes 0: equal weights have equal bits */
  payload->constant_delay = on_grid(spec->delay.a, grid);
  payload->weight_varies = spec->weight.kind != HK_VALUE_CONSTANT;
  payload->delay_varies = spec->delay.kind != HK_VALUE_CONSTANT;
  payload->countable = !hk__value_is_drawn(&spec->weight) && (grid > 0 || !hk__value_is_drawn(&spec->delay));
  int named = spec->port ? hk_model_port(model, spec->port) : -1;
  int positive = hk__model_port_for(model, 1.0), other = hk__model_port_for(model, -1.0);
  /* a port that is missing is one that no weight goes to: the check of the projection saw to it */
  payload->port_positive = (uint16_t)(named >= 0 ? named : positive >= 0 ? positive : other);
  payload->port_other = (uint16_t)(named >= 0 ? named : other >= 0 ? other : positive);
}

static size_t list_index(const struct hk__payload *payload, uint32_t target, uint32_t k, const struct hk__draw *draw)
{
  return payload->spec->rule.kind == HK_RULE_PAIRS ? draw->pair[k] : target;
}

bool hk__payload_weights(const struct hk__payload *payload, uint32_t target, uint32_t count,
                         const struct hk__draw *draw, double *out, uint32_t *bad)
{
  const struct hk_value *value = &payload->spec->weight;
  bool good = true;
  struct hk__gsl_batch stream;
  switch (value->kind) {
  case HK_VALUE_CONSTANT:
    for (uint32_t k = 0; k < count; k++)
      out[k] = payload->constant_weight;
    return true;
  case HK_VALUE_LIST:
    for (uint32_t k = 0; k < count; k++)
      out[k] = value->list[list_index(payload, target, k, draw)] + 0.0;
    return true;
  default:
    hk__gsl_batch_init(&stream, payload->seed, HK__FOR_WEIGHT, payload->projection, target, 0);
    hk__value_draw_many(value, &stream.rng, count, out);
    for (uint32_t k = 0; k < count; k++) {
      out[k] = (double)(float)out[k] + 0.0;
      if (!isfinite(out[k]) && good) {
        good = false;
        *bad = k;
      }
    }
    return good;
  }
}

/* The nearest float that is positive if the delay is. */
static double round_delay(double delay)
{
  float nearest = (float)delay;
  return nearest == 0.0F && delay > 0 ? (double)FLT_TRUE_MIN : (double)nearest;
}

bool hk__payload_delays(const struct hk__payload *payload, uint32_t target, uint32_t count, const struct hk__draw *draw,
                        double *out, uint32_t *bad)
{
  const struct hk_value *value = &payload->spec->delay;
  bool good = true;
  double longest;
  struct hk__gsl_batch stream;
  switch (value->kind) {
  case HK_VALUE_CONSTANT:
    for (uint32_t k = 0; k < count; k++)
      out[k] = payload->constant_delay;
    return true;
  case HK_VALUE_LIST:
    for (uint32_t k = 0; k < count; k++)
      out[k] = on_grid(value->list[list_index(payload, target, k, draw)], payload->grid);
    return true;
  default:
    hk__gsl_batch_init(&stream, payload->seed, HK__FOR_DELAY, payload->projection, target, 0);
    /* multiples of the grid are stored as floats, exact up to 2^24 */
    longest = payload->grid > 0 ? payload->grid * 0x1p24 : (double)FLT_MAX;
    hk__value_draw_many(value, &stream.rng, count, out);
    for (uint32_t k = 0; k < count; k++) {
      double delay = out[k];
      out[k] = payload->grid > 0 ? on_grid(delay, payload->grid) : round_delay(delay);
      if (!(delay > 0 && out[k] <= longest) && good) {
        good = false;
        *bad = k;
      }
    }
    return good;
  }
}

static bool fits(double x, double scale)
{
  float f = (float)(x / scale);
  return isfinite(f) && scale * (double)f == x;
}

bool hk__payload_weight_fits(const struct hk__payload *payload, double scale)
{
  const struct hk_value *value = &payload->spec->weight;
  if (value->kind == HK_VALUE_CONSTANT)
    return fits(value->a, scale);
  if (value->kind != HK_VALUE_LIST)
    return scale == 1.0;
  for (size_t i = 0; i < value->count; i++)
    if (!fits(value->list[i], scale))
      return false;
  return true;
}

bool hk__payload_delay_fits(const struct hk__payload *payload, double scale)
{
  const struct hk_value *value = &payload->spec->delay;
  if (value->kind == HK_VALUE_CONSTANT)
    return fits(payload->constant_delay, scale);
  if (value->kind != HK_VALUE_LIST)
    return payload->grid > 0 ? scale == payload->grid : scale == 1.0;
  for (size_t i = 0; i < value->count; i++)
    if (!fits(on_grid(value->list[i], payload->grid), scale))
      return false;
  return true;
}

static double magnitude(double x)
{
  return x == 0.0 || !isfinite(1.0 / x) ? 1.0 : fabs(x);
}

double hk__payload_weight_scale(const struct hk__payload *payload)
{
  const struct hk_value *value = &payload->spec->weight;
  if (value->kind == HK_VALUE_CONSTANT)
    return magnitude(value->a);
  return value->kind == HK_VALUE_LIST && value->count > 0 ? magnitude(value->list[0]) : 1.0;
}

double hk__payload_delay_scale(const struct hk__payload *payload)
{
  const struct hk_value *value = &payload->spec->delay;
  if (payload->grid > 0)
    return payload->grid;
  if (value->kind == HK_VALUE_CONSTANT)
    return value->a;
  return value->kind == HK_VALUE_LIST && value->count > 0 ? value->list[0] : 1.0;
}
