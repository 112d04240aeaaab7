/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lets the 1st, 2nd, 3rd ... allocation of a job fail. To be included once by a suite that is linked with --wrap for
 * the functions that allocate (`wrapped` in meson.build). */
#ifndef HK_TESTS_FAILING_MEMORY_H
#define HK_TESTS_FAILING_MEMORY_H

#include <check.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <hillock/status.h>

static atomic_long countdown = -1; /* allocations still to succeed; below 0: all do */
static atomic_long live;           /* allocations that were not freed */
static atomic_bool failed;

char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *memory);

static bool refuse(void)
{
  if (countdown < 0 || atomic_fetch_sub(&countdown, 1) != 0)
    return false;
  failed = true;
  return true;
}

static void *counted(void *memory)
{
  live += memory != NULL;
  return memory;
}

void *__wrap_malloc(size_t size)
{
  return refuse() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
  return refuse() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
  if (refuse())
    return NULL;
  void *memory = __real_realloc(old, size);
  live += memory != NULL && old == NULL;
  return memory;
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
  if (refuse())
    return 12;
  int error = __real_posix_memalign(out, alignment, size);
  live += error == 0;
  return error;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
  return refuse() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

char *__wrap_strndup(const char *text, size_t size)
{
  const size_t length = strnlen(text, size);
  char *copy = __wrap_malloc(length + 1);
  if (copy) {
    memcpy(copy, text, length);
    copy[length] = '\0';
  }
  return copy;
}

char *__wrap_strdup(const char *text)
{
  return __wrap_strndup(text, strlen(text));
}

void __wrap_free(void *memory)
{
  live -= memory != NULL;
  __real_free(memory);
}

/* Runs a job with ever later failures. The job returns its status and frees what it made. exact: all that it frees was
 * allocated through here, so that what it leaves behind can be counted; otherwise that is left to LeakSanitizer.
 * stride: only every so many allocations fail; 1 for all. */
__attribute__((unused)) static void run_failing(enum hk_status (*job)(void), bool exact, long stride)
{
  for (long n = 0; n < 100000; n += stride) {
    long before = live;
    failed = false;
    countdown = n;
    enum hk_status status = job();
    countdown = -1;
    ck_assert_msg(!exact || live == before, "allocation %ld failed: %ld pieces of memory left behind", n,
                  live - before);
    if (!failed) {
      ck_assert_int_eq(status, HK_OK);
      ck_assert_int_gt(n, 5);
      return;
    }
    ck_assert_msg(status == HK_ERR_MEMORY, "allocation %ld failed: status %d", n, (int)status);
  }
  ck_abort_msg("it never succeeds");
}

#endif
