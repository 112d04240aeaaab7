/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef HK__PROBE_H
#define HK__PROBE_H

#include "ann/regime.h"

/* The peak of the potential's answer to one event at the first port, mV per unit of the port, to a part in a thousand
 * or better. fastest, slowest: the model's time constants, ms. */
enum hk_status hk__regime_probe(const struct hk__regime *regime, double fastest, double slowest, double *out,
                                struct hk_messages *messages);

#endif
