/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "look.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "messages.h"

enum hk_status look_wrong(struct look *look, const char *format, ...)
{
  char text[512];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  wrong_usage(&look->arguments, "%s", text);
  look->complained = true;
  return HK_ERR_INPUT;
}

/* Appends room for one more item to an array. */
static void *grow(void *items, size_t count, size_t size)
{
  return realloc(items, (count + 1) * size);
}

enum hk_status look_time(struct look *look, const char *name, const char *text, double *ms)
{
  static const struct {
    const char *name;
    double ms;
  } units[] = {{"ns", 1e-6}, {"us", 1e-3}, {"µs", 1e-3}, {"ms", 1}, {"s", 1e3}, {"min", 60e3}, {"h", 3600e3}};
  char *end;
  double value = strtod(text, &end);
  const char *unit = end + strspn(end, " ");
  for (size_t i = 0; end != text && isfinite(value) && i < sizeof units / sizeof *units; i++)
    if (strcmp(unit, units[i].name) == 0) {
      *ms = value * units[i].ms;
      return HK_OK;
    }
  if (end != text && *unit == '\0')
    return look_wrong(look, "%s %s has no unit: write %s ms or %s s", name, text, text, text);
  return look_wrong(look, "%s needs a time such as 100 ms or 1.5 s, not `%s`", name, text);
}

enum hk_status look_length(struct look *look, const char *name, const char *text, double *ms)
{
  enum hk_status status = look_time(look, name, text, ms);
  return status != HK_OK || *ms > 0 ? status : look_wrong(look, "%s must be longer than 0, not `%s`", name, text);
}

enum hk_status look_number(struct look *look, const char *name, const char *text, double least, double *value)
{
  char *end;
  *value = strtod(text, &end);
  if (end != text && *end == '\0' && isfinite(*value) && *value >= least)
    return HK_OK;
  return look_wrong(look, "%s needs a number of at least %g, not `%s`", name, least, text);
}

static enum hk_status take_population(struct look *look, const char *name)
{
  const char **names = grow(look->populations, look->selection.population_count, sizeof *names);
  if (!names)
    return HK_ERR_MEMORY;
  look->populations = names;
  names[look->selection.population_count++] = name;
  look->selection.populations = names;
  return HK_OK;
}

static bool take_id(const char **text, uint64_t *id)
{
  char *end;
  if (**text < '0' || **text > '9')
    return false;
  errno = 0;
  *id = strtoull(*text, &end, 10);
  *text = end;
  return errno == 0;
}

static enum hk_status take_neurons(struct look *look, const char *text)
{
  for (const char *at = text;; at++) {
    struct hk_id_range range;
    bool good = take_id(&at, &range.first);
    range.last = range.first;
    if (good && *at == '-') {
      at++;
      good = take_id(&at, &range.last);
    }
    if (!good || (*at != ',' && *at != '\0')) {
      return look_wrong(look, "--neurons needs ids such as 0-99,200, not `%s`", text);
    }
    struct hk_id_range *neurons = grow(look->neurons, look->selection.neuron_range_count, sizeof *neurons);
    if (!neurons)
      return HK_ERR_MEMORY;
    look->neurons = neurons;
    neurons[look->selection.neuron_range_count++] = range;
    look->selection.neurons = neurons;
    if (*at == '\0')
      return HK_OK;
  }
}

static enum hk_status take_size_of(struct look *look, const char *text)
{
  const char *equals = strrchr(text, '=');
  const char *at = equals ? equals + 1 : "";
  uint64_t size;
  if (!take_id(&at, &size) || *at != '\0' || size == 0 || equals == text) {
    return look_wrong(look, "--population-size needs NAME=N with N a whole number above 0, not `%s`", text);
  }
  struct hk_population_size *sizes = grow(look->sizes, look->selection.size_count, sizeof *sizes);
  if (!sizes)
    return HK_ERR_MEMORY;
  look->sizes = sizes;
  char *name = strndup(text, (size_t)(equals - text));
  if (!name)
    return HK_ERR_MEMORY;
  sizes[look->selection.size_count++] = (struct hk_population_size){name, size};
  look->selection.sizes = sizes;
  return HK_OK;
}

/* Pixels count at the resolution given before, or at the default one. */
static enum hk_status take_size(struct look *look, const char *text)
{
  const struct {
    const char *name;
    double points;
  } units[] = {{"cm", 72 / 2.54}, {"mm", 72 / 25.4}, {"in", 72}, {"pt", 1}, {"px", 72 / look->picture.dpi}};
  double width, height;
  char unit[4], rest;
  if (sscanf(text, "%lfx%lf%3[a-z]%c", &width, &height, unit, &rest) == 3)
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
      if (strcmp(unit, units[i].name) == 0) {
        look->picture.width = width * units[i].points;
        look->picture.height = height * units[i].points;
        return HK_OK;
      }
  return look_wrong(look, "--size needs a width and a height such as 18x12cm, 9x6in or 1600x900px, not `%s`", text);
}

static enum hk_status take_output(struct look *look, const char *text)
{
  look->output = text;
  return HK_OK;
}

static enum hk_status take_title(struct look *look, const char *text)
{
  look->picture.title = text;
  return HK_OK;
}

static enum hk_status take_dark(struct look *look, const char *text)
{
  (void)text;
  look->picture.dark = true;
  return HK_OK;
}

static enum hk_status take_from(struct look *look, const char *text)
{
  return look_time(look, "--from", text, &look->selection.from);
}

static enum hk_status take_to(struct look *look, const char *text)
{
  return look_time(look, "--to", text, &look->selection.to);
}

static enum hk_status take_dpi(struct look *look, const char *text)
{
  return look_number(look, "--dpi", text, 10, &look->picture.dpi);
}

static const struct {
  const char *name;
  enum hk_status (*take)(struct look *look, const char *text);
} common[] = {{"output", take_output},   {"from", take_from},
              {"to", take_to},           {"population", take_population},
              {"neurons", take_neurons}, {"population-size", take_size_of},
              {"size", take_size},       {"dpi", take_dpi},
              {"dark", take_dark},       {"title", take_title}};

enum hk_status look_open(struct look *look, struct hk_view **out)
{
  return hk_view_open(look->result, &look->selection, out, look->messages);
}

static void clear(struct look *look)
{
  hk_messages_destroy(look->messages);
  free(look->populations);
  free(look->neurons);
  for (size_t i = 0; i < look->selection.size_count; i++)
    free((char *)look->sizes[i].population);
  free(look->sizes);
}

static enum hk_status take(struct look *look, const struct look_command *command, void *context, int option,
                           const char *value)
{
  if (option == OPTION_PLAIN && look->result)
    return look_wrong(look, "one result was expected, `%s` and `%s` were found", look->result, value);
  if (option == OPTION_PLAIN) {
    look->result = value;
    return HK_OK;
  }
  for (size_t i = 0; i < sizeof common / sizeof *common; i++)
    if (strcmp(command->usage.options[option].name, common[i].name) == 0)
      return common[i].take(look, value);
  return command->take(context, option, value);
}

const char *look_text_output(const struct look *look)
{
  return look->output && strcmp(look->output, "-") == 0 ? NULL : look->output;
}

/* What is being written, under another name until it is complete, goes when the command is told to end. */
static char partial[PATH_MAX];

static void remove_partial(int number)
{
  unlink(partial);
  signal(number, SIG_DFL);
  raise(number);
}

static void watch_output(const struct look *look)
{
  if (!look_text_output(look) || snprintf(partial, sizeof partial, "%s.part", look->output) >= (int)sizeof partial)
    return;
  const int numbers[] = {SIGINT, SIGTERM};
  for (size_t i = 0; i < 2; i++)
    if (signal(numbers[i], SIG_IGN) != SIG_IGN)
      signal(numbers[i], remove_partial);
}

int look_main(struct look *look, const struct look_command *command, void *context, int argc, char **argv)
{
  *look = (struct look){.arguments = {.argc = argc, .argv = argv, .usage = &command->usage},
                        .selection = hk_selection_all(),
                        .picture = hk_picture_default()};
  const char *value = NULL;
  enum hk_status status = hk_messages_create(&look->messages);
  for (int option; status == HK_OK && (option = next_option(&look->arguments, &value)) != OPTION_END;) {
    if (option == OPTION_HELP || option == OPTION_WRONG) {
      clear(look);
      return option_exit(option);
    }
    status = take(look, command, context, option, value);
  }
  if (status == HK_OK && !look->result)
    status = look_wrong(look, "which result? give a results folder or a spikes file");
  if (status == HK_OK) {
    watch_output(look);
    status = command->act(context);
  }
  if (status != HK_OK && !look->complained && hk_messages_errors(look->messages) == 0)
    hk_messages_add(look->messages, HK_SEVERITY_ERROR, NULL, "%s: %s", look->result ? look->result : "arguments",
                    hk_status_message(status));
  int code = look->complained ? EXIT_USAGE : report_failure(status, look->messages);
  clear(look);
  return code;
}
