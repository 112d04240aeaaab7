/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks of words of many Poisson trains (poisson.h), one train to a lane. */
#ifndef HK__POISSON_LANES_H
#define HK__POISSON_LANES_H

#include "core/lanes.h"
#include "core/poisson.h"

/* The keys of the generator's rounds. */
enum { HK__POISSON_ROUNDS = 10 };
struct hk__poisson_keys {
  uint64_t round[HK__POISSON_ROUNDS][2];
};

static inline struct hk__poisson_keys hk__poisson_keys_of(const struct hk__poisson *group)
{
  struct hk__poisson_keys keys;
  for (uint32_t r = 0; r < HK__POISSON_ROUNDS; r++) {
    keys.round[r][0] = (uint32_t)(group->key[0] + r * 0x9E3779B9u);
    keys.round[r][1] = (uint32_t)(group->key[1] + r * 0xBB67AE85u);
  }
  return keys;
}

/* A block of words for each lane, in the lower halves; in the upper halves is nothing of account. As the product takes
 * the lower halves only and nothing carries into them, neither is it meanwhile. */
HK_INLINE void hk__poisson_draw(const struct hk__poisson *group, const struct hk__poisson_keys *keys, hk__words train,
                                uint64_t number, hk__words words[HK__POISSON_WORDS])
{
  const hk__words multiplier0 = hk__words_all(0xD2511F53u), multiplier1 = hk__words_all(0xCD9E8D57u);
  hk__words c0 = hk__words_all((uint32_t)number), c1 = train,
            c2 = hk__words_all(group->name[0] ^ (uint32_t)(number >> 32)), c3 = hk__words_all(group->name[1]);
  for (int r = 0; r < HK__POISSON_ROUNDS; r++) {
    hk__words p0 = hk__words_product(c0, multiplier0), p1 = hk__words_product(c2, multiplier1);
    c0 = hk__words_xor(hk__words_upper(p1), c1, hk__words_all(keys->round[r][0]));
    c1 = p1;
    c2 = hk__words_xor(hk__words_upper(p0), c3, hk__words_all(keys->round[r][1]));
    c3 = p0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

/* The word that tells the number of spikes, as a number. */
HK_INLINE hk_lanes hk__poisson_u(hk__words word)
{
  return (hk_lanes)((word & 0xffffffffu) | 0x4330000000000000u) - 0x1p52;
}

/* One more than the fraction of its bin at which a spike stands. */
HK_INLINE hk_lanes hk__poisson_place(hk__words word, hk__words lent)
{
  return (hk_lanes)((word & 0xffffffffu) << 20 | (lent & 0xfffffu) | 0x3ff0000000000000u);
}

#endif
