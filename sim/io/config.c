/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A config holds the file's text, the sections read from it (all in one arena), and the network they describe. The
 * network is that of the sections or, for a SONATA circuit, the one that the SONATA reader made; a circuit may be the
 * file itself or what `circuit` in a YAML config names or holds. */
#include <hillock/config.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/suggest.h"
#include "io/language.h"
#include "io/sonata.h"

static const size_t file_max = (size_t)256 << 20;
static const size_t shown_max = 200; /* errors */

struct hk_config {
  struct hk__arena arena;
  char *text;
  char *name;
  struct hk__language language;
  struct hk_network *network; /* of the language; the SONATA reader has its own */
  struct hk__sonata sonata;
  bool is_circuit;
};

/* What reading needs besides the config. */
struct reading {
  const char *path;
  char *folder; /* absolute */
  const char *const *overrides;
  size_t override_count;
  struct hk_config *config;
  struct hk_messages *messages;
};

/* --- the file --- */

static enum hk_status fail(struct reading *r, enum hk_status status, const char *format, const char *detail)
{
  struct hk_place place = {r->path, 0, 0};
  hk_messages_add(r->messages, HK_SEVERITY_ERROR, &place, format, detail);
  return status;
}

/* Names in the file's folder that are like the one that is not there. */
static enum hk_status no_such_file(struct reading *r)
{
  const char *slash = strrchr(r->path, '/');
  char *folder = slash ? strndup(r->path, (size_t)(slash - r->path) + 1) : strdup(".");
  DIR *dir = folder ? opendir(folder) : NULL;
  char near[NAME_MAX + 1] = "";
  struct hk__suggestion suggestion;
  unsigned best = 0;
  for (struct dirent *entry; dir && (entry = readdir(dir));) {
    hk__suggest_begin(&suggestion, slash ? slash + 1 : r->path);
    hk__suggest_offer(&suggestion, entry->d_name);
    if (hk__suggest_clause(&suggestion)[0] == '\0' || (near[0] != '\0' && suggestion.cost >= best))
      continue;
    best = suggestion.cost;
    snprintf(near, sizeof near, "%s", entry->d_name);
  }
  if (dir)
    closedir(dir);
  free(folder);
  hk__suggest_begin(&suggestion, slash ? slash + 1 : r->path);
  hk__suggest_offer(&suggestion, near[0] != '\0' ? near : NULL);
  return fail(r, HK_ERR_INPUT, "there is no such file, a config was expected%s", hk__suggest_clause(&suggestion));
}

static enum hk_status read_stream(struct reading *r, FILE *stream, char **text, size_t *length)
{
  size_t capacity = 1 << 16;
  char *buffer = NULL;
  *length = 0;
  do {
    char *larger = realloc(buffer, capacity + 1);
    if (!larger) {
      free(buffer);
      return HK_ERR_MEMORY;
    }
    buffer = larger;
    *length += fread(buffer + *length, 1, capacity - *length, stream);
    capacity *= 2;
  } while (*length == capacity / 2 && *length < file_max);
  buffer[*length] = '\0';
  *text = buffer;
  if (ferror(stream))
    return fail(r, HK_ERR_IO, "cannot be read: %s", strerror(errno));
  if (*length >= file_max)
    return fail(r, HK_ERR_INPUT, "is larger than 256 MiB, a config was expected%s", "");
  return HK_OK;
}

static enum hk_status read_file(struct reading *r, char **text, size_t *length)
{
  struct stat info;
  if (stat(r->path, &info) != 0)
    return errno == ENOENT || errno == ENOTDIR ? no_such_file(r)
                                               : fail(r, HK_ERR_INPUT, "cannot be read: %s", strerror(errno));
  if (S_ISDIR(info.st_mode))
    return fail(r, HK_ERR_INPUT, "is a folder, a config file was expected%s", "");
  FILE *stream = fopen(r->path, "rb");
  if (!stream)
    return fail(r, HK_ERR_INPUT, "cannot be read: %s", strerror(errno));
  enum hk_status status = read_stream(r, stream, text, length);
  fclose(stream);
  return status;
}

static char *absolute_folder(const char *path)
{
  const char *slash = strrchr(path, '/');
  char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
  char *absolute = folder ? realpath(folder, NULL) : NULL;
  free(folder);
  return absolute;
}

/* SONATA gives all its configs the same name and tells circuits apart by their folders. */
static char *config_name(const char *path, const char *folder)
{
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  const char *dot = strrchr(base, '.');
  size_t length = dot && dot != base ? (size_t)(dot - base) : strlen(base);
  char *name = strndup(base, length);
  const char *parent = strrchr(folder, '/');
  bool is_generic = name && dot && strcmp(dot, ".json") == 0 &&
                    (strcmp(name, "simulation_config") == 0 || strcmp(name, "config") == 0);
  if (!is_generic || !parent || parent[1] == '\0')
    return name;
  free(name);
  return strdup(parent + 1);
}

/* --- reading --- */

/* What a circuit's config says of the run, as the `simulation` of a YAML config. */
static const struct hk__node *circuit_simulation(struct reading *r)
{
  struct hk__arena *arena = &r->config->arena;
  struct hk_place place = {hk__arena_text(arena, r->path, strlen(r->path)), 0, 0};
  struct hk__pair inner[] = {
      {hk__write_text(arena, "duration"), hk__write_quantity(arena, "ms", r->config->sonata.duration)},
      {hk__write_text(arena, "seed"), hk__write_whole(arena, r->config->sonata.seed)}};
  if (!place.file || !inner[0].key || !inner[0].value || !inner[1].key || !inner[1].value)
    return NULL;
  struct hk__pair outer = {hk__write_text(arena, "simulation"), hk__node_mapping(arena, &place, inner, 2)};
  return outer.key && outer.value ? hk__node_mapping(arena, &place, &outer, 1) : NULL;
}

static bool is_simulation(const char *override)
{
  return strncmp(override, "simulation.", strlen("simulation.")) == 0;
}

/* Applies the overrides of the wanted kind; *wrong: one of them could not be. */
static enum hk_status apply_overrides(struct reading *r, bool only_simulation, const struct hk__node **root,
                                      bool *wrong)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < r->override_count && (status == HK_OK || status == HK_ERR_INPUT); i++)
    if (!only_simulation || is_simulation(r->overrides[i])) {
      status = hk__tree_override(&r->config->arena, r->overrides[i], root, r->messages);
      *wrong = *wrong || status == HK_ERR_INPUT;
    }
  return status == HK_ERR_INPUT ? HK_OK : status;
}

/* Overrides of `simulation.` go to the options of the run, all others to the circuit. */
static enum hk_status read_circuit_options(struct reading *r)
{
  struct hk__reader reader = {.arena = &r->config->arena, .messages = r->messages, .folder = r->folder};
  const struct hk__node *root = circuit_simulation(r);
  bool wrong = false;
  enum hk_status status = root ? apply_overrides(r, true, &root, &wrong) : HK_ERR_MEMORY;
  if (status == HK_OK)
    status = hk__units_create(&reader.units, r->messages);
  if (status == HK_OK)
    wrong = !hk__read_section(&reader, &hk__simulation_schema, root->pairs[0].value, &r->config->language.simulation) ||
            wrong;
  hk__units_destroy(reader.units);
  status = status == HK_OK ? reader.status : status;
  return status == HK_OK && wrong ? HK_ERR_INPUT : status;
}

static enum hk_status read_sonata(struct reading *r)
{
  r->config->is_circuit = true;
  const char **others = malloc((r->override_count + 1) * sizeof *others);
  size_t count = 0;
  if (!others)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < r->override_count; i++)
    if (!is_simulation(r->overrides[i]))
      others[count++] = r->overrides[i];
  enum hk_status status = hk__sonata_read(r->path, r->config->text, others, count, &r->config->sonata, r->messages);
  free(others);
  return status == HK_OK ? read_circuit_options(r) : status;
}

/* The circuit that a YAML config names or holds. Its own duration and seed are replaced by those of `simulation`. */
static enum hk_status read_circuit(struct reading *r, struct hk__reader *reader)
{
  struct hk__language *language = &r->config->language;
  static const char *const others[] = {"populations", "projections", "inputs", "record"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (hk__node_get(language->section.node, others[i]))
      hk__wrong(reader, hk__section_node(&language->section, others[i]),
                "%s: a config with a `circuit` takes all but `simulation` from there; remove one of them", others[i]);
  if (reader->wrong > 0)
    return HK_ERR_INPUT;
  r->config->is_circuit = true;
  if (language->circuit[0] == '{')
    return hk__sonata_read(r->path, language->circuit, NULL, 0, &r->config->sonata, r->messages);
  const char *path = language->circuit[0] == '/'
                         ? language->circuit
                         : hk__arena_format(reader->arena, "%s/%s", r->folder, language->circuit);
  if (!path)
    return HK_ERR_MEMORY;
  struct reading inner = *r;
  inner.path = path;
  char *text = NULL;
  size_t length;
  enum hk_status status = read_file(&inner, &text, &length);
  if (status == HK_OK)
    status = hk__sonata_read(path, text, NULL, 0, &r->config->sonata, r->messages);
  free(text);
  return status;
}

static enum hk_status read_language(struct reading *r, struct hk__reader *reader, const struct hk__node *root)
{
  struct hk__language *language = &r->config->language;
  hk__read_section(reader, &hk__language_schema, root, language);
  if (reader->status != HK_OK || root->kind != HK__MAPPING)
    return reader->status != HK_OK ? reader->status : HK_ERR_INPUT;
  enum hk_status status = HK_OK;
  if (language->circuit) {
    status = read_circuit(r, reader);
  } else {
    if (language->populations.count == 0)
      hk__wrong(reader, hk__section_node(&language->section, "populations"),
                "the config has no populations, at least one was expected");
    hk__config_assemble(reader, language, r->config->network);
  }
  if (reader->status != HK_OK)
    return reader->status;
  return status == HK_OK && reader->wrong > 0 ? HK_ERR_INPUT : status;
}

static enum hk_status read_yaml(struct reading *r, size_t length)
{
  struct hk_config *config = r->config;
  const struct hk__node *root = NULL;
  enum hk_status status = hk__tree_load(&config->arena, r->path, config->text, length, &root, r->messages);
  bool wrong = false;
  if (status == HK_OK)
    status = apply_overrides(r, false, &root, &wrong);
  if (status != HK_OK)
    return status;
  struct hk__reader reader = {.arena = &config->arena, .messages = r->messages, .folder = r->folder};
  status = hk__units_create(&reader.units, r->messages);
  if (status == HK_OK)
    status = hk_network_create(&config->network);
  if (status == HK_OK)
    status = read_language(r, &reader, root);
  hk__units_destroy(reader.units);
  return status == HK_OK && wrong ? HK_ERR_INPUT : status;
}

static enum hk_status read_config(struct reading *r)
{
  struct hk_config *config = r->config;
  size_t length;
  enum hk_status status = read_file(r, &config->text, &length);
  if (status != HK_OK)
    return status;
  r->folder = absolute_folder(r->path);
  config->name = r->folder ? config_name(r->path, r->folder) : NULL;
  if (!config->name)
    return HK_ERR_MEMORY;
  return strlen(config->text) == length && hk__is_sonata(config->text) ? read_sonata(r) : read_yaml(r, length);
}

/* --- messages in the order of the file --- */

struct sortable {
  struct hk_message message;
  size_t order;
};

/* By line and column of the config; what has no line, such as an override, comes after. */
static int by_place(const void *a, const void *b)
{
  const struct sortable *x = a, *y = b;
  size_t xl = x->message.place.line, yl = y->message.place.line;
  if ((xl == 0) != (yl == 0))
    return xl == 0 ? 1 : -1;
  if (xl != yl)
    return xl < yl ? -1 : 1;
  if (x->message.place.column != y->message.place.column)
    return x->message.place.column < y->message.place.column ? -1 : 1;
  return (x->order > y->order) - (x->order < y->order);
}

static bool same_text(const char *a, const char *b)
{
  return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_message(const struct hk_message *a, const struct hk_message *b)
{
  return a->place.line > 0 && a->place.line == b->place.line && a->place.column == b->place.column &&
         same_text(a->place.file, b->place.file) && same_text(a->text, b->text);
}

/* What an alias repeats is told once. */
static void hand_over(const struct hk_messages *from, const char *path, struct hk_messages *to)
{
  size_t count = hk_messages_count(from), errors = 0;
  struct sortable *all = malloc((count + 1) * sizeof *all);
  for (size_t i = 0; all && i < count; i++)
    all[i] = (struct sortable){hk_messages_get(from, i), i};
  if (all)
    qsort(all, count, sizeof *all, by_place);
  for (size_t i = 0; i < count; i++) {
    struct hk_message message = all ? all[i].message : hk_messages_get(from, i);
    if (all && i > 0 && same_message(&message, &all[i - 1].message))
      continue;
    errors += message.severity == HK_SEVERITY_ERROR;
    if (errors <= shown_max)
      hk_messages_add(to, message.severity, &message.place, "%s", message.text);
  }
  if (errors > shown_max)
    hk_messages_add(to, HK_SEVERITY_ERROR, &(struct hk_place){path, 0, 0}, "and %zu more errors", errors - shown_max);
  free(all);
}

/* --- the interface --- */

enum hk_status hk_config_read(const char *path, const char *const *overrides, size_t override_count,
                              struct hk_config **out, struct hk_messages *messages)
{
  struct hk_messages *own = NULL;
  struct hk_config *config = calloc(1, sizeof *config);
  enum hk_status status = config ? hk_messages_create(&own) : HK_ERR_MEMORY;
  struct reading reading = {
      .path = path, .overrides = overrides, .override_count = override_count, .config = config, .messages = own};
  if (status == HK_OK)
    status = read_config(&reading);
  free(reading.folder);
  hand_over(own, path, messages);
  hk_messages_destroy(own);
  if (status != HK_OK)
    hk_config_destroy(config);
  else
    *out = config;
  return status;
}

void hk_config_destroy(struct hk_config *config)
{
  if (!config)
    return;
  hk__sonata_clear(&config->sonata);
  hk_network_destroy(config->network);
  hk__arena_clear(&config->arena);
  free(config->text);
  free(config->name);
  free(config);
}

const char *hk_config_name(const struct hk_config *config)
{
  return config->name;
}

const char *hk_config_text(const struct hk_config *config)
{
  return config->text;
}

double hk_config_duration(const struct hk_config *config)
{
  return config->language.simulation.duration;
}

struct hk_network *hk_config_network(struct hk_config *config)
{
  return config->is_circuit ? config->sonata.network : config->network;
}

struct hk_options hk_config_options(const struct hk_config *config)
{
  const struct hk__simulation_section *s = &config->language.simulation;
  return (struct hk_options){.seed = s->seed,
                             .threads = (int)s->threads,
                             .scheduler = (enum hk_scheduler)s->scheduler,
                             .grid = s->time,
                             .tolerance = s->tolerance,
                             .shards = (int)s->shards};
}

const char *hk_config_output_folder(const struct hk_config *config)
{
  return config->sonata.output_folder;
}

const char *hk_config_spikes_file(const struct hk_config *config)
{
  return config->sonata.spikes_file;
}

enum hk_status hk_config_resolve(const struct hk_config *config, double duration, const struct hk_options *options,
                                 char **text)
{
  struct hk__arena arena = {0};
  struct hk__language language = config->language;
  struct hk__simulation_section *s = &language.simulation;
  s->duration = duration;
  s->seed = options->seed;
  s->threads = (uint64_t)(options->threads > 0 ? options->threads : 0);
  s->scheduler = (int)options->scheduler;
  s->time = options->grid;
  s->shards = (uint64_t)(options->shards > 0 ? options->shards : 0);
  if (options->tolerance > 0)
    s->tolerance = options->tolerance;
  if (config->is_circuit) {
    language.circuit = config->sonata.resolved;
    hk__give(&hk__language_schema, &language.section, "circuit");
  }
  const struct hk__node *root = hk__write_section(&arena, &hk__language_schema, &language);
  enum hk_status status = root ? hk__tree_write(root, text) : HK_ERR_MEMORY;
  hk__arena_clear(&arena);
  return status;
}
