/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands that look at a result share: the arguments that choose from it, the pictures' arguments, and how
 * messages are told. */
#ifndef HK__LOOK_H
#define HK__LOOK_H

#include <getopt.h>
#include <stdbool.h>

#include <hillock/picture.h>
#include <hillock/view.h>

struct look {
  const char *command; /* "raster" */
  const char *result;  /* the path given */
  const char *output;  /* -o; NULL */
  struct hk_selection selection;
  const char **populations;
  struct hk_id_range *neurons;
  struct hk_population_size *sizes;
  struct hk_picture picture;
  struct hk_messages *messages;
  bool complained; /* about the arguments */
};

enum {
  LOOK_FROM = 1000,
  LOOK_TO,
  LOOK_POPULATION,
  LOOK_NEURONS,
  LOOK_SIZE_OF,
  LOOK_SIZE,
  LOOK_DPI,
  LOOK_DARK,
  LOOK_TITLE
};

/* For the table of getopt_long. */
#define LOOK_OPTIONS                                                                                                \
  {"from", required_argument, NULL, LOOK_FROM}, {"to", required_argument, NULL, LOOK_TO},                           \
      {"population", required_argument, NULL, LOOK_POPULATION}, {"neurons", required_argument, NULL, LOOK_NEURONS}, \
      {"population-size", required_argument, NULL, LOOK_SIZE_OF}, {"output", required_argument, NULL, 'o'},         \
  {                                                                                                                 \
    "help", no_argument, NULL, 'h'                                                                                  \
  }
#define PICTURE_OPTIONS                                                                     \
  {"size", required_argument, NULL, LOOK_SIZE}, {"dpi", required_argument, NULL, LOOK_DPI}, \
      {"dark", no_argument, NULL, LOOK_DARK},                                               \
  {                                                                                         \
    "title", required_argument, NULL, LOOK_TITLE                                            \
  }

/* The help text of those. */
extern const char look_help[], picture_help[];

/* A command that looks at a result. `take` is given what is not of the options above (or NULL: there is nothing else),
 * `act` does the work; both get the context. */
struct look_command {
  const char *name;
  const struct option *options;
  void (*help)(void);
  enum hk_status (*take)(void *context, int option);
  enum hk_status (*act)(void *context);
};

/* Reads the arguments, acts, tells what there is to tell, and returns the exit code. The context holds the look. */
int look_main(struct look *look, const struct look_command *command, void *context, int argc, char **argv);

enum hk_status look_open(struct look *look, struct hk_view **out);

/* "20 ms", "1.5s": to ms. Told if it is none. */
enum hk_status look_time(struct look *look, const char *name, const char *text, double *ms);

/* A number of at least `least`, without a unit. Told if it is none. */
enum hk_status look_number(struct look *look, const char *name, const char *text, double least, double *value);

/* One of three words, as its index. Told if it is none of them. */
enum hk_status look_word(struct look *look, const char *name, const char *text, const char *const words[3], int *index);

/* A complaint about the arguments, in the form of the messages. */
__attribute__((format(printf, 2, 3))) void look_complain(struct look *look, const char *format, ...);

#endif
