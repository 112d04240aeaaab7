/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs samples through a step network and, as spikes, through the engine, and counts where the two differ.
 *
 * The samples are cut into pieces of a size that depends on their number alone; each piece is a simulation of its own
 * that shows its samples one after the other. Pieces run side by side, each by one thread, so the result does not
 * depend on how many threads there are. */
#include <math.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ann/mapping.h"
#include "ann/outcome.h"

enum { PIECES = 8, PIECE_MIN = 64 };

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static enum hk_status piece_init(struct hk__piece *p, const struct hk__stepnet *net, size_t first, size_t count)
{
  size_t inputs = hk__stepnet_inputs(net), outputs = hk__stepnet_outputs(net);
  p->first = first;
  p->count = count;
  p->rows = malloc(count * inputs * sizeof *p->rows);
  p->intensity = malloc(count * inputs * sizeof *p->intensity);
  p->first_output = malloc(count * outputs * sizeof *p->first_output);
  p->last_change = malloc(count * sizeof *p->last_change);
  p->votes = calloc(count * outputs, sizeof *p->votes);
  if (!p->rows || !p->intensity || !p->first_output || !p->last_change || !p->votes)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < count * outputs; i++)
    p->first_output[i] = INFINITY;
  for (size_t i = 0; i < count; i++)
    p->last_change[i] = NAN;
  return HK_OK;
}

static void piece_clear(struct hk__piece *p)
{
  free(p->rows);
  free(p->intensity);
  free(p->first_output);
  free(p->last_change);
  free(p->votes);
  free(p->kept);
}

static void encode_piece(struct hk__piece *p, const struct hk__encoder *encoder, const struct hk__samples *samples)
{
  size_t units = hk__encoder_units(encoder);
  for (size_t s = 0; s < p->count; s++) {
    const float *value = samples->value + (p->first + s) * encoder->features;
    hk__encode(encoder, value, p->rows + s * units);
    for (size_t u = 0; u < units; u++)
      p->intensity[s * units + u] = value[u / encoder->steps];
  }
}

static enum hk_status simulate(struct hk__job *job, struct hk__piece *p, struct hk_messages *messages)
{
  const struct hk__regime *r = job->regime;
  struct hk__shown shown = {p->rows, p->intensity, p->count, p->first};
  /* Noise must differ from piece to piece; everything else is drawn by the mapping, from the regime's own seed. */
  struct hk_options options = {
      .seed = r->seed + 0x9E3779B97F4A7C15U * (p->first + 1), .threads = 1, .scheduler = r->scheduler};
  struct hk_network *network = NULL;
  struct hk_simulation *sim = NULL;
  enum hk_status status = hk__regime_network(r, job->net, &shown, &network, messages);
  if (status == HK_OK)
    status = hk_simulation_create(network, &options, &sim, messages);
  if (status == HK_OK) {
    const struct hk_population_spec *inputs = hk_network_population(network, HK__INPUTS);
    p->input_spikes = inputs->trains.offsets[inputs->size];
  }
  hk_network_destroy(network);
  if (status != HK_OK)
    return status;
  struct hk__collector collector = {.job = job, .piece = p};
  struct hk_sink sink = {.context = &collector, .spikes = hk__collect_spikes};
  hk_simulation_set_sink(sim, &sink);
  status = hk_simulation_run(sim, (double)p->count * r->period - r->period / 1024.0);
  p->events = hk_simulation_counts(sim).events;
  hk_simulation_destroy(sim);
  return status;
}

static enum hk_status run_piece(struct hk__job *job, size_t index, struct hk_messages *messages)
{
  size_t count = job->samples->count, first = index * job->piece_size;
  size_t here = count - first < job->piece_size ? count - first : job->piece_size;
  struct hk__piece p = {0};
  enum hk_status status = piece_init(&p, job->net, first, here);
  if (status == HK_OK) {
    encode_piece(&p, job->encoder, job->samples);
    status = hk__step_piece(job, &p);
  }
  if (status == HK_OK)
    status = simulate(job, &p, messages);
  if (status == HK_OK)
    status = hk__judge_piece(job, &p);
  piece_clear(&p);
  return status;
}

static enum hk_status result_init(struct hk__result *r, const struct hk__stepnet *net, size_t samples)
{
  *r = (struct hk__result){.samples = samples, .units = hk__stepnet_units(net), .layer_count = net->layer_count};
  r->layers = calloc(net->layer_count, sizeof *r->layers);
  r->label = calloc(samples, sizeof *r->label);
  r->step_decision = calloc(samples, sizeof *r->step_decision);
  r->spike_decision = calloc(samples, sizeof *r->spike_decision);
  r->decision_time = calloc(samples, sizeof *r->decision_time);
  r->sample_spikes = calloc(samples, sizeof *r->sample_spikes);
  r->step_on = calloc(samples, r->units);
  r->spike_count = calloc(samples, r->units);
  if (!r->layers || !r->label || !r->step_decision || !r->spike_decision || !r->decision_time || !r->sample_spikes ||
      !r->step_on || !r->spike_count)
    return HK_ERR_MEMORY;
  for (size_t l = 0; l < net->layer_count; l++)
    r->layers[l].units = net->layers[l].out;
  r->products = samples * hk__stepnet_products(net);
  return HK_OK;
}

void hk__result_clear(struct hk__result *r)
{
  free(r->layers);
  free(r->label);
  free(r->step_decision);
  free(r->spike_decision);
  free(r->decision_time);
  free(r->sample_spikes);
  free(r->step_on);
  free(r->spike_count);
  free(r->kept_spikes);
  *r = (struct hk__result){0};
}

/* All pieces; the first error in the order of pieces is the one that is told. */
static enum hk_status run_pieces(struct hk__job *job, size_t pieces, const struct hk__regime_watch *watch,
                                 struct hk_messages *messages)
{
  enum hk_status status = HK_OK;
  size_t done = 0;
  int threads = job->regime->threads > 0 ? job->regime->threads : omp_get_num_procs();
  bool stop = false;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (size_t i = 0; i < pieces; i++) {
    bool skip;
#pragma omp atomic read
    skip = stop;
    if (skip)
      continue;
    enum hk_status mine = run_piece(job, i, i == 0 ? messages : NULL);
#pragma omp critical(hk__ann_pieces)
    {
      done += job->piece_size;
      size_t told = done < job->samples->count ? done : job->samples->count;
      if (mine == HK_OK && watch && watch->done && omp_get_thread_num() == 0 &&
          !watch->done(watch->context, told, job->samples->count))
        mine = HK_ERR_INTERRUPTED;
      if (status == HK_OK && mine != HK_OK)
        status = mine;
    }
    if (mine != HK_OK) {
#pragma omp atomic write
      stop = true;
    }
  }
  return status;
}

enum hk_status hk__regime_run(const struct hk__regime *regime, const struct hk__stepnet *net,
                              const struct hk__encoder *encoder, const struct hk__samples *samples, size_t keep_spikes,
                              const struct hk__regime_watch *watch, struct hk__result *out,
                              struct hk_messages *messages)
{
  struct hk__result result;
  enum hk_status status = result_init(&result, net, samples->count);
  struct hk__job job = {
      .regime = regime, .net = net, .encoder = encoder, .samples = samples, .result = &result, .keep = keep_spikes};
  size_t even = (samples->count + PIECES - 1) / PIECES;
  job.piece_size = even > PIECE_MIN ? even : PIECE_MIN;
  double start = now();
  if (status == HK_OK)
    status = run_pieces(&job, (samples->count + job.piece_size - 1) / job.piece_size, watch, messages);
  if (status == HK_OK)
    hk__sort_kept(&result);
  result.seconds = now() - start;
  result.simulated = (double)samples->count * regime->period;
  if (status == HK_OK)
    *out = result;
  else
    hk__result_clear(&result);
  return status;
}
