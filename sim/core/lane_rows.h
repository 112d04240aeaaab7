/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The states of a neuron stand one after the other in rows of four, whose last numbers may be of no meaning; in lanes
 * stand those of as many neurons. */
#ifndef HK__LANE_ROWS_H
#define HK__LANE_ROWS_H

#include <hillock/model.h>

#include "core/lanes.h"

enum { HK__ROW = 4, HK__STATES_ROOM = (HK_STATES_MAX + HK__ROW - 1) / HK__ROW * HK__ROW };

static inline size_t hk__states_room(size_t states)
{
  return (states + HK__ROW - 1) / HK__ROW * HK__ROW;
}

/* Numbers from anywhere. */
HK_INLINE hk_lanes hk__lanes_picked_up(const double *const from[HK_LANES])
{
#if defined(HK__LANES_512)
  return (hk_lanes)_mm512_set_pd(*from[7], *from[6], *from[5], *from[4], *from[3], *from[2], *from[1], *from[0]);
#else
  return (hk_lanes){*from[0], *from[1], *from[2], *from[3]};
#endif
}

/* Rows of lanes i and, where there are so many, 4 + i. */
HK_INLINE hk_lanes hk__rows_load(const double *const row[HK_LANES], size_t i)
{
#if defined(HK__LANES_512)
  const hk__four low = *(const hk__row *)row[i], high = *(const hk__row *)row[HK__ROW + i];
  return (hk_lanes)_mm512_insertf64x4(_mm512_castpd256_pd512((__m256d)low), (__m256d)high, 1);
#else
  return *(const hk__row *)row[i];
#endif
}

HK_INLINE void hk__rows_store(hk_lanes x, double *const row[HK_LANES], size_t i)
{
#if defined(HK__LANES_512)
  *(hk__row *)row[i] = (hk__four)_mm512_castpd512_pd256((__m512d)x);
  *(hk__row *)row[HK__ROW + i] = (hk__four)_mm512_extractf64x4_pd((__m512d)x, 1);
#else
  *(hk__row *)row[i] = x;
#endif
}

/* Four rows of four become four columns, and the reverse. */
HK_INLINE void hk__rows_transpose(hk_lanes a, hk_lanes b, hk_lanes c, hk_lanes d, hk_lanes x[HK__ROW])
{
#if defined(HK__LANES_512)
  const hk_lanes ab = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
  const hk_lanes AB = __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
  const hk_lanes cd = __builtin_shufflevector(c, d, 0, 8, 2, 10, 4, 12, 6, 14);
  const hk_lanes CD = __builtin_shufflevector(c, d, 1, 9, 3, 11, 5, 13, 7, 15);
  x[0] = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13);
  x[1] = __builtin_shufflevector(AB, CD, 0, 1, 8, 9, 4, 5, 12, 13);
  x[2] = __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15);
  x[3] = __builtin_shufflevector(AB, CD, 2, 3, 10, 11, 6, 7, 14, 15);
#else
  const hk_lanes ab = __builtin_shufflevector(a, b, 0, 4, 2, 6), AB = __builtin_shufflevector(a, b, 1, 5, 3, 7);
  const hk_lanes cd = __builtin_shufflevector(c, d, 0, 4, 2, 6), CD = __builtin_shufflevector(c, d, 1, 5, 3, 7);
  x[0] = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  x[1] = __builtin_shufflevector(AB, CD, 0, 1, 4, 5);
  x[2] = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  x[3] = __builtin_shufflevector(AB, CD, 2, 3, 6, 7);
#endif
}

/* x[j] = number j of each lane's row */
HK_INLINE void hk__rows_gather(const double *const row[HK_LANES], hk_lanes x[HK__ROW])
{
  const hk_lanes a = hk__rows_load(row, 0), b = hk__rows_load(row, 1);
  const hk_lanes c = hk__rows_load(row, 2), d = hk__rows_load(row, 3);
  hk__rows_transpose(a, b, c, d, x);
}

HK_INLINE void hk__rows_scatter(const hk_lanes x[HK__ROW], double *const row[HK_LANES])
{
  hk_lanes r[HK__ROW];
  hk__rows_transpose(x[0], x[1], x[2], x[3], r);
  hk__rows_store(r[0], row, 0);
  hk__rows_store(r[1], row, 1);
  hk__rows_store(r[2], row, 2);
  hk__rows_store(r[3], row, 3);
}

#endif
