/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of spikes in and out: what stands in them, what is wrong with them, and that nothing half-done is left. */
#include <hillock/table.h>

#include <check.h>
#include <errno.h>
#include <math.h>

#include <hillock/spikes.h>

#include "files.h"
#include "suite.h"
#include "trains.h"

static struct hk_messages *messages;
static struct train train;

static void setup(void)
{
  make_folder();
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
}

static void teardown(void)
{
  hk_messages_destroy(messages);
  train_clear(&train);
  remove_folder();
}

static enum hk_status import(const char *text, const struct hk_table_import *options)
{
  write_text(in_folder("in.csv"), text);
  return hk_table_import(in_folder("in.csv"), in_folder("out.h5"), options, NULL, messages);
}

/* The only population's spikes as text: "time id, time id, ...". */
static const char *imported(const char *name)
{
  static char text[1024];
  struct hk_spike_reader *reader = NULL;
  ck_assert_int_eq(hk_spike_reader_open(in_folder("out.h5"), &reader, messages), HK_OK);
  struct hk_spike_population population = hk_spike_reader_population(reader, 0);
  ck_assert_str_eq(population.name, name);
  ck_assert_int_eq(population.sorting, HK_SORTING_BY_TIME);
  double times[16];
  uint64_t ids[16];
  ck_assert_uint_le(population.count, 16);
  ck_assert_int_eq(hk_spike_reader_read(reader, 0, 0, (size_t)population.count, times, ids), HK_OK);
  text[0] = '\0';
  for (size_t i = 0; i < population.count; i++)
    sprintf(text + strlen(text), "%s%g %lu", i ? ", " : "", times[i], (unsigned long)ids[i]);
  hk_spike_reader_close(reader);
  return text;
}

static const struct {
  const char *text, *name, *spikes;
} good[] = {
    {"1,exc,5\n0.5,exc,7\n1,exc,2\n", "exc", "0.5 7, 1 2, 1 5"},
    {"3,1\n2,4", "neurons", "2 4, 3 1"},
    {"time_ms,population,neuron\n1.5,a,1\n", "a", "1.5 1"},
    {"id,noise,time_s\n7,x,0.25\n8,y,0.125\n", "neurons", "125 8, 250 7"},
    {"Neuron,Time (s)\r\n\r\n7,0.25\r\n", "neurons", "250 7"},
    {"\n\n 1 , \"a, b\" , 3 \n", "a, b", "1 3"},
    {"1,皮質,0\n", "皮質", "1 0"},
    {"time,neuron\n", NULL, NULL},
    {"", NULL, NULL},
};

START_TEST(good_tables)
{
  ck_assert_int_eq(import(good[_i].text, NULL), HK_OK);
  ck_assert_uint_eq(hk_messages_count(messages), 0);
  if (good[_i].name)
    ck_assert_str_eq(imported(good[_i].name), good[_i].spikes);
}
END_TEST

static const struct {
  const char *text;
  size_t line, errors;
  const char *message;
} bad[] = {
    {"1,2\nx,3\n", 2, 1, "`x` is no time"},
    {"1,2\n\n\nnan,3\n-1,4\ninf,2\n", 4, 3, "`nan` is no time"},
    {"1,2\r\n\r\n3,4.5\r\n", 3, 1, "`4.5` is no neuron"},
    {"1,2\n3,-4\n", 2, 1, "`-4` is no neuron"},
    {"1,2\n3,99999999999999999999\n", 2, 1, "is no neuron"},
    {"1,a,2\n3\n", 2, 1, "1 values where 3"},
    {"1,a,2\n3,,4\n", 2, 1, "`` cannot be the name"},
    {"1,a,2\n3,a/b,4\n", 2, 1, "`a/b` cannot be the name"},
    {"when,who\n1,2\n", 1, 1, "name the columns"},
    {"time,who\n1,2\n", 1, 1, "name the columns"},
    {"1\n2\n", 1, 2, "1 values where 2"},
};

START_TEST(bad_tables)
{
  ck_assert_int_eq(import(bad[_i].text, NULL), HK_ERR_INPUT);
  ck_assert_uint_eq(hk_messages_errors(messages), bad[_i].errors);
  struct hk_message first = hk_messages_get(messages, 0);
  ck_assert_uint_eq(first.place.line, bad[_i].line);
  ck_assert_msg(strstr(first.text, bad[_i].message) != NULL, "%s", first.text);
  ck_assert_int_ne(access(in_folder("out.h5"), F_OK), 0);
  ck_assert_int_ne(access(in_folder("out.h5.part"), F_OK), 0);
}
END_TEST

START_TEST(endless_errors_end)
{
  ck_assert_int_eq(import("1,1\n", NULL), HK_OK);
  FILE *file = fopen(in_folder("in.csv"), "a");
  for (int i = 0; i < 100000; i++)
    fputs("x,y\n", file);
  fclose(file);
  ck_assert_int_eq(hk_table_import(in_folder("in.csv"), in_folder("out.h5"), NULL, NULL, messages), HK_ERR_INPUT);
  ck_assert_uint_le(hk_messages_count(messages), 22);
  ck_assert_str_eq(imported("neurons"), "1 1"); /* the file that was there before is untouched */
}
END_TEST

/* Whatever bytes a table holds, there is an answer. */
START_TEST(random_bytes)
{
  static const char pieces[][12] = {"1", ",",    "\n", "\"",  "a",    "time",   "neuron",
                                    "-", "\r\n", " ",  "1e9", "\xff", "0.5,3\n"};
  uint64_t random = 9;
  for (int round = 0; round < 300; round++) {
    char text[2048] = "";
    for (uint64_t n = next_random(&random) % 100; n > 0; n--)
      strcat(text, pieces[next_random(&random) % (sizeof pieces / sizeof *pieces)]);
    hk_messages_clear(messages);
    enum hk_status status = import(text, NULL);
    ck_assert(status == HK_OK || (status == HK_ERR_INPUT && hk_messages_errors(messages) > 0));
  }
}
END_TEST

START_TEST(notes)
{
  struct hk_population_size sizes[] = {{"exc", 100}};
  struct hk_table_import options = {
      .population = "exc", .unit = 1000, .duration = 5000, .sizes = sizes, .size_count = 1};
  ck_assert_int_eq(import("1,5\n", &options), HK_OK);
  ck_assert_str_eq(imported("exc"), "1000 5");
  struct hk_view *view = NULL;
  ck_assert_int_eq(hk_view_open(in_folder("out.h5"), NULL, &view, messages), HK_OK);
  ck_assert_uint_eq(hk_view_population(view, 0).size, 100);
  ck_assert(hk_view_population(view, 0).size_stated);
  ck_assert_double_eq(hk_view_to(view), 5000);
  ck_assert_uint_eq(hk_messages_count(messages), 0);
  hk_view_close(view);
}
END_TEST

START_TEST(beyond_the_recording)
{
  struct hk_population_size sizes[] = {{"a", 3}, {"silent", 7}};
  struct hk_table_import options = {.unit = 1000, .duration = 5000, .sizes = sizes, .size_count = 2};
  ck_assert_int_eq(import("5,a,2\n1,b,9\n", &options), HK_OK);
  ck_assert_uint_eq(hk_messages_count(messages), 1);
  ck_assert_ptr_nonnull(strstr(hk_messages_get(messages, 0).text, "no spike is of population silent"));
  options.duration = 2007; /* the last spike comes at 2007.0000000000002 ms, by rounding */
  ck_assert_int_eq(import("2.007,a,2\n", &options), HK_OK);
  options.duration = 5000;
  static const char *const wrong[][2] = {
      {"5,a,2\n1,a,3\n0,a,4\n", "neuron 3, and population a is said to have 3"},
      {"5,a,2\n5.5,a,1\n6,a,1\n", "a spike at 5500 ms, and the recording ends at 5000 ms"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    hk_messages_clear(messages);
    ck_assert_int_eq(import(wrong[i][0], &options), HK_ERR_INPUT);
    ck_assert_uint_eq(hk_messages_errors(messages), 2);
    struct hk_message first = hk_messages_get(messages, 0);
    ck_assert_uint_eq(first.place.line, 2);
    ck_assert_msg(strstr(first.text, wrong[i][1]) != NULL, "%s", first.text);
  }
}
END_TEST

/* Out and in again gives the same bits, whatever the number. */
START_TEST(same_bits)
{
  uint64_t random = 4;
  for (uint64_t i = 0; i < 16; i++)
    train_add(&train, exp(40 * draw_uniform(&random) - 20), i);
  struct hk_spike_list list = train_list(&train, "a \"name\", quoted", 16);
  struct hk_view *view = NULL;
  ck_assert_int_eq(hk_view_open_memory(&list, 1, NULL, &view, messages), HK_OK);
  FILE *file = fopen(in_folder("in.csv"), "w");
  ck_assert_int_eq(hk_table_write(view, 0, HK_TABLE_CSV, true, file, messages), HK_OK);
  fclose(file);
  hk_view_close(view);
  ck_assert_int_eq(hk_table_import(in_folder("in.csv"), in_folder("out.h5"), NULL, NULL, messages), HK_OK);
  imported("a \"name\", quoted");
  struct hk_spike_reader *reader = NULL;
  double times[16];
  uint64_t ids[16];
  ck_assert_int_eq(hk_spike_reader_open(in_folder("out.h5"), &reader, messages), HK_OK);
  ck_assert_int_eq(hk_spike_reader_read(reader, 0, 0, 16, times, ids), HK_OK);
  for (size_t i = 0; i < 16; i++)
    ck_assert_double_eq(times[i], train.times[ids[i]]);
  hk_spike_reader_close(reader);
}
END_TEST

START_TEST(full_disk)
{
  train_add(&train, 1, 1);
  struct hk_spike_list list = train_list(&train, "a", 16);
  struct hk_view *view = NULL;
  ck_assert_int_eq(hk_view_open_memory(&list, 1, NULL, &view, messages), HK_OK);
  FILE *full = fopen("/dev/full", "w");
  ck_assert_msg(full || errno == ENOENT, "/dev/full: %s", strerror(errno));
  if (full) {
    ck_assert_int_eq(hk_table_write(view, 0, HK_TABLE_CSV, true, full, messages), HK_ERR_IO);
    fclose(full);
  } else {
    printf("skipped: /dev/full is not here\n");
  }
  hk_view_close(view);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("table");
  TCase *cases = tcase_create("table");
  tcase_set_timeout(cases, 60);
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_add_loop_test(cases, good_tables, 0, sizeof good / sizeof *good);
  tcase_add_loop_test(cases, bad_tables, 0, sizeof bad / sizeof *bad);
  tcase_add_test(cases, endless_errors_end);
  tcase_add_test(cases, random_bytes);
  tcase_add_test(cases, notes);
  tcase_add_test(cases, beyond_the_recording);
  tcase_add_test(cases, same_bits);
  tcase_add_test(cases, full_disk);
  suite_add_tcase(suite, cases);
  return run_suite(suite);
}
