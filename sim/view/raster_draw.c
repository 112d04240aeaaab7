/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hillock/traces.h>

#include "view/raster_parts.h"
#include "view/trace_panel.h"

enum { RATE_LINES_MAX = 10, NAME_GAP = 8, TRACE_GAP = 16 };

/* --- the pass --- */

static enum hk_status collect(void *context, const struct hk_view_block *block)
{
  struct hk__raster *raster = context;
  struct hk__band *band = &raster->bands[block->population];
  const double span = raster->time.high - raster->time.low, from = raster->time.low;
  const double per_ms = (double)band->columns / span, bins_per_ms = 1 / raster->rate_bin;
  const double lines_per_row = (double)band->lines / (double)(band->rows ? band->rows : 1);
  for (size_t i = 0; i < block->count; i++) {
    double after = block->times[i] - from;
    size_t column = (size_t)(after * per_ms), line = (size_t)((double)block->rows[i] * lines_per_row);
    size_t bin = (size_t)(after * bins_per_ms);
    column = column < band->columns ? column : band->columns - 1;
    line = line < band->lines ? line : band->lines - 1;
    band->rate_counts[bin < raster->bin_count ? bin : raster->bin_count - 1]++;
    uint32_t *cell = &band->cells[line * band->columns + column];
    *cell += *cell < UINT32_MAX;
    if (band->tick_count < band->tick_limit)
      band->ticks[band->tick_count++] = (struct hk__tick){block->times[i], block->rows[i]};
    else
      band->overflowed = true;
  }
  band->count += block->count;
  return HK_OK;
}

enum hk_status hk__raster_collect(struct hk__raster *raster, struct hk_messages *messages)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < raster->band_count && status == HK_OK; i++)
    status = hk_view_scan(raster->view, i, HK_VIEW_ANY_ORDER, collect, raster, messages);
  for (size_t i = 0; i < raster->band_count; i++)
    raster->density = raster->density || raster->bands[i].overflowed;
  return status;
}

/* --- bands --- */

/* The count that gets the full colour: rare peaks above it do not pale the rest, and an even density stays at half. */
static double full_count(const struct hk__band *band)
{
  enum { LEVELS = 4096 };
  size_t histogram[LEVELS] = {0}, filled = 0, cells = band->columns * band->lines;
  double total = 0;
  uint32_t most = 0;
  for (size_t i = 0; i < cells; i++) {
    total += band->cells[i];
    most = band->cells[i] > most ? band->cells[i] : most;
    filled += band->cells[i] > 0;
  }
  double width = most < LEVELS ? 1 : (double)most / (LEVELS - 1);
  for (size_t i = 0; i < cells; i++)
    histogram[(size_t)(band->cells[i] / width)] += band->cells[i] > 0;
  size_t level = LEVELS - 1, above = histogram[level];
  while (level > 1 && (double)above < 0.005 * (double)filled)
    above += histogram[--level];
  return fmax((double)level * width, 2 * total / (double)cells);
}

static uint32_t packed(struct hk__colour colour)
{
  return (uint32_t)lround(255 * colour.r) << 16 | (uint32_t)lround(255 * colour.g) << 8 |
         (uint32_t)lround(255 * colour.b);
}

static enum hk_status draw_density(const struct hk__raster *raster, const struct hk__band *band,
                                   struct hk__canvas *canvas, struct hk__colour paper)
{
  cairo_t *cairo = hk__canvas_cairo(canvas);
  cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)band->columns, (int)band->lines);
  if (cairo_surface_status(image) != CAIRO_STATUS_SUCCESS) {
    cairo_surface_destroy(image);
    return HK_ERR_MEMORY;
  }
  unsigned char *data = cairo_image_surface_get_data(image);
  size_t stride = (size_t)cairo_image_surface_get_stride(image);
  double full = full_count(band);
  uint32_t shades[257];
  for (size_t i = 0; i < 257; i++)
    shades[i] = packed(hk__mix(paper, band->colour, i == 0 ? 0 : fmax(0.12, pow((double)i / 256, 0.7))));
  for (size_t y = 0; y < band->lines; y++) {
    uint32_t *row = (uint32_t *)(void *)(data + y * stride);
    for (size_t x = 0; x < band->columns; x++)
      row[x] = shades[(size_t)ceil(256 * fmin(1, band->cells[y * band->columns + x] / full))];
  }
  cairo_surface_mark_dirty(image);
  cairo_save(cairo);
  cairo_rectangle(cairo, raster->panel.x, band->top, raster->panel.width, band->height);
  cairo_clip(cairo);
  cairo_translate(cairo, raster->panel.x, band->top);
  cairo_scale(cairo, raster->panel.width / (double)band->columns, band->height / (double)band->lines);
  cairo_set_source_surface(cairo, image, 0, 0);
  cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_NEAREST);
  cairo_paint(cairo);
  cairo_restore(cairo);
  cairo_surface_destroy(image);
  return HK_OK;
}

/* Cairo strokes a path of a thousand ticks fast and one of a million slowly. */
enum { TICKS_PER_STROKE = 1000 };

static void draw_ticks(const struct hk__raster *raster, const struct hk__band *band, struct hk__canvas *canvas)
{
  cairo_t *cairo = hk__canvas_cairo(canvas);
  double half = hk__band_tick_height(band) / 2, row_height = hk__band_row_height(band);
  hk__canvas_colour(canvas, band->colour, 1);
  cairo_set_line_width(cairo, hk__tick_width(canvas));
  cairo_set_line_cap(cairo, CAIRO_LINE_CAP_BUTT);
  for (size_t i = 0; i < band->tick_count; i++) {
    double x = hk__scale_at(&raster->time, band->ticks[i].time);
    double y = band->top + ((double)band->ticks[i].row + 0.5) * row_height;
    cairo_move_to(cairo, x, y - half);
    cairo_line_to(cairo, x, y + half);
    if (i % TICKS_PER_STROKE == TICKS_PER_STROKE - 1)
      cairo_stroke(cairo);
  }
  cairo_stroke(cairo);
}

static void draw_neuron_lines(const struct hk__raster *raster, const struct hk__band *band, struct hk__canvas *canvas)
{
  cairo_t *cairo = hk__canvas_cairo(canvas);
  double row_height = hk__band_row_height(band);
  if (row_height < 9)
    return;
  hk__canvas_colour(canvas, hk__mix(hk__canvas_theme(canvas)->paper, band->colour, 0.3), 1);
  cairo_set_line_width(cairo, 0.4);
  for (uint64_t row = 0; row < band->rows; row++) {
    double y = band->top + ((double)row + 0.5) * row_height;
    cairo_move_to(cairo, raster->panel.x, y);
    cairo_line_to(cairo, raster->panel.x + raster->panel.width, y);
  }
  cairo_stroke(cairo);
}

static enum hk_status draw_band(const struct hk__raster *raster, const struct hk__band *band, struct hk__canvas *canvas)
{
  cairo_t *cairo = hk__canvas_cairo(canvas);
  struct hk__colour paper = hk__mix(hk__canvas_theme(canvas)->paper, band->colour, 0.06);
  hk__canvas_colour(canvas, paper, 1);
  cairo_rectangle(cairo, raster->panel.x, band->top, raster->panel.width, band->height);
  cairo_fill(cairo);
  if (raster->density)
    return draw_density(raster, band, canvas, paper);
  draw_neuron_lines(raster, band, canvas);
  draw_ticks(raster, band, canvas);
  return HK_OK;
}

/* --- names --- */

static void draw_name(const struct hk__raster *raster, const struct hk__band *band, struct hk__canvas *canvas)
{
  if (isnan(band->label_middle))
    return;
  cairo_t *cairo = hk__canvas_cairo(canvas);
  double x = raster->panel.x - NAME_GAP, middle = band->top + band->height / 2;
  struct hk__text_style style = {
      .font = {raster->label_size, true}, .colour = band->colour, .across = 1, .down = 0.5, .max_width = x - 4};
  hk__canvas_text(canvas, x, band->label_middle, style, band->name);
  hk__canvas_colour(canvas, band->colour, 0.7);
  cairo_set_line_width(cairo, 0.6);
  cairo_move_to(cairo, x + 2, band->label_middle);
  cairo_line_to(cairo, raster->panel.x - 1.5, middle);
  cairo_stroke(cairo);
}

/* How many neurons a band has, beneath its name where both fit into the band. */
static void draw_size(const struct hk__raster *raster, size_t index, struct hk__canvas *canvas)
{
  const struct hk__band *band = &raster->bands[index];
  double below = raster->panel.y + raster->panel.height + HK__TEXT_SIZE;
  for (size_t i = raster->band_count - 1; i > index; i--)
    if (!isnan(raster->bands[i].label_middle))
      below = raster->bands[i].label_middle;
  if (isnan(band->label_middle) || band->height < 3 * HK__TEXT_SIZE || below - band->label_middle < 2.5 * HK__TEXT_SIZE)
    return;
  const struct hk__theme *theme = hk__canvas_theme(canvas);
  char text[32];
  snprintf(text, sizeof text, "%llu", (unsigned long long)band->rows);
  struct hk__text_style style = {.font = {HK__SMALL_SIZE, false},
                                 .colour = hk__mix(theme->ink, theme->paper, 0.4),
                                 .across = 1,
                                 .max_width = raster->panel.x - NAME_GAP - 4};
  hk__canvas_text(canvas, raster->panel.x - NAME_GAP, band->label_middle + 0.75 * HK__TEXT_SIZE, style, text);
}

static void draw_ids(const struct hk__raster *raster, const struct hk__band *band, struct hk__canvas *canvas)
{
  if (band->rows == 0)
    return;
  uint64_t first = hk_view_id(raster->view, 0, 0), last = hk_view_id(raster->view, 0, band->rows - 1);
  bool gaps = last - first != band->rows - 1;
  double low = gaps ? 0 : (double)first, half = hk__band_row_height(band) / 2;
  struct hk__scale scale = {low, low + (double)band->rows - 1, band->top + half, band->top + band->height - half};
  if (band->rows == 1)
    scale = (struct hk__scale){low - 0.5, low + 0.5, band->top, band->top + band->height};
  char title[128];
  snprintf(title, sizeof title, "%s%.90s", gaps ? "rows of " : "", band->name);
  hk__axis_left(canvas, &scale, raster->panel.x - 3, title, band->colour, true);
}

/* --- rates --- */

static double bin_rate(const struct hk__raster *raster, uint64_t count, uint64_t rows, size_t bin)
{
  double begin = raster->time.low + (double)bin * raster->rate_bin;
  double length = fmin(raster->rate_bin, raster->time.high - begin);
  return rows && length > 0 ? (double)count / (double)rows / length * 1000 : 0;
}

static void draw_rate_line(const struct hk__raster *raster, const struct hk__scale *scale, const uint64_t *counts,
                           uint64_t rows, struct hk__colour colour, struct hk__canvas *canvas)
{
  cairo_t *cairo = hk__canvas_cairo(canvas);
  hk__canvas_colour(canvas, colour, 1);
  cairo_set_line_width(cairo, 0.9);
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_BEVEL);
  cairo_new_path(cairo);
  for (size_t bin = 0; bin < raster->bin_count; bin++) {
    double begin = raster->time.low + (double)bin * raster->rate_bin;
    double y = hk__scale_at(scale, bin_rate(raster, counts[bin], rows, bin));
    cairo_line_to(cairo, hk__scale_at(&raster->time, begin), y);
    cairo_line_to(cairo, hk__scale_at(&raster->time, fmin(begin + raster->rate_bin, raster->time.high)), y);
  }
  cairo_stroke(cairo);
}

static double highest_rate(const struct hk__raster *raster, const uint64_t *counts, uint64_t rows)
{
  double highest = 0;
  for (size_t bin = 0; bin < raster->bin_count; bin++)
    highest = fmax(highest, bin_rate(raster, counts[bin], rows, bin));
  return highest;
}

/* Many lines would be a tangle: beyond some, one line of all populations together. */
static enum hk_status draw_rates(const struct hk__raster *raster, struct hk__canvas *canvas)
{
  const struct hk__theme *theme = hk__canvas_theme(canvas);
  const struct hk__box *panel = &raster->rate_panel;
  bool together = raster->band_count > RATE_LINES_MAX;
  uint64_t *all = calloc(raster->bin_count, sizeof *all), rows = 0;
  if (!all)
    return HK_ERR_MEMORY;
  double highest = 0;
  for (size_t i = 0; i < raster->band_count; i++) {
    const struct hk__band *band = &raster->bands[i];
    for (size_t bin = 0; bin < raster->bin_count; bin++)
      all[bin] += band->rate_counts[bin];
    rows += band->rows;
    if (!together)
      highest = fmax(highest, highest_rate(raster, band->rate_counts, band->rows));
  }
  if (together)
    highest = highest_rate(raster, all, rows);
  highest = highest > 0 ? 1.04 * highest : 1;
  double unit = highest >= 1e7 ? 1e6 : highest >= 1e4 ? 1e3 : 1;
  struct hk__scale scale = {0, highest, panel->y + panel->height, panel->y};
  if (together)
    draw_rate_line(raster, &scale, all, rows, theme->ink, canvas);
  for (size_t i = 0; i < raster->band_count && !together; i++)
    draw_rate_line(raster, &scale, raster->bands[i].rate_counts, raster->bands[i].rows, raster->bands[i].colour,
                   canvas);
  free(all);
  char length[48], text[64];
  const char *hertz = unit == 1 ? "Hz" : unit == 1e3 ? "kHz" : "MHz";
  snprintf(text, sizeof text, "%s (%s)", together ? "mean rate" : "rate", hertz);
  if (hk__canvas_measure(canvas, (struct hk__font){HK__TEXT_SIZE, false}, text).width > panel->height + 8)
    snprintf(text, sizeof text, "%s", hertz);
  scale.high /= unit;
  hk__axis_left(canvas, &scale, panel->x - 3, text, theme->ink, false);
  hk__time_text(raster->rate_bin, length, sizeof length);
  snprintf(text, sizeof text, "bins of %s", length);
  struct hk__text_style style = {
      .font = {HK__SMALL_SIZE, false}, .colour = hk__mix(theme->ink, theme->paper, 0.4), .across = 1, .down = 1};
  hk__canvas_text(canvas, panel->x + panel->width, panel->y - 1, style, text);
  return HK_OK;
}

static void draw_title(const struct hk__raster *raster, struct hk__canvas *canvas)
{
  const char *title = raster->options->picture.title;
  if (!title)
    return;
  struct hk__text_style style = {.font = {11, true},
                                 .colour = hk__canvas_theme(canvas)->ink,
                                 .max_width = raster->options->picture.width - raster->panel.x - 8};
  hk__canvas_text(canvas, raster->panel.x, 7, style, title);
}

/* A trace has the colour of its population's band, if that is shown. */
static size_t trace_colour(const struct hk__raster *raster, const char *path)
{
  struct hk_trace_reader *reader = NULL;
  if (hk_trace_reader_open(path, &reader, NULL) != HK_OK)
    return 0;
  size_t colour = 0;
  for (size_t i = 0; i < raster->band_count; i++)
    if (strcmp(raster->bands[i].name, hk_trace_reader_info(reader).population) == 0)
      colour = i;
  hk_trace_reader_close(reader);
  return colour;
}

static enum hk_status draw_traces(const struct hk__raster *raster, struct hk__canvas *canvas,
                                  struct hk_messages *messages)
{
  size_t count = raster->options->trace_count;
  const struct hk__box *all = &raster->trace_panels;
  enum hk_status status = HK_OK;
  double height = (all->height + TRACE_GAP) / (double)count;
  for (size_t i = 0; i < count && status == HK_OK; i++) {
    struct hk__box box = {all->x, all->y + height * (double)i, all->width, height - TRACE_GAP};
    status = hk__trace_panel(canvas, raster->view, box, &raster->time, raster->options->traces[i],
                             trace_colour(raster, raster->options->traces[i]), messages);
  }
  return status;
}

enum hk_status hk__raster_paint(struct hk__raster *raster, struct hk__canvas *canvas, struct hk_messages *messages)
{
  enum hk_status status = draw_traces(raster, canvas, messages);
  draw_title(raster, canvas);
  for (size_t i = 0; i < raster->band_count && status == HK_OK; i++)
    status = draw_band(raster, &raster->bands[i], canvas);
  if (status != HK_OK)
    return status;
  if (raster->band_count == 1)
    draw_ids(raster, &raster->bands[0], canvas);
  for (size_t i = 0; i < raster->band_count && raster->band_count > 1; i++) {
    draw_name(raster, &raster->bands[i], canvas);
    draw_size(raster, i, canvas);
  }
  if (raster->rate_panel.height > 0)
    status = draw_rates(raster, canvas);
  const struct hk__box *last = raster->rate_panel.height > 0 ? &raster->rate_panel : &raster->panel;
  hk__axis_time(canvas, &raster->time, last->y + last->height + 3);
  return status;
}
