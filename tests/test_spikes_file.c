/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spikes files of Hillock: what is written comes back, and survives kill -9 and a full disk. */
#include <hillock/spikes.h>

#include <check.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fixture.h"
#include "suite.h"

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
  expect(hk_spike_reader_open(path, &reader, messages), HK_OK);
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
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
