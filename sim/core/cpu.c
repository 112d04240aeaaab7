/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Does this processor have what the library was built for? Built for the oldest processor of its kind, so that it can
 * answer anywhere. HK__CPU is the build's option `cpu`. */
#include <hillock/status.h>

#include <string.h>

const char *hk_cpu_lacks(void)
{
#if defined(__x86_64__)
  if (strcmp(HK__CPU, "x86-64-v3") == 0) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2"))
      return "AVX2";
    if (!__builtin_cpu_supports("fma"))
      return "FMA";
    if (!__builtin_cpu_supports("bmi2"))
      return "BMI2";
  }
#endif
  return NULL;
}
