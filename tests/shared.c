/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shared.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Check takes an early exit of a test for a failure as well. */
__attribute__((noreturn, format(printf, 1, 2))) static void broken(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
  exit(EXIT_FAILURE);
}

const char *shared_path(const char *name)
{
  static char paths[4][4096];
  static unsigned next;
  char *path = paths[next++ % 4];
  const char *folder = getenv("HK_SHARED");
  if (snprintf(path, sizeof paths[0], "%s/%s", folder ? folder : ".", name) >= (int)sizeof paths[0])
    broken("%s: too long a path", path);
  struct stat info; /* of a link itself: one that leads nowhere is broken, not absent */
  if (lstat(path, &info) == 0)
    return path;
  if (errno != ENOENT && errno != ENOTDIR)
    broken("%s: %s", path, strerror(errno));
  printf("skipped: %s is not here\n", path);
  fflush(stdout); /* a test's process would say it again */
  return NULL;
}

json_t *shared_cases(const char *name, const char *key)
{
  const char *path = shared_path(name);
  if (!path)
    return NULL;
  json_error_t error;
  json_t *all = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
  if (!all)
    broken("%s:%d:%d: %s", path, error.line, error.column, error.text);
  json_t *cases = json_incref(json_object_get(all, key)), *one;
  json_decref(all);
  if (json_array_size(cases) == 0)
    broken("%s: no list `%s` of cases", path, key);
  size_t i;
  json_array_foreach(cases, i, one) if (!json_is_object(one)) broken("%s: `%s` %zu is no object", path, key, i);
  return cases;
}

json_t *shared_member(const json_t *object, const char *key)
{
  json_t *member = json_object_get(object, key);
  if (!member)
    broken("a shared case has no `%s`", key);
  return member;
}

double shared_number(const json_t *object, const char *key)
{
  const json_t *number = shared_member(object, key);
  if (!json_is_number(number))
    broken("`%s` of a shared case is no number", key);
  return json_number_value(number);
}

const char *shared_text(const json_t *object, const char *key)
{
  const json_t *text = shared_member(object, key);
  if (!json_is_string(text))
    broken("`%s` of a shared case is no text", key);
  return json_string_value(text);
}

double *shared_numbers(const json_t *object, const char *key, size_t *count)
{
  const json_t *list = shared_member(object, key);
  *count = json_array_size(list);
  double *numbers = malloc((*count + 1) * sizeof *numbers);
  if (!json_is_array(list) || !numbers)
    broken("`%s` of a shared case is no list of numbers", key);
  for (size_t i = 0; i < *count; i++) {
    if (!json_is_number(json_array_get(list, i)))
      broken("`%s` of a shared case has no number at %zu", key, i);
    numbers[i] = json_number_value(json_array_get(list, i));
  }
  return numbers;
}

size_t shared_settings(const json_t *object, const char *key, struct hk_setting *out, size_t most)
{
  json_t *settings = shared_member(object, key), *value;
  if (!json_is_object(settings) || json_object_size(settings) > most)
    broken("`%s` of a shared case does not hold up to %zu settings", key, most);
  size_t count = 0;
  const char *name;
  json_object_foreach(settings, name, value) out[count++] =
      (struct hk_setting){name, hk_value_constant(shared_number(settings, name))};
  return count;
}
