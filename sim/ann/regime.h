/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Step networks as spiking layers, and what came of running them.
 *
 * Every unit becomes one neuron, every weight that is not 0 one synapse. Samples follow each other at `period`, far
 * enough apart for the membrane to forget. A threshold that is not positive cannot be a neuron's (it would fire at
 * rest), so a clock spikes with every volley: its synapse onto such a neuron carries the difference. */
#ifndef HK__REGIME_H
#define HK__REGIME_H

#include <hillock/network.h>
#include <hillock/simulation.h>

#include "ann/dataset.h"
#include "ann/stepnet.h"

enum hk__regime_kind {
  HK__REGIME_VOLLEY,  /* every layer's spikes arrive together */
  HK__REGIME_JITTER,  /* each synapse's delay is drawn from delay .. delay + spread */
  HK__REGIME_LATENCY, /* an input spikes once, at window * (1 - intensity) */
  HK__REGIME_RATE     /* an input spikes as a Poisson process of rate * intensity for `time` */
};

enum hk__thresholds {
  HK__THRESHOLDS_OWN,   /* V_th of each neuron is its unit's threshold times `unit` */
  HK__THRESHOLDS_COMMON /* all neurons as given in params; the clock's synapse carries the difference to `level` */
};

enum hk__decision { HK__DECIDE_COUNT, HK__DECIDE_FIRST };

/* Zeros where the default is to be worked out, see hk__regime_complete. */
struct hk__regime {
  enum hk__regime_kind kind;
  const char *model;
  struct hk_setting params[HK_PARAMS_MAX]; /* constants only */
  size_t param_count;
  const struct hk_tree *tree; /* for the model of a dendritic tree */
  const char *const *ports;   /* sources are dealt out over these in turn; none: by the weight's sign */
  size_t port_count;
  enum hk__thresholds thresholds;
  double level;  /* with common thresholds: the sum, in weights, at which a neuron fires */
  double unit;   /* of the port, per unit of weight; the default makes the peak of its response 1 mV or, with common
                  * thresholds, the part of V_th - E_L that the weight is of `level` */
  double peak;   /* mV of the response to one unit of the port; worked out, not given */
  double margin; /* thresholds are lowered by this part of the layer's quantum, below 1: no step unit decides otherwise,
                  * but a sum that equals its threshold no longer fails by a hair */
  double gain;   /* scales weights alone; of the rate regime: the mean potential equals the sum where it is 1 / (rate
                  * tau_m), the default */
  double delay;  /* ms, from layer to layer */
  double period; /* ms */
  double listen; /* ms: spikes count for this long after a sample's start; the default with noise, which never rests, is
                  * the time a sample takes to pass, else the whole period */
  double spread; /* ms */
  double window; /* ms */
  double time;   /* ms */
  double rate;   /* Hz */
  double noise_rate,
      noise_weight; /* private Poisson trains onto every neuron: this rate and weight, and its negative */
  size_t on;        /* spikes per sample from which on a neuron counts as on */
  enum hk__decision decision;
  enum hk_scheduler scheduler;
  uint64_t seed;
  int threads;
};

/* Fills in what was left 0 and checks the rest against the network: parameters that the model has, a period that lets
 * the membrane forget, times that are exact in binary for a volley. exact: every neuron must then agree with its unit;
 * if not, why_not says what stands in the way (a constant text). */
enum hk_status hk__regime_complete(struct hk__regime *regime, const struct hk__stepnet *net,
                                   const struct hk_place *place, bool *exact, const char **why_not,
                                   struct hk_messages *messages);

/* A parameter as given, or the model's preset; NAN if it has none of that name. */
double hk__regime_param(const struct hk__regime *regime, const char *name);

/* The potential at rest, mV. */
double hk__regime_rest(const struct hk__regime *regime);

/* Of a completed regime: the sum at which neurons fire that have no threshold of their own; the port's unit per unit of
 * weight. */
double hk__regime_level(const struct hk__regime *regime, const struct hk__step_layer *layer);
double hk__regime_unit(const struct hk__regime *regime, const struct hk__step_layer *layer);
double hk__regime_volts(const struct hk__regime *regime,
                        const struct hk__step_layer *layer); /* mV per unit of weight */
double hk__regime_margin(const struct hk__regime *regime, const struct hk__step_layer *layer); /* in weights */

struct hk__layer_result {
  size_t units;
  uint64_t different; /* neuron-samples that are not as their unit */
  uint64_t prefix;    /* fired though all that arrived sums up to less than threshold */
  uint64_t leaked;    /* silent though it sums up to threshold or more */
  uint64_t spikes;
  uint64_t step_on; /* unit-samples that are on */
};

/* Of one run over all samples. Arrays of samples belong to the result. */
struct hk__result {
  size_t samples, units, layer_count;
  struct hk__layer_result *layers;
  int32_t *label, *step_decision, *spike_decision;
  float *decision_time;         /* ms after the sample's start; NAN: no output spike */
  uint32_t *sample_spikes;      /* of all layers */
  uint8_t *step_on;             /* samples x units: layer after layer */
  uint8_t *spike_count;         /* samples x units, at most 255 */
  size_t kept_spike_count;      /* spikes of the first samples, as asked for */
  struct hk_spike *kept_spikes; /* populations count layers from 0; times from the first sample's start */
  uint64_t input_spikes, layer_spikes, events, products;
  double seconds;   /* building and running, all threads together: wall time */
  double simulated; /* ms */
  bool exact;
  const char *why_not;
};

void hk__result_clear(struct hk__result *result);

double hk__result_step_accuracy(const struct hk__result *result);
double hk__result_spike_accuracy(const struct hk__result *result);
double hk__result_decisions_agree(const struct hk__result *result);
uint64_t hk__result_different(const struct hk__result *result);
double hk__result_decision_time(const struct hk__result *result); /* mean over samples with an output spike */

/* Told after every piece; false stops the run with HK_ERR_INTERRUPTED. */
struct hk__regime_watch {
  bool (*done)(void *context, size_t samples, size_t of);
  void *context;
};

/* Runs samples through the step network and through the engine. keep_spikes: of how many samples the spikes are kept.
 * A regime that was completed. */
enum hk_status hk__regime_run(const struct hk__regime *regime, const struct hk__stepnet *net,
                              const struct hk__encoder *encoder, const struct hk__samples *samples, size_t keep_spikes,
                              const struct hk__regime_watch *watch, struct hk__result *out,
                              struct hk_messages *messages);

#endif
