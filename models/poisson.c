/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <hillock/model.h>

#include <math.h>

static const struct hk_param params[] = {
    {"rate", "Hz", 0.0, 0.0, INFINITY, false, "mean number of spikes per second"},
};

const struct hk_model hk_model_poisson = {
    .name = "poisson",
    .summary = "source of Poisson spike trains, one of its own for every neuron",
    .doc = "Intervals between spikes are independent and exponentially distributed with mean 1 / rate. All targets of\n"
           "one source neuron receive the same train; for a private train per target use an input of kind poisson.",
    .reference = "Cox, Miller (1965) The Theory of Stochastic Processes",
    .kind = HK_MODEL_POISSON,
    .params = params,
    .param_count = sizeof params / sizeof *params,
};
