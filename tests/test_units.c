/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/units.h"
#include "suite.h"

static struct hk__units *units;

static void open_units(void)
{
  ck_assert_int_eq(hk__units_create(&units, NULL), HK_OK);
}

static void close_units(void)
{
  hk__units_destroy(units);
}

static double value(const char *text, const char *unit)
{
  char why[HK__UNITS_WHY] = "";
  double v = NAN;
  enum hk_status status = hk__units_parse(units, text, unit, &v, why);
  ck_assert_msg(status == HK_OK, "%s: %s", text, why);
  return v;
}

static void refused(const char *text, const char *unit, const char *expected)
{
  char why[HK__UNITS_WHY] = "";
  double v = 42.0;
  ck_assert_msg(hk__units_parse(units, text, unit, &v, why) == HK_ERR_INPUT, "%s was accepted", text);
  ck_assert_msg(strstr(why, expected) != NULL, "%s: %s", text, why);
  ck_assert(v == 42.0);
}

START_TEST(quantities)
{
  ck_assert(value("20 ms", "ms") == 20.0);
  ck_assert(value("0.1mV", "mV") == 0.1);
  ck_assert(value("1.5e3 pA", "pA") == 1500.0);
  ck_assert(value("  20 kHz ", "Hz") == 20000.0);
  ck_assert(value("-7", "1") == -7.0);
  ck_assert(value("+.5", "1") == 0.5);
  ck_assert(value("5.", "1") == 5.0);
  ck_assert(value("10 %", "1") == 0.1);
  ck_assert(value("1 nA", "pA") == 1000.0);
  ck_assert(value("0.25 nF", "pF") == 250.0);
  ck_assert(value("20 1/s", "Hz") == 20.0);
  ck_assert(fabs(value("180 degree", "radian") - M_PI) < 1e-15);
  ck_assert(fabs(value("1 minute", "ms") - 60000.0) == 0.0);
  ck_assert(isinf(value("inf", "ms")) && value("-.inf", "mV") < 0);
}
END_TEST

START_TEST(decimal_multiples_are_exact)
{
  static const char *const same[][2] = {{"0.1 ms", "100 us"},       {"0.1 ms", "1e-4 s"},       {"0.1 ms", "100000 ns"},
                                        {"0.7 nA", "700 pA"},       {"-65 mV", "-0.065 V"},     {"-65 mV", "-65000 uV"},
                                        {"1.1 kHz", "1100 Hz"},     {"0.3 uS", "300 nS"},       {"3.3 nF", "3300 pF"},
                                        {"1.0e-1 ms", "1.0E+2 us"}, {"0.1 ms", "100 \xc2\xb5s"}};
  static const char *const to[] = {"ms", "ms", "ms", "pA", "mV", "mV", "Hz", "nS", "pF", "ms", "ms"};
  for (size_t i = 0; i < sizeof to / sizeof *to; i++)
    ck_assert_msg(value(same[i][0], to[i]) == value(same[i][1], to[i]), "%s and %s differ", same[i][0], same[i][1]);
}
END_TEST

START_TEST(wrong_quantities)
{
  refused("20 mV", "ms", "is a voltage, a time such as `20 ms` was expected");
  refused("20", "ms", "has no unit, a time such as");
  refused("20 ms", "1", "is a time, a bare number such as");
  refused("5 Hz", "ms", "is a rate, a time such as");
  refused("5 ms", "Hz", "is a time, a rate such as");
  refused("ten ms", "ms", "is not a number");
  refused("", "ms", "is not a number");
  refused("nan", "1", "is not a number");
  refused("0x10", "1", "unknown unit `x10`");
  refused("20 furlongs2x", "ms", "unknown unit");
  refused("20 mv", "mV", "did you mean `mV`");
  refused("20 30 ms", "ms", "unknown unit");
  refused("20 ms since 1970-01-01", "ms", "expected");
  refused("20 lg(re 1 mW)", "mV", "expected");
  refused("1e400 ms", "ms", "too large");
  refused("1e999999999999999999999 ms", "ms", "too large");
  refused("5 ((((((((((((((((((((", "ms", "unknown unit");
  refused("5 \xff\xfe", "ms", "unknown unit");
  refused("5 a unit text that is far longer than any unit text that was ever written", "ms", "not a quantity");
}
END_TEST

START_TEST(number_texts_read_back)
{
  static const double numbers[] = {0.1,  1.0 / 3.0,           1e-300,   5e-324,   1.7976931348623157e308, -0.0,
                                   20.0, 0.30000000000000004, INFINITY, -INFINITY};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct hk__number number = hk__number_text(numbers[i]);
    double back = value(number.text, "1");
    ck_assert_msg(memcmp(&back, &numbers[i], sizeof back) == 0, "%s", number.text);
  }
  ck_assert_str_eq(hk__number_text(0.1).text, "0.1");
  unsigned long long state = 88172645463325252ULL;
  for (int i = 0; i < 20000; i++) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    double number, back;
    memcpy(&number, &state, sizeof number);
    if (!isfinite(number))
      continue;
    struct hk__number text = hk__number_text(number);
    back = value(text.text, "1");
    ck_assert_msg(back == number, "%s", text.text);
  }
}
END_TEST

START_TEST(many_units_do_not_confuse_the_table)
{
  for (int round = 0; round < 3; round++)
    for (int i = 1; i < 100; i++) {
      char text[32];
      snprintf(text, sizeof text, "1 (%d ms)", i);
      ck_assert(fabs(value(text, "ms") - i) < 1e-9);
    }
}
END_TEST

START_TEST(missing_database)
{
  struct hk__units *none = NULL;
  struct hk_messages *messages = NULL;
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
  setenv("UDUNITS2_XML_PATH", "/nowhere/udunits2.xml", 1);
  enum hk_status status = hk__units_create(&none, messages);
  unsetenv("UDUNITS2_XML_PATH");
  /* the usual folders stand in where one of them has it */
  if (status == HK_OK) {
    hk__units_destroy(none);
  } else {
    ck_assert_int_eq(status, HK_ERR_IO);
    ck_assert_uint_eq(hk_messages_errors(messages), 1);
  }
  hk_messages_destroy(messages);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("units");
  TCase *tests = tcase_create("units");
  tcase_add_checked_fixture(tests, open_units, close_units);
  tcase_add_test(tests, quantities);
  tcase_add_test(tests, decimal_multiples_are_exact);
  tcase_add_test(tests, wrong_quantities);
  tcase_add_test(tests, number_texts_read_back);
  tcase_add_test(tests, many_units_do_not_confuse_the_table);
  tcase_add_test(tests, missing_database);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
