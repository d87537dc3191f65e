/*
 * resp/pool.h -- spare blocks for input and output.
 *
 * A session needs memory for input and output while it has some, which for most of the clients of a
 * server is no time at all. So sessions borrow blocks and give them back when they are empty: an
 * idle session holds none, and the sessions of one thread take turns with the same two, which stay
 * in the cache.
 *
 * Each worker has a slot of its own in the pool, but a slot may be used by any thread: taking and
 * giving are exchanges of one pointer. An empty slot falls back on malloc(), a full one on free().
 */
#ifndef KV_RESP_POOL_H
#define KV_RESP_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
    POOL_BLOCK_SIZE = 32 * 1024, /* 300 requests of a SET of 64 bytes; a read rarely brings more */
    POOL_SLOTS = 64,
    POOL_SPARES = 3
};

struct pool {
    struct pool_slot {
        _Alignas(64) _Atomic(void *) spares[POOL_SPARES];
    } slots[POOL_SLOTS];
};

/* A block of POOL_BLOCK_SIZE bytes, or NULL. */
void *pool_take(struct pool *pool, unsigned slot);

/* Gives back a block of that size, whoever allocated it by malloc(). */
void pool_give(struct pool *pool, unsigned slot, void *block);

void pool_clear(struct pool *pool);

#endif
