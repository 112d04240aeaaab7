/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The build compiles this file for any processor of the kind, so that what is missing can be said. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hillock/status.h>

#include "commands.h"

struct command {
  const char *name, *summary;
  int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
#define ENTRY(name, summary) {#name, summary, command_##name},
    HK__COMMAND_LIST(ENTRY)
#undef ENTRY
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void usage(FILE *stream)
{
  fputs("usage: hillock COMMAND [ARGUMENTS]\n\n", stream);
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    fprintf(stream, "  %-8s  %s\n", commands[i].name, commands[i].summary);
  fputs("\n`hillock COMMAND --help` tells more, `hillock --version` the version.\n", stream);
}

/* What was printed must have arrived, unless nobody listens any more. */
static int finish(int code)
{
  errno = 0;
  if (code != EXIT_DONE || (fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE)
    return code;
  fprintf(stderr, "hillock: standard output cannot be written%s%s\n", errno ? ": " : "", errno ? strerror(errno) : "");
  return EXIT_FAILED;
}

int main(int argc, char **argv)
{
  const char *lacks = hk_cpu_lacks();
  if (lacks) {
    fprintf(stderr,
            "hillock: this processor has no %s, which this build needs; build with `meson setup build "
            "-Dcpu=x86-64` for one that runs anywhere, with the same results\n",
            lacks);
    return EXIT_FAILED;
  }
  if (argc < 2) {
    usage(stderr);
    return EXIT_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    usage(stdout);
    return finish(EXIT_DONE);
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("hillock %s\n", hk_version());
    return finish(EXIT_DONE);
  }
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    if (strcmp(argv[1], commands[i].name) == 0)
      return finish(commands[i].run(argc - 1, argv + 1));
  const char *names[COMMAND_COUNT];
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    names[i] = commands[i].name;
  const char *near = hk_suggest(argv[1], names, COMMAND_COUNT);
  fprintf(stderr, "hillock: there is no command `%s`%s%s%s\n\n", argv[1], near ? "; did you mean `" : "",
          near ? near : "", near ? "`?" : "");
  usage(stderr);
  return EXIT_USAGE;
}
