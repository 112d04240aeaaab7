/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One population of a SONATA edges file, in memory. */
#ifndef HK__IO_EDGES_FILE_H
#define HK__IO_EDGES_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <hillock/status.h>

struct hk__edge_population {
  char *name;                       /* of the population */
  char *source, *target;            /* names of the node populations; NULL where the file does not say */
  uint64_t count;                   /* edges */
  uint64_t *sources, *targets;      /* node ids */
  uint64_t *types;                  /* edge_type_id; NULL where there is none */
  double *weights, *delays, *nsyns; /* NULL where no group has them; HK__ABSENT for edges whose group has not */
  bool has_dynamics;                /* a group has dynamics_params */
};

/* All populations of a file; name NULL or the one wanted. Free with hk__edge_populations_free. */
enum hk_status hk__edge_populations_read(const char *path, const char *name, struct hk__edge_population **out,
                                         size_t *count, struct hk_messages *messages);
void hk__edge_populations_free(struct hk__edge_population *populations, size_t count);

#endif
