/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spike trains as text, out and in. */
#ifndef HILLOCK_TABLE_H
#define HILLOCK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <hillock/status.h>
#include <hillock/view.h>

#ifdef __cplusplus
extern "C" {
#endif

enum hk_table_format {
  HK_TABLE_CSV, /* a line of names, then a line per spike: time_ms,population,neuron */
  HK_TABLE_GDF  /* NEST's gdf, a line per spike: neuron, tab, time in ms; read by NestIO of Neo, among others */
};

/* Writes the spikes of a population to a stream, in order of time. Times have as many digits as it takes to read the
 * same number again. Errors: HK_ERR_IO, HK_ERR_MEMORY, those of hk_view_scan. */
enum hk_status hk_table_write(struct hk_view *view, size_t population, enum hk_table_format format, bool with_names,
                              FILE *stream, struct hk_messages *messages);

struct hk_table_import {
  const char *population; /* of lines that name none; NULL: "neurons" */
  double unit;            /* ms per unit of time; 0: as the line of names says (time_ms, time_s), else ms */
  double duration;        /* ms, noted in the file; no spike may be later; NAN: not noted */
  const struct hk_population_size *sizes; /* noted in the file; no id may be beyond them */
  size_t size_count;
};

/* Reads lines of time, population, neuron or of time, neuron, in any order, into a new SONATA spikes file. A first line
 * that is no spike names the columns (time, time_ms, time_s; population; neuron, node_id, id, gid), which may then be
 * in any order and among others. A file that stands at spikes_path is replaced, in the end. Errors: HK_ERR_INPUT with
 * the lines that are wrong, and nothing is written; HK_ERR_IO, HK_ERR_MEMORY. */
enum hk_status hk_table_import(const char *csv_path, const char *spikes_path, const struct hk_table_import *options,
                               uint64_t *spikes, struct hk_messages *messages);

#ifdef __cplusplus
}
#endif
#endif
