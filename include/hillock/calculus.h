/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What models compute with: an exponential that gives the same bits with every compiler and library, of numbers and of
 * lanes, and arithmetic of Taylor series in lanes. A series is an array of terms a[0], a[1], ...: the k-th derivative
 * times dt^k / k!. Each function gives term k of its result from the terms up to k of its arguments (and, where it says
 * so, the terms below k of the result). */
#ifndef HILLOCK_CALCULUS_H
#define HILLOCK_CALCULUS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <hillock/lanes.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wpsabi"
#endif
#endif

/* exp r - 1 for |r| <= 0.35, of numbers and of lanes. */
#define HK__EXPM1_NEAR_0(name, number, fma, all)                                         \
  HK_INLINE number name(number r)                                                        \
  {                                                                                      \
    number r2 = r * r, r4 = r2 * r2;                                                     \
    number p0 = fma(fma(all(8.333333333333333e-03), r, all(4.1666666666666664e-02)), r2, \
                    fma(all(0.16666666666666666), r, all(0.5)));                         \
    number p4 = fma(fma(all(2.7557319223985893e-06), r, all(2.48015873015873e-05)), r2,  \
                    fma(all(1.984126984126984e-04), r, all(1.388888888888889e-03)));     \
    number p8 = fma(fma(all(1.6059043836821613e-10), r, all(2.08767569878681e-09)), r2,  \
                    fma(all(2.505210838544172e-08), r, all(2.755731922398589e-07)));     \
    number p = fma(fma(p8, r4, p4), r4, p0);                                             \
    return fma(p * r, r, r);                                                             \
  }
HK__EXPM1_NEAR_0(hk_expm1_near_0, double, fma, (double))
HK__EXPM1_NEAR_0(hk_lanes_expm1_near_0, hk_lanes, hk_lanes_fma, hk_lanes_all)
#undef HK__EXPM1_NEAR_0

/* exp x, to about one unit in the last place; 0 below -708, INFINITY above 709. */
static inline double hk_exp(double x)
{
  double bounded = x < -708.0 ? -708.0 : x > 709.0 ? 709.0 : x;
  double shifted = bounded * 1.4426950408889634 + 0x1.8p52; /* rounded to a whole number k, in the lowest bits */
  double k = shifted - 0x1.8p52;
  double r = fma(k, -1.9082149292705877e-10, fma(k, -0.6931471803691238, bounded));
  uint64_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 1023) << 52;
  double scale;
  memcpy(&scale, &bits, sizeof scale);
  double e = scale * (hk_expm1_near_0(r) + 1.0);
  return x < -708.0 ? 0.0 : x > 709.0 ? (double)INFINITY : e;
}

HK_INLINE hk_lanes hk_lanes_exp(hk_lanes x)
{
  const double magic = 0x1.8p52; /* adding it rounds, and leaves a whole number in the low bits */
  hk_lanes bounded = hk_lanes_pick(x < -708.0, hk_lanes_all(-708.0), x);
  bounded = hk_lanes_pick(bounded > 709.0, hk_lanes_all(709.0), bounded);
  hk_lanes shifted = bounded * 1.4426950408889634 + magic, k = shifted - magic;
  hk_lanes r = hk_lanes_fma(k, hk_lanes_all(-1.9082149292705877e-10),
                            hk_lanes_fma(k, hk_lanes_all(-0.6931471803691238), bounded));
  hk_lanes scale = (hk_lanes)(((hk_mask)shifted + 1023) << 52);
  hk_lanes e = hk_lanes_pick(x < -708.0, hk_lanes_all(0.0), scale * (hk_lanes_expm1_near_0(r) + 1.0));
  return hk_lanes_pick(x > 709.0, hk_lanes_all((double)INFINITY), e);
}

/* exp x - 1, relative to itself as exact as hk_exp to a few units in the last place. */
static inline double hk_expm1(double x)
{
  return x > -0.35 && x < 0.35 ? hk_expm1_near_0(x) : hk_exp(x) - 1.0;
}

/* What a model's series hook does for the terms from .. to, `to` at most 20: the statements of the last argument make
 * term k + 1 of the states of their terms up to k, a constant that has the name of the first. So sums over
 * terms become straight code, several times as fast as loops of ever other lengths. A model of many sums does better
 * with one loop that takes all of them, as straight code for them outgrows the processor's store of instructions. */
#define HK_SERIES_EACH(k, from, to, ...)                                \
  for (size_t hk__k = (from) > 0 ? (from)-1 : 0; hk__k < (to); hk__k++) \
    switch (hk__k) {                                                    \
      HK__SERIES_CASES(k, 0, 1, 2, 3, __VA_ARGS__)                      \
      HK__SERIES_CASES(k, 4, 5, 6, 7, __VA_ARGS__)                      \
      HK__SERIES_CASES(k, 8, 9, 10, 11, __VA_ARGS__)                    \
      HK__SERIES_CASES(k, 12, 13, 14, 15, __VA_ARGS__)                  \
      HK__SERIES_CASES(k, 16, 17, 18, 19, __VA_ARGS__)                  \
    default:                                                            \
      break;                                                            \
    }
#define HK__SERIES_CASES(k, a, b, c, d, ...) \
  HK__SERIES_CASE(k, a, __VA_ARGS__)         \
  HK__SERIES_CASE(k, b, __VA_ARGS__)         \
  HK__SERIES_CASE(k, c, __VA_ARGS__)         \
  HK__SERIES_CASE(k, d, __VA_ARGS__)
#define HK__SERIES_CASE(k, number, ...) \
  case number: {                        \
    enum { k = number };                \
    __VA_ARGS__;                        \
    break;                              \
  }

/* 1 / k: multiplying is several times cheaper than dividing. */
static inline double hk_series_per(size_t k)
{
  static const double per[] = {0,        1,        1.0 / 2,  1.0 / 3,  1.0 / 4,  1.0 / 5,  1.0 / 6,  1.0 / 7,
                               1.0 / 8,  1.0 / 9,  1.0 / 10, 1.0 / 11, 1.0 / 12, 1.0 / 13, 1.0 / 14, 1.0 / 15,
                               1.0 / 16, 1.0 / 17, 1.0 / 18, 1.0 / 19, 1.0 / 20, 1.0 / 21, 1.0 / 22, 1.0 / 23};
  return per[k];
}

/* a * b. The latest term of b is taken last, so that it may be computed just before. */
HK_INLINE hk_lanes hk_series_product(const hk_lanes *a, const hk_lanes *b, size_t k)
{
  hk_lanes even = hk_lanes_all(0), odd = even;
  for (size_t i = 0; i < k; i += 2) {
    even = hk_lanes_fma(a[k - i], b[i], even);
    odd = hk_lanes_fma(a[k - i - 1], b[i + 1], odd);
  }
  return k % 2 == 0 ? hk_lanes_fma(a[0], b[k], even + odd) : even + odd;
}

/* a * a. The latest term is taken last. */
HK_INLINE hk_lanes hk_series_square(const hk_lanes *a, size_t k)
{
  size_t half = (k + 1) / 2;
  hk_lanes even = hk_lanes_all(0), odd = even;
  for (; half > 1; half -= 2) {
    odd = hk_lanes_fma(a[half - 1], a[k - half + 1], odd);
    even = hk_lanes_fma(a[half - 2], a[k - half + 2], even);
  }
  hk_lanes sum = half == 1 ? hk_lanes_fma(a[0], a[k], even + odd) : even + odd;
  return k % 2 == 0 ? hk_lanes_fma(a[k / 2], a[k / 2], 2 * sum) : 2 * sum;
}

/* e = exp(scale * a): needs e[0 .. k) */
HK_INLINE hk_lanes hk_series_exp(const hk_lanes *e, const hk_lanes *a, hk_lanes scale, size_t k)
{
  if (k == 0)
    return hk_lanes_exp(scale * a[0]);
  hk_lanes sum = hk_lanes_all(0);
  for (size_t i = 1; i <= k; i++)
    sum = hk_lanes_fma((double)i * a[i], e[k - i], sum);
  return scale * sum * hk_series_per(k);
}

#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif

#ifdef __cplusplus
}
#endif
#endif
