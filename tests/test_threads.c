/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The windowed scheduler gives the same bits for any number of threads. */
#include <check.h>
#include <stdlib.h>

#include "core/scheduler.h"
#include "core/widest.h"
#include "random_network.h"
#include "suite.h"

enum { NETWORKS = 25 };
static const double duration = 30;

START_TEST(same_bits_for_any_threads)
{
  static const int threads[] = {2, 3, 8};
  for (uint64_t number = 0; number < NETWORKS; number++) {
    struct hk_network *network = random_network(number);
    struct hk_options options = {.seed = number, .threads = 1, .scheduler = HK_SCHEDULER_WINDOWS};
    struct recording one = run_network(network, &options, duration, 1);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
      options.threads = threads[i];
      struct recording more = run_network(network, &options, duration, 3);
      assert_same(&one, &more);
      recording_free(&more);
    }
    recording_free(&one);
    hk_network_destroy(network);
  }
}
END_TEST

/* Loops for the widest vectors that the processor has, and for those that the library asks for. */
START_TEST(same_bits_for_any_width)
{
  for (uint64_t number = 0; number < NETWORKS; number++) {
    struct hk_network *network = random_network(number);
    struct hk_options options = {.seed = number, .threads = 1, .scheduler = HK_SCHEDULER_WINDOWS};
    struct recording widest = run_network(network, &options, duration, 1);
    hk__widest_vectors = false;
    struct recording plain = run_network(network, &options, duration, 1);
    hk__widest_vectors = true;
    assert_same(&widest, &plain);
    recording_free(&plain);
    recording_free(&widest);
    hk_network_destroy(network);
  }
}
END_TEST

int main(void)
{
  hk__windows_share_little = true;
  Suite *suite = suite_create("threads");
  TCase *tcase = tcase_create("threads");
  tcase_set_timeout(tcase, 240);
  tcase_add_test(tcase, same_bits_for_any_threads);
  tcase_add_test(tcase, same_bits_for_any_width);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
