/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scales, round ticks, and axes with units that suit what they show. */
#ifndef HK__VIEW_AXIS_H
#define HK__VIEW_AXIS_H

#include <hillock/view.h>

#include "view/canvas.h"

enum { HK__TICKS_MAX = 24 };

/* What all axes of all pictures are set in. */
enum { HK__TEXT_SIZE = 9, HK__SMALL_SIZE = 8 };

/* Values low .. high lie at points start .. end; low < high. */
struct hk__scale {
  double low, high, start, end;
};

double hk__scale_at(const struct hk__scale *scale, double value);

/* A step of 1, 2 or 5 times a power of ten, at least `least` (> 0). */
double hk__round_step(double least);

struct hk__ticks {
  size_t count;
  double values[HK__TICKS_MAX];
  char labels[HK__TICKS_MAX][32];
};

/* Round values within low .. high, at most `most` (1 .. HK__TICKS_MAX) of them. */
struct hk__ticks hk__ticks_pick(double low, double high, size_t most, bool whole);

/* How times are shown: (time - origin) / unit_ms. The origin is 0 but where the span is short and far from 0. */
struct hk__time_unit {
  const char *name;
  double unit_ms, origin;
};

struct hk__time_unit hk__time_unit_for(double from, double to);

/* A time or length of time in the unit that suits it: "20 ms", "1.5 h". */
void hk__time_text(double ms, char *text, size_t length);

/* The span of a view on start .. end, made a little longer where it has no length. */
struct hk__scale hk__time_scale(const struct hk_view *view, double start, double end);

/* An axis of time beneath y, `scale` in ms: line, ticks, labels, title. */
void hk__axis_time(struct hk__canvas *canvas, const struct hk__scale *scale, double y);

/* The same of plain values, with a title such as "interval (ms)". */
void hk__axis_across(struct hk__canvas *canvas, const struct hk__scale *scale, double y, const char *title);

/* An axis of values left of x, its title turned. The title is left out where the
 * page ends. Returns the room taken. title may be NULL. */
double hk__axis_left(struct hk__canvas *canvas, const struct hk__scale *scale, double x, const char *title,
                     struct hk__colour title_colour, bool whole);

#endif
