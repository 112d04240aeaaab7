/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The course of a straight-through training: batches, epochs, validation, when to stop. */
#include "ann/train.h"

#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ann/straight.h"

enum { CALIBRATION_ROWS = 2048, ROWS_AT_ONCE = 1024 };

struct hk__training hk__training_defaults(void)
{
  return (struct hk__training){.rule = HK__TRAIN_STRAIGHT_THROUGH,
                               .epochs = 30,
                               .batch = 256,
                               .rate = 1e-3,
                               .decay = 0.0,
                               .validation = 0.1,
                               .patience = 10,
                               .sharpness = 10.0,
                               .weight_bits = 8,
                               .seed = 1};
}

enum hk_status hk__stepnet_accuracy(const struct hk__stepnet *net, const struct hk__encoder *encoder,
                                    const struct hk__samples *samples, double *accuracy)
{
  size_t inputs = hk__stepnet_inputs(net), widest = inputs, right = 0;
  for (size_t l = 0; l < net->layer_count; l++)
    widest = net->layers[l].out > widest ? net->layers[l].out : widest;
  float *x = malloc(ROWS_AT_ONCE * widest * sizeof *x), *y = malloc(ROWS_AT_ONCE * widest * sizeof *y);
  enum hk_status status = x && y ? HK_OK : HK_ERR_MEMORY;
  for (size_t first = 0; status == HK_OK && first < samples->count; first += ROWS_AT_ONCE) {
    size_t rows = samples->count - first < ROWS_AT_ONCE ? samples->count - first : ROWS_AT_ONCE;
    for (size_t r = 0; r < rows; r++)
      hk__encode(encoder, samples->value + (first + r) * encoder->features, x + r * inputs);
    for (size_t l = 0; status == HK_OK && l < net->layer_count; l++) {
      status = hk__step_layer_run(&net->layers[l], x, rows, y, NULL);
      float *swap = x;
      x = y;
      y = swap;
    }
    for (size_t r = 0; status == HK_OK && r < rows; r++)
      right += hk__stepnet_decide(net, x + r * hk__stepnet_outputs(net)) == samples->label[first + r];
  }
  free(x);
  free(y);
  *accuracy = samples->count ? (double)right / (double)samples->count : 0.0;
  return status;
}

/* Everything a training holds. order: the samples, shuffled; the last ones are for validation. */
struct course {
  const struct hk__dataset *data;
  const struct hk__encoder *encoder;
  struct hk__encoder seen; /* what the learner is shown: levels for bands, else the same; shares the thresholds */
  const struct hk__training *how;
  struct hk__objective objective;
  struct hk__learner learner;
  struct hk__samples validation;
  struct hk__stepnet best;
  size_t *order, learn_count;
  int32_t *labels; /* of a batch */
  float *rows;     /* calibration: the first samples of the training part, encoded */
  size_t row_count;
  double best_accuracy;
  size_t best_epoch;
};

static void shuffle(size_t *order, size_t count, uint64_t seed, size_t epoch)
{
  struct hk__stream stream;
  hk__stream_init(&stream, seed, HK__FOR_TRAINING, 1, epoch, 0);
  for (size_t i = count; i > 1; i--) {
    size_t j = (size_t)hk__stream_below(&stream, i), held = order[i - 1];
    order[i - 1] = order[j];
    order[j] = held;
  }
}

/* An image moved by (dx, dy), what comes in from the edges 0, perhaps mirrored. */
static void move_image(const float *from, float *to, size_t width, size_t height, long dx, long dy, bool mirror)
{
  for (size_t y = 0; y < height; y++)
    for (size_t x = 0; x < width; x++) {
      long from_x = (long)(mirror ? width - 1 - x : x) - dx, from_y = (long)y - dy;
      bool inside = from_x >= 0 && from_x < (long)width && from_y >= 0 && from_y < (long)height;
      to[y * width + x] = inside ? from[(size_t)from_y * width + (size_t)from_x] : 0.0F;
    }
}

static void fill_row(const struct course *c, size_t sample, size_t epoch, float *scratch, float *row)
{
  const float *value = c->data->train.value + sample * c->data->features;
  if (c->data->width > 0 && (c->how->shift > 0 || c->how->mirror)) {
    struct hk__stream stream;
    hk__stream_init(&stream, c->how->seed, HK__FOR_TRAINING, 2, sample, (uint32_t)epoch);
    uint64_t span = 2 * c->how->shift + 1;
    long dx = (long)hk__stream_below(&stream, span) - (long)c->how->shift;
    long dy = (long)hk__stream_below(&stream, span) - (long)c->how->shift;
    bool mirror = c->how->mirror && hk__stream_below(&stream, 2) == 1;
    move_image(value, scratch, c->data->width, c->data->height, dx, dy, mirror);
    value = scratch;
  }
  hk__encode(&c->seen, value, row);
}

static double step_rate(const struct course *c, size_t step, size_t steps)
{
  double warm = fmin(1.0, (double)(step + 1) / (0.02 * (double)steps + 1.0));
  return c->how->rate * warm * 0.5 * (1.0 + cos(M_PI * (double)step / (double)steps));
}

static enum hk_status learn_epoch(struct course *c, size_t epoch, double *loss)
{
  size_t batch = c->how->batch, batches = (c->learn_count + batch - 1) / batch, inputs = hk__encoder_units(c->encoder);
  float *scratch = malloc(c->data->features * sizeof *scratch);
  if (!scratch)
    return HK_ERR_MEMORY;
  struct hk__stream noise;
  hk__stream_init(&noise, c->how->seed, HK__FOR_TRAINING, 3, epoch, 0);
  shuffle(c->order, c->learn_count, c->how->seed, epoch + 1);
  *loss = 0.0;
  for (size_t b = 0; b < batches; b++) {
    size_t first = b * batch, rows = c->learn_count - first < batch ? c->learn_count - first : batch;
    for (size_t r = 0; r < rows; r++) {
      size_t sample = c->order[first + r];
      fill_row(c, sample, epoch, scratch, c->learner.input + r * inputs);
      c->labels[r] = c->data->train.label[sample];
    }
    double rate = step_rate(c, epoch * batches + b, c->how->epochs * batches);
    *loss += hk__learner_step(&c->learner, &c->objective, c->labels, rows, rate, &noise) / (double)batches;
  }
  free(scratch);
  return HK_OK;
}

static enum hk_status course_init(struct course *c, const struct hk__stepnet *net)
{
  const struct hk__samples *all = &c->data->train;
  size_t kept = (size_t)(c->how->validation * (double)all->count), features = c->data->features;
  c->learn_count = all->count - kept;
  c->row_count = c->learn_count < CALIBRATION_ROWS ? c->learn_count : CALIBRATION_ROWS;
  size_t inputs = hk__encoder_units(c->encoder);
  c->order = malloc(all->count * sizeof *c->order);
  c->labels = malloc(c->how->batch * sizeof *c->labels);
  c->rows = malloc(c->row_count * inputs * sizeof *c->rows);
  if (!c->order || !c->labels || !c->rows)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < all->count; i++)
    c->order[i] = i;
  shuffle(c->order, all->count, c->how->seed, 0);
  enum hk_status status = hk__samples_init(&c->validation, kept, features);
  for (size_t i = 0; status == HK_OK && i < kept; i++) {
    size_t sample = c->order[c->learn_count + i];
    memcpy(c->validation.value + i * features, all->value + sample * features, features * sizeof(float));
    c->validation.label[i] = all->label[sample];
  }
  for (size_t r = 0; status == HK_OK && r < c->row_count; r++)
    hk__encode(c->encoder, all->value + c->order[r] * features, c->rows + r * inputs);
  if (status == HK_OK)
    status = hk__learner_init(&c->learner, net, c->how->batch, c->how->seed);
  return status;
}

static void course_clear(struct course *c)
{
  hk__learner_clear(&c->learner);
  hk__samples_clear(&c->validation);
  free(c->order);
  free(c->labels);
  free(c->rows);
}

/* Keeps in `net` the best so far. Ties go to the later one, which has seen more. */
static enum hk_status judge(struct course *c, struct hk__stepnet *trial, struct hk__stepnet *net, size_t epoch,
                            double *accuracy)
{
  size_t bands = c->encoder->kind == HK__CODE_BANDS ? c->encoder->steps : 0;
  enum hk_status status =
      hk__learner_fold(&c->learner, c->rows, c->row_count, c->how->weight_bits, c->how->prune, bands, trial);
  *accuracy = -1.0;
  if (status == HK_OK && c->validation.count > 0)
    status = hk__stepnet_accuracy(trial, c->encoder, &c->validation, accuracy);
  if (status == HK_OK && *accuracy >= c->best_accuracy) {
    c->best_accuracy = *accuracy;
    c->best_epoch = epoch;
    struct hk__step_layer *held = net->layers;
    net->layers = trial->layers;
    trial->layers = held;
  }
  return status;
}

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static enum hk_status run_course(struct course *c, struct hk__stepnet *trial, struct hk__stepnet *net,
                                 const struct hk__training_watch *watch)
{
  double start = now();
  enum hk_status status = HK_OK;
  c->best_accuracy = -1.0;
  for (size_t epoch = 0; status == HK_OK && epoch < c->how->epochs; epoch++) {
    struct hk__epoch report = {.epoch = epoch + 1, .epochs = c->how->epochs, .accuracy = -1.0};
    status = learn_epoch(c, epoch, &report.loss);
    if (status == HK_OK)
      status = judge(c, trial, net, epoch, &report.validation);
    report.seconds = now() - start;
    if (status == HK_OK && watch && watch->epoch && !watch->epoch(watch->context, &report))
      break;
    if (c->validation.count > 0 && c->how->patience > 0 && epoch >= c->best_epoch + c->how->patience)
      break;
  }
  return status;
}

static enum hk_status same_shape(const struct hk__stepnet *net, struct hk__stepnet *out)
{
  size_t *sizes = malloc((net->layer_count + 1) * sizeof *sizes);
  if (!sizes)
    return HK_ERR_MEMORY;
  sizes[0] = hk__stepnet_inputs(net);
  for (size_t l = 0; l < net->layer_count; l++)
    sizes[l + 1] = net->layers[l].out;
  enum hk_status status = hk__stepnet_init(out, sizes, net->layer_count);
  free(sizes);
  if (status != HK_OK)
    return status;
  out->classes = net->classes;
  out->per_class = net->per_class;
  out->bits = net->bits;
  return HK_OK;
}

enum hk_status hk__train_straight_through(struct hk__stepnet *net, const struct hk__dataset *data,
                                          const struct hk__encoder *encoder, const struct hk__training *training,
                                          const struct hk__training_watch *watch, struct hk_messages *messages)
{
  if (hk__encoder_units(encoder) != hk__stepnet_inputs(net)) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, NULL, "the encoding gives %zu inputs, but the network takes %zu",
                    hk__encoder_units(encoder), hk__stepnet_inputs(net));
    return HK_ERR_INPUT;
  }
  struct course c = {.data = data, .encoder = encoder, .seen = *encoder, .how = training};
  if (encoder->kind == HK__CODE_BANDS)
    c.seen.kind = HK__CODE_LEVELS;
  c.objective = (struct hk__objective){.classes = net->bits ? hk__stepnet_outputs(net) : net->classes,
                                       .per_class = net->per_class,
                                       .bits = net->bits,
                                       .sharpness = training->sharpness,
                                       .decay = training->decay,
                                       .drop = training->drop,
                                       .drop_input = training->drop_input,
                                       .sparsity = training->sparsity};
  int threads = omp_get_max_threads(), blas_threads = openblas_get_num_threads();
  if (training->threads > 0)
    omp_set_num_threads(training->threads);
  openblas_set_num_threads(1);
  struct hk__stepnet trial = {0};
  enum hk_status status = same_shape(net, &trial);
  if (status == HK_OK)
    status = course_init(&c, net);
  if (status == HK_OK)
    status = run_course(&c, &trial, net, watch);
  course_clear(&c);
  hk__stepnet_clear(&trial);
  omp_set_num_threads(threads);
  openblas_set_num_threads(blas_threads);
  return status;
}
