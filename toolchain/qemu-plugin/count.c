/* SPDX-License-Identifier: Apache-2.0
 *
 * A QEMU TCG plugin that counts executed guest instructions.
 *
 *   qemu-aarch64 -plugin file=./count.so,out=PATH[,mix=on][,symbols=on][,start=ADDRESS,end=ADDRESS] PROGRAM…
 *
 *   out=PATH          where the counts go (`-` or absent: stderr), one `name value` a line
 *   mix=on            also by class: multiply, flush, load, store, other (their sum is `instructions`)
 *   symbols=on        also `symbol NAME count` for each function entered, in order of first translation
 *   start=A,end=B     only instructions at addresses in [A, B), decimal or 0x…
 *
 * A kernel costs the difference between runs of N and of N + 1 repeats: start-up, libc and the checks cancel out.
 *
 * Counts are added once per translated block, when it is entered. That is exact as long as no instruction faults, since in
 * user mode only a block's last instruction can branch. Counters are not atomic: programs with threads are not supported.
 */
#define _POSIX_C_SOURCE 200809L /* strdup, under -std=c11 too */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin-api.h"

enum instruction_class { MULTIPLY, FLUSH, LOAD, STORE, OTHER, CLASSES };

static const char *const class_names[CLASSES] = {"multiply", "flush", "load", "store", "other"};

/* Mnemonics as capstone and QEMU print them, a class each; an entry ending in `*` is a prefix. The first match wins. */
static const struct {
  const char *mnemonic;
  enum instruction_class class;
} mnemonics[] = {
    /* sqrdmulh belongs to the requantization, not to the convolution's work: it counts as other. */
    {"smlal*", MULTIPLY}, {"umlal*", MULTIPLY},  {"smull*", MULTIPLY}, {"umull*", MULTIPLY},  {"smlsl*", MULTIPLY},
    {"mla", MULTIPLY},    {"mul", MULTIPLY},     {"mls", MULTIPLY},    {"madd", MULTIPLY},    {"sdot", MULTIPLY},
    {"udot", MULTIPLY},   {"usdot", MULTIPLY},   {"smmla", MULTIPLY},  {"usmmla", MULTIPLY},  {"fmla", MULTIPLY},
    {"smaddl", MULTIPLY}, {"vmlal*", MULTIPLY},  {"vmull*", MULTIPLY}, {"vmla*", MULTIPLY},   {"vmul*", MULTIPLY},
    {"vsdot*", MULTIPLY}, {"sadalp", FLUSH},     {"uadalp", FLUSH},    {"saddlp", FLUSH},     {"uaddlp", FLUSH},
    {"addp", FLUSH},      {"saddlv", FLUSH},     {"addv", FLUSH},      {"saddw*", FLUSH},     {"saddl*", FLUSH},
    {"vpadal*", FLUSH},   {"vpaddl*", FLUSH},    {"vpadd*", FLUSH},    {"vaddw*", FLUSH},     {"vaddl*", FLUSH},
    {"ld*", LOAD},        {"vld*", LOAD},        {"st*", STORE},       {"vst*", STORE},
};

struct symbol {
  const char *name;
  uint64_t count;
  struct symbol *next;
};

static struct {
  const char *out;
  bool mix;
  bool symbols;
  uint64_t start;
  uint64_t end;
} options = {.end = UINT64_MAX};

static uint64_t instructions;
static uint64_t by_class[CLASSES];
static struct symbol *first_symbol;
static struct symbol **last_symbol = &first_symbol;

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_API_VERSION;
PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);

static bool matches(const char *mnemonic, size_t length, const char *pattern) {
  size_t pattern_length = strlen(pattern);
  if (pattern[pattern_length - 1] == '*') {
    return length >= pattern_length - 1 && strncmp(mnemonic, pattern, pattern_length - 1) == 0;
  }
  return length == pattern_length && strncmp(mnemonic, pattern, length) == 0;
}

/* At translation time, so a loop's instruction is disassembled once, however often it runs. */
static enum instruction_class classify(const struct qemu_plugin_insn *insn) {
  enum instruction_class class = OTHER;
  char *text = qemu_plugin_insn_disas(insn);
  if (text == NULL) return OTHER;
  size_t length = strcspn(text, " \t.");
  for (size_t i = 0; i < sizeof mnemonics / sizeof mnemonics[0]; i++) {
    if (matches(text, length, mnemonics[i].mnemonic)) {
      class = mnemonics[i].class;
      break;
    }
  }
  free(text);
  return class;
}

static struct symbol *find_symbol(const char *name) {
  for (struct symbol *symbol = first_symbol; symbol != NULL; symbol = symbol->next) {
    if (strcmp(symbol->name, name) == 0) return symbol;
  }
  struct symbol *symbol = calloc(1, sizeof *symbol);
  if (symbol == NULL) abort();
  symbol->name = name;
  *last_symbol = symbol;
  last_symbol = &symbol->next;
  return symbol;
}

static void add_on_entry(struct qemu_plugin_tb *tb, uint64_t *counter, uint64_t amount) {
  if (amount != 0) qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, counter, amount);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  uint64_t counted = 0;
  uint64_t classes[CLASSES] = {0};
  const char *run_name = NULL; /* a block can run on from one function into the next: count each function's part */
  uint64_t run_length = 0;

  for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    uint64_t address = qemu_plugin_insn_vaddr(insn);
    if (address < options.start || address >= options.end) continue;
    counted++;
    if (options.mix) classes[classify(insn)]++;
    if (!options.symbols) continue;
    const char *name = qemu_plugin_insn_symbol(insn);
    if (name == NULL || *name == '\0') name = "?";
    if (run_name != NULL && strcmp(run_name, name) != 0) {
      add_on_entry(tb, &find_symbol(run_name)->count, run_length);
      run_length = 0;
    }
    run_name = name;
    run_length++;
  }

  add_on_entry(tb, &instructions, counted);
  for (int class = 0; class < CLASSES; class++) add_on_entry(tb, &by_class[class], classes[class]);
  if (run_name != NULL) add_on_entry(tb, &find_symbol(run_name)->count, run_length);
}

static void on_exit_of_guest(qemu_plugin_id_t id, void *userdata) {
  (void)id;
  (void)userdata;
  bool to_stderr = options.out == NULL || strcmp(options.out, "-") == 0;
  FILE *file = to_stderr ? stderr : fopen(options.out, "w");
  if (file == NULL) {
    perror(options.out);
    return;
  }
  fprintf(file, "instructions %llu\n", (unsigned long long)instructions);
  for (int class = 0; options.mix && class < CLASSES; class++) {
    fprintf(file, "%s %llu\n", class_names[class], (unsigned long long)by_class[class]);
  }
  for (const struct symbol *symbol = first_symbol; symbol != NULL; symbol = symbol->next) {
    fprintf(file, "symbol %s %llu\n", symbol->name, (unsigned long long)symbol->count);
  }
  if (to_stderr) {
    fflush(file);
  } else if (fclose(file) != 0) {
    perror(options.out);
  }
}

/* Arguments arrive as `key=value`; QEMU completes a bare `key` to `key=on`. A path is copied: QEMU promises nothing about how long they live. */
static bool parse_option(const char *argument) {
  const char *value = strchr(argument, '=');
  if (value == NULL) return false;
  size_t length = (size_t)(value++ - argument);
  if (matches(argument, length, "out")) {
    options.out = strdup(value);
  } else if (matches(argument, length, "mix")) {
    options.mix = strcmp(value, "on") == 0;
  } else if (matches(argument, length, "symbols")) {
    options.symbols = strcmp(value, "on") == 0;
  } else if (matches(argument, length, "start")) {
    options.start = strtoull(value, NULL, 0);
  } else if (matches(argument, length, "end")) {
    options.end = strtoull(value, NULL, 0);
  } else {
    return false;
  }
  return true;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
  if (info->version.min > PLUGIN_API_VERSION || info->version.cur < PLUGIN_API_VERSION) {
    fprintf(stderr, "count: this QEMU does not speak plugin interface %d\n", PLUGIN_API_VERSION);
    return 1;
  }
  for (int i = 0; i < argc; i++) {
    if (!parse_option(argv[i])) {
      fprintf(stderr, "count: unknown argument \"%s\"\n", argv[i]);
      return 1;
    }
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_atexit_cb(id, on_exit_of_guest, NULL);
  return 0;
}
