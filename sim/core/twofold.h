/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers of twice the digits of a double, as the sum of two: about 2^-104 relative. What is derived from parameters
 * once is computed in them, so that it is exact when it is rounded to a double, and has the same bits everywhere, as
 * `long double`, which differs from one kind of processor to the next, has not.
 *
 * After T. J. Dekker (1971) Numer. Math. 18:224 and Y. Hida, X. S. Li, D. H. Bailey (2001), 15th IEEE Symposium on
 * Computer Arithmetic, 155. */
#ifndef HK__TWOFOLD_H
#define HK__TWOFOLD_H

#include <math.h>

struct hk__twofold {
  double high, low; /* high is the sum, rounded */
};

static inline struct hk__twofold hk__twofold_of(double x)
{
  return (struct hk__twofold){x, 0};
}

/* a + b where |a| >= |b|, or a is 0 */
static inline struct hk__twofold hk__twofold_join(double a, double b)
{
  double sum = a + b;
  return (struct hk__twofold){sum, b - (sum - a)};
}

/* a + b */
static inline struct hk__twofold hk__twofold_sum(double a, double b)
{
  double sum = a + b, of_b = sum - a;
  return (struct hk__twofold){sum, (a - (sum - of_b)) + (b - of_b)};
}

static inline struct hk__twofold hk__twofold_add(struct hk__twofold a, struct hk__twofold b)
{
  struct hk__twofold high = hk__twofold_sum(a.high, b.high), low = hk__twofold_sum(a.low, b.low);
  high = hk__twofold_join(high.high, high.low + low.high);
  return hk__twofold_join(high.high, high.low + low.low);
}

static inline struct hk__twofold hk__twofold_less(struct hk__twofold a, struct hk__twofold b)
{
  return hk__twofold_add(a, (struct hk__twofold){-b.high, -b.low});
}

static inline struct hk__twofold hk__twofold_times(struct hk__twofold a, struct hk__twofold b)
{
  double product = a.high * b.high;
  return hk__twofold_join(product, fma(a.high, b.high, -product) + (a.high * b.low + a.low * b.high));
}

/* a b, of a number */
static inline struct hk__twofold hk__twofold_by(struct hk__twofold a, double b)
{
  double product = a.high * b;
  return hk__twofold_join(product, fma(a.high, b, -product) + a.low * b);
}

static inline struct hk__twofold hk__twofold_over(struct hk__twofold a, struct hk__twofold b)
{
  double first = a.high / b.high;
  struct hk__twofold rest = hk__twofold_less(a, hk__twofold_by(b, first));
  double second = rest.high / b.high;
  rest = hk__twofold_less(rest, hk__twofold_by(b, second));
  return hk__twofold_add(hk__twofold_join(first, second), hk__twofold_of(rest.high / b.high));
}

/* a / b, of a number */
static inline struct hk__twofold hk__twofold_per(struct hk__twofold a, double b)
{
  double quotient = a.high / b;
  return hk__twofold_join(quotient, (fma(-quotient, b, a.high) + a.low) / b);
}

#endif
