/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run[0 .. filled) gathers the current run. Full runs go to the file one after the other, each run_length records long
 * but for the last. With no file the only run is `run` itself. While merging, `run` is cut into one buffer per run of
 * the file, and heap[] orders the runs that still have records by their first one. */
#include "view/sorter.h"

#include <stdio.h>
#include <stdlib.h>

struct record {
  double time;
  uint64_t id;
};

struct cursor {
  struct record *buffer;
  size_t at, filled;     /* in the buffer */
  uint64_t offset, left; /* in the file, in records */
};

struct hk__sorter {
  struct record *run;
  size_t run_length, filled, taken;
  FILE *file;
  uint64_t written; /* records in the file */
  struct cursor *cursors;
  size_t *heap;
  size_t run_count, live, buffer_length;
};

static int compare(const struct record *a, const struct record *b)
{
  if (a->time != b->time)
    return a->time < b->time ? -1 : 1;
  return a->id < b->id ? -1 : a->id > b->id;
}

static int compare_void(const void *a, const void *b)
{
  return compare(a, b);
}

enum hk_status hk__sorter_create(size_t run_length, struct hk__sorter **out)
{
  struct hk__sorter *sorter = calloc(1, sizeof *sorter);
  if (!sorter)
    return HK_ERR_MEMORY;
  sorter->run_length = run_length;
  sorter->run = malloc(run_length * sizeof *sorter->run);
  if (!sorter->run) {
    free(sorter);
    return HK_ERR_MEMORY;
  }
  *out = sorter;
  return HK_OK;
}

void hk__sorter_destroy(struct hk__sorter *sorter)
{
  if (!sorter)
    return;
  if (sorter->file)
    fclose(sorter->file);
  free(sorter->cursors);
  free(sorter->heap);
  free(sorter->run);
  free(sorter);
}

static enum hk_status write_run(struct hk__sorter *sorter)
{
  if (!sorter->file && !(sorter->file = tmpfile()))
    return HK_ERR_IO;
  qsort(sorter->run, sorter->filled, sizeof *sorter->run, compare_void);
  if (fwrite(sorter->run, sizeof *sorter->run, sorter->filled, sorter->file) != sorter->filled)
    return HK_ERR_IO;
  sorter->written += sorter->filled;
  sorter->filled = 0;
  return HK_OK;
}

enum hk_status hk__sorter_add(struct hk__sorter *sorter, double time, uint64_t id)
{
  if (sorter->filled == sorter->run_length) {
    enum hk_status status = write_run(sorter);
    if (status != HK_OK)
      return status;
  }
  sorter->run[sorter->filled++] = (struct record){time, id};
  return HK_OK;
}

/* Fills the buffer of a run again; leaves it empty where the run is used up. */
static enum hk_status refill(struct hk__sorter *sorter, struct cursor *cursor)
{
  size_t count = cursor->left < sorter->buffer_length ? (size_t)cursor->left : sorter->buffer_length;
  cursor->at = 0;
  cursor->filled = count;
  if (count == 0)
    return HK_OK;
  if (fseeko(sorter->file, (off_t)(cursor->offset * sizeof(struct record)), SEEK_SET) != 0 ||
      fread(cursor->buffer, sizeof(struct record), count, sorter->file) != count)
    return HK_ERR_IO;
  cursor->offset += count;
  cursor->left -= count;
  return HK_OK;
}

static const struct record *head(const struct hk__sorter *sorter, size_t heap_index)
{
  const struct cursor *cursor = &sorter->cursors[sorter->heap[heap_index]];
  return &cursor->buffer[cursor->at];
}

static void sift_down(struct hk__sorter *sorter, size_t index)
{
  for (;;) {
    size_t least = index, left = 2 * index + 1;
    for (size_t child = left; child < left + 2 && child < sorter->live; child++)
      if (compare(head(sorter, child), head(sorter, least)) < 0)
        least = child;
    if (least == index)
      return;
    size_t swap = sorter->heap[index];
    sorter->heap[index] = sorter->heap[least];
    sorter->heap[least] = swap;
    index = least;
  }
}

enum hk_status hk__sorter_finish(struct hk__sorter *sorter)
{
  if (!sorter->file) {
    qsort(sorter->run, sorter->filled, sizeof *sorter->run, compare_void);
    return HK_OK;
  }
  enum hk_status status = write_run(sorter);
  if (status != HK_OK)
    return status;
  sorter->run_count = (size_t)((sorter->written + sorter->run_length - 1) / sorter->run_length);
  sorter->buffer_length = sorter->run_length / sorter->run_count;
  if (sorter->buffer_length == 0)
    return HK_ERR_MEMORY;
  sorter->cursors = calloc(sorter->run_count, sizeof *sorter->cursors);
  sorter->heap = calloc(sorter->run_count, sizeof *sorter->heap);
  if (!sorter->cursors || !sorter->heap)
    return HK_ERR_MEMORY;
  for (size_t i = 0; i < sorter->run_count; i++) {
    uint64_t first = (uint64_t)i * sorter->run_length, rest = sorter->written - first;
    sorter->cursors[i] = (struct cursor){.buffer = sorter->run + i * sorter->buffer_length,
                                         .offset = first,
                                         .left = rest < sorter->run_length ? rest : sorter->run_length};
    if ((status = refill(sorter, &sorter->cursors[i])) != HK_OK)
      return status;
    sorter->heap[i] = i;
  }
  sorter->live = sorter->run_count;
  for (size_t i = sorter->live; i-- > 0;)
    sift_down(sorter, i);
  return HK_OK;
}

enum hk_status hk__sorter_next(struct hk__sorter *sorter, size_t capacity, double *times, uint64_t *ids, size_t *count)
{
  size_t n = 0;
  for (; !sorter->file && n < capacity && sorter->taken < sorter->filled; n++, sorter->taken++) {
    times[n] = sorter->run[sorter->taken].time;
    ids[n] = sorter->run[sorter->taken].id;
  }
  for (; sorter->file && n < capacity && sorter->live > 0; n++) {
    struct cursor *cursor = &sorter->cursors[sorter->heap[0]];
    times[n] = cursor->buffer[cursor->at].time;
    ids[n] = cursor->buffer[cursor->at].id;
    if (++cursor->at == cursor->filled) {
      enum hk_status status = refill(sorter, cursor);
      if (status != HK_OK)
        return status;
      if (cursor->filled == 0)
        sorter->heap[0] = sorter->heap[--sorter->live];
    }
    sift_down(sorter, 0);
  }
  *count = n;
  return HK_OK;
}
