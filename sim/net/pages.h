/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory for large arrays: on huge pages where the system has them, so that random access costs few page walks. */
#ifndef HK__PAGES_H
#define HK__PAGES_H

#include <stddef.h>

/* Uninitialised memory, aligned to a cache line at least; NULL if there is none. Free with free(). */
void *hk__pages_alloc(size_t bytes);

#endif
