/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connectomes against naive enumerations of what each rule promises. A built connectome is laid out flat as a sorted
 * list of synapses, checked on the way for all that core/connectome.h says of rows and blocks. */
#include <check.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/build.h"

/* ck_assert leaves a mark for each assertion, which is slow where there are millions of them. */
#define MUST(condition)               \
  do {                                \
    if (!(condition))                 \
      ck_abort_msg("%s", #condition); \
  } while (0)

struct synapse {
  uint32_t source_population, source, target_population, target, port;
  double weight, delay;
};

struct flat {
  struct synapse *synapses;
  size_t count;
};

static int compare_synapses(const void *x, const void *y)
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

static struct hk_network *make_network(void)
{
  struct hk_network *network;
  ck_assert_int_eq(hk_network_create(&network), HK_OK);
  return network;
}

static size_t add_population(struct hk_network *network, const char *name, const char *model, uint64_t size)
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

static struct hk_projection_spec projection(size_t source, size_t target, enum hk_rule_kind kind, double number)
{
  return (struct hk_projection_spec){
      .source = source,
      .target = target,
      .rule = {.kind = kind, .number = number, .allow_autapses = true, .allow_multapses = true},
      .weight = hk_value_constant(1.0),
      .delay = hk_value_constant(1.5)};
}

static void add(struct hk_network *network, struct hk_projection_spec spec)
{
  struct hk_messages *messages;
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
  enum hk_status status = hk_network_add_projection(network, &spec, NULL, NULL, messages);
  ck_assert_msg(status == HK_OK, "%s", hk_messages_count(messages) ? hk_messages_get(messages, 0).text : "?");
  hk_messages_destroy(messages);
}

static struct hk__connectome *build(const struct hk_network *network, int threads, double grid, uint32_t max_shard)
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

static struct flat flatten(const struct hk__connectome *c)
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

static struct flat flat_of(const struct hk_network *network)
{
  struct hk__connectome *connectome = build(network, 2, 0, 16);
  struct flat flat = flatten(connectome);
  hk__connectome_destroy(connectome);
  return flat;
}

/* Two populations of one model with a source between them and another model: more than one shard of each. */
enum { N_EXC = 50, N_INH = 23, N_LGN = 11 };

static struct hk_network *three_populations(void)
{
  struct hk_network *network = make_network();
  add_population(network, "exc", "iaf_psc_exp", N_EXC);
  add_population(network, "lgn", "spike_source", N_LGN);
  add_population(network, "inh", "iaf_psc_exp", N_INH);
  return network;
}
enum { EXC, LGN, INH };

/* --- rules --- */

START_TEST(one_to_one)
{
  struct hk_network *network = three_populations();
  double weights[N_INH];
  for (int i = 0; i < N_INH; i++)
    weights[i] = i - 11.3;
  struct hk_projection_spec spec = projection(INH, INH, HK_RULE_ONE_TO_ONE, 0);
  spec.weight = hk_value_list(weights, N_INH);
  add(network, spec);
  struct flat flat = flat_of(network);
  ck_assert_uint_eq(flat.count, N_INH);
  for (uint32_t i = 0; i < N_INH; i++) {
    MUST(flat.synapses[i].source == i && flat.synapses[i].target == i && flat.synapses[i].weight == weights[i]);
    ck_assert_uint_eq(flat.synapses[i].port, weights[i] < 0);
  }
  free(flat.synapses);
  hk_network_destroy(network);
}
END_TEST

START_TEST(all_to_all)
{
  bool autapses = _i;
  struct hk_network *network = three_populations();
  struct hk_projection_spec spec = projection(EXC, EXC, HK_RULE_ALL_TO_ALL, 0);
  spec.rule.allow_autapses = autapses;
  add(network, spec);
  add(network, projection(LGN, INH, HK_RULE_ALL_TO_ALL, 0));
  struct flat flat = flat_of(network);
  size_t n = 0;
  for (uint32_t s = 0; s < N_EXC; s++)
    for (uint32_t t = 0; t < N_EXC; t++)
      if (autapses || s != t) {
        MUST(flat.synapses[n].source == s && flat.synapses[n].target == t);
        n++;
      }
  for (uint32_t s = 0; s < N_LGN; s++)
    for (uint32_t t = 0; t < N_INH; t++, n++)
      MUST(flat.synapses[n].source_population == LGN && flat.synapses[n].source == s &&
           flat.synapses[n].target_population == INH && flat.synapses[n].target == t);
  ck_assert_uint_eq(n, flat.count);
  free(flat.synapses);
  hk_network_destroy(network);
}
END_TEST

START_TEST(given_pairs)
{
  enum { COUNT = 400 };
  uint32_t sources[COUNT], targets[COUNT];
  double weights[COUNT], delays[COUNT];
  struct synapse expected[COUNT];
  for (uint32_t i = 0; i < COUNT; i++) {
    sources[i] = (i * 7919u + 13) % N_EXC;
    targets[i] = (i * i + 3 * i) % N_INH;
    weights[i] = sin((double)i) / 3;
    delays[i] = 0.1 + 0.01 * (double)(i % 17);
    expected[i] = (struct synapse){EXC, sources[i], INH, targets[i], weights[i] < 0, weights[i], delays[i]};
  }
  qsort(expected, COUNT, sizeof *expected, compare_synapses);
  struct hk_network *network = three_populations();
  struct hk_projection_spec spec = projection(EXC, INH, HK_RULE_PAIRS, 0);
  spec.rule.sources = sources;
  spec.rule.targets = targets;
  spec.rule.pair_count = COUNT;
  spec.weight = hk_value_list(weights, COUNT);
  spec.delay = hk_value_list(delays, COUNT);
  add(network, spec);
  struct flat flat = flat_of(network);
  ck_assert_uint_eq(flat.count, COUNT);
  for (size_t i = 0; i < COUNT; i++)
    ck_assert_int_eq(compare_synapses(&flat.synapses[i], &expected[i]), 0);
  free(flat.synapses);
  hk_network_destroy(network);
}
END_TEST

/* How often each source, target and pair occurs. */
struct tally {
  double source[64], target[64], pair[64][64];
};

static struct tally tally_of(const struct flat *flat)
{
  struct tally tally;
  memset(&tally, 0, sizeof tally);
  for (size_t i = 0; i < flat->count; i++) {
    tally.source[flat->synapses[i].source]++;
    tally.target[flat->synapses[i].target]++;
    tally.pair[flat->synapses[i].source][flat->synapses[i].target]++;
  }
  return tally;
}

/* chi-square of n counts that should be about equal, over `skip`ped self pairs if square */
static void assert_even(const double *counts, size_t n, const char *what)
{
  double total = 0, chi2 = 0;
  for (size_t i = 0; i < n; i++)
    total += counts[i];
  for (size_t i = 0; i < n; i++)
    chi2 += pow(counts[i] - total / (double)n, 2) / (total / (double)n);
  double p = gsl_cdf_chisq_Q(chi2, (double)n - 1);
  ck_assert_msg(p > 1e-4 && p < 1 - 1e-4, "%s: chi2 %g, p %g", what, chi2, p);
}

static void assert_allowed(const struct tally *tally, bool autapses, bool multapses)
{
  double most = 0, self = 0;
  for (int s = 0; s < 64; s++) {
    self += tally->pair[s][s];
    for (int t = 0; t < 64; t++)
      most = fmax(most, tally->pair[s][t]);
  }
  ck_assert_msg(autapses ? self > 0 : self == 0, "%g autapses", self);
  ck_assert_msg(multapses ? most > 1 : most <= 1, "%g multapses", most);
}

/* All four combinations of options, for a low and a high number of partners. */
START_TEST(fixed_degrees)
{
  bool in = _i & 1, autapses = _i & 2, multapses = _i & 4;
  uint32_t degree = _i & 8 ? 40 : 12;
  struct hk_network *network = three_populations();
  struct hk_projection_spec spec = projection(EXC, EXC, in ? HK_RULE_FIXED_INDEGREE : HK_RULE_FIXED_OUTDEGREE, degree);
  spec.rule.allow_autapses = autapses;
  spec.rule.allow_multapses = multapses;
  add(network, spec);
  struct flat flat = flat_of(network);
  ck_assert_uint_eq(flat.count, N_EXC * degree);
  struct tally tally = tally_of(&flat);
  for (int i = 0; i < N_EXC; i++)
    ck_assert_uint_eq((uint32_t)(in ? tally.target[i] : tally.source[i]), degree);
  assert_allowed(&tally, autapses, multapses);
  if (multapses)
    assert_even(in ? tally.source : tally.target, N_EXC, "the other side");
  free(flat.synapses);
  hk_network_destroy(network);
}
END_TEST

START_TEST(fixed_total_number)
{
  bool autapses = _i & 1, multapses = _i & 2;
  uint32_t number = _i & 4 ? 2300 : 700;
  struct hk_network *network = three_populations();
  struct hk_projection_spec spec = projection(EXC, EXC, HK_RULE_FIXED_TOTAL_NUMBER, number);
  spec.rule.allow_autapses = autapses;
  spec.rule.allow_multapses = multapses;
  add(network, spec);
  struct flat flat = flat_of(network);
  ck_assert_uint_eq(flat.count, number);
  struct tally tally = tally_of(&flat);
  assert_allowed(&tally, autapses, multapses);
  if (multapses) {
    assert_even(tally.source, N_EXC, "sources");
    assert_even(tally.target, N_EXC, "targets");
  }
  free(flat.synapses);
  hk_network_destroy(network);
}
END_TEST

/* Numbers at the edge of what can be: every pair, all but one, one, none. */
START_TEST(fixed_total_number_edges)
{
  static const uint32_t numbers[] = {N_EXC * (N_EXC - 1), N_EXC * (N_EXC - 1) - 1, 1, 0};
  struct hk_network *network = three_populations();
  struct hk_projection_spec spec = projection(EXC, EXC, HK_RULE_FIXED_TOTAL_NUMBER, numbers[_i]);
  spec.rule.allow_autapses = spec.rule.allow_multapses = false;
  add(network, spec);
  struct flat flat = flat_of(network);
  ck_assert_uint_eq(flat.count, numbers[_i]);
  for (size_t i = 1; i < flat.count; i++)
    MUST(flat.synapses[i].source != flat.synapses[i].target &&
         compare_synapses(&flat.synapses[i - 1], &flat.synapses[i]) < 0);
  free(flat.synapses);
  hk_network_destroy(network);
}
END_TEST

/* The split of a total over targets, over many seeds: mean and variance of one target's share, and of two targets'
 * covariance, as the multinomial (hypergeometric) distribution has them. */
START_TEST(fixed_total_number_is_multinomial)
{
  enum { RUNS = 4000, SOURCES = 6, TARGETS = 4, NUMBER = 12 };
  bool multapses = _i;
  struct hk_network *network = make_network();
  add_population(network, "a", "iaf_psc_exp", SOURCES);
  add_population(network, "b", "iaf_psc_exp", TARGETS);
  struct hk_projection_spec spec = projection(0, 1, HK_RULE_FIXED_TOTAL_NUMBER, NUMBER);
  spec.rule.allow_multapses = multapses;
  add(network, spec);
  double sum = 0, squares = 0, products = 0, pairs[SOURCES * TARGETS] = {0};
  for (uint64_t seed = 0; seed < RUNS; seed++) {
    struct hk__connectome *c = NULL;
    ck_assert_int_eq(hk__connectome_build(network, seed, 1, 0, 16, &c, NULL), HK_OK);
    struct flat flat = flatten(c);
    double count[TARGETS] = {0};
    for (size_t i = 0; i < flat.count; i++) {
      count[flat.synapses[i].target]++;
      pairs[flat.synapses[i].source * TARGETS + flat.synapses[i].target]++;
    }
    sum += count[0];
    squares += count[0] * count[0];
    products += count[0] * count[1];
    free(flat.synapses);
    hk__connectome_destroy(c);
  }
  double p = 1.0 / TARGETS, mean = NUMBER * p;
  double shrink = multapses ? 1.0 : (double)(SOURCES * TARGETS - NUMBER) / (SOURCES * TARGETS - 1);
  double variance = NUMBER * p * (1 - p) * shrink, covariance = -NUMBER * p * p * shrink;
  double got_mean = sum / RUNS, got_variance = squares / RUNS - got_mean * got_mean;
  ck_assert_double_eq_tol(got_mean, mean, 5 * sqrt(variance / RUNS));
  ck_assert_double_eq_tol(got_variance, variance, 5 * variance * sqrt(3.0 / RUNS));
  ck_assert_double_eq_tol(products / RUNS - mean * mean, covariance, 5 * variance * sqrt(3.0 / RUNS));
  for (int i = 0; i < SOURCES * TARGETS; i++)
    ck_assert_double_eq_tol(pairs[i] / RUNS, (double)NUMBER / (SOURCES * TARGETS), 5 * sqrt(0.5 / RUNS));
  hk_network_destroy(network);
}
END_TEST

START_TEST(pairwise_bernoulli)
{
  static const double probabilities[] = {0.0, 0.02, 0.3, 0.97, 1.0};
  double p = probabilities[_i];
  struct hk_network *network = make_network();
  enum { SIZE = 400, CELLS = 20 };
  add_population(network, "a", "iaf_psc_exp", SIZE);
  struct hk_projection_spec spec = projection(0, 0, HK_RULE_PAIRWISE_BERNOULLI, p);
  spec.rule.allow_autapses = false;
  add(network, spec);
  struct flat flat = flat_of(network);
  double pairs_count = SIZE * (SIZE - 1), sd = sqrt(pairs_count * p * (1 - p));
  ck_assert_double_eq_tol((double)flat.count, p * pairs_count, 4 * sd + 1e-9);
  /* counts in squares of pairs off the diagonal */
  double counts[CELLS][CELLS] = {{0}}, chi2 = 0, cell = SIZE / CELLS * (SIZE / CELLS);
  for (size_t i = 0; i < flat.count; i++) {
    const struct synapse *s = &flat.synapses[i];
    MUST(s->source != s->target && (i == 0 || compare_synapses(s - 1, s) < 0));
    counts[s->source * CELLS / SIZE][s->target * CELLS / SIZE]++;
  }
  for (int i = 0; i < CELLS; i++)
    for (int j = 0; j < CELLS; j++)
      chi2 += i == j || sd == 0 ? 0 : pow(counts[i][j] - p * cell, 2) / (p * (1 - p) * cell);
  double tail = gsl_cdf_chisq_Q(chi2, CELLS * (CELLS - 1));
  ck_assert_msg(sd == 0 || (tail > 1e-4 && tail < 1 - 1e-4), "p %g: chi2 %g", p, chi2);
  free(flat.synapses);
  hk_network_destroy(network);
}
END_TEST

/* --- values --- */

static void fill_mixed(struct hk_network *network)
{
  static const enum hk_rule_kind kinds[] = {HK_RULE_FIXED_INDEGREE, HK_RULE_FIXED_OUTDEGREE, HK_RULE_FIXED_TOTAL_NUMBER,
                                            HK_RULE_PAIRWISE_BERNOULLI, HK_RULE_ALL_TO_ALL};
  static const double numbers[] = {30, 40, 5000, 0.2, 0};
  add_population(network, "a", "iaf_psc_exp", 300);
  add_population(network, "lgn", "poisson", 40);
  add_population(network, "d", "iaf_psc_delta", 111);
  add_population(network, "b", "iaf_psc_exp", 150);
  static const size_t targets[] = {0, 3, 2};
  static const size_t sources[] = {0, 1, 2, 3};
  for (size_t i = 0; i < 60; i++) {
    size_t k = i % 5, s = sources[i % 4], t = targets[i % 3];
    struct hk_projection_spec spec = projection(s, t, kinds[k], numbers[k]);
    spec.rule.allow_autapses = i % 2;
    if (i / 20 == 0)
      spec.weight = hk_value_normal(1, 2, -INFINITY, INFINITY);
    if (i / 20 != 1)
      spec.delay = hk_value_normal(1.5, 0.75, 0.1, INFINITY);
    add(network, spec);
  }
}

static void assert_same_bytes(const struct hk__connectome *a, const struct hk__connectome *b)
{
  ck_assert_uint_eq(a->block_count, b->block_count);
  ck_assert_uint_eq(a->synapse_count, b->synapse_count);
  ck_assert_uint_eq(a->bytes, b->bytes);
  for (size_t i = 0; i < a->block_count; i++) {
    const struct hk__block *x = &a->blocks[i], *y = &b->blocks[i];
    uint32_t sources = a->size[x->source_population];
    static const size_t width[] = {sizeof(struct hk__indexed), sizeof(struct hk__compact), sizeof(struct hk__wide)};
    MUST(x->format == y->format && x->source_population == y->source_population && x->shard == y->shard);
    MUST(x->min_delay == y->min_delay && x->max_delay == y->max_delay && x->code_count == y->code_count);
    ck_assert_mem_eq(x->row, y->row, (sources + 1) * sizeof *x->row);
    ck_assert_mem_eq(x->synapses, y->synapses, x->row[sources] * width[x->format]);
  }
}

/* Enough synapses that several threads get several chunks of a block. */
START_TEST(same_bytes_for_any_threads)
{
  double grid = _i ? 0.1 : 0;
  static const int threads[] = {2, 3, 8};
  struct hk_network *network = make_network();
  fill_mixed(network);
  add_population(network, "big", "iaf_psc_exp", 2000);
  struct hk_projection_spec spec = projection(4, 4, HK_RULE_FIXED_INDEGREE, 200);
  spec.delay = hk_value_uniform(1, 2);
  add(network, spec);
  struct hk__connectome *one = build(network, 1, grid, 1000);
  for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
    struct hk__connectome *many = build(network, threads[i], grid, 1000);
    assert_same_bytes(one, many);
    hk__connectome_destroy(many);
  }
  hk__connectome_destroy(one);
  hk_network_destroy(network);
}
END_TEST

START_TEST(same_synapses_for_any_shards)
{
  static const uint32_t cuts[] = {9, 100, HK__SHARD_MAX};
  struct hk_network *network = make_network();
  fill_mixed(network);
  struct hk__connectome *c = build(network, 2, 0, 64);
  struct flat expected = flatten(c);
  hk__connectome_destroy(c);
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
    c = build(network, 2, 0, cuts[i]);
    uint32_t end = 0;
    for (size_t s = 0; s < c->shard_count; s++) {
      ck_assert_uint_eq(c->shards[s].first, end);
      MUST(c->shards[s].count > 0 && c->shards[s].count <= cuts[i]);
      end += c->shards[s].count;
    }
    ck_assert_uint_eq(end, 561);
    struct flat flat = flatten(c);
    ck_assert_uint_eq(flat.count, expected.count);
    for (size_t k = 0; k < flat.count; k++)
      MUST(compare_synapses(&flat.synapses[k], &expected.synapses[k]) == 0);
    free(flat.synapses);
    hk__connectome_destroy(c);
  }
  free(expected.synapses);
  hk_network_destroy(network);
}
END_TEST

START_TEST(engine_order)
{
  struct hk_network *network = make_network();
  fill_mixed(network);
  struct hk__connectome *c = build(network, 1, 0, 64);
  static const uint32_t first[] = {0, 561, 450, 300};
  for (int p = 0; p < 4; p++)
    ck_assert_uint_eq(c->first[p], first[p]);
  ck_assert_uint_eq(c->neuron_count, 601);
  hk__connectome_destroy(c);
  hk_network_destroy(network);
}
END_TEST

/* One projection, or two into the same block; what the block must be stored as. */
struct storage {
  const char *what;
  struct hk_value weight, delay, weight2, delay2;
  double grid;
  enum hk__format format;
};

static const double two_lists[2][3] = {{0.1, 0.3, 0.7}, {1.0, 2.0, 4.0}};

#define CONSTANT(x)                                                        \
  {                                                                        \
    .kind = HK_VALUE_CONSTANT, .a = (x), .min = -INFINITY, .max = INFINITY \
  }
#define NORMAL(m, s)                                                                 \
  {                                                                                  \
    .kind = HK_VALUE_NORMAL, .a = (m), .b = (s), .min = (m)-3 * (s), .max = INFINITY \
  }
static const struct storage storages[] = {
    {"constants", CONSTANT(0.1), CONSTANT(1.1), CONSTANT(-0.3), CONSTANT(0.7), 0, HK__INDEXED},
    {"drawn delays", CONSTANT(0.1), NORMAL(1.5, 0.4), CONSTANT(0.1), NORMAL(0.75, 0.2), 0, HK__COMPACT},
    {"drawn delays, two weights", CONSTANT(0.1), NORMAL(1.5, 0.4), CONSTANT(-0.2), NORMAL(0.75, 0.2), 0, HK__COMPACT},
    {"drawn weights", NORMAL(0.1, 0.01), CONSTANT(1.1), NORMAL(-0.3, 0.05), CONSTANT(1.1), 0, HK__COMPACT},
    {"all drawn", NORMAL(0.1, 0.01), NORMAL(1.5, 0.4), NORMAL(-0.3, 0.05), NORMAL(0.75, 0.2), 0, HK__COMPACT},
    {"weights that share no scale", CONSTANT(0.1), NORMAL(1.5, 0.4), CONSTANT(0.3), NORMAL(1.5, 0.4), 0, HK__WIDE},
    {"constant beside drawn", CONSTANT(0.1), NORMAL(1.5, 0.4), NORMAL(0.1, 0.01), CONSTANT(1.1), 0, HK__WIDE},
    {"delays on a grid", CONSTANT(0.1), NORMAL(1.5, 0.4), CONSTANT(-0.3), NORMAL(0.75, 0.2), 0.1, HK__INDEXED},
    {"all drawn, on a grid", NORMAL(0.1, 0.01), NORMAL(1.5, 0.4), NORMAL(0.3, 0.01), CONSTANT(1.1), 0.1, HK__COMPACT},
};

/* Weights and delays of the two projections, put apart by sign or left together. */
static bool exact(double x, const struct hk_value *v, double grid)
{
  if (grid > 0)
    return x == grid * round(x / grid) && (v->kind != HK_VALUE_CONSTANT || fabs(x - v->a) <= grid / 2);
  return v->kind == HK_VALUE_CONSTANT ? x == v->a : x == (double)(float)x && x >= (double)(float)v->min;
}

START_TEST(formats)
{
  const struct storage *storage = &storages[_i];
  struct hk_network *network = make_network();
  add_population(network, "a", "iaf_psc_exp", 40);
  struct hk_projection_spec spec = projection(0, 0, HK_RULE_FIXED_INDEGREE, 50);
  spec.weight = storage->weight;
  spec.delay = storage->delay;
  add(network, spec);
  spec.weight = storage->weight2;
  spec.delay = storage->delay2;
  add(network, spec);
  struct hk__connectome *c = build(network, 2, storage->grid, 64);
  ck_assert_uint_eq(c->block_count, 1);
  ck_assert_msg(c->blocks[0].format == storage->format, "%s: format %d", storage->what, (int)c->blocks[0].format);
  struct flat flat = flatten(c);
  size_t first = 0, second = 0;
  for (size_t i = 0; i < flat.count; i++) {
    const struct synapse *s = &flat.synapses[i];
    bool a = exact(s->weight, &storage->weight, 0) && exact(s->delay, &storage->delay, storage->grid);
    bool b = exact(s->weight, &storage->weight2, 0) && exact(s->delay, &storage->delay2, storage->grid);
    first += a;
    second += b;
    ck_assert_msg(a || b, "%s: weight %.17g, delay %.17g", storage->what, s->weight, s->delay);
    ck_assert_uint_eq(s->port, s->weight < 0);
  }
  MUST(first >= 2000 && second >= 2000);
  free(flat.synapses);
  hk__connectome_destroy(c);
  hk_network_destroy(network);
}
END_TEST

START_TEST(formats_of_lists)
{
  static const enum hk__format expected[2][2] = {{HK__INDEXED, HK__INDEXED}, {HK__WIDE, HK__COMPACT}};
  enum { COUNT = 6000 };
  bool many = _i & 1, floats = _i & 2;
  static uint32_t zero[COUNT], source[COUNT];
  static double weights[COUNT];
  for (uint32_t i = 0; i < COUNT; i++) {
    source[i] = i % 10;
    weights[i] = many ? (floats ? (double)(float)(1.0 / (i + 1)) : 1.0 / (i + 1)) : two_lists[floats][i % 3];
  }
  struct hk_network *network = make_network();
  add_population(network, "a", "iaf_psc_exp", 10);
  struct hk_projection_spec spec = projection(0, 0, HK_RULE_PAIRS, 0);
  spec.rule.sources = source;
  spec.rule.targets = zero;
  spec.rule.pair_count = COUNT;
  spec.weight = hk_value_list(weights, COUNT);
  add(network, spec);
  struct hk__connectome *c = build(network, 2, 0, 64);
  ck_assert_int_eq(c->blocks[0].format, expected[many][floats]);
  struct flat flat = flatten(c);
  double sum = 0, expected_sum = 0;
  for (size_t i = 0; i < COUNT; i++) {
    sum += flat.synapses[i].weight * (1.0 + flat.synapses[i].source);
    expected_sum += weights[i] * (1.0 + source[i]);
  }
  ck_assert_double_eq_tol(sum, expected_sum, 1e-9 * fabs(expected_sum));
  free(flat.synapses);
  hk__connectome_destroy(c);
  hk_network_destroy(network);
}
END_TEST

START_TEST(named_port)
{
  struct hk_network *network = three_populations();
  struct hk_projection_spec spec = projection(EXC, INH, HK_RULE_ALL_TO_ALL, 0);
  spec.port = "inhibitory";
  add(network, spec);
  struct flat flat = flat_of(network);
  for (size_t i = 0; i < flat.count; i++)
    ck_assert_uint_eq(flat.synapses[i].port, 1);
  free(flat.synapses);
  hk_network_destroy(network);
}
END_TEST

/* Distributions of drawn weights, by their quantiles. */
static double quantile_of(const struct hk_value *v, double x)
{
  switch (v->kind) {
  case HK_VALUE_UNIFORM:
    return (x - v->a) / (v->b - v->a);
  case HK_VALUE_NORMAL: {
    double low = gsl_cdf_ugaussian_P((v->min - v->a) / v->b), high = gsl_cdf_ugaussian_P((v->max - v->a) / v->b);
    return (gsl_cdf_ugaussian_P((x - v->a) / v->b) - low) / (high - low);
  }
  case HK_VALUE_LOGNORMAL:
    return gsl_cdf_lognormal_P(x / v->scale, v->a, v->b);
  default:
    return gsl_cdf_exponential_P(x, v->a);
  }
}

START_TEST(distributions)
{
  enum { CELLS = 50 };
  const struct hk_value values[] = {
      hk_value_uniform(-3, 5),
      hk_value_normal(2, 1, 1.5, 4),
      hk_value_normal(0, 1, -INFINITY, INFINITY),
      {.kind = HK_VALUE_LOGNORMAL, .a = 0.3, .b = 0.6, .min = -INFINITY, .max = INFINITY, .scale = 2.5},
      {.kind = HK_VALUE_EXPONENTIAL, .a = 3, .min = -INFINITY, .max = INFINITY}};
  struct hk_network *network = make_network();
  add_population(network, "a", "iaf_psc_exp", 200);
  struct hk_projection_spec spec = projection(0, 0, HK_RULE_FIXED_INDEGREE, 300);
  spec.weight = values[_i];
  add(network, spec);
  struct flat flat = flat_of(network);
  double counts[CELLS] = {0};
  for (size_t i = 0; i < flat.count; i++) {
    double q = quantile_of(&values[_i], flat.synapses[i].weight);
    MUST(q >= -1e-6 && q <= 1 + 1e-6);
    counts[(int)fmin(fmax(q * CELLS, 0), CELLS - 1)]++;
  }
  assert_even(counts, CELLS, "weights");
  free(flat.synapses);
  hk_network_destroy(network);
}
END_TEST

/* Weight and delay of a synapse, and weights of neighbouring synapses and targets, have nothing to do with each other;
 * nor do two projections of the same kind. */
START_TEST(independence)
{
  struct hk_network *network = make_network();
  add_population(network, "a", "iaf_psc_exp", 300);
  struct hk_projection_spec spec = projection(0, 0, HK_RULE_ALL_TO_ALL, 0);
  spec.weight = hk_value_uniform(-1, 1);
  spec.delay = hk_value_uniform(1, 3);
  add(network, spec);
  spec.weight = hk_value_uniform(9, 11);
  add(network, spec);
  struct flat flat = flat_of(network);
  size_t n = flat.count / 2;
  double *w = malloc(n * sizeof *w), *d = malloc(n * sizeof *d), *v = malloc(n * sizeof *v);
  for (size_t i = 0; i < flat.count; i++) {
    const struct synapse *s = &flat.synapses[i];
    size_t pair = (size_t)s->source * 300 + s->target;
    if (s->weight < 2) {
      w[pair] = s->weight;
      d[pair] = s->delay - 2;
    } else
      v[pair] = s->weight - 10;
  }
  double wd = 0, wv = 0, ww_next = 0, ww_below = 0;
  for (size_t i = 0; i < n; i++) {
    wd += w[i] * d[i];
    wv += w[i] * v[i];
    ww_next += w[i] * w[(i + 1) % n];
    ww_below += w[i] * w[(i + 300) % n];
  }
  double bound = 4 * sqrt((double)n) / 3;
  MUST(fabs(wd) < bound && fabs(wv) < bound && fabs(ww_next) < bound && fabs(ww_below) < bound);
  free(w);
  free(d);
  free(v);
  free(flat.synapses);
  hk_network_destroy(network);
}
END_TEST

/* The prediction against what is built. */
START_TEST(estimates)
{
  double grid = _i ? 0.1 : 0;
  struct hk_network *network = make_network();
  fill_mixed(network);
  add_population(network, "big", "iaf_psc_exp", 3000);
  struct hk_projection_spec spec = projection(4, 4, HK_RULE_PAIRWISE_BERNOULLI, 0.03);
  spec.delay = hk_value_normal(1.5, 0.5, 0.1, INFINITY);
  add(network, spec);
  add(network, projection(3, 4, HK_RULE_FIXED_INDEGREE, 100));
  struct hk__connectome *c = build(network, 2, grid, 1000);
  struct hk__connectome_size size;
  MUST(hk__connectome_estimate(network, grid, 1000, &size) == HK_OK);
  ck_assert_double_eq_tol(size.synapses, (double)c->synapse_count, 0.01 * (double)c->synapse_count);
  ck_assert_double_eq_tol(size.bytes, (double)c->bytes, 0.03 * (double)c->bytes);
  struct hk_estimate estimate;
  MUST(hk_network_estimate(network, grid, &estimate) == HK_OK);
  ck_assert_uint_eq(estimate.neurons, c->neuron_count);
  ck_assert_uint_gt(estimate.bytes, c->bytes);
  hk__connectome_destroy(c);
  hk_network_destroy(network);
}
END_TEST

/* --- faults --- */

START_TEST(impossible_draws)
{
  struct hk_network *network = make_network();
  add_population(network, "a", "iaf_psc_exp", 300);
  add(network, projection(0, 0, HK_RULE_ALL_TO_ALL, 0));
  struct hk_projection_spec spec = projection(0, 0, HK_RULE_ALL_TO_ALL, 0);
  spec.weight = hk_value_normal(3e38, 1e37, -INFINITY, INFINITY); /* some are beyond the largest float */
  add(network, spec);
  char first[512] = "";
  for (int threads = 1; threads <= 3; threads++) {
    struct hk__connectome *c = NULL;
    struct hk_messages *messages;
    ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
    ck_assert_int_eq(hk__connectome_build(network, 77, threads, 0, 64, &c, messages), HK_ERR_INPUT);
    ck_assert_ptr_null(c);
    ck_assert_uint_eq(hk_messages_errors(messages), 1);
    const char *text = hk_messages_get(messages, 0).text;
    ck_assert_msg(threads == 1 || strcmp(text, first) == 0, "%s", text);
    snprintf(first, sizeof first, "%s", text);
    hk_messages_destroy(messages);
  }
  ck_assert_ptr_nonnull(strstr(first, "`a` -> `a`"));
  hk_network_destroy(network);
}
END_TEST

START_TEST(empty_networks)
{
  struct hk_network *network = make_network();
  struct hk__connectome *c = build(network, 2, 0, 64);
  MUST(c->block_count == 0 && c->neuron_count == 0 && c->synapse_count == 0 && c->min_delay == 0);
  hk__connectome_destroy(c);
  add_population(network, "a", "iaf_psc_exp", 5);
  add(network, projection(0, 0, HK_RULE_FIXED_INDEGREE, 0));
  c = build(network, 2, 0, 64);
  MUST(c->block_count == 0 && c->neuron_count == 5 && c->synapse_count == 0 && c->shard_count == 1);
  hk__connectome_destroy(c);
  hk_network_destroy(network);
  hk__connectome_destroy(NULL);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("connectome");
  TCase *tests = tcase_create("connectome");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, one_to_one);
  tcase_add_loop_test(tests, all_to_all, 0, 2);
  tcase_add_test(tests, given_pairs);
  tcase_add_loop_test(tests, fixed_degrees, 0, 16);
  tcase_add_loop_test(tests, fixed_total_number, 0, 8);
  tcase_add_loop_test(tests, fixed_total_number_edges, 0, 4);
  tcase_add_loop_test(tests, fixed_total_number_is_multinomial, 0, 2);
  tcase_add_loop_test(tests, pairwise_bernoulli, 0, 5);
  tcase_add_loop_test(tests, same_bytes_for_any_threads, 0, 2);
  tcase_add_test(tests, same_synapses_for_any_shards);
  tcase_add_test(tests, engine_order);
  tcase_add_loop_test(tests, formats, 0, sizeof storages / sizeof *storages);
  tcase_add_loop_test(tests, formats_of_lists, 0, 4);
  tcase_add_test(tests, named_port);
  tcase_add_loop_test(tests, distributions, 0, 5);
  tcase_add_test(tests, independence);
  tcase_add_loop_test(tests, estimates, 0, 2);
  tcase_add_test(tests, impossible_draws);
  tcase_add_test(tests, empty_networks);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
