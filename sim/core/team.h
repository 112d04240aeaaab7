/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads that meet at the end of every window: when all have come the leader does what one must do alone, then all go
 * on. The leader is the thread that the others were started from, so that what it calls outside runs where the caller
 * expects it.
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
  atomic_uint arrived, meetings; /* at this meeting, the leader not counted; meetings held */
};

static inline void hk__team_init(struct hk__team *team, unsigned size)
{
  team->size = size;
  atomic_init(&team->arrived, 0);
  atomic_init(&team->meetings, 0);
}

/* Waits until the counter has the value, or, if `other`, another one. */
static inline void hk__team_wait(atomic_uint *counter, unsigned value, bool other)
{
  enum { SPINS = 2000 };
  for (unsigned spins = 0; (atomic_load_explicit(counter, memory_order_acquire) == value) == other; spins++)
    if (spins >= SPINS)
      sched_yield();
#if defined(__x86_64__)
    else
      __builtin_ia32_pause();
#endif
}

/* Arrives. For the leader: returns, true, when all others have arrived, and they wait until it calls
 * hk__team_dismiss. For the others: returns, false, when it has. */
static inline bool hk__team_meet(struct hk__team *team, bool leader)
{
  if (leader) {
    hk__team_wait(&team->arrived, team->size - 1, false);
    return true;
  }
  unsigned meeting = atomic_load_explicit(&team->meetings, memory_order_relaxed);
  atomic_fetch_add_explicit(&team->arrived, 1, memory_order_release);
  hk__team_wait(&team->meetings, meeting, true);
  return false;
}

static inline void hk__team_dismiss(struct hk__team *team)
{
  atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
  atomic_fetch_add_explicit(&team->meetings, 1, memory_order_release);
}

#endif
