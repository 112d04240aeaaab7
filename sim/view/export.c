/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/table.h>

#include <csv.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "view/sorter.h"

enum { RUN_LENGTH = 1 << 23, PIECE = 4096 };

/* The shortest decimal number that reads as the same double. */
static void print_time(FILE *stream, double time)
{
  char text[40];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, time);
    if (strtod(text, NULL) == time)
      break;
  }
  fputs(text, stream);
}

/* --- CSV --- */

struct csv_target {
  FILE *stream;
  const char *name;
};

static enum hk_status write_lines(void *context, const struct hk_view_block *block)
{
  const struct csv_target *target = context;
  for (size_t i = 0; i < block->count; i++) {
    print_time(target->stream, block->times[i]);
    fprintf(target->stream, ",%s,%" PRIu64 "\n", target->name, block->ids[i]);
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

static enum hk_status write_csv(struct hk_view *view, size_t population, bool with_names, FILE *stream,
                                struct hk_messages *messages)
{
  char *name = field_of(hk_view_population(view, population).name);
  if (!name)
    return HK_ERR_MEMORY;
  struct csv_target target = {stream, name};
  if (with_names)
    fputs("time_ms,population,neuron\n", stream);
  enum hk_status status = hk_view_scan(view, population, HK_VIEW_BY_TIME, write_lines, &target, messages);
  free(name);
  return status;
}

/* --- a line per neuron --- */

/* The sorter orders by its first key, then its second: the row is the first, and the bits of a time, which for numbers
 * of one sign have the order of the numbers, the second. */
static enum hk_status gather(void *context, const struct hk_view_block *block)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < block->count && status == HK_OK; i++) {
    uint64_t bits;
    double time = block->times[i] + 0.0; /* no negative zero */
    memcpy(&bits, &time, sizeof bits);
    status = hk__sorter_add(context, (double)block->rows[i], bits);
  }
  return status;
}

static enum hk_status write_trains(struct hk__sorter *sorter, uint64_t rows, FILE *stream)
{
  double row_of[PIECE];
  uint64_t bits[PIECE], row = 0;
  bool begun = false;
  for (;;) {
    size_t count = 0;
    enum hk_status status = hk__sorter_next(sorter, PIECE, row_of, bits, &count);
    if (status != HK_OK)
      return status;
    if (count == 0)
      break;
    for (size_t i = 0; i < count; i++) {
      double time;
      memcpy(&time, &bits[i], sizeof time);
      for (; (double)row < row_of[i]; row++, begun = false)
        fputc('\n', stream);
      if (begun)
        fputc('\t', stream);
      print_time(stream, time);
      begun = true;
    }
    if (ferror(stream))
      return HK_ERR_IO;
  }
  for (; row < rows && !ferror(stream); row++)
    fputc('\n', stream);
  return HK_OK;
}

static enum hk_status write_neo(struct hk_view *view, size_t population, FILE *stream, struct hk_messages *messages)
{
  struct hk_view_population of = hk_view_population(view, population);
  size_t run = of.count < RUN_LENGTH ? (size_t)of.count + 1 : RUN_LENGTH;
  if (of.rows > UINT32_MAX) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL,
                    "`%s` has ids up to %" PRIu64 ", too many for a line each; choose neurons", of.name, of.size - 1);
    return HK_ERR_INPUT;
  }
  struct hk__sorter *sorter = NULL;
  enum hk_status status = hk__sorter_create(run, &sorter);
  if (status == HK_OK)
    status = hk_view_scan(view, population, HK_VIEW_ANY_ORDER, gather, sorter, messages);
  if (status == HK_OK)
    status = hk__sorter_finish(sorter);
  if (status == HK_OK)
    status = write_trains(sorter, of.rows, stream);
  hk__sorter_destroy(sorter);
  return status;
}

enum hk_status hk_table_write(struct hk_view *view, size_t population, enum hk_table_format format, bool with_names,
                              FILE *stream, struct hk_messages *messages)
{
  enum hk_status status = format == HK_TABLE_CSV ? write_csv(view, population, with_names, stream, messages)
                                                 : write_neo(view, population, stream, messages);
  return status == HK_OK && (fflush(stream) != 0 || ferror(stream)) ? HK_ERR_IO : status;
}
