/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Within a run: what one piece of the samples gathers and how it is judged. */
#ifndef HK__OUTCOME_H
#define HK__OUTCOME_H

#include "ann/regime.h"

/* Shared by all pieces. Rows of the result's arrays are written by the piece that owns the samples; sums are added
 * inside a critical section. */
struct hk__job {
  const struct hk__regime *regime;
  const struct hk__stepnet *net;
  const struct hk__encoder *encoder;
  const struct hk__samples *samples;
  struct hk__result *result;
  size_t piece_size, keep;
};

/* Samples first .. first + count. Arrays are by sample, then by input or output unit. */
struct hk__piece {
  size_t first, count;
  float *rows, *intensity;
  double *first_output; /* time of each output unit's first spike after the sample's start; INFINITY: none */
  double *last_change;  /* when the leading class last changed; NAN: no output spike */
  uint32_t *votes;      /* spikes of each output unit */
  uint64_t events, input_spikes;
  struct hk_spike *kept;
  size_t kept_count, kept_room;
};

struct hk__collector {
  struct hk__job *job;
  struct hk__piece *piece;
};

/* The sink of a piece's simulation; context is a struct hk__collector. */
enum hk_status hk__collect_spikes(void *context, const struct hk_spike *spikes, size_t count);

/* The step network's side of a piece. */
enum hk_status hk__step_piece(struct hk__job *job, struct hk__piece *piece);

/* Compares the two sides and adds to the result. */
enum hk_status hk__judge_piece(struct hk__job *job, struct hk__piece *piece);

void hk__sort_kept(struct hk__result *result);

#endif
