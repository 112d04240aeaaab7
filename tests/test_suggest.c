/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/suggest.h"
#include "suite.h"

static const char *const names[] = {"tau_m", "C_m", "E_L", "V_th", "V_reset", "t_ref", "I_e", "iaf_psc_exp"};

static const char *nearest(const char *given)
{
  return hk__suggest(given, names, sizeof names / sizeof *names);
}

START_TEST(finds_the_nearest)
{
  static const char *const pairs[][2] = {{"tau_n", "tau_m"},
                                         {"taum", "tau_m"},
                                         {"tua_m", "tau_m"},
                                         {"c_m", "C_m"},
                                         {"e_l", "E_L"},
                                         {"V_tH", "V_th"},
                                         {"Vreset", "V_reset"},
                                         {"v_rest", "V_reset"},
                                         {"iaf_psc", "iaf_psc_exp"},
                                         {"tau_m", "tau_m"},
                                         {"iaf_psc_expo", "iaf_psc_exp"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    const char *found = nearest(pairs[i][0]);
    ck_assert_msg(found && strcmp(found, pairs[i][1]) == 0, "%s: %s", pairs[i][0], found ? found : "(none)");
  }
}
END_TEST

START_TEST(offers_nothing_far)
{
  static const char *const far[] = {"", "x", "banana", "conductance", "zz"};
  for (size_t i = 0; i < sizeof far / sizeof *far; i++)
    ck_assert_msg(nearest(far[i]) == NULL, "%s: %s", far[i], nearest(far[i]));
  char longest[4096];
  memset(longest, 'a', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  ck_assert_ptr_null(nearest(longest));
}
END_TEST

START_TEST(clause_reads_well)
{
  struct hk__suggestion s;
  hk__suggest_begin(&s, "tau_n");
  ck_assert_str_eq(hk__suggest_clause(&s), "");
  hk__suggest_offer(&s, NULL);
  hk__suggest_offer(&s, "tau_m");
  hk__suggest_offer(&s, "tau_k");
  ck_assert_str_eq(hk__suggest_clause(&s), "; did you mean `tau_m`?");
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("suggest");
  TCase *tests = tcase_create("suggest");
  tcase_add_test(tests, finds_the_nearest);
  tcase_add_test(tests, offers_nothing_far);
  tcase_add_test(tests, clause_reads_well);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
