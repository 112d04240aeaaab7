/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of one command, described by a table: parsing, its mistakes and --help read the table.
 *
 *   struct arguments args = {argc, argv, &run_usage};
 *   const char *value;
 *   for (int option; (option = next_option(&args, &value)) != OPTION_END;)
 *     switch (option) { case OPTION_PLAIN: ...; case OVERWRITE: ...; default: return option_exit(option); }
 *
 * `--name value`, `--name=value`, `-x value` and `-xvalue` are all understood; after `--` everything is plain. */
#ifndef HK__OPTIONS_H
#define HK__OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct option_row {
  const char *name;     /* "overwrite" */
  char letter;          /* 'o', 0: none */
  const char *argument; /* "DIR"; NULL: takes none */
  const char *help;     /* one line, or several with \n */
};

struct usage {
  const char *synopsis; /* "hillock run CONFIG [OPTIONS]" */
  const char *about;
  const struct option_row *options;
  size_t count;
};

struct arguments {
  int argc;
  char **argv;
  const struct usage *usage;
  int at; /* of what has been taken */
  bool plain_only;
};

enum { OPTION_END = -1, OPTION_PLAIN = -2, OPTION_HELP = -3, OPTION_WRONG = -4 };

/* The index in the table of the next option, or one of the above. *value: its argument, or the plain text. On a
 * mistake it is explained on stderr; --help has been printed on stdout. */
int next_option(struct arguments *args, const char **value);

/* The exit code after OPTION_HELP or OPTION_WRONG. */
int option_exit(int option);

/* Explains a mistake, as in "hillock run: TEXT", and points at --help. Returns EXIT_USAGE. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int wrong_usage(const struct arguments *args, const char *format, ...);

/* A choice of names by its index; -1, and explained, if the value is none of them. names ends with NULL. */
int choose(const struct arguments *args, const char *option, const char *value, const char *const *names);

#endif
