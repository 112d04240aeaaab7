/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes of SONATA populations: node or edge i is element group_index[i] of group group_ids[i], and each group may
 * have other attributes. */
#include "io/sonata_groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_numeral(const char *name)
{
  return *name && strspn(name, "0123456789") == strlen(name);
}

static enum hk_status read_ids(const struct hk__groups *groups, const char *kind, const char *what, uint64_t **out,
                               struct hk_messages *messages)
{
  char name[32];
  snprintf(name, sizeof name, "%s_group_%s", kind, what);
  if (!hk__h5_has_dataset(groups->population, name))
    return HK_OK;
  struct hk__h5_column column;
  enum hk_status status =
      hk__h5_column_open(groups->population, groups->name, name, HK__H5_INTEGERS, groups->path, &column, messages);
  if (status)
    return status;
  if (column.count != groups->count) {
    status = hk__h5_complain(messages, HK_ERR_INPUT, groups->path, "%s/%s has %llu values, %llu were expected",
                             groups->name, name, (unsigned long long)column.count, (unsigned long long)groups->count);
  } else if (!(*out = malloc((groups->count + 1) * sizeof **out))) {
    status = HK_ERR_MEMORY;
  } else if (hk__h5_column_unsigned(&column, 0, (size_t)groups->count, *out)) {
    status = hk__h5_complain(messages, HK_ERR_INPUT, groups->path, "%s/%s cannot be read", groups->name, name);
  }
  hk__h5_column_close(&column);
  return status;
}

static void keep_numerals(struct hk__groups *groups)
{
  size_t kept = 0;
  for (size_t i = 0; i < groups->name_count; i++) {
    if (is_numeral(groups->names[i]))
      groups->names[kept++] = groups->names[i];
    else
      free(groups->names[i]);
  }
  groups->name_count = kept;
}

enum hk_status hk__groups_open(struct hk__groups *groups, const char *path, const char *name, hid_t population,
                               const char *kind, uint64_t count, struct hk_messages *messages)
{
  *groups = (struct hk__groups){.path = path, .name = name, .population = population, .count = count};
  enum hk_status status = hk__h5_group_names(population, &groups->names, &groups->name_count);
  if (status)
    return hk__h5_complain(messages, status == HK_ERR_MEMORY ? status : HK_ERR_INPUT, path, "%s cannot be read", name);
  keep_numerals(groups);
  status = read_ids(groups, kind, "id", &groups->group_ids, messages);
  if (!status)
    status = read_ids(groups, kind, "index", &groups->group_index, messages);
  if (!status && (groups->group_ids == NULL) != (groups->group_index == NULL))
    status = hk__h5_complain(messages, HK_ERR_INPUT, path,
                             "%s has one of %s_group_id and %s_group_index; both belong together", name, kind, kind);
  if (status)
    hk__groups_close(groups);
  return status;
}

void hk__groups_close(struct hk__groups *groups)
{
  hk__h5_names_free(groups->names, groups->name_count);
  free(groups->group_ids);
  free(groups->group_index);
  *groups = (struct hk__groups){0};
}

/* Where element i of the population stands in the group of this number; false if it is in another. */
static bool place_in(const struct hk__groups *groups, uint64_t i, uint64_t group, uint64_t *index)
{
  *index = groups->group_index ? groups->group_index[i] : i;
  return (groups->group_ids ? groups->group_ids[i] : 0) == group;
}

static enum hk_status too_short(const struct hk__groups *groups, const char *group, const char *attribute,
                                uint64_t count, struct hk_messages *messages)
{
  return hk__h5_complain(messages, HK_ERR_INPUT, groups->path, "%s/%s/%s has only %llu values", groups->name, group,
                         attribute, (unsigned long long)count);
}

static enum hk_status spread_numbers(const struct hk__groups *groups, const char *group, const char *attribute,
                                     const struct hk__h5_column *column, double *values, struct hk_messages *messages)
{
  double *read = malloc((column->count + 1) * sizeof *read);
  if (!read)
    return HK_ERR_MEMORY;
  enum hk_status status = hk__h5_column_doubles(column, 0, (size_t)column->count, read);
  if (status)
    hk__h5_complain(messages, status, groups->path, "%s/%s/%s cannot be read", groups->name, group, attribute);
  const uint64_t number = strtoull(group, NULL, 10);
  for (uint64_t i = 0, at; i < groups->count && !status; i++) {
    if (!place_in(groups, i, number, &at))
      continue;
    if (at >= column->count)
      status = too_short(groups, group, attribute, column->count, messages);
    else
      values[i] = read[at];
  }
  free(read);
  return status;
}

enum hk_status hk__groups_numbers(const struct hk__groups *groups, const char *attribute, double *values, bool *found,
                                  struct hk_messages *messages)
{
  for (size_t g = 0; g < groups->name_count; g++) {
    hid_t group = H5Gopen2(groups->population, groups->names[g], H5P_DEFAULT);
    char where[256];
    snprintf(where, sizeof where, "%s/%s", groups->name, groups->names[g]);
    /* a slash: its folder must be there before HDF5 may be asked for what is in it */
    const char *slash = strchr(attribute, '/');
    char folder[64];
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - attribute) : 0, attribute);
    enum hk_status status = HK_OK;
    if (group >= 0 && (!slash || hk__h5_has_group(group, folder)) && hk__h5_has_dataset(group, attribute)) {
      struct hk__h5_column column;
      status = hk__h5_column_open(group, where, attribute, HK__H5_STORED, groups->path, &column, messages);
      if (!status) {
        status = spread_numbers(groups, groups->names[g], attribute, &column, values, messages);
        hk__h5_column_close(&column);
        if (found)
          *found = true;
      }
    }
    hk__h5_drop(group);
    if (status)
      return status;
  }
  return HK_OK;
}

/* --- texts --- */

struct texts {
  char **list;
  uint64_t count;
};

static void free_texts(struct texts *texts)
{
  for (uint64_t i = 0; texts->list && i < texts->count; i++)
    free(texts->list[i]);
  free(texts->list);
}

static bool read_variable(hid_t dataset, hid_t type, hid_t space, struct texts *texts)
{
  char **read = calloc(texts->count + 1, sizeof *read);
  hid_t memory = H5Tcopy(type);
  const bool was_read = read && memory >= 0 && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, read) >= 0;
  bool good = was_read;
  for (uint64_t i = 0; good && i < texts->count; i++)
    good = (texts->list[i] = strdup(read[i] ? read[i] : "")) != NULL;
  if (was_read)
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, read);
  hk__h5_drop(memory);
  free(read);
  return good;
}

static bool read_fixed(hid_t dataset, hid_t type, struct texts *texts)
{
  const size_t size = H5Tget_size(type);
  if (size == 0 || size > 4096)
    return false;
  char *read = calloc(texts->count + 1, size);
  bool good = read && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, read) >= 0;
  for (uint64_t i = 0; good && i < texts->count; i++)
    good = (texts->list[i] = strndup(read + i * size, size)) != NULL;
  free(read);
  return good;
}

/* false: not a readable column of texts */
static bool read_texts(hid_t where, const char *name, struct texts *texts)
{
  *texts = (struct texts){0};
  hid_t dataset = H5Dopen2(where, name, H5P_DEFAULT);
  hid_t type = dataset >= 0 ? H5Dget_type(dataset) : -1, space = dataset >= 0 ? H5Dget_space(dataset) : -1;
  bool good = type >= 0 && space >= 0 && H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_ndims(space) == 1 &&
              hk__h5_is_stored(dataset);
  if (good) {
    texts->count = (uint64_t)H5Sget_simple_extent_npoints(space);
    texts->list = calloc(texts->count + 1, sizeof *texts->list);
    good = texts->list && (H5Tis_variable_str(type) > 0 ? read_variable(dataset, type, space, texts)
                                                        : read_fixed(dataset, type, texts));
  }
  hk__h5_drop(space);
  hk__h5_drop(type);
  hk__h5_drop(dataset);
  return good;
}

/* texts[numbers[...]] or, without numbers, texts themselves */
static enum hk_status spread_texts(const struct hk__groups *groups, const char *group, const char *attribute,
                                   const struct texts *texts, const uint64_t *numbers, uint64_t count, char **values,
                                   struct hk_messages *messages)
{
  const uint64_t number = strtoull(group, NULL, 10);
  for (uint64_t i = 0, at; i < groups->count; i++) {
    if (!place_in(groups, i, number, &at))
      continue;
    if (at >= count || (numbers && numbers[at] >= texts->count))
      return too_short(groups, group, attribute, count, messages);
    free(values[i]);
    values[i] = strdup(texts->list[numbers ? numbers[at] : at]);
    if (!values[i])
      return HK_ERR_MEMORY;
  }
  return HK_OK;
}

static enum hk_status read_library(const struct hk__groups *groups, hid_t group, const char *name,
                                   const char *attribute, const struct texts *texts, char **values,
                                   struct hk_messages *messages)
{
  struct hk__h5_column column;
  enum hk_status status = hk__h5_column_open(group, groups->name, attribute, HK__H5_INTEGERS | HK__H5_STORED,
                                             groups->path, &column, messages);
  if (status)
    return status;
  uint64_t *numbers = malloc((column.count + 1) * sizeof *numbers);
  status = numbers ? hk__h5_column_unsigned(&column, 0, (size_t)column.count, numbers) : HK_ERR_MEMORY;
  if (!status)
    status = spread_texts(groups, name, attribute, texts, numbers, column.count, values, messages);
  free(numbers);
  hk__h5_column_close(&column);
  return status;
}

static enum hk_status group_texts(const struct hk__groups *groups, hid_t group, const char *name, const char *attribute,
                                  char **values, bool *found, struct hk_messages *messages)
{
  if (!hk__h5_has_dataset(group, attribute))
    return HK_OK;
  struct texts texts;
  enum hk_status status = HK_OK;
  hid_t library = hk__h5_has_group(group, "@library") ? H5Gopen2(group, "@library", H5P_DEFAULT) : -1;
  if (library >= 0 && hk__h5_has_dataset(library, attribute) && read_texts(library, attribute, &texts)) {
    status = read_library(groups, group, name, attribute, &texts, values, messages);
    *found = true;
  } else if (read_texts(group, attribute, &texts)) {
    status = spread_texts(groups, name, attribute, &texts, NULL, texts.count, values, messages);
    *found = true;
  }
  free_texts(&texts);
  hk__h5_drop(library);
  return status;
}

enum hk_status hk__groups_texts(const struct hk__groups *groups, const char *attribute, char **values, bool *found,
                                struct hk_messages *messages)
{
  for (size_t g = 0; g < groups->name_count; g++) {
    hid_t group = H5Gopen2(groups->population, groups->names[g], H5P_DEFAULT);
    enum hk_status status = HK_OK;
    if (group >= 0)
      status = group_texts(groups, group, groups->names[g], attribute, values, found, messages);
    hk__h5_drop(group);
    if (status)
      return status;
  }
  return HK_OK;
}

struct visit {
  enum hk_status (*function)(void *context, const char *name);
  void *context;
  enum hk_status status;
};

static herr_t visit_one(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
  (void)info;
  struct visit *visit = context;
  if (hk__h5_has_dataset(group, name))
    visit->status = visit->function(visit->context, name);
  return visit->status ? 1 : 0;
}

enum hk_status hk__groups_visit(const struct hk__groups *groups, const char *folder,
                                enum hk_status (*function)(void *context, const char *name), void *context)
{
  struct visit visit = {function, context, HK_OK};
  for (size_t g = 0; g < groups->name_count && !visit.status; g++) {
    hid_t group = H5Gopen2(groups->population, groups->names[g], H5P_DEFAULT);
    hid_t inner = group >= 0 && hk__h5_has_group(group, folder) ? H5Gopen2(group, folder, H5P_DEFAULT) : -1;
    if (inner >= 0 && H5Literate(inner, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_one, &visit) < 0)
      visit.status = HK_ERR_INPUT;
    hk__h5_drop(inner);
    hk__h5_drop(group);
  }
  return visit.status;
}
