/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spike trains in SONATA files: writing while a run goes on, reading in bounded memory.
 *
 * What is written satisfies libsonata, bmtk and pysonata alike. What is read: that, and the older layouts (no
 * population level, `gids`, sorting as a string or an enum, any integer width, any order; times in s or us).
 *
 * HDF5 is not thread-safe: one thread at a time in the whole process may be in these functions. */
#ifndef HILLOCK_SPIKES_H
#define HILLOCK_SPIKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- writing --- */

struct hk_spike_writer;

/* Creates the file with the named populations, all empty. An existing file is replaced. Errors: HK_ERR_IO,
 * HK_ERR_MEMORY, HK_ERR_INPUT (a name with a slash). The old file stands until the new one is whole. */
enum hk_status hk_spike_writer_create(const char *path, const char *const *populations, size_t population_count,
                                      struct hk_spike_writer **out, struct hk_messages *messages);

/* Appends to a population, times in ms and ascending over all calls, ties by id. Buffered: memory does not grow with
 * the number of spikes. Errors: HK_ERR_INPUT (times out of order, negative or not finite), HK_ERR_MEMORY, HK_ERR_IO:
 * from then on every call fails, hk_spike_writer_close tells why, and the file keeps what was flushed before. */
enum hk_status hk_spike_writer_append(struct hk_spike_writer *writer, size_t population, const double *times,
                                      const uint64_t *node_ids, size_t count);

/* Everything appended so far is in the file and stays readable after a kill -9. */
enum hk_status hk_spike_writer_flush(struct hk_spike_writer *writer);

/* An attribute of the /provenance group: text, or a number. Pictures and statistics rely on these, which a run notes:
 * `duration` (ms; the spikes are all those of [0, duration]), per population `size_<population>` (how many neurons it
 * has, silent ones included: SONATA itself does not say), and `populations`, their names in order, a line each. */
enum hk_status hk_spike_writer_note_text(struct hk_spike_writer *writer, const char *name, const char *text);
enum hk_status hk_spike_writer_note_number(struct hk_spike_writer *writer, const char *name, double value);

/* Flushes, notes `complete` = 1 (it is 0 until then) and closes; the status is that of the last write. The writer is
 * gone in any case. NULL is fine. */
enum hk_status hk_spike_writer_close(struct hk_spike_writer *writer, struct hk_messages *messages);

/* --- reading --- */

struct hk_spike_reader;

enum hk_sorting { HK_SORTING_NONE, HK_SORTING_BY_ID, HK_SORTING_BY_TIME };

struct hk_spike_population {
  const char *name;        /* "" in a file without population names; belongs to the reader */
  uint64_t count;          /* spikes */
  enum hk_sorting sorting; /* as stated by the file */
};

/* Opens a spikes file, or a results folder (its spikes.h5). Errors: HK_ERR_INPUT (not HDF5, no spikes in it, types or
 * lengths that do not fit, unknown units; told in messages), HK_ERR_IO, HK_ERR_MEMORY. A file whose writer was killed
 * gives a warning and the spikes up to its last flush. */
enum hk_status hk_spike_reader_open(const char *path, struct hk_spike_reader **out, struct hk_messages *messages);
void hk_spike_reader_close(struct hk_spike_reader *reader); /* NULL is fine */

size_t hk_spike_reader_population_count(const struct hk_spike_reader *reader);
struct hk_spike_population hk_spike_reader_population(const struct hk_spike_reader *reader, size_t population);

/* Spikes first .. first + count of a population, in the file's order, times in ms as the file has them: in a file of
 * unknown origin they may be negative or not finite. Errors: HK_ERR_IO (truncated or corrupt data), HK_ERR_INPUT (past
 * the end, a negative node id). */
enum hk_status hk_spike_reader_read(struct hk_spike_reader *reader, size_t population, uint64_t first, size_t count,
                                    double *times, uint64_t *node_ids);

/* A text or number from /provenance; false if the file has none of that name. The text must be freed with free(). */
bool hk_spike_reader_note_text(struct hk_spike_reader *reader, const char *name, char **text);
bool hk_spike_reader_note_number(struct hk_spike_reader *reader, const char *name, double *value);

#ifdef __cplusplus
}
#endif
#endif
