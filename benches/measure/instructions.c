// A plugin of QEMU's user emulation: how many instructions the program has run.
// The number stands in a file, anew ten times a second:
//
//   cc -O2 -shared -fPIC -o count.so instructions.c
//   qemu-x86_64 -cpu max -plugin ./count.so,out=FILE PROGRAM
//
// Declares what it calls of the interface (version 1) itself: its header does
// not come with Debian's qemu-user.

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct block;
enum { REGISTERS_ARE_LEFT_ALONE = 0 };

extern size_t qemu_plugin_tb_n_insns(const struct block *);
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct block *));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct block *, void (*)(unsigned, void *), int, void *);

EXPORTED int qemu_plugin_version = 1;

enum { THREADS = 1024, PAUSE_US = 100000 };

// Of each thread in a cache line of its own, so that none waits for another.
static struct { _Alignas(64) uint64_t n; } counts[THREADS];
static char path[4096], next[4104];

static void ran(unsigned thread, void *n) { counts[thread % THREADS].n += (uintptr_t)n; }

static void translated(plugin_id id, struct block *block) {
  (void)id;
  void *n = (void *)(uintptr_t)qemu_plugin_tb_n_insns(block);
  qemu_plugin_register_vcpu_tb_exec_cb(block, ran, REGISTERS_ARE_LEFT_ALONE, n);
}

static void *report(void *unused) {
  for (;;) {
    uint64_t sum = 0;
    for (int i = 0; i < THREADS; i++) sum += counts[i].n;
    FILE *file = fopen(next, "w");
    if (file) {
      fprintf(file, "%llu\n", (unsigned long long)sum);
      fclose(file);
      rename(next, path);
    }
    usleep(PAUSE_US);
  }
  return unused;
}

EXPORTED int qemu_plugin_install(plugin_id id, const void *info, int n, char **arguments) {
  (void)info;
  for (int i = 0; i < n; i++) {
    if (!strncmp(arguments[i], "out=", 4)) snprintf(path, sizeof path, "%s", arguments[i] + 4);
  }
  if (!path[0]) return 1;
  snprintf(next, sizeof next, "%s.next", path);
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  pthread_t thread;
  return pthread_create(&thread, NULL, report, NULL);
}
