/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hillock/spikes.h>

char *command_path(const char *folder, const char *name)
{
  char *path = NULL;
  ck_assert_int_ge(asprintf(&path, "%s/%s", folder, name), 0);
  return path;
}

char *command_folder(void)
{
  /* mkdtemp replaces the last letters */
  const char *base = getenv("TMPDIR");
  char *folder = command_path(base ? base : "/tmp", "hillock-test-XXXXXX");
  ck_assert_msg(mkdtemp(folder) != NULL, "cannot create %s", folder);
  return folder;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
  (void)info;
  (void)type;
  (void)walk;
  return remove(path);
}

void command_remove(char *folder)
{
  ck_assert_int_eq(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
  free(folder);
}

FILE *command_create(const char *folder, const char *name)
{
  char *path = command_path(folder, name);
  FILE *file = fopen(path, "w");
  ck_assert_msg(file != NULL, "cannot create %s", path);
  free(path);
  return file;
}

static const char *binary(void)
{
  const char *path = getenv("HK_HILLOCK");
  ck_assert_msg(path != NULL, "HK_HILLOCK must name the hillock binary");
  return path;
}

static void redirect(const char *name, int descriptor)
{
  int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || dup2(file, descriptor) < 0)
    _exit(126);
}

enum { ARGUMENTS_MAX = 32 };

int command_run(const char *folder, const char *const *arguments)
{
  char *copy[ARGUMENTS_MAX + 2] = {strdup(binary())};
  size_t count = 1;
  for (; arguments[count - 1]; count++) {
    ck_assert_uint_le(count, ARGUMENTS_MAX);
    copy[count] = strdup(arguments[count - 1]);
  }
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    if (chdir(folder) != 0)
      _exit(126);
    redirect("stdout", STDOUT_FILENO);
    redirect("stderr", STDERR_FILENO);
    execv(copy[0], copy);
    _exit(127);
  }
  for (size_t i = 0; i < count; i++)
    free(copy[i]);
  int status = 0;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

char *command_text(const char *folder, const char *name)
{
  char *path = command_path(folder, name);
  FILE *file = fopen(path, "r");
  ck_assert_msg(file != NULL, "cannot read %s", path);
  free(path);
  char *text = NULL;
  size_t capacity = 0;
  if (getdelim(&text, &capacity, '\0', file) < 0) {
    free(text);
    text = strdup("");
  }
  fclose(file);
  return text;
}

void command_run_well(const char *folder, const char *const *arguments)
{
  int code = command_run(folder, arguments);
  if (code == 0)
    return;
  char *messages = command_text(folder, "stderr");
  ck_abort_msg("hillock %s %s: exit code %d\n%s", arguments[0], arguments[1] ? arguments[1] : "", code, messages);
}

static void read_population(struct hk_spike_reader *reader, size_t index, struct command_spikes *out)
{
  out->count = (size_t)hk_spike_reader_population(reader, index).count;
  out->times = calloc(out->count + 1, sizeof *out->times);
  out->ids = calloc(out->count + 1, sizeof *out->ids);
  ck_assert(out->times && out->ids);
  ck_assert_int_eq(hk_spike_reader_read(reader, index, 0, out->count, out->times, out->ids), HK_OK);
}

struct command_spikes command_spikes(const char *folder, const char *path, const char *population)
{
  struct command_spikes spikes = {0};
  struct hk_spike_reader *reader = NULL;
  char *full = command_path(folder, path);
  ck_assert_msg(hk_spike_reader_open(full, &reader, NULL) == HK_OK, "cannot read %s", full);
  free(full);
  for (size_t i = 0; i < hk_spike_reader_population_count(reader); i++)
    if (strcmp(hk_spike_reader_population(reader, i).name, population) == 0)
      read_population(reader, i, &spikes);
  hk_spike_reader_close(reader);
  ck_assert_msg(spikes.times != NULL, "%s holds no population %s", path, population);
  return spikes;
}

void command_spikes_clear(struct command_spikes *spikes)
{
  free(spikes->times);
  free(spikes->ids);
  *spikes = (struct command_spikes){0};
}
