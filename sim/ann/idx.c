/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IDX: two zero bytes, a type byte (8: unsigned bytes), the number of dimensions, each dimension as a big-endian
 * 32-bit number, then the bytes. zlib reads a plain file as it is, so gzipped and plain take the same way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "ann/dataset.h"

enum { IDX_BYTES = 8, READ_AT_ONCE = 1 << 20 };

static enum hk_status complain(const char *path, struct hk_messages *messages, const char *what)
{
  hk_messages_add(messages, HK_SEVERITY_ERROR, &(struct hk_place){.file = path}, "%s", what);
  return HK_ERR_INPUT;
}

/* Memory grows with what is really there, so a header that claims absurd sizes cannot exhaust it. */
static enum hk_status read_body(gzFile file, const char *path, size_t expected, uint8_t **out,
                                struct hk_messages *messages)
{
  uint8_t *bytes = NULL;
  size_t have = 0;
  while (have < expected) {
    size_t want = expected - have < READ_AT_ONCE ? expected - have : READ_AT_ONCE;
    uint8_t *grown = realloc(bytes, have + want);
    if (!grown) {
      free(bytes);
      return HK_ERR_MEMORY;
    }
    bytes = grown;
    int got = gzread(file, bytes + have, (unsigned)want);
    if (got <= 0) {
      free(bytes);
      hk_messages_add(messages, HK_SEVERITY_ERROR, &(struct hk_place){.file = path},
                      "the file is truncated or damaged: %zu bytes of data found, its header promises %zu", have,
                      expected);
      return HK_ERR_INPUT;
    }
    have += (size_t)got;
  }
  *out = bytes;
  return HK_OK;
}

static enum hk_status read_header(gzFile file, const char *path, struct hk__idx *idx, struct hk_messages *messages)
{
  uint8_t head[4], number[4];
  if (gzread(file, head, 4) != 4 || head[0] != 0 || head[1] != 0)
    return complain(path, messages, "not an IDX file: it must begin with two zero bytes (gzipped or not)");
  if (head[2] != IDX_BYTES)
    return complain(path, messages, "this IDX file does not hold unsigned bytes (type 8), the only type read here");
  if (head[3] < 1 || head[3] > 3)
    return complain(path, messages, "an IDX file of labels has 1 dimension, one of images 3; this has another number");
  idx->dim_count = head[3];
  idx->size = 1;
  for (size_t d = 0; d < idx->dim_count; d++) {
    if (gzread(file, number, 4) != 4)
      return complain(path, messages, "the file ends within its header");
    idx->dims[d] = (size_t)number[0] << 24 | (size_t)number[1] << 16 | (size_t)number[2] << 8 | number[3];
    if (idx->dims[d] == 0 || __builtin_mul_overflow(idx->size, idx->dims[d], &idx->size))
      return complain(path, messages, "the header gives a dimension of size 0 or sizes too large for memory");
  }
  return HK_OK;
}

enum hk_status hk__idx_read(const char *path, struct hk__idx *out, struct hk_messages *messages)
{
  gzFile file = gzopen(path, "rb");
  if (!file) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &(struct hk_place){.file = path}, "cannot be opened: %s",
                    strerror(errno));
    return HK_ERR_INPUT;
  }
  struct hk__idx idx = {0};
  enum hk_status status = read_header(file, path, &idx, messages);
  if (status == HK_OK)
    status = read_body(file, path, idx.size, &idx.bytes, messages);
  uint8_t more;
  if (status == HK_OK && gzread(file, &more, 1) == 1)
    status = complain(path, messages, "there are more bytes in the file than its header promises");
  gzclose(file);
  if (status == HK_OK)
    *out = idx;
  else
    free(idx.bytes);
  return status;
}

void hk__idx_clear(struct hk__idx *idx)
{
  free(idx->bytes);
  *idx = (struct hk__idx){0};
}

static enum hk_status fill(const struct hk__idx *images, const struct hk__idx *labels, struct hk__samples *out)
{
  size_t features = images->dims[1] * images->dims[2];
  enum hk_status status = hk__samples_init(out, images->dims[0], features);
  if (status != HK_OK)
    return status;
  for (size_t i = 0; i < images->size; i++)
    out->value[i] = (float)images->bytes[i] / 255.0F;
  for (size_t i = 0; i < labels->size; i++)
    out->label[i] = labels->bytes[i];
  return HK_OK;
}

enum hk_status hk__samples_from_idx(const char *images_path, const char *labels_path, struct hk__samples *out,
                                    size_t *width, size_t *height, struct hk_messages *messages)
{
  struct hk__idx images = {0}, labels = {0};
  enum hk_status status = hk__idx_read(images_path, &images, messages);
  enum hk_status label_status = hk__idx_read(labels_path, &labels, messages);
  if (status == HK_OK)
    status = label_status;
  if (status == HK_OK && images.dim_count != 3)
    status = complain(images_path, messages, "holds no images: expected 3 dimensions (count, rows, columns)");
  if (status == HK_OK && labels.dim_count != 1)
    status = complain(labels_path, messages, "holds no labels: expected 1 dimension");
  if (status == HK_OK && labels.dims[0] != images.dims[0]) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &(struct hk_place){.file = labels_path},
                    "%zu labels for the %zu images of %s; there must be one for each", labels.dims[0], images.dims[0],
                    images_path);
    status = HK_ERR_INPUT;
  }
  if (status == HK_OK)
    status = fill(&images, &labels, out);
  if (status == HK_OK) {
    *height = images.dims[1];
    *width = images.dims[2];
  }
  hk__idx_clear(&images);
  hk__idx_clear(&labels);
  return status;
}
