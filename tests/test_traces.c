/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trace reports: what is written comes back, a kill loses nothing that was flushed, nothing that is read crashes. */
#include <hillock/traces.h>

#include <check.h>
#include <hdf5.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "fixture.h"
#include "suite.h"

enum { NODES_MOST = 70000 };

static double value_of(uint64_t row, size_t node)
{
  return (double)row * 0.25 - (double)node;
}

static struct hk_trace_writer *create_good(const char *path, size_t nodes)
{
  static uint64_t ids[NODES_MOST];
  for (size_t i = 0; i < nodes; i++)
    ids[i] = 3 * i + 1;
  const struct hk_trace_layout layout = {"exc", "V_m", "mV", ids, nodes, 0.0, 0.1};
  struct hk_trace_writer *writer = NULL;
  ck_assert_int_eq(hk_trace_writer_create(path, &layout, &writer, messages), HK_OK);
  return writer;
}

/* rows as the engine hands them over: two variables of a node side by side, the second is ours */
static enum hk_status append_rows(struct hk_trace_writer *writer, size_t nodes, uint64_t first, size_t rows)
{
  double *values = malloc(rows * nodes * 2 * sizeof *values);
  for (size_t r = 0; r < rows; r++)
    for (size_t n = 0; n < nodes; n++) {
      values[(r * nodes + n) * 2] = NAN;
      values[(r * nodes + n) * 2 + 1] = value_of(first + r, n);
    }
  enum hk_status status = hk_trace_writer_append(writer, values + 1, rows, 2 * nodes, 2);
  free(values);
  return status;
}

static struct hk_trace_reader *open_good(const char *path)
{
  struct hk_trace_reader *reader = NULL;
  enum hk_status status = hk_trace_reader_open(path, &reader, messages);
  ck_assert_msg(status == HK_OK, "%s",
                hk_messages_count(messages) ? hk_messages_get(messages, 0).text : hk_status_message(status));
  return reader;
}

static void check_rows(struct hk_trace_reader *reader, size_t nodes, uint64_t first, size_t rows)
{
  float *values = malloc((rows * nodes + 1) * sizeof *values);
  ck_assert_int_eq(hk_trace_reader_read(reader, first, rows, values), HK_OK);
  size_t wrong = 0;
  for (size_t r = 0; r < rows; r++)
    for (size_t n = 0; n < nodes; n++)
      wrong += values[r * nodes + n] != (float)value_of(first + r, n);
  ck_assert_uint_eq(wrong, 0);
  free(values);
}

START_TEST(what_is_written_comes_back)
{
  static const struct {
    size_t nodes, rows;
  } cases[] = {{1, 0}, {1, 1}, {1, 40000}, {3, 10922}, {3, 10923}, {1000, 100}, {NODES_MOST, 3}};
  const size_t nodes = cases[_i].nodes, rows = cases[_i].rows;
  uint64_t random = 7;
  struct hk_trace_writer *writer = create_good(in_folder("v.h5"), nodes);
  for (size_t at = 0; at < rows;) {
    size_t piece = 1 + next_random(&random) % (rows / 3 + 1);
    piece = piece < rows - at ? piece : rows - at;
    ck_assert_int_eq(append_rows(writer, nodes, at, piece), HK_OK);
    at += piece;
    if (next_random(&random) % 2)
      ck_assert_int_eq(hk_trace_writer_flush(writer), HK_OK);
  }
  ck_assert_int_eq(hk_trace_writer_close(writer, messages), HK_OK);
  struct hk_trace_reader *reader = open_good(in_folder("v.h5"));
  ck_assert_uint_eq(hk_messages_count(messages), 0);
  struct hk_trace_info info = hk_trace_reader_info(reader);
  ck_assert_str_eq(info.population, "exc");
  ck_assert_str_eq(info.variable, "V_m");
  ck_assert_str_eq(info.unit, "mV");
  ck_assert_uint_eq(info.node_count, nodes);
  ck_assert_uint_eq(info.node_ids[nodes - 1], 3 * (nodes - 1) + 1);
  ck_assert_uint_eq(info.row_count, rows);
  ck_assert_double_eq(info.start, 0.0);
  ck_assert_double_eq(info.interval, 0.1);
  check_rows(reader, nodes, 0, rows);
  check_rows(reader, nodes, rows / 2, rows / 3);
  float value;
  ck_assert_int_eq(hk_trace_reader_read(reader, rows, 1, &value), HK_ERR_INPUT);
  hk_trace_reader_close(reader);
}
END_TEST

START_TEST(wrong_layouts_are_refused)
{
  const uint64_t id = 0;
  const struct hk_trace_layout wrong[] = {{"a/b", "V_m", "mV", &id, 1, 0.0, 0.1}, {"", "V_m", "mV", &id, 1, 0.0, 0.1},
                                          {"a", "V_m", "mV", &id, 0, 0.0, 0.1},   {"a", "V_m", "mV", &id, 1, 0.0, 0.0},
                                          {"a", "V_m", "mV", &id, 1, NAN, 0.1},   {"a", "V_m", "mV", &id, 1, 0.0, NAN}};
  struct hk_trace_writer *writer;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    ck_assert_int_eq(hk_trace_writer_create(in_folder("v.h5"), &wrong[i], &writer, messages), HK_ERR_INPUT);
    ck_assert_uint_eq(hk_messages_errors(messages), i + 1);
  }
  ck_assert_int_ne(access(in_folder("v.h5"), F_OK), 0);
}
END_TEST

START_TEST(what_was_flushed_survives_a_kill)
{
  int ends[2];
  ck_assert_int_eq(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    struct hk_trace_writer *writer = create_good(in_folder("v.h5"), 100);
    for (uint64_t at = 0;; at += 200)
      if (append_rows(writer, 100, at, 200) || hk_trace_writer_flush(writer) ||
          write(ends[1], &(uint64_t){at + 200}, sizeof at) != sizeof at)
        _exit(1);
  }
  close(ends[1]);
  uint64_t told = 0, last = 0;
  while (last < 200 * (uint64_t)(1 + _i * 5) && read(ends[0], &told, sizeof told) == sizeof told)
    last = told;
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  while (read(ends[0], &told, sizeof told) == sizeof told)
    last = told;
  close(ends[0]);
  ck_assert_uint_gt(last, 0);
  struct hk_trace_reader *reader = open_good(in_folder("v.h5"));
  ck_assert_ptr_nonnull(strstr(hk_messages_get(messages, 0).text, "did not finish"));
  struct hk_trace_info info = hk_trace_reader_info(reader);
  ck_assert_uint_ge(info.row_count, last);
  check_rows(reader, 100, 0, (size_t)info.row_count);
  hk_trace_reader_close(reader);
}
END_TEST

/* --- reports of other programs --- */

static void put(hid_t group, const char *name, hid_t type, int rank, hsize_t rows, hsize_t columns, const void *values)
{
  const hsize_t size[2] = {rows, columns};
  hid_t space = H5Screate_simple(rank, size, NULL);
  hid_t dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(dataset, 0);
  if (values)
    ck_assert_int_ge(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  H5Dclose(dataset);
  H5Sclose(space);
}

/* the population is the root in old reports */
static void write_report(const char *path, bool old, hid_t data_type, int data_rank, const uint64_t *pointers,
                         hsize_t pointer_count, const double *time)
{
  static const double data[] = {1, 2, 3, 4, 5, 6};
  static const uint64_t nodes[] = {9, 4};
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  hid_t group = old ? H5Gopen2(file, "/", H5P_DEFAULT) : H5Gcreate2(file, "report/p", links, H5P_DEFAULT, H5P_DEFAULT);
  hid_t mapping = H5Gcreate2(group, "mapping", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  put(group, "data", data_type, data_rank, 2, 3, data);
  put(mapping, old ? "gids" : "node_ids", H5T_NATIVE_UINT64, 1, 2, 0, nodes);
  put(mapping, old ? "index_pointer" : "index_pointers", H5T_NATIVE_UINT64, 1, pointer_count, 0, pointers);
  put(mapping, "time", H5T_NATIVE_DOUBLE, 1, 3, 0, time);
  H5Gclose(mapping);
  H5Gclose(group);
  H5Pclose(links);
  H5Fclose(file);
}

static const uint64_t good_pointers[] = {0, 2, 3};
static const double good_time[] = {10.0, 10.4, 0.2};

START_TEST(several_values_per_node_are_read)
{
  const bool old = _i == 1;
  write_report(in_folder("r.h5"), old, H5T_NATIVE_DOUBLE, 2, good_pointers, old ? 2 : 3, good_time);
  struct hk_trace_reader *reader = open_good(in_folder("r.h5"));
  struct hk_trace_info info = hk_trace_reader_info(reader);
  ck_assert_str_eq(info.population, old ? "" : "p");
  ck_assert_str_eq(info.variable, "");
  ck_assert_uint_eq(info.node_count, 3);
  ck_assert_uint_eq(info.node_ids[0], 9);
  ck_assert_uint_eq(info.node_ids[1], 9);
  ck_assert_uint_eq(info.node_ids[2], 4);
  ck_assert_uint_eq(info.row_count, 2);
  ck_assert_double_eq(info.start, 10.0);
  float values[6];
  ck_assert_int_eq(hk_trace_reader_read(reader, 0, 2, values), HK_OK);
  ck_assert_float_eq(values[5], 6.0F);
  hk_trace_reader_close(reader);
}
END_TEST

static void refused(const char *saying)
{
  struct hk_trace_reader *reader;
  hk_messages_clear(messages);
  ck_assert_int_eq(hk_trace_reader_open(in_folder("r.h5"), &reader, messages), HK_ERR_INPUT);
  ck_assert_uint_eq(hk_messages_errors(messages), 1);
  ck_assert_msg(strstr(hk_messages_get(messages, 0).text, saying) != NULL, "%s", hk_messages_get(messages, 0).text);
}

START_TEST(wrong_reports_are_refused)
{
  static const uint64_t too_far[] = {0, 2, 4}, backwards[] = {0, 2, 1}, gap[] = {1, 2, 3}, huge[] = {0, UINT64_MAX, 3};
  static const double zero_step[] = {0, 1, 0}, nan_step[] = {0, 1, NAN}, infinite[] = {INFINITY, 1, 1};
  const uint64_t *const pointers[] = {too_far, backwards, gap, huge};
  const double *const times[] = {zero_step, nan_step, infinite};
  for (size_t i = 0; i < 4; i++) {
    write_report(in_folder("r.h5"), false, H5T_NATIVE_DOUBLE, 2, pointers[i], 3, good_time);
    refused("index_pointers");
  }
  write_report(in_folder("r.h5"), false, H5T_NATIVE_DOUBLE, 2, good_pointers, 1, good_time);
  refused("index_pointers");
  for (size_t i = 0; i < 3; i++) {
    write_report(in_folder("r.h5"), false, H5T_NATIVE_DOUBLE, 2, good_pointers, 3, times[i]);
    refused("a positive step");
  }
  write_report(in_folder("r.h5"), false, H5T_NATIVE_INT64, 2, good_pointers, 3, good_time);
  refused("floating-point");
  write_report(in_folder("r.h5"), false, H5T_NATIVE_DOUBLE, 1, good_pointers, 3, good_time);
  refused("two dimensions");
  write_text(in_folder("r.h5"), "nonsense");
  refused("not an HDF5 file");
  H5Fclose(H5Fcreate(in_folder("r.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  refused("no group /report");
}
END_TEST

START_TEST(damaged_files_do_not_crash)
{
  struct hk_trace_writer *writer = create_good(in_folder("good.h5"), 5);
  ck_assert_int_eq(append_rows(writer, 5, 0, 20), HK_OK);
  ck_assert_int_eq(hk_trace_writer_close(writer, messages), HK_OK);
  write_report(in_folder("r.h5"), false, H5T_NATIVE_DOUBLE, 2, good_pointers, 3, good_time);
  uint64_t random = 5;
  for (int which = 0; which < 2; which++) {
    size_t size;
    unsigned char *bytes = read_bytes(in_folder(which ? "good.h5" : "r.h5"), &size);
    for (int round = 0; round < 300; round++) {
      write_damaged(in_folder("damaged.h5"), bytes, size, &random);
      struct hk_trace_reader *reader;
      if (hk_trace_reader_open(in_folder("damaged.h5"), &reader, messages) == HK_OK) {
        struct hk_trace_info info = hk_trace_reader_info(reader);
        float *row = malloc(info.node_count * sizeof *row);
        for (uint64_t r = 0; r < info.row_count && r < 1000; r++)
          hk_trace_reader_read(reader, r, 1, row);
        free(row);
        hk_trace_reader_close(reader);
      }
      hk_messages_clear(messages);
    }
    free(bytes);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("traces");
  TCase *tcase = tcase_create("traces");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 60);
  tcase_add_loop_test(tcase, what_is_written_comes_back, 0, 7);
  tcase_add_test(tcase, wrong_layouts_are_refused);
  tcase_add_loop_test(tcase, what_was_flushed_survives_a_kill, 0, 8);
  tcase_add_loop_test(tcase, several_values_per_node_are_read, 0, 2);
  tcase_add_test(tcase, wrong_reports_are_refused);
  tcase_add_test(tcase, damaged_files_do_not_crash);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
