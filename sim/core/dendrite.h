/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptions of trees: copies and checks. */
#ifndef HK__DENDRITE_H
#define HK__DENDRITE_H

#include <stdbool.h>

#include <hillock/tree.h>

enum { HK__NAME_LENGTH = 50 };

/* A deep copy, to be freed with hk_tree_clear. Error: HK_ERR_MEMORY. */
enum hk_status hk__tree_copy(const struct hk_tree *tree, struct hk_tree *out);

/* Writes what is wrong with a tree into text and returns true, or returns false. */
bool hk__tree_fault(const struct hk_tree *tree, char *text, size_t size);

#endif
