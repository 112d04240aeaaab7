/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The model interface: a neuron or source model is one constant descriptor.
 *
 * A model lives in one file of models/, defines `const struct hk_model hk_model_NAME` and has one line in models/list.
 * It states what it is; the engine owns all arrays, derives propagators, impulse responses and bounds, finds
 * threshold crossings, and everything else (config, recording, checkpoints, `hillock models`, tests over the
 * registry) reads the tables here.
 *
 * Internal units everywhere: ms, mV, pA, nS, pF, Hz. */
#ifndef HILLOCK_MODEL_H
#define HILLOCK_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include <hillock/calculus.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Limits of a point model; HK_PORTS_MAX of a linear one. */
enum { HK_STATES_MAX = 14, HK_PORTS_MAX = 4, HK_PARAMS_MAX = 40 };

/* Ports of a model whose neurons settle. */
enum { HK_DOZE_PORTS = 2 };

/* Terms of a Taylor series at most; series that a model's hook may use. */
enum { HK_SERIES_MAX = 24, HK_SERIES_ROWS = 48 };

enum hk_model_kind {
  HK_MODEL_LINEAR,    /* dx/dt = A x + b between spikes: exact, superposable */
  HK_MODEL_NONLINEAR, /* dx/dt = f(x): integrated adaptively */
  HK_MODEL_TREE,      /* a passive dendritic tree: linear, with as many states and ports as it has compartments */
  HK_MODEL_POISSON,   /* a source: parameter 0 is its rate in Hz */
  HK_MODEL_TRAINS     /* a source: plays back given spike times */
};

/* The range a parameter must lie in: [low, high], (low, high] with open_low. Use -INFINITY and INFINITY for none. */
struct hk_param {
  const char *name;
  const char *unit; /* a UDUNITS unit, "1" for a bare number */
  double preset;    /* the default */
  double low, high;
  bool open_low;
  const char *meaning;
};

enum hk_state_flags {
  HK_STATE_CLAMPED = 1, /* held while refractory: neither dynamics nor events change it until the period ends */
  HK_STATE_FRACTION = 2 /* between 0 and 1: the integrator measures its error against 1, not against its value */
};

struct hk_state {
  const char *name;
  const char *unit;
  double preset;            /* initial value where preset_param is NULL */
  const char *preset_param; /* the initial value is that of this parameter */
  unsigned flags;
  const char *meaning;
};

/* Where events arrive. A projection that names no port sends weights >= 0 to the first port whose sign is >= 0 and
 * weights < 0 to the first whose sign is <= 0. sign: +1, -1, or 0 for both. */
struct hk_port {
  const char *name;
  const char *unit; /* of the weight */
  int sign;
  const char *meaning;
};

/* What a linear model is, for one set of parameters. The engine hands it over zeroed; the model fills in what is not
 * zero. n is the number of states of the table.
 *   dx/dt = A x + b + drive * I(t)      I: current from the config's inputs, pA
 *   a spike happens when sense . x reaches threshold (sense: 1 for state 0 unless the model says otherwise)
 *   an event of weight w at port k adds w * jump[k] to x */
struct hk_linear {
  double A[HK_STATES_MAX][HK_STATES_MAX]; /* per ms */
  double b[HK_STATES_MAX];
  double drive[HK_STATES_MAX]; /* per pA */
  double jump[HK_PORTS_MAX][HK_STATES_MAX];
  double sense[HK_STATES_MAX];
  double threshold; /* mV */
  double t_ref;     /* ms, >= 0 */
};

/* What the cells of a tree have in common beside its compartments. */
struct hk_tree_cell {
  double tau_syn_ex, tau_syn_in; /* ms, > 0 */
  double threshold, reset;       /* mV */
  double t_ref;                  /* ms, >= 0 */
  double I_e;                    /* pA */
};

struct hk_model {
  const char *name;
  const char *summary;   /* one line */
  const char *doc;       /* equations and remarks, several lines */
  const char *reference; /* where the equations come from */
  enum hk_model_kind kind;

  const struct hk_param *params;
  size_t param_count;
  const struct hk_state *states;
  size_t state_count;
  const struct hk_port *ports;
  size_t port_count;

  bool strict;        /* a spike needs sense . x > threshold, not merely >= */
  bool crossing_only; /* nonlinear: no reset; a spike is an upward crossing (Hodgkin-Huxley types) */

  /* Checks what spans several parameters. Returns NULL or what is wrong, a constant text ("V_reset must be below
   * V_th"). May be NULL. */
  const char *(*check)(const double *param);

  /* Fills in initial values that follow from others (gates at their steady state). given[i]: the user set state i.
   * Called once per neuron after presets and the user's values are in x. May be NULL. */
  void (*initialise)(const double *param, double *x, const bool *given);

  /* Linear models: fills *out, see struct hk_linear. Called once per distinct set of parameters. */
  void (*linear)(const double *param, struct hk_linear *out);

  /* Trees. The tables of states and ports of a population's model are made from its tree; those of the descriptor
   * stand for the soma. */
  void (*tree)(const double *param, struct hk_tree_cell *out);

  /* What a spike does to the state, at the moment of the spike. Clamped states then hold what it leaves there for
   * t_ref. NULL for sources and crossing_only models. */
  void (*reset)(const double *param, double *x);

  /* Nonlinear models give one of the following two. They are computed for several neurons at once, one in each lane;
   * param[i] holds parameter i of each of them, x[j] state j. `current` is what the config's inputs send, in pA. While
   * a neuron is refractory its states flagged as clamped stand still.
   *
   * derivative: dx = f(x); the engine ignores dx of clamped states while they stand still. Any smooth f will do.
   *
   * series: the Taylor series of the solution, by recurrence, which is cheaper: x[j][k] is the k-th derivative of state
   * j times dt^k / k!, current[k] likewise. The engine has set x[j][0]; the terms below `from` are there (none but
   * those with k = 0 if from is 0); fills in the terms up to and including `to` of all states. free is 1, or 0 where
   * clamped states stand still: what they change by is to be multiplied by it. Rows of x beyond the states,
   * HK_SERIES_ROWS in all, are the model's to use and kept between calls. */
  void (*derivative)(const hk_lanes *param, const hk_lanes *x, const hk_lanes *current, hk_lanes *dx);
  void (*series)(const hk_lanes *param, const hk_lanes *current, const hk_lanes *free, const hk_lanes *dt, size_t from,
                 size_t to, hk_lanes x[][HK_SERIES_MAX]);
  bool costly_series; /* products of series are most of its work, so that steps with fewer terms are the cheaper way */

  /* Nonlinear models: a time, in ms, before which free neurons in state x surely do not spike while nothing arrives and
   * their current stays within `swing` of `current`; 0 if that cannot be told cheaply. May be NULL. */
  void (*quiet)(const hk_lanes *param, const hk_lanes *x, const hk_lanes *current, const hk_lanes *swing,
                hk_lanes *time);

  /* Nonlinear models: advances x by *dt >= 0 or, where that is too much for the method, by as much of it as is not, to
   * what *dt is set; free is as for series. The error is to be some 1e-14 of the state, as no tolerance applies;
   * series is then what finds crossings. May be NULL. */
  void (*leap)(const hk_lanes *param, const hk_lanes *current, const hk_lanes *free, hk_lanes *dt, hk_lanes *x);

  /* Models that leap, of at most HK_DOZE_PORTS ports: whether a free neuron in state x, by what it knows of all states
   * but state 0, surely never spikes while its current stays at most `current` and all that arrives are events within
   * the next *span ms whose weights' magnitudes add up to no more than allowed[port]. If so, tells those: the longer
   * the span the better, and the more is allowed. Then events are kept back and taken in one go. May be NULL. */
  bool (*settle)(const double *param, double current, const double *x, double *span, double *allowed);

  /* Nonlinear models: adds an event at the port to x, of weight[lane], in the port's unit. The engine restores what x
   * was in lanes where none arrives and, while they stand still, of clamped states. */
  void (*receive)(const hk_lanes *param, size_t port, const hk_lanes *weight, hk_lanes *x);

  /* Nonlinear models: the level that state 0 reaches at a spike (mV) and the refractory time (ms). */
  double (*threshold)(const double *param);
  double (*refractory)(const double *param);
};

/* The registry: the models of models/list, in its order. */
size_t hk_model_count(void);
const struct hk_model *hk_model_at(size_t index);       /* NULL past the end */
const struct hk_model *hk_model_find(const char *name); /* NULL if there is none */

/* Index of a parameter or state in the model's table; -1 if it has none of that name. */
int hk_model_param(const struct hk_model *model, const char *name);
int hk_model_state(const struct hk_model *model, const char *name);
int hk_model_port(const struct hk_model *model, const char *name);

#ifdef __cplusplus
}
#endif
#endif
