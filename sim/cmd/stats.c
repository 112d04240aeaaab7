/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/stats.h>

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "look.h"

enum { JSON = LOOK_OWN, FANO_WINDOW, CORRELATION_BIN, SYNCHRONY_BIN, SAMPLE };

static const struct option_row rows[] = {
    LOOK_ROWS("write there instead of to standard output"),
    {"json", 0, NULL, "as JSON, with more detail"},
    {"fano-window", 0, "T", "windows of the Fano factor; default 100 ms"},
    {"correlation-bin", 0, "T", "bins of the correlation; default 5 ms"},
    {"synchrony-bin", 0, "T", "bins of the synchrony; default 3 ms"},
    {"sample", 0, "N", "neurons whose pairs are correlated; default 200"},
};

struct wish {
  struct look look;
  struct hk_stats_options options;
  bool json;
};

static enum hk_status take(void *context, int option, const char *value)
{
  struct wish *wish = context;
  struct look *look = &wish->look;
  double number = 0;
  enum hk_status status = HK_OK;
  switch (option) {
  case FANO_WINDOW:
    return look_length(look, "--fano-window", value, &wish->options.fano_window);
  case CORRELATION_BIN:
    return look_length(look, "--correlation-bin", value, &wish->options.correlation_bin);
  case SYNCHRONY_BIN:
    return look_length(look, "--synchrony-bin", value, &wish->options.synchrony_bin);
  case SAMPLE:
    status = look_number(look, "--sample", value, 0, &number);
    wish->options.sample = (size_t)fmin(number, 1e9);
    return status;
  default:
    wish->json = true;
    return HK_OK;
  }
}

/* --- the table --- */

static int characters(const char *text)
{
  int count = 0;
  for (; *text; text++)
    count += (*text & 0xc0) != 0x80;
  return count;
}

static void print_value(FILE *out, double value, int width, int decimals)
{
  if (isnan(value))
    fprintf(out, "  %*s", width, "-");
  else
    fprintf(out, "  %*.*f", width, decimals, value);
}

static void print_table(FILE *out, const struct hk_population_stats *stats, size_t count, const struct wish *wish,
                        double from, double to)
{
  const struct hk_stats_options *options = &wish->options;
  int width = 10;
  for (size_t i = 0; i < count; i++)
    width = characters(stats[i].name) > width ? characters(stats[i].name) : width;
  fprintf(out, "%-*s  %9s  %10s  %9s  %8s  %7s  %7s  %7s  %7s  %8s\n", width, "population", "neurons", "spikes",
          "rate (Hz)", "sd", "CV", "LV", "Fano", "corr", "sync");
  for (size_t i = 0; i < count; i++) {
    const struct hk_population_stats *of = &stats[i];
    fprintf(out, "%s%*s  %9" PRIu64 "  %10" PRIu64, of->name, width - characters(of->name), "", of->neurons,
            of->spikes);
    print_value(out, of->rate.mean, 9, 3);
    print_value(out, of->rate.sd, 8, 3);
    print_value(out, of->cv.mean, 7, 3);
    print_value(out, of->lv.mean, 7, 3);
    print_value(out, of->fano.mean, 7, 3);
    print_value(out, of->correlation, 7, 4);
    print_value(out, of->synchrony, 8, 3);
    fputc('\n', out);
  }
  fprintf(out,
          "\nfrom %g to %g ms; CV, LV: mean over neurons with 3 spikes or more; Fano: windows of %g ms;\n"
          "corr: bins of %g ms, all pairs of at most %zu neurons evenly spaced; sync: bins of %g ms\n",
          from, to, options->fano_window, options->correlation_bin, options->sample, options->synchrony_bin);
}

/* --- JSON --- */

static json_t *number_or_null(double value)
{
  return isfinite(value) ? json_real(value) : json_null();
}

static json_t *spread_object(const struct hk_spread *spread)
{
  return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I}", "mean", number_or_null(spread->mean), "sd",
                   number_or_null(spread->sd), "min", number_or_null(spread->min), "median",
                   number_or_null(spread->median), "max", number_or_null(spread->max), "neurons",
                   (json_int_t)spread->count);
}

static json_t *population_object(const struct hk_population_stats *of)
{
  return json_pack("{s:o?, s:I, s:b, s:I, s:I, s:o, s:o, s:o, s:o, s:{s:o, s:I, s:I}, s:o}", "name",
                   json_string(of->name), "neurons", (json_int_t)of->neurons, "neurons_stated", (int)of->neurons_stated,
                   "active", (json_int_t)of->active, "spikes", (json_int_t)of->spikes, "rate_hz",
                   spread_object(&of->rate), "cv", spread_object(&of->cv), "lv", spread_object(&of->lv), "fano",
                   spread_object(&of->fano), "correlation", "mean", number_or_null(of->correlation), "sampled",
                   (json_int_t)of->sampled, "pairs", (json_int_t)of->pairs, "synchrony", number_or_null(of->synchrony));
}

static enum hk_status print_json(FILE *out, const struct hk_population_stats *stats, size_t count,
                                 const struct wish *wish, double from, double to)
{
  const struct hk_stats_options *options = &wish->options;
  json_t *populations = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(populations, population_object(&stats[i]));
  json_t *root = json_pack("{s:f, s:f, s:f, s:f, s:f, s:I, s:o}", "from_ms", from, "to_ms", to, "fano_window_ms",
                           options->fano_window, "correlation_bin_ms", options->correlation_bin, "synchrony_bin_ms",
                           options->synchrony_bin, "sample", (json_int_t)options->sample, "populations", populations);
  bool whole = root && json_array_size(populations) == count;
  bool written = whole && json_dumpf(root, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
  json_decref(root);
  return written ? HK_OK : whole ? HK_ERR_IO : HK_ERR_MEMORY;
}

static enum hk_status print_stats(struct wish *wish, const struct hk_population_stats *stats, size_t count, double from,
                                  double to)
{
  const char *path = look_text_output(&wish->look);
  FILE *out = path ? fopen(path, "w") : stdout;
  if (!out) {
    hk_messages_add(wish->look.messages, HK_SEVERITY_ERROR, NULL, "%s cannot be written: %s", path, strerror(errno));
    return HK_ERR_IO;
  }
  enum hk_status status = HK_OK;
  if (wish->json)
    status = print_json(out, stats, count, wish, from, to);
  else
    print_table(out, stats, count, wish, from, to);
  if (fflush(out) != 0 || ferror(out) || (out != stdout && fclose(out) != 0)) {
    hk_messages_add(wish->look.messages, HK_SEVERITY_ERROR, NULL, "%s could not be written: %s",
                    path ? path : "standard output", strerror(errno));
    status = HK_ERR_IO;
  }
  return status;
}

static enum hk_status act(void *context)
{
  struct wish *wish = context;
  struct look *look = &wish->look;
  struct hk_view *view = NULL;
  enum hk_status status = look_open(look, &view);
  if (status != HK_OK)
    return status;
  size_t count = hk_view_population_count(view);
  struct hk_population_stats *stats = calloc(count + 1, sizeof *stats);
  status = stats ? HK_OK : HK_ERR_MEMORY;
  for (size_t i = 0; i < count && status == HK_OK; i++)
    status = hk_stats_compute(view, i, &wish->options, &stats[i], look->messages);
  if (status == HK_OK)
    status = print_stats(wish, stats, count, hk_view_from(view), hk_view_to(view));
  free(stats);
  hk_view_close(view);
  return status;
}

int command_stats(int argc, char **argv)
{
  static const struct look_command command = {
      .usage = {.synopsis = "hillock stats RESULT [--json] [OPTIONS]",
                .about = "Statistics of the spikes of RESULT, a results folder or any SONATA spikes file, for each\n"
                         "population: mean rate and its spread over neurons, CV and local variation (LV) of the\n"
                         "intervals, Fano factor, mean pairwise correlation, synchrony. `man hillock` defines them.",
                .options = rows,
                .count = sizeof rows / sizeof *rows},
      .take = take,
      .act = act};
  struct wish wish = {.options = hk_stats_options_default()};
  return look_main(&wish.look, &command, &wish, argc, argv);
}
