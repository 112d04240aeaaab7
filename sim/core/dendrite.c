/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/tree.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/dendrite.h"

void hk_tree_clear(struct hk_tree *tree)
{
  for (size_t k = 0; tree->compartments && k < tree->count; k++)
    free((void *)tree->compartments[k].name);
  free((void *)tree->compartments);
  *tree = (struct hk_tree){.count = 0};
}

enum hk_status hk__tree_copy(const struct hk_tree *tree, struct hk_tree *out)
{
  struct hk_compartment *copies = calloc(tree->count + 1, sizeof *copies);
  if (!copies)
    return HK_ERR_MEMORY;
  *out = (struct hk_tree){copies, tree->count};
  for (size_t k = 0; k < tree->count; k++) {
    copies[k] = tree->compartments[k];
    if (!copies[k].name)
      continue;
    copies[k].name = strdup(copies[k].name);
    if (!copies[k].name) {
      hk_tree_clear(out);
      return HK_ERR_MEMORY;
    }
  }
  return HK_OK;
}

static const char *compartment_fault(const struct hk_compartment *c, size_t k)
{
  if (k > 0 && c->parent >= k)
    return "`parent` must be the index of a compartment before it";
  if (!(c->C_m > 0) || !isfinite(c->C_m))
    return "C_m must be positive";
  if (!(c->g_L >= 0) || !isfinite(c->g_L))
    return "g_L must not be negative";
  if (!isfinite(c->E_L))
    return "E_L must be a number";
  if (k > 0 && (!(c->g_c > 0) || !isfinite(c->g_c)))
    return "g_c must be positive";
  if (c->name && (!*c->name || strlen(c->name) > HK__NAME_LENGTH))
    return "its name must have 1 to 50 bytes";
  if (c->name && strspn(c->name, "0123456789") == strlen(c->name))
    return "its name must not be a number, which is taken for an index";
  return NULL;
}

bool hk__tree_fault(const struct hk_tree *tree, char *text, size_t size)
{
  if (tree->count == 0 || tree->count > HK_COMPARTMENTS_MAX) {
    snprintf(text, size, "a tree has 1 to %d compartments, not %zu", HK_COMPARTMENTS_MAX, tree->count);
    return true;
  }
  for (size_t k = 0; k < tree->count; k++) {
    const struct hk_compartment *c = &tree->compartments[k];
    const char *wrong = compartment_fault(c, k);
    if (wrong) {
      snprintf(text, size, "compartment %zu: %s", k, wrong);
      return true;
    }
    for (size_t j = 0; j < k; j++)
      if (c->name && tree->compartments[j].name && strcmp(c->name, tree->compartments[j].name) == 0) {
        snprintf(text, size, "compartments %zu and %zu are both named `%s`", j, k, c->name);
        return true;
      }
  }
  return false;
}

/* --- cylinders --- */

/* Compartments of cylinder i of so many. The soma, which others begin at, stays whole: a spike resets compartment 0. */
static size_t pieces_of(const struct hk_cylinder *cylinders, size_t i, size_t count, const struct hk_membrane *membrane)
{
  double pieces = ceil(cylinders[i].length / membrane->max_length);
  if (i == 0 && count > 1)
    return 1;
  return pieces > 1 ? pieces < 1e6 ? (size_t)pieces : 1000000 : 1;
}

static bool cylinders_fault(const struct hk_cylinder *cylinders, size_t count, const struct hk_membrane *m, char *text,
                            size_t size)
{
  const char *wrong = NULL;
  if (count == 0)
    wrong = "there is no cylinder";
  else if (!(m->capacitance > 0) || !isfinite(m->capacitance))
    wrong = "the specific capacitance must be positive";
  else if (!(m->leak >= 0) || !isfinite(m->leak))
    wrong = "the specific leak must not be negative";
  else if (!(m->resistivity > 0) || !isfinite(m->resistivity))
    wrong = "the axial resistivity must be positive";
  else if (!(m->max_length > 0))
    wrong = "the maximal length of a compartment must be positive";
  else if (!isfinite(m->E_L))
    wrong = "E_L must be a number";
  if (wrong) {
    snprintf(text, size, "%s", wrong);
    return true;
  }
  for (size_t i = 0; i < count; i++) {
    const struct hk_cylinder *c = &cylinders[i];
    if (i > 0 && c->parent >= i)
      wrong = "`parent` must be the index of a cylinder before it";
    else if (!(c->length > 0) || !isfinite(c->length))
      wrong = "length must be positive";
    else if (!(c->diameter > 0) || !isfinite(c->diameter))
      wrong = "diameter must be positive";
    if (wrong) {
      snprintf(text, size, "cylinder %zu: %s", i, wrong);
      return true;
    }
  }
  return false;
}

/* The axial resistance of half a compartment, in 1/nS. */
static double half_resistance(const struct hk_membrane *m, double length, double diameter)
{
  return m->resistivity * 1e-5 * (length / 2) / (M_PI * diameter * diameter / 4);
}

static enum hk_status name_piece(const struct hk_cylinder *c, size_t piece, size_t pieces, const char **out)
{
  char *name = NULL;
  if (!c->name)
    return HK_OK;
  int length = pieces == 1 ? asprintf(&name, "%s", c->name) : asprintf(&name, "%s[%zu]", c->name, piece);
  if (length < 0)
    return HK_ERR_MEMORY;
  *out = name;
  return HK_OK;
}

/* Where a cylinder ends, for those that begin there. */
struct tip {
  uint32_t last;     /* the last compartment of a cylinder */
  double resistance; /* from its middle to the cylinder's end */
};

/* Appends the compartments of one cylinder. */
static enum hk_status append(const struct hk_cylinder *c, size_t pieces, const struct hk_membrane *m, struct tip begin,
                             struct hk_compartment *compartments, size_t *count, struct tip *end)
{
  double length = c->length / (double)pieces, area = M_PI * c->diameter * length * 1e-2;
  double half = half_resistance(m, length, c->diameter);
  for (size_t i = 0; i < pieces; i++) {
    struct hk_compartment *k = &compartments[*count];
    *k = (struct hk_compartment){.parent = begin.last,
                                 .C_m = m->capacitance * area,
                                 .g_L = m->leak * area,
                                 .E_L = m->E_L,
                                 .g_c = 1 / (begin.resistance + half)};
    enum hk_status status = name_piece(c, i, pieces, &k->name);
    if (status != HK_OK)
      return status;
    begin = (struct tip){(uint32_t)(*count)++, half};
  }
  *end = begin;
  return HK_OK;
}

enum hk_status hk_tree_from_cylinders(const struct hk_cylinder *cylinders, size_t count,
                                      const struct hk_membrane *membrane, struct hk_tree *out,
                                      const struct hk_place *place, struct hk_messages *messages)
{
  char text[256];
  if (cylinders_fault(cylinders, count, membrane, text, sizeof text)) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, place, "%s", text);
    return HK_ERR_INPUT;
  }
  size_t total = 0;
  for (size_t i = 0; i < count; i++)
    total += pieces_of(cylinders, i, count, membrane);
  if (total > HK_COMPARTMENTS_MAX) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, place,
                    "the cylinders make %zu compartments, more than %d; a longer maximal length makes fewer", total,
                    HK_COMPARTMENTS_MAX);
    return HK_ERR_INPUT;
  }
  struct hk_compartment *compartments = calloc(total, sizeof *compartments);
  struct tip *ends = calloc(count, sizeof *ends);
  enum hk_status status = compartments && ends ? HK_OK : HK_ERR_MEMORY;
  size_t made = 0;
  for (size_t i = 0; i < count && status == HK_OK; i++) {
    struct tip begin = i > 0 ? ends[cylinders[i].parent] : (struct tip){0};
    size_t pieces = pieces_of(cylinders, i, count, membrane);
    status = append(&cylinders[i], pieces, membrane, begin, compartments, &made, &ends[i]);
  }
  free(ends);
  *out = (struct hk_tree){compartments, made};
  if (status != HK_OK)
    hk_tree_clear(out);
  return status;
}
