/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a comparison leaves behind besides its archive: tables as CSV, spikes as SONATA. */
#include <errno.h>
#include <hillock/spikes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ann/comparison.h"

static enum hk_status failed(const char *path, struct hk_messages *messages)
{
  hk_messages_add(messages, HK_SEVERITY_ERROR, &(struct hk_place){.file = path}, "cannot be written: %s",
                  strerror(errno));
  return HK_ERR_IO;
}

/* A number that reads as itself again, nothing for NAN. */
static void put(FILE *f, double value)
{
  if (!isnan(value))
    fprintf(f, "%.17g", value);
}

static void put_quoted(FILE *f, const char *text)
{
  putc('"', f);
  for (const char *c = text ? text : ""; *c; c++) {
    if (*c == '"')
      putc('"', f);
    putc(*c, f);
  }
  putc('"', f);
}

static void put_run(FILE *f, const struct hk_comparison_row *row)
{
  put_quoted(f, row->regime);
  fprintf(f, ",%s,%s,%s,", row->model, row->quantity ? row->quantity : "", row->unit ? row->unit : "");
  put(f, row->value);
}

static void put_row(FILE *f, const struct hk_comparison_row *row)
{
  put_run(f, row);
  fprintf(f, ",%zu,%zu,%.17g,%.17g,%.17g,%.17g,%llu,%llu,%llu,", row->samples, row->units, row->step_accuracy,
          row->spike_accuracy, row->decisions_agree, row->units_agree, (unsigned long long)row->units_different,
          (unsigned long long)row->prefix, (unsigned long long)row->leaked);
  const double rest[] = {row->input_spikes,  row->spikes,   row->events,    row->products,
                         row->decision_time, row->midpoint, row->steepness, row->seconds};
  for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
    put(f, rest[i]);
    fputs(i + 1 < sizeof rest / sizeof *rest ? "," : "\n", f);
  }
}

static void write_rows(FILE *f, const struct hk_comparison *c)
{
  fputs("regime,model,quantity,unit,value,samples,units,step_accuracy,spike_accuracy,decisions_agree,units_agree,"
        "units_different,prefix,leaked,input_spikes_per_sample,spikes_per_sample,events_per_sample,"
        "products_per_sample,decision_time_ms,midpoint,steepness,seconds\n",
        f);
  for (size_t i = 0; i < hk_comparison_row_count(c); i++) {
    struct hk_comparison_row row = hk_comparison_row(c, i);
    put_row(f, &row);
  }
}

static void write_responses(FILE *f, const struct hk_comparison *c)
{
  fputs("regime,model,quantity,unit,value,sum,step,probability,spikes,trials\n", f);
  for (size_t i = 0; i < hk_comparison_row_count(c); i++) {
    struct hk_comparison_row row = hk_comparison_row(c, i);
    const struct hk__response *r = &c->outcomes[i].response;
    for (size_t k = 0; k < r->count; k++) {
      put_run(f, &row);
      fprintf(f, ",%.17g,%d,%.17g,%.17g,%zu\n", r->sum[k], r->sum[k] >= c->plan.microscope.threshold, r->probability[k],
              r->spikes[k], r->trials[k]);
    }
  }
}

static enum hk_status write_file(const struct hk_comparison *c, const char *folder, const char *name,
                                 void (*write)(FILE *, const struct hk_comparison *), struct hk_messages *messages)
{
  char *path;
  if (asprintf(&path, "%s/%s", folder, name) < 0)
    return HK_ERR_MEMORY;
  enum hk_status status = HK_OK;
  FILE *f = fopen(path, "w");
  if (f)
    write(f, c);
  bool bad = !f || ferror(f);
  if (f && fclose(f) != 0)
    bad = true;
  if (bad)
    status = failed(path, messages);
  free(path);
  return status;
}

enum hk_status hk__tables_write(const struct hk_comparison *c, const char *folder, struct hk_messages *messages)
{
  enum hk_status status = write_file(c, folder, "comparison.csv", write_rows, messages);
  if (status == HK_OK && hk__section_has(&hk__plan_schema, &c->plan, "microscope"))
    status = write_file(c, folder, "response.csv", write_responses, messages);
  return status;
}

/* --- spikes --- */

/* The spikes before `until`, of those that are kept. */
static enum hk_status append_all(struct hk_spike_writer *writer, const struct hk__result *r, double until)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; status == HK_OK && i < r->kept_spike_count && r->kept_spikes[i].time < until; i++) {
    uint64_t id = r->kept_spikes[i].neuron;
    status = hk_spike_writer_append(writer, r->kept_spikes[i].population, &r->kept_spikes[i].time, &id, 1);
  }
  return status;
}

static enum hk_status write_spikes(const struct hk_comparison *c, size_t index, const char *path,
                                   const char *const *names, struct hk_messages *messages)
{
  const struct hk__outcome *o = &c->outcomes[index];
  const struct hk__result *r = &o->result;
  struct hk_spike_writer *writer;
  enum hk_status status = hk_spike_writer_create(path, names, r->layer_count, &writer, messages);
  if (status != HK_OK)
    return status;
  size_t shown = c->plan.spikes < r->samples ? c->plan.spikes : r->samples;
  const double duration = (double)shown * o->run->regime.period;
  status = append_all(writer, r, duration);
  if (status == HK_OK)
    status = hk_spike_writer_note_text(writer, "regime", o->run->name);
  if (status == HK_OK)
    status = hk_spike_writer_note_number(writer, "duration", duration);
  enum hk_status closed = hk_spike_writer_close(writer, messages);
  return status != HK_OK ? status : closed;
}

enum hk_status hk__spikes_write(const struct hk_comparison *c, size_t index, const char *folder,
                                struct hk_messages *messages)
{
  size_t layers = c->net.layer_count;
  char **names = calloc(layers, sizeof *names), *path = NULL;
  bool ok = names && asprintf(&path, "%s/spikes_%zu.h5", folder, index) >= 0;
  for (size_t l = 0; ok && l < layers; l++)
    ok = asprintf(&names[l], "layer_%zu", l + 1) >= 0;
  enum hk_status status = ok ? write_spikes(c, index, path, (const char *const *)names, messages) : HK_ERR_MEMORY;
  for (size_t l = 0; names && l < layers; l++)
    free(names[l]);
  free(names);
  free(path);
  return status;
}
