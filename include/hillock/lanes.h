/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lanes: HK_LANES numbers, one for each of as many neurons that are computed together.
 *
 * + - * / and comparisons work on lanes as they do on numbers, and a number may stand beside lanes. A comparison gives
 * a mask: all bits where it holds, none elsewhere. Each lane is computed by itself and gives the bits that it would
 * give alone, on every processor. */
#ifndef HILLOCK_LANES_H
#define HILLOCK_LANES_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wpsabi" /* all here is inlined: how lanes are handed over does not matter */
#endif
#endif

/* As many as the processor that is compiled for takes at once. */
#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define HK__LANES_512
enum { HK_LANES = 8 };
#else
enum { HK_LANES = 4 };
#endif
#if defined(__AVX2__) && defined(__FMA__) && !defined(HK__LANES_512)
#define HK__LANES_256
#endif

typedef double hk_lanes __attribute__((vector_size(8 * HK_LANES)));
typedef int64_t hk_mask __attribute__((vector_size(8 * HK_LANES)));

/* For small functions of lanes, which are to stay in registers. */
#define HK_INLINE static inline __attribute__((always_inline))

/* The same number in all lanes. */
HK_INLINE hk_lanes hk_lanes_all(double x)
{
  const hk_lanes none = {0};
  return x - none;
}

/* yes where the mask holds, no elsewhere */
HK_INLINE hk_lanes hk_lanes_pick(hk_mask mask, hk_lanes yes, hk_lanes no)
{
#if defined(HK__LANES_256)
  return (hk_lanes)_mm256_blendv_pd((__m256d)no, (__m256d)yes, (__m256d)mask);
#else
  return (hk_lanes)((mask & (hk_mask)yes) | (~mask & (hk_mask)no));
#endif
}

HK_INLINE bool hk_mask_any(hk_mask mask)
{
#if defined(HK__LANES_512)
  return _mm512_test_epi64_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(HK__LANES_256)
  return _mm256_movemask_pd((__m256d)mask) != 0;
#else
  return (mask[0] | mask[1] | mask[2] | mask[3]) != 0;
#endif
}

/* a * b + c, rounded once */
HK_INLINE hk_lanes hk_lanes_fma(hk_lanes a, hk_lanes b, hk_lanes c)
{
#if defined(HK__LANES_512)
  return (hk_lanes)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(HK__LANES_256)
  return (hk_lanes)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
  hk_lanes r = {fma(a[0], b[0], c[0]), fma(a[1], b[1], c[1]), fma(a[2], b[2], c[2]), fma(a[3], b[3], c[3])};
  return r;
#endif
}

HK_INLINE hk_lanes hk_lanes_sqrt(hk_lanes x)
{
#if defined(HK__LANES_512)
  return (hk_lanes)_mm512_sqrt_pd((__m512d)x);
#elif defined(HK__LANES_256)
  return (hk_lanes)_mm256_sqrt_pd((__m256d)x);
#else
  hk_lanes r = {sqrt(x[0]), sqrt(x[1]), sqrt(x[2]), sqrt(x[3])};
  return r;
#endif
}

HK_INLINE hk_lanes hk_lanes_abs(hk_lanes x)
{
  return (hk_lanes)((hk_mask)x & INT64_MAX);
}

/* The larger; b where one is no number. */
HK_INLINE hk_lanes hk_lanes_max(hk_lanes a, hk_lanes b)
{
#if defined(HK__LANES_512)
  return (hk_lanes)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif defined(HK__LANES_256)
  return (hk_lanes)_mm256_max_pd((__m256d)a, (__m256d)b);
#else
  return hk_lanes_pick(a > b, a, b);
#endif
}

/* The smaller; b where one is no number. */
HK_INLINE hk_lanes hk_lanes_min(hk_lanes a, hk_lanes b)
{
#if defined(HK__LANES_512)
  return (hk_lanes)_mm512_min_pd((__m512d)a, (__m512d)b);
#elif defined(HK__LANES_256)
  return (hk_lanes)_mm256_min_pd((__m256d)a, (__m256d)b);
#else
  return hk_lanes_pick(a < b, a, b);
#endif
}

#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif

#ifdef __cplusplus
}
#endif
#endif
