/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each column of the panel keeps the lowest and the highest value that falls on it, with their times, so that no peak
 * is lost however many samples there are; up to two samples per column the line goes through each of them. */
#include "view/trace_panel.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINES_MOST = 7, VALUES_AT_ONCE = 1 << 18 };

struct extent {
  float low, high; /* low > high: nothing here */
  double low_at, high_at;
};

struct panel {
  struct hk_trace_reader *reader;
  struct hk_trace_info info;
  const struct hk__scale *time;
  size_t lines, columns, first_colour;
  size_t places[LINES_MOST], selected;
  struct extent *extents; /* columns of line 0, of line 1, ... */
  float low, high;
};

size_t hk__trace_places(const struct hk_view *view, const struct hk_trace_info *info, size_t most, size_t *places,
                        size_t *selected)
{
  size_t found = 0;
  *selected = 0;
  for (size_t i = 0; i < info->node_count; i++) {
    if (!hk_view_selects(view, info->node_ids[i]))
      continue;
    if (found < most)
      places[found++] = i;
    ++*selected;
  }
  return found;
}

static void add_value(struct extent *extent, float value, double at)
{
  if (value < extent->low) {
    extent->low = value;
    extent->low_at = at;
  }
  if (value > extent->high || (value == extent->high && extent->high_at <= extent->low_at)) {
    extent->high = value;
    extent->high_at = at;
  }
}

static void take_rows(struct panel *panel, uint64_t first, size_t rows, const float *values)
{
  const struct hk_trace_info *info = &panel->info;
  double span = panel->time->high - panel->time->low;
  for (size_t r = 0; r < rows; r++) {
    double at = info->start + (double)(first + r) * info->interval;
    double place = (at - panel->time->low) / span * (double)panel->columns;
    if (!(place >= 0 && place <= (double)panel->columns))
      continue;
    size_t column = (size_t)place < panel->columns ? (size_t)place : panel->columns - 1;
    for (size_t line = 0; line < panel->lines; line++) {
      float value = values[r * info->node_count + panel->places[line]];
      struct extent *extent = &panel->extents[line * panel->columns + column];
      if (!isfinite(value))
        continue;
      add_value(extent, value, at);
      panel->low = fminf(panel->low, value);
      panel->high = fmaxf(panel->high, value);
    }
  }
}

/* Reads the rows of the span of time. */
static enum hk_status gather(struct panel *panel)
{
  const struct hk_trace_info *info = &panel->info;
  double begin = floor((panel->time->low - info->start) / info->interval);
  double end = ceil((panel->time->high - info->start) / info->interval) + 1;
  uint64_t first = begin > 0 ? (uint64_t)begin : 0;
  uint64_t last = end > 0 ? (uint64_t)fmin(end, (double)info->row_count) : 0;
  size_t at_once = VALUES_AT_ONCE / (info->node_count ? info->node_count : 1) + 1;
  float *values = malloc(at_once * info->node_count * sizeof *values);
  if (!values)
    return HK_ERR_MEMORY;
  enum hk_status status = HK_OK;
  while (first < last && status == HK_OK) {
    size_t rows = last - first < at_once ? (size_t)(last - first) : at_once;
    status = hk_trace_reader_read(panel->reader, first, rows, values);
    if (status == HK_OK)
      take_rows(panel, first, rows, values);
    first += rows;
  }
  free(values);
  return status;
}

static void draw_line(struct hk__canvas *canvas, const struct panel *panel, size_t line, const struct hk__scale *scale)
{
  cairo_t *cairo = hk__canvas_cairo(canvas);
  hk__canvas_colour(canvas, hk__series_colour(hk__canvas_theme(canvas), panel->first_colour + line), 1);
  cairo_set_line_width(cairo, 0.8);
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_BEVEL);
  cairo_new_path(cairo);
  for (size_t column = 0; column < panel->columns; column++) {
    struct extent extent = panel->extents[line * panel->columns + column];
    if (extent.low > extent.high)
      continue;
    bool rises = extent.low_at <= extent.high_at;
    double first = rises ? extent.low_at : extent.high_at, second = rises ? extent.high_at : extent.low_at;
    cairo_line_to(cairo, hk__scale_at(panel->time, first), hk__scale_at(scale, rises ? extent.low : extent.high));
    if (second > first)
      cairo_line_to(cairo, hk__scale_at(panel->time, second), hk__scale_at(scale, rises ? extent.high : extent.low));
  }
  cairo_stroke(cairo);
}

/* From right to left above the panel, in the lines' colours. */
static void draw_ids(struct hk__canvas *canvas, const struct panel *panel, struct hk__box box)
{
  const struct hk__theme *theme = hk__canvas_theme(canvas);
  struct hk__text_style style = {.font = {HK__SMALL_SIZE, false}, .across = 1, .down = 1};
  double x = box.x + box.width, y = box.y - 1;
  char text[160];
  if (panel->selected > panel->lines) {
    style.colour = hk__mix(theme->ink, theme->paper, 0.4);
    snprintf(text, sizeof text, "of %zu", panel->selected);
    x = hk__canvas_text(canvas, x, y, style, text).x - 5;
  }
  for (size_t line = panel->lines; line-- > 0;) {
    style.colour = hk__series_colour(theme, panel->first_colour + line);
    snprintf(text, sizeof text, "%" PRIu64, panel->info.node_ids[panel->places[line]]);
    if (x - hk__canvas_measure(canvas, style.font, text).width < box.x + box.width / 3)
      return;
    x = hk__canvas_text(canvas, x, y, style, text).x - 5;
  }
  style.colour = hk__mix(theme->ink, theme->paper, 0.4);
  style.max_width = x - box.x;
  hk__canvas_text(canvas, x, y, style, panel->info.population);
}

static enum hk_status draw(struct hk__canvas *canvas, const struct hk_view *view, struct panel *panel,
                           struct hk__box box)
{
  panel->info = hk_trace_reader_info(panel->reader);
  panel->lines = hk__trace_places(view, &panel->info, LINES_MOST, panel->places, &panel->selected);
  panel->columns = (size_t)fmax(1, round(box.width / hk__canvas_pixel(canvas)));
  panel->extents = malloc((panel->lines * panel->columns + 1) * sizeof *panel->extents);
  if (!panel->extents)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < panel->lines * panel->columns; i++)
    panel->extents[i] = (struct extent){INFINITY, -INFINITY, 0, 0};
  enum hk_status status = gather(panel);
  if (status != HK_OK)
    return status;
  double low = panel->low <= panel->high ? panel->low : 0, high = panel->low <= panel->high ? panel->high : 1;
  double room = high > low ? 0.04 * (high - low) : fmax(1e-6, 0.01 * fabs(high));
  struct hk__scale scale = {low - room, high + room, box.y + box.height, box.y};
  for (size_t line = 0; line < panel->lines; line++)
    draw_line(canvas, panel, line, &scale);
  char title[128];
  const char *variable = panel->info.variable[0] ? panel->info.variable : "value";
  snprintf(title, sizeof title, "%.80s (%.20s)", variable, panel->info.unit);
  hk__axis_left(canvas, &scale, box.x - 3, title, hk__canvas_theme(canvas)->ink, false);
  draw_ids(canvas, panel, box);
  return HK_OK;
}

enum hk_status hk__trace_panel(struct hk__canvas *canvas, const struct hk_view *view, struct hk__box box,
                               const struct hk__scale *time, const char *path, size_t first_colour,
                               struct hk_messages *messages)
{
  struct panel panel = {.time = time, .first_colour = first_colour, .low = INFINITY, .high = -INFINITY};
  enum hk_status status = hk_trace_reader_open(path, &panel.reader, messages);
  if (status != HK_OK)
    return status;
  status = draw(canvas, view, &panel, box);
  if (status != HK_OK)
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "%s: its data cannot be read: %s", path,
                    hk_status_message(status));
  free(panel.extents);
  hk_trace_reader_close(panel.reader);
  return status;
}
