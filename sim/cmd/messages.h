/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef HK__MESSAGES_H
#define HK__MESSAGES_H

#include <hillock/status.h>

/* Prints all messages on stderr, each as FILE:LINE:COLUMN: TEXT (what is not known is left out), warnings so marked,
 * and forgets them. */
void print_messages(struct hk_messages *messages);

/* Prints the messages or, where a failure left none, what its status says; returns the exit code that belongs to it. */
int report_failure(enum hk_status status, struct hk_messages *messages);

#endif
