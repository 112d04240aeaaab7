/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data and networks of a comparison's config. */
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ann/plan.h"

/* --- lists of numbers --- */

bool hk__read_numbers(struct hk__reader *reader, const char *key, const struct hk__node *node, double low, double high,
                      const double **out, size_t *count)
{
  size_t before = reader->wrong;
  if (node->kind != HK__SEQUENCE || node->count == 0) {
    hk__wrong_value(reader, key, node, " was found", "a list of numbers");
    return false;
  }
  double *numbers = hk__reader_alloc(reader, node->count, sizeof *numbers);
  const struct hk__field field = {.key = key, .unit = "1", .low = low, .high = high};
  for (size_t i = 0; numbers && i < node->count; i++)
    hk__read_quantity(reader, &field, node->items[i], &numbers[i]);
  *out = numbers;
  *count = node->count;
  return numbers && reader->wrong == before;
}

/* --- truth tables --- */

/* A row is the inputs, then the output bits. */
static void read_row(struct hk__reader *reader, const struct hk__node *row, size_t inputs, size_t columns,
                     struct hk__samples *samples, size_t at)
{
  const double *cell;
  size_t count;
  if (!hk__read_numbers(reader, "rows", row, 0.0, 1.0, &cell, &count))
    return;
  if (count != columns) {
    hk__wrong(reader, row, "rows: %zu numbers were found, %zu as in the first row were expected", count, columns);
    return;
  }
  for (size_t i = 0; i < columns; i++) {
    if (i < inputs) {
      samples->value[at * inputs + i] = (float)cell[i];
      continue;
    }
    if (cell[i] != 0.0 && cell[i] != 1.0)
      hk__wrong(reader, row, "rows: the output is %g; outputs are 0 or 1", cell[i]);
    samples->label[at] = 2 * samples->label[at] + (cell[i] != 0.0);
  }
}

static enum hk_status read_table(struct hk__reader *reader, const struct hk__table_section *table,
                                 struct hk__dataset *data)
{
  const struct hk__node *rows = table->rows;
  bool listed = rows->kind == HK__SEQUENCE && rows->count > 0 && rows->items[0]->kind == HK__SEQUENCE;
  size_t columns = listed ? rows->items[0]->count : 0;
  if (!listed || columns <= table->inputs || columns > table->inputs + 16) {
    hk__wrong_value(reader, "rows", rows, " was found",
                    "a list of rows, each of them the inputs followed by 1 to 16 output bits");
    return HK_ERR_INPUT;
  }
  data->features = table->inputs;
  data->bits = true;
  data->output_bits = columns - table->inputs;
  data->classes = (size_t)1 << data->output_bits;
  enum hk_status status = hk__samples_init(&data->train, rows->count, data->features);
  if (status == HK_OK)
    status = hk__samples_init(&data->test, rows->count, data->features);
  for (size_t r = 0; status == HK_OK && r < rows->count; r++) {
    read_row(reader, rows->items[r], table->inputs, columns, &data->train, r);
    memcpy(data->test.value + r * data->features, data->train.value + r * data->features,
           data->features * sizeof(float));
    data->test.label[r] = data->train.label[r];
  }
  return status != HK_OK ? status : reader->wrong ? HK_ERR_INPUT : HK_OK;
}

/* --- files --- */

static enum hk_status read_idx(struct hk__reader *reader, const char *const *paths, struct hk__dataset *data)
{
  size_t width = 0, height = 0;
  enum hk_status status =
      hk__samples_from_idx(paths[0], paths[1], &data->train, &data->width, &data->height, reader->messages);
  enum hk_status test = hk__samples_from_idx(paths[2], paths[3], &data->test, &width, &height, reader->messages);
  if (status == HK_OK)
    status = test;
  if (status == HK_OK && (width != data->width || height != data->height)) {
    hk_messages_add(reader->messages, HK_SEVERITY_ERROR, &(struct hk_place){.file = paths[2]},
                    "images of %zu x %zu pixels, but those for training have %zu x %zu", width, height, data->width,
                    data->height);
    status = HK_ERR_INPUT;
  }
  data->features = data->width * data->height;
  return status;
}

static enum hk_status read_csv(struct hk__reader *reader, const struct hk__csv_section *csv, struct hk__dataset *data)
{
  struct hk__csv_format format = {.skip = csv->skip, .label = csv->label == HK__LABEL_FIRST ? 0 : -1};
  enum hk_status status = hk__samples_from_csv(csv->file, &format, &data->train, &data->features, reader->messages);
  if (status == HK_OK)
    status = hk__dataset_split(data, csv->test_every);
  if (status == HK_OK && data->train.count == 0) {
    hk_messages_add(reader->messages, HK_SEVERITY_ERROR, &(struct hk_place){.file = csv->file},
                    "too few rows for a training and a test part");
    status = HK_ERR_INPUT;
  }
  if (status == HK_OK)
    hk__dataset_scale(data, csv->scale == HK__SCALE_TOGETHER);
  return status;
}

/* --- data sets that Debian packages ship --- */

/* The first file that a pattern finds, in the arena; NULL: none. */
static const char *find_file(struct hk__reader *reader, const char *const *patterns, const char *name)
{
  for (size_t i = 0; patterns[i]; i++) {
    const char *pattern = hk__arena_format(reader->arena, "%s/%s", patterns[i], name);
    glob_t found = {0};
    const char *path = NULL;
    if (pattern && glob(pattern, 0, NULL, &found) == 0)
      path = hk__arena_format(reader->arena, "%s", found.gl_pathv[0]);
    globfree(&found);
    if (path)
      return path;
  }
  return NULL;
}

static const char *const fashion_folders[] = {"/usr/share/datasets/fashion-mnist",
                                              "/usr/local/share/datasets/fashion-mnist", NULL};
static const char *const sklearn_folders[] = {"/usr/lib/python3*/dist-packages/sklearn/datasets/data",
                                              "/usr/lib/python3*/site-packages/sklearn/datasets/data",
                                              "/usr/local/lib/python3*/dist-packages/sklearn/datasets/data",
                                              "/usr/local/lib/python3*/site-packages/sklearn/datasets/data", NULL};

static enum hk_status missing(struct hk__reader *reader, const struct hk__node *node, const char *what,
                              const char *package)
{
  hk__wrong(reader, node, "known: %s is not installed; Debian's package `%s` has it, or name the files under `%s`",
            what, package, strcmp(package, "python3-sklearn") == 0 ? "csv" : "idx");
  return HK_ERR_INPUT;
}

static enum hk_status read_known(struct hk__reader *reader, const struct hk__plan *plan, struct hk__dataset *data)
{
  const struct hk__node *node = hk__section_node(&plan->data.section, "known");
  if (plan->data.known == HK__FASHION_MNIST) {
    static const char *const names[] = {"train-images-idx3-ubyte*", "train-labels-idx1-ubyte*",
                                        "t10k-images-idx3-ubyte*", "t10k-labels-idx1-ubyte*"};
    const char *paths[4];
    for (size_t i = 0; i < 4; i++)
      if (!(paths[i] = find_file(reader, fashion_folders, names[i])))
        return missing(reader, node, "Fashion-MNIST", "dataset-fashion-mnist");
    return read_idx(reader, paths, data);
  }
  bool digits = plan->data.known == HK__DIGITS;
  const char *path = find_file(reader, sklearn_folders, digits ? "digits.csv*" : "iris.csv*");
  if (!path)
    return missing(reader, node, digits ? "the set of digits" : "the set of irises", "python3-sklearn");
  struct hk__csv_section csv = {.file = path,
                                .skip = digits ? 0 : 1,
                                .label = HK__LABEL_LAST,
                                .scale = digits ? HK__SCALE_TOGETHER : HK__SCALE_EACH,
                                .test_every = digits ? 5 : 3};
  enum hk_status status = read_csv(reader, &csv, data);
  if (digits && status == HK_OK)
    data->width = data->height = 8;
  return status;
}

enum hk_status hk__plan_data(struct hk__reader *reader, const struct hk__plan *plan, struct hk__dataset *data)
{
  const struct hk__data_section *d = &plan->data;
  if (hk__section_has(&hk__data_schema, d, "table"))
    return read_table(reader, &d->table, data);
  enum hk_status status;
  if (hk__section_has(&hk__data_schema, d, "idx")) {
    const char *paths[] = {d->idx.images, d->idx.labels, d->idx.test_images, d->idx.test_labels};
    status = read_idx(reader, paths, data);
  } else if (hk__section_has(&hk__data_schema, d, "csv")) {
    status = read_csv(reader, &d->csv, data);
  } else {
    status = read_known(reader, plan, data);
  }
  return status == HK_OK ? hk__dataset_check(data, d->section.node->place.file, reader->messages) : status;
}

/* --- encoding --- */

enum hk_status hk__plan_encoder(struct hk__reader *reader, const struct hk__plan *plan, const struct hk__dataset *data,
                                struct hk__encoder *encoder)
{
  const struct hk__encoding_section *e = &plan->network.encoding;
  enum hk__code_kind kind = (enum hk__code_kind)e->code;
  bool given = hk__section_has(&hk__network_schema, &plan->network, "encoding");
  if (!given || kind == HK__CODE_DIRECT)
    return hk__encoder_init(encoder, data->bits && !given ? HK__CODE_LEVELS : HK__CODE_DIRECT, data->features,
                            (const double[]){0.5}, 1);
  if (e->quantiles > 0)
    return hk__encoder_quantiles(encoder, kind, data->features, e->quantiles, &data->train);
  if (!e->thresholds) {
    hk__wrong(reader, e->section.node,
              "encoding: needs `thresholds`, a list such as [0.25, 0.5, 0.75], or `quantiles`");
    return HK_ERR_INPUT;
  }
  const double *thresholds;
  size_t count;
  if (!hk__read_numbers(reader, "thresholds", e->thresholds, 0.0, 1.0, &thresholds, &count))
    return HK_ERR_INPUT;
  for (size_t i = 1; i < count; i++)
    if (!(thresholds[i] > thresholds[i - 1])) {
      hk__wrong(reader, e->thresholds, "thresholds: %g comes after %g; they must rise", thresholds[i],
                thresholds[i - 1]);
      return HK_ERR_INPUT;
    }
  return hk__encoder_init(encoder, kind, data->features, thresholds, count);
}

/* --- networks --- */

static bool read_weights(struct hk__reader *reader, const struct hk__node *rows, struct hk__step_layer *layer)
{
  bool ok = true;
  for (size_t j = 0; j < layer->out; j++) {
    const double *w;
    size_t count;
    if (!hk__read_numbers(reader, "weights", rows->items[j], -INFINITY, INFINITY, &w, &count)) {
      ok = false;
    } else if (count != layer->in) {
      hk__wrong(reader, rows->items[j], "weights: %zu numbers for a unit with %zu inputs", count, layer->in);
      ok = false;
    } else {
      memcpy(layer->weight + j * layer->in, w, count * sizeof *w);
    }
  }
  return ok;
}

static bool read_layer(struct hk__reader *reader, const struct hk__layer_section *section, struct hk__step_layer *layer)
{
  const double *theta;
  size_t count;
  bool ok = read_weights(reader, section->weights, layer);
  if (!hk__read_numbers(reader, "thresholds", section->thresholds, -INFINITY, INFINITY, &theta, &count))
    return false;
  if (count != layer->out) {
    hk__wrong(reader, section->thresholds, "thresholds: %zu numbers for %zu units", count, layer->out);
    return false;
  }
  memcpy(layer->threshold, theta, count * sizeof *theta);
  return ok;
}

static enum hk_status given_network(struct hk__reader *reader, const struct hk__plan *plan, size_t inputs,
                                    struct hk__stepnet *net)
{
  const struct hk__sections *sections = &plan->network.layers;
  const struct hk__layer_section *layers = sections->items;
  size_t *sizes = hk__reader_alloc(reader, sections->count + 1, sizeof *sizes);
  if (!sizes)
    return HK_ERR_MEMORY;
  sizes[0] = inputs;
  for (size_t l = 0; l < sections->count; l++) {
    const struct hk__node *rows = layers[l].weights;
    if (rows->kind != HK__SEQUENCE || rows->count == 0) {
      hk__wrong_value(reader, "weights", rows, " was found", "a list of rows, one for each unit");
      return HK_ERR_INPUT;
    }
    sizes[l + 1] = rows->count;
  }
  enum hk_status status = hk__stepnet_init(net, sizes, sections->count);
  for (size_t l = 0; status == HK_OK && l < sections->count; l++)
    read_layer(reader, &layers[l], &net->layers[l]);
  return status == HK_OK && reader->wrong ? HK_ERR_INPUT : status;
}

static enum hk_status empty_network(struct hk__reader *reader, const struct hk__plan *plan,
                                    const struct hk__dataset *data, size_t inputs, struct hk__stepnet *net)
{
  const struct hk__node *hidden = plan->network.hidden;
  size_t layers = hidden && hidden->kind == HK__SEQUENCE ? hidden->count + 1 : 1;
  size_t *sizes = hk__reader_alloc(reader, layers + 1, sizeof *sizes);
  if (!sizes)
    return HK_ERR_MEMORY;
  if (hidden && hidden->kind != HK__SEQUENCE)
    hk__wrong_value(reader, "hidden", hidden, " was found", "a list of sizes such as [512, 512]");
  const struct hk__field field = {.key = "hidden", .low = 1, .high = 65536};
  for (size_t l = 0; l + 1 < layers; l++) {
    uint64_t size = 1;
    hk__read_whole(reader, &field, hidden->items[l], &size);
    sizes[l + 1] = size;
  }
  if (reader->wrong)
    return HK_ERR_INPUT;
  sizes[0] = inputs;
  sizes[layers] = data->bits ? data->output_bits : data->classes * plan->network.per_class;
  return hk__stepnet_init(net, sizes, layers);
}

/* What the outputs of a network mean follows from the data. */
static enum hk_status fit_data(struct hk__reader *reader, const struct hk__plan *plan, const struct hk__dataset *data,
                               size_t inputs, const char *where, struct hk__stepnet *net)
{
  const struct hk__node *node = plan->network.section.node;
  net->bits = data->bits;
  net->classes = data->classes;
  if (hk__stepnet_inputs(net) != inputs) {
    hk__wrong(reader, node, "network: %s takes %zu inputs, but the encoded data have %zu", where,
              hk__stepnet_inputs(net), inputs);
    return HK_ERR_INPUT;
  }
  size_t outputs = hk__stepnet_outputs(net);
  if (data->bits ? outputs != data->output_bits : outputs % data->classes != 0) {
    hk__wrong(reader, node, "network: %s has %zu outputs, but the data have %zu %s", where, outputs,
              data->bits ? data->output_bits : data->classes, data->bits ? "output bits" : "classes");
    return HK_ERR_INPUT;
  }
  net->per_class = data->bits ? 1 : outputs / data->classes;
  return hk__stepnet_check(net, node->place.file, reader->messages);
}

enum hk_status hk__plan_network(struct hk__reader *reader, const struct hk__plan *plan, const struct hk__dataset *data,
                                const struct hk__encoder *encoder, bool retrain, struct hk__stepnet *net, bool *trained)
{
  const struct hk__network_section *n = &plan->network;
  size_t inputs = hk__encoder_units(encoder);
  bool training = hk__section_has(&hk__plan_schema, plan, "training");
  *trained = true;
  enum hk_status status;
  if (hk__section_has(&hk__network_schema, n, "layers")) {
    status = given_network(reader, plan, inputs, net);
    return status == HK_OK ? fit_data(reader, plan, data, inputs, "the config's network", net) : status;
  }
  if (n->weights && !(training && (retrain || access(n->weights, F_OK) != 0))) {
    status = hk__stepnet_read(n->weights, net, reader->messages);
    return status == HK_OK ? fit_data(reader, plan, data, inputs, n->weights, net) : status;
  }
  if (!training) {
    hk__wrong(reader, n->section.node,
              "network: has neither `layers` nor `weights`, and there is no `training` that would make them");
    return HK_ERR_INPUT;
  }
  *trained = false;
  status = empty_network(reader, plan, data, inputs, net);
  if (status == HK_OK && plan->training.rule == HK__TRAIN_PERCEPTRON && net->layer_count > 1) {
    hk__wrong(reader, hk__section_node(&plan->training.section, "rule"),
              "rule: the perceptron rule trains one layer, this network has %zu; `straight_through` trains any depth",
              net->layer_count);
    status = HK_ERR_INPUT;
  }
  return status == HK_OK ? fit_data(reader, plan, data, inputs, "the config's network", net) : status;
}
