/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/sonata_dynamics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/suggest.h"

enum { NAME = 128 };

static bool is_known(const struct hk_model *model, const char *name)
{
  return hk_model_param(model, name) >= 0 || hk_model_state(model, name) >= 0;
}

/* How many numbered parameters or states the model has under a common name. */
static size_t numbered(const struct hk_model *model, const char *name)
{
  char full[NAME];
  size_t count = 0;
  while (snprintf(full, sizeof full, "%.100s_%zu", name, count + 1) > 0 && is_known(model, full))
    count++;
  return count;
}

/* The common name and the number in a numbered name; 0 if it is not one of several. */
static size_t take_apart(const struct hk_model *model, const char *name, char *common)
{
  const char *underscore = strrchr(name, '_');
  char *end;
  unsigned long number = underscore ? strtoul(underscore + 1, &end, 10) : 0;
  if (number == 0 || *end != '\0')
    return 0;
  snprintf(common, NAME, "%.*s", (int)(underscore - name), name);
  return number <= numbered(model, common) ? number : 0;
}

/* --- what may stand in a file --- */

struct check {
  const json_t *dynamics;
  const struct hk_model *model;
  const char *file;
  const struct hk_place *place;
  struct hk_messages *messages;
};

static enum hk_status tell(const struct check *c, const char *name, const char *what)
{
  hk_messages_add(c->messages, HK_SEVERITY_ERROR, c->place, "%.100s: `%.100s` %s", c->file, name, what);
  return HK_ERR_INPUT;
}

static enum hk_status tell_unknown(const struct check *c, const char *name)
{
  struct hk__suggestion nearest;
  char what[256], common[HK_PARAMS_MAX][NAME];
  hk__suggest_begin(&nearest, name);
  for (size_t i = 0; i < c->model->param_count; i++) {
    bool several = take_apart(c->model, c->model->params[i].name, common[i]) > 0;
    hk__suggest_offer(&nearest, several ? common[i] : c->model->params[i].name);
  }
  snprintf(what, sizeof what, "is not a parameter of the model%s", hk__suggest_clause(&nearest));
  return tell(c, name, what);
}

static bool same_family(const char *a, const char *b)
{
  size_t length = strcspn(a, "_");
  return length == strcspn(b, "_") && strncmp(a, b, length) == 0;
}

/* Lists that belong together (asc_amps, asc_decay, ...) are equally long. */
static enum hk_status check_lengths(const struct check *c, const char *name, size_t length)
{
  const char *other;
  json_t *value;
  char what[256];
  json_object_foreach((json_t *)c->dynamics, other, value)
  {
    if (strcmp(other, name) == 0)
      return HK_OK; /* those after it look back at it */
    if (!json_is_array(value) || json_array_size(value) == length || !same_family(name, other) ||
        numbered(c->model, other) == 0)
      continue;
    snprintf(what, sizeof what, "has %zu values and `%.100s` %zu; as many were expected", length, other,
             json_array_size(value));
    return tell(c, name, what);
  }
  return HK_OK;
}

static enum hk_status check_list(const struct check *c, const char *name, const json_t *list, size_t most)
{
  char what[160];
  size_t length = json_array_size(list);
  for (size_t i = 0; i < length; i++)
    if (!json_is_number(json_array_get(list, i)))
      return tell(c, name, "must be a list of numbers");
  if (length > most) {
    snprintf(what, sizeof what, "has %zu values; %s takes at most %zu", length, c->model->name, most);
    return tell(c, name, what);
  }
  return check_lengths(c, name, length);
}

/* Texts, false and null say what kind of thing the file is, unless they stand where a value belongs; anything else
 * would change the model. */
static enum hk_status check_entry(const struct check *c, const char *name, const json_t *value)
{
  size_t several = numbered(c->model, name);
  if (several > 0)
    return json_is_array(value) ? check_list(c, name, value, several) : tell(c, name, "must be a list of numbers");
  if (is_known(c->model, name))
    return json_is_number(value) || json_is_boolean(value) ? HK_OK : tell(c, name, "must be a number");
  if (json_is_string(value) || json_is_false(value) || json_is_null(value))
    return HK_OK;
  return tell_unknown(c, name);
}

enum hk_status hk__dynamics_check(const json_t *dynamics, const struct hk_model *model, const char *file,
                                  const struct hk_place *place, struct hk_messages *messages)
{
  const struct check check = {dynamics, model, file, place, messages};
  const char *name;
  json_t *value;
  enum hk_status status = HK_OK;
  json_object_foreach((json_t *)dynamics, name, value)
  {
    if (check_entry(&check, name, value) != HK_OK)
      status = HK_ERR_INPUT;
  }
  return status;
}

/* --- values --- */

/* What is not in a list that is there: nothing, where nothing is allowed. */
static double beyond_list(const struct hk_model *model, const char *name)
{
  int index = hk_model_param(model, name);
  if (index < 0)
    return 0;
  const struct hk_param *p = &model->params[index];
  return p->low < 0 || (p->low == 0 && !p->open_low) ? 0 : p->preset;
}

void hk__dynamics_value(const json_t *dynamics, const struct hk_model *model, const char *name, double *value)
{
  char common[NAME];
  const json_t *own = json_object_get(dynamics, name);
  if (json_is_boolean(own))
    *value = json_is_true(own);
  else if (own)
    *value = json_number_value(own);
  if (own)
    return;
  size_t number = take_apart(model, name, common);
  const json_t *list = number > 0 ? json_object_get(dynamics, common) : NULL;
  if (list)
    *value = number <= json_array_size(list) ? json_number_value(json_array_get(list, number - 1))
                                             : beyond_list(model, name);
}

size_t hk__dynamics_receptors(const json_t *dynamics, const struct hk_model *model)
{
  const json_t *list = json_object_get(dynamics, "tau_syn");
  size_t most = numbered(model, "tau_syn"), given = list ? json_array_size(list) : most;
  return given < most ? given : most;
}
