/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "flat.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int compare_synapses(const void *x, const void *y)
{
  const struct synapse *a = x, *b = y;
  if (a->source_population != b->source_population)
    return a->source_population < b->source_population ? -1 : 1;
  if (a->target_population != b->target_population)
    return a->target_population < b->target_population ? -1 : 1;
  if (a->source != b->source)
    return a->source < b->source ? -1 : 1;
  if (a->target != b->target)
    return a->target < b->target ? -1 : 1;
  if (a->port != b->port)
    return a->port < b->port ? -1 : 1;
  if (a->weight != b->weight)
    return a->weight < b->weight ? -1 : 1;
  return (a->delay > b->delay) - (a->delay < b->delay);
}

/* --- making --- */

struct hk_network *make_network(void)
{
  struct hk_network *network;
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  return network;
}

size_t add_population(struct hk_network *network, const char *name, const char *model, uint64_t size)
{
  struct hk_population_spec spec = {.name = name, .model = model, .size = size};
  uint64_t *offsets = calloc(size + 1, sizeof *offsets);
  if (strcmp(model, "spike_source") == 0)
    spec.trains.offsets = offsets;
  size_t index;
  ck_assert_int_eq(hk_network_add_population(network, &spec, &index, NULL, NULL), HK_OK);
  free(offsets);
  return index;
}

struct hk_projection_spec projection_of(size_t source, size_t target, enum hk_rule_kind kind, double number)
{
  return (struct hk_projection_spec){
      .source = source,
      .target = target,
      .rule = {.kind = kind, .number = number, .allow_autapses = true, .allow_multapses = true},
      .weight = hk_value_constant(1.0),
      .delay = hk_value_constant(1.5)};
}

void add_projection(struct hk_network *network, struct hk_projection_spec spec)
{
  struct hk_messages *messages;
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
  enum hk_status status = hk_network_add_projection(network, &spec, NULL, NULL, messages);
  ck_assert_msg(status == HK_OK, "%s", hk_messages_count(messages) ? hk_messages_get(messages, 0).text : "?");
  hk_messages_destroy(messages);
}

struct hk__connectome *build_connectome(const struct hk_network *network, int threads, double grid, uint32_t max_shard)
{
  struct hk__connectome *connectome = NULL;
  ck_assert_int_eq(hk__connectome_build(network, 77, threads, grid, max_shard, &connectome, NULL), HK_OK);
  return connectome;
}

/* --- laying out flat, checking the structure --- */

static uint32_t population_of(const struct hk__connectome *c, uint32_t engine)
{
  for (uint32_t p = 0; p < c->population_count; p++)
    if (engine >= c->first[p] && engine - c->first[p] < c->size[p])
      return p;
  ck_abort_msg("no population has neuron %u", engine);
}

static void assert_ordered(struct hk__synapse a, struct hk__synapse b)
{
  if (a.delay != b.delay)
    MUST(a.delay < b.delay);
  else if (a.target != b.target)
    MUST(a.target < b.target);
  else if (a.port != b.port)
    MUST(a.port < b.port);
  else
    MUST(a.weight <= b.weight);
}

static void flatten_block(const struct hk__connectome *c, const struct hk__block *block, struct flat *flat)
{
  const struct hk__shard *shard = &c->shards[block->shard];
  double min = INFINITY, max = 0;
  ck_assert_uint_eq(block->row[0], 0);
  for (uint32_t s = 0; s < c->size[block->source_population]; s++) {
    MUST(block->row[s] <= block->row[s + 1]);
    for (uint64_t i = block->row[s]; i < block->row[s + 1]; i++) {
      struct hk__synapse x = hk__block_synapse(block, i);
      MUST(x.target < shard->count && x.port < shard->model->port_count && x.delay > 0);
      if (i > block->row[s])
        assert_ordered(hk__block_synapse(block, i - 1), x);
      min = fmin(min, x.delay);
      max = fmax(max, x.delay);
      uint32_t engine = shard->first + x.target, population = population_of(c, engine);
      MUST(flat->count < c->synapse_count);
      flat->synapses[flat->count++] = (struct synapse){
          block->source_population, s, population, engine - c->first[population], x.port, x.weight, x.delay};
    }
  }
  MUST(block->row[c->size[block->source_population]] > 0);
  MUST(block->min_delay == min && block->max_delay == max);
  for (uint32_t k = 1; block->format == HK__INDEXED && k < block->code_count; k++)
    MUST(block->code[k - 1].delay <= block->code[k].delay);
}

struct flat flatten(const struct hk__connectome *c)
{
  struct flat flat = {malloc((c->synapse_count + 1) * sizeof *flat.synapses), 0};
  double min = INFINITY, max = 0;
  ck_assert_uint_eq(c->block_of[0], 0);
  ck_assert_uint_eq(c->block_of[c->population_count], c->block_count);
  for (uint32_t p = 0; p < c->population_count; p++)
    for (uint32_t b = c->block_of[p]; b < c->block_of[p + 1]; b++) {
      ck_assert_uint_eq(c->blocks[b].source_population, p);
      MUST(b == c->block_of[p] || c->blocks[b - 1].shard < c->blocks[b].shard);
      flatten_block(c, &c->blocks[b], &flat);
      min = fmin(min, c->blocks[b].min_delay);
      max = fmax(max, c->blocks[b].max_delay);
    }
  ck_assert_uint_eq(flat.count, c->synapse_count);
  MUST(flat.count == 0 ? c->min_delay == 0 && c->max_delay == 0 : c->min_delay == min && c->max_delay == max);
  qsort(flat.synapses, flat.count, sizeof *flat.synapses, compare_synapses);
  return flat;
}

struct flat flat_of(const struct hk_network *network)
{
  struct hk__connectome *connectome = build_connectome(network, 2, 0, 16);
  struct flat flat = flatten(connectome);
  hk__connectome_destroy(connectome);
  return flat;
}

struct hk_network *three_populations(void)
{
  struct hk_network *network = make_network();
  add_population(network, "exc", "iaf_psc_exp", N_EXC);
  add_population(network, "lgn", "spike_source", N_LGN);
  add_population(network, "inh", "iaf_psc_exp", N_INH);
  return network;
}

void assert_even(const double *counts, size_t n, const char *what)
{
  double total = 0, chi2 = 0;
  for (size_t i = 0; i < n; i++)
    total += counts[i];
  for (size_t i = 0; i < n; i++)
    chi2 += pow(counts[i] - total / (double)n, 2) / (total / (double)n);
  double p = gsl_cdf_chisq_Q(chi2, (double)n - 1);
  ck_assert_msg(p > 1e-4 && p < 1 - 1e-4, "%s: chi2 %g, p %g", what, chi2, p);
}
