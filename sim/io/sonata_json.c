/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON through jansson. jansson keeps no places of values, so a place is found again in the text, which is known to be
 * good JSON by then. */
#include "io/sonata_json.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/suggest.h"

enum { LARGEST = 256 << 20, DEEPEST = 64 };

/* --- places --- */

static const char *skip_space(const char *at)
{
  return at + strspn(at, " \t\r\n");
}

static const char *skip_text(const char *at)
{
  for (at++; *at && *at != '"'; at++)
    at += *at == '\\' && at[1];
  return *at ? at + 1 : at;
}

static const char *skip_value(const char *at)
{
  int depth = 0;
  do {
    at = skip_space(at);
    if (*at == '"') {
      at = skip_text(at);
    } else if (*at == '{' || *at == '[') {
      depth++;
      at++;
    } else if (*at == '}' || *at == ']') {
      depth--;
      at++;
    } else if (*at == ',' || *at == ':') {
      at++;
    } else {
      at += strcspn(at, " \t\r\n,:{}[]\"");
    }
  } while (*at && depth > 0);
  return at;
}

/* The member of that name (length bytes) of the object or, for a number, the list at this place; NULL: not found. For
 * objects the place of the key. */
static const char *find_member(const char *at, const char *name, size_t length, const char **value)
{
  const bool is_list = *at == '[';
  if (*at != '{' && !is_list)
    return NULL;
  size_t index = is_list ? strtoul(name, NULL, 10) : 0;
  for (at = skip_space(at + 1); *at && *at != '}' && *at != ']'; at = skip_space(at)) {
    const char *start = at;
    if (!is_list)
      at = skip_space(skip_text(at));
    *value = is_list ? at : skip_space(at + (*at == ':'));
    if (is_list ? index-- == 0 : strncmp(start + 1, name, length) == 0 && start[1 + length] == '"')
      return start;
    at = skip_space(skip_value(*value));
    at += *at == ',';
  }
  return NULL;
}

static struct hk_place locate(const struct hk__json_file *file, const char *key)
{
  struct hk_place place = {file->path, 0, 0};
  const char *value = skip_space(file->text), *found = NULL;
  while (*key) {
    const size_t length = strcspn(key, ".");
    const char *member = find_member(value, key, length, &value);
    if (!member)
      break;
    found = member;
    key += length + (key[length] == '.');
  }
  if (!found)
    return place;
  place.line = place.column = 1;
  for (const char *at = file->text; at < found; at++) {
    place.column++;
    if (*at == '\n') {
      place.line++;
      place.column = 1;
    }
  }
  return place;
}

enum hk_status hk__json_tell(const struct hk__json_file *file, enum hk_severity severity, const char *key,
                             struct hk_messages *messages, const char *format, ...)
{
  char *text = NULL;
  va_list args;
  va_start(args, format);
  if (vasprintf(&text, format, args) < 0)
    text = NULL;
  va_end(args);
  const struct hk_place place = locate(file, key);
  hk_messages_add(messages, severity, &place, "%s%s%s", key, *key ? ": " : "", text ? text : "");
  free(text);
  return HK_ERR_INPUT;
}

/* --- loading --- */

static char *folder_of(const char *path)
{
  const char *slash = strrchr(path, '/');
  char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
  char *real = folder ? realpath(folder, NULL) : NULL;
  if (!real)
    return folder;
  free(folder);
  return real;
}

static enum hk_status read_text(const char *path, char **out, struct hk_messages *messages)
{
  const struct hk_place place = {path, 0, 0};
  FILE *file = fopen(path, "rbe");
  struct stat info;
  if (!file || fstat(fileno(file), &info)) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &place, "cannot be opened: %s", strerror(errno));
    if (file)
      fclose(file);
    return HK_ERR_INPUT;
  }
  enum hk_status status = HK_OK;
  if (!S_ISREG(info.st_mode) || info.st_size > LARGEST) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &place, "is not a file, or too large for JSON");
    status = HK_ERR_INPUT;
  } else if (!(*out = calloc((size_t)info.st_size + 1, 1))) {
    status = HK_ERR_MEMORY;
  } else if (fread(*out, 1, (size_t)info.st_size, file) != (size_t)info.st_size) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &place, "cannot be read");
    status = HK_ERR_IO;
  }
  fclose(file);
  return status;
}

static enum hk_status parse(struct hk__json_file *file, struct hk_messages *messages)
{
  json_error_t error;
  file->root = json_loads(file->text, JSON_REJECT_DUPLICATES, &error);
  if (!file->root) {
    const struct hk_place place = {file->path, error.line > 0 ? (size_t)error.line : 0,
                                   error.column > 0 ? (size_t)error.column : 0};
    hk_messages_add(messages, HK_SEVERITY_ERROR, &place, "not JSON: %s", error.text);
    return HK_ERR_INPUT;
  }
  if (!json_is_object(file->root))
    return hk__json_tell(file, HK_SEVERITY_ERROR, "", messages, "a JSON object was expected");
  return HK_OK;
}

enum hk_status hk__json_load(const char *path, const char *text, struct hk__json_file *file,
                             struct hk_messages *messages)
{
  *file = (struct hk__json_file){.path = strdup(path), .folder = folder_of(path)};
  enum hk_status status = file->path && file->folder ? HK_OK : HK_ERR_MEMORY;
  if (!status && text)
    status = (file->text = strdup(text)) ? HK_OK : HK_ERR_MEMORY;
  else if (!status)
    status = read_text(path, &file->text, messages);
  if (!status)
    status = parse(file, messages);
  if (status)
    hk__json_close(file);
  return status;
}

void hk__json_close(struct hk__json_file *file)
{
  free(file->path);
  free(file->folder);
  free(file->text);
  json_decref(file->root);
  *file = (struct hk__json_file){0};
}

/* --- manifests --- */

/* The variable whose name stands at text ("$NAME" or "${NAME}"), the longest where several fit; its length there. */
static const char *variable_at(const json_t *manifest, const char *text, size_t *length)
{
  const char *name, *best = NULL;
  size_t best_length = 0;
  json_t *value;
  json_object_foreach((json_t *)manifest, name, value)
  {
    const char *bare = name + strspn(name, "${");
    const size_t size = strcspn(bare, "}");
    const bool braced = text[1] == '{';
    const char *start = text + 1 + braced;
    if (size == 0 || strncmp(start, bare, size) != 0 || (braced && start[size] != '}') || size < best_length)
      continue;
    best = json_string_value(value);
    best_length = size;
    *length = size + 1 + 2 * (size_t)braced;
  }
  return best;
}

/* text with its variables replaced by their values, once; NULL: no memory. */
static char *replace_once(const json_t *manifest, const char *text, bool *replaced)
{
  char *out = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&out, &size);
  if (!stream)
    return NULL;
  while (*text) {
    size_t length = 0;
    const char *value = *text == '$' ? variable_at(manifest, text, &length) : NULL;
    if (value) {
      fputs(value, stream);
      text += length;
      *replaced = true;
    } else {
      fputc(*text++, stream);
    }
  }
  if (fclose(stream)) {
    free(out);
    return NULL;
  }
  return out;
}

/* A manifest whose variables need each other in a circle grows for ever: the depth tells. */
static enum hk_status replace_text(const json_t *manifest, const char *text, char **out)
{
  char *current = strdup(text);
  for (int depth = 0; current && depth < DEEPEST; depth++) {
    bool replaced = false;
    char *next = replace_once(manifest, current, &replaced);
    free(current);
    current = next;
    if (current && !replaced) {
      *out = current;
      return HK_OK;
    }
    if (current && strlen(current) > 65536)
      break;
  }
  const enum hk_status status = current ? HK_ERR_INPUT : HK_ERR_MEMORY;
  free(current);
  return status;
}

/* jansson bounds the depth of what it reads. */
static enum hk_status substitute(const json_t *manifest, json_t *value)
{
  enum hk_status status = HK_OK;
  if (json_is_string(value)) {
    char *text = NULL;
    status = strchr(json_string_value(value), '$') ? replace_text(manifest, json_string_value(value), &text) : HK_OK;
    if (!status && text && json_string_set(value, text))
      status = HK_ERR_MEMORY;
    free(text);
    return status;
  }
  const char *key;
  size_t index;
  json_t *member;
  if (json_is_object(value)) {
    json_object_foreach(value, key, member)
    {
      if (!status)
        status = substitute(manifest, member);
    }
  } else {
    json_array_foreach(value, index, member)
    {
      if (!status)
        status = substitute(manifest, member);
    }
  }
  return status;
}

enum hk_status hk__json_substitute(struct hk__json_file *file, struct hk_messages *messages)
{
  json_t *manifest = json_object_get(file->root, "manifest");
  if (!manifest)
    return HK_OK;
  if (!json_is_object(manifest))
    return hk__json_tell(file, HK_SEVERITY_ERROR, "manifest", messages, "an object of texts was expected");
  const char *name;
  json_t *value;
  json_object_foreach(manifest, name, value)
  {
    char key[160];
    snprintf(key, sizeof key, "manifest.%.140s", name);
    if (!json_is_string(value))
      return hk__json_tell(file, HK_SEVERITY_ERROR, key, messages, "a text was expected");
  }
  json_incref(manifest);
  json_object_del(file->root, "manifest");
  enum hk_status status = substitute(manifest, file->root);
  json_decref(manifest);
  if (status == HK_ERR_INPUT)
    hk__json_tell(file, HK_SEVERITY_ERROR, "manifest", messages, "its variables need each other in a circle");
  return status;
}

enum hk_status hk__json_make_path(const struct hk__json_file *file, json_t *object, const char *key, const char *name,
                                  struct hk_messages *messages)
{
  char full[320];
  snprintf(full, sizeof full, "%s%s%s", key, *key ? "." : "", name);
  json_t *value = json_object_get(object, name);
  if (!value || json_is_null(value))
    return HK_OK;
  if (!json_is_string(value))
    return hk__json_tell(file, HK_SEVERITY_ERROR, full, messages, "a path was expected");
  const char *text = json_string_value(value);
  if (strchr(text, '$'))
    return hk__json_tell(file, HK_SEVERITY_ERROR, full, messages, "`%.200s` has a variable that is not in the manifest",
                         text);
  if (text[0] == '/')
    return HK_OK;
  char *path = NULL;
  text += strncmp(text, "./", 2) == 0 ? 2 : 0;
  if (asprintf(&path, "%s/%s", file->folder, text) < 0)
    return HK_ERR_MEMORY;
  enum hk_status status = json_string_set(value, path) ? HK_ERR_MEMORY : HK_OK;
  free(path);
  return status;
}

/* --- values --- */

static const json_t *get(const json_t *object, const char *name)
{
  const json_t *value = json_object_get(object, name);
  return json_is_null(value) ? NULL : value;
}

static enum hk_status not_a(const struct hk__json_file *file, const char *key, const char *name, const char *what,
                            struct hk_messages *messages)
{
  char full[320];
  snprintf(full, sizeof full, "%s%s%s", key, *key ? "." : "", name);
  return hk__json_tell(file, HK_SEVERITY_ERROR, full, messages, "%s was expected", what);
}

enum hk_status hk__json_number(const struct hk__json_file *file, const json_t *object, const char *key,
                               const char *name, double *value, struct hk_messages *messages)
{
  const json_t *found = get(object, name);
  if (!found)
    return HK_OK;
  if (!json_is_number(found))
    return not_a(file, key, name, "a number", messages);
  *value = json_number_value(found);
  return HK_OK;
}

enum hk_status hk__json_flag(const struct hk__json_file *file, const json_t *object, const char *key, const char *name,
                             bool *value, struct hk_messages *messages)
{
  const json_t *found = get(object, name);
  if (!found)
    return HK_OK;
  if (!json_is_boolean(found))
    return not_a(file, key, name, "true or false", messages);
  *value = json_is_true(found);
  return HK_OK;
}

enum hk_status hk__json_text(const struct hk__json_file *file, const json_t *object, const char *key, const char *name,
                             const char **value, struct hk_messages *messages)
{
  const json_t *found = get(object, name);
  if (!found)
    return HK_OK;
  if (!json_is_string(found))
    return not_a(file, key, name, "a text", messages);
  *value = json_string_value(found);
  return HK_OK;
}

enum hk_status hk__json_object(const struct hk__json_file *file, const json_t *object, const char *key,
                               const char *name, json_t **out, struct hk_messages *messages)
{
  json_t *found = (json_t *)get(object, name);
  *out = found;
  if (!found)
    return HK_OK;
  char full[320];
  snprintf(full, sizeof full, "%s%s%s", key, *key ? "." : "", name);
  if (!json_is_object(found))
    return hk__json_tell(file, HK_SEVERITY_ERROR, full, messages, "an object was expected");
  return HK_OK;
}

void hk__json_warn_unknown(const struct hk__json_file *file, const json_t *object, const char *key,
                           const char *const *known, struct hk_messages *messages)
{
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)object, name, value)
  {
    struct hk__suggestion nearest;
    hk__suggest_begin(&nearest, name);
    bool is_known = false;
    for (const char *const *at = known; *at; at++) {
      is_known = is_known || strcmp(*at, name) == 0;
      hk__suggest_offer(&nearest, *at);
    }
    if (is_known)
      continue;
    char full[320];
    snprintf(full, sizeof full, "%.100s%s%.200s", key, *key ? "." : "", name);
    hk__json_tell(file, HK_SEVERITY_WARNING, full, messages, "is not known here and has no effect%s",
                  hk__suggest_clause(&nearest));
  }
}
