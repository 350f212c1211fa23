#ifndef TINY_H
#define TINY_H
#include <stdint.h>
int tiny_run(const int8_t *restrict input, int8_t *restrict output, void *restrict arena);
#endif
