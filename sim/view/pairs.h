/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Correlations of spike counts between the pairs of a sample of neurons, in one pass in order of time. */
#ifndef HK__VIEW_PAIRS_H
#define HK__VIEW_PAIRS_H

#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>

struct hk__pairs;

/* A sample of at most `sample` neurons, evenly spaced through rows 0 .. rows - 1, in bins of bin ms over a span of
 * length ms. */
enum hk_status hk__pairs_create(uint64_t rows, size_t sample, double bin, double length, struct hk__pairs **out);
void hk__pairs_destroy(struct hk__pairs *pairs);

/* after: ms since the beginning, ascending. Neurons outside of the sample are ignored. */
void hk__pairs_add(struct hk__pairs *pairs, double after, uint64_t row);

size_t hk__pairs_sampled(const struct hk__pairs *pairs); /* neurons; NULL: 0 */

/* The mean over all pairs that have a correlation, and how many those are; NAN if there are none. */
enum hk_status hk__pairs_mean(struct hk__pairs *pairs, double *mean, uint64_t *count);

#endif
