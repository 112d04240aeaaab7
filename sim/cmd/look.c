/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "look.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"

const char look_help[] = "  --from T, --to T      only this span of time, with units: 100 ms, 1.5 s\n"
                         "  --population NAME     only this population; may be given several times\n"
                         "  --neurons IDS         only these neurons of each population: 0-99,200\n"
                         "  --population-size NAME=N\n"
                         "                        how many neurons a population has, where the file does not say\n";
const char picture_help[] = "  --size WxH            size of the picture, with unit: 18x12cm, 9x6in, 1600x900px\n"
                            "  --dpi N               resolution of PNG, and of density in SVG and PDF; default 150\n"
                            "  --dark                light on dark\n"
                            "  --title TEXT          a title above it\n";

void look_complain(struct look *look, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  look->complained = true;
  fprintf(stderr, "hillock %s: ", look->command);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
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
    look_complain(look, "%s %s has no unit: write %s ms or %s s", name, text, text, text);
  else
    look_complain(look, "%s needs a time such as 100 ms or 1.5 s, not `%s`", name, text);
  return HK_ERR_INPUT;
}

enum hk_status look_number(struct look *look, const char *name, const char *text, double least, double *value)
{
  char *end;
  *value = strtod(text, &end);
  if (end != text && *end == '\0' && isfinite(*value) && *value >= least)
    return HK_OK;
  look_complain(look, "%s needs a number of at least %g, not `%s`", name, least, text);
  return HK_ERR_INPUT;
}

enum hk_status look_word(struct look *look, const char *name, const char *text, const char *const words[3], int *index)
{
  for (int i = 0; i < 3; i++)
    if (strcmp(text, words[i]) == 0) {
      *index = i;
      return HK_OK;
    }
  look_complain(look, "%s must be %s, %s or %s, not `%s`", name, words[0], words[1], words[2], text);
  return HK_ERR_INPUT;
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
      look_complain(look, "--neurons needs ids such as 0-99,200, not `%s`", text);
      return HK_ERR_INPUT;
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

static enum hk_status take_size_of(struct look *look, char *text)
{
  char *equals = strrchr(text, '=');
  const char *at = equals ? equals + 1 : "";
  uint64_t size;
  if (!take_id(&at, &size) || *at != '\0' || size == 0 || equals == text) {
    look_complain(look, "--population-size needs NAME=N with N a whole number above 0, not `%s`", text);
    return HK_ERR_INPUT;
  }
  struct hk_population_size *sizes = grow(look->sizes, look->selection.size_count, sizeof *sizes);
  if (!sizes)
    return HK_ERR_MEMORY;
  *equals = '\0';
  look->sizes = sizes;
  sizes[look->selection.size_count++] = (struct hk_population_size){text, size};
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
  look_complain(look, "--size needs a width and a height such as 18x12cm, 9x6in or 1600x900px, not `%s`", text);
  return HK_ERR_INPUT;
}

static enum hk_status take_common(struct look *look, int option, char *argument)
{
  switch (option) {
  case LOOK_FROM:
    return look_time(look, "--from", argument, &look->selection.from);
  case LOOK_TO:
    return look_time(look, "--to", argument, &look->selection.to);
  case LOOK_POPULATION:
    return take_population(look, argument);
  case LOOK_NEURONS:
    return take_neurons(look, argument);
  case LOOK_SIZE_OF:
    return take_size_of(look, argument);
  case LOOK_SIZE:
    return take_size(look, argument);
  case LOOK_DPI:
    return look_number(look, "--dpi", argument, 10, &look->picture.dpi);
  case LOOK_DARK:
    look->picture.dark = true;
    return HK_OK;
  case LOOK_TITLE:
    look->picture.title = argument;
    return HK_OK;
  case 'o':
    look->output = argument;
    return HK_OK;
  default:
    return HK_ERR_BUG;
  }
}

static enum hk_status take_path(struct look *look, int argc, char **argv)
{
  if (optind == argc - 1) {
    look->result = argv[optind];
    return HK_OK;
  }
  if (optind == argc)
    look_complain(look, "which result? give a results folder or a spikes file");
  else
    look_complain(look, "one result at a time: `%s` is too much", argv[optind + 1]);
  return HK_ERR_INPUT;
}

enum hk_status look_open(struct look *look, struct hk_view **out)
{
  return hk_view_open(look->result, &look->selection, out, look->messages);
}

static void clear(struct look *look)
{
  hk_messages_destroy(look->messages);
  free(look->populations);
  free(look->neurons);
  free(look->sizes);
}

static int tell(struct look *look, enum hk_status status)
{
  for (size_t i = 0; i < hk_messages_count(look->messages); i++) {
    struct hk_message message = hk_messages_get(look->messages, i);
    fprintf(stderr, "hillock %s: ", look->command);
    if (message.place.file && message.place.line > 0)
      fprintf(stderr, "%s:%zu:%zu: ", message.place.file, message.place.line, message.place.column);
    else if (message.place.file)
      fprintf(stderr, "%s: ", message.place.file);
    fprintf(stderr, "%s%s\n", message.severity == HK_SEVERITY_WARNING ? "note: " : "", message.text);
  }
  if (status != HK_OK && hk_messages_errors(look->messages) == 0 && !look->complained)
    look_complain(look, "%s: %s", look->result ? look->result : "arguments", hk_status_message(status));
  return status == HK_OK ? EXIT_DONE : status == HK_ERR_INPUT ? EXIT_USAGE : EXIT_FAILED;
}

static enum hk_status take_option(struct look *look, const struct look_command *command, void *context, int option)
{
  if (option == '?' || option == ':') { /* getopt has complained */
    fprintf(stderr, "`hillock %s --help` tells more\n", look->command);
    look->complained = true;
    return HK_ERR_INPUT;
  }
  if (option == 'o' || option >= LOOK_FROM)
    return take_common(look, option, optarg);
  return command->take(context, option);
}

int look_main(struct look *look, const struct look_command *command, void *context, int argc, char **argv)
{
  char name[64];
  snprintf(name, sizeof name, "hillock %s", command->name);
  argv[0] = name;
  *look = (struct look){.command = command->name, .selection = hk_selection_all(), .picture = hk_picture_default()};
  enum hk_status status = hk_messages_create(&look->messages);
  for (int option; status == HK_OK && (option = getopt_long(argc, argv, "o:h", command->options, NULL)) != -1;) {
    if (option == 'h') {
      command->help();
      clear(look);
      return EXIT_DONE;
    }
    status = take_option(look, command, context, option);
  }
  if (status == HK_OK)
    status = take_path(look, argc, argv);
  if (status == HK_OK)
    status = command->act(context);
  int code = tell(look, status);
  clear(look);
  return code;
}
