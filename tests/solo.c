/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "solo.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct collector {
  struct spike_list *list;
  size_t width;
};

static enum hk_status take_spikes(void *context, const struct hk_spike *spikes, size_t count)
{
  struct spike_list *list = ((struct collector *)context)->list;
  list->times = realloc(list->times, (list->count + count) * sizeof *list->times);
  for (size_t i = 0; i < count; i++)
    list->times[list->count++] = spikes[i].time;
  return HK_OK;
}

static enum hk_status take_rows(void *context, size_t trace, uint64_t first, const double *rows, size_t row_count)
{
  (void)trace;
  struct collector *c = context;
  ck_assert_uint_eq(first, c->list->row_count);
  c->list->rows = realloc(c->list->rows, (first + row_count) * c->width * sizeof *rows);
  memcpy(c->list->rows + first * c->width, rows, row_count * c->width * sizeof *rows);
  c->list->row_count += row_count;
  return HK_OK;
}

static void expect(enum hk_status status, struct hk_messages *messages)
{
  ck_assert_msg(status == HK_OK, "status %d: %s", (int)status,
                messages && hk_messages_count(messages) > 0 ? hk_messages_get(messages, 0).text : "");
}

static void add_train(struct hk_network *network, const struct solo_train *train, size_t k,
                      struct hk_messages *messages)
{
  char name[32];
  snprintf(name, sizeof name, "input%zu", k);
  uint64_t offsets[] = {0, train->count};
  struct hk_population_spec source = {
      .name = name, .model = "spike_source", .size = 1, .trains = {train->times, offsets}};
  size_t index;
  expect(hk_network_add_population(network, &source, &index, NULL, messages), messages);
  struct hk_projection_spec projection = {.source = index,
                                          .target = 0,
                                          .rule = {.kind = HK_RULE_ONE_TO_ONE},
                                          .weight = hk_value_constant(train->weight),
                                          .delay = hk_value_constant(train->delay),
                                          .port = train->port};
  expect(hk_network_add_projection(network, &projection, NULL, NULL, messages), messages);
}

/* All states. */
static size_t add_trace(struct hk_network *network, const struct solo *solo, struct hk_messages *messages)
{
  const struct hk_model *model = hk_network_model(network, 0);
  const char **names = calloc(model->state_count, sizeof *names);
  for (size_t j = 0; j < model->state_count; j++)
    names[j] = model->states[j].name;
  uint32_t neuron = 0;
  struct hk_trace_spec trace = {.name = "trace",
                                .neurons = &neuron,
                                .neuron_count = 1,
                                .variables = names,
                                .variable_count = model->state_count,
                                .interval = solo->trace_interval};
  expect(hk_network_add_trace(network, &trace, NULL, NULL, messages), messages);
  free(names);
  return model->state_count;
}

struct spike_list solo_run(const struct solo *solo)
{
  struct spike_list list = {.count = 0};
  struct collector collector = {&list, 0};
  struct hk_messages *messages;
  expect(hk_messages_create(&messages), NULL);
  struct hk_network *network;
  expect(hk_network_create(&network), NULL);
  struct hk_population_spec cell = {.name = "cell",
                                    .model = solo->model,
                                    .size = 1,
                                    .params = solo->params,
                                    .param_count = solo->param_count,
                                    .init = solo->init,
                                    .init_count = solo->init_count,
                                    .tree = solo->tree};
  expect(hk_network_add_population(network, &cell, NULL, NULL, messages), messages);
  for (size_t k = 0; k < solo->train_count; k++)
    add_train(network, &solo->trains[k], k, messages);
  for (size_t k = 0; k < solo->input_count; k++)
    expect(hk_network_add_input(network, &solo->inputs[k], NULL, NULL, messages), messages);
  if (solo->trace_interval > 0)
    collector.width = add_trace(network, solo, messages);
  struct hk_options options = {
      .seed = solo->seed, .threads = 1, .scheduler = solo->scheduler, .tolerance = solo->tolerance};
  struct hk_simulation *sim;
  expect(hk_simulation_create(network, &options, &sim, messages), messages);
  hk_simulation_set_sink(sim, &(struct hk_sink){&collector, take_spikes, take_rows});
  expect(hk_simulation_run(sim, solo->duration), messages);
  hk_simulation_destroy(sim);
  hk_network_destroy(network);
  hk_messages_destroy(messages);
  return list;
}
