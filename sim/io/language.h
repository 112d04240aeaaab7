/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The config language: one struct for each mapping of a config, filled and written by the tables of language.c. */
#ifndef HK__LANGUAGE_H
#define HK__LANGUAGE_H

#include <hillock/network.h>
#include <hillock/simulation.h>

#include "io/morphology.h"
#include "io/schema.h"
#include "io/values.h"

struct hk__simulation_section {
  struct hk__section section;
  double duration; /* ms */
  uint64_t seed;
  double time; /* the grid in ms; 0: exact */
  int scheduler;
  uint64_t threads;
  double tolerance;
  uint64_t shards;
};

/* `params` of a population: those of its model or, for a source of given times, the times. */
struct hk__population_params {
  struct hk__settings settings;
  struct hk__source_params {
    struct hk__section section;
    struct hk__times times;
  } source;
  bool is_source;
};

struct hk__population_section {
  struct hk__section section;
  const char *model, *file, *population;
  uint64_t size;
  struct hk__population_params params;
  struct hk__settings init;
  struct hk__morphology_section morphology;
};

struct hk__rule_section {
  struct hk__section section;
  bool one_to_one, all_to_all, allow_autapses, allow_multapses;
  uint64_t fixed_indegree, fixed_outdegree, fixed_total_number;
  double pairwise_bernoulli;
  struct hk__pairs pairs;
  const char *file, *population;
};

struct hk__projection_section {
  struct hk__section section;
  struct hk__names source, target;
  struct hk__rule_section rule;
  struct hk__late_value weight;
  struct hk_value delay;
  const char *port;
};

struct hk__poisson_section {
  struct hk__section section;
  struct hk_value rate;
};

struct hk__sine_section {
  struct hk__section section;
  struct hk_value amplitude, offset;
  double frequency, phase;
};

struct hk__noise_section {
  struct hk__section section;
  double mean, std, tau, dt;
};

struct hk__current_section {
  struct hk__section section;
  struct hk_value dc;
  struct hk__steps steps;
  struct hk__sine_section sine;
  struct hk__noise_section noise;
};

struct hk__input_section {
  struct hk__section section;
  struct hk__names target;
  struct hk__selection neurons;
  double from, to;
  struct hk__poisson_section poisson;
  struct hk__current_section current;
  struct hk__late_value weight;
  const char *port;
};

struct hk__trace_section {
  struct hk__section section;
  const char *name, *population;
  struct hk__selection neurons;
  struct hk__names variables;
  double interval;
};

struct hk__record_section {
  struct hk__section section;
  struct hk__names spikes;
  struct hk__sections traces; /* of struct hk__trace_section */
};

struct hk__language {
  struct hk__section section;
  struct hk__simulation_section simulation;
  struct hk__sections populations; /* of struct hk__population_section */
  struct hk__sections projections; /* of struct hk__projection_section */
  struct hk__sections inputs;      /* of struct hk__input_section */
  struct hk__record_section record;
  const char *circuit; /* a path, or a JSON text that begins with `{` */
  const struct hk__node *templates;
};

extern const struct hk__schema hk__language_schema, hk__population_schema, hk__projection_schema, hk__input_schema,
    hk__current_schema, hk__trace_schema, hk__rule_schema, hk__simulation_schema, hk__record_schema,
    hk__source_params_schema;

/* Adds what a config describes to an empty network, and writes what follows from it (sizes, units, recorded
 * populations) back into the sections. What is wrong is counted in the reader. */
void hk__config_assemble(struct hk__reader *reader, struct hk__language *language, struct hk_network *network);

#endif
