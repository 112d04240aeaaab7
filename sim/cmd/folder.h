/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder that a run writes into. */
#ifndef HK__FOLDER_H
#define HK__FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include <hillock/network.h>
#include <hillock/status.h>

/* Looks whether results of the network can go to the folder, before any work is done: HK_ERR_INPUT, told in messages,
 * if it holds a result and overwrite is false, or cannot be written. Changes nothing. */
enum hk_status folder_check(const char *folder, const struct hk_network *network, bool overwrite,
                            struct hk_messages *messages);

/* Removes the traces that an earlier run left in the folder, as its spikes file names them. */
void folder_clean(const char *folder);

/* Writes a text to FOLDER/NAME, whole or not at all. */
enum hk_status folder_write(const char *folder, const char *name, const char *text, struct hk_messages *messages);

/* The names of the trace files that a run of the network writes, each with a newline; free(). NULL: no memory. Kept in
 * the spikes file under FOLDER_FILES. */
#define FOLDER_FILES "trace_files"
char *folder_files(const struct hk_network *network);

#endif
