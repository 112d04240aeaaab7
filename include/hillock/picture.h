/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all pictures have in common: size, resolution, look. The ending of a picture's path (.png, .svg, .pdf) says
 * its format; a file appears under its path only once it is whole. */
#ifndef HILLOCK_PICTURE_H
#define HILLOCK_PICTURE_H

#include <stdbool.h>

#include <hillock/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hk_picture {
  double width, height; /* points of 1/72 inch */
  double dpi;           /* of PNG, and of what is drawn as an image in the others */
  bool dark;
  const char *title; /* NULL: none */
};

/* 9 by 6 inches, 150 dpi, light, no title. */
struct hk_picture hk_picture_default(void);

#ifdef __cplusplus
}
#endif
#endif
