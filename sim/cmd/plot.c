/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/plot.h>

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "look.h"

enum { KIND = PICTURE_OWN, BIN, RANGE, TRACES };

static const struct option_row rows[] = {
    LOOK_ROWS("the picture; its ending .png, .svg or .pdf says the format"),
    PICTURE_ROWS,
    {"kind", 0, "KIND", "intervals (default), rates, correlation, spectrum or\ntraces"},
    {"bin", 0, "T", "bins: a time; for rates in Hz, without a unit"},
    {"range", 0, "X", "the largest interval (time), rate (Hz, without a unit),\nlag (time) or frequency (Hz) shown"},
    {"traces", 0, "FILE", "a SONATA report to draw; may be repeated"},
};

struct wish {
  struct look look;
  struct hk_plot_options options;
  const char **traces;
  const char *bin, *range;
};

static enum hk_status take_traces(struct wish *wish, const char *path)
{
  const char **traces = realloc(wish->traces, (wish->options.trace_count + 1) * sizeof *traces);
  if (!traces)
    return HK_ERR_MEMORY;
  wish->traces = traces;
  traces[wish->options.trace_count++] = path;
  wish->options.traces = traces;
  wish->options.kind = HK_PLOT_TRACES;
  return HK_OK;
}

static enum hk_status take(void *context, int option, const char *value)
{
  static const char *const kinds[] = {"intervals", "rates", "correlation", "spectrum", "traces", NULL};
  struct wish *wish = context;
  int chosen = 0;
  switch (option) {
  case KIND:
    chosen = choose(&wish->look.arguments, "kind", value, kinds);
    wish->options.kind = chosen < 0 ? HK_PLOT_INTERVALS : (enum hk_plot_kind)chosen;
    wish->look.complained = chosen < 0;
    return chosen < 0 ? HK_ERR_INPUT : HK_OK;
  case BIN:
    wish->bin = value;
    return HK_OK;
  case RANGE:
    wish->range = value;
    return HK_OK;
  default:
    return take_traces(wish, value);
  }
}

/* The kind says whether they are times or frequencies. */
static enum hk_status read_scales(struct wish *wish)
{
  enum hk_plot_kind kind = wish->options.kind;
  bool hz_bin = kind == HK_PLOT_RATES, hz_range = hz_bin || kind == HK_PLOT_SPECTRUM;
  enum hk_status status = HK_OK;
  if (wish->bin)
    status = hz_bin ? look_number(&wish->look, "--bin", wish->bin, 0, &wish->options.bin)
                    : look_length(&wish->look, "--bin", wish->bin, &wish->options.bin);
  if (wish->range && status == HK_OK)
    status = hz_range ? look_number(&wish->look, "--range", wish->range, 0, &wish->options.range)
                      : look_length(&wish->look, "--range", wish->range, &wish->options.range);
  return status;
}

static enum hk_status act(void *context)
{
  struct wish *wish = context;
  struct hk_view *view = NULL;
  enum hk_status status = read_scales(wish);
  if (status != HK_OK)
    return status;
  if (!wish->look.output)
    return look_wrong(&wish->look, "where to? -o FILE.png, .svg or .pdf is missing");
  status = look_open(&wish->look, &view);
  if (status != HK_OK)
    return status;
  wish->options.picture = wish->look.picture;
  status = hk_plot_draw(view, &wish->options, wish->look.output, wish->look.messages);
  hk_view_close(view);
  return status;
}

int command_plot(int argc, char **argv)
{
  static const struct look_command command = {
      .usage = {.synopsis = "hillock plot RESULT -o FILE [--kind KIND] [OPTIONS]",
                .about =
                    "Draws curves of the spikes of RESULT, a results folder or any SONATA spikes file, one for each\n"
                    "population: the histogram of the intervals, of the neurons' rates, the correlation of the\n"
                    "populations' activities, their power spectrum; or recorded traces.",
                .options = rows,
                .count = sizeof rows / sizeof *rows},
      .take = take,
      .act = act};
  struct wish wish = {.options = hk_plot_options_default(HK_PLOT_INTERVALS)};
  int code = look_main(&wish.look, &command, &wish, argc, argv);
  free(wish.traces);
  return code;
}
