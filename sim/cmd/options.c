/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <hillock/status.h>

#include "commands.h"

enum { NAMES_MAX = 64 };

static void print_option(const struct option_row *row)
{
  char head[80];
  int length = row->letter ? snprintf(head, sizeof head, "  -%c, ", row->letter) : snprintf(head, sizeof head, "  ");
  snprintf(head + length, sizeof head - (size_t)length, "--%s%s%s", row->name, row->argument ? " " : "",
           row->argument ? row->argument : "");
  for (const char *line = row->help; line; head[0] = '\0') {
    const char *end = strchr(line, '\n');
    printf("%-26s  %.*s\n", head, end ? (int)(end - line) : (int)strlen(line), line);
    line = end ? end + 1 : NULL;
  }
}

static void print_help(const struct usage *usage)
{
  printf("usage: %s\n\n%s\n", usage->synopsis, usage->about);
  if (usage->count > 0)
    puts("");
  for (size_t i = 0; i < usage->count; i++)
    print_option(&usage->options[i]);
}

int wrong_usage(const struct arguments *args, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  fprintf(stderr, "hillock %s: ", args->argv[0]);
  vfprintf(stderr, format, list);
  fprintf(stderr, "\n`hillock %s --help` tells more\n", args->argv[0]);
  va_end(list);
  return EXIT_USAGE;
}

static int unknown_option(const struct arguments *args, const char *text, size_t length)
{
  const char *names[NAMES_MAX];
  char given[64];
  size_t count = 0;
  for (size_t i = 0; i < args->usage->count && count < NAMES_MAX; i++)
    names[count++] = args->usage->options[i].name;
  snprintf(given, sizeof given, "%.*s", (int)length - 2, text + 2);
  const char *near = length > 2 ? hk_suggest(given, names, count) : NULL;
  wrong_usage(args, "there is no option `%.*s`%s%s%s", (int)length, text, near ? "; did you mean `--" : "",
              near ? near : "", near ? "`?" : "");
  return OPTION_WRONG;
}

static int find_long(const struct usage *usage, const char *name, size_t length)
{
  for (size_t i = 0; i < usage->count; i++)
    if (strlen(usage->options[i].name) == length && strncmp(usage->options[i].name, name, length) == 0)
      return (int)i;
  return -1;
}

static int find_letter(const struct usage *usage, char letter)
{
  for (size_t i = 0; i < usage->count; i++)
    if (usage->options[i].letter == letter)
      return (int)i;
  return -1;
}

/* Takes the argument of an option: what is attached to it, or the next word. */
static int take_argument(struct arguments *args, int index, const char *attached, const char **value)
{
  const struct option_row *row = &args->usage->options[index];
  *value = attached;
  if (!row->argument && attached) {
    wrong_usage(args, "`--%s` takes no argument, `%s` was found", row->name, attached);
    return OPTION_WRONG;
  }
  if (row->argument && !attached) {
    if (args->at + 1 >= args->argc) {
      wrong_usage(args, "`--%s` needs an argument, `--%s %s`", row->name, row->name, row->argument);
      return OPTION_WRONG;
    }
    *value = args->argv[++args->at];
  }
  return index;
}

int next_option(struct arguments *args, const char **value)
{
  if (args->at + 1 >= args->argc)
    return OPTION_END;
  const char *text = args->argv[++args->at];
  if (!args->plain_only && strcmp(text, "--") == 0) {
    args->plain_only = true;
    return next_option(args, value);
  }
  if (args->plain_only || text[0] != '-' || text[1] == '\0') {
    *value = text;
    return OPTION_PLAIN;
  }
  if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
    print_help(args->usage);
    return OPTION_HELP;
  }
  size_t length = strcspn(text, "=");
  bool is_long = text[1] == '-';
  int index = is_long ? find_long(args->usage, text + 2, length - 2) : find_letter(args->usage, text[1]);
  if (index < 0)
    return unknown_option(args, text, is_long ? length : 2);
  const char *attached = is_long ? (text[length] == '=' ? text + length + 1 : NULL) : (text[2] ? text + 2 : NULL);
  return take_argument(args, index, attached, value);
}

int option_exit(int option)
{
  return option == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
}

int choose(const struct arguments *args, const char *option, const char *value, const char *const *names)
{
  char list[256] = "";
  size_t count = 0;
  for (size_t length = 0; names[count]; count++) {
    if (strcmp(names[count], value) == 0)
      return (int)count;
    if (length < sizeof list)
      length += (size_t)snprintf(list + length, sizeof list - length, "%s`%s`", count > 0 ? ", " : "", names[count]);
  }
  const char *near = hk_suggest(value, names, count);
  wrong_usage(args, "`--%s %s`: one of %s was expected%s%s%s", option, value, list, near ? "; did you mean `" : "",
              near ? near : "", near ? "`?" : "");
  return -1;
}
