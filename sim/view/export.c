/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/table.h>

#include <csv.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct target {
  FILE *stream;
  const char *field; /* the population's name in CSV; NULL: gdf */
};

/* The shortest decimal number that reads as the same double; with a point, by which readers of gdf know a time. */
static void print_time(double time, char text[40])
{
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, 32, "%.*g", digits, time);
    if (strtod(text, NULL) == time)
      break;
  }
  if (!strpbrk(text, ".e"))
    strcat(text, ".0");
}

static enum hk_status write_lines(void *context, const struct hk_view_block *block)
{
  const struct target *target = context;
  char time[40];
  for (size_t i = 0; i < block->count; i++) {
    print_time(block->times[i], time);
    if (target->field)
      fprintf(target->stream, "%s,%s,%" PRIu64 "\n", time, target->field, block->ids[i]);
    else
      fprintf(target->stream, "%" PRIu64 "\t%s\n", block->ids[i], time);
  }
  return ferror(target->stream) ? HK_ERR_IO : HK_OK;
}

/* The name as a CSV field: quoted where it must be. */
static char *field_of(const char *name)
{
  bool plain = name[strcspn(name, ",\"\r\n")] == '\0' && name[0] != ' ' && name[0] != '\0';
  if (plain)
    return strdup(name);
  size_t length = csv_write(NULL, 0, name, strlen(name));
  char *field = calloc(length + 1, 1);
  if (field)
    csv_write(field, length, name, strlen(name));
  return field;
}

enum hk_status hk_table_write(struct hk_view *view, size_t population, enum hk_table_format format, bool with_names,
                              FILE *stream, struct hk_messages *messages)
{
  bool csv = format == HK_TABLE_CSV;
  char *field = csv ? field_of(hk_view_population(view, population).name) : NULL;
  if (csv && !field)
    return HK_ERR_MEMORY;
  struct target target = {stream, field};
  if (csv && with_names)
    fputs("time_ms,population,neuron\n", stream);
  enum hk_status status = hk_view_scan(view, population, HK_VIEW_BY_TIME, write_lines, &target, messages);
  free(field);
  return status == HK_OK && (fflush(stream) != 0 || ferror(stream)) ? HK_ERR_IO : status;
}
