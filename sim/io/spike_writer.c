/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing spikes as SONATA asks, in chunks, while a run goes on.
 *
 * Each population has a buffer that grows up to one chunk; a full one goes to HDF5. What holds: in the file, a
 * population's two datasets have equal lengths and ascending times after every flush; /provenance says `complete` = 0
 * until the writer is closed without an error, so that a file whose writer was killed can be told from a whole one.
 * Values that never reached the file read as NaN. */
#include <hillock/spikes.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/h5.h"

enum { CHUNK = HK__SPIKE_CHUNK, FIRST_CAPACITY = 256 };

struct population {
  hid_t times, ids;
  uint64_t written;
  double last_time;
  uint64_t last_id;
  double *time_buffer;
  uint64_t *id_buffer;
  size_t buffered, capacity;
};

struct hk_spike_writer {
  struct hk__h5_output output;
  hid_t provenance;
  struct population *populations;
  size_t count;
};

/* libsonata reads this enum from the group; bmtk and pysonata read a text from node_ids. */
static bool put_sorting(hid_t group, hid_t ids)
{
  hid_t type = H5Tenum_create(H5T_STD_U8LE);
  const uint8_t none = 0, by_id = 1, by_time = 2;
  bool good = type >= 0 && H5Tenum_insert(type, "none", &none) >= 0 && H5Tenum_insert(type, "by_id", &by_id) >= 0 &&
              H5Tenum_insert(type, "by_time", &by_time) >= 0;
  hid_t space = H5Screate(H5S_SCALAR);
  hid_t attribute = good ? H5Acreate2(group, "sorting", type, space, H5P_DEFAULT, H5P_DEFAULT) : -1;
  good = attribute >= 0 && H5Awrite(attribute, type, &by_time) >= 0 && hk__h5_put_text(ids, "sorting", "by_time");
  hk__h5_drop(attribute);
  hk__h5_drop(space);
  hk__h5_drop(type);
  return good;
}

static bool create_population(hid_t spikes, const char *name, struct population *population)
{
  const hsize_t size = 0, chunk = CHUNK;
  const double no_time = NAN;
  const uint64_t no_id = UINT64_MAX;
  hid_t group = hk__h5_new_group(spikes, name);
  bool good = false;
  if (group >= 0) {
    population->times = hk__h5_new_dataset(group, "timestamps", H5T_IEEE_F64LE, 1, &size, &chunk, &no_time);
    population->ids = hk__h5_new_dataset(group, "node_ids", H5T_STD_U64LE, 1, &size, &chunk, &no_id);
    good = population->times >= 0 && population->ids >= 0 && hk__h5_put_text(population->times, "units", "ms") &&
           put_sorting(group, population->ids);
  }
  hk__h5_drop(group);
  return good;
}

static bool create_groups(struct hk_spike_writer *writer, const char *const *names)
{
  hid_t spikes = hk__h5_new_group(writer->output.file, "spikes");
  bool good = spikes >= 0;
  for (size_t i = 0; good && i < writer->count; i++)
    good = create_population(spikes, names[i], &writer->populations[i]);
  hk__h5_drop(spikes);
  if (good)
    writer->provenance = hk__h5_new_provenance(writer->output.file);
  return good && writer->provenance >= 0;
}

static enum hk_status free_writer(struct hk_spike_writer *writer, struct hk_messages *messages)
{
  for (size_t i = 0; i < writer->count; i++) {
    struct population *population = &writer->populations[i];
    hk__h5_drop(population->times);
    hk__h5_drop(population->ids);
    free(population->time_buffer);
    free(population->id_buffer);
  }
  hk__h5_drop(writer->provenance);
  enum hk_status status = hk__h5_output_close(&writer->output, messages);
  free(writer->populations);
  free(writer);
  return status;
}

static bool is_name(const char *name)
{
  return *name && !strchr(name, '/') && strcmp(name, ".") != 0;
}

static enum hk_status create(const char *path, const char *const *names, size_t count, struct hk_spike_writer **out,
                             struct hk_messages *messages)
{
  for (size_t i = 0; i < count; i++)
    if (!is_name(names[i]))
      return hk__h5_complain(messages, HK_ERR_INPUT, path, "`%s` cannot name a population in HDF5", names[i]);
  struct hk_spike_writer *writer = calloc(1, sizeof *writer);
  struct population *populations = calloc(count ? count : 1, sizeof *populations);
  if (!writer || !populations) {
    free(writer);
    free(populations);
    return HK_ERR_MEMORY;
  }
  *writer = (struct hk_spike_writer){.provenance = -1, .populations = populations, .count = count};
  for (size_t i = 0; i < count; i++)
    populations[i] = (struct population){.times = -1, .ids = -1, .last_time = -INFINITY};
  enum hk_status status = hk__h5_output_create(path, &writer->output, messages);
  if (status) {
    free(populations);
    free(writer);
    return status;
  }
  if (!create_groups(writer, names))
    status = hk__h5_output_fail(&writer->output, "cannot be written");
  else
    status = hk__h5_output_publish(&writer->output);
  if (status) {
    enum hk_status closing = free_writer(writer, messages);
    return closing ? closing : status;
  }
  *out = writer;
  return HK_OK;
}

enum hk_status hk_spike_writer_create(const char *path, const char *const *populations, size_t population_count,
                                      struct hk_spike_writer **out, struct hk_messages *messages)
{
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  enum hk_status status = create(path, populations, population_count, out, messages);
  hk__h5_unhush(&quiet);
  return status;
}

static uint64_t chunks(uint64_t spikes)
{
  return (spikes + CHUNK - 1) / CHUNK;
}

static enum hk_status push_hushed(struct hk_spike_writer *writer, struct population *population)
{
  const size_t count = population->buffered;
  if (count == 0 || writer->output.status)
    return writer->output.status;
  const uint64_t first = population->written, new_chunks = chunks(first + count) - chunks(first);
  enum hk_status status =
      hk__h5_output_reserve(&writer->output, new_chunks * CHUNK * (sizeof(double) + sizeof(uint64_t)));
  if (status)
    return status;
  if (!hk__h5_append(population->times, H5T_NATIVE_DOUBLE, first, count, 1, population->time_buffer) ||
      !hk__h5_append(population->ids, H5T_NATIVE_UINT64, first, count, 1, population->id_buffer))
    return hk__h5_output_fail(&writer->output, "cannot be written");
  population->written += count;
  population->buffered = 0;
  return HK_OK;
}

/* Errors are hushed here rather than for every spike that is appended. */
static enum hk_status push(struct hk_spike_writer *writer, struct population *population)
{
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  enum hk_status status = push_hushed(writer, population);
  hk__h5_unhush(&quiet);
  return status;
}

static enum hk_status make_room(struct hk_spike_writer *writer, struct population *population)
{
  if (population->capacity == CHUNK)
    return push(writer, population);
  const size_t capacity = population->capacity ? 2 * population->capacity : FIRST_CAPACITY;
  double *times = realloc(population->time_buffer, capacity * sizeof *times);
  population->time_buffer = times ? times : population->time_buffer;
  uint64_t *ids = realloc(population->id_buffer, capacity * sizeof *ids);
  population->id_buffer = ids ? ids : population->id_buffer;
  if (!times || !ids)
    return HK_ERR_MEMORY;
  population->capacity = capacity;
  return HK_OK;
}

enum hk_status hk_spike_writer_append(struct hk_spike_writer *writer, size_t index, const double *times,
                                      const uint64_t *node_ids, size_t count)
{
  if (index >= writer->count)
    return HK_ERR_INPUT;
  if (writer->output.status)
    return writer->output.status;
  struct population *population = &writer->populations[index];
  for (size_t i = 0; i < count; i++) {
    const bool after =
        times[i] > population->last_time || (times[i] == population->last_time && node_ids[i] >= population->last_id);
    if (!after || !(times[i] >= 0.0) || isinf(times[i]))
      return HK_ERR_INPUT;
    if (population->buffered == population->capacity) {
      enum hk_status status = make_room(writer, population);
      if (status)
        return status;
    }
    population->last_time = population->time_buffer[population->buffered] = times[i];
    population->last_id = population->id_buffer[population->buffered] = node_ids[i];
    population->buffered++;
  }
  return HK_OK;
}

static enum hk_status flush(struct hk_spike_writer *writer)
{
  for (size_t i = 0; i < writer->count; i++) {
    enum hk_status status = push(writer, &writer->populations[i]);
    if (status)
      return status;
  }
  return hk__h5_output_flush(&writer->output);
}

enum hk_status hk_spike_writer_flush(struct hk_spike_writer *writer)
{
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  enum hk_status status = flush(writer);
  hk__h5_unhush(&quiet);
  return status;
}

static enum hk_status note(struct hk_spike_writer *writer, const char *name, const char *text, double value)
{
  enum hk_status status = hk__h5_output_reserve(&writer->output, text ? 2 * strlen(text) : 0);
  if (status)
    return status;
  bool good =
      text ? hk__h5_put_text(writer->provenance, name, text) : hk__h5_put_number(writer->provenance, name, value);
  return good ? HK_OK : hk__h5_output_fail(&writer->output, "a note cannot be written");
}

enum hk_status hk_spike_writer_note_text(struct hk_spike_writer *writer, const char *name, const char *text)
{
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  enum hk_status status = note(writer, name, text, 0.0);
  hk__h5_unhush(&quiet);
  return status;
}

enum hk_status hk_spike_writer_note_number(struct hk_spike_writer *writer, const char *name, double value)
{
  struct hk__h5_quiet quiet;
  hk__h5_hush(&quiet);
  enum hk_status status = note(writer, name, NULL, value);
  hk__h5_unhush(&quiet);
  return status;
}

enum hk_status hk_spike_writer_close(struct hk_spike_writer *writer, struct hk_messages *messages)
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
