/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traces of state variables in SONATA report files: one file per trace and variable.
 *
 * SONATA holds one variable per report, so a trace of several variables is several files. Data are float32, as the
 * format asks. */
#ifndef HILLOCK_TRACES_H
#define HILLOCK_TRACES_H

#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hk_trace_writer;

struct hk_trace_layout {
  const char *population; /* name in the file */
  const char *variable;   /* name of the state */
  const char *unit;       /* of the data, "mV" */
  const uint64_t *node_ids;
  size_t node_count;
  double start, interval; /* ms */
};

/* Errors: HK_ERR_IO, HK_ERR_MEMORY. */
enum hk_status hk_trace_writer_create(const char *path, const struct hk_trace_layout *layout,
                                      struct hk_trace_writer **out, struct hk_messages *messages);

/* Appends rows of node_count values. values[r * stride + n * step]: row r, node n. Buffered. */
enum hk_status hk_trace_writer_append(struct hk_trace_writer *writer, const double *values, size_t row_count,
                                      size_t stride, size_t step);
enum hk_status hk_trace_writer_flush(struct hk_trace_writer *writer);
enum hk_status hk_trace_writer_close(struct hk_trace_writer *writer, struct hk_messages *messages);

struct hk_trace_reader;

struct hk_trace_info {
  const char *population, *variable, *unit; /* belong to the reader; variable "" where the file does not say */
  size_t node_count;
  const uint64_t *node_ids;
  uint64_t row_count;
  double start, interval; /* ms */
};

enum hk_status hk_trace_reader_open(const char *path, struct hk_trace_reader **out, struct hk_messages *messages);
void hk_trace_reader_close(struct hk_trace_reader *reader);
struct hk_trace_info hk_trace_reader_info(const struct hk_trace_reader *reader);
/* rows first .. first + row_count, each of node_count values. */
enum hk_status hk_trace_reader_read(struct hk_trace_reader *reader, uint64_t first, size_t row_count, float *values);

#ifdef __cplusplus
}
#endif
#endif
