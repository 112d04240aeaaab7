/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A page to draw on with Cairo, in points, whatever the format it is written in. All text goes through hk__canvas_text,
 * which remembers where it stands, so that a test can see whether any two texts overlap. */
#ifndef HK__VIEW_CANVAS_H
#define HK__VIEW_CANVAS_H

#include <cairo.h>

#include <hillock/picture.h>
#include <hillock/status.h>

struct hk__colour {
  double r, g, b;
};

struct hk__box {
  double x, y, width, height;
};

struct hk__theme {
  struct hk__colour paper, ink, faint; /* faint: grid lines, secondary text is halfway */
  const struct hk__colour *series;     /* told apart by colour-blind people too */
  size_t series_count;
};

const struct hk__theme *hk__theme(bool dark);
struct hk__colour hk__series_colour(const struct hk__theme *theme, size_t index); /* repeats past the end */
struct hk__colour hk__mix(struct hk__colour a, struct hk__colour b, double share_of_b);

struct hk__canvas;

/* Errors: HK_ERR_INPUT (no format, or no size, that can be drawn), HK_ERR_IO, HK_ERR_MEMORY. */
enum hk_status hk__canvas_create(const char *path, const struct hk_picture *picture, struct hk__canvas **out,
                                 struct hk_messages *messages);

/* Writes the file under its path. The canvas is gone in any case. */
enum hk_status hk__canvas_finish(struct hk__canvas *canvas, struct hk_messages *messages);
void hk__canvas_destroy(struct hk__canvas *canvas); /* writes nothing; NULL is fine */

cairo_t *hk__canvas_cairo(struct hk__canvas *canvas);
const struct hk__theme *hk__canvas_theme(const struct hk__canvas *canvas);
double hk__canvas_snap(const struct hk__canvas *canvas, double x); /* to the nearest border between two pixels */
double hk__canvas_pixel(const struct hk__canvas *canvas);          /* points per pixel */
bool hk__canvas_is_vector(const struct hk__canvas *canvas);

void hk__canvas_colour(struct hk__canvas *canvas, struct hk__colour colour, double alpha);

struct hk__font {
  double size; /* points */
  bool bold;
};

/* Where a text stands relative to its point: 0 begins there, 0.5 is centred, 1 ends there. */
struct hk__text_style {
  struct hk__font font;
  struct hk__colour colour;
  double across, down;
  double max_width; /* ellipsized beyond it; 0: no limit */
  bool upwards;     /* turned to be read from bottom to top; across and down stay those of the page */
};

struct hk__box hk__canvas_measure(struct hk__canvas *canvas, struct hk__font font, const char *text);
struct hk__box hk__canvas_text(struct hk__canvas *canvas, double x, double y, struct hk__text_style style,
                               const char *text);

/* The texts drawn so far. */
size_t hk__canvas_box_count(const struct hk__canvas *canvas);
struct hk__box hk__canvas_box(const struct hk__canvas *canvas, size_t index);

#endif
