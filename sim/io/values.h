/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of a config that are more than one scalar: values that vary (lists, distributions), settings of a model's
 * parameters or states, selections of neurons, spike times, pairs, steps. All read from nodes and written to them. */
#ifndef HK__VALUES_H
#define HK__VALUES_H

#include <hillock/network.h>

#include "io/schema.h"

/* A value that varies, in field->unit, its constants and bounds within the field's range. A list must have list_length
 * entries, any number if that is 0. */
bool hk__read_value(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                    size_t list_length, struct hk_value *value);
struct hk__node *hk__write_value(struct hk__arena *arena, const char *unit, const struct hk_value *value);

extern const struct hk__type hk__value_type; /* struct hk_value; the field's unit; lists of any length */

/* A value whose unit is known only when something else is: a weight, by the port it goes to. Reading the field stores
 * the node; hk__finish_value reads it. */
struct hk__late_value {
  const struct hk__node *node;
  const char *unit; /* NULL until finished */
  struct hk_value value;
};
extern const struct hk__type hk__late_value_type;
bool hk__finish_value(struct hk__reader *reader, const struct hk__field *field, struct hk__late_value *late);

/* Parameters or states of a model: reading the field stores the node; hk__finish_settings reads it by the model's
 * table. `fields` has one entry per row of the table, `given` says which of them the config set; all are written. */
struct hk__settings {
  const struct hk__node *node;
  const struct hk__field *fields;
  struct hk_setting *all;    /* all rows; those not given with their preset */
  struct hk_setting *chosen; /* those given, chosen_count of them */
  size_t count, chosen_count;
};
extern const struct hk__type hk__settings_type;
bool hk__finish_params(struct hk__reader *reader, const struct hk_model *model, uint64_t size,
                       struct hk__settings *settings);
bool hk__finish_init(struct hk__reader *reader, const struct hk_model *model, uint64_t size,
                     struct hk__settings *settings);

/* Neurons of a population: `all`, an index, a range `0..9` (both ends belong to it), or a list of these. */
struct hk__selection {
  const struct hk__node *node; /* NULL: all */
  const uint32_t *neurons;     /* NULL: all */
  size_t count;
};
extern const struct hk__type hk__selection_type;
bool hk__finish_selection(struct hk__reader *reader, const char *key, uint64_t size, struct hk__selection *selection);

/* Spike times: a list for one source, a list of lists for several. */
struct hk__times {
  struct hk_trains trains;
  uint64_t size; /* of sources */
  const struct hk__node *node;
};
extern const struct hk__type hk__times_type;

/* Pairs [source, target] of a rule. */
struct hk__pairs {
  const struct hk__node *node;
  const uint32_t *sources, *targets;
  size_t count;
};
extern const struct hk__type hk__pairs_type;

/* Steps [time, amplitude] of a current, times ascending. */
struct hk__steps {
  const double *times, *amplitudes;
  size_t count;
};
extern const struct hk__type hk__steps_type;

#endif
