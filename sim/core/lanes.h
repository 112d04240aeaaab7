/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine does with lanes (hillock/lanes.h) beside what models do: loads and stores, lists of lanes, whole
 * numbers, transposition.
 *
 * Every operation here is done lane by lane and rounds as its scalar counterpart does, so the width changes no result.
 * A file that uses this may be compiled for several kinds of processor: see HK__VARIANT. */
#ifndef HK__LANES_H
#define HK__LANES_H

#include <stdint.h>
#include <string.h>

#include <hillock/lanes.h>

/* The name of a function in a file that is compiled once for the processor that the library is built for and once, with
 * HK__WIDEST defined, for those with wider vectors. */
#ifdef HK__WIDEST
#define HK__VARIANT(name) name##_widest
#else
#define HK__VARIANT(name) name
#endif

typedef double hk__four __attribute__((vector_size(32)));
typedef double hk__row __attribute__((vector_size(32), aligned(8), may_alias)); /* four in memory */
typedef double hk__two __attribute__((vector_size(16)));

HK_INLINE hk_lanes hk__lanes_load(const double *p)
{
  hk_lanes v;
  memcpy(&v, p, sizeof v);
  return v;
}

HK_INLINE void hk__lanes_store(double *p, hk_lanes v)
{
  memcpy(p, &v, sizeof v);
}

/* Bit i: a[i] < b[i]. */
HK_INLINE unsigned hk__lanes_below(hk_lanes a, hk_lanes b)
{
#if defined(HK__LANES_512)
  return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_LT_OQ);
#elif defined(HK__LANES_256)
  return (unsigned)_mm256_movemask_pd(_mm256_cmp_pd((__m256d)a, (__m256d)b, _CMP_LT_OQ));
#else
  unsigned bits = 0;
  for (int i = 0; i < HK_LANES; i++)
    bits |= (unsigned)(a[i] < b[i]) << i;
  return bits;
#endif
}

/* Bit i: the mask holds in lane i. */
HK_INLINE unsigned hk__mask_bits(hk_mask mask)
{
#if defined(HK__LANES_512)
  return _mm512_movepi64_mask((__m512i)mask);
#elif defined(HK__LANES_256)
  return (unsigned)_mm256_movemask_pd((__m256d)mask);
#else
  unsigned bits = 0;
  for (int i = 0; i < HK_LANES; i++)
    bits |= (unsigned)(mask[i] & 1) << i;
  return bits;
#endif
}

/* Appends first + i to a list for each bit i that is set; up to HK_LANES places after the last are overwritten.
 * Returns how many. No branch depends on the bits. */
HK_INLINE size_t hk__list_bits(unsigned bits, uint32_t first, uint32_t *list)
{
#if defined(HK__LANES_512)
  const __m256i counting = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  __m256i all = _mm256_add_epi32(counting, _mm256_set1_epi32((int)first));
  _mm256_storeu_si256((__m256i *)list, _mm256_maskz_compress_epi32((__mmask8)bits, all));
  return (size_t)__builtin_popcount(bits);
#else
  size_t count = 0;
  for (unsigned i = 0; i < HK_LANES; i++) {
    list[count] = first + i;
    count += bits >> i & 1u;
  }
  return count;
#endif
}

/* c[0] + c[1] x + ... + c[degree] x^degree */
HK_INLINE hk_lanes hk__lanes_polynomial(const double *c, const unsigned degree, hk_lanes x)
{
  hk_lanes v = hk_lanes_all(c[degree]);
  for (unsigned i = degree; i-- > 0;)
    v = hk_lanes_fma(v, x, hk_lanes_all(c[i]));
  return v;
}

/* Whole numbers of 64 bits in the lanes. */
typedef uint64_t hk__words __attribute__((vector_size(8 * HK_LANES)));

HK_INLINE hk__words hk__words_all(uint64_t x)
{
  return x - (hk__words){0};
}

/* Some of the lanes. */
#if defined(HK__LANES_512)
typedef __mmask8 hk__some;
#else
typedef hk__words hk__some;
#endif

/* Those where a >= b. */
HK_INLINE hk__some hk__lanes_from(hk_lanes a, hk_lanes b)
{
#if defined(HK__LANES_512)
  return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_GE_OQ);
#else
  return (hk__some)(a >= b);
#endif
}

/* Those where a > b. */
HK_INLINE hk__some hk__lanes_above(hk_lanes a, hk_lanes b)
{
#if defined(HK__LANES_512)
  return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_GT_OQ);
#else
  return (hk__some)(a > b);
#endif
}

/* The lesser of least and value there, least elsewhere. */
HK_INLINE hk_lanes hk__lanes_min_some(hk__some some, hk_lanes least, hk_lanes value)
{
#if defined(HK__LANES_512)
  return (hk_lanes)_mm512_mask_min_pd((__m512d)least, some, (__m512d)least, (__m512d)value);
#else
  hk__some less = some & (hk__some)(value < least);
  return (hk_lanes)(((hk__words)value & less) | ((hk__words)least & ~less));
#endif
}

/* sum + value there, sum elsewhere; value is finite. */
HK_INLINE hk_lanes hk__lanes_add_some(hk__some some, hk_lanes sum, hk_lanes value)
{
#if defined(HK__LANES_512)
  return (hk_lanes)_mm512_mask_add_pd((__m512d)sum, some, (__m512d)sum, (__m512d)value);
#else
  return sum + (hk_lanes)((hk__words)value & some);
#endif
}

/* The products of the lower halves. */
HK_INLINE hk__words hk__words_product(hk__words a, hk__words b)
{
#if defined(HK__LANES_512)
  return (hk__words)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(HK__LANES_256)
  return (hk__words)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#else
  return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}

/* The upper halves, as lower halves; in the upper ones is nothing of account. */
HK_INLINE hk__words hk__words_upper(hk__words a)
{
#if defined(HK__LANES_512) /* not a shift, which would compete with products */
  return (hk__words)_mm512_shuffle_epi32((__m512i)a, _MM_PERM_DDBB);
#else
  return a >> 32;
#endif
}

/* a ^ b ^ c */
HK_INLINE hk__words hk__words_xor(hk__words a, hk__words b, hk__words c)
{
#if defined(HK__LANES_512)
  return (hk__words)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c, 0x96);
#else
  return a ^ b ^ c;
#endif
}

/* Four rows of four become four columns. */
HK_INLINE void hk__fours_transpose(hk__four *r)
{
  hk__four ab = __builtin_shufflevector(r[0], r[1], 0, 4, 2, 6), AB = __builtin_shufflevector(r[0], r[1], 1, 5, 3, 7);
  hk__four cd = __builtin_shufflevector(r[2], r[3], 0, 4, 2, 6), CD = __builtin_shufflevector(r[2], r[3], 1, 5, 3, 7);
  r[0] = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  r[1] = __builtin_shufflevector(AB, CD, 0, 1, 4, 5);
  r[2] = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  r[3] = __builtin_shufflevector(AB, CD, 2, 3, 6, 7);
}

#endif
