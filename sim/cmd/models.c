/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include <hillock/model.h>

#include "commands.h"

int command_models(int argc, char **argv)
{
  (void)argc;
  (void)argv;
  for (size_t i = 0; i < hk_model_count(); i++)
    printf("%-16s %s\n", hk_model_at(i)->name, hk_model_at(i)->summary);
  return EXIT_DONE;
}
