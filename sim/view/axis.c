/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "view/axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TICK_LENGTH = 3, TICK_GAP = 2, LABEL_ROOM = 10 };

double hk__scale_at(const struct hk__scale *scale, double value)
{
  return scale->start + (value - scale->low) / (scale->high - scale->low) * (scale->end - scale->start);
}

double hk__round_step(double least)
{
  double power = pow(10, floor(log10(least))), ratio = least / power;
  /* a hair of slack, so that 0.2 / 0.1 counts as 2 */
  return power * (ratio <= 1 + 1e-9 ? 1 : ratio <= 2 + 1e-9 ? 2 : ratio <= 5 + 1e-9 ? 5 : 10);
}

static int decimals_of(double step)
{
  double digits = -floor(log10(step) + 1e-9);
  return digits < 0 ? 0 : digits > 15 ? 15 : (int)digits;
}

struct hk__ticks hk__ticks_pick(double low, double high, size_t most, bool whole)
{
  struct hk__ticks ticks = {0};
  if (!(high > low))
    return ticks;
  most = most < 1 ? 1 : most > HK__TICKS_MAX - 1 ? HK__TICKS_MAX - 1 : most;
  double step = hk__round_step((high - low) / (double)most);
  if (whole && step < 1)
    step = 1;
  double slack = 1e-9 * (high - low);
  int decimals = decimals_of(step);
  for (double k = ceil((low - slack) / step); k * step <= high + slack && ticks.count < HK__TICKS_MAX; k++) {
    double value = k * step;
    ticks.values[ticks.count] = value;
    if (fabs(value) >= 1e7 || decimals > 6)
      snprintf(ticks.labels[ticks.count], sizeof ticks.labels[0], "%g", value == 0 ? 0 : value);
    else
      snprintf(ticks.labels[ticks.count], sizeof ticks.labels[0], "%.*f", decimals, value == 0 ? 0 : value);
    ticks.count++;
  }
  return ticks;
}

static const struct {
  const char *name;
  double ms, least; /* for spans, or times, of at least `least` ms */
} units[] = {{"h", 3600e3, 7200e3}, {"min", 60e3, 600e3}, {"s", 1e3, 5e3}, {"ms", 1, 0.5}, {"µs", 1e-3, 0}};

struct hk__time_unit hk__time_unit_for(double from, double to)
{
  size_t i = 0;
  while (to - from < units[i].least)
    i++;
  struct hk__time_unit unit = {units[i].name, units[i].ms, 0};
  double step = hk__round_step((to - from > 0 ? to - from : 1) / 10);
  if (from / step >= 1e6)
    unit.origin = floor(from / step / 10) * step * 10;
  return unit;
}

void hk__time_text(double ms, char *text, size_t length)
{
  static const double least[] = {3600e3, 60e3, 1e3, 1, 0};
  size_t i = 0;
  while (fabs(ms) < least[i])
    i++;
  if (ms == 0)
    i = 3;
  snprintf(text, length, "%.12g %s", ms / units[i].ms, units[i].name);
}

struct hk__scale hk__time_scale(const struct hk_view *view, double start, double end)
{
  double from = hk_view_from(view), to = hk_view_to(view);
  if (!(to - from > 1e-12 * fmax(1, to)))
    to = from + fmax(1, 1e-6 * from);
  return (struct hk__scale){from, to, start, end};
}

static bool labels_fit(struct hk__canvas *canvas, const struct hk__ticks *ticks, double room)
{
  double width = 0;
  for (size_t i = 0; i < ticks->count; i++)
    width = fmax(width, hk__canvas_measure(canvas, (struct hk__font){HK__TEXT_SIZE, false}, ticks->labels[i]).width);
  return (width + LABEL_ROOM) * (double)ticks->count <= room + width;
}

static void line(struct hk__canvas *canvas, double x0, double y0, double x1, double y1)
{
  cairo_t *cairo = hk__canvas_cairo(canvas);
  cairo_set_line_width(cairo, 0.7);
  hk__canvas_colour(canvas, hk__canvas_theme(canvas)->ink, 1);
  cairo_move_to(cairo, x0, y0);
  cairo_line_to(cairo, x1, y1);
  cairo_stroke(cairo);
}

void hk__axis_across(struct hk__canvas *canvas, const struct hk__scale *scale, double y, const char *title)
{
  const struct hk__theme *theme = hk__canvas_theme(canvas);
  size_t most = 12;
  struct hk__ticks ticks = hk__ticks_pick(scale->low, scale->high, most, false);
  while (most > 1 && !labels_fit(canvas, &ticks, scale->end - scale->start))
    ticks = hk__ticks_pick(scale->low, scale->high, --most, false);
  line(canvas, scale->start, y, scale->end, y);
  double bottom = y + TICK_LENGTH + TICK_GAP;
  for (size_t i = 0; i < ticks.count; i++) {
    double x = hk__scale_at(scale, ticks.values[i]);
    line(canvas, x, y, x, y + TICK_LENGTH);
    struct hk__text_style style = {.font = {HK__TEXT_SIZE, false}, .colour = theme->ink, .across = 0.5};
    struct hk__box box = hk__canvas_text(canvas, x, y + TICK_LENGTH + TICK_GAP, style, ticks.labels[i]);
    bottom = fmax(bottom, box.y + box.height);
  }
  struct hk__text_style style = {.font = {HK__TEXT_SIZE, false}, .colour = theme->ink, .across = 0.5};
  hk__canvas_text(canvas, (scale->start + scale->end) / 2, bottom + 1, style, title);
}

void hk__axis_time(struct hk__canvas *canvas, const struct hk__scale *scale, double y)
{
  struct hk__time_unit unit = hk__time_unit_for(scale->low, scale->high);
  struct hk__scale shown = {(scale->low - unit.origin) / unit.unit_ms, (scale->high - unit.origin) / unit.unit_ms,
                            scale->start, scale->end};
  char title[96], origin[48];
  hk__time_text(unit.origin, origin, sizeof origin);
  if (unit.origin > 0)
    snprintf(title, sizeof title, "time after %s (%s)", origin, unit.name);
  else
    snprintf(title, sizeof title, "time (%s)", unit.name);
  hk__axis_across(canvas, &shown, y, title);
}

double hk__axis_left(struct hk__canvas *canvas, const struct hk__scale *scale, double x, const char *title,
                     struct hk__colour title_colour, bool whole)
{
  const struct hk__theme *theme = hk__canvas_theme(canvas);
  double length = fabs(scale->end - scale->start);
  size_t most = (size_t)(length / (2.2 * HK__TEXT_SIZE)), least = length < 2.8 * HK__TEXT_SIZE ? 1 : 2;
  struct hk__ticks ticks = hk__ticks_pick(scale->low, scale->high, most < least ? least : most > 8 ? 8 : most, whole);
  line(canvas, x, scale->start, x, scale->end);
  double left = x - TICK_LENGTH - TICK_GAP;
  for (size_t i = 0; i < ticks.count; i++) {
    double y = hk__scale_at(scale, ticks.values[i]);
    line(canvas, x - TICK_LENGTH, y, x, y);
    struct hk__text_style style = {.font = {HK__TEXT_SIZE, false}, .colour = theme->ink, .across = 1, .down = 0.5};
    left = fmin(left, hk__canvas_text(canvas, x - TICK_LENGTH - TICK_GAP, y, style, ticks.labels[i]).x);
  }
  if (!title || left - 3 < 1.3 * HK__TEXT_SIZE) /* no room beside the labels */
    return x - left;
  struct hk__text_style style = {.font = {HK__TEXT_SIZE, false},
                                 .colour = title_colour,
                                 .across = 1,
                                 .down = 0.5,
                                 .max_width = length + 8,
                                 .upwards = true};
  return x - hk__canvas_text(canvas, left - 3, (scale->start + scale->end) / 2, style, title).x;
}
