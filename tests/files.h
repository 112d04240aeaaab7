/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests of files share: a folder of their own, whole files in and out, random damage. */
#ifndef HK_TESTS_FILES_H
#define HK_TESTS_FILES_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "draws.h"

static char *test_folder;

__attribute__((unused)) static void make_folder(void)
{
  test_folder = command_folder();
}

__attribute__((unused)) static void remove_folder(void)
{
  command_remove(test_folder);
}

/* A path in the folder; valid until eight more were asked for. */
__attribute__((unused)) static const char *in_folder(const char *name)
{
  static char paths[8][256];
  static unsigned next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", test_folder, name);
  return path;
}

__attribute__((unused)) static void write_bytes(const char *path, const void *bytes, size_t size)
{
  FILE *file = fopen(path, "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
  ck_assert_int_eq(fclose(file), 0);
}

__attribute__((unused)) static void write_text(const char *path, const char *text)
{
  write_bytes(path, text, strlen(text));
}

__attribute__((unused)) static unsigned char *read_bytes(const char *path, size_t *size)
{
  FILE *file = fopen(path, "rb");
  ck_assert_msg(file != NULL, "%s", path);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  unsigned char *bytes = malloc(*size + 1);
  ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
  bytes[*size] = '\0';
  fclose(file);
  return bytes;
}

/* Writes a damaged copy: cut short, or with some bytes changed. */
__attribute__((unused)) static void write_damaged(const char *path, const unsigned char *bytes, size_t size,
                                                  uint64_t *random)
{
  unsigned char *copy = malloc(size + 1);
  memcpy(copy, bytes, size);
  if (next_random(random) % 4 == 0) {
    size = (size_t)(next_random(random) % size);
  } else {
    for (uint64_t flips = 1 + next_random(random) % 8; flips > 0; flips--)
      copy[next_random(random) % size] = (unsigned char)next_random(random);
  }
  write_bytes(path, copy, size);
  free(copy);
}

#endif
