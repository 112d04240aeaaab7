/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers of twice the digits against constants known to more. */
#include <check.h>
#include <math.h>

#include "core/twofold.h"
#include "draws.h"
#include "suite.h"

static const struct hk__twofold e = {0x1.5bf0a8b145769p+1, 0x1.4d57ee2b1013ap-53};

/* Relative; the low halves are doubles, too. */
static double error_of(struct hk__twofold x, struct hk__twofold exact)
{
  return fabs((x.high - exact.high) + (x.low - exact.low)) / fabs(exact.high);
}

START_TEST(quotients_have_all_digits)
{
  struct hk__twofold third = hk__twofold_per(hk__twofold_of(1), 3),
                     over = hk__twofold_over(hk__twofold_of(1), hk__twofold_of(3));
  ck_assert_double_eq(third.high, 0x1.5555555555555p-2);
  ck_assert_double_eq(third.low, 0x1.5555555555555p-56);
  ck_assert_double_eq(over.high, third.high);
  ck_assert_double_eq_tol(over.low, third.low, 1e-32);
}
END_TEST

START_TEST(a_series_sums_to_e)
{
  struct hk__twofold sum = hk__twofold_of(1), term = sum;
  for (int k = 1; k < 40; k++) {
    term = hk__twofold_per(term, k);
    sum = hk__twofold_add(sum, term);
  }
  ck_assert_double_lt(error_of(sum, e), 1e-31);
}
END_TEST

START_TEST(what_is_done_is_undone)
{
  uint64_t state = 5;
  for (int i = 0; i < 10000; i++) {
    struct hk__twofold a = hk__twofold_by(e, draw_between(&state, -2, 2));
    double factor = ldexp(draw_between(&state, 1, 2), (int)(next_random(&state) % 40) - 20);
    struct hk__twofold b = hk__twofold_by(hk__twofold_per(e, 7), factor);
    ck_assert_double_lt(error_of(hk__twofold_over(hk__twofold_times(a, b), b), a), 1e-30);
    ck_assert_double_lt(error_of(hk__twofold_per(hk__twofold_by(a, factor), factor), a), 1e-30);
    double lost = 1e-31 * fmax(fabs(a.high), fabs(b.high));
    struct hk__twofold back = hk__twofold_less(hk__twofold_add(a, b), b);
    ck_assert_double_le(fabs((back.high - a.high) + (back.low - a.low)), lost);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("twofold");
  TCase *tests = tcase_create("twofold");
  tcase_add_test(tests, quotients_have_all_digits);
  tcase_add_test(tests, a_series_sums_to_e);
  tcase_add_test(tests, what_is_done_is_undone);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
