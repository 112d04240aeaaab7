/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of types through libcsv, which hands over one cell and one end of line at a time. */
#include "io/sonata_table.h"

#include <csv.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
  struct hk__table *table;
  struct hk_messages *messages;
  const char *id_column;
  ptrdiff_t id_at;
  char **cells; /* of the line being read */
  size_t count, capacity, row_capacity;
  size_t line; /* that the cells stand in, from 1 */
  enum hk_status status;
};

static void free_cells(char **cells, size_t count)
{
  for (size_t i = 0; i < count; i++)
    free(cells[i]);
  free(cells);
}

static void wrong(struct reading *r, size_t line, const char *what)
{
  const struct hk_place place = {r->table->path, line, 0};
  hk_messages_add(r->messages, HK_SEVERITY_ERROR, &place, "%s", what);
  r->status = HK_ERR_INPUT;
}

static void take_cell(void *text, size_t length, void *context)
{
  struct reading *r = context;
  if (r->status)
    return;
  if (r->count == r->capacity) {
    const size_t capacity = r->capacity ? 2 * r->capacity : 16;
    char **cells = realloc(r->cells, capacity * sizeof *cells);
    if (!cells) {
      r->status = HK_ERR_MEMORY;
      return;
    }
    r->cells = cells;
    r->capacity = capacity;
  }
  const bool none = length == 0 || (length == 4 && memcmp(text, "NULL", 4) == 0);
  char *cell = none ? NULL : strndup(text, length);
  if (!none && !cell)
    r->status = HK_ERR_MEMORY;
  r->cells[r->count++] = cell;
}

static void take_head(struct reading *r)
{
  struct hk__table *table = r->table;
  table->columns = r->cells;
  table->column_count = r->count;
  r->cells = NULL;
  for (size_t i = 0; i < table->column_count; i++)
    if (!table->columns[i]) {
      wrong(r, r->line, "a column without a name");
      return;
    }
  r->id_at = hk__table_column(table, r->id_column);
  char what[160];
  snprintf(what, sizeof what, "no column %s; a table of types, separated by spaces, was expected", r->id_column);
  if (r->id_at < 0)
    wrong(r, r->line, what);
}

static void add_row(struct reading *r, uint64_t id)
{
  struct hk__table *table = r->table;
  if (table->row_count == r->row_capacity) {
    const size_t capacity = r->row_capacity ? 2 * r->row_capacity : 16;
    struct hk__table_row *rows = realloc(table->rows, capacity * sizeof *rows);
    if (!rows) {
      r->status = HK_ERR_MEMORY;
      return;
    }
    table->rows = rows;
    r->row_capacity = capacity;
  }
  table->rows[table->row_count++] = (struct hk__table_row){id, r->line, r->cells};
  r->cells = NULL;
}

static void take_row(struct reading *r)
{
  char what[160];
  if (r->count != r->table->column_count) {
    snprintf(what, sizeof what, "%zu values, %zu were expected", r->count, r->table->column_count);
    wrong(r, r->line, what);
    return;
  }
  const char *text = r->cells[r->id_at];
  char *end = NULL;
  errno = 0;
  const uint64_t id = text ? strtoull(text, &end, 10) : 0;
  if (!text || *end || errno || strchr(text, '-')) {
    snprintf(what, sizeof what, "%s is `%.60s`; a whole number was expected", r->id_column, text ? text : "NULL");
    wrong(r, r->line, what);
    return;
  }
  add_row(r, id);
}

static void take_line(int character, void *context)
{
  struct reading *r = context;
  while (r->count > 1 && r->table->columns && r->count > r->table->column_count && !r->cells[r->count - 1])
    r->count--; /* spaces at the end of a line */
  const bool blank = r->count == 0 || (r->count == 1 && !r->cells[0]);
  if (!r->status && !blank) {
    if (!r->table->columns)
      take_head(r);
    else
      take_row(r);
  }
  if (r->cells) {
    for (size_t i = 0; i < r->count; i++)
      free(r->cells[i]);
  } else {
    r->capacity = 0;
  }
  r->count = 0;
  r->line += character == '\n';
}

static int compare_rows(const void *a, const void *b)
{
  const struct hk__table_row *x = a, *y = b;
  return (x->id > y->id) - (x->id < y->id);
}

static void finish(struct reading *r)
{
  struct hk__table *table = r->table;
  if (!r->status && !table->columns)
    wrong(r, 0, "is empty; a table of types was expected");
  if (r->status || table->row_count == 0)
    return;
  qsort(table->rows, table->row_count, sizeof *table->rows, compare_rows);
  for (size_t i = 1; i < table->row_count && !r->status; i++)
    if (table->rows[i].id == table->rows[i - 1].id) {
      char what[160];
      snprintf(what, sizeof what, "type %llu is there twice", (unsigned long long)table->rows[i].id);
      wrong(r, table->rows[i].line, what);
    }
}

static void parse(struct reading *r, FILE *file)
{
  struct csv_parser parser;
  if (csv_init(&parser, CSV_APPEND_NULL | CSV_REPALL_NL)) {
    r->status = HK_ERR_MEMORY;
    return;
  }
  csv_set_delim(&parser, ' ');
  char buffer[4096];
  size_t size;
  while (!r->status && (size = fread(buffer, 1, sizeof buffer, file)) > 0)
    if (csv_parse(&parser, buffer, size, take_cell, take_line, r) != size)
      wrong(r, r->line, csv_strerror(csv_error(&parser)));
  if (ferror(file))
    wrong(r, 0, "cannot be read");
  if (!r->status && csv_fini(&parser, take_cell, take_line, r))
    wrong(r, r->line, csv_strerror(csv_error(&parser)));
  csv_free(&parser);
}

enum hk_status hk__table_read(const char *path, const char *id_column, struct hk__table *out,
                              struct hk_messages *messages)
{
  *out = (struct hk__table){.path = strdup(path)};
  if (!out->path)
    return HK_ERR_MEMORY;
  struct reading r = {.table = out, .messages = messages, .id_column = id_column, .line = 1};
  FILE *file = fopen(path, "rbe");
  if (!file) {
    char what[160];
    snprintf(what, sizeof what, "cannot be opened: %s", strerror(errno));
    wrong(&r, 0, what);
  } else {
    parse(&r, file);
    fclose(file);
    finish(&r);
  }
  free_cells(r.cells, r.cells ? r.count : 0);
  if (r.status)
    hk__table_clear(out);
  return r.status;
}

void hk__table_clear(struct hk__table *table)
{
  for (size_t i = 0; i < table->row_count; i++)
    free_cells(table->rows[i].cells, table->column_count);
  free(table->rows);
  free_cells(table->columns, table->column_count);
  free(table->path);
  *table = (struct hk__table){0};
}

ptrdiff_t hk__table_find(const struct hk__table *table, uint64_t id)
{
  const struct hk__table_row key = {.id = id};
  const struct hk__table_row *row =
      table->row_count ? bsearch(&key, table->rows, table->row_count, sizeof key, compare_rows) : NULL;
  return row ? row - table->rows : -1;
}

ptrdiff_t hk__table_column(const struct hk__table *table, const char *name)
{
  for (size_t i = 0; i < table->column_count; i++)
    if (table->columns[i] && strcmp(table->columns[i], name) == 0)
      return (ptrdiff_t)i;
  return -1;
}

const char *hk__table_cell(const struct hk__table *table, size_t row, const char *column)
{
  const ptrdiff_t at = hk__table_column(table, column);
  return at < 0 ? NULL : table->rows[row].cells[at];
}

enum hk_status hk__table_number(const struct hk__table *table, size_t row, const char *column, double *value,
                                struct hk_messages *messages)
{
  const char *text = hk__table_cell(table, row, column);
  if (!text)
    return HK_OK;
  char *end;
  const double number = strtod(text, &end);
  if (*end || end == text) {
    const struct hk_place place = {table->path, table->rows[row].line, 0};
    hk_messages_add(messages, HK_SEVERITY_ERROR, &place, "%s is `%.60s`; a number was expected", column, text);
    return HK_ERR_INPUT;
  }
  *value = number;
  return HK_OK;
}
