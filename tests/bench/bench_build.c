/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long it takes to build a connectome, and how much memory: the Potjans-Diesmann microcircuit (2014, Cereb. Cortex
 * 24:785), normally distributed weights and delays, rule fixed_total_number.
 *
 *   bench_build [SCALE [THREADS [MAX_SHARD]]]     SCALE of numbers of neurons and of in-degrees, 0.1 by default */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "net/build.h"

enum { POPULATIONS = 8 };

static const char *const names[POPULATIONS] = {"L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"};
static const double sizes[POPULATIONS] = {20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948};
/* [target][source] */
static const double probability[POPULATIONS][POPULATIONS] = {
    {0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0},
    {0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0},
    {0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0},
    {0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0},
    {0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0},
    {0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0},
    {0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252},
    {0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443},
};

static double seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* in-degrees are scaled by `scale` too, so synapses by its square */
static enum hk_status describe(struct hk_network *network, double scale, struct hk_messages *messages)
{
  for (int i = 0; i < POPULATIONS; i++) {
    struct hk_population_spec spec = {.name = names[i], .model = "iaf_psc_exp", .size = (uint64_t)(sizes[i] * scale)};
    enum hk_status status = hk_network_add_population(network, &spec, NULL, NULL, messages);
    if (status)
      return status;
  }
  for (int t = 0; t < POPULATIONS; t++)
    for (int s = 0; s < POPULATIONS; s++) {
      double p = probability[t][s], n = floor(sizes[s] * scale), m = floor(sizes[t] * scale);
      if (p == 0.0)
        continue;
      double weight = (s % 2 ? -4.0 : 1.0) * (t == 0 && s == 2 ? 2.0 : 1.0) * 87.8, delay = s % 2 ? 0.75 : 1.5;
      struct hk_projection_spec spec = {
          .source = (size_t)s,
          .target = (size_t)t,
          .rule = {.kind = HK_RULE_FIXED_TOTAL_NUMBER, .allow_autapses = true, .allow_multapses = true},
          .weight = hk_value_normal(weight, 0.1 * fabs(weight), s % 2 ? -INFINITY : 0.0, s % 2 ? 0.0 : INFINITY),
          .delay = hk_value_normal(delay, 0.5 * delay, 0.1, INFINITY)};
      spec.rule.number = round(log1p(-p) / log1p(-1.0 / (sizes[s] * sizes[t])) * (n * m) / (sizes[s] * sizes[t]));
      enum hk_status status = hk_network_add_projection(network, &spec, NULL, NULL, messages);
      if (status)
        return status;
    }
  return HK_OK;
}

static int tell(const struct hk_messages *messages, enum hk_status status)
{
  for (size_t i = 0; i < hk_messages_count(messages); i++)
    fprintf(stderr, "%s\n", hk_messages_get(messages, i).text);
  fprintf(stderr, "%s\n", hk_status_message(status));
  return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
  double scale = argc > 1 ? atof(argv[1]) : 0.1;
  int threads = argc > 2 ? atoi(argv[2]) : 0;
  struct hk_messages *messages;
  struct hk_network *network;
  if (hk_messages_create(&messages) || hk_network_create(&network))
    return EXIT_FAILURE;
  enum hk_status status = describe(network, scale, messages);
  uint32_t max_shard = argc > 3 ? (uint32_t)atoi(argv[3]) : hk__shard_limit(network, 0);
  struct hk__connectome *connectome;
  double begin = seconds();
  if (!status)
    status = hk__connectome_build(network, 1, threads, 0.0, max_shard, &connectome, messages);
  if (status)
    return tell(messages, status);
  double took = seconds() - begin;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double synapses = (double)connectome->synapse_count;
  printf("%zu neurons, %.0f synapses, %zu blocks: %.2f s, %.1f ns a synapse; %.3f GB, %.2f bytes a synapse; peak %.3f "
         "GB\n",
         connectome->neuron_count, synapses, connectome->block_count, took, 1e9 * took / synapses,
         1e-9 * (double)connectome->bytes, (double)connectome->bytes / synapses, 1.024e-6 * (double)usage.ru_maxrss);
  hk__connectome_destroy(connectome);
  hk_network_destroy(network);
  hk_messages_destroy(messages);
  return EXIT_SUCCESS;
}
