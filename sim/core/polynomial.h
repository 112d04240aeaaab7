/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first time a polynomial reaches a level, found from the left without ever stepping over it. */
#ifndef HK__POLYNOMIAL_H
#define HK__POLYNOMIAL_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

enum { HK__POLYNOMIAL_TERMS = 32 }; /* at most */

/* A polynomial and its derivative: even and odd terms apart, so that no sum has to wait long for another. */
static inline void hk__polynomial_at(const double *w, const double *slope, size_t count, double s, double *p, double *d)
{
  const double s2 = s * s;
  double even = 0, odd = 0, slope_even = 0, slope_odd = 0;
  size_t k = count - 1;
  if (k % 2 == 0)
    even = w[k];
  else {
    odd = w[k--];
    slope_even = slope[k];
    even = w[k];
  }
  for (; k > 0; k -= 2) {
    odd = fma(odd, s2, w[k - 1]);
    even = fma(even, s2, w[k - 2]);
    slope_odd = fma(slope_odd, s2, slope[k - 1]);
    slope_even = fma(slope_even, s2, slope[k - 2]);
  }
  *p = fma(odd, s, even);
  *d = fma(slope_odd, s, slope_even);
}

/* p(s) = sum w[k] s^k for s in [0, 1], of `count` coefficients, starts below the level. Returns true and the first s in
 * (0, 1] where p(s) >= level (> level if strict) in *s, or false.
 *
 * On [0, 1], p'' <= M, the sum of k (k - 1) max(0, w[k]). From a point below the level by g with slope d, p cannot
 * reach the level before the positive root of d s + M s^2 / 2 = g: that is the next point. The steps shrink
 * quadratically towards a crossing and pass a maximum that stays below. */
static inline bool hk__polynomial_first(const double *w, size_t count, double level, bool strict, double *s)
{
  double top = w[0], curvature = 0, slope[HK__POLYNOMIAL_TERMS];
  for (size_t k = count; k-- > 1;) {
    double positive = w[k] > 0 ? w[k] : 0;
    top += positive;
    curvature += (double)(k * (k - 1)) * positive;
    slope[k - 1] = (double)k * w[k];
  }
  if (top < level)
    return false;
  const double smallest = 0x1p-50;
  for (double at = 0;;) {
    double p, d;
    hk__polynomial_at(w, slope, count, at, &p, &d);
    double gap = level - p;
    if (strict ? gap < 0 : gap <= 0) {
      *s = at;
      return true;
    }
    double root = sqrt(fma(d, d, 2 * curvature * gap));
    double step = d > 0 ? 2 * gap / (d + root) : (root - d) / curvature;
    if (!(step <= 1))
      return false;
    if (step < smallest) {
      if (d > 0) {
        *s = at + step < 1 ? at + step : 1;
        return true;
      }
      step = smallest;
    }
    at += step;
    if (at > 1)
      return false;
  }
}

#endif
