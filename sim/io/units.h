/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quantities as people write them, `20 ms`, `0.1mV`, `1.5e3 pA`, to numbers in a wanted unit.
 *
 * Units and dimensions are UDUNITS-2's. Conversions between decimal multiples are exact: `1 s`, `1000 ms` and
 * `1e6 us` are one double. Not safe for concurrent use. */
#ifndef HK__UNITS_H
#define HK__UNITS_H

#include <stddef.h>

#include <hillock/status.h>

struct hk__units;

enum { HK__UNITS_WHY = 320 }; /* room that the texts of errors need */

/* Finds and reads the UDUNITS database: where UDUNITS2_XML_PATH or the library says, or in the usual folders. Errors:
 * HK_ERR_IO (no database, told in messages), HK_ERR_MEMORY. */
enum hk_status hk__units_create(struct hk__units **out, struct hk_messages *messages);
void hk__units_destroy(struct hk__units *units); /* NULL is fine */

/* Reads a quantity and converts it to `unit`; unit "1" wants a bare number. `inf` and `-inf` (also `.inf`) are numbers
 * that need no unit. On HK_ERR_INPUT, why (HK__UNITS_WHY bytes) holds what is wrong and what was expected, to be put
 * after the text: "is a voltage, a time such as `20 ms` was expected". */
enum hk_status hk__units_parse(struct hk__units *units, const char *text, const char *unit, double *value, char *why);

/* What a quantity of this unit is, with an example: "a time such as `20 ms`". Constant, or written into buffer. */
const char *hk__units_describe(const char *unit, char *buffer, size_t size);

/* The shortest decimal number that reads as this double again. */
struct hk__number {
  char text[32];
};
struct hk__number hk__number_text(double value);

#endif
