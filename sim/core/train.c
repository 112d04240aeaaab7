/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/train.h"

#include <math.h>
#include <stdlib.h>

static uint64_t count_trains(const struct hk__built *built, bool inputs)
{
  uint64_t count = 0;
  for (size_t i = 0; inputs && i < built->input_count; i++)
    count += built->inputs[i].kind == HK_INPUT_POISSON ? built->inputs[i].count : 0;
  for (size_t p = 0; p < built->population_count; p++) {
    enum hk_model_kind kind = built->populations[p].model->kind;
    count += kind == HK_MODEL_POISSON || kind == HK_MODEL_TRAINS ? built->populations[p].size : 0;
  }
  return count;
}

/* The private train of the k-th target neuron of a Poisson input. */
static void init_private(struct hk__train *train, const struct hk__built *built, uint32_t index, uint32_t k)
{
  const struct hk__input *input = &built->inputs[index];
  uint32_t neuron = hk__input_neuron(input, k);
  *train = (struct hk__train){.rate = hk__poisson_rate_of(input->rate[k]),
                              .from = fmax(input->from, 0),
                              .end = input->to,
                              .population = input->population,
                              .neuron = built->populations[input->population].first + neuron,
                              .port = input->port[k],
                              .weight = input->weight[k],
                              .number = neuron};
  train->bin = hk__poisson_bin_at(&train->rate, train->from);
  hk__poisson_init(&train->group, built->seed, HK__FOR_INPUT, index);
}

static struct hk__train *add_sources(struct hk__train *train, const struct hk__built *built, uint32_t index)
{
  const struct hk__population *p = &built->populations[index];
  for (uint32_t k = 0; k < p->size; k++, train++) {
    *train = (struct hk__train){.is_source = true, .population = index, .neuron = k, .end = INFINITY};
    if (p->model->kind == HK_MODEL_TRAINS) {
      train->is_played = true;
      train->next = p->times + p->offsets[k];
      train->stop = p->times + p->offsets[k + 1];
    } else {
      train->rate = hk__poisson_rate_of(hk__population_param(p, k)[0] / 1000);
      train->number = k;
      hk__poisson_init(&train->group, built->seed, HK__FOR_SOURCE, index);
    }
  }
  return train;
}

enum hk_status hk__trains_init(struct hk__trains *trains, const struct hk__built *built, bool inputs)
{
  *trains = (struct hk__trains){.count = 0};
  uint64_t count = count_trains(built, inputs);
  if (count >= UINT32_MAX / 2)
    return HK_ERR_MEMORY;
  trains->train = calloc(count + 1, sizeof *trains->train);
  if (!trains->train)
    return HK_ERR_MEMORY;
  trains->count = (uint32_t)count;
  trains->bytes = count * sizeof *trains->train;
  struct hk__train *next = trains->train;
  for (uint32_t i = 0; inputs && i < built->input_count; i++)
    if (built->inputs[i].kind == HK_INPUT_POISSON)
      for (uint32_t k = 0; k < built->inputs[i].count; k++)
        init_private(next++, built, i, k);
  for (uint32_t p = 0; p < built->population_count; p++) {
    enum hk_model_kind kind = built->populations[p].model->kind;
    if (kind == HK_MODEL_POISSON || kind == HK_MODEL_TRAINS)
      next = add_sources(next, built, p);
  }
  return HK_OK;
}

void hk__trains_clear(struct hk__trains *trains)
{
  free(trains->train);
  *trains = (struct hk__trains){.count = 0};
}

/* The spikes of the train's bin, in order. */
static uint32_t list_bin(const struct hk__train *train, double time[HK__POISSON_MOST])
{
  uint32_t count = hk__poisson_bin(&train->group, train->number, &train->rate, train->bin, time);
  for (uint32_t i = 1; i < count; i++) {
    double moving = time[i];
    uint32_t place = i;
    for (; place > 0 && time[place - 1] > moving; place--)
      time[place] = time[place - 1];
    time[place] = moving;
  }
  return count;
}

static double draw_next(struct hk__train *train)
{
  double time[HK__POISSON_MOST];
  if (train->rate.mean == 0 || train->bin >= HK__POISSON_BINS)
    return INFINITY;
  for (; hk__poisson_start(&train->rate, train->bin) < train->end; train->bin++, train->taken = 0) {
    uint32_t count = list_bin(train, time);
    while (train->taken < count) {
      double next = time[train->taken++];
      if (next >= train->from)
        return next < train->end ? next : INFINITY;
    }
  }
  return INFINITY;
}

double hk__train_next(struct hk__train *train)
{
  if (train->is_played)
    return train->next < train->stop ? *train->next++ : INFINITY;
  return draw_next(train);
}
