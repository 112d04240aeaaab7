/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Benchmarks: runs published networks and prints a table of what they cost. Each network is measured in a process of
 * its own, so that its peak of memory is its own and one that dies leaves the others their turn. The rows are those of
 * the list below, in its order. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "roofline.h"

struct row {
  const char *name;
  const char *config; /* NULL: the roofline itself */
  double scale;
  double warmup, duration;            /* ms */
  double quick_scale, quick_duration; /* with --quick, instead */
  bool microcircuit;                  /* a multiple of the roofline says something of it */
  const char *what;
};

static const struct row rows[] = {
    {"roofline", NULL, 1, 0, 0, 0.4, 0, true, "the memory traffic of the microcircuit and nothing else"},
    {"microcircuit_dc", "configs/microcircuit_dc.yaml", 1, 500, 10000, 0.4, 1000, true,
     "Potjans and Diesmann (2014), constant current"},
    {"microcircuit_poisson", "configs/microcircuit_full.yaml", 1, 500, 10000, 0.4, 1000, true,
     "the same, Poisson trains"},
    {"cuba_4k", "configs/brette_2_cuba.yaml", 1, 500, 10000, 1, 2000, false,
     "Brette et al. (2007), benchmark 2: exponential currents"},
    {"cuba_80k", "configs/brette_2_cuba.yaml", 20, 500, 5000, 20, 500, false,
     "the same with twenty times the neurons, in-degree still 80"},
    {"jump_4k", "configs/brette_4_jump.yaml", 1, 500, 10000, 1, 2000, false,
     "benchmark 4: jumps of the membrane potential"},
    {"coba_4k", "configs/brette_1_coba.yaml", 1, 500, 2000, 1, 200, false, "benchmark 1: conductances"},
    {"cobahh_4k", "configs/brette_3_cobahh.yaml", 1, 100, 1000, 1, 50, false, "benchmark 3: Hodgkin-Huxley cells"},
    {"point_2k", "tests/bench/point_2k.yaml", 1, 500, 5000, 1, 1000, false, "200 synapses on each point neuron"},
    {"tree_2k", "tests/bench/tree_2k.yaml", 1, 500, 5000, 1, 1000, false,
     "the same made of trees of 20 compartments, synapses on all"},
    {"sparse_4k", "tests/bench/sparse.yaml", 1, 500, 20000, 1, 5000, false, "in-degree 100, about 0.1 Hz"},
    {"sparse_1m", "tests/bench/sparse.yaml", 250, 200, 2000, 250, 200, false, "the same with a million neurons"},
};
enum { ROWS = sizeof rows / sizeof *rows };

struct wish {
  bool quick, science;
  int threads, repeat;
  double scale;
  bool wanted[ROWS];
};

/* What a row's process hands back through a pipe, and what the system says of it. */
struct outcome {
  bool good;
  struct measurement m;
  double peak; /* bytes */
};

/* --- the command line --- */

static void usage(FILE *out)
{
  fputs(
      "usage: bench [OPTION]... [NAME]...\n"
      "\n"
      "Measures networks and prints a table of their cost. Run it from the top folder, on a machine that has nothing\n"
      "else to do.\n"
      "\n"
      "  --quick       shorter runs, the microcircuit at 40 % of its neurons\n"
      "  --scale X     this many times each network's neurons, in-degrees unchanged; default 1\n"
      "  --threads N   default 0: as many as there are processors\n"
      "  --repeat N    measure each network this often and keep its fastest run; default 1\n"
      "  --science     also rates, CVs of intervals and correlations of each population, those of the microcircuit\n"
      "                beside what was published\n"
      "  --help        this text\n"
      "\n"
      "networks (default: all):\n",
      out);
  for (size_t i = 0; i < ROWS; i++)
    fprintf(out, "  %-22s%s\n", rows[i].name, rows[i].what);
}

static bool read_number(const char *option, const char *text, double low, double high, bool whole, double *out)
{
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end || !(value >= low && value <= high) || (whole && value != floor(value))) {
    fprintf(stderr, "bench: %s %s: a %snumber from %g to %g was expected\n", option, text, whole ? "whole " : "", low,
            high);
    return false;
  }
  *out = value;
  return true;
}

static bool want(struct wish *wish, const char *name)
{
  const char *names[ROWS];
  for (size_t i = 0; i < ROWS; i++) {
    names[i] = rows[i].name;
    if (strcmp(name, names[i]) == 0) {
      wish->wanted[i] = true;
      return true;
    }
  }
  const char *near = hk_suggest(name, names, ROWS);
  fprintf(stderr, "bench: there is no network %s", name);
  fprintf(stderr, near ? "; did you mean %s?\n" : "; --help names them all\n", near);
  return false;
}

/* False: the command line is wrong. A network that was asked for has the roofline beside it where it has one. */
static bool read_command_line(int argc, char **argv, struct wish *wish)
{
  static const struct option options[] = {
      {"quick", no_argument, NULL, 'q'},
      {"scale", required_argument, NULL, 's'},
      {"threads", required_argument, NULL, 't'},
      {"repeat", required_argument, NULL, 'r'},
      {"science", no_argument, NULL, 'S'},
      {"help", no_argument, NULL, 'h'},
      {NULL, 0, NULL, 0},
  };
  *wish = (struct wish){.scale = 1, .repeat = 1};
  double number = 0;
  bool good = true;
  for (int option; good && (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
    if (option == 'q') {
      wish->quick = true;
    } else if (option == 'S') {
      wish->science = true;
    } else if (option == 's') {
      good = read_number("--scale", optarg, 0.001, 1000, false, &wish->scale);
    } else if (option == 't') {
      good = read_number("--threads", optarg, 0, 1024, true, &number);
      wish->threads = (int)number;
    } else if (option == 'r') {
      good = read_number("--repeat", optarg, 1, 1000, true, &number);
      wish->repeat = (int)number;
    } else if (option == 'h') {
      usage(stdout);
      exit(EXIT_SUCCESS);
    } else {
      good = false;
    }
  }
  for (int i = optind; i < argc && good; i++)
    good = want(wish, argv[i]);
  for (size_t i = 0; i < ROWS; i++) {
    wish->wanted[i] = wish->wanted[i] || optind >= argc;
    wish->wanted[0] = wish->wanted[0] || (wish->wanted[i] && rows[i].microcircuit);
  }
  return good;
}

/* --- one measurement --- */

static bool measure_roofline(double scale, int threads, struct measurement *out)
{
  struct roofline r;
  bool good = roofline_measure(threads, scale, &r);
  if (!good)
    fprintf(stderr, "bench: roofline: out of memory\n");
  *out = (struct measurement){.neurons = r.neurons,
                              .synapses = r.synapses,
                              .spikes = r.spikes,
                              .events = r.events,
                              .simulated = r.simulated,
                              .build = r.build,
                              .run = r.run,
                              .threads = r.threads};
  return good;
}

static bool measure_network(const struct row *row, const struct task *task, struct measurement *out)
{
  struct hk_messages *messages = NULL;
  enum hk_status status = hk_messages_create(&messages);
  if (!status)
    status = measure(task, out, messages);
  if (status)
    fprintf(stderr, "bench: %s: %s\n", row->name, hk_status_message(status));
  for (size_t i = 0; messages && i < hk_messages_count(messages); i++)
    fprintf(stderr, "  %s\n", hk_messages_get(messages, i).text);
  hk_messages_destroy(messages);
  return status == HK_OK;
}

/* In the row's own process. */
static int child(const struct row *row, const struct wish *wish, int pipe_end)
{
  struct measurement m;
  struct task task = {.config = row->config,
                      .scale = wish->scale * (wish->quick ? row->quick_scale : row->scale),
                      .warmup = row->warmup,
                      .duration = wish->quick ? row->quick_duration : row->duration,
                      .threads = wish->threads,
                      .science = wish->science};
  bool good = row->config ? measure_network(row, &task, &m) : measure_roofline(task.scale, task.threads, &m);
  if (good && write(pipe_end, &m, sizeof m) != (ssize_t)sizeof m) {
    perror("bench: handing a result back");
    good = false;
  }
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The measurement is larger than a pipe takes at once on no system, but a read may still come in pieces. */
static bool take(int pipe_end, struct measurement *m)
{
  size_t got = 0;
  for (ssize_t n; got < sizeof *m && (n = read(pipe_end, (char *)m + got, sizeof *m - got)) > 0;)
    got += (size_t)n;
  return got == sizeof *m;
}

static struct outcome measure_row(const struct row *row, const struct wish *wish)
{
  struct outcome outcome = {0};
  int ends[2], status = 0;
  if (pipe(ends)) {
    perror("bench: pipe");
    return outcome;
  }
  pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    _exit(child(row, wish, ends[1]));
  }
  close(ends[1]);
  if (pid < 0) {
    perror("bench: fork");
  } else {
    struct rusage usage;
    bool whole = take(ends[0], &outcome.m);
    bool ended = wait4(pid, &status, 0, &usage) == pid;
    outcome.good = whole && ended && status == 0;
    outcome.peak = 1024.0 * (double)usage.ru_maxrss;
    if (ended && WIFSIGNALED(status))
      fprintf(stderr, "bench: %s: ended by signal %d (%s)\n", row->name, WTERMSIG(status), strsignal(WTERMSIG(status)));
  }
  close(ends[0]);
  return outcome;
}

static double real_time_factor(const struct measurement *m)
{
  return 1000.0 * m->run / m->simulated;
}

static struct outcome best_of(const struct row *row, const struct wish *wish)
{
  struct outcome best = measure_row(row, wish);
  for (int i = 1; i < wish->repeat && best.good; i++) {
    struct outcome next = measure_row(row, wish);
    if (!next.good || next.m.run < best.m.run)
      best = next;
  }
  return best;
}

/* --- what is printed --- */

/* A number in a column, or a dash where there is none. */
static void cell(double value, int width, int decimals)
{
  if (isfinite(value))
    printf("  %*.*f", width, decimals, value);
  else
    printf("  %*s", width, "-");
}

/* Three digits that count, as values differ by orders of magnitude. */
static void cell_short(double value, int width)
{
  cell(value, width, value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : value >= 0.1 ? 3 : 4);
}

static void print_processor(void)
{
  char line[256], name[256] = "unknown processor";
  FILE *file = fopen("/proc/cpuinfo", "r");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "model name : %255[^\n]", name) == 1)
      break;
  if (file)
    fclose(file);
  printf("Hillock %s on %ld x %s\n\n", hk_version(), sysconf(_SC_NPROCESSORS_ONLN), name);
}

/* What would make the figures wrong without anybody seeing it. */
static void warn(void)
{
  double load;
  if (getloadavg(&load, 1) == 1 && load > 0.5)
    fprintf(stderr, "bench: other programs are at work here (load %.1f): figures will be too large\n", load);
#ifndef __OPTIMIZE__
  fprintf(stderr, "bench: built without optimisation: figures will be too large; build with --buildtype=release\n");
#endif
}

static void print_head(void)
{
  printf("%-20s  %8s  %11s  %7s  %8s  %10s  %8s  %9s  %8s  %8s  %8s\n", "network", "neurons", "synapses", "threads",
         "build s", "x realtime", "ns/event", "us/spike", "rate Hz", "peak GB", "x roof");
}

static double cost_per_spike(const struct measurement *m)
{
  return m->spikes ? 1e6 * m->run / (double)m->spikes : NAN;
}

static void print_row(const struct row *row, const struct outcome *outcome, const struct outcome *roofline)
{
  const struct measurement *m = &outcome->m;
  bool comparable = row->microcircuit && roofline->good;
  printf("%-20s  %8" PRIu64 "  %11" PRIu64 "  %7d", row->name, m->neurons, m->synapses, m->threads);
  cell(m->build, 8, 2);
  cell_short(real_time_factor(m), 10);
  cell_short(m->events ? 1e9 * m->run / (double)m->events : NAN, 8);
  cell_short(cost_per_spike(m), 9);
  cell(1000.0 * (double)m->spikes / (double)m->neurons / m->simulated, 8, 3);
  cell(1e-9 * outcome->peak, 8, 3);
  cell(comparable ? real_time_factor(m) / real_time_factor(&roofline->m) : NAN, 8, 2);
  printf("%s\n", m->scheduler == HK_SCHEDULER_QUEUE ? "  (queue scheduler)" : "");
}

static void print_notes(void)
{
  puts("\nx realtime: wall time of the run, after a warm-up, over the time simulated. ns/event: the same over the\n"
       "arrivals at neurons, private input included; us/spike: over the spikes. build: everything between reading the\n"
       "config and the first step. peak: resident memory of the whole process. x roof: over the roofline's, measured\n"
       "just before with as many threads and neurons; only the microcircuit has one.");
}

static const struct outcome *outcome_of(const struct outcome *outcomes, const char *name)
{
  for (size_t i = 0; i < ROWS; i++)
    if (strcmp(rows[i].name, name) == 0 && outcomes[i].good)
      return &outcomes[i];
  return NULL;
}

static void compare_spikes(const struct outcome *outcomes, const char *large, const char *small)
{
  const struct outcome *a = outcome_of(outcomes, large), *b = outcome_of(outcomes, small);
  if (a && b)
    printf("A spike of %s costs %.2f times one of %s.\n", large, cost_per_spike(&a->m) / cost_per_spike(&b->m), small);
}

/* Over long runs of the full network, as published with it. */
static double published_rate(const char *population)
{
  static const struct {
    const char *name;
    double rate; /* Hz */
  } published[] = {{"L23E", 0.903}, {"L23I", 2.965}, {"L4E", 4.414}, {"L4I", 5.876},
                   {"L5E", 7.569},  {"L5I", 8.633},  {"L6E", 1.105}, {"L6I", 7.829}};
  for (size_t i = 0; i < sizeof published / sizeof *published; i++)
    if (strcmp(published[i].name, population) == 0)
      return published[i].rate;
  return NAN;
}

static void print_science(const struct outcome *outcomes)
{
  printf("\n%-20s  %-10s  %8s  %9s  %9s  %7s  %11s\n", "network", "population", "neurons", "rate Hz", "published", "CV",
         "correlation");
  for (size_t i = 0; i < ROWS; i++)
    for (size_t k = 0; outcomes[i].good && k < outcomes[i].m.population_count; k++) {
      const struct measured_population *p = &outcomes[i].m.populations[k];
      printf("%-20s  %-10s  %8" PRIu64, rows[i].name, p->name, p->neurons);
      cell(p->rate, 9, 3);
      cell(rows[i].microcircuit ? published_rate(p->name) : NAN, 9, 3);
      cell(p->cv, 7, 3);
      cell(p->correlation, 11, 4);
      putchar('\n');
    }
  puts("\nCV: mean over neurons with three spikes or more. correlation: mean over the pairs of 200 neurons, of counts "
       "in\n"
       "bins of 5 ms. The published rates are those of the full network over long runs.");
}

/* --- all of it --- */

/* A network whose config has not been written yet, or was taken out, is no failure unless it was asked for. */
static bool skipped(const struct row *row, bool asked)
{
  if (!row->config || asked || access(row->config, F_OK) == 0 || errno != ENOENT)
    return false;
  fprintf(stderr, "bench: %s skipped: there is no %s here\n", row->name, row->config);
  return true;
}

int main(int argc, char **argv)
{
  struct wish wish;
  if (!read_command_line(argc, argv, &wish))
    return 2;
  if (hk_cpu_lacks()) {
    fprintf(stderr, "bench: this processor lacks %s\n", hk_cpu_lacks());
    return EXIT_FAILURE;
  }
  static struct outcome outcomes[ROWS];
  bool good = true;
  warn();
  print_processor();
  print_head();
  for (size_t i = 0; i < ROWS; i++) {
    if (!wish.wanted[i] || skipped(&rows[i], optind < argc))
      continue;
    fflush(NULL);
    outcomes[i] = best_of(&rows[i], &wish);
    good = good && outcomes[i].good;
    if (outcomes[i].good)
      print_row(&rows[i], &outcomes[i], &outcomes[0]);
    else
      printf("%-20s  failed\n", rows[i].name);
  }
  print_notes();
  compare_spikes(outcomes, "sparse_1m", "sparse_4k");
  compare_spikes(outcomes, "sparse_1m", "cuba_4k");
  if (wish.science)
    print_science(outcomes);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
