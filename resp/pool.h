/*
 * resp/pool.h -- spare blocks for input and output.
 *
 * A session needs memory for input and output while it has some, which for most of the clients of a
 * server is no time at all. So sessions borrow blocks and give them back when they are empty: an
 * idle session holds none, and those of one thread take turns with the same few, which stay in the
 * cache.
 *
 *     slot  | first |-->| block |-->| block |--> NULL          the last given is the next taken
 *
 * Each worker has a slot of its own, so that its lock is nearly always free; but any thread may use
 * any slot. An empty slot falls back on malloc(), a full one on free().
 */
#ifndef KV_RESP_POOL_H
#define KV_RESP_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
    POOL_BLOCK_SIZE = 32 * 1024, /* 300 requests of a SET of 64 bytes; a read rarely brings more */
    POOL_SLOTS = 64,
    POOL_SPARES = 128 /* input and output of as many sessions as a loop serves side by side */
};

struct pool {
    struct pool_slot {
        _Alignas(64) atomic_flag is_locked;
        unsigned count;
        void *first; /* each block begins with the address of the next */
    } slots[POOL_SLOTS];
};

void pool_open(struct pool *pool);
void pool_close(struct pool *pool);

/* A block of POOL_BLOCK_SIZE bytes, or NULL. */
void *pool_take(struct pool *pool, unsigned slot);

/* Gives back a block of that size, whoever allocated it by malloc(). */
void pool_give(struct pool *pool, unsigned slot, void *block);

#endif
