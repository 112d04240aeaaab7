/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules of connection against naive enumerations of what each promises. */
#include "flat.h"
#include "suite.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

START_TEST(one_to_one)
{
  struct hk_network *network = three_populations();
  double weights[N_INH];
  for (int i = 0; i < N_INH; i++)
    weights[i] = i - 11.3;
  struct hk_projection_spec spec = projection_of(INH, INH, HK_RULE_ONE_TO_ONE, 0);
  spec.weight = hk_value_list(weights, N_INH);
  add_projection(network, spec);
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
  struct hk_projection_spec spec = projection_of(EXC, EXC, HK_RULE_ALL_TO_ALL, 0);
  spec.rule.allow_autapses = autapses;
  add_projection(network, spec);
  add_projection(network, projection_of(LGN, INH, HK_RULE_ALL_TO_ALL, 0));
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
  struct hk_projection_spec spec = projection_of(EXC, INH, HK_RULE_PAIRS, 0);
  spec.rule.sources = sources;
  spec.rule.targets = targets;
  spec.rule.pair_count = COUNT;
  spec.weight = hk_value_list(weights, COUNT);
  spec.delay = hk_value_list(delays, COUNT);
  add_projection(network, spec);
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
  struct hk_projection_spec spec =
      projection_of(EXC, EXC, in ? HK_RULE_FIXED_INDEGREE : HK_RULE_FIXED_OUTDEGREE, degree);
  spec.rule.allow_autapses = autapses;
  spec.rule.allow_multapses = multapses;
  add_projection(network, spec);
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
  struct hk_projection_spec spec = projection_of(EXC, EXC, HK_RULE_FIXED_TOTAL_NUMBER, number);
  spec.rule.allow_autapses = autapses;
  spec.rule.allow_multapses = multapses;
  add_projection(network, spec);
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
  struct hk_projection_spec spec = projection_of(EXC, EXC, HK_RULE_FIXED_TOTAL_NUMBER, numbers[_i]);
  spec.rule.allow_autapses = spec.rule.allow_multapses = false;
  add_projection(network, spec);
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
  struct hk_projection_spec spec = projection_of(0, 1, HK_RULE_FIXED_TOTAL_NUMBER, NUMBER);
  spec.rule.allow_multapses = multapses;
  add_projection(network, spec);
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
  struct hk_projection_spec spec = projection_of(0, 0, HK_RULE_PAIRWISE_BERNOULLI, p);
  spec.rule.allow_autapses = false;
  add_projection(network, spec);
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
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
