/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A step network and a regime as the description of a spiking network. */
#ifndef HK__MAPPING_H
#define HK__MAPPING_H

#include "ann/regime.h"

/* Samples shown one after the other, the first at time 0. Arrays are count x inputs. */
struct hk__shown {
  const float *rows;      /* as encoded: what the step network sees */
  const float *intensity; /* the value behind each input, 0..1 */
  size_t count;
  size_t first; /* the number of the first sample: names the random streams */
};

/* Populations of the network. */
enum { HK__INPUTS, HK__CLOCK, HK__FIRST_LAYER };

enum hk_status hk__regime_network(const struct hk__regime *regime, const struct hk__stepnet *net,
                                  const struct hk__shown *shown, struct hk_network **out, struct hk_messages *messages);

#endif
