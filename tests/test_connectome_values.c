/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weights, delays and ports of a connectome: how they are stored, drawn, and independent of threads and shards. */
#include "flat.h"
#include "suite.h"

#include <gsl/gsl_cdf.h>
#include <hillock/simulation.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    struct hk_projection_spec spec = projection_of(s, t, kinds[k], numbers[k]);
    spec.rule.allow_autapses = i % 2;
    if (i / 20 == 0)
      spec.weight = hk_value_normal(1, 2, -INFINITY, INFINITY);
    if (i / 20 != 1)
      spec.delay = hk_value_normal(1.5, 0.75, 0.1, INFINITY);
    add_projection(network, spec);
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
    static const size_t width[] = {[HK__INDEXED] = sizeof(struct hk__indexed),
                                   [HK__TIGHT] = sizeof(struct hk__tight),
                                   [HK__COMPACT] = sizeof(struct hk__compact),
                                   [HK__WIDE] = sizeof(struct hk__wide)};
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
  struct hk_projection_spec spec = projection_of(4, 4, HK_RULE_FIXED_INDEGREE, 200);
  spec.delay = hk_value_uniform(1, 2);
  add_projection(network, spec);
  struct hk__connectome *one = build_connectome(network, 1, grid, 1000);
  for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
    struct hk__connectome *many = build_connectome(network, threads[i], grid, 1000);
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
  struct hk__connectome *c = build_connectome(network, 2, 0, 64);
  struct flat expected = flatten(c);
  hk__connectome_destroy(c);
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
    c = build_connectome(network, 2, 0, cuts[i]);
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
  struct hk__connectome *c = build_connectome(network, 1, 0, 64);
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
    {"one port", NORMAL(0.1, 0.01), NORMAL(1.5, 0.4), NORMAL(0.3, 0.05), NORMAL(1.4, 0.4), 0, HK__TIGHT},
    {"two ports, bounded weights",
     {.kind = HK_VALUE_NORMAL, .a = 0.1, .b = 0.01, .min = 0, .max = INFINITY},
     NORMAL(1.5, 0.4),
     {.kind = HK_VALUE_NORMAL, .a = -0.3, .b = 0.05, .min = -INFINITY, .max = 0},
     NORMAL(1.4, 0.4),
     0,
     HK__COMPACT},
    {"one port, narrow delays", NORMAL(0.1, 0.01), NORMAL(1.5, 0.01), NORMAL(0.3, 0.05), CONSTANT(1.1), 0, HK__WIDE},
    {"one port, constant delay", NORMAL(0.1, 0.01), CONSTANT(1.1), NORMAL(0.3, 0.05), CONSTANT(1.1), 0, HK__TIGHT},
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
  struct hk_projection_spec spec = projection_of(0, 0, HK_RULE_FIXED_INDEGREE, 50);
  spec.weight = storage->weight;
  spec.delay = storage->delay;
  add_projection(network, spec);
  spec.weight = storage->weight2;
  spec.delay = storage->delay2;
  add_projection(network, spec);
  struct hk__connectome *c = build_connectome(network, 2, storage->grid, 64);
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
  static const enum hk__format expected[2][2] = {{HK__INDEXED, HK__INDEXED}, {HK__WIDE, HK__TIGHT}};
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
  struct hk_projection_spec spec = projection_of(0, 0, HK_RULE_PAIRS, 0);
  spec.rule.sources = source;
  spec.rule.targets = zero;
  spec.rule.pair_count = COUNT;
  spec.weight = hk_value_list(weights, COUNT);
  add_projection(network, spec);
  struct hk__connectome *c = build_connectome(network, 2, 0, 64);
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
  struct hk_projection_spec spec = projection_of(EXC, INH, HK_RULE_ALL_TO_ALL, 0);
  spec.port = "inhibitory";
  add_projection(network, spec);
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
  struct hk_projection_spec spec = projection_of(0, 0, HK_RULE_FIXED_INDEGREE, 300);
  spec.weight = values[_i];
  add_projection(network, spec);
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

/* Drawn delays are multiples of a tick where that is far below their spread, else floats; of their distribution either
 * way, and within its bounds. */
static const struct {
  struct hk_value delay;
  double tick; /* 0: none */
} ticked[] = {
    {{.kind = HK_VALUE_NORMAL, .a = 1.5, .b = 0.75, .min = 0.1, .max = INFINITY}, 0x1p-13},
    {{.kind = HK_VALUE_NORMAL, .a = 2, .b = 1, .min = 1.5, .max = 1.6}, 0x1p-15},
    {{.kind = HK_VALUE_NORMAL, .a = 1.5, .b = 1, .min = 1.50001, .max = 1.60001}, 0x1p-15}, /* bounds between ticks */
    {{.kind = HK_VALUE_NORMAL, .a = 0, .b = 1, .min = 1e-9, .max = 0.1}, 0x1p-19},
    {{.kind = HK_VALUE_NORMAL, .a = 1.5, .b = 0.01, .min = 0.1, .max = INFINITY}, 0},
    {{.kind = HK_VALUE_UNIFORM, .a = 1, .b = 2, .min = -INFINITY, .max = INFINITY}, 0x1p-14},
    {{.kind = HK_VALUE_UNIFORM, .a = 100, .b = 101, .min = -INFINITY, .max = INFINITY}, 0},
    {{.kind = HK_VALUE_UNIFORM, .a = 1e-320, .b = 2e-320, .min = -INFINITY, .max = INFINITY}, 0},
    {{.kind = HK_VALUE_EXPONENTIAL, .a = 3, .min = -INFINITY, .max = INFINITY}, 0},
};

static bool whole(double x)
{
  return x == floor(x);
}

START_TEST(delays)
{
  enum { CELLS = 50 };
  const struct hk_value *delay = &ticked[_i].delay;
  double tick = ticked[_i].tick, counts[CELLS] = {0};
  size_t odd = 0, fine = 0;
  struct hk_network *network = make_network();
  add_population(network, "a", "iaf_psc_exp", 200);
  struct hk_projection_spec spec = projection_of(0, 0, HK_RULE_FIXED_INDEGREE, 2000);
  spec.rule.allow_multapses = true;
  spec.delay = *delay;
  add_projection(network, spec);
  struct flat flat = flat_of(network);
  for (size_t i = 0; i < flat.count; i++) {
    double d = flat.synapses[i].delay, q = quantile_of(delay, d);
    MUST(d > 0 && d == (double)(float)d);
    if (delay->kind == HK_VALUE_NORMAL)
      MUST(d >= (double)(float)delay->min && d <= delay->max);
    MUST(tick == 0 || whole(d / tick));
    odd += tick > 0 && !whole(d / (2 * tick));
    fine += !whole(d * 0x1p16);
    counts[(int)fmin(fmax(q * CELLS, 0), CELLS - 1)]++;
  }
  if (delay->a > 1e-300)
    assert_even(counts, CELLS, "delays");
  MUST(tick > 0 ? odd > flat.count / 3 : fine > flat.count / 3);
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
  struct hk_projection_spec spec = projection_of(0, 0, HK_RULE_ALL_TO_ALL, 0);
  spec.weight = hk_value_uniform(-1, 1);
  spec.delay = hk_value_uniform(1, 3);
  add_projection(network, spec);
  spec.weight = hk_value_uniform(9, 11);
  add_projection(network, spec);
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
  struct hk_projection_spec spec = projection_of(4, 4, HK_RULE_PAIRWISE_BERNOULLI, 0.03);
  spec.delay = hk_value_normal(1.5, 0.5, 0.1, INFINITY);
  add_projection(network, spec);
  add_projection(network, projection_of(3, 4, HK_RULE_FIXED_INDEGREE, 100));
  struct hk__connectome *c = build_connectome(network, 2, grid, 1000);
  struct hk__connectome_size size;
  MUST(hk__connectome_estimate(network, grid, 1000, &size) == HK_OK);
  ck_assert_double_eq_tol(size.synapses, (double)c->synapse_count, 0.01 * (double)c->synapse_count);
  ck_assert_double_eq_tol(size.bytes, (double)c->bytes, 0.03 * (double)c->bytes);
  ck_assert_uint_eq(size.shards, c->shard_count);
  struct hk_estimate estimate;
  MUST(hk_network_estimate(network, &(struct hk_options){.grid = grid}, &estimate) == HK_OK);
  ck_assert_uint_eq(estimate.neurons, c->neuron_count);
  ck_assert_uint_gt(estimate.bytes, c->bytes);
  hk__connectome_destroy(c);
  hk_network_destroy(network);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("connectome_values");
  TCase *tests = tcase_create("connectome_values");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, same_bytes_for_any_threads, 0, 2);
  tcase_add_test(tests, same_synapses_for_any_shards);
  tcase_add_test(tests, engine_order);
  tcase_add_loop_test(tests, formats, 0, sizeof storages / sizeof *storages);
  tcase_add_loop_test(tests, formats_of_lists, 0, 4);
  tcase_add_test(tests, named_port);
  tcase_add_loop_test(tests, distributions, 0, 5);
  tcase_add_loop_test(tests, delays, 0, sizeof ticked / sizeof *ticked);
  tcase_add_test(tests, independence);
  tcase_add_loop_test(tests, estimates, 0, 2);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
