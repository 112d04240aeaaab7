/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef HK__PLAN_H
#define HK__PLAN_H

#include <hillock/network.h>
#include <hillock/simulation.h>

/* Prints on stdout what building and running a network would take, without building it: neurons, synapses, memory,
 * files and a rough time, for the rates at which neurons are likely to spike. */
enum hk_status print_plan(const struct hk_network *network, const struct hk_options *options, double duration);

#endif
