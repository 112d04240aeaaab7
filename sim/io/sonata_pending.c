/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stands in for the reader of circuits where the library is built without it: every circuit is refused. */
#include "io/sonata.h"

#include <string.h>

bool hk__is_sonata(const char *text)
{
  return text[strspn(text, " \t\r\n")] == '{' && (strstr(text, "\"network\"") || strstr(text, "\"run\""));
}

enum hk_status hk__sonata_read(const char *path, const char *text, const char *const *overrides, size_t override_count,
                               struct hk__sonata *out, struct hk_messages *messages)
{
  (void)text;
  (void)overrides;
  (void)override_count;
  (void)out;
  struct hk_place place = {path, 0, 0};
  hk_messages_add(messages, HK_SEVERITY_ERROR, &place, "is a SONATA circuit; this version does not read them");
  return HK_ERR_INPUT;
}

void hk__sonata_clear(struct hk__sonata *sonata)
{
  (void)sonata;
}
