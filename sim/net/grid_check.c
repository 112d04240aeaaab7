/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a network and a scheduler go with time on a grid. */
#include <math.h>

#include "net/network.h"

static void check_models(const struct hk_network *network, struct hk__faults *faults)
{
  for (size_t p = 0; p < hk_network_population_count(network); p++) {
    const struct hk_model *model = hk_network_model(network, p);
    faults->place = hk__network_population_place(network, p);
    if (model->kind == HK_MODEL_NONLINEAR)
      HK__FAULT(faults,
                "population `%s` is of model `%s`, whose dynamics are not linear: it runs in exact time only, and a "
                "time grid is for models such as `iaf_psc_exp`; take `time: exact`",
                hk_network_population(network, p)->name, model->name);
  }
}

static void check_traces(const struct hk_network *network, double grid, struct hk__faults *faults)
{
  for (size_t i = 0; i < hk_network_trace_count(network); i++) {
    const struct hk_trace_spec *trace = hk_network_trace(network, i);
    faults->place = hk__network_trace_place(network, i);
    double steps = trace->interval / grid, whole = fmax(1, round(steps));
    if (!(fabs(steps - whole) <= 1e-9 * whole))
      HK__FAULT(
          faults,
          "trace `%s`: its interval is %g ms, but on a time grid of %g ms it must be a multiple of that; %.10g ms "
          "would do",
          trace->name, trace->interval, grid, whole * grid);
  }
}

static void check_scheduler(const struct hk_options *options, struct hk__faults *faults)
{
  bool exact = options->scheduler == HK_SCHEDULER_QUEUE || options->scheduler == HK_SCHEDULER_WINDOWS;
  if (options->grid > 0 && exact)
    HK__FAULT(
        faults,
        "the scheduler `%s` is for exact time, but a time grid of %g ms was asked for; leave the scheduler `auto`, "
        "or take `time: exact`",
        options->scheduler == HK_SCHEDULER_QUEUE ? "queue" : "windows", options->grid);
  else if (options->grid == 0 && options->scheduler == HK_SCHEDULER_GRID)
    HK__FAULT(faults, "the scheduler `grid` needs a time grid, such as `time: {grid: 0.1 ms}`, but time is exact");
}

enum hk_status hk_options_check(const struct hk_network *network, const struct hk_options *options,
                                struct hk_messages *messages)
{
  struct hk__faults faults = {.messages = messages};
  if (!(options->grid >= 0 && isfinite(options->grid))) {
    HK__FAULT(&faults, "the time grid is %g ms; it must be a positive time, or 0 for exact time", options->grid);
    return HK_ERR_INPUT;
  }
  check_scheduler(options, &faults);
  if (options->grid > 0) {
    check_models(network, &faults);
    check_traces(network, options->grid, &faults);
  }
  return hk__faults_status(&faults);
}
