/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The picture of a comparison: above, agreement and accuracy against what each regime varies; beneath, the responses
 * under the microscope and one sample's spikes beside the step network's answer. What a comparison does not have takes
 * no room. */
#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ann/comparison.h"
#include "view/axis.h"
#include "view/canvas.h"

enum {
  MARGIN = 16,
  LEFT_ROOM = 46,
  BOTTOM_ROOM = 36,
  TITLE_ROOM = 20,
  LEGEND_LINE = 12,
  SWEEPS_MAX = 6,
  CURVES_MAX = 10
};

struct figure {
  const struct hk_comparison *comparison;
  struct hk__canvas *canvas;
  cairo_t *cairo;
  const struct hk__theme *theme;
  size_t rows;          /* of the comparison */
  size_t shown, sample; /* the run of which a sample is drawn, and that sample */
};

/* --- pieces --- */

static void write_text(struct figure *f, double x, double y, double size, bool bold, struct hk__colour colour,
                       double across, double width, const char *text)
{
  struct hk__text_style style = {
      .font = {size, bold}, .colour = colour, .across = across, .down = 0.0, .max_width = width};
  hk__canvas_text(f->canvas, x, y, style, text);
}

/* The part of a box that data may fill; its title is written above. */
static struct hk__box open_panel(struct figure *f, struct hk__box box, const char *title)
{
  write_text(f, box.x, box.y, HK__TEXT_SIZE, true, f->theme->ink, 0.0, box.width, title);
  return (struct hk__box){box.x + LEFT_ROOM, box.y + TITLE_ROOM, box.width - LEFT_ROOM - 8.0,
                          box.height - TITLE_ROOM - BOTTOM_ROOM};
}

/* Where curves coincide, those drawn first are the wider and show at both sides. */
static void line_through(struct figure *f, const double *x, const double *y, size_t count, struct hk__colour colour,
                         double width, bool dots)
{
  cairo_t *cr = f->cairo;
  hk__canvas_colour(f->canvas, colour, 1.0);
  cairo_set_line_width(cr, width);
  cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
  cairo_new_path(cr);
  for (size_t i = 0; i < count; i++)
    cairo_line_to(cr, x[i], y[i]);
  cairo_stroke(cr);
  for (size_t i = 0; dots && i < count; i++) {
    cairo_arc(cr, x[i], y[i], width / 2.0 + 1.5, 0.0, 2.0 * M_PI);
    cairo_fill(cr);
  }
}

static void legend(struct figure *f, struct hk__box box, size_t at, struct hk__colour colour, const char *text)
{
  double y = box.y + box.height - (double)(at + 1) * LEGEND_LINE;
  hk__canvas_colour(f->canvas, colour, 1.0);
  cairo_rectangle(f->cairo, box.x + 6.0, y + 3.5, 10.0, 3.0);
  cairo_fill(f->cairo);
  write_text(f, box.x + 20.0, y, HK__SMALL_SIZE, false, f->theme->ink, 0.0, box.width - 24.0, text);
}

/* --- sweeps --- */

/* Runs first .. first + count vary one quantity of one regime. */
struct sweep {
  size_t first, count;
};

static size_t find_sweeps(const struct figure *f, struct sweep *sweeps)
{
  size_t found = 0;
  for (size_t i = 0; i < f->rows && found < SWEEPS_MAX;) {
    struct hk_comparison_row row = hk_comparison_row(f->comparison, i);
    size_t end = i + 1;
    while (end < f->rows && row.quantity && hk_comparison_row(f->comparison, end).quantity == row.quantity &&
           hk_comparison_row(f->comparison, end).regime == row.regime)
      end++;
    if (end - i > 1)
      sweeps[found++] = (struct sweep){i, end - i};
    i = end;
  }
  return found;
}

enum { CURVES = 4 };

static double pick(const struct hk_comparison_row *row, size_t which)
{
  const double values[CURVES] = {row->step_accuracy, row->spike_accuracy, row->decisions_agree, row->units_agree};
  return 100.0 * values[which];
}

/* All panels have one scale, so that they can be compared: from 0 unless nothing is far from 100 %. */
static double lowest_shown(const struct figure *f)
{
  double lowest = 100.0;
  for (size_t i = 0; i < f->rows; i++) {
    struct hk_comparison_row row = hk_comparison_row(f->comparison, i);
    for (size_t k = 0; k < CURVES; k++)
      lowest = fmin(lowest, pick(&row, k));
  }
  return lowest >= 80.0 && lowest < 100.0 ? 10.0 * floor(lowest / 10.0 - 0.1) : 0.0;
}

static enum hk_status draw_sweep(struct figure *f, struct hk__box box, struct sweep sweep)
{
  static const char *const names[CURVES] = {"step network right", "spiking network right", "same decision",
                                            "same units"};
  static const double widths[CURVES] = {7.5, 5.0, 2.8, 1.2};
  struct hk_comparison_row first = hk_comparison_row(f->comparison, sweep.first);
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < sweep.count; i++) {
    struct hk_comparison_row row = hk_comparison_row(f->comparison, sweep.first + i);
    low = fmin(low, row.value);
    high = fmax(high, row.value);
  }
  char title[160];
  snprintf(title, sizeof title, "%.60s: %s", first.regime, first.model);
  struct hk__box panel = open_panel(f, box, title);
  if (!(high > low))
    high = low + 1.0;
  /* Room beneath the curves for their names. */
  double legend_room = CURVES * LEGEND_LINE + 4.0;
  struct hk__box plot = panel;
  plot.height -= legend_room;
  struct hk__scale across = {low, high, plot.x, plot.x + plot.width};
  struct hk__scale up = {lowest_shown(f), 100.0, plot.y + plot.height, plot.y};
  char label[120];
  bool bare = strcmp(first.unit, "1") == 0;
  snprintf(label, sizeof label, "%.60s%s%s%s", first.quantity, bare ? "" : " (", bare ? "" : first.unit,
           bare ? "" : ")");
  hk__axis_left(f->canvas, &up, plot.x - 4.0, "%", f->theme->ink, false);
  hk__axis_across(f->canvas, &across, plot.y + plot.height + 3.0, label);
  double *x = malloc(2 * sweep.count * sizeof *x), *y = x + sweep.count;
  if (!x)
    return HK_ERR_MEMORY;
  for (size_t k = 0; k < CURVES; k++) {
    for (size_t i = 0; i < sweep.count; i++) {
      struct hk_comparison_row row = hk_comparison_row(f->comparison, sweep.first + i);
      x[i] = hk__scale_at(&across, row.value);
      y[i] = hk__scale_at(&up, pick(&row, k));
    }
    struct hk__colour colour =
        k == 0 ? hk__mix(f->theme->ink, f->theme->paper, 0.4) : hk__series_colour(f->theme, k - 1);
    line_through(f, x, y, sweep.count, colour, widths[k], k > 0);
    struct hk__box names_box = {box.x + LEFT_ROOM - 8.0, box.y, box.width - LEFT_ROOM, box.height};
    legend(f, names_box, CURVES - 1 - k, colour, names[k]);
  }
  free(x);
  return HK_OK;
}

/* --- the microscope --- */

static void run_label(const struct hk_comparison_row *row, char *text, size_t size)
{
  if (row->quantity)
    snprintf(text, size, "%.40s, %.30s %g %s", row->regime, row->quantity, row->value,
             strcmp(row->unit, "1") == 0 ? "" : row->unit);
  else
    snprintf(text, size, "%.40s", row->regime);
}

static enum hk_status draw_responses(struct figure *f, struct hk__box box)
{
  struct hk__box panel = open_panel(f, box, "one neuron's response to a summed input");
  double top = 0.0, threshold = f->comparison->plan.microscope.threshold;
  for (size_t i = 0; i < f->rows; i++) {
    const struct hk__response *r = &f->comparison->outcomes[i].response;
    top = r->count > 0 ? fmax(top, r->sum[r->count - 1]) : top;
  }
  panel.width -= 150.0;
  struct hk__scale across = {0.0, fmax(top, 1.0), panel.x, panel.x + panel.width};
  struct hk__scale up = {0.0, 1.0, panel.y + panel.height, panel.y};
  hk__axis_left(f->canvas, &up, panel.x - 4.0, "probability of a spike", f->theme->ink, false);
  hk__axis_across(f->canvas, &across, panel.y + panel.height + 3.0, "summed input (weights)");
  double at = hk__scale_at(&across, threshold);
  double step_x[] = {panel.x, at, at, panel.x + panel.width};
  double step_y[] = {up.start, up.start, up.end, up.end};
  line_through(f, step_x, step_y, 4, hk__mix(f->theme->ink, f->theme->paper, 0.4), 3.0, false);
  struct hk__box names = {panel.x + panel.width, box.y, 158.0, panel.height + TITLE_ROOM};
  legend(f, names, CURVES_MAX, hk__mix(f->theme->ink, f->theme->paper, 0.4), "step unit");
  for (size_t i = 0, drawn = 0; i < f->rows; i++) {
    const struct hk__response *r = &f->comparison->outcomes[i].response;
    if (r->count == 0)
      continue;
    if (drawn == CURVES_MAX) {
      write_text(f, names.x + 6.0, box.y + TITLE_ROOM, HK__SMALL_SIZE, false, f->theme->ink, 0.0, 150.0,
                 "(more in comparison.h5)");
      break;
    }
    double *x = malloc(2 * r->count * sizeof *x), *y = x + r->count;
    if (!x)
      return HK_ERR_MEMORY;
    for (size_t k = 0; k < r->count; k++) {
      x[k] = hk__scale_at(&across, r->sum[k]);
      y[k] = hk__scale_at(&up, r->probability[k]);
    }
    char text[160];
    struct hk_comparison_row row = hk_comparison_row(f->comparison, i);
    run_label(&row, text, sizeof text);
    line_through(f, x, y, r->count, hk__series_colour(f->theme, drawn), 3.0 - 0.16 * (double)drawn, false);
    legend(f, names, CURVES_MAX - 1 - drawn, hk__series_colour(f->theme, drawn), text);
    free(x);
    drawn++;
  }
  return HK_OK;
}

/* --- one sample --- */

/* Layers stand above each other, the first at the bottom, with a gap between. */
static double unit_height(const struct figure *f, struct hk__box panel, size_t layer, size_t unit)
{
  const struct hk__result *r = &f->comparison->outcomes[f->shown].result;
  double gap = 6.0, room = panel.height - gap * (double)(r->layer_count - 1);
  double each = room / (double)r->layer_count;
  double bottom = panel.y + panel.height - (double)layer * (each + gap);
  return bottom - ((double)unit + 0.5) / (double)r->layers[layer].units * each;
}

/* Of the first samples the one to show: the first to which the last layer answers, or the one before it, and so on. */
static size_t choose_sample(const struct hk__outcome *o)
{
  const struct hk__result *r = &o->result;
  size_t end = r->units;
  for (size_t l = r->layer_count; l-- > 0; end -= r->layers[l].units)
    for (size_t s = 0; s < o->first_samples; s++)
      if (memchr(o->first_steps + s * r->units + end - r->layers[l].units, 1, r->layers[l].units))
        return s;
  return 0;
}

/* When a kept spike happens in the sample that is shown; -1 if it belongs to another. */
static double time_in_sample(const struct figure *f, const struct hk_spike *spike)
{
  const double period = f->comparison->outcomes[f->shown].run->regime.period;
  const double time = spike->time - (double)f->sample * period;
  return time >= 0.0 && time < period ? time : -1.0;
}

static double last_spike(const struct figure *f, const struct hk__result *r)
{
  double last = 0.0;
  for (size_t i = 0; i < r->kept_spike_count; i++)
    last = fmax(last, time_in_sample(f, &r->kept_spikes[i]));
  return last;
}

static void mark(struct figure *f, double x, double y, double width, double height)
{
  cairo_rectangle(f->cairo, x - width / 2.0, y - height / 2.0, width, height);
}

static double mark_height(const struct figure *f, struct hk__box panel, size_t layer)
{
  const struct hk__result *r = &f->comparison->outcomes[f->shown].result;
  double each = panel.height / (double)r->layer_count / (double)r->layers[layer].units;
  return fmin(fmax(0.7 * each, 0.35), 7.0);
}

static void draw_sample(struct figure *f, struct hk__box box)
{
  const struct hk__outcome *o = &f->comparison->outcomes[f->shown];
  const struct hk__result *r = &o->result;
  const uint8_t *steps = o->first_steps + f->sample * r->units;
  char title[200];
  char label[120];
  struct hk_comparison_row row = hk_comparison_row(f->comparison, f->shown);
  run_label(&row, label, sizeof label);
  snprintf(title, sizeof title, "sample %zu, %s: spikes, and the step units that are on", f->sample, label);
  struct hk__box panel = open_panel(f, box, title);
  double beside = 30.0;
  panel.width -= beside + 16.0;
  double end = fmax(last_spike(f, r) * 1.08, 1.0);
  struct hk__scale across = {0.0, end, panel.x, panel.x + panel.width};
  hk__axis_across(f->canvas, &across, panel.y + panel.height + 3.0, "time after the sample's start (ms)");
  double step_x = panel.x + panel.width + 16.0 + beside / 2.0;
  write_text(f, step_x, panel.y + panel.height + 5.0, HK__SMALL_SIZE, false, f->theme->ink, 0.5, 0.0, "steps");
  for (size_t i = 0; i < r->kept_spike_count; i++) {
    const struct hk_spike *s = &r->kept_spikes[i];
    const double time = time_in_sample(f, s);
    if (time < 0.0)
      continue;
    hk__canvas_colour(f->canvas, hk__series_colour(f->theme, s->population), 1.0);
    mark(f, hk__scale_at(&across, time), unit_height(f, panel, s->population, s->neuron), 2.0,
         mark_height(f, panel, s->population));
    cairo_fill(f->cairo);
  }
  for (size_t l = 0, at = 0; l < r->layer_count; at += r->layers[l++].units) {
    char name[32];
    snprintf(name, sizeof name, "layer %zu", l + 1);
    double middle = unit_height(f, panel, l, r->layers[l].units / 2);
    write_text(f, panel.x - 6.0, middle - 5.0, HK__SMALL_SIZE, false, hk__series_colour(f->theme, l), 1.0, 0.0, name);
    hk__canvas_colour(f->canvas, hk__series_colour(f->theme, l), 1.0);
    for (size_t j = 0; j < r->layers[l].units; j++)
      if (steps[at + j])
        mark(f, step_x, unit_height(f, panel, l, j), beside - 8.0, mark_height(f, panel, l));
    cairo_fill(f->cairo);
  }
}

/* --- the page --- */

static bool has_responses(const struct figure *f)
{
  for (size_t i = 0; i < f->rows; i++)
    if (f->comparison->outcomes[i].response.count > 0)
      return true;
  return false;
}

static enum hk_status draw_page(struct figure *f, const struct hk_picture *picture, const struct sweep *sweeps,
                                size_t sweep_count)
{
  double width = picture->width - 2.0 * MARGIN, top = MARGIN + 24.0, height = picture->height - top - MARGIN;
  double upper = sweep_count > 0 ? height * 0.5 : 0.0;
  write_text(f, MARGIN, MARGIN, HK__TEXT_SIZE + 3.0, true, f->theme->ink, 0.0, width, picture->title);
  enum hk_status status = HK_OK;
  for (size_t i = 0; status == HK_OK && i < sweep_count; i++) {
    double each = width / (double)sweep_count;
    struct hk__box box = {MARGIN + (double)i * each, top, each - 10.0, upper - 12.0};
    status = draw_sweep(f, box, sweeps[i]);
  }
  struct hk__box lower = {MARGIN, top + upper, width, height - upper};
  if (status == HK_OK && has_responses(f)) {
    struct hk__box left = lower;
    left.width = width * 0.55;
    status = draw_responses(f, left);
    lower.x += left.width + 12.0;
    lower.width -= left.width + 12.0;
  }
  if (status == HK_OK)
    draw_sample(f, lower);
  return status;
}

enum hk_status hk_comparison_draw(const struct hk_comparison *comparison, const char *path,
                                  struct hk_messages *messages)
{
  struct figure f = {.comparison = comparison, .rows = hk_comparison_row_count(comparison)};
  if (f.rows == 0) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "there is nothing to draw: no run is done");
    return HK_ERR_INPUT;
  }
  struct sweep sweeps[SWEEPS_MAX];
  size_t sweep_count = find_sweeps(&f, sweeps);
  /* A volley's raster is a column per layer: a run in which something is spread says more. */
  if (sweep_count > 0) {
    const struct sweep *sweep = &sweeps[sweep_count > 1 ? 1 : 0];
    f.shown = sweep->first + sweep->count / 2;
  }
  f.sample = choose_sample(&comparison->outcomes[f.shown]);
  struct hk_picture picture = hk_picture_default();
  picture.title = comparison->name;
  picture.width = sweep_count > 3 ? 1080.0 : 864.0;
  picture.height = sweep_count > 0 ? 648.0 : 396.0;
  enum hk_status status = hk__canvas_create(path, &picture, &f.canvas, messages);
  if (status != HK_OK)
    return status;
  f.cairo = hk__canvas_cairo(f.canvas);
  f.theme = hk__canvas_theme(f.canvas);
  status = draw_page(&f, &picture, sweeps, sweep_count);
  if (status == HK_OK)
    return hk__canvas_finish(f.canvas, messages);
  hk__canvas_destroy(f.canvas);
  return status;
}
