/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

static const size_t huge_page = (size_t)2 << 20, cache_line = 64;

void *hk__pages_alloc(size_t bytes)
{
  void *memory = NULL;
  size_t unit = bytes < huge_page ? cache_line : huge_page;
  if (bytes > SIZE_MAX - unit)
    return NULL;
  size_t rounded = bytes ? (bytes + unit - 1) / unit * unit : unit;
  if (posix_memalign(&memory, unit, rounded) != 0)
    return NULL;
  /* only advice: small pages serve as well, slower */
  if (unit == huge_page)
    (void)madvise(memory, rounded, MADV_HUGEPAGE);
  return memory;
}
