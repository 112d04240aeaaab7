/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page is a template with a place for data: one JSON object, and for each population and trace a script element
 * whose text is an array in base64. */
#include <hillock/report.h>

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hillock/plot.h>
#include <hillock/stats.h>

#include "view/axis.h"
#include "view/trace_panel.h"

enum { PIECES = 4000, LINES_MOST = 7, VALUES_AT_ONCE = 1 << 18, CURVE_POINTS_MOST = 400 };

extern const char hk__report_page[];
static const char data_mark[] = "<!-- DATA -->";

struct report {
  struct hk_view *view;
  const struct hk_report_options *options;
  struct hk_messages *messages;
  struct hk_population_stats *stats;
  uint64_t spikes, every;
  FILE *file;
  json_t *traces;
};

struct hk_report_options hk_report_options_default(void)
{
  return (struct hk_report_options){.spikes_most = 2000000};
}

/* --- arrays --- */

static enum hk_status write_array(struct report *report, const char *name, size_t index, const void *bytes, size_t size)
{
  fprintf(report->file, "<script type=\"text/plain\" id=\"%s%zu\">", name, index);
  const unsigned char *at = bytes;
  for (size_t done = 0; done < size;) { /* pieces of a multiple of three bytes join without a seam */
    size_t piece = size - done < 3 << 18 ? size - done : 3 << 18;
    gchar *text = g_base64_encode(at + done, piece);
    fputs(text, report->file);
    g_free(text);
    done += piece;
  }
  fputs("</script>\n", report->file);
  return ferror(report->file) ? HK_ERR_IO : HK_OK;
}

struct kept {
  double *times;
  uint32_t *rows;
  uint64_t seen, every;
  size_t count, capacity;
};

static enum hk_status keep(void *context, const struct hk_view_block *block)
{
  struct kept *kept = context;
  for (size_t i = 0; i < block->count; i++)
    if (kept->seen++ % kept->every == 0 && kept->count < kept->capacity) {
      kept->times[kept->count] = block->times[i];
      kept->rows[kept->count++] = (uint32_t)block->rows[i];
    }
  return HK_OK;
}

static enum hk_status write_spikes(struct report *report, size_t index)
{
  struct kept kept = {.every = report->every};
  kept.capacity = (size_t)(report->stats[index].spikes / report->every + 1);
  kept.times = malloc(kept.capacity * sizeof *kept.times);
  kept.rows = malloc(kept.capacity * sizeof *kept.rows);
  enum hk_status status = kept.times && kept.rows ? HK_OK : HK_ERR_MEMORY;
  if (status == HK_OK)
    status = hk_view_scan(report->view, index, HK_VIEW_BY_TIME, keep, &kept, report->messages);
  if (status == HK_OK)
    status = write_array(report, "times", index, kept.times, kept.count * sizeof *kept.times);
  if (status == HK_OK)
    status = write_array(report, "rows", index, kept.rows, kept.count * sizeof *kept.rows);
  free(kept.times);
  free(kept.rows);
  return status;
}

/* --- traces --- */

struct pieces {
  float *values, low, high; /* lowest and highest of each piece of each line, side by side */
  size_t lines, places[LINES_MOST], selected;
  struct hk__scale time;
};

static void take_rows(struct pieces *pieces, const struct hk_trace_info *info, uint64_t first, size_t rows,
                      const float *values)
{
  for (size_t r = 0; r < rows; r++) {
    double at = info->start + (double)(first + r) * info->interval;
    double place = (at - pieces->time.low) / (pieces->time.high - pieces->time.low) * PIECES;
    if (!(place >= 0 && place <= PIECES))
      continue;
    size_t piece = place < PIECES ? (size_t)place : PIECES - 1;
    for (size_t line = 0; line < pieces->lines; line++) {
      float value = values[r * info->node_count + pieces->places[line]],
            *pair = &pieces->values[2 * (line * PIECES + piece)];
      if (!isfinite(value))
        continue;
      pair[0] = fminf(pair[0], value);
      pair[1] = fmaxf(pair[1], value);
      pieces->low = fminf(pieces->low, value);
      pieces->high = fmaxf(pieces->high, value);
    }
  }
}

static enum hk_status gather(struct hk_trace_reader *reader, const struct hk_trace_info *info, struct pieces *pieces)
{
  size_t at_once = VALUES_AT_ONCE / (info->node_count ? info->node_count : 1) + 1;
  float *values = malloc(at_once * (info->node_count + 1) * sizeof *values);
  enum hk_status status = values ? HK_OK : HK_ERR_MEMORY;
  for (uint64_t first = 0; first < info->row_count && status == HK_OK; first += at_once) {
    uint64_t left = info->row_count - first;
    size_t rows = left < at_once ? (size_t)left : at_once;
    status = hk_trace_reader_read(reader, first, rows, values);
    if (status == HK_OK)
      take_rows(pieces, info, first, rows, values);
  }
  free(values);
  return status;
}

static size_t colour_of(const struct report *report, const char *population)
{
  for (size_t i = 0; i < hk_view_population_count(report->view); i++)
    if (strcmp(hk_view_population(report->view, i).name, population) == 0)
      return i;
  return 0;
}

static enum hk_status describe_trace(struct report *report, const struct hk_trace_info *info,
                                     const struct pieces *pieces)
{
  json_t *ids = json_array();
  for (size_t line = 0; line < pieces->lines; line++)
    json_array_append_new(ids, json_integer((json_int_t)info->node_ids[pieces->places[line]]));
  bool any = pieces->low <= pieces->high;
  json_t *trace =
      json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:f, s:f, s:o}", "population", info->population, "variable",
                info->variable[0] ? info->variable : "value", "unit", info->unit, "pieces", PIECES, "nodes",
                (json_int_t)pieces->selected, "colour", (json_int_t)colour_of(report, info->population), "low",
                any ? (double)pieces->low : 0.0, "high", any ? (double)pieces->high : 1.0, "ids", ids);
  return json_array_append_new(report->traces, trace) == 0 ? HK_OK : HK_ERR_MEMORY;
}

static enum hk_status write_trace(struct report *report, size_t index)
{
  struct hk_trace_reader *reader = NULL;
  enum hk_status status = hk_trace_reader_open(report->options->traces[index], &reader, report->messages);
  if (status != HK_OK)
    return status;
  struct hk_trace_info info = hk_trace_reader_info(reader);
  struct pieces pieces = {.low = INFINITY, .high = -INFINITY, .time = hk__time_scale(report->view, 0, 1)};
  pieces.lines = hk__trace_places(report->view, &info, LINES_MOST, pieces.places, &pieces.selected);
  size_t count = 2 * PIECES * pieces.lines;
  pieces.values = malloc((count + 1) * sizeof *pieces.values);
  status = pieces.values ? HK_OK : HK_ERR_MEMORY;
  for (size_t i = 0; i < count && status == HK_OK; i++)
    pieces.values[i] = i % 2 ? -INFINITY : INFINITY;
  if (status == HK_OK)
    status = gather(reader, &info, &pieces);
  if (status == HK_OK)
    status = describe_trace(report, &info, &pieces);
  if (status == HK_OK)
    status = write_array(report, "trace", index, pieces.values, count * sizeof *pieces.values);
  free(pieces.values);
  hk_trace_reader_close(reader);
  return status;
}

/* --- the JSON object --- */

static json_t *number_or_null(double value)
{
  return isfinite(value) ? json_real(value) : json_null();
}

/* Any text as JSON: what is no UTF-8 is replaced. */
static json_t *text_of(const char *text)
{
  char *valid = g_utf8_make_valid(text, -1);
  json_t *json = json_string(valid);
  g_free(valid);
  return json;
}

static json_t *populations_of(const struct report *report)
{
  json_t *all = json_array();
  for (size_t i = 0; i < hk_view_population_count(report->view); i++) {
    const struct hk_population_stats *of = &report->stats[i];
    json_t *stats =
        json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "spikes", (json_int_t)of->spikes, "rate",
                  number_or_null(of->rate.mean), "rate_sd", number_or_null(of->rate.sd), "cv",
                  number_or_null(of->cv.mean), "lv", number_or_null(of->lv.mean), "fano", number_or_null(of->fano.mean),
                  "correlation", number_or_null(of->correlation), "synchrony", number_or_null(of->synchrony));
    json_array_append_new(all, json_pack("{s:o, s:I, s:o}", "name", text_of(of->name), "neurons",
                                         (json_int_t)of->neurons, "stats", stats));
  }
  return all;
}

static json_t *numbers_of(const double *values, size_t count)
{
  json_t *all = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(all, number_or_null(values[i]));
  return all;
}

static enum hk_status curves_of(const struct report *report, enum hk_plot_kind kind, json_t **out)
{
  struct hk_plot_options options = hk_plot_options_default(kind);
  struct hk_curves curves;
  enum hk_status status = hk_curves_compute(report->view, &options, &curves, report->messages);
  if (status != HK_OK)
    return status;
  json_t *all = json_array();
  for (size_t i = 0; i < curves.count; i++) {
    const struct hk_curve *curve = &curves.curves[i];
    size_t count = curve->count < CURVE_POINTS_MOST ? curve->count : CURVE_POINTS_MOST;
    json_array_append_new(all, json_pack("{s:I, s:o, s:o}", "population", (json_int_t)curve->population, "x",
                                         numbers_of(curve->x, count), "y", numbers_of(curve->y, count)));
  }
  *out = json_pack("{s:s, s:s, s:o}", "x_title", curves.x_title, "y_title", curves.y_title, "curves", all);
  hk_curves_clear(&curves);
  return *out ? HK_OK : HK_ERR_MEMORY;
}

/* What a run notes of itself; a foreign file has none of it. */
static json_t *notes_of(const struct report *report)
{
  static const char *const texts[] = {"version", "command", "config_file", "seed", "scheduler"};
  static const char *const numbers[] = {"threads", "neurons",       "synapses",    "spikes",     "events",
                                        "bytes",   "build_seconds", "run_seconds", "interrupted"};
  json_t *all = json_array();
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char *text = NULL;
    if (hk_view_note_text(report->view, texts[i], &text))
      json_array_append_new(all, json_pack("[s, o]", texts[i], text_of(text)));
    free(text);
  }
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    double value;
    char text[40];
    if (!hk_view_note_number(report->view, numbers[i], &value))
      continue;
    snprintf(text, sizeof text, "%.15g", value);
    json_array_append_new(all, json_pack("[s, s]", numbers[i], text));
  }
  return all;
}

static bool rows_are_ids(const struct report *report)
{
  for (size_t i = 0; i < hk_view_population_count(report->view); i++) {
    struct hk_view_population population = hk_view_population(report->view, i);
    if (population.rows > 0 && hk_view_id(report->view, i, population.rows - 1) != population.rows - 1)
      return false;
  }
  return true;
}

/* The text stands in an HTML script element: there no `<` may begin anything. */
static enum hk_status write_json(struct report *report, const json_t *json)
{
  char *text = json_dumps(json, JSON_COMPACT);
  if (!text)
    return HK_ERR_MEMORY;
  fputs("<script type=\"application/json\" id=\"data\">", report->file);
  for (const char *at = text; *at; at++)
    if (*at == '<')
      fputs("\\u003c", report->file);
    else
      fputc(*at, report->file);
  fputs("</script>\n", report->file);
  free(text);
  return ferror(report->file) ? HK_ERR_IO : HK_OK;
}

static enum hk_status write_object(struct report *report)
{
  json_t *intervals = NULL, *rates = NULL;
  enum hk_status status = curves_of(report, HK_PLOT_INTERVALS, &intervals);
  if (status == HK_OK)
    status = curves_of(report, HK_PLOT_RATES, &rates);
  if (status != HK_OK) {
    json_decref(intervals);
    return status;
  }
  struct hk_stats_options options = hk_stats_options_default();
  char definitions[400], *config = NULL;
  snprintf(
      definitions, sizeof definitions,
      "CV, LV: mean over neurons with 3 spikes or more. Fano factor: windows of %g ms. Correlation: counts in bins of "
      "%g ms, all pairs of at most %zu neurons evenly spaced. Synchrony: variance / mean of the population's counts in "
      "bins of %g ms.",
      options.fano_window, options.correlation_bin, options.sample, options.synchrony_bin);
  hk_view_note_text(report->view, "config", &config);
  json_t *json =
      json_pack("{s:o, s:f, s:f, s:I, s:I, s:b, s:o, s:o, s:o, s:O, s:o, s:s, s:o}", "title",
                text_of(report->options->title ? report->options->title : "Spike trains"), "from_ms",
                hk_view_from(report->view), "to_ms", hk_view_to(report->view), "spikes", (json_int_t)report->spikes,
                "every", (json_int_t)report->every, "rows_are_ids", (int)rows_are_ids(report), "populations",
                populations_of(report), "intervals", intervals, "rates", rates, "traces", report->traces, "notes",
                notes_of(report), "definitions", definitions, "config", config ? text_of(config) : json_null());
  free(config);
  status = json ? write_json(report, json) : HK_ERR_MEMORY;
  json_decref(json);
  return status;
}

/* --- the page --- */

static enum hk_status gather_stats(struct report *report)
{
  size_t count = hk_view_population_count(report->view);
  report->stats = calloc(count + 1, sizeof *report->stats);
  report->traces = json_array();
  if (!report->stats || !report->traces)
    return HK_ERR_MEMORY;
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < count && status == HK_OK; i++) {
    status = hk_stats_compute(report->view, i, NULL, &report->stats[i], report->messages);
    report->spikes += report->stats[i].spikes;
  }
  uint64_t most = report->options->spikes_most ? report->options->spikes_most : 1;
  report->every = report->spikes > most ? (report->spikes + most - 1) / most : 1;
  return status;
}

static enum hk_status write_page(struct report *report)
{
  const char *mark = strstr(hk__report_page, data_mark);
  if (!mark)
    return HK_ERR_BUG;
  fwrite(hk__report_page, 1, (size_t)(mark - hk__report_page), report->file);
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < hk_view_population_count(report->view) && status == HK_OK; i++)
    status = write_spikes(report, i);
  for (size_t i = 0; i < report->options->trace_count && status == HK_OK; i++)
    status = write_trace(report, i);
  if (status == HK_OK)
    status = write_object(report);
  fputs(mark + strlen(data_mark), report->file);
  return status == HK_OK && ferror(report->file) ? HK_ERR_IO : status;
}

static enum hk_status write_file(struct report *report, const char *path, const char *partial)
{
  report->file = fopen(partial, "w");
  if (!report->file) {
    hk_messages_add(report->messages, HK_SEVERITY_ERROR, NULL, "%s cannot be written: %s", path, strerror(errno));
    return HK_ERR_IO;
  }
  enum hk_status status = write_page(report);
  bool closed = fclose(report->file) == 0;
  if (status == HK_ERR_IO || (status == HK_OK && (!closed || rename(partial, path) != 0))) {
    hk_messages_add(report->messages, HK_SEVERITY_ERROR, NULL, "%s could not be written: %s", path, strerror(errno));
    status = HK_ERR_IO;
  }
  if (status != HK_OK)
    unlink(partial);
  return status;
}

enum hk_status hk_report_write(struct hk_view *view, const struct hk_report_options *options, const char *path,
                               struct hk_messages *messages)
{
  struct hk_report_options preset = hk_report_options_default();
  struct report report = {.view = view, .options = options ? options : &preset, .messages = messages};
  char *partial = NULL;
  enum hk_status status = asprintf(&partial, "%s.part", path) < 0 ? HK_ERR_MEMORY : gather_stats(&report);
  if (status == HK_OK)
    status = write_file(&report, path, partial);
  json_decref(report.traces);
  free(report.stats);
  free(partial);
  return status;
}
