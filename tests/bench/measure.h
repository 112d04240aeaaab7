/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One measurement: a network read from a config, scaled, built, warmed up and run. */
#ifndef HK__BENCH_MEASURE_H
#define HK__BENCH_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include <hillock/simulation.h>

enum { MEASURED_POPULATIONS = 16, MEASURED_NAME = 32 };

struct task {
  const char *config;
  double scale; /* of the number of neurons; in-degrees stay */
  double warmup, duration;
  int threads;  /* 0: all */
  bool science; /* keep the spikes and look at them */
};

/* Of the time after the warm-up. */
struct measured_population {
  char name[MEASURED_NAME];
  uint64_t neurons;
  double rate, cv, correlation; /* Hz; NAN: not defined */
};

struct measurement {
  uint64_t neurons, synapses;
  uint64_t spikes, events; /* of the measured time */
  double simulated;        /* ms */
  double build, run;       /* s */
  int threads;
  enum hk_scheduler scheduler;
  size_t population_count;
  struct measured_population populations[MEASURED_POPULATIONS];
};

/* What goes wrong is told in messages or, where these stay empty, by the status. */
enum hk_status measure(const struct task *task, struct measurement *out, struct hk_messages *messages);

#endif
