/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands that look at a result share: the options that choose from it and the pictures' options. */
#ifndef HK__LOOK_H
#define HK__LOOK_H

#include <stdbool.h>

#include <hillock/picture.h>
#include <hillock/view.h>

#include "options.h"

struct look {
  struct arguments arguments;
  const char *result; /* the path given */
  const char *output; /* -o; NULL */
  struct hk_selection selection;
  const char **populations;
  struct hk_id_range *neurons;
  struct hk_population_size *sizes;
  struct hk_picture picture;
  struct hk_messages *messages;
  bool complained; /* about the arguments */
};

/* The first rows of a command's table of options, and their indices; a command's own rows begin at LOOK_OWN or, where
 * it makes pictures, at PICTURE_OWN. */
/* clang-format off */
#define LOOK_ROWS(output_help)                                                             \
  {"output", 'o', "FILE", output_help},                                                    \
  {"from", 0, "T", "only from this time on: 100 ms, 1.5 s"},                               \
  {"to", 0, "T", "only up to this time"},                                                  \
  {"population", 0, "NAME", "only this population; may be repeated"},                      \
  {"neurons", 0, "IDS", "only these neurons of each population: 0-99,200"},                \
  {"population-size", 0, "NAME=N", "how many neurons a population has, where the file\n"   \
                                   "does not say; may be repeated"}
#define PICTURE_ROWS                                                                       \
  {"size", 0, "WxH", "size of the picture: 18x12cm, 9x6in, 1600x900px"},                   \
  {"dpi", 0, "N", "resolution of PNG, and of density in SVG and PDF; default 150"},        \
  {"dark", 0, NULL, "light on dark"},                                                      \
  {"title", 0, "TEXT", "a title above the picture"}
/* clang-format on */
enum { LOOK_OWN = 6, PICTURE_OWN = LOOK_OWN + 4 }; /* where own rows begin that follow those */

/* A command that looks at a result. `take` is given the other options by their index, `act` does the work; both get
 * the context. */
struct look_command {
  struct usage usage;
  enum hk_status (*take)(void *context, int option, const char *value);
  enum hk_status (*act)(void *context);
};

/* Reads the arguments, acts, tells what there is to tell, and returns the exit code. The context holds the look. */
int look_main(struct look *look, const struct look_command *command, void *context, int argc, char **argv);

enum hk_status look_open(struct look *look, struct hk_view **out);

/* Where text goes: NULL for standard output, which is what "-" means too. */
const char *look_text_output(const struct look *look);

/* What options ask for; a mistake is explained and HK_ERR_INPUT. look_time: "20 ms", "1.5s", to ms; look_length: the
 * same, above 0. look_number: no unit, at least `least`. */
enum hk_status look_time(struct look *look, const char *name, const char *text, double *ms);
enum hk_status look_length(struct look *look, const char *name, const char *text, double *ms);
enum hk_status look_number(struct look *look, const char *name, const char *text, double least, double *value);

/* As wrong_usage, as a status. */
__attribute__((format(printf, 2, 3))) enum hk_status look_wrong(struct look *look, const char *format, ...);

#endif
