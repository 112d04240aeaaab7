/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network as a description: populations, projections, inputs and what to record.
 *
 * A struct hk_network holds no neuron and no synapse, only what is to be built: it is small, can be checked, counted
 * and printed before anything is built, and hk_simulation_create builds from it. Everything passed in is copied.
 * Units: ms, mV, pA, nS, pF, Hz; a weight is in the unit of the port it goes to. Populations, projections, inputs and
 * traces are known by their index, in the order in which they were added. */
#ifndef HILLOCK_NETWORK_H
#define HILLOCK_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hillock/model.h>
#include <hillock/status.h>
#include <hillock/tree.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A value, or how to draw one. Draws come from random streams keyed by the run's seed and by what the value is for,
 * so they do not depend on threads or on anything else that is drawn.
 *
 * Weights and delays that are drawn are rounded to float. Normal and uniform delays are rounded instead to multiples of
 * a power of two, never beyond their bounds, where that is at most 1/2048 of their spread: the smallest of which 65535
 * reach the upper end (mean + 8 standard deviations, or max). */
enum hk_value_kind {
  HK_VALUE_CONSTANT,   /* a */
  HK_VALUE_LIST,       /* list[0..count): one per neuron or, for the rule `pairs`, one per pair */
  HK_VALUE_UNIFORM,    /* in [a, b) */
  HK_VALUE_NORMAL,     /* mean a, standard deviation b, redrawn until inside [min, max] */
  HK_VALUE_LOGNORMAL,  /* exp of a normal variable of mean a and deviation b, times scale; inside [min, max] */
  HK_VALUE_EXPONENTIAL /* mean a; inside [min, max] */
};

struct hk_value {
  enum hk_value_kind kind;
  double a, b;
  double min, max; /* bounds of a drawn value; hk_value_constant and friends set -INFINITY, INFINITY */
  double scale;    /* lognormal only: carries the unit */
  const double *list;
  size_t count;
};

struct hk_value hk_value_constant(double a);
struct hk_value hk_value_list(const double *list, size_t count);
struct hk_value hk_value_uniform(double low, double high);
struct hk_value hk_value_normal(double mean, double sd, double min, double max);

/* The mean of what is listed or drawn; the bounds of a distribution are left out of account. */
double hk_value_mean(const struct hk_value *value);

/* A parameter or an initial state, by name. */
struct hk_setting {
  const char *name;
  struct hk_value value;
};

/* Spike times of sources: those of source i are times[offsets[i] .. offsets[i + 1]), ascending, in ms, >= 0. offsets
 * has size + 1 entries. */
struct hk_trains {
  const double *times;
  const uint64_t *offsets;
};

struct hk_population_spec {
  const char *name;  /* unique */
  const char *model; /* a name of the registry */
  uint64_t size;     /* > 0, < 2^32 */
  const struct hk_setting *params;
  size_t param_count;
  const struct hk_setting *init; /* initial states */
  size_t init_count;
  struct hk_trains trains;    /* for models of kind HK_MODEL_TRAINS */
  const struct hk_tree *tree; /* for models of kind HK_MODEL_TREE, which need one; else NULL */
  const char *record_as;      /* spikes are recorded under this population's name instead (NULL: under its own) ... */
  const uint64_t *record_ids; /* ... with these ids, one per neuron (NULL: 0, 1, 2, ...) */
};

/* Connection rules, with NEST's names and meanings. */
enum hk_rule_kind {
  HK_RULE_ONE_TO_ONE,
  HK_RULE_ALL_TO_ALL,
  HK_RULE_FIXED_INDEGREE,     /* number: sources drawn for each target */
  HK_RULE_FIXED_OUTDEGREE,    /* number: targets drawn for each source */
  HK_RULE_FIXED_TOTAL_NUMBER, /* number: pairs drawn */
  HK_RULE_PAIRWISE_BERNOULLI, /* number: probability of each pair */
  HK_RULE_PAIRS               /* given; weights and delays may be lists, one per pair */
};

struct hk_rule {
  enum hk_rule_kind kind;
  double number;
  bool allow_autapses;               /* a neuron may connect to itself; NEST's default: true */
  bool allow_multapses;              /* a pair may be connected more than once; NEST's default: true */
  const uint32_t *sources, *targets; /* HK_RULE_PAIRS */
  size_t pair_count;
};

struct hk_projection_spec {
  size_t source, target; /* indices of populations */
  struct hk_rule rule;
  struct hk_value weight; /* of the port's unit */
  struct hk_value delay;  /* ms, > 0 */
  const char *port;       /* NULL: by the sign of each weight */
};

enum hk_input_kind {
  HK_INPUT_POISSON, /* an independent Poisson train for every target neuron: rate, weight, port */
  HK_INPUT_DC,      /* amplitude */
  HK_INPUT_STEPS,   /* amplitudes[i] from times[i] on, 0 before times[0] */
  HK_INPUT_SINE,    /* offset + amplitude * sin(2 pi frequency (t - from) + phase) */
  HK_INPUT_NOISE    /* Gaussian noise, independent for every neuron: an Ornstein-Uhlenbeck process, or white noise */
};

struct hk_input_spec {
  enum hk_input_kind kind;
  size_t target;           /* index of a population */
  const uint32_t *neurons; /* which of its neurons; NULL: all */
  size_t neuron_count;
  double from, to;                   /* ms, active in [from, to); to may be INFINITY */
  struct hk_value rate;              /* Hz */
  struct hk_value weight;            /* of the port's unit */
  const char *port;                  /* NULL: by the sign of the weight */
  struct hk_value amplitude, offset; /* pA */
  double frequency;                  /* Hz */
  double phase;                      /* radians */
  const double *times;               /* ms, ascending */
  const double *amplitudes;          /* pA */
  size_t step_count;
  double tau;       /* noise: correlation time, ms; 0: values of different steps are independent */
  double mean, std; /* noise: pA */
  double dt;        /* noise: the process is sampled exactly every dt ms, > 0, and held in between */
};

/* State variables of some neurons at 0, interval, 2 interval, ... */
struct hk_trace_spec {
  const char *name; /* unique; also the name of the file */
  size_t population;
  const uint32_t *neurons;
  size_t neuron_count;
  const char *const *variables; /* names of states */
  size_t variable_count;
  double interval; /* ms, > 0 */
};

struct hk_network;

/* Error: HK_ERR_MEMORY. */
enum hk_status hk_network_create(struct hk_network **out);
void hk_network_destroy(struct hk_network *network); /* NULL is fine */

/* Each adds a copy of the spec after checking it: all or nothing. What is wrong is told in messages, each with the
 * given place (NULL: none), and is HK_ERR_INPUT. index may be NULL. */
enum hk_status hk_network_add_population(struct hk_network *network, const struct hk_population_spec *spec,
                                         size_t *index, const struct hk_place *place, struct hk_messages *messages);
enum hk_status hk_network_add_projection(struct hk_network *network, const struct hk_projection_spec *spec,
                                         size_t *index, const struct hk_place *place, struct hk_messages *messages);
enum hk_status hk_network_add_input(struct hk_network *network, const struct hk_input_spec *spec, size_t *index,
                                    const struct hk_place *place, struct hk_messages *messages);
enum hk_status hk_network_add_trace(struct hk_network *network, const struct hk_trace_spec *spec, size_t *index,
                                    const struct hk_place *place, struct hk_messages *messages);

/* Whether a population's spikes go to the recorder. Neurons are recorded by default, sources are not. */
enum hk_status hk_network_record_spikes(struct hk_network *network, size_t population, bool record);

/* What was added. The pointers in the specs belong to the network. Indices must be below the counts. */
size_t hk_network_population_count(const struct hk_network *network);
size_t hk_network_projection_count(const struct hk_network *network);
size_t hk_network_input_count(const struct hk_network *network);
size_t hk_network_trace_count(const struct hk_network *network);
const struct hk_population_spec *hk_network_population(const struct hk_network *network, size_t index);
const struct hk_projection_spec *hk_network_projection(const struct hk_network *network, size_t index);
const struct hk_input_spec *hk_network_input(const struct hk_network *network, size_t index);
const struct hk_trace_spec *hk_network_trace(const struct hk_network *network, size_t index);
bool hk_network_records_spikes(const struct hk_network *network, size_t population);

/* The model of a population: that of the registry or, for a tree, one of its own, with a state and a port for each
 * compartment. It lives as long as the network. */
const struct hk_model *hk_network_model(const struct hk_network *network, size_t population);

/* Index of the population of that name; -1 if there is none. */
ptrdiff_t hk_network_find(const struct hk_network *network, const char *name);

/* Expected number of synapses of a projection (exact but for pairwise_bernoulli). */
double hk_network_expected_synapses(const struct hk_network *network, size_t projection);

/* What building the network would give, without building it. */
struct hk_estimate {
  uint64_t neurons; /* sources included */
  double synapses;  /* expected */
  uint64_t bytes;   /* of synapses, neurons and inputs, within a few per cent */
  uint64_t shards;  /* pieces that it is cut into: no more threads than these have work */
};

struct hk_options; /* simulation.h */

/* options: as for hk_simulation_create; the grid decides how delays are stored, the shards how synapses are sorted.
 * Error: HK_ERR_MEMORY. */
enum hk_status hk_network_estimate(const struct hk_network *network, const struct hk_options *options,
                                   struct hk_estimate *out);

/* How fast the neurons of each population are likely to spike, Hz, without building anything: for linear models the
 * stationary rates of the diffusion approximation (Amit, Brunel 1997; Fourcaud, Brunel 2002), for sources what they
 * send on average over `duration` (ms), for other models `otherwise` (Hz; NAN shows which they are, but not what it
 * means for those that they send to). rates: one for each population. Good to some tens of per cent where neurons
 * receive many weak and independent events; an order of magnitude elsewhere. Error: HK_ERR_MEMORY. */
enum hk_status hk_network_expected_rates(const struct hk_network *network, double duration, double otherwise,
                                         double *rates);

#ifdef __cplusplus
}
#endif
#endif
