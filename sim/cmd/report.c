/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/report.h>

#include <stdlib.h>

#include "commands.h"
#include "look.h"

enum { TRACES = LOOK_OWN + 1, SPIKES };

static const struct option_row rows[] = {
    LOOK_ROWS("the page to write, an .html file"),
    {"title", 0, "TEXT", "its title; default: the result's path"},
    {"traces", 0, "FILE", "a SONATA report to show; may be repeated"},
    {"spikes", 0, "N", "how many spikes the raster holds at most; default 2000000"},
};

struct wish {
  struct look look;
  struct hk_report_options options;
  const char **traces;
};

static enum hk_status take(void *context, int option, const char *value)
{
  struct wish *wish = context;
  double number;
  if (option == SPIKES) {
    enum hk_status status = look_number(&wish->look, "--spikes", value, 1, &number);
    wish->options.spikes_most = status == HK_OK && number < 1e8 ? (uint64_t)number : 100000000;
    return status;
  }
  const char **traces = realloc(wish->traces, (wish->options.trace_count + 1) * sizeof *traces);
  if (!traces)
    return HK_ERR_MEMORY;
  wish->traces = traces;
  traces[wish->options.trace_count++] = value;
  wish->options.traces = traces;
  return HK_OK;
}

static enum hk_status act(void *context)
{
  struct wish *wish = context;
  struct look *look = &wish->look;
  struct hk_view *view = NULL;
  if (!look->output)
    return look_wrong(look, "where to? -o FILE.html is missing");
  enum hk_status status = look_open(look, &view);
  if (status != HK_OK)
    return status;
  wish->options.title = look->picture.title ? look->picture.title : look->result;
  status = hk_report_write(view, &wish->options, look->output, look->messages);
  hk_view_close(view);
  return status;
}

int command_report(int argc, char **argv)
{
  static const struct look_command command = {
      .usage =
          {.synopsis = "hillock report RESULT -o FILE.html [OPTIONS]",
           .about =
               "Makes one HTML file of RESULT, a results folder or any SONATA spikes file, that opens in any browser\n"
               "without a network: a raster and rates to zoom and pan, statistics, histograms, traces, the config\n"
               "and where it all comes from.",
           .options = rows,
           .count = sizeof rows / sizeof *rows},
      .take = take,
      .act = act};
  struct wish wish = {.options = hk_report_options_default()};
  int code = look_main(&wish.look, &command, &wish, argc, argv);
  free(wish.traces);
  return code;
}
