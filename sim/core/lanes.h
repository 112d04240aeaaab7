/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Doubles side by side, as many as the processor that is compiled for takes at once.
 *
 * Every operation here is done lane by lane and rounds as its scalar counterpart does, so the width changes no result.
 * A file that uses this may be compiled for several kinds of processor: see HK__VARIANT. */
#ifndef HK__LANES_H
#define HK__LANES_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#define HK__INLINE static inline __attribute__((always_inline))

/* The name of a function in a file that is compiled once for the processor that the library is built for and once, with
 * HK__WIDEST defined, for those with wider vectors. */
#ifdef HK__WIDEST
#define HK__VARIANT(name) name##_widest
#else
#define HK__VARIANT(name) name
#endif

#if defined(__AVX512F__)
enum { HK__WIDTH = 8 };
#elif defined(__AVX__)
enum { HK__WIDTH = 4 };
#else
enum { HK__WIDTH = 2 };
#endif

typedef double hk__lanes __attribute__((vector_size(8 * HK__WIDTH)));
typedef double hk__four __attribute__((vector_size(32)));
typedef double hk__two __attribute__((vector_size(16)));

HK__INLINE hk__lanes hk__lanes_load(const double *p)
{
  hk__lanes v;
  memcpy(&v, p, sizeof v);
  return v;
}

HK__INLINE void hk__lanes_store(double *p, hk__lanes v)
{
  memcpy(p, &v, sizeof v);
}

HK__INLINE hk__lanes hk__lanes_all(double x)
{
  return x - (hk__lanes){0};
}

HK__INLINE hk__lanes hk__lanes_fma(hk__lanes a, hk__lanes b, hk__lanes c)
{
#if defined(__AVX512F__)
  return (hk__lanes)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__AVX__) && defined(__FMA__)
  return (hk__lanes)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
  hk__lanes r;
  for (int i = 0; i < HK__WIDTH; i++)
    r[i] = fma(a[i], b[i], c[i]);
  return r;
#endif
}

/* a > b ? a : b */
HK__INLINE hk__lanes hk__lanes_max(hk__lanes a, hk__lanes b)
{
#if defined(__AVX512F__)
  return (hk__lanes)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif defined(__AVX__)
  return (hk__lanes)_mm256_max_pd((__m256d)a, (__m256d)b);
#else
  hk__lanes r;
  for (int i = 0; i < HK__WIDTH; i++)
    r[i] = a[i] > b[i] ? a[i] : b[i];
  return r;
#endif
}

HK__INLINE hk__lanes hk__lanes_abs(hk__lanes a)
{
#if defined(__AVX512F__)
  return (hk__lanes)_mm512_abs_pd((__m512d)a);
#elif defined(__AVX__)
  return (hk__lanes)_mm256_andnot_pd(_mm256_set1_pd(-0.0), (__m256d)a);
#else
  hk__lanes r;
  for (int i = 0; i < HK__WIDTH; i++)
    r[i] = fabs(a[i]);
  return r;
#endif
}

/* Bit i: a[i] < b[i]. */
HK__INLINE unsigned hk__lanes_below(hk__lanes a, hk__lanes b)
{
#if defined(__AVX512F__)
  return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_LT_OQ);
#elif defined(__AVX__)
  return (unsigned)_mm256_movemask_pd(_mm256_cmp_pd((__m256d)a, (__m256d)b, _CMP_LT_OQ));
#else
  unsigned bits = 0;
  for (int i = 0; i < HK__WIDTH; i++)
    bits |= (unsigned)(a[i] < b[i]) << i;
  return bits;
#endif
}

/* a < b ? a : b */
HK__INLINE hk__lanes hk__lanes_min(hk__lanes a, hk__lanes b)
{
#if defined(__AVX512F__)
  return (hk__lanes)_mm512_min_pd((__m512d)a, (__m512d)b);
#elif defined(__AVX__)
  return (hk__lanes)_mm256_min_pd((__m256d)a, (__m256d)b);
#else
  hk__lanes r;
  for (int i = 0; i < HK__WIDTH; i++)
    r[i] = a[i] < b[i] ? a[i] : b[i];
  return r;
#endif
}

/* Appends first + i to a list for each bit i that is set; up to HK__WIDTH places after the last are overwritten.
 * Returns how many. No branch depends on the bits. */
HK__INLINE size_t hk__list_bits(unsigned bits, uint32_t first, uint32_t *list)
{
#if defined(__AVX512F__)
  const __m256i counting = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  __m256i all = _mm256_add_epi32(counting, _mm256_set1_epi32((int)first));
  _mm256_storeu_si256((__m256i *)list, _mm256_maskz_compress_epi32((__mmask8)bits, all));
  return (size_t)__builtin_popcount(bits);
#else
  size_t count = 0;
  for (unsigned i = 0; i < HK__WIDTH; i++) {
    list[count] = first + i;
    count += bits >> i & 1u;
  }
  return count;
#endif
}

/* Whole numbers of 64 bits in the lanes. */
typedef uint64_t hk__words __attribute__((vector_size(8 * HK__WIDTH)));

HK__INLINE hk__words hk__words_all(uint64_t x)
{
  return x - (hk__words){0};
}

/* Some of the lanes. */
#if defined(__AVX512F__)
typedef __mmask8 hk__some;
#else
typedef hk__words hk__some;
#endif

/* Those where a >= b. */
HK__INLINE hk__some hk__lanes_from(hk__lanes a, hk__lanes b)
{
#if defined(__AVX512F__)
  return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_GE_OQ);
#else
  return (hk__some)(a >= b);
#endif
}

/* Those where a > b. */
HK__INLINE hk__some hk__lanes_above(hk__lanes a, hk__lanes b)
{
#if defined(__AVX512F__)
  return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_GT_OQ);
#else
  return (hk__some)(a > b);
#endif
}

/* The lesser of least and value there, least elsewhere. */
HK__INLINE hk__lanes hk__lanes_min_some(hk__some some, hk__lanes least, hk__lanes value)
{
#if defined(__AVX512F__)
  return (hk__lanes)_mm512_mask_min_pd((__m512d)least, some, (__m512d)least, (__m512d)value);
#else
  hk__some less = some & (hk__some)(value < least);
  return (hk__lanes)(((hk__words)value & less) | ((hk__words)least & ~less));
#endif
}

/* sum + value there, sum elsewhere; value is finite. */
HK__INLINE hk__lanes hk__lanes_add_some(hk__some some, hk__lanes sum, hk__lanes value)
{
#if defined(__AVX512F__)
  return (hk__lanes)_mm512_mask_add_pd((__m512d)sum, some, (__m512d)sum, (__m512d)value);
#else
  return sum + (hk__lanes)((hk__words)value & some);
#endif
}

/* The products of the lower halves. */
HK__INLINE hk__words hk__words_product(hk__words a, hk__words b)
{
#if defined(__AVX512F__)
  return (hk__words)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (hk__words)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#else
  return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}

/* Four rows of four become four columns. */
HK__INLINE void hk__fours_transpose(hk__four *r)
{
  hk__four ab = __builtin_shufflevector(r[0], r[1], 0, 4, 2, 6), AB = __builtin_shufflevector(r[0], r[1], 1, 5, 3, 7);
  hk__four cd = __builtin_shufflevector(r[2], r[3], 0, 4, 2, 6), CD = __builtin_shufflevector(r[2], r[3], 1, 5, 3, 7);
  r[0] = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  r[1] = __builtin_shufflevector(AB, CD, 0, 1, 4, 5);
  r[2] = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  r[3] = __builtin_shufflevector(AB, CD, 2, 3, 6, 7);
}

#endif
