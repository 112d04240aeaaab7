/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private Poisson input where a window is a bin of its trains, as it is where rates are high: every train spikes about
 * once or twice in every window, all spikes of its bin are the window's, and nothing need be remembered of it. The
 * sweep has them drawn as it comes to their targets, so that what they add up to goes from registers to the states
 * without ever being put into accumulators. */
#ifndef HK__RAIN_H
#define HK__RAIN_H

#include "core/lanes.h"
#include "core/poisson_lanes.h"
#include "core/response.h"

struct hk__drive;
struct hk__shard_state;
struct hk__window;

/* Of one drive. */
struct hk__rain {
  struct hk__poisson_keys keys;
  double limit[HK__POISSON_MOST + 1];
  bool falls; /* in this window; then: */
  const struct hk__port_response *port;
  unsigned degree;
  uint64_t block; /* the first of the bin's */
};

/* Neurons that the sweep takes together; vectors may reach beyond the last. */
enum { HK__RAIN_CHUNK = 256, HK__RAIN_ROW = HK__RAIN_CHUNK + 8 };

/* What it adds to the states of a chunk of neurons, and to their bounds: row[j] for state j, row[n] for bounds. */
struct hk__puddle {
  unsigned lanes; /* bit j: row j is in use */
  double row[HK_STATES_MAX + 1][HK__RAIN_ROW];
};

/* Prepares a drive to which rain may fall. Error: HK_ERR_MEMORY. */
enum hk_status hk__rain_create(struct hk__drive *drive);

/* Finds and notes whether a drive's events in this window fall as rain; then the sweep is to take them. */
bool hk__rain_falls(struct hk__drive *drive, const struct hk__shard_state *shard, const struct hk__window *window,
                    const struct hk__response *response);

/* About how many groups of a shard's neurons it falls on. */
size_t hk__rain_groups(const struct hk__shard_state *shard);

/* The rows that it adds to in a shard, a bit each; 0: none falls. */
unsigned hk__rain_lanes(const struct hk__shard_state *shard);

/* Draws what falls on neurons from .. to of a shard, at most a chunk. */
#define hk__rain_catch HK__VARIANT(hk__rain_catch)
void hk__rain_catch(struct hk__shard_state *shard, uint32_t from, uint32_t to, struct hk__puddle *puddle);

#endif
