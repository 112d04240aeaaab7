/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A shard at work: its neurons' states, the spikes on their way to it, and one window's events.
 *
 * States stand at the start of a window between windows, less their resting values. In a window, for a shard whose
 * models superpose:
 *   1. spikes are admitted: an entry in flight for each row; a row is sorted by delay and the entry's cursor moves
 * along it, so that a window takes a slice;
 *   2. each event adds its response at the window's end, and what it can add to the membrane potential inside the
 *      window, to the accumulators of its target;
 *   3. one sweep advances all neurons and finds those whose bound reaches the threshold. They, and those whose
 *      refractory period ends in the window, are led through it event by event from the state they had (careful.c).
 * Shards of other models go cell by cell. */
#ifndef HK__SHARD_H
#define HK__SHARD_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/built.h"
#include "core/cell.h"
#include "core/currents.h"
#include "core/drive.h"
#include "core/response.h"
#include "core/sleep.h"
#include "core/team.h"
#include "core/tree_flow.h"

/* A spike of any neuron or source. */
struct hk__spike {
  double time;
  uint32_t population, neuron; /* neuron: index in the population */
};

struct hk__spikes {
  struct hk__spike *spike;
  size_t count, capacity;
};

/* What a thread needs to take a window of any shard: an accumulator for each neuron, zero between shards, and for each
 * group of neurons whether an event of this window went there. In shards that sleep, groups take accumulators as they
 * come (sleep.h). */
struct hk__workspace {
  _Alignas(HK__APART) double *sums;
  uint8_t *touched;
  const struct hk__spike *news; /* where those of its last window stood */
};

/* The window that is being worked on. */
struct hk__window {
  double start, end, length;
  const struct hk__response *responses; /* per class of kernels that one serves */
  const uint32_t *class;                /* per kernel */
  const struct hk__spike *news;         /* spikes to admit, in canonical order */
  size_t news_count;
  uint64_t *first_sample, *end_sample; /* per trace: the samples that fall in the window */
  double **rows;                       /* per trace: where they go */
};

struct hk__entry {
  double departure, next; /* next: a time before which nothing more of the row arrives */
  const struct hk__block *block;
  uint64_t begin, at, end; /* begin .. at: this window's slice; at .. end: what is still to come */
  size_t seen;             /* where the slice's targets are in the shard's `seen`, SIZE_MAX if nowhere */
};

/* Entries are looked at in chunks. */
enum { HK__CHUNK = 64 };
struct hk__chunk {
  double soonest; /* a time before which nothing of the chunk's entries arrives */
  bool sliced;    /* some of them may have a slice */
};

/* Targets of this window's events, close together for those who look for some of them; vectors may reach beyond the
 * last. */
enum { HK__SEEN_PADDING = 32 };
struct hk__seen {
  uint16_t *target;
  size_t count, capacity;
  uint32_t *hit; /* where those that are wanted stand, ascending */
  size_t hit_count;
};

/* An event of this window, kept where somebody must see it again: a row of four (lane_rows.h). */
struct hk__event {
  double time;
  double weight;
  uint32_t neuron, port; /* neuron: in the shard */
  uint64_t after;        /* walks: the next event of the same neuron */
};

struct hk__events {
  struct hk__event *event;
  size_t count, capacity;
};

/* A neuron to be looked at with care in this window. */
struct hk__suspect {
  uint32_t neuron;
  double release;          /* > -INFINITY: it is refractory until then */
  double x[HK_STATES_MAX]; /* its state at the window's start */
};

/* A trace's demand on a neuron of this shard. */
struct hk__probe {
  uint32_t neuron; /* in the shard */
  uint32_t trace, slot;
  uint64_t next; /* the sample to take next */
};

struct hk__shard_state;
typedef enum hk_status hk__shard_loop(struct hk__shard_state *shard, const struct hk__window *window,
                                      const struct hk__workspace *work);
typedef void hk__find_loop(struct hk__shard_state *shard);

struct hk__shard_state {
  _Alignas(HK__APART) const struct hk__built *built;
  const struct hk__shard *place;
  uint32_t index;
  size_t n, lanes;        /* states; doubles in an accumulator: 2 or a multiple of 4 */
  size_t stride;          /* neurons and what fills the last group */
  bool superposed, alike; /* alike: one response serves all neurons */
  bool arrow;             /* only the first state is sensed, and acted on by others than itself */
  bool dense;             /* awake, and so many events came in the last window that hardly a group went without */
  hk__shard_loop *deliver, *sweep;
  hk__find_loop *find_wanted;
  struct hk__current *current; /* of the shard's first neuron */
  bool currentless;            /* no input sends any of them a current */
  struct hk__probe *probe;     /* ascending by neuron */
  size_t probe_count;

  const struct hk__block **onto;               /* per population: its block onto this shard, or NULL */
  struct hk__entry *entry;                     /* in canonical order of the spikes */
  size_t entry_count, entry_capacity, arrived; /* arrived: entries of which nothing is left */
  struct hk__chunk *chunk;                     /* of entries */
  size_t chunk_capacity;
  struct hk__drive *drive; /* private Poisson input */
  size_t drive_count;
  struct hk__events drawn; /* of some of a drive's trains in this window */

  /* superposed */
  struct hk__sleep sleep; /* if alike */
  double *z;              /* [group][n][HK__GROUP]: states less their resting values */
  double *theta;          /* the threshold for sense . z, less a margin for rounding; INFINITY if refractory */
  uint32_t *kernel;       /* per neuron: index in built->kernels */
  bool one_kernel;        /* it is the same for all */
  uint32_t *driven;       /* neurons under sines: always suspect */
  size_t driven_count;
  uint32_t *refractory; /* neurons that are; of each: */
  double *release;      /* until when, */
  double *clamped;      /* [n]: its clamped states are what stands at their places, whatever z says of them */
  double soonest_release;
  size_t refractory_count, refractory_capacity;
  uint32_t *released; /* their indices in those lists: this window's, ascending */
  size_t released_count;
  struct hk__suspect *suspect;
  size_t suspect_count, suspect_capacity;
  uint32_t *mark;  /* per neuron: 1 + its place among the suspects or walks, or 0 */
  uint8_t *wanted; /* per neuron: whether it has a mark */
  struct hk__seen seen;
  struct hk__events events, grouped; /* of suspects; scratch for grouping them */
  uint32_t *order, *first;           /* scratch for sorting events */
  size_t order_capacity, first_capacity;

  /* cell by cell */
  struct hk__cells *cells;
  double *timer;           /* when each cell needs attention */
  struct hk__walks *walks; /* nonlinear models */

  /* trees */
  struct hk__flow *flow; /* NULL for other models, and where cells of a tree differ in time constants */
  double *scratch;       /* two states */

  uint64_t arrivals; /* events of this window but for rain */
  uint64_t bytes;

  uint64_t event_count, suspect_total, recalled_total, swept_total; /* since the start */

  _Alignas(HK__APART) atomic_uint_least64_t claimed; /* the last window that a thread took the shard for */
  _Alignas(HK__APART) atomic_uint_least64_t done;    /* that it is through with: written last */
  _Alignas(HK__APART / 2) enum hk_status status;     /* with the spikes: what the leader reads then */
  struct hk__spikes spikes;                          /* emitted in this window */
};

/* cells: NULL if all models of the network superpose in windows of length h. Errors: HK_ERR_MEMORY. */
enum hk_status hk__shard_init(struct hk__shard_state *shard, const struct hk__built *built, uint32_t index,
                              struct hk__currents *currents, struct hk__cells *cells, double h);
void hk__shard_clear(struct hk__shard_state *shard);

/* Sets the time at which a cell needs attention if nothing arrives. */
void hk__shard_wake(struct hk__shard_state *shard, uint32_t neuron, double time);

/* Whether the models of a shard superpose in windows of length h. */
bool hk__shard_superposes(const struct hk__built *built, uint32_t index, double h);

/* Takes one window. Any thread may call it, one at a time for a shard. Errors: HK_ERR_MEMORY, HK_ERR_NUMERIC. */
enum hk_status hk__shard_step(struct hk__shard_state *shard, const struct hk__window *window,
                              const struct hk__workspace *work);

/* A neuron's constant current changes at the start of the next window. */
void hk__shard_current_changes(struct hk__shard_state *shard, uint32_t neuron, double before, double now);

/* --- between the files of the room --- */

enum hk_status hk__events_grow(struct hk__events *events, size_t more);
enum hk_status hk__seen_grow(struct hk__seen *seen, size_t more);

/* Makes room for more events. Error: HK_ERR_MEMORY. */
static inline enum hk_status hk__events_reserve(struct hk__events *events, size_t more)
{
  return events->capacity - events->count >= more ? HK_OK : hk__events_grow(events, more);
}

static inline enum hk_status hk__events_add(struct hk__events *events, struct hk__event event)
{
  enum hk_status status = hk__events_reserve(events, 1);
  if (status == HK_OK)
    events->event[events->count++] = event;
  return status;
}

/* Makes room for more spikes; adds one. Error: HK_ERR_MEMORY. */
enum hk_status hk__spikes_reserve(struct hk__spikes *spikes, size_t more);
enum hk_status hk__spikes_add(struct hk__spikes *spikes, double time, uint32_t population, uint32_t neuron);

/* Takes the window's new spikes. */
enum hk_status hk__shard_admit(struct hk__shard_state *shard, const struct hk__window *window);

/* Fetches what an entry's next slice will be: it is about as long as the one before. Inline, as compilers drop calls
 * that do nothing but prefetch. */
static inline __attribute__((always_inline)) void hk__entry_prefetch(const struct hk__entry *entry)
{
  enum { LINE = 64, LINES_MOST = 16 };
  static const size_t sizes[] = {[HK__INDEXED] = sizeof(struct hk__indexed),
                                 [HK__TIGHT] = sizeof(struct hk__tight),
                                 [HK__COMPACT] = sizeof(struct hk__compact),
                                 [HK__WIDE] = sizeof(struct hk__wide)};
  size_t size = sizes[entry->block->format], lines = (entry->at - entry->begin) * size / LINE + 2;
  const char *p = (const char *)entry->block->synapses + entry->at * size;
  for (size_t line = 0; line < lines && line < LINES_MOST; line++)
    __builtin_prefetch(p + LINE * line);
}

/* The chunk of entries that begins at `from`, where something arrives before `end`; else NULL, and none of them has a
 * slice. */
static inline struct hk__chunk *hk__shard_due_chunk(struct hk__shard_state *shard, size_t from, double end)
{
  struct hk__chunk *chunk = &shard->chunk[from / HK__CHUNK];
  if (chunk->soonest < end) {
    chunk->sliced = true;
    return chunk;
  }
  if (chunk->sliced)
    for (size_t i = from; i < from + HK__CHUNK && i < shard->entry_count; i++)
      shard->entry[i].begin = shard->entry[i].at;
  chunk->sliced = false;
  return NULL;
}

/* Superposes all events of the window (deliver.c), drawing the private ones. */
hk__shard_loop hk__shard_deliver, hk__shard_deliver_widest;

/* Advances all neurons to the window's end and lists those that may reach their threshold in it (sweep.c). */
hk__shard_loop hk__shard_sweep, hk__shard_sweep_widest;

/* Finds the targets seen that are wanted (wanted.c). */
hk__find_loop hk__shard_find_wanted, hk__shard_find_wanted_widest;

/* Chooses among them what suits the processor. */
void hk__shard_choose_loops(struct hk__shard_state *shard);

/* Puts all events of the window into shard->events: those of entries in their order, then the private ones. */
enum hk_status hk__shard_gather(struct hk__shard_state *shard, const struct hk__window *window);

/* Copies the events of marked neurons to shard->events. */
enum hk_status hk__shard_recall(struct hk__shard_state *shard, const struct hk__window *window);

/* Groups shard->events by mark: those of mark m are order[*first[m - 1] .. first[m]] (first: marks + 1), in the order
 * in which they were added. */
enum hk_status hk__shard_group_events(struct hk__shard_state *shard, size_t marks, uint32_t **first);

/* Sorts order[from .. to] by time. */
void hk__shard_sort_group(struct hk__shard_state *shard, uint32_t from, uint32_t to);

/* Groups all of them and sorts each group. */
enum hk_status hk__shard_sort_events(struct hk__shard_state *shard, size_t marks, uint32_t **first);

enum hk_status hk__suspect_add(struct hk__shard_state *shard, uint32_t neuron);
void hk__shard_set_theta(struct hk__shard_state *shard, uint32_t neuron);

/* A neuron's probes. */
struct hk__probe *hk__shard_probes(struct hk__shard_state *shard, uint32_t neuron, struct hk__probe **end);

/* The time of a probe's next sample, INFINITY if it lies beyond the window. */
double hk__probe_time(const struct hk__shard_state *shard, const struct hk__window *window,
                      const struct hk__probe *probe);

/* Where a probe's next sample goes: a value for each of the trace's variables. */
double *hk__probe_take(const struct hk__shard_state *shard, const struct hk__window *window, struct hk__probe *probe);

/* Leads the suspects through the window (careful.c). */
enum hk_status hk__shard_resolve(struct hk__shard_state *shard, const struct hk__window *window);

/* Takes the samples of a cell before `time`. */
enum hk_status hk__cell_take_samples(struct hk__shard_state *shard, const struct hk__window *window, uint32_t neuron,
                                     double time);

/* Leads a cell through the window and its events, order[from .. to], which are sorted. */
enum hk_status hk__cell_walk(struct hk__shard_state *shard, const struct hk__window *window, uint32_t neuron,
                             const uint32_t *from, const uint32_t *to);

enum hk_status hk__shard_step_cells(struct hk__shard_state *shard, const struct hk__window *window);
enum hk_status hk__shard_step_walks(struct hk__shard_state *shard, const struct hk__window *window);
enum hk_status hk__shard_step_trees(struct hk__shard_state *shard, const struct hk__window *window);

/* Whether the cells of a shard superpose on the tree they share (step_trees.c); then it makes what that takes. Error:
 * HK_ERR_MEMORY. */
enum hk_status hk__trees_init(struct hk__shard_state *shard);
void hk__trees_clear(struct hk__shard_state *shard);
enum hk_status hk__shard_emit(struct hk__shard_state *shard, uint32_t neuron, double time);

/* State j of a neuron, less its resting value. */
static inline double *hk__shard_state(const struct hk__shard_state *shard, uint32_t neuron, size_t j)
{
  return &shard->z[(neuron / HK__GROUP * shard->n + j) * HK__GROUP + neuron % HK__GROUP];
}

/* What is the same for all neurons is looked up at the first, which the cache holds. */
static inline const struct hk__kernel *hk__shard_kernel(const struct hk__shard_state *shard, uint32_t neuron)
{
  return shard->built->kernels[shard->kernel[shard->one_kernel ? 0 : neuron]];
}

static inline const struct hk__current *hk__shard_current(const struct hk__shard_state *shard, uint32_t neuron)
{
  return &shard->current[shard->currentless ? 0 : neuron];
}

static inline const struct hk__response *hk__shard_response(const struct hk__shard_state *shard,
                                                            const struct hk__window *window, uint32_t neuron)
{
  return &window->responses[window->class[shard->kernel[shard->alike ? 0 : neuron]]];
}

/* The resting value of state j of a neuron under its present constant current. */
static inline double hk__shard_rest(const struct hk__shard_state *shard, uint32_t neuron, size_t j)
{
  const struct hk__kernel *kernel = hk__shard_kernel(shard, neuron);
  return fma(kernel->rest_per_current[j], hk__shard_current(shard, neuron)->constant, kernel->rest[j]);
}

#endif
