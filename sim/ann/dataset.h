/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Labelled data and its encoding as the inputs of a network.
 *
 * A data set has a training and a test part. Every sample is a row of `features` values in 0..1 and a label in 0 ..
 * classes - 1. Images keep their width and height so that training may shift and mirror them. What always holds: every
 * value is finite and in 0..1, every label is in range. */
#ifndef HK__DATASET_H
#define HK__DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hillock/status.h>

struct hk__samples {
  size_t count;
  float *value;   /* count x features */
  int32_t *label; /* count */
};

struct hk__dataset {
  size_t features, classes;
  size_t width, height; /* of images; 0 for other data */
  bool bits;            /* a label is a pattern of output bits (a truth table), not one class of several */
  size_t output_bits;   /* with bits: how many */
  struct hk__samples train, test;
};

void hk__dataset_clear(struct hk__dataset *data);

/* Images and labels as IDX, plain or gzipped (Y. LeCun's format for MNIST); bytes are divided by 255. Errors:
 * HK_ERR_INPUT (not IDX, truncated, sizes that do not fit each other, told in messages), HK_ERR_IO, HK_ERR_MEMORY.
 * On an error *out is untouched. */
struct hk__idx {
  size_t dims[3];
  size_t dim_count;
  uint8_t *bytes;
  size_t size;
};
enum hk_status hk__idx_read(const char *path, struct hk__idx *out, struct hk_messages *messages);
void hk__idx_clear(struct hk__idx *idx);
enum hk_status hk__samples_from_idx(const char *images, const char *labels, struct hk__samples *out, size_t *width,
                                    size_t *height, struct hk_messages *messages);

/* Rows of numbers from CSV, plain or gzipped. */
struct hk__csv_format {
  size_t skip;     /* header lines */
  ptrdiff_t label; /* column of the label; negative: counted from the end */
};
enum hk_status hk__samples_from_csv(const char *path, const struct hk__csv_format *format, struct hk__samples *out,
                                    size_t *features, struct hk_messages *messages);

/* Cuts the test part off the training part: every step-th sample, starting with the first, step >= 2. */
enum hk_status hk__dataset_split(struct hk__dataset *data, size_t step);

/* Scales every feature so that the training part spans 0..1; values of the test part beyond are clipped. together: one
 * scale for all features. */
void hk__dataset_scale(struct hk__dataset *data, bool together);

/* Looks for labels outside 0 .. classes - 1. classes 0: takes the largest label plus one. */
enum hk_status hk__dataset_check(struct hk__dataset *data, const char *where, struct hk_messages *messages);

void hk__samples_clear(struct hk__samples *samples);
enum hk_status hk__samples_init(struct hk__samples *samples, size_t count, size_t features);

/* How values become inputs. Unit feature * steps + k of HK__CODE_LEVELS is on where the value is at least threshold k;
 * of HK__CODE_BANDS where it is at least threshold k but below threshold k + 1, so that at most one unit of a feature
 * is on. HK__CODE_DIRECT hands the value on as it is. */
enum hk__code_kind { HK__CODE_DIRECT, HK__CODE_LEVELS, HK__CODE_BANDS };

struct hk__encoder {
  enum hk__code_kind kind;
  size_t features, steps;
  float *threshold; /* features x steps, ascending within a feature; NULL for HK__CODE_DIRECT */
};

void hk__encoder_clear(struct hk__encoder *encoder);
/* The same thresholds for every feature. */
enum hk_status hk__encoder_init(struct hk__encoder *encoder, enum hk__code_kind kind, size_t features,
                                const double *thresholds, size_t steps);
/* Thresholds at the quantiles 1 / (steps + 1), 2 / (steps + 1), ... of each feature over the samples. */
enum hk_status hk__encoder_quantiles(struct hk__encoder *encoder, enum hk__code_kind kind, size_t features,
                                     size_t steps, const struct hk__samples *samples);
size_t hk__encoder_units(const struct hk__encoder *encoder);
/* out: hk__encoder_units values, 0 or 1 (or the values themselves). */
void hk__encode(const struct hk__encoder *encoder, const float *value, float *out);

#endif
