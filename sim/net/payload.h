/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the synapses of a projection carry: weight, delay and port.
 *
 * Drawn values come from streams of the target neuron, one for weights and one for delays, in the order of its synapses
 * in this projection, and are rounded to float. With a grid, delays are rounded to its multiples instead.
 *
 * Without one, normal and uniform delays that spread widely are rounded to ticks, so that 16 bits hold them. The tick
 * is the smallest power of two, in ms, of which 65535 reach the upper end (of a normal distribution: eight standard
 * deviations above its mean, unless max is less). They spread widely if their standard deviation, or the distance of
 * their bounds if that is less, is 2048 ticks or more. */
#ifndef HK__PAYLOAD_H
#define HK__PAYLOAD_H

#include <hillock/network.h>

#include "net/wiring.h"

struct hk__payload {
  const struct hk_projection_spec *spec;
  uint64_t seed;
  uint32_t projection;
  double grid;                        /* 0: exact time */
  double tick, fewest, most;          /* drawn delays are fewest .. most ticks; tick 0: rounded to float */
  double constant_weight;             /* if the weight is constant */
  double constant_delay;              /* if the delay is constant: rounded to the grid */
  uint16_t port_positive, port_other; /* of weights >= 0 and < 0 */
  bool weight_varies, delay_varies;   /* not constant */
  bool countable;                     /* weight and delay take few values: nothing drawn but delays on a grid */
};

void hk__payload_init(struct hk__payload *payload, const struct hk_network *network, size_t projection, uint64_t seed,
                      double grid);

static inline uint16_t hk__payload_port(const struct hk__payload *payload, double weight)
{
  return weight < 0 ? payload->port_other : payload->port_positive;
}

/* Weights or delays of the count synapses of a target, as hk__wiring_sources listed them in draw. They return false if
 * one is not finite, or not positive, and its index in *bad. */
bool hk__payload_weights(const struct hk__payload *payload, uint32_t target, uint32_t count,
                         const struct hk__draw *draw, double *out, uint32_t *bad);
bool hk__payload_delays(const struct hk__payload *payload, uint32_t target, uint32_t count, const struct hk__draw *draw,
                        double *out, uint32_t *bad);

/* Whether every weight (delay) of the projection is scale times a float, rounded once. */
bool hk__payload_weight_fits(const struct hk__payload *payload, double scale);
bool hk__payload_delay_fits(const struct hk__payload *payload, double scale);

/* Whether every delay is scale times a number of 16 bits, rounded once. */
bool hk__payload_ticks_fit(const struct hk__payload *payload, double scale);

/* Whether all its synapses go to one port, and which. */
bool hk__payload_one_port(const struct hk__payload *payload, uint16_t *port);

/* A positive scale worth trying: the magnitude of the constant or of the first in a list, the grid; 1 where drawn. */
double hk__payload_weight_scale(const struct hk__payload *payload);
double hk__payload_delay_scale(const struct hk__payload *payload);

/* The same for ticks. */
double hk__payload_tick(const struct hk__payload *payload);

#endif
