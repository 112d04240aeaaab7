/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hillock inside a program of one's own: a hundred neurons that excite each other, driven by noise; their spikes come
 * to a function of the program. Build it with
 *
 *   cc example_embed.c -o example_embed $(pkg-config --cflags --libs hillock) */
#include <stdio.h>

#include <hillock/network.h>
#include <hillock/simulation.h>

static enum hk_status print_spikes(void *context, const struct hk_spike *spikes, size_t count)
{
  *(size_t *)context += count;
  for (size_t i = 0; i < count; i++)
    printf("%.9f %u\n", spikes[i].time, (unsigned)spikes[i].neuron);
  return HK_OK;
}

int main(void)
{
  struct hk_setting params[] = {{"tau_m", hk_value_constant(20.0)}, {"V_th", hk_value_uniform(-56.0, -54.0)}};
  struct hk_population_spec cells = {.name = "cells", .model = "iaf_psc_delta", .size = 100};
  cells.params = params;
  cells.param_count = 2;
  struct hk_projection_spec recurrent = {.rule = {HK_RULE_FIXED_INDEGREE, .number = 10}};
  recurrent.weight = hk_value_constant(0.2);
  recurrent.delay = hk_value_uniform(1.0, 2.0);
  struct hk_input_spec noise = {.kind = HK_INPUT_POISSON, .to = 1000.0};
  noise.rate = hk_value_constant(8000.0);
  noise.weight = hk_value_constant(0.1);

  struct hk_network *network = NULL;
  struct hk_simulation *sim = NULL;
  struct hk_options options = {.seed = 1};
  size_t count = 0;
  struct hk_sink sink = {.context = &count, .spikes = print_spikes};

  enum hk_status status = hk_network_create(&network);
  status = status ? status : hk_network_add_population(network, &cells, &recurrent.source, NULL, NULL);
  recurrent.target = noise.target = recurrent.source;
  status = status ? status : hk_network_add_projection(network, &recurrent, NULL, NULL, NULL);
  status = status ? status : hk_network_add_input(network, &noise, NULL, NULL, NULL);
  status = status ? status : hk_simulation_create(network, &options, &sim, NULL);
  if (!status) {
    hk_simulation_set_sink(sim, &sink);
    status = hk_simulation_run(sim, 500.0);
  }
  fprintf(stderr, "%zu spikes in 500 ms: %s\n", count, hk_status_message(status));
  hk_simulation_destroy(sim);
  hk_network_destroy(network);
  return status == HK_OK ? 0 : 1;
}
