/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many events' values added to the accumulators of their targets, one event after the other, in order. */
#ifndef HK__SCATTER_H
#define HK__SCATTER_H

#include <stddef.h>

#include "core/lanes.h"

/* Four rows of values to four neighbouring lanes, which begin where sums does. */
HK_INLINE void hk__scatter_fours(const uint32_t *target, size_t count, const double *const *row, double *sums,
                                 const size_t lanes)
{
  for (size_t j = 0; j < count; j += 4) {
    hk__four r[4];
    for (int k = 0; k < 4; k++)
      if (row[k])
        memcpy(&r[k], row[k] + j, sizeof r[k]);
      else
        r[k] = (hk__four){0};
    hk__fours_transpose(r);
    for (size_t e = 0; e < 4 && j + e < count; e++)
      *(hk__four *)(sums + target[j + e] * lanes) += r[e];
  }
}

/* Row k, if there is one, to lane k: 2 rows and lanes or a multiple of 4. Rows can be read up to a multiple of 4. */
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
