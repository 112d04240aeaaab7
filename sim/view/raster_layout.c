/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From top to bottom: title, traces, bands, rates, axis of time; left of the bands their names, or the axis of ids
 * where there is one population. Bands share the panel by their numbers of neurons, each having at least an equal part
 * of a third of it. Names that would overlap are moved apart, made smaller, and where even that is not enough only
 * every second, third, ... is shown. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "view/raster_parts.h"

enum {
  MARGIN = 8,
  ID_ROOM = 8,
  PANEL_GAP = 15,
  BAND_GAP = 2,
  NAME_GAP = 8,
  AXIS_ROOM = 30,
  AXIS_LEFT_ROOM = 52,
  TICKS_LIMIT = 40000
};

/* The share of a band that ticks may cover before they become density. */
static const double cover_limit = 0.35;

/* Points across a cell of density: as fine as a tick is wide. */
static const double cell_size = 0.8;

double hk__band_row_height(const struct hk__band *band)
{
  return band->height / (double)(band->rows ? band->rows : 1);
}

double hk__band_tick_height(const struct hk__band *band)
{
  return fmin(14, fmax(1.1, 0.8 * hk__band_row_height(band)));
}

double hk__tick_width(const struct hk__canvas *canvas)
{
  return fmax(0.7, hk__canvas_is_vector(canvas) ? 0 : hk__canvas_pixel(canvas));
}

static double left_room(const struct hk__raster *raster, struct hk__canvas *canvas)
{
  double room = AXIS_LEFT_ROOM, widest = 0;
  if (raster->band_count == 1 && raster->bands[0].rows > 0) {
    char text[32];
    snprintf(text, sizeof text, "%.7g", (double)hk_view_id(raster->view, 0, raster->bands[0].rows - 1));
    widest = hk__canvas_measure(canvas, (struct hk__font){HK__TEXT_SIZE, false}, text).width + 2.5 * HK__TEXT_SIZE;
  }
  if (raster->band_count != 1)
    for (size_t i = 0; i < raster->band_count; i++)
      widest =
          fmax(widest, hk__canvas_measure(canvas, (struct hk__font){HK__TEXT_SIZE, true}, raster->bands[i].name).width +
                           NAME_GAP);
  return fmax(room, fmin(widest, 0.25 * raster->options->picture.width));
}

static void place_panels(struct hk__raster *raster, struct hk__canvas *canvas)
{
  const struct hk_picture *picture = &raster->options->picture;
  double left = hk__canvas_snap(canvas, MARGIN + left_room(raster, canvas));
  double right = hk__canvas_snap(canvas, picture->width - 2 * MARGIN);
  double top = hk__canvas_snap(canvas, MARGIN + (picture->title ? 20 : 0));
  double bottom = hk__canvas_snap(canvas, picture->height - MARGIN - AXIS_ROOM);
  double height = bottom - top;
  if (raster->options->trace_count > 0) {
    double share = fmin(0.5, 0.22 * (double)raster->options->trace_count);
    top += ID_ROOM;
    raster->trace_panels = (struct hk__box){left, top, right - left, share * height};
    top = hk__canvas_snap(canvas, top + share * height + PANEL_GAP);
  }
  if (!raster->options->no_rate) {
    double rate_height = hk__canvas_snap(canvas, fmin(0.3 * height, fmax(48, 0.19 * height)));
    raster->rate_panel = (struct hk__box){left, bottom - rate_height, right - left, rate_height};
    bottom = hk__canvas_snap(canvas, bottom - rate_height - PANEL_GAP);
  }
  raster->panel = (struct hk__box){left, top, right - left, bottom - top};
}

/* Heights such that each is at least `least` and the rest goes by rows. */
static void share_out(struct hk__raster *raster, double height, double least)
{
  double fixed = 0, rows = 0;
  for (size_t i = 0; i < raster->band_count; i++) {
    rows += (double)raster->bands[i].rows;
    raster->bands[i].height = 0;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < raster->band_count; i++) {
      struct hk__band *band = &raster->bands[i];
      if (band->height > 0 || (rows > 0 && (height - fixed) * (double)band->rows / rows > least))
        continue;
      band->height = least;
      fixed += least;
      rows -= (double)band->rows;
      changed = true;
    }
  }
  for (size_t i = 0; i < raster->band_count; i++)
    if (raster->bands[i].height == 0)
      raster->bands[i].height = (height - fixed) * (double)raster->bands[i].rows / rows;
}

static void place_bands(struct hk__raster *raster, struct hk__canvas *canvas)
{
  double n = (double)raster->band_count, gap = fmin(BAND_GAP, 0.2 * raster->panel.height / fmax(n, 1));
  double height = raster->panel.height - gap * (n - 1);
  share_out(raster, height, height / (3 * fmax(n, 1)));
  double y = raster->panel.y;
  for (size_t i = 0; i < raster->band_count; i++) {
    struct hk__band *band = &raster->bands[i];
    double top = hk__canvas_snap(canvas, y), bottom = hk__canvas_snap(canvas, y + band->height);
    y += band->height + gap;
    band->top = top;
    band->height = fmax(bottom - top, hk__canvas_pixel(canvas));
  }
}

/* Moves labels of the given height, wished for at their bands' middles, apart and into the panel. Neighbours that
 * would overlap join to a group around the mean of their wishes, which moves them least (isotonic regression). */
static enum hk_status spread(struct hk__raster *raster, double height, size_t every)
{
  struct group {
    double sum;
    size_t count;
  } *groups = calloc(raster->band_count + 1, sizeof *groups);
  if (!groups)
    return HK_ERR_MEMORY;
  size_t group_count = 0, labels = 0;
  for (size_t i = 0; i < raster->band_count; i++) {
    struct hk__band *band = &raster->bands[i];
    band->label_middle = NAN;
    if (i % every != 0)
      continue;
    groups[group_count++] = (struct group){band->top + band->height / 2 - height * (double)labels++, 1};
    for (; group_count > 1; group_count--) {
      struct group *last = &groups[group_count - 1], *before = last - 1;
      if (before->sum / (double)before->count <= last->sum / (double)last->count)
        break;
      before->sum += last->sum;
      before->count += last->count;
    }
  }
  double start = raster->panel.y - HK__TEXT_SIZE / 2.0 + height / 2;
  double end = raster->panel.y + raster->panel.height + HK__TEXT_SIZE / 2.0 - height / 2;
  size_t label = 0, used = 0, group = 0;
  for (size_t i = 0; i < raster->band_count; i += every, label++, used++) {
    if (used == groups[group].count) {
      group++;
      used = 0;
    }
    double low = start + height * (double)label, high = end - height * (double)(labels - 1 - label);
    double middle = groups[group].sum / (double)groups[group].count + height * (double)label;
    raster->bands[i].label_middle = fmax(low, fmin(high, middle));
  }
  free(groups);
  return HK_OK;
}

static enum hk_status place_labels(struct hk__raster *raster, struct hk__canvas *canvas)
{
  double room = raster->panel.height + HK__TEXT_SIZE, height = 0;
  raster->label_size = HK__TEXT_SIZE;
  for (size_t i = 0; i < raster->band_count; i++)
    height =
        fmax(height, hk__canvas_measure(canvas, (struct hk__font){HK__TEXT_SIZE, true}, raster->bands[i].name).height);
  double least_size = 6;
  if (height * (double)raster->band_count > room) {
    raster->label_size = fmax(least_size, HK__TEXT_SIZE * room / (height * (double)raster->band_count));
    height *= raster->label_size / HK__TEXT_SIZE;
  }
  size_t every = 1;
  while (height * ceil((double)raster->band_count / (double)every) > room)
    every++;
  return spread(raster, height, every);
}

static enum hk_status make_cells(struct hk__raster *raster, struct hk__canvas *canvas)
{
  double pixel = hk__canvas_pixel(canvas), cell = pixel * fmax(1, round(cell_size / pixel));
  for (size_t i = 0; i < raster->band_count; i++) {
    struct hk__band *band = &raster->bands[i];
    double lines = fmax(1, round(band->height / cell));
    band->columns = (size_t)fmax(1, round(raster->panel.width / cell));
    band->lines = (double)band->rows < lines ? (size_t)(band->rows ? band->rows : 1) : (size_t)lines;
    double tick_area = hk__tick_width(canvas) * hk__band_tick_height(band);
    double limit = fmin(TICKS_LIMIT, cover_limit * raster->panel.width * band->height / tick_area);
    if (raster->options->style != HK_RASTER_AUTO)
      limit = raster->options->style == HK_RASTER_TICKS ? 4e6 : 0;
    band->tick_limit = (size_t)limit;
    band->cells = calloc(band->columns * band->lines, sizeof *band->cells);
    band->ticks = malloc((band->tick_limit + 1) * sizeof *band->ticks);
    band->rate_counts = calloc(raster->bin_count + 1, sizeof *band->rate_counts);
    if (!band->cells || !band->ticks || !band->rate_counts)
      return HK_ERR_MEMORY;
  }
  return HK_OK;
}

static void set_time(struct hk__raster *raster)
{
  raster->time = hk__time_scale(raster->view, raster->panel.x, raster->panel.x + raster->panel.width);
  double length = raster->time.high - raster->time.low;
  double least = length / fmin(400, fmax(20, raster->panel.width / 1.5));
  raster->rate_bin = raster->options->rate_bin > 0 ? raster->options->rate_bin : hk__round_step(least);
  double bins = ceil(length / raster->rate_bin - 1e-9);
  if (bins > 20000) {
    raster->rate_bin = length / 20000;
    bins = 20000;
  }
  raster->bin_count = (size_t)fmax(1, bins);
}

enum hk_status hk__raster_lay_out(struct hk__raster *raster, struct hk__canvas *canvas)
{
  raster->band_count = hk_view_population_count(raster->view);
  raster->bands = calloc(raster->band_count ? raster->band_count : 1, sizeof *raster->bands);
  if (!raster->bands) {
    raster->band_count = 0;
    return HK_ERR_MEMORY;
  }
  for (size_t i = 0; i < raster->band_count; i++) {
    struct hk_view_population population = hk_view_population(raster->view, i);
    raster->bands[i].name = population.name;
    raster->bands[i].rows = population.rows;
    raster->bands[i].colour = hk__series_colour(hk__canvas_theme(canvas), i);
  }
  place_panels(raster, canvas);
  set_time(raster);
  place_bands(raster, canvas);
  enum hk_status status = place_labels(raster, canvas);
  return status == HK_OK ? make_cells(raster, canvas) : status;
}

void hk__raster_clear(struct hk__raster *raster)
{
  for (size_t i = 0; i < raster->band_count; i++) {
    free(raster->bands[i].cells);
    free(raster->bands[i].ticks);
    free(raster->bands[i].rate_counts);
  }
  free(raster->bands);
  raster->bands = NULL;
  raster->band_count = 0;
}
