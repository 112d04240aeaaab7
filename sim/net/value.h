/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of a network's description: copying, checking, drawing. */
#ifndef HK__VALUE_H
#define HK__VALUE_H

#include <gsl/gsl_rng.h>

#include <hillock/network.h>

static inline bool hk__value_is_drawn(const struct hk_value *value)
{
  return value->kind != HK_VALUE_CONSTANT && value->kind != HK_VALUE_LIST;
}

/* Copies the list too. Error: HK_ERR_MEMORY, *out untouched. */
enum hk_status hk__value_copy(const struct hk_value *value, struct hk_value *out);
void hk__value_clear(struct hk_value *value); /* frees the list */

/* What a value must be. */
struct hk__demand {
  const char *what; /* "weight of projection exc -> inh" */
  const char *unit; /* "mV"; "1" for a bare number */
  double low, high; /* every value must be in [low, high] ... */
  bool open_low;    /* ... or in (low, high] */
  size_t count;     /* length a list must have */
  const char *per;  /* what a list has one value for, "neuron" */
  bool no_list;     /* a list is not allowed at all */
};

/* Tells every fault in messages and returns false if there is one. A distribution is refused if a draw could fall out
 * of the range with a chance that is worth mentioning (1e-12), or if its own bounds leave so little of it that
 * redrawing would hardly end. */
bool hk__value_check(const struct hk_value *value, const struct hk__demand *demand, const struct hk_place *place,
                     struct hk_messages *messages);

/* A value of one of the kinds that are drawn; NAN if 2^24 draws all fell outside the bounds. */
double hk__value_draw(const struct hk_value *value, const gsl_rng *rng);

/* Draws count values one after the other, as hk__value_draw would. */
void hk__value_draw_many(const struct hk_value *value, const gsl_rng *rng, uint32_t count, double *out);

/* Any kind: that of the constant, of entry index of the list, or a draw. */
double hk__value_get(const struct hk_value *value, size_t index, const gsl_rng *rng);

#endif
