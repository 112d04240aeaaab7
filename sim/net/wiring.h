/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who connects to whom: the sources of every target neuron of a projection, drawn as its rule says.
 *
 * The sources of a target come from a stream of its own, so any part of a projection can be drawn at any time, again
 * and again, by any thread. What links the targets of a projection (a fixed total, a fixed out-degree, given pairs) is
 * settled once, beforehand. */
#ifndef HK__WIRING_H
#define HK__WIRING_H

#include <hillock/network.h>

struct hk__wiring {
  const struct hk_projection_spec *spec;
  uint64_t seed;
  uint32_t projection;
  uint32_t sources, targets; /* sizes of the populations */
  bool skip_self;            /* leave out the pairs (i, i) */
  uint32_t *degree;          /* fixed_total_number: sources of each target */
  uint64_t *offset;          /* fixed_outdegree, pairs: list[offset[t] .. offset[t + 1]) belongs to target t */
  uint32_t *list;            /* fixed_outdegree: sources */
  size_t *pair;              /* pairs: indices of pairs */
  uint32_t max_degree;       /* no target has more sources */
};

/* What drawing needs, one for each thread. */
struct hk__draw {
  uint32_t *partner; /* the sources of the target drawn last */
  size_t *pair;      /* pairs: where each stands in the rule's list */
  uint64_t *taken;   /* a bit for each possible partner, all 0 between draws */
};

/* Errors: HK_ERR_MEMORY, *wiring is cleared. */
enum hk_status hk__wiring_init(struct hk__wiring *wiring, const struct hk_network *network, size_t projection,
                               uint64_t seed, int threads);
void hk__wiring_clear(struct hk__wiring *wiring);

/* Room for the draws of all given wirings. Error: HK_ERR_MEMORY, *draw is cleared. */
enum hk_status hk__draw_init(struct hk__draw *draw, const struct hk__wiring *wirings, size_t count);
void hk__draw_clear(struct hk__draw *draw);

/* Puts the sources of a target into draw->partner and returns their number. */
uint32_t hk__wiring_sources(const struct hk__wiring *wiring, uint32_t target, struct hk__draw *draw);

#endif
