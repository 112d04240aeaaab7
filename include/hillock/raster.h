/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rasters: who spiked when. Each population is a band of its own colour, the first on top, its neurons from top to
 * bottom by id; a band's height goes with its number of neurons but for a least height, and beneath are the
 * populations' rates. Few spikes are drawn as ticks, many as density, where a pixel's shade says how many spikes it
 * holds, each band on its own scale. */
#ifndef HILLOCK_RASTER_H
#define HILLOCK_RASTER_H

#include <stdbool.h>
#include <stddef.h>

#include <hillock/picture.h>
#include <hillock/status.h>
#include <hillock/view.h>

#ifdef __cplusplus
extern "C" {
#endif

enum hk_raster_style { HK_RASTER_AUTO, HK_RASTER_TICKS, HK_RASTER_DENSITY };

struct hk_raster_options {
  struct hk_picture picture;
  enum hk_raster_style style; /* AUTO: ticks while they leave room between them */
  double rate_bin;            /* ms; 0: a round length that suits the picture */
  bool no_rate;               /* no rates beneath */
  const char *const *traces;  /* SONATA report files, each drawn above the raster */
  size_t trace_count;
};

struct hk_raster_options hk_raster_options_default(void);

/* Errors: HK_ERR_INPUT (an ending that is no format, a size that is no picture), HK_ERR_IO, HK_ERR_MEMORY, and those
 * of hk_view_scan. */
enum hk_status hk_raster_draw(struct hk_view *view, const struct hk_raster_options *options, const char *path,
                              struct hk_messages *messages);

struct hk_raster_screen {
  int columns, lines;
  bool utf8;   /* dots of Braille, else plain characters */
  bool colour; /* by ANSI's 24-bit sequences */
};

/* A raster in characters, lines ended by newlines. The text must be freed with free(). Errors as above. */
enum hk_status hk_raster_print(struct hk_view *view, const struct hk_raster_screen *screen, char **text,
                               struct hk_messages *messages);

#ifdef __cplusplus
}
#endif
#endif
