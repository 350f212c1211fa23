#include "digits.h"

int main(void) { return digits_run(0, 0, 0) == DIGITS_E_NULL ? 0 : 1; }
