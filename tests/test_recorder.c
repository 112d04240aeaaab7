/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The recorder: a run's sink to its files, several populations merged into one, names of files. */
#include <hillock/recorder.h>

#include <check.h>

#include <hillock/spikes.h>
#include <hillock/traces.h>

#include "files.h"
#include "suite.h"

static struct hk_messages *messages;
static struct hk_network *network;

static void add_population(const char *name, uint64_t size, const char *record_as, const uint64_t *record_ids)
{
  const struct hk_population_spec spec = {
      .name = name, .model = "iaf_psc_exp", .size = size, .record_as = record_as, .record_ids = record_ids};
  ck_assert_int_eq(hk_network_add_population(network, &spec, NULL, NULL, messages), HK_OK);
}

static enum hk_status add_trace(const char *name, size_t population, size_t variable_count)
{
  static const char *const variables[] = {"V_m", "I_syn_ex"};
  static const uint32_t neurons[] = {2, 0};
  const struct hk_trace_spec spec = {.name = name,
                                     .population = population,
                                     .neurons = neurons,
                                     .neuron_count = 2,
                                     .variables = variables,
                                     .variable_count = variable_count,
                                     .interval = 0.5};
  return hk_network_add_trace(network, &spec, NULL, NULL, messages);
}

static void setup(void)
{
  static const uint64_t ids_a[] = {7, 1, 4}, ids_b[] = {0, 9, 3};
  make_folder();
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  add_population("a", 3, "v1", ids_a);
  add_population("b", 3, "v1", ids_b);
  add_population("c", 5, NULL, NULL);
  add_population("silent", 4, NULL, NULL);
  add_population("hidden", 3, NULL, NULL);
  ck_assert_int_eq(hk_network_record_spikes(network, 4, false), HK_OK);
}

static void teardown(void)
{
  hk_network_destroy(network);
  hk_messages_destroy(messages);
  remove_folder();
}

static void check_population(struct hk_spike_reader *reader, size_t index, const char *name, const double *times,
                             const uint64_t *ids, size_t count)
{
  const struct hk_spike_population population = hk_spike_reader_population(reader, index);
  ck_assert_str_eq(population.name, name);
  ck_assert_uint_eq(population.count, count);
  double read_times[16];
  uint64_t read_ids[16];
  ck_assert_int_eq(hk_spike_reader_read(reader, index, 0, count, read_times, read_ids), HK_OK);
  for (size_t i = 0; i < count; i++) {
    ck_assert_double_eq(read_times[i], times[i]);
    ck_assert_uint_eq(read_ids[i], ids[i]);
  }
}

START_TEST(populations_are_merged_in_time_then_id_order)
{
  /* time, population, neuron: cut into calls so that equal times span them */
  static const struct hk_spike spikes[] = {{1.0, 0, 0}, {1.0, 0, 1}, {1.0, 1, 1}, {1.0, 1, 2}, {1.0, 2, 4},
                                           {2.0, 1, 0}, {2.0, 4, 1}, {2.5, 2, 0}, {2.5, 2, 1}, {3.0, 0, 2}};
  enum { COUNT = sizeof spikes / sizeof *spikes };
  struct hk_recorder *recorder = NULL;
  ck_assert_int_eq(hk_recorder_create(network, in_folder("new/results"), NULL, &recorder, messages), HK_OK);
  struct hk_sink sink = hk_recorder_sink(recorder);
  for (size_t at = 0; at < COUNT; at += (size_t)_i + 1) {
    const size_t count = COUNT - at < (size_t)_i + 1 ? COUNT - at : (size_t)_i + 1;
    ck_assert_int_eq(sink.spikes(sink.context, spikes + at, count), HK_OK);
  }
  ck_assert_uint_eq(hk_recorder_spike_count(recorder), COUNT - 1);
  ck_assert_int_eq(hk_recorder_note_text(recorder, "command", "a b"), HK_OK);
  ck_assert_int_eq(hk_recorder_note_number(recorder, "duration", 3.5), HK_OK);
  ck_assert_int_eq(hk_recorder_flush(recorder), HK_OK);
  ck_assert_int_eq(hk_recorder_close(recorder, messages), HK_OK);
  ck_assert_uint_eq(hk_messages_count(messages), 0);

  struct hk_spike_reader *reader = NULL;
  ck_assert_int_eq(hk_spike_reader_open(in_folder("new/results"), &reader, messages), HK_OK);
  ck_assert_uint_eq(hk_spike_reader_population_count(reader), 3);
  check_population(reader, 0, "c", (const double[]){1.0, 2.5, 2.5}, (const uint64_t[]){4, 0, 1}, 3);
  check_population(reader, 1, "silent", NULL, NULL, 0);
  check_population(reader, 2, "v1", (const double[]){1.0, 1.0, 1.0, 1.0, 2.0, 3.0},
                   (const uint64_t[]){1, 3, 7, 9, 0, 4}, 6);
  double number = 0.0;
  ck_assert(hk_spike_reader_note_number(reader, "size_v1", &number));
  ck_assert_double_eq(number, 10.0);
  ck_assert(hk_spike_reader_note_number(reader, "size_c", &number));
  ck_assert_double_eq(number, 5.0);
  ck_assert(hk_spike_reader_note_number(reader, "size_silent", &number));
  ck_assert_double_eq(number, 4.0);
  ck_assert(hk_spike_reader_note_number(reader, "duration", &number));
  ck_assert_double_eq(number, 3.5);
  hk_spike_reader_close(reader);
}
END_TEST

static void check_trace(const char *file, const char *population, const char *variable, const char *unit,
                        const uint64_t *ids, float first, float step)
{
  struct hk_trace_reader *reader = NULL;
  ck_assert_int_eq(hk_trace_reader_open(in_folder(file), &reader, messages), HK_OK);
  struct hk_trace_info info = hk_trace_reader_info(reader);
  ck_assert_str_eq(info.population, population);
  ck_assert_str_eq(info.variable, variable);
  ck_assert_str_eq(info.unit, unit);
  ck_assert_uint_eq(info.node_count, 2);
  ck_assert_uint_eq(info.node_ids[0], ids[0]);
  ck_assert_uint_eq(info.node_ids[1], ids[1]);
  ck_assert_uint_eq(info.row_count, 3);
  ck_assert_double_eq(info.interval, 0.5);
  float values[6];
  ck_assert_int_eq(hk_trace_reader_read(reader, 0, 3, values), HK_OK);
  for (int i = 0; i < 6; i++)
    ck_assert_float_eq(values[i], first + step * (float)i);
  hk_trace_reader_close(reader);
}

START_TEST(traces_go_to_a_file_per_variable)
{
  ck_assert_int_eq(add_trace("one", 0, 1), HK_OK);
  ck_assert_int_eq(add_trace("both", 2, 2), HK_OK);
  struct hk_recorder *recorder = NULL;
  ck_assert_int_eq(hk_recorder_create(network, test_folder, "v1_spikes.h5", &recorder, messages), HK_OK);
  struct hk_sink sink = hk_recorder_sink(recorder);
  static const double one[] = {0, 1, 2, 3, 4, 5}, both[] = {0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15};
  ck_assert_int_eq(sink.trace(sink.context, 0, 0, one, 1), HK_OK);
  ck_assert_int_eq(sink.trace(sink.context, 1, 0, both, 2), HK_OK);
  ck_assert_int_eq(sink.trace(sink.context, 0, 1, one + 2, 2), HK_OK);
  ck_assert_int_eq(sink.trace(sink.context, 1, 2, both + 8, 1), HK_OK);
  ck_assert_int_eq(hk_recorder_close(recorder, messages), HK_OK);
  check_trace("one.h5", "v1", "V_m", "mV", (const uint64_t[]){4, 7}, 0, 1);
  check_trace("both_V_m.h5", "c", "V_m", "mV", (const uint64_t[]){2, 0}, 0, 1);
  check_trace("both_I_syn_ex.h5", "c", "I_syn_ex", "pA", (const uint64_t[]){2, 0}, 10, 1);
  ck_assert_int_eq(access(in_folder("v1_spikes.h5"), F_OK), 0);
}
END_TEST

START_TEST(files_of_one_name_are_refused)
{
  static const char *const names[][2] = {{"spikes", "x"}, {"both", "both_V_m"}};
  ck_assert_int_eq(add_trace(names[_i][0], 0, _i == 1 ? 2 : 1), HK_OK);
  ck_assert_int_eq(add_trace(names[_i][1], 2, 1), HK_OK);
  struct hk_recorder *recorder = NULL;
  ck_assert_int_eq(hk_recorder_create(network, in_folder("new"), NULL, &recorder, messages), HK_ERR_INPUT);
  ck_assert_uint_eq(hk_messages_errors(messages), 1);
  ck_assert_ptr_nonnull(strstr(hk_messages_get(messages, 0).text, "another name"));
  ck_assert_int_ne(access(in_folder("new"), F_OK), 0);
}
END_TEST

START_TEST(folders_that_cannot_be_are_told)
{
  struct hk_recorder *recorder = NULL;
  write_text(in_folder("file"), "x");
  ck_assert_int_eq(hk_recorder_create(network, in_folder("file"), NULL, &recorder, messages), HK_ERR_IO);
  ck_assert_int_eq(hk_recorder_create(network, in_folder("file/below"), NULL, &recorder, messages), HK_ERR_IO);
  ck_assert_int_eq(hk_recorder_create(network, in_folder("good"), "a/b.h5", &recorder, messages), HK_ERR_INPUT);
  ck_assert_uint_eq(hk_messages_errors(messages), 3);
  ck_assert_int_ne(access(in_folder("good"), F_OK), 0);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("recorder");
  TCase *tcase = tcase_create("recorder");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_loop_test(tcase, populations_are_merged_in_time_then_id_order, 0, 10);
  tcase_add_test(tcase, traces_go_to_a_file_per_variable);
  tcase_add_loop_test(tcase, files_of_one_name_are_refused, 0, 2);
  tcase_add_test(tcase, folders_that_cannot_be_are_told);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
