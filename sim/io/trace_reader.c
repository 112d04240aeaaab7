/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading traces from SONATA membrane reports, also those of several values per node and bmtk's early ones, which have
 * no population level.
 *
 * What holds once a reader is open: data is two-dimensional, there as far as declared, and node_ids names the node of
 * each of its columns. */
#include <hillock/traces.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/h5.h"

struct hk_trace_reader {
  struct hk__h5_results results;
  char *population, *variable, *unit;
  hid_t data; /* negative: not open */
  size_t node_count;
  uint64_t *node_ids;
  uint64_t row_count;
  double start, interval;
};

static enum hk_status complain(const struct hk_trace_reader *reader, struct hk_messages *messages, const char *what)
{
  return hk__h5_complain(messages, HK_ERR_INPUT, reader->results.path, "%s", what);
}

static enum hk_status open_data(struct hk_trace_reader *reader, hid_t group, struct hk_messages *messages)
{
  if (!hk__h5_has_dataset(group, "data") || (reader->data = H5Dopen2(group, "data", H5P_DEFAULT)) < 0)
    return complain(reader, messages, "the report has no dataset data");
  hid_t space = H5Dget_space(reader->data), type = H5Dget_type(reader->data);
  hsize_t size[2] = {0, 0};
  bool is_float = false, is_signed;
  const int rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
  const bool flat = rank == 2 && H5Sget_simple_extent_dims(space, size, NULL) == 2;
  const bool plain = type >= 0 && hk__h5_plain_number(type, &is_float, &is_signed);
  hk__h5_drop(type);
  hk__h5_drop(space);
  if (!flat)
    return complain(reader, messages, "the report's data are not of two dimensions, time and value");
  if (!plain || !is_float)
    return complain(reader, messages, "the report's data are not floating-point numbers");
  if (!reader->results.cut_off && !hk__h5_is_stored(reader->data))
    return complain(reader, messages, "the report declares more data than the file holds: it is damaged");
  if (size[1] == 0 || size[1] > UINT32_MAX)
    return complain(reader, messages, "the report has no columns, or too many");
  reader->row_count = size[0];
  reader->node_count = (size_t)size[1];
  return HK_OK;
}

static enum hk_status read_texts(struct hk_trace_reader *reader)
{
  enum hk_status status = hk__h5_text(reader->data, "units", &reader->unit);
  if (!status)
    status = hk__h5_text(reader->data, "variable", &reader->variable);
  if (status)
    return status;
  if (!reader->unit)
    reader->unit = strdup("");
  if (!reader->variable)
    reader->variable = strdup("");
  return reader->unit && reader->variable ? HK_OK : HK_ERR_MEMORY;
}

static enum hk_status read_time(struct hk_trace_reader *reader, hid_t mapping, struct hk_messages *messages)
{
  struct hk__h5_column time;
  enum hk_status status = hk__h5_column_open(mapping, "mapping", "time", 0, reader->results.path, &time, messages);
  if (status)
    return status;
  double values[3] = {0.0, 0.0, 0.0}, factor = 1.0;
  char *unit;
  status = hk__h5_text(time.dataset, "units", &unit);
  if (status)
    unit = NULL;
  else if (time.count != 3 || hk__h5_column_doubles(&time, 0, 3, values))
    status = complain(reader, messages, "mapping/time does not hold three numbers: start, stop, step");
  else if (unit && !hk__h5_time_unit(unit, &factor))
    status = hk__h5_complain(messages, HK_ERR_INPUT, reader->results.path,
                             "mapping/time is in `%s`, which is not a unit of time; ms or s would do", unit);
  else if (!isfinite(values[0]) || !isfinite(values[2]) || !(values[2] > 0.0))
    status = complain(reader, messages, "mapping/time is not a start and a positive step");
  reader->start = values[0] * factor;
  reader->interval = values[2] * factor;
  free(unit);
  hk__h5_column_close(&time);
  return status;
}

static enum hk_status read_column(const struct hk_trace_reader *reader, hid_t mapping, const char *name,
                                  uint64_t **values, uint64_t *count, struct hk_messages *messages)
{
  struct hk__h5_column column;
  enum hk_status status = hk__h5_column_open(mapping, "mapping", name, HK__H5_INTEGERS | HK__H5_STORED,
                                             reader->results.path, &column, messages);
  if (status)
    return status;
  *count = column.count;
  *values = column.count > UINT32_MAX ? NULL : malloc((column.count + 1) * sizeof **values);
  if (!*values)
    status = HK_ERR_MEMORY;
  else if (hk__h5_column_unsigned(&column, 0, (size_t)column.count, *values))
    status = hk__h5_complain(messages, HK_ERR_INPUT, reader->results.path, "mapping/%s cannot be read", name);
  hk__h5_column_close(&column);
  return status;
}

/* Columns pointers[i] .. pointers[i + 1] belong to node i; the last pointer may be missing. */
static enum hk_status spread(struct hk_trace_reader *reader, const uint64_t *nodes, uint64_t node_count,
                             const uint64_t *pointers, uint64_t pointer_count)
{
  uint64_t column = 0;
  for (uint64_t i = 0; i < node_count; i++) {
    const uint64_t begin = pointers[i], end = i + 1 < pointer_count ? pointers[i + 1] : reader->node_count;
    if (begin != column || end < begin || end > reader->node_count)
      return HK_ERR_INPUT;
    while (column < end)
      reader->node_ids[column++] = nodes[i];
  }
  return column == reader->node_count ? HK_OK : HK_ERR_INPUT;
}

static enum hk_status read_nodes(struct hk_trace_reader *reader, hid_t mapping, struct hk_messages *messages)
{
  uint64_t *nodes = NULL, *pointers = NULL, node_count = 0, pointer_count = 0;
  const char *nodes_name = hk__h5_has_dataset(mapping, "node_ids") ? "node_ids" : "gids";
  const char *pointers_name = hk__h5_has_dataset(mapping, "index_pointers") ? "index_pointers" : "index_pointer";
  enum hk_status status = read_column(reader, mapping, nodes_name, &nodes, &node_count, messages);
  if (!status)
    status = read_column(reader, mapping, pointers_name, &pointers, &pointer_count, messages);
  enum { MOST_PER_NODE = 100000 }; /* compartments of a cell: a bound for what a file without rows may declare */
  if (!status && node_count <= pointer_count && reader->node_count / MOST_PER_NODE <= node_count) {
    reader->node_ids = malloc(reader->node_count * sizeof *reader->node_ids);
    status = reader->node_ids ? spread(reader, nodes, node_count, pointers, pointer_count) : HK_ERR_MEMORY;
  } else if (!status) {
    status = HK_ERR_INPUT;
  }
  if (status == HK_ERR_INPUT)
    complain(reader, messages, "mapping/index_pointers do not say which columns belong to which node");
  free(nodes);
  free(pointers);
  return status;
}

static enum hk_status read_block(const struct hk_trace_reader *reader, uint64_t first, size_t rows, float *values)
{
  const hsize_t start[2] = {first, 0}, size[2] = {rows, reader->node_count};
  hid_t file_space = H5Dget_space(reader->data), memory_space = H5Screate_simple(2, size, NULL);
  bool good = file_space >= 0 && memory_space >= 0 &&
              H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, size, NULL) >= 0 &&
              H5Dread(reader->data, H5T_NATIVE_FLOAT, memory_space, file_space, H5P_DEFAULT, values) >= 0;
  hk__h5_drop(memory_space);
  hk__h5_drop(file_space);
  return good ? HK_OK : HK_ERR_IO;
}

/* As with spikes: rows at the end that a killed writer announced but never wrote. */
static enum hk_status drop_missing_tail(struct hk_trace_reader *reader)
{
  float *row = malloc(reader->node_count * sizeof *row);
  if (!row)
    return HK_ERR_MEMORY;
  while (reader->row_count > 0 && (read_block(reader, reader->row_count - 1, 1, row) || isnan(row[0])))
    reader->row_count--;
  free(row);
  return HK_OK;
}

static enum hk_status open_report(struct hk_trace_reader *reader, hid_t group, struct hk_messages *messages)
{
  enum hk_status status = open_data(reader, group, messages);
  if (status)
    return status;
  if (!hk__h5_has_group(group, "mapping"))
    return complain(reader, messages, "the report has no group mapping");
  hid_t mapping = H5Gopen2(group, "mapping", H5P_DEFAULT);
  status = mapping < 0 ? complain(reader, messages, "mapping cannot be read") : read_time(reader, mapping, messages);
  if (!status)
    status = read_nodes(reader, mapping, messages);
  hk__h5_drop(mapping);
  if (!status)
    status = read_texts(reader);
  return !status && reader->results.cut_off ? drop_missing_tail(reader) : status;
}

static enum hk_status open_populations(struct hk_trace_reader *reader, struct hk_messages *messages)
{
  hid_t report = H5Gopen2(reader->results.file, "report", H5P_DEFAULT);
  char **names = NULL;
  size_t count = 0;
  enum hk_status status = report < 0 ? HK_ERR_IO : hk__h5_group_names(report, &names, &count);
  if (status == HK_OK && count == 0)
    status = complain(reader, messages, "holds no traces: /report is empty");
  else if (status)
    hk__h5_complain(messages, status, reader->results.path, "/report cannot be read");
  if (!status && count > 1) {
    const struct hk_place place = {reader->results.path, 0, 0};
    hk_messages_add(messages, HK_SEVERITY_WARNING, &place, "holds %zu populations; only %s is read", count, names[0]);
  }
  if (!status) {
    reader->population = strdup(names[0]);
    hid_t group = H5Gopen2(report, names[0], H5P_DEFAULT);
    status = group < 0 ? complain(reader, messages, "the report cannot be read") : open_report(reader, group, messages);
    hk__h5_drop(group);
  }
  hk__h5_names_free(names, count);
  hk__h5_drop(report);
  return status;
}

static enum hk_status open_reports(struct hk_trace_reader *reader, struct hk_messages *messages)
{
  enum hk_status status = HK_OK;
  if (hk__h5_has_group(reader->results.file, "report")) {
    status = open_populations(reader, messages);
  } else if (hk__h5_has_dataset(reader->results.file, "data")) {
    reader->population = strdup("");
    status = open_report(reader, reader->results.file, messages);
  } else {
    return complain(reader, messages, "holds no traces: it has no group /report");
  }
  return status || reader->population ? status : HK_ERR_MEMORY;
}

static void close_reader(struct hk_trace_reader *reader)
{
  hk__h5_drop(reader->data);
  hk__h5_results_close(&reader->results);
  free(reader->population);
  free(reader->variable);
  free(reader->unit);
  free(reader->node_ids);
  free(reader);
}

enum hk_status hk_trace_reader_open(const char *path, struct hk_trace_reader **out, struct hk_messages *messages)
{
  struct hk_trace_reader *reader = calloc(1, sizeof *reader);
  if (!reader)
    return HK_ERR_MEMORY;
  reader->data = -1;
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  enum hk_status status = hk__h5_results_open(strdup(path), &reader->results, messages);
  if (!status)
    status = open_reports(reader, messages);
  if (status) {
    close_reader(reader);
  } else {
    hk__h5_results_warn(&reader->results, "samples", messages);
    *out = reader;
  }
  hk__h5_unhush(&quiet);
  return status;
}

void hk_trace_reader_close(struct hk_trace_reader *reader)
{
  if (!reader)
    return;
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  close_reader(reader);
  hk__h5_unhush(&quiet);
}

struct hk_trace_info hk_trace_reader_info(const struct hk_trace_reader *reader)
{
  return (struct hk_trace_info){.population = reader->population,
                                .variable = reader->variable,
                                .unit = reader->unit,
                                .node_count = reader->node_count,
                                .node_ids = reader->node_ids,
                                .row_count = reader->row_count,
                                .start = reader->start,
                                .interval = reader->interval};
}

enum hk_status hk_trace_reader_read(struct hk_trace_reader *reader, uint64_t first, size_t row_count, float *values)
{
  if (first > reader->row_count || row_count > reader->row_count - first)
    return HK_ERR_INPUT;
  if (row_count == 0)
    return HK_OK;
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  enum hk_status status = read_block(reader, first, row_count, values);
  hk__h5_unhush(&quiet);
  return status;
}
