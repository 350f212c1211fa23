/*
 * Test harness of digits.
 *
 *   digits_harness VECTORS           runs every vector of the file and compares every byte of every step
 *   digits_harness --repeat N        runs the network N times, for counting instructions
 *   digits_harness --repeat-step I N runs step I alone, N times
 *
 * Build it together with the weights, not with src/digits.c, which it includes to reach the steps:
 *   cc -std=c11 -Iinclude test/digits_harness.c src/digits_weights.*
 *
 * Prints the first mismatch, then `vectors N bytes B mismatches M`. Exit code: 0 equal, 1 not equal, 2 wrong usage or a
 * file that does not fit. Each buffer ends at a page that cannot be touched (Linux; elsewhere, and before each buffer,
 * guard bytes that must stay as they are), and the arena starts out dirty, so that no result can depend on what was in it.
 *
 * The file, little endian: "NNVECTOR", u32 version, u32 fingerprint of the steps; records of u32 kind, u32 step,
 * u32 length and data; last a record of kind 0xFFFFFFFF, whose step is the number of records and whose data is the CRC-32
 * of all before it. Data: dense tensors, row-major, channels last. Kind 0: the network's inputs, the output of each step, the
 * network's outputs. Kind 1: the same with the CRC-32 of each step's output in its place. Kind 2: inputs and output of one step.
 */
#if defined(__linux__) && __STDC_HOSTED__
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#endif
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No name of this file has an underscore, and every name of the model has: whatever its name, they cannot clash. */
static void onStep(int step);
#define DIGITS_ON_LAYER(step, name) onStep(step)
#include "../src/digits.c"

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif
#ifdef ASAN
#include <sanitizer/asan_interface.h>
#endif

#define PAGE ((size_t)4096)
#define GUARD 0x5A

/* Where a tensor lies: H x W x C, its interior's first byte at `offset`, with a border of `zeroPoint` around it. */
struct view {
  size_t offset, height, width, channels, rowStride, pixelStride;
  size_t top, left, bottom, right;
  int8_t zeroPoint;
};

enum { toArena = -1 };

struct step {
  const char *name;
  size_t inputCount;
  const struct view *inputs;
  struct view output;
  /* toArena, or the number of the network's output that the step writes */
  int destination;
  /* it reads and writes the arena only, so that it can run by itself */
  int alone;
  /* memory of its own in the arena, which it may leave as it likes */
  size_t scratchOffset, scratchBytes;
};

static const struct view inputs1[] = {
    {12575, 28, 28, 1, 30, 1, 1, 1, 1, 1, -64},
};
static const struct view inputs2[] = {
    {0, 28, 28, 16, 448, 16, 0, 0, 0, 0, -64},
};
static const struct view inputs3[] = {
    {12816, 14, 14, 16, 256, 16, 1, 1, 1, 1, -64},
};
static const struct view inputs4[] = {
    {0, 14, 14, 32, 448, 32, 0, 0, 0, 0, -64},
};
static const struct view inputs5[] = {
    {6272, 7, 7, 32, 224, 32, 0, 0, 0, 0, -64},
};
static const struct view inputs6[] = {
    {0, 1, 1, 800, 800, 800, 0, 0, 0, 0, -32},
};

static const struct step steps[] = {
    { "load input", 0, NULL,
     {12575, 28, 28, 1, 30, 1, 1, 1, 1, 1, -64}, toArena, 0, 0, 0 },
    { "/0/Conv", 1, inputs1,
     {0, 28, 28, 16, 448, 16, 0, 0, 0, 0, -64}, toArena, 1, 0, 0 },
    { "/3/MaxPool", 1, inputs2,
     {12816, 14, 14, 16, 256, 16, 1, 1, 1, 1, -64}, toArena, 1, 0, 0 },
    { "/4/Conv", 1, inputs3,
     {0, 14, 14, 32, 448, 32, 0, 0, 0, 0, -64}, toArena, 1, 0, 0 },
    { "/7/MaxPool", 1, inputs4,
     {6272, 7, 7, 32, 224, 32, 0, 0, 0, 0, -64}, toArena, 1, 0, 0 },
    { "/8/Conv", 1, inputs5,
     {0, 5, 5, 32, 160, 32, 0, 0, 0, 0, -32}, toArena, 1, 0, 0 },
    { "/12/Gemm", 1, inputs6,
     {800, 1, 1, 10, 10, 10, 0, 0, 0, 0, 8}, toArena, 1, 0, 0 },
    { "store logits", 0, NULL,
     {0, 1, 1, 10, 10, 10, 0, 0, 0, 0, 8}, 0, 0, 0, 0 },
};
enum { STEPS = 8, INPUTS = 1, OUTPUTS = 1 };

/* Memory of its own with PAGE bytes before and after; the buffer ends where the last page begins. */
struct buffer {
  unsigned char *memory;
  size_t bytes, room;
  unsigned char *start;
  int sealed;
};

static _Alignas(4096) unsigned char arenaMemory[28672];
static _Alignas(4096) unsigned char input0Memory[12288];
static _Alignas(4096) unsigned char output0Memory[12288];
static struct buffer arena = {arenaMemory, 16656, 28672, NULL, 0};
static struct buffer inputs[] = {
    { input0Memory, 784, 12288, NULL, 0 },
};
static struct buffer outputs[] = {
    { output0Memory, 10, 12288, NULL, 0 },
};

static unsigned char beforeStep[16656];
static unsigned char payload[25918];

static const char *vectorsPath = "";
static uint32_t vectorNumber;
static uint64_t bytesCompared, mismatches;

static int runProgram(void) { return digits_run((const int8_t *)inputs[0].start, (int8_t *)outputs[0].start, arena.start); }

static void runStep(int step) {
  switch (step) {
    case 0: digits_0_load_input((const int8_t *)inputs[0].start, (int8_t *)arena.start + 12575); break;
    case 1: digits_1_0_Conv((const int8_t *)arena.start + 12575, (int8_t *)arena.start + 0); break;
    case 2: digits_2_3_MaxPool((const int8_t *)arena.start + 0, (int8_t *)arena.start + 12816); break;
    case 3: digits_3_4_Conv((const int8_t *)arena.start + 12816, (int8_t *)arena.start + 0); break;
    case 4: digits_4_7_MaxPool((const int8_t *)arena.start + 0, (int8_t *)arena.start + 6272); break;
    case 5: digits_5_8_Conv((const int8_t *)arena.start + 6272, (int8_t *)arena.start + 0); break;
    case 6: digits_6_12_Gemm((const int8_t *)arena.start + 0, (int8_t *)arena.start + 800); break;
    case 7: digits_7_store_logits((const int8_t *)arena.start + 800, (int8_t *)outputs[0].start); break;
    default: break;
  }
}

/* ---- memory ---- */

static void seal(struct buffer *buffer) {
  unsigned char *end = buffer->memory + buffer->room - PAGE;
  buffer->start = end - buffer->bytes;
  memset(buffer->memory, GUARD, (size_t)(buffer->start - buffer->memory));
  memset(end, GUARD, PAGE);
#if defined(ASAN)
  __asan_poison_memory_region(buffer->memory, (size_t)(buffer->start - buffer->memory));
  __asan_poison_memory_region(end, PAGE);
  buffer->sealed = 1;
#elif defined(__linux__) && __STDC_HOSTED__
  buffer->sealed = mprotect(end, PAGE, PROT_NONE) == 0; /* fails where pages are larger; then the bytes are checked */
#endif
}

static void checkGuard(const struct buffer *buffer, const char *name) {
#ifdef ASAN
  (void)buffer;
  (void)name;
#else
  size_t touched = 0;
  for (const unsigned char *byte = buffer->memory; byte < buffer->start; byte++) touched += *byte != GUARD;
  const unsigned char *end = buffer->start + buffer->bytes;
  for (size_t i = 0; !buffer->sealed && i < PAGE; i++) touched += end[i] != GUARD;
  if (touched == 0) return;
  if (mismatches == 0) printf("mismatch vector %" PRIu32 " %zu bytes outside the %s were written\n", vectorNumber, touched, name);
  mismatches += touched;
#endif
}

static void checkGuards(void) {
  checkGuard(&arena, "arena");
  for (int i = 0; i < INPUTS; i++) checkGuard(&inputs[i], "input");
  for (int i = 0; i < OUTPUTS; i++) checkGuard(&outputs[i], "output");
}

/* ---- comparing ---- */

static uint32_t crc32(uint32_t crc, const unsigned char *bytes, size_t count) {
  static uint32_t table[256];
  if (table[1] == 0) {
    for (uint32_t byte = 0; byte < 256; byte++) {
      uint32_t value = byte;
      for (int bit = 0; bit < 8; bit++) value = (value & 1) != 0 ? (value >> 1) ^ UINT32_C(0xEDB88320) : value >> 1;
      table[byte] = value;
    }
  }
  crc = ~crc;
  for (size_t i = 0; i < count; i++) crc = table[(crc ^ bytes[i]) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

static size_t sizeOfView(const struct view *view) { return view->height * view->width * view->channels; }

static unsigned char *pixelAt(unsigned char *base, const struct view *view, size_t h, size_t w) {
  return base + view->offset + h * view->rowStride + w * view->pixelStride;
}

static void report(int step, size_t index, int expected, int actual) {
  if (mismatches++ != 0) return;
  printf("mismatch vector %" PRIu32 " layer \"%s\" (step %d) index %zu expected %d actual %d\n", vectorNumber,
         steps[step].name, step, index, expected, actual);
}

static void compare(int step, unsigned char *base, const unsigned char *expected) {
  const struct view *view = &steps[step].output;
  size_t index = 0;
  for (size_t h = 0; h < view->height; h++) {
    for (size_t w = 0; w < view->width; w++, index += view->channels) {
      const unsigned char *pixel = pixelAt(base, view, h, w);
      if (memcmp(pixel, expected + index, view->channels) == 0) continue;
      for (size_t c = 0; c < view->channels; c++) {
        if (pixel[c] != expected[index + c]) report(step, index + c, (int8_t)expected[index + c], (int8_t)pixel[c]);
      }
    }
  }
  bytesCompared += index;
}

static void compareChecksum(int step, unsigned char *base, uint32_t expected) {
  const struct view *view = &steps[step].output;
  uint32_t actual = 0;
  for (size_t h = 0; h < view->height; h++) {
    for (size_t w = 0; w < view->width; w++) actual = crc32(actual, pixelAt(base, view, h, w), view->channels);
  }
  bytesCompared += sizeOfView(view);
  if (actual == expected || mismatches++ != 0) return;
  printf("mismatch vector %" PRIu32 " layer \"%s\" (step %d) checksum expected %08" PRIx32 " actual %08" PRIx32 "\n",
         vectorNumber, steps[step].name, step, expected, actual);
}

/* ---- the whole network, through its public interface ---- */

static uint32_t wordAt(const unsigned char *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

enum { withoutSteps = -1, everyByte = 0, checksums = 1, oneStep = 2 };
static int watching = withoutSteps;
static const unsigned char *nextExpected;
static int stepsSeen;

static unsigned char *destinationOf(int step) {
  int output = steps[step].destination;
  return output == toArena ? arena.start : outputs[output].start;
}

/* Called by the generated code after each of its steps. */
static void onStep(int step) {
  if (watching == withoutSteps) return;
  stepsSeen++;
  if (watching == checksums) {
    compareChecksum(step, destinationOf(step), wordAt(nextExpected));
    nextExpected += 4;
  } else {
    compare(step, destinationOf(step), nextExpected);
    nextExpected += sizeOfView(&steps[step].output);
  }
}

static void fail(const char *message) {
  fprintf(stderr, "%s: %s\n", vectorsPath, message);
  exit(2);
}

static void runNetwork(int kind) {
  const unsigned char *at = payload;
  for (int i = 0; i < INPUTS; i++) {
    memcpy(inputs[i].start, at, inputs[i].bytes);
    at += inputs[i].bytes;
  }
  for (int i = 0; i < OUTPUTS; i++) memset(outputs[i].start, 0x55, outputs[i].bytes);
  watching = kind;
  nextExpected = at;
  stepsSeen = 0;
  int status = runProgram();
  watching = withoutSteps;
  if (status != 0) {
    if (mismatches++ == 0) printf("mismatch vector %" PRIu32 " digits_run returned %d\n", vectorNumber, status);
    return;
  }
  if (stepsSeen != STEPS) fail("the program did not announce all of its steps");
  for (int i = 0; i < OUTPUTS; i++) {
    if (memcmp(outputs[i].start, nextExpected, outputs[i].bytes) != 0 && mismatches++ == 0) {
      printf("mismatch vector %" PRIu32 " output %d differs from what the last step stored\n", vectorNumber, i);
    }
    nextExpected += outputs[i].bytes;
  }
  checkGuards();
}

/* On two kinds of dirt, and on what the vector before left. */
static void testNetwork(int kind) {
  if (vectorNumber % 3 < 2) memset(arena.start, vectorNumber % 3 == 0 ? 0xAA : 0x55, arena.bytes);
  runNetwork(kind);
}

/* ---- one step ---- */

/* Fills the border around a tensor with its zero point. */
static void fillFrame(unsigned char *base, const struct view *view) {
  size_t height = view->top + view->height + view->bottom;
  size_t width = view->left + view->width + view->right;
  unsigned char *corner = base + view->offset - view->top * view->rowStride - view->left * view->pixelStride;
  for (size_t h = 0; h < height; h++) {
    int inside = h >= view->top && h < view->top + view->height;
    for (size_t w = 0; w < width; w++) {
      if (inside && w == view->left) w += view->width;
      if (w >= width) break;
      memset(corner + h * view->rowStride + w * view->pixelStride, (unsigned char)view->zeroPoint, view->channels);
    }
  }
}

static void copyInterior(unsigned char *to, unsigned char *from, const struct view *view) {
  for (size_t h = 0; h < view->height; h++) {
    for (size_t w = 0; w < view->width; w++) {
      memcpy(pixelAt(to, view, h, w), pixelAt(from, view, h, w), view->channels);
    }
  }
}

/* A step may write its output's interior and its own memory, and nothing else. */
static void checkRest(int step) {
  const struct view *output = &steps[step].output;
  copyInterior(beforeStep, arena.start, output);
  memcpy(beforeStep + steps[step].scratchOffset, arena.start + steps[step].scratchOffset, steps[step].scratchBytes);
  for (size_t i = 0; i < arena.bytes; i++) {
    if (beforeStep[i] == arena.start[i]) continue;
    if (mismatches++ != 0) continue;
    printf("mismatch vector %" PRIu32 " layer \"%s\" (step %d) wrote outside its output, at byte %zu of the arena\n",
           vectorNumber, steps[step].name, step, i);
  }
}

static void testStep(int step) {
  const unsigned char *at = payload;
  memset(arena.start, 0xAA, arena.bytes);
  for (size_t i = 0; i < steps[step].inputCount; i++) {
    const struct view *view = &steps[step].inputs[i];
    fillFrame(arena.start, view);
    for (size_t h = 0; h < view->height; h++) {
      for (size_t w = 0; w < view->width; w++, at += view->channels) {
        memcpy(pixelAt(arena.start, view, h, w), at, view->channels);
      }
    }
  }
  memcpy(beforeStep, arena.start, arena.bytes);
  runStep(step);
  compare(step, arena.start, at);
  checkRest(step);
  checkGuards();
}

/* ---- the file ---- */

static uint32_t fileCrc;

static void readBytes(FILE *file, unsigned char *to, size_t count) {
  if (fread(to, 1, count, file) != count) fail("malformed vectors: the file ends too early");
}

static size_t payloadSize(uint32_t kind, uint32_t step) {
  size_t size = 0;
  if (kind == oneStep) {
    if (step >= STEPS || !steps[step].alone) fail("malformed vectors: no such step");
    for (size_t i = 0; i < steps[step].inputCount; i++) size += sizeOfView(&steps[step].inputs[i]);
    return size + sizeOfView(&steps[step].output);
  }
  if (kind != everyByte && kind != checksums) fail("malformed vectors: unknown kind of record");
  for (int i = 0; i < INPUTS; i++) size += inputs[i].bytes;
  for (int i = 0; i < STEPS; i++) size += kind == checksums ? 4 : sizeOfView(&steps[i].output);
  for (int i = 0; i < OUTPUTS; i++) size += outputs[i].bytes;
  return size;
}

/* Returns 0 at the end of the file. */
static int readRecord(FILE *file, uint32_t *kind, uint32_t *step) {
  unsigned char header[12];
  readBytes(file, header, sizeof header);
  *kind = wordAt(header);
  *step = wordAt(header + 4);
  size_t length = wordAt(header + 8);
  if (*kind == UINT32_MAX) {
    unsigned char crc[4];
    readBytes(file, crc, sizeof crc);
    if (*step != vectorNumber || length != 4) fail("malformed vectors: wrong number of records");
    if (wordAt(crc) != fileCrc) fail("malformed vectors: wrong checksum");
    if (fgetc(file) != EOF) fail("malformed vectors: something follows the end");
    return 0;
  }
  if (length != payloadSize(*kind, *step)) fail("malformed vectors: wrong length of a record");
  readBytes(file, payload, length);
  fileCrc = crc32(crc32(fileCrc, header, sizeof header), payload, length);
  return 1;
}

static int testVectors(const char *path) {
  unsigned char header[16];
  uint32_t kind, step;
  vectorsPath = path;
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail("cannot be opened");
  readBytes(file, header, sizeof header);
  if (memcmp(header, "NNVECTOR", 8) != 0 || wordAt(header + 8) != 1) fail("malformed vectors: not a file of this version");
  if (wordAt(header + 12) != UINT32_C(0xCFF47DAD)) fail("these vectors were made for another program");
  fileCrc = crc32(0, header, sizeof header);
  for (; readRecord(file, &kind, &step); vectorNumber++) {
    if (kind == oneStep) testStep((int)step);
    else testNetwork((int)kind);
  }
  fclose(file);
  printf("vectors %" PRIu32 " bytes %" PRIu64 " mismatches %" PRIu64 "\n", vectorNumber, bytesCompared, mismatches);
  return mismatches == 0 ? 0 : 1;
}

/* ---- counting instructions ---- */

static int repeat(int step, long count) {
  for (int i = 0; i < INPUTS; i++) {
    for (size_t k = 0; k < inputs[i].bytes; k++) inputs[i].start[k] = (unsigned char)(31 * k);
  }
  for (size_t k = 0; k < arena.bytes; k++) arena.start[k] = (unsigned char)(31 * k);
  for (long i = 0; i < count; i++) {
    if (step >= 0) runStep(step);
    else if (runProgram() != 0) return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  seal(&arena);
  for (int i = 0; i < INPUTS; i++) seal(&inputs[i]);
  for (int i = 0; i < OUTPUTS; i++) seal(&outputs[i]);
  if (argc == 2 && argv[1][0] != '-') return testVectors(argv[1]);
  if (argc == 3 && strcmp(argv[1], "--repeat") == 0) return repeat(-1, strtol(argv[2], NULL, 10));
  if (argc == 4 && strcmp(argv[1], "--repeat-step") == 0) {
    long step = strtol(argv[2], NULL, 10);
    if (step >= 0 && step < STEPS) return repeat((int)step, strtol(argv[3], NULL, 10));
  }
  fprintf(stderr, "usage: %s VECTORS | --repeat N | --repeat-step I N (I from 0 to %d)\n", argv[0], STEPS - 1);
  return 2;
}
