/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The models of models/list, compiled for the widest vectors: the build gives their descriptors other names. */
#include "core/walk.h"

#include "model_registry.h"

#define DECLARE(name) extern const struct hk_model hk_model_##name, hk__model_##name##_widest;
#define X DECLARE
HK__MODEL_REGISTRY(X)
#undef X

#define PAIR(name) {&hk_model_##name, &hk__model_##name##_widest},
#define X PAIR
static const struct {
  const struct hk_model *model, *widest;
} models[] = {HK__MODEL_REGISTRY(X)};
#undef X

const struct hk_model *hk__model_widest(const struct hk_model *model)
{
  for (size_t i = 0; i < sizeof models / sizeof *models; i++)
    if (models[i].model == model)
      return models[i].widest;
  return NULL;
}
