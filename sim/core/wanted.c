/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of the targets that were seen in a window are wanted. Few are, of many: where vectors suffice, most are told by
 * a filter of a kilobit that stays in registers. */
#include "core/lanes.h"
#include "core/shard.h"

#if defined(__AVX512BW__)

/* Bit t % 1024 is set for each suspect t. */
struct filter {
  __m512i low, high;
};

static struct filter filter_of(const struct hk__shard_state *shard)
{
  uint16_t word[64] = {0};
  struct filter filter;
  for (size_t i = 0; i < shard->suspect_count; i++) {
    uint32_t t = shard->suspect[i].neuron % 1024;
    word[t / 16] = (uint16_t)(word[t / 16] | 1u << t % 16);
  }
  memcpy(&filter.low, word, sizeof filter.low);
  memcpy(&filter.high, word + 32, sizeof filter.high);
  return filter;
}

void HK__VARIANT(hk__shard_find_wanted)(struct hk__shard_state *shard)
{
  enum { MANY = 32 };
  struct hk__seen *seen = &shard->seen;
  const struct filter filter = filter_of(shard);
  const __m512i one = _mm512_set1_epi16(1), fifteen = _mm512_set1_epi16(15);
  const uint8_t *wanted = shard->wanted;
  size_t count = 0;
  for (size_t i = 0; i < seen->count; i += MANY) {
    __m512i t = _mm512_loadu_si512(seen->target + i);
    __m512i word = _mm512_permutex2var_epi16(filter.low, _mm512_srli_epi16(t, 4), filter.high);
    uint32_t maybe = _mm512_test_epi16_mask(_mm512_srlv_epi16(word, _mm512_and_si512(t, fifteen)), one);
    if (seen->count - i < MANY) /* what was read beyond the last is of no account */
      maybe &= (1u << (seen->count - i)) - 1;
    for (; maybe; maybe &= maybe - 1) {
      size_t k = i + (size_t)__builtin_ctz(maybe);
      seen->hit[count] = (uint32_t)k;
      count += wanted[seen->target[k]];
    }
  }
  seen->hit_count = count;
}

#else

void HK__VARIANT(hk__shard_find_wanted)(struct hk__shard_state *shard)
{
  enum { PIECE = 8 };
  struct hk__seen *seen = &shard->seen;
  const uint8_t *wanted = shard->wanted;
  const uint16_t *target = seen->target;
  size_t count = 0;
  for (size_t i = 0; i < seen->count; i += PIECE) {
    const size_t end = seen->count - i < PIECE ? seen->count : i + PIECE;
    unsigned any = 0;
    for (size_t k = i; k < end; k++)
      any |= wanted[target[k]];
    for (size_t k = i; any && k < end; k++) {
      seen->hit[count] = (uint32_t)k;
      count += wanted[target[k]];
    }
  }
  seen->hit_count = count;
}

#endif
