/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

enum { THETA, WINDOW };
enum { H, AGE, UP };

static const struct hk_param params[] = {
    {"theta", "1", 1.0, 0.0, INFINITY, true, "threshold"},
    {"window", "ms", 10.0, 0.0, INFINITY, true, "how long a volley lasts"},
};

static const struct hk_state states[] = {
    {"h", "1", 0.0, NULL, 0, "sum of the weights of the inputs that are on; 0 while the unit is up"},
    {"age", "ms", 0.0, "window", 0, "time since the present volley began; from window on it is over"},
    {"up", "1", 0.0, NULL, 0, "1 from a spike until the next volley begins"},
};

static const struct hk_port ports[] = {
    {"inputs", "1", 0, "an input that is switched on"},
};

static void series(const hk_lanes *p, const hk_lanes *current, const hk_lanes *free, const hk_lanes *dt, size_t from,
                   size_t to, hk_lanes x[][HK_SERIES_MAX])
{
  (void)p;
  (void)current;
  (void)free;
  for (size_t k = from > 0 ? from : 1; k <= to; k++) {
    x[H][k] = x[UP][k] = hk_lanes_all(0);
    x[AGE][k] = k == 1 ? *dt : hk_lanes_all(0);
  }
}

static void quiet(const hk_lanes *p, const hk_lanes *x, const hk_lanes *current, const hk_lanes *swing, hk_lanes *time)
{
  (void)p;
  (void)x;
  (void)current;
  (void)swing;
  *time = hk_lanes_all(INFINITY);
}

static void receive(const hk_lanes *p, size_t port, const hk_lanes *weight, hk_lanes *x)
{
  (void)port;
  const hk_lanes none = hk_lanes_all(0);
  const hk_mask begun = x[AGE] < p[WINDOW];
  x[H] = hk_lanes_pick(begun, x[H], none);
  x[AGE] = hk_lanes_pick(begun, x[AGE], none);
  x[UP] = hk_lanes_pick(begun, x[UP], none);
  x[H] = hk_lanes_pick(x[UP] == 0, x[H] + *weight, x[H]);
}

static void reset(const double *p, double *x)
{
  (void)p;
  x[H] = 0;
  x[UP] = 1;
}

static double threshold(const double *p)
{
  return p[THETA];
}

static double refractory(const double *p)
{
  (void)p;
  return 0;
}

const struct hk_model hk_model_mcculloch_pitts = {
    .name = "mcculloch_pitts",
    .summary = "McCulloch and Pitts's unit, a step of the weighted sum of its inputs, as an event-driven neuron",
    .doc = "up = H(sum of w over the inputs that are on - theta)\n"
           "An arriving spike switches its input on. The first one begins a volley; all inputs are switched off when\n"
           "the volley is over, `window` after it began. The unit goes up, and spikes once, at the moment the sum\n"
           "reaches theta; it stays up for the rest of the volley, and what arrives meanwhile changes nothing.\n"
           "Inputs that arrive at one moment are summed before the threshold is tested.",
    .reference = "McCulloch, Pitts (1943) Bull. Math. Biophys. 5:115",
    .kind = HK_MODEL_NONLINEAR,
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .states = states,
    .state_count = sizeof states / sizeof *states,
    .ports = ports,
    .port_count = sizeof ports / sizeof *ports,
    .reset = reset,
    .series = series,
    .quiet = quiet,
    .receive = receive,
    .threshold = threshold,
    .refractory = refractory,
};
