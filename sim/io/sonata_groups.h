/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A SONATA population of nodes or edges: ids in columns, attributes in numbered groups. */
#ifndef HK__SONATA_GROUPS_H
#define HK__SONATA_GROUPS_H

#include <float.h>

#include "io/h5.h"

/* Stands for a number that is not there: no attribute has this value, while NAN may come from a file. */
#define HK__ABSENT (-DBL_MAX)

struct hk__groups {
  const char *path; /* of the file */
  const char *name; /* of the population, "/nodes/v1" */
  hid_t population;
  uint64_t count;                    /* of nodes or edges */
  uint64_t *group_ids, *group_index; /* NULL: all are in group 0, in their order */
  char **names;                      /* of the groups that are numbers */
  size_t name_count;
};

/* kind: "node" or "edge". path and name must outlive the groups. The population stays the caller's. */
enum hk_status hk__groups_open(struct hk__groups *groups, const char *path, const char *name, hid_t population,
                               const char *kind, uint64_t count, struct hk_messages *messages);
void hk__groups_close(struct hk__groups *groups);

/* An attribute of all: numbers into values, where a group has them (others are left alone). The name may have a slash.
 * found may be NULL. */
enum hk_status hk__groups_numbers(const struct hk__groups *groups, const char *attribute, double *values, bool *found,
                                  struct hk_messages *messages);

/* Likewise texts, stored as such or as numbers of a @library; free each with free(). Attributes that are numbers are
 * not found. */
enum hk_status hk__groups_texts(const struct hk__groups *groups, const char *attribute, char **values, bool *found,
                                struct hk_messages *messages);

/* Calls visit with the name of each dataset of a subfolder (`dynamics_params`) of each group. */
enum hk_status hk__groups_visit(const struct hk__groups *groups, const char *folder,
                                enum hk_status (*visit)(void *context, const char *name), void *context);

#endif
