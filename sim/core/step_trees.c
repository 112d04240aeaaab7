/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window of a shard of trees.
 *
 * The events are grouped by neuron, not sorted. A neuron's are added up at the window's end (tree_flow.h), which also
 * gives a bound on its soma's potential inside. If that stays below the threshold, or the soma is clamped all through
 * the window, this is its new state. Otherwise, and where it is sampled between events, the neuron is led through the
 * window from the state it had: first from event to event with a bound for each interval, then, from where a bound
 * reaches the threshold, as a single cell (step_cells.c). What it comes to that way stands only if it spikes or is
 * released in the window, so that being looked at changes nothing. Neurons under sines are single cells always.
 *
 * A neuron's state stands at its cell's `since`, the end of the last window in which something happened to it or a
 * moment in it. Between windows timer[] is a time before which it needs no attention unless an event arrives: the
 * release of a clamped soma; INFINITY for a neuron that can never reach its threshold from where it is; else the next
 * window. A neuron without event or due attention is passed by. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/shard.h"

struct tree {
  struct hk__shard_state *shard;
  const struct hk__window *window;
  uint32_t neuron, from, to; /* events: order[from .. to] */
  struct hk__cell *cell;
  struct hk_tree_cell values;
  const struct hk__current *current;
  size_t states;
  bool sampled; /* in this window */
};

static bool is_clamped(const struct tree *tree)
{
  return tree->cell->release > -INFINITY;
}

static bool is_sampled(const struct tree *tree)
{
  struct hk__probe *end, *probe = hk__shard_probes(tree->shard, tree->neuron, &end);
  for (; probe < end; probe++)
    if (hk__probe_time(tree->shard, tree->window, probe) < INFINITY)
      return true;
  return false;
}

/* Of a clamped soma the bound is -INFINITY. */
static bool stays_below(const struct tree *tree, double bound)
{
  double threshold = tree->values.threshold;
  return bound == -INFINITY || bound + 1e-11 * (fabs(bound) + fabs(threshold) + 1e-3) < threshold;
}

/* Advances a cell that is free, or clamped all the time, without events. Returns a bound on its soma's potential. */
static double advance(const struct tree *tree, double time)
{
  double dt = time - tree->cell->since;
  tree->cell->since = time;
  return hk__flow_advance(tree->shard->flow, &tree->values, is_clamped(tree), tree->current->constant, dt,
                          tree->cell->x);
}

/* Puts it at the window's end, events added. Returns whether a bound says that its soma stays below the threshold on
 * the way. */
static bool superpose(const struct tree *tree)
{
  enum { AHEAD = 8 };
  const struct hk__events *events = &tree->shard->events;
  const uint32_t *order = tree->shard->order;
  const struct hk__window *window = tree->window;
  struct hk__flow *flow = tree->shard->flow;
  bool clamped = is_clamped(tree);
  double *x = tree->cell->x;
  double bound = hk__flow_advance(flow, &tree->values, clamped, tree->current->constant, window->length, x);
  tree->cell->since = window->end;
  for (uint32_t i = tree->from; i < tree->to; i++) {
    const struct hk__event *e = &events->event[order[i]];
    if (i + AHEAD < events->count)
      __builtin_prefetch(&events->event[order[i + AHEAD]]);
    bound += hk__flow_event(flow, clamped, e->port, e->weight, fmin(window->end - e->time, window->length), x);
  }
  return stays_below(tree, bound);
}

/* When a neuron at the window's end needs attention. The ceiling is looked at only where nothing arrived: others would
 * hardly sleep for long. */
static double next_attention(const struct tree *tree)
{
  if (is_clamped(tree))
    return tree->cell->release;
  if (tree->from < tree->to)
    return tree->window->end;
  double ceiling = hk__flow_ceiling(tree->shard->flow, &tree->values, tree->current->constant, tree->cell->x);
  return stays_below(tree, ceiling) ? INFINITY : tree->window->end;
}

static void settle(struct tree *tree)
{
  tree->cell->since = tree->window->end;
  tree->cell->predicted = INFINITY;
  tree->shard->timer[tree->neuron] = next_attention(tree);
}

static enum hk_status walk(struct tree *tree)
{
  struct hk__shard_state *shard = tree->shard;
  return hk__cell_walk(shard, tree->window, tree->neuron, shard->order + tree->from, shard->order + tree->to);
}

/* Exchanges the cell's state with another, and the times at which they stand. */
static void exchange(struct tree *tree, double *other, double *since)
{
  double *x = tree->cell->x, time = tree->cell->since;
  for (size_t j = 0; j < tree->states; j++) {
    double value = x[j];
    x[j] = other[j];
    other[j] = value;
  }
  tree->cell->since = *since;
  *since = time;
}

/* Takes a neuron from event to event, and to its release, as long as bounds between them say that it stays below the
 * threshold, and leaves it where they no longer do, tree->from the events that are left. */
static enum hk_status pass(struct tree *tree, double *before, bool *through)
{
  const struct hk__window *window = tree->window;
  struct hk__cell *cell = tree->cell;
  for (;;) {
    const struct hk__event *e =
        tree->from < tree->to ? &tree->shard->events.event[tree->shard->order[tree->from]] : NULL;
    double since = cell->since, next = e ? fmax(e->time, since) : window->end;
    bool frees = is_clamped(tree) && cell->release < window->end && cell->release <= next;
    next = frees ? cell->release : next;
    memcpy(before, cell->x, tree->states * sizeof *before);
    *through = stays_below(tree, advance(tree, next));
    if (!*through || tree->sampled)
      exchange(tree, before, &since);
    if (!*through)
      return HK_OK;
    if (tree->sampled) {
      enum hk_status status = hk__cell_take_samples(tree->shard, window, tree->neuron, next);
      if (status != HK_OK)
        return status;
      exchange(tree, before, &since);
    }
    if (frees) {
      hk__modes_release(cell->modes, cell->x);
      cell->release = -INFINITY;
    } else if (e) {
      hk__modes_receive(cell->modes, is_clamped(tree), e->port, e->weight, cell->x);
      tree->from++;
    } else
      return HK_OK;
  }
}

/* Leads a neuron through the window, event by event. */
static enum hk_status lead(struct tree *tree)
{
  struct hk__shard_state *shard = tree->shard;
  uint32_t from = tree->from;
  bool through;
  hk__shard_sort_group(shard, tree->from, tree->to);
  enum hk_status status = pass(tree, shard->scratch, &through);
  if (status == HK_OK && !through) {
    shard->timer[tree->neuron] = tree->cell->since;
    status = walk(tree);
  }
  tree->from = from;
  if (status == HK_OK && through)
    settle(tree);
  return status;
}

/* A neuron that does, perhaps, reach its threshold in the window or is sampled: from the state it had, which is in the
 * scratch. */
static enum hk_status look(struct tree *tree, double *after)
{
  size_t spikes = tree->shard->spikes.count;
  double since = tree->window->start;
  exchange(tree, tree->shard->scratch, &since);
  memcpy(after, tree->shard->scratch, tree->states * sizeof *after);
  enum hk_status status = lead(tree);
  if (status != HK_OK || tree->shard->spikes.count > spikes)
    return status;
  memcpy(tree->cell->x, after, tree->states * sizeof *after);
  settle(tree);
  return HK_OK;
}

static enum hk_status take_tree(struct tree *tree)
{
  struct hk__shard_state *shard = tree->shard;
  const struct hk__window *window = tree->window;
  struct hk__cell *cell = tree->cell;
  tree->sampled = shard->probe_count > 0 && is_sampled(tree);
  if (tree->from == tree->to && shard->timer[tree->neuron] >= window->end)
    return tree->sampled ? hk__cell_take_samples(shard, window, tree->neuron, window->end) : HK_OK;
  if (tree->current->sine_count > 0) {
    hk__shard_sort_group(shard, tree->from, tree->to);
    return walk(tree);
  }
  if (cell->since < window->start)
    advance(tree, window->start);
  if (is_clamped(tree) && cell->release < window->end)
    return lead(tree);
  memcpy(shard->scratch, cell->x, tree->states * sizeof *cell->x);
  if (!superpose(tree) || tree->sampled)
    return look(tree, shard->scratch + tree->states);
  settle(tree);
  return HK_OK;
}

enum hk_status hk__shard_step_trees(struct hk__shard_state *shard, const struct hk__window *window)
{
  uint32_t *first;
  enum hk_status status = hk__shard_gather(shard, window);
  if (status == HK_OK)
    status = hk__shard_group_events(shard, shard->place->count, &first);
  hk__flow_set_window(shard->flow, window->length);
  struct tree tree = {.shard = shard, .window = window, .states = hk__modes_states(shard->flow->modes)};
  for (uint32_t i = 0; i < shard->place->count && status == HK_OK; i++) {
    if (first[i] == first[i + 1] && shard->timer[i] >= window->end && shard->probe_count == 0)
      continue;
    tree.neuron = i;
    tree.from = first[i];
    tree.to = first[i + 1];
    tree.cell = &shard->cells->cell[shard->place->first + i];
    tree.current = &shard->current[i];
    tree.cell->model->tree(tree.cell->param, &tree.values);
    status = take_tree(&tree);
  }
  return status;
}

/* --- setting up --- */

enum hk_status hk__trees_init(struct hk__shard_state *shard)
{
  const struct hk__cell *cell = &shard->cells->cell[shard->place->first];
  struct hk_tree_cell first, other;
  cell->model->tree(cell->param, &first);
  for (uint32_t i = 1; i < shard->place->count; i++) {
    cell[i].model->tree(cell[i].param, &other);
    if (cell[i].modes != cell->modes || other.tau_syn_ex != first.tau_syn_ex || other.tau_syn_in != first.tau_syn_in)
      return HK_OK;
  }
  size_t states = hk__modes_states(cell->modes);
  shard->scratch = malloc(2 * states * sizeof *shard->scratch);
  shard->bytes += 2 * states * sizeof *shard->scratch;
  return shard->scratch ? hk__flow_create(cell->modes, first.tau_syn_ex, first.tau_syn_in, &shard->flow)
                        : HK_ERR_MEMORY;
}

void hk__trees_clear(struct hk__shard_state *shard)
{
  hk__flow_destroy(shard->flow);
  free(shard->scratch);
}
