/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spikes files: what is written comes back, survives kill -9 and a full disk, and nothing that is read crashes. */
#include <hillock/spikes.h>

#include <check.h>
#include <errno.h>
#include <hdf5.h>
#include <math.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "files.h"
#include "shared.h"
#include "suite.h"

static struct hk_messages *messages;

static void setup(void)
{
  make_folder();
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
}

static void teardown(void)
{
  hk_messages_destroy(messages);
  remove_folder();
}

/* spike i of population p, with ties */
static double time_of(size_t p, uint64_t i)
{
  return (double)(i / 3) * 0.1 + (double)p;
}

static uint64_t id_of(size_t p, uint64_t i)
{
  return i % 3 * 7 + p;
}

static enum hk_status append_range(struct hk_spike_writer *writer, size_t p, uint64_t from, uint64_t to)
{
  enum { PIECE = 1000 };
  double times[PIECE];
  uint64_t ids[PIECE];
  while (from < to) {
    size_t count = to - from < PIECE ? (size_t)(to - from) : PIECE;
    for (size_t i = 0; i < count; i++) {
      times[i] = time_of(p, from + i);
      ids[i] = id_of(p, from + i);
    }
    enum hk_status status = hk_spike_writer_append(writer, p, times, ids, count);
    if (status)
      return status;
    from += count;
  }
  return HK_OK;
}

static void check_range(struct hk_spike_reader *reader, size_t p, uint64_t from, uint64_t to)
{
  size_t count = (size_t)(to - from);
  double *times = malloc((count + 1) * sizeof *times);
  uint64_t *ids = malloc((count + 1) * sizeof *ids);
  ck_assert_int_eq(hk_spike_reader_read(reader, p, from, count, times, ids), HK_OK);
  size_t wrong = 0;
  for (size_t i = 0; i < count; i++)
    wrong += times[i] != time_of(p, from + i) || ids[i] != id_of(p, from + i);
  ck_assert_uint_eq(wrong, 0);
  free(times);
  free(ids);
}

static struct hk_spike_reader *open_good(const char *path)
{
  struct hk_spike_reader *reader = NULL;
  enum hk_status status = hk_spike_reader_open(path, &reader, messages);
  ck_assert_msg(status == HK_OK, "%s: %s", path,
                hk_messages_count(messages) ? hk_messages_get(messages, 0).text : hk_status_message(status));
  return reader;
}

static struct hk_spike_writer *create_good(const char *path, size_t populations)
{
  static const char *const names[] = {"exc", "inh", "a name with spaces", "Schw\xc3\xa4nze"};
  struct hk_spike_writer *writer = NULL;
  ck_assert_int_eq(hk_spike_writer_create(path, names, populations, &writer, messages), HK_OK);
  return writer;
}

START_TEST(what_is_written_comes_back)
{
  static const uint64_t counts[] = {0, 1, 8191, 8192, 8193, 50000};
  const uint64_t count = counts[_i];
  uint64_t random = 42;
  const char *path = in_folder("spikes.h5");
  struct hk_spike_writer *writer = create_good(path, 4);
  uint64_t done[4] = {0, 0, 0, 0};
  for (bool more = true; more;) {
    more = false;
    for (size_t p = 0; p < 4; p++) {
      uint64_t to = done[p] + next_random(&random) % 5000 + 1;
      to = to < count ? to : count;
      ck_assert_int_eq(append_range(writer, p, done[p], to), HK_OK);
      done[p] = to;
      more = more || to < count;
    }
    if (next_random(&random) % 3 == 0)
      ck_assert_int_eq(hk_spike_writer_flush(writer), HK_OK);
  }
  ck_assert_int_eq(hk_spike_writer_close(writer, messages), HK_OK);
  struct hk_spike_reader *reader = open_good(path);
  ck_assert_uint_eq(hk_messages_count(messages), 0);
  ck_assert_uint_eq(hk_spike_reader_population_count(reader), 4);
  /* in the order of their bytes */
  static const size_t order[] = {3, 2, 0, 1};
  for (size_t i = 0; i < 4; i++) {
    struct hk_spike_population population = hk_spike_reader_population(reader, i);
    ck_assert_uint_eq(population.count, count);
    ck_assert_int_eq(population.sorting, HK_SORTING_BY_TIME);
    double *times = malloc((count + 1) * sizeof *times);
    uint64_t *ids = malloc((count + 1) * sizeof *ids);
    for (uint64_t at = 0; at < count;) {
      size_t piece = (size_t)(1 + next_random(&random) % 20000);
      piece = piece < count - at ? piece : (size_t)(count - at);
      ck_assert_int_eq(hk_spike_reader_read(reader, i, at, piece, times + at, ids + at), HK_OK);
      at += piece;
    }
    uint64_t wrong = 0;
    for (uint64_t k = 0; k < count; k++)
      wrong += times[k] != time_of(order[i], k) || ids[k] != id_of(order[i], k);
    ck_assert_uint_eq(wrong, 0);
    free(times);
    free(ids);
  }
  double time;
  uint64_t id;
  ck_assert_int_eq(hk_spike_reader_read(reader, 0, count, 1, &time, &id), HK_ERR_INPUT);
  ck_assert_int_eq(hk_spike_reader_read(reader, 0, UINT64_MAX, 2, &time, &id), HK_ERR_INPUT);
  ck_assert_int_eq(hk_spike_reader_read(reader, 9, 0, 1, &time, &id), HK_ERR_INPUT);
  hk_spike_reader_close(reader);
  ck_assert_int_ne(access(in_folder("spikes.h5.new"), F_OK), 0);
}
END_TEST

START_TEST(notes_come_back)
{
  const char *path = in_folder("spikes.h5");
  struct hk_spike_writer *writer = create_good(path, 1);
  enum { LONG = 3000000 };
  char *text = malloc(LONG + 1);
  memset(text, 'x', LONG);
  text[LONG] = '\0';
  ck_assert_int_eq(hk_spike_writer_note_text(writer, "config", "first"), HK_OK);
  ck_assert_int_eq(hk_spike_writer_note_text(writer, "config", text), HK_OK);
  ck_assert_int_eq(hk_spike_writer_note_text(writer, "empty", ""), HK_OK);
  ck_assert_int_eq(hk_spike_writer_note_number(writer, "seed", 1.0), HK_OK);
  ck_assert_int_eq(hk_spike_writer_note_number(writer, "seed", 0.1), HK_OK);
  ck_assert_int_eq(hk_spike_writer_close(writer, messages), HK_OK);
  struct hk_spike_reader *reader = open_good(test_folder); /* a results folder */
  char *back = NULL;
  double number = 0.0;
  ck_assert(hk_spike_reader_note_text(reader, "config", &back));
  ck_assert_str_eq(back, text);
  free(back);
  ck_assert(hk_spike_reader_note_text(reader, "empty", &back));
  ck_assert_str_eq(back, "");
  free(back);
  ck_assert(hk_spike_reader_note_text(reader, "version", &back));
  ck_assert_str_eq(back, hk_version());
  free(back);
  ck_assert(hk_spike_reader_note_number(reader, "seed", &number));
  ck_assert_double_eq(number, 0.1);
  ck_assert(hk_spike_reader_note_number(reader, "complete", &number));
  ck_assert_double_eq(number, 1.0);
  ck_assert(!hk_spike_reader_note_text(reader, "nothing", &back));
  ck_assert(!hk_spike_reader_note_text(reader, "seed", &back));
  ck_assert(!hk_spike_reader_note_number(reader, "config", &number));
  hk_spike_reader_close(reader);
  free(text);
}
END_TEST

START_TEST(writer_refuses_what_would_be_wrong)
{
  struct hk_spike_writer *writer = create_good(in_folder("spikes.h5"), 1);
  const double times[] = {5.0, 4.0}, nan_time = NAN, negative = -1.0, infinite = INFINITY, five = 5.0;
  const uint64_t ids[] = {3, 3}, smaller = 2;
  ck_assert_int_eq(hk_spike_writer_append(writer, 0, times, ids, 2), HK_ERR_INPUT);
  ck_assert_int_eq(hk_spike_writer_append(writer, 0, &nan_time, ids, 1), HK_ERR_INPUT);
  ck_assert_int_eq(hk_spike_writer_append(writer, 0, &negative, ids, 1), HK_ERR_INPUT);
  ck_assert_int_eq(hk_spike_writer_append(writer, 0, &infinite, ids, 1), HK_ERR_INPUT);
  ck_assert_int_eq(hk_spike_writer_append(writer, 0, &five, &smaller, 1), HK_ERR_INPUT);
  ck_assert_int_eq(hk_spike_writer_append(writer, 1, &five, ids, 1), HK_ERR_INPUT);
  ck_assert_int_eq(hk_spike_writer_close(writer, messages), HK_OK);
  const char *const slash = "a/b", *const good = "a";
  ck_assert_int_eq(hk_spike_writer_create(in_folder("x.h5"), &slash, 1, &writer, messages), HK_ERR_INPUT);
  ck_assert_int_eq(hk_spike_writer_create(in_folder("no/x.h5"), &good, 1, &writer, messages), HK_ERR_IO);
  ck_assert_ptr_nonnull(strstr(hk_messages_get(messages, 1).text, "No such file or directory"));
  ck_assert_int_eq(hk_spike_writer_create(test_folder, &good, 1, &writer, messages), HK_ERR_IO);
  ck_assert_int_eq(hk_spike_writer_create("/dev/null", &good, 1, &writer, messages), HK_ERR_IO);
}
END_TEST

START_TEST(an_old_file_stands_until_the_new_one_does)
{
  const char *path = in_folder("spikes.h5");
  struct hk_spike_writer *writer = create_good(path, 1);
  ck_assert_int_eq(append_range(writer, 0, 0, 10), HK_OK);
  ck_assert_int_eq(hk_spike_writer_close(writer, messages), HK_OK);
  const char *const twice[] = {"a", "a"};
  ck_assert_int_eq(hk_spike_writer_create(path, twice, 2, &writer, messages), HK_ERR_IO);
  ck_assert_int_ne(access(in_folder("spikes.h5.new"), F_OK), 0);
  struct hk_spike_reader *reader = open_good(path);
  ck_assert_uint_eq(hk_spike_reader_population(reader, 0).count, 10);
  hk_spike_reader_close(reader);
  writer = create_good(path, 1);
  ck_assert_int_eq(hk_spike_writer_close(writer, messages), HK_OK);
  reader = open_good(path);
  ck_assert_uint_eq(hk_spike_reader_population(reader, 0).count, 0);
  hk_spike_reader_close(reader);
}
END_TEST

/* Appends and flushes for ever, telling after each flush how many spikes there are. */
static _Noreturn void write_until_killed(const char *path, int pipe_end, uint64_t step)
{
  struct hk_spike_writer *writer = create_good(path, 2);
  for (uint64_t at = 0;; at += step) {
    if (append_range(writer, 0, at, at + step) || append_range(writer, 1, at, at + step) ||
        hk_spike_writer_flush(writer))
      _exit(1);
    const uint64_t told = at + step;
    if (write(pipe_end, &told, sizeof told) != sizeof told)
      _exit(1);
    if (append_range(writer, 0, told, told)) /* nothing: the file is not touched between flushes */
      _exit(1);
  }
}

START_TEST(what_was_flushed_survives_a_kill)
{
  const char *path = in_folder("spikes.h5");
  int ends[2];
  ck_assert_int_eq(pipe(ends), 0);
  const uint64_t step = _i % 2 ? 37 : 5000;
  pid_t child = fork();
  if (child == 0)
    write_until_killed(path, ends[1], step);
  close(ends[1]);
  uint64_t told = 0, last = 0;
  const uint64_t wanted = step * (uint64_t)(1 + 13 * _i % 60);
  while (last < wanted && read(ends[0], &told, sizeof told) == sizeof told)
    last = told;
  usleep((useconds_t)(_i * 37));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  while (read(ends[0], &told, sizeof told) == sizeof told)
    last = told;
  close(ends[0]);
  ck_assert_uint_ge(last, wanted);
  struct hk_spike_reader *reader = open_good(path);
  ck_assert_uint_eq(hk_messages_count(messages), 1);
  ck_assert_ptr_nonnull(strstr(hk_messages_get(messages, 0).text, "did not finish"));
  for (size_t p = 0; p < 2; p++) {
    const uint64_t count = hk_spike_reader_population(reader, p).count;
    ck_assert_uint_ge(count, last);
    check_range(reader, p, 0, count);
  }
  hk_spike_reader_close(reader);
}
END_TEST

/* Writes until the disk is full; what was flushed must be there. */
static void fill_the_disk(const char *path)
{
  struct hk_spike_writer *writer = create_good(path, 2);
  uint64_t flushed = 0;
  enum hk_status status = HK_OK;
  for (uint64_t at = 0; status == HK_OK && at < 10000000; at += 3000) {
    for (size_t p = 0; p < 2 && !status; p++)
      status = append_range(writer, p, at, at + 3000);
    if (!status && at % 9000 == 0) {
      status = hk_spike_writer_flush(writer);
      flushed = status ? flushed : at + 3000;
    }
  }
  ck_assert_int_eq(status, HK_ERR_IO);
  const double late = 1e9;
  const uint64_t id = 0;
  ck_assert_int_eq(hk_spike_writer_append(writer, 0, &late, &id, 1), HK_ERR_IO);
  ck_assert_int_eq(hk_spike_writer_flush(writer), HK_ERR_IO);
  ck_assert_int_eq(hk_spike_writer_close(writer, messages), HK_ERR_IO);
  ck_assert_uint_eq(hk_messages_count(messages), 1);
  ck_assert_uint_gt(flushed, 10000);
  struct hk_spike_reader *reader = open_good(path);
  for (size_t p = 0; p < 2; p++) {
    const uint64_t count = hk_spike_reader_population(reader, p).count;
    ck_assert_uint_ge(count, flushed);
    check_range(reader, p, 0, count);
  }
  hk_spike_reader_close(reader);
}

START_TEST(a_full_disk_keeps_what_was_flushed)
{
  if (mount("hillock-test", test_folder, "tmpfs", 0, "size=2m") != 0) {
    ck_assert_msg(errno == EPERM || errno == EACCES || errno == ENOSYS || errno == ENODEV, "mount: %s",
                  strerror(errno));
    printf("skipped, a small file system cannot be mounted: %s\n", strerror(errno));
    return;
  }
  fill_the_disk(in_folder("spikes.h5"));
  ck_assert_ptr_nonnull(strstr(hk_messages_get(messages, 0).text, "No space left on device"));
  ck_assert_int_eq(umount(test_folder), 0);
}
END_TEST

START_TEST(a_limit_on_file_size_is_like_a_full_disk)
{
  signal(SIGXFSZ, SIG_IGN);
  const struct rlimit limit = {2 << 20, 2 << 20};
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
  fill_the_disk(in_folder("spikes.h5"));
  ck_assert_ptr_nonnull(strstr(hk_messages_get(messages, 0).text, "File too large"));
}
END_TEST

#if defined(__SANITIZE_ADDRESS__)
enum { KEEPS_FREED_MEMORY = 1 };
#else
enum { KEEPS_FREED_MEMORY = 0 };
#endif

static long peak_kb(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

START_TEST(memory_does_not_grow_with_spikes)
{
  if (KEEPS_FREED_MEMORY) {
    printf("skipped under AddressSanitizer, which keeps freed memory\n");
    return;
  }
  struct hk_spike_writer *writer = create_good(in_folder("spikes.h5"), 1);
  ck_assert_int_eq(append_range(writer, 0, 0, 500000), HK_OK);
  ck_assert_int_eq(hk_spike_writer_flush(writer), HK_OK);
  const long before = peak_kb();
  for (uint64_t at = 500000; at < 10000000; at += 500000) {
    ck_assert_int_eq(append_range(writer, 0, at, at + 500000), HK_OK);
    ck_assert_int_eq(hk_spike_writer_flush(writer), HK_OK);
  }
  ck_assert_int_eq(hk_spike_writer_close(writer, messages), HK_OK);
  struct hk_spike_reader *reader = open_good(in_folder("spikes.h5"));
  ck_assert_uint_eq(hk_spike_reader_population(reader, 0).count, 10000000);
  for (uint64_t at = 0; at < 10000000; at += 10000)
    check_range(reader, 0, at, at + 10000);
  hk_spike_reader_close(reader);
  const long after = peak_kb();
  printf("peak memory after 0.5 and after 10 million spikes: %ld and %ld kB\n", before, after);
  ck_assert_int_lt(after - before, 4096);
}
END_TEST

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

/* --- files that other programs wrote, and wrong ones --- */

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
  struct hk_spike_writer *writer = create_good(in_folder("good.h5"), 2);
  ck_assert_int_eq(hk_spike_writer_note_text(writer, "config", "some: text"), HK_OK);
  ck_assert_int_eq(append_range(writer, 0, 0, 300), HK_OK);
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
  Suite *suite = suite_create("spikes_file");
  TCase *tcase = tcase_create("spikes_file");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 120);
  tcase_add_loop_test(tcase, what_is_written_comes_back, 0, 6);
  tcase_add_test(tcase, notes_come_back);
  tcase_add_test(tcase, writer_refuses_what_would_be_wrong);
  tcase_add_test(tcase, an_old_file_stands_until_the_new_one_does);
  tcase_add_loop_test(tcase, what_was_flushed_survives_a_kill, 0, 24);
  tcase_add_test(tcase, a_full_disk_keeps_what_was_flushed);
  tcase_add_test(tcase, a_limit_on_file_size_is_like_a_full_disk);
  tcase_add_test(tcase, memory_does_not_grow_with_spikes);
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
