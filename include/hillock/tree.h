/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dendritic trees: a list of isopotential compartments joined by axial conductances, given as such, as cylinders, or
 * read from an SWC morphology file. */
#ifndef HILLOCK_TREE_H
#define HILLOCK_TREE_H

#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { HK_COMPARTMENTS_MAX = 1024 };

/* Compartment 0 is the soma. */
struct hk_compartment {
  uint32_t parent;  /* below the compartment's own index; of the soma: ignored */
  double C_m;       /* pF, > 0 */
  double g_L;       /* nS, >= 0 */
  double E_L;       /* mV */
  double g_c;       /* nS, > 0: to the parent; of the soma: ignored */
  const char *name; /* unique; NULL: its index */
};

struct hk_tree {
  const struct hk_compartment *compartments;
  size_t count;
};

/* An unbranched piece of dendrite, or the soma. */
struct hk_cylinder {
  uint32_t parent;         /* a cylinder before this one, whose end this one begins at; of the first: ignored */
  double length, diameter; /* um, > 0 */
  const char *name;        /* unique; NULL: its index */
};

struct hk_membrane {
  double capacitance; /* uF/cm2, > 0 */
  double leak;        /* mS/cm2, >= 0 */
  double E_L;         /* mV */
  double resistivity; /* axial, ohm cm, > 0 */
  double max_length;  /* um, > 0: longer cylinders are cut into equal compartments (INFINITY: none is cut) */
};

/* Compartments of cylinders. The first is the soma, which stays whole unless it is all there is: what a spike resets
 * must not depend on max_length. Another that is cut into n compartments names them NAME[0] (next to its parent) to
 * NAME[n - 1]. The tree must be freed with hk_tree_clear. Errors, told in messages: HK_ERR_INPUT; HK_ERR_MEMORY. */
enum hk_status hk_tree_from_cylinders(const struct hk_cylinder *cylinders, size_t count,
                                      const struct hk_membrane *membrane, struct hk_tree *out,
                                      const struct hk_place *place, struct hk_messages *messages);

/* Reads an SWC morphology file. The samples of the soma make compartment 0, `soma`; every unbranched stretch of the
 * rest is cut into equal compartments of at most max_length, named after the SWC's types and counted: axon[0],
 * basal[0], basal[1], apical[0], other[0]. A dendrite begins at the surface of the soma. As above otherwise. */
enum hk_status hk_tree_read_swc(const char *path, const struct hk_membrane *membrane, struct hk_tree *out,
                                struct hk_messages *messages);

void hk_tree_clear(struct hk_tree *tree); /* only trees made by the functions above */

#ifdef __cplusplus
}
#endif
#endif
