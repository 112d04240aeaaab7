/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Node sets: an object of attributes, all of which must match (a list means any of its values), or a list of names of
 * node sets, all taken together. A population's name is a node set too, and so is `all`. */
#include <stdlib.h>
#include <string.h>

#include "core/suggest.h"
#include "io/sonata_circuit.h"

enum { DEEPEST = 32 };

struct search {
  struct hk__circuit *circuit;
  const char *key; /* where the set is asked for */
  bool **members;
};

void hk__members_free(const struct hk__circuit *circuit, bool **members)
{
  for (size_t p = 0; members && p < circuit->node_count; p++)
    free(members[p]);
  free(members);
}

static enum hk_status refuse(const struct search *search, const char *what, const char *name)
{
  return hk__json_tell(&search->circuit->simulation, HK_SEVERITY_ERROR, search->key, search->circuit->messages,
                       "node set: %s%s%.150s%s", what, *name ? " `" : "", name, *name ? "`" : "");
}

/* --- attributes --- */

/* An attribute of the nodes of a population. */
struct attribute {
  const char *name;
  const struct hk__node_population *nodes;
  double *numbers; /* HK__ABSENT: none */
  char **texts;    /* NULL: none */
};

static bool is_value(const json_t *wanted, double number, const char *text)
{
  if (json_is_string(wanted))
    return text && strcmp(json_string_value(wanted), text) == 0;
  if (number == HK__ABSENT && text) {
    char *end;
    const double parsed = strtod(text, &end);
    number = *end || end == text ? HK__ABSENT : parsed;
  }
  return json_is_number(wanted) && number != HK__ABSENT && json_number_value(wanted) == number;
}

static bool matches_any(const json_t *wanted, double number, const char *text)
{
  if (!json_is_array(wanted))
    return is_value(wanted, number, text);
  size_t index;
  json_t *one;
  json_array_foreach(wanted, index, one)
  {
    if (is_value(one, number, text))
      return true;
  }
  return false;
}

static bool node_matches(const struct attribute *attribute, uint32_t node, const json_t *wanted)
{
  if (strcmp(attribute->name, "population") == 0)
    return matches_any(wanted, HK__ABSENT, attribute->nodes->name);
  if (strcmp(attribute->name, "node_id") == 0)
    return matches_any(wanted, node, NULL);
  const char *text = attribute->texts[node];
  if (!text && attribute->numbers[node] == HK__ABSENT)
    text = hk__table_cell(&attribute->nodes->types, attribute->nodes->rows[node], attribute->name);
  return matches_any(wanted, attribute->numbers[node], text);
}

static enum hk_status load_attribute(struct hk__circuit *circuit, struct attribute *attribute)
{
  const struct hk__node_population *nodes = attribute->nodes;
  bool found = false;
  attribute->numbers = malloc(((size_t)nodes->size + 1) * sizeof *attribute->numbers);
  attribute->texts = calloc((size_t)nodes->size + 1, sizeof *attribute->texts);
  if (!attribute->numbers || !attribute->texts)
    return HK_ERR_MEMORY;
  for (uint32_t i = 0; i < nodes->size; i++)
    attribute->numbers[i] = HK__ABSENT;
  if (strcmp(attribute->name, "population") == 0 || strcmp(attribute->name, "node_id") == 0 ||
      strchr(attribute->name, '/'))
    return HK_OK;
  enum hk_status status =
      hk__groups_texts(&nodes->groups, attribute->name, attribute->texts, &found, circuit->messages);
  if (status || found)
    return status;
  return hk__groups_numbers(&nodes->groups, attribute->name, attribute->numbers, NULL, circuit->messages);
}

/* Drops the members of a population that do not match. */
static enum hk_status filter(struct search *search, size_t population, const char *name, const json_t *wanted,
                             bool *members)
{
  struct attribute attribute = {.name = name, .nodes = &search->circuit->nodes[population]};
  enum hk_status status = load_attribute(search->circuit, &attribute);
  for (uint32_t i = 0; i < attribute.nodes->size && !status; i++)
    members[i] = members[i] && node_matches(&attribute, i, wanted);
  hk__h5_names_free(attribute.texts, attribute.texts ? attribute.nodes->size : 0);
  free(attribute.numbers);
  return status;
}

static enum hk_status check_wanted(const struct search *search, const char *name, const json_t *wanted)
{
  size_t index;
  json_t *one;
  bool good = json_is_string(wanted) || json_is_number(wanted) || json_is_array(wanted);
  json_array_foreach(wanted, index, one)
  {
    good = good && (json_is_string(one) || json_is_number(one));
  }
  return good ? HK_OK : refuse(search, "a text, a number or a list of them was expected for", name);
}

static enum hk_status add_matching(struct search *search, const json_t *object)
{
  const char *name;
  json_t *wanted;
  json_object_foreach((json_t *)object, name, wanted)
  {
    enum hk_status status = check_wanted(search, name, wanted);
    if (status)
      return status;
  }
  for (size_t p = 0; p < search->circuit->node_count; p++) {
    const uint32_t size = search->circuit->nodes[p].size;
    bool *members = malloc((size_t)size + 1);
    enum hk_status status = members ? HK_OK : HK_ERR_MEMORY;
    if (members)
      memset(members, true, size);
    json_object_foreach((json_t *)object, name, wanted)
    {
      if (!status)
        status = filter(search, p, name, wanted, members);
    }
    for (uint32_t i = 0; i < size && !status; i++)
      search->members[p][i] = search->members[p][i] || members[i];
    free(members);
    if (status)
      return status;
  }
  return HK_OK;
}

/* --- names --- */

static enum hk_status add_set(struct search *search, const json_t *set, int depth);

static enum hk_status add_named(struct search *search, const char *name, int depth)
{
  struct hk__circuit *circuit = search->circuit;
  const json_t *set = json_object_get(circuit->sets, name);
  if (set)
    return depth > DEEPEST ? refuse(search, "names itself:", name) : add_set(search, set, depth + 1);
  bool known = strcmp(name, "all") == 0;
  struct hk__suggestion nearest;
  hk__suggest_begin(&nearest, name);
  for (size_t p = 0; p < circuit->node_count; p++) {
    hk__suggest_offer(&nearest, circuit->nodes[p].name);
    if (strcmp(name, "all") != 0 && strcmp(name, circuit->nodes[p].name) != 0)
      continue;
    memset(search->members[p], true, circuit->nodes[p].size);
    known = true;
  }
  const char *other;
  json_t *value;
  json_object_foreach(circuit->sets, other, value)
  {
    hk__suggest_offer(&nearest, other);
  }
  if (known)
    return HK_OK;
  return hk__json_tell(&circuit->simulation, HK_SEVERITY_ERROR, search->key, circuit->messages,
                       "`%.100s` is neither a node set nor a population%s", name, hk__suggest_clause(&nearest));
}

static enum hk_status add_set(struct search *search, const json_t *set, int depth)
{
  if (json_is_string(set))
    return add_named(search, json_string_value(set), depth);
  if (json_is_object(set))
    return add_matching(search, set);
  if (!json_is_array(set))
    return refuse(search, "a name, an object or a list of names was expected", "");
  size_t index;
  json_t *name;
  json_array_foreach(set, index, name)
  {
    if (!json_is_string(name))
      return refuse(search,
                    "a list of names of node sets was expected; ids go into {\"population\": ..., \"node_id\": "
                    "[...]}",
                    "");
    enum hk_status status = add_named(search, json_string_value(name), depth);
    if (status)
      return status;
  }
  return HK_OK;
}

enum hk_status hk__circuit_members(struct hk__circuit *circuit, const json_t *set, const char *key, bool ***members,
                                   size_t *total)
{
  struct search search = {circuit, key, calloc(circuit->node_count + 1, sizeof(bool *))};
  enum hk_status status = search.members ? HK_OK : HK_ERR_MEMORY;
  for (size_t p = 0; p < circuit->node_count && !status; p++) {
    search.members[p] = calloc((size_t)circuit->nodes[p].size + 1, 1);
    if (!search.members[p])
      status = HK_ERR_MEMORY;
  }
  if (!status)
    status = add_set(&search, set, 0);
  if (status) {
    hk__members_free(circuit, search.members);
    return status;
  }
  *total = 0;
  for (size_t p = 0; p < circuit->node_count; p++)
    for (uint32_t i = 0; i < circuit->nodes[p].size; i++)
      *total += search.members[p][i];
  *members = search.members;
  return HK_OK;
}
