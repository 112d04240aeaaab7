/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A raster in characters. Each character holds a block of dots, 2 across and 4 down in Braille, 1 and 1 in plain
 * characters; spikes are counted per dot. A dot with spikes is set while dots are rare; where they are not, the more
 * spikes a dot has, the likelier the pattern of an ordered dither sets it. */
#include <hillock/raster.h>

#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/axis.h"
#include "view/canvas.h"

struct screen_band {
  uint64_t rows;
  size_t first, lines;  /* lines of dots */
  uint32_t most;        /* spikes of a dot */
  size_t filled, total; /* dots with spikes, all spikes */
};

struct drawing {
  const struct hk_raster_screen *screen;
  struct hk_view *view;
  struct screen_band *bands;
  size_t band_count;
  size_t left, columns; /* in characters: names, panel */
  size_t across, down;  /* dots per character */
  uint32_t *dots;       /* columns * across, for each line */
  double from, to;
};

static size_t text_columns(const char *text, size_t limit, size_t *bytes)
{
  size_t columns = 0;
  const char *at = text;
  while (*at) {
    gunichar c = g_utf8_get_char(at);
    size_t width = g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
    if (columns + width > limit)
      break;
    columns += width;
    at = g_utf8_next_char(at);
  }
  *bytes = (size_t)(at - text);
  return columns;
}

static enum hk_status count_dots(void *context, const struct hk_view_block *block)
{
  struct drawing *drawing = context;
  struct screen_band *band = &drawing->bands[block->population];
  const size_t width = drawing->columns * drawing->across;
  for (size_t i = 0; i < block->count; i++) {
    size_t x = (size_t)((block->times[i] - drawing->from) / (drawing->to - drawing->from) * (double)width);
    size_t y = (size_t)((double)block->rows[i] / (double)band->rows * (double)band->lines);
    x = x < width ? x : width - 1;
    y = y < band->lines ? y : band->lines - 1;
    uint32_t *dot = &drawing->dots[(band->first + y) * width + x];
    band->filled += *dot == 0;
    *dot += *dot < UINT32_MAX;
    band->most = *dot > band->most ? *dot : band->most;
  }
  band->total += block->count;
  return HK_OK;
}

static bool is_set(const struct drawing *drawing, const struct screen_band *band, size_t x, size_t y)
{
  static const int bayer[4][4] = {{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
  const size_t width = drawing->columns * drawing->across;
  uint32_t count = drawing->dots[(band->first + y) * width + x];
  double dots = (double)(width * band->lines);
  if (count == 0 || (double)band->filled < 0.35 * dots)
    return count > 0;
  double full = fmin(band->most, 2.5 * (double)band->total / dots);
  return count / full > (bayer[y % 4][x % 4] + 0.5) / 16;
}

static void put_braille(GString *text, const struct drawing *drawing, const struct screen_band *band, size_t column,
                        size_t line)
{
  static const gunichar bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
  gunichar c = 0;
  for (size_t y = 0; y < 4 && 4 * line + y < band->lines; y++)
    for (size_t x = 0; x < 2; x++)
      if (is_set(drawing, band, 2 * column + x, 4 * line + y))
        c |= bits[y][x];
  if (c)
    g_string_append_unichar(text, 0x2800 + c);
  else
    g_string_append_c(text, ' ');
}

static void put_plain(GString *text, const struct drawing *drawing, const struct screen_band *band, size_t column,
                      size_t line)
{
  static const char ramp[] = ".:-=+*#";
  uint32_t count = drawing->dots[(band->first + line) * drawing->columns + column];
  size_t level = (size_t)((double)(sizeof ramp - 2) * (count ? (double)(count - 1) / band->most : 0) + 0.5);
  g_string_append_c(text, count ? ramp[level] : ' ');
}

static void put_colour(GString *text, const struct drawing *drawing, size_t band)
{
  if (!drawing->screen->colour)
    return;
  struct hk__colour colour = hk__series_colour(hk__theme(true), band);
  g_string_append_printf(text, "\x1b[38;2;%d;%d;%dm", (int)(255 * colour.r), (int)(255 * colour.g),
                         (int)(255 * colour.b));
}

static void put_band(GString *text, const struct drawing *drawing, size_t index)
{
  const struct screen_band *band = &drawing->bands[index];
  char *name = g_utf8_make_valid(hk_view_population(drawing->view, index).name, -1);
  size_t lines = band->lines / drawing->down;
  for (size_t line = 0; line < lines; line++) {
    put_colour(text, drawing, index);
    size_t bytes = 0, used = line == lines / 2 ? text_columns(name, drawing->left - 1, &bytes) : 0;
    g_string_append_printf(text, "%*s%.*s ", (int)(drawing->left - 1 - used), "", (int)bytes, name);
    for (size_t column = 0; column < drawing->columns; column++)
      (drawing->screen->utf8 ? put_braille : put_plain)(text, drawing, band, column, line);
    while (text->len > 0 && text->str[text->len - 1] == ' ')
      g_string_truncate(text, text->len - 1);
    g_string_append(text, drawing->screen->colour ? "\x1b[0m\n" : "\n");
  }
  g_free(name);
}

static void put_axis(GString *text, const struct drawing *drawing)
{
  struct hk__time_unit unit = hk__time_unit_for(drawing->from, drawing->to);
  const char *unit_name = drawing->screen->utf8 || unit.unit_ms > 1e-3 ? unit.name : "us";
  double low = (drawing->from - unit.origin) / unit.unit_ms, high = (drawing->to - unit.origin) / unit.unit_ms;
  struct hk__ticks ticks = hk__ticks_pick(low, high, drawing->columns / 10, false);
  GString *marks = g_string_new(NULL), *labels = g_string_new(NULL);
  for (size_t i = 0; i < ticks.count; i++) {
    double share = (ticks.values[i] - low) / (high - low);
    size_t at = drawing->left + (size_t)lround(share * (double)(drawing->columns - 1));
    size_t length = strlen(ticks.labels[i]), begin = at > length / 2 ? at - length / 2 : 0;
    while (marks->len < at)
      g_string_append_c(marks, marks->len < drawing->left ? ' ' : '-');
    g_string_append_c(marks, '+');
    if (begin < labels->len + (labels->len > 0))
      continue;
    while (labels->len < begin)
      g_string_append_c(labels, ' ');
    g_string_append(labels, ticks.labels[i]);
  }
  while (marks->len < drawing->left + drawing->columns)
    g_string_append_c(marks, marks->len < drawing->left ? ' ' : '-');
  g_string_append_printf(text, "%s\n%s %s", marks->str, labels->str, unit_name);
  if (unit.origin > 0) {
    char origin[48];
    hk__time_text(unit.origin, origin, sizeof origin);
    g_string_append_printf(text, " after %s", origin);
  }
  g_string_append_c(text, '\n');
  g_string_free(marks, TRUE);
  g_string_free(labels, TRUE);
}

/* At least a line each; what is left goes by numbers of neurons. */
static void share_lines(struct drawing *drawing, size_t lines)
{
  double rows = 0, seen = 0;
  size_t spare = lines > drawing->band_count ? lines - drawing->band_count : 0, given = 0, first = 0;
  for (size_t i = 0; i < drawing->band_count; i++)
    rows += (double)drawing->bands[i].rows;
  for (size_t i = 0; i < drawing->band_count; i++) {
    struct screen_band *band = &drawing->bands[i];
    seen += (double)band->rows;
    size_t share = (size_t)lround((rows > 0 ? seen / rows : 0) * (double)spare) - given;
    given += share;
    band->first = first;
    band->lines = (share + 1) * drawing->down;
    first += band->lines;
  }
}

static enum hk_status fill(struct drawing *drawing, struct hk_messages *messages)
{
  size_t longest = 0, bytes;
  for (size_t i = 0; i < drawing->band_count; i++) {
    struct hk_view_population population = hk_view_population(drawing->view, i);
    char *name = g_utf8_make_valid(population.name, -1);
    size_t columns = text_columns(name, 1000, &bytes);
    g_free(name);
    longest = columns > longest ? columns : longest;
    drawing->bands[i].rows = population.rows;
  }
  size_t columns = (size_t)drawing->screen->columns;
  drawing->left = (longest < columns / 4 ? longest : columns / 4) + 1;
  drawing->columns = columns - drawing->left;
  drawing->across = drawing->screen->utf8 ? 2 : 1;
  drawing->down = drawing->screen->utf8 ? 4 : 1;
  size_t lines = drawing->screen->lines > 3 ? (size_t)drawing->screen->lines - 2 : 1;
  share_lines(drawing, lines);
  size_t dots = drawing->columns * drawing->across * drawing->down * (lines + drawing->band_count);
  drawing->dots = calloc(dots, sizeof *drawing->dots);
  if (!drawing->dots)
    return HK_ERR_MEMORY;
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < drawing->band_count && status == HK_OK; i++)
    status = hk_view_scan(drawing->view, i, HK_VIEW_ANY_ORDER, count_dots, drawing, messages);
  return status;
}

enum hk_status hk_raster_print(struct hk_view *view, const struct hk_raster_screen *screen, char **text,
                               struct hk_messages *messages)
{
  if (screen->columns < 20 || screen->lines < 4 || screen->columns > 10000 || screen->lines > 10000) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "a screen of %d columns and %d lines holds no raster",
                    screen->columns, screen->lines);
    return HK_ERR_INPUT;
  }
  struct hk__scale time = hk__time_scale(view, 0, 1);
  struct drawing drawing = {
      .screen = screen, .view = view, .band_count = hk_view_population_count(view), .from = time.low, .to = time.high};
  drawing.bands = calloc(drawing.band_count + 1, sizeof *drawing.bands);
  enum hk_status status = drawing.bands ? fill(&drawing, messages) : HK_ERR_MEMORY;
  if (status == HK_OK) {
    GString *out = g_string_new(NULL);
    for (size_t i = 0; i < drawing.band_count; i++)
      put_band(out, &drawing, i);
    put_axis(out, &drawing);
    *text = strdup(out->str);
    g_string_free(out, TRUE);
    status = *text ? HK_OK : HK_ERR_MEMORY;
  }
  free(drawing.dots);
  free(drawing.bands);
  return status;
}
