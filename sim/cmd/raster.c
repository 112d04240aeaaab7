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

enum { STYLE = PICTURE_OWN, RATE_BIN, NO_RATE, TRACES, COLOUR };

static const struct option_row rows[] = {
    LOOK_ROWS("the picture; its ending .png, .svg or .pdf says the format.\nWithout it: in the terminal"),
    PICTURE_ROWS,
    {"style", 0, "STYLE", "auto, ticks or density"},
    {"bin", 0, "T", "bins of the rates; default: what suits the picture"},
    {"no-rate", 0, NULL, "no rates beneath"},
    {"traces", 0, "FILE", "a SONATA report, drawn above; may be repeated"},
    {"colour", 0, "WHEN", "auto, always or never: of the raster in the terminal"},
};

struct raster {
  struct look look;
  struct hk_raster_options options;
  const char **traces;
  int colour; /* -1: if standard output is a terminal */
};

static enum hk_status take_traces(struct raster *raster, const char *path)
{
  const char **traces = realloc(raster->traces, (raster->options.trace_count + 1) * sizeof *traces);
  if (!traces)
    return HK_ERR_MEMORY;
  raster->traces = traces;
  traces[raster->options.trace_count++] = path;
  raster->options.traces = traces;
  return HK_OK;
}

static enum hk_status take(void *context, int option, const char *value)
{
  static const char *const styles[] = {"auto", "ticks", "density", NULL};
  static const char *const colours[] = {"never", "always", "auto", NULL};
  struct raster *raster = context;
  struct look *look = &raster->look;
  int chosen = 0;
  switch (option) {
  case STYLE:
    chosen = choose(&look->arguments, "style", value, styles);
    raster->options.style = chosen < 0 ? HK_RASTER_AUTO : (enum hk_raster_style)chosen;
    break;
  case COLOUR:
    chosen = choose(&look->arguments, "colour", value, colours);
    raster->colour = chosen == 2 ? -1 : chosen;
    break;
  case RATE_BIN:
    return look_length(look, "--bin", value, &raster->options.rate_bin);
  case NO_RATE:
    raster->options.no_rate = true;
    break;
  default:
    return take_traces(raster, value);
  }
  look->complained = chosen < 0;
  return chosen < 0 ? HK_ERR_INPUT : HK_OK;
}

static int environment_number(const char *name, int preset)
{
  const char *text = getenv(name);
  int number = text ? atoi(text) : 0;
  return number >= 20 && number <= 1000 ? number : preset;
}

static struct hk_raster_screen find_screen(const struct raster *raster)
{
  struct hk_raster_screen screen = {environment_number("COLUMNS", 80), environment_number("LINES", 24), false, false};
  struct winsize size;
  bool terminal = isatty(STDOUT_FILENO);
  if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 && size.ws_row >= 8)
    screen = (struct hk_raster_screen){size.ws_col, size.ws_row - 1, false, false};
  setlocale(LC_CTYPE, "");
  screen.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  screen.colour = raster->colour >= 0 ? raster->colour : terminal && !getenv("NO_COLOR");
  return screen;
}

static enum hk_status draw(void *context)
{
  struct raster *raster = context;
  struct look *look = &raster->look;
  struct hk_view *view = NULL;
  enum hk_status status = look_open(look, &view);
  if (status != HK_OK)
    return status;
  raster->options.picture = look->picture;
  if (look->output) {
    status = hk_raster_draw(view, &raster->options, look->output, look->messages);
  } else {
    struct hk_raster_screen screen = find_screen(raster);
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
  static const struct look_command command = {
      .usage = {.synopsis = "hillock raster RESULT [-o FILE] [OPTIONS]",
                .about =
                    "Draws the spikes of RESULT, a results folder or any SONATA spikes file: populations as coloured\n"
                    "bands, their rates beneath. Few spikes are drawn as ticks, many as density.",
                .options = rows,
                .count = sizeof rows / sizeof *rows},
      .take = take,
      .act = draw};
  struct raster raster = {.options = hk_raster_options_default(), .colour = -1};
  int code = look_main(&raster.look, &command, &raster, argc, argv);
  free(raster.traces);
  return code;
}
