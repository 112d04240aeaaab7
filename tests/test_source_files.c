/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spikes files as trains of sources and edges files as pairs, as a YAML config may name them. */
#include "io/sonata.h"

#include <check.h>
#include <hdf5.h>
#include <math.h>

#include <hillock/spikes.h>

#include "fixture.h"
#include "shared.h"
#include "suite.h"

static const struct hk_place place = {"net.yaml", 3, 5};

static void told(const char *saying)
{
  ck_assert_uint_eq(hk_messages_errors(messages), 1);
  struct hk_message message = hk_messages_get(messages, 0);
  ck_assert_msg(strstr(message.text, saying) != NULL, "%s", message.text);
  hk_messages_clear(messages);
}

static void put(hid_t group, const char *name, hid_t type, hsize_t count, const void *values)
{
  hid_t space = H5Screate_simple(1, &count, NULL);
  hid_t dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  H5Dclose(dataset);
  H5Sclose(space);
}

static hid_t make_group(hid_t where, const char *name)
{
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  hid_t group = H5Gcreate2(where, name, links, H5P_DEFAULT, H5P_DEFAULT);
  H5Pclose(links);
  return group;
}

/* --- trains --- */

static void write_spikes(const char *path, const char *population, const double *times, const int64_t *ids,
                         hsize_t count)
{
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  char name[64];
  snprintf(name, sizeof name, "spikes%s%s", *population ? "/" : "", population);
  hid_t group = make_group(file, name);
  put(group, "timestamps", H5T_NATIVE_DOUBLE, count, times);
  put(group, *population ? "node_ids" : "gids", H5T_NATIVE_INT64, count, ids);
  H5Gclose(group);
  H5Fclose(file);
}

START_TEST(trains_are_sorted_whatever_the_order)
{
  static const double times[] = {5.0, 1.0, 3.0, 2.0, 1.0};
  static const int64_t ids[] = {3, 0, 3, 0, 3};
  static const char *const names[] = {"lgn", ""};
  write_spikes(in_folder("s.h5"), names[_i], times, ids, 5);
  for (uint64_t size = 0; size < 10; size += 6) {
    struct hk__source_trains trains;
    ck_assert_int_eq(hk__source_trains_read(in_folder("s.h5"), size ? "lgn" : NULL, size, &trains, &place, messages),
                     HK_OK);
    ck_assert_uint_eq(trains.size, size ? size : 4);
    ck_assert_uint_eq(trains.offsets[0], 0);
    ck_assert_uint_eq(trains.offsets[1], 2);
    ck_assert_uint_eq(trains.offsets[3], 2);
    ck_assert_uint_eq(trains.offsets[trains.size], 5);
    static const double sorted[] = {1.0, 2.0, 1.0, 3.0, 5.0};
    for (int i = 0; i < 5; i++)
      ck_assert_double_eq(trains.times[i], sorted[i]);
    hk__source_trains_clear(&trains);
  }
}
END_TEST

START_TEST(wrong_trains_are_refused)
{
  static const double times[] = {1.0, 2.0}, negative[] = {1.0, -2.0}, no_number[] = {NAN, 1.0};
  static const int64_t ids[] = {0, 7}, below[] = {0, -7}, far_away[] = {0, 4000000000};
  struct hk__source_trains trains;
  const char *path = in_folder("s.h5");
  write_spikes(path, "lgn", times, ids, 2);
  ck_assert_int_eq(hk__source_trains_read(path, NULL, 7, &trains, &place, messages), HK_ERR_INPUT);
  ck_assert_uint_eq(hk_messages_get(messages, 0).place.line, 3);
  told("of neuron 7, but the population has only 7");
  ck_assert_int_eq(hk__source_trains_read(path, "lgm", 8, &trains, &place, messages), HK_ERR_INPUT);
  told("did you mean `lgn`?");
  write_spikes(path, "lgn", negative, ids, 2);
  ck_assert_int_eq(hk__source_trains_read(path, NULL, 8, &trains, NULL, messages), HK_ERR_INPUT);
  told("-2 ms");
  write_spikes(path, "lgn", no_number, ids, 2);
  ck_assert_int_eq(hk__source_trains_read(path, NULL, 8, &trains, &place, messages), HK_ERR_INPUT);
  told("nan ms");
  write_spikes(path, "lgn", times, below, 2);
  ck_assert_int_eq(hk__source_trains_read(path, NULL, 8, &trains, &place, messages), HK_ERR_INPUT);
  told("negative node ids");
  write_spikes(path, "lgn", times, far_away, 2);
  ck_assert_int_eq(hk__source_trains_read(path, NULL, 0, &trains, &place, messages), HK_ERR_INPUT);
  told("how large the population is");
  ck_assert_int_eq(hk__source_trains_read(in_folder("no.h5"), NULL, 0, &trains, &place, messages), HK_ERR_INPUT);
  told("No such file");
}
END_TEST

/* --- edges --- */

static const int64_t sources[] = {0, 1, 2, 0}, targets[] = {5, 4, 3, 0};
static const int32_t group_ids[] = {0, 1, 0, 1};
static const uint64_t group_index[] = {1, 0, 0, 1};

static hid_t write_edges(hid_t file, const char *name)
{
  hid_t group = make_group(file, name);
  put(group, "source_node_id", H5T_NATIVE_INT64, 4, sources);
  put(group, "target_node_id", H5T_NATIVE_INT64, 4, targets);
  return group;
}

START_TEST(edges_are_read_through_their_groups)
{
  static const float weights_0[] = {10.0F, 11.0F}, weights_1[] = {20.0F, 21.0F};
  static const double delays_0[] = {1.0, 1.1}, delays_1[] = {2.0, 2.1};
  static const uint16_t nsyns_0[] = {2, 3}, nsyns_1[] = {1, 5};
  hid_t file = H5Fcreate(in_folder("e.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t edges = write_edges(file, "edges/a_to_b");
  put(edges, "edge_group_id", H5T_NATIVE_INT32, 4, group_ids);
  put(edges, "edge_group_index", H5T_NATIVE_UINT64, 4, group_index);
  hid_t group = make_group(edges, "0");
  put(group, "syn_weight", H5T_NATIVE_FLOAT, 2, weights_0);
  put(group, "delay", H5T_NATIVE_DOUBLE, 2, delays_0);
  put(group, "nsyns", H5T_NATIVE_UINT16, 2, nsyns_0);
  H5Gclose(group);
  group = make_group(edges, "1");
  put(group, "syn_weight", H5T_NATIVE_FLOAT, 2, weights_1);
  put(group, "delay", H5T_NATIVE_DOUBLE, 2, delays_1);
  put(group, "nsyns", H5T_NATIVE_UINT16, 2, nsyns_1);
  H5Gclose(group);
  H5Gclose(edges);
  H5Fclose(file);
  struct hk__edges out;
  ck_assert_int_eq(hk__edges_read(in_folder("e.h5"), NULL, 3, 6, &out, &place, messages), HK_OK);
  ck_assert_uint_eq(out.count, 4);
  static const double weights[] = {33.0, 20.0, 20.0, 105.0}, delays[] = {1.1, 2.0, 1.0, 2.1};
  for (int i = 0; i < 4; i++) {
    ck_assert_int_eq(out.sources[i], sources[i]);
    ck_assert_int_eq(out.targets[i], targets[i]);
    ck_assert_double_eq(out.weights[i], weights[i]);
    ck_assert_double_eq(out.delays[i], delays[i]);
  }
  hk__edges_clear(&out);
  ck_assert_int_eq(hk__edges_read(in_folder("e.h5"), NULL, 2, 6, &out, &place, messages), HK_ERR_INPUT);
  told("from node 2, but the source population has only 2");
  ck_assert_int_eq(hk__edges_read(in_folder("e.h5"), NULL, 3, 5, &out, &place, messages), HK_ERR_INPUT);
  told("to node 5, but the target population has only 5");
  ck_assert_int_eq(hk__edges_read(in_folder("e.h5"), "a_to_c", 3, 6, &out, &place, messages), HK_ERR_INPUT);
  told("did you mean `a_to_b`?");
}
END_TEST

START_TEST(edges_without_attributes_are_only_pairs)
{
  hid_t file = H5Fcreate(in_folder("e.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(write_edges(file, "edges/x"));
  H5Gclose(write_edges(file, "edges/y"));
  H5Fclose(file);
  struct hk__edges out;
  ck_assert_int_eq(hk__edges_read(in_folder("e.h5"), NULL, 3, 6, &out, &place, messages), HK_ERR_INPUT);
  told("2 populations; say which one");
  ck_assert_int_eq(hk__edges_read(in_folder("e.h5"), "y", 3, 6, &out, &place, messages), HK_OK);
  ck_assert_ptr_null(out.weights);
  ck_assert_ptr_null(out.delays);
  hk__edges_clear(&out);
}
END_TEST

START_TEST(wrong_edges_are_refused)
{
  static const double weights[] = {1.0, 2.0};
  struct hk__edges out;
  hid_t file = H5Fcreate(in_folder("e.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t edges = write_edges(file, "edges/x"), group = make_group(edges, "0");
  put(group, "syn_weight", H5T_NATIVE_DOUBLE, 2, weights);
  H5Gclose(group);
  H5Gclose(edges);
  H5Fclose(file);
  ck_assert_int_eq(hk__edges_read(in_folder("e.h5"), NULL, 3, 6, &out, &place, messages), HK_ERR_INPUT);
  told("/edges/x/0/syn_weight has only 2 values");

  file = H5Fcreate(in_folder("e.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  edges = make_group(file, "edges/x");
  put(edges, "source_node_id", H5T_NATIVE_INT64, 4, sources);
  put(edges, "target_node_id", H5T_NATIVE_INT64, 3, targets);
  H5Gclose(edges);
  H5Fclose(file);
  ck_assert_int_eq(hk__edges_read(in_folder("e.h5"), NULL, 3, 6, &out, &place, messages), HK_ERR_INPUT);
  told("target_node_id has 3 values, 4 were expected");

  file = H5Fcreate(in_folder("e.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  edges = write_edges(file, "edges/x");
  put(edges, "edge_group_id", H5T_NATIVE_INT32, 4, group_ids);
  H5Gclose(edges);
  H5Fclose(file);
  ck_assert_int_eq(hk__edges_read(in_folder("e.h5"), NULL, 3, 6, &out, &place, messages), HK_ERR_INPUT);
  told("both belong together");

  H5Fclose(H5Fcreate(in_folder("e.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  ck_assert_int_eq(hk__edges_read(in_folder("e.h5"), NULL, 3, 6, &out, &place, messages), HK_ERR_INPUT);
  told("no group /edges");
}
END_TEST

START_TEST(published_edges_are_read)
{
  const char *path = shared_path("sonata/300_intfire/network/lgn_v1_edges.h5");
  if (!path)
    return;
  struct hk__edges out;
  ck_assert_int_eq(hk__edges_read(path, NULL, 90, 300, &out, NULL, messages), HK_OK);
  ck_assert_uint_eq(out.count, 17160);
  ck_assert_ptr_null(out.weights);
  ck_assert_uint_eq(out.sources[4], 4);
  ck_assert_uint_eq(out.targets[4], 0);
  hk__edges_clear(&out);
}
END_TEST

START_TEST(damaged_edges_do_not_crash)
{
  hid_t file = H5Fcreate(in_folder("e.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t edges = write_edges(file, "edges/x");
  put(edges, "edge_group_id", H5T_NATIVE_INT32, 4, group_ids);
  put(edges, "edge_group_index", H5T_NATIVE_UINT64, 4, group_index);
  hid_t group = make_group(edges, "0");
  put(group, "syn_weight", H5T_NATIVE_INT64, 4, sources);
  H5Gclose(group);
  H5Gclose(edges);
  H5Fclose(file);
  size_t size;
  unsigned char *bytes = read_bytes(in_folder("e.h5"), &size);
  uint64_t random = 11;
  for (int round = 0; round < 300; round++) {
    write_damaged(in_folder("d.h5"), bytes, size, &random);
    struct hk__edges out;
    if (hk__edges_read(in_folder("d.h5"), NULL, 3, 6, &out, &place, messages) == HK_OK)
      hk__edges_clear(&out);
    hk_messages_clear(messages);
  }
  free(bytes);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("source_files");
  TCase *tcase = tcase_create("source_files");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 60);
  tcase_add_loop_test(tcase, trains_are_sorted_whatever_the_order, 0, 2);
  tcase_add_test(tcase, wrong_trains_are_refused);
  tcase_add_test(tcase, edges_are_read_through_their_groups);
  tcase_add_test(tcase, edges_without_attributes_are_only_pairs);
  tcase_add_test(tcase, wrong_edges_are_refused);
  tcase_add_test(tcase, published_edges_are_read);
  tcase_add_test(tcase, damaged_edges_do_not_crash);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
