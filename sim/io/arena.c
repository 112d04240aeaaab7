/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of blocks; only the newest has room left. A piece too large for a usual block gets one of its own. */
#include "io/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hk__arena_block {
  struct hk__arena_block *next;
  size_t used, size;
  alignas(max_align_t) unsigned char bytes[];
};

enum { BLOCK_BYTES = 64 * 1024 - 64, ALIGNMENT = alignof(max_align_t) };

static struct hk__arena_block *new_block(struct hk__arena *arena, size_t bytes)
{
  size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
  if (size > SIZE_MAX - sizeof(struct hk__arena_block))
    return NULL;
  struct hk__arena_block *block = calloc(1, sizeof *block + size);
  if (!block)
    return NULL;
  *block = (struct hk__arena_block){.next = arena->blocks, .size = size};
  arena->blocks = block;
  return block;
}

void *hk__arena_alloc(struct hk__arena *arena, size_t count, size_t size)
{
  if (size != 0 && count > (SIZE_MAX - ALIGNMENT) / size)
    return NULL;
  size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  struct hk__arena_block *block = arena->blocks;
  if (!block || block->size - block->used < bytes)
    block = new_block(arena, bytes);
  if (!block)
    return NULL;
  void *piece = block->bytes + block->used;
  block->used += bytes;
  return piece;
}

char *hk__arena_text(struct hk__arena *arena, const char *text, size_t length)
{
  char *copy = hk__arena_alloc(arena, length + 1, 1);
  if (copy && length > 0)
    memcpy(copy, text, length);
  return copy;
}

char *hk__arena_format(struct hk__arena *arena, const char *format, ...)
{
  char *text = NULL;
  va_list args;
  va_start(args, format);
  int length = vasprintf(&text, format, args);
  va_end(args);
  if (length < 0)
    return NULL;
  char *copy = hk__arena_text(arena, text, (size_t)length);
  free(text);
  return copy;
}

void hk__arena_clear(struct hk__arena *arena)
{
  while (arena->blocks) {
    struct hk__arena_block *next = arena->blocks->next;
    free(arena->blocks);
    arena->blocks = next;
  }
}
