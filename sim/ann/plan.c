/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of a comparison's config. */
#include "ann/plan.h"

#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SCHEMA(name, text, owner, preset)                         \
  const struct hk__schema name = {.what = text,                   \
                                  .fields = owner##_fields,       \
                                  .count = COUNT(owner##_fields), \
                                  .size = sizeof(struct owner),   \
                                  .presets = preset}
#define MANY .high = 4294967295.0

/* --- data --- */

static const struct hk__field hk__table_section_fields[] = {
    HK__FIELD(hk__table_section, inputs, whole, .flags = HK__REQUIRED, .low = 1, .high = 64),
    HK__FIELD(hk__table_section, rows, node, .flags = HK__REQUIRED),
};
static SCHEMA(table_schema, "table", hk__table_section, NULL);

static const struct hk__field hk__idx_section_fields[] = {
    HK__FIELD(hk__idx_section, images, path, .flags = HK__REQUIRED),
    HK__FIELD(hk__idx_section, labels, path, .flags = HK__REQUIRED),
    HK__FIELD(hk__idx_section, test_images, path, .flags = HK__REQUIRED),
    HK__FIELD(hk__idx_section, test_labels, path, .flags = HK__REQUIRED),
};
static SCHEMA(idx_schema, "idx", hk__idx_section, NULL);

static const char *const label_columns[] = {"first", "last", NULL};
static const char *const scales[] = {"each", "together", NULL};

static const struct hk__field hk__csv_section_fields[] = {
    HK__FIELD(hk__csv_section, file, path, .flags = HK__REQUIRED),
    HK__FIELD(hk__csv_section, skip, whole, MANY),
    HK__FIELD(hk__csv_section, label, choice, .detail = label_columns),
    HK__FIELD(hk__csv_section, scale, choice, .detail = scales),
    HK__FIELD(hk__csv_section, test_every, whole, .low = 2, MANY),
};
static const struct hk__csv_section csv_presets = {.test_every = 5, .label = HK__LABEL_LAST};
static SCHEMA(csv_schema, "csv", hk__csv_section, &csv_presets);

static const char *const known[] = {"fashion_mnist", "digits", "iris", NULL};

static const struct hk__field hk__data_section_fields[] = {
    HK__FIELD(hk__data_section, table, section, .flags = HK__ONE_OF, .detail = &table_schema),
    HK__FIELD(hk__data_section, idx, section, .flags = HK__ONE_OF, .detail = &idx_schema),
    HK__FIELD(hk__data_section, csv, section, .flags = HK__ONE_OF, .detail = &csv_schema),
    HK__FIELD(hk__data_section, known, choice, .flags = HK__ONE_OF, .detail = known),
};
SCHEMA(hk__data_schema, "data", hk__data_section, NULL);

/* --- network --- */

/* in the order of enum hk__code_kind */
static const char *const codes[] = {"direct", "levels", "bands", NULL};

static const struct hk__field hk__encoding_section_fields[] = {
    HK__FIELD(hk__encoding_section, code, choice, .detail = codes),
    HK__FIELD(hk__encoding_section, thresholds, node, .flags = HK__IF_GIVEN),
    HK__FIELD(hk__encoding_section, quantiles, whole, .flags = HK__IF_GIVEN, .low = 1, .high = 255),
};
static const struct hk__encoding_section encoding_presets = {.code = HK__CODE_LEVELS};
SCHEMA(hk__encoding_schema, "encoding", hk__encoding_section, &encoding_presets);

static const struct hk__field hk__layer_section_fields[] = {
    HK__FIELD(hk__layer_section, weights, node, .flags = HK__REQUIRED),
    HK__FIELD(hk__layer_section, thresholds, node, .flags = HK__REQUIRED),
};
SCHEMA(hk__layer_schema, "layer", hk__layer_section, NULL);

static const struct hk__field hk__network_section_fields[] = {
    HK__FIELD(hk__network_section, encoding, section, .flags = HK__IF_GIVEN, .detail = &hk__encoding_schema),
    HK__FIELD(hk__network_section, hidden, node, .flags = HK__IF_GIVEN),
    HK__FIELD(hk__network_section, per_class, whole, .low = 1, .high = 65536),
    HK__FIELD(hk__network_section, layers, section_list, .flags = HK__IF_GIVEN, .detail = &hk__layer_schema),
    HK__FIELD(hk__network_section, weights, path, .flags = HK__IF_GIVEN),
};
static const struct hk__network_section network_presets = {.per_class = 1, .encoding = {.code = HK__CODE_LEVELS}};
SCHEMA(hk__network_schema, "network", hk__network_section, &network_presets);

/* in the order of enum hk__training_rule */
static const char *const rules[] = {"perceptron", "straight_through", NULL};

static const struct hk__field hk__training_section_fields[] = {
    HK__FIELD(hk__training_section, rule, choice, .flags = HK__REQUIRED, .detail = rules),
    HK__FIELD(hk__training_section, epochs, whole, .low = 1, MANY),
    HK__FIELD(hk__training_section, batch, whole, .low = 1, .high = 65536),
    HK__FIELD(hk__training_section, rate, quantity, .unit = "1", .high = 1e6, .open_low = true),
    HK__FIELD(hk__training_section, decay, quantity, .unit = "1", .high = 1e6),
    HK__FIELD(hk__training_section, validation, quantity, .unit = "1", .high = 0.9),
    HK__FIELD(hk__training_section, patience, whole, MANY),
    HK__FIELD(hk__training_section, shift, whole, .high = 1000),
    HK__FIELD(hk__training_section, mirror, flag, .flags = 0),
    HK__FIELD(hk__training_section, drop, quantity, .unit = "1", .high = 0.95),
    HK__FIELD(hk__training_section, drop_input, quantity, .unit = "1", .high = 0.95),
    HK__FIELD(hk__training_section, sparsity, quantity, .unit = "1", .high = 1000),
    HK__FIELD(hk__training_section, sharpness, quantity, .unit = "1", .high = 100, .open_low = true),
    HK__FIELD(hk__training_section, weight_bits, whole, .low = 2, .high = 24),
    HK__FIELD(hk__training_section, prune, quantity, .unit = "1", .high = 100),
};
static const struct hk__training_section training_presets = {
    .epochs = 30, .batch = 256, .rate = 0.001, .validation = 0.1, .patience = 10, .sharpness = 10, .weight_bits = 8};
SCHEMA(hk__training_schema, "training", hk__training_section, &training_presets);

struct hk__training hk__plan_training(const struct hk__plan *plan)
{
  const struct hk__training_section *t = &plan->training;
  return (struct hk__training){.rule = (enum hk__training_rule)t->rule,
                               .epochs = t->epochs,
                               .batch = t->batch,
                               .rate = t->rate,
                               .decay = t->decay,
                               .validation = t->validation,
                               .patience = t->patience,
                               .shift = t->shift,
                               .mirror = t->mirror,
                               .drop = t->drop,
                               .drop_input = t->drop_input,
                               .sparsity = t->sparsity,
                               .sharpness = t->sharpness,
                               .weight_bits = (unsigned)t->weight_bits,
                               .prune = t->prune,
                               .seed = plan->seed};
}

/* --- regimes --- */

/* in the order of enum hk__regime_kind */
static const char *const kinds[] = {"volley", "jitter", "latency", "rate", NULL};
static const char *const thresholds[] = {"own", "common", NULL};
static const char *const decisions[] = {"count", "first", NULL};
static const char *const schedulers[] = {"auto", "queue", "windows", NULL};

#define POSITIVE .high = 1e9, .open_low = true

static const struct hk__field hk__noise_trains_section_fields[] = {
    HK__FIELD(hk__noise_trains_section, rate, quantity, .flags = HK__REQUIRED, .unit = "Hz", .high = 1e9),
    HK__FIELD(hk__noise_trains_section, weight, node, .flags = HK__REQUIRED),
};
static SCHEMA(noise_schema, "noise", hk__noise_trains_section, NULL);

static const struct hk__field hk__regime_section_fields[] = {
    HK__FIELD(hk__regime_section, name, text, .flags = HK__IF_GIVEN),
    HK__FIELD(hk__regime_section, kind, choice, .flags = HK__REQUIRED, .detail = kinds),
    HK__FIELD(hk__regime_section, model, text, .flags = 0),
    HK__FIELD(hk__regime_section, params, node, .flags = HK__IF_GIVEN),
    HK__FIELD(hk__regime_section, morphology, section, .flags = HK__IF_GIVEN, .detail = &hk__morphology_schema),
    HK__FIELD(hk__regime_section, ports, names, .flags = HK__IF_GIVEN),
    HK__FIELD(hk__regime_section, thresholds, choice, .detail = thresholds),
    HK__FIELD(hk__regime_section, level, quantity, .flags = HK__IF_GIVEN, .unit = "1", POSITIVE),
    HK__FIELD(hk__regime_section, unit, node, .flags = HK__IF_GIVEN),
    HK__FIELD(hk__regime_section, margin, quantity, .unit = "1", .high = 0.999),
    HK__FIELD(hk__regime_section, gain, quantity, .flags = HK__IF_GIVEN, .unit = "1", POSITIVE),
    HK__FIELD(hk__regime_section, delay, node, .flags = HK__IF_GIVEN),
    HK__FIELD(hk__regime_section, period, quantity, .flags = HK__IF_GIVEN, .unit = "ms", POSITIVE),
    HK__FIELD(hk__regime_section, listen, quantity, .flags = HK__IF_GIVEN, .unit = "ms", POSITIVE),
    HK__FIELD(hk__regime_section, spread, quantity, .flags = HK__IF_GIVEN, .unit = "ms", .high = 1e9),
    HK__FIELD(hk__regime_section, window, quantity, .flags = HK__IF_GIVEN, .unit = "ms", POSITIVE),
    HK__FIELD(hk__regime_section, time, quantity, .flags = HK__IF_GIVEN, .unit = "ms", POSITIVE),
    HK__FIELD(hk__regime_section, rate, quantity, .flags = HK__IF_GIVEN, .unit = "Hz", POSITIVE),
    HK__FIELD(hk__regime_section, noise, section, .flags = HK__IF_GIVEN, .detail = &noise_schema),
    HK__FIELD(hk__regime_section, on, whole, .flags = HK__IF_GIVEN, .low = 1, .high = 255),
    HK__FIELD(hk__regime_section, decision, choice, .detail = decisions),
    HK__FIELD(hk__regime_section, scheduler, choice, .detail = schedulers),
    HK__FIELD(hk__regime_section, vary, node, .flags = HK__IF_GIVEN),
};
static const struct hk__regime_section regime_presets = {.model = "iaf_psc_delta"};
SCHEMA(hk__regime_schema, "regime", hk__regime_section, &regime_presets);

static const struct hk__field hk__microscope_section_fields[] = {
    HK__FIELD(hk__microscope_section, excitatory, whole, .low = 1, .high = 100000),
    HK__FIELD(hk__microscope_section, inhibitory, whole, .high = 100000),
    HK__FIELD(hk__microscope_section, threshold, quantity, .unit = "1", .high = 100000, .open_low = true),
    HK__FIELD(hk__microscope_section, copies, whole, .low = 1, .high = 100000),
    HK__FIELD(hk__microscope_section, repeats, whole, .low = 1, .high = 100000),
};
static const struct hk__microscope_section microscope_presets = {
    .excitatory = 80, .inhibitory = 40, .threshold = 20, .copies = 20, .repeats = 20};
SCHEMA(hk__microscope_schema, "microscope", hk__microscope_section, &microscope_presets);

/* --- the whole --- */

static const struct hk__field hk__plan_fields[] = {
    HK__FIELD(hk__plan, seed, whole, .high = 18446744073709551615.0),
    HK__FIELD(hk__plan, samples, whole, .flags = HK__IF_GIVEN, .low = 1, MANY),
    HK__FIELD(hk__plan, spikes, whole, MANY),
    HK__FIELD(hk__plan, data, section, .flags = HK__REQUIRED, .detail = &hk__data_schema),
    HK__FIELD(hk__plan, network, section, .flags = HK__REQUIRED, .detail = &hk__network_schema),
    HK__FIELD(hk__plan, training, section, .flags = HK__IF_GIVEN, .detail = &hk__training_schema),
    HK__FIELD(hk__plan, regimes, section_list, .flags = HK__REQUIRED, .detail = &hk__regime_schema),
    HK__FIELD(hk__plan, microscope, section, .flags = HK__IF_GIVEN, .detail = &hk__microscope_schema),
};
static const struct hk__plan plan_presets = {.seed = 1};
SCHEMA(hk__plan_schema, "the config of a comparison", hk__plan, &plan_presets);
