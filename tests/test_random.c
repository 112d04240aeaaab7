/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The generator against the known answers published with Random123, streams against their promises. */
#include <Random123/philox.h>
#include <check.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "suite.h"

/* kat_vectors of Random123 1.x: philox4x32 10 rounds: counter, key, result */
static const uint32_t known[][10] = {
    {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
    {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
     0x6d5451fd},
    {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
     0x24126ea1},
};

/* A stream that stands at the given counter and key gives the published words. */
START_TEST(known_answers)
{
  const uint32_t *k = known[_i];
  struct hk__stream stream = {.key = {k[4], k[5]}, .counter = {k[0], k[1], k[2], k[3]}, .used = 4};
  for (int i = 0; i < 4; i++)
    ck_assert_uint_eq(hk__stream_u32(&stream), k[6 + i]);
}
END_TEST

START_TEST(counts_past_32_bits)
{
  struct hk__stream stream = {.key = {7, 8}, .counter = {UINT32_MAX, 5, 1, 2}, .used = 4};
  for (int i = 0; i < 4; i++)
    hk__stream_u32(&stream);
  philox4x32_ctr_t counter = {{0, 6, 1, 2}};
  philox4x32_key_t key = {{7, 8}};
  philox4x32_ctr_t expected = philox4x32(counter, key);
  for (int i = 0; i < 4; i++)
    ck_assert_uint_eq(hk__stream_u32(&stream), expected.v[i]);
}
END_TEST

static uint64_t first_of(uint64_t seed, enum hk__purpose purpose, uint32_t a, uint64_t b, uint32_t c)
{
  struct hk__stream stream;
  hk__stream_init(&stream, seed, purpose, a, b, c);
  return hk__stream_u64(&stream);
}

static int compare_u64(const void *x, const void *y)
{
  uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
  return (a > b) - (a < b);
}

/* Many words at once are the words one by one, from whatever place on, across the carry of the counter. */
START_TEST(many_at_once)
{
  enum { MOST = 150 };
  for (unsigned before = 0; before < 6; before++)
    for (unsigned count = 0; count < MOST; count++) {
      struct hk__stream one = {.key = {3, 4}, .counter = {UINT32_MAX - 20, 7, 8, 9}, .used = 4}, many = one;
      uint32_t words[MOST + 2];
      words[count] = 77;
      for (unsigned i = 0; i < before; i++)
        ck_assert_uint_eq(hk__stream_u32(&one), hk__stream_u32(&many));
      hk__stream_fill(&many, words, count);
      for (unsigned i = 0; i < count; i++)
        if (words[i] != hk__stream_u32(&one))
          ck_abort_msg("word %u of %u differs", i, count);
      ck_assert_uint_eq(words[count], 77);
      ck_assert_uint_eq(hk__stream_u32(&one), hk__stream_u32(&many));
    }
}
END_TEST

START_TEST(batches_give_the_same)
{
  struct hk__gsl_stream one;
  struct hk__gsl_batch many;
  hk__gsl_stream_init(&one, 9, HK__FOR_DELAY, 1, 2, 3);
  hk__gsl_batch_init(&many, 9, HK__FOR_DELAY, 1, 2, 3);
  for (int i = 0; i < 1000; i++)
    if (i % 3)
      ck_assert(gsl_ran_gaussian_ziggurat(&one.rng, 1) == gsl_ran_gaussian_ziggurat(&many.rng, 1));
    else
      ck_assert(gsl_rng_uniform(&one.rng) == gsl_rng_uniform(&many.rng));
}
END_TEST

START_TEST(every_part_of_the_name_matters)
{
  enum { SIDE = 6, COUNT = SIDE * SIDE * SIDE * SIDE * SIDE };
  static const uint64_t wide[SIDE] = {0, 1, 2, 0xffffffff, 0x100000000, UINT64_MAX};
  static const uint32_t narrow[SIDE] = {0, 1, 2, 3, 0x80000000, UINT32_MAX};
  uint64_t *seen = malloc(COUNT * sizeof *seen);
  size_t n = 0;
  for (int s = 0; s < SIDE; s++)
    for (int p = 0; p < SIDE; p++)
      for (int a = 0; a < SIDE; a++)
        for (int b = 0; b < SIDE; b++)
          for (int c = 0; c < SIDE; c++)
            seen[n++] = first_of(wide[s], (enum hk__purpose)(p + 1), narrow[a], wide[b], narrow[c]);
  qsort(seen, n, sizeof *seen, compare_u64);
  for (size_t i = 1; i < n; i++)
    ck_assert(seen[i] != seen[i - 1]);
  free(seen);
  ck_assert(first_of(1, HK__FOR_WEIGHT, 2, 3, 4) == first_of(1, HK__FOR_WEIGHT, 2, 3, 4));
}
END_TEST

START_TEST(uniforms_at_once)
{
  struct hk__stream stream;
  hk__stream_init(&stream, 11, HK__FOR_INPUT, 1, 2, 3);
  for (uint64_t i = 0; i < 1001; i++) {
    double u = hk__stream_uniform(&stream);
    ck_assert(u > 0 && u < 1);
    ck_assert(u == hk__stream_uniform_at(11, HK__FOR_INPUT, 1, 2, 3, i));
  }
}
END_TEST

static void assert_uniform(const double *observed, size_t cells, double draws)
{
  double chi2 = 0, expected = draws / (double)cells;
  for (size_t i = 0; i < cells; i++)
    chi2 += (observed[i] - expected) * (observed[i] - expected) / expected;
  double p = gsl_cdf_chisq_Q(chi2, (double)cells - 1);
  ck_assert_msg(p > 1e-4 && p < 1 - 1e-4, "chi2 %g, p %g", chi2, p);
}

START_TEST(below_is_uniform)
{
  static const uint64_t limits[] = {1, 2, 3, 10, 1000, 3000000000u, 4294967296u, 0xC000000000000000u};
  uint64_t n = limits[_i];
  size_t cells = n < 1000 ? (size_t)n : 50;
  double observed[1000] = {0};
  struct hk__stream stream;
  hk__stream_init(&stream, 5, HK__FOR_SOURCES, 0, n, 0);
  enum { DRAWS = 100000 };
  for (int i = 0; i < DRAWS; i++) {
    uint64_t x = hk__stream_below(&stream, n);
    ck_assert(x < n);
    observed[(size_t)((double)x / (double)n * (double)cells)]++;
  }
  if (cells > 1)
    assert_uniform(observed, cells, DRAWS);
}
END_TEST

/* Uniforms within a stream, across streams, and the pairs of neighbours fill their cells evenly. */
START_TEST(no_order_in_streams)
{
  enum { SIDE = 16, DRAWS = 200000 };
  double within[SIDE * SIDE] = {0}, across[SIDE * SIDE] = {0};
  struct hk__stream stream;
  hk__stream_init(&stream, 1, HK__FOR_WEIGHT, 0, 0, 0);
  double last = hk__stream_uniform(&stream), last_first = 0.5;
  for (int i = 0; i < DRAWS; i++) {
    double u = hk__stream_uniform(&stream);
    within[(int)(last * SIDE) * SIDE + (int)(u * SIDE)]++;
    last = u;
    double first = hk__stream_uniform_at(1, HK__FOR_DELAY, 0, (uint64_t)i, 0, 0);
    across[(int)(last_first * SIDE) * SIDE + (int)(first * SIDE)]++;
    last_first = first;
  }
  assert_uniform(within, SIDE * SIDE, DRAWS);
  assert_uniform(across, SIDE * SIDE, DRAWS);
}
END_TEST

START_TEST(drives_gsl)
{
  enum { CELLS = 40, DRAWS = 200000 };
  double observed[CELLS] = {0};
  struct hk__gsl_stream g;
  hk__gsl_stream_init(&g, 3, HK__FOR_STATE, 1, 2, 3);
  for (int i = 0; i < DRAWS; i++)
    observed[(int)(gsl_cdf_ugaussian_P(gsl_ran_gaussian_ziggurat(&g.rng, 1.0)) * CELLS)]++;
  assert_uniform(observed, CELLS, DRAWS);
  hk__gsl_stream_init(&g, 3, HK__FOR_STATE, 1, 2, 3);
  ck_assert(gsl_rng_uniform(&g.rng) == hk__stream_uniform_at(3, HK__FOR_STATE, 1, 2, 3, 0));
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("random");
  TCase *tests = tcase_create("random");
  tcase_add_loop_test(tests, known_answers, 0, sizeof known / sizeof *known);
  tcase_add_test(tests, counts_past_32_bits);
  tcase_add_test(tests, many_at_once);
  tcase_add_test(tests, batches_give_the_same);
  tcase_add_test(tests, every_part_of_the_name_matters);
  tcase_add_test(tests, uniforms_at_once);
  tcase_add_loop_test(tests, below_is_uniform, 0, 8);
  tcase_add_test(tests, no_order_in_streams);
  tcase_add_test(tests, drives_gsl);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
