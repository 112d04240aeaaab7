/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A SONATA report drawn over time: a line for each of the first neurons that the view selects. */
#ifndef HK__VIEW_TRACE_PANEL_H
#define HK__VIEW_TRACE_PANEL_H

#include <hillock/traces.h>

#include "view/axis.h"

/* The places, in a row of the report, of the first neurons that the view selects, at most `most`; returns how many.
 * *selected: how many it selects in all. */
size_t hk__trace_places(const struct hk_view *view, const struct hk_trace_info *info, size_t most, size_t *places,
                        size_t *selected);

/* The lines have the series' colours from first_colour on. Draws into the box, its width being that of the scale of
 * time (ms), with an axis on the left and the neurons' ids above. Memory goes with the box, not with the report.
 * Errors: those of hk_trace_reader_open and of reading. */
enum hk_status hk__trace_panel(struct hk__canvas *canvas, const struct hk_view *view, struct hk__box box,
                               const struct hk__scale *time, const char *path, size_t first_colour,
                               struct hk_messages *messages);

#endif
