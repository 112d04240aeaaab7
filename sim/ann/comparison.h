/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A comparison while it lives: what its config says, the network, and what came of each run. */
#ifndef HK__COMPARISON_H
#define HK__COMPARISON_H

#include <hillock/compare.h>

#include "ann/plan.h"

/* The response of copies of one neuron to a summed input: probability of being on, and mean number of spikes. */
struct hk__response {
  size_t count;
  double *sum, *probability, *spikes;
  size_t *trials;
  double midpoint, steepness, midpoint_error, steepness_error; /* NAN: no microscope, or no such curve */
};

/* The picture shows one of the first samples. */
enum { HK__PICTURED_FROM = 16 };

/* Of one run. The big arrays of its result are gone once they are written; of the first samples' they are kept. */
struct hk__outcome {
  const struct hk__plan_run *run;
  bool done;
  struct hk__result result;
  struct hk__response response;
  uint8_t *first_steps; /* [first_samples][units]: the step network's answers to the first samples */
  size_t first_samples;
};

struct hk_comparison {
  struct hk__arena arena;
  char *name, *folder, *text;
  struct hk__plan plan;
  struct hk__dataset data;
  struct hk__encoder encoder;
  struct hk__stepnet net;
  bool trained;
  int threads;
  struct hk__plan_run *runs;
  size_t run_count;
  struct hk_tree *trees;        /* one for each regime, in the arena */
  struct hk__outcome *outcomes; /* run_count */
};

/* --- microscope.c --- */

/* Completes the run's regime for one unit and shows it sums from 0 to twice its threshold. */
enum hk_status hk__microscope_look(const struct hk_comparison *comparison, const struct hk__plan_run *run,
                                   struct hk__response *out, struct hk_messages *messages);
void hk__response_clear(struct hk__response *response);

/* Fits 1 / (1 + exp(-steepness (sum - midpoint))) to the response. A response that only knows 0 and 1 has the steepness
 * INFINITY. */
void hk__response_fit(struct hk__response *response);

/* --- archive.c --- */

struct hk__archive;

/* comparison.h5 in the folder. */
enum hk_status hk__archive_create(const struct hk_comparison *comparison, const char *folder, struct hk__archive **out,
                                  struct hk_messages *messages);
enum hk_status hk__archive_add(struct hk__archive *archive, size_t index, const struct hk__outcome *outcome);
enum hk_status hk__archive_close(struct hk__archive *archive, struct hk_messages *messages); /* NULL is fine */

/* comparison.csv and response.csv. */
enum hk_status hk__tables_write(const struct hk_comparison *comparison, const char *folder,
                                struct hk_messages *messages);

/* The spikes that a run kept, as a SONATA file. */
enum hk_status hk__spikes_write(const struct hk_comparison *comparison, size_t index, const char *folder,
                                struct hk_messages *messages);

#endif
