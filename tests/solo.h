/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One neuron with inputs, run through the public interface: what the tests of models share. */
#ifndef SOLO_H
#define SOLO_H

#include <hillock/simulation.h>

enum { SOLO_TRAINS_MAX = 8, SOLO_INPUTS_MAX = 4 };

struct solo_train {
  double *times; /* ms, ascending */
  size_t count;
  double weight, delay;
  const char *port; /* NULL: by the weight's sign */
};

struct solo {
  const char *model;
  const struct hk_setting *params;
  size_t param_count;
  const struct hk_setting *init;
  size_t init_count;
  const struct hk_tree *tree;
  struct solo_train trains[SOLO_TRAINS_MAX];
  size_t train_count;
  struct hk_input_spec inputs[SOLO_INPUTS_MAX]; /* currents; the target is set by solo_run */
  size_t input_count;
  double duration, tolerance;
  enum hk_scheduler scheduler;
  uint64_t seed;
  double trace_interval; /* 0: no trace */
};

/* Spike times and, if a trace was asked for, the states at 0, interval, ...: rows of state_count values. */
struct spike_list {
  double *times; /* to be freed */
  size_t count;
  double *rows; /* to be freed */
  size_t row_count;
};

/* Fails the running test with the messages told if the run fails. */
struct spike_list solo_run(const struct solo *solo);

#endif
