/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/sleep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/shard.h"

/* Shares of groups touched in a window: above the one a sleeping shard wakes, below the other it falls asleep. */
static const double busy = 0.3, quiet = 0.1;

enum hk_status hk__sleep_init(struct hk__shard_state *shard)
{
  struct hk__sleep *sleep = &shard->sleep;
  sleep->groups = shard->stride / HK__GROUP;
  size_t blocks = sleep->groups / HK__SLEEP_BLOCK + 1;
  sleep->since = calloc(sleep->groups, sizeof *sleep->since);
  sleep->wake = calloc(sleep->groups, sizeof *sleep->wake);
  sleep->soonest = calloc(blocks, sizeof *sleep->soonest);
  sleep->power = malloc(HK__SLEEP_POWERS * shard->n * shard->n * sizeof *sleep->power);
  shard->bytes += (2 * sleep->groups + blocks) * sizeof *sleep->since +
                  HK__SLEEP_POWERS * shard->n * shard->n * sizeof *sleep->power;
  return sleep->since && sleep->wake && sleep->soonest && sleep->power ? HK_OK : HK_ERR_MEMORY;
}

void hk__sleep_clear(struct hk__sleep *sleep)
{
  free(sleep->since);
  free(sleep->wake);
  free(sleep->soonest);
  free(sleep->power);
}

static void derive_powers(struct hk__shard_state *shard)
{
  struct hk__sleep *sleep = &shard->sleep;
  size_t n = shard->n;
  double integral[HK_STATES_MAX * HK_STATES_MAX];
  for (int i = 0; i < HK__SLEEP_POWERS; i++)
    hk__kernel_propagator(shard->built->kernels[shard->kernel[0]], false, ldexp(sleep->h, i),
                          sleep->power + (size_t)i * n * n, integral);
  sleep->power_h = sleep->h;
}

static void propagate(const struct hk__shard_state *shard, size_t group, const double *P)
{
  size_t n = shard->n;
  double v[HK_STATES_MAX][HK__GROUP], *z = shard->z + group * HK__GROUP;
  for (size_t j = 0; j < n; j++) {
    for (size_t i = 0; i < HK__GROUP; i++)
      v[j][i] = P[j * n] * z[i];
    for (size_t k = 1; k < n; k++)
      for (size_t i = 0; i < HK__GROUP; i++)
        v[j][i] = fma(P[j * n + k], z[k * shard->stride + i], v[j][i]);
  }
  for (size_t j = 0; j < n; j++)
    memcpy(z + j * shard->stride, v[j], sizeof v[j]);
}

void hk__sleep_catch_up(struct hk__shard_state *shard, size_t group)
{
  struct hk__sleep *sleep = &shard->sleep;
  uint64_t windows = sleep->on ? sleep->clock - sleep->since[group] : 0;
  if (windows == 0)
    return;
  if (sleep->power_h != sleep->h)
    derive_powers(shard);
  size_t square = shard->n * shard->n;
  const double *longest = sleep->power + (HK__SLEEP_POWERS - 1) * square;
  for (; windows >> HK__SLEEP_POWERS; windows -= 1u << (HK__SLEEP_POWERS - 1))
    propagate(shard, group, longest);
  for (int i = 0; windows >> i; i++)
    if (windows >> i & 1u)
      propagate(shard, group, sleep->power + (size_t)i * square);
  sleep->since[group] = sleep->clock;
}

void hk__sleep_set_wake(struct hk__sleep *sleep, size_t group, uint64_t wake)
{
  uint64_t *soonest = &sleep->soonest[group / HK__SLEEP_BLOCK];
  sleep->wake[group] = wake;
  *soonest = wake < *soonest ? wake : *soonest;
}

uint64_t hk__sleep_wake_time(const struct hk__shard_state *shard, size_t group)
{
  const struct hk__sleep *sleep = &shard->sleep;
  const struct hk__kernel *kernel = shard->built->kernels[shard->kernel[0]];
  const double *z = shard->z + group * HK__GROUP, *theta = shard->theta + group * HK__GROUP;
  for (size_t h = HK__HORIZONS; h-- > 0;) {
    const struct hk__horizon *horizon = &kernel->dynamics->horizon[h];
    double bound[HK__GROUP] = {0};
    for (size_t j = 0; j < shard->n; j++)
      for (size_t i = 0; i < HK__GROUP; i++) {
        double up = z[j * shard->stride + i] * horizon->hi[j], down = z[j * shard->stride + i] * horizon->lo[j];
        bound[i] += up > down ? up : down;
      }
    bool below = true;
    for (size_t i = 0; i < HK__GROUP; i++)
      below &= bound[i] < theta[i];
    if (below)
      return horizon->length < 0x1p52 * sleep->h ? sleep->clock + 1 + (uint64_t)(horizon->length / sleep->h)
                                                 : UINT64_MAX;
  }
  return sleep->clock + 1;
}

/* Everybody stands at the clock and is due. */
static void wake_all(struct hk__shard_state *shard)
{
  struct hk__sleep *sleep = &shard->sleep;
  for (size_t g = 0; g < sleep->groups; g++) {
    hk__sleep_catch_up(shard, g);
    sleep->since[g] = sleep->wake[g] = sleep->clock;
  }
  for (size_t b = 0; b * HK__SLEEP_BLOCK < sleep->groups; b++)
    sleep->soonest[b] = sleep->clock;
}

void hk__sleep_open(struct hk__shard_state *shard, double length)
{
  struct hk__sleep *sleep = &shard->sleep;
  if (sleep->h == length)
    return;
  if (sleep->on)
    wake_all(shard);
  sleep->h = length;
}

void hk__sleep_close(struct hk__shard_state *shard)
{
  struct hk__sleep *sleep = &shard->sleep;
  sleep->clock++;
  if (++sleep->seen_windows < HK__SLEEP_PERIOD)
    return;
  double share = (double)sleep->touched / (double)(sleep->seen_windows * sleep->groups);
  sleep->seen_windows = sleep->touched = 0;
  if (sleep->on ? share > busy : share < quiet) {
    wake_all(shard);
    sleep->on = !sleep->on;
  }
}
