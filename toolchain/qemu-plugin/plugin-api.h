/* SPDX-License-Identifier: Apache-2.0
 *
 * The few declarations of QEMU's TCG plugin interface, version 1 (QEMU 6.0 to 8.2), that count.c uses. Distributions package
 * no header for it, and QEMU's own is GPL; these declarations follow the documented interface.
 */
#ifndef NEONARROW_PLUGIN_API_H
#define NEONARROW_PLUGIN_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLUGIN_EXPORT __attribute__((visibility("default")))

enum { PLUGIN_API_VERSION = 1 };

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef struct qemu_info_t {
  const char *target_name;
  struct {
    int min;
    int cur;
  } version;
  bool system_emulation;
  union {
    struct {
      int smp_vcpus;
      int max_vcpus;
    } system;
  };
} qemu_info_t;

enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

typedef void (*tb_translated_callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*at_exit_callback)(qemu_plugin_id_t id, void *userdata);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_translated_callback callback);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, at_exit_callback callback, void *userdata);

/* Adds `amount` to *counter whenever the block is entered, in generated code: no call, so it costs next to nothing. */
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op, void *counter,
                                              uint64_t amount);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
char *qemu_plugin_insn_disas(const struct qemu_plugin_insn *insn);         /* the caller frees it */
const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *insn);  /* NULL when unknown; lives as long as QEMU */

#endif
