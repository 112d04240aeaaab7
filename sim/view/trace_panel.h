/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A SONATA report drawn over time: a line for each of its first neurons. */
#ifndef HK__VIEW_TRACE_PANEL_H
#define HK__VIEW_TRACE_PANEL_H

#include "view/axis.h"

/* The lines have the series' colours from first_colour on. Draws into the box, its width being that of the scale of
 * time (ms), with an axis on the left and the neurons' ids above. Memory goes with the box, not with the report.
 * Errors: those of hk_trace_reader_open and of reading. */
enum hk_status hk__trace_panel(struct hk__canvas *canvas, struct hk__box box, const struct hk__scale *time,
                               const char *path, size_t first_colour, struct hk_messages *messages);

#endif
