/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private Poisson input to the neurons of a shard: an independent train for each, drawn window by window, stored and
 * exchanged nowhere.
 *
 * What is kept of a train is a time before which it does not spike again. A window looks at those trains only where
 * that lies before its end, draws the bins that it shares with them, and takes the spikes that are its own. */
#ifndef HK__DRIVE_H
#define HK__DRIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/built.h"
#include "core/poisson.h"

struct hk__events;
struct hk__rain;
struct hk__shard_state;
struct hk__window;
struct hk__workspace;

/* Trains that can be drawn side by side: their bins are equally long, and they go to one port. */
struct hk__drive_kind {
  double bin; /* ms */
  uint32_t port;
};

/* Trains are looked at in chunks; vectors may reach beyond the last. Those of more kinds are drawn one by one. */
enum { HK__DRIVE_CHUNK = 256, HK__DRIVE_PADDING = 8, HK__DRIVE_KINDS = 16 };

/* A Poisson input's trains to neurons of one shard: targets k = first .. first + count of the input. */
struct hk__drive {
  const struct hk__input *input;
  struct hk__poisson group;
  uint32_t first, count;
  uint32_t base; /* the population's first neuron less the shard's, modulo 2^32 */
  bool one_rate; /* rate[0] is that of all trains */
  struct hk__poisson_rate *rate;
  double *next;    /* per train: a time before which it does not spike; INFINITY after the last, for vectors' sake */
  double *soonest; /* per HK__DRIVE_CHUNK trains: the least of those */
  struct hk__drive_kind kind[HK__DRIVE_KINDS];
  unsigned kind_count;   /* 0: there are too many */
  uint8_t *kind_of;      /* per train; NULL if all are of one kind */
  struct hk__rain *rain; /* NULL if windows may not be bins of all trains, or the targets are not in a row */
};

/* What a train takes, and one with a rate of its own. */
enum { HK__TRAIN_BYTES = sizeof(double), HK__RATE_BYTES = sizeof(struct hk__poisson_rate) };

static inline const struct hk__poisson_rate *hk__drive_rate(const struct hk__drive *drive, uint32_t train)
{
  return &drive->rate[drive->one_rate ? 0 : train];
}

enum hk_status hk__drives_init(struct hk__shard_state *shard);
void hk__drives_clear(struct hk__shard_state *shard);

/* Adds the events in the window of a chunk of trains, from *train on; moves *train on. Error: HK_ERR_MEMORY. */
enum hk_status hk__drive_draw(struct hk__shard_state *shard, struct hk__drive *drive, const struct hk__window *window,
                              uint32_t *train, struct hk__events *events);

/* Adds all private events of the window to shard->events. */
enum hk_status hk__drives_draw(struct hk__shard_state *shard, const struct hk__window *window);

/* Adds one neuron's private events of the window to shard->events, drawn already or not. */
enum hk_status hk__drives_recall(struct hk__shard_state *shard, const struct hk__window *window, uint32_t neuron);

/* Superposes the events in the window of a drive with few kinds of trains, to neurons that are alike (pour.c). */
typedef void hk__pour_loop(const struct hk__drive *drive, struct hk__shard_state *shard,
                           const struct hk__window *window, const struct hk__workspace *work);
hk__pour_loop hk__drive_pour, hk__drive_pour_widest;

#endif
