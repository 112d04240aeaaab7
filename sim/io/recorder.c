/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a run's sink to its files.
 *
 * The engine orders spikes by time, population, neuron; a spikes file wants time, then node id, per population of the
 * file. Several populations of the engine may share one of the file, with any ids. What holds: `ties` of a file
 * population are those of its spikes that have the latest time so far and were not handed to the writer yet. */
#include <hillock/recorder.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <hillock/spikes.h>
#include <hillock/traces.h>

#include "io/h5.h"

enum { FLUSH_SECONDS = 2 };
static const uint32_t NOT_RECORDED = UINT32_MAX;

/* a population of the spikes file */
struct track {
  const char *name; /* while creating: of the network */
  uint64_t size;    /* largest id + 1 */
  double time;      /* of the ties */
  uint64_t *ties;   /* ids */
  size_t tie_count, capacity;
};

/* a population of the network */
struct source {
  uint32_t track;       /* or NOT_RECORDED */
  uint64_t *record_ids; /* NULL: a neuron's index is its id */
};

struct trace {
  struct hk_trace_writer **writers; /* one per variable */
  size_t variable_count, node_count;
};

struct hk_recorder {
  struct hk_spike_writer *spikes;
  struct track *tracks;
  struct source *sources;
  struct trace *traces;
  size_t track_count, source_count, trace_count;
  uint64_t spike_count;
  struct timespec last_flush;
};

/* --- spikes --- */

static int compare_ids(const void *a, const void *b)
{
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static enum hk_status hand_over(struct hk_recorder *recorder, struct track *track)
{
  if (track->tie_count > 1)
    qsort(track->ties, track->tie_count, sizeof *track->ties, compare_ids);
  const size_t index = (size_t)(track - recorder->tracks);
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < track->tie_count && !status; i++)
    status = hk_spike_writer_append(recorder->spikes, index, &track->time, &track->ties[i], 1);
  track->tie_count = 0;
  return status;
}

static enum hk_status add_spike(struct hk_recorder *recorder, struct track *track, double time, uint64_t id)
{
  if (track->tie_count > 0 && time != track->time) {
    enum hk_status status = hand_over(recorder, track);
    if (status)
      return status;
  }
  if (track->tie_count == track->capacity) {
    const size_t capacity = track->capacity ? 2 * track->capacity : 16;
    uint64_t *ties = realloc(track->ties, capacity * sizeof *ties);
    if (!ties)
      return HK_ERR_MEMORY;
    track->ties = ties;
    track->capacity = capacity;
  }
  track->time = time;
  track->ties[track->tie_count++] = id;
  return HK_OK;
}

static enum hk_status flush_files(struct hk_recorder *recorder)
{
  enum hk_status status = hk_spike_writer_flush(recorder->spikes);
  for (size_t t = 0; t < recorder->trace_count; t++)
    for (size_t v = 0; v < recorder->traces[t].variable_count && !status; v++)
      status = hk_trace_writer_flush(recorder->traces[t].writers[v]);
  clock_gettime(CLOCK_MONOTONIC, &recorder->last_flush);
  return status;
}

static enum hk_status flush_if_due(struct hk_recorder *recorder)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec - recorder->last_flush.tv_sec >= FLUSH_SECONDS ? flush_files(recorder) : HK_OK;
}

static enum hk_status take_spikes(void *context, const struct hk_spike *spikes, size_t count)
{
  struct hk_recorder *recorder = context;
  for (size_t i = 0; i < count; i++) {
    const struct source *source = &recorder->sources[spikes[i].population];
    if (source->track == NOT_RECORDED)
      continue;
    const uint64_t id = source->record_ids ? source->record_ids[spikes[i].neuron] : spikes[i].neuron;
    enum hk_status status = add_spike(recorder, &recorder->tracks[source->track], spikes[i].time, id);
    if (status)
      return status;
    recorder->spike_count++;
  }
  return flush_if_due(recorder);
}

static enum hk_status take_rows(void *context, size_t index, uint64_t first, const double *rows, size_t row_count)
{
  (void)first; /* rows come in order */
  struct hk_recorder *recorder = context;
  const struct trace *trace = &recorder->traces[index];
  const size_t stride = trace->node_count * trace->variable_count;
  for (size_t v = 0; v < trace->variable_count; v++) {
    enum hk_status status =
        hk_trace_writer_append(trace->writers[v], rows + v, row_count, stride, trace->variable_count);
    if (status)
      return status;
  }
  return flush_if_due(recorder);
}

struct hk_sink hk_recorder_sink(struct hk_recorder *recorder)
{
  return (struct hk_sink){recorder, take_spikes, take_rows};
}

/* --- creating --- */

static const char *recorded_name(const struct hk_population_spec *population)
{
  return population->record_as ? population->record_as : population->name;
}

static uint32_t find_track(struct hk_recorder *recorder, const char *name)
{
  for (size_t i = 0; i < recorder->track_count; i++)
    if (strcmp(recorder->tracks[i].name, name) == 0)
      return (uint32_t)i;
  recorder->tracks[recorder->track_count].name = name;
  return (uint32_t)recorder->track_count++;
}

static enum hk_status assign_track(struct hk_recorder *recorder, const struct hk_population_spec *population,
                                   struct source *source)
{
  source->track = find_track(recorder, recorded_name(population));
  uint64_t size = population->size;
  if (population->record_ids) {
    source->record_ids = malloc(population->size * sizeof *source->record_ids);
    if (!source->record_ids)
      return HK_ERR_MEMORY;
    memcpy(source->record_ids, population->record_ids, population->size * sizeof *source->record_ids);
    size = 0;
    for (uint64_t i = 0; i < population->size; i++)
      size = source->record_ids[i] >= size ? source->record_ids[i] + 1 : size;
  }
  struct track *track = &recorder->tracks[source->track];
  track->size = track->size > size ? track->size : size;
  return HK_OK;
}

static enum hk_status assign_tracks(struct hk_recorder *recorder, const struct hk_network *network)
{
  for (size_t p = 0; p < recorder->source_count; p++) {
    recorder->sources[p].track = NOT_RECORDED;
    if (!hk_network_records_spikes(network, p))
      continue;
    enum hk_status status = assign_track(recorder, hk_network_population(network, p), &recorder->sources[p]);
    if (status)
      return status;
  }
  return HK_OK;
}

static enum hk_status note_size(struct hk_recorder *recorder, const struct track *track)
{
  char *name = NULL;
  if (asprintf(&name, "size_%s", track->name) < 0)
    return HK_ERR_MEMORY;
  enum hk_status status = hk_spike_writer_note_number(recorder->spikes, name, (double)track->size);
  free(name);
  return status;
}

/* HDF5 hands the populations back by name; the order that was meant goes to a note. */
static enum hk_status note_order(struct hk_recorder *recorder)
{
  size_t length = 1;
  for (size_t i = 0; i < recorder->track_count; i++)
    length += strlen(recorder->tracks[i].name) + 1;
  char *text = malloc(length), *end = text;
  if (!text)
    return HK_ERR_MEMORY;
  *end = '\0';
  for (size_t i = 0; i < recorder->track_count; i++)
    end = stpcpy(stpcpy(end, i > 0 ? "\n" : ""), recorder->tracks[i].name);
  enum hk_status status = hk_spike_writer_note_text(recorder->spikes, "populations", text);
  free(text);
  return status;
}

static enum hk_status create_spikes(struct hk_recorder *recorder, const char *path, struct hk_messages *messages)
{
  const char **names = calloc(recorder->track_count ? recorder->track_count : 1, sizeof *names);
  if (!names)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < recorder->track_count; i++)
    names[i] = recorder->tracks[i].name;
  enum hk_status status = hk_spike_writer_create(path, names, recorder->track_count, &recorder->spikes, messages);
  free(names);
  for (size_t i = 0; i < recorder->track_count && !status; i++)
    status = note_size(recorder, &recorder->tracks[i]);
  return status ? status : note_order(recorder);
}

/* The names of all files, the spikes file's first, then in the order of traces and variables. */
struct files {
  char **paths;
  size_t count;
};

static void free_files(struct files *files)
{
  for (size_t i = 0; i < files->count; i++)
    free(files->paths[i]);
  free(files->paths);
}

static enum hk_status add_file(struct files *files, const char *folder, const char *name, const char *variable,
                               const char *ending, struct hk_messages *messages)
{
  char *path = NULL;
  if (asprintf(&path, "%s/%s%s%s%s", folder, name, variable ? "_" : "", variable ? variable : "", ending) < 0)
    return HK_ERR_MEMORY;
  files->paths[files->count++] = path;
  if (!*name || strchr(name, '/') || (variable && strchr(variable, '/')))
    return hk__h5_complain(messages, HK_ERR_INPUT, path, "`%s` cannot name a file", name);
  for (size_t i = 0; i + 1 < files->count; i++)
    if (strcmp(files->paths[i], path) == 0)
      return hk__h5_complain(messages, HK_ERR_INPUT, path,
                             "two of the things to be recorded would go to this file: give the trace %s another name",
                             name);
  return HK_OK;
}

static enum hk_status name_files(struct files *files, const struct hk_network *network, const char *folder,
                                 const char *spikes_file, struct hk_messages *messages)
{
  size_t count = 1;
  for (size_t t = 0; t < hk_network_trace_count(network); t++)
    count += hk_network_trace(network, t)->variable_count;
  *files = (struct files){calloc(count, sizeof *files->paths), 0};
  if (!files->paths)
    return HK_ERR_MEMORY;
  enum hk_status status = add_file(files, folder, spikes_file, NULL, "", messages);
  for (size_t t = 0; t < hk_network_trace_count(network); t++) {
    const struct hk_trace_spec *trace = hk_network_trace(network, t);
    for (size_t v = 0; v < trace->variable_count && !status; v++)
      status =
          add_file(files, folder, trace->name, trace->variable_count > 1 ? trace->variables[v] : NULL, ".h5", messages);
  }
  return status;
}

static enum hk_status create_writer(const struct hk_network *network, const struct hk_trace_spec *spec, size_t variable,
                                    const char *path, struct hk_trace_writer **out, struct hk_messages *messages)
{
  const struct hk_population_spec *population = hk_network_population(network, spec->population);
  const struct hk_model *model = hk_network_model(network, spec->population);
  const int state = hk_model_state(model, spec->variables[variable]);
  uint64_t *ids = malloc((spec->neuron_count + 1) * sizeof *ids);
  if (!ids)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < spec->neuron_count; i++)
    ids[i] = population->record_ids ? population->record_ids[spec->neurons[i]] : spec->neurons[i];
  const struct hk_trace_layout layout = {.population = recorded_name(population),
                                         .variable = spec->variables[variable],
                                         .unit = state < 0 ? "" : model->states[state].unit,
                                         .node_ids = ids,
                                         .node_count = spec->neuron_count,
                                         .start = 0.0,
                                         .interval = spec->interval};
  enum hk_status status = hk_trace_writer_create(path, &layout, out, messages);
  free(ids);
  return status;
}

static enum hk_status create_traces(struct hk_recorder *recorder, const struct hk_network *network, char **paths,
                                    struct hk_messages *messages)
{
  for (size_t t = 0; t < recorder->trace_count; t++) {
    const struct hk_trace_spec *spec = hk_network_trace(network, t);
    struct trace *trace = &recorder->traces[t];
    trace->writers = calloc(spec->variable_count + 1, sizeof *trace->writers);
    if (!trace->writers)
      return HK_ERR_MEMORY;
    trace->node_count = spec->neuron_count;
    trace->variable_count = spec->variable_count;
    for (size_t v = 0; v < spec->variable_count; v++) {
      enum hk_status status = create_writer(network, spec, v, *paths++, &trace->writers[v], messages);
      if (status)
        return status;
    }
  }
  return HK_OK;
}

static enum hk_status make_folder(const char *folder, struct hk_messages *messages)
{
  char *path = strdup(folder);
  if (!path)
    return HK_ERR_MEMORY;
  int failure = 0;
  for (char *end = path; end && !failure; end = *end ? end : NULL) {
    end = strchrnul(*end == '/' ? end + 1 : end, '/');
    const char kept = *end;
    *end = '\0';
    if (*path && mkdir(path, 0777) && errno != EEXIST)
      failure = errno;
    *end = kept;
  }
  struct stat info;
  if (!failure && stat(folder, &info) == 0 && !S_ISDIR(info.st_mode))
    failure = ENOTDIR;
  free(path);
  return failure ? hk__h5_complain(messages, HK_ERR_IO, folder, "cannot be made a folder: %s", strerror(failure))
                 : HK_OK;
}

static struct hk_recorder *allocate(const struct hk_network *network)
{
  struct hk_recorder *recorder = calloc(1, sizeof *recorder);
  if (!recorder)
    return NULL;
  recorder->source_count = hk_network_population_count(network);
  recorder->trace_count = hk_network_trace_count(network);
  recorder->tracks = calloc(recorder->source_count + 1, sizeof *recorder->tracks);
  recorder->sources = calloc(recorder->source_count + 1, sizeof *recorder->sources);
  recorder->traces = calloc(recorder->trace_count + 1, sizeof *recorder->traces);
  if (recorder->tracks && recorder->sources && recorder->traces)
    return recorder;
  free(recorder->tracks);
  free(recorder->sources);
  free(recorder->traces);
  free(recorder);
  return NULL;
}

enum hk_status hk_recorder_create(const struct hk_network *network, const char *folder, const char *spikes_file,
                                  struct hk_recorder **out, struct hk_messages *messages)
{
  struct hk_recorder *recorder = allocate(network);
  if (!recorder)
    return HK_ERR_MEMORY;
  clock_gettime(CLOCK_MONOTONIC, &recorder->last_flush);
  struct files files = {0};
  enum hk_status status = name_files(&files, network, folder, spikes_file ? spikes_file : "spikes.h5", messages);
  if (!status)
    status = assign_tracks(recorder, network);
  if (!status)
    status = make_folder(folder, messages);
  if (!status)
    status = create_spikes(recorder, files.paths[0], messages);
  if (!status)
    status = create_traces(recorder, network, files.paths + 1, messages);
  free_files(&files);
  for (size_t i = 0; i < recorder->track_count; i++)
    recorder->tracks[i].name = NULL; /* the network's */
  if (status)
    hk_recorder_close(recorder, NULL);
  else
    *out = recorder;
  return status;
}

/* --- the rest --- */

enum hk_status hk_recorder_note_text(struct hk_recorder *recorder, const char *name, const char *text)
{
  return hk_spike_writer_note_text(recorder->spikes, name, text);
}

enum hk_status hk_recorder_note_number(struct hk_recorder *recorder, const char *name, double value)
{
  return hk_spike_writer_note_number(recorder->spikes, name, value);
}

uint64_t hk_recorder_spike_count(const struct hk_recorder *recorder)
{
  return recorder->spike_count;
}

static enum hk_status hand_over_all(struct hk_recorder *recorder)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < recorder->track_count && !status; i++)
    status = hand_over(recorder, &recorder->tracks[i]);
  return status;
}

enum hk_status hk_recorder_flush(struct hk_recorder *recorder)
{
  enum hk_status status = hand_over_all(recorder);
  return status ? status : flush_files(recorder);
}

enum hk_status hk_recorder_close(struct hk_recorder *recorder, struct hk_messages *messages)
{
  if (!recorder)
    return HK_OK;
  enum hk_status status = recorder->spikes ? hand_over_all(recorder) : HK_OK;
  enum hk_status closing = hk_spike_writer_close(recorder->spikes, messages);
  status = status ? status : closing;
  for (size_t t = 0; t < recorder->trace_count; t++) {
    for (size_t v = 0; v < recorder->traces[t].variable_count; v++) {
      closing = hk_trace_writer_close(recorder->traces[t].writers[v], messages);
      status = status ? status : closing;
    }
    free(recorder->traces[t].writers);
  }
  for (size_t i = 0; i < recorder->track_count; i++)
    free(recorder->tracks[i].ties);
  for (size_t i = 0; i < recorder->source_count; i++)
    free(recorder->sources[i].record_ids);
  free(recorder->tracks);
  free(recorder->sources);
  free(recorder->traces);
  free(recorder);
  return status;
}
