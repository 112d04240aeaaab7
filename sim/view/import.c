/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table is read twice: once to learn the names of its populations and whether every line is right, once to sort
 * the spikes of each population and write them. */
#include <hillock/table.h>

#include <csv.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hillock/spikes.h>

#include "view/sorter.h"

enum { RUN_LENGTH = 1 << 23, SHORTEST_RUN = 1 << 16, PIECE = 1 << 14, ERRORS_MOST = 20, FIELD_MOST = 1024 };
enum column { TIME, POPULATION, NEURON, COLUMNS };

struct source {
  char *name;
  struct hk__sorter *sorter;
  uint64_t count;
};

struct table {
  const char *path;
  const struct hk_table_import *options;
  struct hk_messages *messages;
  double unit;
  int places[COLUMNS]; /* in a line; -1: there is no such column */
  struct source *sources;
  size_t source_count, last_source;
  bool sorting; /* the second reading */
  enum hk_status status;

  size_t line; /* the one under way, from 1 */
  int field;
  bool begun; /* a line with anything in it has been taken */
  bool return_before;
  char values[COLUMNS][FIELD_MOST], first[8][64]; /* first: the first line's fields, to find names in */
  size_t errors;
};

__attribute__((format(printf, 2, 3))) static void complain(struct table *table, const char *format, ...)
{
  char text[2 * FIELD_MOST];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  struct hk_place place = {table->path, table->line, 0};
  if (table->errors++ < ERRORS_MOST)
    hk_messages_add(table->messages, HK_SEVERITY_ERROR, &place, "%s", text);
  table->status = HK_ERR_INPUT;
}

/* --- fields --- */

static bool read_time(const char *text, double *time)
{
  char *end;
  *time = strtod(text, &end);
  return end != text && *end == '\0';
}

static bool read_id(const char *text, uint64_t *id)
{
  char *end;
  if (*text < '0' || *text > '9')
    return false;
  errno = 0;
  *id = strtoull(text, &end, 10);
  return *end == '\0' && errno == 0;
}

static void take_field(void *data, size_t length, void *context)
{
  struct table *table = context;
  size_t kept = length < FIELD_MOST - 1 ? length : FIELD_MOST - 1;
  if (!table->begun && table->field < 8)
    snprintf(table->first[table->field], sizeof table->first[0], "%.*s", (int)kept, (const char *)data);
  for (int column = 0; column < COLUMNS; column++)
    if (!table->begun ? table->field == column : table->field == table->places[column]) {
      memcpy(table->values[column], data, kept);
      table->values[column][kept] = '\0';
    }
  table->field++;
}

/* --- the first line --- */

static int find_column(const struct table *table, const char *const *names)
{
  for (int field = 0; field < table->field && field < 8; field++)
    for (size_t i = 0; names[i]; i++)
      if (strcasecmp(table->first[field], names[i]) == 0)
        return field;
  return -1;
}

static void read_names(struct table *table)
{
  static const char *const in_ms[] = {"time", "time_ms", "time (ms)", "t", "timestamps", NULL};
  static const char *const in_s[] = {"time_s", "time (s)", NULL};
  static const char *const populations[] = {"population", NULL};
  static const char *const neurons[] = {"neuron", "neurons", "node_id", "node_ids", "id", "gid", "gids", NULL};
  bool seconds = find_column(table, in_s) >= 0;
  table->places[TIME] = find_column(table, seconds ? in_s : in_ms);
  table->places[POPULATION] = find_column(table, populations);
  table->places[NEURON] = find_column(table, neurons);
  if (table->options->unit == 0)
    table->unit = seconds ? 1000 : 1;
  if (table->places[TIME] < 0 || table->places[NEURON] < 0)
    complain(table, "the first line is neither a spike (time, population, neuron or time, neuron) nor does it name the "
                    "columns `time` and `neuron`");
}

/* True if the first line is used up: it held names. */
static bool first_line(struct table *table)
{
  double time;
  if (!read_time(table->first[0], &time)) {
    read_names(table);
    return true;
  }
  table->places[TIME] = 0;
  table->places[POPULATION] = table->field >= 3 ? 1 : -1;
  table->places[NEURON] = table->field >= 3 ? 2 : 1;
  if (table->field < 3)
    memcpy(table->values[NEURON], table->values[POPULATION], FIELD_MOST);
  return false;
}

/* --- spikes --- */

static struct source *find_source(struct table *table, const char *name)
{
  for (size_t i = 0; i < table->source_count; i++) {
    size_t at = (table->last_source + i) % table->source_count; /* spikes of a population tend to stand together */
    if (strcmp(table->sources[at].name, name) == 0) {
      table->last_source = at;
      return &table->sources[at];
    }
  }
  struct source *sources = realloc(table->sources, (table->source_count + 1) * sizeof *sources);
  char *copy = strdup(name);
  if (sources)
    table->sources = sources;
  if (!sources || !copy) {
    free(copy);
    table->status = HK_ERR_MEMORY;
    return NULL;
  }
  table->sources[table->source_count] = (struct source){.name = copy};
  return &table->sources[table->source_count++];
}

static const char *population_name(const struct table *table)
{
  if (table->places[POPULATION] >= 0)
    return table->values[POPULATION];
  return table->options->population ? table->options->population : "neurons";
}

/* What the options say of the recording must hold of the spike. */
static void check_bounds(struct table *table, double time, const char *name, uint64_t id)
{
  const struct hk_table_import *options = table->options;
  if (time > options->duration * (1 + 4 * DBL_EPSILON)) /* units are rounded */
    complain(table, "a spike at %.17g ms, and the recording ends at %.17g ms", time, options->duration);
  for (size_t i = 0; i < options->size_count; i++)
    if (strcmp(options->sizes[i].population, name) == 0 && id >= options->sizes[i].size)
      complain(table,
               "a spike of neuron %" PRIu64 ", and population %.60s is said to have %" PRIu64 " neurons, from 0 on", id,
               name, options->sizes[i].size);
}

static void take_spike(struct table *table)
{
  double time = 0;
  uint64_t id = 0;
  const size_t errors = table->errors;
  const char *name = population_name(table);
  int needed = 0;
  for (int column = 0; column < COLUMNS; column++)
    needed = table->places[column] > needed ? table->places[column] : needed;
  if (table->field <= needed) {
    complain(table, "%d values where %d or more were expected", table->field, needed + 1);
    return;
  }
  if (!read_time(table->values[TIME], &time) || !(time >= 0) || isinf(time))
    complain(table, "`%.60s` is no time of a spike: a number that is not negative was expected", table->values[TIME]);
  if (!read_id(table->values[NEURON], &id))
    complain(table, "`%.60s` is no neuron: a whole number from 0 on was expected", table->values[NEURON]);
  if (name[0] == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
    complain(table, "`%.60s` cannot be the name of a population", name);
  if (table->errors == errors)
    check_bounds(table, time * table->unit, name, id);
  if (table->status != HK_OK)
    return; /* only more errors are looked for */
  struct source *source = find_source(table, name);
  if (!source)
    return;
  source->count += !table->sorting;
  if (table->sorting)
    table->status = hk__sorter_add(source->sorter, time * table->unit, id);
}

/* Called at each carriage return and each line feed, so that empty lines are counted too. */
static void take_line(int terminator, void *context)
{
  struct table *table = context;
  bool same_end = terminator == '\n' && table->return_before && table->field == 0;
  table->return_before = terminator == '\r';
  if (table->field > 0) {
    bool names = !table->begun && first_line(table);
    table->begun = true;
    if (!names && table->places[TIME] >= 0 && table->places[NEURON] >= 0 &&
        (table->status == HK_OK || table->status == HK_ERR_INPUT))
      take_spike(table);
  }
  table->line += !same_end;
  table->field = 0;
}

static enum hk_status read_table(struct table *table)
{
  FILE *file = fopen(table->path, "r");
  if (!file) {
    hk_messages_add(table->messages, HK_SEVERITY_ERROR, NULL, "%s cannot be read: %s", table->path, strerror(errno));
    return HK_ERR_INPUT;
  }
  struct csv_parser parser;
  if (csv_init(&parser, CSV_APPEND_NULL | CSV_REPALL_NL) != 0) {
    fclose(file);
    return HK_ERR_MEMORY;
  }
  table->line = 1;
  table->field = 0;
  table->begun = table->return_before = false;
  char buffer[1 << 16];
  size_t got;
  bool failed = false;
  while (!failed && table->status != HK_ERR_MEMORY && table->errors <= ERRORS_MOST &&
         (got = fread(buffer, 1, sizeof buffer, file)) > 0)
    failed = csv_parse(&parser, buffer, got, take_field, take_line, table) != got;
  failed = failed || csv_fini(&parser, take_field, take_line, table) != 0;
  if (failed && table->status == HK_OK) {
    bool memory = csv_error(&parser) == CSV_ENOMEM;
    if (!memory)
      complain(table, "the quotes of this line do not end");
    table->status = memory ? HK_ERR_MEMORY : HK_ERR_INPUT;
  }
  if (ferror(file) && table->status == HK_OK)
    table->status = HK_ERR_IO;
  csv_free(&parser);
  fclose(file);
  return table->status;
}

/* --- writing --- */

static enum hk_status write_source(struct hk_spike_writer *writer, size_t index, struct hk__sorter *sorter)
{
  double *times = malloc(PIECE * sizeof *times);
  uint64_t *ids = malloc(PIECE * sizeof *ids);
  enum hk_status status = times && ids ? hk__sorter_finish(sorter) : HK_ERR_MEMORY;
  for (size_t count = 1; status == HK_OK && count > 0;) {
    status = hk__sorter_next(sorter, PIECE, times, ids, &count);
    if (status == HK_OK && count > 0)
      status = hk_spike_writer_append(writer, index, times, ids, count);
  }
  free(times);
  free(ids);
  return status;
}

static enum hk_status write_notes(struct hk_spike_writer *writer, const struct hk_table_import *options)
{
  enum hk_status status = hk_spike_writer_note_text(writer, "version", hk_version());
  if (status == HK_OK && !isnan(options->duration))
    status = hk_spike_writer_note_number(writer, "duration", options->duration);
  for (size_t i = 0; i < options->size_count && status == HK_OK; i++) {
    char *name = NULL;
    if (asprintf(&name, "size_%s", options->sizes[i].population) < 0)
      return HK_ERR_MEMORY;
    status = hk_spike_writer_note_number(writer, name, (double)options->sizes[i].size);
    free(name);
  }
  return status;
}

static enum hk_status write_file(struct table *table, const char *path)
{
  const char **names = calloc(table->source_count + 1, sizeof *names);
  if (!names)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < table->source_count; i++)
    names[i] = table->sources[i].name;
  struct hk_spike_writer *writer = NULL;
  enum hk_status status = hk_spike_writer_create(path, names, table->source_count, &writer, table->messages);
  free(names);
  if (status != HK_OK)
    return status;
  for (size_t i = 0; i < table->source_count && status == HK_OK; i++)
    status = write_source(writer, i, table->sources[i].sorter);
  if (status == HK_OK)
    status = write_notes(writer, table->options);
  enum hk_status closed = hk_spike_writer_close(writer, table->messages);
  return status == HK_OK ? closed : status;
}

static enum hk_status sort_and_write(struct table *table, const char *path)
{
  table->sorting = true;
  size_t share = RUN_LENGTH / (table->source_count ? table->source_count : 1);
  share = share < SHORTEST_RUN ? SHORTEST_RUN : share;
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < table->source_count && status == HK_OK; i++) {
    uint64_t count = table->sources[i].count + 1;
    status = hk__sorter_create(count < share ? (size_t)count : share, &table->sources[i].sorter);
  }
  if (status == HK_OK)
    status = read_table(table);
  char *partial = NULL;
  if (status == HK_OK && asprintf(&partial, "%s.part", path) < 0)
    return HK_ERR_MEMORY;
  if (status == HK_OK)
    status = write_file(table, partial);
  if (status == HK_OK && rename(partial, path) != 0) {
    hk_messages_add(table->messages, HK_SEVERITY_ERROR, NULL, "%s cannot be written: %s", path, strerror(errno));
    status = HK_ERR_IO;
  }
  if (status != HK_OK && partial)
    unlink(partial);
  free(partial);
  return status;
}

/* A size of a population that the table does not name may be a slip of the pen. */
static void warn_of_silent(const struct table *table)
{
  for (size_t i = 0; i < table->options->size_count; i++) {
    const char *name = table->options->sizes[i].population;
    size_t at = 0;
    while (at < table->source_count && strcmp(table->sources[at].name, name) != 0)
      at++;
    if (at == table->source_count)
      hk_messages_add(table->messages, HK_SEVERITY_WARNING, NULL,
                      "%s: no spike is of population %.60s, whose size is given", table->path, name);
  }
}

enum hk_status hk_table_import(const char *csv_path, const char *spikes_path, const struct hk_table_import *options,
                               uint64_t *spikes, struct hk_messages *messages)
{
  struct hk_table_import preset = {.duration = NAN};
  struct table *table = calloc(1, sizeof *table);
  if (!table)
    return HK_ERR_MEMORY;
  *table = (struct table){.path = csv_path, .options = options ? options : &preset, .messages = messages};
  table->unit = table->options->unit > 0 ? table->options->unit : 1;
  memset(table->places, -1, sizeof table->places);
  enum hk_status status = read_table(table);
  if (table->errors > ERRORS_MOST)
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "%s: there are more errors; reading stopped here", csv_path);
  if (status == HK_OK) {
    warn_of_silent(table);
    status = sort_and_write(table, spikes_path);
  }
  uint64_t total = 0;
  for (size_t i = 0; i < table->source_count; i++) {
    total += table->sources[i].count;
    hk__sorter_destroy(table->sources[i].sorter);
    free(table->sources[i].name);
  }
  if (spikes)
    *spikes = total;
  free(table->sources);
  free(table);
  return status;
}
