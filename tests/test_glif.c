/* SPDX-License-Identifier: GPL-3.0-or-later */
/* glif_psc, GLIF 1 to 5: against a naive integration in small steps, and against closed forms.
 *
 * The rules are those that NEST documents for its model of that name. NEST knows time in steps only, and there differs:
 * it resets V_m from its value a step before the spike, takes the mean of an after-spike current over a step, and
 * rounds t_ref to steps. In the limit of small steps it comes to what is here. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "solo.h"
#include "suite.h"

enum { CURRENTS = 2, RECEPTORS = 4 };

/* What the test knows of a neuron; by the names of the model's documentation. */
struct glif {
  double V_th, g, E_L, C_m, t_ref, V_reset;
  double th_spike_add, th_spike_decay, reset_fraction, reset_add, th_voltage_index, th_voltage_decay;
  double init[CURRENTS], decay[CURRENTS], amps[CURRENTS], r[CURRENTS], tau[RECEPTORS];
  bool spike_threshold, currents, voltage_threshold;
  double I; /* constant, pA */
};

static unsigned long long rng;

static double draw(double low, double high)
{
  rng = rng * 6364136223846793005u + 1442695040888963407u;
  return low + (high - low) * ((double)(rng >> 11) * 0x1p-53);
}

/* kind: 1 to 5 */
static struct glif draw_glif(int kind)
{
  struct glif p = {.V_th = draw(-53, -48),
                   .g = draw(3, 10),
                   .E_L = draw(-80, -70),
                   .C_m = draw(50, 120),
                   .t_ref = draw(1, 5),
                   .V_reset = draw(-80, -60),
                   .th_spike_add = draw(0, 8),
                   .th_spike_decay = draw(0.005, 0.1),
                   .reset_fraction = draw(0, 0.6),
                   .reset_add = draw(-5, 6),
                   .th_voltage_index = draw(0, 0.02),
                   .th_voltage_decay = draw(0.02, 0.2),
                   .spike_threshold = kind == 2 || kind >= 4,
                   .currents = kind >= 3,
                   .voltage_threshold = kind == 5};
  for (int j = 0; j < CURRENTS; j++) {
    p.init[j] = draw(-5, 5);
    p.decay[j] = draw(0.003, 0.3);
    p.amps[j] = draw(-60, 5);
    p.r[j] = draw(0, 1);
  }
  for (int k = 0; k < RECEPTORS; k++)
    p.tau[k] = draw(1, 8);
  p.I = draw(1.5, 2.2) * p.g * (p.V_th - p.E_L);
  return p;
}

enum { PARAMS = 27 };

static size_t settings_of(const struct glif *p, struct hk_setting *out)
{
  const struct {
    const char *name;
    double value;
  } values[PARAMS] = {{"V_th", p->V_th},
                      {"g", p->g},
                      {"E_L", p->E_L},
                      {"C_m", p->C_m},
                      {"t_ref", p->t_ref},
                      {"V_reset", p->V_reset},
                      {"th_spike_add", p->th_spike_add},
                      {"th_spike_decay", p->th_spike_decay},
                      {"voltage_reset_fraction", p->reset_fraction},
                      {"voltage_reset_add", p->reset_add},
                      {"th_voltage_index", p->th_voltage_index},
                      {"th_voltage_decay", p->th_voltage_decay},
                      {"asc_init_1", p->init[0]},
                      {"asc_init_2", p->init[1]},
                      {"asc_decay_1", p->decay[0]},
                      {"asc_decay_2", p->decay[1]},
                      {"asc_amps_1", p->amps[0]},
                      {"asc_amps_2", p->amps[1]},
                      {"asc_r_1", p->r[0]},
                      {"asc_r_2", p->r[1]},
                      {"tau_syn_1", p->tau[0]},
                      {"tau_syn_2", p->tau[1]},
                      {"tau_syn_3", p->tau[2]},
                      {"tau_syn_4", p->tau[3]},
                      {"spike_dependent_threshold", p->spike_threshold},
                      {"after_spike_currents", p->currents},
                      {"adapting_threshold", p->voltage_threshold}};
  for (size_t i = 0; i < PARAMS; i++)
    out[i] = (struct hk_setting){values[i].name, hk_value_constant(values[i].value)};
  return PARAMS;
}

static void add_current(struct solo *solo, double amplitude)
{
  solo->inputs[solo->input_count++] =
      (struct hk_input_spec){.kind = HK_INPUT_DC, .to = INFINITY, .amplitude = hk_value_constant(amplitude)};
}

/* --- the naive integration --- */

enum { V, ASC, TH_SPIKE = ASC + CURRENTS, TH_VOLTAGE, SYN, DSYN = SYN + RECEPTORS, STATES = DSYN + RECEPTORS };

static void slope(const struct glif *p, bool held, const double *y, double *dy)
{
  double current = p->I;
  for (int j = 0; j < CURRENTS; j++) {
    current += p->currents ? y[ASC + j] : 0;
    dy[ASC + j] = held ? 0 : -p->decay[j] * y[ASC + j];
  }
  for (int k = 0; k < RECEPTORS; k++) {
    current += y[SYN + k];
    dy[SYN + k] = y[DSYN + k] - y[SYN + k] / p->tau[k];
    dy[DSYN + k] = -y[DSYN + k] / p->tau[k];
  }
  dy[V] = held ? 0 : (current - p->g * (y[V] - p->E_L)) / p->C_m;
  dy[TH_SPIKE] = held ? 0 : -p->th_spike_decay * y[TH_SPIKE];
  double pull = p->voltage_threshold ? p->th_voltage_index * (y[V] - p->E_L) : 0;
  dy[TH_VOLTAGE] = held ? 0 : pull - p->th_voltage_decay * y[TH_VOLTAGE];
}

/* A step of Runge and Kutta's. */
static void step(const struct glif *p, bool held, double h, double *y)
{
  double k[4][STATES], at[STATES];
  static const double part[] = {0, 0.5, 0.5, 1};
  for (int s = 0; s < 4; s++) {
    for (int i = 0; i < STATES; i++)
      at[i] = y[i] + (s > 0 ? part[s] * h * k[s - 1][i] : 0);
    slope(p, held, at, k[s]);
  }
  for (int i = 0; i < STATES; i++)
    y[i] += h / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
}

static double above(const struct glif *p, const double *y)
{
  double threshold = p->V_th;
  if (p->spike_threshold)
    threshold += y[TH_SPIKE];
  if (p->voltage_threshold)
    threshold += y[TH_VOLTAGE];
  return y[V] - threshold;
}

static void spike(const struct glif *p, double *y)
{
  for (int j = 0; j < CURRENTS; j++)
    y[ASC + j] = p->amps[j] + p->r[j] * y[ASC + j] * exp(-p->decay[j] * p->t_ref);
  if (p->spike_threshold) {
    y[V] = p->E_L + p->reset_fraction * (y[V] - p->E_L) + p->reset_add;
    y[TH_SPIKE] = y[TH_SPIKE] * exp(-p->th_spike_decay * p->t_ref) + p->th_spike_add;
  } else
    y[V] = p->V_reset;
}

struct event {
  double time, weight;
  int port;
};

/* Spike times, and the states at 0, interval, ...: rows. */
static size_t integrate(const struct glif *p, const struct event *events, size_t event_count, double duration,
                        double interval, double *times, size_t room, double *rows)
{
  const double longest = 0.005;
  double y[STATES] = {p->E_L, p->init[0], p->init[1]}, now = 0, release = -INFINITY;
  size_t spikes = 0, event = 0, row = 0;
  while (now < duration) {
    double sample = (double)row * interval, next = fmin(now + longest, duration);
    bool held = release > now;
    if (now >= sample) {
      memcpy(rows + row++ * STATES, y, sizeof y);
      continue;
    }
    next = fmin(next, sample);
    next = held ? fmin(next, release) : next;
    next = event < event_count ? fmin(next, events[event].time) : next;
    double before[STATES], low = 0, high = next - now;
    memcpy(before, y, sizeof y);
    step(p, held, high, y);
    if (!held && above(p, y) > 0) {
      for (int i = 0; i < 60; i++) {
        double middle = 0.5 * (low + high);
        memcpy(y, before, sizeof y);
        step(p, false, middle, y);
        if (above(p, y) > 0)
          high = middle;
        else
          low = middle;
      }
      memcpy(y, before, sizeof y);
      step(p, false, high, y);
      next = now + high;
      ck_assert_uint_lt(spikes, room);
      times[spikes++] = next;
      spike(p, y);
      release = next + p->t_ref;
    }
    now = next;
    for (; event < event_count && events[event].time <= now; event++)
      y[DSYN + events[event].port] += events[event].weight * exp(1) / p->tau[events[event].port];
  }
  return spikes;
}

enum { EVENTS = 120 };

static int by_time(const void *a, const void *b)
{
  const struct event *x = a, *y = b;
  return (x->time > y->time) - (x->time < y->time);
}

/* Events into all receptors, as trains of the neuron and in one list. */
static void draw_events(struct solo *solo, struct event *events, double duration)
{
  static const char *const ports[] = {"1", "2", "3", "4"};
  const double delay = 0.5;
  size_t n = 0;
  solo->train_count = RECEPTORS;
  for (int k = 0; k < RECEPTORS; k++) {
    struct solo_train *train = &solo->trains[k];
    size_t count = EVENTS / RECEPTORS;
    *train = (struct solo_train){malloc(count * sizeof(double)), count, k == 1 ? draw(-150, -50) : draw(20, 150), delay,
                                 ports[k]};
    for (size_t i = 0; i < count; i++) {
      train->times[i] = (duration - 1) * ((double)i + draw(0, 1)) / (double)count;
      events[n++] = (struct event){train->times[i] + delay, train->weight, k};
    }
  }
  qsort(events, n, sizeof *events, by_time);
}

START_TEST(naive_integration)
{
  enum { ROOM = 400 };
  const double duration = 250, interval = 1;
  int kind = 1 + _i % 5;
  rng = 77 + (unsigned)_i;
  struct glif p = draw_glif(kind);
  struct hk_setting params[PARAMS];
  struct event events[EVENTS];
  struct solo solo = {.model = "glif_psc",
                      .params = params,
                      .param_count = settings_of(&p, params),
                      .duration = duration,
                      .trace_interval = interval};
  draw_events(&solo, events, duration);
  add_current(&solo, p.I);
  double times[ROOM], *rows = calloc((size_t)(duration / interval + 2) * STATES, sizeof *rows), worst = 0, off = 0;
  size_t spikes = integrate(&p, events, EVENTS, duration, interval, times, ROOM, rows);
  ck_assert_uint_gt(spikes, 3);
  for (int s = 0; s < 2; s++) {
    solo.scheduler = s ? HK_SCHEDULER_WINDOWS : HK_SCHEDULER_QUEUE;
    struct spike_list list = solo_run(&solo);
    ck_assert_uint_eq(list.count, spikes);
    for (size_t i = 0; i < spikes; i++)
      worst = fmax(worst, fabs(list.times[i] - times[i]));
    ck_assert_uint_ge(list.row_count, (size_t)(duration / interval));
    for (size_t r = 0; r < (size_t)(duration / interval); r++)
      for (int i = 0; i < STATES; i++)
        off = fmax(off, fabs(list.rows[r * STATES + (size_t)i] - rows[r * STATES + (size_t)i]));
    free(list.times);
    free(list.rows);
  }
  printf("GLIF %d: %zu spikes, %.1e ms off, states %.1e\n", kind, spikes, worst, off);
  ck_assert(worst < 1e-9);
  ck_assert(off < 1e-8);
  for (int k = 0; k < RECEPTORS; k++)
    free(solo.trains[k].times);
  free(rows);
}
END_TEST

/* --- closed forms --- */

static struct spike_list run_steady(const struct glif *p, double duration, double interval, enum hk_scheduler scheduler)
{
  struct hk_setting params[PARAMS];
  struct solo solo = {.model = "glif_psc",
                      .params = params,
                      .param_count = settings_of(p, params),
                      .duration = duration,
                      .trace_interval = interval,
                      .scheduler = scheduler};
  add_current(&solo, p->I);
  return solo_run(&solo);
}

static const enum hk_scheduler schedulers[] = {HK_SCHEDULER_QUEUE, HK_SCHEDULER_WINDOWS};

/* GLIF 1 under a constant current spikes at equal intervals. */
START_TEST(regular_firing)
{
  rng = 5;
  struct glif p = draw_glif(1);
  double tau = p.C_m / p.g, top = p.E_L + p.I / p.g;
  double first = tau * log((top - p.E_L) / (top - p.V_th));
  double interval = tau * log((top - p.V_reset) / (top - p.V_th)) + p.t_ref;
  struct spike_list list = run_steady(&p, 500, 0, schedulers[_i]);
  ck_assert_uint_gt(list.count, 8);
  for (size_t i = 0; i < list.count; i++)
    ck_assert_double_eq_tol(list.times[i], first + (double)i * interval, 1e-9);
  free(list.times);
  p.I = p.g * (p.V_th - p.E_L) * (1 - 1e-9); /* comes arbitrarily near */
  list = run_steady(&p, 500, 0, schedulers[_i]);
  ck_assert_uint_eq(list.count, 0);
}
END_TEST

/* What spikes leave behind is a sum over them: a spike at t_n has added to an after-spike
 * current, and to the threshold, at the end of its refractory period. */
START_TEST(sums_over_spikes)
{
  rng = 11;
  struct glif p = draw_glif(4);
  const double interval = 0.5;
  struct spike_list list = run_steady(&p, 300, interval, schedulers[_i]);
  ck_assert_uint_gt(list.count, 5);
  size_t row = list.row_count - 1, last = list.count;
  double at = interval * (double)row;
  while (last > 0 && list.times[last - 1] + p.t_ref > at) { /* to before a spike whose period is not over */
    row = (size_t)(list.times[--last] / interval);
    at = interval * (double)row;
  }
  ck_assert_uint_gt(last, 3);
  double threshold = 0;
  for (size_t n = 0; n < last; n++)
    threshold += p.th_spike_add * exp(-p.th_spike_decay * (at - list.times[n] - p.t_ref));
  ck_assert_double_eq_tol(list.rows[row * STATES + TH_SPIKE], threshold, 1e-9);
  for (int j = 0; j < CURRENTS; j++) {
    double sum = p.init[j] * pow(p.r[j], (double)last) * exp(-p.decay[j] * at);
    for (size_t n = 0; n < last; n++)
      sum += p.amps[j] * pow(p.r[j], (double)(last - 1 - n)) * exp(-p.decay[j] * (at - list.times[n] - p.t_ref));
    ck_assert_double_eq_tol(list.rows[row * STATES + (size_t)(ASC + j)], sum, 1e-9);
  }
  free(list.times);
  free(list.rows);
}
END_TEST

/* GLIF 2: while refractory V_m stands where the rule puts it, from the threshold that was reached. */
START_TEST(reset_rule)
{
  rng = 21;
  struct glif p = draw_glif(2);
  const double interval = 0.05;
  struct spike_list list = run_steady(&p, 200, interval, schedulers[_i]);
  size_t seen = 0;
  ck_assert_uint_gt(list.count, 3);
  double threshold = 0, since = 0;
  for (size_t n = 0; n < list.count; n++) {
    double at = list.times[n], reached = p.V_th + threshold * exp(-p.th_spike_decay * (at - since));
    double reset = p.E_L + p.reset_fraction * (reached - p.E_L) + p.reset_add;
    threshold = (reached - p.V_th) * exp(-p.th_spike_decay * p.t_ref) + p.th_spike_add;
    since = at + p.t_ref;
    for (size_t row = (size_t)(at / interval) + 1; row < list.row_count && interval * (double)row < since;
         row++, seen++) {
      ck_assert_double_eq_tol(list.rows[row * STATES + V], reset, 1e-9);
      ck_assert_double_eq_tol(list.rows[row * STATES + TH_SPIKE], threshold, 1e-9);
    }
  }
  ck_assert_uint_gt(seen, 50);
  free(list.times);
  free(list.rows);
}
END_TEST

/* GLIF 5 at rest under a current too weak: V_m and the threshold that follows it come to a = th_voltage_index /
 * th_voltage_decay times the depolarisation. */
START_TEST(threshold_follows_voltage)
{
  rng = 31;
  struct glif p = draw_glif(5);
  p.I = 0.5 * p.g * (p.V_th - p.E_L);
  p.th_voltage_decay = 0.1;
  struct spike_list list = run_steady(&p, 6000, 6000, schedulers[_i]);
  ck_assert_uint_eq(list.count, 0);
  const double *row = list.rows + STATES;
  ck_assert_double_eq_tol(row[V], p.E_L + p.I / p.g, 1e-5);
  ck_assert_double_eq_tol(row[TH_VOLTAGE], p.th_voltage_index / p.th_voltage_decay * (row[V] - p.E_L), 1e-5);
  free(list.rows);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("glif");
  TCase *tcase = tcase_create("glif");
  tcase_set_timeout(tcase, 120);
  tcase_add_loop_test(tcase, naive_integration, 0, 20);
  tcase_add_loop_test(tcase, regular_firing, 0, 2);
  tcase_add_loop_test(tcase, sums_over_spikes, 0, 2);
  tcase_add_loop_test(tcase, reset_rule, 0, 2);
  tcase_add_loop_test(tcase, threshold_follows_voltage, 0, 2);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
