/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of numbers from CSV files, plain or gzipped; libcsv takes them apart, zlib reads either. */
#include <csv.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "ann/dataset.h"

enum { READ_AT_ONCE = 65536, CELL_MAX = 64 };

struct table {
  const char *path;
  const struct hk__csv_format *format;
  struct hk_messages *messages;
  enum hk_status status;
  double *cell;
  size_t count, room;
  size_t line, column, columns; /* columns 0: not known before the first row */
};

static void refuse(struct table *t, const char *found, const char *expected)
{
  struct hk_place place = {.file = t->path, .line = t->line, .column = t->column + 1};
  if (t->status == HK_OK)
    hk_messages_add(t->messages, HK_SEVERITY_ERROR, &place, "found %s, expected %s (column counts cells)", found,
                    expected);
  t->status = HK_ERR_INPUT;
}

static bool reserve(struct table *t)
{
  if (t->count < t->room)
    return true;
  size_t room = t->room ? 2 * t->room : 1024;
  double *grown = realloc(t->cell, room * sizeof *grown);
  if (!grown) {
    t->status = HK_ERR_MEMORY;
    return false;
  }
  t->cell = grown;
  t->room = room;
  return true;
}

static void on_cell(void *text, size_t length, void *context)
{
  struct table *t = context;
  char buffer[CELL_MAX], shown[CELL_MAX + 8];
  if (t->status != HK_OK)
    return;
  if (t->line > t->format->skip) {
    size_t kept = length < CELL_MAX - 1 ? length : CELL_MAX - 1;
    memcpy(buffer, text, kept);
    buffer[kept] = '\0';
    char *end;
    double value = strtod(buffer, &end);
    snprintf(shown, sizeof shown, "`%s`", buffer);
    if (kept == 0 || *end != '\0' || length >= CELL_MAX || !isfinite(value)) {
      refuse(t, shown, "a number");
      return;
    }
    if (!reserve(t))
      return;
    t->cell[t->count++] = value;
  }
  t->column++;
}

static void on_row(int ending, void *context)
{
  struct table *t = context;
  (void)ending;
  if (t->status != HK_OK)
    return;
  if (t->line > t->format->skip) {
    if (t->columns == 0)
      t->columns = t->column;
    if (t->column != t->columns) {
      char found[64], expected[64];
      snprintf(found, sizeof found, "a row of %zu cells", t->column);
      snprintf(expected, sizeof expected, "%zu as in the first row", t->columns);
      refuse(t, found, expected);
    }
  }
  t->line++;
  t->column = 0;
}

static void read_table(gzFile file, struct table *t)
{
  struct csv_parser parser;
  char buffer[READ_AT_ONCE];
  if (csv_init(&parser, CSV_APPEND_NULL) != 0) {
    t->status = HK_ERR_MEMORY;
    return;
  }
  int got = 0;
  while (t->status == HK_OK && (got = gzread(file, buffer, sizeof buffer)) > 0)
    if (csv_parse(&parser, buffer, (size_t)got, on_cell, on_row, t) != (size_t)got)
      t->status = csv_error(&parser) == CSV_ENOMEM ? HK_ERR_MEMORY : HK_ERR_INPUT;
  if (t->status == HK_OK && got < 0) {
    hk_messages_add(t->messages, HK_SEVERITY_ERROR, &(struct hk_place){.file = t->path},
                    "the file is truncated or damaged");
    t->status = HK_ERR_INPUT;
  }
  if (t->status == HK_OK)
    csv_fini(&parser, on_cell, on_row, t);
  csv_free(&parser);
}

static enum hk_status take(const struct table *t, size_t label_column, struct hk__samples *out, size_t *features)
{
  size_t rows = t->count / t->columns;
  enum hk_status status = hk__samples_init(out, rows, t->columns - 1);
  for (size_t r = 0; status == HK_OK && r < rows; r++) {
    float *value = out->value + r * (t->columns - 1);
    for (size_t c = 0; c < t->columns; c++) {
      double cell = t->cell[r * t->columns + c];
      if (c != label_column) {
        *value++ = (float)cell;
      } else if (cell >= 0.0 && cell <= 65535.0 && cell == floor(cell)) {
        out->label[r] = (int32_t)cell;
      } else {
        hk_messages_add(t->messages, HK_SEVERITY_ERROR,
                        &(struct hk_place){.file = t->path, .line = r + t->format->skip + 1, .column = c + 1},
                        "the label is %g; labels are whole numbers from 0 on", cell);
        hk__samples_clear(out);
        return HK_ERR_INPUT;
      }
    }
  }
  *features = t->columns - 1;
  return status;
}

enum hk_status hk__samples_from_csv(const char *path, const struct hk__csv_format *format, struct hk__samples *out,
                                    size_t *features, struct hk_messages *messages)
{
  const struct hk_place place = {.file = path};
  gzFile file = gzopen(path, "rb");
  if (!file) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &place, "cannot be opened: %s", strerror(errno));
    return HK_ERR_INPUT;
  }
  struct table t = {.path = path, .format = format, .messages = messages, .line = 1};
  read_table(file, &t);
  gzclose(file);
  ptrdiff_t label = format->label < 0 ? (ptrdiff_t)t.columns + format->label : format->label;
  if (t.status == HK_OK && t.columns < 2) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &place, "needs at least one row with a value and a label");
    t.status = HK_ERR_INPUT;
  } else if (t.status == HK_OK && (label < 0 || (size_t)label >= t.columns)) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &place, "has %zu columns, so the label cannot be in column %td",
                    t.columns, format->label);
    t.status = HK_ERR_INPUT;
  }
  if (t.status == HK_OK)
    t.status = take(&t, (size_t)label, out, features);
  free(t.cell);
  return t.status;
}
