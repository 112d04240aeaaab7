/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records a run: spikes and traces go to files of a folder while the run goes on.
 *
 *   hk_recorder_create(network, "results", NULL, &recorder, messages);
 *   struct hk_sink sink = hk_recorder_sink(recorder);
 *   hk_simulation_set_sink(sim, &sink);
 *   hk_simulation_run(sim, 1000.0);
 *   hk_recorder_close(recorder, messages);
 *
 * FOLDER/spikes.h5 holds the spikes of all populations that record them, in SONATA's format; FOLDER/<trace>.h5 the
 * samples of a trace, FOLDER/<trace>_<variable>.h5 where it has several variables. Memory does not grow with what is
 * recorded. Every few seconds everything is flushed: it is then readable whatever happens to the process. */
#ifndef HILLOCK_RECORDER_H
#define HILLOCK_RECORDER_H

#include <stdint.h>

#include <hillock/network.h>
#include <hillock/simulation.h>
#include <hillock/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hk_recorder;

/* Creates the folder, if it is not there, and the files, replacing those of the same names. spikes_file: the name of
 * the spikes file in the folder; NULL: spikes.h5. The network may be destroyed afterwards. Populations recorded under
 * one name (record_as) are merged in the file. The number of neurons of each goes to the note size_<population>.
 * Errors: HK_ERR_INPUT (two files of one name, a name that no file can have), HK_ERR_IO, HK_ERR_MEMORY. */
enum hk_status hk_recorder_create(const struct hk_network *network, const char *folder, const char *spikes_file,
                                  struct hk_recorder **out, struct hk_messages *messages);

/* The sink that writes into this recorder; valid until it is closed. */
struct hk_sink hk_recorder_sink(struct hk_recorder *recorder);

/* Attributes of the spikes file's /provenance group, see hk_spike_writer_note_text. */
enum hk_status hk_recorder_note_text(struct hk_recorder *recorder, const char *name, const char *text);
enum hk_status hk_recorder_note_number(struct hk_recorder *recorder, const char *name, double value);

uint64_t hk_recorder_spike_count(const struct hk_recorder *recorder); /* spikes recorded so far */

/* Everything recorded so far is in the files and readable. Call it between two calls of hk_simulation_run, not from
 * within a sink. */
enum hk_status hk_recorder_flush(struct hk_recorder *recorder);

/* Flushes and closes all files and says in messages what failed, now or before. The recorder is gone in any case. NULL
 * is fine. */
enum hk_status hk_recorder_close(struct hk_recorder *recorder, struct hk_messages *messages);

#ifdef __cplusplus
}
#endif
#endif
