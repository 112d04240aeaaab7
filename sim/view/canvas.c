/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The surface is an image for PNG, and a stream into `file` for SVG and PDF. Either way the bytes go to `partial`,
 * which takes the place of `path` when all of them are there. */
#include "view/canvas.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <errno.h>
#include <math.h>
#include <pango/pangocairo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum format { FORMAT_NONE, FORMAT_PNG, FORMAT_SVG, FORMAT_PDF };

struct hk__canvas {
  enum format format;
  char *path, *partial;
  FILE *file;
  int failure; /* errno of the first failure to write: not all surfaces remember theirs */
  cairo_surface_t *surface;
  cairo_t *cairo;
  PangoLayout *layout;
  const struct hk__theme *theme;
  double width, height, dpi;
  struct hk__box *boxes;
  size_t box_count, box_capacity;
};

#define RGB(hex)                                                                 \
  {                                                                              \
    ((hex) >> 16 & 255) / 255.0, ((hex) >> 8 & 255) / 255.0, ((hex)&255) / 255.0 \
  }

/* Okabe and Ito's colours and a violet, their order chosen so that neighbours differ in lightness too; yellow only on
 * dark paper. Eight, as many populations as a cortical microcircuit has. */
static const struct hk__colour light_series[] = {RGB(0x0072b2), RGB(0xd55e00), RGB(0x009e73), RGB(0xcc79a7),
                                                 RGB(0xe69f00), RGB(0x56b4e9), RGB(0x555555), RGB(0x7a3fb5)};
static const struct hk__colour dark_series[] = {RGB(0x56b4e9), RGB(0xe69f00), RGB(0x1fc795), RGB(0xe08fbe),
                                                RGB(0xf0e442), RGB(0xf07830), RGB(0xbbbbbb), RGB(0xb69cf0)};
static const struct hk__theme light = {RGB(0xffffff), RGB(0x222222), RGB(0xdddddd), light_series,
                                       sizeof light_series / sizeof *light_series};
static const struct hk__theme dark = {RGB(0x16181d), RGB(0xe6e6e6), RGB(0x3a3f48), dark_series,
                                      sizeof dark_series / sizeof *dark_series};

const struct hk__theme *hk__theme(bool is_dark)
{
  return is_dark ? &dark : &light;
}

struct hk__colour hk__series_colour(const struct hk__theme *theme, size_t index)
{
  return theme->series[index % theme->series_count];
}

struct hk__colour hk__mix(struct hk__colour a, struct hk__colour b, double share)
{
  return (struct hk__colour){a.r + share * (b.r - a.r), a.g + share * (b.g - a.g), a.b + share * (b.b - a.b)};
}

struct hk_picture hk_picture_default(void)
{
  return (struct hk_picture){.width = 648, .height = 432, .dpi = 150};
}

static enum format format_of(const char *path)
{
  static const struct {
    const char *ending;
    enum format format;
  } formats[] = {{".png", FORMAT_PNG}, {".svg", FORMAT_SVG}, {".pdf", FORMAT_PDF}};
  size_t length = strlen(path);
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (length > 4 && strcasecmp(path + length - 4, formats[i].ending) == 0)
      return formats[i].format;
  return FORMAT_NONE;
}

static cairo_status_t write_bytes(void *closure, const unsigned char *data, unsigned length)
{
  struct hk__canvas *canvas = closure;
  if (fwrite(data, 1, length, canvas->file) == length)
    return CAIRO_STATUS_SUCCESS;
  canvas->failure = canvas->failure ? canvas->failure : errno;
  return CAIRO_STATUS_WRITE_ERROR;
}

static enum hk_status check_picture(const char *path, enum format format, const struct hk_picture *picture,
                                    struct hk_messages *messages)
{
  if (format == FORMAT_NONE) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "%s: a picture's name must end in .png, .svg or .pdf", path);
    return HK_ERR_INPUT;
  }
  double scale = picture->dpi / 72;
  if (!(picture->dpi >= 10 && picture->dpi <= 2400)) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "a resolution of %g dpi is outside of 10 to 2400", picture->dpi);
    return HK_ERR_INPUT;
  }
  if (!(picture->width >= 144 && picture->height >= 108 && picture->width * scale <= 20000 &&
        picture->height * scale <= 20000)) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL,
                    "a picture of %g by %g inches at %g dpi cannot be drawn: it must be at least 2 by 1.5 inches and "
                    "at most 20000 pixels in each direction",
                    picture->width / 72, picture->height / 72, picture->dpi);
    return HK_ERR_INPUT;
  }
  return HK_OK;
}

static enum hk_status open_surface(struct hk__canvas *canvas)
{
  double scale = canvas->dpi / 72;
  if (canvas->format == FORMAT_PNG)
    canvas->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)lround(canvas->width * scale),
                                                 (int)lround(canvas->height * scale));
  else if (canvas->format == FORMAT_SVG)
    canvas->surface = cairo_svg_surface_create_for_stream(write_bytes, canvas, canvas->width, canvas->height);
  else
    canvas->surface = cairo_pdf_surface_create_for_stream(write_bytes, canvas, canvas->width, canvas->height);
  canvas->cairo = cairo_create(canvas->surface);
  if (cairo_status(canvas->cairo) != CAIRO_STATUS_SUCCESS)
    return HK_ERR_MEMORY;
  if (canvas->format == FORMAT_PNG)
    cairo_scale(canvas->cairo, scale, scale);
  cairo_font_options_t *options = cairo_font_options_create();
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  canvas->layout = pango_cairo_create_layout(canvas->cairo);
  pango_cairo_context_set_font_options(pango_layout_get_context(canvas->layout), options);
  cairo_font_options_destroy(options);
  pango_layout_set_single_paragraph_mode(canvas->layout, TRUE);
  hk__canvas_colour(canvas, canvas->theme->paper, 1);
  cairo_paint(canvas->cairo);
  return HK_OK;
}

enum hk_status hk__canvas_create(const char *path, const struct hk_picture *picture, struct hk__canvas **out,
                                 struct hk_messages *messages)
{
  enum format format = format_of(path);
  enum hk_status status = check_picture(path, format, picture, messages);
  if (status != HK_OK)
    return status;
  struct hk__canvas *canvas = calloc(1, sizeof *canvas);
  if (!canvas)
    return HK_ERR_MEMORY;
  *canvas = (struct hk__canvas){.format = format,
                                .theme = hk__theme(picture->dark),
                                .width = picture->width,
                                .height = picture->height,
                                .dpi = picture->dpi,
                                .path = strdup(path)};
  if (!canvas->path || asprintf(&canvas->partial, "%s.part", path) < 0) {
    canvas->partial = NULL;
    hk__canvas_destroy(canvas);
    return HK_ERR_MEMORY;
  }
  canvas->file = fopen(canvas->partial, "wb");
  if (!canvas->file) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "%s cannot be written: %s", path, strerror(errno));
    hk__canvas_destroy(canvas);
    return HK_ERR_IO;
  }
  if ((status = open_surface(canvas)) != HK_OK) {
    hk__canvas_destroy(canvas);
    return status;
  }
  *out = canvas;
  return HK_OK;
}

void hk__canvas_destroy(struct hk__canvas *canvas)
{
  if (!canvas)
    return;
  if (canvas->layout)
    g_object_unref(canvas->layout);
  if (canvas->cairo)
    cairo_destroy(canvas->cairo);
  if (canvas->surface) {
    cairo_surface_finish(canvas->surface);
    cairo_surface_destroy(canvas->surface);
  }
  if (canvas->file) {
    fclose(canvas->file);
    unlink(canvas->partial);
  }
  free(canvas->path);
  free(canvas->partial);
  free(canvas->boxes);
  free(canvas);
}

enum hk_status hk__canvas_finish(struct hk__canvas *canvas, struct hk_messages *messages)
{
  cairo_status_t drawn = cairo_status(canvas->cairo), written;
  cairo_surface_flush(canvas->surface);
  if (canvas->format == FORMAT_PNG) {
    written = cairo_surface_write_to_png_stream(canvas->surface, write_bytes, canvas);
  } else {
    cairo_show_page(canvas->cairo);
    cairo_surface_finish(canvas->surface);
    written = cairo_surface_status(canvas->surface);
  }
  enum hk_status status = drawn == CAIRO_STATUS_NO_MEMORY ? HK_ERR_MEMORY : HK_OK;
  if (status == HK_OK && drawn != CAIRO_STATUS_SUCCESS) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "%s: drawing failed: %s", canvas->path,
                    cairo_status_to_string(drawn));
    status = HK_ERR_BUG;
  }
  if (!canvas->failure && (fflush(canvas->file) != 0 || (status == HK_OK && written == CAIRO_STATUS_SUCCESS &&
                                                         rename(canvas->partial, canvas->path) != 0)))
    canvas->failure = errno;
  if (status == HK_OK && (canvas->failure || written != CAIRO_STATUS_SUCCESS)) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "%s could not be written: %s", canvas->path,
                    canvas->failure ? strerror(canvas->failure) : cairo_status_to_string(written));
    status = HK_ERR_IO;
  }
  hk__canvas_destroy(canvas);
  return status;
}

cairo_t *hk__canvas_cairo(struct hk__canvas *canvas)
{
  return canvas->cairo;
}

const struct hk__theme *hk__canvas_theme(const struct hk__canvas *canvas)
{
  return canvas->theme;
}

double hk__canvas_pixel(const struct hk__canvas *canvas)
{
  return 72 / canvas->dpi;
}

double hk__canvas_snap(const struct hk__canvas *canvas, double x)
{
  return round(x * canvas->dpi / 72) * 72 / canvas->dpi;
}

bool hk__canvas_is_vector(const struct hk__canvas *canvas)
{
  return canvas->format != FORMAT_PNG;
}

void hk__canvas_colour(struct hk__canvas *canvas, struct hk__colour colour, double alpha)
{
  cairo_set_source_rgba(canvas->cairo, colour.r, colour.g, colour.b, alpha);
}

/* --- text --- */

static struct hk__box lay_out(struct hk__canvas *canvas, struct hk__font font, double max_width, const char *text)
{
  PangoFontDescription *description = pango_font_description_from_string("Sans");
  pango_font_description_set_absolute_size(description, font.size * PANGO_SCALE);
  if (font.bold)
    pango_font_description_set_weight(description, PANGO_WEIGHT_BOLD);
  pango_layout_set_font_description(canvas->layout, description);
  pango_font_description_free(description);
  pango_layout_set_width(canvas->layout, max_width > 0 ? (int)(max_width * PANGO_SCALE) : -1);
  pango_layout_set_ellipsize(canvas->layout, max_width > 0 ? PANGO_ELLIPSIZE_END : PANGO_ELLIPSIZE_NONE);
  char *valid = g_utf8_make_valid(text, -1);
  pango_layout_set_text(canvas->layout, valid, -1);
  g_free(valid);
  PangoRectangle logical;
  pango_layout_get_extents(canvas->layout, NULL, &logical);
  return (struct hk__box){(double)logical.x / PANGO_SCALE, 0, (double)logical.width / PANGO_SCALE,
                          (double)logical.height / PANGO_SCALE};
}

struct hk__box hk__canvas_measure(struct hk__canvas *canvas, struct hk__font font, const char *text)
{
  return lay_out(canvas, font, 0, text);
}

/* A box that there is no memory for is not remembered: only tests ask for boxes. */
static void remember(struct hk__canvas *canvas, struct hk__box box)
{
  if (canvas->box_count == canvas->box_capacity) {
    size_t capacity = canvas->box_capacity ? 2 * canvas->box_capacity : 64;
    struct hk__box *boxes = realloc(canvas->boxes, capacity * sizeof *boxes);
    if (!boxes)
      return;
    canvas->boxes = boxes;
    canvas->box_capacity = capacity;
  }
  canvas->boxes[canvas->box_count++] = box;
}

struct hk__box hk__canvas_text(struct hk__canvas *canvas, double x, double y, struct hk__text_style style,
                               const char *text)
{
  struct hk__box ink = lay_out(canvas, style.font, style.max_width, text);
  double width = style.upwards ? ink.height : ink.width, height = style.upwards ? ink.width : ink.height;
  struct hk__box box = {x - style.across * width, y - style.down * height, width, height};
  hk__canvas_colour(canvas, style.colour, 1);
  cairo_save(canvas->cairo);
  cairo_translate(canvas->cairo, box.x, style.upwards ? box.y + height : box.y);
  if (style.upwards)
    cairo_rotate(canvas->cairo, -M_PI / 2);
  cairo_move_to(canvas->cairo, -ink.x, 0);
  pango_cairo_show_layout(canvas->cairo, canvas->layout);
  cairo_restore(canvas->cairo);
  remember(canvas, box);
  return box;
}

size_t hk__canvas_box_count(const struct hk__canvas *canvas)
{
  return canvas->box_count;
}

struct hk__box hk__canvas_box(const struct hk__canvas *canvas, size_t index)
{
  return canvas->boxes[index];
}
