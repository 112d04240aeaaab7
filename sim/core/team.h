/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads that meet at the end of every window: the last to come does what one must do alone, then all go on.
 *
 * Who waits spins for some microseconds, as windows are that short, then lets others run, so that a machine with other
 * work loses little. */
#ifndef HK__TEAM_H
#define HK__TEAM_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

struct hk__team {
  unsigned size;
  atomic_uint arrived, meetings; /* at this meeting; meetings held */
};

static inline void hk__team_init(struct hk__team *team, unsigned size)
{
  team->size = size;
  atomic_init(&team->arrived, 0);
  atomic_init(&team->meetings, 0);
}

/* Arrives. True for the last, who must call hk__team_dismiss when it is done; the others return when it has. */
static inline bool hk__team_meet(struct hk__team *team)
{
  enum { SPINS = 2000 };
  unsigned meeting = atomic_load_explicit(&team->meetings, memory_order_relaxed);
  if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) + 1 == team->size)
    return true;
  for (unsigned spins = 0; atomic_load_explicit(&team->meetings, memory_order_acquire) == meeting; spins++)
    if (spins >= SPINS)
      sched_yield();
#if defined(__x86_64__)
    else
      __builtin_ia32_pause();
#endif
  return false;
}

static inline void hk__team_dismiss(struct hk__team *team)
{
  atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
  atomic_fetch_add_explicit(&team->meetings, 1, memory_order_release);
}

#endif
