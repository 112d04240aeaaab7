/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A drawn value's bounds are part of it: what is outside is drawn again. Its distribution functions, with and without
 * the bounds, tell beforehand how often that happens and whether a draw could break a demand. */
#include "net/value.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A draw must be inside its bounds at least this often, and may break a demand at most that often. */
static const double acceptance_min = 1e-4, breach_max = 1e-12;

enum { DRAWS_MAX = 1 << 24 };

struct hk_value hk_value_constant(double a)
{
  return (struct hk_value){.kind = HK_VALUE_CONSTANT, .a = a, .min = -INFINITY, .max = INFINITY, .scale = 1.0};
}

struct hk_value hk_value_list(const double *list, size_t count)
{
  struct hk_value value = hk_value_constant(0.0);
  value.kind = HK_VALUE_LIST;
  value.list = list;
  value.count = count;
  return value;
}

struct hk_value hk_value_uniform(double low, double high)
{
  struct hk_value value = hk_value_constant(low);
  value.kind = HK_VALUE_UNIFORM;
  value.b = high;
  return value;
}

struct hk_value hk_value_normal(double mean, double sd, double min, double max)
{
  struct hk_value value = {.kind = HK_VALUE_NORMAL, .a = mean, .b = sd, .min = min, .max = max, .scale = 1.0};
  return value;
}

enum hk_status hk__value_copy(const struct hk_value *value, struct hk_value *out)
{
  struct hk_value copy = *value;
  copy.list = NULL;
  copy.count = 0;
  if (value->kind == HK_VALUE_LIST && value->count > 0) {
    double *list = malloc(value->count * sizeof *list);
    if (!list)
      return HK_ERR_MEMORY;
    memcpy(list, value->list, value->count * sizeof *list);
    copy.list = list;
    copy.count = value->count;
  }
  *out = copy;
  return HK_OK;
}

void hk__value_clear(struct hk_value *value)
{
  free((void *)value->list);
  value->list = NULL;
  value->count = 0;
}

/* --- distributions --- */

/* The chance of a draw below x, or above x with upper, before any redrawing. */
static double tail(const struct hk_value *v, double x, bool upper)
{
  if (isinf(x))
    return (x > 0) != upper ? 1.0 : 0.0;
  switch (v->kind) {
  case HK_VALUE_UNIFORM:
    return upper ? gsl_cdf_flat_Q(x, v->a, v->b) : gsl_cdf_flat_P(x, v->a, v->b);
  case HK_VALUE_NORMAL:
    if (v->b == 0.0)
      return upper ? v->a > x : v->a < x;
    return upper ? gsl_cdf_ugaussian_Q((x - v->a) / v->b) : gsl_cdf_ugaussian_P((x - v->a) / v->b);
  case HK_VALUE_LOGNORMAL: {
    if (x <= 0.0)
      return upper ? 1.0 : 0.0;
    struct hk_value logarithm = hk_value_normal(v->a + log(v->scale), v->b, -INFINITY, INFINITY);
    return tail(&logarithm, log(x), upper);
  }
  case HK_VALUE_EXPONENTIAL:
    return upper ? gsl_cdf_exponential_Q(fmax(x, 0.0), v->a) : gsl_cdf_exponential_P(fmax(x, 0.0), v->a);
  default:
    return 0.0;
  }
}

static bool has_bounds(const struct hk_value *v)
{
  return v->kind == HK_VALUE_NORMAL || v->kind == HK_VALUE_LOGNORMAL || v->kind == HK_VALUE_EXPONENTIAL;
}

/* The chance of a draw inside the value's own bounds, taken from the smaller tails so that it stays exact far out. */
static double acceptance(const struct hk_value *v)
{
  if (!has_bounds(v))
    return 1.0;
  double below = tail(v, v->min, false), above = tail(v, v->max, true);
  if (below > 0.5)
    return tail(v, v->min, true) - above;
  if (above > 0.5)
    return tail(v, v->max, false) - below;
  return 1.0 - below - above;
}

/* The chance of a value, after redrawing, below low or above high. */
static double breach(const struct hk_value *v, double low, double high)
{
  double out = 0.0;
  if (!has_bounds(v) || v->min < low)
    out += tail(v, low, false) - (has_bounds(v) ? tail(v, v->min, false) : 0.0);
  if (!has_bounds(v) || v->max > high)
    out += tail(v, high, true) - (has_bounds(v) ? tail(v, v->max, true) : 0.0);
  return out / acceptance(v);
}

static double draw_once(const struct hk_value *v, const gsl_rng *rng)
{
  switch (v->kind) {
  case HK_VALUE_UNIFORM: {
    double x = v->a + (v->b - v->a) * gsl_rng_uniform(rng);
    return x < v->b ? x : nextafter(v->b, v->a);
  }
  case HK_VALUE_NORMAL:
    return v->a + v->b * gsl_ran_gaussian_ziggurat(rng, 1.0);
  case HK_VALUE_LOGNORMAL:
    return v->scale * exp(v->a + v->b * gsl_ran_gaussian_ziggurat(rng, 1.0));
  case HK_VALUE_EXPONENTIAL:
    return gsl_ran_exponential(rng, v->a);
  default:
    return NAN;
  }
}

double hk__value_draw(const struct hk_value *value, const gsl_rng *rng)
{
  if (!has_bounds(value))
    return draw_once(value, rng);
  for (int i = 0; i < DRAWS_MAX; i++) {
    double x = draw_once(value, rng);
    if (x >= value->min && x <= value->max)
      return x;
  }
  return NAN;
}

void hk__value_draw_many(const struct hk_value *value, const gsl_rng *rng, uint32_t count, double *out)
{
  if (value->kind != HK_VALUE_NORMAL) {
    for (uint32_t k = 0; k < count; k++)
      out[k] = hk__value_draw(value, rng);
    return;
  }
  /* the one that large networks draw by the hundred million */
  double mean = value->a, sd = value->b, min = value->min, max = value->max;
  for (uint32_t k = 0; k < count; k++) {
    double x = mean + sd * gsl_ran_gaussian_ziggurat(rng, 1.0);
    out[k] = x >= min && x <= max ? x : hk__value_draw(value, rng);
  }
}

double hk__value_get(const struct hk_value *value, size_t index, const gsl_rng *rng)
{
  switch (value->kind) {
  case HK_VALUE_CONSTANT:
    return value->a;
  case HK_VALUE_LIST:
    return value->list[index];
  default:
    return hk__value_draw(value, rng);
  }
}

/* --- checks --- */

struct check {
  const struct hk_value *value;
  const struct hk__demand *demand;
  const struct hk_place *place;
  struct hk_messages *messages;
  bool good;
};

#define FAULT(c, ...) ((c)->good = false, hk_messages_add((c)->messages, HK_SEVERITY_ERROR, (c)->place, __VA_ARGS__))

/* " mV", or nothing for a bare number */
static void unit_text(const struct hk__demand *demand, char text[32])
{
  bool bare = !demand->unit || strcmp(demand->unit, "1") == 0;
  snprintf(text, 32, "%s%s", bare ? "" : " ", bare ? "" : demand->unit);
}

static void range_text(const struct hk__demand *d, char text[128])
{
  char unit[32];
  unit_text(d, unit);
  if (isinf(d->low) && isinf(d->high))
    snprintf(text, 128, "a finite number");
  else if (isinf(d->high))
    snprintf(text, 128, "%s %g%s", d->open_low ? "above" : "at least", d->low, unit);
  else if (isinf(d->low))
    snprintf(text, 128, "at most %g%s", d->high, unit);
  else
    snprintf(text, 128, "%s %g and at most %g%s", d->open_low ? "above" : "at least", d->low, d->high, unit);
}

static bool fits(const struct hk__demand *d, double x)
{
  return isfinite(x) && x >= d->low && x <= d->high && !(d->open_low && x == d->low);
}

static void check_constant(struct check *c)
{
  char unit[32], range[128];
  if (fits(c->demand, c->value->a))
    return;
  unit_text(c->demand, unit);
  range_text(c->demand, range);
  FAULT(c, "%s is %g%s but must be %s", c->demand->what, c->value->a, unit, range);
}

static void check_list(struct check *c)
{
  const struct hk_value *v = c->value;
  const struct hk__demand *d = c->demand;
  if (d->no_list) {
    FAULT(c, "%s is a list, which only the rules `pairs` and `one_to_one` can use; give a value or a distribution",
          d->what);
    return;
  }
  if (v->count != d->count) {
    FAULT(c, "%s is a list of %zu values but needs %zu, one per %s", d->what, v->count, d->count, d->per);
    return;
  }
  size_t bad = 0, first = 0;
  for (size_t i = 0; i < v->count; i++)
    if (!fits(d, v->list[i]) && bad++ == 0)
      first = i;
  if (bad == 0)
    return;
  char unit[32], range[128];
  unit_text(d, unit);
  range_text(d, range);
  if (bad == 1)
    FAULT(c, "%s: value %zu of the list is %g%s but must be %s", d->what, first, v->list[first], unit, range);
  else
    FAULT(c, "%s: %zu values of the list, value %zu (%g%s) the first, are not %s", d->what, bad, first, v->list[first],
          unit, range);
}

static bool check_shape(struct check *c)
{
  const struct hk_value *v = c->value;
  const char *what = c->demand->what;
  switch (v->kind) {
  case HK_VALUE_UNIFORM:
    if (!isfinite(v->a) || !isfinite(v->b) || !isfinite(v->b - v->a))
      FAULT(c, "%s: the bounds of `uniform` must be finite, not %g and %g", what, v->a, v->b);
    else if (v->a >= v->b)
      FAULT(c, "%s: the lower bound of `uniform`, %g, must be below the upper one, %g", what, v->a, v->b);
    break;
  case HK_VALUE_NORMAL:
    if (!isfinite(v->a))
      FAULT(c, "%s: the mean of `normal` must be finite, not %g", what, v->a);
    if (!isfinite(v->b) || v->b < 0)
      FAULT(c, "%s: the standard deviation of `normal` is %g but must be at least 0", what, v->b);
    break;
  case HK_VALUE_LOGNORMAL:
    if (!isfinite(v->a))
      FAULT(c, "%s: the mean of `lognormal` (of the logarithm) must be finite, not %g", what, v->a);
    if (!isfinite(v->b) || v->b < 0)
      FAULT(c, "%s: the standard deviation of `lognormal` (of the logarithm) is %g but must be at least 0", what, v->b);
    if (!isfinite(v->scale) || v->scale <= 0)
      FAULT(c, "%s: the scale of `lognormal` is %g but must be above 0", what, v->scale);
    break;
  case HK_VALUE_EXPONENTIAL:
    if (!isfinite(v->a) || v->a <= 0)
      FAULT(c, "%s: the mean of `exponential` is %g but must be above 0", what, v->a);
    break;
  default:
    FAULT(c, "%s: unknown kind of value %d", what, (int)v->kind);
  }
  return c->good;
}

/* Whether a draw may be the lower end of the range itself where that end is not in it. lognormal and exponential keep
 * above 0 of themselves. */
static bool touches_low(const struct hk_value *v, const struct hk__demand *d)
{
  if (!d->open_low)
    return false;
  if (v->kind == HK_VALUE_UNIFORM)
    return v->a == d->low;
  if (v->kind == HK_VALUE_NORMAL)
    return v->b == 0.0 ? v->a == d->low : v->min == d->low && tail(v, d->low, false) > breach_max;
  return false;
}

static void check_drawn(struct check *c)
{
  const struct hk_value *v = c->value;
  const struct hk__demand *d = c->demand;
  if (!check_shape(c))
    return;
  if (has_bounds(v) && !(v->min <= v->max && (v->min < v->max || v->b == 0.0))) {
    FAULT(c, "%s: min, %g, must be below max, %g", d->what, v->min, v->max);
    return;
  }
  double accepted = acceptance(v);
  if (!(accepted >= acceptance_min)) {
    FAULT(c,
          "%s: only a fraction of %.2g of all draws would fall between min, %g, and max, %g, so that drawing again "
          "until inside would hardly end; move the bounds or the distribution",
          d->what, fmax(accepted, 0.0), v->min, v->max);
    return;
  }
  double out = breach(v, d->low, d->high);
  if (out <= breach_max && !touches_low(v, d))
    return;
  char range[128];
  range_text(d, range);
  if (v->kind == HK_VALUE_NORMAL && v->min == d->low && out <= breach_max)
    FAULT(c, "%s: min is %g but must be %s", d->what, v->min, range);
  else if (v->kind == HK_VALUE_UNIFORM)
    FAULT(c, "%s: `uniform` from %g to %g leaves the allowed range: must be %s", d->what, v->a, v->b, range);
  else
    FAULT(c, "%s: a draw could be out of range (chance %.2g): must be %s; set min or max", d->what,
          fmin(fmax(out, 0.0), 1.0), range);
}

bool hk__value_check(const struct hk_value *value, const struct hk__demand *demand, const struct hk_place *place,
                     struct hk_messages *messages)
{
  struct check c = {value, demand, place, messages, true};
  if (value->kind == HK_VALUE_CONSTANT)
    check_constant(&c);
  else if (value->kind == HK_VALUE_LIST)
    check_list(&c);
  else
    check_drawn(&c);
  return c.good;
}

double hk_value_mean(const struct hk_value *value)
{
  double sum = 0;
  switch (value->kind) {
  case HK_VALUE_LIST:
    for (size_t i = 0; i < value->count; i++)
      sum += value->list[i];
    return sum / (double)value->count;
  case HK_VALUE_UNIFORM:
    return (value->a + value->b) / 2;
  case HK_VALUE_LOGNORMAL:
    return value->scale * exp(value->a + value->b * value->b / 2);
  default:
    return value->a;
  }
}
