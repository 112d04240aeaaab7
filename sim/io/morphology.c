/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/morphology.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/dendrite.h"

struct compartment_section {
  struct hk__section section;
  double C_m, g_L, E_L, g_c;
  const char *parent, *name; /* parent: a name, or the number of a part before */
};

struct cylinder_section {
  struct hk__section section;
  double length, diameter;
  const char *parent, *name;
};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define POSITIVE .high = INFINITY, .open_low = true

static const struct hk__field compartment_section_fields[] = {
    HK__FIELD(compartment_section, parent, text, .flags = HK__IF_GIVEN),
    HK__FIELD(compartment_section, C_m, quantity, .flags = HK__REQUIRED, .unit = "pF", POSITIVE),
    HK__FIELD(compartment_section, g_L, quantity, .flags = HK__REQUIRED, .unit = "nS", .high = INFINITY),
    HK__FIELD(compartment_section, E_L, quantity, .unit = "mV", .low = -INFINITY, .high = INFINITY),
    HK__FIELD(compartment_section, g_c, quantity, .flags = HK__IF_GIVEN, .unit = "nS", POSITIVE),
    HK__FIELD(compartment_section, name, text, .flags = HK__IF_GIVEN),
};

static const struct hk__field cylinder_section_fields[] = {
    HK__FIELD(cylinder_section, parent, text, .flags = HK__IF_GIVEN),
    HK__FIELD(cylinder_section, length, quantity, .flags = HK__REQUIRED, .unit = "um", POSITIVE),
    HK__FIELD(cylinder_section, diameter, quantity, .flags = HK__REQUIRED, .unit = "um", POSITIVE),
    HK__FIELD(cylinder_section, name, text, .flags = HK__IF_GIVEN),
};

static const struct compartment_section compartment_presets = {.E_L = -70};

static const struct hk__schema compartment_schema = {"compartment", compartment_section_fields,
                                                     COUNT(compartment_section_fields),
                                                     sizeof(struct compartment_section), &compartment_presets};
static const struct hk__schema cylinder_schema = {"cylinder", cylinder_section_fields, COUNT(cylinder_section_fields),
                                                  sizeof(struct cylinder_section), NULL};

#define MEMBRANE(name, of, ...)                                                 \
  {                                                                             \
    .key = #name, .type = &hk__quantity_type, .flags = HK__IF_GIVEN,            \
    .offset = offsetof(struct hk__morphology_section, membrane.of), __VA_ARGS__ \
  }

static const struct hk__field morphology_fields[] = {
    HK__FIELD(hk__morphology_section, compartments, section_list, .flags = HK__ONE_OF, .detail = &compartment_schema),
    HK__FIELD(hk__morphology_section, cylinders, section_list, .flags = HK__ONE_OF, .detail = &cylinder_schema),
    HK__FIELD(hk__morphology_section, swc, path, .flags = HK__ONE_OF),
    MEMBRANE(capacitance, capacitance, .unit = "uF/cm2", POSITIVE),
    MEMBRANE(leak, leak, .unit = "mS/cm2", .high = INFINITY),
    MEMBRANE(E_L, E_L, .unit = "mV", .low = -INFINITY, .high = INFINITY),
    MEMBRANE(resistivity, resistivity, .unit = "ohm.cm", POSITIVE),
    MEMBRANE(max_length, max_length, .unit = "um", POSITIVE),
};

static const struct hk__morphology_section presets = {
    .membrane = {.capacitance = 1, .leak = 0.05, .E_L = -70, .resistivity = 150, .max_length = 50}};

const struct hk__schema hk__morphology_schema = {"morphology", morphology_fields, COUNT(morphology_fields),
                                                 sizeof(struct hk__morphology_section), &presets};

static const char *const membrane_keys[] = {"capacitance", "leak", "E_L", "resistivity", "max_length"};

/* The number of the part that a text names: among those before part `index`, by name or by number. */
static bool find_part(const char *text, const char *const *names, size_t index, uint32_t *out)
{
  for (size_t i = 0; i < index; i++)
    if (names[i] && strcmp(names[i], text) == 0) {
      *out = (uint32_t)i;
      return true;
    }
  char *end;
  unsigned long number = strtoul(text, &end, 10);
  *out = (uint32_t)number;
  return strspn(text, "0123456789") == strlen(text) && *end == '\0' && number < index;
}

/* The parent of part `index` of a tree: each must have one, but for the first. names: of the parts; NULL: it has none.
 */
static uint32_t parent_of(struct hk__reader *reader, const struct hk__section *section, size_t index,
                          const char *const *names, const char *parent)
{
  const struct hk__node *node = hk__node_get(section->node, "parent");
  uint32_t found = 0;
  if (index == 0 && node)
    hk__wrong(reader, node, "parent: the first one is the soma, which has no parent");
  else if (index > 0 && !node)
    hk__wrong(reader, section->node, "has no `parent`, the name or the number (from 0) of one before it was expected");
  else if (index > 0 && parent && !find_part(parent, names, index, &found))
    hk__wrong(reader, node,
              "parent: `%s` was found, the name or the number (from 0) of one before this, number %zu, was expected",
              parent, index);
  return found;
}

static void take_compartments(struct hk__reader *reader, struct hk__morphology_section *section, struct hk_tree *tree)
{
  const struct compartment_section *given = section->compartments.items;
  size_t count = section->compartments.count, before = reader->wrong;
  struct hk_compartment *compartments = hk__reader_alloc(reader, count, sizeof *compartments);
  const char **names = hk__reader_alloc(reader, count, sizeof *names);
  for (size_t i = 0; i < COUNT(membrane_keys); i++) {
    const struct hk__node *node = hk__node_get(section->section.node, membrane_keys[i]);
    if (node)
      hk__wrong(reader, node, "%s: only cylinders and SWC files have it; compartments have C_m, g_L, E_L and g_c",
                membrane_keys[i]);
  }
  for (size_t i = 0; compartments && names && i < count; i++) {
    names[i] = given[i].name;
    const uint32_t parent = parent_of(reader, &given[i].section, i, names, given[i].parent);
    const struct hk__node *coupling = hk__node_get(given[i].section.node, "g_c");
    if (i == 0 && coupling)
      hk__wrong(reader, coupling, "g_c: the first compartment is the soma, which has no parent to be coupled to");
    if (i > 0 && !coupling && !given[i].section.wrong)
      hk__wrong(reader, given[i].section.node, "compartment has no `g_c`, its conductance to its parent");
    compartments[i] = (struct hk_compartment){.parent = parent,
                                              .C_m = given[i].C_m,
                                              .g_L = given[i].g_L,
                                              .E_L = given[i].E_L,
                                              .g_c = given[i].g_c,
                                              .name = given[i].name};
  }
  if (compartments && names && reader->wrong == before) {
    enum hk_status status = hk__tree_copy(&(struct hk_tree){compartments, count}, tree);
    reader->status = status != HK_OK ? status : reader->status;
  }
}

static enum hk_status take_cylinders(struct hk__reader *reader, struct hk__morphology_section *section,
                                     struct hk_tree *tree)
{
  const struct cylinder_section *given = section->cylinders.items;
  size_t count = section->cylinders.count, before = reader->wrong;
  struct hk_cylinder *cylinders = hk__reader_alloc(reader, count, sizeof *cylinders);
  const char **names = hk__reader_alloc(reader, count, sizeof *names);
  for (size_t i = 0; cylinders && names && i < count; i++) {
    names[i] = given[i].name;
    const uint32_t parent = parent_of(reader, &given[i].section, i, names, given[i].parent);
    cylinders[i] = (struct hk_cylinder){
        .parent = parent, .length = given[i].length, .diameter = given[i].diameter, .name = given[i].name};
  }
  if (!cylinders || !names || reader->wrong > before)
    return HK_OK;
  return hk_tree_from_cylinders(cylinders, count, &section->membrane, tree, &section->section.node->place,
                                reader->messages);
}

void hk__finish_morphology(struct hk__reader *reader, struct hk__morphology_section *section, struct hk_tree *tree)
{
  *tree = (struct hk_tree){.count = 0};
  enum hk_status status = HK_OK;
  if (section->section.wrong)
    return;
  if (hk__section_has(&hk__morphology_schema, section, "compartments")) {
    take_compartments(reader, section, tree);
    return;
  }
  for (size_t i = 0; i < COUNT(membrane_keys); i++)
    hk__give(&hk__morphology_schema, &section->section, membrane_keys[i]);
  if (section->swc)
    status = hk_tree_read_swc(section->swc, &section->membrane, tree, reader->messages);
  else
    status = take_cylinders(reader, section, tree);
  if (status == HK_ERR_INPUT)
    reader->wrong++;
  else if (status != HK_OK)
    reader->status = status;
}
