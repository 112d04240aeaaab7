/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/poisson.h"

#include "core/fmath.h"
#include "core/lanes.h"

enum { LANES = HK__POISSON_LANES, ROUNDS = 10 };

/* An odd multiple of 2^-53 in (0, 1) from the upper 52 bits of two words. */
static inline double to_unit(uint32_t high, uint32_t low)
{
  uint64_t bits = (((uint64_t)high << 32 | low) >> 12) | 0x3ff0000000000000u; /* in [1, 2) */
  double x;
  memcpy(&x, &bits, sizeof x);
  return x - (1 - 0x1p-53);
}

/* The lanes are side by side so that compilers make vectors of them; any number gives the same bits. */
static inline __attribute__((always_inline)) void draw_blocks(const int lanes, const struct hk__poisson *group,
                                                              const uint32_t *restrict train,
                                                              const uint32_t *restrict block, double *restrict first,
                                                              double *restrict second)
{
  uint64_t c0[LANES], c1[LANES], c2[LANES], c3[LANES];
  uint32_t k0 = group->key[0], k1 = group->key[1];
  for (int i = 0; i < lanes; i++) {
    c0[i] = block[i];
    c1[i] = train[i];
    c2[i] = group->name[0];
    c3[i] = group->name[1];
  }
  for (int r = 0; r < ROUNDS; r++) {
    for (int i = 0; i < lanes; i++) {
      uint64_t p0 = 0xD2511F53u * (c0[i] & 0xffffffffu), p1 = 0xCD9E8D57u * (c2[i] & 0xffffffffu);
      c0[i] = (p1 >> 32) ^ c1[i] ^ k0;
      c1[i] = p1;
      c2[i] = (p0 >> 32) ^ c3[i] ^ k1;
      c3[i] = p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int i = 0; i < lanes; i++)
    first[i] = -hk__log(to_unit((uint32_t)c0[i], (uint32_t)c1[i]));
  for (int i = 0; i < lanes; i++)
    second[i] = -hk__log(to_unit((uint32_t)c2[i], (uint32_t)c3[i]));
}

void HK__VARIANT(hk__poisson_blocks)(const struct hk__poisson *group, const uint32_t *train, const uint32_t *block,
                                     double *first, double *second)
{
  draw_blocks(LANES, group, train, block, first, second);
}

#ifndef HK__WIDEST
void hk__poisson_init(struct hk__poisson *group, uint64_t seed, enum hk__purpose purpose, uint32_t index)
{
  struct hk__stream stream;
  hk__stream_init(&stream, seed, purpose, index, 0, 0);
  *group = (struct hk__poisson){{stream.key[0], stream.key[1]}, {stream.counter[2], stream.counter[3]}};
}

double hk__poisson_draw(const struct hk__poisson *group, uint32_t n, uint64_t i)
{
  uint32_t block = (uint32_t)(i / 2);
  double first, second;
  draw_blocks(1, group, &n, &block, &first, &second);
  return i % 2 ? second : first;
}
#endif
