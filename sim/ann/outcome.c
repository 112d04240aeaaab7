/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ann/outcome.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ann/mapping.h"

/* Where a layer's units begin among all units. */
static size_t first_unit(const struct hk__stepnet *net, size_t layer)
{
  size_t first = 0;
  for (size_t l = 0; l < layer; l++)
    first += net->layers[l].out;
  return first;
}

/* --- the engine's side --- */

/* The class that leads, counting spikes; the first of several. */
static size_t leader(const struct hk__stepnet *net, const uint32_t *votes)
{
  size_t best = 0;
  uint64_t most = 0;
  for (size_t c = 0; c < net->classes; c++) {
    uint64_t sum = 0;
    for (size_t k = 0; k < net->per_class; k++)
      sum += votes[c * net->per_class + k];
    if (sum > most) {
      most = sum;
      best = c;
    }
  }
  return best;
}

static void output_spike(const struct hk__job *job, struct hk__piece *p, size_t sample, size_t unit, double time)
{
  const struct hk__stepnet *net = job->net;
  size_t outputs = hk__stepnet_outputs(net);
  uint32_t *votes = p->votes + sample * outputs;
  double *first = p->first_output + sample * outputs;
  bool by_class = !net->bits;
  size_t before = by_class ? leader(net, votes) : 0;
  votes[unit]++;
  if (time < first[unit])
    first[unit] = time;
  if (isnan(p->last_change[sample]) || !by_class || leader(net, votes) != before)
    p->last_change[sample] = time;
}

static enum hk_status keep_spike(const struct hk__job *job, struct hk__piece *p, const struct hk_spike *spike)
{
  if (p->kept_count == p->kept_room) {
    size_t room = p->kept_room ? 2 * p->kept_room : 1024;
    struct hk_spike *grown = realloc(p->kept, room * sizeof *grown);
    if (!grown)
      return HK_ERR_MEMORY;
    p->kept = grown;
    p->kept_room = room;
  }
  struct hk_spike kept = *spike;
  kept.time += (double)p->first * job->regime->period;
  kept.population -= HK__FIRST_LAYER;
  p->kept[p->kept_count++] = kept;
  return HK_OK;
}

enum hk_status hk__collect_spikes(void *context, const struct hk_spike *spikes, size_t count)
{
  struct hk__collector *c = context;
  const struct hk__stepnet *net = c->job->net;
  struct hk__result *r = c->job->result;
  double period = c->job->regime->period;
  for (size_t i = 0; i < count; i++) {
    size_t sample = (size_t)(spikes[i].time / period), layer = spikes[i].population - HK__FIRST_LAYER;
    if (sample >= c->piece->count || spikes[i].time - (double)sample * period > c->job->regime->listen)
      continue;
    uint8_t *seen = &r->spike_count[(c->piece->first + sample) * r->units + first_unit(net, layer) + spikes[i].neuron];
    *seen = *seen < UINT8_MAX ? *seen + 1 : UINT8_MAX;
    r->sample_spikes[c->piece->first + sample]++;
    if (layer + 1 == net->layer_count)
      output_spike(c->job, c->piece, sample, spikes[i].neuron, spikes[i].time - (double)sample * period);
    if (c->piece->first + sample < c->job->keep) {
      enum hk_status status = keep_spike(c->job, c->piece, &spikes[i]);
      if (status != HK_OK)
        return status;
    }
  }
  return HK_OK;
}

/* --- the step network's side --- */

enum hk_status hk__step_piece(struct hk__job *job, struct hk__piece *p)
{
  const struct hk__stepnet *net = job->net;
  struct hk__result *r = job->result;
  const float *x = p->rows;
  float *held = NULL;
  enum hk_status status = HK_OK;
  for (size_t l = 0, at = 0; status == HK_OK && l < net->layer_count; at += net->layers[l++].out) {
    size_t out = net->layers[l].out;
    float *on = malloc(p->count * out * sizeof *on);
    status = on ? hk__step_layer_run(&net->layers[l], x, p->count, on, NULL) : HK_ERR_MEMORY;
    for (size_t s = 0; status == HK_OK && s < p->count; s++)
      for (size_t j = 0; j < out; j++)
        r->step_on[(p->first + s) * r->units + at + j] = on[s * out + j] != 0.0F;
    free(held);
    x = held = on;
  }
  for (size_t s = 0; status == HK_OK && s < p->count; s++)
    r->step_decision[p->first + s] = hk__stepnet_decide(net, x + s * hk__stepnet_outputs(net));
  free(held);
  return status;
}

/* --- both --- */

static int32_t first_class(const struct hk__stepnet *net, const double *first)
{
  double soonest = INFINITY;
  int32_t decision = 0;
  for (size_t j = 0; j < hk__stepnet_outputs(net); j++)
    if (first[j] < soonest) {
      soonest = first[j];
      decision = (int32_t)(j / net->per_class);
    }
  return decision;
}

static int32_t bit_pattern(const struct hk__stepnet *net, const uint32_t *votes, size_t on)
{
  int32_t number = 0;
  for (size_t j = 0; j < hk__stepnet_outputs(net); j++)
    number = number * 2 + (votes[j] >= on);
  return number;
}

static void decide(struct hk__job *job, struct hk__piece *p, size_t s)
{
  const struct hk__stepnet *net = job->net;
  struct hk__result *r = job->result;
  size_t outputs = hk__stepnet_outputs(net), at = p->first + s;
  const uint32_t *votes = p->votes + s * outputs;
  const double *first = p->first_output + s * outputs;
  r->label[at] = job->samples->label[at];
  r->decision_time[at] = (float)p->last_change[s];
  if (net->bits) {
    r->spike_decision[at] = bit_pattern(net, votes, job->regime->on);
  } else if (job->regime->decision == HK__DECIDE_COUNT) {
    r->spike_decision[at] = (int32_t)leader(net, votes);
  } else {
    r->spike_decision[at] = first_class(net, first);
    double soonest = INFINITY;
    for (size_t j = 0; j < outputs; j++)
      soonest = fmin(soonest, first[j]);
    r->decision_time[at] = isinf(soonest) ? NAN : (float)soonest;
  }
}

/* What layer l's neurons were told by the layer before: as a step layer would take it. */
static void arrived(const struct hk__job *job, const struct hk__piece *p, size_t l, float *x)
{
  const struct hk__result *r = job->result;
  size_t in = job->net->layers[l].in, at = l > 0 ? first_unit(job->net, l - 1) : 0;
  if (l == 0) {
    memcpy(x, p->rows, p->count * in * sizeof *x);
    return;
  }
  for (size_t s = 0; s < p->count; s++)
    for (size_t i = 0; i < in; i++)
      x[s * in + i] = r->spike_count[(p->first + s) * r->units + at + i] >= job->regime->on ? 1.0F : 0.0F;
}

static struct hk__layer_result judge_layer(const struct hk__job *job, const struct hk__piece *p, size_t l,
                                           const float *due)
{
  const struct hk__result *r = job->result;
  size_t out = job->net->layers[l].out, at = first_unit(job->net, l);
  struct hk__layer_result sum = {0};
  for (size_t s = 0; s < p->count; s++)
    for (size_t j = 0; j < out; j++) {
      size_t unit = (p->first + s) * r->units + at + j;
      bool fired = r->spike_count[unit] >= job->regime->on, step = r->step_on[unit], whole = due[s * out + j] != 0.0F;
      sum.spikes += r->spike_count[unit];
      sum.step_on += step;
      sum.different += fired != step;
      sum.prefix += fired && !whole;
      sum.leaked += !fired && whole;
    }
  return sum;
}

static void add_layer(struct hk__layer_result *to, const struct hk__layer_result *sum)
{
  to->spikes += sum->spikes;
  to->step_on += sum->step_on;
  to->different += sum->different;
  to->prefix += sum->prefix;
  to->leaked += sum->leaked;
}

static enum hk_status merge_kept(struct hk__result *r, const struct hk__piece *p)
{
  if (p->kept_count == 0)
    return HK_OK;
  struct hk_spike *grown = realloc(r->kept_spikes, (r->kept_spike_count + p->kept_count) * sizeof *grown);
  if (!grown)
    return HK_ERR_MEMORY;
  memcpy(grown + r->kept_spike_count, p->kept, p->kept_count * sizeof *grown);
  r->kept_spikes = grown;
  r->kept_spike_count += p->kept_count;
  return HK_OK;
}

enum hk_status hk__judge_piece(struct hk__job *job, struct hk__piece *p)
{
  const struct hk__stepnet *net = job->net;
  struct hk__result *r = job->result;
  enum hk_status status = HK_OK;
  for (size_t l = 0; status == HK_OK && l < net->layer_count; l++) {
    float *x = malloc(p->count * net->layers[l].in * sizeof *x),
          *due = malloc(p->count * net->layers[l].out * sizeof *due);
    status = x && due ? HK_OK : HK_ERR_MEMORY;
    if (status == HK_OK) {
      arrived(job, p, l, x);
      status = hk__step_layer_run(&net->layers[l], x, p->count, due, NULL);
    }
    if (status == HK_OK) {
      struct hk__layer_result sum = judge_layer(job, p, l, due);
#pragma omp critical(hk__ann_sums)
      add_layer(&r->layers[l], &sum);
    }
    free(x);
    free(due);
  }
  for (size_t s = 0; status == HK_OK && s < p->count; s++)
    decide(job, p, s);
  uint64_t layer_spikes = 0;
  for (size_t s = 0; s < p->count; s++)
    layer_spikes += r->sample_spikes[p->first + s];
#pragma omp critical(hk__ann_sums)
  {
    r->events += p->events;
    r->layer_spikes += layer_spikes;
    r->input_spikes += p->input_spikes;
    if (status == HK_OK)
      status = merge_kept(r, p);
  }
  return status;
}

static int by_time(const void *a, const void *b)
{
  const struct hk_spike *s = a, *t = b;
  if (s->time != t->time)
    return s->time < t->time ? -1 : 1;
  if (s->population != t->population)
    return s->population < t->population ? -1 : 1;
  return (s->neuron > t->neuron) - (s->neuron < t->neuron);
}

void hk__sort_kept(struct hk__result *result)
{
  if (result->kept_spike_count > 0)
    qsort(result->kept_spikes, result->kept_spike_count, sizeof *result->kept_spikes, by_time);
}

/* --- summaries --- */

static double fraction_equal(const int32_t *a, const int32_t *b, size_t count)
{
  size_t equal = 0;
  for (size_t i = 0; i < count; i++)
    equal += a[i] == b[i];
  return count ? (double)equal / (double)count : 0.0;
}

double hk__result_step_accuracy(const struct hk__result *r)
{
  return fraction_equal(r->step_decision, r->label, r->samples);
}

double hk__result_spike_accuracy(const struct hk__result *r)
{
  return fraction_equal(r->spike_decision, r->label, r->samples);
}

double hk__result_decisions_agree(const struct hk__result *r)
{
  return fraction_equal(r->step_decision, r->spike_decision, r->samples);
}

uint64_t hk__result_different(const struct hk__result *r)
{
  uint64_t different = 0;
  for (size_t l = 0; l < r->layer_count; l++)
    different += r->layers[l].different;
  return different;
}

double hk__result_decision_time(const struct hk__result *r)
{
  double sum = 0.0;
  size_t count = 0;
  for (size_t s = 0; s < r->samples; s++)
    if (!isnan(r->decision_time[s])) {
      sum += (double)r->decision_time[s];
      count++;
    }
  return count ? sum / (double)count : NAN;
}
