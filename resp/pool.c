/*
 * resp/pool.c -- spare blocks for input and output.
 */
#include "resp/pool.h"

#include <stdlib.h>

void *pool_take(struct pool *pool, unsigned slot)
{
    struct pool_slot *mine = &pool->slots[slot % POOL_SLOTS];
    for (int i = 0; i < POOL_SPARES; i++) {
        if (atomic_load_explicit(&mine->spares[i], memory_order_relaxed) == NULL) continue;
        void *block = atomic_exchange_explicit(&mine->spares[i], NULL, memory_order_acquire);
        if (block != NULL) return block;
    }
    return malloc(POOL_BLOCK_SIZE);
}

void pool_give(struct pool *pool, unsigned slot, void *block)
{
    struct pool_slot *mine = &pool->slots[slot % POOL_SLOTS];
    for (int i = 0; i < POOL_SPARES; i++) {
        if (atomic_load_explicit(&mine->spares[i], memory_order_relaxed) != NULL) continue;
        block = atomic_exchange_explicit(&mine->spares[i], block, memory_order_acq_rel);
        if (block == NULL) return;
    }
    free(block);
}

void pool_clear(struct pool *pool)
{
    for (int slot = 0; slot < POOL_SLOTS; slot++)
        for (int i = 0; i < POOL_SPARES; i++)
            free(atomic_exchange(&pool->slots[slot].spares[i], NULL));
}
