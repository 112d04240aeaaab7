/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

const struct hk_model hk_model_spike_source = {
    .name = "spike_source",
    .summary = "source that plays back given spike times, from the config or a SONATA spikes file",
    .doc = "Every neuron of the population emits spikes at the times given for it: `params: {times: [...]}` for a\n"
           "population of size 1, a list of lists for a larger one, or `file: spikes.h5`.",
    .reference = "NEST's spike_generator; SONATA spikes files",
    .kind = HK_MODEL_TRAINS,
};
