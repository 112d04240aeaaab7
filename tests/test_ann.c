/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data, encodings, step networks, their files and their training; hostile and damaged files. */
#include <check.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "ann/comparison.h"
#include "ann/straight.h"
#include "command.h"
#include "core/random.h"
#include "suite.h"

static char *folder;

static void set_up(void)
{
  folder = command_folder();
}

static void tear_down(void)
{
  command_remove(folder);
}

/* --- IDX --- */

static char *write_bytes(const char *name, const uint8_t *bytes, size_t count, bool zipped)
{
  char *path = command_path(folder, name);
  gzFile file = gzopen(path, zipped ? "wb" : "wbT");
  ck_assert(file);
  ck_assert_int_eq(gzwrite(file, bytes, (unsigned)count), (int)count);
  gzclose(file);
  return path;
}

static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 51, 102, 153, 204, 255};
static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 1};

START_TEST(reads_idx)
{
  char *i = write_bytes("i", images, sizeof images, _i == 1), *l = write_bytes("l", labels, sizeof labels, _i == 1);
  struct hk__samples s;
  size_t width, height;
  ck_assert_int_eq(hk__samples_from_idx(i, l, &s, &width, &height, NULL), HK_OK);
  ck_assert_uint_eq(s.count, 2);
  ck_assert_uint_eq(width, 3);
  ck_assert_uint_eq(height, 1);
  for (int k = 0; k < 6; k++)
    ck_assert_float_eq_tol(s.value[k], 0.2F * (float)k, 1e-7F);
  ck_assert_int_eq(s.label[0], 7);
  ck_assert_int_eq(s.label[1], 1);
  hk__samples_clear(&s);
  free(i);
  free(l);
}
END_TEST

/* Every shorter file, every changed header byte, and sizes beyond all memory are refused, none crashes. */
START_TEST(refuses_broken_idx)
{
  struct hk_messages *m;
  hk_messages_create(&m);
  for (size_t cut = 0; cut < sizeof images; cut++) {
    char *path = write_bytes("cut", images, cut, cut % 2);
    struct hk__idx idx = {0};
    ck_assert_int_eq(hk__idx_read(path, &idx, m), HK_ERR_INPUT);
    free(path);
  }
  for (size_t at = 0; at < 16; at++) {
    uint8_t bad[sizeof images];
    memcpy(bad, images, sizeof images);
    bad[at] ^= 0xFF;
    char *path = write_bytes("bad", bad, sizeof bad, at % 2);
    struct hk__idx idx = {0};
    ck_assert_int_eq(hk__idx_read(path, &idx, m), HK_ERR_INPUT);
    free(path);
  }
  struct hk__idx idx = {0};
  ck_assert_int_eq(hk__idx_read("/nowhere/at/all", &idx, m), HK_ERR_INPUT);
  ck_assert_int_eq(hk__idx_read(folder, &idx, m), HK_ERR_INPUT);
  ck_assert_uint_eq(hk_messages_errors(m), sizeof images + 16 + 2);
  hk_messages_destroy(m);
}
END_TEST

START_TEST(refuses_idx_that_do_not_fit)
{
  static const uint8_t three[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 1, 2};
  char *i = write_bytes("i", images, sizeof images, false), *l = write_bytes("l", three, sizeof three, false);
  struct hk__samples s;
  size_t width, height;
  ck_assert_int_eq(hk__samples_from_idx(i, l, &s, &width, &height, NULL), HK_ERR_INPUT);
  ck_assert_int_eq(hk__samples_from_idx(l, i, &s, &width, &height, NULL), HK_ERR_INPUT);
  free(i);
  free(l);
}
END_TEST

/* --- CSV --- */

static enum hk_status read_csv(const char *text, struct hk__samples *s, size_t *features, struct hk_messages *m)
{
  char *path = write_bytes("c.csv", (const uint8_t *)text, strlen(text), false);
  struct hk__csv_format format = {.skip = 1, .label = -1};
  enum hk_status status = hk__samples_from_csv(path, &format, s, features, m);
  free(path);
  return status;
}

START_TEST(reads_csv)
{
  struct hk__samples s;
  size_t features;
  ck_assert_int_eq(read_csv("a,\"b, c\",label\n1,2.5,0\n-3e1,\"4\",2\n", &s, &features, NULL), HK_OK);
  ck_assert_uint_eq(s.count, 2);
  ck_assert_uint_eq(features, 2);
  ck_assert_float_eq(s.value[1], 2.5F);
  ck_assert_float_eq(s.value[2], -30.0F);
  ck_assert_int_eq(s.label[1], 2);
  hk__samples_clear(&s);
}
END_TEST

START_TEST(refuses_bad_csv)
{
  static const struct {
    const char *text;
    size_t line;
  } bad[] = {{"h\n1,x,0\n", 2},
             {"h\n1,2,0\n1,2\n", 3},
             {"h\n1,2,-1\n", 2},
             {"h\n1,2,0.5\n", 2},
             {"h\n1,nan,0\n", 2},
             {"h\n1,inf,0\n", 2},
             {"h\n1,2,99999999999\n", 2},
             {"h\n1,,0\n", 2},
             {"", 0},
             {"h\n", 0},
             {"h\n0\n1\n", 0}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct hk_messages *m;
    struct hk__samples s;
    size_t features;
    hk_messages_create(&m);
    ck_assert_msg(read_csv(bad[i].text, &s, &features, m) == HK_ERR_INPUT, "accepted: %s", bad[i].text);
    ck_assert_uint_eq(hk_messages_errors(m), 1);
    ck_assert_uint_eq(hk_messages_get(m, 0).place.line, bad[i].line);
    hk_messages_destroy(m);
  }
}
END_TEST

/* --- encodings --- */

START_TEST(levels_and_bands)
{
  const double thresholds[] = {0.25, 0.5, 0.75};
  const float values[] = {0.0F, 0.25F, 0.6F, 1.0F};
  struct hk__encoder levels, bands;
  ck_assert_int_eq(hk__encoder_init(&levels, HK__CODE_LEVELS, 4, thresholds, 3), HK_OK);
  ck_assert_int_eq(hk__encoder_init(&bands, HK__CODE_BANDS, 4, thresholds, 3), HK_OK);
  float l[12], b[12];
  hk__encode(&levels, values, l);
  hk__encode(&bands, values, b);
  const float expected_levels[] = {0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1},
              expected_bands[] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1};
  ck_assert_mem_eq(l, expected_levels, sizeof l);
  ck_assert_mem_eq(b, expected_bands, sizeof b);
  hk__encoder_clear(&levels);
  hk__encoder_clear(&bands);
}
END_TEST

/* --- step networks --- */

static struct hk__stepnet random_net(uint64_t seed, const size_t *sizes, size_t layers)
{
  struct hk__stream s;
  hk__stream_init(&s, seed, HK__FOR_ENCODING, 1, 2, 3);
  struct hk__stepnet net;
  ck_assert_int_eq(hk__stepnet_init(&net, sizes, layers), HK_OK);
  for (size_t l = 0; l < layers; l++) {
    struct hk__step_layer *layer = &net.layers[l];
    for (size_t i = 0; i < layer->in * layer->out; i++)
      layer->weight[i] = ((double)hk__stream_below(&s, 9) - 4.0) / 8.0;
    for (size_t j = 0; j < layer->out; j++)
      layer->threshold[j] = ((double)hk__stream_below(&s, 9) - 4.0) / 8.0;
  }
  return net;
}

/* Layers wider than a tile, of awkward widths, against plain loops that go the other way round. */
START_TEST(layers_against_plain_loops)
{
  const size_t sizes[] = {37, 70};
  enum { ROWS = 50 };
  struct hk__stepnet net = random_net(5, sizes, 1);
  struct hk__step_layer *layer = &net.layers[0];
  static float x[ROWS * 37], on[ROWS * 70];
  struct hk__stream s;
  hk__stream_init(&s, 6, HK__FOR_ENCODING, 0, 0, 0);
  for (size_t i = 0; i < ROWS * 37; i++)
    x[i] = (float)hk__stream_below(&s, 3) * 0.5F;
  ck_assert_int_eq(hk__step_layer_run(layer, x, ROWS, on, NULL), HK_OK);
  size_t ties = 0;
  for (size_t r = 0; r < ROWS; r++)
    for (size_t j = 0; j < 70; j++) {
      double sum = -layer->threshold[j];
      for (size_t i = 37; i-- > 0;)
        sum += layer->weight[j * 37 + i] * (double)x[r * 37 + i];
      ties += sum == 0.0;
      ck_assert_float_eq(on[r * 70 + j], sum >= 0.0 ? 1.0F : 0.0F);
    }
  ck_assert_uint_gt(ties, 20);
  hk__stepnet_clear(&net);
}
END_TEST

START_TEST(finds_the_quantum)
{
  const size_t sizes[] = {2, 1};
  struct hk__stepnet net = random_net(1, sizes, 1);
  struct hk__step_layer *layer = &net.layers[0];
  const struct {
    double w0, w1, theta, quantum;
  } cases[] = {{1, -3, 2, 1},      {0.75, 0.5, 0, 0.25},    {6, 4, 8, 2}, {0, 0, 0, 1}, {0.1, 1, 1, 0.0},
               {1e300, 1, 0, 0.0}, {0x1p-40, 1, 1, 0x1p-40}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    layer->weight[0] = cases[i].w0;
    layer->weight[1] = cases[i].w1;
    layer->threshold[0] = cases[i].theta;
    double quantum = hk__step_layer_quantum(layer);
    /* 0.1 is a multiple of 2^-56, far too fine for sums with 1 to be exact */
    ck_assert_msg(quantum == cases[i].quantum, "case %zu: %g", i, quantum);
  }
  hk__stepnet_clear(&net);
}
END_TEST

START_TEST(ties_go_to_the_first_class)
{
  struct hk__stepnet net = {.classes = 3, .per_class = 2};
  struct hk__step_layer layer = {.in = 1, .out = 6};
  net.layers = &layer;
  net.layer_count = 1;
  const float none[6] = {0}, tie[6] = {0, 0, 1, 0, 0, 1}, last[6] = {1, 0, 0, 0, 1, 1};
  ck_assert_int_eq(hk__stepnet_decide(&net, none), 0);
  ck_assert_int_eq(hk__stepnet_decide(&net, tie), 1);
  ck_assert_int_eq(hk__stepnet_decide(&net, last), 2);
  net.bits = true;
  ck_assert_int_eq(hk__stepnet_decide(&net, last), 0x23);
}
END_TEST

/* --- files of weights --- */

static void same_net(const struct hk__stepnet *a, const struct hk__stepnet *b)
{
  ck_assert_uint_eq(a->layer_count, b->layer_count);
  ck_assert_uint_eq(a->classes, b->classes);
  ck_assert_uint_eq(a->per_class, b->per_class);
  for (size_t l = 0; l < a->layer_count; l++) {
    const struct hk__step_layer *p = &a->layers[l], *q = &b->layers[l];
    ck_assert_uint_eq(p->in, q->in);
    ck_assert_uint_eq(p->out, q->out);
    ck_assert_mem_eq(p->weight, q->weight, p->in * p->out * sizeof(double));
    ck_assert_mem_eq(p->threshold, q->threshold, p->out * sizeof(double));
  }
}

START_TEST(weights_come_back)
{
  const size_t sizes[] = {5, 7, 4};
  struct hk__stepnet net = random_net(2, sizes, 2), back = {0};
  for (size_t i = 0; i < 28; i++)
    net.layers[1].weight[i] = 0.1 * (double)i; /* not multiples of anything */
  char *path = command_path(folder, "w.h5");
  ck_assert_int_eq(hk__stepnet_write(path, &net, NULL), HK_OK);
  ck_assert_int_eq(hk__stepnet_read(path, &back, NULL), HK_OK);
  same_net(&net, &back);
  hk__stepnet_clear(&net);
  hk__stepnet_clear(&back);
  free(path);
}
END_TEST

static void spoil(const char *path, int how)
{
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  double bad = how == 0 ? NAN : INFINITY;
  hid_t set = H5Dopen2(file, how < 2 ? "/layers/1/weights" : "/layers/1/thresholds", H5P_DEFAULT);
  hsize_t one[2] = {1, 1}, at[2] = {3, 2};
  hid_t space = H5Dget_space(set), memory = H5Screate_simple(1, one, NULL);
  if (how < 2) {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, at, NULL, one, NULL);
    H5Dwrite(set, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, &bad);
  }
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(set);
  if (how == 2)
    H5Ldelete(file, "/layers/1/thresholds", H5P_DEFAULT);
  if (how == 3) {
    H5Ldelete(file, "/layers/1", H5P_DEFAULT);
    H5Lcreate_soft("/layers/0", file, "/layers/1", H5P_DEFAULT, H5P_DEFAULT);
  }
  if (how == 4)
    H5Ldelete(file, "/layers", H5P_DEFAULT);
  H5Fclose(file);
}

/* NaN, infinity, missing thresholds, layers that do not fit each other, no layers, cut files. */
START_TEST(refuses_bad_weights)
{
  const size_t sizes[] = {5, 7, 4};
  struct hk__stepnet net = random_net(2, sizes, 2), back = {0};
  for (size_t i = 0; i < 28; i++)
    net.layers[1].weight[i] = 0.1 * (double)i;
  char *path = command_path(folder, "w.h5");
  struct hk_messages *m;
  hk_messages_create(&m);
  for (int how = 0; how < 5; how++) {
    ck_assert_int_eq(hk__stepnet_write(path, &net, NULL), HK_OK);
    spoil(path, how);
    ck_assert_int_eq(hk__stepnet_read(path, &back, m), HK_ERR_INPUT);
    ck_assert_uint_gt(hk_messages_errors(m), (size_t)how);
  }
  ck_assert_int_eq(hk__stepnet_write(path, &net, NULL), HK_OK);
  ck_assert_int_eq(truncate(path, 1500), 0);
  ck_assert_int_ne(hk__stepnet_read(path, &back, m), HK_OK);
  ck_assert_int_eq(hk__stepnet_read("/nowhere", &back, m), HK_ERR_INPUT);
  ck_assert_int_eq(hk__stepnet_write("/nowhere/at/all.h5", &net, m), HK_ERR_IO);
  hk_messages_destroy(m);
  hk__stepnet_clear(&net);
  free(path);
}
END_TEST

/* --- training --- */

/* Two classes in a square, told apart by XOR of its halves, with noise: needs a hidden layer. */
static void make_xor(struct hk__dataset *data, struct hk__encoder *encoder)
{
  const double thresholds[] = {0.2, 0.35, 0.5, 0.65, 0.8};
  struct hk__stream s;
  hk__stream_init(&s, 3, HK__FOR_ENCODING, 0, 0, 0);
  *data = (struct hk__dataset){.features = 2, .classes = 2};
  ck_assert_int_eq(hk__samples_init(&data->train, 600, 2), HK_OK);
  for (size_t i = 0; i < 600; i++) {
    float x = (float)hk__stream_uniform(&s), y = (float)hk__stream_uniform(&s);
    data->train.value[2 * i] = x;
    data->train.value[2 * i + 1] = y;
    data->train.label[i] = (x >= 0.5F) != (y >= 0.5F);
  }
  ck_assert_int_eq(hk__encoder_init(encoder, HK__CODE_BANDS, 2, thresholds, 5), HK_OK);
}

static struct hk__stepnet learn(const struct hk__dataset *data, const struct hk__encoder *encoder, uint64_t seed,
                                int threads)
{
  const size_t sizes[] = {10, 24, 8};
  struct hk__training t = hk__training_defaults();
  t.epochs = 40;
  t.batch = 50;
  t.rate = 0.01;
  t.patience = 0;
  t.drop = 0.1;
  t.seed = seed;
  t.threads = threads;
  struct hk__stepnet net;
  ck_assert_int_eq(hk__stepnet_init(&net, sizes, 2), HK_OK);
  net.classes = 2;
  net.per_class = 4;
  ck_assert_int_eq(hk__train_straight_through(&net, data, encoder, &t, NULL, NULL), HK_OK);
  return net;
}

START_TEST(learns_with_a_hidden_layer)
{
  struct hk__dataset data;
  struct hk__encoder encoder;
  make_xor(&data, &encoder);
  struct hk__stepnet net = learn(&data, &encoder, 1, 1);
  double accuracy;
  ck_assert_int_eq(hk__stepnet_accuracy(&net, &encoder, &data.train, &accuracy), HK_OK);
  ck_assert_double_gt(accuracy, 0.98);
  for (size_t l = 0; l < 2; l++)
    ck_assert_double_ge(hk__step_layer_quantum(&net.layers[l]), 1.0 / 128.0);
  hk__stepnet_clear(&net);
  hk__encoder_clear(&encoder);
  hk__dataset_clear(&data);
}
END_TEST

/* One seed, one network, bit for bit, for any number of threads; another seed, another network. */
START_TEST(seed_fixes_training)
{
  struct hk__dataset data;
  struct hk__encoder encoder;
  make_xor(&data, &encoder);
  struct hk__stepnet a = learn(&data, &encoder, 7, 1), b = learn(&data, &encoder, 7, 2),
                     c = learn(&data, &encoder, 8, 1);
  same_net(&a, &b);
  ck_assert(memcmp(a.layers[0].weight, c.layers[0].weight, 240 * sizeof(double)) != 0);
  hk__stepnet_clear(&a);
  hk__stepnet_clear(&b);
  hk__stepnet_clear(&c);
  hk__encoder_clear(&encoder);
  hk__dataset_clear(&data);
}
END_TEST

/* AND, OR and NAND are learnt wholly, of XOR three rows of four, whatever the rule tries. */
START_TEST(perceptron_learns_what_a_line_separates)
{
  const float rows[8] = {0, 0, 0, 1, 1, 0, 1, 1};
  const int32_t targets[4][4] = {{0, 0, 0, 1}, {0, 1, 1, 1}, {1, 1, 1, 0}, {0, 1, 1, 0}};
  const size_t sizes[] = {2, 1};
  struct hk__dataset data = {.features = 2, .classes = 2, .bits = true, .output_bits = 1};
  ck_assert_int_eq(hk__samples_init(&data.train, 4, 2), HK_OK);
  memcpy(data.train.value, rows, sizeof rows);
  memcpy(data.train.label, targets[_i], sizeof targets[_i]);
  struct hk__encoder encoder = {.kind = HK__CODE_DIRECT, .features = 2, .steps = 1};
  struct hk__training t = hk__training_defaults();
  t.epochs = 200;
  t.rate = 0.5;
  struct hk__stepnet net;
  ck_assert_int_eq(hk__stepnet_init(&net, sizes, 1), HK_OK);
  net.bits = true;
  ck_assert_int_eq(hk__train_perceptron(&net, &data, &encoder, &t, NULL, NULL), HK_OK);
  double accuracy;
  ck_assert_int_eq(hk__stepnet_accuracy(&net, &encoder, &data.train, &accuracy), HK_OK);
  ck_assert_double_eq(accuracy, _i == 3 ? 0.75 : 1.0); /* XOR: three of four at the most */
  hk__stepnet_clear(&net);
  hk__dataset_clear(&data);
}
END_TEST

/* --- the microscope's fit --- */

START_TEST(fits_a_known_curve)
{
  enum { POINTS = 41 };
  double sum[POINTS], probability[POINTS], spikes[POINTS];
  size_t trials[POINTS];
  const double steepness[] = {0.15, 0.7, 3.0};
  struct hk__response r = {.count = POINTS, .sum = sum, .probability = probability, .spikes = spikes, .trials = trials};
  for (size_t i = 0; i < POINTS; i++) {
    sum[i] = (double)i;
    probability[i] = 1.0 / (1.0 + exp(-steepness[_i] * (sum[i] - 17.3)));
  }
  hk__response_fit(&r);
  ck_assert_double_eq_tol(r.midpoint, 17.3, 1e-6);
  ck_assert_double_eq_tol(r.steepness, steepness[_i], 1e-6);
  for (size_t i = 0; i < POINTS; i++)
    probability[i] = i >= 20;
  hk__response_fit(&r);
  ck_assert(isinf(r.steepness));
  ck_assert_double_eq(r.midpoint, 19.5);
  for (size_t i = 0; i < POINTS; i++)
    probability[i] = 0.01 * (double)i;
  r.midpoint = r.steepness = NAN;
  hk__response_fit(&r);
  ck_assert(isnan(r.steepness));
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("ann");
  TCase *tests = tcase_create("ann");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, reads_idx, 0, 2);
  tcase_add_test(tests, refuses_broken_idx);
  tcase_add_test(tests, refuses_idx_that_do_not_fit);
  tcase_add_test(tests, reads_csv);
  tcase_add_test(tests, refuses_bad_csv);
  tcase_add_test(tests, levels_and_bands);
  tcase_add_test(tests, layers_against_plain_loops);
  tcase_add_test(tests, finds_the_quantum);
  tcase_add_test(tests, ties_go_to_the_first_class);
  tcase_add_test(tests, weights_come_back);
  tcase_add_test(tests, refuses_bad_weights);
  tcase_add_test(tests, learns_with_a_hidden_layer);
  tcase_add_test(tests, seed_fixes_training);
  tcase_add_loop_test(tests, perceptron_learns_what_a_line_separates, 0, 4);
  tcase_add_loop_test(tests, fits_a_known_curve, 0, 3);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
