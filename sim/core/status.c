/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Status texts and the list of messages. The list owns all its strings; a message whose text could not be stored
 * keeps its place in the count and shows a fixed text. */
#include <hillock/status.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
  enum hk_severity severity;
  char *file, *text; /* either may be NULL */
  size_t line, column;
};

struct hk_messages {
  struct entry *entries;
  size_t count, capacity, errors;
  size_t lost; /* entries there was no memory for; they are the last of the count */
};

static const char lost_text[] = "(no memory for this message)";

const char *hk_status_message(enum hk_status status)
{
  switch (status) {
#define MESSAGE(code, number, message) \
  case code:                           \
    return message;
    HK_STATUS_LIST(MESSAGE)
#undef MESSAGE
  }
  return "unknown status";
}

const char *hk_version(void)
{
  return HK__VERSION;
}

enum hk_status hk_messages_create(struct hk_messages **out)
{
  struct hk_messages *messages = calloc(1, sizeof *messages);
  if (!messages)
    return HK_ERR_MEMORY;
  *out = messages;
  return HK_OK;
}

void hk_messages_clear(struct hk_messages *messages)
{
  if (!messages)
    return;
  for (size_t i = 0; i < messages->count - messages->lost; i++) {
    free(messages->entries[i].file);
    free(messages->entries[i].text);
  }
  messages->count = messages->errors = messages->lost = 0;
}

void hk_messages_destroy(struct hk_messages *messages)
{
  if (!messages)
    return;
  hk_messages_clear(messages);
  free(messages->entries);
  free(messages);
}

static char *format_text(const char *format, va_list args)
{
  char *text = NULL;
  return vasprintf(&text, format, args) < 0 ? NULL : text;
}

void hk_messages_add(struct hk_messages *messages, enum hk_severity severity, const struct hk_place *place,
                     const char *format, ...)
{
  if (!messages)
    return;
  messages->errors += severity == HK_SEVERITY_ERROR;
  if (messages->lost == 0 && messages->count == messages->capacity) {
    size_t capacity = messages->capacity ? 2 * messages->capacity : 16;
    struct entry *entries = realloc(messages->entries, capacity * sizeof *entries);
    if (entries) {
      messages->entries = entries;
      messages->capacity = capacity;
    }
  }
  if (messages->lost > 0 || messages->count == messages->capacity) {
    messages->lost++;
    messages->count++;
    return;
  }
  struct entry *entry = &messages->entries[messages->count++];
  *entry = (struct entry){.severity = severity};
  if (place) {
    entry->file = place->file ? strdup(place->file) : NULL;
    entry->line = place->line;
    entry->column = place->column;
  }
  va_list args;
  va_start(args, format);
  entry->text = format_text(format, args);
  va_end(args);
}

size_t hk_messages_count(const struct hk_messages *messages)
{
  return messages ? messages->count : 0;
}

size_t hk_messages_errors(const struct hk_messages *messages)
{
  return messages ? messages->errors : 0;
}

struct hk_message hk_messages_get(const struct hk_messages *messages, size_t index)
{
  if (index >= messages->count - messages->lost)
    return (struct hk_message){HK_SEVERITY_ERROR, {NULL, 0, 0}, lost_text};
  const struct entry *entry = &messages->entries[index];
  return (struct hk_message){
      entry->severity, {entry->file, entry->line, entry->column}, entry->text ? entry->text : lost_text};
}
