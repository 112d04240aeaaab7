/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A SONATA table of node or edge types: a CSV file separated by spaces. */
#ifndef HK__SONATA_TABLE_H
#define HK__SONATA_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>

struct hk__table_row {
  uint64_t id;
  size_t line;
  char **cells; /* one per column; NULL: none */
};

struct hk__table {
  char *path;
  char **columns;
  size_t column_count;
  struct hk__table_row *rows; /* in ascending order of ids */
  size_t row_count;
};

/* id_column: "node_type_id" or "edge_type_id". */
enum hk_status hk__table_read(const char *path, const char *id_column, struct hk__table *out,
                              struct hk_messages *messages);
void hk__table_clear(struct hk__table *table); /* zeroed is fine */

/* -1: none of this id, this name. */
ptrdiff_t hk__table_find(const struct hk__table *table, uint64_t id);
ptrdiff_t hk__table_column(const struct hk__table *table, const char *name);

/* NULL where the table has no such column or no value there. */
const char *hk__table_cell(const struct hk__table *table, size_t row, const char *column);

/* As a number; value is left alone where there is none. HK_ERR_INPUT, told: a text that is no number. */
enum hk_status hk__table_number(const struct hk__table *table, size_t row, const char *column, double *value,
                                struct hk_messages *messages);

#endif
