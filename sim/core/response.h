/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What superposition needs of a kernel over one window of length h.
 *
 * Inside a window a neuron that does not spike obeys z(h) = P z(0) + sum of w K(h - s), z the distance from the resting
 * state, over the events of weight w that arrive s after the window's start. K(u) = exp(A u) jump is kept as
 * polynomials in x = 2 u / h - 1, made from Chebyshev nodes, to rounding error.
 *
 * While nothing arrives, y = sense . z lies below max(y(0), y(h)) + sum of |z_j(0)| bend[j], the excess of a function
 * over its chord being at most h^2 / 8 times its largest downward curvature. An event adds at most max(w hi, w lo). The
 * sum of both bounds y inside the window, whatever the order of the events. */
#ifndef HK__RESPONSE_H
#define HK__RESPONSE_H

#include <stdint.h>

#include "core/linear.h"

enum { HK__RESPONSE_DEGREE = 15 };

struct hk__port_response {
  uint8_t count;               /* states that an event changes */
  uint8_t lane[HK_STATES_MAX]; /* which */
  double hi, lo;               /* range of sense . K over the window */
  double *c;                   /* [count][HK__RESPONSE_DEGREE + 1]: polynomial of each */
};

/* Many neurons may have one each, so its arrays are no larger than they must be. */
struct hk__response {
  const struct hk__kernel *kernel;
  double h;
  unsigned degree;
  double *P;    /* [n][n] */
  double *bend; /* [n] */
  struct hk__port_response port[HK_PORTS_MAX];
};

/* The polynomial of the k-th state that an event changes. */
static inline const double *hk__response_polynomial(const struct hk__port_response *port, size_t k)
{
  return port->c + k * (HK__RESPONSE_DEGREE + 1);
}

/* Its value at x. */
static inline double hk__response_at(const struct hk__response *response, const struct hk__port_response *port,
                                     size_t k, double x)
{
  const double *c = hk__response_polynomial(port, k);
  double v = c[response->degree];
  for (unsigned i = response->degree; i-- > 0;)
    v = fma(v, x, c[i]);
  return v;
}

/* Whether windows of length h suit a kernel: it is stable, clamped states do not act on the others, and h is within
 * the reach of a polynomial. */
bool hk__response_suits(const struct hk__kernel *kernel, double h);

/* How many doubles the arrays of a response take; they are given to hk__response_init. */
size_t hk__response_doubles(const struct hk_model *model);
void hk__response_init(struct hk__response *response, const struct hk__kernel *kernel, double h, double *memory);

/* The part of the bound that grows with h^2, bend[n], over a time h within the reach of the kernel. */
void hk__response_bend(const struct hk__kernel *kernel, double h, double *bend);

/* 0 if one response serves both kernels: they differ at most in what they rest at, their threshold and refractoriness.
 * Else an order. */
int hk__kernel_compare(const struct hk__kernel *a, const struct hk__kernel *b);

#endif
