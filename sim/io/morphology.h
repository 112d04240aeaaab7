/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key `morphology` of a population: a tree as compartments, as cylinders, or from an SWC file. */
#ifndef HK__MORPHOLOGY_H
#define HK__MORPHOLOGY_H

#include <hillock/tree.h>

#include "io/schema.h"

struct hk__morphology_section {
  struct hk__section section;
  struct hk__sections compartments, cylinders;
  const char *swc;
  struct hk_membrane membrane; /* of cylinders and of an SWC file */
};

extern const struct hk__schema hk__morphology_schema;

/* The tree that a section describes, to be freed with hk_tree_clear. What is wrong is counted in the reader; the tree
 * then has no compartments. */
void hk__finish_morphology(struct hk__reader *reader, struct hk__morphology_section *section, struct hk_tree *tree);

#endif
