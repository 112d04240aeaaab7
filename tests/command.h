/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests of the program as a user meets it: a folder of their own, the real binary, the real output file. Whatever
 * goes wrong here fails the running Check test. */
#ifndef HK__TEST_COMMAND_H
#define HK__TEST_COMMAND_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A new empty folder; free the name with command_remove, which removes the folder and all in it. */
char *command_folder(void);
void command_remove(char *folder);

/* FOLDER/NAME; free(). */
char *command_path(const char *folder, const char *name);

/* Opens FOLDER/NAME for writing. */
FILE *command_create(const char *folder, const char *name);

/* Runs the binary with these arguments (a list that ends with NULL), standing in folder, with its messages and data in
 * folder/stderr and folder/stdout. The exit code; 128 + the signal's number if it was killed. */
int command_run(const char *folder, const char *const *arguments);

/* As above, and the exit code must be 0: the messages are shown if it is not. */
void command_run_well(const char *folder, const char *const *arguments);

/* A whole file as text; free(). */
char *command_text(const char *folder, const char *name);

/* All spikes of a population, in the order of the file. */
struct command_spikes {
  size_t count;
  double *times; /* ms */
  uint64_t *ids;
};

/* path: a results folder or spikes file in folder. A population that the file does not hold fails the test. */
struct command_spikes command_spikes(const char *folder, const char *path, const char *population);
void command_spikes_clear(struct command_spikes *spikes);

#endif
