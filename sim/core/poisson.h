/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many independent Poisson trains, from counters.
 *
 * Time is cut into bins of a length that follows from the train's rate alone. The number of spikes in a bin is a
 * Poisson number, their times are uniform in it, and both are a function of (seed, purpose, group, train, bin) alone:
 * any bin of any train can be had at once, nothing need be remembered, and the train does not depend on who asks, when
 * or how.
 *
 * A bin has blocks of four words of Philox under the group's key, numbered 8 bin, 8 bin + 1, ... The first word, u,
 * tells the number of spikes: the k-th (k = 0, 1, ...) exists if u >= limit[k] = 2^32 P(number <= k). The words that
 * follow, one to a spike, tell when: 32 bits of a word, and 20 more, far below what any statistics could see, lent by
 * the next word of the block. */
#ifndef HK__POISSON_H
#define HK__POISSON_H

#include <stdint.h>
#include <string.h>

#include "core/random.h"

enum {
  HK__POISSON_BLOCKS = 8,                                       /* of a bin, at most */
  HK__POISSON_WORDS = 4,                                        /* in a block */
  HK__POISSON_MOST = HK__POISSON_BLOCKS * HK__POISSON_WORDS - 1 /* spikes in a bin; far more than limits allow */
};

/* There are so many bins: a block's number has three bits more. Nothing happens after the last. */
static const uint64_t HK__POISSON_BINS = (uint64_t)1 << 60;

/* The trains of one input, or of a population of sources. */
struct hk__poisson {
  uint32_t key[2], name[2];
};

struct hk__poisson_rate {
  double bin;  /* ms; hk__poisson_unit 2^k for some k, so that the ends of long bins are those of short ones */
  double mean; /* spikes in a bin; 0: the train is silent */
  double none; /* limit[0] */
};

extern const double hk__poisson_unit;

void hk__poisson_init(struct hk__poisson *group, uint64_t seed, enum hk__purpose purpose, uint32_t index);

/* rate: 1/ms, finite, at least 0. */
struct hk__poisson_rate hk__poisson_rate_of(double rate);

/* 1 / (k + 1): products are several times as fast as divisions. */
extern const double hk__poisson_shares[HK__POISSON_MOST];

/* The limit after limit[k]; *p: 2^32 P(number = k), then that of k + 1. */
static inline double hk__poisson_next_limit(const struct hk__poisson_rate *rate, unsigned k, double limit, double *p)
{
  *p *= rate->mean * hk__poisson_shares[k];
  return limit + *p;
}

/* All of a rate's limits. */
static inline void hk__poisson_limits(const struct hk__poisson_rate *rate, double limit[HK__POISSON_MOST + 1])
{
  double p = limit[0] = rate->none;
  for (unsigned k = 0; k < HK__POISSON_MOST; k++)
    limit[k + 1] = hk__poisson_next_limit(rate, k, limit[k], &p);
}

/* The bin that a time >= 0 lies in, HK__POISSON_BINS at the most, and where a bin starts: a spike of bin b has
 * hk__poisson_start(b) <= time < hk__poisson_start(b + 1). The rate is not 0. */
static inline double hk__poisson_start(const struct hk__poisson_rate *rate, uint64_t bin)
{
  return (double)bin * rate->bin;
}
uint64_t hk__poisson_bin_at(const struct hk__poisson_rate *rate, double time);

/* The spikes of a train in a bin, in no order. Returns how many. */
unsigned hk__poisson_bin(const struct hk__poisson *group, uint32_t train, const struct hk__poisson_rate *rate,
                         uint64_t bin, double time[HK__POISSON_MOST]);

#endif
