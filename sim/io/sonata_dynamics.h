/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON files of dynamics_params of point neurons: numbers by the names of a model's parameters and states. Where
 * the model has numbered ones (tau_syn_1, tau_syn_2, ...), as a list under the common name (tau_syn); what a list is
 * too short for is 0 where it may be and else the preset. true and false are 1 and 0. */
#ifndef HK__SONATA_DYNAMICS_H
#define HK__SONATA_DYNAMICS_H

#include <jansson.h>

#include <hillock/model.h>
#include <hillock/status.h>

/* Refuses, in messages at the place where the file is asked for, what would be left out and change the model. */
enum hk_status hk__dynamics_check(const json_t *dynamics, const struct hk_model *model, const char *file,
                                  const struct hk_place *place, struct hk_messages *messages);

/* The value of a parameter or state of the model; left alone where the file has none. */
void hk__dynamics_value(const json_t *dynamics, const struct hk_model *model, const char *name, double *value);

/* How many receptors the neuron has that `receptor_type` of an edge may name: the length of the list tau_syn where
 * there is one, else as many as the model has; 0 for models that have none of that kind. dynamics: NULL where there is
 * no file. */
size_t hk__dynamics_receptors(const json_t *dynamics, const struct hk_model *model);

#endif
