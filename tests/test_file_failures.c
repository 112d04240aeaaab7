/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing and reading files with the 1st, 2nd, 3rd ... allocation failing: each time the status says so and nothing
 * crashes. */
#include <math.h>

#include <hillock/recorder.h>
#include <hillock/spikes.h>
#include <hillock/traces.h>

#include "failing_memory.h"
#include "files.h"
#include "io/sonata.h"
#include "shared.h"
#include "suite.h"

static enum hk_status write_spikes(const char *path)
{
  static const char *const names[] = {"a", "b"};
  struct hk_spike_writer *writer;
  enum hk_status status = hk_spike_writer_create(path, names, 2, &writer, NULL);
  if (status)
    return status;
  for (uint64_t i = 0; i < 600 && !status; i++)
    status = hk_spike_writer_append(writer, 1, &(double){(double)i}, &(uint64_t){i % 7}, 1);
  enum hk_status closing = hk_spike_writer_close(writer, NULL);
  return status ? status : closing;
}

static enum hk_status write_and_read_spikes(void)
{
  enum hk_status status = write_spikes(in_folder("s.h5"));
  struct hk_spike_reader *reader;
  if (!status)
    status = hk_spike_reader_open(in_folder("s.h5"), &reader, NULL);
  if (!status)
    hk_spike_reader_close(reader);
  return status;
}

static enum hk_status write_and_read_traces(void)
{
  static const uint64_t ids[] = {3, 1};
  static const double rows[] = {1, 2, 3, 4};
  const struct hk_trace_layout layout = {"a", "V_m", "mV", ids, 2, 0.0, 0.1};
  struct hk_trace_writer *writer;
  enum hk_status status = hk_trace_writer_create(in_folder("t.h5"), &layout, &writer, NULL);
  if (status)
    return status;
  status = hk_trace_writer_append(writer, rows, 2, 2, 1);
  enum hk_status closing = hk_trace_writer_close(writer, NULL);
  struct hk_trace_reader *reader;
  if (!status && !closing)
    status = hk_trace_reader_open(in_folder("t.h5"), &reader, NULL);
  if (!status && !closing)
    hk_trace_reader_close(reader);
  return status ? status : closing;
}

static struct hk_network *network;

static enum hk_status record(void)
{
  struct hk_recorder *recorder;
  enum hk_status status = hk_recorder_create(network, in_folder("r"), NULL, &recorder, NULL);
  if (status)
    return status;
  static const struct hk_spike spikes[] = {{1.0, 0, 0}, {1.0, 0, 1}, {2.0, 0, 0}};
  static const double row[] = {1.0, 2.0};
  const struct hk_sink sink = hk_recorder_sink(recorder);
  status = sink.spikes(sink.context, spikes, 3);
  if (!status)
    status = sink.trace(sink.context, 0, 0, row, 1);
  if (!status)
    status = hk_recorder_note_text(recorder, "command", "x");
  enum hk_status closing = hk_recorder_close(recorder, NULL);
  return status ? status : closing;
}

static void describe_network(void)
{
  static const uint64_t ids[] = {4, 2};
  static const uint32_t neurons[] = {1};
  static const char *const variables[] = {"V_m", "I_syn_ex"};
  const struct hk_population_spec a = {
      .name = "a", .model = "iaf_psc_exp", .size = 2, .record_as = "x", .record_ids = ids};
  const struct hk_trace_spec trace = {
      .name = "t", .neurons = neurons, .neuron_count = 1, .variables = variables, .variable_count = 2, .interval = 1.0};
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  ck_assert_int_eq(hk_network_add_population(network, &a, NULL, NULL, NULL), HK_OK);
  ck_assert_int_eq(hk_network_add_trace(network, &trace, NULL, NULL, NULL), HK_OK);
}

static enum hk_status read_trains(void)
{
  struct hk__source_trains trains;
  enum hk_status status = hk__source_trains_read(in_folder("s.h5"), "b", 0, &trains, NULL, NULL);
  if (!status)
    hk__source_trains_clear(&trains);
  return status;
}

static const char *published;
static char *published_text;

static enum hk_status read_circuit(void)
{
  struct hk__sonata sonata;
  static const char *const override = "run.tstop=10";
  enum hk_status status = hk__sonata_read(published, published_text, &override, 1, &sonata, NULL);
  if (!status)
    hk__sonata_clear(&sonata);
  return status;
}

START_TEST(no_memory_is_told)
{
  make_folder();
  run_failing(write_and_read_spikes, false, 1);
  run_failing(write_and_read_traces, false, 1);
  run_failing(read_trains, false, 1);
  describe_network();
  run_failing(record, false, 1);
  hk_network_destroy(network);
  remove_folder();
}
END_TEST

START_TEST(no_memory_for_a_circuit_is_told)
{
  published = shared_path("sonata/300_intfire/simulation_config.json");
  if (!published)
    return;
  size_t size;
  published_text = (char *)read_bytes(published, &size);
#if defined(__SANITIZE_ADDRESS__)
  const long stride = 11; /* each round takes long there */
#else
  const long stride = 1;
#endif
  run_failing(read_circuit, false, stride);
  free(published_text);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("file_failures");
  TCase *tcase = tcase_create("file_failures");
  tcase_set_timeout(tcase, 120);
  tcase_add_test(tcase, no_memory_is_told);
  tcase_add_test(tcase, no_memory_for_a_circuit_is_told);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
