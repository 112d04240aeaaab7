/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A first look at a file that may be damaged, in a process of its own.
 *
 * HDF5 trusts what it reads: some damaged files make it crash or leave it unable to close. So a child process opens the
 * file first and walks over all its metadata. Only if it comes back, and HDF5 had nothing to print, does this process
 * open the file too. */
#include "io/h5.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONGEST = 1 << 20, SECONDS = 60 };

/* what the child leaves behind, in memory that both see */
struct report {
  bool done, opened;
  char reason[HK__H5_REASON];
};

static herr_t look_at_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
  (void)info, (void)context;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  hid_t type = attribute >= 0 ? H5Aget_type(attribute) : -1, space = attribute >= 0 ? H5Aget_space(attribute) : -1;
  const hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : 0;
  const size_t size = type >= 0 ? H5Tget_size(type) : 0;
  void *value = count > 0 && size > 0 && (size_t)count < LONGEST / size ? calloc((size_t)count, size) : NULL;
  if (value && H5Aread(attribute, type, value) >= 0)
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, value);
  free(value);
  hk__h5_drop(space);
  hk__h5_drop(type);
  hk__h5_drop(attribute);
  return 0;
}

/* Reads the last value: that takes the whole path through the index of chunks. */
static void look_at_data(hid_t dataset)
{
  hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset), one = H5Screate(H5S_SCALAR);
  hsize_t size[H5S_MAX_RANK], start[H5S_MAX_RANK], count[H5S_MAX_RANK];
  const int rank = space >= 0 ? H5Sget_simple_extent_dims(space, size, NULL) : 0;
  const size_t bytes = type >= 0 ? H5Tget_size(type) : 0;
  bool some = rank > 0 && bytes > 0 && bytes < LONGEST && one >= 0;
  for (int i = 0; i < rank; i++) {
    some = some && size[i] > 0;
    start[i] = size[i] - 1;
    count[i] = 1;
  }
  void *value = some ? calloc(1, bytes) : NULL;
  if (value && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
      H5Dread(dataset, type, one, space, H5P_DEFAULT, value) >= 0)
    H5Dvlen_reclaim(type, one, H5P_DEFAULT, value);
  free(value);
  H5Dget_storage_size(dataset);
  hk__h5_drop(one);
  hk__h5_drop(type);
  hk__h5_drop(space);
}

static herr_t look_at_object(hid_t file, const char *name, const H5O_info_t *info, void *context)
{
  (void)context;
  if (info->type == H5O_TYPE_NAMED_DATATYPE)
    return 0;
  hid_t object = H5Oopen(file, name, H5P_DEFAULT);
  if (object < 0)
    return 0;
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, look_at_attribute, NULL);
  if (info->type == H5O_TYPE_DATASET)
    look_at_data(object);
  hk__h5_drop(object);
  return 0;
}

static void prepare_child(int noise)
{
  static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU};
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
    signal(deadly[i], SIG_DFL);
  signal(SIGINT, SIG_IGN); /* is for the parent to act on */
  const struct rlimit no_core = {0, 0}, cpu = {SECONDS, SECONDS};
  setrlimit(RLIMIT_CORE, &no_core);
  setrlimit(RLIMIT_CPU, &cpu);
  dup2(noise, STDERR_FILENO);
}

static _Noreturn void look(const char *path, int noise, struct report *report)
{
  prepare_child(noise);
  hid_t properties = hk__h5_reading_properties();
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, properties);
  if (file < 0)
    hk__h5_reason(report->reason);
  hk__h5_drop(properties);
  report->opened = file >= 0;
  if (file >= 0)
    HK__H5O_VISIT(file, H5_INDEX_NAME, H5_ITER_INC, look_at_object, NULL, H5O_INFO_BASIC);
  hk__h5_drop(file);
  /* closing HDF5 shows whether it can be closed, if it may print; not with files open that belong to the parent */
  if (H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_FILE) == 0) {
    H5Eset_auto2(H5E_DEFAULT, (H5E_auto2_t)H5Eprint2, stderr);
    H5close();
  }
  report->done = true;
  _exit(0);
}

static bool is_quiet(int noise)
{
  char byte;
  return read(noise, &byte, 1) <= 0;
}

static bool examine(const char *path, const int ends[2], struct report *report)
{
  const pid_t child = fork();
  if (child < 0)
    return true; /* no look can be had */
  if (child == 0)
    look(path, ends[1], report);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
    ;
  return report->done && is_quiet(ends[0]);
}

bool hk__h5_vet(const char *path, char reason[HK__H5_REASON])
{
  int ends[2];
  struct report *report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (report == MAP_FAILED)
    return true;
  bool sound = true;
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
    report->opened = true; /* unless the child says otherwise */
    sound = examine(path, ends, report);
    close(ends[0]);
    close(ends[1]);
  }
  if (!report->opened)
    memcpy(reason, report->reason, HK__H5_REASON);
  else if (!sound)
    snprintf(reason, HK__H5_REASON, "it is damaged");
  sound = sound && report->opened;
  munmap(report, sizeof *report);
  return sound;
}
