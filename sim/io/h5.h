/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all HDF5 files of the house share: quiet calls whose errors end up in messages, checked columns and attributes
 * of files that may be hostile, and output files that survive a kill and a full disk.
 *
 * HDF5 is not thread-safe: everything here and everything built on it (spikes, traces, recorder, circuits) is for one
 * thread at a time in the whole process. */
#ifndef HK__IO_H5_H
#define HK__IO_H5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hdf5.h>

#include <hillock/status.h>

/* HDF5 1.12 changed what these tell of an object, and with it their names. */
#if H5_VERSION_GE(1, 12, 0)
#define HK__H5O_GET_INFO H5Oget_info_by_name3
#define HK__H5O_VISIT H5Ovisit3
#else
#define HK__H5O_GET_INFO H5Oget_info_by_name2
#define HK__H5O_VISIT H5Ovisit2
#endif

enum { HK__SPIKE_CHUNK = 8192 }; /* spikes in a chunk of a spikes file of ours */

/* HDF5 prints its errors unless told otherwise. Each public function switches that off while it works and puts back
 * what the program had. */
struct hk__h5_quiet {
  H5E_auto2_t function;
  void *data;
};
void hk__h5_hush(struct hk__h5_quiet *saved);
void hk__h5_unhush(const struct hk__h5_quiet *saved);

/* What HDF5 says about the last call that failed, most specific first; valid until the next call of any HDF5 function.
 * Never empty. */
enum { HK__H5_REASON = 256 };
const char *hk__h5_reason(char reason[HK__H5_REASON]);

/* Closes any kind of identifier; a negative one is fine. */
void hk__h5_drop(hid_t id);

/* Adds an error about an object of a file and returns the status. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
enum hk_status
hk__h5_complain(struct hk_messages *messages, enum hk_status status, const char *path, const char *format, ...);

/* --- reading --- */

/* Whether HDF5 can open a file and walk over it without crashing, tried in a child process; if not, why. */
bool hk__h5_vet(const char *path, char reason[HK__H5_REASON]);
hid_t hk__h5_reading_properties(void);

/* Opens a file for reading, after vetting it. HK_ERR_INPUT: not there, not HDF5, truncated; HK_ERR_IO: no permission
 * and the like. */
enum hk_status hk__h5_open(const char *path, hid_t *file, struct hk_messages *messages);

/* A results file, open for reading. */
struct hk__h5_results {
  char *path;
  hid_t file, provenance; /* negative: not open; a file may have no provenance */
  bool cut_off;           /* its writer never closed it */
};

/* Takes the path, which is to be freed with hk__h5_results_close whatever becomes of it; NULL is HK_ERR_MEMORY. */
enum hk_status hk__h5_results_open(char *path, struct hk__h5_results *out, struct hk_messages *messages);
void hk__h5_results_close(struct hk__h5_results *results);

/* Warns if the file was cut off. what: what it holds, "spikes". */
void hk__h5_results_warn(const struct hk__h5_results *results, const char *what, struct hk_messages *messages);

/* Whether an object of that name and kind is there (and not behind a link into another file). */
bool hk__h5_has_group(hid_t where, const char *name);
bool hk__h5_has_dataset(hid_t where, const char *name);

/* The names of the groups in a group, in alphabetical order; free with hk__h5_names_free. */
enum hk_status hk__h5_group_names(hid_t group, char ***names, size_t *count);
void hk__h5_names_free(char **names, size_t count);

/* A text attribute, of fixed or variable length, or the name of an enum's value; *text NULL if there is none or it is
 * something else. Free with free(). Error: HK_ERR_MEMORY. */
enum hk_status hk__h5_text(hid_t object, const char *name, char **text);
bool hk__h5_number(hid_t object, const char *name, double *value);

/* Whether a type is one of the machine's plain numbers, in either byte order: HDF5 can describe far stranger ones. */
bool hk__h5_plain_number(hid_t type, bool *is_float, bool *is_signed);

/* A one-dimensional dataset of numbers of a standard type. */
struct hk__h5_column {
  hid_t dataset; /* negative: not open */
  uint64_t count;
  bool is_float, is_signed;
};

enum hk__h5_want {
  HK__H5_INTEGERS = 1, /* refuse floating-point numbers */
  HK__H5_STORED = 2    /* refuse a dataset whose declared size the file does not hold */
};

/* `where_name` is the path of `where` in the file, for messages. */
enum hk_status hk__h5_column_open(hid_t where, const char *where_name, const char *name, unsigned want,
                                  const char *path, struct hk__h5_column *column, struct hk_messages *messages);
void hk__h5_column_close(struct hk__h5_column *column);

/* Values first .. first + count, which must lie inside. HK_ERR_IO: unreadable. A negative integer is HK_ERR_INPUT where
 * unsigned ones are asked for. */
enum hk_status hk__h5_column_doubles(const struct hk__h5_column *column, uint64_t first, size_t count, double *out);
enum hk_status hk__h5_column_unsigned(const struct hk__h5_column *column, uint64_t first, size_t count, uint64_t *out);

/* Whether the file holds what the dataset declares (as far as can be told without reading it). */
bool hk__h5_is_stored(hid_t dataset);

/* The factor that turns numbers of a time unit into ms; false if the unit is not one of time. */
bool hk__h5_time_unit(const char *unit, double *factor);

/* --- writing --- */

/* An output file. Between two flushes the file on disk is that of the last flush plus bytes nobody refers to: HDF5's
 * metadata stay in memory, raw data are appended or overwritten by themselves, and disk space is reserved before
 * anything is handed to HDF5. The first error sticks. */
struct hk__h5_output {
  hid_t file;
  int descriptor;
  char *path;
  bool is_published; /* it stands at its own name; before, it is removed when closed */
  uint64_t pending;  /* bytes handed over since the last flush */
  enum hk_status status;
  char reason[HK__H5_REASON];
};

/* Creates PATH.new; hk__h5_output_publish flushes it and puts it in place of PATH, so that PATH is at any time a whole
 * file, the old one or the new one. */
enum hk_status hk__h5_output_create(const char *path, struct hk__h5_output *out, struct hk_messages *messages);
enum hk_status hk__h5_output_publish(struct hk__h5_output *out);

/* Makes sure that the disk has room for that many more bytes. The file is longer than needed until it is closed. */
enum hk_status hk__h5_output_reserve(struct hk__h5_output *out, uint64_t bytes);
enum hk_status hk__h5_output_flush(struct hk__h5_output *out);

/* Remembers the failure of the last HDF5 call, `doing` it; returns HK_ERR_IO. */
enum hk_status hk__h5_output_fail(struct hk__h5_output *out, const char *doing);

/* Closes the file (all its objects must be closed) and tells what went wrong, if anything, in messages. */
enum hk_status hk__h5_output_close(struct hk__h5_output *out, struct hk_messages *messages);

/* Attributes; an existing one is replaced. false: HDF5 failed. */
bool hk__h5_put_text(hid_t object, const char *name, const char *text);
bool hk__h5_put_number(hid_t object, const char *name, double value);
bool hk__h5_put_flag(hid_t object, const char *name, bool value);

/* A new extendible or fixed dataset of one or two dimensions. chunk NULL: fixed. Negative: HDF5 failed. */
hid_t hk__h5_new_dataset(hid_t where, const char *name, hid_t type, int rank, const hsize_t *size, const hsize_t *chunk,
                         const void *fill);
hid_t hk__h5_new_group(hid_t where, const char *name);

/* The group of a results file's notes, which says that the file is not complete yet. Negative: HDF5 failed. */
hid_t hk__h5_new_provenance(hid_t file);

/* Extends a dataset along its first dimension to first + rows and writes these rows, contiguous in memory. */
bool hk__h5_append(hid_t dataset, hid_t memory_type, uint64_t first, size_t rows, hsize_t width, const void *values);

#endif
