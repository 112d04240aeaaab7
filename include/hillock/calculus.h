/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What models compute with: an exponential that gives the same bits with every compiler and library, and arithmetic of
 * Taylor series. A series is an array of terms a[0], a[1], ...: the k-th derivative times dt^k / k!. Each function
 * gives term k of its result from the terms up to k of its arguments (and, where it says so, the terms below k of the
 * result). */
#ifndef HILLOCK_CALCULUS_H
#define HILLOCK_CALCULUS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* exp r - 1 for |r| <= 0.35 */
static inline double hk_expm1_near_0(double r)
{
  double r2 = r * r, r4 = r2 * r2;
  double p0 = fma(fma(8.333333333333333e-03, r, 4.1666666666666664e-02), r2, fma(0.16666666666666666, r, 0.5));
  double p4 = fma(fma(2.7557319223985893e-06, r, 2.48015873015873e-05), r2,
                  fma(1.984126984126984e-04, r, 1.388888888888889e-03));
  double p8 = fma(fma(1.6059043836821613e-10, r, 2.08767569878681e-09), r2,
                  fma(2.505210838544172e-08, r, 2.755731922398589e-07));
  double p = fma(fma(p8, r4, p4), r4, p0);
  return fma(p * r, r, r);
}

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

/* exp x - 1, relative to itself as exact as hk_exp to a few units in the last place. */
static inline double hk_expm1(double x)
{
  return x > -0.35 && x < 0.35 ? hk_expm1_near_0(x) : hk_exp(x) - 1.0;
}

/* 1 / k: multiplying is several times cheaper than dividing. */
static inline double hk_series_per(size_t k)
{
  static const double per[] = {0,        1,        1.0 / 2,  1.0 / 3,  1.0 / 4,  1.0 / 5,  1.0 / 6,  1.0 / 7,
                               1.0 / 8,  1.0 / 9,  1.0 / 10, 1.0 / 11, 1.0 / 12, 1.0 / 13, 1.0 / 14, 1.0 / 15,
                               1.0 / 16, 1.0 / 17, 1.0 / 18, 1.0 / 19, 1.0 / 20, 1.0 / 21, 1.0 / 22, 1.0 / 23};
  return per[k];
}

/* a * b */
static inline double hk_series_product(const double *a, const double *b, size_t k)
{
  double even = 0, odd = 0;
  for (size_t i = 0; i < k; i += 2) {
    even = fma(a[i], b[k - i], even);
    odd = fma(a[i + 1], b[k - i - 1], odd);
  }
  return k % 2 == 0 ? fma(a[k], b[0], even + odd) : even + odd;
}

/* a * a */
static inline double hk_series_square(const double *a, size_t k)
{
  double sum = 0;
  for (size_t i = 0; 2 * i < k; i++)
    sum = fma(a[i], a[k - i], sum);
  return k % 2 == 0 ? fma(a[k / 2], a[k / 2], 2 * sum) : 2 * sum;
}

/* e = exp(scale * a): needs e[0 .. k) */
static inline double hk_series_exp(const double *e, const double *a, double scale, size_t k)
{
  if (k == 0)
    return hk_exp(scale * a[0]);
  double sum = 0;
  for (size_t i = 1; i <= k; i++)
    sum = fma((double)i * a[i], e[k - i], sum);
  return scale * sum * hk_series_per(k);
}

#ifdef __cplusplus
}
#endif
#endif
