/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups of neurons that are left alone while nothing happens to them.
 *
 * A shard's clock counts its windows. While the shard sleeps (`on`), the states of group g stand where they were when
 * the clock was since[g]; an event, or a clock that has come to wake[g], makes the group due: its states are advanced
 * over all windows that it slept, and it is swept. wake[g] comes from a bound on what its neurons can do if nothing
 * arrives. soonest[b] is at most the least wake of the groups in block b. All windows slept have the length h: when
 * another comes, everybody is woken. Whether a shard sleeps is decided by counts of groups touched, so it is the same
 * for any threads. While `on` is false all states stand at the clock. */
#ifndef HK__SLEEP_H
#define HK__SLEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>

enum {
  HK__SLEEP_BLOCK = 64,  /* groups */
  HK__SLEEP_POWERS = 20, /* propagators over 2^0 .. 2^19 windows */
  HK__SLEEP_PERIOD = 64  /* windows between decisions */
};

struct hk__sleep {
  bool on;
  double h;
  uint64_t clock;
  size_t groups;
  uint64_t *since, *wake, *soonest;
  double *power;                  /* [HK__SLEEP_POWERS][n][n] */
  double power_h;                 /* what the powers were made for; 0: none */
  uint64_t seen_windows, touched; /* since the last decision: windows; groups touched or woken in them */
};

struct hk__shard_state;

/* Errors: HK_ERR_MEMORY. */
enum hk_status hk__sleep_init(struct hk__shard_state *shard);
void hk__sleep_clear(struct hk__sleep *sleep);

/* A window of this length begins; it is over. */
void hk__sleep_open(struct hk__shard_state *shard, double length);
void hk__sleep_close(struct hk__shard_state *shard);

/* Advances a group to the clock. */
void hk__sleep_catch_up(struct hk__shard_state *shard, size_t group);

/* The clock at which a group that stands at the next one must be looked at if nothing happens to it. */
uint64_t hk__sleep_wake_time(const struct hk__shard_state *shard, size_t group);
void hk__sleep_set_wake(struct hk__sleep *sleep, size_t group, uint64_t wake);

#endif
