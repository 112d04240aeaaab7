/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A quantity is a decimal number and a unit text. Unit texts already met are kept with their conversion factor in a
 * small table, since UDUNITS parses slowly and a long list of quantities repeats one or two of them.
 *
 * Where the factor is a power of ten, it is put into the number's exponent before the number is read, so that the
 * result is the double nearest to what was written and not one that went through a multiplication. */
#include "io/units.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <udunits2.h>

#include "core/suggest.h"

enum { TEXT_MAX = 48, KNOWN_MAX = 32 };

struct factor {
  char from[TEXT_MAX], to[TEXT_MAX];
  double scale;
  int power; /* scale is 10^power where decimal */
  bool decimal;
};

struct hk__units {
  ut_system *system;
  ut_error_message_handler handler; /* the one to restore */
  struct factor known[KNOWN_MAX];
  size_t known_count, next;
};

struct dimension {
  const char *unit, *what, *example;
};

static const struct dimension dimensions[] = {
    {"ms", "a time", "20 ms"},         {"mV", "a voltage", "-55 mV"},
    {"pA", "a current", "100 pA"},     {"nS", "a conductance", "10 nS"},
    {"pF", "a capacitance", "250 pF"}, {"Hz", "a rate", "20 Hz"},
    {"1", "a bare number", "1.5"},     {"radian", "an angle", "1.57 rad"},
    {"um", "a length", "100 um"},      {"Mohm", "a resistance", "100 Mohm"},
    {"pC", "a charge", "1 pC"},        {"mV/ms", "a slope", "1 mV/ms"},
    {"pA/ms", "a slope", "1 pA/ms"},   {"ohm cm", "a resistivity", "150 ohm.cm"},
    {"nS/ms", "a slope", "1 nS/ms"},   {"uF/cm2", "a capacitance per area", "1 uF/cm2"},
    {"um2", "an area", "100 um2"},     {"mS/cm2", "a conductance per area", "0.1 mS/cm2"},
    {"K", "a temperature", "310 K"},   {"kg", "a mass", "1 kg"},
};

enum { DIMENSION_COUNT = sizeof dimensions / sizeof *dimensions };

static const char *const usual_units[] = {"ms", "s",  "us", "mV", "V",  "uV",  "pA",   "nA", "uA",  "nS",    "uS",
                                          "mS", "pF", "nF", "uF", "Hz", "kHz", "MOhm", "um", "rad", "degree"};

enum { USUAL_COUNT = sizeof usual_units / sizeof *usual_units };

/* --- the database --- */

static ut_system *read_database(void)
{
  static const char *const places[] = {NULL, "/usr/share/xml/udunits/udunits2.xml", "/usr/share/udunits/udunits2.xml",
                                       "/usr/local/share/udunits/udunits2.xml",
                                       "/opt/homebrew/share/udunits/udunits2.xml"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    ut_system *system = ut_read_xml(places[i]);
    if (system)
      return system;
  }
  return NULL;
}

enum hk_status hk__units_create(struct hk__units **out, struct hk_messages *messages)
{
  struct hk__units *units = calloc(1, sizeof *units);
  if (!units)
    return HK_ERR_MEMORY;
  units->handler = ut_set_error_message_handler(ut_ignore);
  units->system = read_database();
  if (!units->system) {
    ut_set_error_message_handler(units->handler);
    free(units);
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL,
                    "the database of units, udunits2.xml, was not found; install it (Debian: libudunits2-data) or say "
                    "where it is in the environment variable UDUNITS2_XML_PATH");
    return HK_ERR_IO;
  }
  *out = units;
  return HK_OK;
}

void hk__units_destroy(struct hk__units *units)
{
  if (!units)
    return;
  ut_free_system(units->system);
  ut_set_error_message_handler(units->handler);
  free(units);
}

/* --- words --- */

static const struct dimension *find_dimension(const char *unit)
{
  for (size_t i = 0; i < DIMENSION_COUNT; i++)
    if (strcmp(dimensions[i].unit, unit) == 0)
      return &dimensions[i];
  return NULL;
}

const char *hk__units_describe(const char *unit, char *buffer, size_t size)
{
  const struct dimension *dimension = find_dimension(unit);
  if (dimension)
    snprintf(buffer, size, "%s such as `%s`", dimension->what, dimension->example);
  else
    snprintf(buffer, size, "a quantity such as `1 %s`", unit);
  return buffer;
}

struct hk__number hk__number_text(double value)
{
  struct hk__number number = {".inf"};
  if (isinf(value))
    return value > 0 ? number : (struct hk__number){"-.inf"};
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(number.text, sizeof number.text, "%.*g", digits, value);
    if (strtod(number.text, NULL) == value)
      break;
  }
  return number;
}

/* --- units --- */

/* Whether the two measure one thing. ut_are_convertible would also accept reciprocals, `5 Hz` for a time. */
static bool same_dimension(const ut_unit *a, const ut_unit *b)
{
  ut_unit *ratio = ut_divide(a, b);
  bool same = ratio && ut_is_dimensionless(ratio) && ut_are_convertible(a, b);
  ut_free(ratio);
  return same;
}

static ut_unit *parse_unit(const struct hk__units *units, const char *text)
{
  return ut_parse(units->system, text, UT_UTF8);
}

static bool unit_is(const struct hk__units *units, const ut_unit *unit, const char *text)
{
  ut_unit *other = parse_unit(units, text);
  bool same = other && same_dimension(unit, other);
  ut_free(other);
  return same;
}

static const char *what_is(const struct hk__units *units, const ut_unit *unit)
{
  for (size_t i = 0; i < DIMENSION_COUNT; i++)
    if (unit_is(units, unit, dimensions[i].unit))
      return dimensions[i].what;
  return NULL;
}

static const struct factor *find_factor(const struct hk__units *units, const char *from, const char *to)
{
  for (size_t i = 0; i < units->known_count; i++)
    if (strcmp(units->known[i].from, from) == 0 && strcmp(units->known[i].to, to) == 0)
      return &units->known[i];
  return NULL;
}

static const struct factor *keep_factor(struct hk__units *units, const char *from, const char *to, double scale)
{
  struct factor *factor = &units->known[units->next];
  units->next = (units->next + 1) % KNOWN_MAX;
  units->known_count += units->known_count < KNOWN_MAX;
  *factor = (struct factor){.scale = scale};
  snprintf(factor->from, TEXT_MAX, "%s", from);
  snprintf(factor->to, TEXT_MAX, "%s", to);
  double power = round(log10(scale));
  factor->decimal = fabs(scale / pow(10.0, power) - 1.0) < 1e-12;
  factor->power = factor->decimal ? (int)power : 0;
  return factor;
}

static void explain_unknown(const char *text, const char *wanted, char *why)
{
  char expected[96];
  struct hk__suggestion suggestion;
  hk__suggest_begin(&suggestion, text);
  for (size_t i = 0; i < USUAL_COUNT; i++)
    hk__suggest_offer(&suggestion, usual_units[i]);
  snprintf(why, HK__UNITS_WHY, "has the unknown unit `%s`, %s was expected%s", text,
           hk__units_describe(wanted, expected, sizeof expected), hk__suggest_clause(&suggestion));
}

static void explain_dimension(const struct hk__units *units, const ut_unit *unit, const char *text, const char *wanted,
                              char *why)
{
  char expected[96];
  const char *what = what_is(units, unit);
  hk__units_describe(wanted, expected, sizeof expected);
  if (what)
    snprintf(why, HK__UNITS_WHY, "is %s, %s was expected", what, expected);
  else
    snprintf(why, HK__UNITS_WHY, "is in `%s`, %s was expected", text, expected);
}

/* A second number, as in `20 30 ms`, would be taken for a scale of the unit. */
static bool starts_unit(const char *text)
{
  return !isdigit((unsigned char)text[0]) ? strchr("+-.", text[0]) == NULL : strncmp(text, "1/", 2) == 0;
}

/* The factor from unit text `from` to `to`; NULL with the reason in why. */
static const struct factor *look_up(struct hk__units *units, const char *from, const char *to, char *why)
{
  const struct factor *factor = find_factor(units, from, to);
  if (factor)
    return factor;
  ut_unit *unit = starts_unit(from) ? parse_unit(units, from) : NULL;
  ut_unit *wanted = parse_unit(units, to);
  cv_converter *converter = NULL;
  if (!unit || !wanted)
    explain_unknown(from, to, why);
  else if (!same_dimension(unit, wanted))
    explain_dimension(units, unit, from, to, why);
  else if (!(converter = ut_get_converter(unit, wanted)))
    explain_unknown(from, to, why);
  else
    factor = keep_factor(units, from, to, cv_convert_double(converter, 1.0) - cv_convert_double(converter, 0.0));
  cv_free(converter);
  ut_free(unit);
  ut_free(wanted);
  return factor;
}

/* --- numbers --- */

struct number {
  size_t mantissa, length; /* characters of the mantissa, of the whole */
  long exponent;
};

static size_t digits(const char *s)
{
  size_t n = 0;
  while (isdigit((unsigned char)s[n]))
    n++;
  return n;
}

/* A decimal number at the start of the text; length 0: there is none. What strtod takes besides (hexadecimal, nan) is
 * not a number here. */
static struct number scan_number(const char *s)
{
  size_t at = s[0] == '+' || s[0] == '-';
  size_t whole = digits(s + at);
  at += whole;
  size_t fraction = s[at] == '.' ? digits(s + at + 1) : 0;
  at += s[at] == '.' ? 1 + fraction : 0;
  if (whole + fraction == 0)
    return (struct number){0, 0, 0};
  struct number number = {at, at, 0};
  if (s[at] == 'e' || s[at] == 'E') {
    size_t sign = s[at + 1] == '+' || s[at + 1] == '-';
    size_t count = digits(s + at + 1 + sign);
    if (count > 0) {
      number.exponent = strtol(s + at + 1, NULL, 10);
      number.length = at + 1 + sign + count;
    }
  }
  return number;
}

static bool is_infinite(const char *s, double *value)
{
  size_t sign = s[0] == '+' || s[0] == '-';
  const char *rest = s + sign + (s[sign] == '.');
  if (strcmp(rest, "inf") != 0 && strcmp(rest, "Inf") != 0 && strcmp(rest, "infinity") != 0)
    return false;
  *value = s[0] == '-' ? -INFINITY : INFINITY;
  return true;
}

static enum hk_status shifted_number(const char *text, const struct number *number, int power, double *value)
{
  char small[128];
  size_t size = number->mantissa + 32;
  char *shifted = size <= sizeof small ? small : malloc(size);
  if (!shifted)
    return HK_ERR_MEMORY;
  long exponent = number->exponent < -100000 ? -100000 : number->exponent > 100000 ? 100000 : number->exponent;
  snprintf(shifted, size, "%.*se%ld", (int)number->mantissa, text, exponent + power);
  *value = strtod(shifted, NULL);
  if (shifted != small)
    free(shifted);
  return HK_OK;
}

enum hk_status hk__units_parse(struct hk__units *units, const char *text, const char *unit, double *value, char *why)
{
  char expected[96], from[TEXT_MAX];
  hk__units_describe(unit, expected, sizeof expected);
  while (isspace((unsigned char)*text))
    text++;
  if (is_infinite(text, value))
    return HK_OK;
  struct number number = scan_number(text);
  if (number.length == 0) {
    snprintf(why, HK__UNITS_WHY, "is not a number, %s was expected", expected);
    return HK_ERR_INPUT;
  }
  const char *rest = text + number.length;
  while (isspace((unsigned char)*rest))
    rest++;
  size_t length = strlen(rest);
  while (length > 0 && isspace((unsigned char)rest[length - 1]))
    length--;
  if (length >= TEXT_MAX) {
    snprintf(why, HK__UNITS_WHY, "is not a quantity, %s was expected", expected);
    return HK_ERR_INPUT;
  }
  memcpy(from, rest, length);
  from[length] = '\0';
  if (length == 0 && strcmp(unit, "1") != 0) {
    snprintf(why, HK__UNITS_WHY, "has no unit, %s was expected", expected);
    return HK_ERR_INPUT;
  }
  int power = 0;
  double scale = 1.0;
  if (length > 0 && strcmp(from, unit) != 0) {
    const struct factor *factor = look_up(units, from, unit, why);
    if (!factor)
      return HK_ERR_INPUT;
    power = factor->power;
    scale = factor->decimal ? 1.0 : factor->scale;
  }
  double result;
  enum hk_status status = shifted_number(text, &number, power, &result);
  if (status != HK_OK)
    return status;
  result *= scale;
  if (!isfinite(result)) {
    snprintf(why, HK__UNITS_WHY, "is too large a number, %s was expected", expected);
    return HK_ERR_INPUT;
  }
  *value = result;
  return HK_OK;
}
