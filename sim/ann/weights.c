/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Step networks in HDF5. Weights that are whole numbers of 8 bits times a power of two are kept as those, with the
 * power as the attribute `quantum`; others as doubles. */
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ann/stepnet.h"

enum { NAME_MAX_ = 64, LAYERS_MAX = 1000 };

/* --- writing --- */

static bool put_attribute(hid_t object, const char *name, hid_t type, const void *value)
{
  hid_t space = H5Screate(H5S_SCALAR);
  hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  bool ok = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
  if (attribute >= 0)
    H5Aclose(attribute);
  H5Sclose(space);
  return ok;
}

static int8_t *as_bytes(const struct hk__step_layer *layer, double quantum)
{
  size_t count = layer->in * layer->out;
  int8_t *bytes = quantum > 0.0 ? malloc(count) : NULL;
  for (size_t i = 0; bytes && i < count; i++) {
    double whole = layer->weight[i] / quantum;
    if (fabs(whole) > 127.0) {
      free(bytes);
      return NULL;
    }
    bytes[i] = (int8_t)whole;
  }
  return bytes;
}

static bool put_array(hid_t group, const char *name, int rank, const hsize_t *dims, hid_t stored, hid_t held,
                      const void *data, double quantum)
{
  hid_t space = H5Screate_simple(rank, dims, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
  if (rank == 2) {
    hsize_t chunk[2] = {dims[0] < 128 ? dims[0] : 128, dims[1]};
    H5Pset_chunk(plist, 2, chunk);
    H5Pset_deflate(plist, 6);
  }
  hid_t set = H5Dcreate2(group, name, stored, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  bool ok = set >= 0 && H5Dwrite(set, held, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
  if (ok && quantum > 0.0)
    ok = put_attribute(set, "quantum", H5T_NATIVE_DOUBLE, &quantum);
  if (set >= 0)
    H5Dclose(set);
  H5Pclose(plist);
  H5Sclose(space);
  return ok;
}

static bool put_layer(hid_t layers, size_t index, const struct hk__step_layer *layer)
{
  char name[NAME_MAX_];
  snprintf(name, sizeof name, "%zu", index);
  hid_t group = H5Gcreate2(layers, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (group < 0)
    return false;
  hsize_t dims[2] = {layer->out, layer->in};
  double quantum = hk__step_layer_quantum(layer);
  int8_t *bytes = as_bytes(layer, quantum);
  bool ok = bytes ? put_array(group, "weights", 2, dims, H5T_STD_I8LE, H5T_NATIVE_INT8, bytes, quantum)
                  : put_array(group, "weights", 2, dims, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, layer->weight, 0.0);
  ok = ok && put_array(group, "thresholds", 1, dims, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, layer->threshold, 0.0);
  free(bytes);
  H5Gclose(group);
  return ok;
}

static bool put_net(hid_t file, const struct hk__stepnet *net)
{
  hid_t layers = H5Gcreate2(file, "layers", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (layers < 0)
    return false;
  uint64_t classes = net->classes, per_class = net->per_class, bits = net->bits, count = net->layer_count;
  bool ok = put_attribute(layers, "classes", H5T_NATIVE_UINT64, &classes) &&
            put_attribute(layers, "per_class", H5T_NATIVE_UINT64, &per_class) &&
            put_attribute(layers, "bits", H5T_NATIVE_UINT64, &bits) &&
            put_attribute(layers, "count", H5T_NATIVE_UINT64, &count);
  for (size_t l = 0; ok && l < net->layer_count; l++)
    ok = put_layer(layers, l, &net->layers[l]);
  H5Gclose(layers);
  return ok;
}

enum hk_status hk__stepnet_write(const char *path, const struct hk__stepnet *net, struct hk_messages *messages)
{
  char *part;
  if (asprintf(&part, "%s.part", path) < 0)
    return HK_ERR_MEMORY;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  hid_t file = H5Fcreate(part, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  bool ok = file >= 0 && put_net(file, net);
  if (file >= 0)
    ok = H5Fclose(file) >= 0 && ok;
  ok = ok && rename(part, path) == 0;
  if (!ok) {
    unlink(part);
    hk_messages_add(messages, HK_SEVERITY_ERROR, &(struct hk_place){.file = path}, "the weights cannot be written");
  }
  free(part);
  return ok ? HK_OK : HK_ERR_IO;
}

/* --- reading --- */

struct input {
  const char *path;
  struct hk_messages *messages;
};

static enum hk_status refuse(const struct input *in, size_t layer, const char *what)
{
  hk_messages_add(in->messages, HK_SEVERITY_ERROR, &(struct hk_place){.file = in->path}, "/layers/%zu: %s", layer,
                  what);
  return HK_ERR_INPUT;
}

static uint64_t get_count(hid_t layers, const char *name, uint64_t otherwise)
{
  uint64_t value = otherwise;
  if (H5Aexists(layers, name) <= 0)
    return value;
  hid_t attribute = H5Aopen(layers, name, H5P_DEFAULT);
  if (attribute < 0)
    return value;
  hid_t space = H5Aget_space(attribute), type = H5Aget_type(attribute);
  if (H5Sget_simple_extent_npoints(space) != 1 || H5Tget_class(type) != H5T_INTEGER ||
      H5Aread(attribute, H5T_NATIVE_UINT64, &value) < 0)
    value = otherwise;
  H5Tclose(type);
  H5Sclose(space);
  H5Aclose(attribute);
  return value;
}

static double get_quantum(hid_t set)
{
  double quantum = 1.0;
  if (H5Aexists(set, "quantum") <= 0)
    return 1.0;
  hid_t attribute = H5Aopen(set, "quantum", H5P_DEFAULT);
  hid_t space = H5Aget_space(attribute), type = H5Aget_type(attribute);
  if (H5Sget_simple_extent_npoints(space) != 1 || H5Tget_class(type) != H5T_FLOAT ||
      H5Aread(attribute, H5T_NATIVE_DOUBLE, &quantum) < 0)
    quantum = NAN;
  H5Tclose(type);
  H5Sclose(space);
  H5Aclose(attribute);
  return quantum;
}

/* A set of numbers of the given rank; its data are stored only where the file holds as many bytes as its shape claims.
 */
static enum hk_status get_array(const struct input *in, hid_t layers, size_t index, const char *what, int rank,
                                hsize_t *dims, double **out)
{
  char name[NAME_MAX_];
  snprintf(name, sizeof name, "%zu/%s", index, what);
  hid_t set = H5Dopen2(layers, name, H5P_DEFAULT);
  if (set < 0)
    return refuse(in, index, "must hold `weights` (units x inputs) and `thresholds` (units)");
  hid_t space = H5Dget_space(set), type = H5Dget_type(set);
  H5T_class_t kind = H5Tget_class(type);
  enum hk_status status = HK_OK;
  if (H5Sget_simple_extent_ndims(space) != rank || (kind != H5T_FLOAT && kind != H5T_INTEGER))
    status = refuse(in, index, "`weights` must have two dimensions of numbers, `thresholds` one");
  else
    H5Sget_simple_extent_dims(space, dims, NULL);
  hssize_t count = status == HK_OK ? H5Sget_simple_extent_npoints(space) : 0;
  if (status == HK_OK && (count <= 0 || dims[0] > UINT32_MAX || dims[rank - 1] > UINT32_MAX))
    status = refuse(in, index, "is empty or absurdly large");
  if (status == HK_OK && H5Dget_storage_size(set) == 0)
    status = refuse(in, index, "has a shape but no data");
  double *value = status == HK_OK ? malloc((size_t)count * sizeof *value) : NULL;
  if (status == HK_OK && !value)
    status = HK_ERR_MEMORY;
  if (status == HK_OK && H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) < 0) {
    refuse(in, index, "cannot be read: truncated or damaged");
    status = HK_ERR_IO;
  }
  double quantum = status == HK_OK ? get_quantum(set) : 1.0;
  for (hssize_t i = 0; status == HK_OK && quantum != 1.0 && i < count; i++)
    value[i] *= quantum;
  H5Tclose(type);
  H5Sclose(space);
  H5Dclose(set);
  if (status == HK_OK)
    *out = value;
  else
    free(value);
  return status;
}

static enum hk_status get_layer(const struct input *in, hid_t layers, size_t index, struct hk__step_layer *layer)
{
  hsize_t shape[2], units;
  enum hk_status status = get_array(in, layers, index, "weights", 2, shape, &layer->weight);
  if (status == HK_OK)
    status = get_array(in, layers, index, "thresholds", 1, &units, &layer->threshold);
  if (status == HK_OK && units != shape[0])
    status = refuse(in, index, "there must be one threshold for each row of `weights`");
  if (status == HK_OK) {
    layer->out = shape[0];
    layer->in = shape[1];
  }
  return status;
}

static enum hk_status get_net(const struct input *in, hid_t layers, struct hk__stepnet *net)
{
  net->layer_count = get_count(layers, "count", 0);
  if (net->layer_count == 0 || net->layer_count > LAYERS_MAX) {
    net->layer_count = 0;
    return refuse(in, 0, "the attribute `count` of /layers must say how many layers there are, 1 to 1000");
  }
  net->layers = calloc(net->layer_count, sizeof *net->layers);
  if (!net->layers) {
    net->layer_count = 0;
    return HK_ERR_MEMORY;
  }
  enum hk_status status = HK_OK;
  for (size_t l = 0; status == HK_OK && l < net->layer_count; l++)
    status = get_layer(in, layers, l, &net->layers[l]);
  if (status != HK_OK)
    return status;
  net->per_class = get_count(layers, "per_class", 1);
  net->classes = get_count(layers, "classes", hk__stepnet_outputs(net));
  net->bits = get_count(layers, "bits", 0) != 0;
  return hk__stepnet_check(net, in->path, in->messages);
}

enum hk_status hk__stepnet_read(const char *path, struct hk__stepnet *net, struct hk_messages *messages)
{
  struct input in = {path, messages};
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  hid_t layers = file >= 0 ? H5Gopen2(file, "layers", H5P_DEFAULT) : -1;
  struct hk__stepnet read = {0};
  enum hk_status status;
  if (layers < 0) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &(struct hk_place){.file = path},
                    file < 0 ? "is not an HDF5 file or cannot be opened" : "holds no group /layers");
    status = HK_ERR_INPUT;
  } else {
    status = get_net(&in, layers, &read);
    H5Gclose(layers);
  }
  if (file >= 0)
    H5Fclose(file);
  if (status == HK_OK)
    *net = read;
  else
    hk__stepnet_clear(&read);
  return status;
}
