/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of the config language. A key that is added here is read, checked, suggested, defaulted and written. */
#include "io/language.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SCHEMA(name, text, owner, preset)                         \
  const struct hk__schema name = {.what = text,                   \
                                  .fields = owner##_fields,       \
                                  .count = COUNT(owner##_fields), \
                                  .size = sizeof(struct owner),   \
                                  .presets = preset}

/* --- simulation --- */

struct grid_section {
  struct hk__section section;
  double grid;
};

static const struct hk__field grid_section_fields[] = {
    HK__FIELD(grid_section, grid, quantity, .flags = HK__REQUIRED, .unit = "ms", .high = INFINITY, .open_low = true),
};

static SCHEMA(grid_schema, "time", grid_section, NULL);

static void read_time(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node, void *slot)
{
  struct grid_section grid;
  if (node->kind == HK__SCALAR && strcmp(node->text, "exact") == 0)
    *(double *)slot = 0;
  else if (node->kind != HK__MAPPING)
    hk__wrong_value(reader, field->key, node, " was found", "`exact` or a grid such as `{grid: 0.1 ms}`");
  else if (hk__read_section(reader, &grid_schema, node, &grid))
    *(double *)slot = grid.grid;
}

static struct hk__node *write_time(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  (void)field;
  struct grid_section grid = {.grid = *(const double *)slot};
  return grid.grid > 0 ? hk__write_section(arena, &grid_schema, &grid) : hk__write_text(arena, "exact");
}

static const struct hk__type hk__time_type = {read_time, write_time};

/* in the order of enum hk_scheduler */
static const char *const schedulers[] = {"auto", "queue", "windows", "grid", NULL};

static const struct hk__field hk__simulation_section_fields[] = {
    HK__FIELD(hk__simulation_section, duration, quantity, .flags = HK__REQUIRED, .unit = "ms", .high = INFINITY,
              .open_low = true),
    HK__FIELD(hk__simulation_section, seed, whole, .high = 18446744073709551615.0),
    HK__FIELD(hk__simulation_section, time, time, .unit = "ms"),
    HK__FIELD(hk__simulation_section, scheduler, choice, .detail = schedulers),
    HK__FIELD(hk__simulation_section, threads, whole, .high = 4096),
    HK__FIELD(hk__simulation_section, tolerance, quantity, .unit = "1", .high = 0.001, .open_low = true),
    HK__FIELD(hk__simulation_section, shards, whole, .high = 4096),
};

static const struct hk__simulation_section simulation_presets = {.seed = 1, .tolerance = 1e-11};

SCHEMA(hk__simulation_schema, "simulation", hk__simulation_section, &simulation_presets);

/* --- populations --- */

static const struct hk__field hk__source_params_fields[] = {
    HK__FIELD(hk__source_params, times, times, .flags = HK__REQUIRED),
};

SCHEMA(hk__source_params_schema, "params of a spike source", hk__source_params, NULL);

static void keep_params(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node,
                        void *slot)
{
  (void)reader;
  (void)field;
  ((struct hk__population_params *)slot)->settings.node = node;
}

static struct hk__node *write_params(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  const struct hk__population_params *params = slot;
  return params->is_source ? hk__write_section(arena, &hk__source_params_schema, &params->source)
                           : hk__settings_type.write(arena, field, &params->settings);
}

static const struct hk__type hk__params_type = {keep_params, write_params};

static const struct hk__field hk__population_section_fields[] = {
    HK__FIELD(hk__population_section, model, text, .flags = HK__REQUIRED),
    HK__FIELD(hk__population_section, size, whole, .low = 1, .high = 4294967295.0),
    HK__FIELD(hk__population_section, params, params, .flags = HK__IF_GIVEN),
    HK__FIELD(hk__population_section, init, settings, .flags = HK__IF_GIVEN),
    HK__FIELD(hk__population_section, morphology, section, .flags = HK__IF_GIVEN, .detail = &hk__morphology_schema),
    HK__FIELD(hk__population_section, file, path, .flags = HK__IF_GIVEN),
    HK__FIELD(hk__population_section, population, text, .flags = HK__IF_GIVEN),
};

SCHEMA(hk__population_schema, "population", hk__population_section, NULL);

/* --- projections --- */

#define NUMBER_OF_CONNECTIONS .flags = HK__ONE_OF, .high = 9007199254740992.0

static const struct hk__field hk__rule_section_fields[] = {
    HK__FIELD(hk__rule_section, one_to_one, flag, .flags = HK__ONE_OF | HK__MAY_BE_EMPTY),
    HK__FIELD(hk__rule_section, all_to_all, flag, .flags = HK__ONE_OF | HK__MAY_BE_EMPTY),
    HK__FIELD(hk__rule_section, fixed_indegree, whole, NUMBER_OF_CONNECTIONS),
    HK__FIELD(hk__rule_section, fixed_outdegree, whole, NUMBER_OF_CONNECTIONS),
    HK__FIELD(hk__rule_section, fixed_total_number, whole, NUMBER_OF_CONNECTIONS),
    HK__FIELD(hk__rule_section, pairwise_bernoulli, quantity, .flags = HK__ONE_OF, .unit = "1", .high = 1),
    HK__FIELD(hk__rule_section, pairs, pairs, .flags = HK__ONE_OF),
    HK__FIELD(hk__rule_section, file, path, .flags = HK__ONE_OF),
    HK__FIELD(hk__rule_section, population, text, .flags = HK__IF_GIVEN),
    HK__FIELD(hk__rule_section, allow_autapses, flag, .flags = 0),
    HK__FIELD(hk__rule_section, allow_multapses, flag, .flags = 0),
};

static const struct hk__rule_section rule_presets = {.allow_autapses = true, .allow_multapses = true};

SCHEMA(hk__rule_schema, "rule", hk__rule_section, &rule_presets);

/* A rule without a value may be written by its name alone: it is read as a mapping with that key. */
static void read_rule(struct hk__reader *reader, const struct hk__field *field, const struct hk__node *node, void *slot)
{
  (void)field;
  if (node->kind == HK__SCALAR && !hk__node_is_empty(node)) {
    const struct hk__node *nothing = hk__node_scalar(reader->arena, &node->place, "");
    struct hk__pair pair = {node, nothing};
    node = nothing ? hk__node_mapping(reader->arena, &node->place, &pair, 1) : NULL;
    if (!node) {
      reader->status = HK_ERR_MEMORY;
      return;
    }
  }
  struct hk__rule_section *rule = slot;
  if (!hk__read_section(reader, &hk__rule_schema, node, rule))
    return;
  for (size_t i = 0; i < 2; i++) {
    const char *key = hk__rule_section_fields[i].key;
    if (hk__section_has(&hk__rule_schema, rule, key) && !(i == 0 ? rule->one_to_one : rule->all_to_all))
      hk__wrong_value(reader, key, hk__section_node(&rule->section, key), " was found", "`true` or nothing");
  }
  if (rule->population && !rule->file)
    hk__wrong(reader, hk__section_node(&rule->section, "population"),
              "population: names one in an edges file, but the rule has no `file`");
}

static struct hk__node *write_rule(struct hk__arena *arena, const struct hk__field *field, const void *slot)
{
  (void)field;
  return hk__write_section(arena, &hk__rule_schema, slot);
}

static const struct hk__type hk__rule_type = {read_rule, write_rule};

static const struct hk__field hk__projection_section_fields[] = {
    HK__FIELD(hk__projection_section, source, names, .flags = HK__REQUIRED),
    HK__FIELD(hk__projection_section, target, names, .flags = HK__REQUIRED),
    HK__FIELD(hk__projection_section, rule, rule, .flags = HK__REQUIRED),
    HK__FIELD(hk__projection_section, weight, late_value, .flags = HK__IF_GIVEN),
    HK__FIELD(hk__projection_section, delay, value, .flags = HK__IF_GIVEN, .unit = "ms", .high = INFINITY,
              .open_low = true),
    HK__FIELD(hk__projection_section, port, text, .flags = HK__IF_GIVEN),
};

SCHEMA(hk__projection_schema, "projection", hk__projection_section, NULL);

/* --- inputs --- */

#define ANY_CURRENT .unit = "pA", .low = -INFINITY, .high = INFINITY

static const struct hk__field hk__poisson_section_fields[] = {
    HK__FIELD(hk__poisson_section, rate, value, .flags = HK__REQUIRED, .unit = "Hz", .high = INFINITY),
};

static SCHEMA(poisson_schema, "poisson", hk__poisson_section, NULL);

static const struct hk__field hk__sine_section_fields[] = {
    HK__FIELD(hk__sine_section, amplitude, value, .flags = HK__REQUIRED, ANY_CURRENT),
    HK__FIELD(hk__sine_section, offset, value, ANY_CURRENT),
    HK__FIELD(hk__sine_section, frequency, quantity, .flags = HK__REQUIRED, .unit = "Hz", .high = INFINITY,
              .open_low = true),
    HK__FIELD(hk__sine_section, phase, quantity, .unit = "radian", .low = -INFINITY, .high = INFINITY),
};

static const struct hk__sine_section sine_presets = {.offset = {HK_VALUE_CONSTANT, .min = -INFINITY, .max = INFINITY}};

static SCHEMA(sine_schema, "sine", hk__sine_section, &sine_presets);

static const struct hk__field hk__noise_section_fields[] = {
    HK__FIELD(hk__noise_section, mean, quantity, ANY_CURRENT),
    HK__FIELD(hk__noise_section, std, quantity, .flags = HK__REQUIRED, .unit = "pA", .high = INFINITY),
    HK__FIELD(hk__noise_section, tau, quantity, .flags = HK__REQUIRED, .unit = "ms", .high = INFINITY),
    HK__FIELD(hk__noise_section, dt, quantity, .unit = "ms", .high = INFINITY, .open_low = true),
};

static const struct hk__noise_section noise_presets = {.dt = 0.1};

static SCHEMA(noise_schema, "noise", hk__noise_section, &noise_presets);

static const struct hk__field hk__current_section_fields[] = {
    HK__FIELD(hk__current_section, dc, value, .flags = HK__ONE_OF, ANY_CURRENT),
    HK__FIELD(hk__current_section, steps, steps, .flags = HK__ONE_OF),
    HK__FIELD(hk__current_section, sine, section, .flags = HK__ONE_OF, .detail = &sine_schema),
    HK__FIELD(hk__current_section, noise, section, .flags = HK__ONE_OF, .detail = &noise_schema),
};

SCHEMA(hk__current_schema, "current", hk__current_section, NULL);

static const struct hk__field hk__input_section_fields[] = {
    HK__FIELD(hk__input_section, target, names, .flags = HK__REQUIRED),
    HK__FIELD(hk__input_section, neurons, selection, .flags = 0),
    HK__FIELD(hk__input_section, from, quantity, .unit = "ms", .high = INFINITY),
    HK__FIELD(hk__input_section, to, quantity, .flags = HK__MAY_BE_INFINITE, .unit = "ms", .high = INFINITY),
    HK__FIELD(hk__input_section, poisson, section, .flags = HK__ONE_OF, .detail = &poisson_schema),
    HK__FIELD(hk__input_section, current, section, .flags = HK__ONE_OF, .detail = &hk__current_schema),
    HK__FIELD(hk__input_section, weight, late_value, .flags = HK__IF_GIVEN),
    HK__FIELD(hk__input_section, port, text, .flags = HK__IF_GIVEN),
};

static const struct hk__input_section input_presets = {.to = INFINITY};

SCHEMA(hk__input_schema, "input", hk__input_section, &input_presets);

/* --- record --- */

static const struct hk__field hk__trace_section_fields[] = {
    HK__FIELD(hk__trace_section, name, text, .flags = 0),
    HK__FIELD(hk__trace_section, population, text, .flags = HK__REQUIRED),
    HK__FIELD(hk__trace_section, neurons, selection, .flags = 0),
    HK__FIELD(hk__trace_section, variables, names, .flags = 0),
    HK__FIELD(hk__trace_section, interval, quantity, .unit = "ms", .high = INFINITY, .open_low = true),
};

static const struct hk__trace_section trace_presets = {.interval = 0.1};

SCHEMA(hk__trace_schema, "trace", hk__trace_section, &trace_presets);

static const struct hk__field hk__record_section_fields[] = {
    HK__FIELD(hk__record_section, spikes, names, .flags = 0),
    HK__FIELD(hk__record_section, traces, section_list, .detail = &hk__trace_schema),
};

SCHEMA(hk__record_schema, "record", hk__record_section, NULL);

/* --- the whole --- */

static const struct hk__field hk__language_fields[] = {
    HK__FIELD(hk__language, simulation, section, .flags = HK__REQUIRED, .detail = &hk__simulation_schema),
    HK__FIELD(hk__language, populations, section_map, .flags = HK__IF_GIVEN, .detail = &hk__population_schema),
    HK__FIELD(hk__language, projections, section_list, .flags = HK__IF_GIVEN, .detail = &hk__projection_schema),
    HK__FIELD(hk__language, inputs, section_list, .flags = HK__IF_GIVEN, .detail = &hk__input_schema),
    HK__FIELD(hk__language, record, section, .flags = HK__IF_GIVEN, .detail = &hk__record_schema),
    HK__FIELD(hk__language, circuit, text, .flags = HK__IF_GIVEN),
    HK__FIELD(hk__language, templates, node, .flags = HK__NOT_WRITTEN | HK__MAY_BE_EMPTY),
};

SCHEMA(hk__language_schema, "the config", hk__language, NULL);
