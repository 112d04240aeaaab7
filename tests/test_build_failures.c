/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Describing and building with the 1st, 2nd, 3rd ... allocation failing, until none fails any more: each time the
 * status says so, nothing is handed out and nothing is left behind; likewise runs on a grid and in windows. */
#include <check.h>
#include <math.h>

#include "core/scheduler.h"
#include "failing_memory.h"
#include "net/assemble.h"
#include "net/build.h"
#include "suite.h"

static double list[] = {1, 2, 3, 4};
static uint32_t numbers[] = {3, 1, 0, 2};
static uint64_t ids[] = {5, 6, 7, 8}, offsets[] = {0, 1, 2, 2, 4};
static double times[] = {1, 2, 3, 4};

static enum hk_status add_populations(struct hk_network *network)
{
  struct hk_setting params = {"tau_m", hk_value_list(list, 4)}, init = {"V_m", hk_value_list(list, 4)};
  struct hk_population_spec spec = {.name = "a",
                                    .model = "iaf_psc_exp",
                                    .size = 4,
                                    .params = &params,
                                    .param_count = 1,
                                    .init = &init,
                                    .init_count = 1,
                                    .record_as = "other",
                                    .record_ids = ids};
  enum hk_status status = hk_network_add_population(network, &spec, NULL, NULL, NULL);
  spec = (struct hk_population_spec){.name = "s", .model = "spike_source", .size = 4, .trains = {times, offsets}};
  if (!status)
    status = hk_network_add_population(network, &spec, NULL, NULL, NULL);
  spec = (struct hk_population_spec){.name = "big", .model = "iaf_psc_exp", .size = 900};
  if (!status)
    status = hk_network_add_population(network, &spec, NULL, NULL, NULL);
  return status;
}

static enum hk_status add_projection(struct hk_network *network, size_t source, size_t target, enum hk_rule_kind kind,
                                     double number, struct hk_value weight, struct hk_value delay)
{
  struct hk_projection_spec spec = {.source = source,
                                    .target = target,
                                    .rule = {kind, number, true, kind == HK_RULE_FIXED_TOTAL_NUMBER, NULL, NULL, 0},
                                    .weight = weight,
                                    .delay = delay};
  if (kind == HK_RULE_PAIRS) {
    spec.rule.sources = spec.rule.targets = numbers;
    spec.rule.pair_count = 4;
  }
  return hk_network_add_projection(network, &spec, NULL, NULL, NULL);
}

static enum hk_status add_projections(struct hk_network *network)
{
  struct hk_value one = hk_value_constant(1), some = hk_value_list(list, 4);
  struct hk_value drawn = hk_value_normal(5, 1, 1, INFINITY);
  enum hk_status status = add_projection(network, 0, 0, HK_RULE_PAIRS, 0, some, some);
  if (!status)
    status = add_projection(network, 1, 0, HK_RULE_ONE_TO_ONE, 0, some, one);
  if (!status)
    status = add_projection(network, 2, 2, HK_RULE_FIXED_INDEGREE, 60, one, drawn);
  if (!status)
    status = add_projection(network, 1, 2, HK_RULE_FIXED_OUTDEGREE, 30, one, one);
  if (!status)
    status = add_projection(network, 0, 2, HK_RULE_FIXED_TOTAL_NUMBER, 300, drawn, one);
  return status;
}

static enum hk_status add_rest(struct hk_network *network)
{
  static const char *const variables[] = {"V_m"};
  struct hk_value some = hk_value_list(list, 4);
  struct hk_input_spec input = {.kind = HK_INPUT_POISSON,
                                .target = 2,
                                .neurons = numbers,
                                .neuron_count = 4,
                                .to = INFINITY,
                                .rate = some,
                                .weight = some};
  struct hk_input_spec steps = {
      .kind = HK_INPUT_STEPS, .target = 2, .to = INFINITY, .times = times, .amplitudes = list, .step_count = 4};
  struct hk_trace_spec trace = {"t", 0, numbers, 4, variables, 1, 0.1};
  enum hk_status status = hk_network_add_input(network, &input, NULL, NULL, NULL);
  if (!status)
    status = hk_network_add_input(network, &steps, NULL, NULL, NULL);
  return status ? status : hk_network_add_trace(network, &trace, NULL, NULL, NULL);
}

static enum hk_status describe(struct hk_network **out)
{
  enum hk_status status = hk_network_create(out);
  if (status)
    return status;
  status = add_populations(*out);
  if (!status)
    status = add_projections(*out);
  return status ? status : add_rest(*out);
}

static enum hk_status describe_and_destroy(void)
{
  struct hk_network *network = NULL;
  enum hk_status status = describe(&network);
  hk_network_destroy(network);
  return status;
}

START_TEST(describing)
{
  run_failing(describe_and_destroy, true, 1);
}
END_TEST

static struct hk_network *built;
static double grid;

static enum hk_status build_and_destroy(void)
{
  struct hk__connectome *connectome = NULL;
  enum hk_status status = hk__connectome_build(built, 3, 2, grid, 500, &connectome, NULL);
  bool fits = (status == HK_OK) == (connectome != NULL); /* an assertion here would allocate */
  hk__connectome_destroy(connectome);
  return fits ? status : HK_ERR_BUG;
}

START_TEST(building)
{
  grid = _i ? 0.1 : 0;
  ck_assert_int_eq(describe(&built), HK_OK);
  run_failing(build_and_destroy, true, 1);
  hk_network_destroy(built);
}
END_TEST

static enum hk_status estimate(void)
{
  struct hk_estimate out;
  return hk_network_estimate(built, &(struct hk_options){.grid = grid}, &out);
}

static enum hk_status values(void)
{
  double state[4 * HK_STATES_MAX];
  return hk__population_values(built, 0, 1, NULL, state, NULL);
}

START_TEST(estimating)
{
  grid = 0.1;
  ck_assert_int_eq(describe(&built), HK_OK);
  run_failing(estimate, true, 1);
  countdown = 0;
  ck_assert_int_eq(values(), HK_ERR_MEMORY);
  ck_assert_int_eq(values(), HK_OK);
  hk_network_destroy(built);
}
END_TEST

static struct hk__built *assembled;

static enum hk_status run_and_destroy(enum hk_status status, struct hk__scheduler *scheduler, struct hk__outbox *outbox)
{
  if (status == HK_OK) {
    static const atomic_bool never;
    double reached;
    status = scheduler->run(scheduler, 5, &never, &reached);
    scheduler->destroy(scheduler);
  }
  hk__outbox_clear(outbox);
  return status;
}

static enum hk_status run_on_a_grid(void)
{
  struct hk__outbox outbox = {.count = 0};
  struct hk__scheduler *scheduler = NULL;
  enum hk_status status = hk__grid_create(assembled, grid, &outbox, &scheduler);
  return run_and_destroy(status, scheduler, &outbox);
}

START_TEST(running_on_a_grid)
{
  grid = 0.1;
  ck_assert_int_eq(describe(&built), HK_OK);
  ck_assert_int_eq(hk__assemble(built, &(struct hk_options){.seed = 3, .threads = 2, .grid = grid}, &assembled, NULL),
                   HK_OK);
  run_failing(run_on_a_grid, true, 1);
  hk__built_destroy(assembled);
  hk_network_destroy(built);
}
END_TEST

/* Trees and point neurons, which take different ways. */
static enum hk_status add_tree(struct hk_network *network)
{
  static const struct hk_compartment compartments[] = {{.C_m = 100, .g_L = 5, .E_L = -70},
                                                       {.C_m = 40, .g_L = 2, .E_L = -70, .g_c = 20}};
  static const struct hk_tree tree = {compartments, 2};
  struct hk_population_spec spec = {.name = "tree", .model = "iaf_tree", .size = 20, .tree = &tree};
  struct hk_input_spec input = {.kind = HK_INPUT_POISSON,
                                .target = 3,
                                .to = INFINITY,
                                .rate = hk_value_constant(5000),
                                .weight = hk_value_constant(300)};
  enum hk_status status = hk_network_add_population(network, &spec, NULL, NULL, NULL);
  return status ? status : hk_network_add_input(network, &input, NULL, NULL, NULL);
}

static enum hk_status run_in_windows(void)
{
  struct hk__outbox outbox = {.count = 0};
  struct hk__scheduler *scheduler = NULL;
  enum hk_status status = hk__windows_create(assembled, &outbox, &scheduler);
  return run_and_destroy(status, scheduler, &outbox);
}

START_TEST(running_in_windows)
{
  ck_assert_int_eq(describe(&built), HK_OK);
  ck_assert_int_eq(add_tree(built), HK_OK);
  ck_assert_int_eq(hk__assemble(built, &(struct hk_options){.seed = 3, .threads = 1}, &assembled, NULL), HK_OK);
  run_failing(run_in_windows, true, 1);
  hk__built_destroy(assembled);
  hk_network_destroy(built);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("build_failures");
  TCase *tests = tcase_create("build_failures");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, describing);
  tcase_add_loop_test(tests, building, 0, 2);
  tcase_add_test(tests, estimating);
  tcase_add_test(tests, running_on_a_grid);
  tcase_add_test(tests, running_in_windows);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
