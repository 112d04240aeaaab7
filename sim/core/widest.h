/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Some files are compiled twice: for the processor that the library is built for and, with HK__WIDEST defined, for
 * those with wider vectors. The functions of the second kind end in _widest (HK__VARIANT in lanes.h) and give the same
 * bits. */
#ifndef HK__WIDEST_H
#define HK__WIDEST_H

#include <stdbool.h>

/* Whether they were compiled and this processor can run them. */
bool hk__has_widest(void);

/* For tests: false leaves them unused in what is created from now on. */
extern bool hk__widest_vectors;

/* The function of the better kind. */
#ifdef HK__HAS_WIDEST
#define HK__BEST(name) (hk__has_widest() ? name##_widest : name)
#else
#define HK__BEST(name) (name)
#endif

#endif
