/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progress of a run on stderr: a bar that is redrawn in place, or plain lines now and then. */
#ifndef HK__PROGRESS_H
#define HK__PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum progress_kind { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_NONE };

extern const char *const progress_kinds[]; /* their names, NULL at the end */

struct progress {
  enum progress_kind kind; /* AUTO has become BAR or PLAIN */
  double duration;         /* ms, of the whole run */
  double began, last;      /* wall clock, s */
  int longest;             /* text beside the bar so far, so that the bar keeps its length */
  bool drawn;              /* a bar is on the screen */
};

double wall_clock(void); /* s, monotonic */

/* Texts for people; buffer of at least 32 bytes. */
const char *show_time(double ms, char *buffer);       /* simulated time: "250 ms", "1.5 s" */
const char *show_wall(double seconds, char *buffer);  /* wall time: "0.42 s", "3 min 5 s" */
const char *show_count(uint64_t count, char *buffer); /* "12,345" */
const char *show_bytes(uint64_t bytes, char *buffer); /* "3.7 GB" */

void progress_begin(struct progress *progress, enum progress_kind kind, double duration);

/* Shows where the run stands, if it is time to. */
void progress_update(struct progress *progress, double time, uint64_t spikes);

/* Takes the bar off the screen. */
void progress_end(struct progress *progress);

#endif
