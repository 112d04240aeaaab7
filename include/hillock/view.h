/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one looks at of a result: a choice of populations, neurons and time, and passes over its spikes.
 *
 * Pictures, statistics and tables all read through a view, so they select alike and repair alike. A pass takes bounded
 * memory whatever the size of the file. Repairs, each told once as a warning with its count:
 *   - spikes whose time is not a number, infinite or negative, or whose id is not below the population's size, are
 *     left out;
 *   - a population whose spikes are not in order of time is sorted where order matters, in pieces on disk where it is
 *     large;
 *   - a population whose size nothing states is taken to end at its largest id.
 * Times are in ms. */
#ifndef HILLOCK_VIEW_H
#define HILLOCK_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hk_view;

struct hk_id_range {
  uint64_t first, last; /* both included */
};

struct hk_population_size {
  const char *population;
  uint64_t size;
};

struct hk_selection {
  double from, to;                /* both included; NAN: from 0, to the end of the recording */
  const char *const *populations; /* shown in this order; count 0: all, in the file's order */
  size_t population_count;
  const struct hk_id_range *neurons; /* ids, in every population; count 0: all */
  size_t neuron_range_count;
  const struct hk_population_size *sizes; /* of populations; they go before what the file says */
  size_t size_count;
};

/* Everything. */
struct hk_selection hk_selection_all(void);

/* Opens a spikes file, or a results folder (its spikes.h5). Errors: those of hk_spike_reader_open; HK_ERR_INPUT for a
 * selection that does not fit the file. */
enum hk_status hk_view_open(const char *path, const struct hk_selection *selection, struct hk_view **out,
                            struct hk_messages *messages);

/* A view of spikes in memory, which are not copied and must outlive it. */
struct hk_spike_list {
  const char *name;
  uint64_t size; /* neurons; 0: the largest id + 1 */
  const double *times;
  const uint64_t *node_ids;
  uint64_t count;
};
enum hk_status hk_view_open_memory(const struct hk_spike_list *lists, size_t count,
                                   const struct hk_selection *selection, struct hk_view **out,
                                   struct hk_messages *messages);

void hk_view_close(struct hk_view *view); /* NULL is fine */

/* The span of time looked at; from <= to. */
double hk_view_from(const struct hk_view *view);
double hk_view_to(const struct hk_view *view);

struct hk_view_population {
  const char *name; /* "neurons" where the file names none; belongs to the view */
  uint64_t size;    /* neurons it has */
  uint64_t rows;    /* neurons selected */
  bool size_stated; /* by the file or the selection; false: it is the largest id + 1 */
  uint64_t count;   /* spikes in the file, selected or not */
};

size_t hk_view_population_count(const struct hk_view *view);
struct hk_view_population hk_view_population(const struct hk_view *view, size_t population);

/* The id of a selected neuron; row must be below rows. */
uint64_t hk_view_id(const struct hk_view *view, size_t population, uint64_t row);

/* Whether a neuron of this id is among the selected ones, be there one or not. */
bool hk_view_selects(const struct hk_view *view, uint64_t id);

/* Spikes of a population, at most some ten thousand at once. rows: 0 .. rows - 1, the selected neurons by ascending
 * id. Valid during the call. */
struct hk_view_block {
  size_t population, count;
  const double *times;
  const uint64_t *ids, *rows;
};

enum hk_view_order {
  HK_VIEW_ANY_ORDER,
  HK_VIEW_BY_TIME /* ascending, ties by id */
};

/* One pass over the selected spikes of a population. A status other than HK_OK from `each` ends the pass with it.
 * Errors: HK_ERR_IO, HK_ERR_MEMORY; HK_ERR_INPUT for a file that breaks what it says of itself. */
enum hk_status hk_view_scan(struct hk_view *view, size_t population, enum hk_view_order order,
                            enum hk_status (*each)(void *context, const struct hk_view_block *block), void *context,
                            struct hk_messages *messages);

/* A text or number of the file's /provenance; false if it has none of that name. The text must be freed with free(). */
bool hk_view_note_text(const struct hk_view *view, const char *name, char **text);
bool hk_view_note_number(const struct hk_view *view, const char *name, double *value);

#ifdef __cplusplus
}
#endif
#endif
