/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the sections of a config to a network. What the network itself checks (whether a rule can be met, whether
 * parameters fit together) is left to it; here is what needs the place of a single value: names, units, ranges. A
 * population that is wrong keeps its place in the table, so that what refers to it is not called unknown. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/suggest.h"
#include "io/language.h"
#include "io/sonata.h"

struct known {
  const char *name;
  const struct hk_model *model; /* NULL: unknown */
  uint64_t size;                /* 0: unknown */
  size_t index;                 /* in the network, if added */
  bool added;
};

struct assembly {
  struct hk__reader *reader;
  struct hk__language *language;
  struct hk_network *network;
  struct known *known;
  size_t known_count;
};

static bool note_status(struct assembly *a, enum hk_status status)
{
  if (status == HK_ERR_INPUT)
    a->reader->wrong++;
  else if (status != HK_OK)
    a->reader->status = status;
  return status == HK_OK;
}

/* Whether a section was read without an error and nothing was found wrong since. */
static bool is_good(const struct assembly *a, const struct hk__section *section, size_t before)
{
  return !section->wrong && a->reader->wrong == before && a->reader->status == HK_OK;
}

static const struct known *find_population(struct assembly *a, const char *key, const struct hk__node *node)
{
  char shown[HK__SHOWN];
  struct hk__suggestion suggestion;
  hk__suggest_begin(&suggestion, node->text);
  for (size_t i = 0; i < a->known_count; i++) {
    if (strcmp(a->known[i].name, node->text) == 0)
      return &a->known[i];
    hk__suggest_offer(&suggestion, a->known[i].name);
  }
  hk__wrong(a->reader, node, "%s: there is no population %s%s", key, hk__node_shown(node, shown, sizeof shown),
            hk__suggest_clause(&suggestion));
  return NULL;
}

/* --- populations --- */

static const struct hk_model *find_model(struct assembly *a, const struct hk__population_section *section)
{
  if (!section->model)
    return NULL;
  const struct hk_model *model = hk_model_find(section->model);
  if (model)
    return model;
  const struct hk__node *node = hk__section_node(&section->section, "model");
  char shown[HK__SHOWN];
  struct hk__suggestion suggestion;
  hk__suggest_begin(&suggestion, section->model);
  for (size_t i = 0; i < hk_model_count(); i++)
    hk__suggest_offer(&suggestion, hk_model_at(i)->name);
  hk__wrong(a->reader, node, "model: there is no model %s, one of those that `hillock models` lists was expected%s",
            hk__node_shown(node, shown, sizeof shown), hk__suggest_clause(&suggestion));
  return NULL;
}

static void refuse_key(struct assembly *a, const struct hk__section *section, const char *key, const char *why)
{
  const struct hk__node *node = hk__node_get(section->node, key);
  if (node)
    hk__wrong(a->reader, node, "%s: %s", key, why);
}

/* Files are named by the config, so one that cannot be opened is an error at that place. */
static bool check_file(struct assembly *a, const char *path, const struct hk__node *node)
{
  char shown[HK__SHOWN];
  int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (file < 0)
    hk__wrong(a->reader, node, "file: %s cannot be opened: %s", hk__node_shown(node, shown, sizeof shown),
              strerror(errno));
  else
    close(file);
  return file >= 0;
}

/* The spike times of a source that are written in the config. */
static void take_times(struct assembly *a, struct hk__population_section *section, struct hk_population_spec *spec)
{
  struct hk__source_params *source = &section->params.source;
  section->params.is_source = true;
  if (!section->params.settings.node) {
    hk__wrong(a->reader, section->section.node,
              "a spike source needs times, `params: {times: [10 ms, 20 ms]}`, or a `file`");
    return;
  }
  if (!hk__read_section(a->reader, &hk__source_params_schema, section->params.settings.node, source))
    return;
  const struct hk__node *size = hk__node_get(section->section.node, "size");
  if (size && section->size > 0 && section->size != source->times.size)
    hk__wrong(a->reader, source->times.node,
              "times: lists of times of %llu sources were found, %llu were expected, the size of the population; "
              "several sources take a list of lists",
              (unsigned long long)source->times.size, (unsigned long long)section->size);
  section->size = source->times.size;
  spec->trains = source->times.trains;
}

static void take_source(struct assembly *a, struct hk__population_section *section, struct hk_population_spec *spec,
                        struct hk__source_trains *trains)
{
  refuse_key(a, &section->section, "init", "a spike source has no states");
  if (!section->file) {
    refuse_key(a, &section->section, "population", "names one in a spikes file, but there is no `file`");
    take_times(a, section, spec);
  } else {
    refuse_key(a, &section->section, "params", "a spike source has either a `file` or times, both were found");
    const struct hk__node *node = hk__section_node(&section->section, "file");
    if (check_file(a, section->file, node))
      note_status(a, hk__source_trains_read(section->file, section->population, section->size, trains, &node->place,
                                            a->reader->messages));
    section->size = trains->size;
    spec->trains = (struct hk_trains){trains->times, trains->offsets};
  }
  spec->size = section->size;
}

static void take_tree(struct assembly *a, const struct hk_model *model, struct hk__population_section *section,
                      struct hk_tree *tree, struct hk_population_spec *spec)
{
  *tree = (struct hk_tree){.count = 0};
  if (model->kind != HK_MODEL_TREE)
    refuse_key(a, &section->section, "morphology", "only a model of dendritic trees, `iaf_tree`, has one");
  else if (!hk__section_has(&hk__population_schema, section, "morphology"))
    hk__wrong(a->reader, section->section.node,
              "population has no `morphology`, which a model of dendritic trees needs, such as "
              "`{cylinders: [{length: 20 um, diameter: 20 um}]}`");
  else
    hk__finish_morphology(a->reader, &section->morphology, tree);
  spec->tree = tree->count > 0 ? tree : NULL;
}

static void take_neurons(struct assembly *a, const struct hk_model *model, struct hk__population_section *section,
                         struct hk_population_spec *spec)
{
  refuse_key(a, &section->section, "file", "only a `spike_source` plays back a file");
  refuse_key(a, &section->section, "population", "only a `spike_source` plays back a file");
  if (!hk__node_get(section->section.node, "size"))
    hk__wrong(a->reader, section->section.node, "population has no `size`, which must be given");
  hk__finish_params(a->reader, model, section->size, &section->params.settings);
  hk__finish_init(a->reader, model, section->size, &section->init);
  spec->size = section->size;
  spec->params = section->params.settings.chosen;
  spec->param_count = section->params.settings.chosen_count;
  spec->init = section->init.chosen;
  spec->init_count = section->init.chosen_count;
}

static void add_population(struct assembly *a, size_t i)
{
  struct hk__population_section *section = (struct hk__population_section *)a->language->populations.items + i;
  const struct hk__node *key = a->language->populations.keys[i];
  struct hk_population_spec spec = {.name = key->text, .model = section->model};
  size_t before = a->reader->wrong;
  struct known *known = &a->known[a->known_count++];
  *known = (struct known){.name = key->text};
  if (section->section.node->kind != HK__MAPPING || !(known->model = find_model(a, section)))
    return;
  struct hk__source_trains trains = {0};
  struct hk_tree tree;
  take_tree(a, known->model, section, &tree, &spec);
  if (known->model->kind == HK_MODEL_TRAINS)
    take_source(a, section, &spec, &trains);
  else
    take_neurons(a, known->model, section, &spec);
  known->size = section->size;
  if (!section->file)
    hk__give(&hk__population_schema, &section->section, "params");
  if (section->init.chosen_count > 0)
    hk__give(&hk__population_schema, &section->section, "init");
  if (is_good(a, &section->section, before))
    known->added =
        note_status(a, hk_network_add_population(a->network, &spec, &known->index, &key->place, a->reader->messages));
  if (known->added)
    known->model = hk_network_model(a->network, known->index);
  else if (known->model->kind == HK_MODEL_TREE)
    known->model = NULL; /* its ports and states are not known */
  hk__source_trains_clear(&trains);
  hk_tree_clear(&tree);
}

/* --- projections --- */

/* The unit of weights for a port of a target, or for all of its ports; NULL, and said so, if there is none. */
static const char *weight_unit(struct assembly *a, const struct known *target, const char *port,
                               const struct hk__section *section, const struct hk__node *name)
{
  const struct hk_model *model = target->model;
  int index = port ? hk_model_port(model, port) : 0;
  if (model->port_count == 0)
    hk__wrong(a->reader, name, "target: `%s` is a source of spikes (`%s`) and receives none", target->name,
              model->name);
  else if (index >= 0)
    return model->ports[index].unit;
  else {
    struct hk__suggestion suggestion;
    char ports[256] = "";
    hk__suggest_begin(&suggestion, port);
    for (size_t i = 0, length = 0; i < model->port_count; i++) {
      hk__suggest_offer(&suggestion, model->ports[i].name);
      if (length < sizeof ports)
        length +=
            (size_t)snprintf(ports + length, sizeof ports - length, "%s`%s`", i > 0 ? ", " : "", model->ports[i].name);
    }
    hk__wrong(a->reader, hk__section_node(section, "port"),
              "port: the model `%s` has no port `%.60s`, %s was expected%s", model->name, port, ports,
              hk__suggest_clause(&suggestion));
  }
  return NULL;
}

/* Reads a weight in the unit that all its targets want. */
static bool take_weight(struct assembly *a, const struct hk__section *section, const struct known *const *targets,
                        const struct hk__names *names, const char *port, struct hk__late_value *weight)
{
  const char *unit = NULL;
  for (size_t i = 0; i < names->count; i++) {
    if (!targets[i] || !targets[i]->model)
      continue;
    const char *wanted = weight_unit(a, targets[i], port, section, names->items[i]);
    if (unit && wanted && strcmp(unit, wanted) != 0)
      hk__wrong(a->reader, names->items[i],
                "target: `%s` takes weights in %s and the targets before it in %s; write two", targets[i]->name, wanted,
                unit);
    unit = unit ? unit : wanted;
  }
  const struct hk__field field = {.key = "weight", .unit = unit, .low = -INFINITY, .high = INFINITY};
  return unit && hk__finish_value(a->reader, &field, weight);
}

static const struct known **find_populations(struct assembly *a, const char *key, const struct hk__names *names)
{
  const struct known **found = hk__reader_alloc(a->reader, names->count, sizeof *found);
  for (size_t i = 0; found && i < names->count; i++)
    found[i] = find_population(a, key, names->items[i]);
  return found;
}

static struct hk_rule network_rule(const struct hk__rule_section *rule)
{
  static const struct {
    const char *key;
    enum hk_rule_kind kind;
  } kinds[] = {{"one_to_one", HK_RULE_ONE_TO_ONE},
               {"all_to_all", HK_RULE_ALL_TO_ALL},
               {"fixed_indegree", HK_RULE_FIXED_INDEGREE},
               {"fixed_outdegree", HK_RULE_FIXED_OUTDEGREE},
               {"fixed_total_number", HK_RULE_FIXED_TOTAL_NUMBER},
               {"pairwise_bernoulli", HK_RULE_PAIRWISE_BERNOULLI},
               {"pairs", HK_RULE_PAIRS},
               {"file", HK_RULE_PAIRS}};
  struct hk_rule out = {.number = (double)(rule->fixed_indegree + rule->fixed_outdegree + rule->fixed_total_number) +
                                  rule->pairwise_bernoulli,
                        .allow_autapses = rule->allow_autapses,
                        .allow_multapses = rule->allow_multapses,
                        .sources = rule->pairs.sources,
                        .targets = rule->pairs.targets,
                        .pair_count = rule->pairs.count};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (hk__section_has(&hk__rule_schema, rule, kinds[i].key))
      out.kind = kinds[i].kind;
  return out;
}

/* The edges of a file; what the config gives for weight and delay replaces what the file holds. */
static bool take_edges(struct assembly *a, const struct hk__projection_section *section, const struct known *source,
                       const struct known *target, struct hk_projection_spec *spec, struct hk__edges *edges)
{
  const struct hk__node *node = hk__section_node(&section->rule.section, "file");
  if (!check_file(a, section->rule.file, node) ||
      !note_status(a, hk__edges_read(section->rule.file, section->rule.population, source->size, target->size, edges,
                                     &node->place, a->reader->messages)))
    return false;
  spec->rule.sources = edges->sources;
  spec->rule.targets = edges->targets;
  spec->rule.pair_count = edges->count;
  if (!section->weight.node && edges->weights)
    spec->weight = hk_value_list(edges->weights, edges->count);
  else if (!section->weight.node)
    hk__wrong(a->reader, node, "the edges file holds no weights; give a `weight`");
  bool has_delay = hk__section_has(&hk__projection_schema, section, "delay");
  if (!has_delay && edges->delays)
    spec->delay = hk_value_list(edges->delays, edges->count);
  else if (!has_delay)
    hk__wrong(a->reader, node, "the edges file holds no delays; give a `delay`");
  return true;
}

static void add_pair(struct assembly *a, const struct hk__projection_section *section, const struct known *source,
                     const struct known *target)
{
  size_t before = a->reader->wrong;
  struct hk__edges edges = {0};
  struct hk_projection_spec spec = {.source = source->index,
                                    .target = target->index,
                                    .rule = network_rule(&section->rule),
                                    .weight = section->weight.value,
                                    .delay = section->delay,
                                    .port = section->port};
  if (section->rule.file)
    take_edges(a, section, source, target, &spec, &edges);
  if (a->reader->wrong == before && a->reader->status == HK_OK)
    note_status(a, hk_network_add_projection(a->network, &spec, NULL,
                                             &hk__section_node(&section->section, "rule")->place, a->reader->messages));
  hk__edges_clear(&edges);
}

static void add_projection(struct assembly *a, struct hk__projection_section *section)
{
  size_t before = a->reader->wrong;
  const struct known **sources = find_populations(a, "source", &section->source);
  const struct known **targets = find_populations(a, "target", &section->target);
  if (!sources || !targets || section->section.node->kind != HK__MAPPING)
    return;
  for (size_t i = 0; i < 2 && !section->rule.file; i++)
    if (!hk__node_get(section->section.node, i == 0 ? "weight" : "delay"))
      hk__wrong(a->reader, section->section.node, "projection has no `%s`, which must be given",
                i == 0 ? "weight" : "delay");
  if (section->weight.node)
    take_weight(a, &section->section, targets, &section->target, section->port, &section->weight);
  else if (section->rule.file)
    for (size_t i = 0; i < section->target.count; i++)
      if (targets[i] && targets[i]->model)
        weight_unit(a, targets[i], section->port, &section->section, section->target.items[i]);
  if (!is_good(a, &section->section, before))
    return;
  for (size_t i = 0; i < section->source.count; i++)
    for (size_t k = 0; k < section->target.count; k++)
      if (sources[i]->added && targets[k]->added)
        add_pair(a, section, sources[i], targets[k]);
}

/* --- inputs --- */

static void take_current(const struct hk__current_section *current, struct hk_input_spec *spec)
{
  if (hk__section_has(&hk__current_schema, current, "dc")) {
    spec->kind = HK_INPUT_DC;
    spec->amplitude = current->dc;
  } else if (hk__section_has(&hk__current_schema, current, "steps")) {
    spec->kind = HK_INPUT_STEPS;
    spec->times = current->steps.times;
    spec->amplitudes = current->steps.amplitudes;
    spec->step_count = current->steps.count;
  } else if (hk__section_has(&hk__current_schema, current, "sine")) {
    spec->kind = HK_INPUT_SINE;
    spec->amplitude = current->sine.amplitude;
    spec->offset = current->sine.offset;
    spec->frequency = current->sine.frequency;
    spec->phase = current->sine.phase;
  } else {
    spec->kind = HK_INPUT_NOISE;
    spec->mean = current->noise.mean;
    spec->std = current->noise.std;
    spec->tau = current->noise.tau;
    spec->dt = current->noise.dt;
  }
}

static void add_input_to(struct assembly *a, const struct hk__input_section *section, const struct known *target,
                         struct hk__selection *neurons)
{
  size_t before = a->reader->wrong;
  if (target->size == 0 || !hk__finish_selection(a->reader, "neurons", target->size, neurons) || !target->added)
    return;
  struct hk_input_spec spec = {.kind = HK_INPUT_POISSON,
                               .target = target->index,
                               .neurons = neurons->neurons,
                               .neuron_count = neurons->count,
                               .from = section->from,
                               .to = section->to,
                               .rate = section->poisson.rate,
                               .weight = section->weight.value,
                               .port = section->port};
  if (!hk__section_has(&hk__input_schema, section, "poisson"))
    take_current(&section->current, &spec);
  if (is_good(a, &section->section, before))
    note_status(a, hk_network_add_input(a->network, &spec, NULL, &section->section.node->place, a->reader->messages));
}

static void add_input(struct assembly *a, struct hk__input_section *section)
{
  size_t before = a->reader->wrong;
  const struct known **targets = find_populations(a, "target", &section->target);
  if (!targets || section->section.node->kind != HK__MAPPING)
    return;
  if (hk__section_has(&hk__input_schema, section, "current")) {
    refuse_key(a, &section->section, "weight", "a current has none, only poisson inputs do");
    refuse_key(a, &section->section, "port", "a current has none, only poisson inputs do");
  } else if (!section->weight.node) {
    hk__wrong(a->reader, section->section.node, "poisson input has no `weight`, which must be given");
  } else {
    take_weight(a, &section->section, targets, &section->target, section->port, &section->weight);
  }
  if (section->to <= section->from)
    hk__wrong(a->reader, hk__section_node(&section->section, "to"), "to: must be after `from`");
  struct hk__selection neurons = section->neurons;
  bool good = is_good(a, &section->section, before);
  for (size_t i = 0; i < section->target.count; i++) {
    neurons = section->neurons;
    if (targets[i] && good)
      add_input_to(a, section, targets[i], &neurons);
    else if (targets[i] && targets[i]->size > 0)
      hk__finish_selection(a->reader, "neurons", targets[i]->size, &neurons);
  }
  section->neurons = neurons;
}

/* --- what is recorded --- */

static void make_names(struct assembly *a, const char *const *texts, size_t count, struct hk__names *names)
{
  const struct hk__node **items = hk__reader_alloc(a->reader, count, sizeof *items);
  for (size_t i = 0; items && i < count; i++)
    if (!(items[i] = hk__write_text(a->reader->arena, texts[i])))
      a->reader->status = HK_ERR_MEMORY;
  *names = (struct hk__names){.items = items, .count = items ? count : 0, .listed = true};
}

/* `all` stands for every population, sources too; without a list it is every one but the sources. */
static void record_spikes(struct assembly *a, struct hk__names *spikes)
{
  bool all = spikes->node && !spikes->listed && spikes->count == 1 && strcmp(spikes->items[0]->text, "all") == 0;
  bool *recorded = hk__reader_alloc(a->reader, a->known_count, sizeof *recorded);
  const char **names = hk__reader_alloc(a->reader, a->known_count, sizeof *names);
  if (!recorded || !names)
    return;
  for (size_t i = 0; i < a->known_count; i++)
    recorded[i] =
        all || (!spikes->node && a->known[i].added && hk_network_records_spikes(a->network, a->known[i].index));
  for (size_t i = 0; i < spikes->count && !all; i++) {
    const struct known *known = find_population(a, "spikes", spikes->items[i]);
    if (known)
      recorded[known - a->known] = true;
  }
  size_t count = 0;
  for (size_t i = 0; i < a->known_count; i++) {
    if (recorded[i])
      names[count++] = a->known[i].name;
    if (a->known[i].added)
      note_status(a, hk_network_record_spikes(a->network, a->known[i].index, recorded[i]));
  }
  make_names(a, names, count, spikes);
}

/* The states to record; the first one where the config names none. */
static const char **take_variables(struct assembly *a, const struct hk_model *model, struct hk__names *variables)
{
  if (!variables->node && model->state_count > 0)
    make_names(a, &model->states[0].name, 1, variables);
  const char **names = hk__reader_alloc(a->reader, variables->count, sizeof *names);
  for (size_t i = 0; names && i < variables->count; i++) {
    const struct hk__node *item = variables->items[i];
    names[i] = item->text;
    if (hk_model_state(model, item->text) >= 0)
      continue;
    char shown[HK__SHOWN];
    struct hk__suggestion suggestion;
    hk__suggest_begin(&suggestion, item->text);
    for (size_t k = 0; k < model->state_count; k++)
      hk__suggest_offer(&suggestion, model->states[k].name);
    hk__wrong(a->reader, item, "variables: the model `%s` has no state %s%s", model->name,
              hk__node_shown(item, shown, sizeof shown), hk__suggest_clause(&suggestion));
  }
  return names;
}

static const uint32_t *trace_neurons(struct assembly *a, const struct hk__selection *selection, uint64_t size,
                                     size_t *count)
{
  *count = selection->neurons ? selection->count : (size_t)size;
  if (selection->neurons)
    return selection->neurons;
  uint32_t *neurons = hk__reader_alloc(a->reader, size, sizeof *neurons);
  for (size_t i = 0; neurons && i < size; i++)
    neurons[i] = (uint32_t)i;
  return neurons;
}

static void add_trace(struct assembly *a, struct hk__trace_section *section)
{
  size_t before = a->reader->wrong;
  if (!section->population)
    return;
  const struct known *known = find_population(a, "population", hk__section_node(&section->section, "population"));
  if (!known || !known->model)
    return;
  section->name = section->name ? section->name : known->name;
  if (section->name[0] == '.' || strcmp(section->name, "spikes") == 0)
    hk__wrong(a->reader, hk__section_node(&section->section, "name"),
              "name: a file of the results cannot be named `%.60s`, another name was expected", section->name);
  if (known->model->state_count == 0) {
    hk__wrong(a->reader, hk__section_node(&section->section, "population"),
              "population: `%s` is a source of spikes, it has no states to record", known->name);
    return;
  }
  const char **variables = take_variables(a, known->model, &section->variables);
  if (known->size == 0 || !hk__finish_selection(a->reader, "neurons", known->size, &section->neurons) ||
      !is_good(a, &section->section, before) || !known->added)
    return;
  struct hk_trace_spec spec = {.name = section->name,
                               .population = known->index,
                               .variables = variables,
                               .variable_count = section->variables.count,
                               .interval = section->interval};
  spec.neurons = trace_neurons(a, &section->neurons, known->size, &spec.neuron_count);
  if (a->reader->status == HK_OK)
    note_status(a, hk_network_add_trace(a->network, &spec, NULL, &section->section.node->place, a->reader->messages));
}

void hk__config_assemble(struct hk__reader *reader, struct hk__language *language, struct hk_network *network)
{
  struct assembly a = {.reader = reader, .language = language, .network = network};
  a.known = hk__reader_alloc(reader, language->populations.count, sizeof *a.known);
  for (size_t i = 0; a.known && i < language->populations.count; i++)
    add_population(&a, i);
  for (size_t i = 0; i < language->projections.count && reader->status == HK_OK; i++)
    add_projection(&a, (struct hk__projection_section *)language->projections.items + i);
  for (size_t i = 0; i < language->inputs.count && reader->status == HK_OK; i++)
    add_input(&a, (struct hk__input_section *)language->inputs.items + i);
  if (reader->status == HK_OK)
    record_spikes(&a, &language->record.spikes);
  for (size_t i = 0; i < language->record.traces.count && reader->status == HK_OK; i++)
    add_trace(&a, (struct hk__trace_section *)language->record.traces.items + i);
  hk__give(&hk__language_schema, &language->section, "record");
}
