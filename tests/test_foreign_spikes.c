/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spikes files that other programs wrote, wrong ones and damaged ones: what can be read is, what cannot is refused, and
 * nothing crashes. */
#include <hillock/spikes.h>

#include <hdf5.h>
#include <math.h>
#include <sys/stat.h>

#include "fixture.h"
#include "shared.h"
#include "suite.h"

static struct hk_spike_reader *open_good(const char *path)
{
  struct hk_spike_reader *reader = NULL;
  expect(hk_spike_reader_open(path, &reader, messages), HK_OK);
  return reader;
}

START_TEST(published_files_are_read)
{
  const char *path = shared_path("sonata/300_intfire/inputs/lgn_spikes.h5");
  const char *reference = shared_path("sonata/300_intfire/reference/spikes.h5");
  if (!path || !reference)
    return;
  struct hk_spike_reader *reader = open_good(path);
  ck_assert_uint_eq(hk_spike_reader_population_count(reader), 1);
  struct hk_spike_population population = hk_spike_reader_population(reader, 0);
  ck_assert_str_eq(population.name, "");
  ck_assert_uint_eq(population.count, 2738);
  ck_assert_int_eq(population.sorting, HK_SORTING_BY_ID);
  double times[5];
  uint64_t ids[5];
  ck_assert_int_eq(hk_spike_reader_read(reader, 0, 0, 5, times, ids), HK_OK);
  ck_assert_double_eq(times[0], 445.539);
  ck_assert_double_eq(times[4], 926.848);
  ck_assert_uint_eq(ids[4], 0);
  hk_spike_reader_close(reader);
  reader = open_good(reference);
  population = hk_spike_reader_population(reader, 0);
  ck_assert_str_eq(population.name, "v1");
  ck_assert_uint_eq(population.count, 4322);
  ck_assert_int_eq(population.sorting, HK_SORTING_BY_TIME);
  hk_spike_reader_close(reader);
}
END_TEST

static void put_column(hid_t group, const char *name, hid_t type, int rank, hsize_t count, hid_t memory,
                       const void *values)
{
  hsize_t size[2] = {count, 2};
  hid_t space = H5Screate_simple(rank, size, NULL);
  hid_t dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(dataset, 0);
  if (values)
    ck_assert_int_ge(H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  H5Dclose(dataset);
  H5Sclose(space);
}

static void put_fixed_text(hid_t where, const char *object, const char *name, const char *text)
{
  hid_t target = H5Oopen(where, object, H5P_DEFAULT), type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, strlen(text));
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  hid_t attribute = H5Acreate2(target, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(H5Awrite(attribute, type, text), 0);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  H5Oclose(target);
}

static hid_t new_file(const char *path, hid_t *group)
{
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t spikes = H5Gcreate2(file, "spikes", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  *group = H5Gcreate2(spikes, "p", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(spikes);
  return file;
}

static void close_file(hid_t file, hid_t group)
{
  H5Gclose(group);
  H5Fclose(file);
}

static const double three_times[] = {0.5, 1.0, 0.25};
static const int three_ids[] = {2, 1, 0};

START_TEST(other_types_and_units_are_read)
{
  const hid_t id_types[] = {H5T_STD_I8LE, H5T_STD_U16BE, H5T_STD_I32LE, H5T_STD_U32LE, H5T_STD_I64BE};
  const hid_t time_types[] = {H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_IEEE_F64LE, H5T_IEEE_F32BE, H5T_IEEE_F64LE};
  const char *path = in_folder("other.h5");
  hid_t group, file = new_file(path, &group);
  put_column(group, "timestamps", time_types[_i], 1, 3, H5T_NATIVE_DOUBLE, three_times);
  put_column(group, _i == 1 ? "gids" : "node_ids", id_types[_i], 1, 3, H5T_NATIVE_INT, three_ids);
  put_fixed_text(group, "timestamps", "units", _i % 2 ? "s" : "ms");
  put_fixed_text(group, ".", "sorting", "by_id");
  close_file(file, group);
  struct hk_spike_reader *reader = open_good(path);
  ck_assert_int_eq(hk_spike_reader_population(reader, 0).sorting, HK_SORTING_BY_ID);
  double times[3];
  uint64_t ids[3];
  ck_assert_int_eq(hk_spike_reader_read(reader, 0, 0, 3, times, ids), HK_OK);
  for (size_t i = 0; i < 3; i++) {
    ck_assert_double_eq(times[i], three_times[i] * (_i % 2 ? 1000.0 : 1.0));
    ck_assert_uint_eq(ids[i], (uint64_t)three_ids[i]);
  }
  double number;
  char *text;
  ck_assert(!hk_spike_reader_note_number(reader, "seed", &number));
  ck_assert(!hk_spike_reader_note_text(reader, "seed", &text));
  hk_spike_reader_close(reader);
}
END_TEST

static void refused(const char *path, enum hk_status expected, const char *saying)
{
  struct hk_spike_reader *reader = NULL;
  hk_messages_clear(messages);
  ck_assert_int_eq(hk_spike_reader_open(path, &reader, messages), expected);
  ck_assert_uint_eq(hk_messages_errors(messages), 1);
  struct hk_message message = hk_messages_get(messages, 0);
  ck_assert_msg(strstr(message.text, saying) != NULL, "%s", message.text);
  ck_assert_str_eq(message.place.file, path);
  ck_assert_int_eq(hk_spike_reader_open(path, &reader, NULL), expected);
  ck_assert_ptr_null(reader);
}

START_TEST(what_is_not_a_spikes_file_is_refused)
{
  refused(in_folder("nothing.h5"), HK_ERR_INPUT, "No such file");
  write_text(in_folder("empty.h5"), "");
  refused(in_folder("empty.h5"), HK_ERR_INPUT, "is empty");
  write_text(in_folder("text.h5"), "time,neuron\n1.0,2\n");
  refused(in_folder("text.h5"), HK_ERR_INPUT, "is not an HDF5 file");
  ck_assert_int_eq(mkfifo(in_folder("pipe.h5"), 0600), 0);
  refused(in_folder("pipe.h5"), HK_ERR_INPUT, "is not a file");
  const char *path = in_folder("bare.h5");
  H5Fclose(H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  refused(path, HK_ERR_INPUT, "no group /spikes");
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  put_column(file, "spikes", H5T_IEEE_F64LE, 1, 3, H5T_NATIVE_DOUBLE, three_times);
  H5Fclose(file);
  refused(path, HK_ERR_INPUT, "no group /spikes");
  if (geteuid() == 0) {
    printf("skipped as root, who may read any file: a file without permission\n");
    return;
  }
  write_text(in_folder("secret.h5"), "x");
  chmod(in_folder("secret.h5"), 0);
  refused(in_folder("secret.h5"), HK_ERR_IO, "Permission denied");
}
END_TEST

START_TEST(wrong_columns_are_refused)
{
  const char *path = in_folder("wrong.h5");
  hid_t group, file = new_file(path, &group);
  put_column(group, "node_ids", H5T_STD_U64LE, 1, 3, H5T_NATIVE_INT, three_ids);
  close_file(file, group);
  refused(path, HK_ERR_INPUT, "/spikes/p has no dataset timestamps");

  file = new_file(path, &group);
  put_column(group, "timestamps", H5T_IEEE_F64LE, 1, 3, H5T_NATIVE_DOUBLE, three_times);
  put_column(group, "node_ids", H5T_STD_U64LE, 1, 2, H5T_NATIVE_INT, three_ids);
  close_file(file, group);
  refused(path, HK_ERR_INPUT, "3 timestamps but 2 node ids");

  file = new_file(path, &group);
  put_column(group, "timestamps", H5T_IEEE_F64LE, 1, 3, H5T_NATIVE_DOUBLE, three_times);
  put_column(group, "node_ids", H5T_IEEE_F64LE, 1, 3, H5T_NATIVE_INT, three_ids);
  close_file(file, group);
  refused(path, HK_ERR_INPUT, "node_ids does not hold integers");

  file = new_file(path, &group);
  put_column(group, "timestamps", H5T_IEEE_F64LE, 2, 3, H5T_NATIVE_DOUBLE, NULL);
  put_column(group, "node_ids", H5T_STD_U64LE, 1, 6, H5T_NATIVE_INT, NULL);
  close_file(file, group);
  refused(path, HK_ERR_INPUT, "has 2 dimensions");

  hid_t text = H5Tcopy(H5T_C_S1);
  file = new_file(path, &group);
  put_column(group, "timestamps", text, 1, 3, text, "abc");
  put_column(group, "node_ids", H5T_STD_U64LE, 1, 3, H5T_NATIVE_INT, three_ids);
  close_file(file, group);
  H5Tclose(text);
  refused(path, HK_ERR_INPUT, "timestamps does not hold numbers");

  file = new_file(path, &group);
  put_column(group, "timestamps", H5T_IEEE_F64LE, 1, 3, H5T_NATIVE_DOUBLE, three_times);
  put_column(group, "node_ids", H5T_STD_U64LE, 1, 3, H5T_NATIVE_INT, three_ids);
  put_fixed_text(group, "timestamps", "units", "mV");
  close_file(file, group);
  refused(path, HK_ERR_INPUT, "`mV`, which is not a unit of time");
}
END_TEST

START_TEST(huge_declared_sizes_are_refused)
{
  const char *path = in_folder("huge.h5");
  hid_t group, file = new_file(path, &group);
  const hsize_t huge = (hsize_t)1 << 60, chunk = 1024;
  hid_t space = H5Screate_simple(1, &huge, NULL), properties = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(properties, 1, &chunk);
  if (_i == 1)
    H5Pset_deflate(properties, 1);
  H5Dclose(H5Dcreate2(group, "timestamps", H5T_IEEE_F64LE, space, H5P_DEFAULT, properties, H5P_DEFAULT));
  H5Dclose(H5Dcreate2(group, "node_ids", H5T_STD_U64LE, space, H5P_DEFAULT, properties, H5P_DEFAULT));
  H5Pclose(properties);
  H5Sclose(space);
  close_file(file, group);
  refused(path, HK_ERR_INPUT, "declares 1152921504606846976 values but the file does not hold that many");
}
END_TEST

START_TEST(negative_ids_are_refused_and_odd_times_handed_over)
{
  const char *path = in_folder("odd.h5");
  const double odd[] = {NAN, -1.0, INFINITY};
  const int ids[] = {0, -1, 1};
  hid_t group, file = new_file(path, &group);
  put_column(group, "timestamps", H5T_IEEE_F64LE, 1, 3, H5T_NATIVE_DOUBLE, odd);
  put_column(group, "node_ids", H5T_STD_I32LE, 1, 3, H5T_NATIVE_INT, ids);
  close_file(file, group);
  struct hk_spike_reader *reader = open_good(path);
  double times[3];
  uint64_t out[3];
  ck_assert_int_eq(hk_spike_reader_read(reader, 0, 0, 3, times, out), HK_ERR_INPUT);
  ck_assert_int_eq(hk_spike_reader_read(reader, 0, 0, 1, times, out), HK_OK);
  ck_assert(isnan(times[0]));
  hk_spike_reader_close(reader);
}
END_TEST

START_TEST(links_into_other_files_are_not_followed)
{
  const char *path = in_folder("links.h5");
  hid_t group, file = new_file(path, &group);
  H5Lcreate_external("/etc/passwd", "/x", group, "timestamps", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/spikes/p", group, "node_ids", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external("other.h5", "/", file, "spikes/q", H5P_DEFAULT, H5P_DEFAULT);
  close_file(file, group);
  refused(path, HK_ERR_INPUT, "/spikes/p has no dataset timestamps");
}
END_TEST

static void read_all(const char *path)
{
  struct hk_spike_reader *reader;
  if (hk_spike_reader_open(path, &reader, messages) == HK_OK) {
    for (size_t p = 0; p < hk_spike_reader_population_count(reader); p++) {
      enum { PIECE = 4096 };
      static double times[PIECE];
      static uint64_t ids[PIECE];
      const uint64_t count = hk_spike_reader_population(reader, p).count;
      for (uint64_t at = 0; at < count && at < 100 * PIECE; at += PIECE)
        hk_spike_reader_read(reader, p, at, count - at < PIECE ? (size_t)(count - at) : PIECE, times, ids);
    }
    char *text;
    if (hk_spike_reader_note_text(reader, "config", &text))
      free(text);
    hk_spike_reader_close(reader);
  }
  hk_messages_clear(messages);
}

START_TEST(damaged_files_do_not_crash)
{
  struct hk_spike_writer *writer = NULL;
  expect(hk_spike_writer_create(in_folder("good.h5"), (const char *[]){"exc", "inh"}, 2, &writer, messages), HK_OK);
  ck_assert_int_eq(hk_spike_writer_note_text(writer, "config", "some: text"), HK_OK);
  for (uint64_t i = 0; i < 300; i++)
    ck_assert_int_eq(hk_spike_writer_append(writer, 0, &(double){0.25 * (double)i}, &(uint64_t){i % 7}, 1), HK_OK);
  ck_assert_int_eq(hk_spike_writer_close(writer, messages), HK_OK);
  hid_t group, file = new_file(in_folder("small.h5"), &group);
  put_column(group, "timestamps", H5T_IEEE_F64LE, 1, 3, H5T_NATIVE_DOUBLE, three_times);
  put_column(group, "node_ids", H5T_STD_U64LE, 1, 3, H5T_NATIVE_INT, three_ids);
  put_fixed_text(group, "timestamps", "units", "ms");
  put_fixed_text(group, ".", "sorting", "by_id");
  close_file(file, group);
  uint64_t random = 1;
  for (int which = 0; which < 2; which++) {
    size_t size;
    unsigned char *bytes = read_bytes(in_folder(which ? "good.h5" : "small.h5"), &size);
    for (int round = 0; round < 300; round++) {
      write_damaged(in_folder("damaged.h5"), bytes, size, &random);
      read_all(in_folder("damaged.h5"));
    }
    free(bytes);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("foreign_spikes");
  TCase *tcase = tcase_create("foreign_spikes");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 120);
  tcase_add_test(tcase, published_files_are_read);
  tcase_add_loop_test(tcase, other_types_and_units_are_read, 0, 5);
  tcase_add_test(tcase, what_is_not_a_spikes_file_is_refused);
  tcase_add_test(tcase, wrong_columns_are_refused);
  tcase_add_loop_test(tcase, huge_declared_sizes_are_refused, 0, 2);
  tcase_add_test(tcase, negative_ids_are_refused_and_odd_times_handed_over);
  tcase_add_test(tcase, links_into_other_files_are_not_followed);
  tcase_add_test(tcase, damaged_files_do_not_crash);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
