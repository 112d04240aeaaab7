/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef HK__BENCH_ROOFLINE_H
#define HK__BENCH_ROOFLINE_H

#include <stdbool.h>
#include <stdint.h>

struct roofline {
  uint64_t neurons, synapses, spikes, events;
  int threads;
  double simulated; /* ms of the network's time that the measured windows stand for */
  double build;     /* s, to fill the rows */
  double run;       /* s, the fastest of a few passes */
};

/* threads 0: as many as OpenMP would take. scale: of the number of neurons, whose in-degree stays. False: out of
 * memory. */
bool roofline_measure(int threads, double scale, struct roofline *out);

#endif
