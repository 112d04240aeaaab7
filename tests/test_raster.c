/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rasters of awkward data: every text on the page and none over another, ticks where the spikes are, never a solid
 * block, files that appear whole or not at all. */
#include <hillock/raster.h>

#include <cairo.h>
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "suite.h"
#include "trains.h"
#include "view/raster_parts.h"

enum { LISTS_MOST = 100 };

static struct hk_messages *messages;
static struct train trains[LISTS_MOST];
static struct hk_spike_list lists[LISTS_MOST];
static size_t list_count;
static uint64_t state;
static char names[LISTS_MOST][512];

static void setup(void)
{
  make_folder();
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
  list_count = 0;
  state = 11;
}

static void teardown(void)
{
  for (size_t i = 0; i < LISTS_MOST; i++)
    train_clear(&trains[i]);
  hk_messages_destroy(messages);
  remove_folder();
}

/* A population of Poisson neurons. */
static void add(const char *name, uint64_t size, size_t spikes, double end)
{
  struct train *train = &trains[list_count];
  for (size_t i = 0; i < spikes; i++)
    train_add(train, end * draw_uniform(&state), (uint64_t)((double)size * draw_uniform(&state)));
  snprintf(names[list_count], sizeof names[0], "%s", name);
  lists[list_count] = train_list(train, names[list_count], size);
  list_count++;
}

static struct hk_view *open_lists(void)
{
  struct hk_view *view = NULL;
  struct hk_selection all = hk_selection_all();
  ck_assert_int_eq(hk_view_open_memory(lists, list_count, &all, &view, messages), HK_OK);
  return view;
}

/* --- awkward data --- */

static void one_neuron(void)
{
  add("n", 1, 20, 100);
}

static void one_spike(void)
{
  add("n", 0, 1, 100);
}

static void no_spikes(void)
{
  add("silent", 100, 0, 1);
}

static void no_populations(void) {}

static void no_neurons(void)
{
  add("nobody", 0, 0, 1);
  add("somebody", 10, 100, 1);
}

static void hundred_populations(void)
{
  for (int i = 0; i < 100; i++) {
    char name[32];
    snprintf(name, sizeof name, "population %d", i);
    add(name, (uint64_t)(1 + 7 * i), 50, 1000);
  }
}

static void ten_very_different(void)
{
  for (int i = 0; i < 10; i++)
    add("x", i == 4 ? 1000000 : 1, 50, 1000);
}

static void long_names(void)
{
  for (int i = 0; i < 12; i++)
    add("a name of eighty characters, which is more than fits beside a picture of spikes.", 10, 50, 1000);
}

static void unicode_names(void)
{
  add("L2/3 εξγ ✓", 10, 50, 1000);
  add("皮質 العربية", 10, 50, 1000);
  add("two\nlines\tand a tab", 10, 50, 1000);
  add("broken \xff\xfe bytes", 10, 50, 1000);
  add("", 10, 50, 1000);
}

static void ten_microseconds(void)
{
  add("fast", 20, 500, 0.01);
}

static void ten_hours(void)
{
  add("slow", 20, 500, 36e6);
}

static void all_at_once(void)
{
  struct train *train = &trains[0];
  for (uint64_t id = 0; id < 500; id++)
    train_add(train, 123.456, id);
  lists[list_count++] = train_list(train, "volley", 500);
}

static void all_at_zero(void)
{
  struct train *train = &trains[0];
  for (uint64_t id = 0; id < 5; id++)
    train_add(train, 0, id);
  lists[list_count++] = train_list(train, "volley", 5);
}

static void many(void)
{
  add("exc", 800, 400000, 1000);
  add("inh", 1, 100000, 1000);
}

static void enormous_ids(void)
{
  add("sparse", 0, 0, 1);
  train_add(&trains[0], 1, 5);
  train_add(&trains[0], 2, UINT64_MAX - 1);
  lists[0] = train_list(&trains[0], "sparse", 0);
}

static const struct {
  const char *name;
  void (*make)(void);
} awkward[] = {{"one neuron", one_neuron},
               {"one spike", one_spike},
               {"no spikes", no_spikes},
               {"no populations", no_populations},
               {"no neurons", no_neurons},
               {"a hundred populations", hundred_populations},
               {"very different", ten_very_different},
               {"long names", long_names},
               {"unicode", unicode_names},
               {"ten microseconds", ten_microseconds},
               {"ten hours", ten_hours},
               {"all at once", all_at_once},
               {"all at zero", all_at_zero},
               {"many", many},
               {"enormous ids", enormous_ids}};
enum { AWKWARD = sizeof awkward / sizeof *awkward };

static void check_boxes(const struct hk__canvas *canvas, const struct hk_picture *picture, const char *name)
{
  const double slack = 0.75; /* logical boxes of a text are a little larger than its ink */
  size_t count = hk__canvas_box_count(canvas);
  ck_assert_msg(count > 0, "%s: no text at all", name);
  for (size_t i = 0; i < count; i++) {
    struct hk__box a = hk__canvas_box(canvas, i);
    ck_assert_msg(a.x > -slack && a.y > -slack && a.x + a.width < picture->width + slack &&
                      a.y + a.height < picture->height + slack,
                  "%s: text %zu at %g, %g of %g x %g leaves the page", name, i, a.x, a.y, a.width, a.height);
    for (size_t j = 0; j < i; j++) {
      struct hk__box b = hk__canvas_box(canvas, j);
      bool apart = a.x + a.width <= b.x + slack || b.x + b.width <= a.x + slack || a.y + a.height <= b.y + slack ||
                   b.y + b.height <= a.y + slack;
      ck_assert_msg(apart, "%s: texts %zu (%g, %g, %g, %g) and %zu (%g, %g, %g, %g) overlap", name, i, a.x, a.y,
                    a.width, a.height, j, b.x, b.y, b.width, b.height);
    }
  }
}

START_TEST(texts_do_not_overlap)
{
  awkward[_i].make();
  const double sizes[][2] = {{648, 432}, {250, 180}, {1200, 300}, {300, 1200}};
  for (size_t s = 0; s < 4; s++) {
    struct hk_raster_options options = hk_raster_options_default();
    options.picture.width = sizes[s][0];
    options.picture.height = sizes[s][1];
    options.picture.title = s % 2 ? "A title, long enough to need more room than a narrow picture has for it" : NULL;
    options.picture.dark = s == 2;
    const char *path = in_folder("x.png");
    struct hk_view *view = open_lists();
    struct hk__raster raster = {.view = view, .options = &options};
    struct hk__canvas *canvas = NULL;
    ck_assert_int_eq(hk__canvas_create(path, &options.picture, &canvas, messages), HK_OK);
    ck_assert_int_eq(hk__raster_lay_out(&raster, canvas), HK_OK);
    ck_assert_int_eq(hk__raster_collect(&raster, messages), HK_OK);
    ck_assert_int_eq(hk__raster_paint(&raster, canvas, messages), HK_OK);
    check_boxes(canvas, &options.picture, awkward[_i].name);
    hk__raster_clear(&raster);
    hk__canvas_destroy(canvas);
    hk_view_close(view);
  }
}
END_TEST

/* --- pixels --- */

static cairo_surface_t *draw_png(const struct hk_raster_options *options)
{
  const char *path = in_folder("x.png");
  struct hk_view *view = open_lists();
  ck_assert_int_eq(hk_raster_draw(view, options, path, messages), HK_OK);
  hk_view_close(view);
  cairo_surface_t *image = cairo_image_surface_create_from_png(path);
  ck_assert_int_eq(cairo_surface_status(image), CAIRO_STATUS_SUCCESS);
  return image;
}

static uint32_t pixel_at(cairo_surface_t *image, int x, int y)
{
  const unsigned char *data = cairo_image_surface_get_data(image);
  const uint32_t *row =
      (const uint32_t *)(const void *)(data + (size_t)y * (size_t)cairo_image_surface_get_stride(image));
  return row[x] & 0xffffff;
}

static struct hk__raster lay_out(const struct hk_raster_options *options, struct hk_view *view)
{
  const char *path = in_folder("layout.png");
  struct hk__raster raster = {.view = view, .options = options};
  struct hk__canvas *canvas = NULL;
  ck_assert_int_eq(hk__canvas_create(path, &options->picture, &canvas, messages), HK_OK);
  ck_assert_int_eq(hk__raster_lay_out(&raster, canvas), HK_OK);
  hk__canvas_destroy(canvas);
  return raster;
}

/* Each spike has its colour at the place that its time and row ask for; between spikes there is paper. */
START_TEST(ticks_stand_where_spikes_are)
{
  for (int i = 0; i < 10; i++)
    train_add(&trains[0], 100 * i + 50, (uint64_t)i);
  train_add(&trains[0], 1000, 0);
  train_add(&trains[0], 0, 9);
  lists[list_count++] = train_list(&trains[0], "exc", 10);
  struct hk_raster_options options = hk_raster_options_default();
  options.picture.dpi = 288; /* four pixels to a point */
  cairo_surface_t *image = draw_png(&options);
  struct hk_view *view = open_lists();
  struct hk__raster raster = lay_out(&options, view);
  const struct hk__box *panel = &raster.panel;
  uint32_t blue = 0x0072b2;
  for (int i = 0; i < 10; i++) {
    int x = (int)((panel->x + (0.1 * i + 0.05) * panel->width) * 4),
        y = (int)((panel->y + (0.1 * i + 0.05) * panel->height) * 4);
    ck_assert_uint_eq(pixel_at(image, x, y), blue);
    ck_assert_uint_ne(pixel_at(image, x + 40, y), blue);
    ck_assert_uint_ne(pixel_at(image, x, (int)(y + 0.1 * panel->height * (i < 9 ? 4 : -4))), blue);
  }
  hk__raster_clear(&raster);
  hk_view_close(view);
  cairo_surface_destroy(image);
}
END_TEST

static double share_of_full_colour(cairo_surface_t *image, const struct hk__raster *raster, size_t index)
{
  const struct hk__band *band = &raster->bands[index];
  double scale = raster->options->picture.dpi / 72;
  int x0 = (int)(raster->panel.x * scale) + 1, x1 = (int)((raster->panel.x + raster->panel.width) * scale) - 1;
  int y0 = (int)(band->top * scale) + 1, y1 = (int)((band->top + band->height) * scale) - 1;
  uint32_t full = (uint32_t)lround(255 * band->colour.r) << 16 | (uint32_t)lround(255 * band->colour.g) << 8 |
                  (uint32_t)lround(255 * band->colour.b);
  size_t filled = 0, all = 0;
  for (int y = y0; y < y1; y++)
    for (int x = x0; x < x1; x++, all++)
      filled += pixel_at(image, x, y) == full;
  return (double)filled / (double)all;
}

/* Whatever the number of spikes, most of a band is not in its full colour, yet something is to be seen. */
START_TEST(never_a_solid_block)
{
  const size_t counts[] = {1000, 10000, 50000, 200000, 1000000};
  add("exc", 1000, counts[_i], 1000);
  add("inh", 2, counts[_i] / 10, 1000);
  struct hk_raster_options options = hk_raster_options_default();
  cairo_surface_t *image = draw_png(&options);
  struct hk_view *view = open_lists();
  struct hk__raster raster = lay_out(&options, view);
  for (size_t i = 0; i < 2; i++)
    ck_assert_msg(share_of_full_colour(image, &raster, i) < 0.5, "band %zu of %zu spikes is %g full", i, counts[_i],
                  share_of_full_colour(image, &raster, i));
  ck_assert_int_eq(hk__raster_collect(&raster, messages), HK_OK);
  ck_assert_int_eq(raster.density, counts[_i] > 40000);
  double total = 0;
  for (size_t i = 0; i < raster.bands[0].columns * raster.bands[0].lines; i++)
    total += raster.bands[0].cells[i];
  ck_assert_double_eq(total, (double)counts[_i]);
  hk__raster_clear(&raster);
  hk_view_close(view);
  cairo_surface_destroy(image);
}
END_TEST

/* A wave of density is seen as one: the cells of its crest are darker than those of its trough. */
START_TEST(density_is_honest)
{
  struct train *train = &trains[0];
  for (size_t i = 0; i < 300000; i++) {
    double time = 1000 * draw_uniform(&state);
    if (time < 500 || draw_uniform(&state) < 0.25)
      train_add(train, time, (uint64_t)(1000 * draw_uniform(&state)));
  }
  lists[list_count++] = train_list(train, "exc", 1000);
  struct hk_raster_options options = hk_raster_options_default();
  cairo_surface_t *image = draw_png(&options);
  struct hk_view *view = open_lists();
  struct hk__raster raster = lay_out(&options, view);
  double scale = options.picture.dpi / 72, sums[2] = {0, 0};
  int x0 = (int)(raster.panel.x * scale), width = (int)(raster.panel.width * scale), y0 = (int)(raster.panel.y * scale);
  int height = (int)(raster.panel.height * scale);
  for (int y = 2; y < height - 2; y++)
    for (int x = 2; x < width - 2; x++)
      sums[x >= width / 2] += 255 - (pixel_at(image, x0 + x, y0 + y) >> 16);
  ck_assert_double_gt(sums[0], 1.5 * sums[1]);
  hk__raster_clear(&raster);
  hk_view_close(view);
  cairo_surface_destroy(image);
}
END_TEST

/* --- files --- */

static off_t drawn_size(const char *name)
{
  struct stat info;
  const char *path = in_folder(name);
  struct hk_view *view = open_lists();
  ck_assert_int_eq(hk_raster_draw(view, NULL, path, messages), HK_OK);
  hk_view_close(view);
  ck_assert_int_eq(stat(path, &info), 0);
  return info.st_size;
}

START_TEST(svg_stays_small)
{
  add("exc", 1000, 10000, 1000);
  ck_assert_int_lt(drawn_size("ticks.svg"), 1000000);
  train_clear(&trains[0]);
  list_count = 0;
  add("exc", 1000, 2000000, 1000);
  ck_assert_int_lt(drawn_size("density.svg"), 1500000);
  ck_assert_int_lt(drawn_size("density.pdf"), 1500000);
}
END_TEST

START_TEST(bad_pictures)
{
  add("exc", 10, 10, 10);
  struct hk_view *view = open_lists();
  const char *path = in_folder("x.gif");
  ck_assert_int_eq(hk_raster_draw(view, NULL, path, messages), HK_ERR_INPUT);
  ck_assert_int_ne(access(path, F_OK), 0);
  path = in_folder("nowhere/x.png");
  ck_assert_int_eq(hk_raster_draw(view, NULL, path, messages), HK_ERR_IO);
  path = in_folder("x.png");
  const struct hk_picture bad[] = {{0, 100, 100, false, NULL},    {NAN, 400, 100, false, NULL},
                                   {1e9, 400, 100, false, NULL},  {400, 400, 1e6, false, NULL},
                                   {400, 400, NAN, false, NULL},  {10, 10, 100, false, NULL},
                                   {-400, 400, 100, false, NULL}, {400, 400, 0, false, NULL}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct hk_raster_options options = hk_raster_options_default();
    options.picture = bad[i];
    ck_assert_int_eq(hk_raster_draw(view, &options, path, messages), HK_ERR_INPUT);
  }
  ck_assert_int_ne(access(path, F_OK), 0);
  hk_view_close(view);
}
END_TEST

/* --- in characters --- */

START_TEST(terminal)
{
  awkward[_i].make();
  struct hk_view *view = open_lists();
  for (int way = 0; way < 4; way++) {
    struct hk_raster_screen screen = {way < 2 ? 80 : 20, way < 2 ? 24 : 4, way % 2 == 0, false};
    char *text = NULL;
    ck_assert_int_eq(hk_raster_print(view, &screen, &text, messages), HK_OK);
    int column = 0;
    for (const char *at = text; *at; at++) {
      column = *at == '\n' ? 0 : column + ((*at & 0xc0) != 0x80);
      ck_assert_msg(column <= screen.columns + 24, "%s: a line of %d columns", awkward[_i].name, column);
      ck_assert(screen.utf8 || strcmp(awkward[_i].name, "unicode") == 0 || (unsigned char)*at < 128);
    }
    free(text);
  }
  hk_view_close(view);
}
END_TEST

START_TEST(terminal_places)
{
  train_add(&trains[0], 0, 0);
  train_add(&trains[0], 1000, 9);
  lists[list_count++] = train_list(&trains[0], "e", 10);
  struct hk_view *view = open_lists();
  struct hk_raster_screen screen = {42, 12, false, false};
  char *text = NULL;
  ck_assert_int_eq(hk_raster_print(view, &screen, &text, messages), HK_OK);
  ck_assert_int_eq(strncmp(text, "  .\n\n", 5), 0);
  const char *last = text;
  for (int line = 0; line < 9; line++)
    last = strchr(last, '\n') + 1;
  ck_assert_int_eq(strcspn(last, "."), 41);
  free(text);
  hk_view_close(view);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("raster");
  TCase *cases = tcase_create("raster");
  tcase_set_timeout(cases, 120);
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_add_loop_test(cases, texts_do_not_overlap, 0, AWKWARD);
  tcase_add_test(cases, ticks_stand_where_spikes_are);
  tcase_add_loop_test(cases, never_a_solid_block, 0, 5);
  tcase_add_test(cases, density_is_honest);
  tcase_add_test(cases, svg_stays_small);
  tcase_add_test(cases, bad_pictures);
  tcase_add_loop_test(cases, terminal, 0, AWKWARD);
  tcase_add_test(cases, terminal_places);
  suite_add_tcase(suite, cases);
  return run_suite(suite);
}
