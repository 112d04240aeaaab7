/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison.h5: one group /runs/N for each run, in the order of the config, each written as soon as it is done.
 *
 *   /                     attributes: version, config, name
 *   /runs/N               attributes: regime, model, quantity, unit, value, exact, accuracies, counts, times
 *   /runs/N/label, step_decision, spike_decision, decision_time (ms), spikes        per sample
 *   /runs/N/step_on, spike_count                                                    samples x units, layer after layer
 *   /runs/N/layers/{units, different, prefix, leaked, spikes, step_on}              per layer
 *   /runs/N/response/{sum, probability, spikes, trials}                             the microscope's */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ann/comparison.h"
#include "io/h5.h"

struct hk__archive {
  struct hk__h5_output output;
  struct hk__h5_quiet quiet;
  const struct hk_comparison *comparison;
  hid_t runs;
};

enum hk_status hk__archive_create(const struct hk_comparison *comparison, const char *folder, struct hk__archive **out,
                                  struct hk_messages *messages)
{
  struct hk__archive *a = calloc(1, sizeof *a);
  char *path = NULL;
  if (!a || asprintf(&path, "%s/comparison.h5", folder) < 0) {
    free(a);
    return HK_ERR_MEMORY;
  }
  hk__h5_hush(&a->quiet);
  a->comparison = comparison;
  enum hk_status status = hk__h5_output_create(path, &a->output, messages);
  free(path);
  if (status != HK_OK) {
    hk__h5_unhush(&a->quiet);
    free(a);
    return status;
  }
  hid_t file = a->output.file;
  a->runs = hk__h5_new_group(file, "runs");
  if (a->runs < 0 || !hk__h5_put_text(file, "version", hk_version()) ||
      !hk__h5_put_text(file, "name", comparison->name) || !hk__h5_put_text(file, "config", comparison->text))
    hk__h5_output_fail(&a->output, "writing attributes");
  if (a->output.status == HK_OK)
    hk__h5_output_publish(&a->output);
  *out = a;
  return HK_OK;
}

static bool put_column(hid_t group, const char *name, hid_t type, size_t count, const void *values)
{
  hsize_t size = count;
  hid_t set = hk__h5_new_dataset(group, name, type, 1, &size, NULL, NULL);
  bool ok = set >= 0 && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
  hk__h5_drop(set);
  return ok;
}

/* Bits and small counts compress well. */
static bool put_units(hid_t group, const char *name, const struct hk__result *r, const uint8_t *values)
{
  hsize_t size[2] = {r->samples, r->units}, chunk[2] = {r->samples < 64 ? r->samples : 64, r->units};
  hid_t space = H5Screate_simple(2, size, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(how, 2, chunk);
  H5Pset_deflate(how, 4);
  hid_t set = H5Dcreate2(group, name, H5T_STD_U8LE, space, H5P_DEFAULT, how, H5P_DEFAULT);
  bool ok = set >= 0 && H5Dwrite(set, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
  hk__h5_drop(set);
  hk__h5_drop(how);
  hk__h5_drop(space);
  return ok;
}

static bool put_layers(hid_t run, const struct hk__result *r)
{
  enum { COLUMNS = 6 };
  static const char *const names[COLUMNS] = {"units", "different", "prefix", "leaked", "spikes", "step_on"};
  uint64_t *column = malloc(r->layer_count * sizeof *column);
  hid_t group = hk__h5_new_group(run, "layers");
  bool ok = column && group >= 0;
  for (size_t k = 0; ok && k < COLUMNS; k++) {
    for (size_t l = 0; l < r->layer_count; l++) {
      const struct hk__layer_result *layer = &r->layers[l];
      const uint64_t values[COLUMNS] = {layer->units,  layer->different, layer->prefix,
                                        layer->leaked, layer->spikes,    layer->step_on};
      column[l] = values[k];
    }
    ok = put_column(group, names[k], H5T_NATIVE_UINT64, r->layer_count, column);
  }
  hk__h5_drop(group);
  free(column);
  return ok;
}

static bool put_response(hid_t run, const struct hk__response *r)
{
  if (r->count == 0)
    return true;
  hid_t group = hk__h5_new_group(run, "response");
  bool ok = group >= 0 && put_column(group, "sum", H5T_NATIVE_DOUBLE, r->count, r->sum) &&
            put_column(group, "probability", H5T_NATIVE_DOUBLE, r->count, r->probability) &&
            put_column(group, "spikes", H5T_NATIVE_DOUBLE, r->count, r->spikes) &&
            put_column(group, "trials", H5T_NATIVE_ULONG, r->count, r->trials) &&
            hk__h5_put_number(group, "midpoint", r->midpoint) && hk__h5_put_number(group, "steepness", r->steepness);
  hk__h5_drop(group);
  return ok;
}

static bool put_summary(hid_t run, const struct hk_comparison *c, const struct hk__outcome *o)
{
  const struct hk__plan_run *plan = o->run;
  const struct hk__result *r = &o->result;
  (void)c;
  return hk__h5_put_text(run, "regime", plan->name) && hk__h5_put_text(run, "model", plan->regime.model) &&
         (!plan->quantity ||
          (hk__h5_put_text(run, "quantity", plan->quantity) && hk__h5_put_text(run, "unit", plan->unit) &&
           hk__h5_put_number(run, "value", plan->value))) &&
         hk__h5_put_flag(run, "exact", r->exact) && (r->exact || hk__h5_put_text(run, "why_not_exact", r->why_not)) &&
         hk__h5_put_number(run, "step_accuracy", hk__result_step_accuracy(r)) &&
         hk__h5_put_number(run, "spike_accuracy", hk__result_spike_accuracy(r)) &&
         hk__h5_put_number(run, "decisions_agree", hk__result_decisions_agree(r)) &&
         hk__h5_put_number(run, "synaptic_events", (double)r->events) &&
         hk__h5_put_number(run, "dense_products", (double)r->products) &&
         hk__h5_put_number(run, "input_spikes", (double)r->input_spikes) &&
         hk__h5_put_number(run, "period_ms", plan->regime.period) && hk__h5_put_number(run, "wall_seconds", r->seconds);
}

static bool put_samples(hid_t run, const struct hk__result *r)
{
  return put_column(run, "label", H5T_NATIVE_INT32, r->samples, r->label) &&
         put_column(run, "step_decision", H5T_NATIVE_INT32, r->samples, r->step_decision) &&
         put_column(run, "spike_decision", H5T_NATIVE_INT32, r->samples, r->spike_decision) &&
         put_column(run, "decision_time", H5T_NATIVE_FLOAT, r->samples, r->decision_time) &&
         put_column(run, "spikes", H5T_NATIVE_UINT32, r->samples, r->sample_spikes) &&
         put_units(run, "step_on", r, r->step_on) && put_units(run, "spike_count", r, r->spike_count);
}

enum hk_status hk__archive_add(struct hk__archive *a, size_t index, const struct hk__outcome *o)
{
  const struct hk__result *r = &o->result;
  char name[32];
  snprintf(name, sizeof name, "%zu", index);
  if (hk__h5_output_reserve(&a->output, r->samples * (2 * r->units + 20) + (1U << 20)) != HK_OK)
    return a->output.status;
  hid_t run = hk__h5_new_group(a->runs, name);
  if (run < 0 || !put_summary(run, a->comparison, o) || !put_samples(run, r) || !put_layers(run, r) ||
      !put_response(run, &o->response))
    hk__h5_output_fail(&a->output, "writing a run");
  hk__h5_drop(run);
  return a->output.status == HK_OK ? hk__h5_output_flush(&a->output) : a->output.status;
}

enum hk_status hk__archive_close(struct hk__archive *a, struct hk_messages *messages)
{
  if (!a)
    return HK_OK;
  hk__h5_drop(a->runs);
  enum hk_status status = hk__h5_output_close(&a->output, messages);
  hk__h5_unhush(&a->quiet);
  free(a);
  return status;
}
