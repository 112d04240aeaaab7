/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a network's description to a struct hk__built: synapses, values, kernels, inputs and traces, all drawn and
 * checked. */
#ifndef HK__ASSEMBLE_H
#define HK__ASSEMBLE_H

#include <hillock/network.h>
#include <hillock/simulation.h>

#include "core/built.h"

/* Errors: HK_ERR_MEMORY; HK_ERR_INPUT, told in messages. On an error *out is untouched. */
enum hk_status hk__assemble(const struct hk_network *network, const struct hk_options *options, struct hk__built **out,
                            struct hk_messages *messages);
void hk__built_destroy(struct hk__built *built); /* NULL is fine */

#endif
