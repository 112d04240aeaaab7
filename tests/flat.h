/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connectomes laid out flat, for tests: made from small networks, checked on the way for all that core/connectome.h
 * says of rows and blocks. */
#ifndef FLAT_H
#define FLAT_H

#include <check.h>

#include "net/build.h"

/* ck_assert leaves a mark for each assertion, which is slow where there are millions of them. */
#define MUST(condition)               \
  do {                                \
    if (!(condition))                 \
      ck_abort_msg("%s", #condition); \
  } while (0)

struct synapse {
  uint32_t source_population, source, target_population, target, port;
  double weight, delay;
};

struct flat {
  struct synapse *synapses;
  size_t count;
};

int compare_synapses(const void *x, const void *y);

struct hk_network *make_network(void);
size_t add_population(struct hk_network *network, const char *name, const char *model, uint64_t size);

/* Weight 1, delay 1.5 ms, autapses and multapses allowed. */
struct hk_projection_spec projection_of(size_t source, size_t target, enum hk_rule_kind kind, double number);
void add_projection(struct hk_network *network, struct hk_projection_spec spec);

struct hk__connectome *build_connectome(const struct hk_network *network, int threads, double grid, uint32_t max_shard);

/* All synapses, sorted; to be freed. */
struct flat flatten(const struct hk__connectome *c);
struct flat flat_of(const struct hk_network *network);

/* Two populations of one model with a source between them and another model: more than one shard of each. */
enum { N_EXC = 50, N_INH = 23, N_LGN = 11 };
enum { EXC, LGN, INH };
struct hk_network *three_populations(void);

/* Fails where n counts are too uneven, or too even, for equal chances: by chi-square. */
void assert_even(const double *counts, size_t n, const char *what);

#endif
