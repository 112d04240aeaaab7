/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long windows are, and the responses of neurons over windows of those lengths.
 *
 * Windows are `longest` / 2^level long, but where a switch of a current cuts one short. Long windows make many neurons
 * suspect, short ones make many sweeps; the level follows from counts of both alone, so that all runs decide alike.
 * Responses are made for each level when it is first used, and for the length of cut windows. */
#ifndef HK__LENGTHS_H
#define HK__LENGTHS_H

#include <hillock/status.h>

#include "core/built.h"
#include "core/response.h"

enum { HK__LENGTH_LEVELS = 7, HK__LENGTH_PERIOD = 16 /* windows between looks at the level, at the least */ };

/* What windows have cost since the start. */
struct hk__effort {
  uint64_t windows, events, suspects, recalled, swept;
};

struct hk__lengths {
  double longest, h; /* ms; h: of the present level */
  unsigned level;
  uint32_t *class;                   /* per kernel: kernels that one response serves are a class */
  size_t class_count, set_bytes;     /* set_bytes: of the responses of all classes */
  const struct hk__kernel **classes; /* one of each */
  struct hk__response
      *responses[HK__LENGTH_LEVELS]; /* per class, with their arrays after the last; NULL for levels not used so far */
  struct hk__response *odd;          /* the same for a cut window */
  double odd_length;                 /* what they are for; 0: nothing */
  struct hk__effort seen;            /* when the level was last looked at */
};

/* Errors: HK_ERR_MEMORY. */
enum hk_status hk__lengths_init(struct hk__lengths *lengths, const struct hk__built *built);
void hk__lengths_clear(struct hk__lengths *lengths);
uint64_t hk__lengths_bytes(const struct hk__lengths *lengths);

/* Whether it is time to look at the effort. */
static inline bool hk__lengths_due(const struct hk__lengths *lengths, uint64_t windows)
{
  return windows - lengths->seen.windows >= HK__LENGTH_PERIOD;
}

/* Looks at the effort and chooses the level. *k, the number of windows since some time, becomes what it would be if all
 * of them had had the length of the new one. Errors: HK_ERR_MEMORY. */
enum hk_status hk__lengths_weigh(struct hk__lengths *lengths, const struct hk__effort *now, uint64_t *k);

/* The present level's. */
static inline const struct hk__response *hk__lengths_responses(const struct hk__lengths *lengths)
{
  return lengths->responses[lengths->level];
}

/* The length and responses of a window from start to a switch at end. Errors: HK_ERR_MEMORY. */
enum hk_status hk__lengths_cut(struct hk__lengths *lengths, double start, double end, double *length,
                               const struct hk__response **responses);

#endif
