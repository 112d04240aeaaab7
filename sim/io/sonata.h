/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SONATA circuits in: from a simulation config to a network; and the files of spikes and edges that a YAML config may
 * name. All of it reads HDF5 and is for one thread at a time. */
#ifndef HK__SONATA_H
#define HK__SONATA_H

#include <stdbool.h>
#include <stdint.h>

#include <hillock/network.h>
#include <hillock/status.h>

/* --- a whole circuit --- */

struct hk__sonata {
  struct hk_network *network;
  double duration;     /* ms */
  uint64_t seed;       /* 1 where the config names none */
  double dt;           /* ms, the config's time step: not used by exact time; 0 where it names none */
  char *output_folder; /* NULL where the config names none */
  char *spikes_file;   /* the name of a file in that folder; NULL where the config names none */
  bool overwrite;      /* `overwrite_output_dir` */
  char *
      resolved; /* the config as JSON: one object, overrides applied, paths absolute; reading it gives the same again */
};

/* Whether a text is a JSON object with a SONATA config's keys. */
bool hk__is_sonata(const char *text);

/* Reads a simulation config, or a config that points at one. text: what stands in the file at path. An override is
 * KEY=VALUE with KEY a dotted path in the simulation config (`run.tstop=100`) and VALUE JSON or a bare word.
 * HK_ERR_INPUT: all errors that can be told at once, in messages, with line and column where the file has them. What is
 * not supported and does not change the spikes is a warning, what does is an error. */
enum hk_status hk__sonata_read(const char *path, const char *text, const char *const *overrides, size_t override_count,
                               struct hk__sonata *out, struct hk_messages *messages);
void hk__sonata_clear(struct hk__sonata *sonata);

/* --- one edges file: the rule `file: edges.h5` --- */

struct hk__edges {
  uint64_t count;
  uint32_t *sources, *targets;
  double *weights, *delays; /* one per edge, weights times nsyns; NULL where the file has none */
};

/* population NULL: the only one in the file. place: where the config names the file, for messages. Ids must lie below
 * the sizes. */
enum hk_status hk__edges_read(const char *path, const char *population, uint64_t source_size, uint64_t target_size,
                              struct hk__edges *out, const struct hk_place *place, struct hk_messages *messages);
void hk__edges_clear(struct hk__edges *edges);

/* --- one spikes file as the trains of a spike_source population --- */

struct hk__source_trains {
  uint64_t size;     /* of the population */
  double *times;     /* ms, ascending for each source */
  uint64_t *offsets; /* size + 1, see struct hk_trains */
};

/* population NULL: the only one in the file. size 0: as large as the ids ask for. Spikes may be in any order. Times
 * that are negative or not finite and ids not below the size are HK_ERR_INPUT. */
enum hk_status hk__source_trains_read(const char *path, const char *population, uint64_t size,
                                      struct hk__source_trains *out, const struct hk_place *place,
                                      struct hk_messages *messages);
void hk__source_trains_clear(struct hk__source_trains *trains);

#endif
