/* What a bundle's source looks like to its harness: y = x - 1 on 2x3 pixels of 2 channels, x with a border of one pixel. */
#include "tiny.h"

#include <string.h>

#ifndef TINY_ON_LAYER
#define TINY_ON_LAYER(step, name) ((void)0)
#endif

static void tiny_0_load(const int8_t *x, int8_t *y)
{
  for (int h = 0; h < 2; h++) memcpy(y + 10 * h, x + 6 * h, 6);
}

static void tiny_1_decrement(const int8_t *x, int8_t *y)
{
  for (int h = 0; h < 2; h++) {
    for (int i = 0; i < 6; i++) y[6 * h + i] = (int8_t)(x[10 * h + i] - 1);
  }
#if defined(BUG_VALUE)
  y[7] = (int8_t)(y[7] + (y[7] == 41)); /* wrong for one value only */
#elif defined(BUG_OUTSIDE)
  y[12] = 1;
#elif defined(BUG_UNDERRUN)
  y[-97] = 1;
#elif defined(BUG_OVERREAD)
  y[0] = (int8_t)(y[0] + 0 * ((volatile int8_t *)y)[32]);
#endif
}

static void tiny_2_store(const int8_t *x, int8_t *y) { memcpy(y, x, 12); }

int tiny_run(const int8_t *restrict input, int8_t *restrict output, void *restrict arena)
{
  int8_t *a = arena;
#if !defined(BUG_STALE)
  memset(a, 0, 40);
#endif
  tiny_0_load(input, a + 12);
  TINY_ON_LAYER(0, "load x");
  tiny_1_decrement(a + 12, a + 96);
#if defined(BUG_STALE)
  a[96] = (int8_t)(a[96] + ((uint8_t)a[0] == 0xAA));
#endif
  TINY_ON_LAYER(1, "decrement");
  tiny_2_store(a + 96, output);
#if !defined(BUG_SILENT)
  TINY_ON_LAYER(2, "store y");
#endif
#if defined(BUG_RETURN)
  return -1;
#else
  return 0;
#endif
}
