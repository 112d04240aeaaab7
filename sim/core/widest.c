/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/widest.h"

bool hk__widest_vectors = true;

bool hk__has_widest(void)
{
#ifdef HK__HAS_WIDEST
  return hk__widest_vectors && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd");
#else
  return false;
#endif
}
