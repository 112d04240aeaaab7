/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HDF5 output that survives kill -9 and a full disk.
 *
 * What holds: HDF5 never writes metadata between two flushes (its cache is told not to evict), raw data go to new
 * places or overwrite equal bytes, and chunks are not compressed, so they never move. Therefore the file on disk stays
 * the one of the last flush. Should a kill come in the middle of a flush, which takes well below a millisecond, what
 * the flushes before it wrote is still there, and what this one wrote is there in part (readers of ours drop that
 * part). Disk space is reserved before data are handed to HDF5, which cannot give them back: when the disk is full,
 * HDF5 has nothing to write that has no room. */
#include "io/h5.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  TREE_RANK = 256,   /* a chunk index node holds 2 * TREE_RANK chunks: large, so that it seldom splits */
  SPARE = 256 * 1024 /* room for the metadata of a flush */
};

static hid_t writing_properties(void)
{
  hid_t properties = H5Pcreate(H5P_FILE_ACCESS);
  H5AC_cache_config_t cache = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
  if (properties < 0 || H5Pget_mdc_config(properties, &cache) < 0)
    return properties;
  cache.evictions_enabled = false;
  cache.incr_mode = H5C_incr__off;
  cache.flash_incr_mode = H5C_flash_incr__off;
  cache.decr_mode = H5C_decr__off;
  if (H5Pset_mdc_config(properties, &cache) < 0) {
    hk__h5_drop(properties);
    return -1;
  }
  return properties;
}

static hid_t create_file(const char *path)
{
  hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = writing_properties();
  hid_t file = -1;
  if (creation >= 0 && access >= 0 && H5Pset_istore_k(creation, TREE_RANK) >= 0)
    file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
  hk__h5_drop(access);
  hk__h5_drop(creation);
  return file;
}

static bool put_array(hid_t object, const char *name, hid_t type, hsize_t count, const void *values, hid_t memory_type)
{
  hid_t space = count == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, NULL);
  if (H5Aexists(object, name) > 0)
    H5Adelete(object, name);
  hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  bool good = attribute >= 0 && H5Awrite(attribute, memory_type, values) >= 0;
  hk__h5_drop(attribute);
  hk__h5_drop(space);
  return good;
}

bool hk__h5_put_text(hid_t object, const char *name, const char *text)
{
  hid_t type = H5Tcopy(H5T_C_S1);
  bool good = type >= 0 && H5Tset_size(type, H5T_VARIABLE) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0 &&
              put_array(object, name, type, 0, &text, type);
  hk__h5_drop(type);
  return good;
}

bool hk__h5_put_number(hid_t object, const char *name, double value)
{
  return put_array(object, name, H5T_IEEE_F64LE, 0, &value, H5T_NATIVE_DOUBLE);
}

bool hk__h5_put_flag(hid_t object, const char *name, bool value)
{
  const int8_t byte = value;
  return put_array(object, name, H5T_STD_I8LE, 0, &byte, H5T_NATIVE_INT8);
}

static bool put_head(hid_t file)
{
  const uint32_t magic = 0x0A7A, version[2] = {0, 1};
  return put_array(file, "magic", H5T_STD_U32LE, 0, &magic, H5T_NATIVE_UINT32) &&
         put_array(file, "version", H5T_STD_U32LE, 2, version, H5T_NATIVE_UINT32);
}

static enum hk_status refuse(const char *path, const char *why, struct hk_messages *messages)
{
  return hk__h5_complain(messages, HK_ERR_IO, path, "cannot be written: %s", why);
}

/* Gives the file room for more bytes after its first `size`; an errno. The file grows at once: HDF5 refuses to open a
 * file that is shorter than its metadata say, as it would be if a kill came in the wrong moment of a flush. */
static int extend(int descriptor, uint64_t size, uint64_t more)
{
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size + more > limit.rlim_cur)
    return EFBIG;
  if (fallocate(descriptor, 0, (off_t)size, (off_t)more) == 0)
    return 0;
  if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINTR)
    return errno;
  /* no promise of room to be had from this file system */
  struct stat info;
  if (fstat(descriptor, &info) || ((uint64_t)info.st_size < size + more && ftruncate(descriptor, (off_t)(size + more))))
    return errno;
  return 0;
}

/* HDF5 cannot give up a file whose first bytes it cannot write; so there must be room for them before it is asked. An
 * errno. */
static int try_room(const char *path)
{
  const int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0)
    return errno;
  const int failure = extend(descriptor, 0, SPARE);
  close(descriptor);
  if (failure)
    unlink(path);
  return failure;
}

enum hk_status hk__h5_output_create(const char *path, struct hk__h5_output *out, struct hk_messages *messages)
{
  *out = (struct hk__h5_output){.file = -1, .descriptor = -1};
  struct stat info;
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
    return refuse(path, "something that is not a file has this name", messages);
  out->path = malloc(strlen(path) + sizeof ".new");
  if (!out->path)
    return HK_ERR_MEMORY;
  sprintf(out->path, "%s.new", path);
  char reason[HK__H5_REASON];
  void *descriptor = NULL;
  int failure = try_room(out->path);
  if (failure) {
    refuse(path, strerror(failure), messages);
  } else if ((out->file = create_file(out->path)) < 0) {
    refuse(path, hk__h5_reason(reason), messages);
  } else if (H5Fget_vfd_handle(out->file, H5P_DEFAULT, &descriptor) < 0) {
    refuse(path, hk__h5_reason(reason), messages);
  } else if ((failure = extend(*(int *)descriptor, 0, SPARE)) != 0) {
    refuse(path, strerror(failure), messages);
  } else if (!put_head(out->file)) {
    refuse(path, hk__h5_reason(reason), messages);
  } else {
    out->descriptor = *(int *)descriptor;
    return HK_OK;
  }
  if (out->file >= 0)
    hk__h5_drop(out->file);
  unlink(out->path);
  free(out->path);
  out->path = NULL;
  return HK_ERR_IO;
}

static enum hk_status fail_because(struct hk__h5_output *out, const char *doing, const char *why)
{
  if (out->status == HK_OK) {
    out->status = HK_ERR_IO;
    snprintf(out->reason, sizeof out->reason, "%s: %s", doing, why);
  }
  return out->status;
}

enum hk_status hk__h5_output_fail(struct hk__h5_output *out, const char *doing)
{
  char reason[HK__H5_REASON];
  return fail_because(out, doing, hk__h5_reason(reason));
}

enum hk_status hk__h5_output_reserve(struct hk__h5_output *out, uint64_t bytes)
{
  if (out->status)
    return out->status;
  hsize_t size = 0;
  if (H5Fget_filesize(out->file, &size) < 0)
    return hk__h5_output_fail(out, "cannot tell the size of the file");
  const uint64_t more = out->pending + bytes + SPARE;
  const int failure = extend(out->descriptor, size, more);
  if (failure)
    return fail_because(out, "no room for more data", strerror(failure));
  out->pending += bytes;
  return HK_OK;
}

enum hk_status hk__h5_output_flush(struct hk__h5_output *out)
{
  if (out->status)
    return out->status;
  if (H5Fflush(out->file, H5F_SCOPE_GLOBAL) < 0)
    return hk__h5_output_fail(out, "cannot be written");
  out->pending = 0;
  return HK_OK;
}

enum hk_status hk__h5_output_publish(struct hk__h5_output *out)
{
  enum hk_status status = hk__h5_output_reserve(out, 0);
  if (!status)
    status = hk__h5_output_flush(out);
  if (status)
    return status;
  char *path = strdup(out->path);
  if (!path)
    return HK_ERR_MEMORY;
  path[strlen(path) - strlen(".new")] = '\0';
  if (rename(out->path, path)) {
    status = fail_because(out, "cannot be put in place", strerror(errno));
    free(path);
    return status;
  }
  free(out->path);
  out->path = path;
  out->is_published = true;
  return HK_OK;
}

enum hk_status hk__h5_output_close(struct hk__h5_output *out, struct hk_messages *messages)
{
  hk__h5_output_flush(out);
  hsize_t size = 0;
  if (out->file >= 0 && H5Fget_filesize(out->file, &size) >= 0 && ftruncate(out->descriptor, (off_t)size))
    fail_because(out, "cannot be cut to its size", strerror(errno)); /* what was reserved and not used */
  if (out->file >= 0 && H5Fclose(out->file) < 0)
    hk__h5_output_fail(out, "cannot be closed");
  enum hk_status status = out->status;
  if (out->path && !out->is_published)
    unlink(out->path);
  if (status)
    hk__h5_complain(messages, status, out->path, "%s%s", out->reason,
                    out->is_published ? " (what was flushed before is kept)" : "");
  free(out->path);
  *out = (struct hk__h5_output){.file = -1, .descriptor = -1};
  return status;
}

hid_t hk__h5_new_group(hid_t where, const char *name)
{
  return H5Gcreate2(where, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
}

hid_t hk__h5_new_provenance(hid_t file)
{
  hid_t provenance = hk__h5_new_group(file, "provenance");
  if (provenance >= 0 && hk__h5_put_text(provenance, "version", hk_version()) &&
      hk__h5_put_flag(provenance, "complete", false))
    return provenance;
  hk__h5_drop(provenance);
  return -1;
}

hid_t hk__h5_new_dataset(hid_t where, const char *name, hid_t type, int rank, const hsize_t *size, const hsize_t *chunk,
                         const void *fill)
{
  hsize_t limit[2] = {H5S_UNLIMITED, rank > 1 ? size[1] : 0};
  hid_t space = H5Screate_simple(rank, size, chunk ? limit : NULL);
  hid_t creation = H5Pcreate(H5P_DATASET_CREATE), access = H5Pcreate(H5P_DATASET_ACCESS);
  bool good = space >= 0 && creation >= 0 && access >= 0;
  if (good && chunk) {
    const size_t chunk_bytes = (size_t)chunk[0] * (rank > 1 ? (size_t)chunk[1] : 1) * H5Tget_size(type);
    good = H5Pset_chunk(creation, rank, chunk) >= 0 && H5Pset_chunk_cache(access, 101, 2 * chunk_bytes, 1.0) >= 0;
  }
  if (good && fill)
    good = H5Pset_fill_value(creation, type, fill) >= 0;
  hid_t dataset = good ? H5Dcreate2(where, name, type, space, H5P_DEFAULT, creation, access) : -1;
  hk__h5_drop(access);
  hk__h5_drop(creation);
  hk__h5_drop(space);
  return dataset;
}

bool hk__h5_append(hid_t dataset, hid_t memory_type, uint64_t first, size_t rows, hsize_t width, const void *values)
{
  hid_t old_space = H5Dget_space(dataset);
  const int rank = H5Sget_simple_extent_ndims(old_space);
  hk__h5_drop(old_space);
  const hsize_t size[2] = {first + rows, width}, start[2] = {first, 0}, count[2] = {rows, width};
  if (H5Dset_extent(dataset, size) < 0)
    return false;
  hid_t file_space = H5Dget_space(dataset), memory_space = H5Screate_simple(rank, count, NULL);
  bool good = H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
              H5Dwrite(dataset, memory_type, memory_space, file_space, H5P_DEFAULT, values) >= 0;
  hk__h5_drop(memory_space);
  hk__h5_drop(file_space);
  return good;
}
