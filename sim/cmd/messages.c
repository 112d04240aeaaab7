/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "messages.h"

#include <stdio.h>

#include "commands.h"

static void print_message(const struct hk_message *message)
{
  const struct hk_place *place = &message->place;
  fputs(place->file ? place->file : "hillock", stderr);
  if (place->file && place->line > 0)
    fprintf(stderr, place->column > 0 ? ":%zu:%zu" : ":%zu", place->line, place->column);
  fprintf(stderr, ": %s%s\n", message->severity == HK_SEVERITY_WARNING ? "warning: " : "", message->text);
}

void print_messages(struct hk_messages *messages)
{
  for (size_t i = 0; i < hk_messages_count(messages); i++) {
    struct hk_message message = hk_messages_get(messages, i);
    print_message(&message);
  }
  hk_messages_clear(messages);
}

int report_failure(enum hk_status status, struct hk_messages *messages)
{
  if (hk_messages_errors(messages) == 0 && status != HK_OK && status != HK_ERR_INTERRUPTED)
    fprintf(stderr, "hillock: %s\n", hk_status_message(status));
  print_messages(messages);
  switch (status) {
  case HK_OK:
    return EXIT_DONE;
  case HK_ERR_INPUT:
    return EXIT_USAGE;
  case HK_ERR_INTERRUPTED:
    return EXIT_INTERRUPTED;
  default:
    return EXIT_FAILED;
  }
}
