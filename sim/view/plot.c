/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One panel with a line for each curve and their names on its right; for traces, one panel for each report. */
#include <hillock/plot.h>

#include <math.h>
#include <stdlib.h>

#include "view/axis.h"
#include "view/canvas.h"
#include "view/trace_panel.h"

enum { MARGIN = 8, LEFT = 56, BOTTOM = 36, NAME_GAP = 10, LINE_HEIGHT = 13, CURVES_MOST = 12, PANEL_GAP = 16 };

struct bounds {
  double x0, x1, y0, y1;
};

static struct bounds bounds_of(const struct hk_curves *curves, size_t count)
{
  struct bounds bounds = {INFINITY, -INFINITY, 0, -INFINITY};
  for (size_t c = 0; c < count; c++)
    for (size_t i = 0; i < curves->curves[c].count; i++) {
      bounds.x0 = fmin(bounds.x0, curves->curves[c].x[i]);
      bounds.x1 = fmax(bounds.x1, curves->curves[c].x[i]);
      bounds.y0 = fmin(bounds.y0, curves->curves[c].y[i]);
      bounds.y1 = fmax(bounds.y1, curves->curves[c].y[i]);
    }
  if (!(bounds.x1 > bounds.x0)) {
    bounds.x0 = isfinite(bounds.x0) ? bounds.x0 : 0;
    bounds.x1 = bounds.x0 + 1;
  }
  if (!(bounds.y1 > bounds.y0))
    bounds.y1 = bounds.y0 + 1;
  double room = 0.04 * (bounds.y1 - bounds.y0);
  bounds.y1 += room;
  bounds.y0 -= bounds.y0 < 0 ? room : 0;
  return bounds;
}

static void draw_curve(struct hk__canvas *canvas, const struct hk_curve *curve, bool steps, const struct hk__scale *x,
                       const struct hk__scale *y)
{
  cairo_t *cairo = hk__canvas_cairo(canvas);
  hk__canvas_colour(canvas, hk__series_colour(hk__canvas_theme(canvas), curve->population), 1);
  cairo_set_line_width(cairo, 1);
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_BEVEL);
  cairo_new_path(cairo);
  for (size_t i = 0; i < curve->count; i++) {
    if (steps)
      cairo_line_to(cairo, hk__scale_at(x, curve->x[i]), hk__scale_at(y, i ? curve->y[i - 1] : 0));
    cairo_line_to(cairo, hk__scale_at(x, curve->x[i]), hk__scale_at(y, curve->y[i]));
  }
  cairo_stroke(cairo);
}

static double names_room(const struct hk_plot_options *options, struct hk__canvas *canvas,
                         const struct hk_curves *curves, size_t count)
{
  double widest = 0;
  for (size_t i = 0; i < count; i++)
    widest =
        fmax(widest, hk__canvas_measure(canvas, (struct hk__font){HK__TEXT_SIZE, true}, curves->curves[i].name).width);
  return fmin(widest + NAME_GAP, 0.25 * options->picture.width);
}

static void draw_title(struct hk__canvas *canvas, const struct hk_plot_options *options)
{
  if (!options->picture.title)
    return;
  struct hk__text_style style = {
      .font = {11, true}, .colour = hk__canvas_theme(canvas)->ink, .max_width = options->picture.width - LEFT - MARGIN};
  hk__canvas_text(canvas, LEFT, 7, style, options->picture.title);
}

static void draw_curves(struct hk__canvas *canvas, const struct hk_plot_options *options,
                        const struct hk_curves *curves, struct hk_messages *messages)
{
  const struct hk__theme *theme = hk__canvas_theme(canvas);
  double top = MARGIN + (options->picture.title ? 20 : 4), bottom = options->picture.height - BOTTOM;
  size_t fitting = (size_t)fmax(1, (bottom - top) / LINE_HEIGHT), count = curves->count;
  count = count > CURVES_MOST ? CURVES_MOST : count;
  count = count > fitting ? fitting : count;
  if (count < curves->count)
    hk_messages_add(messages, HK_SEVERITY_WARNING, NULL,
                    "only the first %zu of %zu populations are drawn; --population chooses others", count,
                    curves->count);
  double right = options->picture.width - 2 * MARGIN - names_room(options, canvas, curves, count);
  struct bounds bounds = bounds_of(curves, count);
  struct hk__scale x = {bounds.x0, bounds.x1, LEFT, right}, y = {bounds.y0, bounds.y1, bottom, top};
  for (size_t i = 0; i < count; i++) {
    struct hk_curve *curve = &curves->curves[i];
    draw_curve(canvas, curve, curves->steps, &x, &y);
    struct hk__text_style style = {.font = {HK__TEXT_SIZE, true},
                                   .colour = hk__series_colour(theme, curve->population),
                                   .max_width = options->picture.width - right - NAME_GAP - 2};
    hk__canvas_text(canvas, right + NAME_GAP, top + LINE_HEIGHT * (double)i, style, curve->name);
  }
  hk__axis_across(canvas, &x, bottom + 3, curves->x_title);
  hk__axis_left(canvas, &y, LEFT - 3, curves->y_title, theme->ink, false);
  draw_title(canvas, options);
}

static enum hk_status draw_traces(struct hk__canvas *canvas, const struct hk_view *view,
                                  const struct hk_plot_options *options, struct hk_messages *messages)
{
  double top = MARGIN + (options->picture.title ? 20 : 0) + 10, bottom = options->picture.height - BOTTOM;
  double each = (bottom - top + PANEL_GAP) / (double)options->trace_count;
  struct hk__scale time = hk__time_scale(view, LEFT, options->picture.width - 2 * MARGIN);
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < options->trace_count && status == HK_OK; i++) {
    struct hk__box box = {LEFT, top + each * (double)i, time.end - time.start, each - PANEL_GAP};
    status = hk__trace_panel(canvas, view, box, &time, options->traces[i], 0, messages);
  }
  hk__axis_time(canvas, &time, bottom + 3);
  draw_title(canvas, options);
  return status;
}

static enum hk_status check_traces(const struct hk_plot_options *options, struct hk_messages *messages)
{
  if (options->kind != HK_PLOT_TRACES ||
      (options->trace_count > 0 && (double)options->trace_count * 50 < options->picture.height))
    return HK_OK;
  hk_messages_add(messages, HK_SEVERITY_ERROR, NULL,
                  options->trace_count ? "%zu reports are too many for a picture of this height"
                                       : "%zu reports are given: a plot of traces needs one at least (--traces FILE)",
                  options->trace_count);
  return HK_ERR_INPUT;
}

enum hk_status hk_plot_draw(struct hk_view *view, const struct hk_plot_options *options, const char *path,
                            struct hk_messages *messages)
{
  struct hk__canvas *canvas = NULL;
  struct hk_curves curves = {0};
  enum hk_status status = check_traces(options, messages);
  if (status == HK_OK && options->kind != HK_PLOT_TRACES)
    status = hk_curves_compute(view, options, &curves, messages);
  if (status == HK_OK)
    status = hk__canvas_create(path, &options->picture, &canvas, messages);
  if (status == HK_OK && options->kind == HK_PLOT_TRACES)
    status = draw_traces(canvas, view, options, messages);
  else if (status == HK_OK)
    draw_curves(canvas, options, &curves, messages);
  hk_curves_clear(&curves);
  if (status != HK_OK) {
    hk__canvas_destroy(canvas);
    return status;
  }
  return hk__canvas_finish(canvas, messages);
}
