/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of a network's description share. */
#ifndef HK__NETWORK_H
#define HK__NETWORK_H

#include <hillock/network.h>
#include <hillock/simulation.h>

static inline bool hk__model_is_source(const struct hk_model *model)
{
  return model->kind == HK_MODEL_POISSON || model->kind == HK_MODEL_TRAINS;
}

/* The port a weight goes to where none is named; -1 if the model has none for its sign. */
int hk__model_port_for(const struct hk_model *model, double weight);

/* Whether a projection connects a population with itself and must leave out the pairs (i, i). */
static inline bool hk__skips_autapses(const struct hk_projection_spec *spec)
{
  return spec->source == spec->target && !spec->rule.allow_autapses;
}

/* Where a spec was found, for faults that show later. */
const struct hk_place *hk__network_population_place(const struct hk_network *network, size_t index);
const struct hk_place *hk__network_projection_place(const struct hk_network *network, size_t index);
const struct hk_place *hk__network_trace_place(const struct hk_network *network, size_t index);

/* Where the faults of one spec go. */
struct hk__faults {
  const struct hk_place *place;
  struct hk_messages *messages;
  bool any;
  bool no_memory; /* for the check itself */
};

static inline enum hk_status hk__faults_status(const struct hk__faults *faults)
{
  return faults->no_memory ? HK_ERR_MEMORY : faults->any ? HK_ERR_INPUT : HK_OK;
}

#define HK__FAULT(faults, ...) \
  ((faults)->any = true, hk_messages_add((faults)->messages, HK_SEVERITY_ERROR, (faults)->place, __VA_ARGS__))

/* Indices of neurons: each below size, none twice. `what` leads the message. */
void hk__check_neurons(const uint32_t *neurons, size_t count, uint64_t size, const char *what,
                       struct hk__faults *faults);

/* Whether a current can act on a neuron of the model at all. */
bool hk__model_takes_current(const struct hk_model *model);

/* A weight, the port it goes to (NULL: by sign), and the model it goes to. */
struct hk__weight_check {
  const struct hk_value *weight;
  const char *port;
  const struct hk_model *model;
  const char *where; /* leads the messages */
  const char *per;   /* what a list has one value for */
  size_t count;      /* length of a list */
  bool no_list;      /* a list cannot be used */
};
void hk__check_weight(const struct hk__weight_check *check, struct hk__faults *faults);

/* The checks of network.h: every fault is told. Errors: HK_ERR_INPUT, HK_ERR_MEMORY. */
enum hk_status hk__check_population(const struct hk_network *network, const struct hk_population_spec *spec,
                                    const struct hk_place *place, struct hk_messages *messages);
enum hk_status hk__check_projection(const struct hk_network *network, const struct hk_projection_spec *spec,
                                    const struct hk_place *place, struct hk_messages *messages);
enum hk_status hk__check_input(const struct hk_network *network, const struct hk_input_spec *spec,
                               const struct hk_place *place, struct hk_messages *messages);
enum hk_status hk__check_trace(const struct hk_network *network, const struct hk_trace_spec *spec,
                               const struct hk_place *place, struct hk_messages *messages);

#endif
