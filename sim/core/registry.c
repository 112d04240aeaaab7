/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of models and look-ups in their tables. */
#include <hillock/model.h>

#include <stdlib.h>
#include <string.h>

#include "model_registry.h"

#define DECLARE(name) extern const struct hk_model hk_model_##name;
#define X DECLARE
HK__MODEL_REGISTRY(X)
#undef X

#define ADDRESS(name) &hk_model_##name,
#define X ADDRESS
static const struct hk_model *const models[] = {HK__MODEL_REGISTRY(X)};
#undef X

size_t hk_model_count(void)
{
  return sizeof models / sizeof *models;
}

const struct hk_model *hk_model_at(size_t index)
{
  return index < hk_model_count() ? models[index] : NULL;
}

const struct hk_model *hk_model_find(const char *name)
{
  for (size_t i = 0; i < hk_model_count(); i++)
    if (strcmp(models[i]->name, name) == 0)
      return models[i];
  return NULL;
}

int hk_model_param(const struct hk_model *model, const char *name)
{
  for (size_t i = 0; i < model->param_count; i++)
    if (strcmp(model->params[i].name, name) == 0)
      return (int)i;
  return -1;
}

int hk_model_state(const struct hk_model *model, const char *name)
{
  for (size_t i = 0; i < model->state_count; i++)
    if (strcmp(model->states[i].name, name) == 0)
      return (int)i;
  return -1;
}

int hk_model_port(const struct hk_model *model, const char *name)
{
  for (size_t i = 0; i < model->port_count; i++)
    if (strcmp(model->ports[i].name, name) == 0)
      return (int)i;
  if (model->kind == HK_MODEL_TREE && *name && strspn(name, "0123456789") == strlen(name)) {
    unsigned long index = strtoul(name, NULL, 10);
    return index < model->port_count ? (int)index : -1;
  }
  return -1;
}
