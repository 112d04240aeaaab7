/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ann/comparison.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- reading --- */

static char *base_name(const char *path)
{
  const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path, *dot = strrchr(start, '.');
  return strndup(start, dot && dot > start ? (size_t)(dot - start) : strlen(start));
}

static char *folder_of(const char *path)
{
  char *absolute = realpath(path, NULL), *slash = absolute ? strrchr(absolute, '/') : NULL;
  if (slash)
    *(slash == absolute ? slash + 1 : slash) = '\0';
  return absolute;
}

enum { CONFIG_MAX = 64 << 20 };

static enum hk_status read_text(const char *path, char **out, size_t *length, struct hk_messages *messages)
{
  FILE *file = fopen(path, "rb");
  char *text = file ? malloc(1) : NULL;
  size_t have = 0, got = 0;
  bool memory = file && !text;
  if (text) {
    char buffer[65536];
    while (!memory && have < CONFIG_MAX && (got = fread(buffer, 1, sizeof buffer, file)) > 0) {
      char *grown = realloc(text, have + got + 1);
      memory = !grown;
      if (memory)
        break;
      text = grown;
      memcpy(text + have, buffer, got);
      have += got;
    }
  }
  bool unreadable = !file || ferror(file) || have >= CONFIG_MAX;
  if (unreadable)
    hk_messages_add(messages, HK_SEVERITY_ERROR, &(struct hk_place){.file = path}, "cannot be read as a config: %s",
                    have >= CONFIG_MAX ? "too large" : strerror(errno));
  if (file)
    fclose(file);
  if (unreadable || memory) {
    free(text);
    return memory ? HK_ERR_MEMORY : HK_ERR_INPUT;
  }
  text[have] = '\0';
  *out = text;
  *length = have;
  return HK_OK;
}

static enum hk_status read_plan(struct hk_comparison *c, struct hk__reader *reader, const char *path, size_t length,
                                const char *const *overrides, size_t override_count)
{
  const struct hk__node *root;
  enum hk_status status = hk__tree_load(reader->arena, path, c->text, length, &root, reader->messages);
  for (size_t i = 0; status == HK_OK && i < override_count; i++)
    status = hk__tree_override(reader->arena, overrides[i], &root, reader->messages);
  if (status == HK_OK)
    status = hk__units_create(&reader->units, reader->messages);
  if (status != HK_OK)
    return status;
  hk__read_section(reader, &hk__plan_schema, root, &c->plan);
  if (hk__section_has(&hk__plan_schema, &c->plan, "regimes") && c->plan.regimes.items)
    hk__plan_runs(reader, &c->plan, &c->runs, &c->run_count, &c->trees);
  return reader->status != HK_OK ? reader->status : reader->wrong ? HK_ERR_INPUT : HK_OK;
}

/* Regimes that cannot be, told before anything is trained; all of them. */
static enum hk_status complete_runs(struct hk_comparison *c, bool keep, struct hk_messages *messages)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < c->run_count; i++) {
    struct hk__regime regime = c->runs[i].regime;
    bool exact;
    const char *why_not;
    enum hk_status one = hk__regime_complete(&regime, &c->net, &c->runs[i].place, &exact, &why_not, messages);
    if (status == HK_OK)
      status = one;
    if (keep && one == HK_OK) {
      c->runs[i].regime = regime;
      c->outcomes[i].result.exact = exact;
      c->outcomes[i].result.why_not = why_not;
    }
  }
  return status;
}

static enum hk_status read_rest(struct hk_comparison *c, struct hk__reader *reader, bool retrain)
{
  enum hk_status status = hk__plan_data(reader, &c->plan, &c->data);
  if (status == HK_OK)
    status = hk__plan_encoder(reader, &c->plan, &c->data, &c->encoder);
  if (status == HK_OK)
    status = hk__plan_network(reader, &c->plan, &c->data, &c->encoder, retrain, &c->net, &c->trained);
  if (status == HK_OK)
    status = complete_runs(c, false, reader->messages);
  if (status == HK_OK && c->plan.samples > 0 && c->plan.samples < c->data.test.count)
    c->data.test.count = c->plan.samples;
  c->outcomes = status == HK_OK ? calloc(c->run_count, sizeof *c->outcomes) : NULL;
  if (status == HK_OK && !c->outcomes)
    status = HK_ERR_MEMORY;
  for (size_t i = 0; status == HK_OK && i < c->run_count; i++)
    c->outcomes[i].run = &c->runs[i];
  return status;
}

enum hk_status hk_comparison_read(const char *path, const char *const *overrides, size_t override_count, bool retrain,
                                  struct hk_comparison **out, struct hk_messages *messages)
{
  struct hk_comparison *c = calloc(1, sizeof *c);
  size_t length = 0;
  enum hk_status status = c ? read_text(path, &c->text, &length, messages) : HK_ERR_MEMORY;
  if (status == HK_OK) {
    c->name = base_name(path);
    c->folder = folder_of(path);
    status = c->name && c->folder ? HK_OK : HK_ERR_MEMORY;
  }
  struct hk__reader reader = {.arena = c ? &c->arena : NULL, .messages = messages, .folder = c ? c->folder : NULL};
  if (status == HK_OK)
    status = read_plan(c, &reader, path, length, overrides, override_count);
  if (status == HK_OK)
    status = read_rest(c, &reader, retrain);
  hk__units_destroy(reader.units);
  if (status == HK_OK)
    *out = c;
  else
    hk_comparison_destroy(c);
  return status;
}

void hk_comparison_destroy(struct hk_comparison *c)
{
  if (!c)
    return;
  for (size_t i = 0; c->outcomes && i < c->run_count; i++) {
    hk__result_clear(&c->outcomes[i].result);
    hk__response_clear(&c->outcomes[i].response);
    free(c->outcomes[i].first_steps);
  }
  free(c->outcomes);
  for (size_t i = 0; c->trees && i < c->plan.regimes.count; i++)
    hk_tree_clear(&c->trees[i]);
  hk__dataset_clear(&c->data);
  hk__encoder_clear(&c->encoder);
  hk__stepnet_clear(&c->net);
  hk__arena_clear(&c->arena);
  free(c->name);
  free(c->folder);
  free(c->text);
  free(c);
}

const char *hk_comparison_name(const struct hk_comparison *c)
{
  return c->name;
}

void hk_comparison_set_threads(struct hk_comparison *c, int threads)
{
  c->threads = threads;
}

struct hk_comparison_shape hk_comparison_shape(const struct hk_comparison *c)
{
  return (struct hk_comparison_shape){.inputs = hk__stepnet_inputs(&c->net),
                                      .hidden_layers = c->net.layer_count - 1,
                                      .outputs = hk__stepnet_outputs(&c->net),
                                      .classes = c->net.classes,
                                      .units = hk__stepnet_units(&c->net),
                                      .connections = hk__stepnet_connections(&c->net),
                                      .training_samples = c->data.train.count,
                                      .test_samples = c->data.test.count};
}

/* --- training --- */

bool hk_comparison_needs_training(const struct hk_comparison *c)
{
  return !c->trained;
}

static bool pass_epoch(void *context, const struct hk__epoch *e)
{
  const struct hk_comparison_watch *watch = context;
  struct hk_training_epoch epoch = {e->epoch, e->epochs, e->loss, e->accuracy, e->validation, e->seconds};
  return !watch || !watch->epoch || watch->epoch(watch->context, &epoch);
}

/* The folder that a file is to stand in, made if only it is missing; opening the file tells what else is wrong. */
static void make_folder_of(const char *path)
{
  const char *slash = strrchr(path, '/');
  char *folder = slash && slash > path ? strndup(path, (size_t)(slash - path)) : NULL;
  if (folder)
    mkdir(folder, 0777);
  free(folder);
}

enum hk_status hk_comparison_train(struct hk_comparison *c, const struct hk_comparison_watch *watch,
                                   struct hk_messages *messages)
{
  struct hk__training training = hk__plan_training(&c->plan);
  training.threads = c->threads;
  struct hk__training_watch inner = {pass_epoch, (void *)watch};
  enum hk_status status = (training.rule == HK__TRAIN_PERCEPTRON ? hk__train_perceptron : hk__train_straight_through)(
      &c->net, &c->data, &c->encoder, &training, &inner, messages);
  if (status == HK_OK)
    c->trained = true;
  if (status == HK_OK && c->plan.network.weights) {
    make_folder_of(c->plan.network.weights);
    status = hk__stepnet_write(c->plan.network.weights, &c->net, messages);
  }
  return status;
}

/* --- running --- */

struct counting {
  const struct hk_comparison_watch *watch;
  size_t run, runs;
};

static bool pass_samples(void *context, size_t samples, size_t of)
{
  struct counting *counting = context;
  const struct hk_comparison_watch *watch = counting->watch;
  return !watch || !watch->samples || watch->samples(watch->context, counting->run, counting->runs, samples, of);
}

/* Values between 0 and 1 are not what a volley can carry. */
static bool binary_inputs(const struct hk_comparison *c)
{
  if (c->encoder.kind != HK__CODE_DIRECT)
    return true;
  for (size_t i = 0; i < c->data.test.count * c->data.features; i++)
    if (c->data.test.value[i] != 0.0F && c->data.test.value[i] != 1.0F)
      return false;
  return true;
}

static enum hk_status slim(struct hk__outcome *o)
{
  struct hk__result *r = &o->result;
  o->first_samples = r->samples < HK__PICTURED_FROM ? r->samples : HK__PICTURED_FROM;
  o->first_steps = malloc(o->first_samples * r->units);
  if (!o->first_steps)
    return HK_ERR_MEMORY;
  memcpy(o->first_steps, r->step_on, o->first_samples * r->units);
  free(r->step_on);
  free(r->spike_count);
  r->step_on = r->spike_count = NULL;
  return HK_OK;
}

static enum hk_status run_one(struct hk_comparison *c, size_t index, const struct hk_comparison_watch *watch,
                              struct hk_messages *messages)
{
  struct hk__outcome *o = &c->outcomes[index];
  struct hk__regime regime = o->run->regime;
  bool exact = o->result.exact;
  const char *why_not = o->result.why_not;
  if (exact && !binary_inputs(c)) {
    exact = false;
    why_not = "inputs between 0 and 1 are not spikes";
  }
  regime.threads = c->threads;
  struct counting counting = {watch, index, c->run_count};
  struct hk__regime_watch inner = {pass_samples, &counting};
  size_t keep = c->plan.spikes > HK__PICTURED_FROM ? c->plan.spikes : HK__PICTURED_FROM;
  enum hk_status status =
      hk__regime_run(&regime, &c->net, &c->encoder, &c->data.test, keep, &inner, &o->result, messages);
  o->result.exact = exact;
  o->result.why_not = why_not;
  o->response.midpoint = o->response.steepness = NAN;
  o->response.midpoint_error = o->response.steepness_error = NAN;
  if (status == HK_OK && hk__section_has(&hk__plan_schema, &c->plan, "microscope"))
    status = hk__microscope_look(c, o->run, &o->response, messages);
  o->done = status == HK_OK;
  return status;
}

static enum hk_status write_net(const struct hk_comparison *c, const char *folder, struct hk_messages *messages)
{
  char *path;
  if (asprintf(&path, "%s/weights.h5", folder) < 0)
    return HK_ERR_MEMORY;
  enum hk_status status = hk__stepnet_write(path, &c->net, messages);
  free(path);
  return status;
}

enum hk_status hk_comparison_run(struct hk_comparison *c, const char *folder, const struct hk_comparison_watch *watch,
                                 struct hk_messages *messages)
{
  struct hk__archive *archive = NULL;
  enum hk_status status = complete_runs(c, true, messages);
  if (status == HK_OK && folder)
    status = write_net(c, folder, messages);
  if (status == HK_OK && folder)
    status = hk__archive_create(c, folder, &archive, messages);
  for (size_t i = 0; status == HK_OK && i < c->run_count; i++) {
    status = run_one(c, i, watch, messages);
    if (status == HK_OK && folder)
      status = hk__archive_add(archive, i, &c->outcomes[i]);
    if (status == HK_OK && folder && c->plan.spikes > 0)
      status = hk__spikes_write(c, i, folder, messages);
    if (status == HK_OK)
      status = slim(&c->outcomes[i]);
  }
  enum hk_status closed = hk__archive_close(archive, messages);
  enum hk_status tables = folder ? hk__tables_write(c, folder, messages) : HK_OK;
  return status != HK_OK ? status : closed != HK_OK ? closed : tables;
}

size_t hk_comparison_row_count(const struct hk_comparison *c)
{
  size_t count = 0;
  while (count < c->run_count && c->outcomes[count].done)
    count++;
  return count;
}

struct hk_comparison_row hk_comparison_row(const struct hk_comparison *c, size_t index)
{
  const struct hk__outcome *o = &c->outcomes[index];
  const struct hk__result *r = &o->result;
  double samples = (double)r->samples, all = samples * (double)r->units;
  struct hk_comparison_row row = {.regime = o->run->name,
                                  .model = o->run->regime.model,
                                  .quantity = o->run->quantity,
                                  .unit = o->run->unit,
                                  .value = o->run->value,
                                  .samples = r->samples,
                                  .units = r->units,
                                  .step_accuracy = hk__result_step_accuracy(r),
                                  .spike_accuracy = hk__result_spike_accuracy(r),
                                  .decisions_agree = hk__result_decisions_agree(r),
                                  .units_different = hk__result_different(r),
                                  .input_spikes = (double)r->input_spikes / samples,
                                  .spikes = (double)r->layer_spikes / samples,
                                  .events = (double)r->events / samples,
                                  .products = (double)r->products / samples,
                                  .decision_time = hk__result_decision_time(r),
                                  .seconds = r->seconds,
                                  .exact = r->exact,
                                  .why_not = r->why_not,
                                  .midpoint = o->response.midpoint,
                                  .steepness = o->response.steepness,
                                  .midpoint_error = o->response.midpoint_error,
                                  .steepness_error = o->response.steepness_error};
  row.units_agree = 1.0 - (double)row.units_different / all;
  for (size_t l = 0; l < r->layer_count; l++) {
    row.prefix += r->layers[l].prefix;
    row.leaked += r->layers[l].leaked;
  }
  return row;
}
