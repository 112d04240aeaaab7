/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { TEXT = 32, LINE = 256, BAR_MOST = 32 };
static const double bar_period = 0.1, plain_period = 2.0; /* s */

const char *const progress_kinds[] = {"auto", "bar", "plain", "none", NULL};

double wall_clock(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

const char *show_time(double ms, char *buffer)
{
  if (ms >= 1000)
    snprintf(buffer, TEXT, "%.4g s", ms / 1000);
  else
    snprintf(buffer, TEXT, "%.4g ms", ms);
  return buffer;
}

const char *show_wall(double seconds, char *buffer)
{
  unsigned long whole = seconds < 4e9 ? (unsigned long)seconds : 4000000000ul;
  if (seconds < 10)
    snprintf(buffer, TEXT, "%.2f s", seconds);
  else if (whole < 60)
    snprintf(buffer, TEXT, "%.1f s", seconds);
  else if (whole < 3600)
    snprintf(buffer, TEXT, "%lu min %lu s", whole / 60, whole % 60);
  else
    snprintf(buffer, TEXT, "%lu h %lu min", whole / 3600, whole / 60 % 60);
  return buffer;
}

const char *show_count(uint64_t count, char *buffer)
{
  char digits[TEXT];
  int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count), at = 0;
  for (int i = 0; i < length && at < TEXT - 2; i++) {
    if (i > 0 && (length - i) % 3 == 0)
      buffer[at++] = ',';
    buffer[at++] = digits[i];
  }
  buffer[at] = '\0';
  return buffer;
}

const char *show_bytes(uint64_t bytes, char *buffer)
{
  static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  double value = (double)bytes;
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < sizeof units / sizeof *units) {
    value /= 1000;
    unit++;
  }
  snprintf(buffer, TEXT, unit > 0 ? "%.3g %s" : "%.0f %s", value, units[unit]);
  return buffer;
}

void progress_begin(struct progress *progress, enum progress_kind kind, double duration)
{
  if (kind == PROGRESS_AUTO)
    kind = isatty(STDERR_FILENO) ? PROGRESS_BAR : PROGRESS_PLAIN;
  double now = wall_clock();
  *progress = (struct progress){.kind = kind, .duration = duration, .began = now, .last = now};
}

/* "450 ms of 1 s, 2.3 x real time, 12,345 spikes, 3 s left" */
static int describe(const struct progress *progress, double now, double time, uint64_t spikes, char *line)
{
  char done[TEXT], all[TEXT], count[TEXT], left[TEXT];
  double elapsed = now - progress->began;
  double factor = time > 0 ? elapsed / (time / 1000) : 0;
  double remaining = time > 0 ? elapsed * (progress->duration / time - 1) : 0;
  return snprintf(line, LINE, "%s of %s, %.3g x real time, %s spikes, %s left", show_time(time, done),
                  show_time(progress->duration, all), factor, show_count(spikes, count), show_wall(remaining, left));
}

static int terminal_width(void)
{
  struct winsize size;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void draw_bar(struct progress *progress, double time, const char *text, int length)
{
  progress->longest = length > progress->longest ? length : progress->longest;
  int width = terminal_width() - 1, room = width - progress->longest - 9;
  int cells = room < BAR_MOST ? room : BAR_MOST;
  double part = progress->duration > 0 ? time / progress->duration : 1;
  fputs("\r\033[K", stderr);
  if (cells >= 4) {
    char bar[BAR_MOST + 1];
    int full = (int)(part * cells);
    memset(bar, '#', (size_t)full);
    memset(bar + full, '.', (size_t)(cells - full));
    fprintf(stderr, "[%.*s] %3.0f %% ", cells, bar, 100 * part);
  }
  fprintf(stderr, "%.*s", width > 0 ? width : 0, text);
  fflush(stderr);
  progress->drawn = true;
}

void progress_update(struct progress *progress, double time, uint64_t spikes)
{
  double now = wall_clock(), period = progress->kind == PROGRESS_BAR ? bar_period : plain_period;
  /* the longer a run takes, the rarer its lines */
  if (progress->kind == PROGRESS_PLAIN)
    period = fmax(period, 0.05 * (now - progress->began));
  if (progress->kind == PROGRESS_NONE || now - progress->last < period || time >= progress->duration)
    return;
  progress->last = now;
  char line[LINE];
  int length = describe(progress, now, time, spikes, line);
  if (progress->kind == PROGRESS_BAR)
    draw_bar(progress, time, line, length);
  else
    fprintf(stderr, "%3.0f %%: %s\n", 100 * time / progress->duration, line);
}

void progress_end(struct progress *progress)
{
  if (progress->drawn)
    fputs("\r\033[K", stderr);
  fflush(stderr);
  progress->drawn = false;
}
