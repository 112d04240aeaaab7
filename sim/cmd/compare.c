/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/compare.h>

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "messages.h"
#include "options.h"
#include "progress.h"

enum option { OUT, OVERWRITE, SET, TRAIN, RETRAIN, THREADS, PROGRESS };

static const struct option_row rows[] = {
    [OUT] = {"output", 'o', "DIR", "where results go; default results/NAME, NAME being the config's"},
    [OVERWRITE] = {"overwrite", 0, NULL, "replace an existing result"},
    [SET] = {"set", 0, "KEY=VALUE",
             "change the config: KEY is a dotted path such as samples or regimes.0.spread,\n"
             "VALUE is YAML; may be repeated"},
    [TRAIN] = {"train", 0, NULL, "train only, even if the weights are there already"},
    [RETRAIN] = {"retrain", 0, NULL, "train even if the weights are there already, then compare"},
    [THREADS] = {"threads", 0, "N", "threads to use; default all processors; the result does not depend on it"},
    [PROGRESS] = {"progress", 0, "KIND", "auto, bar, plain or none; auto is a bar on a terminal, else plain lines"},
};

static const struct usage usage = {
    .synopsis = "hillock compare CONFIG [OPTIONS]",
    .about = "Runs the same weights as a network of step functions and as spiking neurons, side by side; trains them\n"
             "first where the config asks for it and they are not there yet. Prints a table; DIR gets\n"
             "comparison.csv, response.csv, comparison.h5 (everything, per sample and unit), weights.h5,\n"
             "comparison.png and spikes on request.",
    .options = rows,
    .count = sizeof rows / sizeof *rows,
};

/* What one call of the command was asked for. */
struct request {
  const char *config, *folder;
  const char **overrides;
  size_t override_count;
  int threads;
  enum progress_kind progress; /* AUTO has become BAR or PLAIN */
  bool overwrite, retrain, train_only;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
  (void)signal;
  interrupted = 1;
}

/* --- the command line --- */

static int take_threads(struct request *r, const struct arguments *args, const char *text)
{
  char *end;
  long value = strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value < 1 || value > 4096)
    return wrong_usage(args, "`--threads %s`: a number from 1 to 4096 was expected", text);
  r->threads = (int)value;
  return EXIT_DONE;
}

/* Takes one option; EXIT_DONE, or the exit code of a mistake. */
static int take_option(struct request *r, const struct arguments *args, int option, const char *value)
{
  int kind;
  switch (option) {
  case OPTION_PLAIN:
    if (r->config)
      return wrong_usage(args, "one config was expected, `%s` and `%s` were found", r->config, value);
    r->config = value;
    return EXIT_DONE;
  case OUT:
    r->folder = value;
    return *value ? EXIT_DONE : wrong_usage(args, "`-o` needs the name of a folder");
  case OVERWRITE:
    r->overwrite = true;
    return EXIT_DONE;
  case SET:
    r->overrides[r->override_count++] = value;
    return EXIT_DONE;
  case TRAIN:
    r->train_only = r->retrain = true;
    return EXIT_DONE;
  case RETRAIN:
    r->retrain = true;
    return EXIT_DONE;
  case THREADS:
    return take_threads(r, args, value);
  case PROGRESS:
    kind = choose(args, "progress", value, progress_kinds);
    r->progress = kind < 0 ? PROGRESS_AUTO : (enum progress_kind)kind;
    return kind < 0 ? EXIT_USAGE : EXIT_DONE;
  default:
    return option_exit(option);
  }
}

/* --- progress --- */

static bool on_epoch(void *context, const struct hk_training_epoch *e)
{
  const struct request *a = context;
  static const char full[] = "####################";
  int length = (int)(20 * e->epoch / e->epochs);
  bool terminal = a->progress == PROGRESS_BAR;
  if (a->progress != PROGRESS_NONE && (terminal || e->epoch == e->epochs || e->epoch % (e->epochs / 10 + 1) == 0)) {
    fprintf(stderr, "%straining [%-20.*s] %zu/%zu  loss %.4f", terminal ? "\r" : "", length, full, e->epoch, e->epochs,
            e->loss);
    if (e->validation >= 0.0)
      fprintf(stderr, "  validation %.2f %%", 100.0 * e->validation);
    else if (e->accuracy >= 0.0)
      fprintf(stderr, "  right %.2f %%", 100.0 * e->accuracy);
    fprintf(stderr, "  %.0f s, %.0f s left%s", e->seconds,
            e->seconds / (double)e->epoch * (double)(e->epochs - e->epoch), terminal ? "   " : "\n");
  }
  return !interrupted;
}

static bool on_samples(void *context, size_t run, size_t runs, size_t samples, size_t of)
{
  const struct request *a = context;
  if (a->progress == PROGRESS_BAR)
    fprintf(stderr, "\rrun %zu of %zu: %zu of %zu samples   ", run + 1, runs, samples, of);
  return !interrupted;
}

static void end_progress(const struct request *a)
{
  if (a->progress == PROGRESS_BAR)
    fputs("\n", stderr);
}

/* --- the folder --- */

static int make_parents(char *path)
{
  for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
    *slash = '\0';
    int failed = mkdir(path, 0777) != 0 && errno != EEXIST;
    *slash = '/';
    if (failed)
      return -1;
  }
  return mkdir(path, 0777) != 0 && errno != EEXIST ? -1 : 0;
}

static char *result_folder(const struct request *a, const struct hk_comparison *comparison)
{
  char *folder, *archive;
  if (asprintf(&folder, "%s%s", a->folder ? a->folder : "results/", a->folder ? "" : hk_comparison_name(comparison)) <
      0)
    return NULL;
  if (asprintf(&archive, "%s/comparison.h5", folder) < 0) {
    free(folder);
    return NULL;
  }
  bool there = access(archive, F_OK) == 0;
  free(archive);
  if (there && !a->overwrite)
    fprintf(stderr, "hillock compare: %s holds a result already; --overwrite replaces it, -o takes another folder\n",
            folder);
  else if (make_parents(folder) != 0)
    fprintf(stderr, "hillock compare: the folder %s cannot be made: %s\n", folder, strerror(errno));
  else
    return folder;
  free(folder);
  return NULL;
}

/* --- the table --- */

static void print_value(const struct hk_comparison_row *row)
{
  char text[64] = "";
  if (row->quantity)
    snprintf(text, sizeof text, "%s %g %s", row->quantity, row->value, strcmp(row->unit, "1") == 0 ? "" : row->unit);
  printf("%-16.16s %-22.22s", row->regime, text);
}

static void print_row(const struct hk_comparison_row *row)
{
  print_value(row);
  char decided[32] = "-";
  if (!isnan(row->decision_time))
    snprintf(decided, sizeof decided, "%.2f", row->decision_time);
  printf(" %6.2f %6.2f %7.2f %9.4f %10llu %8llu %8llu %9.1f %10.0f %6.1f %8s\n", 100.0 * row->step_accuracy,
         100.0 * row->spike_accuracy, 100.0 * row->decisions_agree, 100.0 * row->units_agree,
         (unsigned long long)row->units_different, (unsigned long long)row->prefix, (unsigned long long)row->leaked,
         row->spikes, row->events, 100.0 * row->events / row->products, decided);
}

static void print_notes(const struct hk_comparison *comparison)
{
  bool curves = false;
  for (size_t i = 0; i < hk_comparison_row_count(comparison); i++) {
    struct hk_comparison_row row = hk_comparison_row(comparison, i);
    curves = curves || !isnan(row.steepness);
    if (row.exact)
      printf("%s: exact; %llu of %llu units differ\n", row.regime, (unsigned long long)row.units_different,
             (unsigned long long)(row.samples * row.units));
  }
  if (!curves)
    return;
  puts("\nunder the microscope: p = 1 / (1 + exp(-steepness (sum - midpoint)))");
  for (size_t i = 0; i < hk_comparison_row_count(comparison); i++) {
    struct hk_comparison_row row = hk_comparison_row(comparison, i);
    print_value(&row);
    if (isnan(row.steepness))
      puts("  never reaches one half");
    else if (isinf(row.steepness))
      printf("  midpoint %7.2f           a step\n", row.midpoint);
    else
      printf("  midpoint %7.2f +- %-6.2f steepness %.3f +- %.3f\n", row.midpoint, row.midpoint_error, row.steepness,
             row.steepness_error);
  }
}

static void print_table(const struct hk_comparison *comparison)
{
  struct hk_comparison_shape s = hk_comparison_shape(comparison);
  printf("%s: %zu inputs, %zu hidden layers, %zu outputs; %llu connections; %zu test samples\n\n",
         hk_comparison_name(comparison), s.inputs, s.hidden_layers, s.outputs, (unsigned long long)s.connections,
         s.test_samples);
  printf("%-16s %-22s %6s %6s %7s %9s %10s %8s %8s %9s %10s %6s %8s\n", "", "", "step", "spikes", "same", "same",
         "units", "fired", "silent", "spikes", "events", "% of", "decided");
  printf("%-16s %-22s %6s %6s %7s %9s %10s %8s %8s %9s %10s %6s %8s\n", "regime", "", "right%", "right%", "class%",
         "units%", "differ", "early", "by leak", "/sample", "/sample", "dense", "ms");
  for (size_t i = 0; i < hk_comparison_row_count(comparison); i++) {
    struct hk_comparison_row row = hk_comparison_row(comparison, i);
    print_row(&row);
  }
  puts("");
  print_notes(comparison);
}

/* --- the command --- */

static enum hk_status draw(const struct hk_comparison *comparison, const char *folder, struct hk_messages *messages)
{
  char *path;
  if (asprintf(&path, "%s/comparison.png", folder) < 0)
    return HK_ERR_MEMORY;
  enum hk_status status = hk_comparison_draw(comparison, path, messages);
  free(path);
  return status;
}

static enum hk_status train(const struct request *a, struct hk_comparison *comparison,
                            const struct hk_comparison_watch *watch, struct hk_messages *messages)
{
  if (!hk_comparison_needs_training(comparison)) {
    const struct hk_place place = {a->config, 0, 0};
    if (a->train_only)
      hk_messages_add(messages, HK_SEVERITY_ERROR, &place, "the weights are given in the config: nothing to train");
    return a->train_only ? HK_ERR_INPUT : HK_OK;
  }
  enum hk_status status = hk_comparison_train(comparison, watch, messages);
  end_progress(a);
  return status == HK_OK && interrupted ? HK_ERR_INTERRUPTED : status;
}

static int compare(const struct request *a, struct hk_comparison *comparison, struct hk_messages *messages)
{
  struct hk_comparison_watch watch = {.context = (void *)a, .epoch = on_epoch, .samples = on_samples};
  hk_comparison_set_threads(comparison, a->threads);
  char *folder = a->train_only ? NULL : result_folder(a, comparison);
  if (!a->train_only && !folder)
    return EXIT_USAGE;
  enum hk_status status = train(a, comparison, &watch, messages);
  if (status == HK_OK && !a->train_only) {
    status = hk_comparison_run(comparison, folder, &watch, messages);
    end_progress(a);
    if (hk_comparison_row_count(comparison) > 0) {
      print_table(comparison);
      enum hk_status drawn = draw(comparison, folder, messages);
      status = status == HK_OK ? drawn : status;
      if (status == HK_ERR_INTERRUPTED)
        fputs("interrupted: regimes beyond these were not compared\n", stderr);
      fprintf(stderr, "results in %s\n", folder);
    }
  }
  free(folder);
  return status == HK_OK ? EXIT_DONE : report_failure(status, messages);
}

static int read_and_compare(const struct request *r)
{
  struct hk_messages *messages;
  struct hk_comparison *comparison = NULL;
  if (hk_messages_create(&messages) != HK_OK)
    return report_failure(HK_ERR_MEMORY, NULL);
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  enum hk_status status =
      hk_comparison_read(r->config, r->overrides, r->override_count, r->retrain, &comparison, messages);
  int code = status == HK_OK ? compare(r, comparison, messages) : report_failure(status, messages);
  print_messages(messages);
  hk_comparison_destroy(comparison);
  hk_messages_destroy(messages);
  return code;
}

int command_compare(int argc, char **argv)
{
  struct request r = {.overrides = calloc((size_t)argc + 1, sizeof *r.overrides)};
  struct arguments args = {.argc = argc, .argv = argv, .usage = &usage};
  const char *value;
  int code = r.overrides ? EXIT_DONE : EXIT_FAILED;
  for (int option; code == EXIT_DONE && (option = next_option(&args, &value)) != OPTION_END;) {
    code = take_option(&r, &args, option, value);
    if (option == OPTION_HELP) {
      free(r.overrides);
      return EXIT_DONE;
    }
  }
  if (code == EXIT_DONE && !r.config)
    code = wrong_usage(&args, "the path of a config was expected");
  if (r.progress == PROGRESS_AUTO)
    r.progress = isatty(STDERR_FILENO) ? PROGRESS_BAR : PROGRESS_PLAIN;
  if (code == EXIT_DONE)
    code = read_and_compare(&r);
  free(r.overrides);
  return code;
}
