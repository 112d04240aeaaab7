/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edit distance (insertions, deletions, substitutions, swaps of neighbours) in half edits: a difference in case alone
 * costs one, any other edit two. */
#include "core/suggest.h"

#include <hillock/status.h>

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { LENGTH_MAX = 96, EDIT = 2, CASE_EDIT = 1 };

static unsigned min2(unsigned a, unsigned b)
{
  return a < b ? a : b;
}

static int lower(char c)
{
  return tolower((unsigned char)c);
}

static unsigned substitution(char a, char b)
{
  return a == b ? 0 : lower(a) == lower(b) ? CASE_EDIT : EDIT;
}

static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
  unsigned rows[3][LENGTH_MAX + 1];
  unsigned *before = rows[0], *above = rows[1], *row = rows[2];
  for (size_t j = 0; j <= b_length; j++)
    above[j] = (unsigned)j * EDIT;
  for (size_t i = 1; i <= a_length; i++) {
    row[0] = (unsigned)i * EDIT;
    for (size_t j = 1; j <= b_length; j++) {
      unsigned cost = above[j - 1] + substitution(a[i - 1], b[j - 1]);
      cost = min2(cost, min2(above[j], row[j - 1]) + EDIT);
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
        cost = min2(cost, before[j - 2] + EDIT);
      row[j] = cost;
    }
    unsigned *spare = before;
    before = above;
    above = row;
    row = spare;
  }
  return above[b_length];
}

/* How far off a name may be and still be offered: one edit in three letters, less than the whole name. */
static unsigned tolerance(size_t length)
{
  return length < 2 ? CASE_EDIT : length < 6 ? EDIT : (unsigned)(length / 3) * EDIT;
}

void hk__suggest_begin(struct hk__suggestion *suggestion, const char *given)
{
  suggestion->given = given;
  suggestion->best = NULL;
  suggestion->cost = UINT_MAX;
  suggestion->clause[0] = '\0';
}

void hk__suggest_offer(struct hk__suggestion *suggestion, const char *name)
{
  if (!name || !suggestion->given)
    return;
  size_t given_length = strlen(suggestion->given), length = strlen(name);
  if (given_length > LENGTH_MAX || length > LENGTH_MAX)
    return;
  unsigned limit = tolerance(given_length), cost = distance(suggestion->given, given_length, name, length);
  size_t shorter = given_length < length ? given_length : length;
  /* a beginning of the name, or the name with something behind it, is near however long the rest is */
  if (cost > limit && shorter >= 3 && strncasecmp(suggestion->given, name, shorter) == 0)
    cost = limit;
  if (cost <= limit && cost < suggestion->cost) {
    suggestion->best = name;
    suggestion->cost = cost;
  }
}

const char *hk__suggest_clause(struct hk__suggestion *suggestion)
{
  if (suggestion->best)
    snprintf(suggestion->clause, sizeof suggestion->clause, "; did you mean `%s`?", suggestion->best);
  return suggestion->clause;
}

const char *hk__suggest(const char *given, const char *const *names, size_t count)
{
  struct hk__suggestion suggestion;
  hk__suggest_begin(&suggestion, given);
  for (size_t i = 0; i < count; i++)
    hk__suggest_offer(&suggestion, names[i]);
  return suggestion.best;
}

const char *hk_suggest(const char *given, const char *const *names, size_t count)
{
  return hk__suggest(given, names, count);
}
