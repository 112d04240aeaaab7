/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "Did you mean ...": the known name that is nearest to a misspelt one.
 *
 *   struct hk__suggestion s;
 *   hk__suggest_begin(&s, "tau_n");
 *   for (...) hk__suggest_offer(&s, known name);
 *   hk_messages_add(..., "unknown parameter `%s`%s", "tau_n", hk__suggest_clause(&s)); */
#ifndef HK__SUGGEST_H
#define HK__SUGGEST_H

#include <stddef.h>

struct hk__suggestion {
  const char *given;
  const char *best; /* NULL while nothing near was offered */
  unsigned cost;    /* of best */
  char clause[160];
};

void hk__suggest_begin(struct hk__suggestion *suggestion, const char *given);

/* The texts must stay valid as long as the suggestion is used. NULL is ignored. Of equally near names the first offered
 * wins. */
void hk__suggest_offer(struct hk__suggestion *suggestion, const char *name);

/* "; did you mean `NAME`?", or "" where nothing offered is near. Belongs to the suggestion. */
const char *hk__suggest_clause(struct hk__suggestion *suggestion);

/* All at once: the nearest of count names, NULL if none is near. */
const char *hk__suggest(const char *given, const char *const *names, size_t count);

#endif
