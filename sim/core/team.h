/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads that share the shards of every window. The leader opens a window, works on it as the others do, waits until
 * all its shards are done and does what one must do alone. It is the thread that the others were started from, so that
 * what it calls outside runs where the caller expects it.
 *
 * Nobody waits for a thread that has taken nothing: one that other programs keep from running comes to a later window,
 * or to none. Who waits spins for some microseconds, as windows are that short, then lets others run. */
#ifndef HK__TEAM_H
#define HK__TEAM_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* No window: the work is over. */
#define HK__TEAM_OVER UINT64_MAX

struct hk__team {
  atomic_uint_least64_t open; /* the number of the window that is worked on */
  atomic_uint_least64_t done; /* its shards that are */
};

static inline void hk__team_init(struct hk__team *team, uint64_t window)
{
  atomic_init(&team->open, window);
  atomic_init(&team->done, 0);
}

/* Waits until the counter has the value, or, if `other`, another one. Returns its value. */
static inline uint64_t hk__team_wait(atomic_uint_least64_t *counter, uint64_t value, bool other)
{
  enum { SPINS = 2000 };
  uint64_t now;
  for (unsigned spins = 0; ((now = atomic_load_explicit(counter, memory_order_acquire)) == value) == other; spins++)
    if (spins >= SPINS)
      sched_yield();
#if defined(__x86_64__)
    else
      __builtin_ia32_pause();
#endif
  return now;
}

/* Some shards of the open window are done. */
static inline void hk__team_add(struct hk__team *team, uint64_t shards)
{
  atomic_fetch_add_explicit(&team->done, shards, memory_order_release);
}

/* For the leader: waits until so many shards of the open window are done. */
static inline void hk__team_gather(struct hk__team *team, uint64_t shards)
{
  hk__team_wait(&team->done, shards, false);
}

/* For the leader, after that: opens another window, or HK__TEAM_OVER. */
static inline void hk__team_open(struct hk__team *team, uint64_t window)
{
  atomic_store_explicit(&team->done, 0, memory_order_relaxed);
  atomic_store_explicit(&team->open, window, memory_order_release);
}

/* For the others: waits for another window than that which they know, or HK__TEAM_OVER. */
static inline uint64_t hk__team_next(struct hk__team *team, uint64_t known)
{
  return hk__team_wait(&team->open, known, true);
}

#endif
