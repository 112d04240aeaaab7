/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a raster is made: laid out from names and sizes alone, filled by one pass over the spikes, then drawn. */
#ifndef HK__VIEW_RASTER_PARTS_H
#define HK__VIEW_RASTER_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include <hillock/raster.h>

#include "view/axis.h"
#include "view/canvas.h"

struct hk__tick {
  double time;
  uint64_t row;
};

/* One population. Spikes are counted into the cells as they come, and kept as ticks while there are few of them. */
struct hk__band {
  const char *name; /* the view's */
  uint64_t rows;
  double top, height; /* points */
  struct hk__colour colour;
  double label_middle; /* where its name goes; NAN: nowhere, there are too many */

  size_t columns, lines; /* of the cells; lines at most rows */
  uint32_t *cells;
  struct hk__tick *ticks;
  size_t tick_count, tick_limit;
  bool overflowed; /* there are more spikes than ticks kept */

  uint64_t count;
  uint64_t *rate_counts; /* per bin */
};

struct hk__raster {
  struct hk_view *view;
  const struct hk_raster_options *options;
  struct hk__band *bands;
  size_t band_count;
  struct hk__box panel, rate_panel; /* rate_panel.height 0: none */
  struct hk__box trace_panels;      /* all of them; height 0: none */
  struct hk__scale time;            /* ends after it begins, even where the view does not */
  bool density;                     /* all bands alike, once one of them has too many spikes for ticks */
  double label_size;
  double rate_bin;
  size_t bin_count;
};

/* Sets everything but the contents of cells, ticks and rate_counts, which are made zero. */
enum hk_status hk__raster_lay_out(struct hk__raster *raster, struct hk__canvas *canvas);
void hk__raster_clear(struct hk__raster *raster);

enum hk_status hk__raster_collect(struct hk__raster *raster, struct hk_messages *messages);

enum hk_status hk__raster_paint(struct hk__raster *raster, struct hk__canvas *canvas, struct hk_messages *messages);

/* Points that a row and its tick take. */
double hk__band_row_height(const struct hk__band *band);
double hk__band_tick_height(const struct hk__band *band);
double hk__tick_width(const struct hk__canvas *canvas);

#endif
