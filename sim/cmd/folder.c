/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hillock/spikes.h>

static enum hk_status refuse(struct hk_messages *messages, enum hk_status status, const char *path, const char *format,
                             const char *detail)
{
  struct hk_place place = {path, 0, 0};
  hk_messages_add(messages, HK_SEVERITY_ERROR, &place, format, detail);
  return status;
}

static bool holds(const char *folder, const char *name, size_t length)
{
  char *path = NULL;
  if (asprintf(&path, "%s/%.*s", folder, (int)length, name) < 0)
    return false;
  struct stat info;
  bool found = lstat(path, &info) == 0;
  free(path);
  return found;
}

char *folder_files(const struct hk_network *network)
{
  char *list = strdup("");
  for (size_t t = 0; list && t < hk_network_trace_count(network); t++) {
    const struct hk_trace_spec *trace = hk_network_trace(network, t);
    bool single = trace->variable_count == 1;
    for (size_t v = 0; list && v < trace->variable_count; v++) {
      char *longer = NULL;
      if (asprintf(&longer, "%s%s%s%s.h5\n", list, trace->name, single ? "" : "_", single ? "" : trace->variables[v]) <
          0)
        longer = NULL;
      free(list);
      list = longer;
    }
  }
  return list;
}

/* The first of the files that a run would write and that is there; its name is copied. */
static bool find_result(const char *folder, const struct hk_network *network, char *name, size_t size)
{
  static const char *const always[] = {"spikes.h5", "config.yaml"};
  for (size_t i = 0; i < 2; i++)
    if (holds(folder, always[i], strlen(always[i]))) {
      snprintf(name, size, "%s", always[i]);
      return true;
    }
  char *files = folder_files(network);
  bool found = false;
  for (const char *line = files; line && *line && !found; line += strcspn(line, "\n") + 1) {
    found = holds(folder, line, strcspn(line, "\n"));
    if (found)
      snprintf(name, size, "%.*s", (int)strcspn(line, "\n"), line);
  }
  free(files);
  return found;
}

/* Whether the nearest folder above that exists can be written. */
static enum hk_status check_writable(const char *folder, struct hk_messages *messages)
{
  char *path = strdup(folder);
  struct stat info;
  if (!path)
    return HK_ERR_MEMORY;
  while (stat(path, &info) != 0 && errno == ENOENT) {
    char *slash = strrchr(path, '/');
    if (slash == path)
      slash++;
    if (!slash || !*slash) {
      strcpy(path, path[0] == '/' ? "/" : ".");
      break;
    }
    *slash = '\0';
  }
  enum hk_status status = HK_OK;
  if (stat(path, &info) != 0)
    status = refuse(messages, HK_ERR_INPUT, folder, "cannot be written: %s", strerror(errno));
  else if (!S_ISDIR(info.st_mode))
    status = refuse(messages, HK_ERR_INPUT, folder, "cannot be a folder of results, `%s` is not a folder", path);
  else if (access(path, W_OK | X_OK) != 0)
    status =
        refuse(messages, HK_ERR_INPUT, folder, "cannot be written: %s; `-o DIR` writes elsewhere", strerror(errno));
  free(path);
  return status;
}

enum hk_status folder_check(const char *folder, const struct hk_network *network, bool overwrite,
                            struct hk_messages *messages)
{
  char name[512];
  if (find_result(folder, network, name, sizeof name)) {
    if (!overwrite)
      return refuse(messages, HK_ERR_INPUT, folder,
                    "holds `%s` already; `--overwrite` replaces the result, `-o DIR` writes elsewhere", name);
    if (holds(folder, "config.yaml", strlen("config.yaml")) && !holds(folder, "spikes.h5", strlen("spikes.h5")))
      return refuse(messages, HK_ERR_INPUT, folder, "holds a config.yaml but no spikes.h5: it is not a result, %s",
                    "and config.yaml would be replaced; `-o DIR` writes elsewhere");
  }
  return check_writable(folder, messages);
}

void folder_clean(const char *folder)
{
  struct hk_spike_reader *reader = NULL;
  char *files = NULL;
  if (hk_spike_reader_open(folder, &reader, NULL) != HK_OK)
    return;
  if (!hk_spike_reader_note_text(reader, FOLDER_FILES, &files))
    files = NULL;
  hk_spike_reader_close(reader);
  for (char *line = files; line && *line;) {
    char *end = line + strcspn(line, "\n"), *path = NULL;
    bool more = *end != '\0';
    *end = '\0';
    if (*line && !strchr(line, '/') && asprintf(&path, "%s/%s", folder, line) >= 0) {
      unlink(path);
      free(path);
    }
    line = more ? end + 1 : end;
  }
  free(files);
}

static enum hk_status write_file(const char *path, const char *text)
{
  FILE *stream = fopen(path, "w");
  if (!stream)
    return HK_ERR_IO;
  bool good = fputs(text, stream) >= 0;
  good = fclose(stream) == 0 && good;
  return good ? HK_OK : HK_ERR_IO;
}

enum hk_status folder_write(const char *folder, const char *name, const char *text, struct hk_messages *messages)
{
  char *path = NULL, *part = NULL;
  enum hk_status status = HK_ERR_MEMORY;
  if (asprintf(&path, "%s/%s", folder, name) < 0)
    return status;
  if (asprintf(&part, "%s.part", path) >= 0) {
    status = write_file(part, text);
    if (status == HK_OK && rename(part, path) != 0)
      status = HK_ERR_IO;
    if (status != HK_OK) {
      refuse(messages, status, path, "cannot be written: %s", strerror(errno));
      unlink(part);
    }
    free(part);
  }
  free(path);
  return status;
}
