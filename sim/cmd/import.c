/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/table.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "look.h"

enum { UNIT = 3, DURATION, OVERWRITE };

static const struct option_row rows[] = {
    {"output", 'o', "FILE.h5", "the SONATA spikes file to write"},
    {"population", 0, "NAME", "of lines that name none; default: neurons"},
    {"population-size", 0, "NAME=N", "how many neurons a population has, silent ones included;\nmay be repeated"},
    {"unit", 0, "UNIT", "ms or s; default: what the first line says, else ms"},
    {"duration", 0, "T", "how long was recorded: no spike may be later"},
    {"overwrite", 0, NULL, "replace an existing file"},
};

struct wish {
  struct look look;
  struct hk_table_import options;
  bool overwrite;
};

static enum hk_status take(void *context, int option, const char *value)
{
  static const char *const units[] = {"ms", "s", NULL};
  struct wish *wish = context;
  int chosen = 0;
  switch (option) {
  case UNIT:
    chosen = choose(&wish->look.arguments, "unit", value, units);
    wish->options.unit = chosen == 1 ? 1000 : 1;
    wish->look.complained = chosen < 0;
    return chosen < 0 ? HK_ERR_INPUT : HK_OK;
  case DURATION:
    return look_time(&wish->look, "--duration", value, &wish->options.duration);
  default:
    wish->overwrite = true;
    return HK_OK;
  }
}

static enum hk_status act(void *context)
{
  struct wish *wish = context;
  struct look *look = &wish->look;
  uint64_t spikes = 0;
  if (!look->output)
    return look_wrong(look, "where to? -o FILE.h5 is missing");
  if (look->selection.population_count > 1)
    return look_wrong(look, "one --population was expected, %zu were found", look->selection.population_count);
  if (!wish->overwrite && access(look->output, F_OK) == 0)
    return look_wrong(look, "%s is there already; --overwrite replaces it", look->output);
  wish->options.population = look->selection.population_count ? look->populations[0] : NULL;
  wish->options.sizes = look->sizes;
  wish->options.size_count = look->selection.size_count;
  enum hk_status status = hk_table_import(look->result, look->output, &wish->options, &spikes, look->messages);
  if (status == HK_OK)
    fprintf(stderr, "%s: %" PRIu64 " spikes\n", look->output, spikes);
  return status;
}

int command_import(int argc, char **argv)
{
  static const struct look_command command = {
      .usage = {.synopsis = "hillock import TABLE.csv -o FILE.h5 [OPTIONS]",
                .about =
                    "Makes a SONATA spikes file of a table with a line per spike: time, population, neuron, or time,\n"
                    "neuron; in any order. A first line may name the columns (time_ms or time_s, population,\n"
                    "neuron), which may then stand in any order and among others.",
                .options = rows,
                .count = sizeof rows / sizeof *rows},
      .take = take,
      .act = act};
  struct wish wish = {.options = {.duration = NAN}};
  return look_main(&wish.look, &command, &wish, argc, argv);
}
