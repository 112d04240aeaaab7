/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much one synaptic event moves a neuron's potential: two neurons of the regime's model side by side in the engine,
 * one of them given a small event, the largest distance between their potentials per unit of the port. */
#include "ann/probe.h"

#include <math.h>
#include <string.h>

static const double small = 1e-3;

struct watch {
  double largest;
};

static enum hk_status take(void *context, size_t trace, uint64_t first, const double *rows, size_t row_count)
{
  struct watch *watch = context;
  (void)trace;
  (void)first;
  for (size_t i = 0; i < row_count; i++)
    watch->largest = fmax(watch->largest, fabs(rows[2 * i] - rows[2 * i + 1]));
  return HK_OK;
}

/* The regime's parameters, a threshold that is still to be found out of reach. */
static size_t settings(const struct hk__regime *r, struct hk_setting *params)
{
  size_t count = 0;
  bool own = r->thresholds == HK__THRESHOLDS_OWN;
  for (size_t i = 0; i < r->param_count; i++)
    if (!own || strcmp(r->params[i].name, "V_th") != 0)
      params[count++] = r->params[i];
  if (own && count < HK_PARAMS_MAX)
    params[count++] = (struct hk_setting){"V_th", hk_value_constant(hk__regime_rest(r) + 1000.0)};
  return count;
}

static enum hk_status describe(const struct hk__regime *r, double interval, struct hk_network *network,
                               struct hk_messages *messages)
{
  const double times[] = {interval};
  const uint64_t offsets[] = {0, 1};
  const uint32_t source[] = {0}, target[] = {0}, both[] = {0, 1};
  const char *const variables[] = {hk_model_find(r->model)->states[0].name};
  struct hk_population_spec event = {
      .name = "event", .model = "spike_source", .size = 1, .trains = {.times = times, .offsets = offsets}};
  struct hk_setting params[HK_PARAMS_MAX];
  size_t param_count = settings(r, params);
  struct hk_population_spec pair = {
      .name = "pair", .model = r->model, .size = 2, .params = params, .param_count = param_count, .tree = r->tree};
  struct hk_projection_spec synapse = {
      .source = 0,
      .target = 1,
      .rule = {.kind = HK_RULE_PAIRS, .sources = source, .targets = target, .pair_count = 1},
      .weight = hk_value_constant(small),
      .delay = hk_value_constant(interval),
      .port = r->port_count > 0 ? r->ports[0] : NULL};
  struct hk_trace_spec trace = {.name = "pair",
                                .population = 1,
                                .neurons = both,
                                .neuron_count = 2,
                                .variables = variables,
                                .variable_count = 1,
                                .interval = interval};
  enum hk_status status = hk_network_add_population(network, &event, NULL, NULL, messages);
  if (status == HK_OK)
    status = hk_network_add_population(network, &pair, NULL, NULL, messages);
  if (status == HK_OK)
    status = hk_network_add_projection(network, &synapse, NULL, NULL, messages);
  return status == HK_OK ? hk_network_add_trace(network, &trace, NULL, NULL, messages) : status;
}

enum hk_status hk__regime_probe(const struct hk__regime *r, double fastest, double slowest, double *out,
                                struct hk_messages *messages)
{
  struct hk_network *network;
  struct hk_simulation *sim = NULL;
  struct watch watch = {0};
  double interval = fastest / 50.0;
  enum hk_status status = hk_network_create(&network);
  if (status != HK_OK)
    return status;
  status = describe(r, interval, network, messages);
  if (status == HK_OK)
    status = hk_simulation_create(network, &(struct hk_options){.threads = 1, .scheduler = HK_SCHEDULER_QUEUE}, &sim,
                                  messages);
  hk_network_destroy(network);
  if (status != HK_OK)
    return status;
  struct hk_sink sink = {.context = &watch, .trace = take};
  hk_simulation_set_sink(sim, &sink);
  status = hk_simulation_run(sim, 2.0 * interval + 4.0 * slowest);
  hk_simulation_destroy(sim);
  *out = watch.largest / small;
  return status;
}
