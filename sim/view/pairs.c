/* SPDX-License-Identifier: GPL-3.0-or-later */
/* counts[] holds the bin under way, active[] who has any. When a bin is over, the products of its counts are added to
 * the triangle of sums: products[i * sampled + j] for j <= i. Bins without spikes add nothing. */
#include "view/pairs.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

struct hk__pairs {
  uint64_t rows;
  size_t sampled, active_count;
  uint64_t bin, bins;
  double bin_length;
  double *counts, *sums, *products;
  size_t *active;
};

enum hk_status hk__pairs_create(uint64_t rows, size_t sample, double bin, double length, struct hk__pairs **out)
{
  struct hk__pairs *pairs = calloc(1, sizeof *pairs);
  if (!pairs)
    return HK_ERR_MEMORY;
  *pairs = (struct hk__pairs){.rows = rows,
                              .sampled = rows < sample ? (size_t)rows : sample,
                              .bins = (uint64_t)(length / bin),
                              .bin_length = bin};
  pairs->counts = calloc(pairs->sampled + 1, sizeof *pairs->counts);
  pairs->sums = calloc(pairs->sampled + 1, sizeof *pairs->sums);
  pairs->active = calloc(pairs->sampled + 1, sizeof *pairs->active);
  pairs->products = calloc(pairs->sampled * pairs->sampled + 1, sizeof *pairs->products);
  if (!pairs->counts || !pairs->sums || !pairs->active || !pairs->products) {
    hk__pairs_destroy(pairs);
    return HK_ERR_MEMORY;
  }
  *out = pairs;
  return HK_OK;
}

void hk__pairs_destroy(struct hk__pairs *pairs)
{
  if (!pairs)
    return;
  free(pairs->counts);
  free(pairs->sums);
  free(pairs->active);
  free(pairs->products);
  free(pairs);
}

size_t hk__pairs_sampled(const struct hk__pairs *pairs)
{
  return pairs ? pairs->sampled : 0;
}

static void close_bin(struct hk__pairs *pairs)
{
  for (size_t a = 0; a < pairs->active_count; a++) {
    size_t i = pairs->active[a];
    pairs->sums[i] += pairs->counts[i];
    for (size_t b = 0; b <= a; b++) {
      size_t j = pairs->active[b], high = i > j ? i : j, low = i > j ? j : i;
      pairs->products[high * pairs->sampled + low] += pairs->counts[i] * pairs->counts[j];
    }
  }
  for (size_t a = 0; a < pairs->active_count; a++)
    pairs->counts[pairs->active[a]] = 0;
  pairs->active_count = 0;
}

/* Member k of the sample is row k * rows / sampled. */
static uint64_t member_row(const struct hk__pairs *pairs, uint64_t k)
{
  return (uint64_t)((double)k * ((double)pairs->rows / (double)pairs->sampled));
}

void hk__pairs_add(struct hk__pairs *pairs, double after, uint64_t row)
{
  if (pairs->sampled == 0)
    return;
  uint64_t k = (uint64_t)((double)row * ((double)pairs->sampled / (double)pairs->rows));
  while (k < pairs->sampled && member_row(pairs, k) < row)
    k++;
  if (k >= pairs->sampled || member_row(pairs, k) != row)
    return;
  uint64_t bin = (uint64_t)(after / pairs->bin_length);
  if (bin >= pairs->bins)
    return;
  if (bin != pairs->bin) {
    close_bin(pairs);
    pairs->bin = bin;
  }
  if (pairs->counts[k]++ == 0)
    pairs->active[pairs->active_count++] = (size_t)k;
}

enum hk_status hk__pairs_mean(struct hk__pairs *pairs, double *mean, uint64_t *count)
{
  close_bin(pairs);
  size_t n = pairs->sampled, found = 0;
  double bins = (double)pairs->bins;
  double *values = malloc((n * n / 2 + 1) * sizeof *values);
  if (!values)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < i; j++) {
      double across = bins * pairs->products[i * n + j] - pairs->sums[i] * pairs->sums[j];
      double of_i = bins * pairs->products[i * n + i] - pairs->sums[i] * pairs->sums[i];
      double of_j = bins * pairs->products[j * n + j] - pairs->sums[j] * pairs->sums[j];
      if (of_i > 0 && of_j > 0)
        values[found++] = across / sqrt(of_i * of_j);
    }
  *mean = found ? gsl_stats_mean(values, 1, found) : NAN;
  *count = found;
  free(values);
  return HK_OK;
}
