/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/payload.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

#include "core/random.h"
#include "net/network.h"
#include "net/value.h"

enum { TICKS_MOST = 65535 };

static double on_grid(double delay, double grid)
{
  return grid > 0 ? grid * fmax(1.0, round(delay / grid)) : delay;
}

/* The smallest power of two of which TICKS_MOST reach `top`. */
static double smallest_tick(double top)
{
  double tick = ldexp(1, ilogb(top / TICKS_MOST));
  return tick * TICKS_MOST < top ? 2 * tick : tick;
}

static void choose_tick(struct hk__payload *payload, const struct hk_value *delay)
{
  static const double wide = 2048, far = 8; /* ticks; standard deviations */
  double low = delay->min, high = delay->max, spread = delay->b;
  payload->tick = 0;
  if (delay->kind == HK_VALUE_UNIFORM) {
    low = delay->a;
    high = delay->b;
    spread = INFINITY;
  } else if (delay->kind == HK_VALUE_NORMAL)
    high = fmin(high, delay->a + far * delay->b);
  else
    return;
  if (!(high > 0 && isnormal(high / TICKS_MOST)))
    return;
  double tick = smallest_tick(high);
  if (!(fmin(spread, high - low) >= wide * tick))
    return;
  payload->tick = tick;
  payload->fewest = fmax(ceil(low / tick), 1);
  payload->most = floor(high / tick);
}

static double on_tick(const struct hk__payload *payload, double delay)
{
  double ticks = floor(delay / payload->tick + 0.5);
  ticks = ticks > payload->fewest ? ticks : payload->fewest;
  return payload->tick * (ticks < payload->most ? ticks : payload->most);
}

void hk__payload_init(struct hk__payload *payload, const struct hk_network *network, size_t projection, uint64_t seed,
                      double grid)
{
  const struct hk_projection_spec *spec = hk_network_projection(network, projection);
  const struct hk_model *model = hk_network_model(network, spec->target);
  *payload = (struct hk__payload){.spec = spec, .seed = seed, .projection = (uint32_t)projection, .grid = grid};
  payload->constant_weight = spec->weight.a + 0.0; /* -0 becomes 0: equal weights have equal bits */
  payload->constant_delay = on_grid(spec->delay.a, grid);
  if (!(grid > 0))
    choose_tick(payload, &spec->delay);
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
      out[k] = payload->grid > 0   ? on_grid(delay, payload->grid)
               : payload->tick > 0 ? on_tick(payload, delay)
                                   : round_delay(delay);
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

static bool ticks_fit(double delay, double scale)
{
  double ticks = rint(delay / scale);
  return ticks <= TICKS_MOST && scale * ticks == delay;
}

bool hk__payload_ticks_fit(const struct hk__payload *payload, double scale)
{
  const struct hk_value *value = &payload->spec->delay;
  if (value->kind == HK_VALUE_CONSTANT)
    return ticks_fit(payload->constant_delay, scale);
  if (value->kind != HK_VALUE_LIST)
    return payload->tick > 0 && scale == payload->tick;
  for (size_t i = 0; i < value->count; i++)
    if (!ticks_fit(on_grid(value->list[i], payload->grid), scale))
      return false;
  return true;
}

bool hk__payload_one_port(const struct hk__payload *payload, uint16_t *port)
{
  const struct hk_value *value = &payload->spec->weight;
  bool positive = value->kind == HK_VALUE_LOGNORMAL || (value->kind == HK_VALUE_EXPONENTIAL && value->a > 0);
  double low = positive ? fmax(value->min, 0) : value->min, high = value->max;
  if (value->kind == HK_VALUE_CONSTANT)
    low = high = value->a;
  else if (value->kind == HK_VALUE_UNIFORM) {
    low = value->a;
    high = value->b;
  } else if (value->kind == HK_VALUE_LIST) {
    low = INFINITY;
    high = -INFINITY;
    for (size_t i = 0; i < value->count; i++) {
      low = fmin(low, value->list[i]);
      high = fmax(high, value->list[i]);
    }
  }
  /* a weight of 0 does nothing at whatever port */
  *port = low >= 0 ? payload->port_positive : payload->port_other;
  return low >= 0 || high <= 0 || payload->port_positive == payload->port_other;
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

double hk__payload_tick(const struct hk__payload *payload)
{
  return payload->tick > 0 ? payload->tick : hk__payload_delay_scale(payload);
}
