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

/* Numbers from anywhere, put together in registers: lanes that were stored one by one could not be loaded at once
 * before the last of them has left the processor. */
HK_INLINE hk_lanes hk__lanes_picked_up(const double *const from[HK_LANES])
{
#if defined(HK__LANES_512)
  return (hk_lanes)_mm512_set_pd(*from[7], *from[6], *from[5], *from[4], *from[3], *from[2], *from[1], *from[0]);
#else
  return (hk_lanes){*from[0], *from[1], *from[2], *from[3]};
#endif
}

/* x[j] = number j of each lane's row */
HK_INLINE void hk__rows_gather(const double *const row[HK_LANES], hk_lanes x[HK__ROW])
{
  hk__four r[HK_LANES];
  for (size_t i = 0; i < HK_LANES; i++)
    memcpy(&r[i], row[i], sizeof r[i]);
  for (size_t i = 0; i < HK_LANES; i += HK__ROW)
    hk__fours_transpose(r + i);
#if defined(HK__LANES_512)
  for (size_t j = 0; j < HK__ROW; j++)
    x[j] = __builtin_shufflevector(r[j], r[HK__ROW + j], 0, 1, 2, 3, 4, 5, 6, 7);
#else
  memcpy(x, r, sizeof r);
#endif
}

HK_INLINE void hk__rows_scatter(const hk_lanes x[HK__ROW], double *const row[HK_LANES])
{
  hk__four r[HK_LANES];
#if defined(HK__LANES_512)
  for (size_t j = 0; j < HK__ROW; j++) {
    r[j] = __builtin_shufflevector(x[j], x[j], 0, 1, 2, 3);
    r[HK__ROW + j] = __builtin_shufflevector(x[j], x[j], 4, 5, 6, 7);
  }
#else
  memcpy(r, x, sizeof r);
#endif
  for (size_t i = 0; i < HK_LANES; i += HK__ROW)
    hk__fours_transpose(r + i);
  for (size_t i = 0; i < HK_LANES; i++)
    memcpy(row[i], &r[i], sizeof r[i]);
}

#endif
