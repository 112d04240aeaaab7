/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A SONATA circuit while it is being read: shared by the parts of the reader. */
#ifndef HK__SONATA_CIRCUIT_H
#define HK__SONATA_CIRCUIT_H

#include "io/sonata.h"
#include "io/sonata_groups.h"
#include "io/sonata_json.h"
#include "io/sonata_table.h"
#include "io/spike_list.h"

/* The nodes of one population that have one model: a population of the network. */
struct hk__node_part {
  const struct hk_model *model;
  bool in_seconds; /* its parameters of time are (NEURON's artificial cells) */
  size_t index;    /* in the network */
  uint32_t count;
  uint64_t *nodes; /* their ids, ascending */
};

/* A population of the circuit. Node i is neuron neuron[i] of part part[i]. */
struct hk__node_population {
  char *name, *where, *path;
  uint32_t size;
  struct hk__table types;
  uint32_t *rows;    /* the row of each node in types */
  size_t *receptors; /* of neurons of each row: what an edge's receptor_type may be at most */
  hid_t file, group;
  struct hk__groups groups;
  struct hk__node_part *parts;
  size_t part_count;
  uint32_t *part, *neuron;
  struct hk__spike_list spikes; /* of virtual nodes */
  bool has_input;
};

struct hk__circuit {
  struct hk_messages *messages;
  struct hk__json_file simulation, network, node_sets; /* zeroed where there is none */
  const struct hk__json_file *network_file;            /* that holds components and networks */
  json_t *sets;                                        /* node sets, may be NULL */
  struct hk__node_population *nodes;
  size_t node_count;
  json_t *dynamics; /* files of dynamics_params read so far: path to object */
  struct hk_network *out;
  double dt, v_init; /* v_init: HK__ABSENT where there is none */
  bool nest;         /* target_simulator is NEST */
};

/* Reads the files of nodes and of their types; no population of the network is added yet. */
enum hk_status hk__circuit_read_nodes(struct hk__circuit *circuit);

/* Adds the populations of the network, all spikes of virtual nodes being read. */
enum hk_status hk__circuit_add_populations(struct hk__circuit *circuit);

enum hk_status hk__circuit_add_edges(struct hk__circuit *circuit);

/* Spikes for virtual nodes; to be read before populations are added. */
enum hk_status hk__circuit_read_spikes(struct hk__circuit *circuit);

/* Currents, and reports as traces. */
enum hk_status hk__circuit_add_currents(struct hk__circuit *circuit);
enum hk_status hk__circuit_add_reports(struct hk__circuit *circuit);

void hk__circuit_clear(struct hk__circuit *circuit);

/* The population of that name or NULL. */
struct hk__node_population *hk__circuit_find(const struct hk__circuit *circuit, const char *name);

/* A file of dynamics_params in the component folder of that name; *out belongs to the circuit. place: where it is
 * asked for. */
enum hk_status hk__circuit_dynamics(struct hk__circuit *circuit, const char *component, const char *name,
                                    const struct hk_place *place, const json_t **out);

/* Which nodes a node set (a name, an object or a list of names) means: one flag per node of each population, in
 * members[population][node]. Free with hk__members_free. key: where the set is asked for, in simulation. */
enum hk_status hk__circuit_members(struct hk__circuit *circuit, const json_t *set, const char *key, bool ***members,
                                   size_t *total);
void hk__members_free(const struct hk__circuit *circuit, bool **members);

#endif
