/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing traces as a SONATA membrane report, in chunks of rows, while a run goes on.
 *
 * What holds: after every flush mapping/time spans exactly the rows of data; /provenance says `complete` = 0 until the
 * writer is closed without an error. The name of the variable, which SONATA does not keep, is an attribute of data. */
#include <hillock/traces.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/h5.h"

enum { CHUNK_VALUES = 32768 };

struct hk_trace_writer {
  struct hk__h5_output output;
  hid_t data, time, provenance;
  size_t node_count;
  double start, interval;
  uint64_t written; /* rows in the file */
  float *buffer;    /* chunk_rows rows */
  size_t chunk_rows, buffered;
};

static bool write_all(hid_t dataset, hid_t memory_type, const void *values)
{
  return H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
}

static bool put_dataset(hid_t where, const char *name, hid_t type, hsize_t count, hid_t memory_type, const void *values)
{
  hid_t dataset = hk__h5_new_dataset(where, name, type, 1, &count, NULL, NULL);
  bool good = dataset >= 0 && write_all(dataset, memory_type, values);
  hk__h5_drop(dataset);
  return good;
}

static bool put_time(struct hk_trace_writer *writer)
{
  const double time[3] = {writer->start, writer->start + (double)(writer->written) * writer->interval,
                          writer->interval};
  return write_all(writer->time, H5T_NATIVE_DOUBLE, time);
}

/* One value per node: element 0 of each. libsonata wants N + 1 pointers under the guide's name, bmtk another name. */
static bool put_elements(struct hk_trace_writer *writer, hid_t mapping, const struct hk_trace_layout *layout)
{
  const size_t count = layout->node_count;
  uint64_t *pointers = malloc((count + 1) * sizeof *pointers);
  uint32_t *zeros = calloc(count, sizeof *zeros); /* as floats these are zeros too */
  bool good = pointers && zeros;
  if (!good)
    writer->output.status = HK_ERR_MEMORY; /* sticks */
  for (size_t i = 0; good && i <= count; i++)
    pointers[i] = i;
  good = good && put_dataset(mapping, "index_pointers", H5T_STD_U64LE, count + 1, H5T_NATIVE_UINT64, pointers) &&
         H5Lcreate_hard(mapping, "index_pointers", mapping, "index_pointer", H5P_DEFAULT, H5P_DEFAULT) >= 0 &&
         put_dataset(mapping, "node_ids", H5T_STD_U64LE, count, H5T_NATIVE_UINT64, layout->node_ids) &&
         put_dataset(mapping, "element_ids", H5T_STD_U32LE, count, H5T_NATIVE_UINT32, zeros) &&
         put_dataset(mapping, "element_pos", H5T_IEEE_F32LE, count, H5T_NATIVE_FLOAT, zeros);
  free(pointers);
  free(zeros);
  return good;
}

static bool put_mapping(struct hk_trace_writer *writer, hid_t population, const struct hk_trace_layout *layout)
{
  const hsize_t three = 3;
  hid_t mapping = hk__h5_new_group(population, "mapping");
  bool good = mapping >= 0 && put_elements(writer, mapping, layout);
  if (good) {
    writer->time = hk__h5_new_dataset(mapping, "time", H5T_IEEE_F64LE, 1, &three, NULL, NULL);
    good = writer->time >= 0 && put_time(writer) && hk__h5_put_text(writer->time, "units", "ms");
  }
  hk__h5_drop(mapping);
  return good;
}

static bool put_report(struct hk_trace_writer *writer, const struct hk_trace_layout *layout)
{
  const hsize_t size[2] = {0, layout->node_count}, chunk[2] = {writer->chunk_rows, layout->node_count};
  const float missing = NAN;
  hid_t report = hk__h5_new_group(writer->output.file, "report");
  hid_t population = report >= 0 ? hk__h5_new_group(report, layout->population) : -1;
  bool good = population >= 0 && put_mapping(writer, population, layout);
  if (good) {
    writer->data = hk__h5_new_dataset(population, "data", H5T_IEEE_F32LE, 2, size, chunk, &missing);
    good = writer->data >= 0 && hk__h5_put_text(writer->data, "units", layout->unit) &&
           hk__h5_put_text(writer->data, "variable", layout->variable);
  }
  hk__h5_drop(population);
  hk__h5_drop(report);
  if (good)
    writer->provenance = hk__h5_new_provenance(writer->output.file);
  return good && writer->provenance >= 0;
}

static enum hk_status free_writer(struct hk_trace_writer *writer, struct hk_messages *messages)
{
  hk__h5_drop(writer->data);
  hk__h5_drop(writer->time);
  hk__h5_drop(writer->provenance);
  enum hk_status status = hk__h5_output_close(&writer->output, messages);
  free(writer->buffer);
  free(writer);
  return status;
}

static enum hk_status check_layout(const char *path, const struct hk_trace_layout *layout, struct hk_messages *messages)
{
  if (!*layout->population || strchr(layout->population, '/') || strcmp(layout->population, ".") == 0)
    return hk__h5_complain(messages, HK_ERR_INPUT, path, "`%s` cannot name a population in HDF5", layout->population);
  if (layout->node_count == 0 || layout->node_count > UINT32_MAX / sizeof(float))
    return hk__h5_complain(messages, HK_ERR_INPUT, path, "a trace of %zu neurons cannot be written",
                           layout->node_count);
  if (!(layout->interval > 0.0) || !isfinite(layout->interval) || !isfinite(layout->start))
    return hk__h5_complain(messages, HK_ERR_INPUT, path, "a trace every %g ms from %g ms on cannot be written",
                           layout->interval, layout->start);
  return HK_OK;
}

static enum hk_status create(const char *path, const struct hk_trace_layout *layout, struct hk_trace_writer **out,
                             struct hk_messages *messages)
{
  enum hk_status status = check_layout(path, layout, messages);
  if (status)
    return status;
  const size_t rows = layout->node_count < CHUNK_VALUES ? CHUNK_VALUES / layout->node_count : 1;
  struct hk_trace_writer *writer = calloc(1, sizeof *writer);
  float *buffer = malloc(rows * layout->node_count * sizeof *buffer);
  if (!writer || !buffer) {
    free(writer);
    free(buffer);
    return HK_ERR_MEMORY;
  }
  *writer = (struct hk_trace_writer){.data = -1,
                                     .time = -1,
                                     .provenance = -1,
                                     .node_count = layout->node_count,
                                     .start = layout->start,
                                     .interval = layout->interval,
                                     .buffer = buffer,
                                     .chunk_rows = rows};
  status = hk__h5_output_create(path, &writer->output, messages);
  if (status) {
    free(buffer);
    free(writer);
    return status;
  }
  status = hk__h5_output_reserve(&writer->output, 24 * (uint64_t)layout->node_count);
  if (!status && !put_report(writer, layout))
    status = hk__h5_output_fail(&writer->output, "cannot be written");
  if (!status)
    status = hk__h5_output_publish(&writer->output);
  if (status) {
    enum hk_status closing = free_writer(writer, messages);
    return closing ? closing : status;
  }
  *out = writer;
  return HK_OK;
}

enum hk_status hk_trace_writer_create(const char *path, const struct hk_trace_layout *layout,
                                      struct hk_trace_writer **out, struct hk_messages *messages)
{
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  enum hk_status status = create(path, layout, out, messages);
  hk__h5_unhush(&quiet);
  return status;
}

static enum hk_status push(struct hk_trace_writer *writer)
{
  if (writer->buffered == 0 || writer->output.status)
    return writer->output.status;
  const uint64_t chunk = writer->chunk_rows, end = writer->written + writer->buffered;
  const uint64_t new_chunks = (end + chunk - 1) / chunk - (writer->written + chunk - 1) / chunk;
  enum hk_status status =
      hk__h5_output_reserve(&writer->output, new_chunks * chunk * writer->node_count * sizeof(float));
  if (status)
    return status;
  if (!hk__h5_append(writer->data, H5T_NATIVE_FLOAT, writer->written, writer->buffered, writer->node_count,
                     writer->buffer))
    return hk__h5_output_fail(&writer->output, "cannot be written");
  writer->written = end;
  writer->buffered = 0;
  return HK_OK;
}

enum hk_status hk_trace_writer_append(struct hk_trace_writer *writer, const double *values, size_t row_count,
                                      size_t stride, size_t step)
{
  enum hk_status status = writer->output.status;
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  for (size_t r = 0; r < row_count && !status; r++) {
    if (writer->buffered == writer->chunk_rows && (status = push(writer)) != HK_OK)
      break;
    float *row = writer->buffer + writer->buffered++ * writer->node_count;
    for (size_t n = 0; n < writer->node_count; n++)
      row[n] = (float)values[r * stride + n * step];
  }
  hk__h5_unhush(&quiet);
  return status;
}

static enum hk_status flush(struct hk_trace_writer *writer)
{
  enum hk_status status = push(writer);
  if (!status && !put_time(writer))
    status = hk__h5_output_fail(&writer->output, "cannot be written");
  return status ? status : hk__h5_output_flush(&writer->output);
}

enum hk_status hk_trace_writer_flush(struct hk_trace_writer *writer)
{
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  enum hk_status status = flush(writer);
  hk__h5_unhush(&quiet);
  return status;
}

enum hk_status hk_trace_writer_close(struct hk_trace_writer *writer, struct hk_messages *messages)
{
  if (!writer)
    return HK_OK;
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  if (flush(writer) == HK_OK && !hk__h5_put_flag(writer->provenance, "complete", true))
    hk__h5_output_fail(&writer->output, "cannot be written");
  enum hk_status status = free_writer(writer, messages);
  hk__h5_unhush(&quiet);
  return status;
}
