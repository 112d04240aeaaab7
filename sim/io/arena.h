/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that is given out piece by piece and freed all at once. */
#ifndef HK__ARENA_H
#define HK__ARENA_H

#include <stddef.h>

struct hk__arena_block;

/* All zero is an empty arena. */
struct hk__arena {
  struct hk__arena_block *blocks; /* newest first */
};

/* Zeroed memory, aligned for anything, valid until hk__arena_clear. NULL: none left, or count * size overflows. */
void *hk__arena_alloc(struct hk__arena *arena, size_t count, size_t size);

/* A copy of length bytes with a zero byte after them. */
char *hk__arena_text(struct hk__arena *arena, const char *text, size_t length);

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
char *
hk__arena_format(struct hk__arena *arena, const char *format, ...);

void hk__arena_clear(struct hk__arena *arena);

#endif
