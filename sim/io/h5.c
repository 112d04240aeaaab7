/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HDF5's errors, and reading from files that may be anything: nothing a file says is believed before it is checked. */
#include "io/h5.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

void hk__h5_hush(struct hk__h5_quiet *saved)
{
  saved->function = NULL;
  saved->data = NULL;
  H5Eget_auto2(H5E_DEFAULT, &saved->function, &saved->data);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void hk__h5_unhush(const struct hk__h5_quiet *saved)
{
  H5Eset_auto2(H5E_DEFAULT, saved->function, saved->data);
}

static herr_t keep_innermost(unsigned depth, const H5E_error2_t *error, void *context)
{
  (void)depth;
  char *reason = context;
  const char *text = error->desc && *error->desc ? error->desc : NULL;
  if (!text)
    return 0;
  /* errors of system calls carry "..., error message = 'No space left on device', ..." */
  static const char mark[] = "error message = '";
  const char *system_text = strstr(text, mark);
  if (system_text) {
    text = system_text + sizeof mark - 1;
    snprintf(reason, HK__H5_REASON, "%.*s", (int)strcspn(text, "'"), text);
  } else {
    snprintf(reason, HK__H5_REASON, "%s", text);
  }
  return 1; /* the walk starts at the innermost: stop */
}

const char *hk__h5_reason(char reason[HK__H5_REASON])
{
  reason[0] = '\0';
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, reason);
  if (reason[0] == '\0')
    snprintf(reason, HK__H5_REASON, "HDF5 gives no reason");
  return reason;
}

void hk__h5_drop(hid_t id)
{
  if (id < 0)
    return;
  /* closing succeeds and would wipe out what HDF5 has to say about a call that failed before */
  hid_t errors = H5Eget_num(H5E_DEFAULT) > 0 ? H5Eget_current_stack() : -1;
  H5Idec_ref(id);
  if (errors >= 0)
    H5Eset_current_stack(errors);
}

enum hk_status hk__h5_complain(struct hk_messages *messages, enum hk_status status, const char *path,
                               const char *format, ...)
{
  char *text = NULL;
  va_list args;
  va_start(args, format);
  if (vasprintf(&text, format, args) < 0)
    text = NULL;
  va_end(args);
  for (char *at = text; at && *at; at++) /* names from damaged files may hold anything */
    if ((unsigned char)*at < ' ' || *at == 0x7f)
      *at = '?';
  const struct hk_place place = {path, 0, 0};
  hk_messages_add(messages, HK_SEVERITY_ERROR, &place, "%s", text ? text : hk_status_message(status));
  free(text);
  return status;
}

/* HDF5 says little about a file it cannot open; the system says more. */
static enum hk_status check_readable(const char *path, struct hk_messages *messages)
{
  struct stat info;
  int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe must not hold us up */
  int failure = file < 0 || fstat(file, &info) ? errno : 0;
  if (file >= 0)
    close(file);
  if (failure)
    return hk__h5_complain(messages, failure == ENOENT || failure == ENOTDIR ? HK_ERR_INPUT : HK_ERR_IO, path,
                           "cannot be opened: %s", strerror(failure));
  if (!S_ISREG(info.st_mode))
    return hk__h5_complain(messages, HK_ERR_INPUT, path, "is not a file");
  if (info.st_size == 0)
    return hk__h5_complain(messages, HK_ERR_INPUT, path, "is empty; an HDF5 file was expected");
  return HK_OK;
}

hid_t hk__h5_reading_properties(void)
{
  hid_t properties = H5Pcreate(H5P_FILE_ACCESS);
#if H5_VERSION_GE(1, 10, 7) && !(H5_VERSION_GE(1, 12, 0) && H5_VERSION_LE(1, 12, 0))
  H5Pset_file_locking(properties, true, true); /* file systems without locks are fine */
#endif
  return properties;
}

static enum hk_status refuse_file(const char *path, const char *reason, struct hk_messages *messages)
{
  if (strcmp(reason, strerror(EAGAIN)) == 0)
    return hk__h5_complain(messages, HK_ERR_IO, path, "is being written by another program");
  if (strstr(reason, "signature"))
    return hk__h5_complain(messages, HK_ERR_INPUT, path, "is not an HDF5 file");
  return hk__h5_complain(messages, HK_ERR_INPUT, path, "cannot be read as an HDF5 file: %s", reason);
}

enum hk_status hk__h5_open(const char *path, hid_t *file, struct hk_messages *messages)
{
  enum hk_status status = check_readable(path, messages);
  if (status)
    return status;
  char reason[HK__H5_REASON];
  if (!hk__h5_vet(path, reason))
    return refuse_file(path, reason, messages);
  hid_t properties = hk__h5_reading_properties();
  *file = H5Fopen(path, H5F_ACC_RDONLY, properties);
  if (*file < 0)
    hk__h5_reason(reason);
  hk__h5_drop(properties);
  return *file < 0 ? refuse_file(path, reason, messages) : HK_OK;
}

enum hk_status hk__h5_results_open(char *path, struct hk__h5_results *out, struct hk_messages *messages)
{
  *out = (struct hk__h5_results){.path = path, .file = -1, .provenance = -1};
  enum hk_status status = path ? hk__h5_open(path, &out->file, messages) : HK_ERR_MEMORY;
  if (status)
    return status;
  if (hk__h5_has_group(out->file, "provenance"))
    out->provenance = H5Gopen2(out->file, "provenance", H5P_DEFAULT);
  double complete = 1.0;
  out->cut_off = out->provenance >= 0 && hk__h5_number(out->provenance, "complete", &complete) && complete == 0.0;
  return HK_OK;
}

void hk__h5_results_close(struct hk__h5_results *results)
{
  hk__h5_drop(results->provenance);
  hk__h5_drop(results->file);
  free(results->path);
}

void hk__h5_results_warn(const struct hk__h5_results *results, const char *what, struct hk_messages *messages)
{
  const struct hk_place place = {results->path, 0, 0};
  if (results->cut_off)
    hk_messages_add(messages, HK_SEVERITY_WARNING, &place,
                    "the run that wrote this file did not finish; it holds the %s up to its last flush", what);
}

static bool is_kind(hid_t where, const char *name, H5O_type_t kind)
{
  H5L_info_t link;
  if (H5Lget_info(where, name, &link, H5P_DEFAULT) < 0 || link.type == H5L_TYPE_EXTERNAL)
    return false;
  H5O_info_t object;
  return HK__H5O_GET_INFO(where, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 && object.type == kind;
}

bool hk__h5_has_group(hid_t where, const char *name)
{
  return is_kind(where, name, H5O_TYPE_GROUP);
}

bool hk__h5_has_dataset(hid_t where, const char *name)
{
  return is_kind(where, name, H5O_TYPE_DATASET);
}

struct names {
  char **list;
  size_t count, capacity;
  bool out_of_memory;
};

static herr_t collect_group(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
  (void)info;
  struct names *names = context;
  if (!hk__h5_has_group(group, name))
    return 0;
  if (names->count == names->capacity) {
    size_t capacity = names->capacity ? 2 * names->capacity : 8;
    char **list = realloc(names->list, capacity * sizeof *list);
    if (!list) {
      names->out_of_memory = true;
      return -1;
    }
    names->list = list;
    names->capacity = capacity;
  }
  names->list[names->count] = strdup(name);
  names->out_of_memory = names->list[names->count] == NULL;
  names->count += !names->out_of_memory;
  return names->out_of_memory ? -1 : 0;
}

enum hk_status hk__h5_group_names(hid_t group, char ***names, size_t *count)
{
  struct names found = {0};
  herr_t result = H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, collect_group, &found);
  if (result < 0) {
    hk__h5_names_free(found.list, found.count);
    return found.out_of_memory ? HK_ERR_MEMORY : HK_ERR_IO;
  }
  *names = found.list;
  *count = found.count;
  return HK_OK;
}

void hk__h5_names_free(char **names, size_t count)
{
  for (size_t i = 0; i < count; i++)
    free(names[i]);
  free(names);
}

/* --- attributes --- */

static bool holds_one(hid_t attribute)
{
  hid_t space = H5Aget_space(attribute);
  bool one = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
  hk__h5_drop(space);
  return one;
}

static enum hk_status read_variable_text(hid_t attribute, char **out)
{
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  hid_t stored = H5Aget_type(attribute);
  H5Tset_cset(type, H5Tget_cset(stored));
  char *text = NULL;
  enum hk_status status = HK_OK;
  if (H5Aread(attribute, type, &text) >= 0 && text) {
    *out = strdup(text);
    status = *out ? HK_OK : HK_ERR_MEMORY;
    H5free_memory(text);
  }
  hk__h5_drop(stored);
  hk__h5_drop(type);
  return status;
}

static enum hk_status read_fixed_text(hid_t attribute, hid_t stored, char **out)
{
  enum { LONGEST = 1 << 20 };
  const size_t size = H5Tget_size(stored);
  if (size == 0 || size > LONGEST)
    return HK_OK;
  char *text = calloc(size + 1, 1);
  if (!text)
    return HK_ERR_MEMORY;
  if (H5Aread(attribute, stored, text) < 0) {
    free(text);
    return HK_OK;
  }
  for (size_t end = strlen(text); end > 0 && text[end - 1] == ' '; end--)
    text[end - 1] = '\0'; /* Fortran pads with spaces */
  *out = text;
  return HK_OK;
}

static enum hk_status read_enum_name(hid_t attribute, hid_t stored, char **out)
{
  char name[64] = "";
  unsigned char value[16] = {0};
  if (H5Tget_size(stored) > sizeof value || H5Aread(attribute, stored, value) < 0 ||
      H5Tenum_nameof(stored, value, name, sizeof name - 1) < 0)
    return HK_OK;
  *out = strdup(name);
  return *out ? HK_OK : HK_ERR_MEMORY;
}

enum hk_status hk__h5_text(hid_t object, const char *name, char **out)
{
  *out = NULL;
  if (H5Aexists(object, name) <= 0)
    return HK_OK;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  hid_t type = attribute >= 0 ? H5Aget_type(attribute) : -1;
  enum hk_status status = HK_OK;
  if (type >= 0 && holds_one(attribute)) {
    H5T_class_t class = H5Tget_class(type);
    if (class == H5T_ENUM)
      status = read_enum_name(attribute, type, out);
    else if (class == H5T_STRING && H5Tis_variable_str(type) > 0)
      status = read_variable_text(attribute, out);
    else if (class == H5T_STRING)
      status = read_fixed_text(attribute, type, out);
  }
  hk__h5_drop(type);
  hk__h5_drop(attribute);
  return status;
}

bool hk__h5_plain_number(hid_t type, bool *is_float, bool *is_signed)
{
  const hid_t floats[] = {H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_IEEE_F32BE, H5T_IEEE_F64BE};
  const hid_t signeds[] = {H5T_STD_I8LE, H5T_STD_I16LE, H5T_STD_I32LE, H5T_STD_I64LE,
                           H5T_STD_I8BE, H5T_STD_I16BE, H5T_STD_I32BE, H5T_STD_I64BE};
  const hid_t unsigneds[] = {H5T_STD_U8LE, H5T_STD_U16LE, H5T_STD_U32LE, H5T_STD_U64LE,
                             H5T_STD_U8BE, H5T_STD_U16BE, H5T_STD_U32BE, H5T_STD_U64BE};
  *is_float = *is_signed = true;
  for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
    if (H5Tequal(type, floats[i]) > 0)
      return true;
  *is_float = false;
  for (size_t i = 0; i < sizeof signeds / sizeof *signeds; i++)
    if (H5Tequal(type, signeds[i]) > 0)
      return true;
  *is_signed = false;
  for (size_t i = 0; i < sizeof unsigneds / sizeof *unsigneds; i++)
    if (H5Tequal(type, unsigneds[i]) > 0)
      return true;
  return false;
}

bool hk__h5_number(hid_t object, const char *name, double *value)
{
  if (H5Aexists(object, name) <= 0)
    return false;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  hid_t type = attribute >= 0 ? H5Aget_type(attribute) : -1;
  bool is_float, is_signed;
  bool good = type >= 0 && holds_one(attribute) && hk__h5_plain_number(type, &is_float, &is_signed) &&
              H5Aread(attribute, H5T_NATIVE_DOUBLE, value) >= 0;
  hk__h5_drop(type);
  hk__h5_drop(attribute);
  return good;
}

/* --- columns --- */

bool hk__h5_is_stored(hid_t dataset)
{
  hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset), properties = H5Dget_create_plist(dataset);
  hssize_t count = H5Sget_simple_extent_npoints(space);
  double declared = (double)count * (double)H5Tget_size(type);
  /* no filter that HDF5 ships packs better than deflate, whose best is 1032 to 1 */
  double packing = H5Pget_nfilters(properties) > 0 ? 1100.0 : 1.0;
  bool stored = count >= 0 && (double)H5Dget_storage_size(dataset) * packing >= declared;
  hk__h5_drop(properties);
  hk__h5_drop(type);
  hk__h5_drop(space);
  return stored;
}

static enum hk_status check_column(struct hk__h5_column *column, const char *where_name, const char *name,
                                   unsigned want, const char *path, struct hk_messages *messages)
{
  hid_t space = H5Dget_space(column->dataset), type = H5Dget_type(column->dataset);
  bool plain = type >= 0 && hk__h5_plain_number(type, &column->is_float, &column->is_signed);
  hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
  int rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
  hk__h5_drop(type);
  hk__h5_drop(space);
  const char *wanted = want & HK__H5_INTEGERS ? "integers" : "numbers";
  if (!plain || (want & HK__H5_INTEGERS && column->is_float))
    return hk__h5_complain(messages, HK_ERR_INPUT, path, "%s/%s does not hold %s", where_name, name, wanted);
  if (rank != 1 || count < 0)
    return hk__h5_complain(messages, HK_ERR_INPUT, path, "%s/%s has %d dimensions, 1 was expected", where_name, name,
                           rank);
  if (want & HK__H5_STORED && !hk__h5_is_stored(column->dataset))
    return hk__h5_complain(messages, HK_ERR_INPUT, path,
                           "%s/%s declares %lld values but the file does not hold that many: it is damaged", where_name,
                           name, (long long)count);
  column->count = (uint64_t)count;
  return HK_OK;
}

enum hk_status hk__h5_column_open(hid_t where, const char *where_name, const char *name, unsigned want,
                                  const char *path, struct hk__h5_column *column, struct hk_messages *messages)
{
  column->dataset = -1;
  if (!hk__h5_has_dataset(where, name))
    return hk__h5_complain(messages, HK_ERR_INPUT, path, "%s has no dataset %s", where_name, name);
  column->dataset = H5Dopen2(where, name, H5P_DEFAULT);
  if (column->dataset < 0) {
    char reason[HK__H5_REASON];
    return hk__h5_complain(messages, HK_ERR_INPUT, path, "%s/%s cannot be read: %s", where_name, name,
                           hk__h5_reason(reason));
  }
  enum hk_status status = check_column(column, where_name, name, want, path, messages);
  if (status)
    hk__h5_column_close(column);
  return status;
}

void hk__h5_column_close(struct hk__h5_column *column)
{
  hk__h5_drop(column->dataset);
  column->dataset = -1;
}

static enum hk_status read_range(const struct hk__h5_column *column, uint64_t first, size_t count, hid_t type,
                                 void *out)
{
  if (first > column->count || count > column->count - first)
    return HK_ERR_INPUT;
  if (count == 0)
    return HK_OK;
  const hsize_t start = first, size = count;
  hid_t file_space = H5Dget_space(column->dataset), memory_space = H5Screate_simple(1, &size, NULL);
  bool good = H5Sselect_hyperslab(file_space, H5S_SELECT_SET, &start, NULL, &size, NULL) >= 0 &&
              H5Dread(column->dataset, type, memory_space, file_space, H5P_DEFAULT, out) >= 0;
  hk__h5_drop(memory_space);
  hk__h5_drop(file_space);
  return good ? HK_OK : HK_ERR_IO;
}

enum hk_status hk__h5_column_doubles(const struct hk__h5_column *column, uint64_t first, size_t count, double *out)
{
  return read_range(column, first, count, H5T_NATIVE_DOUBLE, out);
}

enum hk_status hk__h5_column_unsigned(const struct hk__h5_column *column, uint64_t first, size_t count, uint64_t *out)
{
  /* HDF5 would turn -1 into 0 without a word */
  enum hk_status status =
      read_range(column, first, count, column->is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64, out);
  for (size_t i = 0; column->is_signed && !status && i < count; i++)
    if (out[i] > INT64_MAX)
      status = HK_ERR_INPUT;
  return status;
}

bool hk__h5_time_unit(const char *unit, double *factor)
{
  static const struct {
    const char *name;
    double factor;
  } units[] = {{"ms", 1.0},        {"msec", 1.0},  {"millisecond", 1.0},  {"milliseconds", 1.0},
               {"s", 1e3},         {"sec", 1e3},   {"second", 1e3},       {"seconds", 1e3},
               {"us", 1e-3},       {"usec", 1e-3}, {"microsecond", 1e-3}, {"microseconds", 1e-3},
               {"ns", 1e-6},       {"nsec", 1e-6}, {"nanosecond", 1e-6},  {"nanoseconds", 1e-6},
               {"\xc2\xb5s", 1e-3}};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strcasecmp(unit, units[i].name) == 0) {
      *factor = units[i].factor;
      return true;
    }
  return false;
}
