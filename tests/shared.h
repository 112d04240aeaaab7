/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data to compare with that are no part of the project: below the folder that HK_SHARED names. What is absent there is
 * skipped, and that is said; whatever else is wrong with it fails, in a test and outside of one. */
#ifndef HK_TESTS_SHARED_H
#define HK_TESTS_SHARED_H

#include <hillock/network.h>
#include <jansson.h>

/* The path of a file; NULL, having said that it is skipped, where there is none. Good until four more were asked. */
const char *shared_path(const char *name);

/* The cases in a JSON file, a list of objects under this key; json_decref(). NULL, having said that they are skipped,
 * where there is no such file. */
json_t *shared_cases(const char *name, const char *key);

/* What a case must have. */
json_t *shared_member(const json_t *object, const char *key);
double shared_number(const json_t *object, const char *key);
const char *shared_text(const json_t *object, const char *key);
double *shared_numbers(const json_t *object, const char *key, size_t *count); /* free() */

/* An object of numbers as constant settings; how many. The names last as long as the object. */
size_t shared_settings(const json_t *object, const char *key, struct hk_setting *out, size_t most);

#endif
