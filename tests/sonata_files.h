/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests of SONATA circuits share: files of HDF5 made here, circuits read and what is told about them. */
#ifndef HK_TESTS_SONATA_FILES_H
#define HK_TESTS_SONATA_FILES_H

#include "io/sonata.h"

#include <check.h>
#include <hdf5.h>
#include <hillock/recorder.h>

#include "fixture.h"

__attribute__((unused)) static enum hk_status read_config(const char *path, const char *const *overrides, size_t count,
                                                          struct hk__sonata *out)
{
  size_t size;
  unsigned char *text = read_bytes(path, &size);
  enum hk_status status = hk__sonata_read(path, (char *)text, overrides, count, out, messages);
  free(text);
  return status;
}

/* Runs to the end, its results going to a folder. */
__attribute__((unused)) static void run_and_record(const struct hk__sonata *sonata, const char *folder,
                                                   enum hk_scheduler scheduler)
{
  const struct hk_options options = {.seed = sonata->seed, .scheduler = scheduler};
  struct hk_simulation *sim;
  struct hk_recorder *recorder;
  expect(hk_simulation_create(sonata->network, &options, &sim, messages), HK_OK);
  expect(hk_recorder_create(sonata->network, folder, sonata->spikes_file, &recorder, messages), HK_OK);
  const struct hk_sink sink = hk_recorder_sink(recorder);
  hk_simulation_set_sink(sim, &sink);
  expect(hk_simulation_run(sim, sonata->duration), HK_OK);
  hk_simulation_destroy(sim);
  expect(hk_recorder_close(recorder, messages), HK_OK);
}

__attribute__((unused)) static void put(hid_t group, const char *name, hid_t type, hsize_t count, const void *values)
{
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  hid_t space = H5Screate_simple(1, &count, NULL);
  hid_t dataset = H5Dcreate2(group, name, type, space, links, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(dataset, 0);
  ck_assert_int_ge(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  H5Dclose(dataset);
  H5Sclose(space);
  H5Pclose(links);
}

__attribute__((unused)) static void put_text(hid_t file, const char *object, const char *name, const char *text)
{
  hid_t dataset = H5Oopen(file, object, H5P_DEFAULT), type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, H5T_VARIABLE);
  hid_t attribute = H5Acreate2(dataset, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(H5Awrite(attribute, type, &text), 0);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  H5Oclose(dataset);
}

#define PUT(file, name, type, ...)                                              \
  do {                                                                          \
    const type values[] = __VA_ARGS__;                                          \
    put(file, name, H5T_NATIVE_##type, sizeof values / sizeof *values, values); \
  } while (0)
typedef double DOUBLE;
typedef uint64_t UINT64;
typedef uint16_t UINT16;

/* A text of a file replaced. */
__attribute__((unused)) static void replace(const char *path, const char *text, const char *from, const char *to)
{
  const char *at = strstr(text, from);
  ck_assert_ptr_nonnull(at);
  char *changed = NULL;
  ck_assert_int_ge(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)), 0);
  write_text(path, changed);
  free(changed);
}

/* An error of this text at this place of a file; line 0: any. */
__attribute__((unused)) static void expect_told(const char *saying, const char *place, size_t line)
{
  for (size_t i = 0; i < hk_messages_count(messages); i++) {
    const struct hk_message message = hk_messages_get(messages, i);
    const char *name = message.place.file ? strrchr(message.place.file, '/') : NULL;
    if (message.severity == HK_SEVERITY_ERROR && strstr(message.text, saying) && name && strcmp(name + 1, place) == 0 &&
        (!line || message.place.line == line))
      return;
  }
  for (size_t i = 0; i < hk_messages_count(messages); i++)
    fprintf(stderr, "%s:%zu: %s\n", hk_messages_get(messages, i).place.file, hk_messages_get(messages, i).place.line,
            hk_messages_get(messages, i).text);
  ck_abort_msg("expected at %s:%zu: %s", place, line, saying);
}

/* A text file of a circuit: its path in the folder, and what is in it. */
struct text_file {
  const char *name, *text;
};

__attribute__((unused)) static void write_texts(const struct text_file *files, size_t count)
{
  for (size_t i = 0; i < count; i++)
    write_text(in_folder(files[i].name), files[i].text);
}

/* A text of one of the files replaced, and what must then be said, where; NULL: it does no harm. */
struct wrong {
  size_t file;
  const char *from, *to, *saying, *place;
  size_t line;
};

/* The circuit of these files, which were written with all it needs. */
__attribute__((unused)) static void check_refused(const struct wrong *wrong, const struct text_file *files)
{
  replace(in_folder(files[wrong->file].name), files[wrong->file].text, wrong->from, wrong->to);
  struct hk__sonata sonata;
  if (!wrong->saying) {
    expect(read_config(in_folder("simulation.json"), NULL, 0, &sonata), HK_OK);
    hk__sonata_clear(&sonata);
    return;
  }
  expect(read_config(in_folder("simulation.json"), NULL, 0, &sonata), HK_ERR_INPUT);
  ck_assert_ptr_null(sonata.network);
  expect_told(wrong->saying, wrong->place, wrong->line);
}

#endif
