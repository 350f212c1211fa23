/* Two networks read the same digit, 28 x 28 bytes on standard input, in one arena: they do not run at the same time. */
#include <stdio.h>

#include "digits.h"
#include "digits_a2q.h"

#define LARGER(a, b) ((a) > (b) ? (a) : (b))

static _Alignas(16) unsigned char arena[LARGER(DIGITS_ARENA_SIZE, DIGITS_A2Q_ARENA_SIZE)];

static int best(const int8_t *scores, int count)
{
  int found = 0;
  for (int i = 1; i < count; i++) {
    if (scores[i] > scores[found]) {
      found = i;
    }
  }
  return found;
}

int main(void)
{
  static uint8_t pixels[DIGITS_INPUT_SIZE];
  static int8_t first_input[DIGITS_INPUT_SIZE], second_input[DIGITS_A2Q_INPUT_SIZE];
  static int8_t first[DIGITS_OUTPUT_SIZE], second[DIGITS_A2Q_OUTPUT_SIZE];

  if (fread(pixels, 1, sizeof pixels, stdin) != sizeof pixels) {
    return 2;
  }
  digits_quantize_u8(pixels, first_input);
  digits_a2q_quantize_u8(pixels, second_input);
  if (digits_run(first_input, first, arena) != DIGITS_OK || digits_a2q_run(second_input, second, arena) != DIGITS_A2Q_OK) {
    return 1;
  }
  printf("%s %s\n", digits_labels[best(first, DIGITS_LABELS)], digits_a2q_labels[best(second, DIGITS_A2Q_LABELS)]);
  return 0;
}
