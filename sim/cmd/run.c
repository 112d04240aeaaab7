/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `hillock run`: reads a config, builds its network, runs it and records what it does. Nothing is created before the
 * network is built; from then on the results folder holds a spikes file whose note `complete` is 0 until the run has
 * come to its end, by itself or by an interrupt, and all was written. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hillock/config.h>
#include <hillock/recorder.h>

#include "commands.h"
#include "folder.h"
#include "messages.h"
#include "options.h"
#include "plan.h"
#include "progress.h"

enum { TEXT = 32 };

enum option { OUT, OVERWRITE, SET, DURATION, SEED, THREADS, SCHEDULER, DRY_RUN, PROGRESS };

static const struct option_row rows[] = {
    [OUT] = {"output", 'o', "DIR", "where results go; default results/NAME, NAME being the config's"},
    [OVERWRITE] = {"overwrite", 0, NULL, "replace an existing result"},
    [SET] = {"set", 0, "KEY=VALUE",
             "change the config: KEY is a dotted path such as populations.exc.size or\n"
             "projections.0.weight, VALUE is YAML; may be repeated"},
    [DURATION] = {"duration", 0, "T", "time to simulate, with its unit (--duration 2s)"},
    [SEED] = {"seed", 0, "N", "the seed of everything that is drawn"},
    [THREADS] = {"threads", 0, "N", "threads to use; default all processors; the result does not depend on it"},
    [SCHEDULER] = {"scheduler", 0, "S", "auto, queue (plain event-driven) or windows (the fast one)"},
    [DRY_RUN] = {"dry-run", 'n', NULL, "build nothing: print populations, synapses, memory, files and time needed"},
    [PROGRESS] = {"progress", 0, "KIND", "auto, bar, plain or none; auto is a bar on a terminal, else plain lines"},
};

static const struct usage usage = {
    .synopsis = "hillock run CONFIG [OPTIONS]",
    .about =
        "Simulates the network of CONFIG, a YAML config or a SONATA simulation config (JSON), and writes\n"
        "DIR/spikes.h5, one report file per trace and variable and DIR/config.yaml, the config with every default\n"
        "written out. A wrong config is refused before anything is created. Ctrl-C ends the run and writes\n"
        "everything up to that moment; a second one ends at once.",
    .options = rows,
    .count = sizeof rows / sizeof *rows,
};

/* Everything one call of the command works with. */
struct run {
  const char *path;
  char *folder;
  bool overwrite, dry;
  enum progress_kind progress;
  char **overrides;
  size_t override_count;
  char *command; /* the command line */

  struct hk_messages *messages;
  struct hk_config *config;
  struct hk_network *network; /* the config's */
  struct hk_options options;
  double duration;
  struct hk_simulation *sim;
  struct hk_recorder *recorder;
  struct hk_sink files; /* the recorder's */
  uint64_t *spikes;     /* of each population, as far as they are recorded */
  uint64_t spike_count;
  double build_seconds, run_seconds;
};

/* --- the command line --- */

static enum hk_status add_override(struct run *run, const char *key, const char *value)
{
  char *text = NULL;
  if (asprintf(&text, "%s%s%s", key, *key ? "=" : "", value) < 0)
    return HK_ERR_MEMORY;
  run->overrides[run->override_count++] = text;
  return HK_OK;
}

static char *join(int argc, char **argv)
{
  size_t length = strlen("hillock") + 1;
  for (int i = 0; i < argc; i++)
    length += strlen(argv[i]) + 1;
  char *text = malloc(length), *at = text;
  if (!text)
    return NULL;
  at = stpcpy(at, "hillock");
  for (int i = 0; i < argc; i++)
    at = stpcpy(stpcpy(at, " "), argv[i]);
  return text;
}

/* Takes one option; EXIT_DONE, or the exit code of a mistake. */
static int take_option(struct run *run, const struct arguments *args, int option, const char *value)
{
  static const char *const keys[] = {[DURATION] = "simulation.duration",
                                     [SEED] = "simulation.seed",
                                     [THREADS] = "simulation.threads",
                                     [SCHEDULER] = "simulation.scheduler"};
  switch (option) {
  case OPTION_PLAIN:
    if (run->path)
      return wrong_usage(args, "one config was expected, `%s` and `%s` were found", run->path, value);
    run->path = value;
    return EXIT_DONE;
  case OUT:
    free(run->folder);
    run->folder = strdup(value);
    return run->folder && *value ? EXIT_DONE : wrong_usage(args, "`-o` needs the name of a folder");
  case OVERWRITE:
    run->overwrite = true;
    return EXIT_DONE;
  case DRY_RUN:
    run->dry = true;
    return EXIT_DONE;
  case PROGRESS: {
    int kind = choose(args, "progress", value, progress_kinds);
    run->progress = kind < 0 ? PROGRESS_AUTO : (enum progress_kind)kind;
    return kind < 0 ? EXIT_USAGE : EXIT_DONE;
  }
  case SET:
    return add_override(run, "", value) == HK_OK ? EXIT_DONE : EXIT_FAILED;
  case DURATION:
  case SEED:
  case THREADS:
  case SCHEDULER:
    return add_override(run, keys[option], value) == HK_OK ? EXIT_DONE : EXIT_FAILED;
  default:
    return option_exit(option);
  }
}

/* --- the folder --- */

static enum hk_status choose_folder(struct run *run)
{
  const char *own = hk_config_output_folder(run->config);
  if (!run->folder && own)
    fprintf(stderr, "the config's own output folder is not used, `-o %s` would write there\n", own);
  if (!run->folder && asprintf(&run->folder, "results/%s", hk_config_name(run->config)) < 0)
    run->folder = NULL;
  if (!run->folder)
    return HK_ERR_MEMORY;
  for (size_t length = strlen(run->folder); length > 1 && run->folder[length - 1] == '/';)
    run->folder[--length] = '\0';
  return folder_check(run->folder, run->network, run->overwrite, run->messages);
}

/* --- recording --- */

/* Counts spikes by population on their way to the files. */
static enum hk_status take_spikes(void *context, const struct hk_spike *spikes, size_t count)
{
  struct run *run = context;
  for (size_t i = 0; i < count; i++)
    run->spikes[spikes[i].population]++;
  run->spike_count += count;
  return run->files.spikes(run->files.context, spikes, count);
}

static enum hk_status take_trace(void *context, size_t trace, uint64_t first, const double *samples, size_t row_count)
{
  struct run *run = context;
  return run->files.trace(run->files.context, trace, first, samples, row_count);
}

struct note {
  const char *name;
  const char *text; /* NULL: a number */
  double number;
};

static enum hk_status add_notes(struct hk_recorder *recorder, const struct note *notes, size_t count)
{
  enum hk_status status = HK_OK;
  for (size_t i = 0; i < count && status == HK_OK; i++)
    status = notes[i].text ? hk_recorder_note_text(recorder, notes[i].name, notes[i].text)
                           : hk_recorder_note_number(recorder, notes[i].name, notes[i].number);
  return status;
}

static const char *scheduler_name(enum hk_scheduler scheduler)
{
  static const char *const names[] = {"auto", "queue", "windows", "grid"};
  return (size_t)scheduler < sizeof names / sizeof *names ? names[scheduler] : "unknown";
}

static enum hk_status note_origin(const struct run *run, const char *resolved)
{
  char seed[TEXT];
  char *files = folder_files(run->network);
  if (!files)
    return HK_ERR_MEMORY;
  snprintf(seed, sizeof seed, "%llu", (unsigned long long)run->options.seed);
  struct hk_counts counts = hk_simulation_counts(run->sim);
  const struct note notes[] = {{"version", hk_version(), 0},
                               {"command", run->command, 0},
                               {"config_file", run->path, 0},
                               {"config", hk_config_text(run->config), 0},
                               {"resolved_config", resolved, 0},
                               {"seed", seed, 0},
                               {"scheduler", scheduler_name(counts.scheduler), 0},
                               {"threads", NULL, counts.threads},
                               {"neurons", NULL, (double)counts.neurons},
                               {"synapses", NULL, (double)counts.synapses},
                               {"bytes", NULL, (double)counts.bytes},
                               {"min_delay", NULL, counts.min_delay},
                               {"max_delay", NULL, counts.max_delay},
                               {"build_seconds", NULL, run->build_seconds},
                               {"duration_asked", NULL, run->duration},
                               {"duration", NULL, 0},
                               {FOLDER_FILES, files, 0}};
  enum hk_status status = add_notes(run->recorder, notes, sizeof notes / sizeof *notes);
  free(files);
  return status;
}

static enum hk_status note_outcome(const struct run *run, bool interrupted)
{
  struct hk_counts counts = hk_simulation_counts(run->sim);
  const struct note notes[] = {{"duration", NULL, hk_simulation_time(run->sim)},
                               {"spikes", NULL, (double)counts.spikes},
                               {"events", NULL, (double)counts.events},
                               {"run_seconds", NULL, run->run_seconds},
                               {"interrupted", NULL, interrupted}};
  return add_notes(run->recorder, notes, sizeof notes / sizeof *notes);
}

static enum hk_status begin_recording(struct run *run)
{
  char *resolved = NULL;
  enum hk_status status = hk_config_resolve(run->config, run->duration, &run->options, &resolved);
  if (status != HK_OK)
    return status;
  if (run->overwrite)
    folder_clean(run->folder);
  status = hk_recorder_create(run->network, run->folder, NULL, &run->recorder, run->messages);
  if (status == HK_OK)
    status = note_origin(run, resolved);
  if (status == HK_OK)
    status = folder_write(run->folder, "config.yaml", resolved, run->messages);
  free(resolved);
  if (status != HK_OK)
    return status;
  run->files = hk_recorder_sink(run->recorder);
  struct hk_sink sink = {.context = run, .spikes = take_spikes, .trace = take_trace};
  hk_simulation_set_sink(run->sim, &sink);
  return HK_OK;
}

/* --- running --- */

static struct hk_simulation *volatile interruptible;
static volatile sig_atomic_t interrupted_by;

static void on_signal(int number)
{
  interrupted_by = number;
  struct hk_simulation *sim = interruptible;
  if (sim)
    hk_simulation_interrupt(sim);
}

/* The second signal of a kind has its usual effect. */
static void catch_signals(struct hk_simulation *sim)
{
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
  sigemptyset(&action.sa_mask);
  interruptible = sim;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

static void release_signals(void)
{
  interruptible = NULL;
}

/* The time to stop at next: as far as the run gets in a fraction of a second, so that progress is shown. Where the run
 * is cut does not change what it computes. */
static double next_stop(double time, double duration, double *slice, double seconds)
{
  enum { GROWTH = 2 };
  const double pause = 0.1;
  if (seconds < pause / GROWTH)
    *slice *= GROWTH;
  else if (seconds > pause * GROWTH)
    *slice /= GROWTH;
  return time + *slice < duration ? time + *slice : duration;
}

/* Everything recorded up to now is in the files, and they say how far that is. */
static enum hk_status keep(struct run *run, double *last)
{
  const double period = 5.0;
  double now = wall_clock();
  if (now - *last < period)
    return HK_OK;
  *last = now;
  enum hk_status status = note_outcome(run, false);
  return status == HK_OK ? hk_recorder_flush(run->recorder) : status;
}

static enum hk_status run_slices(struct run *run)
{
  struct progress progress;
  progress_begin(&progress, run->progress, run->duration);
  enum hk_status status = HK_OK;
  double began = wall_clock(), last = began, kept = began, slice = fmin(run->duration, 0.1), time = 0;
  double stop = slice;
  catch_signals(run->sim);
  while (status == HK_OK && time < run->duration) {
    status = interrupted_by ? HK_ERR_INTERRUPTED : hk_simulation_run(run->sim, stop);
    time = hk_simulation_time(run->sim);
    double now = wall_clock();
    run->run_seconds = now - began;
    if (status == HK_OK)
      status = keep(run, &kept);
    if (status == HK_OK)
      progress_update(&progress, time, run->spike_count);
    stop = next_stop(time, run->duration, &slice, now - last);
    last = now;
  }
  release_signals();
  progress_end(&progress);
  if (status == HK_ERR_NUMERIC) {
    struct hk_place place = {run->path, 0, 0};
    hk_messages_add(run->messages, HK_SEVERITY_ERROR, &place,
                    "no numerical solution soon after %g ms: the state of a neuron runs out of bounds, or neurons fire "
                    "without end; perhaps a parameter or a weight is in the wrong unit",
                    time);
  }
  return status;
}

static void print_summary(const struct run *run)
{
  char a[TEXT], b[TEXT], c[TEXT];
  double time = hk_simulation_time(run->sim);
  fprintf(stderr, "%-20s %12s %12s %10s\n", "population", "neurons", "spikes", "rate (Hz)");
  for (size_t i = 0; i < hk_network_population_count(run->network); i++) {
    const struct hk_population_spec *population = hk_network_population(run->network, i);
    if (!hk_network_records_spikes(run->network, i))
      continue;
    double rate = time > 0 ? (double)run->spikes[i] / (double)population->size / (time / 1000) : 0;
    fprintf(stderr, "%-20s %12s %12s %10.4g\n", population->name, show_count(population->size, a),
            show_count(run->spikes[i], b), rate);
  }
  struct hk_counts counts = hk_simulation_counts(run->sim);
  fprintf(stderr, "%s synapses built in %s; %s simulated in %s", show_count(counts.synapses, a),
          show_wall(run->build_seconds, b), show_time(time, c), show_wall(run->run_seconds, (char[TEXT]){0}));
  if (time > 0)
    fprintf(stderr, " (%.3g x real time)", run->run_seconds / (time / 1000));
  fprintf(stderr, "\nresults in %s\n", run->folder);
}

/* Runs, then closes the files whatever happened. */
static enum hk_status run_recorded(struct run *run)
{
  enum hk_status status = begin_recording(run);
  if (status == HK_OK)
    status = run_slices(run);
  enum hk_status closed = HK_OK;
  if (run->recorder && (status == HK_OK || status == HK_ERR_INTERRUPTED))
    closed = note_outcome(run, status == HK_ERR_INTERRUPTED);
  enum hk_status last = hk_recorder_close(run->recorder, run->messages);
  run->recorder = NULL;
  closed = closed != HK_OK ? closed : last;
  return closed != HK_OK && (status == HK_OK || status == HK_ERR_INTERRUPTED) ? closed : status;
}

/* A network that cannot fit is refused at once; without this the system might kill the process while it builds. */
static enum hk_status check_memory(struct run *run)
{
  char needed[TEXT], there[TEXT];
  struct hk_estimate estimate;
  enum hk_status status = hk_network_estimate(run->network, &run->options, &estimate);
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  if (status != HK_OK || pages <= 0 || page <= 0 || estimate.bytes <= (uint64_t)pages * (uint64_t)page)
    return status;
  struct hk_place place = {run->path, 0, 0};
  hk_messages_add(run->messages, HK_SEVERITY_ERROR, &place,
                  "the network needs %s of memory, this machine has %s; `--dry-run` shows what needs it",
                  show_bytes(estimate.bytes, needed), show_bytes((uint64_t)pages * (uint64_t)page, there));
  return HK_ERR_MEMORY;
}

static enum hk_status build(struct run *run)
{
  double began = wall_clock();
  run->spikes = calloc(hk_network_population_count(run->network) + 1, sizeof *run->spikes);
  if (!run->spikes)
    return HK_ERR_MEMORY;
  enum hk_status status = hk_simulation_create(run->network, &run->options, &run->sim, run->messages);
  run->build_seconds = wall_clock() - began;
  print_messages(status == HK_OK ? run->messages : NULL);
  return status;
}

static int run_config(struct run *run)
{
  enum hk_status status =
      hk_config_read(run->path, (const char *const *)run->overrides, run->override_count, &run->config, run->messages);
  if (status != HK_OK)
    return report_failure(status, run->messages);
  print_messages(run->messages);
  run->network = hk_config_network(run->config);
  run->options = hk_config_options(run->config);
  run->duration = hk_config_duration(run->config);
  status = hk_options_check(run->network, &run->options, run->messages);
  if (status == HK_OK && run->dry)
    status = print_plan(run->network, &run->options, run->duration);
  if (status != HK_OK || run->dry)
    return report_failure(status, run->messages);
  status = choose_folder(run);
  if (status == HK_OK)
    status = check_memory(run);
  if (status == HK_OK)
    status = build(run);
  if (status != HK_OK)
    return report_failure(status, run->messages);
  status = run_recorded(run);
  if (status == HK_ERR_INTERRUPTED) {
    char time[TEXT];
    fprintf(stderr, "interrupted at %s, everything up to then is written\n",
            show_time(hk_simulation_time(run->sim), time));
  }
  if (status == HK_OK || status == HK_ERR_INTERRUPTED)
    print_summary(run);
  return report_failure(status, run->messages);
}

static void clear(struct run *run)
{
  hk_simulation_destroy(run->sim);
  hk_config_destroy(run->config);
  hk_messages_destroy(run->messages);
  for (size_t i = 0; i < run->override_count; i++)
    free(run->overrides[i]);
  free(run->overrides);
  free(run->spikes);
  free(run->command);
  free(run->folder);
}

static int start(struct run *run, struct arguments *args)
{
  const char *value;
  for (int option; (option = next_option(args, &value)) != OPTION_END;) {
    int code = take_option(run, args, option, value);
    if (code != EXIT_DONE || option == OPTION_HELP)
      return code;
  }
  return run->path ? run_config(run) : wrong_usage(args, "a config was expected");
}

int command_run(int argc, char **argv)
{
  struct run run = {.overrides = calloc((size_t)argc + 1, sizeof *run.overrides), .command = join(argc, argv)};
  struct arguments args = {.argc = argc, .argv = argv, .usage = &usage};
  int code = EXIT_FAILED;
  if (run.overrides && run.command && hk_messages_create(&run.messages) == HK_OK)
    code = start(&run, &args);
  else
    fputs("hillock: out of memory\n", stderr);
  clear(&run);
  return code;
}
