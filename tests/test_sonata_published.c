/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A published SONATA circuit, read and run: it gives its published spikes. */
#include <math.h>

#include <hillock/spikes.h>

#include "shared.h"
#include "sonata_files.h"
#include "suite.h"

START_TEST(published_circuit_is_described)
{
  const char *path = shared_path("sonata/300_intfire/simulation_config.json");
  if (!path)
    return;
  struct hk__sonata sonata;
  expect(read_config(path, NULL, 0, &sonata), HK_OK);
  ck_assert_uint_eq(hk_messages_errors(messages), 0);
  ck_assert_double_eq(sonata.duration, 3000.0);
  ck_assert_str_eq(sonata.spikes_file, "spikes.h5");
  ck_assert_str_eq(sonata.output_folder + strlen(sonata.output_folder) - 7, "/output");
  ck_assert(sonata.overwrite);
  const struct hk_network *network = sonata.network;
  ck_assert_uint_eq(hk_network_population_count(network), 3);
  ck_assert_uint_eq(hk_network_projection_count(network), 3);
  const struct hk_population_spec *v1 = hk_network_population(network, (size_t)hk_network_find(network, "v1"));
  const struct hk_population_spec *lgn = hk_network_population(network, (size_t)hk_network_find(network, "lgn"));
  const struct hk_population_spec *tw = hk_network_population(network, (size_t)hk_network_find(network, "tw"));
  ck_assert_uint_eq(v1->size, 300);
  ck_assert_uint_eq(lgn->size, 90);
  ck_assert_uint_eq(tw->size, 30);
  ck_assert_uint_eq(lgn->trains.offsets[90], 2738);
  ck_assert_uint_eq(tw->trains.offsets[30], 295);
  ck_assert_uint_eq(v1->param_count, 2);
  for (size_t k = 0; k < 2; k++) {
    const struct hk_setting *setting = &v1->params[k];
    if (strcmp(setting->name, "refrac") == 0) {
      ck_assert_int_eq(setting->value.kind, HK_VALUE_CONSTANT);
      ck_assert_double_eq_tol(setting->value.a, 3.0, 1e-12);
      continue;
    }
    ck_assert_int_eq(setting->value.kind, HK_VALUE_LIST);
    for (size_t i = 0; i < 300; i++) /* excitatory cells first */
      ck_assert_double_eq_tol(setting->value.list[i], i < 240 ? 24.0 : 7.0, 1e-12);
  }
  /* numbers of synapses and sums of weights by type, from the tables: weight * nsyns * sign * edges */
  static const double sums[] = {-0.01 * 10 * 2700 - 0.15 * 10 * 9660 + 0.3 * 10 * 8640 + 0.002 * 10 * 40560,
                                0.0045 * 10 * 13800 + 0.0015 * 10 * 3360, 0.01 * 5 * 7200 + 0.02 * 5 * 1800};
  static const size_t counts[] = {61560, 17160, 9000};
  for (size_t k = 0; k < 3; k++) {
    const struct hk_projection_spec *projection = hk_network_projection(network, k);
    ck_assert_uint_eq(projection->rule.pair_count, counts[k]);
    ck_assert_int_eq(projection->delay.kind, HK_VALUE_CONSTANT);
    ck_assert_double_eq(projection->delay.a, 2.0);
    double sum = 0.0;
    for (size_t i = 0; i < counts[k]; i++)
      sum += projection->weight.list[i];
    ck_assert_double_eq_tol(sum, sums[k], 1e-7);
  }
  hk__sonata_clear(&sonata);
}
END_TEST

static struct hk_spike_reader *open_spikes(const char *path, uint64_t expected)
{
  struct hk_spike_reader *reader = NULL;
  expect(hk_spike_reader_open(path, &reader, messages), HK_OK);
  ck_assert_uint_eq(hk_spike_reader_population_count(reader), 1);
  ck_assert_uint_eq(hk_spike_reader_population(reader, 0).count, expected);
  return reader;
}

struct spike {
  double time;
  uint64_t id;
};

static int compare_spikes(const void *a, const void *b)
{
  const struct spike *x = a, *y = b;
  if (x->id != y->id)
    return x->id < y->id ? -1 : 1;
  return (x->time > y->time) - (x->time < y->time);
}

enum { PUBLISHED = 4322 };

static void read_sorted(const char *path, struct spike *out)
{
  static double times[PUBLISHED];
  static uint64_t ids[PUBLISHED];
  struct hk_spike_reader *reader = open_spikes(path, PUBLISHED);
  ck_assert_int_eq(hk_spike_reader_read(reader, 0, 0, PUBLISHED, times, ids), HK_OK);
  for (size_t i = 0; i < PUBLISHED; i++)
    out[i] = (struct spike){times[i], ids[i]};
  qsort(out, PUBLISHED, sizeof *out, compare_spikes);
  hk_spike_reader_close(reader);
}

START_TEST(published_circuit_gives_its_published_spikes)
{
  static const char *const configs[] = {"simulation_config.json", "config.json"};
  char name[64];
  snprintf(name, sizeof name, "sonata/300_intfire/%s", configs[_i]);
  const char *path = shared_path(name), *reference = shared_path("sonata/300_intfire/reference/spikes.h5");
  if (!path || !reference)
    return;
  struct hk__sonata sonata;
  expect(read_config(path, NULL, 0, &sonata), HK_OK);
  if (_i == 1) { /* what the config resolves to, read again, is the same */
    struct hk__sonata again;
    expect(hk__sonata_read(in_folder("resolved.json"), sonata.resolved, NULL, 0, &again, messages), HK_OK);
    ck_assert_str_eq(again.resolved, sonata.resolved);
    hk__sonata_clear(&sonata);
    sonata = again;
  }
  run_and_record(&sonata, in_folder("out"), HK_SCHEDULER_QUEUE);
  hk__sonata_clear(&sonata);
  static struct spike ours[PUBLISHED], theirs[PUBLISHED];
  read_sorted(in_folder("out/spikes.h5"), ours);
  read_sorted(reference, theirs);
  size_t wrong = 0;
  for (size_t i = 0; i < PUBLISHED; i++) /* printed with three decimals */
    wrong += ours[i].id != theirs[i].id || fabs(ours[i].time - theirs[i].time) > 0.5e-3 + 1e-9;
  ck_assert_uint_eq(wrong, 0);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("sonata_published");
  TCase *tcase = tcase_create("sonata_published");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 120);
  tcase_add_test(tcase, published_circuit_is_described);
  tcase_add_loop_test(tcase, published_circuit_gives_its_published_spikes, 0, 2);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
