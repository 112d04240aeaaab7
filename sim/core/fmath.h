/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Elementary functions that give the same bits with every compiler, library and vector width: explicit fused
 * multiply-adds and no table. Error below 1 unit in the last place or so. */
#ifndef HK__FMATH_H
#define HK__FMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <hillock/calculus.h>

/* fading[i] = exp(-rate[i] time), at least exp -708, for rates and times >= 0, and what is missing to 1 in loss[i], if
 * that is not NULL: as hk_exp and hk_expm1, in vectors. The bound is a loop of its own, for compilers make a branch of
 * it that has a constant on one side. */
static inline __attribute__((always_inline)) void hk__fadings(const double *restrict rate, double time, size_t count,
                                                              double *restrict fading, double *restrict loss)
{
  for (size_t i = 0; i < count; i++) {
    double x = -rate[i] * time;
    fading[i] = x < -708.0 ? -708.0 : x;
  }
  for (size_t i = 0; i < count; i++) {
    double x = fading[i], shifted = x * 1.4426950408889634 + 0x1.8p52;
    double k = shifted - 0x1.8p52;
    double e = hk_expm1_near_0(fma(k, -1.9082149292705877e-10, fma(k, -0.6931471803691238, x)));
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52;
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    fading[i] = scale * (e + 1.0);
    if (loss)
      loss[i] = fma(-scale, e, 1 - scale);
  }
}

/* log x for positive, finite, normal x. With x = 2^k m, m in [sqrt(1/2), sqrt(2)), s = (m - 1) / (m + 1):
 * log m = 2 s + 2 s^3 / 3 + ..., a minimax polynomial in s^2 from the third term on. */
static inline double hk__log(double x)
{
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  uint64_t shifted = bits + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
  uint64_t exponent = (shifted >> 52) | 0x4330000000000000u; /* 2^52 + the biased exponent */
  double e;
  memcpy(&e, &exponent, sizeof e);
  e -= 0x1p52 + 1023;
  bits = (shifted & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu;
  double m;
  memcpy(&m, &bits, sizeof m);
  double f = m - 1, s = f / (2 + f), z = s * s, half = 0.5 * f * f;
  double r = 0.14798198605116586;
  r = fma(r, z, 0.15313837699209373);
  r = fma(r, z, 0.1818357216161805);
  r = fma(r, z, 0.22222198432149784);
  r = fma(r, z, 0.28571428743662391);
  r = fma(r, z, 0.3999999999940942);
  r = fma(r, z, 0.6666666666666735);
  r *= z;
  return fma(e, 0.6931471803691238, f - (half - fma(s, half + r, e * 1.9082149292705877e-10)));
}

#endif
