/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/sleep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/shard.h"

enum { BITS = 4, DIGITS = HK__SLEEP_LEAPS - 1 };
_Static_assert(1 << BITS == HK__SLEEP_LEAPS, "digits of numbers of windows");
_Static_assert(HK__SHARD_MAX / HK__GROUP < HK__SLEEP_NOWHERE, "a place for each group");

/* Shares of groups: if more are swept in a window a sleeping shard wakes, if events touch fewer one that is awake falls
 * asleep. */
struct shares {
  double busy, quiet;
};

/* If events touch fewer than this, a shard sleeps deeply. */
static const double deep = 0.1;

/* Naps of few windows do not pay: what pays there is deep sleep alone. */
static bool has_leaps(const struct hk__sleep *sleep)
{
  return sleep->leaps >= HK__SLEEP_LEAPS / 2;
}

/* With one state being awake costs little, and rain falls on those awake only. */
static struct shares shares_of(const struct hk__shard_state *shard)
{
  static const struct shares usual = {0.7, 0.45}, cautious = {0.3, 0.1};
  bool rain = false;
  for (size_t i = 0; i < shard->drive_count; i++)
    rain |= shard->drive[i].rain != NULL;
  return rain || shard->n == 1 || !has_leaps(&shard->sleep) ? cautious : usual;
}

enum hk_status hk__sleep_init(struct hk__shard_state *shard)
{
  struct hk__sleep *sleep = &shard->sleep;
  const size_t n = shard->n, powers = HK__SLEEP_LEVELS * DIGITS * n * n, leaps = HK__SLEEP_LEAPS * n * (n + 2);
  sleep->groups = shard->stride / HK__GROUP;
  const size_t groups = sleep->groups + HK__SLEEP_TOGETHER;
  sleep->nap = calloc(groups, sizeof *sleep->nap);
  sleep->alarm = calloc(groups, sizeof *sleep->alarm);
  sleep->place = malloc(groups * sizeof *sleep->place);
  sleep->due = malloc(groups * sizeof *sleep->due);
  sleep->power = malloc(powers * sizeof *sleep->power);
  sleep->leap = malloc(leaps * sizeof *sleep->leap);
  shard->bytes += groups * (sizeof *sleep->nap + sizeof *sleep->alarm + sizeof *sleep->place + sizeof *sleep->due) +
                  (powers + leaps) * sizeof *sleep->power;
  bool all = sleep->nap && sleep->alarm && sleep->place && sleep->due && sleep->power && sleep->leap;
  for (size_t g = 0; g < groups && all; g++)
    sleep->place[g] = HK__SLEEP_NOWHERE;
  return all ? HK_OK : HK_ERR_MEMORY;
}

void hk__sleep_clear(struct hk__sleep *sleep)
{
  free(sleep->nap);
  free(sleep->alarm);
  free(sleep->place);
  free(sleep->due);
  free(sleep->power);
  free(sleep->leap);
}

static double *power_of(const struct hk__shard_state *shard, size_t level, size_t digit)
{
  return shard->sleep.power + (level * DIGITS + digit - 1) * shard->n * shard->n;
}

static void derive_powers(struct hk__shard_state *shard)
{
  const struct hk__kernel *kernel = shard->built->kernels[shard->kernel[0]];
  double integral[HK_STATES_MAX * HK_STATES_MAX], h = shard->sleep.h;
  for (size_t level = 0; level < HK__SLEEP_LEVELS; level++, h *= HK__SLEEP_LEAPS)
    for (size_t digit = 1; digit <= DIGITS; digit++)
      hk__kernel_propagator(kernel, false, (double)digit * h, power_of(shard, level, digit), integral);
}

/* The bound of the longest leap serves shorter ones, as the square of their length. */
static void derive_leaps(struct hk__shard_state *shard)
{
  struct hk__sleep *sleep = &shard->sleep;
  const struct hk__kernel *kernel = shard->built->kernels[shard->kernel[0]];
  const size_t n = shard->n;
  double integral[HK_STATES_MAX * HK_STATES_MAX], most[HK_STATES_MAX];
  hk__response_bend(kernel, (double)sleep->leaps * sleep->h, most);
  for (size_t k = 0; k < sleep->leaps; k++) {
    const double windows = (double)(k + 1), part = windows / (double)sleep->leaps;
    double *P = sleep->leap + k * n * (n + 2), *bend = P + n * n, *ahead = bend + n;
    hk__kernel_propagator(kernel, false, windows * sleep->h, P, integral);
    for (size_t j = 0; j < n; j++) {
      bend[j] = most[j] * part * part;
      ahead[j] = 0;
      for (size_t i = 0; i < n; i++)
        ahead[j] = fma(kernel->system.sense[i], P[i * n + j], ahead[j]);
    }
  }
}

static void propagate(const struct hk__shard_state *shard, size_t group, const double *P)
{
  const size_t n = shard->n;
  double v[HK_STATES_MAX][HK__GROUP], *z = shard->z + group * n * HK__GROUP;
  for (size_t j = 0; j < n; j++) {
    for (size_t i = 0; i < HK__GROUP; i++)
      v[j][i] = P[j * n] * z[i];
    for (size_t k = 1; k < n; k++)
      for (size_t i = 0; i < HK__GROUP; i++)
        v[j][i] = fma(P[j * n + k], z[k * HK__GROUP + i], v[j][i]);
  }
  memcpy(z, v, n * sizeof *v);
}

void hk__sleep_advance(struct hk__shard_state *shard, size_t group, uint64_t windows)
{
  static const uint64_t most = (uint64_t)DIGITS << BITS * (HK__SLEEP_LEVELS - 1);
  shard->sleep.nap[group].since += windows;
  for (; windows >> BITS * HK__SLEEP_LEVELS; windows -= most)
    propagate(shard, group, power_of(shard, HK__SLEEP_LEVELS - 1, DIGITS));
  for (size_t level = 0; windows; level++, windows /= HK__SLEEP_LEAPS)
    if (windows % HK__SLEEP_LEAPS)
      propagate(shard, group, power_of(shard, level, windows % HK__SLEEP_LEAPS));
}

void hk__sleep_catch_up(struct hk__shard_state *shard, size_t group)
{
  const struct hk__sleep *sleep = &shard->sleep;
  if (sleep->on && sleep->nap[group].since < sleep->clock)
    hk__sleep_advance(shard, group, sleep->clock - sleep->nap[group].since);
}

uint64_t hk__sleep_longest(const struct hk__shard_state *shard, size_t group)
{
  const struct hk__sleep *sleep = &shard->sleep;
  const struct hk__kernel *kernel = shard->built->kernels[shard->kernel[0]];
  const double *z = shard->z + group * shard->n * HK__GROUP, *theta = shard->theta + group * HK__GROUP;
  static const double never = 0x1p52; /* windows */
  for (size_t h = HK__HORIZONS; h-- > 0;) {
    const struct hk__horizon *horizon = &kernel->dynamics->horizon[h];
    double bound[HK__GROUP] = {0};
    for (size_t j = 0; j < shard->n; j++)
      for (size_t i = 0; i < HK__GROUP; i++) {
        double up = z[j * HK__GROUP + i] * horizon->hi[j], down = z[j * HK__GROUP + i] * horizon->lo[j];
        bound[i] += up > down ? up : down;
      }
    bool below = true;
    for (size_t i = 0; i < HK__GROUP; i++)
      below &= bound[i] < theta[i];
    if (below)
      return horizon->length < never * sleep->h ? (uint64_t)(horizon->length / sleep->h) : (uint64_t)never;
  }
  return 0;
}

/* Everybody stands at the clock and is due. */
static void wake_all(struct hk__shard_state *shard)
{
  struct hk__sleep *sleep = &shard->sleep;
  for (size_t g = 0; g < sleep->groups; g++) {
    hk__sleep_catch_up(shard, g);
    sleep->nap[g].since = sleep->clock;
    hk__sleep_set_wake(sleep, g, sleep->clock);
  }
}

/* Makes what sleep takes, for the present length of windows. */
static void make_ready(struct hk__shard_state *shard)
{
  derive_powers(shard);
  derive_leaps(shard);
  shard->sleep.made_h = shard->sleep.h;
}

/* How many windows a leap may take at most: it stays within the reach of the bound. */
static size_t count_leaps(const struct hk__shard_state *shard)
{
  const double reach = shard->built->kernels[shard->kernel[0]]->reach;
  size_t leaps = HK__SLEEP_LEAPS;
  while (leaps > 1 && (double)leaps * shard->sleep.h > reach)
    leaps /= 2;
  return leaps;
}

/* Nothing is made for a length before it comes a second time in a row, as many are those of one cut window. */
void hk__sleep_open(struct hk__shard_state *shard, double length)
{
  struct hk__sleep *sleep = &shard->sleep;
  if (sleep->h != length) {
    if (sleep->on)
      wake_all(shard);
    sleep->h = length;
    sleep->leaps = count_leaps(shard);
  } else if (sleep->on && !hk__sleep_ready(sleep))
    make_ready(shard);
}

void hk__sleep_close(struct hk__shard_state *shard)
{
  struct hk__sleep *sleep = &shard->sleep;
  sleep->clock++;
  if (++sleep->seen_windows < HK__SLEEP_PERIOD)
    return;
  const double all = (double)(sleep->seen_windows * sleep->groups);
  const double touched = (double)sleep->touched / all, swept = (double)sleep->swept / all;
  const struct shares shares = shares_of(shard);
  sleep->seen_windows = sleep->touched = sleep->swept = 0;
  sleep->deep = touched < deep || !has_leaps(sleep);
  if (sleep->on ? swept > shares.busy : touched < shares.quiet) {
    wake_all(shard);
    sleep->on = !sleep->on;
  }
}
