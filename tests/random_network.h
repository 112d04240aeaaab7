/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small random networks of mixed models, and what they do, for tests that compare. */
#ifndef RANDOM_NETWORK_H
#define RANDOM_NETWORK_H

#include <hillock/simulation.h>
#include <pthread.h>
#include <stdint.h>

struct recording {
  pthread_t caller; /* who must call the sink */
  struct hk_spike *spikes;
  size_t count, capacity;
  double *rows;
  size_t value_count, value_capacity, rows_seen;
};

/* A network drawn from a number: populations of linear models with varied parameters, projections of several rules with
 * delays from a tenth of a millisecond up, Poisson and played-back sources, currents, a trace. */
struct hk_network *random_network(uint64_t number);

/* Runs it to `duration` in `pieces` pieces; the spikes of all populations. */
struct recording run_network(const struct hk_network *network, const struct hk_options *options, double duration,
                             int pieces);

/* Runs it and interrupts it at the first opportunity, so many times at most; *reached: until when it ran. */
struct recording interrupt_network(const struct hk_network *network, const struct hk_options *options, double duration,
                                   size_t times, double *reached);
void recording_free(struct recording *recording);

/* The time up to which two spike trains agree, spike for spike, to the tolerance; INFINITY if they do to the end. */
double agree_until(const struct recording *a, const struct recording *b, double tolerance);

/* Fails unless the second has the spikes of the first up to the tolerance (ms), and its samples to within row_tolerance
 * of their unit. */
void assert_agree(const struct recording *queue, const struct recording *windows, const char *what, double tolerance,
                  double row_tolerance);

/* Runs the network by both schedulers, on one thread and in one piece; fails unless windows give what the queue gives:
 * spikes up to 1e-9 ms, samples as above. The number of spikes. */
size_t schedulers_agree(const struct hk_network *network, uint64_t seed, double duration, double row_tolerance);

/* Fails unless both are the same to the bit. */
void assert_same_spikes(const struct recording *a, const struct recording *b);
void assert_same(const struct recording *a, const struct recording *b); /* samples as well */

#endif
