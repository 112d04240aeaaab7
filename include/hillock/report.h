/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A result as one HTML file that holds all it shows and asks no network for anything: a raster and rates to zoom and
 * pan, traces, statistics, histograms, the config and where it all comes from. */
#ifndef HILLOCK_REPORT_H
#define HILLOCK_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>
#include <hillock/view.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hk_report_options {
  const char *title;
  uint64_t spikes_most; /* beyond, every second, third, ... spike of each population is shown, and the page says so;
                           statistics and histograms are of all */
  const char *const *traces; /* SONATA report files */
  size_t trace_count;
};

/* Two million spikes, no traces. */
struct hk_report_options hk_report_options_default(void);

/* Replaces a file at path, once all is written. Errors: HK_ERR_IO, HK_ERR_MEMORY, those of hk_stats_compute, of
 * hk_curves_compute and of hk_trace_reader_open. */
enum hk_status hk_report_write(struct hk_view *view, const struct hk_report_options *options, const char *path,
                               struct hk_messages *messages);

#ifdef __cplusplus
}
#endif
#endif
