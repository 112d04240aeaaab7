/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Step networks against spiking layers run by the engine, and both against a naive version written here: plain loops
 * over weights on one side, a list of arriving spikes per neuron, advanced one by one, on the other. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ann/mapping.h"
#include "ann/regime.h"
#include "core/random.h"
#include "suite.h"

enum { LAYERS_MAX = 3, WIDTH_MAX = 12, SAMPLES = 70 };

/* --- random networks --- */

static double whole(struct hk__stream *s, int low, int high)
{
  return low + (double)hk__stream_below(s, (uint64_t)(high - low + 1));
}

/* Small whole weights times a power of two, so that sums often equal thresholds; thresholds of either sign. */
static void random_net(struct hk__stream *s, struct hk__stepnet *net)
{
  size_t sizes[LAYERS_MAX + 1], layers = 1 + hk__stream_below(s, LAYERS_MAX);
  for (size_t l = 0; l <= layers; l++)
    sizes[l] = 1 + hk__stream_below(s, WIDTH_MAX);
  ck_assert_int_eq(hk__stepnet_init(net, sizes, layers), HK_OK);
  double quantum = exp2(whole(s, -12, 3));
  for (size_t l = 0; l < layers; l++) {
    struct hk__step_layer *layer = &net->layers[l];
    for (size_t i = 0; i < layer->in * layer->out; i++)
      layer->weight[i] = whole(s, -3, 3) * quantum;
    for (size_t j = 0; j < layer->out; j++)
      layer->threshold[j] = whole(s, -4, 5) * quantum;
  }
}

static void random_samples(struct hk__stream *s, size_t features, struct hk__samples *samples)
{
  ck_assert_int_eq(hk__samples_init(samples, SAMPLES, features), HK_OK);
  for (size_t i = 0; i < SAMPLES * features; i++)
    samples->value[i] = hk__stream_uniform(s) < 0.5 ? 0.0F : 1.0F;
}

/* --- the naive step network --- */

static bool naive_step(const struct hk__stepnet *net, const float *x, uint8_t *on, size_t *ties)
{
  double in[WIDTH_MAX + 1], out[WIDTH_MAX + 1];
  for (size_t i = 0; i < net->layers[0].in; i++)
    in[i] = (double)x[i];
  for (size_t l = 0; l < net->layer_count; l++) {
    for (size_t j = 0; j < net->layers[l].out; j++) {
      double excess = -net->layers[l].threshold[j];
      for (size_t i = net->layers[l].in; i-- > 0;)
        excess += net->layers[l].weight[j * net->layers[l].in + i] * in[i];
      out[j] = excess >= 0.0;
      *ties += excess == 0.0;
      *on++ = out[j] != 0.0;
    }
    memcpy(in, out, sizeof in);
  }
  return true;
}

/* In the volley regime every neuron agrees with its unit, ties included. */
START_TEST(volleys_agree)
{
  size_t ties = 0, units = 0;
  for (uint64_t trial = 0; trial < 40; trial++) {
    struct hk__stream s;
    hk__stream_init(&s, 11, HK__FOR_ENCODING, 99, (uint64_t)_i * 1000 + trial, 0);
    struct hk__stepnet net;
    random_net(&s, &net);
    size_t inputs = hk__stepnet_inputs(&net);
    struct hk__samples samples;
    random_samples(&s, inputs, &samples);
    struct hk__encoder encoder = {.kind = HK__CODE_DIRECT, .features = inputs, .steps = 1};
    struct hk__regime regime = {.kind = HK__REGIME_VOLLEY, .seed = trial, .threads = 1 + (int)(trial % 2)};
    bool exact;
    const char *why_not;
    ck_assert_int_eq(hk__regime_complete(&regime, &net, NULL, &exact, &why_not, NULL), HK_OK);
    ck_assert_msg(exact, "%s", why_not);
    struct hk__result r;
    ck_assert_int_eq(hk__regime_run(&regime, &net, &encoder, &samples, 0, NULL, &r, NULL), HK_OK);
    for (size_t i = 0; i < SAMPLES; i++) {
      uint8_t on[LAYERS_MAX * WIDTH_MAX];
      naive_step(&net, samples.value + i * inputs, on, &ties);
      for (size_t u = 0; u < r.units; u++) {
        ck_assert_uint_eq(r.step_on[i * r.units + u], on[u]);
        ck_assert_uint_eq(r.spike_count[i * r.units + u], on[u]);
      }
      ck_assert_int_eq(r.step_decision[i], r.spike_decision[i]);
    }
    ck_assert_uint_eq(hk__result_different(&r), 0);
    units += SAMPLES * r.units;
    hk__result_clear(&r);
    hk__samples_clear(&samples);
    hk__stepnet_clear(&net);
  }
  ck_assert_uint_gt(ties, units / 50);
}
END_TEST

/* --- the naive spiking network --- */

struct arrival {
  double time, weight;
};

static int earlier(const void *a, const void *b)
{
  const struct arrival *p = a, *q = b;
  return (p->time > q->time) - (p->time < q->time);
}

/* One leaky neuron that rests at 0: potentials decay, spikes add, at threshold it is reset and deaf for a while. */
static size_t naive_neuron(struct arrival *arrivals, size_t count, double tau, double threshold, double refractory,
                           double *spikes)
{
  double v = 0.0, now = 0.0, deaf = -1.0;
  size_t fired = 0;
  qsort(arrivals, count, sizeof *arrivals, earlier);
  for (size_t i = 0; i < count; i++) {
    v *= exp(-(arrivals[i].time - now) / tau);
    now = arrivals[i].time;
    if (now >= deaf)
      v += arrivals[i].weight;
    bool last = i + 1 == count || arrivals[i + 1].time > now;
    if (last && now >= deaf && v >= threshold) {
      spikes[fired++] = now;
      v = 0.0;
      deaf = now + refractory;
    }
  }
  return fired;
}

enum { SPIKES_MAX = 64, TRAINS_MAX = 2 * WIDTH_MAX };

struct naive_train {
  double time[SPIKES_MAX];
  size_t count;
};

static double setting(const struct hk_network *network, size_t population, const char *name, size_t neuron)
{
  const struct hk_population_spec *spec = hk_network_population(network, population);
  for (size_t i = 0; i < spec->param_count; i++)
    if (strcmp(spec->params[i].name, name) == 0)
      return spec->params[i].value.kind == HK_VALUE_LIST ? spec->params[i].value.list[neuron] : spec->params[i].value.a;
  return NAN;
}

static void gather_from(const struct hk_projection_spec *p, const struct hk_network *network, size_t target,
                        const struct naive_train *layer, struct arrival *arrivals, size_t *count)
{
  const struct hk_population_spec *source = hk_network_population(network, p->source);
  for (size_t k = 0; k < p->rule.pair_count; k++) {
    if (p->rule.targets[k] != target)
      continue;
    size_t i = p->rule.sources[k];
    const double *times = source->trains.offsets ? source->trains.times + source->trains.offsets[i] : layer[i].time;
    size_t times_count =
        source->trains.offsets ? source->trains.offsets[i + 1] - source->trains.offsets[i] : layer[i].count;
    double delay = p->delay.kind == HK_VALUE_LIST ? p->delay.list[k] : p->delay.a;
    double weight = p->weight.kind == HK_VALUE_LIST ? p->weight.list[k] : p->weight.a;
    for (size_t t = 0; t < times_count; t++)
      arrivals[(*count)++] = (struct arrival){times[t] + delay, weight};
  }
}

/* Runs the description of one sample; counts[] by unit. */
static void naive_spiking(const struct hk_network *network, size_t layers, double end, uint8_t *counts)
{
  struct naive_train before[TRAINS_MAX] = {0}, here[TRAINS_MAX];
  static struct arrival arrivals[TRAINS_MAX * SPIKES_MAX];
  for (size_t l = 0; l < layers; l++) {
    size_t population = HK__FIRST_LAYER + l;
    const struct hk_population_spec *spec = hk_network_population(network, population);
    for (size_t j = 0; j < spec->size; j++) {
      size_t count = 0;
      for (size_t p = 0; p < hk_network_projection_count(network); p++)
        if (hk_network_projection(network, p)->target == population)
          gather_from(hk_network_projection(network, p), network, j, before, arrivals, &count);
      here[j].count = naive_neuron(arrivals, count, 10.0, setting(network, population, "V_th", j), 2.0, here[j].time);
      while (here[j].count > 0 && here[j].time[here[j].count - 1] > end)
        here[j].count--;
      *counts++ = (uint8_t)here[j].count;
    }
    memcpy(before, here, sizeof here);
  }
}

/* Arrivals that are spread out sum to a threshold only to rounding error: no such sums. */
static void spoil_ties(struct hk__stepnet *net)
{
  for (size_t l = 0; l < net->layer_count; l++)
    for (size_t j = 0; j < net->layers[l].out; j++)
      net->layers[l].threshold[j] -= hk__step_layer_quantum(&net->layers[l]) / 4;
}

/* Sample by sample, spike by spike, in every regime: jittered arrivals, latencies, Poisson trains. */
START_TEST(engine_against_naive)
{
  uint64_t fired = 0, different = 0, prefixes = 0;
  for (uint64_t trial = 0; trial < 12; trial++) {
    struct hk__stream s;
    hk__stream_init(&s, 12, HK__FOR_ENCODING, 99, (uint64_t)_i * 1000 + trial, 0);
    struct hk__stepnet net;
    random_net(&s, &net);
    spoil_ties(&net);
    size_t inputs = hk__stepnet_inputs(&net);
    struct hk__samples samples;
    random_samples(&s, inputs, &samples);
    for (size_t i = 0; i < SAMPLES * inputs; i++)
      samples.value[i] *= (float)hk__stream_uniform(&s);
    struct hk__encoder encoder = {.kind = HK__CODE_DIRECT, .features = inputs, .steps = 1};
    struct hk__regime regime = {
        .kind = (enum hk__regime_kind)_i, .seed = trial, .spread = 5.0, .rate = 100.0, .time = 50.0, .on = 1};
    bool exact;
    const char *why_not;
    ck_assert_int_eq(hk__regime_complete(&regime, &net, NULL, &exact, &why_not, NULL), HK_OK);
    struct hk__result r;
    ck_assert_int_eq(hk__regime_run(&regime, &net, &encoder, &samples, 0, NULL, &r, NULL), HK_OK);
    for (size_t i = 0; i < SAMPLES; i++) {
      const float *x = samples.value + i * inputs;
      struct hk_network *network;
      struct hk__shown shown = {x, x, 1, i};
      ck_assert_int_eq(hk__regime_network(&regime, &net, &shown, &network, NULL), HK_OK);
      uint8_t counts[LAYERS_MAX * WIDTH_MAX];
      naive_spiking(network, net.layer_count, regime.period, counts);
      ck_assert_mem_eq(counts, r.spike_count + i * r.units, r.units);
      hk_network_destroy(network);
    }
    for (size_t l = 0; l < r.layer_count; l++)
      prefixes += r.layers[l].prefix;
    fired += r.layer_spikes;
    different += hk__result_different(&r);
    hk__result_clear(&r);
    hk__samples_clear(&samples);
    hk__stepnet_clear(&net);
  }
  ck_assert_uint_gt(fired, 100);
  ck_assert(_i == HK__REGIME_VOLLEY || (different > 0 && prefixes > 0));
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("compare_engine");
  TCase *tests = tcase_create("compare_engine");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, volleys_agree, 0, 5);
  tcase_add_loop_test(tests, engine_against_naive, HK__REGIME_VOLLEY, HK__REGIME_RATE + 1);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
