/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SWC morphologies: lines of `id type x y z radius parent`, in um, # begins a comment.
 *
 * The samples of the soma (type 1) make compartment 0, of their surface. Every unbranched stretch of the rest is cut
 * into compartments of equal length, at most the maximal one; their surfaces and the axial resistances between their
 * middles are integrated along the samples, between two of which the radius changes linearly. */
#include <hillock/tree.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sample {
  long id;
  int type;
  double at[3], radius;
  size_t parent; /* index; SIZE_MAX: none */
  size_t first_child, next_sibling;
  size_t children;
};

struct swc {
  const char *path;
  struct hk_messages *messages;
  const struct hk_membrane *membrane;
  struct sample *samples;
  size_t count, capacity;
  struct hk_compartment *compartments;
  size_t made;
  size_t named[5]; /* compartments of each kind so far */
};

enum { SOMA = 1 };
static const size_t none = SIZE_MAX;

static enum hk_status fault(const struct swc *swc, size_t line, const char *what)
{
  struct hk_place place = {swc->path, line, 0};
  hk_messages_add(swc->messages, HK_SEVERITY_ERROR, &place, "%s", what);
  return HK_ERR_INPUT;
}

static size_t find(const struct swc *swc, long id)
{
  for (size_t i = swc->count; i-- > 0;)
    if (swc->samples[i].id == id)
      return i;
  return none;
}

static enum hk_status add_sample(struct swc *swc, size_t line, struct sample s, long parent)
{
  if (!(s.radius > 0) || !isfinite(s.radius) || !isfinite(s.at[0] + s.at[1] + s.at[2]))
    return fault(swc, line, "the radius must be positive and the coordinates finite");
  if (find(swc, s.id) != none)
    return fault(swc, line, "there is already a sample of this number");
  s.parent = parent < 0 ? none : find(swc, parent);
  s.first_child = s.next_sibling = none;
  if (parent >= 0 && s.parent == none)
    return fault(swc, line, "its parent is none of the samples before it");
  if (parent < 0 && swc->count > 0)
    return fault(swc, line, "a second sample without a parent: the file must hold one tree");
  if (swc->count == swc->capacity) {
    size_t capacity = swc->capacity ? 2 * swc->capacity : 256;
    struct sample *samples = realloc(swc->samples, capacity * sizeof *samples);
    if (!samples)
      return HK_ERR_MEMORY;
    swc->samples = samples;
    swc->capacity = capacity;
  }
  if (s.parent != none) {
    struct sample *p = &swc->samples[s.parent];
    s.next_sibling = p->first_child;
    p->first_child = swc->count;
    p->children++;
  }
  swc->samples[swc->count++] = s;
  return HK_OK;
}

/* Whole numbers may be written as 1.0. */
static bool is_whole(double x)
{
  return x == trunc(x) && fabs(x) < 0x1p31;
}

static enum hk_status read_sample(struct swc *swc, size_t line, char *text)
{
  text[strcspn(text, "#")] = '\0';
  if (strspn(text, " \t") == strlen(text))
    return HK_OK;
  struct sample s = {.id = 0};
  double id, type, parent;
  int end = 0;
  if (sscanf(text, "%lf %lf %lf %lf %lf %lf %lf %n", &id, &type, &s.at[0], &s.at[1], &s.at[2], &s.radius, &parent,
             &end) != 7 ||
      text[end] || !is_whole(id) || !is_whole(type) || !is_whole(parent))
    return fault(swc, line, "expected seven numbers: id, type, x, y, z, radius, parent");
  s.id = (long)id;
  s.type = (int)type;
  return add_sample(swc, line, s, (long)parent);
}

/* Lines end as on any system; a byte-order mark may come first. */
static enum hk_status read_samples(struct swc *swc, FILE *file)
{
  static const char mark[] = "\xEF\xBB\xBF";
  enum hk_status status = HK_OK;
  char *text = NULL;
  size_t size = 0, line = 0;
  while (status == HK_OK && getline(&text, &size, file) >= 0) {
    char *rest = text, *piece;
    if (line == 0 && strncmp(text, mark, strlen(mark)) == 0)
      rest += strlen(mark);
    while (status == HK_OK && (piece = strsep(&rest, "\r\n")) && (rest || *piece)) {
      status = read_sample(swc, ++line, piece);
      if (rest && *rest == '\n')
        rest++;
    }
  }
  free(text);
  if (status == HK_OK && ferror(file))
    status = fault(swc, 0, "cannot be read to its end");
  if (status == HK_OK && (swc->count == 0 || swc->samples[0].type != SOMA))
    status = fault(swc, 0, "the first sample must be one of the soma (type 1)");
  return status;
}

static double distance(const struct sample *a, const struct sample *b)
{
  return hypot(hypot(a->at[0] - b->at[0], a->at[1] - b->at[1]), a->at[2] - b->at[2]);
}

/* The surface of a truncated cone. */
static double surface(double length, double a, double b)
{
  return M_PI * (a + b) * hypot(length, a - b);
}

/* --- compartments --- */

/* Where a stretch goes on: the compartment that it continues, and the resistance from its middle to there, 1/nS. */
struct end {
  size_t sample;
  uint32_t compartment;
  double resistance;
};

static enum hk_status add_compartment(struct swc *swc, int type, double area, uint32_t parent, double resistance)
{
  static const char *const kinds[] = {"other", "soma", "axon", "basal", "apical"};
  int kind = type >= 1 && type <= 4 ? type : 0;
  if (swc->made == HK_COMPARTMENTS_MAX)
    return fault(swc, 0, "the tree has too many compartments (more than 1024); a longer maximal length makes fewer");
  struct hk_compartment *c = &swc->compartments[swc->made];
  *c = (struct hk_compartment){.parent = parent,
                               .C_m = swc->membrane->capacitance * area * 1e-2,
                               .g_L = swc->membrane->leak * area * 1e-2,
                               .E_L = swc->membrane->E_L,
                               .g_c = swc->made > 0 ? 1 / resistance : 0};
  char *name;
  size_t number = swc->named[kind]++;
  if ((swc->made == 0 ? asprintf(&name, "soma") : asprintf(&name, "%s[%zu]", kinds[kind], number)) < 0)
    return HK_ERR_MEMORY;
  c->name = name;
  swc->made++;
  return HK_OK;
}

static double soma_area(const struct swc *swc)
{
  double area = 0;
  size_t count = 0;
  bool about_a_point = true;
  const struct sample *root = &swc->samples[0];
  for (size_t i = 1; i < swc->count; i++) {
    const struct sample *s = &swc->samples[i];
    if (s->type != SOMA)
      continue;
    count++;
    about_a_point &= s->parent == 0 && fabs(distance(s, root) - root->radius) < 0.1 * root->radius;
    area += surface(distance(s, &swc->samples[s->parent]), s->radius, swc->samples[s->parent].radius);
  }
  return count == 0 || (count == 2 && about_a_point) ? 4 * M_PI * root->radius * root->radius : area;
}

/* Goes along the stretch that begins with `first` (whose parent it leaves from): the samples up to a branch, a tip or
 * another type. Returns the last one and the length. */
static size_t stretch_end(const struct swc *swc, size_t first, double *length)
{
  size_t last = first;
  const struct sample *s = &swc->samples[first];
  const struct sample *from = &swc->samples[s->parent];
  *length = from->type == SOMA ? fmax(0, distance(s, from) - from->radius) : distance(s, from);
  while (s->children == 1 && swc->samples[s->first_child].type == s->type) {
    last = s->first_child;
    *length += distance(&swc->samples[last], s);
    s = &swc->samples[last];
  }
  return last;
}

/* Surface and resistance of a stretch between two distances from its beginning. */
static void integrate(const struct swc *swc, size_t first, double from, double to, double *area, double *resistance)
{
  *area = *resistance = 0;
  double before = 0;
  for (size_t i = first; before < to; i = swc->samples[i].first_child) {
    const struct sample *b = &swc->samples[i], *a = &swc->samples[b->parent];
    bool leaves_soma = a->type == SOMA && b->type != SOMA;
    double length = leaves_soma ? fmax(0, distance(a, b) - a->radius) : distance(a, b);
    double r0 = leaves_soma ? b->radius : a->radius, r1 = b->radius;
    double low = fmax(from, before) - before, high = fmin(to, before + length) - before;
    if (high > low && length > 0) {
      double ra = r0 + (r1 - r0) * low / length, rb = r0 + (r1 - r0) * high / length;
      *area += surface(high - low, ra, rb);
      *resistance += swc->membrane->resistivity * 1e-5 * (high - low) / (M_PI * ra * rb);
    }
    before += length;
    if (b->children != 1)
      break;
  }
}

static enum hk_status add_stretch(struct swc *swc, size_t first, struct end *at)
{
  double length;
  size_t last = stretch_end(swc, first, &length);
  at->sample = last;
  if (length <= 0)
    return HK_OK;
  double pieces = ceil(length / swc->membrane->max_length);
  if (pieces > HK_COMPARTMENTS_MAX)
    return fault(swc, 0, "the tree has too many compartments (more than 1024); a longer maximal length makes fewer");
  size_t n = pieces > 1 ? (size_t)pieces : 1;
  for (size_t i = 0; i < n; i++) {
    double from = length * (double)i / (double)n, to = length * (double)(i + 1) / (double)n, middle = (from + to) / 2;
    double front, back, half_area, other_area;
    integrate(swc, first, from, middle, &half_area, &front);
    integrate(swc, first, middle, to, &other_area, &back);
    enum hk_status status =
        add_compartment(swc, swc->samples[first].type, half_area + other_area, at->compartment, at->resistance + front);
    if (status != HK_OK)
      return status;
    at->compartment = (uint32_t)swc->made - 1;
    at->resistance = back;
  }
  return HK_OK;
}

/* All stretches, each after the one it leaves from. The soma counts as isopotential. */
static enum hk_status add_stretches(struct swc *swc)
{
  struct end *open = calloc(swc->count, sizeof *open);
  if (!open)
    return HK_ERR_MEMORY;
  enum hk_status status = HK_OK;
  size_t opened = 0;
  open[opened++] = (struct end){.sample = 0};
  for (size_t k = 0; k < opened && status == HK_OK; k++) {
    struct end from = open[k];
    for (size_t child = swc->samples[from.sample].first_child; child != none && status == HK_OK;
         child = swc->samples[child].next_sibling) {
      struct end at = from;
      if (swc->samples[child].type == SOMA)
        at.sample = child;
      else
        status = add_stretch(swc, child, &at);
      open[opened++] = at;
    }
  }
  free(open);
  return status;
}

enum hk_status hk_tree_read_swc(const char *path, const struct hk_membrane *membrane, struct hk_tree *out,
                                struct hk_messages *messages)
{
  struct swc swc = {.path = path, .messages = messages, .membrane = membrane};
  *out = (struct hk_tree){.count = 0};
  struct hk_cylinder any = {.length = 1, .diameter = 1};
  struct hk_place place = {path, 0, 0};
  enum hk_status status = hk_tree_from_cylinders(&any, 1, membrane, out, &place, messages);
  hk_tree_clear(out);
  if (status != HK_OK)
    return status;
  FILE *file = fopen(path, "r");
  if (!file) {
    hk_messages_add(messages, HK_SEVERITY_ERROR, &place, "cannot open the morphology: %s", strerror(errno));
    return HK_ERR_INPUT;
  }
  swc.compartments = calloc(HK_COMPARTMENTS_MAX, sizeof *swc.compartments);
  status = swc.compartments ? read_samples(&swc, file) : HK_ERR_MEMORY;
  fclose(file);
  if (status == HK_OK)
    status = add_compartment(&swc, SOMA, soma_area(&swc), 0, 0);
  if (status == HK_OK)
    status = add_stretches(&swc);
  *out = (struct hk_tree){swc.compartments, swc.made};
  if (status != HK_OK)
    hk_tree_clear(out);
  free(swc.samples);
  return status;
}
