/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/poisson.h"

#include <Random123/philox.h>
#include <math.h>

#include <hillock/calculus.h>

const double hk__poisson_unit = 0.1;

const double hk__poisson_shares[HK__POISSON_MOST] = {
    1.0 / 1,  1.0 / 2,  1.0 / 3,  1.0 / 4,  1.0 / 5,  1.0 / 6,  1.0 / 7,  1.0 / 8,  1.0 / 9,  1.0 / 10, 1.0 / 11,
    1.0 / 12, 1.0 / 13, 1.0 / 14, 1.0 / 15, 1.0 / 16, 1.0 / 17, 1.0 / 18, 1.0 / 19, 1.0 / 20, 1.0 / 21, 1.0 / 22,
    1.0 / 23, 1.0 / 24, 1.0 / 25, 1.0 / 26, 1.0 / 27, 1.0 / 28, 1.0 / 29, 1.0 / 30, 1.0 / 31};

void hk__poisson_init(struct hk__poisson *group, uint64_t seed, enum hk__purpose purpose, uint32_t index)
{
  struct hk__stream stream;
  hk__stream_init(&stream, seed, purpose, index, 0, 0);
  *group = (struct hk__poisson){{stream.key[0], stream.key[1]}, {stream.counter[2], stream.counter[3]}};
}

/* The longest in which at most so many spikes are expected that mostly one block of words tells them all. */
static double bin_length(double rate)
{
  static const double most = 2.35;
  double length = hk__poisson_unit;
  while (rate * (2 * length) <= most)
    length *= 2;
  while (rate * length > most)
    length /= 2;
  return length;
}

struct hk__poisson_rate hk__poisson_rate_of(double rate)
{
  static const double least = 1e-200; /* below this, nothing ever */
  if (!(rate > least))
    return (struct hk__poisson_rate){.bin = 1, .mean = 0, .none = 0x1p32};
  double bin = bin_length(rate);
  return (struct hk__poisson_rate){.bin = bin, .mean = rate * bin, .none = 0x1p32 * hk_exp(-rate * bin)};
}

uint64_t hk__poisson_bin_at(const struct hk__poisson_rate *rate, double time)
{
  double quotient = time / rate->bin;
  uint64_t bin = quotient < (double)HK__POISSON_BINS ? (uint64_t)quotient : HK__POISSON_BINS;
  if (bin > 0 && hk__poisson_start(rate, bin) > time)
    bin--;
  if (hk__poisson_start(rate, bin + 1) <= time)
    bin++;
  return bin;
}

/* In [0, 1). */
static double fraction_of(uint32_t word, uint32_t lent)
{
  uint64_t bits = (uint64_t)word << 20 | (lent & 0xfffffu) | 0x3ff0000000000000u; /* in [1, 2) */
  double x;
  memcpy(&x, &bits, sizeof x);
  return x - 1;
}

unsigned hk__poisson_bin(const struct hk__poisson *group, uint32_t train, const struct hk__poisson_rate *rate,
                         uint64_t bin, double time[HK__POISSON_MOST])
{
  const philox4x32_key_t key = {{group->key[0], group->key[1]}};
  double start = hk__poisson_start(rate, bin), last = nextafter(hk__poisson_start(rate, bin + 1), 0);
  double u = 0, limit = rate->none, p = limit;
  unsigned count = 0;
  for (uint64_t number = HK__POISSON_BLOCKS * bin; count < HK__POISSON_MOST; number++) {
    philox4x32_ctr_t counter = {{(uint32_t)number, train, group->name[0] ^ (uint32_t)(number >> 32), group->name[1]}};
    philox4x32_ctr_t words = philox4x32(counter, key);
    if (count == 0)
      u = words.v[0];
    for (unsigned k = count == 0; k < HK__POISSON_WORDS; k++) {
      if (!(u >= limit))
        return count;
      double t = fma(fraction_of(words.v[k], words.v[(k + 1) % HK__POISSON_WORDS]), rate->bin, start);
      time[count] = t < last ? t : last;
      limit = hk__poisson_next_limit(rate, count, limit, &p);
      count++;
    }
  }
  return count;
}
