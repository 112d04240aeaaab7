/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many events' values added to the accumulators of their targets, one event after the other, in order. */
#ifndef HK__SCATTER_H
#define HK__SCATTER_H

#include <stddef.h>

#include "core/lanes.h"

/* Four numbers of a row, if there is one. In registers throughout, here and below: what is stored in halves cannot be
 * loaded as a whole before the second half has left the processor. */
HK_INLINE hk__four hk__scatter_part(const double *row, size_t j)
{
  const hk__four none = {0};
  return row ? (hk__four) * (const hk__row *)(row + j) : none;
}

HK_INLINE void hk__scatter_add(double *sums, hk__four values)
{
  *(hk__four *)sums += values;
}

/* Four rows of values to four neighbouring lanes, which begin where sums does. */
HK_INLINE void hk__scatter_fours(const uint32_t *target, size_t count, const double *const *row, double *sums,
                                 const size_t lanes)
{
  const double *const a = row[0], *const b = row[1], *const c = row[2], *const d = row[3];
  size_t j = 0;
  for (; j + 4 <= count; j += 4) {
    hk__four r[4] = {hk__scatter_part(a, j), hk__scatter_part(b, j), hk__scatter_part(c, j), hk__scatter_part(d, j)};
    hk__fours_transpose(r);
    hk__scatter_add(sums + target[j] * lanes, r[0]);
    hk__scatter_add(sums + target[j + 1] * lanes, r[1]);
    hk__scatter_add(sums + target[j + 2] * lanes, r[2]);
    hk__scatter_add(sums + target[j + 3] * lanes, r[3]);
  }
  for (; j < count; j++) {
    const hk__four values = {a ? a[j] : 0, b ? b[j] : 0, c ? c[j] : 0, d ? d[j] : 0};
    hk__scatter_add(sums + target[j] * lanes, values);
  }
}

/* Row k, if there is one, to lane k: 2 rows and lanes or a multiple of 4. */
HK_INLINE void hk__scatter(const uint32_t *target, size_t count, const double *const *row, double *sums, size_t lanes)
{
  if (lanes == 2)
    for (size_t j = 0; j < count; j++)
      *(hk__two *)(sums + 2 * (size_t)target[j]) += (hk__two){row[0] ? row[0][j] : 0, row[1] ? row[1][j] : 0};
  else if (lanes == 4)
    hk__scatter_fours(target, count, row, sums, 4);
  else
    for (size_t k = 0; k < lanes; k += 4)
      if (row[k] || row[k + 1] || row[k + 2] || row[k + 3])
        hk__scatter_fours(target, count, row + k, sums + k, lanes);
}

#endif
