/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/table.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "look.h"

enum { FORMAT = LOOK_OWN, SPLIT };

static const struct option_row rows[] = {
    LOOK_ROWS("write there instead of to standard output"),
    {"format", 0, "FORMAT",
     "csv: a line per spike, time_ms,population,neuron (default);\n"
     "gdf: NEST's, a line per spike, neuron and time in ms, which\nNeo's NestIO reads"},
    {"split", 0, NULL, "one file per population: FILE with the population's name\nbefore its ending"},
};

struct wish {
  struct look look;
  enum hk_table_format format;
  bool split;
};

static enum hk_status take(void *context, int option, const char *value)
{
  static const char *const formats[] = {"csv", "gdf", NULL};
  struct wish *wish = context;
  if (option == SPLIT) {
    wish->split = true;
    return HK_OK;
  }
  int chosen = choose(&wish->look.arguments, "format", value, formats);
  wish->look.complained = chosen < 0;
  wish->format = chosen < 0 ? HK_TABLE_CSV : (enum hk_table_format)chosen;
  return chosen < 0 ? HK_ERR_INPUT : HK_OK;
}

/* An output file takes its name when all of it is written. path NULL: standard output. */
struct target {
  char *path, *partial;
  FILE *stream;
};

static enum hk_status open_target(const struct wish *wish, const char *path, struct target *target)
{
  *target = (struct target){.stream = stdout};
  if (!path)
    return HK_OK;
  target->path = strdup(path);
  if (!target->path || asprintf(&target->partial, "%s.part", path) < 0) {
    free(target->path);
    return HK_ERR_MEMORY;
  }
  target->stream = fopen(target->partial, "w");
  if (target->stream)
    return HK_OK;
  hk_messages_add(wish->look.messages, HK_SEVERITY_ERROR, NULL, "%s cannot be written: %s", path, strerror(errno));
  free(target->path);
  free(target->partial);
  return HK_ERR_IO;
}

static enum hk_status close_target(const struct wish *wish, struct target *target, enum hk_status status)
{
  if (status == HK_ERR_IO && hk_messages_errors(wish->look.messages) == 0)
    hk_messages_add(wish->look.messages, HK_SEVERITY_ERROR, NULL, "%s could not be written: %s",
                    target->path ? target->path : "standard output", strerror(errno));
  if (!target->path)
    return status;
  bool closed = fclose(target->stream) == 0;
  if (status == HK_OK && (!closed || rename(target->partial, target->path) != 0)) {
    hk_messages_add(wish->look.messages, HK_SEVERITY_ERROR, NULL, "%s could not be written: %s", target->path,
                    strerror(errno));
    status = HK_ERR_IO;
  }
  if (status != HK_OK)
    unlink(target->partial);
  free(target->path);
  free(target->partial);
  return status;
}

/* out.csv and L2/3e: out-L2_3e.csv */
static char *split_path(const char *path, const char *name)
{
  const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
  size_t stem = dot ? (size_t)(dot - path) : strlen(path);
  char *text = NULL;
  if (asprintf(&text, "%.*s-%s%s", (int)stem, path, name, dot ? dot : "") < 0)
    return NULL;
  for (char *at = text + stem + 1; at < text + stem + 1 + strlen(name); at++)
    *at = *at == '/' ? '_' : *at;
  return text;
}

static enum hk_status write_split(const struct wish *wish, struct hk_view *view)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < hk_view_population_count(view) && status == HK_OK; i++) {
    struct target target;
    char *path = split_path(wish->look.output, hk_view_population(view, i).name);
    status = path ? open_target(wish, path, &target) : HK_ERR_MEMORY;
    if (status == HK_OK)
      status =
          close_target(wish, &target, hk_table_write(view, i, wish->format, true, target.stream, wish->look.messages));
    free(path);
  }
  return status;
}

static enum hk_status write_one(const struct wish *wish, struct hk_view *view)
{
  struct target target;
  enum hk_status status = open_target(wish, look_text_output(&wish->look), &target);
  if (status != HK_OK)
    return status;
  if (wish->format == HK_TABLE_CSV && hk_view_population_count(view) == 0)
    fputs("time_ms,population,neuron\n", target.stream);
  for (size_t i = 0; i < hk_view_population_count(view) && status == HK_OK; i++)
    status = hk_table_write(view, i, wish->format, i == 0, target.stream, wish->look.messages);
  return close_target(wish, &target, status);
}

static enum hk_status act(void *context)
{
  struct wish *wish = context;
  struct hk_view *view = NULL;
  if (wish->split && !look_text_output(&wish->look))
    return look_wrong(&wish->look, "--split needs -o FILE");
  enum hk_status status = look_open(&wish->look, &view);
  if (status != HK_OK)
    return status;
  if (wish->format == HK_TABLE_GDF && !wish->split && hk_view_population_count(view) > 1)
    status = look_wrong(&wish->look, "a gdf file holds one population: choose one by --population, or add --split");
  else
    status = wish->split ? write_split(wish, view) : write_one(wish, view);
  hk_view_close(view);
  return status;
}

int command_export(int argc, char **argv)
{
  static const struct look_command command = {
      .usage = {.synopsis = "hillock export RESULT [-o FILE] [OPTIONS]",
                .about =
                    "Writes the spikes of RESULT, a results folder or any SONATA spikes file, as text: population by\n"
                    "population, each in order of time. Times have all digits that make them what they are.",
                .options = rows,
                .count = sizeof rows / sizeof *rows},
      .take = take,
      .act = act};
  struct wish wish = {.format = HK_TABLE_CSV};
  return look_main(&wish.look, &command, &wish, argc, argv);
}
