/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of each test program. */
#ifndef HK_TESTS_SUITE_H
#define HK_TESTS_SUITE_H

#include <check.h>

/* Runs and frees the suite, as Check's environment variables (CK_FORK, CK_VERBOSITY, ...) say; what main returns. That
 * no test ran is a failure. */
int run_suite(Suite *suite);

#endif
