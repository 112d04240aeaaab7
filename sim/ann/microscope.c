/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One unit and one neuron under the same summed input.
 *
 * The unit has excitatory inputs of weight 1 and inhibitory ones of weight -1. A sum is made in many ways: how many
 * inhibitory inputs are on is drawn, and which. Copies of the neuron see the same inputs and differ in what the regime
 * draws for each neuron (delays, noise). */
#include <gsl/gsl_blas.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <stdlib.h>

#include "ann/comparison.h"
#include "core/random.h"

enum { POINTS_MAX = 64 };

void hk__response_clear(struct hk__response *r)
{
  free(r->sum);
  free(r->probability);
  free(r->spikes);
  free(r->trials);
  *r = (struct hk__response){0};
}

static enum hk_status response_init(struct hk__response *r, size_t count)
{
  *r = (struct hk__response){.count = count};
  r->sum = calloc(count, sizeof *r->sum);
  r->probability = calloc(count, sizeof *r->probability);
  r->spikes = calloc(count, sizeof *r->spikes);
  r->trials = calloc(count, sizeof *r->trials);
  r->midpoint = r->steepness = r->midpoint_error = r->steepness_error = NAN;
  return r->sum && r->probability && r->spikes && r->trials ? HK_OK : HK_ERR_MEMORY;
}

/* --- the samples --- */

/* Switches `on` of the inputs first .. first + count on, each with an intensity of its own. */
static void choose(struct hk__stream *stream, float *value, size_t first, size_t count, size_t on)
{
  for (size_t i = 0, left = on; i < count && left > 0; i++)
    if (hk__stream_below(stream, count - i) < left) {
      value[first + i] = (float)(1.0 - 0.98 * hk__stream_uniform(stream));
      left--;
    }
}

static enum hk_status make_samples(const struct hk__microscope_section *m, uint64_t seed, const struct hk__response *r,
                                   struct hk__samples *samples)
{
  size_t features = m->excitatory + m->inhibitory;
  enum hk_status status = hk__samples_init(samples, r->count * m->repeats, features);
  for (size_t s = 0; status == HK_OK && s < samples->count; s++) {
    struct hk__stream stream;
    hk__stream_init(&stream, seed, HK__FOR_ENCODING, UINT32_MAX, s, 0);
    size_t sum = (size_t)r->sum[s / m->repeats], room = m->excitatory - sum;
    size_t most = m->inhibitory < room ? m->inhibitory : room, against = hk__stream_below(&stream, most + 1);
    float *value = samples->value + s * features;
    choose(&stream, value, 0, m->excitatory, sum + against);
    choose(&stream, value, m->excitatory, m->inhibitory, against);
  }
  return status;
}

static enum hk_status make_unit(const struct hk__microscope_section *m, struct hk__stepnet *net)
{
  size_t sizes[2] = {m->excitatory + m->inhibitory, m->copies};
  enum hk_status status = hk__stepnet_init(net, sizes, 1);
  for (size_t j = 0; status == HK_OK && j < m->copies; j++) {
    net->layers[0].threshold[j] = m->threshold;
    for (size_t i = 0; i < sizes[0]; i++)
      net->layers[0].weight[j * sizes[0] + i] = i < m->excitatory ? 1.0 : -1.0;
  }
  return status;
}

static void gather(const struct hk__microscope_section *m, const struct hk__result *result, size_t on,
                   struct hk__response *r)
{
  for (size_t s = 0; s < result->samples; s++) {
    size_t at = s / m->repeats;
    for (size_t j = 0; j < m->copies; j++) {
      uint8_t spikes = result->spike_count[s * m->copies + j];
      r->probability[at] += spikes >= on;
      r->spikes[at] += spikes;
      r->trials[at]++;
    }
  }
  for (size_t i = 0; i < r->count; i++) {
    r->probability[i] /= (double)r->trials[i];
    r->spikes[i] /= (double)r->trials[i];
  }
}

/* Sums from 0 to twice the threshold, as far as the inputs allow. */
static enum hk_status pick_sums(const struct hk__microscope_section *m, struct hk__response *r)
{
  double top = fmin(ceil(2.0 * m->threshold), (double)m->excitatory);
  double step = fmax(1.0, ceil(top / (POINTS_MAX - 1)));
  enum hk_status status = response_init(r, (size_t)(top / step) + 1);
  for (size_t i = 0; status == HK_OK && i < r->count; i++)
    r->sum[i] = (double)i * step;
  return status;
}

enum hk_status hk__microscope_look(const struct hk_comparison *c, const struct hk__plan_run *run,
                                   struct hk__response *out, struct hk_messages *messages)
{
  const struct hk__microscope_section *m = &c->plan.microscope;
  struct hk__response r = {0};
  struct hk__samples samples = {0};
  struct hk__stepnet net = {0};
  struct hk__result result = {0};
  struct hk__encoder encoder = {0};
  struct hk__regime regime = run->regime;
  bool exact;
  const char *why_not;
  enum hk_status status = pick_sums(m, &r);
  if (status == HK_OK)
    status = make_samples(m, c->plan.seed, &r, &samples);
  if (status == HK_OK)
    status = make_unit(m, &net);
  if (status == HK_OK)
    status = hk__encoder_init(&encoder, HK__CODE_LEVELS, m->excitatory + m->inhibitory, (const double[]){0.001}, 1);
  if (status == HK_OK) {
    regime.threads = c->threads;
    status = hk__regime_complete(&regime, &net, &run->place, &exact, &why_not, messages);
  }
  if (status == HK_OK)
    status = hk__regime_run(&regime, &net, &encoder, &samples, 0, NULL, &result, messages);
  if (status == HK_OK) {
    gather(m, &result, regime.on, &r);
    hk__response_fit(&r);
    *out = r;
  } else {
    hk__response_clear(&r);
  }
  hk__result_clear(&result);
  hk__encoder_clear(&encoder);
  hk__stepnet_clear(&net);
  hk__samples_clear(&samples);
  return status;
}

/* --- the fit --- */

/* Parameters: midpoint, logarithm of the steepness. */
static int residuals(const gsl_vector *x, void *context, gsl_vector *f)
{
  const struct hk__response *r = context;
  double midpoint = gsl_vector_get(x, 0), steepness = exp(gsl_vector_get(x, 1));
  for (size_t i = 0; i < r->count; i++)
    gsl_vector_set(f, i, 1.0 / (1.0 + exp(-steepness * (r->sum[i] - midpoint))) - r->probability[i]);
  return GSL_SUCCESS;
}

static int slopes(const gsl_vector *x, void *context, gsl_matrix *jacobian)
{
  const struct hk__response *r = context;
  double midpoint = gsl_vector_get(x, 0), steepness = exp(gsl_vector_get(x, 1));
  for (size_t i = 0; i < r->count; i++) {
    double d = r->sum[i] - midpoint, p = 1.0 / (1.0 + exp(-steepness * d)), slope = p * (1.0 - p) * steepness;
    gsl_matrix_set(jacobian, i, 0, -slope);
    gsl_matrix_set(jacobian, i, 1, slope * d);
  }
  return GSL_SUCCESS;
}

/* Where the response first reaches a level, between two sums; NAN if it never does. */
static double crossing(const struct hk__response *r, double level)
{
  for (size_t i = 1; i < r->count; i++)
    if (r->probability[i - 1] < level && r->probability[i] >= level)
      return r->sum[i - 1] + (level - r->probability[i - 1]) / (r->probability[i] - r->probability[i - 1]) *
                                 (r->sum[i] - r->sum[i - 1]);
  return NAN;
}

static bool only_steps(const struct hk__response *r)
{
  for (size_t i = 0; i < r->count; i++)
    if (r->probability[i] != 0.0 && r->probability[i] != 1.0)
      return false;
  return true;
}

static void take_fit(struct hk__response *r, gsl_multifit_nlinear_workspace *w)
{
  const gsl_vector *x = gsl_multifit_nlinear_position(w), *f = gsl_multifit_nlinear_residual(w);
  gsl_matrix *covariance = gsl_matrix_alloc(2, 2);
  double squares;
  if (!covariance)
    return;
  gsl_blas_ddot(f, f, &squares);
  gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(w), 0.0, covariance);
  double scale = squares / (double)(r->count - 2);
  r->midpoint = gsl_vector_get(x, 0);
  r->steepness = exp(gsl_vector_get(x, 1));
  r->midpoint_error = sqrt(scale * gsl_matrix_get(covariance, 0, 0));
  r->steepness_error = r->steepness * sqrt(scale * gsl_matrix_get(covariance, 1, 1));
  gsl_matrix_free(covariance);
}

void hk__response_fit(struct hk__response *r)
{
  double middle = crossing(r, 0.5), low = crossing(r, 0.25), high = crossing(r, 0.75);
  if (isnan(middle) || r->count < 4)
    return;
  if (only_steps(r)) {
    r->midpoint = middle;
    r->steepness = INFINITY;
    return;
  }
  double width = high > low ? high - low : 0.5;
  double start[2] = {middle, log(2.0 * log(3.0) / width)};
  gsl_multifit_nlinear_parameters parameters = gsl_multifit_nlinear_default_parameters();
  gsl_multifit_nlinear_fdf problem = {.f = residuals, .df = slopes, .n = r->count, .p = 2, .params = r};
  gsl_error_handler_t *handler = gsl_set_error_handler_off();
  gsl_multifit_nlinear_workspace *w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &parameters, r->count, 2);
  gsl_vector_view x = gsl_vector_view_array(start, 2);
  int info;
  if (w && gsl_multifit_nlinear_init(&x.vector, &problem, w) == GSL_SUCCESS &&
      gsl_multifit_nlinear_driver(200, 1e-10, 1e-10, 0.0, NULL, NULL, &info, w) == GSL_SUCCESS)
    take_fit(r, w);
  gsl_set_error_handler(handler);
  if (w)
    gsl_multifit_nlinear_free(w);
}
