/*
 * bench/store.h -- what programs that use the library in their own process share: keys, checks,
 * fences, options.
 */
#ifndef KV_BENCH_STORE_H
#define KV_BENCH_STORE_H

#include "kvstore.h"
#include "measure.h"

#include <stdatomic.h>

struct key {
    char bytes[KEY_SIZE];
};

static inline struct key make_key(const char *prefix, uint64_t number)
{
    struct key key;
    write_key(key.bytes, prefix, number);
    return key;
}

static inline kv_slice key_slice(const struct key *key)
{
    return KV_BYTES(key->bytes, KEY_SIZE);
}

static inline void must(kv_status status)
{
    if (status != KV_OK) fail("the store says: %s", kv_strerror(status));
}

/* `waits`: what was begun is complete before the next begins (see README.md, fences). */
static inline void end_operation(bool waits)
{
    if (!waits) return;
#if defined(__x86_64__)
    __asm__ volatile("lfence" : : : "memory");
#elif defined(__aarch64__)
    __asm__ volatile("dsb ish\n\tisb" : : : "memory");
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* The number after `name` among the arguments from `first` on, which come in pairs. */
static inline uint64_t parse_option(int argc, char **argv, int first, const char *name,
                                    uint64_t number)
{
    for (int i = first; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], name) != 0) continue;
        char *end;
        number = strtoull(argv[i + 1], &end, 10);
        if (*end != 0 || number == 0) fail("%s wants a number above 0", name);
    }
    return number;
}

#endif
