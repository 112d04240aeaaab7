/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/raster.h>

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "commands.h"
#include "look.h"

enum { STYLE = 1, RATE_BIN, NO_RATE, TRACES, COLOUR };

struct arguments {
  struct look look;
  struct hk_raster_options options;
  const char **traces;
  int colour; /* -1: if standard output is a terminal */
};

static void help(void)
{
  printf(
      "usage: hillock raster RESULT [-o FILE.png|.svg|.pdf] [OPTIONS]\n\n"
      "Draws the spikes of a results folder or of any SONATA spikes file; without -o, in the terminal. Few spikes are\n"
      "drawn as ticks, many as density.\n\n"
      "  -o, --output FILE     the picture; its ending says the format\n%s%s"
      "  --traces FILE         a SONATA report, drawn above; may be given several times\n"
      "  --bin T               bins of the rates beneath; default: what suits the picture\n"
      "  --no-rate             no rates\n"
      "  --style auto|ticks|density\n"
      "  --colour auto|always|never\n"
      "                        of the raster in the terminal\n",
      look_help, picture_help);
}

static enum hk_status take_traces(struct arguments *arguments, const char *path)
{
  const char **traces = realloc(arguments->traces, (arguments->options.trace_count + 1) * sizeof *traces);
  if (!traces)
    return HK_ERR_MEMORY;
  arguments->traces = traces;
  traces[arguments->options.trace_count++] = path;
  arguments->options.traces = traces;
  return HK_OK;
}

static enum hk_status take(void *context, int option)
{
  static const char *const styles[3] = {"auto", "ticks", "density"}, *const colours[3] = {"never", "always", "auto"};
  struct arguments *arguments = context;
  int chosen = 0;
  enum hk_status status;
  switch (option) {
  case STYLE:
    status = look_word(&arguments->look, "--style", optarg, styles, &chosen);
    arguments->options.style = (enum hk_raster_style)chosen;
    return status;
  case COLOUR:
    status = look_word(&arguments->look, "--colour", optarg, colours, &chosen);
    arguments->colour = chosen == 2 ? -1 : chosen;
    return status;
  case RATE_BIN:
    status = look_time(&arguments->look, "--bin", optarg, &arguments->options.rate_bin);
    if (status == HK_OK && !(arguments->options.rate_bin > 0)) {
      look_complain(&arguments->look, "--bin must be above 0");
      return HK_ERR_INPUT;
    }
    return status;
  case NO_RATE:
    arguments->options.no_rate = true;
    return HK_OK;
  default:
    return take_traces(arguments, optarg);
  }
}

static int environment_number(const char *name, int preset)
{
  const char *text = getenv(name);
  int number = text ? atoi(text) : 0;
  return number >= 20 && number <= 1000 ? number : preset;
}

static struct hk_raster_screen find_screen(const struct arguments *arguments)
{
  struct hk_raster_screen screen = {environment_number("COLUMNS", 80), environment_number("LINES", 24), false, false};
  struct winsize size;
  bool terminal = isatty(STDOUT_FILENO);
  if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 && size.ws_row >= 8)
    screen = (struct hk_raster_screen){size.ws_col, size.ws_row - 1, false, false};
  setlocale(LC_CTYPE, "");
  screen.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  screen.colour = arguments->colour >= 0 ? arguments->colour : terminal && !getenv("NO_COLOR");
  return screen;
}

static enum hk_status draw(void *context)
{
  struct arguments *arguments = context;
  struct look *look = &arguments->look;
  struct hk_view *view = NULL;
  enum hk_status status = look_open(look, &view);
  if (status != HK_OK)
    return status;
  arguments->options.picture = look->picture;
  if (look->output) {
    status = hk_raster_draw(view, &arguments->options, look->output, look->messages);
  } else {
    struct hk_raster_screen screen = find_screen(arguments);
    char *text = NULL;
    status = hk_raster_print(view, &screen, &text, look->messages);
    if (status == HK_OK && (fputs(text, stdout) < 0 || fflush(stdout) != 0))
      status = HK_ERR_IO;
    free(text);
  }
  hk_view_close(view);
  return status;
}

int command_raster(int argc, char **argv)
{
  static const struct option options[] = {LOOK_OPTIONS,
                                          PICTURE_OPTIONS,
                                          {"style", required_argument, NULL, STYLE},
                                          {"bin", required_argument, NULL, RATE_BIN},
                                          {"no-rate", no_argument, NULL, NO_RATE},
                                          {"traces", required_argument, NULL, TRACES},
                                          {"colour", required_argument, NULL, COLOUR},
                                          {0}};
  static const struct look_command command = {"raster", options, help, take, draw};
  struct arguments arguments = {.options = hk_raster_options_default(), .colour = -1};
  int code = look_main(&arguments.look, &command, &arguments, argc, argv);
  free(arguments.traces);
  return code;
}
