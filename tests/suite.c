/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "suite.h"

#include <stdbool.h>
#include <stdlib.h>

int run_suite(Suite *suite)
{
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  bool good = srunner_ntests_failed(runner) == 0 && srunner_ntests_run(runner) > 0;
  srunner_free(runner);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
