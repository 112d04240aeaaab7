/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connectomes that cannot be, and empty ones. */
#include "flat.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(impossible_draws)
{
  struct hk_network *network = make_network();
  add_population(network, "a", "iaf_psc_exp", 300);
  add_projection(network, projection_of(0, 0, HK_RULE_ALL_TO_ALL, 0));
  struct hk_projection_spec spec = projection_of(0, 0, HK_RULE_ALL_TO_ALL, 0);
  spec.weight = hk_value_normal(3e38, 1e37, -INFINITY, INFINITY); /* some are beyond the largest float */
  add_projection(network, spec);
  char first[512] = "";
  for (int threads = 1; threads <= 3; threads++) {
    struct hk__connectome *c = NULL;
    struct hk_messages *messages;
    ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
    ck_assert_int_eq(hk__connectome_build(network, 77, threads, 0, 64, &c, messages), HK_ERR_INPUT);
    ck_assert_ptr_null(c);
    ck_assert_uint_eq(hk_messages_errors(messages), 1);
    const char *text = hk_messages_get(messages, 0).text;
    ck_assert_msg(threads == 1 || strcmp(text, first) == 0, "%s", text);
    snprintf(first, sizeof first, "%s", text);
    hk_messages_destroy(messages);
  }
  ck_assert_ptr_nonnull(strstr(first, "`a` -> `a`"));
  hk_network_destroy(network);
}
END_TEST

START_TEST(empty_networks)
{
  struct hk_network *network = make_network();
  struct hk__connectome *c = build_connectome(network, 2, 0, 64);
  MUST(c->block_count == 0 && c->neuron_count == 0 && c->synapse_count == 0 && c->min_delay == 0);
  hk__connectome_destroy(c);
  add_population(network, "a", "iaf_psc_exp", 5);
  add_projection(network, projection_of(0, 0, HK_RULE_FIXED_INDEGREE, 0));
  c = build_connectome(network, 2, 0, 64);
  MUST(c->block_count == 0 && c->neuron_count == 5 && c->synapse_count == 0 && c->shard_count == 1);
  hk__connectome_destroy(c);
  hk_network_destroy(network);
  hk__connectome_destroy(NULL);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("connectome_faults");
  TCase *tests = tcase_create("connectome_faults");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, impossible_draws);
  tcase_add_test(tests, empty_networks);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
