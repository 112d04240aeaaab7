/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/raster.h>

#include "view/raster_parts.h"

struct hk_raster_options hk_raster_options_default(void)
{
  return (struct hk_raster_options){.picture = hk_picture_default()};
}

enum hk_status hk_raster_draw(struct hk_view *view, const struct hk_raster_options *options, const char *path,
                              struct hk_messages *messages)
{
  struct hk_raster_options preset = hk_raster_options_default();
  struct hk__raster raster = {.view = view, .options = options ? options : &preset};
  struct hk__canvas *canvas = NULL;
  enum hk_status status = hk__canvas_create(path, &raster.options->picture, &canvas, messages);
  if (status == HK_OK)
    status = hk__raster_lay_out(&raster, canvas);
  if (status == HK_OK)
    status = hk__raster_collect(&raster, messages);
  if (status == HK_OK)
    status = hk__raster_paint(&raster, canvas, messages);
  hk__raster_clear(&raster);
  if (status != HK_OK) {
    hk__canvas_destroy(canvas);
    return status;
  }
  return hk__canvas_finish(canvas, messages);
}
