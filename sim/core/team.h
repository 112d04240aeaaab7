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

/* Bytes between what different threads write: a pair of cache lines, as processors fetch them. A line that another
 * thread wrote takes as long to come as hundreds of operations, so what is read together stands together. */
enum { HK__APART = 128 };

struct hk__team {
  atomic_uint_least64_t open; /* the number of the window that is worked on */
};

static inline void hk__team_init(struct hk__team *team, uint64_t window)
{
  atomic_init(&team->open, window);
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

/* Takes a shard for a window unless another thread has it, for this window or, if it is long over, a later one. */
static inline bool hk__team_claim(atomic_uint_least64_t *claimed, uint64_t window)
{
  uint64_t before = atomic_load_explicit(claimed, memory_order_relaxed);
  return before < window &&
         atomic_compare_exchange_strong_explicit(claimed, &before, window, memory_order_relaxed, memory_order_relaxed);
}

/* The one who took it is through with it. */
static inline void hk__team_done(atomic_uint_least64_t *done, uint64_t window)
{
  atomic_store_explicit(done, window, memory_order_release);
}

/* For the leader: waits until a shard is done. */
static inline void hk__team_expect(atomic_uint_least64_t *done, uint64_t window)
{
  hk__team_wait(done, window, false);
}

/* For the leader, when all are: opens another window, or HK__TEAM_OVER. */
static inline void hk__team_open(struct hk__team *team, uint64_t window)
{
  atomic_store_explicit(&team->open, window, memory_order_release);
}

/* For the others: waits for another window than that which they know, or HK__TEAM_OVER. */
static inline uint64_t hk__team_next(struct hk__team *team, uint64_t known)
{
  return hk__team_wait(&team->open, known, true);
}

#endif
