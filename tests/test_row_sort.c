/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of many lengths, and delays spread in ways that are hard on a sort that throws into buckets, against qsort. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "net/row_sort.h"
#include "suite.h"

enum { LONGEST = 20000, SHAPES = 8 };
static const uint32_t lengths[] = {0, 1, 2, 3, 15, 16, 17, 33, 100, 1000, 5000, LONGEST};

/* Delays by shape: even, equal, few values, one far out, piled up in powers, falling, rising, two heaps. */
static double delay_of(int shape, uint32_t i, uint32_t count, struct hk__stream *stream)
{
  double u = hk__stream_uniform(stream);
  switch (shape) {
  case 0:
    return 0.1 + u;
  case 1:
    return 1.5;
  case 2:
    return 0.1 * (1 + floor(u * 5));
  case 3:
    return i == count / 2 ? 1e30 : 1 + u;
  case 4:
    return pow(10, -30 * u);
  case 5:
    return 1 + count - i;
  case 6:
    return 1 + i;
  default:
    return u < 0.5 ? 1 + 1e-6 * u : 1e6 + u;
  }
}

static int compare_u64(uint64_t a, uint64_t b)
{
  return (a > b) - (a < b);
}

static int compare_double(double a, double b)
{
  return (a > b) - (a < b);
}

#define COMPARE(name, type)                                              \
  static int name(const void *x, const void *y)                          \
  {                                                                      \
    const type *a = x, *b = y;                                           \
    int c = compare_double((double)a->delay, (double)b->delay);          \
    c = c ? c : compare_u64(a->target, b->target);                       \
    c = c ? c : compare_u64(a->port, b->port);                           \
    return c ? c : compare_double((double)a->weight, (double)b->weight); \
  }
COMPARE(compare_compact, struct hk__compact)

static int compare_tight(const void *x, const void *y)
{
  const struct hk__tight *a = x, *b = y;
  int c = compare_u64(hk__tight_delay(*a), hk__tight_delay(*b));
  c = c ? c : compare_u64(hk__tight_target(*a), hk__tight_target(*b));
  return c ? c : compare_u64(a->bits, b->bits);
}
COMPARE(compare_wide, struct hk__wide)

static const uint32_t *ranks;

static int compare_indexed(const void *x, const void *y)
{
  const struct hk__indexed *a = x, *b = y;
  int c = compare_u64(ranks[a->code], ranks[b->code]);
  c = c ? c : compare_u64(a->target, b->target);
  return c ? c : compare_u64(a->code, b->code);
}

/* --- rows of synapses that are their own keys --- */

static struct hk__compact draw_compact(struct hk__stream *stream, double delay)
{
  return (struct hk__compact){(uint16_t)hk__stream_below(stream, 50), (uint16_t)hk__stream_below(stream, 2),
                              (float)hk__stream_below(stream, 9) - 4, (float)delay};
}

static struct hk__tight draw_tight(struct hk__stream *stream, double delay)
{
  uint16_t target = (uint16_t)hk__stream_below(stream, 50), ticks = (uint16_t)fmin(100 * delay, 65535);
  float weight = (float)hk__stream_below(stream, 9) - 4;
  struct hk__tight synapse = hk__tight_of(target, ticks, weight);
  ck_assert_uint_eq(hk__tight_target(synapse), target);
  ck_assert_uint_eq(hk__tight_delay(synapse), ticks);
  ck_assert(hk__tight_weight(synapse) == weight);
  return synapse;
}

static struct hk__wide draw_wide(struct hk__stream *stream, double delay)
{
  return (struct hk__wide){(uint16_t)hk__stream_below(stream, 50), (uint16_t)hk__stream_below(stream, 2), 0,
                           (double)hk__stream_below(stream, 9) - 4, delay};
}

#define SORTS(format, seed)                                                  \
  START_TEST(format)                                                         \
  {                                                                          \
    static struct hk__##format row[LONGEST], expected[LONGEST];              \
    struct hk__sorter sorter;                                                \
    ck_assert_int_eq(hk__sorter_init(&sorter, LONGEST, sizeof *row), HK_OK); \
    struct hk__stream stream;                                                \
    hk__stream_init(&stream, seed, HK__FOR_WEIGHT, (uint32_t)_i, 0, 0);      \
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {          \
      uint32_t n = lengths[l];                                               \
      for (uint32_t i = 0; i < n; i++)                                       \
        row[i] = draw_##format(&stream, delay_of(_i, i, n, &stream));        \
      memcpy(expected, row, sizeof row);                                     \
      qsort(expected, n, sizeof *expected, compare_##format);                \
      hk__sort_##format(&sorter, row, n);                                    \
      ck_assert_mem_eq(row, expected, sizeof row);                           \
    }                                                                        \
    hk__sorter_clear(&sorter);                                               \
  }                                                                          \
  END_TEST
SORTS(compact, 1)
SORTS(wide, 2)
SORTS(tight, 4)

/* Codes with a rank of their own each, in pairs, and all of one delay. */
START_TEST(indexed)
{
  enum { CODES = 4000 };
  static struct hk__indexed row[LONGEST], expected[LONGEST];
  static uint32_t rank[CODES];
  for (uint32_t c = 0; c < CODES; c++)
    rank[c] = _i == 0 ? c : _i == 1 ? c & ~1u : 0;
  ranks = rank;
  struct hk__sorter sorter;
  ck_assert_int_eq(hk__sorter_init(&sorter, LONGEST, sizeof *row), HK_OK);
  struct hk__stream stream;
  hk__stream_init(&stream, 3, HK__FOR_WEIGHT, (uint32_t)_i, 0, 0);
  for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
    for (uint32_t i = 0; i < lengths[l]; i++)
      row[i] =
          (struct hk__indexed){(uint16_t)hk__stream_below(&stream, 50), (uint16_t)hk__stream_below(&stream, CODES)};
    memcpy(expected, row, sizeof row);
    qsort(expected, lengths[l], sizeof *expected, compare_indexed);
    hk__sort_indexed(&sorter, row, lengths[l], rank);
    ck_assert_mem_eq(row, expected, sizeof row);
  }
  hk__sorter_clear(&sorter);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("row_sort");
  TCase *tests = tcase_create("row_sort");
  tcase_add_loop_test(tests, compact, 0, SHAPES);
  tcase_add_loop_test(tests, tight, 0, SHAPES);
  tcase_add_loop_test(tests, wide, 0, SHAPES);
  tcase_add_loop_test(tests, indexed, 0, 3);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
