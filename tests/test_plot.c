/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Curves against what is known of them, and pictures whose texts do not overlap. */
#include <hillock/plot.h>

#include <check.h>
#include <string.h>
#include <sys/stat.h>

#include <hillock/raster.h>
#include <hillock/traces.h>

#include "files.h"
#include "suite.h"
#include "trains.h"
#include "view/raster_parts.h"
#include "view/trace_panel.h"

static struct hk_messages *messages;
static struct train train, other;
static uint64_t state;

static void setup(void)
{
  make_folder();
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
  state = 21;
}

static void teardown(void)
{
  hk_messages_destroy(messages);
  train_clear(&train);
  train_clear(&other);
  remove_folder();
}

static struct hk_view *view_of(size_t count, uint64_t size, double to)
{
  static struct hk_spike_list lists[2];
  lists[0] = train_list(&train, "exc", size);
  lists[1] = train_list(&other, "inh", size);
  struct hk_selection selection = hk_selection_all();
  selection.to = to;
  struct hk_view *view = NULL;
  ck_assert_int_eq(hk_view_open_memory(lists, count, &selection, &view, messages), HK_OK);
  return view;
}

static struct hk_curves compute(struct hk_view *view, enum hk_plot_kind kind, double bin, double range)
{
  struct hk_plot_options options = hk_plot_options_default(kind);
  options.bin = bin;
  options.range = range;
  struct hk_curves curves;
  ck_assert_int_eq(hk_curves_compute(view, &options, &curves, messages), HK_OK);
  hk_view_close(view);
  return curves;
}

/* Poisson trains: the density of the intervals is exp(-t / m) / m. */
START_TEST(exponential_intervals)
{
  for (uint64_t id = 0; id < 100; id++)
    train_add_gamma(&train, id, 1, 10, 20000, &state);
  struct hk_curves curves = compute(view_of(1, 100, 20000), HK_PLOT_INTERVALS, 2, 60);
  struct hk_curve *curve = &curves.curves[0];
  ck_assert_uint_eq(curve->count, 31);
  for (size_t i = 0; i + 1 < curve->count; i++) {
    double wanted = (exp(-curve->x[i] / 10) - exp(-curve->x[i + 1] / 10)) / 2;
    ck_assert_double_eq_tol(curve->y[i], wanted, 0.02 * wanted + 0.0003); /* of 200000 intervals */
  }
  hk_curves_clear(&curves);
  curves = compute(view_of(1, 100, 20000), HK_PLOT_INTERVALS, 0, 0);
  double last = curves.curves[0].x[curves.curves[0].count - 1], area = 0;
  ck_assert_double_gt(last, 10 * log(100) * 0.95); /* all but a hundredth of them */
  ck_assert_double_lt(last, 10 * log(100) * 1.15);
  for (size_t i = 0; i + 1 < curves.curves[0].count; i++)
    area += curves.curves[0].y[i] * (curves.curves[0].x[i + 1] - curves.curves[0].x[i]);
  ck_assert_double_eq_tol(area, 0.99, 0.01);
  hk_curves_clear(&curves);
}
END_TEST

START_TEST(rates_of_neurons)
{
  for (uint64_t id = 0; id < 10; id++)
    for (uint64_t k = 0; k < 10 * id; k++)
      train_add(&train, (double)k, id);
  struct hk_curves curves = compute(view_of(1, 20, 2000), HK_PLOT_RATES, 5, 0);
  struct hk_curve *curve = &curves.curves[0];
  double sum = 0;
  for (size_t i = 0; i < curve->count; i++) {
    ck_assert_double_eq_tol(curve->x[i], 5.0 * (double)i, 1e-9);
    sum += curve->y[i];
  }
  ck_assert_double_eq_tol(sum, 100, 1e-9);
  ck_assert_double_eq_tol(curve->y[0], 55, 1e-9); /* ten silent neurons and id 0 */
  ck_assert_double_eq_tol(curve->y[9], 5, 1e-9);  /* 90 spikes in 2 s */
  hk_curves_clear(&curves);
}
END_TEST

/* The second population repeats the first 7 ms later. */
START_TEST(shifted_trains)
{
  train_add_gamma(&train, 0, 1, 20, 50000, &state);
  for (size_t i = 0; i < train.count; i++)
    train_add(&other, train.times[i] + 7, 0);
  struct hk_curves curves = compute(view_of(2, 1, 50007), HK_PLOT_CORRELATION, 1, 20);
  ck_assert_uint_eq(curves.count, 3);
  struct hk_curve *self = &curves.curves[0], *across = &curves.curves[2];
  ck_assert_uint_eq(across->count, 41);
  ck_assert_str_eq(across->name, "exc to inh");
  for (size_t i = 0; i < 41; i++) {
    ck_assert_double_eq_tol(self->y[i], i == 20 ? 1 : 0, 0.03);
    ck_assert_double_eq_tol(across->y[i], i == 27 ? 1 : 0, 0.05);
  }
  ck_assert_double_eq(across->x[27], 7);
  hk_curves_clear(&curves);
}
END_TEST

START_TEST(spectra)
{
  train_add_gamma(&train, 0, 1, 5, 500000, &state); /* flat */
  double time = 0;
  while (time < 500000) { /* 40 Hz, half of the power of its rate in the wave */
    time -= 1 * log(draw_uniform(&state));
    if (draw_uniform(&state) < 0.5 * (1 + sin(2 * M_PI * time * 0.0390625)))
      train_add(&other, time, 0);
  }
  struct hk_curves curves = compute(view_of(2, 1, 500000), HK_PLOT_SPECTRUM, 1, 200);
  for (size_t i = 0; i < curves.curves[0].count; i++)
    ck_assert_double_eq_tol(curves.curves[0].y[i], 1, 0.2);
  struct hk_curve *wave = &curves.curves[1];
  size_t peak = 0;
  for (size_t i = 0; i < wave->count; i++)
    peak = wave->y[i] > wave->y[peak] ? i : peak;
  ck_assert_double_eq_tol(wave->x[peak], 39.0625, 1e-9);
  /* counts n + A sin, A = n in bins: |X|^2 = (n A / 4)^2 of a Hann window of n points, over 3/8 n and n: n * n / 6 + 1
   */
  ck_assert_double_eq_tol(wave->y[peak], 0.5 * 1024 / 6 + 1, 6);
  ck_assert_double_eq_tol(wave->y[peak + 20], 1, 0.2);
  hk_curves_clear(&curves);
}
END_TEST

START_TEST(nothing_and_nonsense)
{
  for (enum hk_plot_kind kind = HK_PLOT_INTERVALS; kind <= HK_PLOT_SPECTRUM; kind++) {
    struct hk_curves curves = compute(view_of(1, 5, 100), kind, 0, 0);
    hk_curves_clear(&curves);
    curves = compute(view_of(1, 5, 0), kind, 0, 0);
    hk_curves_clear(&curves);
    struct hk_plot_options bad = hk_plot_options_default(kind);
    bad.bin = NAN;
    struct hk_view *view = view_of(1, 5, 100);
    ck_assert_int_eq(hk_curves_compute(view, &bad, &curves, messages), HK_ERR_INPUT);
    bad.bin = -1;
    ck_assert_int_eq(hk_curves_compute(view, &bad, &curves, messages), HK_ERR_INPUT);
    bad.bin = kind == HK_PLOT_RATES ? 0 : 1e-9;
    bad.range = 100;
    if (kind != HK_PLOT_RATES)
      ck_assert_int_eq(hk_curves_compute(view, &bad, &curves, messages), HK_ERR_INPUT);
    hk_view_close(view);
  }
}
END_TEST

START_TEST(pictures)
{
  for (uint64_t id = 0; id < 20; id++)
    train_add_gamma(&train, id, 1, 10, 1000, &state);
  for (enum hk_plot_kind kind = HK_PLOT_INTERVALS; kind <= HK_PLOT_SPECTRUM; kind++) {
    static const char *const names[] = {"a.png", "b.svg", "c.pdf", "d.png"};
    struct hk_plot_options options = hk_plot_options_default(kind);
    struct hk_view *view = view_of(2, 20, 1000);
    struct stat info;
    ck_assert_int_eq(hk_plot_draw(view, &options, in_folder(names[kind]), messages), HK_OK);
    ck_assert_int_eq(stat(in_folder(names[kind]), &info), 0);
    ck_assert_int_gt(info.st_size, 2000);
    hk_view_close(view);
  }
}
END_TEST

/* --- traces --- */

static const char *make_report(size_t nodes, size_t rows, double spike_at)
{
  uint64_t ids[100];
  double *values = malloc(nodes * rows * sizeof *values);
  for (size_t i = 0; i < nodes; i++)
    ids[i] = 1000000 * i;
  for (size_t r = 0; r < rows; r++)
    for (size_t n = 0; n < nodes; n++)
      values[r * nodes + n] = fabs(0.01 * (double)r - spike_at) < 0.006 ? 30 : -70 + (double)n;
  const char *path = in_folder("report.h5");
  const struct hk_trace_layout layout = {"exc", "V_m", "mV", ids, nodes, 0, 0.01};
  struct hk_trace_writer *writer = NULL;
  ck_assert_int_eq(hk_trace_writer_create(path, &layout, &writer, messages), HK_OK);
  ck_assert_int_eq(hk_trace_writer_append(writer, values, rows, nodes, 1), HK_OK);
  ck_assert_int_eq(hk_trace_writer_close(writer, messages), HK_OK);
  free(values);
  return path;
}

/* One sample of a hundred thousand is a peak: it is drawn. */
START_TEST(no_peak_is_lost)
{
  const char *report = make_report(1, 100000, 500);
  train_add(&train, 500, 0);
  struct hk_view *view = view_of(1, 1, 1000);
  struct hk_raster_options options = hk_raster_options_default();
  options.traces = &report;
  options.trace_count = 1;
  ck_assert_int_eq(hk_raster_draw(view, &options, in_folder("x.png"), messages), HK_OK);
  cairo_surface_t *image = cairo_image_surface_create_from_png(in_folder("x.png"));
  const unsigned char *data = cairo_image_surface_get_data(image);
  size_t stride = (size_t)cairo_image_surface_get_stride(image), blue = 0, columns = 0;
  int width = cairo_image_surface_get_width(image);
  for (int x = width / 4; x < width; x++) {
    size_t here = 0;
    for (size_t y = 60; y < 150; y++) { /* between the top of the trace and its rest */
      const uint32_t *row = (const uint32_t *)(const void *)(data + y * stride);
      here += (row[x] & 0xff) > 0x90 && (row[x] >> 16 & 0xff) < 0x60;
    }
    blue += here;
    columns += here > 0;
  }
  ck_assert_uint_ge(blue, 80);
  ck_assert_uint_le(columns, 4);
  cairo_surface_destroy(image);
  hk_view_close(view);
}
END_TEST

START_TEST(trace_texts)
{
  const size_t nodes[] = {1, 5, 100}, reports[] = {1, 2, 4};
  for (size_t r = 0; r < 3; r++)
    for (size_t n = 0; n < 3; n++) {
      const char *report = make_report(nodes[n], 100, 0.5), *all[] = {report, report, report, report};
      struct hk_view *view = view_of(2, 10, 1);
      struct hk_raster_options options = hk_raster_options_default();
      options.traces = all;
      options.trace_count = reports[r];
      options.picture.title = "title";
      struct hk__raster raster = {.view = view, .options = &options};
      struct hk__canvas *canvas = NULL;
      ck_assert_int_eq(hk__canvas_create(in_folder("x.svg"), &options.picture, &canvas, messages), HK_OK);
      ck_assert_int_eq(hk__raster_lay_out(&raster, canvas), HK_OK);
      ck_assert_int_eq(hk__raster_collect(&raster, messages), HK_OK);
      ck_assert_int_eq(hk__raster_paint(&raster, canvas, messages), HK_OK);
      for (size_t i = 0; i < hk__canvas_box_count(canvas); i++)
        for (size_t j = 0; j < i; j++) {
          struct hk__box a = hk__canvas_box(canvas, i), b = hk__canvas_box(canvas, j);
          ck_assert_msg(a.x + a.width <= b.x + 0.75 || b.x + b.width <= a.x + 0.75 || a.y + a.height <= b.y + 0.75 ||
                            b.y + b.height <= a.y + 0.75,
                        "%zu reports of %zu: (%g %g %g %g) and (%g %g %g %g)", reports[r], nodes[n], a.x, a.y, a.width,
                        a.height, b.x, b.y, b.width, b.height);
        }
      hk__raster_clear(&raster);
      hk__canvas_destroy(canvas);
      hk_view_close(view);
    }
}
END_TEST

START_TEST(bad_reports)
{
  const char *nothing = in_folder("nothing.h5");
  struct hk_view *view = view_of(1, 1, 10);
  struct hk_plot_options options = hk_plot_options_default(HK_PLOT_TRACES);
  ck_assert_int_eq(hk_plot_draw(view, &options, in_folder("x.png"), messages), HK_ERR_INPUT);
  options.traces = &nothing;
  options.trace_count = 1;
  ck_assert_int_ne(hk_plot_draw(view, &options, in_folder("x.png"), messages), HK_OK);
  ck_assert_uint_ge(hk_messages_errors(messages), 2);
  ck_assert_int_ne(access(in_folder("x.png"), F_OK), 0);
  options.trace_count = 100000;
  ck_assert_int_eq(hk_plot_draw(view, &options, in_folder("x.png"), messages), HK_ERR_INPUT);
  hk_view_close(view);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("plot");
  TCase *cases = tcase_create("plot");
  tcase_set_timeout(cases, 60);
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_add_test(cases, exponential_intervals);
  tcase_add_test(cases, rates_of_neurons);
  tcase_add_test(cases, shifted_trains);
  tcase_add_test(cases, spectra);
  tcase_add_test(cases, nothing_and_nonsense);
  tcase_add_test(cases, pictures);
  tcase_add_test(cases, no_peak_is_lost);
  tcase_add_test(cases, trace_texts);
  tcase_add_test(cases, bad_reports);
  suite_add_tcase(suite, cases);
  return run_suite(suite);
}
