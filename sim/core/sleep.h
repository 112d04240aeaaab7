/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups of neurons that are left alone while nothing happens to them.
 *
 * A shard's clock counts its windows. While the shard sleeps (`on`), the states of a group stand where they were when
 * the clock was nap.since; an event, or a clock that has come to nap.wake, makes the group due: its states are advanced
 * over all windows that it slept, and it is swept. The time to wake comes from a bound on what its neurons can do if
 * nothing arrives; alarm[g] is its last byte. All windows slept have the length h: when another comes, everybody is
 * woken. Whether a shard sleeps is decided by counts of groups touched and swept, so it is the same for any threads.
 * While `on` is false all states stand at the clock. */
#ifndef HK__SLEEP_H
#define HK__SLEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>

/* Neurons are swept in groups of so many. */
enum { HK__GROUP = 8 };

enum {
  HK__SLEEP_LEAPS = 16,           /* a power of two: windows that a sweep can take in one */
  HK__SLEEP_LEVELS = 5,           /* propagators over 1 .. 15 windows, 16, 32 .. 15 * 16, and so on */
  HK__SLEEP_PERIOD = 64,          /* windows between decisions */
  HK__SLEEP_TOGETHER = 8,         /* groups whose alarms are looked at together */
  HK__SLEEP_NOWHERE = UINT16_MAX, /* no place among the accumulators */
};

/* Of a group: the clock at which its states stand, and that at which it is due. */
struct hk__nap {
  uint64_t since, wake;
};

struct hk__sleep {
  bool on, deep; /* deep: naps beyond the leaps are worth looking for */
  double h;
  uint64_t clock;
  size_t groups;
  struct hk__nap *nap;
  uint8_t *alarm;
  uint16_t *place;         /* in this window, while `on`: which of the accumulators a group has */
  uint32_t *due;           /* groups that this window moves; first those that have accumulators, in their order: */
  uint32_t placed;         /* so many */
  double *power;           /* [HK__SLEEP_LEVELS][HK__SLEEP_LEAPS - 1][n][n] */
  double *leap;            /* of 1, 2 .. `leaps` windows, n * (n + 2) each */
  size_t leaps;            /* those over which the bound holds at length h: a power of two */
  double made_h;           /* what powers and leaps were made for, 0: none; while not h, all are swept in each window */
  uint64_t seen_windows;   /* since the last decision; */
  uint64_t touched, swept; /* in them: groups that events touched; groups swept, while asleep */
};

/* Whether what sleep takes is made, for the present length of windows. */
static inline bool hk__sleep_ready(const struct hk__sleep *sleep)
{
  return sleep->made_h == sleep->h;
}

/* Several windows in one, as a response is one: z becomes P z, and meanwhile sense . z lies below
 * max(sense . z, ahead . z) + sum of |z_j| bend[j]. */
struct hk__leap {
  const double *P, *bend, *ahead; /* [n][n], [n], [n] */
};

/* A group that an event touches takes the next accumulators: few are in use, and caches hold them. Returns which. */
static inline uint32_t hk__sleep_touch(struct hk__sleep *sleep, size_t group)
{
  const uint32_t place = sleep->place[group], next = sleep->placed;
  const bool new = place == HK__SLEEP_NOWHERE;
  sleep->due[next] = (uint32_t)group;
  sleep->placed = next + new;
  return sleep->place[group] = (uint16_t)(new ? next : place);
}

/* The same for a neuron. Returns which accumulator it has. */
static inline uint32_t hk__sleep_touch_one(struct hk__sleep *sleep, uint32_t neuron)
{
  return HK__GROUP * hk__sleep_touch(sleep, neuron / HK__GROUP) + neuron % HK__GROUP;
}

/* That of 1 .. sleep->leaps windows. */
static inline struct hk__leap hk__sleep_leap(const struct hk__sleep *sleep, size_t n, size_t windows)
{
  const double *P = sleep->leap + (windows - 1) * n * (n + 2);
  return (struct hk__leap){P, P + n * n, P + n * n + n};
}

struct hk__shard_state;

/* Errors: HK_ERR_MEMORY. */
enum hk_status hk__sleep_init(struct hk__shard_state *shard);
void hk__sleep_clear(struct hk__sleep *sleep);

/* A window of this length begins; it is over. */
void hk__sleep_open(struct hk__shard_state *shard, double length);
void hk__sleep_close(struct hk__shard_state *shard);

/* Advances a group to the clock; by a number of windows. */
void hk__sleep_catch_up(struct hk__shard_state *shard, size_t group);
void hk__sleep_advance(struct hk__shard_state *shard, size_t group, uint64_t windows);

/* For how many windows, by the horizons of its neurons, a group may be left alone if nothing happens to it. */
uint64_t hk__sleep_longest(const struct hk__shard_state *shard, size_t group);

static inline void hk__sleep_set_wake(const struct hk__sleep *sleep, size_t group, uint64_t wake)
{
  sleep->nap[group].wake = wake;
  sleep->alarm[group] = (uint8_t)wake;
}

#endif
